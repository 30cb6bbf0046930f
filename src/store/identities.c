/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Own identities on disk and in memory. A file is parsed once and kept under
 * its path for as long as its stamp stays: a lookup then costs one stat(2). It
 * operates no key and decides nothing about a mail. The cache lock is held for
 * table operations alone, never while a file is read: two threads may parse
 * the same new file once each. Writers hold STATE/lock and leave the cache
 * alone, since the stamp tells. What is handed out is shared and immutable. The
 * lock is a pthread one: race detectors do not see through GMutex.
 */
#include "config.h"

#include "store/identities.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "store/layout.h"
#include "store/state.h"

/* When as many files are in the cache it starts anew: a bound on memory that
 * no installation of a usual size ever meets. */
#define CACHE_MAX 65536

struct Identities {
	char *state_dir;
	char *keys_dir;
	pthread_mutex_t lock;
	GHashTable *cache; /* path: Entry; guarded by lock */
};

typedef struct {
	FileStamp stamp;
	GPtrArray *found; /* never changed */
} Entry;

static void
free_entry(gpointer data)
{
	Entry *entry = data;

	g_ptr_array_unref(entry->found);
	g_free(entry);
}

static GHashTable *
new_cache(void)
{
	return g_hash_table_new_full(
	    g_str_hash, g_str_equal, g_free, free_entry);
}

static void
unref_identity(gpointer data)
{
	keyring_unref(data);
}

static GPtrArray *
new_array(void)
{
	return g_ptr_array_new_with_free_func(unref_identity);
}

Identities *
identities_new(const char *state_dir)
{
	Identities *identities = g_new0(Identities, 1);

	identities->state_dir = g_strdup(state_dir);
	identities->keys_dir = g_build_filename(state_dir, "keys", NULL);
	identities->cache = new_cache();
	pthread_mutex_init(&identities->lock, NULL);
	return identities;
}

void
identities_free(Identities *identities)
{
	if (identities == NULL) {
		return;
	}
	g_hash_table_unref(identities->cache);
	pthread_mutex_destroy(&identities->lock);
	g_free(identities->keys_dir);
	g_free(identities->state_dir);
	g_free(identities);
}

/* The array of the cache itself, a reference; NULL when it is not there or
 * another one. */
static GPtrArray *
cache_get(Identities *identities, const char *path, const FileStamp *stamp)
{
	GPtrArray *found = NULL;
	const Entry *entry = NULL;

	pthread_mutex_lock(&identities->lock);
	entry = g_hash_table_lookup(identities->cache, path);
	if (entry != NULL && file_stamp_equal(&entry->stamp, stamp)) {
		found = g_ptr_array_ref(entry->found);
	}
	pthread_mutex_unlock(&identities->lock);
	return found;
}

static void
cache_put(Identities *identities, const char *path, const FileStamp *stamp,
    GPtrArray *found)
{
	g_autoptr(GHashTable) old = NULL;
	g_autoptr(GPtrArray) replaced = NULL;
	Entry *entry = g_new0(Entry, 1);
	Entry *before = NULL;

	entry->stamp = *stamp;
	entry->found = g_ptr_array_ref(found);
	pthread_mutex_lock(&identities->lock);
	if (g_hash_table_size(identities->cache) >= CACHE_MAX) {
		old = g_steal_pointer(&identities->cache);
		identities->cache = new_cache();
	}
	/* Freed with the lock released, keys and all. */
	before = g_hash_table_lookup(identities->cache, path);
	if (before != NULL) {
		replaced = g_ptr_array_ref(before->found);
	}
	g_hash_table_replace(identities->cache, g_strdup(path), entry);
	pthread_mutex_unlock(&identities->lock);
}

/* A file that is gone: its keys should not stay in memory. */
static void
cache_drop(Identities *identities, const char *path)
{
	g_autofree char *key = NULL;
	Entry *entry = NULL;

	pthread_mutex_lock(&identities->lock);
	(void)g_hash_table_steal_extended(
	    identities->cache, path, (gpointer *)&key, (gpointer *)&entry);
	pthread_mutex_unlock(&identities->lock);
	if (entry != NULL) {
		free_entry(entry);
	}
}

static int
compare_not_before(gconstpointer a, gconstpointer b)
{
	const Identity *one = *(const Identity *const *)a;
	const Identity *other = *(const Identity *const *)b;
	gint64 first = cert_not_before(keyring_cert(one));
	gint64 second = cert_not_before(keyring_cert(other));

	return first > second ? -1 : first < second ? 1 : 0;
}

/* Who may read a key file may send in its owner's name. */
static bool
check_rights(const char *path, const FileStamp *stamp, GError **error)
{
	if ((stamp->mode & 077) != 0) {
		g_set_error(error, ERROR_DOMAIN, ERROR_PERMISSION,
		    "%s: open to group or others (mode %04o): chmod 600 %s",
		    path, (guint)stamp->mode & 07777, path);
		return false;
	}
	if (stamp->owner != 0 && stamp->owner != geteuid()) {
		g_set_error(error, ERROR_DOMAIN, ERROR_PERMISSION,
		    "%s: belongs to user id %lu: chown %lu %s", path,
		    (gulong)stamp->owner, (gulong)geteuid(), path);
		return false;
	}
	return true;
}

/* Reads and parses, newest first; *stamp_out is that of the bytes read. */
static GPtrArray *
read_identities(const char *path, FileStamp *stamp_out, GError **error)
{
	FileStamp stamp;
	g_autoptr(GBytes) content =
	    file_read(path, KEYRING_FILE_MAX, &stamp, error);
	g_autoptr(GPtrArray) found = NULL;

	if (content == NULL || !check_rights(path, &stamp, error)) {
		return NULL;
	}
	found = keyring_read(content, error);
	if (found == NULL) {
		g_prefix_error(error, "%s: ", path);
		return NULL;
	}
	g_ptr_array_sort(found, compare_not_before);
	*stamp_out = stamp;
	return g_steal_pointer(&found);
}

/* No file is no identity, but only where there is a state directory. */
static GPtrArray *
find_missing(Identities *identities, const char *path, GError **error)
{
	cache_drop(identities, path);
	return state_check(identities->state_dir, error) ? new_array() : NULL;
}

/* The identities of a file, as one shared array that nobody changes. */
static GPtrArray *
find_shared(Identities *identities, const char *path, GError **error)
{
	g_autoptr(GPtrArray) found = NULL;
	g_autoptr(GError) reason = NULL;
	FileStamp stamp;

	if (!file_stamp(path, &stamp, &reason)) {
		if (reason == NULL) {
			return find_missing(identities, path, error);
		}
		g_propagate_error(error, g_steal_pointer(&reason));
		return NULL;
	}
	found = cache_get(identities, path, &stamp);
	if (found != NULL) {
		return g_steal_pointer(&found);
	}
	found = read_identities(path, &stamp, &reason);
	if (found == NULL) {
		if (g_error_matches(reason, ERROR_DOMAIN, ERROR_MISSING)) {
			return find_missing(identities, path, error);
		}
		g_propagate_error(error, g_steal_pointer(&reason));
		return NULL;
	}
	if (file_stamp_settled(&stamp)) {
		cache_put(identities, path, &stamp, found);
	}
	return g_steal_pointer(&found);
}

/* Of an address that can have a file; NULL without *error: it cannot. */
static char *
path_of(const Identities *identities, const char *address)
{
	return layout_path(identities->keys_dir, address, NULL);
}

static gpointer
ref_identity(gconstpointer identity, gpointer data)
{
	(void)data;
	return keyring_ref((Identity *)identity);
}

GPtrArray *
identities_find(Identities *identities, const char *address, GError **error)
{
	g_autofree char *path = path_of(identities, address);
	g_autoptr(GPtrArray) shared = NULL;
	GPtrArray *found = NULL;

	/* No file can bear the name, so there is none. */
	if (path == NULL) {
		return state_check(identities->state_dir, error) ? new_array()
								 : NULL;
	}
	shared = find_shared(identities, path, error);
	if (shared == NULL) {
		return NULL;
	}
	found = g_ptr_array_copy(shared, ref_identity, NULL);
	g_ptr_array_set_free_func(found, unref_identity);
	return found;
}

/* What this one can do for address now. */
static IdentityState
judge(const Identity *identity, const char *address, gint64 at)
{
	const Cert *cert = keyring_cert(identity);

	if (!cert_has_address(cert, address, true) ||
	    !cert_fit_for_signing(cert, NULL)) {
		return IDENTITY_UNFIT;
	}
	if (at > cert_not_after(cert)) {
		return IDENTITY_EXPIRED;
	}
	if (at < cert_not_before(cert)) {
		return IDENTITY_NOT_YET_VALID;
	}
	return IDENTITY_FOUND;
}

/* Of two reasons the one that is nearer to a signature. */
static IdentityState
nearer(IdentityState a, IdentityState b)
{
	static const int distance[] = {
		[IDENTITY_FOUND] = 0,
		[IDENTITY_EXPIRED] = 1,
		[IDENTITY_NOT_YET_VALID] = 2,
		[IDENTITY_UNFIT] = 3,
		[IDENTITY_MISSING] = 4,
	};

	return distance[a] < distance[b] ? a : b;
}

bool
identities_signer(Identities *identities, const char *address, gint64 at,
    IdentityState *state_out, Identity **identity_out, GError **error)
{
	g_autoptr(GPtrArray) found =
	    identities_find(identities, address, error);
	IdentityState state = IDENTITY_MISSING;

	if (found == NULL) {
		return false;
	}
	for (guint i = 0; i < found->len; i++) {
		Identity *identity = g_ptr_array_index(found, i);

		state = nearer(state, judge(identity, address, at));
		if (state == IDENTITY_FOUND) {
			*identity_out = keyring_ref(identity);
			break;
		}
	}
	*state_out = state;
	return true;
}

static bool
has_fingerprint(const Identity *identity, const char *fingerprint)
{
	return text_equal_fold(
	    cert_fingerprint(keyring_cert(identity)), fingerprint);
}

/* Takes the identity out of the array; whether it was there. */
static bool
take_out(GPtrArray *array, const char *fingerprint)
{
	bool taken = false;

	for (guint i = array->len; i > 0; i--) {
		if (has_fingerprint(
			g_ptr_array_index(array, i - 1), fingerprint)) {
			g_ptr_array_remove_index(array, i - 1);
			taken = true;
		}
	}
	return taken;
}

typedef struct {
	char *text;
	gsize length;
} Secret;

static void
free_secret(gpointer data)
{
	Secret *secret = data;

	explicit_bzero(secret->text, secret->length);
	g_free(secret->text);
	g_free(secret);
}

/* pieces: of GBytes. One block from the start: growing would leave copies of
 * keys behind. */
static GBytes *
join_secrets(const GPtrArray *pieces)
{
	Secret *secret = g_new0(Secret, 1);
	gsize at = 0;

	for (guint i = 0; i < pieces->len; i++) {
		secret->length +=
		    g_bytes_get_size(g_ptr_array_index(pieces, i));
	}
	secret->text = g_malloc(secret->length);
	for (guint i = 0; i < pieces->len; i++) {
		gsize length = 0;
		const void *text =
		    g_bytes_get_data(g_ptr_array_index(pieces, i), &length);

		memcpy(secret->text + at, text, length);
		at += length;
	}
	return g_bytes_new_with_free_func(
	    secret->text, secret->length, free_secret, secret);
}

static bool
write_identities(const char *path, GPtrArray *array, GError **error)
{
	g_autoptr(GPtrArray) pieces =
	    g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
	g_autoptr(GBytes) content = NULL;

	g_ptr_array_sort(array, compare_not_before);
	for (guint i = 0; i < array->len; i++) {
		GBytes *piece =
		    keyring_write(g_ptr_array_index(array, i), error);

		if (piece == NULL) {
			return false;
		}
		g_ptr_array_add(pieces, piece);
	}
	content = join_secrets(pieces);
	if (g_bytes_get_size(content) > KEYRING_FILE_MAX) {
		g_set_error(error, ERROR_DOMAIN, ERROR_LIMIT,
		    "%s: too many identities for one address; remove old ones",
		    path);
		return false;
	}
	return file_write_atomic(path, content, 0600, 0700, error);
}

/* A file that is about to be written; none yet is an empty array. */
static GPtrArray *
read_for_change(const char *path, GError **error)
{
	g_autoptr(GError) reason = NULL;
	FileStamp stamp;
	GPtrArray *array = read_identities(path, &stamp, &reason);

	if (array != NULL) {
		return array;
	}
	if (g_error_matches(reason, ERROR_DOMAIN, ERROR_MISSING)) {
		return new_array();
	}
	g_propagate_error(error, g_steal_pointer(&reason));
	return NULL;
}

/* Everything that can be known to be wrong is, before the first write. */
static bool
read_all_for_change(const char *keys_dir, const char *const *addresses,
    GPtrArray *paths, GPtrArray *arrays, GError **error)
{
	for (; *addresses != NULL; addresses++) {
		char *path = layout_path(keys_dir, *addresses, error);
		GPtrArray *array = NULL;

		if (path == NULL) {
			return false;
		}
		g_ptr_array_add(paths, path);
		array = read_for_change(path, error);
		if (array == NULL) {
			return false;
		}
		g_ptr_array_add(arrays, array);
	}
	return true;
}

static bool
add_locked(Identities *identities, const Identity *identity,
    const char *const *addresses, GError **error)
{
	const char *fingerprint = cert_fingerprint(keyring_cert(identity));
	g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GPtrArray) arrays =
	    g_ptr_array_new_with_free_func((GDestroyNotify)g_ptr_array_unref);

	if (!read_all_for_change(
		identities->keys_dir, addresses, paths, arrays, error)) {
		return false;
	}
	for (guint i = 0; i < paths->len; i++) {
		GPtrArray *array = g_ptr_array_index(arrays, i);

		(void)take_out(array, fingerprint);
		g_ptr_array_add(array, keyring_ref((Identity *)identity));
		if (!write_identities(
			g_ptr_array_index(paths, i), array, error)) {
			return false;
		}
	}
	return true;
}

bool
identities_add(Identities *identities, const Identity *identity,
    const char *const *addresses, GError **error)
{
	int lock = state_lock(identities->state_dir, error);
	bool added = false;

	if (lock == -1) {
		return false;
	}
	added = add_locked(identities, identity, addresses, error);
	file_unlock(lock);
	return added;
}

/* *removed_out: whether the file had it. */
static bool
remove_from_file(const char *path, const char *fingerprint, bool *removed_out,
    GError **error)
{
	FileStamp stamp;
	g_autoptr(GPtrArray) array = read_identities(path, &stamp, error);

	if (array == NULL) {
		return false;
	}
	if (!take_out(array, fingerprint)) {
		*removed_out = false;
		return true;
	}
	*removed_out = true;
	return array->len == 0 ? file_remove(path, error)
			       : write_identities(path, array, error);
}

/*
 * What a crash in the middle of a write left beside path: it may hold the very
 * key that is to go. With the lock held nobody is writing.
 */
static void
sweep_temporary_files(const char *path)
{
	g_autofree char *parent = g_path_get_dirname(path);
	g_autoptr(GDir) directory = g_dir_open(parent, 0, NULL);
	const char *name = NULL;

	while (
	    directory != NULL && (name = g_dir_read_name(directory)) != NULL) {
		if (g_str_has_prefix(name, FILE_TEMPORARY)) {
			g_autofree char *left =
			    g_build_filename(parent, name, NULL);

			(void)g_unlink(left);
		}
	}
}

/*
 * All files are gone through even when one cannot be used; the first such is
 * the error then, since it may still have the key.
 */
static bool
remove_locked(Identities *identities, const char *fingerprint,
    guint *removed_out, GError **error)
{
	g_autoptr(GPtrArray) addresses =
	    layout_list(identities->keys_dir, error);
	g_autoptr(GError) first = NULL;
	guint removed = 0;

	if (addresses == NULL) {
		return false;
	}
	for (guint i = 0; i < addresses->len; i++) {
		g_autofree char *path =
		    path_of(identities, g_ptr_array_index(addresses, i));
		bool had_it = false;

		if (!remove_from_file(path, fingerprint, &had_it,
			first == NULL ? &first : NULL)) {
			continue;
		}
		if (had_it) {
			sweep_temporary_files(path);
			removed++;
		}
	}
	if (first != NULL) {
		g_propagate_prefixed_error(error, g_steal_pointer(&first),
		    "removed from %u files, but not looked for in all: ",
		    removed);
		return false;
	}
	*removed_out = removed;
	return true;
}

bool
identities_remove(
    Identities *identities, const char *fingerprint, GError **error)
{
	int lock = state_lock(identities->state_dir, error);
	guint removed = 0;
	bool sound = false;

	if (lock == -1) {
		return false;
	}
	sound = remove_locked(identities, fingerprint, &removed, error);
	file_unlock(lock);
	if (sound && removed == 0) {
		g_set_error(error, ERROR_DOMAIN, ERROR_MISSING,
		    "no identity has the fingerprint %s", fingerprint);
		return false;
	}
	return sound;
}

void
identities_entry_free(IdentityEntry *entry)
{
	if (entry == NULL) {
		return;
	}
	g_free(entry->address);
	keyring_unref(entry->identity);
	g_free(entry->problem);
	g_free(entry);
}

static void
free_list_entry(gpointer data)
{
	identities_entry_free(data);
}

static void
add_entry(GPtrArray *entries, const char *address, Identity *identity,
    const char *problem)
{
	IdentityEntry *entry = g_new0(IdentityEntry, 1);

	entry->address = g_strdup(address);
	entry->identity = identity == NULL ? NULL : keyring_ref(identity);
	entry->problem = g_strdup(problem);
	g_ptr_array_add(entries, entry);
}

GPtrArray *
identities_list(Identities *identities, GError **error)
{
	g_autoptr(GPtrArray) entries =
	    g_ptr_array_new_with_free_func(free_list_entry);
	g_autoptr(GPtrArray) addresses = NULL;

	if (!state_check(identities->state_dir, error)) {
		return NULL;
	}
	addresses = layout_list(identities->keys_dir, error);
	if (addresses == NULL) {
		return NULL;
	}
	for (guint i = 0; i < addresses->len; i++) {
		const char *address = g_ptr_array_index(addresses, i);
		g_autoptr(GError) reason = NULL;
		g_autoptr(GPtrArray) found =
		    identities_find(identities, address, &reason);

		if (found == NULL) {
			add_entry(entries, address, NULL, reason->message);
			continue;
		}
		for (guint j = 0; j < found->len; j++) {
			add_entry(entries, address, g_ptr_array_index(found, j),
			    NULL);
		}
	}
	return g_steal_pointer(&entries);
}
