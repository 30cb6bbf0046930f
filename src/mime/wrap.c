/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes the outer shell of a protected message: body (RFC 8551 3.2, 3.5.3;
 * RFC 1847 2.1) and header edits. The first Content-Type is changed in its
 * place, so that the edits are few. Knows nothing of CMS. Keeps no state.
 */
#include "config.h"

#include "mime/wrap.h"

#include <sys/random.h>

#include "base/spool.h"
#include "base/text.h"
#include "mime/transfer.h"

/* "=_" stands neither in base64 nor in sound quoted-printable. */
#define BOUNDARY_PREFIX "=_"
#define BOUNDARY_RANDOM 20

static const char detached_preamble[] =
    "This is a cryptographically signed message in MIME format.\r\n";

static const char detached_part[] =
    "Content-Type: application/pkcs7-signature; name=\"smime.p7s\"\r\n"
    "Content-Transfer-Encoding: base64\r\n"
    "Content-Disposition: attachment; filename=\"smime.p7s\"\r\n"
    "\r\n";

/* 7bit, and the only such field: true of a multipart/signed as well
 * (RFC 2045 6.4), so it need not go. */
static bool
is_kept(const Fields *fields, guint i)
{
	const char *name = fields_name(fields, i);
	g_autofree char *value = NULL;

	if (!text_equal_fold(name, "Content-Transfer-Encoding") ||
	    fields_count_of(fields, name) != 1) {
		return false;
	}
	value = fields_unfold(fields_value(fields, i));
	return text_equal_fold(value, "7bit");
}

void
wrap_replace_content(
    const Fields *fields, const char *type, bool keep_7bit, Edits *edits)
{
	g_autofree guint *occurrences = fields_occurrences(fields);
	bool typed = type == NULL;
	bool versioned = false;

	for (guint i = 0; i < fields_count(fields); i++) {
		const char *name = fields_name(fields, i);

		if (text_equal_fold(name, "MIME-Version")) {
			if (versioned) {
				edits_delete(edits, name, occurrences[i]);
			}
			versioned = true;
		} else if (!typed && text_equal_fold(name, "Content-Type")) {
			edits_change(edits, name, occurrences[i], type);
			typed = true;
		} else if (g_ascii_strncasecmp(name, "Content-", 8) == 0 &&
		    !(keep_7bit && is_kept(fields, i))) {
			edits_delete(edits, name, occurrences[i]);
		}
	}
	if (!versioned) {
		edits_add(edits, "MIME-Version", " 1.0");
	}
	if (!typed) {
		edits_add(edits, "Content-Type", type);
	}
}

/*
 * 160 random bits drawn after the entity was finished: no sender can foresee
 * them, and chance does not hit them. So the entity is not searched.
 */
static char *
make_boundary(void)
{
	guint8 random[BOUNDARY_RANDOM];
	g_autofree char *hex = NULL;

	/* Up to 256 bytes come whole and without EINTR. */
	while (
	    getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random)) {
	}
	hex = text_hex(random, sizeof(random));
	return g_strconcat(BOUNDARY_PREFIX, hex, NULL);
}

/* A signature is small: it stays in memory, no directory is touched. */
static void
append_signature(Rope *body, GBytes *signature)
{
	g_autoptr(Spool) spool = spool_new("", G_MAXSIZE);
	g_autoptr(GBytes) text = NULL;
	gsize length = 0;
	const guint8 *data = g_bytes_get_data(signature, &length);

	transfer_write_base64(data, length, spool, NULL);
	text = spool_finish(spool, NULL);
	rope_append_bytes(body, text);
}

Rope *
wrap_detached(const Rope *entity, GBytes *signature, const char *micalg,
    const Fields *fields, Edits *edits)
{
	g_autofree char *boundary = make_boundary();
	g_autofree char *type =
	    g_strdup_printf(" multipart/signed; "
			    "protocol=\"application/pkcs7-signature\";\n"
			    "\tmicalg=%s; boundary=\"%s\"",
		micalg, boundary);
	Rope *body = rope_new();

	rope_append_text(body, detached_preamble);
	rope_append_format(body, "\r\n--%s\r\n", boundary);
	rope_append_rope(body, entity);
	rope_append_format(body, "\r\n--%s\r\n", boundary);
	rope_append_text(body, detached_part);
	append_signature(body, signature);
	rope_append_format(body, "\r\n--%s--\r\n", boundary);
	wrap_replace_content(fields, type, true, edits);
	return body;
}

Rope *
wrap_cms(const Rope *cms, const char *smime_type, const char *directory,
    const Fields *fields, Edits *edits, GError **error)
{
	g_autoptr(Spool) spool = spool_new(directory, SPOOL_MEMORY);
	g_autoptr(GBytes) text = NULL;
	g_autofree char *type =
	    g_strdup_printf(" application/pkcs7-mime; smime-type=%s;\n"
			    "\tname=\"smime.p7m\"",
		smime_type);
	Rope *body = NULL;

	if (!transfer_write_base64_rope(cms, spool, error)) {
		return NULL;
	}
	text = spool_finish(spool, error);
	if (text == NULL) {
		return NULL;
	}
	body = rope_new();
	rope_append_bytes(body, text);
	rope_append_text(body, "\r\n");
	wrap_replace_content(fields, type, false, edits);
	edits_add(edits, "Content-Transfer-Encoding", " base64");
	edits_add(edits, "Content-Disposition",
	    " attachment; filename=\"smime.p7m\"");
	return body;
}
