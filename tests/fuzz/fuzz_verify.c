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

int
LLVMFuzzerTestOneInput(const guint8 *data, size_t size)
{
	g_autoptr(GBytes) blob = g_bytes_new(data, size);
	g_autoptr(GBytes) content = g_bytes_new_static("content", 7);
	g_autoptr(GPtrArray) none = g_ptr_array_new();
	g_autoptr(Anchors) anchors = chain_anchors_new(none);
	g_autoptr(GPtrArray) detached = NULL;
	g_autoptr(GPtrArray) opaque = NULL;
	g_autoptr(GBytes) inner = NULL;
	g_autoptr(Inspection) inspection = inspect_cms(blob, NULL);
	g_autoptr(GPtrArray) certs = cert_read_all(blob, NULL);

	g_assert_true(inspection == NULL || cms_kind(blob) != CMS_KIND_NONE);
	detached = verify_cms(blob, content, anchors, "a@b.example", 0, NULL);
	opaque = verify_cms(blob, NULL, anchors, "a@b.example", 0, &inner);
	g_assert_cmpuint(detached->len, >, 0);
	g_assert_cmpuint(opaque->len, >, 0);
	for (guint i = 0; i < opaque->len; i++) {
		const VerifySignature *one = opaque->pdata[i];

		g_assert_cmpint(one->result, !=, VERIFY_PASS);
	}
	return 0;
}
