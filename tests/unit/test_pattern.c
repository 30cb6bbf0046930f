/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "policy/pattern.h"

#include <string.h>

#include "base/error.h"

static void
test_matches(void)
{
	static const struct {
		const char *pattern;
		const char *address;
		bool want;
	} cases[] = {
		{ "*", "a@b.example", true },
		{ "*", "", true },
		{ "*", "root", true },
		{ "a@b.example", "a@b.example", true },
		{ "A@B.Example", "a@b.example", true },
		{ "a@b.example", "A@b.example", true },
		{ "a@b.example", "aa@b.example", false },
		{ "a@b.example", "a@b.example.com", false },
		{ "a@b.example", "", false },
		{ "\303\244@b.example", "\303\244@b.example", true },
		/* The local part's case beyond ASCII is left alone. */
		{ "\303\204@b.example", "\303\244@b.example", false },
		{ "@b.example", "a@b.example", true },
		{ "@B.EXAMPLE", "a@b.example", true },
		{ "@b.example", "a@x.b.example", false },
		{ "@b.example", "a@xb.example", false },
		{ "@b.example", "root", false },
		{ "@b.example", "", false },
		{ "@b.example", "a@b.example@c.example", false },
		{ "@.b.example", "a@x.b.example", true },
		{ "@.b.example", "a@y.x.b.example", true },
		{ "@.b.example", "a@b.example", false },
		{ "@.b.example", "a@xb.example", false },
		{ "@.b.example", "a@.b.example", false },
		{ "@b\303\274cher.example", "a@xn--bcher-kva.example", true },
		{ "@.b\303\274cher.example", "a@x.xn--bcher-kva.example",
		    true },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GError) error = NULL;
		g_autoptr(Pattern) pattern =
		    pattern_new(cases[i].pattern, &error);

		g_assert_no_error(error);
		g_test_message(
		    "%s on <%s>", cases[i].pattern, cases[i].address);
		g_assert_cmpint(pattern_matches(pattern, cases[i].address), ==,
		    cases[i].want);
		g_assert_cmpstr(pattern_text(pattern), ==, cases[i].pattern);
		g_assert_cmpint(pattern_is_any(pattern), ==,
		    strcmp(cases[i].pattern, "*") == 0);
	}
}

static void
test_bad_patterns(void)
{
	static const char *const cases[] = { "", "@", "@.", "b.example",
		".b.example", "**", "*@b.example", "@*.b.example",
		"@b..example", "@.b.example.", "<>", "a b@c.example",
		"@b example", "@a@b", "a@b\nc.example", "b*@b.example" };

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GError) error = NULL;
		g_autoptr(Pattern) pattern = pattern_new(cases[i], &error);

		g_test_message("%s", cases[i]);
		g_assert_null(pattern);
		g_assert_error(error, ERROR_DOMAIN, ERROR_SETTINGS);
		g_assert_nonnull(strstr(error->message, "write"));
	}
}

static void
test_domain(void)
{
	static const struct {
		const char *text;
		const char *want;
	} cases[] = {
		{ "example.com", "example.com" },
		{ "EXAMPLE.com", "example.com" },
		{ ".Example.com", ".example.com" },
		{ "localhost", "localhost" },
		{ "b\303\274cher.example", "xn--bcher-kva.example" },
		{ ".B\303\234cher.example", ".xn--bcher-kva.example" },
		{ "", NULL },
		{ ".", NULL },
		{ "..example.com", NULL },
		{ "example..com", NULL },
		{ "example.com.", NULL },
		{ "@example.com", NULL },
		{ "a@example.com", NULL },
		{ "exa mple.com", NULL },
		{ "[192.0.2.1]", NULL },
		{ "*.example.com", NULL },
		{ "example.com/x", NULL },
		{ "<example.com>", NULL },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GError) error = NULL;
		g_autofree char *got =
		    pattern_domain_new(cases[i].text, &error);

		g_test_message("%s", cases[i].text);
		g_assert_cmpstr(got, ==, cases[i].want);
		g_assert_cmpint(error == NULL, ==, cases[i].want != NULL);
	}
}

static void
test_network(void)
{
	static const struct {
		const char *network;
		const char *client;
		bool want;
	} cases[] = {
		{ "127.0.0.0/8", "127.0.0.1", true },
		{ "127.0.0.0/8", "127.255.255.255", true },
		{ "127.0.0.0/8", "128.0.0.1", false },
		{ "192.0.2.7", "192.0.2.7", true },
		{ "192.0.2.7", "192.0.2.6", false },
		{ "192.0.2.4/30", "192.0.2.7", true },
		{ "192.0.2.4/30", "192.0.2.8", false },
		{ "192.0.2.128/25", "192.0.2.255", true },
		{ "192.0.2.128/25", "192.0.2.127", false },
		{ "0.0.0.0/0", "203.0.113.9", true },
		{ "0.0.0.0/0", "2001:db8::1", false },
		{ "::1/128", "::1", true },
		{ "::1", "::1", true },
		{ "::1", "::2", false },
		{ "2001:db8::/32", "2001:db8:ffff::1", true },
		{ "2001:db8::/32", "2001:db9::1", false },
		{ "2001:db8::8000/113", "2001:db8::ffff", true },
		{ "2001:db8::8000/113", "2001:db8::7fff", false },
		{ "fe80::/10", "fe80::1%eth0", true },
		/* The same host over a dual socket (RFC 4291 2.5.5.2). */
		{ "127.0.0.0/8", "::ffff:127.0.0.1", true },
		{ "::ffff:10.0.0.0/104", "10.1.2.3", true },
		{ "::ffff:10.0.0.0/104", "11.1.2.3", false },
		{ "::/0", "2001:db8::1", true },
		{ "::/0", "10.0.0.1", false },
		{ "::/0", "::ffff:10.0.0.1", false },
		{ "127.0.0.0/8", "", false },
		{ "127.0.0.0/8", "localhost", false },
		{ "127.0.0.0/8", "127.0.0.1.example.com", false },
		{ "127.0.0.0/8", "127.1", false },
		{ "127.0.0.0/8", "IPv6:::1", false },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GError) error = NULL;
		g_autoptr(Network) network =
		    pattern_network_new(cases[i].network, &error);

		g_assert_no_error(error);
		g_test_message("%s in %s", cases[i].client, cases[i].network);
		g_assert_cmpint(pattern_network_has(network, cases[i].client),
		    ==, cases[i].want);
		g_assert_cmpstr(
		    pattern_network_text(network), ==, cases[i].network);
	}
}

static void
test_bad_networks(void)
{
	static const struct {
		const char *network;
		const char *want;
	} cases[] = {
		{ "", "no network" },
		{ "/8", "no network" },
		{ "localhost", "no network" },
		{ "10.0.0/8", "no network" },
		{ "[::1]", "no network" },
		{ "10.0.0.0/33", "0 to 32" },
		{ "10.0.0.0/", "0 to 32" },
		{ "10.0.0.0/-1", "0 to 32" },
		{ "10.0.0.0/8/8", "0 to 32" },
		{ "10.0.0.0/255.0.0.0", "0 to 32" },
		{ "::/129", "128" },
		{ "::ffff:10.0.0.0/8", "96" },
		{ "10.1.2.3/8", "write \"10.0.0.0/8\"" },
		{ "192.0.2.129/25", "write \"192.0.2.128/25\"" },
		{ "10.0.0.1/0", "write \"0.0.0.0/0\"" },
		{ "2001:db8::1/32", "write \"2001:db8::/32\"" },
		{ "::ffff:10.1.2.3/104", "write \"10.0.0.0/8\"" },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GError) error = NULL;

		g_test_message("%s", cases[i].network);
		g_assert_null(pattern_network_new(cases[i].network, &error));
		g_assert_error(error, ERROR_DOMAIN, ERROR_SETTINGS);
		g_test_message("got %s", error->message);
		g_assert_nonnull(strstr(error->message, cases[i].want));
	}
}

static void
test_regex(void)
{
	static const struct {
		const char *regex;
		bool anchored;
		const char *text;
		bool want;
	} cases[] = {
		{ "X-Sign: *(yes|true)", true, "X-Sign: yes", true },
		{ "X-Sign: *(yes|true)", true, "x-SIGN: TRUE please", true },
		{ "X-Sign: *(yes|true)", true, "X-Sign: no", false },
		{ "X-Sign: *(yes|true)", true, "X: X-Sign: yes", false },
		{ "yes|true", true, "not true", false },
		{ "yes|true", true, "true", true },
		{ "^X", true, "xy", true },
		{ "", true, "anything", true },
		/* A back reference keeps its number. */
		{ "X-(.)\\1: ", true, "X-aa: ", true },
		{ "X-(.)\\1: ", true, "X-ab: ", false },
		{ "X-(.)\\1: ", true, " X-aa: ", false },
		{ "\\\\1", true, "\\1", true },
		{ "a|b|\\(", true, "c(", false },
		{ "\\[(secure|encrypt)\\]", false, "Re: [Secure] x", true },
		{ "^\\[secure\\]", false, "Re: [secure]", false },
		{ "invoice$", false, "the invoice", true },
		{ "x", false, "", false },
		{ "^$", false, "", true },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GError) error = NULL;
		g_autoptr(Regex) regex = pattern_regex_new(
		    cases[i].regex, cases[i].anchored, &error);

		g_assert_no_error(error);
		g_test_message("%s on %s", cases[i].regex, cases[i].text);
		g_assert_cmpint(pattern_regex_hits(regex, cases[i].text), ==,
		    cases[i].want);
		g_assert_cmpstr(pattern_regex_text(regex), ==, cases[i].regex);
	}
}

/* Heap blocks of exact length: one byte too far is seen by ASan. */
static void
test_regex_first_bytes(void)
{
	g_autoptr(Regex) regex = pattern_regex_new("needle", false, NULL);
	g_autoptr(Regex) umlaut = pattern_regex_new("\303\244$", false, NULL);

	for (gsize before = 4085; before < 4100; before++) {
		g_autoptr(GString) text = g_string_new(NULL);
		g_autofree char *exact = NULL;

		for (gsize i = 0; i < before; i++) {
			g_string_append_c(text, '.');
		}
		g_string_append(text, "needle and more");
		exact = g_strndup(text->str, text->len);
		g_assert_cmpint(pattern_regex_hits(regex, exact), ==,
		    before + strlen("needle") <= 4096);
	}
	for (gsize before = 4090; before < 4100; before++) {
		g_autofree char *dots = g_strnfill(before, '.');
		g_autofree char *text = g_strconcat(dots, "\303\244", NULL);

		/* Not cut inside a character. */
		g_assert_cmpint(
		    pattern_regex_hits(umlaut, text), ==, before + 2 <= 4096);
	}
}

static void
test_bad_regex(void)
{
	static const char *const cases[] = { "(", "[a", "a{1", "a)|(b(", "\\" };

	for (gsize i = 0; i < 2 * G_N_ELEMENTS(cases); i++) {
		g_autoptr(GError) error = NULL;

		g_assert_null(
		    pattern_regex_new(cases[i / 2], i % 2 == 0, &error));
		g_assert_error(error, ERROR_DOMAIN, ERROR_SETTINGS);
		g_assert_nonnull(strstr(error->message, cases[i / 2]));
		g_assert_null(strstr(error->message, "^("));
	}
}

static void
test_free_null(void)
{
	pattern_free(NULL);
	pattern_network_free(NULL);
	pattern_regex_free(NULL);
	g_assert_true(pattern_domain_matches("example.com", "a@example.com"));
	g_assert_false(pattern_domain_matches(".example.com", "example.com"));
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/pattern/matches/table", test_matches);
	g_test_add_func("/pattern/new/bad", test_bad_patterns);
	g_test_add_func("/pattern/domain/table", test_domain);
	g_test_add_func("/pattern/network/table", test_network);
	g_test_add_func("/pattern/network/bad", test_bad_networks);
	g_test_add_func("/pattern/regex/table", test_regex);
	g_test_add_func("/pattern/regex/4096-bytes", test_regex_first_bytes);
	g_test_add_func("/pattern/regex/bad", test_bad_regex);
	g_test_add_func("/pattern/free/null", test_free_null);
	return g_test_run();
}
