/* SPDX-License-Identifier: Apache-2.0 */
/* Files with private keys, for keyring.c only. */
#ifndef CRYPTO_KEYFILE_H
#define CRYPTO_KEYFILE_H

#include "crypto/keyring-private.h"
#include "crypto/openssl.h"
#include "crypto/pem.h"

/* The key of the block. transfer full. */
EVP_PKEY *
keyfile_parse(const PemWalk *walk, Passphrase *passphrase, GError **error);

/* The first key of a file: PEM (PKCS#8, PKCS#1, SEC1; plain or encrypted) or
 * DER. transfer full. ERROR_MALFORMED, or what keyring_passphrase() says. */
EVP_PKEY *
keyfile_read(GBytes *content, Passphrase *passphrase, GError **error);

/*
 * The one key of a PKCS#12 file, and all its certificates (of Cert). false:
 * ERROR_MALFORMED, ERROR_UNFIT (no key, or several).
 */
bool
keyfile_read_pkcs12(GBytes *content, Passphrase *passphrase,
    EVP_PKEY **key_out, GPtrArray **certs_out, GError **error);

#endif
