/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What changes STATE/crls: storing a CRL, noting what came of a URL, making
 * room, sweeping. All of it under STATE/lock; files first, then the records in
 * memory, so that a crash or a full disk leaves no record without its file.
 */
#include "config.h"

#include "store/crls.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "base/error.h"
#include "base/file.h"
#include "store/crlfacts.h"
#include "store/crls-private.h"
#include "store/state.h"

#define CRLS_BROKEN "its file in the cache is damaged"

/* Both at once: the file, then the record. facts is consumed. */
static bool
write_facts(CrlStore *store, CrlFacts *facts, GError **error)
{
	g_autoptr(CrlFacts) mine = facts;
	g_autofree char *name = crlfacts_name(facts);
	g_autofree char *path = crls_path(store, name, CRLS_FACTS_SUFFIX);
	g_autoptr(GBytes) text = crlfacts_text(facts);
	Record *record = NULL;

	if (!file_write_atomic(path, text, 0644, 0755, error)) {
		return false;
	}
	pthread_mutex_lock(&store->lock);
	record = crls_put_record(store, name, g_steal_pointer(&mine));
	/* Read again with the next change of others. */
	record->settled = false;
	crls_index(store);
	pthread_mutex_unlock(&store->lock);
	return true;
}

static bool
is_referenced(CrlStore *store, const char *id)
{
	GHashTableIter at;
	gpointer value = NULL;
	bool found = false;

	pthread_mutex_lock(&store->lock);
	g_hash_table_iter_init(&at, store->records);
	while (!found && g_hash_table_iter_next(&at, NULL, &value)) {
		found = g_strcmp0(((Record *)value)->facts->id, id) == 0;
	}
	pthread_mutex_unlock(&store->lock);
	return found;
}

/* What cannot be removed is garbage, not an error. */
static void
remove_unreferenced(CrlStore *store, const char *id)
{
	if (id != NULL && !is_referenced(store, id)) {
		g_autofree char *path = crls_path(store, id, CRLS_CRL_SUFFIX);

		(void)unlink(path);
	}
}

static bool
remove_facts(CrlStore *store, const CrlFacts *facts, GError **error)
{
	g_autofree char *name = crlfacts_name(facts);
	g_autofree char *path = crls_path(store, name, CRLS_FACTS_SUFFIX);
	g_autofree char *id = g_strdup(facts->id);

	if (unlink(path) != 0 && errno != ENOENT) {
		error_set_errno(error, "%s", path);
		return false;
	}
	pthread_mutex_lock(&store->lock);
	g_hash_table_remove(store->records, name);
	crls_index(store);
	pthread_mutex_unlock(&store->lock);
	remove_unreferenced(store, id);
	return true;
}

/* The generation that we make ourselves is no reason to read all again. */
static bool
tell_others(CrlStore *store, GError **error)
{
	if (!state_new_generation(store->state_dir, error)) {
		return false;
	}
	pthread_mutex_lock(&store->lock);
	crls_take_generation(store);
	store->generation++;
	pthread_mutex_unlock(&store->lock);
	return true;
}

/* STATE/lock, with what others wrote before; -1. */
static int
begin(CrlStore *store, GError **error)
{
	int lock = state_lock(store->state_dir, error);
	bool sound = false;

	if (lock == -1) {
		return -1;
	}
	pthread_mutex_lock(&store->lock);
	sound = crls_refresh(store, error);
	pthread_mutex_unlock(&store->lock);
	if (!sound) {
		file_unlock(lock);
		return -1;
	}
	return lock;
}

/* What a crash left: CRLs that no facts name. Those of a download under way
 * have no name, those of another process's write are under the lock. */
static void
sweep(CrlStore *store)
{
	DIR *directory = opendir(store->directory);
	struct dirent *entry = NULL;

	if (directory == NULL) {
		return;
	}
	while ((entry = readdir(directory)) != NULL) {
		g_autofree char *id =
		    crls_name_of_file(entry->d_name, CRLS_CRL_SUFFIX);
		g_autofree char *path =
		    g_build_filename(store->directory, entry->d_name, NULL);

		if (g_str_has_prefix(entry->d_name, FILE_TEMPORARY)) {
			(void)unlink(path);
		}
		remove_unreferenced(store, id);
	}
	closedir(directory);
}

void
crls_sweep(CrlStore *store)
{
	int lock = begin(store, NULL);

	if (lock != -1) {
		sweep(store);
		file_unlock(lock);
	}
}

/* Copies, so that files can be written while one walks them. */
static GPtrArray *
facts_of_issuer(CrlStore *store, const char *issuer_key)
{
	GPtrArray *list =
	    g_ptr_array_new_with_free_func((GDestroyNotify)crls_facts_free);
	const GPtrArray *records = NULL;

	pthread_mutex_lock(&store->lock);
	records = g_hash_table_lookup(store->issuers, issuer_key);
	for (guint i = 0; records != NULL && i < records->len; i++) {
		g_ptr_array_add(list,
		    crls_facts_copy(((Record *)records->pdata[i])->facts));
	}
	pthread_mutex_unlock(&store->lock);
	return list;
}

static Crl *
crl_of_id(CrlStore *store, const char *id)
{
	Slot *slot = NULL;
	Crl *crl = NULL;

	pthread_mutex_lock(&store->lock);
	slot = crls_take_slot(store, id);
	pthread_mutex_unlock(&store->lock);
	crl = crls_slot_crl(store, slot);
	crls_slot_unref(slot);
	return crl;
}

static bool
is_in_force(const Crl *crl)
{
	gint64 now = g_get_real_time() / G_USEC_PER_SEC;

	return crl_this_update(crl) <= now &&
	    (crl_next_update(crl) == 0 || crl_next_update(crl) >= now);
}

/* *superseded_out: of CrlFacts, those without a URL that crl makes needless. */
static CrlStored
compare_with_known(CrlStore *store, const Crl *crl, GPtrArray **superseded_out)
{
	bool in_force = is_in_force(crl);
	g_autoptr(GPtrArray) list = facts_of_issuer(store, crl_issuer_key(crl));
	GPtrArray *superseded =
	    g_ptr_array_new_with_free_func((GDestroyNotify)crls_facts_free);
	CrlStored stored = CRL_STORED;

	for (guint i = 0; i < list->len; i++) {
		CrlFacts *facts = list->pdata[i];
		g_autoptr(Crl) known = crl_of_id(store, facts->id);

		if (known == NULL || !crl_same_scope(known, crl)) {
			continue;
		}
		if (g_str_equal(facts->id, crl_fingerprint(crl))) {
			stored = CRL_SAME;
		} else if (crl_is_newer(known, crl)) {
			stored = stored == CRL_SAME ? CRL_SAME : CRL_OLDER;
		} else if (!in_force && stored == CRL_STORED &&
		    is_in_force(known)) {
			stored = CRL_NOT_IN_FORCE;
		} else if (facts->url == NULL && crl_is_newer(crl, known)) {
			g_ptr_array_add(superseded, crls_facts_copy(facts));
		}
	}
	*superseded_out = superseded;
	return stored;
}

static void
replace_text(char **place, const char *text)
{
	char *copy = g_strdup(text);

	g_free(*place);
	*place = copy;
}

static void
describe(CrlFacts *facts, const Crl *crl)
{
	g_autoptr(GBytes) der = crl_der(crl);

	replace_text(&facts->id, crl_fingerprint(crl));
	replace_text(&facts->issuer, crl_issuer(crl));
	replace_text(&facts->issuer_key, crl_issuer_key(crl));
	replace_text(&facts->number, crl_number(crl));
	facts->delta = crl_is_delta(crl);
	facts->this_update = crl_this_update(crl);
	facts->next_update = crl_next_update(crl);
	facts->size = (gint64)g_bytes_get_size(der);
	facts->fetched = g_get_real_time() / G_USEC_PER_SEC;
}

/* What is to stand in the facts file of crl under url. */
static CrlFacts *
new_facts(
    CrlStore *store, const Crl *crl, const char *url, const CrlFacts *answer)
{
	CrlFacts *facts = url != NULL ? crls_facts(store, url) : NULL;

	if (facts == NULL) {
		facts = g_new0(CrlFacts, 1);
		facts->url = g_strdup(url);
	}
	describe(facts, crl);
	replace_text(&facts->etag, answer != NULL ? answer->etag : NULL);
	replace_text(&facts->last_modified,
	    answer != NULL ? answer->last_modified : NULL);
	replace_text(&facts->trouble, NULL);
	facts->failures = 0;
	return facts;
}

static bool
write_crl(CrlStore *store, const Crl *crl, GError **error)
{
	g_autofree char *path =
	    crls_path(store, crl_fingerprint(crl), CRLS_CRL_SUFFIX);
	g_autoptr(GBytes) der = crl_der(crl);

	return file_write_atomic(path, der, 0644, 0755, error);
}

/* The object that was parsed already serves on, unless it holds a download's
 * file open that has no name any more. */
static void
keep_parsed(CrlStore *store, Crl *crl)
{
	g_autoptr(GBytes) der = crl_der(crl);
	Slot *slot = NULL;

	pthread_mutex_lock(&store->lock);
	slot = crls_take_slot(store, crl_fingerprint(crl));
	pthread_mutex_unlock(&store->lock);
	crls_slot_set(
	    slot, g_bytes_get_size(der) < CRLS_MAPPED_FROM ? crl : NULL);
	crls_slot_unref(slot);
}

/* The one that goes for a new one, or NULL. Among those with or without a URL:
 * first those that never had a CRL, then the one that ended first. */
static CrlFacts *
pick_victim(CrlStore *store, bool with_url, guint max)
{
	const CrlFacts *victim = NULL;
	CrlFacts *copy = NULL;
	GHashTableIter at;
	gpointer value = NULL;
	guint count = 0;

	pthread_mutex_lock(&store->lock);
	g_hash_table_iter_init(&at, store->records);
	while (g_hash_table_iter_next(&at, NULL, &value)) {
		const CrlFacts *facts = ((Record *)value)->facts;

		if ((facts->url != NULL) != with_url) {
			continue;
		}
		count++;
		if (victim == NULL ||
		    (victim->id != NULL && facts->id == NULL) ||
		    ((victim->id == NULL) == (facts->id == NULL) &&
			facts->this_update < victim->this_update)) {
			victim = facts;
		}
	}
	if (count >= max && victim != NULL) {
		copy = crls_facts_copy(victim);
	}
	pthread_mutex_unlock(&store->lock);
	return copy;
}

static bool
make_room(CrlStore *store, const CrlFacts *facts, GError **error)
{
	g_autofree char *name = crlfacts_name(facts);
	g_autoptr(CrlFacts) victim = NULL;
	bool known = false;

	pthread_mutex_lock(&store->lock);
	known = g_hash_table_contains(store->records, name);
	pthread_mutex_unlock(&store->lock);
	if (known) {
		return true;
	}
	victim = facts->url != NULL
	    ? pick_victim(store, true, CRLS_URLS)
	    : pick_victim(store, false, CRLS_WITHOUT_URL);
	return victim == NULL || remove_facts(store, victim, error);
}

/* The CRL, then the facts, then others are told, then what nobody names any
 * more goes. */
static bool
store_new(CrlStore *store, Crl *crl, CrlFacts *facts, const char *old_id,
    const GPtrArray *superseded, GError **error)
{
	if (!make_room(store, facts, error) || !write_crl(store, crl, error)) {
		crls_facts_free(facts);
		return false;
	}
	keep_parsed(store, crl);
	if (!write_facts(store, facts, error) || !tell_others(store, error)) {
		return false;
	}
	for (guint i = 0; i < superseded->len; i++) {
		if (!remove_facts(store, superseded->pdata[i], error)) {
			return false;
		}
	}
	remove_unreferenced(store, old_id);
	return true;
}

static char *
id_of_url(CrlStore *store, const char *url)
{
	g_autoptr(CrlFacts) facts = url != NULL ? crls_facts(store, url) : NULL;

	return facts != NULL ? g_steal_pointer(&facts->id) : NULL;
}

static bool
add_locked(CrlStore *store, Crl *crl, const char *url, const CrlFacts *answer,
    CrlStored *stored_out, GError **error)
{
	g_autoptr(GPtrArray) superseded = NULL;
	g_autofree char *old_id = id_of_url(store, url);
	CrlStored stored = compare_with_known(store, crl, &superseded);
	CrlFacts *facts = NULL;

	if (stored == CRL_OLDER || stored == CRL_NOT_IN_FORCE ||
	    (stored == CRL_SAME &&
		(url == NULL ||
		    g_strcmp0(old_id, crl_fingerprint(crl)) == 0))) {
		*stored_out = stored;
		return true;
	}
	facts = new_facts(store, crl, url, answer);
	if (stored == CRL_SAME) {
		/* From another place: one file for both. */
		if (!make_room(store, facts, error)) {
			crls_facts_free(facts);
			return false;
		}
		/* Others must know that this file has a second owner. */
		if (!write_facts(store, facts, error) ||
		    !tell_others(store, error)) {
			return false;
		}
		remove_unreferenced(store, old_id);
	} else if (!store_new(store, crl, facts, old_id, superseded, error)) {
		return false;
	}
	*stored_out = stored;
	return true;
}

bool
crls_add(CrlStore *store, Crl *crl, const char *url, const CrlFacts *facts,
    CrlStored *stored_out, GError **error)
{
	int lock = -1;
	CrlStored stored = CRL_STORED;
	bool added = false;

	if (url != NULL && strlen(url) > CRLFACTS_URL_MAX) {
		g_set_error(error, ERROR_DOMAIN, ERROR_LIMIT,
		    "the URL of the CRL is too long");
		return false;
	}
	lock = begin(store, error);
	if (lock == -1) {
		return false;
	}
	added = add_locked(store, crl, url, facts, &stored, error);
	file_unlock(lock);
	if (added && stored_out != NULL) {
		*stored_out = stored;
	}
	return added;
}

static void
replace_limited(char **place, const char *text)
{
	if (text != NULL && strlen(text) > CRLFACTS_TEXT_MAX) {
		text = NULL;
	}
	replace_text(place, text);
}

/* What came of asking; what is known of the CRL itself stays. */
static bool
note_locked(CrlStore *store, const CrlFacts *note, GError **error)
{
	CrlFacts *facts = crls_facts(store, note->url);

	if (facts == NULL) {
		facts = g_new0(CrlFacts, 1);
		facts->url = g_strdup(note->url);
	}
	facts->fetched = note->fetched;
	facts->next_fetch = note->next_fetch;
	facts->failures = note->failures;
	replace_limited(&facts->trouble, note->trouble);
	replace_limited(&facts->etag, note->etag);
	replace_limited(&facts->last_modified, note->last_modified);
	if (!make_room(store, facts, error)) {
		crls_facts_free(facts);
		return false;
	}
	return write_facts(store, facts, error);
}

bool
crls_note(CrlStore *store, const CrlFacts *facts, GError **error)
{
	int lock = -1;
	bool noted = false;

	if (facts->url == NULL || strlen(facts->url) > CRLFACTS_URL_MAX) {
		g_set_error(error, ERROR_DOMAIN, ERROR_LIMIT,
		    "a URL to be noted is missing or too long");
		return false;
	}
	lock = begin(store, error);
	if (lock == -1) {
		return false;
	}
	noted = note_locked(store, facts, error);
	file_unlock(lock);
	return noted;
}

/* Its validators go, or the server would confirm what is not there. */
static bool
note_broken_locked(CrlStore *store, const char *id, GError **error)
{
	g_autoptr(GPtrArray) list = crls_list(store, error);

	for (guint i = 0; list != NULL && i < list->len; i++) {
		CrlFacts *facts = list->pdata[i];

		if (g_strcmp0(facts->id, id) != 0 ||
		    g_strcmp0(facts->trouble, CRLS_BROKEN) == 0) {
			continue;
		}
		replace_text(&facts->trouble, CRLS_BROKEN);
		replace_text(&facts->etag, NULL);
		replace_text(&facts->last_modified, NULL);
		facts->next_fetch =
		    facts->url != NULL ? g_get_real_time() / G_USEC_PER_SEC : 0;
		if (!write_facts(store, crls_facts_copy(facts), error)) {
			return false;
		}
	}
	return list != NULL;
}

static bool
is_noted_broken(CrlStore *store, const char *id)
{
	GHashTableIter at;
	gpointer value = NULL;
	bool noted = true;

	pthread_mutex_lock(&store->lock);
	g_hash_table_iter_init(&at, store->records);
	while (noted && g_hash_table_iter_next(&at, NULL, &value)) {
		const CrlFacts *facts = ((Record *)value)->facts;

		noted = g_strcmp0(facts->id, id) != 0 || facts->trouble != NULL;
	}
	pthread_mutex_unlock(&store->lock);
	return noted;
}

bool
crls_note_broken(CrlStore *store, const char *id, GError **error)
{
	int lock = -1;
	bool noted = false;

	if (is_noted_broken(store, id)) {
		return true;
	}
	lock = begin(store, error);
	if (lock == -1) {
		return false;
	}
	noted = note_broken_locked(store, id, error);
	file_unlock(lock);
	return noted;
}
