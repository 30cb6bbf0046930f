/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses: the one form they are compared in, and what From may say. */
#include "config.h"

#include "mime/address.h"

#include <string.h>

static const struct {
	const char *text;
	const char *want;
} normalise_cases[] = {
	{ "", "" },
	{ "<>", "" },
	{ " <> ", "" },
	{ "a@b", "a@b" },
	{ "<a@b>", "a@b" },
	{ "  <a@b>  ", "a@b" },
	{ "< a@b >", "a@b" },
	{ "A.User+Tag@EXAMPLE.Com", "A.User+Tag@example.com" },
	{ "\"a\"@b", "a@b" },
	{ "\"a b\"@b", "a b@b" },
	{ "\"a\\\"b\"@c", "a\"b@c" },
	{ "\"a@b\"@c", "a@b@c" },
	{ "\"\"@c", NULL },
	{ "\"a@c", NULL },
	{ "\"a\"b\"@c", NULL },
	{ "\"a\\\"@c", NULL },
	{ "\"a<b\"@c", NULL },
	{ "\"a>b\"@c", NULL },
	{ "a..b@c", "a..b@c" },
	{ ".a@c", ".a@c" },
	{ "a@[192.0.2.1]", "a@[192.0.2.1]" },
	{ "a@[IPv6:2001:DB8::1]", "a@[ipv6:2001:db8::1]" },
	{ "a@[]", NULL },
	{ "a@[b", NULL },
	{ "a@[b]c", NULL },
	{ "a", NULL },
	{ "@b", NULL },
	{ "a@", NULL },
	{ "a@b@c", NULL },
	{ "<a@b", NULL },
	{ "a@b>", NULL },
	{ "<<a@b>>", NULL },
	{ "Bob <a@b>", NULL },
	{ "a b@c", NULL },
	{ "a@b c", NULL },
	{ "a,b@c", NULL },
	{ "@x:a@b", NULL },
	{ "a@b.", NULL },
	{ "a@.b", NULL },
	{ "a@b..c", NULL },
	{ "a@b/c", NULL },
	{ "a\x01@b", NULL },
	{ "a\x7f@b", NULL },
	{ "a\r@b", NULL },
	{ "a@b\n", "a@b" },
	{ "\"a\tb\"@c", NULL },
	{ "\xC2\x85@b", NULL },
	{ "a\xFF@b", NULL },
	{ "a@\xFF", NULL },
	{ "j\xC3\xBCrgen@b", "j\xC3\xBCrgen@b" },
	{ "a@b\xC3\xBC"
	  "cher.example",
	    "a@xn--bcher-kva.example" },
	{ "a@B\xC3\x9C"
	  "CHER.example",
	    "a@xn--bcher-kva.example" },
	{ "a@XN--BCHER-KVA.example", "a@xn--bcher-kva.example" },
	/* IDNA 2008: the sharp s is a letter of its own, not "ss". */
	{ "a@stra\xC3\x9F"
	  "e.example",
	    "a@xn--strae-oqa.example" },
	{ "a@\xE2\x98\x83.example", NULL },
};

static void
test_normalise(void)
{
	for (gsize i = 0; i < G_N_ELEMENTS(normalise_cases); i++) {
		g_autofree char *text = g_strdup(normalise_cases[i].text);
		g_autofree char *got = address_normalise(text);

		if (g_strcmp0(got, normalise_cases[i].want) != 0) {
			g_test_message("\"%s\"", text);
			g_test_fail();
		}
		g_assert_cmpstr(got, ==, normalise_cases[i].want);
	}
}

static void
test_normalise_long(void)
{
	g_autofree char *local = g_strnfill(2000, 'x');
	g_autofree char *text = g_strconcat("<", local, "@EXAMPLE.com>", NULL);
	g_autofree char *want = g_strconcat(local, "@example.com", NULL);
	g_autofree char *got = address_normalise(text);

	g_assert_cmpstr(got, ==, want);
}

static void
test_parts(void)
{
	g_assert_cmpstr(address_domain("a@b"), ==, "b");
	g_assert_cmpstr(address_domain("a@b@c"), ==, "c");
	g_assert_null(address_domain("a"));
	g_assert_null(address_domain(""));
	g_assert_true(address_equal("a@b", "a@b"));
	g_assert_false(address_equal("A@b", "a@b"));
	g_assert_false(address_equal("a@b", NULL));
	g_assert_false(address_equal(NULL, NULL));
	g_assert_true(address_equal_fold("A@b", "a@b"));
	g_assert_false(address_equal_fold("a@b", "a@bc"));
	g_assert_false(address_equal_fold("\xC3\xA4@b", "\xC3\x84@b"));
	g_assert_false(address_equal_fold(NULL, NULL));
}

/* One From field: what it must give. mailboxes -1: not looked at. */
static const struct {
	const char *value;
	const char *want;
	int mailboxes;
} from_cases[] = {
	{ " a@b.example", "a@b.example", 1 },
	{ "a@b.example", "a@b.example", 1 },
	{ " <a@B.Example>", "a@b.example", 1 },
	{ " Alice <a@b>", "a@b", 1 },
	{ " Alice\n <a@b>", "a@b", 1 },
	{ " \"Alice\" <a@b>", "a@b", 1 },
	{ " \"Doe, Alice\" <a@b>", "a@b", 1 },
	{ " John Q. Public <a@b>", "a@b", 1 },
	{ " \"bob@x\" <eve@y>", "eve@y", 1 },
	{ " \"Bob <bob@x>\" <eve@y>", "eve@y", 1 },
	{ " \"Bob <bob@x>, \" <eve@y>", "eve@y", 1 },
	{ " \"\\\"Bob\\\" <bob@x>\" <eve@y>", "eve@y", 1 },
	{ " =?utf-8?q?bob=40x?= <eve@y>", "eve@y", 1 },
	{ " =?utf-8?q?Bob_=3Cbob=40x=3E?= <eve@y>", "eve@y", 1 },
	{ " =?utf-8?b?Ym9iQHg=?= <eve@y>", "eve@y", 1 },
	{ " J\xC3\xBCrgen <j@y>", "j@y", 1 },
	{ " j\xC3\xBCrgen@y", "j\xC3\xBCrgen@y", 1 },
	{ " a@b\xC3\xBC"
	  "cher.example",
	    "a@xn--bcher-kva.example", 1 },
	{ " a@xn--bcher-kva.example", "a@xn--bcher-kva.example", 1 },
	{ " a@b (Alice)", "a@b", 1 },
	{ " a@b (eve@y)", "a@b", 1 },
	{ " (eve@y) a@b", "a@b", 1 },
	{ " (c (nested) \\) c) a (x) @ (y) b (z)", "a@b", 1 },
	{ " Alice (<eve@y>) <a@b>", "a@b", 1 },
	{ " < a@b >", "a@b", 1 },
	{ " \"a b\"@c", "a b@c", 1 },
	{ " <\"a b\"@c>", "a b@c", 1 },
	{ " \"a@x\"@c", "a@x@c", 1 },
	{ " \"a\"@c", "a@c", 1 },
	{ " a@[192.0.2.1]", "a@[192.0.2.1]", 1 },

	/* none, or what cannot be one */
	{ "", NULL, 0 },
	{ " ", NULL, 0 },
	{ " <>", NULL, -1 },
	{ " Alice <>", NULL, -1 },
	{ " Alice", NULL, -1 },
	{ " (a@b)", NULL, 0 },
	{ " \"a@b\"", NULL, -1 },
	{ " @", NULL, -1 },
	{ " a@", NULL, -1 },
	{ " @b", NULL, -1 },
	{ " =?utf-8?q?a=40b?=", NULL, -1 },
	{ " =?utf-8?q?Alice_=3Ca=40b=3E?=", NULL, -1 },
	{ " =?utf-8?q?a?=@b", NULL, -1 },
	{ " Alice <=?utf-8?q?a?=@b>", NULL, -1 },

	/* several */
	{ " a@b, c@d", NULL, 2 },
	{ " a@b, a@b", NULL, 2 },
	{ " Alice <a@b>, Bob <c@d>", NULL, 2 },
	{ " g: a@b, c@d;", NULL, 2 },
	{ " g: a@b;, c@d", NULL, 2 },
	{ " g: a@b;", NULL, 1 },
	{ " g:;", NULL, 0 },
	{ " undisclosed-recipients:;", NULL, 0 },
	{ " Bob <bob@x> <eve@y>", NULL, -1 },
	{ " bob@x <eve@y>", NULL, -1 },
	{ " bob@x eve@y", NULL, -1 },
	{ " <bob@x> eve@y", NULL, -1 },

	/* what others would repair */
	{ " <a@b@c>", NULL, -1 },
	{ " a@b@c", NULL, -1 },
	{ " a@b,", NULL, -1 },
	{ " ,a@b", NULL, -1 },
	{ " a@b;", NULL, -1 },
	{ " a@b>", NULL, -1 },
	{ " <a@b", NULL, -1 },
	{ " <<a@b>>", NULL, -1 },
	{ " <a@b>>", NULL, -1 },
	{ " <a@b> junk", NULL, -1 },
	{ " Doe, Alice <a@b>", NULL, -1 },
	{ " Alice [team] <a@b>", NULL, -1 },
	{ " Alice: <a@b>", NULL, -1 },
	{ " \"Alice <a@b>", NULL, -1 },
	{ " Alice\" <a@b>", NULL, -1 },
	{ " (Alice <a@b>", NULL, -1 },
	{ " Alice) <a@b>", NULL, -1 },
	{ " . <a@b>", NULL, -1 },
	{ " <@x:a@b>", NULL, -1 },
	{ " <a b@c>", NULL, -1 },
	{ " a..b@c", NULL, -1 },
	{ " .a@c", NULL, -1 },
	{ " a.@c", NULL, -1 },
	{ " a . b@c", NULL, -1 },
	{ " a@b.", NULL, -1 },
	{ " a@b..c", NULL, -1 },
	{ " a@b . c", NULL, -1 },
	{ " a@b_c/d", NULL, -1 },
	{ " \"\"@b", NULL, -1 },
	{ " \"a<x\"@b", NULL, -1 },
	{ " a\\@x@b", NULL, -1 },
	{ " a@[b", NULL, -1 },
	{ " a\x01@b", NULL, -1 },
	{ " Al\x01ice <a@b>", NULL, -1 },
	{ " Al\rice <a@b>", NULL, -1 },
	{ " J\xFCrgen <a@b>", NULL, -1 },
	{ " <a@b\xFF>", NULL, -1 },
	{ " mailto:a@b", NULL, -1 },
	{ " <mailto:a@b>", NULL, -1 },
	{ " a@b\n\n <c@d>", NULL, -1 },
};

static void
test_from(void)
{
	for (gsize i = 0; i < G_N_ELEMENTS(from_cases); i++) {
		g_autoptr(Fields) fields = fields_new();
		AddressFrom from = { 0 };

		fields_add(fields, "From", from_cases[i].value);
		address_from(fields, &from);
		if (g_strcmp0(from.address, from_cases[i].want) != 0) {
			g_test_message("From:%s", from_cases[i].value);
		}
		g_assert_cmpuint(from.fields, ==, 1);
		g_assert_cmpstr(from.address, ==, from_cases[i].want);
		if (from_cases[i].mailboxes >= 0) {
			g_assert_cmpint(
			    (int)from.mailboxes, ==, from_cases[i].mailboxes);
		}
		address_from_clear(&from);
		g_assert_null(from.address);
	}
}

static void
test_from_fields(void)
{
	static const struct {
		const char *names[3];
		const char *values[3];
		guint fields;
		guint mailboxes;
		const char *want;
	} cases[] = {
		{ { NULL }, { NULL }, 0, 0, NULL },
		{ { "Sender" }, { " a@b" }, 0, 0, NULL },
		{ { "fRoM" }, { " a@b" }, 1, 1, "a@b" },
		{ { "From", "To" }, { " a@b", " c@d" }, 1, 1, "a@b" },
		{ { "From", "From" }, { " a@b", " c@d" }, 2, 2, NULL },
		{ { "From", "FROM" }, { " a@b", " a@b" }, 2, 2, NULL },
		{ { "From", "From" }, { " a@b", "" }, 2, 1, NULL },
		{ { "Resent-From", "From" }, { " c@d", " a@b" }, 1, 1, "a@b" },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(Fields) fields = fields_new();
		AddressFrom from = { 0 };

		for (gsize j = 0; j < 3 && cases[i].names[j] != NULL; j++) {
			fields_add(
			    fields, cases[i].names[j], cases[i].values[j]);
		}
		address_from(fields, &from);
		g_assert_cmpuint(from.fields, ==, cases[i].fields);
		g_assert_cmpuint(from.mailboxes, ==, cases[i].mailboxes);
		g_assert_cmpstr(from.address, ==, cases[i].want);
		address_from_clear(&from);
	}
}

static void
test_from_hostile(void)
{
	g_autoptr(Fields) fields = fields_new();
	g_autofree char *open = g_strnfill(100000, '(');
	g_autofree char *quote = g_strnfill(100001, '"');
	AddressFrom from = { 0 };

	fields_add(fields, "From", open);
	address_from(fields, &from);
	g_assert_null(from.address);
	fields_remove(fields, 0);
	fields_add(fields, "From", quote);
	address_from(fields, &from);
	g_assert_null(from.address);
	fields_remove(fields, 0);
	for (int i = 0; i < 100000; i++) {
		fields_add(fields, "From", " a@b");
	}
	address_from(fields, &from);
	g_assert_cmpuint(from.fields, ==, 100000);
	g_assert_cmpuint(from.mailboxes, >, 1);
	g_assert_null(from.address);
}

static void
test_list(void)
{
	g_autoptr(Fields) fields = fields_new();
	g_autoptr(GPtrArray) to = NULL;
	g_autoptr(GPtrArray) none = NULL;
	g_autofree char *joined = NULL;

	fields_add(fields, "To", " A <a@B>, junk, \"x, y\" <c@d>");
	fields_add(fields, "Cc", " z@z");
	fields_add(fields, "TO", " g: e@f,\n \"q r\"@s;, a@b\xC3\xBC.example");
	to = address_list(fields, "To");
	g_ptr_array_add(to, NULL);
	joined = g_strjoinv(" ", (char **)to->pdata);
	g_assert_cmpstr(joined, ==, "a@b c@d e@f q r@s a@xn--b-eha.example");
	none = address_list(fields, "Bcc");
	g_assert_cmpuint(none->len, ==, 0);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/address/normalise/table", test_normalise);
	g_test_add_func("/address/normalise/2000-bytes", test_normalise_long);
	g_test_add_func("/address/equal/and-domain", test_parts);
	g_test_add_func("/address/from/table", test_from);
	g_test_add_func("/address/from/several-fields", test_from_fields);
	g_test_add_func("/address/from/hostile", test_from_hostile);
	g_test_add_func("/address/list/table", test_list);
	return g_test_run();
}
