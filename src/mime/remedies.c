/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decides what is done to each part of a body that is not safe as it is
 * (RFC 8551 3.1.3, RFC 2045 6.4 for the labels), before a byte is written:
 * half a remedy is none. The answer may be that nothing helps, then only an
 * opaque signature protects the mail. apply is in remedies-apply.c.
 */
#include "config.h"

#include "mime/remedies.h"

#include <string.h>

#include "mime/hazards.h"
#include "mime/headers.h"
#include "mime/transfer.h"

/* A header that has to be changed may be so long. */
#define HEADER_MAX ((gsize)64 * 1024)

typedef struct {
	const Structure *structure;
	const guint8 *data; /* never NULL */
	Remedies *remedies;
} Deciding;

static guint
hazards_in(const Deciding *deciding, gsize from, gsize to)
{
	return hazards_of(deciding->data + from, to - from);
}

static bool
is_signed_type(const Part *part)
{
	return strcmp(part->type, "multipart/signed") == 0;
}

static bool
is_textual(const Part *part)
{
	return g_str_has_prefix(part->type, "text/") ||
	    g_str_has_prefix(part->type, "message/");
}

/* RFC 2045 6.4 forbids to encode message/ types, and mail programs do not
 * decode them; RFC 6533 allows it for its own. */
static bool
must_stay(const Part *part)
{
	return g_str_has_prefix(part->type, "message/") &&
	    !g_str_has_prefix(part->type, "message/global-") &&
	    part->encoding <= ENCODING_BINARY;
}

static bool
is_labelled_8bit(const Part *part)
{
	return part->encoding == ENCODING_8BIT ||
	    part->encoding == ENCODING_BINARY;
}

/* What is decided for a leaf with these hazards. false: it cannot be done. */
static bool
decide_encoding(
    const Deciding *deciding, const Part *part, guint hazards, Remedy *remedy)
{
	const guint broken = HAZARD_NUL | HAZARD_BARE_CR | HAZARD_BARE_LF;

	switch (part->encoding) {
	case ENCODING_OTHER:
		return false;
	case ENCODING_QUOTED_PRINTABLE:
		remedy->work = WORK_REWRITE;
		return (hazards & broken) == 0 &&
		    transfer_is_sound(part->encoding,
			deciding->data + part->start, part->end - part->start);
	case ENCODING_BASE64:
		remedy->work = WORK_REWRITE;
		return transfer_is_sound(part->encoding,
		    deciding->data + part->start, part->end - part->start);
	case ENCODING_7BIT:
	case ENCODING_8BIT:
	case ENCODING_BINARY:
		break;
	}
	if (is_textual(part) && (hazards & broken) == 0) {
		remedy->work = WORK_ENCODE_QP;
		remedy->label = "quoted-printable";
	} else {
		remedy->work = WORK_ENCODE_BASE64;
		remedy->label = "base64";
	}
	return true;
}

static bool
decide_leaf(Deciding *deciding, const Part *part, Remedy *remedy)
{
	guint hazards = hazards_in(deciding, part->start, part->end);

	/* Without its delimiters nobody knows where its leaves are. */
	if (g_str_has_prefix(part->type, "multipart/")) {
		return false;
	}
	if (hazards == HAZARD_NONE && !is_labelled_8bit(part)) {
		return true;
	}
	if (remedy->locked || part->duplicate_type) {
		return false;
	}
	if (hazards == HAZARD_NONE) {
		remedy->label = "7bit";
		return true;
	}
	if (must_stay(part) ||
	    !decide_encoding(deciding, part, hazards, remedy)) {
		return false;
	}
	deciding->remedies->encoded++;
	return true;
}

static bool
is_childless(const Structure *structure, guint i)
{
	return i + 1 == structure_count(structure) ||
	    structure_part(structure, i + 1)->parent != i;
}

static bool
decide_multipart(Deciding *deciding, guint i, const Part *part, Remedy *remedy)
{
	/* All of a signed part at once; what lies deeper was looked at then.
	 * Without any part, some readers show the preamble. */
	bool whole = (is_signed_type(part) && !remedy->locked) ||
	    is_childless(deciding->structure, i);

	if (whole &&
	    (!part->terminated ||
		hazards_in(deciding, part->start, part->end) != HAZARD_NONE)) {
		return false;
	}
	if (!part->terminated || is_labelled_8bit(part)) {
		if (remedy->locked || part->duplicate_type) {
			return false;
		}
		deciding->remedies->closed += !part->terminated;
	}
	if (is_labelled_8bit(part)) {
		remedy->label = "7bit";
	}
	return true;
}

static bool
decide_message(const Part *part, Remedy *remedy)
{
	if (!is_labelled_8bit(part)) {
		return true;
	}
	remedy->label = "7bit";
	return !remedy->locked && !part->duplicate_type;
}

/* The header of a part but the root, once its label is known. */
static bool
decide_header(const Deciding *deciding, const Part *part, Remedy *remedy)
{
	const Part *parent = structure_part(deciding->structure, part->parent);
	gsize length = part->start - part->header;
	guint hazards = hazards_in(deciding, part->header, part->start);

	if (hazards == HAZARD_NONE && remedy->label == NULL) {
		return true;
	}
	if (remedy->locked || (hazards & ~(guint)HAZARD_BLANK) != 0 ||
	    length > HEADER_MAX) {
		return false;
	}
	remedy->header = headers_of_part(deciding->data + part->header, length,
	    remedy->label, parent->kind == PART_MESSAGE);
	return remedy->header != NULL &&
	    hazards_of((const guint8 *)remedy->header->str,
		remedy->header->len) == HAZARD_NONE;
}

static bool
decide_part(Deciding *deciding, guint i)
{
	const Part *part = structure_part(deciding->structure, i);
	const Part *parent = structure_part(deciding->structure, part->parent);
	Remedy *remedy = &deciding->remedies->parts[i];
	bool possible = false;

	remedy->locked = i > 0 &&
	    (deciding->remedies->parts[part->parent].locked ||
		is_signed_type(parent));
	switch (part->kind) {
	case PART_LEAF:
		possible = decide_leaf(deciding, part, remedy);
		break;
	case PART_MULTIPART:
		possible = decide_multipart(deciding, i, part, remedy);
		break;
	case PART_MESSAGE:
		possible = decide_message(part, remedy);
		break;
	}
	return possible && (i == 0 || decide_header(deciding, part, remedy));
}

bool
remedies_wanted(const Structure *structure)
{
	for (guint i = 0; i < structure_count(structure); i++) {
		const Part *part = structure_part(structure, i);

		if (is_labelled_8bit(part) ||
		    (part->kind == PART_MULTIPART && !part->terminated) ||
		    (part->kind == PART_LEAF &&
			g_str_has_prefix(part->type, "multipart/"))) {
			return true;
		}
	}
	return false;
}

Remedies *
remedies_new(const Structure *structure, GBytes *body)
{
	g_autoptr(Remedies) remedies = g_new0(Remedies, 1);
	Deciding deciding = {
		.structure = structure,
		.data = g_bytes_get_data(body, NULL),
		.remedies = remedies,
	};

	if (deciding.data == NULL) {
		deciding.data = (const guint8 *)"";
	}
	remedies->count = structure_count(structure);
	remedies->parts = g_new0(Remedy, remedies->count);
	for (guint i = 0; i < remedies->count; i++) {
		if (!decide_part(&deciding, i)) {
			return NULL;
		}
	}
	return g_steal_pointer(&remedies);
}

void
remedies_free(Remedies *remedies)
{
	if (remedies == NULL) {
		return;
	}
	for (guint i = 0; i < remedies->count; i++) {
		if (remedies->parts[i].header != NULL) {
			g_string_free(remedies->parts[i].header, TRUE);
		}
	}
	g_free(remedies->parts);
	g_free(remedies);
}
