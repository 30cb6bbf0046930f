/* SPDX-License-Identifier: Apache-2.0 */
/* The CRL cache: order, limits, restarts, damage, two of them at once. */
#include "config.h"

#include "store/crls.h"

#include <string.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "base/error.h"
#include "base/file.h"
#include "crl_files.h"
#include "pki.h"
#include "scratch.h"
#include "store/crlfacts.h"

#define URL "http://crl.example.com/issuing.crl"
#define MIRROR "http://mirror.example.com/issuing.crl"

/* Made once. */
static char *pki;
static Crl *first;
static Crl *second;
static Crl *of_root;

typedef struct {
	char *state;
	char *crls;
	CrlStore *store;
} Fixture;

static void
set_up(Fixture *fixture, gconstpointer data)
{
	(void)data;
	fixture->state = scratch_new();
	fixture->crls = g_build_filename(fixture->state, "crls", NULL);
	fixture->store = crls_new(fixture->state);
}

static void
tear_down(Fixture *fixture, gconstpointer data)
{
	(void)data;
	crls_free(fixture->store);
	scratch_free(fixture->state);
	g_free(fixture->crls);
}

static void
restart(Fixture *fixture)
{
	crls_free(fixture->store);
	fixture->store = crls_new(fixture->state);
}

static CrlStored
add(CrlStore *store, Crl *crl, const char *url)
{
	g_autoptr(GError) error = NULL;
	CrlStored stored = CRL_OLDER;

	g_assert_true(crls_add(store, crl, url, NULL, &stored, &error));
	g_assert_no_error(error);
	return stored;
}

static GPtrArray *
find(CrlStore *store, const Crl *like)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) keys = g_ptr_array_new();
	GPtrArray *found;

	g_ptr_array_add(keys, (gpointer)crl_issuer_key(like));
	found = crls_find(store, keys, &error);
	g_assert_no_error(error);
	return found;
}

/* The fingerprints' first is that of want, and there is no other. */
static void
assert_only(CrlStore *store, const Crl *want)
{
	g_autoptr(GPtrArray) found = find(store, want);

	g_assert_cmpuint(found->len, ==, 1);
	g_assert_cmpstr(
	    crl_fingerprint(found->pdata[0]), ==, crl_fingerprint(want));
}

static guint
count_files(const Fixture *fixture, const char *suffix)
{
	g_autoptr(GDir) directory = g_dir_open(fixture->crls, 0, NULL);
	const char *name;
	guint count = 0;

	while (
	    directory != NULL && (name = g_dir_read_name(directory)) != NULL) {
		count += g_str_has_suffix(name, suffix);
	}
	return count;
}

static char *
file_of(const Fixture *fixture, const Crl *crl)
{
	g_autofree char *name = g_strconcat(crl_fingerprint(crl), ".crl", NULL);

	return g_build_filename(fixture->crls, name, NULL);
}

static void
test_none(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GPtrArray) found = find(fixture->store, first);
	g_autoptr(GPtrArray) list = crls_list(fixture->store, NULL);
	gint64 next = 0;

	(void)data;
	g_assert_cmpuint(found->len, ==, 0);
	g_assert_cmpuint(list->len, ==, 0);
	g_assert_null(crls_facts(fixture->store, URL));
	g_assert_null(crls_due(fixture->store, pki_now(), &next));
	g_assert_cmpint(next, ==, G_MAXINT64);
	crls_free(NULL);
}

static void
test_no_state(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) keys = g_ptr_array_new();

	(void)data;
	g_assert_cmpint(g_rmdir(fixture->state), ==, 0);
	g_assert_null(crls_find(fixture->store, keys, &error));
	g_assert_error(error, ERROR_DOMAIN, ERROR_IO);
	g_clear_error(&error);
	g_assert_false(
	    crls_add(fixture->store, first, URL, NULL, NULL, &error));
	g_assert_error(error, ERROR_DOMAIN, ERROR_IO);
	g_assert_false(g_file_test(fixture->state, G_FILE_TEST_EXISTS));
}

static void
test_add(Fixture *fixture, gconstpointer data)
{
	const CrlFacts answer = { .etag = (char *)"\"a\\b\"",
		.last_modified = (char *)"Sat, 21 Nov 2026 03:31:00 GMT" };
	g_autoptr(GError) error = NULL;
	g_autoptr(CrlFacts) facts = NULL;
	g_autofree char *path = file_of(fixture, first);
	CrlStored stored = CRL_OLDER;
	guint64 before = crls_generation(fixture->store);

	(void)data;
	g_assert_true(
	    crls_add(fixture->store, first, URL, &answer, &stored, &error));
	g_assert_no_error(error);
	g_assert_cmpint(stored, ==, CRL_STORED);
	g_assert_cmpuint(crls_generation(fixture->store), !=, before);
	g_assert_true(crls_has(fixture->store, first));
	g_assert_false(crls_has(fixture->store, second));
	assert_only(fixture->store, first);
	restart(fixture);
	facts = crls_facts(fixture->store, URL);
	g_assert_cmpstr(facts->url, ==, URL);
	g_assert_cmpstr(facts->id, ==, crl_fingerprint(first));
	g_assert_cmpstr(facts->issuer, ==, crl_issuer(first));
	g_assert_cmpstr(facts->issuer_key, ==, crl_issuer_key(first));
	g_assert_cmpstr(facts->number, ==, "01");
	g_assert_cmpint(facts->this_update, ==, crl_this_update(first));
	g_assert_cmpint(facts->next_update, ==, crl_next_update(first));
	g_assert_cmpint(facts->fetched, >, pki_now() - 1000);
	g_assert_cmpstr(facts->etag, ==, "\"a\\b\"");
	g_assert_cmpstr(facts->last_modified, ==, answer.last_modified);
	g_assert_cmpuint(facts->failures, ==, 0);
	g_assert_null(facts->trouble);
	assert_only(fixture->store, first);
	/* Foreign eyes can read it. */
	pki_run(pki, "openssl crl -inform DER -noout -in '%s'", path);
}

static void
test_order(Fixture *fixture, gconstpointer data)
{
	guint64 generation;

	(void)data;
	g_assert_cmpint(add(fixture->store, second, URL), ==, CRL_STORED);
	generation = crls_generation(fixture->store);
	g_assert_cmpint(add(fixture->store, first, URL), ==, CRL_OLDER);
	g_assert_cmpint(add(fixture->store, first, MIRROR), ==, CRL_OLDER);
	g_assert_cmpint(add(fixture->store, first, NULL), ==, CRL_OLDER);
	g_assert_cmpint(add(fixture->store, second, URL), ==, CRL_SAME);
	g_assert_cmpint(add(fixture->store, second, NULL), ==, CRL_SAME);
	g_assert_cmpuint(crls_generation(fixture->store), ==, generation);
	assert_only(fixture->store, second);
	g_assert_cmpuint(count_files(fixture, ".crl"), ==, 1);
	g_assert_cmpuint(count_files(fixture, ".facts"), ==, 1);
}

/* The old file goes, also what came without a URL. */
static void
test_replace(Fixture *fixture, gconstpointer data)
{
	g_autofree char *old = file_of(fixture, first);

	(void)data;
	add(fixture->store, first, NULL);
	add(fixture->store, of_root, NULL);
	g_assert_true(g_file_test(old, G_FILE_TEST_EXISTS));
	g_assert_cmpint(add(fixture->store, second, URL), ==, CRL_STORED);
	assert_only(fixture->store, second);
	assert_only(fixture->store, of_root);
	g_assert_false(g_file_test(old, G_FILE_TEST_EXISTS));
	g_assert_cmpuint(count_files(fixture, ".facts"), ==, 2);
}

/* Two URLs, one file; it stays as long as one names it. */
static void
test_shared(Fixture *fixture, gconstpointer data)
{
	g_autofree char *old = file_of(fixture, first);

	(void)data;
	add(fixture->store, first, URL);
	g_assert_cmpint(add(fixture->store, first, MIRROR), ==, CRL_SAME);
	g_assert_cmpuint(count_files(fixture, ".crl"), ==, 1);
	g_assert_cmpuint(count_files(fixture, ".facts"), ==, 2);
	assert_only(fixture->store, first);
	add(fixture->store, second, URL);
	g_assert_true(g_file_test(old, G_FILE_TEST_EXISTS));
	add(fixture->store, second, MIRROR);
	g_assert_false(g_file_test(old, G_FILE_TEST_EXISTS));
	assert_only(fixture->store, second);
}

static void
test_note(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	CrlFacts note = { .url = (char *)URL,
		.next_fetch = pki_now() + 600,
		.failures = 3,
		.trouble = (char *)"the server\nanswered 404" };
	guint64 generation = crls_generation(fixture->store);
	gint64 next = 0;

	(void)data;
	g_assert_true(crls_note(fixture->store, &note, &error));
	g_assert_no_error(error);
	g_assert_cmpuint(crls_generation(fixture->store), ==, generation);
	for (int i = 0; i < 2; i++) {
		g_autoptr(CrlFacts) facts = crls_facts(fixture->store, URL);

		g_assert_null(facts->id);
		g_assert_cmpuint(facts->failures, ==, 3);
		g_assert_cmpstr(facts->trouble, ==, note.trouble);
		g_assert_cmpint(facts->next_fetch, ==, note.next_fetch);
		restart(fixture);
	}
	/* It never had one: no refresh. */
	g_assert_null(crls_due(fixture->store, pki_now() + 700, &next));
	add(fixture->store, first, URL);
	note.failures = 0;
	note.trouble = NULL;
	note.fetched = pki_now();
	g_assert_true(crls_note(fixture->store, &note, &error));
	assert_only(fixture->store, first);
}

static void
test_due(Fixture *fixture, gconstpointer data)
{
	gint64 now = pki_now();
	CrlFacts note = {
		.url = (char *)URL, .fetched = now, .next_fetch = now + 600
	};
	gint64 next = 0;
	g_autoptr(CrlFacts) due = NULL;
	g_autoptr(CrlFacts) back = NULL;

	(void)data;
	add(fixture->store, first, URL);
	add(fixture->store, of_root, NULL);
	g_assert_true(crls_note(fixture->store, &note, NULL));
	restart(fixture);
	g_assert_null(crls_due(fixture->store, now + 599, &next));
	g_assert_cmpint(next, ==, now + 600);
	due = crls_due(fixture->store, now + 600, &next);
	g_assert_cmpstr(due->url, ==, URL);
	/* The clock was far ahead when it was noted. */
	back = crls_due(fixture->store, now - 400 * 86400, &next);
	g_assert_cmpstr(back->url, ==, URL);
}

static void
test_list(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GPtrArray) list = NULL;
	const CrlFacts *facts;

	(void)data;
	add(fixture->store, of_root, NULL);
	add(fixture->store, first, MIRROR);
	add(fixture->store, first, URL);
	list = crls_list(fixture->store, NULL);
	g_assert_cmpuint(list->len, ==, 3);
	facts = list->pdata[0];
	g_assert_cmpstr(facts->url, ==, URL);
	facts = list->pdata[1];
	g_assert_cmpstr(facts->url, ==, MIRROR);
	facts = list->pdata[2];
	g_assert_null(facts->url);
}

/* A damaged file counts as none, is told, and the same one may come again. */
static void
test_damaged(Fixture *fixture, gconstpointer data)
{
	static const char *const contents[] = { "", "no CRL", NULL };
	g_autofree char *path = file_of(fixture, first);
	const CrlFacts answer = { .etag = (char *)"\"a\"" };

	(void)data;
	for (gsize i = 0; i < G_N_ELEMENTS(contents); i++) {
		g_autoptr(GPtrArray) found = NULL;
		g_autoptr(GPtrArray) again = NULL;
		g_autoptr(CrlFacts) facts = NULL;
		g_autoptr(CrlFacts) healed = NULL;

		g_assert_true(
		    crls_add(fixture->store, first, URL, &answer, NULL, NULL));
		if (contents[i] != NULL) {
			g_assert_true(
			    g_file_set_contents(path, contents[i], -1, NULL));
		} else {
			g_assert_cmpint(g_unlink(path), ==, 0);
		}
		restart(fixture);
		found = find(fixture->store, first);
		g_assert_cmpuint(found->len, ==, 0);
		again = find(fixture->store, first);
		g_assert_cmpuint(again->len, ==, 0);
		facts = crls_facts(fixture->store, URL);
		g_assert_nonnull(strstr(facts->trouble, "damaged"));
		g_assert_null(facts->etag);
		g_assert_cmpint(facts->next_fetch, <=, pki_now());
		g_assert_cmpint(
		    add(fixture->store, first, URL), ==, CRL_STORED);
		assert_only(fixture->store, first);
		healed = crls_facts(fixture->store, URL);
		g_assert_null(healed->trouble);
	}
}

/* What another process has mended is seen. */
static void
test_mended(Fixture *fixture, gconstpointer data)
{
	g_autoptr(CrlStore) other = crls_new(fixture->state);
	g_autofree char *path = file_of(fixture, first);
	g_autoptr(GPtrArray) found = NULL;
	guint64 before;

	(void)data;
	add(fixture->store, first, URL);
	g_assert_cmpint(g_unlink(path), ==, 0);
	restart(fixture);
	found = find(fixture->store, first);
	g_assert_cmpuint(found->len, ==, 0);
	before = crls_generation(fixture->store);
	g_assert_cmpint(add(other, first, URL), ==, CRL_STORED);
	assert_only(fixture->store, first);
	g_assert_cmpuint(crls_generation(fixture->store), !=, before);
}

/* One bit: the hash tells. */
static void
test_changed_bit(Fixture *fixture, gconstpointer data)
{
	g_autofree char *path = file_of(fixture, first);
	g_autoptr(GPtrArray) found = NULL;
	g_autofree char *content = NULL;
	gsize length = 0;

	(void)data;
	add(fixture->store, first, URL);
	g_assert_true(g_file_get_contents(path, &content, &length, NULL));
	content[length - 1] ^= 1;
	g_assert_true(g_file_set_contents(path, content, (gssize)length, NULL));
	restart(fixture);
	found = find(fixture->store, first);
	g_assert_cmpuint(found->len, ==, 0);
}

static void
test_damaged_facts(Fixture *fixture, gconstpointer data)
{
	static const char *const contents[] = { "", "url\n", "url: x\n",
		"size: -1\n", "id: ../../etc/passwd\n", "failures: many\n" };
	g_autofree char *name =
	    g_compute_checksum_for_string(G_CHECKSUM_SHA256, URL, -1);
	g_autofree char *file = g_strconcat(name, ".facts", NULL);

	(void)data;
	for (gsize i = 0; i < G_N_ELEMENTS(contents); i++) {
		g_autoptr(GPtrArray) list = NULL;

		add(fixture->store, first, URL);
		g_free(scratch_file(fixture->crls, file, contents[i]));
		g_free(scratch_file(fixture->crls, "README", "text"));
		restart(fixture);
		list = crls_list(fixture->store, NULL);
		g_assert_cmpuint(list->len, ==, 0);
		g_assert_cmpint(
		    add(fixture->store, first, URL), ==, CRL_STORED);
	}
}

/* What a crash left goes, nothing else. */
static void
test_sweep(Fixture *fixture, gconstpointer data)
{
	g_autofree char *orphan = file_of(fixture, second);

	(void)data;
	add(fixture->store, first, URL);
	g_assert_true(g_file_set_contents(orphan, "half", -1, NULL));
	g_free(scratch_file(fixture->crls, FILE_TEMPORARY "abc", "half"));
	g_free(scratch_file(fixture->crls, "README", "text"));
	restart(fixture);
	crls_sweep(fixture->store);
	g_assert_cmpuint(scratch_count(fixture->crls), ==, 3);
	assert_only(fixture->store, first);
}

/* What another process wrote counts at once. */
static void
test_two_stores(Fixture *fixture, gconstpointer data)
{
	g_autoptr(CrlStore) other = crls_new(fixture->state);
	guint64 before;
	guint64 after;

	(void)data;
	add(fixture->store, first, URL);
	assert_only(other, first);
	before = crls_generation(fixture->store);
	g_assert_cmpint(add(other, second, URL), ==, CRL_STORED);
	after = crls_generation(fixture->store);
	g_assert_cmpuint(after, !=, before);
	assert_only(fixture->store, second);
	g_assert_cmpint(add(fixture->store, first, MIRROR), ==, CRL_OLDER);
	/* A new generation alone is no change. */
	g_assert_cmpuint(crls_generation(fixture->store), ==, after);
	g_free(scratch_file(fixture->state, "generation", "x\n"));
	g_assert_cmpuint(crls_generation(fixture->store), ==, after);
}

/* A file that another process gave a second owner is not removed. */
static void
test_two_stores_shared(Fixture *fixture, gconstpointer data)
{
	g_autoptr(CrlStore) other = crls_new(fixture->state);
	g_autofree char *old = file_of(fixture, first);
	g_autoptr(CrlFacts) facts = NULL;

	(void)data;
	add(fixture->store, first, URL);
	g_assert_cmpint(add(other, first, MIRROR), ==, CRL_SAME);
	facts = crls_facts(fixture->store, MIRROR);
	g_assert_nonnull(facts);
	add(fixture->store, second, URL);
	g_assert_true(g_file_test(old, G_FILE_TEST_EXISTS));
}

static void
test_limit(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GPtrArray) list = NULL;
	g_autofree char *bodies =
	    g_build_filename(fixture->state, "crls", NULL);
	g_autofree char *zeros = NULL;

	(void)data;
	/* Facts alone, as if each had its CRL. */
	add(fixture->store, first, NULL);
	for (guint i = 1; i < CRLS_WITHOUT_URL; i++) {
		g_autofree char *id = g_strdup_printf("%064x", i);
		g_autofree char *file = g_strconcat(id, ".facts", NULL);
		g_autofree char *text =
		    g_strdup_printf("id: %s\nissuer key: x\nthis update: "
				    "2026-11-%02dT00:00:00Z\n",
			id, i == 500 ? 1 : 2);

		g_free(scratch_file(fixture->crls, file, text));
	}
	restart(fixture);
	add(fixture->store, of_root, NULL);
	list = crls_list(fixture->store, NULL);
	g_assert_cmpuint(list->len, ==, CRLS_WITHOUT_URL);
	zeros = g_strdup_printf("%064x.facts", 500);
	g_free(bodies);
	bodies = g_build_filename(fixture->crls, zeros, NULL);
	g_assert_false(g_file_test(bodies, G_FILE_TEST_EXISTS));
	assert_only(fixture->store, first);
	assert_only(fixture->store, of_root);
}

static void
test_long_url(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *tail = g_strnfill(CRLFACTS_URL_MAX, 'a');
	g_autofree char *url = g_strconcat("http://x/", tail, NULL);
	const CrlFacts note = { .url = url };

	(void)data;
	g_assert_false(
	    crls_add(fixture->store, first, url, NULL, NULL, &error));
	g_assert_error(error, ERROR_DOMAIN, ERROR_LIMIT);
	g_clear_error(&error);
	g_assert_false(crls_note(fixture->store, &note, &error));
	g_assert_error(error, ERROR_DOMAIN, ERROR_LIMIT);
}

/* Larger than what is read: mapped, also after the download's file is gone. */
static void
test_large(Fixture *fixture, gconstpointer data)
{
	const CrlFile what = { .number = 9, .fillers = 5000 };
	g_autoptr(Crl) large = crl_files_crl(pki, &what);

	(void)data;
	add(fixture->store, large, URL);
	for (int i = 0; i < 2; i++) {
		g_autoptr(GPtrArray) found = find(fixture->store, large);

		g_assert_cmpuint(found->len, ==, 1);
		g_assert_cmpuint(crl_count(found->pdata[0]), ==, 5000);
		restart(fixture);
	}
}

static void
test_full_disk(Fixture *fixture, gconstpointer data)
{
	const CrlFile what = { .number = 9, .fillers = 5000 };
	g_autoptr(Crl) large = crl_files_crl(pki, &what);
	g_autoptr(GError) error = NULL;

	(void)data;
	if (!scratch_mount(fixture->state, 64 * 1024)) {
		g_test_skip("needs root");
		return;
	}
	add(fixture->store, first, URL);
	g_assert_false(
	    crls_add(fixture->store, large, URL, NULL, NULL, &error));
	g_assert_error(error, ERROR_DOMAIN, ERROR_IO);
	assert_only(fixture->store, first);
	restart(fixture);
	assert_only(fixture->store, first);
	crls_free(g_steal_pointer(&fixture->store));
	scratch_unmount(fixture->state);
}

static gpointer
add_again_and_again(gpointer data)
{
	g_autoptr(CrlStore) own = crls_new(data);

	for (int i = 0; i < 15; i++) {
		g_autofree char *url =
		    g_strdup_printf("http://crl.example.com/%d", i % 3);

		add(own, first, url);
		add(own, of_root, url);
	}
	add(own, second, URL);
	return NULL;
}

static gpointer
find_again_and_again(gpointer data)
{
	for (int i = 0; i < 200; i++) {
		g_autoptr(GPtrArray) found = find(data, first);

		g_assert_cmpuint(found->len, <=, 2);
	}
	return NULL;
}

/* Two readers of one store beside a writer with its own. */
static void
test_beside_writer(Fixture *fixture, gconstpointer data)
{
	GThread *writer;
	GThread *readers[2];
	g_autoptr(GPtrArray) list = NULL;

	(void)data;
	add(fixture->store, first, MIRROR);
	writer = g_thread_new("writer", add_again_and_again, fixture->state);
	for (int i = 0; i < 2; i++) {
		readers[i] = g_thread_new(
		    "reader", find_again_and_again, fixture->store);
	}
	for (int i = 0; i < 2; i++) {
		g_thread_join(readers[i]);
	}
	g_thread_join(writer);
	list = crls_list(fixture->store, NULL);
	for (guint i = 0; i < list->len; i++) {
		g_assert_null(((const CrlFacts *)list->pdata[i])->trouble);
	}
}

#define ADD(path, function) \
	g_test_add(path, Fixture, NULL, set_up, function, tear_down)

int
main(int argc, char **argv)
{
	const CrlFile one = { .number = 1 };
	const CrlFile two = { .number = 2, .last = -600 };
	const CrlFile root = { .ca = "root", .number = 7 };
	int result;

	g_test_init(&argc, &argv, NULL);
	pki = pki_new();
	first = crl_files_crl(pki, &one);
	second = crl_files_crl(pki, &two);
	of_root = crl_files_crl(pki, &root);
	ADD("/crls/find/none", test_none);
	ADD("/crls/find/no-state", test_no_state);
	ADD("/crls/find/damaged", test_damaged);
	ADD("/crls/find/mended", test_mended);
	ADD("/crls/find/changed-bit", test_changed_bit);
	ADD("/crls/find/damaged-facts", test_damaged_facts);
	ADD("/crls/find/large", test_large);
	ADD("/crls/find/beside-writer", test_beside_writer);
	ADD("/crls/add/one", test_add);
	ADD("/crls/add/order", test_order);
	ADD("/crls/add/replace", test_replace);
	ADD("/crls/add/shared", test_shared);
	ADD("/crls/add/limit", test_limit);
	ADD("/crls/add/long-url", test_long_url);
	ADD("/crls/add/full-disk", test_full_disk);
	ADD("/crls/note/all", test_note);
	ADD("/crls/due/times", test_due);
	ADD("/crls/list/sorted", test_list);
	ADD("/crls/sweep/crash", test_sweep);
	ADD("/crls/generation/two-stores", test_two_stores);
	ADD("/crls/generation/two-stores-shared", test_two_stores_shared);
	result = g_test_run();
	crl_unref(first);
	crl_unref(second);
	crl_unref(of_root);
	scratch_free(pki);
	return result;
}
