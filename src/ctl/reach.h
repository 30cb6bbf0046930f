/* SPDX-License-Identifier: Apache-2.0 */
/* May Postfix connect to the milter's unix socket? */
#ifndef CTL_REACH_H
#define CTL_REACH_H

#include "ctl/check.h"

/*
 * A failure for the first thing on the way to the socket at path that keeps
 * the user (Postfix's mail_owner) out. from: a directory above it where that
 * user's processes start, "" for the root. What is not there yet, or has an
 * access control list, is not judged; nor is a user that does not exist.
 */
void check_reach(
    Check *check, const char *user, const char *path, const char *from);

#endif
