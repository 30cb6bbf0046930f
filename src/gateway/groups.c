/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who shares a message with whom. The fields To, Cc, Resent-To and Resent-Cc
 * are read only when there is more than one group: most mail has one.
 */
#include "config.h"

#include "gateway/groups.h"

#include "mime/address.h"

static GPtrArray *
group_of(GPtrArray *groups, const Plan *plan)
{
	GPtrArray *group;

	for (guint i = 0; i < groups->len; i++) {
		group = groups->pdata[i];
		if (plan_equal(group->pdata[0], plan)) {
			return group;
		}
	}
	group = g_ptr_array_new();
	g_ptr_array_add(groups, group);
	return group;
}

/* The addresses that a reader of the mail sees, as a set. */
static GHashTable *
visible_addresses(const Fields *fields)
{
	static const char *const names[] = { "To", "Cc", "Resent-To",
		"Resent-Cc" };
	GHashTable *visible =
	    g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

	for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autoptr(GPtrArray) list = address_list(fields, names[i]);

		for (guint j = 0; j < list->len; j++) {
			g_hash_table_add(
			    visible, g_ascii_strdown(list->pdata[j], -1));
		}
	}
	return visible;
}

static guint
first_visible(
    const GPtrArray *groups, const GPtrArray *plans, const Fields *fields)
{
	g_autoptr(GHashTable) visible = visible_addresses(fields);

	for (guint i = 0; i < plans->len; i++) {
		const Plan *plan = plans->pdata[i];
		g_autofree char *address =
		    g_ascii_strdown(plan->recipient->address, -1);

		if (!g_hash_table_contains(visible, address)) {
			continue;
		}
		for (guint j = 0; j < groups->len; j++) {
			const GPtrArray *group = groups->pdata[j];

			if (plan_equal(group->pdata[0], plan)) {
				return j;
			}
		}
	}
	return 0;
}

GPtrArray *
groups_make(const GPtrArray *plans, const Fields *fields)
{
	g_autoptr(GPtrArray) groups =
	    g_ptr_array_new_with_free_func((GDestroyNotify)g_ptr_array_unref);

	for (guint i = 0; i < plans->len; i++) {
		Plan *plan = plans->pdata[i];

		g_ptr_array_add(group_of(groups, plan), plan);
	}
	if (groups->len > 1) {
		guint kept = first_visible(groups, plans, fields);

		g_ptr_array_insert(
		    groups, 0, g_ptr_array_steal_index(groups, kept));
	}
	return g_steal_pointer(&groups);
}
