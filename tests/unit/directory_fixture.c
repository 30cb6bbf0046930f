/* SPDX-License-Identifier: Apache-2.0 */
/* Partners' certificates, and a place for them. */
#include "config.h"

#include "directory_fixture.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "scratch.h"
#include "store/layout.h"
#include "store_fixture.h"

const DirectoryLimits place_limits = { .max_per_address = 8,
	.max_pending = 100 };

static char *made_in;
static Cert *partners[PARTNERS];

void
partners_make(void)
{
	const FixtureCert both = { .addresses = "email:" ALICE ",email:" BOB };

	made_in = scratch_new();
	for (guint i = 0; i < PARTNERS; i++) {
		partners[i] = fixture_cert(made_in, &both);
	}
}

void
partners_free(void)
{
	for (guint i = 0; i < PARTNERS; i++) {
		g_clear_pointer(&partners[i], cert_unref);
	}
	scratch_free(made_in);
}

const Cert *
partners_cert(guint number)
{
	g_assert_cmpuint(number, <, PARTNERS);
	return partners[number];
}

void
place_set_up(Place *place, gconstpointer data)
{
	(void)data;
	place->state = scratch_new();
	place->alice = place_path(place, ALICE);
	place->directory = directory_new(place->state);
}

void
place_tear_down(Place *place, gconstpointer data)
{
	(void)data;
	directory_free(place->directory);
	scratch_free(place->state);
	g_free(place->alice);
}

char *
place_path(const Place *place, const char *address)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *certs = g_build_filename(place->state, "certs", NULL);
	char *path = layout_path(certs, address, &error);

	g_assert_no_error(error);
	return path;
}

void
place_put(const Place *place, const char *address, const char *content)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *path = place_path(place, address);
	g_autofree char *parent = g_path_get_dirname(path);
	FILE *file = NULL;

	g_assert_true(file_make_directories(parent, 0700, &error));
	g_assert_no_error(error);
	/* In place and not synced: some tests put thousands. */
	file = fopen(path, "w");
	g_assert_nonnull(file);
	g_assert_cmpint(fputs(content, file), >=, 0);
	g_assert_cmpint(fclose(file), ==, 0);
}

char *
place_text(const char *lines, guint number)
{
	g_autofree char *pem = cert_pem(partners_cert(number));

	return g_strconcat(lines != NULL ? lines : "", pem, NULL);
}

GPtrArray *
place_find(const Place *place, const char *address)
{
	g_autoptr(GError) error = NULL;
	GPtrArray *found = directory_find(place->directory, address, &error);

	g_assert_no_error(error);
	g_assert_nonnull(found);
	return found;
}

guint
place_count(const Place *place, const char *address, EntryState state)
{
	g_autoptr(GPtrArray) found = place_find(place, address);
	guint count = 0;

	for (guint i = 0; i < found->len; i++) {
		const DirectoryEntry *entry = g_ptr_array_index(found, i);

		count += entry->state == state ? 1 : 0;
	}
	return count;
}

DirectoryEntry *
place_entry(const Place *place, const char *address, guint number)
{
	g_autoptr(GPtrArray) found = place_find(place, address);
	const char *fingerprint = cert_fingerprint(partners_cert(number));

	for (guint i = 0; i < found->len; i++) {
		DirectoryEntry *entry = g_ptr_array_index(found, i);

		if (strcmp(cert_fingerprint(entry->cert), fingerprint) == 0) {
			return directory_entry_ref(entry);
		}
	}
	return NULL;
}

void
place_import(const Place *place, guint number, const char *address, bool pin)
{
	g_autoptr(GError) error = NULL;
	const char *const addresses[] = { address, NULL };

	g_assert_true(directory_import(
	    place->directory, partners_cert(number), addresses, pin, &error));
	g_assert_no_error(error);
}

void
place_harvest(
    const Place *place, const DirectoryOffer *offer, HarvestResult want)
{
	g_autoptr(GError) error = NULL;
	HarvestResult got = HARVEST_FULL;
	bool done = directory_harvest(
	    place->directory, offer, &place_limits, &got, NULL, &error);

	g_assert_no_error(error);
	g_assert_true(done);
	g_assert_cmpint(got, ==, want);
}

gint64
place_now(void)
{
	return g_get_real_time() / G_USEC_PER_SEC;
}

guint
place_pending_files(const Place *place)
{
	g_autofree char *pending =
	    g_build_filename(place->state, "pending", NULL);

	return g_file_test(pending, G_FILE_TEST_EXISTS) ? scratch_count(pending)
							: 0;
}
