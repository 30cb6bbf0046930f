/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which addresses a download may go to. A certificate of a stranger names the
 * URL, so it must lead nowhere that only this machine can reach. Pure
 * functions.
 */
#ifndef STORE_FETCH_ADDRESS_H
#define STORE_FETCH_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

/* On the public internet, by the registries of special addresses (RFC 6890);
 * what embeds an IPv4 address is judged by that. Other families: false. */
bool fetch_address_is_global(const struct sockaddr *address);

/* What can be said of a host of a URL without asking DNS: false for a literal
 * address (in brackets or not, in any of inet_aton(3)'s forms) that is not
 * global, and for names that are local by definition. */
bool fetch_address_host_may_be_global(const char *host);

#endif
