/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys and certificates for tests, made with the openssl command so that our
 * own code is not its own judge. For tests only.
 */
#ifndef TESTS_STORE_FIXTURE_H
#define TESTS_STORE_FIXTURE_H

#include <glib.h>

#include "crypto/keyring.h"

/* What is put into a certificate; NULL leaves the default. */
typedef struct {
	const char *addresses; /* "email:a@b,email:c@d"; none: no SAN */
	const char *start;     /* "20200101000000Z", the default */
	const char *end;       /* "20991231235959Z", the default */
	const char *usage;     /* "digitalSignature", the default */
	const char *basic;     /* "CA:FALSE", the default */
} FixtureCert;

/* A self-signed P-256 identity; files are made in directory. */
Identity *fixture_identity(const char *directory, const FixtureCert *what);
Cert *fixture_cert(const char *directory, const FixtureCert *what);

/* Runs a command line; the test fails when it does not end with 0. */
void fixture_run(const char *const *arguments, const char *directory);

/* 2026-11-21, within the default dates. */
#define FIXTURE_NOW G_GINT64_CONSTANT(1795231860)

#endif
