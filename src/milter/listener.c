/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libmilter tells its errors to syslog only, so what commonly goes wrong is
 * tried before it is called. Runs with the rights the daemon was started with,
 * before there are threads (umask).
 */
#include "config.h"

#include "milter/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <libmilter/mfapi.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/error.h"

/* libmilter's own is 20: too few when mails come in a rush. */
#define BACKLOG 512

/* The path of "unix:/path"; NULL: it is an inet socket. */
static const char *
unix_path(const char *listen_setting)
{
	if (g_str_has_prefix(listen_setting, "unix:")) {
		return listen_setting + strlen("unix:");
	}
	if (g_str_has_prefix(listen_setting, "local:")) {
		return listen_setting + strlen("local:");
	}
	return NULL;
}

/* 0, or the errno of connect(2). */
static int
try_connect(const struct sockaddr *address, socklen_t length)
{
	int fd = socket(
	    address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int fault;

	if (fd < 0) {
		return errno;
	}
	fault = connect(fd, address, length) == 0 ? 0 : errno;
	close(fd);
	return fault;
}

static bool
remove_socket(const char *path, GError **error)
{
	if (unlink(path) != 0) {
		error_set_errno(error,
		    "listen: nobody listens on the socket %s, remove it", path);
		return false;
	}
	return true;
}

/* The errno of connect(2), or 0. */
static int
try_path(const struct sockaddr_un *address, const struct stat *facts)
{
	int fault =
	    try_connect((const struct sockaddr *)address, sizeof *address);

	/* A daemon that was killed between making its socket and setting its
	 * mode leaves one that nobody may connect to. One that is just being
	 * started sets the mode after us. */
	if (fault == EACCES && (facts->st_mode & 0777) == 0 &&
	    chmod(address->sun_path, 0600) == 0) {
		fault = try_connect(
		    (const struct sockaddr *)address, sizeof *address);
	}
	return fault;
}

/* A socket file outlives its daemon: it is stale when nobody answers. */
static bool
clear_path(const char *path, GError **error)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct stat facts;
	int fault;

	if (strlen(path) >= sizeof address.sun_path) {
		g_set_error(error, ERROR_DOMAIN, ERROR_SETTINGS,
		    "listen: %s is too long for a socket (%zu bytes at most)",
		    path, sizeof address.sun_path - 1);
		return false;
	}
	if (lstat(path, &facts) != 0) {
		return true;
	}
	if (!S_ISSOCK(facts.st_mode)) {
		g_set_error(error, ERROR_DOMAIN, ERROR_SETTINGS,
		    "listen: %s is there and is no socket", path);
		return false;
	}
	memcpy(address.sun_path, path, strlen(path));
	fault = try_path(&address, &facts);
	if (fault == ECONNREFUSED) {
		return remove_socket(path, error);
	}
	if (fault == 0 || fault == EAGAIN) {
		g_set_error(error, ERROR_DOMAIN, ERROR_REFUSED,
		    "another daemon is listening on %s", path);
		return false;
	}
	errno = fault;
	error_set_errno(error,
	    "listen: the socket %s is there (if no daemon uses it, remove it)",
	    path);
	return false;
}

static bool
check_directory(const char *path, GError **error)
{
	g_autofree char *directory = g_path_get_dirname(path);

	if (access(directory, W_OK | X_OK) == 0) {
		return true;
	}
	error_set_errno(error, "listen: the socket's directory %s", directory);
	if (errno == ENOENT) {
		g_prefix_error(error, "create the directory first: ");
	}
	return false;
}

static bool
set_owner(const char *path, const Settings *settings, const Account *owner,
    GError **error)
{
	uid_t uid = geteuid() == 0 ? owner->uid : (uid_t)-1;
	gid_t gid = (gid_t)-1;

	if (settings->socket_group[0] != '\0') {
		const struct group *group = getgrnam(settings->socket_group);

		if (group == NULL) {
			g_set_error(error, ERROR_DOMAIN, ERROR_SETTINGS,
			    "socket_group: there is no group \"%s\"",
			    settings->socket_group);
			return false;
		}
		gid = group->gr_gid;
	}
	if (lchown(path, uid, gid) != 0) {
		error_set_errno(error,
		    "socket_group: giving %s to group %s (start as root, or "
		    "make user a member)",
		    path, settings->socket_group);
		return false;
	}
	if (chmod(path, settings->socket_mode) != 0) {
		error_set_errno(error, "socket_mode: %s", path);
		return false;
	}
	return true;
}

static bool
call_libmilter(const char *listen_setting, GError **error)
{
	if (smfi_setconn((char *)listen_setting) != MI_SUCCESS ||
	    smfi_setbacklog(BACKLOG) != MI_SUCCESS ||
	    smfi_opensocket(false) != MI_SUCCESS) {
		g_set_error(error, ERROR_DOMAIN, ERROR_IO,
		    "listen: libmilter cannot open %s; its reason is in "
		    "syslog",
		    listen_setting);
		return false;
	}
	return true;
}

static bool
open_unix(const char *path, const Settings *settings, const Account *owner,
    GError **error)
{
	mode_t before;
	bool opened;

	if (!clear_path(path, error) || !check_directory(path, error)) {
		return false;
	}
	/* For nobody until owner and mode are right. */
	before = umask(0777);
	opened = call_libmilter(settings->listen, error);
	umask(before);
	if (opened && !set_owner(path, settings, owner, error)) {
		listener_remove(settings);
		return false;
	}
	return opened;
}

static bool
try_bind(const struct addrinfo *address, GError **error)
{
	int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int one = 1;
	bool bound;

	if (fd < 0) {
		error_set_errno(error, "socket");
		return false;
	}
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	bound = bind(fd, address->ai_addr, address->ai_addrlen) == 0;
	if (!bound && errno == EADDRINUSE) {
		g_set_error(error, ERROR_DOMAIN, ERROR_REFUSED,
		    "another daemon is listening there");
	} else if (!bound) {
		error_set_errno(error, "bind");
	}
	close(fd);
	return bound;
}

/* "inet:PORT@HOST", "inet6:PORT@HOST" */
static bool
check_inet(const char *listen_setting, GError **error)
{
	bool six = g_str_has_prefix(listen_setting, "inet6:");
	const char *port = strchr(listen_setting, ':');
	g_auto(GStrv) parts = g_strsplit(port != NULL ? port + 1 : "", "@", 2);
	struct addrinfo hints = { .ai_family = six ? AF_INET6 : AF_INET,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_PASSIVE };
	struct addrinfo *address = NULL;
	char *host = parts[0] != NULL ? parts[1] : NULL;
	int fault;
	bool free_to_use;

	if (host != NULL && host[0] == '[') {
		g_strdelimit(host, "]", '\0');
		host++;
	}
	fault = getaddrinfo(host, parts[0], &hints, &address);
	if (fault != 0) {
		g_set_error(error, ERROR_DOMAIN, ERROR_SETTINGS,
		    "listen: %s: %s", listen_setting, gai_strerror(fault));
		return false;
	}
	free_to_use = try_bind(address, error);
	freeaddrinfo(address);
	if (!free_to_use) {
		g_prefix_error(error, "listen: %s: ", listen_setting);
	}
	return free_to_use;
}

static bool
is_listening(int fd)
{
	int accepting = 0;
	socklen_t length = sizeof accepting;

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &accepting, &length) ==
	    0 &&
	    accepting != 0;
}

/*
 * libmilter has no way to ask for its descriptor. It is the only listening
 * socket of the process, and was opened a moment ago, before there were many
 * others.
 */
static int
find_descriptor(void)
{
	for (int fd = 0; fd < 1024; fd++) {
		if (is_listening(fd)) {
			return fd;
		}
	}
	return -1;
}

/* The descriptor, set up. */
static int
take_descriptor(bool inet, GError **error)
{
	int fd = find_descriptor();
	int one = 1;

	if (fd < 0) {
		g_set_error(error, ERROR_DOMAIN, ERROR_IO,
		    "listen: the socket of libmilter is not to be found");
		return -1;
	}
	/* Accepted sockets inherit it. Without, Nagle's algorithm and delayed
	 * acknowledgements cost 44 ms for each mail. */
	if (inet &&
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) != 0) {
		error_set_errno(error, "listen: TCP_NODELAY");
		return -1;
	}
	return fd;
}

int
listener_open(const Settings *settings, const Account *owner, GError **error)
{
	const char *path = unix_path(settings->listen);
	bool opened = path != NULL ? open_unix(path, settings, owner, error)
				   : check_inet(settings->listen, error) &&
		call_libmilter(settings->listen, error);
	int fd;

	if (!opened) {
		return -1;
	}
	fd = take_descriptor(path == NULL, error);
	if (fd < 0) {
		listener_remove(settings);
	}
	return fd;
}

void
listener_remove(const Settings *settings)
{
	const char *path = unix_path(settings->listen);

	if (path != NULL) {
		/* Not ours to remove behind privileges_drop() when the
		 * directory is root's; the next start does it. */
		(void)unlink(path);
	}
}

void
listener_poke(int listener)
{
	struct sockaddr_storage address;
	socklen_t length = sizeof address;

	if (getsockname(listener, (struct sockaddr *)&address, &length) == 0) {
		(void)try_connect((struct sockaddr *)&address, length);
	}
}
