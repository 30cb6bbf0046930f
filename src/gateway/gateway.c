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
#include "gateway/inbound.h"
#include "gateway/outbound.h"

/* In a log line. */
#define RECIPIENTS_SHOWN 5
#define HARVESTED_SHOWN 3
#define FINGERPRINT_DIGITS 16

typedef struct {
	char *state_dir;
	Identities *identities;
	Directory *directory;
	Trust *trust;
} Stores;

struct Gateway {
	Settings *settings;
	Stores *stores; /* g_atomic_rc_box */
	InboundStores inbound;
};

static void
stores_clear(Stores *stores)
{
	g_free(stores->state_dir);
	identities_free(stores->identities);
	directory_free(stores->directory);
	trust_free(stores->trust);
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
	stores->directory = directory_new(state_dir);
	stores->trust = trust_new(state_dir);
	return stores;
}

Gateway *
gateway_new(Settings *settings, Gateway *previous)
{
	Gateway *gateway = g_atomic_rc_box_new0(Gateway);

	gateway->settings = settings_ref(settings);
	gateway->stores = stores_open(settings->state_dir, previous);
	if (previous != NULL) {
		gateway->inbound = previous->inbound;
	} else {
		gateway->inbound.harvest = true;
	}
	gateway->inbound.directory = gateway->stores->directory;
	gateway->inbound.trust = gateway->stores->trust;
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

Directory *
gateway_directory(const Gateway *gateway)
{
	return gateway->stores->directory;
}

Trust *
gateway_trust(const Gateway *gateway)
{
	return gateway->stores->trust;
}

void
gateway_set_fetch(Gateway *gateway, TrustFetch fetch, gpointer data)
{
	gateway->inbound.fetch = fetch;
	gateway->inbound.fetch_data = data;
}

void
gateway_set_dry_run(Gateway *gateway)
{
	gateway->inbound.harvest = false;
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
summarise_harvested(const Outcome *outcome, GString *summary)
{
	g_autoptr(GString) list = g_string_new(NULL);
	guint count = outcome->harvested->len;

	for (guint i = 0; i < MIN(count, HARVESTED_SHOWN); i++) {
		g_string_append_printf(list, "%s%.*s", i > 0 ? "," : "",
		    FINGERPRINT_DIGITS,
		    (const char *)outcome->harvested->pdata[i]);
	}
	if (count > HARVESTED_SHOWN) {
		g_string_append_printf(list, ",+%u", count - HARVESTED_SHOWN);
	}
	if (count > 0) {
		text_append_field(summary, "harvested", list->str);
	}
}

/* Why a signature is not good, or what to know of a good one. */
static const char *
why_not_verified(const Outcome *outcome)
{
	for (guint i = 0; i < outcome->signatures->len; i++) {
		const SignatureReport *report = outcome->signatures->pdata[i];

		if (report->reason != NULL) {
			return report->reason;
		}
	}
	return NULL;
}

static void
summarise_verified(const Outcome *outcome, GString *summary)
{
	const char *why = why_not_verified(outcome);

	text_append_field(summary, "verify", outcome->verified);
	if (outcome->reply == NULL && why != NULL) {
		text_append_field(summary, "why", why);
	}
	summarise_harvested(outcome, summary);
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
	summarise_verified(outcome, summary);
	if (outcome->copies->len > 1) {
		g_string_append_printf(
		    summary, " copies=%u", outcome->copies->len);
	}
	summarise_rules(outcome, summary);
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

/* One of the two directions that are worked on; both point to from. */
struct GatewayDraft {
	const Settings *settings;
	const Envelope *envelope;
	AddressFrom from;
	Outbound *outbound;
	Inbound *inbound;
};

void
gateway_draft_free(GatewayDraft *draft)
{
	if (draft == NULL) {
		return;
	}
	outbound_free(draft->outbound);
	inbound_free(draft->inbound);
	address_from_clear(&draft->from);
	g_free(draft);
}

static Outcome *
finish(GatewayDraft *draft, GBytes *body)
{
	Outcome *outcome = NULL;

	if (draft->outbound != NULL) {
		outcome = outcome_new(DIRECTION_OUTBOUND);
		outbound_finish(draft->outbound, body, outcome);
	} else {
		outcome = outcome_new(DIRECTION_INBOUND);
		inbound_finish(draft->inbound, body, outcome);
	}
	summarise(draft->envelope, outcome);
	if (outcome->direction == DIRECTION_INBOUND &&
	    why_not_verified(outcome) == NULL) {
		summarise_stranger(draft->settings, draft->envelope,
		    &draft->from, outcome->summary);
	}
	return outcome;
}

static Outcome *
pass(
    const Settings *settings, const Envelope *envelope, const AddressFrom *from)
{
	Outcome *outcome = outcome_new(DIRECTION_PASS);
	Copy *copy = outcome_add_copy(outcome);

	for (guint i = 0; i < envelope->recipients->len; i++) {
		g_ptr_array_add(copy->recipients,
		    (gpointer)envelope_recipient(envelope, i));
	}
	summarise(envelope, outcome);
	summarise_stranger(settings, envelope, from, outcome->summary);
	return outcome;
}

/* true: the body can change what becomes of the mail. */
static bool
begin(Gateway *gateway, const Envelope *envelope, const Fields *fields,
    Direction direction, GatewayDraft *draft)
{
	gint64 at = g_get_real_time() / G_USEC_PER_SEC;

	if (direction == DIRECTION_OUTBOUND) {
		draft->outbound =
		    outbound_new(gateway->settings, gateway->stores->identities,
			envelope, fields, &draft->from, at);
		return outbound_needs_body(draft->outbound);
	}
	draft->inbound = inbound_new(gateway->settings, &gateway->inbound,
	    envelope, fields, &draft->from, at);
	return inbound_needs_body(draft->inbound);
}

Outcome *
gateway_at_header(Gateway *gateway, const Envelope *envelope,
    const Fields *fields, GatewayDraft **draft_out)
{
	const Settings *settings = gateway->settings;
	g_autoptr(GatewayDraft) draft = g_new0(GatewayDraft, 1);
	Direction direction;

	draft->settings = settings;
	draft->envelope = envelope;
	address_from(fields, &draft->from);
	direction = direction_of(settings, envelope, &draft->from);
	if (direction == DIRECTION_PASS) {
		return pass(settings, envelope, &draft->from);
	}
	if (begin(gateway, envelope, fields, direction, draft)) {
		*draft_out = g_steal_pointer(&draft);
		return NULL;
	}
	return finish(draft, NULL);
}

Outcome *
gateway_process(GatewayDraft *draft, GBytes *body)
{
	return finish(draft, body);
}
