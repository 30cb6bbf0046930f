/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SignedData over a content that is hashed where it lies (RFC 5652 5, RFC 8551
 * 2.5). Signed attributes: content type, digest, signing time, our
 * capabilities, signingCertificateV2; never OpenSSL's default capabilities.
 * Signer certificate and chain included, root not; issuerAndSerialNumber;
 * DER. Thread-safe.
 */
#ifndef CRYPTO_SIGN_H
#define CRYPTO_SIGN_H

#include <glib.h>
#include <stdbool.h>

#include "base/rope.h"
#include "crypto/digest.h"
#include "crypto/keyring.h"

typedef enum {
	SIGN_PKCS1,
	SIGN_PSS, /* MGF1 with the same hash, salt of its length */
} SignPadding;

typedef struct {
	bool opaque; /* the content goes inside */
	DigestKind digest;
	SignPadding padding; /* RSA keys only */
	gint64 signing_time; /* seconds since 1970; 0: no such attribute */
} SignOptions;

/*
 * The hash to put into SignOptions when wanted is asked for: not shorter than
 * an EC key (gpgsm refuses SHA-256 with P-384), and what a key of type
 * RSASSA-PSS is bound to, if it is.
 */
DigestKind
sign_digest(const Identity *identity, DigestKind wanted);

/*
 * DER of the ContentInfo. Opaque: content is shared, not copied. transfer
 * full. ERROR_CRYPTO.
 */
Rope *
sign_content(const Identity *identity, const Rope *content,
    const SignOptions *options, GError **error);

/* The micalg value (RFC 8551 3.5.3.2): "sha-256", ... */
const char *
sign_micalg(DigestKind digest);

#endif
