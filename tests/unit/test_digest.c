/* SPDX-License-Identifier: Apache-2.0 */
/* Hashes, against the examples of FIPS 180-4. */
#include "config.h"

#include "crypto/digest.h"

#include <string.h>

#include "base/text.h"

#define ABC_256 \
	"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define EMPTY_256 \
	"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static void
test_rope(void)
{
	static const struct {
		DigestKind kind;
		const char *want;
	} CASES[] = {
		{ DIGEST_SHA256, ABC_256 },
		{ DIGEST_SHA384,
		    "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded163"
		    "1a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7" },
		{ DIGEST_SHA512,
		    "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea2"
		    "0a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd"
		    "454d4423643ce80e2a9ac94fa54ca49f" },
	};
	g_autoptr(Rope) rope = rope_new();
	g_autoptr(GBytes) middle = g_bytes_new("b", 1);

	rope_append_text(rope, "a");
	rope_append_bytes(rope, middle);
	rope_append_text(rope, "c");
	for (guint i = 0; i < G_N_ELEMENTS(CASES); i++) {
		guint8 out[DIGEST_MAX];
		gsize length = digest_rope(CASES[i].kind, rope, out);
		g_autofree char *got = text_hex(out, length);

		g_assert_cmpstr(got, ==, CASES[i].want);
	}
}

static void
test_empty(void)
{
	g_autoptr(Rope) rope = rope_new();
	guint8 out[DIGEST_MAX];
	gsize length = digest_rope(DIGEST_SHA256, rope, out);
	g_autofree char *of_rope = text_hex(out, length);
	g_autofree char *of_nothing = digest_hex(NULL, 0);
	g_autofree char *finished = digest_finish(digest_new());

	g_assert_cmpstr(of_rope, ==, EMPTY_256);
	g_assert_cmpstr(of_nothing, ==, EMPTY_256);
	g_assert_cmpstr(finished, ==, EMPTY_256);
}

static void
test_incremental(void)
{
	Digest *digest = digest_new();
	g_autofree char *got = NULL;
	g_autofree char *at_once = digest_hex("abc", 3);

	digest_update(digest, "ab", 2);
	digest_update(digest, "", 0);
	digest_update(digest, "c", 1);
	got = digest_finish(digest);
	g_assert_cmpstr(got, ==, ABC_256);
	g_assert_cmpstr(at_once, ==, ABC_256);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/digest/rope/several-runs", test_rope);
	g_test_add_func("/digest/rope/empty", test_empty);
	g_test_add_func("/digest/update/pieces", test_incremental);
	return g_test_run();
}
