/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A scripted SMTP server on 127.0.0.1 for tests: a thread that serves one
 * connection after another and answers each command by what a script says.
 */
#ifndef TESTS_SMTP_SERVER_H
#define TESTS_SMTP_SERVER_H

#include <glib.h>

typedef struct SmtpServer SmtpServer;

/*
 * NULL-ended. A line of the script is COMMAND=>ANSWER: what a command begins
 * with (or "greeting", or "." for the end of the data), and a reply with its
 * line ends, "drop" to close the connection, or "silence". The first line that
 * fits counts; a command without one gets "250 Ok". A line serves any number of
 * times, with "N:" in front (a digit) only the Nth time that it fits.
 */
SmtpServer *smtp_server_new(const char *const *script);
guint16 smtp_server_port(const SmtpServer *server);
/* Waits for the thread, when its clients are gone. What was said and sent: the
 * commands, one a line. Yours. */
char *smtp_server_end(SmtpServer *server, GPtrArray **messages_out);

#endif
