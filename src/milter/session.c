/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two lifetimes, two structs: a connection and a mail. A mail pins the engine,
 * and with it the settings, at its MAIL FROM. end_mail() is the one place where
 * a mail ends, whichever way. A limit hit in a step without reply stands in
 * refusal until the next step that has one; nothing is stored from then on.
 */
#include "config.h"

#include "milter/session.h"

#include <string.h>

#include "base/log.h"
#include "base/spool.h"
#include "base/text.h"
#include "milter/copies.h"

typedef struct {
	Gateway *gateway; /* NULL: refused from its beginning, not counted */
	Envelope *envelope;
	char *sender;   /* MAIL FROM as it was given */
	Fields *fields; /* the message's, once that is there */
	Spool *spool;   /* NULL before the first piece of the body */
	gsize body_size;
	Message *message;
	GatewayDraft *draft; /* from end of header on; NULL: not needed */
	Outcome *outcome;
	Ledger *ledger;
	GString *queued; /* queue ids of the copies */
	char *refusal;   /* NULL: none so far */
	gint64 started;  /* monotonic microseconds */
} Transaction;

struct Session {
	Service *service;
	SessionMta mta;
	char *client;
	Transaction *mail; /* NULL between mails */
	char *reply;
};

Session *
session_new(Service *service, const SessionMta *mta)
{
	Session *session;

	if (!service_connect(service)) {
		return NULL;
	}
	session = g_new0(Session, 1);
	session->service = service;
	session->mta = *mta;
	return session;
}

void
session_free(Session *session)
{
	if (session == NULL) {
		return;
	}
	session_abort(session);
	service_disconnect(session->service);
	g_free(session->client);
	g_free(session->reply);
	g_free(session);
}

const SessionMta *
session_mta(const Session *session)
{
	return &session->mta;
}

bool
session_has_mail(const Session *session)
{
	return session->mail != NULL;
}

void
session_set_client(Session *session, const char *client)
{
	g_free(session->client);
	session->client = g_strdup(client);
}

const char *
session_reply(const Session *session)
{
	return session->reply;
}

static const Settings *
settings_of(const Transaction *mail)
{
	return gateway_settings(mail->gateway);
}

static gsize
size_of(const Transaction *mail)
{
	return fields_size(mail->fields) + 2 + mail->body_size;
}

/* Where the field that starts with start (" action=") is in a line of fields,
 * but for quoted values; NULL: nowhere. */
static const char *
find_field(const char *line, const char *start)
{
	bool quoted = false;

	for (const char *at = line; *at != '\0'; at++) {
		if (!quoted && g_str_has_prefix(at, start)) {
			return at;
		}
		if (quoted && at[0] == '\\' && at[1] != '\0') {
			at++;
		} else if (*at == '"') {
			quoted = !quoted;
		}
	}
	return NULL;
}

static void
append_action(GString *line, const char *action, const char *reply)
{
	text_append_field(line, "action", action);
	if (reply != NULL) {
		text_append_field(line, "reply", reply);
	}
}

/* A mail that came to another end than the engine decided: all else that the
 * engine said of it stands. */
static GString *
changed_summary(const char *summary, const char *action, const char *reply)
{
	static const char field[] = " action=";
	const char *at = find_field(summary, field);
	const char *rest = NULL;
	GString *line = NULL;

	if (at == NULL) {
		line = g_string_new(summary);
		append_action(line, action, reply);
		return line;
	}
	line = g_string_new_len(summary, at - summary);
	append_action(line, action, reply);
	/* The value is one word. */
	rest = strchr(at + strlen(field), ' ');
	return rest != NULL ? g_string_append(line, rest) : line;
}

/* A mail that the engine has not seen. */
static GString *
short_summary(const Transaction *mail, const char *action, const char *reply)
{
	GString *line = g_string_new("dir=-");
	const GPtrArray *recipients = mail->envelope->recipients;
	g_autoptr(GString) list = g_string_new(NULL);

	if (recipients->len > 0) {
		g_string_append(
		    list, envelope_recipient(mail->envelope, 0)->address);
	}
	if (recipients->len > 1) {
		g_string_append_printf(list, ",+%u", recipients->len - 1);
	}
	text_append_field(line, "from", mail->envelope->sender);
	text_append_field(line, "rcpt", recipients->len > 0 ? list->str : NULL);
	append_action(line, action, reply);
	g_string_append(line, " sign=no encrypt=no verify=- rule=-");
	return line;
}

static GString *
summary_of(const Transaction *mail, const char *action, const char *reply)
{
	const Outcome *outcome = mail->outcome;

	if (action == NULL) {
		return g_string_new(outcome->summary->str);
	}
	return outcome != NULL
	    ? changed_summary(outcome->summary->str, action, reply)
	    : short_summary(mail, action, reply);
}

/* The one info line of a mail. action NULL: what the engine said of it; else
 * what became of it, and the reply that says why (NULL: none). */
static void
log_mail(const Transaction *mail, const char *action, const char *reply)
{
	g_autoptr(GString) line = NULL;
	gint64 micros = g_get_monotonic_time() - mail->started;

	if (!log_wants(LOG_LEVEL_INFO)) {
		return;
	}
	line = summary_of(mail, action, reply);
	/* A known one is in front of every line. */
	if (mail->envelope->qid == NULL) {
		g_string_prepend(line, "qid=- ");
	}
	if (mail->queued->len > 0) {
		text_append_field(line, "queued", mail->queued->str);
	}
	g_string_append_printf(line,
	    " ms=%" G_GINT64_FORMAT ".%" G_GINT64_FORMAT
	    " size=%" G_GSIZE_FORMAT,
	    micros / 1000, micros % 1000 / 100, size_of(mail));
	log_info("%s", line->str);
}

static void
transaction_free(Transaction *mail)
{
	/* The outcome points into the envelope, the ledger is closed by those
	 * who know how the mail ended. */
	outcome_free(mail->outcome);
	gateway_draft_free(mail->draft);
	if (mail->message != NULL) {
		message_free(mail->message);
	} else {
		fields_free(mail->fields);
	}
	spool_free(mail->spool);
	envelope_free(mail->envelope);
	gateway_unref(mail->gateway);
	g_string_free(mail->queued, TRUE);
	g_free(mail->sender);
	g_free(mail->refusal);
	g_free(mail);
}

/* accepted: the MTA will be told so next (that closes the ledger for good). */
static void
end_mail(Session *session, bool accepted)
{
	Transaction *mail = session->mail;

	if (mail == NULL) {
		return;
	}
	session->mail = NULL;
	if (mail->ledger != NULL) {
		ledger_close(mail->ledger, accepted);
	}
	if (mail->gateway != NULL) {
		service_end(session->service);
	}
	transaction_free(mail);
	log_set_qid(NULL);
}

/* Ends the mail with this reply. */
static Answer
refuse(Session *session, const char *reply)
{
	const Transaction *mail = session->mail;
	const Outcome *outcome = mail->outcome;
	char *copy = g_strdup(reply);

	g_free(session->reply);
	session->reply = copy;
	log_set_qid(mail->envelope->qid);
	if (outcome != NULL && outcome->verdict != VERDICT_ACCEPT) {
		log_mail(mail, NULL, NULL);
	} else {
		log_mail(mail, copy[0] == '5' ? "reject" : "tempfail", copy);
	}
	end_mail(session, false);
	return ANSWER_REFUSE;
}

static void
remember(Transaction *mail, const char *code_and_text)
{
	if (mail->refusal == NULL) {
		mail->refusal = g_strdup(code_and_text);
	}
}

/* For the log lines of what follows. A thread serves many connections: who
 * sets it clears it before the next step, end_mail() at the latest. */
static void
set_qid(Transaction *mail, const char *qid)
{
	if (qid != NULL && mail->envelope->qid == NULL) {
		mail->envelope->qid = g_strdup(qid);
	}
	log_set_qid(mail->envelope->qid);
}

static void
set_facts(Session *session, Envelope *envelope, const SessionFacts *facts)
{
	const char *client =
	    session->client != NULL ? session->client : facts->client;

	envelope->login = g_strdup(facts->login);
	envelope->daemon = g_strdup(facts->daemon);
	envelope->host = g_strdup(facts->host);
	envelope->client = g_strdup(client);
}

void
session_begin(Session *session, const char *sender,
    const char *const *arguments, const SessionFacts *facts)
{
	Transaction *mail = g_new0(Transaction, 1);

	session_abort(session);
	session->mail = mail;
	mail->started = g_get_monotonic_time();
	mail->gateway = service_begin(session->service);
	mail->envelope = envelope_new();
	mail->fields = fields_new();
	mail->queued = g_string_new(NULL);
	mail->sender = g_strdup(sender);
	envelope_set_sender(mail->envelope, sender, arguments);
	set_facts(session, mail->envelope, facts);
	if (mail->gateway == NULL) {
		remember(mail, "451 4.3.2 The mail filter is being stopped");
	}
}

Answer
session_recipient(
    Session *session, const char *recipient, const char *const *arguments)
{
	Transaction *mail = session->mail;

	if (mail->refusal == NULL &&
	    mail->envelope->recipients->len <
		(guint)settings_of(mail)->limits.recipients) {
		envelope_add_recipient(mail->envelope, recipient, arguments);
		return ANSWER_CONTINUE;
	}
	g_free(session->reply);
	session->reply = g_strdup(
	    mail->refusal != NULL ? mail->refusal : OUTCOME_RECIPIENTS);
	return ANSWER_REFUSE;
}

/* What stands in the way of going on, if anything. */
static Answer
answer(Session *session)
{
	const char *refusal = session->mail->refusal;

	return refusal == NULL ? ANSWER_CONTINUE : refuse(session, refusal);
}

Answer
session_data(Session *session)
{
	return answer(session);
}

static void
check_size(Transaction *mail)
{
	gint64 limit = settings_of(mail)->limits.message;

	if (limit > 0 && size_of(mail) > (guint64)limit) {
		remember(mail, OUTCOME_MESSAGE);
	}
}

void
session_field(Session *session, const char *name, const char *value)
{
	Transaction *mail = session->mail;
	g_autofree char *spaced = NULL;
	gsize size = strlen(name) + strlen(value) + 3;

	if (mail->refusal != NULL) {
		return;
	}
	if (fields_size(mail->fields) + size >
	    (gsize)settings_of(mail)->limits.headers) {
		remember(mail, OUTCOME_HEADERS);
		return;
	}
	if (!session->mta.leading_space) {
		/* Such an MTA took off one blank. */
		spaced = g_strconcat(" ", value, NULL);
	}
	fields_add(mail->fields, name, spaced != NULL ? spaced : value);
	check_size(mail);
}

Answer
session_header_end(Session *session, const char *qid)
{
	Transaction *mail = session->mail;

	set_qid(mail, qid);
	if (mail->refusal != NULL) {
		return answer(session);
	}
	mail->outcome = gateway_at_header(
	    mail->gateway, mail->envelope, mail->fields, &mail->draft);
	if (mail->outcome == NULL) {
		log_set_qid(NULL);
		return ANSWER_CONTINUE;
	}
	if (mail->outcome->verdict != VERDICT_ACCEPT) {
		return refuse(session, mail->outcome->reply);
	}
	if (outcome_is_untouched(mail->outcome)) {
		session_end(session);
		return ANSWER_ACCEPT;
	}
	log_set_qid(NULL);
	return ANSWER_CONTINUE;
}

/* Of what is known at end of header, only a copy for others needs it. */
static bool
needs_body(const Transaction *mail)
{
	return mail->outcome == NULL || mail->outcome->copies->len > 1;
}

static bool
store_body(Transaction *mail, const void *data, gsize length, GError **error)
{
	if (mail->spool == NULL) {
		mail->spool =
		    spool_new(settings_of(mail)->spool_dir, SPOOL_MEMORY);
	}
	return spool_write(mail->spool, data, length, error);
}

static Answer
spool_failed(Session *session, const GError *error)
{
	log_set_qid(session->mail->envelope->qid);
	log_err("a mail cannot be stored: %s; make room in, or write access "
		"to, %s",
	    error->message, settings_of(session->mail)->spool_dir);
	return refuse(
	    session, "451 4.7.0 The message cannot be stored at the moment");
}

Answer
session_body(Session *session, const void *data, gsize length)
{
	Transaction *mail = session->mail;
	g_autoptr(GError) error = NULL;

	mail->body_size += length;
	if (mail->refusal == NULL) {
		check_size(mail);
	}
	if (mail->refusal != NULL) {
		return answer(session);
	}
	if (!needs_body(mail)) {
		return ANSWER_SKIP;
	}
	if (!store_body(mail, data, length, &error)) {
		return spool_failed(session, error);
	}
	return ANSWER_CONTINUE;
}

static bool
build_message(Transaction *mail, GError **error)
{
	GBytes *body = mail->spool != NULL ? spool_finish(mail->spool, error)
					   : g_bytes_new_static("", 0);

	if (body == NULL) {
		return false;
	}
	mail->message = message_new(mail->fields, body);
	return true;
}

static bool
send_copies(Session *session)
{
	Transaction *mail = session->mail;
	CopiesJob job = { .settings = settings_of(mail),
		.envelope = mail->envelope,
		.sender = mail->sender,
		.message = mail->message,
		.outcome = mail->outcome };
	g_autofree char *reply = NULL;

	if (mail->outcome->copies->len >= 2 &&
	    !session->mta.remove_recipients) {
		log_err("the MTA does not let a milter remove recipients: a "
			"mail that needs copies cannot be sent");
		refuse(session, "451 4.7.1 The mail cannot be split here");
		return false;
	}
	if (mail->outcome->copies->len < 2 ||
	    copies_send(&job, &mail->ledger, mail->queued, &reply)) {
		return true;
	}
	refuse(session, reply);
	return false;
}

const Outcome *
session_process(Session *session, const char *qid)
{
	Transaction *mail = session->mail;
	g_autoptr(GError) error = NULL;

	set_qid(mail, qid);
	if (answer(session) != ANSWER_CONTINUE) {
		return NULL;
	}
	if (!build_message(mail, &error)) {
		spool_failed(session, error);
		return NULL;
	}
	if (mail->outcome == NULL) {
		mail->outcome =
		    gateway_process(mail->draft, mail->message->body);
	}
	if (mail->outcome->verdict != VERDICT_ACCEPT) {
		refuse(session, mail->outcome->reply);
		return NULL;
	}
	return send_copies(session) ? mail->outcome : NULL;
}

void
session_end(Session *session)
{
	log_mail(session->mail, NULL, NULL);
	end_mail(session, true);
}

Answer
session_failed(Session *session)
{
	/* Sendmail's own text for a failure would be 4.3.2. */
	return refuse(
	    session, "451 4.7.0 The mail cannot be changed at the moment");
}

void
session_abort(Session *session)
{
	Transaction *mail = session->mail;

	if (mail == NULL) {
		return;
	}
	log_set_qid(mail->envelope->qid);
	/* A client that asks and goes, or whose recipients were all refused,
	 * sent no mail. */
	if (mail->envelope->recipients->len > 0) {
		log_mail(mail, "aborted", NULL);
	}
	end_mail(session, false);
}
