/* SPDX-License-Identifier: Apache-2.0 */
/* Files that were named on the command line, and passphrases. */
#ifndef CTL_INPUT_H
#define CTL_INPUT_H

#include <glib.h>
#include <stdbool.h>

/* A message larger than this is not read at all. */
#define INPUT_MESSAGE_MAX ((gsize)1024 * 1024 * 1024)

/*
 * The whole of path, or of standard input when path is "-" or NULL; anything
 * that can be read. More than max bytes: ERROR_LIMIT. transfer full.
 */
GBytes *input_read(const char *path, gsize max, GError **error);

/*
 * Where a passphrase comes from: the first line of content, or when that is
 * NULL a prompt on the terminal that names what.
 */
typedef struct {
	GBytes *content;
	const char *what;
} InputPassphrase;

/* A KeyringPassphrase (crypto/keyring.h); data: of InputPassphrase. */
char *input_passphrase(gpointer data, GError **error);

#endif
