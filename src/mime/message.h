/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A message: header fields and body bytes (CRLF line ends, as the milter
 * protocol carries them). message_parse() and message_write() are for files;
 * the milter fills one itself.
 */
#ifndef MIME_MESSAGE_H
#define MIME_MESSAGE_H

#include <glib.h>
#include <stdbool.h>

#include "base/rope.h"
#include "mime/fields.h"

typedef struct {
	Fields *fields;
	GBytes *body; /* never NULL, may be empty */
} Message;

/* transfer full of both. */
Message *
message_new(Fields *fields, GBytes *body);
void
message_free(Message *message);

/*
 * RFC 5322 bytes, lines with LF or CRLF (the first line decides; with LF each
 * LF of the body becomes CRLF). A "From " line of an mbox at the start is
 * skipped. Header without body, body without header: accepted. A header line
 * that is no field ends the header, as MTAs do. *crlf_out: the form it had.
 */
Message *
message_parse(GBytes *raw, bool *crlf_out);

/* header, empty line, body; with LF line ends unless crlf. */
Rope *
message_write(const Fields *fields, const Rope *body, bool crlf);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Message, message_free)

#endif
