/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Headers of parts and of the protected entity. A blank at the end of a line
 * is moved behind the fold, where it means the same (RFC 5322 2.2.3), or taken
 * off at the end of a field, where it means nothing. Whether the result is
 * safe its caller finds out. Pure.
 */
#include "config.h"

#include "mime/headers.h"

#include <string.h>

#include "mime/block.h"

#define LABEL_NAME "Content-Transfer-Encoding"

static void
append_label(GString *text, const char *label)
{
	g_string_append_printf(text, LABEL_NAME ": %s\r\n", label);
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Appends lines (of one field, each ended by LF or the end) with CRLF; blanks
 * at the end of each go to the start of the next. */
static void
append_lines(GString *text, const char *p, const char *end)
{
	g_autoptr(GString) moved = g_string_new(NULL);

	while (p < end) {
		const char *lf = memchr(p, '\n', (gsize)(end - p));
		const char *stop = lf != NULL ? lf : end;
		const char *trimmed = stop;

		if (lf != NULL && lf > p && lf[-1] == '\r') {
			trimmed = --stop;
		}
		while (trimmed > p && is_blank(trimmed[-1])) {
			trimmed--;
		}
		if (trimmed > p) {
			g_string_append_len(
			    text, moved->str, (gssize)moved->len);
			g_string_append_len(text, p, trimmed - p);
			g_string_append(text, "\r\n");
			g_string_truncate(moved, 0);
		}
		g_string_append_len(moved, trimmed, stop - trimmed);
		p = lf != NULL ? lf + 1 : end;
	}
}

static bool
is_content_field(const char *name)
{
	return g_ascii_strncasecmp(name, "Content-", 8) == 0;
}

/*
 * RFC 2045 5.2: without a Content-Type it is this. Said aloud, because some
 * verifiers do not expect an entity that begins with an empty line. With bytes
 * over 127 the charset is anybody's guess, and that is left to the reader.
 */
static void
append_default(GString *text, bool eight_bit)
{
	g_string_append(text,
	    eight_bit ? "Content-Type: text/plain\r\n"
		      : "Content-Type: text/plain; charset=us-ascii\r\n");
}

GString *
headers_of_root(const Fields *fields, const char *label, bool eight_bit)
{
	GString *text = g_string_new(NULL);
	bool labelled = label == NULL;

	for (guint i = 0; i < fields_count(fields); i++) {
		const char *name = fields_name(fields, i);
		g_autofree char *field = NULL;

		if (!is_content_field(name)) {
			continue;
		}
		if (label != NULL &&
		    g_ascii_strcasecmp(name, LABEL_NAME) == 0) {
			append_label(text, label);
			labelled = true;
			continue;
		}
		field = g_strconcat(name, ":", fields_value(fields, i), NULL);
		append_lines(text, field, field + strlen(field));
	}
	if (text->len == 0) {
		append_default(text, eight_bit);
	}
	if (!labelled) {
		append_label(text, label);
	}
	return g_string_append(text, "\r\n");
}

GString *
headers_of_root_raw(const Fields *fields, bool eight_bit)
{
	GString *text = g_string_new(NULL);

	for (guint i = 0; i < fields_count(fields); i++) {
		if (!is_content_field(fields_name(fields, i))) {
			continue;
		}
		g_string_append_printf(text, "%s:", fields_name(fields, i));
		for (const char *p = fields_value(fields, i); *p != '\0'; p++) {
			if (*p == '\n') {
				g_string_append_c(text, '\r');
			}
			g_string_append_c(text, *p);
		}
		g_string_append(text, "\r\n");
	}
	if (text->len == 0) {
		append_default(text, eight_bit);
	}
	return g_string_append(text, "\r\n");
}

GString *
headers_of_part(
    const guint8 *data, gsize length, const char *label, bool in_message)
{
	const guint8 *p = data;
	const guint8 *end = data + length;
	g_autoptr(GString) text = g_string_new(NULL);
	BlockField field = { 0 };
	bool labelled = label == NULL;
	bool versioned = label == NULL || !in_message;

	while (p < end && block_next(p, end, &field)) {
		if (label != NULL && block_field_is(&field, LABEL_NAME)) {
			append_label(text, label);
			labelled = true;
		} else {
			append_lines(text, (const char *)field.start,
			    (const char *)field.end);
		}
		versioned |= block_field_is(&field, "MIME-Version");
		p = field.end;
	}
	if (end - p != 2 || memcmp(p, "\r\n", 2) != 0) {
		return NULL;
	}
	if (!versioned) {
		g_string_append(text, "MIME-Version: 1.0\r\n");
	}
	if (!labelled) {
		append_label(text, label);
	}
	return g_string_append(g_steal_pointer(&text), "\r\n");
}
