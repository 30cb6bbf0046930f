/* SPDX-License-Identifier: Apache-2.0 */
/*
 * STATE/intermediates: CA certificates that came with verified mail, for
 * building paths only; never trusted by themselves. One PEM file for each,
 * FINGERPRINT.pem. At most INTERMEDIATES_MAX; then the one that ends first
 * goes. Read once, again when the directory's stamp changes. Thread-safe.
 */
#ifndef STORE_INTERMEDIATES_H
#define STORE_INTERMEDIATES_H

#include <glib.h>
#include <stdbool.h>

#include "crypto/cert.h"

#define INTERMEDIATES_MAX 1000

typedef struct Intermediates Intermediates;

Intermediates *intermediates_new(const char *state_dir);
void intermediates_free(Intermediates *intermediates);

/* Those that may stand above cert, in any order: by issuer name, and by the
 * issuers of these, up to CHAIN_DEPTH. Of Cert, transfer full. */
GPtrArray *intermediates_above(
    Intermediates *intermediates, const Cert *cert, GError **error);
/* Those with this cert_subject_key(). Of Cert, transfer full. */
GPtrArray *intermediates_named(Intermediates *intermediates,
    const char *subject_key, GError **error);
/* Every certificate of certs (of Cert) that is a CA's, not self-signed and not
 * there yet; *added_out may be NULL. Whoever calls has verified a path through
 * each. */
bool intermediates_add(Intermediates *intermediates, const GPtrArray *certs,
    guint *added_out, GError **error);
/* Changes whenever the set does. */
guint64 intermediates_generation(Intermediates *intermediates);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Intermediates, intermediates_free)

#endif
