/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signatures of others: what openssl makes in all its variants, and what
 * attackers make of it ("Johnny, you are fired", RFC 8551 6, RFC 8933).
 */
#include "config.h"

#include "crypto/verify.h"

#include <string.h>

#include "crypto/sign.h"
#include "pki.h"
#include "verdict.h"

static VerdictPlace place;

#define BY_ALICE "-signer alice.pem -inkey alice.key"
#define BY_RSA "-signer rsa.pem -inkey rsa.key"
#define PSS "-keyopt rsa_padding_mode:pss -keyopt rsa_pss_saltlen:digest"

static void
test_openssl(void)
{
	static const struct {
		const char *name;
		const char *options;
		bool opaque;
		const char *from;
		VerifyResult want;
		const char *reason;
	} CASES[] = {
		{ "EC", BY_ALICE, false, ALICE, VERIFY_PASS, NULL },
		{ "opaque", BY_ALICE " -nodetach", true, ALICE, VERIFY_PASS,
		    NULL },
		{ "BER", BY_ALICE " -nodetach -stream", true, ALICE,
		    VERIFY_PASS, NULL },
		{ "case of the address", BY_ALICE, false, "ALICE@example.com",
		    VERIFY_PASS, NULL },
		{ "SHA-384", BY_ALICE " -md sha384", false, ALICE, VERIFY_PASS,
		    NULL },
		{ "SHA-512", BY_RSA " -md sha512", false, "rsa@example.com",
		    VERIFY_PASS, NULL },
		{ "SHA-224", BY_RSA " -md sha224", false, "rsa@example.com",
		    VERIFY_PASS, NULL },
		{ "PSS", BY_RSA " " PSS, false, "rsa@example.com", VERIFY_PASS,
		    NULL },
		{ "PSS key", "-signer pss.pem -inkey pss.key " PSS, false,
		    "pss@example.com", VERIFY_PASS, NULL },
		{ "key identifier", BY_ALICE " -keyid", false, ALICE,
		    VERIFY_PASS, NULL },
		{ "signing certificate", BY_ALICE " -cades", false, ALICE,
		    VERIFY_PASS, NULL },
		{ "no capabilities", BY_ALICE " -nosmimecap", false, ALICE,
		    VERIFY_PASS, NULL },
		{ "root in the message", BY_ALICE " -certfile cas", false,
		    ALICE, VERIFY_PASS, NULL },
		{ "any extended key usage", "-signer any.pem -inkey any.key",
		    false, "any@example.com", VERIFY_PASS, NULL },
		{ "two signers of one address",
		    BY_ALICE " -signer alice2.pem -inkey alice2.key", false,
		    ALICE, VERIFY_PASS, NULL },
		{ "no signed attributes", BY_ALICE " -noattr", false, ALICE,
		    VERIFY_POLICY, "no signed attributes" },
		{ "SHA-1", BY_RSA " -md sha1", false, "rsa@example.com",
		    VERIFY_POLICY, "hash is weak" },
		{ "MD5", BY_RSA " -md md5", false, "rsa@example.com",
		    VERIFY_POLICY, "hash is weak" },
		{ "RSA-1024", "-signer weak.pem -inkey weak.key", false,
		    "weak@example.com", VERIFY_POLICY, "too short" },
		{ "no certificate", BY_ALICE " -nocerts", false, ALICE,
		    VERIFY_PERMERROR, "not in the message" },
		{ "no certificate, key identifier", BY_ALICE " -nocerts -keyid",
		    false, ALICE, VERIFY_PERMERROR, "not in the message" },
		{ "another From", BY_ALICE, false, "bob@example.com",
		    VERIFY_POLICY, "From" },
		{ "no single From", BY_ALICE, false, NULL, VERIFY_POLICY,
		    "From" },
		{ "certificate without address",
		    "-signer nobody.pem -inkey nobody.key", false, ALICE,
		    VERIFY_POLICY, "From" },
		{ "unknown issuer", "-signer stray.pem -inkey stray.key", false,
		    "stray@example.com", VERIFY_POLICY, "no trust anchor" },
		{ "for servers", "-signer web.pem -inkey web.key", false,
		    "web@example.com", VERIFY_POLICY, "emailProtection" },
		{ "for encryption", "-signer crypt.pem -inkey crypt.key", false,
		    "crypt@example.com", VERIFY_POLICY, "digitalSignature" },
		{ "two signers, one of another address", BY_ALICE " " BY_RSA,
		    false, ALICE, VERIFY_POLICY, "" },
		{ "two signers, one unknown",
		    BY_ALICE " -signer stray2.pem -inkey stray2.key", false,
		    ALICE, VERIFY_POLICY, "" },
		{ "content type of another kind",
		    BY_ALICE " -econtent_type id-ct-asciiTextWithCRLF", false,
		    ALICE, VERIFY_NEUTRAL, "no MIME entity" },
		{ "detached, alone", BY_ALICE, true, ALICE, VERIFY_NEUTRAL,
		    "without its content" },
		{ "content in a detached signature", BY_ALICE " -nodetach",
		    false, ALICE, VERIFY_NEUTRAL,
		    "content inside a detached signature" },
	};

	for (guint i = 0; i < G_N_ELEMENTS(CASES); i++) {
		g_test_message("%s", CASES[i].name);
		pki_run(place.pki,
		    "openssl cms -sign -binary -in content -outform DER \\\n"
		    "  -out blob -certfile issuing.pem %s\n",
		    CASES[i].options);
		verdict_of_file(&place, "blob",
		    CASES[i].opaque ? NULL : "content", CASES[i].from,
		    CASES[i].want, CASES[i].reason);
	}
}

static void
test_what_is_told(void)
{
	g_autoptr(GBytes) blob = NULL;
	g_autoptr(GBytes) content = pki_file(place.pki, "content");
	g_autoptr(GPtrArray) list = NULL;
	g_autoptr(Cert) rsa = pki_cert(place.pki, "rsa");
	const VerifySignature *first = NULL;
	const VerifySignature *second = NULL;

	pki_run(place.pki,
	    "openssl cms -sign -binary -in content -outform DER -out told \\\n"
	    "  " BY_RSA " " PSS " -signer alice.pem -inkey alice.key\n");
	blob = pki_file(place.pki, "told");
	list = verdict_of(&place, blob, content, "RSA@example.com");
	g_assert_cmpuint(list->len, ==, 2);
	first = list->pdata[0];
	second = list->pdata[1];
	/* The SET OF may have put either first. */
	if (g_str_has_prefix(second->algorithm, "RSA")) {
		first = list->pdata[1];
		second = list->pdata[0];
	}
	g_assert_cmpstr(first->algorithm, ==, "RSA-PSS-2048 sha256");
	g_assert_cmpstr(first->address, ==, "rsa@example.com");
	g_assert_cmpstr(
	    cert_fingerprint(first->signer), ==, cert_fingerprint(rsa));
	g_assert_cmpint(ABS(first->signing_time - pki_now()), <, 60);
	g_assert_cmpint(first->result, ==, VERIFY_POLICY);
	g_assert_cmpstr(second->algorithm, ==, "P-256 sha256");
	g_assert_cmpstr(second->address, ==, ALICE);
}

static void
test_result_names(void)
{
	static const char *const WANT[] = { "pass", "none", "neutral", "policy",
		"temperror", "permerror", "fail" };

	for (guint i = 0; i < G_N_ELEMENTS(WANT); i++) {
		g_assert_cmpstr(
		    verify_result_name((VerifyResult)i), ==, WANT[i]);
	}
}

static void
test_dates(void)
{
	static const struct {
		gint64 days;
		VerifyResult want;
		const char *reason;
	} CASES[] = {
		{ 29, VERIFY_PASS, NULL },
		{ 31, VERIFY_FAIL, "expired" },
		{ -1, VERIFY_FAIL, "not yet valid" },
	};
	g_autoptr(GBytes) blob = NULL;
	g_autoptr(GBytes) content = pki_file(place.pki, "content");

	pki_run(place.pki,
	    "openssl cms -sign -binary -in content -outform DER -out dated \\\n"
	    "  -certfile issuing.pem " BY_ALICE "\n");
	blob = pki_file(place.pki, "dated");
	for (guint i = 0; i < G_N_ELEMENTS(CASES); i++) {
		VerifyRules rules = verdict_rules(place.anchors, ALICE);
		g_autoptr(GPtrArray) list = NULL;

		rules.at += CASES[i].days * 86400;
		list = verdict_by(&rules, blob, content);
		verdict_assert(list, CASES[i].want, CASES[i].reason);
	}
	/* Worse than an unknown issuer. */
	{
		g_autoptr(GPtrArray) none = g_ptr_array_new();
		g_autoptr(Anchors) nothing = chain_anchors_new(none);
		VerifyRules rules = verdict_rules(nothing, ALICE);
		g_autoptr(GPtrArray) list = NULL;

		rules.at += 31 * 86400;
		list = verdict_by(&rules, blob, content);
		verdict_assert(list, VERIFY_FAIL, "expired");
	}
}

static void
test_changed_content(void)
{
	static const char *const TEXTS[] = { "", "x", TEXT " ",
		"Content-Type: text/plain\r\n\r\nhello\r\n",
		"Content-Type: text/plain\n\nHello\n" };
	g_autoptr(GBytes) blob = NULL;

	pki_run(place.pki,
	    "openssl cms -sign -binary -in content -outform DER -out changed "
	    "\\\n"
	    "  -certfile issuing.pem " BY_ALICE "\n");
	blob = pki_file(place.pki, "changed");
	for (guint i = 0; i < G_N_ELEMENTS(TEXTS); i++) {
		g_autoptr(GBytes) content =
		    g_bytes_new(TEXTS[i], strlen(TEXTS[i]));
		g_autoptr(GPtrArray) list =
		    verdict_of(&place, blob, content, ALICE);

		verdict_assert(list, VERIFY_FAIL, "content was changed");
	}
}

/* Any bit of the blob turned over: never a pass for another content, and no
 * crash. What does not touch anything signed may stay good. */
static void
test_changed_blob(void)
{
	g_autoptr(GBytes) blob = NULL;
	g_autoptr(GBytes) content = pki_file(place.pki, "content");
	g_autoptr(GBytes) other = g_bytes_new("other", 5);
	gsize length = 0;
	const guint8 *data = NULL;

	pki_run(place.pki,
	    "openssl cms -sign -binary -in content -outform DER -out bits \\\n"
	    "  -certfile issuing.pem " BY_ALICE "\n");
	blob = pki_file(place.pki, "bits");
	data = g_bytes_get_data(blob, &length);
	for (gsize i = 0; i < length; i++) {
		g_autofree guint8 *copy = g_malloc(length);
		g_autoptr(GBytes) turned = NULL;
		g_autoptr(GPtrArray) list = NULL;
		g_autoptr(GPtrArray) wrong = NULL;

		memcpy(copy, data, length);
		copy[i] ^= (guint8)(1 << (i % 8));
		turned = g_bytes_new(copy, length);
		list = verdict_of(&place, turned, content, ALICE);
		wrong = verdict_of(&place, turned, other, ALICE);
		for (guint j = 0; j < wrong->len; j++) {
			const VerifySignature *signature = wrong->pdata[j];

			g_assert_cmpint(signature->result, !=, VERIFY_PASS);
		}
	}
}

/* The signature octets at the end. */
static void
test_changed_signature(void)
{
	g_autoptr(GBytes) blob = NULL;
	g_autoptr(GBytes) content = pki_file(place.pki, "content");
	g_autoptr(GBytes) turned = NULL;
	g_autoptr(GPtrArray) list = NULL;
	g_autofree guint8 *copy = NULL;
	gsize length = 0;

	pki_run(place.pki,
	    "openssl cms -sign -binary -in content -outform DER -out last \\\n"
	    "  -certfile issuing.pem " BY_RSA "\n");
	blob = pki_file(place.pki, "last");
	copy = g_malloc(g_bytes_get_size(blob));
	memcpy(copy, g_bytes_get_data(blob, &length), g_bytes_get_size(blob));
	copy[length - 1] ^= 1;
	turned = g_bytes_new(copy, length);
	list = verdict_of(&place, turned, content, "rsa@example.com");
	verdict_assert(list, VERIFY_FAIL, "signature is wrong");
}

static void
test_malformed(void)
{
	static const char *const FILES[] = { "m-empty", "m-words", "m-more",
		"m-cut", "m-cert", "m-enveloped", "m-data" };

	pki_run(place.pki,
	    "openssl cms -sign -binary -in content -outform DER -out m-good "
	    "\\\n"
	    "  " BY_ALICE "\n"
	    ": >m-empty; echo words >m-words; { cat m-good; echo; } >m-more\n"
	    "head -c 700 m-good >m-cut\n"
	    "openssl x509 -in alice.pem -outform DER -out m-cert\n"
	    "openssl cms -encrypt -in content -outform DER -out m-enveloped "
	    "\\\n"
	    "  rsa.pem\n"
	    "openssl cms -data_create -in content -outform DER -out m-data\n");
	for (guint i = 0; i < G_N_ELEMENTS(FILES); i++) {
		g_test_message("%s", FILES[i]);
		verdict_of_file(
		    &place, FILES[i], "content", ALICE, VERIFY_NEUTRAL, "");
		verdict_of_file(
		    &place, FILES[i], NULL, ALICE, VERIFY_NEUTRAL, "");
	}
}

/* The content of an opaque blob, whatever the verdict. */
static void
assert_inner(
    const char *name, const char *from, VerifyResult want, GBytes *content)
{
	VerifyRules rules = verdict_rules(place.anchors, from);
	g_autoptr(GBytes) blob = pki_file(place.pki, name);
	g_autoptr(Verification) found = verify_cms(blob, NULL, &rules);

	verdict_assert(found->signatures, want, "");
	g_assert_nonnull(found->inner);
	g_assert_true(g_bytes_equal(found->inner, content));
}

static void
test_inner(void)
{
	VerifyRules rules = verdict_rules(place.anchors, ALICE);
	g_autoptr(GBytes) content = pki_file(place.pki, "content");
	g_autoptr(GBytes) empty = g_bytes_new("", 0);
	g_autoptr(GBytes) large = NULL;

	pki_run(place.pki,
	    "make() { openssl cms -sign -binary -outform DER -out $1 \\\n"
	    "  -certfile issuing.pem " BY_ALICE " $2 $3 $4 $5; }\n"
	    "make i-der -in content -nodetach; make i-det -in content\n"
	    "make i-ber -in content -nodetach -stream\n"
	    ": >void; make i-void -in void -nodetach\n"
	    "head -c 300000 /dev/urandom >many\n"
	    "make i-many -in many -nodetach; "
	    "make i-many-ber -in many -nodetach -stream\n");
	large = pki_file(place.pki, "many");
	assert_inner("i-der", ALICE, VERIFY_PASS, content);
	assert_inner("i-ber", ALICE, VERIFY_PASS, content);
	assert_inner("i-der", NULL, VERIFY_POLICY, content);
	assert_inner("i-void", ALICE, VERIFY_PASS, empty);
	assert_inner("i-many", ALICE, VERIFY_PASS, large);
	assert_inner("i-many-ber", ALICE, VERIFY_PASS, large);
	for (guint i = 0; i < 2; i++) {
		g_autoptr(GBytes) blob =
		    pki_file(place.pki, i == 0 ? "i-det" : "i-der");
		g_autoptr(Verification) found =
		    verify_cms(blob, content, &rules);

		g_assert_null(found->inner);
	}
}

static void
test_no_signers(void)
{
	pki_run(place.pki,
	    "openssl crl2pkcs7 -nocrl -certfile alice.pem -outform DER \\\n"
	    "  -out certs-only\n");
	verdict_of_file(&place, "certs-only", "content", ALICE,
	    VERIFY_PERMERROR, "no signer");
	verdict_of_file(
	    &place, "certs-only", NULL, ALICE, VERIFY_NONE, "certificates");
}

static void
test_limits(void)
{
	pki_run(place.pki,
	    "all=\n"
	    "for i in 1 2 3 4 5 6 7 8 9 10 11; do\n"
	    "  cert by$i issuing P-256 /CN=$i subjectAltName=email:" ALICE "\n"
	    "  all=\"$all -signer by$i.pem -inkey by$i.key\"\n"
	    "  openssl cms -sign -binary -in content -outform DER -out s$i \\\n"
	    "    -certfile issuing.pem $all\n"
	    "done\n"
	    "i=0; cp issuing.pem bag\n"
	    "while [ $i -lt 48 ]; do\n"
	    "  cert bag1 self P-256 /CN=$i; cat bag1.pem >>bag; i=$((i+1))\n"
	    "done\n"
	    "openssl cms -sign -binary -in content -outform DER -out c50 \\\n"
	    "  -certfile bag " BY_ALICE "\n"
	    "cert bag1 self P-256 /CN=more; cat bag1.pem >>bag\n"
	    "openssl cms -sign -binary -in content -outform DER -out c51 \\\n"
	    "  -certfile bag " BY_ALICE "\n");
	verdict_of_file(&place, "s10", "content", ALICE, VERIFY_PASS, NULL);
	verdict_of_file(
	    &place, "s11", "content", ALICE, VERIFY_NEUTRAL, "too many");
	verdict_of_file(&place, "c50", "content", ALICE, VERIFY_PASS, NULL);
	verdict_of_file(
	    &place, "c51", "content", ALICE, VERIFY_NEUTRAL, "too many");
}

/* One key, two certificates with its identifier, one of them not for mail: the
 * one that the signer names is meant. In a SET OF the shorter comes first. */
static void
test_shared_key_identifier(void)
{
	pki_run(place.pki,
	    "leaf twin P-256 subjectKeyIdentifier=hash\n"
	    "for cn in o "
	    "a-very-long-name-of-the-other-certificate-that-there-is\n"
	    "do\n"
	    "  cp twin.key other.key\n"
	    "  cert other issuing P-256 /CN=$cn subjectKeyIdentifier=hash \\\n"
	    "    extendedKeyUsage=serverAuth\n"
	    "  cat issuing.pem other.pem >bag\n"
	    "  openssl cms -sign -binary -in content -outform DER -cades \\\n"
	    "    -out by-$cn -keyid -certfile bag -signer twin.pem \\\n"
	    "    -inkey twin.key\n"
	    "done; mv by-a-* by-a\n");
	verdict_of_file(
	    &place, "by-o", "content", "twin@example.com", VERIFY_PASS, NULL);
	verdict_of_file(
	    &place, "by-a", "content", "twin@example.com", VERIFY_PASS, NULL);
}

/* Two certificates with the same identifier but different keys. */
static void
test_colliding_key_identifier(void)
{
	pki_run(place.pki,
	    "leaf real P-256 subjectKeyIdentifier=01020304\n"
	    "for cn in f "
	    "a-very-long-name-of-the-false-certificate-that-there-is\n"
	    "do\n"
	    "  cert fake self P-256 /CN=$cn subjectKeyIdentifier=01020304 \\\n"
	    "    subjectAltName=email:real@example.com\n"
	    "  cat fake.pem issuing.pem >bag\n"
	    "  openssl cms -sign -binary -in content -outform DER \\\n"
	    "    -out by-$cn -keyid -certfile bag -signer real.pem \\\n"
	    "    -inkey real.key\n"
	    "done; mv by-a-* by-a; cat real.pem issuing.pem >bag\n"
	    "openssl cms -sign -binary -in content -outform DER -out by-liar "
	    "\\\n"
	    "  -keyid -certfile bag -signer fake.pem -inkey fake.key\n");
	verdict_of_file(
	    &place, "by-f", "content", "real@example.com", VERIFY_PASS, NULL);
	verdict_of_file(
	    &place, "by-a", "content", "real@example.com", VERIFY_PASS, NULL);
	verdict_of_file(&place, "by-liar", "content", "real@example.com",
	    VERIFY_POLICY, "no trust anchor");
}

/* C2: a good SignerInfo beside one whose signature is broken. */
static void
test_good_beside_bad(void)
{
	g_autoptr(GBytes) blob = NULL;
	g_autoptr(GBytes) content = pki_file(place.pki, "content");
	guint passes = 0;
	gsize length = 0;
	const guint8 *data = NULL;

	pki_run(place.pki,
	    "openssl cms -sign -binary -in content -outform DER -out pair \\\n"
	    "  -certfile issuing.pem " BY_ALICE " \\\n"
	    "  -signer alice2.pem -inkey alice2.key\n");
	blob = pki_file(place.pki, "pair");
	data = g_bytes_get_data(blob, &length);
	{
		g_autofree guint8 *copy = g_malloc(length);
		g_autoptr(GBytes) turned = NULL;
		g_autoptr(GPtrArray) list = NULL;

		memcpy(copy, data, length);
		copy[length - 1] ^= 1;
		turned = g_bytes_new(copy, length);
		list = verdict_of(&place, turned, content, ALICE);
		g_assert_cmpuint(list->len, ==, 2);
		for (guint i = 0; i < list->len; i++) {
			const VerifySignature *one = list->pdata[i];

			g_assert_cmpint(one->result, ==, VERIFY_FAIL);
			g_assert_nonnull(one->reason);
			passes += strstr(one->reason, "beside") != NULL ? 1 : 0;
		}
		g_assert_cmpuint(passes, ==, 1);
	}
}

static void
test_own(void)
{
	g_autoptr(Identity) identity = pki_identity(place.pki, "alice");
	SignOptions options = { .opaque = true, .signing_time = pki_now() };
	g_autoptr(Rope) content = rope_new();
	g_autoptr(Rope) rope = NULL;
	g_autoptr(GBytes) blob = NULL;
	g_autoptr(GPtrArray) list = NULL;

	rope_append_text(content, TEXT);
	rope = sign_content(identity, content, &options, NULL);
	blob = rope_to_bytes(rope);
	list = verdict_of(&place, blob, NULL, ALICE);
	verdict_assert(list, VERIFY_PASS, NULL);
}

int
main(int argc, char **argv)
{
	int status = 0;

	g_test_init(&argc, &argv, NULL);
	verdict_init(&place);
	g_test_add_func("/verify/cms/by-openssl", test_openssl);
	g_test_add_func("/verify/cms/by-us", test_own);
	g_test_add_func("/verify/cms/what-is-told", test_what_is_told);
	g_test_add_func("/verify/cms/dates", test_dates);
	g_test_add_func("/verify/cms/content-changed", test_changed_content);
	g_test_add_func("/verify/cms/bits-turned", test_changed_blob);
	g_test_add_func(
	    "/verify/cms/signature-changed", test_changed_signature);
	g_test_add_func("/verify/cms/malformed", test_malformed);
	g_test_add_func("/verify/cms/inner-content", test_inner);
	g_test_add_func("/verify/cms/no-signers", test_no_signers);
	g_test_add_func("/verify/cms/limits", test_limits);
	g_test_add_func(
	    "/verify/cms/one-key-two-certificates", test_shared_key_identifier);
	g_test_add_func("/verify/cms/colliding-key-identifier",
	    test_colliding_key_identifier);
	g_test_add_func("/verify/cms/good-beside-bad", test_good_beside_bad);
	g_test_add_func("/verify/result-name/words", test_result_names);
	status = g_test_run();
	verdict_clear(&place);
	return status;
}
