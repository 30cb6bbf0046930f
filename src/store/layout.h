/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where an address lies on disk: the contract of the certificate directory
 * (DESIGN 4), used by STATE/certs and STATE/keys alike. Pure.
 */
#ifndef STORE_LAYOUT_H
#define STORE_LAYOUT_H

#include <glib.h>

/*
 * "DIRECTORY/DOMAIN/LOCAL.pem" for a normalised address or "@domain". NULL
 * with ERROR_LIMIT (encoded name over 240 bytes) or ERROR_MALFORMED (address
 * literal, empty part). Yours.
 */
char *
layout_path(const char *directory, const char *address, GError **error);

/* The address of a path below directory; NULL when it is none of ours. */
char *
layout_address(const char *domain, const char *file_name);

/* All addresses below directory, sorted; of char *. A missing directory is
 * empty. */
GPtrArray *
layout_list(const char *directory, GError **error);

#endif
