/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates with chosen dates: `openssl req` makes key and request,
 * `openssl ca -selfsign` the certificate, since req cannot set both dates.
 */
#include "config.h"

#include "store_fixture.h"

#include <string.h>

#include <glib/gstdio.h>

#include "base/file.h"
#include "scratch.h"

static const char configuration[] = "[ca]\n"
				    "default_ca = own\n"
				    "[own]\n"
				    "database = index\n"
				    "serial = serial\n"
				    "new_certs_dir = .\n"
				    "default_md = sha256\n"
				    "policy = any\n"
				    "unique_subject = no\n"
				    "[any]\n"
				    "commonName = supplied\n"
				    "[req]\n"
				    "distinguished_name = name\n"
				    "[name]\n"
				    "[extensions]\n";

void
fixture_run(const char *const *arguments, const char *directory)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *out = NULL;
	g_autofree char *said = NULL;
	int status = 0;

	g_spawn_sync(directory, (char **)arguments, NULL, G_SPAWN_SEARCH_PATH,
	    NULL, NULL, &out, &said, &status, &error);
	g_assert_no_error(error);
	if (!g_spawn_check_wait_status(status, &error)) {
		g_test_message("%s: %s", arguments[1], said);
	}
	g_assert_no_error(error);
}

static const char *
or_default(const char *value, const char *otherwise)
{
	return value != NULL ? value : otherwise;
}

/* cert.pem and key.pem in a directory of their own, which is returned. */
static char *
make_files(const char *directory, const FixtureCert *what)
{
	static int count = 0;
	g_autofree char *name = g_strdup_printf("fixture-%d", ++count);
	g_autofree char *serial = g_strdup_printf("%08X\n", g_random_int());
	char *place = g_build_filename(directory, name, NULL);
	g_autoptr(GString) text = g_string_new(configuration);
	const char *const request[] = { "openssl", "req", "-new", "-newkey",
		"ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
		"-config", "config", "-subj", "/CN=fixture", "-keyout",
		"key.pem", "-out", "request.pem", NULL };
	const char *const sign[] = { "openssl", "ca", "-selfsign", "-batch",
		"-notext", "-config", "config", "-keyfile", "key.pem", "-in",
		"request.pem", "-out", "cert.pem", "-extensions", "extensions",
		"-startdate", or_default(what->start, "20200101000000Z"),
		"-enddate", or_default(what->end, "20991231235959Z"), NULL };

	g_assert_cmpint(g_mkdir(place, 0700), ==, 0);
	g_string_append_printf(text,
	    "basicConstraints = critical,%s\nkeyUsage = critical,%s\n",
	    or_default(what->basic, "CA:FALSE"),
	    or_default(what->usage, "digitalSignature"));
	if (what->addresses != NULL) {
		g_string_append_printf(
		    text, "subjectAltName = %s\n", what->addresses);
	}
	g_free(scratch_file(place, "config", text->str));
	g_free(scratch_file(place, "index", ""));
	g_free(scratch_file(place, "serial", serial));
	fixture_run(request, place);
	fixture_run(sign, place);
	return place;
}

static GBytes *
read_part(const char *place, const char *name)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *path = g_build_filename(place, name, NULL);
	GBytes *content = file_read(path, 100000, NULL, &error);

	g_assert_no_error(error);
	return content;
}

Identity *
fixture_identity(const char *directory, const FixtureCert *what)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *place = make_files(directory, what);
	g_autoptr(GBytes) cert = read_part(place, "cert.pem");
	g_autoptr(GBytes) key = read_part(place, "key.pem");
	Identity *identity =
	    keyring_from_parts(cert, key, NULL, NULL, NULL, &error);

	g_assert_no_error(error);
	return identity;
}

Cert *
fixture_cert(const char *directory, const FixtureCert *what)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *place = make_files(directory, what);
	g_autoptr(GBytes) content = read_part(place, "cert.pem");
	g_autoptr(GPtrArray) certs = cert_read_all(content, &error);

	g_assert_no_error(error);
	g_assert_cmpuint(certs->len, ==, 1);
	return cert_ref(g_ptr_array_index(certs, 0));
}
