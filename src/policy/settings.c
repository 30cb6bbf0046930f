/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The snapshot of the settings: made whole by loader.c, then immutable and
 * shared by reference between threads; the last one frees it. Also prints it
 * from the table. Reads no file itself.
 */
#include "config.h"

#include "policy/settings.h"

#include <string.h>

#include "base/error.h"
#include "mime/address.h"
#include "policy/loader.h"
#include "policy/option.h"
#include "policy/sender.h"

static void
clear_settings(gpointer data)
{
	Settings *settings = data;
	guint count = 0;
	const Option *table = option_table(&count);

	g_clear_pointer(&settings->domains, g_hash_table_unref);
	option_clear_all(table, count, settings);
	g_free(settings->file);
	g_free(settings->reinject_host);
	sender_logins_free(settings->logins);
}

Settings *
settings_load(const char *file, GError **error)
{
	g_autoptr(Settings) settings = g_atomic_rc_box_new0(Settings);

	settings->file = g_strdup(file);
	if (!loader_fill(settings, error)) {
		return NULL;
	}
	return g_steal_pointer(&settings);
}

Settings *
settings_ref(Settings *settings)
{
	return g_atomic_rc_box_acquire(settings);
}

void
settings_unref(Settings *settings)
{
	if (settings != NULL) {
		g_atomic_rc_box_release_full(settings, clear_settings);
	}
}

/* Opens and closes the groups as the paths of the table come by. */
static void
print_key(GString *out, const Option *option, const char *value,
    const char *indent, char **group)
{
	const char *dot = strchr(option->path, '.');
	g_autofree char *own =
	    g_strndup(option->path, dot == NULL ? 0 : dot - option->path);

	if (strcmp(own, *group) != 0) {
		if ((*group)[0] != '\0') {
			g_string_append_printf(out, "%s};\n", indent);
		}
		if (own[0] != '\0') {
			g_string_append_printf(out, "%s%s = {\n", indent, own);
		}
		g_free(*group);
		*group = g_strdup(own);
	}
	if (value != NULL) {
		g_string_append_printf(out, "%s%s%s = %s;\n", indent,
		    own[0] == '\0' ? "" : "\t",
		    dot == NULL ? option->path : dot + 1, value);
	}
}

static void
print_rule(GString *out, const Rule *rule)
{
	guint count = 0;
	const Option *table = option_rule_table(&count);
	g_autofree char *group = g_strdup("");

	for (guint i = 0; i < count; i++) {
		g_autoptr(GString) value = g_string_new(NULL);
		bool of_sign = g_str_has_prefix(table[i].path, "sign.");

		if ((!of_sign || rule->sets_sign) &&
		    option_print(&table[i], rule, value)) {
			print_key(out, &table[i], value->str, "\t\t", &group);
		}
	}
	if (group[0] != '\0') {
		g_string_append(out, "\t\t};\n");
	}
}

static char *
print_rules(const GPtrArray *rules)
{
	GString *out = g_string_new("(");

	for (guint i = 0; i < rules->len; i++) {
		g_string_append(out, i == 0 ? "\n\t{\n" : ",\n\t{\n");
		print_rule(out, g_ptr_array_index(rules, i));
		g_string_append(out, "\t}");
	}
	g_string_append(out, rules->len == 0 ? " )" : "\n)");
	return g_string_free(out, FALSE);
}

char *
settings_print(const Settings *settings)
{
	guint count = 0;
	const Option *table = option_table(&count);
	GString *out = g_string_new(NULL);
	g_autofree char *group = g_strdup("");

	for (guint i = 0; i < count; i++) {
		g_autoptr(GString) value = g_string_new(NULL);
		g_autofree char *rules = NULL;

		if (table[i].kind == OPTION_RULES) {
			rules = print_rules(settings->rules);
			g_string_append(value, rules);
		} else if (!option_print(&table[i], settings, value)) {
			g_string_append(value, "\"\"");
		}
		print_key(out, &table[i], value->str, "", &group);
	}
	if (group[0] != '\0') {
		g_string_append(out, "};\n");
	}
	return g_string_free(out, FALSE);
}

static void
add_rows(GArray *rows, const Option *table, guint count, const char *prefix)
{
	for (guint i = 0; i < count; i++) {
		SettingsRow row = {
			.path = g_strconcat(prefix, table[i].path, NULL),
			.type = option_type(&table[i]),
			.initial = prefix[0] == '\0' ? table[i].initial : NULL,
			.help = table[i].help,
			.choices = table[i].choices,
			.min = table[i].min,
			.max = table[i].max,
		};

		g_array_append_val(rows, row);
	}
}

static gpointer
make_rows(gpointer unused)
{
	GArray *rows = g_array_new(FALSE, FALSE, sizeof(SettingsRow));
	guint count = 0;
	const Option *table = option_table(&count);

	(void)unused;
	add_rows(rows, table, count, "");
	table = option_rule_table(&count);
	add_rows(rows, table, count, "rules[].");
	return rows;
}

const SettingsRow *
settings_rows(guint *count_out)
{
	static GOnce once = G_ONCE_INIT;
	const GArray *rows = g_once(&once, make_rows, NULL);

	*count_out = rows->len;
	return (const SettingsRow *)(gpointer)rows->data;
}

/* "a.b.example.org": itself, then ".b.example.org", ".example.org", ".org". */
bool
settings_is_own(const Settings *settings, const char *address)
{
	const char *at = address_domain(address);

	if (at == NULL) {
		return false;
	}
	if (g_hash_table_contains(settings->domains, at)) {
		return true;
	}
	for (at = strchr(at, '.'); at != NULL; at = strchr(at + 1, '.')) {
		if (g_hash_table_contains(settings->domains, at)) {
			return true;
		}
	}
	return false;
}
