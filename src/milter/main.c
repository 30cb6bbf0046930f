/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line of smime-milter: one table of options for getopt_long(3)
 * and the help, which a test compares with the manual.
 */
#include "config.h"

#include <getopt.h>
#include <stdio.h>
#include <sysexits.h>

#include <glib.h>

#include "milter/daemon.h"
#include "policy/settings.h"

static const struct {
	char letter;
	const char *name;     /* the same as a long option; NULL: none */
	const char *argument; /* NULL: none */
	const char *help;
} options[] = {
	{ 'c', NULL, "FILE", "read the settings from FILE" },
	{ 't', NULL, NULL, "test the settings and exit" },
	{ 'V', "version", NULL, "print the version and exit" },
	{ 'h', "help", NULL, "print this help and exit" },
};

static void
print_help(FILE *stream)
{
	fprintf(stream, "usage: smime-milter");
	for (gsize i = 0; i < G_N_ELEMENTS(options); i++) {
		fprintf(stream, " [-%c%s%s]", options[i].letter,
		    options[i].argument != NULL ? " " : "",
		    options[i].argument != NULL ? options[i].argument : "");
	}
	fprintf(stream, "\n");
	for (gsize i = 0; i < G_N_ELEMENTS(options); i++) {
		g_autofree char *name = options[i].name != NULL
		    ? g_strconcat(", --", options[i].name, NULL)
		    : g_strconcat(" ", options[i].argument, NULL);

		fprintf(stream, "  -%c%-11s  %s\n", options[i].letter, name,
		    options[i].help);
	}
	fprintf(stream, "FILE is %s by default.\n", SETTINGS_DEFAULT_FILE);
}

/* "c:tVh" */
static char *
letters(void)
{
	GString *text = g_string_new(NULL);

	for (gsize i = 0; i < G_N_ELEMENTS(options); i++) {
		g_string_append_c(text, options[i].letter);
		if (options[i].argument != NULL) {
			g_string_append_c(text, ':');
		}
	}
	return g_string_free(text, FALSE);
}

/* Those that have a name, and an empty one at the end; zeroed before. */
static void
fill_names(struct option *names)
{
	for (gsize i = 0; i < G_N_ELEMENTS(options); i++) {
		if (options[i].name != NULL) {
			names->name = options[i].name;
			names->has_arg = options[i].argument != NULL
			    ? required_argument
			    : no_argument;
			names->val = options[i].letter;
			names++;
		}
	}
}

int
main(int argc, char **argv)
{
	g_autofree char *known = letters();
	struct option names[G_N_ELEMENTS(options) + 1] = { 0 };
	const char *file = SETTINGS_DEFAULT_FILE;
	bool test = false;
	int letter;

	fill_names(names);
	while ((letter = getopt_long(argc, argv, known, names, NULL)) != -1) {
		switch (letter) {
		case 'c':
			file = optarg;
			break;
		case 't':
			test = true;
			break;
		case 'V':
			printf("smime-milter " PACKAGE_VERSION "\n");
			return EX_OK;
		case 'h':
			print_help(stdout);
			return EX_OK;
		default:
			print_help(stderr);
			return EX_USAGE;
		}
	}
	if (optind < argc) {
		print_help(stderr);
		return EX_USAGE;
	}
	return test ? daemon_test(file) : daemon_run(file);
}
