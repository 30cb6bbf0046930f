/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one piece of state that threads share. POSIX mutexes in this room, not
 * GLib's: the thread sanitizer understands these.
 */
#include "config.h"

#include "milter/service.h"

#include <pthread.h>
#include <time.h>

#include "base/log.h"

/* Seconds between two warnings of too many connections. */
#define WARN_EVERY 60

struct Service {
	pthread_mutex_t lock;
	pthread_cond_t ended; /* a mail ended while draining */
	Gateway *gateway;
	guint connections;
	guint connections_max;
	gint64 warned_at; /* monotonic microseconds */
	guint mails;
	bool draining;
};

Service *
service_new(Gateway *gateway, guint connections_max)
{
	Service *service = g_new0(Service, 1);
	pthread_condattr_t attributes;

	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&service->ended, &attributes);
	pthread_condattr_destroy(&attributes);
	pthread_mutex_init(&service->lock, NULL);
	service->gateway = gateway_ref(gateway);
	service->connections_max = connections_max;
	service->warned_at = G_MININT64 / 2;
	return service;
}

void
service_free(Service *service)
{
	if (service == NULL) {
		return;
	}
	gateway_unref(service->gateway);
	pthread_cond_destroy(&service->ended);
	pthread_mutex_destroy(&service->lock);
	g_free(service);
}

Gateway *
service_gateway(Service *service)
{
	Gateway *gateway;

	pthread_mutex_lock(&service->lock);
	gateway = gateway_ref(service->gateway);
	pthread_mutex_unlock(&service->lock);
	return gateway;
}

void
service_replace(Service *service, Gateway *gateway)
{
	Gateway *old;

	pthread_mutex_lock(&service->lock);
	old = service->gateway;
	service->gateway = gateway_ref(gateway);
	pthread_mutex_unlock(&service->lock);
	gateway_unref(old);
}

/* Under the lock. Each connection turned away would fill the log. */
static bool
may_warn(Service *service)
{
	gint64 now = g_get_monotonic_time();

	if (now - service->warned_at < WARN_EVERY * G_USEC_PER_SEC) {
		return false;
	}
	service->warned_at = now;
	return true;
}

bool
service_connect(Service *service)
{
	bool taken;
	bool warn;

	pthread_mutex_lock(&service->lock);
	taken = service->connections < service->connections_max;
	warn = !taken && may_warn(service);
	service->connections += taken ? 1 : 0;
	pthread_mutex_unlock(&service->lock);
	if (warn) {
		log_warn("more than %u connections: further ones are turned "
			 "away; raise the limit of open files (LimitNOFILE=)",
		    service->connections_max);
	}
	return taken;
}

void
service_disconnect(Service *service)
{
	pthread_mutex_lock(&service->lock);
	service->connections--;
	pthread_mutex_unlock(&service->lock);
}

Gateway *
service_begin(Service *service)
{
	Gateway *gateway = NULL;

	pthread_mutex_lock(&service->lock);
	if (!service->draining) {
		service->mails++;
		gateway = gateway_ref(service->gateway);
	}
	pthread_mutex_unlock(&service->lock);
	return gateway;
}

void
service_end(Service *service)
{
	pthread_mutex_lock(&service->lock);
	service->mails--;
	if (service->draining && service->mails == 0) {
		pthread_cond_signal(&service->ended);
	}
	pthread_mutex_unlock(&service->lock);
}

guint
service_drain(Service *service, guint seconds)
{
	struct timespec until;
	guint left;
	int fault = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += (time_t)seconds;
	pthread_mutex_lock(&service->lock);
	service->draining = true;
	if (service->mails > 0) {
		log_notice("waiting for %u mails under way", service->mails);
	}
	while (service->mails > 0 && fault == 0) {
		fault = pthread_cond_timedwait(
		    &service->ended, &service->lock, &until);
	}
	left = service->mails;
	pthread_mutex_unlock(&service->lock);
	return left;
}
