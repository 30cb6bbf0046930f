/* SPDX-License-Identifier: Apache-2.0 */
/*
 * smimectl cert import: certificates of partners by the administrator's word.
 * A file is looked at whole before anything of it is taken, and what is wrong
 * with one certificate refuses the file. Files stand by themselves: one that is
 * refused or cannot be read does not keep out the others.
 */
#include "config.h"

#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "ctl/certfind.h"
#include "ctl/certreport.h"
#include "ctl/input.h"
#include "ctl/select.h"
#include "ctl/verbs.h"
#include "mime/address.h"
#include "store/layout.h"

/* Some ten thousand certificates. */
#define FILE_MAX ((gsize)64 * 1024 * 1024)

/* A certificate and whom it will serve. */
typedef struct {
	Cert *cert;
	GPtrArray *addresses; /* of char *, NULL-ended */
} Item;

static void
item_free(Item *item)
{
	cert_unref(item->cert);
	g_clear_pointer(&item->addresses, g_ptr_array_unref);
	g_free(item);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Item, item_free)

typedef struct {
	Command *command;
	const char *address; /* of --address, normalised; NULL: not given */
	gint64 now;
	Stores *stores; /* NULL: they cannot be opened, so none is judged */
	int code;       /* of the last file that was not taken in */
} Import;

static bool
check_cert(const Import *import, const Cert *cert, GError **error)
{
	const char *reason = NULL;
	g_autofree char *until = text_time(cert_not_after(cert));

	if (!cert_fit_for_encryption(cert, &reason)) {
		g_set_error(error, ERROR_DOMAIN, ERROR_UNFIT,
		    "%s is not fit for encryption: %s", cert_subject(cert),
		    reason);
		return false;
	}
	if (import->now > cert_not_after(cert)) {
		g_set_error(error, ERROR_DOMAIN, ERROR_UNFIT,
		    "%s expired on %s", cert_subject(cert), until);
		return false;
	}
	return true;
}

/* Would it have a file at all? */
static bool
check_place(const char *address, GError **error)
{
	g_autofree char *path = layout_path("certs", address, error);

	if (path == NULL) {
		g_prefix_error(error, "%s can have no certificate: ", address);
	}
	return path != NULL;
}

static bool
choose_addresses(const Import *import, Item *item, GError **error)
{
	const GPtrArray *all = cert_addresses(item->cert);
	g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

	item->addresses = g_ptr_array_new_with_free_func(g_free);
	if (import->address != NULL) {
		g_ptr_array_add(item->addresses, g_strdup(import->address));
	} else if (all->len == 0) {
		g_set_error(error, ERROR_DOMAIN, ERROR_UNFIT,
		    "%s bears no mail address: say with --address whom it "
		    "serves",
		    cert_subject(item->cert));
		return false;
	}
	for (guint i = 0; import->address == NULL && i < all->len; i++) {
		if (g_hash_table_add(seen, all->pdata[i])) {
			g_ptr_array_add(
			    item->addresses, g_strdup(all->pdata[i]));
		}
	}
	for (guint i = 0; i < item->addresses->len; i++) {
		if (!check_place(item->addresses->pdata[i], error)) {
			return false;
		}
	}
	g_ptr_array_add(item->addresses, NULL);
	return true;
}

static Item *
plan_cert(const Import *import, Cert *cert, GError **error)
{
	g_autoptr(Item) item = g_new0(Item, 1);

	item->cert = cert_ref(cert);
	if (!check_cert(import, cert, error) ||
	    !choose_addresses(import, item, error)) {
		return NULL;
	}
	return g_steal_pointer(&item);
}

static void
skip_ca(const Import *import, const char *path, const Cert *cert)
{
	report_line(import->command->report,
	    "skipped: %s: %s is the certificate of a CA: if you trust it for "
	    "all that it issues, smimectl trust add",
	    path, cert_subject(cert));
}

/* What of certs is to be taken in; of Item, transfer full. */
static GPtrArray *
plan_file(const Import *import, const char *path, const GPtrArray *certs,
    GError **error)
{
	g_autoptr(GPtrArray) items =
	    g_ptr_array_new_with_free_func((GDestroyNotify)item_free);
	g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

	for (guint i = 0; i < certs->len; i++) {
		Cert *cert = certs->pdata[i];
		Item *item;

		if (!g_hash_table_add(seen, (gpointer)cert_fingerprint(cert))) {
			continue;
		}
		if (cert_is_ca(cert)) {
			skip_ca(import, path, cert);
			continue;
		}
		item = plan_cert(import, cert, error);
		if (item == NULL) {
			return NULL;
		}
		g_ptr_array_add(items, item);
	}
	if (items->len == 0) {
		g_set_error(error, ERROR_DOMAIN, ERROR_UNFIT,
		    "there are only certificates of CAs: smimectl trust add");
		return NULL;
	}
	return g_steal_pointer(&items);
}

/* Does the certificate say of itself that it is for address, or at least for
 * one of its domain? */
static bool
bears(const Cert *cert, const char *address)
{
	const GPtrArray *all = cert_addresses(cert);

	if (address[0] != '@') {
		return cert_has_address(cert, address, true);
	}
	for (guint i = 0; i < all->len; i++) {
		if (g_str_equal(address_domain(all->pdata[i]), address + 1)) {
			return true;
		}
	}
	return false;
}

static bool
is_own(const Settings *settings, const char *address)
{
	g_autofree char *one = address[0] == '@'
	    ? g_strconcat("x", address, NULL)
	    : g_strdup(address);

	return settings_is_own(settings, one);
}

/* What may be meant so, but seldom is. */
static void
warn_of(const Import *import, const Item *item)
{
	const Cert *cert = item->cert;

	for (guint i = 0; i < item->addresses->len - 1; i++) {
		const char *address = item->addresses->pdata[i];

		if (!bears(cert, address)) {
			report_warning("%s does not bear %s: mail to that "
				       "address will be encrypted to it all "
				       "the same",
			    cert_subject(cert), address);
		}
		if (is_own(import->command->settings, address)) {
			report_warning("%s is an own address: the directory "
				       "is for those of partners; an own key "
				       "is taken in by smimectl key import",
			    address);
		}
	}
}

/* Taken in it is, but perhaps for nothing. */
static void
warn_unused(const Import *import, const DirectoryEntry *entry)
{
	const Cert *cert = entry->cert;
	g_autofree char *start = text_time(cert_not_before(cert));

	if (import->now < cert_not_before(cert)) {
		report_warning("%s is not valid before %s: not used until then",
		    cert_subject(cert), start);
	} else if (import->stores != NULL) {
		certreport_warn_unused(import->stores, entry);
	}
}

static bool
take_item(const Import *import, Directory *directory, const Item *item,
    GError **error)
{
	const char *const *addresses =
	    (const char *const *)item->addresses->pdata;

	warn_of(import, item);
	if (!directory_import(directory, item->cert, addresses,
		import->command->pin, error)) {
		return false;
	}
	for (guint i = 0; addresses[i] != NULL; i++) {
		g_autoptr(DirectoryEntry) entry = certfind_entry(
		    directory, addresses[i], cert_fingerprint(item->cert));

		if (entry != NULL) {
			certreport_row(
			    import->command->report, "imported: ", entry);
			warn_unused(import, entry);
		}
	}
	return true;
}

/* Of Item, transfer full. */
static GPtrArray *
plan_content(
    const Import *import, const char *path, GBytes *content, GError **error)
{
	g_autoptr(GPtrArray) certs = cert_read_all(content, error);

	return certs != NULL ? plan_file(import, path, certs, error) : NULL;
}

static bool
take_items(const Import *import, Directory *directory, const GPtrArray *items,
    GError **error)
{
	for (guint i = 0; i < items->len; i++) {
		if (!take_item(import, directory, items->pdata[i], error)) {
			return false;
		}
	}
	return true;
}

/* false: the directory cannot take what is sound. */
static bool
import_all(Import *import, const GPtrArray *contents, GError **error)
{
	g_autoptr(Directory) directory =
	    directory_new(import->command->settings->state_dir);

	for (guint i = 0; i < contents->len; i++) {
		const char *path = command_operand(import->command, i);
		g_autoptr(GError) refusal = NULL;
		g_autoptr(GPtrArray) items = NULL;

		if (contents->pdata[i] == NULL) {
			continue;
		}
		items =
		    plan_content(import, path, contents->pdata[i], &refusal);
		if (items == NULL) {
			report_error("%s: %s; nothing of this file was taken "
				     "in",
			    path, refusal->message);
			import->code = command_exit_code(refusal);
		} else if (!take_items(import, directory, items, error)) {
			return false;
		}
	}
	return true;
}

/* All files, before the rights are given away; NULL stands for one that cannot
 * be read, which has been said. */
static GPtrArray *
read_files(Import *import)
{
	const Command *command = import->command;
	GPtrArray *contents =
	    g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);

	for (guint i = 0; i < command->operands->len; i++) {
		g_autoptr(GError) failure = NULL;
		GBytes *content =
		    input_read(command_operand(command, i), FILE_MAX, &failure);

		if (content == NULL) {
			report_error("%s", failure->message);
			import->code = command_exit_code(failure);
		}
		g_ptr_array_add(contents, content);
	}
	return contents;
}

int
cert_import(Command *command, GError **error)
{
	g_autofree char *address = NULL;
	g_autoptr(GPtrArray) contents = NULL;
	g_autoptr(Stores) stores = NULL;
	Import import = { .command = command, .code = COMMAND_YES };
	bool done;

	if (command->address != NULL) {
		address = select_address(command->address, error);
		if (address == NULL) {
			g_prefix_error(error, "--address: ");
			return -1;
		}
	}
	contents = read_files(&import);
	if (!command_enter(command, error) ||
	    !command_need_state(command, error)) {
		return -1;
	}
	import.address = address;
	import.now = g_get_real_time() / G_USEC_PER_SEC;
	stores = stores_open(command, NULL);
	import.stores = stores;
	report_open_list(command->report, "items");
	done = import_all(&import, contents, error);
	report_close_list(command->report);
	return done ? import.code : -1;
}
