/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a mail may do to the certificates of its sender (DESIGN 4, "Harvest";
 * STANDARDS 15, "Harvest poisoning"). The rules look at the whole file of the
 * address: spellings that differ in case alone are the same person's to most
 * servers, so neither a pin nor a limit is passed by writing Alice for alice.
 * What only waits has no say: a signing time somebody chose for a certificate
 * of an unknown issuer holds no other one back. The whole of it is done under
 * STATE/lock.
 */
#include "config.h"

#include "store/directory-private.h"

#include <string.h>

#include "base/error.h"
#include "store/entry.h"
#include "store/pending.h"
#include "store/state.h"

#define DAY_SECONDS G_GINT64_CONSTANT(86400)
/* The last second that four digits of a year can name. */
#define TIME_MAX G_GINT64_CONSTANT(253402300799)

typedef struct {
	Directory *directory;
	const DirectoryOffer *offer;
	const DirectoryLimits *limits;
	gint64 now;
	gint64 signing_time; /* 0: none that means anything */
	GPtrArray *entries;  /* of the file */
	GPtrArray *stale;    /* taken out of it: waited too long */
	DirectoryEntry *known;
	char *replaced;
} Harvest;

static void
harvest_clear(Harvest *harvest)
{
	g_free(harvest->replaced);
	g_ptr_array_unref(harvest->stale);
	g_clear_pointer(&harvest->entries, g_ptr_array_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Harvest, harvest_clear)

static const DirectoryEntry *
entry_at(const Harvest *harvest, guint i)
{
	return g_ptr_array_index(harvest->entries, i);
}

static guint
count(const Harvest *harvest, EntryState state)
{
	guint number = 0;

	for (guint i = 0; i < harvest->entries->len; i++) {
		number += entry_at(harvest, i)->state == state ? 1 : 0;
	}
	return number;
}

static bool
has_pinned(const Harvest *harvest)
{
	for (guint i = 0; i < harvest->entries->len; i++) {
		if (entry_at(harvest, i)->pinned) {
			return true;
		}
	}
	return false;
}

/* Of this certificate, in whatever spelling of the address. */
static bool
is_blocked(const Harvest *harvest, const char *fingerprint)
{
	for (guint i = 0; i < harvest->entries->len; i++) {
		const DirectoryEntry *entry = entry_at(harvest, i);

		if (entry->state == ENTRY_BLOCKED &&
		    strcmp(cert_fingerprint(entry->cert), fingerprint) == 0) {
			return true;
		}
	}
	return false;
}

/* Not newer than what is in use, which one without signing time never is. */
static bool
is_older(const Harvest *harvest)
{
	for (guint i = 0; i < harvest->entries->len; i++) {
		const DirectoryEntry *entry = entry_at(harvest, i);

		if (entry->state == ENTRY_USED &&
		    harvest->signing_time <= entry->signing_time) {
			return true;
		}
	}
	return false;
}

static bool
write_entries(Harvest *harvest, GError **error)
{
	if (!directory_write(harvest->directory, harvest->offer->address,
		harvest->entries, error)) {
		return false;
	}
	for (guint i = 0; i < harvest->stale->len; i++) {
		if (!pending_remove(harvest->directory,
			g_ptr_array_index(harvest->stale, i), error)) {
			return false;
		}
	}
	return true;
}

/* A file that would grow too large is full, and stays as it is. */
static bool
write_or_full(Harvest *harvest, HarvestResult *result, GError **error)
{
	g_autoptr(GError) reason = NULL;

	if (write_entries(harvest, &reason)) {
		return true;
	}
	if (g_error_matches(reason, ERROR_DOMAIN, ERROR_LIMIT)) {
		*result = HARVEST_FULL;
		g_clear_pointer(&harvest->replaced, g_free);
		return true;
	}
	g_propagate_error(error, g_steal_pointer(&reason));
	return false;
}

static void
take_out_stale(Harvest *harvest)
{
	for (guint i = harvest->entries->len; i > 0; i--) {
		DirectoryEntry *entry =
		    g_ptr_array_index(harvest->entries, i - 1);

		if (pending_is_stale(entry, harvest->now)) {
			g_ptr_array_add(
			    harvest->stale, directory_entry_ref(entry));
			g_ptr_array_remove_index(harvest->entries, i - 1);
		}
	}
}

static bool
read_entries(Harvest *harvest, GError **error)
{
	g_clear_pointer(&harvest->entries, g_ptr_array_unref);
	harvest->entries =
	    directory_read(harvest->directory, harvest->offer->address, error);
	if (harvest->entries == NULL) {
		return false;
	}
	g_ptr_array_set_size(harvest->stale, 0);
	take_out_stale(harvest);
	harvest->known = entry_find(
	    harvest->entries, cert_fingerprint(harvest->offer->cert));
	return true;
}

/* Would the choice among those in use come out differently? */
static bool
changes_order(const Harvest *harvest)
{
	for (guint i = 0; i < harvest->entries->len; i++) {
		const DirectoryEntry *entry = entry_at(harvest, i);

		if (entry != harvest->known && entry->state == ENTRY_USED &&
		    entry->signing_time >= harvest->known->signing_time &&
		    entry->signing_time < harvest->signing_time) {
			return true;
		}
	}
	return false;
}

static bool
seen_today(const Harvest *harvest)
{
	gint64 since = harvest->now - harvest->known->last_seen;

	return ABS(since) < DAY_SECONDS;
}

/* Whoever signs with a certificate that nobody vouches for may not say what
 * another one's owner can read, nor how new that is. */
static bool
is_vouched(const DirectoryOffer *offer)
{
	return !offer->pending || offer->vouched;
}

static bool
may_refresh(const Harvest *harvest)
{
	return harvest->signing_time > harvest->known->signing_time &&
	    is_vouched(harvest->offer);
}

static void
take_news(Harvest *harvest)
{
	DirectoryEntry *known = harvest->known;

	known->last_seen = harvest->now;
	if (!may_refresh(harvest)) {
		return;
	}
	known->signing_time = harvest->signing_time;
	if (harvest->offer->capabilities != NULL) {
		g_free(known->capabilities);
		known->capabilities = g_strdup(harvest->offer->capabilities);
	}
}

static bool
has_news(const Harvest *harvest)
{
	const char *capabilities = harvest->offer->capabilities;
	const DirectoryEntry *known = harvest->known;

	return may_refresh(harvest) &&
	    (known->signing_time == 0 || changes_order(harvest) ||
		(capabilities != NULL &&
		    g_strcmp0(capabilities, known->capabilities) != 0));
}

static bool
harvest_known(Harvest *harvest, HarvestResult *result, GError **error)
{
	if (!has_news(harvest) && seen_today(harvest)) {
		*result = HARVEST_KNOWN;
		return true;
	}
	*result = HARVEST_REFRESHED;
	take_news(harvest);
	return write_or_full(harvest, result, error);
}

static DirectoryEntry *
entry_of_offer(const Harvest *harvest)
{
	const DirectoryOffer *offer = harvest->offer;
	DirectoryEntry *entry =
	    entry_new(offer->address, offer->cert, ENTRY_HARVESTED);

	entry->first_seen = harvest->now;
	entry->last_seen = harvest->now;
	if (is_vouched(offer)) {
		entry->signing_time = harvest->signing_time;
		entry->capabilities = g_strdup(offer->capabilities);
	}
	return entry;
}

static bool
goes_before(const DirectoryEntry *a, const DirectoryEntry *b)
{
	if (a->signing_time != b->signing_time) {
		return a->signing_time < b->signing_time;
	}
	return a->last_seen < b->last_seen;
}

/* Room for one more in use; false: all of them stay. */
static bool
make_room(Harvest *harvest)
{
	DirectoryEntry *oldest = NULL;

	if (count(harvest, ENTRY_USED) < harvest->limits->max_per_address) {
		return true;
	}
	for (guint i = 0; i < harvest->entries->len; i++) {
		DirectoryEntry *entry = g_ptr_array_index(harvest->entries, i);

		if (entry->state == ENTRY_USED && !entry->pinned &&
		    entry->source == ENTRY_HARVESTED &&
		    (oldest == NULL || goes_before(entry, oldest))) {
			oldest = entry;
		}
	}
	if (oldest == NULL) {
		return false;
	}
	harvest->replaced = g_strdup(cert_fingerprint(oldest->cert));
	g_ptr_array_remove(harvest->entries, oldest);
	return true;
}

/* One that waited is in use from now on; its second file goes behind it. */
static void
end_waiting(Harvest *harvest)
{
	DirectoryEntry *known = harvest->known;

	g_ptr_array_add(harvest->stale,
	    entry_new(known->address, known->cert, ENTRY_HARVESTED));
	known->state = ENTRY_USED;
	known->source = ENTRY_HARVESTED;
	known->last_seen = harvest->now;
	known->signing_time = harvest->signing_time;
	g_free(known->capabilities);
	known->capabilities = g_strdup(harvest->offer->capabilities);
}

static bool
harvest_used(Harvest *harvest, HarvestResult *result, GError **error)
{
	*result =
	    count(harvest, ENTRY_USED) > 0 ? HARVEST_BESIDE : HARVEST_STORED;
	if (!make_room(harvest)) {
		*result = HARVEST_FULL;
		return true;
	}
	if (harvest->known != NULL) {
		end_waiting(harvest);
	} else {
		g_ptr_array_add(harvest->entries, entry_of_offer(harvest));
	}
	return write_or_full(harvest, result, error);
}

/* The second file first: what is left of a crash is then without entry, not an
 * entry that nobody is told of. */
static bool
add_pending(
    Harvest *harvest, const char *why, HarvestResult *result, GError **error)
{
	const DirectoryOffer *offer = harvest->offer;
	DirectoryEntry *entry = entry_of_offer(harvest);

	entry->state = ENTRY_PENDING;
	g_ptr_array_add(harvest->entries, entry);
	if (!pending_write(harvest->directory, entry, why, offer->mail,
		offer->chain, error)) {
		return false;
	}
	if (!write_or_full(harvest, result, error)) {
		(void)pending_remove(harvest->directory, entry, NULL);
		return false;
	}
	return *result != HARVEST_FULL ||
	    pending_remove(harvest->directory, entry, error);
}

static bool
harvest_pending(
    Harvest *harvest, const char *why, HarvestResult *result, GError **error)
{
	guint max = harvest->limits->max_pending;
	bool dropped = false;

	if (max == 0 ||
	    count(harvest, ENTRY_PENDING) >= DIRECTORY_PENDING_PER_ADDRESS) {
		*result = HARVEST_FULL;
		return true;
	}
	if (!pending_make_room(harvest->directory, max, &dropped, error)) {
		return false;
	}
	/* This very file may have had the oldest. */
	if (dropped && !read_entries(harvest, error)) {
		return false;
	}
	return add_pending(harvest, why, result, error);
}

static bool
harvest_beside_pinned(Harvest *harvest, HarvestResult *result, GError **error)
{
	const char *offered = harvest->offer->why;
	g_autofree char *why =
	    g_strdup_printf("the address has a pinned certificate%s%s",
		offered != NULL ? "; " : "", offered != NULL ? offered : "");

	*result = HARVEST_PINNED;
	return harvest->known != NULL ||
	    harvest_pending(harvest, why, result, error);
}

/* What changes nothing; known by a look alone, at entries that may be shared.
 */
static bool
is_settled(const Harvest *harvest, HarvestResult *result)
{
	const DirectoryEntry *known = harvest->known;

	if (is_blocked(harvest, cert_fingerprint(harvest->offer->cert))) {
		*result = HARVEST_BLOCKED;
		return true;
	}
	if (known != NULL && known->state == ENTRY_USED) {
		*result = HARVEST_KNOWN;
		return !has_news(harvest) && seen_today(harvest);
	}
	*result = HARVEST_OLDER;
	return is_older(harvest);
}

static bool
harvest_locked(Harvest *harvest, HarvestResult *result, GError **error)
{
	const DirectoryOffer *offer = harvest->offer;

	if (!read_entries(harvest, error)) {
		return false;
	}
	if (is_settled(harvest, result)) {
		return true;
	}
	if (harvest->known != NULL && harvest->known->state == ENTRY_USED) {
		return harvest_known(harvest, result, error);
	}
	if (has_pinned(harvest)) {
		return harvest_beside_pinned(harvest, result, error);
	}
	if (!offer->pending) {
		return harvest_used(harvest, result, error);
	}
	if (harvest->known != NULL) {
		return harvest_known(harvest, result, error);
	}
	*result = HARVEST_PENDING;
	return harvest_pending(harvest, offer->why, result, error);
}

/*
 * Most mails bring what is known: that costs a lookup, and no lock. false
 * without *error: a look alone does not tell.
 */
static bool
harvest_unlocked(Harvest *harvest, HarvestResult *result, GError **error)
{
	harvest->entries =
	    directory_find(harvest->directory, harvest->offer->address, error);
	if (harvest->entries == NULL) {
		return false;
	}
	harvest->known = entry_find(
	    harvest->entries, cert_fingerprint(harvest->offer->cert));
	return is_settled(harvest, result);
}

static bool
harvest_with_lock(Harvest *harvest, HarvestResult *result, GError **error)
{
	int lock = state_lock(harvest->directory->state_dir, error);
	bool done = false;

	if (lock == -1) {
		return false;
	}
	done = harvest_locked(harvest, result, error);
	file_unlock(lock);
	return done;
}

bool
directory_harvest(Directory *directory, const DirectoryOffer *offer,
    const DirectoryLimits *limits, HarvestResult *result_out,
    char **replaced_out, GError **error)
{
	gint64 time = offer->signing_time;
	g_autoptr(GError) reason = NULL;
	HarvestResult result = HARVEST_KNOWN;
	g_auto(Harvest) harvest = {
		.directory = directory,
		.offer = offer,
		.limits = limits,
		.now = g_get_real_time() / G_USEC_PER_SEC,
		.signing_time = time > 0 && time <= TIME_MAX ? time : 0,
		.stale = g_ptr_array_new_with_free_func(
		    (GDestroyNotify)directory_entry_unref),
	};

	if (!harvest_unlocked(&harvest, &result, &reason) &&
	    (reason != NULL ||
		!harvest_with_lock(&harvest, &result, &reason))) {
		g_propagate_error(error, g_steal_pointer(&reason));
		return false;
	}
	*result_out = result;
	if (replaced_out != NULL) {
		*replaced_out = g_steal_pointer(&harvest.replaced);
	}
	return true;
}
