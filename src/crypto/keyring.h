/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Own identities: private key, certificate, chain. A key never leaves
 * keyring.c except as the text of its own file (keyring_write) and into
 * sign.c through keyring-private.h: callers get operations and certificates.
 * Secrets are wiped when freed. An Identity is immutable and shared by
 * reference between threads; no lock is held during an operation.
 */
#ifndef CRYPTO_KEYRING_H
#define CRYPTO_KEYRING_H

#include <glib.h>
#include <stdbool.h>

#include "crypto/cert.h"

typedef struct Identity Identity;

/* Asked when something is encrypted: a passphrase, to be wiped and freed by
 * keyring with keyring_wipe(); NULL with *error. */
typedef char *(*KeyringPassphrase)(gpointer data, GError **error);

/* The largest key file, PKCS#12 file or PEM that is read. */
#define KEYRING_FILE_MAX ((gsize)1024 * 1024)

/*
 * One identity file of the store (keyring_write's form): one or more
 * identities, each a PEM private key, its certificate, its chain. Of Identity,
 * transfer full. Truncated, key of another certificate, no key:
 * ERROR_MALFORMED or ERROR_UNFIT with the reason.
 */
GPtrArray *
keyring_read(GBytes *content, GError **error);

/*
 * Import. PKCS#12 (modern, or RC2 and 3DES through OpenSSL's legacy provider,
 * loaded for this call only) or separate PEM/DER files, the key plain or
 * encrypted. chain may be NULL. All refuse, with the reason, a key that does
 * not match the certificate, and a key type OpenSSL's CMS cannot sign with
 * (Ed25519, Ed448; ERROR_UNFIT).
 */
Identity *
keyring_from_pkcs12(GBytes *content, KeyringPassphrase ask, gpointer data,
    GError **error);
Identity *
keyring_from_parts(GBytes *cert, GBytes *key, GBytes *chain,
    KeyringPassphrase ask, gpointer data, GError **error);

Identity *
keyring_ref(Identity *identity);
void
keyring_unref(Identity *identity);

/* transfer none. */
const Cert *
keyring_cert(const Identity *identity);
/* Of Cert, without the leaf and without a self-signed root. transfer none. */
const GPtrArray *
keyring_chain(const Identity *identity);

/*
 * The text of an identity for its file: "# name: value" lines (fingerprint,
 * addresses, not after), PKCS#8 PRIVATE KEY, CERTIFICATE, chain. Secret:
 * wiped when the last reference goes. transfer full.
 */
GBytes *
keyring_write(const Identity *identity, GError **error);

/* Overwrites text with zeros and frees it. NULL allowed. */
void
keyring_wipe(char *text);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Identity, keyring_unref)

#endif
