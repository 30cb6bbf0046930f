/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SMTP client against a scripted server: what is said with which
 * extensions, what the server's answers mean, and that the bytes arrive.
 */
#include "config.h"

#include <glib.h>
#include <string.h>

#include "base/error.h"
#include "milter/reinject.h"
#include "policy/envelope.h"
#include "smtp_server.h"

#define EHLO_ALL                                                            \
	"EHLO=>250-mx.example hello\r\n250-PIPELINING\r\n250-SIZE 10240000" \
	"\r\n250-8BITMIME\r\n250-dsn\r\n250 SMTPUTF8\r\n"

/* Tests of silence wait this long; all others get their answer at once. */
static const SmtpTimeouts patient = { 30000, 30000, 30000 };
static const SmtpTimeouts hasty = { 200, 200, 200 };

typedef struct {
	SmtpServer *server;
	Reinject *reinject;
	Envelope *envelope;
} Fixture;

static Reinject *
open_to(SmtpServer *server, const SmtpTimeouts *timeouts, GError **error)
{
	return reinject_open("127.0.0.1", smtp_server_port(server),
	    "gw.example", timeouts, error);
}

static void
start(Fixture *fixture, const char *const *script, const SmtpTimeouts *timeouts)
{
	static const char *const notify[] = { "NOTIFY=SUCCESS,FAILURE",
		"ORCPT=rfc822;b+40far.example", NULL };
	g_autoptr(GError) error = NULL;

	fixture->server = smtp_server_new(script);
	fixture->reinject = open_to(fixture->server, timeouts, &error);
	g_assert_no_error(error);
	fixture->envelope = envelope_new();
	envelope_add_recipient(fixture->envelope, "<b@far.example>", notify);
	envelope_add_recipient(fixture->envelope, "<c@far.example>", NULL);
}

static char *
finish(Fixture *fixture, GPtrArray **messages_out)
{
	reinject_close(fixture->reinject);
	envelope_free(fixture->envelope);
	return smtp_server_end(fixture->server, messages_out);
}

static ReinjectResult
send_bytes(Fixture *fixture, const void *data, gsize length, char **reply_out)
{
	g_autoptr(Rope) message = rope_new();
	ReinjectMail mail = { .sender = "<a@ex.example>",
		.arguments = fixture->envelope->arguments,
		.recipients = fixture->envelope->recipients,
		.message = message };

	rope_append_copy(message, data, length);
	return reinject_send(fixture->reinject, &mail, reply_out);
}

static ReinjectResult
send_text(Fixture *fixture, const char *text, char **reply_out)
{
	return send_bytes(fixture, text, strlen(text), reply_out);
}

static void
set_arguments(Fixture *fixture, const char *words)
{
	g_auto(GStrv) list = g_strsplit(words, " ", -1);

	envelope_set_sender(
	    fixture->envelope, "<a@ex.example>", (const char *const *)list);
}

static void
test_taken(void)
{
	static const char *const script[] = { EHLO_ALL,
		".=>250 2.0.0 Ok: queued as 4XyZ\r\n", NULL };
	Fixture fixture;
	g_autofree char *reply = NULL;
	g_autofree char *id = NULL;
	g_autofree char *log = NULL;
	g_autoptr(GPtrArray) messages = NULL;

	start(&fixture, script, &patient);
	set_arguments(&fixture,
	    "SIZE=7 BODY=8BITMIME smtputf8 RET=HDRS ENVID=xy AUTH=<>");
	g_assert_cmpint(send_text(&fixture, "A: b\r\n\r\nc\r\n", &reply), ==,
	    REINJECT_TAKEN);
	id = reinject_queue_id(reply);
	g_assert_cmpstr(id, ==, "4XyZ");
	log = finish(&fixture, &messages);
	g_assert_cmpstr(log, ==,
	    "EHLO gw.example\n"
	    "MAIL FROM:<a@ex.example> SIZE=11 SMTPUTF8 RET=HDRS ENVID=xy\n"
	    "RCPT TO:<b@far.example> NOTIFY=SUCCESS,FAILURE "
	    "ORCPT=rfc822;b+40far.example\n"
	    "RCPT TO:<c@far.example>\n"
	    "DATA\n"
	    "QUIT\n");
	g_assert_cmpuint(messages->len, ==, 1);
}

static void
test_without_extensions(void)
{
	static const char *const script[] = { "EHLO=>502 5.5.1 what?\r\n",
		NULL };
	Fixture fixture;
	g_autofree char *reply = NULL;
	g_autofree char *log = NULL;

	start(&fixture, script, &patient);
	set_arguments(&fixture, "BODY=8BITMIME RET=HDRS ENVID=xy");
	g_assert_cmpint(
	    send_text(&fixture, "\r\nc\r\n", &reply), ==, REINJECT_TAKEN);
	log = finish(&fixture, NULL);
	g_assert_cmpstr(log, ==,
	    "EHLO gw.example\nHELO gw.example\n"
	    "MAIL FROM:<a@ex.example>\n"
	    "RCPT TO:<b@far.example>\nRCPT TO:<c@far.example>\n"
	    "DATA\nQUIT\n");
}

/* What the mail cannot do without. */
static void
test_lacking(void)
{
	static const struct {
		const char *offer, *arguments, *message, *want;
	} cases[] = {
		{ "EHLO=>250-x\r\n250 DSN\r\n", "SMTPUTF8", "\r\nc\r\n",
		    "the mail needs SMTPUTF8, the listener does not offer it" },
		{ "EHLO=>250-x\r\n250 SMTPUTF8\r\n", "", "\r\n\303\244\r\n",
		    "the mail needs 8BITMIME, the listener does not offer it" },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		const char *const script[] = { cases[i].offer, NULL };
		Fixture fixture;
		g_autofree char *reply = NULL;
		g_autofree char *log = NULL;

		start(&fixture, script, &patient);
		set_arguments(&fixture, cases[i].arguments);
		g_assert_cmpint(send_text(&fixture, cases[i].message, &reply),
		    ==, REINJECT_TEMPORARY);
		g_assert_cmpstr(reply, ==, cases[i].want);
		log = finish(&fixture, NULL);
		g_assert_cmpstr(log, ==, "EHLO gw.example\nQUIT\n");
	}
}

static void
test_eight_bit(void)
{
	static const char *const script[] = { EHLO_ALL, NULL };
	Fixture fixture;
	g_autofree char *reply = NULL;
	g_autofree char *log = NULL;

	start(&fixture, script, &patient);
	g_assert_cmpint(send_text(&fixture, "\r\n\303\244\r\n", &reply), ==,
	    REINJECT_TAKEN);
	log = finish(&fixture, NULL);
	g_assert_nonnull(
	    strstr(log, "MAIL FROM:<a@ex.example> SIZE=6 BODY=8BITMIME\n"));
}

/* What each answer of the server makes of the copy. */
static void
test_answers(void)
{
	static const struct {
		const char *name;
		const char *script[3];
		ReinjectResult want;
		const char *reply;
	} cases[] = {
		{ "sender refused", { "MAIL=>550 5.7.1 no\r\n" },
		    REINJECT_REFUSED,
		    "MAIL FROM:<a@ex.example>: 550 5.7.1 no" },
		{ "sender later", { "MAIL=>452 4.3.1 full\r\n" },
		    REINJECT_TEMPORARY,
		    "MAIL FROM:<a@ex.example>: 452 4.3.1 full" },
		{ "second recipient refused",
		    { "RCPT TO:<c=>550 5.1.1 unknown\r\n" }, REINJECT_REFUSED,
		    "RCPT TO:<c@far.example>: 550 5.1.1 unknown" },
		{ "recipient later", { "RCPT=>451 4.7.1 grey\r\n" },
		    REINJECT_TEMPORARY,
		    "RCPT TO:<b@far.example>: 451 4.7.1 grey" },
		{ "DATA refused", { "DATA=>554 5.5.1 no\r\n" },
		    REINJECT_REFUSED, "DATA: 554 5.5.1 no" },
		{ "250 is no answer to DATA", { "DATA=>250 sure\r\n" },
		    REINJECT_TEMPORARY, "DATA: 250 sure" },
		{ "later at the end", { ".=>451 4.3.0 disk\r\n" },
		    REINJECT_TEMPORARY, "end of message: 451 4.3.0 disk" },
		{ "refused at the end",
		    { ".=>550-5.7.1 spam\r\n550 5.7.1 !"
		      "\r\n" },
		    REINJECT_REFUSED,
		    "end of message: 550 5.7.1 spam 5.7.1 !" },
		{ "354 at the end", { ".=>354 more\r\n" }, REINJECT_TEMPORARY,
		    "end of message: 354 more" },
		{ "closed at MAIL", { "MAIL=>drop" }, REINJECT_TEMPORARY,
		    "MAIL FROM:<a@ex.example>: the server closed the "
		    "connection" },
		{ "closed at the end", { ".=>drop" }, REINJECT_TEMPORARY,
		    "end of message: the server closed the connection" },
		{ "no reply", { "MAIL=>hello\r\n" }, REINJECT_TEMPORARY,
		    "MAIL FROM:<a@ex.example>: this is no SMTP reply" },
		{ "code changes", { "MAIL=>250-a\r\n251 b\r\n" },
		    REINJECT_TEMPORARY,
		    "MAIL FROM:<a@ex.example>: this is no SMTP reply" },
		{ "control bytes", { "MAIL=>550 a\033[1mb\r\n" },
		    REINJECT_REFUSED, "MAIL FROM:<a@ex.example>: 550 a?[1mb" },
		{ "bare LF, no text",
		    { "MAIL=>250\n", "RCPT=>250\n", ".=>250\n" },
		    REINJECT_TAKEN, "" },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		const char *script[] = { cases[i].script[0],
			cases[i].script[0] != NULL ? cases[i].script[1] : NULL,
			cases[i].script[2], NULL };
		Fixture fixture;
		g_autofree char *reply = NULL;
		g_autofree char *log = NULL;

		g_test_message("%s", cases[i].name);
		start(&fixture, script, &patient);
		g_assert_cmpint(send_text(&fixture, "\r\nc\r\n", &reply), ==,
		    cases[i].want);
		g_assert_cmpstr(reply, ==, cases[i].reply);
		log = finish(&fixture, NULL);
		/* A recipient refused: the message is not sent. */
		g_assert_true(strstr(log, "DATA") == NULL ||
		    strstr(cases[i].reply, "RCPT") == NULL);
	}
}

static void
test_silence(void)
{
	static const char *const scripts[][2] = { { "MAIL=>silence", NULL },
		{ ".=>silence", NULL }, { "MAIL=>250-unended\r\n", NULL } };

	for (gsize i = 0; i < G_N_ELEMENTS(scripts); i++) {
		Fixture fixture;
		g_autofree char *reply = NULL;

		start(&fixture, scripts[i], &hasty);
		g_assert_cmpint(send_text(&fixture, "\r\nc\r\n", &reply), ==,
		    REINJECT_TEMPORARY);
		g_assert_nonnull(strstr(reply, ": no answer in time"));
		g_free(finish(&fixture, NULL));
	}
}

static void
test_reply_limits(void)
{
	g_autofree char *word = g_strnfill(4000, 'w');
	g_autofree char *fits =
	    g_strdup_printf("MAIL=>250-%s\r\n250-%s\r\n250 ok\r\n", word, word);
	g_autofree char *line =
	    g_strdup_printf("MAIL=>250 %s%s\r\n", word, word);
	g_autoptr(GString) lines = g_string_new("MAIL=>");
	const struct {
		const char *answer;
		ReinjectResult want;
	} cases[] = { { fits, REINJECT_TAKEN }, { line, REINJECT_TEMPORARY },
		{ NULL, REINJECT_TEMPORARY } };

	for (int i = 0; i < 100; i++) {
		g_string_append_printf(lines, "250-%s\r\n", word);
	}
	g_string_append(lines, "250 ok\r\n");
	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		const char *const script[] = {
			cases[i].answer != NULL ? cases[i].answer : lines->str,
			NULL
		};
		Fixture fixture;
		g_autofree char *reply = NULL;

		start(&fixture, script, &patient);
		g_assert_cmpint(send_text(&fixture, "\r\nc\r\n", &reply), ==,
		    cases[i].want);
		g_assert_true(cases[i].want == REINJECT_TAKEN ||
		    strstr(reply, "a reply ") != NULL);
		g_free(finish(&fixture, NULL));
	}
}

static void
assert_bytes(const void *got, gsize length, const void *want, gsize want_length)
{
	g_assert_cmpuint(length, ==, want_length);
	g_assert_true(length == 0 || memcmp(got, want, length) == 0);
}

/* RFC 5321 4.5.2 backwards. Yours. */
static char *
unstuff(GBytes *bytes, gsize *length_out)
{
	gsize length;
	const char *data = g_bytes_get_data(bytes, &length);
	GString *text = g_string_new(NULL);

	for (gsize i = 0; i < length; i++) {
		bool line_start = i == 0 || data[i - 1] == '\n';

		if (!line_start || data[i] != '.') {
			g_string_append_c(text, data[i]);
		}
	}
	*length_out = text->len;
	return g_string_free(text, FALSE);
}

/* In pieces of every size, so that a dot stands at each kind of place. */
static void
test_bytes(void)
{
	static const char *const script[] = { EHLO_ALL, NULL };
	static const char tricky[] = ".\r\n..\r\n\r\n.\r\na.\r\n.b\0c\r\n"
				     "\r.\r\n\n.x\r\n.\r\n";
	Fixture fixture;
	g_autofree char *log = NULL;
	g_autoptr(GPtrArray) messages = NULL;

	start(&fixture, script, &patient);
	for (gsize piece = 1; piece < sizeof tricky; piece++) {
		g_autoptr(Rope) message = rope_new();
		g_autofree char *reply = NULL;
		g_autoptr(GBytes) all = g_bytes_new(tricky, sizeof tricky - 1);
		ReinjectMail mail = { .sender = "<>",
			.arguments = fixture.envelope->arguments,
			.recipients = fixture.envelope->recipients,
			.message = message };

		for (gsize at = 0; at < sizeof tricky - 1; at += piece) {
			rope_append_slice(message, all, at,
			    MIN(piece, sizeof tricky - 1 - at));
		}
		g_assert_cmpint(reinject_send(fixture.reinject, &mail, &reply),
		    ==, REINJECT_TAKEN);
	}
	log = finish(&fixture, &messages);
	g_assert_nonnull(strstr(log, "MAIL FROM:<> SIZE="));
	g_assert_cmpuint(messages->len, ==, sizeof tricky - 1);
	for (guint i = 0; i < messages->len; i++) {
		gsize length;
		g_autofree char *got = unstuff(messages->pdata[i], &length);

		assert_bytes(got, length, tricky, sizeof tricky - 1);
	}
}

static void
test_last_line_end(void)
{
	static const char *const script[] = { EHLO_ALL, NULL };
	static const struct {
		const char *message, *want;
	} cases[] = {
		{ "\r\nc", "\r\nc\r\n" },
		{ "\r\nc\r\n", "\r\nc\r\n" },
		{ "\r\nc\n", "\r\nc\n\r\n" },
		{ "", "" },
	};
	Fixture fixture;
	g_autoptr(GPtrArray) messages = NULL;

	start(&fixture, script, &patient);
	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *reply = NULL;

		g_assert_cmpint(send_text(&fixture, cases[i].message, &reply),
		    ==, REINJECT_TAKEN);
	}
	g_free(finish(&fixture, &messages));
	g_assert_cmpuint(messages->len, ==, G_N_ELEMENTS(cases));
	for (guint i = 0; i < messages->len; i++) {
		gsize length;
		const char *got = g_bytes_get_data(messages->pdata[i], &length);

		assert_bytes(got, length, cases[i].want, strlen(cases[i].want));
	}
}

/* Larger than every buffer on the way. */
static void
test_large(void)
{
	static const char *const script[] = { EHLO_ALL, NULL };
	const gsize size = 3000000;
	g_autofree char *text = g_malloc(size);
	Fixture fixture;
	g_autofree char *reply = NULL;
	g_autofree char *got = NULL;
	g_autoptr(GPtrArray) messages = NULL;
	gsize length;

	for (gsize i = 0; i < size; i++) {
		text[i] = i % 50 == 48 ? '\r' : i % 50 == 49 ? '\n' : '.';
	}
	start(&fixture, script, &patient);
	g_assert_cmpint(
	    send_bytes(&fixture, text, size, &reply), ==, REINJECT_TAKEN);
	g_free(finish(&fixture, &messages));
	got = unstuff(messages->pdata[0], &length);
	assert_bytes(got, length, text, size);
}

/* An envelope that would say more than one command. */
static void
test_control_bytes(void)
{
	static const char *const script[] = { EHLO_ALL, NULL };
	static const char *const notify[] = { "NOTIFY=NEVER\r\nDATA", NULL };
	Fixture fixture;
	g_autofree char *reply = NULL;
	g_autofree char *log = NULL;

	start(&fixture, script, &patient);
	envelope_add_recipient(fixture.envelope, "<d@far.example>", notify);
	g_assert_cmpint(
	    send_text(&fixture, "\r\nc\r\n", &reply), ==, REINJECT_TEMPORARY);
	g_assert_cmpstr(reply, ==, "a control byte in the envelope");
	log = finish(&fixture, NULL);
	g_assert_null(strstr(log, "DATA"));
}

static void
test_open_fails(void)
{
	static const struct {
		const char *script;
		gint code;
		const char *want;
	} cases[] = {
		{ "greeting=>554 no\r\n", ERROR_REFUSED, "greeting: 554 no" },
		{ "greeting=>421 busy\r\n", ERROR_IO, "greeting: 421 busy" },
		{ "greeting=>drop", ERROR_IO,
		    "greeting: the server closed the connection" },
		{ "EHLO=>421 bye\r\n", ERROR_IO, "EHLO gw.example: 421 bye" },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		const char *const script[] = { cases[i].script, NULL };
		SmtpServer *server = smtp_server_new(script);
		g_autoptr(GError) error = NULL;

		g_assert_null(open_to(server, &patient, &error));
		g_assert_error(error, ERROR_DOMAIN, cases[i].code);
		g_assert_cmpstr(error->message, ==, cases[i].want);
		g_free(smtp_server_end(server, NULL));
	}
}

static void
test_nobody_there(void)
{
	static const char *const script[] = { NULL };
	SmtpServer *server = smtp_server_new(script);
	guint16 port = smtp_server_port(server);
	g_autoptr(GError) error = NULL;

	g_free(smtp_server_end(server, NULL));
	g_assert_null(
	    reinject_open("127.0.0.1", port, "gw.example", &patient, &error));
	g_assert_error(error, ERROR_DOMAIN, ERROR_IO);
	g_assert_nonnull(strstr(error->message, "Connection refused"));
}

static void
test_queue_id(void)
{
	static const struct {
		const char *reply, *want;
	} cases[] = {
		{ "2.0.0 Ok: queued as 4XyZ", "4XyZ" },
		{ "Ok: queued as 123ABC and more", "123ABC" },
		{ "2.0.0 51Q0ab12 Message accepted for delivery", "51Q0ab12" },
		{ "2.0.0 Ok", NULL },
		{ " Message accepted for delivery", NULL },
		{ "", NULL },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *got = reinject_queue_id(cases[i].reply);

		g_assert_cmpstr(got, ==, cases[i].want);
	}
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/reinject/taken", test_taken);
	g_test_add_func("/reinject/no-extensions", test_without_extensions);
	g_test_add_func("/reinject/extension-lacks", test_lacking);
	g_test_add_func("/reinject/eight-bit", test_eight_bit);
	g_test_add_func("/reinject/answers", test_answers);
	g_test_add_func("/reinject/silence", test_silence);
	g_test_add_func("/reinject/reply-limits", test_reply_limits);
	g_test_add_func("/reinject/bytes", test_bytes);
	g_test_add_func("/reinject/last-line-end", test_last_line_end);
	g_test_add_func("/reinject/large", test_large);
	g_test_add_func("/reinject/control-bytes", test_control_bytes);
	g_test_add_func("/reinject/open-fails", test_open_fails);
	g_test_add_func("/reinject/nobody-there", test_nobody_there);
	g_test_add_func("/reinject/queue-id", test_queue_id);
	return g_test_run();
}
