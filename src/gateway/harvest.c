/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may bring a certificate into the directory: the conditions of DESIGN 4
 * that need not know what is stored; the directory has the rest. One doubtful
 * signature in a mail spoils the harvest of all: an honest mail has none.
 */
#include "config.h"

#include "gateway/harvest.h"

#include <string.h>

#include "base/log.h"
#include "base/text.h"

/* Of a fingerprint, in the log. */
#define DIGITS 16

/* In the note for the administrator. */
#define SHOWN 200

typedef struct {
	const Settings *settings;
	Directory *directory;
	TrustView *view;
	const Envelope *envelope;
	const Fields *fields;
	const char *address; /* the From mailbox */
	const Peel *peel;
	gint64 at;
	GPtrArray *harvested;
} Harvest;

/* Signed by who it says, or with nothing in the way but an unknown issuer. */
static bool
is_sound(const VerifySignature *signature)
{
	return signature->own == VERIFY_PASS || signature->untrusted_only;
}

static bool
all_sound(const Peel *peel)
{
	for (guint i = 0; i < peel->signatures->len; i++) {
		const PeelSignature *signature = peel->signatures->pdata[i];

		if (!is_sound(signature->signature)) {
			return false;
		}
	}
	return peel->signatures->len > 0;
}

static bool
within_size(const Peel *peel)
{
	gsize size = 0;

	for (guint i = 0; i < peel->certs->len; i++) {
		g_autoptr(GBytes) der = cert_der(peel->certs->pdata[i]);

		size += g_bytes_get_size(der);
	}
	return size <= HARVEST_BYTES;
}

static void
report_refusal(const Harvest *harvest, const Cert *cert, const char *why)
{
	log_notice("the certificate %.*s of %s was not harvested: %s", DIGITS,
	    cert_fingerprint(cert), harvest->address, why);
}

static bool
is_valid_now(const Cert *cert, gint64 at)
{
	return cert_not_before(cert) <= at && at <= cert_not_after(cert);
}

/* NULL: nothing; else why this certificate must not be used for encryption to
 * the address, apart from its chain. */
static const char *
find_flaw(const Harvest *harvest, const VerifySignature *signature)
{
	const Cert *cert = signature->encryption;
	const char *reason = NULL;

	if (!cert_fit_for_encryption(cert, &reason)) {
		return reason;
	}
	if (!cert_has_address(cert, harvest->address, true)) {
		return "it is for another address";
	}
	if (!is_valid_now(cert, harvest->at)) {
		return "it is not valid now";
	}
	if (signature->signing_time > harvest->at + HARVEST_AHEAD) {
		return "its signing time is in the future";
	}
	return NULL;
}

static bool
is_same(const Cert *a, const Cert *b)
{
	return g_str_equal(cert_fingerprint(a), cert_fingerprint(b));
}

/* What is known of the issuers of the certificate to encrypt to: *trust_out is
 * borrowed from signature, or asked for in *asked_out. */
static const TrustVerdict *
judge(const Harvest *harvest, const VerifySignature *signature,
    TrustVerdict *asked_out)
{
	if (signature->signer != NULL &&
	    is_same(signature->signer, signature->encryption)) {
		return &signature->trust;
	}
	trust_judge(harvest->view, signature->encryption, harvest->peel->certs,
	    NULL, harvest->at, asked_out);
	return asked_out;
}

/* NULL: nothing. CHAIN_UNTRUSTED is for the administrator to decide. */
static const char *
find_trust_flaw(const Harvest *harvest, const TrustVerdict *trust)
{
	if (trust->chain == CHAIN_UNTRUSTED) {
		return NULL;
	}
	if (trust->chain != CHAIN_OK) {
		return trust->chain_reason;
	}
	if (trust->revocation.status == REVOCATION_REVOKED) {
		return "it is revoked";
	}
	if (trust->revocation.status == REVOCATION_UNKNOWN &&
	    harvest->settings->revocation.mode == REVOCATION_HARD) {
		return "its revocation status is unknown (revocation.mode = "
		       "hard)";
	}
	return NULL;
}

/* ---- what the administrator is told ---- */

static void
append_foreign(GString *line, const char *label, const char *text)
{
	g_autofree char *clean = NULL;

	if (text != NULL && text[0] != '\0') {
		clean = text_clean(text, SHOWN);
		g_string_append_printf(
		    line, "%s%s%s", line->len > 0 ? ", " : "", label, clean);
	}
}

/* Which mail it was. Yours. */
static char *
describe_mail(const Harvest *harvest)
{
	static const struct {
		const char *field;
		const char *label;
	} shown[] = {
		{ "Message-ID", "Message-ID " },
		{ "Date", "Date " },
		{ "Subject", "Subject " },
	};
	GString *line = g_string_new(NULL);

	for (gsize i = 0; i < G_N_ELEMENTS(shown); i++) {
		const char *value =
		    fields_find(harvest->fields, shown[i].field, 1);
		g_autofree char *text =
		    value != NULL ? fields_decode(value) : NULL;

		append_foreign(line, shown[i].label, text);
	}
	append_foreign(line, "queue id ", harvest->envelope->qid);
	return g_string_free(line, FALSE);
}

/* Why it has to wait; NULL: it need not. Yours. */
static char *
why_pending(const Harvest *harvest, const VerifySignature *signature,
    const TrustVerdict *trust)
{
	g_autofree char *issuer = NULL;

	if (trust->chain == CHAIN_UNTRUSTED || signature->untrusted_only) {
		issuer = text_clean(cert_issuer(signature->encryption), SHOWN);
		return g_strdup_printf("its issuer is not trusted: %s", issuer);
	}
	return harvest->settings->harvest.mode == HARVEST_PENDING_FIRST
	    ? g_strdup("harvest.mode is pending")
	    : NULL;
}

/* Fingerprints of the other certificates that the address has. Yours. */
static char *
others_of(const Harvest *harvest, const Cert *cert)
{
	g_autoptr(GPtrArray) entries =
	    directory_find(harvest->directory, harvest->address, NULL);
	GString *list = g_string_new(NULL);

	for (guint i = 0; entries != NULL && i < entries->len; i++) {
		const DirectoryEntry *entry = entries->pdata[i];

		if (entry->state == ENTRY_USED && !is_same(entry->cert, cert)) {
			g_string_append_printf(list, "%s%.*s",
			    list->len > 0 ? "," : "", DIGITS,
			    cert_fingerprint(entry->cert));
		}
	}
	return g_string_free(list, FALSE);
}

static void
report_beside(const Harvest *harvest, const DirectoryOffer *offer)
{
	g_autofree char *others = others_of(harvest, offer->cert);
	bool alone = others[0] == '\0';

	log_warn("%s has a new certificate %.*s %s%s: if that was not "
		 "expected, ask the owner, and smimectl cert block %.*s",
	    offer->address, DIGITS, cert_fingerprint(offer->cert),
	    alone ? "in place of another" : "beside ", others, DIGITS,
	    cert_fingerprint(offer->cert));
}

static void
report_result(
    const Harvest *harvest, const DirectoryOffer *offer, HarvestResult result)
{
	const char *fingerprint = cert_fingerprint(offer->cert);

	switch (result) {
	case HARVEST_STORED:
		log_notice("the certificate %.*s of %s was harvested", DIGITS,
		    fingerprint, offer->address);
		break;
	case HARVEST_BESIDE:
		report_beside(harvest, offer);
		break;
	case HARVEST_PENDING:
		log_notice("a certificate of %s waits: %s; to use it: smimectl "
			   "cert approve %.*s",
		    offer->address, offer->why, DIGITS, fingerprint);
		break;
	case HARVEST_PINNED:
		log_notice("the certificate %.*s of %s is not used: another is "
			   "pinned; smimectl cert approve %.*s, or cert block",
		    DIGITS, fingerprint, offer->address, DIGITS, fingerprint);
		break;
	case HARVEST_FULL:
		log_warn("the certificate %.*s of %s has no room: see "
			 "harvest.max_per_address, harvest.max_pending and "
			 "smimectl cert pending",
		    DIGITS, fingerprint, offer->address);
		break;
	case HARVEST_OLDER:
	case HARVEST_BLOCKED:
		log_debug("the certificate %.*s of %s was not harvested: %s",
		    DIGITS, fingerprint, offer->address,
		    result == HARVEST_OLDER ? "what is stored is newer"
					    : "it is blocked");
		break;
	case HARVEST_REFRESHED:
	case HARVEST_KNOWN:
		break;
	}
}

static void
hand_in(const Harvest *harvest, const DirectoryOffer *offer)
{
	const DirectoryLimits limits = {
		.max_per_address =
		    (guint)harvest->settings->harvest.max_per_address,
		.max_pending = (guint)harvest->settings->harvest.max_pending,
	};
	g_autoptr(GError) error = NULL;
	g_autofree char *replaced = NULL;
	HarvestResult result = HARVEST_KNOWN;

	if (!directory_harvest(harvest->directory, offer, &limits, &result,
		&replaced, &error)) {
		log_warn("a certificate of %s could not be stored: %s",
		    offer->address, error->message);
		return;
	}
	report_result(harvest, offer, result);
	if (replaced != NULL) {
		log_notice("the certificate %.*s of %s had to go: "
			   "harvest.max_per_address = %u",
		    DIGITS, replaced, offer->address, limits.max_per_address);
	}
	if (result == HARVEST_STORED || result == HARVEST_BESIDE ||
	    result == HARVEST_REFRESHED) {
		g_ptr_array_add(harvest->harvested,
		    g_strdup(cert_fingerprint(offer->cert)));
	}
}

/* Then the directory makes the administrator decide. */
static bool
is_pinned(const Harvest *harvest)
{
	g_autoptr(GPtrArray) entries =
	    directory_find(harvest->directory, harvest->address, NULL);

	for (guint i = 0; entries != NULL && i < entries->len; i++) {
		const DirectoryEntry *entry = entries->pdata[i];

		if (entry->pinned) {
			return true;
		}
	}
	return false;
}

static void
offer(const Harvest *harvest, const VerifySignature *signature,
    const TrustVerdict *trust)
{
	g_autofree char *why = why_pending(harvest, signature, trust);
	bool waits = why != NULL || is_pinned(harvest);
	g_autofree char *mail = waits ? describe_mail(harvest) : NULL;
	const DirectoryOffer offered = {
		.address = harvest->address,
		.cert = signature->encryption,
		.signing_time = signature->signing_time,
		.capabilities = signature->capabilities,
		.vouched = !signature->untrusted_only ||
		    is_same(signature->signer, signature->encryption),
		.pending = why != NULL,
		.why = why,
		.mail = mail,
		.chain = waits ? harvest->peel->certs : NULL,
	};

	hand_in(harvest, &offered);
}

/* Where one is untrusted the mail has not passed, and a good one beside it is
 * no reason to use anything. */
static bool
is_wanted(const Harvest *harvest, const VerifySignature *signature)
{
	return signature->encryption != NULL &&
	    (signature->untrusted_only || peel_passed(harvest->peel));
}

static void
harvest_signature(const Harvest *harvest, const VerifySignature *signature)
{
	TrustVerdict asked = { 0 };
	const TrustVerdict *trust = NULL;
	const char *flaw = NULL;

	if (!is_wanted(harvest, signature)) {
		return;
	}
	flaw = find_flaw(harvest, signature);
	if (flaw == NULL) {
		trust = judge(harvest, signature, &asked);
		flaw = find_trust_flaw(harvest, trust);
	}
	if (flaw != NULL) {
		report_refusal(harvest, signature->encryption, flaw);
	} else {
		offer(harvest, signature, trust);
	}
	verify_trust_clear(&asked);
}

/* ---- intermediates ---- */

static bool
came_with(const Peel *peel, const Cert *cert)
{
	for (guint i = 0; i < peel->certs->len; i++) {
		if (is_same(peel->certs->pdata[i], cert)) {
			return true;
		}
	}
	return false;
}

static void
collect_path(const Peel *peel, const GPtrArray *path, GPtrArray *collected)
{
	for (guint i = 1; path != NULL && i < path->len; i++) {
		Cert *cert = path->pdata[i];

		if (collected->len < HARVEST_INTERMEDIATES &&
		    cert_is_ca(cert) && !cert_is_self_signed(cert) &&
		    came_with(peel, cert)) {
			g_ptr_array_add(collected, cert);
		}
	}
}

/* CA certificates that a path was verified through help to build the next. */
static void
keep_intermediates(TrustView *view, const Peel *peel)
{
	g_autoptr(GPtrArray) collected = g_ptr_array_new();
	g_autoptr(GError) error = NULL;

	for (guint i = 0; i < peel->signatures->len; i++) {
		const PeelSignature *signature = peel->signatures->pdata[i];

		collect_path(peel, signature->signature->trust.path, collected);
	}
	if (collected->len > 0 &&
	    !intermediates_add(
		trust_intermediates(view->trust), collected, NULL, &error)) {
		log_warn("intermediate certificates could not be stored: %s",
		    error->message);
	}
}

void
harvest_mail(const Settings *settings, Directory *directory, TrustView *view,
    const Envelope *envelope, const Fields *fields, const AddressFrom *from,
    const Peel *peel, gint64 at, GPtrArray *harvested)
{
	const Harvest harvest = {
		.settings = settings,
		.directory = directory,
		.view = view,
		.envelope = envelope,
		.fields = fields,
		.address = from->address,
		.peel = peel,
		.at = at,
		.harvested = harvested,
	};

	if (settings->harvest.mode == HARVEST_OFF || from->address == NULL ||
	    !all_sound(peel)) {
		return;
	}
	if (!within_size(peel)) {
		log_notice("nothing of the mail of %s was harvested: its "
			   "certificates are more than 64 KiB",
		    from->address);
		return;
	}
	if (peel_passed(peel)) {
		keep_intermediates(view, peel);
	}
	if (settings_is_own(settings, from->address)) {
		return;
	}
	for (guint i = 0; i < peel->signatures->len; i++) {
		const PeelSignature *signature = peel->signatures->pdata[i];

		harvest_signature(&harvest, signature->signature);
	}
}
