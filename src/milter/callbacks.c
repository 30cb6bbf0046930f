/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libmilter's callbacks: each fetches the session, calls one function, maps
 * the answer. No rule about mail. libmilter keeps the private pointer for each
 * connection, may call from another thread each time (its pool of workers),
 * and may call close alone. Its strings are borrowed for the call.
 */
#include "config.h"

#include "milter/callbacks.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "base/log.h"
#include "milter/apply.h"
#include "milter/progress.h"
#include "milter/session.h"

#define ACTIONS_NEEDED (SMFIF_ADDHDRS | SMFIF_CHGHDRS | SMFIF_CHGBODY)
#define ACTIONS_USED (ACTIONS_NEEDED | SMFIF_DELRCPT)

/*
 * Steps that are not sent at all, extras, and steps that are sent without
 * waiting for us (libmilter fakes these for an MTA that waits). RCPT, end of
 * header and body keep their replies: they may refuse, accept, skip. So does
 * DATA: over TCP a step without reply at that place waits 44 ms for Nagle's
 * algorithm. Rejected recipients (RCPT_REJ) are not asked for.
 *
 * No list of macros is asked for: both MTAs send j and {daemon_name} at
 * connect, {auth_authen} at MAIL, i at end of message at the latest by default;
 * asking would replace the administrator's list.
 */
#define STEPS_LEFT_OUT (SMFIP_NOHELO | SMFIP_NOUNKNOWN)
#define EXTRAS (SMFIP_SKIP | SMFIP_HDR_LEADSPC)
#define STEPS_WITHOUT_REPLY (SMFIP_NR_CONN | SMFIP_NR_MAIL | SMFIP_NR_HDR)

static Service *service;

void
callbacks_serve(Service *shared)
{
	service = shared;
}

static sfsistat
on_negotiate(SMFICTX *ctx, unsigned long actions, unsigned long steps,
    unsigned long unused2, unsigned long unused3, unsigned long *actions_out,
    unsigned long *steps_out, unsigned long *unused2_out,
    unsigned long *unused3_out)
{
	SessionMta mta = {
		.leading_space = (steps & SMFIP_HDR_LEADSPC) != 0,
		.skip = (steps & SMFIP_SKIP) != 0,
		.remove_recipients = (actions & SMFIF_DELRCPT) != 0,
	};
	Session *session;

	(void)unused2, (void)unused3;
	if ((actions & ACTIONS_NEEDED) != ACTIONS_NEEDED) {
		log_err("the MTA does not let a milter change header and "
			"body (it offers actions 0x%lx): its connection is "
			"refused",
		    actions);
		return SMFIS_REJECT;
	}
	session = session_new(service, &mta);
	if (session == NULL || smfi_setpriv(ctx, session) != MI_SUCCESS) {
		session_free(session);
		return SMFIS_REJECT;
	}
	*actions_out = actions & ACTIONS_USED;
	*steps_out = (steps & (STEPS_LEFT_OUT | EXTRAS)) | STEPS_WITHOUT_REPLY;
	*unused2_out = 0;
	*unused3_out = 0;
	return SMFIS_CONTINUE;
}

/* The client's address; an IPv4 address inside an IPv6 one is written as
 * IPv4, since internal_hosts is. false: none. */
static bool
address_text(const struct sockaddr *address, char *text, socklen_t size)
{
	const void *bytes = NULL;
	int family = AF_INET;

	if (address == NULL) {
		return false;
	}
	if (address->sa_family == AF_INET) {
		bytes = &((const struct sockaddr_in *)(const void *)address)
			     ->sin_addr;
	} else if (address->sa_family == AF_INET6) {
		const struct in6_addr *six =
		    &((const struct sockaddr_in6 *)(const void *)address)
			 ->sin6_addr;

		family = IN6_IS_ADDR_V4MAPPED(six) ? AF_INET : AF_INET6;
		bytes = family == AF_INET ? six->s6_addr + 12 : six->s6_addr;
	}
	return bytes != NULL && inet_ntop(family, bytes, text, size) != NULL;
}

static sfsistat
on_connect(SMFICTX *ctx, char *host, struct sockaddr *address)
{
	Session *session = smfi_getpriv(ctx);
	char text[INET6_ADDRSTRLEN];

	(void)host;
	if (session != NULL) {
		bool known = address_text(address, text, sizeof text);

		session_set_client(session, known ? text : NULL);
	}
	return SMFIS_NOREPLY;
}

static sfsistat
on_mail(SMFICTX *ctx, char **arguments)
{
	Session *session = smfi_getpriv(ctx);

	if (session != NULL && arguments[0] != NULL) {
		SessionFacts facts = {
			.login = smfi_getsymval(ctx, (char *)"{auth_authen}"),
			.daemon = smfi_getsymval(ctx, (char *)"{daemon_name}"),
			.host = smfi_getsymval(ctx, (char *)"j"),
			.client = smfi_getsymval(ctx, (char *)"{client_addr}"),
		};

		session_begin(session, arguments[0],
		    (const char *const *)arguments + 1, &facts);
	}
	return SMFIS_NOREPLY;
}

/* The session, when there is a mail under way in it. */
static Session *
session_of(SMFICTX *ctx)
{
	Session *session = smfi_getpriv(ctx);

	return session != NULL && session_has_mail(session) ? session : NULL;
}

static sfsistat
status(SMFICTX *ctx, const Session *session, Answer answer)
{
	switch (answer) {
	case ANSWER_CONTINUE:
		return SMFIS_CONTINUE;
	case ANSWER_SKIP:
		return session_mta(session)->skip ? SMFIS_SKIP : SMFIS_CONTINUE;
	case ANSWER_ACCEPT:
		return SMFIS_ACCEPT;
	case ANSWER_REFUSE:
		break;
	}
	return apply_reply(ctx, session_reply(session));
}

/* A step without a mail that it belongs to: the MTA lost count. */
static sfsistat
no_mail(SMFICTX *ctx)
{
	return apply_reply(
	    ctx, "451 4.7.0 The mail filter knows nothing of this mail");
}

static sfsistat
on_recipient(SMFICTX *ctx, char **arguments)
{
	Session *session = session_of(ctx);

	if (session == NULL || arguments[0] == NULL) {
		return no_mail(ctx);
	}
	return status(ctx, session,
	    session_recipient(
		session, arguments[0], (const char *const *)arguments + 1));
}

static sfsistat
on_data(SMFICTX *ctx)
{
	Session *session = session_of(ctx);

	return session == NULL ? no_mail(ctx)
			       : status(ctx, session, session_data(session));
}

static sfsistat
on_field(SMFICTX *ctx, char *name, char *value)
{
	Session *session = session_of(ctx);

	if (session != NULL) {
		session_field(session, name, value);
	}
	return SMFIS_NOREPLY;
}

static const char *
queue_id(SMFICTX *ctx)
{
	return smfi_getsymval(ctx, (char *)"i");
}

static sfsistat
on_header_end(SMFICTX *ctx)
{
	Session *session = session_of(ctx);

	return session == NULL
	    ? no_mail(ctx)
	    : status(ctx, session, session_header_end(session, queue_id(ctx)));
}

static sfsistat
on_body(SMFICTX *ctx, unsigned char *data, size_t length)
{
	Session *session = session_of(ctx);

	return session == NULL
	    ? no_mail(ctx)
	    : status(ctx, session, session_body(session, data, length));
}

static sfsistat
on_message_end(SMFICTX *ctx)
{
	Session *session = session_of(ctx);
	const Outcome *outcome;
	const char *failed;
	ProgressJob job;

	if (session == NULL) {
		return no_mail(ctx);
	}
	progress_begin(&job, ctx);
	outcome = session_process(session, queue_id(ctx));
	progress_end(&job);
	if (outcome == NULL) {
		return status(ctx, session, ANSWER_REFUSE);
	}
	if (!apply_outcome(
		ctx, outcome, session_mta(session)->leading_space, &failed)) {
		log_warn("%s failed: the MTA is asked to try this mail again",
		    failed);
		return status(ctx, session, session_failed(session));
	}
	session_end(session);
	return SMFIS_ACCEPT;
}

static sfsistat
on_abort(SMFICTX *ctx)
{
	Session *session = smfi_getpriv(ctx);

	if (session != NULL) {
		session_abort(session);
	}
	return SMFIS_CONTINUE;
}

static sfsistat
on_close(SMFICTX *ctx)
{
	session_free(smfi_getpriv(ctx));
	(void)smfi_setpriv(ctx, NULL);
	return SMFIS_CONTINUE;
}

const struct smfiDesc callbacks_description = {
	.xxfi_name = (char *)CALLBACKS_NAME,
	.xxfi_version = SMFI_VERSION,
	.xxfi_flags = ACTIONS_USED,
	.xxfi_connect = on_connect,
	.xxfi_envfrom = on_mail,
	.xxfi_envrcpt = on_recipient,
	.xxfi_header = on_field,
	.xxfi_eoh = on_header_end,
	.xxfi_body = on_body,
	.xxfi_eom = on_message_end,
	.xxfi_abort = on_abort,
	.xxfi_close = on_close,
	.xxfi_data = on_data,
	.xxfi_negotiate = on_negotiate,
};
