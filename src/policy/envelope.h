/* SPDX-License-Identifier: Apache-2.0 */
/* Who sends what to whom, as SMTP told it. */
#ifndef POLICY_ENVELOPE_H
#define POLICY_ENVELOPE_H

#include <glib.h>
#include <stdbool.h>

typedef struct {
	char *given; /* exactly as the MTA gave it, "<Bob@B.Example>" */
	char *address; /* normalised; given without brackets where it is none */
	GPtrArray *arguments; /* of char *: ESMTP, "NOTIFY=NEVER" */
} Recipient;

typedef struct {
	char *sender; /* normalised MAIL FROM; "" is the null sender */
	GPtrArray *arguments; /* of char *: "BODY=8BITMIME", "SMTPUTF8", ... */
	GPtrArray *recipients; /* of Recipient */
	char *login; /* {auth_authen}; NULL: none */
	char *client; /* IP address text without "IPv6:"; NULL: unknown */
	char *daemon; /* {daemon_name}; NULL: none */
	char *host; /* {j}: our host's name; NULL: unknown */
	char *qid; /* NULL: unknown */
} Envelope;

Envelope *
envelope_new(void);
void
envelope_free(Envelope *envelope);
/* given: with or without brackets. arguments: NULL-ended, may be NULL. */
void
envelope_set_sender(Envelope *envelope, const char *given,
    const char *const *arguments);
void
envelope_add_recipient(Envelope *envelope, const char *given,
    const char *const *arguments);
const Recipient *
envelope_recipient(const Envelope *envelope, guint i);
/* An empty login is none. */
bool
envelope_has_login(const Envelope *envelope);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Envelope, envelope_free)

#endif
