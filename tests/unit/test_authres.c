/* SPDX-License-Identifier: Apache-2.0 */
/* Authentication-Results: read by the grammar, stripped, written. */
#include "config.h"

#include "mime/authres.h"

#include <string.h>

#define ID "mail.example.com"

/* In a block of exactly its size, for ASan. */
static void
read_exactly(const char *value, AuthresFacts *facts_out)
{
	g_autofree char *copy = g_strdup(value);

	authres_read(copy, facts_out);
}

static const struct {
	const char *value;
	bool sound;
	const char *id;
	bool smime;
} read_cases[] = {
	{ " a.example; none", true, "a.example", false },
	{ "a.example;none", true, "a.example", false },
	{ " a.example 1; NONE (really)\n ", true, "a.example", false },
	{ " a.example; spf=pass smtp.mailfrom=b.example", true, "a.example",
	    false },
	{ " a.example; smime=pass", true, "a.example", true },
	{ " a.example; SMIME=Pass body.smime-part=2", true, "a.example", true },
	{ " a.example; smime/1=pass", true, "a.example", true },
	{ " a.example; smime / 2 = pass", true, "a.example", true },
	{ " a.example; spf=none; smime=fail (bad\n\tluck)", true, "a.example",
	    true },
	{ " (c(d)) a.example (e) 1 (f) ; (g) dkim (h) = (i) pass (j) "
	  "reason (k) = (l) \"because; of\" (m) header (n) . (o) d (p) = (q) "
	  "b.example (r) ; (s) smime=none (t)",
	    true, "a.example", true },
	{ " \"a.example\"; smime=pass", true, "a.example", true },
	{ " \"a\\.exa\\mple\"; smime=pass", true, "a.example", true },
	{ " \"a.\n example\"; smime=pass", true, "a. example", true },
	{ "\n a.example\n\t;\n smime\n =\n pass\n body\n .\n x\n =\n y", true,
	    "a.example", true },
	{ " a.example; dkim=pass reason=good header.i=@b.example "
	  "header.b=\"aB/+=\"",
	    true, "a.example", false },
	{ " a.example; auth=pass smtp.auth=bob@b.example", true, "a.example",
	    false },
	{ " a.example; auth=pass smtp.auth=\"bob b\"@b.example", true,
	    "a.example", false },
	/* As others write it. */
	{ " a.example; dkim=pass header.b=aB/+=; iprev=pass "
	  "policy.iprev=2001:db8::1; spf=pass smtp.mailfrom=<>",
	    true, "a.example", false },
	{ " a.example; smime=pass(c)body.smime-part=\"1/2\"", true, "a.example",
	    true },
	{ " a.example; x=y (\\) ; smime=pass)", true, "a.example", false },
	{ " a.example; x=y reason=\"; smime=pass\"", true, "a.example", false },
	{ " b\303\274cher.example; none", true, "b\303\274cher.example",
	    false },
	/* Not sound. */
	{ "", false, NULL, false },
	{ " ", false, NULL, false },
	{ " ; smime=pass", false, NULL, false },
	{ " \"\"; smime=pass", false, NULL, false },
	{ " a.example", false, "a.example", false },
	{ " a.example;", false, "a.example", false },
	{ " a.example; smime=pass;", false, "a.example", true },
	{ " a.example; none; smime=pass", false, "a.example", false },
	{ " a.example; smime=pass; none", false, "a.example", true },
	{ " a.example 2; smime=pass", false, "a.example", false },
	{ " a.example 1 1; smime=pass", false, "a.example", false },
	{ " a.example v1; none", false, "a.example", false },
	{ " \"a.example\"1; none", false, "a.example", false },
	{ " a.example smime=pass", false, "a.example", false },
	{ " a.example, b.example; smime=pass", false, "a.example", false },
	{ " a.example; smime", false, "a.example", true },
	{ " a.example; smime=", false, "a.example", true },
	{ " a.example; smime/=pass", false, "a.example", true },
	{ " a.example; =pass", false, "a.example", false },
	{ " a.example; x=\"pass\"", false, "a.example", false },
	{ " a.example; x=pass reason", false, "a.example", false },
	{ " a.example; x=pass reason=", false, "a.example", false },
	{ " a.example; x=pass a.b=c reason=d", false, "a.example", false },
	{ " a.example; x=pass a=b", false, "a.example", false },
	{ " a.example; x=pass a.b", false, "a.example", false },
	{ " a.example; x=pass a.=c", false, "a.example", false },
	{ " a.example; x=pass a.b=", false, "a.example", false },
	{ " a.example; x=pass a.b=\"c\"@", false, "a.example", false },
	{ " a.example; x=pass a.b=\"c", false, "a.example", false },
	{ " a.example; x=pass a.b=\"c\\", false, "a.example", false },
	{ " a.example (; smime=pass", false, "a.example", false },
	{ " a.example (\\); smime=pass", false, "a.example", false },
	{ " a.example (\\", false, "a.example", false },
	{ " a.example ); smime=pass", false, "a.example", false },
	{ " (c a.example; smime=pass", false, NULL, false },
	{ " a(c).example; smime=pass", false, "a", false },
	{ " a.example; x=y (\001)", false, "a.example", false },
	{ " a.example; x=y (\377)", false, NULL, false },
};

static void
test_read(void)
{
	for (gsize i = 0; i < G_N_ELEMENTS(read_cases); i++) {
		AuthresFacts facts = { 0 };

		g_test_message("%s", read_cases[i].value);
		read_exactly(read_cases[i].value, &facts);
		g_assert_cmpint(facts.sound, ==, read_cases[i].sound);
		g_assert_cmpstr(facts.id, ==, read_cases[i].id);
		g_assert_cmpint(facts.smime, ==, read_cases[i].smime);
		authres_clear(&facts);
		g_assert_null(facts.id);
		authres_clear(&facts);
	}
}

/* No recursion: a million brackets are a million steps. */
static void
test_read_deep(void)
{
	g_autofree char *open = g_strnfill(1000000, '(');
	g_autofree char *close = g_strnfill(1000000, ')');
	g_autofree char *value = g_strconcat(" a; x=y ", open, close, NULL);
	AuthresFacts facts = { 0 };

	read_exactly(value, &facts);
	g_assert_true(facts.sound);
	authres_clear(&facts);
	value[strlen(value) - 1] = '\0';
	read_exactly(value, &facts);
	g_assert_false(facts.sound);
	authres_clear(&facts);
}

/* stays: also with AUTHRES_STRIP_ALL? */
typedef enum {
	GOES,
	GOES_WITH_ALL,
	STAYS,
} Fate;

static const struct {
	const char *value;
	Fate fate;
} strip_cases[] = {
	{ " " ID "; smime=pass", GOES },
	{ " MAIL.Example.COM; smime=pass", GOES },
	{ " " ID ".; smime=pass", GOES },
	{ " \"" ID "\"; smime=pass", GOES },
	{ " \"mail.\n example.com\"; smime=pass", GOES },
	{ " \"m\\ail.example.com\" 1; SMIME/1=pass", GOES },
	{ " (c)" ID "(c);(c)smime(c)=pass", GOES },
	{ "\n\t" ID ";\n spf=none;\n\tsmime=pass", GOES },
	/* Full-width letters are the same name (UTS 46). */
	{ " \357\275\215ail.example.com; smime=pass", GOES },
	/* A local filter's. */
	{ " " ID "; spf=pass smtp.mailfrom=a.example", GOES_WITH_ALL },
	{ " " ID "; none", GOES_WITH_ALL },
	{ " " ID "; dkim=pass header.b=a/b= (smime=pass)", GOES_WITH_ALL },
	/* What cannot be read and names us anywhere. */
	{ " " ID " 2; spf=pass", GOES },
	{ " " ID "; spf=pass;", GOES },
	{ " " ID, GOES },
	{ " " ID " smime=pass", GOES },
	{ " x; y (" ID, GOES },
	{ " mail(c).example(d).com; smime=pass", GOES },
	{ " mail(\"c).example.com; smime=pass", GOES },
	{ " ma\n il.example.com x; smime=pass", GOES },
	{ " \"ma\"\"il.example.com\"; smime=pass", GOES },
	{ " ma\\il.EXAMPLE.com; smime=pass", GOES },
	{ " evil.example, " ID "; smime=pass", GOES },
	{ " \377 " ID "; smime=pass", GOES },
	{ " \357\275\215ail.example.com smime=pass", GOES },
	/* Others'. */
	{ " evil.example; smime=pass", STAYS },
	{ " evil.example; smime=pass (for " ID ")", STAYS },
	{ " evil.example smime=pass", STAYS },
	{ " xmail.example.com; smime=pass", STAYS },
	{ " mail.example.com.evil.example; smime=pass", STAYS },
	{ "", STAYS },
};

static void
check_fate(const char *id, const char *value, Fate fate)
{
	for (AuthresStrip strip = AUTHRES_STRIP_SMIME;
	     strip <= AUTHRES_STRIP_ALL; strip++) {
		g_autoptr(Fields) fields = fields_new();
		g_autoptr(Edits) edits = edits_new();
		bool goes = fate == GOES ||
		    (fate == GOES_WITH_ALL && strip == AUTHRES_STRIP_ALL);

		g_test_message("%s: %s", id, value);
		fields_add(fields, "Authentication-Results", value);
		g_assert_cmpuint(
		    authres_strip(fields, id, strip, edits), ==, goes ? 1 : 0);
		g_assert_cmpuint(edits_count(edits), ==, goes ? 1 : 0);
	}
}

static void
test_strip(void)
{
	for (gsize i = 0; i < G_N_ELEMENTS(strip_cases); i++) {
		check_fate(ID, strip_cases[i].value, strip_cases[i].fate);
		check_fate("Mail.EXAMPLE.com", strip_cases[i].value,
		    strip_cases[i].fate);
	}
}

/* RFC 8601 5: whichever form the field has. */
static void
test_strip_idna(void)
{
	static const char *const ids[] = { "gw.xn--bcher-kva.example",
		"gw.b\303\274cher.example" };
	static const char *const good[] = {
		" gw.xn--bcher-kva.example; smime=pass",
		" GW.XN--BCHER-KVA.example; smime=pass",
		" gw.b\303\274cher.example; smime=pass",
		" \"gw.B\303\234CHER.example.\"; smime=pass",
		" gw.bu\314\210cher.example; smime=pass",
		" gw.xn--bcher-kva.example smime=pass",
		" gw.B\303\234cher.example smime=pass",
		" gw.bu\314\210cher.example smime=pass",
	};

	for (gsize i = 0; i < G_N_ELEMENTS(ids); i++) {
		for (gsize j = 0; j < G_N_ELEMENTS(good); j++) {
			check_fate(ids[i], good[j], GOES);
		}
		check_fate(ids[i], " gw.bucher.example; smime=pass", STAYS);
	}
}

/* Which ones go, among many, by their numbers in the original header. */
static void
test_strip_several(void)
{
	static const struct {
		const char *name;
		const char *value;
		bool stays;
	} header[] = {
		{ "Authentication-Results", " " ID "; smime=pass", false },
		{ "Received", " from a", true },
		{ "AUTHENTICATION-RESULTS", " other; smime=pass", true },
		{ "authentication-results", " " ID "; spf=none", true },
		{ "X-SMIME-Milter", " decrypted=yes", false },
		{ "x-smime-milter-Anything", " x", false },
		{ "X-Smime-Milterx", " x", false },
		{ "X-SMIME-Milte", " x", true },
		{ "Authentication-Results ", " " ID "; smime=pass", false },
		{ "Authentication-Results", " (" ID "; smime=pass", false },
		{ "ARC-Authentication-Results", " i=1; " ID "; smime=pass",
		    true },
		{ "X-SMIME-Milter", " again", false },
	};
	g_autoptr(Fields) fields = fields_new();
	g_autoptr(Edits) edits = edits_new();
	g_autoptr(Fields) result = NULL;
	guint stay = 0;

	for (gsize i = 0; i < G_N_ELEMENTS(header); i++) {
		fields_add(fields, header[i].name, header[i].value);
	}
	g_assert_cmpuint(
	    authres_strip(fields, ID, AUTHRES_STRIP_SMIME, edits), ==, 7);
	result = edits_apply(edits, fields);
	for (gsize i = 0; i < G_N_ELEMENTS(header); i++) {
		if (header[i].stays) {
			g_assert_cmpstr(
			    fields_name(result, stay), ==, header[i].name);
			g_assert_cmpstr(
			    fields_value(result, stay), ==, header[i].value);
			stay++;
		}
	}
	g_assert_cmpuint(fields_count(result), ==, stay);
}

static char *
write_one(const char *id, const AuthresResult *result)
{
	g_autoptr(GArray) results =
	    g_array_new(FALSE, FALSE, sizeof(AuthresResult));

	g_array_append_val(results, *result);
	return authres_write(id, results);
}

static const struct {
	AuthresResult result;
	const char *want;
} write_cases[] = {
	{ { .result = "pass" }, " " ID "; smime=pass" },
	{ { .result = "pass", .identifier = "alice@example.com", .part = "2" },
	    " " ID "; smime=pass\n body.smime-identifier=alice@example.com "
	    "body.smime-part=2" },
	{ { .result = "fail",
	      .comment = "certificate revoked",
	      .identifier = "a@b.example",
	      .part = "1/2" },
	    " " ID "; smime=fail (certificate revoked)\n "
	    "body.smime-identifier=a@b.example body.smime-part=\"1/2\"" },
	/* Not tokens, no dot-atoms. */
	{ { .result = "pass", .identifier = "a=b@c.example" },
	    " " ID "; smime=pass\n body.smime-identifier=\"a=b@c.example\"" },
	{ { .result = "pass", .identifier = "a..b@c.example" },
	    " " ID "; smime=pass\n body.smime-identifier=\"a..b@c.example\"" },
	{ { .result = "pass", .identifier = "a\"\\b c@d" },
	    " " ID "; smime=pass\n body.smime-identifier=\"a\\\"\\\\b c@d\"" },
	{ { .result = "pass", .identifier = "\303\244@b\r\n.example" },
	    " " ID "; smime=pass\n body.smime-identifier=\"?@b.example\"" },
	{ { .result = "pass", .identifier = "a@b@c" },
	    " " ID "; smime=pass\n body.smime-identifier=\"a@b@c\"" },
	/* Both or neither. */
	{ { .result = "pass", .serial = "00FF", .issuer = "CN=A\\, B,O=C" },
	    " " ID "; smime=pass body.smime-serial=00FF\n "
	    "body.smime-issuer=\"CN=A\\\\, B,O=C\"" },
	{ { .result = "pass", .serial = "00FF" }, " " ID "; smime=pass" },
	{ { .result = "pass", .issuer = "CN=A" }, " " ID "; smime=pass" },
	{ { .result = "pass", .serial = "", .issuer = "CN=A", .part = "" },
	    " " ID "; smime=pass" },
	/* Comments that would end early, or begin a field. */
	{ { .result = "fail", .comment = "" }, " " ID "; smime=fail" },
	{ { .result = "fail", .comment = " \r\n " }, " " ID "; smime=fail" },
	{ { .result = "fail", .comment = ") smime=pass (\\" },
	    " " ID "; smime=fail (\\) smime=pass \\(\\\\)" },
	{ { .result = "fail", .comment = "a\r\nX: b\tc\001\177" },
	    " " ID "; smime=fail (aX: b c)" },
	{ { .result = "fail", .comment = "\303\244\377\342\202\254" },
	    " " ID "; smime=fail (?\?\?)" },
};

static void
test_write(void)
{
	for (gsize i = 0; i < G_N_ELEMENTS(write_cases); i++) {
		g_autofree char *got = write_one(ID, &write_cases[i].result);

		g_assert_cmpstr(got, ==, write_cases[i].want);
	}
}

static void
check_lines(const char *value, gsize max)
{
	g_autofree char *whole =
	    g_strconcat("Authentication-Results:", value, NULL);
	g_auto(GStrv) lines = g_strsplit(whole, "\n", -1);

	for (guint i = 0; lines[i] != NULL; i++) {
		g_assert_cmpuint(strlen(lines[i]), <=, max);
		g_assert_true(i == 0 ||
		    (lines[i][0] == ' ' && lines[i][1] != ' ' &&
			lines[i][1] != '\0'));
	}
}

static void
check_own(const char *value, const char *id)
{
	AuthresFacts facts = { 0 };

	g_test_message("%s", value);
	authres_read(value, &facts);
	g_assert_true(facts.sound);
	g_assert_true(facts.smime);
	g_assert_cmpstr(facts.id, ==, id);
	authres_clear(&facts);
	g_assert_true(g_str_is_ascii(value));
}

/* What we write we can read, and strip. */
static void
test_round(void)
{
	for (gsize i = 0; i < G_N_ELEMENTS(write_cases); i++) {
		static const char *const ids[] = { ID, "a b", "x\"y\\z",
			"a/b" };

		for (gsize j = 0; j < G_N_ELEMENTS(ids); j++) {
			g_autofree char *got =
			    write_one(ids[j], &write_cases[i].result);

			check_own(got, ids[j]);
			check_lines(got, 78);
			check_fate(ids[j], got, GOES);
		}
	}
}

/* Many results, and texts that have no end. */
static void
test_write_large(void)
{
	g_autoptr(GArray) results =
	    g_array_new(FALSE, FALSE, sizeof(AuthresResult));
	g_autofree char *words = g_strnfill(100000, ' ');
	g_autofree char *brackets = g_strnfill(100000, '(');
	AuthresResult result = { .result = "policy",
		.comment = words,
		.identifier = "a@b.example",
		.serial = brackets,
		.issuer = "CN=A",
		.part = "2" };
	g_autofree char *value = NULL;
	const char *at = NULL;
	guint count = 0;

	for (gsize i = 0; i < 100000; i += 3) {
		words[i] = 'x';
	}
	for (guint i = 0; i < 30; i++) {
		result.comment = i % 2 == 0 ? words : brackets;
		g_array_append_val(results, result);
	}
	value = authres_write(ID, results);
	check_own(value, ID);
	check_lines(value, 998);
	for (at = value; (at = strstr(at, "smime=policy")) != NULL; at++) {
		count++;
	}
	g_assert_cmpuint(count, ==, 20);
	g_assert_null(strstr(value, "serial"));
	g_assert_null(strstr(value, "issuer"));
	g_assert_cmpuint(strlen(value), <, 20000);
}

static void
test_write_none(void)
{
	g_autoptr(GArray) results =
	    g_array_new(FALSE, FALSE, sizeof(AuthresResult));
	g_autofree char *value = authres_write(ID, results);

	g_assert_cmpstr(value, ==, " " ID "; none");
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/authres/read/table", test_read);
	g_test_add_func("/authres/read/deep", test_read_deep);
	g_test_add_func("/authres/strip/table", test_strip);
	g_test_add_func("/authres/strip/idna", test_strip_idna);
	g_test_add_func("/authres/strip/several", test_strip_several);
	g_test_add_func("/authres/write/table", test_write);
	g_test_add_func("/authres/write/reads-again", test_round);
	g_test_add_func("/authres/write/large", test_write_large);
	g_test_add_func("/authres/write/none", test_write_none);
	return g_test_run();
}
