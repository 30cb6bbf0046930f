/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a CMS blob: with no trust anchor nothing can pass, and there is
 * always an element that says why.
 */
#include "config.h"

#include "crypto/cms.h"
#include "crypto/inspect.h"
#include "crypto/verify.h"

int LLVMFuzzerTestOneInput(const guint8 *data, size_t size);

static void
judge(gpointer anchors, const Cert *cert, const GPtrArray *others,
    const GPtrArray *crls, gint64 at, TrustVerdict *trust_out)
{
	(void)crls;
	*trust_out =
	    (TrustVerdict){ .revocation.status = REVOCATION_NOT_CHECKED };
	trust_out->chain = chain_check(anchors, cert, others, at,
	    &trust_out->chain_reason, &trust_out->path);
}

int
LLVMFuzzerTestOneInput(const guint8 *data, size_t size)
{
	g_autoptr(GBytes) blob = g_bytes_new(data, size);
	g_autoptr(GBytes) content = g_bytes_new_static("content", 7);
	g_autoptr(GPtrArray) none = g_ptr_array_new();
	g_autoptr(Anchors) anchors = chain_anchors_new(none);
	VerifyRules rules = {
		.from = "a@b.example",
		.trust = judge,
		.data = anchors,
		.accept_weak = true,
	};
	g_autoptr(Verification) detached = NULL;
	g_autoptr(Verification) opaque = NULL;
	g_autoptr(Inspection) inspection = inspect_cms(blob, NULL);
	g_autoptr(GPtrArray) certs = cert_read_all(blob, NULL);

	g_assert_true(inspection == NULL || cms_kind(blob) != CMS_KIND_NONE);
	detached = verify_cms(blob, content, &rules);
	opaque = verify_cms(blob, NULL, &rules);
	g_assert_cmpuint(detached->signatures->len, >, 0);
	g_assert_cmpuint(opaque->signatures->len, >, 0);
	for (guint i = 0; i < opaque->signatures->len; i++) {
		const VerifySignature *one = opaque->signatures->pdata[i];

		g_assert_cmpint(one->result, !=, VERIFY_PASS);
	}
	return 0;
}
