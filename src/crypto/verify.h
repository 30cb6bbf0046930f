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
#include "crypto/revocation.h"

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

/* What is known of a certificate's issuers. */
typedef struct {
	ChainResult chain;
	const char *chain_reason; /* static; NULL when CHAIN_OK */
	GPtrArray *path; /* of Cert, from the certificate to the anchor; NULL
			    unless CHAIN_OK */
	Revocation revocation; /* the worst of path; not checked unless
				  CHAIN_OK */
	bool revoked_issuer;   /* it is an issuer that was revoked */
} TrustVerdict;

void verify_trust_clear(TrustVerdict *trust);

/*
 * Asked for each signer (store/trust.h has the real one). others, crls: those
 * in the message, untrusted. *trust_out is written whole; its path is the
 * caller's.
 */
typedef void (*TrustJudge)(gpointer data, const Cert *cert,
    const GPtrArray *others, const GPtrArray *crls, gint64 at,
    TrustVerdict *trust_out);

/* The word of RFC 8601: "pass", "fail", ... */
const char *verify_result_name(VerifyResult result);

typedef struct {
	VerifyResult result; /* with the other signatures taken into account */
	VerifyResult own;    /* of this one by itself */
	char *reason;        /* NULL when pass */
	char *remark;        /* "revocation unknown" beside a pass; NULL */
	Cert *signer;        /* NULL: its certificate is not there */
	char *address; /* the certificate's address that equals From, else its
			  first; NULL: none */
	gint64 signing_time; /* 0: absent */
	char *algorithm;     /* "RSA-2048 sha256", "RSA-PSS ...", for people */
	TrustVerdict trust;  /* of signer */
	/* Sound in all but this: the chain reaches no anchor. Then own is
	 * policy. */
	bool untrusted_only;
	/* The certificate to encrypt to (RFC 8551 2.5.3): what the key
	 * preference names if it is in the message, else the signer's when fit,
	 * else one in the message with the signer's subject that is fit. Its
	 * trust is not asked here. NULL: none. */
	Cert *encryption;
	char *capabilities; /* capabilities_text(); NULL: not announced */
} VerifySignature;

void verify_signature_free(VerifySignature *signature);

/* Limits: more is neutral. */
#define VERIFY_SIGNERS 10
#define VERIFY_CERTS 50
#define VERIFY_CRLS 10

typedef struct {
	const char *from; /* the single From mailbox, normalised; NULL: there is
			     not exactly one, then never pass */
	gint64 at;        /* seconds since 1970 */
	bool accept_weak; /* SHA-1, MD5, RSA under 2048 bits do not spoil */
	bool
	    hard; /* unknown revocation is temperror; else pass with a remark */
	const GPtrArray *known; /* of Cert: where a signer may be found whose
				   certificate is not in the message; or NULL */
	TrustJudge trust;
	gpointer data; /* for trust */
} VerifyRules;

typedef struct {
	GPtrArray *signatures; /* of VerifySignature; one for each SignerInfo,
				  at least one: that of a message without usable
				  signers says why. When one is not pass none
				  is: each bears the worst result, its own
				  reason kept */
	GPtrArray *certs;      /* of Cert: all in the message */
	GPtrArray *crls;       /* of Crl: all in the message */
	GBytes *inner; /* the content of an opaque blob, untrusted unless all
			  pass; NULL for a detached one */
} Verification;

void verify_free(Verification *verification);

/*
 * blob: DER or BER SignedData. content: the raw first part of a
 * multipart/signed, or NULL for an opaque blob. Never fails: what cannot be
 * judged is a result. transfer full.
 */
Verification *verify_cms(
    GBytes *blob, GBytes *content, const VerifyRules *rules);

/* Makes each of signatures (of VerifySignature, those of several layers
 * perhaps) bear the worst result of all. */
void verify_spread_worst(GPtrArray *signatures);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Verification, verify_free)

#endif
