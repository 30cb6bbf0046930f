/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Authentication-Results (RFC 8601, 7281): reading those that are there, with
 * comments, folding and quoted strings taken for what they are, and writing our
 * own. Pure.
 */
#ifndef MIME_AUTHRES_H
#define MIME_AUTHRES_H

#include <glib.h>
#include <stdbool.h>

#include "mime/edits.h"
#include "mime/fields.h"

/* What one field says, as far as we ask. */
typedef struct {
	bool sound; /* the grammar was kept, the version is 1 or absent */
	char *id;   /* the authserv-id, unquoted; NULL unless read so far */
	bool smime; /* holds a result of method smime */
} AuthresFacts;

void authres_read(const char *value, AuthresFacts *facts_out);
void authres_clear(AuthresFacts *facts);

typedef enum {
	AUTHRES_STRIP_SMIME, /* those of our id with an smime result */
	AUTHRES_STRIP_ALL,   /* all of our id */
} AuthresStrip;

/*
 * What no mail may bring in (STANDARDS 9): Authentication-Results of our id
 * (ASCII case ignored, U-labels as A-labels) as strip says; those that cannot
 * be read and hold our id anywhere; every field whose name begins with
 * X-SMIME-Milter. Adds the deletions to edits; how many.
 */
guint authres_strip(
    const Fields *fields, const char *id, AuthresStrip strip, Edits *edits);

/* One result of method smime; all text foreign, NULL: left out. */
typedef struct {
	const char *result;     /* "pass", ... */
	const char *comment;    /* why, for people */
	const char *identifier; /* body.smime-identifier */
	const char *part;       /* body.smime-part */
	const char *serial;     /* hex, with issuer or not at all */
	const char *issuer;     /* RFC 2253 text */
} AuthresResult;

/*
 * The raw value (fields.h) of a field with these results (of AuthresResult),
 * folded at 78 where it can be, ASCII: what a comment or quoted string cannot
 * hold is escaped or replaced. Of more than 20 results the first 20. Yours.
 */
char *authres_write(const char *id, const GArray *results);

#endif
