/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Giving up root: supplementary groups first, then group, then user, all three
 * IDs each, then the proof. Before there are threads. No file is opened here.
 */
#include "config.h"

#include "milter/privileges.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/error.h"

bool
privileges_find(const char *user, Account *account_out, GError **error)
{
	const struct passwd *entry;

	errno = 0;
	entry = getpwnam(user);
	if (entry == NULL) {
		g_set_error(error, ERROR_DOMAIN, ERROR_SETTINGS,
		    "user: there is no user \"%s\" on this machine", user);
		return false;
	}
	if (entry->pw_uid == 0) {
		g_set_error(error, ERROR_DOMAIN, ERROR_SETTINGS,
		    "user: \"%s\" is root; name a user without rights", user);
		return false;
	}
	*account_out = (Account){ .name = g_strdup(user),
		.uid = entry->pw_uid,
		.gid = entry->pw_gid };
	return true;
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

static bool
leave_root(const Account *account, GError **error)
{
	if (initgroups(account->name, account->gid) != 0 ||
	    setresgid(account->gid, account->gid, account->gid) != 0 ||
	    setresuid(account->uid, account->uid, account->uid) != 0) {
		error_set_errno(error, "becoming user %s", account->name);
		return false;
	}
	if (!is_account(account) || setuid(0) == 0 || seteuid(0) == 0) {
		g_set_error(error, ERROR_DOMAIN, ERROR_PERMISSION,
		    "becoming user %s: root did not go", account->name);
		return false;
	}
	return true;
}

bool
privileges_drop(const Account *account, GError **error)
{
	if (geteuid() == 0) {
		if (!leave_root(account, error)) {
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
