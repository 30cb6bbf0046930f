/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one error type of the program: GError in this domain. A code says what
 * kind of thing went wrong, so that each caller can decide what the mail, or
 * the administrator, must suffer for it. Expected outcomes ("not signed", "no
 * identity for this address") are results, never errors.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <glib.h>

typedef enum {
	ERROR_MALFORMED, /* data is not what its kind must be */
	ERROR_LIMIT, /* larger, deeper or more than a limit allows */
	ERROR_MISSING, /* no such file, key or certificate */
	ERROR_UNFIT, /* sound, but not usable for this purpose */
	ERROR_CRYPTO, /* the library could not do the operation */
	ERROR_IO, /* the disk, a socket, a full file system */
	ERROR_PERMISSION, /* not readable, or readable for too many */
	ERROR_SETTINGS, /* the administrator's settings contradict */
	ERROR_USAGE, /* the command line is off */
	ERROR_REFUSED, /* the other side refuses for good */
} ErrorCode;

#define ERROR_DOMAIN error_quark()

GQuark
error_quark(void);

/*
 * Sets *error from errno: ENOENT becomes ERROR_MISSING, EACCES and EPERM
 * ERROR_PERMISSION, all else ERROR_IO. The text is FORMAT, ": ", strerror.
 * errno is taken before anything else is called.
 */
void
error_set_errno(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

#endif
