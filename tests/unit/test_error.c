/* SPDX-License-Identifier: Apache-2.0 */
/* The error domain, and what becomes of errno. */
#include "config.h"

#include "base/error.h"

#include <errno.h>
#include <string.h>

static void
test_set_errno(void)
{
	static const struct {
		int number;
		int want;
	} cases[] = {
		{ ENOENT, ERROR_MISSING },
		{ EACCES, ERROR_PERMISSION },
		{ EPERM, ERROR_PERMISSION },
		{ ENOSPC, ERROR_IO },
		{ EROFS, ERROR_IO },
		{ 0, ERROR_IO },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GError) error = NULL;
		g_autofree char *want = g_strdup_printf(
		    "reading 7 of /x%%s: %s", g_strerror(cases[i].number));

		errno = cases[i].number;
		error_set_errno(&error, "reading %d of %s", 7, "/x%s");
		g_assert_error(error, ERROR_DOMAIN, cases[i].want);
		g_assert_cmpstr(error->message, ==, want);
	}
}

static void
test_set_errno_nobody_asks(void)
{
	errno = ENOENT;
	error_set_errno(NULL, "%s", "text");
	g_assert_cmpint(errno, ==, ENOENT);
}

static void
test_quark(void)
{
	g_assert_cmpuint(error_quark(), !=, 0);
	g_assert_cmpuint(error_quark(), ==, ERROR_DOMAIN);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/error/set_errno/codes", test_set_errno);
	g_test_add_func(
	    "/error/set_errno/nobody-asks", test_set_errno_nobody_asks);
	g_test_add_func("/error/quark/stable", test_quark);
	return g_test_run();
}
