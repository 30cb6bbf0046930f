/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A certificate revocation list (RFC 5280 5): parsed once, immutable, shared by
 * reference. A large one costs its DER and 16 bytes for each entry: the entries
 * are found in the DER where it lies (a mapping, when the caller reads one),
 * sorted by serial number, never as OpenSSL objects. Whether it is genuine, and
 * whether it says anything of a certificate, is revocation.h's question.
 * Thread-safe.
 */
#ifndef CRYPTO_CRL_H
#define CRYPTO_CRL_H

#include <glib.h>
#include <stdbool.h>

#include "crypto/cert.h"

typedef struct Crl Crl;

/*
 * One CRL: DER with nothing behind it, or PEM (the first block "X509 CRL").
 * content is kept when it is DER. ERROR_MALFORMED: no CRL, or a broken one, or
 * one with an unknown critical extension; the reason says which.
 */
Crl *crl_new(GBytes *content, GError **error);
Crl *crl_ref(Crl *crl);
void crl_unref(Crl *crl);

/* transfer full. */
GBytes *crl_der(const Crl *crl);
/* Lower-case hex SHA-256 of the DER; borrowed. */
const char *crl_fingerprint(const Crl *crl);
/* RFC 2253 text, UTF-8; borrowed. */
const char *crl_issuer(const Crl *crl);
/* A text that is equal for equal names (RFC 5280 7.1), as cert_subject_key()
 * gives it; borrowed. */
const char *crl_issuer_key(const Crl *crl);
/* Seconds since 1970; next 0: none is named. */
gint64 crl_this_update(const Crl *crl);
gint64 crl_next_update(const Crl *crl);
/* Upper-case hex; NULL: none. Borrowed. */
const char *crl_number(const Crl *crl);
bool crl_is_delta(const Crl *crl);
/* Entries. */
guint crl_count(const Crl *crl);

/* May one take the other's place: the same issuer, key identifier, scope
 * (issuing distribution point), both complete or both deltas. */
bool crl_same_scope(const Crl *a, const Crl *b);
/* Of two with the same scope: a is newer than b, by CRLNumber where both have
 * one, else by thisUpdate. */
bool crl_is_newer(const Crl *a, const Crl *b);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Crl, crl_unref)

#endif
