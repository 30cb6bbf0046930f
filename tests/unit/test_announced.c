/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a signer announces of himself in signed attributes: the certificate to
 * encrypt to (RFC 8551 2.5.3) and capabilities (2.5.2).
 */
#include "config.h"

#include "crypto/verify.h"

#include <string.h>

#include <openssl/pem.h>

#include "crypto/der.h"
#include "crypto/openssl.h"
#include "pki.h"
#include "verdict.h"

#define BOB "bob@example.com"

static VerdictPlace place;

typedef enum {
	PREFER_NOTHING,
	PREFER_SERIAL,
	PREFER_RECIPIENT_KEY,
	PREFER_SUBJECT_KEY,
	PREFER_TWICE,
	PREFER_WORDS,
} Preference;

static X509 *
load_cert(const char *name)
{
	g_autofree char *file = g_strconcat(name, ".pem", NULL);
	g_autoptr(GBytes) pem = pki_file(place.pki, file);
	g_autoptr(BIO) in = openssl_bio(pem);
	X509 *cert = PEM_read_bio_X509(in, NULL, NULL, NULL);

	g_assert_nonnull(cert);
	return cert;
}

static EVP_PKEY *
load_key(const char *name)
{
	g_autofree char *file = g_strconcat(name, ".key", NULL);
	g_autoptr(GBytes) pem = pki_file(place.pki, file);
	g_autoptr(BIO) in = openssl_bio(pem);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(in, NULL, NULL, NULL);

	g_assert_nonnull(key);
	return key;
}

static GBytes *
serial_of(X509 *cert)
{
	GByteArray *out = g_byte_array_new();
	guint8 *name = NULL;
	guint8 *serial = NULL;
	int name_length = i2d_X509_NAME(X509_get_issuer_name(cert), &name);
	int length = i2d_ASN1_INTEGER(X509_get_serialNumber(cert), &serial);

	g_byte_array_append(out, name, (guint)name_length);
	g_byte_array_append(out, serial, (guint)length);
	OPENSSL_free(name);
	OPENSSL_free(serial);
	return der_wrap(DER_CONTEXT_0, out);
}

static GBytes *
key_of(X509 *cert, Preference form)
{
	const ASN1_OCTET_STRING *key = X509_get0_subject_key_id(cert);
	GByteArray *out = g_byte_array_new();
	const guint8 *data = ASN1_STRING_get0_data(key);
	guint length = (guint)ASN1_STRING_length(key);

	if (form == PREFER_SUBJECT_KEY) {
		g_byte_array_append(out, data, length);
		return der_wrap(0x82, out);
	}
	der_append(out, DER_OCTET_STRING, data, length);
	return der_wrap(DER_CONTEXT_1, out);
}

/* Decoded, since OpenSSL has no setter for a value with an implicit tag. */
static void
put(CMS_SignerInfo *info, int nid, GBytes *value)
{
	GByteArray *inside = g_byte_array_new();
	guint8 *oid = NULL;
	int oid_length = i2d_ASN1_OBJECT(OBJ_nid2obj(nid), &oid);
	g_autoptr(GBytes) whole = NULL;
	const guint8 *at = NULL;
	X509_ATTRIBUTE *attribute = NULL;

	g_byte_array_append(inside, oid, (guint)oid_length);
	OPENSSL_free(oid);
	der_append(inside, DER_SET, g_bytes_get_data(value, NULL),
	    g_bytes_get_size(value));
	whole = der_wrap(DER_SEQUENCE, inside);
	at = g_bytes_get_data(whole, NULL);
	attribute =
	    d2i_X509_ATTRIBUTE(NULL, &at, (long)g_bytes_get_size(whole));
	g_assert_nonnull(attribute);
	g_assert_cmpint(CMS_signed_add1_attr(info, attribute), ==, 1);
	X509_ATTRIBUTE_free(attribute);
}

static void
put_preference(CMS_SignerInfo *info, Preference form, const char *name)
{
	g_autoptr(X509) cert = NULL;
	g_autoptr(GBytes) value = NULL;

	if (form == PREFER_NOTHING) {
		return;
	}
	cert = load_cert(name);
	if (form == PREFER_WORDS) {
		value = g_bytes_new("\x84\x05words", 7);
	} else if (form == PREFER_SERIAL || form == PREFER_TWICE) {
		value = serial_of(cert);
	} else {
		value = key_of(cert, form);
	}
	put(info, NID_id_smime_aa_encrypKeyPref, value);
	if (form == PREFER_TWICE) {
		put(info, NID_id_smime_aa_encrypKeyPref, value);
	}
}

/* Detached; certs: names, with blanks between. */
static GBytes *
sign(const char *signer, const char *certs, Preference form,
    const char *preferred, GBytes *capabilities)
{
	const guint flags =
	    CMS_PARTIAL | CMS_DETACHED | CMS_BINARY | CMS_NOSMIMECAP;
	g_autoptr(CMS_ContentInfo) cms =
	    CMS_sign(NULL, NULL, NULL, NULL, flags);
	g_autoptr(X509) cert = load_cert(signer);
	g_autoptr(EVP_PKEY) key = load_key(signer);
	g_autoptr(GBytes) content = pki_file(place.pki, "content");
	g_autoptr(BIO) in = openssl_bio(content);
	g_auto(GStrv) names = g_strsplit(certs, " ", -1);
	CMS_SignerInfo *info =
	    CMS_add1_signer(cms, cert, key, EVP_sha256(), flags);
	guint8 *der = NULL;
	int length = 0;
	GBytes *blob = NULL;

	g_assert_nonnull(info);
	for (char **name = names; *name != NULL; name++) {
		g_autoptr(X509) other = load_cert(*name);

		g_assert_cmpint(CMS_add1_cert(cms, other), ==, 1);
	}
	put_preference(info, form, preferred);
	if (capabilities != NULL) {
		put(info, NID_SMIMECapabilities, capabilities);
	}
	g_assert_cmpint(CMS_final(cms, in, NULL, flags), ==, 1);
	length = i2d_CMS_ContentInfo(cms, &der);
	g_assert_cmpint(length, >, 0);
	blob = g_bytes_new(der, (gsize)length);
	OPENSSL_free(der);
	return blob;
}

static void
make_people(void)
{
	pki_run(place.pki,
	    "bob() { name=$1; kind=$2; cn=$3; usage=$4; shift 4\n"
	    "  cert $name issuing $kind /CN=$cn keyUsage=critical,$usage \\\n"
	    "    extendedKeyUsage=emailProtection \\\n"
	    "    subjectAltName=email:" BOB
	    " subjectKeyIdentifier=hash \"$@\"; }\n"
	    "bob bobsign P-256 Bob digitalSignature\n"
	    "bob bobboth rsa:2048 Bob digitalSignature,keyEncipherment\n"
	    "bob bobcrypt rsa:2048 Bob keyEncipherment\n"
	    "bob bobec P-256 Bob keyAgreement\n"
	    "bob other rsa:2048 Other keyEncipherment\n"
	    "bob bobweak rsa:1024 Bob keyEncipherment\n");
}

static void
test_encryption(void)
{
	static const struct {
		const char *name;
		const char *signer;
		const char *certs;
		Preference form;
		const char *preferred;
		const char *want; /* NULL: none */
	} CASES[] = {
		{ "one for both", "bobboth", "issuing", PREFER_NOTHING, NULL,
		    "bobboth" },
		{ "for signing alone", "bobsign", "issuing", PREFER_NOTHING,
		    NULL, NULL },
		{ "same subject", "bobsign", "issuing bobcrypt", PREFER_NOTHING,
		    NULL, "bobcrypt" },
		{ "same subject, EC", "bobsign", "bobec issuing",
		    PREFER_NOTHING, NULL, "bobec" },
		{ "another subject", "bobsign", "issuing other", PREFER_NOTHING,
		    NULL, NULL },
		{ "too weak", "bobsign", "issuing bobweak", PREFER_NOTHING,
		    NULL, NULL },
		{ "the signer's before another", "bobboth", "issuing bobcrypt",
		    PREFER_NOTHING, NULL, "bobboth" },
		{ "preferred by serial", "bobboth", "issuing bobcrypt bobec",
		    PREFER_SERIAL, "bobec", "bobec" },
		{ "preferred by recipient key", "bobboth",
		    "issuing bobcrypt bobec", PREFER_RECIPIENT_KEY, "bobec",
		    "bobec" },
		{ "preferred by subject key", "bobboth",
		    "issuing bobcrypt bobec", PREFER_SUBJECT_KEY, "bobcrypt",
		    "bobcrypt" },
		{ "preferred of another subject", "bobsign",
		    "issuing bobcrypt other", PREFER_SERIAL, "other", "other" },
		{ "preferred is not there", "bobsign", "issuing bobcrypt",
		    PREFER_SERIAL, "bobec", "bobcrypt" },
		{ "preferred key is not there", "bobboth", "issuing bobcrypt",
		    PREFER_SUBJECT_KEY, "bobec", "bobboth" },
		{ "preferred is unfit", "bobsign", "issuing bobcrypt",
		    PREFER_SERIAL, "bobsign", "bobcrypt" },
		{ "preferred is itself", "bobboth", "issuing bobcrypt",
		    PREFER_SERIAL, "bobboth", "bobboth" },
		{ "unknown form", "bobsign", "issuing bobcrypt", PREFER_WORDS,
		    "bobcrypt", "bobcrypt" },
	};
	g_autoptr(GBytes) content = pki_file(place.pki, "content");

	for (guint i = 0; i < G_N_ELEMENTS(CASES); i++) {
		g_autoptr(GBytes) blob = sign(CASES[i].signer, CASES[i].certs,
		    CASES[i].form, CASES[i].preferred, NULL);
		g_autoptr(GPtrArray) list =
		    verdict_of(&place, blob, content, BOB);
		const VerifySignature *first = list->pdata[0];

		g_test_message("%s", CASES[i].name);
		verdict_assert(list, VERIFY_PASS, NULL);
		g_assert_null(first->capabilities);
		if (CASES[i].want == NULL) {
			g_assert_null(first->encryption);
		} else {
			g_autoptr(Cert) want =
			    pki_cert(place.pki, CASES[i].want);

			g_assert_nonnull(first->encryption);
			g_assert_cmpstr(cert_fingerprint(first->encryption), ==,
			    cert_fingerprint(want));
		}
	}
}

static void
test_preferred_twice(void)
{
	g_autoptr(GBytes) content = pki_file(place.pki, "content");
	g_autoptr(GBytes) blob =
	    sign("bobboth", "issuing bobcrypt", PREFER_TWICE, "bobcrypt", NULL);
	g_autoptr(GPtrArray) list = verdict_of(&place, blob, content, BOB);
	const VerifySignature *first = list->pdata[0];

	verdict_assert(list, VERIFY_NEUTRAL, "key preference");
	g_assert_null(first->encryption);
}

static void
test_capabilities(void)
{
	static const guint8 KNOWN[] = { 0x30, 0x1A, 0x30, 0x0B, 0x06, 0x09,
		0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2A, 0x30,
		0x0B, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04,
		0x01, 0x02 };
	g_autoptr(GBytes) known = g_bytes_new(KNOWN, sizeof KNOWN);
	g_autoptr(GBytes) content = pki_file(place.pki, "content");
	g_autoptr(GBytes) blob =
	    sign("bobboth", "issuing", PREFER_NOTHING, NULL, known);
	g_autoptr(GPtrArray) list = verdict_of(&place, blob, content, BOB);
	const VerifySignature *first = list->pdata[0];

	verdict_assert(list, VERIFY_PASS, NULL);
	g_assert_cmpstr(first->capabilities, ==, "aes256-cbc aes128-cbc");
}

/* What was not signed is not said. */
static void
test_unverified(void)
{
	static const guint8 KNOWN[] = { 0x30, 0x0D, 0x30, 0x0B, 0x06, 0x09,
		0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2A };
	g_autoptr(GBytes) known = g_bytes_new(KNOWN, sizeof KNOWN);
	g_autoptr(GBytes) content = pki_file(place.pki, "content");
	g_autoptr(GBytes) other = g_bytes_new("other", 5);
	g_autoptr(GBytes) blob =
	    sign("bobboth", "issuing bobec", PREFER_SERIAL, "bobec", known);
	g_autoptr(GBytes) turned = NULL;
	g_autoptr(GPtrArray) changed = verdict_of(&place, blob, other, BOB);
	g_autoptr(GPtrArray) forged = NULL;
	gsize length = 0;
	const guint8 *data = g_bytes_get_data(blob, &length);
	guint8 *copy = g_memdup2(data, length);
	const VerifySignature *first = changed->pdata[0];

	verdict_assert(changed, VERIFY_FAIL, "content was changed");
	g_assert_null(first->encryption);
	g_assert_null(first->capabilities);
	copy[length - 1] ^= 1;
	turned = g_bytes_new_take(copy, length);
	forged = verdict_of(&place, turned, content, BOB);
	first = forged->pdata[0];
	verdict_assert(forged, VERIFY_FAIL, "signature is wrong");
	g_assert_null(first->encryption);
	g_assert_null(first->capabilities);
}

/* From an unknown CA: told all the same, for the pending ones. */
static void
test_untrusted(void)
{
	g_autoptr(GPtrArray) none = g_ptr_array_new();
	g_autoptr(Anchors) nothing = chain_anchors_new(none);
	VerifyRules rules = verdict_rules(nothing, BOB);
	g_autoptr(GBytes) content = pki_file(place.pki, "content");
	g_autoptr(GBytes) blob =
	    sign("bobsign", "issuing bobcrypt", PREFER_NOTHING, NULL, NULL);
	g_autoptr(GPtrArray) list = verdict_by(&rules, blob, content);
	const VerifySignature *first = list->pdata[0];

	verdict_assert(list, VERIFY_POLICY, "");
	g_assert_true(first->untrusted_only);
	g_assert_nonnull(first->encryption);
}

int
main(int argc, char **argv)
{
	int status = 0;

	g_test_init(&argc, &argv, NULL);
	verdict_init(&place);
	make_people();
	g_test_add_func("/verify/announced/encryption", test_encryption);
	g_test_add_func(
	    "/verify/announced/preferred-twice", test_preferred_twice);
	g_test_add_func("/verify/announced/capabilities", test_capabilities);
	g_test_add_func("/verify/announced/unverified", test_unverified);
	g_test_add_func("/verify/announced/untrusted", test_untrusted);
	status = g_test_run();
	verdict_clear(&place);
	return status;
}
