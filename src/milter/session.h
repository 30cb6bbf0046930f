/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection of the MTA (Session) and the mail that is on its way over it
 * (Transaction): collects envelope, header and body within the limits, asks
 * the engine, hands on the copies, writes the log line. Knows nothing of
 * libmilter. A session is used by one thread at a time, not always the same.
 */
#ifndef MILTER_SESSION_H
#define MILTER_SESSION_H

#include <glib.h>
#include <stdbool.h>

#include "gateway/outcome.h"
#include "milter/service.h"

typedef struct Session Session;

/* What to tell the MTA at a step that has a reply. */
typedef enum {
	ANSWER_CONTINUE,
	ANSWER_SKIP,   /* the rest of the body is not needed */
	ANSWER_ACCEPT, /* as it is; the mail has ended here */
	ANSWER_REFUSE, /* with session_reply(); at RCPT this recipient only,
			  else the mail has ended here */
} Answer;

/* What the MTA can do. */
typedef struct {
	bool leading_space; /* header values with the blank behind the colon */
	bool skip;          /* the rest of a body can be left out */
	bool remove_recipients;
} SessionMta;

/* NULL: too many connections. mta is copied. */
Session *session_new(Service *service, const SessionMta *mta);
/* Ends the mail too. NULL allowed. */
void session_free(Session *session);
const SessionMta *session_mta(const Session *session);
bool session_has_mail(const Session *session);

/* client: IP address text; NULL: unknown. Copied. */
void session_set_client(Session *session, const char *client);

/* What the MTA said of the connection; each may be NULL. */
typedef struct {
	const char *login;
	const char *daemon;
	const char *host;
	const char *client; /* used when session_set_client() told none */
} SessionFacts;

/* MAIL FROM: ends a mail that was begun before. arguments: NULL-ended. */
void session_begin(Session *session, const char *sender,
    const char *const *arguments, const SessionFacts *facts);
Answer session_recipient(
    Session *session, const char *recipient, const char *const *arguments);
/* DATA: what was held back in a step without reply. */
Answer session_data(Session *session);
/* value: as the MTA gave it. */
void session_field(Session *session, const char *name, const char *value);
/* qid: NULL when it is not known yet. */
Answer session_header_end(Session *session, const char *qid);
Answer session_body(Session *session, const void *data, gsize length);

/*
 * End of message: the engine's work and the re-injection of the copies. What is
 * to be applied to the MTA's own copy, borrowed until session_end() or
 * session_failed(); NULL: refuse with session_reply(), the mail has ended.
 */
const Outcome *session_process(Session *session, const char *qid);

/* "550 5.7.3 text" behind ANSWER_REFUSE or a NULL of session_process(); until
 * the next call. */
const char *session_reply(const Session *session);

/* All edits are sent and the MTA is about to be told that the mail is
 * accepted. */
void session_end(Session *session);
/* An edit could not be sent: the mail is a temporary failure, with a reply. */
Answer session_failed(Session *session);
/* The MTA gave the mail up. Without a mail nothing happens. */
void session_abort(Session *session);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Session, session_free)

#endif
