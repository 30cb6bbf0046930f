/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Judges for what entity_make() gives. "Safe" is looked at byte by byte here,
 * apart from the code under test; what a recipient sees is decided by our own
 * scanner or, where the mail is one that GMime reads alike, by GMime.
 */
#ifndef TESTS_MIME_JUDGE_H
#define TESTS_MIME_JUDGE_H

#include <glib.h>
#include <stdbool.h>

#include "mime/fields.h"
#include "mime/message.h"

/* NULL: the bytes survive every road; else why not. */
const char *
judge_hazard(const guint8 *data, gsize length);

/* Types and decoded contents of all leaves, as text. Yours. NULL: over the
 * limits of the scanner. */
char *
judge_leaves(const Fields *fields, GBytes *body);

/* The same with GMime's parser. raw: a whole message. Yours. */
char *
judge_leaves_by_gmime(GBytes *raw);

#endif
