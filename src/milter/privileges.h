/* SPDX-License-Identifier: Apache-2.0 */
/* What the daemon may do, and how it gets rid of the rest. */
#ifndef MILTER_PRIVILEGES_H
#define MILTER_PRIVILEGES_H

#include <glib.h>
#include <stdbool.h>

#include "base/account.h"

/* ERROR_SETTINGS: no such user, or root. Freed with g_free(name). */
bool privileges_find(const char *user, Account *account_out, GError **error);

/*
 * From root to account, for good: groups, IDs, and a look whether root is
 * really gone; no new privileges from then on. Not started as root: nothing to
 * give up, but the user must be this account (ERROR_PERMISSION).
 */
bool privileges_drop(const Account *account, GError **error);

/* No core dumps and no debugger of other users: keys lie in memory. Again
 * after privileges_drop(), since the kernel sets it back. */
void privileges_hide_memory(void);

/* As many open files as the hard limit allows. How many that are. */
gulong privileges_raise_files(void);

#endif
