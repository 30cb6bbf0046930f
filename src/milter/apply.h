/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From an outcome to calls of libmilter: the edits in the one order that
 * Postfix and Sendmail both understand, and replies. Only in xxfi_eom, but for
 * apply_reply().
 */
#ifndef MILTER_APPLY_H
#define MILTER_APPLY_H

#include <libmilter/mfapi.h>
#include <stdbool.h>

#include "gateway/outcome.h"

/*
 * Sends the edits of the outcome's first copy and takes the recipients of the
 * others out. leading_space: as negotiated. false: a call failed, *failed_out
 * is its name (static); the mail must then be a temporary failure.
 */
bool apply_outcome(SMFICTX *ctx, const Outcome *outcome, bool leading_space,
    const char **failed_out);

/* Sets the reply "550 5.7.3 text", and says which status goes with it. */
sfsistat apply_reply(SMFICTX *ctx, const char *reply);

#endif
