/* SPDX-License-Identifier: Apache-2.0 */
/* A certificate as OpenSSL sees it: for src/crypto only. */
#ifndef CRYPTO_CERT_PRIVATE_H
#define CRYPTO_CERT_PRIVATE_H

#include "crypto/cert.h"
#include "crypto/openssl.h"

/* Takes a reference of its own on x509. ERROR_MALFORMED. */
Cert *
cert_from_x509(X509 *x509, GError **error);

/* Borrowed. OpenSSL's functions often want it without const; it is not
 * changed by any of those used here. */
X509 *
cert_x509(const Cert *cert);

/* "RSA-2048", "RSA-PSS-2048", "P-256", ... Yours. */
char *
cert_name_of_key(EVP_PKEY *key);

/* The uses that an extended key usage names, when there is one, allow e-mail:
 * RFC 8550 4.4.4. */
bool
cert_email_allowed(const Cert *cert);

/* Its key usage names cRLSign; without one, it is a CA (RFC 5280 4.2.1.3). */
bool
cert_may_sign_crls(const Cert *cert);

/* sk: borrowed certificates of certs (of Cert; NULL: none), to be freed with
 * sk_X509_free(). */
X509Stack *
cert_stack(const GPtrArray *certs);

#endif
