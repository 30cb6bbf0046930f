/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log: what a line looks like, level, queue id, threads, and the choice of
 * the target. What syslog and the journal get is caught at their sockets where
 * that is possible: the journal's client library takes no other path.
 */
#include "config.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "scratch.h"

/* stderr goes to a file between the two; the text so far is returned. */
static int saved_stderr = -1;
static char *caught_in;

static void
catch_stderr(void)
{
	char *directory = scratch_new();
	int file = -1;

	caught_in = g_build_filename(directory, "log", NULL);
	file = open(caught_in, O_RDWR | O_CREAT | O_APPEND, 0600);
	g_assert_cmpint(file, >=, 0);
	saved_stderr = dup(STDERR_FILENO);
	g_assert_cmpint(dup2(file, STDERR_FILENO), ==, STDERR_FILENO);
	close(file);
	g_free(directory);
}

static char *
release_stderr(void)
{
	char *text = scratch_text(caught_in);

	g_assert_cmpint(dup2(saved_stderr, STDERR_FILENO), ==, STDERR_FILENO);
	close(saved_stderr);
	scratch_free(g_path_get_dirname(caught_in));
	g_clear_pointer(&caught_in, g_free);
	return text;
}

/* A line behind its time. */
static const char *
behind_time(const char *line)
{
	g_autofree char *time = g_strndup(line, 20);
	gint64 seconds = 0;

	g_assert_true(text_parse_time(time, &seconds));
	g_assert_cmpint(line[20], ==, ' ');
	return line + 21;
}

static void
test_line(void)
{
	g_autofree char *got = NULL;

	catch_stderr();
	log_open("smime-test", LOG_TARGET_STDERR, LOG_LEVEL_INFO);
	errno = ENOSPC;
	log_info("dir=%s ms=%d", "out", 7);
	g_assert_cmpint(errno, ==, ENOSPC);
	got = release_stderr();
	g_assert_cmpstr(
	    behind_time(got), ==, "smime-test: info: dir=out ms=7\n");
}

static void
test_levels(void)
{
	static const char *const want[] = {
		"p: error: e",
		"p: warning: w",
		"p: notice: n",
		"p: info: i",
		"p: debug: d",
	};

	for (int level = LOG_LEVEL_ERROR; level <= LOG_LEVEL_DEBUG; level++) {
		g_autofree char *got = NULL;
		g_auto(GStrv) lines = NULL;

		catch_stderr();
		log_open("p", LOG_TARGET_STDERR, (LogLevel)level);
		g_assert_true(log_wants((LogLevel)level));
		g_assert_false(log_wants((LogLevel)(level + 1)));
		log_err("e");
		log_warn("w");
		log_notice("n");
		log_info("i");
		log_debug("d");
		got = release_stderr();
		lines = g_strsplit(got, "\n", 0);
		/* The last one is what is behind the last line end. */
		g_assert_cmpint(g_strv_length(lines), ==, level + 2);
		for (int i = 0; i <= level; i++) {
			g_assert_cmpstr(behind_time(lines[i]), ==, want[i]);
		}
	}
}

static void
test_one_line(void)
{
	g_autofree char *got = NULL;

	catch_stderr();
	log_open("p", LOG_TARGET_STDERR, LOG_LEVEL_INFO);
	log_info("a%sb\033c", "\r\n");
	got = release_stderr();
	g_assert_cmpstr(behind_time(got), ==, "p: info: a  b?c\n");
}

static void
test_qid(void)
{
	static const struct {
		const char *qid;
		const char *want;
	} cases[] = {
		{ "4bXyz", "p: info: qid=4bXyz x=1\n" },
		{ "a b\nc", "p: info: qid=\"a b?c\" x=1\n" },
		{ NULL, "p: info: x=1\n" },
	};

	log_open("p", LOG_TARGET_STDERR, LOG_LEVEL_INFO);
	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *qid = g_strdup(cases[i].qid);
		g_autofree char *got = NULL;

		catch_stderr();
		log_set_qid(qid);
		if (qid != NULL) {
			memset(qid, '#', strlen(qid)); /* it was copied */
		}
		log_info("x=1");
		got = release_stderr();
		g_assert_cmpstr(behind_time(got), ==, cases[i].want);
	}
}

static gpointer
log_many(gpointer data)
{
	g_autofree char *qid = g_strdup_printf("Q%d", GPOINTER_TO_INT(data));

	log_set_qid(qid);
	for (int i = 0; i < 100; i++) {
		log_info("qid-again=%s i=%d end", qid, i);
	}
	return NULL;
}

/* Each thread its own queue id; no line inside another. */
static void
test_threads(void)
{
	GThread *threads[8];
	g_autofree char *got = NULL;
	g_auto(GStrv) lines = NULL;

	catch_stderr();
	log_open("p", LOG_TARGET_STDERR, LOG_LEVEL_INFO);
	for (int i = 0; i < (int)G_N_ELEMENTS(threads); i++) {
		threads[i] = g_thread_new("log", log_many, GINT_TO_POINTER(i));
	}
	/* A reload of the settings in the middle of it. */
	for (int i = 0; i < 50; i++) {
		log_open("p", LOG_TARGET_STDERR,
		    i % 2 == 0 ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO);
	}
	for (gsize i = 0; i < G_N_ELEMENTS(threads); i++) {
		g_thread_join(threads[i]);
	}
	got = release_stderr();
	lines = g_strsplit(got, "\n", 0);
	g_assert_cmpuint(g_strv_length(lines), ==, 801);
	for (gsize i = 0; i < 800; i++) {
		int first = -1;
		int second = -2;
		int count = -1;
		int end = 0;
		const char *line = behind_time(lines[i]);

		sscanf(line, "p: info: qid=Q%d qid-again=Q%d i=%d end%n",
		    &first, &second, &count, &end);
		g_assert_cmpint(first, ==, second);
		g_assert_cmpint(end, ==, (int)strlen(line));
	}
}

static void
test_stderr_closed(void)
{
	int saved = dup(STDERR_FILENO);

	log_open("p", LOG_TARGET_STDERR, LOG_LEVEL_INFO);
	close(STDERR_FILENO);
	errno = 0;
	log_err("nobody hears this");
	g_assert_cmpint(dup2(saved, STDERR_FILENO), ==, STDERR_FILENO);
	close(saved);
	g_assert_cmpint(errno, ==, 0);
}

/* Neither a terminal nor the journal: stderr stays silent. */
static void
test_auto_is_syslog(void)
{
	static const char *const streams[] = { NULL, "", "1:2", "journal" };

	for (gsize i = 0; i < G_N_ELEMENTS(streams); i++) {
		g_autofree char *got = NULL;

		if (streams[i] == NULL) {
			g_unsetenv("JOURNAL_STREAM");
		} else {
			g_setenv("JOURNAL_STREAM", streams[i], TRUE);
		}
		catch_stderr();
		log_open("smime-milter-test", LOG_TARGET_AUTO, LOG_LEVEL_INFO);
		log_debug("not written at this level");
		log_info("a line of a test");
		got = release_stderr();
		g_assert_cmpstr(got, ==, "");
	}
	g_unsetenv("JOURNAL_STREAM");
}

/* Where there is no journal its lines are not lost: stderr has them. */
static void
test_auto_is_journal(void)
{
	g_autofree char *got = NULL;
	g_autofree char *stream = NULL;
	struct stat facts;

	if (access("/run/systemd/journal/socket", F_OK) == 0) {
		g_test_skip("a journal is running, which the test would fill");
		return;
	}
#ifndef HAVE_SYSTEMD
	g_test_skip("built without libsystemd");
	return;
#endif
	catch_stderr();
	g_assert_cmpint(fstat(STDERR_FILENO, &facts), ==, 0);
	stream = g_strdup_printf(
	    "%ju:%ju", (uintmax_t)facts.st_dev, (uintmax_t)facts.st_ino);
	g_setenv("JOURNAL_STREAM", stream, TRUE);
	log_open("p", LOG_TARGET_AUTO, LOG_LEVEL_INFO);
	g_unsetenv("JOURNAL_STREAM");
	log_info("x=1");
	got = release_stderr();
	/* sd_journal_send() drops what it cannot send, without an error, when
	 * there is no socket at all. */
	if (*got != '\0') {
		g_assert_cmpstr(behind_time(got), ==, "p: info: x=1\n");
	}
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/log/stderr/line", test_line);
	g_test_add_func("/log/wants/levels", test_levels);
	g_test_add_func("/log/stderr/one-line", test_one_line);
	g_test_add_func("/log/set_qid/quoted-and-cleared", test_qid);
	g_test_add_func("/log/set_qid/threads", test_threads);
	g_test_add_func("/log/stderr/closed", test_stderr_closed);
	g_test_add_func("/log/open/auto-is-syslog", test_auto_is_syslog);
	g_test_add_func("/log/open/auto-is-journal", test_auto_is_journal);
	return g_test_run();
}
