/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Output in two forms. Lines go to standard output at once; the object is
 * built by json-glib and printed at the end, so that an error never leaves
 * half of one behind; only of a stream each element is printed at once, one a
 * line. Text in JSON keeps its control characters (they are
 * escaped there); only invalid UTF-8 is replaced.
 */
#include "config.h"

#include "ctl/report.h"

#include <stdio.h>
#include <string.h>

#include <json-glib/json-glib.h>

#include "base/error.h"
#include "base/text.h"

/* Of one line for people: room for any address and subject. */
#define LINE_MAX_BYTES ((gsize)8192)

struct Report {
	JsonBuilder *json;  /* NULL: for people */
	JsonBuilder *outer; /* what is around the stream; json is then its
			       element's; NULL: no stream */
	guint depth;        /* objects open inside the stream */
	guint elements;     /* of the stream, printed so far */
	bool streamed;      /* all but the last brace is printed */
};

Report *
report_new(bool json)
{
	Report *report = g_new0(Report, 1);

	if (json) {
		report->json = json_builder_new();
		json_builder_begin_object(report->json);
	}
	return report;
}

void
report_free(Report *report)
{
	if (report != NULL) {
		g_clear_object(&report->json);
		g_clear_object(&report->outer);
		g_free(report);
	}
}

bool
report_is_json(const Report *report)
{
	return report->json != NULL;
}

static void
print_lines(FILE *stream, const char *indent, const char *text)
{
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

	for (guint i = 0; lines[i] != NULL; i++) {
		g_autofree char *clean = text_clean(lines[i], LINE_MAX_BYTES);

		if (*clean != '\0' || lines[i + 1] != NULL) {
			fprintf(stream, "%s%s\n", indent, clean);
		}
	}
}

void
report_line(Report *report, const char *format, ...)
{
	g_autofree char *text = NULL;
	g_autofree char *clean = NULL;
	va_list arguments;

	if (report->json != NULL) {
		return;
	}
	va_start(arguments, format);
	text = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	clean = text_clean(text, LINE_MAX_BYTES);
	puts(clean);
}

void
report_block(Report *report, const char *indent, const char *text)
{
	if (report->json == NULL) {
		print_lines(stdout, indent, text);
	}
}

static JsonBuilder *
builder(Report *report, const char *name)
{
	if (report->json != NULL && name != NULL) {
		json_builder_set_member_name(report->json, name);
	}
	return report->json;
}

void
report_open_list(Report *report, const char *name)
{
	if (builder(report, name) != NULL) {
		json_builder_begin_array(report->json);
	}
}

void
report_close_list(Report *report)
{
	if (report->json != NULL) {
		json_builder_end_array(report->json);
	}
}

/* The JSON that was built. Yours. */
static char *
generate(JsonBuilder *json, bool pretty)
{
	g_autoptr(JsonGenerator) generator = json_generator_new();
	g_autoptr(JsonNode) root = json_builder_get_root(json);

	json_generator_set_root(generator, root);
	json_generator_set_pretty(generator, pretty);
	return json_generator_to_data(generator, NULL);
}

static void
print_element(Report *report)
{
	g_autofree char *text = generate(report->json, false);

	printf("%s\n    %s", report->elements > 0 ? "," : "", text);
	report->elements++;
	json_builder_reset(report->json);
}

void
report_open_object(Report *report)
{
	if (report->json != NULL) {
		json_builder_begin_object(report->json);
		report->depth++;
	}
}

void
report_close_object(Report *report)
{
	if (report->json == NULL) {
		return;
	}
	json_builder_end_object(report->json);
	report->depth--;
	if (report->outer != NULL && report->depth == 0) {
		print_element(report);
	}
}

/* What stood before the list, without the brace that would end it. */
static void
print_head(Report *report, const char *name)
{
	g_autofree char *text = NULL;
	char *end;

	json_builder_end_object(report->outer);
	text = generate(report->outer, true);
	end = strrchr(text, '}');
	*end = '\0';
	g_strchomp(text);
	printf("%s%s\n  \"%s\" : [", text,
	    g_str_has_suffix(text, "{") ? "" : ",", name);
}

void
report_open_stream(Report *report, const char *name)
{
	if (report->json != NULL) {
		report->outer = report->json;
		report->json = json_builder_new();
		print_head(report, name);
	}
}

void
report_close_stream(Report *report)
{
	if (report->json != NULL) {
		printf(report->elements > 0 ? "\n  ]\n" : "]\n");
		g_clear_object(&report->json);
		report->json = g_steal_pointer(&report->outer);
		report->streamed = true;
	}
}

void
report_text(Report *report, const char *name, const char *text)
{
	g_autofree char *valid = NULL;

	if (text == NULL) {
		report_null(report, name);
		return;
	}
	if (builder(report, name) != NULL) {
		valid = g_utf8_make_valid(text, -1);
		json_builder_add_string_value(report->json, valid);
	}
}

void
report_bool(Report *report, const char *name, bool value)
{
	if (builder(report, name) != NULL) {
		json_builder_add_boolean_value(report->json, value);
	}
}

void
report_number(Report *report, const char *name, gint64 number)
{
	if (builder(report, name) != NULL) {
		json_builder_add_int_value(report->json, number);
	}
}

void
report_null(Report *report, const char *name)
{
	if (builder(report, name) != NULL) {
		json_builder_add_null_value(report->json);
	}
}

void
report_time(Report *report, const char *name, gint64 seconds)
{
	g_autofree char *text = seconds == 0 ? NULL : text_time(seconds);

	report_text(report, name, text);
}

void
report_texts(Report *report, const char *name, const GPtrArray *texts)
{
	report_open_list(report, name);
	for (guint i = 0; texts != NULL && i < texts->len; i++) {
		report_text(report, NULL, texts->pdata[i]);
	}
	report_close_list(report);
}

static void
print_object(Report *report)
{
	g_autofree char *text = NULL;

	if (report->streamed) {
		puts("}");
		return;
	}
	json_builder_end_object(report->json);
	text = generate(report->json, true);
	puts(text);
}

bool
report_flush(GError **error)
{
	if (fflush(stdout) != 0 || ferror(stdout)) {
		error_set_errno(error, "writing to standard output");
		return false;
	}
	return true;
}

bool
report_finish(Report *report, GError **error)
{
	if (report->json != NULL) {
		print_object(report);
		g_clear_object(&report->json);
	}
	return report_flush(error);
}

static void print_errors(const char *prefix, const char *format,
    va_list arguments) G_GNUC_PRINTF(2, 0);

static void
print_errors(const char *prefix, const char *format, va_list arguments)
{
	g_autofree char *text = g_strdup_vprintf(format, arguments);

	print_lines(stderr, prefix, text);
}

void
report_error(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	print_errors("smimectl: ", format, arguments);
	va_end(arguments);
}

void
report_warning(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	print_errors("smimectl: warning: ", format, arguments);
	va_end(arguments);
}
