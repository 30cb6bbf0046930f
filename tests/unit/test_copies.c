/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A mail that is split, from the callbacks to a scripted listener and the
 * ledger on disk: copies go out before the MTA's own is edited, a refused copy
 * holds up the whole mail, a retry sends only what is missing.
 */
#include "config.h"

#include <glib.h>
#include <string.h>

#include "base/log.h"
#include "fake_gateway.h"
#include "fake_milter.h"
#include "milter/callbacks.h"
#include "milter/copies.h"
#include "scratch.h"
#include "smtp_server.h"

#define EHLO "EHLO=>250-x\r\n250 DSN\r\n"

typedef struct {
	char *directory;
	Settings *settings;
	Service *service;
	SmtpServer *server;
} Fixture;

/* b stays with the MTA, c and d get a copy each. */
static Outcome *
split(Gateway *gateway, const Envelope *envelope, const Message *message)
{
	Outcome *outcome = fake_accept(envelope);
	Copy *copy;

	(void)gateway, (void)message;
	copy = fake_copy(outcome, envelope, 1);
	edits_delete(copy->edits, "Bcc", 1);
	edits_top(copy->edits, "X-Top", " yes");
	copy = fake_copy(outcome, envelope, 2);
	copy->body = rope_new();
	rope_append_text(copy->body, "changed\r\n");
	return outcome;
}

static void
set_up(Fixture *fixture, gconstpointer data)
{
	g_autoptr(Gateway) gateway = NULL;

	(void)data;
	fixture->directory = scratch_new();
	fixture->settings = fake_settings(fixture->directory);
	gateway = gateway_new(fixture->settings, NULL);
	fixture->service = service_new(gateway, 10);
	fixture->server = NULL;
	callbacks_serve(fixture->service);
	fake_engine = (FakeEngine){ .process = split };
}

static void
tear_down(Fixture *fixture, gconstpointer data)
{
	(void)data;
	g_assert_cmpuint(service_drain(fixture->service, 0), ==, 0);
	service_free(fixture->service);
	fake_settings_free(fixture->settings);
	scratch_free(fixture->directory);
}

static void
listen_with(Fixture *fixture, const char *const *script)
{
	fixture->server = smtp_server_new(script);
	g_free(fixture->settings->reinject);
	g_free(fixture->settings->reinject_host);
	fixture->settings->reinject = g_strdup("smtp:127.0.0.1:25");
	fixture->settings->reinject_host = g_strdup("127.0.0.1");
	fixture->settings->reinject_port = smtp_server_port(fixture->server);
}

static guint
ledger_files(const Fixture *fixture)
{
	g_autofree char *sent =
	    g_build_filename(fixture->directory, "sent", NULL);

	return g_file_test(sent, G_FILE_TEST_IS_DIR) ? scratch_count(sent) : 0;
}

/* received: of a Received field; NULL: none. */
static sfsistat
send_mail(SMFICTX *ctx, bool dated, const char *received)
{
	fake_macro(ctx, "j", "mx.ex.example");
	fake_mail(ctx, "<a@ex.example> RET=FULL");
	fake_rcpt(ctx, "<b@far.example>");
	fake_rcpt(ctx, "<c@far.example> NOTIFY=NEVER");
	fake_rcpt(ctx, "<D@far.example>");
	if (received != NULL) {
		fake_header(ctx, "Received", received);
	}
	fake_header(ctx, "Subject", " hello");
	fake_header(ctx, "Bcc", " c@far.example");
	if (dated) {
		fake_header(ctx, "Date", " Sat, 21 Nov 2026 03:31:00 +0000");
		fake_header(ctx, "Message-ID", " <1@ex.example>");
	}
	fake_eoh(ctx);
	fake_body(ctx, "body\r\n", 6);
	return fake_eom(ctx);
}

static void
assert_bytes(GBytes *got, const char *want)
{
	g_autofree char *text =
	    g_strndup(g_bytes_get_data(got, NULL), g_bytes_get_size(got));

	g_assert_cmpstr(text, ==, want);
}

static void
test_taken(Fixture *fixture, gconstpointer data)
{
	static const char *const script[] = { EHLO,
		".=>250 2.0.0 Ok: queued as Q1\r\n", NULL };
	SMFICTX *ctx = fake_open(MTA_STEPS);
	g_autofree char *calls = NULL;
	g_autofree char *log = NULL;
	g_autoptr(GPtrArray) messages = NULL;

	(void)data;
	listen_with(fixture, script);
	g_assert_cmpint(send_mail(ctx, false, NULL), ==, SMFIS_ACCEPT);
	calls = fake_calls(ctx);
	g_assert_cmpstr(
	    calls, ==, "delrcpt <c@far.example>\ndelrcpt <D@far.example>\n");
	fake_close(ctx);
	log = smtp_server_end(fixture->server, &messages);
	g_assert_cmpstr(log, ==,
	    "EHLO mx.ex.example\n"
	    "MAIL FROM:<a@ex.example> RET=FULL\n"
	    "RCPT TO:<c@far.example> NOTIFY=NEVER\nDATA\n"
	    "MAIL FROM:<a@ex.example> RET=FULL\n"
	    "RCPT TO:<D@far.example>\nDATA\nQUIT\n");
	g_assert_cmpuint(messages->len, ==, 2);
	assert_bytes(
	    messages->pdata[0], "X-Top: yes\r\nSubject: hello\r\n\r\nbody\r\n");
	assert_bytes(messages->pdata[1],
	    "Subject: hello\r\nBcc: c@far.example\r\n\r\nchanged\r\n");
	g_assert_cmpuint(ledger_files(fixture), ==, 0);
}

/* The second copy is refused at the first try. */
static void
test_retry(Fixture *fixture, gconstpointer data)
{
	static const char *const script[] = { EHLO,
		"1:RCPT TO:<D=>550 5.1.1 unknown\r\n", NULL };
	SMFICTX *ctx = fake_open(MTA_STEPS);
	g_autofree char *log = NULL;
	g_autofree char *first = NULL;
	g_autofree char *second = NULL;

	(void)data;
	listen_with(fixture, script);
	g_assert_cmpint(send_mail(ctx, true, NULL), ==, SMFIS_TEMPFAIL);
	g_assert_cmpstr(ctx->reply, ==,
	    "451 4.7.1 A copy for some of the recipients could not be handed "
	    "on");
	first = fake_calls(ctx);
	g_assert_cmpstr(first, ==, "");
	g_assert_cmpuint(ledger_files(fixture), ==, 1);
	/* Another route this time: Received does not make it another mail. */
	g_assert_cmpint(
	    send_mail(ctx, true, " by elsewhere"), ==, SMFIS_ACCEPT);
	second = fake_calls(ctx);
	g_assert_cmpstr(
	    second, ==, "delrcpt <c@far.example>\ndelrcpt <D@far.example>\n");
	g_assert_cmpuint(ledger_files(fixture), ==, 0);
	fake_close(ctx);
	log = smtp_server_end(fixture->server, NULL);
	g_assert_cmpstr(log, ==,
	    "EHLO mx.ex.example\n"
	    "MAIL FROM:<a@ex.example> RET=FULL\n"
	    "RCPT TO:<c@far.example> NOTIFY=NEVER\nDATA\n"
	    "MAIL FROM:<a@ex.example> RET=FULL\n"
	    "RCPT TO:<D@far.example>\nQUIT\n"
	    "EHLO mx.ex.example\n"
	    "MAIL FROM:<a@ex.example> RET=FULL\n"
	    "RCPT TO:<D@far.example>\nDATA\nQUIT\n");
}

/* An edit that fails behind the copies: the ledger must stay. */
static void
test_edit_fails(Fixture *fixture, gconstpointer data)
{
	static const char *const script[] = { EHLO, NULL };
	SMFICTX *ctx = fake_open(MTA_STEPS);
	g_autofree char *log = NULL;
	g_autoptr(GPtrArray) messages = NULL;

	(void)data;
	listen_with(fixture, script);
	ctx->fails = "delrcpt";
	g_assert_cmpint(send_mail(ctx, true, NULL), ==, SMFIS_TEMPFAIL);
	g_assert_cmpuint(ledger_files(fixture), ==, 1);
	ctx->fails = NULL;
	g_assert_cmpint(send_mail(ctx, true, NULL), ==, SMFIS_ACCEPT);
	g_assert_cmpuint(ledger_files(fixture), ==, 0);
	fake_close(ctx);
	log = smtp_server_end(fixture->server, &messages);
	g_assert_cmpuint(messages->len, ==, 2);
}

static void
test_no_listener(Fixture *fixture, gconstpointer data)
{
	static const char *const script[] = { NULL };
	SMFICTX *ctx = fake_open(MTA_STEPS);

	(void)data;
	/* Not set; then set and gone. */
	g_assert_cmpint(send_mail(ctx, true, NULL), ==, SMFIS_TEMPFAIL);
	listen_with(fixture, script);
	g_free(smtp_server_end(fixture->server, NULL));
	g_assert_cmpint(send_mail(ctx, true, NULL), ==, SMFIS_TEMPFAIL);
	g_assert_true(g_str_has_prefix(ctx->reply, "451 4.7.1 "));
	fake_close(ctx);
}

static void
test_no_ledger(Fixture *fixture, gconstpointer data)
{
	SMFICTX *ctx = fake_open(MTA_STEPS);

	(void)data;
	g_free(scratch_file(fixture->directory, "sent", "no directory"));
	g_assert_cmpint(send_mail(ctx, true, NULL), ==, SMFIS_TEMPFAIL);
	g_assert_true(g_str_has_prefix(ctx->reply, "451 4.7.0 "));
	fake_close(ctx);
}

/* An MTA that cannot take recipients out would deliver twice. */
static void
test_no_delrcpt(Fixture *fixture, gconstpointer data)
{
	SMFICTX *ctx = fake_new();
	g_autofree char *calls = NULL;

	(void)fixture, (void)data;
	fake_negotiate(ctx, MTA_ACTIONS & ~SMFIF_DELRCPT, MTA_STEPS);
	g_assert_cmpint(send_mail(ctx, true, NULL), ==, SMFIS_TEMPFAIL);
	calls = fake_calls(ctx);
	g_assert_cmpstr(calls, ==, "");
	fake_close(ctx);
}

/* What is another mail, and what is the same one again. */
static void
test_key(void)
{
	static const struct {
		const char *name, *sender, *recipients, *fields, *body;
		bool same;
	} cases[] = {
		{ "itself", "<a@x>", "<b@y> <c@y>",
		    "Date: 1|Message-ID: 2|S: x", "body", true },
		{ "recipients in another order", "<a@x>", "<c@y> <b@y>",
		    "Date: 1|Message-ID: 2|S: x", "body", true },
		{ "another Received", "<a@x>", "<b@y> <c@y>",
		    "received: new|Date: 1|Message-ID: 2|S: x", "body", true },
		{ "Resent fields that Postfix makes", "<a@x>", "<b@y> <c@y>",
		    "Date: 1|Message-ID: 2|S: x|Resent-Message-Id: 3|"
		    "Resent-Date: 4",
		    "body", true },
		{ "resent by somebody", "<a@x>", "<b@y> <c@y>",
		    "Date: 1|Message-ID: 2|S: x|Resent-From: a", "body",
		    false },
		{ "another sender", "<A@x>", "<b@y> <c@y>",
		    "Date: 1|Message-ID: 2|S: x", "body", false },
		{ "one recipient less", "<a@x>", "<b@y>",
		    "Date: 1|Message-ID: 2|S: x", "body", false },
		{ "another subject", "<a@x>", "<b@y> <c@y>",
		    "Date: 1|Message-ID: 2|S: y", "body", false },
		{ "another body", "<a@x>", "<b@y> <c@y>",
		    "Date: 1|Message-ID: 2|S: x", "Body", false },
		{ "a field moved into the body", "<a@x>", "<b@y> <c@y>",
		    "Date: 1|Message-ID: 2", "S: xbody", false },
	};
	g_autofree char *first = NULL;

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_auto(GStrv) names = g_strsplit(cases[i].recipients, " ", -1);
		g_auto(GStrv) lines = g_strsplit(cases[i].fields, "|", -1);
		g_autoptr(Envelope) envelope = envelope_new();
		Fields *fields = fields_new();
		g_autoptr(Message) message = message_new(
		    fields, g_bytes_new(cases[i].body, strlen(cases[i].body)));
		g_autofree char *key = NULL;

		for (char **name = names; *name != NULL; name++) {
			envelope_add_recipient(envelope, *name, NULL);
		}
		for (char **line = lines; *line != NULL; line++) {
			g_auto(GStrv) pair = g_strsplit(*line, ":", 2);

			fields_add(fields, pair[0], pair[1]);
		}
		g_test_message("%s", cases[i].name);
		key = copies_key(cases[i].sender, envelope, message);
		g_assert_cmpuint(strlen(key), ==, 64);
		if (first == NULL) {
			first = g_strdup(key);
		}
		g_assert_true(g_str_equal(key, first) == cases[i].same);
	}
}

static void
test_no_key(void)
{
	static const char *const only[] = { "Date", "Message-ID", "Subject" };

	for (gsize i = 0; i < G_N_ELEMENTS(only); i++) {
		g_autoptr(Envelope) envelope = envelope_new();
		Fields *fields = fields_new();
		g_autoptr(Message) message =
		    message_new(fields, g_bytes_new_static("", 0));

		fields_add(fields, only[i], " x");
		g_assert_null(copies_key("<>", envelope, message));
	}
}

#define ADD(path, test) \
	g_test_add("/copies/" path, Fixture, NULL, set_up, test, tear_down)

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	log_open("test_copies", LOG_TARGET_STDERR, LOG_LEVEL_ERROR);
	ADD("taken", test_taken);
	ADD("refused-and-retried", test_retry);
	ADD("edit-fails", test_edit_fails);
	ADD("no-listener", test_no_listener);
	ADD("no-ledger", test_no_ledger);
	ADD("no-delrcpt", test_no_delrcpt);
	g_test_add_func("/copies/key/same-mail", test_key);
	g_test_add_func("/copies/key/no-date-or-id", test_no_key);
	return g_test_run();
}
