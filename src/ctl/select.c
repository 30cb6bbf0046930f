/* SPDX-License-Identifier: Apache-2.0 */
/* Fingerprints and addresses as people type them. */
#include "config.h"

#include "ctl/select.h"

#include "base/error.h"
#include "ctl/command.h"
#include "mime/address.h"

char *
select_prefix(const char *text, GError **error)
{
	g_autoptr(GString) prefix = g_string_new(NULL);

	for (const char *at = text; *at != '\0'; at++) {
		if (g_ascii_isxdigit(*at)) {
			g_string_append_c(prefix, g_ascii_tolower(*at));
		} else if (*at != ':') {
			g_string_truncate(prefix, 0);
			break;
		}
	}
	if (prefix->len < SELECT_DIGITS_MIN ||
	    prefix->len > SELECT_DIGITS_MAX) {
		g_set_error(error, ERROR_DOMAIN, ERROR_USAGE,
		    "\"%s\" is no fingerprint: give its %d hex digits or the "
		    "first %d or more of them",
		    text, SELECT_DIGITS_MAX, SELECT_DIGITS_MIN);
		return NULL;
	}
	return g_strdup(prefix->str);
}

char *
select_address(const char *text, GError **error)
{
	bool whole_domain = text[0] == '@';
	g_autofree char *given =
	    whole_domain ? g_strconcat("x", text, NULL) : g_strdup(text);
	g_autofree char *address = address_normalise(given);

	if (address == NULL || *address == '\0') {
		g_set_error(error, ERROR_DOMAIN, ERROR_USAGE,
		    "\"%s\" is no mail address and no @DOMAIN", text);
		return NULL;
	}
	return g_strdup(whole_domain ? address + 1 : address);
}

const char *
select_one(const GPtrArray *fingerprints, const char *prefix)
{
	const char *found = NULL;

	for (guint i = 0; i < fingerprints->len; i++) {
		const char *one = fingerprints->pdata[i];

		if (!g_str_has_prefix(one, prefix) ||
		    g_strcmp0(one, found) == 0) {
			continue;
		}
		if (found != NULL) {
			report_error("%s fits %s and %s: give more digits",
			    prefix, found, one);
			return NULL;
		}
		found = one;
	}
	if (found == NULL) {
		report_error("nothing has the fingerprint %s", prefix);
	}
	return found;
}

int
select_remove(Report *report, const GPtrArray *fingerprints, const char *prefix,
    SelectRemove remove, gpointer store, GError **error)
{
	const char *found = select_one(fingerprints, prefix);

	if (found != NULL && !remove(store, found, error)) {
		return -1;
	}
	report_open_list(report, "items");
	if (found != NULL) {
		report_line(report, "removed: %s", found);
		report_open_object(report);
		report_text(report, "fingerprint", found);
		report_close_object(report);
	}
	report_close_list(report);
	return found != NULL ? COMMAND_YES : COMMAND_NO;
}
