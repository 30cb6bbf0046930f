/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An address is one file; a fingerprint may be anywhere, so the directory is
 * walked. A file that cannot be used may hold it too: that is said.
 */
#include "config.h"

#include "ctl/certfind.h"

#include <string.h>

#include "ctl/select.h"
#include "mime/address.h"

static GPtrArray *
entries_new(void)
{
	return g_ptr_array_new_with_free_func(
	    (GDestroyNotify)directory_entry_unref);
}

static bool
take_entry(gpointer entries, const char *address, DirectoryEntry *entry,
    const char *problem)
{
	if (entry != NULL) {
		g_ptr_array_add(entries, directory_entry_ref(entry));
	} else {
		report_warning(
		    "%s: %s; it may stand there too", address, problem);
	}
	return true;
}

GPtrArray *
certfind_by_fingerprint(
    Directory *directory, const char *prefix, GError **error)
{
	g_autoptr(GPtrArray) entries = entries_new();
	g_autoptr(GPtrArray) fingerprints = g_ptr_array_new();

	if (!directory_walk(
		directory, NULL, prefix, take_entry, entries, error)) {
		return NULL;
	}
	for (guint i = 0; i < entries->len; i++) {
		const DirectoryEntry *entry = entries->pdata[i];

		g_ptr_array_add(
		    fingerprints, (gpointer)cert_fingerprint(entry->cert));
	}
	if (select_one(fingerprints, prefix) == NULL) {
		g_ptr_array_set_size(entries, 0);
	}
	return g_steal_pointer(&entries);
}

GPtrArray *
certfind_pending(Directory *directory, const char *fingerprint, GError **error)
{
	g_autoptr(GPtrArray) all = directory_pending(directory, error);
	GPtrArray *entries = NULL;

	if (all == NULL) {
		return NULL;
	}
	entries = entries_new();
	for (guint i = 0; i < all->len; i++) {
		const DirectoryPending *pending = all->pdata[i];
		DirectoryEntry *entry = pending->entry;

		if (g_str_equal(cert_fingerprint(entry->cert), fingerprint)) {
			g_ptr_array_add(entries, directory_entry_ref(entry));
		}
	}
	return entries;
}

GPtrArray *
certfind_by_address(Directory *directory, const char *address, GError **error)
{
	g_autoptr(GPtrArray) entries =
	    directory_find(directory, address, error);
	g_autofree char *domain = NULL;

	if (entries == NULL || entries->len > 0 || address[0] == '@') {
		return g_steal_pointer(&entries);
	}
	domain = g_strconcat("@", address_domain(address), NULL);
	return directory_find(directory, domain, error);
}

DirectoryEntry *
certfind_entry(
    Directory *directory, const char *address, const char *fingerprint)
{
	g_autoptr(GPtrArray) entries = directory_find(directory, address, NULL);

	for (guint i = 0; entries != NULL && i < entries->len; i++) {
		DirectoryEntry *entry = entries->pdata[i];

		if (g_str_equal(entry->address, address) &&
		    g_str_equal(cert_fingerprint(entry->cert), fingerprint)) {
			return directory_entry_ref(entry);
		}
	}
	return NULL;
}
