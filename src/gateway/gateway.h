/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine: an envelope and a message in, an outcome out. Everything that
 * the milter does to a mail, smimectl process does to a file through the same
 * call. Knows neither libmilter nor the network. Thread-safe: one Gateway
 * serves all threads.
 */
#ifndef GATEWAY_GATEWAY_H
#define GATEWAY_GATEWAY_H

#include <glib.h>
#include <stdbool.h>

#include "gateway/outcome.h"
#include "mime/fields.h"
#include "policy/envelope.h"
#include "policy/settings.h"
#include "store/directory.h"
#include "store/identities.h"
#include "store/trust.h"

typedef struct Gateway Gateway;

/* The settings snapshot and the open stores (made anew only when state_dir is
 * another). previous: the gateway that this one replaces, or NULL; its caches
 * are taken over. */
Gateway *gateway_new(Settings *settings, Gateway *previous);
Gateway *gateway_ref(Gateway *gateway);
void gateway_unref(Gateway *gateway);
const Settings *gateway_settings(const Gateway *gateway);
Identities *gateway_identities(const Gateway *gateway);
Directory *gateway_directory(const Gateway *gateway);
Trust *gateway_trust(const Gateway *gateway);

/* Before the first mail: how CRLs are fetched (fetcher_fetch(), a Fetcher that
 * outlives the gateway); the gateways that take over from this one keep it.
 * Without it nothing is fetched. */
void gateway_set_fetch(Gateway *gateway, TrustFetch fetch, gpointer data);
/* Nothing is written for a mail: --dry-run, explain. */
void gateway_set_dry_run(Gateway *gateway);

/* What was found out at end of header. */
typedef struct GatewayDraft GatewayDraft;
void gateway_draft_free(GatewayDraft *draft);

/*
 * At end of header: can the body change anything? NULL: yes, collect it, and
 * hand *draft_out (transfer full) to gateway_process(). Otherwise the final
 * outcome, transfer full. envelope and fields must outlive draft and outcome.
 */
Outcome *gateway_at_header(Gateway *gateway, const Envelope *envelope,
    const Fields *fields, GatewayDraft **draft_out);

/*
 * The whole message, behind gateway_at_header() for the same gateway, envelope
 * and fields. draft stays the caller's. Never fails: an internal failure is the
 * outcome that DESIGN 3.1 asks for, and is logged.
 */
Outcome *gateway_process(GatewayDraft *draft, GBytes *body);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(GatewayDraft, gateway_draft_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Gateway, gateway_unref)

#endif
