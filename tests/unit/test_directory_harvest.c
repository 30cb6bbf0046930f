/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a mail can do to the certificates of its sender, and what it cannot:
 * every result, replaced ones, pinned ones under attack, floods, replays,
 * writers that meet or are killed.
 */
#include "config.h"

#include "store/directory.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "base/error.h"
#include "directory_fixture.h"
#include "scratch.h"

/* A signing time of the tests; later ones are T0 plus something. */
#define T0 G_GINT64_CONSTANT(1790000000)
#define CAPABLE "aes256-gcm aes256-cbc"

static DirectoryOffer
offer_of(guint number, gint64 signing_time)
{
	return (DirectoryOffer){
		.address = ALICE,
		.cert = partners_cert(number),
		.signing_time = signing_time,
		.capabilities = CAPABLE,
		.vouched = true,
	};
}

static DirectoryOffer
waiting(guint number, const char *address)
{
	DirectoryOffer offer = offer_of(number, T0);

	offer.address = address;
	offer.pending = true;
	offer.why = "the issuer is not known";
	offer.mail = "<1@example.com>";
	return offer;
}

static void
harvest(const Place *place, guint number, gint64 time, HarvestResult want)
{
	DirectoryOffer offer = offer_of(number, time);

	place_harvest(place, &offer, want);
}

static void
harvest_waiting(const Place *place, guint number, HarvestResult want)
{
	DirectoryOffer offer = waiting(number, ALICE);

	place_harvest(place, &offer, want);
}

static void
change(const Place *place, guint number, DirectoryChange what)
{
	g_autoptr(GError) error = NULL;

	g_assert_true(directory_change(place->directory,
	    cert_fingerprint(partners_cert(number)), ALICE, what, &error));
	g_assert_no_error(error);
}

static bool
has(const Place *place, guint number)
{
	g_autoptr(DirectoryEntry) entry = place_entry(place, ALICE, number);

	return entry != NULL && entry->state == ENTRY_USED;
}

static void
test_stored(Place *place, gconstpointer data)
{
	g_autoptr(DirectoryEntry) entry = NULL;
	gint64 now = place_now();

	(void)data;
	harvest(place, 0, T0, HARVEST_STORED);
	entry = place_entry(place, ALICE, 0);
	g_assert_nonnull(entry);
	g_assert_cmpstr(entry->address, ==, ALICE);
	g_assert_cmpint(entry->state, ==, ENTRY_USED);
	g_assert_cmpint(entry->source, ==, ENTRY_HARVESTED);
	g_assert_false(entry->pinned);
	g_assert_cmpint(entry->signing_time, ==, T0);
	g_assert_cmpstr(entry->capabilities, ==, CAPABLE);
	g_assert_cmpint(entry->first_seen, >=, now);
	g_assert_cmpint(entry->last_seen, ==, entry->first_seen);
}

static void
test_known_writes_nothing(Place *place, gconstpointer data)
{
	g_autofree char *before = NULL;
	g_autofree char *after = NULL;

	(void)data;
	harvest(place, 0, T0, HARVEST_STORED);
	before = scratch_text(place->alice);
	harvest(place, 0, T0, HARVEST_KNOWN);
	/* Newer, but it would change no choice. */
	harvest(place, 0, T0 + 5, HARVEST_KNOWN);
	/* Older, or without time. */
	harvest(place, 0, T0 - 5, HARVEST_KNOWN);
	harvest(place, 0, 0, HARVEST_KNOWN);
	after = scratch_text(place->alice);
	g_assert_cmpstr(after, ==, before);
}

/* A file that everybody may read, and nobody write, is enough for what is
 * known. */
static void
test_known_needs_no_rights(Place *place, gconstpointer data)
{
	g_autofree char *domain = g_path_get_dirname(place->alice);
	g_autofree char *certs = g_path_get_dirname(domain);

	(void)data;
	harvest(place, 0, T0, HARVEST_STORED);
	g_assert_cmpint(g_chmod(place->state, 0755), ==, 0);
	g_assert_cmpint(g_chmod(certs, 0755), ==, 0);
	g_assert_cmpint(g_chmod(domain, 0755), ==, 0);
	g_assert_cmpint(g_chmod(place->alice, 0644), ==, 0);
	scratch_become_nobody();
	harvest(place, 0, T0 + 1, HARVEST_KNOWN);
	harvest(place, 1, T0 - 1, HARVEST_OLDER);
	scratch_regain();
}

static void
test_refreshed(Place *place, gconstpointer data)
{
	DirectoryOffer offer = offer_of(0, T0 + 1);
	g_autoptr(DirectoryEntry) entry = NULL;

	(void)data;
	harvest(place, 0, T0, HARVEST_STORED);
	offer.capabilities = "aes128-cbc";
	place_harvest(place, &offer, HARVEST_REFRESHED);
	entry = place_entry(place, ALICE, 0);
	g_assert_cmpstr(entry->capabilities, ==, "aes128-cbc");
	g_assert_cmpint(entry->signing_time, ==, T0 + 1);
	/* Not announced is not news; an old announcement is none. */
	offer.capabilities = NULL;
	offer.signing_time = T0 + 2;
	place_harvest(place, &offer, HARVEST_KNOWN);
	offer.capabilities = "3des-cbc";
	offer.signing_time = T0;
	place_harvest(place, &offer, HARVEST_KNOWN);
	offer.signing_time = 0;
	place_harvest(place, &offer, HARVEST_KNOWN);
}

/* Two in use: which is newer is worth a write. */
static void
test_refreshed_order(Place *place, gconstpointer data)
{
	g_autoptr(DirectoryEntry) entry = NULL;

	(void)data;
	harvest(place, 0, T0, HARVEST_STORED);
	harvest(place, 1, T0 + 10, HARVEST_BESIDE);
	harvest(place, 0, T0 + 5, HARVEST_KNOWN);
	harvest(place, 0, T0 + 20, HARVEST_REFRESHED);
	entry = place_entry(place, ALICE, 0);
	g_assert_cmpint(entry->signing_time, ==, T0 + 20);
}

static void
put_seen(const Place *place, const char *seen)
{
	g_autofree char *lines = g_strdup_printf(
	    "# state: used\n# source: harvested\n# first seen: %s\n"
	    "# last seen: %s\n# signing time: 2020-01-01T00:00:00Z\n",
	    seen, seen);
	g_autofree char *text = place_text(lines, 0);

	place_put(place, ALICE, text);
}

static void
test_last_seen(Place *place, gconstpointer data)
{
	static const char *const odd[] = { "2020-01-01T00:00:00Z",
		"2090-01-01T00:00:00Z" };

	(void)data;
	/* A day has passed, or the clock was wrong. */
	for (guint i = 0; i < G_N_ELEMENTS(odd); i++) {
		g_autoptr(DirectoryEntry) entry = NULL;

		put_seen(place, odd[i]);
		harvest(place, 0, 1000, HARVEST_REFRESHED);
		entry = place_entry(place, ALICE, 0);
		g_assert_cmpint(ABS(entry->last_seen - place_now()), <, DAY);
		g_assert_cmpint(entry->signing_time, ==, 1577836800);
		g_assert_null(entry->capabilities);
		harvest(place, 0, 1000, HARVEST_KNOWN);
	}
}

static void
test_older(Place *place, gconstpointer data)
{
	(void)data;
	harvest(place, 0, T0, HARVEST_STORED);
	harvest(place, 1, T0 - 1, HARVEST_OLDER);
	harvest(place, 1, T0, HARVEST_OLDER);
	harvest(place, 1, 0, HARVEST_OLDER);
	harvest_waiting(place, 1, HARVEST_OLDER);
	g_assert_cmpint(place_count(place, ALICE, ENTRY_USED), ==, 1);
	g_assert_cmpuint(place_pending_files(place), ==, 0);
	harvest(place, 1, T0 + 1, HARVEST_BESIDE);
}

/* Stored only where there is none; then anything with a time is newer. */
static void
test_no_signing_time(Place *place, gconstpointer data)
{
	(void)data;
	harvest(place, 0, 0, HARVEST_STORED);
	harvest(place, 1, 0, HARVEST_OLDER);
	harvest(place, 1, 1, HARVEST_BESIDE);
	harvest(place, 2, -5, HARVEST_OLDER);
	harvest(place, 2, G_MAXINT64, HARVEST_OLDER);
}

static void
test_blocked(Place *place, gconstpointer data)
{
	(void)data;
	harvest(place, 0, T0, HARVEST_STORED);
	change(place, 0, DIRECTORY_BLOCK);
	harvest(place, 0, T0 + 1, HARVEST_BLOCKED);
	harvest_waiting(place, 0, HARVEST_BLOCKED);
	/* It holds no other one back. */
	harvest(place, 1, T0 - 1, HARVEST_STORED);
	change(place, 0, DIRECTORY_REMOVE);
	harvest(place, 0, T0 + 2, HARVEST_BESIDE);
}

static HarvestResult
harvest_limited(const Place *place, guint number, gint64 time, guint max,
    char **replaced_out)
{
	g_autoptr(GError) error = NULL;
	const DirectoryLimits limits = { .max_per_address = max,
		.max_pending = 100 };
	DirectoryOffer offer = offer_of(number, time);
	HarvestResult got = HARVEST_KNOWN;

	g_assert_true(directory_harvest(
	    place->directory, &offer, &limits, &got, replaced_out, &error));
	g_assert_no_error(error);
	return got;
}

static void
test_replaced(Place *place, gconstpointer data)
{
	g_autofree char *none = NULL;
	g_autofree char *replaced = NULL;

	(void)data;
	g_assert_cmpint(
	    harvest_limited(place, 0, T0, 2, &none), ==, HARVEST_STORED);
	g_assert_null(none);
	harvest(place, 1, T0 + 1, HARVEST_BESIDE);
	/* The first is the newest by now. */
	harvest(place, 0, T0 + 2, HARVEST_REFRESHED);
	g_assert_cmpint(harvest_limited(place, 2, T0 + 3, 2, &replaced), ==,
	    HARVEST_BESIDE);
	g_assert_cmpstr(replaced, ==, cert_fingerprint(partners_cert(1)));
	g_assert_true(has(place, 0));
	g_assert_false(has(place, 1));
	g_assert_true(has(place, 2));
}

static void
test_never_replaced(Place *place, gconstpointer data)
{
	g_autofree char *replaced = NULL;

	(void)data;
	place_import(place, 0, ALICE, false);
	harvest(place, 1, T0, HARVEST_BESIDE);
	change(place, 1, DIRECTORY_APPROVE);
	g_assert_cmpint(
	    harvest_limited(place, 2, T0 + 1, 2, &replaced), ==, HARVEST_FULL);
	g_assert_null(replaced);
	g_assert_false(has(place, 2));
	g_assert_cmpint(harvest_limited(place, 2, T0 + 1, 3, &replaced), ==,
	    HARVEST_BESIDE);
	/* With one that may go, it is that one. */
	g_assert_cmpint(harvest_limited(place, 3, T0 + 2, 3, &replaced), ==,
	    HARVEST_BESIDE);
	g_assert_cmpstr(replaced, ==, cert_fingerprint(partners_cert(2)));
	g_assert_true(has(place, 0));
	g_assert_true(has(place, 1));
	g_assert_true(has(place, 3));
}

static void
test_none_allowed(Place *place, gconstpointer data)
{
	(void)data;
	g_assert_cmpint(
	    harvest_limited(place, 0, T0, 0, NULL), ==, HARVEST_FULL);
	g_assert_false(g_file_test(place->alice, G_FILE_TEST_EXISTS));
}

static void
test_pinned(Place *place, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) pending = NULL;
	g_autoptr(DirectoryEntry) entry = NULL;
	const DirectoryPending *first = NULL;

	(void)data;
	place_import(place, 0, ALICE, true);
	harvest(place, 1, T0, HARVEST_PINNED);
	harvest(place, 1, T0 + 1, HARVEST_PINNED);
	entry = place_entry(place, ALICE, 1);
	g_assert_cmpint(entry->state, ==, ENTRY_PENDING);
	pending = directory_pending(place->directory, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(pending->len, ==, 1);
	first = g_ptr_array_index(pending, 0);
	g_assert_nonnull(strstr(first->why, "pinned"));
	/* Its own mails go on counting. */
	harvest(place, 0, T0 + 2, HARVEST_REFRESHED);
	harvest(place, 1, T0 + 1, HARVEST_OLDER);
	change(place, 0, DIRECTORY_UNPIN);
	harvest(place, 1, T0 + 3, HARVEST_BESIDE);
	g_assert_cmpuint(place_pending_files(place), ==, 0);
}

/* Another spelling is the same mailbox to most servers. */
static void
test_pinned_other_case(Place *place, gconstpointer data)
{
	DirectoryOffer offer = offer_of(1, T0);

	(void)data;
	place_import(place, 0, ALICE, true);
	offer.address = "Alice@example.com";
	place_harvest(place, &offer, HARVEST_PINNED);
	/* ... and with as many as may wait, one more does not push. */
	for (guint i = 2; i < 6; i++) {
		offer.cert = partners_cert(i);
		offer.signing_time = T0 + i;
		place_harvest(
		    place, &offer, i == 2 ? HARVEST_PINNED : HARVEST_FULL);
	}
	g_assert_true(has(place, 0));
	g_assert_cmpint(place_count(place, ALICE, ENTRY_PENDING), ==, 2);
	g_assert_cmpint(place_count(place, ALICE, ENTRY_USED), ==, 1);
}

static void
test_pending(Place *place, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) chain = g_ptr_array_new();
	g_autoptr(GPtrArray) pending = NULL;
	const DirectoryPending *first = NULL;
	DirectoryOffer offer = waiting(0, ALICE);

	(void)data;
	g_ptr_array_add(chain, (gpointer)partners_cert(10));
	g_ptr_array_add(chain, (gpointer)partners_cert(11));
	offer.chain = chain;
	offer.mail = "<1@example.com>\r\n# state: used\n";
	place_harvest(place, &offer, HARVEST_PENDING);
	place_harvest(place, &offer, HARVEST_KNOWN);
	pending = directory_pending(place->directory, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(pending->len, ==, 1);
	first = g_ptr_array_index(pending, 0);
	g_assert_cmpstr(first->entry->address, ==, ALICE);
	g_assert_cmpint(first->entry->state, ==, ENTRY_PENDING);
	g_assert_cmpstr(first->why, ==, offer.why);
	g_assert_cmpstr(first->mail, ==, "<1@example.com>??# state: used?");
	g_assert_cmpuint(first->chain->len, ==, 2);
	g_assert_cmpstr(cert_fingerprint(g_ptr_array_index(first->chain, 1)),
	    ==, cert_fingerprint(partners_cert(11)));
}

/* Its chain reaches an anchor now. */
static void
test_pending_becomes_used(Place *place, gconstpointer data)
{
	g_autoptr(DirectoryEntry) entry = NULL;

	(void)data;
	harvest_waiting(place, 0, HARVEST_PENDING);
	g_assert_cmpuint(place_pending_files(place), ==, 1);
	harvest(place, 0, T0 - 7, HARVEST_STORED);
	entry = place_entry(place, ALICE, 0);
	g_assert_cmpint(entry->state, ==, ENTRY_USED);
	g_assert_cmpint(entry->signing_time, ==, T0 - 7);
	g_assert_cmpuint(place_pending_files(place), ==, 0);
}

/* A far signing time of one that waits holds nobody back. */
static void
test_pending_has_no_say(Place *place, gconstpointer data)
{
	(void)data;
	harvest_waiting(place, 0, HARVEST_PENDING);
	harvest(place, 1, T0 - 100, HARVEST_STORED);
	harvest_waiting(place, 2, HARVEST_PENDING);
	g_assert_cmpint(
	    harvest_limited(place, 3, T0 + 1, 1, NULL), ==, HARVEST_BESIDE);
	g_assert_cmpint(place_count(place, ALICE, ENTRY_PENDING), ==, 2);
	g_assert_true(has(place, 3));
}

static void
test_pending_flood_of_one(Place *place, gconstpointer data)
{
	(void)data;
	harvest_waiting(place, 0, HARVEST_PENDING);
	harvest_waiting(place, 1, HARVEST_PENDING);
	for (guint i = 2; i < PARTNERS; i++) {
		harvest_waiting(place, i, HARVEST_FULL);
	}
	g_assert_cmpint(place_count(place, ALICE, ENTRY_PENDING), ==, 2);
	g_assert_cmpuint(place_pending_files(place), ==, 2);
}

/* Many addresses: the oldest go, with entry and file. */
static void
test_pending_flood_of_all(Place *place, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	const DirectoryLimits limits = { .max_per_address = 8,
		.max_pending = 3 };
	HarvestResult got = HARVEST_FULL;

	(void)data;
	for (guint i = 0; i < PARTNERS; i++) {
		g_autofree char *address =
		    g_strdup_printf("user%u@example.net", i);
		DirectoryOffer offer = waiting(i, address);

		g_assert_true(directory_harvest(
		    place->directory, &offer, &limits, &got, NULL, &error));
		g_assert_no_error(error);
		g_assert_cmpint(got, ==, HARVEST_PENDING);
		g_assert_cmpuint(place_pending_files(place), <=, 3);
		g_usleep(20000); /* file times have ticks */
	}
	g_assert_cmpuint(place_pending_files(place), ==, 3);
	g_assert_cmpint(
	    place_count(place, "user0@example.net", ENTRY_PENDING), ==, 0);
	g_assert_cmpint(
	    place_count(place, "user11@example.net", ENTRY_PENDING), ==, 1);
	g_assert_cmpint(
	    place_count(place, "user9@example.net", ENTRY_PENDING), ==, 1);
}

/* The oldest may stand in the very file that gets the new one. */
static void
test_pending_flood_same_file(Place *place, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	const DirectoryLimits limits = { .max_per_address = 8,
		.max_pending = 1 };
	DirectoryOffer offer = waiting(1, ALICE);
	HarvestResult got = HARVEST_FULL;

	(void)data;
	harvest_waiting(place, 0, HARVEST_PENDING);
	g_assert_true(directory_harvest(
	    place->directory, &offer, &limits, &got, NULL, &error));
	g_assert_no_error(error);
	g_assert_cmpint(got, ==, HARVEST_PENDING);
	g_assert_cmpint(place_count(place, ALICE, ENTRY_PENDING), ==, 1);
	g_assert_cmpuint(place_pending_files(place), ==, 1);
}

static void
test_pending_not_allowed(Place *place, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	const DirectoryLimits limits = { .max_per_address = 8 };
	DirectoryOffer offer = waiting(1, ALICE);
	HarvestResult got = HARVEST_STORED;

	(void)data;
	g_assert_true(directory_harvest(
	    place->directory, &offer, &limits, &got, NULL, &error));
	g_assert_no_error(error);
	g_assert_cmpint(got, ==, HARVEST_FULL);
	g_assert_cmpuint(place_pending_files(place), ==, 0);
}

/* A stranger signs for alice and names her certificate, and weak ciphers. */
static void
test_stranger_says_nothing(Place *place, gconstpointer data)
{
	DirectoryOffer offer = waiting(0, ALICE);
	g_autoptr(DirectoryEntry) entry = NULL;

	(void)data;
	offer.vouched = false;
	offer.capabilities = "3des-cbc";
	place_harvest(place, &offer, HARVEST_PENDING);
	/* What the administrator takes is the certificate, not the ciphers. */
	place_import(place, 0, ALICE, false);
	entry = place_entry(place, ALICE, 0);
	g_assert_null(entry->capabilities);
	g_assert_cmpint(entry->signing_time, ==, 0);
}

static void
test_stranger_refreshes_nothing(Place *place, gconstpointer data)
{
	DirectoryOffer offer = waiting(0, ALICE);
	g_autoptr(DirectoryEntry) entry = NULL;

	(void)data;
	place_import(place, 0, ALICE, false);
	harvest(place, 0, T0, HARVEST_REFRESHED);
	offer.vouched = false;
	offer.signing_time = T0 + 100;
	offer.capabilities = "3des-cbc";
	place_harvest(place, &offer, HARVEST_KNOWN);
	entry = place_entry(place, ALICE, 0);
	g_assert_cmpstr(entry->capabilities, ==, CAPABLE);
	g_assert_cmpint(entry->signing_time, ==, T0);
	/* The owner himself may, also where all has to be approved. */
	offer.vouched = true;
	place_harvest(place, &offer, HARVEST_REFRESHED);
}

static void
put_waiting_since(const Place *place, const char *since)
{
	g_autofree char *lines = g_strdup_printf(
	    "# state: pending\n# source: harvested\n# first seen: %s\n", since);
	g_autofree char *text = place_text(lines, 0);

	place_put(place, ALICE, text);
}

static void
test_sweep(Place *place, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	DirectoryOffer other = waiting(1, BOB);
	guint dropped = 99;

	(void)data;
	harvest_waiting(place, 0, HARVEST_PENDING);
	place_harvest(place, &other, HARVEST_PENDING);
	g_assert_true(directory_sweep(place->directory, &dropped, &error));
	g_assert_no_error(error);
	g_assert_cmpuint(dropped, ==, 0);
	put_waiting_since(place, "2020-01-01T00:00:00Z");
	g_assert_true(directory_sweep(place->directory, &dropped, &error));
	g_assert_no_error(error);
	g_assert_cmpuint(dropped, ==, 1);
	g_assert_false(g_file_test(place->alice, G_FILE_TEST_EXISTS));
	g_assert_cmpuint(place_pending_files(place), ==, 1);
}

/* As a crash between the two files leaves it. */
static void
test_sweep_leftover(Place *place, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) pending = NULL;

	(void)data;
	harvest_waiting(place, 0, HARVEST_PENDING);
	g_assert_cmpint(g_unlink(place->alice), ==, 0);
	g_assert_cmpuint(place_pending_files(place), ==, 1);
	pending = directory_pending(place->directory, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(pending->len, ==, 0);
	g_assert_cmpuint(place_pending_files(place), ==, 0);
}

/* Old ones make room in their file. */
static void
test_stale_makes_room(Place *place, gconstpointer data)
{
	(void)data;
	put_waiting_since(place, "2020-01-01T00:00:00Z");
	harvest_waiting(place, 1, HARVEST_PENDING);
	harvest_waiting(place, 2, HARVEST_PENDING);
	harvest_waiting(place, 3, HARVEST_FULL);
	g_assert_cmpint(place_count(place, ALICE, ENTRY_PENDING), ==, 2);
}

static void
test_broken(Place *place, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *after = NULL;
	DirectoryOffer offer = offer_of(0, T0);
	HarvestResult got = HARVEST_FULL;

	(void)data;
	place_put(place, ALICE, "-----BEGIN CERTIFICATE-----\nAAAA\n");
	g_assert_false(directory_harvest(
	    place->directory, &offer, &place_limits, &got, NULL, &error));
	g_assert_error(error, ERROR_DOMAIN, ERROR_MALFORMED);
	g_assert_nonnull(strstr(error->message, place->alice));
	g_assert_nonnull(strstr(error->message, "repair"));
	after = scratch_text(place->alice);
	g_assert_cmpstr(after, ==, "-----BEGIN CERTIFICATE-----\nAAAA\n");
	g_assert_cmpint(got, ==, HARVEST_FULL);
}

static void
test_no_file_possible(Place *place, gconstpointer data)
{
	g_autofree char *local = g_strnfill(250, 'a');
	g_autofree char *longest = g_strconcat(local, "@example.com", NULL);
	const char *const addresses[] = { longest, "a@[127.0.0.1]", "a@" };

	(void)data;
	for (guint i = 0; i < G_N_ELEMENTS(addresses); i++) {
		g_autoptr(GError) error = NULL;
		DirectoryOffer offer = offer_of(0, T0);
		HarvestResult got = HARVEST_FULL;

		offer.address = addresses[i];
		g_assert_false(directory_harvest(place->directory, &offer,
		    &place_limits, &got, NULL, &error));
		g_assert_true(
		    g_error_matches(error, ERROR_DOMAIN, ERROR_LIMIT) ||
		    g_error_matches(error, ERROR_DOMAIN, ERROR_MALFORMED));
	}
}

/* Lines cannot be smuggled in. */
static void
test_control_characters(Place *place, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	DirectoryOffer offer = offer_of(0, T0);
	HarvestResult got = HARVEST_FULL;

	(void)data;
	offer.address = "a\n# state: used@example.com";
	g_assert_false(directory_harvest(
	    place->directory, &offer, &place_limits, &got, NULL, &error));
	g_assert_error(error, ERROR_DOMAIN, ERROR_MALFORMED);
	g_clear_error(&error);
	offer.address = ALICE;
	offer.capabilities = "aes256-gcm\n# pinned: yes";
	g_assert_false(directory_harvest(
	    place->directory, &offer, &place_limits, &got, NULL, &error));
	g_assert_error(error, ERROR_DOMAIN, ERROR_MALFORMED);
}

/* Until nothing goes in any more. */
static void
fill(const char *directory, const char *content)
{
	bool full = false;

	for (guint i = 0; i < 50 && !full; i++) {
		g_autofree char *name = g_strdup_printf("filler%u", i);
		g_autofree char *path = g_build_filename(directory, name, NULL);
		FILE *file = fopen(path, "w");

		full = file == NULL || fputs(content, file) < 0;
		full = file == NULL || fclose(file) != 0 || full;
	}
	g_assert_true(full);
}

static void
test_full_disk(Place *place, gconstpointer data)
{
	g_autofree char *certs = g_build_filename(place->state, "certs", NULL);
	g_autofree char *before = NULL;
	g_autofree char *after = NULL;
	DirectoryOffer offer = offer_of(1, T0 + 1);
	HarvestResult got = HARVEST_KNOWN;
	g_autoptr(GError) error = NULL;

	(void)data;
	g_assert_cmpint(g_mkdir(certs, 0700), ==, 0);
	if (!scratch_mount(certs, 16384)) {
		g_test_skip("no mount namespace");
		return;
	}
	harvest(place, 0, T0, HARVEST_STORED);
	before = scratch_text(place->alice);
	fill(certs, before);
	g_assert_false(directory_harvest(
	    place->directory, &offer, &place_limits, &got, NULL, &error));
	g_assert_error(error, ERROR_DOMAIN, ERROR_IO);
	after = scratch_text(place->alice);
	g_assert_cmpstr(after, ==, before);
	scratch_unmount(certs);
}

static void
test_no_rights(Place *place, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *before = NULL;
	g_autofree char *after = NULL;
	g_autofree char *parent = g_path_get_dirname(place->alice);
	DirectoryOffer offer = offer_of(1, T0 + 1);
	HarvestResult got = HARVEST_KNOWN;

	(void)data;
	harvest(place, 0, T0, HARVEST_STORED);
	before = scratch_text(place->alice);
	scratch_become_nobody();
	g_assert_false(directory_harvest(
	    place->directory, &offer, &place_limits, &got, NULL, &error));
	scratch_regain();
	g_assert_error(error, ERROR_DOMAIN, ERROR_PERMISSION);
	after = scratch_text(place->alice);
	g_assert_cmpstr(after, ==, before);
	g_assert_cmpuint(scratch_count(parent), ==, 1);
}

static void
test_no_state(Place *place, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	DirectoryOffer offer = offer_of(1, T0 + 1);
	HarvestResult got = HARVEST_KNOWN;

	(void)data;
	g_assert_cmpint(g_rmdir(place->state), ==, 0);
	g_assert_false(directory_harvest(
	    place->directory, &offer, &place_limits, &got, NULL, &error));
	g_assert_error(error, ERROR_DOMAIN, ERROR_IO);
}

/* In its own process: every partner of one half, at one address. */
static void
child(const char *state, guint first)
{
	Directory *directory = directory_new(state);
	const DirectoryLimits limits = { .max_per_address = PARTNERS,
		.max_pending = 100 };

	for (guint i = first; i < PARTNERS; i += 2) {
		g_autofree char *own = g_strdup_printf("user%u@example.net", i);
		DirectoryOffer offer = offer_of(i, 0);
		HarvestResult got = HARVEST_KNOWN;

		offer.address = own;
		if (!directory_harvest(
			directory, &offer, &limits, &got, NULL, NULL)) {
			_exit(1);
		}
		/* At one address only waiting ones have no order. */
		if (!directory_import(directory, partners_cert(i),
			(const char *const[]){ ALICE, NULL }, false, NULL)) {
			_exit(1);
		}
	}
	_exit(0);
}

static void
test_two_processes(Place *place, gconstpointer data)
{
	pid_t children[2];

	(void)data;
	for (guint i = 0; i < 2; i++) {
		children[i] = fork();
		g_assert_cmpint(children[i], >=, 0);
		if (children[i] == 0) {
			child(place->state, i);
		}
	}
	for (guint i = 0; i < 2; i++) {
		int status = 0;

		g_assert_cmpint(
		    waitpid(children[i], &status, 0), ==, children[i]);
		g_assert_cmpint(status, ==, 0);
	}
	g_assert_cmpint(place_count(place, ALICE, ENTRY_USED), ==, PARTNERS);
	for (guint i = 0; i < PARTNERS; i++) {
		g_autofree char *own = g_strdup_printf("user%u@example.net", i);

		g_assert_cmpint(place_count(place, own, ENTRY_USED), ==, 1);
	}
}

/* Killed in the middle, again and again: what is there can be used, and
 * nothing that was there before is lost. */
static void
test_killed(Place *place, gconstpointer data)
{
	(void)data;
	place_import(place, 0, ALICE, true);
	for (guint i = 0; i < 20; i++) {
		pid_t writer = fork();
		g_autoptr(GPtrArray) found = NULL;
		int status = 0;

		g_assert_cmpint(writer, >=, 0);
		if (writer == 0) {
			child(place->state, i % 2);
		}
		g_usleep(500 * (i + 1));
		(void)kill(writer, SIGKILL);
		g_assert_cmpint(waitpid(writer, &status, 0), ==, writer);
		found = place_find(place, ALICE);
		g_assert_cmpuint(found->len, >=, 1);
		g_assert_true(has(place, 0));
	}
}

typedef struct {
	const Place *place;
	guint first;
} Task;

static gpointer
work(gpointer data)
{
	const Task *task = data;

	for (guint round = 0; round < 20; round++) {
		for (guint i = 0; i < 4; i++) {
			g_autoptr(GError) error = NULL;
			g_autofree char *own =
			    g_strdup_printf("user%u@example.net", i);
			DirectoryOffer offer =
			    offer_of((task->first + i) % PARTNERS, T0 + round);
			HarvestResult got = HARVEST_KNOWN;
			g_autoptr(GPtrArray) found = NULL;

			offer.address = own;
			g_assert_true(directory_harvest(task->place->directory,
			    &offer, &place_limits, &got, NULL, &error));
			g_assert_no_error(error);
			found = place_find(task->place, own);
			g_assert_cmpuint(found->len, >=, 1);
		}
	}
	return NULL;
}

static void
test_threads(Place *place, gconstpointer data)
{
	GThread *threads[4];
	Task tasks[4];

	(void)data;
	for (guint i = 0; i < 4; i++) {
		tasks[i] = (Task){ .place = place, .first = i };
		threads[i] = g_thread_new("harvest", work, &tasks[i]);
	}
	for (guint i = 0; i < 4; i++) {
		g_thread_join(threads[i]);
	}
}

#define ADD(path, function) \
	g_test_add(path, Place, NULL, place_set_up, function, place_tear_down)

static void
add_results(void)
{
	ADD("/harvest/stored", test_stored);
	ADD("/harvest/known/writes-nothing", test_known_writes_nothing);
	ADD("/harvest/known/again", test_known_needs_no_rights);
	ADD("/harvest/refreshed/capabilities", test_refreshed);
	ADD("/harvest/refreshed/order", test_refreshed_order);
	ADD("/harvest/refreshed/last-seen", test_last_seen);
	ADD("/harvest/older", test_older);
	ADD("/harvest/no-signing-time", test_no_signing_time);
	ADD("/harvest/blocked", test_blocked);
	ADD("/harvest/replaced", test_replaced);
	ADD("/harvest/never-replaced", test_never_replaced);
	ADD("/harvest/none-allowed", test_none_allowed);
	ADD("/harvest/pinned", test_pinned);
	ADD("/harvest/pinned/other-case", test_pinned_other_case);
	ADD("/harvest/stranger", test_stranger_refreshes_nothing);
	ADD("/harvest/stranger-at-first", test_stranger_says_nothing);
}

static void
add_pending(void)
{
	ADD("/harvest/pending", test_pending);
	ADD("/harvest/pending/becomes-used", test_pending_becomes_used);
	ADD("/harvest/pending/has-no-say", test_pending_has_no_say);
	ADD("/harvest/pending/flood-of-one", test_pending_flood_of_one);
	ADD("/harvest/pending/flood-of-all", test_pending_flood_of_all);
	ADD("/harvest/pending/flood-same-file", test_pending_flood_same_file);
	ADD("/harvest/pending/not-allowed", test_pending_not_allowed);
	ADD("/harvest/pending/sweep", test_sweep);
	ADD("/harvest/pending/sweep-leftover", test_sweep_leftover);
	ADD("/harvest/pending/stale-makes-room", test_stale_makes_room);
}

static void
add_failures(void)
{
	ADD("/harvest/broken", test_broken);
	ADD("/harvest/no-file-possible", test_no_file_possible);
	ADD("/harvest/control-characters", test_control_characters);
	ADD("/harvest/full-disk", test_full_disk);
	ADD("/harvest/no-rights", test_no_rights);
	ADD("/harvest/no-state", test_no_state);
	ADD("/harvest/two-processes", test_two_processes);
	ADD("/harvest/killed", test_killed);
	ADD("/harvest/threads", test_threads);
}

int
main(int argc, char **argv)
{
	int result = 0;

	g_test_init(&argc, &argv, NULL);
	partners_make();
	add_results();
	add_pending();
	add_failures();
	result = g_test_run();
	partners_free();
	return result;
}
