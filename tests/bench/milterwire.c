/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A buffered socket. It knows the form of a packet and no command. A milter
 * that says nothing for two minutes is an error.
 */
#include "config.h"

#include "milterwire.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define PACKET_MAX ((guint32)16 * 1024 * 1024)
#define TIMEOUT_SECONDS 120

struct MilterWire {
	int fd;
	gsize write_size;
	GByteArray *out;
	GByteArray *packet; /* data of the last one received */
	guchar in[65536];
	gsize in_start;
	gsize in_end;
};

GQuark
milterwire_error_quark(void)
{
	return g_quark_from_static_string("bench-error-quark");
}

static bool
fail_io(const char *doing, GError **error)
{
	int number = errno;

	g_set_error(error, BENCH_ERROR, BENCH_ERROR_IO, "%s: %s", doing,
	    g_strerror(number));
	return false;
}

bool
milterwire_fail(const char *what, GError **error)
{
	g_set_error(error, BENCH_ERROR, BENCH_ERROR_PROTOCOL, "%s", what);
	return false;
}

static int
connect_unix(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	g_strlcpy(address.sun_path, path, sizeof(address.sun_path));
	if (fd >= 0 &&
	    connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static int
connect_inet(const char *port_at_host)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICSERV };
	g_auto(GStrv) parts = g_strsplit(port_at_host, "@", 2);
	struct addrinfo *found = NULL;
	int one = 1;
	int fd;

	if (getaddrinfo(parts[1] == NULL ? "localhost" : parts[1], parts[0],
		&hints, &found) != 0) {
		errno = EINVAL;
		return -1;
	}
	fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, found->ai_addr, found->ai_addrlen) != 0) {
		close(fd);
		fd = -1;
	}
	freeaddrinfo(found);
	if (fd >= 0) {
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	}
	return fd;
}

static int
connect_to(const char *spec)
{
	struct timeval patience = { .tv_sec = TIMEOUT_SECONDS };
	const char *rest = strchr(spec, ':');
	int fd;

	if (rest == NULL) {
		fd = connect_unix(spec);
	} else if (g_str_has_prefix(spec, "inet")) {
		fd = connect_inet(rest + 1);
	} else {
		fd = connect_unix(rest + 1);
	}
	if (fd >= 0) {
		setsockopt(
		    fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	}
	return fd;
}

MilterWire *
milterwire_open(const char *socket, gsize write_size, GError **error)
{
	int fd = connect_to(socket);
	MilterWire *wire = NULL;

	if (fd < 0) {
		fail_io(socket, error);
		return NULL;
	}
	wire = g_new0(MilterWire, 1);
	wire->fd = fd;
	wire->write_size = write_size;
	wire->out = g_byte_array_sized_new((guint)write_size);
	wire->packet = g_byte_array_new();
	return wire;
}

void
milterwire_close(MilterWire *wire)
{
	if (wire == NULL) {
		return;
	}
	close(wire->fd);
	g_byte_array_unref(wire->out);
	g_byte_array_unref(wire->packet);
	g_free(wire);
}

bool
milterwire_flush(MilterWire *wire, GError **error)
{
	gsize done = 0;

	while (done < wire->out->len) {
		ssize_t n = send(wire->fd, wire->out->data + done,
		    wire->out->len - done, MSG_NOSIGNAL);

		if (n < 0 && errno != EINTR) {
			return fail_io("writing to the milter", error);
		}
		done += n > 0 ? (gsize)n : 0;
	}
	g_byte_array_set_size(wire->out, 0);
	return true;
}

static bool
put(MilterWire *wire, const void *data, gsize length, GError **error)
{
	const guchar *bytes = data;

	while (length > 0) {
		gsize room = wire->write_size - wire->out->len;
		gsize n = MIN(room, length);

		g_byte_array_append(wire->out, bytes, (guint)n);
		bytes += n;
		length -= n;
		if (wire->out->len == wire->write_size &&
		    !milterwire_flush(wire, error)) {
			return false;
		}
	}
	return true;
}

bool
milterwire_put(MilterWire *wire, char command, const void *data, gsize length,
    GError **error)
{
	guint32 size = GUINT32_TO_BE((guint32)length + 1);

	return put(wire, &size, sizeof(size), error) &&
	    put(wire, &command, 1, error) && put(wire, data, length, error);
}

static bool
get(MilterWire *wire, void *data, gsize length, GError **error)
{
	guchar *bytes = data;

	while (length > 0) {
		gsize n = MIN(length, wire->in_end - wire->in_start);
		ssize_t got;

		memcpy(bytes, wire->in + wire->in_start, n);
		wire->in_start += n;
		bytes += n;
		length -= n;
		if (length == 0) {
			return true;
		}
		got = recv(wire->fd, wire->in, sizeof(wire->in), 0);
		if (got < 0 && errno == EINTR) {
			continue;
		}
		if (got < 0) {
			return fail_io("reading from the milter", error);
		}
		if (got == 0) {
			return milterwire_fail("the milter hung up", error);
		}
		wire->in_start = 0;
		wire->in_end = (gsize)got;
	}
	return true;
}

bool
milterwire_get(MilterWire *wire, char *command_out, const char **data_out,
    gsize *length_out, GError **error)
{
	guint32 size;
	char command;

	if (!milterwire_flush(wire, error) ||
	    !get(wire, &size, sizeof(size), error)) {
		return false;
	}
	size = GUINT32_FROM_BE(size);
	if (size == 0 || size > PACKET_MAX) {
		return milterwire_fail("a packet of impossible length", error);
	}
	g_byte_array_set_size(wire->packet, size);
	if (!get(wire, &command, 1, error) ||
	    !get(wire, wire->packet->data, size - 1, error)) {
		return false;
	}
	wire->packet->data[size - 1] = '\0';
	*command_out = command;
	*data_out = (const char *)wire->packet->data;
	*length_out = size - 1;
	return true;
}
