/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One table of the URLs that fail now. URLs come out of certificates of
 * others, so their number has a bound: beyond it the table starts anew and a
 * problem may be told twice.
 */
#include "config.h"

#include "milter/crlnews.h"

#include <pthread.h>
#include <stdbool.h>

#include "base/log.h"
#include "base/text.h"

#define URLS_MAX 1000
#define URL_SHOWN 300

static struct {
	pthread_mutex_t lock;
	GHashTable *problems; /* URL to problem, both owned; NULL: none yet */
} news = { .lock = PTHREAD_MUTEX_INITIALIZER };

static GHashTable *
table(void)
{
	if (news.problems == NULL) {
		news.problems = g_hash_table_new_full(
		    g_str_hash, g_str_equal, g_free, g_free);
	} else if (g_hash_table_size(news.problems) >= URLS_MAX) {
		g_hash_table_remove_all(news.problems);
	}
	return news.problems;
}

/* Whether this is news: problem NULL is when there was one before. */
static bool
note(const char *url, const char *problem)
{
	const char *before = NULL;
	bool fresh = false;

	pthread_mutex_lock(&news.lock);
	before = g_hash_table_lookup(table(), url);
	fresh = g_strcmp0(before, problem) != 0;
	if (problem == NULL) {
		g_hash_table_remove(news.problems, url);
	} else if (fresh) {
		g_hash_table_insert(
		    news.problems, g_strdup(url), g_strdup(problem));
	}
	pthread_mutex_unlock(&news.lock);
	return fresh;
}

void
crlnews_told(gpointer data, const char *url, const char *problem)
{
	g_autofree char *name = text_clean(url, URL_SHOWN);

	(void)data;
	if (!note(url, problem)) {
		log_debug("CRL of %s: %s", name,
		    problem != NULL ? problem : "fetched");
	} else if (problem == NULL) {
		log_notice("the CRL of %s can be had again", name);
	} else {
		log_warn("the CRL of %s cannot be had: %s; certificates that "
			 "need it are of unknown revocation",
		    name, problem);
	}
}
