/* SPDX-License-Identifier: Apache-2.0 */
/*
 * STATE/keys: the identities of own addresses, one file for each. Read once,
 * kept while the file's stamp stays the same: what smimectl writes counts for
 * the next mail. A file that is readable or writable for group or others is
 * refused (ERROR_PERMISSION), one that is broken too (ERROR_MALFORMED,
 * ERROR_UNFIT): both say the path and what to do. No file is no identity; no
 * state directory is ERROR_IO everywhere. Thread-safe.
 */
#ifndef STORE_IDENTITIES_H
#define STORE_IDENTITIES_H

#include <glib.h>
#include <stdbool.h>

#include "crypto/keyring.h"

typedef struct Identities Identities;

/* state_dir is copied; nothing is read yet. */
Identities *
identities_new(const char *state_dir);
void
identities_free(Identities *identities);

/*
 * All identities of a normalised address (or "@domain"), newest notBefore
 * first; of Identity, transfer full. None: an empty array, also for what can
 * have no file. The exact address is meant, the local part as the layout folds
 * it.
 */
GPtrArray *
identities_find(Identities *identities, const char *address, GError **error);

typedef enum {
	IDENTITY_FOUND,
	IDENTITY_MISSING, /* no identity for this address */
	IDENTITY_EXPIRED,
	IDENTITY_NOT_YET_VALID,
	IDENTITY_UNFIT, /* none fit for signing */
} IdentityState;

/*
 * The one that signs for address at this time: valid, fit for signing, bears
 * the address (ASCII case of the local part ignored), newest notBefore.
 * IDENTITY_FOUND: *identity_out is set, transfer full. false: *error, the
 * file could not be used.
 */
bool
identities_signer(Identities *identities, const char *address, gint64 at,
    IdentityState *state_out, Identity **identity_out, GError **error);

/*
 * Adds identity to the file of each of addresses (normalised; all in the
 * certificate, which the caller checked). Mode 0600, directories 0700, under
 * STATE/lock, atomically. An identity already there (same fingerprint) is
 * replaced. An existing file that cannot be used is an error and stays.
 */
bool
identities_add(Identities *identities, const Identity *identity,
    const char *const *addresses, GError **error);
/* From every file that has it; the file goes with its last identity.
 * fingerprint: full. ERROR_MISSING when nothing had it; when a file could not
 * be read it may still be there, and that file's error is returned. */
bool
identities_remove(Identities *identities, const char *fingerprint,
    GError **error);

typedef struct {
	char *address;
	Identity *identity; /* NULL when the file cannot be used */
	char *problem; /* why, else NULL */
} IdentityEntry;

void
identities_entry_free(IdentityEntry *entry);
/* Everything below STATE/keys, sorted by address; of IdentityEntry. */
GPtrArray *
identities_list(Identities *identities, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Identities, identities_free)

#endif
