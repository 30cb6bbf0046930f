/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line of smimectl: one row for each verb, one for each option;
 * the help text comes from the same rows. A verb reads the files that were
 * named on the command line first, then calls command_enter(), which loads the
 * settings and, started as root, becomes their user; only then it touches
 * STATE.
 */
#ifndef CTL_COMMAND_H
#define CTL_COMMAND_H

#include <glib.h>
#include <stdbool.h>

#include "ctl/report.h"
#include "policy/settings.h"

/* Exit codes beside those of <sysexits.h> (DESIGN 5). */
#define COMMAND_YES 0
#define COMMAND_NO 1

/* Which options a verb has; the rows are in command.c. */
typedef enum {
	OPTION_ENVELOPE = 1 << 0, /* --from, --rcpt, --auth, ... */
	OPTION_RESULT = 1 << 1,   /* --dry-run, --output */
	OPTION_AT = 1 << 2,
	OPTION_IMPORT = 1 << 3, /* --address, --cert, --key, ... */
	OPTION_EXPIRING = 1 << 4,
	OPTION_PARTNER = 1 << 5, /* --address, --pin */
	OPTION_DER = 1 << 6,
} OptionGroup;

typedef struct Command Command;

/* The exit code, or -1 with *error, which command_exit_code() translates. */
typedef int (*CommandRun)(Command *command, GError **error);

typedef struct {
	const char *noun;
	const char *verb;       /* NULL: the noun is all */
	const char *arguments;  /* for the usage line */
	const char *other_form; /* a second usage line, or NULL */
	const char *help;
	CommandRun run;
	guint options; /* of OptionGroup */
	guint min;     /* how many operands */
	guint max; /* G_MAXUINT: any number */
} Verb;

struct Command {
	const Verb *verb;
	char *settings_file;
	bool json;
	GPtrArray *operands; /* of char * */
	Report *report;
	Settings *settings; /* NULL before command_enter() */

	/* Options; NULL or -1: not given. */
	char *from;
	GPtrArray *rcpt; /* of char *; never NULL */
	char *auth;
	char *client;
	char *daemon;
	bool dry_run;
	char *output;
	char *at;
	char *address;
	char *cert;
	char *key;
	char *chain;
	char *passphrase_file;
	gint64 expiring;
	bool pin;
	bool der;
};

/*
 * NULL with *error (ERROR_USAGE), or NULL without one: help or version was
 * asked for and has been printed. *verb_out: the verb when one was recognised,
 * else NULL; always written.
 */
Command *command_parse(int argc, char **argv, const Verb *verbs,
    const Verb **verb_out, GError **error);
void command_free(Command *command);

/* "usage: ..." of one verb, or the whole help text when verb is NULL. Yours. */
char *command_usage(const Verb *verbs, const Verb *verb);
/* Its first lines, the form alone: what follows a mistake. Yours. */
char *command_synopsis(const Verb *verb);

/* The operand, or NULL. Borrowed. */
const char *command_operand(const Command *command, guint i);

/*
 * Loads the settings and, as root, becomes their user for good. When there is
 * no such user, root goes on only if STATE belongs to root. ERROR_SETTINGS.
 */
bool command_enter(Command *command, GError **error);

/*
 * After command_enter(), before STATE is written: makes the directory when it
 * is missing and can be made. Otherwise the text says what to do.
 */
bool command_need_state(const Command *command, GError **error);

/* For what a verb met: 64 to 78 of <sysexits.h>. */
int command_exit_code(const GError *error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Command, command_free)

#endif
