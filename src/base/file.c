/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files read whole and written whole. A write is complete on the disk, its
 * name included, before it is reported (fsync of file and directory); on any
 * failure the old file is as it was and no other is left. What is read may be
 * a private key: its memory is wiped when the last reference goes. It locks
 * only on request and keeps no state; thread-safe.
 */
#include "config.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

/* Some of the kernel's ticks. */
#define SETTLED_NS G_GINT64_CONSTANT(50000000)

typedef struct {
	guint8 *data;
	gsize size;
} Block;

static gint64
nanoseconds(const struct timespec *time)
{
	return (gint64)time->tv_sec * G_GINT64_CONSTANT(1000000000) +
	    time->tv_nsec;
}

static FileStamp
stamp_of(const struct stat *facts)
{
	return (FileStamp){
		.device = facts->st_dev,
		.inode = facts->st_ino,
		.size = facts->st_size,
		.mtime_ns = nanoseconds(&facts->st_mtim),
		.ctime_ns = nanoseconds(&facts->st_ctim),
		.mode = facts->st_mode,
		.owner = facts->st_uid,
	};
}

bool
file_stamp(const char *path, FileStamp *stamp_out, GError **error)
{
	struct stat facts;

	if (stat(path, &facts) == 0) {
		*stamp_out = stamp_of(&facts);
		return true;
	}
	if (errno != ENOENT) {
		error_set_errno(error, "%s", path);
	}
	return false;
}

bool
file_stamp_equal(const FileStamp *a, const FileStamp *b)
{
	return a->device == b->device && a->inode == b->inode &&
	    a->size == b->size && a->mtime_ns == b->mtime_ns &&
	    a->ctime_ns == b->ctime_ns && a->mode == b->mode &&
	    a->owner == b->owner;
}

bool
file_stamp_settled(const FileStamp *stamp)
{
	gint64 now = g_get_real_time() * 1000;

	return ABS(now - stamp->ctime_ns) > SETTLED_NS;
}

static void
free_block(gpointer data)
{
	Block *block = data;

	explicit_bzero(block->data, block->size);
	g_free(block->data);
	g_free(block);
}

/* Not realloc: it would leave a copy of a secret behind. */
static void
grow_block(Block *block, gsize size)
{
	guint8 *data = g_malloc(size);

	memcpy(data, block->data, block->size);
	explicit_bzero(block->data, block->size);
	g_free(block->data);
	block->data = data;
	block->size = size;
}

static void
set_too_large(const char *path, gsize max, GError **error)
{
	g_set_error(error, ERROR_DOMAIN, ERROR_LIMIT,
	    "%s: larger than %" G_GSIZE_FORMAT " bytes", path, max);
}

/* Until the end, into block, whose first size is a guess. */
static bool
read_all(int file, const char *path, gsize max, Block *block, gsize *length_out,
    GError **error)
{
	gsize length = 0;

	for (;;) {
		ssize_t got = 0;

		if (length == block->size) {
			grow_block(block, block->size * 2);
		}
		got = read(file, block->data + length, block->size - length);
		if (got == -1 && errno == EINTR) {
			continue;
		}
		if (got == -1) {
			error_set_errno(error, "%s: cannot be read", path);
			return false;
		}
		if (got == 0) {
			*length_out = length;
			return true;
		}
		length += (gsize)got;
		if (length > max) {
			set_too_large(path, max, error);
			return false;
		}
	}
}

/* Neither blocks on a FIFO nor takes a terminal. */
static int
open_regular(const char *path, struct stat *facts_out, GError **error)
{
	int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (file == -1) {
		error_set_errno(error, "%s", path);
		return -1;
	}
	if (fstat(file, facts_out) != 0) {
		error_set_errno(error, "%s", path);
		close(file);
		return -1;
	}
	if (!S_ISREG(facts_out->st_mode)) {
		g_set_error(error, ERROR_DOMAIN, ERROR_MALFORMED,
		    "%s: not a regular file", path);
		close(file);
		return -1;
	}
	return file;
}

GBytes *
file_read(const char *path, gsize max, FileStamp *stamp_out, GError **error)
{
	struct stat facts;
	int file = open_regular(path, &facts, error);
	Block *block = NULL;
	gsize length = 0;
	bool sound = false;

	if (file == -1) {
		return NULL;
	}
	if ((guint64)facts.st_size > max) {
		set_too_large(path, max, error);
		close(file);
		return NULL;
	}
	/* One more than it should be, so that the end is seen. */
	block = g_new(Block, 1);
	block->size = (gsize)facts.st_size + 1;
	block->data = g_malloc(block->size);
	sound = read_all(file, path, max, block, &length, error);
	close(file);
	if (!sound) {
		free_block(block);
		return NULL;
	}
	if (stamp_out != NULL) {
		*stamp_out = stamp_of(&facts);
	}
	return g_bytes_new_with_free_func(
	    block->data, length, free_block, block);
}

/* As error_set_errno, with what to do about it where that is known. */
static bool
fail_to_write(const char *path, GError **error)
{
	int number = errno;

	if (number == ENOSPC || number == EDQUOT) {
		g_set_error(error, ERROR_DOMAIN, ERROR_IO,
		    "%s: cannot be written: %s; make room on that file system",
		    path, g_strerror(number));
		return false;
	}
	errno = number;
	error_set_errno(error, "%s: cannot be written", path);
	return false;
}

bool
file_sync_directory(const char *directory, GError **error)
{
	int file = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool synced = false;

	if (file == -1) {
		return fail_to_write(directory, error);
	}
	/* Some file systems cannot: EINVAL means that, and no more. */
	synced = fsync(file) == 0 || errno == EINVAL;
	if (!synced) {
		fail_to_write(directory, error);
	}
	close(file);
	return synced;
}

static bool
make_directory(const char *path, mode_t mode, GError **error)
{
	g_autofree char *parent = NULL;
	struct stat facts;

	if (mkdir(path, mode) != 0) {
		int number = errno;

		if (number == EEXIST && stat(path, &facts) == 0) {
			if (S_ISDIR(facts.st_mode)) {
				return true; /* another one was faster */
			}
			number = ENOTDIR;
		}
		errno = number;
		error_set_errno(error, "%s: cannot be made", path);
		return false;
	}
	parent = g_path_get_dirname(path);
	return file_sync_directory(parent, error);
}

bool
file_make_directories(const char *path, mode_t mode, GError **error)
{
	g_autofree char *parent = NULL;
	struct stat facts;

	if (stat(path, &facts) == 0 && S_ISDIR(facts.st_mode)) {
		return true;
	}
	parent = g_path_get_dirname(path);
	if (strcmp(parent, path) != 0 &&
	    !file_make_directories(parent, mode, error)) {
		return false;
	}
	return make_directory(path, mode, error);
}

bool
file_write_all(int file, const void *data, gsize length)
{
	const guint8 *rest = data;

	while (length > 0) {
		ssize_t written = write(file, rest, length);

		if (written == -1 && errno == EINTR) {
			continue;
		}
		if (written == -1) {
			return false;
		}
		rest += written;
		length -= (gsize)written;
	}
	return true;
}

/* Content, mode and durability of the temporary file; closes it. */
static bool
fill(int file, GBytes *content, mode_t mode)
{
	gsize length = 0;
	const guint8 *data = g_bytes_get_data(content, &length);
	bool filled = fchmod(file, mode) == 0 &&
	    file_write_all(file, data, length) && fsync(file) == 0;
	int number = errno;

	if (close(file) != 0 && filled) {
		return false;
	}
	errno = number;
	return filled;
}

bool
file_write_atomic(const char *path, GBytes *content, mode_t mode,
    mode_t directory_mode, GError **error)
{
	g_autofree char *directory = g_path_get_dirname(path);
	/* Not made from the file's own name, which may be as long as a name
	 * can be. The dot keeps it out of listings. */
	g_autofree char *temporary =
	    g_build_filename(directory, FILE_TEMPORARY "XXXXXX", NULL);
	int file = -1;

	if (directory_mode != 0 &&
	    !file_make_directories(directory, directory_mode, error)) {
		return false;
	}
	file = mkostemp(temporary, O_CLOEXEC);
	if (file == -1) {
		return fail_to_write(path, error);
	}
	if (!fill(file, content, mode) || rename(temporary, path) != 0) {
		fail_to_write(path, error);
		unlink(temporary);
		return false;
	}
	return file_sync_directory(directory, error);
}

bool
file_remove(const char *path, GError **error)
{
	g_autofree char *directory = g_path_get_dirname(path);

	if (unlink(path) != 0) {
		error_set_errno(error, "%s: cannot be removed", path);
		return false;
	}
	return file_sync_directory(directory, error);
}

int
file_lock(const char *path, GError **error)
{
	int lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	int result = -1;

	if (lock == -1) {
		error_set_errno(error, "%s: cannot be opened", path);
		return -1;
	}
	do {
		result = flock(lock, LOCK_EX);
	} while (result != 0 && errno == EINTR);
	if (result != 0) {
		error_set_errno(error, "%s: cannot be locked", path);
		close(lock);
		return -1;
	}
	return lock;
}

void
file_unlock(int lock)
{
	/* The lock ends with its last descriptor, and there is only this. */
	close(lock);
}
