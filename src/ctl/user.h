/* SPDX-License-Identifier: Apache-2.0 */
/* Becoming the user to whom STATE belongs. */
#ifndef CTL_USER_H
#define CTL_USER_H

#include <glib.h>
#include <stdbool.h>

#include "policy/settings.h"

/*
 * Started as root: becomes settings->user, with its groups, for good. Without
 * such a user root stays root where STATE belongs to root, else
 * ERROR_SETTINGS. Anybody else stays who they are.
 */
bool user_become(const Settings *settings, GError **error);

/* Is there such a user? ERROR_IO: could not find out. */
bool user_exists(
    const char *name, bool *exists_out, uid_t *id_out, GError **error);

#endif
