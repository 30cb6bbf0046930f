/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CRLs of a test's public key infrastructure (pki.h), made and signed by
 * OpenSSL's library, so that our own parser is not its own judge. For tests
 * only.
 */
#ifndef TESTS_CRL_MAKER_H
#define TESTS_CRL_MAKER_H

#include <glib.h>

#include "crypto/crl.h"

typedef struct {
	const char *issuer;  /* NAME.pem: its subject issues the CRL */
	const char *signer;  /* NAME.key signs; NULL: the issuer's */
	const char *entries; /* "CERT[:REASON[:ISSUER]] ...", where CERT and
				ISSUER are NAME.pem, or CERT is 0xHEX and
				REASON a number or empty; NULL: none */
	const char *extensions; /* OpenSSL configuration that begins in the
				   section for them; NULL: none */
	int number;		/* 0: none */
	int base;		/* 0: complete; else a delta */
	int from; /* hours from now; both 0: -1 and 24; to -9999: none */
	int to;
	const char *digest; /* NULL: sha256 */
} CrlPlan;

#define CRL_NO_NEXT (-9999)

/* DER, in a block of exactly its length. */
GBytes *
crl_make(const char *directory, const CrlPlan *plan);
Crl *
crl_make_parsed(const char *directory, const CrlPlan *plan);

#endif
