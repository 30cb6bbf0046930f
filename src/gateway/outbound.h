/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Outgoing mail (DESIGN 3.3): is it protected already, may it be signed for
 * its sender, with which identity, who shares a message. Used by gateway.c
 * only.
 */
#ifndef GATEWAY_OUTBOUND_H
#define GATEWAY_OUTBOUND_H

#include <glib.h>
#include <stdbool.h>

#include "gateway/outcome.h"
#include "mime/message.h"
#include "store/identities.h"

typedef struct Outbound Outbound;

/*
 * What policy says of the mail, from envelope and header alone. All arguments
 * are borrowed and must outlive the result. at: seconds since 1970.
 */
Outbound *outbound_new(const Settings *settings, Identities *identities,
    const Envelope *envelope, const Fields *fields, const AddressFrom *from,
    gint64 at);
void outbound_free(Outbound *outbound);

/* Can the body change what becomes of the mail? */
bool outbound_needs_body(const Outbound *outbound);

/*
 * Carries the plans out into outcome; body may be NULL when it is not needed.
 * Logs what the administrator should know. Never fails: what went wrong is a
 * refusal in outcome.
 */
void outbound_finish(Outbound *outbound, GBytes *body, Outcome *outcome);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Outbound, outbound_free)

#endif
