/* SPDX-License-Identifier: Apache-2.0 */
/* The scanner of MIME parts: where parts begin and end, in odd bodies too. */
#include "config.h"

#include "mime/structure.h"

#include "base/error.h"
#include "mime-testing.h"

#define PARTS 1000
#define DEPTH 50

static Fields *
fields_from(const char *type, const char *encoding)
{
	Fields *fields = fields_new();

	fields_add(fields, "Subject", " x");
	if (type != NULL) {
		fields_add(fields, "content-type", type);
	}
	if (encoding != NULL) {
		fields_add(fields, "Content-Transfer-Encoding", encoding);
	}
	return fields;
}

static void
append_range(GString *text, GBytes *body, gsize from, gsize to)
{
	const char *data = g_bytes_get_data(body, NULL);
	g_autofree char *piece =
	    g_strndup(data != NULL ? data + from : "", to - from);
	g_autofree char *escaped = g_strescape(piece, "\"");

	g_string_append_printf(text, "<%s>", escaped);
}

/*
 * One line for each part: depth, kind (Leaf, Multipart, Umultipart without
 * its end, mEssage), type; leaf: its content; multipart: preamble, epilogue.
 */
static char *
describe(const Structure *structure, GBytes *body)
{
	GString *text = g_string_new(NULL);

	for (guint i = 0; i < structure_count(structure); i++) {
		const Part *part = structure_part(structure, i);

		g_string_append_printf(
		    text, "%s%u ", i > 0 ? "\n" : "", part->depth);
		switch (part->kind) {
		case PART_LEAF:
			g_string_append_printf(text, "L %s ", part->type);
			append_range(text, body, part->start, part->end);
			break;
		case PART_MULTIPART:
			g_string_append_printf(text, "%c %s ",
			    part->terminated ? 'M' : 'U', part->type);
			append_range(
			    text, body, part->start, part->preamble_end);
			append_range(text, body, part->epilogue, part->end);
			break;
		case PART_MESSAGE:
			g_string_append_printf(text, "E %s", part->type);
		}
	}
	return g_string_free(text, FALSE);
}

/* The promises of structure.h about every result. */
static void
check_invariants(const Structure *structure, GBytes *body)
{
	gsize size = g_bytes_get_size(body);

	for (guint i = 0; i < structure_count(structure); i++) {
		const Part *part = structure_part(structure, i);
		const Part *parent = structure_part(structure, part->parent);

		g_assert_cmpuint(part->header, <=, part->start);
		g_assert_cmpuint(part->start, <=, part->end);
		g_assert_cmpuint(part->end, <=, size);
		g_assert_nonnull(part->type);
		if (i > 0) {
			g_assert_cmpuint(part->parent, <, i);
			g_assert_cmpuint(part->depth, ==, parent->depth + 1);
			g_assert_cmpuint(parent->start, <=, part->header);
			g_assert_cmpuint(part->end, <=, parent->end);
			g_assert_cmpint(parent->kind, !=, PART_LEAF);
		}
		g_assert_true(
		    (part->kind == PART_MULTIPART) == (part->boundary != NULL));
		if (part->kind == PART_MULTIPART) {
			g_assert_cmpuint(part->start, <=, part->preamble_end);
			g_assert_cmpuint(
			    part->preamble_end, <=, part->epilogue);
			g_assert_cmpuint(part->epilogue, <=, part->end);
		}
	}
}

#define MIXED(b) " multipart/mixed; boundary=\"" b "\""

static const struct {
	const char *name;
	const char *type;
	const char *encoding;
	const char *body;
	const char *want;
} scan_cases[] = {
	{ "no-type", NULL, NULL, "hi\r\n", "0 L text/plain <hi\\r\\n>" },
	{ "empty-body", NULL, NULL, "", "0 L text/plain <>" },
	{ "type-in-capitals", " TEXT/HTML", NULL, "x", "0 L text/html <x>" },
	{ "type-with-comment", " text/html (x); charset=y", NULL, "x",
	    "0 L text/html <x>" },
	{ "type-just-text", " text", NULL, "x", "0 L text/plain <x>" },
	{ "type-unreadable", " nonsense", NULL, "x",
	    "0 L application/octet-stream <x>" },
	{ "type-with-junk", " multipart/mixed x; boundary=b", NULL,
	    "--b\r\n\r\nx\r\n--b--",
	    "0 L application/octet-stream <--b\\r\\n\\r\\nx\\r\\n--b-->" },
	{ "type-without-semicolon", " multipart/mixed boundary=b", NULL,
	    "--b\r\n\r\nx\r\n--b--",
	    "0 L application/octet-stream <--b\\r\\n\\r\\nx\\r\\n--b-->" },
	{ "type-with-quote", " multipart/mixed\"; boundary=b", NULL,
	    "--b\r\n\r\nx\r\n--b--",
	    "0 L application/octet-stream <--b\\r\\n\\r\\nx\\r\\n--b-->" },
	{ "type-with-two-slashes", " multipart/mixed/x; boundary=b", NULL,
	    "--b\r\n\r\nx\r\n--b--",
	    "0 L application/octet-stream <--b\\r\\n\\r\\nx\\r\\n--b-->" },
	{ "type-with-blanks", " multipart / mixed; boundary=b", NULL,
	    "--b\r\n\r\nx\r\n--b--",
	    "0 L application/octet-stream <--b\\r\\n\\r\\nx\\r\\n--b-->" },
	{ "two-parts", MIXED("b"), NULL,
	    "pre\r\n--b\r\nContent-Type: text/html\r\n\r\none\r\n--b\r\n"
	    "\r\ntwo\r\n\r\n--b--\r\npost\r\n",
	    "0 M multipart/mixed <pre><post\\r\\n>\n"
	    "1 L text/html <one>\n"
	    "1 L text/plain <two\\r\\n>" },
	{ "folded-boundary", " multipart/mixed;\n\tboundary=\"b\"", NULL,
	    "--b\r\n\r\nx\r\n--b--\r\n",
	    "0 M multipart/mixed <><>\n1 L text/plain <x>" },
	{ "no-preamble-no-line-end", MIXED("b"), NULL, "--b\r\n\r\nx\r\n--b--",
	    "0 M multipart/mixed <><>\n1 L text/plain <x>" },
	{ "empty-line-before-first", MIXED("b"), NULL,
	    "\r\n--b\r\n\r\nx\r\n--b--\r\n",
	    "0 M multipart/mixed <><>\n1 L text/plain <x>" },
	{ "empty-part", MIXED("b"), NULL, "--b\r\n\r\n--b\r\n--b--\r\n",
	    "0 M multipart/mixed <><>\n1 L text/plain <>\n"
	    "1 L text/plain <>" },
	{ "no-part-at-all", MIXED("b"), NULL, "pre\r\n--b--\r\npost\r\n",
	    "0 M multipart/mixed <pre><post\\r\\n>" },
	{ "header-without-content", MIXED("b"), NULL,
	    "--b\r\nContent-Type: text/css\r\n--b--\r\n",
	    "0 M multipart/mixed <><>\n1 L text/css <>" },
	{ "line-that-is-no-field", MIXED("b"), NULL,
	    "--b\r\nContent-Type: text/css\r\nhello there\r\nx: y\r\n"
	    "--b--\r\n",
	    "0 M multipart/mixed <><>\n"
	    "1 L text/css <hello there\\r\\nx: y>" },
	{ "header-starts-with-a-blank", MIXED("b"), NULL,
	    "--b\r\n Content-Type: text/css\r\n\r\nx\r\n--b--\r\n",
	    "0 M multipart/mixed <><>\n"
	    "1 L text/plain < Content-Type: text/css\\r\\n\\r\\nx>" },
	{ "folded-part-type", MIXED("b"), NULL,
	    "--b\r\nContent-Type:\r\n text/css;\r\n\tx=y\r\n\r\nx\r\n--b--",
	    "0 M multipart/mixed <><>\n1 L text/css <x>" },
	{ "no-delimiter", MIXED("b"), NULL, "x\r\n--c\r\n",
	    "0 L multipart/mixed <x\\r\\n--c\\r\\n>" },
	{ "no-boundary", " multipart/mixed", NULL, "--b\r\n\r\nx\r\n",
	    "0 L multipart/mixed <--b\\r\\n\\r\\nx\\r\\n>" },
	{ "empty-boundary", " multipart/mixed; boundary=\"\"", NULL,
	    "--\r\n\r\nx\r\n----\r\n",
	    "0 L multipart/mixed <--\\r\\n\\r\\nx\\r\\n----\\r\\n>" },
	{ "not-terminated", MIXED("b"), NULL, "--b\r\n\r\nx\r\n",
	    "0 U multipart/mixed <><>\n1 L text/plain <x\\r\\n>" },
	{ "not-terminated-at-once", MIXED("b"), NULL, "--b\r\n",
	    "0 U multipart/mixed <><>\n1 L text/plain <>" },
	{ "not-terminated-in-header", MIXED("b"), NULL,
	    "--b\r\nContent-Type: text/css",
	    "0 U multipart/mixed <><>\n1 L text/css <>" },
	{ "boundary-1", MIXED("x"), NULL, "--x\r\n\r\n--xy\r\n--x--\r\n",
	    "0 M multipart/mixed <><>\n1 L text/plain <--xy>" },
	{ "boundary-70",
	    MIXED("1234567890123456789012345678901234567890123456789012345678"
		  "901234567890"),
	    NULL,
	    "--1234567890123456789012345678901234567890123456789012345678"
	    "901234567890\r\n\r\nx\r\n"
	    "--1234567890123456789012345678901234567890123456789012345678"
	    "901234567890--\r\n",
	    "0 M multipart/mixed <><>\n1 L text/plain <x>" },
	{ "boundary-with-blank-inside", MIXED("a b"), NULL,
	    "--a b\r\n\r\nx\r\n--a b--",
	    "0 M multipart/mixed <><>\n1 L text/plain <x>" },
	{ "boundary-with-all-characters", MIXED("'()+_,-./:=?"), NULL,
	    "--'()+_,-./:=?\r\n\r\nx\r\n--'()+_,-./:=?--",
	    "0 M multipart/mixed <><>\n1 L text/plain <x>" },
	{ "boundary-not-quoted-with-equals",
	    " multipart/mixed; boundary=----=_Part_1", NULL,
	    "------=_Part_1\r\n\r\nx\r\n------=_Part_1--",
	    "0 M multipart/mixed <><>\n1 L text/plain <x>" },
	{ "boundary-like-an-end", MIXED("a--"), NULL,
	    "--a--\r\n\r\nx\r\n--a----\r\n",
	    "0 M multipart/mixed <><>\n1 L text/plain <x>" },
	{ "boundary-like-a-field", MIXED("a: b"), NULL,
	    "--a: b\r\nX: y\r\n--a: b--\r\n",
	    "0 M multipart/mixed <><>\n1 L text/plain <>" },
	{ "boundary-is-case-sensitive", MIXED("B"), NULL,
	    "--B\r\n\r\n--b\r\n--B--",
	    "0 M multipart/mixed <><>\n1 L text/plain <--b>" },
	{ "transport-padding", MIXED("b"), NULL,
	    "--b \t\r\n\r\nx\r\n--b-- \t \r\n",
	    "0 M multipart/mixed <><>\n1 L text/plain <x>" },
	{ "text-behind-the-boundary", MIXED("b"), NULL,
	    "--b\r\n\r\nx\r\n--b y\r\n--b-\r\n--b--z\r\n--b--\r\n",
	    "0 M multipart/mixed <><>\n"
	    "1 L text/plain <x\\r\\n--b y\\r\\n--b-\\r\\n--b--z>" },
	{ "not-at-line-start", MIXED("b"), NULL,
	    "--b\r\n\r\nx--b\r\n --b\r\n-\r\n--b--",
	    "0 M multipart/mixed <><>\n"
	    "1 L text/plain <x--b\\r\\n --b\\r\\n->" },
	{ "bare-lf", MIXED("b"), NULL, "pre\n--b\n\nx\n\n--b--\npost",
	    "0 M multipart/mixed <pre><post>\n1 L text/plain <x\\n>" },
	{ "bare-cr-ends-no-line", MIXED("b"), NULL,
	    "--b\r\n\r\nx\r--b--\r\n--b--\r\n",
	    "0 M multipart/mixed <><>\n1 L text/plain <x\\r--b-->" },
	{ "delimiter-in-epilogue", MIXED("b"), NULL,
	    "--b\r\n\r\nx\r\n--b--\r\n--b\r\n\r\ny\r\n",
	    "0 M multipart/mixed <><--b\\r\\n\\r\\ny\\r\\n>\n"
	    "1 L text/plain <x>" },
	{ "nested", MIXED("o"), NULL,
	    "--o\r\nContent-Type: multipart/alternative; boundary=i\r\n\r\n"
	    "ip\r\n--i\r\n\r\nx\r\n--i\r\n\r\ny\r\n--i--\r\nie\r\n--o\r\n\r\n"
	    "z\r\n--o--\r\noe",
	    "0 M multipart/mixed <><oe>\n"
	    "1 M multipart/alternative <ip><ie>\n"
	    "2 L text/plain <x>\n2 L text/plain <y>\n1 L text/plain <z>" },
	{ "nested-line-end-shared", MIXED("o"), NULL,
	    "--o\r\nContent-Type: multipart/mixed; boundary=i\r\n\r\n"
	    "--i\r\n\r\nx\r\n--i--\r\n--o--\r\n",
	    "0 M multipart/mixed <><>\n1 M multipart/mixed <><>\n"
	    "2 L text/plain <x>" },
	{ "nested-not-terminated", MIXED("o"), NULL,
	    "--o\r\nContent-Type: multipart/mixed; boundary=i\r\n\r\n"
	    "--i\r\n\r\nx\r\n--o\r\n\r\nz\r\n--o--\r\n",
	    "0 M multipart/mixed <><>\n1 U multipart/mixed <><>\n"
	    "2 L text/plain <x>\n1 L text/plain <z>" },
	{ "nested-ended-at-once", MIXED("o"), NULL,
	    "--o\r\nContent-Type: multipart/mixed; boundary=i\r\n\r\n"
	    "--i\r\n--o--\r\n",
	    "0 M multipart/mixed <><>\n1 U multipart/mixed <><>\n"
	    "2 L text/plain <>" },
	{ "nested-prefix-inner-longer", MIXED("a"), NULL,
	    "--a\r\nContent-Type: multipart/mixed; boundary=ab\r\n\r\n"
	    "--ab\r\n\r\nx\r\n--ab--\r\n--a--\r\n",
	    "0 M multipart/mixed <><>\n1 M multipart/mixed <><>\n"
	    "2 L text/plain <x>" },
	{ "nested-prefix-outer-longer", MIXED("ab"), NULL,
	    "--ab\r\nContent-Type: multipart/mixed; boundary=a\r\n\r\n"
	    "--a\r\n\r\nx\r\n--a--\r\n--ab--\r\n",
	    "0 M multipart/mixed <><>\n1 M multipart/mixed <><>\n"
	    "2 L text/plain <x>" },
	{ "nested-end-or-boundary", MIXED("a"), NULL,
	    "--a\r\nContent-Type: multipart/mixed; boundary=\"a--\"\r\n\r\n"
	    "--a--\r\n\r\nx\r\n--a----\r\n--a--\r\n",
	    "0 M multipart/mixed <><>\n1 M multipart/mixed <><>\n"
	    "2 L text/plain <x>" },
	{ "nested-same-boundary", MIXED("a"), NULL,
	    "--a\r\nContent-Type: multipart/mixed; boundary=a\r\n\r\n"
	    "--a\r\n\r\nx\r\n--a--\r\n--a\r\n\r\ny\r\n--a--\r\n",
	    "0 M multipart/mixed <><>\n1 M multipart/mixed <><>\n"
	    "2 L text/plain <x>\n1 L text/plain <y>" },
	{ "nested-without-delimiter", MIXED("o"), NULL,
	    "--o\r\nContent-Type: multipart/mixed; boundary=i\r\n\r\nx\r\n"
	    "--o--\r\n",
	    "0 M multipart/mixed <><>\n1 L multipart/mixed <x>" },
	{ "message", MIXED("o"), NULL,
	    "--o\r\nContent-Type: message/rfc822\r\n\r\nSubject: s\r\n"
	    "Content-Type: text/html\r\n\r\nx\r\n--o--\r\n",
	    "0 M multipart/mixed <><>\n1 E message/rfc822\n"
	    "2 L text/html <x>" },
	{ "message-with-multipart", " message/rfc822", NULL,
	    "Content-Type: multipart/mixed; boundary=i\r\n\r\n--i\r\n\r\nx\r\n"
	    "--i--\r\n",
	    "0 E message/rfc822\n1 M multipart/mixed <><>\n"
	    "2 L text/plain <x>" },
	{ "message-cut-by-outer", MIXED("o"), NULL,
	    "--o\r\nContent-Type: message/rfc822\r\n\r\nContent-Type: "
	    "multipart/mixed; boundary=i\r\n\r\n--i\r\n\r\nx\r\n--o--\r\n",
	    "0 M multipart/mixed <><>\n1 E message/rfc822\n"
	    "2 U multipart/mixed <><>\n3 L text/plain <x>" },
	{ "message-empty", MIXED("o"), NULL,
	    "--o\r\nContent-Type: message/rfc822\r\n\r\n--o--\r\n",
	    "0 M multipart/mixed <><>\n1 E message/rfc822\n"
	    "2 L text/plain <>" },
	{ "message-base64-is-a-leaf", " message/rfc822", " base64",
	    "U3ViamVjdDogeA==\r\n",
	    "0 L message/rfc822 <U3ViamVjdDogeA==\\r\\n>" },
	{ "message-qp-is-a-leaf", " message/rfc822", " quoted-printable",
	    "A: x\r\n", "0 L message/rfc822 <A: x\\r\\n>" },
	{ "message-8bit", " message/rfc822", " 8bit", "A: x\r\n\r\ny\r\n",
	    "0 E message/rfc822\n1 L text/plain <y\\r\\n>" },
	{ "message-with-mbox-line", " message/rfc822", NULL,
	    "From a@b\r\nA: x\r\n\r\ny",
	    "0 E message/rfc822\n"
	    "1 L text/plain <From a@b\\r\\nA: x\\r\\n\\r\\ny>" },
	{ "digest", " multipart/digest; boundary=d", NULL,
	    "--d\r\n\r\nA: x\r\n\r\ny\r\n--d\r\nContent-Type: text/css\r\n\r\n"
	    "z\r\n--d--\r\n",
	    "0 M multipart/digest <><>\n1 E message/rfc822\n"
	    "2 L text/plain <y>\n1 L text/css <z>" },
	{ "delivery-status-is-a-leaf", " message/delivery-status", NULL,
	    "A: x\r\n", "0 L message/delivery-status <A: x\\r\\n>" },
	{ "multipart-labelled-base64", MIXED("b"), " base64",
	    "--b\r\n\r\nx\r\n--b--\r\n",
	    "0 M multipart/mixed <><>\n1 L text/plain <x>" },
};

static void
test_scan(gconstpointer data)
{
	gsize i = GPOINTER_TO_SIZE(data);
	g_autoptr(Fields) fields =
	    fields_from(scan_cases[i].type, scan_cases[i].encoding);
	g_autoptr(GBytes) body =
	    g_bytes_new(scan_cases[i].body, strlen(scan_cases[i].body));
	g_autoptr(GError) error = NULL;
	g_autoptr(Structure) structure =
	    structure_scan(fields, body, PARTS, DEPTH, &error);
	g_autofree char *got = NULL;

	g_assert_no_error(error);
	check_invariants(structure, body);
	got = describe(structure, body);
	g_assert_cmpstr(got, ==, scan_cases[i].want);
}

static const struct {
	const char *value;
	PartEncoding want;
} encoding_cases[] = {
	{ NULL, ENCODING_7BIT },
	{ " 7bit", ENCODING_7BIT },
	{ " 8BIT ", ENCODING_8BIT },
	{ "binary", ENCODING_BINARY },
	{ "\n Base64", ENCODING_BASE64 },
	{ " quoted-printable; x", ENCODING_QUOTED_PRINTABLE },
	{ " base64 (really)", ENCODING_BASE64 },
	{ " x-uuencode", ENCODING_OTHER },
	{ " 8 bit", ENCODING_OTHER },
	{ " base", ENCODING_OTHER },
	{ " base64x", ENCODING_OTHER },
	{ " ", ENCODING_OTHER },
};

static void
test_encoding(void)
{
	for (gsize i = 0; i < G_N_ELEMENTS(encoding_cases); i++) {
		g_autoptr(Fields) fields =
		    fields_from(NULL, encoding_cases[i].value);
		g_autoptr(GBytes) body = g_bytes_new("x", 1);
		g_autoptr(Structure) structure =
		    structure_scan(fields, body, PARTS, DEPTH, NULL);

		g_assert_cmpint(structure_part(structure, 0)->encoding, ==,
		    encoding_cases[i].want);
	}
}

static void
test_duplicate(void)
{
	g_autoptr(Fields) fields =
	    fields_from(" multipart/mixed; boundary=b", NULL);
	static const char text[] =
	    "--b\r\nContent-Type: text/html\r\nContent-type: text/css\r\n\r\n"
	    "x\r\n--b\r\nContent-Transfer-Encoding: 7bit\r\n"
	    "Content-Transfer-Encoding: 7bit\r\n\r\nx\r\n--b\r\n"
	    "Content-Type: text/html\r\n\r\nx\r\n--b--";
	g_autoptr(GBytes) body = g_bytes_new(text, strlen(text));
	g_autoptr(Structure) one = NULL;
	g_autoptr(Structure) two = NULL;

	one = structure_scan(fields, body, PARTS, DEPTH, NULL);
	g_assert_false(structure_part(one, 0)->duplicate_type);
	g_assert_true(structure_part(one, 1)->duplicate_type);
	g_assert_cmpstr(structure_part(one, 1)->type, ==, "text/html");
	g_assert_true(structure_part(one, 2)->duplicate_type);
	g_assert_false(structure_part(one, 3)->duplicate_type);
	fields_add(fields, "CONTENT-TYPE", " text/plain");
	two = structure_scan(fields, body, PARTS, DEPTH, NULL);
	g_assert_true(structure_part(two, 0)->duplicate_type);
	g_assert_cmpstr(structure_part(two, 0)->type, ==, "multipart/mixed");
}

/* A Content-Type over 64 KiB, a header over 1 MiB: leaves nobody touches. */
static void
test_header_limits(void)
{
	g_autoptr(Fields) fields =
	    fields_from(" multipart/mixed; boundary=b", NULL);
	g_autofree char *long_value = g_strnfill(70000, 'x');
	g_autofree char *long_field = g_strnfill(1100000, 'x');
	g_autofree char *text = g_strconcat("--b\r\nContent-Type: text/",
	    long_value, "\r\n\r\nx\r\n--b\r\nX: ", long_field,
	    "\r\nContent-Type: text/html\r\n\r\ny\r\n--b--", NULL);
	g_autoptr(GBytes) body = g_bytes_new(text, strlen(text));
	g_autoptr(Structure) structure =
	    structure_scan(fields, body, PARTS, DEPTH, NULL);

	g_assert_cmpuint(structure_count(structure), ==, 3);
	for (guint i = 1; i < 3; i++) {
		const Part *part = structure_part(structure, i);

		g_assert_cmpint(part->kind, ==, PART_LEAF);
		g_assert_cmpint(part->encoding, ==, ENCODING_OTHER);
		g_assert_cmpuint(part->end - part->start, ==, 1);
	}
}

static GString *
nested(guint depth)
{
	GString *text = g_string_new(NULL);

	for (guint i = 1; i < depth; i++) {
		g_string_append_printf(text,
		    "--b%u\r\nContent-Type: multipart/mixed; "
		    "boundary=b%u\r\n\r\n",
		    i, i + 1);
	}
	g_string_append_printf(text, "--b%u\r\n\r\nx\r\n", depth);
	for (guint i = depth; i > 0; i--) {
		g_string_append_printf(text, "--b%u--\r\n", i);
	}
	return text;
}

static void
expect_limit(
    const char *type, GString *text, guint parts, guint depth, bool exceeded)
{
	g_autoptr(Fields) fields = fields_from(type, NULL);
	g_autoptr(GBytes) body = g_string_free_to_bytes(text);
	g_autoptr(GError) error = NULL;
	g_autoptr(Structure) structure =
	    structure_scan(fields, body, parts, depth, &error);

	if (exceeded) {
		g_assert_null(structure);
		g_assert_error(error, ERROR_DOMAIN, ERROR_LIMIT);
	} else {
		g_assert_no_error(error);
		check_invariants(structure, body);
	}
}

static void
test_depth(void)
{
	static const char b1[] = " multipart/mixed; boundary=b1";
	GString *messages = g_string_new(NULL);

	expect_limit(b1, nested(50), 1000, 50, false);
	expect_limit(b1, nested(51), 1000, 50, true);
	expect_limit(b1, nested(1000), 100000, 50, true);
	expect_limit(b1, nested(1000), 100000, 1000, false);
	for (int i = 0; i < 1000; i++) {
		g_string_append(
		    messages, "Content-Type: message/rfc822\r\n\r\n");
	}
	expect_limit(" message/rfc822", messages, 100000, 50, true);
}

static void
test_parts(void)
{
	static const char b[] = " multipart/mixed; boundary=b";
	GString *text = g_string_new("--b\r\n\r\n--b\r\n\r\n--b--");
	GString *million = g_string_new(NULL);

	expect_limit(b, g_string_new(text->str), 3, 50, false);
	expect_limit(b, text, 2, 50, true);
	expect_limit(NULL, g_string_new("x"), 1, 0, false);
	for (int i = 0; i < 1000000; i++) {
		g_string_append(million, "--b\r\n");
	}
	expect_limit(b, million, 1000, 50, true);
}

/* Open multiparts times lines is the worst a body can ask for. */
static void
test_many_dashes(void)
{
	GString *text = g_string_new(NULL);

	for (guint i = 1; i < 50; i++) {
		g_string_append_printf(text,
		    "--b%u\r\nContent-Type: multipart/mixed; "
		    "boundary=b%u\r\n\r\n",
		    i, i + 1);
	}
	for (int i = 0; i < 1000000; i++) {
		g_string_append(text, "--c\n");
	}
	expect_limit(" multipart/mixed; boundary=b1", text, 1000, 50, false);
}

static const struct {
	const char *type;
	const char *disposition;
	const char *want;
} name_cases[] = {
	{ NULL, NULL, NULL },
	{ " text/plain", NULL, NULL },
	{ " text/plain; name=a.p7m", NULL, "a.p7m" },
	{ " text/plain; name=a.p7m", " attachment", "a.p7m" },
	{ " text/plain; name=a", " attachment; filename=\"b\"", "b" },
	{ NULL, " attachment;\n\tfilename=\"b c\"", "b c" },
	{ NULL, " attachment; filename*=utf-8''caf%C3%A9", "caf\xC3\xA9" },
	{ NULL, " attachment; filename*0=\"smi\"; filename*1=\"me.p7m\"",
	    "smime.p7m" },
	{ " x/y; name=\"=?utf-8?q?a=2Ep7m?=\"", NULL, "a.p7m" },
	{ " x/y; NAME=A", NULL, "A" },
};

static void
test_name(void)
{
	for (gsize i = 0; i < G_N_ELEMENTS(name_cases); i++) {
		g_autoptr(Fields) fields =
		    fields_from(name_cases[i].type, NULL);
		g_autoptr(GBytes) body = g_bytes_new("", 0);
		g_autoptr(Structure) structure = NULL;
		g_autofree char *got = NULL;

		if (name_cases[i].disposition != NULL) {
			fields_add(fields, "Content-Disposition",
			    name_cases[i].disposition);
		}
		structure = structure_scan(fields, body, PARTS, DEPTH, NULL);
		got = structure_name(structure, 0);
		g_assert_cmpstr(got, ==, name_cases[i].want);
	}
}

static void
test_part_names(void)
{
	g_autoptr(Fields) fields =
	    fields_from(" multipart/signed; boundary=b; micalg=sha-256;\n"
			" protocol=\"application/pkcs7-signature\"",
		NULL);
	static const char text[] =
	    "--b\r\nContent-Type: x/y; name=\r\n \"n\"\r\n\r\n--b\r\n"
	    "Content-Disposition: inline; filename=f\r\n\r\n--b--";
	g_autoptr(GBytes) body = g_bytes_new(text, strlen(text));
	g_autoptr(Structure) structure =
	    structure_scan(fields, body, PARTS, DEPTH, NULL);
	g_autofree char *protocol =
	    structure_parameter(structure, 0, "protocol");
	g_autofree char *one = structure_name(structure, 1);
	g_autofree char *two = structure_name(structure, 2);

	g_assert_cmpstr(protocol, ==, "application/pkcs7-signature");
	g_assert_cmpstr(one, ==, "n");
	g_assert_cmpstr(two, ==, "f");
	g_assert_null(structure_parameter(structure, 2, "name"));
	g_assert_null(structure_parameter(structure, 0, "nothing"));
}

static const struct {
	const char *encoding;
	const char *body;
	gsize max;
	const char *want; /* NULL: ERROR_LIMIT */
} decode_cases[] = {
	{ NULL, "plain\r\n", 100, "plain\r\n" },
	{ NULL, "plain\r\n", 7, "plain\r\n" },
	{ NULL, "plain\r\n", 6, NULL },
	{ " x-unknown", "=41", 100, "=41" },
	{ " base64", "aGVs\r\nbG8=\r\n", 100, "hello" },
	{ " base64", "aGVsbG8", 100, "hel" },
	{ " base64", "a G\tV*s\r\nbG8=", 100, "hello" },
	{ " base64", "aGU=\r\nbGxv\r\n", 100, "hello" },
	{ " base64", "aGVsbG8=", 5, "hello" },
	{ " base64", "aGVsbG8=", 4, NULL },
	{ " base64", "", 0, "" },
	{ " quoted-printable", "a=3Db=\r\nc=c3=A9\r\n", 100,
	    "a=bc\xC3\xA9\r\n" },
	{ " quoted-printable", "a=zzb", 100, "a=zzb" },
	{ " quoted-printable", "a=3Db", 2, NULL },
};

static void
test_decode(void)
{
	for (gsize i = 0; i < G_N_ELEMENTS(decode_cases); i++) {
		g_autoptr(Fields) fields =
		    fields_from(NULL, decode_cases[i].encoding);
		g_autoptr(GBytes) body = g_bytes_new(
		    decode_cases[i].body, strlen(decode_cases[i].body));
		g_autoptr(GError) error = NULL;
		g_autoptr(Structure) structure =
		    structure_scan(fields, body, PARTS, DEPTH, NULL);
		g_autoptr(GBytes) got =
		    structure_decode(structure, 0, decode_cases[i].max, &error);

		if (decode_cases[i].want == NULL) {
			g_assert_null(got);
			g_assert_error(error, ERROR_DOMAIN, ERROR_LIMIT);
			continue;
		}
		g_assert_no_error(error);
		assert_bytes(g_bytes_get_data(got, NULL), g_bytes_get_size(got),
		    decode_cases[i].want, strlen(decode_cases[i].want));
	}
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	for (gsize i = 0; i < G_N_ELEMENTS(scan_cases); i++) {
		g_autofree char *path =
		    g_strconcat("/structure/scan/", scan_cases[i].name, NULL);

		g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_scan);
	}
	g_test_add_func("/structure/scan/encodings", test_encoding);
	g_test_add_func("/structure/scan/duplicate-fields", test_duplicate);
	g_test_add_func("/structure/scan/header-limits", test_header_limits);
	g_test_add_func("/structure/limit/depth", test_depth);
	g_test_add_func("/structure/limit/parts", test_parts);
	g_test_add_func("/structure/limit/many-dashes", test_many_dashes);
	g_test_add_func("/structure/name/table", test_name);
	g_test_add_func("/structure/name/of-parts", test_part_names);
	g_test_add_func("/structure/decode/table", test_decode);
	return g_test_run();
}
