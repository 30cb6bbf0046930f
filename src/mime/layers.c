/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recognises protection at the root (RFC 8551 3.10, RFC 1847, RFC 3156). It
 * looks at types, names and where parts lie, and at the first bytes of armour;
 * it parses neither CMS nor OpenPGP. What lies deeper than the root is
 * somebody's attachment and no layer. Keeps no state.
 */
#include "config.h"

#include "mime/layers.h"

#include <string.h>

#include "base/text.h"
#include "mime/gmime-init.h"
#include "mime/transfer.h"

/* Armour is looked for in so much of a text, decoded. */
#define ARMOUR_MAX ((gsize)64 * 1024)

static bool
is_one_of(const char *text, const char *const *list)
{
	for (; *list != NULL; list++) {
		if (text != NULL && g_ascii_strcasecmp(text, *list) == 0) {
			return true;
		}
	}
	return false;
}

static bool
is_cms_type(const char *type)
{
	static const char *const types[] = {
		"application/pkcs7-mime",
		"application/x-pkcs7-mime",
		NULL,
	};

	return is_one_of(type, types);
}

/* RFC 8551 3.2.1; name may be NULL. */
static bool
is_cms_name(const char *name)
{
	static const char *const suffixes[] = {
		".p7m",
		".p7s",
		".p7c",
		".p7z",
		NULL,
	};
	gsize length = name != NULL ? strlen(name) : 0;

	return length >= 4 && is_one_of(name + length - 4, suffixes);
}

/* ---- by the header alone ---- */

/* Whether a Content-Type value may announce a layer. */
static bool
is_layer_type(const char *value)
{
	static const char *const types[] = {
		"application/pkcs7-mime",
		"application/x-pkcs7-mime",
		"multipart/signed",
		"multipart/encrypted",
		NULL,
	};
	g_autofree char *text = fields_unfold(value);
	g_autoptr(GMimeContentType) type = NULL;
	g_autofree char *name = NULL;

	gmime_init_once();
	type = g_mime_content_type_parse(NULL, text);
	name = g_mime_content_type_get_mime_type(type);
	return is_one_of(name, types) ||
	    is_cms_name(g_mime_content_type_get_parameter(type, "name"));
}

static bool
is_layer_disposition(const char *value)
{
	g_autofree char *text = fields_unfold(value);
	g_autoptr(GMimeContentDisposition) disposition = NULL;

	gmime_init_once();
	disposition = g_mime_content_disposition_parse(NULL, text);
	return disposition != NULL &&
	    is_cms_name(g_mime_content_disposition_get_parameter(
		disposition, "filename"));
}

bool
layers_header_is_plain(const Fields *fields)
{
	for (guint i = 0; i < fields_count(fields); i++) {
		const char *name = fields_name(fields, i);
		const char *value = fields_value(fields, i);

		if (text_equal_fold(name, "Content-Type") &&
		    is_layer_type(value)) {
			return false;
		}
		if (text_equal_fold(name, "Content-Disposition") &&
		    is_layer_disposition(value)) {
			return false;
		}
	}
	return true;
}

/* ---- with the body ---- */

typedef struct {
	const Fields *fields;
	const Structure *structure;
	GBytes *body;
	gsize max;
	Layer layer;
	GBytes *blob;
	GBytes *content;
} Finding;

/* The two children of a root that has exactly two. */
static bool
two_children(const Structure *structure, guint *first_out, guint *second_out)
{
	guint children[2];
	guint count = 0;

	for (guint i = 1; i < structure_count(structure); i++) {
		if (structure_part(structure, i)->depth != 1) {
			continue;
		}
		if (count < 2) {
			children[count] = i;
		}
		count++;
	}
	if (count != 2) {
		return false;
	}
	*first_out = children[0];
	*second_out = children[1];
	return true;
}

/* Whether text has a line that begins like this. */
static bool
has_line(const GByteArray *text, const char *start)
{
	gsize length = strlen(start);
	const guint8 *p = text->data;
	gsize left = text->len;

	while (left >= length) {
		const guint8 *hit = memmem(p, left, start, length);

		if (hit == NULL) {
			return false;
		}
		if (hit == text->data || hit[-1] == '\n') {
			return true;
		}
		left -= (gsize)(hit + 1 - p);
		p = hit + 1;
	}
	return false;
}

/* The first bytes of a leaf, decoded. */
static GByteArray *
decode_start(const Finding *finding, guint i)
{
	const Part *part = structure_part(finding->structure, i);
	const guint8 *data = g_bytes_get_data(finding->body, NULL);
	GByteArray *text = g_byte_array_new();

	if (part->end > part->start) {
		transfer_decode(part->encoding, data + part->start,
		    part->end - part->start, ARMOUR_MAX, text);
	}
	return text;
}

static bool
find_signed(Finding *finding, GError **error)
{
	static const char *const smime[] = {
		"application/pkcs7-signature",
		"application/x-pkcs7-signature",
		NULL,
	};
	const Structure *structure = finding->structure;
	g_autofree char *protocol =
	    structure_parameter(structure, 0, "protocol");
	const Part *part = NULL;
	guint first = 0;
	guint second = 0;

	if (protocol == NULL || !two_children(structure, &first, &second)) {
		return true;
	}
	if (g_ascii_strcasecmp(protocol, "application/pgp-signature") == 0) {
		finding->layer = LAYER_PGP_SIGNED;
		return true;
	}
	if (!is_one_of(protocol, smime)) {
		return true;
	}
	finding->blob =
	    structure_decode(structure, second, finding->max, error);
	if (finding->blob == NULL) {
		return false;
	}
	part = structure_part(structure, first);
	finding->content = g_bytes_new_from_bytes(
	    finding->body, part->header, part->end - part->header);
	finding->layer = LAYER_SMIME_SIGNED;
	return true;
}

/* RFC 3156 4: a control part, then armour; whoever writes this type around
 * readable text has not encrypted it. */
static void
find_encrypted(Finding *finding)
{
	const Structure *structure = finding->structure;
	g_autofree char *protocol =
	    structure_parameter(structure, 0, "protocol");
	g_autoptr(GByteArray) text = NULL;
	guint first = 0;
	guint second = 0;

	if (!text_equal_fold(protocol, "application/pgp-encrypted") ||
	    !two_children(structure, &first, &second) ||
	    strcmp(structure_part(structure, first)->type,
		"application/pgp-encrypted") != 0 ||
	    strcmp(structure_part(structure, second)->type,
		"application/octet-stream") != 0) {
		return;
	}
	text = decode_start(finding, second);
	if (has_line(text, "-----BEGIN PGP MESSAGE-----")) {
		finding->layer = LAYER_PGP_ENCRYPTED;
	}
}

/* The first text/plain leaf that is not part of an attached message; the
 * count of parts when there is none. */
static guint
first_text(const Structure *structure)
{
	guint count = structure_count(structure);
	guint message = G_MAXUINT; /* depth of the attached message */

	for (guint i = 0; i < count; i++) {
		const Part *part = structure_part(structure, i);

		if (part->depth > message) {
			continue;
		}
		message = part->kind == PART_MESSAGE ? part->depth : G_MAXUINT;
		if (part->kind == PART_LEAF &&
		    strcmp(part->type, "text/plain") == 0) {
			return i;
		}
	}
	return count;
}

static void
find_inline(Finding *finding)
{
	guint i = first_text(finding->structure);
	g_autoptr(GByteArray) text = NULL;

	if (i == structure_count(finding->structure)) {
		return;
	}
	text = decode_start(finding, i);
	if (has_line(text, "-----BEGIN PGP MESSAGE-----") ||
	    has_line(text, "-----BEGIN PGP SIGNED MESSAGE-----")) {
		finding->layer = LAYER_PGP_INLINE;
	}
}

/* A name parameter, however it is encoded, has these letters; most mail has
 * none, and is spared reading its Content-Type again. */
static bool
has_name(const Fields *fields, const char *field)
{
	const char *value = NULL;

	for (guint n = 1; (value = fields_find(fields, field, n)) != NULL;
	     n++) {
		if (strcasestr(value, "name") != NULL) {
			return true;
		}
	}
	return false;
}

static bool
is_cms_leaf(const Fields *fields, const Structure *structure)
{
	const Part *root = structure_part(structure, 0);
	g_autofree char *type_name = NULL;
	g_autofree char *name = NULL;

	if (root->kind != PART_LEAF) {
		return false;
	}
	if (is_cms_type(root->type)) {
		return true;
	}
	if (!has_name(fields, "Content-Type") &&
	    !has_name(fields, "Content-Disposition")) {
		return false;
	}
	type_name = structure_parameter(structure, 0, "name");
	name = structure_name(structure, 0);
	return is_cms_name(type_name) || is_cms_name(name);
}

static bool
find(Finding *finding, GError **error)
{
	const Part *root = structure_part(finding->structure, 0);

	if (root->kind == PART_MULTIPART &&
	    strcmp(root->type, "multipart/signed") == 0) {
		return find_signed(finding, error);
	}
	if (root->kind == PART_MULTIPART &&
	    strcmp(root->type, "multipart/encrypted") == 0) {
		find_encrypted(finding);
		return true;
	}
	if (is_cms_leaf(finding->fields, finding->structure)) {
		finding->blob = structure_decode(
		    finding->structure, 0, finding->max, error);
		finding->layer = LAYER_SMIME_BLOB;
		return finding->blob != NULL;
	}
	find_inline(finding);
	return true;
}

bool
layers_find(const Fields *fields, const Structure *structure, GBytes *body,
    gsize max, Layer *layer_out, GBytes **blob_out, GBytes **content_out,
    GError **error)
{
	Finding finding = {
		.fields = fields,
		.structure = structure,
		.body = body,
		.max = max,
		.layer = LAYER_NONE,
	};

	if (!find(&finding, error)) {
		return false;
	}
	*layer_out = finding.layer;
	*blob_out = finding.blob;
	*content_out = finding.content;
	return true;
}
