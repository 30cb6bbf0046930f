/* SPDX-License-Identifier: Apache-2.0 */
/* The mail addresses that a certificate bears. Included by src/crypto only. */
#ifndef CRYPTO_MAILBOX_H
#define CRYPTO_MAILBOX_H

#include <glib.h>
#include <stdbool.h>

#include "crypto/openssl.h"

/* Normalised, without duplicates; of char *, transfer full. */
GPtrArray *
mailbox_list(X509 *x509);

/* Domains without regard to ASCII case; local parts too when fold. */
bool
mailbox_equal(const char *a, const char *b, bool fold);

#endif
