/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A libmilter for tests, linked in place of the real one: connections without
 * an MTA, calls written down. And short ways to say what an MTA would say.
 */
#ifndef TESTS_FAKE_MILTER_H
#define TESTS_FAKE_MILTER_H

#include <glib.h>
#include <libmilter/mfapi.h>
#include <stdatomic.h>

/* "struct smfi_str" is libmilter's name for a connection. */
struct smfi_str {
	void *priv;
	GHashTable *macros;     /* name to value; freed after each callback */
	GPtrArray *calls;       /* of char *: "chgheader Subject 1 [ x]" */
	GByteArray *body;       /* what smfi_replacebody() got */
	GPtrArray *body_places; /* the addresses it got */
	const char *fails;      /* the call that fails: "delrcpt"; NULL: none */
	char *reply;            /* "550 5.7.3 text" */
	atomic_int progress;
	unsigned long actions; /* what was negotiated */
	unsigned long steps;
};

#define MTA_ACTIONS 0x1fful
#define MTA_STEPS 0x1ffffful

SMFICTX *fake_new(void);
/* A connection that has negotiated, with the answer asserted. */
SMFICTX *fake_open(unsigned long steps);
void fake_free(SMFICTX *ctx);
sfsistat fake_negotiate(
    SMFICTX *ctx, unsigned long actions, unsigned long steps);
/* Callbacks, with arguments that are gone right after. address NULL: none. */
sfsistat fake_connect(SMFICTX *ctx, const char *address);
/* sender and the ESMTP words behind it, separated by blanks. */
sfsistat fake_mail(SMFICTX *ctx, const char *line);
sfsistat fake_rcpt(SMFICTX *ctx, const char *line);
sfsistat fake_header(SMFICTX *ctx, const char *name, const char *value);
sfsistat fake_body(SMFICTX *ctx, const void *data, gsize length);
sfsistat fake_eoh(SMFICTX *ctx);
sfsistat fake_eom(SMFICTX *ctx);
/* Ends the connection, with its callback, and frees it. */
void fake_close(SMFICTX *ctx);

void fake_macro(SMFICTX *ctx, const char *name, const char *value);
/* The calls so far, one a line; forgets them. Yours. */
char *fake_calls(SMFICTX *ctx);

#endif
