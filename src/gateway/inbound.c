/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Incoming mail, step by step as DESIGN 3.4 has it: marks that only we may set
 * go, the layers at the root are verified, the result is one field at the top,
 * the certificate goes to the directory. There is one copy, for all
 * recipients. The body is never changed but by verify.strip_signature, so what
 * is signed stays byte for byte. What breaks here costs the mail nothing but a
 * temperror.
 */
#include "config.h"

#include "gateway/inbound.h"

#include "base/log.h"
#include "gateway/unwrap.h"
#include "mime/authres.h"
#include "mime/layers.h"
#include "mime/subject.h"

struct Inbound {
	const Settings *settings;
	const InboundStores *stores;
	const Envelope *envelope;
	const Fields *fields;
	const AddressFrom *from;
	gint64 at;
	bool signed_maybe; /* by the header */
};

Inbound *
inbound_new(const Settings *settings, const InboundStores *stores,
    const Envelope *envelope, const Fields *fields, const AddressFrom *from,
    gint64 at)
{
	Inbound *inbound = g_new0(Inbound, 1);

	inbound->settings = settings;
	inbound->stores = stores;
	inbound->envelope = envelope;
	inbound->fields = fields;
	inbound->from = from;
	inbound->at = at;
	inbound->signed_maybe =
	    settings->verify.enabled && !layers_header_is_plain(fields);
	return inbound;
}

void
inbound_free(Inbound *inbound)
{
	g_free(inbound);
}

bool
inbound_needs_body(const Inbound *inbound)
{
	return inbound->signed_maybe;
}

/* ---- the result in the header ---- */

static void
write_results(const Inbound *inbound, const GArray *results, Edits *edits)
{
	g_autofree char *value =
	    authres_write(inbound->settings->authserv_id, results);

	edits_top(edits, "Authentication-Results", value);
}

static void
write_one(const Inbound *inbound, VerifyResult result, const char *comment,
    Edits *edits)
{
	const AuthresResult single = { .result = verify_result_name(result),
		.comment = comment };
	g_autoptr(GArray) results =
	    g_array_new(FALSE, FALSE, sizeof(AuthresResult));

	g_array_append_val(results, single);
	write_results(inbound, results, edits);
}

/* What people should know beside the word. */
static const char *
comment_of(const VerifySignature *signature)
{
	return signature->reason != NULL ? signature->reason
					 : signature->remark;
}

static void
write_signatures(const Inbound *inbound, const Peel *peel, Edits *edits)
{
	g_autoptr(GArray) results =
	    g_array_new(FALSE, FALSE, sizeof(AuthresResult));

	for (guint i = 0; i < peel->signatures->len; i++) {
		const PeelSignature *one = peel->signatures->pdata[i];
		const VerifySignature *signature = one->signature;
		const Cert *signer = signature->signer;
		const AuthresResult result = {
			.result = verify_result_name(signature->result),
			.comment = comment_of(signature),
			.identifier = signature->address,
			.part = one->part,
			.serial = signer != NULL ? cert_serial(signer) : NULL,
			.issuer = signer != NULL ? cert_issuer(signer) : NULL,
		};

		g_array_append_val(results, result);
	}
	write_results(inbound, results, edits);
}

static void
write_verdict(const Inbound *inbound, const Peel *peel, Edits *edits)
{
	if (peel->signatures->len > 0) {
		write_signatures(inbound, peel, edits);
	} else if (peel->certs_only) {
		write_one(inbound, VERIFY_NONE, "certificates only", edits);
	} else if (inbound->settings->verify.add_none) {
		write_one(inbound, VERIFY_NONE, NULL, edits);
	}
}

/* Ours stands only where the signatures hold. */
static void
set_tag(const Inbound *inbound, bool passed, Edits *edits)
{
	const char *tag = inbound->settings->verify.subject_tag;

	if (tag[0] != '\0') {
		subject_tag(inbound->fields, tag, passed, edits);
	}
}

/* ---- verification ---- */

static bool
open_view(const Inbound *inbound, TrustView *view, GError **error)
{
	const Settings *settings = inbound->settings;

	if (!trust_view_init(
		view, inbound->stores->trust, settings->trust_system, error)) {
		return false;
	}
	view->check = settings->revocation.mode != REVOCATION_OFF;
	view->dry = !inbound->stores->harvest;
	if (view->check && !view->dry && settings->revocation.fetch &&
	    inbound->stores->fetch != NULL) {
		view->fetch = inbound->stores->fetch;
		view->fetch_data = inbound->stores->fetch_data;
		view->wait_until = g_get_monotonic_time() +
		    (gint64)settings->revocation.wait * G_USEC_PER_SEC;
	}
	return true;
}

static void
report(const Peel *peel, Outcome *outcome)
{
	for (guint i = 0; i < peel->signatures->len; i++) {
		const PeelSignature *one = peel->signatures->pdata[i];
		const VerifySignature *signature = one->signature;
		SignatureReport *entry = g_new0(SignatureReport, 1);

		entry->result = g_strdup(verify_result_name(signature->result));
		entry->reason = g_strdup(comment_of(signature));
		entry->address = g_strdup(signature->address);
		if (signature->signer != NULL) {
			entry->fingerprint =
			    g_strdup(cert_fingerprint(signature->signer));
		}
		entry->signing_time = signature->signing_time;
		g_ptr_array_add(outcome->signatures, entry);
	}
	outcome->verified = verify_result_name(peel_result(peel));
}

/* ---- what the settings may ask for ---- */

static const char *
first_failure(const Peel *peel)
{
	for (guint i = 0; i < peel->signatures->len; i++) {
		const PeelSignature *one = peel->signatures->pdata[i];

		if (one->signature->own == VERIFY_FAIL) {
			return one->signature->reason;
		}
	}
	return NULL;
}

/* Never where something was encrypted: the reply would tell of it. */
static bool
must_reject(const Inbound *inbound, const Peel *peel)
{
	return inbound->settings->verify.reject &&
	    peel_result(peel) == VERIFY_FAIL && !peel->encrypted;
}

static void
reject(const Inbound *inbound, const Peel *peel, Outcome *outcome)
{
	const char *why = first_failure(peel);

	log_warn("mail refused (verify.on_invalid = reject): from %s: %s",
	    inbound->from->address != NULL ? inbound->from->address
					   : "an unclear From",
	    why != NULL ? why : "not valid");
	outcome_refuse(outcome, VERDICT_REJECT, "550", "5.7.7",
	    "the S/MIME signature of this mail is not valid: %s",
	    why != NULL ? why : "see the log");
}

static void
strip_signature(const Inbound *inbound, const Peel *peel, Copy *copy)
{
	const Settings *settings = inbound->settings;
	const UnwrapLimits limits = {
		.parts = (guint)settings->limits.parts,
		.depth = (guint)settings->limits.depth,
		.directory = settings->spool_dir,
		.message = settings->limits.message,
	};
	g_autoptr(GError) error = NULL;

	if (!settings->verify.strip_signature || !peel_passed(peel) ||
	    peel->content == NULL || peel->encrypted) {
		return;
	}
	copy->body = unwrap(
	    inbound->fields, peel->content, &limits, copy->edits, &error);
	if (copy->body == NULL) {
		log_warn("the signature stays on the mail "
			 "(verify.strip_signature): %s",
		    error->message);
	}
}

static void
verify(const Inbound *inbound, GBytes *body, Copy *copy, Outcome *outcome)
{
	g_auto(TrustView) view = { 0 };
	g_autoptr(Peel) peel = NULL;
	g_autoptr(GError) error = NULL;

	if (!open_view(inbound, &view, &error)) {
		log_err("a mail cannot be verified: %s", error->message);
		outcome->verified = verify_result_name(VERIFY_TEMPERROR);
		write_one(inbound, VERIFY_TEMPERROR,
		    "cannot be verified at the moment", copy->edits);
		set_tag(inbound, false, copy->edits);
		return;
	}
	peel = peel_by_settings(inbound->settings, inbound->stores->directory,
	    &view, inbound->fields, inbound->from->address, body, inbound->at);
	report(peel, outcome);
	if (must_reject(inbound, peel)) {
		reject(inbound, peel, outcome);
		return;
	}
	write_verdict(inbound, peel, copy->edits);
	set_tag(inbound, peel_passed(peel), copy->edits);
	strip_signature(inbound, peel, copy);
	if (inbound->stores->harvest) {
		harvest_mail(inbound->settings, inbound->stores->directory,
		    &view, inbound->envelope, inbound->fields, inbound->from,
		    peel, inbound->at, outcome->harvested);
	}
}

void
inbound_finish(Inbound *inbound, GBytes *body, Outcome *outcome)
{
	const Settings *settings = inbound->settings;
	Copy *copy = outcome_add_copy(outcome);

	for (guint i = 0; i < inbound->envelope->recipients->len; i++) {
		g_ptr_array_add(copy->recipients,
		    (gpointer)envelope_recipient(inbound->envelope, i));
	}
	authres_strip(inbound->fields, settings->authserv_id,
	    settings->verify.strip, copy->edits);
	if (inbound->signed_maybe && body != NULL) {
		verify(inbound, body, copy, outcome);
		return;
	}
	set_tag(inbound, false, copy->edits);
	if (settings->verify.enabled) {
		outcome->verified = verify_result_name(VERIFY_NONE);
		if (settings->verify.add_none) {
			write_one(inbound, VERIFY_NONE, NULL, copy->edits);
		}
	}
}
