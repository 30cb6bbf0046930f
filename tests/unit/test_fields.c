/* SPDX-License-Identifier: Apache-2.0 */
/* The header kept raw: order, occurrences, sizes, unfolding, decoding. */
#include "config.h"

#include "mime/fields.h"

#include <string.h>

static Fields *
sample(void)
{
	Fields *fields = fields_new();

	fields_add(fields, "Received", " from a\n\tby b");
	fields_add(fields, "From", " a@example.com");
	fields_add(fields, "RECEIVED", " from c");
	fields_add(fields, "Subject", "");
	return fields;
}

static char *
written(const Fields *fields)
{
	g_autoptr(Rope) rope = rope_new();
	g_autoptr(GBytes) bytes = NULL;
	gsize length = 0;
	const char *data = NULL;

	for (guint i = 0; i < fields_count(fields); i++) {
		fields_write(fields, i, rope);
	}
	bytes = rope_to_bytes(rope);
	data = g_bytes_get_data(bytes, &length);
	return g_strndup(data, length);
}

static void
test_order(void)
{
	g_autoptr(Fields) fields = sample();
	g_autofree char *text = written(fields);

	g_assert_cmpuint(fields_count(fields), ==, 4);
	g_assert_cmpstr(fields_name(fields, 2), ==, "RECEIVED");
	g_assert_cmpstr(fields_value(fields, 0), ==, " from a\n\tby b");
	g_assert_cmpstr(text, ==,
	    "Received: from a\r\n\tby b\r\nFrom: a@example.com\r\n"
	    "RECEIVED: from c\r\nSubject:\r\n");
	g_assert_cmpuint(fields_size(fields), ==, strlen(text));
}

static void
test_find(void)
{
	g_autoptr(Fields) fields = sample();

	g_assert_cmpstr(fields_find(fields, "received", 2), ==, " from c");
	g_assert_null(fields_find(fields, "received", 3));
	g_assert_null(fields_find(fields, "received", 0));
	g_assert_null(fields_find(fields, "Receive", 1));
	g_assert_cmpuint(fields_count_of(fields, "rEcEiVeD"), ==, 2);
	g_assert_cmpuint(fields_count_of(fields, "To"), ==, 0);
	g_assert_cmpuint(fields_occurrence(fields, 2), ==, 2);
	g_assert_cmpuint(fields_occurrence(fields, 3), ==, 1);
}

static void
test_insert_remove(void)
{
	g_autoptr(Fields) fields = sample();
	g_autoptr(Fields) copy = fields_copy(fields);
	g_autofree char *before = written(fields);
	g_autofree char *after = NULL;
	g_autofree char *copied = NULL;

	fields_insert(fields, 0, "A", " top");
	fields_insert(fields, 99, "Z", " end");
	fields_remove(fields, 1);
	after = written(fields);
	g_assert_cmpstr(after, ==,
	    "A: top\r\nFrom: a@example.com\r\nRECEIVED: from c\r\n"
	    "Subject:\r\nZ: end\r\n");
	g_assert_cmpuint(fields_size(fields), ==, strlen(after));
	copied = written(copy);
	g_assert_cmpstr(copied, ==, before);
}

static void
test_unfold(void)
{
	static const struct {
		const char *value;
		const char *want;
	} cases[] = {
		{ "", "" },
		{ " ", "" },
		{ " plain", "plain" },
		{ " one\n two", "one two" },
		{ " one\n\ttwo\n  three ", "one\ttwo  three" },
		{ "\n late", "late" },
		{ " one\n \n two", "one  two" },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *got = fields_unfold(cases[i].value);

		g_assert_cmpstr(got, ==, cases[i].want);
	}
}

static void
test_decode(void)
{
	static const struct {
		const char *value;
		const char *want;
	} cases[] = {
		{ " plain", "plain" },
		{ " =?utf-8?q?caf=C3=A9?=", "café" },
		{ " =?iso-8859-1?q?caf=E9?=", "café" },
		{ " =?utf-8?b?Y2Fmw6k=?=\n =?utf-8?b?IGF1IGxhaXQ=?=",
		    "café au lait" },
		{ " caf\xC3\xA9", "café" },
		{ " =?utf-8?q?broken", "=?utf-8?q?broken" },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *got = fields_decode(cases[i].value);

		g_assert_cmpstr(got, ==, cases[i].want);
	}
}

static void
test_decode_garbage(void)
{
	static const char *const values[] = {
		" caf\xE9",
		" =?utf-8?q?=FF=FE?=",
		" =?no-such-charset?q?=FF?=",
		" =?utf-16?b?2AA=?=",
	};

	for (gsize i = 0; i < G_N_ELEMENTS(values); i++) {
		g_autofree char *got = fields_decode(values[i]);

		g_assert_true(g_utf8_validate(got, -1, NULL));
	}
}

static void
test_many(void)
{
	g_autoptr(Fields) fields = fields_new();
	g_autofree guint *occurrences = NULL;

	for (guint i = 0; i < 100000; i++) {
		fields_add(fields, i % 2 == 0 ? "X-A" : "x-b", " value");
	}
	occurrences = fields_occurrences(fields);
	g_assert_cmpuint(fields_count(fields), ==, 100000);
	g_assert_cmpuint(fields_size(fields), ==, 100000 * 12);
	g_assert_cmpuint(occurrences[99998], ==, 50000);
	g_assert_cmpuint(occurrences[99999], ==, 50000);
	g_assert_cmpuint(occurrences[1], ==, 1);
	g_assert_cmpuint(fields_occurrence(fields, 99999), ==, 50000);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/fields/add/order-is-kept", test_order);
	g_test_add_func("/fields/find/ignores-case", test_find);
	g_test_add_func("/fields/insert/and-remove", test_insert_remove);
	g_test_add_func("/fields/unfold/table", test_unfold);
	g_test_add_func("/fields/decode/table", test_decode);
	g_test_add_func("/fields/decode/garbage-is-utf8", test_decode_garbage);
	g_test_add_func("/fields/occurrences/100000-fields", test_many);
	return g_test_run();
}
