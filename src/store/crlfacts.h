/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The facts of a CRL as text, a "name: value" a line, for crls.c and for
 * people. Thread-safe; no state.
 */
#ifndef STORE_CRLFACTS_H
#define STORE_CRLFACTS_H

#include <glib.h>

#include "store/crls.h"

/* Longer values are left out (validators) or cut (texts for people). */
#define CRLFACTS_URL_MAX 2048
#define CRLFACTS_TEXT_MAX 1024

GBytes *crlfacts_text(const CrlFacts *facts);
/* ERROR_MALFORMED. Unknown names are passed over. */
CrlFacts *crlfacts_parse(GBytes *text, GError **error);

/* The file's name without its suffix: the hash of the URL, or the id. */
char *crlfacts_name(const CrlFacts *facts);
/* 64 lower-case hex digits: fit to be a file's name. */
bool crlfacts_is_name(const char *name);

#endif
