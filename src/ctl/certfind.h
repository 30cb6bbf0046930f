/* SPDX-License-Identifier: Apache-2.0 */
/* Entries of the certificate directory by what stands on the command line. */
#ifndef CTL_CERTFIND_H
#define CTL_CERTFIND_H

#include <glib.h>
#include <stdbool.h>

#include "store/directory.h"

/*
 * All entries with the one fingerprint that starts with prefix; of
 * DirectoryEntry, transfer full. Walks the directory. Empty: none, or several
 * fingerprints, which is said on standard error.
 */
GPtrArray *certfind_by_fingerprint(
    Directory *directory, const char *prefix, GError **error);

/* The same among those that wait, without a walk; says nothing. prefix: all
 * digits, which cannot mean another one. */
GPtrArray *certfind_pending(
    Directory *directory, const char *fingerprint, GError **error);

/* The entries of this normalised address or "@domain"; where the address has
 * none, those of its domain. */
GPtrArray *certfind_by_address(
    Directory *directory, const char *address, GError **error);

/* The entry with this fingerprint for this address, transfer full; NULL: it is
 * not there, or the file cannot be used. */
DirectoryEntry *certfind_entry(
    Directory *directory, const char *address, const char *fingerprint);

#endif
