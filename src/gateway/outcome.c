/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The result of the engine as plain data. Owns all but the recipients, which
 * belong to the envelope.
 */
#include "config.h"

#include "gateway/outcome.h"

#include "base/text.h"

static const char *const verdict_names[] = {
	[VERDICT_ACCEPT] = "accept",
	[VERDICT_REJECT] = "reject",
	[VERDICT_TEMPFAIL] = "tempfail",
	[VERDICT_QUARANTINE] = "quarantine",
};

const char *
outcome_verdict_name(Verdict verdict)
{
	return verdict_names[verdict];
}

static void
copy_free(Copy *copy)
{
	g_ptr_array_unref(copy->recipients);
	edits_free(copy->edits);
	rope_free(copy->body);
	g_free(copy);
}

static void
report_free(PlanReport *report)
{
	g_free(report->recipient);
	g_free(report->rule);
	g_free(report->signer);
	g_free(report->reason);
	g_free(report);
}

static void
signature_free(SignatureReport *signature)
{
	g_free(signature->result);
	g_free(signature->reason);
	g_free(signature->address);
	g_free(signature->fingerprint);
	g_free(signature);
}

Outcome *
outcome_new(Direction direction)
{
	Outcome *outcome = g_new0(Outcome, 1);

	outcome->direction = direction;
	outcome->plans =
	    g_ptr_array_new_with_free_func((GDestroyNotify)report_free);
	outcome->copies =
	    g_ptr_array_new_with_free_func((GDestroyNotify)copy_free);
	outcome->signatures =
	    g_ptr_array_new_with_free_func((GDestroyNotify)signature_free);
	outcome->harvested = g_ptr_array_new_with_free_func(g_free);
	outcome->summary = g_string_new(NULL);
	return outcome;
}

void
outcome_free(Outcome *outcome)
{
	if (outcome == NULL) {
		return;
	}
	g_free(outcome->reply);
	g_ptr_array_unref(outcome->plans);
	g_ptr_array_unref(outcome->copies);
	g_ptr_array_unref(outcome->signatures);
	g_ptr_array_unref(outcome->harvested);
	g_string_free(outcome->summary, TRUE);
	g_free(outcome);
}

Copy *
outcome_add_copy(Outcome *outcome)
{
	Copy *copy = g_new0(Copy, 1);

	copy->recipients = g_ptr_array_new();
	copy->edits = edits_new();
	g_ptr_array_add(outcome->copies, copy);
	return copy;
}

/* reply: transfer full. */
static void
set_reply(Outcome *outcome, Verdict verdict, char *reply)
{
	g_free(outcome->reply);
	outcome->reply = reply;
	outcome->verdict = verdict;
	g_ptr_array_set_size(outcome->copies, 0);
}

void
outcome_refuse(Outcome *outcome, Verdict verdict, const char *code,
    const char *enhanced, const char *format, ...)
{
	g_autofree char *text = NULL;
	g_autofree char *clean = NULL;
	va_list arguments;

	va_start(arguments, format);
	text = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	/* libmilter takes at most 980 characters in a reply. */
	clean = text_clean(text, 900);
	set_reply(outcome, verdict,
	    g_strdup_printf("%s %s %s", code, enhanced, clean));
}

void
outcome_refuse_with(Outcome *outcome, const char *reply)
{
	set_reply(outcome, reply[0] == '5' ? VERDICT_REJECT : VERDICT_TEMPFAIL,
	    g_strdup(reply));
}

bool
outcome_is_untouched(const Outcome *outcome)
{
	const Copy *copy;

	if (outcome->verdict != VERDICT_ACCEPT || outcome->copies->len != 1) {
		return false;
	}
	copy = outcome->copies->pdata[0];
	return copy->body == NULL && edits_count(copy->edits) == 0;
}
