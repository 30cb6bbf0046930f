/* SPDX-License-Identifier: Apache-2.0 */
/* DER elements, and the walk over BER that strangers wrote. */
#include "config.h"

#include "crypto/der.h"

#include <string.h>

static GBytes *
from_hex(const char *hex)
{
	GByteArray *bytes = g_byte_array_new();

	for (; *hex != '\0'; hex += 2) {
		guint8 byte = (guint8)(g_ascii_xdigit_value(hex[0]) << 4 |
		    g_ascii_xdigit_value(hex[1]));

		g_byte_array_append(bytes, &byte, 1);
	}
	return g_byte_array_free_to_bytes(bytes);
}

static void
assert_bytes(const guint8 *data, gsize length, const char *hex)
{
	g_autoptr(GBytes) want = from_hex(hex);

	g_assert_cmpmem(data, (int)length, g_bytes_get_data(want, NULL),
	    (int)g_bytes_get_size(want));
}

static void
test_header(void)
{
	static const struct {
		gsize length;
		const char *want;
	} CASES[] = {
		{ 0, "3000" },
		{ 0x7F, "307F" },
		{ 0x80, "308180" },
		{ 0xFF, "3081FF" },
		{ 0x100, "30820100" },
		{ 0x10000, "3083010000" },
		{ 0x12345678, "308412345678" },
	};

	for (guint i = 0; i < G_N_ELEMENTS(CASES); i++) {
		g_autoptr(GByteArray) got = g_byte_array_new();

		der_append_header(got, DER_SEQUENCE, CASES[i].length);
		assert_bytes(got->data, got->len, CASES[i].want);
		g_assert_cmpuint(
		    der_size(CASES[i].length), ==, got->len + CASES[i].length);
	}
}

static void
test_set_is_sorted(void)
{
	static const char *const ELEMENTS[] = { "040200FF", "0401FF", "040100",
		"02017F" };
	g_autoptr(GPtrArray) list =
	    g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
	g_autoptr(GByteArray) got = g_byte_array_new();

	for (guint i = 0; i < G_N_ELEMENTS(ELEMENTS); i++) {
		g_ptr_array_add(list, from_hex(ELEMENTS[i]));
	}
	der_append_set(got, DER_SET, list);
	assert_bytes(got->data, got->len, "310D02017F0401000401FF040200FF");
}

static void
test_next(void)
{
	static const struct {
		const char *name;
		const char *input;
		guint8 tag;
		const char *content;
		gsize whole;
	} CASES[] = {
		{ "short", "0403616263FF", 0x04, "616263", 5 },
		{ "empty", "0500", 0x05, "", 2 },
		{ "long length", "04810161", 0x04, "61", 4 },
		{ "zeros before the length", "0484000000016199", 0x04, "61",
		    7 },
		{ "indefinite", "308004016100004242", 0x30, "040161", 7 },
		{ "indefinite in indefinite", "3080308002010100000000", 0x30,
		    "308002010100"
		    "00",
		    11 },
		{ "tag of several bytes", "1F8101020506", 0x1F, "0506", 6 },
	};

	for (guint i = 0; i < G_N_ELEMENTS(CASES); i++) {
		g_autoptr(GBytes) input = from_hex(CASES[i].input);
		DerSpan span = der_span(input);
		DerItem item;

		g_test_message("%s", CASES[i].name);
		g_assert_true(der_next(&span, &item));
		g_assert_cmphex(item.tag, ==, CASES[i].tag);
		assert_bytes(
		    item.content.data, item.content.length, CASES[i].content);
		g_assert_cmpuint(item.whole.length, ==, CASES[i].whole);
		g_assert_cmpuint(
		    span.length, ==, g_bytes_get_size(input) - CASES[i].whole);
	}
}

static void
test_next_refuses(void)
{
	static const char *const CASES[] = { "", "30", "3001", "30030201",
		"0403", "04036162", "04820001", "04FFFFFFFFFFFFFFFFFF",
		"0488FFFFFFFFFFFFFFFF61", "048061620000", "3080", "308000",
		"308002010100", "1F", "1F81", "1F8181", "1F01" };

	for (guint i = 0; i < G_N_ELEMENTS(CASES); i++) {
		g_autoptr(GBytes) input = from_hex(CASES[i]);
		DerSpan span = der_span(input);
		DerItem item;

		g_test_message("%s", CASES[i]);
		g_assert_false(der_next(&span, &item));
	}
}

static void
test_depth(void)
{
	GByteArray *deep = g_byte_array_new();
	g_autoptr(GBytes) input = NULL;
	DerSpan span;
	DerItem item;

	for (int i = 0; i < 100000; i++) {
		g_byte_array_append(deep, (const guint8 *)"\x30\x80", 2);
	}
	input = g_byte_array_free_to_bytes(deep);
	span = der_span(input);
	g_assert_false(der_next(&span, &item));
}

static void
test_tagged(void)
{
	g_autoptr(GBytes) input = from_hex("0401610201050500");
	DerSpan span = der_span(input);
	DerItem item;

	g_assert_true(der_next_tagged(&span, DER_OCTET_STRING, &item));
	g_assert_true(der_next_tagged(&span, DER_INTEGER, &item));
	g_assert_false(der_next_tagged(&span, DER_INTEGER, &item));
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/der/append-header/lengths", test_header);
	g_test_add_func("/der/append-set/sorted", test_set_is_sorted);
	g_test_add_func("/der/next/elements", test_next);
	g_test_add_func("/der/next/refuses-what-is-cut-off", test_next_refuses);
	g_test_add_func("/der/next/depth-is-limited", test_depth);
	g_test_add_func("/der/next-tagged/takes-only-its-tag", test_tagged);
	return g_test_run();
}
