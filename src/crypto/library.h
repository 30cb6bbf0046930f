/* SPDX-License-Identifier: Apache-2.0 */
/* OpenSSL as a whole. */
#ifndef CRYPTO_LIBRARY_H
#define CRYPTO_LIBRARY_H

/*
 * For a program whose threads may still be at work when it ends: OpenSSL then
 * frees nothing at exit. Otherwise it takes its state from under them. Before
 * anything else of src/crypto.
 */
void
library_keep_at_exit(void);

#endif
