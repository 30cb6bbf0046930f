/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which way a mail goes, from what the MTA vouches for: login, client address
 * and listener. A header field never makes a client trusted; From stands for
 * an empty MAIL FROM, and a Received field (RFC 5321 4.4) can only take the
 * signature away. Pure functions; thread-safe.
 */
#include "config.h"

#include "policy/direction.h"

#include <string.h>

#include "base/text.h"

#define UNCLOSED_MAX 16

const char *
direction_name(Direction direction)
{
	static const char *const names[] = {
		[DIRECTION_PASS] = "pass",
		[DIRECTION_OUTBOUND] = "outbound",
		[DIRECTION_INBOUND] = "inbound",
	};

	return names[direction];
}

bool
direction_is_internal(const Settings *settings, const Envelope *envelope)
{
	if (envelope->client == NULL) {
		return false;
	}
	for (guint i = 0; i < settings->internal_hosts->len; i++) {
		if (pattern_network_has(
			g_ptr_array_index(settings->internal_hosts, i),
			envelope->client)) {
			return true;
		}
	}
	return false;
}

static bool
is_outbound_daemon(const Settings *settings, const Envelope *envelope)
{
	if (envelope->daemon == NULL) {
		return false;
	}
	for (guint i = 0; i < settings->outbound_daemons->len; i++) {
		if (strcmp(g_ptr_array_index(settings->outbound_daemons, i),
			envelope->daemon) == 0) {
			return true;
		}
	}
	return false;
}

bool
direction_is_trusted(const Settings *settings, const Envelope *envelope)
{
	return envelope_has_login(envelope) ||
	    is_outbound_daemon(settings, envelope) ||
	    direction_is_internal(settings, envelope);
}

Direction
direction_of(
    const Settings *settings, const Envelope *envelope, const AddressFrom *from)
{
	const char *sender =
	    envelope->sender[0] != '\0' ? envelope->sender : from->address;
	bool own = false;
	bool foreign = false;

	for (guint i = 0; i < envelope->recipients->len && !(own && foreign);
	     i++) {
		if (settings_is_own(
			settings, envelope_recipient(envelope, i)->address)) {
			own = true;
		} else {
			foreign = true;
		}
	}
	if ((foreign ||
		(sender != NULL && settings_is_own(settings, sender))) &&
	    direction_is_trusted(settings, envelope)) {
		return DIRECTION_OUTBOUND;
	}
	return own ? DIRECTION_INBOUND : DIRECTION_PASS;
}

/*
 * Behind the comment that opens at text (RFC 5322 3.2.2: they nest, '\'
 * quotes). One that never closes is no comment: a HELO name with a bracket
 * must not hide what follows it. budget bounds how often the rest of a hostile
 * field is looked through in vain; when it is spent, nothing is a comment.
 */
static const char *
skip_comment(const char *text, guint *budget)
{
	guint depth = 0;

	for (const char *c = text; *c != '\0' && *budget > 0; c++) {
		if (*c == '\\' && c[1] != '\0') {
			c++;
		} else if (*c == '(') {
			depth++;
		} else if (*c == ')' && --depth == 0) {
			return c + 1;
		}
	}
	*budget -= *budget > 0 ? 1 : 0;
	return text + 1;
}

/* The next word outside comments, at *at; its length, 0 at the end. */
static gsize
next_word(const char **at, guint *budget)
{
	while (**at != '\0' && strchr(" \t\r\n;(", **at) != NULL) {
		*at = **at == '(' ? skip_comment(*at, budget) : *at + 1;
	}
	return strcspn(*at, " \t\r\n;(");
}

static bool
is_word(const char *at, gsize length, const char *word)
{
	return length == strlen(word) &&
	    g_ascii_strncasecmp(at, word, length) == 0;
}

static gsize
host_length(const char *host, gsize length)
{
	return length > 0 && host[length - 1] == '.' ? length - 1 : length;
}

/*
 * "from ... by HOST". The HELO name behind "from" is the client's to choose,
 * so each "by" behind it counts, not only the first.
 */
static bool
is_from_by(const char *value, const char *host, gsize host_bytes)
{
	const char *at = value;
	guint budget = UNCLOSED_MAX;
	gsize length = next_word(&at, &budget);

	if (!is_word(at, length, "from")) {
		return false;
	}
	while (length > 0) {
		bool by = is_word(at, length, "by");

		at += length;
		length = next_word(&at, &budget);
		if (by && host_length(at, length) == host_bytes &&
		    g_ascii_strncasecmp(at, host, host_bytes) == 0) {
			return true;
		}
	}
	return false;
}

bool
direction_was_here(const Envelope *envelope, const Fields *fields)
{
	gsize host_bytes = 0;

	if (envelope_has_login(envelope) || envelope->host == NULL) {
		return false;
	}
	host_bytes = host_length(envelope->host, strlen(envelope->host));
	if (host_bytes == 0) {
		return false;
	}
	for (guint i = 0; i < fields_count(fields); i++) {
		if (text_equal_fold(fields_name(fields, i), "Received") &&
		    is_from_by(
			fields_value(fields, i), envelope->host, host_bytes)) {
			return true;
		}
	}
	return false;
}
