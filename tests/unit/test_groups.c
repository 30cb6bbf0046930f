/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who shares a message: equal plans together, the group of the first visible
 * recipient first, the others in envelope order.
 */
#include "config.h"

#include "gateway/groups.h"

#include <string.h>

typedef struct {
	const char *name;
	const char *to; /* the To field, NULL: none */
	const char *cc;
	/* "a+ b- c+": recipients in envelope order, signed or not */
	const char *plans;
	/* groups by '|' */
	const char *want;
} Case;

static const Case cases[] = {
	{ "one-recipient", " a@x", NULL, "a@x+", "a@x" },
	{ "all-equal", " a@x, b@x", NULL, "a@x+ b@x+ c@x+", "a@x b@x c@x" },
	{ "first-visible-is-kept", " b@x", NULL, "a@x- b@x+ c@x-",
	    "b@x|a@x c@x" },
	{ "cc-is-visible", NULL, " b@x", "a@x- b@x+", "b@x|a@x" },
	{ "none-visible-keeps-the-first", " list@y", NULL, "a@x- b@x+",
	    "a@x|b@x" },
	{ "case-of-the-field-does-not-matter", " B@X.Example", NULL,
	    "a@x- b@x.example+", "b@x.example|a@x" },
	{ "a-display-name-is-no-recipient", " \"b@x\" <c@x>", NULL,
	    "a@x- b@x+ c@x+", "b@x c@x|a@x" },
	{ "order-inside-a-group", " c@x", NULL, "a@x+ b@x- c@x+ d@x-",
	    "a@x c@x|b@x d@x" },
};

static void
plan_drop(Plan *plan)
{
	g_free((gpointer)plan->recipient);
	g_free(plan);
}

static GPtrArray *
plans_of(const char *text, GStrv words)
{
	GPtrArray *plans =
	    g_ptr_array_new_with_free_func((GDestroyNotify)plan_drop);

	g_assert_nonnull(text);
	for (guint i = 0; words[i] != NULL; i++) {
		gsize last = strlen(words[i]) - 1;
		Recipient *recipient = g_new0(Recipient, 1);
		Plan *plan = g_new0(Plan, 1);

		plan->sign = words[i][last] == '+';
		words[i][last] = '\0';
		recipient->address = words[i];
		plan->recipient = recipient;
		g_ptr_array_add(plans, plan);
	}
	return plans;
}

static char *
text_of(const GPtrArray *groups)
{
	GString *text = g_string_new(NULL);

	for (guint i = 0; i < groups->len; i++) {
		const GPtrArray *group = groups->pdata[i];

		for (guint j = 0; j < group->len; j++) {
			const Plan *plan = group->pdata[j];

			g_string_append_printf(text, "%s%s",
			    j > 0       ? " "
				: i > 0 ? "|"
					: "",
			    plan->recipient->address);
		}
	}
	return g_string_free(text, FALSE);
}

static void
test_make(gconstpointer data)
{
	const Case *c = data;
	g_auto(GStrv) words = g_strsplit(c->plans, " ", 0);
	g_autoptr(GPtrArray) plans = plans_of(c->plans, words);
	g_autoptr(Fields) fields = fields_new();
	g_autoptr(GPtrArray) groups = NULL;
	g_autofree char *got = NULL;

	if (c->to != NULL) {
		fields_add(fields, "To", c->to);
	}
	if (c->cc != NULL) {
		fields_add(fields, "Cc", c->cc);
	}
	groups = groups_make(plans, fields);
	got = text_of(groups);
	g_assert_cmpstr(got, ==, c->want);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *path =
		    g_strconcat("/groups/make/", cases[i].name, NULL);

		g_test_add_data_func(path, &cases[i], test_make);
	}
	return g_test_run();
}
