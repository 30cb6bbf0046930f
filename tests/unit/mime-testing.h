/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of src/mime share. */
#ifndef TESTS_MIME_TESTING_H
#define TESTS_MIME_TESTING_H

#include <glib.h>
#include <string.h>

/* g_assert_cmpmem() takes its lengths as int. */
#define assert_bytes(got, got_length, want, want_length)                       \
	g_assert_cmpmem(got, (int)(got_length), want, (int)(want_length))

/* A text with its length, NULs inside included. */
#define TEXT(s) (s), sizeof(s) - 1

#endif
