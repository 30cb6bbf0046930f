/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For this room alone: what in a run of bytes would not survive the road
 * through MTAs unchanged (RFC 8551 3.1.3, RFC 5322 2.1.1). Pure.
 */
#ifndef MIME_HAZARDS_H
#define MIME_HAZARDS_H

#include <glib.h>

typedef enum {
	HAZARD_NONE = 0,
	HAZARD_8BIT = 1 << 0,
	HAZARD_NUL = 1 << 1,
	HAZARD_BARE_CR = 1 << 2,
	HAZARD_BARE_LF = 1 << 3,
	HAZARD_LONG = 1 << 4, /* a line of more than 990 bytes */
	HAZARD_FROM = 1 << 5, /* a line that starts with "From " */
	HAZARD_BLANK = 1 << 6, /* a line that ends in a blank or tab */
} Hazard;

/* The hazards of length bytes that begin at the start of a line and end at
 * the end of one (whose CRLF may be outside), or-ed together. */
guint
hazards_of(const guint8 *data, gsize length);

#endif
