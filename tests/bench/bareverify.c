/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bare operation: CMS_verify of a detached SignedData over the bytes of a
 * file, with chain and CRLs, as a competent user of OpenSSL would write it: the
 * root and the CRLs are loaded once, the message is parsed each time. No code
 * of the program. Prints the processor time of one operation in nanoseconds.
 */
#include "config.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <glib.h>
#include <openssl/bio.h>
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#define EXIT_USAGE 64

typedef struct {
	char *root;
	char **crls;
	char *cms;
	char *content;
	int count;
} Options;

typedef struct {
	gchar *data;
	gsize length;
} File;

static bool
add_root(X509_STORE *store, const char *path)
{
	BIO *file = BIO_new_file(path, "r");
	X509 *root =
	    file == NULL ? NULL : PEM_read_bio_X509(file, NULL, NULL, NULL);
	bool added = root != NULL && X509_STORE_add_cert(store, root) == 1;

	X509_free(root);
	BIO_free(file);
	return added;
}

static bool
add_crl(X509_STORE *store, const char *path)
{
	BIO *file = BIO_new_file(path, "r");
	X509_CRL *crl =
	    file == NULL ? NULL : PEM_read_bio_X509_CRL(file, NULL, NULL, NULL);
	bool added = crl != NULL && X509_STORE_add_crl(store, crl) == 1;

	X509_CRL_free(crl);
	BIO_free(file);
	return added;
}

/* NULL: OpenSSL's queue says why. */
static X509_STORE *
store_new(const Options *options)
{
	X509_STORE *store = X509_STORE_new();
	bool good = add_root(store, options->root);

	for (char **crl = options->crls; crl != NULL && *crl != NULL; crl++) {
		good = good && add_crl(store, *crl);
	}
	good = good && X509_STORE_set_purpose(store, X509_PURPOSE_ANY) == 1 &&
	    X509_STORE_set_flags(
		store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL) == 1;
	if (!good) {
		g_clear_pointer(&store, X509_STORE_free);
	}
	return store;
}

static bool
verify_once(X509_STORE *store, const File *cms_file, const File *content)
{
	BIO *in = BIO_new_mem_buf(cms_file->data, (int)cms_file->length);
	BIO *data = BIO_new_mem_buf(content->data, (int)content->length);
	CMS_ContentInfo *cms = d2i_CMS_bio(in, NULL);
	bool good = cms != NULL &&
	    CMS_verify(cms, NULL, store, data, NULL, CMS_BINARY) == 1;

	CMS_ContentInfo_free(cms);
	BIO_free(data);
	BIO_free(in);
	return good;
}

static double
cpu_nanoseconds(void)
{
	struct timespec now = { 0 };

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static int
run(const Options *options, const File *cms, const File *content)
{
	X509_STORE *store = store_new(options);
	/* The first one fills what OpenSSL keeps. */
	bool good = store != NULL && verify_once(store, cms, content);
	double started = cpu_nanoseconds();

	for (int i = 0; i < options->count && good; i++) {
		good = verify_once(store, cms, content);
	}
	if (good) {
		printf(
		    "%.0f\n", (cpu_nanoseconds() - started) / options->count);
	} else {
		ERR_print_errors_fp(stderr);
	}
	X509_STORE_free(store);
	return good ? EXIT_SUCCESS : EXIT_FAILURE;
}

static bool
file_read(File *file, const char *path)
{
	g_autoptr(GError) error = NULL;

	if (!g_file_get_contents(path, &file->data, &file->length, &error)) {
		fprintf(stderr, "bareverify: %s\n", error->message);
		return false;
	}
	return file->length <= G_MAXINT;
}

int
main(int argc, char **argv)
{
	/* Static, since GOption's strings live as long as the process. */
	static Options options = { .count = 100 };
	const GOptionEntry entries[] = {
		{ "root", 'r', 0, G_OPTION_ARG_FILENAME, &options.root,
		    "PEM, the trust anchor", "FILE" },
		{ "crl", 'l', 0, G_OPTION_ARG_FILENAME_ARRAY, &options.crls,
		    "PEM, one for each CA of the chain", "FILE" },
		{ "cms", 'c', 0, G_OPTION_ARG_FILENAME, &options.cms,
		    "DER, a detached signature", "FILE" },
		{ "content", 'd', 0, G_OPTION_ARG_FILENAME, &options.content,
		    "what was signed", "FILE" },
		{ "count", 'n', 0, G_OPTION_ARG_INT, &options.count,
		    "how many operations (100)", "N" },
		G_OPTION_ENTRY_NULL,
	};
	g_autoptr(GOptionContext) context =
	    g_option_context_new("- the bare CMS verification");
	g_autoptr(GError) error = NULL;
	File cms = { 0 };
	File content = { 0 };
	int status = EXIT_FAILURE;

	g_option_context_add_main_entries(context, entries, NULL);
	if (!g_option_context_parse(context, &argc, &argv, &error) ||
	    options.root == NULL || options.cms == NULL ||
	    options.content == NULL || options.count < 1) {
		fprintf(stderr, "bareverify: %s\n",
		    error == NULL ? "see bareverify -h" : error->message);
		return EXIT_USAGE;
	}
	if (file_read(&cms, options.cms) &&
	    file_read(&content, options.content)) {
		status = run(&options, &cms, &content);
	}
	g_free(cms.data);
	g_free(content.data);
	return status;
}
