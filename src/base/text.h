/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small helpers for text that came from outside. Nothing here knows mail.
 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <glib.h>
#include <stdbool.h>

/*
 * Foreign text made fit for one line of a log or terminal: control bytes and
 * invalid UTF-8 become '?', more than max bytes are cut with "...". Yours.
 */
char *
text_clean(const char *text, gsize max);

/*
 * Appends " name=value" (no blank when line is empty). value is cleaned; one
 * with blanks, quotes or '=', or empty, is put in double quotes with \" and
 * \\ escaped. NULL is written as "-".
 */
void
text_append_field(GString *line, const char *name, const char *value);

/* ASCII letters lowered, every other byte as it is. Yours. */
char *
text_fold(const char *text);

/* Equal when ASCII case is ignored; NULL equals NULL only. */
bool
text_equal_fold(const char *a, const char *b);

/* Lower-case hex of length bytes. Yours. */
char *
text_hex(const guint8 *bytes, gsize length);

/*
 * RFC 3339 in UTC ("2026-11-21T03:31:00Z") of seconds since 1970. Yours.
 */
char *
text_time(gint64 seconds);

/* The reverse; accepts "Z" only. false: not such a time. */
bool
text_parse_time(const char *text, gint64 *seconds_out);

#endif
