/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What concerns the state directory as a whole. A daemon whose disk is not
 * mounted must not take that for an empty store: it would send mail unsigned.
 * The directory itself is never made here: the package or the administrator
 * makes it, with the right owner. Thread-safe; no state.
 */
#include "config.h"

#include "store/state.h"

#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/file.h"

bool
state_check(const char *state_dir, GError **error)
{
	g_autoptr(GError) reason = NULL;
	FileStamp stamp;

	if (!file_stamp(state_dir, &stamp, &reason)) {
		if (reason != NULL) {
			g_propagate_prefixed_error(error,
			    g_steal_pointer(&reason), "state directory ");
			return false;
		}
		g_set_error(error, ERROR_DOMAIN, ERROR_IO,
		    "state directory %s: missing; make it, owned by the "
		    "daemon's user, or correct state_dir",
		    state_dir);
		return false;
	}
	if (!S_ISDIR(stamp.mode)) {
		g_set_error(error, ERROR_DOMAIN, ERROR_IO,
		    "state directory %s: not a directory", state_dir);
		return false;
	}
	return true;
}

int
state_lock(const char *state_dir, GError **error)
{
	g_autofree char *path = g_build_filename(state_dir, "lock", NULL);

	if (!state_check(state_dir, error)) {
		return -1;
	}
	return file_lock(path, error);
}

bool
state_new_generation(const char *state_dir, GError **error)
{
	g_autofree char *path = g_build_filename(state_dir, "generation", NULL);
	g_autofree char *line = g_strdup_printf(
	    "%" G_GINT64_FORMAT "-%08x\n", g_get_real_time(), g_random_int());
	g_autoptr(GBytes) content = g_bytes_new(line, strlen(line));

	return file_write_atomic(path, content, 0644, 0, error);
}
