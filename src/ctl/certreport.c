/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One form for the certificates of the directory, whichever verb prints them:
 * a line where there may be many, everything where one is asked for. The facts
 * of the certificate, the words of the directory and the verdict of the day are
 * kept apart.
 */
#include "config.h"

#include "ctl/certreport.h"

#include "base/text.h"

void
certreport_row(Report *report, const char *prefix, const DirectoryEntry *entry)
{
	const Cert *cert = entry->cert;
	const char *state = directory_state_name(entry->state);
	const char *source = directory_source_name(entry->source);
	g_autofree char *until = text_time(cert_not_after(cert));

	report_line(report, "%s%s  %s  %s/%s%s  until %s  %s", prefix,
	    cert_fingerprint(cert), entry->address, state, source,
	    entry->pinned ? "/pinned" : "", until, cert_key_name(cert));
	report_open_object(report);
	report_text(report, "fingerprint", cert_fingerprint(cert));
	report_text(report, "address", entry->address);
	report_text(report, "state", state);
	report_text(report, "source", source);
	report_bool(report, "pinned", entry->pinned);
	certreport_facts(report, cert);
	report_time(report, "first_seen", entry->first_seen);
	report_time(report, "last_seen", entry->last_seen);
	report_text(report, "problem", NULL);
	report_close_object(report);
}

void
certreport_facts(Report *report, const Cert *cert)
{
	report_text(report, "subject", cert_subject(cert));
	report_text(report, "issuer", cert_issuer(cert));
	report_text(report, "serial", cert_serial(cert));
	report_text(report, "key", cert_key_name(cert));
	report_time(report, "not_before", cert_not_before(cert));
	report_time(report, "not_after", cert_not_after(cert));
}

void
certreport_line(Report *report, const char *name, const char *text)
{
	if (text != NULL) {
		report_line(report, "  %s: %s", name, text);
	}
}

void
certreport_time(Report *report, const char *name, gint64 seconds)
{
	g_autofree char *text = seconds != 0 ? text_time(seconds) : NULL;

	certreport_line(report, name, text);
}

void
certreport_trust(Report *report, const TrustVerdict *trust)
{
	g_autofree char *chain = stores_chain_text(trust);
	g_autofree char *revocation =
	    stores_revocation_text(&trust->revocation);

	certreport_line(report, "chain", chain);
	certreport_line(report, "revocation", revocation);
	report_text(report, "chain", stores_chain_name(trust->chain));
	report_text(
	    report, "revocation", revocation_name(trust->revocation.status));
}

/* What the directory says. */
static void
report_words(Report *report, const DirectoryEntry *entry)
{
	const char *state = directory_state_name(entry->state);
	const char *source = directory_source_name(entry->source);

	certreport_line(report, "state", state);
	certreport_line(report, "source", source);
	certreport_line(report, "pinned", entry->pinned ? "yes" : "no");
	certreport_time(report, "first seen", entry->first_seen);
	certreport_time(report, "last seen", entry->last_seen);
	certreport_time(report, "signing time", entry->signing_time);
	certreport_line(report, "capabilities", entry->capabilities);
	report_text(report, "state", state);
	report_text(report, "source", source);
	report_bool(report, "pinned", entry->pinned);
	report_time(report, "first_seen", entry->first_seen);
	report_time(report, "last_seen", entry->last_seen);
	report_time(report, "signing_time", entry->signing_time);
}

/* Of words. */
static void
report_capabilities(Report *report, const char *capabilities)
{
	g_auto(GStrv) words =
	    g_strsplit(capabilities != NULL ? capabilities : "", " ", -1);

	report_open_list(report, "capabilities");
	for (guint i = 0; words[i] != NULL; i++) {
		if (*words[i] != '\0') {
			report_text(report, NULL, words[i]);
		}
	}
	report_close_list(report);
}

void
certreport_entry(Report *report, Stores *stores, const DirectoryEntry *entry)
{
	g_autofree char *text = cert_describe(entry->cert);
	g_auto(Usability) usability = { 0 };
	g_autofree char *refusal = NULL;

	stores_judge(stores, entry, NULL, &usability);
	if (usability.reason != NULL) {
		refusal = g_strdup_printf("no: %s", usability.reason);
	}
	report_line(report, "%s", entry->address);
	report_block(report, "  ", text);
	report_open_object(report);
	report_text(report, "fingerprint", cert_fingerprint(entry->cert));
	report_text(report, "address", entry->address);
	report_words(report, entry);
	report_capabilities(report, entry->capabilities);
	certreport_facts(report, entry->cert);
	certreport_trust(report, &usability.trust);
	certreport_line(
	    report, "usable", refusal != NULL ? refusal : "yes, now");
	report_bool(report, "usable", usability.reason == NULL);
	report_text(report, "reason", usability.reason);
	report_close_object(report);
}

bool
certreport_warn_unused(Stores *stores, const DirectoryEntry *entry)
{
	g_auto(Usability) usability = { 0 };

	stores_judge(stores, entry, NULL, &usability);
	if (usability.reason != NULL) {
		report_warning("%s: %s is not used: %s", entry->address,
		    cert_subject(entry->cert), usability.reason);
	}
	return usability.reason != NULL;
}
