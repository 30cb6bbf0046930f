/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures: the openssl command is the judge of each. */
#include "config.h"

#include "crypto/sign.h"

#include <string.h>

#include "base/error.h"
#include "crypto/der.h"
#include "crypto/openssl.h"
#include "crypto/verify.h"
#include "pki.h"
#include "scratch.h"
#include "verdict.h"

#define TEXT "Content-Type: text/plain\r\n\r\nHello\r\n"

static char *pki;

static Rope *
text_rope(const char *text)
{
	Rope *rope = rope_new();
	g_autoptr(GBytes) bytes = g_bytes_new(text, strlen(text));

	rope_append_bytes(rope, bytes);
	return rope;
}

static GBytes *
sign_bytes(
    const Identity *identity, const Rope *content, const SignOptions *options)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(Rope) got = sign_content(identity, content, options, &error);

	g_assert_no_error(error);
	return rope_to_bytes(got);
}

/* By `openssl cms`, which must also give the content back. */
static void
judge(GBytes *blob, const Rope *content, bool opaque)
{
	g_autoptr(GBytes) bytes = rope_to_bytes(content);

	pki_save(pki, "blob", blob);
	pki_save(pki, "content", bytes);
	pki_run(pki,
	    "openssl asn1parse -inform DER -in blob >/dev/null\n"
	    "openssl cms -verify -binary -inform DER -in blob %s \\\n"
	    "  -CAfile root.pem -out out\n"
	    "cmp out content\n",
	    opaque ? "" : "-content content");
}

static void
test_matrix(gconstpointer data)
{
	static const DigestKind DIGESTS[] = { DIGEST_SHA256, DIGEST_SHA384,
		DIGEST_SHA512 };
	const char *kind = data;
	g_autoptr(Identity) identity = NULL;
	g_autoptr(Rope) content = text_rope(TEXT);

	pki_run(pki, "rm -f matrix.key; leaf matrix %s\n", kind);
	identity = pki_identity(pki, "matrix");
	for (guint i = 0; i < G_N_ELEMENTS(DIGESTS); i++) {
		for (guint j = 0; j < 4; j++) {
			SignOptions options = {
				.opaque = (j & 1) != 0,
				.digest = DIGESTS[i],
				.padding = (j & 2) != 0 ? SIGN_PSS : SIGN_PKCS1,
				.signing_time = pki_now(),
			};
			g_autoptr(GBytes) blob =
			    sign_bytes(identity, content, &options);

			judge(blob, content, options.opaque);
		}
	}
}

static void
test_printed(void)
{
	static const struct {
		const char *name;
		SignPadding padding;
		gint64 time;
		const char *there; /* each between bars */
		const char *missing;
	} CASES[] = {
		{ "printed-rsa", SIGN_PKCS1, 0,
		    "algorithm: rsaEncryption|algorithm: sha256|"
		    "d.issuerAndSerialNumber|contentType|messageDigest|"
		    "S/MIME Capabilities|id-smime-aa-signingCertificateV2|"
		    "aes-256-cbc|aes-128-cbc|CN=Issuing|CN=printed-rsa",
		    "signingTime|des-ede3|rc2-cbc|aes-256-gcm|Subject: "
		    "CN=Root|mgf1" },
		{ "printed-rsa", SIGN_PSS, 1795231860,
		    "algorithm: rsassaPss|mgf1|:20|signingTime|"
		    "UTCTIME:Nov 21",
		    "algorithm: rsaEncryption (1.2.840.113549.1.1.1)\n"
		    "          parameter: NULL\n        signature" },
		{ "printed-ec", SIGN_PSS, G_GINT64_CONSTANT(2524607999),
		    "ecdsa-with-SHA256|UTCTIME:Dec 31 23:59:59 2049",
		    "rsassaPss" },
		{ "printed-ec", SIGN_PKCS1, G_GINT64_CONSTANT(2524608000),
		    "GENERALIZEDTIME:Jan  1 00:00:00 2050", "UTCTIME:Jan" },
	};
	g_autoptr(Rope) content = text_rope(TEXT);

	pki_run(pki, "leaf printed-rsa rsa:2048; leaf printed-ec P-256\n");
	for (guint i = 0; i < G_N_ELEMENTS(CASES); i++) {
		g_autoptr(Identity) identity = pki_identity(pki, CASES[i].name);
		SignOptions options = { .padding = CASES[i].padding,
			.signing_time = CASES[i].time };
		g_autoptr(GBytes) blob =
		    sign_bytes(identity, content, &options);
		g_autofree char *text = NULL;
		g_auto(GStrv) there = g_strsplit(CASES[i].there, "|", -1);
		g_auto(GStrv) missing = g_strsplit(CASES[i].missing, "|", -1);

		pki_save(pki, "blob", blob);
		pki_run(pki,
		    "{ openssl cms -cmsout -print -inform DER -in blob \\\n"
		    "    -nameopt RFC2253\n"
		    "  openssl asn1parse -inform DER -in blob; } >printed\n");
		text = pki_text(pki, "printed");
		for (guint j = 0; there[j] != NULL; j++) {
			g_test_message("%u there: %s", i, there[j]);
			g_assert_nonnull(strstr(text, there[j]));
		}
		for (guint j = 0; missing[j] != NULL; j++) {
			g_test_message("%u missing: %s", i, missing[j]);
			g_assert_null(strstr(text, missing[j]));
		}
	}
}

static CMS_SignerInfo *
only_signer(CMS_ContentInfo *cms)
{
	STACK_OF(CMS_SignerInfo) *infos = CMS_get0_SignerInfos(cms);

	g_assert_cmpint(sk_CMS_SignerInfo_num(infos), ==, 1);
	return sk_CMS_SignerInfo_value(infos, 0);
}

static CMS_ContentInfo *
decode(GBytes *blob)
{
	gsize length = 0;
	const guint8 *data = g_bytes_get_data(blob, &length);
	CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &data, (long)length);

	g_assert_nonnull(cms);
	return cms;
}

/* What OpenSSL decodes, it encodes as DER: ours must be that already. */
static void
test_is_der(void)
{
	static const gint64 TIMES[] = { 0, 1795231860, 2524608000 };
	g_autoptr(Rope) content = text_rope(TEXT);
	g_autoptr(Identity) identity = NULL;

	pki_run(pki, "leaf der P-256\n");
	identity = pki_identity(pki, "der");
	for (guint i = 0; i < G_N_ELEMENTS(TIMES); i++) {
		for (int opaque = 0; opaque < 2; opaque++) {
			SignOptions options = { .opaque = opaque != 0,
				.signing_time = TIMES[i] };
			g_autoptr(GBytes) blob =
			    sign_bytes(identity, content, &options);
			g_autoptr(CMS_ContentInfo) cms = decode(blob);
			guint8 *again = NULL;
			int length = i2d_CMS_ContentInfo(cms, &again);

			g_assert_cmpmem(again, length,
			    g_bytes_get_data(blob, NULL),
			    (int)g_bytes_get_size(blob));
			OPENSSL_free(again);
			g_assert_cmpint(
			    CMS_signed_get_attr_count(only_signer(cms)), ==,
			    TIMES[i] == 0 ? 4 : 5);
		}
	}
}

/* The hash in signingCertificateV2, and the only certificates. */
static void
test_names_its_certificate(void)
{
	SignOptions options = { 0 };
	g_autoptr(Rope) content = text_rope(TEXT);
	g_autoptr(Identity) identity = NULL;
	g_autoptr(GBytes) blob = NULL;
	g_autoptr(CMS_ContentInfo) cms = NULL;
	g_autoptr(X509Stack) certs = NULL;
	ASN1_STRING *value = NULL;
	const guint8 *data = NULL;
	g_autofree char *hex = NULL;
	g_autofree char *want = NULL;
	GString *got = g_string_new(NULL);

	pki_run(pki, "leaf named P-256\n");
	identity = pki_identity(pki, "named");
	blob = sign_bytes(identity, content, &options);
	cms = decode(blob);
	value = CMS_signed_get0_data_by_OBJ(only_signer(cms),
	    OBJ_nid2obj(NID_id_smime_aa_signingCertificateV2), -3,
	    V_ASN1_SEQUENCE);
	g_assert_nonnull(value);
	data = ASN1_STRING_get0_data(value);
	for (int i = 0; i < ASN1_STRING_length(value); i++) {
		g_string_append_printf(got, "%02x", data[i]);
	}
	hex = g_string_free(got, FALSE);
	want =
	    g_strconcat("0420", cert_fingerprint(keyring_cert(identity)), NULL);
	g_assert_nonnull(strstr(hex, want));
	certs = CMS_get1_certs(cms);
	g_assert_cmpint(sk_X509_num(certs), ==, 2);
}

static void
test_opaque_shares(void)
{
	SignOptions options = { .opaque = true };
	g_autofree guint8 *large = g_malloc0(300000);
	g_autoptr(GBytes) bytes = g_bytes_new(large, 300000);
	const guint8 *data = g_bytes_get_data(bytes, NULL);
	g_autoptr(Rope) content = rope_new();
	g_autoptr(Rope) got = NULL;
	g_autoptr(GBytes) blob = NULL;
	g_autoptr(Identity) identity = NULL;
	guint shared = 0;

	pki_run(pki, "leaf shares P-256\n");
	identity = pki_identity(pki, "shares");
	rope_append_slice(content, bytes, 0, 100000);
	rope_append_text(content, "ours");
	rope_append_slice(content, bytes, 100000, 200000);
	got = sign_content(identity, content, &options, NULL);
	for (guint i = 0; i < rope_count(got); i++) {
		RopeRun run = rope_run(got, i);

		if (run.data == data || run.data == data + 100000) {
			shared++;
		}
	}
	g_assert_cmpuint(shared, ==, 2);
	g_assert_cmpuint(rope_length(got), <, 300004 + 4000);
	blob = rope_to_bytes(got);
	judge(blob, content, true);
}

static void
test_lengths(void)
{
	static const gsize LENGTHS[] = { 0, 1, 127, 128, 255, 256, 65535, 65536,
		16777216 };
	g_autoptr(Identity) identity = NULL;

	pki_run(pki, "leaf lengths P-256\n");
	identity = pki_identity(pki, "lengths");
	for (guint i = 0; i < G_N_ELEMENTS(LENGTHS); i++) {
		for (int opaque = 0; opaque < 2; opaque++) {
			SignOptions options = { .opaque = opaque != 0 };
			g_autofree guint8 *text = g_malloc0(LENGTHS[i] + 1);
			g_autoptr(GBytes) bytes = g_bytes_new(text, LENGTHS[i]);
			g_autoptr(Rope) content = rope_new();
			g_autoptr(GBytes) blob = NULL;

			rope_append_bytes(content, bytes);
			blob = sign_bytes(identity, content, &options);
			judge(blob, content, options.opaque);
		}
	}
}

/* A key of type RSASSA-PSS that is bound to a hash must not be used with
 * another one. */
static void
test_restricted_pss(void)
{
	static const struct {
		DigestKind digest;
		bool good;
	} CASES[] = {
		{ DIGEST_SHA256, false },
		{ DIGEST_SHA384, true },
		{ DIGEST_SHA512, false },
	};
	g_autoptr(Rope) content = text_rope(TEXT);
	g_autoptr(Identity) identity = NULL;

	pki_run(pki,
	    "openssl genpkey -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048 "
	    "\\\n"
	    "  -pkeyopt rsa_pss_keygen_md:sha384 \\\n"
	    "  -pkeyopt rsa_pss_keygen_mgf1_md:sha384 \\\n"
	    "  -pkeyopt rsa_pss_keygen_saltlen:32 -out bound.key 2>/dev/null\n"
	    "leaf bound ''\n");
	identity = pki_identity(pki, "bound");
	for (guint i = 0; i < G_N_ELEMENTS(CASES); i++) {
		g_assert_cmpint(
		    sign_digest(identity, CASES[i].digest), ==, DIGEST_SHA384);
	}
	for (guint i = 0; i < G_N_ELEMENTS(CASES); i++) {
		SignOptions options = { .digest = CASES[i].digest };
		g_autoptr(GError) error = NULL;
		g_autoptr(Rope) got =
		    sign_content(identity, content, &options, &error);

		if (CASES[i].good) {
			g_autoptr(GBytes) blob = NULL;

			g_assert_no_error(error);
			blob = rope_to_bytes(got);
			judge(blob, content, false);
		} else {
			g_assert_null(got);
			g_assert_error(error, ERROR_DOMAIN, ERROR_CRYPTO);
			g_assert_nonnull(strstr(error->message, "RSA-PSS"));
		}
	}
}

/* Not shorter than the key (gpgsm refuses it); else as asked. */
static void
test_digest(void)
{
	static const struct {
		const char *kind;
		DigestKind wanted;
		DigestKind want;
	} CASES[] = {
		{ "rsa:2048", DIGEST_SHA256, DIGEST_SHA256 },
		{ "rsa:2048", DIGEST_SHA512, DIGEST_SHA512 },
		{ "P-256", DIGEST_SHA256, DIGEST_SHA256 },
		{ "P-256", DIGEST_SHA384, DIGEST_SHA384 },
		{ "P-384", DIGEST_SHA256, DIGEST_SHA384 },
		{ "P-384", DIGEST_SHA512, DIGEST_SHA512 },
		{ "P-521", DIGEST_SHA256, DIGEST_SHA512 },
		{ "P-521", DIGEST_SHA384, DIGEST_SHA512 },
	};

	for (guint i = 0; i < G_N_ELEMENTS(CASES); i++) {
		g_autoptr(Identity) identity = NULL;

		pki_run(
		    pki, "rm -f digest.key; leaf digest %s\n", CASES[i].kind);
		identity = pki_identity(pki, "digest");
		g_assert_cmpint(
		    sign_digest(identity, CASES[i].wanted), ==, CASES[i].want);
	}
}

static void
test_read_back(void)
{
	SignOptions options = { .signing_time = 1795231860 };
	g_autoptr(Rope) content = text_rope(TEXT);
	g_autoptr(Identity) first = NULL;
	g_autoptr(GBytes) file = NULL;
	g_autoptr(GBytes) blob = NULL;
	g_autoptr(GPtrArray) list = NULL;

	pki_run(pki, "leaf back rsa:2048\n");
	first = pki_identity(pki, "back");
	file = keyring_write(first, NULL);
	list = keyring_read(file, NULL);
	blob = sign_bytes(list->pdata[0], content, &options);
	judge(blob, content, false);
}

static void
test_micalg(void)
{
	g_assert_cmpstr(sign_micalg(DIGEST_SHA256), ==, "sha-256");
	g_assert_cmpstr(sign_micalg(DIGEST_SHA384), ==, "sha-384");
	g_assert_cmpstr(sign_micalg(DIGEST_SHA512), ==, "sha-512");
}

#define THREADS 8
#define IDENTITIES 4
#define ROUNDS 50

typedef struct {
	Identity *identities[IDENTITIES];
	Anchors *anchors;
	guint seed;
	guint good;
} Worker;

static bool
sign_and_check(const Worker *worker, guint round)
{
	const Identity *identity =
	    worker->identities[(worker->seed + round) % IDENTITIES];
	SignOptions options = { .signing_time = pki_now() };
	g_autofree char *text =
	    g_strdup_printf("%u.%u\r\n", worker->seed, round);
	g_autoptr(Rope) content = text_rope(text);
	g_autoptr(GBytes) bytes = rope_to_bytes(content);
	g_autoptr(GBytes) blob = sign_bytes(identity, content, &options);
	const char *from = cert_addresses(keyring_cert(identity))->pdata[0];
	VerifyRules rules = verdict_rules(worker->anchors, from);
	g_autoptr(GPtrArray) list = verdict_by(&rules, blob, bytes);
	const VerifySignature *signature = list->pdata[0];

	return list->len == 1 && signature->result == VERIFY_PASS &&
	    strcmp(cert_fingerprint(signature->signer),
		cert_fingerprint(keyring_cert(identity))) == 0;
}

static gpointer
work(gpointer data)
{
	Worker *worker = data;

	for (guint i = 0; i < ROUNDS; i++) {
		worker->good += sign_and_check(worker, i) ? 1 : 0;
	}
	return NULL;
}

static void
test_threads(void)
{
	static const char *const NAMES[IDENTITIES] = { "t-rsa", "t-256",
		"t-384", "t-other" };
	g_autoptr(Anchors) anchors = pki_anchors(pki, "root");
	Worker workers[THREADS] = { 0 };
	Identity *identities[IDENTITIES];
	GThread *threads[THREADS];

	pki_run(pki,
	    "leaf t-rsa rsa:2048; leaf t-256 P-256\n"
	    "leaf t-384 P-384; leaf t-other rsa:2048\n");
	for (guint i = 0; i < IDENTITIES; i++) {
		identities[i] = pki_identity(pki, NAMES[i]);
	}
	for (guint i = 0; i < THREADS; i++) {
		memcpy(workers[i].identities, identities, sizeof identities);
		workers[i].anchors = anchors;
		workers[i].seed = i;
		threads[i] = g_thread_new("sign", work, &workers[i]);
	}
	for (guint i = 0; i < THREADS; i++) {
		g_thread_join(threads[i]);
		g_assert_cmpuint(workers[i].good, ==, ROUNDS);
	}
	for (guint i = 0; i < IDENTITIES; i++) {
		keyring_unref(identities[i]);
	}
}

int
main(int argc, char **argv)
{
	int status = 0;

	g_test_init(&argc, &argv, NULL);
	pki = pki_new();
	g_test_add_data_func("/sign/content/rsa", "rsa:2048", test_matrix);
	g_test_add_data_func(
	    "/sign/content/rsa-pss-key", "pss:2048", test_matrix);
	g_test_add_data_func("/sign/content/p-256", "P-256", test_matrix);
	g_test_add_data_func("/sign/content/p-384", "P-384", test_matrix);
	g_test_add_data_func("/sign/content/p-521", "P-521", test_matrix);
	g_test_add_func("/sign/content/what-it-says", test_printed);
	g_test_add_func("/sign/content/is-der", test_is_der);
	g_test_add_func(
	    "/sign/content/names-its-certificate", test_names_its_certificate);
	g_test_add_func(
	    "/sign/content/opaque-shares-the-content", test_opaque_shares);
	g_test_add_func("/sign/content/lengths", test_lengths);
	g_test_add_func("/sign/content/bound-pss-key", test_restricted_pss);
	g_test_add_func("/sign/digest/by-key", test_digest);
	g_test_add_func("/sign/content/identity-from-its-file", test_read_back);
	g_test_add_func("/sign/micalg/names", test_micalg);
	g_test_add_func("/sign/content/threads-never-mix", test_threads);
	status = g_test_run();
	scratch_free(pki);
	return status;
}
