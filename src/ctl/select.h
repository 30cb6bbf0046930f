/* SPDX-License-Identifier: Apache-2.0 */
/* FPR on the command line: a fingerprint or the beginning of one; ADDRESS. */
#ifndef CTL_SELECT_H
#define CTL_SELECT_H

#include <glib.h>
#include <stdbool.h>

#include "ctl/report.h"

#define SELECT_DIGITS_MIN 8
#define SELECT_DIGITS_MAX 64

/* text in lower case, without the colons that openssl prints; ERROR_USAGE
 * when it is not 8 to 64 hex digits. Yours. */
char *select_prefix(const char *text, GError **error);

/* The normalised address, or "@domain", that text is; ERROR_USAGE. Yours. */
char *select_address(const char *text, GError **error);

/* The one of fingerprints (of char *, twice the same counts once) that starts
 * with prefix, borrowed. NULL: none or several, which is said on standard
 * error. */
const char *select_one(const GPtrArray *fingerprints, const char *prefix);

/* Removes what has this (full) fingerprint from store. */
typedef bool (*SelectRemove)(
    gpointer store, const char *fingerprint, GError **error);

/*
 * Removes the one of fingerprints (of char *, twice the same counts once) that
 * starts with prefix, and reports it. None or several: says so on standard
 * error. The exit code, or -1 with *error.
 */
int select_remove(Report *report, const GPtrArray *fingerprints,
    const char *prefix, SelectRemove remove, gpointer store, GError **error);

#endif
