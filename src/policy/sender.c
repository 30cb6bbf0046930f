/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may be signed for. A signature speaks for the From address, so that
 * address must be ours, and MAIL FROM, a login or the network must prove it.
 * Each refusal is a sentence for the administrator, with the very line of
 * sender_logins that would allow it, where one would. The file becomes one set
 * of (address, who) pairs: a question costs a few look-ups, however long it is.
 * Logins are immutable and belong to the settings.
 */
#include "config.h"

#include "policy/sender.h"

#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "policy/direction.h"

#define LOGINS_BYTES ((gsize)64 * 1024 * 1024)
/* So many bad lines are told; who has more, gave the wrong file. */
#define COMPLAINTS_MAX 20
/* A word longer than this is not offered as a line to add. */
#define WORD_BYTES 512

struct Logins {
	/*
	 * Of "ADDRESS\nKWHO", ADDRESS folded, "a@b" or "@b", and K:
	 * 'l' a login, folded; 'e' an envelope address or "@domain", folded;
	 * 'u' the local part, no WHO. A login cannot pass for another kind.
	 */
	GHashTable *pairs;
};

/* Lines wrong so far, as they will be shown. */
typedef struct {
	const char *file;
	guint line;
	guint count;
	GString *errors;
} Complaints;

static char *
pair(const char *address, char kind, const char *who)
{
	g_autofree char *address_folded = text_fold(address);
	g_autofree char *who_folded = text_fold(who);

	return g_strdup_printf("%s\n%c%s", address_folded, kind, who_folded);
}

static void G_GNUC_PRINTF(2, 3)
    complain(Complaints *complaints, const char *format, ...)
{
	va_list arguments;

	if (complaints->count++ >= COMPLAINTS_MAX) {
		return;
	}
	g_string_append_printf(complaints->errors,
	    "%s%s:%u: ", complaints->errors->len > 0 ? "\n" : "",
	    complaints->file, complaints->line);
	va_start(arguments, format);
	g_string_append_vprintf(complaints->errors, format, arguments);
	va_end(arguments);
}

/* "a@b" or "@b", normalised; NULL when it is neither. Yours. */
static char *
address_or_domain(const char *text)
{
	g_autofree char *domain = NULL;
	g_autofree char *address = NULL;

	if (text[0] == '@' && text[1] != '.') {
		domain = pattern_domain_new(text + 1, NULL);
		return domain == NULL ? NULL : g_strconcat("@", domain, NULL);
	}
	/* '*' is a letter to RFC 5322, and here the mistake of a wildcard. */
	address = strpbrk(text, "<*") == NULL ? address_normalise(text) : NULL;
	if (address == NULL || strpbrk(address, " \t") != NULL ||
	    address[0] == '\0' || address[0] == '@') {
		return NULL;
	}
	return g_steal_pointer(&address);
}

static void
add_who(Logins *logins, const char *address, const char *who,
    Complaints *complaints)
{
	gsize length = strlen(who);
	g_autofree char *inner = NULL;
	g_autofree char *envelope = NULL;

	if (strcmp(who, "%u") == 0) {
		g_hash_table_add(logins->pairs, pair(address, 'u', ""));
		return;
	}
	if (g_str_has_prefix(who, "%u")) {
		complain(complaints,
		    "\"%s\": %%u stands alone: write \"%%u\" or the login",
		    who);
		return;
	}
	if (who[0] != '<') {
		g_hash_table_add(logins->pairs, pair(address, 'l', who));
		return;
	}
	if (length > 2 && who[length - 1] == '>') {
		inner = g_strndup(who + 1, length - 2);
		envelope = address_or_domain(inner);
	}
	if (envelope == NULL) {
		complain(complaints,
		    "\"%s\" is no envelope address: write "
		    "\"<bounce@example.com>\" or \"<@example.com>\"",
		    who);
		return;
	}
	g_hash_table_add(logins->pairs, pair(address, 'e', envelope));
}

/* Blanks part the words; a word that begins with '#' ends the line. */
static void
add_line(Logins *logins, char *line, Complaints *complaints)
{
	g_autofree char *address = NULL;
	char *rest = line;
	char *first = NULL;
	guint count = 0;

	if (!g_utf8_validate(line, -1, NULL)) {
		complain(complaints, "this is no UTF-8 text");
		return;
	}
	for (char *word = strtok_r(line, " \t\r\v\f", &rest);
	     word != NULL && word[0] != '#';
	     word = strtok_r(NULL, " \t\r\v\f", &rest)) {
		if (first != NULL) {
			count++;
			add_who(logins, address, word, complaints);
			continue;
		}
		first = word;
		address = address_or_domain(word);
		if (address == NULL) {
			complain(complaints,
			    "\"%s\" is no address: write \"user@example.com "
			    "LOGIN\" or \"@example.com LOGIN\"",
			    word);
			return;
		}
	}
	if (first != NULL && count == 0) {
		complain(complaints,
		    "nobody is named for \"%s\": write \"%s LOGIN\", \"%s "
		    "%%u\" "
		    "or \"%s <ENVELOPE>\"",
		    first, first, first, first);
	}
}

static Logins *
logins_new(void)
{
	Logins *logins = g_new0(Logins, 1);

	logins->pairs =
	    g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	return logins;
}

static void
add_lines(Logins *logins, char *text, gsize size, Complaints *complaints)
{
	char *line = text;

	for (char *end = text + size; line < end;) {
		char *next = memchr(line, '\n', (gsize)(end - line));
		char *stop = next == NULL ? end : next;

		complaints->line++;
		*stop = '\0';
		if (strlen(line) != (gsize)(stop - line)) {
			complain(complaints, "a NUL byte: remove it");
		} else {
			add_line(logins, line, complaints);
		}
		line = stop + 1;
	}
}

Logins *
sender_logins_load(const char *file, GError **error)
{
	g_autoptr(Logins) logins = logins_new();
	g_autoptr(GBytes) bytes = NULL;
	g_autofree char *text = NULL;
	g_autoptr(GString) errors = g_string_new(NULL);
	Complaints complaints = { .file = file, .errors = errors };
	gsize size = 0;

	if (file[0] == '\0') {
		return g_steal_pointer(&logins);
	}
	bytes = file_read(file, LOGINS_BYTES, NULL, error);
	if (bytes == NULL) {
		return NULL;
	}
	size = g_bytes_get_size(bytes);
	text = g_malloc(size + 1);
	if (size > 0) {
		memcpy(text, g_bytes_get_data(bytes, NULL), size);
	}
	text[size] = '\0';
	add_lines(logins, text, size, &complaints);
	if (complaints.count > COMPLAINTS_MAX) {
		g_string_append_printf(errors, "\n%s: %u more bad lines", file,
		    complaints.count - COMPLAINTS_MAX);
	}
	if (complaints.count > 0) {
		g_set_error_literal(
		    error, ERROR_DOMAIN, ERROR_SETTINGS, errors->str);
		return NULL;
	}
	return g_steal_pointer(&logins);
}

void
sender_logins_free(Logins *logins)
{
	if (logins == NULL) {
		return;
	}
	g_hash_table_unref(logins->pairs);
	g_free(logins);
}

static bool
lists(const Logins *logins, const char *address, char kind, const char *who)
{
	const char *domain = strrchr(address, '@');
	g_autofree char *of_address = pair(address, kind, who);
	g_autofree char *of_domain = pair(domain, kind, who);

	return g_hash_table_contains(logins->pairs, of_address) ||
	    g_hash_table_contains(logins->pairs, of_domain);
}

/*
 * Logins are compared without regard to ASCII case, as MTAs compare them with
 * their own tables of logins.
 */
static bool
login_proves(const Logins *logins, const char *login, const char *address)
{
	g_autofree char *local =
	    g_strndup(address, (gsize)(strrchr(address, '@') - address));

	return text_equal_fold(login, address) ||
	    lists(logins, address, 'l', login) ||
	    (text_equal_fold(login, local) && lists(logins, address, 'u', ""));
}

/* Case-folded, as the rule for logins is: no two people of one domain differ
 * in case only. */
static bool
envelope_proves(const Logins *logins, const char *sender, const char *address)
{
	const char *domain = strrchr(sender, '@');

	if (domain == NULL) {
		return false;
	}
	return text_equal_fold(sender, address) ||
	    lists(logins, address, 'e', sender) ||
	    lists(logins, address, 'e', domain);
}

/* Can this be a word of the file, and be read back from a log line? */
static bool
is_word(const char *text)
{
	g_autofree char *clean = text_clean(text, WORD_BYTES);

	return text[0] != '\0' && strcmp(clean, text) == 0 &&
	    strpbrk(text, " \t\"\\") == NULL;
}

/* Would sender_logins take it as a login, and as this one? */
static bool
is_login_word(const char *login)
{
	return is_word(login) && login[0] != '<' && login[0] != '#' &&
	    !g_str_has_prefix(login, "%u");
}

/* What must be shown, and what of it is missing in sender_logins. */
typedef struct {
	const Settings *settings;
	const Envelope *envelope;
	const char *address;
	bool needs_envelope;
	bool needs_login;
} Proof;

/* ": add "ADDRESS  WHO" to sender_logins FILE", or nothing. */
static void
append_line(GString *why, const Proof *proof)
{
	const char *file = proof->settings->sender_logins;
	const char *login = proof->envelope->login;
	const char *sender = proof->envelope->sender;
	g_autoptr(GString) line = g_string_new(proof->address);

	if (!is_word(proof->address) ||
	    (proof->needs_login && !is_login_word(login)) ||
	    (proof->needs_envelope &&
		(!is_word(sender) || strpbrk(sender, "<>") != NULL ||
		    strchr(sender, '@') == NULL))) {
		g_string_append(why, "; no line of sender_logins can say so");
		return;
	}
	g_string_append(line, " ");
	if (proof->needs_login) {
		g_string_append_printf(line, " %s", login);
	}
	if (proof->needs_envelope) {
		g_string_append_printf(line, " <%s>", sender);
	}
	if (file[0] == '\0') {
		g_string_append_printf(why,
		    ": if it may, set sender_logins to a file with the line "
		    "\"%s\"",
		    line->str);
	} else {
		g_string_append_printf(why,
		    ": if it may, add \"%s\" to sender_logins %s", line->str,
		    file);
	}
}

static char *
missing_proof(const Proof *proof)
{
	GString *why = g_string_new(NULL);
	g_autofree char *login = NULL;
	g_autofree char *sender = text_clean(proof->envelope->sender, 256);

	if (proof->needs_envelope) {
		g_string_append_printf(why, "MAIL FROM <%s> is not From <%s>",
		    sender, proof->address);
	}
	if (proof->needs_login) {
		login = text_clean(proof->envelope->login, 256);
		g_string_append_printf(why,
		    "%slogin \"%s\" does not prove From <%s>",
		    proof->needs_envelope ? ", and " : "", login,
		    proof->address);
	}
	append_line(why, proof);
	return g_string_free(why, FALSE);
}

/* Why a mail without login may not do without one; NULL: it may. */
static char *
missing_login(
    const Settings *settings, const Envelope *envelope, const char *address)
{
	if (envelope->sender[0] == '\0') {
		return g_strdup_printf("MAIL FROM is empty and there is no "
				       "login: only a login can prove "
				       "From <%s>",
		    address);
	}
	if (settings->sender_check == CHECK_LOGIN) {
		return g_strdup_printf("there is no login to prove From <%s>, "
				       "and sender_check = \"login\" asks for "
				       "one: let the client log in",
		    address);
	}
	if (settings->sender_check == CHECK_BOTH &&
	    !direction_is_internal(settings, envelope)) {
		return g_strdup_printf("there is no login to prove From <%s>, "
				       "and client %s is not in "
				       "internal_hosts: let the client log in, "
				       "or add it there if it may send as any "
				       "of our addresses",
		    address,
		    envelope->client == NULL ? "(unknown)" : envelope->client);
	}
	return NULL;
}

/* What is wrong with the mail itself; NULL: nothing. */
static char *
unfit_from(const Settings *settings, const AddressFrom *from)
{
	if (from->fields == 0) {
		return g_strdup("there is no From field");
	}
	if (from->fields > 1) {
		return g_strdup_printf("there are %u From fields, and one may "
				       "be signed for",
		    from->fields);
	}
	if (from->mailboxes > 1) {
		return g_strdup_printf("From names %u mailboxes, and one may "
				       "be signed for",
		    from->mailboxes);
	}
	if (from->mailboxes == 0 || from->address == NULL) {
		return g_strdup("From holds no sound address");
	}
	if (!settings_is_own(settings, from->address)) {
		return g_strdup_printf("From <%s> is not in local_domains: if "
				       "it is ours, add its domain there",
		    from->address);
	}
	return NULL;
}

static char *
untrusted_client(const Envelope *envelope)
{
	return g_strdup_printf(
	    "client %s is not trusted: it has no login, is not in "
	    "internal_hosts, and came by none of outbound_daemons",
	    envelope->client == NULL ? "(unknown)" : envelope->client);
}

/* NULL: it may. The order is that of DESIGN 3.3.2. Yours. */
static char *
why_not(
    const Settings *settings, const Envelope *envelope, const AddressFrom *from)
{
	SenderCheck check = settings->sender_check;
	bool has_login = envelope_has_login(envelope);
	bool null_sender = envelope->sender[0] == '\0';
	char *why = unfit_from(settings, from);
	Proof proof = { .settings = settings,
		.envelope = envelope,
		.address = from->address };

	if (why != NULL) {
		return why;
	}
	if (!direction_is_trusted(settings, envelope)) {
		return untrusted_client(envelope);
	}
	if (!has_login) {
		why = missing_login(settings, envelope, from->address);
		if (why != NULL) {
			return why;
		}
	}
	/* An empty MAIL FROM shows nothing: then a login must, in each mode. */
	proof.needs_envelope = !null_sender &&
	    (check == CHECK_ENVELOPE || check == CHECK_BOTH) &&
	    !envelope_proves(settings->logins, envelope->sender, from->address);
	proof.needs_login = has_login &&
	    (null_sender || check == CHECK_LOGIN || check == CHECK_BOTH) &&
	    !login_proves(settings->logins, envelope->login, from->address);
	if (!proof.needs_envelope && !proof.needs_login) {
		return NULL;
	}
	return missing_proof(&proof);
}

bool
sender_may_sign(const Settings *settings, const Envelope *envelope,
    const AddressFrom *from, char **why_out)
{
	char *why = why_not(settings, envelope, from);

	if (why != NULL) {
		*why_out = why;
	}
	return why == NULL;
}
