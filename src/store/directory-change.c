/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the administrator does to the certificates of partners: import, pin,
 * approve, block, remove. Of several files either all can be changed, as far as
 * that can be known, or none is. A certificate that waited and waits no longer
 * loses its second file behind the write of the first.
 */
#include "config.h"

#include "store/directory-private.h"

#include <string.h>

#include "base/error.h"
#include "store/entry.h"
#include "store/pending.h"
#include "store/state.h"

static void
unref_entry(gpointer data)
{
	directory_entry_unref(data);
}

static GPtrArray *
new_array(void)
{
	return g_ptr_array_new_with_free_func(unref_entry);
}

static bool
write_decided(Directory *directory, const char *address,
    const GPtrArray *entries, const GPtrArray *decided, GError **error)
{
	if (!directory_write(directory, address, entries, error)) {
		return false;
	}
	for (guint i = 0; i < decided->len; i++) {
		if (!pending_remove(
			directory, g_ptr_array_index(decided, i), error)) {
			return false;
		}
	}
	return true;
}

typedef struct {
	const Cert *cert;
	bool pin;
	gint64 now;
} Import;

static void
import_into(const Import *import, const char *address, GPtrArray *entries,
    GPtrArray *decided)
{
	DirectoryEntry *entry =
	    entry_find(entries, cert_fingerprint(import->cert));

	if (entry == NULL) {
		entry = entry_new(address, import->cert, ENTRY_IMPORTED);
		entry->first_seen = import->now;
		entry->last_seen = import->now;
		g_ptr_array_add(entries, entry);
	}
	if (entry->state == ENTRY_PENDING) {
		/* Its second file bears the address as it was. */
		g_ptr_array_add(decided,
		    entry_new(entry->address, entry->cert, ENTRY_HARVESTED));
	}
	g_free(entry->address);
	entry->address = g_strdup(address);
	entry->state = ENTRY_USED;
	entry->source = ENTRY_IMPORTED;
	entry->pinned = entry->pinned || import->pin;
}

static bool
import_one(Directory *directory, const Import *import, const char *address,
    bool write, GError **error)
{
	g_autoptr(GPtrArray) entries =
	    directory_read(directory, address, error);
	g_autoptr(GPtrArray) decided = new_array();
	g_autoptr(GBytes) text = NULL;

	if (entries == NULL) {
		return false;
	}
	import_into(import, address, entries, decided);
	if (write) {
		return write_decided(
		    directory, address, entries, decided, error);
	}
	text = entry_text(entries, error);
	if (text == NULL) {
		g_prefix_error(error, "%s: ", address);
	}
	return text != NULL;
}

/* Everything that can be known to be wrong is, before the first write. */
static bool
import_locked(Directory *directory, const Import *import,
    const char *const *addresses, GError **error)
{
	for (guint i = 0; addresses[i] != NULL; i++) {
		if (!import_one(
			directory, import, addresses[i], false, error)) {
			return false;
		}
	}
	for (guint i = 0; addresses[i] != NULL; i++) {
		if (!import_one(directory, import, addresses[i], true, error)) {
			return false;
		}
	}
	return true;
}

static gint64
now_seconds(void)
{
	return g_get_real_time() / G_USEC_PER_SEC;
}

bool
directory_import(Directory *directory, const Cert *cert,
    const char *const *addresses, bool pin, GError **error)
{
	Import import = { .cert = cert, .pin = pin, .now = now_seconds() };
	int lock = state_lock(directory->state_dir, error);
	bool imported = false;

	if (lock == -1) {
		return false;
	}
	imported = import_locked(directory, &import, addresses, error);
	file_unlock(lock);
	return imported;
}

/* NULL: it can be done. */
static const char *
objection(const DirectoryEntry *entry, DirectoryChange change)
{
	if (change == DIRECTORY_APPROVE && entry->state == ENTRY_BLOCKED) {
		return "is blocked; import it to use it again";
	}
	if (change != DIRECTORY_PIN) {
		return NULL;
	}
	if (entry->state == ENTRY_PENDING) {
		return "waits for approval; approve it before it is pinned";
	}
	return entry->state == ENTRY_BLOCKED
	    ? "is blocked; import it before it is pinned"
	    : NULL;
}

/* All but removing it. */
static void
apply(DirectoryEntry *entry, DirectoryChange change)
{
	switch (change) {
	case DIRECTORY_PIN:
		entry->pinned = true;
		break;
	case DIRECTORY_UNPIN:
		entry->pinned = false;
		break;
	case DIRECTORY_APPROVE:
		entry->state = ENTRY_USED;
		if (entry->source == ENTRY_HARVESTED) {
			entry->source = ENTRY_APPROVED;
		}
		break;
	case DIRECTORY_BLOCK:
		entry->state = ENTRY_BLOCKED;
		entry->pinned = false;
		break;
	case DIRECTORY_REMOVE:
		break;
	}
}

typedef struct {
	const char *fingerprint;
	DirectoryChange change;
} Order;

/* *found_out: whether entries has the certificate. */
static bool
check_order(const Order *order, const GPtrArray *entries, bool *found_out,
    GError **error)
{
	*found_out = false;
	for (guint i = 0; i < entries->len; i++) {
		const DirectoryEntry *entry = g_ptr_array_index(entries, i);
		const char *why = NULL;

		if (strcmp(cert_fingerprint(entry->cert), order->fingerprint) !=
		    0) {
			continue;
		}
		*found_out = true;
		why = objection(entry, order->change);
		if (why != NULL) {
			g_set_error(error, ERROR_DOMAIN, ERROR_UNFIT,
			    "%s: the certificate %s", entry->address, why);
			return false;
		}
	}
	return true;
}

static void
carry_out(const Order *order, GPtrArray *entries, GPtrArray *decided)
{
	for (guint i = entries->len; i > 0; i--) {
		DirectoryEntry *entry = g_ptr_array_index(entries, i - 1);

		if (strcmp(cert_fingerprint(entry->cert), order->fingerprint) !=
		    0) {
			continue;
		}
		if (entry->state == ENTRY_PENDING) {
			g_ptr_array_add(decided, directory_entry_ref(entry));
		}
		apply(entry, order->change);
		if (order->change == DIRECTORY_REMOVE) {
			g_ptr_array_remove_index(entries, i - 1);
		}
	}
}

static bool
change_one(Directory *directory, const Order *order, const char *address,
    bool write, guint *found, GError **error)
{
	g_autoptr(GPtrArray) entries =
	    directory_read(directory, address, error);
	g_autoptr(GPtrArray) decided = new_array();
	bool there = false;

	if (entries == NULL || !check_order(order, entries, &there, error)) {
		return false;
	}
	if (!there || !write) {
		*found += there ? 1 : 0;
		return true;
	}
	carry_out(order, entries, decided);
	return write_decided(directory, address, entries, decided, error);
}

static bool
change_locked(Directory *directory, const Order *order,
    const GPtrArray *addresses, GError **error)
{
	guint found = 0;

	for (guint i = 0; i < addresses->len; i++) {
		if (!change_one(directory, order,
			g_ptr_array_index(addresses, i), false, &found,
			error)) {
			return false;
		}
	}
	if (found == 0) {
		g_set_error(error, ERROR_DOMAIN, ERROR_MISSING,
		    "no certificate of a partner has the fingerprint %s",
		    order->fingerprint);
		return false;
	}
	for (guint i = 0; i < addresses->len; i++) {
		if (!change_one(directory, order,
			g_ptr_array_index(addresses, i), true, &found, error)) {
			return false;
		}
	}
	return true;
}

typedef struct {
	GPtrArray *addresses;
	char *problem; /* the first */
} Search;

static bool
note_address(gpointer data, const char *address, DirectoryEntry *entry,
    const char *problem)
{
	Search *search = data;

	if (entry != NULL) {
		g_ptr_array_add(search->addresses, g_strdup(address));
	} else if (search->problem == NULL) {
		search->problem = g_strdup(problem);
	}
	return true;
}

/* Where it is, as far as can be read; a file that cannot be used is an error
 * only when it is nowhere else. */
static bool
find_everywhere(Directory *directory, const char *fingerprint,
    GPtrArray *addresses, GError **error)
{
	Search search = { .addresses = addresses };
	g_autofree char *problem = NULL;
	bool walked = directory_walk(
	    directory, NULL, fingerprint, note_address, &search, error);

	problem = search.problem;
	if (walked && addresses->len == 0 && problem != NULL) {
		g_set_error(error, ERROR_DOMAIN, ERROR_MALFORMED,
		    "the certificate was not found, but this cannot be read: "
		    "%s",
		    problem);
		return false;
	}
	return walked;
}

bool
directory_change(Directory *directory, const char *fingerprint,
    const char *address, DirectoryChange change, GError **error)
{
	Order order = { .fingerprint = fingerprint, .change = change };
	g_autoptr(GPtrArray) addresses = g_ptr_array_new_with_free_func(g_free);
	int lock = -1;
	bool changed = false;

	if (!entry_is_fingerprint(fingerprint)) {
		g_set_error_literal(error, ERROR_DOMAIN, ERROR_MISSING,
		    "no certificate has such a fingerprint: 64 hex digits");
		return false;
	}
	/* The walk takes long and needs no lock: what it found is looked at
	 * again. */
	if (address != NULL) {
		g_ptr_array_add(addresses, g_strdup(address));
	} else if (!find_everywhere(directory, fingerprint, addresses, error)) {
		return false;
	}
	lock = state_lock(directory->state_dir, error);
	if (lock == -1) {
		return false;
	}
	changed = change_locked(directory, &order, addresses, error);
	file_unlock(lock);
	return changed;
}
