/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Root gives its rights away before it reads or writes STATE: what lies there
 * belongs to the daemon's user, and neither must a file of root's be left
 * behind nor a link of that user's be followed with root's rights (DESIGN 4).
 */
#include "config.h"

#include "ctl/user.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

/* The account, with its strings in *buffer_out; false: no such user, or
 * *error. */
static bool
look_up(
    const char *name, struct passwd *account, char **buffer_out, GError **error)
{
	gsize size = 1024;

	for (;;) {
		g_autofree char *buffer = g_malloc(size);
		struct passwd *found = NULL;
		int failure = getpwnam_r(name, account, buffer, size, &found);

		if (failure == ERANGE && size < 1024 * 1024) {
			size *= 2;
			continue;
		}
		if (found != NULL) {
			*buffer_out = g_steal_pointer(&buffer);
			return true;
		}
		/* POSIX lets these mean "no such user" too. */
		if (failure != 0 && failure != ENOENT && failure != ESRCH &&
		    failure != EBADF && failure != EPERM) {
			g_set_error(error, ERROR_DOMAIN, ERROR_IO,
			    "looking for the user %s: %s", name,
			    g_strerror(failure));
		}
		return false;
	}
}

bool
user_exists(const char *name, bool *exists_out, uid_t *id_out, GError **error)
{
	g_autoptr(GError) failure = NULL;
	g_autofree char *buffer = NULL;
	struct passwd account = { 0 };

	if (look_up(name, &account, &buffer, &failure)) {
		*exists_out = true;
		*id_out = account.pw_uid;
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

static bool
become(const struct passwd *account, GError **error)
{
	if (initgroups(account->pw_name, account->pw_gid) != 0 ||
	    setgid(account->pw_gid) != 0 || setuid(account->pw_uid) != 0) {
		error_set_errno(
		    error, "becoming the user %s", account->pw_name);
		return false;
	}
	if (account->pw_uid != 0 && (setuid(0) == 0 || geteuid() == 0)) {
		g_set_error(error, ERROR_DOMAIN, ERROR_PERMISSION,
		    "became the user %s, but root's rights are still there",
		    account->pw_name);
		return false;
	}
	return true;
}

bool
user_become(const Settings *settings, GError **error)
{
	g_autoptr(GError) failure = NULL;
	g_autofree char *buffer = NULL;
	struct passwd account = { 0 };

	if (geteuid() != 0) {
		return true;
	}
	if (look_up(settings->user, &account, &buffer, &failure)) {
		return become(&account, error);
	}
	if (failure != NULL) {
		g_propagate_error(error, g_steal_pointer(&failure));
		return false;
	}
	return stay_root(settings, error);
}
