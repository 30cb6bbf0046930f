/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Outgoing mail, step by step as DESIGN 3.3 has it: authorise the sender, look
 * what protection is there, find the identity, group the recipients, sign once
 * for each group; marks that only we may set go. Decisions are made on the
 * plans (one for each recipient); everything is computed before the outcome
 * says accept. An internal failure is a temporary refusal: nothing leaves
 * unsigned because something broke.
 */
#include "config.h"

#include "gateway/outbound.h"

#include "base/error.h"
#include "base/log.h"
#include "base/text.h"
#include "crypto/cms.h"
#include "crypto/sign.h"
#include "gateway/groups.h"
#include "mime/authres.h"
#include "mime/date.h"
#include "mime/entity.h"
#include "mime/layers.h"
#include "mime/structure.h"
#include "mime/wrap.h"
#include "policy/sender.h"

/* Thunderbird calls a signature invalid whose time is about an hour away from
 * the Date field (DESIGN 3.3.4). */
#define SIGNING_TIME_SLACK (50 * 60)

/* Blobs over this are not taken apart to see what kind of CMS they are. */
#define BLOB_MAX ((gsize)256 * 1024 * 1024)

struct Outbound {
	const Settings *settings;
	const Envelope *envelope;
	const Fields *fields;
	const AddressFrom *from;
	gint64 at;
	GPtrArray *plans; /* of Plan */
	GArray *requests; /* fields that asked for a signature, to be removed;
			     NULL when nobody listens to them */
	char *warning;    /* for the log once the mail is decided */
	Identity *signer;
	IdentityState signer_state;
	GError *signer_error;
};

static bool
wants_signature(const Outbound *outbound)
{
	for (guint i = 0; i < outbound->plans->len; i++) {
		if (((const Plan *)outbound->plans->pdata[i])->sign) {
			return true;
		}
	}
	return false;
}

/* Nobody gets a signature, and this is why. */
static void
give_up_signing(Outbound *outbound, const char *why)
{
	for (guint i = 0; i < outbound->plans->len; i++) {
		Plan *plan = outbound->plans->pdata[i];

		if (plan->sign) {
			plan->sign = false;
			g_free(plan->reason);
			plan->reason = g_strdup_printf("not signed: %s", why);
		}
	}
}

static void
authorise(Outbound *outbound)
{
	g_autofree char *why = NULL;

	if (direction_was_here(outbound->envelope, outbound->fields)) {
		why = g_strdup("it was here before: a Received field names "
			       "this host and the client has not logged in");
	} else if (sender_may_sign(outbound->settings, outbound->envelope,
		       outbound->from, &why)) {
		return;
	}
	give_up_signing(outbound, why);
	outbound->warning = g_steal_pointer(&why);
}

/* In the modes always and never nothing is asked for, and nothing removed. */
static bool
listens_to_requests(const Outbound *outbound)
{
	for (guint i = 0; i < outbound->plans->len; i++) {
		const Plan *plan = outbound->plans->pdata[i];

		if (plan->policy.mode == SIGN_REQUEST) {
			return true;
		}
	}
	return false;
}

static void
find_signer(Outbound *outbound, Identities *identities)
{
	identities_signer(identities, outbound->from->address, outbound->at,
	    &outbound->signer_state, &outbound->signer,
	    &outbound->signer_error);
}

Outbound *
outbound_new(const Settings *settings, Identities *identities,
    const Envelope *envelope, const Fields *fields, const AddressFrom *from,
    gint64 at)
{
	Outbound *outbound = g_new0(Outbound, 1);

	outbound->settings = settings;
	outbound->envelope = envelope;
	outbound->fields = fields;
	outbound->from = from;
	outbound->at = at;
	outbound->plans = plan_make(settings, envelope, from, fields);
	if (listens_to_requests(outbound)) {
		outbound->requests = plan_request_fields(settings, fields);
	}
	if (wants_signature(outbound)) {
		authorise(outbound);
	}
	if (wants_signature(outbound)) {
		find_signer(outbound, identities);
	}
	return outbound;
}

void
outbound_free(Outbound *outbound)
{
	if (outbound == NULL) {
		return;
	}
	g_ptr_array_unref(outbound->plans);
	g_clear_pointer(&outbound->requests, g_array_unref);
	g_free(outbound->warning);
	keyring_unref(outbound->signer);
	g_clear_error(&outbound->signer_error);
	g_free(outbound);
}

/* The strictest answer of the plans that want a signature. */
static MissingKey
missing_key(const Outbound *outbound)
{
	MissingKey worst = MISSING_PASS;

	for (guint i = 0; i < outbound->plans->len; i++) {
		const Plan *plan = outbound->plans->pdata[i];

		if (!plan->sign) {
			continue;
		}
		if (plan->policy.missing_key == MISSING_REJECT) {
			return MISSING_REJECT;
		}
		if (plan->policy.missing_key == MISSING_TEMPFAIL) {
			worst = MISSING_TEMPFAIL;
		}
	}
	return worst;
}

bool
outbound_needs_body(const Outbound *outbound)
{
	if (!wants_signature(outbound)) {
		return false;
	}
	/* A mail that is protected already needs no identity, and only the
	 * body tells. */
	return outbound->signer != NULL || outbound->signer_error != NULL ||
	    missing_key(outbound) != MISSING_PASS;
}

static const char *
layer_name(Layer layer, GBytes *blob)
{
	CmsKind kind = CMS_KIND_NONE;

	switch (layer) {
	case LAYER_NONE:
		return NULL;
	case LAYER_PGP_SIGNED:
		return "PGP/MIME signed";
	case LAYER_PGP_ENCRYPTED:
		return "PGP/MIME encrypted";
	case LAYER_PGP_INLINE:
		return "inline PGP";
	case LAYER_SMIME_BLOB:
	case LAYER_SMIME_SIGNED:
		break;
	}
	kind = cms_kind(blob);
	return kind == CMS_KIND_NONE || kind == CMS_KIND_OTHER
	    ? NULL
	    : cms_kind_name(kind);
}

/* true: *name_out tells what protects the mail already, NULL if nothing. */
static bool
find_protection(const Outbound *outbound, const Structure *structure,
    GBytes *body, const char **name_out, GError **error)
{
	g_autoptr(GBytes) blob = NULL;
	g_autoptr(GBytes) content = NULL;
	Layer layer = LAYER_NONE;

	if (!layers_find(outbound->fields, structure, body, BLOB_MAX, &layer,
		&blob, &content, error)) {
		return false;
	}
	*name_out = layer_name(layer, blob);
	return true;
}

static char *
missing_text(const Outbound *outbound)
{
	const char *address = outbound->from->address;

	switch (outbound->signer_state) {
	case IDENTITY_EXPIRED:
		return g_strdup_printf(
		    "the certificate of %s has expired; import a new one "
		    "with smimectl key import",
		    address);
	case IDENTITY_NOT_YET_VALID:
		return g_strdup_printf(
		    "the certificate of %s is not valid yet; check the clock "
		    "or wait",
		    address);
	case IDENTITY_UNFIT:
		return g_strdup_printf(
		    "no certificate of %s may be used for signing; see "
		    "smimectl key list",
		    address);
	case IDENTITY_MISSING:
	case IDENTITY_FOUND:
		break;
	}
	return g_strdup_printf("no certificate for %s; import one with "
			       "smimectl key import",
	    address);
}

/* false: the mail is refused for want of an identity. */
static bool
require_signer(Outbound *outbound, Outcome *outcome)
{
	g_autofree char *text = NULL;

	if (outbound->signer != NULL) {
		return true;
	}
	if (outbound->signer_error != NULL) {
		log_err("mail of %s deferred: %s", outbound->from->address,
		    outbound->signer_error->message);
		outcome_refuse(outcome, VERDICT_TEMPFAIL, "451", "4.7.5",
		    "cannot use the signing key of %s now",
		    outbound->from->address);
		return false;
	}
	text = missing_text(outbound);
	switch (missing_key(outbound)) {
	case MISSING_REJECT:
		log_warn("mail refused (sign.missing_key = reject): %s", text);
		outcome_refuse(outcome, VERDICT_REJECT, "554", "5.7.5",
		    "this mail must be signed, but there is no usable "
		    "certificate for %s",
		    outbound->from->address);
		return false;
	case MISSING_TEMPFAIL:
		log_warn(
		    "mail deferred (sign.missing_key = tempfail): %s", text);
		outcome_refuse(outcome, VERDICT_TEMPFAIL, "451", "4.7.5",
		    "this mail must be signed, but there is no usable "
		    "certificate for %s yet",
		    outbound->from->address);
		return false;
	case MISSING_PASS:
		break;
	}
	if (outbound->signer_state != IDENTITY_MISSING) {
		outbound->warning = g_strdup(text);
	}
	give_up_signing(outbound, text);
	return true;
}

static void
refuse_internal(Outcome *outcome, const char *what, const GError *error)
{
	log_err("%s: %s", what, error->message);
	outcome_refuse(outcome, VERDICT_TEMPFAIL, "451", "4.7.0",
	    "the mail cannot be signed at the moment");
}

/*
 * Looks into the body: too many parts, protected already, no identity. false:
 * outcome is a refusal. *structure_out is set when a signature is to be made.
 */
static bool
look_at_body(Outbound *outbound, GBytes *body, Structure **structure_out,
    Outcome *outcome)
{
	const Settings *settings = outbound->settings;
	g_autoptr(Structure) structure = NULL;
	g_autoptr(GError) error = NULL;
	g_autofree char *why = NULL;
	const char *protection = NULL;

	structure = structure_scan(outbound->fields, body,
	    (guint)settings->limits.parts, (guint)settings->limits.depth,
	    &error);
	if (structure == NULL) {
		log_warn("mail refused: %s (limits.parts, limits.depth)",
		    error->message);
		outcome_refuse(outcome, VERDICT_REJECT, "554", "5.6.0",
		    "the mail has too many parts or they are nested too "
		    "deeply");
		return false;
	}
	if (!find_protection(outbound, structure, body, &protection, &error)) {
		refuse_internal(
		    outcome, "looking for earlier protection", error);
		return false;
	}
	if (protection != NULL) {
		why = g_strdup_printf("already protected (%s)", protection);
		give_up_signing(outbound, why);
		return true;
	}
	*structure_out = g_steal_pointer(&structure);
	return require_signer(outbound, outcome);
}

static SignOptions
sign_options(const Outbound *outbound, const Plan *plan, const Entity *entity)
{
	gint64 date = outbound->at;

	date_of(outbound->fields, &date);
	return (SignOptions){
		.opaque = plan->policy.opaque || !entity->safe,
		.digest = sign_digest(outbound->signer, plan->policy.digest),
		.padding = plan->policy.padding,
		.signing_time = ABS(date - outbound->at) > SIGNING_TIME_SLACK
		    ? 0
		    : outbound->at,
	};
}

static bool
sign_copy(const Outbound *outbound, const Plan *plan, const Entity *entity,
    Copy *copy, GError **error)
{
	const char *directory = outbound->settings->spool_dir;
	SignOptions options = sign_options(outbound, plan, entity);
	g_autoptr(Rope) cms = NULL;
	g_autoptr(GBytes) signature = NULL;

	cms = sign_content(outbound->signer, entity->content, &options, error);
	if (cms == NULL) {
		g_prefix_error(
		    error, "signing for %s: ", outbound->from->address);
		return false;
	}
	if (options.opaque) {
		copy->body = wrap_cms(cms, "signed-data", directory,
		    outbound->fields, copy->edits, error);
	} else {
		signature = rope_to_bytes(cms);
		copy->body = wrap_detached(entity->content, signature,
		    sign_micalg(options.digest), outbound->fields, copy->edits);
	}
	copy->signed_here = copy->body != NULL;
	return copy->signed_here;
}

/* The fields that asked for a signature go; where the mail was wrapped, its
 * Content-* fields are already dealt with. */
static void
remove_requests(const Outbound *outbound, Copy *copy)
{
	g_autofree guint *occurrences = NULL;

	if (outbound->requests == NULL || outbound->requests->len == 0) {
		return;
	}
	occurrences = fields_occurrences(outbound->fields);
	for (guint i = 0; i < outbound->requests->len; i++) {
		guint position = g_array_index(outbound->requests, guint, i);
		const char *name = fields_name(outbound->fields, position);

		if (copy->signed_here &&
		    g_ascii_strncasecmp(name, "Content-", 8) == 0) {
			continue;
		}
		edits_delete(copy->edits, name, occurrences[position]);
	}
}

/* No copy that is injected again tells who was copied blindly. */
static void
remove_blind_copies(const Fields *fields, Edits *edits)
{
	static const char *const names[] = { "Bcc", "Resent-Bcc" };

	for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
		for (guint n = fields_count_of(fields, names[i]); n > 0; n--) {
			edits_delete(edits, names[i], n);
		}
	}
}

static bool
fits(const Outbound *outbound, const Copy *copy, gsize body_length)
{
	gint64 limit = outbound->settings->limits.message;
	gsize body = copy->body != NULL ? rope_length(copy->body) : body_length;
	gsize header = fields_size(outbound->fields);
	g_autoptr(Fields) result = NULL;

	if (limit == 0) {
		return true;
	}
	/* A wrapped header grows by less than this; near the limit count. */
	if (header + body + 4096 > (gsize)limit) {
		result = edits_apply(copy->edits, outbound->fields);
		header = fields_size(result);
	}
	return header + 2 + body <= (gsize)limit;
}

/* What was asked for could not be had: explain and the log say so. */
static void
explain_opaque(const GPtrArray *group)
{
	for (guint i = 0; i < group->len; i++) {
		Plan *plan = group->pdata[i];
		g_autofree char *before = plan->reason;

		plan->reason = g_strdup_printf("%s; opaque, since something in "
					       "it would not survive beside a "
					       "detached signature",
		    before);
	}
}

/* false: outcome is a refusal. */
static bool
make_copy(Outbound *outbound, const GPtrArray *group, const Entity *entity,
    gsize body_length, Outcome *outcome)
{
	const Plan *first = group->pdata[0];
	Copy *copy = outcome_add_copy(outcome);
	g_autoptr(GError) error = NULL;

	for (guint i = 0; i < group->len; i++) {
		const Plan *plan = group->pdata[i];

		g_ptr_array_add(copy->recipients, (gpointer)plan->recipient);
	}
	if (first->sign && !sign_copy(outbound, first, entity, copy, &error)) {
		refuse_internal(outcome, "mail deferred", error);
		return false;
	}
	if (first->sign && !entity->safe && !first->policy.opaque) {
		explain_opaque(group);
	}
	authres_strip(outbound->fields, outbound->settings->authserv_id,
	    outbound->settings->verify.strip, copy->edits);
	remove_requests(outbound, copy);
	if (outcome->copies->len > 1) {
		remove_blind_copies(outbound->fields, copy->edits);
	}
	if (!fits(outbound, copy, body_length)) {
		log_warn("mail refused: signed it is over limits.message = "
			 "%" G_GINT64_FORMAT,
		    outbound->settings->limits.message);
		outcome_refuse(outcome, VERDICT_REJECT, "552", "5.3.4",
		    "the mail is too big once it is signed");
		return false;
	}
	return true;
}

static bool
make_copies(Outbound *outbound, const GPtrArray *groups,
    const Structure *structure, GBytes *body, Outcome *outcome)
{
	gsize length = body != NULL ? g_bytes_get_size(body) : 0;
	g_autoptr(Entity) entity = NULL;
	g_autoptr(GError) error = NULL;

	if (structure != NULL && wants_signature(outbound)) {
		entity = entity_make(outbound->fields, structure, body,
		    outbound->settings->spool_dir, &error);
		if (entity == NULL) {
			refuse_internal(outcome, "mail deferred", error);
			return false;
		}
	}
	for (guint i = 0; i < groups->len; i++) {
		if (!make_copy(
			outbound, groups->pdata[i], entity, length, outcome)) {
			return false;
		}
	}
	return true;
}

static bool
within_copies(
    const Outbound *outbound, const GPtrArray *groups, Outcome *outcome)
{
	if (groups->len <= (guint)outbound->settings->limits.copies) {
		return true;
	}
	log_warn("mail refused: it would need %u copies, limits.copies = %d",
	    groups->len, outbound->settings->limits.copies);
	outcome_refuse(outcome, VERDICT_REJECT, "550", "5.7.3",
	    "the mail would need %u different copies, more than "
	    "limits.copies allows; send it to fewer recipients at a time",
	    groups->len);
	return false;
}

static void
report_plan(
    const Outbound *outbound, const Plan *plan, guint group, Outcome *outcome)
{
	PlanReport *report = g_new0(PlanReport, 1);

	report->recipient = g_strdup(plan->recipient->address);
	report->rule = g_strdup(plan->rule != NULL ? plan->rule->name : NULL);
	report->sign = plan->sign && group > 0;
	if (plan->sign && outbound->signer != NULL) {
		report->signer =
		    g_strdup(cert_fingerprint(keyring_cert(outbound->signer)));
	}
	report->group = group;
	/* What was planned is not why nothing came of it. */
	report->reason = outcome->reply != NULL
	    ? g_strdup_printf("%s; refused: %s", plan->reason, outcome->reply)
	    : g_strdup(plan->reason);
	g_ptr_array_add(outcome->plans, report);
}

/* One report for each recipient, in the envelope's order. */
static void
report(const Outbound *outbound, const GPtrArray *groups, Outcome *outcome)
{
	g_autoptr(GHashTable) numbers = g_hash_table_new(NULL, NULL);

	for (guint i = 0; groups != NULL && i < groups->len; i++) {
		const GPtrArray *group = groups->pdata[i];

		for (guint j = 0; j < group->len; j++) {
			g_hash_table_insert(
			    numbers, group->pdata[j], GUINT_TO_POINTER(i + 1));
		}
	}
	for (guint i = 0; i < outbound->plans->len; i++) {
		const Plan *plan = outbound->plans->pdata[i];

		report_plan(outbound, plan,
		    GPOINTER_TO_UINT(g_hash_table_lookup(numbers, plan)),
		    outcome);
	}
}

void
outbound_finish(Outbound *outbound, GBytes *body, Outcome *outcome)
{
	g_autoptr(Structure) structure = NULL;
	g_autoptr(GPtrArray) groups = NULL;

	if (wants_signature(outbound) && body != NULL) {
		if (!look_at_body(outbound, body, &structure, outcome)) {
			report(outbound, NULL, outcome);
			return;
		}
	} else if (wants_signature(outbound)) {
		require_signer(outbound, outcome);
	}
	groups = groups_make(outbound->plans, outbound->fields);
	if (!within_copies(outbound, groups, outcome) ||
	    !make_copies(outbound, groups, structure, body, outcome)) {
		report(outbound, NULL, outcome);
		return;
	}
	if (outbound->warning != NULL) {
		log_warn("mail from %s leaves unsigned: %s",
		    outbound->from->address != NULL ? outbound->from->address
						    : "an unclear From",
		    outbound->warning);
	}
	report(outbound, groups, outcome);
}
