/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "policy/endpoint.h"

#include <string.h>

#include "base/error.h"

static void
test_listen(void)
{
	static const struct {
		const char *text;
		bool want;
	} cases[] = {
		{ "unix:/run/smime-milter/milter.sock", true },
		{ "local:/run/m.sock", true },
		{ "inet:8891@127.0.0.1", true },
		{ "inet:65535@localhost", true },
		{ "inet:8891@mail.example.com", true },
		{ "inet6:8891@::1", true },
		{ "inet6:8891@[::1]", true },
		{ "inet6:8891@ip6-localhost", true },
		{ "", false },
		{ "/run/m.sock", false },
		{ "unix:", false },
		{ "unix:run/m.sock", false },
		{ "fifo:/run/m", false },
		{ "inet:", false },
		{ "inet:8891", false },
		{ "inet:8891@", false },
		{ "inet:@127.0.0.1", false },
		{ "inet:0@127.0.0.1", false },
		{ "inet:65536@127.0.0.1", false },
		{ "inet:smtp@127.0.0.1", false },
		{ "inet:127.0.0.1:8891", false },
		{ "inet:8891@a b", false },
		{ "inet:8891@::1", false },
		{ "inet6:8891@127.0.0.1", false },
		{ "inet6:8891@[]", false },
		{ "INET:8891@127.0.0.1", false },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GError) error = NULL;

		g_test_message("%s", cases[i].text);
		g_assert_cmpint(endpoint_check_listen(cases[i].text, &error),
		    ==, cases[i].want);
		g_assert_cmpint(error == NULL, ==, cases[i].want);
		if (error != NULL) {
			g_assert_nonnull(strstr(error->message, "write"));
		}
	}
}

static void
test_listen_long(void)
{
	g_autofree char *fill = g_strnfill(106, 'x');
	g_autofree char *longest = g_strconcat("unix:/", fill, NULL);
	g_autofree char *longer = g_strconcat("unix:/x", fill, NULL);
	g_autoptr(GError) error = NULL;

	g_assert_true(endpoint_check_listen(longest, NULL));
	g_assert_false(endpoint_check_listen(longer, &error));
	g_assert_nonnull(strstr(error->message, "107"));
}

static void
test_reinject(void)
{
	static const struct {
		const char *text;
		const char *host; /* NULL: bad */
		guint16 port;
	} cases[] = {
		{ "smtp:127.0.0.1:10027", "127.0.0.1", 10027 },
		{ "smtp:localhost:1", "localhost", 1 },
		{ "smtp:mail.example.com:65535", "mail.example.com", 65535 },
		{ "smtp:[::1]:10027", "::1", 10027 },
		{ "smtp:[2001:db8::7]:25", "2001:db8::7", 25 },
		{ "smtp:", NULL, 0 },
		{ "smtp::25", NULL, 0 },
		{ "smtp:127.0.0.1", NULL, 0 },
		{ "smtp:127.0.0.1:", NULL, 0 },
		{ "smtp:127.0.0.1:0", NULL, 0 },
		{ "smtp:127.0.0.1:65536", NULL, 0 },
		{ "smtp:127.0.0.1:smtp", NULL, 0 },
		{ "smtp:::1:25", NULL, 0 },
		{ "smtp:[::1]", NULL, 0 },
		{ "smtp:[::1:25", NULL, 0 },
		{ "smtp:[]:25", NULL, 0 },
		{ "smtp:[:25", NULL, 0 },
		{ "smtp:[127.0.0.1]:25", NULL, 0 },
		{ "smtp:a b:25", NULL, 0 },
		{ "127.0.0.1:25", NULL, 0 },
		{ "lmtp:127.0.0.1:25", NULL, 0 },
		{ "inet:25@127.0.0.1", NULL, 0 },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GError) error = NULL;
		g_autofree char *host = NULL;
		guint16 port = 0;

		g_test_message("%s", cases[i].text);
		g_assert_cmpint(endpoint_parse_reinject(
				    cases[i].text, &host, &port, &error),
		    ==, cases[i].host != NULL);
		g_assert_cmpstr(host, ==, cases[i].host);
		g_assert_cmpuint(port, ==, cases[i].port);
		g_assert_cmpint(endpoint_check_reinject(cases[i].text, NULL),
		    ==, cases[i].host != NULL);
	}
	g_assert_true(endpoint_check_reinject("", NULL));
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/endpoint/listen/table", test_listen);
	g_test_add_func("/endpoint/listen/path-too-long", test_listen_long);
	g_test_add_func("/endpoint/reinject/table", test_reinject);
	return g_test_run();
}
