/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who fetches when. A URL that is wanted is a job: in a table until it has
 * ended, so that all who want it meanwhile wait for the same one, and in a
 * queue until a thread takes it. When it fails, the job of the point's next URL
 * follows it. Both threads take jobs; the second also makes jobs of what is due
 * for refreshing. One mutex and one condition for all of it; nothing is fetched
 * while it is held.
 */
#include "config.h"

#include "store/fetcher.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "base/error.h"
#include "store/fetch-crl.h"

#define THREADS 2
/* Jobs that wait or run. */
#define JOBS_MAX 1000
/* At least so often the clock is looked at: it may have been set. */
#define TICK_SECONDS 60

typedef struct Job Job;
struct Job {
	guint references;
	char *url;
	GPtrArray *rest;   /* of char *: as good, when this one fails */
	GPtrArray *path;   /* of Cert; NULL: a refresh */
	GPtrArray *others; /* of Cert */
	Anchors *anchors;
	bool ended;
	bool stored;
	Job *follower; /* tried instead after it failed */
};

struct Fetcher {
	Trust *trust;
	FetcherTold told;
	gpointer data;
	gint stop; /* atomic */
	pthread_t threads[THREADS];
	guint running; /* of threads */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	/* All below is guarded by lock. */
	FetcherRules rules;
	GHashTable *jobs; /* by URL; each holds a reference */
	GQueue queue;     /* of Job, borrowed from jobs */
	bool told_full;
};

static void
unref_cert(gpointer cert)
{
	cert_unref(cert);
}

/* Under the lock, as all that touches references. */
static void
unref_job(gpointer data)
{
	Job *job = data;

	if (job == NULL || --job->references > 0) {
		return;
	}
	unref_job(job->follower);
	g_free(job->url);
	g_ptr_array_unref(job->rest);
	g_clear_pointer(&job->path, g_ptr_array_unref);
	g_clear_pointer(&job->others, g_ptr_array_unref);
	chain_anchors_unref(job->anchors);
	g_free(job);
}

static Job *
ref_job(Job *job)
{
	job->references++;
	return job;
}

static void
init_locks(Fetcher *fetcher)
{
	pthread_condattr_t clock;

	pthread_mutex_init(&fetcher->lock, NULL);
	pthread_condattr_init(&clock);
	pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
	pthread_cond_init(&fetcher->changed, &clock);
	pthread_condattr_destroy(&clock);
}

Fetcher *
fetcher_new(
    Trust *trust, const FetcherRules *rules, FetcherTold told, gpointer data)
{
	Fetcher *fetcher = g_new0(Fetcher, 1);

	fetcher->trust = trust;
	fetcher->rules = *rules;
	fetcher->told = told;
	fetcher->data = data;
	init_locks(fetcher);
	fetcher->jobs =
	    g_hash_table_new_full(g_str_hash, g_str_equal, NULL, unref_job);
	g_queue_init(&fetcher->queue);
	return fetcher;
}

void
fetcher_free(Fetcher *fetcher)
{
	if (fetcher == NULL) {
		return;
	}
	__atomic_store_n(&fetcher->stop, 1, __ATOMIC_RELEASE);
	pthread_mutex_lock(&fetcher->lock);
	pthread_cond_broadcast(&fetcher->changed);
	pthread_mutex_unlock(&fetcher->lock);
	for (guint i = 0; i < fetcher->running; i++) {
		pthread_join(fetcher->threads[i], NULL);
	}
	g_queue_clear(&fetcher->queue);
	g_hash_table_unref(fetcher->jobs);
	pthread_cond_destroy(&fetcher->changed);
	pthread_mutex_destroy(&fetcher->lock);
	g_free(fetcher);
}

void
fetcher_set_rules(Fetcher *fetcher, const FetcherRules *rules)
{
	pthread_mutex_lock(&fetcher->lock);
	fetcher->rules = *rules;
	pthread_cond_broadcast(&fetcher->changed);
	pthread_mutex_unlock(&fetcher->lock);
}

static FetcherRules
rules_of(Fetcher *fetcher)
{
	FetcherRules rules;

	pthread_mutex_lock(&fetcher->lock);
	rules = fetcher->rules;
	pthread_mutex_unlock(&fetcher->lock);
	return rules;
}

static void
tell(Fetcher *fetcher, const char *url, const char *problem)
{
	if (fetcher->told != NULL) {
		fetcher->told(fetcher->data, url, problem);
	}
}

static bool
is_stopping(Fetcher *fetcher)
{
	return __atomic_load_n(&fetcher->stop, __ATOMIC_ACQUIRE) != 0;
}

static gint64
seconds_now(void)
{
	return g_get_real_time() / G_USEC_PER_SEC;
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

/* For whom a URL is asked. */
typedef struct {
	const GPtrArray *path; /* NULL: a refresh */
	const GPtrArray *others;
	const Anchors *anchors;
} Asker;

static Job *
new_job(const char *url, const Asker *asker)
{
	Job *job = g_new0(Job, 1);

	job->references = 1;
	job->url = g_strdup(url);
	job->rest = g_ptr_array_new_with_free_func(g_free);
	if (asker->path != NULL) {
		job->path = copy_certs(asker->path);
		job->others = copy_certs(asker->others);
		job->anchors = chain_anchors_ref((Anchors *)asker->anchors);
	}
	return job;
}

/* The job of the first of urls, the others after it; NULL: too many wait
 * already. Under the lock; borrowed. */
static Job *
enqueue(Fetcher *fetcher, const GPtrArray *urls, const Asker *asker)
{
	Job *job = g_hash_table_lookup(fetcher->jobs, urls->pdata[0]);

	if (job != NULL) {
		return job;
	}
	if (g_hash_table_size(fetcher->jobs) >= JOBS_MAX) {
		return NULL;
	}
	job = new_job(urls->pdata[0], asker);
	for (guint i = 1; i < urls->len; i++) {
		g_ptr_array_add(job->rest, g_strdup(urls->pdata[i]));
	}
	g_hash_table_insert(fetcher->jobs, job->url, job);
	g_queue_push_tail(&fetcher->queue, job);
	pthread_cond_broadcast(&fetcher->changed);
	return job;
}

/* Whether the cache has what this URL gives, and it is in force. */
static bool
is_there(const CrlFacts *facts, gint64 now)
{
	return facts != NULL && facts->id != NULL && facts->trouble == NULL &&
	    (facts->next_update == 0 || facts->next_update > now);
}

/* A clock that was set back must not silence a URL for longer than a failure
 * can. */
static bool
may_be_asked(const CrlFacts *facts, gint64 now)
{
	return facts == NULL || facts->next_fetch <= now ||
	    (facts->failures == 0 && !is_there(facts, now)) ||
	    facts->next_fetch > now + 2 * 86400;
}

/* URLs of urls that are worth asking now; borrowed from it. */
static GPtrArray *
usable_of(Fetcher *fetcher, const GPtrArray *urls)
{
	GPtrArray *usable = g_ptr_array_new();
	gint64 now = seconds_now();

	for (guint i = 0; i < urls->len; i++) {
		g_autoptr(CrlFacts) facts =
		    crls_facts(trust_crls(fetcher->trust), urls->pdata[i]);

		if (may_be_asked(facts, now)) {
			g_ptr_array_add(usable, urls->pdata[i]);
		}
	}
	return usable;
}

/* From here on nobody finds it in the table, so a follower never leads back to
 * one that has ended. rest: what may be asked instead. */
static void
end_job(Fetcher *fetcher, Job *job, bool stored, const GPtrArray *rest)
{
	pthread_mutex_lock(&fetcher->lock);
	job->ended = true;
	job->stored = stored;
	g_hash_table_remove(fetcher->jobs, job->url);
	if (rest != NULL && rest->len > 0 && !is_stopping(fetcher)) {
		const Asker asker = { job->path, job->others, job->anchors };
		Job *follower = enqueue(fetcher, rest, &asker);

		job->follower = follower != NULL ? ref_job(follower) : NULL;
	}
	pthread_cond_broadcast(&fetcher->changed);
	pthread_mutex_unlock(&fetcher->lock);
}

static FetchOutcome
ask_url(Fetcher *fetcher, const char *url, const Asker *asker)
{
	FetcherRules rules = rules_of(fetcher);
	g_autoptr(GError) error = NULL;
	const FetchQuestion question = {
		.url = url,
		.path = asker->path,
		.others = asker->others,
		.anchors = asker->anchors,
		.stop = &fetcher->stop,
	};
	FetchOutcome outcome =
	    fetch_crl(fetcher->trust, &rules, &question, &error);

	if (outcome == FETCH_STORED) {
		tell(fetcher, url, NULL);
	} else if (outcome == FETCH_FAILED && !is_stopping(fetcher)) {
		tell(fetcher, url, error->message);
	}
	return outcome;
}

/* Consumes one reference. */
static void
run_job(Fetcher *fetcher, Job *job)
{
	const Asker asker = { job->path, job->others, job->anchors };
	FetchOutcome outcome = ask_url(fetcher, job->url, &asker);
	g_autoptr(GPtrArray) rest = NULL;

	if (outcome == FETCH_FAILED) {
		rest = usable_of(fetcher, job->rest);
	}
	end_job(fetcher, job, outcome == FETCH_STORED, rest);
	pthread_mutex_lock(&fetcher->lock);
	unref_job(job);
	pthread_mutex_unlock(&fetcher->lock);
}

/* Until there is work, at most so long and no more than a minute. */
static void
rest(Fetcher *fetcher, gint64 seconds)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += (time_t)CLAMP(seconds, 1, TICK_SECONDS);
	pthread_mutex_lock(&fetcher->lock);
	if (g_queue_is_empty(&fetcher->queue) && !is_stopping(fetcher)) {
		pthread_cond_timedwait(
		    &fetcher->changed, &fetcher->lock, &until);
	}
	pthread_mutex_unlock(&fetcher->lock);
}

/* The next one, with a reference that is the caller's; NULL: none waits. */
static Job *
take_job(Fetcher *fetcher)
{
	Job *job = g_queue_pop_head(&fetcher->queue);

	return job != NULL ? ref_job(job) : NULL;
}

/* Work that was asked for; whether there was any. */
static bool
work(Fetcher *fetcher)
{
	Job *job = NULL;

	pthread_mutex_lock(&fetcher->lock);
	job = take_job(fetcher);
	pthread_mutex_unlock(&fetcher->lock);
	if (job == NULL) {
		return false;
	}
	run_job(fetcher, job);
	return true;
}

static void *
run_worker(void *data)
{
	Fetcher *fetcher = data;

	while (!is_stopping(fetcher)) {
		if (!work(fetcher)) {
			rest(fetcher, TICK_SECONDS);
		}
	}
	return NULL;
}

/* A job that is in the table, so that mails wait for it, and in no queue: the
 * caller does it. NULL: somebody is at it, or too many wait. */
static Job *
claim(Fetcher *fetcher, const char *url)
{
	const Asker nobody = { NULL, NULL, NULL };
	Job *job = NULL;

	pthread_mutex_lock(&fetcher->lock);
	if (!g_hash_table_contains(fetcher->jobs, url) &&
	    g_hash_table_size(fetcher->jobs) < JOBS_MAX) {
		job = new_job(url, &nobody);
		g_hash_table_insert(fetcher->jobs, job->url, ref_job(job));
	}
	pthread_mutex_unlock(&fetcher->lock);
	return job;
}

/* Refreshes one URL that is due; how many seconds there is nothing to do. One
 * that is due again at once could not be noted, perhaps on a full disk: the
 * server must not suffer for it. */
static gint64
refresh_due(Fetcher *fetcher, char **last)
{
	gint64 now = seconds_now();
	gint64 next = 0;
	g_autoptr(CrlFacts) due = NULL;
	g_autofree char *before = NULL;
	Job *job = NULL;

	if (rules_of(fetcher).idle) {
		return TICK_SECONDS;
	}
	before = g_steal_pointer(last);
	due = crls_due(trust_crls(fetcher->trust), now, &next);
	if (due == NULL) {
		return next - now;
	}
	if (g_strcmp0(before, due->url) == 0) {
		return TICK_SECONDS;
	}
	job = claim(fetcher, due->url);
	if (job == NULL) {
		return 1;
	}
	*last = g_strdup(due->url);
	run_job(fetcher, job);
	return 0;
}

static void *
run_keeper(void *data)
{
	Fetcher *fetcher = data;
	g_autofree char *last = NULL;

	crls_sweep(trust_crls(fetcher->trust));
	while (!is_stopping(fetcher)) {
		gint64 idle = 0;

		if (work(fetcher)) {
			continue;
		}
		idle = refresh_due(fetcher, &last);
		if (idle > 0) {
			rest(fetcher, idle);
		}
	}
	return NULL;
}

bool
fetcher_start(Fetcher *fetcher, GError **error)
{
	void *(*const bodies[THREADS])(void *) = { run_worker, run_keeper };

	while (fetcher->running < THREADS) {
		int failure =
		    pthread_create(&fetcher->threads[fetcher->running], NULL,
			bodies[fetcher->running], fetcher);

		if (failure != 0) {
			errno = failure;
			error_set_errno(error, "a thread that fetches CRLs");
			return false;
		}
		fetcher->running++;
	}
	return true;
}

/* Whether the cache has what is there. */
static bool
is_point_there(Fetcher *fetcher, const RevocationPoint *point)
{
	gint64 now = seconds_now();

	for (guint i = 0; i < point->urls->len; i++) {
		g_autoptr(CrlFacts) facts = crls_facts(
		    trust_crls(fetcher->trust), point->urls->pdata[i]);

		if (is_there(facts, now)) {
			return true;
		}
	}
	return false;
}

static void
tell_full(Fetcher *fetcher, const char *url)
{
	bool first = false;

	pthread_mutex_lock(&fetcher->lock);
	first = !fetcher->told_full;
	fetcher->told_full = true;
	pthread_mutex_unlock(&fetcher->lock);
	if (first) {
		tell(fetcher, url,
		    "not fetched: too many CRLs wait to be fetched");
	}
}

/* waited: jobs with a reference. */
static void
ask_point(Fetcher *fetcher, const RevocationPoint *point, const Asker *asker,
    GPtrArray *waited)
{
	g_autoptr(GPtrArray) urls = usable_of(fetcher, point->urls);
	Job *job = NULL;

	if (urls->len == 0 || is_point_there(fetcher, point)) {
		return;
	}
	pthread_mutex_lock(&fetcher->lock);
	job = enqueue(fetcher, urls, asker);
	if (job != NULL) {
		g_ptr_array_add(waited, ref_job(job));
	}
	pthread_mutex_unlock(&fetcher->lock);
	if (job == NULL) {
		tell_full(fetcher, urls->pdata[0]);
	}
}

/* Complete CRLs first: a delta is of no use without. */
static void
ask_points(Fetcher *fetcher, const GPtrArray *points, bool delta,
    const Asker *asker, GPtrArray *waited)
{
	for (guint i = 0; i < points->len; i++) {
		const RevocationPoint *point = points->pdata[i];

		if (point->delta == delta && point->urls->len > 0) {
			ask_point(fetcher, point, asker, waited);
		}
	}
}

static GPtrArray *
ask_path(Fetcher *fetcher, const Asker *asker)
{
	/* References are let go under the lock, so by hand. */
	GPtrArray *waited = g_ptr_array_new();

	for (guint i = 0; i + 1 < asker->path->len; i++) {
		g_autoptr(GPtrArray) points =
		    revocation_points(asker->path->pdata[i]);

		ask_points(fetcher, points, false, asker, waited);
		ask_points(fetcher, points, true, asker, waited);
	}
	return waited;
}

/* The last of those that took its place. Under the lock. */
static const Job *
last_of(const Job *job)
{
	while (job->follower != NULL) {
		job = job->follower;
	}
	return job;
}

static bool
have_ended(const GPtrArray *jobs)
{
	for (guint i = 0; i < jobs->len; i++) {
		if (!last_of(jobs->pdata[i])->ended) {
			return false;
		}
	}
	return true;
}

/* Under the lock. */
static void
wait_for_jobs(Fetcher *fetcher, const GPtrArray *jobs, gint64 deadline)
{
	/* GLib's monotonic time is CLOCK_MONOTONIC. */
	const struct timespec until = {
		.tv_sec = (time_t)(deadline / G_USEC_PER_SEC),
		.tv_nsec = (long)(deadline % G_USEC_PER_SEC) * 1000,
	};

	while (!have_ended(jobs) && !is_stopping(fetcher) &&
	    g_get_monotonic_time() < deadline) {
		pthread_cond_timedwait(
		    &fetcher->changed, &fetcher->lock, &until);
	}
}

bool
fetcher_fetch(gpointer fetcher_pointer, const GPtrArray *path,
    const GPtrArray *others, const Anchors *anchors, gint64 deadline)
{
	Fetcher *fetcher = fetcher_pointer;
	const Asker asker = { path, others, anchors };
	g_autoptr(GPtrArray) waited = ask_path(fetcher, &asker);
	bool came = false;

	pthread_mutex_lock(&fetcher->lock);
	wait_for_jobs(fetcher, waited, deadline);
	for (guint i = 0; i < waited->len; i++) {
		const Job *last = last_of(waited->pdata[i]);

		came = came || (last->ended && last->stored);
		unref_job(waited->pdata[i]);
	}
	if (g_queue_is_empty(&fetcher->queue)) {
		fetcher->told_full = false;
	}
	pthread_mutex_unlock(&fetcher->lock);
	return came;
}

bool
fetcher_refresh_all(
    Fetcher *fetcher, guint *asked_out, guint *failed_out, GError **error)
{
	g_autoptr(GPtrArray) all = crls_list(trust_crls(fetcher->trust), error);
	const Asker nobody = { NULL, NULL, NULL };
	guint asked = 0;
	guint failed = 0;

	for (guint i = 0; all != NULL && i < all->len; i++) {
		const CrlFacts *facts = all->pdata[i];

		if (facts->url == NULL || is_stopping(fetcher)) {
			continue;
		}
		asked++;
		if (ask_url(fetcher, facts->url, &nobody) == FETCH_FAILED) {
			failed++;
		}
	}
	if (all == NULL) {
		return false;
	}
	*asked_out = asked;
	*failed_out = failed;
	return true;
}
