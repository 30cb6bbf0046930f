/* SPDX-License-Identifier: Apache-2.0 */
/*
 * STATE itself: is it there, its lock, its generation. For the other modules
 * of this room. Thread-safe; no state.
 */
#ifndef STORE_STATE_H
#define STORE_STATE_H

#include <glib.h>
#include <stdbool.h>

/*
 * That the state directory is there and can be used. Missing is ERROR_IO: what
 * lies below is then not absent but unknown.
 */
bool
state_check(const char *state_dir, GError **error);

/* STATE/lock, for a read-modify-write: for file_unlock(), or -1. */
int
state_lock(const char *state_dir, GError **error);

/* STATE/generation gets a content it never had. Under the lock. */
bool
state_new_generation(const char *state_dir, GError **error);

#endif
