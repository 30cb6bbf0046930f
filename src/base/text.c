/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text from outside made fit for logs and terminals, ASCII case, hex, and
 * times in the form of RFC 3339 section 5.6. It parses nothing of mail and
 * depends on no locale. Results are the caller's. No state; thread-safe.
 */
#include "config.h"

#include "base/text.h"

#include <string.h>
#include <time.h>

/* A value of a log field: long enough for any address that SMTP allows
 * (RFC 5321 4.5.3.1), short enough for a line of syslog. */
#define FIELD_MAX ((gsize)1024)

/* 0000-01-01T00:00:00Z and 9999-12-31T23:59:59Z, what four digits can say. */
#define TIME_MIN G_GINT64_CONSTANT(-62167219200)
#define TIME_MAX G_GINT64_CONSTANT(253402300799)

/* Besides the control characters also those that are invisible and change
 * how the rest of a line is shown (direction overrides and the like). */
static bool
is_unfit_for_a_line(gunichar character)
{
	switch (g_unichar_type(character)) {
	case G_UNICODE_CONTROL:
	case G_UNICODE_FORMAT:
	case G_UNICODE_LINE_SEPARATOR:
	case G_UNICODE_PARAGRAPH_SEPARATOR:
		return true;
	default:
		return false;
	}
}

/* Appends the character at text, cleaned; the number of bytes it took. */
static gsize
append_clean_character(GString *line, const char *text, gsize left)
{
	gunichar character = 0;
	gsize length = 0;

	if ((guchar)*text < 0x80) {
		g_string_append_c(line, g_ascii_iscntrl(*text) ? '?' : *text);
		return 1;
	}
	character = g_utf8_get_char_validated(text, (gssize)left);
	if (character == (gunichar)-1 || character == (gunichar)-2) {
		g_string_append_c(line, '?');
		return 1;
	}
	length = (gsize)(g_utf8_next_char(text) - text);
	if (is_unfit_for_a_line(character)) {
		g_string_append_c(line, '?');
	} else {
		g_string_append_len(line, text, (gssize)length);
	}
	return length;
}

char *
text_clean(const char *text, gsize max)
{
	/* The longest UTF-8 character has 4 bytes: no need to look at more of
	 * a text that will be cut anyway. */
	gsize length = strnlen(text, max < G_MAXSIZE - 4 ? max + 4 : max);
	GString *line = g_string_sized_new(MIN(length, max) + 4);

	for (gsize at = 0; at < length && at < max;) {
		gsize before = line->len;

		at += append_clean_character(line, text + at, length - at);
		if (at > max) {
			g_string_truncate(line, before);
		}
	}
	if (length > max) {
		g_string_append(line, "...");
	}
	return g_string_free(line, FALSE);
}

static void
append_quoted(GString *line, const char *value)
{
	g_string_append_c(line, '"');
	for (; *value != '\0'; value++) {
		if (*value == '"' || *value == '\\') {
			g_string_append_c(line, '\\');
		}
		g_string_append_c(line, *value);
	}
	g_string_append_c(line, '"');
}

void
text_append_field(GString *line, const char *name, const char *value)
{
	g_autofree char *clean = NULL;

	if (line->len > 0) {
		g_string_append_c(line, ' ');
	}
	g_string_append(line, name);
	g_string_append_c(line, '=');
	if (value == NULL) {
		g_string_append_c(line, '-');
		return;
	}
	clean = text_clean(value, FIELD_MAX);
	if (*clean == '\0' || strpbrk(clean, " \"=") != NULL) {
		append_quoted(line, clean);
	} else {
		g_string_append(line, clean);
	}
}

char *
text_fold(const char *text)
{
	return g_ascii_strdown(text, -1);
}

bool
text_equal_fold(const char *a, const char *b)
{
	if (a == NULL || b == NULL) {
		return a == b;
	}
	return g_ascii_strcasecmp(a, b) == 0;
}

char *
text_hex(const guint8 *bytes, gsize length)
{
	static const char digits[] = "0123456789abcdef";
	char *hex = g_malloc(length * 2 + 1);

	for (gsize i = 0; i < length; i++) {
		hex[i * 2] = digits[bytes[i] >> 4];
		hex[i * 2 + 1] = digits[bytes[i] & 0x0f];
	}
	hex[length * 2] = '\0';
	return hex;
}

char *
text_time(gint64 seconds)
{
	time_t when = (time_t)CLAMP(seconds, TIME_MIN, TIME_MAX);
	struct tm parts = { 0 };

	gmtime_r(&when, &parts);
	return g_strdup_printf("%04d-%02d-%02dT%02d:%02d:%02dZ",
	    parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday,
	    parts.tm_hour, parts.tm_min, parts.tm_sec);
}

/* count digits at *text, which moves behind them; -1 when they are not. */
static int
take_digits(const char **text, int count)
{
	int number = 0;

	for (int i = 0; i < count; i++) {
		if (!g_ascii_isdigit(**text)) {
			return -1;
		}
		number = number * 10 + (**text - '0');
		(*text)++;
	}
	return number;
}

/* One of the bytes of set at *text, which moves behind it. */
static bool
take_one_of(const char **text, const char *set)
{
	if (**text == '\0' || strchr(set, **text) == NULL) {
		return false;
	}
	(*text)++;
	return true;
}

static bool
take_date(const char **text, struct tm *parts)
{
	int year = take_digits(text, 4);
	int month = take_one_of(text, "-") ? take_digits(text, 2) : -1;
	int day = take_one_of(text, "-") ? take_digits(text, 2) : -1;

	if (year < 1 || month < 1 || day < 1 ||
	    !g_date_valid_dmy(
		(GDateDay)day, (GDateMonth)month, (GDateYear)year)) {
		return false;
	}
	parts->tm_year = year - 1900;
	parts->tm_mon = month - 1;
	parts->tm_mday = day;
	return true;
}

static bool
take_clock(const char **text, struct tm *parts)
{
	parts->tm_hour = take_digits(text, 2);
	parts->tm_min = take_one_of(text, ":") ? take_digits(text, 2) : -1;
	parts->tm_sec = take_one_of(text, ":") ? take_digits(text, 2) : -1;
	if (parts->tm_hour < 0 || parts->tm_min < 0 || parts->tm_sec < 0) {
		return false;
	}
	/* 60 is a leap second (RFC 3339 5.7): the next second for us. */
	return parts->tm_hour <= 23 && parts->tm_min <= 59 &&
	    parts->tm_sec <= 60;
}

/* A fraction is allowed and means nothing here. */
static bool
skip_fraction(const char **text)
{
	if (!take_one_of(text, ".")) {
		return true;
	}
	if (take_digits(text, 1) < 0) {
		return false;
	}
	while (g_ascii_isdigit(**text)) {
		(*text)++;
	}
	return true;
}

bool
text_parse_time(const char *text, gint64 *seconds_out)
{
	struct tm parts = { 0 };

	if (!take_date(&text, &parts) || !take_one_of(&text, "Tt") ||
	    !take_clock(&text, &parts) || !skip_fraction(&text) ||
	    !take_one_of(&text, "Zz") || *text != '\0') {
		return false;
	}
	*seconds_out = (gint64)timegm(&parts);
	return true;
}
