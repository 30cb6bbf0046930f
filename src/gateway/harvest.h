/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a verified mail into the certificate directory (DESIGN 4, "Harvest").
 * A failure is logged and never touches the mail.
 */
#ifndef GATEWAY_HARVEST_H
#define GATEWAY_HARVEST_H

#include <glib.h>

#include "gateway/peel.h"
#include "mime/address.h"
#include "policy/envelope.h"
#include "policy/settings.h"
#include "store/directory.h"
#include "store/trust.h"

/* Certificates of one message that are looked at, bytes of them in all, and
 * intermediates that are kept. */
#define HARVEST_BYTES ((gsize)64 * 1024)
#define HARVEST_INTERMEDIATES 10
/* Seconds that a signing time may lie ahead. */
#define HARVEST_AHEAD 600

/*
 * Of each signature that passed (or, as pending, lacks nothing but a known
 * issuer): its encryption certificate, judged by view like the signer's.
 * harvested: of char *, the fingerprints that were stored or refreshed are
 * added.
 */
void harvest_mail(const Settings *settings, Directory *directory,
    TrustView *view, const Envelope *envelope, const Fields *fields,
    const AddressFrom *from, const Peel *peel, gint64 at, GPtrArray *harvested);

#endif
