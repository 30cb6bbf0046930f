/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For this room alone: what each part of a body needs to survive the road
 * (RFC 8551 3.1.3), and the body with all that done. Nothing inside somebody's
 * multipart/signed is ever touched.
 */
#ifndef MIME_REMEDIES_H
#define MIME_REMEDIES_H

#include <glib.h>
#include <stdbool.h>

#include "base/rope.h"
#include "mime/structure.h"

typedef enum {
	WORK_NONE,
	WORK_ENCODE_QP,
	WORK_ENCODE_BASE64,
	WORK_REWRITE, /* it is encoded, but not safely */
} Work;

/* What must be done to one part. */
typedef struct {
	Work work; /* on the content of a leaf */
	const char *label; /* its transfer encoding from now on; NULL: as is */
	GString *header; /* of a part but the root: replaces it; or NULL */
	bool locked; /* inside a multipart/signed */
} Remedy;

typedef struct {
	Remedy *parts; /* one for each part of the structure */
	guint count;
	guint encoded; /* leaves with work */
	guint closed; /* multiparts to be closed */
} Remedies;

/* Whether a label or a delimiter wants a change even though no byte does. */
bool
remedies_wanted(const Structure *structure);

/* NULL: it cannot be made safe without harm. body: that of the structure. */
Remedies *
remedies_new(const Structure *structure, GBytes *body);
void
remedies_free(Remedies *remedies);

/* Appends the body with all remedies applied to content: what stays is shared,
 * what is new goes through a spool of directory. false: ERROR_IO. */
bool
remedies_apply(const Remedies *remedies, const Structure *structure,
    GBytes *body, const char *directory, Rope *content, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Remedies, remedies_free)

#endif
