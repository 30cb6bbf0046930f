/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A place where a program listens, as the settings and Postfix write it, and
 * whether it answers.
 */
#ifndef CTL_LISTENER_H
#define CTL_LISTENER_H

#include <glib.h>
#include <stdbool.h>

typedef struct {
	char *path; /* of a unix socket, else NULL */
	char *host; /* "" stands for every address */
	guint16 port;
} Listener;

/* "unix:PATH", "local:PATH", "inet:PORT@HOST", "inet6:PORT@HOST". NULL: none
 * of these. */
Listener *listener_parse(const char *text);
/* Postfix's forms: "unix:PATH", "inet:HOST:PORT", and a service of master.cf:
 * "HOST:PORT", "PORT", a service's name. NULL: none of these. */
Listener *listener_parse_postfix(const char *text);
Listener *listener_new(const char *host, guint16 port);
void listener_free(Listener *listener);

/* Both inet, the same port, and hosts that can be the same. */
bool listener_meets(const Listener *a, const Listener *b);
/* Only this host gets there. */
bool listener_is_private(const Listener *listener);

/* A connected socket with a timeout of some seconds, or -1. ERROR_PERMISSION,
 * ERROR_MISSING, ERROR_IO; the text is the reason alone. */
int listener_connect(const Listener *listener, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Listener, listener_free)

#endif
