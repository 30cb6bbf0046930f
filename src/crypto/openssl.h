/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all of src/crypto shares of OpenSSL: cleanup of its types, its error
 * queue as a GError. Included by src/crypto only.
 */
#ifndef CRYPTO_OPENSSL_H
#define CRYPTO_OPENSSL_H

#include <glib.h>
#include <stdbool.h>

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/cms.h>
#include <openssl/evp.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/error.h"

typedef STACK_OF(X509) X509Stack;
typedef STACK_OF(X509_EXTENSION) X509Extensions;
typedef STACK_OF(DIST_POINT) DistPoints;
typedef STACK_OF(GENERAL_NAME) GeneralNames;

void
openssl_stack_free(X509Stack *stack); /* frees the certificates too */
void
openssl_names_free(GeneralNames *names);
void
openssl_extensions_free(X509Extensions *extensions);
void
openssl_points_free(DistPoints *points);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ASN1_TIME, ASN1_TIME_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BIO, BIO_free_all)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CMS_ContentInfo, CMS_ContentInfo_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(EVP_MD_CTX, EVP_MD_CTX_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(EVP_PKEY, EVP_PKEY_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PKCS12, PKCS12_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PKCS8_PRIV_KEY_INFO, PKCS8_PRIV_KEY_INFO_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(X509, X509_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(X509_SIG, X509_SIG_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(X509_STORE, X509_STORE_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(X509_STORE_CTX, X509_STORE_CTX_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(X509_NAME, X509_NAME_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(X509Stack, openssl_stack_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(X509Extensions, openssl_extensions_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DistPoints, openssl_points_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GeneralNames, openssl_names_free)

/* Drains the error queue into one *error: "WHAT: reason (file of the
 * library left out)". An empty queue gives "WHAT: failed". */
void
openssl_set_error(GError **error, ErrorCode code, const char *what);

/* A read-only BIO over bytes (kept alive by the caller); empty is allowed. */
BIO *
openssl_bio(GBytes *bytes);
/* What was written to a memory BIO. transfer full. */
GBytes *
openssl_bytes(BIO *memory);

/*
 * The default and, where it is installed, the legacy provider (RC2, single DES)
 * in a context of their own: for old key files, without the rest of the process
 * ever offering such ciphers.
 */
typedef struct OpensslLegacy OpensslLegacy;
OpensslLegacy *
openssl_legacy_new(void);
void
openssl_legacy_free(OpensslLegacy *legacy);
OSSL_LIB_CTX *
openssl_legacy_context(OpensslLegacy *legacy);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(OpensslLegacy, openssl_legacy_free)

/* RFC 2253, UTF-8. Yours. */
char *
openssl_name_text(const X509_NAME *name);
/*
 * Lower-case hex, equal for equal names and for no others (RFC 5280 7.1: white
 * space at the ends and in runs, ASCII case and the kind of string do not
 * matter). Yours.
 */
char *
openssl_name_key(const X509_NAME *name);
/* Upper-case hex. Yours. */
char *
openssl_serial_text(const ASN1_INTEGER *serial);
/* OpenSSL's long name, or dotted numbers. Yours. */
char *
openssl_object_text(const ASN1_OBJECT *object);

/* Seconds since 1970 of a UTCTime or GeneralizedTime. false: not a time. */
bool
openssl_time(const ASN1_TIME *time, gint64 *seconds_out);

#endif
