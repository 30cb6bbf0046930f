/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a lookup in the certificate directory costs, and what memory it leaves
 * behind, among as many addresses as asked for. The files are made by this
 * program itself, past the store and without syncing each, from one template
 * certificate whose signature gets other last bytes for each address: a
 * certificate of its own, to parse as any other, that nobody verifies here.
 *
 * Measured is what the first mail to an address pays: random addresses,
 * different ones each time, a store that has read nothing yet. Their files are
 * read once before, so that they are in the page cache; with --cold they are
 * put out of it. See directorylookup -h.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <glib.h>
#include <glib/gstdio.h>

#include "base/file.h"
#include "crypto/cert.h"
#include "store/directory.h"
#include "store/layout.h"

#define DOMAINS 100
#define EXIT_USAGE 64

static struct {
	char *state;
	char *cert;
	gint make;
	gint count;
	gint seed;
	gint addresses;
	gboolean cold;
	gboolean cpu;
} options = { .count = 1000, .seed = 1 };

static const GOptionEntry table[] = {
	{ "state", 's', 0, G_OPTION_ARG_FILENAME, &options.state,
	    "The state directory", "DIR" },
	{ "cert", 'C', 0, G_OPTION_ARG_FILENAME, &options.cert,
	    "With --make: the template, a PEM certificate", "FILE" },
	{ "make", 'm', 0, G_OPTION_ARG_INT, &options.make,
	    "Make the files of N addresses", "N" },
	{ "addresses", 'a', 0, G_OPTION_ARG_INT, &options.addresses,
	    "How many there are", "N" },
	{ "count", 'c', 0, G_OPTION_ARG_INT, &options.count,
	    "Look up so many, at most N (1000)", "LOOKUPS" },
	{ "seed", 'S', 0, G_OPTION_ARG_INT, &options.seed,
	    "For the choice of addresses (1)", "S" },
	{ "cold", 0, 0, G_OPTION_ARG_NONE, &options.cold,
	    "Without the page cache", NULL },
	{ "cpu", 0, 0, G_OPTION_ARG_NONE, &options.cpu,
	    "Print CPU time: what other programs do does not show", NULL },
	{ NULL, 0, 0, 0, NULL, NULL, NULL },
};

static void
die(const char *what, GError *error)
{
	fprintf(stderr, "directorylookup: %s: %s\n", what,
	    error != NULL ? error->message : g_strerror(errno));
	exit(EXIT_FAILURE);
}

static char *
address_of(guint number)
{
	return g_strdup_printf(
	    "user%07u@domain%02u.example.net", number, number % DOMAINS);
}

static char *
path_of(const char *address)
{
	g_autofree char *certs = g_build_filename(options.state, "certs", NULL);

	return layout_path(certs, address, NULL);
}

/* The certificate of one address, as base64 of 64 characters a line. */
static void
append_pem(GString *text, GByteArray *der, guint number)
{
	g_autofree char *base64 = NULL;

	for (guint i = 1; i <= 4; i++) {
		der->data[der->len - i] = (guint8)(number & 0xff);
		number >>= 8;
	}
	base64 = g_base64_encode(der->data, der->len);
	g_string_append(text, "-----BEGIN CERTIFICATE-----\n");
	for (gsize at = 0; at < strlen(base64); at += 64) {
		g_string_append_printf(text, "%.64s\n", base64 + at);
	}
	g_string_append(text, "-----END CERTIFICATE-----\n");
}

static void
make_file(GByteArray *der, guint number)
{
	g_autofree char *address = address_of(number);
	g_autofree char *path = path_of(address);
	g_autoptr(GString) text = g_string_new(NULL);
	int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	g_string_append_printf(text,
	    "# state: used\n# source: harvested\n# address: %s\n"
	    "# first seen: 2026-11-21T03:31:00Z\n"
	    "# last seen: 2026-11-21T03:31:00Z\n"
	    "# signing time: 2026-11-21T03:31:00Z\n"
	    "# capabilities: aes256-gcm aes128-gcm aes256-cbc aes128-cbc\n",
	    address);
	append_pem(text, der, number);
	if (file == -1 || !file_write_all(file, text->str, text->len)) {
		die(path, NULL);
	}
	close(file);
}

static GByteArray *
read_template(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GBytes) content = NULL;
	g_autoptr(GPtrArray) certs = NULL;

	if (options.cert == NULL) {
		fprintf(stderr, "directorylookup: --make needs --cert\n");
		exit(EXIT_USAGE);
	}
	content = file_read(options.cert, 1024 * 1024, NULL, &error);
	certs = content != NULL ? cert_read_all(content, &error) : NULL;
	if (certs == NULL) {
		die(options.cert, error);
	}
	return g_bytes_unref_to_array(cert_der(g_ptr_array_index(certs, 0)));
}

static void
make_all(guint number)
{
	g_autoptr(GByteArray) der = read_template();

	for (guint i = 0; i < MIN(number, DOMAINS); i++) {
		g_autofree char *address = address_of(i);
		g_autofree char *path = path_of(address);
		g_autofree char *domain = g_path_get_dirname(path);

		if (g_mkdir_with_parents(domain, 0700) != 0) {
			die(domain, NULL);
		}
	}
	for (guint i = 0; i < number; i++) {
		make_file(der, i);
	}
}

/* count different ones out of all, in random order: of addresses. */
static GPtrArray *
choose(guint all, guint count)
{
	GPtrArray *chosen = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GRand) random = g_rand_new_with_seed((guint32)options.seed);
	g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);

	while (chosen->len < count) {
		guint number = (guint)g_rand_int_range(random, 0, (gint32)all);

		if (g_hash_table_add(seen, GUINT_TO_POINTER(number + 1))) {
			g_ptr_array_add(chosen, address_of(number));
		}
	}
	return chosen;
}

/* Into the page cache, or out of it. */
static void
prepare_file(const char *address)
{
	g_autofree char *path = path_of(address);
	int file = open(path, O_RDONLY | O_CLOEXEC);
	char block[4096];

	if (file == -1) {
		die(path, NULL);
	}
	while (read(file, block, sizeof block) > 0) {
	}
	if (options.cold) {
		(void)fdatasync(file);
		(void)posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
	}
	close(file);
}

static gint64
now_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (gint64)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void
look_up(Directory *directory, const char *address, clockid_t clock,
    gint64 *took_out)
{
	g_autoptr(GError) error = NULL;
	gint64 began = now_ns(clock);
	g_autoptr(GPtrArray) found = directory_find(directory, address, &error);

	*took_out = now_ns(clock) - began;
	if (found == NULL || found->len != 1) {
		die(address, error);
	}
}

static gint
compare_times(gconstpointer a, gconstpointer b)
{
	gint64 one = *(const gint64 *)a;
	gint64 other = *(const gint64 *)b;

	return one < other ? -1 : one > other ? 1 : 0;
}

static GArray *
look_up_all(Directory *directory, const GPtrArray *addresses, guint from)
{
	GArray *times = g_array_new(FALSE, FALSE, sizeof(gint64));

	for (guint i = from; i < addresses->len; i++) {
		gint64 took = 0;

		look_up(directory, g_ptr_array_index(addresses, i),
		    options.cpu ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC,
		    &took);
		g_array_append_val(times, took);
	}
	g_array_sort(times, compare_times);
	return times;
}

static gint64
part(const GArray *times, guint percent)
{
	return g_array_index(times, gint64, (times->len - 1) * percent / 100);
}

/* A line of /proc/self/status, in kB. */
static long
memory(const char *name)
{
	g_autofree char *text = NULL;
	const char *line = NULL;

	if (!g_file_get_contents("/proc/self/status", &text, NULL, NULL)) {
		return 0;
	}
	line = strstr(text, name);
	return line != NULL ? strtol(line + strlen(name), NULL, 10) : 0;
}

static void
measure(guint all, guint count)
{
	g_autoptr(GPtrArray) addresses = choose(all, count);
	g_autoptr(Directory) directory = directory_new(options.state);
	g_autoptr(GArray) first = NULL;
	g_autoptr(GArray) again = NULL;
	long rss = 0;
	long anon = 0;

	for (guint i = 0; i < addresses->len; i++) {
		prepare_file(g_ptr_array_index(addresses, i));
	}
	rss = memory("VmRSS:");
	anon = memory("RssAnon:");
	first = look_up_all(directory, addresses, 0);
	/* The last of them are still in the store's cache. */
	again =
	    look_up_all(directory, addresses, count > 500 ? count - 500 : 0);
	printf("addresses=%u lookups=%u pages=%s clock=%s "
	       "median_ns=%" G_GINT64_FORMAT " p99_ns=%" G_GINT64_FORMAT
	       " cached_median_ns=%" G_GINT64_FORMAT
	       " rss_before_kb=%ld rss_after_kb=%ld anon_before_kb=%ld "
	       "anon_after_kb=%ld\n",
	    all, count, options.cold ? "cold" : "warm",
	    options.cpu ? "cpu" : "wall", part(first, 50), part(first, 99),
	    part(again, 50), rss, memory("VmRSS:"), anon, memory("RssAnon:"));
}

int
main(int argc, char **argv)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GOptionContext) context = g_option_context_new(NULL);

	g_option_context_add_main_entries(context, table, NULL);
	if (!g_option_context_parse(context, &argc, &argv, &error) ||
	    argc != 1 || options.state == NULL ||
	    (options.make <= 0) == (options.addresses <= 0) ||
	    options.count <= 0) {
		fprintf(stderr, "directorylookup: %s\n",
		    error != NULL ? error->message
				  : "usage: --state DIR, and --make N or "
				    "--addresses N");
		return EXIT_USAGE;
	}
	if (options.make > 0) {
		make_all((guint)options.make);
	} else {
		measure((guint)options.addresses,
		    (guint)MIN(options.count, options.addresses));
	}
	return EXIT_SUCCESS;
}
