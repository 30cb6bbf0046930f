/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates of partners as smimectl prints them. */
#ifndef CTL_CERTREPORT_H
#define CTL_CERTREPORT_H

#include <glib.h>

#include "ctl/report.h"
#include "ctl/stores.h"

/* One line, behind prefix; and the element that cert list has. */
void certreport_row(
    Report *report, const char *prefix, const DirectoryEntry *entry);
/* All that is known of it. */
void certreport_entry(
    Report *report, Stores *stores, const DirectoryEntry *entry);

/* Warns, and is true, when it cannot be encrypted to now. */
bool certreport_warn_unused(Stores *stores, const DirectoryEntry *entry);

/* The members of every certificate, without braces. */
void certreport_facts(Report *report, const Cert *cert);
/* chain and revocation, as lines and members. */
void certreport_trust(Report *report, const TrustVerdict *trust);
/* "NAME: TEXT" below an entry, unless text is NULL. */
void certreport_line(Report *report, const char *name, const char *text);
void certreport_time(Report *report, const char *name, gint64 seconds);

#endif
