/* SPDX-License-Identifier: Apache-2.0 */
/* People, and verdicts on what they signed. */
#include "config.h"

#include "verdict.h"

#include <string.h>

#include "pki.h"
#include "scratch.h"

void
verdict_init(VerdictPlace *place)
{
	g_autoptr(GBytes) content = g_bytes_new(TEXT, strlen(TEXT));

	place->pki = pki_new();
	place->anchors = pki_anchors(place->pki, "root");
	pki_run(place->pki,
	    "leaf alice P-256; leaf rsa rsa:2048; leaf pss pss:2048\n"
	    "leaf weak rsa:1024\n"
	    "mail() { name=$1; by=$2; at=$3; shift 3; cert $name $by P-256 \\\n"
	    "  /CN=$name subjectAltName=email:$at@example.com \"$@\"; }\n"
	    "mail alice2 issuing alice\n"
	    "mail any issuing any extendedKeyUsage=anyExtendedKeyUsage\n"
	    "mail web issuing web extendedKeyUsage=serverAuth\n"
	    "mail crypt issuing crypt keyUsage=keyAgreement\n"
	    "mail stray self stray; mail stray2 self alice\n"
	    "cert nobody issuing P-256 /CN=nobody\n"
	    "cat issuing.pem root.pem >cas\n");
	pki_save(place->pki, "content", content);
}

void
verdict_clear(VerdictPlace *place)
{
	chain_anchors_unref(place->anchors);
	scratch_free(place->pki);
}

void
verdict_judge(gpointer anchors, const Cert *cert, const GPtrArray *others,
    const GPtrArray *crls, gint64 at, TrustVerdict *trust_out)
{
	g_assert_nonnull(crls);
	*trust_out = (TrustVerdict){
		.revocation = { .status = REVOCATION_NOT_CHECKED,
		    .until = G_MAXINT64 },
	};
	trust_out->chain = chain_check(anchors, cert, others, at,
	    &trust_out->chain_reason, &trust_out->path);
}

VerifyRules
verdict_rules(Anchors *anchors, const char *from)
{
	VerifyRules rules = {
		.from = from,
		.at = pki_now(),
		.trust = verdict_judge,
		.data = anchors,
	};

	return rules;
}

GPtrArray *
verdict_by(const VerifyRules *rules, GBytes *blob, GBytes *content)
{
	g_autoptr(Verification) verification = verify_cms(blob, content, rules);

	g_assert_cmpuint(verification->signatures->len, >=, 1);
	return g_ptr_array_ref(verification->signatures);
}

GPtrArray *
verdict_of(
    const VerdictPlace *place, GBytes *blob, GBytes *content, const char *from)
{
	VerifyRules rules = verdict_rules(place->anchors, from);

	return verdict_by(&rules, blob, content);
}

void
verdict_assert(const GPtrArray *list, VerifyResult want, const char *reason)
{
	const VerifySignature *first = list->pdata[0];

	for (guint i = 0; i < list->len; i++) {
		const VerifySignature *signature = list->pdata[i];

		g_test_message("  %s: %s",
		    verify_result_name(signature->result), signature->reason);
		g_assert_cmpstr(verify_result_name(signature->result), ==,
		    verify_result_name(want));
		g_assert_cmpint(
		    signature->reason == NULL, ==, want == VERIFY_PASS);
	}
	if (want != VERIFY_PASS) {
		g_assert_nonnull(strstr(first->reason, reason));
	}
}

void
verdict_of_file(const VerdictPlace *place, const char *blob_name,
    const char *content_name, const char *from, VerifyResult want,
    const char *reason)
{
	g_autoptr(GBytes) blob = pki_file(place->pki, blob_name);
	g_autoptr(GBytes) content =
	    content_name != NULL ? pki_file(place->pki, content_name) : NULL;
	g_autoptr(GPtrArray) list = verdict_of(place, blob, content, from);

	verdict_assert(list, want, reason);
}
