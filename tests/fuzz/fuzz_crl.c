/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a CRL, a certificate and capabilities: what is read must hold
 * together, find what it lists, and acquit nobody without an anchor.
 */
#include "config.h"

#include "crypto/capabilities.h"
#include "crypto/crl-private.h"
#include "crypto/revocation.h"

int LLVMFuzzerTestOneInput(const guint8 *data, size_t size);

static void
check_entries(const Crl *crl)
{
	const CrlEntries *entries = &crl->entries;

	for (guint i = 0; i < entries->count; i++) {
		const CrlEntry *entry = &entries->list[i];
		DerSpan serial = { entries->base + entry->offset,
			entry->length };

		g_assert_nonnull(crl_entries_find(
		    entries, entries->issuers->pdata[entry->issuer], serial));
		crl_entries_since(entries, g_bytes_get_size(crl->der), entry);
	}
}

static void
check_certs(const GPtrArray *certs, const GPtrArray *crls)
{
	g_autoptr(GPtrArray) none = g_ptr_array_new();
	g_autoptr(Anchors) anchors = chain_anchors_new(none);

	for (guint i = 0; i < certs->len; i++) {
		const Cert *cert = certs->pdata[i];
		g_autoptr(GPtrArray) points = revocation_points(cert);
		g_autoptr(GPtrArray) chain = g_ptr_array_new();
		Revocation revocation;

		/* Twice: as if it had issued itself. */
		g_ptr_array_add(chain, (gpointer)cert);
		g_ptr_array_add(chain, (gpointer)cert);
		revocation_check(
		    chain, 0, crls, certs, anchors, 0, &revocation);
		g_assert_cmpuint(points->len, <=, 10);
	}
}

int
LLVMFuzzerTestOneInput(const guint8 *data, size_t size)
{
	g_autoptr(GBytes) content = g_bytes_new(data, size);
	g_autoptr(Crl) crl = crl_new(content, NULL);
	g_autoptr(GPtrArray) certs = cert_read_all(content, NULL);
	g_autoptr(GPtrArray) crls = g_ptr_array_new();
	g_autofree char *words = capabilities_text(content);

	if (crl != NULL) {
		g_assert_true(crl_same_scope(crl, crl));
		g_assert_false(crl_is_newer(crl, crl));
		check_entries(crl);
		g_ptr_array_add(crls, crl);
	}
	if (certs != NULL) {
		check_certs(certs, crls);
	}
	return 0;
}
