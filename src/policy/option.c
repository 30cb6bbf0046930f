/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of the settings, and setting, checking and printing one value of
 * each kind. Adding a key is adding a row (and its paragraph in the manual
 * and the sample, which a test compares). Checks that need two keys are the
 * loader's. Values belong to the Settings or Rule they are set in.
 */
#include "config.h"

#include "policy/option.h"

#include <string.h>

#include "base/error.h"
#include "policy/endpoint.h"

#define MESSAGE_MIN 1024
#define TAG_BYTES 100
/* RFC 1035 2.3.4 */
#define NAME_BYTES 253

static const char *const check_names[] = { "envelope", "login", "both", "none",
	NULL };
static const char *const level_names[] = { "error", "warn", "notice", "info",
	"debug", NULL };
static const char *const target_names[] = { "auto", "stderr", "syslog",
	"journal", NULL };
static const char *const mode_names[] = { "always", "never", "request", NULL };
static const char *const format_names[] = { "detached", "opaque", NULL };
static const char *const digest_names[] = { "sha256", "sha384", "sha512",
	NULL };
static const char *const padding_names[] = { "pkcs1", "pss", NULL };
static const char *const missing_names[] = { "pass", "reject", "tempfail",
	NULL };
static const char *const strip_names[] = { "smime", "all", NULL };
static const char *const invalid_names[] = { "mark", "reject", NULL };
static const char *const harvest_names[] = { "auto", "pending", "off", NULL };
static const char *const revocation_names[] = { "soft", "hard", "off", NULL };

static bool
fail(GError **error, const char *text, const char *help)
{
	g_set_error(
	    error, ERROR_DOMAIN, ERROR_SETTINGS, "\"%s\" %s", text, help);
	return false;
}

static bool
check_absolute(const char *text, GError **error)
{
	return text[0] == '/' ||
	    fail(error, text, "is no absolute path: let it begin with '/'");
}

static bool
check_absolute_or_empty(const char *text, GError **error)
{
	return text[0] == '\0' || check_absolute(text, error);
}

static bool
check_filled(const char *text, GError **error)
{
	return text[0] != '\0' ||
	    fail(error, text, "is empty: write a name or leave the line out");
}

/* An RFC 2045 token: what a verifier's name is before the first ';'. */
bool
option_check_name(const char *text, GError **error)
{
	gsize length = strlen(text);
	bool good = length > 0 && length <= NAME_BYTES;

	for (gsize i = 0; good && i < length; i++) {
		good = g_ascii_isgraph(text[i]) &&
		    strchr("()<>@,;:\\\"/[]?=", text[i]) == NULL;
	}
	return good ||
	    fail(error, text,
		"is no name of a host: write one such as "
		"\"mail.example.com\", an internationalised one as "
		"\"xn--...\"");
}

static bool
check_name_or_empty(const char *text, GError **error)
{
	return text[0] == '\0' || option_check_name(text, error);
}

static bool
check_tag(const char *text, GError **error)
{
	bool blank = text[0] != '\0';

	if (strlen(text) > TAG_BYTES) {
		return fail(error, text,
		    "is too long for a Subject: write at most " G_STRINGIFY(
			TAG_BYTES) " bytes");
	}
	if (!g_utf8_validate(text, -1, NULL)) {
		g_set_error_literal(error, ERROR_DOMAIN, ERROR_SETTINGS,
		    "is no UTF-8: save the file as UTF-8");
		return false;
	}
	for (const char *p = text; *p != '\0'; p = g_utf8_next_char(p)) {
		if (g_unichar_iscntrl(g_utf8_get_char(p))) {
			g_set_error_literal(error, ERROR_DOMAIN, ERROR_SETTINGS,
			    "holds a control character: write visible text, "
			    "such as \"[signed]\"");
			return false;
		}
		blank = blank && *p == ' ';
	}
	return !blank || fail(error, text, "is blank: write \"\" for no tag");
}

static bool
check_message(gint64 number, GError **error)
{
	if (number == 0 || number >= MESSAGE_MIN) {
		return true;
	}
	g_set_error(error, ERROR_DOMAIN, ERROR_SETTINGS,
	    "%" G_GINT64_FORMAT " is too small for any mail: write 0 for no "
	    "limit, or at least %d",
	    number, MESSAGE_MIN);
	return false;
}

/* clang-format off */
#define PLACE(Owner, field) \
	.offset = offsetof(Owner, field), .size = sizeof(((Owner *)0)->field)

/* What a rule may override: the same rows in both tables. */
#define SIGN_ROWS(Owner) \
	{ .path = "sign.mode", .kind = OPTION_CHOICE, \
	    PLACE(Owner, sign.mode), .initial = "\"always\"", \
	    .choices = mode_names, \
	    .help = "which outgoing mail is signed" }, \
	{ .path = "sign.format", .kind = OPTION_CHOICE, \
	    PLACE(Owner, sign.opaque), .initial = "\"detached\"", \
	    .choices = format_names, \
	    .help = "the signature beside the text, or around it" }, \
	{ .path = "sign.digest", .kind = OPTION_CHOICE, \
	    PLACE(Owner, sign.digest), .initial = "\"sha256\"", \
	    .choices = digest_names, .help = "the hash that is signed" }, \
	{ .path = "sign.rsa_padding", .kind = OPTION_CHOICE, \
	    PLACE(Owner, sign.padding), .initial = "\"pkcs1\"", \
	    .choices = padding_names, \
	    .help = "the padding of RSA signatures" }, \
	{ .path = "sign.missing_key", .kind = OPTION_CHOICE, \
	    PLACE(Owner, sign.missing_key), .initial = "\"pass\"", \
	    .choices = missing_names, \
	    .help = "what becomes of mail whose sender has no identity" }

static const Option table[] = {
	{ .path = "listen", .kind = OPTION_TEXT, PLACE(Settings, listen),
	    .initial = "\"unix:/run/smime-milter/milter.sock\"",
	    .check = endpoint_check_listen,
	    .help = "the socket the MTA connects to" },
	{ .path = "socket_group", .kind = OPTION_TEXT,
	    PLACE(Settings, socket_group), .initial = "\"postfix\"",
	    .help = "the group of a unix socket; empty: as it comes" },
	{ .path = "socket_mode", .kind = OPTION_OCTAL,
	    PLACE(Settings, socket_mode), .initial = "\"0660\"",
	    .help = "the mode of a unix socket" },
	{ .path = "user", .kind = OPTION_TEXT, PLACE(Settings, user),
	    .initial = "\"smime-milter\"", .check = check_filled,
	    .help = "the account to become when started as root" },
	{ .path = "state_dir", .kind = OPTION_TEXT, PLACE(Settings, state_dir),
	    .initial = "\"/var/lib/smime-milter\"", .check = check_absolute,
	    .help = "keys, certificates and anchors" },
	{ .path = "spool_dir", .kind = OPTION_TEXT, PLACE(Settings, spool_dir),
	    .initial = "\"\"", .check = check_absolute_or_empty,
	    .help = "large mail on its way; empty: tmp in state_dir" },
	{ .path = "local_domains", .kind = OPTION_DOMAINS,
	    PLACE(Settings, local_domains),
	    .help = "the domains whose addresses are ours" },
	{ .path = "internal_hosts", .kind = OPTION_NETWORKS,
	    PLACE(Settings, internal_hosts),
	    .initial = "[ \"127.0.0.0/8\", \"::1/128\" ]",
	    .help = "clients that may send as any of our addresses" },
	{ .path = "outbound_daemons", .kind = OPTION_TEXTS,
	    PLACE(Settings, outbound_daemons),
	    .initial = "[ \"ORIGINATING\" ]",
	    .help = "listeners of the MTA that take outgoing mail only" },
	{ .path = "authserv_id", .kind = OPTION_TEXT,
	    PLACE(Settings, authserv_id), .initial = "\"\"",
	    .check = check_name_or_empty,
	    .help = "whose word the results are; empty: the host name" },
	{ .path = "sender_check", .kind = OPTION_CHOICE,
	    PLACE(Settings, sender_check), .initial = "\"both\"",
	    .choices = check_names,
	    .help = "what proves that the From address may be signed for" },
	{ .path = "sender_logins", .kind = OPTION_TEXT,
	    PLACE(Settings, sender_logins), .initial = "\"\"",
	    .check = check_absolute_or_empty,
	    .help = "file of who may send as which address; empty: none" },
	{ .path = "log.level", .kind = OPTION_CHOICE,
	    PLACE(Settings, log_level), .initial = "\"info\"",
	    .choices = level_names, .help = "the least that is logged" },
	{ .path = "log.target", .kind = OPTION_CHOICE,
	    PLACE(Settings, log_target), .initial = "\"auto\"",
	    .choices = target_names, .help = "where the log goes" },
	SIGN_ROWS(Settings),
	{ .path = "sign.request_header", .kind = OPTION_REGEX,
	    PLACE(Settings, sign_request),
	    .initial = "\"X-Sign: *(yes|true)\"",
	    .help = "the field that asks for a signature in mode request" },
	{ .path = "verify.enabled", .kind = OPTION_BOOL,
	    PLACE(Settings, verify.enabled), .initial = "true",
	    .help = "signatures of incoming mail are verified" },
	{ .path = "verify.add_none", .kind = OPTION_BOOL,
	    PLACE(Settings, verify.add_none), .initial = "false",
	    .help = "unsigned mail gets a result, too: smime=none" },
	{ .path = "verify.strip_signature", .kind = OPTION_BOOL,
	    PLACE(Settings, verify.strip_signature), .initial = "false",
	    .help = "of what is signed validly only the content is delivered" },
	{ .path = "verify.subject_tag", .kind = OPTION_TEXT,
	    PLACE(Settings, verify.subject_tag), .initial = "\"\"",
	    .check = check_tag,
	    .help = "before the Subject of what is signed validly" },
	{ .path = "verify.accept_weak", .kind = OPTION_BOOL,
	    PLACE(Settings, verify.accept_weak), .initial = "false",
	    .help = "SHA-1 and RSA keys under 2048 bits will do" },
	{ .path = "verify.strip", .kind = OPTION_CHOICE,
	    PLACE(Settings, verify.strip), .initial = "\"smime\"",
	    .choices = strip_names,
	    .help = "which results in our name incoming mail loses" },
	{ .path = "verify.on_invalid", .kind = OPTION_CHOICE,
	    PLACE(Settings, verify.reject), .initial = "\"mark\"",
	    .choices = invalid_names,
	    .help = "what becomes of mail whose signature is wrong" },
	{ .path = "harvest.mode", .kind = OPTION_CHOICE,
	    PLACE(Settings, harvest.mode), .initial = "\"auto\"",
	    .choices = harvest_names,
	    .help = "what becomes of senders' certificates" },
	{ .path = "harvest.max_per_address", .kind = OPTION_NUMBER,
	    PLACE(Settings, harvest.max_per_address), .initial = "8",
	    .min = 1, .max = 1000,
	    .help = "certificates in use for one address" },
	{ .path = "harvest.max_pending", .kind = OPTION_NUMBER,
	    PLACE(Settings, harvest.max_pending), .initial = "10000",
	    .min = 0, .max = 1000000,
	    .help = "certificates that wait, in all" },
	{ .path = "trust.system", .kind = OPTION_BOOL,
	    PLACE(Settings, trust_system), .initial = "false",
	    .help = "the system's CA bundle is trusted as well" },
	{ .path = "revocation.mode", .kind = OPTION_CHOICE,
	    PLACE(Settings, revocation.mode), .initial = "\"soft\"",
	    .choices = revocation_names,
	    .help = "what an unknown revocation status means" },
	{ .path = "revocation.fetch", .kind = OPTION_BOOL,
	    PLACE(Settings, revocation.fetch), .initial = "true",
	    .help = "revocation lists are fetched from the network" },
	{ .path = "revocation.wait", .kind = OPTION_NUMBER,
	    PLACE(Settings, revocation.wait), .initial = "3",
	    .min = 0, .max = 60,
	    .help = "seconds that a mail waits for a first list" },
	{ .path = "revocation.refresh", .kind = OPTION_NUMBER,
	    PLACE(Settings, revocation.refresh), .initial = "3600",
	    .min = 60, .max = 604800,
	    .help = "seconds between looks for newer lists" },
	{ .path = "revocation.private_hosts", .kind = OPTION_BOOL,
	    PLACE(Settings, revocation.private_hosts), .initial = "false",
	    .help = "lists may come from private addresses" },
	{ .path = "revocation.max_size", .kind = OPTION_NUMBER,
	    PLACE(Settings, revocation.max_size), .initial = "67108864",
	    .min = 1024, .max = 1073741824,
	    .help = "bytes of a revocation list" },
	{ .path = "reinject", .kind = OPTION_TEXT, PLACE(Settings, reinject),
	    .initial = "\"\"", .check = endpoint_check_reinject,
	    .help = "the listener that takes further copies; empty: none" },
	{ .path = "limits.message", .kind = OPTION_NUMBER,
	    PLACE(Settings, limits.message), .initial = "0",
	    .min = 0, .max = G_MAXINT32, .check_number = check_message,
	    .help = "bytes of a mail; 0: no limit of ours" },
	{ .path = "limits.recipients", .kind = OPTION_NUMBER,
	    PLACE(Settings, limits.recipients), .initial = "1000",
	    .min = 1, .max = 1000000, .help = "recipients of a mail" },
	{ .path = "limits.headers", .kind = OPTION_NUMBER,
	    PLACE(Settings, limits.headers), .initial = "1048576",
	    .min = 1024, .max = 1073741824,
	    .help = "bytes of a mail's header" },
	{ .path = "limits.parts", .kind = OPTION_NUMBER,
	    PLACE(Settings, limits.parts), .initial = "1000",
	    .min = 1, .max = 100000, .help = "MIME parts of a mail" },
	{ .path = "limits.depth", .kind = OPTION_NUMBER,
	    PLACE(Settings, limits.depth), .initial = "50",
	    .min = 1, .max = 500, .help = "nesting of MIME parts" },
	{ .path = "limits.copies", .kind = OPTION_NUMBER,
	    PLACE(Settings, limits.copies), .initial = "1000",
	    .min = 1, .max = 100000, .help = "copies made of a mail" },
	{ .path = "rules", .kind = OPTION_RULES, PLACE(Settings, rules),
	    .initial = "( )", .help = "exceptions: the first match counts" },
};

static const Option rule_table[] = {
	{ .path = "name", .kind = OPTION_TEXT, PLACE(Rule, name),
	    .check = check_filled, .help = "what the log calls the rule" },
	{ .path = "sender", .kind = OPTION_PATTERN, PLACE(Rule, sender),
	    .help = "pattern of MAIL FROM or the From address" },
	{ .path = "recipient", .kind = OPTION_PATTERN, PLACE(Rule, recipient),
	    .help = "pattern of the recipient" },
	{ .path = "subject", .kind = OPTION_SUBJECT, PLACE(Rule, subject),
	    .help = "regular expression found in the decoded Subject" },
	{ .path = "header", .kind = OPTION_REGEX, PLACE(Rule, header),
	    .help = "regular expression that starts a header field" },
	SIGN_ROWS(Rule),
};
/* clang-format on */

const Option *
option_table(guint *count_out)
{
	*count_out = G_N_ELEMENTS(table);
	return table;
}

const Option *
option_rule_table(guint *count_out)
{
	*count_out = G_N_ELEMENTS(rule_table);
	return rule_table;
}

const char *
option_type(const Option *option)
{
	switch (option->kind) {
	case OPTION_TEXT:
	case OPTION_OCTAL:
	case OPTION_REGEX:
	case OPTION_SUBJECT:
	case OPTION_PATTERN:
		return "text";
	case OPTION_CHOICE:
		return "choice";
	case OPTION_BOOL:
		return "bool";
	case OPTION_NUMBER:
		return "number";
	case OPTION_TEXTS:
	case OPTION_DOMAINS:
	case OPTION_NETWORKS:
	case OPTION_RULES:
		return "list";
	}
	return "text";
}

char *
option_wanted(const Option *option)
{
	g_autofree char *names = NULL;

	switch (option->kind) {
	case OPTION_CHOICE:
		names = g_strjoinv("\", \"", (char **)option->choices);
		return g_strdup_printf("one of \"%s\"", names);
	case OPTION_BOOL:
		return g_strdup("true or false, without quotes");
	case OPTION_OCTAL:
		return g_strdup(
		    "an octal mode in double quotes, such as \"0660\"");
	case OPTION_NUMBER:
		return g_strdup_printf("a whole number from %" G_GINT64_FORMAT
				       " to %" G_GINT64_FORMAT,
		    option->min, option->max);
	case OPTION_RULES:
		return g_strdup("a list of groups, ( { ... }, { ... } )");
	case OPTION_TEXTS:
	case OPTION_DOMAINS:
	case OPTION_NETWORKS:
		return g_strdup("a list of texts, [ \"...\", \"...\" ]");
	case OPTION_TEXT:
	case OPTION_REGEX:
	case OPTION_SUBJECT:
	case OPTION_PATTERN:
		break;
	}
	return g_strdup("text in double quotes");
}

static void *
place(const Option *option, const void *owner)
{
	return (guint8 *)owner + option->offset;
}

static void
set_pointer(const Option *option, void *owner, void *value, GDestroyNotify old)
{
	void **pointer = place(option, owner);

	if (*pointer != NULL) {
		old(*pointer);
	}
	*pointer = value;
}

static void
free_pattern(gpointer pattern)
{
	pattern_free(pattern);
}

static void
free_regex(gpointer regex)
{
	pattern_regex_free(regex);
}

static void
free_network(gpointer network)
{
	pattern_network_free(network);
}

/* Choices are stored in an enum, the one with two sides in a bool. */
static bool
set_choice(const Option *option, void *owner, const char *text, GError **error)
{
	g_autofree char *wanted = NULL;

	for (gint i = 0; option->choices[i] != NULL; i++) {
		if (strcmp(option->choices[i], text) != 0) {
			continue;
		}
		if (option->size == sizeof(bool)) {
			*(bool *)place(option, owner) = i != 0;
		} else {
			*(gint *)place(option, owner) = i;
		}
		return true;
	}
	wanted = option_wanted(option);
	g_set_error(error, ERROR_DOMAIN, ERROR_SETTINGS,
	    "\"%s\" is not known: write %s", text, wanted);
	return false;
}

static bool
set_octal(const Option *option, void *owner, const char *text, GError **error)
{
	guint64 mode = 0;

	if (!g_ascii_string_to_unsigned(text, 8, 0, 0777, &mode, NULL) ||
	    strlen(text) < 3 || strlen(text) > 4) {
		return fail(error, text,
		    "is no octal mode: write three or four digits, such as "
		    "\"0660\"");
	}
	*(mode_t *)place(option, owner) = (mode_t)mode;
	return true;
}

static bool
set_regex(const Option *option, void *owner, const char *text, GError **error)
{
	Regex *regex = NULL;

	if (text[0] != '\0') {
		regex = pattern_regex_new(
		    text, option->kind == OPTION_REGEX, error);
		if (regex == NULL) {
			return false;
		}
	}
	set_pointer(option, owner, regex, free_regex);
	return true;
}

bool
option_set_text(
    const Option *option, void *owner, const char *text, GError **error)
{
	Pattern *pattern = NULL;

	switch (option->kind) {
	case OPTION_CHOICE:
		return set_choice(option, owner, text, error);
	case OPTION_OCTAL:
		return set_octal(option, owner, text, error);
	case OPTION_REGEX:
	case OPTION_SUBJECT:
		return set_regex(option, owner, text, error);
	case OPTION_PATTERN:
		pattern = pattern_new(text, error);
		if (pattern == NULL) {
			return false;
		}
		set_pointer(option, owner, pattern, free_pattern);
		return true;
	default:
		break;
	}
	g_return_val_if_fail(option->kind == OPTION_TEXT, false);
	if (option->check != NULL && !option->check(text, error)) {
		return false;
	}
	set_pointer(option, owner, g_strdup(text), g_free);
	return true;
}

bool
option_set_number(
    const Option *option, void *owner, gint64 number, GError **error)
{
	if (number < option->min || number > option->max) {
		g_autofree char *wanted = option_wanted(option);

		g_set_error(error, ERROR_DOMAIN, ERROR_SETTINGS,
		    "%" G_GINT64_FORMAT " is out of range: write %s", number,
		    wanted);
		return false;
	}
	if (option->check_number != NULL &&
	    !option->check_number(number, error)) {
		return false;
	}
	if (option->size == sizeof(gint64)) {
		*(gint64 *)place(option, owner) = number;
	} else {
		*(gint *)place(option, owner) = (gint)number;
	}
	return true;
}

void
option_set_bool(const Option *option, void *owner, bool value)
{
	g_return_if_fail(option->kind == OPTION_BOOL);
	*(bool *)place(option, owner) = value;
}

static GDestroyNotify
item_free(const Option *option)
{
	return option->kind == OPTION_NETWORKS ? free_network : g_free;
}

static void
unref_list(gpointer list)
{
	g_ptr_array_unref(list);
}

void
option_clear_list(const Option *option, void *owner)
{
	set_pointer(option, owner,
	    g_ptr_array_new_with_free_func(item_free(option)), unref_list);
}

bool
option_add_item(
    const Option *option, void *owner, const char *text, GError **error)
{
	GPtrArray *list = *(GPtrArray **)place(option, owner);
	void *item = NULL;

	if (option->kind == OPTION_NETWORKS) {
		item = pattern_network_new(text, error);
	} else if (option->kind == OPTION_DOMAINS) {
		item = pattern_domain_new(text, error);
	} else if (check_filled(text, error)) {
		item = g_strdup(text);
	}
	if (item == NULL) {
		return false;
	}
	g_ptr_array_add(list, item);
	return true;
}

void
option_clear_all(const Option *options, guint count, void *owner)
{
	for (guint i = 0; i < count; i++) {
		switch (options[i].kind) {
		case OPTION_TEXT:
			set_pointer(&options[i], owner, NULL, g_free);
			break;
		case OPTION_REGEX:
		case OPTION_SUBJECT:
			set_pointer(&options[i], owner, NULL, free_regex);
			break;
		case OPTION_PATTERN:
			set_pointer(&options[i], owner, NULL, free_pattern);
			break;
		case OPTION_TEXTS:
		case OPTION_DOMAINS:
		case OPTION_NETWORKS:
		case OPTION_RULES:
			set_pointer(&options[i], owner, NULL, unref_list);
			break;
		case OPTION_CHOICE:
		case OPTION_BOOL:
		case OPTION_OCTAL:
		case OPTION_NUMBER:
			break;
		}
	}
}

/* As libconfig reads it back. */
static void
print_text(GString *out, const char *text)
{
	g_string_append_c(out, '"');
	for (const char *c = text; *c != '\0'; c++) {
		if (*c == '"' || *c == '\\') {
			g_string_append_printf(out, "\\%c", *c);
		} else if (g_ascii_iscntrl(*c)) {
			g_string_append_printf(out, "\\x%02x", (guint)*c);
		} else {
			g_string_append_c(out, *c);
		}
	}
	g_string_append_c(out, '"');
}

static void
print_list(const Option *option, const GPtrArray *list, GString *out)
{
	g_string_append(out, "[");
	for (guint i = 0; i < list->len; i++) {
		const void *item = g_ptr_array_index(list, i);

		g_string_append(out, i == 0 ? " " : ", ");
		print_text(out,
		    option->kind == OPTION_NETWORKS ? pattern_network_text(item)
						    : item);
	}
	g_string_append(out, " ]");
}

static void
print_scalar(const Option *option, const void *at, GString *out)
{
	if (option->kind == OPTION_NUMBER) {
		g_string_append_printf(out, "%" G_GINT64_FORMAT,
		    option->size == sizeof(gint64) ? *(const gint64 *)at
						   : *(const gint *)at);
	} else if (option->kind == OPTION_BOOL) {
		g_string_append(out, *(const bool *)at ? "true" : "false");
	} else if (option->kind == OPTION_OCTAL) {
		g_string_append_printf(
		    out, "\"%04o\"", (guint) * (const mode_t *)at);
	} else {
		print_text(out,
		    option->choices[option->size == sizeof(bool)
			    ? (gint) * (const bool *)at
			    : *(const gint *)at]);
	}
}

bool
option_print(const Option *option, const void *owner, GString *out)
{
	const void *at = place(option, owner);
	const void *pointer = NULL;

	if (option->kind == OPTION_NUMBER || option->kind == OPTION_OCTAL ||
	    option->kind == OPTION_CHOICE || option->kind == OPTION_BOOL) {
		print_scalar(option, at, out);
		return true;
	}
	pointer = *(void *const *)at;
	if (pointer == NULL) {
		return false;
	}
	switch (option->kind) {
	case OPTION_TEXT:
		print_text(out, pointer);
		return true;
	case OPTION_REGEX:
	case OPTION_SUBJECT:
		print_text(out, pattern_regex_text(pointer));
		return true;
	case OPTION_PATTERN:
		print_text(out, pattern_text(pointer));
		return true;
	case OPTION_TEXTS:
	case OPTION_DOMAINS:
	case OPTION_NETWORKS:
		print_list(option, pointer, out);
		return true;
	default:
		return false;
	}
}
