/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/milter from the callbacks to the calls of libmilter: with a libmilter and
 * an engine of our own, so that each failure can be had. What the engine is
 * given, in which order edits go out, and what the MTA is told.
 */
#include "config.h"

#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/spool.h"
#include "fake_gateway.h"
#include "fake_milter.h"
#include "milter/callbacks.h"
#include "milter/progress.h"
#include "scratch.h"

#define CONNECTIONS_MAX 64

typedef struct {
	char *directory;
	Settings *settings;
	Service *service;
	char *log_path;
	int stderr_before;
} Fixture;

/* What the engine saw last. */
static struct {
	char *sender;
	char *recipients;
	char *client;
	char *login;
	char *daemon;
	char *host;
	char *qid;
	char *arguments;
	char *header;
	GBytes *body;
	Gateway *gateway;
} seen;

static void
forget(void)
{
	g_clear_pointer(&seen.sender, g_free);
	g_clear_pointer(&seen.recipients, g_free);
	g_clear_pointer(&seen.client, g_free);
	g_clear_pointer(&seen.login, g_free);
	g_clear_pointer(&seen.daemon, g_free);
	g_clear_pointer(&seen.host, g_free);
	g_clear_pointer(&seen.qid, g_free);
	g_clear_pointer(&seen.arguments, g_free);
	g_clear_pointer(&seen.header, g_free);
	g_clear_pointer(&seen.body, g_bytes_unref);
	seen.gateway = NULL;
}

static char *
header_text(const Fields *fields)
{
	GString *text = g_string_new(NULL);

	for (guint i = 0; i < fields_count(fields); i++) {
		g_string_append_printf(text, "%s:%s|", fields_name(fields, i),
		    fields_value(fields, i));
	}
	return g_string_free(text, FALSE);
}

static void
look(Gateway *gateway, const Envelope *envelope, const Message *message)
{
	GString *recipients = g_string_new(NULL);
	GString *arguments = g_string_new(NULL);

	forget();
	for (guint i = 0; i < envelope->recipients->len; i++) {
		const Recipient *recipient = envelope_recipient(envelope, i);

		g_string_append_printf(recipients, "%s ", recipient->given);
		for (guint a = 0; recipient->arguments != NULL &&
		     a < recipient->arguments->len;
		     a++) {
			g_string_append_printf(recipients, "%s ",
			    (const char *)recipient->arguments->pdata[a]);
		}
	}
	for (guint i = 0; i < envelope->arguments->len; i++) {
		g_string_append_printf(arguments, "%s ",
		    (const char *)envelope->arguments->pdata[i]);
	}
	seen.sender = g_strdup(envelope->sender);
	seen.recipients = g_string_free(recipients, FALSE);
	seen.arguments = g_string_free(arguments, FALSE);
	seen.client = g_strdup(envelope->client);
	seen.login = g_strdup(envelope->login);
	seen.daemon = g_strdup(envelope->daemon);
	seen.host = g_strdup(envelope->host);
	seen.qid = g_strdup(envelope->qid);
	seen.header = header_text(message->fields);
	seen.body = g_bytes_ref(message->body);
	seen.gateway = gateway;
}

static Outcome *
look_and_accept(
    Gateway *gateway, const Envelope *envelope, const Message *message)
{
	look(gateway, envelope, message);
	return fake_accept(envelope);
}

static void
set_up(Fixture *fixture, gconstpointer data)
{
	g_autoptr(Gateway) gateway = NULL;
	int log;

	(void)data;
	fixture->directory = scratch_new();
	fixture->settings = fake_settings(fixture->directory);
	gateway = gateway_new(fixture->settings, NULL);
	fixture->service = service_new(gateway, CONNECTIONS_MAX);
	callbacks_serve(fixture->service);
	fake_engine = (FakeEngine){ .process = look_and_accept };
	fixture->log_path = g_build_filename(fixture->directory, "log", NULL);
	log = g_open(fixture->log_path, O_CREAT | O_WRONLY | O_APPEND, 0600);
	fixture->stderr_before = dup(STDERR_FILENO);
	g_assert_cmpint(dup2(log, STDERR_FILENO), ==, STDERR_FILENO);
	close(log);
}

static void
tear_down(Fixture *fixture, gconstpointer data)
{
	(void)data;
	g_assert_cmpint(
	    dup2(fixture->stderr_before, STDERR_FILENO), ==, STDERR_FILENO);
	close(fixture->stderr_before);
	/* Every mail ended: none is waited for. */
	g_assert_cmpuint(service_drain(fixture->service, 0), ==, 0);
	service_free(fixture->service);
	g_assert_cmpint(atomic_load(&fake_gateways), ==, 0);
	fake_settings_free(fixture->settings);
	forget();
	g_free(fixture->log_path);
	scratch_free(fixture->directory);
}

static void
assert_log(const Fixture *fixture, const char *want)
{
	g_autofree char *text = scratch_text(fixture->log_path);

	if (strstr(text, want) == NULL) {
		g_error("got log:\n%s\nwant: %s", text, want);
	}
}

static void
assert_bytes(const void *got, gsize length, const char *want)
{
	g_assert_cmpuint(length, ==, strlen(want));
	g_assert_true(length == 0 || memcmp(got, want, length) == 0);
}

static void
assert_calls(SMFICTX *ctx, const char *want)
{
	g_autofree char *got = fake_calls(ctx);

	g_assert_cmpstr(got, ==, want);
}

/* To the end of header. */
static void
begin(SMFICTX *ctx)
{
	g_assert_cmpint(fake_connect(ctx, "192.0.2.7"), ==, SMFIS_NOREPLY);
	g_assert_cmpint(fake_mail(ctx, "<a@ex.example>"), ==, SMFIS_NOREPLY);
	g_assert_cmpint(fake_rcpt(ctx, "<b@far.example>"), ==, SMFIS_CONTINUE);
	g_assert_cmpint(
	    callbacks_description.xxfi_data(ctx), ==, SMFIS_CONTINUE);
	g_assert_cmpint(
	    fake_header(ctx, "Subject", " hello"), ==, SMFIS_NOREPLY);
}

static sfsistat
send_rest(SMFICTX *ctx)
{
	g_assert_cmpint(fake_eoh(ctx), ==, SMFIS_CONTINUE);
	g_assert_cmpint(fake_body(ctx, "body\r\n", 6), ==, SMFIS_CONTINUE);
	return fake_eom(ctx);
}

static void
test_negotiate(Fixture *fixture, gconstpointer data)
{
	static const struct {
		const char *name;
		unsigned long actions, steps, want_actions, want_steps;
		sfsistat want;
	} cases[] = {
		{ "everything", MTA_ACTIONS, MTA_STEPS, 0x1b, 0x105582,
		    SMFIS_CONTINUE },
		{ "no skip, no leading blank", MTA_ACTIONS,
		    MTA_STEPS & ~0x100400ul, 0x1b, 0x5182, SMFIS_CONTINUE },
		{ "nothing left out", MTA_ACTIONS, 0, 0x1b, 0x5080,
		    SMFIS_CONTINUE },
		{ "no delrcpt", MTA_ACTIONS & ~0x8ul, MTA_STEPS, 0x13, 0x105582,
		    SMFIS_CONTINUE },
		{ "no body", MTA_ACTIONS & ~0x2ul, MTA_STEPS, 0, 0,
		    SMFIS_REJECT },
		{ "no header", MTA_ACTIONS & ~0x10ul, MTA_STEPS, 0, 0,
		    SMFIS_REJECT },
		{ "no new field", MTA_ACTIONS & ~0x1ul, MTA_STEPS, 0, 0,
		    SMFIS_REJECT },
	};

	(void)data;
	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		SMFICTX *ctx = fake_new();
		sfsistat got =
		    fake_negotiate(ctx, cases[i].actions, cases[i].steps);

		g_test_message("%s", cases[i].name);
		g_assert_cmpint(got, ==, cases[i].want);
		g_assert_cmphex(ctx->actions, ==, cases[i].want_actions);
		/* SKIP 0x400, LEADSPC 0x100000, NOUNKNOWN 0x100, NOHELO 0x2,
		 * NR_HDR 0x80, NR_CONN 0x1000, NR_MAIL 0x4000 */
		g_assert_cmphex(ctx->steps, ==, cases[i].want_steps);
		fake_close(ctx);
	}
	assert_log(fixture, "does not let a milter change header and body");
}

static void
test_envelope(Fixture *fixture, gconstpointer data)
{
	SMFICTX *ctx = fake_open(MTA_STEPS);

	(void)fixture, (void)data;
	fake_macro(ctx, "{auth_authen}", "alice");
	fake_macro(ctx, "{daemon_name}", "ORIGINATING");
	fake_macro(ctx, "j", "mx.ex.example");
	fake_connect(ctx, "192.0.2.7");
	fake_mail(ctx, "<a@ex.example> BODY=8BITMIME SMTPUTF8");
	g_hash_table_remove_all(ctx->macros);
	fake_rcpt(ctx, "<b@far.example> NOTIFY=NEVER");
	fake_rcpt(ctx, "<C@Far.example>");
	fake_header(ctx, "Subject", " folded\n\there");
	fake_header(ctx, "X", "tight");
	fake_macro(ctx, "i", "4XyZ");
	g_assert_cmpint(send_rest(ctx), ==, SMFIS_ACCEPT);
	g_assert_cmpstr(seen.sender, ==, "a@ex.example");
	g_assert_cmpstr(seen.arguments, ==, "BODY=8BITMIME SMTPUTF8 ");
	g_assert_cmpstr(seen.recipients, ==,
	    "<b@far.example> NOTIFY=NEVER <C@Far.example> ");
	g_assert_cmpstr(seen.login, ==, "alice");
	g_assert_cmpstr(seen.daemon, ==, "ORIGINATING");
	g_assert_cmpstr(seen.host, ==, "mx.ex.example");
	g_assert_cmpstr(seen.client, ==, "192.0.2.7");
	g_assert_cmpstr(seen.qid, ==, "4XyZ");
	g_assert_cmpstr(seen.header, ==, "Subject: folded\n\there|X:tight|");
	assert_bytes(g_bytes_get_data(seen.body, NULL),
	    g_bytes_get_size(seen.body), "body\r\n");
	assert_calls(ctx, "");
	assert_log(fixture, "qid=4XyZ dir=outbound action=accept ms=");
	assert_log(fixture, " size=41\n");
	fake_close(ctx);
}

static void
test_client(Fixture *fixture, gconstpointer data)
{
	static const struct {
		const char *address, *macro, *want;
	} cases[] = {
		{ "192.0.2.7", "198.51.100.1", "192.0.2.7" },
		{ "2001:db8::7", NULL, "2001:db8::7" },
		{ "::ffff:192.0.2.7", NULL, "192.0.2.7" },
		{ NULL, "198.51.100.1", "198.51.100.1" },
		{ NULL, NULL, NULL },
	};

	(void)fixture, (void)data;
	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		SMFICTX *ctx = fake_open(MTA_STEPS);

		if (cases[i].macro != NULL) {
			fake_macro(ctx, "{client_addr}", cases[i].macro);
		}
		fake_connect(ctx, cases[i].address);
		fake_mail(ctx, "<a@ex.example>");
		fake_rcpt(ctx, "<b@far.example>");
		g_assert_cmpint(send_rest(ctx), ==, SMFIS_ACCEPT);
		g_assert_cmpstr(seen.client, ==, cases[i].want);
		fake_close(ctx);
	}
}

/* A message with every kind of edit, and a recipient with a copy to come. */
static Outcome *
edit_all(Gateway *gateway, const Envelope *envelope, const Message *message)
{
	Outcome *outcome = look_and_accept(gateway, envelope, message);
	Copy *copy = outcome->copies->pdata[0];

	edits_top(copy->edits, "T", " first");
	edits_top(copy->edits, "T", " second");
	edits_delete(copy->edits, "X-A", 1);
	edits_delete(copy->edits, "X-A", 2);
	edits_add(copy->edits, "MIME-Version", " 1.0");
	edits_change(copy->edits, "Content-Type", 1, " a/b;\n\tc=d");
	copy->body = rope_new();
	rope_append_text(copy->body, "one ");
	rope_append_bytes(copy->body, message->body);
	rope_append_text(copy->body, "two");
	return outcome;
}

static void
test_order(Fixture *fixture, gconstpointer data)
{
	static const char spaced[] = "chgheader Content-Type 1 [ a/b;\n\tc=d]\n"
				     "chgheader X-A 2 NULL\n"
				     "chgheader X-A 1 NULL\n"
				     "addheader MIME-Version [ 1.0]\n"
				     "replacebody 13\n"
				     "insheader 0 T [ second]\n"
				     "insheader 0 T [ first]\n";
	static const char plain[] = "chgheader Content-Type 1 [a/b;\n\tc=d]\n"
				    "chgheader X-A 2 NULL\n"
				    "chgheader X-A 1 NULL\n"
				    "addheader MIME-Version [1.0]\n"
				    "replacebody 13\n"
				    "insheader 0 T [second]\n"
				    "insheader 0 T [first]\n";
	bool leading_space = GPOINTER_TO_INT(data);
	SMFICTX *ctx = fake_open(
	    leading_space ? MTA_STEPS : MTA_STEPS & ~SMFIP_HDR_LEADSPC);

	(void)fixture;
	fake_engine.process = edit_all;
	fake_mail(ctx, "<a@ex.example>");
	fake_rcpt(ctx, "<b@far.example>");
	fake_header(ctx, "Subject", leading_space ? " hello" : "hello");
	g_assert_cmpint(send_rest(ctx), ==, SMFIS_ACCEPT);
	g_assert_cmpstr(seen.header, ==, "Subject: hello|");
	assert_calls(ctx, leading_space ? spaced : plain);
	assert_bytes(ctx->body->data, ctx->body->len, "one body\r\ntwo");
	fake_close(ctx);
}

#define EDITS_FAILED "451 4.7.0 The mail cannot be changed at the moment"

static void
test_each_failure(Fixture *fixture, gconstpointer data)
{
	static const char *const calls[] = { "chgheader", "addheader",
		"replacebody", "insheader" };

	(void)data;
	fake_engine.process = edit_all;
	for (gsize i = 0; i < G_N_ELEMENTS(calls); i++) {
		SMFICTX *ctx = fake_open(MTA_STEPS);
		gpointer *made;

		ctx->fails = calls[i];
		begin(ctx);
		g_assert_cmpint(send_rest(ctx), ==, SMFIS_TEMPFAIL);
		g_assert_cmpstr(ctx->reply, ==, EDITS_FAILED);
		/* Nothing is tried behind the one that failed. */
		made = ctx->calls->pdata;
		g_assert_true(
		    g_str_has_prefix(made[ctx->calls->len - 1], calls[i]));
		for (guint k = 0; k + 1 < ctx->calls->len; k++) {
			g_assert_false(g_str_has_prefix(made[k], calls[i]));
		}
		ctx->fails = NULL;
		begin(ctx);
		g_assert_cmpint(send_rest(ctx), ==, SMFIS_ACCEPT);
		fake_close(ctx);
	}
	assert_log(fixture, "smfi_insheader failed");
	assert_log(fixture,
	    "dir=outbound action=tempfail reply=\"" EDITS_FAILED "\" ms=");
}

/* As the engine does, with the worst of senders. */
static Outcome *
sum_up(Gateway *gateway, const Envelope *envelope, const Message *message)
{
	Outcome *outcome = edit_all(gateway, envelope, message);

	g_string_assign(outcome->summary,
	    "dir=outbound from=\"\\\" action=accept rule=x\\\\\" "
	    "rcpt=b@far.example "
	    "action=accept sign=yes encrypt=no verify=- copies=2 rule=r1");
	return outcome;
}

/* What the engine said stays, but for the end that the mail came to. */
static void
test_failure_log(Fixture *fixture, gconstpointer data)
{
	SMFICTX *ctx = fake_open(MTA_STEPS);

	(void)data;
	fake_engine.process = sum_up;
	ctx->fails = "addheader";
	begin(ctx);
	g_assert_cmpint(send_rest(ctx), ==, SMFIS_TEMPFAIL);
	assert_log(fixture,
	    "qid=- dir=outbound from=\"\\\" action=accept rule=x\\\\\" "
	    "rcpt=b@far.example action=tempfail reply=\"" EDITS_FAILED "\" "
	    "sign=yes encrypt=no verify=- copies=2 rule=r1 ms=");
	fake_close(ctx);
}

static Rope *body_of_large_runs;

static Outcome *
replace_with_large(
    Gateway *gateway, const Envelope *envelope, const Message *message)
{
	Outcome *outcome = look_and_accept(gateway, envelope, message);
	Copy *copy = outcome->copies->pdata[0];

	copy->body = rope_new();
	rope_append_rope(copy->body, body_of_large_runs);
	return outcome;
}

/* Many small runs become few calls; large runs go out from where they lie. */
static void
test_large_body(Fixture *fixture, gconstpointer data)
{
	const gsize size = 300000;
	g_autofree char *filler = g_strnfill(size, 'x');
	g_autoptr(GBytes) large = g_bytes_new(filler, size);
	const void *place = g_bytes_get_data(large, NULL);
	SMFICTX *ctx = fake_open(MTA_STEPS);

	(void)fixture, (void)data;
	body_of_large_runs = rope_new();
	rope_append_text(body_of_large_runs, "--b\r\n");
	rope_append_slice(body_of_large_runs, large, 0, 100);
	rope_append_text(body_of_large_runs, "--c\r\n");
	rope_append_bytes(body_of_large_runs, large);
	rope_append_slice(body_of_large_runs, large, 0, 200);
	rope_append_text(body_of_large_runs, "--b--\r\n");
	fake_engine.process = replace_with_large;
	begin(ctx);
	g_assert_cmpint(send_rest(ctx), ==, SMFIS_ACCEPT);
	assert_calls(
	    ctx, "replacebody 110\nreplacebody 300000\nreplacebody 207\n");
	g_assert_true(ctx->body_places->pdata[1] == place);
	g_assert_cmpuint(ctx->body->len, ==, rope_length(body_of_large_runs));
	rope_free(body_of_large_runs);
	fake_close(ctx);
}

static Outcome *
replace_with_nothing(
    Gateway *gateway, const Envelope *envelope, const Message *message)
{
	Outcome *outcome = look_and_accept(gateway, envelope, message);
	Copy *copy = outcome->copies->pdata[0];

	copy->body = rope_new();
	return outcome;
}

static void
test_empty_body(Fixture *fixture, gconstpointer data)
{
	SMFICTX *ctx = fake_open(MTA_STEPS);

	(void)fixture, (void)data;
	fake_engine.process = replace_with_nothing;
	begin(ctx);
	g_assert_cmpint(fake_eoh(ctx), ==, SMFIS_CONTINUE);
	g_assert_cmpint(fake_eom(ctx), ==, SMFIS_ACCEPT);
	g_assert_cmpuint(g_bytes_get_size(seen.body), ==, 0);
	assert_calls(ctx, "replacebody 0\n");
	fake_close(ctx);
}

static void
test_close(Fixture *fixture, gconstpointer data)
{
	SMFICTX *ctx = fake_new();

	(void)fixture, (void)data;
	/* libmilter calls close for a connection that said nothing. */
	fake_close(ctx);
	ctx = fake_open(MTA_STEPS);
	fake_close(ctx);
	ctx = fake_open(MTA_STEPS);
	begin(ctx);
	fake_close(ctx);
	assert_log(fixture,
	    "qid=- dir=- from=a@ex.example rcpt=b@far.example action=aborted "
	    "sign=no encrypt=no verify=- rule=- ms=");
	ctx = fake_open(MTA_STEPS);
	fake_macro(ctx, "i", "4XyZ");
	begin(ctx);
	g_assert_cmpint(fake_rcpt(ctx, "<c@far.example>"), ==, SMFIS_CONTINUE);
	g_assert_cmpint(fake_eoh(ctx), ==, SMFIS_CONTINUE);
	fake_close(ctx);
	assert_log(fixture,
	    "qid=4XyZ dir=- from=a@ex.example rcpt=b@far.example,+1 "
	    "action=aborted sign=no ");
	/* One value, also where it needs quotes. */
	ctx = fake_open(MTA_STEPS);
	fake_mail(ctx, "<a@ex.example>");
	fake_rcpt(ctx, "<\"c=d\"@far.example>");
	fake_rcpt(ctx, "<e@far.example>");
	fake_close(ctx);
	assert_log(fixture, " rcpt=\"c=d@far.example,+1\" action=aborted ");
}

/* Steps that come without a mail, or without a negotiation. */
static void
test_out_of_order(Fixture *fixture, gconstpointer data)
{
	SMFICTX *ctx = fake_new();

	(void)fixture, (void)data;
	for (int round = 0; round < 2; round++) {
		g_assert_cmpint(
		    fake_rcpt(ctx, "<b@far.example>"), ==, SMFIS_TEMPFAIL);
		g_assert_cmpint(
		    callbacks_description.xxfi_data(ctx), ==, SMFIS_TEMPFAIL);
		g_assert_cmpint(fake_header(ctx, "A", " b"), ==, SMFIS_NOREPLY);
		g_assert_cmpint(fake_eoh(ctx), ==, SMFIS_TEMPFAIL);
		g_assert_cmpint(fake_body(ctx, "x", 1), ==, SMFIS_TEMPFAIL);
		g_assert_cmpint(fake_eom(ctx), ==, SMFIS_TEMPFAIL);
		g_assert_cmpstr(ctx->reply, ==,
		    "451 4.7.0 The mail filter knows nothing of this mail");
		g_assert_cmpint(
		    callbacks_description.xxfi_abort(ctx), ==, SMFIS_CONTINUE);
		if (round == 0) {
			g_assert_cmpint(
			    fake_connect(ctx, "192.0.2.1"), ==, SMFIS_NOREPLY);
			g_assert_cmpint(fake_mail(ctx, "<a@ex.example>"), ==,
			    SMFIS_NOREPLY);
			g_assert_cmpint(fake_eom(ctx), ==, SMFIS_TEMPFAIL);
			fake_negotiate(ctx, MTA_ACTIONS, MTA_STEPS);
		}
	}
	fake_close(ctx);
}

static void
test_several_mails(Fixture *fixture, gconstpointer data)
{
	SMFICTX *ctx = fake_open(MTA_STEPS);

	(void)fixture, (void)data;
	fake_connect(ctx, "192.0.2.7");
	fake_macro(ctx, "{auth_authen}", "alice");
	fake_mail(ctx, "<a@ex.example>");
	fake_rcpt(ctx, "<b@far.example>");
	fake_header(ctx, "Subject", " one");
	g_assert_cmpint(send_rest(ctx), ==, SMFIS_ACCEPT);
	/* Given up, then begun without an abort. */
	fake_mail(ctx, "<x@ex.example>");
	fake_rcpt(ctx, "<y@far.example>");
	fake_header(ctx, "Subject", " lost");
	callbacks_description.xxfi_abort(ctx);
	fake_mail(ctx, "<x@ex.example>");
	fake_rcpt(ctx, "<y@far.example>");
	fake_header(ctx, "Subject", " lost too");
	g_hash_table_remove_all(ctx->macros);
	fake_mail(ctx, "<c@ex.example>");
	fake_rcpt(ctx, "<d@far.example>");
	fake_header(ctx, "Subject", " two");
	g_assert_cmpint(send_rest(ctx), ==, SMFIS_ACCEPT);
	g_assert_cmpstr(seen.sender, ==, "c@ex.example");
	g_assert_cmpstr(seen.recipients, ==, "<d@far.example> ");
	g_assert_cmpstr(seen.header, ==, "Subject: two|");
	g_assert_cmpstr(seen.client, ==, "192.0.2.7");
	/* The login of an earlier mail is not this one's. */
	g_assert_null(seen.login);
	fake_close(ctx);
}

static void
assert_refused(SMFICTX *ctx, sfsistat got, const char *reply)
{
	g_assert_cmpint(
	    got, ==, reply[0] == '5' ? SMFIS_REJECT : SMFIS_TEMPFAIL);
	g_assert_cmpstr(ctx->reply, ==, reply);
	assert_calls(ctx, "");
}

static void
test_header_limit(Fixture *fixture, gconstpointer data)
{
	g_autofree char *value = g_strnfill(700, 'v');
	SMFICTX *ctx = fake_open(MTA_STEPS);

	(void)data;
	fixture->settings->limits.headers = 1000;
	begin(ctx);
	for (int i = 0; i < 1000; i++) {
		g_assert_cmpint(
		    fake_header(ctx, "X", value), ==, SMFIS_NOREPLY);
	}
	assert_refused(
	    ctx, fake_eoh(ctx), "552 5.3.4 The message header is too large");
	/* The next mail is another one. */
	begin(ctx);
	g_assert_cmpint(send_rest(ctx), ==, SMFIS_ACCEPT);
	fake_close(ctx);
	assert_log(fixture,
	    "action=reject reply=\"552 5.3.4 The message header is too "
	    "large\" sign=no encrypt=no verify=- rule=- ms=");
}

static void
test_message_limit(Fixture *fixture, gconstpointer data)
{
	g_autofree char *piece = g_strnfill(900, 'v');
	SMFICTX *ctx = fake_open(MTA_STEPS);

	(void)data;
	fixture->settings->limits.message = 1000;
	/* In the header: without reply, so said at its end. */
	begin(ctx);
	fake_header(ctx, "X", piece);
	fake_header(ctx, "X", piece);
	assert_refused(
	    ctx, fake_eoh(ctx), "552 5.3.4 The message is too large");
	/* In the body: at once. */
	begin(ctx);
	g_assert_cmpint(fake_eoh(ctx), ==, SMFIS_CONTINUE);
	g_assert_cmpint(fake_body(ctx, piece, 900), ==, SMFIS_CONTINUE);
	assert_refused(ctx, fake_body(ctx, piece, 900),
	    "552 5.3.4 The message is too large");
	begin(ctx);
	g_assert_cmpint(send_rest(ctx), ==, SMFIS_ACCEPT);
	fake_close(ctx);
}

static void
test_recipient_limit(Fixture *fixture, gconstpointer data)
{
	SMFICTX *ctx = fake_open(MTA_STEPS);

	(void)data;
	fixture->settings->limits.recipients = 2;
	fake_mail(ctx, "<a@ex.example>");
	g_assert_cmpint(fake_rcpt(ctx, "<1@far.example>"), ==, SMFIS_CONTINUE);
	g_assert_cmpint(fake_rcpt(ctx, "<2@far.example>"), ==, SMFIS_CONTINUE);
	assert_refused(ctx, fake_rcpt(ctx, "<3@far.example>"),
	    "452 4.5.3 Too many recipients");
	/* The mail goes on for the others. */
	g_assert_cmpint(send_rest(ctx), ==, SMFIS_ACCEPT);
	g_assert_cmpstr(
	    seen.recipients, ==, "<1@far.example> <2@far.example> ");
	fake_close(ctx);
}

static Outcome *
accept_at_header(
    Gateway *gateway, const Envelope *envelope, const Fields *fields)
{
	(void)gateway;
	g_assert_cmpuint(fields_count(fields), ==, 1);
	return fake_accept(envelope);
}

static Outcome *
never_process(
    Gateway *gateway, const Envelope *envelope, const Message *message)
{
	(void)gateway, (void)envelope, (void)message;
	g_assert_not_reached();
	return NULL;
}

static void
test_accepted_at_header(Fixture *fixture, gconstpointer data)
{
	SMFICTX *ctx = fake_open(MTA_STEPS);

	(void)data;
	fake_engine.at_header = accept_at_header;
	fake_engine.process = never_process;
	fake_macro(ctx, "i", "QQ");
	begin(ctx);
	g_assert_cmpint(fake_eoh(ctx), ==, SMFIS_ACCEPT);
	assert_calls(ctx, "");
	assert_log(fixture, "qid=QQ dir=outbound action=accept ms=");
	fake_close(ctx);
}

static Outcome *
edit_at_header(Gateway *gateway, const Envelope *envelope, const Fields *fields)
{
	Outcome *outcome = accept_at_header(gateway, envelope, fields);
	Copy *copy = outcome->copies->pdata[0];

	edits_delete(copy->edits, "X-SMIME-Milter", 1);
	return outcome;
}

/* Edits can only be sent at the end, but the body need not come. */
static void
test_edited_at_header(Fixture *fixture, gconstpointer data)
{
	bool skip = GPOINTER_TO_INT(data);
	SMFICTX *ctx = fake_open(skip ? MTA_STEPS : MTA_STEPS & ~SMFIP_SKIP);

	(void)fixture;
	fake_engine.at_header = edit_at_header;
	fake_engine.process = never_process;
	begin(ctx);
	g_assert_cmpint(fake_eoh(ctx), ==, SMFIS_CONTINUE);
	g_assert_cmpint(fake_body(ctx, "body\r\n", 6), ==,
	    skip ? SMFIS_SKIP : SMFIS_CONTINUE);
	g_assert_cmpint(fake_eom(ctx), ==, SMFIS_ACCEPT);
	assert_calls(ctx, "chgheader X-SMIME-Milter 1 NULL\n");
	fake_close(ctx);
}

static Outcome *
refuse_at_header(
    Gateway *gateway, const Envelope *envelope, const Fields *fields)
{
	Outcome *outcome = accept_at_header(gateway, envelope, fields);

	outcome_refuse(outcome, VERDICT_REJECT, "550", "5.7.3", "no");
	return outcome;
}

static void
test_refused_at_header(Fixture *fixture, gconstpointer data)
{
	SMFICTX *ctx = fake_open(MTA_STEPS);

	(void)data;
	fake_engine.at_header = refuse_at_header;
	begin(ctx);
	assert_refused(ctx, fake_eoh(ctx), "550 5.7.3 no");
	assert_log(fixture, "dir=outbound action=accept ms=");
	fake_close(ctx);
}

static const char *refusal_text;

static Outcome *
refuse_for_now(
    Gateway *gateway, const Envelope *envelope, const Message *message)
{
	Outcome *outcome = look_and_accept(gateway, envelope, message);

	outcome_refuse(
	    outcome, VERDICT_TEMPFAIL, "451", "4.7.5", "%s", refusal_text);
	return outcome;
}

static void
test_reply_text(Fixture *fixture, gconstpointer data)
{
	g_autofree char *percents = g_strnfill(600, '%');
	g_autofree char *doubled = g_strnfill(980, '%');
	g_autofree char *longest = g_strconcat("451 4.7.5 ", doubled, NULL);
	const struct {
		const char *text, *want;
	} cases[] = {
		{ "plain", "451 4.7.5 plain" },
		{ "100 % of <%s>", "451 4.7.5 100 %% of <%%s>" },
		{ "one\r\ntwo\t\303\244", "451 4.7.5 one??two???" },
		{ percents, longest },
	};
	SMFICTX *ctx = fake_open(MTA_STEPS);

	(void)fixture, (void)data;
	fake_engine.process = refuse_for_now;
	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		refusal_text = cases[i].text;
		begin(ctx);
		g_assert_cmpint(send_rest(ctx), ==, SMFIS_TEMPFAIL);
		g_assert_cmpuint(strlen(ctx->reply), ==, strlen(cases[i].want));
		g_assert_cmpstr(ctx->reply, ==, cases[i].want);
	}
	fake_close(ctx);
}

/* More than memory holds, and no directory to put it. */
static void
test_spool_fails(Fixture *fixture, gconstpointer data)
{
	const gsize size = 65535;
	g_autofree char *piece = g_strnfill(size, 'v');
	SMFICTX *ctx = fake_open(MTA_STEPS);
	sfsistat got = SMFIS_CONTINUE;

	(void)data;
	g_free(fixture->settings->spool_dir);
	fixture->settings->spool_dir =
	    g_build_filename(fixture->directory, "missing", NULL);
	begin(ctx);
	g_assert_cmpint(fake_eoh(ctx), ==, SMFIS_CONTINUE);
	for (int i = 0;
	     i < 2 + (int)(SPOOL_MEMORY / size) && got == SMFIS_CONTINUE; i++) {
		got = fake_body(ctx, piece, size);
	}
	assert_refused(
	    ctx, got, "451 4.7.0 The message cannot be stored at the moment");
	assert_log(fixture, "a mail cannot be stored: ");
	assert_log(fixture, "/missing");
	/* A small one needs no directory. */
	begin(ctx);
	g_assert_cmpint(send_rest(ctx), ==, SMFIS_ACCEPT);
	fake_close(ctx);
}

static void
test_snapshot(Fixture *fixture, gconstpointer data)
{
	g_autoptr(Gateway) before = service_gateway(fixture->service);
	g_autoptr(Gateway) after = gateway_new(fixture->settings, before);
	SMFICTX *ctx = fake_open(MTA_STEPS);

	(void)data;
	begin(ctx);
	service_replace(fixture->service, after);
	g_assert_cmpint(send_rest(ctx), ==, SMFIS_ACCEPT);
	g_assert_true(seen.gateway == before);
	begin(ctx);
	g_assert_cmpint(send_rest(ctx), ==, SMFIS_ACCEPT);
	g_assert_true(seen.gateway == after);
	fake_close(ctx);
}

static void
test_draining(Fixture *fixture, gconstpointer data)
{
	SMFICTX *running = fake_open(MTA_STEPS);
	SMFICTX *late = fake_open(MTA_STEPS);

	(void)data;
	begin(running);
	g_assert_cmpuint(service_drain(fixture->service, 0), ==, 1);
	fake_mail(late, "<a@ex.example>");
	assert_refused(late, fake_rcpt(late, "<b@far.example>"),
	    "451 4.3.2 The mail filter is being stopped");
	g_assert_cmpint(send_rest(running), ==, SMFIS_ACCEPT);
	g_assert_cmpuint(service_drain(fixture->service, 60), ==, 0);
	fake_close(running);
	fake_close(late);
}

static void
test_too_many_connections(Fixture *fixture, gconstpointer data)
{
	SMFICTX *open[CONNECTIONS_MAX];
	SMFICTX *one_more = fake_new();

	(void)data;
	for (int i = 0; i < CONNECTIONS_MAX; i++) {
		open[i] = fake_open(MTA_STEPS);
	}
	g_assert_cmpint(
	    fake_negotiate(one_more, MTA_ACTIONS, MTA_STEPS), ==, SMFIS_REJECT);
	fake_close(open[0]);
	g_assert_cmpint(fake_negotiate(one_more, MTA_ACTIONS, MTA_STEPS), ==,
	    SMFIS_CONTINUE);
	fake_close(one_more);
	for (int i = 1; i < CONNECTIONS_MAX; i++) {
		fake_close(open[i]);
	}
	assert_log(fixture, "more than 64 connections");
}

static SMFICTX *slow_connection;

static Outcome *
wait_for_progress(
    Gateway *gateway, const Envelope *envelope, const Message *message)
{
	while (atomic_load(&slow_connection->progress) < 3) {
		g_usleep(1000);
	}
	return edit_all(gateway, envelope, message);
}

static void
test_progress(Fixture *fixture, gconstpointer data)
{
	int then;

	(void)fixture, (void)data;
	g_assert_true(progress_start(10));
	slow_connection = fake_open(MTA_STEPS);
	fake_engine.process = wait_for_progress;
	begin(slow_connection);
	g_assert_cmpint(send_rest(slow_connection), ==, SMFIS_ACCEPT);
	/* None between the edits, none behind. */
	then = atomic_load(&slow_connection->progress);
	g_usleep(50000);
	g_assert_cmpint(atomic_load(&slow_connection->progress), ==, then);
	progress_stop();
	fake_close(slow_connection);
}

/* Not through look(): each thread looks at its own mail. */
static Outcome *
sign_with_sender(
    Gateway *gateway, const Envelope *envelope, const Message *message)
{
	Outcome *outcome = fake_accept(envelope);
	Copy *copy = outcome->copies->pdata[0];

	(void)gateway, (void)message;
	edits_add(copy->edits, "X-Sender", envelope->sender);
	return outcome;
}

static void *
send_many(void *data)
{
	g_autofree char *address =
	    g_strdup_printf("u%d@ex.example", GPOINTER_TO_INT(data));
	g_autofree char *line = g_strdup_printf("<%s>", address);
	g_autofree char *want =
	    g_strdup_printf("addheader X-Sender [%s]\n", address);

	for (int i = 0; i < 20; i++) {
		SMFICTX *ctx = fake_open(MTA_STEPS);

		for (int mail = 0; mail < 5; mail++) {
			fake_mail(ctx, line);
			fake_rcpt(ctx, "<b@far.example>");
			g_assert_cmpint(send_rest(ctx), ==, SMFIS_ACCEPT);
			assert_calls(ctx, want);
		}
		fake_close(ctx);
	}
	return NULL;
}

static void
test_threads(Fixture *fixture, gconstpointer data)
{
	pthread_t threads[8];

	(void)fixture, (void)data;
	fake_engine.process = sign_with_sender;
	g_assert_true(progress_start(1));
	for (gsize i = 0; i < G_N_ELEMENTS(threads); i++) {
		g_assert_cmpint(pthread_create(&threads[i], NULL, send_many,
				    GINT_TO_POINTER((gint)i)),
		    ==, 0);
	}
	for (gsize i = 0; i < G_N_ELEMENTS(threads); i++) {
		g_assert_cmpint(pthread_join(threads[i], NULL), ==, 0);
	}
	progress_stop();
}

#define ADD(path, data, test) \
	g_test_add("/callbacks/" path, Fixture, data, set_up, test, tear_down)

int
main(int argc, char **argv)
{
	gpointer yes = GINT_TO_POINTER(1);

	g_test_init(&argc, &argv, NULL);
	log_open("test_callbacks", LOG_TARGET_STDERR, LOG_LEVEL_INFO);
	ADD("negotiate", NULL, test_negotiate);
	ADD("envelope", NULL, test_envelope);
	ADD("client", NULL, test_client);
	ADD("edits/order", yes, test_order);
	ADD("edits/order-without-leading-blank", NULL, test_order);
	ADD("edits/each-call-fails", NULL, test_each_failure);
	ADD("edits/failure-in-the-log", NULL, test_failure_log);
	ADD("body/large-runs", NULL, test_large_body);
	ADD("body/empty", NULL, test_empty_body);
	ADD("close", NULL, test_close);
	ADD("out-of-order", NULL, test_out_of_order);
	ADD("several-mails", NULL, test_several_mails);
	ADD("limit/headers", NULL, test_header_limit);
	ADD("limit/message", NULL, test_message_limit);
	ADD("limit/recipients", NULL, test_recipient_limit);
	ADD("header-end/accepted", NULL, test_accepted_at_header);
	ADD("header-end/edited", yes, test_edited_at_header);
	ADD("header-end/edited-without-skip", NULL, test_edited_at_header);
	ADD("header-end/refused", NULL, test_refused_at_header);
	ADD("reply/text", NULL, test_reply_text);
	ADD("spool-fails", NULL, test_spool_fails);
	ADD("reload/mail-keeps-settings", NULL, test_snapshot);
	ADD("stop/mails-under-way-end", NULL, test_draining);
	ADD("too-many-connections", NULL, test_too_many_connections);
	ADD("progress", NULL, test_progress);
	ADD("threads", NULL, test_threads);
	return g_test_run();
}
