/* SPDX-License-Identifier: Apache-2.0 */
/* DESIGN 3.2: which way a mail goes. Pure. */
#ifndef POLICY_DIRECTION_H
#define POLICY_DIRECTION_H

#include <stdbool.h>

#include "mime/address.h"
#include "policy/envelope.h"
#include "policy/settings.h"

typedef enum {
	DIRECTION_PASS,
	DIRECTION_OUTBOUND,
	DIRECTION_INBOUND,
} Direction;

/* "outbound", "inbound", "pass" */
const char *
direction_name(Direction direction);

/* By login, internal_hosts or outbound_daemons; never by From. */
bool
direction_is_trusted(const Settings *settings, const Envelope *envelope);
bool
direction_is_internal(const Settings *settings, const Envelope *envelope);

Direction
direction_of(const Settings *settings, const Envelope *envelope,
    const AddressFrom *from);

/*
 * A mail from a client without login with a Received field "from ... by J"
 * (J: envelope->host) has been here before: never signed.
 */
bool
direction_was_here(const Envelope *envelope, const Fields *fields);

#endif
