/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A walk over the PEM blocks (RFC 7468) of a file, whatever stands between
 * them. Included by src/crypto only. Used by one thread.
 */
#ifndef CRYPTO_PEM_H
#define CRYPTO_PEM_H

#include <glib.h>
#include <stdbool.h>

#include "crypto/openssl.h"

/* The block the walk is at. It may be a private key: wiped when left. */
typedef struct {
	BIO *in;
	char *name; /* "CERTIFICATE" */
	char *header; /* RFC 1421 fields, usually "" */
	guint8 *data;
	long length;
} PemWalk;

/* content must outlive the walk. false: OpenSSL's queue says why. */
bool
pem_walk_init(PemWalk *walk, GBytes *content);
/* false: the end; with *error: a block that is damaged or cut off. */
bool
pem_walk_next(PemWalk *walk, GError **error);
void
pem_walk_clear(PemWalk *walk);
/* The block is a private key of any form ... */
bool
pem_walk_at_key(const PemWalk *walk);
/* ... and encrypted. */
bool
pem_walk_encrypted(const PemWalk *walk);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(PemWalk, pem_walk_clear)

#endif
