/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SignedData by its elements. OpenSSL would make objects of each certificate
 * and CRL of each mail and copy its content: the most of what a verification
 * costs. So they are cut out first: certificates go through the cache of the
 * process, content stays where it is, unsigned attributes prove nothing and
 * are dropped. Limits are checked before anything is decoded. What order the
 * elements have is checked here, what they hold by OpenSSL.
 */
#include "config.h"

#include "crypto/signeddata.h"

#include <string.h>

#include <openssl/err.h>

#include "crypto/cert-private.h"
#include "crypto/cms-private.h"
#include "crypto/crl.h"

#define BLOB_MAX ((gsize)1 << 30)
/* One SignerInfo without its unsigned attributes: real ones have 0.5 to 4 kB,
 * and OpenSSL's objects take many times as much. */
#define SIGNER_MAX ((gsize)64 * 1024)
/* As OpenSSL: ASN1_MAX_STRING_NEST. */
#define STRING_DEPTH 5

enum {
	CONSTRUCTED = 0x20,
	CONSTRUCTED_STRING = DER_OCTET_STRING | CONSTRUCTED,
};

static const char MALFORMED[] = "the CMS is malformed";

/* What there is in a SignedData, each with its header. */
typedef struct {
	DerItem version;
	DerItem digests;
	DerItem type; /* of the content */
	DerItem certs;
	DerItem crls;
	DerItem signers;
} Parts;

static const guint8 SIGNED_DATA[] = { DER_OID, 9, 0x2A, 0x86, 0x48, 0x86, 0xF7,
	0x0D, 1, 7, 2 };

static bool
is_tag(const DerSpan *rest, guint8 tag)
{
	return rest->length > 0 && rest->data[0] == tag;
}

static bool
equals(DerSpan span, const guint8 *bytes, gsize length)
{
	return span.length == length && memcmp(span.data, bytes, length) == 0;
}

/* EncapsulatedContentInfo */
static bool
take_content(SignedData *data, DerSpan rest, Parts *parts)
{
	DerItem wrapper;

	if (!der_next_tagged(&rest, DER_OID, &parts->type)) {
		return false;
	}
	if (rest.length == 0) {
		return true;
	}
	if (!der_next_tagged(&rest, DER_CONTEXT_0, &wrapper) ||
	    rest.length > 0) {
		return false;
	}
	rest = wrapper.content;
	if (!der_next(&rest, &data->content) || rest.length > 0) {
		return false;
	}
	data->inside = true;
	return data->content.tag == DER_OCTET_STRING ||
	    data->content.tag == CONSTRUCTED_STRING;
}

static bool
take_parts(SignedData *data, DerSpan rest, Parts *parts)
{
	DerItem content;

	if (!der_next_tagged(&rest, DER_INTEGER, &parts->version) ||
	    !der_next_tagged(&rest, DER_SET, &parts->digests) ||
	    !der_next_tagged(&rest, DER_SEQUENCE, &content) ||
	    !take_content(data, content.content, parts)) {
		return false;
	}
	if (is_tag(&rest, DER_CONTEXT_0) && !der_next(&rest, &parts->certs)) {
		return false;
	}
	if (is_tag(&rest, DER_CONTEXT_1) && !der_next(&rest, &parts->crls)) {
		return false;
	}
	return der_next_tagged(&rest, DER_SET, &parts->signers) &&
	    rest.length == 0;
}

/* false: they are no elements. */
static bool
count(DerSpan rest, guint *count_out)
{
	DerItem item;
	guint found = 0;

	while (rest.length > 0) {
		if (!der_next(&rest, &item)) {
			return false;
		}
		found++;
	}
	*count_out = found;
	return true;
}

static const char *
check_limits(const Parts *parts, SignedData *data)
{
	guint certs = 0;
	guint crls = 0;

	if (!count(parts->certs.content, &certs) ||
	    !count(parts->crls.content, &crls) ||
	    !count(parts->signers.content, &data->count)) {
		return MALFORMED;
	}
	if (certs > VERIFY_CERTS || data->count > VERIFY_SIGNERS) {
		return "too many signers or certificates";
	}
	if (crls > VERIFY_CRLS) {
		return "too many revocation lists";
	}
	return NULL;
}

/* A SignerInfo up to its signature. */
static const char *
append_signer(GByteArray *out, DerSpan rest)
{
	const guint8 *start = rest.data;
	DerItem item;
	gsize length = 0;

	if (!der_next_tagged(&rest, DER_INTEGER, &item) ||
	    !der_next(&rest, &item) ||
	    !der_next_tagged(&rest, DER_SEQUENCE, &item)) {
		return MALFORMED;
	}
	if (is_tag(&rest, DER_CONTEXT_0) && !der_next(&rest, &item)) {
		return MALFORMED;
	}
	if (!der_next_tagged(&rest, DER_SEQUENCE, &item) ||
	    !der_next(&rest, &item)) {
		return MALFORMED;
	}
	length = (gsize)(rest.data - start);
	if (rest.length > 0 &&
	    (!der_next_tagged(&rest, DER_CONTEXT_1, &item) ||
		rest.length > 0)) {
		return MALFORMED;
	}
	if (length > SIGNER_MAX) {
		return "a signature is too large";
	}
	der_append(out, DER_SEQUENCE, start, length);
	return NULL;
}

static const char *
append_signers(GByteArray *out, DerSpan rest)
{
	while (rest.length > 0) {
		const char *fault = NULL;
		DerItem item;

		if (!der_next_tagged(&rest, DER_SEQUENCE, &item)) {
			return MALFORMED;
		}
		fault = append_signer(out, item.content);
		if (fault != NULL) {
			return fault;
		}
	}
	return NULL;
}

static void
append_span(GByteArray *out, DerSpan span)
{
	g_byte_array_append(out, span.data, (guint)span.length);
}

/* The rest as a ContentInfo of its own. */
static const char *
decode(SignedData *data, const Parts *parts)
{
	g_autoptr(GByteArray) signers = g_byte_array_new();
	g_autoptr(GByteArray) out = NULL;
	const char *fault = append_signers(signers, parts->signers.content);
	g_autoptr(GBytes) rest = NULL;
	gsize inner = 0;

	if (fault != NULL) {
		return fault;
	}
	if (parts->digests.whole.length > SIGNER_MAX) {
		return "too many hashes";
	}
	inner = parts->version.whole.length + parts->digests.whole.length +
	    der_size(parts->type.whole.length) + der_size(signers->len);
	out = g_byte_array_sized_new((guint)inner + 64);
	der_append_header(
	    out, DER_SEQUENCE, sizeof SIGNED_DATA + der_size(der_size(inner)));
	g_byte_array_append(out, SIGNED_DATA, sizeof SIGNED_DATA);
	der_append_header(out, DER_CONTEXT_0, der_size(inner));
	der_append_header(out, DER_SEQUENCE, inner);
	append_span(out, parts->version.whole);
	append_span(out, parts->digests.whole);
	der_append_header(out, DER_SEQUENCE, parts->type.whole.length);
	append_span(out, parts->type.whole);
	der_append(out, DER_SET, signers->data, signers->len);
	rest = g_byte_array_free_to_bytes(g_steal_pointer(&out));
	data->cms = cms_parse(rest);
	ERR_clear_error();
	return data->cms != NULL ? NULL : MALFORMED;
}

/* Attribute certificates and the like are passed over, and so are broken ones:
 * they cannot be a signer's. */
static void
collect_certs(GPtrArray *certs, DerSpan rest)
{
	DerItem item;

	while (rest.length > 0 && der_next(&rest, &item)) {
		Cert *cert = item.tag == DER_SEQUENCE
		    ? cert_shared(item.whole.data, item.whole.length, NULL)
		    : NULL;

		if (cert != NULL && g_ptr_array_find(certs, cert, NULL)) {
			g_clear_pointer(&cert, cert_unref);
		}
		if (cert != NULL) {
			g_ptr_array_add(certs, cert);
		}
	}
}

static void
collect_crls(GPtrArray *crls, DerSpan rest)
{
	DerItem item;

	while (rest.length > 0 && der_next(&rest, &item)) {
		if (item.tag == DER_SEQUENCE) {
			/* A copy: it may be kept, and not the whole mail. */
			g_autoptr(GBytes) der =
			    g_bytes_new(item.whole.data, item.whole.length);
			Crl *crl = crl_new(der, NULL);

			if (crl != NULL) {
				g_ptr_array_add(crls, crl);
			}
		}
	}
}

const char *
signeddata_init(SignedData *data, GBytes *blob)
{
	DerSpan rest = der_span(blob);
	Parts parts = { 0 };
	DerItem item;
	DerItem type;
	const char *fault = NULL;

	*data = (SignedData){ .blob = g_bytes_ref(blob) };
	data->certs =
	    g_ptr_array_new_with_free_func((GDestroyNotify)cert_unref);
	data->crls = g_ptr_array_new_with_free_func((GDestroyNotify)crl_unref);
	if (rest.length > BLOB_MAX ||
	    !der_next_tagged(&rest, DER_SEQUENCE, &item) || rest.length > 0) {
		return MALFORMED;
	}
	rest = item.content;
	if (!der_next_tagged(&rest, DER_OID, &type)) {
		return MALFORMED;
	}
	if (!equals(type.whole, SIGNED_DATA, sizeof SIGNED_DATA)) {
		return "the CMS is no signature";
	}
	if (!der_next_tagged(&rest, DER_CONTEXT_0, &item) || rest.length > 0) {
		return MALFORMED;
	}
	rest = item.content;
	if (!der_next_tagged(&rest, DER_SEQUENCE, &item) || rest.length > 0 ||
	    !take_parts(data, item.content, &parts)) {
		return MALFORMED;
	}
	fault = check_limits(&parts, data);
	if (fault == NULL) {
		fault = decode(data, &parts);
	}
	if (fault == NULL) {
		collect_certs(data->certs, parts.certs.content);
		collect_crls(data->crls, parts.crls.content);
	}
	return fault;
}

void
signeddata_clear(SignedData *data)
{
	g_clear_pointer(&data->cms, CMS_ContentInfo_free);
	g_clear_pointer(&data->certs, g_ptr_array_unref);
	g_clear_pointer(&data->crls, g_ptr_array_unref);
	g_clear_pointer(&data->blob, g_bytes_unref);
}

static bool
join(GByteArray *out, DerSpan rest, guint depth)
{
	DerItem item;

	while (rest.length > 0) {
		if (!der_next(&rest, &item)) {
			return false;
		}
		if (item.tag == DER_OCTET_STRING) {
			append_span(out, item.content);
		} else if (item.tag != CONSTRUCTED_STRING ||
		    depth >= STRING_DEPTH ||
		    !join(out, item.content, depth + 1)) {
			return false;
		}
	}
	return true;
}

GBytes *
signeddata_content(const SignedData *data)
{
	DerSpan content = data->content.content;
	g_autoptr(GByteArray) out = NULL;

	if (data->content.tag == DER_OCTET_STRING) {
		gsize start = (gsize)(content.data - der_span(data->blob).data);

		return g_bytes_new_from_bytes(
		    data->blob, start, content.length);
	}
	out = g_byte_array_sized_new((guint)content.length);
	if (!join(out, content, 1)) {
		return NULL;
	}
	return g_byte_array_free_to_bytes(g_steal_pointer(&out));
}
