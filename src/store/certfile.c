/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What anchors.c and intermediates.c write. Only the certificate is ever read
 * again; the lines above it are for people. Names are cleaned: whoever made the
 * certificate chose them.
 */
#include "config.h"

#include "store/certfile.h"

#include <string.h>

#include "base/text.h"

#define SUBJECT_MAX 1024

GBytes *
certfile_text(const Cert *cert)
{
	g_autofree char *subject = text_clean(cert_subject(cert), SUBJECT_MAX);
	g_autofree char *until = text_time(cert_not_after(cert));
	g_autofree char *pem = cert_pem(cert);
	char *text = g_strdup_printf("# fingerprint: %s\n# subject: %s\n"
				     "# not after: %s\n%s",
	    cert_fingerprint(cert), subject, until, pem);

	return g_bytes_new_take(text, strlen(text));
}
