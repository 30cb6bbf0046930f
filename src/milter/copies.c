/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any copy that is not taken makes the whole mail a temporary failure, also a
 * 5yz: the sender's client must not believe that nobody got it. What was taken
 * before stays in the ledger and is left out at the retry. Own I/O: the
 * connection to the listener, through reinject.c, and STATE/sent.
 */
#include "config.h"

#include "milter/copies.h"

#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "base/text.h"
#include "crypto/digest.h"
#include "milter/reinject.h"

/* What the sender is told: the details are the administrator's. */
#define REPLY_COPIES \
	"451 4.7.1 A copy for some of the recipients could not be handed on"
#define REPLY_LEDGER \
	"451 4.7.0 The record of delivered copies cannot be written"

static void
digest_text(Digest *digest, const char *text)
{
	/* With its NUL: no two lists of texts look alike. */
	digest_update(digest, text, strlen(text) + 1);
}

static int
compare_given(gconstpointer a, gconstpointer b)
{
	const Recipient *const *left = a;
	const Recipient *const *right = b;

	return strcmp((*left)->given, (*right)->given);
}

static void
digest_recipients(Digest *digest, const Envelope *envelope)
{
	g_autoptr(GPtrArray) sorted =
	    g_ptr_array_sized_new(envelope->recipients->len);

	for (guint i = 0; i < envelope->recipients->len; i++) {
		g_ptr_array_add(sorted, envelope->recipients->pdata[i]);
	}
	g_ptr_array_sort(sorted, compare_given);
	for (guint i = 0; i < sorted->len; i++) {
		const Recipient *recipient = sorted->pdata[i];

		digest_text(digest, recipient->given);
	}
	digest_text(digest, "");
}

/*
 * What differs when the same mail comes again. Postfix gives a mail that has
 * some Resent field, but not these two, new ones at each try.
 */
static bool
is_of_one_try(const char *name)
{
	return text_equal_fold(name, "Received") ||
	    text_equal_fold(name, "Resent-Date") ||
	    text_equal_fold(name, "Resent-Message-ID");
}

char *
copies_key(const char *sender, const Envelope *envelope, const Message *message)
{
	const Fields *fields = message->fields;
	Digest *digest;
	gsize length;
	const void *body = g_bytes_get_data(message->body, &length);

	if (fields_find(fields, "Date", 1) == NULL ||
	    fields_find(fields, "Message-ID", 1) == NULL) {
		return NULL;
	}
	digest = digest_new();
	digest_text(digest, sender);
	digest_recipients(digest, envelope);
	for (guint i = 0; i < fields_count(fields); i++) {
		if (!is_of_one_try(fields_name(fields, i))) {
			digest_text(digest, fields_name(fields, i));
			digest_text(digest, fields_value(fields, i));
		}
	}
	digest_text(digest, "");
	digest_update(digest, body, length);
	return digest_finish(digest);
}

/* Those who did not get theirs in an earlier try. transfer full. */
static GPtrArray *
recipients_left(const Copy *copy, const Ledger *ledger)
{
	GPtrArray *left = g_ptr_array_new();

	for (guint i = 0; i < copy->recipients->len; i++) {
		Recipient *recipient = copy->recipients->pdata[i];

		if (ledger == NULL || !ledger_has(ledger, recipient->given)) {
			g_ptr_array_add(left, recipient);
		}
	}
	return left;
}

static Rope *
copy_message(const Message *original, const Copy *copy)
{
	g_autoptr(Fields) fields = edits_apply(copy->edits, original->fields);
	g_autoptr(Rope) body = NULL;

	if (copy->body != NULL) {
		return message_write(fields, copy->body, true);
	}
	body = rope_new();
	rope_append_bytes(body, original->body);
	return message_write(fields, body, true);
}

static void
note_taken(Ledger *ledger, const GPtrArray *recipients)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new();
	g_autoptr(GError) error = NULL;

	if (ledger == NULL) {
		return;
	}
	for (guint i = 0; i < recipients->len; i++) {
		const Recipient *recipient = recipients->pdata[i];

		g_ptr_array_add(names, recipient->given);
	}
	/* The copy is delivered: only a retry would suffer. */
	if (!ledger_add(ledger, names, &error)) {
		log_warn("a delivered copy could not be noted: %s; if the "
			 "sender retries this mail, some get it twice",
		    error->message);
	}
}

static void
log_not_taken(const CopiesJob *job, guint number, const GPtrArray *recipients,
    const char *why)
{
	const Recipient *first = recipients->pdata[0];
	g_autofree char *name = text_clean(first->address, 100);

	log_warn("copy %u of %u (for %s%s) was not taken by the listener of "
		 "the setting reinject, %s: %s; the whole mail is a temporary "
		 "failure",
	    number, job->outcome->copies->len, name,
	    recipients->len > 1 ? " and others" : "", job->settings->reinject,
	    why);
}

static Reinject *
open_listener(const CopiesJob *job, GError **error)
{
	const Settings *settings = job->settings;
	const char *name = job->envelope->host;

	if (settings->reinject_host == NULL) {
		g_set_error(
		    error, ERROR_DOMAIN, ERROR_SETTINGS, "it is not set");
		return NULL;
	}
	return reinject_open(settings->reinject_host, settings->reinject_port,
	    name != NULL ? name : g_get_host_name(), &smtp_timeouts, error);
}

/* *listener is opened for the first copy that has to go. */
static bool
send_copy(const CopiesJob *job, guint number, Ledger *ledger,
    Reinject **listener, GString *queued)
{
	const Copy *copy = job->outcome->copies->pdata[number - 1];
	g_autoptr(GPtrArray) left = recipients_left(copy, ledger);
	g_autoptr(Rope) message = NULL;
	g_autoptr(GError) error = NULL;
	g_autofree char *reply = NULL;
	g_autofree char *id = NULL;
	ReinjectMail mail = { .sender = job->sender,
		.arguments = job->envelope->arguments,
		.recipients = left };

	if (left->len == 0) {
		return true;
	}
	if (*listener == NULL) {
		*listener = open_listener(job, &error);
	}
	if (*listener == NULL) {
		log_not_taken(job, number, left, error->message);
		return false;
	}
	message = copy_message(job->message, copy);
	mail.message = message;
	if (reinject_send(*listener, &mail, &reply) != REINJECT_TAKEN) {
		log_not_taken(job, number, left, reply);
		return false;
	}
	note_taken(ledger, left);
	id = reinject_queue_id(reply);
	g_string_append_printf(
	    queued, "%s%s", queued->len > 0 ? "," : "", id != NULL ? id : "?");
	return true;
}

static bool
open_ledger(const CopiesJob *job, Ledger **ledger_out)
{
	g_autofree char *key =
	    copies_key(job->sender, job->envelope, job->message);
	g_autoptr(GError) error = NULL;

	if (key == NULL) {
		return true;
	}
	*ledger_out = ledger_open(job->settings->state_dir, key, &error);
	if (*ledger_out == NULL) {
		log_err("the record of delivered copies cannot be opened: %s",
		    error->message);
		return false;
	}
	return true;
}

bool
copies_send(const CopiesJob *job, Ledger **ledger_out, GString *queued,
    char **reply_out)
{
	g_autoptr(Reinject) listener = NULL;
	Ledger *ledger = NULL;

	if (!open_ledger(job, &ledger)) {
		*reply_out = g_strdup(REPLY_LEDGER);
		return false;
	}
	for (guint number = 2; number <= job->outcome->copies->len; number++) {
		if (send_copy(job, number, ledger, &listener, queued)) {
			continue;
		}
		if (ledger != NULL) {
			ledger_close(ledger, false);
		}
		*reply_out = g_strdup(REPLY_COPIES);
		return false;
	}
	*ledger_out = ledger;
	return true;
}
