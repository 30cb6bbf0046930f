/* SPDX-License-Identifier: Apache-2.0 */
/*
 * smimectl key: the identities of own addresses. An import that the daemon
 * could not use is refused with the reason and what to do; one that it cannot
 * use at this time only (expired, not yet valid) is taken in with a warning,
 * for mail of the past has to be read too.
 */
#include "config.h"

#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "ctl/input.h"
#include "ctl/issuer.h"
#include "ctl/select.h"
#include "ctl/verbs.h"
#include "mime/address.h"
#include "store/identities.h"

#define DAY ((gint64)24 * 60 * 60)

/* The files of an import, read before command_enter(). */
typedef struct {
	GBytes *pkcs12; /* or NULL, then these: */
	GBytes *cert;
	GBytes *key;
	GBytes *chain;      /* may be NULL */
	GBytes *passphrase; /* NULL: ask */
} ImportFiles;

static void
import_files_free(ImportFiles *files)
{
	g_clear_pointer(&files->pkcs12, g_bytes_unref);
	g_clear_pointer(&files->cert, g_bytes_unref);
	g_clear_pointer(&files->key, g_bytes_unref);
	g_clear_pointer(&files->chain, g_bytes_unref);
	g_clear_pointer(&files->passphrase, g_bytes_unref);
	g_free(files);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ImportFiles, import_files_free)

static bool
check_import_form(const Command *command, GError **error)
{
	bool parts = command->cert != NULL || command->key != NULL ||
	    command->chain != NULL;
	bool file = command->operands->len > 0;

	if (file == parts ||
	    (parts && (command->cert == NULL || command->key == NULL))) {
		g_set_error(error, ERROR_DOMAIN, ERROR_USAGE,
		    "give either a PKCS#12 file, or --cert and --key");
		return false;
	}
	return true;
}

/* path NULL: nothing to read. */
static bool
read_file(const char *path, GBytes **content_out, GError **error)
{
	if (path != NULL) {
		*content_out = input_read(path, KEYRING_FILE_MAX, error);
	}
	return path == NULL || *content_out != NULL;
}

static ImportFiles *
read_import_files(const Command *command, GError **error)
{
	g_autoptr(ImportFiles) files = g_new0(ImportFiles, 1);

	if (!read_file(command_operand(command, 0), &files->pkcs12, error) ||
	    !read_file(command->cert, &files->cert, error) ||
	    !read_file(command->key, &files->key, error) ||
	    !read_file(command->chain, &files->chain, error) ||
	    !read_file(command->passphrase_file, &files->passphrase, error)) {
		return NULL;
	}
	return g_steal_pointer(&files);
}

/* PKCS#12 is DER; PEM may begin with text ("Bag Attributes"). */
static bool
is_pem(GBytes *content)
{
	static const char mark[] = "-----BEGIN ";
	gsize length = 0;
	const char *data = g_bytes_get_data(content, &length);

	return length > 0 && data[0] != 0x30 &&
	    memmem(data, length, mark, strlen(mark)) != NULL;
}

static Identity *
open_pkcs12(const Command *command, const ImportFiles *files, GError **error)
{
	const char *path = command_operand(command, 0);
	InputPassphrase source = { files->passphrase, path };
	Identity *identity;

	if (is_pem(files->pkcs12)) {
		g_set_error(error, ERROR_DOMAIN, ERROR_MALFORMED,
		    "%s: this is PEM: use --cert FILE --key FILE", path);
		return NULL;
	}
	identity = keyring_from_pkcs12(
	    files->pkcs12, input_passphrase, &source, error);
	if (identity == NULL) {
		g_prefix_error(error, "%s: ", path);
	}
	return identity;
}

/* Said here, where the name of the file is known. */
static bool
check_certs(GBytes *content, const char *path, GError **error)
{
	g_autoptr(GPtrArray) certs = NULL;

	if (content == NULL) {
		return true;
	}
	certs = cert_read_all(content, error);
	if (certs == NULL) {
		g_prefix_error(error, "%s: ", path);
	}
	return certs != NULL;
}

static Identity *
open_parts(const Command *command, const ImportFiles *files, GError **error)
{
	InputPassphrase source = { files->passphrase, command->key };
	Identity *identity;

	if (!check_certs(files->cert, command->cert, error) ||
	    !check_certs(files->chain, command->chain, error)) {
		return NULL;
	}
	identity = keyring_from_parts(files->cert, files->key, files->chain,
	    input_passphrase, &source, error);
	if (identity == NULL) {
		g_prefix_error(error, "%s: ", command->key);
	}
	return identity;
}

static Identity *
open_identity(const Command *command, const ImportFiles *files, GError **error)
{
	return files->pkcs12 != NULL ? open_pkcs12(command, files, error)
				     : open_parts(command, files, error);
}

/* May the certificate sign at all, at whatever time? */
static bool
check_use(const Cert *cert, GError **error)
{
	const char *reason = NULL;

	if (cert_is_ca(cert)) {
		g_set_error(error, ERROR_DOMAIN, ERROR_UNFIT,
		    "%s is the certificate of a CA: import one that was "
		    "issued for a mail address",
		    cert_subject(cert));
		return false;
	}
	if (!cert_fit_for_signing(cert, &reason)) {
		g_set_error(error, ERROR_DOMAIN, ERROR_UNFIT,
		    "%s is not fit for signing mail: %s; ask its CA for a "
		    "certificate for S/MIME",
		    cert_subject(cert), reason);
		return false;
	}
	return true;
}

/* "a@b, c@d" */
static char *
join(const GPtrArray *texts)
{
	GString *list = g_string_new(NULL);

	for (guint i = 0; i < texts->len; i++) {
		g_string_append_printf(list, "%s%s", i > 0 ? ", " : "",
		    (const char *)texts->pdata[i]);
	}
	return g_string_free(list, FALSE);
}

static bool
check_address(const Settings *settings, const Cert *cert, const char *address,
    GError **error)
{
	g_autofree char *list = join(cert_addresses(cert));

	if (!cert_has_address(cert, address, true)) {
		g_set_error(error, ERROR_DOMAIN, ERROR_UNFIT,
		    "the certificate does not carry %s but %s", address, list);
		return false;
	}
	if (!settings_is_own(settings, address)) {
		g_set_error(error, ERROR_DOMAIN, ERROR_UNFIT,
		    "%s is no own address: its domain is not in "
		    "local_domains of %s",
		    address, settings->file);
		return false;
	}
	return true;
}

/*
 * The addresses that the identity will serve: the one of --address, else all
 * own ones of the certificate. Of char *, NULL-ended, transfer full.
 */
static GPtrArray *
choose_addresses(const Command *command, const Cert *cert, GError **error)
{
	const GPtrArray *all = cert_addresses(cert);
	g_autoptr(GPtrArray) chosen = g_ptr_array_new_with_free_func(g_free);
	g_autofree char *list = join(all);

	if (all->len == 0) {
		g_set_error(error, ERROR_DOMAIN, ERROR_UNFIT,
		    "%s bears no mail address: ask its CA for a certificate "
		    "with one",
		    cert_subject(cert));
		return NULL;
	}
	if (command->address != NULL) {
		g_ptr_array_add(chosen, address_normalise(command->address));
		if (!check_address(
			command->settings, cert, chosen->pdata[0], error)) {
			return NULL;
		}
	}
	for (guint i = 0; command->address == NULL && i < all->len; i++) {
		if (settings_is_own(command->settings, all->pdata[i])) {
			g_ptr_array_add(chosen, g_strdup(all->pdata[i]));
		}
	}
	if (chosen->len == 0) {
		g_set_error(error, ERROR_DOMAIN, ERROR_UNFIT,
		    "the certificate is for %s, no own address: no such "
		    "domain is in local_domains of %s",
		    list, command->settings->file);
		return NULL;
	}
	g_ptr_array_add(chosen, NULL);
	return g_steal_pointer(&chosen);
}

/* "valid", or why it cannot be used; static text. */
static const char *
state_of(const Cert *cert, gint64 now)
{
	const char *reason = NULL;

	if (now > cert_not_after(cert)) {
		return "expired";
	}
	if (now < cert_not_before(cert)) {
		return "not yet valid";
	}
	return cert_fit_for_signing(cert, &reason) ? "valid" : reason;
}

static void
warn_of_dates(const Cert *cert, gint64 now)
{
	g_autofree char *before = text_time(cert_not_before(cert));
	g_autofree char *after = text_time(cert_not_after(cert));

	if (now > cert_not_after(cert)) {
		report_warning("the certificate expired on %s: it will never "
			       "sign",
		    after);
	} else if (now < cert_not_before(cert)) {
		report_warning("the certificate is not valid before %s: it "
			       "will not sign until then",
		    before);
	}
}

/* One identity as it serves one address. */
static void
report_identity(
    Report *report, const char *address, const Cert *cert, gint64 now)
{
	g_autofree char *after = text_time(cert_not_after(cert));
	const char *state = state_of(cert, now);

	report_line(report, "%s  %s  until %s  %s  %s", address,
	    cert_key_name(cert), after, cert_fingerprint(cert), state);
	report_open_object(report);
	report_text(report, "address", address);
	report_text(report, "key", cert_key_name(cert));
	report_time(report, "not_before", cert_not_before(cert));
	report_time(report, "not_after", cert_not_after(cert));
	report_text(report, "fingerprint", cert_fingerprint(cert));
	report_text(report, "subject", cert_subject(cert));
	report_text(report, "issuer", cert_issuer(cert));
	report_text(report, "state", state);
	report_null(report, "problem");
	report_close_object(report);
}

/* The root that issued it may have been given; a chain leaves it out. */
static bool
holds_issuer(GBytes *content, const Cert *cert)
{
	g_autoptr(GPtrArray) certs =
	    content != NULL ? cert_read_all(content, NULL) : NULL;

	for (guint i = 0; certs != NULL && i < certs->len; i++) {
		if (g_str_equal(
			cert_subject(certs->pdata[i]), cert_issuer(cert))) {
			return true;
		}
	}
	return false;
}

static void
warn_of_issuer(
    const Command *command, const ImportFiles *files, const Identity *identity)
{
	const Cert *cert = keyring_cert(identity);
	g_autoptr(AnchorStore) store =
	    anchors_new(command->settings->state_dir);

	if (issuer_is_missing(identity, store) &&
	    !holds_issuer(files->chain, cert)) {
		report_warning("no intermediate certificate came with it "
			       "(issuer %s): recipients will not be able to "
			       "verify; import it again with --chain; if that "
			       "issuer is a root, smimectl trust add it",
		    cert_issuer(cert));
	}
}

/*
 * The same certificate again, without the chain that is stored with it: the
 * stored one is better. A store that cannot be read is told when it is
 * written to. transfer full.
 */
static Identity *
keep_chain(Identities *store, Identity *identity)
{
	const char *fingerprint = cert_fingerprint(keyring_cert(identity));
	g_autoptr(GPtrArray) entries = NULL;

	if (keyring_chain(identity)->len == 0) {
		entries = identities_list(store, NULL);
	}
	for (guint i = 0; entries != NULL && i < entries->len; i++) {
		const IdentityEntry *entry = entries->pdata[i];

		if (entry->identity != NULL &&
		    keyring_chain(entry->identity)->len > 0 &&
		    g_str_equal(cert_fingerprint(keyring_cert(entry->identity)),
			fingerprint)) {
			return keyring_ref(entry->identity);
		}
	}
	return keyring_ref(identity);
}

static int
import(Command *command, const ImportFiles *files, GError **error)
{
	gint64 now = g_get_real_time() / G_USEC_PER_SEC;
	g_autoptr(Identity) identity = open_identity(command, files, error);
	g_autoptr(Identity) kept = NULL;
	g_autoptr(Identities) store = NULL;
	g_autoptr(GPtrArray) addresses = NULL;
	const Cert *cert;

	if (identity == NULL) {
		return -1;
	}
	cert = keyring_cert(identity);
	if (!check_use(cert, error)) {
		return -1;
	}
	addresses = choose_addresses(command, cert, error);
	if (addresses == NULL || !command_need_state(command, error)) {
		return -1;
	}
	store = identities_new(command->settings->state_dir);
	kept = keep_chain(store, identity);
	if (!identities_add(
		store, kept, (const char *const *)addresses->pdata, error)) {
		return -1;
	}
	warn_of_dates(cert, now);
	warn_of_issuer(command, files, kept);
	report_line(command->report, "imported:");
	report_open_list(command->report, "items");
	for (guint i = 0; addresses->pdata[i] != NULL; i++) {
		report_identity(
		    command->report, addresses->pdata[i], cert, now);
	}
	report_close_list(command->report);
	return COMMAND_YES;
}

int
key_import(Command *command, GError **error)
{
	g_autoptr(ImportFiles) files = NULL;

	if (!check_import_form(command, error)) {
		return -1;
	}
	if (command->address != NULL) {
		g_autofree char *address = address_normalise(command->address);

		if (address == NULL || *address == '\0') {
			g_set_error(error, ERROR_DOMAIN, ERROR_USAGE,
			    "--address: \"%s\" is no mail address",
			    command->address);
			return -1;
		}
	}
	files = read_import_files(command, error);
	if (files == NULL || !command_enter(command, error)) {
		return -1;
	}
	return import(command, files, error);
}

static void
report_broken(Report *report, const IdentityEntry *entry)
{
	report_line(report, "%s  unusable: %s", entry->address, entry->problem);
	report_open_object(report);
	report_text(report, "address", entry->address);
	report_null(report, "key");
	report_null(report, "not_before");
	report_null(report, "not_after");
	report_null(report, "fingerprint");
	report_null(report, "subject");
	report_null(report, "issuer");
	report_text(report, "state", "unusable");
	report_text(report, "problem", entry->problem);
	report_close_object(report);
}

int
key_list(Command *command, GError **error)
{
	gint64 now = g_get_real_time() / G_USEC_PER_SEC;
	g_autoptr(Identities) store = NULL;
	g_autoptr(GPtrArray) entries = NULL;
	guint expiring = 0;

	if (!command_enter(command, error)) {
		return -1;
	}
	store = identities_new(command->settings->state_dir);
	entries = identities_list(store, error);
	if (entries == NULL) {
		return -1;
	}
	report_open_list(command->report, "items");
	for (guint i = 0; i < entries->len; i++) {
		const IdentityEntry *entry = entries->pdata[i];
		const Cert *cert;

		if (entry->identity == NULL) {
			report_broken(command->report, entry);
			continue;
		}
		cert = keyring_cert(entry->identity);
		if (command->expiring < 0) {
			report_identity(
			    command->report, entry->address, cert, now);
		} else if (cert_not_after(cert) - now <=
		    command->expiring * DAY) {
			report_identity(
			    command->report, entry->address, cert, now);
			expiring++;
		}
	}
	report_close_list(command->report);
	return expiring > 0 ? COMMAND_NO : COMMAND_YES;
}

static bool
remove_identity(gpointer store, const char *fingerprint, GError **error)
{
	return identities_remove(store, fingerprint, error);
}

int
key_remove(Command *command, GError **error)
{
	g_autofree char *prefix =
	    select_prefix(command_operand(command, 0), error);
	g_autoptr(Identities) store = NULL;
	g_autoptr(GPtrArray) entries = NULL;
	g_autoptr(GPtrArray) all = g_ptr_array_new();

	if (prefix == NULL || !command_enter(command, error)) {
		return -1;
	}
	store = identities_new(command->settings->state_dir);
	entries = identities_list(store, error);
	if (entries == NULL) {
		return -1;
	}
	for (guint i = 0; i < entries->len; i++) {
		const IdentityEntry *entry = entries->pdata[i];

		if (entry->identity != NULL) {
			g_ptr_array_add(all,
			    (gpointer)cert_fingerprint(
				keyring_cert(entry->identity)));
		}
	}
	return select_remove(
	    command->report, all, prefix, remove_identity, store, error);
}
