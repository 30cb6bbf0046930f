/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses of a certificate: rfc822Name (RFC 5280 4.2.1.6) and SmtpUTF8Mailbox
 * (RFC 9598) of the subjectAltName; the emailAddress of the subject only when
 * the subjectAltName has no address at all, sound or not. What could be read in
 * two ways (NUL, control bytes, angle brackets) is left out. Pure functions.
 */
#include "config.h"

#include "crypto/mailbox.h"

#include <string.h>

#include "base/text.h"

/* RFC 5321 4.5.3.1: 64 for the local part, 255 for the domain. */
#define MAILBOX_MAX 320
/* In one certificate; those behind are not seen. Each is compared with those
 * before it. */
#define MAILBOXES 200

static bool
is_sound(const char *text, gsize length)
{
	if (length == 0 || length > MAILBOX_MAX) {
		return false;
	}
	for (gsize i = 0; i < length; i++) {
		guchar byte = (guchar)text[i];

		if (byte < 0x20 || byte == 0x7F || byte == '<' || byte == '>') {
			return false;
		}
	}
	return true;
}

/* RFC 5321 4.1.2: a quoted local part means what is inside the quotes. */
static char *
unquote(const char *local, gsize length)
{
	GString *plain = g_string_sized_new(length);

	if (length < 2 || local[0] != '"' || local[length - 1] != '"') {
		g_string_append_len(plain, local, (gssize)length);
		return g_string_free(plain, FALSE);
	}
	for (gsize i = 1; i + 1 < length; i++) {
		if (local[i] == '\\' && i + 2 < length) {
			i++;
		}
		g_string_append_c(plain, local[i]);
	}
	return g_string_free(plain, FALSE);
}

/* A-labels in lower case. RFC 9598 wants them, RFC 8398 had U-labels. */
static char *
normalise_domain(const char *domain)
{
	g_autofree char *ascii = NULL;

	if (g_str_is_ascii(domain)) {
		return g_ascii_strdown(domain, -1);
	}
	ascii = g_hostname_to_ascii(domain);
	return ascii != NULL ? g_ascii_strdown(ascii, -1) : NULL;
}

static char *
normalise(const char *text, gsize length)
{
	const char *at = NULL;
	g_autofree char *copy = NULL;
	g_autofree char *local = NULL;
	g_autofree char *domain = NULL;

	if (!is_sound(text, length)) {
		return NULL;
	}
	copy = g_strndup(text, length);
	at = strrchr(copy, '@');
	if (at == NULL || at == copy || at[1] == '\0') {
		return NULL;
	}
	local = unquote(copy, (gsize)(at - copy));
	domain = normalise_domain(at + 1);
	if (domain == NULL || *local == '\0') {
		return NULL;
	}
	return g_strconcat(local, "@", domain, NULL);
}

static void
add(GPtrArray *list, char *address)
{
	if (address == NULL) {
		return;
	}
	if (list->len >= MAILBOXES ||
	    g_ptr_array_find_with_equal_func(
		list, address, g_str_equal, NULL)) {
		g_free(address);
		return;
	}
	g_ptr_array_add(list, address);
}

static void
add_ascii(GPtrArray *list, const ASN1_STRING *value)
{
	const char *text = (const char *)ASN1_STRING_get0_data(value);
	gsize length = (gsize)ASN1_STRING_length(value);

	for (gsize i = 0; i < length; i++) {
		if ((guchar)text[i] >= 0x80) {
			return;
		}
	}
	add(list, normalise(text, length));
}

/* RFC 9598 3: UTF-8, no BOM, and only where the local part needs it, so that it
 * can never equal an rfc822Name. */
static void
add_utf8(GPtrArray *list, const ASN1_STRING *value)
{
	const char *text = (const char *)ASN1_STRING_get0_data(value);
	gsize length = (gsize)ASN1_STRING_length(value);
	g_autofree char *address = NULL;
	g_autofree char *local = NULL;

	if (!g_utf8_validate_len(text, length, NULL) ||
	    (length >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0)) {
		return;
	}
	address = normalise(text, length);
	if (address == NULL) {
		return;
	}
	local = g_strndup(address, (gsize)(strrchr(address, '@') - address));
	if (!g_str_is_ascii(local)) {
		add(list, g_steal_pointer(&address));
	}
}

static bool
is_utf8_mailbox(const GENERAL_NAME *name)
{
	return name->type == GEN_OTHERNAME &&
	    OBJ_obj2nid(name->d.otherName->type_id) ==
	    NID_id_on_SmtpUTF8Mailbox;
}

/* Whether there is any name that means an address. */
static bool
add_alternative_names(GPtrArray *list, X509 *x509)
{
	g_autoptr(GeneralNames) names =
	    X509_get_ext_d2i(x509, NID_subject_alt_name, NULL, NULL);
	bool any = false;

	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

		if (name->type == GEN_EMAIL) {
			any = true;
			add_ascii(list, name->d.rfc822Name);
		} else if (is_utf8_mailbox(name)) {
			const ASN1_TYPE *value = name->d.otherName->value;

			any = true;
			if (value->type == V_ASN1_UTF8STRING) {
				add_utf8(list, value->value.utf8string);
			}
		}
	}
	return any;
}

static void
add_subject(GPtrArray *list, X509 *x509)
{
	const X509_NAME *subject = X509_get_subject_name(x509);
	int at = -1;

	while ((at = X509_NAME_get_index_by_NID(
		    subject, NID_pkcs9_emailAddress, at)) >= 0) {
		X509_NAME_ENTRY *entry = X509_NAME_get_entry(subject, at);

		add_ascii(list, X509_NAME_ENTRY_get_data(entry));
	}
}

GPtrArray *
mailbox_list(X509 *x509)
{
	GPtrArray *list = g_ptr_array_new_with_free_func(g_free);

	if (!add_alternative_names(list, x509)) {
		add_subject(list, x509);
	}
	return list;
}

bool
mailbox_equal(const char *a, const char *b, bool fold)
{
	const char *at_a = strrchr(a, '@');
	const char *at_b = strrchr(b, '@');

	if (at_a == NULL || at_b == NULL || at_a - a != at_b - b ||
	    !text_equal_fold(at_a, at_b)) {
		return false;
	}
	if (fold) {
		return g_ascii_strncasecmp(a, b, (gsize)(at_a - a)) == 0;
	}
	return memcmp(a, b, (gsize)(at_a - a)) == 0;
}
