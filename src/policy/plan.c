/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From settings, envelope and header to one plan for each recipient. What a
 * rule asks of the mail as a whole (sender, subject, header) is found out at
 * most once for each rule, when a recipient first gets that far; the same for
 * the request field. Pure; a Mail is one thread's.
 */
#include "config.h"

#include "policy/plan.h"

#include <string.h>

typedef enum {
	ANSWER_UNKNOWN,
	ANSWER_YES,
	ANSWER_NO,
} Answer;

/* What is found out about one mail. */
typedef struct {
	const Settings *settings;
	const Envelope *envelope;
	const AddressFrom *from;
	const Fields *fields;
	char *subject;    /* decoded; NULL: not yet */
	GPtrArray *lines; /* of char *, "Name: value"; NULL: not yet */
	guint8 *rules;    /* an Answer for each rule */
	Answer requested;
} Mail;

void
plan_free(Plan *plan)
{
	if (plan == NULL) {
		return;
	}
	g_free(plan->reason);
	g_free(plan);
}

static void
free_plan(gpointer data)
{
	plan_free(data);
}

static char *
header_line(const Fields *fields, guint i)
{
	g_autofree char *value = fields_unfold(fields_value(fields, i));

	return g_strconcat(fields_name(fields, i), ": ", value, NULL);
}

static bool
header_hits(Mail *mail, const Regex *regex)
{
	if (mail->lines == NULL) {
		mail->lines = g_ptr_array_new_with_free_func(g_free);
		for (guint i = 0; i < fields_count(mail->fields); i++) {
			g_ptr_array_add(
			    mail->lines, header_line(mail->fields, i));
		}
	}
	for (guint i = 0; i < mail->lines->len; i++) {
		if (pattern_regex_hits(
			regex, g_ptr_array_index(mail->lines, i))) {
			return true;
		}
	}
	return false;
}

/* A mail without Subject has an empty one. */
static bool
subject_hits(Mail *mail, const Regex *regex)
{
	const char *value = NULL;

	if (mail->subject == NULL) {
		value = fields_find(mail->fields, "Subject", 1);
		mail->subject = fields_decode(value == NULL ? "" : value);
	}
	return pattern_regex_hits(regex, mail->subject);
}

static bool
sender_hits(const Mail *mail, const Pattern *pattern)
{
	return pattern_matches(pattern, mail->envelope->sender) ||
	    (mail->from->address != NULL &&
		pattern_matches(pattern, mail->from->address));
}

/* All of the rule but its recipient; the cheap questions first. */
static bool
mail_matches(Mail *mail, guint number)
{
	const Rule *rule = g_ptr_array_index(mail->settings->rules, number);
	bool matches = false;

	if (mail->rules[number] == ANSWER_UNKNOWN) {
		matches =
		    (rule->sender == NULL || sender_hits(mail, rule->sender)) &&
		    (rule->subject == NULL ||
			subject_hits(mail, rule->subject)) &&
		    (rule->header == NULL || header_hits(mail, rule->header));
		mail->rules[number] = matches ? ANSWER_YES : ANSWER_NO;
	}
	return mail->rules[number] == ANSWER_YES;
}

static const Rule *
find_rule(Mail *mail, const char *recipient)
{
	const GPtrArray *rules = mail->settings->rules;

	for (guint i = 0; i < rules->len; i++) {
		const Rule *rule = g_ptr_array_index(rules, i);

		if (mail->rules[i] != ANSWER_NO &&
		    (rule->recipient == NULL ||
			pattern_matches(rule->recipient, recipient)) &&
		    mail_matches(mail, i)) {
			return rule;
		}
	}
	return NULL;
}

static bool
is_requested(Mail *mail)
{
	const Regex *regex = mail->settings->sign_request;

	if (mail->requested == ANSWER_UNKNOWN) {
		mail->requested = regex != NULL && header_hits(mail, regex)
		    ? ANSWER_YES
		    : ANSWER_NO;
	}
	return mail->requested == ANSWER_YES;
}

static const char *
decide(Mail *mail, SignMode mode, bool *sign_out)
{
	switch (mode) {
	case SIGN_ALWAYS:
		*sign_out = true;
		return "sign.mode = always";
	case SIGN_NEVER:
		*sign_out = false;
		return "sign.mode = never";
	case SIGN_REQUEST:
		break;
	}
	*sign_out = is_requested(mail);
	return *sign_out ? "sign.mode = request, and a field asks for it"
			 : "sign.mode = request, and no field asks for it";
}

static Plan *
plan_for(Mail *mail, const Recipient *recipient)
{
	Plan *plan = g_new0(Plan, 1);
	const char *reason = NULL;

	plan->recipient = recipient;
	plan->rule = find_rule(mail, recipient->address);
	plan->policy =
	    plan->rule != NULL ? plan->rule->sign : mail->settings->sign;
	reason = decide(mail, plan->policy.mode, &plan->sign);
	plan->reason = plan->rule != NULL
	    ? g_strdup_printf("rule \"%s\": %s", plan->rule->name, reason)
	    : g_strdup(reason);
	return plan;
}

GPtrArray *
plan_make(const Settings *settings, const Envelope *envelope,
    const AddressFrom *from, const Fields *fields)
{
	GPtrArray *plans = g_ptr_array_new_with_free_func(free_plan);
	g_autofree guint8 *rules = g_new0(guint8, settings->rules->len);
	Mail mail = { .settings = settings,
		.envelope = envelope,
		.from = from,
		.fields = fields,
		.rules = rules };

	for (guint i = 0; i < envelope->recipients->len; i++) {
		g_ptr_array_add(
		    plans, plan_for(&mail, envelope_recipient(envelope, i)));
	}
	g_free(mail.subject);
	g_clear_pointer(&mail.lines, g_ptr_array_unref);
	return plans;
}

static bool
uses_request(const Settings *settings)
{
	bool used = settings->sign.mode == SIGN_REQUEST;

	for (guint i = 0; i < settings->rules->len && !used; i++) {
		const Rule *rule = g_ptr_array_index(settings->rules, i);

		used = rule->sign.mode == SIGN_REQUEST;
	}
	return used && settings->sign_request != NULL;
}

GArray *
plan_request_fields(const Settings *settings, const Fields *fields)
{
	GArray *positions = g_array_new(FALSE, FALSE, sizeof(guint));

	if (!uses_request(settings)) {
		return positions;
	}
	for (guint i = fields_count(fields); i > 0; i--) {
		g_autofree char *line = header_line(fields, i - 1);
		guint position = i - 1;

		if (pattern_regex_hits(settings->sign_request, line)) {
			g_array_append_val(positions, position);
		}
	}
	return positions;
}

bool
plan_equal(const Plan *a, const Plan *b)
{
	if (a->sign != b->sign) {
		return false;
	}
	return !a->sign ||
	    (a->policy.opaque == b->policy.opaque &&
		a->policy.digest == b->policy.digest &&
		a->policy.padding == b->policy.padding);
}
