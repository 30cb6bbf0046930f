/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bare operation: CMS_sign over the bytes of a made-up mail, detached,
 * with the certificate and its chain, key and certificates loaded once, DER
 * out, as a competent user of OpenSSL would write it. No code of the program.
 * Prints the processor time of one operation. See barecms -h.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <glib.h>
#include <openssl/bio.h>
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "mailsource.h"

#define EXIT_USAGE 64

typedef struct {
	char *key;
	char *certificate;
	char *chain;
	int size;
	gboolean attachment;
	int operations;
} Options;

typedef struct {
	EVP_PKEY *key;
	X509 *certificate;
	STACK_OF(X509) * chain;
} Signer;

static EVP_PKEY *
read_key(const char *path)
{
	BIO *file = BIO_new_file(path, "r");
	EVP_PKEY *key = NULL;

	if (file != NULL) {
		key = PEM_read_bio_PrivateKey(file, NULL, NULL, NULL);
	}
	BIO_free(file);
	return key;
}

static STACK_OF(X509) * read_certificates(const char *path)
{
	STACK_OF(X509) *all = sk_X509_new_null();
	BIO *file = BIO_new_file(path, "r");
	X509 *one;

	while (file != NULL &&
	    (one = PEM_read_bio_X509(file, NULL, NULL, NULL)) != NULL) {
		sk_X509_push(all, one);
	}
	BIO_free(file);
	ERR_clear_error();
	return all;
}

static bool
signer_load(Signer *signer, const Options *options)
{
	STACK_OF(X509) *own = read_certificates(options->certificate);

	signer->key = read_key(options->key);
	signer->certificate = sk_X509_shift(own);
	signer->chain =
	    options->chain == NULL ? NULL : read_certificates(options->chain);
	sk_X509_pop_free(own, X509_free);
	return signer->key != NULL && signer->certificate != NULL;
}

static void
signer_clear(Signer *signer)
{
	EVP_PKEY_free(signer->key);
	X509_free(signer->certificate);
	sk_X509_pop_free(signer->chain, X509_free);
}

/* The length of the DER; 0 when it failed. */
static gsize
sign_once(const Signer *signer, const char *data, gsize length)
{
	BIO *in = BIO_new_mem_buf(data, (int)length);
	CMS_ContentInfo *cms = CMS_sign(signer->certificate, signer->key,
	    signer->chain, in, CMS_DETACHED | CMS_BINARY);
	unsigned char *der = NULL;
	int der_length = cms == NULL ? 0 : i2d_CMS_ContentInfo(cms, &der);

	OPENSSL_free(der);
	CMS_ContentInfo_free(cms);
	BIO_free(in);
	return der_length > 0 ? (gsize)der_length : 0;
}

static double
cpu_seconds(void)
{
	struct timespec now = { 0 };

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* The entity that is signed: content fields and body. */
static GString *
entity_new(const Options *options)
{
	g_autoptr(MailSource) source =
	    mailsource_new((gsize)options->size, options->attachment);
	GString *entity =
	    g_string_new("Content-Type: text/plain; charset=us-ascii\r\n"
			 "Content-Transfer-Encoding: 7bit\r\n\r\n");
	gsize length = 0;
	const char *body = mailsource_body(source, &length);

	g_string_append_len(entity, body, (gssize)length);
	return entity;
}

static int
run(const Options *options, const Signer *signer)
{
	GString *entity = entity_new(options);
	gsize der = sign_once(signer, entity->str, entity->len);
	double started = cpu_seconds();
	double used;

	for (int i = 0; i < options->operations && der > 0; i++) {
		der = sign_once(signer, entity->str, entity->len);
	}
	used = cpu_seconds() - started;
	g_string_free(entity, TRUE);
	if (der == 0) {
		ERR_print_errors_fp(stderr);
		return EXIT_FAILURE;
	}
	printf("operations=%d der=%" G_GSIZE_FORMAT " cpu_us=%.2f\n",
	    options->operations, der, used * 1e6 / options->operations);
	return EXIT_SUCCESS;
}

int
main(int argc, char **argv)
{
	/* Static, since GOption's strings live as long as the process. */
	static Options options = { .size = 10240, .operations = 100 };
	const GOptionEntry entries[] = {
		{ "key", 'k', 0, G_OPTION_ARG_FILENAME, &options.key, "PEM",
		    "FILE" },
		{ "certificate", 'c', 0, G_OPTION_ARG_FILENAME,
		    &options.certificate, "PEM", "FILE" },
		{ "chain", 'C', 0, G_OPTION_ARG_FILENAME, &options.chain,
		    "PEM, the intermediates", "FILE" },
		{ "size", 'z', 0, G_OPTION_ARG_INT, &options.size,
		    "of the made-up mail (10240)", "BYTES" },
		{ "attachment", 'x', 0, G_OPTION_ARG_NONE, &options.attachment,
		    "made up with an attachment", NULL },
		{ "operations", 'n', 0, G_OPTION_ARG_INT, &options.operations,
		    "how many (100)", "N" },
		G_OPTION_ENTRY_NULL,
	};
	g_autoptr(GOptionContext) context =
	    g_option_context_new("- the bare CMS operation");
	g_autoptr(GError) error = NULL;
	Signer signer = { 0 };
	int status;

	g_option_context_add_main_entries(context, entries, NULL);
	if (!g_option_context_parse(context, &argc, &argv, &error) ||
	    options.key == NULL || options.certificate == NULL ||
	    options.size < 0 || options.operations < 1) {
		fprintf(stderr, "barecms: %s\n",
		    error == NULL ? "see barecms -h" : error->message);
		return EXIT_USAGE;
	}
	if (!signer_load(&signer, &options)) {
		ERR_print_errors_fp(stderr);
		return EXIT_FAILURE;
	}
	status = run(&options, &signer);
	signer_clear(&signer);
	return status;
}
