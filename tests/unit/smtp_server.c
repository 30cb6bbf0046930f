/* SPDX-License-Identifier: Apache-2.0 */
/* See smtp_server.h. Messages are kept as they came, dots and all. */
#include "config.h"

#include "smtp_server.h"

#include <netinet/in.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct {
	const char *prefix;
	const char *answer;
	int only; /* 0: always */
	int fits;
} Line;

struct SmtpServer {
	int listener;
	guint16 port;
	pthread_t thread;
	GArray *lines;
	GString *log;
	GPtrArray *messages; /* of GBytes */
};

static void
add_line(SmtpServer *server, const char *text)
{
	Line line = { 0 };
	const char *blank;

	if (g_ascii_isdigit(text[0]) && text[1] == ':') {
		line.only = text[0] - '0';
		text += 2;
	}
	blank = strstr(text, "=>");
	g_assert_nonnull(blank);
	line.prefix = g_strndup(text, (gsize)(blank - text));
	line.answer = blank + 2;
	g_array_append_val(server->lines, line);
}

static const char *
find_answer(SmtpServer *server, const char *command)
{
	for (guint i = 0; i < server->lines->len; i++) {
		Line *line = &g_array_index(server->lines, Line, i);

		if (!g_str_has_prefix(command, line->prefix)) {
			continue;
		}
		line->fits++;
		if (line->only == 0 || line->only == line->fits) {
			return line->answer;
		}
	}
	return "250 Ok\r\n";
}

/* What was answered; NULL: the connection is to be closed. */
static const char *
reply(SmtpServer *server, int fd, const char *command)
{
	const char *answer = find_answer(server, command);

	if (g_str_equal(answer, "drop")) {
		return NULL;
	}
	if (!g_str_equal(answer, "silence")) {
		(void)!send(fd, answer, strlen(answer), MSG_NOSIGNAL);
	}
	return answer;
}

/* One byte at a time: a test's server need not be fast. */
static gboolean
read_until(int fd, GByteArray *into, const char *end)
{
	gsize length = strlen(end);
	guint8 byte;

	while (recv(fd, &byte, 1, 0) == 1) {
		g_byte_array_append(into, &byte, 1);
		if (into->len >= length &&
		    memcmp(into->data + into->len - length, end, length) == 0) {
			return TRUE;
		}
	}
	return FALSE;
}

static gboolean
take_message(SmtpServer *server, int fd)
{
	g_autoptr(GByteArray) data = g_byte_array_new();

	/* The line end of the DATA line, so that an empty message ends too. */
	g_byte_array_append(data, (const guint8 *)"\r\n", 2);
	if (!read_until(fd, data, "\r\n.\r\n")) {
		return FALSE;
	}
	g_ptr_array_add(
	    server->messages, g_bytes_new(data->data + 2, data->len - 5));
	return reply(server, fd, ".") != NULL;
}

static void
serve(SmtpServer *server, int fd)
{
	if (reply(server, fd, "greeting") == NULL) {
		return;
	}
	for (;;) {
		g_autoptr(GByteArray) bytes = g_byte_array_new();
		g_autofree char *command = NULL;
		const char *answer;

		if (!read_until(fd, bytes, "\r\n")) {
			return;
		}
		command = g_strndup((const char *)bytes->data, bytes->len - 2);
		g_string_append_printf(server->log, "%s\n", command);
		if (g_str_equal(command, "QUIT")) {
			return;
		}
		answer = reply(server, fd, command);
		if (answer == NULL) {
			return;
		}
		if (g_str_equal(command, "DATA") &&
		    g_str_has_prefix(answer, "354") &&
		    !take_message(server, fd)) {
			return;
		}
	}
}

static void *
run(void *data)
{
	SmtpServer *server = data;
	int fd;

	while ((fd = accept(server->listener, NULL, NULL)) >= 0) {
		serve(server, fd);
		close(fd);
	}
	return NULL;
}

SmtpServer *
smtp_server_new(const char *const *script)
{
	SmtpServer *server = g_new0(SmtpServer, 1);
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof address;

	server->lines = g_array_new(FALSE, FALSE, sizeof(Line));
	server->log = g_string_new(NULL);
	server->messages =
	    g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
	for (; *script != NULL; script++) {
		add_line(server, *script);
	}
	add_line(server, "greeting=>220 mx.example ESMTP\r\n");
	add_line(server, "DATA=>354 go on\r\n");
	server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	g_assert_cmpint(
	    bind(server->listener, (struct sockaddr *)&address, sizeof address),
	    ==, 0);
	g_assert_cmpint(listen(server->listener, 16), ==, 0);
	g_assert_cmpint(
	    getsockname(server->listener, (struct sockaddr *)&address, &length),
	    ==, 0);
	server->port = ntohs(address.sin_port);
	g_assert_cmpint(
	    pthread_create(&server->thread, NULL, run, server), ==, 0);
	return server;
}

guint16
smtp_server_port(const SmtpServer *server)
{
	return server->port;
}

char *
smtp_server_end(SmtpServer *server, GPtrArray **messages_out)
{
	char *log;

	/* accept(2) returns; the connection under way is served to its end. */
	shutdown(server->listener, SHUT_RDWR);
	g_assert_cmpint(pthread_join(server->thread, NULL), ==, 0);
	close(server->listener);
	for (guint i = 0; i < server->lines->len; i++) {
		g_free((char *)g_array_index(server->lines, Line, i).prefix);
	}
	g_array_unref(server->lines);
	log = g_string_free(server->log, FALSE);
	if (messages_out != NULL) {
		*messages_out = server->messages;
	} else {
		g_ptr_array_unref(server->messages);
	}
	g_free(server);
	return log;
}
