/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packets are a length of 4 bytes, a command and its data. What the milter
 * asked for at negotiation is honoured: steps it does not want, steps it does
 * not answer, its own lists of macros. Body replacement must be one run, as
 * Postfix demands.
 */
#include "config.h"

#include "milterproto.h"

#include <string.h>
#include <sys/types.h>

#include <libmilter/mfdef.h>

#include "milterwire.h"

#define OFFERED_ACTIONS 0x1ffU
#define OFFERED_STEPS ((guint32)SMFI_CURR_PROT)
#define PACKET_MAX ((guint32)16 * 1024 * 1024)
#define TIMEOUT_SECONDS 120
#define STAGES 7 /* of macros: connect, helo, mail, rcpt, data, eom, eoh */

struct MilterLink {
	MilterWire *wire;
	guint32 steps; /* SMFIP_* that the milter asked for */
	char skipped;  /* SMFIC_* of which no more is wanted in this mail */
	char **macros[STAGES]; /* names for each stage */
	const Mail *mail;      /* on its way, or NULL */
	GHashTable *values;    /* of macros: name to text, both borrowed */
	const char *data;      /* of the last packet, from wire */
};

#define MAIL_MACROS                                              \
	"i {auth_type} {auth_authen} {auth_author} {mail_addr} " \
	"{mail_host} {mail_mailer}"

/* In the order of libmilter's SMFIM_*. */
static const char *const default_macros[STAGES] = {
	"j {daemon_name} {daemon_addr} v _",
	"{tls_version} {cipher} {cipher_bits} {cert_subject} {cert_issuer}",
	MAIL_MACROS,
	"i {rcpt_addr} {rcpt_host} {rcpt_mailer}",
	"i",
	"i",
	"i",
};

/* --- macros --- */

static void
set_value(MilterLink *link, const char *name, const char *value)
{
	if (value == NULL) {
		g_hash_table_remove(link->values, name);
	} else {
		g_hash_table_insert(
		    link->values, (gpointer)name, (gpointer)value);
	}
}

static void
set_peer(MilterLink *link, const Peer *peer)
{
	set_value(link, "j", peer->host);
	set_value(link, "v", "Postfix 3.7.11");
	set_value(link, "_", peer->client_name);
	set_value(link, "{daemon_name}", peer->daemon_name);
	set_value(link, "{daemon_addr}", "127.0.0.1");
	set_value(link, "{client_addr}", peer->client_addr);
	set_value(link, "{client_name}", peer->client_name);
}

static void
set_mail(MilterLink *link, const Mail *mail)
{
	bool none = mail == NULL;

	set_value(link, "{mail_addr}", none ? NULL : mail->from);
	set_value(link, "{mail_host}", none ? NULL : "example.com");
	set_value(link, "{mail_mailer}", none ? NULL : "smtp");
	set_value(link, "{auth_authen}", none ? NULL : mail->login);
	set_value(
	    link, "{auth_type}", none || mail->login == NULL ? NULL : "PLAIN");
	set_value(link, "i", NULL);
}

static void
set_recipient(MilterLink *link, const char *address)
{
	set_value(link, "{rcpt_addr}", address);
	set_value(link, "{rcpt_host}", address == NULL ? NULL : "example.net");
	set_value(link, "{rcpt_mailer}", address == NULL ? NULL : "smtp");
}

static int
macro_stage(char command)
{
	switch (command) {
	case SMFIC_CONNECT:
		return 0;
	case SMFIC_HELO:
		return 1;
	case SMFIC_MAIL:
		return 2;
	case SMFIC_RCPT:
		return 3;
	case SMFIC_DATA:
		return 4;
	case SMFIC_BODY:
	case SMFIC_BODYEOB:
		return 5;
	default:
		return 6;
	}
}

static bool
put_macros(MilterLink *link, char command, GError **error)
{
	char **names = link->macros[macro_stage(command)];
	g_autoptr(GByteArray) data = g_byte_array_sized_new(256);

	g_byte_array_append(data, (const guint8 *)&command, 1);
	for (guint i = 0; names[i] != NULL; i++) {
		const char *value = g_hash_table_lookup(link->values, names[i]);

		if (value == NULL || *names[i] == '\0') {
			continue;
		}
		g_byte_array_append(data, (const guint8 *)names[i],
		    (guint)strlen(names[i]) + 1);
		g_byte_array_append(
		    data, (const guint8 *)value, (guint)strlen(value) + 1);
	}
	return milterwire_put(
	    link->wire, SMFIC_MACRO, data->data, data->len, error);
}

static void
set_macros(MilterLink *link, guint stage, const char *list)
{
	if (stage >= STAGES) {
		return;
	}
	g_strfreev(link->macros[stage]);
	link->macros[stage] = g_strsplit_set(list, " ,\t", -1);
}

/* --- opening --- */

static bool
negotiate(MilterLink *link, GError **error)
{
	guint32 words[3] = { GUINT32_TO_BE(6), GUINT32_TO_BE(OFFERED_ACTIONS),
		GUINT32_TO_BE(OFFERED_STEPS) };
	gsize length = 0;
	char command = 0;

	if (!milterwire_put(
		link->wire, SMFIC_OPTNEG, words, sizeof(words), error) ||
	    !milterwire_get(
		link->wire, &command, &link->data, &length, error)) {
		return false;
	}
	if (command != SMFIC_OPTNEG || length < sizeof(words)) {
		return milterwire_fail("no answer to the negotiation", error);
	}
	memcpy(words, link->data, sizeof(words));
	link->steps = GUINT32_FROM_BE(words[2]);
	if (GUINT32_FROM_BE(words[0]) > 6 ||
	    (GUINT32_FROM_BE(words[1]) & ~OFFERED_ACTIONS) != 0 ||
	    (link->steps & ~OFFERED_STEPS) != 0) {
		return milterwire_fail("more asked for than offered", error);
	}
	for (gsize at = sizeof(words); at + sizeof(guint32) < length;) {
		guint32 stage;
		const char *list =
		    (const char *)link->data + at + sizeof(stage);

		memcpy(&stage, link->data + at, sizeof(stage));
		set_macros(link, GUINT32_FROM_BE(stage), list);
		at += sizeof(stage) + strlen(list) + 1;
	}
	return true;
}

static bool
is_final(char reply)
{
	return reply != SMFIR_CONTINUE && reply != SMFIR_PROGRESS;
}

/* Sends an event with its macros; *reply_out is SMFIR_CONTINUE where the
 * milter does not want the event or does not answer it. */
static bool
event(MilterLink *link, char command, const void *data, gsize length,
    guint32 not_wanted, guint32 no_reply, char *reply_out, GError **error)
{
	gsize got = 0;

	*reply_out = SMFIR_CONTINUE;
	if (link->skipped == command) {
		return true;
	}
	link->skipped = 0;
	if (!put_macros(link, command, error)) {
		return false;
	}
	if ((link->steps & not_wanted) != 0) {
		return true;
	}
	if (!milterwire_put(link->wire, command, data, length, error)) {
		return false;
	}
	if ((link->steps & no_reply) != 0) {
		return true;
	}
	do {
		if (!milterwire_get(
			link->wire, reply_out, &link->data, &got, error)) {
			return false;
		}
	} while (*reply_out == SMFIR_PROGRESS);
	if (*reply_out == SMFIR_SKIP) {
		link->skipped = command;
		*reply_out = SMFIR_CONTINUE;
	}
	return true;
}

static bool
greet(MilterLink *link, const Peer *peer, GError **error)
{
	bool six = strchr(peer->client_addr, ':') != NULL;
	g_autoptr(GByteArray) data = g_byte_array_new();
	const guint8 family[] = { six ? SMFIA_INET6 : SMFIA_INET, 0x9c, 0x40 };
	char reply = 0;

	g_byte_array_append(data, (const guint8 *)peer->client_name,
	    (guint)strlen(peer->client_name) + 1);
	g_byte_array_append(data, family, sizeof(family));
	g_byte_array_append(data, (const guint8 *)peer->client_addr,
	    (guint)strlen(peer->client_addr) + 1);
	if (!event(link, SMFIC_CONNECT, data->data, data->len, SMFIP_NOCONNECT,
		SMFIP_NR_CONN, &reply, error)) {
		return false;
	}
	if (is_final(reply)) {
		return milterwire_fail("the connection was refused", error);
	}
	if (!event(link, SMFIC_HELO, peer->helo, strlen(peer->helo) + 1,
		SMFIP_NOHELO, SMFIP_NR_HELO, &reply, error)) {
		return false;
	}
	return !is_final(reply) || milterwire_fail("HELO was refused", error);
}

MilterLink *
milterproto_open(
    const char *socket, const Peer *peer, gsize write_size, GError **error)
{
	g_autoptr(MilterLink) link = g_new0(MilterLink, 1);

	link->values = g_hash_table_new(g_str_hash, g_str_equal);
	set_peer(link, peer);
	for (guint i = 0; i < STAGES; i++) {
		set_macros(link, i, default_macros[i]);
	}
	link->wire = milterwire_open(socket, write_size, error);
	if (link->wire == NULL) {
		return NULL;
	}
	if (!negotiate(link, error) || !greet(link, peer, error)) {
		return NULL;
	}
	return g_steal_pointer(&link);
}

void
milterproto_close(MilterLink *link)
{
	if (link == NULL) {
		return;
	}
	if (link->wire != NULL &&
	    milterwire_put(link->wire, SMFIC_QUIT, NULL, 0, NULL)) {
		milterwire_flush(link->wire, NULL);
	}
	milterwire_close(link->wire);
	for (guint i = 0; i < STAGES; i++) {
		g_strfreev(link->macros[i]);
	}
	g_hash_table_unref(link->values);
	g_free(link);
}

bool
milterproto_leading_space(const MilterLink *link)
{
	return (link->steps & SMFIP_HDR_LEADSPC) != 0;
}

/* --- one mail --- */

static void
request_free(gpointer data)
{
	Request *request = data;

	g_free(request->first);
	g_free(request->second);
	g_free(request);
}

static Answer *
answer_new(void)
{
	Answer *answer = g_new0(Answer, 1);

	answer->verdict = SMFIR_CONTINUE;
	answer->requests = g_ptr_array_new_with_free_func(request_free);
	answer->body = g_byte_array_new();
	return answer;
}

void
answer_free(Answer *answer)
{
	if (answer == NULL) {
		return;
	}
	g_free(answer->text);
	g_ptr_array_unref(answer->requests);
	g_byte_array_unref(answer->body);
	g_free(answer);
}

static void
conclude(MilterLink *link, Answer *answer, char command, char reply)
{
	answer->verdict = reply == SMFIR_CONTINUE ? SMFIR_ACCEPT : reply;
	answer->stage = command;
	if (reply == SMFIR_REPLYCODE) {
		answer->text = g_strdup((const char *)link->data);
	}
}

/* Sends an event of the mail. false with the answer concluded, or *error. */
static bool
step(MilterLink *link, Answer *answer, char command, const GByteArray *data,
    guint32 not_wanted, guint32 no_reply, GError **error)
{
	char reply = 0;

	if (!event(link, command, data->data, data->len, not_wanted, no_reply,
		&reply, error)) {
		return false;
	}
	if (is_final(reply)) {
		conclude(link, answer, command, reply);
		return false;
	}
	return true;
}

static void
put_text(GByteArray *data, const char *text)
{
	g_byte_array_append(
	    data, (const guint8 *)text, (guint)strlen(text) + 1);
}

static void
put_path(GByteArray *data, const char *address)
{
	g_autofree char *path = g_strdup_printf("<%s>", address);

	put_text(data, path);
}

/* Recipients that are refused do not end the mail unless all are. */
static bool
send_recipients(MilterLink *link, Answer *answer, GError **error)
{
	guint taken = 0;

	for (guint i = 0; link->mail->rcpts[i] != NULL; i++) {
		g_autoptr(GByteArray) data = g_byte_array_new();
		char reply = 0;

		set_recipient(link, link->mail->rcpts[i]);
		put_path(data, link->mail->rcpts[i]);
		if (!event(link, SMFIC_RCPT, data->data, data->len,
			SMFIP_NORCPT, SMFIP_NR_RCPT, &reply, error)) {
			return false;
		}
		if (reply == SMFIR_CONTINUE) {
			taken++;
		} else if (reply == SMFIR_ACCEPT || taken == 0) {
			conclude(link, answer, SMFIC_RCPT, reply);
		}
		if (reply == SMFIR_ACCEPT) {
			return false;
		}
	}
	set_recipient(link, NULL);
	if (taken > 0) {
		/* Postfix has a queue id from here on. */
		set_value(link, "i", link->mail->queue_id);
		answer->verdict = SMFIR_CONTINUE;
	}
	return taken > 0;
}

static bool
send_envelope(MilterLink *link, Answer *answer, GError **error)
{
	g_autoptr(GByteArray) path = g_byte_array_new();
	g_autoptr(GByteArray) nothing = g_byte_array_new();
	g_autofree char *size =
	    g_strdup_printf("SIZE=%" G_GSIZE_FORMAT, link->mail->body_length);

	put_path(path, link->mail->from);
	put_text(path, size);
	return step(link, answer, SMFIC_MAIL, path, SMFIP_NOMAIL, SMFIP_NR_MAIL,
		   error) &&
	    send_recipients(link, answer, error) &&
	    step(link, answer, SMFIC_DATA, nothing, SMFIP_NODATA, SMFIP_NR_DATA,
		error);
}

static bool
send_header(MilterLink *link, Answer *answer, GError **error)
{
	bool leading_space = milterproto_leading_space(link);
	g_autoptr(GByteArray) data = g_byte_array_new();

	for (guint i = 0; i < link->mail->n_fields; i++) {
		const Field *field = &link->mail->fields[i];
		const char *value = field->value;

		if (!leading_space && *value == ' ') {
			value++;
		}
		g_byte_array_set_size(data, 0);
		put_text(data, field->name);
		put_text(data, value);
		if (!step(link, answer, SMFIC_HEADER, data, SMFIP_NOHDRS,
			SMFIP_NR_HDR, error)) {
			return false;
		}
	}
	g_byte_array_set_size(data, 0);
	return step(
	    link, answer, SMFIC_EOH, data, SMFIP_NOEOH, SMFIP_NR_EOH, error);
}

static bool
send_body(MilterLink *link, Answer *answer, GError **error)
{
	const Mail *mail = link->mail;

	for (gsize at = 0; at < mail->body_length; at += MILTER_CHUNK_SIZE) {
		char reply = 0;

		if (!event(link, SMFIC_BODY, mail->body + at,
			MIN(MILTER_CHUNK_SIZE, mail->body_length - at),
			SMFIP_NOBODY, SMFIP_NR_BODY, &reply, error)) {
			return false;
		}
		if (is_final(reply)) {
			conclude(link, answer, SMFIC_BODY, reply);
			return false;
		}
		if (link->skipped == SMFIC_BODY) {
			break;
		}
	}
	return true;
}

/* --- end of message --- */

/* Splits "index? first NUL second NUL" of the last packet. */
static bool
take_request(MilterLink *link, Answer *answer, char command, gsize length,
    GError **error)
{
	const char *data = (const char *)link->data;
	gsize at = 0;
	Request *request = g_new0(Request, 1);

	g_ptr_array_add(answer->requests, request);
	request->command = command;
	if (command == SMFIR_INSHEADER || command == SMFIR_CHGHEADER) {
		if (length < sizeof(request->index)) {
			return milterwire_fail("a request cut short", error);
		}
		memcpy(&request->index, data, sizeof(request->index));
		request->index = GUINT32_FROM_BE(request->index);
		at = sizeof(request->index);
	}
	request->first = g_strdup(data + at);
	at += strlen(request->first) + 1;
	request->second = at < length ? g_strdup(data + at) : NULL;
	return true;
}

static bool
take_body(MilterLink *link, Answer *answer, gsize length, bool keep,
    bool interrupted, GError **error)
{
	if (interrupted) {
		return milterwire_fail("body replacement in two runs", error);
	}
	answer->replaced = true;
	answer->body_length += length;
	if (keep) {
		g_byte_array_append(
		    answer->body, (const guint8 *)link->data, (guint)length);
	}
	return true;
}

/* All requests up to the verdict. */
static bool
end_message(MilterLink *link, Answer *answer, bool keep_body, GError **error)
{
	bool interrupted = false;
	gsize length = 0;
	char reply = 0;

	if (!put_macros(link, SMFIC_BODYEOB, error) ||
	    !milterwire_put(link->wire, SMFIC_BODYEOB, NULL, 0, error)) {
		return false;
	}
	for (;;) {
		if (!milterwire_get(
			link->wire, &reply, &link->data, &length, error)) {
			return false;
		}
		if (reply != SMFIR_REPLBODY) {
			interrupted = answer->replaced;
		}
		switch (reply) {
		case SMFIR_REPLBODY:
			if (!take_body(link, answer, length, keep_body,
				interrupted, error)) {
				return false;
			}
			break;
		case SMFIR_PROGRESS:
			break;
		case SMFIR_ADDRCPT:
		case SMFIR_DELRCPT:
		case SMFIR_ADDRCPT_PAR:
		case SMFIR_CHGFROM:
		case SMFIR_ADDHEADER:
		case SMFIR_INSHEADER:
		case SMFIR_CHGHEADER:
		case SMFIR_QUARANTINE:
			if (!take_request(link, answer, reply, length, error)) {
				return false;
			}
			break;
		default:
			conclude(link, answer, SMFIC_BODYEOB, reply);
			return true;
		}
	}
}

Answer *
milterproto_send(
    MilterLink *link, const Mail *mail, bool keep_body, GError **error)
{
	g_autoptr(Answer) answer = answer_new();
	GError *failure = NULL;

	link->mail = mail;
	set_mail(link, mail);
	link->skipped = 0;
	if (send_envelope(link, answer, &failure) &&
	    send_header(link, answer, &failure) &&
	    send_body(link, answer, &failure)) {
		end_message(link, answer, keep_body, &failure);
	}
	link->mail = NULL;
	set_mail(link, NULL);
	/* Postfix's smtpd aborts what its cleanup has ended, each time. */
	if (failure == NULL) {
		milterwire_put(link->wire, SMFIC_ABORT, NULL, 0, &failure);
	}
	if (failure != NULL) {
		g_propagate_error(error, failure);
		return NULL;
	}
	return g_steal_pointer(&answer);
}
