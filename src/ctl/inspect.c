/* SPDX-License-Identifier: Apache-2.0 */
/*
 * smimectl inspect: what a file is, without judging it: certificates, a CMS
 * structure by itself, or a message with its parts and the S/MIME structure at
 * its root. Needs no settings and touches nothing.
 */
#include "config.h"

#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "crypto/cert.h"
#include "crypto/cms.h"
#include "crypto/inspect.h"
#include "ctl/input.h"
#include "ctl/verbs.h"
#include "mime/layers.h"
#include "mime/message.h"
#include "mime/structure.h"

/* The defaults of limits.parts and limits.depth. */
#define PARTS_MAX 1000
#define DEPTH_MAX 50

static const char *const encoding_names[] = {
	[ENCODING_7BIT] = "7bit",
	[ENCODING_8BIT] = "8bit",
	[ENCODING_BINARY] = "binary",
	[ENCODING_QUOTED_PRINTABLE] = "quoted-printable",
	[ENCODING_BASE64] = "base64",
	[ENCODING_OTHER] = "unknown",
};

static void
report_use(Report *report, const char *use, bool fit, const char *reason)
{
	report_line(report, "  fit for %s: %s%s%s", use, fit ? "yes" : "no",
	    fit ? "" : ", ", fit ? "" : reason);
	report_open_object(report);
	report_text(report, "use", use);
	report_bool(report, "fit", fit);
	report_text(report, "reason", fit ? NULL : reason);
	report_close_object(report);
}

static void
report_cert(Report *report, const Cert *cert)
{
	const char *reason = NULL;
	g_autofree char *text = cert_describe(cert);
	bool fit;

	report_line(report, "certificate");
	report_block(report, "  ", text);
	report_open_object(report);
	report_text(report, "kind", "certificate");
	report_text(report, "subject", cert_subject(cert));
	report_text(report, "issuer", cert_issuer(cert));
	report_text(report, "serial", cert_serial(cert));
	report_text(report, "key", cert_key_name(cert));
	report_time(report, "not_before", cert_not_before(cert));
	report_time(report, "not_after", cert_not_after(cert));
	report_bool(report, "ca", cert_is_ca(cert));
	report_texts(report, "addresses", cert_addresses(cert));
	report_text(report, "fingerprint", cert_fingerprint(cert));
	report_open_list(report, "uses");
	fit = cert_fit_for_signing(cert, &reason);
	report_use(report, "signing", fit, reason);
	fit = cert_fit_for_encryption(cert, &reason);
	report_use(report, "encryption", fit, reason);
	report_close_list(report);
	report_close_object(report);
}

static void
print_list(Report *report, const char *name, const GPtrArray *texts)
{
	for (guint i = 0; i < texts->len; i++) {
		report_line(
		    report, "  %s: %s", name, (const char *)texts->pdata[i]);
	}
}

/* The structure, then the certificates in it, as items of their own. */
static void
report_cms(Report *report, const Inspection *inspection)
{
	report_line(report, "CMS: %s", inspection->kind);
	if (inspection->cipher != NULL) {
		report_line(report, "  cipher: %s", inspection->cipher);
	}
	print_list(report, "signer", inspection->signers);
	print_list(report, "recipient", inspection->recipients);
	report_open_object(report);
	report_text(report, "kind", "cms");
	report_text(report, "content", inspection->kind);
	report_text(report, "cipher", inspection->cipher);
	report_texts(report, "signers", inspection->signers);
	report_texts(report, "recipients", inspection->recipients);
	report_close_object(report);
	for (guint i = 0; i < inspection->certs->len; i++) {
		report_cert(report, inspection->certs->pdata[i]);
	}
}

static void
report_part(Report *report, const Structure *structure, guint i)
{
	const Part *part = structure_part(structure, i);
	const char *encoding = encoding_names[part->encoding];
	gsize size = part->end - part->start;
	g_autofree char *name = structure_name(structure, i);
	bool open = part->kind == PART_MULTIPART && !part->terminated;

	report_line(report, "%*s%s, %s, %" G_GSIZE_FORMAT " bytes%s%s%s",
	    (int)part->depth * 2 + 2, "", part->type, encoding, size,
	    name != NULL ? ", " : "", name != NULL ? name : "",
	    open ? ", without its end" : "");
	report_open_object(report);
	report_text(report, "kind", "part");
	report_text(report, "type", part->type);
	report_text(report, "encoding", encoding);
	report_number(report, "depth", part->depth);
	report_number(report, "size", (gint64)size);
	report_text(report, "name", name);
	report_bool(report, "complete", !open);
	report_close_object(report);
}

static bool
report_message(Report *report, GBytes *raw, GError **error)
{
	bool crlf = false;
	g_autoptr(Message) message = message_parse(raw, &crlf);
	g_autoptr(Structure) structure = NULL;
	g_autoptr(Inspection) inspection = NULL;
	g_autoptr(GBytes) blob = NULL;
	g_autoptr(GBytes) content = NULL;
	Layer layer = LAYER_NONE;

	structure = structure_scan(
	    message->fields, message->body, PARTS_MAX, DEPTH_MAX, error);
	if (structure == NULL ||
	    !layers_find(message->fields, structure, message->body,
		INPUT_MESSAGE_MAX, &layer, &blob, &content, error)) {
		return false;
	}
	report_line(report, "message, %u header fields, %s line ends",
	    fields_count(message->fields), crlf ? "CRLF" : "LF");
	for (guint i = 0; i < structure_count(structure); i++) {
		report_part(report, structure, i);
	}
	if (layer >= LAYER_PGP_SIGNED) {
		report_line(report, "OpenPGP %s",
		    layer == LAYER_PGP_SIGNED       ? "signature"
			: layer == LAYER_PGP_INLINE ? "armour in the text"
						    : "encryption");
	}
	if (blob != NULL) {
		inspection = inspect_cms(blob, NULL);
	}
	if (inspection != NULL) {
		report_cms(report, inspection);
	} else if (layer == LAYER_SMIME_SIGNED) {
		report_line(report, "the signature is no CMS");
	}
	return true;
}

/* The DER inside the first PEM block of this label; NULL: none. */
static GBytes *
decode_pem(const char *text, gsize length, const char *label)
{
	g_autofree char *first = g_strdup_printf("-----BEGIN %s-----", label);
	g_autofree char *last = g_strdup_printf("-----END %s-----", label);
	const char *start = g_strstr_len(text, (gssize)length, first);
	const char *end = NULL;
	g_autofree char *base64 = NULL;
	guchar *der;
	gsize size = 0;

	if (start != NULL) {
		start += strlen(first);
		end =
		    g_strstr_len(start, (gssize)(text + length - start), last);
	}
	if (end == NULL) {
		return NULL;
	}
	base64 = g_strndup(start, (gsize)(end - start));
	der = g_base64_decode(base64, &size);
	return g_bytes_new_take(der, size);
}

/* A CMS structure by itself, DER or PEM; NULL: it is none. */
static Inspection *
read_cms(GBytes *raw)
{
	static const char *const labels[] = { "CMS", "PKCS7",
		"PKCS #7 SIGNED DATA" };
	gsize length = 0;
	const char *text = g_bytes_get_data(raw, &length);

	for (guint i = 0; i < G_N_ELEMENTS(labels); i++) {
		g_autoptr(GBytes) der = decode_pem(text, length, labels[i]);

		if (der != NULL) {
			return inspect_cms(der, NULL);
		}
	}
	return inspect_cms(raw, NULL);
}

/* Only a mail has one of these. */
static bool
is_message(GBytes *raw)
{
	static const char *const names[] = { "From", "To", "Date", "Subject",
		"Message-ID", "Received", "MIME-Version", "Content-Type" };
	bool crlf = false;
	g_autoptr(Message) message = message_parse(raw, &crlf);

	for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
		if (fields_find(message->fields, names[i], 1) != NULL) {
			return true;
		}
	}
	return false;
}

static bool
report_file(Report *report, const char *path, GBytes *raw, GError **error)
{
	g_autoptr(GPtrArray) certs = NULL;
	g_autoptr(Inspection) inspection = NULL;

	if (is_message(raw)) {
		return report_message(report, raw, error);
	}
	inspection = read_cms(raw);
	if (inspection != NULL) {
		report_cms(report, inspection);
		return true;
	}
	certs = cert_read_all(raw, NULL);
	for (guint i = 0; certs != NULL && i < certs->len; i++) {
		report_cert(report, certs->pdata[i]);
	}
	if (certs == NULL) {
		g_set_error(error, ERROR_DOMAIN, ERROR_MALFORMED,
		    "%s is no message, no certificate and no CMS structure",
		    path);
	}
	return certs != NULL;
}

int
inspect_run(Command *command, GError **error)
{
	const char *path = command_operand(command, 0);
	g_autoptr(GBytes) raw = input_read(path, INPUT_MESSAGE_MAX, error);

	if (raw == NULL) {
		return -1;
	}
	report_open_list(command->report, "items");
	if (!report_file(command->report, path, raw, error)) {
		return -1;
	}
	report_close_list(command->report);
	return COMMAND_YES;
}
