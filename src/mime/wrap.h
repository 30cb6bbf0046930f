/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A protected entity put back into a message: the new body and the header
 * edits that go with it (RFC 8551 3.2, 3.5; RFC 1847). All Content-* fields of
 * the old header are deleted (but a 7bit encoding, which stays true),
 * MIME-Version is added when it was absent, a second one deleted; every other
 * field stays.
 */
#ifndef MIME_WRAP_H
#define MIME_WRAP_H

#include <glib.h>
#include <stdbool.h>

#include "base/rope.h"
#include "mime/edits.h"
#include "mime/fields.h"

/*
 * Deletes every Content-* field but the first Content-Type, which gets type
 * (NULL: it goes too), and all MIME-Version fields but one, which is added when
 * there is none. keep_7bit: a Content-Transfer-Encoding of 7bit may stay, since
 * each edit is a packet to the MTA.
 */
void
wrap_replace_content(
    const Fields *fields, const char *type, bool keep_7bit, Edits *edits);

/*
 * multipart/signed; protocol="application/pkcs7-signature"; micalg; the
 * boundary is random, so that it occurs nowhere in entity. signature: DER.
 */
Rope *
wrap_detached(const Rope *entity, GBytes *signature, const char *micalg,
    const Fields *fields, Edits *edits);

/*
 * application/pkcs7-mime; smime-type=TYPE; name=smime.p7m. The base64 of a
 * large cms goes into a spool file of directory. NULL: ERROR_IO.
 */
Rope *
wrap_cms(const Rope *cms, const char *smime_type, const char *directory,
    const Fields *fields, Edits *edits, GError **error);

#endif
