/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One SignerInfo. Every check is made and the worst finding counts, so that a
 * bad signature is not hidden behind an unknown issuer. CMS_verify() is never
 * called: it takes a SignerInfo without signed attributes, wants all signers
 * good or says nothing, and puts OpenSSL's S/MIME purpose over the certificates
 * (STANDARDS 5.4 to 5.8, 15). The content is hashed here, once for each digest,
 * where it lies. No state.
 */
#include "config.h"

#include "crypto/verify-private.h"

#include <string.h>

#include <openssl/err.h>

#include "crypto/attributes.h"
#include "crypto/capabilities.h"
#include "crypto/cert-private.h"
#include "crypto/digest-private.h"
#include "crypto/mailbox.h"

/* Bits of security: P-224. OpenSSL counts as many for RSA-2040. */
#define STRENGTH 112
#define RSA_STRONG 2048
/* RFC 8551 4. Above the limit a verification is an attack on our time. */
#define RSA_LIMIT 8192

/* Digests that are known; weak ones are for old mail only. */
static const struct {
	int nid;
	bool weak;
} DIGESTS[VERIFY_DIGESTS] = {
	{ NID_sha256, false },
	{ NID_sha384, false },
	{ NID_sha512, false },
	{ NID_sha224, false },
	{ NID_sha1, true },
	{ NID_md5, true },
};

/* NULL: this OpenSSL does not have it. */
static const EVP_MD *
handle_of(guint digest)
{
	switch (DIGESTS[digest].nid) {
	case NID_sha256:
		return digest_handle(DIGEST_SHA256);
	case NID_sha384:
		return digest_handle(DIGEST_SHA384);
	case NID_sha512:
		return digest_handle(DIGEST_SHA512);
	default:
		return EVP_get_digestbynid(DIGESTS[digest].nid);
	}
}

static const VerifyHash *
hash_content(VerifyCase *inquiry, guint digest)
{
	VerifyHash *hash = &inquiry->hashes[digest];
	const EVP_MD *md = handle_of(digest);

	if (!hash->done && md != NULL) {
		hash->done =
		    EVP_Digest(inquiry->content.data, inquiry->content.length,
			hash->bytes, &hash->length, md, NULL) == 1;
	}
	return hash->done ? hash : NULL;
}

/* -1: unknown. */
static int
find_digest(const X509_ALGOR *algorithm)
{
	int nid = OBJ_obj2nid(algorithm->algorithm);

	for (guint i = 0; i < G_N_ELEMENTS(DIGESTS); i++) {
		if (DIGESTS[i].nid == nid) {
			return (int)i;
		}
	}
	return -1;
}

/* What OpenSSL's CMS can verify with a key of this kind. */
static bool
is_known_pair(int key, int signature, int digest)
{
	int signature_digest = NID_undef;
	int signature_key = NID_undef;

	if (signature == NID_rsassaPss) {
		return key == EVP_PKEY_RSA || key == EVP_PKEY_RSA_PSS;
	}
	if (signature == NID_rsaEncryption) {
		return key == EVP_PKEY_RSA;
	}
	/* sha256WithRSAEncryption and the like name their hash again. */
	if (OBJ_find_sigid_algs(signature, &signature_digest, &signature_key) !=
		1 ||
	    signature_digest != digest) {
		return false;
	}
	return (signature_key == NID_rsaEncryption && key == EVP_PKEY_RSA) ||
	    (signature_key == NID_X9_62_id_ecPublicKey && key == EVP_PKEY_EC);
}

static void
describe_algorithm(VerifySignature *signature, const X509_ALGOR *digest,
    const X509_ALGOR *algorithm)
{
	const char *key = cert_key_name(signature->signer);
	g_autofree char *name = openssl_object_text(digest->algorithm);
	bool pss = OBJ_obj2nid(algorithm->algorithm) == NID_rsassaPss &&
	    g_str_has_prefix(key, "RSA-") && !g_str_has_prefix(key, "RSA-PSS");

	signature->algorithm = g_strdup_printf("%s%s %s", pss ? "RSA-PSS-" : "",
	    pss ? key + strlen("RSA-") : key, name);
}

static bool
is_rsa(const EVP_PKEY *key)
{
	int kind = key != NULL ? EVP_PKEY_get_base_id(key) : EVP_PKEY_NONE;

	return kind == EVP_PKEY_RSA || kind == EVP_PKEY_RSA_PSS;
}

bool
verify_key_bearable(const Cert *cert)
{
	const EVP_PKEY *key = X509_get0_pubkey(cert_x509(cert));

	return !is_rsa(key) || EVP_PKEY_get_bits(key) <= RSA_LIMIT;
}

bool
verify_key_strong(const Cert *cert)
{
	const EVP_PKEY *key = X509_get0_pubkey(cert_x509(cert));

	return key != NULL && EVP_PKEY_get_security_bits(key) >= STRENGTH &&
	    (!is_rsa(key) || EVP_PKEY_get_bits(key) >= RSA_STRONG);
}

static void
note_weakness(
    const VerifyCase *inquiry, guint digest, VerifySignature *signature)
{
	if (inquiry->rules->accept_weak) {
		return;
	}
	if (DIGESTS[digest].weak) {
		verify_note(signature, VERIFY_POLICY, "its hash is weak");
	}
	if (!verify_key_strong(signature->signer)) {
		verify_note(signature, VERIFY_POLICY, "its key is too short");
	}
}

/* The number of the digest, -1 when this signature cannot be judged. */
static int
check_algorithms(
    const VerifyCase *inquiry, CMS_SignerInfo *info, VerifySignature *signature)
{
	EVP_PKEY *key = X509_get0_pubkey(cert_x509(signature->signer));
	int kind = key != NULL ? EVP_PKEY_get_base_id(key) : EVP_PKEY_NONE;
	X509_ALGOR *digest = NULL;
	X509_ALGOR *algorithm = NULL;
	int found = -1;

	CMS_SignerInfo_get0_algs(info, NULL, NULL, &digest, &algorithm);
	describe_algorithm(signature, digest, algorithm);
	found = find_digest(digest);
	if (found < 0 ||
	    !is_known_pair(
		kind, OBJ_obj2nid(algorithm->algorithm), DIGESTS[found].nid)) {
		verify_note(signature, VERIFY_NEUTRAL,
		    "its algorithms are not supported");
		return -1;
	}
	if (!verify_key_bearable(signature->signer)) {
		verify_note(
		    signature, VERIFY_NEUTRAL, "its RSA key is too large");
		return -1;
	}
	note_weakness(inquiry, (guint)found, signature);
	return found;
}

bool
verify_signed_by(const VerifyCase *inquiry, guint index, const Cert *cert)
{
	CMS_SignerInfo *info = verify_info(inquiry, index);
	bool valid = false;

	CMS_SignerInfo_set1_signer_cert(info, cert_x509(cert));
	valid = CMS_SignerInfo_verify(info) == 1;
	ERR_clear_error();
	return valid;
}

/* false: malformed. Then there is no sense in asking what was signed. */
static bool
check_attributes(VerifyCase *inquiry, CMS_SignerInfo *info, guint digest,
    VerifySignature *signature)
{
	const char *fault = attributes_fault(info);
	const VerifyHash *hash = hash_content(inquiry, digest);

	if (hash == NULL) {
		fault = "its hash is not supported";
	}
	if (fault != NULL) {
		verify_note(signature, VERIFY_NEUTRAL, fault);
		return false;
	}
	if (!attributes_match_digest(info, hash->bytes, hash->length)) {
		verify_note(signature, VERIFY_FAIL, "the content was changed");
	}
	if (!attributes_match_type(
		info, CMS_get0_eContentType(inquiry->data->cms))) {
		verify_note(signature, VERIFY_FAIL,
		    "the signed content type is another one");
	}
	return true;
}

static void
check_signature(
    const VerifyCase *inquiry, guint index, VerifySignature *signature)
{
	CMS_SignerInfo *info = verify_info(inquiry, index);

	if (!verify_signed_by(inquiry, index, signature->signer)) {
		verify_note(signature, VERIFY_FAIL, "the signature is wrong");
	}
	if (!attributes_match_cert(info, signature->signer)) {
		verify_note(signature, VERIFY_FAIL,
		    "the signer names another certificate");
	}
	if (!attributes_match_algorithms(info)) {
		verify_note(
		    signature, VERIFY_FAIL, "its algorithms were exchanged");
	}
}

/* What the signer says of himself, once it is certain that he said it. */
static void
take_announced(
    const VerifyCase *inquiry, guint index, VerifySignature *signature)
{
	g_autoptr(GBytes) capabilities =
	    attributes_capabilities(verify_info(inquiry, index));

	if (capabilities != NULL) {
		signature->capabilities = capabilities_text(capabilities);
	}
	signature->encryption =
	    verify_find_encryption(inquiry, index, signature->signer);
}

static void
check_signed(
    VerifyCase *inquiry, guint index, guint digest, VerifySignature *signature)
{
	CMS_SignerInfo *info = verify_info(inquiry, index);

	if (!attributes_present(info)) {
		verify_note(
		    signature, VERIFY_POLICY, "it has no signed attributes");
		return;
	}
	if (!check_attributes(inquiry, info, digest, signature)) {
		return;
	}
	check_signature(inquiry, index, signature);
	if (signature->own != VERIFY_FAIL) {
		take_announced(inquiry, index, signature);
	}
}

static void
check_address(const VerifyCase *inquiry, VerifySignature *signature)
{
	const GPtrArray *addresses = cert_addresses(signature->signer);
	const char *from = inquiry->rules->from;
	const char *found = NULL;

	for (guint i = 0; i < addresses->len && from != NULL; i++) {
		const char *address = addresses->pdata[i];

		if (found == NULL && mailbox_equal(address, from, true)) {
			found = address;
		}
	}
	if (from == NULL) {
		verify_note(signature, VERIFY_POLICY,
		    "there is not exactly one From address");
	} else if (found == NULL) {
		verify_note(signature, VERIFY_POLICY,
		    "the certificate does not bear the From address");
	}
	if (found == NULL && addresses->len > 0) {
		found = addresses->pdata[0];
	}
	signature->address = g_strdup(found);
}

static void
check_certificate(const VerifyCase *inquiry, VerifySignature *signature)
{
	const Cert *cert = signature->signer;
	const char *reason = NULL;

	if (cert_not_after(cert) < inquiry->rules->at) {
		verify_note(
		    signature, VERIFY_FAIL, "the certificate has expired");
	}
	if (cert_not_before(cert) > inquiry->rules->at) {
		verify_note(
		    signature, VERIFY_FAIL, "the certificate is not yet valid");
	}
	if (!cert_fit_for_signing(cert, &reason)) {
		verify_note(signature, VERIFY_POLICY, reason);
	}
}

static void
note_revocation(const VerifyCase *inquiry, VerifySignature *signature)
{
	const TrustVerdict *trust = &signature->trust;
	const char *reason = trust->revocation.reason;
	g_autofree char *text = NULL;

	switch (trust->revocation.status) {
	case REVOCATION_GOOD:
	case REVOCATION_NOT_CHECKED:
		break;
	case REVOCATION_UNKNOWN:
		if (inquiry->rules->hard) {
			text = g_strdup_printf("revocation unknown: %s",
			    reason != NULL ? reason : "no CRL is known");
			verify_note(signature, VERIFY_TEMPERROR, text);
		} else {
			signature->remark = g_strdup("revocation unknown");
		}
		break;
	case REVOCATION_REVOKED:
		text = trust->revoked_issuer || reason == NULL
		    ? NULL
		    : g_strdup_printf("the certificate is revoked: %s", reason);
		verify_note(signature, VERIFY_FAIL,
		    text != NULL ? text
			: trust->revoked_issuer
			? "an issuing CA's certificate is revoked"
			: "the certificate is revoked");
		break;
	}
}

static void
check_trust(const VerifyCase *inquiry, VerifySignature *signature)
{
	const VerifyRules *rules = inquiry->rules;
	bool sound = signature->own == VERIFY_PASS;
	TrustVerdict *trust = &signature->trust;

	rules->trust(rules->data, signature->signer, inquiry->data->certs,
	    inquiry->data->crls, rules->at, trust);
	switch (trust->chain) {
	case CHAIN_OK:
		note_revocation(inquiry, signature);
		break;
	case CHAIN_EXPIRED:
		verify_note(signature, VERIFY_FAIL, trust->chain_reason);
		break;
	case CHAIN_UNTRUSTED:
		signature->untrusted_only = sound;
		verify_note(signature, VERIFY_POLICY, trust->chain_reason);
		break;
	case CHAIN_INVALID:
		verify_note(signature, VERIFY_POLICY, trust->chain_reason);
		break;
	}
	if (signature->own != VERIFY_PASS) {
		g_clear_pointer(&signature->remark, g_free);
	}
}

VerifySignature *
verify_signature_new(void)
{
	VerifySignature *signature = g_new0(VerifySignature, 1);

	/* Until somebody is asked. */
	signature->trust.chain = CHAIN_UNTRUSTED;
	signature->trust.chain_reason = "its issuers were not looked for";
	signature->trust.revocation.status = REVOCATION_NOT_CHECKED;
	signature->trust.revocation.until = G_MAXINT64;
	return signature;
}

VerifySignature *
verify_signer(VerifyCase *inquiry, guint index)
{
	VerifySignature *signature = verify_signature_new();
	CMS_SignerInfo *info = verify_info(inquiry, index);
	Cert *signer = verify_find_signer(inquiry, index);
	int digest = -1;

	signature->signing_time = attributes_signing_time(info);
	if (signer == NULL) {
		verify_note(signature, VERIFY_PERMERROR,
		    "the signer's certificate is not in the message");
		return signature;
	}
	signature->signer = cert_ref(signer);
	check_address(inquiry, signature);
	digest = check_algorithms(inquiry, info, signature);
	if (digest < 0) {
		return signature;
	}
	check_signed(inquiry, index, (guint)digest, signature);
	check_certificate(inquiry, signature);
	check_trust(inquiry, signature);
	return signature;
}
