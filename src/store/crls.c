/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The CRL cache. STATE/crls/ID.crl is the DER of a CRL, named by its hash, so
 * that a damaged file is always seen; NAME.facts says where it is from
 * (crlfacts.c). Facts are written after the CRL they name and before the one
 * they named before goes. In memory: a record for each facts file, a slot for
 * each CRL, which two URLs may share. All writes are under STATE/lock; facts
 * are read again when STATE/generation is another, and then only the files
 * whose stamp is. Own writes go through both at once. The mutex guards records
 * and the table of slots; a slot's own one makes all wait for the first who
 * parses it. What changes STATE is in crls-write.c.
 */
#include "config.h"

#include "store/crls.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "base/error.h"
#include "base/file.h"
#include "store/crlfacts.h"
#include "store/crls-private.h"
#include "store/listing.h"
#include "store/state.h"

#define FACTS_MAX ((gsize)1024 * 1024)
/* No mail needs the file of a CRL that big. */
#define CRL_MAX G_GINT64_CONSTANT(0x40000000)
#define A_DAY 86400
/* A writer that replaces files between our two looks at them. */
#define ATTEMPTS 3

static Slot *
slot_ref(Slot *slot)
{
	__atomic_fetch_add(&slot->references, 1, __ATOMIC_ACQ_REL);
	return slot;
}

void
crls_slot_unref(Slot *slot)
{
	if (slot == NULL ||
	    __atomic_sub_fetch(&slot->references, 1, __ATOMIC_ACQ_REL) > 0) {
		return;
	}
	pthread_mutex_destroy(&slot->lock);
	crl_unref(slot->crl);
	g_free(slot->id);
	g_free(slot);
}

static void
unref_slot(gpointer slot)
{
	crls_slot_unref(slot);
}

static void
unref_crl(gpointer crl)
{
	crl_unref(crl);
}

static void
free_record(gpointer data)
{
	Record *record = data;

	crls_facts_free(record->facts);
	crls_slot_unref(record->slot);
	g_free(record);
}

CrlStore *
crls_new(const char *state_dir)
{
	CrlStore *store = g_new0(CrlStore, 1);

	store->state_dir = g_strdup(state_dir);
	store->directory = g_build_filename(state_dir, "crls", NULL);
	store->generation_path =
	    g_build_filename(state_dir, "generation", NULL);
	pthread_mutex_init(&store->lock, NULL);
	store->records =
	    g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_record);
	store->issuers = g_hash_table_new_full(
	    g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_ptr_array_unref);
	store->slots =
	    g_hash_table_new_full(g_str_hash, g_str_equal, NULL, unref_slot);
	store->generation = 1;
	return store;
}

void
crls_free(CrlStore *store)
{
	if (store == NULL) {
		return;
	}
	g_hash_table_unref(store->issuers);
	g_hash_table_unref(store->records);
	g_hash_table_unref(store->slots);
	pthread_mutex_destroy(&store->lock);
	g_free(store->generation_text);
	g_free(store->generation_path);
	g_free(store->directory);
	g_free(store->state_dir);
	g_free(store);
}

char *
crls_path(const CrlStore *store, const char *name, const char *suffix)
{
	g_autofree char *file = g_strconcat(name, suffix, NULL);

	return g_build_filename(store->directory, file, NULL);
}

Slot *
crls_take_slot(CrlStore *store, const char *id)
{
	Slot *slot = NULL;

	if (id == NULL) {
		return NULL;
	}
	slot = g_hash_table_lookup(store->slots, id);
	if (slot == NULL) {
		slot = g_new0(Slot, 1);
		slot->references = 1;
		slot->id = g_strdup(id);
		pthread_mutex_init(&slot->lock, NULL);
		g_hash_table_insert(store->slots, slot->id, slot);
	}
	return slot_ref(slot);
}

/* Whether it was broken; then its file is looked at once more. */
static bool
slot_forgive(Slot *slot)
{
	bool was = false;

	pthread_mutex_lock(&slot->lock);
	was = slot->broken;
	slot->broken = false;
	slot->confirmed = false;
	pthread_mutex_unlock(&slot->lock);
	return was;
}

static gboolean
is_only_in_table(gpointer id, gpointer slot, gpointer data)
{
	(void)id;
	(void)data;
	return __atomic_load_n(&((Slot *)slot)->references, __ATOMIC_ACQUIRE) ==
	    1;
}

void
crls_index(CrlStore *store)
{
	GHashTableIter at;
	gpointer value = NULL;

	g_hash_table_remove_all(store->issuers);
	g_hash_table_iter_init(&at, store->records);
	while (g_hash_table_iter_next(&at, NULL, &value)) {
		Record *record = value;
		GPtrArray *list = NULL;

		if (record->slot == NULL) {
			continue;
		}
		list = g_hash_table_lookup(
		    store->issuers, record->facts->issuer_key);
		if (list == NULL) {
			list = g_ptr_array_new();
			g_hash_table_insert(store->issuers,
			    g_strdup(record->facts->issuer_key), list);
		}
		g_ptr_array_add(list, record);
	}
	g_hash_table_foreach_remove(store->slots, is_only_in_table, NULL);
}

Record *
crls_put_record(CrlStore *store, const char *name, CrlFacts *facts)
{
	Record *record = g_new0(Record, 1);

	record->facts = facts;
	record->slot = crls_take_slot(store, facts->id);
	g_hash_table_replace(store->records, g_strdup(name), record);
	return record;
}

/* Facts that a file system has spoiled are no facts: the URL is asked again
 * when a mail needs it. */
static CrlFacts *
read_facts(const CrlStore *store, const char *name, FileStamp *stamp_out)
{
	g_autofree char *path = crls_path(store, name, CRLS_FACTS_SUFFIX);
	g_autoptr(GBytes) text = file_read(path, FACTS_MAX, stamp_out, NULL);
	g_autoptr(CrlFacts) facts = NULL;
	g_autofree char *right = NULL;

	if (text == NULL) {
		return NULL;
	}
	facts = crlfacts_parse(text, NULL);
	if (facts == NULL) {
		return NULL;
	}
	right = crlfacts_name(facts);
	return g_str_equal(right, name) ? g_steal_pointer(&facts) : NULL;
}

static bool
is_as_before(const CrlStore *store, const char *name, const Record *record)
{
	g_autofree char *path = crls_path(store, name, CRLS_FACTS_SUFFIX);
	FileStamp stamp;

	return record->settled && file_stamp(path, &stamp, NULL) &&
	    file_stamp_equal(&stamp, &record->stamp);
}

/* Whether another CRL stands there now. */
static bool
read_record(CrlStore *store, const char *name)
{
	Record *record = g_hash_table_lookup(store->records, name);
	g_autofree char *old_id = NULL;
	CrlFacts *facts = NULL;
	FileStamp stamp = { 0 };

	if (record != NULL && is_as_before(store, name, record)) {
		record->seen = true;
		return false;
	}
	facts = read_facts(store, name, &stamp);
	if (facts == NULL) {
		return false;
	}
	old_id = record != NULL ? g_strdup(record->facts->id) : NULL;
	record = crls_put_record(store, name, facts);
	record->stamp = stamp;
	record->settled = file_stamp_settled(&stamp);
	record->seen = true;
	/* Another process may have fetched what was damaged. */
	return g_strcmp0(old_id, facts->id) != 0 ||
	    (facts->trouble == NULL && record->slot != NULL &&
		slot_forgive(record->slot));
}

char *
crls_name_of_file(const char *file, const char *suffix)
{
	g_autofree char *name = NULL;

	if (!g_str_has_suffix(file, suffix)) {
		return NULL;
	}
	name = g_strndup(file, strlen(file) - strlen(suffix));
	return crlfacts_is_name(name) ? g_steal_pointer(&name) : NULL;
}

static bool
read_directory(CrlStore *store, bool *changed, GError **error)
{
	g_autoptr(GPtrArray) files =
	    listing_next(store->directory, "", CRLS_FACTS_SUFFIX, error);

	if (files == NULL) {
		return false;
	}
	for (guint i = 0; i < files->len; i++) {
		g_autofree char *name =
		    crls_name_of_file(files->pdata[i], CRLS_FACTS_SUFFIX);

		if (name != NULL && read_record(store, name)) {
			*changed = true;
		}
	}
	return files->len > 0 || state_check(store->state_dir, error);
}

static bool
read_all_facts(CrlStore *store, GError **error)
{
	GHashTableIter at;
	gpointer value = NULL;
	bool changed = false;

	g_hash_table_iter_init(&at, store->records);
	while (g_hash_table_iter_next(&at, NULL, &value)) {
		((Record *)value)->seen = false;
	}
	if (!read_directory(store, &changed, error)) {
		return false;
	}
	g_hash_table_iter_init(&at, store->records);
	while (g_hash_table_iter_next(&at, NULL, &value)) {
		if (!((Record *)value)->seen) {
			changed |= ((Record *)value)->slot != NULL;
			g_hash_table_iter_remove(&at);
		}
	}
	crls_index(store);
	if (changed) {
		store->generation++;
	}
	return true;
}

bool
crls_take_generation(CrlStore *store)
{
	FileStamp stamp = { 0 };
	g_autoptr(GBytes) content =
	    file_read(store->generation_path, 1024, &stamp, NULL);
	gsize length = 0;
	const char *data =
	    content != NULL ? g_bytes_get_data(content, &length) : NULL;
	char *text =
	    content != NULL ? g_strndup(length > 0 ? data : "", length) : NULL;
	bool same = g_strcmp0(text, store->generation_text) == 0;

	g_free(store->generation_text);
	store->generation_text = text;
	store->generation_stamp = stamp;
	store->generation_settled =
	    content == NULL || file_stamp_settled(&stamp);
	return same;
}

/* One stat(2) as a rule. The text is unlike any before, so it decides when the
 * stamp cannot. */
static bool
is_same_generation(CrlStore *store)
{
	FileStamp stamp = { 0 };
	bool there = file_stamp(store->generation_path, &stamp, NULL);

	if (there == (store->generation_text != NULL) &&
	    (!there ||
		(store->generation_settled &&
		    file_stamp_equal(&stamp, &store->generation_stamp)))) {
		return true;
	}
	return crls_take_generation(store);
}

/* Under the mutex. */
bool
crls_refresh(CrlStore *store, GError **error)
{
	if (store->loaded && is_same_generation(store)) {
		return true;
	}
	if (!store->loaded) {
		crls_take_generation(store);
	}
	/* Until it has been read nothing counts as known. */
	store->loaded = read_all_facts(store, error);
	return store->loaded;
}

static void
read_again(CrlStore *store)
{
	pthread_mutex_lock(&store->lock);
	store->loaded = false;
	(void)crls_refresh(store, NULL);
	pthread_mutex_unlock(&store->lock);
}

static GBytes *
read_crl_file(const char *path, GError **error)
{
	FileStamp stamp;
	g_autoptr(GMappedFile) mapped = NULL;

	if (!file_stamp(path, &stamp, error)) {
		return NULL;
	}
	if (stamp.size < CRLS_MAPPED_FROM) {
		return file_read(path, CRLS_MAPPED_FROM, NULL, error);
	}
	mapped = stamp.size <= CRL_MAX ? g_mapped_file_new(path, FALSE, error)
				       : NULL;
	return mapped != NULL ? g_mapped_file_get_bytes(mapped) : NULL;
}

/* What the file holds, if it is what its name says. */
static Crl *
parse_file(const CrlStore *store, const char *id)
{
	g_autofree char *path = crls_path(store, id, CRLS_CRL_SUFFIX);
	g_autoptr(GBytes) content = read_crl_file(path, NULL);
	g_autoptr(Crl) crl = content != NULL ? crl_new(content, NULL) : NULL;

	return crl != NULL && g_str_equal(crl_fingerprint(crl), id)
	    ? g_steal_pointer(&crl)
	    : NULL;
}

/* NULL: broken. */
Crl *
crls_slot_crl(const CrlStore *store, Slot *slot)
{
	Crl *crl = NULL;

	pthread_mutex_lock(&slot->lock);
	if (slot->crl == NULL && !slot->broken) {
		slot->crl = parse_file(store, slot->id);
		slot->broken = slot->crl == NULL;
	}
	crl = slot->crl != NULL ? crl_ref(slot->crl) : NULL;
	pthread_mutex_unlock(&slot->lock);
	return crl;
}

void
crls_slot_set(Slot *slot, Crl *crl)
{
	Crl *old = NULL;

	pthread_mutex_lock(&slot->lock);
	old = slot->crl;
	slot->crl = crl != NULL ? crl_ref(crl) : NULL;
	slot->broken = false;
	slot->confirmed = false;
	pthread_mutex_unlock(&slot->lock);
	crl_unref(old);
}

/* Whether it was not confirmed before. */
static bool
slot_confirm(Slot *slot)
{
	bool first = false;

	pthread_mutex_lock(&slot->lock);
	first = slot->broken && !slot->confirmed;
	slot->confirmed = slot->broken;
	pthread_mutex_unlock(&slot->lock);
	return first;
}

static bool
slot_is_confirmed(Slot *slot)
{
	bool confirmed = false;

	pthread_mutex_lock(&slot->lock);
	confirmed = slot->confirmed;
	pthread_mutex_unlock(&slot->lock);
	return confirmed;
}

/* Under the mutex: the slots of these issuers, each once. */
static GPtrArray *
slots_of(CrlStore *store, const GPtrArray *keys)
{
	GPtrArray *slots = g_ptr_array_new_with_free_func(unref_slot);

	for (guint i = 0; i < keys->len; i++) {
		const GPtrArray *list =
		    g_hash_table_lookup(store->issuers, keys->pdata[i]);

		for (guint j = 0; list != NULL && j < list->len; j++) {
			Slot *slot = ((Record *)list->pdata[j])->slot;

			if (!g_ptr_array_find(slots, slot, NULL)) {
				g_ptr_array_add(slots, slot_ref(slot));
			}
		}
	}
	return slots;
}

static GPtrArray *
current_slots(CrlStore *store, const GPtrArray *keys, GError **error)
{
	GPtrArray *slots = NULL;

	pthread_mutex_lock(&store->lock);
	if (crls_refresh(store, error)) {
		slots = slots_of(store, keys);
	}
	pthread_mutex_unlock(&store->lock);
	return slots;
}

/* false: one that is broken was met for the first time, perhaps only because
 * another process had just replaced it. */
static bool
parse_slots(CrlStore *store, const GPtrArray *slots, bool last, GPtrArray *crls)
{
	g_ptr_array_set_size(crls, 0);
	for (guint i = 0; i < slots->len; i++) {
		Slot *slot = slots->pdata[i];
		Crl *crl = NULL;

		crl = crls_slot_crl(store, slot);
		if (crl != NULL) {
			g_ptr_array_add(crls, crl);
		} else if (slot_is_confirmed(slot)) {
			continue;
		} else if (!last) {
			crls_slot_set(slot, NULL);
			return false;
		} else if (slot_confirm(slot)) {
			/* When it cannot be noted a mail asks for it again. */
			(void)crls_note_broken(store, slot->id, NULL);
		}
	}
	return true;
}

GPtrArray *
crls_find(CrlStore *store, const GPtrArray *keys, GError **error)
{
	GPtrArray *crls = g_ptr_array_new_with_free_func(unref_crl);

	for (int i = 1; i <= ATTEMPTS; i++) {
		g_autoptr(GPtrArray) slots = current_slots(store, keys, error);

		if (slots == NULL) {
			g_ptr_array_unref(crls);
			return NULL;
		}
		if (parse_slots(store, slots, i == ATTEMPTS, crls)) {
			break;
		}
		read_again(store);
	}
	return crls;
}

bool
crls_has(CrlStore *store, const Crl *crl)
{
	bool has = false;

	pthread_mutex_lock(&store->lock);
	has = crls_refresh(store, NULL) &&
	    g_hash_table_contains(store->slots, crl_fingerprint(crl));
	pthread_mutex_unlock(&store->lock);
	return has;
}

CrlFacts *
crls_facts(CrlStore *store, const char *url)
{
	g_autofree char *name =
	    g_compute_checksum_for_string(G_CHECKSUM_SHA256, url, -1);
	CrlFacts *facts = NULL;
	const Record *record = NULL;

	pthread_mutex_lock(&store->lock);
	if (crls_refresh(store, NULL)) {
		record = g_hash_table_lookup(store->records, name);
		facts = record != NULL ? crls_facts_copy(record->facts) : NULL;
	}
	pthread_mutex_unlock(&store->lock);
	return facts;
}

static int
compare_facts(gconstpointer a, gconstpointer b)
{
	const CrlFacts *one = *(const CrlFacts *const *)a;
	const CrlFacts *two = *(const CrlFacts *const *)b;

	if (one->url == NULL || two->url == NULL) {
		return one->url == two->url ? g_strcmp0(one->id, two->id)
		    : one->url == NULL      ? 1
					    : -1;
	}
	return strcmp(one->url, two->url);
}

GPtrArray *
crls_list(CrlStore *store, GError **error)
{
	GPtrArray *list = NULL;
	GHashTableIter at;
	gpointer value = NULL;

	pthread_mutex_lock(&store->lock);
	if (crls_refresh(store, error)) {
		list = g_ptr_array_new_with_free_func(
		    (GDestroyNotify)crls_facts_free);
		g_hash_table_iter_init(&at, store->records);
		while (g_hash_table_iter_next(&at, NULL, &value)) {
			g_ptr_array_add(
			    list, crls_facts_copy(((Record *)value)->facts));
		}
	}
	pthread_mutex_unlock(&store->lock);
	if (list != NULL) {
		g_ptr_array_sort(list, compare_facts);
	}
	return list;
}

/* A clock that was wrong when it was noted must not put it off for years. */
static bool
is_due(const CrlFacts *facts, gint64 now)
{
	return facts->next_fetch <= now || facts->fetched > now + A_DAY ||
	    (facts->failures > 0 && facts->next_fetch > now + 2 * A_DAY);
}

CrlFacts *
crls_due(CrlStore *store, gint64 now, gint64 *next_out)
{
	const CrlFacts *first = NULL;
	CrlFacts *due = NULL;
	GHashTableIter at;
	gpointer value = NULL;

	pthread_mutex_lock(&store->lock);
	(void)crls_refresh(store, NULL);
	g_hash_table_iter_init(&at, store->records);
	while (g_hash_table_iter_next(&at, NULL, &value)) {
		const CrlFacts *facts = ((Record *)value)->facts;

		if (facts->url == NULL || facts->id == NULL) {
			continue;
		}
		if (is_due(facts, now)) {
			first = facts;
			break;
		}
		if (first == NULL || facts->next_fetch < first->next_fetch) {
			first = facts;
		}
	}
	if (first != NULL && is_due(first, now)) {
		due = crls_facts_copy(first);
	}
	*next_out = due != NULL ? now
	    : first != NULL     ? first->next_fetch
				: G_MAXINT64;
	pthread_mutex_unlock(&store->lock);
	return due;
}

guint64
crls_generation(CrlStore *store)
{
	guint64 generation = 0;

	pthread_mutex_lock(&store->lock);
	(void)crls_refresh(store, NULL);
	generation = store->generation;
	pthread_mutex_unlock(&store->lock);
	return generation;
}

int
crls_temporary(CrlStore *store, GError **error)
{
	g_autofree char *path =
	    g_build_filename(store->directory, FILE_TEMPORARY "XXXXXX", NULL);
	int file = -1;

	if (!state_check(store->state_dir, error) ||
	    !file_make_directories(store->directory, 0755, error)) {
		return -1;
	}
	file = g_mkstemp_full(path, O_RDWR | O_CLOEXEC, 0600);
	if (file == -1) {
		error_set_errno(error, "%s", path);
		return -1;
	}
	(void)unlink(path);
	return file;
}
