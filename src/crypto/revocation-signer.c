/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who signed a CRL (RFC 5280 6.3.3 (f), (g))? Whoever bears its issuer's name,
 * may sign CRLs and reaches the same anchor as the certificate that is judged;
 * that is not always the CA's present key. Paths come before signatures: they
 * are cheap, and strangers cannot have us hash a large CRL once for each of
 * their certificates. The certificate that is judged has no part in it: with
 * its stolen key it could acquit itself.
 */
#include "config.h"

#include "crypto/cert-private.h"
#include "crypto/revocation-private.h"

/* Certificates with the same name that are tried for one CRL. */
#define CANDIDATES_MAX 16

static const char NO_SIGNER[] = "its signer is not known";

static bool
same_cert(const Cert *a, const Cert *b)
{
	return g_str_equal(cert_fingerprint(a), cert_fingerprint(b));
}

static bool
holds(const GPtrArray *certs, const Cert *cert)
{
	for (guint i = 0; certs != NULL && i < certs->len; i++) {
		if (same_cert(certs->pdata[i], cert)) {
			return true;
		}
	}
	return false;
}

/* Both name a key, and not the same. */
static bool
wrong_key(const Crl *crl, const Cert *cert)
{
	const ASN1_OCTET_STRING *mine =
	    X509_get0_subject_key_id(cert_x509(cert));
	const ASN1_OCTET_STRING *named =
	    crl->key_id != NULL ? crl->key_id->keyid : NULL;

	return mine != NULL && named != NULL &&
	    ASN1_OCTET_STRING_cmp(mine, named) != 0;
}

static bool
is_candidate(const Crl *crl, const Cert *cert)
{
	return g_str_equal(cert_subject_key(cert), crl_issuer_key(crl)) &&
	    !wrong_key(crl, cert);
}

static const char *
judge(const Crl *crl, const Cert *cert)
{
	return cert_may_sign_crls(cert)
	    ? crl_signature_fault(crl, cert)
	    : "its signer's key usage lacks cRLSign";
}

static const char *
try_chain(SignerSearch *search, const Crl *crl)
{
	const char *fault = NO_SIGNER;

	for (guint i = search->first; i < search->chain->len; i++) {
		const Cert *cert = search->chain->pdata[i];

		if (!is_candidate(crl, cert)) {
			continue;
		}
		fault = judge(crl, cert);
		if (fault == NULL) {
			return NULL;
		}
	}
	return fault;
}

static void
append_all(GPtrArray *list, const GPtrArray *certs)
{
	for (guint i = 0; certs != NULL && i < certs->len; i++) {
		g_ptr_array_add(list, certs->pdata[i]);
	}
}

static void
prepare(SignerSearch *search)
{
	g_autoptr(GPtrArray) last = NULL;

	if (search->root != NULL) {
		return;
	}
	last = g_ptr_array_new();
	g_ptr_array_add(last, search->chain->pdata[search->chain->len - 1]);
	search->root = chain_anchors_new(last);
	search->helpers = g_ptr_array_new();
	append_all(search->helpers, search->others);
	append_all(search->helpers, search->chain);
}

/* Its own path is what the chain's certificates have for nothing. */
static const char *
judge_stranger(SignerSearch *search, const Crl *crl, const Cert *cert)
{
	g_autoptr(GPtrArray) path = NULL;

	prepare(search);
	if (chain_check(search->root, cert, search->helpers, search->at, NULL,
		&path) != CHAIN_OK) {
		return "its signer does not reach the same anchor";
	}
	if (search->judged != NULL && holds(path, search->judged)) {
		return "its signer depends on the certificate in question";
	}
	if (search->allow != NULL && !search->allow(search->data, path)) {
		return "its signer is revoked";
	}
	return judge(crl, cert);
}

static const char *
try_strangers(SignerSearch *search, const Crl *crl, const GPtrArray *certs,
    guint *tried, const char *fault)
{
	for (guint i = 0; certs != NULL && i < certs->len; i++) {
		const Cert *cert = certs->pdata[i];

		if (!is_candidate(crl, cert) || holds(search->chain, cert)) {
			continue;
		}
		if (++*tried > CANDIDATES_MAX) {
			break;
		}
		fault = judge_stranger(search, crl, cert);
		if (fault == NULL) {
			return NULL;
		}
	}
	return fault;
}

const char *
revocation_signer_fault(SignerSearch *search, const Crl *crl)
{
	const char *fault = try_chain(search, crl);
	guint tried = 0;

	if (fault != NULL && search->anchors != NULL) {
		fault = try_strangers(search, crl,
		    chain_anchors_certs(search->anchors), &tried, fault);
	}
	tried = 0;
	if (fault != NULL) {
		fault =
		    try_strangers(search, crl, search->others, &tried, fault);
	}
	return fault;
}

void
revocation_signer_clear(SignerSearch *search)
{
	g_clear_pointer(&search->root, chain_anchors_unref);
	g_clear_pointer(&search->helpers, g_ptr_array_unref);
}

bool
revocation_authentic(const Crl *crl, const GPtrArray *chain,
    const GPtrArray *others, const Anchors *anchors, gint64 at, GError **error)
{
	g_auto(SignerSearch) search = {
		.chain = chain,
		.others = others,
		.anchors = anchors,
		.at = at,
	};
	const char *fault = revocation_signer_fault(&search, crl);

	if (fault != NULL) {
		g_set_error(error, ERROR_DOMAIN, ERROR_UNFIT, "CRL of %s: %s",
		    crl_issuer(crl), fault);
		return false;
	}
	return true;
}
