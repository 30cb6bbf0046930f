/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The header of a message as the MTA gave it: fields in order, raw. A value is
 * everything behind the colon: the leading blank is kept, a fold is LF and the
 * blank or tab that follows, no line end at the end (the form of libmilter
 * with SMFIP_HDR_LEADSPC). Bytes are not NUL-safe: libmilter gives strings.
 */
#ifndef MIME_FIELDS_H
#define MIME_FIELDS_H

#include <glib.h>
#include <stdbool.h>

#include "base/rope.h"

typedef struct Fields Fields;

Fields *
fields_new(void);
void
fields_free(Fields *fields);
Fields *
fields_copy(const Fields *fields);

/* Both copied. A later fields_add() makes borrowed names and values invalid. */
void
fields_add(Fields *fields, const char *name, const char *value);
void
fields_insert(Fields *fields, guint position, const char *name,
    const char *value);
void
fields_remove(Fields *fields, guint position);

/* Something of a value was lost, behind a NUL: what a reader of the mail sees
 * there is not known. */
void
fields_note_cut(Fields *fields);
bool
fields_are_cut(const Fields *fields);

guint
fields_count(const Fields *fields);
/* Name bytes, colons, values and line ends: what limits.headers counts. */
gsize
fields_size(const Fields *fields);
/* Borrowed. */
const char *
fields_name(const Fields *fields, guint i);
const char *
fields_value(const Fields *fields, guint i);

/*
 * The value of the nth (from 1) field of that name, ASCII case ignored; NULL
 * when there is none. Borrowed.
 */
const char *
fields_find(const Fields *fields, const char *name, guint nth);
guint
fields_count_of(const Fields *fields, const char *name);
/* The occurrence number (from 1) that field i has among those of its name:
 * what smfi_chgheader() wants. */
guint
fields_occurrence(const Fields *fields, guint i);
/* The same of all fields at once, in linear time. Yours, g_free(). */
guint *
fields_occurrences(const Fields *fields);

/* RFC 5322 unfolding (each LF removed, the blank behind it stays) and
 * surrounding blanks taken off. Yours. */
char *
fields_unfold(const char *value);
/* Unfolded, RFC 2047 words decoded, UTF-8. Yours. */
char *
fields_decode(const char *value);

/* Appends "Name:value" with CRLF line ends to rope. */
void
fields_write(const Fields *fields, guint i, Rope *rope);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Fields, fields_free)

#endif
