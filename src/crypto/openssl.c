/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The small things that every module of this room needs of OpenSSL. The error
 * queue belongs to the thread: whoever starts an operation clears it, whoever
 * reports a failure drains it here. Nothing else keeps state.
 */
#include "config.h"

#include "crypto/openssl.h"

#include <time.h>

#include <openssl/err.h>
#include <openssl/provider.h>

#include "crypto/der.h"
#include "crypto/digest.h"

void
openssl_stack_free(X509Stack *stack)
{
	sk_X509_pop_free(stack, X509_free);
}

void
openssl_names_free(GeneralNames *names)
{
	sk_GENERAL_NAME_pop_free(names, GENERAL_NAME_free);
}

void
openssl_extensions_free(X509Extensions *extensions)
{
	sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
}

void
openssl_points_free(DistPoints *points)
{
	sk_DIST_POINT_pop_free(points, DIST_POINT_free);
}

static char *
reason_of(unsigned long code)
{
	const char *reason = ERR_reason_error_string(code);

	if (reason != NULL) {
		return g_strdup(reason);
	}
	return g_strdup_printf("error %08lX", code);
}

/* The oldest entry is the cause, the newest what it spoiled. */
void
openssl_set_error(GError **error, ErrorCode code, const char *what)
{
	unsigned long first = ERR_get_error();
	unsigned long last = ERR_peek_last_error();
	g_autofree char *cause = NULL;
	g_autofree char *spoiled = NULL;

	ERR_clear_error();
	if (first == 0) {
		g_set_error(error, ERROR_DOMAIN, code, "%s: failed", what);
		return;
	}
	cause = reason_of(first);
	if (last == 0) {
		g_set_error(error, ERROR_DOMAIN, code, "%s: %s", what, cause);
		return;
	}
	spoiled = reason_of(last);
	if (g_str_equal(cause, spoiled)) {
		g_set_error(error, ERROR_DOMAIN, code, "%s: %s", what, cause);
		return;
	}
	g_set_error(
	    error, ERROR_DOMAIN, code, "%s: %s (%s)", what, spoiled, cause);
}

BIO *
openssl_bio(GBytes *bytes)
{
	gsize length = 0;
	const void *data = g_bytes_get_data(bytes, &length);

	if (length > G_MAXINT) {
		return NULL;
	}
	/* BIO_new_mem_buf() refuses an empty block given as NULL. */
	return BIO_new_mem_buf(length > 0 ? data : "", (int)length);
}

GBytes *
openssl_bytes(BIO *memory)
{
	char *data = NULL;
	long length = BIO_get_mem_data(memory, &data);

	return g_bytes_new(data, (gsize)MAX(length, 0));
}

bool
openssl_time(const ASN1_TIME *time, gint64 *seconds_out)
{
	struct tm parts;

	if (time == NULL || ASN1_TIME_to_tm(time, &parts) != 1) {
		return false;
	}
	*seconds_out = timegm(&parts);
	return true;
}

char *
openssl_name_text(const X509_NAME *name)
{
	g_autoptr(BIO) out = BIO_new(BIO_s_mem());
	unsigned long flags =
	    XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB;
	char *data = NULL;
	long length = 0;

	if (out == NULL || X509_NAME_print_ex(out, name, 0, flags) < 0) {
		/* A string that is not what its tag says. */
		ERR_clear_error();
		return g_strdup("(unreadable name)");
	}
	length = BIO_get_mem_data(out, &data);
	/* The empty name leaves no memory at all. */
	return length > 0 ? g_utf8_make_valid(data, length) : g_strdup("");
}

static bool
is_text(const ASN1_STRING *value)
{
	switch (ASN1_STRING_type(value)) {
	case V_ASN1_UTF8STRING:
	case V_ASN1_BMPSTRING:
	case V_ASN1_UNIVERSALSTRING:
	case V_ASN1_PRINTABLESTRING:
	case V_ASN1_T61STRING:
	case V_ASN1_IA5STRING:
	case V_ASN1_VISIBLESTRING:
		return true;
	default:
		return false;
	}
}

/* Without white space at the ends, one blank for each run, ASCII lower case.
 * It may hold NULs. */
static void
append_folded(GByteArray *out, const guint8 *text, gsize length)
{
	g_autoptr(GByteArray) folded = g_byte_array_new();
	bool gap = false;

	for (gsize i = 0; i < length; i++) {
		guint8 octet = (guint8)g_ascii_tolower((char)text[i]);

		if (octet < 0x80 && g_ascii_isspace((char)octet)) {
			gap = folded->len > 0;
			continue;
		}
		if (gap) {
			g_byte_array_append(folded, (const guint8 *)" ", 1);
			gap = false;
		}
		g_byte_array_append(folded, &octet, 1);
	}
	der_append(out, V_ASN1_UTF8STRING, folded->data, folded->len);
}

/* transfer full. */
static GBytes *
canonical_entry(const X509_NAME_ENTRY *entry)
{
	const ASN1_OBJECT *type = X509_NAME_ENTRY_get_object(entry);
	const ASN1_STRING *value = X509_NAME_ENTRY_get_data(entry);
	GByteArray *out = g_byte_array_new();
	guint8 *text = NULL;
	int length = -1;

	der_append(out, DER_OID, OBJ_get0_data(type), OBJ_length(type));
	if (is_text(value)) {
		length = ASN1_STRING_to_UTF8(&text, value);
	}
	if (length >= 0) {
		append_folded(out, text, (gsize)length);
		OPENSSL_free(text);
	} else {
		der_append(out, (guint8)ASN1_STRING_type(value),
		    ASN1_STRING_get0_data(value),
		    (gsize)ASN1_STRING_length(value));
	}
	return der_wrap(DER_SEQUENCE, out);
}

char *
openssl_name_key(const X509_NAME *name)
{
	g_autoptr(GByteArray) out = g_byte_array_new();
	g_autoptr(GPtrArray) rdn =
	    g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
	int count = X509_NAME_entry_count(name);

	for (int i = 0; i < count; i++) {
		const X509_NAME_ENTRY *entry = X509_NAME_get_entry(name, i);
		const X509_NAME_ENTRY *next = X509_NAME_get_entry(name, i + 1);

		g_ptr_array_add(rdn, canonical_entry(entry));
		if (next == NULL ||
		    X509_NAME_ENTRY_set(next) != X509_NAME_ENTRY_set(entry)) {
			der_append_set(out, DER_SET, rdn);
			g_ptr_array_set_size(rdn, 0);
		}
	}
	ERR_clear_error();
	return digest_hex(
	    out->data != NULL ? out->data : (guint8 *)"", out->len);
}

char *
openssl_serial_text(const ASN1_INTEGER *serial)
{
	BIGNUM *number = ASN1_INTEGER_to_BN(serial, NULL);
	char *hex = number != NULL ? BN_bn2hex(number) : NULL;
	char *text = g_strdup(hex != NULL ? hex : "");

	OPENSSL_free(hex);
	BN_free(number);
	return text;
}

char *
openssl_object_text(const ASN1_OBJECT *object)
{
	int nid = OBJ_obj2nid(object);
	char dotted[128] = "";

	if (nid != NID_undef) {
		return g_strdup(OBJ_nid2ln(nid));
	}
	OBJ_obj2txt(dotted, sizeof dotted, object, 1);
	return g_strdup(dotted);
}

struct OpensslLegacy {
	OSSL_LIB_CTX *context;
	OSSL_PROVIDER *usual;
	OSSL_PROVIDER *legacy;
};

OpensslLegacy *
openssl_legacy_new(void)
{
	OpensslLegacy *legacy = g_new0(OpensslLegacy, 1);

	legacy->context = OSSL_LIB_CTX_new();
	if (legacy->context == NULL) {
		g_error("OpenSSL cannot make a context");
	}
	legacy->usual = OSSL_PROVIDER_load(legacy->context, "default");
	legacy->legacy = OSSL_PROVIDER_load(legacy->context, "legacy");
	ERR_clear_error();
	return legacy;
}

void
openssl_legacy_free(OpensslLegacy *legacy)
{
	if (legacy == NULL) {
		return;
	}
	if (legacy->legacy != NULL) {
		OSSL_PROVIDER_unload(legacy->legacy);
	}
	if (legacy->usual != NULL) {
		OSSL_PROVIDER_unload(legacy->usual);
	}
	OSSL_LIB_CTX_free(legacy->context);
	g_free(legacy);
}

OSSL_LIB_CTX *
openssl_legacy_context(OpensslLegacy *legacy)
{
	return legacy->context;
}
