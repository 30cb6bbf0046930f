/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mail that an MTA has after it did what a milter asked for.
 */
#ifndef BENCH_MAILRESULT_H
#define BENCH_MAILRESULT_H

#include <glib.h>
#include <stdbool.h>

#include "milterproto.h"

typedef struct {
	/* Postfix renumbers the fields at once when one is deleted, Sendmail
	 * counts the deleted one on. */
	bool keeps_slots;
	bool leading_space; /* as negotiated */
} EditRules;

/* Header and body with CRLF; needs an answer whose body was kept. Yours. */
GByteArray *mailresult_message(
    const Mail *mail, const Answer *answer, const EditRules *rules);

/* "from: ADDRESS" and a "rcpt: ADDRESS" line for each recipient left. Yours. */
char *mailresult_envelope(const Mail *mail, const Answer *answer);

#endif
