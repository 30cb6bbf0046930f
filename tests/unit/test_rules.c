/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the caller of a verification decides: whom to trust, whether unknown
 * revocation and weak algorithms spoil, which certificates are known; and how
 * several signatures share the worst result.
 */
#include "config.h"

#include "crypto/verify.h"

#include <string.h>

#include "pki.h"
#include "verdict.h"

static VerdictPlace place;

/* A judge with a fixed verdict, who remembers what he was asked. */
typedef struct {
	TrustVerdict verdict;
	guint asked;
	guint others;
	gint64 at;
	char *cert;
} Judge;

static void
judge(gpointer data, const Cert *cert, const GPtrArray *others,
    const GPtrArray *crls, gint64 at, TrustVerdict *trust_out)
{
	Judge *known = data;

	g_assert_nonnull(crls);
	known->asked++;
	known->others = others->len;
	known->at = at;
	g_free(known->cert);
	known->cert = g_strdup(cert_fingerprint(cert));
	*trust_out = known->verdict;
	if (trust_out->chain == CHAIN_OK) {
		trust_out->path = g_ptr_array_new();
	}
}

static VerifyRules
rules_of(Judge *known)
{
	VerifyRules rules = verdict_rules(NULL, ALICE);

	rules.trust = judge;
	rules.data = known;
	return rules;
}

/* alice's, with this option of openssl cms. */
static GBytes *
signed_by(const char *who, const char *options)
{
	pki_run(place.pki,
	    "openssl cms -sign -binary -in content -outform DER -out rules \\\n"
	    "  -signer %s.pem -inkey %s.key %s\n",
	    who, who, options);
	return pki_file(place.pki, "rules");
}

static void
test_trust(void)
{
	static const struct {
		const char *name;
		TrustVerdict verdict;
		bool hard;
		VerifyResult want;
		const char *reason;
		const char *remark;
		bool untrusted_only;
	} CASES[] = {
		{ "good", { .revocation.status = REVOCATION_GOOD }, true,
		    VERIFY_PASS, NULL, NULL, false },
		{ "not checked",
		    { .revocation.status = REVOCATION_NOT_CHECKED }, true,
		    VERIFY_PASS, NULL, NULL, false },
		{ "unknown, soft",
		    { .revocation = { REVOCATION_UNKNOWN, "no CRL is known", 0,
			  0 } },
		    false, VERIFY_PASS, NULL, "revocation unknown", false },
		{ "unknown, hard",
		    { .revocation = { REVOCATION_UNKNOWN, "the CRL has expired",
			  0, 0 } },
		    true, VERIFY_TEMPERROR,
		    "revocation unknown: the CRL has expired", NULL, false },
		{ "revoked",
		    { .revocation = { REVOCATION_REVOKED, "key compromise", 1,
			  0 } },
		    false, VERIFY_FAIL,
		    "the certificate is revoked: key compromise", NULL, false },
		{ "revoked CA",
		    { .revocation = { REVOCATION_REVOKED, "key compromise", 1,
			  0 },
			.revoked_issuer = true },
		    false, VERIFY_FAIL,
		    "an issuing CA's certificate is revoked", NULL, false },
		{ "expired CA",
		    { .chain = CHAIN_EXPIRED, .chain_reason = "some date" },
		    false, VERIFY_FAIL, "some date", NULL, false },
		{ "untrusted",
		    { .chain = CHAIN_UNTRUSTED, .chain_reason = "no anchor" },
		    false, VERIFY_POLICY, "no anchor", NULL, true },
		{ "invalid",
		    { .chain = CHAIN_INVALID, .chain_reason = "a rule" }, false,
		    VERIFY_POLICY, "a rule", NULL, false },
	};
	g_autoptr(GBytes) blob = signed_by("alice", "-certfile issuing.pem");
	g_autoptr(GBytes) content = pki_file(place.pki, "content");
	g_autoptr(Cert) alice = pki_cert(place.pki, "alice");

	for (guint i = 0; i < G_N_ELEMENTS(CASES); i++) {
		Judge known = { .verdict = CASES[i].verdict };
		VerifyRules rules = rules_of(&known);
		g_autoptr(GPtrArray) list = NULL;
		const VerifySignature *first = NULL;

		g_test_message("%s", CASES[i].name);
		rules.hard = CASES[i].hard;
		list = verdict_by(&rules, blob, content);
		verdict_assert(list, CASES[i].want, CASES[i].reason);
		first = list->pdata[0];
		g_assert_cmpint(first->own, ==, CASES[i].want);
		g_assert_cmpstr(first->remark, ==, CASES[i].remark);
		g_assert_cmpint(
		    first->untrusted_only, ==, CASES[i].untrusted_only);
		g_assert_cmpint(first->trust.chain, ==, CASES[i].verdict.chain);
		g_assert_cmpuint(known.asked, ==, 1);
		g_assert_cmpuint(known.others, ==, 2);
		g_assert_cmpint(known.at, ==, rules.at);
		g_assert_cmpstr(known.cert, ==, cert_fingerprint(alice));
		g_free(known.cert);
	}
}

/* An unknown CA is not all that is wrong. */
static void
test_untrusted_and_more(void)
{
	static const struct {
		const char *who;
		const char *options;
		const char *from;
		VerifyResult want;
	} CASES[] = {
		{ "alice", "", "bob@example.com", VERIFY_POLICY },
		{ "alice", "", NULL, VERIFY_POLICY },
		{ "rsa", "-md sha1", "rsa@example.com", VERIFY_POLICY },
		{ "alice", "-noattr", ALICE, VERIFY_POLICY },
		{ "web", "", "web@example.com", VERIFY_POLICY },
	};
	g_autoptr(GBytes) content = pki_file(place.pki, "content");
	g_autoptr(GBytes) other = g_bytes_new("other", 5);
	g_autoptr(GBytes) good = signed_by("alice", "");
	Judge known = { .verdict = { .chain = CHAIN_UNTRUSTED,
			    .chain_reason = "no anchor" } };
	VerifyRules rules = rules_of(&known);
	g_autoptr(GPtrArray) changed = verdict_by(&rules, good, other);
	const VerifySignature *first = changed->pdata[0];

	verdict_assert(changed, VERIFY_FAIL, "content was changed");
	g_assert_false(first->untrusted_only);
	for (guint i = 0; i < G_N_ELEMENTS(CASES); i++) {
		g_autoptr(GBytes) blob =
		    signed_by(CASES[i].who, CASES[i].options);
		g_autoptr(GPtrArray) list = NULL;

		rules.from = CASES[i].from;
		list = verdict_by(&rules, blob, content);
		verdict_assert(list, CASES[i].want, "");
		first = list->pdata[0];
		g_assert_false(first->untrusted_only);
	}
	g_free(known.cert);
}

static void
test_accept_weak(void)
{
	static const struct {
		const char *who;
		const char *options;
	} CASES[] = {
		{ "rsa", "-md sha1" },
		{ "rsa", "-md md5" },
		{ "weak", "" },
		{ "weak", "-md sha1" },
	};
	g_autoptr(GBytes) content = pki_file(place.pki, "content");
	g_autoptr(GBytes) other = g_bytes_new("other", 5);

	for (guint i = 0; i < G_N_ELEMENTS(CASES); i++) {
		g_autofree char *options = g_strconcat(
		    "-certfile issuing.pem ", CASES[i].options, NULL);
		g_autoptr(GBytes) blob = signed_by(CASES[i].who, options);
		g_autofree char *from =
		    g_strconcat(CASES[i].who, "@example.com", NULL);
		VerifyRules rules = verdict_rules(place.anchors, from);
		g_autoptr(GPtrArray) strict = verdict_by(&rules, blob, content);
		g_autoptr(GPtrArray) lax = NULL;
		g_autoptr(GPtrArray) wrong = NULL;

		verdict_assert(strict, VERIFY_POLICY, "");
		rules.accept_weak = true;
		lax = verdict_by(&rules, blob, content);
		verdict_assert(lax, VERIFY_PASS, NULL);
		wrong = verdict_by(&rules, blob, other);
		verdict_assert(wrong, VERIFY_FAIL, "content was changed");
	}
}

/* The signer's certificate is not in the message. */
static void
test_known(void)
{
	static const char *const OPTIONS[] = { "-nocerts",
		"-nocerts -certfile issuing.pem",
		"-nocerts -keyid -certfile issuing.pem" };
	g_autoptr(GPtrArray) certs =
	    g_ptr_array_new_with_free_func((GDestroyNotify)cert_unref);
	g_autoptr(GBytes) content = pki_file(place.pki, "content");
	Judge known = { .verdict.revocation.status = REVOCATION_GOOD };
	VerifyRules rules = rules_of(&known);

	g_ptr_array_add(certs, pki_cert(place.pki, "alice2"));
	g_ptr_array_add(certs, pki_cert(place.pki, "alice"));
	for (guint i = 0; i < G_N_ELEMENTS(OPTIONS); i++) {
		g_autoptr(GBytes) blob = signed_by("alice", OPTIONS[i]);
		g_autoptr(GPtrArray) alone = NULL;
		g_autoptr(GPtrArray) list = NULL;
		const VerifySignature *first = NULL;

		rules.known = NULL;
		alone = verdict_by(&rules, blob, content);
		verdict_assert(alone, VERIFY_PERMERROR, "not in the message");
		first = alone->pdata[0];
		g_assert_null(first->signer);
		g_assert_cmpint(first->trust.chain, !=, CHAIN_OK);
		rules.known = certs;
		list = verdict_by(&rules, blob, content);
		verdict_assert(list, VERIFY_PASS, NULL);
		first = list->pdata[0];
		g_assert_true(first->signer == certs->pdata[1]);
	}
	g_free(known.cert);
}

/* That of the message comes first. */
static void
test_known_is_second(void)
{
	g_autoptr(GPtrArray) certs =
	    g_ptr_array_new_with_free_func((GDestroyNotify)cert_unref);
	g_autoptr(GBytes) content = pki_file(place.pki, "content");
	g_autoptr(GBytes) blob = signed_by("alice", "");
	Judge known = { .verdict.revocation.status = REVOCATION_GOOD };
	VerifyRules rules = rules_of(&known);
	g_autoptr(GPtrArray) list = NULL;
	const VerifySignature *first = NULL;

	g_ptr_array_add(certs, pki_cert(place.pki, "alice"));
	rules.known = certs;
	list = verdict_by(&rules, blob, content);
	verdict_assert(list, VERIFY_PASS, NULL);
	first = list->pdata[0];
	g_assert_true(first->signer != certs->pdata[0]);
	g_free(known.cert);
}

static VerifySignature *
fake(VerifyResult result, const char *reason, const char *remark)
{
	VerifySignature *signature = g_new0(VerifySignature, 1);

	signature->own = result;
	signature->result = result;
	signature->reason = g_strdup(reason);
	signature->remark = g_strdup(remark);
	return signature;
}

static GPtrArray *
fakes(void)
{
	return g_ptr_array_new_with_free_func(
	    (GDestroyNotify)verify_signature_free);
}

static void
test_spread_worst(void)
{
	g_autoptr(GPtrArray) list = fakes();
	const VerifySignature *first = NULL;
	const VerifySignature *second = NULL;
	const VerifySignature *third = NULL;

	verify_spread_worst(list);
	g_ptr_array_add(list, fake(VERIFY_PASS, NULL, "a remark"));
	verify_spread_worst(list);
	first = list->pdata[0];
	g_assert_cmpint(first->result, ==, VERIFY_PASS);
	g_assert_null(first->reason);
	g_assert_cmpstr(first->remark, ==, "a remark");
	g_ptr_array_add(list, fake(VERIFY_POLICY, "theirs", NULL));
	verify_spread_worst(list);
	second = list->pdata[1];
	g_assert_cmpint(first->result, ==, VERIFY_POLICY);
	g_assert_cmpint(first->own, ==, VERIFY_PASS);
	g_assert_cmpstr(first->reason, ==, "beside another signature: theirs");
	g_assert_null(first->remark);
	g_assert_cmpstr(second->reason, ==, "theirs");
	/* Another layer: no reason twice wrapped. */
	g_ptr_array_add(list, fake(VERIFY_PASS, NULL, NULL));
	verify_spread_worst(list);
	third = list->pdata[2];
	g_assert_cmpint(third->result, ==, VERIFY_POLICY);
	g_assert_cmpstr(third->reason, ==, "beside another signature: theirs");
	g_ptr_array_add(list, fake(VERIFY_FAIL, "wrong", NULL));
	verify_spread_worst(list);
	for (guint i = 0; i < list->len; i++) {
		const VerifySignature *one = list->pdata[i];

		g_assert_cmpint(one->result, ==, VERIFY_FAIL);
	}
	g_assert_cmpint(second->own, ==, VERIFY_POLICY);
	g_assert_cmpstr(second->reason, ==, "theirs");
}

/* Three signers, of whom one has changed what he signed. */
static void
test_several(void)
{
	g_autoptr(GBytes) content = pki_file(place.pki, "content");
	g_autoptr(GBytes) blob = signed_by("alice",
	    "-signer alice2.pem -inkey alice2.key -certfile issuing.pem \\\n"
	    "  -signer any.pem -inkey any.key");
	VerifyRules rules = verdict_rules(place.anchors, ALICE);
	g_autoptr(GPtrArray) list = verdict_by(&rules, blob, content);
	guint passes = 0;

	g_assert_cmpuint(list->len, ==, 3);
	verdict_assert(list, VERIFY_POLICY, "");
	for (guint i = 0; i < list->len; i++) {
		const VerifySignature *one = list->pdata[i];

		g_assert_false(one->untrusted_only);
		g_assert_cmpint(one->trust.chain, ==, CHAIN_OK);
		g_assert_cmpuint(one->trust.path->len, ==, 3);
		passes += one->own == VERIFY_PASS ? 1 : 0;
	}
	g_assert_cmpuint(passes, ==, 2);
}

int
main(int argc, char **argv)
{
	int status = 0;

	g_test_init(&argc, &argv, NULL);
	verdict_init(&place);
	g_test_add_func("/verify/rules/trust", test_trust);
	g_test_add_func(
	    "/verify/rules/untrusted-and-more", test_untrusted_and_more);
	g_test_add_func("/verify/rules/accept-weak", test_accept_weak);
	g_test_add_func("/verify/rules/known-certificates", test_known);
	g_test_add_func("/verify/rules/known-is-second", test_known_is_second);
	g_test_add_func("/verify/spread-worst/of-layers", test_spread_worst);
	g_test_add_func("/verify/rules/several-signers", test_several);
	status = g_test_run();
	verdict_clear(&place);
	return status;
}
