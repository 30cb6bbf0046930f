/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Patterns of the settings. Addresses: "a@b", "@domain", "@.domain" (below it,
 * not the domain itself), "*". Domains: "d", ".d". Networks: "10.0.0.0/8",
 * "::1", .... Logins of a sender_logins line. Immutable.
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

/* Of Pattern: a list of "d" or ".d". */
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

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Pattern, pattern_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Network, pattern_network_free)

#endif
