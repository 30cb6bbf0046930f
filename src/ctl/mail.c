/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From options and a file to the engine, in the steps of the daemon: the limits
 * that it enforces while a mail streams in, with the same replies (DESIGN 5,
 * "Limits"), what is known at end of header, then the whole mail.
 */
#include "config.h"

#include "ctl/mail.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"

static bool
check_address(const char *option, const char *text, GError **error)
{
	g_autofree char *address = address_normalise(text);

	if (address == NULL || *address == '\0') {
		g_set_error(error, ERROR_DOMAIN, ERROR_USAGE,
		    "%s: \"%s\" is no mail address", option, text);
		return false;
	}
	return true;
}

bool
mail_check_options(const Command *command, GError **error)
{
	if (command->from == NULL) {
		g_set_error(error, ERROR_DOMAIN, ERROR_USAGE,
		    "--from is missing ('' for the null sender)");
		return false;
	}
	if (command->rcpt->len == 0) {
		g_set_error(
		    error, ERROR_DOMAIN, ERROR_USAGE, "--rcpt is missing");
		return false;
	}
	if (*command->from != '\0' && !g_str_equal(command->from, "<>") &&
	    !check_address("--from", command->from, error)) {
		return false;
	}
	for (guint i = 0; i < command->rcpt->len; i++) {
		if (!check_address("--rcpt", command->rcpt->pdata[i], error)) {
			return false;
		}
	}
	if (command->client != NULL &&
	    !g_hostname_is_ip_address(command->client)) {
		g_set_error(error, ERROR_DOMAIN, ERROR_USAGE,
		    "--client: \"%s\" is no IP address", command->client);
		return false;
	}
	return true;
}

static Envelope *
make_envelope(const Command *command)
{
	Envelope *envelope = envelope_new();
	bool local = command->auth == NULL && command->client == NULL &&
	    command->daemon == NULL;

	envelope_set_sender(envelope, command->from, NULL);
	for (guint i = 0; i < command->rcpt->len; i++) {
		envelope_add_recipient(envelope, command->rcpt->pdata[i], NULL);
	}
	envelope->login = g_strdup(command->auth);
	envelope->client = g_strdup(local ? "127.0.0.1" : command->client);
	envelope->daemon = g_strdup(command->daemon);
	envelope->host = g_strdup(g_get_host_name());
	return envelope;
}

/* An address as it is written in a header field. */
static void
append_mailbox(GString *value, const char *given)
{
	gsize length = strlen(given);

	g_string_append(value, value->len > 1 ? ",\n " : "");
	if (*given == '<') {
		g_string_append_len(value, given, (gssize)length);
	} else {
		g_string_append_printf(value, "<%s>", given);
	}
}

static Message *
make_message(const Command *command)
{
	Fields *fields = fields_new();
	g_autoptr(GString) value = g_string_new(" ");

	if (*command->from != '\0' && !g_str_equal(command->from, "<>")) {
		append_mailbox(value, command->from);
		fields_add(fields, "From", value->str);
	}
	g_string_assign(value, " ");
	for (guint i = 0; i < command->rcpt->len; i++) {
		append_mailbox(value, command->rcpt->pdata[i]);
	}
	fields_add(fields, "To", value->str);
	fields_add(fields, "Subject", " ");
	return message_new(fields, g_bytes_new_static("", 0));
}

Mail *
mail_new(const Command *command, GBytes *raw)
{
	Mail *mail = g_new0(Mail, 1);

	mail->envelope = make_envelope(command);
	mail->message = raw != NULL ? message_parse(raw, &mail->crlf)
				    : make_message(command);
	address_from(mail->message->fields, &mail->from);
	return mail;
}

void
mail_free(Mail *mail)
{
	if (mail == NULL) {
		return;
	}
	envelope_free(mail->envelope);
	message_free(mail->message);
	address_from_clear(&mail->from);
	g_free(mail);
}

static bool
is_too_large(const Mail *mail, const Settings *settings)
{
	gint64 limit = settings->limits.message;
	gsize size = fields_size(mail->message->fields) + 2 +
	    g_bytes_get_size(mail->message->body);

	return limit > 0 && size > (guint64)limit;
}

static Outcome *
refuse(const Mail *mail, const Settings *settings, const char *reply)
{
	Outcome *outcome =
	    outcome_new(direction_of(settings, mail->envelope, &mail->from));

	outcome_refuse_with(outcome, reply);
	return outcome;
}

Gateway *
mail_gateway(Command *command)
{
	Settings *settings = command->settings;

	if (access(settings->spool_dir, F_OK) != 0 && errno == ENOENT) {
		g_free(settings->spool_dir);
		settings->spool_dir = g_strdup(g_get_tmp_dir());
	}
	return gateway_new(settings, NULL);
}

Outcome *
mail_process(const Mail *mail, Gateway *gateway)
{
	const Settings *settings = gateway_settings(gateway);
	const Fields *fields = mail->message->fields;
	g_autoptr(GatewayDraft) draft = NULL;
	g_autoptr(Outcome) outcome = NULL;

	if (mail->envelope->recipients->len >
	    (guint)settings->limits.recipients) {
		return refuse(mail, settings, OUTCOME_RECIPIENTS);
	}
	if (fields_size(fields) > (gsize)settings->limits.headers) {
		return refuse(mail, settings, OUTCOME_HEADERS);
	}
	outcome =
	    gateway_at_header(gateway, mail->envelope, fields, &draft);
	/* The daemon lets the body of such a mail go by. */
	if (outcome != NULL &&
	    (outcome->verdict != VERDICT_ACCEPT ||
		outcome_is_untouched(outcome))) {
		return g_steal_pointer(&outcome);
	}
	if (is_too_large(mail, settings)) {
		return refuse(mail, settings, OUTCOME_MESSAGE);
	}
	if (outcome != NULL) {
		return g_steal_pointer(&outcome);
	}
	return gateway_process(draft, mail->message->body);
}

static void
report_signature(Report *report, const SignatureReport *signature)
{
	report_open_object(report);
	report_text(report, "result", signature->result);
	report_text(report, "reason", signature->reason);
	report_text(report, "address", signature->address);
	report_text(report, "fingerprint", signature->fingerprint);
	report_time(report, "signing_time", signature->signing_time);
	report_close_object(report);
}

void
mail_report_inbound(Report *report, const Outcome *outcome)
{
	report_open_list(report, "signatures");
	for (guint i = 0; i < outcome->signatures->len; i++) {
		report_signature(report, outcome->signatures->pdata[i]);
	}
	report_close_list(report);
	report_texts(report, "harvested", outcome->harvested);
}

void
mail_report_plan(Report *report, const PlanReport *plan)
{
	report_text(report, "recipient", plan->recipient);
	report_text(report, "rule", plan->rule);
	report_bool(report, "sign", plan->sign);
	report_text(report, "signer", plan->signer);
	report_bool(report, "encrypt", false);
	report_null(report, "certificate");
	report_null(report, "cipher");
	if (plan->group > 0) {
		report_number(report, "group", plan->group);
	} else {
		report_null(report, "group");
	}
	report_text(report, "reason", plan->reason);
}
