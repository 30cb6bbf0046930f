/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon's life, from the settings to the last mail. */
#ifndef MILTER_DAEMON_H
#define MILTER_DAEMON_H

/* file: the settings. Returns the exit code (sysexits.h) of the program when
 * it was told to stop, or could not start. */
int daemon_run(const char *file);

/* Reads the settings and says what is wrong with them on standard error. */
int daemon_test(const char *file);

#endif
