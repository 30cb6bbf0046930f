/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes the entity that is signed (RFC 8551 3.1.1 to 3.1.3). A body that is
 * safe already, as nearly all are, is looked at once and shared; what else
 * must happen is decided and done in remedies.c. Keeps no state.
 */
#include "config.h"

#include "mime/entity.h"

#include <string.h>

#include "mime/hazards.h"
#include "mime/headers.h"
#include "mime/remedies.h"
#include "mime/rewrites.h"

void
entity_free(Entity *entity)
{
	if (entity == NULL) {
		return;
	}
	rope_free(entity->content);
	g_free(entity);
}

static Entity *
entity_start(const GString *header, bool safe)
{
	Entity *entity = g_new0(Entity, 1);

	entity->content = rope_new();
	entity->safe = safe;
	rope_append_copy(entity->content, header->str, header->len);
	return entity;
}

static Entity *
make_raw(const Fields *fields, GBytes *body, bool eight_bit)
{
	g_autoptr(GString) header = headers_of_root_raw(fields, eight_bit);
	Entity *entity = entity_start(header, false);

	rope_append_bytes(entity->content, body);
	return entity;
}

static Entity *
make_changed(const Remedies *remedies, const Structure *structure, GBytes *body,
    const GString *header, const char *directory, GError **error)
{
	g_autoptr(Entity) entity = entity_start(header, true);

	if (!remedies_apply(
		remedies, structure, body, directory, entity->content, error)) {
		return NULL;
	}
	entity->encoded = remedies->encoded;
	entity->closed = remedies->closed;
	return g_steal_pointer(&entity);
}

static guint
hazards_of_body(GBytes *body)
{
	gsize length = 0;
	const guint8 *data = g_bytes_get_data(body, &length);

	return length > 0 ? hazards_of(data, length) : HAZARD_NONE;
}

Entity *
entity_make(const Fields *fields, const Structure *structure, GBytes *body,
    const char *directory, GError **error)
{
	guint hazards = hazards_of_body(body);
	bool eight_bit = (hazards & HAZARD_8BIT) != 0;
	bool unchanged = hazards == HAZARD_NONE && !remedies_wanted(structure);
	g_autoptr(Remedies) remedies = NULL;
	g_autoptr(GString) header = NULL;
	Entity *entity = NULL;

	if (rewrites_expected(fields, structure, body)) {
		return make_raw(fields, body, eight_bit);
	}
	if (!unchanged) {
		remedies = remedies_new(structure, body);
	}
	header = headers_of_root(fields,
	    remedies != NULL ? remedies->parts[0].label : NULL, eight_bit);
	if ((!unchanged && remedies == NULL) ||
	    hazards_of((const guint8 *)header->str, header->len) !=
		HAZARD_NONE) {
		return make_raw(fields, body, eight_bit);
	}
	if (!unchanged) {
		return make_changed(
		    remedies, structure, body, header, directory, error);
	}
	entity = entity_start(header, true);
	rope_append_bytes(entity->content, body);
	return entity;
}
