/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The directory that process --output writes to. It is opened, and its files
 * are written, with the rights that smimectl was started with, by a process of
 * its own: the one that works on the mail has given them away by then.
 */
#ifndef CTL_OUTPUT_H
#define CTL_OUTPUT_H

#include <glib.h>
#include <stdbool.h>

#include "base/rope.h"

typedef struct Output Output;

/* Makes directory when it is missing (not those above it). Before any thread
 * is started. */
Output *output_open(const char *directory, GError **error);
/* NULL allowed; without output_finish() nothing more is written. */
void output_free(Output *output);

/* The next message, N from 1: N.eml, and N.env from the text of envelope. */
bool output_add(
    Output *output, const Rope *message, const char *envelope, GError **error);

/* All is written, and the results of an earlier run with higher numbers are
 * gone. */
bool output_finish(Output *output, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Output, output_free)

#endif
