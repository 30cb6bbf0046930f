/* SPDX-License-Identifier: Apache-2.0 */
/*
 * STATE/trust: the trust anchors, one PEM file for each, named
 * FINGERPRINT.pem; any other *.pem file there counts too. STATE/generation
 * changes with each write, so that a running daemon sees new anchors at its
 * next mail. Thread-safe.
 */
#ifndef STORE_ANCHORS_H
#define STORE_ANCHORS_H

#include <glib.h>
#include <stdbool.h>

#include "crypto/chain.h"

/* Debian's bundle of TLS roots: trust.system. */
#define ANCHORS_SYSTEM "/etc/ssl/certs/ca-certificates.crt"

typedef struct AnchorStore AnchorStore;

AnchorStore *
anchors_new(const char *state_dir);
void
anchors_free(AnchorStore *store);

/* The anchors as they are now: read again only when STATE/generation or the
 * directory changed. A missing STATE/trust is no anchors, a missing STATE is
 * ERROR_IO. A file that cannot be used is an error that names it. system:
 * with those of ANCHORS_SYSTEM. transfer full. */
Anchors *
anchors_current(AnchorStore *store, bool system, GError **error);
/* Those of anchors_current() with this cert_subject_key(). Of Cert, transfer
 * full. */
GPtrArray *
anchors_named(
    AnchorStore *store, bool system, const char *subject_key, GError **error);
/* Those of STATE/trust alone. Of Cert, transfer full. */
GPtrArray *
anchors_list(AnchorStore *store, GError **error);
/* ERROR_UNFIT unless it is a CA certificate. Already there: true. */
bool
anchors_add(AnchorStore *store, const Cert *cert, GError **error);
bool
anchors_remove(AnchorStore *store, const char *fingerprint, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(AnchorStore, anchors_free)

#endif
