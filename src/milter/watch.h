/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What needs a look at start, after a reload, and once a day: certificates
 * that run out, the listener for copies, old records of delivered copies. One
 * thread; it only reads and warns, but for those records.
 */
#ifndef MILTER_WATCH_H
#define MILTER_WATCH_H

#include <stdbool.h>

#include "milter/service.h"

/* service: borrowed until watch_stop(). */
bool watch_start(Service *service);
/* Look again now. */
void watch_again(void);
/* Does not wait for a look that is under way. */
void watch_stop(void);

#endif
