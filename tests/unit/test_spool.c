/* SPDX-License-Identifier: Apache-2.0 */
/* The spool: memory, file, mapping, a full and a missing disk. */
#include "config.h"

#include "base/spool.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "scratch.h"

#define NOWHERE "/nonexistent/spool"

/* The byte at a place of a content that is the same nowhere near. */
#ifdef __has_feature
#define ADDRESS_SANITIZER __has_feature(address_sanitizer)
#elif defined(__SANITIZE_ADDRESS__)
#define ADDRESS_SANITIZER 1
#else
#define ADDRESS_SANITIZER 0
#endif

static guint8
byte_at(gsize place)
{
	return (guint8)((place * 2654435761u) >> 13);
}

static guint8 *
make_content(gsize length)
{
	guint8 *content = g_malloc(length);

	for (gsize i = 0; i < length; i++) {
		content[i] = byte_at(i);
	}
	return content;
}

/* Writes length bytes in pieces; false as soon as the spool says so. */
static bool
write_pieces(Spool *spool, gsize length, gsize piece, GError **error)
{
	g_autofree guint8 *content = make_content(length);

	for (gsize at = 0; at < length; at += piece) {
		gsize now = MIN(piece, length - at);

		if (!spool_write(spool, content + at, now, error)) {
			return false;
		}
	}
	return true;
}

static void
assert_content(GBytes *got, gsize length)
{
	g_autofree guint8 *want = make_content(length);

	g_assert_cmpmem(g_bytes_get_data(got, NULL), (int)g_bytes_get_size(got),
	    want, (int)length);
}

static void
test_in_memory(void)
{
	static const struct {
		gsize length;
		gsize piece;
	} cases[] = {
		{ 1, 1 },
		{ 1000, 7 },
		{ 16 * 1024, 16 * 1024 },
		{ 16 * 1024 + 1, 1000 },
		{ 100000, 100000 },
		{ SPOOL_MEMORY, 65535 },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GError) error = NULL;
		g_autoptr(Spool) spool = spool_new(NOWHERE, SPOOL_MEMORY);
		g_autoptr(GBytes) got = NULL;

		/* The directory is not touched: it does not exist. */
		g_assert_true(write_pieces(
		    spool, cases[i].length, cases[i].piece, &error));
		g_assert_cmpuint(spool_length(spool), ==, cases[i].length);
		got = spool_finish(spool, &error);
		g_assert_no_error(error);
		assert_content(got, cases[i].length);
	}
}

static void
test_in_file(void)
{
	static const struct {
		gsize memory_max;
		gsize length;
		gsize piece;
	} cases[] = {
		{ 0, 1, 1 },
		{ 1, 2, 1 },
		{ 100, 101, 101 },
		{ 4096, 4097, 100 },
		{ 10000, 1000000, 65535 },
		{ SPOOL_MEMORY, SPOOL_MEMORY + 1, 65535 },
	};
	char *directory = scratch_new();

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GError) error = NULL;
		Spool *spool = spool_new(directory, cases[i].memory_max);
		g_autoptr(GBytes) got = NULL;

		g_assert_true(write_pieces(
		    spool, cases[i].length, cases[i].piece, &error));
		g_assert_cmpuint(spool_length(spool), ==, cases[i].length);
		/* Nothing with a name: a kill leaves nothing behind. */
		g_assert_cmpuint(scratch_count(directory), ==, 0);
		got = spool_finish(spool, &error);
		g_assert_no_error(error);
		/* The content lives on without the spool. */
		spool_free(spool);
		assert_content(got, cases[i].length);
	}
	scratch_free(directory);
}

static void
test_empty(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(Spool) spool = spool_new(NOWHERE, 0);
	g_autoptr(GBytes) got = NULL;

	g_assert_true(spool_write(spool, NULL, 0, &error));
	got = spool_finish(spool, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(g_bytes_get_size(got), ==, 0);
	g_assert_nonnull(g_bytes_get_data(got, NULL));
	spool_free(NULL);
}

/* Freed in the middle of a mail, in memory and in a file. */
static void
test_free_unfinished(void)
{
	char *directory = scratch_new();
	Spool *small = spool_new(directory, 1000);
	Spool *large = spool_new(directory, 1000);

	g_assert_true(write_pieces(small, 1000, 100, NULL));
	g_assert_true(write_pieces(large, 2000, 100, NULL));
	spool_free(small);
	spool_free(large);
	g_assert_cmpuint(scratch_count(directory), ==, 0);
	scratch_free(directory);
}

/* Everything after the failure fails too, and says where. */
static void
assert_dead(Spool *spool, const char *directory)
{
	g_autoptr(GError) again = NULL;
	g_autoptr(GError) last = NULL;

	g_assert_false(spool_write(spool, "x", 1, &again));
	g_assert_error(again, ERROR_DOMAIN, ERROR_IO);
	g_assert_nonnull(strstr(again->message, directory));
	g_assert_null(spool_finish(spool, &last));
	g_assert_error(last, ERROR_DOMAIN, ERROR_IO);
}

static void
test_no_directory(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(Spool) spool = spool_new(NOWHERE, 100);

	g_assert_false(write_pieces(spool, 101, 50, &error));
	g_assert_error(error, ERROR_DOMAIN, ERROR_IO);
	g_assert_nonnull(strstr(error->message, NOWHERE));
	assert_dead(spool, NOWHERE);
}

static void
test_not_writable(void)
{
	g_autoptr(GError) error = NULL;
	char *directory = scratch_new();
	g_autoptr(Spool) spool = spool_new(directory, 100);

	g_assert_cmpint(chmod(directory, 0500), ==, 0);
	scratch_become_nobody();
	g_assert_false(write_pieces(spool, 101, 50, &error));
	scratch_regain();
	g_assert_error(error, ERROR_DOMAIN, ERROR_IO);
	g_assert_nonnull(strstr(error->message, directory));
	assert_dead(spool, directory);
	scratch_free(directory);
}

static void
test_full_disk(void)
{
	char *directory = scratch_new();

	if (!scratch_mount(directory, 256 * 1024)) {
		g_test_skip("no right to mount a tmpfs");
		scratch_free(directory);
		return;
	}
	/* Full when the memory goes over, and full later on. */
	for (gsize memory = 1000; memory <= 1000000; memory *= 1000) {
		g_autoptr(GError) error = NULL;
		g_autoptr(Spool) spool = spool_new(directory, memory);
		g_autoptr(Spool) next = spool_new(directory, 1000);
		g_autoptr(GBytes) got = NULL;

		g_assert_false(write_pieces(spool, 3000000, 65535, &error));
		g_assert_error(error, ERROR_DOMAIN, ERROR_IO);
		g_assert_nonnull(strstr(error->message, directory));
		g_assert_nonnull(strstr(error->message, "make room"));
		assert_dead(spool, directory);
		/* What the failed one had is free again: the next works. */
		g_assert_true(write_pieces(next, 200000, 65535, NULL));
		got = spool_finish(next, NULL);
		assert_content(got, 200000);
	}
	scratch_unmount(directory);
	scratch_free(directory);
}

/* The same without any rights: a limit on the size of files. */
static void
test_size_limit(void)
{
	g_autoptr(GError) error = NULL;
	char *directory = scratch_new();
	g_autoptr(Spool) spool = spool_new(directory, 1000);
	struct rlimit old;
	struct rlimit small;
	bool written = true;

	signal(SIGXFSZ, SIG_IGN);
	g_assert_cmpint(getrlimit(RLIMIT_FSIZE, &old), ==, 0);
	small = old;
	small.rlim_cur = 100000;
	g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &small), ==, 0);
	written = write_pieces(spool, 200000, 65535, &error);
	g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &old), ==, 0);
	g_assert_false(written);
	g_assert_error(error, ERROR_DOMAIN, ERROR_IO);
	assert_dead(spool, directory);
	scratch_free(directory);
}

/* kB of a line of /proc/self/status. */
static glong
status_of(const char *name)
{
	g_autofree char *text = scratch_text("/proc/self/status");
	const char *line = strstr(text, name);

	g_assert_nonnull(line);
	return strtol(line + strlen(name), NULL, 10);
}

/* A large mail is page cache, not memory of ours: 64 MiB of it cost no more
 * than the memory that a small one may have, and what growing there left. */
static void
test_memory(void)
{
	enum { SIZE = 64 * 1024 * 1024, PIECE = 65536 };
#ifdef SCRATCH_RACE_DETECTOR
	g_test_skip("a race detector keeps notes on all memory");
	return;
#endif
	g_autoptr(GError) error = NULL;
	char *directory = scratch_new();
	g_autoptr(Spool) spool = spool_new(directory, SPOOL_MEMORY);
	g_autofree guint8 *piece = make_content(PIECE);
	g_autoptr(GBytes) got = NULL;
	const guint8 *data = NULL;
	/* What ASan notes of a mapping that is read is an eighth of it. */
	glong notes = ADDRESS_SANITIZER ? SIZE / 8 / 1024 : 0;
	glong most = status_of("RssAnon:") + 4 * (glong)(SPOOL_MEMORY / 1024);

	for (gsize at = 0; at < SIZE; at += PIECE) {
		g_assert_true(spool_write(spool, piece, PIECE, &error));
	}
	g_assert_cmpint(status_of("RssAnon:"), <, most);
	got = spool_finish(spool, &error);
	g_assert_no_error(error);
	data = g_bytes_get_data(got, NULL);
	for (gsize at = 0; at < SIZE; at += PIECE) {
		g_assert_cmpint(memcmp(data + at, piece, PIECE), ==, 0);
	}
	g_assert_cmpint(status_of("RssAnon:"), <, most + notes);
	scratch_free(directory);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/spool/write/memory", test_in_memory);
	g_test_add_func("/spool/write/file", test_in_file);
	g_test_add_func("/spool/write/no-directory", test_no_directory);
	g_test_add_func("/spool/write/not-writable", test_not_writable);
	g_test_add_func("/spool/write/full-disk", test_full_disk);
	g_test_add_func("/spool/write/size-limit", test_size_limit);
	g_test_add_func("/spool/write/anonymous-memory", test_memory);
	g_test_add_func("/spool/finish/empty", test_empty);
	g_test_add_func("/spool/free/unfinished", test_free_unfinished);
	return g_test_run();
}
