/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PEM blocks one after the other, read by OpenSSL with buffers that are wiped,
 * since any of them may hold a private key. What is in a block is for others to
 * say.
 */
#include "config.h"

#include "crypto/pem.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>

static void
forget_block(PemWalk *walk)
{
	OPENSSL_secure_free(walk->name);
	OPENSSL_secure_free(walk->header);
	OPENSSL_secure_clear_free(walk->data, (gsize)walk->length);
	walk->name = NULL;
	walk->header = NULL;
	walk->data = NULL;
	walk->length = 0;
}

bool
pem_walk_init(PemWalk *walk, GBytes *content)
{
	ERR_clear_error();
	walk->in = openssl_bio(content);
	return walk->in != NULL;
}

bool
pem_walk_next(PemWalk *walk, GError **error)
{
	forget_block(walk);
	if (PEM_read_bio_ex(walk->in, &walk->name, &walk->header, &walk->data,
		&walk->length,
		PEM_FLAG_SECURE | PEM_FLAG_EAY_COMPATIBLE) == 1) {
		return true;
	}
	if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) {
		openssl_set_error(error, ERROR_MALFORMED,
		    "a PEM block is damaged or cut off");
	}
	ERR_clear_error();
	return false;
}

void
pem_walk_clear(PemWalk *walk)
{
	forget_block(walk);
	g_clear_pointer(&walk->in, BIO_free_all);
}

bool
pem_walk_at_key(const PemWalk *walk)
{
	return g_str_has_suffix(walk->name, "PRIVATE KEY");
}

bool
pem_walk_encrypted(const PemWalk *walk)
{
	return g_str_equal(walk->name, PEM_STRING_PKCS8) ||
	    strstr(walk->header, "ENCRYPTED") != NULL;
}
