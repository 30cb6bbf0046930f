/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The MTA's side of the milter protocol, version 6, spoken the way Postfix
 * speaks it: macros before each event, small writes, one abort behind each
 * mail. One MilterLink is one SMTP session; used by one thread at a time.
 */
#ifndef BENCH_MILTERPROTO_H
#define BENCH_MILTERPROTO_H

#include <glib.h>
#include <stdbool.h>

typedef struct MilterLink MilterLink;

/* Who the MTA says is connected. */
typedef struct {
	const char *client_name;
	const char *client_addr; /* IPv4 or IPv6 */
	const char *helo;
	const char *daemon_name;
	const char *host; /* macro j */
} Peer;

typedef struct {
	char *name;
	char *value; /* behind the colon, folds as LF, no line end */
} Field;

typedef struct {
	const char *queue_id;
	const char *from;  /* without <> */
	const char *login; /* NULL: none */
	char **rcpts;      /* without <>, NULL at the end */
	const Field *fields;
	guint n_fields;
	const char *body; /* lines end with CRLF */
	gsize body_length;
} Mail;

/* One request of the milter, in the order it came. */
typedef struct {
	char command; /* SMFIR_*, the body excepted */
	guint32 index;
	char *first;  /* name, address or reason */
	char *second; /* value or arguments; may be NULL */
} Request;

typedef struct {
	char verdict; /* SMFIR_*: accept (also for continue), reject, ... */
	char stage;   /* SMFIC_* that was answered so */
	char *text;   /* of a reply code, or NULL */
	GPtrArray *requests; /* of Request */
	bool replaced;       /* the body */
	GByteArray *body;    /* the new one, empty unless kept */
	gsize body_length;   /* of the new one */
} Answer;

/* socket: "unix:PATH", "inet:PORT@HOST" or "inet6:PORT@HOST". Connects,
 * negotiates, and tells of connection and HELO. write_size: bytes in one
 * write(2), Postfix has 4096. */
MilterLink *milterproto_open(
    const char *socket, const Peer *peer, gsize write_size, GError **error);
/* QUIT and close; NULL is allowed. */
void milterproto_close(MilterLink *link);

/* One mail. keep_body: whether the replacement is kept or only counted. */
Answer *milterproto_send(
    MilterLink *link, const Mail *mail, bool keep_body, GError **error);
void answer_free(Answer *answer);

/* Did the milter ask for the space behind the colon? */
bool milterproto_leading_space(const MilterLink *link);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MilterLink, milterproto_close)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Answer, answer_free)

#endif
