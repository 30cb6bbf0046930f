/* SPDX-License-Identifier: Apache-2.0 */
/* The contract of the certificate directory: names, limits, no way out. */
#include "config.h"

#include "store/layout.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "base/error.h"
#include "scratch.h"

static void
test_path(void)
{
	static const struct {
		const char *address;
		const char *want;
	} cases[] = {
		{ "alice@example.com", "d/example.com/alice.pem" },
		{ "Alice.B@Example.COM", "d/example.com/alice.b.pem" },
		{ "a+b-c_d=e.f@x.y", "d/x.y/a+b-c_d=e.f.pem" },
		{ "0189@localhost", "d/localhost/0189.pem" },
		{ "@example.com", "d/example.com/@domain.pem" },
		{ ".hidden@x.y", "d/x.y/%2Ehidden.pem" },
		{ ".@x.y", "d/x.y/%2E.pem" },
		{ "..@x.y", "d/x.y/%2E..pem" },
		{ "../../etc/passwd@x.y",
		    "d/x.y/%2E.%2F..%2Fetc%2Fpasswd.pem" },
		{ "a/b@x.y", "d/x.y/a%2Fb.pem" },
		{ "a@b@x.y", "d/x.y/a%40b.pem" },
		{ "@domain@x.y", "d/x.y/%40domain.pem" },
		{ "a b%\"'\\@x.y", "d/x.y/a%20b%25%22%27%5C.pem" },
		{ "a\n\001\177@x.y", "d/x.y/a%0A%01%7F.pem" },
		{ "j\xc3\xb6rg@x.y", "d/x.y/j%C3%B6rg.pem" },
		{ "J\xc3\x96RG@x.y", "d/x.y/j%C3%96rg.pem" },
		{ "\xff@x.y", "d/x.y/%FF.pem" },
		{ "a@xn--bcher-kva.example", "d/xn--bcher-kva.example/a.pem" },
		{ "a@_x-1.y", "d/_x-1.y/a.pem" },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GError) error = NULL;
		g_autofree char *got =
		    layout_path("d", cases[i].address, &error);

		g_assert_no_error(error);
		g_assert_cmpstr(got, ==, cases[i].want);
	}
}

static void
test_path_refuses(void)
{
	static const char *const cases[] = {
		"",
		"alice",
		"@",
		"alice@",
		"alice@[192.0.2.1]",
		"alice@[IPv6:::1]",
		"@[192.0.2.1]",
		"a@.",
		"a@..",
		"a@.x",
		"a@x.",
		"a@x..y",
		"a@x/y",
		"a@../x",
		"a@x y",
		"a@x\ny",
		"a@x\\y",
		"a@%2E%2E",
		"a@b\xc3\xbc.example",
		"a@x@",
	};

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GError) error = NULL;

		g_test_message("%s", cases[i]);
		g_assert_null(layout_path("d", cases[i], &error));
		g_assert_error(error, ERROR_DOMAIN, ERROR_MALFORMED);
		g_assert_null(strchr(error->message, '\n'));
	}
}

static void
test_path_limit(void)
{
	static const struct {
		gsize plain;   /* letters */
		gsize encoded; /* of three bytes each */
		bool fits;
	} cases[] = {
		{ 240, 0, true },
		{ 241, 0, false },
		{ 0, 80, true },
		{ 1, 80, false },
		{ 2000, 0, false },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GError) error = NULL;
		g_autofree char *letters = g_strnfill(cases[i].plain, 'a');
		g_autofree char *others = g_strnfill(cases[i].encoded, '/');
		g_autofree char *address =
		    g_strconcat(letters, others, "@x.y", NULL);
		g_autofree char *got = layout_path("d", address, &error);

		if (cases[i].fits) {
			g_assert_no_error(error);
			g_assert_cmpuint(strlen(got), ==, 6 + 240 + 4);
		} else {
			g_assert_null(got);
			g_assert_error(error, ERROR_DOMAIN, ERROR_LIMIT);
		}
	}
}

static void
test_path_domain_limit(void)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *label = g_strnfill(241, 'a');
	g_autofree char *address = g_strconcat("a@", label, NULL);

	g_assert_null(layout_path("d", address, &error));
	g_assert_error(error, ERROR_DOMAIN, ERROR_LIMIT);
}

/* Whatever the bytes: two levels below the directory, and back again. */
static void
test_path_all_bytes(void)
{
	for (int byte = 1; byte < 256; byte++) {
		const char local[] = { (char)byte, (char)byte, '\0' };
		g_autofree char *address = g_strconcat(local, "@x.y", NULL);
		g_autofree char *folded = g_ascii_strdown(address, -1);
		g_autofree char *path = layout_path("d", address, NULL);
		g_auto(GStrv) parts = g_strsplit(path, "/", 0);
		g_autofree char *back = NULL;

		g_assert_cmpuint(g_strv_length(parts), ==, 3);
		g_assert_cmpint(parts[2][0], !=, '.');
		back = layout_address(parts[1], parts[2]);
		g_assert_cmpstr(back, ==, folded);
	}
}

static void
test_address(void)
{
	static const struct {
		const char *domain;
		const char *name;
		const char *want;
	} cases[] = {
		{ "x.y", "alice.pem", "alice@x.y" },
		{ "x.y", "@domain.pem", "@x.y" },
		{ "x.y", "%40domain.pem", "@domain@x.y" },
		{ "x.y", "%2Ea.pem", ".a@x.y" },
		{ "x.y", "a.pem.pem", "a.pem@x.y" },
		{ "x.y", "j%C3%B6rg.pem", "j\xc3\xb6rg@x.y" },
		/* None that we would have made. */
		{ "x.y", ".pem", NULL },
		{ "x.y", "pem", NULL },
		{ "x.y", "", NULL },
		{ "x.y", ".a.pem", NULL },
		{ "x.y", ".new-4f5Gh6", NULL },
		{ "x.y", "alice", NULL },
		{ "x.y", "alice.PEM", NULL },
		{ "x.y", "alice.pem~", NULL },
		{ "x.y", "Alice.pem", NULL },
		{ "x.y", "a@b.pem", NULL },
		{ "x.y", "%61.pem", NULL },
		{ "x.y", "a%2f.pem", NULL },
		{ "x.y", "a%2.pem", NULL },
		{ "x.y", "a%.pem", NULL },
		{ "x.y", "a%00b.pem", NULL },
		{ "x.y", "a%GG.pem", NULL },
		{ "x.y", "a%2E.pem", NULL },
		{ "X.y", "alice.pem", NULL },
		{ ".x", "alice.pem", NULL },
		{ "..", "alice.pem", NULL },
		{ "", "alice.pem", NULL },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *got =
		    layout_address(cases[i].domain, cases[i].name);

		g_test_message("%s/%s", cases[i].domain, cases[i].name);
		g_assert_cmpstr(got, ==, cases[i].want);
	}
}

static void
test_list(void)
{
	static const char *const files[] = { "x.y/bob.pem", "x.y/alice.pem",
		"x.y/@domain.pem", "x.y/.new-a1b2c3", "x.y/.hidden.pem",
		"x.y/README", "a.b/carol.pem", "a.b/Mallory.pem",
		".git/alice.pem", "UPPER.x/alice.pem" };
	static const char *const want[] = { "@x.y", "alice@x.y", "bob@x.y",
		"carol@a.b" };
	g_autoptr(GError) error = NULL;
	char *directory = scratch_new();
	g_autoptr(GPtrArray) got = NULL;

	for (gsize i = 0; i < G_N_ELEMENTS(files); i++) {
		g_autofree char *path =
		    g_build_filename(directory, files[i], NULL);
		g_autofree char *parent = g_path_get_dirname(path);

		g_assert_cmpint(g_mkdir_with_parents(parent, 0700), ==, 0);
		g_free(scratch_file(directory, files[i], ""));
	}
	/* A file where a domain is expected, and a link to nowhere. */
	g_free(scratch_file(directory, "plain.file", ""));
	{
		g_autofree char *link =
		    g_build_filename(directory, "gone.example", NULL);

		g_assert_cmpint(symlink("nowhere", link), ==, 0);
	}
	got = layout_list(directory, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(got->len, ==, G_N_ELEMENTS(want));
	for (gsize i = 0; i < G_N_ELEMENTS(want); i++) {
		g_assert_cmpstr(g_ptr_array_index(got, i), ==, want[i]);
	}
	scratch_free(directory);
}

static void
test_list_missing(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) got = layout_list("/nonexistent/certs", &error);

	g_assert_no_error(error);
	g_assert_cmpuint(got->len, ==, 0);
}

static void
test_list_unreadable(void)
{
	g_autoptr(GError) error = NULL;
	char *directory = scratch_new();
	g_autofree char *domain = g_build_filename(directory, "x.y", NULL);
	g_autofree char *file = scratch_file(directory, "file", "");

	g_assert_null(layout_list(file, &error));
	g_assert_error(error, ERROR_DOMAIN, ERROR_IO);
	g_clear_error(&error);

	g_assert_cmpint(g_mkdir(domain, 0700), ==, 0);
	g_assert_cmpint(chmod(directory, 0755), ==, 0);
	g_assert_cmpint(chmod(domain, 0000), ==, 0);
	scratch_become_nobody();
	g_assert_null(layout_list(directory, &error));
	scratch_regain();
	g_assert_error(error, ERROR_DOMAIN, ERROR_PERMISSION);
	g_assert_nonnull(strstr(error->message, domain));
	scratch_free(directory);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/layout/path/table", test_path);
	g_test_add_func("/layout/path/refuses", test_path_refuses);
	g_test_add_func("/layout/path/limit", test_path_limit);
	g_test_add_func("/layout/path/domain-limit", test_path_domain_limit);
	g_test_add_func("/layout/path/all-bytes", test_path_all_bytes);
	g_test_add_func("/layout/address/table", test_address);
	g_test_add_func("/layout/list/two-levels", test_list);
	g_test_add_func("/layout/list/missing", test_list_missing);
	g_test_add_func("/layout/list/unreadable", test_list_unreadable);
	return g_test_run();
}
