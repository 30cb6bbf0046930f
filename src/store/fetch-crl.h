/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One URL from asking to storing, for fetcher.c: download, proof, cache, and
 * the facts that say when it is due again. Thread-safe; no state of its own.
 */
#ifndef STORE_FETCH_CRL_H
#define STORE_FETCH_CRL_H

#include <glib.h>
#include <stdbool.h>

#include "store/fetcher.h"

typedef struct {
	const char *url;
	/* Of a certificate for which it is asked, as for revocation.h; NULL:
	 * none, then the CRL's signer is looked for among what is known. */
	const GPtrArray *path;
	const GPtrArray *others;
	const Anchors *anchors;
	const gint *stop; /* atomic: break off */
} FetchQuestion;

typedef enum {
	FETCH_STORED,
	FETCH_CONFIRMED, /* there is none newer */
	FETCH_FAILED,
} FetchOutcome;

/* Never fails silently: FETCH_FAILED has *error, also in the facts. */
FetchOutcome fetch_crl(Trust *trust, const FetcherRules *rules,
    const FetchQuestion *question, GError **error);

/* When facts, confirmed at now, are due again, and when after so many failures
 * in a row: without chance, so that it can be tested. */
gint64 fetch_crl_due(const CrlFacts *facts, gint refresh, gint64 now);
gint64 fetch_crl_backoff(guint failures);

#endif
