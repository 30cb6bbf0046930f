/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine's front: direction, then the room's module for it, then the
 * fields of the log line. Settings are a snapshot that never changes; the
 * stores behind it are shared by all snapshots of one state directory, so that
 * a reload keeps their caches.
 */
#include "config.h"

#include "gateway/gateway.h"

#include "base/text.h"
#include "gateway/outbound.h"

/* In a log line. */
#define RECIPIENTS_SHOWN 5

typedef struct {
	char *state_dir;
	Identities *identities;
	AnchorStore *anchors;
} Stores;

struct Gateway {
	Settings *settings;
	Stores *stores; /* g_atomic_rc_box */
};

static void
stores_clear(Stores *stores)
{
	g_free(stores->state_dir);
	identities_free(stores->identities);
	anchors_free(stores->anchors);
}

static Stores *
stores_open(const char *state_dir, Gateway *previous)
{
	Stores *stores;

	if (previous != NULL &&
	    g_str_equal(previous->stores->state_dir, state_dir)) {
		return g_atomic_rc_box_acquire(previous->stores);
	}
	stores = g_atomic_rc_box_new0(Stores);
	stores->state_dir = g_strdup(state_dir);
	stores->identities = identities_new(state_dir);
	stores->anchors = anchors_new(state_dir);
	return stores;
}

Gateway *
gateway_new(Settings *settings, Gateway *previous)
{
	Gateway *gateway = g_atomic_rc_box_new0(Gateway);

	gateway->settings = settings_ref(settings);
	gateway->stores = stores_open(settings->state_dir, previous);
	return gateway;
}

Gateway *
gateway_ref(Gateway *gateway)
{
	return g_atomic_rc_box_acquire(gateway);
}

static void
gateway_clear(Gateway *gateway)
{
	settings_unref(gateway->settings);
	g_atomic_rc_box_release_full(
	    gateway->stores, (GDestroyNotify)stores_clear);
}

void
gateway_unref(Gateway *gateway)
{
	if (gateway != NULL) {
		g_atomic_rc_box_release_full(
		    gateway, (GDestroyNotify)gateway_clear);
	}
}

const Settings *
gateway_settings(const Gateway *gateway)
{
	return gateway->settings;
}

Identities *
gateway_identities(const Gateway *gateway)
{
	return gateway->stores->identities;
}

AnchorStore *
gateway_anchors(const Gateway *gateway)
{
	return gateway->stores->anchors;
}

static void
summarise_recipients(const Envelope *envelope, GString *summary)
{
	g_autoptr(GString) list = g_string_new(NULL);
	guint count = envelope->recipients->len;

	for (guint i = 0; i < MIN(count, RECIPIENTS_SHOWN); i++) {
		g_string_append_printf(list, "%s%s", i > 0 ? "," : "",
		    envelope_recipient(envelope, i)->address);
	}
	if (count > RECIPIENTS_SHOWN) {
		g_string_append_printf(list, ",+%u", count - RECIPIENTS_SHOWN);
	}
	text_append_field(summary, "rcpt", list->str);
}

static const char *
signed_word(const Outcome *outcome)
{
	guint done = 0;

	for (guint i = 0; i < outcome->copies->len; i++) {
		const Copy *copy = outcome->copies->pdata[i];

		done += copy->signed_here ? 1 : 0;
	}
	if (done == 0) {
		return "no";
	}
	return done == outcome->copies->len ? "yes" : "split";
}

/* The rules that applied, each once, in the recipients' order. */
static void
summarise_rules(const Outcome *outcome, GString *summary)
{
	g_autoptr(GString) list = g_string_new(NULL);
	const char *last = NULL;

	for (guint i = 0; i < outcome->plans->len && list->len < 200; i++) {
		const PlanReport *plan = outcome->plans->pdata[i];

		if (plan->rule != NULL && g_strcmp0(plan->rule, last) != 0) {
			g_string_append_printf(
			    list, "%s%s", list->len > 0 ? "," : "", plan->rule);
			last = plan->rule;
		}
	}
	text_append_field(summary, "rule", list->len > 0 ? list->str : NULL);
}

static void
summarise(const Envelope *envelope, Outcome *outcome)
{
	GString *summary = outcome->summary;
	const PlanReport *first =
	    outcome->plans->len > 0 ? outcome->plans->pdata[0] : NULL;

	text_append_field(summary, "dir", direction_name(outcome->direction));
	text_append_field(summary, "from", envelope->sender);
	summarise_recipients(envelope, summary);
	text_append_field(
	    summary, "action", outcome_verdict_name(outcome->verdict));
	if (outcome->reply != NULL) {
		text_append_field(summary, "reply", outcome->reply);
	}
	text_append_field(summary, "sign", signed_word(outcome));
	if (outcome->reply == NULL && first != NULL && !first->sign) {
		text_append_field(summary, "why", first->reason);
	}
	text_append_field(summary, "encrypt", "no");
	text_append_field(summary, "verify", NULL);
	if (outcome->copies->len > 1) {
		g_string_append_printf(
		    summary, " copies=%u", outcome->copies->len);
	}
	summarise_rules(outcome, summary);
}

/* Outgoing mail only: nothing else has a draft yet. */
struct GatewayDraft {
	const Envelope *envelope;
	AddressFrom from;
	Outbound *outbound; /* points to from */
};

void
gateway_draft_free(GatewayDraft *draft)
{
	if (draft == NULL) {
		return;
	}
	outbound_free(draft->outbound);
	address_from_clear(&draft->from);
	g_free(draft);
}

static Outcome *
finish(GatewayDraft *draft, GBytes *body)
{
	Outcome *outcome = outcome_new(DIRECTION_OUTBOUND);

	outbound_finish(draft->outbound, body, outcome);
	summarise(draft->envelope, outcome);
	return outcome;
}

/* Mail that looks like ours and is not taken for it: the usual question. */
static const char *
why_not_ours(
    const Settings *settings, const Envelope *envelope, const AddressFrom *from)
{
	bool own = settings_is_own(settings, envelope->sender) ||
	    (from->address != NULL && settings_is_own(settings, from->address));

	return own && !direction_is_trusted(settings, envelope)
	    ? "is not trusted: no login, not in internal_hosts, not by "
	      "outbound_daemons"
	    : NULL;
}

static void
summarise_stranger(const Settings *settings, const Envelope *envelope,
    const AddressFrom *from, GString *summary)
{
	const char *reason = why_not_ours(settings, envelope, from);
	g_autofree char *why = NULL;

	if (reason != NULL) {
		why = g_strdup_printf("client %s %s",
		    envelope->client != NULL ? envelope->client : "(unknown)",
		    reason);
		text_append_field(summary, "why", why);
	}
}

static Outcome *
pass(Direction direction, const Envelope *envelope)
{
	Outcome *outcome = outcome_new(direction);
	Copy *copy = outcome_add_copy(outcome);

	for (guint i = 0; i < envelope->recipients->len; i++) {
		g_ptr_array_add(copy->recipients,
		    (gpointer)envelope_recipient(envelope, i));
	}
	summarise(envelope, outcome);
	return outcome;
}

Outcome *
gateway_at_header(Gateway *gateway, const Envelope *envelope,
    const Fields *fields, GatewayDraft **draft_out)
{
	const Settings *settings = gateway->settings;
	g_autoptr(GatewayDraft) draft = g_new0(GatewayDraft, 1);
	Outcome *outcome = NULL;
	Direction direction;

	draft->envelope = envelope;
	address_from(fields, &draft->from);
	direction = direction_of(settings, envelope, &draft->from);
	if (direction != DIRECTION_OUTBOUND) {
		outcome = pass(direction, envelope);
		summarise_stranger(
		    settings, envelope, &draft->from, outcome->summary);
		return outcome;
	}
	draft->outbound = outbound_new(settings, gateway->stores->identities,
	    envelope, fields, &draft->from, g_get_real_time() / G_USEC_PER_SEC);
	if (!outbound_needs_body(draft->outbound)) {
		return finish(draft, NULL);
	}
	*draft_out = g_steal_pointer(&draft);
	return NULL;
}

Outcome *
gateway_process(GatewayDraft *draft, GBytes *body)
{
	return finish(draft, body);
}
