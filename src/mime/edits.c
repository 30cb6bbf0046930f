/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Header edits, kept in the order in which they must be applied to an MTA:
 * Postfix renumbers at once when a field is deleted, Sendmail does not, so the
 * highest occurrence goes first and no change comes behind a delete. A
 * balanced tree, since a hostile header can ask for 100,000 deletes. Used by
 * one thread at a time.
 */
#include "config.h"

#include "mime/edits.h"

#include <string.h>

#include "base/text.h"

struct Edits {
	GSequence *ordered; /* of Item, by compare_items() */
	guint serial;
};

typedef struct {
	Edit edit;
	guint serial;
	char *folded; /* DELETE: the name in lower case, to sort by */
} Item;

static void
free_item(gpointer data)
{
	Item *item = data;

	g_free(item->edit.name);
	g_free(item->edit.value);
	g_free(item->folded);
	g_free(item);
}

Edits *
edits_new(void)
{
	Edits *edits = g_new0(Edits, 1);

	edits->ordered = g_sequence_new(free_item);
	return edits;
}

void
edits_free(Edits *edits)
{
	if (edits == NULL) {
		return;
	}
	g_sequence_free(edits->ordered);
	g_free(edits);
}

static int
rank(EditKind kind)
{
	static const int ranks[] = {
		[EDIT_CHANGE] = 0,
		[EDIT_DELETE] = 1,
		[EDIT_ADD] = 2,
		[EDIT_TOP] = 3,
	};

	return ranks[kind];
}

static int
compare_numbers(guint a, guint b)
{
	return (a > b) - (a < b);
}

static int
compare_items(gconstpointer a, gconstpointer b, gpointer unused)
{
	const Item *x = a;
	const Item *y = b;
	int order = rank(x->edit.kind) - rank(y->edit.kind);

	(void)unused;
	if (order != 0) {
		return order;
	}
	switch (x->edit.kind) {
	case EDIT_DELETE:
		order = strcmp(x->folded, y->folded);
		return order != 0
		    ? order
		    : compare_numbers(y->edit.occurrence, x->edit.occurrence);
	case EDIT_TOP:
		return compare_numbers(y->serial, x->serial);
	case EDIT_CHANGE:
	case EDIT_ADD:
		break;
	}
	return compare_numbers(x->serial, y->serial);
}

static Item *
new_item(Edits *edits, EditKind kind, const char *name, guint occurrence,
    const char *value)
{
	Item *item = g_new0(Item, 1);

	item->edit.kind = kind;
	item->edit.name = g_strdup(name);
	item->edit.occurrence = occurrence;
	item->edit.value = g_strdup(value);
	item->serial = edits->serial++;
	return item;
}

static void
insert(Edits *edits, Item *item)
{
	g_sequence_insert_sorted(edits->ordered, item, compare_items, NULL);
}

void
edits_delete(Edits *edits, const char *name, guint occurrence)
{
	Item *item = new_item(edits, EDIT_DELETE, name, occurrence, NULL);

	item->folded = text_fold(name);
	/* Twice the same would take the next one too where the MTA renumbers.
	 */
	if (g_sequence_lookup(edits->ordered, item, compare_items, NULL) !=
	    NULL) {
		free_item(item);
		return;
	}
	insert(edits, item);
}

void
edits_change(
    Edits *edits, const char *name, guint occurrence, const char *value)
{
	insert(edits, new_item(edits, EDIT_CHANGE, name, occurrence, value));
}

void
edits_add(Edits *edits, const char *name, const char *value)
{
	insert(edits, new_item(edits, EDIT_ADD, name, 0, value));
}

void
edits_top(Edits *edits, const char *name, const char *value)
{
	insert(edits, new_item(edits, EDIT_TOP, name, 0, value));
}

guint
edits_count(const Edits *edits)
{
	return (guint)g_sequence_get_length(edits->ordered);
}

const Edit *
edits_get(const Edits *edits, guint i)
{
	GSequenceIter *iter =
	    g_sequence_get_iter_at_pos(edits->ordered, (gint)i);

	g_assert(!g_sequence_iter_is_end(iter));
	return &((const Item *)g_sequence_get(iter))->edit;
}

/* Name and occurrence: what a change or a delete is meant for. */
static guint
hash_target(gconstpointer key)
{
	const Edit *edit = key;
	guint hash = edit->occurrence;

	for (const char *p = edit->name; *p != '\0'; p++) {
		hash = hash * 33 + (guint)g_ascii_tolower(*p);
	}
	return hash;
}

static gboolean
equal_target(gconstpointer a, gconstpointer b)
{
	const Edit *x = a;
	const Edit *y = b;

	return x->occurrence == y->occurrence &&
	    g_ascii_strcasecmp(x->name, y->name) == 0;
}

/* Of several edits for one target the last in order counts: a delete, else
 * the newest change. */
static GHashTable *
index_targets(const Edits *edits)
{
	GHashTable *targets = g_hash_table_new(hash_target, equal_target);

	for (GSequenceIter *iter = g_sequence_get_begin_iter(edits->ordered);
	     !g_sequence_iter_is_end(iter); iter = g_sequence_iter_next(iter)) {
		Item *item = g_sequence_get(iter);

		if (item->edit.kind == EDIT_CHANGE ||
		    item->edit.kind == EDIT_DELETE) {
			g_hash_table_replace(targets, &item->edit, &item->edit);
		}
	}
	return targets;
}

static void
apply_to_field(GHashTable *targets, const Fields *fields, guint i,
    guint occurrence, Fields *result)
{
	const char *name = fields_name(fields, i);
	const Edit target = { .name = (char *)name, .occurrence = occurrence };
	const Edit *edit = g_hash_table_lookup(targets, &target);

	if (edit == NULL) {
		fields_add(result, name, fields_value(fields, i));
		return;
	}
	if (edit->kind == EDIT_CHANGE) {
		fields_add(result, name, edit->value);
	}
	g_hash_table_remove(targets, &target);
}

/* Adds the fields that are new, tops before (bottom up) and adds behind. */
static void
add_new(const Edits *edits, GHashTable *unmet, EditKind kind, Fields *result)
{
	guint count = edits_count(edits);

	for (guint n = 0; n < count; n++) {
		guint i = kind == EDIT_TOP ? count - 1 - n : n;
		const Edit *edit = edits_get(edits, i);
		/* Both MTAs append a field whose change finds no target. */
		bool appended = kind == EDIT_ADD && edit->kind == EDIT_CHANGE &&
		    g_hash_table_lookup(unmet, edit) == edit;

		if (edit->kind == kind || appended) {
			fields_add(result, edit->name, edit->value);
		}
	}
}

Fields *
edits_apply(const Edits *edits, const Fields *fields)
{
	g_autoptr(GHashTable) targets = index_targets(edits);
	g_autofree guint *occurrences = fields_occurrences(fields);
	Fields *result = fields_new();

	add_new(edits, targets, EDIT_TOP, result);
	for (guint i = 0; i < fields_count(fields); i++) {
		apply_to_field(targets, fields, i, occurrences[i], result);
	}
	add_new(edits, targets, EDIT_ADD, result);
	return result;
}
