/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log. One line for each event, logfmt (key=value) where it has fields.
 * log_err: the administrator must act. log_warn: a mail is held up, goes out
 * otherwise than asked, or soon will. log_notice: keys and settings changed
 * hands. log_info: one line for each mail. log_debug: all else. Only
 * src/milter, src/gateway and src/ctl log; lower rooms return errors.
 *
 * Thread-safe. The queue id set with log_set_qid() is kept for each thread
 * and put in front of every line of it as qid=...
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <glib.h>
#include <stdbool.h>

typedef enum {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARN,
	LOG_LEVEL_NOTICE,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
} LogLevel;

/* LOG_TARGET_AUTO: the journal when stderr is connected to it, else stderr
 * when it is a terminal, else syslog (facility mail). */
typedef enum {
	LOG_TARGET_AUTO,
	LOG_TARGET_STDERR,
	LOG_TARGET_SYSLOG,
	LOG_TARGET_JOURNAL,
} LogTarget;

/* Before the first call: stderr, info. program: borrowed for ever. May be
 * called again, with the same program, while other threads log. */
void
log_open(const char *program, LogTarget target, LogLevel level);

bool
log_wants(LogLevel level);

/* Sets (copies) or with NULL clears this thread's queue id. */
void
log_set_qid(const char *qid);

void
log_err(const char *format, ...) G_GNUC_PRINTF(1, 2);
void
log_warn(const char *format, ...) G_GNUC_PRINTF(1, 2);
void
log_notice(const char *format, ...) G_GNUC_PRINTF(1, 2);
void
log_info(const char *format, ...) G_GNUC_PRINTF(1, 2);
void
log_debug(const char *format, ...) G_GNUC_PRINTF(1, 2);

#endif
