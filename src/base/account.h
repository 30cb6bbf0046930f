/* SPDX-License-Identifier: Apache-2.0 */
/* A user of the system, and becoming it for good. */
#ifndef BASE_ACCOUNT_H
#define BASE_ACCOUNT_H

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

typedef struct {
	char *name; /* freed with g_free(name) */
	uid_t uid;
	gid_t gid;
} Account;

/* false without *error: there is no such user. Thread-safe. */
bool
account_find(const char *name, Account *account_out, GError **error);

/*
 * From root to account: supplementary groups, group, user, all three IDs each,
 * then a look whether root is really gone (ERROR_PERMISSION). Before there are
 * threads. root itself as account changes nothing but the groups.
 */
bool
account_become(const Account *account, GError **error);

#endif
