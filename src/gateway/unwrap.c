/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands inside a signature was made for the road as part of something
 * that protects it: an opaque one may hold 8-bit or binary text. So it goes
 * through the same workshop as mail that is to be signed. Keeps no state.
 */
#include "config.h"

#include "gateway/unwrap.h"

#include "base/error.h"
#include "base/text.h"
#include "mime/entity.h"
#include "mime/structure.h"
#include "mime/wrap.h"

static bool
is_content_field(const char *name)
{
	return g_ascii_strncasecmp(name, "Content-", 8) == 0;
}

/* All but the Content-Type, which has its place. */
static void
add_inner(const Fields *inner, Edits *edits)
{
	for (guint i = 0; i < fields_count(inner); i++) {
		const char *name = fields_name(inner, i);

		if (is_content_field(name) &&
		    !text_equal_fold(name, "Content-Type")) {
			edits_add(edits, name, fields_value(inner, i));
		}
	}
}

static Message *
make_safe(const Message *content, const UnwrapLimits *limits, GError **error)
{
	g_autoptr(Structure) structure = structure_scan(content->fields,
	    content->body, limits->parts, limits->depth, error);
	g_autoptr(Entity) entity = NULL;
	g_autoptr(GBytes) raw = NULL;
	bool crlf = false;

	if (structure == NULL) {
		return NULL;
	}
	entity = entity_make(content->fields, structure, content->body,
	    limits->directory, error);
	if (entity == NULL) {
		return NULL;
	}
	if (!entity->safe || fields_are_cut(content->fields)) {
		g_set_error(error, ERROR_DOMAIN, ERROR_UNFIT,
		    "something in it would not survive without the signature "
		    "around it");
		return NULL;
	}
	raw = rope_to_bytes(entity->content);
	return message_parse(raw, &crlf);
}

static bool
fits(const Fields *fields, const Message *inner, gint64 limit, GError **error)
{
	gsize size = fields_size(fields) + fields_size(inner->fields) + 2 +
	    g_bytes_get_size(inner->body);

	if (limit == 0 || size <= (guint64)limit) {
		return true;
	}
	g_set_error(error, ERROR_DOMAIN, ERROR_LIMIT,
	    "it is over limits.message = %" G_GINT64_FORMAT, limit);
	return false;
}

Rope *
unwrap(const Fields *fields, const Message *content, const UnwrapLimits *limits,
    Edits *edits, GError **error)
{
	g_autoptr(Message) inner = make_safe(content, limits, error);
	Rope *body = NULL;

	if (inner == NULL || !fits(fields, inner, limits->message, error)) {
		return NULL;
	}
	body = rope_new();
	rope_append_bytes(body, inner->body);
	wrap_replace_content(fields,
	    fields_find(inner->fields, "Content-Type", 1), false, edits);
	add_inner(inner->fields, edits);
	return body;
}
