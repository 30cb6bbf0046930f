/* SPDX-License-Identifier: Apache-2.0 */
/* What a blob is, and what is told of its inside. */
#include "config.h"

#include "crypto/cms.h"

#include <string.h>

#include "base/error.h"
#include "crypto/cert.h"
#include "crypto/inspect.h"
#include "pki.h"
#include "scratch.h"

static char *pki;

static void
make_files(void)
{
	pki_run(pki,
	    "leaf ec P-256; leaf rsa rsa:2048\n"
	    "echo Hello >text\n"
	    "sign() { out=$1; shift; openssl cms -sign -binary -in text \\\n"
	    "  -outform DER -out $out -signer ec.pem -inkey ec.key \"$@\"; }\n"
	    "seal() { out=$1; shift; openssl cms -encrypt -binary -in text \\\n"
	    "  -outform DER -out $out \"$@\"; }\n"
	    "sign signed -certfile issuing.pem; sign opaque -nodetach\n"
	    "sign ber -nodetach -stream; sign keyid -keyid -nocerts\n"
	    "sign two -signer rsa.pem -inkey rsa.key -md sha512\n"
	    "openssl crl2pkcs7 -nocrl -certfile ec.pem -outform DER -out "
	    "certs\n"
	    "seal rsa -aes256 rsa.pem; seal ec -aes128 ec.pem\n"
	    "seal gcm -aes-256-gcm rsa.pem; seal both -aes256 rsa.pem ec.pem\n"
	    "seal stream -aes256 -stream rsa.pem\n"
	    "seal byid -aes256 -keyid -recip rsa.pem\n"
	    "seal password -aes256 -pwri_password x\n"
	    "seal kek -aes256 -secretkey 000102030405060708090a0b0c0d0e0f \\\n"
	    "  -secretkeyid 01\n"
	    "openssl cms -data_create -in text -outform DER -out data\n"
	    "openssl cms -digest_create -in text -outform DER -out digested\n"
	    ": >empty; echo words >words; { cat signed; echo; } >more\n"
	    "openssl x509 -in ec.pem -outform DER -out cert.der\n"
	    "openssl cms -compress -in text -outform DER -out compressed \\\n"
	    "  2>/dev/null || :\n");
}

static void
test_kinds(void)
{
	static const struct {
		const char *file;
		CmsKind want;
		const char *name;
	} CASES[] = {
		{ "signed", CMS_KIND_SIGNED, "signed-data" },
		{ "opaque", CMS_KIND_SIGNED, "signed-data" },
		{ "ber", CMS_KIND_SIGNED, "signed-data" },
		{ "certs", CMS_KIND_CERTS_ONLY, "certs-only" },
		{ "rsa", CMS_KIND_ENVELOPED, "enveloped-data" },
		{ "ec", CMS_KIND_ENVELOPED, "enveloped-data" },
		{ "stream", CMS_KIND_ENVELOPED, "enveloped-data" },
		{ "gcm", CMS_KIND_AUTH_ENVELOPED, "authEnveloped-data" },
		{ "data", CMS_KIND_OTHER, "other" },
		{ "digested", CMS_KIND_OTHER, "other" },
		{ "empty", CMS_KIND_NONE, "none" },
		{ "words", CMS_KIND_NONE, "none" },
		{ "more", CMS_KIND_NONE, "none" },
		{ "cert.der", CMS_KIND_NONE, "none" },
	};

	for (guint i = 0; i < G_N_ELEMENTS(CASES); i++) {
		g_autoptr(GBytes) blob = pki_file(pki, CASES[i].file);

		g_test_message("%s", CASES[i].file);
		g_assert_cmpint(cms_kind(blob), ==, CASES[i].want);
		g_assert_cmpstr(
		    cms_kind_name(CASES[i].want), ==, CASES[i].name);
	}
}

/* CompressedData made by hand: Debian's OpenSSL has no zlib. */
static void
test_compressed(void)
{
	static const guint8 BLOB[] = { 0x30, 0x39, 0x06, 0x0B, 0x2A, 0x86, 0x48,
		0x86, 0xF7, 0x0D, 0x01, 0x09, 0x10, 0x01, 0x09, 0xA0, 0x2A,
		0x30, 0x28, 0x02, 0x01, 0x00, 0x30, 0x0D, 0x06, 0x0B, 0x2A,
		0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x09, 0x10, 0x03, 0x08,
		0x30, 0x14, 0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D,
		0x01, 0x07, 0x01, 0xA0, 0x07, 0x04, 0x05, 0x78, 0x9C, 0x03,
		0x00, 0x00 };
	g_autoptr(GBytes) blob = g_bytes_new(BLOB, sizeof BLOB);

	g_assert_cmpint(cms_kind(blob), ==, CMS_KIND_COMPRESSED);
	g_assert_cmpstr(
	    cms_kind_name(CMS_KIND_COMPRESSED), ==, "compressed-data");
}

static void
test_cut(void)
{
	static const char *const FILES[] = { "signed", "ber", "ec", "gcm" };

	for (guint i = 0; i < G_N_ELEMENTS(FILES); i++) {
		g_autoptr(GBytes) whole = pki_file(pki, FILES[i]);
		gsize length = g_bytes_get_size(whole);

		for (gsize cut = 0; cut < length; cut++) {
			g_autoptr(GBytes) part =
			    g_bytes_new(g_bytes_get_data(whole, NULL), cut);

			g_assert_cmpint(cms_kind(part), ==, CMS_KIND_NONE);
		}
	}
}

static char *
joined(const GPtrArray *lines)
{
	GString *text = g_string_new(NULL);

	for (guint i = 0; i < lines->len; i++) {
		g_string_append_printf(
		    text, "%s\n", (const char *)lines->pdata[i]);
	}
	return g_string_free(text, FALSE);
}

static void
test_inspect(void)
{
	static const struct {
		const char *file;
		const char *cipher;
		guint signers;
		guint recipients;
		guint certs;
		const char *there; /* in one of the lines */
	} CASES[] = {
		{ "signed", NULL, 1, 0, 2,
		    "issuer CN=Issuing,O=Tests, serial " },
		{ "signed", NULL, 1, 0, 2, "sha256, ecdsa-with-SHA256" },
		{ "opaque", NULL, 1, 0, 1, "CN=Issuing" },
		{ "keyid", NULL, 1, 0, 0, "key identifier " },
		{ "two", NULL, 2, 0, 2, "sha512, rsaEncryption" },
		{ "certs", NULL, 0, 0, 1, "" },
		{ "rsa", "aes-256-cbc", 0, 1, 0, "key transport, issuer CN=" },
		{ "ec", "aes-128-cbc", 0, 1, 0, "key agreement, issuer CN=" },
		{ "stream", "aes-256-cbc", 0, 1, 0, "rsaEncryption" },
		{ "byid", "aes-256-cbc", 0, 1, 0, "key identifier " },
		{ "gcm", "aes-256-gcm", 0, 1, 0, "key transport" },
		{ "both", "aes-256-cbc", 0, 2, 0, "key agreement" },
		{ "both", "aes-256-cbc", 0, 2, 0, "key transport" },
		{ "password", "aes-256-cbc", 0, 1, 0, "password" },
		{ "kek", "aes-256-cbc", 0, 1, 0, "shared key" },
		{ "data", NULL, 0, 0, 0, "" },
	};

	for (guint i = 0; i < G_N_ELEMENTS(CASES); i++) {
		g_autoptr(GBytes) blob = pki_file(pki, CASES[i].file);
		g_autoptr(GError) error = NULL;
		g_autoptr(Inspection) got = inspect_cms(blob, &error);
		g_autofree char *signers = NULL;
		g_autofree char *recipients = NULL;
		g_autofree char *all = NULL;

		g_assert_no_error(error);
		signers = joined(got->signers);
		recipients = joined(got->recipients);
		all = g_strconcat(signers, recipients, NULL);
		g_test_message("%s\n%s", CASES[i].file, all);
		g_assert_cmpstr(got->kind, ==, cms_kind_name(cms_kind(blob)));
		g_assert_cmpstr(got->cipher, ==, CASES[i].cipher);
		g_assert_cmpuint(got->signers->len, ==, CASES[i].signers);
		g_assert_cmpuint(got->recipients->len, ==, CASES[i].recipients);
		g_assert_cmpuint(got->certs->len, ==, CASES[i].certs);
		g_assert_nonnull(strstr(all, CASES[i].there));
	}
}

static void
test_inspect_refuses(void)
{
	static const char *const FILES[] = { "empty", "words", "more",
		"cert.der" };

	for (guint i = 0; i < G_N_ELEMENTS(FILES); i++) {
		g_autoptr(GBytes) blob = pki_file(pki, FILES[i]);
		g_autoptr(GError) error = NULL;

		g_assert_null(inspect_cms(blob, &error));
		g_assert_error(error, ERROR_DOMAIN, ERROR_MALFORMED);
	}
	inspect_free(NULL);
}

int
main(int argc, char **argv)
{
	int status = 0;

	g_test_init(&argc, &argv, NULL);
	pki = pki_new();
	make_files();
	g_test_add_func("/cms/kind/of-openssl's", test_kinds);
	g_test_add_func("/cms/kind/compressed", test_compressed);
	g_test_add_func("/cms/kind/cut-off", test_cut);
	g_test_add_func("/inspect/cms/what-is-told", test_inspect);
	g_test_add_func("/inspect/cms/refuses", test_inspect_refuses);
	status = g_test_run();
	scratch_free(pki);
	return status;
}
