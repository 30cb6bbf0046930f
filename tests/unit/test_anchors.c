/* SPDX-License-Identifier: Apache-2.0 */
/* Trust anchors: written, seen at once by a running reader, broken files. */
#include "config.h"

#include "store/anchors.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "base/error.h"
#include "base/file.h"
#include "scratch.h"
#include "store_fixture.h"

/* Made once: each costs two runs of the openssl command. */
static char *made_in;
static Cert *first_ca;
static Cert *second_ca;
static Cert *no_ca;

typedef struct {
	char *state;
	char *trust;
	AnchorStore *store;
} Fixture;

static void
set_up(Fixture *fixture, gconstpointer data)
{
	(void)data;
	fixture->state = scratch_new();
	fixture->trust = g_build_filename(fixture->state, "trust", NULL);
	fixture->store = anchors_new(fixture->state);
}

static void
tear_down(Fixture *fixture, gconstpointer data)
{
	(void)data;
	anchors_free(fixture->store);
	scratch_free(fixture->state);
	g_free(fixture->trust);
}

static void
add(const Fixture *fixture, const Cert *cert)
{
	g_autoptr(GError) error = NULL;

	g_assert_true(anchors_add(fixture->store, cert, &error));
	g_assert_no_error(error);
}

static guint
count(const Fixture *fixture)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(Anchors) anchors = anchors_current(fixture->store, false, &error);

	g_assert_no_error(error);
	g_assert_nonnull(anchors);
	return chain_anchors_count(anchors);
}

static char *
path_of(const Fixture *fixture, const Cert *cert)
{
	g_autofree char *name =
	    g_strconcat(cert_fingerprint(cert), ".pem", NULL);

	return g_build_filename(fixture->trust, name, NULL);
}

static void
test_none(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) list = anchors_list(fixture->store, &error);

	(void)data;
	g_assert_no_error(error);
	g_assert_cmpuint(list->len, ==, 0);
	g_assert_cmpuint(count(fixture), ==, 0);
	anchors_free(NULL);
}

static void
test_add(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GPtrArray) list = NULL;
	g_autofree char *path = path_of(fixture, first_ca);
	g_autofree char *generation =
	    g_build_filename(fixture->state, "generation", NULL);
	g_autofree char *before = NULL;
	g_autofree char *after = NULL;
	g_autofree char *same = NULL;
	const char *const judge[] = { "openssl", "x509", "-noout", "-in", path,
		NULL };

	(void)data;
	g_assert_cmpuint(count(fixture), ==, 0);
	add(fixture, first_ca);
	g_assert_cmpuint(count(fixture), ==, 1);
	before = scratch_text(generation);
	g_assert_true(g_str_has_suffix(before, "\n"));
	add(fixture, second_ca);
	after = scratch_text(generation);
	g_assert_cmpstr(before, !=, after);
	/* Already there: nothing changes. */
	add(fixture, second_ca);
	same = scratch_text(generation);
	g_assert_cmpstr(same, ==, after);
	g_assert_cmpuint(count(fixture), ==, 2);
	list = anchors_list(fixture->store, NULL);
	g_assert_cmpuint(list->len, ==, 2);
	g_assert_cmpuint(scratch_count(fixture->trust), ==, 2);
	fixture_run(judge, fixture->state);
}

static void
test_add_no_ca(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GError) error = NULL;

	(void)data;
	g_assert_false(anchors_add(fixture->store, no_ca, &error));
	g_assert_error(error, ERROR_DOMAIN, ERROR_UNFIT);
	g_assert_cmpuint(count(fixture), ==, 0);
}

static void
test_add_no_state(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GError) error = NULL;

	(void)data;
	g_assert_cmpint(g_rmdir(fixture->state), ==, 0);
	g_assert_false(anchors_add(fixture->store, first_ca, &error));
	g_assert_error(error, ERROR_DOMAIN, ERROR_IO);
	g_assert_nonnull(strstr(error->message, fixture->state));
	g_assert_false(g_file_test(fixture->state, G_FILE_TEST_EXISTS));
}

/* A disk that is not mounted is not an empty store. */
static void
test_no_state(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GError) current = NULL;
	g_autoptr(GError) list = NULL;

	(void)data;
	g_assert_cmpint(g_rmdir(fixture->state), ==, 0);
	g_assert_null(anchors_current(fixture->store, false, &current));
	g_assert_error(current, ERROR_DOMAIN, ERROR_IO);
	g_assert_nonnull(strstr(current->message, fixture->state));
	g_assert_null(anchors_list(fixture->store, &list));
	g_assert_error(list, ERROR_DOMAIN, ERROR_IO);
}

static void
test_remove(Fixture *fixture, gconstpointer data)
{
	g_autofree char *zeros = g_strnfill(64, '0');
	const char *const none[] = { "", "abcd", "../../lock", zeros };
	g_autofree char *upper = g_ascii_strup(cert_fingerprint(first_ca), -1);
	g_autoptr(GError) error = NULL;

	(void)data;
	add(fixture, first_ca);
	add(fixture, second_ca);
	g_assert_cmpuint(count(fixture), ==, 2);
	g_assert_true(anchors_remove(fixture->store, upper, &error));
	g_assert_no_error(error);
	g_assert_cmpuint(count(fixture), ==, 1);
	for (gsize i = 0; i < G_N_ELEMENTS(none); i++) {
		g_assert_false(anchors_remove(fixture->store, none[i], &error));
		g_assert_error(error, ERROR_DOMAIN, ERROR_MISSING);
		g_clear_error(&error);
	}
	g_assert_cmpuint(count(fixture), ==, 1);
}

/* A broken file can be removed by its name. */
static void
test_remove_broken(Fixture *fixture, gconstpointer data)
{
	g_autofree char *path = path_of(fixture, first_ca);

	(void)data;
	add(fixture, first_ca);
	g_assert_true(g_file_set_contents(path, "broken", -1, NULL));
	g_assert_true(
	    anchors_remove(fixture->store, cert_fingerprint(first_ca), NULL));
	g_assert_cmpuint(count(fixture), ==, 0);
}

/* Put there by hand, under a name of its own, several in one file. */
static void
test_foreign_names(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *one = cert_pem(first_ca);
	g_autofree char *two = cert_pem(second_ca);
	g_autofree char *both = g_strconcat(one, two, NULL);
	g_autofree char *path = NULL;

	(void)data;
	g_assert_cmpint(g_mkdir(fixture->trust, 0755), ==, 0);
	g_assert_cmpuint(count(fixture), ==, 0);
	path = scratch_file(fixture->trust, "corporate.pem", one);
	g_free(scratch_file(fixture->trust, FILE_TEMPORARY "a.pem", "torn"));
	g_free(scratch_file(fixture->trust, "README", "text"));
	g_assert_cmpuint(count(fixture), ==, 1);
	/* The same once more is still one. */
	add(fixture, first_ca);
	g_assert_cmpuint(count(fixture), ==, 1);
	g_assert_true(
	    anchors_remove(fixture->store, cert_fingerprint(first_ca), &error));
	g_assert_cmpuint(count(fixture), ==, 1);
	g_assert_true(
	    anchors_remove(fixture->store, cert_fingerprint(first_ca), &error));
	g_assert_false(g_file_test(path, G_FILE_TEST_EXISTS));

	g_free(scratch_file(fixture->trust, "bundle.pem", both));
	g_assert_cmpuint(count(fixture), ==, 2);
	g_assert_false(
	    anchors_remove(fixture->store, cert_fingerprint(first_ca), &error));
	g_assert_error(error, ERROR_DOMAIN, ERROR_UNFIT);
	g_assert_nonnull(strstr(error->message, "bundle.pem"));
	g_assert_cmpuint(count(fixture), ==, 2);
}

static void
test_broken(Fixture *fixture, gconstpointer data)
{
	static const char *const contents[] = { "", "no PEM",
		"-----BEGIN CERTIFICATE-----\nMIIB\n" };
	g_autofree char *path =
	    g_build_filename(fixture->trust, "broken.pem", NULL);

	(void)data;
	add(fixture, first_ca);
	g_assert_cmpuint(count(fixture), ==, 1);
	for (gsize i = 0; i < G_N_ELEMENTS(contents); i++) {
		g_autoptr(GError) error = NULL;

		g_free(scratch_file(fixture->trust, "broken.pem", contents[i]));
		g_assert_null(anchors_current(fixture->store, false, &error));
		g_assert_nonnull(error);
		g_assert_nonnull(strstr(error->message, path));
	}
	g_assert_cmpint(g_unlink(path), ==, 0);
	g_assert_cmpuint(count(fixture), ==, 1);
}

static void
test_unreadable(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *path = path_of(fixture, first_ca);

	(void)data;
	add(fixture, first_ca);
	g_assert_cmpint(chmod(fixture->state, 0755), ==, 0);
	g_assert_cmpint(chmod(path, 0000), ==, 0);
	scratch_become_nobody();
	g_assert_null(anchors_current(fixture->store, false, &error));
	g_assert_error(error, ERROR_DOMAIN, ERROR_PERMISSION);
	g_assert_nonnull(strstr(error->message, path));
	g_clear_error(&error);
	scratch_regain();
	g_assert_cmpint(chmod(fixture->trust, 0000), ==, 0);
	scratch_become_nobody();
	g_assert_null(anchors_current(fixture->store, false, &error));
	scratch_regain();
	g_assert_error(error, ERROR_DOMAIN, ERROR_PERMISSION);
}

/* The same object as long as nothing changes; a new one after a change of
 * the generation alone. */
static void
test_kept(Fixture *fixture, gconstpointer data)
{
	g_autofree char *generation =
	    g_build_filename(fixture->state, "generation", NULL);
	g_autoptr(Anchors) first = NULL;
	g_autoptr(Anchors) second = NULL;
	g_autoptr(Anchors) third = NULL;

	(void)data;
	add(fixture, first_ca);
	/* It is kept when its files are a little old. */
	g_usleep(80000);
	first = anchors_current(fixture->store, false, NULL);
	second = anchors_current(fixture->store, false, NULL);
	g_assert_true(first == second);
	g_assert_true(g_file_set_contents(generation, "by hand\n", -1, NULL));
	third = anchors_current(fixture->store, false, NULL);
	g_assert_true(third != first);
	g_assert_cmpuint(chain_anchors_count(first), ==, 1);
}

static gpointer
change_again_and_again(gpointer data)
{
	const char *state = data;
	g_autoptr(AnchorStore) own = anchors_new(state);

	for (int i = 0; i < 20; i++) {
		g_autoptr(GError) error = NULL;

		g_assert_true(anchors_add(own, second_ca, &error));
		g_assert_no_error(error);
		g_assert_true(
		    anchors_remove(own, cert_fingerprint(second_ca), &error));
		g_assert_no_error(error);
	}
	return NULL;
}

static void
test_current_beside_writer(Fixture *fixture, gconstpointer data)
{
	GThread *writer = NULL;

	(void)data;
	add(fixture, first_ca);
	writer = g_thread_new("writer", change_again_and_again, fixture->state);
	for (int i = 0; i < 200; i++) {
		guint now = count(fixture);

		g_assert_cmpuint(now, >=, 1);
		g_assert_cmpuint(now, <=, 2);
	}
	g_thread_join(writer);
	g_assert_cmpuint(count(fixture), ==, 1);
}

#define ADD(path, function) \
	g_test_add(path, Fixture, NULL, set_up, function, tear_down)

int
main(int argc, char **argv)
{
	const FixtureCert ca = { .basic = "CA:TRUE",
		.usage = "keyCertSign,cRLSign" };
	const FixtureCert leaf = { .addresses = "email:alice@example.com" };
	int result = 0;

	g_test_init(&argc, &argv, NULL);
	made_in = scratch_new();
	first_ca = fixture_cert(made_in, &ca);
	second_ca = fixture_cert(made_in, &ca);
	no_ca = fixture_cert(made_in, &leaf);
	ADD("/anchors/current/none", test_none);
	ADD("/anchors/current/no-state", test_no_state);
	ADD("/anchors/current/foreign-names", test_foreign_names);
	ADD("/anchors/current/broken", test_broken);
	ADD("/anchors/current/unreadable", test_unreadable);
	ADD("/anchors/current/kept", test_kept);
	ADD("/anchors/current/beside-writer", test_current_beside_writer);
	ADD("/anchors/add/twice", test_add);
	ADD("/anchors/add/no-ca", test_add_no_ca);
	ADD("/anchors/add/no-state", test_add_no_state);
	ADD("/anchors/remove/table", test_remove);
	ADD("/anchors/remove/broken", test_remove_broken);
	result = g_test_run();
	cert_unref(first_ca);
	cert_unref(second_ca);
	cert_unref(no_ca);
	scratch_free(made_in);
	return result;
}
