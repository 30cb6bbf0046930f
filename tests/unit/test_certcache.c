/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates that come again are one object, and their number is bounded. */
#include "config.h"

#include "crypto/cert.h"

#include <string.h>

#include "base/error.h"
#include "pki.h"
#include "scratch.h"

static char *pki;
static GBytes *der;

/* Another certificate each time: the signature octets at the end differ. */
static Cert *
variant(guint number)
{
	gsize length = 0;
	const guint8 *data = g_bytes_get_data(der, &length);
	g_autofree guint8 *copy = g_memdup2(data, length);
	g_autoptr(GError) error = NULL;
	Cert *cert = NULL;

	memcpy(copy + length - sizeof number, &number, sizeof number);
	cert = cert_shared(copy, length, &error);
	g_assert_no_error(error);
	return cert;
}

static void
test_one_object(void)
{
	gsize length = 0;
	const guint8 *data = g_bytes_get_data(der, &length);
	g_autoptr(Cert) first = cert_shared(data, length, NULL);
	g_autoptr(Cert) second = cert_shared(data, length, NULL);
	g_autoptr(Cert) other = variant(1);
	g_autoptr(Cert) alone = cert_new(der, NULL);

	g_assert_true(first == second);
	g_assert_true(first != other);
	g_assert_cmpstr(cert_fingerprint(first), ==, cert_fingerprint(alone));
	g_assert_cmpstr(cert_fingerprint(first), !=, cert_fingerprint(other));
}

static void
test_bytes_are_copied(void)
{
	gsize length = 0;
	const guint8 *data = g_bytes_get_data(der, &length);
	guint8 *copy = g_memdup2(data, length);
	g_autoptr(Cert) first = NULL;
	g_autoptr(Cert) second = NULL;

	memcpy(copy + length - 8, "a copy..", 8);
	first = cert_shared(copy, length, NULL);
	second = cert_shared(copy, length, NULL);
	g_assert_true(first == second);
	memset(copy, 0, length);
	g_free(copy);
	g_assert_cmpstr(cert_subject(first), ==, "CN=alice");
}

static void
test_refuses(void)
{
	gsize length = 0;
	const guint8 *data = g_bytes_get_data(der, &length);

	for (guint i = 0; i < 2; i++) {
		g_autoptr(GError) error = NULL;

		g_assert_null(cert_shared(data, length - 1, &error));
		g_assert_error(error, ERROR_DOMAIN, ERROR_MALFORMED);
	}
	g_assert_null(cert_shared(data, 0, NULL));
}

/* What is asked for stays, what is not goes, however many come. */
static void
test_bounded(void)
{
	g_autoptr(Cert) often = variant(1000000);
	g_autoptr(Cert) seldom = variant(1000001);

	for (guint i = 0; i < 6000; i++) {
		cert_unref(variant(2000000 + i));
		if (i % 500 == 0) {
			g_autoptr(Cert) again = variant(1000000);

			g_assert_true(again == often);
		}
	}
	{
		/* The old object is still held here, so that this is a new
		 * one by its address too. */
		g_autoptr(Cert) again = variant(1000001);

		g_assert_true(again != seldom);
		g_assert_cmpstr(
		    cert_fingerprint(again), ==, cert_fingerprint(seldom));
	}
}

static gpointer
ask(gpointer unused)
{
	(void)unused;
	for (guint i = 0; i < 3000; i++) {
		g_autoptr(Cert) cert = variant(3000000 + i % 50);
		g_autoptr(Cert) fresh = variant(4000000 + i);

		g_assert_cmpstr(cert_subject(cert), ==, cert_subject(fresh));
	}
	return variant(3000000);
}

static void
test_threads(void)
{
	GThread *threads[4];
	g_autoptr(Cert) here = variant(3000000);

	for (guint i = 0; i < G_N_ELEMENTS(threads); i++) {
		threads[i] = g_thread_new("ask", ask, NULL);
	}
	for (guint i = 0; i < G_N_ELEMENTS(threads); i++) {
		g_autoptr(Cert) there = g_thread_join(threads[i]);

		g_assert_cmpstr(
		    cert_fingerprint(there), ==, cert_fingerprint(here));
	}
}

int
main(int argc, char **argv)
{
	int status = 0;

	g_test_init(&argc, &argv, NULL);
	pki = pki_new();
	pki_run(pki,
	    "leaf alice rsa:2048\n"
	    "openssl x509 -in alice.pem -outform DER -out alice.der\n");
	der = pki_file(pki, "alice.der");
	g_test_add_func("/cert/shared/one-object", test_one_object);
	g_test_add_func("/cert/shared/bytes-are-copied", test_bytes_are_copied);
	g_test_add_func("/cert/shared/refuses", test_refuses);
	g_test_add_func("/cert/shared/bounded", test_bounded);
	g_test_add_func("/cert/shared/threads", test_threads);
	status = g_test_run();
	g_bytes_unref(der);
	scratch_free(pki);
	return status;
}
