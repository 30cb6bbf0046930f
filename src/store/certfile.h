/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The form of a file that has one CA certificate: named values for cat and
 * grep, then the certificate.
 */
#ifndef STORE_CERTFILE_H
#define STORE_CERTFILE_H

#include <glib.h>

#include "crypto/cert.h"

/* transfer full */
GBytes *certfile_text(const Cert *cert);

#endif
