/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whom to trust: anchors (STATE/trust and, by setting, the system's bundle),
 * collected intermediates, the CRL cache, joined into one verdict on a
 * certificate. Verdicts are remembered until the first date on the path or
 * nextUpdate passes, or anchors, intermediates or CRLs change. Thread-safe; no
 * lock is held while a verdict is worked out.
 */
#ifndef STORE_TRUST_H
#define STORE_TRUST_H

#include <glib.h>
#include <stdbool.h>

#include "crypto/verify.h"
#include "store/anchors.h"
#include "store/crls.h"
#include "store/intermediates.h"

typedef struct Trust Trust;

Trust *trust_new(const char *state_dir);
void trust_free(Trust *trust);
AnchorStore *trust_anchors(Trust *trust);
CrlStore *trust_crls(Trust *trust);
Intermediates *trust_intermediates(Trust *trust);

/*
 * Asked when the path stands and a CRL that may decide is missing or has
 * expired, or a distribution point may be asked that has given none yet:
 * fetches what the points of the certificates of path name, and waits for it at
 * most until deadline (monotonic microseconds; 0, or one that has passed: not
 * at all, it goes on in the background). Returns whether anything new came.
 * fetcher.h has the real one.
 */
typedef bool (*TrustFetch)(gpointer data, const GPtrArray *path,
    const GPtrArray *others, const Anchors *anchors, gint64 deadline);

/* One question after another, of one mail: the anchors as they were at its
 * beginning. */
typedef struct {
	Trust *trust;
	Anchors *anchors;
	bool system;       /* trust.system */
	guint64 version;   /* of all that a verdict depends on */
	bool check;        /* revocation.mode is not off */
	gint64 wait_until; /* monotonic microseconds: all fetching for this mail
			      ends; 0: no waiting */
	TrustFetch fetch;  /* NULL: nothing is fetched */
	gpointer fetch_data;
	bool dry; /* nothing is written */
} TrustView;

/* system: trust.system. ERROR as anchors_current(). The caller sets check,
 * wait_until, fetch, dry. */
bool trust_view_init(
    TrustView *view, Trust *trust, bool system, GError **error);
void trust_view_clear(TrustView *view);

/* A TrustJudge whose data is a TrustView. What is remembered is used only for
 * the time of now (at within a minute of the clock). CRLs of the message that
 * are genuine and newer are put into the cache. */
void trust_judge(gpointer view, const Cert *cert, const GPtrArray *others,
    const GPtrArray *crls, gint64 at, TrustVerdict *trust_out);

/*
 * Is crl genuine, when there is no certificate for which it is asked (a
 * refresh, an import)? Its signer is looked for among anchors, intermediates
 * and others (untrusted; may be NULL). false with ERROR_UNFIT: the reason.
 */
bool trust_prove_crl(Trust *trust, bool system, const Crl *crl,
    const GPtrArray *others, GError **error);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(TrustView, trust_view_clear)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Trust, trust_free)

#endif
