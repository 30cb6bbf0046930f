/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a certificate says that its CRLs are (RFC 5280 4.2.1.13, 4.2.1.15): for
 * the fetcher the URLs, for the cache the issuers. A certificate is a
 * stranger's word: what is not a plain http or https URL is left out, and there
 * are limits.
 */
#include "config.h"

#include <string.h>

#include <openssl/err.h>

#include "crypto/cert-private.h"
#include "crypto/revocation-private.h"

#define POINTS_MAX 10
#define URLS_MAX 5
#define URL_MAX 2048
#define ISSUERS_MAX 20

static const X509_NAME *
first_directory_name(const GeneralNames *names)
{
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

		if (name->type == GEN_DIRNAME) {
			return name->d.directoryName;
		}
	}
	return NULL;
}

DistPoints *
revocation_read_points(const Cert *cert, int nid)
{
	X509 *x509 = cert_x509(cert);
	DistPoints *points = X509_get_ext_d2i(x509, nid, NULL, NULL);

	for (int i = 0; i < sk_DIST_POINT_num(points); i++) {
		DIST_POINT *point = sk_DIST_POINT_value(points, i);
		const X509_NAME *base = first_directory_name(point->CRLissuer);

		if (base == NULL) {
			base = X509_get_issuer_name(x509);
		}
		/* One that cannot be made whole matches nothing. */
		if (point->distpoint != NULL) {
			DIST_POINT_set_dpname(point->distpoint, base);
		}
	}
	ERR_clear_error();
	return points;
}

static bool
is_plain(const char *text, gsize length)
{
	for (gsize i = 0; i < length; i++) {
		if (!g_ascii_isgraph(text[i])) {
			return false;
		}
	}
	return true;
}

/* NULL: not one that can be fetched. Yours. */
static char *
url_of(const GENERAL_NAME *name)
{
	const char *text = NULL;
	gsize length = 0;

	if (name->type != GEN_URI) {
		return NULL;
	}
	text = (const char *)ASN1_STRING_get0_data(
	    name->d.uniformResourceIdentifier);
	length = (gsize)ASN1_STRING_length(name->d.uniformResourceIdentifier);
	if (length > URL_MAX || !is_plain(text, length)) {
		return NULL;
	}
	if ((length > 7 && g_ascii_strncasecmp(text, "http://", 7) == 0) ||
	    (length > 8 && g_ascii_strncasecmp(text, "https://", 8) == 0)) {
		return g_strndup(text, length);
	}
	return NULL;
}

static bool
holds(const GPtrArray *texts, const char *text)
{
	for (guint i = 0; i < texts->len; i++) {
		if (g_str_equal(texts->pdata[i], text)) {
			return true;
		}
	}
	return false;
}

static void
add_once(GPtrArray *texts, char *text)
{
	if (holds(texts, text)) {
		g_free(text);
	} else {
		g_ptr_array_add(texts, text);
	}
}

static void
read_urls(GPtrArray *urls, const GeneralNames *names)
{
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		char *url = url_of(sk_GENERAL_NAME_value(names, i));

		if (url != NULL) {
			add_once(urls, url);
		}
		if (urls->len == URLS_MAX) {
			return;
		}
	}
}

void
revocation_point_free(RevocationPoint *point)
{
	if (point == NULL) {
		return;
	}
	g_ptr_array_unref(point->urls);
	g_free(point);
}

/* Types 0: fullName. */
static void
add_points(GPtrArray *list, const Cert *cert, int nid)
{
	g_autoptr(DistPoints) points = revocation_read_points(cert, nid);

	for (int i = 0; i < sk_DIST_POINT_num(points) && list->len < POINTS_MAX;
	     i++) {
		const DIST_POINT_NAME *name =
		    sk_DIST_POINT_value(points, i)->distpoint;
		RevocationPoint *point = g_new0(RevocationPoint, 1);

		point->urls = g_ptr_array_new_with_free_func(g_free);
		point->delta = nid == NID_freshest_crl;
		if (name != NULL && name->type == 0) {
			read_urls(point->urls, name->name.fullname);
		}
		if (point->urls->len > 0) {
			g_ptr_array_add(list, point);
		} else {
			revocation_point_free(point);
		}
	}
}

GPtrArray *
revocation_points(const Cert *cert)
{
	GPtrArray *list = g_ptr_array_new_with_free_func(
	    (GDestroyNotify)revocation_point_free);

	add_points(list, cert, NID_crl_distribution_points);
	add_points(list, cert, NID_freshest_crl);
	return list;
}

static void
add_issuers(GPtrArray *keys, const GeneralNames *names)
{
	for (int i = 0;
	     i < sk_GENERAL_NAME_num(names) && keys->len < ISSUERS_MAX; i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

		if (name->type == GEN_DIRNAME) {
			add_once(keys, openssl_name_key(name->d.directoryName));
		}
	}
}

GPtrArray *
revocation_issuer_keys(const Cert *cert)
{
	g_autoptr(DistPoints) points =
	    revocation_read_points(cert, NID_crl_distribution_points);
	GPtrArray *keys = g_ptr_array_new_with_free_func(g_free);

	g_ptr_array_add(keys, g_strdup(cert_issuer_key(cert)));
	for (int i = 0; i < sk_DIST_POINT_num(points); i++) {
		add_issuers(keys, sk_DIST_POINT_value(points, i)->CRLissuer);
	}
	return keys;
}
