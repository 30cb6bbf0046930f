/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The MIME entity that gets protected (RFC 8551 3.1): the Content-* fields of
 * the root and the body, made safe for the road first. What is already safe
 * goes through byte for byte; only the leaves that need it are encoded again.
 */
#ifndef MIME_ENTITY_H
#define MIME_ENTITY_H

#include <glib.h>
#include <stdbool.h>

#include "base/rope.h"
#include "mime/fields.h"
#include "mime/structure.h"

typedef struct {
	Rope *content; /* header, empty line, body: what is signed */
	bool safe; /* it survives a 7-bit road as it is: detached is possible.
		      false: only an opaque signature protects it (unsafe
		      bytes lie in somebody's signed part, in a part's header,
		      in an unknown encoding, or in a broken multipart) */
	guint encoded; /* how many leaves were encoded again */
	guint closed; /* how many multiparts were closed */
} Entity;

/*
 * Safe: no byte over 127, no NUL, CR and LF only as a pair, lines of at most
 * 990 (Sendmail breaks longer ones), none starting with "From ", none ending in
 * a blank, no leaf or multipart labelled 8bit or binary, no unterminated
 * multipart, nothing that an MTA writes anew (rewrites.h). A text leaf with
 * sound lines becomes quoted-printable, any other base64; a text leaf loses nothing
 * when decoded. Where making it safe is impossible the raw entity is given
 * with safe = false. directory is for a spool file, touched only when more than
 * SPOOL_MEMORY was encoded again. NULL: ERROR_IO.
 */
Entity *
entity_make(const Fields *fields, const Structure *structure, GBytes *body,
    const char *directory, GError **error);
void
entity_free(Entity *entity);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Entity, entity_free)

#endif
