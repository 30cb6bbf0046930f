/* SPDX-License-Identifier: Apache-2.0 */
/* Messages as files hold them: taken apart and put together again. */
#include "config.h"

#include "mime/message.h"

#include "mime-testing.h"

static const struct {
	const char *name;
	const char *raw;
	gsize raw_length;
	const char *fields; /* "Name|value" for each, joined with '~' */
	const char *body;
	gsize body_length;
	bool crlf;
} parse_cases[] = {
	{ "crlf", TEXT("A: 1\r\nB: 2\r\n\r\nx\r\ny\r\n"), "A| 1~B| 2",
	    TEXT("x\r\ny\r\n"), true },
	{ "lf", TEXT("A: 1\nB: 2\n\nx\ny\n"), "A| 1~B| 2", TEXT("x\r\ny\r\n"),
	    false },
	{ "empty", TEXT(""), "", TEXT(""), false },
	{ "header-only", TEXT("A: 1\r\n"), "A| 1", TEXT(""), true },
	{ "header-without-line-end", TEXT("A: 1"), "A| 1", TEXT(""), false },
	{ "header-and-empty-line", TEXT("A: 1\r\n\r\n"), "A| 1", TEXT(""),
	    true },
	{ "body-only", TEXT("\r\nx\r\n"), "", TEXT("x\r\n"), true },
	{ "folded", TEXT("A: 1\r\n\t2\r\n  3\r\n\r\n"), "A| 1\n\t2\n  3",
	    TEXT(""), true },
	{ "folded-blank-line", TEXT("A: 1\n \n 2\n\nx\n"), "A| 1\n \n 2",
	    TEXT("x\r\n"), false },
	{ "no-leading-blank", TEXT("A:1\n\nx"), "A|1", TEXT("x"), false },
	{ "blank-before-colon", TEXT("A : 1\n\nx"), "A| 1", TEXT("x"), false },
	{ "mbox", TEXT("From a@b Sat Nov 21\nA: 1\n\nx\n"), "A| 1",
	    TEXT("x\r\n"), false },
	{ "line-that-is-no-field", TEXT("A: 1\r\nhello\r\nB: 2\r\n"), "A| 1",
	    TEXT("hello\r\nB: 2\r\n"), true },
	{ "starts-with-a-blank", TEXT(" x: 1\r\n"), "", TEXT(" x: 1\r\n"),
	    true },
	{ "colon-first", TEXT(": 1\r\n"), "", TEXT(": 1\r\n"), true },
	{ "name-with-8-bit", TEXT("\xC3\xA9: 1\r\n"), "",
	    TEXT("\xC3\xA9: 1\r\n"), true },
	{ "nul-ends-a-value", TEXT("A: 1\0x\r\n\r\n"), "A| 1", TEXT(""), true },
	{ "nul-in-body", TEXT("A: 1\r\n\r\nx\0y\r\n"), "A| 1", TEXT("x\0y\r\n"),
	    true },
	{ "mixed-ends-with-crlf-first", TEXT("A: 1\r\nB: 2\n\nx\ny\r\n"),
	    "A| 1~B| 2", TEXT("x\ny\r\n"), true },
	{ "mixed-ends-with-lf-first", TEXT("A: 1\nB: 2\r\n\r\nx\r\ny\n"),
	    "A| 1~B| 2", TEXT("x\r\ny\r\n"), false },
	{ "bare-cr-in-body", TEXT("A: 1\n\nx\ry\n"), "A| 1", TEXT("x\ry\r\n"),
	    false },
};

static char *
describe(const Fields *fields)
{
	GString *text = g_string_new(NULL);

	for (guint i = 0; i < fields_count(fields); i++) {
		g_string_append_printf(text, "%s%s|%s", i > 0 ? "~" : "",
		    fields_name(fields, i), fields_value(fields, i));
	}
	return g_string_free(text, FALSE);
}

static void
test_parse(gconstpointer data)
{
	gsize i = GPOINTER_TO_SIZE(data);
	g_autoptr(GBytes) raw =
	    g_bytes_new(parse_cases[i].raw, parse_cases[i].raw_length);
	bool crlf = !parse_cases[i].crlf;
	g_autoptr(Message) message = message_parse(raw, &crlf);
	g_autofree char *fields = describe(message->fields);
	bool cut = g_str_equal(parse_cases[i].name, "nul-ends-a-value");
	gsize length = 0;
	const guint8 *body = g_bytes_get_data(message->body, &length);

	g_assert_cmpstr(fields, ==, parse_cases[i].fields);
	assert_bytes(
	    body, length, parse_cases[i].body, parse_cases[i].body_length);
	g_assert_cmpint(crlf, ==, parse_cases[i].crlf);
	g_assert_cmpint(fields_are_cut(message->fields), ==, cut);
}

static void
check_written(const char *raw, gsize raw_length)
{
	g_autoptr(GBytes) bytes = g_bytes_new(raw, raw_length);
	bool crlf = false;
	g_autoptr(Message) message = message_parse(bytes, &crlf);
	g_autoptr(Rope) body = rope_new();
	g_autoptr(Rope) written = NULL;
	g_autoptr(GBytes) got = NULL;

	rope_append_bytes(body, message->body);
	written = message_write(message->fields, body, crlf);
	got = rope_to_bytes(written);
	assert_bytes(g_bytes_get_data(got, NULL), g_bytes_get_size(got), raw,
	    raw_length);
}

static void
test_write_back(void)
{
	check_written(TEXT("A: 1\r\n\tfold\r\nB:\r\n\r\nx\r\n\r\ny\r\n"));
	check_written(TEXT("A: 1\n\tfold\nB:\n\nx\n\ny\n"));
	check_written(TEXT("A: 1\n\nno line end"));
	check_written(TEXT("A: 1\n\nbare\rcr\n"));
	check_written(TEXT("A: 1\r\n\r\n"));
	check_written(TEXT("\n"));
}

/* A CRLF may lie on the seam of two runs. */
static void
test_write_seam(void)
{
	g_autoptr(Fields) fields = fields_new();
	g_autoptr(Rope) body = rope_new();
	g_autoptr(GBytes) one = g_bytes_new("x\r", 2);
	g_autoptr(GBytes) two = g_bytes_new("\ny", 2);
	g_autoptr(Rope) written = NULL;
	g_autoptr(GBytes) got = NULL;

	rope_append_bytes(body, one);
	rope_append_bytes(body, two);
	written = message_write(fields, body, false);
	got = rope_to_bytes(written);
	assert_bytes(
	    g_bytes_get_data(got, NULL), g_bytes_get_size(got), "\nx\ny", 4);
}

static void
test_body_is_shared(void)
{
	g_autoptr(GBytes) raw = g_bytes_new(TEXT("A: 1\r\n\r\nbody\r\n"));
	bool crlf = false;
	g_autoptr(Message) message = message_parse(raw, &crlf);

	g_assert_true((const char *)g_bytes_get_data(message->body, NULL) ==
	    (const char *)g_bytes_get_data(raw, NULL) + 8);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	for (gsize i = 0; i < G_N_ELEMENTS(parse_cases); i++) {
		g_autofree char *path =
		    g_strconcat("/message/parse/", parse_cases[i].name, NULL);

		g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_parse);
	}
	g_test_add_func("/message/parse/shares-the-body", test_body_is_shared);
	g_test_add_func("/message/write/gives-back", test_write_back);
	g_test_add_func("/message/write/crlf-on-a-seam", test_write_seam);
	return g_test_run();
}
