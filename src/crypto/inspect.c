/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a CMS structure says of itself (RFC 5652, RFC 5083), as lines of text.
 * Nothing is verified, decrypted or trusted; names come from whoever made it,
 * cleaned for display where they are printed. Pure functions.
 */
#include "config.h"

#include "crypto/inspect.h"

#include <openssl/err.h>

#include "base/text.h"
#include "crypto/cert-private.h"
#include "crypto/cms-private.h"
#include "crypto/der.h"

static char *
issuer_and_serial(const X509_NAME *issuer, const ASN1_INTEGER *serial)
{
	g_autofree char *name = openssl_name_text(issuer);
	g_autofree char *number = openssl_serial_text(serial);

	return g_strdup_printf("issuer %s, serial %s", name, number);
}

static char *
holder(const X509_NAME *issuer, const ASN1_INTEGER *serial,
    const ASN1_OCTET_STRING *key)
{
	g_autofree char *hex = NULL;

	if (issuer != NULL && serial != NULL) {
		return issuer_and_serial(issuer, serial);
	}
	if (key == NULL) {
		return g_strdup("unknown holder");
	}
	hex = text_hex(
	    ASN1_STRING_get0_data(key), (gsize)ASN1_STRING_length(key));
	return g_strdup_printf("key identifier %s", hex);
}

static void
add_signers(GPtrArray *lines, CMS_ContentInfo *cms)
{
	STACK_OF(CMS_SignerInfo) *infos = CMS_get0_SignerInfos(cms);

	for (int i = 0; i < sk_CMS_SignerInfo_num(infos); i++) {
		CMS_SignerInfo *info = sk_CMS_SignerInfo_value(infos, i);
		ASN1_OCTET_STRING *key = NULL;
		X509_NAME *issuer = NULL;
		ASN1_INTEGER *serial = NULL;
		X509_ALGOR *digest = NULL;
		X509_ALGOR *signature = NULL;
		g_autofree char *who = NULL;
		g_autofree char *digest_name = NULL;
		g_autofree char *signature_name = NULL;

		CMS_SignerInfo_get0_signer_id(info, &key, &issuer, &serial);
		CMS_SignerInfo_get0_algs(info, NULL, NULL, &digest, &signature);
		who = holder(issuer, serial, key);
		digest_name = openssl_object_text(digest->algorithm);
		signature_name = openssl_object_text(signature->algorithm);
		g_ptr_array_add(lines,
		    g_strdup_printf(
			"%s, %s, %s", who, digest_name, signature_name));
	}
}

static void
add_transport(GPtrArray *lines, CMS_RecipientInfo *info)
{
	ASN1_OCTET_STRING *key = NULL;
	X509_NAME *issuer = NULL;
	ASN1_INTEGER *serial = NULL;
	X509_ALGOR *algorithm = NULL;
	g_autofree char *who = NULL;
	g_autofree char *name = NULL;

	CMS_RecipientInfo_ktri_get0_signer_id(info, &key, &issuer, &serial);
	CMS_RecipientInfo_ktri_get0_algs(info, NULL, NULL, &algorithm);
	who = holder(issuer, serial, key);
	name = openssl_object_text(algorithm->algorithm);
	g_ptr_array_add(
	    lines, g_strdup_printf("key transport, %s, %s", who, name));
}

static void
add_agreement(GPtrArray *lines, CMS_RecipientInfo *info)
{
	STACK_OF(CMS_RecipientEncryptedKey) *keys =
	    CMS_RecipientInfo_kari_get0_reks(info);
	X509_ALGOR *algorithm = NULL;
	g_autofree char *name = NULL;

	CMS_RecipientInfo_kari_get0_alg(info, &algorithm, NULL);
	name = openssl_object_text(algorithm->algorithm);
	for (int i = 0; i < sk_CMS_RecipientEncryptedKey_num(keys); i++) {
		ASN1_OCTET_STRING *key = NULL;
		X509_NAME *issuer = NULL;
		ASN1_INTEGER *serial = NULL;
		g_autofree char *who = NULL;

		CMS_RecipientEncryptedKey_get0_id(
		    sk_CMS_RecipientEncryptedKey_value(keys, i), &key, NULL,
		    NULL, &issuer, &serial);
		who = holder(issuer, serial, key);
		g_ptr_array_add(
		    lines, g_strdup_printf("key agreement, %s, %s", who, name));
	}
}

static void
add_recipients(GPtrArray *lines, CMS_ContentInfo *cms)
{
	STACK_OF(CMS_RecipientInfo) *infos = CMS_get0_RecipientInfos(cms);

	for (int i = 0; i < sk_CMS_RecipientInfo_num(infos); i++) {
		CMS_RecipientInfo *info = sk_CMS_RecipientInfo_value(infos, i);

		switch (CMS_RecipientInfo_type(info)) {
		case CMS_RECIPINFO_TRANS:
			add_transport(lines, info);
			break;
		case CMS_RECIPINFO_AGREE:
			add_agreement(lines, info);
			break;
		case CMS_RECIPINFO_KEK:
			g_ptr_array_add(lines, g_strdup("shared key"));
			break;
		case CMS_RECIPINFO_PASS:
			g_ptr_array_add(lines, g_strdup("password"));
			break;
		default:
			g_ptr_array_add(lines, g_strdup("another kind"));
		}
	}
}

/*
 * The content cipher, for which OpenSSL has no getter: ContentInfo, [0],
 * EnvelopedData or AuthEnvelopedData { version, [0] originatorInfo OPTIONAL,
 * recipientInfos, { contentType, contentEncryptionAlgorithm, ... } ... }.
 */
static char *
find_cipher(GBytes *blob)
{
	DerSpan span = der_span(blob);
	DerItem item;
	ASN1_OBJECT *object = NULL;
	char *name = NULL;
	const guint8 *at = NULL;

	if (!der_next(&span, &item)) {
		return NULL;
	}
	span = item.content;
	if (!der_next(&span, &item) || !der_next(&span, &item)) {
		return NULL;
	}
	span = item.content;
	if (!der_next(&span, &item)) {
		return NULL;
	}
	span = item.content;
	do {
		if (!der_next(&span, &item)) {
			return NULL;
		}
	} while (item.tag != DER_SEQUENCE);
	span = item.content;
	if (!der_next(&span, &item) || !der_next(&span, &item)) {
		return NULL;
	}
	span = item.content;
	if (!der_next_tagged(&span, DER_OID, &item)) {
		return NULL;
	}
	at = item.whole.data;
	object = d2i_ASN1_OBJECT(NULL, &at, (long)item.whole.length);
	if (object != NULL) {
		name = openssl_object_text(object);
		ASN1_OBJECT_free(object);
	}
	return name;
}

static void
add_certs(GPtrArray *certs, CMS_ContentInfo *cms)
{
	g_autoptr(X509Stack) stack = CMS_get1_certs(cms);

	for (int i = 0; i < sk_X509_num(stack); i++) {
		Cert *cert = cert_from_x509(sk_X509_value(stack, i), NULL);

		if (cert != NULL) {
			g_ptr_array_add(certs, cert);
		}
	}
}

Inspection *
inspect_cms(GBytes *blob, GError **error)
{
	g_autoptr(CMS_ContentInfo) cms = cms_parse(blob);
	Inspection *inspection = NULL;
	CmsKind kind = CMS_KIND_NONE;

	if (cms == NULL) {
		openssl_set_error(
		    error, ERROR_MALFORMED, "not a CMS structure");
		return NULL;
	}
	kind = cms_kind_of(cms);
	inspection = g_new0(Inspection, 1);
	inspection->kind = g_strdup(cms_kind_name(kind));
	inspection->signers = g_ptr_array_new_with_free_func(g_free);
	inspection->recipients = g_ptr_array_new_with_free_func(g_free);
	inspection->certs =
	    g_ptr_array_new_with_free_func((GDestroyNotify)cert_unref);
	switch (kind) {
	case CMS_KIND_SIGNED:
	case CMS_KIND_CERTS_ONLY:
		add_signers(inspection->signers, cms);
		add_certs(inspection->certs, cms);
		break;
	case CMS_KIND_ENVELOPED:
	case CMS_KIND_AUTH_ENVELOPED:
		add_recipients(inspection->recipients, cms);
		add_certs(inspection->certs, cms);
		inspection->cipher = find_cipher(blob);
		break;
	default:
		break;
	}
	ERR_clear_error();
	return inspection;
}

void
inspect_free(Inspection *inspection)
{
	if (inspection == NULL) {
		return;
	}
	g_free(inspection->kind);
	g_free(inspection->cipher);
	g_ptr_array_unref(inspection->signers);
	g_ptr_array_unref(inspection->recipients);
	g_ptr_array_unref(inspection->certs);
	g_free(inspection);
}
