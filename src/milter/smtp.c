/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The wire of our SMTP client (RFC 5321 4.2 for the form of replies): a
 * non-blocking socket, poll(2) with deadlines, an output buffer. Knows nothing
 * of commands and extensions. One owner, one thread.
 */
#include "config.h"

#include "milter/smtp.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"

#define OUTPUT_MAX ((gsize)32768)

struct Smtp {
	int fd;
	const SmtpTimeouts *timeouts;
	GByteArray *output;
	guint8 input[4096];
	gsize input_start;
	gsize input_end;
};

/* A server on the same machine answers at once; these are for a bad day. The
 * last is half of RFC 5321's ten minutes: the client of the MTA waits too. */
const SmtpTimeouts smtp_timeouts = {
	.connect = 10 * 1000,
	.command = 60 * 1000,
	.data_end = 300 * 1000,
};

static gint64
deadline_in(int milliseconds)
{
	return g_get_monotonic_time() + (gint64)milliseconds * 1000;
}

static bool
wait_for(int fd, short events, gint64 deadline, GError **error)
{
	struct pollfd entry = { .fd = fd, .events = events };
	int ready;

	do {
		gint64 left = (deadline - g_get_monotonic_time() + 999) / 1000;

		ready = poll(&entry, 1, (int)CLAMP(left, 0, G_MAXINT));
	} while (ready < 0 && errno == EINTR);
	if (ready < 0) {
		error_set_errno(error, "poll");
		return false;
	}
	if (ready == 0) {
		g_set_error(error, ERROR_DOMAIN, ERROR_IO, "no answer in time");
		return false;
	}
	return true;
}

static int
connect_one(const struct addrinfo *address, gint64 deadline, GError **error)
{
	int fd = socket(
	    address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int one = 1;
	int failure = 0;
	socklen_t length = sizeof failure;

	if (fd < 0) {
		error_set_errno(error, "socket");
		return -1;
	}
	if (connect(fd, address->ai_addr, address->ai_addrlen) != 0 &&
	    errno != EINPROGRESS) {
		error_set_errno(error, "connect");
		close(fd);
		return -1;
	}
	if (!wait_for(fd, POLLOUT, deadline, error)) {
		close(fd);
		return -1;
	}
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &length) != 0 ||
	    failure != 0) {
		errno = failure;
		error_set_errno(error, "connect");
		close(fd);
		return -1;
	}
	/* We gather small writes ourselves. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	return fd;
}

static int
connect_any(const struct addrinfo *addresses, gint64 deadline, GError **error)
{
	for (const struct addrinfo *each = addresses; each != NULL;
	     each = each->ai_next) {
		int fd;

		g_clear_error(error);
		fd = connect_one(each, deadline, error);
		if (fd >= 0) {
			return fd;
		}
	}
	return -1;
}

Smtp *
smtp_connect(const char *host, guint16 port, const SmtpTimeouts *timeouts,
    GError **error)
{
	g_autofree char *service = g_strdup_printf("%u", (unsigned int)port);
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICSERV };
	struct addrinfo *addresses = NULL;
	g_autoptr(GError) reason = NULL;
	int fault = getaddrinfo(host, service, &hints, &addresses);
	int fd;
	Smtp *smtp;

	if (fault != 0) {
		g_set_error(error, ERROR_DOMAIN, ERROR_IO, "%s: %s", host,
		    gai_strerror(fault));
		return NULL;
	}
	fd = connect_any(addresses, deadline_in(timeouts->connect), &reason);
	freeaddrinfo(addresses);
	if (fd < 0) {
		g_set_error(
		    error, ERROR_DOMAIN, ERROR_IO, "%s", reason->message);
		return NULL;
	}
	smtp = g_new0(Smtp, 1);
	smtp->fd = fd;
	smtp->timeouts = timeouts;
	smtp->output = g_byte_array_new();
	return smtp;
}

void
smtp_close(Smtp *smtp)
{
	if (smtp == NULL) {
		return;
	}
	close(smtp->fd);
	g_byte_array_unref(smtp->output);
	g_free(smtp);
}

static bool
fill_input(Smtp *smtp, gint64 deadline, GError **error)
{
	ssize_t got;

	do {
		if (!wait_for(smtp->fd, POLLIN, deadline, error)) {
			return false;
		}
		got = recv(smtp->fd, smtp->input, sizeof smtp->input, 0);
	} while (got < 0 && (errno == EINTR || errno == EAGAIN));
	if (got < 0) {
		error_set_errno(error, "read");
		return false;
	}
	if (got == 0) {
		g_set_error(error, ERROR_DOMAIN, ERROR_IO,
		    "the server closed the connection");
		return false;
	}
	smtp->input_start = 0;
	smtp->input_end = (gsize)got;
	return true;
}

/* One line without its line end, behind what line holds. */
static bool
read_line(Smtp *smtp, gint64 deadline, GString *line, GError **error)
{
	for (;;) {
		const guint8 *start = smtp->input + smtp->input_start;
		gsize there = smtp->input_end - smtp->input_start;
		const guint8 *end =
		    there > 0 ? memchr(start, '\n', there) : NULL;
		gsize take = end != NULL ? (gsize)(end - start) : there;

		if (line->len + take > SMTP_LINE_MAX) {
			g_set_error(error, ERROR_DOMAIN, ERROR_LIMIT,
			    "a reply line of over %" G_GSIZE_FORMAT " bytes",
			    SMTP_LINE_MAX);
			return false;
		}
		if (take > 0) {
			g_string_append_len(
			    line, (const char *)start, (gssize)take);
		}
		smtp->input_start += take;
		if (end != NULL) {
			smtp->input_start++;
			break;
		}
		if (!fill_input(smtp, deadline, error)) {
			return false;
		}
	}
	if (line->len > 0 && line->str[line->len - 1] == '\r') {
		g_string_truncate(line, line->len - 1);
	}
	return true;
}

/* "250", "250 text" or "250-text"; 0: it is none of these. */
static guint
line_code(const GString *line)
{
	const char *text = line->str;

	if (line->len < 3 || text[0] < '2' || text[0] > '5' ||
	    !g_ascii_isdigit(text[1]) || !g_ascii_isdigit(text[2]) ||
	    (line->len > 3 && text[3] != ' ' && text[3] != '-')) {
		return 0;
	}
	return (guint)((text[0] - '0') * 100 + (text[1] - '0') * 10 +
	    (text[2] - '0'));
}

bool
smtp_read(
    Smtp *smtp, int timeout, guint *code_out, char **text_out, GError **error)
{
	gint64 deadline = deadline_in(timeout);
	g_autoptr(GString) text = g_string_new(NULL);
	guint code = 0;
	bool more = true;

	while (more) {
		g_autoptr(GString) line = g_string_new(NULL);
		guint here;

		if (!read_line(smtp, deadline, line, error)) {
			return false;
		}
		here = line_code(line);
		if (here == 0 || (code != 0 && here != code)) {
			g_set_error(error, ERROR_DOMAIN, ERROR_MALFORMED,
			    "this is no SMTP reply");
			return false;
		}
		more = line->len > 3 && line->str[3] == '-';
		if (text->len + line->len > SMTP_REPLY_MAX) {
			g_set_error(error, ERROR_DOMAIN, ERROR_LIMIT,
			    "a reply of over %" G_GSIZE_FORMAT " bytes",
			    SMTP_REPLY_MAX);
			return false;
		}
		if (code != 0) {
			g_string_append_c(text, '\n');
		}
		g_string_append(text, line->len > 4 ? line->str + 4 : "");
		code = here;
	}
	*code_out = code;
	*text_out = g_string_free(g_steal_pointer(&text), FALSE);
	return true;
}

bool
smtp_command(Smtp *smtp, const char *line, guint *code_out, char **text_out,
    GError **error)
{
	return smtp_write(smtp, line, strlen(line), error) &&
	    smtp_write(smtp, "\r\n", 2, error) && smtp_flush(smtp, error) &&
	    smtp_read(smtp, smtp->timeouts->command, code_out, text_out, error);
}

/* The deadline starts anew with each piece that the server takes. */
static bool
send_all(Smtp *smtp, const guint8 *data, gsize length, GError **error)
{
	while (length > 0) {
		ssize_t sent = send(smtp->fd, data, length, MSG_NOSIGNAL);

		if (sent >= 0) {
			data += sent;
			length -= (gsize)sent;
		} else if (errno == EAGAIN) {
			if (!wait_for(smtp->fd, POLLOUT,
				deadline_in(smtp->timeouts->command), error)) {
				return false;
			}
		} else if (errno != EINTR) {
			error_set_errno(error, "write");
			return false;
		}
	}
	return true;
}

bool
smtp_write(Smtp *smtp, const void *data, gsize length, GError **error)
{
	if (smtp->output->len + length <= OUTPUT_MAX) {
		g_byte_array_append(smtp->output, data, (guint)length);
		return true;
	}
	return smtp_flush(smtp, error) && send_all(smtp, data, length, error);
}

bool
smtp_flush(Smtp *smtp, GError **error)
{
	bool sent =
	    send_all(smtp, smtp->output->data, smtp->output->len, error);

	g_byte_array_set_size(smtp->output, 0);
	return sent;
}
