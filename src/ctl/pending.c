/* SPDX-License-Identifier: Apache-2.0 */
/*
 * smimectl cert pending: the certificates that were found in mails and wait
 * for the administrator, with what there is to decide by: whose, from which
 * mail, why, who issued it, and what to type.
 */
#include "config.h"

#include <string.h>

#include "base/text.h"
#include "ctl/certreport.h"
#include "ctl/verbs.h"

/* The certificate of chain that issued cert by its name; NULL: not there. */
static const Cert *
find_issuer(const GPtrArray *chain, const Cert *cert)
{
	for (guint i = 0; i < chain->len; i++) {
		const Cert *one = chain->pdata[i];

		if (cert_is_ca(one) &&
		    g_str_equal(cert_subject_key(one), cert_issuer_key(cert))) {
			return one;
		}
	}
	return NULL;
}

/* From the certificate up, as far as the mail had it; borrowed. */
static GPtrArray *
order_chain(const DirectoryPending *pending)
{
	GPtrArray *ordered = g_ptr_array_new();
	const Cert *cert = pending->entry->cert;

	while (cert != NULL && ordered->len < CHAIN_DEPTH) {
		g_ptr_array_add(ordered, (gpointer)cert);
		cert = cert_is_self_signed(cert)
		    ? NULL
		    : find_issuer(pending->chain, cert);
	}
	return ordered;
}

static void
report_link(Report *report, const Cert *cert)
{
	bool root = cert_is_self_signed(cert);

	report_line(report, "    %s <- %s", cert_subject(cert),
	    root ? "itself (a root)" : cert_issuer(cert));
	report_line(report, "      %s", cert_fingerprint(cert));
	report_open_object(report);
	report_text(report, "fingerprint", cert_fingerprint(cert));
	report_text(report, "subject", cert_subject(cert));
	report_text(report, "issuer", cert_issuer(cert));
	report_bool(report, "root", root);
	report_close_object(report);
}

static void
report_chain(Report *report, const GPtrArray *ordered)
{
	report_line(report, "  chain, as far as the mail brought it:");
	report_open_list(report, "chain");
	for (guint i = 0; i < ordered->len; i++) {
		report_link(report, ordered->pdata[i]);
	}
	report_close_list(report);
}

/* What to type. Whom nobody above vouches for may still be known by hand. */
static void
report_choice(Report *report, const DirectoryEntry *entry,
    const GPtrArray *ordered, const TrustVerdict *trust)
{
	const char *fingerprint = cert_fingerprint(entry->cert);
	const Cert *top = ordered->pdata[ordered->len - 1];

	report_line(
	    report, "  to use it:       smimectl cert approve %s", fingerprint);
	report_line(
	    report, "  never to use it: smimectl cert block %s", fingerprint);
	if (trust->chain != CHAIN_UNTRUSTED) {
		return;
	}
	if (ordered->len > 1 && cert_is_self_signed(top)) {
		report_line(
		    report, "  to trust its CA, and all that it issues:");
		report_line(report, "    smimectl cert export %s > ca.pem",
		    cert_fingerprint(top));
		report_line(report, "    smimectl trust add ca.pem");
	} else if (!cert_is_self_signed(top)) {
		report_line(report,
		    "  to trust its CA, and all that it issues: get the "
		    "certificate of \"%s\" from that CA, and smimectl trust "
		    "add it",
		    cert_issuer(top));
	}
}

static void
report_pending(Report *report, Stores *stores, const DirectoryPending *pending)
{
	const DirectoryEntry *entry = pending->entry;
	g_autofree char *facts = cert_describe(entry->cert);
	g_autoptr(GPtrArray) ordered = order_chain(pending);
	g_auto(Usability) usability = { 0 };
	g_autofree char *revocation = NULL;

	stores_judge(stores, entry, pending->chain, &usability);
	revocation = stores_revocation_text(&usability.trust.revocation);
	report_line(report, "%s", entry->address);
	certreport_line(report, "why", pending->why);
	certreport_line(report, "mail", pending->mail);
	certreport_time(report, "first seen", entry->first_seen);
	report_block(report, "  ", facts);
	report_open_object(report);
	report_text(report, "fingerprint", cert_fingerprint(entry->cert));
	report_text(report, "address", entry->address);
	report_text(report, "why", pending->why);
	report_text(report, "mail", pending->mail);
	report_time(report, "first_seen", entry->first_seen);
	report_time(report, "signing_time", entry->signing_time);
	certreport_facts(report, entry->cert);
	certreport_line(report, "trust",
	    usability.trust.chain == CHAIN_OK ? "its issuer is trusted"
					      : usability.trust.chain_reason);
	certreport_line(report, "revocation", revocation);
	report_text(report, "trust", stores_chain_name(usability.trust.chain));
	report_text(report, "revocation",
	    revocation_name(usability.trust.revocation.status));
	report_chain(report, ordered);
	report_choice(report, entry, ordered, &usability.trust);
	report_close_object(report);
}

int
cert_pending(Command *command, GError **error)
{
	g_autoptr(Stores) stores = NULL;
	g_autoptr(GPtrArray) all = NULL;

	if (!command_enter(command, error)) {
		return -1;
	}
	stores = stores_open(command, error);
	if (stores == NULL) {
		return -1;
	}
	all = directory_pending(stores->directory, error);
	if (all == NULL) {
		return -1;
	}
	report_open_list(command->report, "items");
	for (guint i = 0; i < all->len; i++) {
		if (i > 0) {
			report_line(command->report, "%s", "");
		}
		report_pending(command->report, stores, all->pdata[i]);
	}
	report_close_list(command->report);
	return COMMAND_YES;
}
