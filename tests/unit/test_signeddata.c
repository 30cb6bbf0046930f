/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SignedData put together anew from what openssl signed: BER, broken and
 * foreign certificates, CRLs, unsigned attributes, elements too many.
 */
#include "config.h"

#include "crypto/verify.h"

#include <string.h>

#include "crypto/der.h"
#include "pki.h"
#include "verdict.h"

static VerdictPlace place;

/* The contents of what may be exchanged. */
typedef struct {
	GBytes *blob;
	DerSpan head; /* version and digests, whole */
	DerSpan content;
	GByteArray *certs;
	GByteArray *crls;
	GByteArray *signers;
	GByteArray *tail; /* behind the signers */
} Pieces;

static void
pieces_init(Pieces *pieces, const char *name)
{
	DerSpan rest;
	DerItem item;

	*pieces = (Pieces){ .blob = pki_file(place.pki, name) };
	pieces->certs = g_byte_array_new();
	pieces->crls = g_byte_array_new();
	pieces->signers = g_byte_array_new();
	pieces->tail = g_byte_array_new();
	rest = der_span(pieces->blob);
	g_assert_true(der_next_tagged(&rest, DER_SEQUENCE, &item));
	rest = item.content;
	g_assert_true(der_next_tagged(&rest, DER_OID, &item));
	g_assert_true(der_next_tagged(&rest, DER_CONTEXT_0, &item));
	rest = item.content;
	g_assert_true(der_next_tagged(&rest, DER_SEQUENCE, &item));
	rest = item.content;
	pieces->head.data = rest.data;
	g_assert_true(der_next_tagged(&rest, DER_INTEGER, &item));
	g_assert_true(der_next_tagged(&rest, DER_SET, &item));
	pieces->head.length = (gsize)(rest.data - pieces->head.data);
	g_assert_true(der_next_tagged(&rest, DER_SEQUENCE, &item));
	pieces->content = item.whole;
	g_assert_true(der_next_tagged(&rest, DER_CONTEXT_0, &item));
	g_byte_array_append(
	    pieces->certs, item.content.data, (guint)item.content.length);
	g_assert_true(der_next_tagged(&rest, DER_SET, &item));
	g_byte_array_append(
	    pieces->signers, item.content.data, (guint)item.content.length);
}

static void
append_file(GByteArray *out, const char *name)
{
	g_autoptr(GBytes) bytes = pki_file(place.pki, name);

	der_append_bytes(out, bytes);
}

/* Consumes pieces. */
static GBytes *
join(Pieces *pieces)
{
	static const guint8 TYPE[] = { 0x06, 9, 0x2A, 0x86, 0x48, 0x86, 0xF7,
		0x0D, 1, 7, 2 };
	GByteArray *body = g_byte_array_new();
	GByteArray *wrapped = g_byte_array_new();
	GByteArray *outer = g_byte_array_new();
	g_autoptr(GBytes) data = NULL;
	g_autoptr(GBytes) tagged = NULL;

	g_byte_array_append(
	    body, pieces->head.data, (guint)pieces->head.length);
	g_byte_array_append(
	    body, pieces->content.data, (guint)pieces->content.length);
	if (pieces->certs->len > 0) {
		der_append(body, DER_CONTEXT_0, pieces->certs->data,
		    pieces->certs->len);
	}
	if (pieces->crls->len > 0) {
		der_append(
		    body, DER_CONTEXT_1, pieces->crls->data, pieces->crls->len);
	}
	der_append(body, DER_SET, pieces->signers->data, pieces->signers->len);
	g_byte_array_append(body, pieces->tail->data, pieces->tail->len);
	data = der_wrap(DER_SEQUENCE, body);
	der_append_bytes(wrapped, data);
	tagged = der_wrap(DER_CONTEXT_0, wrapped);
	g_byte_array_append(outer, TYPE, sizeof TYPE);
	der_append_bytes(outer, tagged);
	g_byte_array_unref(pieces->certs);
	g_byte_array_unref(pieces->crls);
	g_byte_array_unref(pieces->signers);
	g_byte_array_unref(pieces->tail);
	g_bytes_unref(pieces->blob);
	return der_wrap(DER_SEQUENCE, outer);
}

static Verification *
verify(GBytes *blob)
{
	VerifyRules rules = verdict_rules(place.anchors, ALICE);
	g_autoptr(GBytes) content = pki_file(place.pki, "content");

	return verify_cms(blob, content, &rules);
}

static Verification *
verify_pieces(Pieces *pieces, VerifyResult want, const char *reason)
{
	g_autoptr(GBytes) blob = join(pieces);
	Verification *found = verify(blob);

	verdict_assert(found->signatures, want, reason);
	return found;
}

/* Constructed elements of the upper levels with indefinite lengths. */
static void
append_ber(GByteArray *out, DerSpan rest, guint levels)
{
	static const guint8 END[2] = { 0, 0 };
	DerItem item;

	while (rest.length > 0) {
		guint8 header[2];

		g_assert_true(der_next(&rest, &item));
		if (levels == 0 || (item.tag & 0x20) == 0) {
			g_byte_array_append(
			    out, item.whole.data, (guint)item.whole.length);
			continue;
		}
		header[0] = item.tag;
		header[1] = 0x80;
		g_byte_array_append(out, header, sizeof header);
		append_ber(out, item.content, levels - 1);
		g_byte_array_append(out, END, sizeof END);
	}
}

/* Down to the header of the signed attributes; below is what was signed. */
static void
test_indefinite(void)
{
	g_autoptr(GBytes) blob = pki_file(place.pki, "good");
	g_autoptr(Cert) alice = pki_cert(place.pki, "alice");

	for (guint levels = 0; levels <= 5; levels++) {
		GByteArray *out = g_byte_array_new();
		g_autoptr(GBytes) ber = NULL;
		g_autoptr(Verification) found = NULL;
		const VerifySignature *first = NULL;

		append_ber(out, der_span(blob), levels);
		ber = g_byte_array_free_to_bytes(out);
		found = verify(ber);
		g_test_message("%u levels", levels);
		verdict_assert(found->signatures, VERIFY_PASS, NULL);
		first = found->signatures->pdata[0];
		g_assert_cmpstr(cert_fingerprint(first->signer), ==,
		    cert_fingerprint(alice));
		g_assert_cmpuint(found->certs->len, ==, 2);
	}
}

static void
test_odd_certificates(void)
{
	static const guint8 EMPTY[] = { 0x30, 0 };
	static const guint8 ATTRIBUTE[] = { 0xA2, 3, 0x02, 1, 1 };
	Pieces pieces;
	g_autoptr(Verification) found = NULL;

	pieces_init(&pieces, "good");
	/* The order is turned, some come twice, some are none. */
	g_byte_array_set_size(pieces.certs, 0);
	g_byte_array_append(pieces.certs, EMPTY, sizeof EMPTY);
	append_file(pieces.certs, "root.der");
	append_file(pieces.certs, "stray.der");
	append_file(pieces.certs, "issuing.der");
	g_byte_array_append(pieces.certs, ATTRIBUTE, sizeof ATTRIBUTE);
	append_file(pieces.certs, "alice.der");
	append_file(pieces.certs, "alice.der");
	found = verify_pieces(&pieces, VERIFY_PASS, NULL);
	g_assert_cmpuint(found->certs->len, ==, 4);
}

static void
test_signer_is_broken(void)
{
	Pieces pieces;
	g_autoptr(Verification) found = NULL;

	pieces_init(&pieces, "good");
	g_byte_array_set_size(pieces.certs, 0);
	append_file(pieces.certs, "issuing.der");
	found = verify_pieces(&pieces, VERIFY_PERMERROR, "not in the message");
	g_assert_cmpuint(found->certs->len, ==, 1);
}

static void
test_crls(void)
{
	static const guint8 OTHER[] = { 0xA1, 3, 0x02, 1, 1 };
	static const guint8 EMPTY[] = { 0x30, 0 };
	Pieces pieces;
	g_autoptr(Verification) found = NULL;
	g_autoptr(Verification) many = NULL;
	g_autoptr(GBytes) der = NULL;
	g_autoptr(GBytes) want = pki_file(place.pki, "crl.der");

	pieces_init(&pieces, "good");
	g_byte_array_append(pieces.crls, OTHER, sizeof OTHER);
	append_file(pieces.crls, "crl.der");
	g_byte_array_append(pieces.crls, EMPTY, sizeof EMPTY);
	found = verify_pieces(&pieces, VERIFY_PASS, NULL);
	g_assert_cmpuint(found->crls->len, ==, 1);
	der = crl_der(found->crls->pdata[0]);
	g_assert_true(g_bytes_equal(der, want));
	pieces_init(&pieces, "good");
	for (guint i = 0; i < VERIFY_CRLS; i++) {
		append_file(pieces.crls, "crl.der");
	}
	many = verify_pieces(&pieces, VERIFY_PASS, NULL);
	g_clear_pointer(&many, verify_free);
	pieces_init(&pieces, "good");
	for (guint i = 0; i <= VERIFY_CRLS; i++) {
		append_file(pieces.crls, "crl.der");
	}
	many = verify_pieces(&pieces, VERIFY_NEUTRAL, "too many");
	g_assert_cmpuint(many->crls->len, ==, 0);
}

/* A bag without signers: its content is harvested elsewhere. */
static void
test_certs_only(void)
{
	VerifyRules rules = verdict_rules(place.anchors, ALICE);
	Pieces pieces;
	g_autoptr(GBytes) blob = NULL;
	g_autoptr(Verification) found = NULL;

	pieces_init(&pieces, "good");
	g_byte_array_set_size(pieces.signers, 0);
	append_file(pieces.crls, "crl.der");
	blob = join(&pieces);
	found = verify_cms(blob, NULL, &rules);
	verdict_assert(found->signatures, VERIFY_NONE, "certificates");
	g_assert_cmpuint(found->certs->len, ==, 2);
	g_assert_cmpuint(found->crls->len, ==, 1);
	g_assert_null(found->inner);
}

/* The SignerInfo of "good" with another element behind its signature. */
static void
extend_signer(Pieces *pieces, guint8 tag, gsize length)
{
	DerSpan rest = { pieces->signers->data, pieces->signers->len };
	DerItem item;
	g_autofree guint8 *filler = g_malloc0(length);
	GByteArray *grown = g_byte_array_new();
	GByteArray *inner = g_byte_array_new();
	g_autoptr(GBytes) value = NULL;
	g_autoptr(GBytes) wrapped = NULL;

	g_assert_true(der_next_tagged(&rest, DER_SEQUENCE, &item));
	der_append(inner, DER_OCTET_STRING, filler, length);
	value = der_wrap(tag, inner);
	g_byte_array_append(
	    grown, item.content.data, (guint)item.content.length);
	der_append_bytes(grown, value);
	wrapped = der_wrap(DER_SEQUENCE, grown);
	g_byte_array_set_size(pieces->signers, 0);
	der_append_bytes(pieces->signers, wrapped);
}

/* They prove nothing: what they hold is not even looked at. */
static void
test_unsigned_attributes(void)
{
	Pieces pieces;
	g_autoptr(Verification) found = NULL;

	pieces_init(&pieces, "good");
	extend_signer(&pieces, DER_CONTEXT_1, 300000);
	found = verify_pieces(&pieces, VERIFY_PASS, NULL);
}

static void
test_too_large(void)
{
	Pieces pieces;
	g_autoptr(Verification) found = NULL;
	g_autofree guint8 *filler = g_malloc0(70000);
	DerSpan rest;
	DerItem item;
	GByteArray *grown = g_byte_array_new();
	g_autoptr(GBytes) wrapped = NULL;

	pieces_init(&pieces, "good");
	rest = (DerSpan){ pieces.signers->data, pieces.signers->len };
	g_assert_true(der_next_tagged(&rest, DER_SEQUENCE, &item));
	rest = item.content;
	for (guint i = 0; rest.length > 0; i++) {
		g_assert_true(der_next(&rest, &item));
		if (item.tag == DER_CONTEXT_0) {
			der_append(grown, DER_CONTEXT_0, filler, 70000);
		} else {
			g_byte_array_append(
			    grown, item.whole.data, (guint)item.whole.length);
		}
	}
	wrapped = der_wrap(DER_SEQUENCE, grown);
	g_byte_array_set_size(pieces.signers, 0);
	der_append_bytes(pieces.signers, wrapped);
	found = verify_pieces(&pieces, VERIFY_NEUTRAL, "too large");
}

static void
test_elements_too_many(void)
{
	static const guint8 EMPTY[] = { 0x31, 0 };
	static const guint8 CUT[] = { 0x30, 5, 0 };
	Pieces pieces;
	g_autoptr(Verification) behind = NULL;
	g_autoptr(Verification) in_signer = NULL;
	g_autoptr(Verification) cut = NULL;
	g_autoptr(Verification) tail = NULL;
	g_autoptr(GBytes) good = pki_file(place.pki, "good");
	g_autoptr(GBytes) longer = NULL;
	GByteArray *out = g_byte_array_new();

	pieces_init(&pieces, "good");
	g_byte_array_append(pieces.tail, EMPTY, sizeof EMPTY);
	behind = verify_pieces(&pieces, VERIFY_NEUTRAL, "malformed");
	pieces_init(&pieces, "good");
	extend_signer(&pieces, DER_CONTEXT_2, 1);
	in_signer = verify_pieces(&pieces, VERIFY_NEUTRAL, "malformed");
	pieces_init(&pieces, "good");
	g_byte_array_append(pieces.certs, CUT, sizeof CUT);
	cut = verify_pieces(&pieces, VERIFY_NEUTRAL, "malformed");
	der_append_bytes(out, good);
	g_byte_array_append(out, EMPTY, sizeof EMPTY);
	longer = g_byte_array_free_to_bytes(out);
	tail = verify(longer);
	verdict_assert(tail->signatures, VERIFY_NEUTRAL, "malformed");
}

/* Content in pieces, as a tree, and what is none. */
static void
test_content_pieces(void)
{
	static const struct {
		const char *name;
		const char *content;
		gsize length;
		const char *want; /* NULL: malformed */
	} CASES[] = {
		{ "primitive",
		    "\x04\x03"
		    "abc",
		    5, "abc" },
		{ "pieces",
		    "\x24\x08\x04\x02"
		    "ab\x04\x02"
		    "cd",
		    10, "abcd" },
		{ "tree",
		    "\x24\x80\x24\x80\x04\x01"
		    "a\0\0\x04\x00\x24\x03\x04\x01"
		    "b\0\0",
		    18, "ab" },
		{ "no pieces", "\x24\x00", 2, "" },
		{ "text inside",
		    "\x24\x04\x0C\x02"
		    "ab",
		    6, NULL },
		{ "too deep",
		    "\x24\x0E\x24\x0C\x24\x0A\x24\x08\x24\x06\x24\x04\x04\x02"
		    "ab",
		    16, NULL },
		{ "text",
		    "\x0C\x02"
		    "ab",
		    4, NULL },
	};
	static const guint8 TYPE[] = { 0x06, 9, 0x2A, 0x86, 0x48, 0x86, 0xF7,
		0x0D, 1, 7, 1 };
	VerifyRules rules = verdict_rules(place.anchors, ALICE);

	for (guint i = 0; i < G_N_ELEMENTS(CASES); i++) {
		GByteArray *info = g_byte_array_new();
		Pieces pieces;
		g_autoptr(GBytes) wrapped = NULL;
		g_autoptr(GBytes) blob = NULL;
		g_autoptr(Verification) found = NULL;

		g_test_message("%s", CASES[i].name);
		pieces_init(&pieces, "good");
		g_byte_array_append(info, TYPE, sizeof TYPE);
		der_append(
		    info, DER_CONTEXT_0, CASES[i].content, CASES[i].length);
		wrapped = der_wrap(DER_SEQUENCE, info);
		pieces.content = der_span(wrapped);
		blob = join(&pieces);
		found = verify_cms(blob, NULL, &rules);
		if (CASES[i].want == NULL) {
			verdict_assert(
			    found->signatures, VERIFY_NEUTRAL, "malformed");
			g_assert_null(found->inner);
			continue;
		}
		verdict_assert(
		    found->signatures, VERIFY_FAIL, "content was changed");
		{
			g_autoptr(GBytes) want = g_bytes_new_static(
			    CASES[i].want, strlen(CASES[i].want));

			g_assert_true(g_bytes_equal(found->inner, want));
		}
	}
}

/* Each cut of a good one is malformed, and nothing is read beyond. */
static void
test_cuts(void)
{
	g_autoptr(GBytes) good = pki_file(place.pki, "good");
	g_autoptr(GBytes) content = pki_file(place.pki, "content");
	VerifyRules rules = verdict_rules(place.anchors, ALICE);
	gsize length = 0;
	const guint8 *data = g_bytes_get_data(good, &length);

	for (gsize cut = 0; cut < length; cut++) {
		g_autoptr(GBytes) part = g_bytes_new(data, cut);
		g_autoptr(Verification) found =
		    verify_cms(part, content, &rules);

		verdict_assert(found->signatures, VERIFY_NEUTRAL, "malformed");
		g_assert_cmpuint(found->certs->len, ==, 0);
	}
}

int
main(int argc, char **argv)
{
	int status = 0;

	g_test_init(&argc, &argv, NULL);
	verdict_init(&place);
	pki_run(place.pki,
	    "openssl cms -sign -binary -in content -outform DER -out good \\\n"
	    "  -certfile issuing.pem -signer alice.pem -inkey alice.key\n"
	    "for name in root issuing alice stray; do\n"
	    "  openssl x509 -in $name.pem -outform DER -out $name.der\n"
	    "done\n"
	    "printf '[ca]\\ndefault_ca=d\\n[d]\\ndatabase=index\\n"
	    "default_md=sha256\\ndefault_crl_days=30\\n' >ca.cnf; : >index\n"
	    "openssl ca -gencrl -config ca.cnf -cert issuing.pem \\\n"
	    "  -keyfile issuing.key -out crl.pem\n"
	    "openssl crl -in crl.pem -outform DER -out crl.der\n");
	g_test_add_func("/signeddata/init/indefinite-lengths", test_indefinite);
	g_test_add_func(
	    "/signeddata/init/odd-certificates", test_odd_certificates);
	g_test_add_func(
	    "/signeddata/init/no-signer-certificate", test_signer_is_broken);
	g_test_add_func("/signeddata/init/crls", test_crls);
	g_test_add_func("/signeddata/init/certs-only", test_certs_only);
	g_test_add_func(
	    "/signeddata/init/unsigned-attributes", test_unsigned_attributes);
	g_test_add_func("/signeddata/init/too-large", test_too_large);
	g_test_add_func(
	    "/signeddata/init/elements-too-many", test_elements_too_many);
	g_test_add_func("/signeddata/init/cuts", test_cuts);
	g_test_add_func("/signeddata/content/pieces", test_content_pieces);
	status = g_test_run();
	verdict_clear(&place);
	return status;
}
