/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For this room alone: transfer encodings (RFC 2045 6). Encoders write into a
 * spool, lines of at most 76 columns with CRLF, no line end behind the last.
 */
#ifndef MIME_TRANSFER_H
#define MIME_TRANSFER_H

#include <glib.h>
#include <stdbool.h>

#include "base/rope.h"
#include "base/spool.h"
#include "mime/structure.h"

/* "quoted-printable " (and so on, any case) as a field says it. */
PartEncoding
transfer_from_label(const char *value);

/* Appends what data decodes to, at most max bytes. false: there is more. What
 * is malformed is skipped (base64) or kept as it is (quoted-printable). */
bool
transfer_decode(PartEncoding encoding, const guint8 *data, gsize length,
    gsize max, GByteArray *out);

/* false: ERROR_IO from the spool. */
bool
transfer_write_base64(
    const guint8 *data, gsize length, Spool *spool, GError **error);
bool
transfer_write_base64_rope(const Rope *rope, Spool *spool, GError **error);

/* data: text whose lines end with CRLF, no other CR or LF, no NUL. Nothing
 * stays that an MTA might change, "From " included. */
bool
transfer_write_qp(
    const guint8 *data, gsize length, Spool *spool, GError **error);

/* Whether all decoders read this base64 or quoted-printable alike. For the
 * latter data is as above. */
bool
transfer_is_sound(PartEncoding encoding, const guint8 *data, gsize length);

/* Sound base64 or quoted-printable written anew, so that it decodes to the
 * same bytes and is safe for the road. */
bool
transfer_rewrite(PartEncoding encoding, const guint8 *data, gsize length,
    Spool *spool, GError **error);

#endif
