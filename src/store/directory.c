/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The certificates of partners: found, kept in memory for as long as the stamp
 * of their file stays, read and written for the modules that change them: what
 * a mail may change is directory-harvest.c's part, what the administrator
 * directory-change.c's, the walk over all files directory-walk.c's. A lookup
 * reads by path, a stat(2) when the file is in the cache. Entries that were
 * handed out or are in the cache are never changed: writers hold STATE/lock,
 * read the file for themselves and leave the cache alone, since the stamp
 * tells. The cache lock is held for table operations alone; it is a pthread
 * one: race detectors do not see through GMutex.
 */
#include "config.h"

#include "store/directory-private.h"

#include "base/error.h"
#include "store/entry.h"
#include "store/layout.h"
#include "store/state.h"

/* Entries in each half of the cache: what memory it takes does not depend on
 * how many addresses there are. */
#define CACHE_MAX 1024U

typedef struct {
	FileStamp stamp;
	GPtrArray *entries; /* never changed */
} Cached;

static void
free_cached(gpointer data)
{
	Cached *cached = data;

	g_ptr_array_unref(cached->entries);
	g_free(cached);
}

static GHashTable *
new_cache(void)
{
	return g_hash_table_new_full(
	    g_str_hash, g_str_equal, g_free, free_cached);
}

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

Directory *
directory_new(const char *state_dir)
{
	Directory *directory = g_new0(Directory, 1);

	directory->state_dir = g_strdup(state_dir);
	directory->certs_dir = g_build_filename(state_dir, "certs", NULL);
	directory->pending_dir = g_build_filename(state_dir, "pending", NULL);
	directory->young = new_cache();
	directory->old = new_cache();
	pthread_mutex_init(&directory->lock, NULL);
	return directory;
}

void
directory_free(Directory *directory)
{
	if (directory == NULL) {
		return;
	}
	g_hash_table_unref(directory->young);
	g_hash_table_unref(directory->old);
	pthread_mutex_destroy(&directory->lock);
	g_free(directory->pending_dir);
	g_free(directory->certs_dir);
	g_free(directory->state_dir);
	g_free(directory);
}

static guint
weight_of(const Cached *cached)
{
	return cached->entries->len;
}

/* Into young; what must be freed for it is returned, for behind the lock. */
static GHashTable *
insert_locked(Directory *directory, char *path, Cached *cached)
{
	GHashTable *gone = NULL;

	directory->weight += weight_of(cached);
	g_hash_table_replace(directory->young, path, cached);
	if (directory->weight >= CACHE_MAX) {
		gone = directory->old;
		directory->old = directory->young;
		directory->young = new_cache();
		directory->weight = 0;
	}
	return gone;
}

/* Out of both halves; false: in neither. */
static bool
take_locked(
    Directory *directory, const char *path, char **key_out, Cached **cached_out)
{
	if (g_hash_table_steal_extended(directory->young, path,
		(gpointer *)key_out, (gpointer *)cached_out)) {
		directory->weight -=
		    MIN(directory->weight, weight_of(*cached_out));
		return true;
	}
	return g_hash_table_steal_extended(
	    directory->old, path, (gpointer *)key_out, (gpointer *)cached_out);
}

static void
drop(Directory *directory, const char *path)
{
	char *key = NULL;
	Cached *cached = NULL;

	pthread_mutex_lock(&directory->lock);
	(void)take_locked(directory, path, &key, &cached);
	pthread_mutex_unlock(&directory->lock);
	g_free(key);
	if (cached != NULL) {
		free_cached(cached);
	}
}

static void
keep(Directory *directory, const char *path, const FileStamp *stamp,
    GPtrArray *entries)
{
	g_autoptr(GHashTable) gone = NULL;
	Cached *cached = g_new0(Cached, 1);

	drop(directory, path);
	cached->stamp = *stamp;
	cached->entries = g_ptr_array_ref(entries);
	pthread_mutex_lock(&directory->lock);
	gone = insert_locked(directory, g_strdup(path), cached);
	pthread_mutex_unlock(&directory->lock);
}

/* As it was read, whatever has become of the file; NULL: not in the cache. */
static GPtrArray *
recall(Directory *directory, const char *path, FileStamp *stamp_out)
{
	g_autoptr(GHashTable) gone = NULL;
	GPtrArray *entries = NULL;
	const Cached *cached = NULL;
	char *key = NULL;
	Cached *moved = NULL;

	pthread_mutex_lock(&directory->lock);
	cached = g_hash_table_lookup(directory->young, path);
	if (cached == NULL && take_locked(directory, path, &key, &moved)) {
		cached = moved;
	}
	if (cached != NULL) {
		entries = g_ptr_array_ref(cached->entries);
		*stamp_out = cached->stamp;
	}
	if (moved != NULL) {
		gone = insert_locked(directory, key, moved);
	}
	pthread_mutex_unlock(&directory->lock);
	return entries;
}

static void
add_advice(const char *path, GError **error)
{
	g_prefix_error(error, "%s: ", path);
	if (error != NULL && *error != NULL) {
		g_autofree char *said = g_strdup((*error)->message);

		g_free((*error)->message);
		(*error)->message = g_strconcat(said,
		    "; repair this file or move it out of the directory", NULL);
	}
}

static GPtrArray *
parse(GBytes *content, const char *path, const char *address,
    const FileStamp *stamp, GError **error)
{
	gint64 when = stamp->mtime_ns / G_GINT64_CONSTANT(1000000000);
	GPtrArray *entries = entry_parse(content, address, when, error);

	if (entries == NULL) {
		add_advice(path, error);
	}
	return entries;
}

GPtrArray *
directory_read_path(
    const char *path, const char *address, FileStamp *stamp_out, GError **error)
{
	g_autoptr(GBytes) content =
	    file_read(path, ENTRY_FILE_MAX, stamp_out, error);

	return content != NULL ? parse(content, path, address, stamp_out, error)
			       : NULL;
}

GPtrArray *
directory_read_with(
    const char *path, const char *address, const char *prefix, GError **error)
{
	FileStamp stamp;
	g_autoptr(GBytes) content =
	    file_read(path, ENTRY_FILE_MAX, &stamp, error);

	if (content == NULL) {
		return NULL;
	}
	return entry_text_has(content, prefix)
	    ? parse(content, path, address, &stamp, error)
	    : new_array();
}

/* No file is no entry, but only where there is a state directory. */
static GPtrArray *
none(const Directory *directory, GError **error)
{
	return state_check(directory->state_dir, error) ? new_array() : NULL;
}

/* Reads the file into the cache; *error takes what recall could not know. */
static GPtrArray *
find_in_file(
    Directory *directory, const char *path, const char *address, GError **error)
{
	g_autoptr(GError) reason = NULL;
	FileStamp stamp;
	GPtrArray *entries =
	    directory_read_path(path, address, &stamp, &reason);

	if (entries == NULL) {
		if (g_error_matches(reason, ERROR_DOMAIN, ERROR_MISSING)) {
			return none(directory, error);
		}
		g_propagate_error(error, g_steal_pointer(&reason));
		return NULL;
	}
	if (file_stamp_settled(&stamp)) {
		keep(directory, path, &stamp, entries);
	}
	return entries;
}

/* The entries of a file as one shared array that nobody changes. */
static GPtrArray *
find_shared(
    Directory *directory, const char *path, const char *address, GError **error)
{
	FileStamp kept;
	FileStamp stamp;
	g_autoptr(GPtrArray) entries = recall(directory, path, &kept);

	if (entries != NULL && file_stamp(path, &stamp, NULL) &&
	    file_stamp_equal(&stamp, &kept)) {
		return g_steal_pointer(&entries);
	}
	if (entries != NULL) {
		drop(directory, path);
	}
	return find_in_file(directory, path, address, error);
}

static gpointer
ref_entry(gconstpointer entry, gpointer data)
{
	(void)data;
	return directory_entry_ref((DirectoryEntry *)entry);
}

GPtrArray *
directory_find(Directory *directory, const char *address, GError **error)
{
	g_autofree char *path =
	    layout_path(directory->certs_dir, address, NULL);
	g_autoptr(GPtrArray) shared = NULL;
	GPtrArray *found = NULL;

	/* No file can bear the name, so there is none. */
	if (path == NULL) {
		return none(directory, error);
	}
	shared = find_shared(directory, path, address, error);
	if (shared == NULL) {
		return NULL;
	}
	found = g_ptr_array_copy(shared, ref_entry, NULL);
	g_ptr_array_set_free_func(found, unref_entry);
	return found;
}

GPtrArray *
directory_read(Directory *directory, const char *address, GError **error)
{
	g_autofree char *path =
	    layout_path(directory->certs_dir, address, error);
	g_autoptr(GError) reason = NULL;
	FileStamp stamp;
	GPtrArray *entries = NULL;

	if (path == NULL) {
		return NULL;
	}
	entries = directory_read_path(path, address, &stamp, &reason);
	if (entries != NULL) {
		return entries;
	}
	if (g_error_matches(reason, ERROR_DOMAIN, ERROR_MISSING)) {
		return new_array();
	}
	g_propagate_error(error, g_steal_pointer(&reason));
	return NULL;
}

bool
directory_remove_path(const char *path, GError **error)
{
	g_autoptr(GError) reason = NULL;

	if (file_remove(path, &reason) ||
	    g_error_matches(reason, ERROR_DOMAIN, ERROR_MISSING)) {
		return true;
	}
	g_propagate_error(error, g_steal_pointer(&reason));
	return false;
}

bool
directory_write(Directory *directory, const char *address,
    const GPtrArray *entries, GError **error)
{
	g_autofree char *path =
	    layout_path(directory->certs_dir, address, error);
	g_autoptr(GBytes) content = NULL;

	if (path == NULL) {
		return false;
	}
	if (entries->len == 0) {
		return directory_remove_path(path, error);
	}
	content = entry_text(entries, error);
	if (content == NULL) {
		g_prefix_error(error, "%s: ", path);
		return false;
	}
	return file_write_atomic(path, content, 0600, 0700, error);
}
