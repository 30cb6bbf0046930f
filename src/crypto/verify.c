/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A message's signatures: what is wrong before any signer is looked at, then
 * each signer by itself (verify-signature.c), then the rule that one bad one
 * spoils all (STANDARDS 15, C2). No state.
 */
#include "config.h"

#include "crypto/verify.h"

#include <openssl/err.h>

#include "crypto/verify-private.h"

const char *
verify_result_name(VerifyResult result)
{
	static const char *const NAMES[] = {
		[VERIFY_PASS] = "pass",
		[VERIFY_NONE] = "none",
		[VERIFY_NEUTRAL] = "neutral",
		[VERIFY_POLICY] = "policy",
		[VERIFY_TEMPERROR] = "temperror",
		[VERIFY_PERMERROR] = "permerror",
		[VERIFY_FAIL] = "fail",
	};

	return NAMES[result];
}

void
verify_trust_clear(TrustVerdict *trust)
{
	g_clear_pointer(&trust->path, g_ptr_array_unref);
}

void
verify_signature_free(VerifySignature *signature)
{
	if (signature == NULL) {
		return;
	}
	g_free(signature->reason);
	g_free(signature->remark);
	cert_unref(signature->signer);
	g_free(signature->address);
	g_free(signature->algorithm);
	verify_trust_clear(&signature->trust);
	cert_unref(signature->encryption);
	g_free(signature->capabilities);
	g_free(signature);
}

void
verify_free(Verification *verification)
{
	if (verification == NULL) {
		return;
	}
	g_clear_pointer(&verification->signatures, g_ptr_array_unref);
	g_clear_pointer(&verification->certs, g_ptr_array_unref);
	g_clear_pointer(&verification->crls, g_ptr_array_unref);
	g_clear_pointer(&verification->inner, g_bytes_unref);
	g_free(verification);
}

void
verify_note(VerifySignature *signature, VerifyResult result, const char *reason)
{
	if (result > signature->own) {
		signature->own = result;
		signature->result = result;
		g_free(signature->reason);
		signature->reason = g_strdup(reason);
	}
}

CMS_SignerInfo *
verify_info(const VerifyCase *inquiry, guint index)
{
	return sk_CMS_SignerInfo_value(
	    CMS_get0_SignerInfos(inquiry->data->cms), (int)index);
}

/* The one whose finding it is, rather than one that bears it for another. */
static const VerifySignature *
worst_of(const GPtrArray *signatures)
{
	const VerifySignature *worst = signatures->pdata[0];

	for (guint i = 1; i < signatures->len; i++) {
		const VerifySignature *signature = signatures->pdata[i];

		if (signature->result > worst->result ||
		    (signature->result == worst->result &&
			signature->own > worst->own)) {
			worst = signature;
		}
	}
	return worst;
}

void
verify_spread_worst(GPtrArray *signatures)
{
	const VerifySignature *worst = NULL;
	g_autofree char *reason = NULL;
	VerifyResult result;

	if (signatures->len == 0) {
		return;
	}
	worst = worst_of(signatures);
	result = worst->result;
	reason = g_strdup_printf("beside another signature: %s", worst->reason);
	for (guint i = 0; i < signatures->len && result != VERIFY_PASS; i++) {
		VerifySignature *signature = signatures->pdata[i];

		signature->result = result;
		if (signature->reason == NULL) {
			signature->reason = g_strdup(reason);
		}
		g_clear_pointer(&signature->remark, g_free);
	}
}

static GPtrArray *
list_new(void)
{
	return g_ptr_array_new_with_free_func(
	    (GDestroyNotify)verify_signature_free);
}

/* The verdict on a message in which no signer can be judged. */
static GPtrArray *
conclude(VerifyResult result, const char *reason)
{
	GPtrArray *list = list_new();
	VerifySignature *signature = verify_signature_new();

	verify_note(signature, result, reason);
	g_ptr_array_add(list, signature);
	return list;
}

/* What is wrong before any signer is looked at; NULL: nothing. */
static GPtrArray *
check_shape(const SignedData *data, bool detached)
{
	int type = OBJ_obj2nid(CMS_get0_eContentType(data->cms));

	if (detached && data->inside) {
		return conclude(VERIFY_NEUTRAL,
		    "there is content inside a detached signature");
	}
	if (data->count == 0) {
		return detached || data->inside
		    ? conclude(VERIFY_PERMERROR, "there is no signer")
		    : conclude(VERIFY_NONE, "it carries certificates only");
	}
	if (!detached && !data->inside) {
		return conclude(
		    VERIFY_NEUTRAL, "a detached signature without its content");
	}
	if (type != NID_pkcs7_data) {
		return conclude(
		    VERIFY_NEUTRAL, "what was signed is no MIME entity");
	}
	return NULL;
}

static GPtrArray *
judge_all(VerifyCase *inquiry)
{
	GPtrArray *list = list_new();

	for (guint i = 0; i < inquiry->data->count; i++) {
		g_ptr_array_add(list, verify_signer(inquiry, i));
	}
	verify_spread_worst(list);
	return list;
}

static GPtrArray *
judge(const SignedData *data, const VerifyRules *rules, bool detached,
    GBytes *content)
{
	VerifyCase inquiry = { .data = data, .rules = rules };
	GPtrArray *list = check_shape(data, detached);

	if (list != NULL) {
		return list;
	}
	if (content == NULL) {
		return conclude(VERIFY_NEUTRAL, "the CMS is malformed");
	}
	inquiry.content = der_span(content);
	return judge_all(&inquiry);
}

Verification *
verify_cms(GBytes *blob, GBytes *content, const VerifyRules *rules)
{
	Verification *verification = g_new0(Verification, 1);
	g_auto(SignedData) data = { 0 };
	const char *fault = signeddata_init(&data, blob);

	verification->certs = g_ptr_array_ref(data.certs);
	verification->crls = g_ptr_array_ref(data.crls);
	if (fault != NULL) {
		verification->signatures = conclude(VERIFY_NEUTRAL, fault);
		return verification;
	}
	if (content == NULL && data.inside) {
		verification->inner = signeddata_content(&data);
	}
	verification->signatures = judge(&data, rules, content != NULL,
	    content != NULL ? content : verification->inner);
	ERR_clear_error();
	return verification;
}
