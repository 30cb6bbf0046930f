/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes a body with its remedies. The body is gone through once, in the order
 * of its bytes: up to each place that changes it is taken over by reference,
 * what replaces it goes into a spool, and in the end both are one rope. No
 * recursion: what is open is kept in a list.
 */
#include "config.h"

#include "mime/remedies.h"

#include <string.h>

#include "base/spool.h"
#include "mime/hazards.h"
#include "mime/transfer.h"

/* A run of the result: out of the body, or out of the spool. */
typedef struct {
	bool spooled;
	gsize offset;
	gsize length;
} Piece;

typedef struct {
	const Remedies *remedies;
	const Structure *structure;
	const guint8 *data; /* the body, never NULL */
	gsize size;
	Spool *spool;
	GArray *pieces;
	gsize cursor;   /* the body is dealt with up to here */
	gsize *gap;     /* where the next delimiter of a multipart may begin */
	bool line_open; /* what we wrote last lacks its CRLF */
} Writing;

static void
add_piece(Writing *writing, bool spooled, gsize offset, gsize length)
{
	Piece piece = { spooled, offset, length };
	Piece *last = writing->pieces->len > 0
	    ? &g_array_index(writing->pieces, Piece, writing->pieces->len - 1)
	    : NULL;

	if (length == 0) {
		return;
	}
	if (last != NULL && last->spooled == spooled &&
	    last->offset + last->length == offset) {
		last->length += length;
		return;
	}
	g_array_append_val(writing->pieces, piece);
}

static bool
put_text(Writing *writing, const char *text, gsize length, GError **error)
{
	gsize offset = spool_length(writing->spool);

	if (!spool_write(writing->spool, text, length, error)) {
		return false;
	}
	add_piece(writing, true, offset, length);
	return true;
}

/* Ends the last line of what we wrote, unless a line end follows in the body,
 * which goes on up to to. */
static bool
end_line(Writing *writing, gsize to, GError **error)
{
	bool open = writing->line_open;
	bool follows = to - writing->cursor >= 2 &&
	    memcmp(writing->data + writing->cursor, "\r\n", 2) == 0;

	writing->line_open = false;
	return !open || follows || put_text(writing, "\r\n", 2, error);
}

/* The body as it is, from the cursor up to here. */
static bool
keep_until(Writing *writing, gsize to, GError **error)
{
	if (to == writing->cursor) {
		return true;
	}
	if (!end_line(writing, to, error)) {
		return false;
	}
	add_piece(writing, false, writing->cursor, to - writing->cursor);
	writing->cursor = to;
	return true;
}

static bool
put_header(
    Writing *writing, const Part *part, const Remedy *remedy, GError **error)
{
	if (remedy->header == NULL) {
		return true;
	}
	if (!keep_until(writing, part->header, error) ||
	    !put_text(
		writing, remedy->header->str, remedy->header->len, error)) {
		return false;
	}
	writing->cursor = part->start;
	return true;
}

static bool
is_base64(const Part *part, const Remedy *remedy)
{
	return remedy->work == WORK_ENCODE_BASE64 ||
	    (remedy->work == WORK_REWRITE && part->encoding == ENCODING_BASE64);
}

static bool
put_leaf(
    Writing *writing, const Part *part, const Remedy *remedy, GError **error)
{
	const guint8 *data = writing->data + part->start;
	gsize length = part->end - part->start;
	gsize offset = 0;
	bool ok = false;

	if (remedy->work == WORK_NONE) {
		return true;
	}
	if (!keep_until(writing, part->start, error)) {
		return false;
	}
	offset = spool_length(writing->spool);
	switch (remedy->work) {
	case WORK_ENCODE_QP:
		ok = transfer_write_qp(data, length, writing->spool, error);
		break;
	case WORK_ENCODE_BASE64:
		ok = transfer_write_base64(data, length, writing->spool, error);
		break;
	case WORK_REWRITE:
		ok = transfer_rewrite(
		    part->encoding, data, length, writing->spool, error);
		break;
	case WORK_NONE:
		break;
	}
	add_piece(writing, true, offset, spool_length(writing->spool) - offset);
	writing->cursor = part->end;
	writing->line_open = is_base64(part, remedy);
	return ok;
}

/* The delimiter in the body from..to, its line ends included; written anew
 * when it is not safe. */
static bool
put_delimiter(Writing *writing, gsize from, gsize to, const char *boundary,
    const char *closing, GError **error)
{
	const guint8 *data = writing->data + from;
	gsize length = to - from;
	gsize lead = length >= 2 && memcmp(data, "\r\n", 2) == 0 ? 2 : 0;
	bool behind_line = data[0] == '-'; /* one that is ended already */
	bool ends_line = data[length - 1] == '\n';
	g_autofree char *text = NULL;

	if (hazards_of(data + lead, length - lead) == HAZARD_NONE) {
		return true;
	}
	if (!keep_until(writing, from, error)) {
		return false;
	}
	text = g_strconcat(behind_line && !writing->line_open ? "" : "\r\n",
	    "--", boundary, closing, ends_line ? "\r\n" : "", NULL);
	writing->line_open = false;
	writing->cursor = to;
	return put_text(writing, text, strlen(text), error);
}

/* Nobody is shown what stands there (RFC 2046 5.1.1): unsafe, it goes. */
static bool
put_margin(Writing *writing, gsize from, gsize to, GError **error)
{
	if (hazards_of(writing->data + from, to - from) == HAZARD_NONE) {
		return true;
	}
	if (!keep_until(writing, from, error)) {
		return false;
	}
	writing->cursor = to;
	return true;
}

static bool
begin_part(Writing *writing, guint i, GError **error)
{
	const Part *part = structure_part(writing->structure, i);
	const Part *parent = structure_part(writing->structure, part->parent);
	const Remedy *remedy = &writing->remedies->parts[i];

	if (i > 0 && parent->kind == PART_MULTIPART) {
		if (!put_delimiter(writing, writing->gap[part->parent],
			part->header, parent->boundary, "", error)) {
			return false;
		}
		writing->gap[part->parent] = part->end;
	}
	if (!put_header(writing, part, remedy, error)) {
		return false;
	}
	if (part->kind == PART_MULTIPART) {
		writing->gap[i] = part->preamble_end;
		return put_margin(
		    writing, part->start, part->preamble_end, error);
	}
	return put_leaf(writing, part, remedy, error);
}

static bool
end_part(Writing *writing, guint i, GError **error)
{
	const Part *part = structure_part(writing->structure, i);
	g_autofree char *text = NULL;

	if (part->kind != PART_MULTIPART) {
		return true;
	}
	if (part->terminated) {
		return put_delimiter(writing, writing->gap[i], part->epilogue,
			   part->boundary, "--", error) &&
		    put_margin(writing, part->epilogue, part->end, error);
	}
	text = g_strconcat("\r\n--", part->boundary, "--", NULL);
	if (!keep_until(writing, part->end, error)) {
		return false;
	}
	writing->line_open = false;
	if (!put_text(writing, text, strlen(text), error)) {
		return false;
	}
	writing->line_open = true;
	return true;
}

static bool
write_parts(Writing *writing, GError **error)
{
	g_autoptr(GArray) open = g_array_new(FALSE, FALSE, sizeof(guint));
	guint count = structure_count(writing->structure);

	/* One turn more than there are parts, to end what is open. */
	for (guint i = 0; i <= count; i++) {
		guint parent = i < count
		    ? structure_part(writing->structure, i)->parent
		    : 0;

		while (open->len > 0) {
			guint top = g_array_index(open, guint, open->len - 1);

			if (i < count && top == parent) {
				break;
			}
			if (!end_part(writing, top, error)) {
				return false;
			}
			g_array_set_size(open, open->len - 1);
		}
		if (i < count) {
			if (!begin_part(writing, i, error)) {
				return false;
			}
			g_array_append_val(open, i);
		}
	}
	return keep_until(writing, writing->size, error) &&
	    end_line(writing, writing->size, error);
}

static bool
collect_pieces(Writing *writing, GBytes *body, Rope *content, GError **error)
{
	g_autoptr(GBytes) spooled = spool_finish(writing->spool, error);

	if (spooled == NULL) {
		return false;
	}
	for (guint i = 0; i < writing->pieces->len; i++) {
		const Piece *piece = &g_array_index(writing->pieces, Piece, i);

		rope_append_slice(content, piece->spooled ? spooled : body,
		    piece->offset, piece->length);
	}
	return true;
}

bool
remedies_apply(const Remedies *remedies, const Structure *structure,
    GBytes *body, const char *directory, Rope *content, GError **error)
{
	g_autoptr(Spool) spool = spool_new(directory, SPOOL_MEMORY);
	g_autoptr(GArray) pieces = g_array_new(FALSE, FALSE, sizeof(Piece));
	g_autofree gsize *gap = g_new0(gsize, remedies->count);
	Writing writing = {
		.remedies = remedies,
		.structure = structure,
		.spool = spool,
		.pieces = pieces,
		.gap = gap,
	};

	writing.data = g_bytes_get_data(body, &writing.size);
	if (writing.data == NULL) {
		writing.data = (const guint8 *)"";
	}
	return write_parts(&writing, error) &&
	    collect_pieces(&writing, body, content, error);
}
