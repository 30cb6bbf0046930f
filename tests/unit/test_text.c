/* SPDX-License-Identifier: Apache-2.0 */
/* Foreign text in log lines, ASCII case, hex, RFC 3339 times. */
#include "config.h"

#include "base/text.h"

#include <string.h>

/* In a block of exactly its length, so that ASan sees one byte too far. */
static char *
exact(const char *text)
{
	gsize size = strlen(text) + 1;
	char *block = g_malloc(size);

	memcpy(block, text, size);
	return block;
}

static void
test_clean(void)
{
	static const struct {
		const char *name;
		const char *text;
		gsize max;
		const char *want;
	} cases[] = {
		{ "empty", "", 10, "" },
		{ "plain", "abc def", 10, "abc def" },
		{ "just fits", "abcde", 5, "abcde" },
		{ "one too many", "abcdef", 5, "abcde..." },
		{ "nothing allowed", "a", 0, "..." },
		{ "empty, nothing allowed", "", 0, "" },
		{ "line ends", "a\r\nb\tc", 10, "a??b?c" },
		{ "escape, delete", "\033[2J\177", 10, "?[2J?" },
		{ "umlaut", "gr\xc3\xbc\xc3\x9f", 10, "gr\xc3\xbc\xc3\x9f" },
		{ "cut before a character", "ab\xc3\xbc\xc3\xbc", 5,
		    "ab\xc3\xbc..." },
		{ "character ends at the limit",
		    "ab\xc3\xbc"
		    "c",
		    4, "ab\xc3\xbc..." },
		{ "four bytes do not fit", "a\xf0\x9f\x94\x92", 4, "a..." },
		{ "invalid bytes",
		    "a\xff\xfe"
		    "b",
		    10, "a??b" },
		{ "truncated character", "a\xe2\x82", 10, "a??" },
		{ "overlong", "\xc0\xaf", 10, "??" },
		{ "surrogate", "\xed\xa0\x80", 10, "???" },
		{ "C1 control",
		    "a\xc2\x9b"
		    "b",
		    10, "a?b" },
		{ "direction override",
		    "a\xe2\x80\xae"
		    "b",
		    10, "a?b" },
		{ "line separator",
		    "a\xe2\x80\xa8"
		    "b",
		    10, "a?b" },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *text = exact(cases[i].text);
		g_autofree char *got = text_clean(text, cases[i].max);

		g_test_message("%s", cases[i].name);
		g_assert_cmpstr(got, ==, cases[i].want);
	}
}

static void
test_clean_no_limit(void)
{
	g_autofree char *got = text_clean("abc", G_MAXSIZE);

	g_assert_cmpstr(got, ==, "abc");
}

static void
test_append_field(void)
{
	static const struct {
		const char *name;
		const char *value;
		const char *want;
	} cases[] = {
		{ "plain", "a@b", "x=1 k=a@b" },
		{ "none", NULL, "x=1 k=-" },
		{ "empty", "", "x=1 k=\"\"" },
		{ "blank", "a b", "x=1 k=\"a b\"" },
		{ "equals sign", "a=b", "x=1 k=\"a=b\"" },
		{ "quotes", "a\"b", "x=1 k=\"a\\\"b\"" },
		{ "backslash alone", "a\\b", "x=1 k=a\\b" },
		{ "backslash in quotes", "a \\", "x=1 k=\"a \\\\\"" },
		{ "forged line", "a\nqid=1", "x=1 k=\"a?qid=1\"" },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GString) line = g_string_new("x=1");

		g_test_message("%s", cases[i].name);
		text_append_field(line, "k", cases[i].value);
		g_assert_cmpstr(line->str, ==, cases[i].want);
	}
}

static void
test_append_field_first(void)
{
	g_autoptr(GString) line = g_string_new(NULL);

	text_append_field(line, "qid", "4bX");
	g_assert_cmpstr(line->str, ==, "qid=4bX");
}

static void
test_append_field_long(void)
{
	g_autoptr(GString) line = g_string_new(NULL);
	g_autofree char *value = g_strnfill(100000, 'a');

	text_append_field(line, "k", value);
	g_assert_cmpuint(line->len, <, 1100);
	g_assert_true(g_str_has_suffix(line->str, "a..."));
}

static void
test_fold(void)
{
	g_autofree char *got = text_fold("ABZ az@[`{ \xc3\x84");

	g_assert_cmpstr(got, ==, "abz az@[`{ \xc3\x84");
}

static void
test_equal_fold(void)
{
	g_assert_true(text_equal_fold("Abc", "aBC"));
	g_assert_true(text_equal_fold("", ""));
	g_assert_true(text_equal_fold(NULL, NULL));
	g_assert_false(text_equal_fold("abc", "abcd"));
	g_assert_false(text_equal_fold("abc", NULL));
	g_assert_false(text_equal_fold(NULL, ""));
	g_assert_false(text_equal_fold("\xc3\x84", "\xc3\xa4"));
}

static void
test_hex(void)
{
	static const guint8 bytes[] = { 0x00, 0x0f, 0xa5, 0xff };
	g_autofree char *got = text_hex(bytes, sizeof(bytes));
	g_autofree char *none = text_hex(bytes, 0);

	g_assert_cmpstr(got, ==, "000fa5ff");
	g_assert_cmpstr(none, ==, "");
}

static void
test_time(void)
{
	static const struct {
		gint64 seconds;
		const char *want;
	} cases[] = {
		{ 0, "1970-01-01T00:00:00Z" },
		{ G_GINT64_CONSTANT(1795231860), "2026-11-21T03:31:00Z" },
		{ -1, "1969-12-31T23:59:59Z" },
		{ G_GINT64_CONSTANT(4102444800), "2100-01-01T00:00:00Z" },
		{ G_GINT64_CONSTANT(253402300799), "9999-12-31T23:59:59Z" },
		{ G_MAXINT64, "9999-12-31T23:59:59Z" },
		{ G_MININT64, "0000-01-01T00:00:00Z" },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *got = text_time(cases[i].seconds);

		g_assert_cmpstr(got, ==, cases[i].want);
	}
}

static void
test_parse_time(void)
{
	static const struct {
		const char *text;
		gint64 want;
	} cases[] = {
		{ "1970-01-01T00:00:00Z", 0 },
		{ "2026-11-21T03:31:00Z", G_GINT64_CONSTANT(1795231860) },
		{ "2026-11-21t03:31:00z", G_GINT64_CONSTANT(1795231860) },
		{ "2026-11-21T03:31:00.125Z", G_GINT64_CONSTANT(1795231860) },
		{ "2024-02-29T00:00:00Z", G_GINT64_CONSTANT(1709164800) },
		{ "1990-12-31T23:59:60Z", G_GINT64_CONSTANT(662688000) },
		{ "9999-12-31T23:59:59Z", G_GINT64_CONSTANT(253402300799) },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *text = exact(cases[i].text);
		gint64 got = 1;

		g_test_message("%s", text);
		g_assert_true(text_parse_time(text, &got));
		g_assert_cmpint(got, ==, cases[i].want);
	}
}

static void
test_parse_time_refuses(void)
{
	static const char *const cases[] = {
		"",
		"2026",
		"2026-11-21",
		"2026-11-21T03:31:00",
		"2026-11-21T03:31:00+00:00",
		"2026-11-21 03:31:00Z",
		"2026-11-21T03:31Z",
		"2026-11-21T03:31:00Z ",
		" 2026-11-21T03:31:00Z",
		"2026-11-21T03:31:00.Z",
		"2026-13-01T00:00:00Z",
		"2026-00-01T00:00:00Z",
		"2026-02-29T00:00:00Z",
		"2026-04-31T00:00:00Z",
		"2026-11-21T24:00:00Z",
		"2026-11-21T00:60:00Z",
		"2026-11-21T00:00:61Z",
		"0000-01-01T00:00:00Z",
		"-026-11-21T03:31:00Z",
		"2026-1-21T03:31:00Z",
		"20261121T033100Z",
		"now",
	};

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *text = exact(cases[i]);
		gint64 got = 4711;

		g_test_message("%s", text);
		g_assert_false(text_parse_time(text, &got));
		g_assert_cmpint(got, ==, 4711);
	}
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/text/clean/table", test_clean);
	g_test_add_func("/text/clean/no-limit", test_clean_no_limit);
	g_test_add_func("/text/append_field/table", test_append_field);
	g_test_add_func("/text/append_field/first", test_append_field_first);
	g_test_add_func("/text/append_field/long", test_append_field_long);
	g_test_add_func("/text/fold/ascii-only", test_fold);
	g_test_add_func("/text/equal_fold/null", test_equal_fold);
	g_test_add_func("/text/hex/bytes", test_hex);
	g_test_add_func("/text/time/limits", test_time);
	g_test_add_func("/text/parse_time/accepts", test_parse_time);
	g_test_add_func("/text/parse_time/refuses", test_parse_time_refuses);
	return g_test_run();
}
