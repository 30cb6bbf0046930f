/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the file of settings into Settings: what settings_load() does between
 * making an empty one and handing it out.
 */
#ifndef POLICY_LOADER_H
#define POLICY_LOADER_H

#include <glib.h>
#include <stdbool.h>

#include "policy/settings.h"

/*
 * settings: zeroed but for file. On failure it is half filled and can only be
 * freed. Errors as settings_load() has them.
 */
bool
loader_fill(Settings *settings, GError **error);

/* Transfer none: of OPTION_RULES. */
void
loader_free_rule(gpointer rule);

#endif
