/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is a certificate revoked (RFC 5280 6.3)? Complete and delta CRLs, indirect
 * ones, partitions by reason and by kind of certificate, CRLs signed with
 * another key of the CA. Nothing is fetched here. Thread-safe; no state but the
 * signatures that a Crl remembers to have been checked.
 */
#ifndef CRYPTO_REVOCATION_H
#define CRYPTO_REVOCATION_H

#include <glib.h>
#include <stdbool.h>

#include "crypto/cert.h"
#include "crypto/chain.h"
#include "crypto/crl.h"

/* From best to worst. */
typedef enum {
	REVOCATION_GOOD,
	REVOCATION_NOT_CHECKED, /* nobody asked */
	REVOCATION_UNKNOWN,
	REVOCATION_REVOKED,
} RevocationStatus;

/* "good", "not checked", "unknown", "revoked" */
const char *revocation_name(RevocationStatus status);

typedef struct {
	RevocationStatus status;
	/* Static text. Revoked: "key compromise", ...; unknown: "no CRL is
	 * known", "the CRL has expired", ...; NULL when good. */
	const char *reason;
	gint64 since; /* revoked: since when, seconds since 1970; else 0 */
	gint64 until; /* when to ask again at the latest: the earliest
			 nextUpdate of the CRLs that were used; G_MAXINT64:
			 never */
} Revocation;

/*
 * A distribution point of a certificate (cRLDistributionPoints, freshestCRL):
 * the http and https URLs under which its one CRL is, the first is as good as
 * the last. Of char *.
 */
typedef struct {
	GPtrArray *urls;
	bool delta; /* of freshestCRL */
} RevocationPoint;

/* Of RevocationPoint, transfer full; points without such a URL are left out.
 * At most 10 points of at most 5 URLs of at most 2,048 bytes. */
GPtrArray *revocation_points(const Cert *cert);
void revocation_point_free(RevocationPoint *point);

/* The issuer keys (crl_issuer_key()) under which CRLs for cert may be: that of
 * its issuer, those of the cRLIssuer of its distribution points. Of char *,
 * transfer full. */
GPtrArray *revocation_issuer_keys(const Cert *cert);

/*
 * Is crl genuine? chain: of Cert, that of a certificate for which it is asked,
 * up to the anchor (chain_check()). The signer is a certificate of chain, of
 * others (untrusted; may be NULL) or of anchors that bears the CRL's issuer
 * name, may sign CRLs, and whose own path ends in the same anchor. The
 * signature is checked once for each Crl and signer. false with
 * ERROR_UNFIT: the reason.
 */
bool revocation_authentic(const Crl *crl, const GPtrArray *chain,
    const GPtrArray *others, const Anchors *anchors, gint64 at, GError **error);

/*
 * The state of chain->pdata[position], whose issuer follows it in chain. crls:
 * of Crl, in any order, also such as say nothing of it; others and anchors as
 * above. CRLs that are not genuine, not yet valid or expired at this time count
 * as if they were not there. An anchor (the last one) is REVOCATION_GOOD.
 */
void revocation_check(const GPtrArray *chain, guint position,
    const GPtrArray *crls, const GPtrArray *others, const Anchors *anchors,
    gint64 at, Revocation *revocation_out);

#endif
