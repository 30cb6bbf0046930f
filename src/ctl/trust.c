/* SPDX-License-Identifier: Apache-2.0 */
/*
 * smimectl trust: the anchors that signatures are judged by. A file is taken
 * in whole or not at all.
 */
#include "config.h"

#include "base/error.h"
#include "base/text.h"
#include "ctl/input.h"
#include "ctl/select.h"
#include "ctl/verbs.h"
#include "store/anchors.h"

#define FILE_MAX ((gsize)16 * 1024 * 1024)

static const char *
state_of(const Cert *cert)
{
	gint64 now = g_get_real_time() / G_USEC_PER_SEC;

	if (now > cert_not_after(cert)) {
		return "expired";
	}
	return now < cert_not_before(cert) ? "not yet valid" : "valid";
}

static void
report_anchor(Report *report, const Cert *cert)
{
	g_autofree char *after = text_time(cert_not_after(cert));
	const char *state = state_of(cert);

	report_line(report, "%s  %s  until %s  %s", cert_fingerprint(cert),
	    cert_subject(cert), after, state);
	report_open_object(report);
	report_text(report, "fingerprint", cert_fingerprint(cert));
	report_text(report, "subject", cert_subject(cert));
	report_text(report, "issuer", cert_issuer(cert));
	report_text(report, "key", cert_key_name(cert));
	report_time(report, "not_before", cert_not_before(cert));
	report_time(report, "not_after", cert_not_after(cert));
	report_text(report, "state", state);
	report_close_object(report);
}

static bool
has(const GPtrArray *certs, const Cert *cert)
{
	for (guint i = 0; certs != NULL && i < certs->len; i++) {
		if (g_str_equal(cert_fingerprint(certs->pdata[i]),
			cert_fingerprint(cert))) {
			return true;
		}
	}
	return false;
}

/* Those of certs that were there before, or those that were not. */
static void
report_some(
    Report *report, const GPtrArray *certs, const GPtrArray *before, bool known)
{
	bool begun = false;

	for (guint i = 0; i < certs->len; i++) {
		const Cert *cert = certs->pdata[i];

		if (has(before, cert) != known) {
			continue;
		}
		if (!begun) {
			report_line(
			    report, known ? "already there:" : "added:");
			begun = true;
		}
		report_anchor(report, cert);
	}
}

static void
report_anchors(Report *report, const GPtrArray *certs)
{
	report_open_list(report, "items");
	for (guint i = 0; i < certs->len; i++) {
		report_anchor(report, certs->pdata[i]);
	}
	report_close_list(report);
}

static bool
check_anchors(const char *path, const GPtrArray *certs, GError **error)
{
	for (guint i = 0; i < certs->len; i++) {
		const Cert *cert = certs->pdata[i];

		if (!cert_is_ca(cert)) {
			g_set_error(error, ERROR_DOMAIN, ERROR_UNFIT,
			    "%s: %s is not the certificate of a CA: nothing "
			    "was added",
			    path, cert_subject(cert));
			return false;
		}
	}
	return true;
}

int
trust_add(Command *command, GError **error)
{
	const char *path = command_operand(command, 0);
	g_autoptr(GBytes) content = input_read(path, FILE_MAX, error);
	g_autoptr(GPtrArray) certs = NULL;
	g_autoptr(GPtrArray) before = NULL;
	g_autoptr(AnchorStore) store = NULL;

	if (content == NULL || !command_enter(command, error)) {
		return -1;
	}
	certs = cert_read_all(content, error);
	if (certs == NULL) {
		g_prefix_error(error, "%s: ", path);
		return -1;
	}
	if (!check_anchors(path, certs, error) ||
	    !command_need_state(command, error)) {
		return -1;
	}
	store = anchors_new(command->settings->state_dir);
	before = anchors_list(store, NULL);
	for (guint i = 0; i < certs->len; i++) {
		const Cert *cert = certs->pdata[i];

		if (!anchors_add(store, cert, error)) {
			return -1;
		}
		if (g_str_equal(state_of(cert), "expired")) {
			report_warning("%s has expired: nothing it issued "
				       "will be trusted",
			    cert_subject(cert));
		}
	}
	report_open_list(command->report, "items");
	report_some(command->report, certs, before, false);
	report_some(command->report, certs, before, true);
	report_close_list(command->report);
	return COMMAND_YES;
}

int
trust_list(Command *command, GError **error)
{
	g_autoptr(AnchorStore) store = NULL;
	g_autoptr(GPtrArray) certs = NULL;

	if (!command_enter(command, error)) {
		return -1;
	}
	store = anchors_new(command->settings->state_dir);
	certs = anchors_list(store, error);
	if (certs == NULL) {
		return -1;
	}
	report_anchors(command->report, certs);
	return COMMAND_YES;
}

static bool
remove_anchor(gpointer store, const char *fingerprint, GError **error)
{
	return anchors_remove(store, fingerprint, error);
}

int
trust_remove(Command *command, GError **error)
{
	g_autofree char *prefix =
	    select_prefix(command_operand(command, 0), error);
	g_autoptr(AnchorStore) store = NULL;
	g_autoptr(GPtrArray) certs = NULL;
	g_autoptr(GPtrArray) all = g_ptr_array_new();

	if (prefix == NULL || !command_enter(command, error)) {
		return -1;
	}
	store = anchors_new(command->settings->state_dir);
	certs = anchors_list(store, error);
	if (certs == NULL) {
		return -1;
	}
	for (guint i = 0; i < certs->len; i++) {
		g_ptr_array_add(
		    all, (gpointer)cert_fingerprint(certs->pdata[i]));
	}
	return select_remove(
	    command->report, all, prefix, remove_anchor, store, error);
}
