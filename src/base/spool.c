/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The spool: one growing block of memory, and beyond its limit a file that has
 * no name, so that nothing is left behind whatever ends the process. What is
 * in the file is not in our memory any more: a large mail costs page cache
 * only. It does not limit the size of a message; its caller does. Used by one
 * thread at a time; the GBytes it ends in belong to whoever holds them.
 */
#include "config.h"

#include "base/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"

/* The first block: a usual mail without attachment needs no second one. */
#define FIRST_BLOCK ((gsize)16 * 1024)

struct Spool {
	char *directory;
	gsize memory_max;
	gsize length;
	guint8 *memory;
	gsize capacity;
	int file; /* -1 while all is in memory */
	bool dead;
	bool finished;
};

typedef struct {
	void *start;
	gsize length;
} Mapping;

Spool *
spool_new(const char *directory, gsize memory_max)
{
	Spool *spool = g_new0(Spool, 1);

	spool->directory = g_strdup(directory);
	spool->memory_max = memory_max;
	spool->file = -1;
	return spool;
}

static void
drop_content(Spool *spool)
{
	g_clear_pointer(&spool->memory, g_free);
	spool->capacity = 0;
	if (spool->file != -1) {
		close(spool->file);
		spool->file = -1;
	}
}

void
spool_free(Spool *spool)
{
	if (spool == NULL) {
		return;
	}
	drop_content(spool);
	g_free(spool->directory);
	g_free(spool);
}

/* The spool is of no use any more: what it held is given back at once. */
static bool
fail(Spool *spool, const char *what, GError **error)
{
	int number = errno;
	const char *advice =
	    "see that it exists and is writable for the daemon's user";

	if (number == ENOSPC || number == EDQUOT) {
		advice = "make room there or set spool_dir to another place";
	} else if (number == EMFILE || number == ENFILE) {
		advice = "raise the limit of open files";
	} else if (number == EROFS) {
		advice = "mount it writable or set spool_dir to another place";
	}
	g_set_error(error, ERROR_DOMAIN, ERROR_IO,
	    "spool directory %s: %s: %s; %s", spool->directory, what,
	    g_strerror(number), advice);
	spool->dead = true;
	drop_content(spool);
	return false;
}

/* Where the file system has no O_TMPFILE (NFS, older overlays): a name, for
 * an instant. */
static int
open_named(const char *directory)
{
	g_autofree char *path =
	    g_build_filename(directory, ".spool-XXXXXX", NULL);
	int file = mkostemp(path, O_CLOEXEC);

	if (file != -1) {
		unlink(path);
	}
	return file;
}

static int
open_unnamed(const char *directory)
{
	int file = -1;

	do {
		file = open(
		    directory, O_TMPFILE | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
	} while (file == -1 && errno == EINTR);
	if (file == -1 &&
	    (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)) {
		return open_named(directory);
	}
	return file;
}

static bool
move_to_file(Spool *spool, GError **error)
{
	spool->file = open_unnamed(spool->directory);
	if (spool->file == -1) {
		return fail(spool, "cannot make a file", error);
	}
	if (!file_write_all(spool->file, spool->memory, spool->length)) {
		return fail(spool, "cannot write", error);
	}
	g_clear_pointer(&spool->memory, g_free);
	spool->capacity = 0;
	return true;
}

/* Doubles, so that the bytes are moved a few times however they come. */
static void
make_room(Spool *spool, gsize needed)
{
	gsize capacity = MAX(spool->capacity, FIRST_BLOCK / 2);

	if (needed <= spool->capacity) {
		return;
	}
	do {
		capacity = capacity > spool->memory_max / 2 ? spool->memory_max
							    : capacity * 2;
	} while (capacity < needed);
	spool->memory = g_realloc(spool->memory, capacity);
	spool->capacity = capacity;
}

bool
spool_write(Spool *spool, const void *data, gsize length, GError **error)
{
	g_assert(!spool->finished);
	if (spool->dead) {
		g_set_error(error, ERROR_DOMAIN, ERROR_IO,
		    "spool directory %s: the message was given up before",
		    spool->directory);
		return false;
	}
	if (length == 0) {
		return true;
	}
	if (spool->file == -1 && length > spool->memory_max - spool->length &&
	    !move_to_file(spool, error)) {
		return false;
	}
	if (spool->file == -1) {
		make_room(spool, spool->length + length);
		memcpy(spool->memory + spool->length, data, length);
	} else if (!file_write_all(spool->file, data, length)) {
		return fail(spool, "cannot write", error);
	}
	spool->length += length;
	return true;
}

gsize
spool_length(const Spool *spool)
{
	return spool->length;
}

static void
unmap(gpointer data)
{
	Mapping *mapping = data;

	munmap(mapping->start, mapping->length);
	g_free(mapping);
}

static GBytes *
map_file(Spool *spool, GError **error)
{
	void *start =
	    mmap(NULL, spool->length, PROT_READ, MAP_PRIVATE, spool->file, 0);
	Mapping *mapping = NULL;

	if (start == MAP_FAILED) {
		fail(spool, "cannot map the file", error);
		return NULL;
	}
	/* An advice: whether it is taken does not matter. */
	(void)madvise(start, spool->length, MADV_SEQUENTIAL);
	mapping = g_new(Mapping, 1);
	mapping->start = start;
	mapping->length = spool->length;
	return g_bytes_new_with_free_func(start, spool->length, unmap, mapping);
}

GBytes *
spool_finish(Spool *spool, GError **error)
{
	GBytes *content = NULL;

	g_assert(!spool->finished);
	if (spool->dead) {
		g_set_error(error, ERROR_DOMAIN, ERROR_IO,
		    "spool directory %s: the message was given up before",
		    spool->directory);
		return NULL;
	}
	if (spool->length == 0) {
		content = g_bytes_new_static("", 0);
	} else if (spool->file == -1) {
		content = g_bytes_new_take(
		    g_steal_pointer(&spool->memory), spool->length);
	} else {
		content = map_file(spool, error);
	}
	if (content == NULL) {
		return NULL;
	}
	drop_content(spool);
	spool->length = 0;
	spool->finished = true;
	return content;
}
