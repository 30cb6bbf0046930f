/* SPDX-License-Identifier: Apache-2.0 */
/* Verdicts: what they are made of, how long they are remembered. */
#include "config.h"

#include "store/trust.h"

#include <string.h>

#include <glib/gstdio.h>

#include "base/error.h"
#include "crl_files.h"
#include "pki.h"
#include "scratch.h"

#define CDP "http://crl.example.com/issuing.crl"

static char *pki;
static Cert *alice; /* revoked in the CRL number 5 */
static Cert *bob;
static Cert *carol; /* names a point; revoked in number 6 */
static Cert *issuing;
static Cert *root;
static Crl *empty;
static Crl *revoking;
static Crl *of_root;
static Crl *against_issuing;
static Crl *against_carol;

typedef struct {
	char *state;
	Trust *trust;
	TrustView view;
	GPtrArray *others;
	guint fetches;
	gint64 deadline; /* of the last */
	Crl *brings;     /* what fetching adds to the cache */
} Fixture;

static void
set_up(Fixture *fixture, gconstpointer data)
{
	(void)data;
	fixture->state = scratch_new();
	fixture->trust = trust_new(fixture->state);
	g_assert_true(anchors_add(trust_anchors(fixture->trust), root, NULL));
	fixture->others =
	    g_ptr_array_new_with_free_func((GDestroyNotify)cert_unref);
	g_ptr_array_add(fixture->others, cert_ref(issuing));
}

static void
tear_down(Fixture *fixture, gconstpointer data)
{
	(void)data;
	trust_view_clear(&fixture->view);
	trust_free(fixture->trust);
	g_ptr_array_unref(fixture->others);
	scratch_free(fixture->state);
}

/* As at the beginning of a mail. */
static void
look(Fixture *fixture)
{
	g_autoptr(GError) error = NULL;

	trust_view_clear(&fixture->view);
	g_assert_true(
	    trust_view_init(&fixture->view, fixture->trust, false, &error));
	g_assert_no_error(error);
	fixture->view.check = true;
}

static void
add_crl(const Fixture *fixture, Crl *crl)
{
	g_autoptr(GError) error = NULL;

	g_assert_true(crls_add(
	    trust_crls(fixture->trust), crl, NULL, NULL, NULL, &error));
	g_assert_no_error(error);
}

static RevocationStatus
judge(Fixture *fixture, const Cert *cert, const GPtrArray *crls)
{
	TrustVerdict verdict;
	RevocationStatus status;

	trust_judge(
	    &fixture->view, cert, fixture->others, crls, pki_now(), &verdict);
	g_assert_cmpint(verdict.chain, ==, CHAIN_OK);
	g_assert_null(verdict.chain_reason);
	g_assert_cmpuint(verdict.path->len, ==, 3);
	g_assert_true(
	    cert_fingerprint(verdict.path->pdata[0]) == cert_fingerprint(cert));
	status = verdict.revocation.status;
	g_assert_true(
	    (status == REVOCATION_GOOD || status == REVOCATION_NOT_CHECKED) ==
	    (verdict.revocation.reason == NULL));
	g_ptr_array_unref(verdict.path);
	return status;
}

static bool
count_fetch(gpointer data, const GPtrArray *path, const GPtrArray *others,
    const Anchors *anchors, gint64 deadline)
{
	Fixture *fixture = data;

	fixture->deadline = deadline;
	g_assert_cmpuint(path->len, ==, 3);
	g_assert_cmpuint(others->len, >=, 1);
	g_assert_cmpuint(chain_anchors_count(anchors), ==, 1);
	fixture->fetches++;
	if (fixture->brings != NULL) {
		add_crl(fixture, fixture->brings);
		return true;
	}
	return false;
}

static void
with_fetch(Fixture *fixture)
{
	fixture->view.fetch = count_fetch;
	fixture->view.fetch_data = fixture;
	fixture->view.wait_until = g_get_monotonic_time() + G_USEC_PER_SEC;
}

static void
test_chain(Fixture *fixture, gconstpointer data)
{
	TrustVerdict verdict;

	(void)data;
	look(fixture);
	trust_judge(&fixture->view, alice, NULL, NULL, pki_now(), &verdict);
	g_assert_cmpint(verdict.chain, ==, CHAIN_UNTRUSTED);
	g_assert_nonnull(verdict.chain_reason);
	g_assert_null(verdict.path);
	g_assert_cmpint(verdict.revocation.status, ==, REVOCATION_NOT_CHECKED);
	/* The next mail brings the missing one; from the cache it serves all.
	 */
	fixture->view.check = false;
	g_assert_cmpint(
	    judge(fixture, alice, NULL), ==, REVOCATION_NOT_CHECKED);
	trust_judge(&fixture->view, alice, fixture->others, NULL,
	    pki_now() + 400 * 86400, &verdict);
	g_assert_cmpint(verdict.chain, ==, CHAIN_EXPIRED);
}

static void
test_intermediates(Fixture *fixture, gconstpointer data)
{
	(void)data;
	g_assert_true(intermediates_add(
	    trust_intermediates(fixture->trust), fixture->others, NULL, NULL));
	g_ptr_array_set_size(fixture->others, 0);
	look(fixture);
	fixture->view.check = false;
	g_assert_cmpint(
	    judge(fixture, alice, NULL), ==, REVOCATION_NOT_CHECKED);
}

static void
test_revocation(Fixture *fixture, gconstpointer data)
{
	TrustVerdict verdict;

	(void)data;
	look(fixture);
	g_assert_cmpint(judge(fixture, alice, NULL), ==, REVOCATION_UNKNOWN);
	add_crl(fixture, empty);
	look(fixture);
	/* The issuer's own state is not known yet. */
	g_assert_cmpint(judge(fixture, alice, NULL), ==, REVOCATION_UNKNOWN);
	add_crl(fixture, of_root);
	look(fixture);
	g_assert_cmpint(judge(fixture, alice, NULL), ==, REVOCATION_GOOD);
	add_crl(fixture, revoking);
	look(fixture);
	g_assert_cmpint(judge(fixture, alice, NULL), ==, REVOCATION_REVOKED);
	g_assert_cmpint(judge(fixture, bob, NULL), ==, REVOCATION_GOOD);
	add_crl(fixture, against_issuing);
	look(fixture);
	trust_judge(
	    &fixture->view, bob, fixture->others, NULL, pki_now(), &verdict);
	g_assert_cmpint(verdict.revocation.status, ==, REVOCATION_REVOKED);
	g_assert_true(verdict.revoked_issuer);
	g_ptr_array_unref(verdict.path);
	/* Its own comes first. */
	trust_judge(
	    &fixture->view, alice, fixture->others, NULL, pki_now(), &verdict);
	g_assert_cmpint(verdict.revocation.status, ==, REVOCATION_REVOKED);
	g_assert_false(verdict.revoked_issuer);
	g_ptr_array_unref(verdict.path);
}

static void
test_fetch(Fixture *fixture, gconstpointer data)
{
	(void)data;
	add_crl(fixture, of_root);
	look(fixture);
	with_fetch(fixture);
	g_assert_cmpint(judge(fixture, bob, NULL), ==, REVOCATION_UNKNOWN);
	g_assert_cmpuint(fixture->fetches, ==, 1);
	/* Remembered for a while. */
	g_assert_cmpint(judge(fixture, bob, NULL), ==, REVOCATION_UNKNOWN);
	g_assert_cmpuint(fixture->fetches, ==, 1);
	/* Another certificate: asked, and checked again at once. */
	fixture->brings = revoking;
	g_assert_cmpint(judge(fixture, alice, NULL), ==, REVOCATION_REVOKED);
	g_assert_cmpuint(fixture->fetches, ==, 2);
	g_assert_cmpint(judge(fixture, bob, NULL), ==, REVOCATION_GOOD);
	g_assert_cmpuint(fixture->fetches, ==, 2);
}

static void
test_fetch_not(Fixture *fixture, gconstpointer data)
{
	(void)data;
	add_crl(fixture, of_root);
	add_crl(fixture, empty);
	look(fixture);
	with_fetch(fixture);
	g_assert_cmpint(judge(fixture, bob, NULL), ==, REVOCATION_GOOD);
	fixture->view.check = false;
	g_assert_cmpint(
	    judge(fixture, alice, NULL), ==, REVOCATION_NOT_CHECKED);
	g_assert_cmpuint(fixture->fetches, ==, 0);
}

/* A mail's own CRLs count, and stay when they are genuine. */
static void
test_message_crls(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GPtrArray) crls = g_ptr_array_new();
	g_autoptr(GPtrArray) list = NULL;

	(void)data;
	add_crl(fixture, of_root);
	add_crl(fixture, empty);
	look(fixture);
	g_assert_cmpint(judge(fixture, alice, NULL), ==, REVOCATION_GOOD);
	g_ptr_array_add(crls, revoking);
	fixture->view.dry = true;
	g_assert_cmpint(judge(fixture, alice, crls), ==, REVOCATION_REVOKED);
	list = crls_list(trust_crls(fixture->trust), NULL);
	g_assert_cmpuint(list->len, ==, 2);
	g_assert_false(crls_has(trust_crls(fixture->trust), revoking));
	fixture->view.dry = false;
	g_assert_cmpint(judge(fixture, alice, crls), ==, REVOCATION_REVOKED);
	g_assert_true(crls_has(trust_crls(fixture->trust), revoking));
	g_assert_false(crls_has(trust_crls(fixture->trust), empty));
	look(fixture);
	g_assert_cmpint(judge(fixture, alice, NULL), ==, REVOCATION_REVOKED);
	/* An old one does not bring the certificate back. */
	g_ptr_array_set_size(crls, 0);
	g_ptr_array_add(crls, empty);
	g_assert_cmpint(judge(fixture, bob, crls), ==, REVOCATION_GOOD);
	g_assert_false(crls_has(trust_crls(fixture->trust), empty));
}

static void
test_message_crl_forged(Fixture *fixture, gconstpointer data)
{
	const CrlFile what = { .ca = "other", .number = 99, .revoked = "bob" };
	g_autoptr(Crl) forged = crl_files_crl(pki, &what);
	g_autoptr(GPtrArray) crls = g_ptr_array_new();

	(void)data;
	add_crl(fixture, of_root);
	add_crl(fixture, empty);
	look(fixture);
	g_ptr_array_add(crls, forged);
	g_assert_cmpint(judge(fixture, bob, crls), ==, REVOCATION_GOOD);
	g_assert_false(crls_has(trust_crls(fixture->trust), forged));
}

static void
note_failure(const Fixture *fixture, gint64 next_fetch)
{
	g_autoptr(GError) error = NULL;
	CrlFacts facts = { .url = CDP, .failures = 1, .trouble = "down" };

	facts.next_fetch = next_fetch;
	crls_note(trust_crls(fixture->trust), &facts, &error);
	g_assert_no_error(error);
}

/* A revoked one encloses a CRL from before, which is still in force: that does
 * not keep us from asking the CA. */
static void
test_message_crl_old(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GPtrArray) crls = g_ptr_array_new();
	g_autoptr(GError) error = NULL;

	(void)data;
	add_crl(fixture, of_root);
	g_ptr_array_add(crls, empty);
	look(fixture);
	/* Where nothing is fetched it is all there is. */
	g_assert_cmpint(judge(fixture, carol, crls), ==, REVOCATION_GOOD);
	look(fixture);
	with_fetch(fixture);
	fixture->view.version++; /* nothing is remembered */
	/* The server fails: not again before its time. */
	note_failure(fixture, pki_now() + 3600);
	g_assert_cmpint(judge(fixture, carol, crls), ==, REVOCATION_GOOD);
	g_assert_cmpuint(fixture->fetches, ==, 0);
	look(fixture);
	with_fetch(fixture);
	fixture->view.version++;
	note_failure(fixture, pki_now() - 1);
	fixture->brings = against_carol;
	g_assert_cmpint(judge(fixture, carol, crls), ==, REVOCATION_REVOKED);
	g_assert_cmpuint(fixture->fetches, ==, 1);
	g_assert_cmpint(fixture->deadline, ==, fixture->view.wait_until);
	/* The point has given one: no more to be asked for. */
	g_assert_true(crls_add(trust_crls(fixture->trust), against_carol, CDP,
	    NULL, NULL, &error));
	g_assert_no_error(error);
	fixture->view.version++;
	g_assert_cmpint(judge(fixture, carol, NULL), ==, REVOCATION_REVOKED);
	g_assert_cmpuint(fixture->fetches, ==, 1);
}

/* A remembered verdict lasts no longer than what it depends on. */
static void
test_memory(Fixture *fixture, gconstpointer data)
{
	guint64 version;
	TrustVerdict verdict;

	(void)data;
	add_crl(fixture, of_root);
	add_crl(fixture, empty);
	/* Files young enough to change behind their stamps are read again. */
	g_usleep(80000);
	look(fixture);
	g_assert_cmpint(judge(fixture, alice, NULL), ==, REVOCATION_GOOD);
	version = fixture->view.version;
	look(fixture);
	g_assert_cmpuint(fixture->view.version, ==, version);
	/* Without the mail's certificates: it is remembered. */
	trust_judge(&fixture->view, alice, NULL, NULL, pki_now(), &verdict);
	g_assert_cmpint(verdict.chain, ==, CHAIN_OK);
	g_ptr_array_unref(verdict.path);
	/* But not for another time. */
	trust_judge(
	    &fixture->view, alice, NULL, NULL, pki_now() - 3600, &verdict);
	g_assert_cmpint(verdict.chain, ==, CHAIN_UNTRUSTED);
	/* Nor when nobody cares for revocation. */
	fixture->view.check = false;
	trust_judge(&fixture->view, alice, NULL, NULL, pki_now(), &verdict);
	g_assert_cmpint(verdict.chain, ==, CHAIN_UNTRUSTED);
	g_assert_true(anchors_remove(
	    trust_anchors(fixture->trust), cert_fingerprint(root), NULL));
	look(fixture);
	g_assert_cmpuint(fixture->view.version, !=, version);
	trust_judge(
	    &fixture->view, alice, fixture->others, NULL, pki_now(), &verdict);
	g_assert_cmpint(verdict.chain, ==, CHAIN_UNTRUSTED);
}

static void
test_no_state(Fixture *fixture, gconstpointer data)
{
	g_autoptr(Trust) trust = trust_new("/nonexistent");
	g_autoptr(GError) error = NULL;
	TrustView view = { 0 };

	(void)data;
	(void)fixture;
	g_assert_false(trust_view_init(&view, trust, false, &error));
	g_assert_error(error, ERROR_DOMAIN, ERROR_IO);
	trust_free(NULL);
}

/* An anchor is trusted by the administrator's word. */
static void
test_anchor_itself(Fixture *fixture, gconstpointer data)
{
	TrustVerdict verdict;

	(void)data;
	look(fixture);
	trust_judge(&fixture->view, root, NULL, NULL, pki_now(), &verdict);
	g_assert_cmpint(verdict.chain, ==, CHAIN_OK);
	g_assert_cmpint(verdict.revocation.status, ==, REVOCATION_GOOD);
	g_ptr_array_unref(verdict.path);
}

static void
test_system(Fixture *fixture, gconstpointer data)
{
	g_auto(TrustView) view = { 0 };
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) named = NULL;

	(void)data;
	if (!g_file_test(ANCHORS_SYSTEM, G_FILE_TEST_EXISTS)) {
		g_assert_false(
		    trust_view_init(&view, fixture->trust, true, &error));
		g_assert_nonnull(strstr(error->message, "ca-certificates"));
		return;
	}
	look(fixture);
	g_assert_true(trust_view_init(&view, fixture->trust, true, &error));
	g_assert_no_error(error);
	g_assert_cmpuint(chain_anchors_count(view.anchors), >, 50);
	g_assert_cmpuint(chain_anchors_count(fixture->view.anchors), ==, 1);
	g_assert_cmpuint(view.version, !=, fixture->view.version);
	named = anchors_named(
	    trust_anchors(fixture->trust), true, cert_subject_key(root), NULL);
	g_assert_cmpuint(named->len, ==, 1);
}

static gpointer
judge_again_and_again(gpointer data)
{
	Fixture *fixture = data;

	for (int i = 0; i < 100; i++) {
		g_auto(TrustView) view = { 0 };
		TrustVerdict verdict;

		g_assert_true(
		    trust_view_init(&view, fixture->trust, false, NULL));
		view.check = true;
		trust_judge(&view, i % 2 ? alice : bob, fixture->others, NULL,
		    pki_now(), &verdict);
		g_assert_cmpint(verdict.chain, ==, CHAIN_OK);
		g_ptr_array_unref(verdict.path);
	}
	return NULL;
}

static void
test_threads(Fixture *fixture, gconstpointer data)
{
	GThread *threads[4];

	(void)data;
	for (gsize i = 0; i < G_N_ELEMENTS(threads); i++) {
		threads[i] =
		    g_thread_new("mail", judge_again_and_again, fixture);
	}
	add_crl(fixture, of_root);
	add_crl(fixture, empty);
	add_crl(fixture, revoking);
	for (gsize i = 0; i < G_N_ELEMENTS(threads); i++) {
		g_thread_join(threads[i]);
	}
	look(fixture);
	g_assert_cmpint(judge(fixture, alice, NULL), ==, REVOCATION_REVOKED);
}

static void
make_pki(void)
{
	const CrlFile four = { .number = 4 };
	const CrlFile five = { .number = 5, .last = -600, .revoked = "alice" };
	const CrlFile six = { .number = 6, .last = -500, .revoked = "carol" };
	const CrlFile one = { .ca = "root", .number = 1 };
	const CrlFile two = {
		.ca = "root", .number = 2, .last = -600, .revoked = "issuing"
	};

	pki = pki_new();
	pki_run(pki,
	    "leaf alice P-256\nleaf bob P-256\n"
	    "leaf carol P-256 crlDistributionPoints=URI:" CDP "\n"
	    "cert evil self P-256 '/CN=Root' "
	    "basicConstraints=critical,CA:TRUE "
	    "keyUsage=critical,keyCertSign,cRLSign\n"
	    "cert other evil P-256 '/O=Tests/CN=Issuing' "
	    "basicConstraints=critical,CA:TRUE "
	    "keyUsage=critical,keyCertSign,cRLSign\n");
	alice = pki_cert(pki, "alice");
	bob = pki_cert(pki, "bob");
	carol = pki_cert(pki, "carol");
	issuing = pki_cert(pki, "issuing");
	root = pki_cert(pki, "root");
	empty = crl_files_crl(pki, &four);
	revoking = crl_files_crl(pki, &five);
	of_root = crl_files_crl(pki, &one);
	against_issuing = crl_files_crl(pki, &two);
	against_carol = crl_files_crl(pki, &six);
}

#define ADD(path, function) \
	g_test_add(path, Fixture, NULL, set_up, function, tear_down)

int
main(int argc, char **argv)
{
	int result;

	g_test_init(&argc, &argv, NULL);
	make_pki();
	ADD("/trust/judge/chain", test_chain);
	ADD("/trust/judge/intermediates", test_intermediates);
	ADD("/trust/judge/revocation", test_revocation);
	ADD("/trust/judge/anchor-itself", test_anchor_itself);
	ADD("/trust/judge/fetch", test_fetch);
	ADD("/trust/judge/fetch-not", test_fetch_not);
	ADD("/trust/judge/message-crls", test_message_crls);
	ADD("/trust/judge/message-crl-forged", test_message_crl_forged);
	ADD("/trust/judge/message-crl-old", test_message_crl_old);
	ADD("/trust/judge/memory", test_memory);
	ADD("/trust/judge/threads", test_threads);
	ADD("/trust/view/no-state", test_no_state);
	ADD("/trust/view/system", test_system);
	result = g_test_run();
	cert_unref(alice);
	cert_unref(bob);
	cert_unref(carol);
	cert_unref(issuing);
	cert_unref(root);
	crl_unref(empty);
	crl_unref(revoking);
	crl_unref(of_root);
	crl_unref(against_issuing);
	crl_unref(against_carol);
	scratch_free(pki);
	return result;
}
