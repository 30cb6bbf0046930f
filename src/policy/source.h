/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text of the settings with what @include names put in, and which line of
 * which file each of its lines was.
 */
#ifndef POLICY_SOURCE_H
#define POLICY_SOURCE_H

#include <glib.h>

typedef struct Source Source;

/*
 * ERROR_SETTINGS with "FILE:LINE: ..."; for file itself also what file_read()
 * gives.
 */
Source *
source_read(const char *file, GError **error);
void
source_free(Source *source);
/* NUL-terminated. Borrowed. */
const char *
source_text(const Source *source);
/* Where line (from 1) of the text stands. Borrowed. */
const char *
source_place(const Source *source, guint line, guint *line_out);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Source, source_free)

#endif
