/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "policy/direction.h"

#include "policy_fixture.h"

typedef struct {
	const char *name;
	const char *sender;
	const char *from; /* the From field's address; NULL: no sound one */
	const char *recipients[4];
	const char *login;
	const char *client;
	const char *daemon;
	Direction want;
} Case;

#define OWN "alice@example.com"
#define OWN2 "carol@sales.example.org"
#define PARTNER "bob@partner.example"
#define STRANGER "eve@elsewhere.example"
#define OUTSIDE "203.0.113.9"
#define LOOPBACK "127.0.0.1"

static const Case cases[] = {
	/* A login. */
	{ "login, own to partner", OWN, OWN, { PARTNER }, "alice", OUTSIDE,
	    "smtpd", DIRECTION_OUTBOUND },
	{ "login, own to own", OWN, OWN, { OWN2 }, "alice", OUTSIDE, NULL,
	    DIRECTION_OUTBOUND },
	{ "login, own to own and partner", OWN, OWN, { OWN2, PARTNER }, "alice",
	    OUTSIDE, NULL, DIRECTION_OUTBOUND },
	{ "login, foreign to partner", STRANGER, STRANGER, { PARTNER }, "alice",
	    OUTSIDE, NULL, DIRECTION_OUTBOUND },
	{ "login, foreign to own", STRANGER, OWN, { OWN2 }, "alice", OUTSIDE,
	    NULL, DIRECTION_INBOUND },
	{ "login, foreign to own and partner", STRANGER, STRANGER,
	    { OWN2, PARTNER }, "alice", OUTSIDE, NULL, DIRECTION_OUTBOUND },
	{ "an empty login is none", OWN, OWN, { PARTNER }, "", OUTSIDE, NULL,
	    DIRECTION_PASS },
	/* An internal host. */
	{ "loopback, own to partner", OWN, OWN, { PARTNER }, NULL, LOOPBACK,
	    NULL, DIRECTION_OUTBOUND },
	{ "loopback v6, own to partner", OWN, OWN, { PARTNER }, NULL, "::1",
	    NULL, DIRECTION_OUTBOUND },
	{ "loopback mapped, own to partner", OWN, OWN, { PARTNER }, NULL,
	    "::ffff:127.0.0.1", NULL, DIRECTION_OUTBOUND },
	{ "loopback, own to own", OWN, OWN, { OWN2 }, NULL, LOOPBACK, NULL,
	    DIRECTION_OUTBOUND },
	{ "loopback, foreign to own", STRANGER, STRANGER, { OWN }, NULL,
	    LOOPBACK, NULL, DIRECTION_INBOUND },
	{ "loopback, foreign to partner", STRANGER, STRANGER, { PARTNER }, NULL,
	    LOOPBACK, NULL, DIRECTION_OUTBOUND },
	{ "loopback, foreign From, own MAIL FROM", OWN, STRANGER, { OWN2 },
	    NULL, LOOPBACK, NULL, DIRECTION_OUTBOUND },
	{ "loopback, no recipient", OWN, OWN, { NULL }, NULL, LOOPBACK, NULL,
	    DIRECTION_OUTBOUND },
	{ "local name without domain", "root", OWN, { "root" }, NULL, LOOPBACK,
	    NULL, DIRECTION_OUTBOUND },
	{ "unknown client", OWN, OWN, { PARTNER }, NULL, NULL, NULL,
	    DIRECTION_PASS },
	{ "client that is no address", OWN, OWN, { PARTNER }, NULL, "localhost",
	    NULL, DIRECTION_PASS },
	/* A listener. */
	{ "daemon, own to partner", OWN, OWN, { PARTNER }, NULL, OUTSIDE,
	    "ORIGINATING", DIRECTION_OUTBOUND },
	{ "daemon, own to own", OWN, OWN, { OWN2 }, NULL, OUTSIDE,
	    "ORIGINATING", DIRECTION_OUTBOUND },
	{ "daemon, foreign to own", STRANGER, STRANGER, { OWN }, NULL, OUTSIDE,
	    "ORIGINATING", DIRECTION_INBOUND },
	{ "daemon in other case", OWN, OWN, { PARTNER }, NULL, OUTSIDE,
	    "originating", DIRECTION_PASS },
	{ "another daemon", OWN, OWN, { PARTNER }, NULL, OUTSIDE, "smtpd",
	    DIRECTION_PASS },
	/* Nobody we know: From and MAIL FROM count for nothing. */
	{ "outside, forged own to own", OWN, OWN, { OWN2 }, NULL, OUTSIDE, NULL,
	    DIRECTION_INBOUND },
	{ "outside, forged own to partner", OWN, OWN, { PARTNER }, NULL,
	    OUTSIDE, NULL, DIRECTION_PASS },
	{ "outside, to own", STRANGER, STRANGER, { OWN }, NULL, OUTSIDE, NULL,
	    DIRECTION_INBOUND },
	{ "outside, to own and partner", STRANGER, STRANGER, { PARTNER, OWN },
	    NULL, OUTSIDE, NULL, DIRECTION_INBOUND },
	{ "outside, relayed", STRANGER, STRANGER, { PARTNER }, NULL, OUTSIDE,
	    NULL, DIRECTION_PASS },
	{ "outside, null sender to own", "", "mailer-daemon@x.example", { OWN },
	    NULL, OUTSIDE, NULL, DIRECTION_INBOUND },
	{ "outside, null sender, forged From", "", OWN, { OWN }, NULL, OUTSIDE,
	    NULL, DIRECTION_INBOUND },
	{ "outside, no recipient", STRANGER, STRANGER, { NULL }, NULL, OUTSIDE,
	    NULL, DIRECTION_PASS },
	/* From stands for an empty MAIL FROM. */
	{ "null sender, own From, own recipient", "", OWN, { OWN2 }, NULL,
	    LOOPBACK, NULL, DIRECTION_OUTBOUND },
	{ "null sender, foreign From, own recipient", "", STRANGER, { OWN },
	    NULL, LOOPBACK, NULL, DIRECTION_INBOUND },
	{ "null sender, no From, own recipient", "", NULL, { OWN }, NULL,
	    LOOPBACK, NULL, DIRECTION_INBOUND },
	{ "null sender, no From, partner", "", NULL, { PARTNER }, NULL,
	    LOOPBACK, NULL, DIRECTION_OUTBOUND },
	{ "From does not stand for a foreign one", STRANGER, OWN, { OWN2 },
	    NULL, LOOPBACK, NULL, DIRECTION_INBOUND },
	/* Domains. */
	{ "below .example.org", OWN2, OWN2, { OWN }, NULL, LOOPBACK, NULL,
	    DIRECTION_OUTBOUND },
	{ "example.org itself is foreign", "a@example.org", NULL, { OWN }, NULL,
	    LOOPBACK, NULL, DIRECTION_INBOUND },
};

static void
fill(Envelope *envelope, const Case *c)
{
	envelope_set_sender(envelope, c->sender, NULL);
	for (guint i = 0; c->recipients[i] != NULL; i++) {
		envelope_add_recipient(envelope, c->recipients[i], NULL);
	}
	envelope->login = g_strdup(c->login);
	envelope->client = g_strdup(c->client);
	envelope->daemon = g_strdup(c->daemon);
}

static void
test_direction(void)
{
	g_autoptr(Settings) settings = fixture_settings("");

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(Envelope) envelope = envelope_new();
		AddressFrom from = { .fields = 1,
			.mailboxes = cases[i].from == NULL ? 2 : 1,
			.address = (char *)cases[i].from };

		fill(envelope, &cases[i]);
		g_test_message("%s", cases[i].name);
		g_assert_cmpstr(
		    direction_name(direction_of(settings, envelope, &from)), ==,
		    direction_name(cases[i].want));
	}
}

/* Loopback is trusted by the list only. */
static void
test_no_internal_hosts(void)
{
	g_autoptr(Settings) settings =
	    fixture_settings("internal_hosts = [ ]; outbound_daemons = [ ];");
	g_autoptr(Envelope) envelope = envelope_new();
	AddressFrom from = {
		.fields = 1, .mailboxes = 1, .address = (char *)OWN
	};

	envelope_set_sender(envelope, OWN, NULL);
	envelope_add_recipient(envelope, PARTNER, NULL);
	envelope->client = g_strdup(LOOPBACK);
	envelope->daemon = g_strdup("ORIGINATING");
	g_assert_false(direction_is_internal(settings, envelope));
	g_assert_false(direction_is_trusted(settings, envelope));
	g_assert_cmpint(
	    direction_of(settings, envelope, &from), ==, DIRECTION_PASS);
	envelope->login = g_strdup("alice");
	g_assert_false(direction_is_internal(settings, envelope));
	g_assert_true(direction_is_trusted(settings, envelope));
}

static void
test_was_here(void)
{
	static const struct {
		const char *header;
		bool want;
	} table[] = {
		{ "Received: from a.example (a.example [192.0.2.1])\n"
		  "\tby mail.example.com (Postfix) with ESMTP id 1;\n"
		  "\tMon, 1 Jan 2024 00:00:00 +0000",
		    true },
		{ "received: FROM a BY MAIL.example.COM; Mon", true },
		{ "Received: from a by mail.example.com.", true },
		{ "Received: from a by mail.example.com;x", true },
		{ "Received: from a by mail.example.com(Postfix)", true },
		{ "Received: (x) from a (y (z)) (q) by (r) mail.example.com",
		    true },
		{ "Received:from\n\ta\n\tby\n\tmail.example.com", true },
		{ "Received: from [192.0.2.1] by mail.example.com", true },
		/* The client's HELO name must not hide it. */
		{ "Received: from by (x [192.0.2.1]) by mail.example.com",
		    true },
		{ "Received: from ( (x [192.0.2.1]) by mail.example.com",
		    true },
		{ "Received: from x(( by mail.example.com (Postfix)", true },
		{ "Received: from x( (y [192.0.2.1]) by mail.example.com\n"
		  "\t(Postfix) with ESMTP",
		    true },
		{ "Received: from ; (x) by mail.example.com", true },
		{ "Received: from \\ (x) by mail.example.com", true },
		{ "Received: from \" (x) by mail.example.com", true },
		{ "Received: from a by b.example; Mon\n"
		  "Subject: x\n"
		  "Received: from b by mail.example.com; Mon",
		    true },
		/* Local submission has no from clause. */
		{ "Received: by mail.example.com (Postfix, from userid 1000)\n"
		  "\tid 1; Mon, 1 Jan 2024 00:00:00 +0000 (UTC)",
		    false },
		{ "Received: (from jdoe@localhost)\n"
		  "\tby mail.example.com (8.17.1/8.17.1/Submit) id 1; Mon",
		    false },
		{ "Received: by mail.example.com with HTTP; from a", false },
		/* Other hosts, other fields, comments. */
		{ "Received: from mail.example.com by b.example; Mon", false },
		{ "Received: from a by mail.example.com.evil.example", false },
		{ "Received: from a by xmail.example.com", false },
		{ "Received: from a (by mail.example.com) by b", false },
		{ "Received: from a (\\) by mail.example.com) by b", false },
		{ "Received: from a by b (by mail.example.com)", false },
		{ "Received: from a by b for <by@mail.example.com>", false },
		{ "Received: fromage a by mail.example.com", false },
		{ "Received: from", false },
		{ "Received: from a by", false },
		{ "Received: from a by ", false },
		{ "Received:", false },
		{ "Received: ", false },
		{ "Received: (", false },
		{ "Received: from a by (mail.example.com", true },
		{ "X-Received: from a by mail.example.com", false },
		{ "Subject: from a by mail.example.com", false },
		{ "Subject: x", false },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(table); i++) {
		g_autoptr(Envelope) envelope = envelope_new();
		g_autoptr(Fields) fields = fixture_fields(table[i].header);

		g_test_message("%s", table[i].header);
		envelope->host = g_strdup("Mail.example.com");
		g_assert_cmpint(
		    direction_was_here(envelope, fields), ==, table[i].want);
		g_free(envelope->host);
		envelope->host = g_strdup("mail.example.com.");
		g_assert_cmpint(
		    direction_was_here(envelope, fields), ==, table[i].want);
	}
}

/* A field of a megabyte of brackets must be done with at once. */
static void
test_was_here_brackets(void)
{
	g_autoptr(Envelope) envelope = envelope_new();
	g_autofree char *brackets = g_strnfill(1000000, '(');
	g_autofree char *header = g_strconcat("Received: from a ", brackets,
	    " by mail.example.com\nReceived: from a ", brackets, NULL);
	g_autoptr(Fields) fields = fixture_fields(header);

	envelope->host = g_strdup("mail.example.com");
	g_assert_true(direction_was_here(envelope, fields));
	fields_remove(fields, 0);
	g_assert_false(direction_was_here(envelope, fields));
}

/* Who logs in may send on what came by here. */
static void
test_was_here_envelope(void)
{
	g_autoptr(Envelope) envelope = envelope_new();
	g_autoptr(Fields) fields =
	    fixture_fields("Received: from a by mail.example.com; Mon");

	g_assert_false(direction_was_here(envelope, fields));
	envelope->host = g_strdup("");
	g_assert_false(direction_was_here(envelope, fields));
	g_free(envelope->host);
	envelope->host = g_strdup(".");
	g_assert_false(direction_was_here(envelope, fields));
	g_free(envelope->host);
	envelope->host = g_strdup("mail.example.com");
	g_assert_true(direction_was_here(envelope, fields));
	envelope->login = g_strdup("");
	g_assert_true(direction_was_here(envelope, fields));
	g_free(envelope->login);
	envelope->login = g_strdup("alice");
	g_assert_false(direction_was_here(envelope, fields));
}

static void
test_name(void)
{
	g_assert_cmpstr(direction_name(DIRECTION_PASS), ==, "pass");
	g_assert_cmpstr(direction_name(DIRECTION_OUTBOUND), ==, "outbound");
	g_assert_cmpstr(direction_name(DIRECTION_INBOUND), ==, "inbound");
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/direction/of/table", test_direction);
	g_test_add_func(
	    "/direction/of/nobody-internal", test_no_internal_hosts);
	g_test_add_func("/direction/was_here/received", test_was_here);
	g_test_add_func("/direction/was_here/brackets", test_was_here_brackets);
	g_test_add_func("/direction/was_here/envelope", test_was_here_envelope);
	g_test_add_func("/direction/name/all", test_name);
	return g_test_run();
}
