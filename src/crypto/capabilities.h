/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SMIMECapabilities (RFC 8551 2.5.2) as words that stand in files: those that
 * matter for encryption, in the order in which they were announced. Pure.
 */
#ifndef CRYPTO_CAPABILITIES_H
#define CRYPTO_CAPABILITIES_H

#include <glib.h>
#include <stdbool.h>

/*
 * der: the value of the attribute. Known ones become "aes256-gcm",
 * "aes128-gcm", "aes256-cbc", "aes192-cbc", "aes128-cbc", "3des-cbc",
 * "chacha20-poly1305", "rsa-oaep-sha256", "rsa-oaep-sha1",
 * "ecdh-sha256-aes256", "ecdh-sha256-aes128", ..., "binary-inside"; others are
 * left out; each once. At most 64. Separated by blanks; "" when none is known.
 * NULL: malformed. Yours.
 */
char *capabilities_text(GBytes *der);

/* word is one of those in text. */
bool capabilities_has(const char *text, const char *word);

#endif
