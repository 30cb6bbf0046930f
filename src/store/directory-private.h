/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the certificate directory's module share. Private to
 * src/store.
 */
#ifndef STORE_DIRECTORY_PRIVATE_H
#define STORE_DIRECTORY_PRIVATE_H

#include <pthread.h>

#include "base/file.h"
#include "store/directory.h"

struct Directory {
	char *state_dir;
	char *certs_dir;
	char *pending_dir;
	pthread_mutex_t lock;
	/* Path: a file as it was read; guarded by lock, as weight, the number
	 * of entries in young. What is met in old moves to young; when young
	 * is full, it becomes old. */
	GHashTable *young;
	GHashTable *old;
	guint weight;
};

/* The file of an address: fresh, nobody else's. Missing: empty. */
GPtrArray *directory_read(
    Directory *directory, const char *address, GError **error);
/* Under the lock. Without entries the file goes. */
bool directory_write(Directory *directory, const char *address,
    const GPtrArray *entries, GError **error);
/* One file that exists, with the advice what to do when it is broken. */
GPtrArray *directory_read_path(const char *path, const char *address,
    FileStamp *stamp_out, GError **error);
/* As directory_read_path(); prefix is not in it: empty, and not parsed. */
GPtrArray *directory_read_with(const char *path, const char *address,
    const char *prefix, GError **error);
/* One that is gone already is as good. */
bool directory_remove_path(const char *path, GError **error);

#endif
