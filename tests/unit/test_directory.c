/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The certificate directory: files as our writer, people and tools leave them,
 * names of addresses, the cache, the administrator's changes, the walk.
 */
#include "config.h"

#include "store/directory.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "base/error.h"
#include "base/file.h"
#include "directory_fixture.h"
#include "scratch.h"
#include "store_fixture.h"

static const char *
fingerprint(guint number)
{
	return cert_fingerprint(partners_cert(number));
}

static void
assert_error_at(const Place *place, const char *content, const char *says)
{
	g_autoptr(GError) error = NULL;
	const char *const addresses[] = { ALICE, NULL };
	g_autofree char *after = NULL;

	place_put(place, ALICE, content);
	g_assert_null(directory_find(place->directory, ALICE, &error));
	g_assert_error(error, ERROR_DOMAIN, ERROR_MALFORMED);
	g_assert_nonnull(strstr(error->message, place->alice));
	g_assert_nonnull(strstr(error->message, "repair this file"));
	if (strstr(error->message, says) == NULL) {
		g_test_message("%s", error->message);
		g_test_fail();
	}
	g_clear_error(&error);
	g_assert_false(directory_import(
	    place->directory, partners_cert(9), addresses, false, &error));
	g_assert_error(error, ERROR_DOMAIN, ERROR_MALFORMED);
	after = scratch_text(place->alice);
	g_assert_cmpstr(after, ==, content);
}

static void
test_none(Place *place, gconstpointer data)
{
	const char *const addresses[] = { ALICE, "@example.com",
		"a@[127.0.0.1]", "nobody", "" };

	(void)data;
	for (guint i = 0; i < G_N_ELEMENTS(addresses); i++) {
		g_autoptr(GPtrArray) found = place_find(place, addresses[i]);

		g_assert_cmpuint(found->len, ==, 0);
	}
}

static void
test_no_state(Place *place, gconstpointer data)
{
	const char *const addresses[] = { ALICE, "a@[127.0.0.1]" };

	(void)data;
	g_assert_cmpint(g_rmdir(place->state), ==, 0);
	for (guint i = 0; i < G_N_ELEMENTS(addresses); i++) {
		g_autoptr(GError) error = NULL;

		g_assert_null(
		    directory_find(place->directory, addresses[i], &error));
		g_assert_error(error, ERROR_DOMAIN, ERROR_IO);
	}
}

/* The contract, to the letter. */
static void
test_text(Place *place, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	DirectoryOffer offer = {
		.address = ALICE,
		.cert = partners_cert(0),
		.signing_time = 1795231860,
		.capabilities = "aes256-gcm aes128-cbc",
	};
	g_autofree char *text = NULL;
	g_autofree char *pattern = NULL;
	g_autofree char *pem = cert_pem(partners_cert(0));
	struct stat facts;

	(void)data;
	place_harvest(place, &offer, HARVEST_STORED);
	g_assert_true(directory_change(
	    place->directory, fingerprint(0), NULL, DIRECTORY_PIN, &error));
	g_assert_no_error(error);
	text = scratch_text(place->alice);
	pattern = g_strdup_printf("^# state: used\n"
				  "# source: harvested\n"
				  "# pinned: yes\n"
				  "# address: alice@example.com\n"
				  "# first seen: 20[-0-9]*T[0-9:]*Z\n"
				  "# last seen: 20[-0-9]*T[0-9:]*Z\n"
				  "# signing time: 2026-11-21T03:31:00Z\n"
				  "# capabilities: aes256-gcm aes128-cbc\n"
				  "# fingerprint: %s\n"
				  "-----BEGIN CERTIFICATE-----\n",
	    fingerprint(0));
	g_assert_true(g_regex_match_simple(pattern, text, 0, 0));
	g_assert_true(g_str_has_suffix(text, pem));
	g_assert_cmpint(g_stat(place->alice, &facts), ==, 0);
	g_assert_cmpuint(facts.st_mode & 07777, ==, 0600);
}

static void
test_modes(Place *place, gconstpointer data)
{
	static const char *const below[] = { "certs", "certs/example.com" };

	(void)data;
	place_import(place, 0, ALICE, false);
	for (guint i = 0; i < G_N_ELEMENTS(below); i++) {
		g_autofree char *path =
		    g_build_filename(place->state, below[i], NULL);
		struct stat facts;

		g_assert_cmpint(g_stat(path, &facts), ==, 0);
		g_assert_cmpuint(facts.st_mode & 07777, ==, 0700);
	}
}

static void
test_storeutl_reads(Place *place, gconstpointer data)
{
	const char *const arguments[] = { "openssl", "storeutl", "-certs",
		"-noout", "-text", "-out", "listed", place->alice, NULL };
	g_autofree char *path = g_build_filename(place->state, "listed", NULL);
	g_autofree char *listed = NULL;

	(void)data;
	for (guint i = 0; i < 3; i++) {
		place_import(place, i, ALICE, i == 0);
	}
	fixture_run(arguments, place->state);
	listed = scratch_text(path);
	g_assert_nonnull(strstr(listed, "Total found: 3"));
}

/* A certificate and nothing else, as cat or git bring it. */
static void
test_dropped_in(Place *place, gconstpointer data)
{
	g_autofree char *plain = place_text(NULL, 0);
	g_autofree char *noisy =
	    place_text("subject=CN = fixture\n# my own words\n\n", 0);
	g_auto(GStrv) lines = g_strsplit(plain, "\n", -1);
	g_autofree char *crlf = g_strjoinv("\r\n", lines);
	const char *const forms[] = { plain, noisy, crlf };

	(void)data;
	for (guint i = 0; i < G_N_ELEMENTS(forms); i++) {
		g_autoptr(DirectoryEntry) entry = NULL;

		place_put(place, ALICE, forms[i]);
		entry = place_entry(place, ALICE, 0);
		g_assert_nonnull(entry);
		g_assert_cmpstr(entry->address, ==, ALICE);
		g_assert_cmpint(entry->state, ==, ENTRY_USED);
		g_assert_cmpint(entry->source, ==, ENTRY_IMPORTED);
		g_assert_false(entry->pinned);
		g_assert_cmpint(ABS(entry->first_seen - place_now()), <, DAY);
		g_assert_cmpint(entry->signing_time, ==, 0);
		g_assert_null(entry->capabilities);
	}
}

static void
test_lines(Place *place, gconstpointer data)
{
	g_autofree char *text =
	    place_text("#state:Blocked\r\n"
		       "# Source: APPROVED\r\n"
		       "# address: Alice@Example.com\r\n"
		       "# first seen: 2024-02-29T00:00:00Z\n"
		       "# capabilities:\n"
		       "# fingerprint: 00\n"
		       "# ticket: 4711\n",
		0);
	g_autoptr(DirectoryEntry) entry = NULL;

	(void)data;
	place_put(place, ALICE, text);
	entry = place_entry(place, ALICE, 0);
	g_assert_cmpint(entry->state, ==, ENTRY_BLOCKED);
	g_assert_cmpint(entry->source, ==, ENTRY_APPROVED);
	g_assert_cmpstr(entry->address, ==, "Alice@Example.com");
	g_assert_cmpint(entry->first_seen, ==, 1709164800);
	g_assert_cmpint(entry->last_seen, ==, 1709164800);
	g_assert_cmpstr(entry->capabilities, ==, "");
	g_assert_cmpuint(entry->other_lines->len, ==, 1);
	g_assert_cmpstr(
	    g_ptr_array_index(entry->other_lines, 0), ==, "# ticket: 4711");
}

/* A copy of another address's file serves the address of its name. */
static void
test_foreign_address(Place *place, gconstpointer data)
{
	g_autofree char *text = place_text("# address: bob@example.org\n", 0);
	g_autoptr(DirectoryEntry) entry = NULL;

	(void)data;
	place_put(place, ALICE, text);
	entry = place_entry(place, ALICE, 0);
	g_assert_cmpstr(entry->address, ==, ALICE);
}

/* In front of its certificate each, also what stands behind the last. */
static void
test_others_lines_stay(Place *place, gconstpointer data)
{
	g_autofree char *one = place_text("# first's\n", 0);
	g_autofree char *two = place_text("#\n# second's\n", 1);
	g_autofree char *text = g_strconcat(one, two, "# end\n", NULL);
	g_autofree char *after = NULL;
	const char *at = NULL;

	(void)data;
	place_put(place, ALICE, text);
	place_import(place, 2, ALICE, false);
	after = scratch_text(place->alice);
	at = strstr(after, "# first's\n-----BEGIN");
	g_assert_nonnull(at);
	at = strstr(at, "#\n# second's\n# end\n-----BEGIN");
	g_assert_nonnull(at);
}

/* Two files put together: blocked by one of them is blocked. */
static void
test_twice(Place *place, gconstpointer data)
{
	g_autofree char *one = place_text("# pinned: yes\n", 0);
	g_autofree char *two = place_text("# state: blocked\n", 0);
	g_autofree char *text = g_strconcat(one, two, NULL);
	g_autoptr(GPtrArray) found = NULL;
	const DirectoryEntry *entry = NULL;

	(void)data;
	place_put(place, ALICE, text);
	found = place_find(place, ALICE);
	g_assert_cmpuint(found->len, ==, 1);
	entry = g_ptr_array_index(found, 0);
	g_assert_cmpint(entry->state, ==, ENTRY_BLOCKED);
	g_assert_false(entry->pinned);
}

static void
test_trusted_form(Place *place, gconstpointer data)
{
	g_autofree char *plain = place_text(NULL, 0);
	g_autofree char *from = scratch_file(place->state, "plain", plain);
	const char *const arguments[] = { "openssl", "x509", "-in", from,
		"-trustout", "-addtrust", "emailProtection", "-out",
		place->alice, NULL };
	g_autoptr(DirectoryEntry) entry = NULL;
	g_autoptr(GError) error = NULL;

	(void)data;
	place_put(place, ALICE, "");
	fixture_run(arguments, place->state);
	entry = place_entry(place, ALICE, 0);
	g_assert_nonnull(entry);
	/* Found by fingerprint too, which is not that of the block. */
	g_assert_true(directory_change(
	    place->directory, fingerprint(0), NULL, DIRECTORY_BLOCK, &error));
	g_assert_no_error(error);
}

static void
test_broken(Place *place, gconstpointer data)
{
	static const struct {
		const char *lines;
		const char *says;
	} cases[] = {
		{ "# state: usable\n", "not known" },
		{ "# source: me\n", "not known" },
		{ "# pinned: maybe\n", "not known" },
		{ "# first seen: yesterday\n", "not known" },
		{ "# state: used\n# state: blocked\n", "twice" },
		{ "-----BEGIN PRIVATE KEY-----\nAAAA\n"
		  "-----END PRIVATE KEY-----\n",
		    "no certificate" },
		{ "-----BEGIN CERTIFICATE-----\nAAAA\n", "cut off" },
		{ "-----BEGIN CERTIFICATE-----\nAAAA\n"
		  "-----END CERTIFICATE-----\n",
		    "line 3" },
		{ "-----BEGIN CERTIFICATE-----\n"
		  "-----END CERTIFICATE-----\n",
		    "line 2" },
	};
	g_autofree char *cut = place_text(NULL, 0);
	g_autofree char *behind = g_strconcat(cut, "# state: used\n", NULL);

	(void)data;
	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *text = place_text(cases[i].lines, 0);

		assert_error_at(place, text, cases[i].says);
	}
	assert_error_at(place, "", "no certificate");
	assert_error_at(place, "hello\n", "no certificate");
	assert_error_at(place, behind, "without their certificate");
	cut[strlen(cut) - 40] = '\0';
	assert_error_at(place, cut, "cut off");
}

static void
test_too_large(Place *place, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *text = g_strnfill(1024 * 1024 + 1, '\n');

	(void)data;
	place_put(place, ALICE, text);
	g_assert_null(directory_find(place->directory, ALICE, &error));
	g_assert_error(error, ERROR_DOMAIN, ERROR_LIMIT);
}

/* A directory, a link to nowhere. */
static void
test_odd_files(Place *place, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) found = NULL;

	(void)data;
	g_assert_cmpint(g_mkdir_with_parents(place->alice, 0700), ==, 0);
	g_assert_null(directory_find(place->directory, ALICE, &error));
	g_assert_error(error, ERROR_DOMAIN, ERROR_MALFORMED);
	g_assert_cmpint(g_rmdir(place->alice), ==, 0);
	g_assert_cmpint(symlink("/nonexistent", place->alice), ==, 0);
	found = place_find(place, ALICE);
	g_assert_cmpuint(found->len, ==, 0);
}

static void
test_names(Place *place, gconstpointer data)
{
	g_autofree char *long_local = g_strnfill(240, 'a');
	g_autofree char *longest =
	    g_strconcat(long_local, "@example.com", NULL);
	const char *const addresses[] = { "a/b@example.com",
		".hidden@example.com", "..@example.com",
		"j\303\266rg@example.com", "a b@example.com", "x@y@example.com",
		"%41@example.com", longest, "@example.com" };

	(void)data;
	for (guint i = 0; i < G_N_ELEMENTS(addresses); i++) {
		g_autoptr(DirectoryEntry) entry = NULL;

		place_import(place, i, addresses[i], false);
		entry = place_entry(place, addresses[i], i);
		g_assert_nonnull(entry);
		g_assert_cmpstr(entry->address, ==, addresses[i]);
	}
	g_assert_cmpuint(scratch_count(place->state), ==, 2); /* and lock */
}

static void
test_no_file_possible(Place *place, gconstpointer data)
{
	g_autofree char *local = g_strnfill(241, 'a');
	g_autofree char *longer = g_strconcat(local, "@example.com", NULL);
	const char *const addresses[] = { longer, "a@[127.0.0.1]", "a@b/c" };

	(void)data;
	for (guint i = 0; i < G_N_ELEMENTS(addresses); i++) {
		g_autoptr(GError) error = NULL;
		const char *const to[] = { ALICE, addresses[i], NULL };

		g_assert_false(directory_import(
		    place->directory, partners_cert(0), to, false, &error));
		g_assert_nonnull(error);
		/* Not for the others either. */
		g_assert_false(g_file_test(place->alice, G_FILE_TEST_EXISTS));
	}
}

static void
test_case_shares_a_file(Place *place, gconstpointer data)
{
	g_autoptr(GPtrArray) found = NULL;

	(void)data;
	place_import(place, 0, ALICE, false);
	place_import(place, 1, "Alice@Example.COM", false);
	found = place_find(place, "ALICE@example.com");
	g_assert_cmpuint(found->len, ==, 2);
	g_assert_cmpstr(
	    ((DirectoryEntry *)found->pdata[0])->address, ==, ALICE);
	g_assert_cmpstr(((DirectoryEntry *)found->pdata[1])->address, ==,
	    "Alice@Example.COM");
}

/* The cached one is handed out until the file is another one. */
static void
test_cached(Place *place, gconstpointer data)
{
	g_autoptr(DirectoryEntry) first = NULL;
	g_autoptr(DirectoryEntry) second = NULL;
	g_autoptr(DirectoryEntry) other = NULL;
	g_autofree char *text = place_text("# state: blocked\n", 0);

	(void)data;
	place_import(place, 0, ALICE, false);
	g_usleep(100000); /* the stamp settles */
	first = place_entry(place, ALICE, 0);
	second = place_entry(place, ALICE, 0);
	g_assert_true(first == second);
	place_put(place, ALICE, text);
	other = place_entry(place, ALICE, 0);
	g_assert_cmpint(other->state, ==, ENTRY_BLOCKED);
	g_assert_cmpint(first->state, ==, ENTRY_USED);
	g_assert_cmpint(g_unlink(place->alice), ==, 0);
	g_assert_null(place_entry(place, ALICE, 0));
}

/* More files than the cache takes, met twice and changed between. */
static void
test_many(Place *place, gconstpointer data)
{
	g_autofree char *used = place_text(NULL, 0);
	g_autofree char *blocked = place_text("# state: blocked\n", 0);
	const char *const texts[] = { used, blocked };

	(void)data;
	for (guint round = 0; round < 2; round++) {
		for (guint i = 0; i < 2500; i++) {
			g_autofree char *address =
			    g_strdup_printf("user%u@example.net", i);

			place_put(place, address, texts[round]);
		}
		g_usleep(100000);
		for (guint i = 0; i < 5000; i++) {
			g_autofree char *address =
			    g_strdup_printf("user%u@example.net", i % 2500);

			g_assert_cmpuint(
			    place_count(place, address,
				round == 0 ? ENTRY_USED : ENTRY_BLOCKED),
			    ==, 1);
		}
	}
}

static void
test_import(Place *place, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	DirectoryOffer offer = { .address = ALICE,
		.cert = partners_cert(0),
		.signing_time = 1000,
		.capabilities = "aes256-gcm" };
	g_autoptr(DirectoryEntry) entry = NULL;
	const char *const both[] = { ALICE, "@example.com", NULL };

	(void)data;
	place_harvest(place, &offer, HARVEST_STORED);
	g_assert_true(directory_import(
	    place->directory, partners_cert(0), both, true, &error));
	g_assert_no_error(error);
	entry = place_entry(place, ALICE, 0);
	g_assert_cmpint(entry->source, ==, ENTRY_IMPORTED);
	g_assert_true(entry->pinned);
	g_assert_cmpint(entry->signing_time, ==, 1000);
	g_assert_cmpstr(entry->capabilities, ==, "aes256-gcm");
	g_assert_cmpint(place_count(place, ALICE, ENTRY_USED), ==, 1);
	g_assert_cmpint(place_count(place, "@example.com", ENTRY_USED), ==, 1);
	/* Once more without a pin takes none away. */
	place_import(place, 0, ALICE, false);
	g_clear_pointer(&entry, directory_entry_unref);
	entry = place_entry(place, ALICE, 0);
	g_assert_true(entry->pinned);
}

static void
change(
    const Place *place, guint number, const char *address, DirectoryChange what)
{
	g_autoptr(GError) error = NULL;

	g_assert_true(directory_change(
	    place->directory, fingerprint(number), address, what, &error));
	g_assert_no_error(error);
}

static void
refuse(const Place *place, guint number, const char *address,
    DirectoryChange what, ErrorCode code)
{
	g_autoptr(GError) error = NULL;

	g_assert_false(directory_change(
	    place->directory, fingerprint(number), address, what, &error));
	g_assert_error(error, ERROR_DOMAIN, (int)code);
}

static void
test_import_unblocks(Place *place, gconstpointer data)
{
	(void)data;
	place_import(place, 0, ALICE, false);
	change(place, 0, NULL, DIRECTORY_BLOCK);
	g_assert_cmpint(place_count(place, ALICE, ENTRY_BLOCKED), ==, 1);
	place_import(place, 0, "Alice@example.com", false);
	g_assert_cmpint(place_count(place, ALICE, ENTRY_BLOCKED), ==, 0);
	g_assert_cmpint(place_count(place, ALICE, ENTRY_USED), ==, 1);
}

static void
make_wait(const Place *place, guint number, const char *address)
{
	DirectoryOffer offer = { .address = address,
		.cert = partners_cert(number),
		.pending = true,
		.why = "the issuer is not known" };

	place_harvest(place, &offer, HARVEST_PENDING);
}

static void
test_import_ends_waiting(Place *place, gconstpointer data)
{
	(void)data;
	make_wait(place, 0, ALICE);
	place_import(place, 0, "ALICE@example.com", false);
	g_assert_cmpint(place_count(place, ALICE, ENTRY_USED), ==, 1);
	g_assert_cmpuint(place_pending_files(place), ==, 0);
}

static void
test_approve(Place *place, gconstpointer data)
{
	g_autoptr(DirectoryEntry) entry = NULL;

	(void)data;
	make_wait(place, 0, ALICE);
	make_wait(place, 0, BOB);
	make_wait(place, 1, BOB);
	change(place, 0, NULL, DIRECTORY_APPROVE);
	entry = place_entry(place, ALICE, 0);
	g_assert_cmpint(entry->state, ==, ENTRY_USED);
	g_assert_cmpint(entry->source, ==, ENTRY_APPROVED);
	g_assert_cmpint(place_count(place, BOB, ENTRY_USED), ==, 1);
	g_assert_cmpint(place_count(place, BOB, ENTRY_PENDING), ==, 1);
	g_assert_cmpuint(place_pending_files(place), ==, 1);
	change(place, 0, BOB, DIRECTORY_BLOCK);
	/* All or none. */
	refuse(place, 0, NULL, DIRECTORY_APPROVE, ERROR_UNFIT);
	change(place, 0, ALICE, DIRECTORY_APPROVE);
}

static void
test_pin(Place *place, gconstpointer data)
{
	g_autoptr(DirectoryEntry) entry = NULL;

	(void)data;
	make_wait(place, 0, ALICE);
	refuse(place, 0, ALICE, DIRECTORY_PIN, ERROR_UNFIT);
	change(place, 0, ALICE, DIRECTORY_APPROVE);
	change(place, 0, ALICE, DIRECTORY_PIN);
	entry = place_entry(place, ALICE, 0);
	g_assert_true(entry->pinned);
	change(place, 0, ALICE, DIRECTORY_BLOCK);
	refuse(place, 0, ALICE, DIRECTORY_PIN, ERROR_UNFIT);
	g_clear_pointer(&entry, directory_entry_unref);
	entry = place_entry(place, ALICE, 0);
	g_assert_false(entry->pinned);
}

static void
test_remove(Place *place, gconstpointer data)
{
	(void)data;
	place_import(place, 0, ALICE, true);
	make_wait(place, 0, BOB);
	place_import(place, 1, BOB, false);
	change(place, 0, NULL, DIRECTORY_REMOVE);
	g_assert_false(g_file_test(place->alice, G_FILE_TEST_EXISTS));
	g_assert_cmpuint(place_pending_files(place), ==, 0);
	g_assert_cmpint(place_count(place, BOB, ENTRY_USED), ==, 1);
	refuse(place, 0, NULL, DIRECTORY_REMOVE, ERROR_MISSING);
	refuse(place, 0, ALICE, DIRECTORY_REMOVE, ERROR_MISSING);
}

/* Where the line does not tell, the certificate does. */
static void
test_change_without_lines(Place *place, gconstpointer data)
{
	g_autofree char *plain = place_text(NULL, 0);
	g_autofree char *wrong =
	    g_strdup_printf("# fingerprint: %s\n%s", fingerprint(1), plain);

	(void)data;
	place_put(place, ALICE, plain);
	place_put(place, BOB, wrong);
	refuse(place, 1, NULL, DIRECTORY_BLOCK, ERROR_MISSING);
	change(place, 0, NULL, DIRECTORY_BLOCK);
	g_assert_cmpint(place_count(place, ALICE, ENTRY_BLOCKED), ==, 1);
	g_assert_cmpint(place_count(place, BOB, ENTRY_BLOCKED), ==, 1);
}

static void
test_change_odd_fingerprint(Place *place, gconstpointer data)
{
	static const char *const odd[] = { "", "00", "../../etc/passwd" };

	(void)data;
	for (guint i = 0; i < G_N_ELEMENTS(odd); i++) {
		g_autoptr(GError) error = NULL;

		g_assert_false(directory_change(
		    place->directory, odd[i], NULL, DIRECTORY_REMOVE, &error));
		g_assert_error(error, ERROR_DOMAIN, ERROR_MISSING);
	}
}

/* One file that cannot be read does not hide the others. */
static void
test_change_beside_broken(Place *place, gconstpointer data)
{
	(void)data;
	place_put(place, BOB, "-----BEGIN CERTIFICATE-----\n");
	refuse(place, 0, NULL, DIRECTORY_BLOCK, ERROR_MALFORMED);
	place_import(place, 0, ALICE, false);
	change(place, 0, NULL, DIRECTORY_BLOCK);
	g_assert_cmpint(place_count(place, ALICE, ENTRY_BLOCKED), ==, 1);
}

typedef struct {
	GString *text;
	guint end_after; /* 0: never */
	guint seen;
} Visits;

static bool
visit(gpointer data, const char *address, DirectoryEntry *entry,
    const char *problem)
{
	Visits *visits = data;

	g_string_append_printf(
	    visits->text, "%s%s\n", address, entry == NULL ? "!" : "");
	g_assert_true((entry == NULL) == (problem != NULL));
	return ++visits->seen != visits->end_after;
}

static void
assert_walk(const Place *place, const char *domain, const char *prefix,
    guint end_after, const char *want)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GString) text = g_string_new(NULL);
	Visits visits = { .text = text, .end_after = end_after };

	g_assert_true(directory_walk(
	    place->directory, domain, prefix, visit, &visits, &error));
	g_assert_no_error(error);
	g_assert_cmpstr(text->str, ==, want);
}

static void
test_walk(Place *place, gconstpointer data)
{
	g_autofree char *plain = place_text(NULL, 0);
	g_autofree char *readme = NULL;
	g_autofree char *upper = g_ascii_strup(fingerprint(2), 12);

	(void)data;
	assert_walk(place, NULL, NULL, 0, "");
	place_import(place, 0, "zoe@example.com", false);
	place_import(place, 0, BOB, false);
	place_import(place, 1, ALICE, false);
	place_import(place, 2, ALICE, false);
	place_import(place, 2, "@example.com", false);
	place_put(place, "x@broken.example", "-----BEGIN CERTIFICATE-----\n");
	readme = g_build_filename(place->state, "certs", NULL);
	g_free(scratch_file(readme, "readme", "words"));
	g_free(scratch_file(readme, ".new-abcdef", plain));
	g_clear_pointer(&readme, g_free);
	readme = g_path_get_dirname(place->alice);
	g_free(scratch_file(readme, "README.md", "words"));
	g_free(scratch_file(readme, ".new-abcdef", "half"));
	g_free(scratch_file(readme, "Zoe.pem", plain));
	assert_walk(place, NULL, NULL, 0,
	    "x@broken.example!\n@example.com\nZoe.pem!\n" ALICE "\n" ALICE
	    "\nzoe@example.com\n" BOB "\n");
	assert_walk(place, "Example.org", NULL, 0, BOB "\n");
	assert_walk(place, "none.example", NULL, 0, "");
	assert_walk(place, NULL, NULL, 2, "x@broken.example!\n@example.com\n");
	assert_walk(place, "example.com", upper, 0,
	    "@example.com\nZoe.pem!\n" ALICE "\n");
}

static void
test_walk_odd_domain(Place *place, gconstpointer data)
{
	static const char *const odd[] = { "", "..", "a/b", "[127.0.0.1]" };
	Visits visits = { 0 };

	(void)data;
	for (guint i = 0; i < G_N_ELEMENTS(odd); i++) {
		g_autoptr(GError) error = NULL;

		g_assert_false(directory_walk(
		    place->directory, odd[i], NULL, visit, &visits, &error));
		g_assert_error(error, ERROR_DOMAIN, ERROR_MALFORMED);
	}
}

static void
test_pending_order(Place *place, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) pending = NULL;
	g_autofree char *lines = NULL;
	g_autofree char *old = NULL;
	g_autofree char *since = NULL;
	g_autoptr(GDateTime) before =
	    g_date_time_new_from_unix_utc(place_now() - 10 * DAY);

	(void)data;
	make_wait(place, 0, ALICE);
	make_wait(place, 1, BOB);
	since = g_date_time_format(before, "%Y-%m-%dT%H:%M:%SZ");
	lines = g_strdup_printf("# state: pending\n# source: harvested\n"
				"# first seen: %s\n",
	    since);
	old = place_text(lines, 1);
	place_put(place, BOB, old);
	pending = directory_pending(place->directory, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(pending->len, ==, 2);
	g_assert_cmpstr(
	    ((DirectoryPending *)pending->pdata[0])->entry->address, ==, BOB);
	g_assert_cmpstr(
	    ((DirectoryPending *)pending->pdata[0])->mail, ==, "not known");
}

static void
test_pending_broken(Place *place, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *pending =
	    g_build_filename(place->state, "pending", NULL);
	guint dropped = 0;

	(void)data;
	make_wait(place, 0, ALICE);
	g_free(scratch_file(pending, "x.pem", "hello"));
	g_free(scratch_file(pending, ".new-1", "hello"));
	g_assert_null(directory_pending(place->directory, &error));
	g_assert_error(error, ERROR_DOMAIN, ERROR_MALFORMED);
	g_assert_nonnull(strstr(error->message, "x.pem"));
	g_clear_error(&error);
	g_assert_false(directory_sweep(place->directory, &dropped, &error));
	g_assert_error(error, ERROR_DOMAIN, ERROR_MALFORMED);
	g_assert_cmpint(place_count(place, ALICE, ENTRY_PENDING), ==, 1);
}

static void
test_state_names(void)
{
	g_assert_cmpstr(directory_state_name(ENTRY_PENDING), ==, "pending");
	g_assert_cmpstr(directory_state_name(ENTRY_BLOCKED), ==, "blocked");
	g_assert_cmpstr(directory_source_name(ENTRY_APPROVED), ==, "approved");
	directory_entry_unref(NULL);
	directory_free(NULL);
	directory_pending_free(NULL);
}

#define ADD(path, function) \
	g_test_add(path, Place, NULL, place_set_up, function, place_tear_down)

static void
add_files(void)
{
	g_test_add_func("/directory/names", test_state_names);
	ADD("/directory/find/none", test_none);
	ADD("/directory/find/no-state", test_no_state);
	ADD("/directory/find/cached", test_cached);
	ADD("/directory/find/many", test_many);
	ADD("/directory/find/case", test_case_shares_a_file);
	ADD("/directory/file/text", test_text);
	ADD("/directory/file/modes", test_modes);
	ADD("/directory/file/storeutl-reads", test_storeutl_reads);
	ADD("/directory/file/dropped-in", test_dropped_in);
	ADD("/directory/file/lines", test_lines);
	ADD("/directory/file/foreign-address", test_foreign_address);
	ADD("/directory/file/others-lines", test_others_lines_stay);
	ADD("/directory/file/twice", test_twice);
	ADD("/directory/file/trusted-form", test_trusted_form);
	ADD("/directory/file/broken", test_broken);
	ADD("/directory/file/too-large", test_too_large);
	ADD("/directory/file/odd", test_odd_files);
	ADD("/directory/file/names", test_names);
	ADD("/directory/file/not-possible", test_no_file_possible);
}

static void
add_changes(void)
{
	ADD("/directory/import", test_import);
	ADD("/directory/import/unblocks", test_import_unblocks);
	ADD("/directory/import/ends-waiting", test_import_ends_waiting);
	ADD("/directory/change/approve", test_approve);
	ADD("/directory/change/pin", test_pin);
	ADD("/directory/change/remove", test_remove);
	ADD("/directory/change/without-lines", test_change_without_lines);
	ADD("/directory/change/odd-fingerprint", test_change_odd_fingerprint);
	ADD("/directory/change/beside-broken", test_change_beside_broken);
	ADD("/directory/walk", test_walk);
	ADD("/directory/walk/odd-domain", test_walk_odd_domain);
	ADD("/directory/pending/order", test_pending_order);
	ADD("/directory/pending/broken", test_pending_broken);
}

int
main(int argc, char **argv)
{
	int result = 0;

	g_test_init(&argc, &argv, NULL);
	partners_make();
	add_files();
	add_changes();
	result = g_test_run();
	partners_free();
	return result;
}
