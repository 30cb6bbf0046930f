/* SPDX-License-Identifier: Apache-2.0 */
/* Settings from text, and headers from lines, for the tests of policy. */
#ifndef TESTS_POLICY_FIXTURE_H
#define TESTS_POLICY_FIXTURE_H

#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>

#include "mime/address.h"
#include "policy/envelope.h"
#include "policy/settings.h"

/* A file with this content, to be removed and freed. */
static inline char *
fixture_file(const char *content, gssize length)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *name = NULL;
	int descriptor = g_file_open_tmp("policy-XXXXXX", &name, &error);

	g_assert_no_error(error);
	g_close(descriptor, NULL);
	g_file_set_contents(name, content, length, &error);
	g_assert_no_error(error);
	return g_steal_pointer(&name);
}

static inline void
fixture_remove(char *file)
{
	g_assert_cmpint(g_unlink(file), ==, 0);
	g_free(file);
}

/* NULL with *error when the text is no good. */
static inline Settings *
fixture_try(const char *text, GError **error)
{
	char *file = fixture_file(text, -1);
	Settings *settings = settings_load(file, error);

	fixture_remove(file);
	return settings;
}

/* local_domains = example.com, .example.org and example.net, and text. */
static inline Settings *
fixture_settings(const char *text)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *whole =
	    g_strconcat("local_domains = [ \"example.com\", \"example.net\", "
			"\".example.org\" ];\n",
		text, NULL);
	Settings *settings = fixture_try(whole, &error);

	g_assert_no_error(error);
	return settings;
}

/* "Name: value" lines, folded ones too. The value keeps its leading blank. */
static inline Fields *
fixture_fields(const char *text)
{
	Fields *fields = fields_new();
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

	for (guint i = 0; lines[i] != NULL;) {
		g_autoptr(GString) line = g_string_new(lines[i++]);
		const char *colon = NULL;
		g_autofree char *name = NULL;

		while (lines[i] != NULL &&
		    (lines[i][0] == ' ' || lines[i][0] == '\t')) {
			g_string_append_printf(line, "\n%s", lines[i++]);
		}
		colon = strchr(line->str, ':');
		if (colon != NULL) {
			name = g_strndup(line->str, (gsize)(colon - line->str));
			fields_add(fields, name, colon + 1);
		}
	}
	return fields;
}

#endif
