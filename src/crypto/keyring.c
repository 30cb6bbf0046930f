/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Own identities. The private key stays in this file: others of this room get
 * signatures (keyring-private.h), everybody else certificates. It is parsed
 * once, since that costs more than a signature; OpenSSL's object is shared by
 * all threads and no lock of ours is held while it works. Whether a certificate
 * is valid or fit is asked where it is used: one that expired stays readable.
 */
#include "config.h"

#include "crypto/keyring.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/pem.h>

#include "base/text.h"
#include "crypto/cert-private.h"
#include "crypto/chain.h"
#include "crypto/digest-private.h"
#include "crypto/keyfile.h"
#include "crypto/keyring-private.h"
#include "crypto/pem.h"

/* RFC 8551 4: never below 2048; above 8192 a signature takes seconds. */
#define RSA_MIN 2048
#define RSA_MAX 8192

struct Identity {
	gatomicrefcount references;
	EVP_PKEY *key;
	Cert *cert;
	GPtrArray *chain;
	Signer *signer;
};

void
keyring_wipe(char *text)
{
	if (text != NULL) {
		OPENSSL_cleanse(text, strlen(text));
		g_free(text);
	}
}

const char *
keyring_passphrase(Passphrase *passphrase, GError **error)
{
	if (passphrase->text == NULL && passphrase->ask == NULL) {
		g_set_error_literal(error, ERROR_DOMAIN, ERROR_MISSING,
		    "it is encrypted, and there is no passphrase");
		return NULL;
	}
	if (passphrase->text == NULL) {
		passphrase->text = passphrase->ask(passphrase->data, error);
	}
	return passphrase->text;
}

static bool
check_key(EVP_PKEY *key, GError **error)
{
	static const char *const CURVES[] = { "P-256", "P-384", "P-521" };
	g_autofree char *name = cert_name_of_key(key);
	int id = EVP_PKEY_get_base_id(key);
	int bits = EVP_PKEY_get_bits(key);

	if ((id == EVP_PKEY_RSA || id == EVP_PKEY_RSA_PSS) && bits >= RSA_MIN &&
	    bits <= RSA_MAX) {
		return true;
	}
	for (guint i = 0; i < G_N_ELEMENTS(CURVES); i++) {
		if (g_str_equal(name, CURVES[i])) {
			return true;
		}
	}
	g_set_error(error, ERROR_DOMAIN, ERROR_UNFIT,
	    "a key of type %s cannot be used for signing; RSA with %d to %d "
	    "bits, P-256, P-384 and P-521 can",
	    name, RSA_MIN, RSA_MAX);
	return false;
}

static bool
belongs(const Cert *cert, EVP_PKEY *key)
{
	bool yes = X509_check_private_key(cert_x509(cert), key) == 1;

	ERR_clear_error();
	return yes;
}

static bool
issued(const Cert *issuer, const Cert *subject)
{
	EVP_PKEY *key = X509_get0_pubkey(cert_x509(issuer));
	bool yes = key != NULL &&
	    X509_check_issued(cert_x509(issuer), cert_x509(subject)) ==
		X509_V_OK &&
	    X509_verify(cert_x509(subject), key) == 1;

	ERR_clear_error();
	return yes;
}

static Cert *
find_issuer(const Cert *cert, const GPtrArray *pool, GPtrArray *used)
{
	for (guint i = 0; pool != NULL && i < pool->len; i++) {
		Cert *candidate = pool->pdata[i];

		if (candidate != cert &&
		    !g_ptr_array_find(used, candidate, NULL) &&
		    issued(candidate, cert)) {
			return candidate;
		}
	}
	return NULL;
}

/* From the leaf towards the root, without it; what does not belong is left
 * out (RFC 8550 2.3). */
static GPtrArray *
order_chain(const Cert *leaf, const GPtrArray *pool)
{
	GPtrArray *chain =
	    g_ptr_array_new_with_free_func((GDestroyNotify)cert_unref);
	const Cert *last = leaf;

	while (chain->len < CHAIN_DEPTH && !cert_is_self_signed(last)) {
		Cert *issuer = find_issuer(last, pool, chain);

		if (issuer == NULL || cert_is_self_signed(issuer)) {
			break;
		}
		g_ptr_array_add(chain, cert_ref(issuer));
		last = issuer;
	}
	return chain;
}

static Identity *
identity_new(EVP_PKEY *key, Cert *leaf, const GPtrArray *pool, GError **error)
{
	Identity *identity = NULL;

	if (!belongs(leaf, key)) {
		g_set_error(error, ERROR_DOMAIN, ERROR_UNFIT,
		    "the private key does not belong to the certificate of %s",
		    cert_subject(leaf));
		return NULL;
	}
	identity = g_new0(Identity, 1);
	g_atomic_ref_count_init(&identity->references);
	EVP_PKEY_up_ref(key);
	identity->key = key;
	identity->cert = cert_ref(leaf);
	identity->chain = order_chain(leaf, pool);
	identity->signer = signer_new(leaf, identity->chain);
	return identity;
}

Identity *
keyring_ref(Identity *identity)
{
	g_atomic_ref_count_inc(&identity->references);
	return identity;
}

/* EVP_PKEY_free() wipes the private numbers. */
void
keyring_unref(Identity *identity)
{
	if (identity == NULL ||
	    !g_atomic_ref_count_dec(&identity->references)) {
		return;
	}
	EVP_PKEY_free(identity->key);
	cert_unref(identity->cert);
	g_ptr_array_unref(identity->chain);
	signer_free(identity->signer);
	g_free(identity);
}

const Cert *
keyring_cert(const Identity *identity)
{
	return identity->cert;
}

const GPtrArray *
keyring_chain(const Identity *identity)
{
	return identity->chain;
}

const Signer *
keyring_signer(const Identity *identity)
{
	return identity->signer;
}

/* One private key of an identity file and the certificates behind it. */
typedef struct {
	EVP_PKEY *key;
	GPtrArray *certs;
} Draft;

static void
draft_free(Draft *draft)
{
	EVP_PKEY_free(draft->key);
	g_ptr_array_unref(draft->certs);
	g_free(draft);
}

static Draft *
draft_new(const PemWalk *walk, GError **error)
{
	Passphrase nobody = { 0 };
	Draft *draft = NULL;
	EVP_PKEY *key = NULL;

	if (pem_walk_encrypted(walk)) {
		g_set_error_literal(error, ERROR_DOMAIN, ERROR_UNFIT,
		    "the private key is encrypted: use smimectl key import");
		return NULL;
	}
	key = keyfile_parse(walk, &nobody, error);
	if (key == NULL) {
		return NULL;
	}
	draft = g_new0(Draft, 1);
	draft->key = key;
	draft->certs =
	    g_ptr_array_new_with_free_func((GDestroyNotify)cert_unref);
	return draft;
}

static bool
take_block(const PemWalk *walk, GPtrArray *drafts, GError **error)
{
	g_autoptr(GBytes) der = NULL;
	Draft *last = NULL;
	Cert *cert = NULL;

	if (pem_walk_at_key(walk)) {
		last = draft_new(walk, error);
		if (last == NULL) {
			return false;
		}
		g_ptr_array_add(drafts, last);
		return true;
	}
	if (!g_str_equal(walk->name, PEM_STRING_X509)) {
		return true;
	}
	if (drafts->len == 0) {
		g_set_error_literal(error, ERROR_DOMAIN, ERROR_MALFORMED,
		    "a certificate stands before the first private key");
		return false;
	}
	der = g_bytes_new(walk->data, (gsize)walk->length);
	cert = cert_new(der, error);
	if (cert == NULL) {
		return false;
	}
	last = drafts->pdata[drafts->len - 1];
	g_ptr_array_add(last->certs, cert);
	return true;
}

static GPtrArray *
read_drafts(GBytes *content, GError **error)
{
	g_auto(PemWalk) walk = { 0 };
	g_autoptr(GPtrArray) drafts =
	    g_ptr_array_new_with_free_func((GDestroyNotify)draft_free);
	g_autoptr(GError) broken = NULL;

	if (!pem_walk_init(&walk, content)) {
		openssl_set_error(error, ERROR_MALFORMED, "identity file");
		return NULL;
	}
	while (pem_walk_next(&walk, &broken)) {
		if (!take_block(&walk, drafts, error)) {
			return NULL;
		}
	}
	if (broken != NULL) {
		g_propagate_error(error, g_steal_pointer(&broken));
		return NULL;
	}
	if (drafts->len == 0) {
		g_set_error_literal(error, ERROR_DOMAIN, ERROR_MALFORMED,
		    "no private key in it");
		return NULL;
	}
	return g_steal_pointer(&drafts);
}

static bool
check_size(GBytes *content, GError **error)
{
	if (g_bytes_get_size(content) > KEYRING_FILE_MAX) {
		g_set_error(error, ERROR_DOMAIN, ERROR_LIMIT,
		    "larger than %" G_GSIZE_FORMAT " bytes", KEYRING_FILE_MAX);
		return false;
	}
	return true;
}

/* Behind a block, or a comment: OpenSSL takes half a BEGIN line for text. */
static bool
ends_whole(GBytes *content)
{
	gsize length = 0;
	const char *text = g_bytes_get_data(content, &length);
	const char *line = NULL;

	while (length > 0 && g_ascii_isspace(text[length - 1])) {
		length--;
	}
	line = length > 0 ? memrchr(text, '\n', length) : NULL;
	line = line != NULL ? line + 1 : text;
	length -= (gsize)(line - text);
	return length == 0 || line[0] == '#' ||
	    (length >= 10 && memcmp(line, "-----END ", 9) == 0 &&
		memcmp(line + length - 5, "-----", 5) == 0);
}

GPtrArray *
keyring_read(GBytes *content, GError **error)
{
	g_autoptr(GPtrArray) list =
	    g_ptr_array_new_with_free_func((GDestroyNotify)keyring_unref);
	g_autoptr(GPtrArray) drafts = NULL;

	if (!check_size(content, error)) {
		return NULL;
	}
	if (!ends_whole(content)) {
		g_set_error_literal(
		    error, ERROR_DOMAIN, ERROR_MALFORMED, "it is cut off");
		return NULL;
	}
	drafts = read_drafts(content, error);
	for (guint i = 0; drafts != NULL && i < drafts->len; i++) {
		Draft *draft = drafts->pdata[i];
		Identity *identity = NULL;

		if (draft->certs->len == 0) {
			g_set_error_literal(error, ERROR_DOMAIN,
			    ERROR_MALFORMED,
			    "a private key without its certificate");
			return NULL;
		}
		if (!check_key(draft->key, error)) {
			return NULL;
		}
		identity = identity_new(
		    draft->key, draft->certs->pdata[0], draft->certs, error);
		if (identity == NULL) {
			return NULL;
		}
		g_ptr_array_add(list, identity);
	}
	return drafts != NULL ? g_steal_pointer(&list) : NULL;
}

/* The certificate of the key; the newest when it was renewed with the same
 * key. */
static Identity *
import(EVP_PKEY *key, const GPtrArray *pool, GError **error)
{
	Cert *leaf = NULL;

	if (!check_key(key, error)) {
		return NULL;
	}
	for (guint i = 0; i < pool->len; i++) {
		Cert *cert = pool->pdata[i];

		if (belongs(cert, key) &&
		    (leaf == NULL ||
			cert_not_before(cert) > cert_not_before(leaf))) {
			leaf = cert;
		}
	}
	if (leaf == NULL) {
		g_set_error(error, ERROR_DOMAIN, ERROR_UNFIT,
		    pool->len == 0
			? "no certificate for the private key"
			: "the private key does not belong to the certificate");
		return NULL;
	}
	return identity_new(key, leaf, pool, error);
}

Identity *
keyring_from_pkcs12(
    GBytes *content, KeyringPassphrase ask, gpointer data, GError **error)
{
	Passphrase passphrase = { ask, data, NULL };
	g_autoptr(EVP_PKEY) key = NULL;
	g_autoptr(GPtrArray) certs = NULL;
	bool read = check_size(content, error) &&
	    keyfile_read_pkcs12(content, &passphrase, &key, &certs, error);

	keyring_wipe(passphrase.text);
	return read ? import(key, certs, error) : NULL;
}

static bool
add_certs(GPtrArray *pool, GBytes *content, const char *what, GError **error)
{
	g_autoptr(GPtrArray) certs = NULL;

	if (check_size(content, error)) {
		certs = cert_read_all(content, error);
	}
	if (certs == NULL) {
		g_prefix_error(error, "%s: ", what);
		return false;
	}
	for (guint i = 0; i < certs->len; i++) {
		g_ptr_array_add(pool, cert_ref(certs->pdata[i]));
	}
	return true;
}

static EVP_PKEY *
read_key(GBytes *content, KeyringPassphrase ask, gpointer data, GError **error)
{
	Passphrase passphrase = { ask, data, NULL };
	EVP_PKEY *key = NULL;

	if (check_size(content, error)) {
		key = keyfile_read(content, &passphrase, error);
	}
	keyring_wipe(passphrase.text);
	if (key == NULL) {
		g_prefix_error(error, "key file: ");
	}
	return key;
}

Identity *
keyring_from_parts(GBytes *cert, GBytes *key, GBytes *chain,
    KeyringPassphrase ask, gpointer data, GError **error)
{
	g_autoptr(GPtrArray) pool =
	    g_ptr_array_new_with_free_func((GDestroyNotify)cert_unref);
	g_autoptr(EVP_PKEY) private = NULL;

	if (!add_certs(pool, cert, "certificate file", error) ||
	    (chain != NULL && !add_certs(pool, chain, "chain file", error))) {
		return NULL;
	}
	private = read_key(key, ask, data, error);
	return private != NULL ? import(private, pool, error) : NULL;
}

/* Text with a private key in it; both BIO and result are wiped when freed. */
static bool
print_key(BIO *out, const Identity *identity)
{
	return PEM_write_bio_PKCS8PrivateKey(
		   out, identity->key, NULL, NULL, 0, NULL, NULL) == 1;
}

static bool
print_certs(BIO *out, const Identity *identity)
{
	bool ok = PEM_write_bio_X509(out, cert_x509(identity->cert)) == 1;

	for (guint i = 0; i < identity->chain->len; i++) {
		Cert *cert = identity->chain->pdata[i];

		ok = ok && PEM_write_bio_X509(out, cert_x509(cert)) == 1;
	}
	return ok;
}

static void
print_facts(BIO *out, const Identity *identity)
{
	const GPtrArray *addresses = cert_addresses(identity->cert);
	g_autofree char *not_after = text_time(cert_not_after(identity->cert));

	BIO_printf(
	    out, "# fingerprint: %s\n", cert_fingerprint(identity->cert));
	BIO_puts(out, "# addresses:");
	for (guint i = 0; i < addresses->len; i++) {
		BIO_puts(out, i == 0 ? " " : ", ");
		BIO_puts(out, addresses->pdata[i]);
	}
	BIO_printf(out, "\n# not after: %s\n", not_after);
}

typedef struct {
	guint8 *data;
	gsize length;
} Secret;

static void
secret_free(Secret *secret)
{
	OPENSSL_cleanse(secret->data, secret->length);
	g_free(secret->data);
	g_free(secret);
}

static GBytes *
secret_bytes(BIO *memory)
{
	Secret *secret = g_new0(Secret, 1);
	char *data = NULL;

	secret->length = (gsize)BIO_get_mem_data(memory, &data);
	secret->data = g_malloc(secret->length);
	memcpy(secret->data, data, secret->length);
	return g_bytes_new_with_free_func(
	    secret->data, secret->length, (GDestroyNotify)secret_free, secret);
}

GBytes *
keyring_write(const Identity *identity, GError **error)
{
	g_autoptr(BIO) out = BIO_new(BIO_s_mem());

	ERR_clear_error();
	if (out == NULL) {
		openssl_set_error(error, ERROR_CRYPTO, "writing the key");
		return NULL;
	}
	print_facts(out, identity);
	if (!print_key(out, identity) || !print_certs(out, identity)) {
		openssl_set_error(error, ERROR_CRYPTO, "writing the key");
		return NULL;
	}
	return secret_bytes(out);
}

KeyringScheme
keyring_scheme(const Identity *identity, bool pss)
{
	switch (EVP_PKEY_get_base_id(identity->key)) {
	case EVP_PKEY_RSA_PSS:
		return KEYRING_RSA_PSS;
	case EVP_PKEY_RSA:
		return pss ? KEYRING_RSA_PSS : KEYRING_RSA_PKCS1;
	default:
		return KEYRING_ECDSA;
	}
}

/* The hash that a key of type RSASSA-PSS is bound to (RFC 4055 3.1). */
static bool
bound_digest(EVP_PKEY *key, DigestKind *digest_out)
{
	static const DigestKind KINDS[] = { DIGEST_SHA256, DIGEST_SHA384,
		DIGEST_SHA512 };
	char name[32] = "";

	if (EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA_PSS ||
	    EVP_PKEY_get_default_digest_name(key, name, sizeof name) != 2) {
		return false;
	}
	for (guint i = 0; i < G_N_ELEMENTS(KINDS); i++) {
		if (EVP_MD_is_a(digest_handle(KINDS[i]), name)) {
			*digest_out = KINDS[i];
			return true;
		}
	}
	return false;
}

DigestKind
keyring_digest(const Identity *identity, DigestKind wanted)
{
	const char *name = cert_key_name(identity->cert);
	DigestKind digest = wanted;

	if (bound_digest(identity->key, &digest)) {
		return digest;
	}
	if (g_str_equal(name, "P-521")) {
		return DIGEST_SHA512;
	}
	if (g_str_equal(name, "P-384")) {
		return MAX(wanted, DIGEST_SHA384);
	}
	return wanted;
}

/* MGF1's hash is named as well: a key of type RSASSA-PSS may be bound to
 * another one, and must then refuse. */
static bool
begin_signature(
    EVP_MD_CTX *context, EVP_PKEY *key, KeyringScheme scheme, const char *hash)
{
	const OSSL_PARAM pss[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE,
		    (char *)OSSL_PKEY_RSA_PAD_MODE_PSS, 0),
		OSSL_PARAM_construct_utf8_string(
		    OSSL_SIGNATURE_PARAM_MGF1_DIGEST, (char *)hash, 0),
		OSSL_PARAM_construct_utf8_string(
		    OSSL_SIGNATURE_PARAM_PSS_SALTLEN,
		    (char *)OSSL_PKEY_RSA_PSS_SALT_LEN_DIGEST, 0),
		OSSL_PARAM_construct_end(),
	};

	return EVP_DigestSignInit_ex(context, NULL, hash, NULL, NULL, key,
		   scheme == KEYRING_RSA_PSS ? pss : NULL) == 1;
}

GBytes *
keyring_sign(const Identity *identity, KeyringScheme scheme, DigestKind digest,
    const void *data, gsize length, GError **error)
{
	g_autoptr(EVP_MD_CTX) context = EVP_MD_CTX_new();
	const char *hash = digest_openssl_name(digest);
	gsize size = (gsize)EVP_PKEY_get_size(identity->key);
	g_autofree guint8 *signature = g_malloc(size);

	ERR_clear_error();
	if (context == NULL ||
	    !begin_signature(context, identity->key, scheme, hash) ||
	    EVP_DigestSign(context, signature, &size, data, length) != 1) {
		g_autofree char *what =
		    g_strdup_printf("signing with %s and %s",
			cert_key_name(identity->cert), hash);

		openssl_set_error(error, ERROR_CRYPTO, what);
		return NULL;
	}
	return g_bytes_new_take(g_steal_pointer(&signature), size);
}
