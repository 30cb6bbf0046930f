/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text of a file of the certificate directory: lines and PEM blocks to
 * entries and back. Private to src/store. Pure.
 */
#ifndef STORE_ENTRY_H
#define STORE_ENTRY_H

#include "store/directory.h"

/* Larger is none of ours. */
#define ENTRY_FILE_MAX ((gsize)1024 * 1024)

/* Used, by whom; no times. */
DirectoryEntry *entry_new(
    const char *address, const Cert *cert, EntrySource source);

/*
 * All entries of content, of DirectoryEntry, not shared with anybody yet.
 * address: whose file it is, as its name says; a line that names another one
 * does not count. NULL: the line is taken as it stands. when: for the times of
 * a certificate without them. ERROR_MALFORMED: "line 3: ...".
 */
GPtrArray *entry_parse(
    GBytes *content, const char *address, gint64 when, GError **error);
/* ERROR_MALFORMED: an address or capabilities that break the lines;
 * ERROR_LIMIT: more than ENTRY_FILE_MAX. */
GBytes *entry_text(const GPtrArray *entries, GError **error);

/* Has content a certificate whose fingerprint begins with prefix (lower case)?
 * Without parsing any; true for what only parsing tells. */
bool entry_text_has(GBytes *content, const char *prefix);

/* The first entry with this fingerprint, borrowed; NULL: none. */
DirectoryEntry *entry_find(const GPtrArray *entries, const char *fingerprint);

/* A line of others ("# name: value"); value: cleaned. */
void entry_add_line(
    DirectoryEntry *entry, const char *name, const char *value);
/* Its value, borrowed; NULL: no such line. */
const char *entry_line(const DirectoryEntry *entry, const char *name);

/* The digits of a whole fingerprint, lower case. */
bool entry_is_fingerprint(const char *text);

#endif
