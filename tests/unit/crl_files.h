/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CRLs made by the openssl command in a directory of pki.h. For tests only.
 */
#ifndef TESTS_CRL_FILES_H
#define TESTS_CRL_FILES_H

#include <glib.h>

#include "crypto/crl.h"

typedef struct {
	const char *ca;      /* "issuing", the default */
	guint number;        /* CRLNumber; 0: 1 */
	gint64 last;         /* seconds from now; 0: an hour ago */
	gint64 next;         /* seconds from now; 0: in a day */
	const char *revoked; /* NAME of a certificate there; NULL: none */
	guint fillers;       /* so many other serial numbers are revoked */
} CrlFile;

/* DER in a block of exactly its length. */
GBytes *crl_files_make(const char *directory, const CrlFile *what);
Crl *crl_files_crl(const char *directory, const CrlFile *what);
/* The same as PEM text. */
GBytes *crl_files_pem(GBytes *der);

#endif
