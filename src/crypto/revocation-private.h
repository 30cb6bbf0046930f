/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of revocation.c: for src/crypto only. */
#ifndef CRYPTO_REVOCATION_PRIVATE_H
#define CRYPTO_REVOCATION_PRIVATE_H

#include "crypto/crl-private.h"
#include "crypto/revocation.h"

/* The certificate's distribution points, or those of freshestCRL, with relative
 * names made whole; NULL: none, or malformed. Yours. */
DistPoints *
revocation_read_points(const Cert *cert, int nid);

/* Bits of ReasonFlags (RFC 5280 4.2.1.13), keyCompromise to aACompromise. */
#define REVOCATION_ALL_REASONS 0x1FEu

/*
 * The reasons for which crl answers for cert, whose distribution points are
 * points (may be NULL); 0: it says nothing of it. RFC 5280 6.3.3 (b) to (d).
 */
guint
revocation_scope(const Crl *crl, const Cert *cert, const DistPoints *points);

/* Where signers of CRLs are looked for. */
typedef struct {
	const GPtrArray *chain; /* of Cert, up to the anchor */
	guint first; /* only chain's certificates from here on may sign */
	const Cert *judged; /* in no signer's path; NULL: nobody is judged */
	const GPtrArray *others; /* NULL: none */
	const Anchors *anchors;
	gint64 at;
	Anchors *root;	   /* the chain's anchor alone; made when needed */
	GPtrArray *helpers; /* others and chain; made when needed */
	/* Asked for the path of a signer outside of chain: false refuses it.
	 * NULL: nobody is asked. */
	bool (*allow)(gpointer data, const GPtrArray *path);
	gpointer data;
} SignerSearch;

/* One that vouches for crl was found: NULL, else the reason (static). */
const char *
revocation_signer_fault(SignerSearch *search, const Crl *crl);
void
revocation_signer_clear(SignerSearch *search);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(SignerSearch, revocation_signer_clear)

#endif
