/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Facts of CRLs, written and read. Most values come from outside (names in
 * certificates, header fields of a server): bytes that would end a line or
 * upset a terminal are escaped, so that each value is one line and comes back
 * as it was. Which fields there are stands in one table.
 */
#include "config.h"

#include "store/crlfacts.h"

#include <stddef.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"

/* The end of the year 9999: what text_time() can say. */
#define TIME_MAX G_GINT64_CONSTANT(253402300799)

typedef enum { TEXT, TIME, NUMBER, COUNT, YES } Kind;

typedef struct {
	const char *name;
	Kind kind;
	gsize offset;
} Field;

#define FIELD(name, kind, member)                      \
	{                                              \
		name, kind, offsetof(CrlFacts, member) \
	}
static const Field fields[] = {
	FIELD("url", TEXT, url),
	FIELD("id", TEXT, id),
	FIELD("issuer", TEXT, issuer),
	FIELD("issuer key", TEXT, issuer_key),
	FIELD("number", TEXT, number),
	FIELD("delta", YES, delta),
	FIELD("this update", TIME, this_update),
	FIELD("next update", TIME, next_update),
	FIELD("size", NUMBER, size),
	FIELD("fetched", TIME, fetched),
	FIELD("etag", TEXT, etag),
	FIELD("last modified", TEXT, last_modified),
	FIELD("next fetch", TIME, next_fetch),
	FIELD("failures", COUNT, failures),
	FIELD("trouble", TEXT, trouble),
};

CrlFacts *
crls_facts_copy(const CrlFacts *facts)
{
	CrlFacts *copy = g_new(CrlFacts, 1);

	*copy = *facts;
	for (gsize i = 0; i < G_N_ELEMENTS(fields); i++) {
		if (fields[i].kind == TEXT) {
			char **text = G_STRUCT_MEMBER_P(copy, fields[i].offset);

			*text = g_strdup(*text);
		}
	}
	return copy;
}

void
crls_facts_free(CrlFacts *facts)
{
	if (facts == NULL) {
		return;
	}
	for (gsize i = 0; i < G_N_ELEMENTS(fields); i++) {
		if (fields[i].kind == TEXT) {
			g_free(
			    G_STRUCT_MEMBER(char *, facts, fields[i].offset));
		}
	}
	g_free(facts);
}

static void
append_escaped(GString *lines, const char *value)
{
	for (const char *at = value; *at != '\0'; at++) {
		guchar byte = (guchar)*at;

		if (byte < 0x20 || byte == 0x7f || byte == '\\') {
			g_string_append_printf(lines, "\\%02x", byte);
		} else {
			g_string_append_c(lines, *at);
		}
	}
}

/* What is 0, false or absent has no line. */
static void
append_field(GString *lines, const Field *field, const CrlFacts *facts)
{
	const void *at = (const char *)facts + field->offset;
	g_autofree char *value = NULL;

	switch (field->kind) {
	case TEXT:
		value = g_strdup(*(char *const *)at);
		break;
	case TIME:
		if (*(const gint64 *)at > 0) {
			value = text_time(MIN(*(const gint64 *)at, TIME_MAX));
		}
		break;
	case NUMBER:
		value =
		    g_strdup_printf("%" G_GINT64_FORMAT, *(const gint64 *)at);
		break;
	case COUNT:
		value = g_strdup_printf("%u", *(const guint *)at);
		break;
	case YES:
		value = *(const bool *)at ? g_strdup("yes") : NULL;
		break;
	}
	if (value != NULL) {
		g_string_append_printf(lines, "%s: ", field->name);
		append_escaped(lines, value);
		g_string_append_c(lines, '\n');
	}
}

GBytes *
crlfacts_text(const CrlFacts *facts)
{
	GString *lines = g_string_new(NULL);

	for (gsize i = 0; i < G_N_ELEMENTS(fields); i++) {
		append_field(lines, &fields[i], facts);
	}
	return g_string_free_to_bytes(lines);
}

/* NULL: append_escaped() cannot have made it. */
static char *
unescape(const char *value)
{
	g_autoptr(GString) text = g_string_new(NULL);

	for (const char *at = value; *at != '\0'; at++) {
		int high = 0;
		int low = 0;

		if (*at != '\\') {
			g_string_append_c(text, *at);
			continue;
		}
		high = g_ascii_xdigit_value(at[1]);
		low = high < 0 ? -1 : g_ascii_xdigit_value(at[2]);
		if (low < 0 || high + low == 0) {
			return NULL;
		}
		g_string_append_c(text, (char)(high * 16 + low));
		at += 2;
	}
	return g_strdup(text->str);
}

static bool
parse_number(const char *value, guint64 max, guint64 *number_out)
{
	return g_ascii_string_to_unsigned(value, 10, 0, max, number_out, NULL);
}

static bool
parse_value(const Field *field, const char *value, CrlFacts *facts)
{
	gpointer at = G_STRUCT_MEMBER_P(facts, field->offset);
	guint64 number = 0;

	switch (field->kind) {
	case TEXT:
		g_free(*(char **)at);
		*(char **)at = unescape(value);
		return *(char **)at != NULL;
	case TIME:
		return text_parse_time(value, at);
	case NUMBER:
		if (!parse_number(value, G_MAXINT64, &number)) {
			return false;
		}
		*(gint64 *)at = (gint64)number;
		return true;
	case COUNT:
		if (!parse_number(value, G_MAXUINT, &number)) {
			return false;
		}
		*(guint *)at = (guint)number;
		return true;
	case YES:
		*(bool *)at = g_str_equal(value, "yes");
		return true;
	}
	return false;
}

static bool
parse_line(const char *line, CrlFacts *facts)
{
	const char *colon = strstr(line, ": ");

	if (colon == NULL) {
		return false;
	}
	for (gsize i = 0; i < G_N_ELEMENTS(fields); i++) {
		gsize length = (gsize)(colon - line);

		if (strlen(fields[i].name) == length &&
		    memcmp(fields[i].name, line, length) == 0) {
			return parse_value(&fields[i], colon + 2, facts);
		}
	}
	return true;
}

/* Whatever was lost, a file that names neither is none of ours. */
static bool
is_whole(const CrlFacts *facts)
{
	if (facts->id != NULL &&
	    (!crlfacts_is_name(facts->id) || facts->issuer_key == NULL)) {
		return false;
	}
	return facts->url != NULL || facts->id != NULL;
}

CrlFacts *
crlfacts_parse(GBytes *text, GError **error)
{
	g_autoptr(CrlFacts) facts = g_new0(CrlFacts, 1);
	gsize length = 0;
	const char *data = g_bytes_get_data(text, &length);
	g_autofree char *copy = g_strndup(length > 0 ? data : "", length);
	g_auto(GStrv) lines = g_strsplit(copy, "\n", -1);

	for (char **line = lines; *line != NULL; line++) {
		if (**line != '\0' && !parse_line(*line, facts)) {
			g_set_error(error, ERROR_DOMAIN, ERROR_MALFORMED,
			    "line %d is broken", (int)(line - lines) + 1);
			return NULL;
		}
	}
	if (!is_whole(facts)) {
		g_set_error(error, ERROR_DOMAIN, ERROR_MALFORMED,
		    "names neither a URL nor a CRL");
		return NULL;
	}
	return g_steal_pointer(&facts);
}

char *
crlfacts_name(const CrlFacts *facts)
{
	return facts->url != NULL
	    ? g_compute_checksum_for_string(G_CHECKSUM_SHA256, facts->url, -1)
	    : g_strdup(facts->id);
}

bool
crlfacts_is_name(const char *name)
{
	return strlen(name) == 64 && strspn(name, "0123456789abcdef") == 64;
}
