/* SPDX-License-Identifier: Apache-2.0 */
/* Whether an identity brings what its recipients need to verify it. */
#ifndef CTL_ISSUER_H
#define CTL_ISSUER_H

#include <stdbool.h>

#include "crypto/keyring.h"
#include "store/anchors.h"

/*
 * The certificate has an issuer, and nothing says which certificates lead
 * from there to a root: none came with it, and none of our own anchors
 * issued it. Anchors that cannot be read are none.
 */
bool issuer_is_missing(const Identity *identity, AnchorStore *store);

#endif
