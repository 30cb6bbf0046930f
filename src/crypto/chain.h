/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does a certificate reach a trust anchor (RFC 5280 6.1)? Signatures, dates,
 * CA flags, path length, name constraints, unknown critical extensions; a CA's
 * extended key usage, when there, must allow e-mail; weak hashes and weak keys
 * of CAs prove nothing. Revocation and the strength of the certificate's own
 * key are not asked here. Thread-safe: anchors are immutable.
 */
#ifndef CRYPTO_CHAIN_H
#define CRYPTO_CHAIN_H

#include <glib.h>
#include <stdbool.h>

#include "crypto/cert.h"

typedef struct Anchors Anchors;

typedef enum {
	CHAIN_OK,
	CHAIN_EXPIRED, /* or not yet valid: dates alone are wrong */
	CHAIN_UNTRUSTED, /* reaches no anchor */
	CHAIN_INVALID, /* reaches one, breaks a rule on the way */
} ChainResult;

#define CHAIN_DEPTH 10

/* certs: of Cert; shared. */
Anchors *
chain_anchors_new(const GPtrArray *certs);
Anchors *
chain_anchors_ref(Anchors *anchors);
void
chain_anchors_unref(Anchors *anchors);
guint
chain_anchors_count(const Anchors *anchors);
/* Of Cert, transfer none. */
const GPtrArray *
chain_anchors_certs(const Anchors *anchors);

/*
 * others: of Cert, may be NULL: intermediates, untrusted, in any order. at:
 * seconds since 1970. *reason_out: static or OpenSSL's static text, set unless
 * CHAIN_OK; may be NULL. *chain_out (may be NULL): of Cert, from the
 * certificate to the anchor, transfer full, set on CHAIN_OK.
 */
ChainResult
chain_check(const Anchors *anchors, const Cert *cert, const GPtrArray *others,
    gint64 at, const char **reason_out, GPtrArray **chain_out);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Anchors, chain_anchors_unref)

#endif
