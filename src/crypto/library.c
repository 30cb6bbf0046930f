/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What concerns OpenSSL as a whole. Its exit handler frees what all threads
 * share, and the keys by which each finds its own: fine when they have ended,
 * and libmilter's worker threads never do (OPENSSL_init_crypto(3)).
 */
#include "config.h"

#include "crypto/library.h"

#include <openssl/crypto.h>

void
library_keep_at_exit(void)
{
	(void)OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, NULL);
}
