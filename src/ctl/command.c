/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line: getopt_long over rows. The global options are taken before
 * and behind the noun, those of a verb only behind it. Nothing is opened here
 * but the settings.
 */
#include "config.h"

#include "ctl/command.h"

#include <errno.h>
#include <getopt.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>

#include "base/error.h"
#include "ctl/user.h"

typedef enum {
	VALUE_TEXT, /* char * */
	VALUE_LIST, /* GPtrArray *, may be given several times */
	VALUE_FLAG, /* bool */
	VALUE_DAYS, /* gint64, a number from 0 on */
	VALUE_HELP,
	VALUE_VERSION,
} ValueKind;

typedef struct {
	const char *name;
	char letter;          /* 0: none */
	const char *argument; /* NULL: takes none */
	ValueKind kind;
	gsize offset;  /* in Command */
	guint options; /* of OptionGroup; 0: global */
	const char *help;
} OptionRow;

#define FIELD(member) offsetof(Command, member)

/* clang-format off */
static const OptionRow rows[] = {
	{ "config", 'c', "FILE", VALUE_TEXT, FIELD(settings_file), 0,
	    "the settings, instead of " SETTINGS_DEFAULT_FILE },
	{ "json", 0, NULL, VALUE_FLAG, FIELD(json), 0,
	    "print one JSON object" },
	{ "help", 'h', NULL, VALUE_HELP, 0, 0, "print this and exit" },
	{ "version", 'V', NULL, VALUE_VERSION, 0, 0,
	    "print the version and exit" },
	{ "from", 0, "A", VALUE_TEXT, FIELD(from), OPTION_ENVELOPE,
	    "MAIL FROM; '' is the null sender" },
	{ "rcpt", 0, "B", VALUE_LIST, FIELD(rcpt), OPTION_ENVELOPE,
	    "RCPT TO, once for each recipient" },
	{ "auth", 0, "LOGIN", VALUE_TEXT, FIELD(auth), OPTION_ENVELOPE,
	    "the client has logged in as LOGIN" },
	{ "client", 0, "IP", VALUE_TEXT, FIELD(client), OPTION_ENVELOPE,
	    "the client's address; 127.0.0.1 when none of --auth, --client, "
	    "--daemon is given" },
	{ "daemon", 0, "NAME", VALUE_TEXT, FIELD(daemon), OPTION_ENVELOPE,
	    "the MTA's listener ({daemon_name})" },
	{ "dry-run", 0, NULL, VALUE_FLAG, FIELD(dry_run), OPTION_RESULT,
	    "write nothing to STATE" },
	{ "output", 0, "DIR", VALUE_TEXT, FIELD(output), OPTION_RESULT,
	    "write each resulting message as DIR/N.eml with DIR/N.env" },
	{ "at", 0, "TIME", VALUE_TEXT, FIELD(at), OPTION_AT,
	    "judge as of TIME, for example 2026-11-21T03:31:00Z" },
	{ "address", 0, "A", VALUE_TEXT, FIELD(address),
	    OPTION_IMPORT | OPTION_PARTNER,
	    "for this address only; of cert import also @DOMAIN" },
	{ "cert", 0, "F", VALUE_TEXT, FIELD(cert), OPTION_IMPORT,
	    "the certificate, PEM or DER" },
	{ "key", 0, "F", VALUE_TEXT, FIELD(key), OPTION_IMPORT,
	    "its private key, PEM or DER" },
	{ "chain", 0, "F", VALUE_TEXT, FIELD(chain), OPTION_IMPORT,
	    "the intermediate certificates" },
	{ "passphrase-file", 0, "F", VALUE_TEXT, FIELD(passphrase_file),
	    OPTION_IMPORT, "its first line opens the key; else a prompt asks" },
	{ "expiring", 0, "DAYS", VALUE_DAYS, FIELD(expiring),
	    OPTION_EXPIRING, "only what expires within DAYS; exit 1 if any" },
	{ "pin", 0, NULL, VALUE_FLAG, FIELD(pin), OPTION_PARTNER,
	    "let no other certificate take its place" },
	{ "der", 0, NULL, VALUE_FLAG, FIELD(der), OPTION_DER,
	    "DER instead of PEM; of one certificate" },
};
/* clang-format on */

/* Above getopt's letters and its own results. */
#define ROW_BASE 0x100

static bool
is_allowed(const OptionRow *row, guint options)
{
	return row->options == 0 || (row->options & options) != 0;
}

/* getopt's form of the rows that are allowed; ends with zeros. */
static struct option *
long_options(guint options)
{
	struct option *list = g_new0(struct option, G_N_ELEMENTS(rows) + 1);
	guint count = 0;

	for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
		if (is_allowed(&rows[i], options)) {
			list[count++] = (struct option){
				.name = rows[i].name,
				.has_arg = rows[i].argument != NULL,
				.val = ROW_BASE + (int)i,
			};
		}
	}
	return list;
}

static const OptionRow *
row_of(int found)
{
	if (found >= ROW_BASE) {
		return &rows[found - ROW_BASE];
	}
	for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
		if (rows[i].letter != 0 && rows[i].letter == found) {
			return &rows[i];
		}
	}
	return NULL;
}

static void
set_text(char **place, const char *text)
{
	g_free(*place);
	*place = g_strdup(text);
}

static bool
set_days(gint64 *place, const char *name, const char *text, GError **error)
{
	guint64 number = 0;

	if (!g_ascii_string_to_unsigned(text, 10, 0, 36500, &number, NULL)) {
		g_set_error(error, ERROR_DOMAIN, ERROR_USAGE,
		    "--%s: \"%s\" is not a number of days (0 to 36500)", name,
		    text);
		return false;
	}
	*place = (gint64)number;
	return true;
}

static bool
set_value(
    Command *command, const OptionRow *row, const char *text, GError **error)
{
	gpointer place = G_STRUCT_MEMBER_P(command, row->offset);

	switch (row->kind) {
	case VALUE_TEXT:
		set_text(place, text);
		break;
	case VALUE_LIST:
		g_ptr_array_add(*(GPtrArray **)place, g_strdup(text));
		break;
	case VALUE_FLAG:
		*(bool *)place = true;
		break;
	case VALUE_DAYS:
		return set_days(place, row->name, text, error);
	case VALUE_HELP:
	case VALUE_VERSION:
		break;
	}
	return true;
}

static void
set_option_error(GError **error, int found, char **argv)
{
	if (found == ':') {
		g_set_error(error, ERROR_DOMAIN, ERROR_USAGE,
		    "%s needs a value", argv[optind - 1]);
	} else if (optopt != 0 && optopt < ROW_BASE) {
		g_set_error(error, ERROR_DOMAIN, ERROR_USAGE,
		    "unknown option -%c", optopt);
	} else {
		g_set_error(error, ERROR_DOMAIN, ERROR_USAGE,
		    "unknown or misplaced option %s", argv[optind - 1]);
	}
}

typedef enum {
	SCAN_GOES_ON,
	SCAN_HELP,
	SCAN_VERSION,
	SCAN_FAILED,
} ScanResult;

/*
 * Takes the options of argv from 1 on. letters starts with '+' to stop at the
 * first operand; optind tells where that is.
 */
static ScanResult
scan(Command *command, int argc, char **argv, const char *letters,
    guint options, GError **error)
{
	g_autofree struct option *list = long_options(options);
	int found;

	optind = 0; /* glibc: start anew */
	opterr = 0;
	while ((found = getopt_long(argc, argv, letters, list, NULL)) != -1) {
		const OptionRow *row = row_of(found);

		if (row == NULL) {
			set_option_error(error, found, argv);
			return SCAN_FAILED;
		}
		if (row->kind == VALUE_HELP || row->kind == VALUE_VERSION) {
			return row->kind == VALUE_HELP ? SCAN_HELP
						       : SCAN_VERSION;
		}
		if (!set_value(command, row, optarg, error)) {
			return SCAN_FAILED;
		}
	}
	return SCAN_GOES_ON;
}

/* The row of noun and word; *nouns_out: how many rows the noun has. */
static const Verb *
find_verb(
    const Verb *verbs, const char *noun, const char *word, guint *nouns_out)
{
	*nouns_out = 0;
	for (const Verb *verb = verbs; verb->noun != NULL; verb++) {
		if (!g_str_equal(verb->noun, noun)) {
			continue;
		}
		(*nouns_out)++;
		if (verb->verb == NULL || g_strcmp0(verb->verb, word) == 0) {
			return verb;
		}
	}
	return NULL;
}

/* "import, list, remove" */
static char *
verbs_of(const Verb *verbs, const char *noun)
{
	GString *list = g_string_new(NULL);

	for (const Verb *verb = verbs; verb->noun != NULL; verb++) {
		if (g_str_equal(verb->noun, noun)) {
			g_string_append_printf(list, "%s%s",
			    list->len > 0 ? ", " : "", verb->verb);
		}
	}
	return g_string_free(list, FALSE);
}

static void
set_verb_error(
    GError **error, const Verb *verbs, const char *noun, const char *word)
{
	g_autofree char *list = verbs_of(verbs, noun);

	if (word == NULL) {
		g_set_error(error, ERROR_DOMAIN, ERROR_USAGE,
		    "%s needs one of: %s", noun, list);
	} else {
		g_set_error(error, ERROR_DOMAIN, ERROR_USAGE,
		    "unknown command \"%s %s\"; %s knows: %s", noun, word, noun,
		    list);
	}
}

/*
 * Noun and verb with the global options around them. On SCAN_GOES_ON
 * command->verb is set and *argc, *argv begin with the last word taken.
 */
static ScanResult
scan_words(Command *command, int *argc, char ***argv, const Verb *verbs,
    GError **error)
{
	const char *noun;
	guint count = 0;
	ScanResult result = scan(command, *argc, *argv, "+:c:hV", 0, error);

	if (result != SCAN_GOES_ON) {
		return result;
	}
	*argc -= optind;
	*argv += optind;
	if (*argc == 0) {
		g_set_error(
		    error, ERROR_DOMAIN, ERROR_USAGE, "a command is missing");
		return SCAN_FAILED;
	}
	noun = (*argv)[0];
	command->verb = find_verb(verbs, noun, NULL, &count);
	if (command->verb != NULL) {
		return SCAN_GOES_ON;
	}
	if (count == 0) {
		g_set_error(error, ERROR_DOMAIN, ERROR_USAGE,
		    "unknown command \"%s\"", noun);
		return SCAN_FAILED;
	}
	result = scan(command, *argc, *argv, "+:c:hV", 0, error);
	if (result != SCAN_GOES_ON) {
		return result;
	}
	*argc -= optind;
	*argv += optind;
	command->verb =
	    find_verb(verbs, noun, *argc > 0 ? (*argv)[0] : NULL, &count);
	if (command->verb == NULL) {
		set_verb_error(
		    error, verbs, noun, *argc > 0 ? (*argv)[0] : NULL);
		return SCAN_FAILED;
	}
	return SCAN_GOES_ON;
}

static bool
take_operands(Command *command, int argc, char **argv, GError **error)
{
	const Verb *verb = command->verb;

	for (int i = optind; i < argc; i++) {
		g_ptr_array_add(command->operands, g_strdup(argv[i]));
	}
	if (command->operands->len < verb->min) {
		g_set_error(
		    error, ERROR_DOMAIN, ERROR_USAGE, "something is missing");
		return false;
	}
	if (command->operands->len > verb->max) {
		g_set_error(error, ERROR_DOMAIN, ERROR_USAGE,
		    "\"%s\" is too much", command_operand(command, verb->max));
		return false;
	}
	return true;
}

static Command *
command_new(void)
{
	Command *command = g_new0(Command, 1);

	command->settings_file = g_strdup(SETTINGS_DEFAULT_FILE);
	command->operands = g_ptr_array_new_with_free_func(g_free);
	command->rcpt = g_ptr_array_new_with_free_func(g_free);
	command->expiring = -1;
	return command;
}

Command *
command_parse(int argc, char **argv, const Verb *verbs, const Verb **verb_out,
    GError **error)
{
	g_autoptr(Command) command = command_new();
	g_autofree char *usage = NULL;
	ScanResult result = scan_words(command, &argc, &argv, verbs, error);

	*verb_out = command->verb;
	if (result == SCAN_GOES_ON) {
		result = scan(command, argc, argv, ":c:hV",
		    command->verb->options, error);
	}
	switch (result) {
	case SCAN_FAILED:
		return NULL;
	case SCAN_VERSION:
		puts("smimectl " PACKAGE_VERSION);
		return NULL;
	case SCAN_HELP:
		usage = command_usage(verbs, command->verb);
		fputs(usage, stdout);
		return NULL;
	case SCAN_GOES_ON:
		break;
	}
	if (!take_operands(command, argc, argv, error)) {
		return NULL;
	}
	command->report = report_new(command->json);
	return g_steal_pointer(&command);
}

void
command_free(Command *command)
{
	if (command == NULL) {
		return;
	}
	for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
		if (rows[i].kind == VALUE_TEXT) {
			g_free(
			    G_STRUCT_MEMBER(char *, command, rows[i].offset));
		}
	}
	g_ptr_array_unref(command->operands);
	g_ptr_array_unref(command->rcpt);
	report_free(command->report);
	settings_unref(command->settings);
	g_free(command);
}

const char *
command_operand(const Command *command, guint i)
{
	return i < command->operands->len ? command->operands->pdata[i] : NULL;
}

static void
append_form(GString *text, const Verb *verb, const char *arguments)
{
	g_string_append_printf(text, "smimectl %s%s%s%s%s\n", verb->noun,
	    verb->verb != NULL ? " " : "", verb->verb != NULL ? verb->verb : "",
	    *arguments != '\0' ? " " : "", arguments);
}

static void
append_options(GString *text, guint options, bool global)
{
	for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *form = NULL;
		const OptionRow *row = &rows[i];

		if (global ? row->options != 0 : !(row->options & options)) {
			continue;
		}
		form = row->letter != 0
		    ? g_strdup_printf("-%c, --%s", row->letter, row->name)
		    : g_strdup_printf("--%s", row->name);
		g_string_append_printf(text, "  %s%s%s\n      %s\n", form,
		    row->argument != NULL ? " " : "",
		    row->argument != NULL ? row->argument : "", row->help);
	}
}

static void
append_synopsis(GString *text, const Verb *verb)
{
	g_string_append(text, "usage: ");
	append_form(text, verb, verb->arguments);
	if (verb->other_form != NULL) {
		g_string_append(text, "       ");
		append_form(text, verb, verb->other_form);
	}
}

char *
command_synopsis(const Verb *verb)
{
	GString *text = g_string_new(NULL);

	if (verb != NULL) {
		append_synopsis(text, verb);
	} else {
		g_string_append(text,
		    "usage: smimectl [-c FILE] [--json] COMMAND ...; see "
		    "smimectl --help\n");
	}
	return g_string_free(text, FALSE);
}

static char *
usage_of_verb(const Verb *verb)
{
	GString *text = g_string_new(NULL);

	append_synopsis(text, verb);
	g_string_append_printf(text, "%s\n", verb->help);
	append_options(text, verb->options, false);
	return g_string_free(text, FALSE);
}

char *
command_usage(const Verb *verbs, const Verb *verb)
{
	GString *text;

	if (verb != NULL) {
		return usage_of_verb(verb);
	}
	text = g_string_new("usage: smimectl [-c FILE] [--json] COMMAND "
			    "[...]\n\nCommands:\n");
	for (verb = verbs; verb->noun != NULL; verb++) {
		g_string_append(text, "  ");
		append_form(text, verb, verb->arguments);
		if (verb->other_form != NULL) {
			g_string_append(text, "  ");
			append_form(text, verb, verb->other_form);
		}
		g_string_append_printf(text, "      %s\n", verb->help);
	}
	g_string_append(text, "\nOptions of every command:\n");
	append_options(text, 0, true);
	g_string_append(text, "\nOptions of some:\n");
	append_options(text, G_MAXUINT, false);
	return g_string_free(text, FALSE);
}

bool
command_enter(Command *command, GError **error)
{
	g_autoptr(Settings) settings =
	    settings_load(command->settings_file, error);

	if (settings == NULL) {
		if (g_error_matches(*error, ERROR_DOMAIN, ERROR_MISSING)) {
			(*error)->code = ERROR_SETTINGS;
		}
		return false;
	}
	if (!user_become(settings, error)) {
		return false;
	}
	command->settings = g_steal_pointer(&settings);
	return true;
}

bool
command_need_state(const Command *command, GError **error)
{
	const char *path = command->settings->state_dir;

	if (mkdir(path, 0700) == 0 || errno == EEXIST) {
		return true;
	}
	g_set_error(error, ERROR_DOMAIN,
	    errno == EACCES ? ERROR_PERMISSION : ERROR_IO,
	    "%s (setting state_dir): %s; make it with "
	    "install -d -m 0700 -o %s %s",
	    path, g_strerror(errno), command->settings->user, path);
	return false;
}

int
command_exit_code(const GError *error)
{
	if (error->domain != ERROR_DOMAIN) {
		return EX_SOFTWARE;
	}
	switch ((ErrorCode)error->code) {
	case ERROR_MALFORMED:
	case ERROR_LIMIT:
	case ERROR_UNFIT:
		return EX_DATAERR;
	case ERROR_MISSING:
	case ERROR_IO:
		return EX_IOERR;
	case ERROR_CRYPTO:
		return EX_SOFTWARE;
	case ERROR_PERMISSION:
		return EX_NOPERM;
	case ERROR_SETTINGS:
		return EX_CONFIG;
	case ERROR_USAGE:
		return EX_USAGE;
	case ERROR_REFUSED:
		return EX_UNAVAILABLE;
	}
	return EX_SOFTWARE;
}
