/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all connections share: the engine of the current settings, how many
 * connections and mails there are, whether the daemon is stopping. Thread-safe.
 */
#ifndef MILTER_SERVICE_H
#define MILTER_SERVICE_H

#include <glib.h>
#include <stdbool.h>

#include "gateway/gateway.h"

typedef struct Service Service;

/* Takes a reference of gateway. connections_max: above it connections are
 * turned away. */
Service *service_new(Gateway *gateway, guint connections_max);
void service_free(Service *service);

/* The engine as it is now; transfer full. Whoever holds it keeps the settings
 * it began with. */
Gateway *service_gateway(Service *service);
/* From now on new mails get this one. Takes a reference. */
void service_replace(Service *service, Gateway *gateway);

/* false: there are too many; nothing is counted then. */
bool service_connect(Service *service);
void service_disconnect(Service *service);

/* A mail begins: its engine, transfer full. NULL while the daemon stops: the
 * mail is to be refused, and is not counted. */
Gateway *service_begin(Service *service);
void service_end(Service *service);

/* Lets no new mail begin and waits until those under way have ended, at most
 * so many seconds. How many are still there. */
guint service_drain(Service *service, guint seconds);

#endif
