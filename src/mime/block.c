/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the header fields of a part in place (RFC 5322 2.2, RFC 2045 3). A
 * line ends with LF, a CR before it belongs to the line end. Copies nothing
 * but values that are asked for.
 */
#include "config.h"

#include "mime/block.h"

#include <string.h>

const guint8 *
block_line_end(const guint8 *p, const guint8 *end)
{
	const guint8 *lf = memchr(p, '\n', (gsize)(end - p));

	return lf != NULL ? lf + 1 : end;
}

static bool
is_blank(guint8 c)
{
	return c == ' ' || c == '\t';
}

/* At the colon behind the name, with *length_out bytes of name; or NULL. */
static const guint8 *
find_colon(const guint8 *p, const guint8 *end, gsize *length_out)
{
	const guint8 *start = p;

	while (p<end && * p> 32 && *p < 127 && *p != ':') {
		p++;
	}
	if (p == start) {
		return NULL;
	}
	*length_out = (gsize)(p - start);
	while (p < end && is_blank(*p)) {
		p++;
	}
	return p < end && *p == ':' ? p : NULL;
}

bool
block_is_field(const guint8 *p, const guint8 *end)
{
	gsize length = 0;

	return find_colon(p, end, &length) != NULL;
}

bool
block_next(const guint8 *p, const guint8 *end, BlockField *field_out)
{
	BlockField field = { .start = p };
	const guint8 *colon = find_colon(p, end, &field.name_length);

	if (colon == NULL) {
		return false;
	}
	field.value = colon + 1;
	field.end = block_line_end(field.value, end);
	while (field.end < end && is_blank(*field.end)) {
		field.end = block_line_end(field.end, end);
	}
	*field_out = field;
	return true;
}

bool
block_field_is(const BlockField *field, const char *name)
{
	return strlen(name) == field->name_length &&
	    g_ascii_strncasecmp(
		(const char *)field->start, name, field->name_length) == 0;
}

char *
block_value(const BlockField *field)
{
	gsize length = (gsize)(field->end - field->value);
	g_autofree char *text = NULL;
	char *end = NULL;

	if (length > BLOCK_VALUE_MAX ||
	    memchr(field->value, '\0', length) != NULL) {
		return NULL;
	}
	text = g_malloc(length + 1);
	end = text;
	for (gsize i = 0; i < length; i++) {
		bool folds = field->value[i] == '\n' ||
		    (field->value[i] == '\r' && i + 1 < length &&
			field->value[i + 1] == '\n');

		if (!folds) {
			*end++ = (char)field->value[i];
		}
	}
	*end = '\0';
	return g_strstrip(g_steal_pointer(&text));
}
