/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Patterns of the settings. Addresses: "a@b", "@domain", "@.domain" (below it,
 * not the domain itself), "*". Domains: "d", ".d". Networks: "10.0.0.0/8",
 * "::1", .... Regular expressions. Immutable, thread-safe.
 */
#ifndef POLICY_PATTERN_H
#define POLICY_PATTERN_H

#include <glib.h>
#include <stdbool.h>

typedef struct Pattern Pattern;

/* ERROR_SETTINGS. */
Pattern *
pattern_new(const char *text, GError **error);
void
pattern_free(Pattern *pattern);
/* address: normalised. Domain and ASCII local part without regard to case. */
bool
pattern_matches(const Pattern *pattern, const char *address);
/* "*": matches every address. */
bool
pattern_is_any(const Pattern *pattern);
/* As written. Borrowed. */
const char *
pattern_text(const Pattern *pattern);

/* "d" or ".d" lowered, in A-labels. ERROR_SETTINGS. Yours. */
char *
pattern_domain_new(const char *text, GError **error);
/* domain_pattern: from pattern_domain_new(). address: normalised. */
bool
pattern_domain_matches(const char *domain_pattern, const char *address);

typedef struct Network Network;
/* Host bits must be zero. ERROR_SETTINGS. */
Network *
pattern_network_new(const char *text, GError **error);
void
pattern_network_free(Network *network);
/* client: text of an IPv4 or IPv6 address, IPv4-mapped ones count as IPv4. */
bool
pattern_network_has(const Network *network, const char *client);
/* As written. Borrowed. */
const char *
pattern_network_text(const Network *network);

/* A POSIX extended regular expression, without regard to case. */
typedef struct Regex Regex;
/* anchored: hits at the start of the text only. ERROR_SETTINGS. */
Regex *
pattern_regex_new(const char *text, bool anchored, GError **error);
void
pattern_regex_free(Regex *regex);
/* Looks at the first 4,096 bytes of text. */
bool
pattern_regex_hits(const Regex *regex, const char *text);
/* As written. Borrowed. */
const char *
pattern_regex_text(const Regex *regex);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Pattern, pattern_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Network, pattern_network_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Regex, pattern_regex_free)

#endif
