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
#include "mime/message.h"
#include "policy/envelope.h"
#include "policy/settings.h"
#include "store/anchors.h"
#include "store/identities.h"

typedef struct Gateway Gateway;

/* The settings snapshot and the open stores (made anew only when state_dir is
 * another). previous: the gateway that this one replaces, or NULL; its caches
 * are taken over. */
Gateway *
gateway_new(Settings *settings, Gateway *previous);
Gateway *
gateway_ref(Gateway *gateway);
void
gateway_unref(Gateway *gateway);
const Settings *
gateway_settings(const Gateway *gateway);
Identities *
gateway_identities(const Gateway *gateway);
AnchorStore *
gateway_anchors(const Gateway *gateway);

/*
 * At end of header: can the body change anything? NULL: yes, collect it.
 * Otherwise the final outcome. transfer full.
 */
Outcome *
gateway_at_header(Gateway *gateway, const Envelope *envelope,
    const Fields *fields);

/*
 * The whole message. Never fails: an internal failure is the outcome that
 * DESIGN 3.1 asks for, and is logged. envelope must outlive the outcome.
 * at: seconds since 1970.
 */
Outcome *
gateway_process(Gateway *gateway, const Envelope *envelope,
    const Message *message, gint64 at);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Gateway, gateway_unref)

#endif
