/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For this room alone: MIME headers written for the road. Only what has to
 * change does: the label of the transfer encoding, and blanks at line ends.
 */
#ifndef MIME_HEADERS_H
#define MIME_HEADERS_H

#include <glib.h>
#include <stdbool.h>

#include "mime/fields.h"
#include "mime/structure.h"

/*
 * The Content-* fields of fields, in order, with CRLF line ends, the empty
 * line included. label: the transfer encoding they shall name, or NULL for
 * what they say. eight_bit: the body holds bytes over 127. Yours.
 */
GString *
headers_of_root(const Fields *fields, const char *label, bool eight_bit);

/* The same without any change but the line ends. Yours. */
GString *
headers_of_root_raw(const Fields *fields, bool eight_bit);

/*
 * The header of a part (not of the root) that begins at data and has length
 * bytes. in_message: it is that of a message, so a label needs MIME-Version
 * (RFC 2045 4). NULL: its end is not an empty line, so nothing can be added.
 * Yours.
 */
GString *
headers_of_part(const guint8 *data, gsize length, const char *label,
    bool in_message);

#endif
