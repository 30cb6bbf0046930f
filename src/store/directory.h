/* SPDX-License-Identifier: Apache-2.0 */
/*
 * STATE/certs: the certificates of partners, one file for each address (the
 * contract of DESIGN 4; layout.h has the paths). Each certificate is a PEM
 * block behind "# name: value" lines, so that cat, grep and openssl storeutl
 * read it; a line that is not known is kept. Read by path: neither the start
 * nor a lookup depends on how many addresses there are. A file that was read is
 * kept in a bounded cache while its stamp stays. Writers hold STATE/lock for
 * the read-modify-write; a crash leaves the old or the new file.
 *
 * Certificates that wait for the administrator have a second file,
 * STATE/pending/ID.pem (ID: SHA-256 of address, LF, fingerprint), with what
 * there is to decide by: address, why, from which mail, the chain. It is made
 * before the entry and removed behind it: one without an entry is left over
 * from a crash and is dropped when it is met.
 *
 * Nothing here judges chains or revocation. Thread-safe; many processes.
 */
#ifndef STORE_DIRECTORY_H
#define STORE_DIRECTORY_H

#include <glib.h>
#include <stdbool.h>

#include "crypto/cert.h"

typedef struct Directory Directory;

typedef enum {
	ENTRY_PENDING, /* waits for the administrator, never used */
	ENTRY_USED,
	ENTRY_BLOCKED, /* by the administrator, never used */
} EntryState;

/* By whose word it is there; from weak to strong. */
typedef enum {
	ENTRY_HARVESTED, /* found in a mail: its chain must reach an anchor */
	ENTRY_APPROVED,  /* found in a mail, approved by the administrator */
	ENTRY_IMPORTED,  /* by the administrator */
} EntrySource;

/* "pending", "used", "blocked"; "harvested", "approved", "imported" */
const char *directory_state_name(EntryState state);
const char *directory_source_name(EntrySource source);

/* Immutable, shared by reference. */
typedef struct {
	char *address; /* normalised, as the certificate or the command line
			  has it; "@domain" serves the whole domain */
	Cert *cert;
	EntryState state;
	EntrySource source;
	bool pinned;            /* never replaced */
	gint64 first_seen;      /* seconds since 1970, as all times */
	gint64 last_seen;       /* exact to a day */
	gint64 signing_time;    /* the newest seen; 0: none */
	char *capabilities;     /* words of capabilities.h; NULL: not known */
	GPtrArray *other_lines; /* of char *: comment lines of others */
} DirectoryEntry;

DirectoryEntry *directory_entry_ref(DirectoryEntry *entry);
void directory_entry_unref(DirectoryEntry *entry);

/* state_dir is copied; nothing is read yet. */
Directory *directory_new(const char *state_dir);
void directory_free(Directory *directory);

/*
 * All entries in the file of this normalised address or "@domain" (the local
 * part as the layout folds it); of DirectoryEntry, shared and not to be
 * changed, transfer full. None: empty, also for what can have no file.
 * ERROR_MALFORMED, ERROR_IO: the file cannot be used; a broken file is never
 * overwritten.
 */
GPtrArray *directory_find(
    Directory *directory, const char *address, GError **error);

/* A certificate found in a mail, which passed all of DESIGN 4 but what needs
 * the directory. */
typedef struct {
	const char *address;      /* the From mailbox, normalised */
	const Cert *cert;         /* to encrypt to */
	gint64 signing_time;      /* 0: absent */
	const char *capabilities; /* NULL: not announced */
	bool vouched;             /* the mail was signed with cert's own key, or
				     by a signer whose chain reaches an anchor:
				     else a pending offer says nothing of what
				     the owner can read, nor how new that is */
	bool pending;             /* to wait for the administrator */
	const char *why;          /* pending: a sentence for him */
	const char *mail;         /* pending: which mail it was, one line */
	const GPtrArray *chain; /* pending: of Cert, what came with it; NULL */
} DirectoryOffer;

typedef struct {
	guint max_per_address; /* used ones: harvest.max_per_address */
	guint max_pending;     /* in all: harvest.max_pending */
} DirectoryLimits;

/* Of one address; pending ones count apart and never displace a used one. */
#define DIRECTORY_PENDING_PER_ADDRESS 2
#define DIRECTORY_PENDING_DAYS 90

typedef enum {
	HARVEST_STORED,    /* the address had none */
	HARVEST_BESIDE,    /* a new one beside others: tell the administrator */
	HARVEST_REFRESHED, /* known: times or capabilities are newer now */
	HARVEST_KNOWN,     /* known, nothing to write */
	HARVEST_PENDING,   /* waits now */
	HARVEST_OLDER, /* its signing time is not newer than what is stored, or
			  there is none and the address has one */
	HARVEST_BLOCKED, /* the administrator blocked this certificate */
	HARVEST_PINNED,  /* the address has a pinned one: kept beside it as
			    pending, or already there */
	HARVEST_FULL,    /* too many pending ones, or as many as may be used are
			    all pinned, approved or imported */
} HarvestResult;

/*
 * Takes the offer in by the rules of DESIGN 4: nothing but newer signing times
 * replaces capabilities; over max_per_address the harvested one with the oldest
 * signing time goes; a pending one that is offered again without pending (its
 * chain reaches an anchor now) becomes used. Durable when it returns. Writes
 * nothing for HARVEST_KNOWN: last_seen moves once a day. *replaced_out (may be
 * NULL): the fingerprint of what had to go, yours, or NULL. false: *error.
 */
bool directory_harvest(Directory *directory, const DirectoryOffer *offer,
    const DirectoryLimits *limits, HarvestResult *result_out,
    char **replaced_out, GError **error);

/*
 * The administrator's import for each of addresses (NULL-ended, normalised;
 * "@domain" allowed): state used, source imported. One already there keeps its
 * times and capabilities; one that is blocked is unblocked.
 */
bool directory_import(Directory *directory, const Cert *cert,
    const char *const *addresses, bool pin, GError **error);

typedef enum {
	DIRECTORY_PIN,
	DIRECTORY_UNPIN,
	DIRECTORY_APPROVE, /* pending or harvested: used, approved */
	DIRECTORY_BLOCK,
	DIRECTORY_REMOVE, /* the file goes with its last entry */
} DirectoryChange;

/*
 * In every file that has it. fingerprint: full, lower case. address: only
 * there; NULL: everywhere, which walks the directory (seconds for a million).
 * ERROR_MISSING: nowhere; ERROR_UNFIT with the reason: it makes no sense
 * (approving a blocked one, pinning a pending one).
 */
bool directory_change(Directory *directory, const char *fingerprint,
    const char *address, DirectoryChange change, GError **error);

/* Called for each entry in the order of the walk; false ends it. problem: why a
 * file cannot be used, entry is then NULL. */
typedef bool (*DirectoryVisit)(gpointer data, const char *address,
    DirectoryEntry *entry, const char *problem);

/*
 * Walks all files, or those of one domain ("example.com", not NULL), sorted
 * inside each domain; memory does not grow with their number but with the
 * largest domain's names. prefix: only entries whose fingerprint starts so
 * (files without it are not parsed); NULL: all.
 */
bool directory_walk(Directory *directory, const char *domain,
    const char *prefix, DirectoryVisit visit, gpointer data, GError **error);

/* What waits, oldest first. */
typedef struct {
	DirectoryEntry *entry;
	char *why;
	char *mail;
	GPtrArray *chain; /* of Cert */
} DirectoryPending;

void directory_pending_free(DirectoryPending *pending);
/* Of DirectoryPending, transfer full. Drops what is older than 90 days. */
GPtrArray *directory_pending(Directory *directory, GError **error);
/* Drops pending entries older than 90 days; how many there were. */
bool directory_sweep(Directory *directory, guint *dropped_out, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DirectoryEntry, directory_entry_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Directory, directory_free)

#endif
