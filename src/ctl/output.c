/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A writer process at the far end of a socket pair. It is sent, for each
 * message, two lengths and the bytes; it names the files itself, so that
 * nothing in a mail can choose where they go. Its answer is one byte, 0 when
 * all is written, else an ErrorCode and one more, and the text.
 */
#include "config.h"

#include "ctl/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"

struct Output {
	char *directory;
	int socket;
	pid_t writer;
};

/* What stands in front of each message. */
typedef struct {
	guint64 message; /* bytes; G_MAXUINT64: that was all */
	guint64 envelope;
} Header;

static const char *const suffixes[] = { "eml", "env" };

static bool
send_all(int fd, const void *data, gsize length)
{
	const guint8 *at = data;

	while (length > 0) {
		ssize_t count = send(fd, at, length, MSG_NOSIGNAL);

		if (count < 0 && errno == EINTR) {
			continue;
		}
		if (count < 0) {
			return false;
		}
		at += count;
		length -= (gsize)count;
	}
	return true;
}

/* false: the other end has gone. */
static bool
receive(int fd, void *data, gsize length)
{
	guint8 *at = data;

	while (length > 0) {
		ssize_t count = recv(fd, at, length, 0);

		if (count < 0 && errno == EINTR) {
			continue;
		}
		if (count <= 0) {
			return false;
		}
		at += count;
		length -= (gsize)count;
	}
	return true;
}

static void
file_name(char *name, gsize size, guint number, guint suffix)
{
	g_snprintf(name, size, "%u.%s", number, suffixes[suffix]);
}

/* Takes length bytes from socket into a new file. */
static bool
write_file(
    int directory, int socket, const char *name, guint64 length, GError **error)
{
	guint8 block[64 * 1024];
	FILE *file = NULL;
	bool written;
	int fd = openat(directory, name,
	    O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0666);

	if (fd < 0 || (file = fdopen(fd, "w")) == NULL) {
		error_set_errno(error, "%s", name);
		return false;
	}
	while (length > 0) {
		gsize part = (gsize)MIN(length, sizeof(block));

		if (!receive(socket, block, part)) {
			fclose(file);
			return false;
		}
		fwrite(block, 1, part, file);
		length -= part;
	}
	written = !ferror(file);
	if (fclose(file) != 0 || !written) {
		error_set_errno(error, "%s", name);
		return false;
	}
	return true;
}

static void
remove_from(int directory, guint number)
{
	char name[32];
	bool there = true;

	for (; there; number++) {
		there = false;
		for (guint i = 0; i < G_N_ELEMENTS(suffixes); i++) {
			file_name(name, sizeof(name), number, i);
			there |= unlinkat(directory, name, 0) == 0;
		}
	}
}

/* The writer's life: true when it was told that all is there. */
static bool
take_messages(int directory, int socket, GError **error)
{
	Header header = { 0 };
	char name[32];

	for (guint number = 1; receive(socket, &header, sizeof(header));
	     number++) {
		guint64 lengths[] = { header.message, header.envelope };

		if (header.message == G_MAXUINT64) {
			remove_from(directory, number);
			return true;
		}
		for (guint i = 0; i < G_N_ELEMENTS(suffixes); i++) {
			file_name(name, sizeof(name), number, i);
			if (!write_file(
				directory, socket, name, lengths[i], error)) {
				return false;
			}
		}
	}
	return false;
}

static G_GNUC_NORETURN void
write_messages(int directory, int socket)
{
	g_autoptr(GError) error = NULL;
	guint8 answer = 0;

	if (!take_messages(directory, socket, &error) && error == NULL) {
		_exit(1); /* nobody wants to hear */
	}
	if (error != NULL) {
		answer = (guint8)(error->code + 1);
	}
	send_all(socket, &answer, sizeof(answer));
	if (error != NULL) {
		send_all(socket, error->message, strlen(error->message));
	}
	_exit(0);
}

static int
open_directory(const char *path, GError **error)
{
	int fd;

	if (mkdir(path, 0777) != 0 && errno != EEXIST) {
		error_set_errno(error, "%s", path);
		return -1;
	}
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		error_set_errno(error, "%s", path);
	}
	return fd;
}

Output *
output_open(const char *directory, GError **error)
{
	g_autoptr(Output) output = g_new0(Output, 1);
	int fd = open_directory(directory, error);
	int ends[2] = { -1, -1 };

	output->socket = -1;
	if (fd < 0) {
		return NULL;
	}
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0) {
		output->writer = fork();
	} else {
		output->writer = -1;
	}
	if (output->writer == 0) {
		close(ends[0]);
		write_messages(fd, ends[1]);
	}
	if (output->writer < 0) {
		error_set_errno(error, "%s", directory);
	}
	close(fd);
	close(ends[1]);
	output->socket = ends[0];
	output->directory = g_strdup(directory);
	return output->writer < 0 ? NULL : g_steal_pointer(&output);
}

void
output_free(Output *output)
{
	if (output == NULL) {
		return;
	}
	if (output->socket >= 0) {
		close(output->socket);
	}
	if (output->writer > 0) {
		waitpid(output->writer, NULL, 0);
	}
	g_free(output->directory);
	g_free(output);
}

/* What the writer has to say; true when all is well. */
static bool
hear_writer(Output *output, GError **error)
{
	char text[1024] = "the writer has died";
	guint8 answer = ERROR_IO + 1;

	shutdown(output->socket, SHUT_WR);
	if (receive(output->socket, &answer, 1)) {
		memset(text, 0, sizeof(text));
	}
	if (answer == 0) {
		return true;
	}
	for (gsize i = 0;
	     i < sizeof(text) - 1 && receive(output->socket, text + i, 1);
	     i++) {
	}
	g_set_error(
	    error, ERROR_DOMAIN, answer - 1, "%s/%s", output->directory, text);
	return false;
}

bool
output_add(
    Output *output, const Rope *message, const char *envelope, GError **error)
{
	Header header = { rope_length(message), strlen(envelope) };
	bool sent = send_all(output->socket, &header, sizeof(header));

	for (guint i = 0; sent && i < rope_count(message); i++) {
		RopeRun run = rope_run(message, i);

		sent = send_all(output->socket, run.data, run.length);
	}
	if (!sent || !send_all(output->socket, envelope, strlen(envelope))) {
		hear_writer(output, error);
		return false;
	}
	return true;
}

bool
output_finish(Output *output, GError **error)
{
	Header end = { G_MAXUINT64, 0 };

	send_all(output->socket, &end, sizeof(end));
	return hear_writer(output, error);
}
