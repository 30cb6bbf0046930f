/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of verify.h share. */
#ifndef CRYPTO_VERIFY_PRIVATE_H
#define CRYPTO_VERIFY_PRIVATE_H

#include "crypto/signeddata.h"
#include "crypto/verify.h"

#define VERIFY_DIGESTS 6

typedef struct {
	bool done;
	guint length;
	guint8 bytes[EVP_MAX_MD_SIZE];
} VerifyHash;

/* One call of verify_cms(). */
typedef struct {
	const SignedData *data;
	const VerifyRules *rules;
	DerSpan content;
	VerifyHash hashes[VERIFY_DIGESTS]; /* of content, by kind */
} VerifyCase;

/* verify.c. Borrowed. */
CMS_SignerInfo *verify_info(const VerifyCase *inquiry, guint index);
/* The first finding of the worst kind is the one that is told. */
void verify_note(
    VerifySignature *signature, VerifyResult result, const char *reason);

/* verify-signature.c. Pass, and nothing known; transfer full. */
VerifySignature *verify_signature_new(void);
/* One SignerInfo by itself. transfer full. */
VerifySignature *verify_signer(VerifyCase *inquiry, guint index);
/* The key may be one of this size; else no time is spent on it. */
bool verify_key_bearable(const Cert *cert);
/* RSA-2048 or better. */
bool verify_key_strong(const Cert *cert);
/* The signature over the signed attributes is that of cert's key. */
bool verify_signed_by(
    const VerifyCase *inquiry, guint index, const Cert *cert);

/* verify-certs.c. The certificate of the signer: in the message, else among
 * those known; NULL. Borrowed. */
Cert *verify_find_signer(const VerifyCase *inquiry, guint index);
/* VerifySignature.encryption. transfer full; NULL. */
Cert *verify_find_encryption(
    const VerifyCase *inquiry, guint index, Cert *signer);

#endif
