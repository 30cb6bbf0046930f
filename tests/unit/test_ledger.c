/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger: what is remembered, for how long, and after which accidents. */
#include "config.h"

#include "store/ledger.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utime.h>

#include <glib/gstdio.h>

#include "base/error.h"
#include "scratch.h"

#define KEY "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define DAY 86400

typedef struct {
	char *state;
	char *path; /* of the ledger of KEY */
} Fixture;

static void
set_up(Fixture *fixture, gconstpointer data)
{
	(void)data;
	fixture->state = scratch_new();
	fixture->path = g_build_filename(fixture->state, "sent", KEY, NULL);
}

static void
tear_down(Fixture *fixture, gconstpointer data)
{
	(void)data;
	scratch_free(fixture->state);
	g_free(fixture->path);
}

static Ledger *
open_ledger(const Fixture *fixture)
{
	g_autoptr(GError) error = NULL;
	Ledger *ledger = ledger_open(fixture->state, KEY, &error);

	g_assert_no_error(error);
	g_assert_nonnull(ledger);
	return ledger;
}

static bool
add(Ledger *ledger, const char *recipient, GError **error)
{
	g_autoptr(GPtrArray) recipients = g_ptr_array_new();

	g_ptr_array_add(recipients, (gpointer)recipient);
	return ledger_add(ledger, recipients, error);
}

/* A ledger with this text, as another process or a crash left it. */
static void
leave(const Fixture *fixture, const char *text, gssize length)
{
	g_autofree char *sent = g_build_filename(fixture->state, "sent", NULL);

	(void)g_mkdir(sent, 0700);
	g_assert_true(g_file_set_contents(fixture->path, text, length, NULL));
}

static bool
is_there(const char *path)
{
	return g_file_test(path, G_FILE_TEST_EXISTS);
}

static void
make_old(const char *path, int days)
{
	struct utimbuf times = { 0 };

	times.actime = (time_t)(g_get_real_time() / G_USEC_PER_SEC) -
	    (time_t)days * DAY - 60;
	times.modtime = times.actime;
	g_assert_cmpint(utime(path, &times), ==, 0);
}

static void
test_remembers(Fixture *fixture, gconstpointer data)
{
	static const char *const recipients[] = { "bob@example.com",
		"Bob@example.com", "a b%\"\n\r@x.y", "%0A@x.y",
		"j\xc3\xb6rg@x.y", "\xff@x.y", "" };
	g_autoptr(GPtrArray) all = g_ptr_array_new();
	g_autofree char *text = NULL;
	Ledger *ledger = open_ledger(fixture);
	struct stat facts;

	(void)data;
	for (gsize i = 0; i < G_N_ELEMENTS(recipients); i++) {
		g_ptr_array_add(all, (gpointer)recipients[i]);
		g_assert_false(ledger_has(ledger, recipients[i]));
	}
	g_assert_true(ledger_add(ledger, all, NULL));
	for (gsize i = 0; i < G_N_ELEMENTS(recipients); i++) {
		g_assert_true(ledger_has(ledger, recipients[i]));
	}
	g_assert_false(ledger_has(ledger, "BOB@example.com"));
	ledger_close(ledger, false);

	g_assert_cmpint(stat(fixture->path, &facts), ==, 0);
	g_assert_cmpuint(facts.st_mode & 07777, ==, 0600);
	text = scratch_text(fixture->path);
	g_assert_true(g_str_has_prefix(
	    text, "bob@example.com\nBob@example.com\na%20b%25\"%0A%0D@x.y\n"));

	ledger = open_ledger(fixture);
	for (gsize i = 0; i < G_N_ELEMENTS(recipients); i++) {
		g_assert_true(ledger_has(ledger, recipients[i]));
	}
	g_assert_true(add(ledger, "carol@example.com", NULL));
	ledger_close(ledger, false);
	ledger = open_ledger(fixture);
	g_assert_true(ledger_has(ledger, "bob@example.com"));
	g_assert_true(ledger_has(ledger, "carol@example.com"));
	ledger_close(ledger, true);
	g_assert_false(is_there(fixture->path));
}

static void
test_close(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GPtrArray) none = g_ptr_array_new();
	Ledger *ledger = open_ledger(fixture);

	(void)data;
	/* Nothing was ever added: nothing is left, done or not. */
	g_assert_true(ledger_add(ledger, none, NULL));
	ledger_close(ledger, true);
	g_assert_false(is_there(fixture->path));
	ledger_close(open_ledger(fixture), false);
	g_assert_false(is_there(fixture->path));
	ledger_close(NULL, true);
	ledger_close(NULL, false);
}

static void
test_torn(Fixture *fixture, gconstpointer data)
{
	static const struct {
		const char *name;
		const char *text;
		gssize length;
		bool bob; /* bob@x counts */
	} cases[] = {
		{ "empty", "", 0, false },
		{ "no line end", "bob@x", 5, false },
		{ "a piece", "bob@x\ncar", 9, true },
		{ "a piece of an escape", "bob@x\ncar%4", 11, true },
		{ "zeros", "bob@x\n\0\0\0\0", 10, true },
		{ "zeros in a line", "bob@x\ncar\0\0\n", 12, true },
		{ "bad escape", "%\nbob@x\n%zz\n%00\n", 16, true },
		{ "carriage return", "bob@x\r\n", 7, false },
	};

	(void)data;
	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		Ledger *ledger = NULL;

		g_test_message("%s", cases[i].name);
		leave(fixture, cases[i].text, cases[i].length);
		ledger = open_ledger(fixture);
		g_assert_cmpint(ledger_has(ledger, "bob@x"), ==, cases[i].bob);
		g_assert_false(ledger_has(ledger, "car"));
		/* What comes behind the torn line is whole. */
		g_assert_true(add(ledger, "dora@x", NULL));
		ledger_close(ledger, false);
		ledger = open_ledger(fixture);
		g_assert_cmpint(ledger_has(ledger, "bob@x"), ==, cases[i].bob);
		g_assert_true(ledger_has(ledger, "dora@x"));
		ledger_close(ledger, true);
	}
}

/* Killed right after an add returned, without any closing. */
static void
test_killed(Fixture *fixture, gconstpointer data)
{
	pid_t child = fork();
	int status = 0;
	Ledger *ledger = NULL;

	(void)data;
	if (child == 0) {
		ledger = ledger_open(fixture->state, KEY, NULL);
		if (ledger != NULL && add(ledger, "bob@x", NULL)) {
			(void)kill(getpid(), SIGKILL);
		}
		_exit(1);
	}
	g_assert_cmpint(waitpid(child, &status, 0), ==, child);
	g_assert_true(WIFSIGNALED(status));
	ledger = open_ledger(fixture);
	g_assert_true(ledger_has(ledger, "bob@x"));
	ledger_close(ledger, true);
}

static void
test_old_is_forgotten(Fixture *fixture, gconstpointer data)
{
	Ledger *ledger = NULL;

	(void)data;
	leave(fixture, "bob@x\n", -1);
	make_old(fixture->path, LEDGER_DAYS - 1);
	ledger = open_ledger(fixture);
	g_assert_true(ledger_has(ledger, "bob@x"));
	ledger_close(ledger, false);
	make_old(fixture->path, LEDGER_DAYS);
	ledger = open_ledger(fixture);
	g_assert_false(ledger_has(ledger, "bob@x"));
	ledger_close(ledger, false);
}

static void
test_refuses(Fixture *fixture, gconstpointer data)
{
	static const char *const keys[] = { "", "abc", "../../../etc/passwd",
		"0011223344556677889900AABBCCDDEEFF00112233445566778899"
		"aabbccddee",
		KEY "0",
		"/0112233445566778899aabbccddeeff00112233445566778899aabbcc"
		"ddeeff" };

	(void)data;
	for (gsize i = 0; i < G_N_ELEMENTS(keys); i++) {
		g_autoptr(GError) error = NULL;

		g_assert_null(ledger_open(fixture->state, keys[i], &error));
		g_assert_error(error, ERROR_DOMAIN, ERROR_MALFORMED);
	}
}

static void
test_no_state(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *missing =
	    g_build_filename(fixture->state, "none", NULL);

	(void)data;
	g_assert_null(ledger_open(missing, KEY, &error));
	g_assert_error(error, ERROR_DOMAIN, ERROR_IO);
	g_assert_nonnull(strstr(error->message, missing));
	g_assert_false(is_there(missing));
	ledger_sweep(missing);
}

static void
test_not_writable(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *sent = g_build_filename(fixture->state, "sent", NULL);

	(void)data;
	g_assert_cmpint(g_mkdir(sent, 0500), ==, 0);
	g_assert_cmpint(chmod(fixture->state, 0755), ==, 0);
	g_assert_cmpint(chmod(sent, 0555), ==, 0);
	scratch_become_nobody();
	g_assert_null(ledger_open(fixture->state, KEY, &error));
	scratch_regain();
	g_assert_error(error, ERROR_DOMAIN, ERROR_PERMISSION);
}

/* A symbolic link is not followed, a directory no ledger. */
static void
test_no_file(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GError) error = NULL;

	(void)data;
	leave(fixture, "", 0);
	g_assert_cmpint(g_unlink(fixture->path), ==, 0);
	g_assert_cmpint(symlink("/tmp/elsewhere", fixture->path), ==, 0);
	g_assert_null(ledger_open(fixture->state, KEY, &error));
	g_assert_error(error, ERROR_DOMAIN, ERROR_IO);
	g_clear_error(&error);
	g_assert_cmpint(g_unlink(fixture->path), ==, 0);
	g_assert_cmpint(g_mkdir(fixture->path, 0700), ==, 0);
	g_assert_null(ledger_open(fixture->state, KEY, &error));
	g_assert_error(error, ERROR_DOMAIN, ERROR_IO);
}

/* What could not be written is not there, and the next line is whole. */
static void
test_full_disk(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *sent = g_build_filename(fixture->state, "sent", NULL);
	g_autofree char *large = g_strnfill(200000, 'x');
	Ledger *ledger = NULL;

	(void)data;
	g_assert_cmpint(g_mkdir(sent, 0700), ==, 0);
	if (!scratch_mount(sent, 64 * 1024)) {
		g_test_skip("no right to mount a tmpfs");
		return;
	}
	ledger = open_ledger(fixture);
	g_assert_true(add(ledger, "bob@x", NULL));
	g_assert_false(add(ledger, large, &error));
	g_assert_error(error, ERROR_DOMAIN, ERROR_IO);
	g_assert_nonnull(strstr(error->message, fixture->path));
	g_assert_false(ledger_has(ledger, large));
	g_assert_true(add(ledger, "carol@x", NULL));
	ledger_close(ledger, false);
	ledger = open_ledger(fixture);
	g_assert_true(ledger_has(ledger, "bob@x"));
	g_assert_true(ledger_has(ledger, "carol@x"));
	g_assert_false(ledger_has(ledger, large));
	ledger_close(ledger, true);
	scratch_unmount(sent);
}

/* The same without any rights: a limit on the size of files. */
static void
test_size_limit(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *large = g_strnfill(200000, 'x');
	Ledger *ledger = open_ledger(fixture);
	struct rlimit old;
	struct rlimit small;
	bool added = true;

	(void)data;
	signal(SIGXFSZ, SIG_IGN);
	g_assert_cmpint(getrlimit(RLIMIT_FSIZE, &old), ==, 0);
	small = old;
	small.rlim_cur = 100000;
	g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &small), ==, 0);
	added = add(ledger, large, &error);
	g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &old), ==, 0);
	g_assert_false(added);
	g_assert_error(error, ERROR_DOMAIN, ERROR_IO);
	g_assert_true(add(ledger, "bob@x", NULL));
	ledger_close(ledger, false);
	ledger = open_ledger(fixture);
	g_assert_true(ledger_has(ledger, "bob@x"));
	g_assert_false(ledger_has(ledger, large));
	ledger_close(ledger, true);
}

typedef struct {
	const char *state;
	gint delivered; /* how many threads found it to be theirs */
} Race;

/* What a retry does: whoever comes second finds the copy made. */
static gpointer
deliver(gpointer data)
{
	Race *race = data;
	g_autoptr(GError) error = NULL;
	Ledger *ledger = ledger_open(race->state, KEY, &error);

	g_assert_no_error(error);
	if (!ledger_has(ledger, "bob@x")) {
		g_atomic_int_inc(&race->delivered);
		g_assert_true(add(ledger, "bob@x", NULL));
	}
	ledger_close(ledger, false);
	return NULL;
}

static void
test_once(Fixture *fixture, gconstpointer data)
{
	Race race = { .state = fixture->state };
	GThread *threads[8];

	(void)data;
	for (gsize i = 0; i < G_N_ELEMENTS(threads); i++) {
		threads[i] = g_thread_new("deliver", deliver, &race);
	}
	for (gsize i = 0; i < G_N_ELEMENTS(threads); i++) {
		g_thread_join(threads[i]);
	}
	g_assert_cmpint(g_atomic_int_get(&race.delivered), ==, 1);
}

/* Opened and removed under each other's hands. */
static gpointer
open_and_remove(gpointer data)
{
	Race *race = data;

	for (int i = 0; i < 50; i++) {
		g_autoptr(GError) error = NULL;
		Ledger *ledger = ledger_open(race->state, KEY, &error);

		g_assert_no_error(error);
		/* The one before was done: nothing is known. */
		g_assert_false(ledger_has(ledger, "bob@x"));
		g_assert_cmpint(g_atomic_int_add(&race->delivered, 1), ==, 0);
		g_assert_true(add(ledger, "bob@x", NULL));
		g_assert_cmpint(g_atomic_int_add(&race->delivered, -1), ==, 1);
		ledger_close(ledger, true);
		ledger_sweep(race->state);
	}
	return NULL;
}

static void
test_removal_race(Fixture *fixture, gconstpointer data)
{
	Race race = { .state = fixture->state };
	GThread *threads[4];

	(void)data;
	for (gsize i = 0; i < G_N_ELEMENTS(threads); i++) {
		threads[i] = g_thread_new("race", open_and_remove, &race);
	}
	for (gsize i = 0; i < G_N_ELEMENTS(threads); i++) {
		g_thread_join(threads[i]);
	}
	g_assert_false(is_there(fixture->path));
}

static void
test_sweep(Fixture *fixture, gconstpointer data)
{
	g_autofree char *sent = g_build_filename(fixture->state, "sent", NULL);
	g_autofree char *key = g_strnfill(64, 'a');
	g_autofree char *young = NULL;
	g_autofree char *foreign = NULL;

	(void)data;
	leave(fixture, "bob@x\n", -1);
	young = scratch_file(sent, key, "bob@x\n");
	foreign = scratch_file(sent, "README", "not ours");
	make_old(fixture->path, LEDGER_DAYS);
	make_old(young, LEDGER_DAYS - 1);
	make_old(foreign, 100);
	ledger_sweep(fixture->state);
	g_assert_false(is_there(fixture->path));
	g_assert_true(is_there(young));
	g_assert_true(is_there(foreign));
}

static void
test_sweep_spares_locked(Fixture *fixture, gconstpointer data)
{
	int file = -1;

	(void)data;
	leave(fixture, "bob@x\n", -1);
	make_old(fixture->path, LEDGER_DAYS);
	file = open(fixture->path, O_RDWR | O_CLOEXEC);
	g_assert_cmpint(flock(file, LOCK_EX), ==, 0);
	ledger_sweep(fixture->state);
	g_assert_true(is_there(fixture->path));
	close(file);
	ledger_sweep(fixture->state);
	g_assert_false(is_there(fixture->path));
}

#define ADD(path, function) \
	g_test_add(path, Fixture, NULL, set_up, function, tear_down)

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	ADD("/ledger/add/remembered", test_remembers);
	ADD("/ledger/add/full-disk", test_full_disk);
	ADD("/ledger/add/size-limit", test_size_limit);
	ADD("/ledger/add/killed", test_killed);
	ADD("/ledger/close/leaves-nothing", test_close);
	ADD("/ledger/open/torn", test_torn);
	ADD("/ledger/open/old", test_old_is_forgotten);
	ADD("/ledger/open/bad-key", test_refuses);
	ADD("/ledger/open/no-state", test_no_state);
	ADD("/ledger/open/not-writable", test_not_writable);
	ADD("/ledger/open/no-file", test_no_file);
	ADD("/ledger/open/one-delivers", test_once);
	ADD("/ledger/close/race", test_removal_race);
	ADD("/ledger/sweep/old", test_sweep);
	ADD("/ledger/sweep/locked", test_sweep_spares_locked);
	return g_test_run();
}
