/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds the parts of a body (RFC 2046 5.1): one pass from start to end that
 * stops only at lines beginning with "--", with a stack of what is open that
 * is as deep as the limit allows and no deeper. It judges no content and
 * repairs nothing; decoding is transfer.c. A finished Structure is read-only
 * and holds a reference on the body.
 *
 * Decided, where mail programs differ:
 * - A line ends with LF, with or without a CR before it: a bare LF gets its CR
 *   from the next MTA, and then it is a line end for everybody.
 * - A delimiter is the boundary and blanks up to the line end, nothing else
 *   (RFC 2046 5.1.1). The innermost multipart that knows the line has it.
 * - A line of a part's header that is no field ends the header and is content,
 *   as in message_parse().
 * - A Content-Type that cannot be read makes a leaf that must not be touched.
 * - Parts of multipart/digest are message/rfc822 by default (5.1.5).
 */
#include "config.h"

#include "mime/structure.h"

#include <string.h>

#include "base/error.h"
#include "mime/block.h"
#include "mime/gmime-init.h"
#include "mime/transfer.h"

/* RFC 2046 says 70; some mailers exceed it and everybody reads them. */
#define BOUNDARY_MAX 200

/* The fields of a part are looked for in so many bytes of its header. */
#define HEADER_MAX ((gsize)1024 * 1024)

#define ABSENT_TYPE "text/plain"

struct Structure {
	GBytes *body;
	const guint8 *data; /* never NULL */
	gsize size;
	GArray *parts;         /* of Part */
	GStringChunk *strings; /* types and boundaries */
	char *root_type;       /* unfolded values of the root, or NULL */
	char *root_disposition;
};

/* A part whose end is not known yet. */
typedef struct {
	guint index;
	const char *boundary; /* NULL: no delimiter of its own to look for */
	gsize boundary_length;
	gsize floor; /* it cannot end before */
	bool begun;  /* a delimiter was there */
} Open;

typedef struct {
	Structure *structure;
	GArray *open; /* of Open, the innermost last */
	guint parts_max;
	guint depth_max;
} Scan;

typedef enum {
	LINE_OTHER,
	LINE_DELIMITER,
	LINE_CLOSE,
} LineKind;

/* A line that is a delimiter of one of the open parts. */
typedef struct {
	LineKind kind;
	guint level;    /* in Scan.open */
	gsize start;    /* of the line */
	gsize text_end; /* before blanks and line end */
	gsize next;     /* behind the line end */
} Delimiter;

static Structure *
structure_new(GBytes *body)
{
	Structure *structure = g_new0(Structure, 1);

	structure->body = g_bytes_ref(body);
	structure->data = g_bytes_get_data(body, &structure->size);
	if (structure->data == NULL) {
		structure->data = (const guint8 *)"";
	}
	structure->parts = g_array_new(FALSE, TRUE, sizeof(Part));
	structure->strings = g_string_chunk_new(256);
	return structure;
}

void
structure_free(Structure *structure)
{
	if (structure == NULL) {
		return;
	}
	g_bytes_unref(structure->body);
	g_array_free(structure->parts, TRUE);
	g_string_chunk_free(structure->strings);
	g_free(structure->root_type);
	g_free(structure->root_disposition);
	g_free(structure);
}

guint
structure_count(const Structure *structure)
{
	return structure->parts->len;
}

static Part *
part_at(const Structure *structure, guint i)
{
	g_assert(i < structure->parts->len);
	return &g_array_index(structure->parts, Part, i);
}

const Part *
structure_part(const Structure *structure, guint i)
{
	return part_at(structure, i);
}

/* ---- what a header says ---- */

static const char *
usable_boundary(GMimeContentType *type)
{
	const char *boundary =
	    g_mime_content_type_get_parameter(type, "boundary");
	gsize length = boundary != NULL ? strlen(boundary) : 0;

	if (length == 0 || length > BOUNDARY_MAX) {
		return NULL;
	}
	for (gsize i = 0; i < length; i++) {
		if (boundary[i] < 32 || boundary[i] > 126) {
			return NULL;
		}
	}
	/* It may not end in a blank, and delimiter lines lose theirs. */
	return boundary[length - 1] == ' ' ? NULL : boundary;
}

/* RFC 2045 5.1: a token. Its length. */
static gsize
token_length(const char *text)
{
	gsize length = 0;

	while (text[length] > 32 && text[length] < 127 &&
	    strchr("()<>@,;:\\\"/[]?=", text[length]) == NULL) {
		length++;
	}
	return length;
}

/* "type/subtype", then nothing, a parameter or a comment. GMime makes
 * something of more than that, others make something else. */
static bool
is_readable(const char *value)
{
	gsize type = token_length(value);
	gsize subtype = 0;

	if (type == 0 || value[type] != '/') {
		return false;
	}
	value += type + 1;
	subtype = token_length(value);
	value += subtype;
	value += strspn(value, " \t");
	return subtype > 0 &&
	    (*value == '\0' || *value == ';' || *value == '(');
}

/* Sets type and boundary of part from a Content-Type value. */
static void
set_type(Structure *structure, Part *part, const char *value)
{
	g_autoptr(GMimeContentType) type = NULL;
	g_autofree char *name = NULL;
	g_autofree char *folded = NULL;
	const char *boundary = NULL;

	if (g_ascii_strcasecmp(value, "text") == 0) {
		return;
	}
	if (!is_readable(value)) {
		part->type = "application/octet-stream";
		part->encoding = ENCODING_OTHER;
		return;
	}
	gmime_init_once();
	type = g_mime_content_type_parse(NULL, value);
	name = g_mime_content_type_get_mime_type(type);
	folded = g_ascii_strdown(name, -1);
	part->type = g_string_chunk_insert_const(structure->strings, folded);
	boundary = usable_boundary(type);
	if (boundary != NULL && g_str_has_prefix(folded, "multipart/")) {
		part->boundary =
		    g_string_chunk_insert_const(structure->strings, boundary);
	}
}

typedef struct {
	char *type;
	char *encoding;
	bool duplicate;
	bool unreadable; /* a field that counts is too long or holds a NUL */
} HeaderValues;

/* Takes over value, which may be NULL (unreadable). */
static void
take_value(HeaderValues *values, char **place, char *value)
{
	if (*place != NULL) {
		values->duplicate = true;
		g_free(value);
		return;
	}
	values->unreadable |= value == NULL;
	*place = value;
}

static void
read_block(const guint8 *p, const guint8 *end, HeaderValues *values)
{
	const guint8 *limit = p + MIN((gsize)(end - p), HEADER_MAX);
	BlockField field = { 0 };

	values->unreadable = limit < end;
	while (p < limit && block_next(p, limit, &field)) {
		if (block_field_is(&field, "Content-Type")) {
			take_value(values, &values->type, block_value(&field));
		} else if (block_field_is(
			       &field, "Content-Transfer-Encoding")) {
			take_value(
			    values, &values->encoding, block_value(&field));
		}
		p = field.end;
	}
}

static void
read_fields(Structure *structure, const Fields *fields, HeaderValues *values)
{
	for (guint i = 0; i < fields_count(fields); i++) {
		const char *name = fields_name(fields, i);
		const char *value = fields_value(fields, i);

		if (g_ascii_strncasecmp(name, "Content-", 8) != 0) {
			continue;
		}
		if (g_ascii_strcasecmp(name + 8, "Type") == 0) {
			take_value(values, &values->type, fields_unfold(value));
		} else if (g_ascii_strcasecmp(name + 8, "Transfer-Encoding") ==
		    0) {
			take_value(
			    values, &values->encoding, fields_unfold(value));
		} else if (g_ascii_strcasecmp(name + 8, "Disposition") == 0 &&
		    structure->root_disposition == NULL) {
			structure->root_disposition = fields_unfold(value);
		}
	}
	structure->root_type = g_strdup(values->type);
}

/* Takes the values out of values. */
static void
apply_values(Structure *structure, Part *part, HeaderValues *values)
{
	g_autofree char *type = g_steal_pointer(&values->type);
	g_autofree char *encoding = g_steal_pointer(&values->encoding);

	part->duplicate_type = values->duplicate;
	if (encoding != NULL) {
		part->encoding = transfer_from_label(encoding);
	}
	if (values->unreadable) {
		part->type = "application/octet-stream";
		part->encoding = ENCODING_OTHER;
	} else if (type != NULL) {
		set_type(structure, part, type);
	}
}

/* ---- lines ---- */

/* The next line from p on that begins with "--". memchr() for the hyphen is
 * what makes large attachments cheap: base64 has none. */
static const guint8 *
find_dashes(const guint8 *data, const guint8 *p, const guint8 *end)
{
	while (p < end) {
		const guint8 *dash = memchr(p, '-', (gsize)(end - p));

		if (dash == NULL) {
			return NULL;
		}
		if ((dash == data || dash[-1] == '\n') && end - dash >= 3 &&
		    dash[1] == '-') {
			return dash;
		}
		p = block_line_end(dash, end);
	}
	return NULL;
}

static LineKind
match_boundary(const Open *open, const guint8 *text, gsize length)
{
	if (open->boundary == NULL || length < open->boundary_length ||
	    length > open->boundary_length + 2 ||
	    memcmp(text, open->boundary, open->boundary_length) != 0) {
		return LINE_OTHER;
	}
	if (length == open->boundary_length) {
		return LINE_DELIMITER;
	}
	return length == open->boundary_length + 2 &&
		memcmp(text + open->boundary_length, "--", 2) == 0
	    ? LINE_CLOSE
	    : LINE_OTHER;
}

/* line begins with "--". */
static bool
match_line(const Scan *scan, const guint8 *line, Delimiter *delimiter_out)
{
	const guint8 *data = scan->structure->data;
	const guint8 *end = block_line_end(line, data + scan->structure->size);
	const guint8 *stop = end;

	if (stop[-1] == '\n') {
		stop--;
		if (stop[-1] == '\r') {
			stop--;
		}
	}
	while (stop[-1] == ' ' || stop[-1] == '\t') {
		stop--;
	}
	if (stop - line < 3 || stop - line > BOUNDARY_MAX + 4) {
		return false;
	}
	for (guint level = scan->open->len; level-- > 0;) {
		const Open *open = &g_array_index(scan->open, Open, level);
		LineKind kind =
		    match_boundary(open, line + 2, (gsize)(stop - line) - 2);

		if (kind != LINE_OTHER) {
			*delimiter_out = (Delimiter){
				.kind = kind,
				.level = level,
				.start = (gsize)(line - data),
				.text_end = (gsize)(stop - data),
				.next = (gsize)(end - data),
			};
			return true;
		}
	}
	return false;
}

static bool
find_delimiter(const Scan *scan, gsize from, Delimiter *delimiter_out)
{
	const guint8 *data = scan->structure->data;
	const guint8 *end = data + scan->structure->size;
	const guint8 *line = find_dashes(data, data + from, end);

	while (line != NULL) {
		if (match_line(scan, line, delimiter_out)) {
			return true;
		}
		line = find_dashes(data, block_line_end(line, end), end);
	}
	return false;
}

/* Where the content of a part begins whose header begins at from: behind the
 * empty line, at a line that is no field, or at a delimiter. */
static gsize
skip_header(const Scan *scan, gsize from)
{
	const guint8 *data = scan->structure->data;
	const guint8 *end = data + scan->structure->size;
	const guint8 *start = data + from;
	const guint8 *p = start;
	Delimiter unused;

	while (p < end) {
		if (*p == '\n') {
			return (gsize)(p + 1 - data);
		}
		if (*p == '\r' && end - p >= 2 && p[1] == '\n') {
			return (gsize)(p + 2 - data);
		}
		if (*p == '-' && end - p >= 3 && p[1] == '-' &&
		    match_line(scan, p, &unused)) {
			break;
		}
		if (*p == ' ' || *p == '\t' ? p == start
					    : !block_is_field(p, end)) {
			break;
		}
		p = block_line_end(p, end);
	}
	return (gsize)(p - data);
}

/* ---- the scan ---- */

static bool
check_limits(const Scan *scan, guint depth, GError **error)
{
	if (scan->structure->parts->len >= scan->parts_max) {
		g_set_error(error, ERROR_DOMAIN, ERROR_LIMIT,
		    "more than %u MIME parts", scan->parts_max);
		return false;
	}
	if (depth > scan->depth_max) {
		g_set_error(error, ERROR_DOMAIN, ERROR_LIMIT,
		    "MIME parts nested more than %u deep", scan->depth_max);
		return false;
	}
	return true;
}

static bool
is_message_type(const Part *part)
{
	/* RFC 2046 5.2.1: in an encoded one nobody looks for parts. */
	return (strcmp(part->type, "message/rfc822") == 0 ||
		   strcmp(part->type, "message/global") == 0) &&
	    part->encoding <= ENCODING_BINARY;
}

static void
push_open(Scan *scan, guint index)
{
	const Part *part = part_at(scan->structure, index);
	Open open = {
		.index = index,
		.boundary = part->boundary,
		.boundary_length =
		    part->boundary != NULL ? strlen(part->boundary) : 0,
		.floor = part->start,
	};

	g_array_append_val(scan->open, open);
}

static const char *
default_type(const Scan *scan, guint parent)
{
	const char *type = part_at(scan->structure, parent)->type;

	return strcmp(type, "multipart/digest") == 0 ? "message/rfc822"
						     : ABSENT_TYPE;
}

/* Appends the part whose header begins at from and opens it. */
static bool
add_part(Scan *scan, guint parent, gsize from, GError **error)
{
	Structure *structure = scan->structure;
	Part part = {
		.parent = parent,
		.depth = part_at(structure, parent)->depth + 1,
		.header = from,
		.type = default_type(scan, parent),
	};
	HeaderValues values = { 0 };

	if (!check_limits(scan, part.depth, error)) {
		return false;
	}
	part.start = skip_header(scan, from);
	read_block(structure->data + part.header, structure->data + part.start,
	    &values);
	apply_values(structure, &part, &values);
	g_array_append_val(structure->parts, part);
	push_open(scan, structure->parts->len - 1);
	return true;
}

/* As long as the newest part is a message, the part inside it. */
static bool
descend(Scan *scan, GError **error)
{
	for (;;) {
		guint last = scan->structure->parts->len - 1;
		Part *part = part_at(scan->structure, last);

		if (!is_message_type(part)) {
			return true;
		}
		part->kind = PART_MESSAGE;
		if (!add_part(scan, last, part->start, error)) {
			return false;
		}
	}
}

/* What is open above level ends at end; so do the levels themselves. */
static void
close_above(Scan *scan, guint level, gsize end)
{
	while (scan->open->len > level) {
		const Open *open =
		    &g_array_index(scan->open, Open, scan->open->len - 1);
		Part *part = part_at(scan->structure, open->index);

		part->end = end;
		if (open->begun) {
			part->epilogue =
			    part->terminated ? MIN(part->epilogue, end) : end;
		} else {
			part->boundary = NULL;
		}
		g_array_set_size(scan->open, scan->open->len - 1);
	}
}

/* The line end before a delimiter belongs to it, unless something that came
 * before had it already: an empty line that ended a header, a delimiter. */
static gsize
content_end(const Scan *scan, gsize line)
{
	const guint8 *data = scan->structure->data;
	gsize floor =
	    g_array_index(scan->open, Open, scan->open->len - 1).floor;
	gsize end = line;

	if (end > floor && data[end - 1] == '\n') {
		end--;
		if (end > floor && data[end - 1] == '\r') {
			end--;
		}
	}
	return end;
}

static bool
take_delimiter(Scan *scan, const Delimiter *delimiter, GError **error)
{
	gsize end = content_end(scan, delimiter->start);
	Open *open = NULL;
	Part *part = NULL;

	close_above(scan, delimiter->level + 1, end);
	open = &g_array_index(scan->open, Open, delimiter->level);
	part = part_at(scan->structure, open->index);
	if (!open->begun) {
		open->begun = true;
		part->kind = PART_MULTIPART;
		part->preamble_end = end;
	}
	if (delimiter->kind == LINE_CLOSE) {
		part->terminated = true;
		part->epilogue = delimiter->next;
		open->floor = delimiter->text_end;
		open->boundary = NULL;
		return true;
	}
	return add_part(scan, open->index, delimiter->next, error) &&
	    descend(scan, error);
}

static bool
has_boundary(const Scan *scan)
{
	for (guint i = 0; i < scan->open->len; i++) {
		if (g_array_index(scan->open, Open, i).boundary != NULL) {
			return true;
		}
	}
	return false;
}

static bool
scan_body(Scan *scan, GError **error)
{
	Delimiter delimiter;
	gsize from = 0;

	if (!descend(scan, error)) {
		return false;
	}
	while (has_boundary(scan) && find_delimiter(scan, from, &delimiter)) {
		if (!take_delimiter(scan, &delimiter, error)) {
			return false;
		}
		/* A header may run up to the next delimiter, not over it. */
		from = MAX(delimiter.next,
		    part_at(scan->structure, scan->structure->parts->len - 1)
			->start);
	}
	close_above(scan, 0, scan->structure->size);
	return true;
}

Structure *
structure_scan(const Fields *fields, GBytes *body, guint parts, guint depth,
    GError **error)
{
	g_autoptr(Structure) structure = structure_new(body);
	g_autoptr(GArray) open = g_array_new(FALSE, FALSE, sizeof(Open));
	Scan scan = {
		.structure = structure,
		.open = open,
		.parts_max = parts,
		.depth_max = depth,
	};
	Part root = { .type = ABSENT_TYPE };
	HeaderValues values = { 0 };

	if (!check_limits(&scan, 0, error)) {
		return NULL;
	}
	read_fields(structure, fields, &values);
	apply_values(structure, &root, &values);
	g_array_append_val(structure->parts, root);
	push_open(&scan, 0);
	return scan_body(&scan, error) ? g_steal_pointer(&structure) : NULL;
}

/* ---- asking ---- */

/* The unfolded value of a Content-* field of part i, or NULL. Yours. */
static char *
find_value(const Structure *structure, guint i, const char *name)
{
	const Part *part = part_at(structure, i);
	const guint8 *p = structure->data + part->header;
	const guint8 *end = structure->data + part->start;
	BlockField field = { 0 };

	if (i == 0) {
		return g_strdup(strcmp(name, "Content-Type") == 0
			? structure->root_type
			: structure->root_disposition);
	}
	while (p < end && block_next(p, end, &field)) {
		if (block_field_is(&field, name)) {
			return block_value(&field);
		}
		p = field.end;
	}
	return NULL;
}

char *
structure_parameter(const Structure *structure, guint i, const char *name)
{
	g_autofree char *value = find_value(structure, i, "Content-Type");
	g_autoptr(GMimeContentType) type = NULL;

	if (value == NULL) {
		return NULL;
	}
	gmime_init_once();
	type = g_mime_content_type_parse(NULL, value);
	return g_strdup(g_mime_content_type_get_parameter(type, name));
}

char *
structure_name(const Structure *structure, guint i)
{
	g_autofree char *value =
	    find_value(structure, i, "Content-Disposition");
	g_autoptr(GMimeContentDisposition) disposition = NULL;
	const char *name = NULL;

	gmime_init_once();
	if (value != NULL) {
		disposition = g_mime_content_disposition_parse(NULL, value);
	}
	if (disposition != NULL) {
		name = g_mime_content_disposition_get_parameter(
		    disposition, "filename");
	}
	return name != NULL ? g_strdup(name)
			    : structure_parameter(structure, i, "name");
}

GBytes *
structure_decode(const Structure *structure, guint i, gsize max, GError **error)
{
	const Part *part = part_at(structure, i);
	gsize length = part->end - part->start;
	g_autoptr(GByteArray) decoded = NULL;
	bool encoded = part->encoding == ENCODING_BASE64 ||
	    part->encoding == ENCODING_QUOTED_PRINTABLE;

	if (!encoded && length <= max) {
		return g_bytes_new_from_bytes(
		    structure->body, part->start, length);
	}
	decoded = g_byte_array_new();
	if (!encoded ||
	    !transfer_decode(part->encoding, structure->data + part->start,
		length, max, decoded)) {
		g_set_error(error, ERROR_DOMAIN, ERROR_LIMIT,
		    "a MIME part of more than %" G_GSIZE_FORMAT " bytes", max);
		return NULL;
	}
	return g_byte_array_free_to_bytes(g_steal_pointer(&decoded));
}
