/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What smimectl says: lines for people, or with --json one object for
 * programs. Both are given by the same verb, one call beside the other; the
 * form that was not asked for is dropped. Foreign text is cleaned on its way
 * out. One thread.
 */
#ifndef CTL_REPORT_H
#define CTL_REPORT_H

#include <glib.h>
#include <stdbool.h>

typedef struct Report Report;

Report *report_new(bool json);
void report_free(Report *report);
bool report_is_json(const Report *report);

/* For people: one line of text, cleaned. */
void report_line(Report *report, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* For people: each line of text, cleaned, behind indent. */
void report_block(Report *report, const char *indent, const char *text);

/*
 * For programs: members of the open object, or elements of the open list. name
 * is NULL inside a list. NULL text and a time of 0 are null.
 */
void report_open_list(Report *report, const char *name);
void report_close_list(Report *report);
void report_open_object(Report *report);
void report_close_object(Report *report);
void report_text(Report *report, const char *name, const char *text);
void report_bool(Report *report, const char *name, bool value);
void report_number(Report *report, const char *name, gint64 number);
void report_null(Report *report, const char *name);
void report_time(Report *report, const char *name, gint64 seconds);
/* A list of texts; of char *. */
void report_texts(Report *report, const char *name, const GPtrArray *texts);

/*
 * A list of the outermost object, of objects that are printed one by one as
 * they are closed: for what may be longer than memory allows. The last member
 * of the object. Where the verb fails inside it the object stays without an
 * end: what reads it sees that, and the exit code.
 */
void report_open_stream(Report *report, const char *name);
void report_close_stream(Report *report);

/* Whether all of standard output could be written. ERROR_IO. */
bool report_flush(GError **error);

/* Prints the object and flushes standard output. ERROR_IO. */
bool report_finish(Report *report, GError **error);

/* On standard error: "smimectl: TEXT", "smimectl: warning: TEXT", one such
 * line for each line of the text, cleaned. */
void report_error(const char *format, ...) G_GNUC_PRINTF(1, 2);
void report_warning(const char *format, ...) G_GNUC_PRINTF(1, 2);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Report, report_free)

#endif
