/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daily look. Each round takes the engine as it is then. A round can take
 * long (many identities, a listener that does not answer), which is why it has
 * a thread; the program ends without waiting for it.
 */
#include "config.h"

#include "milter/watch.h"

#include <pthread.h>
#include <time.h>

#include "base/log.h"
#include "base/text.h"
#include "milter/reinject.h"
#include "store/directory.h"
#include "store/ledger.h"

#define DAY 86400
#define WARN_DAYS 30

static struct {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	Service *service;
	bool again;
	bool ended;
} watch = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void
warn_address(const char *address, gint64 not_after, gint64 now)
{
	g_autofree char *name = text_clean(address, 200);
	g_autofree char *when = text_time(not_after);

	if (not_after < now) {
		log_warn("the certificate of %s ran out at %s: its mail is no "
			 "longer signed; import a new one with smimectl key "
			 "import",
		    name, when);
	} else if (not_after < now + (gint64)WARN_DAYS * DAY) {
		log_warn("the certificate of %s runs out at %s: import a new "
			 "one with smimectl key import",
		    name, when);
	}
}

/* The list is sorted by address; of several identities of one the latest end
 * counts. */
static void
look_at_identities(Gateway *gateway)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) list =
	    identities_list(gateway_identities(gateway), &error);
	gint64 now = g_get_real_time() / G_USEC_PER_SEC;
	guint i = 0;

	if (list == NULL) {
		log_err("the identities cannot be listed: %s", error->message);
		return;
	}
	while (i < list->len) {
		const IdentityEntry *first = list->pdata[i];
		gint64 latest = G_MININT64;

		for (; i < list->len; i++) {
			const IdentityEntry *entry = list->pdata[i];

			if (g_strcmp0(entry->address, first->address) != 0) {
				break;
			}
			if (entry->identity == NULL) {
				log_err("%s", entry->problem);
				continue;
			}
			latest = MAX(latest,
			    cert_not_after(keyring_cert(entry->identity)));
		}
		if (latest != G_MININT64) {
			warn_address(first->address, latest, now);
		}
	}
}

static void
look_at_listener(const Settings *settings)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(Reinject) reinject = NULL;

	if (settings->reinject_host == NULL) {
		return;
	}
	reinject = reinject_open(settings->reinject_host,
	    settings->reinject_port, g_get_host_name(), &smtp_timeouts, &error);
	if (reinject == NULL) {
		log_warn("the listener of the setting reinject, %s, does not "
			 "take mail: %s; until it does, mail that needs more "
			 "than one copy is a temporary failure",
		    settings->reinject, error->message);
	}
}

/* What waits too long goes; what waits is for somebody to decide. */
static void
look_at_pending(const Settings *settings, Directory *directory)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) pending = NULL;
	guint dropped = 0;

	if (!directory_sweep(directory, &dropped, &error)) {
		log_warn("the certificates that wait cannot be looked through: "
			 "%s",
		    error->message);
		return;
	}
	if (dropped > 0) {
		log_notice("%u certificates had waited for %d days and were "
			   "dropped",
		    dropped, DIRECTORY_PENDING_DAYS);
	}
	pending = directory_pending(directory, NULL);
	if (pending != NULL && pending->len > 0) {
		log_notice("%u of at most %d certificates wait for a decision: "
			   "smimectl cert pending",
		    pending->len, settings->harvest.max_pending);
	}
}

static void
look(void)
{
	g_autoptr(Gateway) gateway = service_gateway(watch.service);
	const Settings *settings = gateway_settings(gateway);

	look_at_identities(gateway);
	look_at_listener(settings);
	look_at_pending(settings, gateway_directory(gateway));
	ledger_sweep(settings->state_dir);
}

static void *
run(void *unused)
{
	(void)unused;
	pthread_mutex_lock(&watch.lock);
	while (!watch.ended) {
		struct timespec until;

		watch.again = false;
		pthread_mutex_unlock(&watch.lock);
		look();
		pthread_mutex_lock(&watch.lock);
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_sec += DAY;
		while (!watch.ended && !watch.again &&
		    pthread_cond_timedwait(&watch.wake, &watch.lock, &until) ==
			0) {
			/* woken for nothing */
		}
	}
	pthread_mutex_unlock(&watch.lock);
	return NULL;
}

bool
watch_start(Service *service)
{
	pthread_condattr_t attributes;
	pthread_t thread;

	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&watch.wake, &attributes);
	pthread_condattr_destroy(&attributes);
	watch.service = service;
	return pthread_create(&thread, NULL, run, NULL) == 0 &&
	    pthread_detach(thread) == 0;
}

static void
wake(bool end)
{
	pthread_mutex_lock(&watch.lock);
	watch.again = true;
	watch.ended = watch.ended || end;
	pthread_cond_signal(&watch.wake);
	pthread_mutex_unlock(&watch.lock);
}

void
watch_again(void)
{
	wake(false);
}

void
watch_stop(void)
{
	wake(true);
}
