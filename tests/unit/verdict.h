/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What tests of verification share: people who sign, and how a verdict is
 * compared with what is wanted. For tests only.
 */
#ifndef TESTS_VERDICT_H
#define TESTS_VERDICT_H

#include <glib.h>

#include "crypto/verify.h"

/* The content that is signed, in the file "content". */
#define TEXT "Content-Type: text/plain\r\n\r\nHello\r\n"
#define ALICE "alice@example.com"

typedef struct {
	char *pki; /* see pki.h */
	Anchors *anchors; /* root */
} VerdictPlace;

/*
 * alice (P-256), alice2 (her second certificate), rsa, pss, weak (RSA-1024),
 * any (anyExtendedKeyUsage), web (for servers), crypt (for encryption), stray
 * and stray2 (self-signed, stray2 for alice), nobody (no address); the file cas
 * has issuing and root.
 */
void
verdict_init(VerdictPlace *place);
void
verdict_clear(VerdictPlace *place);

/* A TrustJudge that asks chain_check() only; its data is an Anchors. */
void
verdict_judge(gpointer anchors, const Cert *cert, const GPtrArray *others,
    const GPtrArray *crls, gint64 at, TrustVerdict *trust_out);
/* With it, now. */
VerifyRules
verdict_rules(Anchors *anchors, const char *from);

/* The signatures that verify_cms() finds. transfer full. */
GPtrArray *
verdict_by(const VerifyRules *rules, GBytes *blob, GBytes *content);
/* The same by those rules. */
GPtrArray *
verdict_of(const VerdictPlace *place, GBytes *blob, GBytes *content,
    const char *from);
/* Each signature has the result; the first one a reason with this in it. */
void
verdict_assert(const GPtrArray *list, VerifyResult want, const char *reason);
/* Both, of files; content_name may be NULL. */
void
verdict_of_file(const VerdictPlace *place, const char *blob_name,
    const char *content_name, const char *from, VerifyResult want,
    const char *reason);

#endif
