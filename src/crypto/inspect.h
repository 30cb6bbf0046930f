/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CMS structures as text for people, without judging them: content type,
 * algorithms, signers, recipients, certificates inside.
 */
#ifndef CRYPTO_INSPECT_H
#define CRYPTO_INSPECT_H

#include <glib.h>

typedef struct {
	char *kind; /* "signed-data", ... */
	char *cipher; /* NULL unless encrypted */
	GPtrArray *signers; /* of char *: issuer, serial, digest, signature */
	GPtrArray *recipients; /* of char *: kind, issuer, serial, algorithm */
	GPtrArray *certs; /* of Cert */
} Inspection;

/* ERROR_MALFORMED when blob is no CMS. transfer full. */
Inspection *
inspect_cms(GBytes *blob, GError **error);
void
inspect_free(Inspection *inspection);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Inspection, inspect_free)

#endif
