/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The CRL cache in memory: what crls.c (reading, lookup) and crls-write.c
 * (changes under STATE/lock) share. For these two only.
 */
#ifndef STORE_CRLS_PRIVATE_H
#define STORE_CRLS_PRIVATE_H

#include <pthread.h>

#include "base/file.h"
#include "store/crls.h"

#define CRLS_FACTS_SUFFIX ".facts"
#define CRLS_CRL_SUFFIX ".crl"
/* Larger ones are mapped, not read: their pages can go again. Nobody changes
 * such a file where it stands. */
#define CRLS_MAPPED_FROM 65536

/* A CRL on disk, parsed when it was asked for. */
typedef struct {
	gint references;
	char *id;
	pthread_mutex_t lock;
	Crl *crl;       /* guarded by lock; NULL: not parsed yet, or broken */
	bool broken;    /* guarded by lock, as is the next */
	bool confirmed; /* it was there and broken; so it stays */
} Slot;

typedef struct {
	CrlFacts *facts;
	Slot *slot;      /* NULL: it never had a CRL */
	FileStamp stamp; /* of the facts file */
	bool settled;
	bool seen; /* by the reading under way */
} Record;

struct CrlStore {
	char *state_dir;
	char *directory;
	char *generation_path;
	pthread_mutex_t lock;
	/* All below is guarded by lock. */
	GHashTable *records; /* by name */
	GHashTable *issuers; /* issuer key -> GPtrArray of Record */
	GHashTable *slots;   /* by id */
	guint64 generation;
	bool loaded;
	char *generation_text; /* NULL: there was none */
	FileStamp generation_stamp;
	bool generation_settled;
};

/* STATE/crls/NAMESUFFIX. Yours. */
char *
crls_path(const CrlStore *store, const char *name, const char *suffix);
/* The name of a file with this suffix; NULL: another kind of file. Yours. */
char *
crls_name_of_file(const char *file, const char *suffix);

/* These are called with the mutex held. */
/* facts is the record's from here on. */
Record *
crls_put_record(CrlStore *store, const char *name, CrlFacts *facts);
/* After any change of the records. */
void
crls_index(CrlStore *store);
/* Notes the generation that stands there; whether it is the one before. */
bool
crls_take_generation(CrlStore *store);
/* What other processes wrote. */
bool
crls_refresh(CrlStore *store, GError **error);
/* The one of this id, the same as long as a record has it. transfer full. */
Slot *
crls_take_slot(CrlStore *store, const char *id);

/* These are called without it. */
void
crls_slot_unref(Slot *slot);
/* Parsed now, if it was not. NULL: broken. transfer full. */
Crl *
crls_slot_crl(const CrlStore *store, Slot *slot);
/* crl NULL: as if it had never been asked for. */
void
crls_slot_set(Slot *slot, Crl *crl);
/* In crls-write.c: the file of this CRL is damaged, so its facts say. Whether
 * there was anything to note. */
bool
crls_note_broken(CrlStore *store, const char *id, GError **error);

#endif
