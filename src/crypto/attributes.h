/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules of signed attributes (RFC 5652 11, RFC 8551 2.5, RFC 5035, RFC
 * 6211). They are what the signer signed only when the signature verifies:
 * that is verify.c's part. Included by src/crypto only. Pure functions.
 */
#ifndef CRYPTO_ATTRIBUTES_H
#define CRYPTO_ATTRIBUTES_H

#include <glib.h>
#include <stdbool.h>

#include "crypto/cert.h"
#include "crypto/der.h"
#include "crypto/openssl.h"

bool
attributes_present(CMS_SignerInfo *info);

/* What must be there is there, what must be single is single: NULL, else the
 * reason (static). */
const char *
attributes_fault(CMS_SignerInfo *info);

/* The content type that was signed is this one. */
bool
attributes_match_type(CMS_SignerInfo *info, const ASN1_OBJECT *type);
bool
attributes_match_digest(
    CMS_SignerInfo *info, const guint8 *hash, gsize length);
/* Seconds since 1970; 0: absent or no time. */
gint64
attributes_signing_time(CMS_SignerInfo *info);
/* signingCertificate and signingCertificateV2, where present, name cert. */
bool
attributes_match_cert(CMS_SignerInfo *info, const Cert *cert);
/* CMSAlgorithmProtection, where present, equals the algorithms in use. */
bool
attributes_match_algorithms(CMS_SignerInfo *info);

/* The value of SMIMECapabilities. NULL: absent. transfer full. */
GBytes *
attributes_capabilities(CMS_SignerInfo *info);

/* SMIMEEncryptionKeyPreference: issuer and serial, or, when issuer is NULL, a
 * subject key identifier, which is borrowed from the SignerInfo. */
typedef struct {
	X509_NAME *issuer;
	ASN1_INTEGER *serial;
	DerSpan key;
} AttributesPreference;

/* false: absent or malformed. */
bool
attributes_preference(
    CMS_SignerInfo *info, AttributesPreference *preference_out);
void
attributes_preference_clear(AttributesPreference *preference);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(
    AttributesPreference, attributes_preference_clear)

#endif
