/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Root gives its rights away before it reads or writes STATE: what lies there
 * belongs to the daemon's user, and neither must a file of root's be left
 * behind nor a link of that user's be followed with root's rights (DESIGN 4).
 */
#include "config.h"

#include "ctl/user.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/account.h"
#include "base/error.h"

bool
user_exists(const char *name, bool *exists_out, uid_t *id_out, GError **error)
{
	g_autoptr(GError) failure = NULL;
	Account account = { 0 };

	if (account_find(name, &account, &failure)) {
		*exists_out = true;
		*id_out = account.uid;
		g_free(account.name);
		return true;
	}
	if (failure != NULL) {
		g_propagate_error(error, g_steal_pointer(&failure));
		return false;
	}
	*exists_out = false;
	return true;
}

static bool
stay_root(const Settings *settings, GError **error)
{
	struct stat status = { 0 };

	if (stat(settings->state_dir, &status) == 0 && status.st_uid == 0) {
		return true;
	}
	g_set_error(error, ERROR_DOMAIN, ERROR_SETTINGS,
	    "%s: there is no user \"%s\" (setting user): make it with "
	    "adduser --system --group %s, or name the owner of %s",
	    settings->file, settings->user, settings->user,
	    settings->state_dir);
	return false;
}

bool
user_become(const Settings *settings, GError **error)
{
	g_autoptr(GError) failure = NULL;
	Account account = { 0 };
	bool done;

	if (geteuid() != 0) {
		return true;
	}
	if (account_find(settings->user, &account, &failure)) {
		done = account_become(&account, error);
		g_free(account.name);
		return done;
	}
	if (failure != NULL) {
		g_propagate_error(error, g_steal_pointer(&failure));
		return false;
	}
	return stay_root(settings, error);
}
