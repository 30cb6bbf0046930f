/* SPDX-License-Identifier: Apache-2.0 */
/* CMS as OpenSSL sees it: for src/crypto only. */
#ifndef CRYPTO_CMS_PRIVATE_H
#define CRYPTO_CMS_PRIVATE_H

#include "crypto/cms.h"
#include "crypto/openssl.h"

/* The whole blob as one ContentInfo, DER or BER, nothing behind it. NULL: it is
 * none; OpenSSL's error queue may tell more. */
CMS_ContentInfo *
cms_parse(GBytes *blob);

CmsKind
cms_kind_of(CMS_ContentInfo *cms);

#endif
