/* SPDX-License-Identifier: Apache-2.0 */
/*
 * smimectl process: the engine on a file. Nothing is re-injected, no CRL is
 * fetched, and the ledger is neither asked nor written: what would go out is
 * printed, or written to the directory of --output. Certificates are harvested
 * unless --dry-run.
 */
#include "config.h"

#include <stdio.h>
#include <sysexits.h>

#include "base/error.h"
#include "ctl/input.h"
#include "ctl/mail.h"
#include "ctl/output.h"
#include "ctl/verbs.h"

static Rope *
make_result(const Mail *mail, const Copy *copy)
{
	g_autoptr(Fields) fields =
	    edits_apply(copy->edits, mail->message->fields);
	g_autoptr(Rope) body = NULL;

	if (copy->body != NULL) {
		return message_write(fields, copy->body, mail->crlf);
	}
	body = rope_new();
	rope_append_bytes(body, mail->message->body);
	return message_write(fields, body, mail->crlf);
}

static char *
make_envelope(const Mail *mail, const Copy *copy)
{
	GString *text = g_string_new(NULL);

	g_string_append_printf(text, "from: %s\n", mail->envelope->sender);
	for (guint i = 0; i < copy->recipients->len; i++) {
		const Recipient *recipient = copy->recipients->pdata[i];

		g_string_append_printf(text, "rcpt: %s\n", recipient->address);
	}
	return g_string_free(text, FALSE);
}

static bool
write_results(
    const Mail *mail, const Outcome *outcome, Output *output, GError **error)
{
	for (guint i = 0; i < outcome->copies->len; i++) {
		const Copy *copy = outcome->copies->pdata[i];
		g_autoptr(Rope) result = make_result(mail, copy);
		g_autofree char *envelope = make_envelope(mail, copy);

		if (!output_add(output, result, envelope, error)) {
			return false;
		}
	}
	return output_finish(output, error);
}

static void
print_result(const Mail *mail, const Outcome *outcome)
{
	g_autoptr(Rope) result = make_result(mail, outcome->copies->pdata[0]);

	/* report_finish() tells whether all of it could be written. */
	for (guint i = 0; i < rope_count(result); i++) {
		RopeRun run = rope_run(result, i);

		fwrite(run.data, 1, run.length, stdout);
	}
}

static void
report_outcome(Report *report, const Outcome *outcome)
{
	report_text(report, "direction", direction_name(outcome->direction));
	report_text(report, "verdict", outcome_verdict_name(outcome->verdict));
	report_text(report, "reply", outcome->reply);
	report_open_list(report, "plans");
	for (guint i = 0; i < outcome->plans->len; i++) {
		report_open_object(report);
		mail_report_plan(report, outcome->plans->pdata[i]);
		report_close_object(report);
	}
	report_close_list(report);
	mail_report_inbound(report, outcome);
}

static int
exit_code(const Outcome *outcome)
{
	switch (outcome->verdict) {
	case VERDICT_ACCEPT:
	case VERDICT_QUARANTINE:
		return COMMAND_YES;
	case VERDICT_REJECT:
		return EX_UNAVAILABLE;
	case VERDICT_TEMPFAIL:
		return EX_TEMPFAIL;
	}
	return EX_SOFTWARE;
}

/* Where the messages go; the exit code, or -1 with *error. */
static int
deliver(Command *command, const Mail *mail, const Outcome *outcome,
    Output *output, GError **error)
{
	if (outcome->reply != NULL) {
		report_error("%s", outcome->reply);
	}
	if (output != NULL) {
		return write_results(mail, outcome, output, error)
		    ? exit_code(outcome)
		    : -1;
	}
	if (outcome->copies->len > 1) {
		report_error("the mail is split into %u messages, since its "
			     "recipients' plans differ: use --output DIR",
		    outcome->copies->len);
		return EX_USAGE;
	}
	if (outcome->copies->len == 1 && !report_is_json(command->report)) {
		print_result(mail, outcome);
	}
	return exit_code(outcome);
}

int
process_run(Command *command, GError **error)
{
	g_autoptr(GBytes) raw = NULL;
	g_autoptr(Output) output = NULL;
	g_autoptr(Mail) mail = NULL;
	g_autoptr(Gateway) gateway = NULL;
	g_autoptr(Outcome) outcome = NULL;

	if (!mail_check_options(command, error)) {
		return -1;
	}
	raw = input_read(command_operand(command, 0), INPUT_MESSAGE_MAX, error);
	if (raw == NULL) {
		return -1;
	}
	if (command->output != NULL) {
		output = output_open(command->output, error);
		if (output == NULL) {
			return -1;
		}
	}
	if (!command_enter(command, error)) {
		return -1;
	}
	mail = mail_new(command, raw);
	gateway = mail_gateway(command);
	if (command->dry_run) {
		gateway_set_dry_run(gateway);
	}
	outcome = mail_process(mail, gateway);
	report_outcome(command->report, outcome);
	return deliver(command, mail, outcome, output, error);
}
