/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A CRL by its URL. The body goes to an unnamed file in STATE/crls, so that a
 * large one never sits in memory, and is proved there: it must be a CRL, in
 * force, and signed by whom the path of the certificate that named the URL (or,
 * for a refresh, the anchors and known intermediates) allows. All else leaves
 * what is there, and is noted with a later time to ask again.
 */
#include "config.h"

#include "store/fetch-crl.h"

#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/text.h"
#include "store/fetch-http.h"

#define FETCH_SECONDS 60
#define A_MINUTE 60
#define A_DAY 86400
/* Clocks of CAs are not ours. */
#define SKEW_SECONDS 300

static gint64
seconds_now(void)
{
	return g_get_real_time() / G_USEC_PER_SEC;
}

gint64
fetch_crl_due(const CrlFacts *facts, gint refresh, gint64 now)
{
	gint64 life = facts->next_update - facts->this_update;
	gint64 left = facts->next_update - now;
	gint64 soonest = 0;

	if (facts->next_update == 0) {
		return now + MAX(refresh, A_DAY);
	}
	/* One that lives for minutes is not left to expire. */
	soonest = MIN(refresh, MAX(A_MINUTE, left / 10 * 8));
	return MAX(facts->this_update + life / 10 * 8, now + soonest);
}

gint64
fetch_crl_backoff(guint failures)
{
	gint64 seconds = A_MINUTE;

	for (guint i = 1; i < failures && seconds < A_DAY; i++) {
		seconds *= 2;
	}
	return MIN(seconds, A_DAY);
}

/* 10 % sooner or later, so that a thousand gateways do not come at once. */
static gint64
with_jitter(gint64 seconds)
{
	return seconds +
	    (gint64)((double)seconds * g_random_double_range(-0.1, 0.1));
}

static bool
refuse_date(const char *what, gint64 date, GError **error)
{
	g_autofree char *time = text_time(date);

	g_set_error(error, ERROR_DOMAIN, ERROR_UNFIT, "%s %s", what, time);
	return false;
}

static bool
is_in_force(const Crl *crl, GError **error)
{
	gint64 now = seconds_now();

	if (crl_this_update(crl) > now + SKEW_SECONDS) {
		return refuse_date(
		    "the CRL is not valid before", crl_this_update(crl), error);
	}
	if (crl_next_update(crl) != 0 && crl_next_update(crl) <= now) {
		return refuse_date(
		    "the CRL has expired at", crl_next_update(crl), error);
	}
	return true;
}

static bool
holds(GPtrArray *texts, const char *text)
{
	return g_ptr_array_find_with_equal_func(texts, text, g_str_equal, NULL);
}

static bool
names_url(const Cert *cert, const char *url)
{
	g_autoptr(GPtrArray) points = revocation_points(cert);

	for (guint i = 0; i < points->len; i++) {
		const RevocationPoint *point = points->pdata[i];

		if (holds(point->urls, url)) {
			return true;
		}
	}
	return false;
}

/* A genuine one of another issuer of the path would only take the place of the
 * one that was asked for. */
static bool
is_asked_for(const FetchQuestion *question, const Crl *crl, GError **error)
{
	for (guint i = 0; i + 1 < question->path->len; i++) {
		const Cert *cert = question->path->pdata[i];
		g_autoptr(GPtrArray) keys = revocation_issuer_keys(cert);

		if (names_url(cert, question->url) &&
		    holds(keys, crl_issuer_key(crl))) {
			return true;
		}
	}
	g_set_error(error, ERROR_DOMAIN, ERROR_UNFIT,
	    "the CRL is of another issuer: %s", crl_issuer(crl));
	return false;
}

static bool
is_as_before(const CrlFacts *facts, const Crl *crl, GError **error)
{
	if (facts->issuer_key == NULL ||
	    g_str_equal(facts->issuer_key, crl_issuer_key(crl))) {
		return true;
	}
	g_set_error(error, ERROR_DOMAIN, ERROR_UNFIT,
	    "the CRL is of another issuer than before: %s", crl_issuer(crl));
	return false;
}

/* facts: what is there. */
static bool
prove(Trust *trust, const FetcherRules *rules, const FetchQuestion *question,
    const CrlFacts *facts, const Crl *crl, GError **error)
{
	if (!is_in_force(crl, error)) {
		return false;
	}
	if (question->path == NULL) {
		return is_as_before(facts, crl, error) &&
		    trust_prove_crl(trust, rules->system, crl, NULL, error);
	}
	return is_asked_for(question, crl, error) &&
	    revocation_authentic(crl, question->path, question->others,
		question->anchors, seconds_now(), error);
}

static Crl *
parse_download(int file, GError **error)
{
	g_autoptr(GMappedFile) mapped =
	    g_mapped_file_new_from_fd(file, FALSE, error);
	g_autoptr(GBytes) content = NULL;
	Crl *crl = NULL;

	if (mapped == NULL) {
		return NULL;
	}
	content = g_mapped_file_get_bytes(mapped);
	crl = crl_new(content, error);
	if (crl == NULL) {
		g_prefix_error(error, "what came is not a CRL: ");
	}
	return crl;
}

/* A body that is sound and newer, or the same, is the success. */
static bool
take_body(Trust *trust, const FetcherRules *rules,
    const FetchQuestion *question, int file, CrlFacts *facts,
    FetchOutcome *outcome_out, GError **error)
{
	g_autoptr(Crl) crl = parse_download(file, error);
	CrlStored stored = CRL_STORED;

	if (crl == NULL || !prove(trust, rules, question, facts, crl, error) ||
	    !crls_add(
		trust_crls(trust), crl, question->url, facts, &stored, error)) {
		return false;
	}
	if (stored == CRL_OLDER) {
		g_set_error(error, ERROR_DOMAIN, ERROR_UNFIT,
		    "the CRL is older than the one in the cache");
		return false;
	}
	if (stored == CRL_NOT_IN_FORCE) {
		g_set_error(error, ERROR_DOMAIN, ERROR_UNFIT,
		    "the CRL has expired or is not valid yet; the one in the "
		    "cache stays");
		return false;
	}
	facts->this_update = crl_this_update(crl);
	facts->next_update = crl_next_update(crl);
	*outcome_out = stored == CRL_SAME ? FETCH_CONFIRMED : FETCH_STORED;
	return true;
}

static bool
is_still_in_force(const CrlFacts *facts, GError **error)
{
	if (facts->next_update != 0 && facts->next_update <= seconds_now()) {
		return refuse_date("the server has no newer CRL than the one "
				   "that expired at",
		    facts->next_update, error);
	}
	return true;
}

static bool
download(Trust *trust, const FetcherRules *rules, const FetchQuestion *question,
    CrlFacts *facts, int file, FetchOutcome *outcome_out, GError **error)
{
	const FetchRequest request = {
		.url = question->url,
		.etag = facts->id != NULL ? facts->etag : NULL,
		.last_modified =
		    facts->id != NULL ? facts->last_modified : NULL,
		.private_hosts = rules->private_hosts,
		.max_size = rules->max_size,
		.seconds = FETCH_SECONDS,
		.file = file,
		.stop = question->stop,
	};
	g_auto(FetchResult) result = { 0 };

	if (!fetch_http(&request, &result, error)) {
		return false;
	}
	if (result.unchanged) {
		*outcome_out = FETCH_CONFIRMED;
		return is_still_in_force(facts, error);
	}
	g_free(facts->etag);
	facts->etag = g_steal_pointer(&result.etag);
	g_free(facts->last_modified);
	facts->last_modified = g_steal_pointer(&result.last_modified);
	return take_body(
	    trust, rules, question, file, facts, outcome_out, error);
}

static void
note_success(CrlFacts *facts, const FetcherRules *rules)
{
	gint64 now = seconds_now();

	facts->fetched = now;
	facts->failures = 0;
	g_clear_pointer(&facts->trouble, g_free);
	facts->next_fetch =
	    now + with_jitter(fetch_crl_due(facts, rules->refresh, now) - now);
}

/* old: what was there before; its validators belong to the CRL that stays. */
static void
note_failure(CrlFacts *facts, const CrlFacts *old, const GError *reason)
{
	g_free(facts->etag);
	facts->etag = g_strdup(old->etag);
	g_free(facts->last_modified);
	facts->last_modified = g_strdup(old->last_modified);
	facts->failures = MIN(facts->failures, G_MAXUINT - 1) + 1;
	g_free(facts->trouble);
	facts->trouble = text_clean(reason->message, 500);
	facts->next_fetch =
	    seconds_now() + with_jitter(fetch_crl_backoff(facts->failures));
}

static bool
is_stopped(const FetchQuestion *question)
{
	return question->stop != NULL &&
	    __atomic_load_n(question->stop, __ATOMIC_ACQUIRE) != 0;
}

FetchOutcome
fetch_crl(Trust *trust, const FetcherRules *rules,
    const FetchQuestion *question, GError **error)
{
	CrlStore *store = trust_crls(trust);
	g_autoptr(CrlFacts) old = crls_facts(store, question->url);
	g_autoptr(CrlFacts) facts = NULL;
	g_autoptr(GError) reason = NULL;
	FetchOutcome outcome = FETCH_FAILED;
	int file = crls_temporary(store, error);
	bool sound = false;

	if (file == -1) {
		return FETCH_FAILED;
	}
	if (old == NULL) {
		old = g_new0(CrlFacts, 1);
		old->url = g_strdup(question->url);
	}
	facts = crls_facts_copy(old);
	sound =
	    download(trust, rules, question, facts, file, &outcome, &reason);
	close(file);
	if (sound) {
		note_success(facts, rules);
		return crls_note(store, facts, error) ? outcome : FETCH_FAILED;
	}
	/* That we end is no fault of the server. */
	if (!is_stopped(question)) {
		note_failure(facts, old, reason);
		(void)crls_note(store, facts, NULL);
	}
	g_propagate_error(error, g_steal_pointer(&reason));
	return FETCH_FAILED;
}
