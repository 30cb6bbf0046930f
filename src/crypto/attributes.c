/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signed attributes of one SignerInfo. OpenSSL hands them over as they came;
 * what RFC 5652 11, RFC 8551 2.5 and 6211 demand of them is checked here,
 * because CMS_verify() leaves most of it out. The values of signingCertificate
 * and CMSAlgorithmProtection have no public type in OpenSSL, so their few
 * fields are walked.
 */
#include "config.h"

#include "crypto/attributes.h"

#include <string.h>

#include <openssl/err.h>

/* id-aa-CMSAlgorithmProtect, unknown to OpenSSL 3.0. */
#define ALGORITHM_PROTECTION "1.2.840.113549.1.9.52"
/* [2] IMPLICIT OCTET STRING */
#define SUBJECT_KEY 0x82

bool
attributes_present(CMS_SignerInfo *info)
{
	return CMS_signed_get_attr_count(info) > 0;
}

/* -1: absent; -2: there twice, or with not exactly one value. */
static int
single(CMS_SignerInfo *info, const ASN1_OBJECT *type)
{
	int at = CMS_signed_get_attr_by_OBJ(info, type, -1);

	if (at < 0) {
		return -1;
	}
	if (CMS_signed_get_attr_by_OBJ(info, type, at) >= 0 ||
	    X509_ATTRIBUTE_count(CMS_signed_get_attr(info, at)) != 1) {
		return -2;
	}
	return at;
}

/* The single value; NULL: absent, or not single. */
static const ASN1_TYPE *
value_of(CMS_SignerInfo *info, int nid)
{
	int at = single(info, OBJ_nid2obj(nid));

	if (at < 0) {
		return NULL;
	}
	return X509_ATTRIBUTE_get0_type(CMS_signed_get_attr(info, at), 0);
}

static int
single_protection(CMS_SignerInfo *info)
{
	ASN1_OBJECT *type = OBJ_txt2obj(ALGORITHM_PROTECTION, 1);
	int at = single(info, type);

	ASN1_OBJECT_free(type);
	return at;
}

const char *
attributes_fault(CMS_SignerInfo *info)
{
	static const struct {
		int nid;
		bool required;
		const char *fault;
	} RULES[] = {
		{ NID_pkcs9_contentType, true,
		    "not exactly one content type attribute" },
		{ NID_pkcs9_messageDigest, true,
		    "not exactly one message digest attribute" },
		{ NID_pkcs9_signingTime, false,
		    "more than one signing time attribute" },
		{ NID_SMIMECapabilities, false,
		    "more than one capabilities attribute" },
		{ NID_id_smime_aa_encrypKeyPref, false,
		    "more than one key preference attribute" },
		{ NID_id_smime_aa_signingCertificate, false,
		    "more than one signing certificate attribute" },
		{ NID_id_smime_aa_signingCertificateV2, false,
		    "more than one signing certificate attribute" },
	};

	for (guint i = 0; i < G_N_ELEMENTS(RULES); i++) {
		int at = single(info, OBJ_nid2obj(RULES[i].nid));

		if (at == -2 || (at == -1 && RULES[i].required)) {
			return RULES[i].fault;
		}
	}
	if (single_protection(info) == -2) {
		return "more than one algorithm protection attribute";
	}
	return NULL;
}

bool
attributes_match_type(CMS_SignerInfo *info, const ASN1_OBJECT *type)
{
	const ASN1_TYPE *value = value_of(info, NID_pkcs9_contentType);

	return value != NULL && value->type == V_ASN1_OBJECT &&
	    OBJ_cmp(value->value.object, type) == 0;
}

bool
attributes_match_digest(CMS_SignerInfo *info, const guint8 *hash, gsize length)
{
	const ASN1_TYPE *value = value_of(info, NID_pkcs9_messageDigest);
	const ASN1_OCTET_STRING *octets = NULL;

	if (value == NULL || value->type != V_ASN1_OCTET_STRING) {
		return false;
	}
	octets = value->value.octet_string;
	return (gsize)ASN1_STRING_length(octets) == length &&
	    memcmp(ASN1_STRING_get0_data(octets), hash, length) == 0;
}

gint64
attributes_signing_time(CMS_SignerInfo *info)
{
	const ASN1_TYPE *value = value_of(info, NID_pkcs9_signingTime);
	gint64 seconds = 0;

	if (value == NULL ||
	    (value->type != V_ASN1_UTCTIME &&
		value->type != V_ASN1_GENERALIZEDTIME) ||
	    !openssl_time(value->value.asn1_string, &seconds)) {
		return 0;
	}
	return seconds;
}

/* The content of an attribute value that is a SEQUENCE. */
static bool
enter(const ASN1_TYPE *value, DerSpan *inside_out)
{
	DerItem item;
	DerSpan span;

	if (value->type != V_ASN1_SEQUENCE) {
		return false;
	}
	span.data = ASN1_STRING_get0_data(value->value.sequence);
	span.length = (gsize)ASN1_STRING_length(value->value.sequence);
	if (!der_next_tagged(&span, DER_SEQUENCE, &item)) {
		return false;
	}
	*inside_out = item.content;
	return true;
}

static X509_ALGOR *
algorithm_of(const DerItem *item)
{
	g_autofree guint8 *copy = g_malloc(item->whole.length);
	const guint8 *at = copy;

	/* It may bear an implicit tag. */
	memcpy(copy, item->whole.data, item->whole.length);
	copy[0] = DER_SEQUENCE;
	return d2i_X509_ALGOR(NULL, &at, (long)item->whole.length);
}

static bool
hash_equals(const EVP_MD *md, const Cert *cert, DerSpan want)
{
	g_autoptr(GBytes) der = cert_der(cert);
	DerSpan span = der_span(der);
	guint8 hash[EVP_MAX_MD_SIZE];
	guint length = 0;

	return md != NULL &&
	    EVP_Digest(span.data, span.length, hash, &length, md, NULL) == 1 &&
	    want.length == length && memcmp(want.data, hash, length) == 0;
}

/* RFC 5035 3 and 5.4.1: the first ESSCertID is the signer's. The hash covers
 * the whole certificate, so issuer and serial cannot add anything. */
static bool
names_cert(const ASN1_TYPE *value, const char *standard, const Cert *cert)
{
	const EVP_MD *md = EVP_get_digestbyname(standard);
	DerSpan span;
	DerItem item;

	if (!enter(value, &span) ||
	    !der_next_tagged(&span, DER_SEQUENCE, &item)) {
		return false;
	}
	span = item.content;
	if (!der_next_tagged(&span, DER_SEQUENCE, &item)) {
		return false;
	}
	span = item.content;
	if (!der_next(&span, &item)) {
		return false;
	}
	if (item.tag == DER_SEQUENCE) {
		X509_ALGOR *algorithm = algorithm_of(&item);
		const ASN1_OBJECT *object = NULL;

		X509_ALGOR_get0(&object, NULL, NULL, algorithm);
		md = EVP_get_digestbyobj(object);
		X509_ALGOR_free(algorithm);
		if (!der_next(&span, &item)) {
			return false;
		}
	}
	return item.tag == DER_OCTET_STRING &&
	    hash_equals(md, cert, item.content);
}

bool
attributes_match_cert(CMS_SignerInfo *info, const Cert *cert)
{
	const ASN1_TYPE *first =
	    value_of(info, NID_id_smime_aa_signingCertificate);
	const ASN1_TYPE *second =
	    value_of(info, NID_id_smime_aa_signingCertificateV2);

	return (first == NULL || names_cert(first, "SHA1", cert)) &&
	    (second == NULL || names_cert(second, "SHA256", cert));
}

static bool
is_empty(const ASN1_TYPE *parameters)
{
	return parameters == NULL || parameters->type == V_ASN1_UNDEF ||
	    parameters->type == V_ASN1_NULL;
}

/* RFC 6211 2, with absent parameters and NULL alike. */
static bool
equal(const X509_ALGOR *a, const X509_ALGOR *b)
{
	if (OBJ_cmp(a->algorithm, b->algorithm) != 0) {
		return false;
	}
	if (is_empty(a->parameter) || is_empty(b->parameter)) {
		return is_empty(a->parameter) && is_empty(b->parameter);
	}
	return ASN1_TYPE_cmp(a->parameter, b->parameter) == 0;
}

static bool
next_equals(DerSpan *span, guint8 tag, const X509_ALGOR *want)
{
	DerItem item;
	X509_ALGOR *algorithm = NULL;
	bool same = false;

	if (!der_next_tagged(span, tag, &item)) {
		return false;
	}
	algorithm = algorithm_of(&item);
	same = algorithm != NULL && equal(algorithm, want);
	X509_ALGOR_free(algorithm);
	return same;
}

bool
attributes_match_algorithms(CMS_SignerInfo *info)
{
	int at = single_protection(info);
	X509_ALGOR *digest = NULL;
	X509_ALGOR *signature = NULL;
	const ASN1_TYPE *value = NULL;
	DerSpan span;

	if (at < 0) {
		return true;
	}
	value = X509_ATTRIBUTE_get0_type(CMS_signed_get_attr(info, at), 0);
	CMS_SignerInfo_get0_algs(info, NULL, NULL, &digest, &signature);
	return enter(value, &span) &&
	    next_equals(&span, DER_SEQUENCE, digest) &&
	    next_equals(&span, DER_CONTEXT_1, signature);
}

GBytes *
attributes_capabilities(CMS_SignerInfo *info)
{
	const ASN1_TYPE *value = value_of(info, NID_SMIMECapabilities);

	if (value == NULL || value->type != V_ASN1_SEQUENCE) {
		return NULL;
	}
	return g_bytes_new(ASN1_STRING_get0_data(value->value.sequence),
	    (gsize)ASN1_STRING_length(value->value.sequence));
}

static bool
read_issuer_and_serial(DerSpan span, AttributesPreference *preference)
{
	DerItem issuer;
	DerItem serial;
	const guint8 *at = NULL;

	if (!der_next_tagged(&span, DER_SEQUENCE, &issuer) ||
	    !der_next_tagged(&span, DER_INTEGER, &serial)) {
		return false;
	}
	at = issuer.whole.data;
	preference->issuer =
	    d2i_X509_NAME(NULL, &at, (long)issuer.whole.length);
	at = serial.whole.data;
	preference->serial =
	    d2i_ASN1_INTEGER(NULL, &at, (long)serial.whole.length);
	if (preference->issuer == NULL || preference->serial == NULL) {
		ERR_clear_error();
		attributes_preference_clear(preference);
		return false;
	}
	return true;
}

/* RFC 8551 2.5.3: a CHOICE with implicit tags, so OpenSSL leaves it encoded. */
bool
attributes_preference(
    CMS_SignerInfo *info, AttributesPreference *preference_out)
{
	const ASN1_TYPE *value = value_of(info, NID_id_smime_aa_encrypKeyPref);
	DerSpan span;
	DerItem item;

	if (value == NULL || value->type != V_ASN1_OTHER) {
		return false;
	}
	span.data = ASN1_STRING_get0_data(value->value.asn1_string);
	span.length = (gsize)ASN1_STRING_length(value->value.asn1_string);
	if (!der_next(&span, &item)) {
		return false;
	}
	span = item.content;
	switch (item.tag) {
	case DER_CONTEXT_0:
		return read_issuer_and_serial(span, preference_out);
	case DER_CONTEXT_1:
		/* RecipientKeyIdentifier */
		if (!der_next_tagged(&span, DER_OCTET_STRING, &item)) {
			return false;
		}
		break;
	case SUBJECT_KEY:
		break;
	default:
		return false;
	}
	preference_out->key = item.content;
	return true;
}

void
attributes_preference_clear(AttributesPreference *preference)
{
	g_clear_pointer(&preference->issuer, X509_NAME_free);
	g_clear_pointer(&preference->serial, ASN1_INTEGER_free);
}
