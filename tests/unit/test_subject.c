/* SPDX-License-Identifier: Apache-2.0 */
/* The tag in the Subject: nobody outside sets it, and ours is put once. */
#include "config.h"

#include "mime/subject.h"

#include <string.h>

#define TAG "[signed]"

/* before: raw; NULL in raw: no edit; text: what a reader sees then. */
static const struct {
	const char *tag;
	const char *before;
	bool set;
	const char *raw;
	const char *text;
} cases[] = {
	{ TAG, " hello", false, NULL, "hello" },
	{ TAG, " hello", true, " [signed] hello", "[signed] hello" },
	{ TAG, " [signed] hello", false, " hello", "hello" },
	{ TAG, " [SIGNED]hello", false, " hello", "hello" },
	{ TAG, " Re: [Signed]  \t [sIgned] hello [signed]", false, " Re: hello",
	    "Re: hello" },
	{ TAG, " [signed] hello", true, NULL, "[signed] hello" },
	{ TAG, " [SIGNED] hello", true, " [signed] hello", "[signed] hello" },
	{ TAG, " Re: [signed] hello", true, " [signed] Re: hello",
	    "[signed] Re: hello" },
	{ TAG, "", true, " [signed]", "[signed]" },
	{ TAG, " [signed]", false, " ", "" },
	/* None grows together. */
	{ TAG, " [si[signed]gned] hello", false, " hello", "hello" },
	{ TAG, " [si[si[signed] gned]  gned] hello", true, " [signed] hello",
	    "[signed] hello" },
	/* In encoded words, whole and in parts. */
	{ TAG, " =?utf-8?q?=5Bsigned=5D_hello?=", false, " hello", "hello" },
	{ TAG, " [sig=?utf-8?q?ned]?= hello", false, " hello", "hello" },
	{ TAG, " =?utf-8?q?=5Bsig?= =?utf-8?b?bmVkXQ==?=\n =?utf-8?q?_x?=",
	    false, " x", "x" },
	{ TAG, " =?utf-8?q?=5Bsigned=5D_h=C3=A4?=", false,
	    " =?UTF-8?b?aMOk?=", "h\303\244" },
	/* Control characters: not seen, not written. */
	{ TAG, " =?utf-8?q?=5Bsi=01gned=5D_a=0D=0AX:_b?=", false, " a  X: b",
	    "a  X: b" },
	/* Folded. */
	{ TAG, "\n [signed]\n hello", false, " hello", "hello" },
	{ TAG, "\n hello\n\tyou", true, " [signed] hello\n\tyou",
	    "[signed] hello\tyou" },
	{ "[S/MIME ok]", " [s/mime\n  ok] hello", false, " hello", "hello" },
	{ "[S/MIME ok]", " a  b", false, NULL, "a  b" },
	/* No word of another's is written anew when ours is only put before. */
	{ TAG, " =?iso-8859-1?q?h=E4?= x", true,
	    " [signed] =?iso-8859-1?q?h=E4?= x", "[signed] h\303\244 x" },
	{ "\342\234\223", " =?utf-8?q?h=C3=A4?=", true, "*",
	    "\342\234\223 h\303\244" },
	{ "\342\234\223", " =?utf-8?q?=E2=9C=93_h=C3=A4?=", false,
	    " =?UTF-8?b?aMOk?=", "h\303\244" },
	/* What would be decoded a second time is not written bare. */
	{ TAG, " =?utf-8?q?[signed]_=3D=3Futf-8=3Fq=3F=3D5Bsigned=3D5D=3F=3D?=",
	    false, " =?utf-8?B?PT91dGYtOD9xPz01QnNpZ25lZD01RD89?=",
	    "=?utf-8?q?=5Bsigned=5D?=" },
	{ " " TAG " ", " hello [signed]", true, " [signed] hello",
	    "[signed] hello" },
	{ "", " hello", true, NULL, "hello" },
};

static void
test_table(void)
{
	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(Fields) fields = fields_new();
		g_autoptr(Edits) edits = edits_new();
		g_autoptr(Fields) result = NULL;
		g_autofree char *text = NULL;
		const char *raw = cases[i].raw;
		bool changed = false;

		g_test_message("%s", cases[i].before);
		fields_add(fields, "SUBJECT", cases[i].before);
		changed =
		    subject_tag(fields, cases[i].tag, cases[i].set, edits);
		g_assert_cmpint(changed, ==, raw != NULL);
		g_assert_cmpuint(edits_count(edits), ==, raw != NULL ? 1 : 0);
		result = edits_apply(edits, fields);
		if (raw != NULL && strcmp(raw, "*") != 0) {
			g_assert_cmpstr(fields_value(result, 0), ==, raw);
		}
		text = fields_decode(fields_value(result, 0));
		g_assert_cmpstr(text, ==, cases[i].text);
	}
}

static void
test_several(void)
{
	g_autoptr(Fields) fields = fields_new();
	g_autoptr(Edits) edits = edits_new();
	g_autoptr(Fields) result = NULL;

	fields_add(fields, "Subject", " one");
	fields_add(fields, "To", " [signed]");
	fields_add(fields, "subject", " [signed] two");
	fields_add(fields, "Subject", " three");
	g_assert_true(subject_tag(fields, TAG, true, edits));
	g_assert_cmpuint(edits_count(edits), ==, 2);
	result = edits_apply(edits, fields);
	g_assert_cmpstr(fields_value(result, 0), ==, " [signed] one");
	g_assert_cmpstr(fields_value(result, 1), ==, " [signed]");
	g_assert_cmpstr(fields_value(result, 2), ==, " two");
	g_assert_cmpstr(fields_value(result, 3), ==, " three");
}

static void
test_missing(void)
{
	g_autoptr(Fields) fields = fields_new();
	g_autoptr(Edits) edits = edits_new();

	fields_add(fields, "To", " x");
	g_assert_false(subject_tag(fields, TAG, false, edits));
	g_assert_true(subject_tag(fields, TAG, true, edits));
	g_assert_cmpuint(edits_count(edits), ==, 1);
	g_assert_cmpint(edits_get(edits, 0)->kind, ==, EDIT_ADD);
	g_assert_cmpstr(edits_get(edits, 0)->value, ==, " [signed]");
}

/* Long texts of all kinds come out folded, and read the same. */
static void
test_long(void)
{
	g_autofree char *word = g_strnfill(3000, 'x');
	g_autofree char *blanks = g_strnfill(3000, ' ');
	g_autoptr(GString) words = g_string_new(NULL);
	g_autoptr(GString) umlauts = g_string_new(NULL);
	g_autofree char *mixed = NULL;

	for (guint i = 0; i < 500; i++) {
		g_string_append(words, i == 0 ? "word" : " word");
		g_string_append(umlauts, "\303\244\342\202\254");
	}
	mixed = g_strconcat(
	    words->str, " ", umlauts->str, blanks, word, "=?", NULL);
	const char *const texts[] = { words->str, umlauts->str, word, mixed };
	for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
		g_autoptr(Fields) fields = fields_new();
		g_autoptr(Edits) edits = edits_new();
		g_autofree char *value =
		    g_strconcat(" [signed] ", texts[i], NULL);
		g_autofree char *text = NULL;
		g_auto(GStrv) lines = NULL;

		fields_add(fields, "Subject", value);
		g_assert_true(subject_tag(fields, TAG, false, edits));
		lines = g_strsplit(edits_get(edits, 0)->value, "\n", -1);
		for (guint j = 0; lines[j] != NULL; j++) {
			g_assert_cmpuint(strlen(lines[j]), <=, 78);
			g_assert_cmpint(lines[j][0], ==, ' ');
			g_assert_cmpint(lines[j][1], !=, ' ');
		}
		text = fields_decode(edits_get(edits, 0)->value);
		g_assert_cmpstr(text, ==, texts[i]);
	}
}

/* Tags in tags a hundred thousand deep: linear. */
static void
test_deep(void)
{
	g_autoptr(GString) value = g_string_new(" ");
	g_autoptr(Fields) fields = fields_new();
	g_autoptr(Edits) edits = edits_new();

	for (guint i = 0; i < 100000; i++) {
		g_string_append(value, "[sig");
	}
	for (guint i = 0; i < 100000; i++) {
		g_string_append(value, "ned]");
	}
	g_string_append(value, " end");
	fields_add(fields, "Subject", value->str);
	g_assert_true(subject_tag(fields, TAG, false, edits));
	g_assert_cmpstr(edits_get(edits, 0)->value, ==, " end");
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/subject/tag/table", test_table);
	g_test_add_func("/subject/tag/several-fields", test_several);
	g_test_add_func("/subject/tag/no-field", test_missing);
	g_test_add_func("/subject/tag/long", test_long);
	g_test_add_func("/subject/tag/deep", test_deep);
	return g_test_run();
}
