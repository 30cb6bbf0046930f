/* SPDX-License-Identifier: Apache-2.0 */
/* Files with private keys, for keyring.c only. */
#ifndef CRYPTO_KEYFILE_H
#define CRYPTO_KEYFILE_H

#include "crypto/keyring-private.h"
#include "crypto/openssl.h"

/*
 * A walk over the PEM blocks of a file that holds keys: what is left behind is
 * wiped.
 */
typedef struct {
	BIO *in;
	char *name;
	char *header;
	guint8 *data;
	long length;
} KeyfileWalk;

/* false: as openssl_bio(). */
bool
keyfile_walk_init(KeyfileWalk *walk, GBytes *content);
/* false: the end, or a block that is broken or cut off: *error. */
bool
keyfile_walk_next(KeyfileWalk *walk, GError **error);
void
keyfile_walk_clear(KeyfileWalk *walk);
/* The block is a private key of any form. */
bool
keyfile_walk_at_key(const KeyfileWalk *walk);
/* ... and encrypted. */
bool
keyfile_walk_encrypted(const KeyfileWalk *walk);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(KeyfileWalk, keyfile_walk_clear)

/* The key of the block. transfer full. */
EVP_PKEY *
keyfile_parse(
    const KeyfileWalk *walk, Passphrase *passphrase, GError **error);

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
