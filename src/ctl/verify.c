/* SPDX-License-Identifier: Apache-2.0 */
/*
 * smimectl verify: the signatures at the root of a message, layer by layer, as
 * the daemon judges them, at any time. Nothing is fetched, and nothing is
 * harvested.
 */
#include "config.h"

#include "base/error.h"
#include "base/text.h"
#include "ctl/input.h"
#include "ctl/stores.h"
#include "ctl/verbs.h"

static void
print_line(Report *report, const char *name, const char *text)
{
	if (text != NULL) {
		report_line(report, "%s: %s", name, text);
	}
}

/* Of a signature that has a signer. */
static void
print_signer(Report *report, const VerifySignature *signature)
{
	g_autofree char *chain = stores_chain_text(&signature->trust);
	g_autofree char *revocation =
	    stores_revocation_text(&signature->trust.revocation);

	print_line(report, "signer", cert_subject(signature->signer));
	print_line(report, "issuer", cert_issuer(signature->signer));
	print_line(report, "address", signature->address);
	print_line(report, "fingerprint", cert_fingerprint(signature->signer));
	print_line(report, "chain", chain);
	print_line(report, "revocation", revocation);
}

static void
print_signature(Report *report, const PeelSignature *one)
{
	const VerifySignature *signature = one->signature;
	g_autofree char *time = signature->signing_time != 0
	    ? text_time(signature->signing_time)
	    : NULL;

	print_line(report, "result", verify_result_name(signature->result));
	print_line(report, "reason", signature->reason);
	if (signature->own != signature->result) {
		print_line(
		    report, "by itself", verify_result_name(signature->own));
	}
	print_line(report, "remark", signature->remark);
	print_line(report, "part", one->part);
	if (signature->signer != NULL) {
		print_signer(report, signature);
	}
	print_line(report, "signing time", time);
	print_line(report, "algorithm", signature->algorithm);
}

static void
report_signature(Report *report, const PeelSignature *one)
{
	const VerifySignature *signature = one->signature;
	const Cert *signer = signature->signer;

	report_open_object(report);
	report_text(report, "result", verify_result_name(signature->result));
	report_text(report, "reason",
	    signature->reason != NULL ? signature->reason : signature->remark);
	report_text(report, "part", one->part);
	report_text(report, "address", signature->address);
	report_text(report, "fingerprint",
	    signer != NULL ? cert_fingerprint(signer) : NULL);
	report_time(report, "signing_time", signature->signing_time);
	report_text(report, "revocation",
	    signer != NULL ? revocation_name(signature->trust.revocation.status)
			   : NULL);
	report_close_object(report);
}

/* A mail without a signature that could be looked at; yours. */
static char *
explain_none(const Peel *peel)
{
	if (peel->certs_only) {
		return g_strdup("not signed: it only carries certificates");
	}
	if (peel->encrypted) {
		return g_strdup("not signed at the root: it is encrypted");
	}
	return peel->inside != NULL
	    ? g_strdup_printf("not signed at the root: %s", peel->inside)
	    : g_strdup("not signed at the root");
}

static void
report_none(Report *report, const Peel *peel)
{
	g_autofree char *reason = explain_none(peel);
	VerifySignature none = {
		.result = VERIFY_NONE, .own = VERIFY_NONE, .reason = reason
	};
	const PeelSignature one = { .signature = &none };

	print_signature(report, &one);
	report_signature(report, &one);
}

/* COMMAND_YES only when every signature is good. */
static int
report_peel(Report *report, const Peel *peel)
{
	const char *inside = peel->signatures->len > 0 ? peel->inside : NULL;

	report_open_list(report, "items");
	for (guint i = 0; i < peel->signatures->len; i++) {
		print_signature(report, peel->signatures->pdata[i]);
		report_signature(report, peel->signatures->pdata[i]);
	}
	if (peel->signatures->len == 0) {
		report_none(report, peel);
	}
	report_close_list(report);
	print_line(report, "inside", inside);
	report_text(report, "inside", inside);
	return peel_passed(peel) ? COMMAND_YES : COMMAND_NO;
}

static bool
parse_time(const Command *command, gint64 *at_out, GError **error)
{
	if (command->at == NULL) {
		*at_out = g_get_real_time() / G_USEC_PER_SEC;
		return true;
	}
	if (text_parse_time(command->at, at_out)) {
		return true;
	}
	g_set_error(error, ERROR_DOMAIN, ERROR_USAGE,
	    "--at: \"%s\" is not a time like 2026-11-21T03:31:00Z",
	    command->at);
	return false;
}

int
verify_run(Command *command, GError **error)
{
	const char *path = command_operand(command, 0);
	g_autoptr(GBytes) raw = NULL;
	g_autoptr(Stores) stores = NULL;
	g_autoptr(Message) message = NULL;
	g_autoptr(Peel) peel = NULL;
	bool crlf = false;
	gint64 at = 0;

	if (!parse_time(command, &at, error)) {
		return -1;
	}
	raw = input_read(path, INPUT_MESSAGE_MAX, error);
	if (raw == NULL) {
		return -1;
	}
	if (g_bytes_get_size(raw) == 0) {
		g_set_error(error, ERROR_DOMAIN, ERROR_MALFORMED,
		    "%s: empty, no message", path);
		return -1;
	}
	if (!command_enter(command, error)) {
		return -1;
	}
	stores = stores_open(command, error);
	if (stores == NULL) {
		return -1;
	}
	message = message_parse(raw, &crlf);
	peel = stores_peel(stores, message, at);
	return report_peel(command->report, peel);
}
