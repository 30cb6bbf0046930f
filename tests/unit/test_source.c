/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "policy/source.h"

#include <string.h>

#include "base/error.h"
#include "policy_fixture.h"

static void
test_text_is_kept(void)
{
	static const char *const cases[] = {
		"",
		"a = 1;\n",
		"a = \"@include \\\" 99999999999\"; # 99999999999 \"\n",
		"// 99999999999\n/* 99999999999\n@include \"x\" */ "
		"a=2147483647;",
		"# @include \"x\"\n/* \" */ b = \"/*\"; c = \"#\";\n",
		"a99999999999 = 1; b = 99999999999.5; c = 1e99; d = "
		"0x7fffffff;",
		"a = 1; @include \"x\"\n",
	};

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		char *file = fixture_file(cases[i], -1);
		g_autoptr(GError) error = NULL;
		g_autoptr(Source) source = source_read(file, &error);

		g_assert_no_error(error);
		g_assert_true(g_str_has_prefix(source_text(source), cases[i]));
		g_assert_cmpstr(
		    source_text(source) + strlen(cases[i]), ==, "\n");
		fixture_remove(file);
	}
}

static void
test_bad(void)
{
	static const struct {
		const char *text;
		gssize length;
		const char *want;
	} cases[] = {
		{ "a = 2147483648;", -1, ":1: the number 2147483648" },
		{ "\n\na = -5000000000L;", -1, ":3: the number 5000000000" },
		{ "a = 0x100000000;", -1, ":1: the number 0x100000000 is" },
		{ "a = 99999999999999999999999;", -1, ":1: the number" },
		{ "a = 1;\n\0b", 9, ":2: a NUL" },
		{ "a = 1\n\n\0\";", 9, ":3: a NUL" },
		{ "a = 1;\na = \"unterminated\n\n", -1, ":2: the text" },
		{ "a = \"ends in backslash\\", -1, ":1: the text" },
		{ "a = \"ends in quote\\\"", -1, ":1: the text" },
		{ "\n/* unterminated", -1, ":2: the comment" },
		{ "/*/", -1, ":1: the comment" },
		{ "@include", -1, ":1: @include" },
		{ "x;\n  @include \"a\n\"", -1, ":2: @include" },
		{ "@include \"/nonexistent/x\"", -1, ":1: @include: " },
		{ "\n@include \"/\"", -1, ":2: @include: " },
		{ "@include \"/dev/null\"", -1, ":1: @include: " },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		char *file = fixture_file(cases[i].text, cases[i].length);
		g_autoptr(GError) error = NULL;

		g_assert_null(source_read(file, &error));
		g_assert_error(error, ERROR_DOMAIN, ERROR_SETTINGS);
		g_test_message("got %s", error->message);
		g_assert_true(g_str_has_prefix(error->message, file));
		g_assert_nonnull(strstr(error->message, cases[i].want));
		fixture_remove(file);
	}
}

static void
check_place(const Source *source, guint line, const char *file, guint want)
{
	guint got = 0;
	const char *name = source_place(source, line, &got);

	g_test_message("line %u is %s:%u", line, name, got);
	g_assert_cmpuint(got, ==, want);
	g_assert_true(g_str_has_suffix(name, file));
}

static void
test_include(void)
{
	g_autofree char *directory = g_dir_make_tmp("source-XXXXXX", NULL);
	g_autofree char *main_file =
	    g_build_filename(directory, "main.conf", NULL);
	g_autofree char *inner = g_build_filename(directory, "inner", NULL);
	g_autofree char *empty = g_build_filename(directory, "empty", NULL);
	g_autoptr(GError) error = NULL;
	g_autoptr(Source) source = NULL;

	g_file_set_contents(inner, "b = 2;\n\nc = 3;", -1, NULL);
	g_file_set_contents(empty, "", -1, NULL);
	g_file_set_contents(main_file,
	    "a = 1;\n\t@include \"inner\" d = 4;\n@include \"empty\"\ne = 5;\n",
	    -1, NULL);
	source = source_read(main_file, &error);
	g_assert_no_error(error);
	g_assert_cmpstr(source_text(source), ==,
	    "a = 1;\n\tb = 2;\n\nc = 3;\n d = 4;\n\n\ne = 5;\n\n");
	check_place(source, 1, "main.conf", 1);
	check_place(source, 2, "inner", 1);
	check_place(source, 4, "inner", 3);
	check_place(source, 5, "main.conf", 2);
	check_place(source, 8, "main.conf", 4);

	/* A file that includes itself ends in an error, not in the stack. */
	g_file_set_contents(inner, "@include \"inner\"\n", -1, NULL);
	g_assert_null(source_read(main_file, &error));
	g_assert_error(error, ERROR_DOMAIN, ERROR_SETTINGS);
	g_assert_nonnull(strstr(error->message, "files deep"));
	g_unlink(inner);
	g_unlink(empty);
	g_unlink(main_file);
	g_rmdir(directory);
}

static void
test_missing(void)
{
	g_autoptr(GError) missing = NULL;
	g_autoptr(GError) directory = NULL;

	g_assert_null(source_read("/nonexistent/x.conf", &missing));
	g_assert_error(missing, ERROR_DOMAIN, ERROR_MISSING);
	g_assert_null(source_read("/", &directory));
	g_assert_nonnull(directory);
	g_test_message("%s", directory->message);
	source_free(NULL);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/source/read/kept-as-it-is", test_text_is_kept);
	g_test_add_func("/source/read/bad", test_bad);
	g_test_add_func("/source/read/include", test_include);
	g_test_add_func("/source/read/missing", test_missing);
	return g_test_run();
}
