/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files: read whole with a limit, written so that a crash at any instant
 * leaves the old or the new one. Thread-safe; no state.
 */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

/* What tells that a file is another one, or has changed. */
typedef struct {
	dev_t device;
	ino_t inode;
	off_t size;
	gint64 mtime_ns;
	gint64 ctime_ns;
	mode_t mode;
	uid_t owner;
} FileStamp;

/* true: there, *stamp_out filled. false without *error: no such file. */
bool
file_stamp(const char *path, FileStamp *stamp_out, GError **error);
bool
file_stamp_equal(const FileStamp *a, const FileStamp *b);
/*
 * Old enough that one more change would show in the stamp. The kernel's file
 * times advance in ticks of up to 10 ms, and inode numbers are used again: what
 * changed within this instant may change once more behind an equal stamp.
 */
bool
file_stamp_settled(const FileStamp *stamp);

/*
 * The whole file, at most max bytes (ERROR_LIMIT above). Regular files only
 * (and not through a FIFO or device). stamp_out may be NULL; otherwise it is
 * taken from the open descriptor, so it belongs to these bytes.
 */
GBytes *
file_read(const char *path, gsize max, FileStamp *stamp_out, GError **error);

/* How the names of temporary files begin, which only a crash leaves. */
#define FILE_TEMPORARY ".new-"

/*
 * Temporary file beside path, write, fsync, rename, fsync of the directory.
 * Missing directories above it are made with directory_mode (0: they must
 * exist).
 */
bool
file_write_atomic(const char *path, GBytes *content, mode_t mode,
    mode_t directory_mode, GError **error);

/* All of data to an open file, past short writes and EINTR. false: errno. */
bool
file_write_all(int file, const void *data, gsize length);

/* Makes the names in directory durable: what was made, renamed or removed. */
bool
file_sync_directory(const char *directory, GError **error);

/* Removes path and makes that durable. Missing is ERROR_MISSING. */
bool
file_remove(const char *path, GError **error);

/*
 * An exclusive flock on path (made when missing, mode 0600): the descriptor,
 * to be closed with file_unlock(), or -1. Waits.
 */
int
file_lock(const char *path, GError **error);
void
file_unlock(int lock);

/* mkdir -p with mode for each new one. */
bool
file_make_directories(const char *path, mode_t mode, GError **error);

#endif
