/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses in one form in which they can be compared, and what the From and
 * recipient fields say. From is read twice, by the letter (mailbox.c) and by
 * GMime, and counts only when both find the same one address: it decides with
 * whose key a mail is signed. Recipient fields are read generously. Domains
 * become A-labels with GMime's IDNA (libidn2, UTS 46 non-transitional). Keeps
 * no state; thread-safe.
 */
#include "config.h"

#include "mime/address.h"

#include <string.h>

#include "mime/gmime-init.h"
#include "mime/mailbox.h"

/* So many From fields are looked into: there must be one. */
#define FROM_MAX 100

/* Control characters, those of ISO 6429's second set too. */
static bool
is_clean(const char *text)
{
	if (!g_utf8_validate(text, -1, NULL)) {
		return false;
	}
	for (const char *p = text; *p != '\0'; p = g_utf8_next_char(p)) {
		if (g_unichar_iscntrl(g_utf8_get_char(p))) {
			return false;
		}
	}
	return true;
}

/* SMTP knows dots that RFC 5322 does not allow: "a..b", "a.". */
static bool
is_plain_local(const char *text, gsize length)
{
	for (gsize i = 0; i < length; i++) {
		if (!mailbox_is_atext(text[i]) && text[i] != '.') {
			return false;
		}
	}
	return length > 0;
}

static bool
is_domain(const char *text)
{
	gsize label = 0;

	if (text[0] == '[') {
		gsize length = strlen(text);

		return length > 2 &&
		    strcspn(text + 1, "[] \\<>@") == length - 2 &&
		    text[length - 1] == ']';
	}
	for (; *text != '\0'; text++) {
		if (*text == '.' && label == 0) {
			return false;
		}
		if (*text != '.' && !g_ascii_isalnum(*text) && *text != '-' &&
		    *text != '_') {
			return false;
		}
		label = *text == '.' ? 0 : label + 1;
	}
	return label > 0;
}

/* In A-labels and lower case; may be nonsense still. Yours. */
static char *
domain_to_ascii(const char *domain)
{
	g_autofree char *whole = NULL;
	g_autoptr(InternetAddress) mailbox = NULL;

	if (g_str_is_ascii(domain)) {
		return g_ascii_strdown(domain, -1);
	}
	gmime_init_once();
	whole = g_strconcat("x@", domain, NULL);
	mailbox = internet_address_mailbox_new(NULL, whole);
	return g_ascii_strdown(
	    address_domain(internet_address_mailbox_get_idn_addr(
		INTERNET_ADDRESS_MAILBOX(mailbox))),
	    -1);
}

static char *
normalise_parts(const char *text)
{
	const char *at = strrchr(text, '@');
	g_autofree char *local = NULL;
	g_autofree char *domain = NULL;
	gsize length = 0;

	if (at == NULL) {
		return NULL;
	}
	length = (gsize)(at - text);
	if (text[0] == '"') {
		local = mailbox_unquote(text, length);
	} else if (is_plain_local(text, length)) {
		local = g_strndup(text, length);
	}
	domain = domain_to_ascii(at + 1);
	/* A '<' in a quoted local part would be read as the start of the
	 * address by whoever is careless. */
	if (local == NULL || strpbrk(local, "<>") != NULL ||
	    !is_domain(domain)) {
		return NULL;
	}
	return g_strconcat(local, "@", domain, NULL);
}

char *
address_normalise(const char *text)
{
	g_autofree char *bare = g_strstrip(g_strdup(text));
	char *start = bare;
	gsize length = strlen(bare);

	if (length >= 2 && start[0] == '<' && start[length - 1] == '>') {
		start[length - 1] = '\0';
		start = g_strstrip(start + 1);
	}
	if (*start == '\0') {
		return g_strdup("");
	}
	return is_clean(start) ? normalise_parts(start) : NULL;
}

const char *
address_domain(const char *address)
{
	const char *at = strrchr(address, '@');

	return at != NULL ? at + 1 : NULL;
}

bool
address_equal(const char *a, const char *b)
{
	return a != NULL && b != NULL && strcmp(a, b) == 0;
}

bool
address_equal_fold(const char *a, const char *b)
{
	return a != NULL && b != NULL && g_ascii_strcasecmp(a, b) == 0;
}

/* Appends the mailboxes of list, those of groups too, to addresses. */
static void
expand(InternetAddressList *list, GPtrArray *addresses)
{
	int length = internet_address_list_length(list);

	for (int i = 0; i < length; i++) {
		InternetAddress *one =
		    internet_address_list_get_address(list, i);

		if (INTERNET_ADDRESS_IS_GROUP(one)) {
			expand(internet_address_group_get_members(
				   INTERNET_ADDRESS_GROUP(one)),
			    addresses);
		} else {
			g_ptr_array_add(addresses,
			    g_strdup(internet_address_mailbox_get_addr(
				INTERNET_ADDRESS_MAILBOX(one))));
		}
	}
}

/* The addresses in a field value, as GMime reads them, of char *. */
static void
list_addresses(const char *value, GPtrArray *addresses)
{
	g_autofree char *text = fields_unfold(value);
	g_autoptr(InternetAddressList) list = NULL;

	gmime_init_once();
	list = internet_address_list_parse(NULL, text);
	if (list != NULL) {
		expand(list, addresses);
	}
}

static char *
sound_address(const char *value, const char *seen_by_gmime)
{
	g_autofree char *text = fields_unfold(value);
	g_autofree char *strict = mailbox_parse(text);
	g_autofree char *address = NULL;
	g_autofree char *other = NULL;

	if (strict == NULL) {
		return NULL;
	}
	address = address_normalise(strict);
	other = address_normalise(seen_by_gmime);
	return address_equal(address, other) ? g_steal_pointer(&address) : NULL;
}

void
address_from(const Fields *fields, AddressFrom *from_out)
{
	g_autoptr(GPtrArray) seen = g_ptr_array_new_with_free_func(g_free);
	const char *value = NULL;
	AddressFrom from = { 0 };

	for (guint i = 0; i < fields_count(fields); i++) {
		if (g_ascii_strcasecmp(fields_name(fields, i), "From") != 0) {
			continue;
		}
		value = fields_value(fields, i);
		if (from.fields++ < FROM_MAX) {
			list_addresses(value, seen);
		}
	}
	from.mailboxes = seen->len;
	if (from.fields == 1 && from.mailboxes == 1 &&
	    !fields_are_cut(fields)) {
		from.address = sound_address(value, seen->pdata[0]);
	}
	*from_out = from;
}

void
address_from_clear(AddressFrom *from)
{
	g_clear_pointer(&from->address, g_free);
	from->fields = 0;
	from->mailboxes = 0;
}

GPtrArray *
address_list(const Fields *fields, const char *name)
{
	GPtrArray *addresses = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GPtrArray) seen = g_ptr_array_new_with_free_func(g_free);

	for (guint i = 0; i < fields_count(fields); i++) {
		if (g_ascii_strcasecmp(fields_name(fields, i), name) == 0) {
			list_addresses(fields_value(fields, i), seen);
		}
	}
	for (guint i = 0; i < seen->len; i++) {
		char *address = address_normalise(seen->pdata[i]);

		if (address != NULL && address[0] != '\0') {
			g_ptr_array_add(addresses, address);
		} else {
			g_free(address);
		}
	}
	return addresses;
}
