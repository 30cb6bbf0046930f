/* SPDX-License-Identifier: Apache-2.0 */
/* See mime-judge.h. */
#include "config.h"

#include "mime-judge.h"

#include <gmime/gmime.h>
#include <string.h>

#include "mime/structure.h"

const char *
judge_hazard(const guint8 *data, gsize length)
{
	gsize line = 0;

	for (gsize i = 0; i < length; i++) {
		guint8 next = i + 1 < length ? data[i + 1] : 0;

		if (data[i] == 0 || data[i] > 127) {
			return "a byte that is 0 or over 127";
		}
		if (data[i] == '\r' && next != '\n') {
			return "a bare CR";
		}
		if (data[i] == '\n' && (i == 0 || data[i - 1] != '\r')) {
			return "a bare LF";
		}
		if ((data[i] == ' ' || data[i] == '\t') &&
		    (next == '\r' || i + 1 == length)) {
			return "a blank at a line end";
		}
		if (line == 0 && length - i >= 5 &&
		    memcmp(data + i, "From ", 5) == 0) {
			return "From at a line start";
		}
		if (data[i] != '\r' && data[i] != '\n' && ++line > 990) {
			return "a line over 990";
		}
		if (data[i] == '\n') {
			line = 0;
		}
	}
	return NULL;
}

static void
append_leaf(GString *text, guint depth, const char *type, const guint8 *data,
    gsize length)
{
	g_autofree char *digest =
	    g_compute_checksum_for_data(G_CHECKSUM_SHA256, data, length);

	g_string_append_printf(text, "%u %s %" G_GSIZE_FORMAT " bytes %.16s\n",
	    depth, type, length, digest);
}

char *
judge_leaves(const Fields *fields, GBytes *body)
{
	g_autoptr(Structure) structure =
	    structure_scan(fields, body, 10000, 100, NULL);
	GString *text = NULL;

	if (structure == NULL) {
		return NULL;
	}
	text = g_string_new(NULL);
	for (guint i = 0; i < structure_count(structure); i++) {
		const Part *part = structure_part(structure, i);
		g_autoptr(GBytes) content = NULL;
		gsize length = 0;
		const guint8 *data = NULL;

		if (part->kind != PART_LEAF) {
			g_string_append_printf(
			    text, "%u %s\n", part->depth, part->type);
			continue;
		}
		content = structure_decode(structure, i, G_MAXUINT / 2, NULL);
		data = g_bytes_get_data(content, &length);
		append_leaf(text, part->depth, part->type, data, length);
	}
	return g_string_free(text, FALSE);
}

static void
append_object(GString *text, guint depth, GMimeObject *object)
{
	GMimeContentType *content_type = g_mime_object_get_content_type(object);
	g_autofree char *name = g_mime_content_type_get_mime_type(content_type);
	g_autofree char *type = g_ascii_strdown(name, -1);

	if (GMIME_IS_MULTIPART(object)) {
		GMimeMultipart *multipart = GMIME_MULTIPART(object);

		g_string_append_printf(text, "%u %s\n", depth, type);
		for (int i = 0; i < g_mime_multipart_get_count(multipart);
		     i++) {
			append_object(text, depth + 1,
			    g_mime_multipart_get_part(multipart, i));
		}
	} else if (GMIME_IS_MESSAGE_PART(object)) {
		GMimeMessage *message =
		    g_mime_message_part_get_message(GMIME_MESSAGE_PART(object));

		g_string_append_printf(text, "%u %s\n", depth, type);
		append_object(
		    text, depth + 1, g_mime_message_get_mime_part(message));
	} else if (GMIME_IS_PART(object)) {
		GMimeStream *stream = g_mime_stream_mem_new();
		GMimeDataWrapper *content =
		    g_mime_part_get_content(GMIME_PART(object));
		GByteArray *bytes = NULL;

		if (content != NULL) {
			g_mime_data_wrapper_write_to_stream(content, stream);
		}
		bytes =
		    g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(stream));
		append_leaf(text, depth, type, bytes->data, bytes->len);
		g_object_unref(stream);
	}
}

char *
judge_leaves_by_gmime(GBytes *raw)
{
	gsize length = 0;
	const char *data = g_bytes_get_data(raw, &length);
	GMimeStream *stream = NULL;
	GMimeParser *parser = NULL;
	GMimeMessage *message = NULL;
	GString *text = g_string_new(NULL);

	g_mime_init();
	stream = g_mime_stream_mem_new_with_buffer(data, length);
	parser = g_mime_parser_new_with_stream(stream);
	message = g_mime_parser_construct_message(parser, NULL);
	if (message != NULL) {
		append_object(text, 0, g_mime_message_get_mime_part(message));
		g_object_unref(message);
	}
	g_object_unref(parser);
	g_object_unref(stream);
	return g_string_free(text, FALSE);
}
