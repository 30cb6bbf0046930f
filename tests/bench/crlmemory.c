/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a large CRL costs: memory that it holds, time to load it, time to check
 * its signature (once) and time to ask for one certificate. The CRL is a DER
 * file made by others (tests/bench/bench makes one of a million entries); the
 * certificates that are asked for are of its issuer. Prints one line of
 * "key=value".
 */
#include "config.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <glib.h>

#include "crypto/cert.h"
#include "crypto/chain.h"
#include "crypto/crl.h"
#include "crypto/revocation.h"

#define EXIT_USAGE 64

typedef struct {
	char *crl;
	char *anchor;
	char *issuer;
	char **certs;
	int count;
} Options;

typedef struct {
	Anchors *anchors;
	GPtrArray *paths; /* of GPtrArray of Cert: one for each that is asked */
	GPtrArray *crls;
	gint64 at;
} Question;

static double
cpu_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* A line of /proc/self/status, in KiB. */
static long
status_of(const char *name)
{
	FILE *file = fopen("/proc/self/status", "r");
	char line[256];
	long value = 0;

	while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
		if (strncmp(line, name, strlen(name)) == 0) {
			value = strtol(line + strlen(name), NULL, 10);
		}
	}
	if (file != NULL) {
		fclose(file);
	}
	return value;
}

/* The first certificate of a file. */
static Cert *
cert_of(const char *path, GError **error)
{
	g_autoptr(GMappedFile) file = g_mapped_file_new(path, FALSE, error);
	g_autoptr(GBytes) content =
	    file == NULL ? NULL : g_mapped_file_get_bytes(file);
	g_autoptr(GPtrArray) all =
	    content == NULL ? NULL : cert_read_all(content, error);

	return all == NULL ? NULL : cert_ref(g_ptr_array_index(all, 0));
}

static bool
question_init(Question *question, const Options *options, GError **error)
{
	g_autoptr(GPtrArray) roots =
	    g_ptr_array_new_with_free_func((GDestroyNotify)cert_unref);
	g_autoptr(GPtrArray) others =
	    g_ptr_array_new_with_free_func((GDestroyNotify)cert_unref);
	Cert *root = cert_of(options->anchor, error);
	Cert *issuer = root == NULL ? NULL : cert_of(options->issuer, error);

	if (issuer == NULL) {
		return false;
	}
	g_ptr_array_add(roots, root);
	g_ptr_array_add(others, issuer);
	question->anchors = chain_anchors_new(roots);
	question->paths = g_ptr_array_new();
	question->at = time(NULL);
	for (char **path = options->certs; *path != NULL; path++) {
		g_autoptr(Cert) cert = cert_of(*path, error);
		const char *reason = NULL;
		GPtrArray *chain = NULL;

		if (cert == NULL) {
			return false;
		}
		if (chain_check(question->anchors, cert, others, question->at,
			&reason, &chain) != CHAIN_OK) {
			g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
			    "%s: %s", *path, reason);
			return false;
		}
		g_ptr_array_add(question->paths, chain);
	}
	return true;
}

static RevocationStatus
ask(const Question *question, guint number)
{
	Revocation answer = { 0 };

	revocation_check(
	    g_ptr_array_index(question->paths, number % question->paths->len),
	    0, question->crls, NULL, question->anchors, question->at, &answer);
	return answer.status;
}

static Crl *
load(const char *path, GError **error)
{
	g_autoptr(GMappedFile) file = g_mapped_file_new(path, FALSE, error);
	g_autoptr(GBytes) content =
	    file == NULL ? NULL : g_mapped_file_get_bytes(file);

	return content == NULL ? NULL : crl_new(content, error);
}

static bool
measure(Question *question, const Options *options, GError **error)
{
	long anonymous = status_of("RssAnon:");
	long resident = status_of("VmRSS:");
	double begun = cpu_seconds();
	double loaded;
	double checked;
	double asked;
	Crl *crl = load(options->crl, error);
	guint revoked = 0;

	if (crl == NULL) {
		return false;
	}
	loaded = cpu_seconds();
	question->crls =
	    g_ptr_array_new_with_free_func((GDestroyNotify)crl_unref);
	g_ptr_array_add(question->crls, crl);
	if (ask(question, 0) == REVOCATION_UNKNOWN) {
		g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
		    "%s says nothing of the certificate", options->crl);
		return false;
	}
	checked = cpu_seconds();
	for (int i = 0; i < options->count; i++) {
		revoked += ask(question, (guint)i) == REVOCATION_REVOKED;
	}
	asked = cpu_seconds();
	printf("entries=%u anon_kib=%ld rss_kib=%ld load_ms=%.1f "
	       "first_ms=%.2f lookup_ns=%.0f revoked=%u\n",
	    crl_count(crl), status_of("RssAnon:") - anonymous,
	    status_of("VmRSS:") - resident, (loaded - begun) * 1e3,
	    (checked - loaded) * 1e3, (asked - checked) * 1e9 / options->count,
	    revoked);
	return true;
}

int
main(int argc, char **argv)
{
	/* Static, since GOption's strings live as long as the process. */
	static Options options = { .count = 100000 };
	const GOptionEntry entries[] = {
		{ "crl", 'l', 0, G_OPTION_ARG_FILENAME, &options.crl, "DER",
		    "FILE" },
		{ "anchor", 'a', 0, G_OPTION_ARG_FILENAME, &options.anchor,
		    "PEM, the root", "FILE" },
		{ "issuer", 'i', 0, G_OPTION_ARG_FILENAME, &options.issuer,
		    "PEM, who issued the CRL", "FILE" },
		{ "cert", 'c', 0, G_OPTION_ARG_FILENAME_ARRAY, &options.certs,
		    "PEM, to ask for, may be repeated", "FILE" },
		{ "count", 'n', 0, G_OPTION_ARG_INT, &options.count,
		    "how many questions (100000)", "N" },
		G_OPTION_ENTRY_NULL,
	};
	g_autoptr(GOptionContext) context =
	    g_option_context_new("- memory and lookups of a large CRL");
	g_autoptr(GError) error = NULL;
	Question question = { 0 };

	g_option_context_add_main_entries(context, entries, NULL);
	if (!g_option_context_parse(context, &argc, &argv, &error) ||
	    options.crl == NULL || options.anchor == NULL ||
	    options.issuer == NULL || options.certs == NULL ||
	    options.count < 1) {
		fprintf(stderr, "crlmemory: %s\n",
		    error == NULL ? "see crlmemory -h" : error->message);
		return EXIT_USAGE;
	}
	if (!question_init(&question, &options, &error) ||
	    !measure(&question, &options, &error)) {
		fprintf(stderr, "crlmemory: %s\n", error->message);
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
