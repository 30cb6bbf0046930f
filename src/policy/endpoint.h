/* SPDX-License-Identifier: Apache-2.0 */
/* The forms of the settings listen and reinject. Pure; ERROR_SETTINGS. */
#ifndef POLICY_ENDPOINT_H
#define POLICY_ENDPOINT_H

#include <glib.h>
#include <stdbool.h>

/* "unix:/PATH", "local:/PATH", "inet:PORT@HOST", "inet6:PORT@HOST" */
bool
endpoint_check_listen(const char *text, GError **error);

/* "smtp:HOST:PORT", an IPv6 address in brackets; or "". */
bool
endpoint_check_reinject(const char *text, GError **error);

/* Not "". host_out: yours, without brackets. Both out-parameters or none. */
bool
endpoint_parse_reinject(
    const char *text, char **host_out, guint16 *port_out, GError **error);

#endif
