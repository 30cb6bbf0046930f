/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The header as a sequence of raw fields. All names and values lie in one
 * arena, so that 100,000 fields cost two allocations that grow, not 200,000;
 * what was removed stays in the arena until the whole is freed. Nothing here
 * judges a field: a value may hold any byte but NUL. A Fields is built by one
 * thread; a finished one may be read by many.
 */
#include "config.h"

#include "mime/fields.h"

#include <string.h>

#include "mime/gmime-init.h"

typedef struct {
	gsize name; /* offsets into the arena */
	gsize value;
	gsize value_length;
	guint folds; /* LFs in value: each is CRLF on the wire */
} Field;

struct Fields {
	GString *arena; /* name NUL value NUL, again and again */
	GArray *fields; /* of Field */
	gsize size;
	bool cut;
};

void
gmime_init_once(void)
{
	static gsize done;

	if (g_once_init_enter(&done)) {
		g_mime_init();
		g_once_init_leave(&done, 1);
	}
}

Fields *
fields_new(void)
{
	Fields *fields = g_new0(Fields, 1);

	fields->arena = g_string_new(NULL);
	fields->fields = g_array_new(FALSE, FALSE, sizeof(Field));
	return fields;
}

void
fields_free(Fields *fields)
{
	if (fields == NULL) {
		return;
	}
	g_string_free(fields->arena, TRUE);
	g_array_free(fields->fields, TRUE);
	g_free(fields);
}

static const Field *
field_at(const Fields *fields, guint i)
{
	g_assert(i < fields->fields->len);
	return &g_array_index(fields->fields, Field, i);
}

Fields *
fields_copy(const Fields *fields)
{
	Fields *copy = fields_new();

	for (guint i = 0; i < fields->fields->len; i++) {
		fields_add(
		    copy, fields_name(fields, i), fields_value(fields, i));
	}
	copy->cut = fields->cut;
	return copy;
}

void
fields_note_cut(Fields *fields)
{
	fields->cut = true;
}

bool
fields_are_cut(const Fields *fields)
{
	return fields->cut;
}

static guint
count_folds(const char *value)
{
	guint folds = 0;

	for (const char *p = strchr(value, '\n'); p != NULL;
	     p = strchr(p + 1, '\n')) {
		folds++;
	}
	return folds;
}

/* The field's bytes on the wire: name, colon, value with CRLF folds, CRLF. */
static gsize
wire_size(const Field *field)
{
	return field->value - field->name - 1 + 1 + field->value_length +
	    field->folds + 2;
}

void
fields_insert(
    Fields *fields, guint position, const char *name, const char *value)
{
	GString *arena = fields->arena;
	Field field = { .name = arena->len };

	g_string_append_len(arena, name, (gssize)strlen(name) + 1);
	field.value = arena->len;
	field.value_length = strlen(value);
	g_string_append_len(arena, value, (gssize)field.value_length + 1);
	field.folds = count_folds(value);
	fields->size += wire_size(&field);
	g_array_insert_val(
	    fields->fields, MIN(position, fields->fields->len), field);
}

void
fields_add(Fields *fields, const char *name, const char *value)
{
	fields_insert(fields, G_MAXUINT, name, value);
}

void
fields_remove(Fields *fields, guint position)
{
	fields->size -= wire_size(field_at(fields, position));
	g_array_remove_index(fields->fields, position);
}

guint
fields_count(const Fields *fields)
{
	return fields->fields->len;
}

gsize
fields_size(const Fields *fields)
{
	return fields->size;
}

const char *
fields_name(const Fields *fields, guint i)
{
	return fields->arena->str + field_at(fields, i)->name;
}

const char *
fields_value(const Fields *fields, guint i)
{
	return fields->arena->str + field_at(fields, i)->value;
}

const char *
fields_find(const Fields *fields, const char *name, guint nth)
{
	guint seen = 0;

	for (guint i = 0; i < fields->fields->len; i++) {
		if (g_ascii_strcasecmp(fields_name(fields, i), name) == 0 &&
		    ++seen == nth) {
			return fields_value(fields, i);
		}
	}
	return NULL;
}

guint
fields_count_of(const Fields *fields, const char *name)
{
	guint count = 0;

	for (guint i = 0; i < fields->fields->len; i++) {
		count += g_ascii_strcasecmp(fields_name(fields, i), name) == 0;
	}
	return count;
}

guint
fields_occurrence(const Fields *fields, guint i)
{
	const char *name = fields_name(fields, i);
	guint occurrence = 1;

	for (guint j = 0; j < i; j++) {
		occurrence +=
		    g_ascii_strcasecmp(fields_name(fields, j), name) == 0;
	}
	return occurrence;
}

static guint
fold_hash(gconstpointer key)
{
	guint hash = 5381;

	for (const char *p = key; *p != '\0'; p++) {
		hash = hash * 33 + (guint)g_ascii_tolower(*p);
	}
	return hash;
}

static gboolean
fold_equal(gconstpointer a, gconstpointer b)
{
	return g_ascii_strcasecmp(a, b) == 0;
}

guint *
fields_occurrences(const Fields *fields)
{
	g_autoptr(GHashTable) seen = g_hash_table_new(fold_hash, fold_equal);
	guint *occurrences = g_new(guint, fields->fields->len);

	for (guint i = 0; i < fields->fields->len; i++) {
		gpointer name = fields->arena->str + field_at(fields, i)->name;
		guint before =
		    GPOINTER_TO_UINT(g_hash_table_lookup(seen, name));

		occurrences[i] = before + 1;
		g_hash_table_insert(seen, name, GUINT_TO_POINTER(before + 1));
	}
	return occurrences;
}

char *
fields_unfold(const char *value)
{
	g_autofree char *text = g_malloc(strlen(value) + 1);
	char *end = text;

	for (const char *p = value; *p != '\0'; p++) {
		if (*p != '\n') {
			*end++ = *p;
		}
	}
	*end = '\0';
	g_strstrip(text);
	return g_steal_pointer(&text);
}

/*
 * Behind the first base64 word that ends in padding and has another encoded
 * word behind it: *next_out is that one. NULL: there is none. GMime 3.2.13
 * joins the base64 of neighbours before it decodes, and stops at the padding.
 */
static const char *
find_padded_word(const char *text, const char **next_out)
{
	for (const char *p = strstr(text, "=?="); p != NULL;
	     p = strstr(p + 1, "=?=")) {
		const char *end = p + 3;
		const char *next = end + strspn(end, " \t");

		if (next > end && g_str_has_prefix(next, "=?")) {
			*next_out = next;
			return end;
		}
	}
	return NULL;
}

char *
fields_decode(const char *value)
{
	g_autofree char *text = fields_unfold(value);
	g_autoptr(GString) decoded = g_string_new(NULL);
	const char *end = text;

	gmime_init_once();
	for (const char *p = text; end != NULL; /* in the loop */) {
		const char *next = NULL;
		g_autofree char *piece = NULL;
		g_autofree char *plain = NULL;

		end = find_padded_word(p, &next);
		piece =
		    end != NULL ? g_strndup(p, (gsize)(end - p)) : g_strdup(p);
		plain = g_mime_utils_header_decode_text(NULL, piece);
		g_string_append(decoded, plain != NULL ? plain : piece);
		p = next;
	}
	/* An encoded word may decode to anything; ours is UTF-8. */
	return g_utf8_make_valid(decoded->str, (gssize)decoded->len);
}

void
fields_write(const Fields *fields, guint i, Rope *rope)
{
	const char *value = fields_value(fields, i);

	rope_append_text(rope, fields_name(fields, i));
	rope_append_copy(rope, ":", 1);
	for (const char *end = strchr(value, '\n'); end != NULL;
	     end = strchr(value, '\n')) {
		rope_append_copy(rope, value, (gsize)(end - value));
		rope_append_copy(rope, "\r\n", 2);
		value = end + 1;
	}
	rope_append_text(rope, value);
	rope_append_copy(rope, "\r\n", 2);
}
