/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A certificate revocation list (RFC 5280 5), taken apart where it lies: names,
 * times, algorithm and extensions, which are small, by OpenSSL; the entries,
 * which may be millions, by crl-entries.c. What it says of anybody counts only
 * when revocation.c found it genuine. Immutable but for the signatures that
 * crl-signature.c remembers to have checked.
 */
#include "config.h"

#include <string.h>

#include <openssl/err.h>

#include "crypto/cert-private.h"
#include "crypto/crl-private.h"
#include "crypto/digest.h"

#define CONTENT_MAX ((gsize)1024 * 1024 * 1024)
/* Of a name, of the extensions, of the algorithm: real ones have some hundred
 * bytes. */
#define PART_MAX ((gsize)64 * 1024)
/* Octets; RFC 5280 5.2.3 allows 20. */
#define NUMBER_MAX 32

#define PEM_BEGIN "-----BEGIN X509 CRL-----"
#define PEM_END "-----END X509 CRL-----"

static bool
malformed(GError **error, const char *what)
{
	ERR_clear_error();
	g_set_error(error, ERROR_DOMAIN, ERROR_MALFORMED, "CRL: %s", what);
	return false;
}

/* Decoded straight into its place: OpenSSL's PEM reader holds a large one
 * several times. What is no base64 is passed over. NULL: no such block. */
static GBytes *
decode_pem(DerSpan text)
{
	const char *begin =
	    memmem(text.data, text.length, PEM_BEGIN, strlen(PEM_BEGIN));
	const char *end = NULL;
	const char *limit = (const char *)text.data + text.length;
	guint8 *out = NULL;
	gsize length = 0;
	gint state = 0;
	guint save = 0;

	if (begin == NULL) {
		return NULL;
	}
	begin += strlen(PEM_BEGIN);
	end = memmem(begin, (gsize)(limit - begin), PEM_END, strlen(PEM_END));
	if (end == NULL) {
		return NULL;
	}
	out = g_malloc((gsize)(end - begin) / 4 * 3 + 6);
	length = g_base64_decode_step(
	    begin, (gsize)(end - begin), out, &state, &save);
	return g_bytes_new_take(g_realloc(out, MAX(length, 1)), length);
}

/* transfer full; NULL: neither DER nor PEM. */
static GBytes *
der_of(GBytes *content)
{
	DerSpan span = der_span(content);

	if (span.length > 0 && span.data[0] == DER_SEQUENCE) {
		return g_bytes_ref(content);
	}
	return span.length > 0 ? decode_pem(span) : NULL;
}

static bool
is_time(const DerItem *item)
{
	return item->tag == DER_UTC_TIME || item->tag == DER_GENERALIZED_TIME;
}

static bool
read_time(const DerItem *item, gint64 *seconds_out)
{
	const guint8 *data = item->whole.data;
	g_autoptr(ASN1_TIME) time = NULL;

	if (!is_time(item) || item->whole.length > PART_MAX) {
		return false;
	}
	time = d2i_ASN1_TIME(NULL, &data, (long)item->whole.length);
	return openssl_time(time, seconds_out);
}

static X509_NAME *
read_name(const DerItem *item)
{
	const guint8 *data = item->whole.data;

	return item->whole.length <= PART_MAX
	    ? d2i_X509_NAME(NULL, &data, (long)item->whole.length)
	    : NULL;
}

/* An absent one leaves NULL. */
static bool
read_number(const X509Extensions *extensions, int nid, char **text_out)
{
	int critical = 0;
	ASN1_INTEGER *number = X509V3_get_d2i(extensions, nid, &critical, NULL);
	bool sound = number != NULL &&
	    ASN1_STRING_type(number) == V_ASN1_INTEGER &&
	    ASN1_STRING_length(number) <= NUMBER_MAX;

	if (sound) {
		*text_out = openssl_serial_text(number);
	}
	ASN1_INTEGER_free(number);
	return sound || critical == -1;
}

/* RFC 5280 5.2.5: at most one of them. */
static bool
point_is_sound(const ISSUING_DIST_POINT *point, const X509_NAME *issuer)
{
	int kinds =
	    (point->onlyuser > 0) + (point->onlyCA > 0) + (point->onlyattr > 0);

	return kinds <= 1 &&
	    (point->distpoint == NULL ||
		DIST_POINT_set_dpname(point->distpoint, issuer) == 1);
}

static const char *
critical_fault(const X509Extensions *extensions)
{
	for (int i = 0; i < sk_X509_EXTENSION_num(extensions); i++) {
		X509_EXTENSION *one = sk_X509_EXTENSION_value(extensions, i);

		switch (OBJ_obj2nid(X509_EXTENSION_get_object(one))) {
		case NID_authority_key_identifier:
		case NID_crl_number:
		case NID_delta_crl:
		case NID_issuing_distribution_point:
		case NID_issuer_alt_name:
		case NID_freshest_crl:
		case NID_info_access:
			continue;
		default:
			if (X509_EXTENSION_get_critical(one)) {
				return "an unknown critical extension";
			}
		}
	}
	return NULL;
}

static const char *
read_scope(Crl *crl, const X509Extensions *extensions, const X509_NAME *issuer)
{
	int critical = 0;

	crl->key_id = X509V3_get_d2i(
	    extensions, NID_authority_key_identifier, &critical, NULL);
	if (crl->key_id == NULL && critical != -1) {
		return "its authority key identifier is malformed";
	}
	crl->point = X509V3_get_d2i(
	    extensions, NID_issuing_distribution_point, &critical, NULL);
	if (crl->point == NULL && critical != -1) {
		return "its issuing distribution point is malformed";
	}
	if (crl->point != NULL && !point_is_sound(crl->point, issuer)) {
		return "its issuing distribution point contradicts itself";
	}
	return NULL;
}

static const char *
read_known(Crl *crl, const X509Extensions *extensions, const X509_NAME *issuer)
{
	if (!read_number(extensions, NID_crl_number, &crl->number)) {
		return "its number is malformed";
	}
	if (!read_number(extensions, NID_delta_crl, &crl->base)) {
		return "its base number is malformed";
	}
	return read_scope(crl, extensions, issuer);
}

static bool
read_extensions(Crl *crl, DerSpan span, const X509_NAME *issuer, GError **error)
{
	const guint8 *end = span.data;
	g_autoptr(X509Extensions) extensions = NULL;
	const char *fault = NULL;

	if (span.length > PART_MAX) {
		return malformed(error, "its extensions are too large");
	}
	extensions = d2i_X509_EXTENSIONS(NULL, &end, (long)span.length);
	if (extensions == NULL || end != span.data + span.length) {
		return malformed(error, "its extensions are malformed");
	}
	fault = critical_fault(extensions);
	if (fault == NULL) {
		fault = read_known(crl, extensions, issuer);
	}
	return fault == NULL || malformed(error, fault);
}

static void
append_value(GByteArray *out, int length, guint8 *der)
{
	der_append(out, DER_OCTET_STRING, der != NULL ? der : (guint8 *)"",
	    (gsize)MAX(length, 0));
	OPENSSL_free(der);
}

static char *
scope_of(const Crl *crl)
{
	g_autoptr(GByteArray) out = g_byte_array_new();
	guint8 *key_id = NULL;
	guint8 *point = NULL;
	int length = 0;

	der_append(
	    out, DER_OCTET_STRING, crl->issuer_key, strlen(crl->issuer_key));
	length =
	    crl->key_id != NULL ? i2d_AUTHORITY_KEYID(crl->key_id, &key_id) : 0;
	append_value(out, length, key_id);
	length =
	    crl->point != NULL ? i2d_ISSUING_DIST_POINT(crl->point, &point) : 0;
	append_value(out, length, point);
	return digest_hex(out->data, out->len);
}

/* TBSCertList, the small parts of which end with the times. */
typedef struct {
	bool extensible; /* version 2 */
	DerItem algorithm;
	DerItem issuer;
	DerItem this_update;
	DerItem next_update; /* tag 0: absent */
	DerSpan revoked;
	DerSpan extensions;
} Parts;

/* rest: behind thisUpdate. All are optional; each is where it must be. */
static bool
split_options(DerSpan rest, Parts *parts)
{
	DerItem item;
	bool left = rest.length > 0;

	if (left && !der_next(&rest, &item)) {
		return false;
	}
	if (left && is_time(&item)) {
		parts->next_update = item;
		left = rest.length > 0;
		if (left && !der_next(&rest, &item)) {
			return false;
		}
	}
	if (left && item.tag == DER_SEQUENCE) {
		parts->revoked = item.content;
		left = rest.length > 0;
		if (left && !der_next(&rest, &item)) {
			return false;
		}
	}
	if (left && item.tag == DER_CONTEXT_0) {
		parts->extensions = item.content;
		left = rest.length > 0;
	}
	return !left;
}

static bool
split(DerSpan tbs, Parts *parts)
{
	DerItem item;

	if (!der_next(&tbs, &item)) {
		return false;
	}
	if (item.tag == DER_INTEGER) {
		if (item.content.length != 1 || item.content.data[0] != 1) {
			return false;
		}
		parts->extensible = true;
		if (!der_next(&tbs, &item)) {
			return false;
		}
	}
	parts->algorithm = item;
	return item.tag == DER_SEQUENCE &&
	    der_next_tagged(&tbs, DER_SEQUENCE, &parts->issuer) &&
	    der_next(&tbs, &parts->this_update) && split_options(tbs, parts);
}

static bool
same_bytes(DerSpan a, DerSpan b)
{
	return a.length == b.length && memcmp(a.data, b.data, a.length) == 0;
}

static bool
read_times(Crl *crl, const Parts *parts)
{
	return read_time(&parts->this_update, &crl->this_update) &&
	    (parts->next_update.tag == 0 ||
		read_time(&parts->next_update, &crl->next_update));
}

static bool
read_parts(Crl *crl, const Parts *parts, GError **error)
{
	g_autoptr(X509_NAME) issuer = read_name(&parts->issuer);

	if (issuer == NULL) {
		return malformed(error, "its issuer's name is malformed");
	}
	crl->issuer = openssl_name_text(issuer);
	crl->issuer_key = openssl_name_key(issuer);
	if (!read_times(crl, parts)) {
		return malformed(error, "its dates are malformed");
	}
	if (parts->extensions.length > 0) {
		if (!parts->extensible) {
			return malformed(error, "extensions in version 1");
		}
		if (!read_extensions(crl, parts->extensions, issuer, error)) {
			return false;
		}
	}
	crl->scope = scope_of(crl);
	return crl_entries_read(&crl->entries, der_span(crl->der).data,
	    parts->revoked, parts->extensible, crl->issuer_key, error);
}

static bool
read_signature(Crl *crl, const DerItem *algorithm, const DerItem *signature)
{
	const guint8 *data = algorithm->whole.data;

	if (algorithm->whole.length > PART_MAX ||
	    signature->whole.length > PART_MAX) {
		return false;
	}
	crl->algorithm =
	    d2i_X509_ALGOR(NULL, &data, (long)algorithm->whole.length);
	data = signature->whole.data;
	crl->signature =
	    d2i_ASN1_BIT_STRING(NULL, &data, (long)signature->whole.length);
	return crl->algorithm != NULL && crl->signature != NULL;
}

static bool
parse(Crl *crl, GError **error)
{
	DerSpan rest = der_span(crl->der);
	DerItem list;
	DerItem tbs;
	DerItem algorithm;
	DerItem signature;
	Parts parts = { 0 };

	if (!der_next_tagged(&rest, DER_SEQUENCE, &list)) {
		return malformed(error, "cut off, or none");
	}
	if (rest.length > 0) {
		return malformed(error, "bytes behind its end");
	}
	rest = list.content;
	if (!der_next_tagged(&rest, DER_SEQUENCE, &tbs) ||
	    !der_next_tagged(&rest, DER_SEQUENCE, &algorithm) ||
	    !der_next_tagged(&rest, DER_BIT_STRING, &signature) ||
	    rest.length > 0 || !split(tbs.content, &parts)) {
		return malformed(error, "not built as one");
	}
	/* RFC 5280 5.1.1.2. */
	if (!same_bytes(algorithm.whole, parts.algorithm.whole)) {
		return malformed(error, "two signature algorithms");
	}
	if (!read_signature(crl, &algorithm, &signature)) {
		return malformed(error, "its signature is malformed");
	}
	crl->tbs = tbs.whole;
	return read_parts(crl, &parts, error);
}

Crl *
crl_new(GBytes *content, GError **error)
{
	g_autoptr(Crl) crl = NULL;
	g_autoptr(GBytes) der = NULL;
	DerSpan span;

	ERR_clear_error();
	if (g_bytes_get_size(content) > CONTENT_MAX) {
		g_set_error(error, ERROR_DOMAIN, ERROR_MALFORMED,
		    "CRL: larger than %" G_GSIZE_FORMAT " bytes", CONTENT_MAX);
		return NULL;
	}
	der = der_of(content);
	if (der == NULL) {
		malformed(error, "neither DER nor PEM");
		return NULL;
	}
	crl = g_new0(Crl, 1);
	g_atomic_ref_count_init(&crl->references);
	pthread_mutex_init(&crl->lock, NULL);
	crl->signers =
	    g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	crl->der = g_steal_pointer(&der);
	if (!parse(crl, error)) {
		return NULL;
	}
	span = der_span(crl->der);
	crl->fingerprint = digest_hex(span.data, span.length);
	ERR_clear_error();
	return g_steal_pointer(&crl);
}

Crl *
crl_ref(Crl *crl)
{
	g_atomic_ref_count_inc(&crl->references);
	return crl;
}

void
crl_unref(Crl *crl)
{
	if (crl == NULL || !g_atomic_ref_count_dec(&crl->references)) {
		return;
	}
	crl_entries_clear(&crl->entries);
	g_hash_table_unref(crl->signers);
	pthread_mutex_destroy(&crl->lock);
	AUTHORITY_KEYID_free(crl->key_id);
	ISSUING_DIST_POINT_free(crl->point);
	X509_ALGOR_free(crl->algorithm);
	ASN1_BIT_STRING_free(crl->signature);
	g_free(crl->fingerprint);
	g_free(crl->issuer);
	g_free(crl->issuer_key);
	g_free(crl->number);
	g_free(crl->base);
	g_free(crl->scope);
	g_bytes_unref(crl->der);
	g_free(crl);
}

GBytes *
crl_der(const Crl *crl)
{
	return g_bytes_ref(crl->der);
}

const char *
crl_fingerprint(const Crl *crl)
{
	return crl->fingerprint;
}

const char *
crl_issuer(const Crl *crl)
{
	return crl->issuer;
}

const char *
crl_issuer_key(const Crl *crl)
{
	return crl->issuer_key;
}

gint64
crl_this_update(const Crl *crl)
{
	return crl->this_update;
}

gint64
crl_next_update(const Crl *crl)
{
	return crl->next_update;
}

const char *
crl_number(const Crl *crl)
{
	return crl->number;
}

bool
crl_is_delta(const Crl *crl)
{
	return crl->base != NULL;
}

guint
crl_count(const Crl *crl)
{
	return crl->entries.count;
}

bool
crl_same_scope(const Crl *a, const Crl *b)
{
	return crl_is_delta(a) == crl_is_delta(b) &&
	    g_str_equal(a->scope, b->scope);
}

/* Of hex without sign. */
static gint
compare_numbers(const char *a, const char *b)
{
	gsize a_length = 0;
	gsize b_length = 0;

	a += strspn(a, "0");
	b += strspn(b, "0");
	a_length = strlen(a);
	b_length = strlen(b);
	if (a_length != b_length) {
		return a_length < b_length ? -1 : 1;
	}
	return strcmp(a, b);
}

bool
crl_is_later(const Crl *a, const Crl *b)
{
	gint order = a->number != NULL && b->number != NULL
	    ? compare_numbers(a->number, b->number)
	    : 0;

	return order > 0 || (order == 0 && a->this_update > b->this_update);
}

bool
crl_is_newer(const Crl *a, const Crl *b)
{
	return crl_is_later(a, b);
}

bool
crl_delta_fits(const Crl *delta, const Crl *complete)
{
	return delta->base != NULL && complete->base == NULL &&
	    delta->number != NULL && complete->number != NULL &&
	    g_str_equal(delta->scope, complete->scope) &&
	    compare_numbers(complete->number, delta->base) >= 0 &&
	    compare_numbers(complete->number, delta->number) < 0;
}

/* In DER, since ASN1_INTEGER keeps the sign elsewhere. transfer full. */
static GBytes *
serial_of(const Cert *cert)
{
	const ASN1_INTEGER *serial = X509_get0_serialNumber(cert_x509(cert));
	guint8 *der = NULL;
	int length = i2d_ASN1_INTEGER(serial, &der);
	GBytes *bytes = g_bytes_new(der, (gsize)MAX(length, 0));

	OPENSSL_free(der);
	return bytes;
}

static const char *
reason_text(guint8 reason)
{
	static const char *const TEXTS[CRL_REASONS] = {
		"no reason given",
		"key compromise",
		"CA compromise",
		"affiliation changed",
		"superseded",
		"cessation of operation",
		"certificate hold",
		"no reason given",
		"removed from the CRL",
		"privilege withdrawn",
		"AA compromise",
	};

	return TEXTS[reason];
}

bool
crl_lookup(const Crl *crl, const Cert *cert, CrlFinding *finding_out)
{
	g_autoptr(GBytes) serial = serial_of(cert);
	DerSpan span = der_span(serial);
	DerItem item;
	const CrlEntry *entry = NULL;

	if (!der_next_tagged(&span, DER_INTEGER, &item)) {
		return false;
	}
	entry = crl_entries_find(
	    &crl->entries, cert_issuer_key(cert), item.content);
	if (entry == NULL) {
		return false;
	}
	finding_out->removed = entry->reason == CRL_REMOVED;
	finding_out->reason = reason_text(entry->reason);
	finding_out->since =
	    crl_entries_since(&crl->entries, g_bytes_get_size(crl->der), entry);
	return true;
}
