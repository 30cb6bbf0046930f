/* SPDX-License-Identifier: Apache-2.0 */
/*
 * smimectl crl: the revocation lists that the daemon keeps. list reads their
 * facts alone; refresh fetches by the rules of the settings, in this process;
 * import takes one from a file if its signer can be found and reaches an
 * anchor.
 */
#include "config.h"

#include <pthread.h>

#include "base/error.h"
#include "base/text.h"
#include "ctl/input.h"
#include "ctl/stores.h"
#include "ctl/verbs.h"
#include "store/fetcher.h"

/* Some millions of entries. */
#define FILE_MAX ((gsize)512 * 1024 * 1024)

static const char *
state_of(const CrlFacts *facts, gint64 now)
{
	if (facts->issuer == NULL) {
		return "never fetched";
	}
	if (facts->next_update != 0 && facts->next_update < now) {
		return "expired";
	}
	return facts->this_update > now ? "not yet valid" : "valid";
}

static void
print_text(Report *report, const char *name, const char *text)
{
	if (text != NULL) {
		report_line(report, "  %s: %s", name, text);
	}
}

static void
print_time(Report *report, const char *name, gint64 seconds)
{
	g_autofree char *text = seconds != 0 ? text_time(seconds) : NULL;

	print_text(report, name, text);
}

static void
print_facts(Report *report, const CrlFacts *facts, gint64 now)
{
	report_line(report, "%s",
	    facts->url != NULL ? facts->url : "imported, or found in a mail");
	print_text(report, "state", state_of(facts, now));
	print_text(report, "issuer", facts->issuer);
	print_text(report, "number", facts->number);
	if (facts->issuer != NULL) {
		print_text(report, "kind", facts->delta ? "delta" : "complete");
		report_line(
		    report, "  size: %" G_GINT64_FORMAT " bytes", facts->size);
	}
	print_time(report, "this update", facts->this_update);
	print_time(report, "next update", facts->next_update);
	print_time(report, "fetched", facts->fetched);
	print_time(report, "next fetch", facts->next_fetch);
	if (facts->failures > 0) {
		report_line(report, "  failures: %u in a row", facts->failures);
	}
	print_text(report, "trouble", facts->trouble);
}

static void
report_facts(Report *report, const CrlFacts *facts, gint64 now)
{
	print_facts(report, facts, now);
	report_open_object(report);
	report_text(report, "url", facts->url);
	report_text(report, "state", state_of(facts, now));
	report_text(report, "issuer", facts->issuer);
	report_text(report, "number", facts->number);
	report_bool(report, "delta", facts->delta);
	report_number(report, "size", facts->size);
	report_time(report, "this_update", facts->this_update);
	report_time(report, "next_update", facts->next_update);
	report_time(report, "fetched", facts->fetched);
	report_time(report, "next_fetch", facts->next_fetch);
	report_number(report, "failures", facts->failures);
	report_text(report, "trouble", facts->trouble);
	report_close_object(report);
}

int
crl_list(Command *command, GError **error)
{
	gint64 now = g_get_real_time() / G_USEC_PER_SEC;
	g_autoptr(CrlStore) store = NULL;
	g_autoptr(GPtrArray) all = NULL;

	if (!command_enter(command, error)) {
		return -1;
	}
	store = crls_new(command->settings->state_dir);
	all = crls_list(store, error);
	if (all == NULL) {
		return -1;
	}
	report_open_list(command->report, "items");
	for (guint i = 0; i < all->len; i++) {
		report_facts(command->report, all->pdata[i], now);
	}
	report_close_list(command->report);
	return COMMAND_YES;
}

/* ---- refresh ---- */

/* What came of a URL, filled by whichever thread fetches; one that is
 * unchanged is not told. */
typedef struct {
	pthread_mutex_t mutex;
	GHashTable *problems; /* URL -> why not, "" when it was stored */
} Told;

static void
take_told(gpointer data, const char *url, const char *problem)
{
	Told *told = data;

	pthread_mutex_lock(&told->mutex);
	g_hash_table_replace(told->problems, g_strdup(url),
	    g_strdup(problem != NULL ? problem : ""));
	pthread_mutex_unlock(&told->mutex);
}

static void
report_url(Report *report, const char *url, const char *problem)
{
	bool failed = problem != NULL && *problem != '\0';
	const char *result = failed ? "failed"
	    : problem != NULL       ? "fetched"
				    : "unchanged";

	report_line(report, "%-9s %s%s%s", result, url, failed ? ": " : "",
	    failed ? problem : "");
	report_open_object(report);
	report_text(report, "url", url);
	report_text(report, "result", result);
	report_text(report, "problem", failed ? problem : NULL);
	report_close_object(report);
}

static bool
report_told(Report *report, CrlStore *store, const Told *told, GError **error)
{
	g_autoptr(GPtrArray) all = crls_list(store, error);

	if (all == NULL) {
		return false;
	}
	report_open_list(report, "items");
	for (guint i = 0; i < all->len; i++) {
		const CrlFacts *facts = all->pdata[i];

		if (facts->url != NULL) {
			report_url(report, facts->url,
			    g_hash_table_lookup(told->problems, facts->url));
		}
	}
	report_close_list(report);
	return true;
}

static int
refresh(Command *command, Stores *stores, Told *told, GError **error)
{
	const Settings *settings = command->settings;
	const FetcherRules rules = {
		.private_hosts = settings->revocation.private_hosts,
		.max_size = settings->revocation.max_size,
		.refresh = settings->revocation.refresh,
		.system = settings->trust_system,
	};
	g_autoptr(Fetcher) fetcher =
	    fetcher_new(stores->trust, &rules, take_told, told);
	guint asked = 0;
	guint failed = 0;

	if (!fetcher_refresh_all(fetcher, &asked, &failed, error) ||
	    !report_told(
		command->report, trust_crls(stores->trust), told, error)) {
		return -1;
	}
	if (asked == 0) {
		report_line(command->report,
		    "no URL is known yet: they come from the certificates of "
		    "mails");
	} else {
		report_line(
		    command->report, "%u asked, %u failed", asked, failed);
	}
	return failed > 0 ? COMMAND_NO : COMMAND_YES;
}

int
crl_refresh(Command *command, GError **error)
{
	g_autoptr(Stores) stores = NULL;
	Told told = { .mutex = PTHREAD_MUTEX_INITIALIZER };
	int code;

	if (!command_enter(command, error) ||
	    !command_need_state(command, error)) {
		return -1;
	}
	stores = stores_open(command, error);
	if (stores == NULL) {
		return -1;
	}
	told.problems =
	    g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	code = refresh(command, stores, &told, error);
	g_hash_table_unref(told.problems);
	return code;
}

/* ---- import ---- */

static const char *const stored_words[] = {
	[CRL_STORED] = "stored",
	[CRL_SAME] = "same",
	[CRL_OLDER] = "older",
	[CRL_NOT_IN_FORCE] = "not in force",
};

static const char *const stored_texts[] = {
	[CRL_STORED] = "stored: it counts from the next mail on",
	[CRL_SAME] = "the same one is there already",
	[CRL_OLDER] = "not stored: a newer one is there",
	[CRL_NOT_IN_FORCE] = "not stored: not in force; a valid one is there",
};

/* Whoever signed it must be there. ERROR_UNFIT says what to do. */
static bool
check_genuine(
    Stores *stores, const Crl *crl, const GPtrArray *companions, GError **error)
{
	if (trust_prove_crl(stores->trust, stores->settings->trust_system, crl,
		companions, error)) {
		return true;
	}
	g_prefix_error(
	    error, "the CRL of %s cannot be trusted: ", crl_issuer(crl));
	return false;
}

static void
report_imported(Report *report, const Crl *crl, CrlStored stored, gint64 now)
{
	report_line(report, "%s", stored_texts[stored]);
	print_text(report, "issuer", crl_issuer(crl));
	print_text(report, "number", crl_number(crl));
	print_text(report, "kind", crl_is_delta(crl) ? "delta" : "complete");
	report_line(report, "  entries: %u", crl_count(crl));
	print_time(report, "this update", crl_this_update(crl));
	print_time(report, "next update", crl_next_update(crl));
	if (crl_next_update(crl) != 0 && crl_next_update(crl) < now) {
		report_warning("this CRL has expired: it says nothing any "
			       "more; get a newer one");
	} else if (crl_this_update(crl) > now) {
		report_warning("this CRL is not valid yet: it says nothing "
			       "before its this update; is the clock right?");
	}
	report_open_list(report, "items");
	report_open_object(report);
	report_text(report, "result", stored_words[stored]);
	report_text(report, "fingerprint", crl_fingerprint(crl));
	report_text(report, "issuer", crl_issuer(crl));
	report_text(report, "number", crl_number(crl));
	report_bool(report, "delta", crl_is_delta(crl));
	report_number(report, "entries", crl_count(crl));
	report_time(report, "this_update", crl_this_update(crl));
	report_time(report, "next_update", crl_next_update(crl));
	report_close_object(report);
	report_close_list(report);
}

/* The certificates that lie beside a CRL in a PEM file; often none. */
static GPtrArray *
read_companions(GBytes *content)
{
	GPtrArray *certs = cert_read_all(content, NULL);

	return certs != NULL
	    ? certs
	    : g_ptr_array_new_with_free_func((GDestroyNotify)cert_unref);
}

static int
import(Command *command, GBytes *content, GError **error)
{
	g_autoptr(Crl) crl = crl_new(content, error);
	g_autoptr(GPtrArray) companions = read_companions(content);
	g_autoptr(Stores) stores = NULL;
	CrlStored stored = CRL_STORED;

	if (crl == NULL) {
		return -1;
	}
	stores = stores_open(command, error);
	if (stores == NULL || !check_genuine(stores, crl, companions, error) ||
	    !crls_add(
		trust_crls(stores->trust), crl, NULL, NULL, &stored, error)) {
		return -1;
	}
	report_imported(command->report, crl, stored, stores->now);
	return stored == CRL_OLDER || stored == CRL_NOT_IN_FORCE ? COMMAND_NO
								 : COMMAND_YES;
}

int
crl_import(Command *command, GError **error)
{
	const char *path = command_operand(command, 0);
	g_autoptr(GBytes) content = input_read(path, FILE_MAX, error);
	int code;

	if (content == NULL || !command_enter(command, error) ||
	    !command_need_state(command, error)) {
		return -1;
	}
	code = import(command, content, error);
	if (code < 0) {
		g_prefix_error(error, "%s: ", path);
	}
	return code;
}
