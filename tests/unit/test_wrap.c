/* SPDX-License-Identifier: Apache-2.0 */
/* The outer shell: body and header edits. */
#include "config.h"

#include "mime/wrap.h"

#include <unistd.h>

#include "mime-testing.h"

#include "base/spool.h"
#include "mime/message.h"
#include "mime/structure.h"

static Fields *
parse_fields(const char *text)
{
	g_autoptr(GBytes) raw = g_bytes_new(text, strlen(text));
	bool crlf = false;
	g_autoptr(Message) message = message_parse(raw, &crlf);

	return fields_copy(message->fields);
}

/* name:value lines, LF and folds as they are. */
static char *
describe(const Fields *fields)
{
	GString *text = g_string_new(NULL);

	for (guint i = 0; i < fields_count(fields); i++) {
		g_string_append_printf(text, "%s:%s\n", fields_name(fields, i),
		    fields_value(fields, i));
	}
	return g_string_free(text, FALSE);
}

static char *
text_of(const Rope *rope)
{
	g_autoptr(GBytes) bytes = rope_to_bytes(rope);
	gsize length = 0;
	const char *data = g_bytes_get_data(bytes, &length);

	return g_strndup(data, length);
}

static Rope *
rope_from(const char *text)
{
	Rope *rope = rope_new();

	rope_append_text(rope, text);
	return rope;
}

#define CMS                                                 \
	"application/pkcs7-mime; smime-type=signed-data;\n" \
	"\tname=\"smime.p7m\"\n"
#define CMS_REST                              \
	"Content-Transfer-Encoding: base64\n" \
	"Content-Disposition: attachment; filename=\"smime.p7m\"\n"

static const struct {
	const char *name;
	const char *before;
	const char *after;
	guint edits;
} header_cases[] = {
	{ "nothing", "A: 1\n",
	    "A: 1\nMIME-Version: 1.0\nContent-Type: " CMS CMS_REST, 4 },
	{ "type-in-place",
	    "Content-Type: text/plain\nA: 1\nMIME-Version: 1.0\n",
	    "Content-Type: " CMS "A: 1\nMIME-Version: 1.0\n" CMS_REST, 3 },
	{ "all-content-fields-go",
	    "content-ID: x\nA: 1\nContent-TYPE: a/b;\n\tc=d\n"
	    "Content-Transfer-Encoding: 8bit\nmime-version: 1.0\n"
	    "Content-Disposition: inline\nContent-Language: de\n"
	    "X-Content-Type: keep\n",
	    "A: 1\nContent-TYPE: " CMS
	    "mime-version: 1.0\nX-Content-Type: keep\n" CMS_REST,
	    7 },
	{ "several-of-each",
	    "Content-Type: a/b\nContent-Type: c/d\nContent-Type: e/f\n"
	    "MIME-Version: 1.0\nContent-ID: 1\ncontent-id: 2\n"
	    "Mime-Version: 1.0\nMIME-VERSION: 2.0\n",
	    "Content-Type: " CMS "MIME-Version: 1.0\n" CMS_REST, 9 },
};

static void
test_header(gconstpointer data)
{
	gsize i = GPOINTER_TO_SIZE(data);
	g_autoptr(Fields) fields = parse_fields(header_cases[i].before);
	g_autoptr(Edits) edits = edits_new();
	g_autoptr(Rope) cms = rope_from("CMS");
	g_autoptr(GError) error = NULL;
	g_autoptr(Rope) body =
	    wrap_cms(cms, "signed-data", "/", fields, edits, &error);
	g_autoptr(Fields) result = NULL;
	g_autofree char *got = NULL;

	g_assert_no_error(error);
	g_assert_nonnull(body);
	result = edits_apply(edits, fields);
	got = describe(result);
	g_assert_cmpstr(got, ==, header_cases[i].after);
	g_assert_cmpuint(edits_count(edits), ==, header_cases[i].edits);
}

/* 100,000 Content- fields: deleted in the time of one look at each. */
static void
test_many_fields(void)
{
	g_autoptr(Fields) fields = fields_new();
	g_autoptr(Edits) edits = edits_new();
	g_autoptr(GBytes) signature = g_bytes_new("s", 1);
	g_autoptr(Rope) entity = rope_from("\r\nx");
	g_autoptr(Rope) body = NULL;

	for (int i = 0; i < 100000; i++) {
		fields_add(fields, "Content-X", " y");
	}
	body = wrap_detached(entity, signature, "sha-256", fields, edits);
	g_assert_cmpuint(edits_count(edits), ==, 100002);
}

static void
test_cms_body(void)
{
	g_autoptr(Fields) fields = fields_new();
	g_autoptr(Edits) edits = edits_new();
	g_autoptr(Rope) cms = rope_new();
	g_autoptr(Rope) body = NULL;
	g_autofree char *got = NULL;
	g_autofree char *zeros = g_malloc0(57);
	g_autoptr(Rope) one = rope_from("\001");

	/* Runs whose lengths are no multiples of three. */
	rope_append_copy(cms, zeros, 56);
	rope_append_rope(cms, one);
	rope_append_text(cms, "ab");
	body = wrap_cms(cms, "enveloped-data", "/", fields, edits, NULL);
	got = text_of(body);
	g_assert_cmpstr(got, ==,
	    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	    "AAAAAAAAAAAB\r\nYWI=\r\n");
}

static void
test_cms_lengths(void)
{
	g_autoptr(Fields) fields = fields_new();

	for (gsize length = 0; length < 250; length++) {
		g_autoptr(Edits) edits = edits_new();
		g_autoptr(Rope) cms = rope_new();
		g_autoptr(Rope) body = NULL;
		g_autofree char *data = g_strnfill(length, 'q');
		g_autofree char *got = NULL;
		g_autofree guchar *plain = NULL;
		g_auto(GStrv) lines = NULL;
		gsize plain_length = 0;

		rope_append_copy(cms, data, length);
		body = wrap_cms(cms, "signed-data", "/", fields, edits, NULL);
		got = text_of(body);
		g_assert_true(g_str_has_suffix(got, "\r\n"));
		plain = g_base64_decode(got, &plain_length);
		assert_bytes(plain, plain_length, data, length);
		lines = g_strsplit(got, "\r\n", -1);
		for (guint i = 0; lines[i + 1] != NULL; i++) {
			g_assert_cmpuint(strlen(lines[i]), <=, 76);
			g_assert_true(
			    strlen(lines[i]) == 76 || lines[i + 2] == NULL);
		}
	}
}

static void
test_cms_no_spool(void)
{
	g_autoptr(Fields) fields = fields_new();
	g_autoptr(Edits) edits = edits_new();
	g_autoptr(Rope) cms = rope_new();
	g_autoptr(GError) error = NULL;
	g_autofree char *large = g_strnfill(SPOOL_MEMORY, 'x');

	rope_append_copy(cms, large, SPOOL_MEMORY);
	g_assert_null(wrap_cms(
	    cms, "signed-data", "/nonexistent/spool", fields, edits, &error));
	g_assert_nonnull(error);
	g_assert_cmpuint(edits_count(edits), ==, 0);
}

static void
test_detached(void)
{
	static const char entity_text[] =
	    "Content-Type: text/plain\r\n\r\nhello\r\n--x\r\n";
	g_autoptr(Fields) fields =
	    parse_fields("Subject: s\nContent-Type: text/plain\n");
	g_autoptr(Edits) edits = edits_new();
	g_autoptr(Rope) entity = rope_from(entity_text);
	g_autoptr(GBytes) signature = g_bytes_new("SIGNATURE", 9);
	g_autoptr(Rope) rope =
	    wrap_detached(entity, signature, "sha-256", fields, edits);
	g_autoptr(GBytes) body = rope_to_bytes(rope);
	g_autoptr(Fields) result = edits_apply(edits, fields);
	g_autoptr(Structure) structure =
	    structure_scan(result, body, 10, 10, NULL);
	const char *data = g_bytes_get_data(body, NULL);
	g_autofree char *text = text_of(rope);
	const Part *root = structure_part(structure, 0);
	const Part *first = structure_part(structure, 1);
	g_autofree char *protocol =
	    structure_parameter(structure, 0, "protocol");
	g_autofree char *micalg = structure_parameter(structure, 0, "micalg");
	g_autofree char *name = structure_name(structure, 2);
	g_autoptr(GBytes) blob = structure_decode(structure, 2, 100, NULL);

	g_assert_cmpuint(structure_count(structure), ==, 3);
	g_assert_cmpstr(root->type, ==, "multipart/signed");
	g_assert_true(root->terminated);
	g_assert_cmpstr(protocol, ==, "application/pkcs7-signature");
	g_assert_cmpstr(micalg, ==, "sha-256");
	g_assert_cmpstr(name, ==, "smime.p7s");
	g_assert_cmpstr(structure_part(structure, 2)->type, ==,
	    "application/pkcs7-signature");
	assert_bytes(data + first->header, first->end - first->header,
	    entity_text, strlen(entity_text));
	assert_bytes(g_bytes_get_data(blob, NULL), g_bytes_get_size(blob),
	    "SIGNATURE", 9);
	g_assert_cmpuint(strlen(root->boundary), <=, 70);
	g_assert_true(g_str_has_suffix(text, "--\r\n"));
}

static void
test_boundaries_differ(void)
{
	g_autoptr(Fields) fields = fields_new();
	g_autoptr(GHashTable) seen =
	    g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_autoptr(Rope) entity = rope_from("\r\nx\r\n");
	g_autoptr(GBytes) signature = g_bytes_new("s", 1);

	for (int i = 0; i < 100; i++) {
		g_autoptr(Edits) edits = edits_new();
		g_autoptr(Rope) body =
		    wrap_detached(entity, signature, "sha-512", fields, edits);

		g_assert_nonnull(body);
		g_assert_true(g_hash_table_add(
		    seen, g_strdup(edits_get(edits, 1)->value)));
	}
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	for (gsize i = 0; i < G_N_ELEMENTS(header_cases); i++) {
		g_autofree char *path =
		    g_strconcat("/wrap/header/", header_cases[i].name, NULL);

		g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_header);
	}
	g_test_add_func("/wrap/header/100000-fields", test_many_fields);
	g_test_add_func("/wrap/cms/runs", test_cms_body);
	g_test_add_func("/wrap/cms/lengths", test_cms_lengths);
	g_test_add_func("/wrap/cms/no-spool-directory", test_cms_no_spool);
	g_test_add_func("/wrap/detached/parts", test_detached);
	g_test_add_func("/wrap/detached/boundaries", test_boundaries_differ);
	return g_test_run();
}
