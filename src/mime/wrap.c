/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes the outer shell of a protected message: body (RFC 8551 3.2, 3.5.3;
 * RFC 1847 2.1) and header edits. The first Content-Type is changed in its
 * place, so that the edits are few. Knows nothing of CMS. Keeps no state.
 */
#include "config.h"

#include "mime/wrap.h"

#include <string.h>
#include <sys/random.h>

#include "base/spool.h"
#include "base/text.h"
#include "mime/transfer.h"

/* "=_" stands neither in base64 nor in sound quoted-printable. */
#define BOUNDARY_PREFIX "=_"
#define BOUNDARY_RANDOM 20

/* Entities up to this size are searched for the boundary. */
#define SEARCH_MAX ((gsize)64 * 1024)

static const char detached_preamble[] =
    "This is a cryptographically signed message in MIME format.\r\n";

static const char detached_part[] =
    "Content-Type: application/pkcs7-signature; name=\"smime.p7s\"\r\n"
    "Content-Transfer-Encoding: base64\r\n"
    "Content-Disposition: attachment; filename=\"smime.p7s\"\r\n"
    "\r\n";

/* Deletes every Content-* field but the first Content-Type, which gets type,
 * and all MIME-Version fields but one. */
static void
replace_content(const Fields *fields, const char *type, Edits *edits)
{
	g_autofree guint *occurrences = fields_occurrences(fields);
	bool typed = false;
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
		} else if (g_ascii_strncasecmp(name, "Content-", 8) == 0) {
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

static bool
occurs_in(const Rope *entity, const char *text)
{
	g_autoptr(GBytes) bytes = rope_to_bytes(entity);
	gsize length = 0;
	const void *data = g_bytes_get_data(bytes, &length);

	return length > 0 && memmem(data, length, text, strlen(text)) != NULL;
}

/*
 * 160 random bits drawn after the entity was finished: no sender can foresee
 * them, and chance does not hit them. So a large entity is not searched; in a
 * small one the search costs nothing and guards against a kernel without
 * entropy, which answers the same twice.
 */
static char *
make_boundary(const Rope *entity)
{
	guint8 random[BOUNDARY_RANDOM];

	for (;;) {
		g_autofree char *hex = NULL;
		g_autofree char *boundary = NULL;

		/* Up to 256 bytes come whole and without EINTR. */
		while (getrandom(random, sizeof(random), 0) !=
		    (ssize_t)sizeof(random)) {
		}
		hex = text_hex(random, sizeof(random));
		boundary = g_strconcat(BOUNDARY_PREFIX, hex, NULL);
		if (rope_length(entity) > SEARCH_MAX ||
		    !occurs_in(entity, boundary)) {
			return g_steal_pointer(&boundary);
		}
	}
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
	g_autofree char *boundary = make_boundary(entity);
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
	replace_content(fields, type, edits);
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
	replace_content(fields, type, edits);
	edits_add(edits, "Content-Transfer-Encoding", " base64");
	edits_add(edits, "Content-Disposition",
	    " attachment; filename=\"smime.p7m\"");
	return body;
}
