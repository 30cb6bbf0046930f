/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which certificate is meant: the one that signed (RFC 5652 5.3), and the one
 * to encrypt to (RFC 8551 2.5.3, 2.5.3.1). Names are compared as OpenSSL does,
 * RFC 5280 7.1. No state.
 */
#include "config.h"

#include "crypto/verify-private.h"

#include <string.h>

#include "crypto/attributes.h"
#include "crypto/cert-private.h"

static bool
is_in_time(const VerifyCase *inquiry, const Cert *cert)
{
	return cert_not_before(cert) <= inquiry->rules->at &&
	    inquiry->rules->at <= cert_not_after(cert);
}

/* Several certificates may share a key identifier, or issuer and serial. Meant
 * is the one whose key verifies and whom the signer names; of those, one that
 * is valid now. */
static guint
rank(const VerifyCase *inquiry, guint index, const Cert *cert)
{
	CMS_SignerInfo *info = verify_info(inquiry, index);
	guint points = is_in_time(inquiry, cert) ? 1 : 0;

	if (verify_key_bearable(cert) &&
	    verify_signed_by(inquiry, index, cert) &&
	    attributes_match_cert(info, cert)) {
		points += 2;
	}
	return points;
}

static Cert *
find_among(const VerifyCase *inquiry, guint index, const GPtrArray *certs)
{
	g_autoptr(GPtrArray) candidates = g_ptr_array_new();
	CMS_SignerInfo *info = verify_info(inquiry, index);
	Cert *best = NULL;
	guint most = 0;

	for (guint i = 0; i < certs->len; i++) {
		Cert *cert = certs->pdata[i];

		if (CMS_SignerInfo_cert_cmp(info, cert_x509(cert)) == 0) {
			g_ptr_array_add(candidates, cert);
		}
	}
	if (candidates->len < 2) {
		return candidates->len > 0 ? candidates->pdata[0] : NULL;
	}
	for (guint i = 0; i < candidates->len; i++) {
		Cert *cert = candidates->pdata[i];
		guint points = rank(inquiry, index, cert);

		if (best == NULL || points > most) {
			best = cert;
			most = points;
		}
	}
	return best;
}

Cert *
verify_find_signer(const VerifyCase *inquiry, guint index)
{
	const GPtrArray *known = inquiry->rules->known;
	Cert *found = find_among(inquiry, index, inquiry->data->certs);

	if (found == NULL && known != NULL) {
		found = find_among(inquiry, index, known);
	}
	return found;
}

static bool
has_subject_of(const Cert *cert, const Cert *other)
{
	return X509_NAME_cmp(X509_get_subject_name(cert_x509(cert)),
		   X509_get_subject_name(cert_x509(other))) == 0;
}

static bool
is_named(const AttributesPreference *preference, const Cert *cert)
{
	X509 *x509 = cert_x509(cert);
	const ASN1_OCTET_STRING *key = NULL;

	if (preference->issuer != NULL) {
		return X509_NAME_cmp(preference->issuer,
			   X509_get_issuer_name(x509)) == 0 &&
		    ASN1_INTEGER_cmp(
			preference->serial, X509_get0_serialNumber(x509)) == 0;
	}
	key = X509_get0_subject_key_id(x509);
	return key != NULL &&
	    (gsize)ASN1_STRING_length(key) == preference->key.length &&
	    memcmp(ASN1_STRING_get0_data(key), preference->key.data,
		preference->key.length) == 0;
}

/* RFC 8551 4: encryption to a weak key is no encryption. */
static bool
is_fit(const Cert *cert)
{
	return cert_fit_for_encryption(cert, NULL) && verify_key_strong(cert);
}

static Cert *
find_named(const VerifyCase *inquiry, guint index)
{
	const GPtrArray *certs = inquiry->data->certs;
	g_auto(AttributesPreference) preference = { 0 };
	Cert *found = NULL;

	if (!attributes_preference(verify_info(inquiry, index), &preference)) {
		return NULL;
	}
	for (guint i = 0; i < certs->len && found == NULL; i++) {
		if (is_named(&preference, certs->pdata[i]) &&
		    is_fit(certs->pdata[i])) {
			found = certs->pdata[i];
		}
	}
	return found;
}

Cert *
verify_find_encryption(const VerifyCase *inquiry, guint index, Cert *signer)
{
	const GPtrArray *certs = inquiry->data->certs;
	Cert *found = find_named(inquiry, index);

	if (found == NULL && is_fit(signer)) {
		found = signer;
	}
	for (guint i = 0; i < certs->len && found == NULL; i++) {
		Cert *cert = certs->pdata[i];

		if (has_subject_of(cert, signer) && !cert_is_ca(cert) &&
		    is_in_time(inquiry, cert) && is_fit(cert)) {
			found = cert;
		}
	}
	return found != NULL ? cert_ref(found) : NULL;
}
