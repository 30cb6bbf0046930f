/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A certificate directory in a scratch state directory, and certificates to
 * put into it. For tests only.
 */
#ifndef TESTS_DIRECTORY_FIXTURE_H
#define TESTS_DIRECTORY_FIXTURE_H

#include "store/directory.h"

#define ALICE "alice@example.com"
#define BOB "bob@example.org"
#define DAY G_GINT64_CONSTANT(86400)

/* How many certificates partners_cert() has. */
#define PARTNERS 12

/* Made once, each for both addresses; partners_free() ends them. */
void partners_make(void);
void partners_free(void);
const Cert *partners_cert(guint number);

typedef struct {
	char *state;
	char *alice; /* the path of her file */
	Directory *directory;
} Place;

void place_set_up(Place *place, gconstpointer data);
void place_tear_down(Place *place, gconstpointer data);

/* The path of an address's file. Yours. */
char *place_path(const Place *place, const char *address);
/* The file of an address gets this content, by hand. */
void place_put(const Place *place, const char *address, const char *content);
/* lines (NULL: none), then the certificate's PEM. Yours. */
char *place_text(const char *lines, guint number);

GPtrArray *place_find(const Place *place, const char *address);
/* How many there are in that state. */
guint place_count(const Place *place, const char *address, EntryState state);
/* The entry of that certificate; NULL: none. Yours. */
DirectoryEntry *place_entry(
    const Place *place, const char *address, guint number);
void place_import(
    const Place *place, guint number, const char *address, bool pin);

/* 8 used ones, 100 pending ones. */
extern const DirectoryLimits place_limits;
/* The offer must be taken in with this result. */
void place_harvest(
    const Place *place, const DirectoryOffer *offer, HarvestResult want);

/* now, in seconds. */
gint64 place_now(void);
/* Files in STATE/pending. */
guint place_pending_files(const Place *place);

#endif
