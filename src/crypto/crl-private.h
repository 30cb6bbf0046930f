/* SPDX-License-Identifier: Apache-2.0 */
/* A CRL's inside: for src/crypto only. */
#ifndef CRYPTO_CRL_PRIVATE_H
#define CRYPTO_CRL_PRIVATE_H

#include <pthread.h>

#include "crypto/crl.h"
#include "crypto/der.h"
#include "crypto/openssl.h"

/* CRLReason (RFC 5280 5.3.1). */
enum {
	CRL_UNSPECIFIED = 0,
	CRL_HOLD = 6,
	CRL_REMOVED = 8,
	CRL_REASONS = 11,
};

/* 16 bytes, since there may be millions. */
typedef struct {
	guint32 offset; /* of the serial number's content in the DER */
	guint32 issuer; /* index into issuers */
	guint32 prefix; /* the serial number's first octets: a search seldom
			   needs the DER */
	guint8 length;
	guint8 reason;
} CrlEntry;

typedef struct {
	const guint8 *base; /* the DER */
	CrlEntry *list;	    /* sorted by issuer, then by serial number */
	guint count;
	GHashTable *indices; /* name key to index + 1 */
	GPtrArray *issuers;  /* name keys; the first is the CRL's issuer */
} CrlEntries;

/*
 * revoked: what is in revokedCertificates. extensible: CRL version 2. A whole
 * CrlEntries, even after a failure, is for crl_entries_clear().
 * ERROR_MALFORMED, ERROR_LIMIT.
 */
bool
crl_entries_read(CrlEntries *entries, const guint8 *base, DerSpan revoked,
    bool extensible, const char *issuer_key, GError **error);
void
crl_entries_clear(CrlEntries *entries);
/* NULL: not listed. Where one is listed more than once, not what lifts it. */
const CrlEntry *
crl_entries_find(
    const CrlEntries *entries, const char *issuer_key, DerSpan serial);
/* Seconds since 1970; 0: no sound time. */
gint64
crl_entries_since(
    const CrlEntries *entries, gsize length, const CrlEntry *entry);

struct Crl {
	gatomicrefcount references;
	GBytes *der;
	char *fingerprint;
	char *issuer;
	char *issuer_key;
	gint64 this_update;
	gint64 next_update;
	char *number;
	char *base; /* of a delta: the number it builds on; else NULL */
	char *scope; /* equal for equal scopes, deltas left aside */
	AUTHORITY_KEYID *key_id;   /* NULL: none */
	ISSUING_DIST_POINT *point; /* NULL: none; names are whole */
	DerSpan tbs;
	X509_ALGOR *algorithm;
	ASN1_BIT_STRING *signature;
	CrlEntries entries;
	pthread_mutex_t lock;
	GHashTable *signers; /* fingerprint to fault or NULL; under lock */
};

/* The signature verifies with this certificate's key, and neither is weak:
 * NULL, else the reason (static). Worked out once for each signer. */
const char *
crl_signature_fault(const Crl *crl, const Cert *signer);

typedef struct {
	bool removed; /* removeFromCRL: no longer on hold */
	const char *reason; /* static */
	gint64 since;
} CrlFinding;

/* false: crl does not list cert. */
bool
crl_lookup(const Crl *crl, const Cert *cert, CrlFinding *finding_out);

/* A delta may be put on top of this complete one (RFC 5280 5.2.4). */
bool
crl_delta_fits(const Crl *delta, const Crl *complete);
/* As crl_is_newer(), when one may be a delta. */
bool
crl_is_later(const Crl *a, const Crl *b);

#endif
