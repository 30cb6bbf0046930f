/* SPDX-License-Identifier: Apache-2.0 */
/*
 * smimectl cert list, show, export: what the directory holds of partners.
 * Taking in is certimport.c, changing certchange.c, what waits pending.c. A
 * list of a million is printed as it is walked, never collected.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "ctl/certfind.h"
#include "ctl/certreport.h"
#include "ctl/select.h"
#include "ctl/verbs.h"

/* A file of the directory that cannot be used. */
static void
report_broken(Report *report, const char *address, const char *problem)
{
	report_line(report, "%s: cannot be used: %s", address, problem);
	report_open_object(report);
	report_text(report, "fingerprint", NULL);
	report_text(report, "address", address);
	report_text(report, "problem", problem);
	report_close_object(report);
}

/* Ends the walk when nobody reads any more. */
static bool
list_entry(gpointer data, const char *address, DirectoryEntry *entry,
    const char *problem)
{
	Report *report = data;

	if (entry != NULL) {
		certreport_row(report, "", entry);
	} else {
		report_broken(report, address, problem);
	}
	return ferror(stdout) == 0;
}

static bool
list_address(
    Report *report, Directory *directory, const char *address, GError **error)
{
	g_autoptr(GPtrArray) entries =
	    directory_find(directory, address, error);

	for (guint i = 0; entries != NULL && i < entries->len; i++) {
		certreport_row(report, "", entries->pdata[i]);
	}
	return entries != NULL;
}

int
cert_list(Command *command, GError **error)
{
	const char *operand = command_operand(command, 0);
	Report *report = command->report;
	g_autofree char *address = NULL;
	g_autoptr(Directory) directory = NULL;
	bool done;

	if (operand != NULL) {
		address = select_address(operand, error);
		if (address == NULL) {
			return -1;
		}
	}
	if (!command_enter(command, error)) {
		return -1;
	}
	directory = directory_new(command->settings->state_dir);
	report_open_stream(report, "items");
	if (address != NULL && address[0] != '@') {
		done = list_address(report, directory, address, error);
	} else {
		done = directory_walk(directory,
		    address != NULL ? address + 1 : NULL, NULL, list_entry,
		    report, error);
	}
	if (!done) {
		return -1;
	}
	report_close_stream(report);
	return COMMAND_YES;
}

/* What ADDRESS|FPR means. */
typedef struct {
	char *address; /* NULL: a fingerprint */
	char *prefix;
} Wanted;

static void
wanted_clear(Wanted *wanted)
{
	g_free(wanted->address);
	g_free(wanted->prefix);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Wanted, wanted_clear)

static bool
parse_wanted(const Command *command, Wanted *wanted, GError **error)
{
	const char *operand = command_operand(command, 0);

	if (strchr(operand, '@') != NULL) {
		wanted->address = select_address(operand, error);
	} else {
		wanted->prefix = select_prefix(operand, error);
	}
	return wanted->address != NULL || wanted->prefix != NULL;
}

/* Of DirectoryEntry, transfer full; an empty one has been explained. */
static GPtrArray *
find_wanted(Directory *directory, const Wanted *wanted, GError **error)
{
	GPtrArray *entries;

	if (wanted->prefix != NULL) {
		return certfind_by_fingerprint(
		    directory, wanted->prefix, error);
	}
	entries = certfind_by_address(directory, wanted->address, error);
	if (entries != NULL && entries->len == 0) {
		report_error("there is no certificate of %s", wanted->address);
	}
	return entries;
}

int
cert_show(Command *command, GError **error)
{
	g_auto(Wanted) wanted = { 0 };
	g_autoptr(Stores) stores = NULL;
	g_autoptr(GPtrArray) entries = NULL;

	if (!parse_wanted(command, &wanted, error) ||
	    !command_enter(command, error)) {
		return -1;
	}
	stores = stores_open(command, error);
	if (stores == NULL) {
		return -1;
	}
	entries = find_wanted(stores->directory, &wanted, error);
	if (entries == NULL) {
		return -1;
	}
	report_open_list(command->report, "items");
	for (guint i = 0; i < entries->len; i++) {
		if (i > 0) {
			report_line(command->report, "%s", "");
		}
		certreport_entry(command->report, stores, entries->pdata[i]);
	}
	report_close_list(command->report);
	return entries->len > 0 ? COMMAND_YES : COMMAND_NO;
}

/* ---- export ---- */

static void
add_once(GPtrArray *certs, Cert *cert)
{
	for (guint i = 0; i < certs->len; i++) {
		if (g_str_equal(cert_fingerprint(certs->pdata[i]),
			cert_fingerprint(cert))) {
			return;
		}
	}
	g_ptr_array_add(certs, cert_ref(cert));
}

/* Those that may be encrypted to; why the others may not is said where none
 * can. */
static void
take_usable(Stores *stores, const GPtrArray *entries, GPtrArray *certs)
{
	g_autoptr(GString) refusals = g_string_new(NULL);

	for (guint i = 0; i < entries->len; i++) {
		const DirectoryEntry *entry = entries->pdata[i];
		g_auto(Usability) usability = { 0 };

		stores_judge(stores, entry, NULL, &usability);
		if (usability.reason == NULL) {
			add_once(certs, entry->cert);
		} else {
			g_string_append_printf(refusals, "%s: %s\n",
			    cert_fingerprint(entry->cert), usability.reason);
		}
	}
	if (certs->len == 0 && refusals->len > 0) {
		report_error("none can be used now:\n%s", refusals->str);
	}
}

/* Certificates of CAs that came with what waits, so that they can be given to
 * trust add. */
static bool
take_from_pending(
    Directory *directory, const char *prefix, GPtrArray *certs, GError **error)
{
	g_autoptr(GPtrArray) all = directory_pending(directory, error);

	for (guint i = 0; all != NULL && i < all->len; i++) {
		const DirectoryPending *pending = all->pdata[i];

		for (guint j = 0; j < pending->chain->len; j++) {
			Cert *cert = pending->chain->pdata[j];

			if (g_str_has_prefix(cert_fingerprint(cert), prefix)) {
				add_once(certs, cert);
			}
		}
	}
	return all != NULL;
}

/* All certificates with the one fingerprint that prefix begins: one, or none
 * and that is said. */
static bool
take_by_fingerprint(
    Directory *directory, const char *prefix, GPtrArray *certs, GError **error)
{
	g_autoptr(GPtrArray) entries = NULL;

	if (!take_from_pending(directory, prefix, certs, error)) {
		return false;
	}
	if (certs->len > 0 && strlen(prefix) == SELECT_DIGITS_MAX) {
		return true;
	}
	if (certs->len > 1) {
		report_error("%s fits %s and %s: give more digits", prefix,
		    cert_fingerprint(certs->pdata[0]),
		    cert_fingerprint(certs->pdata[1]));
		g_ptr_array_set_size(certs, 0);
		return true;
	}
	if (certs->len == 1) {
		return true;
	}
	entries = certfind_by_fingerprint(directory, prefix, error);
	for (guint i = 0; entries != NULL && i < entries->len; i++) {
		const DirectoryEntry *entry = entries->pdata[i];

		add_once(certs, entry->cert);
	}
	return entries != NULL;
}

static bool
take_by_address(
    Stores *stores, const Wanted *wanted, GPtrArray *certs, GError **error)
{
	g_autoptr(GPtrArray) entries =
	    find_wanted(stores->directory, wanted, error);

	if (entries == NULL) {
		return false;
	}
	take_usable(stores, entries, certs);
	return true;
}

static void
print_der(const Cert *cert)
{
	g_autoptr(GBytes) der = cert_der(cert);
	gsize length = 0;
	const void *data = g_bytes_get_data(der, &length);

	/* report_finish() tells whether all of it could be written. */
	fwrite(data, 1, length, stdout);
}

static void
report_exported(Report *report, const GPtrArray *certs)
{
	report_open_list(report, "items");
	for (guint i = 0; i < certs->len; i++) {
		const Cert *cert = certs->pdata[i];
		g_autofree char *pem = cert_pem(cert);

		report_block(report, "", pem);
		report_open_object(report);
		report_text(report, "fingerprint", cert_fingerprint(cert));
		report_text(report, "subject", cert_subject(cert));
		report_text(report, "pem", pem);
		report_close_object(report);
	}
	report_close_list(report);
}

static int
print_certs(Command *command, const GPtrArray *certs, GError **error)
{
	if (!command->der) {
		report_exported(command->report, certs);
		return certs->len > 0 ? COMMAND_YES : COMMAND_NO;
	}
	if (certs->len > 1) {
		g_set_error(error, ERROR_DOMAIN, ERROR_USAGE,
		    "%s has %u certificates, and --der is for one: give its "
		    "fingerprint",
		    command_operand(command, 0), certs->len);
		return -1;
	}
	if (certs->len == 0) {
		return COMMAND_NO;
	}
	print_der(certs->pdata[0]);
	return COMMAND_YES;
}

int
cert_export(Command *command, GError **error)
{
	g_auto(Wanted) wanted = { 0 };
	g_autoptr(Stores) stores = NULL;
	g_autoptr(GPtrArray) certs =
	    g_ptr_array_new_with_free_func((GDestroyNotify)cert_unref);
	bool found;

	if (command->der && command->json) {
		g_set_error(error, ERROR_DOMAIN, ERROR_USAGE,
		    "--der and --json exclude each other");
		return -1;
	}
	if (!parse_wanted(command, &wanted, error) ||
	    !command_enter(command, error)) {
		return -1;
	}
	stores = stores_open(command, error);
	if (stores == NULL) {
		return -1;
	}
	found = wanted.address != NULL
	    ? take_by_address(stores, &wanted, certs, error)
	    : take_by_fingerprint(
		  stores->directory, wanted.prefix, certs, error);
	return found ? print_certs(command, certs, error) : -1;
}
