/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Content types. The OID inside decides, never a file name or a MIME parameter
 * (RFC 8551 3.2.2), and the rest must parse as what the OID says. Nothing is
 * verified or decrypted here. Pure functions.
 */
#include "config.h"

#include "crypto/cms.h"

#include <openssl/err.h>

#include "crypto/cms-private.h"

/* OpenSSL's lengths are int in many places. */
#define BLOB_MAX ((gsize)1 << 30)

CMS_ContentInfo *
cms_parse(GBytes *blob)
{
	gsize length = 0;
	const guint8 *data = g_bytes_get_data(blob, &length);
	const guint8 *end = data;
	CMS_ContentInfo *cms = NULL;

	ERR_clear_error();
	if (length == 0 || length > BLOB_MAX) {
		return NULL;
	}
	cms = d2i_CMS_ContentInfo(NULL, &end, (long)length);
	if (cms != NULL && end != data + length) {
		g_clear_pointer(&cms, CMS_ContentInfo_free);
	}
	return cms;
}

CmsKind
cms_kind_of(CMS_ContentInfo *cms)
{
	switch (OBJ_obj2nid(CMS_get0_type(cms))) {
	case NID_pkcs7_signed:
		return sk_CMS_SignerInfo_num(CMS_get0_SignerInfos(cms)) > 0
		    ? CMS_KIND_SIGNED
		    : CMS_KIND_CERTS_ONLY;
	case NID_pkcs7_enveloped:
		return CMS_KIND_ENVELOPED;
	case NID_id_smime_ct_authEnvelopedData:
		return CMS_KIND_AUTH_ENVELOPED;
	case NID_id_smime_ct_compressedData:
		return CMS_KIND_COMPRESSED;
	default:
		return CMS_KIND_OTHER;
	}
}

CmsKind
cms_kind(GBytes *blob)
{
	g_autoptr(CMS_ContentInfo) cms = cms_parse(blob);

	if (cms == NULL) {
		ERR_clear_error();
		return CMS_KIND_NONE;
	}
	return cms_kind_of(cms);
}

const char *
cms_kind_name(CmsKind kind)
{
	static const char *const NAMES[] = {
		[CMS_KIND_NONE] = "none",
		[CMS_KIND_SIGNED] = "signed-data",
		[CMS_KIND_CERTS_ONLY] = "certs-only",
		[CMS_KIND_ENVELOPED] = "enveloped-data",
		[CMS_KIND_AUTH_ENVELOPED] = "authEnveloped-data",
		[CMS_KIND_COMPRESSED] = "compressed-data",
		[CMS_KIND_OTHER] = "other",
	};

	return NAMES[kind];
}
