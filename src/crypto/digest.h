/* SPDX-License-Identifier: Apache-2.0 */
/* Hashes of bytes. Thread-safe. */
#ifndef CRYPTO_DIGEST_H
#define CRYPTO_DIGEST_H

#include <glib.h>

#include "base/rope.h"

typedef enum {
	DIGEST_SHA256,
	DIGEST_SHA384,
	DIGEST_SHA512,
} DigestKind;

#define DIGEST_MAX 64

/* Into out (DIGEST_MAX bytes); the length is returned. The algorithm handles
 * are fetched once for the process. */
gsize
digest_rope(DigestKind kind, const Rope *content, guint8 *out);

/* Lower-case hex of the SHA-256. Yours. */
char *
digest_hex(const void *data, gsize length);

/* An incremental SHA-256. */
typedef struct Digest Digest;
Digest *
digest_new(void);
void
digest_update(Digest *digest, const void *data, gsize length);
/* Hex; frees digest. Yours. */
char *
digest_finish(Digest *digest);

#endif
