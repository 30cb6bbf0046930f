/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SignedData (RFC 5652 5) put together from pieces. OpenSSL hashes and signs;
 * the structure around it is written here, because most of it is the same for
 * each mail of a signer (signer.c) and because an opaque message then shares
 * its content instead of copying it. Attributes are a DER SET OF, encoded once:
 * the bytes that are signed are the bytes that are sent. No key is seen here.
 */
#include "config.h"

#include "crypto/sign.h"

#include "crypto/der.h"
#include "crypto/digest-private.h"
#include "crypto/keyring-private.h"
#include "crypto/openssl.h"

#define OID_PKCS7 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07
#define OID_PKCS9 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x09
#define OID_PKCS1 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01
#define OID_SHA2 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02
#define OID_AES 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01
#define OID_ECDSA_SHA2 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03

static const guint8 OID_DATA[] = { DER_OID, 9, OID_PKCS7, 1 };
static const guint8 OID_SIGNED_DATA[] = { DER_OID, 9, OID_PKCS7, 2 };
static const guint8 OID_MESSAGE_DIGEST[] = { DER_OID, 9, OID_PKCS9, 4 };
static const guint8 OID_SIGNING_TIME[] = { DER_OID, 9, OID_PKCS9, 5 };
static const guint8 VERSION_1[] = { DER_INTEGER, 1, 1 };

/* contentType: id-data */
static const guint8 CONTENT_TYPE[] = { DER_SEQUENCE, 24, DER_OID, 9, OID_PKCS9,
	3, DER_SET, 11, DER_OID, 9, OID_PKCS7, 1 };

/* RFC 8551 2.5.2: AES-256-CBC, then AES-128-CBC: what is announced is sent to
 * us, and these are what everybody can do. */
static const guint8 CAPABILITIES[] = { DER_SEQUENCE, 41, DER_OID, 9, OID_PKCS9,
	15, DER_SET, 28, DER_SEQUENCE, 26, DER_SEQUENCE, 11, DER_OID, 9,
	OID_AES, 42, DER_SEQUENCE, 11, DER_OID, 9, OID_AES, 2 };

/* RFC 5754 2: parameters absent. */
#define DIGEST_ALGORITHM(last)                               \
	{                                                    \
		DER_SEQUENCE, 11, DER_OID, 9, OID_SHA2, last \
	}

/* RFC 5652 and 3370 3.2: rsaEncryption with NULL, for any hash. */
static const guint8 RSA_PKCS1[] = { DER_SEQUENCE, 13, DER_OID, 9, OID_PKCS1, 1,
	5, 0 };

/* RFC 3279 2.2.3, RFC 5754 3.3: parameters absent. */
#define ECDSA(last)                                                \
	{                                                          \
		DER_SEQUENCE, 10, DER_OID, 8, OID_ECDSA_SHA2, last \
	}

/* RFC 4055 2.1 and 3.1: hash, MGF1 with the same hash, salt as long as the
 * hash; the trailer is the default and so left out. */
#define PSS_HASH(last) DER_SEQUENCE, 13, DER_OID, 9, OID_SHA2, last, 5, 0
#define PSS(last, salt)                                                        \
	{                                                                      \
		DER_SEQUENCE, 65, DER_OID, 9, OID_PKCS1, 10, DER_SEQUENCE, 52, \
		    DER_CONTEXT_0, 15, PSS_HASH(last), DER_CONTEXT_1, 28,      \
		    DER_SEQUENCE, 26, DER_OID, 9, OID_PKCS1, 8,                \
		    PSS_HASH(last), DER_CONTEXT_2, 3, DER_INTEGER, 1, salt     \
	}

typedef struct {
	const char *micalg;
	guint8 algorithm[13];
	guint8 ecdsa[12];
	guint8 pss[67];
} Facts;

/* By DigestKind. */
static const Facts FACTS[] = {
	[DIGEST_SHA256] = { "sha-256", DIGEST_ALGORITHM(1), ECDSA(2),
	    PSS(1, 32) },
	[DIGEST_SHA384] = { "sha-384", DIGEST_ALGORITHM(2), ECDSA(3),
	    PSS(2, 48) },
	[DIGEST_SHA512] = { "sha-512", DIGEST_ALGORITHM(3), ECDSA(4),
	    PSS(3, 64) },
};

const char *
sign_micalg(DigestKind digest)
{
	return FACTS[digest].micalg;
}

DigestKind
sign_digest(const Identity *identity, DigestKind wanted)
{
	return keyring_digest(identity, wanted);
}

static void
put(GByteArray *out, const guint8 *encoded, gsize length)
{
	g_byte_array_append(out, encoded, (guint)length);
}

/* Attribute ::= SEQUENCE { OID, SET { value } } */
static GBytes *
attribute_new(const guint8 *oid, gsize oid_length, guint8 tag,
    const void *value, gsize length)
{
	GByteArray *out = g_byte_array_sized_new(128);
	gsize element = der_size(length);

	der_append_header(out, DER_SEQUENCE, oid_length + der_size(element));
	put(out, oid, oid_length);
	der_append_header(out, DER_SET, element);
	der_append(out, tag, value, length);
	return g_byte_array_free_to_bytes(out);
}

/* RFC 5652 11.3: UTCTime from 1950 to 2049, which ASN1_TIME_set() obeys. */
static GBytes *
signing_time_new(gint64 seconds)
{
	ASN1_TIME *time = ASN1_TIME_set(NULL, (time_t)seconds);
	GBytes *attribute = NULL;

	if (time == NULL) {
		/* Beyond the year 9999. */
		return NULL;
	}
	attribute = attribute_new(OID_SIGNING_TIME, sizeof OID_SIGNING_TIME,
	    ASN1_STRING_type(time) == V_ASN1_UTCTIME ? DER_UTC_TIME
						     : DER_GENERALIZED_TIME,
	    ASN1_STRING_get0_data(time), (gsize)ASN1_STRING_length(time));
	ASN1_TIME_free(time);
	return attribute;
}

/* The SET OF that is signed. */
static GByteArray *
attributes_new(
    const Signer *signer, const SignOptions *options, const Rope *content)
{
	g_autoptr(GPtrArray) all =
	    g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
	GByteArray *out = g_byte_array_sized_new(512);
	GBytes *time = NULL;
	guint8 hash[DIGEST_MAX];
	gsize length = digest_rope(options->digest, content, hash);

	g_ptr_array_add(
	    all, g_bytes_new_static(CONTENT_TYPE, sizeof CONTENT_TYPE));
	g_ptr_array_add(
	    all, g_bytes_new_static(CAPABILITIES, sizeof CAPABILITIES));
	g_ptr_array_add(all, g_bytes_ref(signer->signing_certificate));
	g_ptr_array_add(all,
	    attribute_new(OID_MESSAGE_DIGEST, sizeof OID_MESSAGE_DIGEST,
		DER_OCTET_STRING, hash, length));
	if (options->signing_time != 0) {
		time = signing_time_new(options->signing_time);
	}
	if (time != NULL) {
		g_ptr_array_add(all, time);
	}
	der_append_set(out, DER_SET, all);
	return out;
}

static void
put_signature_algorithm(
    GByteArray *out, KeyringScheme scheme, const Facts *facts)
{
	switch (scheme) {
	case KEYRING_RSA_PKCS1:
		put(out, RSA_PKCS1, sizeof RSA_PKCS1);
		break;
	case KEYRING_RSA_PSS:
		put(out, facts->pss, sizeof facts->pss);
		break;
	case KEYRING_ECDSA:
		put(out, facts->ecdsa, sizeof facts->ecdsa);
		break;
	}
}

/* The SignerInfo without its header. */
static GByteArray *
signer_info_new(const Identity *identity, const Rope *content,
    const SignOptions *options, GError **error)
{
	const Signer *signer = keyring_signer(identity);
	const Facts *facts = &FACTS[options->digest];
	KeyringScheme scheme =
	    keyring_scheme(identity, options->padding == SIGN_PSS);
	g_autoptr(GByteArray) attributes =
	    attributes_new(signer, options, content);
	g_autoptr(GBytes) signature = keyring_sign(identity, scheme,
	    options->digest, attributes->data, attributes->len, error);
	GByteArray *out = NULL;
	DerSpan span;

	if (signature == NULL) {
		return NULL;
	}
	out = g_byte_array_sized_new(2048);
	put(out, VERSION_1, sizeof VERSION_1);
	der_append_bytes(out, signer->sid);
	put(out, facts->algorithm, sizeof facts->algorithm);
	/* RFC 5652 5.4: signed as SET OF, sent as [0] IMPLICIT. */
	attributes->data[0] = DER_CONTEXT_0;
	put(out, attributes->data, attributes->len);
	put_signature_algorithm(out, scheme, facts);
	span = der_span(signature);
	der_append(out, DER_OCTET_STRING, span.data, span.length);
	return out;
}

/* encapContentInfo up to where the content of an opaque message begins. */
static void
put_content_info(GByteArray *out, const SignOptions *options, gsize length)
{
	gsize octets = der_size(length);

	if (!options->opaque) {
		der_append(out, DER_SEQUENCE, OID_DATA, sizeof OID_DATA);
		return;
	}
	der_append_header(
	    out, DER_SEQUENCE, sizeof OID_DATA + der_size(octets));
	put(out, OID_DATA, sizeof OID_DATA);
	der_append_header(out, DER_CONTEXT_0, octets);
	der_append_header(out, DER_OCTET_STRING, length);
}

static gsize
content_info_size(const SignOptions *options, gsize length)
{
	gsize inner = sizeof OID_DATA;

	if (options->opaque) {
		inner += der_size(der_size(length));
	}
	return der_size(inner);
}

/* All from the ContentInfo to the content. rest: what follows behind it. */
static GByteArray *
head_new(const SignOptions *options, gsize length, gsize rest)
{
	const Facts *facts = &FACTS[options->digest];
	gsize digests = der_size(sizeof facts->algorithm);
	gsize signed_data = sizeof VERSION_1 + digests +
	    content_info_size(options, length) + rest;
	gsize explicit = der_size(signed_data);
	GByteArray *out = g_byte_array_sized_new(128);

	der_append_header(
	    out, DER_SEQUENCE, sizeof OID_SIGNED_DATA + der_size(explicit));
	put(out, OID_SIGNED_DATA, sizeof OID_SIGNED_DATA);
	der_append_header(out, DER_CONTEXT_0, explicit);
	der_append_header(out, DER_SEQUENCE, signed_data);
	put(out, VERSION_1, sizeof VERSION_1);
	der_append(out, DER_SET, facts->algorithm, sizeof facts->algorithm);
	put_content_info(out, options, length);
	return out;
}

static void
append_taken(Rope *rope, GByteArray *piece)
{
	g_autoptr(GBytes) bytes = g_byte_array_free_to_bytes(piece);

	rope_append_bytes(rope, bytes);
}

Rope *
sign_content(const Identity *identity, const Rope *content,
    const SignOptions *options, GError **error)
{
	GBytes *certificates = keyring_signer(identity)->certificates;
	gsize length = rope_length(content);
	g_autoptr(GByteArray) info =
	    signer_info_new(identity, content, options, error);
	GByteArray *tail = NULL;
	Rope *rope = NULL;

	if (info == NULL) {
		return NULL;
	}
	tail = g_byte_array_sized_new(info->len + 16);
	der_append_header(tail, DER_SET, der_size(info->len));
	der_append(tail, DER_SEQUENCE, info->data, info->len);
	rope = rope_new();
	append_taken(rope,
	    head_new(
		options, length, g_bytes_get_size(certificates) + tail->len));
	if (options->opaque) {
		rope_append_rope(rope, content);
	}
	rope_append_bytes(rope, certificates);
	append_taken(rope, tail);
	return rope;
}
