/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is a certificate revoked (RFC 5280 6.3.3)? The CRLs that answer for it are
 * put in groups of one scope each, newest first: the newest genuine complete
 * one of a group counts, with the newest genuine delta that fits on top of it.
 * The groups together must cover all reasons; what any of them calls revoked
 * is. A delta without its complete CRL acquits nobody, but may accuse.
 */
#include "config.h"

#include "crypto/revocation.h"

#include <string.h>

#include "crypto/cert-private.h"
#include "crypto/revocation-private.h"

/* Whether the signer of a CRL is revoked is asked, whether the signer of that
 * one's CRL is not. */
#define DEPTH 1

/* Why no CRL counted, what is said first comes first. */
typedef enum {
	FAULT_REASONS,
	FAULT_EXPIRED,
	FAULT_FORGED,
	FAULT_EARLY,
	FAULT_NO_BASE,
	FAULT_SCOPE,
	FAULT_NONE,
} Fault;

static const char *const FAULTS[] = {
	[FAULT_REASONS] = "the CRLs known do not cover all reasons",
	[FAULT_EXPIRED] = "the CRL has expired",
	[FAULT_FORGED] = "no genuine CRL is known",
	[FAULT_EARLY] = "the CRL is not yet valid",
	[FAULT_NO_BASE] = "only a delta CRL is known",
	[FAULT_SCOPE] = "no CRL is known that covers it",
	[FAULT_NONE] = "no CRL is known",
};

typedef struct {
	const Cert *cert;
	const GPtrArray *crls;
	const GPtrArray *others;
	const Anchors *anchors;
	gint64 at;
	guint depth;
	SignerSearch search;
	guint covered; /* reasons */
	Fault fault;
	CrlFinding finding;
	bool revoked;
	gint64 until;
} Inquiry;

const char *
revocation_name(RevocationStatus status)
{
	static const char *const NAMES[] = {
		[REVOCATION_GOOD] = "good",
		[REVOCATION_NOT_CHECKED] = "not checked",
		[REVOCATION_UNKNOWN] = "unknown",
		[REVOCATION_REVOKED] = "revoked",
	};

	return NAMES[status];
}

static void
note_fault(Inquiry *inquiry, Fault fault)
{
	inquiry->fault = MIN(inquiry->fault, fault);
}

/* By scope, then newest first. */
static gint
compare_crls(gconstpointer a_data, gconstpointer b_data)
{
	const Crl *a = *(Crl *const *)a_data;
	const Crl *b = *(Crl *const *)b_data;
	gint order = strcmp(a->scope, b->scope);

	if (order == 0) {
		order = crl_is_later(b, a) - crl_is_later(a, b);
	}
	return order;
}

static bool
is_named(const Crl *crl, const GPtrArray *keys)
{
	for (guint i = 0; i < keys->len; i++) {
		if (g_str_equal(keys->pdata[i], crl_issuer_key(crl))) {
			return true;
		}
	}
	return false;
}

static bool
is_timely(Inquiry *inquiry, const Crl *crl)
{
	if (crl->next_update != 0 && crl->next_update < inquiry->at) {
		note_fault(inquiry, FAULT_EXPIRED);
		return false;
	}
	if (crl->this_update > inquiry->at) {
		note_fault(inquiry, FAULT_EARLY);
		return false;
	}
	return true;
}

/* Those that may answer, sorted; of Crl, borrowed. */
static GPtrArray *
choose(Inquiry *inquiry)
{
	g_autoptr(DistPoints) points =
	    revocation_read_points(inquiry->cert, NID_crl_distribution_points);
	g_autoptr(GPtrArray) keys = revocation_issuer_keys(inquiry->cert);
	GPtrArray *chosen = g_ptr_array_new();

	for (guint i = 0; i < inquiry->crls->len; i++) {
		Crl *crl = inquiry->crls->pdata[i];

		if (!is_named(crl, keys)) {
			continue;
		}
		if (revocation_scope(crl, inquiry->cert, points) == 0) {
			note_fault(inquiry, FAULT_SCOPE);
		} else if (is_timely(inquiry, crl)) {
			g_ptr_array_add(chosen, crl);
		}
	}
	g_ptr_array_sort(chosen, compare_crls);
	return chosen;
}

static bool
is_genuine(Inquiry *inquiry, const Crl *crl)
{
	if (revocation_signer_fault(&inquiry->search, crl) == NULL) {
		return true;
	}
	note_fault(inquiry, FAULT_FORGED);
	return false;
}

static void
use(Inquiry *inquiry, const Crl *crl)
{
	if (crl->next_update != 0) {
		inquiry->until = MIN(inquiry->until, crl->next_update);
	}
}

/* A group is group[0] to group[count - 1]. */
static const Crl *
find_complete(Inquiry *inquiry, Crl *const *group, guint count)
{
	for (guint i = 0; i < count; i++) {
		if (!crl_is_delta(group[i]) && is_genuine(inquiry, group[i])) {
			return group[i];
		}
	}
	return NULL;
}

/* Says whether a delta settled the matter. */
static bool
ask_deltas(
    Inquiry *inquiry, Crl *const *group, guint count, const Crl *complete)
{
	for (guint i = 0; i < count; i++) {
		const Crl *delta = group[i];
		CrlFinding finding = { 0 };
		bool listed = false;
		bool fits = false;

		if (!crl_is_delta(delta) ||
		    (complete != NULL && !crl_is_later(delta, complete)) ||
		    !is_genuine(inquiry, delta)) {
			continue;
		}
		listed = crl_lookup(delta, inquiry->cert, &finding);
		fits = complete != NULL && crl_delta_fits(delta, complete);
		if (listed && !finding.removed) {
			use(inquiry, delta);
			inquiry->revoked = true;
			inquiry->finding = finding;
			return true;
		}
		if (fits) {
			use(inquiry, delta);
			return listed;
		}
	}
	return false;
}

static void
ask_group(
    Inquiry *inquiry, Crl *const *group, guint count, const DistPoints *points)
{
	const Crl *complete = find_complete(inquiry, group, count);
	bool settled = ask_deltas(inquiry, group, count, complete);
	CrlFinding finding = { 0 };

	if (complete == NULL) {
		note_fault(inquiry, FAULT_NO_BASE);
		return;
	}
	use(inquiry, complete);
	inquiry->covered |= revocation_scope(complete, inquiry->cert, points);
	note_fault(inquiry, FAULT_REASONS);
	if (!settled && crl_lookup(complete, inquiry->cert, &finding) &&
	    !finding.removed) {
		inquiry->revoked = true;
		inquiry->finding = finding;
	}
}

static void
ask_all(Inquiry *inquiry)
{
	g_autoptr(DistPoints) points =
	    revocation_read_points(inquiry->cert, NID_crl_distribution_points);
	g_autoptr(GPtrArray) chosen = choose(inquiry);
	Crl *const *crls = (Crl *const *)chosen->pdata;
	guint count = 0;

	for (guint i = 0; i < chosen->len && !inquiry->revoked; i += count) {
		count = 1;
		while (i + count < chosen->len &&
		    g_str_equal(crls[i]->scope, crls[i + count]->scope)) {
			count++;
		}
		ask_group(inquiry, crls + i, count, points);
	}
}

static void
write_result(const Inquiry *inquiry, Revocation *revocation_out)
{
	*revocation_out = (Revocation){ .until = inquiry->until };
	if (inquiry->revoked) {
		revocation_out->status = REVOCATION_REVOKED;
		revocation_out->reason = inquiry->finding.reason;
		revocation_out->since = inquiry->finding.since;
	} else if (inquiry->covered == REVOCATION_ALL_REASONS) {
		revocation_out->status = REVOCATION_GOOD;
	} else {
		revocation_out->status = REVOCATION_UNKNOWN;
		revocation_out->reason = FAULTS[inquiry->fault];
	}
}

static void inquire(Inquiry *inquiry, const GPtrArray *chain, guint position,
    Revocation *revocation_out);

/* No certificate of a signer's path is revoked. Unknown is no obstacle: the CA
 * may list that one only where this one leads. */
static bool
allow_signer(gpointer data, const GPtrArray *path)
{
	const Inquiry *asked = data;

	for (guint i = 0; i + 1 < path->len; i++) {
		Inquiry inquiry = {
			.crls = asked->crls,
			.others = asked->others,
			.anchors = asked->anchors,
			.at = asked->at,
			.depth = asked->depth + 1,
		};
		Revocation revocation;

		inquire(&inquiry, path, i, &revocation);
		if (revocation.status == REVOCATION_REVOKED) {
			return false;
		}
	}
	return true;
}

static void
inquire(Inquiry *inquiry, const GPtrArray *chain, guint position,
    Revocation *revocation_out)
{
	inquiry->cert = chain->pdata[position];
	inquiry->fault = FAULT_NONE;
	inquiry->until = G_MAXINT64;
	inquiry->search = (SignerSearch){
		.chain = chain,
		.first = position + 1,
		.judged = inquiry->cert,
		.others = inquiry->others,
		.anchors = inquiry->anchors,
		.at = inquiry->at,
		.allow = inquiry->depth < DEPTH ? allow_signer : NULL,
		.data = inquiry,
	};
	ask_all(inquiry);
	revocation_signer_clear(&inquiry->search);
	write_result(inquiry, revocation_out);
}

void
revocation_check(const GPtrArray *chain, guint position, const GPtrArray *crls,
    const GPtrArray *others, const Anchors *anchors, gint64 at,
    Revocation *revocation_out)
{
	Inquiry inquiry = {
		.crls = crls,
		.others = others,
		.anchors = anchors,
		.at = at,
	};

	if (position + 1 >= chain->len) {
		*revocation_out = (Revocation){ .status = REVOCATION_GOOD,
			.until = G_MAXINT64 };
		return;
	}
	inquire(&inquiry, chain, position, revocation_out);
}
