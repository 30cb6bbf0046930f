/* SPDX-License-Identifier: Apache-2.0 */
/*
 * STATE/sent/SHA256: which recipients of a mail already have their re-injected
 * copy, so that a retry of the whole mail does not deliver it twice (DESIGN
 * 3.3.3). One file for each mail, appended and fsynced after each copy that was
 * taken. Two daemons or threads with the same mail: the file is locked from
 * ledger_open() to ledger_close().
 */
#ifndef STORE_LEDGER_H
#define STORE_LEDGER_H

#include <glib.h>
#include <stdbool.h>

typedef struct Ledger Ledger;

#define LEDGER_DAYS 5

/*
 * key: 64 hex digits (the caller's SHA-256 over MAIL FROM, sorted recipients
 * and the message without Received fields). Makes STATE/sent when missing.
 */
Ledger *
ledger_open(const char *state_dir, const char *key, GError **error);
bool
ledger_has(const Ledger *ledger, const char *recipient);
/* Of char *: durable before it returns true. */
bool
ledger_add(Ledger *ledger, const GPtrArray *recipients, GError **error);
/* Ends; when done is true the file is removed (the whole mail was accepted),
 * also when nothing was ever added. */
void
ledger_close(Ledger *ledger, bool done);

/* Drops files older than LEDGER_DAYS. */
void
ledger_sweep(const char *state_dir);

#endif
