/* SPDX-License-Identifier: Apache-2.0 */
/*
 * STATE/crls: the CRL cache. Each CRL is its DER in a file of its own, and its
 * facts (URL, validators of HTTP, dates, issuer) in a small text file that is
 * written last: a crash leaves the old pair or the new one. At start only facts
 * are read; a CRL is mapped and parsed when it is first asked for, once for all
 * threads. What smimectl writes counts for the next mail (STATE/generation).
 * Nothing is fetched here. Thread-safe; many processes.
 */
#ifndef STORE_CRLS_H
#define STORE_CRLS_H

#include <glib.h>
#include <stdbool.h>

#include "crypto/crl.h"

typedef struct CrlStore CrlStore;

/* Why a URL is in the list, and what came of asking. */
typedef struct {
	char *url;        /* NULL: imported, or found in a mail */
	char *id;         /* of the file, hex */
	char *issuer;     /* text; NULL: never had one */
	char *issuer_key; /* NULL: never had one */
	char *number;     /* NULL: none */
	bool delta;
	gint64 this_update;
	gint64 next_update; /* 0: none */
	gint64 fetched;     /* when it was last confirmed; 0: never */
	gint64 size;        /* bytes of DER */
	char *etag;         /* validators; NULL: none */
	char *last_modified;
	gint64 next_fetch; /* when it is due; 0: never (no URL) */
	guint failures;    /* in a row */
	char *trouble;     /* the last failure, NULL after a success */
} CrlFacts;

CrlFacts *crls_facts_copy(const CrlFacts *facts);
void crls_facts_free(CrlFacts *facts);

CrlStore *crls_new(const char *state_dir);
void crls_free(CrlStore *store);

/* The CRLs whose issuer key is one of keys (of char *); of Crl, transfer full.
 * A file that is broken is left out, and its trouble noted in its facts. */
GPtrArray *crls_find(CrlStore *store, const GPtrArray *keys, GError **error);
/* Whether the very same one is there. */
bool crls_has(CrlStore *store, const Crl *crl);
/* The facts of a URL, transfer full; NULL: it was never asked for. */
CrlFacts *crls_facts(CrlStore *store, const char *url);
/* All facts, of CrlFacts, sorted by URL, those without one last; transfer
 * full. */
GPtrArray *crls_list(CrlStore *store, GError **error);

typedef enum {
	CRL_STORED,
	CRL_SAME,  /* the same bytes are there */
	CRL_OLDER, /* a newer one of the same scope is there */
	CRL_NOT_IN_FORCE, /* it has expired or is not valid yet, and one of the
			     same scope that is in force is there */
} CrlStored;

/*
 * Keeps crl, which the caller has found genuine (revocation_authentic()). url
 * NULL: imported or found in a mail; at most CRLS_WITHOUT_URL such ones, the
 * oldest goes. facts (may be NULL): etag and last_modified are taken from it.
 * Never replaces a newer one, nor one in force by one that is not: that would
 * let a revoked certificate pass. STATE/generation changes when it was stored.
 */
#define CRLS_WITHOUT_URL 1000
bool crls_add(CrlStore *store, Crl *crl, const char *url, const CrlFacts *facts,
    CrlStored *stored_out, GError **error);
/* Notes what came of asking a URL (a new one makes new facts): fetched,
 * next_fetch, failures, trouble, validators. At most CRLS_URLS URLs are known;
 * those without a CRL go first. */
#define CRLS_URLS 10000
bool crls_note(CrlStore *store, const CrlFacts *facts, GError **error);

/* What is due to be fetched again at now, or NULL; only URLs that have given a
 * CRL. *next_out: when the next one is, at the latest. */
CrlFacts *crls_due(CrlStore *store, gint64 now, gint64 *next_out);
/* An empty file in STATE/crls without a name, for a download; -1: *error. */
int crls_temporary(CrlStore *store, GError **error);
/* Removes what a crash has left there. */
void crls_sweep(CrlStore *store);

/* Changes whenever a CRL was stored, by whomever. */
guint64 crls_generation(CrlStore *store);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(CrlFacts, crls_facts_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CrlStore, crls_free)

#endif
