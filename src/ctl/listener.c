/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets by name. Host names are only looked up to connect. */
#include "config.h"

#include "ctl/listener.h"

#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/error.h"

#define TIMEOUT_SECONDS 5

static bool
parse_port(const char *text, guint16 *port_out)
{
	guint64 number = 0;
	struct servent *service;

	if (g_ascii_string_to_unsigned(text, 10, 1, 65535, &number, NULL)) {
		*port_out = (guint16)number;
		return true;
	}
	service = getservbyname(text, "tcp");
	if (service != NULL) {
		*port_out = ntohs((guint16)service->s_port);
	}
	return service != NULL;
}

static char *
strip_brackets(const char *host, gsize length)
{
	if (length >= 2 && host[0] == '[' && host[length - 1] == ']') {
		return g_strndup(host + 1, length - 2);
	}
	return g_strndup(host, length);
}

static Listener *
new_unix(const char *path)
{
	Listener *listener = g_new0(Listener, 1);

	listener->path = g_strdup(path);
	return listener;
}

Listener *
listener_new(const char *host, guint16 port)
{
	Listener *listener = g_new0(Listener, 1);

	listener->host = g_strdup(host);
	listener->port = port;
	return listener;
}

void
listener_free(Listener *listener)
{
	if (listener != NULL) {
		g_free(listener->path);
		g_free(listener->host);
		g_free(listener);
	}
}

static const char *
after(const char *text, const char *prefix)
{
	return g_str_has_prefix(text, prefix) ? text + strlen(prefix) : NULL;
}

static const char *
after_unix(const char *text)
{
	const char *path = after(text, "unix:");

	return path != NULL ? path : after(text, "local:");
}

Listener *
listener_parse(const char *text)
{
	const char *path = after_unix(text);
	const char *rest = after(text, "inet:");
	const char *at;
	g_autofree char *port_text = NULL;
	g_autofree char *host = NULL;
	guint16 port = 0;

	if (path != NULL) {
		return new_unix(path);
	}
	rest = rest != NULL ? rest : after(text, "inet6:");
	if (rest == NULL) {
		return NULL;
	}
	at = strchr(rest, '@');
	port_text =
	    at != NULL ? g_strndup(rest, (gsize)(at - rest)) : g_strdup(rest);
	if (!parse_port(port_text, &port)) {
		return NULL;
	}
	host =
	    at != NULL ? strip_brackets(at + 1, strlen(at + 1)) : g_strdup("");
	return listener_new(host, port);
}

Listener *
listener_parse_postfix(const char *text)
{
	const char *path = after_unix(text);
	const char *rest = after(text, "inet:");
	const char *colon;
	g_autofree char *host = NULL;
	guint16 port = 0;

	if (path != NULL) {
		return new_unix(path);
	}
	rest = rest != NULL ? rest : text;
	colon = strrchr(rest, ':');
	if (!parse_port(colon != NULL ? colon + 1 : rest, &port)) {
		return NULL;
	}
	host = strip_brackets(rest, colon != NULL ? (gsize)(colon - rest) : 0);
	return listener_new(host, port);
}

static bool
is_loopback(const char *host)
{
	return g_str_has_prefix(host, "127.") || g_str_equal(host, "::1") ||
	    g_ascii_strcasecmp(host, "localhost") == 0;
}

static bool
is_everywhere(const char *host)
{
	return *host == '\0' || g_str_equal(host, "0.0.0.0") ||
	    g_str_equal(host, "::") || g_str_equal(host, "*");
}

bool
listener_meets(const Listener *a, const Listener *b)
{
	if (a->path != NULL || b->path != NULL || a->port != b->port) {
		return false;
	}
	return is_everywhere(a->host) || is_everywhere(b->host) ||
	    g_ascii_strcasecmp(a->host, b->host) == 0 ||
	    (is_loopback(a->host) && is_loopback(b->host));
}

bool
listener_is_private(const Listener *listener)
{
	return listener->path != NULL || is_loopback(listener->host);
}

/* connect() on Linux keeps to the send timeout. */
static int
open_socket(int family, const struct sockaddr *address, socklen_t length)
{
	struct timeval timeout = { .tv_sec = TIMEOUT_SECONDS };
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int failure;

	if (fd < 0) {
		return -1;
	}
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	if (connect(fd, address, length) == 0) {
		return fd;
	}
	failure = errno == EINPROGRESS ? ETIMEDOUT : errno;
	close(fd);
	errno = failure;
	return -1;
}

static int
connect_unix(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(address.sun_path, path);
	return open_socket(
	    AF_UNIX, (struct sockaddr *)&address, sizeof(address));
}

static int
connect_inet(const Listener *listener)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *list = NULL;
	const char *host =
	    is_everywhere(listener->host) ? "localhost" : listener->host;
	char port[8];
	int fd = -1;

	g_snprintf(port, sizeof(port), "%u", listener->port);
	if (getaddrinfo(host, port, &hints, &list) != 0) {
		errno = EADDRNOTAVAIL;
		return -1;
	}
	for (struct addrinfo *one = list; one != NULL && fd < 0;
	     one = one->ai_next) {
		fd = open_socket(one->ai_family, one->ai_addr, one->ai_addrlen);
	}
	freeaddrinfo(list);
	return fd;
}

int
listener_connect(const Listener *listener, GError **error)
{
	int fd = listener->path != NULL ? connect_unix(listener->path)
					: connect_inet(listener);

	if (fd < 0) {
		g_set_error(error, ERROR_DOMAIN,
		    errno == EACCES ? ERROR_PERMISSION : ERROR_IO, "%s",
		    g_strerror(errno));
	}
	return fd;
}
