/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The second files of certificates that wait for the administrator. Such a file
 * is the entry as it was made, with two lines more, and the chain behind it: so
 * it is read like any file of the directory. Its name is a hash of address and
 * fingerprint: nothing that a sender chose. Which one is oldest is told by the
 * times of the files. Whoever removes one removes the entry first: a file
 * without entry is left over from a crash, and means nothing.
 */
#include "config.h"

#include "store/pending.h"

#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/text.h"
#include "store/entry.h"
#include "store/listing.h"
#include "store/state.h"

#define SUFFIX ".pem"
#define DAY_SECONDS G_GINT64_CONSTANT(86400)
/* The part that goes at once when there is no room. */
#define BATCH_PART 256

static char *
path_of(const Directory *directory, const DirectoryEntry *entry)
{
	g_autofree char *text = g_strconcat(
	    entry->address, "\n", cert_fingerprint(entry->cert), NULL);
	g_autofree char *id =
	    g_compute_checksum_for_string(G_CHECKSUM_SHA256, text, -1);
	g_autofree char *name = g_strconcat(id, SUFFIX, NULL);

	return g_build_filename(directory->pending_dir, name, NULL);
}

bool
pending_is_stale(const DirectoryEntry *entry, gint64 now)
{
	return entry->state == ENTRY_PENDING &&
	    now - entry->first_seen > DIRECTORY_PENDING_DAYS * DAY_SECONDS;
}

static void
append_chain(GString *text, const GPtrArray *chain)
{
	gsize bytes = 0;

	for (guint i = 0; i < MIN(chain->len, PENDING_CHAIN); i++) {
		const Cert *cert = g_ptr_array_index(chain, i);
		g_autofree char *pem = cert_pem(cert);
		g_autofree char *subject = text_clean(cert_subject(cert), 1024);

		bytes += strlen(pem);
		if (bytes > PENDING_CHAIN_BYTES) {
			return;
		}
		g_string_append_printf(text, "\n# chain: %s\n%s", subject, pem);
	}
}

/* The entry with its two lines more, for the file alone. */
static GPtrArray *
dossier_of(const DirectoryEntry *entry, const char *why, const char *mail)
{
	GPtrArray *dossier = g_ptr_array_new_with_free_func(
	    (GDestroyNotify)directory_entry_unref);
	DirectoryEntry *copy =
	    entry_new(entry->address, entry->cert, entry->source);

	copy->state = ENTRY_PENDING;
	copy->first_seen = entry->first_seen;
	copy->last_seen = entry->last_seen;
	copy->signing_time = entry->signing_time;
	copy->capabilities = g_strdup(entry->capabilities);
	entry_add_line(copy, "why", why != NULL ? why : "not known");
	entry_add_line(copy, "mail", mail != NULL ? mail : "not known");
	g_ptr_array_add(dossier, copy);
	return dossier;
}

bool
pending_write(Directory *directory, const DirectoryEntry *entry,
    const char *why, const char *mail, const GPtrArray *chain, GError **error)
{
	g_autofree char *path = path_of(directory, entry);
	g_autoptr(GPtrArray) dossier = dossier_of(entry, why, mail);
	g_autoptr(GBytes) first = entry_text(dossier, error);
	g_autoptr(GString) text = NULL;
	g_autoptr(GBytes) content = NULL;
	gsize length = 0;
	const char *data = NULL;

	if (first == NULL) {
		return false;
	}
	data = g_bytes_get_data(first, &length);
	text = g_string_new_len(data, (gssize)length);
	if (chain != NULL) {
		append_chain(text, chain);
	}
	content = g_string_free_to_bytes(g_steal_pointer(&text));
	return file_write_atomic(path, content, 0600, 0700, error);
}

bool
pending_remove(
    Directory *directory, const DirectoryEntry *entry, GError **error)
{
	g_autofree char *path = path_of(directory, entry);

	return directory_remove_path(path, error);
}

/* The entry and, behind it, the chain. NULL without *error: it went. */
static GPtrArray *
read_dossier(const char *path, GError **error)
{
	g_autoptr(GError) reason = NULL;
	FileStamp stamp;
	GPtrArray *dossier = directory_read_path(path, NULL, &stamp, &reason);

	if (dossier == NULL &&
	    !g_error_matches(reason, ERROR_DOMAIN, ERROR_MISSING)) {
		g_propagate_error(error, g_steal_pointer(&reason));
	}
	return dossier;
}

static bool
waits(const DirectoryEntry *entry, const DirectoryEntry *dossier)
{
	return entry->state == ENTRY_PENDING &&
	    strcmp(entry->address, dossier->address) == 0 &&
	    strcmp(cert_fingerprint(entry->cert),
		cert_fingerprint(dossier->cert)) == 0;
}

/* The entry that a dossier belongs to, borrowed; NULL: none. */
static DirectoryEntry *
find_waiting(const GPtrArray *entries, const DirectoryEntry *dossier)
{
	for (guint i = 0; i < entries->len; i++) {
		DirectoryEntry *entry = g_ptr_array_index(entries, i);

		if (waits(entry, dossier)) {
			return entry;
		}
	}
	return NULL;
}

/* The entry, then the file: under the lock. */
static bool
drop_locked(Directory *directory, const char *path,
    const DirectoryEntry *dossier, GError **error)
{
	g_autoptr(GPtrArray) entries =
	    directory_read(directory, dossier->address, error);
	DirectoryEntry *entry = NULL;

	if (entries == NULL) {
		return false;
	}
	entry = find_waiting(entries, dossier);
	if (entry != NULL) {
		g_ptr_array_remove(entries, entry);
		if (!directory_write(
			directory, dossier->address, entries, error)) {
			return false;
		}
	}
	return directory_remove_path(path, error);
}

typedef struct {
	char *path;
	gint64 time_ns;
} Aged;

static void
free_aged(gpointer data)
{
	Aged *aged = data;

	g_free(aged->path);
	g_free(aged);
}

static int
compare_aged(gconstpointer a, gconstpointer b)
{
	const Aged *one = *(const Aged *const *)a;
	const Aged *other = *(const Aged *const *)b;

	if (one->time_ns != other->time_ns) {
		return one->time_ns < other->time_ns ? -1 : 1;
	}
	return strcmp(one->path, other->path);
}

static void
add_aged(GPtrArray *all, const Directory *directory, const char *name)
{
	FileStamp stamp;
	g_autofree char *path =
	    g_build_filename(directory->pending_dir, name, NULL);

	if (file_stamp(path, &stamp, NULL)) {
		Aged *aged = g_new0(Aged, 1);

		aged->path = g_steal_pointer(&path);
		aged->time_ns = stamp.mtime_ns;
		g_ptr_array_add(all, aged);
	}
}

/* All of them, oldest first. */
static GPtrArray *
list_aged(const Directory *directory, GError **error)
{
	g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func(free_aged);
	g_autofree char *after = g_strdup("");

	for (;;) {
		g_autoptr(GPtrArray) names =
		    listing_next(directory->pending_dir, after, SUFFIX, error);

		if (names == NULL) {
			return NULL;
		}
		if (names->len == 0) {
			break;
		}
		for (guint i = 0; i < names->len; i++) {
			add_aged(all, directory, g_ptr_array_index(names, i));
		}
		g_free(after);
		after = g_strdup(g_ptr_array_index(names, names->len - 1));
	}
	g_ptr_array_sort(all, compare_aged);
	return g_steal_pointer(&all);
}

/* Whether it could be dropped; one that cannot be read stays. */
static bool
drop_oldest(Directory *directory, const char *path)
{
	g_autoptr(GPtrArray) dossier = read_dossier(path, NULL);

	return dossier != NULL &&
	    drop_locked(directory, path, g_ptr_array_index(dossier, 0), NULL);
}

bool
pending_make_room(
    Directory *directory, guint max, bool *dropped_out, GError **error)
{
	g_autoptr(GPtrArray) all = NULL;
	guint count = 0;
	guint many = 0;

	*dropped_out = false;
	if (!listing_count(directory->pending_dir, SUFFIX, &count, error)) {
		return false;
	}
	if (count < max) {
		return true;
	}
	many = count - max + 1 + max / BATCH_PART;
	all = list_aged(directory, error);
	if (all == NULL) {
		return false;
	}
	for (guint i = 0; i < all->len && many > 0; i++) {
		const Aged *aged = g_ptr_array_index(all, i);

		if (drop_oldest(directory, aged->path)) {
			*dropped_out = true;
			many--;
		}
	}
	return true;
}

void
directory_pending_free(DirectoryPending *pending)
{
	if (pending == NULL) {
		return;
	}
	directory_entry_unref(pending->entry);
	g_free(pending->why);
	g_free(pending->mail);
	g_ptr_array_unref(pending->chain);
	g_free(pending);
}

static void
free_pending(gpointer data)
{
	directory_pending_free(data);
}

static DirectoryPending *
new_pending(const GPtrArray *dossier, DirectoryEntry *entry)
{
	const DirectoryEntry *first = g_ptr_array_index(dossier, 0);
	DirectoryPending *pending = g_new0(DirectoryPending, 1);

	pending->entry = directory_entry_ref(entry);
	pending->why = g_strdup(entry_line(first, "why"));
	pending->mail = g_strdup(entry_line(first, "mail"));
	pending->chain =
	    g_ptr_array_new_with_free_func((GDestroyNotify)cert_unref);
	for (guint i = 1; i < dossier->len; i++) {
		const DirectoryEntry *above = g_ptr_array_index(dossier, i);

		g_ptr_array_add(pending->chain, cert_ref(above->cert));
	}
	return pending;
}

/* Looks again with the lock held: what seemed to be left over may be one whose
 * entry was being written. */
static bool
drop_unless_waiting(Directory *directory, const char *path,
    const DirectoryEntry *dossier, gint64 now, bool *dropped_out,
    GError **error)
{
	int lock = state_lock(directory->state_dir, error);
	g_autoptr(GPtrArray) entries = NULL;
	const DirectoryEntry *entry = NULL;
	bool sound = false;

	if (lock == -1) {
		return false;
	}
	entries = directory_read(directory, dossier->address, error);
	if (entries != NULL) {
		entry = find_waiting(entries, dossier);
		*dropped_out = entry == NULL || pending_is_stale(entry, now);
		sound = !*dropped_out ||
		    drop_locked(directory, path, dossier, error);
	}
	file_unlock(lock);
	return sound;
}

/* One file: dropped, or added to found when that is not NULL. */
static bool
look_at(Directory *directory, const char *path, gint64 now, GPtrArray *found,
    guint *dropped, GError **error)
{
	g_autoptr(GError) reason = NULL;
	g_autoptr(GPtrArray) dossier = read_dossier(path, &reason);
	g_autoptr(GPtrArray) entries = NULL;
	DirectoryEntry *entry = NULL;
	bool gone = false;

	if (dossier == NULL) {
		if (reason != NULL) {
			g_propagate_error(error, g_steal_pointer(&reason));
			return false;
		}
		return true;
	}
	entry = g_ptr_array_index(dossier, 0);
	entries = directory_read(directory, entry->address, error);
	if (entries == NULL) {
		return false;
	}
	entry = find_waiting(entries, entry);
	if (entry != NULL && !pending_is_stale(entry, now)) {
		if (found != NULL) {
			g_ptr_array_add(found, new_pending(dossier, entry));
		}
		return true;
	}
	if (!drop_unless_waiting(directory, path, g_ptr_array_index(dossier, 0),
		now, &gone, error)) {
		return false;
	}
	/* Only what still waited counts: the rest was no entry. */
	*dropped += gone && entry != NULL ? 1 : 0;
	return true;
}

/* Goes through all of them; the first error is kept for the end. */
static bool
look_at_all(
    Directory *directory, GPtrArray *found, guint *dropped, GError **error)
{
	gint64 now = g_get_real_time() / G_USEC_PER_SEC;
	g_autoptr(GPtrArray) all = NULL;
	g_autoptr(GError) first = NULL;

	if (!state_check(directory->state_dir, error)) {
		return false;
	}
	all = list_aged(directory, error);
	if (all == NULL) {
		return false;
	}
	for (guint i = 0; i < all->len; i++) {
		const Aged *aged = g_ptr_array_index(all, i);

		(void)look_at(directory, aged->path, now, found, dropped,
		    first == NULL ? &first : NULL);
	}
	if (first != NULL) {
		g_propagate_error(error, g_steal_pointer(&first));
		return false;
	}
	return true;
}

static int
compare_first_seen(gconstpointer a, gconstpointer b)
{
	const DirectoryPending *one = *(const DirectoryPending *const *)a;
	const DirectoryPending *other = *(const DirectoryPending *const *)b;
	gint64 first = one->entry->first_seen;
	gint64 second = other->entry->first_seen;

	if (first != second) {
		return first < second ? -1 : 1;
	}
	return strcmp(one->entry->address, other->entry->address);
}

GPtrArray *
directory_pending(Directory *directory, GError **error)
{
	g_autoptr(GPtrArray) found =
	    g_ptr_array_new_with_free_func(free_pending);
	guint dropped = 0;

	if (!look_at_all(directory, found, &dropped, error)) {
		return NULL;
	}
	g_ptr_array_sort(found, compare_first_seen);
	return g_steal_pointer(&found);
}

bool
directory_sweep(Directory *directory, guint *dropped_out, GError **error)
{
	guint dropped = 0;

	if (!look_at_all(directory, NULL, &dropped, error)) {
		return false;
	}
	*dropped_out = dropped;
	return true;
}
