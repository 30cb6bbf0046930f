/* SPDX-License-Identifier: Apache-2.0 */
/*
 * May this mail be signed for its From address (DESIGN 3.3.2)? And the file
 * sender_logins. Pure but for reading the file.
 */
#ifndef POLICY_SENDER_H
#define POLICY_SENDER_H

#include <glib.h>
#include <stdbool.h>

#include "mime/address.h"
#include "policy/envelope.h"
#include "policy/settings.h"

/* file "" gives an empty one. ERROR_SETTINGS with file and line, or the
 * file's own trouble. */
Logins *
sender_logins_load(const char *file, GError **error);
void
sender_logins_free(Logins *logins);

/*
 * true: sign for from->address. false: *why_out (yours) is the sentence for
 * the log: what failed and, where a line in sender_logins would allow it,
 * that line, ready to be added.
 */
bool
sender_may_sign(const Settings *settings, const Envelope *envelope,
    const AddressFrom *from, char **why_out);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Logins, sender_logins_free)

#endif
