/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An engine for tests, linked in place of src/gateway/gateway.c: the test says
 * what comes out, and sees what went in.
 */
#ifndef TESTS_FAKE_GATEWAY_H
#define TESTS_FAKE_GATEWAY_H

#include <stdatomic.h>

#include "gateway/gateway.h"
#include "mime/message.h"

typedef struct {
	/* NULL: the body is wanted. */
	Outcome *(*at_header)(
	    Gateway *gateway, const Envelope *envelope, const Fields *fields);
	/* NULL: accepted as it is. */
	Outcome *(*process)(
	    Gateway *gateway, const Envelope *envelope, const Message *message);
} FakeEngine;

extern FakeEngine fake_engine;
/* How many gateways there are. */
extern atomic_int fake_gateways;

/* Settings with limits that nothing reaches. state_dir is copied. */
Settings *fake_settings(const char *state_dir);
void fake_settings_free(Settings *settings);

/* An accepted outcome whose first copy has all recipients of envelope. */
Outcome *fake_accept(const Envelope *envelope);
/* One more copy, with the recipient of this number. */
Copy *fake_copy(Outcome *outcome, const Envelope *envelope, guint number);

#endif
