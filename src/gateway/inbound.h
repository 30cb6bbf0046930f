/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Incoming mail (DESIGN 3.4): forged marks off, layers peeled and verified, the
 * result written at the top, the certificate harvested. Used by gateway.c only.
 */
#ifndef GATEWAY_INBOUND_H
#define GATEWAY_INBOUND_H

#include <glib.h>
#include <stdbool.h>

#include "gateway/harvest.h"
#include "gateway/outcome.h"
#include "mime/address.h"
#include "policy/envelope.h"
#include "policy/settings.h"
#include "store/directory.h"
#include "store/trust.h"

/* What stands behind the settings; borrowed. */
typedef struct {
	Directory *directory;
	Trust *trust;
	TrustFetch fetch; /* NULL: nothing is fetched */
	gpointer fetch_data;
	bool harvest; /* false: nothing is written */
} InboundStores;

typedef struct Inbound Inbound;

/* All arguments are borrowed and must outlive the result. at: seconds since
 * 1970. */
Inbound *inbound_new(const Settings *settings, const InboundStores *stores,
    const Envelope *envelope, const Fields *fields, const AddressFrom *from,
    gint64 at);
void inbound_free(Inbound *inbound);

/* Can the body change anything? Known from the header: unsigned mail costs no
 * more. */
bool inbound_needs_body(const Inbound *inbound);

/* body may be NULL when it is not needed. Never fails: an internal failure
 * delivers the original with smime=temperror, and is logged. */
void inbound_finish(Inbound *inbound, GBytes *body, Outcome *outcome);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Inbound, inbound_free)

#endif
