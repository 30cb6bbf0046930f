/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For this room alone: what an MTA that reads MIME writes anew when it
 * delivers, and so breaks a detached signature over it. Found with Sendmail
 * 8.17: it repairs MIME fields that are not balanced or too long, headers that
 * are none, and flattens what is nested deeper than 20 levels.
 */
#ifndef MIME_REWRITES_H
#define MIME_REWRITES_H

#include <glib.h>
#include <stdbool.h>

#include "mime/fields.h"
#include "mime/structure.h"

bool
rewrites_expected(const Fields *fields, const Structure *structure,
    GBytes *body);

#endif
