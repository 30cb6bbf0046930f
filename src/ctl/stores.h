/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What lies below STATE about partners, opened together: the directory, whom
 * to trust, and a view of that which is asked without fetching anything.
 */
#ifndef CTL_STORES_H
#define CTL_STORES_H

#include <glib.h>
#include <stdbool.h>

#include "ctl/command.h"
#include "gateway/peel.h"
#include "mime/message.h"
#include "store/directory.h"
#include "store/trust.h"

typedef struct {
	const Settings *settings; /* borrowed */
	Directory *directory;
	Trust *trust;
	TrustView view;
	gint64 now; /* seconds since 1970 */
} Stores;

/* After command_enter(); the command must outlive it. */
Stores *stores_open(const Command *command, GError **error);
void stores_free(Stores *stores);

/* The signatures of message as the daemon would judge them at this time, but
 * that no CRL is fetched. */
Peel *stores_peel(Stores *stores, const Message *message, gint64 at);

/* "ok", "expired", "untrusted", "invalid" */
const char *stores_chain_name(ChainResult chain);
/* "ok, up to CN=Root" or the reason. Yours. */
char *stores_chain_text(const TrustVerdict *trust);
/* "good", "revoked, key compromise, since 2026-...". Yours. */
char *stores_revocation_text(const Revocation *revocation);

/* May an entry of the directory be encrypted to now (DESIGN 4)? */
typedef struct {
	TrustVerdict trust;
	char *reason; /* NULL: usable; else why not */
} Usability;

/* others: of Cert, what may lead to an anchor; or NULL. *usability_out is
 * written whole. */
void stores_judge(Stores *stores, const DirectoryEntry *entry,
    const GPtrArray *others, Usability *usability_out);
void stores_usability_clear(Usability *usability);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Stores, stores_free)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Usability, stores_usability_clear)

#endif
