/* SPDX-License-Identifier: Apache-2.0 */
/* See crl_files.h: `openssl ca -gencrl` over an index written by hand. */
#include "config.h"

#include "crl_files.h"

#include <string.h>

#include "pki.h"
#include "scratch.h"

/* As openssl wants it. */
static char *
time_text(gint64 offset)
{
	g_autoptr(GDateTime) time =
	    g_date_time_new_from_unix_utc(pki_now() + offset);

	return g_date_time_format(time, "%Y%m%d%H%M%SZ");
}

static void
append_entry(GString *index, const char *serial)
{
	g_string_append_printf(index,
	    "R\t491231235959Z\t250101000000Z\t%s\tunknown\t/CN=x\n", serial);
}

static void
write_index(const char *directory, const CrlFile *what)
{
	g_autoptr(GString) index = g_string_new(NULL);

	if (what->revoked != NULL) {
		g_autoptr(Cert) cert = pki_cert(directory, what->revoked);

		append_entry(index, cert_serial(cert));
	}
	for (guint i = 0; i < what->fillers; i++) {
		g_autofree char *serial = g_strdup_printf("7F%08X", i);

		append_entry(index, serial);
	}
	g_free(scratch_file(directory, "crl.index", index->str));
}

GBytes *
crl_files_make(const char *directory, const CrlFile *what)
{
	const char *ca = what->ca != NULL ? what->ca : "issuing";
	g_autofree char *number =
	    g_strdup_printf("%04X\n", what->number > 0 ? what->number : 1);
	g_autofree char *last = time_text(what->last != 0 ? what->last : -3600);
	g_autofree char *next = time_text(what->next != 0 ? what->next : 86400);

	write_index(directory, what);
	g_free(scratch_file(directory, "crl.number", number));
	g_free(scratch_file(directory, "crl.cnf",
	    "[ca]\ndefault_ca = own\n[own]\ndatabase = crl.index\n"
	    "crlnumber = crl.number\ndefault_md = sha256\n"
	    "unique_subject = no\ncrl_extensions = extensions\n"
	    "[extensions]\nauthorityKeyIdentifier = keyid\n"));
	pki_run(directory,
	    "openssl ca -gencrl -config crl.cnf -cert %s.pem -keyfile %s.key "
	    "-crl_lastupdate %s -crl_nextupdate %s -out crl.pem\n"
	    "openssl crl -in crl.pem -outform DER -out crl.der\n",
	    ca, ca, last, next);
	return pki_file(directory, "crl.der");
}

Crl *
crl_files_crl(const char *directory, const CrlFile *what)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GBytes) der = crl_files_make(directory, what);
	Crl *crl = crl_new(der, &error);

	g_assert_no_error(error);
	return crl;
}

GBytes *
crl_files_pem(GBytes *der)
{
	gsize length = 0;
	const guint8 *data = g_bytes_get_data(der, &length);
	g_autofree char *base64 = g_base64_encode(data, length);
	GString *text = g_string_new("-----BEGIN X509 CRL-----\n");

	for (const char *at = base64; *at != '\0';) {
		gsize line = MIN(strlen(at), 64);

		g_string_append_len(text, at, (gssize)line);
		g_string_append_c(text, '\n');
		at += line;
	}
	g_string_append(text, "-----END X509 CRL-----\n");
	return g_string_free_to_bytes(text);
}
