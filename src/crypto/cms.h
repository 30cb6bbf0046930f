/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a blob is, by its CMS content type (RFC 5652 3, RFC 5083, RFC 3274).
 */
#ifndef CRYPTO_CMS_H
#define CRYPTO_CMS_H

#include <glib.h>

typedef enum {
	CMS_KIND_NONE, /* does not parse as CMS */
	CMS_KIND_SIGNED,
	CMS_KIND_CERTS_ONLY, /* SignedData with no signer */
	CMS_KIND_ENVELOPED,
	CMS_KIND_AUTH_ENVELOPED,
	CMS_KIND_COMPRESSED,
	CMS_KIND_OTHER, /* a ContentInfo of another type */
} CmsKind;

/* The whole blob must parse (DER or BER) as what its content type says. */
CmsKind
cms_kind(GBytes *blob);

/* "signed-data", "enveloped-data", ... */
const char *
cms_kind_name(CmsKind kind);

#endif
