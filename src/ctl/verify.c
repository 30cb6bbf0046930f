/* SPDX-License-Identifier: Apache-2.0 */
/*
 * smimectl verify: the layer at the root of a message, judged as DESIGN 3.4.4
 * says, against the anchors of STATE. What lies deeper is somebody's
 * attachment; of a signed content it is only told what it is.
 */
#include "config.h"

#include "base/error.h"
#include "base/text.h"
#include "crypto/cms.h"
#include "crypto/verify.h"
#include "ctl/input.h"
#include "ctl/verbs.h"
#include "mime/address.h"
#include "mime/layers.h"
#include "mime/message.h"
#include "mime/structure.h"
#include "store/anchors.h"

typedef struct {
	GPtrArray *signatures; /* of VerifySignature; at least one */
	char *inside;          /* what the signed content is, or NULL */
} Verdict;

static void
verdict_free(Verdict *verdict)
{
	g_clear_pointer(&verdict->signatures, g_ptr_array_unref);
	g_free(verdict->inside);
	g_free(verdict);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Verdict, verdict_free)

/* A verdict on a message without a signature that could be looked at. */
static void conclude(Verdict *verdict, VerifyResult result, const char *format,
    ...) G_GNUC_PRINTF(3, 4);

static void
conclude(Verdict *verdict, VerifyResult result, const char *format, ...)
{
	VerifySignature *signature = g_new0(VerifySignature, 1);
	va_list arguments;

	va_start(arguments, format);
	signature->result = result;
	signature->reason = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	verdict->signatures = g_ptr_array_new_with_free_func(
	    (GDestroyNotify)verify_signature_free);
	g_ptr_array_add(verdict->signatures, signature);
}

/* "signed-data", "multipart/signed", "text/plain"; NULL: cannot tell. Yours. */
static char *
describe_entity(const Settings *settings, GBytes *entity)
{
	bool crlf = false;
	g_autoptr(Message) message = message_parse(entity, &crlf);
	g_autoptr(Structure) structure = structure_scan(message->fields,
	    message->body, (guint)settings->limits.parts,
	    (guint)settings->limits.depth, NULL);
	g_autoptr(GBytes) blob = NULL;
	g_autoptr(GBytes) content = NULL;
	Layer layer = LAYER_NONE;

	if (structure == NULL ||
	    !layers_find(message->fields, structure, message->body,
		g_bytes_get_size(entity), &layer, &blob, &content, NULL)) {
		return NULL;
	}
	if (layer == LAYER_SMIME_BLOB && cms_kind(blob) != CMS_KIND_NONE) {
		return g_strdup(cms_kind_name(cms_kind(blob)));
	}
	return g_strdup(structure_part(structure, 0)->type);
}

/* blob, and the content beside it when it is detached. */
static void
judge_cms(const Settings *settings, const Anchors *anchors, const char *from,
    gint64 at, GBytes *blob, GBytes *content, Verdict *verdict)
{
	CmsKind kind = cms_kind(blob);
	g_autoptr(GBytes) inner = NULL;

	/* A signature without signers beside a content is for verify_cms() to
	 * judge; by itself it only carries certificates. */
	if (kind == CMS_KIND_SIGNED || content != NULL) {
		verdict->signatures =
		    verify_cms(blob, content, anchors, from, at, &inner);
		if (content != NULL || inner != NULL) {
			verdict->inside = describe_entity(
			    settings, content != NULL ? content : inner);
		}
	} else if (kind == CMS_KIND_NONE) {
		conclude(verdict, VERIFY_NEUTRAL, "the CMS is malformed");
	} else {
		conclude(verdict, VERIFY_NONE, "not signed at the root: %s",
		    cms_kind_name(kind));
	}
}

static void
judge_layer(const Settings *settings, const Anchors *anchors,
    const Message *message, const Structure *structure, gint64 at,
    Verdict *verdict)
{
	const Part *root = structure_part(structure, 0);
	g_autoptr(GBytes) blob = NULL;
	g_autoptr(GBytes) content = NULL;
	g_autoptr(GError) error = NULL;
	AddressFrom from = { 0 };
	Layer layer = LAYER_NONE;

	if (!layers_find(message->fields, structure, message->body, G_MAXSIZE,
		&layer, &blob, &content, &error)) {
		conclude(verdict, VERIFY_NEUTRAL, "%s", error->message);
		return;
	}
	switch (layer) {
	case LAYER_NONE:
		if (g_str_equal(root->type, "multipart/signed")) {
			conclude(verdict, VERIFY_NEUTRAL,
			    "a multipart/signed that is none of S/MIME or is "
			    "broken");
		} else {
			conclude(verdict, VERIFY_NONE, "not signed");
		}
		return;
	case LAYER_PGP_SIGNED:
	case LAYER_PGP_ENCRYPTED:
	case LAYER_PGP_INLINE:
		conclude(verdict, VERIFY_NONE, "OpenPGP, not S/MIME");
		return;
	case LAYER_SMIME_BLOB:
	case LAYER_SMIME_SIGNED:
		break;
	}
	/* RFC 2046 5.1: without its end the signed part is not known. */
	if (root->duplicate_type ||
	    (layer == LAYER_SMIME_SIGNED && !root->terminated)) {
		conclude(verdict, VERIFY_NEUTRAL, "%s",
		    root->duplicate_type
			? "two Content-Type or Content-Transfer-Encoding fields"
			: "the multipart/signed has no end");
		return;
	}
	address_from(message->fields, &from);
	judge_cms(settings, anchors, from.address, at, blob, content, verdict);
	address_from_clear(&from);
}

static Verdict *
judge(const Settings *settings, const Anchors *anchors, GBytes *raw, gint64 at)
{
	bool crlf = false;
	g_autoptr(Message) message = message_parse(raw, &crlf);
	g_autoptr(Structure) structure = NULL;
	g_autoptr(GError) error = NULL;
	Verdict *verdict = g_new0(Verdict, 1);

	structure = structure_scan(message->fields, message->body,
	    (guint)settings->limits.parts, (guint)settings->limits.depth,
	    &error);
	if (structure == NULL) {
		conclude(verdict, VERIFY_NEUTRAL, "%s", error->message);
	} else {
		judge_layer(settings, anchors, message, structure, at, verdict);
	}
	return verdict;
}

static void
print_line(Report *report, const char *name, const char *text)
{
	if (text != NULL) {
		report_line(report, "%s: %s", name, text);
	}
}

static void
report_signature(Report *report, const VerifySignature *signature)
{
	const char *result = verify_result_name(signature->result);
	const Cert *signer = signature->signer;
	const char *fingerprint =
	    signer != NULL ? cert_fingerprint(signer) : NULL;
	g_autofree char *time = signature->signing_time != 0
	    ? text_time(signature->signing_time)
	    : NULL;

	print_line(report, "result", result);
	print_line(report, "reason", signature->reason);
	print_line(
	    report, "signer", signer != NULL ? cert_subject(signer) : NULL);
	print_line(
	    report, "issuer", signer != NULL ? cert_issuer(signer) : NULL);
	print_line(report, "address", signature->address);
	print_line(report, "fingerprint", fingerprint);
	print_line(report, "signing time", time);
	print_line(report, "algorithm", signature->algorithm);

	report_open_object(report);
	report_text(report, "result", result);
	report_text(report, "reason", signature->reason);
	report_text(report, "address", signature->address);
	report_text(report, "fingerprint", fingerprint);
	report_text(report, "signing_time", time);
	report_close_object(report);
}

/* COMMAND_YES only when every signature is good. */
static int
report_verdict(Report *report, const Verdict *verdict)
{
	int code = COMMAND_YES;

	report_open_list(report, "items");
	for (guint i = 0; i < verdict->signatures->len; i++) {
		const VerifySignature *signature =
		    verdict->signatures->pdata[i];

		report_signature(report, signature);
		if (signature->result != VERIFY_PASS) {
			code = COMMAND_NO;
		}
	}
	report_close_list(report);
	print_line(report, "inside", verdict->inside);
	report_text(report, "inside", verdict->inside);
	return code;
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
	g_autoptr(AnchorStore) store = NULL;
	g_autoptr(Anchors) anchors = NULL;
	g_autoptr(Verdict) verdict = NULL;
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
	store = anchors_new(command->settings->state_dir);
	anchors = anchors_current(store, error);
	if (anchors == NULL) {
		return -1;
	}
	verdict = judge(command->settings, anchors, raw, at);
	return report_verdict(command->report, verdict);
}
