/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A load generator that speaks the milter protocol as Postfix does: many
 * connections, each a thread, many mails on each. It checks the verdict of
 * each mail, can keep what the MTA would have delivered, and prints one line
 * of "key=value" with counts and mails per second. See milterload -h.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libmilter/mfdef.h>

#include "mailresult.h"
#include "mailsource.h"
#include "milterproto.h"

#define COMPLAINTS_MAX 10
#define EXIT_WRONG 1
#define EXIT_USAGE 64

typedef struct {
	char *socket;
	int connections;
	int messages; /* on each connection */
	int total;    /* over all connections; 0: connections * messages */
	int per_connection; /* then a new one; 0: never */
	char *from;
	int senders;
	char **rcpts;
	char *login;
	char *client;
	char *daemon;
	int size;
	gboolean attachment;
	char *template;
	char *directory;
	char *expect;
	char *expect_body;
	char *output;
	char *pipe;
	gboolean sendmail;
	int write_size;
} Options;

typedef struct {
	const Options *options;
	GPtrArray *sources; /* of MailSource, one after the other */
	char **rcpts;
	Peer peer;
	FILE *consumer; /* or NULL */
	GMutex lock;    /* of consumer and complaints */
	int complaints;
	int next;  /* serial number, atomic */
	int mails; /* atomic, as all below */
	int wrong;
	int failed;
	int replaced;
} Load;

static char *default_rcpts[] = { "rcpt@example.net", NULL };

static const struct {
	char reply;
	const char *name;
} verdicts[] = {
	{ SMFIR_ACCEPT, "accept" },
	{ SMFIR_REJECT, "reject" },
	{ SMFIR_TEMPFAIL, "tempfail" },
	{ SMFIR_DISCARD, "discard" },
};

/* "quarantine" is an accept with that request before it. */
static const char *
verdict_name(const Answer *answer)
{
	if (answer->verdict == SMFIR_REPLYCODE && answer->text != NULL) {
		return *answer->text == '4' ? "tempfail" : "reject";
	}
	for (guint i = 0; i < answer->requests->len; i++) {
		const Request *request = g_ptr_array_index(answer->requests, i);

		if (request->command == SMFIR_QUARANTINE) {
			return "quarantine";
		}
	}
	for (guint i = 0; i < G_N_ELEMENTS(verdicts); i++) {
		if (verdicts[i].reply == answer->verdict) {
			return verdicts[i].name;
		}
	}
	return "unknown";
}

static void
complain(Load *load, int serial, const char *what, const char *detail)
{
	g_mutex_lock(&load->lock);
	if (load->complaints++ < COMPLAINTS_MAX) {
		fprintf(stderr, "milterload: mail %d: %s%s%s\n", serial, what,
		    detail == NULL ? "" : ": ", detail == NULL ? "" : detail);
	}
	g_mutex_unlock(&load->lock);
}

static void
check_answer(Load *load, int serial, const Answer *answer)
{
	const Options *options = load->options;
	const char *verdict = verdict_name(answer);
	const char *body = answer->replaced ? "replaced" : "kept";

	g_atomic_int_inc(&load->mails);
	if (answer->replaced) {
		g_atomic_int_inc(&load->replaced);
	}
	if (strcmp(options->expect, "any") != 0 &&
	    strcmp(options->expect, verdict) != 0) {
		g_atomic_int_inc(&load->wrong);
		complain(load, serial, verdict, answer->text);
	} else if (options->expect_body != NULL &&
	    strcmp(options->expect_body, body) != 0) {
		g_atomic_int_inc(&load->wrong);
		complain(load, serial, "the body was", body);
	}
}

/* --- what the MTA would have delivered --- */

static bool
write_file(const Options *options, int serial, const char *ending,
    const void *data, gsize length)
{
	g_autofree char *path =
	    g_strdup_printf("%s/%d.%s", options->output, serial, ending);

	return g_file_set_contents_full(
	    path, data, (gssize)length, G_FILE_SET_CONTENTS_NONE, 0644, NULL);
}

/* For each mail a line "SERIAL FROM LENGTH", then LENGTH bytes. */
static bool
write_pipe(Load *load, int serial, const char *from, const GByteArray *message)
{
	bool good;

	g_mutex_lock(&load->lock);
	good = fprintf(load->consumer, "%d %s %u\n", serial, from,
		   message->len) > 0 &&
	    fwrite(message->data, message->len, 1, load->consumer) == 1;
	g_mutex_unlock(&load->lock);
	return good;
}

static void
deliver(Load *load, const MilterLink *link, int serial, const Mail *mail,
    const Answer *answer)
{
	const Options *options = load->options;
	EditRules rules = { .keeps_slots = options->sendmail,
		.leading_space = milterproto_leading_space(link) };
	g_autoptr(GByteArray) message = NULL;
	g_autofree char *envelope = NULL;
	bool good = true;

	if (answer->verdict != SMFIR_ACCEPT) {
		return;
	}
	message = mailresult_message(mail, answer, &rules);
	envelope = mailresult_envelope(mail, answer);
	if (options->output != NULL) {
		good = write_file(options, serial, "eml", message->data,
			   message->len) &&
		    write_file(
			options, serial, "env", envelope, strlen(envelope));
	}
	if (load->consumer != NULL) {
		good = write_pipe(load, serial, mail->from, message) && good;
	}
	if (!good) {
		g_atomic_int_inc(&load->failed);
		complain(load, serial, "not written", NULL);
	}
}

/* --- the load --- */

/* Each "%d" becomes number; "=" stands for same. Yours, or NULL. */
static char *
from_pattern(const char *pattern, int number, const char *same)
{
	g_autofree char *digits = g_strdup_printf("%d", number);
	GString *text = NULL;

	if (pattern == NULL || strcmp(pattern, "=") == 0) {
		return pattern == NULL ? NULL : g_strdup(same);
	}
	text = g_string_new(pattern);
	g_string_replace(text, "%d", digits, 0);
	return g_string_free(text, FALSE);
}

static bool
send_one(Load *load, MilterLink *link, int serial)
{
	const Options *options = load->options;
	int number = serial % options->senders + 1;
	g_autofree char *from = from_pattern(options->from, number, NULL);
	g_autofree char *login = from_pattern(options->login, number, from);
	g_autofree char *queue_id = g_strdup_printf("%010X", (guint)serial);
	const MailSource *source = g_ptr_array_index(
	    load->sources, (guint)serial % load->sources->len);
	g_autoptr(GArray) fields =
	    mailsource_fields(source, (guint)serial, from, load->rcpts[0]);
	Mail mail = { .queue_id = queue_id,
		.from = from,
		.login = login,
		.rcpts = load->rcpts,
		.fields = (const Field *)(void *)fields->data,
		.n_fields = fields->len };
	bool keep = options->output != NULL || load->consumer != NULL;
	g_autoptr(Answer) answer = NULL;
	g_autoptr(GError) error = NULL;

	mail.body = mailsource_body(source, &mail.body_length);
	answer = milterproto_send(link, &mail, keep, &error);
	if (answer == NULL) {
		g_atomic_int_inc(&load->failed);
		complain(load, serial, "failed", error->message);
		return false;
	}
	check_answer(load, serial, answer);
	if (keep) {
		deliver(load, link, serial, &mail, answer);
	}
	return true;
}

static int
total_of(const Options *options)
{
	return options->total > 0 ? options->total
				  : options->connections * options->messages;
}

/* One connection at a time until the serial numbers are used up. */
static gpointer
run_connection(gpointer data)
{
	Load *load = data;
	const Options *options = load->options;
	int total = total_of(options);
	g_autoptr(MilterLink) link = NULL;
	int on_link = 0;

	for (int serial; (serial = g_atomic_int_add(&load->next, 1)) < total;) {
		g_autoptr(GError) error = NULL;

		if (link == NULL) {
			link = milterproto_open(options->socket, &load->peer,
			    (gsize)options->write_size, &error);
			on_link = 0;
		}
		if (link == NULL) {
			g_atomic_int_inc(&load->failed);
			complain(load, serial, "no connection", error->message);
			continue;
		}
		if (!send_one(load, link, serial) ||
		    ++on_link == options->per_connection) {
			g_clear_pointer(&link, milterproto_close);
		}
	}
	return NULL;
}

static void
run_load(Load *load)
{
	int count = load->options->connections;
	g_autofree GThread **threads = g_new0(GThread *, count);

	for (int i = 0; i < count; i++) {
		threads[i] = g_thread_new("load", run_connection, load);
	}
	for (int i = 0; i < count; i++) {
		g_thread_join(threads[i]);
	}
}

static int
report(const Load *load, gint64 started)
{
	double seconds = (double)(g_get_monotonic_time() - started) / 1e6;

	printf("mails=%d wrong=%d failed=%d replaced=%d seconds=%.4f "
	       "rate=%.1f\n",
	    load->mails, load->wrong, load->failed, load->replaced, seconds,
	    seconds > 0 ? load->mails / seconds : 0.0);
	return load->wrong == 0 && load->failed == 0 ? EXIT_SUCCESS
						     : EXIT_WRONG;
}

/* --- start --- */

static bool
read_options(Options *options, int argc, char **argv, GError **error)
{
	const GOptionEntry entries[] = {
		{ "socket", 's', 0, G_OPTION_ARG_STRING, &options->socket,
		    "the milter: unix:PATH or inet:PORT@HOST", "SPEC" },
		{ "connections", 'c', 0, G_OPTION_ARG_INT,
		    &options->connections, "at the same time (1)", "N" },
		{ "messages", 'm', 0, G_OPTION_ARG_INT, &options->messages,
		    "mails on each connection (1)", "M" },
		{ "total", 'n', 0, G_OPTION_ARG_INT, &options->total,
		    "mails in all, instead of -m", "N" },
		{ "reconnect", 'r', 0, G_OPTION_ARG_INT,
		    &options->per_connection,
		    "a new connection after K mails (never)", "K" },
		{ "from", 'f', 0, G_OPTION_ARG_STRING, &options->from,
		    "sender, %d is its number (user%d@example.com)", "A" },
		{ "senders", 'S', 0, G_OPTION_ARG_INT, &options->senders,
		    "number them 1 to N (1)", "N" },
		{ "rcpt", 't', 0, G_OPTION_ARG_STRING_ARRAY, &options->rcpts,
		    "recipient, may be repeated (rcpt@example.net)", "A" },
		{ "login", 'l', 0, G_OPTION_ARG_STRING, &options->login,
		    "{auth_authen}, = is the sender (none)", "L" },
		{ "client", 'a', 0, G_OPTION_ARG_STRING, &options->client,
		    "address of the SMTP client (127.0.0.1)", "IP" },
		{ "daemon", 'd', 0, G_OPTION_ARG_STRING, &options->daemon,
		    "{daemon_name} (smtpd)", "NAME" },
		{ "size", 'z', 0, G_OPTION_ARG_INT, &options->size,
		    "of a made-up mail (10240)", "BYTES" },
		{ "attachment", 'x', 0, G_OPTION_ARG_NONE, &options->attachment,
		    "made up with an attachment", NULL },
		{ "template", 'T', 0, G_OPTION_ARG_FILENAME, &options->template,
		    "a mail; @SENDER@, @RCPT@, @SERIAL@, @RUN@, @DATE@ in its "
		    "header are filled in",
		    "FILE" },
		{ "directory", 'D', 0, G_OPTION_ARG_FILENAME,
		    &options->directory,
		    "mails one after the other: 1.eml, 2.eml, ...", "DIR" },
		{ "expect", 'e', 0, G_OPTION_ARG_STRING, &options->expect,
		    "accept, reject, tempfail, discard, quarantine or any "
		    "(accept)",
		    "VERDICT" },
		{ "expect-body", 'b', 0, G_OPTION_ARG_STRING,
		    &options->expect_body, "replaced or kept (either)",
		    "WHAT" },
		{ "output", 'o', 0, G_OPTION_ARG_FILENAME, &options->output,
		    "write the results there: N.eml and N.env", "DIR" },
		{ "pipe", 'p', 0, G_OPTION_ARG_STRING, &options->pipe,
		    "write the results to this command, each behind a line "
		    "\"N FROM LENGTH\"",
		    "COMMAND" },
		{ "sendmail", 0, 0, G_OPTION_ARG_NONE, &options->sendmail,
		    "deleted fields are counted on, as by Sendmail", NULL },
		{ "write-size", 0, 0, G_OPTION_ARG_INT, &options->write_size,
		    "bytes in one write (4096, as by Postfix)", "BYTES" },
		G_OPTION_ENTRY_NULL,
	};
	g_autoptr(GOptionContext) context =
	    g_option_context_new("- load for a milter");

	g_option_context_add_main_entries(context, entries, NULL);
	g_option_context_set_description(
	    context, "Exit status: 0 all as expected, 1 not, 64 usage.");
	return g_option_context_parse(context, &argc, &argv, error);
}

static const char *
options_fault(const Options *options)
{
	if (options->socket == NULL) {
		return "which socket? (-s)";
	}
	if (options->connections < 1 || options->senders < 1 ||
	    options->write_size < 1 || options->size < 0) {
		return "a number is too small";
	}
	return NULL;
}

/* The mails of a directory, up to the first number that is not there. */
static bool
read_directory(GPtrArray *sources, const char *directory, GError **error)
{
	for (guint number = 1;; number++) {
		g_autofree char *path =
		    g_strdup_printf("%s/%u.eml", directory, number);
		MailSource *source;

		if (number > 1 && !g_file_test(path, G_FILE_TEST_EXISTS)) {
			return true;
		}
		source = mailsource_new_from_file(path, error);
		if (source == NULL) {
			return false;
		}
		g_ptr_array_add(sources, source);
	}
}

static bool
read_sources(Load *load, const Options *options, GError **error)
{
	MailSource *source;

	load->sources =
	    g_ptr_array_new_with_free_func((GDestroyNotify)mailsource_free);
	if (options->directory != NULL) {
		return read_directory(
		    load->sources, options->directory, error);
	}
	source = options->template == NULL
	    ? mailsource_new((gsize)options->size, options->attachment)
	    : mailsource_new_from_file(options->template, error);
	if (source != NULL) {
		g_ptr_array_add(load->sources, source);
	}
	return source != NULL;
}

static bool
prepare(Load *load, const Options *options, GError **error)
{
	load->options = options;
	load->rcpts = options->rcpts == NULL ? default_rcpts : options->rcpts;
	load->peer = (Peer){ .client_name = "client.example.com",
		.client_addr = options->client,
		.helo = "client.example.com",
		.daemon_name = options->daemon,
		.host = "mail.example.com" };
	if (!read_sources(load, options, error)) {
		return false;
	}
	if (options->pipe != NULL) {
		load->consumer = popen(options->pipe, "w");
	}
	return true;
}

int
main(int argc, char **argv)
{
	/* Static, since GOption's strings live as long as the process. */
	static Options options = { .connections = 1,
		.messages = 1,
		.senders = 1,
		.size = 10240,
		.write_size = 4096,
		.from = "user%d@example.com",
		.client = "127.0.0.1",
		.daemon = "smtpd",
		.expect = "accept" };
	Load load = { 0 };
	g_autoptr(GError) error = NULL;
	const char *fault = NULL;
	gint64 started;
	int status;

	if (!read_options(&options, argc, argv, &error) ||
	    (fault = options_fault(&options)) != NULL ||
	    !prepare(&load, &options, &error)) {
		fprintf(stderr, "milterload: %s\n",
		    fault != NULL ? fault : error->message);
		return EXIT_USAGE;
	}
	started = g_get_monotonic_time();
	run_load(&load);
	status = report(&load, started);
	if (load.consumer != NULL && pclose(load.consumer) != 0) {
		status = EXIT_WRONG;
	}
	g_ptr_array_unref(load.sources);
	return status;
}
