/* SPDX-License-Identifier: Apache-2.0 */
/* See fake_gateway.h. The settings are no snapshot of a file: only the members
 * that src/milter reads are filled. */
#include "config.h"

#include "fake_gateway.h"

struct Gateway {
	Settings *settings;
	atomic_int references;
};

FakeEngine fake_engine;
atomic_int fake_gateways;

Gateway *
gateway_new(Settings *settings, Gateway *previous)
{
	Gateway *gateway = g_new0(Gateway, 1);

	(void)previous;
	gateway->settings = settings;
	atomic_init(&gateway->references, 1);
	atomic_fetch_add(&fake_gateways, 1);
	return gateway;
}

Gateway *
gateway_ref(Gateway *gateway)
{
	atomic_fetch_add(&gateway->references, 1);
	return gateway;
}

void
gateway_unref(Gateway *gateway)
{
	if (gateway != NULL && atomic_fetch_sub(&gateway->references, 1) == 1) {
		g_free(gateway);
		atomic_fetch_sub(&fake_gateways, 1);
	}
}

const Settings *
gateway_settings(const Gateway *gateway)
{
	return gateway->settings;
}

struct GatewayDraft {
	Gateway *gateway;
	const Envelope *envelope;
	const Fields *fields;
};

Outcome *
gateway_at_header(Gateway *gateway, const Envelope *envelope,
    const Fields *fields, GatewayDraft **draft_out)
{
	Outcome *outcome = fake_engine.at_header != NULL
	    ? fake_engine.at_header(gateway, envelope, fields)
	    : NULL;

	if (outcome == NULL) {
		*draft_out = g_new(GatewayDraft, 1);
		**draft_out = (GatewayDraft){ gateway, envelope, fields };
	}
	return outcome;
}

void
gateway_draft_free(GatewayDraft *draft)
{
	g_free(draft);
}

Outcome *
gateway_process(GatewayDraft *draft, GBytes *body)
{
	const Message message = { (Fields *)draft->fields, body };

	return fake_engine.process != NULL
	    ? fake_engine.process(draft->gateway, draft->envelope, &message)
	    : fake_accept(draft->envelope);
}

Settings *
fake_settings(const char *state_dir)
{
	Settings *settings = g_new0(Settings, 1);

	settings->state_dir = g_strdup(state_dir);
	settings->spool_dir = g_strdup(state_dir);
	settings->limits.recipients = 1000;
	settings->limits.headers = 1048576;
	return settings;
}

void
fake_settings_free(Settings *settings)
{
	g_free(settings->state_dir);
	g_free(settings->spool_dir);
	g_free(settings->reinject);
	g_free(settings->reinject_host);
	g_free(settings);
}

Outcome *
fake_accept(const Envelope *envelope)
{
	Outcome *outcome = outcome_new(DIRECTION_OUTBOUND);
	Copy *copy = outcome_add_copy(outcome);

	for (guint i = 0; i < envelope->recipients->len; i++) {
		g_ptr_array_add(
		    copy->recipients, envelope->recipients->pdata[i]);
	}
	g_string_append(outcome->summary, "dir=outbound action=accept");
	return outcome;
}

Copy *
fake_copy(Outcome *outcome, const Envelope *envelope, guint number)
{
	Copy *first = outcome->copies->pdata[0];
	Copy *copy = outcome_add_copy(outcome);
	gpointer recipient = envelope->recipients->pdata[number];

	g_ptr_array_remove(first->recipients, recipient);
	g_ptr_array_add(copy->recipients, recipient);
	return copy;
}
