/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line of smime-milter: one table of options for getopt(3) and the
 * help, which a test compares with the manual.
 */
#include "config.h"

#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

#include <glib.h>

#include "milter/daemon.h"
#include "policy/settings.h"

static const struct {
	char letter;
	const char *argument; /* NULL: none */
	const char *help;
} options[] = {
	{ 'c', "FILE", "read the settings from FILE" },
	{ 't', NULL, "test the settings and exit" },
	{ 'V', NULL, "print the version and exit" },
	{ 'h', NULL, "print this help and exit" },
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
		fprintf(stream, "  -%c %-5s %s\n", options[i].letter,
		    options[i].argument != NULL ? options[i].argument : "",
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

int
main(int argc, char **argv)
{
	g_autofree char *known = letters();
	const char *file = SETTINGS_DEFAULT_FILE;
	bool test = false;
	int letter;

	while ((letter = getopt(argc, argv, known)) != -1) {
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
