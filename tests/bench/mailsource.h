/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the load's mails come from: a template, read from a file or made up
 * with a size. In its header fields @SENDER@, @RCPT@, @SERIAL@, @RUN@ and
 * @DATE@ stand for what differs from mail to mail; the body is the same in
 * all. Immutable once made, so all threads may use it.
 */
#ifndef BENCH_MAILSOURCE_H
#define BENCH_MAILSOURCE_H

#include <glib.h>
#include <stdbool.h>

#include "milterproto.h"

typedef struct MailSource MailSource;

/* A mail of about size bytes: plain text, or text with a base64 attachment. */
MailSource *mailsource_new(gsize size, bool attachment);
/* Lines may end with LF or CRLF. */
MailSource *mailsource_new_from_file(const char *path, GError **error);
void mailsource_free(MailSource *source);

/* With CRLF. Borrowed. */
const char *mailsource_body(const MailSource *source, gsize *length_out);
/* The header of one mail, of Field. transfer full, frees its content. */
GArray *mailsource_fields(const MailSource *source, guint serial,
    const char *sender, const char *rcpt);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MailSource, mailsource_free)

#endif
