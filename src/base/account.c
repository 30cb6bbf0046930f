/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Giving up root: supplementary groups first, then group, then user, then the
 * proof. No file is opened here but the system's own for users and groups.
 */
#include "config.h"

#include "base/account.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include "base/error.h"

#define BUFFER_MAX ((gsize)1024 * 1024)

bool
account_find(const char *name, Account *account_out, GError **error)
{
	for (gsize size = 1024;; size *= 2) {
		g_autofree char *buffer = g_malloc(size);
		struct passwd entry;
		struct passwd *found = NULL;
		int failure = getpwnam_r(name, &entry, buffer, size, &found);

		if (failure == ERANGE && size < BUFFER_MAX) {
			continue;
		}
		if (found != NULL) {
			*account_out = (Account){ .name = g_strdup(name),
				.uid = entry.pw_uid,
				.gid = entry.pw_gid };
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

static bool
is_account(const Account *account)
{
	uid_t real, effective, saved;
	gid_t real_group, effective_group, saved_group;

	return getresuid(&real, &effective, &saved) == 0 &&
	    getresgid(&real_group, &effective_group, &saved_group) == 0 &&
	    real == account->uid && effective == account->uid &&
	    saved == account->uid && real_group == account->gid &&
	    effective_group == account->gid && saved_group == account->gid;
}

bool
account_become(const Account *account, GError **error)
{
	if (initgroups(account->name, account->gid) != 0 ||
	    setresgid(account->gid, account->gid, account->gid) != 0 ||
	    setresuid(account->uid, account->uid, account->uid) != 0) {
		error_set_errno(error, "becoming user %s", account->name);
		return false;
	}
	if (!is_account(account) ||
	    (account->uid != 0 && (setuid(0) == 0 || seteuid(0) == 0))) {
		g_set_error(error, ERROR_DOMAIN, ERROR_PERMISSION,
		    "becoming user %s: root did not go", account->name);
		return false;
	}
	return true;
}
