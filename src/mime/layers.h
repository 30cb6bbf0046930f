/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What protection stands at the root of a message, as far as MIME can tell.
 * Whether a blob is CMS, and of which kind, src/crypto/cms.h tells: the
 * content type decides, not names (RFC 8551 3.10).
 */
#ifndef MIME_LAYERS_H
#define MIME_LAYERS_H

#include <glib.h>
#include <stdbool.h>

#include "mime/fields.h"
#include "mime/structure.h"

typedef enum {
	LAYER_NONE,
	LAYER_SMIME_BLOB, /* the root leaf may be CMS: *blob_out */
	LAYER_SMIME_SIGNED, /* multipart/signed, S/MIME: *blob_out is the second
			       part, *content_out the raw first part */
	LAYER_PGP_SIGNED, /* multipart/signed, OpenPGP */
	LAYER_PGP_ENCRYPTED, /* multipart/encrypted with exactly the two parts
				of RFC 3156 */
	LAYER_PGP_INLINE, /* armour in the first text part */
} Layer;

/*
 * True when no layer can stand at the root judging by the header alone: the
 * body need not be seen (inline PGP excepted: needs the body).
 */
bool
layers_header_is_plain(const Fields *fields);

/*
 * blob_out, content_out: set where the table above says so, else NULL; each
 * transfer full, content_out shares the body. A multipart/signed that has not
 * exactly two parts, or whose protocol is unknown, is LAYER_NONE. Blobs over
 * max bytes: ERROR_LIMIT.
 */
bool
layers_find(const Fields *fields, const Structure *structure, GBytes *body,
    gsize max, Layer *layer_out, GBytes **blob_out, GBytes **content_out,
    GError **error);

#endif
