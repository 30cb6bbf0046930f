/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A certificate: parsed once, immutable, shared by reference. Key usage,
 * extended key usage and addresses by the rules of RFC 8550, not by OpenSSL's
 * S/MIME purpose (STANDARDS 2, 5.4, 5.5). Thread-safe.
 */
#ifndef CRYPTO_CERT_H
#define CRYPTO_CERT_H

#include <glib.h>
#include <stdbool.h>

typedef struct Cert Cert;

/* One DER certificate, nothing behind it. ERROR_MALFORMED. */
Cert *
cert_new(GBytes *der, GError **error);
/*
 * All certificates of a file: PEM blocks (CERTIFICATE, TRUSTED CERTIFICATE,
 * X509 CERTIFICATE; text and CRLF between them tolerated), or one DER
 * certificate, or a PKCS#7 certs-only bundle (DER or PEM). Of Cert, transfer
 * full. None found: ERROR_MALFORMED.
 */
GPtrArray *
cert_read_all(GBytes *content, GError **error);
/*
 * As cert_new(), but one object for all that ask for the same bytes: kept in a
 * bounded cache of the process by the hash of the DER, so that certificates of
 * senders and CAs that come again are parsed once. der is copied when it is
 * kept. transfer full.
 */
Cert *
cert_shared(const guint8 *der, gsize length, GError **error);
Cert *
cert_ref(Cert *cert);
void
cert_unref(Cert *cert);

/* Lower-case hex SHA-256 of the DER; borrowed. */
const char *
cert_fingerprint(const Cert *cert);
/* RFC 2253 text, UTF-8; borrowed. */
const char *
cert_subject(const Cert *cert);
const char *
cert_issuer(const Cert *cert);
/* Texts that are equal for equal names (RFC 5280 7.1); borrowed. */
const char *
cert_subject_key(const Cert *cert);
const char *
cert_issuer_key(const Cert *cert);
/* Upper-case hex; borrowed. */
const char *
cert_serial(const Cert *cert);
/* "RSA-2048", "P-256", "Ed25519", ...; borrowed. */
const char *
cert_key_name(const Cert *cert);
/* Seconds since 1970. */
gint64
cert_not_before(const Cert *cert);
gint64
cert_not_after(const Cert *cert);
bool
cert_is_ca(const Cert *cert);
bool
cert_is_self_signed(const Cert *cert);
/* Normalised addresses: rfc822Name and SmtpUTF8Mailbox of the SAN; the DN's
 * emailAddress only when the SAN has none. Of char *, transfer none. */
const GPtrArray *
cert_addresses(const Cert *cert);
/* ASCII case of the local part ignored when fold. */
bool
cert_has_address(const Cert *cert, const char *address, bool fold);

/*
 * RFC 8550 4.4.2, 4.4.4. Not fit: false and the reason ("key usage lacks
 * digitalSignature", ...), static text. reason_out may be NULL.
 */
bool
cert_fit_for_signing(const Cert *cert, const char **reason_out);
bool
cert_fit_for_encryption(const Cert *cert, const char **reason_out);

/* transfer full. */
GBytes *
cert_der(const Cert *cert);
char *
cert_pem(const Cert *cert);
/* Several lines for people: subject, issuer, serial, dates, key, uses,
 * addresses, fingerprint. Yours. */
char *
cert_describe(const Cert *cert);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Cert, cert_unref)

#endif
