/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The socket on which the MTA reaches us. libmilter opens it; what libmilter
 * does not do is done here: a stale socket file, owner and mode, TCP_NODELAY,
 * errors that say what is wrong.
 */
#ifndef MILTER_LISTENER_H
#define MILTER_LISTENER_H

#include <glib.h>
#include <stdbool.h>

#include "milter/privileges.h"
#include "policy/settings.h"

/*
 * Behind smfi_register(). The file of a unix socket belongs to owner and
 * socket_group and has socket_mode from its first moment. The listening
 * descriptor, libmilter's; or -1, and no file of ours stays. ERROR_REFUSED:
 * another daemon listens there.
 */
int listener_open(
    const Settings *settings, const Account *owner, GError **error);

/* For a start that fails behind listener_open(): takes the file of a unix
 * socket away, as far as our rights reach. */
void listener_remove(const Settings *settings);

/* Opens a connection to it and closes it at once: that wakes libmilter. */
void listener_poke(int listener);

#endif
