/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as Authentication-Results, as what we write into one, and as a
 * Subject: nothing with our id and an smime result stays, what we write is
 * sound, and no tag survives.
 */
#include "config.h"

#include <string.h>

#include "mime/authres.h"
#include "mime/subject.h"

#define ID "gw.example"
#define TAG "[ok]"

int LLVMFuzzerTestOneInput(const guint8 *data, size_t size);

static void
check_strip(const char *value)
{
	g_autoptr(Fields) fields = fields_new();
	g_autoptr(Edits) edits = edits_new();
	AuthresFacts facts = { 0 };
	guint count = 0;

	fields_add(fields, "Authentication-Results", value);
	authres_read(value, &facts);
	count = authres_strip(fields, ID, AUTHRES_STRIP_SMIME, edits);
	g_assert_cmpuint(edits_count(edits), ==, count);
	g_assert_true(!facts.sound || facts.id != NULL);
	if (facts.id != NULL && g_ascii_strcasecmp(facts.id, ID) == 0) {
		g_assert_cmpuint(
		    count, ==, facts.smime || !facts.sound ? 1 : 0);
	}
	authres_clear(&facts);
}

static void
check_lines(const char *value)
{
	g_auto(GStrv) lines = g_strsplit(value, "\n", -1);

	for (guint i = 0; lines[i] != NULL; i++) {
		g_assert_cmpuint(strlen(lines[i]), <=, 998);
		g_assert_cmpint(lines[i][0], ==, ' ');
	}
}

static void
check_write(const char *text)
{
	g_autoptr(GArray) results =
	    g_array_new(FALSE, FALSE, sizeof(AuthresResult));
	AuthresResult result = { .result = "fail",
		.comment = text,
		.identifier = text,
		.part = text,
		.serial = text,
		.issuer = text };
	g_autofree char *value = NULL;
	AuthresFacts facts = { 0 };

	g_array_append_val(results, result);
	g_array_append_val(results, result);
	value = authres_write(ID, results);
	g_assert_true(g_str_is_ascii(value));
	check_lines(value);
	authres_read(value, &facts);
	g_assert_true(facts.sound && facts.smime);
	g_assert_cmpstr(facts.id, ==, ID);
	authres_clear(&facts);
}

static void
check_subject(const char *value)
{
	g_autoptr(Fields) fields = fields_new();
	g_autoptr(Edits) edits = edits_new();
	g_autoptr(Fields) result = NULL;
	g_autofree char *text = NULL;
	g_autofree char *lowered = NULL;

	fields_add(fields, "Subject", value);
	if (subject_tag(fields, TAG, false, edits)) {
		result = edits_apply(edits, fields);
		check_lines(fields_find(result, "Subject", 1));
		text = fields_decode(fields_find(result, "Subject", 1));
		lowered = g_ascii_strdown(text, -1);
		g_assert_null(strstr(lowered, TAG));
	}
}

int
LLVMFuzzerTestOneInput(const guint8 *data, size_t size)
{
	g_autofree char *value = g_strndup((const char *)data, size);

	check_strip(value);
	check_write(value);
	check_subject(value);
	return 0;
}
