/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The envelope of a mail (RFC 5321 3.3, 4.1.1) as plain data. Does not judge
 * addresses: what is none is kept as it was given, so that it can be printed
 * and given back to the MTA. Owns every string in it. Used by one thread at a
 * time while it is filled, read by many afterwards.
 */
#include "config.h"

#include "policy/envelope.h"

#include <string.h>

#include "mime/address.h"

static void
recipient_free(gpointer data)
{
	Recipient *recipient = data;

	g_free(recipient->given);
	g_free(recipient->address);
	g_ptr_array_unref(recipient->arguments);
	g_free(recipient);
}

/*
 * Only "<>" and "" may become the null sender: text that is no address stays
 * non-empty.
 */
static char *
normalise(const char *given)
{
	g_autofree char *address = address_normalise(given);
	gsize length = strlen(given);

	if (address != NULL) {
		return g_steal_pointer(&address);
	}
	if (length > 2 && given[0] == '<' && given[length - 1] == '>') {
		return g_strndup(given + 1, length - 2);
	}
	return g_strdup(given);
}

static void
copy_arguments(GPtrArray *to, const char *const *arguments)
{
	g_ptr_array_set_size(to, 0);
	for (gsize i = 0; arguments != NULL && arguments[i] != NULL; i++) {
		g_ptr_array_add(to, g_strdup(arguments[i]));
	}
}

Envelope *
envelope_new(void)
{
	Envelope *envelope = g_new0(Envelope, 1);

	envelope->sender = g_strdup("");
	envelope->arguments = g_ptr_array_new_with_free_func(g_free);
	envelope->recipients = g_ptr_array_new_with_free_func(recipient_free);
	return envelope;
}

void
envelope_free(Envelope *envelope)
{
	if (envelope == NULL) {
		return;
	}
	g_free(envelope->sender);
	g_ptr_array_unref(envelope->arguments);
	g_ptr_array_unref(envelope->recipients);
	g_free(envelope->login);
	g_free(envelope->client);
	g_free(envelope->daemon);
	g_free(envelope->host);
	g_free(envelope->qid);
	g_free(envelope);
}

void
envelope_set_sender(
    Envelope *envelope, const char *given, const char *const *arguments)
{
	g_free(envelope->sender);
	envelope->sender = normalise(given);
	copy_arguments(envelope->arguments, arguments);
}

void
envelope_add_recipient(
    Envelope *envelope, const char *given, const char *const *arguments)
{
	Recipient *recipient = g_new0(Recipient, 1);

	recipient->given = g_strdup(given);
	recipient->address = normalise(given);
	recipient->arguments = g_ptr_array_new_with_free_func(g_free);
	copy_arguments(recipient->arguments, arguments);
	g_ptr_array_add(envelope->recipients, recipient);
}

const Recipient *
envelope_recipient(const Envelope *envelope, guint i)
{
	return g_ptr_array_index(envelope->recipients, i);
}

bool
envelope_has_login(const Envelope *envelope)
{
	return envelope->login != NULL && envelope->login[0] != '\0';
}
