/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ticker. Jobs stand in one list under one lock; a notice is sent under
 * the job's own lock, so that other mails begin and end meanwhile. Ordinary
 * mails end before their first notice is due: they cost two short locks, and at
 * most one wake-up of the thread in each period.
 */
#include "config.h"

#include "milter/progress.h"

#include <time.h>

static struct {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	pthread_t thread;
	GQueue jobs;  /* of ProgressJob */
	gint64 every; /* microseconds */
	bool running;
	bool asleep; /* waits without end: the next job must wake it */
} ticker = { .lock = PTHREAD_MUTEX_INITIALIZER, .jobs = G_QUEUE_INIT };

/* Under the lock: the first job that is due, its sending lock taken. */
static ProgressJob *
take_due(gint64 now)
{
	for (GList *at = ticker.jobs.head; at != NULL; at = at->next) {
		ProgressJob *job = at->data;

		if (job->due <= now) {
			job->due = now + ticker.every;
			pthread_mutex_lock(&job->sending);
			return job;
		}
	}
	return NULL;
}

static void
wait_period(void)
{
	struct timespec until;
	gint64 micros;

	clock_gettime(CLOCK_MONOTONIC, &until);
	micros = until.tv_nsec / 1000 + ticker.every / 2;
	until.tv_sec += (time_t)(micros / G_USEC_PER_SEC);
	until.tv_nsec = (long)(micros % G_USEC_PER_SEC) * 1000;
	pthread_cond_timedwait(&ticker.wake, &ticker.lock, &until);
}

static void *
run(void *unused)
{
	(void)unused;
	pthread_mutex_lock(&ticker.lock);
	while (ticker.running) {
		ProgressJob *job = take_due(g_get_monotonic_time());

		if (job != NULL) {
			pthread_mutex_unlock(&ticker.lock);
			/* A connection that is gone shows when the edits are
			 * sent. */
			(void)smfi_progress(job->ctx);
			pthread_mutex_unlock(&job->sending);
			pthread_mutex_lock(&ticker.lock);
		} else if (ticker.jobs.length == 0) {
			ticker.asleep = true;
			pthread_cond_wait(&ticker.wake, &ticker.lock);
			ticker.asleep = false;
		} else {
			wait_period();
		}
	}
	pthread_mutex_unlock(&ticker.lock);
	return NULL;
}

bool
progress_start(int every)
{
	pthread_condattr_t attributes;

	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&ticker.wake, &attributes);
	pthread_condattr_destroy(&attributes);
	ticker.every = (gint64)every * 1000;
	ticker.running = true;
	if (pthread_create(&ticker.thread, NULL, run, NULL) != 0) {
		ticker.running = false;
	}
	return ticker.running;
}

void
progress_stop(void)
{
	pthread_mutex_lock(&ticker.lock);
	ticker.running = false;
	pthread_cond_signal(&ticker.wake);
	pthread_mutex_unlock(&ticker.lock);
	pthread_join(ticker.thread, NULL);
	pthread_cond_destroy(&ticker.wake);
}

void
progress_begin(ProgressJob *job, SMFICTX *ctx)
{
	*job = (ProgressJob){ .ctx = ctx, .link = { .data = job } };
	pthread_mutex_init(&job->sending, NULL);
	pthread_mutex_lock(&ticker.lock);
	job->due = g_get_monotonic_time() + ticker.every;
	g_queue_push_tail_link(&ticker.jobs, &job->link);
	if (ticker.asleep) {
		ticker.asleep = false;
		pthread_cond_signal(&ticker.wake);
	}
	pthread_mutex_unlock(&ticker.lock);
}

void
progress_end(ProgressJob *job)
{
	pthread_mutex_lock(&ticker.lock);
	g_queue_unlink(&ticker.jobs, &job->link);
	pthread_mutex_unlock(&ticker.lock);
	/* A notice under way ends first. */
	pthread_mutex_lock(&job->sending);
	pthread_mutex_unlock(&job->sending);
	pthread_mutex_destroy(&job->sending);
}
