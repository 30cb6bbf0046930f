/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One verdict on a certificate. A path that stands is remembered with what its
 * certificates' revocation was, for as long as nothing that it depends on
 * changes: anchors, intermediates and CRLs have one version, which is in each
 * view. Paths that do not stand are not remembered: the next mail may bring the
 * missing intermediate. An unknown revocation is remembered for a minute only,
 * so that fetching is tried again. What is remembered lives in two tables of
 * bounded size: when the young one is full it becomes the old one.
 */
#include "config.h"

#include "store/trust.h"

#include <pthread.h>

#include "base/error.h"

#define REMEMBERED 5000 /* in each of the two tables */
#define UNKNOWN_SECONDS 60
/* How far the time asked for may be from the clock. */
#define NOW_SECONDS 60

typedef struct {
	guint64 version;
	bool check;
	gint64 from; /* the time for which it holds, seconds since 1970 */
	gint64 until;
	GPtrArray *path; /* of Cert */
	Revocation revocation;
	bool revoked_issuer;
} Memory;

/* What a version stands for. */
typedef struct {
	Anchors *anchors; /* held, so that none other has its address */
	guint64 crls;
	guint64 intermediates;
	guint64 version;
} Basis;

struct Trust {
	AnchorStore *anchors;
	CrlStore *crls;
	Intermediates *intermediates;
	pthread_mutex_t lock;
	/* All below is guarded by lock. */
	GHashTable *young; /* fingerprint -> Memory */
	GHashTable *old;
	Basis bases[2]; /* without and with the system's anchors */
	guint64 versions;
};

static void
unref_cert(gpointer cert)
{
	cert_unref(cert);
}

static void
free_memory(gpointer data)
{
	Memory *memory = data;

	g_ptr_array_unref(memory->path);
	g_free(memory);
}

static GHashTable *
new_table(void)
{
	return g_hash_table_new_full(
	    g_str_hash, g_str_equal, g_free, free_memory);
}

Trust *
trust_new(const char *state_dir)
{
	Trust *trust = g_new0(Trust, 1);

	trust->anchors = anchors_new(state_dir);
	trust->crls = crls_new(state_dir);
	trust->intermediates = intermediates_new(state_dir);
	pthread_mutex_init(&trust->lock, NULL);
	trust->young = new_table();
	trust->old = new_table();
	return trust;
}

void
trust_free(Trust *trust)
{
	if (trust == NULL) {
		return;
	}
	chain_anchors_unref(trust->bases[0].anchors);
	chain_anchors_unref(trust->bases[1].anchors);
	g_hash_table_unref(trust->young);
	g_hash_table_unref(trust->old);
	pthread_mutex_destroy(&trust->lock);
	intermediates_free(trust->intermediates);
	crls_free(trust->crls);
	anchors_free(trust->anchors);
	g_free(trust);
}

AnchorStore *
trust_anchors(Trust *trust)
{
	return trust->anchors;
}

CrlStore *
trust_crls(Trust *trust)
{
	return trust->crls;
}

Intermediates *
trust_intermediates(Trust *trust)
{
	return trust->intermediates;
}

static gint64
seconds_now(void)
{
	return g_get_real_time() / G_USEC_PER_SEC;
}

/* The same number for the same basis, else one that never was. */
static guint64
version_of(Trust *trust, bool system, Anchors *anchors)
{
	Basis *basis = &trust->bases[system ? 1 : 0];
	guint64 crls = crls_generation(trust->crls);
	guint64 intermediates = intermediates_generation(trust->intermediates);
	g_autoptr(Anchors) old = NULL;
	guint64 version = 0;

	pthread_mutex_lock(&trust->lock);
	if (basis->anchors != anchors || basis->crls != crls ||
	    basis->intermediates != intermediates) {
		old = basis->anchors;
		basis->anchors = chain_anchors_ref(anchors);
		basis->crls = crls;
		basis->intermediates = intermediates;
		basis->version = ++trust->versions;
	}
	version = basis->version;
	pthread_mutex_unlock(&trust->lock);
	return version;
}

bool
trust_view_init(TrustView *view, Trust *trust, bool system, GError **error)
{
	Anchors *anchors = anchors_current(trust->anchors, system, error);

	if (anchors == NULL) {
		return false;
	}
	*view = (TrustView){
		.trust = trust,
		.anchors = anchors,
		.system = system,
		.version = version_of(trust, system, anchors),
	};
	return true;
}

void
trust_view_clear(TrustView *view)
{
	g_clear_pointer(&view->anchors, chain_anchors_unref);
}

static GPtrArray *
copy_certs(const GPtrArray *certs)
{
	GPtrArray *copy = g_ptr_array_new_with_free_func(unref_cert);

	for (guint i = 0; certs != NULL && i < certs->len; i++) {
		g_ptr_array_add(copy, cert_ref(certs->pdata[i]));
	}
	return copy;
}

static bool
is_near(gint64 at, gint64 now)
{
	return ABS(at - now) <= NOW_SECONDS;
}

/* Under the lock. */
static const Memory *
find_memory(Trust *trust, const char *fingerprint)
{
	gpointer key = NULL;
	gpointer memory = g_hash_table_lookup(trust->young, fingerprint);

	if (memory == NULL &&
	    g_hash_table_steal_extended(
		trust->old, fingerprint, &key, &memory)) {
		g_hash_table_insert(trust->young, key, memory);
	}
	return memory;
}

static bool
holds(const Memory *memory, const TrustView *view, gint64 now)
{
	return memory->version == view->version &&
	    memory->check == view->check && memory->from <= now &&
	    now < memory->until;
}

/* Whether the mail's CRLs may tell what the cache does not know. */
static bool
brings_news(const TrustView *view, const GPtrArray *crls)
{
	for (guint i = 0; view->check && crls != NULL && i < crls->len; i++) {
		if (!crls_has(view->trust->crls, crls->pdata[i])) {
			return true;
		}
	}
	return false;
}

static bool
recall(const TrustView *view, const Cert *cert, TrustVerdict *trust_out)
{
	Trust *trust = view->trust;
	const Memory *memory = NULL;
	bool found = false;

	pthread_mutex_lock(&trust->lock);
	memory = find_memory(trust, cert_fingerprint(cert));
	if (memory != NULL && holds(memory, view, seconds_now())) {
		*trust_out = (TrustVerdict){
			.chain = CHAIN_OK,
			.path = copy_certs(memory->path),
			.revocation = memory->revocation,
			.revoked_issuer = memory->revoked_issuer,
		};
		found = true;
	}
	pthread_mutex_unlock(&trust->lock);
	return found;
}

/* From the last notBefore to the first notAfter, and as long as revocation
 * allows. A clock that is put back beyond now is asked again. */
static void
set_period(Memory *memory, gint64 now)
{
	memory->from = now - NOW_SECONDS;
	memory->until = memory->revocation.until;
	for (guint i = 0; i < memory->path->len; i++) {
		const Cert *cert = memory->path->pdata[i];

		memory->from = MAX(memory->from, cert_not_before(cert));
		memory->until = MIN(memory->until, cert_not_after(cert) + 1);
	}
	if (memory->revocation.status == REVOCATION_UNKNOWN) {
		memory->until = MIN(memory->until, now + UNKNOWN_SECONDS);
	}
}

static void
remember(const TrustView *view, const Cert *cert, const TrustVerdict *verdict)
{
	Trust *trust = view->trust;
	Memory *memory = g_new0(Memory, 1);
	GHashTable *dropped = NULL;

	memory->version = view->version;
	memory->check = view->check;
	memory->path = copy_certs(verdict->path);
	memory->revocation = verdict->revocation;
	memory->revoked_issuer = verdict->revoked_issuer;
	set_period(memory, seconds_now());
	pthread_mutex_lock(&trust->lock);
	if (g_hash_table_size(trust->young) >= REMEMBERED) {
		dropped = trust->old;
		trust->old = trust->young;
		trust->young = new_table();
	}
	g_hash_table_remove(trust->old, cert_fingerprint(cert));
	g_hash_table_replace(
	    trust->young, g_strdup(cert_fingerprint(cert)), memory);
	pthread_mutex_unlock(&trust->lock);
	g_clear_pointer(&dropped, g_hash_table_unref);
}

static void
append_certs(GPtrArray *all, const GPtrArray *more)
{
	for (guint i = 0; more != NULL && i < more->len; i++) {
		g_ptr_array_add(all, cert_ref(more->pdata[i]));
	}
}

/* The mail's certificates first: they are the freshest. Intermediates that
 * cannot be read are as if there were none. */
static GPtrArray *
known_others(const TrustView *view, const Cert *cert, const GPtrArray *others)
{
	g_autoptr(GPtrArray) above =
	    intermediates_above(view->trust->intermediates, cert, NULL);
	GPtrArray *all = copy_certs(others);

	append_certs(all, above);
	return all;
}

/* What one question needs. */
typedef struct {
	TrustView *view;
	const GPtrArray *path;
	const GPtrArray *others; /* of the mail, and intermediates */
	const GPtrArray *crls;   /* of the mail; or NULL */
	gint64 at;
	bool now; /* at is the present */
} Question;

static void
append_strings(GPtrArray *all, const GPtrArray *more)
{
	for (guint i = 0; i < more->len; i++) {
		if (!g_ptr_array_find_with_equal_func(
			all, more->pdata[i], g_str_equal, NULL)) {
			g_ptr_array_add(all, g_strdup(more->pdata[i]));
		}
	}
}

/* The cached ones that may say something of the path, then the mail's. NULL:
 * the cache cannot be read. */
static GPtrArray *
candidates(const Question *question)
{
	g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func(g_free);
	GPtrArray *found = NULL;

	for (guint i = 0; i + 1 < question->path->len; i++) {
		g_autoptr(GPtrArray) more =
		    revocation_issuer_keys(question->path->pdata[i]);

		append_strings(keys, more);
	}
	found = crls_find(question->view->trust->crls, keys, NULL);
	for (guint i = 0;
	     found != NULL && question->crls != NULL && i < question->crls->len;
	     i++) {
		g_ptr_array_add(found, crl_ref(question->crls->pdata[i]));
	}
	return found;
}

/* The worst of the path; the certificate's own state before an issuer's that is
 * as bad. */
static void
check_path(
    const Question *question, const GPtrArray *crls, TrustVerdict *verdict)
{
	gint64 until = G_MAXINT64;

	verdict->revocation = (Revocation){ .status = REVOCATION_GOOD };
	verdict->revoked_issuer = false;
	for (guint i = 0; i + 1 < question->path->len; i++) {
		Revocation one = { 0 };

		revocation_check(question->path, i, crls, question->others,
		    question->view->anchors, question->at, &one);
		until = MIN(until, one.until);
		if (one.status > verdict->revocation.status) {
			verdict->revocation = one;
			verdict->revoked_issuer =
			    one.status == REVOCATION_REVOKED && i > 0;
		}
	}
	verdict->revocation.until = until;
}

static void
check_revocation(const Question *question, TrustVerdict *verdict)
{
	g_autoptr(GPtrArray) crls = candidates(question);

	if (crls != NULL) {
		check_path(question, crls, verdict);
		return;
	}
	verdict->revoked_issuer = false;
	verdict->revocation = (Revocation){
		.status = REVOCATION_UNKNOWN,
		.reason = "the CRL cache cannot be read",
	};
}

/* Whether the cache has nothing as good. */
static bool
is_news(const Crl *crl, const GPtrArray *known)
{
	for (guint i = 0; i < known->len; i++) {
		if (g_str_equal(crl_fingerprint(known->pdata[i]),
			crl_fingerprint(crl)) ||
		    (crl_same_scope(known->pdata[i], crl) &&
			!crl_is_newer(crl, known->pdata[i]))) {
			return false;
		}
	}
	return true;
}

/* A CRL of the mail goes into the cache when it is genuine, in force, and
 * newer. A full disk does not spoil the verdict: it counts for this mail. */
static void
collect(const Question *question)
{
	CrlStore *store = question->view->trust->crls;

	for (guint i = 0; i < question->crls->len; i++) {
		Crl *crl = question->crls->pdata[i];
		g_autoptr(GPtrArray) keys = g_ptr_array_new();
		g_autoptr(GPtrArray) known = NULL;

		if (crl_this_update(crl) > question->at ||
		    (crl_next_update(crl) != 0 &&
			crl_next_update(crl) <= question->at)) {
			continue;
		}
		g_ptr_array_add(keys, (gpointer)crl_issuer_key(crl));
		known = crls_find(store, keys, NULL);
		if (known != NULL && is_news(crl, known) &&
		    revocation_authentic(crl, question->path, question->others,
			question->view->anchors, question->at, NULL)) {
			(void)crls_add(store, crl, NULL, NULL, NULL, NULL);
		}
	}
}

/* What the path's distribution points have not given yet. */
typedef struct {
	bool any;     /* one has no CRL */
	bool askable; /* one of these may be asked now */
} Gaps;

static void
look_at_point(
    const Question *question, const RevocationPoint *point, Gaps *gaps)
{
	gint64 now = seconds_now();
	bool askable = false;

	for (guint i = 0; i < point->urls->len; i++) {
		g_autoptr(CrlFacts) facts = crls_facts(
		    question->view->trust->crls, point->urls->pdata[i]);

		if (facts != NULL && facts->id != NULL) {
			return;
		}
		askable = askable || facts == NULL || facts->next_fetch <= now;
	}
	gaps->any = true;
	gaps->askable = gaps->askable || askable;
}

/* A good verdict may rest on what the sender chose to enclose, an old CRL that
 * is still in force, or lack a delta: only the CA's own server tells. */
static Gaps
find_gaps(const Question *question)
{
	Gaps gaps = { 0 };

	for (guint i = 0; i + 1 < question->path->len; i++) {
		g_autoptr(GPtrArray) points =
		    revocation_points(question->path->pdata[i]);

		for (guint j = 0; j < points->len; j++) {
			look_at_point(question, points->pdata[j], &gaps);
		}
	}
	return gaps;
}

/* Whether to ask once more. */
static bool
fetch(const Question *question, const Gaps *gaps, RevocationStatus status)
{
	TrustView *view = question->view;
	bool unknown = status == REVOCATION_UNKNOWN;
	/* What is revoked stays so: it goes on in the background. A good
	 * verdict without the delta that the certificate names is an old one.
	 */
	bool wait = status != REVOCATION_REVOKED;
	guint64 before = 0;
	bool came = false;

	if (!unknown && !gaps->askable) {
		return false;
	}
	before = crls_generation(view->trust->crls);
	came = view->fetch(view->fetch_data, question->path, question->others,
	    view->anchors, wait ? view->wait_until : 0);
	return came || crls_generation(view->trust->crls) != before;
}

static void
renew_version(TrustView *view)
{
	view->version = version_of(view->trust, view->system, view->anchors);
}

/* While a point has given nothing the verdict is remembered for a little while
 * only, so that it is asked again. */
static void
complete_revocation(const Question *question, TrustVerdict *verdict)
{
	Revocation *revocation = &verdict->revocation;
	Gaps gaps = find_gaps(question);

	if (fetch(question, &gaps, revocation->status)) {
		renew_version(question->view);
		check_revocation(question, verdict);
		gaps = find_gaps(question);
	}
	if (gaps.any) {
		revocation->until =
		    MIN(revocation->until, seconds_now() + UNKNOWN_SECONDS);
	}
}

static void
judge_revocation(const Question *question, TrustVerdict *verdict)
{
	TrustView *view = question->view;

	if (!view->check) {
		verdict->revocation = (Revocation){
			.status = REVOCATION_NOT_CHECKED,
			.until = G_MAXINT64,
		};
		return;
	}
	if (question->now && !view->dry && question->crls != NULL &&
	    question->crls->len > 0) {
		collect(question);
		renew_version(view);
	}
	check_revocation(question, verdict);
	if (question->now && view->fetch != NULL) {
		complete_revocation(question, verdict);
	}
}

void
trust_judge(gpointer view_pointer, const Cert *cert, const GPtrArray *others,
    const GPtrArray *crls, gint64 at, TrustVerdict *trust_out)
{
	TrustView *view = view_pointer;
	bool now = is_near(at, seconds_now());
	g_autoptr(GPtrArray) all = NULL;
	Question question = {
		.view = view, .crls = crls, .at = at, .now = now
	};
	TrustVerdict verdict = {
		.revocation = { .status = REVOCATION_NOT_CHECKED,
		    .until = G_MAXINT64 },
	};

	if (now && !brings_news(view, crls) && recall(view, cert, trust_out)) {
		return;
	}
	all = known_others(view, cert, others);
	verdict.chain = chain_check(
	    view->anchors, cert, all, at, &verdict.chain_reason, &verdict.path);
	if (verdict.chain == CHAIN_OK) {
		verdict.chain_reason = NULL;
		question.path = verdict.path;
		question.others = all;
		judge_revocation(&question, &verdict);
		if (now) {
			remember(view, cert, &verdict);
		}
	}
	*trust_out = verdict;
}

/* Certificates that bear the CRL's issuer name; others is untrusted too. */
static GPtrArray *
find_signers(Trust *trust, bool system, const Crl *crl, const GPtrArray *others,
    GError **error)
{
	const char *name = crl_issuer_key(crl);
	g_autoptr(GPtrArray) signers =
	    anchors_named(trust->anchors, system, name, error);
	g_autoptr(GPtrArray) more = NULL;

	if (signers == NULL) {
		return NULL;
	}
	more = intermediates_named(trust->intermediates, name, error);
	if (more == NULL) {
		return NULL;
	}
	append_certs(signers, more);
	for (guint i = 0; others != NULL && i < others->len; i++) {
		Cert *cert = others->pdata[i];

		if (g_str_equal(cert_subject_key(cert), name)) {
			g_ptr_array_add(signers, cert_ref(cert));
		}
	}
	return g_steal_pointer(&signers);
}

/* With signer's own path in the place of that of a certificate it issued. */
static bool
is_signed_by(Trust *trust, const Anchors *anchors, const Cert *signer,
    const Crl *crl, const GPtrArray *others, GError **error)
{
	g_autoptr(GPtrArray) all =
	    intermediates_above(trust->intermediates, signer, error);
	g_autoptr(GPtrArray) path = NULL;
	gint64 now = seconds_now();
	const char *reason = NULL;

	if (all == NULL) {
		return false;
	}
	append_certs(all, others);
	if (chain_check(anchors, signer, all, now, &reason, &path) !=
	    CHAIN_OK) {
		g_set_error(
		    error, ERROR_DOMAIN, ERROR_UNFIT, "its issuer: %s", reason);
		return false;
	}
	return revocation_authentic(crl, path, all, anchors, now, error);
}

bool
trust_prove_crl(Trust *trust, bool system, const Crl *crl,
    const GPtrArray *others, GError **error)
{
	g_autoptr(Anchors) anchors =
	    anchors_current(trust->anchors, system, error);
	g_autoptr(GPtrArray) signers = NULL;
	g_autoptr(GError) reason = NULL;

	if (anchors == NULL) {
		return false;
	}
	signers = find_signers(trust, system, crl, others, error);
	if (signers == NULL) {
		return false;
	}
	for (guint i = 0; i < signers->len; i++) {
		g_clear_error(&reason);
		if (is_signed_by(trust, anchors, signers->pdata[i], crl, others,
			&reason)) {
			return true;
		}
	}
	if (reason == NULL) {
		g_set_error(&reason, ERROR_DOMAIN, ERROR_UNFIT,
		    "its issuer's certificate is neither a trust anchor nor a "
		    "known intermediate");
	}
	g_propagate_error(error, g_steal_pointer(&reason));
	return false;
}
