/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon's rights: whose they are, no new ones, no core dumps, enough open
 * files. Before there are threads. base/account.c gives up root.
 */
#include "config.h"

#include "milter/privileges.h"

#include <errno.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/error.h"

bool
privileges_find(const char *user, Account *account_out, GError **error)
{
	g_autoptr(GError) failure = NULL;
	Account account = { 0 };

	if (!account_find(user, &account, &failure)) {
		if (failure == NULL) {
			g_set_error(&failure, ERROR_DOMAIN, ERROR_SETTINGS,
			    "user: there is no user \"%s\" on this machine",
			    user);
		}
		g_propagate_error(error, g_steal_pointer(&failure));
		return false;
	}
	if (account.uid == 0) {
		g_set_error(error, ERROR_DOMAIN, ERROR_SETTINGS,
		    "user: \"%s\" is root; name a user without rights", user);
		g_free(account.name);
		return false;
	}
	*account_out = account;
	return true;
}

bool
privileges_drop(const Account *account, GError **error)
{
	if (geteuid() == 0) {
		if (!account_become(account, error)) {
			return false;
		}
	} else if (geteuid() != account->uid) {
		g_set_error(error, ERROR_DOMAIN, ERROR_PERMISSION,
		    "started as user number %lu, but the setting user is %s: "
		    "start as root or as %s",
		    (gulong)geteuid(), account->name, account->name);
		return false;
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
		error_set_errno(error, "no new privileges");
		return false;
	}
	return true;
}

void
privileges_hide_memory(void)
{
	const struct rlimit none = { 0, 0 };

	(void)setrlimit(RLIMIT_CORE, &none);
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

gulong
privileges_raise_files(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) != 0) {
		return 1024;
	}
	files.rlim_cur = files.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &files);
	return getrlimit(RLIMIT_NOFILE, &files) == 0 ? files.rlim_cur : 1024;
}
