/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tag in the Subject. A reader sees the decoded text, so that is where
 * tags are looked for, and what is taken out must not put a new one together.
 * What is written again must read the same to whoever decodes more generously
 * than GMime: a text with "=?" in it is encoded whole. Keeps no state.
 */
#include "config.h"

#include "mime/subject.h"

#include <string.h>

#include "base/text.h"
#include "mime/gmime-init.h"

#define NAME "Subject"
#define LINE_WIDTH 78
/* RFC 2047 2: an encoded word has at most 75 characters. GMime does not part
 * a word of the text; and a longer one cannot be folded. */
#define WORD_MAX 75
#define CHUNK_BYTES 42

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool
ends_with(const GString *text, const char *tag, gsize length)
{
	return text->len >= length &&
	    g_ascii_strncasecmp(text->str + text->len - length, tag, length) ==
	    0;
}

/* Line ends and tabs as blanks, no other control characters. Yours. */
static char *
clean(const char *text)
{
	GString *out = g_string_new(NULL);

	for (const char *p = text; *p != '\0'; p = g_utf8_next_char(p)) {
		gunichar c = g_utf8_get_char(p);

		if (c == '\t' || c == '\n' || c == '\r') {
			g_string_append_c(out, ' ');
		} else if (!g_unichar_iscntrl(c)) {
			g_string_append_unichar(out, c);
		}
	}
	return g_string_free(out, FALSE);
}

/*
 * text without tags; *removed_out: there was one. It is looked for at the end
 * of what is kept, so that none grows together. Yours.
 */
static char *
remove_tags(const char *text, const char *tag, bool *removed_out)
{
	g_autofree char *cleaned = clean(text);
	GString *kept = g_string_new(NULL);
	gsize length = strlen(tag);
	bool spaced = strchr(tag, ' ') != NULL;
	bool removed = false;

	for (const char *p = cleaned; *p != '\0'; p++) {
		/* Two blanks look like one. */
		if (spaced && *p == ' ' && ends_with(kept, " ", 1)) {
			continue;
		}
		g_string_append_c(kept, *p);
		if (!ends_with(kept, tag, length)) {
			continue;
		}
		removed = true;
		g_string_truncate(kept, kept->len - length);
		while (is_blank(p[1])) {
			p++;
		}
	}
	*removed_out = removed;
	return g_strstrip(g_string_free(kept, FALSE));
}

/* All of text in encoded words. Yours. */
static char *
encode_whole(const char *text)
{
	GString *out = g_string_new(NULL);

	for (const char *p = text; *p != '\0'; /* in the loop */) {
		const char *end = p;
		g_autofree char *base64 = NULL;

		while (
		    *end != '\0' && g_utf8_next_char(end) - p <= CHUNK_BYTES) {
			end = g_utf8_next_char(end);
		}
		base64 = g_base64_encode((const guchar *)p, (gsize)(end - p));
		g_string_append_printf(
		    out, "%s=?utf-8?B?%s?=", out->len == 0 ? "" : " ", base64);
		p = end;
	}
	return g_string_free(out, FALSE);
}

static bool
has_long_word(const char *text)
{
	gsize length = 0;

	for (; *text != '\0'; text++) {
		length = is_blank(*text) ? 0 : length + 1;
		if (length > WORD_MAX) {
			return true;
		}
	}
	return false;
}

static char *
encode(const char *text)
{
	g_autofree char *encoded = NULL;
	g_autofree char *again = NULL;

	gmime_init_once();
	encoded = g_mime_utils_header_encode_text(NULL, text, "utf-8");
	if (encoded == NULL || strstr(text, "=?") != NULL ||
	    has_long_word(encoded)) {
		return encode_whole(text);
	}
	again = fields_decode(encoded);
	return strcmp(again, text) == 0 ? g_steal_pointer(&encoded)
					: encode_whole(text);
}

/* The raw value: a leading blank, folds before blanks. Yours. */
static char *
fold(const char *text)
{
	GString *out = g_string_new(" ");
	gsize column = strlen(NAME ": ");

	while (*text != '\0') {
		gsize blanks = strspn(text, " \t");
		gsize length = blanks + strcspn(text + blanks, " \t");

		if (blanks > 0 && column + length > LINE_WIDTH) {
			g_string_append_c(out, '\n');
			column = 0;
		}
		g_string_append_len(out, text, (gssize)length);
		column += length;
		text += length;
	}
	return g_string_free(out, FALSE);
}

/* The raw value of this text. Yours. */
static char *
make_value(const char *text)
{
	g_autofree char *encoded = encode(text);

	return fold(encoded);
}

/* Of the raw value as it was, with the tag in front: no word is touched.
 * Yours. */
static char *
put_before(const char *tag, const char *value)
{
	gsize tag_length = strlen(tag);
	gsize first = 0;

	value += strspn(value, " \t\n\r");
	first = strcspn(value, "\n");
	if (first == 0) {
		return g_strconcat(" ", tag, NULL);
	}
	return g_strconcat(" ", tag,
	    strlen(NAME ": ") + tag_length + 1 + first > LINE_WIDTH ? "\n "
								    : " ",
	    value, NULL);
}

/* The raw value that this field gets; NULL: it stays as it is. Yours. */
static char *
retag(const char *value, const char *tag, bool set)
{
	g_autofree char *before = fields_decode(value);
	bool removed = false;
	g_autofree char *text = remove_tags(before, tag, &removed);
	g_autofree char *after = NULL;

	if (!removed && !set) {
		return NULL;
	}
	if (!removed && g_str_is_ascii(tag) && strstr(tag, "=?") == NULL) {
		return put_before(tag, value);
	}
	after = !set          ? g_strdup(text)
	    : text[0] == '\0' ? g_strdup(tag)
			      : g_strconcat(tag, " ", text, NULL);
	return strcmp(after, before) == 0 ? NULL : make_value(after);
}

bool
subject_tag(const Fields *fields, const char *tag, bool set, Edits *edits)
{
	g_autofree guint *occurrences = NULL;
	g_autofree char *bare = g_strstrip(g_strdup(tag));
	bool changed = false;
	bool first = true;

	if (bare[0] == '\0') {
		return false;
	}
	occurrences = fields_occurrences(fields);
	for (guint i = 0; i < fields_count(fields); i++) {
		const char *name = fields_name(fields, i);
		g_autofree char *value = NULL;

		if (!text_equal_fold(name, NAME)) {
			continue;
		}
		value = retag(fields_value(fields, i), bare, set && first);
		first = false;
		if (value != NULL) {
			edits_change(edits, name, occurrences[i], value);
			changed = true;
		}
	}
	if (set && first) {
		g_autofree char *value = make_value(bare);

		edits_add(edits, NAME, value);
		changed = true;
	}
	return changed;
}
