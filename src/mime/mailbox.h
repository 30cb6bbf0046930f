/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For this room alone: the grammar of one mailbox, taken literally. Pure.
 */
#ifndef MIME_MAILBOX_H
#define MIME_MAILBOX_H

#include <glib.h>
#include <stdbool.h>

/*
 * text: an unfolded field value. When it is exactly one mailbox of RFC 5322
 * 3.4 (RFC 6532: with UTF-8), its addr-spec without comments and blanks, the
 * local part quoted as it was; else NULL. Yours.
 */
char *
mailbox_parse(const char *text);

/* A local part in quotes without them and without its backslashes. NULL when
 * it is none (nothing inside, a quote too few, control bytes). Yours. */
char *
mailbox_unquote(const char *text, gsize length);

/* atext of RFC 5322 3.2.3, or a byte of UTF-8. */
bool
mailbox_is_atext(char c);

#endif
