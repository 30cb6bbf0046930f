/* SPDX-License-Identifier: Apache-2.0 */
/* What the rest of src/crypto needs of the hashes. */
#ifndef CRYPTO_DIGEST_PRIVATE_H
#define CRYPTO_DIGEST_PRIVATE_H

#include "crypto/digest.h"
#include "crypto/openssl.h"

#define DIGEST_SHA256_LENGTH 32

/* Fetched once; borrowed. */
const EVP_MD *
digest_handle(DigestKind kind);
/* "SHA256", ... */
const char *
digest_openssl_name(DigestKind kind);
/* DIGEST_SHA256_LENGTH bytes into out. */
void
digest_sha256(const void *data, gsize length, guint8 *out);

#endif
