/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the rest of src/crypto may ask of an identity: operations, never the
 * key.
 */
#ifndef CRYPTO_KEYRING_PRIVATE_H
#define CRYPTO_KEYRING_PRIVATE_H

#include "crypto/digest.h"
#include "crypto/keyring.h"
#include "crypto/signer.h"

typedef enum {
	KEYRING_RSA_PKCS1,
	KEYRING_RSA_PSS, /* MGF1 with the same hash, salt of its length */
	KEYRING_ECDSA,
} KeyringScheme;

/* How the key signs; pss: what an RSA key that can do both should do. */
KeyringScheme
keyring_scheme(const Identity *identity, bool pss);

/* The hash that this key signs with when wanted is asked for; see
 * sign_digest(). */
DigestKind keyring_digest(const Identity *identity, DigestKind wanted);

/* The raw signature over data. ERROR_CRYPTO. transfer full. */
GBytes *
keyring_sign(const Identity *identity, KeyringScheme scheme,
    DigestKind digest, const void *data, gsize length, GError **error);

/* The parts of SignedData that are the same for each mail. transfer none. */
const Signer *
keyring_signer(const Identity *identity);

/* Asks once, and only when it is needed. */
typedef struct {
	KeyringPassphrase ask;
	gpointer data;
	char *text;
} Passphrase;

/* Borrowed; ERROR_MISSING when there is nobody to ask. */
const char *
keyring_passphrase(Passphrase *passphrase, GError **error);

#endif
