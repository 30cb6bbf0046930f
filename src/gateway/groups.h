/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Groups: the recipients whose plans are equal share one message (DESIGN 3.3
 * 3). Pure.
 */
#ifndef GATEWAY_GROUPS_H
#define GATEWAY_GROUPS_H

#include <glib.h>

#include "mime/fields.h"
#include "policy/plan.h"

/*
 * plans: of Plan. The result is of GPtrArray of Plan, borrowed, each in
 * envelope order; transfer full. The first group stays with the MTA: that of
 * the first recipient who stands in a To, Cc, Resent-To or Resent-Cc field,
 * else that of the first recipient. The others follow in envelope order.
 */
GPtrArray *groups_make(const GPtrArray *plans, const Fields *fields);

#endif
