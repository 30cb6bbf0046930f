/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A thin lexer in front of libconfig, for what that does badly: it ends the
 * process when an included name is a directory, takes included names relative
 * to the working directory, (1.5) silently cuts a number over 32 bits, and
 * leaks text that does not end. So @include is done here, relative to the file
 * that says it, and the others are errors. All else is libconfig's to judge.
 */
#include "config.h"

#include "policy/source.h"

#include <string.h>

#include "base/error.h"
#include "base/file.h"

#define FILE_BYTES ((gsize)16 * 1024 * 1024)
#define INCLUDE_DEPTH 10
#define INCLUDE "@include"

typedef struct {
	guint from; /* the first line of the text that belongs to it */
	guint line; /* and its number in file */
	char *file;
} Span;

struct Source {
	GString *text;
	guint lines;   /* ends of line in text */
	GArray *spans; /* of Span */
};

/* What is read: a file and how far. */
typedef struct {
	Source *source;
	const char *file;
	const char *at;
	guint line;
	guint depth;
} Cursor;

static bool read_into(
    Source *source, const char *file, guint depth, GError **error);

static void
clear_span(gpointer data)
{
	g_free(((Span *)data)->file);
}

static void
begin_span(const Cursor *cursor)
{
	Span span = { .from = cursor->source->lines + 1,
		.line = cursor->line,
		.file = g_strdup(cursor->file) };

	g_array_append_val(cursor->source->spans, span);
}

/* Copies length bytes and counts the lines in them. */
static void
take(Cursor *cursor, gsize length)
{
	for (gsize i = 0; i < length; i++) {
		if (cursor->at[i] == '\n') {
			cursor->line++;
			cursor->source->lines++;
		}
	}
	g_string_append_len(cursor->source->text, cursor->at, (gssize)length);
	cursor->at += length;
}

/* With both quotes; 0 when the second one is missing. */
static gsize
string_length(const char *text)
{
	gsize length = 1;

	while (text[length] != '\0' && text[length] != '"') {
		length +=
		    text[length] == '\\' && text[length + 1] != '\0' ? 2 : 1;
	}
	return text[length] == '"' ? length + 1 : 0;
}

/* 0 when it has no end. */
static gsize
comment_length(const char *text)
{
	const char *end = NULL;

	if (text[0] == '/' && text[1] == '*') {
		end = strstr(text + 2, "*/");
		return end == NULL ? 0 : (gsize)(end + 2 - text);
	}
	return strcspn(text, "\n");
}

static gsize
word_length(const char *text)
{
	gsize length = 1;

	while (g_ascii_isalnum(text[length]) ||
	    (text[length] != '\0' && strchr("-_*", text[length]) != NULL)) {
		length++;
	}
	return length;
}

static bool
take_number(Cursor *cursor, GError **error)
{
	bool hex = g_ascii_strncasecmp(cursor->at, "0x", 2) == 0;
	const char *digits = cursor->at + (hex ? 2 : 0);
	gsize length =
	    strspn(digits, hex ? "0123456789abcdefABCDEF" : "0123456789");
	g_autofree char *number = g_strndup(digits, length);
	guint64 value = 0;

	if (strchr(".eE", digits[length]) == NULL || digits[length] == '\0') {
		value = g_ascii_strtoull(number, NULL, hex ? 16 : 10);
	}
	if (value > G_MAXINT32) {
		g_set_error(error, ERROR_DOMAIN, ERROR_SETTINGS,
		    "%s:%u: the number %.*s is too large: write at most %d",
		    cursor->file, cursor->line,
		    (int)MIN(digits + length - cursor->at, 40), cursor->at,
		    G_MAXINT32);
		return false;
	}
	take(cursor, (gsize)(digits + length - cursor->at));
	return true;
}

static char *
beside(const char *file, const char *name)
{
	g_autofree char *directory = g_path_get_dirname(file);

	return g_path_is_absolute(name)
	    ? g_strdup(name)
	    : g_build_filename(directory, name, NULL);
}

static bool
take_include(Cursor *cursor, GError **error)
{
	const char *open = cursor->at + strlen(INCLUDE);
	const char *close = NULL;
	g_autofree char *name = NULL;
	g_autofree char *path = NULL;
	g_autoptr(GError) reason = NULL;

	open += strspn(open, " \t");
	close = open[0] == '"' ? strpbrk(open + 1, "\"\n") : NULL;
	if (close == NULL || *close != '"') {
		g_set_error(error, ERROR_DOMAIN, ERROR_SETTINGS,
		    "%s:%u: " INCLUDE " without file: write " INCLUDE
		    " \"FILE\"",
		    cursor->file, cursor->line);
		return false;
	}
	name = g_strndup(open + 1, (gsize)(close - open - 1));
	path = beside(cursor->file, name);
	if (!read_into(cursor->source, path, cursor->depth + 1, &reason)) {
		if (reason->code == ERROR_SETTINGS) {
			g_propagate_error(error, g_steal_pointer(&reason));
		} else {
			g_set_error(error, ERROR_DOMAIN, ERROR_SETTINGS,
			    "%s:%u: " INCLUDE ": %s", cursor->file,
			    cursor->line, reason->message);
		}
		return false;
	}
	cursor->at = close + 1;
	/* What follows on this line begins a line of the text. */
	g_string_append_c(cursor->source->text, '\n');
	cursor->source->lines++;
	begin_span(cursor);
	return true;
}

static bool
take_closed(Cursor *cursor, gsize length, const char *what, GError **error)
{
	if (length == 0) {
		g_set_error(error, ERROR_DOMAIN, ERROR_SETTINGS, "%s:%u: %s",
		    cursor->file, cursor->line, what);
		return false;
	}
	take(cursor, length);
	return true;
}

/* One token. libconfig knows @include at the start of a line only. */
static bool
take_token(Cursor *cursor, bool line_start, GError **error)
{
	const char *at = cursor->at;

	if (line_start && g_str_has_prefix(at, INCLUDE)) {
		return take_include(cursor, error);
	}
	if (g_ascii_isdigit(*at)) {
		return take_number(cursor, error);
	}
	if (*at == '"') {
		return take_closed(cursor, string_length(at),
		    "the text that begins here does not end: close it with "
		    "'\"'",
		    error);
	}
	if (*at == '#' || (*at == '/' && (at[1] == '/' || at[1] == '*'))) {
		return take_closed(cursor, comment_length(at),
		    "the comment that begins here does not end: close it with "
		    "\"*/\"",
		    error);
	}
	take(cursor, g_ascii_isalpha(*at) || *at == '*' ? word_length(at) : 1);
	return true;
}

static bool
read_into(Source *source, const char *file, guint depth, GError **error)
{
	g_autoptr(GBytes) bytes = NULL;
	g_autofree char *text = NULL;
	Cursor cursor = {
		.source = source, .file = file, .line = 1, .depth = depth
	};
	bool line_start = true;
	gsize size = 0;

	if (depth > INCLUDE_DEPTH || source->text->len > FILE_BYTES) {
		g_set_error(error, ERROR_DOMAIN, ERROR_LIMIT,
		    "%s: more than %d files deep or too long in all", file,
		    INCLUDE_DEPTH);
		return false;
	}
	bytes = file_read(file, FILE_BYTES, NULL, error);
	if (bytes == NULL) {
		return false;
	}
	size = g_bytes_get_size(bytes);
	text = g_strndup(g_bytes_get_data(bytes, NULL), size);
	cursor.at = text;
	begin_span(&cursor);
	while (*cursor.at != '\0') {
		char c = *cursor.at;

		if (!take_token(&cursor, line_start, error)) {
			return false;
		}
		line_start =
		    c == '\n' || (line_start && (c == ' ' || c == '\t'));
	}
	if (cursor.at != text + size) {
		g_set_error(error, ERROR_DOMAIN, ERROR_SETTINGS,
		    "%s:%u: a NUL byte: remove it", file, cursor.line);
		return false;
	}
	return true;
}

Source *
source_read(const char *file, GError **error)
{
	g_autoptr(Source) source = g_new0(Source, 1);
	g_autoptr(GError) reason = NULL;

	source->text = g_string_new(NULL);
	source->spans = g_array_new(FALSE, FALSE, sizeof(Span));
	g_array_set_clear_func(source->spans, clear_span);
	if (!read_into(source, file, 0, &reason)) {
		/* A directory, a device, gigabytes: no file of settings. */
		if (reason->code == ERROR_MALFORMED ||
		    reason->code == ERROR_LIMIT) {
			reason->code = ERROR_SETTINGS;
		}
		g_propagate_error(error, g_steal_pointer(&reason));
		return NULL;
	}
	/* To libconfig a comment without end of line is a syntax error. */
	g_string_append_c(source->text, '\n');
	return g_steal_pointer(&source);
}

void
source_free(Source *source)
{
	if (source == NULL) {
		return;
	}
	g_string_free(source->text, TRUE);
	g_array_unref(source->spans);
	g_free(source);
}

const char *
source_text(const Source *source)
{
	return source->text->str;
}

const char *
source_place(const Source *source, guint line, guint *line_out)
{
	guint i = source->spans->len - 1;
	const Span *span = NULL;

	/* The last one that begins there: an empty file takes no line. */
	while (i > 0 && g_array_index(source->spans, Span, i).from > line) {
		i--;
	}
	span = &g_array_index(source->spans, Span, i);
	*line_out = span->line + (line - span->from);
	return span->file;
}
