/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Path validation (RFC 5280 6.1) by OpenSSL, with what it leaves out or does
 * otherwise added here: no S/MIME purpose (cert.c judges the leaf), but each CA
 * whose extended key usage is there must allow e-mail (RFC 8550 4.4.4), and
 * each intermediate needs basicConstraints. An anchor need not be self-signed.
 * SHA-1, MD5 and keys worth less than 112 bits (RSA below 2048) do not count as
 * proof; what the certificate's own key is good for is its user's question.
 * Policies and revocation are not asked. Anchors are immutable.
 */
#include "config.h"

#include "crypto/chain.h"

#include <openssl/err.h>

#include "crypto/cert-private.h"

/* 112 bits: OpenSSL's security level 2. */
#define LEVEL 2

struct Anchors {
	gatomicrefcount references;
	GPtrArray *certs;
	X509_STORE *store;
};

Anchors *
chain_anchors_new(const GPtrArray *certs)
{
	Anchors *anchors = g_new0(Anchors, 1);

	g_atomic_ref_count_init(&anchors->references);
	anchors->certs =
	    g_ptr_array_new_with_free_func((GDestroyNotify)cert_unref);
	anchors->store = X509_STORE_new();
	for (guint i = 0; i < certs->len; i++) {
		Cert *cert = certs->pdata[i];

		g_ptr_array_add(anchors->certs, cert_ref(cert));
		if (X509_STORE_add_cert(anchors->store, cert_x509(cert)) != 1) {
			g_error("OpenSSL cannot keep a certificate");
		}
	}
	return anchors;
}

Anchors *
chain_anchors_ref(Anchors *anchors)
{
	g_atomic_ref_count_inc(&anchors->references);
	return anchors;
}

void
chain_anchors_unref(Anchors *anchors)
{
	if (anchors == NULL || !g_atomic_ref_count_dec(&anchors->references)) {
		return;
	}
	X509_STORE_free(anchors->store);
	g_ptr_array_unref(anchors->certs);
	g_free(anchors);
}

guint
chain_anchors_count(const Anchors *anchors)
{
	return anchors->certs->len;
}

const GPtrArray *
chain_anchors_certs(const Anchors *anchors)
{
	return anchors->certs;
}

/* What the walk found out; dates are noted and passed over, so that a second
 * fault is seen. */
typedef struct {
	int date;  /* X509_V_OK, or what is wrong with a date */
	int fault; /* the first other one */
} Findings;

static bool
is_date(int code)
{
	return code == X509_V_ERR_CERT_HAS_EXPIRED ||
	    code == X509_V_ERR_CERT_NOT_YET_VALID;
}

static int
note_fault(int ok, X509_STORE_CTX *context)
{
	Findings *findings = X509_STORE_CTX_get_app_data(context);
	int code = X509_STORE_CTX_get_error(context);

	if (ok == 1) {
		return 1;
	}
	if (is_date(code)) {
		findings->date = code;
		return 1;
	}
	/* Its key is no proof of anything yet. */
	if (code == X509_V_ERR_EE_KEY_TOO_SMALL) {
		return 1;
	}
	findings->fault = code;
	return 0;
}

static bool
reaches_none(int code)
{
	switch (code) {
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_CERT_UNTRUSTED:
		return true;
	default:
		return false;
	}
}

static Cert *
find_cert(const GPtrArray *certs, const X509 *x509)
{
	for (guint i = 0; certs != NULL && i < certs->len; i++) {
		if (cert_x509(certs->pdata[i]) == x509) {
			return certs->pdata[i];
		}
	}
	return NULL;
}

/* OpenSSL's chain as our certificates. It holds nothing but what it got. */
static GPtrArray *
chain_of(X509_STORE_CTX *context, const Anchors *anchors, const Cert *cert,
    const GPtrArray *others)
{
	const X509Stack *stack = X509_STORE_CTX_get0_chain(context);
	GPtrArray *chain =
	    g_ptr_array_new_with_free_func((GDestroyNotify)cert_unref);

	for (int i = 0; i < sk_X509_num(stack); i++) {
		const X509 *x509 = sk_X509_value(stack, i);
		Cert *found = find_cert(anchors->certs, x509);

		if (found == NULL) {
			found = cert_x509(cert) == x509
			    ? (Cert *)cert
			    : find_cert(others, x509);
		}
		if (found != NULL) {
			g_ptr_array_add(chain, cert_ref(found));
		}
	}
	return chain;
}

static const char *
fault_of_cas(const GPtrArray *chain)
{
	for (guint i = 1; i < chain->len; i++) {
		const Cert *cert = chain->pdata[i];

		if (!cert_email_allowed(cert)) {
			return "a CA's extended key usage lacks "
			       "emailProtection";
		}
		/* OpenSSL also takes key usage alone; the anchor is trusted
		 * by the administrator's word. */
		if (i + 1 < chain->len && !cert_is_ca(cert)) {
			return "an intermediate is no CA certificate";
		}
	}
	return NULL;
}

static ChainResult
refuse(ChainResult result, const char *reason, const char **reason_out)
{
	if (reason_out != NULL) {
		*reason_out = reason;
	}
	return result;
}

static bool
prepare(X509_STORE_CTX *context, const Anchors *anchors, const Cert *cert,
    X509Stack *others, gint64 at, Findings *findings)
{
	X509_VERIFY_PARAM *rules = NULL;

	if (context == NULL ||
	    X509_STORE_CTX_init(
		context, anchors->store, cert_x509(cert), others) != 1 ||
	    X509_STORE_CTX_set_app_data(context, findings) != 1) {
		return false;
	}
	X509_STORE_CTX_set_verify_cb(context, note_fault);
	rules = X509_STORE_CTX_get0_param(context);
	X509_VERIFY_PARAM_set_time(rules, (time_t)at);
	X509_VERIFY_PARAM_set_depth(rules, CHAIN_DEPTH);
	X509_VERIFY_PARAM_set_auth_level(rules, LEVEL);
	return X509_VERIFY_PARAM_set_flags(rules, X509_V_FLAG_PARTIAL_CHAIN) ==
	    1;
}

static ChainResult
judge(X509_STORE_CTX *context, const Anchors *anchors, const Cert *cert,
    const GPtrArray *others, const Findings *findings, const char **reason_out,
    GPtrArray **chain_out)
{
	g_autoptr(GPtrArray) chain = NULL;
	const char *fault = NULL;

	if (findings->fault != X509_V_OK) {
		return reaches_none(findings->fault)
		    ? refuse(CHAIN_UNTRUSTED,
			  "no trust anchor vouches for its issuer", reason_out)
		    : refuse(CHAIN_INVALID,
			  X509_verify_cert_error_string(findings->fault),
			  reason_out);
	}
	chain = chain_of(context, anchors, cert, others);
	fault = fault_of_cas(chain);
	if (fault != NULL) {
		return refuse(CHAIN_INVALID, fault, reason_out);
	}
	if (findings->date != X509_V_OK) {
		return refuse(CHAIN_EXPIRED,
		    X509_verify_cert_error_string(findings->date), reason_out);
	}
	if (chain_out != NULL) {
		*chain_out = g_steal_pointer(&chain);
	}
	return CHAIN_OK;
}

ChainResult
chain_check(const Anchors *anchors, const Cert *cert, const GPtrArray *others,
    gint64 at, const char **reason_out, GPtrArray **chain_out)
{
	g_autoptr(X509_STORE_CTX) context = X509_STORE_CTX_new();
	X509Stack *untrusted = cert_stack(others);
	Findings findings = { X509_V_OK, X509_V_OK };
	ChainResult result = CHAIN_INVALID;

	ERR_clear_error();
	if (!prepare(context, anchors, cert, untrusted, at, &findings)) {
		refuse(result, "OpenSSL cannot begin", reason_out);
	} else {
		if (X509_verify_cert(context) != 1 &&
		    findings.fault == X509_V_OK) {
			findings.fault = X509_V_ERR_UNSPECIFIED;
		}
		result = judge(context, anchors, cert, others, &findings,
		    reason_out, chain_out);
	}
	/* The certificates in it are borrowed. */
	sk_X509_free(untrusted);
	ERR_clear_error();
	return result;
}
