/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Applies the requests of a milter in their order, the way an MTA does: an
 * insert at 0 goes above the MTA's own Received field and one at 1 below it;
 * that field is not there, so both are the top. A change of a field that does
 * not exist appends it. Values leave with CRLF folds.
 */
#include "config.h"

#include "mailresult.h"

#include <string.h>

#include <libmilter/mfdef.h>

typedef struct {
	char *name;
	char *value;
	bool deleted;
} Slot;

static Slot *
slot_new(const char *name, const char *value)
{
	Slot *slot = g_new0(Slot, 1);

	slot->name = g_strdup(name);
	slot->value = g_strdup(value);
	return slot;
}

static void
slot_free(gpointer data)
{
	Slot *slot = data;

	g_free(slot->name);
	g_free(slot->value);
	g_free(slot);
}

static char *
written_value(const char *value, const EditRules *rules)
{
	return g_strconcat(rules->leading_space ? "" : " ", value, NULL);
}

/* The index-th field of this name, from 1; n fields when there is none. */
static guint
find_slot(const GPtrArray *slots, const char *name, guint32 index)
{
	guint32 seen = 0;

	for (guint i = 0; i < slots->len; i++) {
		const Slot *slot = g_ptr_array_index(slots, i);

		if (g_ascii_strcasecmp(slot->name, name) == 0 &&
		    ++seen == MAX(index, 1)) {
			return i;
		}
	}
	return slots->len;
}

static void
change_field(GPtrArray *slots, const Request *request, const EditRules *rules)
{
	bool empty = request->second == NULL || *request->second == '\0';
	guint at = find_slot(slots, request->first, request->index);
	Slot *slot = NULL;

	if (at == slots->len) {
		if (!empty) {
			g_autofree char *value =
			    written_value(request->second, rules);

			g_ptr_array_add(slots, slot_new(request->first, value));
		}
		return;
	}
	if (empty && !rules->keeps_slots) {
		g_ptr_array_remove_index(slots, at);
		return;
	}
	slot = g_ptr_array_index(slots, at);
	slot->deleted = empty;
	if (!empty) {
		g_free(slot->value);
		slot->value = written_value(request->second, rules);
	}
}

static void
insert_field(GPtrArray *slots, guint32 index, const Request *request,
    const EditRules *rules)
{
	g_autofree char *value = written_value(
	    request->second == NULL ? "" : request->second, rules);
	guint at = index == 0 ? 0 : MIN(index - 1, slots->len);

	g_ptr_array_insert(slots, (gint)at, slot_new(request->first, value));
}

static GPtrArray *
edited_header(const Mail *mail, const Answer *answer, const EditRules *rules)
{
	GPtrArray *slots = g_ptr_array_new_with_free_func(slot_free);

	for (guint i = 0; i < mail->n_fields; i++) {
		g_ptr_array_add(slots,
		    slot_new(mail->fields[i].name, mail->fields[i].value));
	}
	for (guint i = 0; i < answer->requests->len; i++) {
		const Request *request = g_ptr_array_index(answer->requests, i);

		if (request->command == SMFIR_CHGHEADER) {
			change_field(slots, request, rules);
		} else if (request->command == SMFIR_INSHEADER) {
			insert_field(slots, request->index, request, rules);
		} else if (request->command == SMFIR_ADDHEADER) {
			insert_field(slots, G_MAXUINT32, request, rules);
		}
	}
	return slots;
}

static void
append(GByteArray *out, const char *data, gsize length)
{
	g_byte_array_append(out, (const guint8 *)data, (guint)length);
}

static void
append_folded(GByteArray *out, const char *value)
{
	for (const char *end; (end = strchr(value, '\n')) != NULL;
	     value = end + 1) {
		append(out, value, (gsize)(end - value));
		append(out, "\r\n", 2);
	}
	append(out, value, strlen(value));
	append(out, "\r\n", 2);
}

GByteArray *
mailresult_message(
    const Mail *mail, const Answer *answer, const EditRules *rules)
{
	g_autoptr(GPtrArray) slots = edited_header(mail, answer, rules);
	GByteArray *out = g_byte_array_sized_new(
	    (guint)(mail->body_length + answer->body->len) + 4096);

	for (guint i = 0; i < slots->len; i++) {
		const Slot *slot = g_ptr_array_index(slots, i);

		if (!slot->deleted) {
			append(out, slot->name, strlen(slot->name));
			append(out, ":", 1);
			append_folded(out, slot->value);
		}
	}
	append(out, "\r\n", 2);
	if (answer->replaced) {
		append(
		    out, (const char *)answer->body->data, answer->body->len);
	} else {
		append(out, mail->body, mail->body_length);
	}
	return out;
}

static char *
bare_address(const char *path)
{
	gsize length = strlen(path);

	if (length >= 2 && path[0] == '<' && path[length - 1] == '>') {
		return g_strndup(path + 1, length - 2);
	}
	return g_strdup(path);
}

static void
remove_address(GPtrArray *rcpts, const char *address)
{
	for (guint i = rcpts->len; i > 0; i--) {
		if (strcmp(g_ptr_array_index(rcpts, i - 1), address) == 0) {
			g_ptr_array_remove_index(rcpts, i - 1);
		}
	}
}

char *
mailresult_envelope(const Mail *mail, const Answer *answer)
{
	g_autoptr(GPtrArray) rcpts = g_ptr_array_new_with_free_func(g_free);
	g_autofree char *from = g_strdup(mail->from);
	GString *text = g_string_new("from: ");

	for (guint i = 0; mail->rcpts[i] != NULL; i++) {
		g_ptr_array_add(rcpts, g_strdup(mail->rcpts[i]));
	}
	for (guint i = 0; i < answer->requests->len; i++) {
		const Request *request = g_ptr_array_index(answer->requests, i);
		g_autofree char *address = bare_address(request->first);

		if (request->command == SMFIR_DELRCPT) {
			remove_address(rcpts, address);
		} else if (request->command == SMFIR_ADDRCPT ||
		    request->command == SMFIR_ADDRCPT_PAR) {
			g_ptr_array_add(rcpts, g_steal_pointer(&address));
		} else if (request->command == SMFIR_CHGFROM) {
			g_free(from);
			from = g_steal_pointer(&address);
		}
	}
	g_string_append_printf(text, "%s\n", from);
	for (guint i = 0; i < rcpts->len; i++) {
		g_string_append_printf(text, "rcpt: %s\n",
		    (const char *)g_ptr_array_index(rcpts, i));
	}
	return g_string_free(text, FALSE);
}
