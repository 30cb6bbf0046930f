/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libconfig's tree walked against the table of option.c, then the checks that
 * need more than one key. Every complaint is collected, with file and line;
 * a syntax error is the only one that hides others. The only file that
 * includes libconfig.
 */
#include "config.h"

#include "policy/loader.h"

#include <libconfig.h>
#include <string.h>

#include "base/error.h"
#include "policy/endpoint.h"
#include "policy/option.h"
#include "policy/sender.h"
#include "policy/source.h"

#define RULES_MAX 10000

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(config_t, config_destroy)

typedef struct {
	Settings *settings;
	const Source *source;
	config_t *config;
	GString *errors; /* lines */
} Loader;

/* A table, what it fills, and how its keys are shown in a complaint. */
typedef struct {
	const Option *table;
	guint count;
	void *owner;
	const char *shown; /* "", or "rule 3: " */
} Target;

/* at NULL: about the file as a whole. */
static void G_GNUC_PRINTF(3, 4) complain(
    Loader *loader, const config_setting_t *at, const char *format, ...)
{
	guint line = 0;
	va_list arguments;

	if (at == NULL) {
		g_string_append(loader->errors, loader->settings->file);
	} else {
		const char *file = source_place(
		    loader->source, config_setting_source_line(at), &line);

		g_string_append_printf(loader->errors, "%s:%u", file, line);
	}
	g_string_append(loader->errors, ": ");
	va_start(arguments, format);
	g_string_append_vprintf(loader->errors, format, arguments);
	va_end(arguments);
	g_string_append_c(loader->errors, '\n');
}

static const Option *
find_option(const Target *target, const char *path)
{
	for (guint i = 0; i < target->count; i++) {
		if (strcmp(target->table[i].path, path) == 0) {
			return &target->table[i];
		}
	}
	return NULL;
}

static bool
is_group_path(const Target *target, const char *path)
{
	gsize length = strlen(path);

	for (guint i = 0; i < target->count; i++) {
		if (strncmp(target->table[i].path, path, length) == 0 &&
		    target->table[i].path[length] == '.') {
			return true;
		}
	}
	return false;
}

/* "mode, format, ...": the keys and groups right below prefix. */
static char *
list_known(const Target *target, const char *prefix)
{
	g_autofree char *last = g_strdup("");
	GString *names = g_string_new(NULL);

	for (guint i = 0; i < target->count; i++) {
		g_autofree char *name = NULL;
		const char *rest = NULL;

		if (!g_str_has_prefix(target->table[i].path, prefix)) {
			continue;
		}
		rest = target->table[i].path + strlen(prefix);
		name = g_strndup(rest, strcspn(rest, "."));
		if (strcmp(name, last) != 0) {
			g_string_append_printf(
			    names, "%s%s", names->len == 0 ? "" : ", ", name);
		}
		g_free(last);
		last = g_steal_pointer(&name);
	}
	return g_string_free(names, FALSE);
}

static void
complain_type(Loader *loader, const config_setting_t *at, const Target *target,
    const Option *option)
{
	g_autofree char *wanted = option_wanted(option);

	complain(loader, at, "%s%s has the wrong type: write %s", target->shown,
	    option->path, wanted);
}

static bool
is_sequence(const config_setting_t *setting)
{
	return config_setting_is_array(setting) ||
	    config_setting_is_list(setting);
}

static void
fill_list(Loader *loader, const config_setting_t *setting, const Target *target,
    const Option *option)
{
	option_clear_list(option, target->owner);
	for (int i = 0; i < config_setting_length(setting); i++) {
		const config_setting_t *item =
		    config_setting_get_elem(setting, (unsigned int)i);
		const char *text = config_setting_get_string(item);
		g_autoptr(GError) error = NULL;

		if (text == NULL) {
			complain_type(loader, item, target, option);
			return;
		}
		if (!option_add_item(option, target->owner, text, &error)) {
			complain(loader, item, "%s%s: %s", target->shown,
			    option->path, error->message);
		}
	}
}

static void
fill_option(Loader *loader, const config_setting_t *setting,
    const Target *target, const Option *option)
{
	int type = config_setting_type(setting);
	const char *is = option_type(option);
	g_autoptr(GError) error = NULL;

	if (strcmp(is, "list") == 0 && is_sequence(setting)) {
		/* Rules need the groups around them first: fill_rules(). */
		if (option->kind != OPTION_RULES) {
			fill_list(loader, setting, target, option);
		}
	} else if (strcmp(is, "number") == 0 &&
	    (type == CONFIG_TYPE_INT || type == CONFIG_TYPE_INT64)) {
		option_set_number(option, target->owner,
		    config_setting_get_int64(setting), &error);
	} else if (strcmp(is, "bool") == 0 && type == CONFIG_TYPE_BOOL) {
		option_set_bool(option, target->owner,
		    config_setting_get_bool(setting) == CONFIG_TRUE);
	} else if ((strcmp(is, "text") == 0 || strcmp(is, "choice") == 0) &&
	    type == CONFIG_TYPE_STRING) {
		option_set_text(option, target->owner,
		    config_setting_get_string(setting), &error);
	} else {
		complain_type(loader, setting, target, option);
	}
	if (error != NULL) {
		complain(loader, setting, "%s%s: %s", target->shown,
		    option->path, error->message);
	}
}

static void
fill_group(Loader *loader, const config_setting_t *group, const Target *target,
    const char *prefix)
{
	for (int i = 0; i < config_setting_length(group); i++) {
		const config_setting_t *setting =
		    config_setting_get_elem(group, (unsigned int)i);
		g_autofree char *path =
		    g_strconcat(prefix, config_setting_name(setting), NULL);
		const Option *option = find_option(target, path);

		if (option != NULL) {
			fill_option(loader, setting, target, option);
		} else if (!is_group_path(target, path)) {
			g_autofree char *known = list_known(target, prefix);

			complain(loader, setting,
			    "%sunknown setting \"%s\": write one of %s",
			    target->shown, path, known);
		} else if (!config_setting_is_group(setting)) {
			complain(loader, setting,
			    "%s%s has the wrong type: write a group, "
			    "%s = { ... };",
			    target->shown, path, path);
		} else {
			g_autofree char *below = g_strconcat(path, ".", NULL);

			fill_group(loader, setting, target, below);
		}
	}
}

void
loader_free_rule(gpointer data)
{
	guint count = 0;
	const Option *table = option_rule_table(&count);

	option_clear_all(table, count, data);
	g_free(data);
}

/* One that is no group takes its place too: numbers are positions. */
static void
fill_rule(Loader *loader, const config_setting_t *group, guint number)
{
	Rule *rule = g_new0(Rule, 1);
	g_autofree char *shown = g_strdup_printf("rule %u: ", number);
	const config_setting_t *sign = NULL;
	Target target = { .owner = rule, .shown = shown };

	g_ptr_array_add(loader->settings->rules, rule);
	target.table = option_rule_table(&target.count);
	rule->name = g_strdup_printf("rule %u", number);
	rule->sign = loader->settings->sign;
	if (!config_setting_is_group(group)) {
		complain(loader, group,
		    "%shas the wrong type: write a group, { ... }", shown);
		return;
	}
	sign = config_setting_get_member(group, "sign");
	rule->sets_sign = sign != NULL && config_setting_length(sign) > 0;
	fill_group(loader, group, &target, "");
}

static void
fill_rules(Loader *loader)
{
	const config_setting_t *rules = config_lookup(loader->config, "rules");
	int count = rules == NULL || !is_sequence(rules)
	    ? 0
	    : config_setting_length(rules);

	loader->settings->rules =
	    g_ptr_array_new_with_free_func(loader_free_rule);
	if (count > RULES_MAX) {
		complain(loader, rules, "%d rules: write at most %d", count,
		    RULES_MAX);
		return;
	}
	for (int i = 0; i < count; i++) {
		fill_rule(loader,
		    config_setting_get_elem(rules, (unsigned int)i),
		    (guint)i + 1);
	}
}

/* As its row would be written, through the same code as the file. */
static void
fill_default(Settings *settings, const Option *option)
{
	g_auto(config_t) config;
	g_autofree char *text = g_strdup_printf(
	    "value = %s;", option->initial == NULL ? "[ ]" : option->initial);
	Loader loader = { .settings = settings };
	Target target = { .owner = settings, .shown = "" };

	config_init(&config);
	if (config_read_string(&config, text) != CONFIG_TRUE) {
		g_assert_not_reached();
	}
	fill_option(&loader, config_lookup(&config, "value"), &target, option);
}

static void
fill_defaults(Settings *settings)
{
	guint count = 0;
	const Option *table = option_table(&count);

	for (guint i = 0; i < count; i++) {
		fill_default(settings, &table[i]);
	}
}

/* What is derived from the keys. */
static void
fill_derived(Settings *settings)
{
	if (settings->spool_dir[0] == '\0') {
		g_free(settings->spool_dir);
		settings->spool_dir =
		    g_build_filename(settings->state_dir, "tmp", NULL);
	}
	if (settings->authserv_id[0] == '\0') {
		g_free(settings->authserv_id);
		settings->authserv_id = g_strdup(g_get_host_name());
	}
	if (settings->reinject[0] != '\0') {
		endpoint_parse_reinject(settings->reinject,
		    &settings->reinject_host, &settings->reinject_port, NULL);
	}
	settings->domains = g_hash_table_new(g_str_hash, g_str_equal);
	for (guint i = 0; i < settings->local_domains->len; i++) {
		g_hash_table_add(settings->domains,
		    g_ptr_array_index(settings->local_domains, i));
	}
}

static void
check_domains(Loader *loader)
{
	const config_setting_t *given =
	    config_lookup(loader->config, "local_domains");

	if (given == NULL ||
	    (is_sequence(given) && config_setting_length(given) == 0)) {
		complain(loader, given,
		    "local_domains names no domain: write "
		    "local_domains = [ \"example.com\" ]; with yours");
	}
}

static const config_setting_t *
rule_setting(Loader *loader, guint i)
{
	return config_setting_get_elem(
	    config_lookup(loader->config, "rules"), i);
}

/* Names are for the log: they must tell the rules apart. */
static void
check_rules(Loader *loader)
{
	const Settings *settings = loader->settings;
	g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);

	for (guint i = 0; i < settings->rules->len; i++) {
		const Rule *rule = g_ptr_array_index(settings->rules, i);

		if (!g_hash_table_add(names, rule->name)) {
			complain(loader, rule_setting(loader, i),
			    "rule %u: an earlier rule is called \"%s\" too: "
			    "write another name",
			    i + 1, rule->name);
		}
		if (rule->sets_sign && settings->reinject[0] == '\0') {
			complain(loader, rule_setting(loader, i),
			    "rule %u (\"%s\") sets sign, so that one mail may "
			    "need two copies, and reinject is empty: write "
			    "reinject = \"smtp:127.0.0.1:10027\"; with a "
			    "listener of the MTA that has no milter, or take "
			    "sign out of the rule",
			    i + 1, rule->name);
		}
	}
}

static void
check_request(Loader *loader)
{
	const Settings *settings = loader->settings;
	bool used = settings->sign.mode == SIGN_REQUEST;

	for (guint i = 0; i < settings->rules->len; i++) {
		const Rule *rule = g_ptr_array_index(settings->rules, i);

		used = used || rule->sign.mode == SIGN_REQUEST;
	}
	if (used && settings->sign_request == NULL) {
		complain(loader,
		    config_lookup(loader->config, "sign.request_header"),
		    "sign.request_header is empty and sign.mode = \"request\" "
		    "needs it: write \"X-Sign: *(yes|true)\"");
	}
}

/* The host name stands in for it, and is not the administrator's text. */
static void
check_authserv_id(Loader *loader)
{
	g_autoptr(GError) error = NULL;

	if (loader->settings->authserv_id[0] == '\0' &&
	    !option_check_name(g_get_host_name(), &error)) {
		complain(loader, config_lookup(loader->config, "authserv_id"),
		    "authserv_id is empty, and the host name %s",
		    error->message);
	}
}

static void
check_logins(Loader *loader)
{
	Settings *settings = loader->settings;
	g_autoptr(GError) error = NULL;

	settings->logins = sender_logins_load(settings->sender_logins, &error);
	if (settings->logins != NULL) {
		return;
	}
	if (error->code == ERROR_SETTINGS) {
		g_string_append_printf(loader->errors, "%s\n", error->message);
		return;
	}
	complain(loader, config_lookup(loader->config, "sender_logins"),
	    "sender_logins: %s: write the path of a readable file",
	    error->message);
}

/* All checks that need more than one key, or a file. */
static void
settings_check(Loader *loader)
{
	check_domains(loader);
	check_rules(loader);
	check_request(loader);
	check_authserv_id(loader);
	check_logins(loader);
}

static bool
parse(Loader *loader, GError **error)
{
	guint line = 0;
	const char *file = NULL;

	if (config_read_string(loader->config, source_text(loader->source)) ==
	    CONFIG_TRUE) {
		return true;
	}
	file = source_place(
	    loader->source, (guint)config_error_line(loader->config), &line);
	g_set_error(error, ERROR_DOMAIN, ERROR_SETTINGS,
	    "%s:%u: %s: write KEY = VALUE; once for each key, text in double "
	    "quotes (the mistake may be on the line above)",
	    file, line, config_error_text(loader->config));
	return false;
}

bool
loader_fill(Settings *settings, GError **error)
{
	g_autoptr(Source) source = source_read(settings->file, error);
	g_autoptr(GString) errors = g_string_new(NULL);
	g_auto(config_t) config;
	Loader loader = { .settings = settings,
		.source = source,
		.config = &config,
		.errors = errors };
	Target target = { .owner = settings, .shown = "" };

	config_init(&config);
	target.table = option_table(&target.count);
	fill_defaults(settings);
	if (source == NULL || !parse(&loader, error)) {
		return false;
	}
	fill_group(&loader, config_root_setting(&config), &target, "");
	fill_rules(&loader);
	settings_check(&loader);
	if (errors->len > 0) {
		g_string_truncate(errors, errors->len - 1);
		g_set_error_literal(
		    error, ERROR_DOMAIN, ERROR_SETTINGS, errors->str);
		return false;
	}
	fill_derived(settings);
	return true;
}
