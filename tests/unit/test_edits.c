/* SPDX-License-Identifier: Apache-2.0 */
/* Header edits: the order in which an MTA must get them, and the result. */
#include "config.h"

#include "mime/edits.h"

#include <string.h>

/* "name:value" joined with '|', as short as a test can be read. */
static char *
describe(const Fields *fields)
{
	GString *text = g_string_new(NULL);

	for (guint i = 0; i < fields_count(fields); i++) {
		g_string_append_printf(text, "%s%s:%s", i > 0 ? "|" : "",
		    fields_name(fields, i), fields_value(fields, i));
	}
	return g_string_free(text, FALSE);
}

static Fields *
parse(const char *text)
{
	g_auto(GStrv) all = g_strsplit(text, "|", -1);
	Fields *fields = fields_new();

	for (char **one = all; *one != NULL; one++) {
		char *colon = strchr(*one, ':');

		*colon = '\0';
		fields_add(fields, *one, colon + 1);
	}
	return fields;
}

/* "-Name.2" delete, "=Name.1:value" change, "+Name:value", "^Name:value". */
static Edits *
edits_from(const char *text)
{
	g_auto(GStrv) all = g_strsplit(text, "|", -1);
	Edits *edits = edits_new();

	for (char **one = all; *one != NULL; one++) {
		char *name = *one + 1;
		char *value = strchr(name, ':');
		char *dot = strchr(name, '.');
		guint n = dot != NULL ? (guint)atoi(dot + 1) : 0;

		if (value != NULL) {
			*value++ = '\0';
		}
		if (dot != NULL) {
			*dot = '\0';
		}
		switch (**one) {
		case '-':
			edits_delete(edits, name, n);
			break;
		case '=':
			edits_change(edits, name, n, value);
			break;
		case '+':
			edits_add(edits, name, value);
			break;
		default:
			edits_top(edits, name, value);
		}
	}
	return edits;
}

/*
 * What an MTA makes of the edits one after the other. renumber: like Postfix,
 * which counts anew after each delete; else like Sendmail, which keeps the
 * slot.
 */
static Fields *
mta_apply(const Edits *edits, const Fields *before, bool renumber)
{
	Fields *fields = fields_copy(before);
	g_autoptr(Fields) result = fields_new();

	for (guint i = 0; i < edits_count(edits); i++) {
		const Edit *edit = edits_get(edits, i);
		guint seen = 0;
		guint j = 0;

		if (edit->kind == EDIT_TOP) {
			fields_insert(fields, 0, edit->name, edit->value);
			continue;
		}
		if (edit->kind == EDIT_ADD) {
			fields_add(fields, edit->name, edit->value);
			continue;
		}
		for (j = 0; j < fields_count(fields); j++) {
			if (g_ascii_strcasecmp(
				fields_name(fields, j), edit->name) == 0 &&
			    ++seen == edit->occurrence) {
				break;
			}
		}
		if (j < fields_count(fields)) {
			g_autofree char *name =
			    g_strdup(fields_name(fields, j));

			fields_remove(fields, j);
			if (edit->kind == EDIT_CHANGE) {
				fields_insert(fields, j, name, edit->value);
			} else if (!renumber) {
				fields_insert(fields, j, name, "DELETED");
			}
		} else if (edit->kind == EDIT_CHANGE) {
			fields_add(fields, edit->name, edit->value);
		}
	}
	for (guint i = 0; i < fields_count(fields); i++) {
		if (strcmp(fields_value(fields, i), "DELETED") != 0) {
			fields_add(result, fields_name(fields, i),
			    fields_value(fields, i));
		}
	}
	fields_free(fields);
	return g_steal_pointer(&result);
}

static const struct {
	const char *name;
	const char *fields;
	const char *edits;
	const char *want;
} apply_cases[] = {
	{ "delete-one-of-three", "A:1|A:2|A:3", "-A.2", "A:1|A:3" },
	{ "delete-all-upwards", "A:1|B:x|a:2|A:3", "-A.1|-A.2|-A.3", "B:x" },
	{ "delete-twice-is-once", "A:1|A:2", "-A.1|-a.1", "A:2" },
	{ "delete-what-is-not-there", "A:1", "-A.2|-B.1", "A:1" },
	{ "change-in-place", "A:1|B:2|A:3", "=A.2:new", "A:1|B:2|A:new" },
	{ "change-counts-in-the-original", "A:1|A:2|A:3", "-A.1|=A.3:new",
	    "A:2|A:new" },
	{ "change-twice-takes-the-last", "A:1", "=A.1:x|=A.1:y", "A:y" },
	{ "change-and-delete-deletes", "A:1|B:2", "-A.1|=A.1:x", "B:2" },
	{ "change-of-nothing-appends", "A:1", "=B.1:x", "A:1|B:x" },
	{ "add-in-order", "A:1", "+X:1|+Y:2", "A:1|X:1|Y:2" },
	{ "top-first-on-top", "A:1", "^X:1|^Y:2", "X:1|Y:2|A:1" },
	{ "all-kinds", "A:1|B:2|A:3", "+N:4|^T:0|-B.1|=A.2:z",
	    "T:0|A:1|A:z|N:4" },
	{ "wrap", "Content-Type:t|X:1|MIME-Version:1|MIME-Version:2",
	    "=Content-Type.1:s|-MIME-Version.2",
	    "Content-Type:s|X:1|MIME-Version:1" },
};

static void
test_apply(gconstpointer data)
{
	gsize i = GPOINTER_TO_SIZE(data);
	g_autoptr(Fields) fields = parse(apply_cases[i].fields);
	g_autoptr(Edits) edits = edits_from(apply_cases[i].edits);
	g_autoptr(Fields) ours = edits_apply(edits, fields);
	g_autoptr(Fields) postfix = mta_apply(edits, fields, true);
	g_autoptr(Fields) sendmail = mta_apply(edits, fields, false);
	g_autofree char *our_text = describe(ours);
	g_autofree char *postfix_text = describe(postfix);
	g_autofree char *sendmail_text = describe(sendmail);

	g_assert_cmpstr(our_text, ==, apply_cases[i].want);
	g_assert_cmpstr(postfix_text, ==, apply_cases[i].want);
	g_assert_cmpstr(sendmail_text, ==, apply_cases[i].want);
}

static void
test_order(void)
{
	g_autoptr(Edits) edits =
	    edits_from("^T:1|+N:1|-B.1|-A.1|=A.3:x|-a.7|^U:2|=Z.1:y|+M:2");
	static const struct {
		EditKind kind;
		const char *name;
		guint occurrence;
	} want[] = {
		{ EDIT_CHANGE, "A", 3 },
		{ EDIT_CHANGE, "Z", 1 },
		{ EDIT_DELETE, "a", 7 },
		{ EDIT_DELETE, "A", 1 },
		{ EDIT_DELETE, "B", 1 },
		{ EDIT_ADD, "N", 0 },
		{ EDIT_ADD, "M", 0 },
		{ EDIT_TOP, "U", 0 },
		{ EDIT_TOP, "T", 0 },
	};

	g_assert_cmpuint(edits_count(edits), ==, G_N_ELEMENTS(want));
	for (guint i = 0; i < G_N_ELEMENTS(want); i++) {
		const Edit *edit = edits_get(edits, i);

		g_assert_cmpint(edit->kind, ==, want[i].kind);
		g_assert_cmpstr(edit->name, ==, want[i].name);
		g_assert_cmpuint(edit->occurrence, ==, want[i].occurrence);
		g_assert_true(
		    (edit->value == NULL) == (edit->kind == EDIT_DELETE));
	}
}

static void
test_many(void)
{
	g_autoptr(Fields) fields = fields_new();
	g_autoptr(Edits) edits = edits_new();
	g_autoptr(Fields) result = NULL;

	for (guint i = 0; i < 100000; i++) {
		fields_add(fields, "X", i == 99999 ? " last" : " value");
	}
	for (guint i = 1; i < 100000; i++) {
		edits_delete(edits, "X", i);
	}
	g_assert_cmpuint(edits_get(edits, 0)->occurrence, ==, 99999);
	result = edits_apply(edits, fields);
	g_assert_cmpuint(fields_count(result), ==, 1);
	g_assert_cmpstr(fields_value(result, 0), ==, " last");
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	for (gsize i = 0; i < G_N_ELEMENTS(apply_cases); i++) {
		g_autofree char *path =
		    g_strconcat("/edits/apply/", apply_cases[i].name, NULL);

		g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_apply);
	}
	g_test_add_func("/edits/get/order", test_order);
	g_test_add_func("/edits/apply/100000-deletes", test_many);
	return g_test_run();
}
