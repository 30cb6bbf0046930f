/* SPDX-License-Identifier: Apache-2.0 */
/*
 * smimectl: the administrator's hand. The table of verbs, and what happens to
 * their results. Everything it does to a mail goes through src/gateway, as in
 * the daemon.
 */
#include "config.h"

#include <signal.h>
#include <stdio.h>

#include "base/error.h"
#include "base/log.h"
#include "ctl/command.h"
#include "ctl/report.h"
#include "ctl/verbs.h"

#define ENVELOPE                                                     \
	"--from A --rcpt B [--rcpt C] [--auth LOGIN] [--client IP] " \
	"[--daemon NAME] "

/* clang-format off */
static const Verb verbs[] = {
	{ "check", NULL, "", NULL,
	    "look at settings, permissions, keys, anchors, certificates, "
	    "CRLs, the socket and Postfix: what is wrong and what to do",
	    check_run, 0, 0, 0 },
	{ "explain", NULL, ENVELOPE "[MESSAGE]", NULL,
	    "tell what would become of a mail, by which rule and why",
	    explain_run, OPTION_ENVELOPE, 0, 1 },
	{ "process", NULL, ENVELOPE "[--dry-run] [--output DIR] [MESSAGE]",
	    NULL, "do to a mail what the milter would, and print the result",
	    process_run, OPTION_ENVELOPE | OPTION_RESULT, 0, 1 },
	{ "verify", NULL, "MESSAGE [--at TIME]", NULL,
	    "verify the signatures of a mail",
	    verify_run, OPTION_AT, 1, 1 },
	{ "inspect", NULL, "MESSAGE|CERTIFICATE", NULL,
	    "show what a file holds, without judging it",
	    inspect_run, 0, 1, 1 },
	{ "cert", "list", "[ADDRESS|@DOMAIN]", NULL,
	    "list the certificates of partners",
	    cert_list, 0, 0, 1 },
	{ "cert", "show", "ADDRESS|FPR", NULL,
	    "tell all of a certificate, and whether it can be used",
	    cert_show, 0, 1, 1 },
	{ "cert", "import", "FILE... [--address A] [--pin]", NULL,
	    "take in certificates of partners",
	    cert_import, OPTION_PARTNER, 1, G_MAXUINT },
	{ "cert", "export", "ADDRESS|FPR [--der]", NULL,
	    "print the certificates that an address can use, or one",
	    cert_export, OPTION_DER, 1, 1 },
	{ "cert", "remove", "FPR", NULL, "remove a certificate",
	    cert_remove, 0, 1, 1 },
	{ "cert", "pin", "FPR", NULL,
	    "let no other certificate take its place",
	    cert_pin, 0, 1, 1 },
	{ "cert", "unpin", "FPR", NULL, "undo cert pin",
	    cert_unpin, 0, 1, 1 },
	{ "cert", "approve", "FPR", NULL,
	    "use a certificate that waits",
	    cert_approve, 0, 1, 1 },
	{ "cert", "block", "FPR", NULL,
	    "never use a certificate, and do not harvest it again",
	    cert_block, 0, 1, 1 },
	{ "cert", "pending", "", NULL,
	    "tell what waits for approval, and what there is to decide by",
	    cert_pending, 0, 0, 0 },
	{ "crl", "list", "", NULL, "list the revocation lists that are kept",
	    crl_list, 0, 0, 0 },
	{ "crl", "refresh", "", NULL, "fetch all revocation lists now",
	    crl_refresh, 0, 0, 0 },
	{ "crl", "import", "FILE", NULL, "take in a revocation list",
	    crl_import, 0, 1, 1 },
	{ "key", "import", "FILE.p12 [--address A] [--passphrase-file F]",
	    "--cert F --key F [--chain F] [--address A] [--passphrase-file F]",
	    "take in the key and certificate of an own address",
	    key_import, OPTION_IMPORT, 0, 1 },
	{ "key", "list", "[--expiring DAYS]", NULL,
	    "list own keys, or those that expire within DAYS",
	    key_list, OPTION_EXPIRING, 0, 0 },
	{ "key", "remove", "FPR", NULL, "remove an own key",
	    key_remove, 0, 1, 1 },
	{ "trust", "add", "FILE", NULL,
	    "trust the CA certificates in a file",
	    trust_add, 0, 1, 1 },
	{ "trust", "list", "", NULL, "list the trust anchors",
	    trust_list, 0, 0, 0 },
	{ "trust", "remove", "FPR", NULL, "remove a trust anchor",
	    trust_remove, 0, 1, 1 },
	{ .noun = NULL }
};
/* clang-format on */

/* For people, and for a mistake on the command line the right form too. */
static int
fail(const Verb *verb, const GError *error)
{
	int code = command_exit_code(error);

	report_error("%s", error->message);
	if (g_error_matches(error, ERROR_DOMAIN, ERROR_USAGE)) {
		g_autofree char *usage = command_synopsis(verb);

		fputs(usage, stderr);
	}
	return code;
}

int
main(int argc, char **argv)
{
	g_autoptr(Command) command = NULL;
	g_autoptr(GError) error = NULL;
	const Verb *verb = NULL;
	int code;

	/* A reader that has gone away is an error of writing. */
	signal(SIGPIPE, SIG_IGN);
	log_open("smimectl", LOG_TARGET_STDERR, LOG_LEVEL_WARN);
	command = command_parse(argc, argv, verbs, &verb, &error);
	if (command == NULL) {
		return error == NULL && report_flush(&error)
		    ? COMMAND_YES
		    : fail(verb, error);
	}
	code = command->verb->run(command, &error);
	if (code < 0 || !report_finish(command->report, &error)) {
		return fail(verb, error);
	}
	return code;
}
