/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Patterns that the administrator writes: addresses, domains, networks and
 * regular expressions. Each is parsed once and then only compared. Errors say
 * what to write instead. Domains are kept in A-labels (RFC 5891 4.4), the
 * form that address_normalise() gives. glibc's regexec() may be called by many
 * threads on one compiled expression.
 */
#include "config.h"

#include "policy/pattern.h"

#include <arpa/inet.h>
#include <regex.h>
#include <string.h>
#include <sys/socket.h>

#include "base/error.h"
#include "base/text.h"
#include "mime/address.h"

#define REGEX_BYTES 4096

typedef enum {
	PATTERN_ANY,
	PATTERN_ADDRESS,
	PATTERN_DOMAIN, /* "@d" and "@.d" */
} PatternKind;

struct Pattern {
	PatternKind kind;
	char *value; /* the address, or "d", or ".d" */
	char *text;
};

struct Network {
	int family;
	guint8 bytes[16];
	guint prefix;
	char *text;
};

struct Regex {
	regex_t compiled;
	char *text;
	bool anchored;
};

static void
set_error(GError **error, const char *text, const char *help)
{
	g_set_error(
	    error, ERROR_DOMAIN, ERROR_SETTINGS, "\"%s\" %s", text, help);
}

static bool
is_domain(const char *domain)
{
	if (domain[0] == '\0' || strlen(domain) > 253) {
		return false;
	}
	for (const char *c = domain; *c != '\0'; c++) {
		if (*c == '.' && (c == domain || c[1] == '.' || c[1] == '\0')) {
			return false;
		}
		if (!g_ascii_isalnum(*c) && strchr("-_.", *c) == NULL) {
			return false;
		}
	}
	return true;
}

/* address_normalise() gives the A-labels, so that both sides agree. */
char *
pattern_domain_new(const char *text, GError **error)
{
	const char *dot = text[0] == '.' ? "." : "";
	g_autofree char *address = g_strconcat("x@", text + strlen(dot), NULL);
	g_autofree char *normal = address_normalise(address);
	const char *domain = normal == NULL ? NULL : address_domain(normal);

	if (domain == NULL || strchr(text, '@') != NULL || !is_domain(domain)) {
		set_error(error, text,
		    "is no domain: write \"example.com\", or \".example.com\" "
		    "for all below it");
		return NULL;
	}
	return g_strconcat(dot, domain, NULL);
}

bool
pattern_domain_matches(const char *domain_pattern, const char *address)
{
	const char *domain = address_domain(address);
	gsize length = 0;
	gsize tail = strlen(domain_pattern);

	if (domain == NULL) {
		return false;
	}
	if (domain_pattern[0] != '.') {
		return text_equal_fold(domain_pattern, domain);
	}
	length = strlen(domain);
	return length > tail &&
	    text_equal_fold(domain + length - tail, domain_pattern);
}

Pattern *
pattern_new(const char *text, GError **error)
{
	g_autoptr(Pattern) pattern = g_new0(Pattern, 1);

	pattern->text = g_strdup(text);
	if (strcmp(text, "*") == 0) {
		pattern->kind = PATTERN_ANY;
	} else if (text[0] == '@') {
		pattern->kind = PATTERN_DOMAIN;
		pattern->value = pattern_domain_new(text + 1, NULL);
	} else if (strchr(text, '*') == NULL) {
		/* "*@example.com" is an address to RFC 5322, and to whoever
		 * writes it here a mistake that would match nothing. */
		pattern->kind = PATTERN_ADDRESS;
		pattern->value = address_normalise(text);
	}
	if (strcmp(text, "*") != 0 &&
	    (pattern->value == NULL || pattern->value[0] == '\0')) {
		set_error(error, text,
		    "is no address pattern: write \"user@example.com\", "
		    "\"@example.com\", \"@.example.com\" (all below it) or "
		    "\"*\"");
		return NULL;
	}
	return g_steal_pointer(&pattern);
}

void
pattern_free(Pattern *pattern)
{
	if (pattern == NULL) {
		return;
	}
	g_free(pattern->value);
	g_free(pattern->text);
	g_free(pattern);
}

bool
pattern_matches(const Pattern *pattern, const char *address)
{
	switch (pattern->kind) {
	case PATTERN_ANY:
		return true;
	case PATTERN_ADDRESS:
		return text_equal_fold(pattern->value, address);
	case PATTERN_DOMAIN:
		return pattern_domain_matches(pattern->value, address);
	}
	return false;
}

bool
pattern_is_any(const Pattern *pattern)
{
	return pattern->kind == PATTERN_ANY;
}

const char *
pattern_text(const Pattern *pattern)
{
	return pattern->text;
}

/* An IPv4-mapped address (RFC 4291 2.5.5.2) becomes the IPv4 one. */
static bool
parse_ip(const char *text, int *family_out, guint8 bytes_out[16])
{
	static const guint8 mapped[12] = { [10] = 0xff, [11] = 0xff };

	memset(bytes_out, 0, 16);
	if (inet_pton(AF_INET, text, bytes_out) == 1) {
		*family_out = AF_INET;
		return true;
	}
	if (inet_pton(AF_INET6, text, bytes_out) != 1) {
		return false;
	}
	*family_out = AF_INET6;
	if (memcmp(bytes_out, mapped, sizeof(mapped)) == 0) {
		memmove(bytes_out, bytes_out + 12, 4);
		memset(bytes_out + 4, 0, 12);
		*family_out = AF_INET;
	}
	return true;
}

static void
clear_host_bits(guint8 *bytes, guint prefix)
{
	for (guint i = 0; i < 16; i++) {
		guint kept = prefix > i * 8 ? MIN(prefix - i * 8, 8) : 0;

		bytes[i] = (guint8)(bytes[i] & (0xff00 >> kept));
	}
}

/* The prefix behind the '/', counted in bits of the address's own family. */
static bool
parse_prefix(const char *text, bool mapped, guint bits, guint *prefix_out)
{
	guint64 prefix = 0;

	if (text == NULL) {
		*prefix_out = bits;
		return true;
	}
	if (!g_ascii_string_to_unsigned(text, 10, mapped ? 96 : 0,
		mapped ? 128 : bits, &prefix, NULL)) {
		return false;
	}
	*prefix_out = (guint)prefix - (mapped ? 96 : 0);
	return true;
}

static void
set_host_bits_error(
    GError **error, const Network *network, const guint8 bytes[16])
{
	char right[INET6_ADDRSTRLEN] = "";

	inet_ntop(network->family, bytes, right, sizeof(right));
	g_set_error(error, ERROR_DOMAIN, ERROR_SETTINGS,
	    "\"%s\" has bits set behind its /%u: write \"%s/%u\"",
	    network->text, network->prefix, right, network->prefix);
}

Network *
pattern_network_new(const char *text, GError **error)
{
	g_autoptr(Network) network = g_new0(Network, 1);
	g_auto(GStrv) halves = g_strsplit(text, "/", 2);
	guint8 masked[16] = { 0 };
	bool mapped = false;

	network->text = g_strdup(text);
	if (halves[0] == NULL ||
	    !parse_ip(halves[0], &network->family, network->bytes)) {
		set_error(error, text,
		    "is no network: write \"192.0.2.0/24\", \"192.0.2.7\" or "
		    "\"2001:db8::/32\"");
		return NULL;
	}
	mapped = network->family == AF_INET && strchr(text, ':') != NULL;
	if (!parse_prefix(halves[1], mapped,
		network->family == AF_INET ? 32 : 128, &network->prefix)) {
		set_error(error, text,
		    network->family == AF_INET && !mapped
			? "has no prefix length from 0 to 32 behind its '/'"
			: "has no fitting prefix length (at most 128, at least "
			  "96 for ::ffff:...) behind its '/'");
		return NULL;
	}
	memcpy(masked, network->bytes, sizeof(masked));
	clear_host_bits(masked, network->prefix);
	if (memcmp(masked, network->bytes, sizeof(masked)) != 0) {
		set_host_bits_error(error, network, masked);
		return NULL;
	}
	return g_steal_pointer(&network);
}

void
pattern_network_free(Network *network)
{
	if (network == NULL) {
		return;
	}
	g_free(network->text);
	g_free(network);
}

bool
pattern_network_has(const Network *network, const char *client)
{
	/* A scope as in fe80::1%eth0 is the receiving host's, not part of it.
	 */
	g_autofree char *address = g_strndup(client, strcspn(client, "%"));
	guint8 bytes[16] = { 0 };
	int family = 0;

	if (!parse_ip(address, &family, bytes) || family != network->family) {
		return false;
	}
	clear_host_bits(bytes, network->prefix);
	return memcmp(bytes, network->bytes, sizeof(bytes)) == 0;
}

const char *
pattern_network_text(const Network *network)
{
	return network->text;
}

static bool
compile(regex_t *compiled, const char *text, const char *shown, GError **error)
{
	int code = regcomp(compiled, text, REG_EXTENDED | REG_ICASE);
	char reason[256] = "";

	if (code == 0) {
		return true;
	}
	regerror(code, compiled, reason, sizeof(reason));
	g_set_error(error, ERROR_DOMAIN, ERROR_SETTINGS,
	    "\"%s\" is no POSIX extended regular expression: %s", shown,
	    reason);
	return false;
}

static bool
has_back_reference(const char *text)
{
	for (const char *c = text; *c != '\0'; c++) {
		if (*c == '\\' && g_ascii_isdigit(c[1])) {
			return true;
		}
		if (*c == '\\' && c[1] != '\0') {
			c++;
		}
	}
	return false;
}

/*
 * The group and '^' make a miss cheap; a group of ours would renumber back
 * references, so those do without, which costs time only: hits() asks for the
 * place of the match in any case.
 */
Regex *
pattern_regex_new(const char *text, bool anchored, GError **error)
{
	g_autofree char *grouped = g_strconcat("^(", text, ")", NULL);
	Regex *regex = g_new0(Regex, 1);

	regex->anchored = anchored;
	if (!compile(&regex->compiled, text, text, error)) {
		g_free(regex);
		return NULL;
	}
	if (anchored && !has_back_reference(text)) {
		regfree(&regex->compiled);
		if (!compile(&regex->compiled, grouped, text, error)) {
			g_free(regex);
			return NULL;
		}
	}
	regex->text = g_strdup(text);
	return regex;
}

void
pattern_regex_free(Regex *regex)
{
	if (regex == NULL) {
		return;
	}
	regfree(&regex->compiled);
	g_free(regex->text);
	g_free(regex);
}

static gsize
cut_length(const char *text)
{
	gsize length = REGEX_BYTES;

	while (length > 0 && ((guint8)text[length] & 0xc0) == 0x80) {
		length--;
	}
	return length;
}

bool
pattern_regex_hits(const Regex *regex, const char *text)
{
	g_autofree char *cut = NULL;
	regmatch_t match = { 0, 0 };

	if (strnlen(text, REGEX_BYTES + 1) > REGEX_BYTES) {
		cut = g_strndup(text, cut_length(text));
		text = cut;
	}
	/* The leftmost match: when one begins at 0, it is this one. */
	return regexec(&regex->compiled, text, 1, &match, 0) == 0 &&
	    (!regex->anchored || match.rm_so == 0);
}

const char *
pattern_regex_text(const Regex *regex)
{
	return regex->text;
}
