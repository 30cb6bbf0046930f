/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small public key infrastructure, made by the openssl command in a scratch
 * directory, so that our own code is not its own judge. For tests only.
 */
#ifndef TESTS_PKI_H
#define TESTS_PKI_H

#include <glib.h>

#include "crypto/chain.h"
#include "crypto/keyring.h"

/*
 * A scratch directory with root.pem (CA), issuing.pem (below it, for e-mail,
 * no CA further down) and their keys. To be ended with scratch_free().
 */
char *
pki_new(void);

/*
 * Runs a shell script in directory; it must end with 0. The script may use
 *   cert NAME ISSUER KIND SUBJECT [EXTENSION...]
 *     makes NAME.key unless it is there, and NAME.pem; ISSUER self for a
 *     self-signed one; an empty EXTENSION is none; KIND rsa:BITS, pss:BITS, P-256 or an OpenSSL name
 *   leaf NAME KIND [EXTENSION...]
 *     the same, issued by issuing, for NAME@example.com and e-mail
 */
void
pki_run(const char *directory, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* Block of exactly the file's length. */
GBytes *
pki_file(const char *directory, const char *name);
/* The same as text. Yours. */
char *
pki_text(const char *directory, const char *name);
void
pki_save(const char *directory, const char *name, GBytes *content);

/* NAME.pem */
Cert *
pki_cert(const char *directory, const char *name);
/* NAME.pem, NAME.key, and issuing.pem as its chain. */
Identity *
pki_identity(const char *directory, const char *name);
/* NAME.pem as the only anchor. */
Anchors *
pki_anchors(const char *directory, const char *name);

/* Seconds since 1970, now; certificates are valid for 30 days. */
gint64
pki_now(void);

#endif
