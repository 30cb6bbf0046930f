/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The error domain, and errno turned into it. It knows no module: what a code
 * means for a mail is decided where the mail is. No state; thread-safe.
 */
#include "config.h"

#include "base/error.h"

#include <errno.h>
#include <stdarg.h>

G_DEFINE_QUARK(smime - milter - error - quark, error)

static ErrorCode
code_of_errno(int number)
{
	switch (number) {
	case ENOENT:
		return ERROR_MISSING;
	case EACCES:
	case EPERM:
		return ERROR_PERMISSION;
	default:
		return ERROR_IO;
	}
}

void
error_set_errno(GError **error, const char *format, ...)
{
	int number = errno;
	g_autofree char *text = NULL;
	va_list args;

	va_start(args, format);
	text = g_strdup_vprintf(format, args);
	va_end(args);
	g_set_error(error, ERROR_DOMAIN, code_of_errno(number), "%s: %s", text,
	    g_strerror(number));
}
