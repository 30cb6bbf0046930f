/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plan: what policy decides for one recipient (DESIGN 5). Defaults, then the
 * first rule that matches. Pure: certificates and content are the engine's.
 */
#ifndef POLICY_PLAN_H
#define POLICY_PLAN_H

#include <glib.h>
#include <stdbool.h>

#include "mime/address.h"
#include "policy/envelope.h"
#include "policy/settings.h"

typedef struct {
	const Recipient *recipient; /* borrowed */
	const Rule *rule; /* borrowed from settings; NULL: the defaults */
	bool sign;
	SignPolicy policy; /* mode, format, digest, padding, missing_key */
	char *reason; /* why it is so, for explain and the log */
} Plan;

void
plan_free(Plan *plan);

/* Of Plan, one for each recipient in order; transfer full. */
GPtrArray *
plan_make(const Settings *settings, const Envelope *envelope,
    const AddressFrom *from, const Fields *fields);

/* Positions in fields of what sign.request_header matched: to be removed when
 * some plan is of mode request (policy.mode). Empty where no settings use that
 * mode. Of guint, highest first. */
GArray *
plan_request_fields(const Settings *settings, const Fields *fields);

/* Can two recipients share one message? */
bool
plan_equal(const Plan *a, const Plan *b);

#endif
