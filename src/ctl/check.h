/* SPDX-License-Identifier: Apache-2.0 */
/* What smimectl check collects: findings, each with what to do about it. */
#ifndef CTL_CHECK_H
#define CTL_CHECK_H

#include <glib.h>

#include "ctl/report.h"
#include "policy/settings.h"

typedef struct {
	const Settings *settings;
	Report *report;
	guint failed;
	guint warned;
} Check;

/* subject: what was looked at, one word. */
void check_ok(Check *check, const char *subject, const char *format, ...)
    G_GNUC_PRINTF(3, 4);
void check_warn(Check *check, const char *subject, const char *format, ...)
    G_GNUC_PRINTF(3, 4);
void check_fail(Check *check, const char *subject, const char *format, ...)
    G_GNUC_PRINTF(3, 4);

/* What incoming mail needs: trust anchors, the directory, CRLs (partners.c). */
void check_partners(Check *check);

/* How Postfix is set up, as far as it concerns us (postfix.c). Without
 * Postfix it only says so. */
void check_postfix(Check *check);

#endif
