/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The words of our SMTP client: RFC 5321, with SIZE (1870), 8BITMIME (6152),
 * DSN (3461) and SMTPUTF8 (6531) where the server offers them. A ready-made
 * client library was no help: libesmtp cannot say SMTPUTF8 and edits header
 * fields. No TLS and no login: the listener is our own MTA's, on loopback as a
 * rule. No Received field is added, since the listener adds its own.
 */
#include "config.h"

#include "milter/reinject.h"

#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "policy/envelope.h"

/* Of a reply, in a log line. */
#define REPLY_SHOWN 400

enum {
	OFFERS_8BITMIME = 1 << 0,
	OFFERS_DSN = 1 << 1,
	OFFERS_SIZE = 1 << 2,
	OFFERS_SMTPUTF8 = 1 << 3,
};

static const struct {
	const char *keyword;
	guint bit;
} extensions[] = {
	{ "8BITMIME", OFFERS_8BITMIME },
	{ "DSN", OFFERS_DSN },
	{ "SIZE", OFFERS_SIZE },
	{ "SMTPUTF8", OFFERS_SMTPUTF8 },
};

struct Reinject {
	Smtp *smtp;
	const SmtpTimeouts *timeouts;
	guint offers;
};

static guint
read_offers(const char *text)
{
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	guint offers = 0;

	/* The first line is the server's name. */
	for (guint i = 1; lines[0] != NULL && lines[i] != NULL; i++) {
		lines[i][strcspn(lines[i], " \t")] = '\0';
		for (gsize e = 0; e < G_N_ELEMENTS(extensions); e++) {
			if (text_equal_fold(lines[i], extensions[e].keyword)) {
				offers |= extensions[e].bit;
			}
		}
	}
	return offers;
}

static bool
set_refusal(const char *step, guint code, const char *text, GError **error)
{
	g_autofree char *line = g_strdelimit(g_strdup(text), "\n", ' ');
	g_autofree char *clean = text_clean(line, REPLY_SHOWN);

	g_set_error(error, ERROR_DOMAIN,
	    code / 100 == 5 ? ERROR_REFUSED : ERROR_IO, "%s: %u %s", step, code,
	    clean);
	return false;
}

/* One command that must be answered with wanted (2: 2yz, 3: 3yz). ERROR_REFUSED
 * is a 5yz, all else is temporary. */
static bool
say(Reinject *reinject, const char *line, guint wanted, char **text_out,
    GError **error)
{
	g_autofree char *text = NULL;
	guint code = 0;

	if (!smtp_command(reinject->smtp, line, &code, &text, error)) {
		g_prefix_error(error, "%s: ", line);
		return false;
	}
	if (code / 100 != wanted) {
		return set_refusal(line, code, text, error);
	}
	if (text_out != NULL) {
		*text_out = g_steal_pointer(&text);
	}
	return true;
}

static bool
greet(Reinject *reinject, const char *name, GError **error)
{
	g_autofree char *ehlo = g_strconcat("EHLO ", name, NULL);
	g_autofree char *helo = g_strconcat("HELO ", name, NULL);
	g_autofree char *text = NULL;
	g_autoptr(GError) refusal = NULL;
	guint code = 0;

	if (!smtp_read(reinject->smtp, reinject->timeouts->command, &code,
		&text, error)) {
		g_prefix_error(error, "greeting: ");
		return false;
	}
	if (code / 100 != 2) {
		return set_refusal("greeting", code, text, error);
	}
	g_clear_pointer(&text, g_free);
	if (say(reinject, ehlo, 2, &text, &refusal)) {
		reinject->offers = read_offers(text);
		return true;
	}
	/* RFC 5321 3.2: a server without extensions. A copy that needs one
	 * fails later and says which. */
	if (g_error_matches(refusal, ERROR_DOMAIN, ERROR_REFUSED)) {
		return say(reinject, helo, 2, NULL, error);
	}
	g_propagate_error(error, g_steal_pointer(&refusal));
	return false;
}

Reinject *
reinject_open(const char *host, guint16 port, const char *name,
    const SmtpTimeouts *timeouts, GError **error)
{
	g_autoptr(Smtp) smtp = smtp_connect(host, port, timeouts, error);
	g_autoptr(Reinject) reinject = NULL;

	if (smtp == NULL) {
		return NULL;
	}
	reinject = g_new0(Reinject, 1);
	reinject->smtp = g_steal_pointer(&smtp);
	reinject->timeouts = timeouts;
	return greet(reinject, name, error) ? g_steal_pointer(&reinject) : NULL;
}

void
reinject_close(Reinject *reinject)
{
	if (reinject == NULL) {
		return;
	}
	if (smtp_write(reinject->smtp, "QUIT\r\n", 6, NULL)) {
		(void)smtp_flush(reinject->smtp, NULL);
	}
	smtp_close(reinject->smtp);
	g_free(reinject);
}

static bool
has_8bit(const Rope *message)
{
	for (guint i = 0; i < rope_count(message); i++) {
		RopeRun run = rope_run(message, i);
		guint8 seen = 0;

		for (gsize k = 0; k < run.length; k++) {
			seen |= run.data[k];
		}
		if (seen >= 0x80) {
			return true;
		}
	}
	return false;
}

/* An envelope's word must not end our command line or add to it. */
static bool
check_word(const char *word, GError **error)
{
	for (const char *at = word; *at != '\0'; at++) {
		if (g_ascii_iscntrl(*at)) {
			g_set_error(error, ERROR_DOMAIN, ERROR_MALFORMED,
			    "a control byte in the envelope");
			return false;
		}
	}
	return true;
}

static bool
append_path(GString *line, const char *path, GError **error)
{
	if (!check_word(path, error)) {
		return false;
	}
	g_string_append_printf(line, path[0] == '<' ? "%s" : "<%s>", path);
	return true;
}

/* Those of the original's parameters that begin with prefix ("RET="). */
static bool
append_arguments(GString *line, const GPtrArray *arguments, const char *prefix,
    GError **error)
{
	for (guint i = 0; arguments != NULL && i < arguments->len; i++) {
		const char *argument = arguments->pdata[i];

		if (g_ascii_strncasecmp(argument, prefix, strlen(prefix)) !=
		    0) {
			continue;
		}
		if (!check_word(argument, error)) {
			return false;
		}
		g_string_append_printf(line, " %s", argument);
	}
	return true;
}

static bool
wants_smtputf8(const GPtrArray *arguments)
{
	for (guint i = 0; arguments != NULL && i < arguments->len; i++) {
		if (text_equal_fold(arguments->pdata[i], "SMTPUTF8")) {
			return true;
		}
	}
	return false;
}

static bool
lacks(const char *extension, GError **error)
{
	g_set_error(error, ERROR_DOMAIN, ERROR_IO,
	    "the mail needs %s, the listener does not offer it", extension);
	return false;
}

/* BODY says what the copy is, not what the original was: a signed copy is
 * 7-bit, and one called 8BITMIME could be re-encoded on its way. */
static bool
append_extensions(
    Reinject *reinject, const ReinjectMail *mail, GString *line, GError **error)
{
	guint offers = reinject->offers;

	if ((offers & OFFERS_SIZE) != 0) {
		g_string_append_printf(
		    line, " SIZE=%" G_GSIZE_FORMAT, rope_length(mail->message));
	}
	if (has_8bit(mail->message)) {
		if ((offers & OFFERS_8BITMIME) == 0) {
			return lacks("8BITMIME", error);
		}
		g_string_append(line, " BODY=8BITMIME");
	}
	if (wants_smtputf8(mail->arguments)) {
		if ((offers & OFFERS_SMTPUTF8) == 0) {
			return lacks("SMTPUTF8", error);
		}
		g_string_append(line, " SMTPUTF8");
	}
	if ((offers & OFFERS_DSN) == 0) {
		return true;
	}
	return append_arguments(line, mail->arguments, "RET=", error) &&
	    append_arguments(line, mail->arguments, "ENVID=", error);
}

static bool
say_sender(Reinject *reinject, const ReinjectMail *mail, GError **error)
{
	g_autoptr(GString) line = g_string_new("MAIL FROM:");

	return append_path(line, mail->sender, error) &&
	    append_extensions(reinject, mail, line, error) &&
	    say(reinject, line->str, 2, NULL, error);
}

static bool
say_recipients(Reinject *reinject, const ReinjectMail *mail, GError **error)
{
	bool dsn = (reinject->offers & OFFERS_DSN) != 0;

	for (guint i = 0; i < mail->recipients->len; i++) {
		const Recipient *recipient = mail->recipients->pdata[i];
		g_autoptr(GString) line = g_string_new("RCPT TO:");

		if (!append_path(line, recipient->given, error)) {
			return false;
		}
		if (dsn &&
		    (!append_arguments(
			 line, recipient->arguments, "NOTIFY=", error) ||
			!append_arguments(
			    line, recipient->arguments, "ORCPT=", error))) {
			return false;
		}
		if (!say(reinject, line->str, 2, NULL, error)) {
			return false;
		}
	}
	return true;
}

/*
 * RFC 5321 4.5.2. A dot behind a bare LF is doubled too: some servers take a
 * bare LF for a line end, and LF dot CRLF for the end of the mail.
 */
static bool
write_run(Smtp *smtp, RopeRun run, bool line_start, GError **error)
{
	const guint8 *at = run.data;
	gsize left = run.length;

	if (line_start && left > 0 && at[0] == '.' &&
	    !smtp_write(smtp, ".", 1, error)) {
		return false;
	}
	for (;;) {
		const guint8 *hit = memmem(at, left, "\n.", 2);
		gsize length;

		if (hit == NULL) {
			return smtp_write(smtp, at, left, error);
		}
		length = (gsize)(hit - at) + 2;
		if (!smtp_write(smtp, at, length, error) ||
		    !smtp_write(smtp, ".", 1, error)) {
			return false;
		}
		at += length;
		left -= length;
	}
}

static bool
write_message(Smtp *smtp, const Rope *message, GError **error)
{
	guint8 before = '\r';
	guint8 last = '\n';

	for (guint i = 0; i < rope_count(message); i++) {
		RopeRun run = rope_run(message, i);

		if (!write_run(smtp, run, last == '\n', error)) {
			return false;
		}
		before = run.length > 1 ? run.data[run.length - 2] : last;
		last = run.data[run.length - 1];
	}
	if ((before != '\r' || last != '\n') &&
	    !smtp_write(smtp, "\r\n", 2, error)) {
		return false;
	}
	return smtp_write(smtp, ".\r\n", 3, error) && smtp_flush(smtp, error);
}

static bool
say_message(
    Reinject *reinject, const Rope *message, char **text_out, GError **error)
{
	guint code = 0;
	g_autofree char *text = NULL;

	if (!say(reinject, "DATA", 3, NULL, error)) {
		return false;
	}
	if (!write_message(reinject->smtp, message, error)) {
		g_prefix_error(error, "sending the message: ");
		return false;
	}
	if (!smtp_read(reinject->smtp, reinject->timeouts->data_end, &code,
		&text, error)) {
		g_prefix_error(error, "end of message: ");
		return false;
	}
	if (code / 100 != 2) {
		return set_refusal("end of message", code, text, error);
	}
	*text_out = text_clean(text, REPLY_SHOWN);
	return true;
}

ReinjectResult
reinject_send(Reinject *reinject, const ReinjectMail *mail, char **reply_out)
{
	g_autoptr(GError) error = NULL;

	if (say_sender(reinject, mail, &error) &&
	    say_recipients(reinject, mail, &error) &&
	    say_message(reinject, mail->message, reply_out, &error)) {
		return REINJECT_TAKEN;
	}
	*reply_out = text_clean(error->message, REPLY_SHOWN);
	return g_error_matches(error, ERROR_DOMAIN, ERROR_REFUSED)
	    ? REINJECT_REFUSED
	    : REINJECT_TEMPORARY;
}

char *
reinject_queue_id(const char *reply)
{
	static const char postfix[] = "queued as ";
	static const char sendmail[] = " Message accepted for delivery";
	const char *start = strstr(reply, postfix);
	const char *end;

	if (start != NULL) {
		start += strlen(postfix);
		return g_strndup(start, strcspn(start, " \n"));
	}
	end = strstr(reply, sendmail);
	if (end == NULL) {
		return NULL;
	}
	start = end;
	while (start > reply && start[-1] != ' ') {
		start--;
	}
	return start < end ? g_strndup(start, (gsize)(end - start)) : NULL;
}
