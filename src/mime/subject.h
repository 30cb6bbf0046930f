/* SPDX-License-Identifier: Apache-2.0 */
/* Tags in the Subject. Pure. */
#ifndef MIME_SUBJECT_H
#define MIME_SUBJECT_H

#include <glib.h>
#include <stdbool.h>

#include "mime/edits.h"
#include "mime/fields.h"

/*
 * Takes every occurrence of tag (ASCII case ignored), with the blanks behind
 * it, out of all Subject fields, so that nobody outside sets ours; then, when
 * set, puts it with a blank in front of the first one's text (a mail without
 * Subject gets one). Decodes and encodes RFC 2047 only where something
 * changes. Nothing changes: no edit, false.
 */
bool subject_tag(const Fields *fields, const char *tag, bool set, Edits *edits);

#endif
