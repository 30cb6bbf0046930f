/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Transfer encodings (RFC 2045 6.7, 6.8). Decoding and the base64 alphabet are
 * GLib's and GMime's. The quoted-printable encoder is ours: GMime's works on
 * LF lines and knows neither "From " at the start of a line it breaks itself
 * nor input that is encoded in part already, as text that has to be repaired
 * is. Everything streams; memory does not grow with the input.
 */
#include "config.h"

#include "mime/transfer.h"

#include <string.h>

#include "mime/gmime-init.h"

#define COLUMNS 76

/* How much is gathered before it goes to the spool. */
#define OUT_BLOCK ((gsize)32 * 1024)

/* What is encoded or decoded in one step; a multiple of 3. */
#define STEP ((gsize)12 * 1024)

/* What is on its way to the spool. */
typedef struct {
	Spool *spool;
	GError **error;
	bool failed;
	gsize column;
	gsize used;
	char block[OUT_BLOCK];
} Out;

static Out *
out_new(Spool *spool, GError **error)
{
	Out *out = g_new(Out, 1);

	out->spool = spool;
	out->error = error;
	out->failed = false;
	out->column = 0;
	out->used = 0;
	return out;
}

static void
out_flush(Out *out)
{
	if (!out->failed && out->used > 0) {
		out->failed =
		    !spool_write(out->spool, out->block, out->used, out->error);
	}
	out->used = 0;
}

static void
out_put(Out *out, const char *text, gsize length)
{
	if (length > OUT_BLOCK - out->used) {
		out_flush(out);
	}
	memcpy(out->block + out->used, text, length);
	out->used += length;
}

static void
out_line_end(Out *out)
{
	out_put(out, "\r\n", 2);
	out->column = 0;
}

/* Frees out. */
static bool
out_finish(Out *out)
{
	bool ok = false;

	out_flush(out);
	ok = !out->failed;
	g_free(out);
	return ok;
}

PartEncoding
transfer_from_label(const char *value)
{
	static const struct {
		const char *label;
		PartEncoding encoding;
	} labels[] = {
		{ "7bit", ENCODING_7BIT },
		{ "8bit", ENCODING_8BIT },
		{ "binary", ENCODING_BINARY },
		{ "quoted-printable", ENCODING_QUOTED_PRINTABLE },
		{ "base64", ENCODING_BASE64 },
	};
	gsize length = 0;

	value += strspn(value, " \t");
	length = strcspn(value, " \t;(");
	for (gsize i = 0; i < G_N_ELEMENTS(labels); i++) {
		if (strlen(labels[i].label) == length &&
		    g_ascii_strncasecmp(value, labels[i].label, length) == 0) {
			return labels[i].encoding;
		}
	}
	return ENCODING_OTHER;
}

/* ---- decoding ---- */

static bool
append_limited(GByteArray *out, const guint8 *data, gsize length, gsize max)
{
	gsize room = max - MIN(max, out->len);

	g_byte_array_append(out, data, (guint)MIN(length, room));
	return length <= room;
}

bool
transfer_decode(PartEncoding encoding, const guint8 *data, gsize length,
    gsize max, GByteArray *out)
{
	guint8 block[STEP + 16];
	gint state = 0;
	guint base64_save = 0;
	guint32 qp_save = 0;

	if (encoding != ENCODING_BASE64 &&
	    encoding != ENCODING_QUOTED_PRINTABLE) {
		return append_limited(out, data, length, max);
	}
	for (gsize i = 0; i < length; i += STEP) {
		gsize step = MIN(STEP, length - i);

		/* GMime 3.2.13 stops at padding inside: GLib's decoder. */
		if (encoding == ENCODING_BASE64) {
			step = g_base64_decode_step((const gchar *)data + i,
			    step, block, &state, &base64_save);
		} else {
			step = g_mime_encoding_quoted_decode_step(
			    data + i, step, block, &state, &qp_save);
		}
		if (!append_limited(out, block, step, max)) {
			return false;
		}
	}
	return true;
}

/* ---- base64 ---- */

/* Alphabet characters into lines. */
static void
put_columns(Out *out, const char *text, gsize length)
{
	while (length > 0) {
		gsize part = 0;

		if (out->column == COLUMNS) {
			out_line_end(out);
		}
		part = MIN(length, COLUMNS - out->column);
		out_put(out, text, part);
		out->column += part;
		text += part;
		length -= part;
	}
}

typedef struct {
	Out *out;
	gint state;
	gint save;
} Base64;

static void
base64_put(Base64 *base64, const guint8 *data, gsize length)
{
	char block[STEP / 3 * 4 + 16];

	for (gsize i = 0; i < length; i += STEP) {
		gsize made =
		    g_base64_encode_step(data + i, MIN(STEP, length - i), FALSE,
			block, &base64->state, &base64->save);

		put_columns(base64->out, block, made);
	}
}

static bool
base64_finish(Base64 *base64)
{
	char block[16];
	gsize made =
	    g_base64_encode_close(FALSE, block, &base64->state, &base64->save);

	put_columns(base64->out, block, made);
	return out_finish(base64->out);
}

bool
transfer_write_base64(
    const guint8 *data, gsize length, Spool *spool, GError **error)
{
	Base64 base64 = { .out = out_new(spool, error) };

	base64_put(&base64, data, length);
	return base64_finish(&base64);
}

bool
transfer_write_base64_rope(const Rope *rope, Spool *spool, GError **error)
{
	Base64 base64 = { .out = out_new(spool, error) };

	for (guint i = 0; i < rope_count(rope) && !base64.out->failed; i++) {
		RopeRun run = rope_run(rope, i);

		base64_put(&base64, run.data, run.length);
	}
	return base64_finish(&base64);
}

static bool
is_base64_space(guint8 c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Nothing but the alphabet and white space, padding at the end alone. */
static bool
base64_is_sound(const guint8 *data, gsize length)
{
	gsize count = 0;
	gsize padding = 0;

	for (gsize i = 0; i < length; i++) {
		if (is_base64_space(data[i])) {
			continue;
		}
		count++;
		if (data[i] == '=') {
			padding++;
		} else if (padding > 0 ||
		    (!g_ascii_isalnum(data[i]) && data[i] != '+' &&
			data[i] != '/')) {
			return false;
		}
	}
	return padding <= 2 && count % 4 == 0;
}

static void
rewrite_base64(Out *out, const guint8 *data, gsize length)
{
	for (gsize i = 0; i < length; /* in the loop */) {
		gsize start = i;

		while (i < length && !is_base64_space(data[i])) {
			i++;
		}
		put_columns(out, (const char *)data + start, i - start);
		while (i < length && is_base64_space(data[i])) {
			i++;
		}
	}
}

/* ---- quoted-printable ---- */

/* Where p stands in its line. */
static bool
at_line_end(const guint8 *p, const guint8 *end)
{
	return p == end || *p == '\r';
}

/* A '=' of text that is quoted-printable already: the length of what it
 * begins, 0 when it begins nothing known. */
static gsize
escape_length(const guint8 *p, const guint8 *end)
{
	gsize left = (gsize)(end - p);

	if (left == 1) {
		return 1; /* a soft break, the delimiter has its CRLF */
	}
	if (left >= 3 &&
	    ((p[1] == '\r' && p[2] == '\n') ||
		(g_ascii_isxdigit(p[1]) && g_ascii_isxdigit(p[2])))) {
		return 3;
	}
	return 0;
}

static bool
is_long_line(const guint8 *p, const guint8 *end)
{
	gsize length = MIN((gsize)(end - p), (gsize)COLUMNS);

	return memchr(p, '\r', length) == NULL;
}

/* Whether *p must not stand for itself at this place. broken: its line began
 * behind a soft line break. */
static bool
needs_escape(const Out *out, bool broken, const guint8 *p, const guint8 *end)
{
	if (*p == ' ' || *p == '\t') {
		return at_line_end(p + 1, end);
	}
	if (*p < 33 || *p > 126 || *p == '=') {
		return true;
	}
	if (out->column > 0) {
		return false;
	}
	/* A line that we break must not look like a delimiter, whichever part
	 * of it: boundaries may hold '=' (RFC 2046 5.1.1). */
	return (*p == '-' && (broken || is_long_line(p, end))) ||
	    (*p == 'F' && end - p >= 5 && memcmp(p, "From ", 5) == 0);
}

/* Puts one unit, an escape or a character, behind a soft line break where the
 * line would get too long: RFC 2045 6.7(5), the '=' counts. */
static void
put_unit(Out *out, const guint8 *p, const guint8 *end, gsize taken,
    bool escaped, bool *broken)
{
	static const char digits[] = "0123456789ABCDEF";
	char unit[3] = { '=', digits[*p >> 4], digits[*p & 15] };
	gsize length = escaped || taken == 3 ? 3 : 1;
	gsize room = at_line_end(p + taken, end) ? COLUMNS : COLUMNS - 1;

	if (out->column + length > room) {
		out_put(out, "=\r\n", 3);
		out->column = 0;
		*broken = true;
		escaped =
		    escaped || (taken == 1 && needs_escape(out, true, p, end));
		length = escaped || taken == 3 ? 3 : 1;
	}
	out_put(out, escaped ? unit : (const char *)p, length);
	out->column += length;
}

/* repair: escapes and soft breaks in the text are such and stay. */
static void
put_qp(Out *out, const guint8 *data, gsize length, bool repair)
{
	const guint8 *p = data;
	const guint8 *end = data + length;
	bool broken = false;

	while (p < end && !out->failed) {
		gsize taken = 1;
		bool escaped = false;

		if (*p == '\r') {
			out_line_end(out);
			broken = false;
			p += 2;
			continue;
		}
		if (repair && *p == '=') {
			taken = escape_length(p, end);
		} else {
			escaped = needs_escape(out, broken, p, end);
		}
		if (taken == 3 && p[1] == '\r') {
			out_put(out, "=\r\n", 3);
			out->column = 0;
			broken = true;
		} else {
			put_unit(out, p, end, taken, escaped, &broken);
		}
		p += taken;
	}
}

bool
transfer_write_qp(
    const guint8 *data, gsize length, Spool *spool, GError **error)
{
	Out *out = out_new(spool, error);

	put_qp(out, data, length, false);
	return out_finish(out);
}

static bool
qp_is_sound(const guint8 *data, gsize length)
{
	const guint8 *end = data + length;
	const guint8 *p = memchr(data, '=', length);

	while (p != NULL) {
		gsize taken = escape_length(p, end);

		if (taken == 0) {
			return false;
		}
		p += taken;
		p = memchr(p, '=', (gsize)(end - p));
	}
	return true;
}

bool
transfer_is_sound(PartEncoding encoding, const guint8 *data, gsize length)
{
	return encoding == ENCODING_BASE64 ? base64_is_sound(data, length)
					   : qp_is_sound(data, length);
}

bool
transfer_rewrite(PartEncoding encoding, const guint8 *data, gsize length,
    Spool *spool, GError **error)
{
	Out *out = out_new(spool, error);

	if (encoding == ENCODING_BASE64) {
		rewrite_base64(out, data, length);
	} else {
		put_qp(out, data, length, true);
	}
	return out_finish(out);
}
