/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mail addresses as text: local@domain without angle brackets. Comparison
 * follows STANDARDS: the domain without regard to ASCII case, the local part
 * as the caller says. Pure functions.
 */
#ifndef MIME_ADDRESS_H
#define MIME_ADDRESS_H

#include <glib.h>
#include <stdbool.h>

#include "mime/fields.h"

/*
 * From "<a@b>", "a@b" or "" (the null sender): blanks and angle brackets
 * taken off, a quoted local part unquoted, the domain lowered, a non-ASCII
 * domain turned into A-labels. NULL when it is no address (no '@', control
 * bytes, NUL, a '<' inside). Yours.
 */
char *
address_normalise(const char *text);

/* Behind the last '@', borrowed; NULL when there is none. */
const char *
address_domain(const char *address);

/* Both normalised: equal octets of the local part. */
bool
address_equal(const char *a, const char *b);
/* Both normalised: local part without regard to ASCII case. */
bool
address_equal_fold(const char *a, const char *b);

/*
 * What the From fields say. ok only when there is exactly one From field with
 * exactly one mailbox whose address is sound, and no value of the header is
 * cut: then address is normalised.
 */
typedef struct {
	guint fields; /* how many From fields */
	guint mailboxes; /* how many mailboxes in them */
	char *address; /* NULL unless there is exactly one of both */
} AddressFrom;

void
address_from(const Fields *fields, AddressFrom *from_out);
void
address_from_clear(AddressFrom *from);

/* The normalised addresses of all fields of this name (To, Cc, ...), groups
 * expanded; unparsable ones are left out. transfer full, of char *. */
GPtrArray *
address_list(const Fields *fields, const char *name);

#endif
