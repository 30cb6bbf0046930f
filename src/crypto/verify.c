/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signatures of others, judged one by one. CMS_verify() is never called: it
 * takes a SignerInfo without signed attributes, wants all signers good or says
 * nothing, and puts OpenSSL's S/MIME purpose over the certificates (STANDARDS
 * 5.4 to 5.8, 15). OpenSSL parses, and checks the one signature over the
 * attributes; the content is hashed here, once for each digest, where it lies.
 * Every check is made and the worst finding counts, so that a bad signature is
 * not hidden behind an unknown issuer. Revocation is not asked. No state.
 */
#include "config.h"

#include "crypto/verify.h"

#include <string.h>

#include <openssl/err.h>

#include "crypto/attributes.h"
#include "crypto/cert-private.h"
#include "crypto/cms-private.h"
#include "crypto/der.h"
#include "crypto/mailbox.h"

/* RFC 8551 4. Above the limit a verification is an attack on our time. */
#define RSA_STRONG 2048
#define RSA_LIMIT 8192

/* Digests that are known; weak ones are for old mail only. */
static const struct {
	int nid;
	bool weak;
} DIGESTS[] = {
	{ NID_sha256, false },
	{ NID_sha384, false },
	{ NID_sha512, false },
	{ NID_sha224, false },
	{ NID_sha1, true },
	{ NID_md5, true },
};

typedef struct {
	bool done;
	guint length;
	guint8 bytes[EVP_MAX_MD_SIZE];
} Hash;

/* One call of verify_cms(). */
typedef struct {
	CMS_ContentInfo *cms;
	GPtrArray *certs; /* of Cert: all in the message */
	DerSpan content;
	const Anchors *anchors;
	const char *from;
	gint64 at;
	Hash hashes[G_N_ELEMENTS(DIGESTS)];
} Case;

const char *
verify_result_name(VerifyResult result)
{
	static const char *const NAMES[] = {
		[VERIFY_PASS] = "pass",
		[VERIFY_NONE] = "none",
		[VERIFY_NEUTRAL] = "neutral",
		[VERIFY_POLICY] = "policy",
		[VERIFY_TEMPERROR] = "temperror",
		[VERIFY_PERMERROR] = "permerror",
		[VERIFY_FAIL] = "fail",
	};

	return NAMES[result];
}

void
verify_signature_free(VerifySignature *signature)
{
	if (signature == NULL) {
		return;
	}
	g_free(signature->reason);
	cert_unref(signature->signer);
	g_free(signature->address);
	g_free(signature->algorithm);
	g_free(signature);
}

/* The first finding of the worst kind is the one that is told. */
static void
note(VerifySignature *signature, VerifyResult result, const char *reason)
{
	if (result > signature->result) {
		signature->result = result;
		g_free(signature->reason);
		signature->reason = g_strdup(reason);
	}
}

static const Hash *
hash_content(Case *inquiry, guint digest)
{
	Hash *hash = &inquiry->hashes[digest];
	const EVP_MD *md = EVP_get_digestbynid(DIGESTS[digest].nid);

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

/* The number of the digest, -1 when this signature cannot be judged. */
static int
check_algorithms(CMS_SignerInfo *info, VerifySignature *signature)
{
	EVP_PKEY *key = X509_get0_pubkey(cert_x509(signature->signer));
	int kind = key != NULL ? EVP_PKEY_get_base_id(key) : EVP_PKEY_NONE;
	bool rsa = kind == EVP_PKEY_RSA || kind == EVP_PKEY_RSA_PSS;
	X509_ALGOR *digest = NULL;
	X509_ALGOR *algorithm = NULL;
	int found = -1;

	CMS_SignerInfo_get0_algs(info, NULL, NULL, &digest, &algorithm);
	describe_algorithm(signature, digest, algorithm);
	found = find_digest(digest);
	if (found < 0 ||
	    !is_known_pair(
		kind, OBJ_obj2nid(algorithm->algorithm), DIGESTS[found].nid)) {
		note(signature, VERIFY_NEUTRAL,
		    "its algorithms are not supported");
		return -1;
	}
	if (rsa && EVP_PKEY_get_bits(key) > RSA_LIMIT) {
		note(signature, VERIFY_NEUTRAL, "its RSA key is too large");
		return -1;
	}
	if (DIGESTS[found].weak) {
		note(signature, VERIFY_POLICY, "its hash is weak");
	}
	if (rsa && EVP_PKEY_get_bits(key) < RSA_STRONG) {
		note(signature, VERIFY_POLICY, "its RSA key is too short");
	}
	return found;
}

static bool
is_valid_by(CMS_SignerInfo *info, const Cert *cert)
{
	bool valid = false;

	CMS_SignerInfo_set1_signer_cert(info, cert_x509(cert));
	valid = CMS_SignerInfo_verify(info) == 1;
	ERR_clear_error();
	return valid;
}

/* false: malformed. Then there is no sense in asking what was signed. */
static bool
check_attributes(Case *inquiry, CMS_SignerInfo *info, guint digest,
    VerifySignature *signature)
{
	const char *fault = attributes_fault(info);
	const Hash *hash = hash_content(inquiry, digest);

	if (hash == NULL) {
		fault = "its hash is not supported";
	}
	if (fault != NULL) {
		note(signature, VERIFY_NEUTRAL, fault);
		return false;
	}
	if (!attributes_match_digest(info, hash->bytes, hash->length)) {
		note(signature, VERIFY_FAIL, "the content was changed");
	}
	if (!attributes_match_type(info, CMS_get0_eContentType(inquiry->cms))) {
		note(signature, VERIFY_FAIL,
		    "the signed content type is another one");
	}
	return true;
}

static void
check_signature(CMS_SignerInfo *info, VerifySignature *signature)
{
	if (!is_valid_by(info, signature->signer)) {
		note(signature, VERIFY_FAIL, "the signature is wrong");
	}
	if (!attributes_match_cert(info, signature->signer)) {
		note(signature, VERIFY_FAIL,
		    "the signer names another certificate");
	}
	if (!attributes_match_algorithms(info)) {
		note(signature, VERIFY_FAIL, "its algorithms were exchanged");
	}
}

static void
check_address(const Case *inquiry, VerifySignature *signature)
{
	const GPtrArray *addresses = cert_addresses(signature->signer);
	const char *found = NULL;

	for (guint i = 0; i < addresses->len && inquiry->from != NULL; i++) {
		const char *address = addresses->pdata[i];

		if (found == NULL &&
		    mailbox_equal(address, inquiry->from, true)) {
			found = address;
		}
	}
	if (inquiry->from == NULL) {
		note(signature, VERIFY_POLICY,
		    "there is not exactly one From address");
	} else if (found == NULL) {
		note(signature, VERIFY_POLICY,
		    "the certificate does not bear the From address");
	}
	if (found == NULL && addresses->len > 0) {
		found = addresses->pdata[0];
	}
	signature->address = g_strdup(found);
}

static void
check_certificate(const Case *inquiry, VerifySignature *signature)
{
	const Cert *cert = signature->signer;
	const char *reason = NULL;

	if (cert_not_after(cert) < inquiry->at) {
		note(signature, VERIFY_FAIL, "the certificate has expired");
	}
	if (cert_not_before(cert) > inquiry->at) {
		note(
		    signature, VERIFY_FAIL, "the certificate is not yet valid");
	}
	switch (chain_check(inquiry->anchors, cert, inquiry->certs, inquiry->at,
	    &reason, NULL)) {
	case CHAIN_OK:
		break;
	case CHAIN_EXPIRED:
		note(signature, VERIFY_FAIL, reason);
		break;
	case CHAIN_UNTRUSTED:
	case CHAIN_INVALID:
		note(signature, VERIFY_POLICY, reason);
		break;
	}
	if (!cert_fit_for_signing(cert, &reason)) {
		note(signature, VERIFY_POLICY, reason);
	}
}

static bool
is_in_time(const Case *inquiry, const Cert *cert)
{
	return cert_not_before(cert) <= inquiry->at &&
	    inquiry->at <= cert_not_after(cert);
}

/* RFC 5652 5.3: several certificates may share a key identifier, or issuer and
 * serial. Meant is the one whose key verifies and whom the signer names; of
 * those, one that is valid now. */
static guint
rank(const Case *inquiry, CMS_SignerInfo *info, const Cert *cert)
{
	guint points = is_in_time(inquiry, cert) ? 1 : 0;

	if (is_valid_by(info, cert) && attributes_match_cert(info, cert)) {
		points += 2;
	}
	return points;
}

static Cert *
find_signer(const Case *inquiry, CMS_SignerInfo *info)
{
	g_autoptr(GPtrArray) candidates = g_ptr_array_new();
	Cert *best = NULL;
	guint most = 0;

	for (guint i = 0; i < inquiry->certs->len; i++) {
		Cert *cert = inquiry->certs->pdata[i];

		if (CMS_SignerInfo_cert_cmp(info, cert_x509(cert)) == 0) {
			g_ptr_array_add(candidates, cert);
		}
	}
	if (candidates->len < 2) {
		return candidates->len > 0 ? candidates->pdata[0] : NULL;
	}
	for (guint i = 0; i < candidates->len; i++) {
		Cert *cert = candidates->pdata[i];
		guint points = rank(inquiry, info, cert);

		if (best == NULL || points > most) {
			best = cert;
			most = points;
		}
	}
	return best;
}

static VerifySignature *
judge(Case *inquiry, CMS_SignerInfo *info)
{
	VerifySignature *signature = g_new0(VerifySignature, 1);
	Cert *signer = find_signer(inquiry, info);
	int digest = -1;

	signature->signing_time = attributes_signing_time(info);
	if (signer == NULL) {
		note(signature, VERIFY_PERMERROR,
		    "the signer's certificate is not in the message");
		return signature;
	}
	signature->signer = cert_ref(signer);
	check_address(inquiry, signature);
	digest = check_algorithms(info, signature);
	if (digest < 0) {
		return signature;
	}
	if (!attributes_present(info)) {
		note(signature, VERIFY_POLICY, "it has no signed attributes");
	} else if (check_attributes(inquiry, info, (guint)digest, signature)) {
		check_signature(info, signature);
	}
	check_certificate(inquiry, signature);
	return signature;
}

static GPtrArray *
list_new(void)
{
	return g_ptr_array_new_with_free_func(
	    (GDestroyNotify)verify_signature_free);
}

/* The verdict on a message in which no signer can be judged. */
static GPtrArray *
conclude(VerifyResult result, const char *reason)
{
	GPtrArray *list = list_new();
	VerifySignature *signature = g_new0(VerifySignature, 1);

	note(signature, result, reason);
	g_ptr_array_add(list, signature);
	return list;
}

/* Several signers: one bad one spoils all (STANDARDS 15, C2). */
static void
spread_worst(GPtrArray *list)
{
	const VerifySignature *worst = list->pdata[0];
	g_autofree char *reason = NULL;
	VerifyResult result;

	for (guint i = 1; i < list->len; i++) {
		const VerifySignature *signature = list->pdata[i];

		if (signature->result > worst->result) {
			worst = signature;
		}
	}
	result = worst->result;
	reason = g_strdup_printf("beside another signature: %s", worst->reason);
	for (guint i = 0; i < list->len; i++) {
		VerifySignature *signature = list->pdata[i];

		signature->result = result;
		if (result != VERIFY_PASS && signature->reason == NULL) {
			signature->reason = g_strdup(reason);
		}
	}
}

static GPtrArray *
collect_certs(CMS_ContentInfo *cms)
{
	g_autoptr(X509Stack) stack = CMS_get1_certs(cms);
	GPtrArray *certs =
	    g_ptr_array_new_with_free_func((GDestroyNotify)cert_unref);

	for (int i = 0; i < sk_X509_num(stack); i++) {
		/* One that is broken cannot be the signer's. */
		Cert *cert = cert_from_x509(sk_X509_value(stack, i), NULL);

		if (cert != NULL) {
			g_ptr_array_add(certs, cert);
		}
	}
	return certs;
}

static bool
too_many(CMS_ContentInfo *cms)
{
	g_autoptr(X509Stack) stack = CMS_get1_certs(cms);

	return sk_X509_num(stack) > VERIFY_CERTS ||
	    sk_CMS_SignerInfo_num(CMS_get0_SignerInfos(cms)) > VERIFY_SIGNERS;
}

/* Content inside, as it was signed; NULL: none. */
static const ASN1_OCTET_STRING *
inner_content(CMS_ContentInfo *cms)
{
	ASN1_OCTET_STRING **content = CMS_get0_content(cms);

	return content != NULL ? *content : NULL;
}

/* What is wrong before any signer is looked at; NULL: nothing. */
static GPtrArray *
check_shape(CMS_ContentInfo *cms, bool detached)
{
	bool inside = inner_content(cms) != NULL;
	int type = OBJ_obj2nid(CMS_get0_eContentType(cms));

	if (detached && inside) {
		return conclude(VERIFY_NEUTRAL,
		    "there is content inside a detached signature");
	}
	if (too_many(cms)) {
		return conclude(
		    VERIFY_NEUTRAL, "too many signers or certificates");
	}
	if (sk_CMS_SignerInfo_num(CMS_get0_SignerInfos(cms)) <= 0) {
		return detached || inside
		    ? conclude(VERIFY_PERMERROR, "there is no signer")
		    : conclude(VERIFY_NONE, "it carries certificates only");
	}
	if (!detached && !inside) {
		return conclude(
		    VERIFY_NEUTRAL, "a detached signature without its content");
	}
	if (type != NID_pkcs7_data) {
		return conclude(
		    VERIFY_NEUTRAL, "what was signed is no MIME entity");
	}
	return NULL;
}

static GPtrArray *
judge_all(Case *inquiry)
{
	STACK_OF(CMS_SignerInfo) *infos = CMS_get0_SignerInfos(inquiry->cms);
	GPtrArray *list = list_new();

	for (int i = 0; i < sk_CMS_SignerInfo_num(infos); i++) {
		g_ptr_array_add(
		    list, judge(inquiry, sk_CMS_SignerInfo_value(infos, i)));
	}
	spread_worst(list);
	return list;
}

/* Shares the octets of the parsed structure, which then lives as long. */
static GBytes *
take_inner(CMS_ContentInfo *cms)
{
	const ASN1_OCTET_STRING *octets = inner_content(cms);

	return g_bytes_new_with_free_func(ASN1_STRING_get0_data(octets),
	    (gsize)ASN1_STRING_length(octets),
	    (GDestroyNotify)CMS_ContentInfo_free, cms);
}

GPtrArray *
verify_cms(GBytes *blob, GBytes *content, const Anchors *anchors,
    const char *from, gint64 at, GBytes **inner_out)
{
	g_autoptr(CMS_ContentInfo) cms = cms_parse(blob);
	g_autoptr(GPtrArray) certs = NULL;
	Case inquiry = {
		.cms = cms, .anchors = anchors, .from = from, .at = at
	};
	const ASN1_OCTET_STRING *inside = NULL;
	GPtrArray *list = NULL;

	if (cms == NULL ||
	    OBJ_obj2nid(CMS_get0_type(cms)) != NID_pkcs7_signed) {
		ERR_clear_error();
		return conclude(VERIFY_NEUTRAL,
		    cms == NULL ? "the CMS is malformed"
				: "the CMS is no signature");
	}
	inside = inner_content(cms);
	list = check_shape(cms, content != NULL);
	if (list == NULL) {
		certs = collect_certs(cms);
		inquiry.certs = certs;
		if (content != NULL) {
			inquiry.content = der_span(content);
		} else {
			inquiry.content.data = ASN1_STRING_get0_data(inside);
			inquiry.content.length =
			    (gsize)ASN1_STRING_length(inside);
		}
		list = judge_all(&inquiry);
	}
	ERR_clear_error();
	if (inner_out != NULL) {
		*inner_out = content == NULL && inside != NULL
		    ? take_inner(g_steal_pointer(&cms))
		    : NULL;
	}
	return list;
}
