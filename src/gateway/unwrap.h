/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A signed content delivered as the message (verify.strip_signature): its own
 * Content-* fields take the place of the outer ones, nothing else of its header
 * is believed. For inbound.c only.
 */
#ifndef GATEWAY_UNWRAP_H
#define GATEWAY_UNWRAP_H

#include <glib.h>

#include "base/rope.h"
#include "gateway/peel.h"
#include "mime/edits.h"

typedef struct {
	guint parts; /* limits.parts, limits.depth */
	guint depth;
	const char *directory; /* spool_dir */
	gint64 message;        /* limits.message; 0: none */
} UnwrapLimits;

/*
 * The body, and in edits the changes to fields. content is made safe for the
 * road first, byte for byte where it is already. NULL, nothing in edits:
 * ERROR_UNFIT, ERROR_LIMIT, ERROR_IO; the original is to be delivered.
 */
Rope *unwrap(const Fields *fields, const Message *content,
    const UnwrapLimits *limits, Edits *edits, GError **error);

#endif
