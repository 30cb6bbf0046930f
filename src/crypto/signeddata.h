/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A SignedData (RFC 5652 5.1), DER or BER, taken apart where it lies: its
 * certificates, its CRLs, its content, and the rest as OpenSSL's object, which
 * then is small. For src/crypto only. Used by one thread.
 */
#ifndef CRYPTO_SIGNEDDATA_H
#define CRYPTO_SIGNEDDATA_H

#include <glib.h>
#include <stdbool.h>

#include "crypto/der.h"
#include "crypto/openssl.h"
#include "crypto/verify.h"

typedef struct {
	CMS_ContentInfo *cms; /* without certificates, CRLs, content and
				 unsigned attributes */
	GPtrArray *certs;     /* of Cert; broken ones are left out, each once */
	GPtrArray *crls;      /* of Crl; likewise */
	bool inside;          /* there is content, see signeddata_content() */
	guint count;          /* of signers */
	GBytes *blob;
	DerItem content;
} SignedData;

/* NULL: done; else what is wrong (static). certs and crls are there in either
 * case. To be ended with signeddata_clear(). */
const char *signeddata_init(SignedData *data, GBytes *blob);
void signeddata_clear(SignedData *data);

/* A slice of the blob where that can be, else joined pieces. NULL: malformed.
 * transfer full. */
GBytes *signeddata_content(const SignedData *data);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(SignedData, signeddata_clear)

#endif
