/* SPDX-License-Identifier: Apache-2.0 */
/* Identities: every form of key file that is around, and what is refused. */
#include "config.h"

#include "crypto/keyring.h"

#include <string.h>

#include "base/error.h"
#include "crypto/openssl.h"
#include "pki.h"
#include "scratch.h"

static char *pki;

/* A prompt that answers with text, or with an error when that is NULL. */
typedef struct {
	const char *text;
	guint count;
} Prompt;

static char *
answer(gpointer data, GError **error)
{
	Prompt *prompt = data;

	prompt->count++;
	if (prompt->text == NULL) {
		g_set_error_literal(
		    error, ERROR_DOMAIN, ERROR_USAGE, "nobody answers");
	}
	return g_strdup(prompt->text);
}

static Identity *
from_parts(const char *cert, const char *key, const char *chain, Prompt *prompt,
    GError **error)
{
	g_autoptr(GBytes) cert_bytes = pki_file(pki, cert);
	g_autoptr(GBytes) key_bytes = pki_file(pki, key);
	g_autoptr(GBytes) chain_bytes =
	    chain != NULL ? pki_file(pki, chain) : NULL;

	return keyring_from_parts(cert_bytes, key_bytes, chain_bytes,
	    prompt != NULL ? answer : NULL, prompt, error);
}

static Identity *
from_pkcs12(const char *name, Prompt *prompt, GError **error)
{
	g_autoptr(GBytes) content = pki_file(pki, name);

	return keyring_from_pkcs12(
	    content, prompt != NULL ? answer : NULL, prompt, error);
}

static void
assert_chain(const Identity *identity, const char *subject, const char *want)
{
	const GPtrArray *chain = keyring_chain(identity);
	g_autoptr(GString) got = g_string_new(NULL);

	g_assert_cmpstr(cert_subject(keyring_cert(identity)), ==, subject);
	for (guint i = 0; i < chain->len; i++) {
		g_string_append_printf(got, "%s%s", i > 0 ? " < " : "",
		    cert_subject(chain->pdata[i]));
	}
	g_assert_cmpstr(got->str, ==, want);
}

static void
test_key_forms(void)
{
	static const struct {
		const char *cert;
		const char *key;
		guint asked;
	} CASES[] = {
		{ "ec.pem", "ec.key", 0 },
		{ "ec.pem", "ec-sec1.key", 0 },
		{ "ec.pem", "ec-params.key", 0 },
		{ "ec.pem", "ec.der", 0 },
		{ "ec.pem", "ec-sec1.der", 0 },
		{ "ec.pem", "ec-crlf.key", 0 },
		{ "ec.pem", "ec-text.key", 0 },
		{ "ec.pem", "ec-both.pem", 0 },
		{ "ec-both.pem", "ec-both.pem", 0 },
		{ "ec.crt", "ec.key", 0 },
		{ "ec.pem", "ec-aes.key", 1 },
		{ "ec.pem", "ec-aes.der", 1 },
		{ "ec.pem", "ec-3des.key", 1 },
		{ "ec.pem", "ec-rc2.key", 1 },
		{ "ec.pem", "ec-dek.key", 1 },
		{ "rsa.pem", "rsa.key", 0 },
		{ "rsa.pem", "rsa-pkcs1.key", 0 },
		{ "rsa.pem", "rsa-pkcs1.der", 0 },
		{ "rsa.pem", "rsa-dek.key", 1 },
		{ "rsa.pem", "rsa-dek3.key", 1 },
	};

	pki_run(pki,
	    "leaf ec P-256; leaf rsa rsa:2048\n"
	    "openssl ec -in ec.key -out ec-sec1.key\n"
	    "{ openssl ecparam -name P-256; cat ec-sec1.key; } >ec-params.key\n"
	    "openssl pkcs8 -topk8 -nocrypt -in ec.key -outform DER -out "
	    "ec.der\n"
	    "openssl ec -in ec.key -outform DER -out ec-sec1.der\n"
	    "sed 's/$/\\r/' ec.key >ec-crlf.key\n"
	    "{ echo Bag Attributes; cat ec.key; } >ec-text.key\n"
	    "cat ec.pem ec.key >ec-both.pem\n"
	    "openssl x509 -in ec.pem -outform DER -out ec.crt\n"
	    "seal() { to=$1; shift; openssl pkcs8 -topk8 -passout pass:geheim "
	    "\\\n"
	    "  -in ec.key -out $to \"$@\"; }\n"
	    "seal ec-aes.key -v2 aes-256-cbc\n"
	    "seal ec-aes.der -v2 aes-256-cbc -outform DER\n"
	    "seal ec-3des.key -v1 PBE-SHA1-3DES\n"
	    "seal ec-rc2.key -v1 PBE-SHA1-RC2-40 \\\n"
	    "  -provider legacy -provider default\n"
	    "openssl ec -in ec.key -aes128 -passout pass:geheim \\\n"
	    "  -out ec-dek.key\n"
	    "openssl rsa -in rsa.key -traditional -out rsa-pkcs1.key\n"
	    "openssl rsa -in rsa.key -traditional -outform DER \\\n"
	    "  -out rsa-pkcs1.der\n"
	    "openssl rsa -in rsa.key -traditional -aes256 \\\n"
	    "  -passout pass:geheim -out rsa-dek.key\n"
	    "openssl rsa -in rsa.key -traditional -des3 \\\n"
	    "  -passout pass:geheim -out rsa-dek3.key\n");
	for (guint i = 0; i < G_N_ELEMENTS(CASES); i++) {
		Prompt prompt = { "geheim", 0 };
		g_autoptr(GError) error = NULL;
		g_autoptr(Identity) identity = from_parts(CASES[i].cert,
		    CASES[i].key, "issuing.pem", &prompt, &error);

		g_test_message("%s", CASES[i].key);
		g_assert_no_error(error);
		g_assert_cmpuint(prompt.count, ==, CASES[i].asked);
		assert_chain(identity,
		    CASES[i].cert[0] == 'e' ? "CN=ec" : "CN=rsa",
		    "CN=Issuing,O=Tests");
	}
}

static void
test_passphrase(void)
{
	static const struct {
		const char *key;
		const char *text; /* NULL: an error */
		bool ask;
		ErrorCode code;
		const char *want;
	} CASES[] = {
		{ "pw.key", "falsch", true, ERROR_MALFORMED,
		    "wrong passphrase" },
		{ "pw.key", "", true, ERROR_MALFORMED, "wrong passphrase" },
		{ "pw-dek.key", "falsch", true, ERROR_MALFORMED,
		    "wrong passphrase" },
		{ "pw.key", NULL, true, ERROR_USAGE, "nobody answers" },
		{ "pw-dek.key", NULL, true, ERROR_USAGE, "nobody answers" },
		{ "pw.key", NULL, false, ERROR_MISSING, "no passphrase" },
		{ "pw-dek.key", NULL, false, ERROR_MISSING, "no passphrase" },
	};

	pki_run(pki,
	    "leaf pw P-256\n"
	    "cp pw.key pw-plain.key\n"
	    "openssl ec -in pw-plain.key -aes128 -passout pass:geheim \\\n"
	    "  -out pw-dek.key\n"
	    "openssl pkcs8 -topk8 -in pw-plain.key -passout pass:geheim \\\n"
	    "  -out pw.key\n");
	for (guint i = 0; i < G_N_ELEMENTS(CASES); i++) {
		Prompt prompt = { CASES[i].text, 0 };
		g_autoptr(GError) error = NULL;

		g_test_message("%s %s", CASES[i].key, CASES[i].text);
		g_assert_null(from_parts("pw.pem", CASES[i].key, NULL,
		    CASES[i].ask ? &prompt : NULL, &error));
		g_assert_error(error, ERROR_DOMAIN, (int)CASES[i].code);
		g_assert_nonnull(strstr(error->message, CASES[i].want));
		g_assert_null(strstr(error->message, "falsch"));
		g_assert_cmpuint(prompt.count, ==, CASES[i].ask ? 1 : 0);
	}
}

static void
test_parts_refused(void)
{
	static const struct {
		const char *cert;
		const char *key;
		ErrorCode code;
		const char *want;
	} CASES[] = {
		{ "one.pem", "two.key", ERROR_UNFIT, "does not belong" },
		{ "one.pem", "ed25519.key", ERROR_UNFIT, "Ed25519" },
		{ "ed25519.pem", "ed25519.key", ERROR_UNFIT, "P-256" },
		{ "one.pem", "ed448.key", ERROR_UNFIT, "Ed448" },
		{ "one.pem", "x25519.key", ERROR_UNFIT, "X25519" },
		{ "one.pem", "k1.key", ERROR_UNFIT, "secp256k1" },
		{ "one.pem", "dh.key", ERROR_UNFIT, "dhpublicnumber" },
		{ "rsa1024.pem", "rsa1024.key", ERROR_UNFIT, "RSA-1024" },
		{ "one.pem", "one.pem", ERROR_MALFORMED, "no private key" },
		{ "one.pem", "words", ERROR_MALFORMED, "no private key" },
		{ "one.pem", "empty", ERROR_MALFORMED, "no private key" },
		{ "one.pem", "half.key", ERROR_MALFORMED, "cut off" },
		{ "one.pem", "damaged.key", ERROR_MALFORMED, "private key" },
		{ "one.key", "one.key", ERROR_MALFORMED, "no certificate" },
		{ "one.pem", "large", ERROR_LIMIT, "larger than" },
		{ "large", "one.key", ERROR_LIMIT, "larger than" },
	};

	pki_run(pki,
	    "leaf one P-256; leaf two P-256; leaf ed25519 ED25519\n"
	    "leaf rsa1024 rsa:1024\n"
	    "key ed448 ED448; key x25519 X25519\n"
	    "openssl ecparam -name secp256k1 -genkey -noout -out k1.key\n"
	    "openssl genpkey -algorithm DHX -pkeyopt group:dh_2048_256 \\\n"
	    "  -out dh.key\n"
	    "echo words >words; : >empty; head -n 3 one.key >half.key\n"
	    "{ echo -----BEGIN PRIVATE KEY-----; echo MDAwMDAw;\n"
	    "  echo -----END PRIVATE KEY-----; } >damaged.key\n"
	    "{ cat one.pem; head -c 1100000 /dev/zero; } >large\n");
	for (guint i = 0; i < G_N_ELEMENTS(CASES); i++) {
		g_autoptr(GError) error = NULL;

		g_test_message("%s %s", CASES[i].cert, CASES[i].key);
		g_assert_null(from_parts(
		    CASES[i].cert, CASES[i].key, NULL, NULL, &error));
		g_assert_error(error, ERROR_DOMAIN, (int)CASES[i].code);
		g_test_message("%s", error->message);
		g_assert_nonnull(strstr(error->message, CASES[i].want));
	}
}

static void
test_chain_order(void)
{
	static const struct {
		const char *chain;
		const char *want;
	} CASES[] = {
		{ NULL, "" },
		{ "c-right", "CN=C < CN=B < CN=A" },
		{ "c-odd", "CN=C < CN=B < CN=A" },
		{ "c-gap", "CN=C" },
		{ "c-none", "" },
	};

	pki_run(pki,
	    "ca() { cert $1 $2 P-256 /CN=$3 \\\n"
	    "  basicConstraints=critical,CA:TRUE keyUsage=keyCertSign; }\n"
	    "ca a root A; ca b a B; ca c b C; ca other root Other\n"
	    "cert deep c P-256 /CN=deep subjectAltName=email:d@example.com\n"
	    "cat c.pem b.pem a.pem >c-right\n"
	    "cat root.pem a.pem other.pem a.pem c.pem deep.pem b.pem >c-odd\n"
	    "cat c.pem a.pem root.pem >c-gap\n"
	    "cat other.pem root.pem >c-none\n");
	for (guint i = 0; i < G_N_ELEMENTS(CASES); i++) {
		g_autoptr(GError) error = NULL;
		g_autoptr(Identity) identity = from_parts(
		    "deep.pem", "deep.key", CASES[i].chain, NULL, &error);

		g_test_message("%s", CASES[i].chain);
		g_assert_no_error(error);
		assert_chain(identity, "CN=deep", CASES[i].want);
	}
}

/* A certificate with the issuer's name that the issuer did not sign. */
static void
test_chain_checks_signatures(void)
{
	g_autoptr(Identity) identity = NULL;
	g_autoptr(GError) error = NULL;

	pki_run(pki,
	    "leaf signed P-256\n"
	    "cert false root P-256 '/O=Tests/CN=Issuing' \\\n"
	    "  basicConstraints=critical,CA:TRUE\n"
	    "cat false.pem issuing.pem >false-first\n");
	identity =
	    from_parts("signed.pem", "signed.key", "false-first", NULL, &error);
	g_assert_no_error(error);
	assert_chain(identity, "CN=signed", "CN=Issuing,O=Tests");
	g_assert_cmpstr(
	    cert_key_name(keyring_chain(identity)->pdata[0]), ==, "P-256");
	{
		g_autoptr(Cert) issuing = pki_cert(pki, "issuing");

		g_assert_cmpstr(
		    cert_fingerprint(keyring_chain(identity)->pdata[0]), ==,
		    cert_fingerprint(issuing));
	}
}

static void
test_renewed_certificate(void)
{
	g_autoptr(Identity) identity = NULL;
	g_autoptr(GError) error = NULL;

	/* The second is valid from a second later on. */
	pki_run(pki,
	    "leaf renewed P-256 basicConstraints=CA:FALSE\n"
	    "cp renewed.pem renewed-old.pem; sleep 1.1\n"
	    "leaf renewed P-256\n"
	    "cat renewed-old.pem renewed.pem >renewed-both\n");
	identity =
	    from_parts("renewed-both", "renewed.key", NULL, NULL, &error);
	g_assert_no_error(error);
	{
		g_autoptr(Cert) newest = pki_cert(pki, "renewed");

		g_assert_cmpstr(cert_fingerprint(keyring_cert(identity)), ==,
		    cert_fingerprint(newest));
	}
}

static void
test_pkcs12_forms(void)
{
	static const struct {
		const char *file;
		guint asked;
	} CASES[] = {
		{ "modern.p12", 1 },
		{ "legacy.p12", 1 },
		{ "rc2.p12", 1 },
		{ "odd.p12", 1 },
		{ "nomac.p12", 1 },
		{ "plain.p12", 1 },
		{ "empty.p12", 0 },
		{ "empty-legacy.p12", 0 },
	};

	pki_run(pki,
	    "leaf p12 P-256\n"
	    "cat issuing.pem root.pem >p12-chain\n"
	    "cat root.pem p12.pem issuing.pem >p12-odd\n"
	    "make() { to=$1; pass=$2; shift 2; openssl pkcs12 -export \\\n"
	    "  -inkey p12.key -passout pass:$pass -out $to \"$@\"; }\n"
	    "make modern.p12 geheim -in p12.pem -certfile p12-chain\n"
	    "make legacy.p12 geheim -in p12.pem -certfile p12-chain -legacy\n"
	    "make rc2.p12 geheim -in p12.pem -certfile p12-chain -legacy \\\n"
	    "  -keypbe PBE-SHA1-RC2-40 -certpbe PBE-SHA1-RC2-40\n"
	    "make odd.p12 geheim -in p12-odd -name 'Ein Name'\n"
	    "make nomac.p12 geheim -in p12.pem -certfile p12-chain -nomac\n"
	    "make plain.p12 geheim -in p12.pem -certfile p12-chain \\\n"
	    "  -keypbe NONE -certpbe NONE\n"
	    "make empty.p12 '' -in p12.pem -certfile p12-chain\n"
	    "make empty-legacy.p12 '' -in p12.pem -certfile p12-chain "
	    "-legacy\n");
	for (guint i = 0; i < G_N_ELEMENTS(CASES); i++) {
		Prompt prompt = { "geheim", 0 };
		g_autoptr(GError) error = NULL;
		g_autoptr(Identity) identity =
		    from_pkcs12(CASES[i].file, &prompt, &error);

		g_test_message("%s", CASES[i].file);
		g_assert_no_error(error);
		g_assert_cmpuint(prompt.count, ==, CASES[i].asked);
		assert_chain(identity, "CN=p12", "CN=Issuing,O=Tests");
	}
}

/* `openssl pkcs12` writes one key only. */
static void
save_two_keys(const char *name)
{
	STACK_OF(PKCS12_SAFEBAG) *bags = NULL;
	STACK_OF(PKCS7) *safes = NULL;
	g_autoptr(PKCS12) file = NULL;
	g_autoptr(BIO) out = BIO_new(BIO_s_mem());
	g_autoptr(GBytes) content = NULL;

	for (int i = 0; i < 2; i++) {
		g_autoptr(EVP_PKEY) key = EVP_EC_gen("P-256");

		g_assert_nonnull(PKCS12_add_key(&bags, key, 0, 1,
		    NID_pbe_WithSHA1And3_Key_TripleDES_CBC, (char *)"geheim"));
	}
	g_assert_cmpint(PKCS12_add_safe(&safes, bags, -1, 0, NULL), ==, 1);
	file = PKCS12_add_safes(safes, 0);
	g_assert_cmpint(
	    PKCS12_set_mac(file, "geheim", -1, NULL, 0, 1000, NULL), ==, 1);
	g_assert_cmpint(i2d_PKCS12_bio(out, file), ==, 1);
	content = openssl_bytes(out);
	pki_save(pki, name, content);
	sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free);
	sk_PKCS7_pop_free(safes, PKCS7_free);
}

static void
test_pkcs12_refused(void)
{
	static const struct {
		const char *file;
		const char *text;
		bool ask;
		ErrorCode code;
		const char *want;
	} CASES[] = {
		{ "good.p12", "falsch", true, ERROR_MALFORMED,
		    "wrong passphrase" },
		{ "good-legacy.p12", "falsch", true, ERROR_MALFORMED,
		    "wrong passphrase" },
		{ "good.p12", "", true, ERROR_MALFORMED, "wrong passphrase" },
		{ "good.p12", NULL, true, ERROR_USAGE, "nobody answers" },
		{ "good.p12", NULL, false, ERROR_MISSING, "no passphrase" },
		{ "nokey.p12", "geheim", true, ERROR_UNFIT, "no private key" },
		{ "two.p12", "geheim", true, ERROR_UNFIT, "2 private keys" },
		{ "nocert.p12", "geheim", true, ERROR_UNFIT, "no certificate" },
		{ "ed.p12", "geheim", true, ERROR_UNFIT, "Ed25519" },
		{ "good.pem", "geheim", true, ERROR_MALFORMED, "PKCS#12" },
		{ "empty.txt", "geheim", true, ERROR_MALFORMED, "PKCS#12" },
		{ "large.p12", "geheim", true, ERROR_LIMIT, "larger than" },
	};

	pki_run(pki,
	    "leaf good P-256; leaf ed ED25519; leaf foreign P-256\n"
	    "make() { to=$1; shift; openssl pkcs12 -export \\\n"
	    "  -passout pass:geheim -out $to \"$@\"; }\n"
	    "make good.p12 -inkey good.key -in good.pem\n"
	    "make good-legacy.p12 -inkey good.key -in good.pem -legacy\n"
	    "make nokey.p12 -nokeys -in good.pem\n"
	    "make nocert.p12 -nocerts -inkey good.key -in good.key\n"
	    "make ed.p12 -inkey ed.key -in ed.pem\n"
	    ": >empty.txt; { cat good.p12; head -c 1100000 /dev/zero; } \\\n"
	    "  >large.p12\n");
	save_two_keys("two.p12");
	for (guint i = 0; i < G_N_ELEMENTS(CASES); i++) {
		Prompt prompt = { CASES[i].text, 0 };
		g_autoptr(GError) error = NULL;

		g_test_message("%s %s", CASES[i].file, CASES[i].text);
		g_assert_null(from_pkcs12(
		    CASES[i].file, CASES[i].ask ? &prompt : NULL, &error));
		g_assert_nonnull(error);
		g_test_message("%s", error->message);
		g_assert_error(error, ERROR_DOMAIN, (int)CASES[i].code);
		g_assert_nonnull(strstr(error->message, CASES[i].want));
		g_assert_cmpuint(prompt.count, <=, 1);
	}
}

static void
test_pkcs12_cut(void)
{
	g_autoptr(GBytes) whole = NULL;
	const guint8 *data = NULL;
	gsize length = 0;

	pki_run(pki,
	    "leaf cut P-256\n"
	    "openssl pkcs12 -export -inkey cut.key -in cut.pem \\\n"
	    "  -passout pass:geheim -iter 1 -out cut.p12\n");
	whole = pki_file(pki, "cut.p12");
	data = g_bytes_get_data(whole, &length);
	for (gsize cut = 0; cut < length; cut += 97) {
		Prompt prompt = { "geheim", 0 };
		g_autoptr(GBytes) part = g_bytes_new(data, cut);
		g_autoptr(GError) error = NULL;

		g_assert_null(
		    keyring_from_pkcs12(part, answer, &prompt, &error));
		g_assert_error(error, ERROR_DOMAIN, ERROR_MALFORMED);
	}
}

static void
test_write(void)
{
	g_autoptr(Identity) identity = NULL;
	g_autoptr(GBytes) text = NULL;
	g_autoptr(GError) error = NULL;
	g_autofree char *string = NULL;
	g_autofree char *first = NULL;

	pki_run(pki, "leaf written P-256\n");
	identity = pki_identity(pki, "written");
	text = keyring_write(identity, &error);
	g_assert_no_error(error);
	string =
	    g_strndup(g_bytes_get_data(text, NULL), g_bytes_get_size(text));
	first = g_strdup_printf("# fingerprint: %s\n"
				"# addresses: written@example.com\n"
				"# not after: 20",
	    cert_fingerprint(keyring_cert(identity)));
	g_assert_true(g_str_has_prefix(string, first));
	pki_save(pki, "written.store", text);
	pki_run(pki,
	    "openssl pkey -in written.store -out written.again\n"
	    "cmp written.again written.key\n"
	    "openssl x509 -in written.store | cmp - written.pem\n"
	    "test $(openssl storeutl -noout -certs written.store |\n"
	    "  grep -c '^[0-9]*: Certificate') = 2\n"
	    "test $(grep -c 'BEGIN PRIVATE KEY' written.store) = 1\n");
}

static void
test_read_several(void)
{
	static const char *const NAMES[] = { "first", "second", "third" };
	GByteArray *all = g_byte_array_new();
	g_autoptr(GBytes) content = NULL;
	g_autoptr(GPtrArray) list = NULL;
	g_autoptr(GError) error = NULL;

	pki_run(
	    pki, "leaf first P-256; leaf second P-384; leaf third pss:2048\n");
	for (guint i = 0; i < G_N_ELEMENTS(NAMES); i++) {
		g_autoptr(Identity) identity = pki_identity(pki, NAMES[i]);
		g_autoptr(GBytes) text = keyring_write(identity, NULL);

		g_byte_array_append(all, g_bytes_get_data(text, NULL),
		    (guint)g_bytes_get_size(text));
	}
	content = g_byte_array_free_to_bytes(all);
	list = keyring_read(content, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(list->len, ==, G_N_ELEMENTS(NAMES));
	for (guint i = 0; i < G_N_ELEMENTS(NAMES); i++) {
		g_autofree char *subject = g_strconcat("CN=", NAMES[i], NULL);

		assert_chain(list->pdata[i], subject, "CN=Issuing,O=Tests");
	}
}

/* Where a cut leaves an unfinished block, the file is refused; elsewhere what
 * is there is complete. */
static void
test_read_cut(void)
{
	g_autoptr(Identity) identity = NULL;
	g_autoptr(GBytes) text = NULL;
	const char *data = NULL;
	gsize length = 0;
	guint whole = 0;

	pki_run(pki, "leaf torn P-256\n");
	identity = pki_identity(pki, "torn");
	text = keyring_write(identity, NULL);
	data = g_bytes_get_data(text, &length);
	for (gsize cut = 0; cut < length; cut++) {
		g_autoptr(GBytes) part = g_bytes_new(data, cut);
		g_autoptr(GError) error = NULL;
		g_autoptr(GPtrArray) list = keyring_read(part, &error);
		const char *begin =
		    g_strrstr_len(data, (gssize)cut, "-----BEGIN ");
		const char *end = g_strrstr_len(data, (gssize)cut, "-----END ");
		bool key_only = begin != NULL &&
		    g_strstr_len(
			data, (gssize)cut, "-----END CERTIFICATE-----") == NULL;

		if (begin == NULL || key_only || end == NULL || end < begin) {
			g_assert_null(list);
			g_assert_error(error, ERROR_DOMAIN, ERROR_MALFORMED);
		} else if (list == NULL) {
			g_assert_error(error, ERROR_DOMAIN, ERROR_MALFORMED);
		} else {
			whole++;
		}
	}
	/* With or without the last line end, with and without the chain. */
	g_assert_cmpuint(whole, >=, 2);
	g_assert_cmpuint(whole, <=, 4);
}

static void
test_read_refused(void)
{
	static const struct {
		const char *file;
		ErrorCode code;
		const char *want;
	} CASES[] = {
		{ "r-empty", ERROR_MALFORMED, "no private key" },
		{ "r-comments", ERROR_MALFORMED, "no private key" },
		{ "r-cert", ERROR_MALFORMED, "before the first private key" },
		{ "r-key", ERROR_MALFORMED, "without its certificate" },
		{ "r-two-keys", ERROR_MALFORMED, "without its certificate" },
		{ "r-foreign", ERROR_UNFIT, "does not belong" },
		{ "r-second-foreign", ERROR_UNFIT, "does not belong" },
		{ "r-sealed", ERROR_UNFIT, "encrypted" },
		{ "r-sealed-old", ERROR_UNFIT, "encrypted" },
		{ "r-ed", ERROR_UNFIT, "Ed25519" },
		{ "r-damaged", ERROR_MALFORMED, "certificate" },
		{ "r-large", ERROR_LIMIT, "larger than" },
		{ "r-torn", ERROR_MALFORMED, "cut off" },
	};

	pki_run(pki,
	    "leaf ra P-256; leaf rb P-256; leaf re ED25519\n"
	    ": >r-empty; echo '# only: this' >r-comments\n"
	    "cat ra.pem ra.key >r-cert; cat ra.key >r-key\n"
	    "cat ra.key rb.key rb.pem >r-two-keys\n"
	    "cat ra.key rb.pem ra.pem >r-foreign\n"
	    "cat ra.key ra.pem rb.key ra.pem >r-second-foreign\n"
	    "openssl pkcs8 -topk8 -in ra.key -passout pass:x -out r-sealed\n"
	    "cat ra.pem >>r-sealed\n"
	    "openssl ec -in ra.key -aes128 -passout pass:x -out r-sealed-old\n"
	    "cat ra.pem >>r-sealed-old\n"
	    "cat re.key re.pem >r-ed\n"
	    "{ cat ra.key; sed '/BEGIN/!s/MII/MIJ/' ra.pem; } >r-damaged\n"
	    "{ cat ra.key ra.pem; head -c 1100000 /dev/zero; } >r-large\n"
	    "{ cat ra.key ra.pem; printf %%s '-----BEGIN CERT'; } >r-torn\n");
	for (guint i = 0; i < G_N_ELEMENTS(CASES); i++) {
		g_autoptr(GBytes) content = pki_file(pki, CASES[i].file);
		g_autoptr(GError) error = NULL;

		g_test_message("%s", CASES[i].file);
		g_assert_null(keyring_read(content, &error));
		g_assert_nonnull(error);
		g_test_message("%s", error->message);
		g_assert_error(error, ERROR_DOMAIN, (int)CASES[i].code);
		g_assert_nonnull(strstr(error->message, CASES[i].want));
	}
}

static void
test_wipe(void)
{
	char *text = g_strdup("geheim");

	keyring_wipe(text);
	keyring_wipe(NULL);
	keyring_unref(NULL);
}

int
main(int argc, char **argv)
{
	int status = 0;

	g_test_init(&argc, &argv, NULL);
	pki = pki_new();
	g_test_add_func("/keyring/from-parts/key-forms", test_key_forms);
	g_test_add_func("/keyring/from-parts/passphrase", test_passphrase);
	g_test_add_func("/keyring/from-parts/refused", test_parts_refused);
	g_test_add_func("/keyring/from-parts/chain-order", test_chain_order);
	g_test_add_func("/keyring/from-parts/chain-signatures",
	    test_chain_checks_signatures);
	g_test_add_func("/keyring/from-parts/renewed-certificate",
	    test_renewed_certificate);
	g_test_add_func("/keyring/from-pkcs12/forms", test_pkcs12_forms);
	g_test_add_func("/keyring/from-pkcs12/refused", test_pkcs12_refused);
	g_test_add_func("/keyring/from-pkcs12/cut-off", test_pkcs12_cut);
	g_test_add_func("/keyring/write/openssl-reads-it", test_write);
	g_test_add_func("/keyring/read/several", test_read_several);
	g_test_add_func("/keyring/read/cut-off", test_read_cut);
	g_test_add_func("/keyring/read/refused", test_read_refused);
	g_test_add_func("/keyring/wipe/null", test_wipe);
	status = g_test_run();
	scratch_free(pki);
	return status;
}
