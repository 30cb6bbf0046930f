/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looks at the MIME fields of the root and at the headers of all parts. The
 * bytes of bodies are no matter of this file. Pure.
 */
#include "config.h"

#include "mime/rewrites.h"

#include <string.h>

#include "mime/block.h"

/* Sendmail's MAXMIMENESTING. The entity itself becomes a part of ours. */
#define LEVELS_MAX 20

/* Its MaxMimeHeaderLength is 2048 for a field and 1024 for a parameter. */
#define FIELD_MAX_BYTES 1000

/* Quotes and comments are closed, no backslash stands at the end. */
static bool
is_balanced(const char *text, gsize length)
{
	bool quoted = false;
	guint depth = 0;

	for (gsize i = 0; i < length; i++) {
		switch (text[i]) {
		case '\\':
			if (++i == length) {
				return false;
			}
			break;
		case '"':
			quoted = depth == 0 && !quoted;
			break;
		case '(':
			depth += quoted ? 0 : 1;
			break;
		case ')':
			if (!quoted && depth == 0) {
				return false;
			}
			depth -= quoted ? 0 : 1;
			break;
		default:
			break;
		}
	}
	return !quoted && depth == 0;
}

static bool
is_mime_field(const char *name, gsize length)
{
	return (length > 8 && g_ascii_strncasecmp(name, "Content-", 8) == 0) ||
	    (length >= 12 &&
		g_ascii_strncasecmp(name, "MIME-Version", 12) == 0);
}

static bool
is_kept(const char *value, gsize length)
{
	while (length > 0 && g_ascii_isspace(value[length - 1])) {
		length--;
	}
	return length <= FIELD_MAX_BYTES && is_balanced(value, length);
}

static bool
root_is_kept(const Fields *fields)
{
	for (guint i = 0; i < fields_count(fields); i++) {
		const char *name = fields_name(fields, i);
		const char *value = fields_value(fields, i);

		if (is_mime_field(name, strlen(name)) &&
		    !is_kept(value, strlen(value))) {
			return false;
		}
	}
	return true;
}

static bool
field_is_kept(const BlockField *field)
{
	const char *name = (const char *)field->start;

	/* A blank before the colon is obsolete, and taken off. */
	if (g_ascii_isspace(field->value[-2])) {
		return false;
	}
	return !is_mime_field(name, field->name_length) ||
	    is_kept(
		(const char *)field->value, (gsize)(field->end - field->value));
}

/* The header of a part: fields, if any, then an empty line. An attached
 * message must have fields; an empty part needs nothing. */
static bool
part_is_kept(const Structure *structure, const Part *part, const guint8 *data)
{
	const Part *parent = structure_part(structure, part->parent);
	const guint8 *p = data + part->header;
	const guint8 *end = data + part->start;
	BlockField field = { 0 };
	bool any = false;

	if (part->depth >= LEVELS_MAX) {
		return false;
	}
	while (p < end && block_next(p, end, &field)) {
		if (!field_is_kept(&field)) {
			return false;
		}
		any = true;
		p = field.end;
	}
	if (parent->kind == PART_MESSAGE && !any) {
		return false;
	}
	return part->start == part->end ||
	    (end - p == 2 && memcmp(p, "\r\n", 2) == 0);
}

bool
rewrites_expected(
    const Fields *fields, const Structure *structure, GBytes *body)
{
	const guint8 *data = g_bytes_get_data(body, NULL);

	if (!root_is_kept(fields)) {
		return true;
	}
	for (guint i = 1; i < structure_count(structure); i++) {
		if (!part_is_kept(
			structure, structure_part(structure, i), data)) {
			return true;
		}
	}
	return false;
}
