/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CRLs taken apart: what OpenSSL wrote, what it would not write, a large one
 * against OpenSSL's own answers, and every way to cut one off.
 */
#include "config.h"

#include "crypto/crl.h"

#include <string.h>

#include <openssl/pem.h>
#include <openssl/rand.h>

#include "crl_maker.h"
#include "crypto/cert-private.h"
#include "crypto/crl-private.h"
#include "pki.h"
#include "scratch.h"

#define LARGE 200000

static char *pki;

static void
refuse(GBytes *content, const char *why)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(Crl) crl = crl_new(content, &error);

	g_assert_null(crl);
	g_assert_error(error, ERROR_DOMAIN, ERROR_MALFORMED);
	g_test_message("%s", error->message);
	g_assert_nonnull(strstr(error->message, why));
}

static void
test_facts(void)
{
	static const CrlPlan PLAN = { .issuer = "issuing",
		.entries = "leaf:1 other 0x7F",
		.number = 0x1234 };
	g_autoptr(Crl) crl = crl_make_parsed(pki, &PLAN);
	g_autoptr(GBytes) kept = crl_der(crl);
	g_autoptr(Cert) issuer = pki_cert(pki, "issuing");
	g_autoptr(Cert) leaf = pki_cert(pki, "leaf");
	g_autoptr(Cert) other = pki_cert(pki, "other");
	g_autoptr(Cert) third = pki_cert(pki, "third");
	g_autofree char *hash =
	    g_compute_checksum_for_bytes(G_CHECKSUM_SHA256, kept);
	CrlFinding finding;

	g_assert_cmpstr(crl_fingerprint(crl), ==, hash);
	g_assert_cmpstr(crl_issuer(crl), ==, "CN=Issuing,O=Tests");
	g_assert_cmpstr(crl_issuer_key(crl), ==, cert_subject_key(issuer));
	g_assert_cmpstr(crl_number(crl), ==, "1234");
	g_assert_false(crl_is_delta(crl));
	g_assert_cmpuint(crl_count(crl), ==, 3);
	g_assert_cmpint(
	    crl_next_update(crl) - crl_this_update(crl), ==, 25 * 3600);
	g_assert_true(crl_lookup(crl, leaf, &finding));
	g_assert_cmpstr(finding.reason, ==, "key compromise");
	g_assert_cmpint(finding.since, ==, 1700000000);
	g_assert_false(finding.removed);
	g_assert_true(crl_lookup(crl, other, &finding));
	g_assert_cmpstr(finding.reason, ==, "no reason given");
	g_assert_false(crl_lookup(crl, third, &finding));
	/* A certificate of another issuer with a number that is listed. */
	g_assert_false(crl_lookup(crl, issuer, &finding));
}

static void
test_empty(void)
{
	static const CrlPlan PLAN = {
		.issuer = "issuing", .from = -1, .to = CRL_NO_NEXT
	};
	g_autoptr(Crl) crl = crl_make_parsed(pki, &PLAN);
	g_autoptr(Cert) leaf = pki_cert(pki, "leaf");
	CrlFinding finding;

	g_assert_cmpuint(crl_count(crl), ==, 0);
	g_assert_null(crl_number(crl));
	g_assert_cmpint(crl_next_update(crl), ==, 0);
	g_assert_false(crl_lookup(crl, leaf, &finding));
}

static GBytes *
to_pem(GBytes *der, const char *before)
{
	gsize length = 0;
	const guint8 *data = g_bytes_get_data(der, &length);
	X509_CRL *crl = d2i_X509_CRL(NULL, &data, (long)length);
	g_autoptr(BIO) out = BIO_new(BIO_s_mem());

	BIO_puts(out, before);
	PEM_write_bio_X509_CRL(out, crl);
	X509_CRL_free(crl);
	return openssl_bytes(out);
}

static void
test_pem(void)
{
	static const CrlPlan PLAN = { .issuer = "issuing",
		.entries = "leaf:1 other 0x7F" };
	g_autoptr(GBytes) der = crl_make(pki, &PLAN);
	g_autoptr(GBytes) pem = to_pem(der, "Some text\n\n");
	g_autoptr(GBytes) cut =
	    g_bytes_new_from_bytes(pem, 0, g_bytes_get_size(pem) - 30);
	g_autoptr(GBytes) none = g_bytes_new_static("hello", 5);
	g_autoptr(GBytes) nothing = g_bytes_new(NULL, 0);
	g_autoptr(GBytes) cert = pki_file(pki, "leaf.pem");
	g_autoptr(GError) error = NULL;
	g_autoptr(Crl) crl = crl_new(pem, &error);
	g_autoptr(GBytes) got = NULL;

	g_assert_no_error(error);
	got = crl_der(crl);
	g_assert_true(g_bytes_equal(got, der));
	refuse(cut, "neither");
	refuse(none, "neither");
	refuse(nothing, "neither");
	refuse(cert, "neither");
}

/* As its owner, the byte at offset flipped by mask; exact block. */
static GBytes *
bend(GBytes *der, gsize offset, guint8 mask)
{
	gsize length = 0;
	const guint8 *data = g_bytes_get_data(der, &length);
	guint8 *copy = g_memdup2(data, length);

	copy[offset] ^= mask;
	return g_bytes_new_take(copy, length);
}

static const CrlPlan RICH = { .issuer = "issuing",
	.entries = "leaf:1 other::root 0x7F:6 0x00FFFFFFFF11:8:issuing",
	.extensions = "issuingDistributionPoint=critical,@idp\n"
		      "[idp]\nfullname=URI:http://a.example/\n"
		      "indirectCRL=TRUE\nonlysomereasons=superseded\n",
	.number = 77,
	.base = 70 };

static void
test_cut_off(void)
{
	g_autoptr(GBytes) der = crl_make(pki, &RICH);
	gsize length = 0;
	const guint8 *data = g_bytes_get_data(der, &length);
	g_autofree guint8 *longer = g_malloc0(length + 1);
	g_autoptr(GBytes) behind = NULL;

	for (gsize i = 0; i < length; i++) {
		g_autoptr(GBytes) part = g_bytes_new(data, i);

		refuse(part, "CRL");
	}
	memcpy(longer, data, length);
	behind = g_bytes_new(longer, length + 1);
	refuse(behind, "bytes behind");
}

/* No bit may be flipped without the signature telling, and none crashes. */
static void
test_bent(void)
{
	g_autoptr(GBytes) der = crl_make(pki, &RICH);
	g_autoptr(Cert) signer = pki_cert(pki, "issuing");
	g_autoptr(Cert) leaf = pki_cert(pki, "leaf");
	guint parsed = 0;

	for (gsize i = 0; i < g_bytes_get_size(der) * 8; i++) {
		g_autoptr(GBytes) bent = bend(der, i / 8, (guint8)(1 << i % 8));
		g_autoptr(Crl) crl = crl_new(bent, NULL);
		CrlFinding finding;

		if (crl != NULL) {
			parsed++;
			crl_lookup(crl, leaf, &finding);
			g_assert_nonnull(crl_signature_fault(crl, signer));
		}
	}
	g_assert_cmpuint(parsed, >, 100);
}

static void
test_indirect(void)
{
	static const CrlPlan PLAN = { .issuer = "root",
		/* The issuer of an entry stays for those behind it. */
		.entries = "0x1 leaf:1:issuing other:3 third:4:root",
		.extensions = "issuingDistributionPoint=critical,@idp\n"
			      "[idp]\nindirectCRL=TRUE\n" };
	g_autoptr(Crl) crl = crl_make_parsed(pki, &PLAN);
	g_autoptr(Cert) leaf = pki_cert(pki, "leaf");
	g_autoptr(Cert) other = pki_cert(pki, "other");
	g_autoptr(Cert) third = pki_cert(pki, "third");
	CrlFinding finding;

	g_assert_cmpuint(crl_count(crl), ==, 4);
	g_assert_true(crl_lookup(crl, leaf, &finding));
	g_assert_cmpstr(finding.reason, ==, "key compromise");
	g_assert_true(crl_lookup(crl, other, &finding));
	g_assert_cmpstr(finding.reason, ==, "affiliation changed");
	g_assert_false(crl_lookup(crl, third, &finding));
}

static void
test_twice(void)
{
	static const CrlPlan PLAN = { .issuer = "issuing",
		.entries = "leaf:8 leaf:1 leaf:8 other:8" };
	g_autoptr(Crl) crl = crl_make_parsed(pki, &PLAN);
	g_autoptr(Cert) leaf = pki_cert(pki, "leaf");
	g_autoptr(Cert) other = pki_cert(pki, "other");
	CrlFinding finding;

	g_assert_true(crl_lookup(crl, leaf, &finding));
	g_assert_false(finding.removed);
	g_assert_true(crl_lookup(crl, other, &finding));
	g_assert_true(finding.removed);
}

static void
test_critical(void)
{
	static const CrlPlan UNKNOWN = { .issuer = "issuing",
		.extensions = "1.2.3.4=critical,DER:0500\n" };
	static const CrlPlan HARMLESS = { .issuer = "issuing",
		.extensions = "1.2.3.4=DER:0500\n" };
	static const CrlPlan TWO_KINDS = { .issuer = "issuing",
		.extensions = "issuingDistributionPoint=critical,@idp\n"
			      "[idp]\nonlyuser=TRUE\nonlyCA=TRUE\n" };
	static const CrlPlan BROKEN = { .issuer = "issuing",
		.extensions = "2.5.29.28=critical,DER:0500\n" };
	static const CrlPlan BROKEN_NUMBER = { .issuer = "issuing",
		.extensions = "2.5.29.20=DER:0500\n" };
	static const CrlPlan NEGATIVE = { .issuer = "issuing",
		.extensions = "2.5.29.20=DER:0201FF\n" };
	g_autoptr(GBytes) unknown = crl_make(pki, &UNKNOWN);
	g_autoptr(GBytes) two_kinds = crl_make(pki, &TWO_KINDS);
	g_autoptr(GBytes) broken = crl_make(pki, &BROKEN);
	g_autoptr(GBytes) broken_number = crl_make(pki, &BROKEN_NUMBER);
	g_autoptr(GBytes) negative = crl_make(pki, &NEGATIVE);
	g_autoptr(Crl) harmless = crl_make_parsed(pki, &HARMLESS);

	g_assert_nonnull(harmless);
	refuse(unknown, "unknown critical extension");
	refuse(two_kinds, "contradicts");
	refuse(broken, "issuing distribution point is malformed");
	refuse(broken_number, "number is malformed");
	refuse(negative, "number is malformed");
}

static void
test_scope(void)
{
#define IDP "issuingDistributionPoint=critical,@idp\n[idp]\n"
	static const CrlPlan OLD = { .issuer = "issuing", .number = 0xFF };
	static const CrlPlan NEW = { .issuer = "issuing", .number = 0x100 };
	static const CrlPlan DELTA = {
		.issuer = "issuing", .number = 0x101, .base = 0x100
	};
	static const CrlPlan USER = { .issuer = "issuing",
		.number = 1,
		.extensions = IDP "onlyuser=TRUE\n" };
	static const CrlPlan ROOT = { .issuer = "root", .number = 0x100 };
	static const CrlPlan EARLY = {
		.issuer = "issuing", .from = -9, .to = 9
	};
	g_autoptr(Crl) old = crl_make_parsed(pki, &OLD);
	g_autoptr(Crl) new = crl_make_parsed(pki, &NEW);
	g_autoptr(Crl) delta = crl_make_parsed(pki, &DELTA);
	g_autoptr(Crl) user = crl_make_parsed(pki, &USER);
	g_autoptr(Crl) root = crl_make_parsed(pki, &ROOT);
	g_autoptr(Crl) early = crl_make_parsed(pki, &EARLY);

	g_assert_true(crl_same_scope(old, new));
	g_assert_true(crl_same_scope(old, early));
	g_assert_false(crl_same_scope(new, delta));
	g_assert_false(crl_same_scope(new, user));
	g_assert_false(crl_same_scope(new, root));
	g_assert_true(crl_is_newer(new, old));
	g_assert_false(crl_is_newer(old, new));
	g_assert_false(crl_is_newer(new, new));
	/* One has no number: the date decides. */
	g_assert_true(crl_is_newer(old, early));
	g_assert_false(crl_is_newer(early, old));
	g_assert_true(crl_is_delta(delta));
	g_assert_true(crl_delta_fits(delta, new));
	g_assert_false(crl_delta_fits(delta, old));
	g_assert_false(crl_delta_fits(delta, delta));
	g_assert_false(crl_delta_fits(delta, user));
	g_assert_false(crl_delta_fits(delta, early));
}

static void
test_signature(void)
{
	static const struct {
		CrlPlan plan;
		const char *signer;
		const char *fault; /* NULL: none */
	} CASES[] = {
		{ { .issuer = "issuing" }, "issuing", NULL },
		{ { .issuer = "issuing" }, "root", "does not verify" },
		{ { .issuer = "issuing" }, "strong", "does not verify" },
		{ { .issuer = "issuing", .digest = "sha1" }, "issuing",
		    "weak hash" },
		{ { .issuer = "issuing", .digest = "sha512" }, "issuing",
		    NULL },
		{ { .issuer = "strong" }, "strong", NULL },
		{ { .issuer = "strong", .digest = "md5" }, "strong",
		    "weak hash" },
		{ { .issuer = "feeble" }, "feeble", "too weak" },
		{ { .issuer = "pss" }, "pss", NULL },
		{ { .issuer = "pss", .digest = "sha1" }, "pss", "weak hash" },
		{ { .issuer = "pss" }, "strong", "does not verify" },
	};

	for (guint i = 0; i < G_N_ELEMENTS(CASES); i++) {
		g_autoptr(Crl) crl = crl_make_parsed(pki, &CASES[i].plan);
		g_autoptr(Cert) signer = pki_cert(pki, CASES[i].signer);
		const char *fault = crl_signature_fault(crl, signer);

		g_test_message("%s by %s: %s", CASES[i].plan.issuer,
		    CASES[i].signer, fault);
		if (CASES[i].fault == NULL) {
			g_assert_null(fault);
		} else {
			g_assert_nonnull(fault);
			g_assert_nonnull(strstr(fault, CASES[i].fault));
		}
		/* What is remembered is the same. */
		g_assert_cmpstr(crl_signature_fault(crl, signer), ==, fault);
		g_assert_cmpuint(g_hash_table_size(crl->signers), ==, 1);
	}
}

/* A list built by hand: entries, signed with issuing's key. */
static const guint8 ECDSA_SHA256[] = { 0x30, 0x0A, 0x06, 0x08, 0x2A, 0x86, 0x48,
	0xCE, 0x3D, 0x04, 0x03, 0x02 };
static const guint8 ECDSA_SHA384[] = { 0x30, 0x0A, 0x06, 0x08, 0x2A, 0x86, 0x48,
	0xCE, 0x3D, 0x04, 0x03, 0x03 };

static void
append_name(GByteArray *out, const char *cert)
{
	g_autoptr(Cert) issuer = pki_cert(pki, cert);
	guint8 *der = NULL;
	int length =
	    i2d_X509_NAME(X509_get_subject_name(cert_x509(issuer)), &der);

	g_byte_array_append(out, der, (guint)length);
	OPENSSL_free(der);
}

static GBytes *
sign_tbs(GBytes *tbs)
{
	g_autoptr(GBytes) pem = pki_file(pki, "issuing.key");
	g_autoptr(BIO) in = openssl_bio(pem);
	g_autoptr(EVP_PKEY) key = PEM_read_bio_PrivateKey(in, NULL, NULL, NULL);
	g_autoptr(EVP_MD_CTX) context = EVP_MD_CTX_new();
	guint8 signature[200] = { 0 };
	gsize length = sizeof signature - 1;
	gsize size = 0;
	const guint8 *data = g_bytes_get_data(tbs, &size);

	g_assert_cmpint(
	    EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key), ==, 1);
	g_assert_cmpint(
	    EVP_DigestSign(context, signature + 1, &length, data, size), ==, 1);
	return g_bytes_new(signature, length + 1);
}

/* Exact block. */
static GBytes *
finish(GByteArray *entries, bool version2, const guint8 *outer)
{
	GByteArray *tbs = g_byte_array_new();
	GByteArray *list = g_byte_array_new();
	g_autoptr(GBytes) whole = NULL;
	g_autoptr(GBytes) done = NULL;
	g_autoptr(GBytes) signature = NULL;

	if (version2) {
		der_append(tbs, DER_INTEGER, "\x01", 1);
	}
	g_byte_array_append(tbs, ECDSA_SHA256, sizeof ECDSA_SHA256);
	append_name(tbs, "issuing");
	der_append(tbs, DER_UTC_TIME, "200101000000Z", 13);
	der_append(tbs, DER_GENERALIZED_TIME, "20500101000000Z", 15);
	der_append(tbs, DER_SEQUENCE, entries->data, entries->len);
	whole = der_wrap(DER_SEQUENCE, tbs);
	signature = sign_tbs(whole);
	der_append_bytes(list, whole);
	g_byte_array_append(list, outer, sizeof ECDSA_SHA256);
	der_append(list, DER_BIT_STRING, g_bytes_get_data(signature, NULL),
	    g_bytes_get_size(signature));
	done = der_wrap(DER_SEQUENCE, list);
	return g_bytes_new(
	    g_bytes_get_data(done, NULL), g_bytes_get_size(done));
}

static void
append_entry(GByteArray *out, const guint8 *serial, gsize length,
    const void *rest, gsize rest_length)
{
	g_autoptr(GByteArray) one = g_byte_array_new();

	der_append(one, DER_INTEGER, serial, length);
	der_append(one, DER_UTC_TIME, "231114221320Z", 13);
	g_byte_array_append(one, rest, (guint)rest_length);
	der_append(out, DER_SEQUENCE, one->data, one->len);
}

static void
test_forms(void)
{
#define REASON_1 "\x30\x0C\x30\x0A\x06\x03\x55\x1D\x15\x04\x03\x0A\x01\x01"
	static const struct {
		const char *serial;
		gsize length;
		const char *rest;
		gsize rest_length;
		bool version1;
		const char *why; /* NULL: good */
	} CASES[] = {
		{ "\x01", 1, "", 0, false, NULL },
		{ "\x01", 1, "", 0, true, NULL },
		{ "\x01", 1, REASON_1, 14, false, NULL },
		{ "\x01", 1, REASON_1, 14, true, "version 1" },
		{ "", 0, "", 0, false, "serial number" },
		{ "\x00\x01", 2, "", 0, false, "serial number" },
		{ "\xFF\x81", 2, "", 0, false, "serial number" },
		{ "\x00\x81", 2, "", 0, false, NULL },
		{ "\x81", 1, "", 0, false, NULL },
		{ "\x01", 1, "\x05\x00", 2, false, "behind its date" },
		{ "\x01", 1, "\x30\x00\x30\x00", 4, false, "behind its date" },
		/* Reasons of no or two octets; one unknown. */
		{ "\x01", 1,
		    "\x30\x0B\x30\x09\x06\x03\x55\x1D\x15\x04\x02\x0A\x00", 13,
		    false, "reason" },
		{ "\x01", 1,
		    "\x30\x0D\x30\x0B\x06\x03\x55\x1D\x15\x04\x04\x0A\x02\x00"
		    "\x01",
		    15, false, "reason" },
		{ "\x01", 1,
		    "\x30\x0C\x30\x0A\x06\x03\x55\x1D\x15\x04\x03\x0A\x01\x63",
		    14, false, NULL },
		/* An unknown extension, and the same critical. */
		{ "\x01", 1,
		    "\x30\x0B\x30\x09\x06\x03\x55\x1D\x7F\x04\x02\x05\x00", 13,
		    false, NULL },
		{ "\x01", 1,
		    "\x30\x0E\x30\x0C\x06\x03\x55\x1D\x7F\x01\x01\xFF\x04\x02"
		    "\x05\x00",
		    16, false, "unknown critical" },
		/* certificateIssuer without a directoryName, and broken. */
		{ "\x01", 1,
		    "\x30\x13\x30\x11\x06\x03\x55\x1D\x1D\x01\x01\xFF\x04\x07"
		    "\x30\x05\x82\x03\x61\x2E\x62",
		    21, false, "not one name" },
		{ "\x01", 1,
		    "\x30\x0E\x30\x0C\x06\x03\x55\x1D\x1D\x01\x01\xFF\x04\x02"
		    "\x05\x00",
		    16, false, "issuer is malformed" },
		/* Not an extension. */
		{ "\x01", 1, "\x30\x02\x05\x00", 4, false, "extension" },
		{ "\x01", 1, "\x30\x04\x30\x02\x05\x00", 6, false,
		    "extension" },
	};

	for (guint i = 0; i < G_N_ELEMENTS(CASES); i++) {
		g_autoptr(GByteArray) entries = g_byte_array_new();
		g_autoptr(GBytes) der = NULL;
		g_autoptr(Crl) crl = NULL;
		g_autoptr(GError) error = NULL;

		append_entry(entries, (const guint8 *)CASES[i].serial,
		    CASES[i].length, CASES[i].rest, CASES[i].rest_length);
		der = finish(entries, !CASES[i].version1, ECDSA_SHA256);
		g_test_message("case %u", i);
		if (CASES[i].why != NULL) {
			refuse(der, CASES[i].why);
			continue;
		}
		crl = crl_new(der, &error);
		g_assert_no_error(error);
		g_assert_cmpuint(crl_count(crl), ==, 1);
	}
}

static void
test_two_algorithms(void)
{
	g_autoptr(GByteArray) none = g_byte_array_new();
	g_autoptr(GBytes) der = finish(none, true, ECDSA_SHA384);

	refuse(der, "two signature algorithms");
}

/* 1 to 20 octets of nothing in particular, as DER wants them. */
static gsize
random_serial(guint8 *serial)
{
	gsize length = 1 + (gsize)g_test_rand_int_range(0, 20);

	for (gsize i = 0; i < length; i++) {
		serial[i] = (guint8)g_test_rand_int_range(0, 256);
	}
	if (length > 1 && (serial[0] == 0 || serial[0] == 0xFF)) {
		serial[0] = 0x55;
	}
	return length;
}

static bool
openssl_lists(X509_CRL *crl, DerSpan serial)
{
	g_autoptr(GByteArray) out = g_byte_array_new();
	const guint8 *data = NULL;
	ASN1_INTEGER *number = NULL;
	X509_REVOKED *entry = NULL;
	int found = 0;

	der_append(out, DER_INTEGER, serial.data, serial.length);
	data = out->data;
	number = d2i_ASN1_INTEGER(NULL, &data, (long)out->len);
	g_assert_nonnull(number);
	found = X509_CRL_get0_by_serial(crl, &entry, number);
	ASN1_INTEGER_free(number);
	return found == 1;
}

static void
test_large(void)
{
	g_autoptr(GByteArray) entries = g_byte_array_new();
	g_autoptr(GByteArray) serials = g_byte_array_new();
	g_autoptr(GBytes) der = NULL;
	g_autoptr(Crl) crl = NULL;
	g_autoptr(GError) error = NULL;
	g_autoptr(Cert) signer = pki_cert(pki, "issuing");
	g_autoptr(Cert) stranger = pki_cert(pki, "root");
	X509_CRL *judge = NULL;
	const guint8 *data = NULL;
	guint hits = 0;

	for (guint i = 0; i < LARGE; i++) {
		guint8 serial[24] = { 0 };
		gsize length = random_serial(serial);

		append_entry(entries, serial, length,
		    i % 3 == 0 ? REASON_1 : "", i % 3 == 0 ? 14 : 0);
		serial[23] = (guint8)length;
		g_byte_array_append(serials, serial, sizeof serial);
	}
	der = finish(entries, true, ECDSA_SHA256);
	crl = crl_new(der, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(crl_count(crl), ==, LARGE);
	g_assert_null(crl_signature_fault(crl, signer));
	g_assert_nonnull(crl_signature_fault(crl, stranger));
	data = g_bytes_get_data(der, NULL);
	judge = d2i_X509_CRL(NULL, &data, (long)g_bytes_get_size(der));
	g_assert_nonnull(judge);
	for (guint i = 0; i < LARGE; i++) {
		const guint8 *one = serials->data + (gsize)i * 24;
		DerSpan listed = { one, one[23] };
		guint8 other[24] = { 0 };
		DerSpan foreign = { other, random_serial(other) };
		const CrlEntry *entry = crl_entries_find(
		    &crl->entries, crl_issuer_key(crl), listed);

		g_assert_nonnull(entry);
		g_assert_cmpint(crl_entries_since(&crl->entries,
				    g_bytes_get_size(der), entry),
		    ==, 1700000000);
		entry = crl_entries_find(
		    &crl->entries, crl_issuer_key(crl), foreign);
		g_assert_cmpint(
		    entry != NULL, ==, openssl_lists(judge, foreign));
		g_assert_true(openssl_lists(judge, listed));
		hits += entry != NULL;
	}
	/* Short numbers come twice: the judge was asked both ways. */
	g_assert_cmpuint(hits, >, 100);
	g_assert_cmpuint(hits, <, LARGE / 2);
	X509_CRL_free(judge);
}

static gpointer
ask_signature(gpointer data)
{
	g_autoptr(Cert) signer = pki_cert(pki, "issuing");

	return (gpointer)crl_signature_fault(data, signer);
}

static void
test_threads(void)
{
	static const CrlPlan PLAN = { .issuer = "issuing", .entries = "leaf" };
	g_autoptr(Crl) crl = crl_make_parsed(pki, &PLAN);
	GThread *threads[8];

	for (guint i = 0; i < G_N_ELEMENTS(threads); i++) {
		threads[i] = g_thread_new("asks", ask_signature, crl);
	}
	for (guint i = 0; i < G_N_ELEMENTS(threads); i++) {
		g_assert_null(g_thread_join(threads[i]));
	}
	g_assert_cmpuint(g_hash_table_size(crl->signers), ==, 1);
}

static X509_NAME *
name_of(int type, const char *value, int length)
{
	X509_NAME *name = X509_NAME_new();

	g_assert_cmpint(X509_NAME_add_entry_by_NID(name, NID_commonName, type,
			    (const guint8 *)value, length, -1, 0),
	    ==, 1);
	g_assert_cmpint(X509_NAME_add_entry_by_NID(name, NID_organizationName,
			    MBSTRING_UTF8, (const guint8 *)"o", 1, -1, 0),
	    ==, 1);
	return name;
}

/* Two names have one key exactly when OpenSSL finds them equal. */
static void
test_name_key(void)
{
	static const struct {
		int type;
		const char *value;
		int length;
	} NAMES[] = {
		{ V_ASN1_UTF8STRING, "A  b", -1 },
		{ V_ASN1_PRINTABLESTRING, "a B", -1 },
		{ V_ASN1_PRINTABLESTRING, "  a b ", -1 },
		{ V_ASN1_UTF8STRING, "ab", -1 },
		{ V_ASN1_BMPSTRING, "\0A\0 \0b", 6 },
		{ V_ASN1_UTF8STRING, "\xC3\x84 b", -1 },
		{ V_ASN1_UTF8STRING, "\xC3\xA4 b", -1 },
		{ V_ASN1_T61STRING, "\xE4 b", -1 },
		{ V_ASN1_BIT_STRING, "A b", -1 },
		{ V_ASN1_BIT_STRING, "a b", -1 },
		{ V_ASN1_UTF8STRING, "", 0 },
		{ V_ASN1_UTF8STRING, "  ", -1 },
		{ V_ASN1_UTF8STRING, "a\tb", -1 },
	};

	for (guint i = 0; i < G_N_ELEMENTS(NAMES); i++) {
		g_autoptr(X509_NAME) a =
		    name_of(NAMES[i].type, NAMES[i].value, NAMES[i].length);
		g_autofree char *a_key = openssl_name_key(a);

		for (guint j = 0; j < G_N_ELEMENTS(NAMES); j++) {
			g_autoptr(X509_NAME) b = name_of(
			    NAMES[j].type, NAMES[j].value, NAMES[j].length);
			g_autofree char *b_key = openssl_name_key(b);

			g_test_message("%u and %u", i, j);
			g_assert_cmpint(g_str_equal(a_key, b_key), ==,
			    X509_NAME_cmp(a, b) == 0);
		}
	}
}

int
main(int argc, char **argv)
{
	int result = 0;

	g_test_init(&argc, &argv, NULL);
	pki = pki_new();
	pki_run(pki, "%s",
	    "leaf leaf P-256; leaf other P-256; leaf third P-256\n"
	    "cert strong self rsa:2048 /CN=Strong\n"
	    "cert feeble self rsa:1024 /CN=Feeble\n"
	    "cert pss self pss:2048 /CN=Pss\n");
	g_test_add_func("/crl/facts", test_facts);
	g_test_add_func("/crl/empty", test_empty);
	g_test_add_func("/crl/pem", test_pem);
	g_test_add_func("/crl/cut-off", test_cut_off);
	g_test_add_func("/crl/bent", test_bent);
	g_test_add_func("/crl/indirect", test_indirect);
	g_test_add_func("/crl/twice", test_twice);
	g_test_add_func("/crl/critical", test_critical);
	g_test_add_func("/crl/scope", test_scope);
	g_test_add_func("/crl/signature", test_signature);
	g_test_add_func("/crl/forms", test_forms);
	g_test_add_func("/crl/two-algorithms", test_two_algorithms);
	g_test_add_func("/crl/large", test_large);
	g_test_add_func("/crl/threads", test_threads);
	g_test_add_func("/crl/name-key", test_name_key);
	result = g_test_run();
	scratch_free(pki);
	return result;
}
