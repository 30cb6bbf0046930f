/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates: reading files, addresses, uses, what is told of them. */
#include "config.h"

#include "crypto/cert.h"

#include <string.h>

#include "base/error.h"
#include "pki.h"
#include "scratch.h"

static char *pki;

static void
assert_subject(const GPtrArray *certs, guint i, const char *want)
{
	g_assert_cmpuint(certs->len, >, i);
	g_assert_cmpstr(cert_subject(certs->pdata[i]), ==, want);
}

static void
test_facts(void)
{
	g_autoptr(Cert) cert = NULL;
	g_autoptr(GBytes) der = NULL;
	g_autofree char *told = NULL;
	g_autoptr(GBytes) own_der = NULL;
	g_autoptr(Cert) again = NULL;
	g_auto(GStrv) lines = NULL;
	g_autofree char *pem = NULL;
	g_autofree char *pem_want = NULL;

	pki_run(pki,
	    "leaf alice P-256\n"
	    "openssl x509 -in alice.pem -noout -serial | cut -d= -f2 >facts\n"
	    "openssl x509 -in alice.pem -noout -fingerprint -sha256 |\n"
	    "  cut -d= -f2 | tr -d : | tr A-F a-f >>facts\n"
	    "openssl x509 -in alice.pem -outform DER -out alice.der\n");
	cert = pki_cert(pki, "alice");
	told = pki_text(pki, "facts");
	lines = g_strsplit(told, "\n", 3);
	g_assert_cmpstr(cert_subject(cert), ==, "CN=alice");
	g_assert_cmpstr(cert_issuer(cert), ==, "CN=Issuing,O=Tests");
	g_assert_cmpstr(cert_serial(cert), ==, lines[0]);
	g_assert_cmpstr(cert_fingerprint(cert), ==, lines[1]);
	g_assert_cmpstr(cert_key_name(cert), ==, "P-256");
	g_assert_cmpint(cert_not_before(cert), <=, pki_now());
	g_assert_cmpint(
	    cert_not_after(cert) - cert_not_before(cert), ==, 30 * 86400);
	g_assert_false(cert_is_ca(cert));
	g_assert_false(cert_is_self_signed(cert));
	der = pki_file(pki, "alice.der");
	again = cert_new(der, NULL);
	g_assert_nonnull(again);
	g_assert_cmpstr(cert_fingerprint(again), ==, cert_fingerprint(cert));
	own_der = cert_der(cert);
	g_assert_true(g_bytes_equal(own_der, der));
	pem = cert_pem(cert);
	pem_want = pki_text(pki, "alice.pem");
	g_assert_cmpstr(pem, ==, pem_want);
}

static void
test_authorities(void)
{
	g_autoptr(Cert) root = pki_cert(pki, "root");
	g_autoptr(Cert) issuing = pki_cert(pki, "issuing");

	g_assert_true(cert_is_ca(root));
	g_assert_true(cert_is_self_signed(root));
	g_assert_true(cert_is_ca(issuing));
	g_assert_false(cert_is_self_signed(issuing));
}

static void
test_key_names(void)
{
	static const struct {
		const char *kind;
		const char *want;
	} CASES[] = {
		{ "rsa:1024", "RSA-1024" },
		{ "pss:1024", "RSA-PSS-1024" },
		{ "P-384", "P-384" },
		{ "P-521", "P-521" },
		{ "ED25519", "Ed25519" },
		{ "ED448", "Ed448" },
	};

	for (guint i = 0; i < G_N_ELEMENTS(CASES); i++) {
		g_autoptr(Cert) cert = NULL;

		pki_run(pki, "rm -f kind.key; leaf kind %s\n", CASES[i].kind);
		cert = pki_cert(pki, "kind");
		g_assert_cmpstr(cert_key_name(cert), ==, CASES[i].want);
	}
}

static void
test_new_refuses(void)
{
	g_autoptr(GBytes) whole = NULL;
	const guint8 *data = NULL;
	gsize length = 0;

	pki_run(pki,
	    "leaf short P-256\n"
	    "openssl x509 -in short.pem -outform DER -out short.der\n");
	whole = pki_file(pki, "short.der");
	data = g_bytes_get_data(whole, &length);
	for (gsize cut = 0; cut < length; cut += 7) {
		g_autoptr(GBytes) part = g_bytes_new(data, cut);
		g_autoptr(GError) error = NULL;

		g_assert_null(cert_new(part, &error));
		g_assert_error(error, ERROR_DOMAIN, ERROR_MALFORMED);
	}
	{
		g_autofree guint8 *more = g_malloc0(length + 1);
		g_autoptr(GBytes) longer = NULL;
		g_autoptr(GError) error = NULL;

		memcpy(more, data, length);
		longer = g_bytes_new(more, length + 1);
		g_assert_null(cert_new(longer, &error));
		g_assert_error(error, ERROR_DOMAIN, ERROR_MALFORMED);
	}
}

static void
test_new_too_large(void)
{
	g_autoptr(GBytes) der = NULL;
	g_autoptr(GError) error = NULL;

	pki_run(pki,
	    "key large P-256\n"
	    "{ cat req.cnf; printf 'x509_extensions=e\\n[e]\\n1.2.3.4=DER:'\n"
	    "  head -c 300000 /dev/zero | tr '\\0' 0; echo; } |\n"
	    "  sed 's/^\\[name\\]$/&/' >large.cnf\n"
	    "sed -i '/x509_extensions/d; s/^\\[req\\]$/&\\n"
	    "x509_extensions=e/' large.cnf\n"
	    "openssl req -x509 -new -config large.cnf -key large.key \\\n"
	    "  -subj /CN=large -outform DER -out large.der\n");
	der = pki_file(pki, "large.der");
	g_assert_cmpuint(g_bytes_get_size(der), >, 150000);
	g_assert_null(cert_new(der, &error));
	g_assert_error(error, ERROR_DOMAIN, ERROR_MALFORMED);
}

static GPtrArray *
read_all(const char *name, GError **error)
{
	g_autoptr(GBytes) content = pki_file(pki, name);

	return cert_read_all(content, error);
}

static void
test_read_all(void)
{
	static const struct {
		const char *file;
		guint count;
	} CASES[] = {
		{ "bundle.pem", 3 },
		{ "crlf.pem", 3 },
		{ "text.pem", 1 },
		{ "trusted.pem", 1 },
		{ "old.pem", 1 },
		{ "with-key.pem", 1 },
		{ "one.der", 1 },
		{ "bundle.p7b", 2 },
		{ "bundle.p7c", 2 },
	};

	pki_run(pki,
	    "leaf one P-256\n"
	    "cat one.pem issuing.pem root.pem >bundle.pem\n"
	    "sed 's/$/\\r/' bundle.pem >crlf.pem\n"
	    "{ echo Words before.; openssl x509 -in one.pem -text;\n"
	    "  echo -----and after; } >text.pem\n"
	    "openssl x509 -in one.pem -addtrust emailProtection -trustout \\\n"
	    "  -out trusted.pem\n"
	    "sed 's/ CERTIFICATE/ X509 CERTIFICATE/' one.pem >old.pem\n"
	    "cat one.key one.pem >with-key.pem\n"
	    "openssl x509 -in one.pem -outform DER -out one.der\n"
	    "openssl crl2pkcs7 -nocrl -certfile one.pem \\\n"
	    "  -certfile issuing.pem -out bundle.p7b\n"
	    "openssl pkcs7 -in bundle.p7b -outform DER -out bundle.p7c\n");
	for (guint i = 0; i < G_N_ELEMENTS(CASES); i++) {
		g_autoptr(GError) error = NULL;
		g_autoptr(GPtrArray) certs = read_all(CASES[i].file, &error);

		g_test_message("%s", CASES[i].file);
		g_assert_no_error(error);
		g_assert_cmpuint(certs->len, ==, CASES[i].count);
	}
	{
		g_autoptr(GPtrArray) certs = read_all("bundle.pem", NULL);

		assert_subject(certs, 0, "CN=one");
		assert_subject(certs, 1, "CN=Issuing,O=Tests");
		assert_subject(certs, 2, "CN=Root");
	}
}

static void
test_read_all_refuses(void)
{
	static const char *const FILES[] = { "empty", "words", "two.key",
		"half.pem", "bad64.pem", "notcert.pem" };

	pki_run(pki,
	    "leaf two P-256\n"
	    ": >empty; echo no certificate >words\n"
	    "head -n 5 two.pem >half.pem\n"
	    "sed 's/^MII/!!!/' two.pem >bad64.pem\n"
	    "sed 's/PRIVATE KEY/CERTIFICATE/' two.key >notcert.pem\n");
	for (guint i = 0; i < G_N_ELEMENTS(FILES); i++) {
		g_autoptr(GError) error = NULL;

		g_test_message("%s", FILES[i]);
		g_assert_null(read_all(FILES[i], &error));
		g_assert_error(error, ERROR_DOMAIN, ERROR_MALFORMED);
	}
}

/* subjectAltName in hex: the values that the command line cannot say. */
#define SAN_NUL "DER:30:0D:81:0B:61:40:62:2E:63:00:40:64:2E:65:66"
/* otherName SmtpUTF8Mailbox with UTF8String, length of all 26 + n */
#define SAN_UTF8(outer, other, wrap, text)                                     \
	"DER:30:" outer ":A0:" other ":06:08:2B:06:01:05:05:07:08:09:A0:" wrap \
	":0C:" text
/* "ü@ex.de" and "ü@ü.de" */
#define U_AT_EX "08:C3:BC:40:65:78:2E:64:65"
#define U_AT_U "08:C3:BC:40:C3:BC:2E:64:65"
#define A_AT_EX "07:61:40:65:78:2E:64:65:20"
#define BOM_AT_EX "0B:EF:BB:BF:C3:BC:40:65:78:2E:64:65"
#define BAD_UTF8 "08:C3:28:40:65:78:2E:64:65"

static void
test_addresses(void)
{
	static const struct {
		const char *name;
		const char *subject;
		const char *alternative;
		const char *want;
	} CASES[] = {
		{ "domain lowered, case of the local part kept", "/CN=x",
		    "email:Jane.Doe@EXAMPLE.Com", "Jane.Doe@example.com" },
		{ "several, each once", "/CN=x",
		    "email:a@x.de,email:b@x.de,email:a@X.DE", "a@x.de b@x.de" },
		{ "subject when nothing else", "/CN=x/emailAddress=s@x.de",
		    NULL, "s@x.de" },
		{ "subject not beside another", "/CN=x/emailAddress=s@x.de",
		    "email:a@x.de", "a@x.de" },
		{ "subject beside a host name", "/CN=x/emailAddress=s@x.de",
		    "DNS:x.de", "s@x.de" },
		{ "NUL inside, and no subject then",
		    "/CN=x/emailAddress=s@x.de", SAN_NUL, "" },
		{ "angle brackets", "/CN=x", "email:<a@x.de>", "" },
		{ "no at", "/CN=x", "email:x.de", "" },
		{ "no local part", "/CN=x", "email:@x.de", "" },
		{ "no domain", "/CN=x", "email:a@", "" },
		{ "quoted local part", "/CN=x", "email:\"a b\"@x.de",
		    "a b@x.de" },
		{ "UTF-8", "/CN=x", SAN_UTF8("18", "16", "0A", U_AT_EX),
		    "\xC3\xBC@ex.de" },
		{ "UTF-8 domain becomes A-labels", "/CN=x",
		    SAN_UTF8("18", "16", "0A", U_AT_U), "\xC3\xBC@xn--tda.de" },
		{ "UTF-8 name without need", "/CN=x",
		    SAN_UTF8("17", "15", "09", "07:61:40:65:78:2E:64:65"), "" },
		{ "byte order mark", "/CN=x",
		    SAN_UTF8("1B", "19", "0D", BOM_AT_EX), "" },
		{ "broken UTF-8", "/CN=x", SAN_UTF8("18", "16", "0A", BAD_UTF8),
		    "" },
	};

	for (guint i = 0; i < G_N_ELEMENTS(CASES); i++) {
		g_autoptr(Cert) cert = NULL;
		g_autoptr(GString) got = g_string_new(NULL);
		const GPtrArray *addresses = NULL;

		g_test_message("%s", CASES[i].name);
		pki_run(pki, "cert address issuing P-256 '%s' '%s%s'\n",
		    CASES[i].subject,
		    CASES[i].alternative != NULL ? "subjectAltName=" : "",
		    CASES[i].alternative != NULL ? CASES[i].alternative : "");
		cert = pki_cert(pki, "address");
		addresses = cert_addresses(cert);
		for (guint j = 0; j < addresses->len; j++) {
			g_string_append_printf(got, "%s%s", j > 0 ? " " : "",
			    (const char *)addresses->pdata[j]);
		}
		g_assert_cmpstr(got->str, ==, CASES[i].want);
	}
}

/* Each is compared with those before it: their number is limited. */
static void
test_many_addresses(void)
{
	g_autoptr(Cert) cert = NULL;

	pki_run(pki,
	    "all=email:a0@x.de; i=1\n"
	    "while [ $i -lt 300 ]; do all=$all,email:a$i@x.de; i=$((i+1)); "
	    "done\n"
	    "cert many issuing P-256 /CN=x subjectAltName=$all\n");
	cert = pki_cert(pki, "many");
	g_assert_cmpuint(cert_addresses(cert)->len, ==, 200);
	g_assert_true(cert_has_address(cert, "a199@x.de", false));
	g_assert_false(cert_has_address(cert, "a200@x.de", false));
}

static void
test_has_address(void)
{
	static const struct {
		const char *address;
		bool fold;
		bool want;
	} CASES[] = {
		{ "Jane@example.com", false, true },
		{ "jane@example.com", false, false },
		{ "jane@example.com", true, true },
		{ "Jane@EXAMPLE.com", false, true },
		{ "Jane@example.co", true, false },
		{ "Jan@example.com", true, false },
		{ "xJane@example.com", true, false },
		{ "Jane", true, false },
		{ "", true, false },
	};
	g_autoptr(Cert) cert = NULL;

	pki_run(pki,
	    "cert has issuing P-256 /CN=x "
	    "subjectAltName=email:Jane@example.com\n");
	cert = pki_cert(pki, "has");
	for (guint i = 0; i < G_N_ELEMENTS(CASES); i++) {
		g_test_message("%s", CASES[i].address);
		g_assert_cmpint(
		    cert_has_address(cert, CASES[i].address, CASES[i].fold), ==,
		    CASES[i].want);
	}
}

static void
assert_use(bool got, const char *got_reason, const char *want)
{
	g_assert_cmpint(got, ==, want == NULL);
	if (want != NULL) {
		g_assert_nonnull(got_reason);
		g_assert_nonnull(strstr(got_reason, want));
	}
}

#define MAIL "extendedKeyUsage=emailProtection"
#define ANY "extendedKeyUsage=anyExtendedKeyUsage"
#define TLS "extendedKeyUsage=serverAuth,clientAuth"
#define NONE ""

static void
test_fit(void)
{
	/* NULL: fit; else a piece of the reason. */
	static const struct {
		const char *kind;
		const char *usage;
		const char *extended;
		const char *sign;
		const char *encrypt;
	} CASES[] = {
		{ "rsa:1024", NONE, NONE, NULL, NULL },
		{ "rsa:1024", "keyUsage=digitalSignature", MAIL, NULL,
		    "keyEncipherment" },
		{ "rsa:1024", "keyUsage=nonRepudiation", MAIL, NULL,
		    "keyEncipherment" },
		{ "rsa:1024", "keyUsage=keyEncipherment", MAIL,
		    "digitalSignature", NULL },
		{ "rsa:1024", "keyUsage=digitalSignature,keyEncipherment", MAIL,
		    NULL, NULL },
		{ "rsa:1024", "keyUsage=keyAgreement", MAIL, "digitalSignature",
		    "keyEncipherment" },
		{ "rsa:1024", "keyUsage=dataEncipherment", MAIL,
		    "digitalSignature", "keyEncipherment" },
		{ "P-256", "keyUsage=digitalSignature,keyAgreement", MAIL, NULL,
		    NULL },
		{ "P-256", "keyUsage=digitalSignature,keyEncipherment", MAIL,
		    NULL, "keyAgreement" },
		{ "P-256", NONE, ANY, NULL, NULL },
		{ "P-256", NONE, TLS, "emailProtection", "emailProtection" },
		{ "P-256", NONE, TLS ",emailProtection", NULL, NULL },
		{ "P-256", NONE, "2.5.29.37=DER:04:00", "malformed",
		    "malformed" },
		{ "P-256", "2.5.29.15=DER:04:00", MAIL, "malformed",
		    "malformed" },
		{ "ED25519", NONE, MAIL, NULL, "cannot encrypt" },
		{ "pss:1024", NONE, MAIL, NULL, "cannot encrypt" },
	};

	for (guint i = 0; i < G_N_ELEMENTS(CASES); i++) {
		g_autoptr(Cert) cert = NULL;
		const char *reason = NULL;
		bool fit = false;

		g_test_message("%s %s %s", CASES[i].kind, CASES[i].usage,
		    CASES[i].extended);
		pki_run(pki,
		    "key fit-%s %s; cp fit-%s.key fit.key\n"
		    "cert fit issuing '' /CN=x '%s' '%s'\n",
		    CASES[i].kind, CASES[i].kind, CASES[i].kind, CASES[i].usage,
		    CASES[i].extended);
		cert = pki_cert(pki, "fit");
		fit = cert_fit_for_signing(cert, &reason);
		assert_use(fit, reason, CASES[i].sign);
		fit = cert_fit_for_encryption(cert, &reason);
		assert_use(fit, reason, CASES[i].encrypt);
		g_assert_cmpint(cert_fit_for_encryption(cert, NULL), ==, fit);
	}
}

static void
test_describe(void)
{
	g_autoptr(Cert) cert = NULL;
	g_autofree char *text = NULL;
	g_auto(GStrv) lines = NULL;

	pki_run(pki,
	    "cert described issuing P-256 "
	    "\"$(printf '/CN=Zo\\303\\253 \\033[31mred')\" "
	    "subjectAltName=email:zoe@example.com\n");
	cert = pki_cert(pki, "described");
	text = cert_describe(cert);
	g_assert_true(g_utf8_validate(text, -1, NULL));
	g_assert_null(strchr(text, '\033'));
	g_assert_nonnull(strstr(text, "Zo\xC3\xAB"));
	g_assert_nonnull(strstr(text, "zoe@example.com"));
	g_assert_nonnull(strstr(text, cert_fingerprint(cert)));
	g_assert_nonnull(strstr(text, cert_serial(cert)));
	lines = g_strsplit(text, "\n", -1);
	g_assert_cmpuint(g_strv_length(lines), ==, 10);
}

int
main(int argc, char **argv)
{
	int status = 0;

	g_test_init(&argc, &argv, NULL);
	pki = pki_new();
	g_test_add_func("/cert/new/facts", test_facts);
	g_test_add_func("/cert/new/authorities", test_authorities);
	g_test_add_func("/cert/new/key-names", test_key_names);
	g_test_add_func(
	    "/cert/new/refuses-what-is-no-certificate", test_new_refuses);
	g_test_add_func("/cert/new/refuses-large-ones", test_new_too_large);
	g_test_add_func("/cert/read-all/forms", test_read_all);
	g_test_add_func("/cert/read-all/refuses", test_read_all_refuses);
	g_test_add_func("/cert/addresses/of-all-kinds", test_addresses);
	g_test_add_func("/cert/addresses/many", test_many_addresses);
	g_test_add_func("/cert/has-address/case", test_has_address);
	g_test_add_func("/cert/fit/uses", test_fit);
	g_test_add_func("/cert/describe/text-for-people", test_describe);
	status = g_test_run();
	scratch_free(pki);
	return status;
}
