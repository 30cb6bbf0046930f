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

#endif
