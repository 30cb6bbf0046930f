/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RFC 5280 6.3.3, case by case: certificates by the openssl command, CRLs by
 * its library.
 */
#include "config.h"

#include "crypto/revocation.h"

#include <string.h>

#include "base/error.h"
#include "crl_maker.h"
#include "crypto/cert-private.h"
#include "pki.h"
#include "scratch.h"

static char *pki;

#define IDP "issuingDistributionPoint=critical,@idp\n[idp]\n"
#define AKI "authorityKeyIdentifier=keyid:always\n"

typedef struct {
	const char *name;
	CrlPlan plan;
} Named;

static const Named CRLS[] = {
	/* Complete, without scope. */
	{ "clean", { .issuer = "issuing", .number = 10 } },
	{ "key",
	    { .issuer = "issuing", .entries = "plain:1 0x7", .number = 11 } },
	{ "bare", { .issuer = "issuing", .entries = "plain", .number = 11 } },
	{ "hold", { .issuer = "issuing", .entries = "plain:6", .number = 10 } },
	{ "gone", { .issuer = "issuing", .entries = "plain:8", .number = 10 } },
	{ "newest", { .issuer = "issuing", .number = 0x100 } },
	{ "expired",
	    { .issuer = "issuing",
		.entries = "plain:1",
		.number = 12,
		.from = -9,
		.to = -1 } },
	{ "early",
	    { .issuer = "issuing",
		.entries = "plain:1",
		.number = 12,
		.from = 1,
		.to = 9 } },
	{ "short", { .issuer = "issuing", .number = 10, .from = -1, .to = 2 } },
	{ "endless", { .issuer = "issuing", .from = -1, .to = CRL_NO_NEXT } },
	{ "weak", { .issuer = "issuing", .digest = "sha1" } },
	{ "root", { .issuer = "root", .entries = "issuing:2" } },
	{ "rootclean", { .issuer = "root" } },
	/* Signed by somebody else. */
	{ "forged", { .issuer = "issuing", .signer = "root" } },
	{ "forgedrevoked",
	    { .issuer = "issuing",
		.signer = "root",
		.entries = "plain:1",
		.number = 99 } },
	{ "rolled",
	    { .issuer = "issuing2", .entries = "plain:4", .number = 12 } },
	{ "rolledclean", { .issuer = "issuing2", .number = 12 } },
	{ "rolledkey",
	    { .issuer = "issuing2", .number = 12, .extensions = AKI } },
	{ "alien", { .issuer = "alienissuing", .number = 12 } },
	{ "nosign", { .issuer = "nosign", .number = 12 } },
	{ "nousage", { .issuer = "nousage", .number = 12 } },
	{ "usedup", { .issuer = "usedup", .number = 12 } },
	{ "rootrolled", { .issuer = "root", .entries = "issuing2:1" } },
	/* Kinds of certificates. */
	{ "user",
	    { .issuer = "issuing", .extensions = IDP "onlyuser=TRUE\n" } },
	{ "ca", { .issuer = "issuing", .extensions = IDP "onlyCA=TRUE\n" } },
	{ "attribute",
	    { .issuer = "issuing", .extensions = IDP "onlyAA=TRUE\n" } },
	{ "rootuser",
	    { .issuer = "root",
		.entries = "issuing:2",
		.extensions = IDP "onlyuser=TRUE\n" } },
	{ "rootca",
	    { .issuer = "root",
		.entries = "issuing:2",
		.extensions = IDP "onlyCA=TRUE\n" } },
	/* Reasons: the key's two, and the rest. */
	{ "keyreasons",
	    { .issuer = "issuing",
		.extensions =
		    IDP "onlysomereasons=keyCompromise,CACompromise\n" } },
	{ "otherreasons",
	    { .issuer = "issuing",
		.extensions =
		    IDP "onlysomereasons=affiliationChanged,superseded,"
			"cessationOfOperation,certificateHold,"
			"privilegeWithdrawn,AACompromise\n" } },
	{ "otherrevoked",
	    { .issuer = "issuing",
		.entries = "plain:4",
		.extensions =
		    IDP "onlysomereasons=affiliationChanged,superseded,"
			"cessationOfOperation,certificateHold,"
			"privilegeWithdrawn,AACompromise\n" } },
	/* Points. */
	{ "point",
	    { .issuer = "issuing",
		.entries = "pointed:5",
		.extensions = IDP "fullname=URI:http://a.example/a.crl\n" } },
	{ "otherpoint",
	    { .issuer = "issuing",
		.entries = "pointed:5",
		.extensions = IDP "fullname=URI:http://a.example/b.crl\n" } },
	{ "twopoints",
	    { .issuer = "issuing",
		.extensions = IDP
		"fullname=URI:ldap://x/,URI:http://a.example/a.crl\n" } },
	{ "issuerpoint",
	    { .issuer = "issuing",
		.extensions = IDP "fullname=dirName:dn\n"
				  "[dn]\nO=tests\nCN= Issuing\n" } },
	{ "relative",
	    { .issuer = "issuing",
		.entries = "relative:3",
		.extensions = IDP "relativename=rdn\n[rdn]\nOU=Part 1\n" } },
	{ "relative2",
	    { .issuer = "issuing",
		.entries = "relative:3",
		.extensions = IDP "relativename=rdn\n[rdn]\nOU=Part 2\n" } },
	{ "whole",
	    { .issuer = "issuing",
		.entries = "relative:3",
		.extensions = IDP "fullname=dirName:dn\n"
				  "[dn]\nO=Tests\nCN=Issuing\nOU=part  1\n" } },
	{ "parts1",
	    { .issuer = "issuing",
		.extensions = IDP "fullname=URI:http://a.example/1.crl\n" } },
	{ "parts2",
	    { .issuer = "issuing",
		.extensions = IDP "fullname=URI:http://a.example/2.crl\n" } },
	/* Indirect ones. */
	{ "indirect",
	    { .issuer = "body",
		.entries = "0x7 foreign:1:issuing",
		.extensions = IDP "indirectCRL=TRUE\n" } },
	{ "indirectclean",
	    { .issuer = "body",
		/* The number is listed, but for another issuer. */
		.entries = "foreign:1 foreign:1:root 0x7:1:issuing",
		.extensions = IDP "indirectCRL=TRUE\n" } },
	{ "notindirect", { .issuer = "body", .entries = "foreign:1:issuing" } },
	{ "indirectpoint",
	    { .issuer = "body",
		.entries = "foreign:1:issuing",
		.extensions = IDP "indirectCRL=TRUE\nfullname=dirName:dn\n"
				  "[dn]\nCN=Body\n" } },
	{ "indirectelsewhere",
	    { .issuer = "body",
		.entries = "foreign:1:issuing",
		.extensions =
		    IDP "indirectCRL=TRUE\nfullname=URI:http://b/\n" } },
	/* Deltas. */
	{ "dkey",
	    { .issuer = "issuing",
		.entries = "plain:1",
		.number = 12,
		.base = 10 } },
	{ "dclean", { .issuer = "issuing", .number = 13, .base = 10 } },
	{ "dlift",
	    { .issuer = "issuing",
		.entries = "plain:8",
		.number = 12,
		.base = 10 } },
	{ "dgap",
	    { .issuer = "issuing",
		.entries = "plain:8",
		.number = 12,
		.base = 11 } },
	{ "dgapkey",
	    { .issuer = "issuing",
		.entries = "plain:1",
		.number = 12,
		.base = 11 } },
	{ "dold",
	    { .issuer = "issuing",
		.entries = "plain:1",
		.number = 9,
		.base = 8 } },
	{ "dexpired",
	    { .issuer = "issuing",
		.entries = "plain:8",
		.number = 12,
		.base = 10,
		.from = -5,
		.to = -1 } },
	{ "dshort",
	    { .issuer = "issuing",
		.number = 12,
		.base = 10,
		.from = -1,
		.to = 2 } },
	{ "duser",
	    { .issuer = "issuing",
		.entries = "plain:8",
		.number = 12,
		.base = 10,
		.extensions = IDP "onlyuser=TRUE\n" } },
	{ "dforged",
	    { .issuer = "issuing",
		.signer = "root",
		.entries = "plain:8",
		.number = 12,
		.base = 10 } },
};

static GPtrArray *
certs_of(const char *names)
{
	GPtrArray *list =
	    g_ptr_array_new_with_free_func((GDestroyNotify)cert_unref);
	g_auto(GStrv) parts = g_strsplit(names, " ", -1);

	for (guint i = 0; parts[i] != NULL; i++) {
		if (*parts[i] != '\0') {
			g_ptr_array_add(list, pki_cert(pki, parts[i]));
		}
	}
	return list;
}

static GPtrArray *
crls_of(const char *names)
{
	GPtrArray *list =
	    g_ptr_array_new_with_free_func((GDestroyNotify)crl_unref);
	g_auto(GStrv) parts = g_strsplit(names, " ", -1);

	for (guint i = 0; parts[i] != NULL; i++) {
		const CrlPlan *plan = NULL;

		if (*parts[i] == '\0') {
			continue;
		}
		for (guint j = 0; j < G_N_ELEMENTS(CRLS); j++) {
			if (g_str_equal(CRLS[j].name, parts[i])) {
				plan = &CRLS[j].plan;
			}
		}
		g_assert_nonnull(plan);
		g_ptr_array_add(list, crl_make_parsed(pki, plan));
	}
	return list;
}

typedef struct {
	const char *cert;   /* /POSITION: of its chain, not its own */
	const char *crls;   /* !: OpenSSL has another answer: it prefers the
			       first of equal dates, wants a CRL's signer in the
			       path, and takes deltas otherwise */
	const char *others; /* besides issuing */
	RevocationStatus want;
	const char *reason; /* NULL when good */
} Case;

#define GOOD REVOCATION_GOOD
#define UNKNOWN REVOCATION_UNKNOWN
#define REVOKED REVOCATION_REVOKED

static const char NONE[] = "no CRL is known";
static const char EXPIRED[] = "the CRL has expired";
static const char FORGED[] = "no genuine CRL is known";
static const char SCOPE[] = "no CRL is known that covers it";
static const char REASONS[] = "the CRLs known do not cover all reasons";

static guint
position_of(const char *cert)
{
	const char *slash = strchr(cert, '/');

	return slash != NULL ? (guint)atoi(slash + 1) : 0;
}

static GPtrArray *
chain_of(const Anchors *anchors, const char *cert, const GPtrArray *others)
{
	g_auto(GStrv) parts = g_strsplit(cert, "/", 2);
	g_autoptr(Cert) one = pki_cert(pki, parts[0]);
	GPtrArray *chain = NULL;
	const char *reason = NULL;

	g_assert_cmpint(
	    chain_check(anchors, one, others, pki_now(), &reason, &chain), ==,
	    CHAIN_OK);
	return chain;
}

static void
reverse(GPtrArray *list)
{
	for (guint i = 0; i < list->len / 2; i++) {
		gpointer one = list->pdata[i];

		list->pdata[i] = list->pdata[list->len - 1 - i];
		list->pdata[list->len - 1 - i] = one;
	}
}

/* OpenSSL's own answer, where it has the same question: of the certificate at
 * the head of chain. */
static RevocationStatus
judge(const GPtrArray *chain, const GPtrArray *crls, const GPtrArray *others)
{
	g_autoptr(X509_STORE) store = X509_STORE_new();
	g_autoptr(X509_STORE_CTX) context = X509_STORE_CTX_new();
	X509Stack *untrusted = cert_stack(others);
	STACK_OF(X509_CRL) *lists = sk_X509_CRL_new_null();
	int code = X509_V_OK;

	X509_STORE_add_cert(store, cert_x509(chain->pdata[chain->len - 1]));
	for (guint i = 0; i < crls->len; i++) {
		g_autoptr(GBytes) der = crl_der(crls->pdata[i]);
		const guint8 *data = g_bytes_get_data(der, NULL);

		sk_X509_CRL_push(lists,
		    d2i_X509_CRL(NULL, &data, (long)g_bytes_get_size(der)));
	}
	X509_STORE_CTX_init(
	    context, store, cert_x509(chain->pdata[0]), untrusted);
	X509_STORE_CTX_set0_crls(context, lists);
	X509_VERIFY_PARAM_set_flags(X509_STORE_CTX_get0_param(context),
	    X509_V_FLAG_CRL_CHECK | X509_V_FLAG_EXTENDED_CRL_SUPPORT |
		X509_V_FLAG_USE_DELTAS);
	X509_verify_cert(context);
	code = X509_STORE_CTX_get_error(context);
	sk_X509_free(untrusted);
	sk_X509_CRL_pop_free(lists, X509_CRL_free);
	if (code == X509_V_OK) {
		return GOOD;
	}
	return code == X509_V_ERR_CERT_REVOKED ? REVOKED : UNKNOWN;
}

static void
check(const Case *one, const char *anchor_names)
{
	g_autoptr(GPtrArray) anchor_certs = certs_of(anchor_names);
	g_autoptr(Anchors) anchors = chain_anchors_new(anchor_certs);
	g_autofree char *names = g_strdup_printf("issuing %s", one->others);
	g_autoptr(GPtrArray) others = certs_of(names);
	g_autoptr(GPtrArray) issuing = certs_of("issuing");
	g_autoptr(GPtrArray) chain = chain_of(anchors, one->cert, issuing);
	bool agreed = one->crls[0] != '!';
	g_autoptr(GPtrArray) crls = crls_of(one->crls + !agreed);

	/* The order of CRLs is nothing. */
	for (guint turn = 0; turn < 2; turn++) {
		Revocation got;

		revocation_check(chain, position_of(one->cert), crls, others,
		    anchors, pki_now(), &got);
		g_test_message("%s with [%s] and [%s]: %s, %s", one->cert,
		    one->crls, one->others, revocation_name(got.status),
		    got.reason);
		g_assert_cmpint(got.status, ==, one->want);
		g_assert_cmpstr(got.reason, ==, one->reason);
		g_assert_cmpint(
		    got.since, ==, one->want == REVOKED ? 1700000000 : 0);
		if (agreed && position_of(one->cert) == 0) {
			g_assert_cmpint(
			    judge(chain, crls, others), ==, one->want);
		}
		reverse(crls);
	}
}

static void
check_all(const Case *cases, guint count)
{
	for (guint i = 0; i < count; i++) {
		check(&cases[i], "root");
	}
}

static void
test_complete(void)
{
	static const Case CASES[] = {
		{ "plain", "", "", UNKNOWN, NONE },
		{ "plain", "rootclean", "", UNKNOWN, NONE },
		{ "plain", "clean", "", GOOD, NULL },
		{ "plain", "key", "", REVOKED, "key compromise" },
		{ "plain", "bare", "", REVOKED, "no reason given" },
		{ "plain", "hold", "", REVOKED, "certificate hold" },
		{ "plain", "gone", "", GOOD, NULL },
		{ "pointed", "key", "", GOOD, NULL },
		/* The newer one counts, by number. */
		{ "plain", "!clean key", "", REVOKED, "key compromise" },
		{ "plain", "!key newest", "", GOOD, NULL },
		{ "plain", "!hold newest", "", GOOD, NULL },
		{ "plain", "endless", "", GOOD, NULL },
		{ "plain", "expired", "", UNKNOWN, EXPIRED },
		{ "plain", "early", "", UNKNOWN, "the CRL is not yet valid" },
		{ "plain", "early expired", "", UNKNOWN, EXPIRED },
		{ "plain", "expired clean", "", GOOD, NULL },
		{ "plain", "early clean", "", GOOD, NULL },
		{ "plain", "!weak", "", UNKNOWN, FORGED },
		{ "plain/1", "clean", "", UNKNOWN, NONE },
		{ "plain/1", "rootclean", "", GOOD, NULL },
		{ "plain/1", "root", "", REVOKED, "CA compromise" },
		{ "plain/2", "root", "", GOOD, NULL },
		{ "plain/2", "", "", GOOD, NULL },
	};

	check_all(CASES, G_N_ELEMENTS(CASES));
}

static void
test_signers(void)
{
	static const Case CASES[] = {
		{ "plain", "forged", "", UNKNOWN, FORGED },
		{ "plain", "forgedrevoked", "", UNKNOWN, FORGED },
		{ "plain", "!forgedrevoked clean", "", GOOD, NULL },
		{ "plain", "forged expired", "", UNKNOWN, EXPIRED },
		/* Another key of the CA. */
		{ "plain", "rolled", "", UNKNOWN, FORGED },
		{ "plain", "!rolled", "issuing2", REVOKED, "superseded" },
		{ "plain", "!rolledclean", "issuing2", GOOD, NULL },
		{ "plain", "!rolledclean", "nosign issuing2 alienissuing", GOOD,
		    NULL },
		{ "plain", "!clean rolled", "issuing2", REVOKED, "superseded" },
		{ "plain", "rolledkey", "issuing2", GOOD, NULL },
		{ "plain", "clean rolledkey", "issuing2", GOOD, NULL },
		{ "plain", "nosign", "nosign", UNKNOWN, FORGED },
		{ "plain", "!nousage", "nousage", GOOD, NULL },
		/* The same name below another anchor. */
		{ "plain", "alien", "alienissuing alien", UNKNOWN, FORGED },
		{ "plain", "usedup", "usedup", UNKNOWN, FORGED },
		/* The other key is revoked itself. */
		{ "plain", "rolledclean rootrolled", "issuing2", UNKNOWN,
		    FORGED },
		{ "plain", "!rolledclean rootclean", "issuing2", GOOD, NULL },
	};

	check_all(CASES, G_N_ELEMENTS(CASES));
	for (guint i = 0; i < G_N_ELEMENTS(CASES); i++) {
		/* That the other anchor is trusted as well is no help. */
		check(&CASES[i], "alien root");
	}
}

/* With its own stolen key, below itself or as itself, none acquits itself. */
static void
test_self(void)
{
	static const Case CASES[] = {
		/* "self" bears issuing's name and was issued by issuing. */
		{ "self", "selfsigned", "self", UNKNOWN, FORGED },
		{ "plain", "selfsigned", "self", GOOD, NULL },
		/* "under" bears root's name and was issued by issuing. */
		{ "plain/1", "undersigned", "under", UNKNOWN, FORGED },
	};
	static const CrlPlan SELF = { .issuer = "self" };
	static const CrlPlan UNDER = { .issuer = "under" };
	g_autoptr(Anchors) anchors = pki_anchors(pki, "root");

	for (guint i = 0; i < G_N_ELEMENTS(CASES); i++) {
		g_autofree char *names =
		    g_strdup_printf("issuing %s", CASES[i].others);
		g_autoptr(GPtrArray) others = certs_of(names);
		g_autoptr(GPtrArray) chain =
		    chain_of(anchors, CASES[i].cert, others);
		g_autoptr(GPtrArray) crls =
		    g_ptr_array_new_with_free_func((GDestroyNotify)crl_unref);
		Revocation got;

		g_ptr_array_add(crls,
		    crl_make_parsed(pki,
			g_str_equal(CASES[i].crls, "selfsigned") ? &SELF
								 : &UNDER));
		revocation_check(chain, position_of(CASES[i].cert), crls,
		    others, anchors, pki_now(), &got);
		g_test_message("case %u: %s, %s", i,
		    revocation_name(got.status), got.reason);
		g_assert_cmpint(got.status, ==, CASES[i].want);
		g_assert_cmpstr(got.reason, ==, CASES[i].reason);
	}
}

static void
test_kinds(void)
{
	static const Case CASES[] = {
		{ "plain", "user", "", GOOD, NULL },
		{ "plain", "ca", "", UNKNOWN, SCOPE },
		{ "plain", "attribute", "", UNKNOWN, SCOPE },
		{ "plain", "ca attribute user", "", GOOD, NULL },
		{ "plain", "ca attribute clean", "", GOOD, NULL },
		{ "plain/1", "rootuser", "", UNKNOWN, SCOPE },
		{ "plain/1", "rootca", "", REVOKED, "CA compromise" },
	};

	check_all(CASES, G_N_ELEMENTS(CASES));
}

static void
test_reasons(void)
{
	static const Case CASES[] = {
		{ "plain", "keyreasons", "", UNKNOWN, REASONS },
		{ "plain", "otherreasons", "", UNKNOWN, REASONS },
		{ "plain", "keyreasons otherreasons", "", GOOD, NULL },
		{ "plain", "keyreasons otherrevoked", "", REVOKED,
		    "superseded" },
		{ "plain", "otherrevoked", "", REVOKED, "superseded" },
		{ "plain", "keyreasons clean", "", GOOD, NULL },
		{ "plain", "keyreasons expired", "", UNKNOWN, REASONS },
		/* The certificate's points are for reasons. */
		{ "parts", "parts1", "", UNKNOWN, REASONS },
		{ "parts", "parts2", "", UNKNOWN, REASONS },
		{ "parts", "parts1 parts2", "", GOOD, NULL },
		{ "parts", "!clean", "", GOOD, NULL },
	};

	check_all(CASES, G_N_ELEMENTS(CASES));
}

static void
test_points(void)
{
	static const Case CASES[] = {
		{ "plain", "point", "", UNKNOWN, SCOPE },
		{ "plain", "!issuerpoint", "", GOOD, NULL },
		{ "pointed", "point", "", REVOKED, "cessation of operation" },
		{ "pointed", "otherpoint", "", UNKNOWN, SCOPE },
		{ "pointed", "twopoints", "", GOOD, NULL },
		{ "pointed", "clean", "", GOOD, NULL },
		{ "pointed", "!clean point", "", REVOKED,
		    "cessation of operation" },
		{ "pointed", "clean otherpoint", "", GOOD, NULL },
		{ "relative", "relative", "", REVOKED, "affiliation changed" },
		{ "relative", "relative2", "", UNKNOWN, SCOPE },
		{ "relative", "whole", "", REVOKED, "affiliation changed" },
		{ "wholename", "relative", "", GOOD, NULL },
		{ "wholename", "relative2", "", UNKNOWN, SCOPE },
	};

	check_all(CASES, G_N_ELEMENTS(CASES));
}

static void
test_indirect(void)
{
	static const Case CASES[] = {
		{ "foreign", "clean", "", GOOD, NULL },
		{ "foreign", "indirect", "", UNKNOWN, FORGED },
		{ "foreign", "indirect", "body", REVOKED, "key compromise" },
		{ "foreign", "indirectclean", "body", GOOD, NULL },
		{ "foreign", "notindirect", "body", UNKNOWN, SCOPE },
		{ "foreign", "indirectpoint", "body", REVOKED,
		    "key compromise" },
		{ "foreign", "!indirectelsewhere", "body", UNKNOWN, SCOPE },
		/* Who does not name the body is not asked to believe it. */
		{ "plain", "indirect", "body", UNKNOWN, NONE },
	};

	check_all(CASES, G_N_ELEMENTS(CASES));
}

static void
test_deltas(void)
{
	static const char ALONE[] = "only a delta CRL is known";
	static const Case CASES[] = {
		{ "plain", "clean dkey", "", REVOKED, "key compromise" },
		{ "plain", "clean dclean", "", GOOD, NULL },
		{ "plain", "hold dclean", "", REVOKED, "certificate hold" },
		{ "plain", "hold dlift", "", GOOD, NULL },
		{ "plain", "hold dkey", "", REVOKED, "key compromise" },
		/* A newer delta says no longer what an older one said. */
		{ "plain", "!clean dkey dclean", "", GOOD, NULL },
		{ "plain", "!hold dlift dclean", "", REVOKED,
		    "certificate hold" },
		/* It builds on a newer one, or is older. */
		{ "plain", "hold dgap", "", REVOKED, "certificate hold" },
		{ "plain", "!clean dgapkey", "", REVOKED, "key compromise" },
		{ "plain", "clean dold", "", GOOD, NULL },
		{ "plain", "newest dkey", "", GOOD, NULL },
		{ "plain", "!hold dexpired", "", REVOKED, "certificate hold" },
		{ "plain", "hold duser", "", REVOKED, "certificate hold" },
		{ "plain", "!hold dforged", "", REVOKED, "certificate hold" },
		{ "plain", "dlift", "", UNKNOWN, ALONE },
		{ "plain", "dclean", "", UNKNOWN, ALONE },
		{ "plain", "!dkey", "", REVOKED, "key compromise" },
		{ "plain", "!expired dclean", "", UNKNOWN, EXPIRED },
	};

	check_all(CASES, G_N_ELEMENTS(CASES));
}

static void
test_until(void)
{
	static const struct {
		const char *crls;
		int hours; /* from now; 0: never */
	} CASES[] = {
		{ "clean", 24 },
		{ "short", 2 },
		{ "clean dshort", 2 },
		{ "short dclean", 2 },
		{ "endless", 0 },
		{ "keyreasons otherreasons", 24 },
		{ "short expired", 2 },
		{ "expired", 0 },
		{ "", 0 },
		{ "key", 24 },
	};
	g_autoptr(Anchors) anchors = pki_anchors(pki, "root");
	g_autoptr(GPtrArray) others = certs_of("issuing");
	g_autoptr(GPtrArray) chain = chain_of(anchors, "plain", others);

	for (guint i = 0; i < G_N_ELEMENTS(CASES); i++) {
		g_autoptr(GPtrArray) crls = crls_of(CASES[i].crls);
		gint64 now = pki_now();
		Revocation got;

		revocation_check(chain, 0, crls, NULL, anchors, now, &got);
		g_test_message("%s", CASES[i].crls);
		if (CASES[i].hours == 0) {
			g_assert_cmpint(got.until, ==, G_MAXINT64);
			continue;
		}
		g_assert_cmpint(got.until, <=, now + CASES[i].hours * 3600);
		g_assert_cmpint(
		    got.until, >, now + CASES[i].hours * 3600 - 600);
		/* One second later it is no longer so. */
		revocation_check(
		    chain, 0, crls, NULL, anchors, got.until, &got);
		g_assert_cmpint(got.status, !=, UNKNOWN);
	}
}

static void
test_authentic(void)
{
	static const struct {
		const char *crl;
		const char *others;
		const char *fault; /* NULL: authentic */
	} CASES[] = {
		{ "clean", "", NULL },
		{ "expired", "", NULL },
		{ "rootclean", "", NULL },
		{ "forged", "", "does not verify" },
		{ "weak", "", "weak hash" },
		{ "rolled", "", "does not verify" },
		{ "rolled", "issuing2", NULL },
		{ "rolledkey", "", "not known" },
		{ "nosign", "nosign", "cRLSign" },
		{ "alien", "alienissuing", "same anchor" },
		{ "indirect", "", "not known" },
		{ "indirect", "body", NULL },
	};
	g_autoptr(Anchors) anchors = pki_anchors(pki, "root");
	g_autoptr(GPtrArray) issuing = certs_of("issuing");
	g_autoptr(GPtrArray) chain = chain_of(anchors, "plain", issuing);

	for (guint i = 0; i < G_N_ELEMENTS(CASES); i++) {
		g_autoptr(GPtrArray) crls = crls_of(CASES[i].crl);
		g_autoptr(GPtrArray) others = certs_of(CASES[i].others);
		g_autoptr(GError) error = NULL;
		bool got = revocation_authentic(
		    crls->pdata[0], chain, others, anchors, pki_now(), &error);

		g_test_message("%s, [%s]: %s", CASES[i].crl, CASES[i].others,
		    error != NULL ? error->message : "authentic");
		g_assert_cmpint(got, ==, CASES[i].fault == NULL);
		if (!got) {
			g_assert_error(error, ERROR_DOMAIN, ERROR_UNFIT);
			g_assert_nonnull(
			    strstr(error->message, CASES[i].fault));
		}
	}
}

/* The signer is known as an anchor only, and reaches the chain's. */
static void
test_signer_among_anchors(void)
{
	static const Case CASES[] = {
		{ "plain", "!rolledclean", "", GOOD, NULL },
		{ "plain", "alien", "", UNKNOWN, FORGED },
	};

	for (guint i = 0; i < G_N_ELEMENTS(CASES); i++) {
		check(&CASES[i], "root issuing2 alienissuing");
	}
}

static void
test_read_points(void)
{
	static const struct {
		const char *cert;
		const char *want; /* a point each word, d: of freshestCRL */
	} CASES[] = {
		{ "plain", "d:http://x/d" },
		{ "pointed", "http://a.example/a.crl" },
		{ "parts", "http://a.example/1.crl http://a.example/2.crl" },
		{ "relative", "" },
		{ "foreign", "" },
		{ "urls",
		    "HTTP://x/1,https://x/2 http://x/3 d:http://x/delta" },
		{ "many",
		    "http://x/1,http://x/2,http://x/3,http://x/4,http://x/5" },
	};

	for (guint i = 0; i < G_N_ELEMENTS(CASES); i++) {
		g_autoptr(Cert) cert = pki_cert(pki, CASES[i].cert);
		g_autoptr(GPtrArray) points = revocation_points(cert);
		g_autoptr(GString) got = g_string_new(NULL);

		for (guint j = 0; j < points->len; j++) {
			const RevocationPoint *point = points->pdata[j];

			g_string_append(got, j > 0 ? " " : "");
			g_string_append(got, point->delta ? "d:" : "");
			for (guint k = 0; k < point->urls->len; k++) {
				g_string_append_printf(got, "%s%s",
				    k > 0 ? "," : "",
				    (char *)point->urls->pdata[k]);
			}
		}
		g_assert_cmpstr(got->str, ==, CASES[i].want);
	}
}

static void
test_issuer_keys(void)
{
	g_autoptr(Cert) plain = pki_cert(pki, "plain");
	g_autoptr(Cert) foreign = pki_cert(pki, "foreign");
	g_autoptr(Cert) issuing = pki_cert(pki, "issuing");
	g_autoptr(Cert) body = pki_cert(pki, "body");
	g_autoptr(GPtrArray) one = revocation_issuer_keys(plain);
	g_autoptr(GPtrArray) two = revocation_issuer_keys(foreign);

	g_assert_cmpuint(one->len, ==, 1);
	g_assert_cmpstr(one->pdata[0], ==, cert_subject_key(issuing));
	g_assert_cmpuint(two->len, ==, 2);
	g_assert_cmpstr(two->pdata[0], ==, cert_subject_key(issuing));
	g_assert_cmpstr(two->pdata[1], ==, cert_subject_key(body));
}

static void
test_names(void)
{
	g_assert_cmpstr(revocation_name(GOOD), ==, "good");
	g_assert_cmpstr(
	    revocation_name(REVOCATION_NOT_CHECKED), ==, "not checked");
	g_assert_cmpstr(revocation_name(UNKNOWN), ==, "unknown");
	g_assert_cmpstr(revocation_name(REVOKED), ==, "revoked");
}

/* "signed NAME SECTIONS": a leaf with points that take sections. */
static const char CERTS[] =
    "signed() {\n"
    "  key $1 P-256\n"
    "  { cat req.cnf; printf '[ext]\\nkeyUsage=digitalSignature\\n'\n"
    "    printf \"$2\"; } > $1.cnf\n"
    "  openssl req -x509 -new -config $1.cnf -extensions ext -utf8 \\\n"
    "    -days 30 -out $1.pem -key $1.key -subj /CN=$1 \\\n"
    "    -CA issuing.pem -CAkey issuing.key\n"
    "}\n"
    "CA='basicConstraints=critical,CA:TRUE'\n"
    "SIGN='keyUsage=critical,keyCertSign,cRLSign'\n"
    "SKI=subjectKeyIdentifier=hash\n"
    "cert issuing root P-256 '/O=Tests/CN=Issuing' $CA $SIGN $SKI\n"
    "leaf plain P-256 freshestCRL=URI:http://x/d\n"
    "cert issuing2 root P-256 '/O=Tests/CN=issuing' $CA $SIGN $SKI\n"
    "cert nosign root P-256 '/O=Tests/CN=Issuing' $CA "
    "keyUsage=critical,keyCertSign\n"
    "cert nousage root P-256 '/O=Tests/CN=Issuing' $CA\n"
    "cert alien self P-256 '/CN=Alien' $CA $SIGN\n"
    "cert alienissuing alien P-256 '/O=Tests/CN=Issuing' $CA $SIGN\n"
    "cert self issuing P-256 '/O=Tests/CN=Issuing' $CA $SIGN\n"
    "cert under issuing P-256 '/CN=Root' $CA $SIGN\n"
    "cert body root P-256 '/CN=Body' keyUsage=critical,cRLSign\n"
    "key usedup P-256\n"
    "openssl req -new -config req.cnf -key usedup.key -out usedup.csr "
    "-subj '/O=Tests/CN=Issuing'\n"
    "printf \"$CA\\n$SIGN\\n\" > usedup.ext\n"
    "openssl x509 -req -in usedup.csr -CA root.pem -CAkey root.key "
    "-set_serial 77 -days -1 -extfile usedup.ext -out usedup.pem "
    "2>/dev/null\n"
    "signed pointed 'crlDistributionPoints=URI:http://a.example/a.crl\\n'\n"
    "signed parts 'crlDistributionPoints=p1,p2\\n"
    "[p1]\\nfullname=URI:http://a.example/1.crl\\n"
    "reasons=keyCompromise,CACompromise\\n"
    "[p2]\\nfullname=URI:http://a.example/2.crl\\n"
    "reasons=affiliationChanged,superseded,cessationOfOperation,"
    "certificateHold,privilegeWithdrawn,AACompromise\\n'\n"
    "signed relative 'crlDistributionPoints=p\\n"
    "[p]\\nrelativename=rdn\\n[rdn]\\nOU=part 1\\n'\n"
    "signed wholename 'crlDistributionPoints=p\\n"
    "[p]\\nfullname=dirName:dn\\n[dn]\\nO=Tests\\nCN=Issuing\\nOU=Part 1\\n'\n"
    "signed foreign 'crlDistributionPoints=p\\n"
    "[p]\\nCRLissuer=dirName:dn\\n[dn]\\nCN=body\\n'\n"
    "signed urls 'crlDistributionPoints=p1,p2,p3,p4\\nfreshestCRL=p5\\n"
    "[p1]\\nfullname=URI:HTTP://x/1,URI:ldap://x/,URI:https://x/2,"
    "URI:HTTP://x/1\\n"
    "[p2]\\nfullname=URI:ftp://x/,URI:http://,URI:http:// /\\n"
    "[p3]\\nfullname=URI:http://x/3\\n"
    "[p4]\\nfullname=URI:file:///etc/passwd\\n"
    "[p5]\\nfullname=URI:http://x/delta\\n'\n"
    "signed many 'crlDistributionPoints=p\\n"
    "[p]\\nfullname=URI:http://x/1,URI:http://x/2,URI:http://x/3,"
    "URI:http://x/4,URI:http://x/5,URI:http://x/6\\n'\n";

int
main(int argc, char **argv)
{
	int result = 0;

	g_test_init(&argc, &argv, NULL);
	pki = pki_new();
	pki_run(pki, "%s", CERTS);
	g_test_add_func("/revocation/complete", test_complete);
	g_test_add_func("/revocation/signers", test_signers);
	g_test_add_func("/revocation/self", test_self);
	g_test_add_func("/revocation/kinds", test_kinds);
	g_test_add_func("/revocation/reasons", test_reasons);
	g_test_add_func("/revocation/points", test_points);
	g_test_add_func("/revocation/indirect", test_indirect);
	g_test_add_func("/revocation/deltas", test_deltas);
	g_test_add_func("/revocation/until", test_until);
	g_test_add_func("/revocation/authentic", test_authentic);
	g_test_add_func(
	    "/revocation/signer-among-anchors", test_signer_among_anchors);
	g_test_add_func("/revocation/read-points", test_read_points);
	g_test_add_func("/revocation/issuer-keys", test_issuer_keys);
	g_test_add_func("/revocation/names", test_names);
	result = g_test_run();
	scratch_free(pki);
	return result;
}
