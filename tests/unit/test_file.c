/* SPDX-License-Identifier: Apache-2.0 */
/* Files: limits, kinds, atomic writing, a full disk, locks. */
#include "config.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "base/error.h"
#include "scratch.h"

typedef struct {
	char *directory;
} Fixture;

static void
set_up(Fixture *fixture, gconstpointer data)
{
	(void)data;
	fixture->directory = scratch_new();
}

static void
tear_down(Fixture *fixture, gconstpointer data)
{
	(void)data;
	scratch_free(fixture->directory);
}

static GBytes *
bytes_of(const char *text)
{
	return g_bytes_new(text, strlen(text));
}

static void
test_stamp(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *path = scratch_file(fixture->directory, "a", "text");
	g_autofree char *missing =
	    g_build_filename(fixture->directory, "none", NULL);
	g_autofree char *below = g_build_filename(path, "below", NULL);
	FileStamp first;
	FileStamp second;

	(void)data;
	g_assert_true(file_stamp(path, &first, &error));
	g_assert_no_error(error);
	g_assert_cmpint(first.size, ==, 4);
	g_assert_true(S_ISREG(first.mode));
	g_assert_cmpuint(first.owner, ==, geteuid());
	g_assert_true(file_stamp(path, &second, NULL));
	g_assert_true(file_stamp_equal(&first, &second));

	g_assert_cmpint(chmod(path, 0600), ==, 0);
	g_assert_true(file_stamp(path, &second, NULL));
	g_assert_false(file_stamp_equal(&first, &second));

	second.size = 4711;
	g_assert_false(file_stamp(missing, &second, &error));
	g_assert_no_error(error);
	g_assert_cmpint(second.size, ==, 4711);
	g_assert_false(file_stamp(below, &second, &error));
	g_assert_error(error, ERROR_DOMAIN, ERROR_IO);
}

static void
test_read(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *path = scratch_file(fixture->directory, "a", "text");
	g_autofree char *empty = scratch_file(fixture->directory, "b", "");
	g_autoptr(GBytes) content = NULL;
	g_autoptr(GBytes) nothing = NULL;
	FileStamp read_stamp;
	FileStamp stamp;

	(void)data;
	content = file_read(path, 4, &read_stamp, &error);
	g_assert_no_error(error);
	g_assert_cmpmem(g_bytes_get_data(content, NULL),
	    (int)g_bytes_get_size(content), "text", 4);
	g_assert_true(file_stamp(path, &stamp, NULL));
	g_assert_true(file_stamp_equal(&stamp, &read_stamp));
	nothing = file_read(empty, 0, NULL, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(g_bytes_get_size(nothing), ==, 0);
}

/* A file whose size is not known before: the kernel says 0. */
static void
test_read_of_unknown_size(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GBytes) content =
	    file_read("/proc/self/status", 100000, NULL, &error);

	g_assert_no_error(error);
	g_assert_cmpuint(g_bytes_get_size(content), >, 10);
	g_assert_null(file_read("/proc/self/status", 10, NULL, &error));
	g_assert_error(error, ERROR_DOMAIN, ERROR_LIMIT);
}

static void
test_read_refuses(Fixture *fixture, gconstpointer data)
{
	g_autofree char *path = scratch_file(fixture->directory, "a", "text");
	g_autofree char *fifo =
	    g_build_filename(fixture->directory, "fifo", NULL);
	g_autofree char *missing =
	    g_build_filename(fixture->directory, "none", NULL);
	const struct {
		const char *path;
		gsize max;
		int want;
	} cases[] = {
		{ path, 3, ERROR_LIMIT },
		{ missing, 3, ERROR_MISSING },
		{ fifo, 3, ERROR_MALFORMED },
		{ fixture->directory, 3, ERROR_MALFORMED },
		{ "/dev/null", 3, ERROR_MALFORMED },
	};

	(void)data;
	g_assert_cmpint(mkfifo(fifo, 0600), ==, 0);
	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GError) error = NULL;
		FileStamp stamp = { .size = 4711 };

		g_assert_null(
		    file_read(cases[i].path, cases[i].max, &stamp, &error));
		g_assert_error(error, ERROR_DOMAIN, cases[i].want);
		g_assert_nonnull(strstr(error->message, cases[i].path));
		g_assert_cmpint(stamp.size, ==, 4711);
	}
}

static void
test_read_unreadable(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *path = scratch_file(fixture->directory, "a", "text");

	(void)data;
	g_assert_cmpint(chmod(path, 0000), ==, 0);
	scratch_become_nobody();
	g_assert_null(file_read(path, 10, NULL, &error));
	scratch_regain();
	g_assert_error(error, ERROR_DOMAIN, ERROR_PERMISSION);
}

static void
test_write(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GBytes) first = bytes_of("first");
	g_autoptr(GBytes) second = bytes_of("second, longer");
	g_autofree char *path =
	    g_build_filename(fixture->directory, "file", NULL);
	g_autofree char *got = NULL;
	mode_t mask = umask(0077);
	FileStamp before;
	FileStamp after;

	(void)data;
	g_assert_true(file_write_atomic(path, first, 0640, 0, &error));
	g_assert_no_error(error);
	g_assert_true(file_stamp(path, &before, NULL));
	g_assert_cmpuint(before.mode & 07777, ==, 0640);
	g_assert_true(file_write_atomic(path, second, 0600, 0, &error));
	umask(mask);
	g_assert_true(file_stamp(path, &after, NULL));
	g_assert_cmpuint(after.mode & 07777, ==, 0600);
	g_assert_false(file_stamp_equal(&before, &after));
	got = scratch_text(path);
	g_assert_cmpstr(got, ==, "second, longer");
	g_assert_cmpuint(scratch_count(fixture->directory), ==, 1);
}

/* A name as long as a name can be still gets its temporary file. */
static void
test_write_long_name(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GBytes) content = bytes_of("x");
	g_autofree char *name = g_strnfill(255, 'n');
	g_autofree char *path =
	    g_build_filename(fixture->directory, name, NULL);

	(void)data;
	g_assert_true(file_write_atomic(path, content, 0600, 0, &error));
	g_assert_no_error(error);
}

static void
test_write_directories(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GBytes) content = bytes_of("x");
	g_autofree char *top = g_build_filename(fixture->directory, "a", NULL);
	g_autofree char *path =
	    g_build_filename(fixture->directory, "a", "b", "file", NULL);
	FileStamp stamp;

	(void)data;
	g_assert_false(file_write_atomic(path, content, 0600, 0, &error));
	g_assert_error(error, ERROR_DOMAIN, ERROR_MISSING);
	g_clear_error(&error);
	g_assert_true(file_write_atomic(path, content, 0600, 0700, &error));
	g_assert_no_error(error);
	g_assert_true(file_stamp(top, &stamp, NULL));
	g_assert_cmpuint(stamp.mode & 07777, ==, 0700);
}

/* Onto a directory: the rename fails, and no temporary file is left. */
static void
test_write_fails(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GBytes) content = bytes_of("x");
	g_autofree char *path =
	    g_build_filename(fixture->directory, "sub", NULL);

	(void)data;
	g_assert_cmpint(mkdir(path, 0700), ==, 0);
	g_assert_false(file_write_atomic(path, content, 0600, 0, &error));
	g_assert_error(error, ERROR_DOMAIN, ERROR_IO);
	g_assert_nonnull(strstr(error->message, path));
	g_assert_cmpuint(scratch_count(fixture->directory), ==, 1);
}

static void
test_write_no_permission(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GBytes) content = bytes_of("x");
	g_autofree char *path =
	    g_build_filename(fixture->directory, "file", NULL);

	(void)data;
	g_assert_cmpint(chmod(fixture->directory, 0500), ==, 0);
	scratch_become_nobody();
	g_assert_false(file_write_atomic(path, content, 0600, 0, &error));
	scratch_regain();
	g_assert_error(error, ERROR_DOMAIN, ERROR_PERMISSION);
}

/* The old file stays, whole; the text says what to do. */
static void
test_write_full_disk(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *disk = g_build_filename(fixture->directory, "d", NULL);
	g_autofree char *path = g_build_filename(disk, "file", NULL);
	g_autofree char *large = g_strnfill(200000, 'x');
	g_autoptr(GBytes) small = bytes_of("old");
	g_autoptr(GBytes) content = bytes_of(large);
	g_autofree char *got = NULL;

	(void)data;
	g_assert_cmpint(mkdir(disk, 0700), ==, 0);
	if (!scratch_mount(disk, 64 * 1024)) {
		g_test_skip("no right to mount a tmpfs");
		return;
	}
	g_assert_true(file_write_atomic(path, small, 0600, 0, &error));
	g_assert_false(file_write_atomic(path, content, 0600, 0, &error));
	g_assert_error(error, ERROR_DOMAIN, ERROR_IO);
	g_assert_nonnull(strstr(error->message, path));
	g_assert_nonnull(strstr(error->message, "make room"));
	got = scratch_text(path);
	g_assert_cmpstr(got, ==, "old");
	g_assert_cmpuint(scratch_count(disk), ==, 1);
	scratch_unmount(disk);
}

/* The same without any rights: a limit on the size of files. */
static void
test_write_size_limit(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *path = scratch_file(fixture->directory, "file", "old");
	g_autofree char *large = g_strnfill(200000, 'x');
	g_autoptr(GBytes) content = bytes_of(large);
	g_autofree char *got = NULL;
	struct rlimit old;
	struct rlimit small;
	bool written = true;

	(void)data;
	signal(SIGXFSZ, SIG_IGN);
	g_assert_cmpint(getrlimit(RLIMIT_FSIZE, &old), ==, 0);
	small = old;
	small.rlim_cur = 100000;
	g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &small), ==, 0);
	written = file_write_atomic(path, content, 0600, 0, &error);
	g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &old), ==, 0);
	g_assert_false(written);
	g_assert_error(error, ERROR_DOMAIN, ERROR_IO);
	got = scratch_text(path);
	g_assert_cmpstr(got, ==, "old");
	g_assert_cmpuint(scratch_count(fixture->directory), ==, 1);
}

static gpointer
write_again_and_again(gpointer data)
{
	const char *path = data;

	for (int i = 0; i < 50; i++) {
		g_autofree char *text =
		    g_strnfill(5000, (char)('a' + g_random_int_range(0, 26)));
		g_autoptr(GBytes) content = bytes_of(text);
		g_autoptr(GError) error = NULL;

		file_write_atomic(path, content, 0600, 0, &error);
		g_assert_no_error(error);
	}
	return NULL;
}

/* A reader sees an old or a new file, never a piece of one. */
static void
test_write_beside_readers(Fixture *fixture, gconstpointer data)
{
	g_autofree char *start = g_strnfill(5000, 'a');
	g_autofree char *path = scratch_file(fixture->directory, "f", start);
	GThread *writers[2];

	(void)data;
	for (gsize i = 0; i < G_N_ELEMENTS(writers); i++) {
		writers[i] =
		    g_thread_new("writer", write_again_and_again, path);
	}
	for (int i = 0; i < 500; i++) {
		g_autoptr(GError) error = NULL;
		g_autoptr(GBytes) content = file_read(path, 5000, NULL, &error);
		const char *text = NULL;

		g_assert_no_error(error);
		text = g_bytes_get_data(content, NULL);
		g_assert_cmpuint(g_bytes_get_size(content), ==, 5000);
		g_assert_cmpint(memcmp(text, text + 1, 4999), ==, 0);
	}
	for (gsize i = 0; i < G_N_ELEMENTS(writers); i++) {
		g_thread_join(writers[i]);
	}
	g_assert_cmpuint(scratch_count(fixture->directory), ==, 1);
}

static void
test_remove(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *path = scratch_file(fixture->directory, "a", "text");

	(void)data;
	g_assert_true(file_remove(path, &error));
	g_assert_no_error(error);
	g_assert_false(file_remove(path, &error));
	g_assert_error(error, ERROR_DOMAIN, ERROR_MISSING);
}

static void
test_make_directories(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *path =
	    g_build_filename(fixture->directory, "a", "b", "c", NULL);
	g_autofree char *file = scratch_file(fixture->directory, "file", "");
	g_autofree char *below = g_build_filename(file, "x", NULL);

	(void)data;
	g_assert_true(file_make_directories(path, 0700, &error));
	g_assert_true(file_make_directories(path, 0700, &error));
	g_assert_no_error(error);
	g_assert_true(g_file_test(path, G_FILE_TEST_IS_DIR));
	g_assert_true(file_make_directories("/", 0700, &error));
	g_assert_true(file_make_directories(".", 0700, &error));
	g_assert_false(file_make_directories(below, 0700, &error));
	g_assert_error(error, ERROR_DOMAIN, ERROR_IO);
	g_clear_error(&error);
	g_assert_false(file_make_directories(file, 0700, &error));
	g_assert_error(error, ERROR_DOMAIN, ERROR_IO);
}

typedef struct {
	const char *path;
	int inside; /* not atomic: the lock is what guards it */
	int passed;
} LockTest;

static gpointer
pass_the_lock(gpointer data)
{
	LockTest *test = data;

	for (int i = 0; i < 200; i++) {
		g_autoptr(GError) error = NULL;
		int lock = file_lock(test->path, &error);

		g_assert_no_error(error);
		g_assert_cmpint(lock, >=, 0);
		test->inside++;
		g_assert_cmpint(test->inside, ==, 1);
		test->passed++;
		test->inside--;
		file_unlock(lock);
	}
	return NULL;
}

/*
 * flock(2) is no synchronisation that a race detector knows, so only the count
 * is looked at here, made with processes in mind.
 */
static void
test_lock_excludes(Fixture *fixture, gconstpointer data)
{
	g_autofree char *path = g_build_filename(fixture->directory, "l", NULL);
	LockTest test = { .path = path };
	GThread *threads[4];
	FileStamp stamp;

	(void)data;
#ifdef SCRATCH_RACE_DETECTOR
	g_test_skip("a race detector does not know flock(2)");
	return;
#endif
	for (gsize i = 0; i < G_N_ELEMENTS(threads); i++) {
		threads[i] = g_thread_new("locker", pass_the_lock, &test);
	}
	for (gsize i = 0; i < G_N_ELEMENTS(threads); i++) {
		g_thread_join(threads[i]);
	}
	g_assert_cmpint(test.passed, ==, 800);
	g_assert_true(file_stamp(path, &stamp, NULL));
	g_assert_cmpuint(stamp.mode & 07777, ==, 0600);
}

static void
test_lock_fails(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *path =
	    g_build_filename(fixture->directory, "none", "lock", NULL);
	g_autofree char *link = g_build_filename(fixture->directory, "l", NULL);

	(void)data;
	g_assert_cmpint(file_lock(path, &error), ==, -1);
	g_assert_error(error, ERROR_DOMAIN, ERROR_MISSING);
	g_clear_error(&error);
	g_assert_cmpint(symlink("/tmp/elsewhere", link), ==, 0);
	g_assert_cmpint(file_lock(link, &error), ==, -1);
	g_assert_error(error, ERROR_DOMAIN, ERROR_IO);
}

#define ADD(path, function) \
	g_test_add(path, Fixture, NULL, set_up, function, tear_down)

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	ADD("/file/stamp/changes", test_stamp);
	ADD("/file/read/whole", test_read);
	g_test_add_func("/file/read/unknown-size", test_read_of_unknown_size);
	ADD("/file/read/refuses", test_read_refuses);
	ADD("/file/read/unreadable", test_read_unreadable);
	ADD("/file/write_atomic/replaces", test_write);
	ADD("/file/write_atomic/long-name", test_write_long_name);
	ADD("/file/write_atomic/directories", test_write_directories);
	ADD("/file/write_atomic/fails", test_write_fails);
	ADD("/file/write_atomic/no-permission", test_write_no_permission);
	ADD("/file/write_atomic/full-disk", test_write_full_disk);
	ADD("/file/write_atomic/size-limit", test_write_size_limit);
	ADD("/file/write_atomic/readers", test_write_beside_readers);
	ADD("/file/remove/twice", test_remove);
	ADD("/file/make_directories/table", test_make_directories);
	ADD("/file/lock/excludes", test_lock_excludes);
	ADD("/file/lock/fails", test_lock_fails);
	return g_test_run();
}
