/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For this room alone: the header of a part, as it lies in the body. Pure.
 */
#ifndef MIME_BLOCK_H
#define MIME_BLOCK_H

#include <glib.h>
#include <stdbool.h>

/* Longer values are not looked into. */
#define BLOCK_VALUE_MAX ((gsize)64 * 1024)

typedef struct {
	const guint8 *start;
	gsize name_length;
	const guint8 *value; /* behind the colon */
	const guint8 *end; /* behind the line end of its last line */
} BlockField;

/* Behind the line that begins at p: its LF included. */
const guint8 *
block_line_end(const guint8 *p, const guint8 *end);

/* Whether a field begins at p: a name and a colon (RFC 5322 2.2). */
bool
block_is_field(const guint8 *p, const guint8 *end);

/* The field at p, folded lines included. false: none begins there. */
bool
block_next(const guint8 *p, const guint8 *end, BlockField *field_out);

/* ASCII case is ignored. */
bool
block_field_is(const BlockField *field, const char *name);

/* Unfolded, blanks around it taken off. NULL when it is longer than
 * BLOCK_VALUE_MAX or holds a NUL. Yours. */
char *
block_value(const BlockField *field);

#endif
