/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Intermediates on disk and in memory. They only help to build paths: a file
 * that cannot be read is a path less, never a reason to hold up a mail. A file
 * never changes under its name, so that of a directory that changed only what
 * is new is parsed. What callers get is a set that stays as it is; the lock
 * guards the current set alone, not its reading. It is a pthread one: race
 * detectors do not see through GMutex.
 */
#include "config.h"

#include "store/intermediates.h"

#include <pthread.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "crypto/chain.h"
#include "store/certfile.h"
#include "store/listing.h"
#include "store/state.h"

#define SUFFIX ".pem"
#define FILE_MAX ((gsize)1024 * 1024)

/* Immutable, shared. */
typedef struct {
	bool there; /* the directory exists */
	FileStamp stamp;
	GHashTable *by_name;    /* file name: Cert */
	GHashTable *by_subject; /* subject key: GPtrArray of Cert, borrowed */
	bool changed;           /* is another than the one before */
	guint64 generation;
} Set;

struct Intermediates {
	char *state_dir;
	char *directory;
	pthread_mutex_t lock;
	Set *current; /* guarded by lock, as generations; NULL: not read yet */
	guint64 generations;
};

static void
clear_set(gpointer data)
{
	Set *set = data;

	g_hash_table_unref(set->by_subject);
	g_hash_table_unref(set->by_name);
}

static void
set_unref(Set *set)
{
	g_atomic_rc_box_release_full(set, clear_set);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Set, set_unref)

static void
unref_cert(gpointer data)
{
	cert_unref(data);
}

static void
unref_array(gpointer data)
{
	g_ptr_array_unref(data);
}

Intermediates *
intermediates_new(const char *state_dir)
{
	Intermediates *intermediates = g_new0(Intermediates, 1);

	intermediates->state_dir = g_strdup(state_dir);
	intermediates->directory =
	    g_build_filename(state_dir, "intermediates", NULL);
	pthread_mutex_init(&intermediates->lock, NULL);
	return intermediates;
}

void
intermediates_free(Intermediates *intermediates)
{
	if (intermediates == NULL) {
		return;
	}
	g_clear_pointer(&intermediates->current, set_unref);
	pthread_mutex_destroy(&intermediates->lock);
	g_free(intermediates->directory);
	g_free(intermediates->state_dir);
	g_free(intermediates);
}

/* Transfer full; NULL: not read yet. */
static Set *
get_current(Intermediates *intermediates)
{
	Set *set = NULL;

	pthread_mutex_lock(&intermediates->lock);
	if (intermediates->current != NULL) {
		set = g_atomic_rc_box_acquire(intermediates->current);
	}
	pthread_mutex_unlock(&intermediates->lock);
	return set;
}

static Cert *
read_cert(const Intermediates *intermediates, const char *name)
{
	g_autofree char *path =
	    g_build_filename(intermediates->directory, name, NULL);
	g_autoptr(GBytes) content = file_read(path, FILE_MAX, NULL, NULL);
	g_autoptr(GPtrArray) certs =
	    content != NULL ? cert_read_all(content, NULL) : NULL;

	return certs != NULL ? cert_ref(g_ptr_array_index(certs, 0)) : NULL;
}

static void
index_cert(Set *set, Cert *cert)
{
	const char *key = cert_subject_key(cert);
	GPtrArray *same = g_hash_table_lookup(set->by_subject, key);

	if (same == NULL) {
		same = g_ptr_array_new();
		g_hash_table_insert(set->by_subject, (gpointer)key, same);
	}
	g_ptr_array_add(same, cert);
}

/* *changed: a name that before does not have. */
static void
add_name(const Intermediates *intermediates, Set *set, const Set *before,
    const char *name, bool *changed)
{
	Cert *cert =
	    before != NULL ? g_hash_table_lookup(before->by_name, name) : NULL;

	if (cert != NULL) {
		cert_ref(cert);
	} else {
		cert = read_cert(intermediates, name);
		*changed = *changed || cert != NULL;
	}
	if (cert != NULL) {
		g_hash_table_insert(set->by_name, g_strdup(name), cert);
		index_cert(set, cert);
	}
}

static Set *
read_set(const Intermediates *intermediates, const Set *before, GError **error)
{
	g_autoptr(Set) set = g_atomic_rc_box_new0(Set);
	g_autoptr(GPtrArray) names = NULL;
	bool changed = before == NULL;

	set->by_name =
	    g_hash_table_new_full(g_str_hash, g_str_equal, g_free, unref_cert);
	set->by_subject =
	    g_hash_table_new_full(g_str_hash, g_str_equal, NULL, unref_array);
	names = listing_next(intermediates->directory, "", SUFFIX, error);
	if (names == NULL) {
		return NULL;
	}
	for (guint i = 0; i < MIN(names->len, INTERMEDIATES_MAX); i++) {
		add_name(intermediates, set, before,
		    g_ptr_array_index(names, i), &changed);
	}
	set->changed = changed ||
	    g_hash_table_size(before->by_name) !=
		g_hash_table_size(set->by_name);
	set->generation = before != NULL ? before->generation : 0;
	return g_steal_pointer(&set);
}

static bool
is_current(const Set *set, bool there, const FileStamp *stamp)
{
	return set->there == there &&
	    (!there || file_stamp_equal(&set->stamp, stamp));
}

/*
 * What was read is kept even when its stamp is too young to be believed: the
 * next one is then read with it as the base, for little. Two threads may read
 * at once, and not the same: each that read something new has a number.
 */
static void
keep(Intermediates *intermediates, Set *set, bool there, const FileStamp *stamp)
{
	g_autoptr(Set) old = NULL;

	set->there = there;
	if (there) {
		set->stamp = *stamp;
		if (!file_stamp_settled(stamp)) {
			set->stamp.ctime_ns = -1; /* equals none */
		}
	}
	pthread_mutex_lock(&intermediates->lock);
	if (set->changed) {
		set->generation = ++intermediates->generations;
	}
	old = intermediates->current;
	intermediates->current = g_atomic_rc_box_acquire(set);
	pthread_mutex_unlock(&intermediates->lock);
}

/* The set as the directory is now; transfer full. */
static Set *
refresh(Intermediates *intermediates, GError **error)
{
	g_autoptr(Set) before = get_current(intermediates);
	g_autoptr(GError) reason = NULL;
	FileStamp stamp;
	bool there = file_stamp(intermediates->directory, &stamp, &reason);
	Set *set = NULL;

	if (reason != NULL) {
		g_propagate_error(error, g_steal_pointer(&reason));
		return NULL;
	}
	if (before != NULL && is_current(before, there, &stamp)) {
		return g_steal_pointer(&before);
	}
	set = read_set(intermediates, before, error);
	if (set != NULL) {
		keep(intermediates, set, there, &stamp);
	}
	return set;
}

/* Those with the subject that cert's issuer names, once each. */
static void
add_issuers(
    const Set *set, const Cert *cert, GPtrArray *above, GHashTable *seen)
{
	const GPtrArray *same =
	    g_hash_table_lookup(set->by_subject, cert_issuer_key(cert));

	for (guint i = 0; same != NULL && i < same->len; i++) {
		Cert *issuer = g_ptr_array_index(same, i);

		if (g_hash_table_add(
			seen, (gpointer)cert_fingerprint(issuer))) {
			g_ptr_array_add(above, cert_ref(issuer));
		}
	}
}

GPtrArray *
intermediates_above(
    Intermediates *intermediates, const Cert *cert, GError **error)
{
	g_autoptr(Set) set = refresh(intermediates, error);
	g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
	GPtrArray *above = NULL;
	guint done = 0;

	if (set == NULL) {
		return NULL;
	}
	above = g_ptr_array_new_with_free_func(unref_cert);
	add_issuers(set, cert, above, seen);
	/* A level at a time; the first has been. */
	for (guint level = 1; level < CHAIN_DEPTH && done < above->len;
	     level++) {
		guint end = above->len;

		for (; done < end; done++) {
			add_issuers(
			    set, g_ptr_array_index(above, done), above, seen);
		}
	}
	return above;
}

GPtrArray *
intermediates_named(
    Intermediates *intermediates, const char *subject_key, GError **error)
{
	g_autoptr(Set) set = refresh(intermediates, error);
	const GPtrArray *same = NULL;
	GPtrArray *named = NULL;

	if (set == NULL) {
		return NULL;
	}
	named = g_ptr_array_new_with_free_func(unref_cert);
	same = g_hash_table_lookup(set->by_subject, subject_key);
	for (guint i = 0; same != NULL && i < same->len; i++) {
		g_ptr_array_add(named, cert_ref(same->pdata[i]));
	}
	return named;
}

static char *
name_of(const Cert *cert)
{
	return g_strconcat(cert_fingerprint(cert), SUFFIX, NULL);
}

/* The name of the one that ends first; NULL: none. */
static const char *
first_to_end(GHashTable *by_name, gint64 *end_out)
{
	GHashTableIter iter;
	gpointer name = NULL;
	gpointer cert = NULL;
	const char *first = NULL;

	g_hash_table_iter_init(&iter, by_name);
	while (g_hash_table_iter_next(&iter, &name, &cert)) {
		if (first == NULL || cert_not_after(cert) < *end_out) {
			first = name;
			*end_out = cert_not_after(cert);
		}
	}
	return first;
}

/* Room for cert, at the cost of one that ends before it; false without *error:
 * none does. */
static bool
make_room(const Intermediates *intermediates, GHashTable *by_name,
    const Cert *cert, GError **error)
{
	gint64 end = 0;
	const char *first = NULL;
	g_autofree char *path = NULL;
	g_autoptr(GError) reason = NULL;

	if (g_hash_table_size(by_name) < INTERMEDIATES_MAX) {
		return true;
	}
	first = first_to_end(by_name, &end);
	if (first == NULL || end >= cert_not_after(cert)) {
		return false;
	}
	path = g_build_filename(intermediates->directory, first, NULL);
	if (!file_remove(path, &reason) &&
	    !g_error_matches(reason, ERROR_DOMAIN, ERROR_MISSING)) {
		g_propagate_error(error, g_steal_pointer(&reason));
		return false;
	}
	g_hash_table_remove(by_name, first);
	return true;
}

static bool
add_one(const Intermediates *intermediates, GHashTable *by_name, Cert *cert,
    guint *added, GError **error)
{
	g_autofree char *name = name_of(cert);
	g_autofree char *path = NULL;
	g_autoptr(GBytes) content = NULL;
	g_autoptr(GError) reason = NULL;

	if (g_hash_table_contains(by_name, name)) {
		return true;
	}
	if (!make_room(intermediates, by_name, cert, &reason)) {
		bool sound = reason == NULL;

		if (!sound) {
			g_propagate_error(error, g_steal_pointer(&reason));
		}
		return sound;
	}
	path = g_build_filename(intermediates->directory, name, NULL);
	content = certfile_text(cert);
	if (!file_write_atomic(path, content, 0600, 0700, error)) {
		return false;
	}
	g_hash_table_insert(by_name, g_steal_pointer(&name), cert_ref(cert));
	(*added)++;
	return true;
}

/* A table of its own, which may be changed. */
static GHashTable *
copy_names(const Set *set)
{
	GHashTable *copy =
	    g_hash_table_new_full(g_str_hash, g_str_equal, g_free, unref_cert);
	GHashTableIter iter;
	gpointer name = NULL;
	gpointer cert = NULL;

	g_hash_table_iter_init(&iter, set->by_name);
	while (g_hash_table_iter_next(&iter, &name, &cert)) {
		g_hash_table_insert(copy, g_strdup(name), cert_ref(cert));
	}
	return copy;
}

static bool
add_locked(Intermediates *intermediates, const GPtrArray *certs, guint *added,
    GError **error)
{
	g_autoptr(Set) set = refresh(intermediates, error);
	g_autoptr(GHashTable) by_name = NULL;

	if (set == NULL) {
		return false;
	}
	by_name = copy_names(set);
	for (guint i = 0; i < certs->len; i++) {
		if (!add_one(intermediates, by_name,
			g_ptr_array_index(certs, i), added, error)) {
			return false;
		}
	}
	return true;
}

/* The candidates that are not there yet, of Cert: most mails bring none. */
static GPtrArray *
new_ones(const Set *set, const GPtrArray *certs)
{
	GPtrArray *news = g_ptr_array_new_with_free_func(unref_cert);

	for (guint i = 0; i < certs->len; i++) {
		Cert *cert = g_ptr_array_index(certs, i);
		g_autofree char *name = name_of(cert);

		if (cert_is_ca(cert) && !cert_is_self_signed(cert) &&
		    !g_hash_table_contains(set->by_name, name)) {
			g_ptr_array_add(news, cert_ref(cert));
		}
	}
	return news;
}

bool
intermediates_add(Intermediates *intermediates, const GPtrArray *certs,
    guint *added_out, GError **error)
{
	g_autoptr(Set) set = refresh(intermediates, error);
	g_autoptr(GPtrArray) news = NULL;
	guint added = 0;

	if (set == NULL) {
		return false;
	}
	news = new_ones(set, certs);
	if (news->len > 0) {
		int lock = state_lock(intermediates->state_dir, error);
		bool sound = false;

		if (lock == -1) {
			return false;
		}
		sound = add_locked(intermediates, news, &added, error);
		file_unlock(lock);
		if (!sound) {
			return false;
		}
	}
	if (added_out != NULL) {
		*added_out = added;
	}
	return true;
}

guint64
intermediates_generation(Intermediates *intermediates)
{
	g_autoptr(Set) set = refresh(intermediates, NULL);

	if (set == NULL) {
		set = get_current(intermediates);
	}
	return set != NULL ? set->generation : 0;
}
