/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Owner, group and mode on the way to a unix socket, judged for another user:
 * it takes search permission on each directory and write permission on the
 * socket itself (unix(7)). Postfix's processes keep the supplementary groups
 * of their user, so these count. One thread: group names are looked up.
 */
#include "config.h"

#include "ctl/reach.h"

#include <grp.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "base/account.h"

#define GROUPS_MAX 256
#define MAY_SEARCH 1
#define MAY_WRITE 2

typedef struct {
	Check *check;
	Account account;
	gid_t groups[GROUPS_MAX];
	int count;
} Client;

static bool
is_in_group(const Client *client, gid_t group)
{
	for (int i = 0; i < client->count; i++) {
		if (client->groups[i] == group) {
			return true;
		}
	}
	return false;
}

static bool
is_allowed(const Client *client, const char *path, const struct stat *status,
    mode_t need)
{
	mode_t mode = status->st_mode;

	if (client->account.uid == 0 ||
	    getxattr(path, "system.posix_acl_access", NULL, 0) > 0) {
		return true;
	}
	if (status->st_uid == client->account.uid) {
		mode >>= 6;
	} else if (is_in_group(client, status->st_gid)) {
		mode >>= 3;
	}
	return (mode & need) != 0;
}

static void
refuse_directory(
    const Client *client, const char *path, const struct stat *status, bool own)
{
	const struct group *group = getgrgid(client->account.gid);
	const char *name = group != NULL ? group->gr_name : "postfix";
	const char *user = client->check->settings->user;
	g_autofree char *cure = own
	    ? g_strdup_printf("install -d -m 750 -o %s -g %s %s, or put the "
			      "socket elsewhere (listen)",
		  user, name, path)
	    : g_strdup_printf("chmod o+x %s, or put the socket elsewhere "
			      "(listen)",
		  path);

	check_fail(client->check, "socket",
	    "Postfix (user %s) cannot get to the socket through %s (user id "
	    "%u, group id %u, mode %04o): %s",
	    client->account.name, path, (guint)status->st_uid,
	    (guint)status->st_gid, status->st_mode & 07777, cure);
}

static void
refuse_socket(const Client *client, const char *path, const struct stat *status)
{
	const struct group *group = getgrgid(client->account.gid);
	const char *name = group != NULL ? group->gr_name : "postfix";
	const Settings *settings = client->check->settings;

	check_fail(client->check, "socket",
	    "Postfix (user %s) may not write to %s (user id %u, group id %u, "
	    "mode %04o): set socket_group = \"%s\" and socket_mode = \"0660\" "
	    "in %s, make %s a member of that group (adduser %s %s), and "
	    "restart the milter",
	    client->account.name, path, (guint)status->st_uid,
	    (guint)status->st_gid, status->st_mode & 07777, name,
	    settings->file, settings->user, settings->user, name);
}

/* false: the way ends here, whatever the reason. */
static bool
check_directory(const Client *client, const char *path, bool own)
{
	struct stat status = { 0 };

	if (stat(path, &status) != 0) {
		return false;
	}
	if (is_allowed(client, path, &status, MAY_SEARCH)) {
		return true;
	}
	refuse_directory(client, path, &status, own);
	return false;
}

static void
check_way(const Client *client, const char *path, const char *from)
{
	const char *at = path + strlen(from) + 1;
	struct stat status = { 0 };

	while ((at = strchr(at, '/')) != NULL) {
		g_autofree char *directory =
		    g_strndup(path, (gsize)(at - path));

		at++;
		if (!check_directory(
			client, directory, strchr(at, '/') == NULL)) {
			return;
		}
	}
	if (stat(path, &status) == 0 &&
	    !is_allowed(client, path, &status, MAY_WRITE)) {
		refuse_socket(client, path, &status);
	}
}

void
check_reach(Check *check, const char *user, const char *path, const char *from)
{
	Client client = { .check = check, .count = GROUPS_MAX };

	if (!account_find(user, &client.account, NULL)) {
		return;
	}
	if (getgrouplist(
		user, client.account.gid, client.groups, &client.count) >= 0) {
		check_way(&client, path, from);
	}
	g_free(client.account.name);
}
