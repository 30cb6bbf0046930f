/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The copies of a mail that do not stay with the MTA: re-injected before the
 * original is accepted, each noted in the ledger so that a retry of the whole
 * mail does not deliver it twice (DESIGN 3.3.3). Thread-safe.
 */
#ifndef MILTER_COPIES_H
#define MILTER_COPIES_H

#include <glib.h>
#include <stdbool.h>

#include "gateway/outcome.h"
#include "mime/message.h"
#include "policy/envelope.h"
#include "policy/settings.h"
#include "store/ledger.h"

typedef struct {
	const Settings *settings;
	const Envelope *envelope;
	const char *sender;     /* MAIL FROM as it was given */
	const Message *message; /* the original */
	const Outcome *outcome;
} CopiesJob;

/*
 * Hands on all copies but the first. *ledger_out (NULL when the mail has no
 * Date or no Message-ID) is to be closed, with true, just before the MTA is
 * told that the mail is accepted, or with false. *queued (a GString) gets the
 * queue ids, separated by commas. false: logged; *reply_out (yours) is the
 * reply for the whole mail, what was taken is noted, nothing is to be closed.
 */
bool copies_send(const CopiesJob *job, Ledger **ledger_out, GString *queued,
    char **reply_out);

/* SHA-256 over MAIL FROM, the sorted recipients, and the message without what
 * each try of it has anew (Received, Resent-Date, Resent-Message-ID); 64 hex
 * digits, yours. NULL without Date or Message-ID. */
char *copies_key(
    const char *sender, const Envelope *envelope, const Message *message);

#endif
