/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layers at the root, made by openssl and put into each other. Whom to trust is
 * not asked here: every issuer is good.
 */
#include "config.h"

#include "gateway/peel.h"

#include <string.h>

#include "pki.h"
#include "scratch.h"

#define FROM "alice@example.com"

static char *place;

static void
trust_all(gpointer data, const Cert *cert, const GPtrArray *others,
    const GPtrArray *crls, gint64 at, TrustVerdict *trust_out)
{
	(void)data;
	(void)others;
	(void)crls;
	(void)at;
	*trust_out = (TrustVerdict){ .chain = CHAIN_OK };
	trust_out->path =
	    g_ptr_array_new_with_free_func((GDestroyNotify)cert_unref);
	g_ptr_array_add(trust_out->path, cert_ref((Cert *)cert));
}

/* Shell functions: an entity of standard input becomes another. */
#define TOOLS                                                                  \
	"detached() { openssl cms -sign -signer alice.pem -inkey alice.key; }" \
	"\n"                                                                   \
	"opaque() { openssl cms -sign -nodetach -signer alice.pem -inkey "     \
	"alice.key; }\n"                                                       \
	"byrsa() { openssl cms -sign -signer bob.pem -inkey bob.key; }\n"      \
	"encrypted() { openssl cms -encrypt -aes128 alice.pem; }\n"            \
	"text() { printf "                                                     \
	"'Content-Type: text/plain\\r\\n\\r\\nHello you\\r\\n'; }\n"           \
	"mail() { printf 'From: " FROM "\\r\\n'; cat; }\n"                     \
	"many() { if [ $1 = 0 ]; then cat; else opaque | many $(($1 - 1)); "   \
	"fi; }\n"

/* The mail that a shell script writes. */
static Message *
mail_of(const char *script)
{
	g_autoptr(GBytes) raw = NULL;
	bool crlf = false;

	pki_run(place, "%s{ %s; } > mail", TOOLS, script);
	raw = pki_file(place, "mail");
	return message_parse(raw, &crlf);
}

static Peel *
peel_mail(const Message *mail, guint parts, guint depth)
{
	const PeelRules rules = {
		.parts = parts,
		.depth = depth,
		.verify = { .from = FROM, .at = pki_now(), .trust = trust_all },
	};

	return peel_message(mail->fields, mail->body, &rules);
}

/* "pass 2, pass 1.2" */
static char *
results_of(const Peel *peel)
{
	GString *text = g_string_new(NULL);

	for (guint i = 0; i < peel->signatures->len; i++) {
		const PeelSignature *one = peel->signatures->pdata[i];

		g_string_append_printf(text, "%s%s %s", i > 0 ? ", " : "",
		    verify_result_name(one->signature->result), one->part);
	}
	return g_string_free(text, FALSE);
}

typedef struct {
	const char *name;
	const char *script;
	const char *want; /* as results_of() */
	const char *inside;
	bool content; /* there is one */
	bool encrypted;
} Case;

#define EDIT "| sed -e "
#define CERTS_ALONE                                                          \
	"openssl crl2pkcs7 -nocrl -certfile alice.pem -outform DER "         \
	"-out certs; "                                                       \
	"{ printf 'Content-Type: application/pkcs7-mime; "                   \
	"smime-type=certs-only\\nContent-Transfer-Encoding: base64\\n\\n'; " \
	"base64 certs; } | mail"

static const Case cases[] = {
	{ "unsigned", "text | mail", "", NULL, false, false },
	{ "detached", "text | detached | mail", "pass 2", "text/plain", true,
	    false },
	{ "opaque", "text | opaque | mail", "pass 1", "text/plain", true,
	    false },
	{ "detached in detached", "text | detached | detached | mail",
	    "pass 2, pass 1.2", "text/plain", true, false },
	{ "opaque in detached", "text | opaque | detached | mail",
	    "pass 2, pass 1", "text/plain", true, false },
	{ "detached in opaque", "text | detached | opaque | mail",
	    "pass 1, pass 1/2", "text/plain", true, false },
	{ "opaque in opaque in detached",
	    "text | opaque | opaque | detached | mail",
	    "pass 2, pass 1, pass 1/1", "text/plain", true, false },
	{ "detached twice in opaque",
	    "text | detached | detached | opaque | mail",
	    "pass 1, pass 1/2, pass 1/1.2", "text/plain", true, false },
	{ "the inner one is bad",
	    "text | detached " EDIT "s/Hello/Hallo/ | detached | mail",
	    "fail 2, fail 1.2", "text/plain", true, false },
	{ "the outer one is bad",
	    "text | detached | detached " EDIT "s/Hello/Hallo/ | mail",
	    "fail 2, fail 1.2", "text/plain", true, false },
	{ "the inner one is of somebody else", "text | byrsa | detached | mail",
	    "policy 2, policy 1.2", "text/plain", true, false },
	{ "encrypted", "text | encrypted | mail", "", "enveloped-data", false,
	    true },
	{ "encrypted and signed", "text | encrypted | detached | mail",
	    "pass 2", "enveloped-data", false, true },
	{ "certificates alone", CERTS_ALONE, "", "certs-only", false, false },
	{ "no end", "text | detached | head -n -2 | mail", "neutral 2", NULL,
	    false, false },
	{ "two content types",
	    "{ echo 'Content-Type: text/plain'; text | detached; } | mail",
	    "neutral 1", NULL, false, false },
	{ "two content types of an inner one",
	    "{ echo 'Content-Type: text/plain'; text | opaque; } | detached | "
	    "mail",
	    "neutral 2, neutral 1", "text/plain", true, false },
	{ "no CMS",
	    "{ printf 'Content-Type: application/pkcs7-mime; "
	    "smime-type=signed-data\\n\\nHello\\n'; } | mail",
	    "neutral 1", NULL, false, false },
	{ "three parts",
	    "text | detached " EDIT "'s/^\\(------[0-9A-F]*\\)--\\(\\r*\\)$/"
	    "\\1\\2\\n\\nthird\\n\\1--\\2/' | mail",
	    "neutral 2", NULL, false, false },
	{ "no boundary",
	    "{ printf 'Content-Type: multipart/signed; "
	    "protocol=\"application/pkcs7-signature\"\\n\\nHello\\n'; } | mail",
	    "neutral 1", NULL, false, false },
	{ "of PGP",
	    "{ printf 'Content-Type: multipart/signed; "
	    "protocol=\"application/pgp-signature\"; boundary=b\\n\\n--b\\n"
	    "\\nHello\\n--b\\nContent-Type: application/pgp-signature\\n\\n"
	    "x\\n--b--\\n'; } | mail",
	    "", NULL, false, false },
	{ "below another part",
	    "{ printf 'Content-Type: multipart/mixed; boundary=m\\n\\n--m\\n"
	    "\\nBelieve me\\n--m\\n'; text | detached; echo; echo --m--; } | "
	    "mail",
	    "", NULL, false, false },
	{ "an attached signed mail",
	    "{ printf 'Content-Type: message/rfc822\\n\\n'; text | detached | "
	    "mail; } | detached | mail",
	    "pass 2", "message/rfc822", true, false },
};

static void
test_layers(gconstpointer data)
{
	const Case *item = data;
	g_autoptr(Message) mail = mail_of(item->script);
	g_autoptr(Peel) peel = peel_mail(mail, 100, 20);
	g_autofree char *got = results_of(peel);

	g_assert_cmpstr(got, ==, item->want);
	g_assert_cmpstr(peel->inside, ==, item->inside);
	g_assert_cmpint(peel->content != NULL, ==, item->content);
	g_assert_cmpint(peel->encrypted, ==, item->encrypted);
	g_assert_cmpint(peel_passed(peel), ==, strstr(item->want, "pass") != 0);
	if (item->want[0] == '\0') {
		g_assert_cmpint(peel_result(peel), ==, VERIFY_NONE);
	}
}

static void
test_certs_only(void)
{
	g_autoptr(Message) mail = mail_of(CERTS_ALONE);
	g_autoptr(Message) other = mail_of("text | detached | mail");
	g_autoptr(Peel) peel = peel_mail(mail, 100, 20);
	g_autoptr(Peel) signed_peel = peel_mail(other, 100, 20);

	g_assert_true(peel->certs_only);
	g_assert_false(signed_peel->certs_only);
	g_assert_cmpuint(signed_peel->certs->len, >, 0);
}

/* What is handed on is what was signed, without the header around it. */
static void
test_content(void)
{
	g_autoptr(Message) mail = mail_of("text | detached | opaque | mail");
	g_autoptr(Peel) peel = peel_mail(mail, 100, 20);
	const char *body = NULL;
	gsize length = 0;

	g_assert_nonnull(peel->content);
	body = g_bytes_get_data(peel->content->body, &length);
	g_assert_cmpmem(body, (int)length, "Hello you\r\n", 11);
	g_assert_cmpuint(fields_count(peel->content->fields), ==, 1);
	g_assert_cmpstr(
	    fields_find(peel->content->fields, "From", 1), ==, NULL);
}

static void
test_depth(void)
{
	g_autoptr(Message) mail = mail_of("text | many 9 | mail");
	g_autoptr(Peel) peel = peel_mail(mail, 100, 20);

	g_assert_cmpuint(peel->layers, ==, PEEL_LAYERS);
	g_assert_cmpuint(peel->signatures->len, ==, PEEL_LAYERS);
	g_assert_true(peel_passed(peel));
	g_assert_cmpstr(peel->inside, ==, "application/pkcs7-mime");
}

static void
test_limits(void)
{
	g_autoptr(Message) mail = mail_of("text | detached | mail");
	g_autoptr(Peel) parts = peel_mail(mail, 2, 20);
	g_autoptr(Peel) depth = peel_mail(mail, 100, 0);
	g_autofree char *few = results_of(parts);
	g_autofree char *flat = results_of(depth);

	g_assert_cmpstr(few, ==, "neutral 1");
	g_assert_cmpstr(flat, ==, "neutral 1");
}

/* From the mail's own header, not from within. */
static void
test_from_inside(void)
{
	g_autoptr(Message) mail =
	    mail_of("{ echo 'From: bob@example.com'; text; } | byrsa | mail");
	g_autoptr(Peel) peel = peel_mail(mail, 100, 20);
	g_autofree char *got = results_of(peel);

	g_assert_cmpstr(got, ==, "policy 2");
}

int
main(int argc, char **argv)
{
	int result;

	g_test_init(&argc, &argv, NULL);
	place = pki_new();
	pki_run(place, "leaf alice P-256\nleaf bob rsa:2048\n");
	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *name =
		    g_strdup_printf("/peel/layers/%s", cases[i].name);

		g_test_add_data_func(name, &cases[i], test_layers);
	}
	g_test_add_func("/peel/certs-only", test_certs_only);
	g_test_add_func("/peel/content", test_content);
	g_test_add_func("/peel/depth", test_depth);
	g_test_add_func("/peel/limits", test_limits);
	g_test_add_func("/peel/from-inside", test_from_inside);
	result = g_test_run();
	scratch_free(place);
	return result;
}
