/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A signature carries the certificates up to the root (RFC 8551 2.3), for the
 * recipient has the root alone. Where they are missing nobody notices at home.
 * Whether the chain is valid is not judged here.
 */
#include "config.h"

#include "ctl/issuer.h"

#include "crypto/chain.h"

bool
issuer_is_missing(const Identity *identity, AnchorStore *store)
{
	const Cert *cert = keyring_cert(identity);
	gint64 now = g_get_real_time() / G_USEC_PER_SEC;
	g_autoptr(Anchors) anchors = NULL;

	if (cert_is_self_signed(cert) || keyring_chain(identity)->len > 0) {
		return false;
	}
	anchors = anchors_current(store, false, NULL);
	return anchors == NULL ||
	    chain_check(anchors, cert, NULL, now, NULL, NULL) ==
	    CHAIN_UNTRUSTED;
}
