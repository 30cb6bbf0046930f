/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two places of the network that the settings name: the socket we listen
 * on, in libmilter's form, and the listener that takes further copies. Only
 * the form is judged; nothing is resolved or opened.
 */
#include "config.h"

#include "policy/endpoint.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/error.h"

static bool
fail(GError **error, const char *text, const char *help)
{
	g_set_error(
	    error, ERROR_DOMAIN, ERROR_SETTINGS, "\"%s\" %s", text, help);
	return false;
}

static bool
is_port(const char *text, guint16 *port_out)
{
	guint64 port = 0;

	if (!g_ascii_string_to_unsigned(text, 10, 1, 65535, &port, NULL)) {
		return false;
	}
	if (port_out != NULL) {
		*port_out = (guint16)port;
	}
	return true;
}

static bool
is_host(const char *host)
{
	for (const char *c = host; *c != '\0'; c++) {
		if (!g_ascii_isalnum(*c) && strchr("-_.:", *c) == NULL) {
			return false;
		}
	}
	return host[0] != '\0';
}

static bool
is_ip(const char *host, int family)
{
	guint8 bytes[16] = { 0 };

	return inet_pton(family, host, bytes) == 1;
}

static bool
check_unix_socket(const char *path, GError **error)
{
	const gsize longest = sizeof(((struct sockaddr_un *)0)->sun_path) - 1;

	if (path[0] != '/') {
		return fail(error, path,
		    "is no absolute path: write \"unix:/PATH/TO/SOCKET\"");
	}
	return strlen(path) <= longest ||
	    fail(error, path,
		"is too long for a socket: at most 107 bytes of path");
}

static bool
check_inet_socket(const char *text, const char *rest, int family,
    const char *help, GError **error)
{
	const char *at = strchr(rest, '@');
	g_autofree char *port = NULL;
	g_autofree char *host = NULL;
	gsize length = 0;

	if (at == NULL) {
		return fail(error, text, help);
	}
	port = g_strndup(rest, (gsize)(at - rest));
	host = g_strdup(at + 1);
	length = strlen(host);
	if (length > 2 && host[0] == '[' && host[length - 1] == ']') {
		host[length - 1] = '\0';
		memmove(host, host + 1, length - 1);
	}
	if (!is_port(port, NULL) || !is_host(host) ||
	    is_ip(host, family == AF_INET ? AF_INET6 : AF_INET)) {
		return fail(error, text, help);
	}
	return true;
}

bool
endpoint_check_listen(const char *text, GError **error)
{
	if (g_str_has_prefix(text, "unix:")) {
		return check_unix_socket(text + strlen("unix:"), error);
	}
	if (g_str_has_prefix(text, "local:")) {
		return check_unix_socket(text + strlen("local:"), error);
	}
	if (g_str_has_prefix(text, "inet:")) {
		return check_inet_socket(text, text + strlen("inet:"), AF_INET,
		    "is no PORT@HOST: write \"inet:8891@127.0.0.1\"", error);
	}
	if (g_str_has_prefix(text, "inet6:")) {
		return check_inet_socket(text, text + strlen("inet6:"),
		    AF_INET6, "is no PORT@HOST: write \"inet6:8891@::1\"",
		    error);
	}
	return fail(error, text,
	    "is no socket: write \"unix:/PATH\", \"inet:PORT@HOST\" or "
	    "\"inet6:PORT@HOST\"");
}

bool
endpoint_parse_reinject(
    const char *text, char **host_out, guint16 *port_out, GError **error)
{
	const char *help = "is no listener: write \"smtp:HOST:PORT\", such as "
			   "\"smtp:127.0.0.1:10027\" or \"smtp:[::1]:10027\"";
	const char *rest = text + strlen("smtp:");
	const char *colon = strrchr(text, ':');
	g_autofree char *host = NULL;
	guint16 port = 0;

	if (!g_str_has_prefix(text, "smtp:") || colon < rest) {
		return fail(error, text, help);
	}
	host = g_strndup(rest, (gsize)(colon - rest));
	if (host[0] == '[') {
		gsize length = strlen(host);

		host[length - 1] = host[length - 1] == ']' ? '\0' : '[';
		memmove(host, host + 1, length);
		if (!is_ip(host, AF_INET6)) {
			return fail(error, text, help);
		}
	} else if (!is_host(host) || strchr(host, ':') != NULL) {
		return fail(error, text, help);
	}
	if (!is_port(colon + 1, &port)) {
		return fail(error, text, help);
	}
	if (host_out != NULL) {
		*host_out = g_steal_pointer(&host);
		*port_out = port;
	}
	return true;
}

bool
endpoint_check_reinject(const char *text, GError **error)
{
	return text[0] == '\0' ||
	    endpoint_parse_reinject(text, NULL, NULL, error);
}
