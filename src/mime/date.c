/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Date field of a message (RFC 5322 3.3), read by GMime, which takes the
 * obsolete forms too.
 */
#include "config.h"

#include "mime/date.h"

#include <gmime/gmime.h>

bool
date_of(const Fields *fields, gint64 *seconds_out)
{
	const char *value = fields_find(fields, "Date", 1);
	g_autofree char *text = NULL;
	g_autoptr(GDateTime) date = NULL;

	if (value == NULL) {
		return false;
	}
	text = fields_unfold(value);
	date = g_mime_utils_header_decode_date(text);
	if (date == NULL) {
		return false;
	}
	*seconds_out = g_date_time_to_unix(date);
	return true;
}
