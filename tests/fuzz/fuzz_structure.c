/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a message through src/mime: scan, entity, layers, wrapping.
 * What entity.h promises is checked, so a broken promise is a crash too.
 */
#include "config.h"

#include <stdint.h>

#include "../unit/mime-judge.h"
#include "mime/address.h"
#include "mime/entity.h"
#include "mime/layers.h"
#include "mime/wrap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_entity(const Message *message, const Structure *structure)
{
	g_autoptr(Entity) entity = entity_make(message->fields, structure,
	    message->body, "/nonexistent/spool", NULL);
	g_autoptr(GBytes) content = NULL;
	g_autoptr(Message) after = NULL;
	g_autofree char *leaves_before = NULL;
	g_autofree char *leaves_after = NULL;
	bool crlf = false;

	/* Large inputs end at the spool that is not there. */
	if (entity == NULL || !entity->safe) {
		return;
	}
	content = rope_to_bytes(entity->content);
	after = message_parse(content, &crlf);
	leaves_before = judge_leaves(message->fields, message->body);
	leaves_after = judge_leaves(after->fields, after->body);
	g_assert_cmpstr(leaves_after, ==, leaves_before);
	g_assert_null(judge_hazard(
	    g_bytes_get_data(content, NULL), g_bytes_get_size(content)));
}

static void
check_layers(const Message *message, const Structure *structure)
{
	g_autoptr(GBytes) blob = NULL;
	g_autoptr(GBytes) content = NULL;
	Layer layer = LAYER_NONE;

	layers_header_is_plain(message->fields);
	layers_find(message->fields, structure, message->body, 100000, &layer,
	    &blob, &content, NULL);
}

static void
check_wrap(const Message *message)
{
	g_autoptr(Edits) edits = edits_new();
	g_autoptr(Rope) rope = rope_new();
	g_autoptr(Rope) body = NULL;
	g_autoptr(Fields) result = NULL;

	rope_append_bytes(rope, message->body);
	body = wrap_detached(
	    rope, message->body, "sha-256", message->fields, edits);
	result = edits_apply(edits, message->fields);
	g_assert_cmpuint(fields_count_of(result, "Content-Type"), ==, 1);
	g_assert_cmpuint(fields_count_of(result, "MIME-Version"), ==, 1);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(GBytes) raw = g_bytes_new(data, size);
	bool crlf = false;
	g_autoptr(Message) message = message_parse(raw, &crlf);
	g_autoptr(Structure) structure =
	    structure_scan(message->fields, message->body, 1000, 50, NULL);
	AddressFrom from = { 0 };

	address_from(message->fields, &from);
	address_from_clear(&from);
	if (structure != NULL) {
		check_entity(message, structure);
		check_layers(message, structure);
		check_wrap(message);
	}
	return 0;
}
