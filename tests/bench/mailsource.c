/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Templates of mails. A made-up mail is 7bit throughout and has no line over
 * 76 characters, so that nothing in it needs to be encoded anew; its text is
 * pseudo-random but the same in each run.
 */
#include "config.h"

#include "mailsource.h"

#include <string.h>

#define LINE 76

struct MailSource {
	GArray *fields; /* of Field, with placeholders */
	GString *body;
	char *date;
	guint run; /* tells the Message-IDs of two runs apart */
};

static const char common_header[] =
    "Date: @DATE@\n"
    "From: A. Sender <@SENDER@>\n"
    "To: \"B. Recipient\" <@RCPT@>\n"
    "Subject: Minutes of the meeting, number @SERIAL@\n"
    "Message-ID: <@SERIAL@.@RUN@.load@example.com>\n"
    "User-Agent: milterload\n"
    "MIME-Version: 1.0\n";

static void
field_clear(gpointer data)
{
	Field *field = data;

	g_free(field->name);
	g_free(field->value);
}

static GArray *
fields_new(void)
{
	GArray *fields = g_array_new(FALSE, FALSE, sizeof(Field));

	g_array_set_clear_func(fields, field_clear);
	return fields;
}

static MailSource *
source_new(void)
{
	MailSource *source = g_new0(MailSource, 1);
	g_autoptr(GDateTime) now = g_date_time_new_now_utc();

	source->fields = fields_new();
	source->body = g_string_new(NULL);
	source->date = g_date_time_format(now, "%a, %d %b %Y %H:%M:%S +0000");
	source->run = g_random_int();
	return source;
}

void
mailsource_free(MailSource *source)
{
	if (source == NULL) {
		return;
	}
	g_array_unref(source->fields);
	g_string_free(source->body, TRUE);
	g_free(source->date);
	g_free(source);
}

/* Takes fields off header, whose lines end with LF. */
static void
add_fields(MailSource *source, const char *header)
{
	g_auto(GStrv) lines = g_strsplit(header, "\n", -1);
	Field *last = NULL;

	for (guint i = 0; lines[i] != NULL && *lines[i] != '\0'; i++) {
		const char *colon = strchr(lines[i], ':');
		Field field = { 0 };

		if ((*lines[i] == ' ' || *lines[i] == '\t') && last != NULL) {
			char *longer =
			    g_strconcat(last->value, "\n", lines[i], NULL);

			g_free(last->value);
			last->value = longer;
			continue;
		}
		if (colon == NULL) {
			continue;
		}
		field.name = g_strndup(lines[i], (gsize)(colon - lines[i]));
		field.value = g_strdup(colon + 1);
		g_array_append_val(source->fields, field);
		last = &g_array_index(
		    source->fields, Field, source->fields->len - 1);
	}
}

static void
add_random_lines(GString *body, GRand *random, gsize size)
{
	static const char alphabet[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char line[LINE + 2];

	line[LINE] = '\r';
	line[LINE + 1] = '\n';
	while (size > sizeof(line)) {
		for (guint i = 0; i < LINE; i++) {
			line[i] = alphabet[g_rand_int(random) & 63];
		}
		g_string_append_len(body, line, sizeof(line));
		size -= sizeof(line);
	}
}

/* Lines of words, none ending with a blank. */
static void
add_words(GString *body, GRand *random, gsize size)
{
	gsize end = body->len + size;
	gsize column = 0;

	while (body->len < end) {
		guint length = 2 + (g_rand_int(random) & 7);

		if (column > LINE - 12) {
			g_string_append(body, "\r\n");
			column = 0;
		} else if (column > 0) {
			g_string_append_c(body, ' ');
			column++;
		}
		for (guint i = 0; i < length; i++) {
			g_string_append_c(body,
			    (char)('a' + g_rand_int_range(random, 0, 26)));
		}
		column += length;
	}
	g_string_append(body, "\r\n");
}

MailSource *
mailsource_new(gsize size, bool attachment)
{
	MailSource *source = source_new();
	GRand *random = g_rand_new_with_seed(1);
	gsize rest = size - MIN(size, 500);

	add_fields(source, common_header);
	if (!attachment) {
		add_fields(source,
		    "Content-Type: text/plain; charset=us-ascii\n"
		    "Content-Transfer-Encoding: 7bit\n");
		add_words(source->body, random, rest);
		g_rand_free(random);
		return source;
	}
	add_fields(source,
	    "Content-Type: multipart/mixed;\n"
	    " boundary=\"=_3f1c0a77e2\"\n");
	g_string_append(source->body,
	    "--=_3f1c0a77e2\r\n"
	    "Content-Type: text/plain; charset=us-ascii\r\n\r\n");
	add_words(source->body, random, 800);
	g_string_append(source->body,
	    "--=_3f1c0a77e2\r\n"
	    "Content-Type: application/octet-stream; name=plan.bin\r\n"
	    "Content-Disposition: attachment; filename=plan.bin\r\n"
	    "Content-Transfer-Encoding: base64\r\n\r\n");
	add_random_lines(source->body, random, rest - MIN(rest, 1100));
	g_string_append(source->body, "\r\n--=_3f1c0a77e2--\r\n");
	g_rand_free(random);
	return source;
}

MailSource *
mailsource_new_from_file(const char *path, GError **error)
{
	g_autoptr(MailSource) source = NULL;
	g_autoptr(GString) text = NULL;
	g_autofree char *content = NULL;
	gsize length = 0;
	char *body;

	if (!g_file_get_contents(path, &content, &length, error)) {
		return NULL;
	}
	text = g_string_new_len(content, (gssize)length);
	g_string_replace(text, "\r\n", "\n", 0);
	source = source_new();
	body = strstr(text->str, "\n\n");
	if (body != NULL) {
		body[1] = '\0';
		body += 2;
		g_string_append(source->body, body);
		g_string_replace(source->body, "\n", "\r\n", 0);
	}
	add_fields(source, text->str);
	return g_steal_pointer(&source);
}

const char *
mailsource_body(const MailSource *source, gsize *length_out)
{
	*length_out = source->body->len;
	return source->body->str;
}

static char *
filled(const MailSource *source, const char *value, guint serial,
    const char *sender, const char *rcpt)
{
	g_autofree char *number = NULL;
	g_autofree char *run = NULL;
	GString *text = NULL;

	if (strchr(value, '@') == NULL) {
		return g_strdup(value);
	}
	number = g_strdup_printf("%u", serial);
	run = g_strdup_printf("%08x", source->run);
	text = g_string_new(value);
	g_string_replace(text, "@SENDER@", sender, 0);
	g_string_replace(text, "@RCPT@", rcpt, 0);
	g_string_replace(text, "@SERIAL@", number, 0);
	g_string_replace(text, "@RUN@", run, 0);
	g_string_replace(text, "@DATE@", source->date, 0);
	return g_string_free(text, FALSE);
}

GArray *
mailsource_fields(const MailSource *source, guint serial, const char *sender,
    const char *rcpt)
{
	GArray *fields = fields_new();

	for (guint i = 0; i < source->fields->len; i++) {
		const Field *model = &g_array_index(source->fields, Field, i);
		Field field = { g_strdup(model->name),
			filled(source, model->value, serial, sender, rcpt) };

		g_array_append_val(fields, field);
	}
	return fields;
}
