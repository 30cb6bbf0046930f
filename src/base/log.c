/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log: one line for each call, to one of three targets. What it is given
 * is written as it stands, but for control bytes: quoting foreign text is the
 * caller's work (text_append_field). The program's name is set once, before
 * there are threads; target and level may be set again at any time. Every line
 * is one write(2) or one datagram, so lines of threads never mix. errno is
 * kept.
 */
#include "config.h"

#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#ifdef HAVE_SYSTEMD
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>
#endif

#include "base/file.h"
#include "base/text.h"

static const struct {
	const char *name;
	int priority;
} levels[] = {
	[LOG_LEVEL_ERROR] = { "error", LOG_ERR },
	[LOG_LEVEL_WARN] = { "warning", LOG_WARNING },
	[LOG_LEVEL_NOTICE] = { "notice", LOG_NOTICE },
	[LOG_LEVEL_INFO] = { "info", LOG_INFO },
	[LOG_LEVEL_DEBUG] = { "debug", LOG_DEBUG },
};

static const char *log_program = "smime-milter";
/* Atomic: a reload of the settings may set them while threads log. */
static gint log_target = LOG_TARGET_STDERR;
static gint log_level = LOG_LEVEL_INFO;

/* "qid=... " or nothing. */
static GPrivate log_qid = G_PRIVATE_INIT(g_free);

/* systemd sets JOURNAL_STREAM to DEVICE:INODE of the stream it connected; a
 * later redirection of stderr makes it untrue (systemd.exec(5)). */
static bool
stderr_is_journal(void)
{
	const char *stream = g_getenv("JOURNAL_STREAM");
	g_autofree char *ours = NULL;
	struct stat facts;

	if (stream == NULL || fstat(STDERR_FILENO, &facts) != 0) {
		return false;
	}
	ours = g_strdup_printf(
	    "%ju:%ju", (uintmax_t)facts.st_dev, (uintmax_t)facts.st_ino);
	return strcmp(stream, ours) == 0;
}

static LogTarget
choose_target(LogTarget target)
{
	if (target != LOG_TARGET_AUTO) {
		return target;
	}
	if (stderr_is_journal()) {
		return LOG_TARGET_JOURNAL;
	}
	return isatty(STDERR_FILENO) ? LOG_TARGET_STDERR : LOG_TARGET_SYSLOG;
}

void
log_open(const char *program, LogTarget target, LogLevel level)
{
	int error = errno;

	target = choose_target(target);
#ifndef HAVE_SYSTEMD
	/* The journal takes in what syslog(3) sends. */
	if (target == LOG_TARGET_JOURNAL) {
		target = LOG_TARGET_SYSLOG;
	}
#endif
	/* Not written anew by a reload: threads read it. */
	if (log_program != program) {
		log_program = program;
	}
	if (target == LOG_TARGET_SYSLOG) {
		openlog(program, LOG_PID | LOG_NDELAY, LOG_MAIL);
	}
	g_atomic_int_set(&log_level, (gint)level);
	g_atomic_int_set(&log_target, (gint)target);
	errno = error;
}

bool
log_wants(LogLevel level)
{
	return (gint)level <= g_atomic_int_get(&log_level);
}

void
log_set_qid(const char *qid)
{
	GString *field = NULL;

	if (qid == NULL) {
		g_private_replace(&log_qid, NULL);
		return;
	}
	field = g_string_new(NULL);
	text_append_field(field, "qid", qid);
	g_string_append_c(field, ' ');
	g_private_replace(&log_qid, g_string_free(field, FALSE));
}

/* An event is one line whatever got into it. */
static void
make_one_line(char *text)
{
	for (; *text != '\0'; text++) {
		if (g_ascii_iscntrl(*text)) {
			*text = g_ascii_isspace(*text) ? ' ' : '?';
		}
	}
}

static void
write_stderr(LogLevel level, const char *text)
{
	g_autofree char *now = text_time(g_get_real_time() / G_USEC_PER_SEC);
	g_autofree char *line = g_strdup_printf(
	    "%s %s: %s: %s\n", now, log_program, levels[level].name, text);

	/* When this fails there is nobody to tell. */
	(void)file_write_all(STDERR_FILENO, line, strlen(line));
}

static void
write_journal(LogLevel level, const char *text)
{
#ifdef HAVE_SYSTEMD
	int result = sd_journal_send("MESSAGE=%s", text, "PRIORITY=%i",
	    levels[level].priority, "SYSLOG_IDENTIFIER=%s", log_program,
	    "SYSLOG_FACILITY=%i", LOG_FAC(LOG_MAIL), NULL);

	if (result >= 0) {
		return;
	}
#endif
	write_stderr(level, text);
}

static void G_GNUC_PRINTF(2, 0)
    write_line(LogLevel level, const char *format, va_list args)
{
	int error = errno;
	const char *qid = g_private_get(&log_qid);
	g_autofree char *message = g_strdup_vprintf(format, args);
	g_autofree char *text =
	    g_strconcat(qid != NULL ? qid : "", message, NULL);

	make_one_line(text);
	switch ((LogTarget)g_atomic_int_get(&log_target)) {
	case LOG_TARGET_SYSLOG:
		syslog(levels[level].priority, "%s", text);
		break;
	case LOG_TARGET_JOURNAL:
		write_journal(level, text);
		break;
	case LOG_TARGET_AUTO:
	case LOG_TARGET_STDERR:
		write_stderr(level, text);
		break;
	}
	errno = error;
}

/* The five differ in their level only. */
#define WRITE(level, format)                     \
	do {                                     \
		va_list args;                    \
                                                 \
		if (!log_wants(level)) {         \
			return;                  \
		}                                \
		va_start(args, format);          \
		write_line(level, format, args); \
		va_end(args);                    \
	} while (0)

void
log_err(const char *format, ...)
{
	WRITE(LOG_LEVEL_ERROR, format);
}

void
log_warn(const char *format, ...)
{
	WRITE(LOG_LEVEL_WARN, format);
}

void
log_notice(const char *format, ...)
{
	WRITE(LOG_LEVEL_NOTICE, format);
}

void
log_info(const char *format, ...)
{
	WRITE(LOG_LEVEL_INFO, format);
}

void
log_debug(const char *format, ...)
{
	WRITE(LOG_LEVEL_DEBUG, format);
}
