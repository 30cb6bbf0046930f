/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A message as a file holds it: split into fields and body, and put together
 * again (RFC 5322 2.1, 2.2). It reads what an MTA would take in, and gives the
 * header the form in which the milter protocol brings it. Nothing is copied of
 * a body that has CRLF already.
 */
#include "config.h"

#include "mime/message.h"

#include <string.h>

Message *
message_new(Fields *fields, GBytes *body)
{
	Message *message = g_new0(Message, 1);

	message->fields = fields;
	message->body = body;
	return message;
}

void
message_free(Message *message)
{
	if (message == NULL) {
		return;
	}
	fields_free(message->fields);
	g_bytes_unref(message->body);
	g_free(message);
}

typedef struct {
	const char *start;
	const char *end;  /* before CR LF */
	const char *next; /* behind it */
} Line;

/* false: the input is at its end. */
static bool
next_line(const char *p, const char *end, Line *line_out)
{
	const char *lf = NULL;

	if (p == end) {
		return false;
	}
	lf = memchr(p, '\n', (gsize)(end - p));
	*line_out = (Line){
		.start = p,
		.end = lf != NULL ? lf : end,
		.next = lf != NULL ? lf + 1 : end,
	};
	if (lf != NULL && lf > p && lf[-1] == '\r') {
		line_out->end--;
	}
	return true;
}

/* RFC 5322 2.2: printable but no colon; 4.5.3: blanks before the colon. */
static const char *
name_end(const Line *line, const char **value_out)
{
	const char *p = line->start;
	const char *end = NULL;

	while (p<line->end && * p> 32 && *p < 127 && *p != ':') {
		p++;
	}
	end = p;
	while (p < line->end && (*p == ' ' || *p == '\t')) {
		p++;
	}
	if (end == line->start || p == line->end || *p != ':') {
		return NULL;
	}
	*value_out = p + 1;
	return end;
}

/* libmilter gives strings: a NUL ends the value there, so it does here. false:
 * that was before the end. */
static bool
append_text(GString *text, const char *start, const char *end)
{
	gsize length = strnlen(start, (gsize)(end - start));

	g_string_append_len(text, start, (gssize)length);
	return length == (gsize)(end - start);
}

/* Reads one field and its folded lines. Behind it, or NULL: no field. */
static const char *
parse_field(Fields *fields, const Line *first, const char *end)
{
	g_autoptr(GString) value = g_string_new(NULL);
	g_autofree char *name = NULL;
	const char *start = NULL;
	const char *stop = name_end(first, &start);
	Line line = *first;
	const char *p = first->next;
	bool whole = true;

	if (stop == NULL) {
		return NULL;
	}
	name = g_strndup(first->start, (gsize)(stop - first->start));
	whole = append_text(value, start, first->end);
	while (
	    p < end && (*p == ' ' || *p == '\t') && next_line(p, end, &line)) {
		g_string_append_c(value, '\n');
		whole = append_text(value, line.start, line.end) && whole;
		p = line.next;
	}
	fields_add(fields, name, value->str);
	if (!whole) {
		fields_note_cut(fields);
	}
	return p;
}

/* Where the body begins. */
static const char *
parse_header(Fields *fields, const char *p, const char *end)
{
	Line line = { 0 };

	while (next_line(p, end, &line)) {
		const char *next = NULL;

		if (line.start == line.end) {
			return line.next;
		}
		next = parse_field(fields, &line, end);
		if (next == NULL) {
			return p;
		}
		p = next;
	}
	return p;
}

static const char *
skip_mbox_line(const char *p, const char *end)
{
	Line line = { 0 };

	if (end - p > 5 && memcmp(p, "From ", 5) == 0 &&
	    next_line(p, end, &line)) {
		return line.next;
	}
	return p;
}

/* A CR that stands before an LF already is not doubled. */
static GBytes *
lines_to_crlf(const char *p, const char *end)
{
	GByteArray *out = g_byte_array_sized_new((guint)(end - p));
	Line line = { 0 };

	while (next_line(p, end, &line)) {
		g_byte_array_append(out, (const guint8 *)line.start,
		    (guint)(line.end - line.start));
		if (line.next > line.end) {
			g_byte_array_append(out, (const guint8 *)"\r\n", 2);
		}
		p = line.next;
	}
	return g_byte_array_free_to_bytes(out);
}

Message *
message_parse(GBytes *raw, bool *crlf_out)
{
	gsize length = 0;
	const char *data = g_bytes_get_data(raw, &length);
	const char *start = length > 0 ? data : "";
	const char *end = start + length;
	const char *body = NULL;
	const char *lf = length > 0 ? memchr(start, '\n', length) : NULL;
	bool crlf = lf != NULL && lf > start && lf[-1] == '\r';
	Fields *fields = fields_new();

	if (length > 0) {
		body = parse_header(fields, skip_mbox_line(start, end), end);
	}
	*crlf_out = crlf;
	if (body == NULL || body == end) {
		return message_new(fields, g_bytes_new_static("", 0));
	}
	if (!crlf) {
		return message_new(fields, lines_to_crlf(body, end));
	}
	return message_new(fields,
	    g_bytes_new_from_bytes(
		raw, (gsize)(body - start), (gsize)(end - body)));
}

/* The runs of rope with each CRLF turned into LF, also one on a seam. */
static void
append_lf(const Rope *rope, GByteArray *out)
{
	for (guint i = 0; i < rope_count(rope); i++) {
		RopeRun run = rope_run(rope, i);
		const guint8 *p = run.data;
		const guint8 *end = p + run.length;

		while (p < end) {
			const guint8 *lf = memchr(p, '\n', (gsize)(end - p));
			const guint8 *stop = lf != NULL ? lf : end;

			g_byte_array_append(out, p, (guint)(stop - p));
			if (lf == NULL) {
				break;
			}
			if (out->len > 0 && out->data[out->len - 1] == '\r') {
				g_byte_array_set_size(out, out->len - 1);
			}
			g_byte_array_append(out, lf, 1);
			p = lf + 1;
		}
	}
}

Rope *
message_write(const Fields *fields, const Rope *body, bool crlf)
{
	g_autoptr(Rope) rope = rope_new();
	g_autoptr(GBytes) bytes = NULL;
	GByteArray *lines = NULL;
	Rope *result = NULL;

	for (guint i = 0; i < fields_count(fields); i++) {
		fields_write(fields, i, rope);
	}
	rope_append_copy(rope, "\r\n", 2);
	rope_append_rope(rope, body);
	if (crlf) {
		return g_steal_pointer(&rope);
	}
	lines = g_byte_array_sized_new((guint)rope_length(rope));
	append_lf(rope, lines);
	bytes = g_byte_array_free_to_bytes(lines);
	result = rope_new();
	rope_append_bytes(result, bytes);
	return result;
}
