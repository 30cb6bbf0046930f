/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One row for each key of the settings, and the values that a row takes. Knows
 * neither the file nor libconfig: loader.c brings the values, settings.c
 * prints them.
 */
#ifndef POLICY_OPTION_H
#define POLICY_OPTION_H

#include <glib.h>
#include <stdbool.h>

#include "policy/settings.h"

typedef enum {
	OPTION_TEXT, /* char * */
	OPTION_OCTAL, /* mode_t, written as text */
	OPTION_CHOICE, /* an enum or bool: the position in choices */
	OPTION_BOOL, /* bool, written as true or false */
	OPTION_REGEX, /* Regex *, anchored; NULL for "" */
	OPTION_SUBJECT, /* Regex *, not anchored */
	OPTION_PATTERN, /* Pattern * */
	OPTION_NUMBER, /* gint or gint64 */
	OPTION_TEXTS, /* GPtrArray of char * */
	OPTION_DOMAINS, /* GPtrArray of char *, from pattern_domain_new() */
	OPTION_NETWORKS, /* GPtrArray of Network */
	OPTION_RULES, /* GPtrArray of Rule: the loader's and printer's own */
} OptionKind;

typedef struct {
	const char *path;
	OptionKind kind;
	gsize offset;
	gsize size;
	const char *initial; /* NULL: none */
	gint64 min; /* numbers only */
	gint64 max;
	const char *const *choices; /* NULL-ended */
	bool (*check)(const char *text, GError **error); /* NULL: any text */
	bool (*check_number)(gint64 number, GError **error); /* or NULL */
	const char *help;
} Option;

/* The keys of the file; offsets are those in Settings. */
const Option *
option_table(guint *count_out);
/* The keys of a rule, "sign.mode" among them; offsets are those in Rule. */
const Option *
option_rule_table(guint *count_out);

/* "text", "number", "bool", "list", "choice" */
const char *
option_type(const Option *option);
/* What to write: "text in double quotes", "a whole number from 1 to 9", ... */
char *
option_wanted(const Option *option);

/* A name for authserv_id. ERROR_SETTINGS. */
bool
option_check_name(const char *text, GError **error);

/*
 * Sets the value at owner (a Settings or a Rule), freeing the one before.
 * Each is for the kinds of its type only. ERROR_SETTINGS, nothing set then.
 */
bool
option_set_text(
    const Option *option, void *owner, const char *text, GError **error);
bool
option_set_number(
    const Option *option, void *owner, gint64 number, GError **error);
void
option_set_bool(const Option *option, void *owner, bool value);
/* Appends to the list of owner. */
bool
option_add_item(
    const Option *option, void *owner, const char *text, GError **error);
/* Makes the list of owner empty. */
void
option_clear_list(const Option *option, void *owner);
/* Frees what owner holds in all rows of the table. */
void
option_clear_all(const Option *table, guint count, void *owner);

/* Appends the value as it would be written. false, nothing appended: unset. */
bool
option_print(const Option *option, const void *owner, GString *text);

#endif
