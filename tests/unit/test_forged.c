/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SignerInfos that no honest program makes, really signed: what a verifier must
 * demand of the signed attributes (RFC 5652 5.3, 11; RFC 8551 2.5; RFC 5035;
 * RFC 6211; "Johnny, you are fired").
 */
#include "config.h"

#include "crypto/verify.h"

#include <string.h>

#include <openssl/pem.h>

#include "crypto/der.h"
#include "crypto/openssl.h"
#include "crypto/signer.h"
#include "pki.h"
#include "verdict.h"

static VerdictPlace place;

typedef struct Forgery Forgery;
struct Forgery {
	const char *name;
	void (*add)(CMS_SignerInfo *info);
	VerifyResult want;
	const char *reason;
};

static const guint8 HASH_OF_TEXT[32];

static void
put(CMS_SignerInfo *info, int nid, int type, const void *data, int length)
{
	g_assert_cmpint(
	    CMS_signed_add1_attr_by_NID(info, nid, type, data, length), ==, 1);
}

static void
put_type(CMS_SignerInfo *info)
{
	put(info, NID_pkcs9_contentType, V_ASN1_OBJECT,
	    OBJ_nid2obj(NID_pkcs7_data), -1);
}

static void
put_digest(CMS_SignerInfo *info)
{
	guint8 hash[EVP_MAX_MD_SIZE];
	guint length = 0;

	EVP_Digest(TEXT, strlen(TEXT), hash, &length, EVP_sha256(), NULL);
	put(info, NID_pkcs9_messageDigest, V_ASN1_OCTET_STRING, hash,
	    (int)length);
}

static void
add_usual(CMS_SignerInfo *info)
{
	put_type(info);
	put_digest(info);
}

static void
add_no_digest(CMS_SignerInfo *info)
{
	put_type(info);
}

static void
add_no_type(CMS_SignerInfo *info)
{
	put_digest(info);
}

static void
add_two_digests(CMS_SignerInfo *info)
{
	add_usual(info);
	put_digest(info);
}

static void
add_two_values(CMS_SignerInfo *info)
{
	X509_ATTRIBUTE *attribute = NULL;
	int at = 0;

	add_usual(info);
	at = CMS_signed_get_attr_by_NID(info, NID_pkcs9_messageDigest, -1);
	attribute = CMS_signed_get_attr(info, at);
	X509_ATTRIBUTE_set1_data(attribute, V_ASN1_OCTET_STRING,
	    "another value of the same length", 32);
}

static void
add_wrong_digest(CMS_SignerInfo *info)
{
	put_type(info);
	put(info, NID_pkcs9_messageDigest, V_ASN1_OCTET_STRING, HASH_OF_TEXT,
	    32);
}

static void
add_short_digest(CMS_SignerInfo *info)
{
	guint8 hash[EVP_MAX_MD_SIZE];
	guint length = 0;

	put_type(info);
	EVP_Digest(TEXT, strlen(TEXT), hash, &length, EVP_sha256(), NULL);
	put(info, NID_pkcs9_messageDigest, V_ASN1_OCTET_STRING, hash, 31);
}

static void
add_digest_as_text(CMS_SignerInfo *info)
{
	put_type(info);
	put(info, NID_pkcs9_messageDigest, V_ASN1_UTF8STRING, "no octets", 9);
}

static void
add_other_type(CMS_SignerInfo *info)
{
	put(info, NID_pkcs9_contentType, V_ASN1_OBJECT,
	    OBJ_nid2obj(NID_id_smime_ct_TSTInfo), -1);
	put_digest(info);
}

static void
add_two_times(CMS_SignerInfo *info)
{
	add_usual(info);
	put(info, NID_pkcs9_signingTime, V_ASN1_UTCTIME, "200101000000Z", 13);
	put(info, NID_pkcs9_signingTime, V_ASN1_UTCTIME, "300101000000Z", 13);
}

static void
add_two_capabilities(CMS_SignerInfo *info)
{
	static const guint8 LIST[] = { 0x30, 0x0D, 0x30, 0x0B, 0x06, 0x09, 0x60,
		0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2A };

	add_usual(info);
	put(info, NID_SMIMECapabilities, V_ASN1_SEQUENCE, LIST, sizeof LIST);
	put(info, NID_SMIMECapabilities, V_ASN1_SEQUENCE, LIST, sizeof LIST);
}

/* SigningCertificateV2 of this certificate, its hash turned by that much. */
static void
put_certificate(CMS_SignerInfo *info, const char *name, guint8 turn)
{
	g_autoptr(Cert) cert = pki_cert(place.pki, name);
	g_autoptr(GBytes) der = cert_der(cert);
	guint8 value[2 + 2 + 2 + 2 + 32] = { 0x30, 38, 0x30, 36, 0x30, 34, 0x04,
		32 };
	guint length = 0;

	EVP_Digest(g_bytes_get_data(der, NULL), g_bytes_get_size(der),
	    value + 8, &length, EVP_sha256(), NULL);
	value[8] ^= turn;
	put(info, NID_id_smime_aa_signingCertificateV2, V_ASN1_SEQUENCE, value,
	    sizeof value);
}

static void
add_own_certificate(CMS_SignerInfo *info)
{
	add_usual(info);
	put_certificate(info, "alice", 0);
}

static void
add_other_certificate(CMS_SignerInfo *info)
{
	add_usual(info);
	put_certificate(info, "rsa", 0);
}

static void
add_no_certificate(CMS_SignerInfo *info)
{
	static const guint8 EMPTY[] = { 0x30, 2, 0x30, 0 };

	add_usual(info);
	put(info, NID_id_smime_aa_signingCertificateV2, V_ASN1_SEQUENCE, EMPTY,
	    sizeof EMPTY);
}

/* SigningCertificate of RFC 2634, with SHA-1. */
static void
put_old_certificate(CMS_SignerInfo *info, const char *name)
{
	g_autoptr(Cert) cert = pki_cert(place.pki, name);
	g_autoptr(GBytes) der = cert_der(cert);
	guint8 value[8 + 20] = { 0x30, 26, 0x30, 24, 0x30, 22, 0x04, 20 };
	guint length = 0;

	EVP_Digest(g_bytes_get_data(der, NULL), g_bytes_get_size(der),
	    value + 8, &length, EVP_sha1(), NULL);
	put(info, NID_id_smime_aa_signingCertificate, V_ASN1_SEQUENCE, value,
	    sizeof value);
}

static void
add_old_certificate(CMS_SignerInfo *info)
{
	add_usual(info);
	put_old_certificate(info, "alice");
}

static void
add_old_other(CMS_SignerInfo *info)
{
	add_usual(info);
	put_old_certificate(info, "rsa");
}

/* SHA-512 named in ESSCertIDv2. */
static void
add_named_hash(CMS_SignerInfo *info)
{
	g_autoptr(Cert) cert = pki_cert(place.pki, "alice");
	g_autoptr(GBytes) der = cert_der(cert);
	guint8 value[6 + 13 + 2 + 64] = { 0x30, 83, 0x30, 81, 0x30, 79, 0x30,
		11, 0x06, 9, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02,
		0x03, 0x04, 64 };
	guint length = 0;

	add_usual(info);
	EVP_Digest(g_bytes_get_data(der, NULL), g_bytes_get_size(der),
	    value + 21, &length, EVP_sha512(), NULL);
	put(info, NID_id_smime_aa_signingCertificateV2, V_ASN1_SEQUENCE, value,
	    sizeof value);
}

#define SHA256_OID 0x06, 9, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 1
#define SHA512_OID 0x06, 9, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 3
#define ECDSA_OID 0x06, 8, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02

static void
put_protection(CMS_SignerInfo *info, const guint8 *value, int length)
{
	add_usual(info);
	g_assert_cmpint(
	    CMS_signed_add1_attr_by_txt(
		info, "1.2.840.113549.1.9.52", V_ASN1_SEQUENCE, value, length),
	    ==, 1);
}

static void
add_protection(CMS_SignerInfo *info)
{
	static const guint8 VALUE[] = { 0x30, 25, 0x30, 11, SHA256_OID, 0xA1,
		10, ECDSA_OID };

	put_protection(info, VALUE, sizeof VALUE);
}

static void
add_protection_with_null(CMS_SignerInfo *info)
{
	static const guint8 VALUE[] = { 0x30, 27, 0x30, 13, SHA256_OID, 0x05, 0,
		0xA1, 10, ECDSA_OID };

	put_protection(info, VALUE, sizeof VALUE);
}

static void
add_protection_of_other(CMS_SignerInfo *info)
{
	static const guint8 VALUE[] = { 0x30, 25, 0x30, 11, SHA512_OID, 0xA1,
		10, ECDSA_OID };

	put_protection(info, VALUE, sizeof VALUE);
}

static void
add_protection_of_mac(CMS_SignerInfo *info)
{
	static const guint8 VALUE[] = { 0x30, 25, 0x30, 11, SHA256_OID, 0xA2,
		10, ECDSA_OID };

	put_protection(info, VALUE, sizeof VALUE);
}

static void
add_two_protections(CMS_SignerInfo *info)
{
	static const guint8 VALUE[] = { 0x30, 25, 0x30, 11, SHA256_OID, 0xA1,
		10, ECDSA_OID };

	add_protection(info);
	g_assert_cmpint(
	    CMS_signed_add1_attr_by_txt(info, "1.2.840.113549.1.9.52",
		V_ASN1_SEQUENCE, VALUE, sizeof VALUE),
	    ==, 1);
}

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
sign_with(const char *name, GBytes *data)
{
	g_autoptr(EVP_PKEY) key = load_key(name);
	g_autoptr(EVP_MD_CTX) context = EVP_MD_CTX_new();
	guint8 signature[600];
	gsize length = sizeof signature;

	g_assert_cmpint(
	    EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key), ==, 1);
	g_assert_cmpint(
	    EVP_DigestSign(context, signature, &length,
		g_bytes_get_data(data, NULL), g_bytes_get_size(data)),
	    ==, 1);
	return g_bytes_new(signature, length);
}

static GBytes *
wrapped(guint8 tag, GBytes *content)
{
	GByteArray *array = g_byte_array_new();

	der_append_bytes(array, content);
	return der_wrap(tag, array);
}

static void
append(GByteArray *out, const guint8 *bytes, guint length)
{
	g_byte_array_append(out, bytes, length);
}

#define PKCS7_OID(last) 0x06, 9, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 7, last
static const guint8 VERSION_1[] = { 0x02, 1, 1 };
static const guint8 SHA256_ALGORITHM[] = { 0x30, 11, SHA256_OID };
static const guint8 ECDSA_ALGORITHM[] = { 0x30, 10, ECDSA_OID };

/* SignerInfo of alice; attributes: a SET OF, or NULL. */
static GBytes *
compose_info(const Signer *signer, GBytes *attributes, GBytes *signature)
{
	GByteArray *out = g_byte_array_new();
	guint start = 0;

	append(out, VERSION_1, sizeof VERSION_1);
	der_append_bytes(out, signer->sid);
	append(out, SHA256_ALGORITHM, sizeof SHA256_ALGORITHM);
	if (attributes != NULL) {
		start = out->len;
		der_append_bytes(out, attributes);
		out->data[start] = DER_CONTEXT_0;
	}
	append(out, ECDSA_ALGORITHM, sizeof ECDSA_ALGORITHM);
	der_append(out, DER_OCTET_STRING, g_bytes_get_data(signature, NULL),
	    g_bytes_get_size(signature));
	return der_wrap(DER_SEQUENCE, out);
}

/* A detached SignedData with this one SignerInfo. */
static GBytes *
compose(GBytes *attributes, GBytes *signature)
{
	static const guint8 CONTENT[] = { 0x30, 11, PKCS7_OID(1) };
	static const guint8 TYPE[] = { PKCS7_OID(2) };
	g_autoptr(Cert) cert = pki_cert(place.pki, "alice");
	g_autoptr(GPtrArray) chain =
	    g_ptr_array_new_with_free_func((GDestroyNotify)cert_unref);
	Signer *signer = NULL;
	g_autoptr(GBytes) info = NULL;
	g_autoptr(GBytes) infos = NULL;
	g_autoptr(GBytes) data = NULL;
	g_autoptr(GBytes) explicit_data = NULL;
	GByteArray *out = g_byte_array_new();
	GByteArray *outer = g_byte_array_new();

	g_ptr_array_add(chain, pki_cert(place.pki, "issuing"));
	signer = signer_new(cert, chain);
	info = compose_info(signer, attributes, signature);
	infos = wrapped(DER_SET, info);
	append(out, VERSION_1, sizeof VERSION_1);
	der_append(out, DER_SET, SHA256_ALGORITHM, sizeof SHA256_ALGORITHM);
	append(out, CONTENT, sizeof CONTENT);
	der_append_bytes(out, signer->certificates);
	der_append_bytes(out, infos);
	signer_free(signer);
	data = der_wrap(DER_SEQUENCE, out);
	explicit_data = wrapped(DER_CONTEXT_0, data);
	append(outer, TYPE, sizeof TYPE);
	der_append_bytes(outer, explicit_data);
	return der_wrap(DER_SEQUENCE, outer);
}

/* What add() puts into a SignerInfo, as the SET OF that is signed. OpenSSL
 * refuses to sign most of these itself. */
static GBytes *
attributes_by(void (*add)(CMS_SignerInfo *info))
{
	const guint flags = CMS_PARTIAL | CMS_DETACHED | CMS_BINARY;
	g_autoptr(CMS_ContentInfo) cms =
	    CMS_sign(NULL, NULL, NULL, NULL, flags);
	g_autoptr(X509) cert = load_cert("alice");
	g_autoptr(EVP_PKEY) key = load_key("alice");
	CMS_SignerInfo *info = CMS_add1_signer(
	    cms, cert, key, EVP_sha256(), flags | CMS_NOSMIMECAP);
	g_autoptr(GPtrArray) list =
	    g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
	GByteArray *out = g_byte_array_new();

	g_assert_nonnull(info);
	add(info);
	for (int i = 0; i < CMS_signed_get_attr_count(info); i++) {
		guint8 *der = NULL;
		int length =
		    i2d_X509_ATTRIBUTE(CMS_signed_get_attr(info, i), &der);

		g_assert_cmpint(length, >, 0);
		g_ptr_array_add(list, g_bytes_new(der, (gsize)length));
		OPENSSL_free(der);
	}
	der_append_set(out, DER_SET, list);
	return g_byte_array_free_to_bytes(out);
}

/* A detached signature of alice with these attributes, really signed. */
static GBytes *
forge(void (*add)(CMS_SignerInfo *info))
{
	g_autoptr(GBytes) attributes = attributes_by(add);
	g_autoptr(GBytes) signature = sign_with("alice", attributes);

	return compose(attributes, signature);
}

static void
test_forged_attributes(void)
{
	static const Forgery CASES[] = {
		{ "as usual", add_usual, VERIFY_PASS, NULL },
		{ "own certificate named", add_own_certificate, VERIFY_PASS,
		    NULL },
		{ "own certificate named with SHA-1", add_old_certificate,
		    VERIFY_PASS, NULL },
		{ "own certificate named with SHA-512", add_named_hash,
		    VERIFY_PASS, NULL },
		{ "algorithms protected", add_protection, VERIFY_PASS, NULL },
		{ "algorithms protected, NULL for absent",
		    add_protection_with_null, VERIFY_PASS, NULL },
		{ "no digest", add_no_digest, VERIFY_NEUTRAL,
		    "message digest" },
		{ "no content type", add_no_type, VERIFY_NEUTRAL,
		    "content type" },
		{ "two digests", add_two_digests, VERIFY_NEUTRAL,
		    "message digest" },
		{ "two values of one digest", add_two_values, VERIFY_NEUTRAL,
		    "message digest" },
		{ "two signing times", add_two_times, VERIFY_NEUTRAL,
		    "signing time" },
		{ "two capabilities", add_two_capabilities, VERIFY_NEUTRAL,
		    "capabilities" },
		{ "two protections", add_two_protections, VERIFY_NEUTRAL,
		    "protection" },
		{ "wrong digest", add_wrong_digest, VERIFY_FAIL,
		    "content was changed" },
		{ "digest one octet short", add_short_digest, VERIFY_FAIL,
		    "content was changed" },
		{ "digest that is no octets", add_digest_as_text, VERIFY_FAIL,
		    "content was changed" },
		{ "another content type", add_other_type, VERIFY_FAIL,
		    "content type" },
		{ "another certificate named", add_other_certificate,
		    VERIFY_FAIL, "another certificate" },
		{ "another certificate named with SHA-1", add_old_other,
		    VERIFY_FAIL, "another certificate" },
		{ "no certificate named", add_no_certificate, VERIFY_FAIL,
		    "another certificate" },
		{ "other algorithms protected", add_protection_of_other,
		    VERIFY_FAIL, "exchanged" },
		{ "a MAC protected", add_protection_of_mac, VERIFY_FAIL,
		    "exchanged" },
	};
	g_autoptr(GBytes) content = pki_file(place.pki, "content");

	for (guint i = 0; i < G_N_ELEMENTS(CASES); i++) {
		g_autoptr(GBytes) blob = forge(CASES[i].add);
		g_autoptr(GPtrArray) list =
		    verdict_of(&place, blob, content, ALICE);

		g_test_message("%s", CASES[i].name);
		verdict_assert(list, CASES[i].want, CASES[i].reason);
	}
}

/* A copy of blob with one piece of it replaced by another of its length. */
static GBytes *
replace(GBytes *blob, const guint8 *from, const guint8 *to, gsize length)
{
	gsize size = 0;
	const guint8 *data = g_bytes_get_data(blob, &size);
	guint8 *copy = g_malloc(size);
	guint count = 0;

	memcpy(copy, data, size);
	for (gsize i = 0; i + length <= size; i++) {
		if (memcmp(copy + i, from, length) == 0) {
			memcpy(copy + i, to, length);
			count++;
		}
	}
	g_assert_cmpuint(count, >=, 1);
	return g_bytes_new_take(copy, size);
}

/* Unknown algorithms are not our failure to find a good signature. */
static void
test_unknown_algorithms(void)
{
	static const guint8 KNOWN[] = { SHA256_OID };
	static const guint8 UNKNOWN[] = { 0x06, 9, 0x60, 0x86, 0x48, 0x01, 0x65,
		0x03, 0x04, 0x02, 0x63 };
	static const guint8 SHA512[] = { SHA512_OID };
	g_autoptr(GBytes) content = pki_file(place.pki, "content");
	g_autoptr(GBytes) blob = forge(add_usual);
	g_autoptr(GBytes) unknown = replace(blob, KNOWN, UNKNOWN, sizeof KNOWN);
	g_autoptr(GBytes) other = replace(blob, KNOWN, SHA512, sizeof KNOWN);
	g_autoptr(GPtrArray) by_unknown =
	    verdict_of(&place, unknown, content, ALICE);
	g_autoptr(GPtrArray) by_other =
	    verdict_of(&place, other, content, ALICE);

	verdict_assert(by_unknown, VERIFY_NEUTRAL, "not supported");
	/* ecdsa-with-SHA256_ALGORITHM beside SHA-512, RFC 8933. */
	verdict_assert(by_other, VERIFY_NEUTRAL, "not supported");
}

/*
 * "Johnny" C1: eContent taken out, the signed attributes put in its place, and
 * no attributes any more: the signature still fits.
 */
static void
test_attributes_as_content(void)
{
	g_autoptr(GBytes) attributes = attributes_by(add_usual);
	g_autoptr(GBytes) signature = sign_with("alice", attributes);
	g_autoptr(GBytes) forged = compose(NULL, signature);

	/* OpenSSL says yes, which is the attack. */
	pki_save(place.pki, "johnny", forged);
	pki_save(place.pki, "johnny-content", attributes);
	pki_run(place.pki,
	    "openssl cms -verify -binary -inform DER -in johnny \\\n"
	    "  -content johnny-content -CAfile root.pem -out out\n");
	verdict_of_file(&place, "johnny", "johnny-content", ALICE,
	    VERIFY_POLICY, "no signed attributes");
}

/* An empty SET OF is none. */
static void
test_empty_attributes(void)
{
	g_autoptr(GBytes) none = g_bytes_new("\x31\x00", 2);
	g_autoptr(GBytes) content = pki_file(place.pki, "content");
	g_autoptr(GBytes) over_set = sign_with("alice", none);
	g_autoptr(GBytes) over_content = sign_with("alice", content);
	g_autoptr(GBytes) first = compose(none, over_set);
	g_autoptr(GBytes) second = compose(none, over_content);
	g_autoptr(GPtrArray) by_first =
	    verdict_of(&place, first, content, ALICE);
	g_autoptr(GPtrArray) by_second =
	    verdict_of(&place, second, content, ALICE);

	verdict_assert(by_first, VERIFY_POLICY, "no signed attributes");
	verdict_assert(by_second, VERIFY_POLICY, "no signed attributes");
}

int
main(int argc, char **argv)
{
	int status = 0;

	g_test_init(&argc, &argv, NULL);
	verdict_init(&place);
	g_test_add_func(
	    "/verify/cms/forged-attributes", test_forged_attributes);
	g_test_add_func(
	    "/verify/cms/unknown-algorithms", test_unknown_algorithms);
	g_test_add_func(
	    "/verify/cms/attributes-as-content", test_attributes_as_content);
	g_test_add_func("/verify/cms/empty-attributes", test_empty_attributes);
	status = g_test_run();
	verdict_clear(&place);
	return status;
}
