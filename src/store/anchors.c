/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trust anchors on disk and in memory. Any *.pem file of STATE/trust counts,
 * also one that configuration management put there under a name of its own;
 * our own are named by fingerprint. They are read again when STATE/generation
 * or the directory has another stamp than before: two stat(2) a mail, three
 * with the system's bundle, whose set is kept beside the one without it.
 * Nothing is verified here. The lock guards the current sets alone, not their
 * reading; it is a pthread one: race detectors do not see through GMutex.
 */
#include "config.h"

#include "store/anchors.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "store/certfile.h"
#include "store/state.h"

#define SUFFIX ".pem"
/* Enough for a whole bundle of public CAs. */
#define FILE_MAX ((gsize)16 * 1024 * 1024)

/* What tells that the anchors are others. */
typedef struct {
	bool has_generation;
	bool has_directory;
	bool has_bundle; /* false as well when it is not asked for */
	FileStamp generation;
	FileStamp directory;
	FileStamp bundle;
} Version;

typedef struct {
	Anchors *anchors;
	GPtrArray *certs;
	Version version;
} Set;

struct AnchorStore {
	char *state_dir;
	char *directory;
	char *generation;
	pthread_mutex_t lock;
	Set sets[2]; /* without and with the bundle; guarded by lock */
	/* The bundle's certificates, parsed once; guarded by lock. */
	GPtrArray *bundle;
	FileStamp bundle_stamp;
};

AnchorStore *
anchors_new(const char *state_dir)
{
	AnchorStore *store = g_new0(AnchorStore, 1);

	store->state_dir = g_strdup(state_dir);
	store->directory = g_build_filename(state_dir, "trust", NULL);
	store->generation = g_build_filename(state_dir, "generation", NULL);
	pthread_mutex_init(&store->lock, NULL);
	return store;
}

static void
clear_set(Set *set)
{
	g_clear_pointer(&set->anchors, chain_anchors_unref);
	g_clear_pointer(&set->certs, g_ptr_array_unref);
}

void
anchors_free(AnchorStore *store)
{
	if (store == NULL) {
		return;
	}
	clear_set(&store->sets[0]);
	clear_set(&store->sets[1]);
	g_clear_pointer(&store->bundle, g_ptr_array_unref);
	pthread_mutex_destroy(&store->lock);
	g_free(store->generation);
	g_free(store->directory);
	g_free(store->state_dir);
	g_free(store);
}

/* A missing file is no error: *there_out tells. */
static bool
stamp_of(
    const char *path, bool *there_out, FileStamp *stamp_out, GError **error)
{
	g_autoptr(GError) reason = NULL;

	*there_out = file_stamp(path, stamp_out, &reason);
	if (reason != NULL) {
		g_propagate_error(error, g_steal_pointer(&reason));
		return false;
	}
	return true;
}

static bool
take_version(
    const AnchorStore *store, bool system, Version *version, GError **error)
{
	if (system &&
	    !stamp_of(ANCHORS_SYSTEM, &version->has_bundle, &version->bundle,
		error)) {
		return false;
	}
	return stamp_of(store->generation, &version->has_generation,
		   &version->generation, error) &&
	    stamp_of(store->directory, &version->has_directory,
		&version->directory, error);
}

static bool
same_stamp(bool has_a, const FileStamp *a, bool has_b, const FileStamp *b)
{
	return has_a == has_b && (!has_a || file_stamp_equal(a, b));
}

static bool
same_version(const Version *a, const Version *b)
{
	return same_stamp(a->has_generation, &a->generation, b->has_generation,
		   &b->generation) &&
	    same_stamp(a->has_directory, &a->directory, b->has_directory,
		&b->directory) &&
	    same_stamp(a->has_bundle, &a->bundle, b->has_bundle, &b->bundle);
}

static bool
is_settled(const Version *version)
{
	return (!version->has_generation ||
		   file_stamp_settled(&version->generation)) &&
	    (!version->has_directory ||
		file_stamp_settled(&version->directory)) &&
	    (!version->has_bundle || file_stamp_settled(&version->bundle));
}

static int
compare_names(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static struct dirent *
next_entry(DIR *directory)
{
	errno = 0; /* stays 0 at the end */
	return readdir(directory);
}

/* The paths of all anchor files, sorted; a missing directory has none, but only
 * where there is a state directory. */
static GPtrArray *
list_files(const AnchorStore *store, GError **error)
{
	g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);
	DIR *directory = opendir(store->directory);
	struct dirent *entry = NULL;

	if (directory == NULL) {
		if (errno != ENOENT) {
			error_set_errno(error, "%s", store->directory);
			return NULL;
		}
		return state_check(store->state_dir, error)
		    ? g_steal_pointer(&paths)
		    : NULL;
	}
	while ((entry = next_entry(directory)) != NULL) {
		if (*entry->d_name != '.' &&
		    g_str_has_suffix(entry->d_name, SUFFIX)) {
			g_ptr_array_add(paths,
			    g_build_filename(
				store->directory, entry->d_name, NULL));
		}
	}
	if (errno != 0) {
		error_set_errno(error, "%s", store->directory);
		closedir(directory);
		return NULL;
	}
	closedir(directory);
	g_ptr_array_sort(paths, compare_names);
	return g_steal_pointer(&paths);
}

/* NULL without *error: the file went meanwhile. */
static GPtrArray *
read_certs(const char *path, GError **error)
{
	g_autoptr(GError) reason = NULL;
	g_autoptr(GBytes) content = file_read(path, FILE_MAX, NULL, &reason);
	GPtrArray *certs = NULL;

	if (content == NULL) {
		if (!g_error_matches(reason, ERROR_DOMAIN, ERROR_MISSING)) {
			g_propagate_error(error, g_steal_pointer(&reason));
		}
		return NULL;
	}
	certs = cert_read_all(content, error);
	if (certs == NULL) {
		g_prefix_error(error, "%s: ", path);
	}
	return certs;
}

static bool
has_fingerprint(const GPtrArray *certs, const char *fingerprint)
{
	for (guint i = 0; i < certs->len; i++) {
		if (text_equal_fold(
			cert_fingerprint(g_ptr_array_index(certs, i)),
			fingerprint)) {
			return true;
		}
	}
	return false;
}

static void
unref_cert(gpointer data)
{
	cert_unref(data);
}

/* Those of more that all does not have yet; NULL is none. */
static void
append_new(GPtrArray *all, GHashTable *seen, const GPtrArray *more)
{
	for (guint i = 0; more != NULL && i < more->len; i++) {
		Cert *cert = g_ptr_array_index(more, i);

		/* The text lives as long as the one in all. */
		if (!g_hash_table_contains(seen, cert_fingerprint(cert))) {
			g_ptr_array_add(all, cert_ref(cert));
			g_hash_table_add(
			    seen, (gpointer)cert_fingerprint(cert));
		}
	}
}

static bool
append_files(
    const AnchorStore *store, GPtrArray *all, GHashTable *seen, GError **error)
{
	g_autoptr(GPtrArray) paths = list_files(store, error);

	if (paths == NULL) {
		return false;
	}
	for (guint i = 0; i < paths->len; i++) {
		g_autoptr(GError) reason = NULL;
		g_autoptr(GPtrArray) certs =
		    read_certs(g_ptr_array_index(paths, i), &reason);

		if (reason != NULL) {
			g_propagate_error(error, g_steal_pointer(&reason));
			return false;
		}
		append_new(all, seen, certs);
	}
	return true;
}

static GPtrArray *
copy_certs(const GPtrArray *certs)
{
	GPtrArray *copy = g_ptr_array_new_with_free_func(unref_cert);

	for (guint i = 0; i < certs->len; i++) {
		g_ptr_array_add(copy, cert_ref(g_ptr_array_index(certs, i)));
	}
	return copy;
}

static GPtrArray *
kept_bundle(AnchorStore *store, const FileStamp *stamp)
{
	GPtrArray *certs = NULL;

	pthread_mutex_lock(&store->lock);
	if (store->bundle != NULL &&
	    file_stamp_equal(&store->bundle_stamp, stamp)) {
		certs = copy_certs(store->bundle);
	}
	pthread_mutex_unlock(&store->lock);
	return certs;
}

static void
keep_bundle(AnchorStore *store, const FileStamp *stamp, const GPtrArray *certs)
{
	g_autoptr(GPtrArray) old = NULL;

	if (!file_stamp_settled(stamp)) {
		return;
	}
	pthread_mutex_lock(&store->lock);
	old = store->bundle;
	store->bundle = copy_certs(certs);
	store->bundle_stamp = *stamp;
	pthread_mutex_unlock(&store->lock);
}

/* The generation changes with each CRL that is stored: what costs most of
 * reading all again is this, and hardly ever another. */
static GPtrArray *
read_bundle(AnchorStore *store, GError **error)
{
	FileStamp stamp;
	g_autoptr(GError) reason = NULL;
	GPtrArray *certs = NULL;

	if (file_stamp(ANCHORS_SYSTEM, &stamp, &reason)) {
		certs = kept_bundle(store, &stamp);
		if (certs == NULL) {
			certs = read_certs(ANCHORS_SYSTEM, &reason);
			if (certs != NULL) {
				keep_bundle(store, &stamp, certs);
			}
		}
	}
	if (certs == NULL && reason == NULL) {
		g_set_error(&reason, ERROR_DOMAIN, ERROR_MISSING,
		    "%s: missing, and trust.system asks for it: apt-get "
		    "install ca-certificates",
		    ANCHORS_SYSTEM);
	}
	if (certs == NULL) {
		g_propagate_error(error, g_steal_pointer(&reason));
	}
	return certs;
}

static bool
append_bundle(
    AnchorStore *store, GPtrArray *all, GHashTable *seen, GError **error)
{
	g_autoptr(GPtrArray) certs = read_bundle(store, error);

	append_new(all, seen, certs);
	return certs != NULL;
}

static GPtrArray *
read_set(AnchorStore *store, bool system, GError **error)
{
	g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func(unref_cert);
	g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

	if (!append_files(store, all, seen, error) ||
	    (system && !append_bundle(store, all, seen, error))) {
		return NULL;
	}
	return g_steal_pointer(&all);
}

GPtrArray *
anchors_list(AnchorStore *store, GError **error)
{
	return read_set(store, false, error);
}

/* An array of its own for each: only what is immutable is shared. */
static void
copy_set(const Set *set, Set *copy_out, bool with_certs)
{
	copy_out->anchors = chain_anchors_ref(set->anchors);
	copy_out->certs = with_certs ? copy_certs(set->certs) : NULL;
	copy_out->version = set->version;
}

static bool
copy_if_same(AnchorStore *store, bool system, const Version *version,
    bool with_certs, Set *set_out)
{
	const Set *set = &store->sets[system ? 1 : 0];
	bool same = false;

	pthread_mutex_lock(&store->lock);
	same = set->anchors != NULL && same_version(&set->version, version);
	if (same) {
		copy_set(set, set_out, with_certs);
	}
	pthread_mutex_unlock(&store->lock);
	return same;
}

static void
keep(AnchorStore *store, bool system, const Set *set)
{
	Set *place = &store->sets[system ? 1 : 0];
	Set old;

	pthread_mutex_lock(&store->lock);
	old = *place;
	copy_set(set, place, true);
	pthread_mutex_unlock(&store->lock);
	clear_set(&old);
}

/* *set_out is to be cleared; it has the certificates when with_certs, and
 * sometimes else. */
static bool
current_set(AnchorStore *store, bool system, bool with_certs, Set *set_out,
    GError **error)
{
	Version version = { 0 };

	/* Before the files are read: what changes meanwhile is seen next. */
	if (!take_version(store, system, &version, error)) {
		return false;
	}
	if (copy_if_same(store, system, &version, with_certs, set_out)) {
		return true;
	}
	set_out->certs = read_set(store, system, error);
	if (set_out->certs == NULL) {
		return false;
	}
	set_out->anchors = chain_anchors_new(set_out->certs);
	set_out->version = version;
	if (is_settled(&version)) {
		keep(store, system, set_out);
	}
	return true;
}

Anchors *
anchors_current(AnchorStore *store, bool system, GError **error)
{
	Set set = { 0 };
	Anchors *anchors = NULL;

	if (!current_set(store, system, false, &set, error)) {
		return NULL;
	}
	anchors = g_steal_pointer(&set.anchors);
	clear_set(&set);
	return anchors;
}

GPtrArray *
anchors_named(
    AnchorStore *store, bool system, const char *subject_key, GError **error)
{
	g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func(unref_cert);
	Set set = { 0 };

	if (!current_set(store, system, true, &set, error)) {
		return NULL;
	}
	for (guint i = 0; i < set.certs->len; i++) {
		Cert *cert = g_ptr_array_index(set.certs, i);

		if (g_str_equal(cert_subject_key(cert), subject_key)) {
			g_ptr_array_add(found, cert_ref(cert));
		}
	}
	clear_set(&set);
	return g_steal_pointer(&found);
}

/* A fingerprint becomes a file name: hex digits alone. */
static bool
is_fingerprint(const char *fingerprint)
{
	return strlen(fingerprint) == 64 &&
	    strspn(fingerprint, "0123456789abcdefABCDEF") == 64;
}

static char *
path_of(const AnchorStore *store, const char *fingerprint)
{
	g_autofree char *lower = text_fold(fingerprint);
	g_autofree char *name = g_strconcat(lower, SUFFIX, NULL);

	return g_build_filename(store->directory, name, NULL);
}

static bool
add_locked(AnchorStore *store, const Cert *cert, GError **error)
{
	g_autofree char *path = path_of(store, cert_fingerprint(cert));
	g_autoptr(GPtrArray) present = read_certs(path, NULL);
	g_autoptr(GBytes) content = certfile_text(cert);

	if (present != NULL &&
	    has_fingerprint(present, cert_fingerprint(cert))) {
		return true;
	}
	return file_write_atomic(path, content, 0644, 0755, error) &&
	    state_new_generation(store->state_dir, error);
}

bool
anchors_add(AnchorStore *store, const Cert *cert, GError **error)
{
	int lock = -1;
	bool added = false;

	if (!cert_is_ca(cert)) {
		g_set_error(error, ERROR_DOMAIN, ERROR_UNFIT,
		    "%s: not a CA certificate", cert_subject(cert));
		return false;
	}
	lock = state_lock(store->state_dir, error);
	if (lock == -1) {
		return false;
	}
	added = add_locked(store, cert, error);
	file_unlock(lock);
	return added;
}

/*
 * The file that has the certificate: the one of that name, whatever is in it,
 * else the one of another name that has this certificate and no other.
 */
static char *
find_file(const AnchorStore *store, const char *fingerprint, GError **error)
{
	g_autofree char *own = path_of(store, fingerprint);
	g_autoptr(GPtrArray) paths = NULL;

	if (g_file_test(own, G_FILE_TEST_EXISTS)) {
		return g_steal_pointer(&own);
	}
	paths = list_files(store, error);
	if (paths == NULL) {
		return NULL;
	}
	for (guint i = 0; i < paths->len; i++) {
		const char *path = g_ptr_array_index(paths, i);
		g_autoptr(GPtrArray) certs = read_certs(path, NULL);

		if (certs == NULL || !has_fingerprint(certs, fingerprint)) {
			continue;
		}
		if (certs->len > 1) {
			g_set_error(error, ERROR_DOMAIN, ERROR_UNFIT,
			    "%s: has other certificates too: edit that file",
			    path);
			return NULL;
		}
		return g_strdup(path);
	}
	g_set_error(error, ERROR_DOMAIN, ERROR_MISSING,
	    "no trust anchor has the fingerprint %s", fingerprint);
	return NULL;
}

static bool
remove_locked(AnchorStore *store, const char *fingerprint, GError **error)
{
	g_autofree char *path = find_file(store, fingerprint, error);

	return path != NULL && file_remove(path, error) &&
	    state_new_generation(store->state_dir, error);
}

bool
anchors_remove(AnchorStore *store, const char *fingerprint, GError **error)
{
	int lock = -1;
	bool removed = false;

	if (!is_fingerprint(fingerprint)) {
		g_set_error(error, ERROR_DOMAIN, ERROR_MISSING,
		    "no trust anchor has such a fingerprint: 64 hex digits");
		return false;
	}
	lock = state_lock(store->state_dir, error);
	if (lock == -1) {
		return false;
	}
	removed = remove_locked(store, fingerprint, error);
	file_unlock(lock);
	return removed;
}
