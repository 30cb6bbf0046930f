/* SPDX-License-Identifier: Apache-2.0 */
/* The address filter of downloads: both ends of each range, and their
 * neighbours outside. */
#include "config.h"

#include "store/fetch-address.h"

#include <arpa/inet.h>
#include <glib.h>
#include <netinet/in.h>
#include <sys/un.h>

static const char *const refused[] = { "0.0.0.0", "0.255.255.255", "10.0.0.0",
	"10.255.255.255", "100.64.0.0", "100.127.255.255", "127.0.0.0",
	"127.0.0.1", "127.255.255.255", "169.254.0.0", "169.254.169.254",
	"169.254.255.255", "172.16.0.0", "172.31.255.255", "192.0.0.0",
	"192.0.0.255", "192.0.2.0", "192.0.2.255", "192.88.99.0",
	"192.88.99.255", "192.168.0.0", "192.168.255.255", "198.18.0.0",
	"198.19.255.255", "198.51.100.0", "198.51.100.255", "203.0.113.0",
	"203.0.113.255", "224.0.0.0", "239.255.255.255", "240.0.0.0",
	"255.255.255.255", "::", "::1", "::2", "::127.0.0.1", "::10.0.0.1",
	"::ffff:127.0.0.1", "::ffff:10.1.2.3", "::ffff:169.254.169.254",
	"::ffff:0:10.1.2.3", "64:ff9b::10.0.0.1", "64:ff9b::7f00:1",
	"64:ff9b:1::1", "64:ff9b:1::8.8.8.8", "2002:7f00:1::", "2002:a00:1::1",
	"2002:c0a8:101::", "100::", "100::1", "2001::1", "2001:1ff:ffff::1",
	"2001:db8::", "2001:db8:ffff:ffff::1", "3fff::1", "3fff:fff::1",
	"4000::1", "5f00::1", "fc00::", "fdff:ffff::1", "fe80::", "fe80::1",
	"febf:ffff::1", "fec0::1", "ff00::", "ff02::1", "ffff::1", "1fff::1" };

static const char *const allowed[] = { "1.0.0.0", "9.255.255.255", "11.0.0.0",
	"100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0",
	"169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0",
	"192.0.1.0", "192.0.3.0", "192.88.98.255", "192.88.100.0",
	"192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0",
	"198.51.99.255", "198.51.101.0", "203.0.112.255", "203.0.114.0",
	"223.255.255.255", "8.8.8.8", "::ffff:8.8.8.8", "::8.8.8.8",
	"64:ff9b::8.8.8.8", "2002:808:808::1", "2000::1", "2001:200::1",
	"2001:db7::1", "2001:db9::1", "2606:4700::1111", "2a00:1450::1",
	"3ffe:ffff::1" };

static bool
is_global(const char *text)
{
	struct sockaddr_storage address = { 0 };
	struct sockaddr_in *v4 = (struct sockaddr_in *)&address;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&address;

	if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
	} else {
		g_assert_cmpint(
		    inet_pton(AF_INET6, text, &v6->sin6_addr), ==, 1);
		v6->sin6_family = AF_INET6;
	}
	return fetch_address_is_global((const struct sockaddr *)&address);
}

static void
test_ranges(void)
{
	for (gsize i = 0; i < G_N_ELEMENTS(refused); i++) {
		if (is_global(refused[i]) ||
		    fetch_address_host_may_be_global(refused[i])) {
			g_test_message("%s: got allowed", refused[i]);
			g_test_fail();
		}
	}
	for (gsize i = 0; i < G_N_ELEMENTS(allowed); i++) {
		if (!is_global(allowed[i]) ||
		    !fetch_address_host_may_be_global(allowed[i])) {
			g_test_message("%s: got refused", allowed[i]);
			g_test_fail();
		}
	}
}

static void
test_other_family(void)
{
	const struct sockaddr_un address = { .sun_family = AF_UNIX,
		.sun_path = "/run/socket" };

	g_assert_false(
	    fetch_address_is_global((const struct sockaddr *)&address));
}

static void
test_hosts(void)
{
	static const char *const no[] = { "localhost", "LOCALHOST.",
		"a.localhost", "printer.local", "db.internal", "x.home.arpa",
		"[::1]", "[::ffff:10.0.0.1]", "[fe80::1%25eth0]", "127.1",
		"2130706433", "0x7f.1", "0177.0.0.1", "10.0.0.1.", "", "." };
	static const char *const yes[] = { "crl.example.com", "localhost.com",
		"[2606:4700::1111]", "8.8.8.8", "134744072" };

	for (gsize i = 0; i < G_N_ELEMENTS(no); i++) {
		if (fetch_address_host_may_be_global(no[i])) {
			g_test_message("%s: got allowed", no[i]);
			g_test_fail();
		}
	}
	for (gsize i = 0; i < G_N_ELEMENTS(yes); i++) {
		if (!fetch_address_host_may_be_global(yes[i])) {
			g_test_message("%s: got refused", yes[i]);
			g_test_fail();
		}
	}
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/fetch-address/is-global/ranges", test_ranges);
	g_test_add_func(
	    "/fetch-address/is-global/other-family", test_other_family);
	g_test_add_func("/fetch-address/host/table", test_hosts);
	return g_test_run();
}
