/* SPDX-License-Identifier: Apache-2.0 */
/* What protection stands at the root. */
#include "config.h"

#include "mime/layers.h"

#include "base/error.h"
#include "mime-testing.h"
#include "mime/message.h"

#define SIGNED(protocol)                                       \
	"Content-Type: multipart/signed; protocol=\"" protocol \
	"\"; micalg=sha-256;\n boundary=b\n\n"
#define TWO_PARTS                                                     \
	"--b\nContent-Type: text/plain\n\nhi\n--b\n"                  \
	"Content-Type: application/pkcs7-signature; name=smime.p7s\n" \
	"Content-Transfer-Encoding: base64\n\nU0lH\n--b--\n"
#define ENCRYPTED                                          \
	"Content-Type: multipart/encrypted; boundary=b;\n" \
	" protocol=\"application/pgp-encrypted\"\n\n"
#define CONTROL "--b\nContent-Type: application/pgp-encrypted\n\nVersion: 1\n"
#define ARMOUR "-----BEGIN PGP MESSAGE-----\n\nxxx\n-----END PGP MESSAGE-----\n"

static const struct {
	const char *name;
	const char *message; /* LF lines */
	bool plain;          /* by the header alone */
	Layer want;
	const char *blob;
	const char *content; /* CRLF lines */
} cases[] = {
	{ "text", "Subject: x\n\nhello\n", true, LAYER_NONE, NULL, NULL },
	{ "no-body", "Content-Type: text/plain\n", true, LAYER_NONE, NULL,
	    NULL },

	{ "pkcs7-mime",
	    "Content-Type: application/pkcs7-mime; smime-type=signed-data\n"
	    "Content-Transfer-Encoding: base64\n\nQ01T\n",
	    false, LAYER_SMIME_BLOB, "CMS", NULL },
	{ "pkcs7-mime-any-case",
	    "content-type: APPLICATION/PKCS7-Mime\n"
	    "Content-Transfer-Encoding: BASE64\n\nQ01T\n",
	    false, LAYER_SMIME_BLOB, "CMS", NULL },
	{ "x-pkcs7-mime", "Content-Type: application/x-pkcs7-mime\n\nCMS",
	    false, LAYER_SMIME_BLOB, "CMS", NULL },
	{ "raw-binary",
	    "Content-Type: application/pkcs7-mime\n"
	    "Content-Transfer-Encoding: binary\n\nC\001\377S",
	    false, LAYER_SMIME_BLOB, "C\001\377S", NULL },
	{ "octet-stream-name",
	    "Content-Type: application/octet-stream; name=\"smime.P7M\"\n"
	    "Content-Transfer-Encoding: base64\n\nQ01T\n",
	    false, LAYER_SMIME_BLOB, "CMS", NULL },
	{ "octet-stream-filename",
	    "Content-Type: application/octet-stream\n"
	    "Content-Disposition: attachment; filename=x.p7c\n\nCMS",
	    false, LAYER_SMIME_BLOB, "CMS", NULL },
	{ "name-counts-beside-filename",
	    "Content-Type: application/octet-stream; name=x.p7z\n"
	    "Content-Disposition: attachment; filename=x.bin\n\nCMS",
	    false, LAYER_SMIME_BLOB, "CMS", NULL },
	{ "name-rfc2231",
	    "Content-Type: application/octet-stream;\n name*=utf-8''x%2Ep7s\n\n"
	    "CMS",
	    false, LAYER_SMIME_BLOB, "CMS", NULL },
	{ "name-rfc2231-pieces",
	    "Content-Type: application/octet-stream;\n"
	    " name*0=\"x.p\"; name*1=7m\n\nCMS",
	    false, LAYER_SMIME_BLOB, "CMS", NULL },
	{ "name-rfc2047",
	    "Content-Type: x/y; name=\"=?utf-8?q?a=2Ep7m?=\"\n\nCMS", false,
	    LAYER_SMIME_BLOB, "CMS", NULL },
	{ "text-plain-with-p7m-name",
	    "Content-Type: text/plain; name=smime.p7m\n\nCMS", false,
	    LAYER_SMIME_BLOB, "CMS", NULL },
	{ "name-only-looks-like-it",
	    "Content-Type: text/plain; name=smime.p7m.txt\n\nx", true,
	    LAYER_NONE, NULL, NULL },
	{ "name-too-short", "Content-Type: text/plain; name=p7m\n\nx", true,
	    LAYER_NONE, NULL, NULL },
	{ "attachment-is-no-layer",
	    "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nx\n--b\n"
	    "Content-Type: application/pkcs7-mime; name=smime.p7m\n\nCMS\n"
	    "--b--\n",
	    true, LAYER_NONE, NULL, NULL },
	{ "multipart-with-p7m-name",
	    "Content-Type: multipart/mixed; boundary=b; "
	    "name=x.p7m\n\n--b\n\nx\n"
	    "--b--\n",
	    false, LAYER_NONE, NULL, NULL },

	{ "signed", SIGNED("application/pkcs7-signature") TWO_PARTS, false,
	    LAYER_SMIME_SIGNED, "SIG", "Content-Type: text/plain\r\n\r\nhi" },
	{ "signed-old-protocol",
	    SIGNED("Application/X-PKCS7-Signature") TWO_PARTS, false,
	    LAYER_SMIME_SIGNED, "SIG", "Content-Type: text/plain\r\n\r\nhi" },
	{ "signed-pgp", SIGNED("application/pgp-signature") TWO_PARTS, false,
	    LAYER_PGP_SIGNED, NULL, NULL },
	{ "signed-unknown-protocol", SIGNED("application/x") TWO_PARTS, false,
	    LAYER_NONE, NULL, NULL },
	{ "signed-no-protocol",
	    "Content-Type: multipart/signed; boundary=b\n\n" TWO_PARTS, false,
	    LAYER_NONE, NULL, NULL },
	{ "signed-one-part",
	    SIGNED("application/pkcs7-signature") "--b\n\nhi\n--b--\n", false,
	    LAYER_NONE, NULL, NULL },
	{ "signed-three-parts",
	    SIGNED("application/pkcs7-signature") "--b\n\nx\n" TWO_PARTS, false,
	    LAYER_NONE, NULL, NULL },
	{ "signed-no-delimiter", SIGNED("application/pkcs7-signature") "hi\n",
	    false, LAYER_NONE, NULL, NULL },
	{ "signed-multipart-inside",
	    SIGNED(
		"application/pkcs7-signature") "--b\nContent-Type: "
					       "multipart/mixed; "
					       "boundary=i\n\n--i\n\nx\n"
					       "--i\n\ny\n--i--\n--b\n\nSIG\n"
					       "--b--\n",
	    false, LAYER_SMIME_SIGNED, "SIG",
	    "Content-Type: multipart/mixed; boundary=i\r\n\r\n--i\r\n\r\nx\r\n"
	    "--i\r\n\r\ny\r\n--i--" },
	{ "signed-not-at-the-root",
	    "Content-Type: multipart/mixed; boundary=o\n\n--o\n"
	    "Content-Type: multipart/signed; boundary=b;\n"
	    " protocol=\"application/pkcs7-signature\"\n\n" TWO_PARTS "--o--\n",
	    true, LAYER_NONE, NULL, NULL },

	{ "encrypted-pgp",
	    ENCRYPTED CONTROL
	    "--b\nContent-Type: application/octet-stream\n\n" ARMOUR "--b--\n",
	    false, LAYER_PGP_ENCRYPTED, NULL, NULL },
	{ "encrypted-pgp-readable",
	    ENCRYPTED CONTROL
	    "--b\nContent-Type: application/octet-stream\n\nhello\n--b--\n",
	    false, LAYER_NONE, NULL, NULL },
	{ "encrypted-pgp-third-part",
	    ENCRYPTED CONTROL
	    "--b\nContent-Type: application/octet-stream\n\n" ARMOUR
	    "--b\n\nclear\n--b--\n",
	    false, LAYER_NONE, NULL, NULL },
	{ "encrypted-pgp-other-order",
	    ENCRYPTED
	    "--b\nContent-Type: application/octet-stream\n\n" ARMOUR CONTROL
	    "--b--\n",
	    false, LAYER_NONE, NULL, NULL },
	{ "encrypted-unknown",
	    "Content-Type: multipart/encrypted; boundary=b; "
	    "protocol=x\n\n" CONTROL
	    "--b\nContent-Type: application/octet-stream\n\n" ARMOUR "--b--\n",
	    false, LAYER_NONE, NULL, NULL },

	{ "inline-encrypted", "Subject: x\n\n" ARMOUR, true, LAYER_PGP_INLINE,
	    NULL, NULL },
	{ "inline-signed",
	    "Subject: x\n\nhello\n-----BEGIN PGP SIGNED MESSAGE-----\nx\n",
	    true, LAYER_PGP_INLINE, NULL, NULL },
	{ "inline-in-first-part",
	    "Content-Type: multipart/mixed; boundary=b\n\n--b\n\n" ARMOUR
	    "--b--\n",
	    true, LAYER_PGP_INLINE, NULL, NULL },
	{ "inline-nested",
	    "Content-Type: multipart/mixed; boundary=o\n\n--o\n"
	    "Content-Type: multipart/alternative; boundary=b\n\n--b\n\n" ARMOUR
	    "--b--\n--o--\n",
	    true, LAYER_PGP_INLINE, NULL, NULL },
	{ "inline-qp",
	    "Content-Transfer-Encoding: quoted-printable\n\n"
	    "=2D----BEGIN PGP =\nMESSAGE-----\n",
	    true, LAYER_PGP_INLINE, NULL, NULL },
	{ "inline-base64",
	    "Content-Transfer-Encoding: base64\n\n"
	    "aGkKLS0tLS1CRUdJTiBQR1AgTUVTU0FHRS0tLS0tCg==\n",
	    true, LAYER_PGP_INLINE, NULL, NULL },
	{ "inline-quoted-is-none", "Subject: x\n\n> " ARMOUR, true, LAYER_NONE,
	    NULL, NULL },
	{ "inline-public-key-is-none",
	    "Subject: x\n\n-----BEGIN PGP PUBLIC KEY BLOCK-----\n", true,
	    LAYER_NONE, NULL, NULL },
	{ "inline-in-html-is-none", "Content-Type: text/html\n\n" ARMOUR, true,
	    LAYER_NONE, NULL, NULL },
	{ "inline-in-second-text-is-none",
	    "Content-Type: multipart/mixed; "
	    "boundary=b\n\n--b\n\nhi\n--b\n\n" ARMOUR "--b--\n",
	    true, LAYER_NONE, NULL, NULL },
	{ "inline-in-attached-message-is-none",
	    "Content-Type: multipart/mixed; boundary=b\n\n--b\n"
	    "Content-Type: message/rfc822\n\nA: x\n\n" ARMOUR
	    "--b\n\nhi\n--b--\n",
	    true, LAYER_NONE, NULL, NULL },
	{ "inline-behind-attached-message",
	    "Content-Type: multipart/mixed; boundary=b\n\n--b\n"
	    "Content-Type: message/rfc822\n\nA: x\n\nhi\n--b\n\n" ARMOUR
	    "--b--\n",
	    true, LAYER_PGP_INLINE, NULL, NULL },
};

static Message *
parse(const char *text)
{
	g_autoptr(GBytes) raw = g_bytes_new(text, strlen(text));
	bool crlf = false;

	return message_parse(raw, &crlf);
}

static void
assert_text(GBytes *got, const char *want)
{
	if (want == NULL) {
		g_assert_null(got);
		return;
	}
	g_assert_nonnull(got);
	assert_bytes(g_bytes_get_data(got, NULL), g_bytes_get_size(got), want,
	    strlen(want));
}

static void
test_find(gconstpointer data)
{
	gsize i = GPOINTER_TO_SIZE(data);
	g_autoptr(Message) message = parse(cases[i].message);
	g_autoptr(GError) error = NULL;
	g_autoptr(Structure) structure =
	    structure_scan(message->fields, message->body, 1000, 50, &error);
	g_autoptr(GBytes) blob = NULL;
	g_autoptr(GBytes) content = NULL;
	Layer layer = LAYER_NONE;

	g_assert_no_error(error);
	g_assert_cmpint(
	    layers_header_is_plain(message->fields), ==, cases[i].plain);
	g_assert_true(layers_find(message->fields, structure, message->body,
	    1000, &layer, &blob, &content, &error));
	g_assert_cmpint(layer, ==, cases[i].want);
	assert_text(blob, cases[i].blob);
	assert_text(content, cases[i].content);
}

static void
test_limit(void)
{
	static const char *const texts[] = {
		"Content-Type: application/pkcs7-mime\n"
		"Content-Transfer-Encoding: base64\n\nQ01TCg==\n",
		SIGNED("application/pkcs7-signature") TWO_PARTS,
	};

	for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
		g_autoptr(Message) message = parse(texts[i]);
		g_autoptr(GError) error = NULL;
		g_autoptr(Structure) structure = structure_scan(
		    message->fields, message->body, 1000, 50, NULL);
		GBytes *blob = NULL;
		GBytes *content = NULL;
		Layer layer = LAYER_PGP_INLINE;

		g_assert_false(layers_find(message->fields, structure,
		    message->body, 2, &layer, &blob, &content, &error));
		g_assert_error(error, ERROR_DOMAIN, ERROR_LIMIT);
		g_assert_cmpint(layer, ==, LAYER_PGP_INLINE);
	}
}

static void
test_second_type(void)
{
	g_autoptr(Fields) fields = fields_new();

	fields_add(fields, "Content-Type", " text/plain");
	g_assert_true(layers_header_is_plain(fields));
	fields_add(fields, "Content-Type", " multipart/signed");
	g_assert_false(layers_header_is_plain(fields));
}

/* Armour is looked for in the first 64 KiB of the text only. */
static void
test_far_armour(void)
{
	g_autofree char *text = g_strnfill(70000, 'x');
	g_autofree char *all = g_strconcat("\n", text, "\n", ARMOUR, NULL);
	g_autoptr(Message) message = parse(all);
	g_autoptr(Structure) structure =
	    structure_scan(message->fields, message->body, 1000, 50, NULL);
	GBytes *blob = NULL;
	GBytes *content = NULL;
	Layer layer = LAYER_PGP_INLINE;

	g_assert_true(layers_find(message->fields, structure, message->body,
	    1000, &layer, &blob, &content, NULL));
	g_assert_cmpint(layer, ==, LAYER_NONE);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *path =
		    g_strconcat("/layers/find/", cases[i].name, NULL);

		g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_find);
	}
	g_test_add_func("/layers/find/limit", test_limit);
	g_test_add_func("/layers/find/far-armour", test_far_armour);
	g_test_add_func("/layers/header-is-plain/two-types", test_second_type);
	return g_test_run();
}
