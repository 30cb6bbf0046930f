/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading what the administrator names: regular files, pipes, standard input.
 * A passphrase is asked for on /dev/tty without echo; a signal meanwhile takes
 * effect after the terminal is as it was.
 */
#include "config.h"

#include "ctl/input.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "base/error.h"
#include "crypto/keyring.h"

#define BLOCK ((gsize)64 * 1024)
#define PASSPHRASE_MAX ((gsize)1024)

static bool
append_block(int fd, GByteArray *content, gsize max, const char *name,
    bool *end_out, GError **error)
{
	guint start = content->len;
	ssize_t count;

	g_byte_array_set_size(content, start + (guint)BLOCK);
	do {
		count = read(fd, content->data + start, BLOCK);
	} while (count < 0 && errno == EINTR);
	if (count < 0) {
		error_set_errno(error, "%s", name);
		return false;
	}
	g_byte_array_set_size(content, start + (guint)count);
	if (content->len > max) {
		g_set_error(error, ERROR_DOMAIN, ERROR_LIMIT,
		    "%s: larger than the %" G_GSIZE_FORMAT
		    " bytes that such a file may have",
		    name, max);
		return false;
	}
	*end_out = count == 0;
	return true;
}

static GBytes *
read_all(int fd, gsize max, const char *name, GError **error)
{
	GByteArray *content = g_byte_array_new();
	bool end = false;

	while (!end) {
		if (!append_block(fd, content, max, name, &end, error)) {
			g_byte_array_unref(content);
			return NULL;
		}
	}
	return g_byte_array_free_to_bytes(content);
}

GBytes *
input_read(const char *path, gsize max, GError **error)
{
	GBytes *content;
	int fd;

	if (path == NULL || g_str_equal(path, "-")) {
		return read_all(STDIN_FILENO, max, "standard input", error);
	}
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0) {
		error_set_errno(error, "%s", path);
		return NULL;
	}
	content = read_all(fd, max, path, error);
	close(fd);
	return content;
}

/* Yours; keyring wipes it. */
static char *
first_line(const void *content, gsize length)
{
	const char *end = memchr(content, '\n', length);
	gsize count =
	    end != NULL ? (gsize)(end - (const char *)content) : length;

	if (count > 0 && ((const char *)content)[count - 1] == '\r') {
		count--;
	}
	return g_strndup(content, count);
}

static volatile sig_atomic_t caught;

static void catch (int number)
{
	caught = number;
}

static const int caught_signals[] = { SIGINT, SIGQUIT, SIGTERM, SIGHUP,
	SIGTSTP };

/* One line into buffer; its length or -1 with errno. */
static ssize_t
read_line(int fd, char *buffer, gsize size)
{
	struct sigaction action = { .sa_handler = catch };
	struct sigaction before[G_N_ELEMENTS(caught_signals)];
	ssize_t count;

	caught = 0;
	for (guint i = 0; i < G_N_ELEMENTS(caught_signals); i++) {
		sigaction(caught_signals[i], &action, &before[i]);
	}
	count = read(fd, buffer, size);
	for (guint i = 0; i < G_N_ELEMENTS(caught_signals); i++) {
		sigaction(caught_signals[i], &before[i], NULL);
	}
	return count;
}

static char *
ask(int terminal, const char *what, GError **error)
{
	struct termios normal = { 0 };
	struct termios silent;
	char buffer[PASSPHRASE_MAX];
	char *passphrase;
	ssize_t count;

	if (tcgetattr(terminal, &normal) != 0) {
		error_set_errno(error, "the terminal");
		return NULL;
	}
	silent = normal;
	silent.c_lflag &= ~(tcflag_t)ECHO;
	silent.c_lflag |= ECHONL;
	/* What was typed before the question is thrown away, not after it. */
	tcsetattr(terminal, TCSAFLUSH, &silent);
	dprintf(terminal, "Passphrase for %s: ", what);
	count = read_line(terminal, buffer, sizeof(buffer));
	tcsetattr(terminal, TCSAFLUSH, &normal);
	if (caught != 0) {
		raise(caught);
	}
	if (count <= 0) {
		g_set_error(error, ERROR_DOMAIN, ERROR_USAGE,
		    "no passphrase was given");
		return NULL;
	}
	passphrase = first_line(buffer, (gsize)count);
	explicit_bzero(buffer, sizeof(buffer));
	return passphrase;
}

char *
input_passphrase(gpointer data, GError **error)
{
	const InputPassphrase *source = data;
	gsize length = 0;
	char *passphrase;
	int terminal;

	if (source->content != NULL) {
		const void *content =
		    g_bytes_get_data(source->content, &length);

		return length > 0 ? first_line(content, length) : g_strdup("");
	}
	terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	if (terminal < 0) {
		g_set_error(error, ERROR_DOMAIN, ERROR_USAGE,
		    "%s needs a passphrase and there is no terminal to ask "
		    "on: give --passphrase-file FILE",
		    source->what);
		return NULL;
	}
	passphrase = ask(terminal, source->what, error);
	close(terminal);
	return passphrase;
}
