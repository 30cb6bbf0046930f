/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The signer's parts of SignedData, in DER: certificates (RFC 5652 10.2.3), sid
 * as issuerAndSerialNumber (5.3), which more programs understand than a key
 * identifier, and the signingCertificateV2 attribute (RFC 5035 3) with its
 * default hash, SHA-256. Nothing secret.
 */
#include "config.h"

#include "crypto/signer.h"

#include "crypto/cert-private.h"
#include "crypto/der.h"
#include "crypto/digest-private.h"

/* id-aa-signingCertificateV2, 1.2.840.113549.1.9.16.2.47 */
static const guint8 SIGNING_CERTIFICATE_V2[] = { DER_OID, 0x0B, 0x2A, 0x86,
	0x48, 0x86, 0xF7, 0x0D, 0x01, 0x09, 0x10, 0x02, 0x2F };

static GBytes *
taken(guint8 *data, int length)
{
	GBytes *bytes = NULL;

	if (length <= 0) {
		g_error("OpenSSL cannot encode what it decoded");
	}
	bytes = g_bytes_new(data, (gsize)length);
	OPENSSL_free(data);
	return bytes;
}

static GBytes *
issuer_of(const Cert *cert)
{
	guint8 *data = NULL;
	int length =
	    i2d_X509_NAME(X509_get_issuer_name(cert_x509(cert)), &data);

	return taken(data, length);
}

static GBytes *
serial_of(const Cert *cert)
{
	guint8 *data = NULL;
	int length =
	    i2d_ASN1_INTEGER(X509_get0_serialNumber(cert_x509(cert)), &data);

	return taken(data, length);
}

static GBytes *
certificates_of(const Cert *cert, const GPtrArray *chain)
{
	g_autoptr(GPtrArray) all =
	    g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
	GByteArray *out = g_byte_array_new();

	g_ptr_array_add(all, cert_der(cert));
	for (guint i = 0; i < chain->len; i++) {
		g_ptr_array_add(all, cert_der(chain->pdata[i]));
	}
	der_append_set(out, DER_CONTEXT_0, all);
	return g_byte_array_free_to_bytes(out);
}

static GBytes *
sid_of(GBytes *issuer, GBytes *serial)
{
	GByteArray *sid = g_byte_array_new();

	der_append_bytes(sid, issuer);
	der_append_bytes(sid, serial);
	return der_wrap(DER_SEQUENCE, sid);
}

/* IssuerSerial ::= SEQUENCE { GeneralNames, serialNumber }; a directoryName is
 * explicitly tagged, since Name is a CHOICE. */
static GBytes *
issuer_serial(GBytes *issuer, GBytes *serial)
{
	GByteArray *name = g_byte_array_new();
	GByteArray *names = g_byte_array_new();
	GByteArray *both = g_byte_array_new();
	g_autoptr(GBytes) directory = NULL;
	g_autoptr(GBytes) general = NULL;

	der_append_bytes(name, issuer);
	directory = der_wrap(DER_CONTEXT_4, name);
	der_append_bytes(names, directory);
	general = der_wrap(DER_SEQUENCE, names);
	der_append_bytes(both, general);
	der_append_bytes(both, serial);
	return der_wrap(DER_SEQUENCE, both);
}

static GBytes *
nested(guint8 tag, GBytes *content)
{
	GByteArray *out = g_byte_array_new();

	der_append_bytes(out, content);
	g_bytes_unref(content);
	return der_wrap(tag, out);
}

/* Attribute { OID, SET { SigningCertificateV2 { certs { ESSCertIDv2 } } } } */
static GBytes *
signing_certificate_of(const Cert *cert, GBytes *issuer, GBytes *serial)
{
	g_autoptr(GBytes) der = cert_der(cert);
	g_autoptr(GBytes) which = issuer_serial(issuer, serial);
	g_autoptr(GBytes) value = NULL;
	DerSpan span = der_span(der);
	guint8 hash[DIGEST_SHA256_LENGTH];
	GByteArray *id = g_byte_array_new();
	GByteArray *attribute = g_byte_array_new();

	digest_sha256(span.data, span.length, hash);
	der_append(id, DER_OCTET_STRING, hash, sizeof hash);
	der_append_bytes(id, which);
	value = nested(DER_SET,
	    nested(DER_SEQUENCE,
		nested(DER_SEQUENCE, der_wrap(DER_SEQUENCE, id))));
	g_byte_array_append(
	    attribute, SIGNING_CERTIFICATE_V2, sizeof SIGNING_CERTIFICATE_V2);
	der_append_bytes(attribute, value);
	return der_wrap(DER_SEQUENCE, attribute);
}

Signer *
signer_new(const Cert *cert, const GPtrArray *chain)
{
	Signer *signer = g_new0(Signer, 1);
	g_autoptr(GBytes) issuer = issuer_of(cert);
	g_autoptr(GBytes) serial = serial_of(cert);

	signer->certificates = certificates_of(cert, chain);
	signer->sid = sid_of(issuer, serial);
	signer->signing_certificate =
	    signing_certificate_of(cert, issuer, serial);
	return signer;
}

void
signer_free(Signer *signer)
{
	if (signer == NULL) {
		return;
	}
	g_bytes_unref(signer->certificates);
	g_bytes_unref(signer->sid);
	g_bytes_unref(signer->signing_certificate);
	g_free(signer);
}
