/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One mailbox, by the letter of RFC 5322 3.4. General parsers, GMime's too,
 * repair what they read: of "<a@b@c>" they make an address. Whom a signature
 * speaks for must not come out of a repair, so this says no to whatever is not
 * one mailbox beyond doubt. Of the obsolete forms only the dot in a display
 * name is accepted (RFC 5322 4.1): "John Q. Public" is everyday and harmless.
 */
#include "config.h"

#include "mime/mailbox.h"

#include <string.h>

bool
mailbox_is_atext(char c)
{
	return g_ascii_isalnum(c) || (guchar)c >= 0x80 ||
	    (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* What may stand in a quoted string or comment or behind a backslash. */
static bool
is_text(char c)
{
	return is_blank(c) || ((guchar)c > 32 && c != 127);
}

/* Behind the comment that begins at p; NULL: it does not end. */
static const char *
skip_comment(const char *p)
{
	guint depth = 0;

	do {
		if (*p == '(') {
			depth++;
		} else if (*p == ')') {
			depth--;
		} else if (*p == '\\') {
			p++;
		}
		if (!is_text(*p)) {
			return NULL;
		}
		p++;
	} while (depth > 0);
	return p;
}

/* Blanks and comments. NULL: a comment does not end; NULL stays NULL. */
static const char *
skip_cfws(const char *p)
{
	while (p != NULL && (is_blank(*p) || *p == '(')) {
		p = *p == '(' ? skip_comment(p) : p + 1;
	}
	return p;
}

/* Behind the quoted string that begins at p; NULL: it does not end. */
static const char *
skip_quoted(const char *p)
{
	for (p++; *p != '"'; p++) {
		if (*p == '\\') {
			p++;
		}
		if (!is_text(*p)) {
			return NULL;
		}
	}
	return p + 1;
}

static const char *
skip_atom(const char *p)
{
	const char *start = p;

	while (mailbox_is_atext(*p)) {
		p++;
	}
	return p > start ? p : NULL;
}

static const char *
skip_dot_atom(const char *p)
{
	p = skip_atom(p);
	while (p != NULL && *p == '.') {
		p = skip_atom(p + 1);
	}
	return p;
}

/* RFC 5322 3.4.1: [ dtext ], here without blanks inside. */
static const char *
skip_literal(const char *p)
{
	for (p++; *p != ']'; p++) {
		if ((guchar)*p <= 32 || (guchar)*p >= 127 || *p == '[' ||
		    *p == '\\') {
			return NULL;
		}
	}
	return p + 1;
}

/* An encoded word is no local part, though its characters would allow it:
 * who decodes first would see another address (RFC 2047 5). */
static bool
has_encoded_word(const GString *text)
{
	return strstr(text->str, "=?") != NULL;
}

/* Appends the addr-spec at p to address; behind it, or NULL. */
static const char *
parse_addr_spec(const char *p, GString *address)
{
	const char *end = NULL;

	p = skip_cfws(p);
	if (p == NULL) {
		return NULL;
	}
	end = *p == '"' ? skip_quoted(p) : skip_dot_atom(p);
	if (end == NULL) {
		return NULL;
	}
	g_string_append_len(address, p, end - p);
	p = skip_cfws(end);
	if (p == NULL || *p != '@' || has_encoded_word(address)) {
		return NULL;
	}
	p = skip_cfws(p + 1);
	if (p == NULL) {
		return NULL;
	}
	end = *p == '[' ? skip_literal(p) : skip_dot_atom(p);
	if (end == NULL) {
		return NULL;
	}
	g_string_append_c(address, '@');
	g_string_append_len(address, p, end - p);
	return skip_cfws(end);
}

/* At the '<' behind a display name (which may be empty); NULL: none. */
static const char *
find_angle(const char *p)
{
	bool first = true;

	for (p = skip_cfws(p); p != NULL && *p != '<'; p = skip_cfws(p)) {
		if (*p == '"') {
			p = skip_quoted(p);
		} else if (*p == '.' && !first) {
			p++;
		} else {
			p = skip_atom(p);
		}
		first = false;
	}
	return p;
}

char *
mailbox_parse(const char *text)
{
	g_autoptr(GString) address = g_string_new(NULL);
	const char *angle = NULL;
	const char *end = NULL;

	if (!g_utf8_validate(text, -1, NULL)) {
		return NULL;
	}
	angle = find_angle(text);
	if (angle != NULL) {
		end = parse_addr_spec(angle + 1, address);
		end = end != NULL && *end == '>' ? skip_cfws(end + 1) : NULL;
	} else {
		end = parse_addr_spec(text, address);
	}
	return end != NULL && *end == '\0' ? g_strdup(address->str) : NULL;
}

char *
mailbox_unquote(const char *text, gsize length)
{
	g_autoptr(GString) plain = g_string_new(NULL);

	if (length < 3 || text[0] != '"' || text[length - 1] != '"') {
		return NULL;
	}
	for (gsize i = 1; i < length - 1; i++) {
		if (text[i] == '"') {
			return NULL;
		}
		if (text[i] == '\\' && ++i == length - 1) {
			return NULL;
		}
		if (!is_text(text[i])) {
			return NULL;
		}
		g_string_append_c(plain, text[i]);
	}
	return g_string_free(g_steal_pointer(&plain), FALSE);
}
