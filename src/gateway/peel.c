/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the outside in: find the layer at the root of an entity, verify it over
 * the bytes as they lie there, go on with what it signed. It ends at the first
 * entity whose root is no signature. What cannot be judged (malformed, over a
 * limit) is a signature of its own with the reason, so that it spoils the
 * others: nothing passes that was only half understood. Nothing is decrypted or
 * decompressed here.
 */
#include "config.h"

#include "gateway/peel.h"

#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "crypto/cms.h"
#include "mime/layers.h"
#include "mime/structure.h"

/* Larger blobs are not taken apart. */
#define BLOB_MAX ((gsize)256 * 1024 * 1024)

/* The entity that is looked at. */
typedef struct {
	const PeelRules *rules;
	Peel *peel;
	const Fields *fields;
	GBytes *body;
	/* Where it stands (RFC 7281): base is the part of the opaque blob that
	 * it is in, with a slash, section its number in there; both "" at the
	 * root of the mail. */
	char *base;
	char *section;
	bool plain; /* something lies around the content that is no signature */
} Peeling;

static void
signature_free(PeelSignature *signature)
{
	verify_signature_free(signature->signature);
	g_free(signature->part);
	g_free(signature);
}

void
peel_free(Peel *peel)
{
	if (peel == NULL) {
		return;
	}
	g_ptr_array_unref(peel->signatures);
	g_ptr_array_unref(peel->certs);
	g_clear_pointer(&peel->content, message_free);
	g_free(peel->inside);
	g_free(peel);
}

/* Both transfer full. */
static void
add_signature(Peel *peel, VerifySignature *signature, char *part)
{
	PeelSignature *added = g_new0(PeelSignature, 1);

	added->signature = signature;
	added->part = part;
	g_ptr_array_add(peel->signatures, added);
}

/* The number of a part of the entity: "1" and "2" of a multipart, "1" of a
 * leaf itself at a root. */
static char *
part_number(const Peeling *peeling, const char *child)
{
	if (peeling->section[0] == '\0') {
		return g_strdup(child != NULL ? child : "1");
	}
	return child != NULL ? g_strconcat(peeling->section, ".", child, NULL)
			     : g_strdup(peeling->section);
}

/* The same from the root of the mail on. */
static char *
part_path(const Peeling *peeling, const char *child)
{
	g_autofree char *number = part_number(peeling, child);

	return g_strconcat(peeling->base, number, NULL);
}

/* A layer that claims to be a signature, and why it cannot be judged. */
static void
add_neutral(Peeling *peeling, const char *child, const char *reason)
{
	VerifySignature *signature = g_new0(VerifySignature, 1);

	signature->result = VERIFY_NEUTRAL;
	signature->own = VERIFY_NEUTRAL;
	signature->reason = g_strdup(reason);
	add_signature(peeling->peel, signature, part_path(peeling, child));
}

/* transfer none of verification, but for its signatures. */
static void
take_signatures(Peeling *peeling, Verification *verification, const char *child)
{
	GPtrArray *signatures = verification->signatures;

	g_ptr_array_set_free_func(signatures, NULL);
	for (guint i = 0; i < signatures->len; i++) {
		add_signature(peeling->peel, signatures->pdata[i],
		    part_path(peeling, child));
	}
	g_ptr_array_set_size(signatures, 0);
	for (guint i = 0; i < verification->certs->len; i++) {
		g_ptr_array_add(peeling->peel->certs,
		    cert_ref(verification->certs->pdata[i]));
	}
}

static void
set_section(Peeling *peeling, char *section)
{
	g_free(peeling->section);
	peeling->section = section;
}

static GBytes *
peel_detached(Peeling *peeling, GBytes *blob, GBytes *content)
{
	g_autoptr(Verification) verification =
	    verify_cms(blob, content, &peeling->rules->verify);

	take_signatures(peeling, verification, "2");
	peeling->peel->layers++;
	set_section(peeling, part_number(peeling, "1"));
	return g_bytes_ref(content);
}

static GBytes *
peel_opaque(Peeling *peeling, GBytes *blob)
{
	g_autoptr(Verification) verification =
	    verify_cms(blob, NULL, &peeling->rules->verify);
	g_autofree char *part = part_path(peeling, NULL);

	take_signatures(peeling, verification, NULL);
	peeling->peel->layers++;
	g_free(peeling->base);
	peeling->base = g_strconcat(part, "/", NULL);
	set_section(peeling, g_strdup(""));
	return verification->inner != NULL ? g_bytes_ref(verification->inner)
					   : NULL;
}

static void
set_inside(Peel *peel, const char *what)
{
	g_free(peel->inside);
	peel->inside = g_strdup(what);
}

/* The blob at the root of the entity; NULL: nothing to go on with. */
static GBytes *
peel_blob(Peeling *peeling, GBytes *blob)
{
	Peel *peel = peeling->peel;
	CmsKind kind = cms_kind(blob);

	switch (kind) {
	case CMS_KIND_SIGNED:
		return peel_opaque(peeling, blob);
	case CMS_KIND_NONE:
		add_neutral(peeling, NULL, "the CMS is malformed");
		return NULL;
	case CMS_KIND_ENVELOPED:
	case CMS_KIND_AUTH_ENVELOPED:
		peel->encrypted = true;
		break;
	case CMS_KIND_CERTS_ONLY:
		peel->certs_only = peel->layers == 0;
		break;
	case CMS_KIND_COMPRESSED:
	case CMS_KIND_OTHER:
		break;
	}
	peeling->plain = true;
	set_inside(peel, cms_kind_name(kind));
	return NULL;
}

/* A multipart/signed that is none we can verify: does it claim to be S/MIME?
 * Without a protocol it may. */
static bool
claims_smime(const Structure *structure)
{
	static const char smime[] = "pkcs7-signature";
	const Part *root = structure_part(structure, 0);
	g_autofree char *protocol = NULL;

	if (!g_str_equal(root->type, "multipart/signed")) {
		return false;
	}
	protocol = structure_parameter(structure, 0, "protocol");
	return protocol == NULL || strcasestr(protocol, smime) != NULL;
}

/* Why the signature that seems to stand at the root must not be verified
 * (STANDARDS 13, 15); NULL: nothing is in the way. */
static const char *
find_flaw(Layer layer, const Structure *structure)
{
	const Part *root = structure_part(structure, 0);
	bool pgp = layer == LAYER_PGP_SIGNED || layer == LAYER_PGP_ENCRYPTED;

	/* Which of the two a reader goes by is anybody's guess. */
	if (root->duplicate_type && !pgp) {
		return "two Content-Type or Content-Transfer-Encoding fields";
	}
	if (layer == LAYER_NONE && claims_smime(structure)) {
		return "a broken multipart/signed";
	}
	/* RFC 2046 5.1: without its end the signed part is not known. */
	return layer == LAYER_SMIME_SIGNED && !root->terminated
	    ? "the multipart/signed has no end"
	    : NULL;
}

static GBytes *
peel_layer(Peeling *peeling, const Structure *structure)
{
	g_autoptr(GBytes) blob = NULL;
	g_autoptr(GBytes) content = NULL;
	g_autoptr(GError) error = NULL;
	const char *flaw = NULL;
	Layer layer = LAYER_NONE;

	if (!layers_find(peeling->fields, structure, peeling->body, BLOB_MAX,
		&layer, &blob, &content, &error)) {
		add_neutral(peeling, NULL, error->message);
		return NULL;
	}
	flaw = find_flaw(layer, structure);
	if (flaw != NULL) {
		add_neutral(peeling,
		    structure_part(structure, 0)->kind == PART_MULTIPART ? "2"
									 : NULL,
		    flaw);
		return NULL;
	}
	switch (layer) {
	case LAYER_SMIME_SIGNED:
		return peel_detached(peeling, blob, content);
	case LAYER_SMIME_BLOB:
		return peel_blob(peeling, blob);
	case LAYER_PGP_ENCRYPTED:
		/* Not ours to open, but nobody's open letter either. */
		peeling->peel->encrypted = true;
		peeling->plain = true;
		break;
	case LAYER_NONE:
	case LAYER_PGP_SIGNED:
	case LAYER_PGP_INLINE:
		break;
	}
	return NULL;
}

/* What was signed. The media type is in the header: no body is needed. */
static void
describe(Peeling *peeling)
{
	g_autoptr(GBytes) nothing = g_bytes_new_static("", 0);
	g_autoptr(Structure) structure =
	    structure_scan(peeling->fields, nothing, 4, 4, NULL);

	if (structure != NULL) {
		set_inside(peeling->peel, structure_part(structure, 0)->type);
	}
}

/* What the layer at the root of the entity signed; NULL: there is none. */
static GBytes *
peel_entity(Peeling *peeling)
{
	const PeelRules *rules = peeling->rules;
	g_autoptr(Structure) structure = NULL;
	g_autoptr(GError) error = NULL;

	if (peeling->peel->layers > 0) {
		describe(peeling);
	}
	if (peeling->peel->layers >= PEEL_LAYERS ||
	    layers_header_is_plain(peeling->fields)) {
		return NULL;
	}
	structure = structure_scan(
	    peeling->fields, peeling->body, rules->parts, rules->depth, &error);
	if (structure == NULL) {
		add_neutral(peeling, NULL, error->message);
		return NULL;
	}
	return peel_layer(peeling, structure);
}

static void
spread_worst(const Peel *peel)
{
	g_autoptr(GPtrArray) bare = g_ptr_array_new();

	for (guint i = 0; i < peel->signatures->len; i++) {
		const PeelSignature *signature = peel->signatures->pdata[i];

		g_ptr_array_add(bare, signature->signature);
	}
	verify_spread_worst(bare);
}

Peel *
peel_message(const Fields *fields, GBytes *body, const PeelRules *rules)
{
	Peel *peel = g_new0(Peel, 1);
	Peeling peeling = { .rules = rules,
		.peel = peel,
		.fields = fields,
		.body = body,
		.base = g_strdup(""),
		.section = g_strdup("") };
	g_autoptr(Message) entity = NULL;
	GBytes *next = NULL;

	peel->signatures =
	    g_ptr_array_new_with_free_func((GDestroyNotify)signature_free);
	peel->certs =
	    g_ptr_array_new_with_free_func((GDestroyNotify)cert_unref);
	while ((next = peel_entity(&peeling)) != NULL) {
		bool crlf = false;

		g_clear_pointer(&entity, message_free);
		entity = message_parse(next, &crlf);
		g_bytes_unref(next);
		peeling.fields = entity->fields;
		peeling.body = entity->body;
	}
	if (!peeling.plain) {
		peel->content = g_steal_pointer(&entity);
	}
	spread_worst(peel);
	g_free(peeling.base);
	g_free(peeling.section);
	return peel;
}

/* Where a signer may be found whose certificate is not in the mail. */
static GPtrArray *
known_certs(Directory *directory, const char *from)
{
	GPtrArray *certs =
	    g_ptr_array_new_with_free_func((GDestroyNotify)cert_unref);
	g_autoptr(GPtrArray) entries = NULL;
	g_autoptr(GError) error = NULL;

	if (from == NULL) {
		return certs;
	}
	entries = directory_find(directory, from, &error);
	if (entries == NULL) {
		log_warn("the certificates of %s cannot be read: %s", from,
		    error->message);
		return certs;
	}
	for (guint i = 0; i < entries->len; i++) {
		const DirectoryEntry *entry = entries->pdata[i];

		if (entry->state != ENTRY_BLOCKED) {
			g_ptr_array_add(certs, cert_ref(entry->cert));
		}
	}
	return certs;
}

Peel *
peel_by_settings(const Settings *settings, Directory *directory,
    TrustView *view, const Fields *fields, const char *from, GBytes *body,
    gint64 at)
{
	g_autoptr(GPtrArray) known = known_certs(directory, from);
	const PeelRules rules = {
		.parts = (guint)settings->limits.parts,
		.depth = (guint)settings->limits.depth,
		.verify = {
			.from = from,
			.at = at,
			.accept_weak = settings->verify.accept_weak,
			.hard = settings->revocation.mode == REVOCATION_HARD,
			.known = known,
			.trust = trust_judge,
			.data = view,
		},
	};

	return peel_message(fields, body, &rules);
}

bool
peel_passed(const Peel *peel)
{
	return peel->signatures->len > 0 && peel_result(peel) == VERIFY_PASS;
}

VerifyResult
peel_result(const Peel *peel)
{
	VerifyResult worst = VERIFY_PASS;

	if (peel->signatures->len == 0) {
		return VERIFY_NONE;
	}
	for (guint i = 0; i < peel->signatures->len; i++) {
		const PeelSignature *signature = peel->signatures->pdata[i];

		worst = MAX(worst, signature->signature->result);
	}
	return worst;
}
