/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stores of STATE behind one door, and the two questions that smimectl has
 * for them: what are the signatures of a mail worth, and may this certificate
 * be encrypted to. Nothing is fetched: what the daemon has in its cache
 * decides.
 */
#include "config.h"

#include "ctl/stores.h"

#include "base/text.h"
#include "mime/address.h"

Stores *
stores_open(const Command *command, GError **error)
{
	g_autoptr(Stores) stores = g_new0(Stores, 1);
	const Settings *settings = command->settings;

	stores->settings = settings;
	stores->now = g_get_real_time() / G_USEC_PER_SEC;
	stores->directory = directory_new(settings->state_dir);
	stores->trust = trust_new(settings->state_dir);
	if (!trust_view_init(
		&stores->view, stores->trust, settings->trust_system, error)) {
		return NULL;
	}
	stores->view.check = settings->revocation.mode != REVOCATION_OFF;
	stores->view.dry = true;
	return g_steal_pointer(&stores);
}

void
stores_free(Stores *stores)
{
	if (stores == NULL) {
		return;
	}
	trust_view_clear(&stores->view);
	trust_free(stores->trust);
	directory_free(stores->directory);
	g_free(stores);
}

Peel *
stores_peel(Stores *stores, const Message *message, gint64 at)
{
	AddressFrom from = { 0 };
	Peel *peel;

	address_from(message->fields, &from);
	peel = peel_by_settings(stores->settings, stores->directory,
	    &stores->view, message->fields, from.address, message->body, at);
	address_from_clear(&from);
	return peel;
}

const char *
stores_chain_name(ChainResult chain)
{
	static const char *const names[] = {
		[CHAIN_OK] = "ok",
		[CHAIN_EXPIRED] = "expired",
		[CHAIN_UNTRUSTED] = "untrusted",
		[CHAIN_INVALID] = "invalid",
	};

	return names[chain];
}

char *
stores_chain_text(const TrustVerdict *trust)
{
	const char *name = stores_chain_name(trust->chain);

	if (trust->chain == CHAIN_OK && trust->path != NULL &&
	    trust->path->len > 0) {
		return g_strdup_printf("%s, up to %s", name,
		    cert_subject(trust->path->pdata[trust->path->len - 1]));
	}
	return trust->chain_reason != NULL
	    ? g_strdup_printf("%s: %s", name, trust->chain_reason)
	    : g_strdup(name);
}

char *
stores_revocation_text(const Revocation *revocation)
{
	g_autofree char *since =
	    revocation->since != 0 ? text_time(revocation->since) : NULL;

	return g_strdup_printf("%s%s%s%s%s",
	    revocation_name(revocation->status),
	    revocation->reason != NULL ? ", " : "",
	    revocation->reason != NULL ? revocation->reason : "",
	    since != NULL ? ", since " : "", since != NULL ? since : "");
}

/* Why the entry by itself cannot be used; NULL: nothing is in the way. */
static char *
find_flaw(const DirectoryEntry *entry, gint64 now)
{
	const Cert *cert = entry->cert;
	const char *reason = NULL;

	if (entry->state == ENTRY_BLOCKED) {
		return g_strdup("it is blocked");
	}
	if (entry->state == ENTRY_PENDING) {
		return g_strdup("it waits for cert approve");
	}
	if (now > cert_not_after(cert)) {
		return g_strdup("it has expired");
	}
	if (now < cert_not_before(cert)) {
		return g_strdup("it is not valid yet");
	}
	if (!cert_fit_for_encryption(cert, &reason)) {
		return g_strdup_printf(
		    "it is not fit for encryption: %s", reason);
	}
	return NULL;
}

/* The same for what its issuers say. Revoked is revoked, whoever vouched; the
 * administrator's word stands for an anchor. */
static char *
find_trust_flaw(const Stores *stores, const DirectoryEntry *entry,
    const TrustVerdict *trust)
{
	bool vouched = entry->pinned || entry->source != ENTRY_HARVESTED;

	if (trust->chain != CHAIN_OK) {
		return vouched ? NULL
			       : g_strdup_printf("its chain is not good: %s",
				     trust->chain_reason);
	}
	if (trust->revocation.status == REVOCATION_REVOKED) {
		return g_strdup(trust->revoked_issuer
			? "one of its issuers is revoked"
			: "it is revoked");
	}
	if (trust->revocation.status == REVOCATION_UNKNOWN &&
	    stores->settings->revocation.mode == REVOCATION_HARD) {
		return g_strdup_printf("whether it is revoked is not known: %s "
				       "(revocation.mode = hard)",
		    trust->revocation.reason);
	}
	return NULL;
}

void
stores_judge(Stores *stores, const DirectoryEntry *entry,
    const GPtrArray *others, Usability *usability_out)
{
	Usability usability = { 0 };

	trust_judge(&stores->view, entry->cert, others, NULL, stores->now,
	    &usability.trust);
	usability.reason = find_flaw(entry, stores->now);
	if (usability.reason == NULL) {
		usability.reason =
		    find_trust_flaw(stores, entry, &usability.trust);
	}
	*usability_out = usability;
}

void
stores_usability_clear(Usability *usability)
{
	verify_trust_clear(&usability->trust);
	g_clear_pointer(&usability->reason, g_free);
}
