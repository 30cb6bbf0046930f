/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Own identities: found, kept in memory, replaced under a running reader,
 * refused when their file is open to others, and what a missing state
 * directory means.
 */
#include "config.h"

#include "store/identities.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "base/error.h"
#include "base/file.h"
#include "scratch.h"
#include "store_fixture.h"

/* Made once: each costs two runs of the openssl command. */
static char *made_in;
static Identity *alice_2020;
static Identity *alice_2025;
static Identity *alice_2030;
static Identity *alice_ca;
static Identity *bob;
static Identity *both;

#define ALICE "alice@example.com"
#define BOB "bob@example.org"

static const char *const to_alice[] = { ALICE, NULL };
static const char *const to_bob[] = { BOB, NULL };
static const char *const to_both[] = { ALICE, BOB, NULL };

static void
make_identities(void)
{
	const FixtureCert alice_old = { .addresses = "email:" ALICE,
		.end = "20251231235959Z" };
	const FixtureCert alice_new = { .addresses = "email:Alice@example.com",
		.start = "20250101000000Z" };
	const FixtureCert alice_next = { .addresses = "email:" ALICE,
		.start = "20300101000000Z" };
	const FixtureCert alice_unfit = { .addresses = "email:" ALICE,
		.start = "20260101000000Z",
		.usage = "keyEncipherment" };
	const FixtureCert bob_only = { .addresses = "email:" BOB };
	const FixtureCert two = { .addresses = "email:" ALICE ",email:" BOB };

	made_in = scratch_new();
	alice_2020 = fixture_identity(made_in, &alice_old);
	alice_2025 = fixture_identity(made_in, &alice_new);
	alice_2030 = fixture_identity(made_in, &alice_next);
	alice_ca = fixture_identity(made_in, &alice_unfit);
	bob = fixture_identity(made_in, &bob_only);
	both = fixture_identity(made_in, &two);
}

static void
free_identities(void)
{
	keyring_unref(alice_2020);
	keyring_unref(alice_2025);
	keyring_unref(alice_2030);
	keyring_unref(alice_ca);
	keyring_unref(bob);
	keyring_unref(both);
	scratch_free(made_in);
}

typedef struct {
	char *state;
	char *alice; /* the path of her file */
	Identities *identities;
} Fixture;

static void
set_up(Fixture *fixture, gconstpointer data)
{
	(void)data;
	fixture->state = scratch_new();
	fixture->alice = g_build_filename(
	    fixture->state, "keys", "example.com", "alice.pem", NULL);
	fixture->identities = identities_new(fixture->state);
}

static void
tear_down(Fixture *fixture, gconstpointer data)
{
	(void)data;
	identities_free(fixture->identities);
	scratch_free(fixture->state);
	g_free(fixture->alice);
}

static void
add(const Fixture *fixture, const Identity *identity,
    const char *const *addresses)
{
	g_autoptr(GError) error = NULL;

	g_assert_true(
	    identities_add(fixture->identities, identity, addresses, &error));
	g_assert_no_error(error);
}

static GPtrArray *
find(const Fixture *fixture, const char *address)
{
	g_autoptr(GError) error = NULL;
	GPtrArray *found =
	    identities_find(fixture->identities, address, &error);

	g_assert_no_error(error);
	g_assert_nonnull(found);
	return found;
}

static const char *
fingerprint_of(const Identity *identity)
{
	return cert_fingerprint(keyring_cert(identity));
}

/* Exactly these, in this order; NULL ends. */
static void
assert_found(
    const Fixture *fixture, const char *address, const Identity *const *want)
{
	g_autoptr(GPtrArray) found = find(fixture, address);
	guint i = 0;

	for (; want[i] != NULL; i++) {
		g_assert_cmpuint(i, <, found->len);
		g_assert_cmpstr(fingerprint_of(g_ptr_array_index(found, i)), ==,
		    fingerprint_of(want[i]));
	}
	g_assert_cmpuint(i, ==, found->len);
}

#define ASSERT_FOUND(fixture, address, ...) \
	assert_found(fixture, address, (const Identity *const[]){ __VA_ARGS__ })

static void
assert_error(const Fixture *fixture, int code, const char *text)
{
	g_autoptr(GError) error = NULL;
	IdentityState state = IDENTITY_FOUND;
	Identity *identity = NULL;

	g_assert_null(identities_find(fixture->identities, ALICE, &error));
	g_assert_error(error, ERROR_DOMAIN, code);
	g_assert_nonnull(strstr(error->message, text));
	g_clear_error(&error);
	g_assert_false(identities_signer(fixture->identities, ALICE,
	    FIXTURE_NOW, &state, &identity, &error));
	g_assert_error(error, ERROR_DOMAIN, code);
	g_assert_cmpint(state, ==, IDENTITY_FOUND);
	g_assert_null(identity);
}

/* So that the cache is used: it waits until a file is a little old. */
static void
wait_for_cache(void)
{
	g_usleep(80000);
}

static void
test_none(Fixture *fixture, gconstpointer data)
{
	g_autofree char *long_local = g_strnfill(2000, 'a');
	g_autofree char *too_long =
	    g_strconcat(long_local, "@example.com", NULL);

	(void)data;
	ASSERT_FOUND(fixture, ALICE, NULL);
	ASSERT_FOUND(fixture, "@example.com", NULL);
	/* No file can bear these names. */
	ASSERT_FOUND(fixture, too_long, NULL);
	ASSERT_FOUND(fixture, "alice@[192.0.2.1]", NULL);
	ASSERT_FOUND(fixture, "no address", NULL);
	ASSERT_FOUND(fixture, "", NULL);
	identities_free(NULL);
}

static void
test_add(Fixture *fixture, gconstpointer data)
{
	g_autofree char *keys = g_build_filename(fixture->state, "keys", NULL);
	g_autofree char *domain = g_path_get_dirname(fixture->alice);
	struct stat facts;

	(void)data;
	add(fixture, alice_2020, to_alice);
	add(fixture, alice_2030, to_alice);
	add(fixture, alice_2025, to_alice);
	ASSERT_FOUND(fixture, ALICE, alice_2030, alice_2025, alice_2020, NULL);
	/* The local part as the layout folds it. */
	ASSERT_FOUND(fixture, "ALICE@example.com", alice_2030, alice_2025,
	    alice_2020, NULL);
	ASSERT_FOUND(fixture, BOB, NULL);
	/* Once more the same: replaced. */
	add(fixture, alice_2025, to_alice);
	ASSERT_FOUND(fixture, ALICE, alice_2030, alice_2025, alice_2020, NULL);

	g_assert_cmpint(stat(fixture->alice, &facts), ==, 0);
	g_assert_cmpuint(facts.st_mode & 07777, ==, 0600);
	g_assert_cmpint(stat(domain, &facts), ==, 0);
	g_assert_cmpuint(facts.st_mode & 07777, ==, 0700);
	g_assert_cmpint(stat(keys, &facts), ==, 0);
	g_assert_cmpuint(facts.st_mode & 07777, ==, 0700);
	g_assert_cmpuint(scratch_count(domain), ==, 1);
}

/* The contract: foreign tools read the file as it is. */
static void
test_add_openssl_reads(Fixture *fixture, gconstpointer data)
{
	const char *const all[] = { "openssl", "storeutl", "-noout",
		fixture->alice, NULL };
	const char *const cert[] = { "openssl", "x509", "-noout", "-in",
		fixture->alice, NULL };
	const char *const key[] = { "openssl", "pkey", "-noout", "-in",
		fixture->alice, NULL };

	(void)data;
	add(fixture, alice_2025, to_alice);
	fixture_run(all, fixture->state);
	fixture_run(cert, fixture->state);
	fixture_run(key, fixture->state);
}

static void
test_add_several(Fixture *fixture, gconstpointer data)
{
	(void)data;
	add(fixture, both, to_both);
	ASSERT_FOUND(fixture, ALICE, both, NULL);
	ASSERT_FOUND(fixture, BOB, both, NULL);
}

/* One of the addresses cannot be: nothing is written for the other. */
static void
test_add_all_or_none(Fixture *fixture, gconstpointer data)
{
	static const char *const addresses[] = { ALICE, "x@[192.0.2.1]", NULL };
	g_autoptr(GError) error = NULL;

	(void)data;
	g_assert_false(
	    identities_add(fixture->identities, alice_2025, addresses, &error));
	g_assert_error(error, ERROR_DOMAIN, ERROR_MALFORMED);
	g_assert_false(g_file_test(fixture->alice, G_FILE_TEST_EXISTS));
}

/* A file that cannot be read is not overwritten. */
static void
test_add_to_broken(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *got = NULL;

	(void)data;
	add(fixture, alice_2020, to_alice);
	g_assert_true(g_file_set_contents(fixture->alice, "broken", -1, NULL));
	g_assert_cmpint(chmod(fixture->alice, 0600), ==, 0);
	g_assert_false(
	    identities_add(fixture->identities, alice_2025, to_alice, &error));
	g_assert_nonnull(strstr(error->message, fixture->alice));
	got = scratch_text(fixture->alice);
	g_assert_cmpstr(got, ==, "broken");
}

static void
test_add_full_disk(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *keys = g_build_filename(fixture->state, "keys", NULL);
	g_autofree char *domain = g_path_get_dirname(fixture->alice);
	g_autofree char *filler = NULL;
	g_autofree char *junk = g_strnfill(48 * 1024, 'x');
	g_autoptr(GPtrArray) found = NULL;

	(void)data;
	g_assert_cmpint(g_mkdir(keys, 0700), ==, 0);
	if (!scratch_mount(keys, 64 * 1024)) {
		g_test_skip("no right to mount a tmpfs");
		return;
	}
	add(fixture, alice_2020, to_alice);
	filler = scratch_file(keys, "filler", junk);
	while (
	    identities_add(fixture->identities, alice_2025, to_alice, &error)) {
		/* Each replaces the same; only the rest is filled up. */
		g_autofree char *more = g_strnfill(4096, 'x');
		static int count = 0;
		g_autofree char *name = g_strdup_printf("more%d", count++);
		g_autofree char *path = g_build_filename(keys, name, NULL);

		g_assert_cmpint(count, <, 100);
		(void)g_file_set_contents(path, more, -1, NULL);
	}
	g_assert_error(error, ERROR_DOMAIN, ERROR_IO);
	/* The old file is whole and nothing is left beside it. */
	found = find(fixture, ALICE);
	g_assert_cmpuint(found->len, >=, 1);
	g_assert_cmpuint(scratch_count(domain), ==, 1);
	identities_free(g_steal_pointer(&fixture->identities));
	scratch_unmount(keys);
}

static void
test_remove(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *upper = g_ascii_strup(fingerprint_of(both), -1);

	(void)data;
	add(fixture, both, to_both);
	add(fixture, alice_2025, to_alice);
	g_assert_true(identities_remove(fixture->identities, upper, &error));
	g_assert_no_error(error);
	ASSERT_FOUND(fixture, ALICE, alice_2025, NULL);
	ASSERT_FOUND(fixture, BOB, NULL);
	g_assert_false(identities_remove(fixture->identities, upper, &error));
	g_assert_error(error, ERROR_DOMAIN, ERROR_MISSING);
	g_clear_error(&error);
	g_assert_true(identities_remove(
	    fixture->identities, fingerprint_of(alice_2025), &error));
	g_assert_false(g_file_test(fixture->alice, G_FILE_TEST_EXISTS));
}

/* What a crash left beside the file has the key too, and goes with it. */
static void
test_remove_leftover(Fixture *fixture, gconstpointer data)
{
	g_autofree char *domain = g_path_get_dirname(fixture->alice);
	g_autofree char *left = NULL;

	(void)data;
	add(fixture, alice_2025, to_alice);
	left = scratch_file(domain, FILE_TEMPORARY "a1b2c3", "half a key");
	ASSERT_FOUND(fixture, ALICE, alice_2025, NULL);
	g_assert_true(identities_remove(
	    fixture->identities, fingerprint_of(alice_2025), NULL));
	g_assert_false(g_file_test(left, G_FILE_TEST_EXISTS));
}

/* A file that cannot be read may have it: not a plain yes. */
static void
test_remove_beside_broken(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *path = g_build_filename(
	    fixture->state, "keys", "example.org", "bob.pem", NULL);

	(void)data;
	add(fixture, both, to_both);
	g_assert_true(g_file_set_contents(path, "broken", -1, NULL));
	g_assert_cmpint(chmod(path, 0600), ==, 0);
	g_assert_false(identities_remove(
	    fixture->identities, fingerprint_of(both), &error));
	g_assert_nonnull(strstr(error->message, path));
	g_assert_false(g_file_test(fixture->alice, G_FILE_TEST_EXISTS));
}

static void
test_signer(Fixture *fixture, gconstpointer data)
{
	/* 2019, 2020, 2025 (both valid), 2026, 2030, beyond all. */
	const struct {
		const char *name;
		const Identity *identities[3];
		const char *address;
		gint64 at;
		IdentityState want;
		const Identity *signer;
	} cases[] = {
		{ "no file", { NULL }, ALICE, FIXTURE_NOW, IDENTITY_MISSING,
		    NULL },
		{ "the only one", { alice_2025 }, ALICE, FIXTURE_NOW,
		    IDENTITY_FOUND, alice_2025 },
		{ "case of the local part", { alice_2025 }, "aLICE@example.com",
		    FIXTURE_NOW, IDENTITY_FOUND, alice_2025 },
		{ "both valid: the newer", { alice_2020, alice_2025 }, ALICE,
		    G_GINT64_CONSTANT(1750000000), IDENTITY_FOUND, alice_2025 },
		{ "the newer is not yet valid", { alice_2020, alice_2030 },
		    ALICE, G_GINT64_CONSTANT(1750000000), IDENTITY_FOUND,
		    alice_2020 },
		{ "the newest is unfit", { alice_2025, alice_ca }, ALICE,
		    FIXTURE_NOW, IDENTITY_FOUND, alice_2025 },
		{ "expired", { alice_2020 }, ALICE, FIXTURE_NOW,
		    IDENTITY_EXPIRED, NULL },
		{ "expired and not yet", { alice_2020, alice_2030 }, ALICE,
		    FIXTURE_NOW, IDENTITY_EXPIRED, NULL },
		{ "not yet valid", { alice_2030 }, ALICE, FIXTURE_NOW,
		    IDENTITY_NOT_YET_VALID, NULL },
		{ "first second", { alice_2030 }, ALICE,
		    G_GINT64_CONSTANT(1893456000), IDENTITY_FOUND, alice_2030 },
		{ "the second before", { alice_2030 }, ALICE,
		    G_GINT64_CONSTANT(1893455999), IDENTITY_NOT_YET_VALID,
		    NULL },
		{ "last second", { alice_2020 }, ALICE,
		    G_GINT64_CONSTANT(1767225599), IDENTITY_FOUND, alice_2020 },
		{ "the second after", { alice_2020 }, ALICE,
		    G_GINT64_CONSTANT(1767225600), IDENTITY_EXPIRED, NULL },
		{ "unfit", { alice_ca }, ALICE, FIXTURE_NOW, IDENTITY_UNFIT,
		    NULL },
		{ "of another address", { bob }, ALICE, FIXTURE_NOW,
		    IDENTITY_UNFIT, NULL },
		{ "clock at zero", { alice_2025 }, ALICE, 0,
		    IDENTITY_NOT_YET_VALID, NULL },
	};

	(void)data;
	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GError) error = NULL;
		g_autoptr(Identity) got = NULL;
		IdentityState state = IDENTITY_UNFIT;

		g_test_message("%s", cases[i].name);
		(void)g_unlink(fixture->alice);
		for (gsize j = 0; j < 3; j++) {
			if (cases[i].identities[j] != NULL) {
				add(fixture, cases[i].identities[j], to_alice);
			}
		}
		g_assert_true(identities_signer(fixture->identities,
		    cases[i].address, cases[i].at, &state, &got, &error));
		g_assert_no_error(error);
		g_assert_cmpint(state, ==, cases[i].want);
		if (cases[i].signer == NULL) {
			g_assert_null(got);
		} else {
			g_assert_cmpstr(fingerprint_of(got), ==,
			    fingerprint_of(cases[i].signer));
		}
	}
}

/* The very same object again as long as the file is the same. */
static void
test_cached(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GPtrArray) first = NULL;
	g_autoptr(GPtrArray) second = NULL;
	g_autoptr(GPtrArray) third = NULL;

	(void)data;
	add(fixture, alice_2025, to_alice);
	wait_for_cache();
	first = find(fixture, ALICE);
	second = find(fixture, ALICE);
	g_assert_true(
	    g_ptr_array_index(first, 0) == g_ptr_array_index(second, 0));
	/* What a caller does to its array is its own affair. */
	g_ptr_array_set_size(first, 0);
	ASSERT_FOUND(fixture, ALICE, alice_2025, NULL);

	add(fixture, alice_2025, to_alice);
	third = find(fixture, ALICE);
	g_assert_true(
	    g_ptr_array_index(third, 0) != g_ptr_array_index(second, 0));
	g_assert_cmpint(g_unlink(fixture->alice), ==, 0);
	ASSERT_FOUND(fixture, ALICE, NULL);
	/* What was handed out outlives the file and the cache. */
	g_assert_cmpstr(fingerprint_of(g_ptr_array_index(second, 0)), ==,
	    fingerprint_of(alice_2025));
}

/* Into the file as it is, no other in its place. */
static void
overwrite(const char *path, const char *content, gsize length)
{
	int file = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);

	g_assert_cmpint(file, >=, 0);
	g_assert_true(file_write_all(file, content, length));
	close(file);
}

/* Also a file that another program wrote in place, at once. */
static void
test_changed_in_place(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GBytes) other = keyring_write(alice_2025, &error);

	(void)data;
	add(fixture, alice_2020, to_alice);
	ASSERT_FOUND(fixture, ALICE, alice_2020, NULL);
	overwrite(fixture->alice, g_bytes_get_data(other, NULL),
	    g_bytes_get_size(other));
	ASSERT_FOUND(fixture, ALICE, alice_2025, NULL);
}

static void
test_open_to_others(Fixture *fixture, gconstpointer data)
{
	static const mode_t modes[] = { 0640, 0604, 0620, 0602, 0644, 0777 };

	(void)data;
	add(fixture, alice_2025, to_alice);
	wait_for_cache();
	ASSERT_FOUND(fixture, ALICE, alice_2025, NULL);
	for (gsize i = 0; i < G_N_ELEMENTS(modes); i++) {
		g_autofree char *advice =
		    g_strconcat("chmod 600 ", fixture->alice, NULL);

		g_assert_cmpint(chmod(fixture->alice, modes[i]), ==, 0);
		assert_error(fixture, ERROR_PERMISSION, advice);
	}
	g_assert_cmpint(chmod(fixture->alice, 0400), ==, 0);
	ASSERT_FOUND(fixture, ALICE, alice_2025, NULL);
}

static void
test_foreign_owner(Fixture *fixture, gconstpointer data)
{
	(void)data;
	if (getuid() != 0) {
		g_test_skip("only root gives files away");
		return;
	}
	add(fixture, alice_2025, to_alice);
	g_assert_cmpint(chown(fixture->alice, 12345, 0), ==, 0);
	assert_error(fixture, ERROR_PERMISSION, fixture->alice);
}

static void
test_unreadable(Fixture *fixture, gconstpointer data)
{
	(void)data;
	if (getuid() != 0) {
		g_test_skip("needs a file of root");
		return;
	}
	add(fixture, alice_2025, to_alice);
	scratch_become_nobody();
	assert_error(fixture, ERROR_PERMISSION, fixture->alice);
	scratch_regain();
}

static void
test_broken(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *whole = NULL;
	g_autofree char *other = NULL;
	g_autofree char *large = g_strnfill(KEYRING_FILE_MAX + 1, '#');
	g_autoptr(GString) mixed = g_string_new(NULL);
	const char *contents[5] = { "", "no PEM at all\n" };

	(void)data;
	add(fixture, alice_2025, to_alice);
	add(fixture, bob, to_bob);
	whole = scratch_text(fixture->alice);
	{
		g_autofree char *path = g_build_filename(
		    fixture->state, "keys", "example.org", "bob.pem", NULL);

		other = scratch_text(path);
	}
	/* The key of one, the certificate of the other. */
	g_string_append_len(
	    mixed, whole, strstr(whole, "-----BEGIN CERTIFICATE") - whole);
	g_string_append(mixed, strstr(other, "-----BEGIN CERTIFICATE"));
	contents[2] = mixed->str;
	/* Cut in the middle of the certificate. */
	whole[strlen(whole) - 60] = '\0';
	contents[3] = whole;
	contents[4] = large;
	for (gsize i = 0; i < G_N_ELEMENTS(contents); i++) {
		g_test_message("%.40s", contents[i]);
		overwrite(fixture->alice, contents[i], strlen(contents[i]));
		g_assert_null(
		    identities_find(fixture->identities, ALICE, &error));
		g_assert_nonnull(error);
		g_assert_nonnull(strstr(error->message, fixture->alice));
		g_clear_error(&error);
		/* The next mail is another sender's, and works. */
		ASSERT_FOUND(fixture, BOB, bob, NULL);
	}
}

/* A daemon without its disk must not think that nobody has a key. */
static void
test_no_state(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GError) error = NULL;

	(void)data;
	add(fixture, alice_2025, to_alice);
	wait_for_cache();
	ASSERT_FOUND(fixture, ALICE, alice_2025, NULL);
	{
		g_autofree char *away =
		    g_strconcat(fixture->state, ".away", NULL);

		g_assert_cmpint(g_rename(fixture->state, away), ==, 0);
		assert_error(fixture, ERROR_IO, fixture->state);
		g_assert_null(
		    identities_find(fixture->identities, "no address", &error));
		g_clear_error(&error);
		g_assert_null(identities_list(fixture->identities, &error));
		g_assert_error(error, ERROR_DOMAIN, ERROR_IO);
		g_clear_error(&error);
		g_assert_false(
		    identities_add(fixture->identities, bob, to_bob, &error));
		g_assert_error(error, ERROR_DOMAIN, ERROR_IO);
		g_assert_false(g_file_test(fixture->state, G_FILE_TEST_EXISTS));
		g_assert_cmpint(g_rename(away, fixture->state), ==, 0);
	}
	ASSERT_FOUND(fixture, ALICE, alice_2025, NULL);
}

static void
test_state_unreadable(Fixture *fixture, gconstpointer data)
{
	(void)data;
	add(fixture, alice_2025, to_alice);
	g_assert_cmpint(chmod(fixture->state, 0000), ==, 0);
	scratch_become_nobody();
	assert_error(fixture, ERROR_PERMISSION, fixture->state);
	scratch_regain();
	g_assert_cmpint(chmod(fixture->state, 0700), ==, 0);
}

static void
test_list(Fixture *fixture, gconstpointer data)
{
	static const char *const to_domain[] = { "@example.net", NULL };
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) none = NULL;
	g_autoptr(GPtrArray) got = NULL;
	const IdentityEntry *entry = NULL;

	(void)data;
	none = identities_list(fixture->identities, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(none->len, ==, 0);

	add(fixture, bob, to_domain);
	add(fixture, alice_2020, to_alice);
	add(fixture, alice_2025, to_alice);
	add(fixture, both, to_bob);
	{
		g_autofree char *path = g_build_filename(
		    fixture->state, "keys", "example.org", "bob.pem", NULL);

		g_assert_cmpint(chmod(path, 0644), ==, 0);
	}
	got = identities_list(fixture->identities, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(got->len, ==, 4);
	entry = g_ptr_array_index(got, 0);
	g_assert_cmpstr(entry->address, ==, "@example.net");
	g_assert_cmpstr(
	    fingerprint_of(entry->identity), ==, fingerprint_of(bob));
	g_assert_null(entry->problem);
	entry = g_ptr_array_index(got, 1);
	g_assert_cmpstr(entry->address, ==, ALICE);
	g_assert_cmpstr(
	    fingerprint_of(entry->identity), ==, fingerprint_of(alice_2025));
	entry = g_ptr_array_index(got, 2);
	g_assert_cmpstr(
	    fingerprint_of(entry->identity), ==, fingerprint_of(alice_2020));
	entry = g_ptr_array_index(got, 3);
	g_assert_cmpstr(entry->address, ==, BOB);
	g_assert_null(entry->identity);
	g_assert_nonnull(strstr(entry->problem, "chmod 600"));
}

typedef struct {
	const Fixture *fixture;
	gint stop;
} Race;

static gpointer
replace_again_and_again(gpointer data)
{
	Race *race = data;
	/* A store of its own, as another process has it. */
	g_autoptr(Identities) own = identities_new(race->fixture->state);

	for (int i = 0; i < 60; i++) {
		g_autoptr(GError) error = NULL;

		g_assert_true(identities_add(own,
		    i % 2 == 0 ? alice_2020 : alice_2030, to_alice, &error));
		g_assert_no_error(error);
		g_assert_true(identities_remove(own,
		    fingerprint_of(i % 2 == 0 ? alice_2030 : alice_2020),
		    &error));
		g_assert_no_error(error);
	}
	g_atomic_int_set(&race->stop, 1);
	return NULL;
}

static gpointer
find_until_stopped(gpointer data)
{
	Race *race = data;
	int rounds = 0;

	while (g_atomic_int_get(&race->stop) == 0 || rounds < 20) {
		g_autoptr(GPtrArray) found = find(race->fixture, ALICE);

		/* One or the other or both; never none, never a third. */
		g_assert_cmpuint(found->len, >=, 1);
		g_assert_cmpuint(found->len, <=, 2);
		for (guint i = 0; i < found->len; i++) {
			const char *got =
			    fingerprint_of(g_ptr_array_index(found, i));

			g_assert_true(
			    strcmp(got, fingerprint_of(alice_2020)) == 0 ||
			    strcmp(got, fingerprint_of(alice_2030)) == 0);
		}
		rounds++;
	}
	return NULL;
}

static void
test_find_beside_writer(Fixture *fixture, gconstpointer data)
{
	Race race = { .fixture = fixture };
	GThread *readers[4];
	GThread *writer = NULL;

	(void)data;
	add(fixture, alice_2030, to_alice);
	for (gsize i = 0; i < G_N_ELEMENTS(readers); i++) {
		readers[i] = g_thread_new("reader", find_until_stopped, &race);
	}
	writer = g_thread_new("writer", replace_again_and_again, &race);
	g_thread_join(writer);
	for (gsize i = 0; i < G_N_ELEMENTS(readers); i++) {
		g_thread_join(readers[i]);
	}
	ASSERT_FOUND(fixture, ALICE, alice_2030, NULL);
}

/* Two writers: the lock keeps both their identities. */
static gpointer
add_one(gpointer data)
{
	const Fixture *fixture = data;

	for (int i = 0; i < 10; i++) {
		add(fixture, alice_2020, to_alice);
	}
	return NULL;
}

static void
test_two_writers(Fixture *fixture, gconstpointer data)
{
	GThread *other = g_thread_new("writer", add_one, fixture);

	(void)data;
	for (int i = 0; i < 10; i++) {
		add(fixture, alice_2025, to_alice);
	}
	g_thread_join(other);
	ASSERT_FOUND(fixture, ALICE, alice_2025, alice_2020, NULL);
}

#define ADD(path, function) \
	g_test_add(path, Fixture, NULL, set_up, function, tear_down)

int
main(int argc, char **argv)
{
	int result = 0;

	g_test_init(&argc, &argv, NULL);
	make_identities();
	ADD("/identities/find/none", test_none);
	ADD("/identities/find/cached", test_cached);
	ADD("/identities/find/changed-in-place", test_changed_in_place);
	ADD("/identities/find/open-to-others", test_open_to_others);
	ADD("/identities/find/foreign-owner", test_foreign_owner);
	ADD("/identities/find/unreadable", test_unreadable);
	ADD("/identities/find/broken", test_broken);
	ADD("/identities/find/no-state", test_no_state);
	ADD("/identities/find/state-unreadable", test_state_unreadable);
	ADD("/identities/find/beside-writer", test_find_beside_writer);
	ADD("/identities/signer/table", test_signer);
	ADD("/identities/add/order-and-modes", test_add);
	ADD("/identities/add/openssl-reads", test_add_openssl_reads);
	ADD("/identities/add/several", test_add_several);
	ADD("/identities/add/all-or-none", test_add_all_or_none);
	ADD("/identities/add/to-broken", test_add_to_broken);
	ADD("/identities/add/full-disk", test_add_full_disk);
	ADD("/identities/add/two-writers", test_two_writers);
	ADD("/identities/remove/every-file", test_remove);
	ADD("/identities/remove/leftover", test_remove_leftover);
	ADD("/identities/remove/beside-broken", test_remove_beside_broken);
	ADD("/identities/list/problems", test_list);
	result = g_test_run();
	free_identities();
	return result;
}
