/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fetches CRLs by http and https in threads of its own, with limits on size,
 * time, redirects and addresses: never from a private, loopback or link-local
 * one, whatever name or redirect led there, unless private_hosts. A URL is
 * fetched once at a time, however many wait for it. What comes is stored only
 * when revocation_authentic() says so. Refreshes what the cache holds before it
 * expires (80 % of its life, at most every refresh seconds, with jitter), backs
 * off from servers that fail (1 minute, doubled up to a day). The only module
 * that sees libcurl. Thread-safe.
 */
#ifndef STORE_FETCHER_H
#define STORE_FETCHER_H

#include <glib.h>
#include <stdbool.h>

#include "store/trust.h"

typedef struct Fetcher Fetcher;

typedef struct {
	bool private_hosts; /* revocation.private_hosts */
	gint64 max_size;    /* revocation.max_size, bytes */
	gint refresh;       /* revocation.refresh, seconds: nothing is asked
			       for again sooner */
	bool system;        /* trust.system */
	bool idle;          /* what is known is not refreshed */
} FetcherRules;

/* Told of each fetch that ended, in a thread of the fetcher: what the
 * administrator should know. problem NULL: it was stored. One that the server
 * or the cache says is unchanged is not told. */
typedef void (*FetcherTold)(
    gpointer data, const char *url, const char *problem);

/* Starts no thread yet. trust must outlive it. told may be NULL. */
Fetcher *fetcher_new(
    Trust *trust, const FetcherRules *rules, FetcherTold told, gpointer data);
/* Stops the threads, breaking off what is under way. */
void fetcher_free(Fetcher *fetcher);
/* New settings; copied. */
void fetcher_set_rules(Fetcher *fetcher, const FetcherRules *rules);

/* Threads: two that fetch, one of them keeps the times of refreshing. */
bool fetcher_start(Fetcher *fetcher, GError **error);

/* A TrustFetch whose data is a Fetcher with threads. */
bool fetcher_fetch(gpointer fetcher, const GPtrArray *path,
    const GPtrArray *others, const Anchors *anchors, gint64 deadline);

/*
 * In the caller's thread, for smimectl crl refresh: every URL that the cache
 * knows, whether due or not. *failed_out: how many could not be had.
 */
bool fetcher_refresh_all(
    Fetcher *fetcher, guint *asked_out, guint *failed_out, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Fetcher, fetcher_free)

#endif
