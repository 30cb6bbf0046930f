/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes to a header, in the words of the milter protocol: collected first,
 * applied later, by the milter to the MTA's copy or by edits_apply() to ours.
 * Occurrence numbers always count in the original header, from 1.
 */
#ifndef MIME_EDITS_H
#define MIME_EDITS_H

#include <glib.h>

#include "mime/fields.h"

typedef enum {
	EDIT_DELETE, /* this occurrence goes */
	EDIT_CHANGE, /* this occurrence gets value */
	EDIT_ADD, /* appended behind the last field */
	EDIT_TOP, /* inserted above all fields, the first such edit on top */
} EditKind;

typedef struct {
	EditKind kind;
	char *name;
	guint occurrence; /* 0 for ADD and TOP */
	char *value; /* raw form of fields.h (leading blank); NULL for DELETE */
} Edit;

typedef struct Edits Edits;

Edits *
edits_new(void);
void
edits_free(Edits *edits);
void
edits_delete(Edits *edits, const char *name, guint occurrence);
void
edits_change(Edits *edits, const char *name, guint occurrence,
    const char *value);
void
edits_add(Edits *edits, const char *name, const char *value);
void
edits_top(Edits *edits, const char *name, const char *value);
guint
edits_count(const Edits *edits);
/* Borrowed. In the order they must be applied: changes, then deletes (for
 * each name from the highest occurrence down), adds, tops (last on the list
 * first, so that inserting each at position 0 gives the right order). */
const Edit *
edits_get(const Edits *edits, guint i);

/* The header that results. transfer full. */
Fields *
edits_apply(const Edits *edits, const Fields *fields);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Edits, edits_free)

#endif
