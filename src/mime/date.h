/* SPDX-License-Identifier: Apache-2.0 */
/* The Date field. Pure. */
#ifndef MIME_DATE_H
#define MIME_DATE_H

#include <glib.h>
#include <stdbool.h>

#include "mime/fields.h"

/* Seconds since 1970 of the first Date field; false when there is none or it
 * is no RFC 5322 date. */
bool
date_of(const Fields *fields, gint64 *seconds_out);

#endif
