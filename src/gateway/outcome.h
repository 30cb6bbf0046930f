/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the engine wants done with a mail: the milter applies it, smimectl
 * prints it. Complete before anything is applied.
 */
#ifndef GATEWAY_OUTCOME_H
#define GATEWAY_OUTCOME_H

#include <glib.h>
#include <stdbool.h>

#include "base/rope.h"
#include "mime/edits.h"
#include "policy/direction.h"
#include "policy/plan.h"

typedef enum {
	VERDICT_ACCEPT,
	VERDICT_REJECT,
	VERDICT_TEMPFAIL,
	VERDICT_QUARANTINE,
} Verdict;

/* "accept", "reject", "tempfail", "quarantine" */
const char *outcome_verdict_name(Verdict verdict);

/* One message of the result, with the recipients who share it. */
typedef struct {
	GPtrArray *recipients; /* of const Recipient *, borrowed from the
				  envelope */
	Edits *edits;          /* to the original header */
	Rope *body;            /* NULL: unchanged */
	bool signed_here;
} Copy;

/* What smimectl tells of one recipient. */
typedef struct {
	char *recipient;
	char *rule; /* NULL: none */
	bool sign;
	char *signer; /* fingerprint of the own certificate; NULL */
	guint group;  /* from 1: which copy; 0: none */
	char *reason;
} PlanReport;

/* What smimectl tells of one signature of an incoming mail. */
typedef struct {
	char *result; /* the word of RFC 8601 */
	char *reason; /* NULL when pass, or the remark beside a pass */
	char *address;
	char *fingerprint;   /* of the signer; NULL: not there */
	gint64 signing_time; /* 0: absent */
} SignatureReport;

typedef struct {
	Direction direction;
	Verdict verdict;
	char *reply;           /* "550 5.7.3 text" unless accepted, else NULL */
	GPtrArray *plans;      /* of PlanReport; empty unless outbound */
	GPtrArray *copies;     /* of Copy; the first stays with the MTA and
				  deletes the recipients of the others from it;
				  empty unless accepted */
	GPtrArray *signatures; /* of SignatureReport; empty unless inbound */
	GPtrArray *harvested;  /* of char *: fingerprints */
	const char *verified;  /* the word for the log; NULL: not looked at */
	GString *summary;      /* logfmt fields for the info line */
} Outcome;

Outcome *outcome_new(Direction direction);
void outcome_free(Outcome *outcome);
Copy *outcome_add_copy(Outcome *outcome);
/* Sets verdict and reply, drops the copies. code: "550", enhanced: "5.7.3". */
void outcome_refuse(Outcome *outcome, Verdict verdict, const char *code,
    const char *enhanced, const char *format, ...) G_GNUC_PRINTF(5, 6);

/*
 * The same with a whole reply, such as those for the limits that whoever
 * collects a mail has to keep (DESIGN 5): 5yz rejects, 4yz is temporary.
 */
#define OUTCOME_RECIPIENTS "452 4.5.3 Too many recipients"
#define OUTCOME_HEADERS "552 5.3.4 The message header is too large"
#define OUTCOME_MESSAGE "552 5.3.4 The message is too large"
void outcome_refuse_with(Outcome *outcome, const char *reply);

/* Accepted with nothing to edit and nobody else to send to. */
bool outcome_is_untouched(const Outcome *outcome);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Outcome, outcome_free)

#endif
