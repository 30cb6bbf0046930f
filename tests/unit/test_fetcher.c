/* SPDX-License-Identifier: Apache-2.0 */
/* Fetching CRLs from a server on loopback, which does what servers do. */
#include "config.h"

#include "store/fetcher.h"

#include <netdb.h>
#include <pthread.h>
#include <string.h>

#include "base/error.h"
#include "crl_files.h"
#include "http_server.h"
#include "pki.h"
#include "scratch.h"
#include "store/fetch-address.h"
#include "store/fetch-crl.h"

#define A_SECOND G_USEC_PER_SEC
/* Longer than anything here takes, so that it is never what ends a wait. */
#define LONG (60 * G_USEC_PER_SEC)

/* Made once. */
static char *pki;
static GBytes *good;  /* number 2 */
static GBytes *newer; /* number 3 */
static GBytes *older; /* number 1 */
static GBytes *of_root;
static GBytes *foreign; /* of a CA with the same name, another key */
static GBytes *expired;

typedef struct {
	char *state;
	Trust *trust;
	HttpServer *server;
	FetcherRules rules;
	Fetcher *fetcher;
	char *url;
	GPtrArray *path;
	Anchors *anchors;
	pthread_mutex_t lock;
	GString *told; /* guarded by lock: "URL: problem", one a line */
} Fixture;

static void
note_told(gpointer data, const char *url, const char *problem)
{
	Fixture *fixture = data;

	pthread_mutex_lock(&fixture->lock);
	g_string_append_printf(fixture->told, "%s: %s\n", strrchr(url, '/'),
	    problem != NULL ? problem : "stored");
	pthread_mutex_unlock(&fixture->lock);
}

static void
start(Fixture *fixture)
{
	g_autoptr(GError) error = NULL;

	fixture->fetcher =
	    fetcher_new(fixture->trust, &fixture->rules, note_told, fixture);
	g_assert_true(fetcher_start(fixture->fetcher, &error));
	g_assert_no_error(error);
}

/* A path whose certificate names these URLs: "URI:...,URI:..." */
static GPtrArray *
path_naming(const Fixture *fixture, const char *points)
{
	g_autofree char *extension =
	    g_strconcat("crlDistributionPoints=", points, NULL);
	g_autoptr(GPtrArray) others =
	    g_ptr_array_new_with_free_func((GDestroyNotify)cert_unref);
	g_autoptr(Cert) leaf = NULL;
	GPtrArray *path = NULL;

	pki_run(pki, "leaf alice P-256 '%s'", extension);
	leaf = pki_cert(pki, "alice");
	g_ptr_array_add(others, pki_cert(pki, "issuing"));
	g_assert_cmpint(
	    chain_check(fixture->anchors, leaf, others, pki_now(), NULL, &path),
	    ==, CHAIN_OK);
	return path;
}

static void
set_up(Fixture *fixture, gconstpointer data)
{
	g_autofree char *point = NULL;
	g_autoptr(Cert) root = pki_cert(pki, "root");

	(void)data;
	pthread_mutex_init(&fixture->lock, NULL);
	fixture->told = g_string_new(NULL);
	fixture->state = scratch_new();
	fixture->trust = trust_new(fixture->state);
	fixture->server = http_server_new();
	fixture->rules = (FetcherRules){
		.private_hosts = true, .max_size = 1000000, .refresh = 3600
	};
	g_assert_true(anchors_add(trust_anchors(fixture->trust), root, NULL));
	fixture->anchors =
	    anchors_current(trust_anchors(fixture->trust), false, NULL);
	fixture->url = http_server_url(fixture->server, "/a.crl");
	point = g_strconcat("URI:", fixture->url, NULL);
	fixture->path = path_naming(fixture, point);
	start(fixture);
}

static void
tear_down(Fixture *fixture, gconstpointer data)
{
	(void)data;
	fetcher_free(fixture->fetcher);
	http_server_free(fixture->server);
	trust_free(fixture->trust);
	chain_anchors_unref(fixture->anchors);
	g_ptr_array_unref(fixture->path);
	g_free(fixture->url);
	scratch_free(fixture->state);
	g_string_free(fixture->told, TRUE);
	pthread_mutex_destroy(&fixture->lock);
}

static void
serve(const Fixture *fixture, const char *path, GBytes *body)
{
	const HttpAnswer answer = { .body = body, .etag = "\"tag\"" };

	http_server_set(fixture->server, path, &answer);
}

static bool
fetch(const Fixture *fixture)
{
	return fetcher_fetch(fixture->fetcher, fixture->path, NULL,
	    fixture->anchors, g_get_monotonic_time() + LONG);
}

static CrlFacts *
facts_of(const Fixture *fixture)
{
	return crls_facts(trust_crls(fixture->trust), fixture->url);
}

static char *
told(Fixture *fixture)
{
	char *text;

	pthread_mutex_lock(&fixture->lock);
	text = g_strdup(fixture->told->str);
	pthread_mutex_unlock(&fixture->lock);
	return text;
}

static guint
count_cached(const Fixture *fixture)
{
	g_autoptr(GPtrArray) keys =
	    revocation_issuer_keys(fixture->path->pdata[0]);
	g_autoptr(GPtrArray) found =
	    crls_find(trust_crls(fixture->trust), keys, NULL);

	return found->len;
}

/* Nothing came, and the reason has these words. */
static void
assert_refused(Fixture *fixture, const char *words)
{
	g_autoptr(CrlFacts) facts = NULL;
	g_autofree char *text = NULL;
	guint before = count_cached(fixture);

	g_assert_false(fetch(fixture));
	facts = facts_of(fixture);
	g_assert_nonnull(facts);
	g_assert_cmpuint(facts->failures, ==, 1);
	g_assert_cmpint(facts->next_fetch, >=, pki_now() + 45);
	if (strstr(facts->trouble, words) == NULL) {
		g_test_message(
		    "got \"%s\", want \"%s\"", facts->trouble, words);
		g_test_fail();
	}
	g_assert_cmpuint(count_cached(fixture), ==, before);
	text = told(fixture);
	g_assert_nonnull(strstr(text, facts->trouble));
}

static void
test_ok(Fixture *fixture, gconstpointer data)
{
	g_autoptr(CrlFacts) facts = NULL;
	g_autofree char *request = NULL;
	g_autofree char *text = NULL;

	(void)data;
	serve(fixture, "/a.crl", good);
	g_assert_true(fetch(fixture));
	facts = facts_of(fixture);
	g_assert_null(facts->trouble);
	g_assert_cmpstr(facts->number, ==, "02");
	g_assert_cmpstr(facts->etag, ==, "\"tag\"");
	/* 80 % of 25 hours, 10 % sooner or later. */
	g_assert_cmpint(facts->next_fetch, >, pki_now() + 60000);
	g_assert_cmpint(facts->next_fetch, <, pki_now() + 80000);
	g_assert_cmpuint(count_cached(fixture), ==, 1);
	request = http_server_request(fixture->server, "/a.crl");
	g_assert_nonnull(
	    strstr(request, "User-Agent: smime-milter/" PACKAGE_VERSION));
	g_assert_null(strstr(request, "Cookie"));
	g_assert_null(strstr(request, "Accept-Encoding"));
	g_assert_null(strstr(request, "If-None-Match"));
	text = told(fixture);
	g_assert_cmpstr(text, ==, "/a.crl: stored\n");
	/* It is there: nobody is asked. */
	g_assert_false(fetch(fixture));
	g_assert_cmpuint(http_server_count(fixture->server, "/a.crl"), ==, 1);
}

static void
test_pem(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GBytes) pem = crl_files_pem(good);

	(void)data;
	serve(fixture, "/a.crl", pem);
	g_assert_true(fetch(fixture));
	g_assert_cmpuint(count_cached(fixture), ==, 1);
}

static void
refresh_all(const Fixture *fixture, guint want_failed)
{
	g_autoptr(GError) error = NULL;
	guint asked = 0;
	guint failed = 0;

	g_assert_true(
	    fetcher_refresh_all(fixture->fetcher, &asked, &failed, &error));
	g_assert_no_error(error);
	g_assert_cmpuint(asked, ==, 1);
	g_assert_cmpuint(failed, ==, want_failed);
}

/* Without the certificate that named it: the intermediate must be known. */
static void
test_refresh(Fixture *fixture, gconstpointer data)
{
	g_autoptr(CrlFacts) facts = NULL;
	g_autoptr(CrlFacts) later = NULL;

	(void)data;
	serve(fixture, "/a.crl", good);
	g_assert_true(fetch(fixture));
	serve(fixture, "/a.crl", newer);
	/* 304, as the tag is the same: nothing more is asked. */
	refresh_all(fixture, 0);
	g_assert_cmpuint(http_server_count(fixture->server, "/a.crl"), ==, 2);
	http_server_set(fixture->server, "/a.crl",
	    &(HttpAnswer){ .body = newer, .etag = "\"other\"" });
	refresh_all(fixture, 1);
	facts = facts_of(fixture);
	g_assert_nonnull(strstr(facts->trouble, "intermediate"));
	g_assert_cmpstr(facts->number, ==, "02");
	g_assert_cmpstr(facts->etag, ==, "\"tag\"");
	g_assert_true(intermediates_add(
	    trust_intermediates(fixture->trust), fixture->path, NULL, NULL));
	refresh_all(fixture, 0);
	later = facts_of(fixture);
	g_assert_null(later->trouble);
	g_assert_cmpstr(later->number, ==, "03");
	g_assert_cmpstr(later->etag, ==, "\"other\"");
	g_assert_cmpuint(count_cached(fixture), ==, 1);
}

static void
test_unchanged(Fixture *fixture, gconstpointer data)
{
	g_autoptr(CrlFacts) after = NULL;
	g_autofree char *request = NULL;
	CrlFacts *note;

	(void)data;
	serve(fixture, "/a.crl", good);
	g_assert_true(fetch(fixture));
	note = facts_of(fixture);
	note->fetched = 1000000000;
	g_assert_true(crls_note(trust_crls(fixture->trust), note, NULL));
	crls_facts_free(note);
	refresh_all(fixture, 0);
	request = http_server_request(fixture->server, "/a.crl");
	g_assert_nonnull(strstr(request, "If-None-Match: \"tag\"\r\n"));
	after = facts_of(fixture);
	g_assert_cmpint(after->fetched, >, pki_now() - 1000);
	g_assert_null(after->trouble);
	g_assert_cmpstr(after->etag, ==, "\"tag\"");
	g_assert_cmpuint(count_cached(fixture), ==, 1);
}

/* Something that is no answer to what was asked. */
static void
test_304_unasked(Fixture *fixture, gconstpointer data)
{
	(void)data;
	http_server_set(
	    fixture->server, "/a.crl", &(HttpAnswer){ .status = 304 });
	assert_refused(fixture, "304");
}

static void
redirect(const Fixture *fixture, const char *from, const char *to)
{
	g_autofree char *location = g_strdup_printf("Location: %s\r\n", to);
	g_autoptr(GBytes) body = g_bytes_new_static("go there", 8);

	http_server_set(fixture->server, from,
	    &(HttpAnswer){ .status = 302, .headers = location, .body = body });
}

static void
test_redirect(Fixture *fixture, gconstpointer data)
{
	(void)data;
	serve(fixture, "/end", good);
	redirect(fixture, "/a.crl", "/2");
	redirect(fixture, "/2", "/3");
	redirect(fixture, "/3", "/4");
	redirect(fixture, "/4", "/5");
	redirect(fixture, "/5", "/end");
	g_assert_true(fetch(fixture));
	g_assert_cmpuint(count_cached(fixture), ==, 1);
}

static void
test_redirect_endless(Fixture *fixture, gconstpointer data)
{
	(void)data;
	redirect(fixture, "/a.crl", "/b");
	redirect(fixture, "/b", "/a.crl");
	assert_refused(fixture, "redirects");
	g_assert_cmpuint(http_server_count(fixture->server, "/a.crl"), ==, 3);
}

static void
test_redirect_table(Fixture *fixture, gconstpointer data)
{
	static const struct {
		const char *to;
		const char *words;
	} table[] = { { "file:///etc/passwd", "neither http nor https" },
		{ "ftp://127.0.0.1/a", "neither http nor https" },
		{ "gopher://127.0.0.1/a", "neither http nor https" },
		{ "http://user:secret@127.0.0.1/a", "" } };

	(void)data;
	for (gsize i = 0; i < G_N_ELEMENTS(table); i++) {
		g_autoptr(CrlFacts) facts = NULL;
		FetchQuestion question = { .url = fixture->url,
			.path = fixture->path,
			.anchors = fixture->anchors };
		g_autoptr(GError) error = NULL;

		redirect(fixture, "/a.crl", table[i].to);
		g_assert_cmpint(fetch_crl(fixture->trust, &fixture->rules,
				    &question, &error),
		    ==, FETCH_FAILED);
		g_assert_error(error, ERROR_DOMAIN, ERROR_REFUSED);
		g_assert_nonnull(strstr(error->message, table[i].words));
		facts = facts_of(fixture);
		g_assert_cmpuint(facts->failures, ==, i + 1);
	}
}

/* No name, no redirect, no form of an address leads to this machine. */
static void
test_private(Fixture *fixture, gconstpointer data)
{
	static const char *const hosts[] = { "127.0.0.1", "localhost", "127.1",
		"2130706433", "0x7f000001", "0.0.0.0", "[::1]",
		"[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]", "10.0.0.1",
		"169.254.169.254", "[fe80::1]" };

	(void)data;
	fixture->rules.private_hosts = false;
	serve(fixture, "/a.crl", good);
	for (gsize i = 0; i < G_N_ELEMENTS(hosts); i++) {
		g_autofree char *url = g_strdup_printf("http://%s:%u/a.crl",
		    hosts[i], http_server_port(fixture->server));
		const FetchQuestion question = { .url = url,
			.path = fixture->path,
			.anchors = fixture->anchors };
		g_autoptr(GError) error = NULL;

		g_assert_cmpint(fetch_crl(fixture->trust, &fixture->rules,
				    &question, &error),
		    ==, FETCH_FAILED);
		g_assert_error(error, ERROR_DOMAIN, ERROR_REFUSED);
		g_assert_nonnull(
		    strstr(error->message, "revocation.private_hosts"));
	}
	g_assert_cmpuint(http_server_count(fixture->server, "/a.crl"), ==, 0);
}

static bool
leads_here(const char *name)
{
	struct addrinfo *list = NULL;
	bool here = false;

	if (getaddrinfo(name, NULL, NULL, &list) != 0) {
		return false;
	}
	here = !fetch_address_is_global(list->ai_addr);
	freeaddrinfo(list);
	return here;
}

/* Names in DNS or /etc/hosts that look public and lead here: the connection
 * itself is refused. */
static void
test_private_name(Fixture *fixture, gconstpointer data)
{
	const char *const names[] = { "ip6-localhost", "ip6-loopback",
		g_get_host_name() };
	guint tried = 0;

	(void)data;
	fixture->rules.private_hosts = false;
	for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autofree char *url = g_strdup_printf("http://%s:%u/a.crl",
		    names[i], http_server_port(fixture->server));
		const FetchQuestion question = { .url = url,
			.path = fixture->path,
			.anchors = fixture->anchors };
		g_autoptr(GError) error = NULL;

		if (!leads_here(names[i])) {
			continue;
		}
		tried++;
		g_assert_cmpint(fetch_crl(fixture->trust, &fixture->rules,
				    &question, &error),
		    ==, FETCH_FAILED);
		g_assert_error(error, ERROR_DOMAIN, ERROR_REFUSED);
		g_assert_nonnull(
		    strstr(error->message, "its server's address"));
	}
	if (tried == 0) {
		g_test_skip("no name leads to a private address here");
	}
}

/* Through a proxy on a private address, which stands for the public internet:
 * it redirects to 127.0.0.1. */
static void
test_redirect_private(Fixture *fixture, gconstpointer data)
{
	g_autofree char *proxy = http_server_url(fixture->server, "");
	g_autoptr(GPtrArray) path =
	    path_naming(fixture, "URI:http://crl.example.com/a.crl");
	const FetchQuestion question = { .url = "http://crl.example.com/a.crl",
		.path = path,
		.anchors = fixture->anchors };
	g_autoptr(GError) error = NULL;
	g_autoptr(GError) none = NULL;

	(void)data;
	fixture->rules.private_hosts = false;
	if (g_test_subprocess()) {
		g_setenv("http_proxy", proxy, TRUE);
		serve(fixture, "http://crl.example.com/a.crl", good);
		g_assert_cmpint(fetch_crl(fixture->trust, &fixture->rules,
				    &question, &none),
		    ==, FETCH_STORED);
		redirect(fixture, "http://crl.example.com/a.crl", fixture->url);
		g_assert_cmpint(fetch_crl(fixture->trust, &fixture->rules,
				    &question, &error),
		    ==, FETCH_FAILED);
		g_assert_error(error, ERROR_DOMAIN, ERROR_REFUSED);
		g_assert_nonnull(strstr(error->message, "127.0.0.1"));
		g_assert_cmpuint(
		    http_server_count(fixture->server, "/a.crl"), ==, 0);
		return;
	}
	g_test_trap_subprocess(NULL, 0, 0);
	g_test_trap_assert_passed();
}

static void
test_too_large(Fixture *fixture, gconstpointer data)
{
	(void)data;
	serve(fixture, "/a.crl", good);
	fixture->rules.max_size = (gint64)g_bytes_get_size(good) - 1;
	fetcher_set_rules(fixture->fetcher, &fixture->rules);
	assert_refused(fixture, "revocation.max_size");
}

static void
test_just_fits(Fixture *fixture, gconstpointer data)
{
	(void)data;
	serve(fixture, "/a.crl", good);
	fixture->rules.max_size = (gint64)g_bytes_get_size(good);
	fetcher_set_rules(fixture->fetcher, &fixture->rules);
	g_assert_true(fetch(fixture));
}

static void
test_endless(Fixture *fixture, gconstpointer data)
{
	(void)data;
	http_server_set(fixture->server, "/a.crl",
	    &(HttpAnswer){ .body = good, .manner = HTTP_ENDLESS });
	assert_refused(fixture, "revocation.max_size");
}

static void
test_bodies(Fixture *fixture, gconstpointer data)
{
	static const struct {
		const char *words;
		GBytes **body;
		const char *text;
	} table[] = { { "not a CRL", NULL, "<html>Welcome</html>" },
		{ "not a CRL", NULL, "" }, { "older", &older, NULL },
		{ "another issuer", &of_root, NULL }, { "", &foreign, NULL },
		{ "expired", &expired, NULL } };
	g_autoptr(Crl) there = crl_new(good, NULL);

	(void)data;
	g_assert_true(crls_add(
	    trust_crls(fixture->trust), there, fixture->url, NULL, NULL, NULL));
	for (gsize i = 0; i < G_N_ELEMENTS(table); i++) {
		g_autoptr(GBytes) text = table[i].text != NULL
		    ? g_bytes_new_static(table[i].text, strlen(table[i].text))
		    : NULL;
		const FetchQuestion question = { .url = fixture->url,
			.path = fixture->path,
			.anchors = fixture->anchors };
		g_autoptr(GError) error = NULL;
		g_autoptr(CrlFacts) facts = NULL;

		serve(fixture, "/a.crl", text != NULL ? text : *table[i].body);
		g_assert_cmpint(fetch_crl(fixture->trust, &fixture->rules,
				    &question, &error),
		    ==, FETCH_FAILED);
		g_test_message("%s", error->message);
		g_assert_nonnull(strstr(error->message, table[i].words));
		facts = facts_of(fixture);
		g_assert_cmpuint(facts->failures, ==, i + 1);
		g_assert_cmpstr(facts->id, ==, crl_fingerprint(there));
		g_assert_null(facts->etag);
	}
	g_assert_cmpuint(count_cached(fixture), ==, 1);
}

static void
test_status(Fixture *fixture, gconstpointer data)
{
	(void)data;
	http_server_set(fixture->server, "/a.crl",
	    &(HttpAnswer){ .status = 503, .body = good });
	assert_refused(fixture, "503");
	/* Backed off: neither asked nor waited for. */
	serve(fixture, "/a.crl", good);
	g_assert_false(fetch(fixture));
	g_assert_cmpuint(http_server_count(fixture->server, "/a.crl"), ==, 1);
}

static void
test_down(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GPtrArray) path = NULL;
	g_autoptr(CrlFacts) facts = NULL;

	(void)data;
	/* Nobody listens on port 1. */
	path = path_naming(fixture, "URI:http://127.0.0.1:1/a.crl");
	g_assert_false(fetcher_fetch(fixture->fetcher, path, NULL,
	    fixture->anchors, g_get_monotonic_time() + LONG));
	facts =
	    crls_facts(trust_crls(fixture->trust), "http://127.0.0.1:1/a.crl");
	g_assert_cmpuint(facts->failures, ==, 1);
	g_assert_nonnull(facts->trouble);
}

/* Where nothing can be asked there is nothing to wait for. */
static void
test_nothing_to_ask(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GPtrArray) path = NULL;
	g_autoptr(GPtrArray) none = NULL;
	g_autoptr(GPtrArray) list = NULL;
	gint64 deadline;

	(void)data;
	path = path_naming(fixture, "URI:ldap://127.0.0.1/cn=a");
	none = g_ptr_array_new();
	/* Neither of these names any point. */
	g_ptr_array_add(none, path->pdata[1]);
	g_ptr_array_add(none, path->pdata[2]);
	deadline = g_get_monotonic_time() + LONG;
	g_assert_false(fetcher_fetch(
	    fixture->fetcher, path, NULL, fixture->anchors, deadline));
	g_assert_false(fetcher_fetch(
	    fixture->fetcher, none, NULL, fixture->anchors, deadline));
	g_assert_cmpint(g_get_monotonic_time(), <, deadline);
	list = crls_list(trust_crls(fixture->trust), NULL);
	g_assert_cmpuint(list->len, ==, 0);
}

/* The first of two URLs of one point fails: the second is as good. */
static void
test_alternative(Fixture *fixture, gconstpointer data)
{
	g_autofree char *second = http_server_url(fixture->server, "/b.crl");
	g_autofree char *ini =
	    g_strdup_printf("[req]\n"
			    "distinguished_name = name\n[name]\n[point]\n"
			    "fullname = URI:%s, URI:%s\n",
		fixture->url, second);
	g_autoptr(GPtrArray) path = NULL;

	(void)data;
	g_free(scratch_file(pki, "req.cnf", ini));
	path = path_naming(fixture, "point");
	g_free(scratch_file(
	    pki, "req.cnf", "[req]\ndistinguished_name = name\n[name]\n"));
	serve(fixture, "/b.crl", good);
	g_assert_true(fetcher_fetch(fixture->fetcher, path, NULL,
	    fixture->anchors, g_get_monotonic_time() + LONG));
	g_assert_cmpuint(http_server_count(fixture->server, "/b.crl"), ==, 1);
	/* The point is served; its first URL is not asked again. */
	g_assert_false(fetcher_fetch(fixture->fetcher, path, NULL,
	    fixture->anchors, g_get_monotonic_time() + LONG));
	g_assert_cmpuint(http_server_count(fixture->server, "/b.crl"), ==, 1);
}

/* A server that says nothing costs no more than the deadline, and ends with
 * the fetcher. */
static void
test_silent(Fixture *fixture, gconstpointer data)
{
	g_autoptr(CrlFacts) facts = NULL;

	(void)data;
	http_server_set(
	    fixture->server, "/a.crl", &(HttpAnswer){ .manner = HTTP_SILENT });
	g_assert_false(fetcher_fetch(fixture->fetcher, fixture->path, NULL,
	    fixture->anchors, g_get_monotonic_time() + A_SECOND / 10));
	g_assert_false(fetcher_fetch(
	    fixture->fetcher, fixture->path, NULL, fixture->anchors, 0));
	http_server_await(fixture->server, "/a.crl");
	fetcher_free(g_steal_pointer(&fixture->fetcher));
	/* That we ended is nobody's failure. */
	facts = facts_of(fixture);
	g_assert_null(facts);
}

/* Without waiting it goes on in the background. */
static void
test_background(Fixture *fixture, gconstpointer data)
{
	(void)data;
	http_server_set(fixture->server, "/a.crl",
	    &(HttpAnswer){ .body = good, .manner = HTTP_HELD });
	g_assert_false(fetcher_fetch(
	    fixture->fetcher, fixture->path, NULL, fixture->anchors, 0));
	http_server_await(fixture->server, "/a.crl");
	http_server_release(fixture->server);
	/* Joins the one that is under way, or finds that it has ended. */
	fetch(fixture);
	g_assert_cmpuint(count_cached(fixture), ==, 1);
	g_assert_cmpuint(http_server_count(fixture->server, "/a.crl"), ==, 1);
}

static gpointer
fetch_in_thread(gpointer data)
{
	return GINT_TO_POINTER(fetch(data));
}

static void
test_fifty(Fixture *fixture, gconstpointer data)
{
	GThread *threads[50];
	guint came = 0;

	(void)data;
	http_server_set(fixture->server, "/a.crl",
	    &(HttpAnswer){ .body = good, .manner = HTTP_HELD });
	for (gsize i = 0; i < G_N_ELEMENTS(threads); i++) {
		threads[i] = g_thread_new("mail", fetch_in_thread, fixture);
	}
	http_server_await(fixture->server, "/a.crl");
	http_server_release(fixture->server);
	for (gsize i = 0; i < G_N_ELEMENTS(threads); i++) {
		came += GPOINTER_TO_INT(g_thread_join(threads[i])) ? 1 : 0;
	}
	g_assert_cmpuint(came, >=, 1);
	g_assert_cmpuint(count_cached(fixture), ==, 1);
	g_assert_cmpuint(http_server_count(fixture->server, "/a.crl"), ==, 1);
}

/* Known to the cache, due, newer at the server, and no thread runs. */
static void
set_up_due(Fixture *fixture)
{
	CrlFacts *note;

	serve(fixture, "/a.crl", good);
	g_assert_true(fetch(fixture));
	g_assert_true(intermediates_add(
	    trust_intermediates(fixture->trust), fixture->path, NULL, NULL));
	fetcher_free(g_steal_pointer(&fixture->fetcher));
	note = facts_of(fixture);
	note->next_fetch = pki_now() - 10;
	g_assert_true(crls_note(trust_crls(fixture->trust), note, NULL));
	crls_facts_free(note);
	trust_free(fixture->trust);
	fixture->trust = trust_new(fixture->state);
	http_server_set(fixture->server, "/a.crl",
	    &(HttpAnswer){ .body = newer, .etag = "\"other\"" });
	g_assert_cmpuint(count_cached(fixture), ==, 1);
}

static void
wait_for_newer(Fixture *fixture)
{
	for (;;) {
		g_autoptr(CrlFacts) facts = facts_of(fixture);

		if (g_str_equal(facts->number, "03")) {
			break;
		}
		g_usleep(10000);
	}
	g_assert_cmpuint(http_server_count(fixture->server, "/a.crl"), ==, 2);
}

/* What was due while nobody ran is asked for after the start. */
static void
test_restart(Fixture *fixture, gconstpointer data)
{
	(void)data;
	set_up_due(fixture);
	start(fixture);
	wait_for_newer(fixture);
}

/* Nothing is refreshed until the settings want it again. */
static void
test_idle(Fixture *fixture, gconstpointer data)
{
	(void)data;
	set_up_due(fixture);
	fixture->rules.idle = true;
	start(fixture);
	g_usleep(300000);
	g_assert_cmpuint(http_server_count(fixture->server, "/a.crl"), ==, 1);
	fixture->rules.idle = false;
	fetcher_set_rules(fixture->fetcher, &fixture->rules);
	wait_for_newer(fixture);
}

static void
test_times(void)
{
	static const struct {
		gint64 this_update;
		gint64 next_update;
		gint refresh;
		gint64 want; /* from 1000000 */
	} table[] = {
		{ 1000000, 1100000, 3600, 80000 }, /* 80 % */
		{ 950000, 1050000, 3600, 30000 },
		{ 910000, 1010000, 3600, 3600 }, /* late: not sooner */
		{ 998200, 1001800, 3600, 1440 }, /* short-lived */
		{ 990000, 1000010, 3600, 60 },
		{ 990000, 0, 3600, 86400 },
		{ 990000, 0, 100000, 100000 },
	};
	static const gint64 backoff[] = { 60, 60, 120, 240, 480, 960, 1920,
		3840, 7680, 15360, 30720, 61440, 86400, 86400 };

	for (gsize i = 0; i < G_N_ELEMENTS(table); i++) {
		const CrlFacts facts = { .this_update = table[i].this_update,
			.next_update = table[i].next_update };

		g_assert_cmpint(
		    fetch_crl_due(&facts, table[i].refresh, 1000000) - 1000000,
		    ==, table[i].want);
	}
	for (guint i = 0; i < G_N_ELEMENTS(backoff); i++) {
		g_assert_cmpint(fetch_crl_backoff(i), ==, backoff[i]);
	}
	g_assert_cmpint(fetch_crl_backoff(G_MAXUINT), ==, 86400);
}

static void
make_crls(void)
{
	const CrlFile two = { .number = 2 };
	const CrlFile three = { .number = 3, .last = -600 };
	const CrlFile one = { .number = 1, .last = -7200 };
	const CrlFile root = { .ca = "root", .number = 9 };
	const CrlFile other = { .ca = "other", .number = 9 };
	const CrlFile past = { .number = 9, .last = -7200, .next = -60 };

	pki_run(pki,
	    "cert evil self P-256 '/CN=Root' "
	    "basicConstraints=critical,CA:TRUE "
	    "keyUsage=critical,keyCertSign,cRLSign\n"
	    "cert other evil P-256 '/O=Tests/CN=Issuing' "
	    "basicConstraints=critical,CA:TRUE "
	    "keyUsage=critical,keyCertSign,cRLSign\n");
	good = crl_files_make(pki, &two);
	newer = crl_files_make(pki, &three);
	older = crl_files_make(pki, &one);
	of_root = crl_files_make(pki, &root);
	foreign = crl_files_make(pki, &other);
	expired = crl_files_make(pki, &past);
}

#define ADD(path, function) \
	g_test_add(path, Fixture, NULL, set_up, function, tear_down)

int
main(int argc, char **argv)
{
	int result;

	g_test_init(&argc, &argv, NULL);
	pki = pki_new();
	make_crls();
	g_test_add_func("/fetcher/schedule/times", test_times);
	ADD("/fetcher/fetch/ok", test_ok);
	ADD("/fetcher/fetch/pem", test_pem);
	ADD("/fetcher/fetch/alternative", test_alternative);
	ADD("/fetcher/fetch/background", test_background);
	ADD("/fetcher/fetch/fifty", test_fifty);
	ADD("/fetcher/fetch/silent", test_silent);
	ADD("/fetcher/fetch/down", test_down);
	ADD("/fetcher/fetch/nothing-to-ask", test_nothing_to_ask);
	ADD("/fetcher/fetch/status", test_status);
	ADD("/fetcher/fetch/304-unasked", test_304_unasked);
	ADD("/fetcher/fetch/bodies", test_bodies);
	ADD("/fetcher/fetch/too-large", test_too_large);
	ADD("/fetcher/fetch/just-fits", test_just_fits);
	ADD("/fetcher/fetch/endless", test_endless);
	ADD("/fetcher/fetch/redirect", test_redirect);
	ADD("/fetcher/fetch/redirect-endless", test_redirect_endless);
	ADD("/fetcher/fetch/redirect-table", test_redirect_table);
	ADD("/fetcher/fetch/redirect-private", test_redirect_private);
	ADD("/fetcher/fetch/private", test_private);
	ADD("/fetcher/fetch/private-name", test_private_name);
	ADD("/fetcher/refresh/unchanged", test_unchanged);
	ADD("/fetcher/refresh/newer", test_refresh);
	ADD("/fetcher/refresh/restart", test_restart);
	ADD("/fetcher/refresh/idle", test_idle);
	result = g_test_run();
	g_bytes_unref(good);
	g_bytes_unref(newer);
	g_bytes_unref(older);
	g_bytes_unref(of_root);
	g_bytes_unref(foreign);
	g_bytes_unref(expired);
	scratch_free(pki);
	return result;
}
