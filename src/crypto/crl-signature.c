/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A CRL's signature, over its bytes as they are. To hash a large one takes a
 * while, so the answer is kept with the CRL for each signer that was tried;
 * whoever asks at the same time waits. What chain.c does not count as proof
 * does not count here: hashes and keys worth less than 112 bits.
 */
#include "config.h"

#include "crypto/crl-private.h"

#include <openssl/err.h>
#include <openssl/rsa.h>

#include "crypto/cert-private.h"

#define STRENGTH 112
/* In bytes: SHA-224's. */
#define HASH_LEAST 28
/* More are forgotten, and worked out again. */
#define SIGNERS_MAX 64

/* An absent hash is SHA-1 (RFC 4055 3.1). */
static int
hash_of_pss(const X509_ALGOR *algorithm)
{
	const void *value = NULL;
	int type = V_ASN1_UNDEF;
	RSA_PSS_PARAMS *parameters = NULL;
	int nid = NID_undef;

	X509_ALGOR_get0(NULL, &type, &value, algorithm);
	if (type != V_ASN1_SEQUENCE) {
		return NID_undef;
	}
	parameters = ASN1_item_unpack(value, ASN1_ITEM_rptr(RSA_PSS_PARAMS));
	if (parameters != NULL) {
		nid = parameters->hashAlgorithm != NULL
		    ? OBJ_obj2nid(parameters->hashAlgorithm->algorithm)
		    : NID_sha1;
	}
	RSA_PSS_PARAMS_free(parameters);
	return nid;
}

static const char *
algorithm_fault(const X509_ALGOR *algorithm)
{
	int nid = OBJ_obj2nid(algorithm->algorithm);
	int hash = NID_undef;
	int key = NID_undef;
	const EVP_MD *known = NULL;

	if (OBJ_find_sigid_algs(nid, &hash, &key) != 1) {
		return "its signature algorithm is unknown";
	}
	if (nid == NID_ED25519 || nid == NID_ED448) {
		return NULL;
	}
	if (nid == NID_rsassaPss) {
		hash = hash_of_pss(algorithm);
	}
	known = EVP_get_digestbynid(hash);
	if (known == NULL) {
		return "its signature algorithm is unknown";
	}
	return EVP_MD_get_size(known) < HASH_LEAST
	    ? "its signature uses a weak hash"
	    : NULL;
}

static bool
verifies(const Crl *crl, EVP_PKEY *key)
{
	g_autoptr(EVP_MD_CTX) context = EVP_MD_CTX_new();
	EVP_PKEY_CTX *with = EVP_PKEY_CTX_new(key, NULL);
	/* Borrowed, and never freed. */
	ASN1_STRING raw = { .type = V_ASN1_SEQUENCE,
		.data = (guint8 *)crl->tbs.data,
		.length = (int)crl->tbs.length };
	ASN1_TYPE any = { .type = V_ASN1_SEQUENCE, .value.sequence = &raw };
	bool yes = false;

	if (context == NULL || with == NULL) {
		g_error("out of memory");
	}
	EVP_MD_CTX_set_pkey_ctx(context, with);
	yes = ASN1_item_verify_ctx(ASN1_ITEM_rptr(ASN1_ANY), crl->algorithm,
		  crl->signature, &any, context) == 1;
	EVP_PKEY_CTX_free(with);
	ERR_clear_error();
	return yes;
}

static const char *
work_out(const Crl *crl, const Cert *signer)
{
	EVP_PKEY *key = X509_get0_pubkey(cert_x509(signer));
	const char *fault = algorithm_fault(crl->algorithm);

	ERR_clear_error();
	if (fault != NULL) {
		return fault;
	}
	if (key == NULL) {
		return "its signer's key is of an unknown kind";
	}
	if (EVP_PKEY_get_security_bits(key) < STRENGTH) {
		return "its signer's key is too weak";
	}
	return verifies(crl, key) ? NULL : "its signature does not verify";
}

const char *
crl_signature_fault(const Crl *crl, const Cert *signer)
{
	/* What it remembers is no change that anybody sees. */
	Crl *mine = (Crl *)crl;
	gpointer fault = NULL;

	pthread_mutex_lock(&mine->lock);
	if (!g_hash_table_lookup_extended(
		mine->signers, cert_fingerprint(signer), NULL, &fault)) {
		if (g_hash_table_size(mine->signers) >= SIGNERS_MAX) {
			g_hash_table_remove_all(mine->signers);
		}
		fault = (gpointer)work_out(crl, signer);
		g_hash_table_insert(
		    mine->signers, g_strdup(cert_fingerprint(signer)), fault);
	}
	pthread_mutex_unlock(&mine->lock);
	return fault;
}
