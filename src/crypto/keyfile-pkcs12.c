/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PKCS#12 (RFC 7292) files: all bags are walked here, since PKCS12_parse()
 * takes one key of several without a word. Ciphers of old exports (RC2, 3DES)
 * come from the legacy provider, in a context that lives as long as the call.
 * The passphrase is asked for once; an empty one is tried first where the MAC
 * can tell whether it fits.
 */
#include "config.h"

#include "crypto/keyfile.h"

#include <string.h>

#include <openssl/err.h>

#include "crypto/cert-private.h"

/* safeContentsBag in safeContentsBag. */
#define DEPTH 4
#define CERTS 100

typedef STACK_OF(PKCS7) Safes;
typedef STACK_OF(PKCS12_SAFEBAG) Bags;

static void
safes_free(Safes *safes)
{
	sk_PKCS7_pop_free(safes, PKCS7_free);
}

static void
bags_free(Bags *bags)
{
	sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Safes, safes_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Bags, bags_free)

typedef struct {
	OSSL_LIB_CTX *context;
	const char *passphrase; /* NULL: none at all */
	int passphrase_length;
	EVP_PKEY *key;
	guint keys;
	GPtrArray *certs;
} Harvest;

static void
harvest_clear(Harvest *harvest)
{
	g_clear_pointer(&harvest->key, EVP_PKEY_free);
	g_clear_pointer(&harvest->certs, g_ptr_array_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Harvest, harvest_clear)

static bool
take_key(Harvest *harvest, const PKCS8_PRIV_KEY_INFO *plain, GError **error)
{
	EVP_PKEY *key = plain != NULL ? EVP_PKCS82PKEY(plain) : NULL;

	if (key == NULL) {
		openssl_set_error(error, ERROR_MALFORMED, "PKCS#12 key");
		return false;
	}
	EVP_PKEY_free(harvest->key);
	harvest->key = key;
	harvest->keys++;
	return true;
}

static bool
take_shrouded(Harvest *harvest, const PKCS12_SAFEBAG *bag, GError **error)
{
	g_autoptr(PKCS8_PRIV_KEY_INFO) plain =
	    PKCS12_decrypt_skey_ex(bag, harvest->passphrase,
		harvest->passphrase_length, harvest->context, NULL);

	return take_key(harvest, plain, error);
}

/* Parsed once more from its DER: the first object belongs to the context. */
static bool
take_cert(Harvest *harvest, const PKCS12_SAFEBAG *bag, GError **error)
{
	g_autoptr(X509) x509 = NULL;
	g_autoptr(GBytes) der = NULL;
	guint8 *data = NULL;
	int length = 0;
	Cert *cert = NULL;

	if (PKCS12_SAFEBAG_get_bag_nid(bag) != NID_x509Certificate) {
		return true;
	}
	x509 = PKCS12_SAFEBAG_get1_cert(bag);
	length = x509 != NULL ? i2d_X509(x509, &data) : -1;
	if (length <= 0) {
		openssl_set_error(
		    error, ERROR_MALFORMED, "PKCS#12 certificate");
		return false;
	}
	der = g_bytes_new(data, (gsize)length);
	OPENSSL_free(data);
	cert = cert_new(der, error);
	if (cert == NULL) {
		return false;
	}
	g_ptr_array_add(harvest->certs, cert);
	if (harvest->certs->len > CERTS) {
		g_set_error(error, ERROR_DOMAIN, ERROR_LIMIT,
		    "PKCS#12: more than %d certificates", CERTS);
		return false;
	}
	return true;
}

static bool take_bags(
    Harvest *harvest, const Bags *bags, guint depth, GError **error);

static bool
take_bag(
    Harvest *harvest, const PKCS12_SAFEBAG *bag, guint depth, GError **error)
{
	switch (PKCS12_SAFEBAG_get_nid(bag)) {
	case NID_keyBag:
		return take_key(harvest, PKCS12_SAFEBAG_get0_p8inf(bag), error);
	case NID_pkcs8ShroudedKeyBag:
		return take_shrouded(harvest, bag, error);
	case NID_certBag:
		return take_cert(harvest, bag, error);
	case NID_safeContentsBag:
		return take_bags(
		    harvest, PKCS12_SAFEBAG_get0_safes(bag), depth + 1, error);
	default:
		return true;
	}
}

static bool
take_bags(Harvest *harvest, const Bags *bags, guint depth, GError **error)
{
	if (depth > DEPTH) {
		g_set_error_literal(error, ERROR_DOMAIN, ERROR_LIMIT,
		    "PKCS#12: nested too deep");
		return false;
	}
	for (int i = 0; i < sk_PKCS12_SAFEBAG_num(bags); i++) {
		if (!take_bag(harvest, sk_PKCS12_SAFEBAG_value(bags, i), depth,
			error)) {
			return false;
		}
	}
	return true;
}

static bool
take_safe(Harvest *harvest, PKCS7 *safe, GError **error)
{
	g_autoptr(Bags) bags = NULL;

	switch (OBJ_obj2nid(safe->type)) {
	case NID_pkcs7_data:
		bags = PKCS12_unpack_p7data(safe);
		break;
	case NID_pkcs7_encrypted:
		bags = PKCS12_unpack_p7encdata(
		    safe, harvest->passphrase, harvest->passphrase_length);
		break;
	default:
		return true;
	}
	if (bags == NULL) {
		openssl_set_error(
		    error, ERROR_MALFORMED, "PKCS#12: cannot be opened");
		return false;
	}
	return take_bags(harvest, bags, 0, error);
}

static bool
take_safes(Harvest *harvest, PKCS12 *file, GError **error)
{
	g_autoptr(Safes) safes = PKCS12_unpack_authsafes(file);

	if (safes == NULL) {
		openssl_set_error(error, ERROR_MALFORMED, "PKCS#12");
		return false;
	}
	for (int i = 0; i < sk_PKCS7_num(safes); i++) {
		if (!take_safe(harvest, sk_PKCS7_value(safes, i), error)) {
			return false;
		}
	}
	return true;
}

/* RFC 7292 B.1: no passphrase and an empty one are not the same bytes. */
static bool
opens_unasked(Harvest *harvest, PKCS12 *file)
{
	bool opens = true;

	if (PKCS12_verify_mac(file, NULL, 0) == 1) {
		harvest->passphrase = NULL;
	} else if (PKCS12_verify_mac(file, "", 0) == 1) {
		harvest->passphrase = "";
	} else {
		opens = false;
	}
	ERR_clear_error();
	return opens;
}

static bool
find_passphrase(
    Harvest *harvest, PKCS12 *file, Passphrase *passphrase, GError **error)
{
	bool has_mac = PKCS12_mac_present(file) == 1;

	if (has_mac && opens_unasked(harvest, file)) {
		return true;
	}
	harvest->passphrase = keyring_passphrase(passphrase, error);
	if (harvest->passphrase == NULL) {
		return false;
	}
	harvest->passphrase_length = (int)strlen(harvest->passphrase);
	if (has_mac &&
	    PKCS12_verify_mac(
		file, harvest->passphrase, harvest->passphrase_length) != 1) {
		if (ERR_peek_error() != 0) {
			openssl_set_error(
			    error, ERROR_MALFORMED, "PKCS#12 integrity check");
		} else {
			g_set_error_literal(error, ERROR_DOMAIN,
			    ERROR_MALFORMED, "PKCS#12: wrong passphrase");
		}
		return false;
	}
	return true;
}

static PKCS12 *
parse(GBytes *content, OSSL_LIB_CTX *context, GError **error)
{
	gsize length = 0;
	const guint8 *data = g_bytes_get_data(content, &length);
	g_autoptr(PKCS12) file = PKCS12_init_ex(NID_pkcs7_data, context, NULL);

	if (file == NULL || d2i_PKCS12(&file, &data, (long)length) == NULL) {
		openssl_set_error(error, ERROR_MALFORMED, "not a PKCS#12 file");
		return NULL;
	}
	return g_steal_pointer(&file);
}

bool
keyfile_read_pkcs12(GBytes *content, Passphrase *passphrase, EVP_PKEY **key_out,
    GPtrArray **certs_out, GError **error)
{
	g_autoptr(OpensslLegacy) legacy = openssl_legacy_new();
	g_autoptr(PKCS12) file = NULL;
	g_auto(Harvest) harvest = { 0 };

	ERR_clear_error();
	harvest.context = openssl_legacy_context(legacy);
	harvest.certs =
	    g_ptr_array_new_with_free_func((GDestroyNotify)cert_unref);
	file = parse(content, harvest.context, error);
	if (file == NULL ||
	    !find_passphrase(&harvest, file, passphrase, error) ||
	    !take_safes(&harvest, file, error)) {
		return false;
	}
	if (harvest.keys != 1) {
		g_set_error(error, ERROR_DOMAIN, ERROR_UNFIT,
		    harvest.keys == 0
			? "PKCS#12: no private key in it"
			: "PKCS#12: %u private keys in it; export them one by "
			  "one",
		    harvest.keys);
		return false;
	}
	*key_out = g_steal_pointer(&harvest.key);
	*certs_out = g_steal_pointer(&harvest.certs);
	return true;
}
