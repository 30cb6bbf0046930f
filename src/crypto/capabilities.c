/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SMIMECapabilities (RFC 8551 2.5.2): OIDs and their parameters as words. What
 * is no matter of encryption, or parameters that nobody uses, is left out.
 */
#include "config.h"

#include "crypto/capabilities.h"

#include <string.h>

#include <openssl/err.h>

#include "crypto/der.h"
#include "crypto/openssl.h"

#define WORDS_MAX 64
#define SIZE_MAX_DER ((gsize)64 * 1024)

typedef struct {
	const char *oid;
	const char *word;
} Row;

/* Whatever their parameters are. */
static const Row PLAIN[] = {
	{ "2.16.840.1.101.3.4.1.46", "aes256-gcm" },
	{ "2.16.840.1.101.3.4.1.26", "aes192-gcm" },
	{ "2.16.840.1.101.3.4.1.6", "aes128-gcm" },
	{ "2.16.840.1.101.3.4.1.42", "aes256-cbc" },
	{ "2.16.840.1.101.3.4.1.22", "aes192-cbc" },
	{ "2.16.840.1.101.3.4.1.2", "aes128-cbc" },
	{ "1.2.840.113549.3.7", "3des-cbc" },
	{ "1.2.840.113549.1.9.16.3.18", "chacha20-poly1305" },
	{ "1.2.840.113549.1.9.16.11.1", "binary-inside" },
};

/* The parameter is a key wrap. */
static const Row AGREEMENTS[] = {
	{ "1.3.133.16.840.63.0.2", "ecdh-sha1" },
	{ "1.3.132.1.11.1", "ecdh-sha256" },
	{ "1.3.132.1.11.2", "ecdh-sha384" },
	{ "1.3.132.1.11.3", "ecdh-sha512" },
	{ "1.2.840.113549.1.9.16.3.19", "ecdh-hkdf-sha256" },
	{ "1.2.840.113549.1.9.16.3.20", "ecdh-hkdf-sha384" },
	{ "1.2.840.113549.1.9.16.3.21", "ecdh-hkdf-sha512" },
};

static const Row WRAPS[] = {
	{ "2.16.840.1.101.3.4.1.5", "aes128" },
	{ "2.16.840.1.101.3.4.1.25", "aes192" },
	{ "2.16.840.1.101.3.4.1.45", "aes256" },
};

static const char *
find_row(const Row *rows, gsize count, const char *oid)
{
	for (gsize i = 0; i < count; i++) {
		if (g_str_equal(rows[i].oid, oid)) {
			return rows[i].word;
		}
	}
	return NULL;
}

/* Dotted; NULL: malformed. Yours. */
static char *
oid_text(const DerItem *item)
{
	const guint8 *data = item->whole.data;
	ASN1_OBJECT *object =
	    d2i_ASN1_OBJECT(NULL, &data, (long)item->whole.length);
	char dotted[256] = "";

	if (object == NULL) {
		return NULL;
	}
	OBJ_obj2txt(dotted, sizeof dotted, object, 1);
	ASN1_OBJECT_free(object);
	return g_strdup(dotted);
}

/* NULL: another one, or none. Yours. */
static char *
agreement_word(const char *scheme, DerSpan parameters)
{
	DerItem wrap;
	DerItem oid;
	g_autofree char *text = NULL;
	const char *word = NULL;

	if (!der_next_tagged(&parameters, DER_SEQUENCE, &wrap) ||
	    !der_next_tagged(&wrap.content, DER_OID, &oid)) {
		return NULL;
	}
	text = oid_text(&oid);
	word = text != NULL ? find_row(WRAPS, G_N_ELEMENTS(WRAPS), text) : NULL;
	return word != NULL ? g_strdup_printf("%s-%s", scheme, word) : NULL;
}

/* The OID of an AlgorithmIdentifier; rest_out: its parameters. */
static int
algorithm_of(DerSpan span, DerSpan *rest_out)
{
	DerItem algorithm;
	DerItem oid;
	g_autofree char *text = NULL;

	if (!der_next_tagged(&span, DER_SEQUENCE, &algorithm) ||
	    !der_next_tagged(&algorithm.content, DER_OID, &oid)) {
		return NID_undef;
	}
	*rest_out = algorithm.content;
	text = oid_text(&oid);
	return text != NULL ? OBJ_txt2nid(text) : NID_undef;
}

/*
 * The hash of both parts, NID_undef when they differ. RFC 4055 tags them
 * explicitly, the examples of RFC 3560 5 do not: both are about.
 */
static int
oaep_hash(DerSpan parameters)
{
	int hash = NID_sha1;
	int mask = NID_sha1;
	DerSpan rest;
	DerItem item;

	for (guint i = 0; parameters.length > 0; i++) {
		DerSpan algorithm;
		bool bare = false;

		if (!der_next(&parameters, &item)) {
			return NID_undef;
		}
		bare = item.tag == DER_SEQUENCE;
		algorithm = bare ? item.whole : item.content;
		if (item.tag == DER_CONTEXT_0 || (bare && i == 0)) {
			hash = algorithm_of(algorithm, &rest);
		} else if (item.tag == DER_CONTEXT_1 || (bare && i == 1)) {
			mask = algorithm_of(algorithm, &rest) == NID_mgf1
			    ? algorithm_of(rest, &rest)
			    : NID_undef;
		} else {
			/* A label. */
			return NID_undef;
		}
	}
	return hash == mask ? hash : NID_undef;
}

static const char *
oaep_name(int nid)
{
	switch (nid) {
	case NID_sha1:
		return "rsa-oaep-sha1";
	case NID_sha256:
		return "rsa-oaep-sha256";
	case NID_sha384:
		return "rsa-oaep-sha384";
	case NID_sha512:
		return "rsa-oaep-sha512";
	default:
		return NULL;
	}
}

/* Absent parameters are taken for the defaults. Yours. */
static char *
oaep_word(DerSpan span)
{
	DerItem parameters;

	if (span.length == 0) {
		return g_strdup(oaep_name(NID_sha1));
	}
	if (!der_next_tagged(&span, DER_SEQUENCE, &parameters)) {
		return NULL;
	}
	return g_strdup(oaep_name(oaep_hash(parameters.content)));
}

/* NULL: not known. Yours. */
static char *
word_of(const char *oid, DerSpan parameters)
{
	const char *word = find_row(PLAIN, G_N_ELEMENTS(PLAIN), oid);

	if (word != NULL) {
		return g_strdup(word);
	}
	word = find_row(AGREEMENTS, G_N_ELEMENTS(AGREEMENTS), oid);
	if (word != NULL) {
		return agreement_word(word, parameters);
	}
	if (g_str_equal(oid, "1.2.840.113549.1.1.7")) {
		return oaep_word(parameters);
	}
	return NULL;
}

/* false: malformed. *word_out as word_of(). */
static bool
read_one(DerSpan *rest, char **word_out)
{
	DerItem capability;
	DerItem oid;
	DerItem parameters;
	DerSpan inside;
	g_autofree char *text = NULL;

	if (!der_next_tagged(rest, DER_SEQUENCE, &capability)) {
		return false;
	}
	inside = capability.content;
	if (!der_next_tagged(&inside, DER_OID, &oid)) {
		return false;
	}
	text = oid_text(&oid);
	if (text == NULL) {
		return false;
	}
	*word_out = word_of(text, inside);
	ERR_clear_error();
	return inside.length == 0 ||
	    (der_next(&inside, &parameters) && inside.length == 0);
}

char *
capabilities_text(GBytes *der)
{
	DerSpan span = der_span(der);
	DerItem list;
	g_autoptr(GString) text = g_string_new(NULL);
	guint count = 0;

	ERR_clear_error();
	if (span.length > SIZE_MAX_DER ||
	    !der_next_tagged(&span, DER_SEQUENCE, &list) || span.length > 0) {
		return NULL;
	}
	while (list.content.length > 0) {
		g_autofree char *word = NULL;

		if (!read_one(&list.content, &word)) {
			ERR_clear_error();
			return NULL;
		}
		if (word != NULL && count < WORDS_MAX &&
		    !capabilities_has(text->str, word)) {
			g_string_append_printf(
			    text, "%s%s", count > 0 ? " " : "", word);
			count++;
		}
	}
	return g_strdup(text->str);
}

bool
capabilities_has(const char *text, const char *word)
{
	gsize length = strlen(word);
	const char *at = text;

	while (length > 0 && (at = strstr(at, word)) != NULL) {
		if ((at == text || at[-1] == ' ') &&
		    (at[length] == ' ' || at[length] == '\0')) {
			return true;
		}
		at += length;
	}
	return false;
}
