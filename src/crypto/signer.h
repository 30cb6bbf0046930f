/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What SignedData says of its signer: the same bytes for each mail, so they are
 * encoded once for each identity. Included by src/crypto only. Immutable.
 */
#ifndef CRYPTO_SIGNER_H
#define CRYPTO_SIGNER_H

#include <glib.h>

#include "crypto/cert.h"

typedef struct {
	GBytes *certificates; /* the field of SignedData: leaf and chain */
	GBytes *sid;          /* IssuerAndSerialNumber */
	GBytes *signing_certificate; /* the attribute, RFC 5035 */
} Signer;

/* chain: of Cert. */
Signer *
signer_new(const Cert *cert, const GPtrArray *chain);
void
signer_free(Signer *signer);

#endif
