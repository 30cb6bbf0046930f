/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the parts of a message lie in its raw bytes (RFC 2046): our own
 * scanner, because GMime has no limit on depth and parts (25 MB of delimiters
 * cost it gigabytes), does not tell an unterminated multipart from a sound one,
 * and we need offsets, not objects. GMime reads each Content-Type value.
 * Nothing is copied: the body must outlive the structure.
 */
#ifndef MIME_STRUCTURE_H
#define MIME_STRUCTURE_H

#include <glib.h>
#include <stdbool.h>

#include "mime/fields.h"

typedef struct Structure Structure;

typedef enum {
	PART_LEAF,
	PART_MULTIPART, /* with a usable boundary and at least one delimiter */
	PART_MESSAGE, /* message/rfc822 or message/global, 7bit, 8bit, binary */
} PartKind;

typedef enum {
	ENCODING_7BIT, /* or absent */
	ENCODING_8BIT,
	ENCODING_BINARY,
	ENCODING_QUOTED_PRINTABLE,
	ENCODING_BASE64,
	ENCODING_OTHER, /* unknown: must not be touched */
} PartEncoding;

typedef struct {
	PartKind kind;
	PartEncoding encoding;
	guint parent; /* index; the root is its own parent */
	guint depth; /* 0 for the root */
	gsize header; /* offset of its header in the body; root: 0 */
	gsize start; /* offset of its content */
	gsize end; /* behind its last byte (the CRLF before a delimiter is
		      the delimiter's) */
	gsize epilogue; /* multipart: behind its closing delimiter line; end when
			   there is none */
	gsize preamble_end; /* multipart: where its first delimiter begins */
	const char *type; /* lower case; "text/plain" when absent (in a digest
			     "message/rfc822"); borrowed */
	const char *boundary; /* multipart, else NULL; borrowed */
	bool terminated; /* multipart: the closing delimiter is there */
	bool duplicate_type; /* two Content-Type or two
				Content-Transfer-Encoding fields */
} Part;

/*
 * ERROR_LIMIT when there are more than parts parts or they are nested deeper
 * than depth (a message/rfc822 counts as one level): neither is exceeded in
 * memory or stack while finding out. Nothing else fails: what is malformed is
 * a leaf.
 */
Structure *
structure_scan(const Fields *fields, GBytes *body, guint parts, guint depth,
    GError **error);
void
structure_free(Structure *structure);

/* At least 1; in the order of the bytes; parents before children. */
guint
structure_count(const Structure *structure);
const Part *
structure_part(const Structure *structure, guint i);
/* A parameter of the part's Content-Type (RFC 2231 decoded); NULL: not there.
 * Yours. */
char *
structure_parameter(const Structure *structure, guint i, const char *name);
/* The name of the part as Content-Type name= or Content-Disposition filename=
 * give it; NULL: none. Yours. */
char *
structure_name(const Structure *structure, guint i);
/* The part's content with its transfer encoding undone, at most max bytes
 * (ERROR_LIMIT). transfer full. */
GBytes *
structure_decode(const Structure *structure, guint i, gsize max,
    GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Structure, structure_free)

#endif
