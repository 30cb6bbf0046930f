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
 * parses it.
 */
#include "config.h"

#include "store/crls.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "base/error.h"
#include "base/file.h"
#include "store/crlfacts.h"
#include "store/state.h"

#define FACTS_SUFFIX ".facts"
#define CRL_SUFFIX ".crl"
#define FACTS_MAX ((gsize)1024 * 1024)
/* Larger ones are mapped, not read: their pages can go again. Nobody changes
 * such a file where it stands. */
#define MAPPED_FROM 65536
/* No mail needs the file of a CRL that big. */
#define CRL_MAX G_GINT64_CONSTANT(0x40000000)
#define A_DAY 86400
#define CRLS_BROKEN "its file in the cache is damaged"
/* A writer that replaces files between our two looks at them. */
#define ATTEMPTS 3

/* A CRL on disk, parsed when it was asked for. */
typedef struct {
	gint references;
	char *id;
	pthread_mutex_t lock;
	Crl *crl;       /* guarded by lock; NULL: not parsed yet, or broken */
	bool broken;    /* guarded by lock, as is the next */
	bool confirmed; /* it was there and broken; so it stays */
} Slot;

typedef struct {
	CrlFacts *facts;
	Slot *slot;      /* NULL: it never had a CRL */
	FileStamp stamp; /* of the facts file */
	bool settled;
	bool seen; /* by the reading under way */
} Record;

struct CrlStore {
	char *state_dir;
	char *directory;
	char *generation_path;
	pthread_mutex_t lock;
	/* All below is guarded by lock. */
	GHashTable *records; /* by name */
	GHashTable *issuers; /* issuer key -> GPtrArray of Record */
	GHashTable *slots;   /* by id */
	guint64 generation;
	bool loaded;
	char *generation_text; /* NULL: there was none */
	FileStamp generation_stamp;
	bool generation_settled;
};

static Slot *
slot_ref(Slot *slot)
{
	__atomic_fetch_add(&slot->references, 1, __ATOMIC_ACQ_REL);
	return slot;
}

static void
slot_unref(Slot *slot)
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
	slot_unref(slot);
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
	slot_unref(record->slot);
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

static char *
path_of(const CrlStore *store, const char *name, const char *suffix)
{
	g_autofree char *file = g_strconcat(name, suffix, NULL);

	return g_build_filename(store->directory, file, NULL);
}

/* The one of this id, the same as long as a record has it. */
static Slot *
take_slot(CrlStore *store, const char *id)
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

/* After any change of the records. */
static void
index_records(CrlStore *store)
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

/* facts is the record's from here on. */
static Record *
put_record(CrlStore *store, const char *name, CrlFacts *facts)
{
	Record *record = g_new0(Record, 1);

	record->facts = facts;
	record->slot = take_slot(store, facts->id);
	g_hash_table_replace(store->records, g_strdup(name), record);
	return record;
}

/* Facts that a file system has spoiled are no facts: the URL is asked again
 * when a mail needs it. */
static CrlFacts *
read_facts(const CrlStore *store, const char *name, FileStamp *stamp_out)
{
	g_autofree char *path = path_of(store, name, FACTS_SUFFIX);
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
	g_autofree char *path = path_of(store, name, FACTS_SUFFIX);
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
	record = put_record(store, name, facts);
	record->stamp = stamp;
	record->settled = file_stamp_settled(&stamp);
	record->seen = true;
	/* Another process may have fetched what was damaged. */
	return g_strcmp0(old_id, facts->id) != 0 ||
	    (facts->trouble == NULL && record->slot != NULL &&
		slot_forgive(record->slot));
}

/* The name of a file with this suffix; NULL: another kind of file. */
static char *
name_of_file(const char *file, const char *suffix)
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
	DIR *directory = opendir(store->directory);
	struct dirent *entry = NULL;

	if (directory == NULL) {
		if (errno != ENOENT) {
			error_set_errno(error, "%s", store->directory);
			return false;
		}
		return state_check(store->state_dir, error);
	}
	while ((entry = readdir(directory)) != NULL) {
		g_autofree char *name =
		    name_of_file(entry->d_name, FACTS_SUFFIX);

		if (name != NULL && read_record(store, name)) {
			*changed = true;
		}
	}
	closedir(directory);
	return true;
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
	index_records(store);
	if (changed) {
		store->generation++;
	}
	return true;
}

/* Notes the generation that stands there; whether it is the one before. */
static bool
take_generation(CrlStore *store)
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
	return take_generation(store);
}

/* Under the mutex. */
static bool
bring_up_to_date(CrlStore *store, GError **error)
{
	if (store->loaded && is_same_generation(store)) {
		return true;
	}
	if (!store->loaded) {
		take_generation(store);
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
	(void)bring_up_to_date(store, NULL);
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
	if (stamp.size < MAPPED_FROM) {
		return file_read(path, MAPPED_FROM, NULL, error);
	}
	mapped = stamp.size <= CRL_MAX ? g_mapped_file_new(path, FALSE, error)
				       : NULL;
	return mapped != NULL ? g_mapped_file_get_bytes(mapped) : NULL;
}

/* What the file holds, if it is what its name says. */
static Crl *
parse_file(const CrlStore *store, const char *id)
{
	g_autofree char *path = path_of(store, id, CRL_SUFFIX);
	g_autoptr(GBytes) content = read_crl_file(path, NULL);
	g_autoptr(Crl) crl = content != NULL ? crl_new(content, NULL) : NULL;

	return crl != NULL && g_str_equal(crl_fingerprint(crl), id)
	    ? g_steal_pointer(&crl)
	    : NULL;
}

/* NULL: broken. */
static Crl *
slot_crl(const CrlStore *store, Slot *slot)
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

/* crl NULL: as if it had never been asked for. */
static void
slot_set(Slot *slot, Crl *crl)
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
	if (bring_up_to_date(store, error)) {
		slots = slots_of(store, keys);
	}
	pthread_mutex_unlock(&store->lock);
	return slots;
}

static bool note_broken(CrlStore *store, const char *id, GError **error);

/* false: one that is broken was met for the first time, perhaps only because
 * another process had just replaced it. */
static bool
parse_slots(CrlStore *store, const GPtrArray *slots, bool last, GPtrArray *crls)
{
	g_ptr_array_set_size(crls, 0);
	for (guint i = 0; i < slots->len; i++) {
		Slot *slot = slots->pdata[i];
		Crl *crl = NULL;

		crl = slot_crl(store, slot);
		if (crl != NULL) {
			g_ptr_array_add(crls, crl);
		} else if (slot_is_confirmed(slot)) {
			continue;
		} else if (!last) {
			slot_set(slot, NULL);
			return false;
		} else if (slot_confirm(slot)) {
			/* When it cannot be noted a mail asks for it again. */
			(void)note_broken(store, slot->id, NULL);
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
	has = bring_up_to_date(store, NULL) &&
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
	if (bring_up_to_date(store, NULL)) {
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
	if (bring_up_to_date(store, error)) {
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
	(void)bring_up_to_date(store, NULL);
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
	(void)bring_up_to_date(store, NULL);
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

/* From here on all is under STATE/lock. */

/* Both at once: the file, then the record. facts is consumed. */
static bool
write_facts(CrlStore *store, CrlFacts *facts, GError **error)
{
	g_autoptr(CrlFacts) mine = facts;
	g_autofree char *name = crlfacts_name(facts);
	g_autofree char *path = path_of(store, name, FACTS_SUFFIX);
	g_autoptr(GBytes) text = crlfacts_text(facts);
	Record *record = NULL;

	if (!file_write_atomic(path, text, 0644, 0755, error)) {
		return false;
	}
	pthread_mutex_lock(&store->lock);
	record = put_record(store, name, g_steal_pointer(&mine));
	/* Read again with the next change of others. */
	record->settled = false;
	index_records(store);
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
		g_autofree char *path = path_of(store, id, CRL_SUFFIX);

		(void)unlink(path);
	}
}

static bool
remove_facts(CrlStore *store, const CrlFacts *facts, GError **error)
{
	g_autofree char *name = crlfacts_name(facts);
	g_autofree char *path = path_of(store, name, FACTS_SUFFIX);
	g_autofree char *id = g_strdup(facts->id);

	if (unlink(path) != 0 && errno != ENOENT) {
		error_set_errno(error, "%s", path);
		return false;
	}
	pthread_mutex_lock(&store->lock);
	g_hash_table_remove(store->records, name);
	index_records(store);
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
	take_generation(store);
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
	sound = bring_up_to_date(store, error);
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
		g_autofree char *id = name_of_file(entry->d_name, CRL_SUFFIX);
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
	slot = take_slot(store, id);
	pthread_mutex_unlock(&store->lock);
	crl = slot_crl(store, slot);
	slot_unref(slot);
	return crl;
}

/* *superseded_out: of CrlFacts, those without a URL that crl makes needless. */
static CrlStored
compare_with_known(CrlStore *store, const Crl *crl, GPtrArray **superseded_out)
{
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
	    path_of(store, crl_fingerprint(crl), CRL_SUFFIX);
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
	slot = take_slot(store, crl_fingerprint(crl));
	pthread_mutex_unlock(&store->lock);
	slot_set(slot, g_bytes_get_size(der) < MAPPED_FROM ? crl : NULL);
	slot_unref(slot);
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

	if (stored == CRL_OLDER ||
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
		if (!write_facts(store, facts, error)) {
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

static bool
note_broken(CrlStore *store, const char *id, GError **error)
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
