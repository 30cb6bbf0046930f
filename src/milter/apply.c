/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order of calls is the order of execution in the MTA, and the two MTAs
 * differ (smfi_* documentation; Postfix cleanup_milter.c): header edits first,
 * deletes from the highest occurrence down, since Postfix renumbers at once and
 * Sendmail does not; the body in one run without any other call in between;
 * then recipients; fields at position 0 last, since after the first of them
 * Postfix counts its own Received field with the others. Nothing is decided
 * here. The casts are libmilter's: it takes char * where it only reads.
 */
#include "config.h"

#include "milter/apply.h"

#include <string.h>

#include "policy/envelope.h"

/* libmilter cuts the body into packets of this size. */
#define PACKET ((gsize)65535)
/* Runs below this are gathered: a packet for each would cost more. */
#define SMALL_RUN ((gsize)8192)
/* One call, an int's worth; a whole number of packets. */
#define LARGEST_CALL (PACKET * 16384)

/* libmilter's MAXREPLYLEN. */
#define REPLY_TEXT_MAX 980

/* Without SMFIP_HDR_LEADSPC the MTA puts a blank in front itself. */
static char *
mta_value(const Edit *edit, bool leading_space)
{
	const char *value = edit->value;

	return (char *)(!leading_space && value[0] == ' ' ? value + 1 : value);
}

static const char *
apply_edit(SMFICTX *ctx, const Edit *edit, bool leading_space)
{
	int done = MI_FAILURE;
	const char *call = "smfi_chgheader";

	switch (edit->kind) {
	case EDIT_DELETE:
		done = smfi_chgheader(
		    ctx, edit->name, (int)edit->occurrence, NULL);
		break;
	case EDIT_CHANGE:
		done = smfi_chgheader(ctx, edit->name, (int)edit->occurrence,
		    mta_value(edit, leading_space));
		break;
	case EDIT_ADD:
		call = "smfi_addheader";
		done = smfi_addheader(
		    ctx, edit->name, mta_value(edit, leading_space));
		break;
	case EDIT_TOP:
		call = "smfi_insheader";
		done = smfi_insheader(
		    ctx, 0, edit->name, mta_value(edit, leading_space));
		break;
	}
	return done == MI_SUCCESS ? NULL : call;
}

static const char *
apply_edits(SMFICTX *ctx, const Edits *edits, bool top, bool leading_space)
{
	for (guint i = 0; i < edits_count(edits); i++) {
		const Edit *edit = edits_get(edits, i);
		const char *failed = NULL;

		if ((edit->kind == EDIT_TOP) == top) {
			failed = apply_edit(ctx, edit, leading_space);
		}
		if (failed != NULL) {
			return failed;
		}
	}
	return NULL;
}

static bool
send_body(SMFICTX *ctx, const guint8 *data, gsize length)
{
	while (length > 0) {
		gsize part = MIN(length, LARGEST_CALL);

		if (smfi_replacebody(ctx, (guint8 *)data, (int)part) !=
		    MI_SUCCESS) {
			return false;
		}
		data += part;
		length -= part;
	}
	return true;
}

static bool
flush_body(SMFICTX *ctx, GByteArray *gathered)
{
	bool sent = send_body(ctx, gathered->data, gathered->len);

	g_byte_array_set_size(gathered, 0);
	return sent;
}

/* Small runs are gathered, large ones go out from where they lie. */
static bool
send_runs(SMFICTX *ctx, const Rope *body, gsize small)
{
	g_autoptr(GByteArray) gathered = g_byte_array_new();

	for (guint i = 0; i < rope_count(body); i++) {
		RopeRun run = rope_run(body, i);
		bool large = run.length > small;

		if ((large || gathered->len + run.length > PACKET) &&
		    !flush_body(ctx, gathered)) {
			return false;
		}
		if (!large) {
			g_byte_array_append(
			    gathered, run.data, (guint)run.length);
		} else if (!send_body(ctx, run.data, run.length)) {
			return false;
		}
	}
	return flush_body(ctx, gathered);
}

static const char *
apply_body(SMFICTX *ctx, const Rope *body)
{
	bool sent;

	if (body == NULL) {
		return NULL;
	}
	if (rope_length(body) == 0) {
		/* No call at all would leave the old body. */
		sent = smfi_replacebody(ctx, (guint8 *)"", 0) == MI_SUCCESS;
	} else {
		sent = send_runs(ctx, body,
		    rope_length(body) <= PACKET ? PACKET : SMALL_RUN);
	}
	return sent ? NULL : "smfi_replacebody";
}

/* Those who have their own copy. The MTA knows them only as it named them. */
static const char *
apply_recipients(SMFICTX *ctx, const GPtrArray *copies)
{
	for (guint c = 1; c < copies->len; c++) {
		const Copy *copy = copies->pdata[c];

		for (guint i = 0; i < copy->recipients->len; i++) {
			const Recipient *recipient = copy->recipients->pdata[i];

			if (smfi_delrcpt(ctx, recipient->given) != MI_SUCCESS) {
				return "smfi_delrcpt";
			}
		}
	}
	return NULL;
}

bool
apply_outcome(SMFICTX *ctx, const Outcome *outcome, bool leading_space,
    const char **failed_out)
{
	const Copy *copy = outcome->copies->pdata[0];
	const char *failed =
	    apply_edits(ctx, copy->edits, false, leading_space);

	if (failed == NULL) {
		failed = apply_body(ctx, copy->body);
	}
	if (failed == NULL) {
		failed = apply_recipients(ctx, outcome->copies);
	}
	if (failed == NULL) {
		failed = apply_edits(ctx, copy->edits, true, leading_space);
	}
	if (failed != NULL) {
		*failed_out = failed;
		return false;
	}
	return true;
}

/* Printable ASCII, '%' doubled as smfi_setreply() wants it, no longer than it
 * takes. Yours. */
static char *
reply_text(const char *text)
{
	GString *clean = g_string_new(NULL);

	for (const char *at = text; *at != '\0'; at++) {
		char byte = g_ascii_isprint(*at) ? *at : '?';

		if (clean->len + (byte == '%' ? 2 : 1) > REPLY_TEXT_MAX) {
			break;
		}
		g_string_append_c(clean, byte);
		if (byte == '%') {
			g_string_append_c(clean, byte);
		}
	}
	return g_string_free(clean, FALSE);
}

sfsistat
apply_reply(SMFICTX *ctx, const char *reply)
{
	g_auto(GStrv) words = g_strsplit(reply, " ", 3);
	g_autofree char *text = NULL;

	if (g_strv_length(words) < 3) {
		return SMFIS_TEMPFAIL;
	}
	text = reply_text(words[2]);
	/* Without our text the MTA's own goes out; the status is the same. */
	(void)smfi_setreply(ctx, words[0], words[1], text);
	return words[0][0] == '5' ? SMFIS_REJECT : SMFIS_TEMPFAIL;
}
