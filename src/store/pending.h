/* SPDX-License-Identifier: Apache-2.0 */
/*
 * STATE/pending: what an administrator decides by, one file for each waiting
 * certificate of an address. Private to src/store. All of it under STATE/lock.
 */
#ifndef STORE_PENDING_H
#define STORE_PENDING_H

#include "store/directory-private.h"

/* Certificates of a chain that are kept, and bytes of them in all. */
#define PENDING_CHAIN 10
#define PENDING_CHAIN_BYTES ((gsize)64 * 1024)

bool pending_write(Directory *directory, const DirectoryEntry *entry,
    const char *why, const char *mail, const GPtrArray *chain, GError **error);
/* None there is no error. */
bool pending_remove(
    Directory *directory, const DirectoryEntry *entry, GError **error);
/*
 * Makes room for one more: the oldest go, with their entries, when there are
 * max. A few more than needed, so that a flood does not cost a look at all of
 * them each time. *dropped_out: whether any went, the files of addresses have
 * to be read again then.
 */
bool pending_make_room(
    Directory *directory, guint max, bool *dropped_out, GError **error);

/* Waits, and for longer than DIRECTORY_PENDING_DAYS. */
bool pending_is_stale(const DirectoryEntry *entry, gint64 now);

#endif
