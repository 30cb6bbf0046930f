/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One SMTP client connection: lines out, replies in, each with its deadline
 * and its limits. What is said stands in reinject.c. Used by one thread.
 */
#ifndef MILTER_SMTP_H
#define MILTER_SMTP_H

#include <glib.h>
#include <stdbool.h>

typedef struct Smtp Smtp;

/* Milliseconds. */
typedef struct {
	int connect;  /* all addresses of the host together */
	int command;  /* one reply, or one piece of data taken */
	int data_end; /* the reply to the final dot */
} SmtpTimeouts;

/* What the program uses; tests have shorter ones. */
extern const SmtpTimeouts smtp_timeouts;

/* A reply's limits: RFC 5321 4.5.3.1.5 says 512 for a line, servers exceed
 * that in the text. */
#define SMTP_LINE_MAX ((gsize)4096)
#define SMTP_REPLY_MAX ((gsize)65536)

/* ERROR_IO. timeouts: borrowed as long as the connection lives. */
Smtp *smtp_connect(const char *host, guint16 port, const SmtpTimeouts *timeouts,
    GError **error);
void smtp_close(Smtp *smtp);

/*
 * One reply, all its lines: the code, and the text without codes, lines joined
 * by LF (text_out: yours). ERROR_IO: closed or too slow; ERROR_MALFORMED;
 * ERROR_LIMIT.
 */
bool smtp_read(
    Smtp *smtp, int timeout, guint *code_out, char **text_out, GError **error);

/* Sends line and CRLF, and reads the reply. */
bool smtp_command(Smtp *smtp, const char *line, guint *code_out,
    char **text_out, GError **error);

/* Small pieces are gathered; smtp_flush() sends what is left. */
bool smtp_write(Smtp *smtp, const void *data, gsize length, GError **error);
bool smtp_flush(Smtp *smtp, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Smtp, smtp_close)

#endif
