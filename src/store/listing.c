/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names in a directory. Each piece is one pass over it that keeps the smallest
 * names behind the last one handed out: a million names cost some passes more,
 * not memory. What changes between two passes is met or not, as in any walk.
 */
#include "config.h"

#include "store/listing.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>

#include "base/error.h"

#define PIECE 65536U

static int
compare_names(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static struct dirent *
next_entry(DIR *directory)
{
	errno = 0; /* stays 0 at the end */
	return readdir(directory);
}

static bool
counts(const char *name, const char *suffix)
{
	return *name != '.' && g_str_has_suffix(name, suffix);
}

static void
keep_smallest(GPtrArray *names)
{
	g_ptr_array_sort(names, compare_names);
	if (names->len > PIECE) {
		g_ptr_array_set_size(names, PIECE);
	}
}

/* *full: names has its piece, nothing behind its last name belongs to it. */
static void
add(GPtrArray *names, const char *name, bool *full)
{
	if (*full && strcmp(name, g_ptr_array_index(names, PIECE - 1)) >= 0) {
		return;
	}
	g_ptr_array_add(names, g_strdup(name));
	if (names->len == 2 * PIECE) {
		keep_smallest(names);
		*full = true;
	}
}

/* NULL without *error: it does not exist. */
static DIR *
open_directory(const char *path, GError **error)
{
	DIR *directory = opendir(path);

	if (directory == NULL && errno != ENOENT) {
		error_set_errno(error, "%s", path);
	}
	return directory;
}

/* As readdir() left it. */
static bool
close_directory(DIR *directory, const char *path, GError **error)
{
	bool sound = errno == 0;

	if (!sound) {
		error_set_errno(error, "%s", path);
	}
	closedir(directory);
	return sound;
}

GPtrArray *
listing_next(
    const char *path, const char *after, const char *suffix, GError **error)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GError) reason = NULL;
	DIR *directory = open_directory(path, &reason);
	struct dirent *entry = NULL;
	bool full = false;

	if (reason != NULL) {
		g_propagate_error(error, g_steal_pointer(&reason));
		return NULL;
	}
	if (directory == NULL) {
		return g_steal_pointer(&names);
	}
	while ((entry = next_entry(directory)) != NULL) {
		if (counts(entry->d_name, suffix) &&
		    strcmp(entry->d_name, after) > 0) {
			add(names, entry->d_name, &full);
		}
	}
	if (!close_directory(directory, path, error)) {
		return NULL;
	}
	keep_smallest(names);
	return g_steal_pointer(&names);
}

bool
listing_count(
    const char *path, const char *suffix, guint *count_out, GError **error)
{
	g_autoptr(GError) reason = NULL;
	DIR *directory = open_directory(path, &reason);
	struct dirent *entry = NULL;
	guint count = 0;

	if (reason != NULL) {
		g_propagate_error(error, g_steal_pointer(&reason));
		return false;
	}
	while (directory != NULL && (entry = next_entry(directory)) != NULL) {
		count += counts(entry->d_name, suffix) ? 1 : 0;
	}
	*count_out = count;
	return directory == NULL || close_directory(directory, path, error);
}
