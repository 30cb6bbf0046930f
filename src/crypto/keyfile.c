/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private keys out of files: PEM in the forms that are around (PKCS#8 of RFC
 * 5208 and 5958, PKCS#1 and SEC1, with the Proc-Type header of RFC 1421 when
 * encrypted) and DER. The kind is taken from the block, not guessed, so that
 * what is wrong can be said. Buffers with key material are wiped. Which keys
 * are of use is keyring.c's question.
 */
#include "config.h"

#include "crypto/keyfile.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>

static EVP_PKEY *
key_of_pkcs8(const PKCS8_PRIV_KEY_INFO *plain, GError **error)
{
	EVP_PKEY *key = plain != NULL ? EVP_PKCS82PKEY(plain) : NULL;

	if (key == NULL) {
		openssl_set_error(error, ERROR_MALFORMED, "private key");
	}
	return key;
}

static EVP_PKEY *
decrypt_pkcs8(X509_SIG *sealed, Passphrase *passphrase, GError **error)
{
	g_autoptr(OpensslLegacy) legacy = NULL;
	g_autoptr(PKCS8_PRIV_KEY_INFO) plain = NULL;
	const char *text = keyring_passphrase(passphrase, error);

	if (text == NULL) {
		return NULL;
	}
	legacy = openssl_legacy_new();
	plain = PKCS8_decrypt_ex(sealed, text, (int)strlen(text),
	    openssl_legacy_context(legacy), NULL);
	if (plain == NULL) {
		openssl_set_error(
		    error, ERROR_MALFORMED, "private key: wrong passphrase");
		return NULL;
	}
	return key_of_pkcs8(plain, error);
}

static EVP_PKEY *
parse_plain(const guint8 *data, long length, GError **error)
{
	const guint8 *end = data;
	EVP_PKEY *key = d2i_AutoPrivateKey(NULL, &end, length);

	if (key == NULL) {
		openssl_set_error(error, ERROR_MALFORMED, "private key");
	}
	return key;
}

/* PEM_do_header() wants a callback even for a text that is at hand. */
static int
give_passphrase(char *buffer, int size, int for_writing, void *data)
{
	const char *text = data;
	gsize length = strlen(text);

	(void)for_writing;
	if (length > (gsize)size) {
		return -1;
	}
	memcpy(buffer, text, length);
	return (int)length;
}

/* RFC 1421 4.6.1.1: what OpenSSL wrote before PKCS#8. */
static EVP_PKEY *
parse_old_encrypted(const PemWalk *walk, Passphrase *passphrase, GError **error)
{
	EVP_CIPHER_INFO cipher;
	g_autofree char *header = g_strdup(walk->header);
	guint8 *data = NULL;
	long length = walk->length;
	EVP_PKEY *key = NULL;
	const char *text = NULL;

	if (PEM_get_EVP_CIPHER_INFO(header, &cipher) != 1) {
		openssl_set_error(
		    error, ERROR_MALFORMED, "encrypted private key");
		return NULL;
	}
	text = keyring_passphrase(passphrase, error);
	if (text == NULL) {
		return NULL;
	}
	data = g_malloc((gsize)walk->length);
	memcpy(data, walk->data, (gsize)walk->length);
	if (PEM_do_header(
		&cipher, data, &length, give_passphrase, (void *)text) == 1) {
		key = parse_plain(data, length, NULL);
	}
	OPENSSL_cleanse(data, (gsize)walk->length);
	g_free(data);
	if (key == NULL) {
		openssl_set_error(
		    error, ERROR_MALFORMED, "private key: wrong passphrase");
	}
	return key;
}

EVP_PKEY *
keyfile_parse(const PemWalk *walk, Passphrase *passphrase, GError **error)
{
	const guint8 *end = walk->data;

	if (g_str_equal(walk->name, PEM_STRING_PKCS8)) {
		g_autoptr(X509_SIG) sealed =
		    d2i_X509_SIG(NULL, &end, walk->length);

		if (sealed == NULL) {
			openssl_set_error(
			    error, ERROR_MALFORMED, "encrypted private key");
			return NULL;
		}
		return decrypt_pkcs8(sealed, passphrase, error);
	}
	if (pem_walk_encrypted(walk)) {
		return parse_old_encrypted(walk, passphrase, error);
	}
	return parse_plain(walk->data, walk->length, error);
}

static EVP_PKEY *
read_pem(PemWalk *walk, Passphrase *passphrase, bool *any_out, GError **error)
{
	g_autoptr(GError) broken = NULL;

	while (pem_walk_next(walk, &broken)) {
		*any_out = true;
		if (pem_walk_at_key(walk)) {
			return keyfile_parse(walk, passphrase, error);
		}
	}
	if (broken != NULL) {
		*any_out = true;
		g_propagate_error(error, g_steal_pointer(&broken));
	} else if (*any_out) {
		g_set_error_literal(error, ERROR_DOMAIN, ERROR_MALFORMED,
		    "no private key in it");
	}
	return NULL;
}

static EVP_PKEY *
read_der(GBytes *content, Passphrase *passphrase, GError **error)
{
	gsize length = 0;
	const guint8 *data = g_bytes_get_data(content, &length);
	const guint8 *end = data;
	g_autoptr(X509_SIG) sealed = d2i_X509_SIG(NULL, &end, (long)length);
	EVP_PKEY *key = NULL;

	ERR_clear_error();
	if (sealed != NULL) {
		return decrypt_pkcs8(sealed, passphrase, error);
	}
	key = parse_plain(data, (long)length, NULL);
	if (key == NULL) {
		ERR_clear_error();
		g_set_error_literal(error, ERROR_DOMAIN, ERROR_MALFORMED,
		    "no private key in it, neither PEM nor DER");
	}
	return key;
}

EVP_PKEY *
keyfile_read(GBytes *content, Passphrase *passphrase, GError **error)
{
	g_auto(PemWalk) walk = { 0 };
	bool any = false;
	EVP_PKEY *key = NULL;

	if (!pem_walk_init(&walk, content)) {
		openssl_set_error(error, ERROR_MALFORMED, "private key");
		return NULL;
	}
	key = read_pem(&walk, passphrase, &any, error);
	if (key != NULL || any) {
		return key;
	}
	return read_der(content, passphrase, error);
}
