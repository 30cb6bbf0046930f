/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Telling the MTA that a mail is still being worked on (smfi_progress), so
 * that it does not give up on a long step: Sendmail waits 10 s for a reply.
 * One thread for all mails, which looks only at those older than some seconds.
 */
#ifndef MILTER_PROGRESS_H
#define MILTER_PROGRESS_H

#include <glib.h>
#include <libmilter/mfapi.h>
#include <pthread.h>
#include <stdbool.h>

/* Milliseconds between two notices, and before the first. */
#define PROGRESS_EVERY 4000

/* Lives in the caller's frame from begin to end. */
typedef struct {
	SMFICTX *ctx;
	gint64 due; /* monotonic microseconds */
	pthread_mutex_t sending;
	GList link;
} ProgressJob;

/* Starts and ends the thread. every: milliseconds. Not started, begin and end
 * do nothing that anybody sees. */
bool progress_start(int every);
void progress_stop(void);

/* Between the two calls nothing but the thread may write to ctx. Behind
 * progress_end() it does no longer. */
void progress_begin(ProgressJob *job, SMFICTX *ctx);
void progress_end(ProgressJob *job);

#endif
