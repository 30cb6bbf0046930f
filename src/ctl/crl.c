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

static const char *
state_of(const CrlFacts *facts, gint64 now)
{
	if (facts->issuer == NULL) {
		return "never fetched";
	}
	return facts->next_update != 0 && facts->next_update < now ? "expired"
								    : "valid";
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
		report_line(report, "  size: %" G_GINT64_FORMAT " bytes",
		    facts->size);
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

/* Filled by whichever thread fetches. */
typedef struct {
	pthread_mutex_t mutex;
	GPtrArray *urls;     /* of char * */
	GPtrArray *problems; /* of char *, NULL: it was stored */
} Told;

static void
take_told(gpointer data, const char *url, const char *problem)
{
	Told *told = data;

	pthread_mutex_lock(&told->mutex);
	g_ptr_array_add(told->urls, g_strdup(url));
	g_ptr_array_add(told->problems, g_strdup(problem));
	pthread_mutex_unlock(&told->mutex);
}

static void
report_told(Report *report, const Told *told)
{
	report_open_list(report, "items");
	for (guint i = 0; i < told->urls->len; i++) {
		const char *url = told->urls->pdata[i];
		const char *problem = told->problems->pdata[i];

		report_line(report, "%-8s %s%s%s",
		    problem == NULL ? "ok" : "failed", url,
		    problem != NULL ? ": " : "",
		    problem != NULL ? problem : "");
		report_open_object(report);
		report_text(report, "url", url);
		report_bool(report, "fetched", problem == NULL);
		report_text(report, "problem", problem);
		report_close_object(report);
	}
	report_close_list(report);
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

	if (!fetcher_refresh_all(fetcher, &asked, &failed, error)) {
		return -1;
	}
	report_told(command->report, told);
	if (asked == 0) {
		report_line(command->report,
		    "no URL is known yet: they come from the certificates of "
		    "mails");
	} else {
		report_line(command->report, "%u asked, %u failed", asked,
		    failed);
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
	told.urls = g_ptr_array_new_with_free_func(g_free);
	told.problems = g_ptr_array_new_with_free_func(g_free);
	code = refresh(command, stores, &told, error);
	g_ptr_array_unref(told.urls);
	g_ptr_array_unref(told.problems);
	return code;
}
