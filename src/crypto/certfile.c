/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates as people meet them: files of PEM blocks, DER, certs-only
 * bundles (RFC 8551 3.8) on the way in, lines of text on the way out.
 */
#include "config.h"

#include "crypto/cert-private.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/text.h"
#include "crypto/cms-private.h"
#include "crypto/pem.h"

static bool
add_x509(GPtrArray *list, X509 *x509, GError **error)
{
	Cert *cert = NULL;

	if (x509 == NULL) {
		openssl_set_error(error, ERROR_MALFORMED, "certificate");
		return false;
	}
	cert = cert_from_x509(x509, error);
	if (cert == NULL) {
		return false;
	}
	g_ptr_array_add(list, cert);
	return true;
}

static bool
add_bundle(GPtrArray *list, const guint8 *data, gsize length, GError **error)
{
	g_autoptr(GBytes) blob = g_bytes_new_static(data, length);
	g_autoptr(CMS_ContentInfo) cms = cms_parse(blob);
	g_autoptr(X509Stack) stack = NULL;

	if (cms == NULL) {
		openssl_set_error(error, ERROR_MALFORMED, "PKCS#7 bundle");
		return false;
	}
	stack = CMS_get1_certs(cms);
	for (int i = 0; i < sk_X509_num(stack); i++) {
		if (!add_x509(list, sk_X509_value(stack, i), error)) {
			return false;
		}
	}
	return true;
}

static bool
add_block(GPtrArray *list, const PemWalk *walk, GError **error)
{
	const char *name = walk->name;
	const guint8 *end = walk->data;
	g_autoptr(X509) x509 = NULL;

	if (g_str_equal(name, PEM_STRING_PKCS7) ||
	    g_str_equal(name, PEM_STRING_PKCS7_SIGNED) ||
	    g_str_equal(name, PEM_STRING_CMS)) {
		return add_bundle(list, walk->data, (gsize)walk->length, error);
	}
	if (g_str_equal(name, PEM_STRING_X509_TRUSTED)) {
		x509 = d2i_X509_AUX(NULL, &end, walk->length);
		return add_x509(list, x509, error);
	}
	if (g_str_equal(name, PEM_STRING_X509) ||
	    g_str_equal(name, PEM_STRING_X509_OLD)) {
		x509 = d2i_X509(NULL, &end, walk->length);
		return add_x509(list, x509, error);
	}
	return true;
}

static bool
add_blocks(GPtrArray *list, GBytes *content, GError **error)
{
	g_auto(PemWalk) walk = { 0 };
	g_autoptr(GError) broken = NULL;

	if (!pem_walk_init(&walk, content)) {
		openssl_set_error(error, ERROR_MALFORMED, "PEM");
		return false;
	}
	while (pem_walk_next(&walk, &broken)) {
		if (!add_block(list, &walk, error)) {
			return false;
		}
	}
	if (broken != NULL) {
		g_propagate_error(error, g_steal_pointer(&broken));
		return false;
	}
	return true;
}

static bool
is_pem(GBytes *content)
{
	gsize length = 0;
	const char *data = g_bytes_get_data(content, &length);

	return length > 0 &&
	    g_strstr_len(data, (gssize)length, "-----BEGIN ") != NULL;
}

static bool
add_all(GPtrArray *list, GBytes *content, GError **error)
{
	gsize length = 0;
	const guint8 *data = NULL;
	Cert *cert = NULL;

	if (is_pem(content)) {
		return add_blocks(list, content, error);
	}
	cert = cert_new(content, NULL);
	if (cert != NULL) {
		g_ptr_array_add(list, cert);
		return true;
	}
	data = g_bytes_get_data(content, &length);
	if (!add_bundle(list, data, length, NULL)) {
		g_set_error_literal(error, ERROR_DOMAIN, ERROR_MALFORMED,
		    "neither PEM nor a DER certificate nor a PKCS#7 bundle");
		return false;
	}
	return true;
}

GPtrArray *
cert_read_all(GBytes *content, GError **error)
{
	g_autoptr(GPtrArray) list =
	    g_ptr_array_new_with_free_func((GDestroyNotify)cert_unref);

	ERR_clear_error();
	if (!add_all(list, content, error)) {
		return NULL;
	}
	if (list->len == 0) {
		g_set_error_literal(error, ERROR_DOMAIN, ERROR_MALFORMED,
		    "no certificate in it");
		return NULL;
	}
	return g_steal_pointer(&list);
}

static const char *
uses_text(const Cert *cert)
{
	bool sign = cert_fit_for_signing(cert, NULL);
	bool encrypt = cert_fit_for_encryption(cert, NULL);

	if (sign && encrypt) {
		return "signing, encryption";
	}
	if (sign || encrypt) {
		return sign ? "signing" : "encryption";
	}
	return "none for e-mail";
}

static void
append_line(GString *text, const char *name, const char *value)
{
	g_autofree char *clean = text_clean(value, 4096);

	g_string_append_printf(text, "%-12s %s\n", name, clean);
}

char *
cert_describe(const Cert *cert)
{
	GString *text = g_string_new(NULL);
	const GPtrArray *addresses = cert_addresses(cert);
	g_autofree char *not_before = text_time(cert_not_before(cert));
	g_autofree char *not_after = text_time(cert_not_after(cert));

	append_line(text, "subject:", cert_subject(cert));
	append_line(text, "issuer:", cert_issuer(cert));
	append_line(text, "serial:", cert_serial(cert));
	append_line(text, "not before:", not_before);
	append_line(text, "not after:", not_after);
	append_line(text, "key:", cert_key_name(cert));
	append_line(text, "use:", cert_is_ca(cert) ? "CA" : uses_text(cert));
	for (guint i = 0; i < addresses->len; i++) {
		append_line(text, "address:", addresses->pdata[i]);
	}
	append_line(text, "fingerprint:", cert_fingerprint(cert));
	return g_string_free(text, FALSE);
}
