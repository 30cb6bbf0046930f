/* SPDX-License-Identifier: Apache-2.0 */
/*
 * smimectl cert remove, pin, unpin, approve, block: the administrator's word on
 * a certificate that is there. It counts wherever the certificate stands, and
 * from the next mail on.
 */
#include "config.h"

#include <string.h>

#include "base/error.h"
#include "ctl/certfind.h"
#include "ctl/certreport.h"
#include "ctl/select.h"
#include "ctl/stores.h"
#include "ctl/verbs.h"

typedef struct {
	DirectoryChange change;
	const char *done;  /* "removed" */
	const char *after; /* what follows from it, or NULL */
} Change;

/* Of DirectoryEntry; empty: that has been explained. */
static GPtrArray *
find_entries(const Change *change, Directory *directory, const char *prefix,
    GError **error)
{
	g_autoptr(GPtrArray) entries = NULL;

	/* As cert pending prints it: the place is known without a walk. */
	if (change->change == DIRECTORY_APPROVE &&
	    strlen(prefix) == SELECT_DIGITS_MAX) {
		entries = certfind_pending(directory, prefix, error);
		if (entries == NULL || entries->len > 0) {
			return g_steal_pointer(&entries);
		}
	}
	return certfind_by_fingerprint(directory, prefix, error);
}

static void
report_change(Report *report, const Change *change, Directory *directory,
    const char *address, const char *fingerprint)
{
	g_autoptr(DirectoryEntry) entry =
	    certfind_entry(directory, address, fingerprint);

	report_line(report, "%s: %s  %s", change->done, fingerprint, address);
	report_open_object(report);
	report_text(report, "fingerprint", fingerprint);
	report_text(report, "address", address);
	report_text(report, "state",
	    entry != NULL ? directory_state_name(entry->state) : NULL);
	report_text(report, "source",
	    entry != NULL ? directory_source_name(entry->source) : NULL);
	report_bool(report, "pinned", entry != NULL && entry->pinned);
	report_close_object(report);
}

typedef enum {
	CHANGE_DONE,
	CHANGE_REFUSED, /* makes no sense there, which has been said */
	CHANGE_NOTHING, /* was so before, which has been said */
	CHANGE_GONE,
	CHANGE_FAILED,
} ChangeResult;

static ChangeResult
change_entry(const Change *change, Directory *directory,
    const DirectoryEntry *entry, GError **error)
{
	g_autoptr(GError) failure = NULL;

	if (change->change == DIRECTORY_UNPIN && !entry->pinned) {
		report_error("%s: the certificate is not pinned: nothing was "
			     "changed",
		    entry->address);
		return CHANGE_NOTHING;
	}
	if (directory_change(directory, cert_fingerprint(entry->cert),
		entry->address, change->change, &failure)) {
		return CHANGE_DONE;
	}
	if (g_error_matches(failure, ERROR_DOMAIN, ERROR_UNFIT)) {
		report_error("%s", failure->message);
		return CHANGE_REFUSED;
	}
	if (g_error_matches(failure, ERROR_DOMAIN, ERROR_MISSING)) {
		return CHANGE_GONE;
	}
	g_propagate_error(error, g_steal_pointer(&failure));
	return CHANGE_FAILED;
}

/* Whether the approved one can be used at all; when that cannot be judged,
 * yes. */
static bool
is_of_use(Stores *stores, Directory *directory, const DirectoryEntry *before)
{
	g_autoptr(DirectoryEntry) entry = certfind_entry(
	    directory, before->address, cert_fingerprint(before->cert));

	return stores == NULL || entry == NULL ||
	    !certreport_warn_unused(stores, entry);
}

/* The exit code, or -1: what was changed before has been reported. */
static int
change_all(Command *command, const Change *change, Directory *directory,
    const GPtrArray *entries, GError **error)
{
	g_autoptr(Stores) stores = change->change == DIRECTORY_APPROVE
	    ? stores_open(command, NULL)
	    : NULL;
	guint done = 0;
	guint of_use = 0;
	bool refused = false;

	for (guint i = 0; i < entries->len; i++) {
		const DirectoryEntry *entry = entries->pdata[i];

		switch (change_entry(change, directory, entry, error)) {
		case CHANGE_DONE:
			done++;
			report_change(command->report, change, directory,
			    entry->address, cert_fingerprint(entry->cert));
			of_use += is_of_use(stores, directory, entry);
			break;
		case CHANGE_REFUSED:
			refused = true;
			break;
		case CHANGE_NOTHING:
		case CHANGE_GONE:
			break;
		case CHANGE_FAILED:
			return -1;
		}
	}
	if (of_use > 0 && change->after != NULL) {
		report_line(command->report, "%s", change->after);
	}
	return done > 0 && !refused ? COMMAND_YES : COMMAND_NO;
}

static int
run(Command *command, const Change *change, GError **error)
{
	g_autofree char *prefix =
	    select_prefix(command_operand(command, 0), error);
	g_autoptr(Directory) directory = NULL;
	g_autoptr(GPtrArray) entries = NULL;
	int code;

	if (prefix == NULL || !command_enter(command, error)) {
		return -1;
	}
	directory = directory_new(command->settings->state_dir);
	entries = find_entries(change, directory, prefix, error);
	if (entries == NULL) {
		return -1;
	}
	report_open_list(command->report, "items");
	code = change_all(command, change, directory, entries, error);
	report_close_list(command->report);
	return code;
}

int
cert_remove(Command *command, GError **error)
{
	return run(
	    command, &(Change){ DIRECTORY_REMOVE, "removed", NULL }, error);
}

int
cert_pin(Command *command, GError **error)
{
	return run(command,
	    &(Change){ DIRECTORY_PIN, "pinned",
		"another certificate for the address will wait for "
		"smimectl cert approve" },
	    error);
}

int
cert_unpin(Command *command, GError **error)
{
	return run(
	    command, &(Change){ DIRECTORY_UNPIN, "unpinned", NULL }, error);
}

int
cert_approve(Command *command, GError **error)
{
	return run(command,
	    &(Change){
		DIRECTORY_APPROVE, "approved", "used from the next mail on" },
	    error);
}

int
cert_block(Command *command, GError **error)
{
	return run(command,
	    &(Change){ DIRECTORY_BLOCK, "blocked",
		"not used from the next mail on, and not taken in again" },
	    error);
}
