/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Intermediates: kept by fingerprint, found by issuer over several levels, read
 * again when they change, bounded, and never a reason to fail.
 */
#include "config.h"

#include "store/intermediates.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "base/error.h"
#include "pki.h"
#include "scratch.h"

static char *pki;

/* root, issuing below it; middle below root, low below middle, leaf there;
 * issuing has a second certificate with the same name and key. */
static void
make_pki(void)
{
	pki = pki_new();
	pki_run(pki,
	    "ca() { cert $1 $2 P-256 \"$3\" basicConstraints=critical,CA:TRUE "
	    "keyUsage=critical,keyCertSign,cRLSign; }\n"
	    "ca middle root /CN=Middle\n"
	    "ca low middle /CN=Low\n"
	    "cert person low P-256 /CN=Person\n"
	    "cp issuing.key again.key\n"
	    "ca again root '/O=Tests/CN=Issuing'\n"
	    "leaf alice P-256\n"
	    "openssl req -x509 -new -config req.cnf -days 60 -out long.pem "
	    "-key middle.key -subj /CN=Long -CA root.pem -CAkey root.key "
	    "-addext basicConstraints=critical,CA:TRUE\n"
	    "openssl req -x509 -new -config req.cnf -days 1 -out short.pem "
	    "-key middle.key -subj /CN=Short -CA root.pem -CAkey root.key "
	    "-addext basicConstraints=critical,CA:TRUE\n");
}

typedef struct {
	char *state;
	char *directory;
	Intermediates *intermediates;
} Fixture;

static void
set_up(Fixture *fixture, gconstpointer data)
{
	(void)data;
	fixture->state = scratch_new();
	fixture->directory =
	    g_build_filename(fixture->state, "intermediates", NULL);
	fixture->intermediates = intermediates_new(fixture->state);
}

static void
tear_down(Fixture *fixture, gconstpointer data)
{
	(void)data;
	intermediates_free(fixture->intermediates);
	scratch_free(fixture->state);
	g_free(fixture->directory);
}

/* names: blank-separated. */
static void
add(const Fixture *fixture, const char *names, guint want)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) certs =
	    g_ptr_array_new_with_free_func((GDestroyNotify)cert_unref);
	g_auto(GStrv) list = g_strsplit(names, " ", -1);
	guint added = 99;

	for (guint i = 0; list[i] != NULL; i++) {
		g_ptr_array_add(certs, pki_cert(pki, list[i]));
	}
	g_assert_true(
	    intermediates_add(fixture->intermediates, certs, &added, &error));
	g_assert_no_error(error);
	g_assert_cmpuint(added, ==, want);
}

/* names of what must be found, in whatever order. */
static void
assert_above(const Fixture *fixture, const char *name, const char *names)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(Cert) cert = pki_cert(pki, name);
	g_autoptr(GPtrArray) above =
	    intermediates_above(fixture->intermediates, cert, &error);
	g_auto(GStrv) list = g_strsplit(names, " ", -1);

	g_assert_no_error(error);
	g_assert_nonnull(above);
	for (guint i = 0; list[i] != NULL; i++) {
		g_autoptr(Cert) want = pki_cert(pki, list[i]);
		bool found = false;

		for (guint j = 0; j < above->len; j++) {
			found = found ||
			    strcmp(cert_fingerprint(above->pdata[j]),
				cert_fingerprint(want)) == 0;
		}
		g_assert_true(found);
	}
	g_assert_cmpuint(above->len, ==, g_strv_length(list));
}

static void
test_none(Fixture *fixture, gconstpointer data)
{
	(void)data;
	assert_above(fixture, "alice", "");
	g_assert_false(g_file_test(fixture->directory, G_FILE_TEST_EXISTS));
}

static void
test_levels(Fixture *fixture, gconstpointer data)
{
	(void)data;
	add(fixture, "issuing middle low again", 4);
	add(fixture, "issuing middle low again", 0);
	assert_above(fixture, "alice", "issuing again");
	assert_above(fixture, "person", "low middle");
	assert_above(fixture, "low", "middle");
	assert_above(fixture, "root", "");
}

/* Neither anchors nor anybody's own certificate. */
static void
test_unfit(Fixture *fixture, gconstpointer data)
{
	(void)data;
	add(fixture, "root alice person", 0);
	g_assert_false(g_file_test(fixture->directory, G_FILE_TEST_EXISTS));
}

static void
test_names(Fixture *fixture, gconstpointer data)
{
	g_autoptr(Cert) issuing = pki_cert(pki, "issuing");
	g_autofree char *name =
	    g_strconcat(cert_fingerprint(issuing), ".pem", NULL);
	g_autofree char *path =
	    g_build_filename(fixture->directory, name, NULL);
	g_autofree char *pem = cert_pem(issuing);
	g_autofree char *text = NULL;

	(void)data;
	add(fixture, "issuing", 1);
	text = scratch_text(path);
	g_assert_true(g_str_has_suffix(text, pem));
	g_assert_cmpuint(scratch_count(fixture->directory), ==, 1);
}

static void
test_generation(Fixture *fixture, gconstpointer data)
{
	guint64 first = 0;
	guint64 second = 0;
	g_autoptr(Cert) low = pki_cert(pki, "low");
	g_autofree char *pem = cert_pem(low);

	(void)data;
	add(fixture, "issuing", 1);
	first = intermediates_generation(fixture->intermediates);
	for (int i = 0; i < 3; i++) {
		g_assert_cmpuint(
		    intermediates_generation(fixture->intermediates), ==,
		    first);
		g_usleep(40000); /* until the stamp has settled */
	}
	/* By hand, or by another process. */
	g_free(scratch_file(fixture->directory, "low.pem", pem));
	second = intermediates_generation(fixture->intermediates);
	g_assert_cmpuint(second, !=, first);
	assert_above(fixture, "person", "low");
	g_usleep(100000);
	g_assert_cmpuint(
	    intermediates_generation(fixture->intermediates), ==, second);
	{
		g_autofree char *path =
		    g_build_filename(fixture->directory, "low.pem", NULL);

		g_assert_cmpint(g_unlink(path), ==, 0);
	}
	assert_above(fixture, "person", "");
	g_assert_cmpuint(
	    intermediates_generation(fixture->intermediates), !=, second);
}

static void
test_broken_file(Fixture *fixture, gconstpointer data)
{
	(void)data;
	add(fixture, "issuing", 1);
	g_free(scratch_file(fixture->directory, "broken.pem", "hello"));
	g_free(scratch_file(fixture->directory, ".new-abcdef", "half"));
	assert_above(fixture, "alice", "issuing");
	add(fixture, "again", 1);
	assert_above(fixture, "alice", "issuing again");
}

static void
test_bounded(Fixture *fixture, gconstpointer data)
{
	g_autoptr(Cert) issuing = pki_cert(pki, "issuing");
	g_autoptr(Cert) longer = pki_cert(pki, "long");
	g_autofree char *pem = cert_pem(issuing);
	g_autofree char *name =
	    g_strconcat(cert_fingerprint(longer), ".pem", NULL);
	g_autofree char *path =
	    g_build_filename(fixture->directory, name, NULL);

	(void)data;
	g_assert_cmpint(g_mkdir(fixture->directory, 0700), ==, 0);
	for (guint i = 0; i < INTERMEDIATES_MAX; i++) {
		g_autofree char *copy = g_strdup_printf("%04u.pem", i);

		g_free(scratch_file(fixture->directory, copy, pem));
	}
	/* It would be the first to end itself. */
	add(fixture, "short", 0);
	g_assert_cmpuint(
	    scratch_count(fixture->directory), ==, INTERMEDIATES_MAX);
	add(fixture, "long", 1);
	g_assert_cmpuint(
	    scratch_count(fixture->directory), ==, INTERMEDIATES_MAX);
	g_assert_true(g_file_test(path, G_FILE_TEST_EXISTS));
}

static void
test_no_state(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) certs =
	    g_ptr_array_new_with_free_func((GDestroyNotify)cert_unref);

	(void)data;
	g_assert_cmpint(g_rmdir(fixture->state), ==, 0);
	g_ptr_array_add(certs, pki_cert(pki, "issuing"));
	g_assert_false(
	    intermediates_add(fixture->intermediates, certs, NULL, &error));
	g_assert_error(error, ERROR_DOMAIN, ERROR_IO);
}

static void
test_no_rights(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(Cert) alice = pki_cert(pki, "alice");
	GPtrArray *above = NULL;

	(void)data;
	add(fixture, "issuing", 1);
	scratch_become_nobody();
	above = intermediates_above(fixture->intermediates, alice, &error);
	scratch_regain();
	g_assert_null(above);
	g_assert_error(error, ERROR_DOMAIN, ERROR_PERMISSION);
}

static void
test_two_processes(Fixture *fixture, gconstpointer data)
{
	static const char *const names[] = { "issuing again", "middle low" };
	pid_t children[2];

	(void)data;
	for (guint i = 0; i < 2; i++) {
		children[i] = fork();
		g_assert_cmpint(children[i], >=, 0);
		if (children[i] == 0) {
			add(fixture, names[i], 2);
			_exit(0);
		}
	}
	for (guint i = 0; i < 2; i++) {
		int status = 0;

		g_assert_cmpint(
		    waitpid(children[i], &status, 0), ==, children[i]);
		g_assert_cmpint(status, ==, 0);
	}
	assert_above(fixture, "alice", "issuing again");
	assert_above(fixture, "person", "low middle");
}

static gpointer
work(gpointer data)
{
	const Fixture *fixture = data;

	for (int i = 0; i < 20; i++) {
		g_autoptr(Cert) person = pki_cert(pki, "person");
		g_autoptr(Cert) low = pki_cert(pki, "low");
		g_autoptr(GPtrArray) certs = g_ptr_array_new();
		g_autoptr(GPtrArray) above =
		    intermediates_above(fixture->intermediates, person, NULL);

		g_assert_nonnull(above);
		g_ptr_array_add(certs, low);
		g_assert_true(intermediates_add(
		    fixture->intermediates, certs, NULL, NULL));
		(void)intermediates_generation(fixture->intermediates);
	}
	return NULL;
}

static void
test_threads(Fixture *fixture, gconstpointer data)
{
	GThread *threads[4];

	(void)data;
	for (guint i = 0; i < 4; i++) {
		threads[i] = g_thread_new("work", work, fixture);
	}
	for (guint i = 0; i < 4; i++) {
		g_thread_join(threads[i]);
	}
	assert_above(fixture, "person", "low");
}

#define ADD(path, function) \
	g_test_add(path, Fixture, NULL, set_up, function, tear_down)

int
main(int argc, char **argv)
{
	int result = 0;

	g_test_init(&argc, &argv, NULL);
	make_pki();
	ADD("/intermediates/none", test_none);
	ADD("/intermediates/levels", test_levels);
	ADD("/intermediates/unfit", test_unfit);
	ADD("/intermediates/names", test_names);
	ADD("/intermediates/generation", test_generation);
	ADD("/intermediates/broken-file", test_broken_file);
	ADD("/intermediates/bounded", test_bounded);
	ADD("/intermediates/no-state", test_no_state);
	ADD("/intermediates/no-rights", test_no_rights);
	ADD("/intermediates/two-processes", test_two_processes);
	ADD("/intermediates/threads", test_threads);
	result = g_test_run();
	scratch_free(pki);
	return result;
}
