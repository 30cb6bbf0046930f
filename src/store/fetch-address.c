/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The address filter of downloads (STANDARDS 6 and 15, SSRF): two tables of
 * networks that are not on the public internet, from IANA's registries of
 * special-purpose addresses, multicast added.
 */
#include "config.h"

#include "store/fetch-address.h"

#include <arpa/inet.h>
#include <glib.h>
#include <netinet/in.h>
#include <string.h>

#include "base/text.h"

typedef struct {
	guint8 prefix[16];
	guint bits;
} Network;

static const Network special_v4[] = {
	{ { 0 }, 8 },             /* this network */
	{ { 10 }, 8 },            /* private */
	{ { 100, 64 }, 10 },      /* carriers' NAT */
	{ { 127 }, 8 },           /* loopback */
	{ { 169, 254 }, 16 },     /* link-local, clouds' metadata */
	{ { 172, 16 }, 12 },      /* private */
	{ { 192, 0, 0 }, 24 },    /* protocol assignments */
	{ { 192, 0, 2 }, 24 },    /* documentation */
	{ { 192, 88, 99 }, 24 },  /* 6to4 relays, deprecated */
	{ { 192, 168 }, 16 },     /* private */
	{ { 198, 18 }, 15 },      /* benchmarks */
	{ { 198, 51, 100 }, 24 }, /* documentation */
	{ { 203, 0, 113 }, 24 },  /* documentation */
	{ { 224 }, 4 },           /* multicast */
	{ { 240 }, 4 },           /* reserved, broadcast */
};

/* Inside 2000::/3; all else of IPv6 is not global unicast. */
static const Network special_v6[] = {
	{ { 0x20, 0x01, 0x00 }, 23 },       /* protocol assignments, Teredo */
	{ { 0x20, 0x01, 0x0d, 0xb8 }, 32 }, /* documentation */
	{ { 0x3f, 0xff }, 20 },             /* documentation */
};

/* Those that have an IPv4 address inside, and where. */
static const struct {
	Network network;
	guint at;
} embedding[] = {
	/* compatible, with :: and ::1; mapped; translated; NAT64; 6to4 */
	{ { { 0 }, 96 }, 12 },
	{ { { [10] = 0xff, [11] = 0xff }, 96 }, 12 },
	{ { { [8] = 0xff, [9] = 0xff }, 96 }, 12 },
	{ { { 0x00, 0x64, 0xff, 0x9b }, 96 }, 12 },
	{ { { 0x20, 0x02 }, 16 }, 2 },
};

static bool
is_within(const guint8 *address, const Network *network)
{
	guint whole = network->bits / 8;
	guint rest = network->bits % 8;
	guint8 mask = (guint8)(0xff << (8 - rest));

	return memcmp(address, network->prefix, whole) == 0 &&
	    (rest == 0 ||
		((address[whole] ^ network->prefix[whole]) & mask) == 0);
}

static bool
is_special(const guint8 *address, const Network *networks, gsize count)
{
	for (gsize i = 0; i < count; i++) {
		if (is_within(address, &networks[i])) {
			return true;
		}
	}
	return false;
}

static bool
is_global_v4(const guint8 *address)
{
	return !is_special(address, special_v4, G_N_ELEMENTS(special_v4));
}

static bool
is_global_v6(const guint8 *address)
{
	for (gsize i = 0; i < G_N_ELEMENTS(embedding); i++) {
		if (is_within(address, &embedding[i].network)) {
			return is_global_v4(address + embedding[i].at);
		}
	}
	return (address[0] & 0xe0) == 0x20 &&
	    !is_special(address, special_v6, G_N_ELEMENTS(special_v6));
}

bool
fetch_address_is_global(const struct sockaddr *address)
{
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	switch (address->sa_family) {
	case AF_INET:
		memcpy(&v4, address, sizeof v4);
		return is_global_v4((const guint8 *)&v4.sin_addr);
	case AF_INET6:
		memcpy(&v6, address, sizeof v6);
		return is_global_v6(v6.sin6_addr.s6_addr);
	default:
		return false;
	}
}

static bool
is_local_name(const char *name)
{
	static const char *const suffixes[] = { ".localhost", ".local",
		".internal", ".home.arpa" };

	if (g_str_equal(name, "localhost")) {
		return true;
	}
	for (gsize i = 0; i < G_N_ELEMENTS(suffixes); i++) {
		if (g_str_has_suffix(name, suffixes[i])) {
			return true;
		}
	}
	return false;
}

bool
fetch_address_host_may_be_global(const char *host)
{
	g_autofree char *name = text_fold(host);
	struct in_addr v4;
	struct in6_addr v6;
	gsize length = strlen(name);

	if (length > 0 && name[length - 1] == '.') {
		name[--length] = '\0';
	}
	if (length > 1 && name[0] == '[' && name[length - 1] == ']') {
		name[length - 1] = '\0';
		/* A scope (%eth0) is of a link, and not read here. */
		return inet_pton(AF_INET6, name + 1, &v6) == 1 &&
		    is_global_v6(v6.s6_addr);
	}
	if (inet_pton(AF_INET6, name, &v6) == 1) {
		return is_global_v6(v6.s6_addr);
	}
	if (inet_aton(name, &v4) != 0) {
		return is_global_v4((const guint8 *)&v4);
	}
	return length > 0 && !is_local_name(name);
}
