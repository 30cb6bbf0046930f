/* SPDX-License-Identifier: Apache-2.0 */
/* CRLs by OpenSSL's own objects. */
#include "config.h"

#include "crl_maker.h"

#include <openssl/conf.h>
#include <openssl/pem.h>

#include "crypto/cert-private.h"
#include "pki.h"

static EVP_PKEY *
read_key(const char *directory, const char *name)
{
	g_autofree char *file = g_strconcat(name, ".key", NULL);
	g_autoptr(GBytes) pem = pki_file(directory, file);
	g_autoptr(BIO) in = openssl_bio(pem);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(in, NULL, NULL, NULL);

	g_assert_nonnull(key);
	return key;
}

static ASN1_INTEGER *
serial_of(const char *directory, const char *name)
{
	ASN1_INTEGER *serial = NULL;

	if (g_str_has_prefix(name, "0x")) {
		serial = s2i_ASN1_INTEGER(NULL, name);
	} else {
		g_autoptr(Cert) cert = pki_cert(directory, name);

		serial =
		    ASN1_INTEGER_dup(X509_get0_serialNumber(cert_x509(cert)));
	}
	g_assert_nonnull(serial);
	return serial;
}

static void
set_reason(X509_REVOKED *entry, const char *text)
{
	ASN1_ENUMERATED *reason = ASN1_ENUMERATED_new();

	ASN1_ENUMERATED_set(reason, atoi(text));
	g_assert_cmpint(
	    X509_REVOKED_add1_ext_i2d(entry, NID_crl_reason, reason, 0, 0), ==,
	    1);
	ASN1_ENUMERATED_free(reason);
}

static void
set_issuer(X509_REVOKED *entry, const char *directory, const char *name)
{
	g_autoptr(Cert) cert = pki_cert(directory, name);
	g_autoptr(GeneralNames) names = sk_GENERAL_NAME_new_null();
	GENERAL_NAME *one = GENERAL_NAME_new();

	GENERAL_NAME_set0_value(one, GEN_DIRNAME,
	    X509_NAME_dup(X509_get_subject_name(cert_x509(cert))));
	sk_GENERAL_NAME_push(names, one);
	g_assert_cmpint(X509_REVOKED_add1_ext_i2d(
			    entry, NID_certificate_issuer, names, 1, 0),
	    ==, 1);
}

static void
add_entry(X509_CRL *crl, const char *directory, const char *text)
{
	g_auto(GStrv) parts = g_strsplit(text, ":", 3);
	guint count = g_strv_length(parts);
	X509_REVOKED *entry = X509_REVOKED_new();
	ASN1_INTEGER *serial = serial_of(directory, parts[0]);
	g_autoptr(ASN1_TIME) date = ASN1_TIME_set(NULL, 1700000000);

	X509_REVOKED_set_serialNumber(entry, serial);
	X509_REVOKED_set_revocationDate(entry, date);
	ASN1_INTEGER_free(serial);
	if (count > 1 && *parts[1] != '\0') {
		set_reason(entry, parts[1]);
	}
	if (count > 2) {
		set_issuer(entry, directory, parts[2]);
	}
	g_assert_cmpint(X509_CRL_add0_revoked(crl, entry), ==, 1);
}

static void
add_number(X509_CRL *crl, int nid, int value)
{
	ASN1_INTEGER *number = ASN1_INTEGER_new();

	if (value != 0) {
		ASN1_INTEGER_set(number, value);
		g_assert_cmpint(X509_CRL_add1_ext_i2d(
				    crl, nid, number, nid == NID_delta_crl, 0),
		    ==, 1);
	}
	ASN1_INTEGER_free(number);
}

static void
add_extensions(X509_CRL *crl, X509 *issuer, const char *text)
{
	g_autofree char *whole = g_strconcat("[crl]\n", text, NULL);
	g_autoptr(BIO) in = BIO_new_mem_buf(whole, -1);
	CONF *conf = NCONF_new(NULL);
	X509V3_CTX context;
	long line = 0;

	g_assert_cmpint(NCONF_load_bio(conf, in, &line), ==, 1);
	X509V3_set_ctx(&context, issuer, NULL, NULL, crl, 0);
	X509V3_set_nconf(&context, conf);
	g_assert_cmpint(
	    X509V3_EXT_CRL_add_nconf(conf, &context, "crl", crl), ==, 1);
	NCONF_free(conf);
}

static void
set_dates(X509_CRL *crl, const CrlPlan *plan)
{
	bool usual = plan->from == 0 && plan->to == 0;
	time_t now = (time_t)pki_now();
	g_autoptr(ASN1_TIME) from =
	    ASN1_TIME_set(NULL, now + (usual ? -1 : plan->from) * 3600);
	g_autoptr(ASN1_TIME) to =
	    ASN1_TIME_set(NULL, now + (usual ? 24 : plan->to) * 3600);

	X509_CRL_set1_lastUpdate(crl, from);
	if (plan->to != CRL_NO_NEXT) {
		X509_CRL_set1_nextUpdate(crl, to);
	}
}

GBytes *
crl_make(const char *directory, const CrlPlan *plan)
{
	X509_CRL *crl = X509_CRL_new();
	g_autoptr(Cert) issuer = pki_cert(directory, plan->issuer);
	g_autoptr(EVP_PKEY) key = read_key(
	    directory, plan->signer != NULL ? plan->signer : plan->issuer);
	g_auto(GStrv) entries =
	    g_strsplit(plan->entries != NULL ? plan->entries : "", " ", -1);
	guint8 *der = NULL;
	int length = 0;
	GBytes *bytes = NULL;

	X509_CRL_set_version(crl, X509_CRL_VERSION_2);
	X509_CRL_set_issuer_name(crl, X509_get_subject_name(cert_x509(issuer)));
	set_dates(crl, plan);
	for (guint i = 0; entries[i] != NULL; i++) {
		if (*entries[i] != '\0') {
			add_entry(crl, directory, entries[i]);
		}
	}
	add_number(crl, NID_crl_number, plan->number);
	add_number(crl, NID_delta_crl, plan->base);
	if (plan->extensions != NULL) {
		add_extensions(crl, cert_x509(issuer), plan->extensions);
	}
	g_assert_cmpint(
	    X509_CRL_sign(crl, key,
		EVP_get_digestbyname(
		    plan->digest != NULL ? plan->digest : "sha256")),
	    >, 0);
	length = i2d_X509_CRL(crl, &der);
	g_assert_cmpint(length, >, 0);
	bytes = g_bytes_new(der, (gsize)length);
	OPENSSL_free(der);
	X509_CRL_free(crl);
	return bytes;
}

Crl *
crl_make_parsed(const char *directory, const CrlPlan *plan)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GBytes) der = crl_make(directory, plan);
	Crl *crl = crl_new(der, &error);

	g_assert_no_error(error);
	return crl;
}
