/* SPDX-License-Identifier: Apache-2.0 */
/*
 * smimectl explain: what the engine decides on a mail, and why. The engine
 * itself is run, so that the answer is what would happen; direction and sender
 * authorisation are asked once more for their reasons. Writes nothing.
 */
#include "config.h"

#include "base/log.h"
#include "base/text.h"
#include "ctl/input.h"
#include "ctl/mail.h"
#include "ctl/verbs.h"
#include "policy/sender.h"

/* Why the client is trusted or not. Yours. */
static char *
explain_client(const Settings *settings, const Envelope *envelope)
{
	const char *client =
	    envelope->client != NULL ? envelope->client : "of unknown address";

	if (envelope_has_login(envelope)) {
		return g_strdup_printf(
		    "the client has logged in as %s", envelope->login);
	}
	if (direction_is_internal(settings, envelope)) {
		return g_strdup_printf(
		    "the client %s is in internal_hosts", client);
	}
	if (direction_is_trusted(settings, envelope)) {
		return g_strdup_printf(
		    "the listener %s is in outbound_daemons", envelope->daemon);
	}
	return g_strdup_printf("the client %s is not trusted (no login, not "
			       "in internal_hosts, listener not in "
			       "outbound_daemons)",
	    client);
}

/* The first recipient that is own, or with own = false is not; NULL: none. */
static const char *
find_recipient(const Settings *settings, const Envelope *envelope, bool own)
{
	for (guint i = 0; i < envelope->recipients->len; i++) {
		const char *address = envelope_recipient(envelope, i)->address;

		if (settings_is_own(settings, address) == own) {
			return address;
		}
	}
	return NULL;
}

static char *
explain_addresses(
    const Settings *settings, const Mail *mail, Direction direction)
{
	const Envelope *envelope = mail->envelope;
	const char *sender = envelope->sender;
	const char *word = "MAIL FROM";
	const char *own = find_recipient(settings, envelope, true);

	if (*sender == '\0' && mail->from.address != NULL) {
		sender = mail->from.address;
		word = "MAIL FROM is empty, From";
	}
	switch (direction) {
	case DIRECTION_OUTBOUND:
		if (*sender != '\0' && settings_is_own(settings, sender)) {
			return g_strdup_printf("%s %s is own", word, sender);
		}
		return g_strdup_printf("the recipient %s is not own",
		    find_recipient(settings, envelope, false));
	case DIRECTION_INBOUND:
		return g_strdup_printf("the recipient %s is own", own);
	case DIRECTION_PASS:
		break;
	}
	return g_strdup("no recipient is own: nothing is done");
}

static char *
explain_direction(
    const Settings *settings, const Mail *mail, Direction direction)
{
	g_autofree char *client = explain_client(settings, mail->envelope);
	g_autofree char *addresses =
	    explain_addresses(settings, mail, direction);

	return g_strdup_printf("%s; %s", client, addresses);
}

/* NULL: may be signed for From; else why not. Yours. */
static char *
explain_sender(const Settings *settings, const Mail *mail, Direction direction)
{
	char *why = NULL;

	if (direction != DIRECTION_OUTBOUND) {
		return g_strdup("only outbound mail is signed");
	}
	if (direction_was_here(mail->envelope, mail->message->fields)) {
		return g_strdup("a Received field says that the mail was here "
				"before, and the client has not logged in");
	}
	if (sender_may_sign(settings, mail->envelope, &mail->from, &why)) {
		return NULL;
	}
	return why;
}

/* The certificate that a plan names; NULL: none, or not found any more. */
static Identity *
find_signer(Gateway *gateway, const Mail *mail, const char *fingerprint)
{
	g_autoptr(GPtrArray) found = NULL;

	if (fingerprint == NULL || mail->from.address == NULL) {
		return NULL;
	}
	found = identities_find(
	    gateway_identities(gateway), mail->from.address, NULL);
	for (guint i = 0; found != NULL && i < found->len; i++) {
		Identity *identity = found->pdata[i];

		if (g_str_equal(cert_fingerprint(keyring_cert(identity)),
			fingerprint)) {
			return keyring_ref(identity);
		}
	}
	return NULL;
}

static void
report_signer(Report *report, const Mail *mail, const Identity *signer)
{
	const Cert *cert;
	g_autofree char *until = NULL;

	if (signer == NULL) {
		report_null(report, "signer_address");
		report_null(report, "signer_not_after");
		return;
	}
	cert = keyring_cert(signer);
	until = text_time(cert_not_after(cert));
	report_line(report, "  certificate: %s, %s, valid until %s",
	    mail->from.address, cert_fingerprint(cert), until);
	report_text(report, "signer_address", mail->from.address);
	report_time(report, "signer_not_after", cert_not_after(cert));
}

static void
report_plan(
    Report *report, Gateway *gateway, const Mail *mail, const PlanReport *plan)
{
	g_autoptr(Identity) signer = find_signer(gateway, mail, plan->signer);

	report_line(report, "%s", "");
	report_line(report, "recipient: %s", plan->recipient);
	report_line(report, "  rule: %s",
	    plan->rule != NULL ? plan->rule : "none, the defaults apply");
	report_line(report, "  sign: %s", plan->sign ? "yes" : "no");
	report_line(
	    report, "  why: %s", plan->reason != NULL ? plan->reason : "-");
	if (plan->group > 0) {
		report_line(report, "  message: %u", plan->group);
	}
	report_open_object(report);
	mail_report_plan(report, plan);
	report_signer(report, mail, signer);
	report_close_object(report);
}

static void
report_mail(Report *report, const Settings *settings, const Mail *mail,
    const Outcome *outcome)
{
	Direction direction = outcome->direction;
	const char *verdict = outcome_verdict_name(outcome->verdict);
	g_autofree char *why = explain_direction(settings, mail, direction);
	g_autofree char *refusal = explain_sender(settings, mail, direction);

	report_line(report, "direction: %s", direction_name(direction));
	report_line(report, "  why: %s", why);
	report_text(report, "direction", direction_name(direction));
	report_text(report, "direction_reason", why);
	report_line(report, "sender: %s %s",
	    mail->from.address != NULL ? mail->from.address
				       : "(not exactly one From address)",
	    refusal == NULL ? "may be signed for" : "is not signed for");
	if (refusal != NULL) {
		report_block(report, "  why: ", refusal);
	}
	report_text(report, "from", mail->from.address);
	report_bool(report, "authorised", refusal == NULL);
	report_text(report, "authorised_reason", refusal);
	report_line(report, "verdict: %s%s%s", verdict,
	    outcome->reply != NULL ? ": " : "",
	    outcome->reply != NULL ? outcome->reply : "");
	report_text(report, "verdict", verdict);
	report_text(report, "reply", outcome->reply);
}

int
explain_run(Command *command, GError **error)
{
	Report *report = command->report;
	g_autoptr(GBytes) raw = NULL;
	g_autoptr(Mail) mail = NULL;
	g_autoptr(Gateway) gateway = NULL;
	g_autoptr(Outcome) outcome = NULL;

	if (!mail_check_options(command, error)) {
		return -1;
	}
	if (command_operand(command, 0) != NULL) {
		raw = input_read(
		    command_operand(command, 0), INPUT_MESSAGE_MAX, error);
		if (raw == NULL) {
			return -1;
		}
	}
	if (!command_enter(command, error)) {
		return -1;
	}
	mail = mail_new(command, raw);
	/* What the engine would warn of stands in the answer. */
	log_open("smimectl", LOG_TARGET_STDERR, LOG_LEVEL_ERROR);
	gateway = mail_gateway(command);
	outcome = mail_process(mail, gateway);
	report_mail(report, command->settings, mail, outcome);
	report_open_list(report, "items");
	for (guint i = 0; i < outcome->plans->len; i++) {
		report_plan(report, gateway, mail, outcome->plans->pdata[i]);
	}
	report_close_list(report);
	return COMMAND_YES;
}
