/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handing a copy of a mail to the MTA's listener that stands behind this
 * milter (setting reinject), with the envelope parameters of the original:
 * all recipients or none. Several copies share a connection. One thread.
 */
#ifndef MILTER_REINJECT_H
#define MILTER_REINJECT_H

#include <glib.h>
#include <stdbool.h>

#include "base/rope.h"
#include "milter/smtp.h"

typedef struct Reinject Reinject;

typedef struct {
	const char *sender;          /* as MAIL FROM gave it, "<a@b>" */
	const GPtrArray *arguments;  /* of char *: the original's for MAIL */
	const GPtrArray *recipients; /* of const Recipient * */
	const Rope *message;         /* header and body, CRLF line ends */
} ReinjectMail;

typedef enum {
	REINJECT_TAKEN,     /* 250 for all recipients: it is the MTA's now */
	REINJECT_TEMPORARY, /* 4yz, no connection, no such extension */
	REINJECT_REFUSED,   /* 5yz */
} ReinjectResult;

/* Connects, reads the greeting, says EHLO (or HELO). name: what we call
 * ourselves. ERROR_IO, ERROR_MALFORMED, ERROR_LIMIT; ERROR_REFUSED for 5yz. */
Reinject *reinject_open(const char *host, guint16 port, const char *name,
    const SmtpTimeouts *timeouts, GError **error);
/* QUIT, without waiting for the answer. */
void reinject_close(Reinject *reinject);

/*
 * *reply_out (yours, always set): the server's reply to the final dot, or what
 * stood in the way: "RCPT TO:<b@c>: 550 5.1.1 no such user".
 */
ReinjectResult reinject_send(
    Reinject *reinject, const ReinjectMail *mail, char **reply_out);

/* The queue id in the reply to a taken copy ("2.0.0 Ok: queued as 4XyZ",
 * "2.0.0 51QABC Message accepted for delivery"); else NULL. Yours. */
char *reinject_queue_id(const char *reply);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Reinject, reinject_close)

#endif
