/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A certificate, parsed once: OpenSSL's object and what callers ask of it, all
 * worked out when it is made, so that threads share it without a lock. Key
 * usage and extended key usage are read here by RFC 8550 4.4.2 and 4.4.4:
 * OpenSSL's own S/MIME purpose refuses EC keys for encryption and
 * anyExtendedKeyUsage. Whether anybody vouches for it is chain.c's question.
 */
#include "config.h"

#include "crypto/cert-private.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "crypto/digest.h"
#include "crypto/mailbox.h"

/* Real ones have 1 to 8 kB. */
#define CERT_MAX ((gsize)128 * 1024)

typedef enum {
	EXTENSION_ABSENT,
	EXTENSION_PRESENT,
	EXTENSION_BROKEN, /* twice, or not parsable */
} Extension;

/* Bits of key usage, RFC 5280 4.2.1.3. */
enum {
	BIT_DIGITAL_SIGNATURE = 0,
	BIT_NON_REPUDIATION = 1,
	BIT_KEY_ENCIPHERMENT = 2,
	BIT_KEY_AGREEMENT = 4,
	BIT_CRL_SIGN = 6,
	BITS = 9,
};

struct Cert {
	gatomicrefcount references;
	X509 *x509;
	GBytes *der;
	char *fingerprint;
	char *subject;
	char *issuer;
	char *subject_key;
	char *issuer_key;
	char *serial;
	char *key_name;
	gint64 not_before;
	gint64 not_after;
	GPtrArray *addresses;
	Extension usage;
	bool usage_bits[BITS];
	Extension extended;
	bool extended_email;
	bool ca;
};

static char *
name_of_curve(EVP_PKEY *key)
{
	char name[80] = "";
	const char *nist = NULL;

	if (EVP_PKEY_get_group_name(key, name, sizeof name, NULL) != 1) {
		return g_strdup("EC");
	}
	nist = EC_curve_nid2nist(OBJ_sn2nid(name));
	return g_strdup(nist != NULL ? nist : name);
}

char *
cert_name_of_key(EVP_PKEY *key)
{
	static const struct {
		int id;
		const char *name;
	} FIXED[] = {
		{ EVP_PKEY_ED25519, "Ed25519" },
		{ EVP_PKEY_ED448, "Ed448" },
		{ EVP_PKEY_X25519, "X25519" },
		{ EVP_PKEY_X448, "X448" },
	};
	int id = key != NULL ? EVP_PKEY_get_base_id(key) : EVP_PKEY_NONE;
	const char *sized = "unknown key";

	for (guint i = 0; i < G_N_ELEMENTS(FIXED); i++) {
		if (FIXED[i].id == id) {
			return g_strdup(FIXED[i].name);
		}
	}
	switch (id) {
	case EVP_PKEY_NONE:
		return g_strdup(sized);
	case EVP_PKEY_EC:
		return name_of_curve(key);
	case EVP_PKEY_RSA:
		sized = "RSA";
		break;
	case EVP_PKEY_RSA_PSS:
		sized = "RSA-PSS";
		break;
	default:
		sized = OBJ_nid2sn(id);
	}
	return g_strdup_printf("%s-%d", sized, EVP_PKEY_get_bits(key));
}

static Extension
extension_state(const void *value, int critical)
{
	if (value != NULL) {
		return EXTENSION_PRESENT;
	}
	return critical == -1 ? EXTENSION_ABSENT : EXTENSION_BROKEN;
}

static void
read_key_usage(Cert *cert)
{
	int critical = 0;
	ASN1_BIT_STRING *bits =
	    X509_get_ext_d2i(cert->x509, NID_key_usage, &critical, NULL);

	cert->usage = extension_state(bits, critical);
	for (int i = 0; i < BITS; i++) {
		cert->usage_bits[i] = ASN1_BIT_STRING_get_bit(bits, i) == 1;
	}
	ASN1_BIT_STRING_free(bits);
}

static void
read_extended_usage(Cert *cert)
{
	int critical = 0;
	EXTENDED_KEY_USAGE *uses =
	    X509_get_ext_d2i(cert->x509, NID_ext_key_usage, &critical, NULL);

	cert->extended = extension_state(uses, critical);
	for (int i = 0; i < sk_ASN1_OBJECT_num(uses); i++) {
		int nid = OBJ_obj2nid(sk_ASN1_OBJECT_value(uses, i));

		if (nid == NID_email_protect ||
		    nid == NID_anyExtendedKeyUsage) {
			cert->extended_email = true;
		}
	}
	EXTENDED_KEY_USAGE_free(uses);
}

static bool
read_dates(Cert *cert)
{
	return openssl_time(
		   X509_get0_notBefore(cert->x509), &cert->not_before) &&
	    openssl_time(X509_get0_notAfter(cert->x509), &cert->not_after);
}

static GBytes *
encode(X509 *x509)
{
	guint8 *der = NULL;
	int length = i2d_X509(x509, &der);
	GBytes *bytes = NULL;

	if (length > 0) {
		bytes = g_bytes_new(der, (gsize)length);
		OPENSSL_free(der);
	}
	return bytes;
}

Cert *
cert_from_x509(X509 *x509, GError **error)
{
	g_autoptr(Cert) cert = g_new0(Cert, 1);
	gsize length = 0;
	const void *der = NULL;

	g_atomic_ref_count_init(&cert->references);
	X509_up_ref(x509);
	cert->x509 = x509;
	cert->der = encode(x509);
	if (cert->der == NULL || !read_dates(cert)) {
		openssl_set_error(error, ERROR_MALFORMED, "certificate");
		return NULL;
	}
	der = g_bytes_get_data(cert->der, &length);
	if (length > CERT_MAX) {
		g_set_error(error, ERROR_DOMAIN, ERROR_MALFORMED,
		    "certificate: larger than %" G_GSIZE_FORMAT " bytes",
		    CERT_MAX);
		return NULL;
	}
	cert->fingerprint = digest_hex(der, length);
	cert->subject = openssl_name_text(X509_get_subject_name(x509));
	cert->issuer = openssl_name_text(X509_get_issuer_name(x509));
	cert->subject_key = openssl_name_key(X509_get_subject_name(x509));
	cert->issuer_key = openssl_name_key(X509_get_issuer_name(x509));
	cert->serial = openssl_serial_text(X509_get0_serialNumber(x509));
	cert->key_name = cert_name_of_key(X509_get0_pubkey(x509));
	cert->addresses = mailbox_list(x509);
	read_key_usage(cert);
	read_extended_usage(cert);
	/* 1: basicConstraints; 3: a root of X.509 version 1. This also has
	 * OpenSSL fill its cache, before the object is shared. */
	cert->ca = X509_check_ca(x509) == 1 || X509_check_ca(x509) == 3;
	ERR_clear_error();
	return g_steal_pointer(&cert);
}

Cert *
cert_new(GBytes *der, GError **error)
{
	gsize length = 0;
	const guint8 *data = g_bytes_get_data(der, &length);
	const guint8 *end = data;
	g_autoptr(X509) x509 = NULL;

	ERR_clear_error();
	if (length > CERT_MAX) {
		g_set_error(error, ERROR_DOMAIN, ERROR_MALFORMED,
		    "certificate: larger than %" G_GSIZE_FORMAT " bytes",
		    CERT_MAX);
		return NULL;
	}
	x509 = d2i_X509(NULL, &end, (long)length);
	if (x509 == NULL) {
		openssl_set_error(error, ERROR_MALFORMED, "certificate");
		return NULL;
	}
	if (end != data + length) {
		g_set_error_literal(error, ERROR_DOMAIN, ERROR_MALFORMED,
		    "certificate: bytes behind its end");
		return NULL;
	}
	return cert_from_x509(x509, error);
}

Cert *
cert_ref(Cert *cert)
{
	g_atomic_ref_count_inc(&cert->references);
	return cert;
}

void
cert_unref(Cert *cert)
{
	if (cert == NULL || !g_atomic_ref_count_dec(&cert->references)) {
		return;
	}
	X509_free(cert->x509);
	g_clear_pointer(&cert->der, g_bytes_unref);
	g_free(cert->fingerprint);
	g_free(cert->subject);
	g_free(cert->issuer);
	g_free(cert->subject_key);
	g_free(cert->issuer_key);
	g_free(cert->serial);
	g_free(cert->key_name);
	g_clear_pointer(&cert->addresses, g_ptr_array_unref);
	g_free(cert);
}

X509 *
cert_x509(const Cert *cert)
{
	return cert->x509;
}

X509Stack *
cert_stack(const GPtrArray *certs)
{
	X509Stack *stack = sk_X509_new_null();

	for (guint i = 0; certs != NULL && i < certs->len; i++) {
		if (sk_X509_push(stack, cert_x509(certs->pdata[i])) <= 0) {
			g_error("out of memory");
		}
	}
	return stack;
}

const char *
cert_fingerprint(const Cert *cert)
{
	return cert->fingerprint;
}

const char *
cert_subject(const Cert *cert)
{
	return cert->subject;
}

const char *
cert_issuer(const Cert *cert)
{
	return cert->issuer;
}

const char *
cert_subject_key(const Cert *cert)
{
	return cert->subject_key;
}

const char *
cert_issuer_key(const Cert *cert)
{
	return cert->issuer_key;
}

const char *
cert_serial(const Cert *cert)
{
	return cert->serial;
}

const char *
cert_key_name(const Cert *cert)
{
	return cert->key_name;
}

gint64
cert_not_before(const Cert *cert)
{
	return cert->not_before;
}

gint64
cert_not_after(const Cert *cert)
{
	return cert->not_after;
}

bool
cert_is_ca(const Cert *cert)
{
	return cert->ca;
}

/* Not worked out beforehand: it verifies a signature. */
bool
cert_is_self_signed(const Cert *cert)
{
	bool yes = X509_self_signed(cert->x509, 1) == 1;

	ERR_clear_error();
	return yes;
}

const GPtrArray *
cert_addresses(const Cert *cert)
{
	return cert->addresses;
}

bool
cert_has_address(const Cert *cert, const char *address, bool fold)
{
	for (guint i = 0; i < cert->addresses->len; i++) {
		if (mailbox_equal(cert->addresses->pdata[i], address, fold)) {
			return true;
		}
	}
	return false;
}

static bool
refuse(const char **reason_out, const char *reason)
{
	if (reason_out != NULL) {
		*reason_out = reason;
	}
	return false;
}

bool
cert_email_allowed(const Cert *cert)
{
	return cert->extended == EXTENSION_ABSENT || cert->extended_email;
}

static bool
check_extended(const Cert *cert, const char **reason_out)
{
	if (cert->extended == EXTENSION_BROKEN) {
		return refuse(reason_out, "extended key usage is malformed");
	}
	if (!cert_email_allowed(cert)) {
		return refuse(
		    reason_out, "extended key usage lacks emailProtection");
	}
	return true;
}

static int
key_type(const Cert *cert)
{
	EVP_PKEY *key = X509_get0_pubkey(cert->x509);

	return key != NULL ? EVP_PKEY_get_base_id(key) : EVP_PKEY_NONE;
}

bool
cert_fit_for_signing(const Cert *cert, const char **reason_out)
{
	int type = key_type(cert);

	if (type == EVP_PKEY_NONE) {
		return refuse(reason_out, "its key is of an unknown kind");
	}
	if (type == EVP_PKEY_X25519 || type == EVP_PKEY_X448) {
		return refuse(reason_out, "its key cannot sign");
	}
	if (cert->usage == EXTENSION_BROKEN) {
		return refuse(reason_out, "key usage is malformed");
	}
	if (cert->usage == EXTENSION_PRESENT &&
	    !cert->usage_bits[BIT_DIGITAL_SIGNATURE] &&
	    !cert->usage_bits[BIT_NON_REPUDIATION]) {
		return refuse(reason_out, "key usage lacks digitalSignature");
	}
	return check_extended(cert, reason_out);
}

bool
cert_fit_for_encryption(const Cert *cert, const char **reason_out)
{
	int type = key_type(cert);
	bool agreement = type == EVP_PKEY_EC || type == EVP_PKEY_X25519 ||
	    type == EVP_PKEY_X448;

	if (type != EVP_PKEY_RSA && !agreement) {
		return refuse(reason_out, "its key cannot encrypt");
	}
	if (cert->usage == EXTENSION_BROKEN) {
		return refuse(reason_out, "key usage is malformed");
	}
	if (cert->usage == EXTENSION_PRESENT && agreement &&
	    !cert->usage_bits[BIT_KEY_AGREEMENT]) {
		return refuse(reason_out, "key usage lacks keyAgreement");
	}
	if (cert->usage == EXTENSION_PRESENT && !agreement &&
	    !cert->usage_bits[BIT_KEY_ENCIPHERMENT]) {
		return refuse(reason_out, "key usage lacks keyEncipherment");
	}
	return check_extended(cert, reason_out);
}

bool
cert_may_sign_crls(const Cert *cert)
{
	return cert->usage == EXTENSION_ABSENT ? cert->ca
					       : cert->usage_bits[BIT_CRL_SIGN];
}

GBytes *
cert_der(const Cert *cert)
{
	return g_bytes_ref(cert->der);
}

char *
cert_pem(const Cert *cert)
{
	g_autoptr(BIO) out = BIO_new(BIO_s_mem());
	char *data = NULL;
	long length = 0;

	if (out == NULL || PEM_write_bio_X509(out, cert->x509) != 1) {
		g_error("OpenSSL cannot write a certificate that it read");
	}
	length = BIO_get_mem_data(out, &data);
	return g_strndup(data, (gsize)length);
}
