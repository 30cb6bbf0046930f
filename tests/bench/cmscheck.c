/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A judge that shares no code with the program: OpenSSL alone verifies many
 * signed mails in one process and says for each who signed it. A mail is good
 * when its signature and chain verify and every signer's certificate bears
 * the address of the From field. See cmscheck -h.
 */
#include "config.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <glib.h>
#include <openssl/bio.h>
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#define EXIT_WRONG 1
#define EXIT_USAGE 64

typedef struct {
	X509_STORE *store;
	bool quiet; /* only the bad ones */
	guint good;
	guint bad;
} Judge;

/* The address of the only From field of a header, in lower case. Yours, or
 * NULL. */
static char *
from_address(const char *message, gsize length)
{
	g_autofree char *text = g_strndup(message, length);
	char *end = strstr(text, "\r\n\r\n");
	char *at = NULL;
	char *stop;
	char *open;

	if (end != NULL) {
		end[2] = '\0';
	}
	for (char *line = text; line != NULL && *line != '\0';) {
		if (g_ascii_strncasecmp(line, "From:", 5) == 0) {
			if (at != NULL) {
				return NULL;
			}
			at = line + 5;
		}
		line = strstr(line, "\r\n");
		line = line == NULL ? NULL : line + 2;
	}
	if (at == NULL || (stop = strstr(at, "\r\n")) == NULL) {
		return NULL;
	}
	*stop = '\0';
	open = strrchr(at, '<');
	at = open == NULL ? at : open + 1;
	at[strcspn(at, ">")] = '\0';
	return g_ascii_strdown(g_strstrip(at), -1);
}

/* The addresses of a certificate with blanks between. Yours. */
static char *
certificate_addresses(X509 *certificate)
{
	STACK_OF(OPENSSL_STRING) *all = X509_get1_email(certificate);
	GString *text = g_string_new(NULL);

	for (int i = 0; i < sk_OPENSSL_STRING_num(all); i++) {
		g_string_append_printf(text, "%s%s", i == 0 ? "" : " ",
		    sk_OPENSSL_STRING_value(all, i));
	}
	X509_email_free(all);
	return g_string_free(text, FALSE);
}

static bool
lists_address(const char *addresses, const char *address)
{
	g_autofree char *lowered = g_ascii_strdown(addresses, -1);
	g_auto(GStrv) all = g_strsplit(lowered, " ", -1);

	return g_strv_contains((const char *const *)all, address);
}

/* NULL: good. Otherwise why not. *signer_out: yours, when it is known. */
static const char *
judge_signers(CMS_ContentInfo *cms, const char *from, char **signer_out)
{
	STACK_OF(X509) *signers = CMS_get0_signers(cms);
	const char *fault = NULL;

	if (sk_X509_num(signers) < 1) {
		fault = "no signer";
	}
	for (int i = 0; i < sk_X509_num(signers); i++) {
		char *signer = certificate_addresses(sk_X509_value(signers, i));

		if (from == NULL || !lists_address(signer, from)) {
			fault = "the wrong signer";
		}
		g_free(*signer_out);
		*signer_out = signer;
	}
	sk_X509_free(signers);
	return fault;
}

static const char *
judge_message(const Judge *judge, const char *message, gsize length,
    const char *from, char **signer_out)
{
	BIO *in = BIO_new_mem_buf(message, (int)length);
	BIO *content = NULL;
	CMS_ContentInfo *cms = SMIME_read_CMS(in, &content);
	const char *fault = NULL;

	if (cms == NULL) {
		fault = "no signature";
	} else if (CMS_verify(cms, NULL, judge->store, content, NULL,
		       CMS_BINARY) != 1) {
		fault = ERR_reason_error_string(ERR_peek_last_error());
		fault = fault == NULL ? "not verified" : fault;
	} else {
		fault = judge_signers(cms, from, signer_out);
	}
	ERR_clear_error();
	CMS_ContentInfo_free(cms);
	BIO_free(content);
	BIO_free(in);
	return fault;
}

/* sender: of the envelope, or NULL when it is not known. */
static void
judge_mail(Judge *judge, const char *name, const char *message, gsize length,
    const char *sender)
{
	g_autofree char *from = from_address(message, length);
	g_autofree char *signer = NULL;
	const char *fault =
	    judge_message(judge, message, length, from, &signer);

	if (fault == NULL && sender != NULL && strcmp(sender, from) != 0) {
		fault = "From is not the sender";
	}
	if (fault == NULL) {
		judge->good++;
	} else {
		judge->bad++;
	}
	if (fault != NULL || !judge->quiet) {
		printf("%s %s signer=\"%s\" from=\"%s\"%s%s\n", name,
		    fault == NULL ? "ok" : "bad", signer == NULL ? "" : signer,
		    from == NULL ? "" : from, fault == NULL ? "" : " ",
		    fault == NULL ? "" : fault);
	}
}

static bool
judge_file(Judge *judge, const char *path)
{
	g_autofree char *message = NULL;
	gsize length = 0;

	if (!g_file_get_contents(path, &message, &length, NULL)) {
		fprintf(stderr, "cmscheck: cannot read %s\n", path);
		return false;
	}
	judge_mail(judge, path, message, length, NULL);
	return true;
}

/* What milterload --pipe writes: "SERIAL FROM LENGTH", then the bytes. */
static bool
judge_stream(Judge *judge, FILE *in)
{
	char line[1024];

	while (fgets(line, sizeof(line), in) != NULL) {
		g_auto(GStrv) words = g_strsplit(g_strchomp(line), " ", -1);
		g_autofree char *message = NULL;
		guint64 length = 0;

		if (g_strv_length(words) != 3 ||
		    !g_ascii_string_to_unsigned(
			words[2], 10, 1, 256 * 1024 * 1024, &length, NULL)) {
			fprintf(stderr, "cmscheck: not what was expected\n");
			return false;
		}
		message = g_malloc(length);
		if (fread(message, length, 1, in) != 1) {
			fprintf(stderr, "cmscheck: a mail cut short\n");
			return false;
		}
		judge_mail(judge, words[0], message, length, words[1]);
	}
	return true;
}

int
main(int argc, char **argv)
{
	g_autofree char *anchors = NULL;
	gboolean quiet = FALSE;
	const GOptionEntry entries[] = {
		{ "anchors", 'C', 0, G_OPTION_ARG_FILENAME, &anchors,
		    "trusted certificates, PEM", "FILE" },
		{ "quiet", 'q', 0, G_OPTION_ARG_NONE, &quiet,
		    "tell only of the bad ones", NULL },
		G_OPTION_ENTRY_NULL,
	};
	g_autoptr(GOptionContext) context =
	    g_option_context_new("FILE... | - : who signed these mails?");
	g_autoptr(GError) error = NULL;
	Judge judge = { 0 };
	bool read_all = true;

	g_option_context_add_main_entries(context, entries, NULL);
	g_option_context_set_description(context,
	    "- reads what milterload --pipe writes. Exit status: 0 all good, "
	    "1 not, 64 usage.");
	if (!g_option_context_parse(context, &argc, &argv, &error) ||
	    argc < 2 || anchors == NULL) {
		fprintf(stderr, "cmscheck: %s\n",
		    error == NULL ? "see cmscheck -h" : error->message);
		return EXIT_USAGE;
	}
	judge.quiet = quiet;
	judge.store = X509_STORE_new();
	if (X509_STORE_load_file(judge.store, anchors) != 1) {
		fprintf(stderr, "cmscheck: cannot load %s\n", anchors);
		return EXIT_USAGE;
	}
	for (int i = 1; i < argc; i++) {
		bool stream = strcmp(argv[i], "-") == 0;

		read_all = (stream ? judge_stream(&judge, stdin)
				   : judge_file(&judge, argv[i])) &&
		    read_all;
	}
	X509_STORE_free(judge.store);
	printf("checked=%u ok=%u bad=%u\n", judge.good + judge.bad, judge.good,
	    judge.bad);
	return read_all && judge.bad == 0 ? EXIT_SUCCESS : EXIT_WRONG;
}
