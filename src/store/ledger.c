/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ledger of one mail: a file with a recipient a line, in escapes so that a
 * line is one whatever an address holds. A line counts with its line end only:
 * what a crash tore off is cut away before anything is appended. The file may
 * vanish while one waits for its lock (the other one was done, or the sweep
 * came by): then it is opened anew. A Ledger is used by one thread.
 */
#include "config.h"

#include "store/ledger.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "store/state.h"

#define KEY_LENGTH 64
/* Far above what any number of recipients of one mail can make. */
#define FILE_MAX ((off_t)64 * 1024 * 1024)
#define SECONDS_OF_A_DAY 86400

struct Ledger {
	char *directory;
	char *path;
	int file;     /* locked */
	off_t length; /* of what is complete */
	bool synced;  /* the name is durable */
	bool torn;    /* half a line may stand at the end */
	GHashTable *recipients;
};

/* The key becomes a file name. */
static bool
is_key(const char *key)
{
	return strlen(key) == KEY_LENGTH &&
	    strspn(key, "0123456789abcdef") == KEY_LENGTH;
}

static bool
is_old(const struct stat *facts)
{
	gint64 now = g_get_real_time() / G_USEC_PER_SEC;

	return now - facts->st_mtime > LEDGER_DAYS * SECONDS_OF_A_DAY;
}

static bool
is_plain_byte(char byte)
{
	return byte > 0x20 && byte < 0x7f && byte != '%';
}

static void
append_line(GString *lines, const char *recipient)
{
	for (const char *at = recipient; *at != '\0'; at++) {
		if (is_plain_byte(*at)) {
			g_string_append_c(lines, *at);
		} else {
			g_string_append_printf(lines, "%%%02X", (guchar)*at);
		}
	}
	g_string_append_c(lines, '\n');
}

/* NULL for a line that append_line() cannot have made, such as the zeros that
 * some file systems leave after a power cut. */
static char *
parse_line(const char *line, gsize length)
{
	g_autoptr(GString) recipient = g_string_sized_new(length);

	for (gsize i = 0; i < length; i++) {
		int high = 0;
		int low = 0;

		if (is_plain_byte(line[i])) {
			g_string_append_c(recipient, line[i]);
			continue;
		}
		if (line[i] != '%' || length - i < 3) {
			return NULL;
		}
		high = g_ascii_xdigit_value(line[i + 1]);
		low = g_ascii_xdigit_value(line[i + 2]);
		if (high < 0 || low < 0 || high + low == 0) {
			return NULL;
		}
		g_string_append_c(recipient, (char)(high * 16 + low));
		i += 2;
	}
	return g_strndup(recipient->str, recipient->len);
}

/* How many bytes are complete lines. */
static gsize
parse_lines(const char *text, gsize length, GHashTable *recipients)
{
	gsize start = 0;

	for (;;) {
		const char *end = memchr(text + start, '\n', length - start);
		char *recipient = NULL;
		gsize line = 0;

		if (end == NULL) {
			return start;
		}
		line = (gsize)(end - text) - start;
		recipient = parse_line(text + start, line);
		if (recipient != NULL) {
			g_hash_table_add(recipients, recipient);
		}
		start += line + 1;
	}
}

static bool
read_whole(int file, char *text, gsize length)
{
	gsize at = 0;

	while (at < length) {
		ssize_t got = pread(file, text + at, length - at, (off_t)at);

		if (got == -1 && errno == EINTR) {
			continue;
		}
		if (got <= 0) {
			errno = got == 0 ? EIO : errno;
			return false;
		}
		at += (gsize)got;
	}
	return true;
}

static bool
fail(const Ledger *ledger, const char *what, GError **error)
{
	error_set_errno(error, "%s: %s", ledger->path, what);
	return false;
}

/* What the file says, if it is not too old to be believed. */
static bool
load(Ledger *ledger, const struct stat *facts, GError **error)
{
	gsize length = (gsize)facts->st_size;
	g_autofree char *text = NULL;

	if (facts->st_size > FILE_MAX) {
		g_set_error(error, ERROR_DOMAIN, ERROR_LIMIT,
		    "%s: too large for a ledger; remove it", ledger->path);
		return false;
	}
	if (is_old(facts)) {
		length = 0;
	}
	text = g_malloc(length + 1);
	if (!read_whole(ledger->file, text, length)) {
		return fail(ledger, "cannot be read", error);
	}
	ledger->length = (off_t)parse_lines(text, length, ledger->recipients);
	ledger->synced = ledger->length > 0;
	if (ledger->length < facts->st_size &&
	    ftruncate(ledger->file, ledger->length) != 0) {
		return fail(ledger, "cannot be cut", error);
	}
	return true;
}

/* Whether path still names the open file. */
static bool
is_still(const char *path, const struct stat *facts)
{
	struct stat now;

	return lstat(path, &now) == 0 && now.st_dev == facts->st_dev &&
	    now.st_ino == facts->st_ino;
}

static bool
lock_file(int file)
{
	int result = -1;

	do {
		result = flock(file, LOCK_EX);
	} while (result != 0 && errno == EINTR);
	return result == 0;
}

static bool
open_locked(Ledger *ledger, struct stat *facts_out, GError **error)
{
	for (;;) {
		ledger->file = open(ledger->path,
		    O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (ledger->file == -1) {
			return fail(ledger, "cannot be opened", error);
		}
		if (!lock_file(ledger->file) ||
		    fstat(ledger->file, facts_out) != 0) {
			return fail(ledger, "cannot be locked", error);
		}
		if (is_still(ledger->path, facts_out)) {
			return true;
		}
		close(ledger->file);
		ledger->file = -1;
	}
}

static void
free_ledger(Ledger *ledger)
{
	if (ledger->file != -1) {
		close(ledger->file);
	}
	g_hash_table_unref(ledger->recipients);
	g_free(ledger->directory);
	g_free(ledger->path);
	g_free(ledger);
}

Ledger *
ledger_open(const char *state_dir, const char *key, GError **error)
{
	Ledger *ledger = NULL;
	struct stat facts;

	if (!is_key(key)) {
		g_set_error(error, ERROR_DOMAIN, ERROR_MALFORMED,
		    "a ledger's name must be 64 hex digits");
		return NULL;
	}
	if (!state_check(state_dir, error)) {
		return NULL;
	}
	ledger = g_new0(Ledger, 1);
	ledger->file = -1;
	ledger->directory = g_build_filename(state_dir, "sent", NULL);
	ledger->path = g_build_filename(ledger->directory, key, NULL);
	ledger->recipients =
	    g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	if (!file_make_directories(ledger->directory, 0700, error) ||
	    !open_locked(ledger, &facts, error) ||
	    !load(ledger, &facts, error)) {
		free_ledger(ledger);
		return NULL;
	}
	return ledger;
}

bool
ledger_has(const Ledger *ledger, const char *recipient)
{
	return g_hash_table_contains(ledger->recipients, recipient);
}

static bool
append(Ledger *ledger, const GString *lines, GError **error)
{
	if (ledger->torn) {
		errno = EIO;
		return fail(ledger, "was not written before", error);
	}
	if (!file_write_all(ledger->file, lines->str, lines->len) ||
	    fsync(ledger->file) != 0) {
		fail(ledger, "cannot be written", error);
		/* If this fails too, the next one who reads it does it. */
		ledger->torn = ftruncate(ledger->file, ledger->length) != 0;
		return false;
	}
	ledger->length += (off_t)lines->len;
	if (!ledger->synced && !file_sync_directory(ledger->directory, error)) {
		return false;
	}
	ledger->synced = true;
	return true;
}

bool
ledger_add(Ledger *ledger, const GPtrArray *recipients, GError **error)
{
	g_autoptr(GString) lines = g_string_new(NULL);

	if (recipients->len == 0) {
		return true;
	}
	for (guint i = 0; i < recipients->len; i++) {
		append_line(lines, g_ptr_array_index(recipients, i));
	}
	if (!append(ledger, lines, error)) {
		return false;
	}
	for (guint i = 0; i < recipients->len; i++) {
		g_hash_table_add(ledger->recipients,
		    g_strdup(g_ptr_array_index(recipients, i)));
	}
	return true;
}

/*
 * The file goes while it is still locked: who waits for it then sees that it
 * is gone. When it cannot be removed it must at least say nothing, or the same
 * mail sent once more would not reach everybody.
 */
static void
remove_file(const Ledger *ledger)
{
	if (unlink(ledger->path) != 0) {
		if (ftruncate(ledger->file, 0) == 0) {
			(void)fsync(ledger->file);
		}
	} else if (ledger->length > 0) {
		(void)file_sync_directory(ledger->directory, NULL);
	}
}

void
ledger_close(Ledger *ledger, bool done)
{
	if (ledger == NULL) {
		return;
	}
	if (done || ledger->length == 0) {
		remove_file(ledger);
	}
	free_ledger(ledger);
}

static void
sweep_file(const char *path)
{
	int file = -1;
	struct stat facts;

	if (lstat(path, &facts) != 0 || !S_ISREG(facts.st_mode) ||
	    !is_old(&facts)) {
		return;
	}
	file = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (file == -1) {
		return;
	}
	/* Asked again with the lock: it may have become young meanwhile. */
	if (flock(file, LOCK_EX | LOCK_NB) == 0 && fstat(file, &facts) == 0 &&
	    is_old(&facts) && is_still(path, &facts)) {
		(void)unlink(path);
	}
	close(file);
}

void
ledger_sweep(const char *state_dir)
{
	g_autofree char *path = g_build_filename(state_dir, "sent", NULL);
	DIR *directory = opendir(path);
	struct dirent *entry = NULL;

	if (directory == NULL) {
		return;
	}
	while ((entry = readdir(directory)) != NULL) {
		g_autofree char *file = NULL;

		if (is_key(entry->d_name)) {
			file = g_build_filename(path, entry->d_name, NULL);
			sweep_file(file);
		}
	}
	closedir(directory);
}
