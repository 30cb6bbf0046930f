/* SPDX-License-Identifier: Apache-2.0 */
/*
 * smimectl explain: what the engine decides on a mail, and why. The engine
 * itself is run, so that the answer is what would happen; direction, sender
 * authorisation and signatures are asked once more for their reasons. Writes
 * and fetches nothing.
 */
#include "config.h"

#include "base/log.h"
#include "base/text.h"
#include "ctl/input.h"
#include "ctl/mail.h"
#include "ctl/stores.h"
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

/* ---- incoming mail ---- */

static const char *const edit_words[] = {
	[EDIT_DELETE] = "delete",
	[EDIT_CHANGE] = "change",
	[EDIT_ADD] = "add",
	[EDIT_TOP] = "top",
};

static const char *const edit_texts[] = {
	[EDIT_DELETE] = "field taken out",
	[EDIT_CHANGE] = "field changed",
	[EDIT_ADD] = "field added",
	[EDIT_TOP] = "field put on top",
};

static void
report_edits(Report *report, const Outcome *outcome)
{
	const Copy *copy;

	report_open_list(report, "fields");
	copy = outcome->copies->len > 0 ? outcome->copies->pdata[0] : NULL;
	for (guint i = 0; copy != NULL && i < edits_count(copy->edits); i++) {
		const Edit *edit = edits_get(copy->edits, i);
		g_autofree char *value =
		    edit->value != NULL ? fields_unfold(edit->value) : NULL;
		g_autofree char *line = g_strdup_printf("%s%s%s", edit->name,
		    value != NULL ? ": " : "",
		    value != NULL ? g_strstrip(value) : "");

		report_line(report, "%s: %s", edit_texts[edit->kind], line);
		report_open_object(report);
		report_text(report, "change", edit_words[edit->kind]);
		report_text(report, "name", edit->name);
		report_text(report, "value", value);
		report_close_object(report);
	}
	report_close_list(report);
	if (copy != NULL && copy->body != NULL) {
		report_line(report, "the body is replaced by what was signed");
	}
}

static void
print_signatures(Report *report, const Peel *peel)
{
	for (guint i = 0; i < peel->signatures->len; i++) {
		const PeelSignature *one = peel->signatures->pdata[i];
		const VerifySignature *signature = one->signature;
		const char *why = signature->reason != NULL ? signature->reason
							    : signature->remark;

		report_line(report, "signature: %s%s%s%s%s%s",
		    verify_result_name(signature->result),
		    why != NULL ? ", " : "", why != NULL ? why : "",
		    signature->address != NULL ? ", by " : "",
		    signature->address != NULL ? signature->address : "",
		    signature->signer == NULL ? ", signer unknown" : "");
		if (signature->signer != NULL) {
			report_line(report, "  certificate: %s",
			    cert_fingerprint(signature->signer));
		}
	}
	if (peel->signatures->len == 0) {
		report_line(report, "signature: none");
	}
}

/* What the directory would do with a certificate. Static text. */
static const char *
describe_place(
    const Stores *stores, const char *address, const Cert *cert, bool waits)
{
	g_autoptr(GPtrArray) entries =
	    directory_find(stores->directory, address, NULL);
	bool pinned = false;
	bool used = false;

	for (guint i = 0; entries != NULL && i < entries->len; i++) {
		const DirectoryEntry *entry = entries->pdata[i];

		if (g_str_equal(cert_fingerprint(entry->cert),
			cert_fingerprint(cert))) {
			return entry->state == ENTRY_BLOCKED
			    ? "no, it is blocked"
			    : "known already";
		}
		pinned |= entry->pinned;
		used |= entry->state == ENTRY_USED;
	}
	if (waits || pinned) {
		return pinned ? "it would wait for approval: another is pinned"
			      : "it would wait for approval";
	}
	return used ? "yes, beside what the address has" : "yes";
}

/* Why nothing can be harvested from this mail at all; NULL: nothing is in the
 * way. Static text. */
static const char *
find_bar(const Settings *settings, const Mail *mail, const Peel *peel)
{
	if (settings->harvest.mode == HARVEST_OFF) {
		return "no, harvest.mode is off";
	}
	if (peel->signatures->len == 0) {
		return "no, the mail is not signed";
	}
	if (mail->from.address == NULL) {
		return "no, there is not exactly one From address";
	}
	if (settings_is_own(settings, mail->from.address)) {
		return "no, From is an own address";
	}
	for (guint i = 0; i < peel->signatures->len; i++) {
		const PeelSignature *one = peel->signatures->pdata[i];

		if (one->signature->own != VERIFY_PASS &&
		    !one->signature->untrusted_only) {
			return "no, a signature is not good";
		}
	}
	return NULL;
}

static const char *
describe_harvest(
    const Stores *stores, const Mail *mail, const VerifySignature *signature)
{
	const Cert *cert = signature->encryption;
	bool waits = signature->untrusted_only ||
	    stores->settings->harvest.mode == HARVEST_PENDING_FIRST;

	if (cert == NULL) {
		return "no, none of its certificates is fit for encryption";
	}
	if (!cert_has_address(cert, mail->from.address, true)) {
		return "no, the certificate to encrypt to is for another "
		       "address";
	}
	return describe_place(stores, mail->from.address, cert, waits);
}

static void
print_harvest(
    Report *report, const Stores *stores, const Mail *mail, const Peel *peel)
{
	const char *bar = find_bar(stores->settings, mail, peel);

	if (bar != NULL) {
		report_line(report, "harvest: %s", bar);
		return;
	}
	for (guint i = 0; i < peel->signatures->len; i++) {
		const PeelSignature *one = peel->signatures->pdata[i];
		const Cert *cert = one->signature->encryption;

		report_line(report, "harvest: %s",
		    describe_harvest(stores, mail, one->signature));
		if (cert != NULL) {
			report_line(report, "  certificate: %s, %s",
			    mail->from.address, cert_fingerprint(cert));
		}
	}
}

static void
print_inbound(const Command *command, const Mail *mail)
{
	Report *report = command->report;
	g_autoptr(GError) error = NULL;
	g_autoptr(Stores) stores = NULL;
	g_autoptr(Peel) peel = NULL;

	if (!command->settings->verify.enabled) {
		report_line(
		    report, "signature: not looked at (verify.enabled)");
		return;
	}
	stores = stores_open(command, &error);
	if (stores == NULL) {
		report_line(
		    report, "signature: cannot be judged: %s", error->message);
		return;
	}
	peel = stores_peel(stores, mail->message, stores->now);
	print_signatures(report, peel);
	print_harvest(report, stores, mail, peel);
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
	gateway_set_dry_run(gateway);
	outcome = mail_process(mail, gateway);
	report_mail(report, command->settings, mail, outcome);
	if (outcome->direction == DIRECTION_INBOUND) {
		print_inbound(command, mail);
		report_edits(report, outcome);
	}
	mail_report_inbound(report, outcome);
	report_open_list(report, "items");
	for (guint i = 0; i < outcome->plans->len; i++) {
		report_plan(report, gateway, mail, outcome->plans->pdata[i]);
	}
	report_close_list(report);
	return COMMAND_YES;
}
