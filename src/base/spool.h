/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The spool: the bytes of one message on their way, memory first, from
 * memory_max bytes on in an unlinked file of directory, read back as one
 * mapping. Used by one thread at a time.
 */
#ifndef BASE_SPOOL_H
#define BASE_SPOOL_H

#include <glib.h>
#include <stdbool.h>

typedef struct Spool Spool;

/* What is kept in memory before a file is used: making and dropping a file
 * costs more than the hash of a megabyte. */
#define SPOOL_MEMORY ((gsize)2 * 1024 * 1024)

/* directory is copied; touched only when memory_max is exceeded. */
Spool *
spool_new(const char *directory, gsize memory_max);
void
spool_free(Spool *spool);

/* ERROR_IO when the disk is full or not writable; the spool is then dead and
 * each further call fails. */
bool
spool_write(Spool *spool, const void *data, gsize length, GError **error);
gsize
spool_length(const Spool *spool);

/*
 * Ends writing and hands over the content: the memory itself or a private
 * read-only mapping of the file, unmapped with the last reference. transfer
 * full. The spool is empty afterwards and can only be freed.
 */
GBytes *
spool_finish(Spool *spool, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Spool, spool_free)

#endif
