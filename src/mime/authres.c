/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Authentication-Results by the grammar of RFC 8601 2.2. Whoever reads the
 * field behind us may be more generous than the grammar, so this is strict:
 * what does not keep it is not sound, and goes when our id is anywhere in it.
 * Only a pvalue is read as it is written in the wild (header.b=a/b=, smtp.
 * client-ip=::1): that hides no result. RFC 8616: an id may be UTF-8. All in
 * linear time; no recursion. Keeps no state.
 */
#include "config.h"

#include "mime/authres.h"

#include <string.h>

#include "base/text.h"
#include "mime/address.h"

#define NAME "Authentication-Results"
#define OWN_PREFIX "X-SMIME-Milter"
#define RESULTS_MAX 20
#define COMMENT_MAX 200
/* RFC 5322 2.1.1 allows 998 a line; a property over this is left out. */
#define PIECE_MAX 900
/* One less than 78, for the ';' that may follow. */
#define LINE_WIDTH 77

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* What may stand in a comment or quoted string, or behind a backslash. */
static bool
is_text(char c)
{
	return is_blank(c) || ((guchar)c > 32 && c != 127);
}

/* RFC 2045 5.1 */
static bool
is_token(char c)
{
	return (guchar)c > 32 && (guchar)c < 127 &&
	    strchr("()<>@,;:\\\"/[]?=", c) == NULL;
}

static bool
is_id(char c)
{
	return is_token(c) || (guchar)c >= 0x80;
}

static bool
is_pvalue(char c)
{
	return is_id(c) || (c != '\0' && strchr("<>@:/[]?=,", c) != NULL);
}

static bool
is_keyword(char c)
{
	return g_ascii_isalnum(c) || c == '-' || c == '_';
}

/*
 * The text that is read, and where. Each read_...() and take_...() moves at
 * behind what it found, or says no.
 */
typedef struct {
	const char *at;
} Cursor;

static bool
skip_comment(Cursor *cursor)
{
	guint depth = 0;

	do {
		char c = *cursor->at;

		depth += c == '(';
		depth -= c == ')';
		if (c == '\\') {
			c = *++cursor->at;
		}
		if (!is_text(c)) {
			return false;
		}
		cursor->at++;
	} while (depth > 0);
	return true;
}

/* Blanks, folds and comments, or nothing. false: a comment has no end. */
static bool
skip_cfws(Cursor *cursor)
{
	while (is_blank(*cursor->at) || *cursor->at == '(') {
		if (*cursor->at != '(') {
			cursor->at++;
		} else if (!skip_comment(cursor)) {
			return false;
		}
	}
	return true;
}

/* This one character with CFWS on both sides. */
static bool
take(Cursor *cursor, char c)
{
	if (!skip_cfws(cursor) || *cursor->at != c) {
		return false;
	}
	cursor->at++;
	return skip_cfws(cursor);
}

/* Appends to text what stands inside; LF goes, the blank behind it stays. */
static bool
read_quoted(Cursor *cursor, GString *text)
{
	for (cursor->at++; *cursor->at != '"'; cursor->at++) {
		if (*cursor->at == '\\') {
			cursor->at++;
		}
		if (!is_text(*cursor->at)) {
			return false;
		}
		if (*cursor->at != '\n' && *cursor->at != '\r') {
			g_string_append_c(text, *cursor->at);
		}
	}
	cursor->at++;
	return true;
}

static bool
read_run(Cursor *cursor, bool (*belongs)(char c), GString *text)
{
	const char *start = cursor->at;

	while (belongs(*cursor->at)) {
		cursor->at++;
	}
	g_string_append_len(text, start, cursor->at - start);
	return cursor->at > start;
}

static bool
read_value(Cursor *cursor, bool (*belongs)(char c), GString *text)
{
	return *cursor->at == '"' ? read_quoted(cursor, text)
				  : read_run(cursor, belongs, text);
}

/* RFC 8601 2.2; a quoted local part may have "@domain" behind it. */
static bool
read_pvalue(Cursor *cursor)
{
	g_autoptr(GString) value = g_string_new(NULL);
	bool quoted = *cursor->at == '"';

	if (!read_value(cursor, is_pvalue, value)) {
		return false;
	}
	if (!quoted || *cursor->at != '@') {
		return true;
	}
	cursor->at++;
	return read_run(cursor, is_pvalue, value);
}

/* "reason = value" or "ptype . property = pvalue". */
static bool
read_property(Cursor *cursor, bool may_be_reason)
{
	g_autoptr(GString) name = g_string_new(NULL);

	if (!read_run(cursor, is_keyword, name) || !skip_cfws(cursor)) {
		return false;
	}
	if (*cursor->at == '=') {
		return may_be_reason && text_equal_fold(name->str, "reason") &&
		    take(cursor, '=') && read_value(cursor, is_pvalue, name) &&
		    skip_cfws(cursor);
	}
	return take(cursor, '.') && read_run(cursor, is_keyword, name) &&
	    take(cursor, '=') && read_pvalue(cursor) && skip_cfws(cursor);
}

/* "method [/ version] = result" and what belongs to it. */
static bool
read_result(Cursor *cursor, bool *smime)
{
	g_autoptr(GString) method = g_string_new(NULL);
	g_autoptr(GString) rest = g_string_new(NULL);
	bool first = true;

	if (!read_run(cursor, is_keyword, method)) {
		return false;
	}
	/* Even in a broken one: of what is not sound all counts. */
	*smime = *smime || text_equal_fold(method->str, "smime");
	if (!skip_cfws(cursor) ||
	    (*cursor->at == '/' &&
		!(take(cursor, '/') && read_run(cursor, is_keyword, rest))) ||
	    !take(cursor, '=') || !read_run(cursor, is_keyword, rest) ||
	    !skip_cfws(cursor)) {
		return false;
	}
	while (*cursor->at != ';' && *cursor->at != '\0') {
		if (!read_property(cursor, first)) {
			return false;
		}
		first = false;
	}
	return true;
}

/* "none" and nothing else. */
static bool
take_none(Cursor *cursor)
{
	Cursor ahead = *cursor;
	g_autoptr(GString) word = g_string_new(NULL);

	if (!read_run(&ahead, is_keyword, word) ||
	    !text_equal_fold(word->str, "none") || !skip_cfws(&ahead) ||
	    *ahead.at != '\0') {
		return false;
	}
	*cursor = ahead;
	return true;
}

/* The version behind the id, if there is one: this is about version 1. */
static bool
read_version(Cursor *cursor)
{
	const char *before = cursor->at;
	g_autoptr(GString) version = g_string_new(NULL);

	if (!skip_cfws(cursor)) {
		return false;
	}
	if (cursor->at == before || *cursor->at == ';') {
		return true;
	}
	return read_run(cursor, is_keyword, version) &&
	    strcmp(version->str, "1") == 0;
}

static bool
read_field(Cursor *cursor, AuthresFacts *facts)
{
	g_autoptr(GString) id = g_string_new(NULL);

	if (!skip_cfws(cursor) || !read_value(cursor, is_id, id) ||
	    id->len == 0) {
		return false;
	}
	facts->id = g_strdup(id->str);
	if (!read_version(cursor) || !take(cursor, ';')) {
		return false;
	}
	if (take_none(cursor)) {
		return true;
	}
	do {
		if (!read_result(cursor, &facts->smime)) {
			return false;
		}
	} while (take(cursor, ';'));
	return *cursor->at == '\0';
}

void
authres_read(const char *value, AuthresFacts *facts_out)
{
	Cursor cursor = { .at = value };
	AuthresFacts facts = { 0 };

	facts.sound =
	    g_utf8_validate(value, -1, NULL) && read_field(&cursor, &facts);
	*facts_out = facts;
}

void
authres_clear(AuthresFacts *facts)
{
	g_clear_pointer(&facts->id, g_free);
	facts->sound = false;
	facts->smime = false;
}

/* An id in the one form in which they are compared. Yours. */
static char *
normalise_id(const char *id)
{
	g_autoptr(GString) address = g_string_new("x@");
	g_autofree char *normal = NULL;

	/* A fold inside quotes leaves a blank: who is to say it counts? */
	for (const char *p = id; *p != '\0'; p++) {
		if (!is_blank(*p)) {
			g_string_append_c(address, *p);
		}
	}
	if (address->str[address->len - 1] == '.') {
		g_string_truncate(address, address->len - 1);
	}
	normal = address_normalise(address->str);
	return normal != NULL && g_str_has_prefix(normal, "x@")
	    ? g_strdup(normal + 2)
	    : g_ascii_strdown(address->str + 2, -1);
}

/* What is looked for in the fields. */
typedef struct {
	char *id;      /* normalise_id() */
	char *ascii;   /* as bare() has it, A-labels */
	char *unicode; /* and U-labels */
	AuthresStrip strip;
} Target;

typedef enum {
	BARE_WHOLE,
	BARE_QUOTES,   /* comments go, but not what is in quotes */
	BARE_COMMENTS, /* what looks like a comment goes */
} Bare;

/*
 * The letters of text without blanks, folds, quotes and backslashes; yours.
 * Of a text that keeps no grammar nobody knows what is a comment, so each
 * reading is looked at.
 */
static char *
strip_to_bare(const char *text, Bare how)
{
	g_autoptr(GString) bare = g_string_new(NULL);
	g_autofree char *valid = NULL;
	g_autofree char *normal = NULL;
	bool quoted = false;
	guint depth = 0;

	for (const char *p = text; *p != '\0'; p++) {
		bool syntax = !quoted && how != BARE_WHOLE;

		if (*p == '\\' && p[1] != '\0') {
			p++;
		} else if (*p == '"') {
			quoted = how == BARE_QUOTES && depth == 0 && !quoted;
			continue;
		} else if (syntax && *p == '(') {
			depth++;
			continue;
		} else if (syntax && *p == ')' && depth > 0) {
			depth--;
			continue;
		}
		if (depth == 0 && (guchar)*p > 32 && *p != '"') {
			g_string_append_c(bare, *p);
		}
	}
	valid = g_utf8_make_valid(bare->str, -1);
	normal = g_utf8_normalize(valid, -1, G_NORMALIZE_ALL_COMPOSE);
	return g_utf8_casefold(normal, -1);
}

static bool
holds_id(const char *value, const Target *target)
{
	static const Bare readings[] = { BARE_WHOLE, BARE_QUOTES,
		BARE_COMMENTS };

	for (gsize i = 0; i < G_N_ELEMENTS(readings); i++) {
		g_autofree char *bare = strip_to_bare(value, readings[i]);

		if (strstr(bare, target->ascii) != NULL ||
		    strstr(bare, target->unicode) != NULL) {
			return true;
		}
	}
	return false;
}

static bool
is_forged(const char *value, const Target *target)
{
	AuthresFacts facts = { 0 };
	g_autofree char *id = NULL;
	bool forged = false;

	authres_read(value, &facts);
	id = facts.id == NULL ? NULL : normalise_id(facts.id);
	if (g_strcmp0(id, target->id) == 0) {
		forged = !facts.sound || facts.smime ||
		    target->strip == AUTHRES_STRIP_ALL;
	} else {
		forged = !facts.sound && holds_id(value, target);
	}
	authres_clear(&facts);
	return forged;
}

static Target
make_target(const char *id, AuthresStrip strip)
{
	Target target = { .id = normalise_id(id), .strip = strip };
	g_autofree char *unicode = g_hostname_to_unicode(target.id);

	target.ascii = strip_to_bare(target.id, BARE_WHOLE);
	target.unicode =
	    strip_to_bare(unicode != NULL ? unicode : target.id, BARE_WHOLE);
	return target;
}

static void
clear_target(Target *target)
{
	g_free(target->id);
	g_free(target->ascii);
	g_free(target->unicode);
}

guint
authres_strip(
    const Fields *fields, const char *id, AuthresStrip strip, Edits *edits)
{
	Target target = make_target(id, strip);
	g_autofree guint *occurrences = fields_occurrences(fields);
	guint count = 0;

	for (guint i = 0; i < fields_count(fields); i++) {
		const char *name = fields_name(fields, i);
		g_autofree char *bare = g_strchomp(g_strdup(name));

		/* RFC 5322 4.5.8: blanks may stand before the colon. */
		if (g_ascii_strncasecmp(bare, OWN_PREFIX, strlen(OWN_PREFIX)) ==
			0 ||
		    (text_equal_fold(bare, NAME) &&
			is_forged(fields_value(fields, i), &target))) {
			edits_delete(edits, name, occurrences[i]);
			count++;
		}
	}
	clear_target(&target);
	return count;
}

/* The field that is written, and how far its last line reaches. */
typedef struct {
	GString *text;
	gsize column;
} Writer;

/* A blank, or a fold where the line would be too long, and piece. */
static void
write_piece(Writer *writer, const char *piece)
{
	gsize length = strlen(piece);

	if (writer->column + 1 + length > LINE_WIDTH) {
		g_string_append_c(writer->text, '\n');
		writer->column = 0;
	}
	g_string_append_c(writer->text, ' ');
	g_string_append(writer->text, piece);
	writer->column += 1 + length;
}

/*
 * Foreign text as printable ASCII: CR, LF and the like go, a tab is a blank,
 * a character beyond ASCII a '?'; those in special get a backslash. At most
 * max characters, "..." when there were more. Yours.
 */
static char *
escape(const char *text, const char *special, gsize max)
{
	g_autofree char *valid = g_utf8_make_valid(text, -1);
	GString *out = g_string_new(NULL);
	gsize written = 0;

	for (const char *p = valid; *p != '\0'; p = g_utf8_next_char(p)) {
		char c = (guchar)*p >= 0x80 ? '?' : *p == '\t' ? ' ' : *p;

		if ((guchar)c < 32 || c == 127) {
			continue;
		}
		if (written++ == max) {
			g_string_append(out, "...");
			break;
		}
		if (strchr(special, c) != NULL) {
			g_string_append_c(out, '\\');
		}
		g_string_append_c(out, c);
	}
	return g_string_free(out, FALSE);
}

static bool
is_all(const char *text, gsize length, bool (*belongs)(char c))
{
	for (gsize i = 0; i < length; i++) {
		if (!belongs(text[i])) {
			return false;
		}
	}
	return length > 0;
}

/* local@domain as pvalue has it without quotes: a dot-atom of token
 * characters, "@", a host name. */
static bool
is_bare_address(const char *text)
{
	const char *at = strchr(text, '@');

	return at != NULL && is_all(text, (gsize)(at - text), is_token) &&
	    is_all(at + 1, strlen(at + 1), is_token) && text[0] != '.' &&
	    at[-1] != '.' && at[1] != '.' && strstr(text, "..") == NULL;
}

/* As token or quoted string. Yours. */
static char *
quote(const char *text)
{
	g_autofree char *escaped = NULL;

	if (is_all(text, strlen(text), is_token) || is_bare_address(text)) {
		return g_strdup(text);
	}
	escaped = escape(text, "\"\\", PIECE_MAX);
	return g_strdup_printf("\"%s\"", escaped);
}

/* NULL: there is nothing to write, or it would be too long. Yours. */
static char *
make_property(const char *name, const char *value)
{
	g_autofree char *quoted = NULL;
	g_autofree char *piece = NULL;

	if (value == NULL || value[0] == '\0') {
		return NULL;
	}
	quoted = quote(value);
	piece = g_strdup_printf("body.smime-%s=%s", name, quoted);
	return strlen(piece) > PIECE_MAX ? NULL : g_steal_pointer(&piece);
}

static void
write_property(Writer *writer, const char *name, const char *value)
{
	g_autofree char *piece = make_property(name, value);

	if (piece != NULL) {
		write_piece(writer, piece);
	}
}

/* A comment may be folded between its words. */
static void
write_comment(Writer *writer, const char *comment)
{
	g_autofree char *escaped = escape(comment, "()\\", COMMENT_MAX);
	g_autofree char *whole = g_strdup_printf("(%s)", g_strstrip(escaped));
	g_auto(GStrv) words = g_strsplit(whole, " ", -1);

	for (guint i = 0; whole[1] != ')' && words[i] != NULL; i++) {
		if (words[i][0] != '\0') {
			write_piece(writer, words[i]);
		}
	}
}

static void
write_result(Writer *writer, const AuthresResult *result)
{
	g_autofree char *method = g_strconcat("smime=", result->result, NULL);
	g_autofree char *serial = make_property("serial", result->serial);
	g_autofree char *issuer = make_property("issuer", result->issuer);

	write_piece(writer, method);
	if (result->comment != NULL) {
		write_comment(writer, result->comment);
	}
	write_property(writer, "identifier", result->identifier);
	write_property(writer, "part", result->part);
	/* RFC 7281 3.2: both or neither. */
	if (serial != NULL && issuer != NULL) {
		write_piece(writer, serial);
		write_piece(writer, issuer);
	}
}

char *
authres_write(const char *id, const GArray *results)
{
	Writer writer = { .text = g_string_new(NULL),
		.column = strlen(NAME ":") };
	g_autofree char *quoted = quote(id);
	guint count = MIN(results->len, RESULTS_MAX);

	write_piece(&writer, quoted);
	for (guint i = 0; i < count; i++) {
		g_string_append_c(writer.text, ';');
		writer.column++;
		write_result(
		    &writer, &g_array_index(results, AuthresResult, i));
	}
	if (count == 0) {
		g_string_append(writer.text, "; none");
	}
	return g_string_free(writer.text, FALSE);
}
