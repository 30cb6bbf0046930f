/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hashes. The algorithm handles are fetched once and live as long as the
 * process: a fetch for each mail costs more than hashing a short one. A hash
 * that OpenSSL cannot do at all means that its installation is broken, which
 * no mail can mend: the program stops. Thread-safe.
 */
#include "config.h"

#include "crypto/digest.h"

#include "base/text.h"
#include "crypto/digest-private.h"
#include "crypto/openssl.h"

static const char *const NAMES[] = {
	[DIGEST_SHA256] = "SHA256",
	[DIGEST_SHA384] = "SHA384",
	[DIGEST_SHA512] = "SHA512",
};

static gpointer
fetch_all(gpointer unused)
{
	EVP_MD **handles = g_new0(EVP_MD *, G_N_ELEMENTS(NAMES));

	(void)unused;
	for (guint i = 0; i < G_N_ELEMENTS(NAMES); i++) {
		handles[i] = EVP_MD_fetch(NULL, NAMES[i], NULL);
		if (handles[i] == NULL) {
			g_error("OpenSSL has no %s", NAMES[i]);
		}
	}
	return handles;
}

const EVP_MD *
digest_handle(DigestKind kind)
{
	static GOnce once = G_ONCE_INIT;
	EVP_MD **handles = g_once(&once, fetch_all, NULL);

	return handles[kind];
}

const char *
digest_openssl_name(DigestKind kind)
{
	return NAMES[kind];
}

static EVP_MD_CTX *
begin(const EVP_MD *handle)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();

	if (context == NULL || EVP_DigestInit_ex2(context, handle, NULL) != 1) {
		g_error("OpenSSL cannot hash");
	}
	return context;
}

static void
feed(EVP_MD_CTX *context, const void *data, gsize length)
{
	if (EVP_DigestUpdate(context, data, length) != 1) {
		g_error("OpenSSL cannot hash");
	}
}

static gsize
finish(EVP_MD_CTX *context, guint8 *out)
{
	guint length = 0;

	if (EVP_DigestFinal_ex(context, out, &length) != 1) {
		g_error("OpenSSL cannot hash");
	}
	return length;
}

gsize
digest_rope(DigestKind kind, const Rope *content, guint8 *out)
{
	g_autoptr(EVP_MD_CTX) context = begin(digest_handle(kind));
	guint count = rope_count(content);

	for (guint i = 0; i < count; i++) {
		RopeRun run = rope_run(content, i);

		feed(context, run.data, run.length);
	}
	return finish(context, out);
}

void
digest_sha256(const void *data, gsize length, guint8 *out)
{
	g_autoptr(EVP_MD_CTX) context = begin(digest_handle(DIGEST_SHA256));

	feed(context, data, length);
	finish(context, out);
}

char *
digest_hex(const void *data, gsize length)
{
	guint8 hash[DIGEST_MAX];

	digest_sha256(data, length, hash);
	return text_hex(hash, DIGEST_SHA256_LENGTH);
}

struct Digest {
	EVP_MD_CTX *context;
};

Digest *
digest_new(void)
{
	Digest *digest = g_new0(Digest, 1);

	digest->context = begin(digest_handle(DIGEST_SHA256));
	return digest;
}

void
digest_update(Digest *digest, const void *data, gsize length)
{
	feed(digest->context, data, length);
}

char *
digest_finish(Digest *digest)
{
	guint8 hash[DIGEST_MAX];
	gsize length = finish(digest->context, hash);

	EVP_MD_CTX_free(digest->context);
	g_free(digest);
	return text_hex(hash, length);
}
