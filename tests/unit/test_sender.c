/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "policy/sender.h"

#include <string.h>

#include "base/error.h"
#include "policy_fixture.h"

#define ALICE "alice@example.com"
#define BOB "bob@example.com"
#define APP "app@example.net"
#define OUTSIDE "203.0.113.9"
#define LOOPBACK "127.0.0.1"
#define FROM_ALICE "From: Alice <alice@example.com>"

/* What the tables below take for granted. */
#define LOGINS                                                            \
	"# who may send as whom\n"                                        \
	"@example.com   %u\n"                                             \
	"info@example.com\tjdoe  asmith   # two of them\n"                \
	"info@example.com  Third\n"                                       \
	"app@example.net <bounce@App.Example>   <@bounces.example.com>\n" \
	"@shop.example.org  shop  <@shop.example>\n"                      \
	"\n   # indented\r\n"                                             \
	"  Ceo@example.com  secretary\r\n"

typedef struct {
	const char *name;
	const char *check; /* sender_check */
	const char *header;
	const char *sender;
	const char *login;
	const char *client;
	const char *daemon;
	const char *want; /* in the sentence; NULL: signed */
} Case;

static const Case cases[] = {
	/* both: the envelope, and a login where there is one. */
	{ "own login", "both", FROM_ALICE, ALICE, ALICE, OUTSIDE, NULL, NULL },
	{ "login in other case", "both", FROM_ALICE, ALICE, "ALICE@Example.com",
	    OUTSIDE, NULL, NULL },
	{ "From and MAIL FROM in other case", "both", "From: Alice@EXAMPLE.com",
	    "<aLICE@example.COM>", ALICE, OUTSIDE, NULL, NULL },
	{ "%u", "both", FROM_ALICE, ALICE, "alice", OUTSIDE, NULL, NULL },
	{ "%u in other case", "both", FROM_ALICE, ALICE, "Alice", OUTSIDE, NULL,
	    NULL },
	{ "%u of another domain", "both", "From: alice@example.net",
	    "alice@example.net", "alice", OUTSIDE, NULL,
	    "login \"alice\" does not prove From <alice@example.net>: if it "
	    "may, add \"alice@example.net  alice\" to sender_logins " },
	{ "another login spoofs From", "both", FROM_ALICE, BOB, BOB, OUTSIDE,
	    NULL,
	    "MAIL FROM <bob@example.com> is not From <alice@example.com>, and "
	    "login \"bob@example.com\" does not prove From "
	    "<alice@example.com>: if it may, add \"alice@example.com  "
	    "bob@example.com <bob@example.com>\" to sender_logins " },
	{ "another login spoofs both", "both", FROM_ALICE, ALICE, "bob",
	    OUTSIDE, NULL,
	    "login \"bob\" does not prove From <alice@example.com>: if it may, "
	    "add \"alice@example.com  bob\" to sender_logins " },
	{ "own login, other MAIL FROM", "both", FROM_ALICE, BOB, "alice",
	    OUTSIDE, NULL,
	    "MAIL FROM <bob@example.com> is not From <alice@example.com>: if "
	    "it may, add \"alice@example.com  <bob@example.com>\" to "
	    "sender_logins " },
	{ "spoofed from an internal host by login", "both", FROM_ALICE, ALICE,
	    "bob", LOOPBACK, NULL, "login \"bob\" does not prove" },
	{ "internal host without login", "both", FROM_ALICE, ALICE, NULL,
	    LOOPBACK, NULL, NULL },
	{ "internal host with an empty login", "both", FROM_ALICE, ALICE, "",
	    "::1", NULL, NULL },
	{ "internal host, other MAIL FROM", "both", FROM_ALICE, BOB, NULL,
	    LOOPBACK, NULL, "MAIL FROM <bob@example.com> is not From" },
	{ "submission port without login", "both", FROM_ALICE, ALICE, NULL,
	    OUTSIDE, "ORIGINATING",
	    "there is no login to prove From <alice@example.com>, and client "
	    "203.0.113.9 is not in internal_hosts" },
	{ "submission port, unknown client", "both", FROM_ALICE, ALICE, NULL,
	    NULL, "ORIGINATING", "client (unknown) is not in internal_hosts" },
	{ "submission port with login", "both", FROM_ALICE, ALICE, "alice",
	    OUTSIDE, "ORIGINATING", NULL },
	{ "submission port, internal host", "both", FROM_ALICE, ALICE, NULL,
	    LOOPBACK, "ORIGINATING", NULL },
	{ "outside", "both", FROM_ALICE, ALICE, NULL, OUTSIDE, NULL,
	    "client 203.0.113.9 is not trusted" },
	{ "unknown client", "both", FROM_ALICE, ALICE, NULL, NULL, NULL,
	    "client (unknown) is not trusted" },
	/* Listed logins. */
	{ "listed login", "both", "From: info@example.com", "info@example.com",
	    "jdoe", OUTSIDE, NULL, NULL },
	{ "second listed login", "both", "From: info@example.com",
	    "info@example.com", "asmith", OUTSIDE, NULL, NULL },
	{ "lines add up", "both", "From: info@example.com", "info@example.com",
	    "third", OUTSIDE, NULL, NULL },
	{ "commented login", "both", "From: info@example.com",
	    "info@example.com", "two", OUTSIDE, NULL,
	    "login \"two\" does not prove" },
	{ "listed, but own MAIL FROM", "both", "From: info@example.com",
	    "jdoe@example.com", "jdoe", OUTSIDE, NULL,
	    "add \"info@example.com  <jdoe@example.com>\" to sender_logins " },
	{ "listed in other case, CRLF", "both", "From: CEO@example.com",
	    "ceo@example.com", "secretary", OUTSIDE, NULL, NULL },
	{ "listed for the domain", "both", "From: any@shop.example.org",
	    "any@shop.example.org", "shop", OUTSIDE, NULL, NULL },
	{ "not for what is below", "both", "From: a@b.shop.example.org",
	    "a@b.shop.example.org", "shop", OUTSIDE, NULL,
	    "login \"shop\" does not prove" },
	{ "a login that looks like %u", "both", FROM_ALICE, ALICE, "%u",
	    OUTSIDE, NULL, "no line of sender_logins can say so" },
	{ "a login that looks like an envelope", "both",
	    "From: app@example.net", APP, "<bounce@app.example>", OUTSIDE, NULL,
	    "no line of sender_logins can say so" },
	{ "a login with a line end", "both", FROM_ALICE, ALICE,
	    "bob\nlinfo@example.com", OUTSIDE, NULL,
	    "login \"bob?linfo@example.com\" does not prove" },
	{ "a login with a blank", "both", FROM_ALICE, ALICE, "bob smith",
	    OUTSIDE, NULL, "no line of sender_logins can say so" },
	{ "a login like a comment", "both", FROM_ALICE, ALICE, "#bob", OUTSIDE,
	    NULL, "no line of sender_logins can say so" },
	/* Listed envelopes. */
	{ "app server, listed bounce address", "both", "From: " APP,
	    "bounce@app.example", NULL, LOOPBACK, NULL, NULL },
	{ "app server, listed bounce domain", "both", "From: " APP,
	    "b-1=x@Bounces.example.com", NULL, LOOPBACK, NULL, NULL },
	{ "not below the bounce domain", "both", "From: " APP,
	    "b@x.bounces.example.com", NULL, LOOPBACK, NULL,
	    "add \"app@example.net  <b@x.bounces.example.com>\" to" },
	{ "listed for another address", "both", FROM_ALICE,
	    "bounce@app.example", NULL, LOOPBACK, NULL, "is not From" },
	{ "envelope of a domain", "both", "From: x@shop.example.org",
	    "y@shop.example", NULL, LOOPBACK, NULL, NULL },
	{ "listed envelope, unproved login", "both", "From: " APP,
	    "bounce@app.example", "bob", OUTSIDE, NULL,
	    "login \"bob\" does not prove From <app@example.net>: if it may, "
	    "add \"app@example.net  bob\" to" },
	{ "MAIL FROM without domain", "both", FROM_ALICE, "root", NULL,
	    LOOPBACK, NULL,
	    "MAIL FROM <root> is not From <alice@example.com>; no line of "
	    "sender_logins can say so" },
	{ "MAIL FROM with a blank", "both", FROM_ALICE, "<\"a b\"@example.com>",
	    NULL, LOOPBACK, NULL, "no line of sender_logins can say so" },
	/* An empty MAIL FROM: a login or nothing, in each mode. */
	{ "null sender, own login", "both", FROM_ALICE, "", "alice", OUTSIDE,
	    NULL, NULL },
	{ "null sender, other login", "both", FROM_ALICE, "", "bob", OUTSIDE,
	    NULL,
	    "login \"bob\" does not prove From <alice@example.com>: if it may, "
	    "add \"alice@example.com  bob\" to" },
	{ "null sender, internal host", "both", FROM_ALICE, "", NULL, LOOPBACK,
	    NULL, "MAIL FROM is empty and there is no login" },
	{ "null sender, envelope", "envelope", FROM_ALICE, "", NULL, LOOPBACK,
	    NULL, "MAIL FROM is empty and there is no login" },
	{ "null sender, envelope, login", "envelope", FROM_ALICE, "", "alice",
	    OUTSIDE, NULL, NULL },
	{ "null sender, envelope, other login", "envelope", FROM_ALICE, "",
	    "bob", OUTSIDE, NULL, "login \"bob\" does not prove" },
	{ "null sender, none", "none", FROM_ALICE, "", NULL, LOOPBACK, NULL,
	    "MAIL FROM is empty and there is no login" },
	{ "null sender, none, login", "none", FROM_ALICE, "", "alice", OUTSIDE,
	    NULL, NULL },
	{ "null sender, none, other login", "none", FROM_ALICE, "", "bob",
	    OUTSIDE, NULL, "login \"bob\" does not prove" },
	{ "null sender, login mode", "login", FROM_ALICE, "", NULL, LOOPBACK,
	    NULL, "MAIL FROM is empty and there is no login" },
	/* envelope */
	{ "envelope equal", "envelope", FROM_ALICE, ALICE, NULL, LOOPBACK, NULL,
	    NULL },
	{ "envelope equal, daemon only", "envelope", FROM_ALICE, ALICE, NULL,
	    OUTSIDE, "ORIGINATING", NULL },
	{ "envelope equal, any login", "envelope", FROM_ALICE, ALICE, "bob",
	    OUTSIDE, NULL, NULL },
	{ "envelope listed", "envelope", "From: " APP, "bounce@app.example",
	    NULL, LOOPBACK, NULL, NULL },
	{ "envelope differs", "envelope", FROM_ALICE, BOB, "alice", OUTSIDE,
	    NULL, "MAIL FROM <bob@example.com> is not From" },
	{ "envelope, outside", "envelope", FROM_ALICE, ALICE, NULL, OUTSIDE,
	    NULL, "is not trusted" },
	/* login */
	{ "login proves", "login", FROM_ALICE, "x@y.example", "alice", OUTSIDE,
	    NULL, NULL },
	{ "login equals", "login", "From: alice@example.net", "x@y.example",
	    "alice@example.net", OUTSIDE, NULL, NULL },
	{ "login does not", "login", FROM_ALICE, ALICE, "bob", OUTSIDE, NULL,
	    "add \"alice@example.com  bob\" to sender_logins " },
	{ "no login, internal host", "login", FROM_ALICE, ALICE, NULL, LOOPBACK,
	    NULL, "sender_check = \"login\" asks for one" },
	{ "no login, daemon", "login", FROM_ALICE, ALICE, NULL, OUTSIDE,
	    "ORIGINATING", "sender_check = \"login\" asks for one" },
	{ "no login, outside", "login", FROM_ALICE, ALICE, NULL, OUTSIDE, NULL,
	    "is not trusted" },
	/* none */
	{ "none, internal host", "none", FROM_ALICE, BOB, NULL, LOOPBACK, NULL,
	    NULL },
	{ "none, login", "none", FROM_ALICE, BOB, "bob", OUTSIDE, NULL, NULL },
	{ "none, daemon", "none", FROM_ALICE, BOB, NULL, OUTSIDE, "ORIGINATING",
	    NULL },
	{ "none, outside", "none", FROM_ALICE, ALICE, NULL, OUTSIDE, NULL,
	    "is not trusted" },
	/* From, in each mode. */
	{ "two From fields", "none", FROM_ALICE "\n" FROM_ALICE, ALICE, "alice",
	    OUTSIDE, NULL, "there are 2 From fields" },
	{ "two mailboxes", "none", "From: alice@example.com, bob@example.com",
	    ALICE, "alice", OUTSIDE, NULL, "From names 2 mailboxes" },
	{ "no From", "none", "Subject: x", ALICE, "alice", OUTSIDE, NULL,
	    "there is no From field" },
	{ "empty From", "none", "From: ", ALICE, "alice", OUTSIDE, NULL,
	    "From holds no sound address" },
	{ "From without domain", "none", "From: alice", ALICE, "alice", OUTSIDE,
	    NULL, "From holds no sound address" },
	{ "foreign From", "none", "From: alice@example.org",
	    "alice@example.org", "alice", OUTSIDE, NULL,
	    "From <alice@example.org> is not in local_domains" },
	{ "an own address in the display name", "none",
	    "From: \"alice@example.com\" <eve@elsewhere.example>", ALICE,
	    "alice", OUTSIDE, NULL,
	    "From <eve@elsewhere.example> is not in local_domains" },
};

static Settings *
settings_for(const char *check, const char *logins)
{
	g_autofree char *text = g_strdup_printf(
	    "sender_check = \"%s\";\nsender_logins = \"%s\";\n", check, logins);

	return fixture_settings(text);
}

static void
run_case(const Case *c, const char *logins)
{
	g_autoptr(Settings) settings = settings_for(c->check, logins);
	g_autoptr(Envelope) envelope = envelope_new();
	g_autoptr(Fields) fields = fixture_fields(c->header);
	g_autofree char *why = NULL;
	AddressFrom from = { 0 };
	bool may = false;

	envelope_set_sender(envelope, c->sender, NULL);
	envelope->login = g_strdup(c->login);
	envelope->client = g_strdup(c->client);
	envelope->daemon = g_strdup(c->daemon);
	address_from(fields, &from);
	may = sender_may_sign(settings, envelope, &from, &why);
	g_test_message("%s: %s", c->name, why == NULL ? "signed" : why);
	g_assert_cmpint(may, ==, c->want == NULL);
	g_assert_cmpint(why == NULL, ==, may);
	if (c->want != NULL) {
		g_assert_nonnull(strstr(why, c->want));
	}
	/* Where a line would help, the file is named. */
	if (why != NULL && strstr(why, "sender_logins ") != NULL &&
	    strstr(why, "no line") == NULL) {
		g_assert_true(g_str_has_suffix(why, logins));
	}
	address_from_clear(&from);
}

static void
test_may_sign(void)
{
	char *logins = fixture_file(LOGINS, -1);

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		run_case(&cases[i], logins);
	}
	fixture_remove(logins);
}

/* The very line that is printed makes the same mail pass. */
static void
test_line_helps(void)
{
	char *empty = fixture_file("", 0);
	guint lines = 0;

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(Settings) settings = NULL;
		g_autoptr(Settings) helped = NULL;
		g_autoptr(Envelope) envelope = envelope_new();
		g_autoptr(Fields) fields = fixture_fields(cases[i].header);
		g_autofree char *why = NULL;
		g_autofree char *line = NULL;
		AddressFrom from = { 0 };
		const char *start = NULL;
		char *file = NULL;

		settings = settings_for(cases[i].check, empty);
		envelope_set_sender(envelope, cases[i].sender, NULL);
		envelope->login = g_strdup(cases[i].login);
		envelope->client = g_strdup(cases[i].client);
		envelope->daemon = g_strdup(cases[i].daemon);
		address_from(fields, &from);
		if (!sender_may_sign(settings, envelope, &from, &why)) {
			start = strstr(why, "add \"");
		}
		if (start != NULL) {
			start += strlen("add \"");
			line = g_strndup(
			    start, (gsize)(strchr(start, '"') - start));
			file = fixture_file(line, -1);
			helped = settings_for(cases[i].check, file);
			fixture_remove(file);
			g_test_message("%s: %s", cases[i].name, line);
			g_clear_pointer(&why, g_free);
			g_assert_true(
			    sender_may_sign(helped, envelope, &from, &why));
			lines++;
		}
		address_from_clear(&from);
	}
	g_assert_cmpuint(lines, >, 15);
	fixture_remove(empty);
}

static void
test_no_file(void)
{
	g_autoptr(Settings) settings = fixture_settings("");
	g_autoptr(Envelope) envelope = envelope_new();
	g_autofree char *why = NULL;
	AddressFrom from = {
		.fields = 1, .mailboxes = 1, .address = (char *)ALICE
	};

	envelope_set_sender(envelope, ALICE, NULL);
	envelope->login = g_strdup("jdoe");
	g_assert_false(sender_may_sign(settings, envelope, &from, &why));
	g_assert_nonnull(strstr(why,
	    "set sender_logins to a file with the line \"alice@example.com  "
	    "jdoe\""));
}

static void
test_long_sender(void)
{
	g_autoptr(Settings) settings = fixture_settings("");
	g_autoptr(Envelope) envelope = envelope_new();
	g_autofree char *local = g_strnfill(2000, 'x');
	g_autofree char *sender = g_strconcat(local, "@example.com", NULL);
	g_autofree char *why = NULL;
	AddressFrom from = {
		.fields = 1, .mailboxes = 1, .address = (char *)ALICE
	};

	envelope_set_sender(envelope, sender, NULL);
	envelope->client = g_strdup(LOOPBACK);
	g_assert_false(sender_may_sign(settings, envelope, &from, &why));
	g_assert_nonnull(strstr(why, "no line of sender_logins can say so"));
	g_assert_cmpuint(strlen(why), <, 1000);
}

static void
test_bad_lines(void)
{
	static const struct {
		const char *text;
		gssize length;
		const char *want; /* %s is the file; a glob */
	} bad[] = {
		{ "alice", -1, "%s:1: \"alice\" is no address: *" },
		{ "\n\nalice jdoe", -1, "%s:3: \"alice\" is no address: *" },
		{ "a@example.com", -1, "%s:1: nobody is named for *" },
		{ "a@example.com # x", -1, "%s:1: nobody is named for *" },
		{ "@.example.com x", -1, "%s:1: \"@.example.com\" is no *" },
		{ "@ x", -1, "%s:1: \"@\" is no address*" },
		{ "@exa_mple..com x", -1, "%s:1: * is no address*" },
		{ "<a@example.com> x", -1, "%s:1: * is no address*" },
		{ "* x", -1, "%s:1: \"*\" is no address*" },
		{ "*@b.example x", -1, "%s:1: * is no address*" },
		{ "a@b.example <*@b>", -1, "%s:1: \"<*@b>\" is no env*" },
		{ "a@b@ x", -1, "%s:1: * is no address*" },
		{ "a@b.example %user", -1, "%s:1: \"%user\": %u stands *" },
		{ "a@b.example %u@x", -1, "%s:1: \"%u@x\": %u stands *" },
		{ "a@b.example <>", -1, "%s:1: \"<>\" is no envelope *" },
		{ "a@b.example <x>", -1, "%s:1: \"<x>\" is no envelope *" },
		{ "a@b.example <a@b", -1, "%s:1: \"<a@b\" is no envelope *" },
		{ "a@b.example <@>", -1, "%s:1: \"<@>\" is no envelope *" },
		{ "a@b.example <@.b>", -1, "%s:1: \"<@.b>\" is no envelope*" },
		{ "a@b.example <<a@b>>", -1, "%s:1: * is no envelope*" },
		{ "a@b.example x\0y\n", 16, "%s:1: a NUL byte: *" },
		{ "a@b.example \377\n", -1, "%s:1: this is no UTF-8*" },
		{ "a@b.example x\na\n@b.example y\nb", -1, "%s:2: *\n%s:4: *" },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
		char *file = fixture_file(bad[i].text, bad[i].length);
		g_autoptr(GString) want = g_string_new(bad[i].want);
		g_autoptr(GError) error = NULL;

		g_string_replace(want, "%s", file, 0);
		g_assert_null(sender_logins_load(file, &error));
		g_assert_error(error, ERROR_DOMAIN, ERROR_SETTINGS);
		g_test_message("got %s", error->message);
		g_assert_true(
		    g_pattern_match_simple(want->str, error->message));
		fixture_remove(file);
	}
}

static void
test_file_trouble(void)
{
	g_autoptr(GError) missing = NULL;
	g_autoptr(GError) directory = NULL;
	g_autoptr(Logins) none = sender_logins_load("", NULL);

	g_assert_nonnull(none);
	g_assert_null(sender_logins_load("/nonexistent/x", &missing));
	g_assert_error(missing, ERROR_DOMAIN, ERROR_MISSING);
	g_assert_null(sender_logins_load("/", &directory));
	g_assert_nonnull(directory);
	sender_logins_free(NULL);
}

static void
test_many_bad_lines(void)
{
	g_autoptr(GString) text = g_string_new(NULL);
	char *file = NULL;
	g_autoptr(GError) error = NULL;

	for (guint i = 0; i < 1000; i++) {
		g_string_append(text, "nonsense\n");
	}
	file = fixture_file(text->str, -1);
	g_assert_null(sender_logins_load(file, &error));
	g_assert_nonnull(strstr(error->message, "980 more bad lines"));
	g_assert_cmpuint(strlen(error->message), <, 4000);
	fixture_remove(file);
}

static void
test_large_file(void)
{
	g_autoptr(GString) text = g_string_new(NULL);
	g_autoptr(Settings) settings = NULL;
	char *file = NULL;

	for (guint i = 0; i < 100000; i++) {
		g_string_append_printf(
		    text, "user%u@example.com login%u\n", i, i);
	}
	file = fixture_file(text->str, -1);
	settings = settings_for("login", file);
	for (guint i = 0; i < 100000; i++) {
		g_autoptr(Envelope) envelope = envelope_new();
		g_autofree char *address =
		    g_strdup_printf("user%u@example.com", i);
		g_autofree char *why = NULL;
		AddressFrom from = {
			.fields = 1, .mailboxes = 1, .address = address
		};

		envelope_set_sender(envelope, address, NULL);
		envelope->login = g_strdup_printf("login%u", i ^ (i % 2));
		g_assert_cmpint(
		    sender_may_sign(settings, envelope, &from, &why), ==,
		    i % 2 == 0);
	}
	fixture_remove(file);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/sender/may_sign/table", test_may_sign);
	g_test_add_func("/sender/may_sign/the-line-helps", test_line_helps);
	g_test_add_func("/sender/may_sign/no-file", test_no_file);
	g_test_add_func("/sender/may_sign/2000-bytes", test_long_sender);
	g_test_add_func("/sender/logins/bad-lines", test_bad_lines);
	g_test_add_func("/sender/logins/file-trouble", test_file_trouble);
	g_test_add_func("/sender/logins/many-bad-lines", test_many_bad_lines);
	g_test_add_func("/sender/logins/100000-lines", test_large_file);
	return g_test_run();
}
