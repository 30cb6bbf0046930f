/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The names in a directory, in order and a piece at a time, so that memory
 * does not grow with their number. Private to src/store. No state.
 */
#ifndef STORE_LISTING_H
#define STORE_LISTING_H

#include <glib.h>
#include <stdbool.h>

/*
 * Names that sort behind after ("": all), in byte order, the first of them; of
 * char *. None behind it: empty, as for a directory that does not exist. Those
 * with a dot in front are left out, and those without suffix ("": none is
 * needed).
 */
GPtrArray *listing_next(
    const char *path, const char *after, const char *suffix, GError **error);
/* How many there are. */
bool listing_count(
    const char *path, const char *suffix, guint *count_out, GError **error);

#endif
