/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verification of SignedData, each SignerInfo by itself, then the rule that
 * all must verify (STANDARDS 5.6, 5.7, 15; DESIGN 3.4.4 gives the result of
 * each case). Thread-safe.
 */
#ifndef CRYPTO_VERIFY_H
#define CRYPTO_VERIFY_H

#include <glib.h>
#include <stdbool.h>

#include "crypto/cert.h"
#include "crypto/chain.h"

/* RFC 8601 2.7.? and RFC 7281; from best to worst. */
typedef enum {
	VERIFY_PASS,
	VERIFY_NONE,
	VERIFY_NEUTRAL,
	VERIFY_POLICY,
	VERIFY_TEMPERROR,
	VERIFY_PERMERROR,
	VERIFY_FAIL,
} VerifyResult;

/* The word of RFC 8601: "pass", "fail", ... */
const char *
verify_result_name(VerifyResult result);

typedef struct {
	VerifyResult result;
	char *reason; /* NULL when pass */
	Cert *signer; /* NULL: certificate not there */
	char *address; /* the certificate's address that equals From, else its
			  first; NULL: none */
	gint64 signing_time; /* 0: absent */
	char *algorithm; /* "RSA-2048 sha256", "RSA-PSS ...", for people */
} VerifySignature;

void
verify_signature_free(VerifySignature *signature);

/* Limits: more is neutral. */
#define VERIFY_SIGNERS 10
#define VERIFY_CERTS 50

/*
 * blob: DER or BER SignedData. content: the raw first part of a
 * multipart/signed, or NULL for an opaque blob. from: the single From mailbox,
 * normalised, or NULL when there is not exactly one (then never pass). at:
 * seconds since 1970. The result has one element for each SignerInfo, at least
 * one (the element of a message without usable signers says why); of
 * VerifySignature, transfer full. When one is not pass, none is (each bears
 * the worst result, its own reason kept).
 * *inner_out (may be NULL): the content of an opaque blob, transfer full, NULL
 * for a detached one; untrusted unless all pass.
 */
GPtrArray *
verify_cms(GBytes *blob, GBytes *content, const Anchors *anchors,
    const char *from, gint64 at, GBytes **inner_out);

#endif
