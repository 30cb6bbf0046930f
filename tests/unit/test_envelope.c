/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "policy/envelope.h"

static void
test_sender(void)
{
	static const struct {
		const char *given;
		const char *want;
	} cases[] = {
		{ "<>", "" },
		{ "", "" },
		{ "< >", "" },
		{ "<alice@Example.COM>", "alice@example.com" },
		{ "alice@example.com", "alice@example.com" },
		{ "<Alice@example.com>", "Alice@example.com" },
		{ "<\"a b\"@example.com>", "a b@example.com" },
		/* No addresses: never the null sender. */
		{ "<root>", "root" },
		{ "root", "root" },
		{ "<", "<" },
		{ ">", ">" },
		{ "<<>>", "<>" },
		{ "<@>", "@" },
		{ "<alice@example.com", "<alice@example.com" },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(Envelope) envelope = envelope_new();

		envelope_set_sender(envelope, "<other@example.com>", NULL);
		envelope_set_sender(envelope, cases[i].given, NULL);
		g_assert_cmpstr(envelope->sender, ==, cases[i].want);
	}
}

static void
test_long_sender(void)
{
	g_autoptr(Envelope) envelope = envelope_new();
	g_autofree char *local = g_strnfill(2000, 'x');
	g_autofree char *given = g_strdup_printf("<%s@example.com>", local);
	g_autofree char *want = g_strdup_printf("%s@example.com", local);

	envelope_set_sender(envelope, given, NULL);
	g_assert_cmpstr(envelope->sender, ==, want);
}

static void
test_recipients(void)
{
	g_autoptr(Envelope) envelope = envelope_new();
	const char *const arguments[] = { "NOTIFY=NEVER", "ORCPT=rfc822;b",
		NULL };
	const Recipient *recipient = NULL;

	envelope_add_recipient(envelope, "<Bob@B.Example>", arguments);
	envelope_add_recipient(envelope, "<root>", NULL);
	g_assert_cmpuint(envelope->recipients->len, ==, 2);
	recipient = envelope_recipient(envelope, 0);
	g_assert_cmpstr(recipient->given, ==, "<Bob@B.Example>");
	g_assert_cmpstr(recipient->address, ==, "Bob@b.example");
	g_assert_cmpuint(recipient->arguments->len, ==, 2);
	g_assert_cmpstr(
	    g_ptr_array_index(recipient->arguments, 1), ==, "ORCPT=rfc822;b");
	recipient = envelope_recipient(envelope, 1);
	g_assert_cmpstr(recipient->given, ==, "<root>");
	g_assert_cmpstr(recipient->address, ==, "root");
	g_assert_cmpuint(recipient->arguments->len, ==, 0);
}

static void
test_arguments(void)
{
	g_autoptr(Envelope) envelope = envelope_new();
	const char *const first[] = { "BODY=8BITMIME", "SMTPUTF8", NULL };
	const char *const second[] = { "SIZE=7", NULL };

	envelope_set_sender(envelope, "<a@example.com>", first);
	g_assert_cmpuint(envelope->arguments->len, ==, 2);
	envelope_set_sender(envelope, "<a@example.com>", second);
	g_assert_cmpuint(envelope->arguments->len, ==, 1);
	g_assert_cmpstr(
	    g_ptr_array_index(envelope->arguments, 0), ==, "SIZE=7");
}

static void
test_login(void)
{
	g_autoptr(Envelope) envelope = envelope_new();

	g_assert_false(envelope_has_login(envelope));
	envelope->login = g_strdup("");
	g_assert_false(envelope_has_login(envelope));
	g_free(envelope->login);
	envelope->login = g_strdup("jdoe");
	g_assert_true(envelope_has_login(envelope));
}

static void
test_free(void)
{
	Envelope *envelope = envelope_new();

	g_assert_cmpstr(envelope->sender, ==, "");
	g_assert_cmpuint(envelope->recipients->len, ==, 0);
	g_assert_null(envelope->login);
	envelope_free(envelope);
	envelope_free(NULL);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/envelope/set_sender/forms", test_sender);
	g_test_add_func("/envelope/set_sender/2000-bytes", test_long_sender);
	g_test_add_func("/envelope/set_sender/arguments", test_arguments);
	g_test_add_func("/envelope/add_recipient/forms", test_recipients);
	g_test_add_func("/envelope/has_login/empty", test_login);
	g_test_add_func("/envelope/free/empty", test_free);
	return g_test_run();
}
