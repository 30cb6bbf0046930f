/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The packets of the milter protocol over a socket: a length of 4 bytes, a
 * command, its data. Used by one thread at a time.
 */
#ifndef BENCH_MILTERWIRE_H
#define BENCH_MILTERWIRE_H

#include <glib.h>
#include <stdbool.h>

typedef struct MilterWire MilterWire;

typedef enum {
	BENCH_ERROR_IO,
	BENCH_ERROR_PROTOCOL,
} BenchError;

#define BENCH_ERROR (milterwire_error_quark())
GQuark milterwire_error_quark(void);

/* Sets a BENCH_ERROR_PROTOCOL; always false. */
bool milterwire_fail(const char *what, GError **error);

/* socket: "unix:PATH", "inet:PORT@HOST" or "inet6:PORT@HOST". write_size:
 * bytes in one write(2). */
MilterWire *milterwire_open(
    const char *socket, gsize write_size, GError **error);
/* NULL is allowed. */
void milterwire_close(MilterWire *wire);

/* Written when write_size is reached, at flush and before reading. */
bool milterwire_put(MilterWire *wire, char command, const void *data,
    gsize length, GError **error);
bool milterwire_flush(MilterWire *wire, GError **error);

/* The data stays until the next call and ends with a NUL that is not
 * counted. */
bool milterwire_get(MilterWire *wire, char *command_out, const char **data_out,
    gsize *length_out, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MilterWire, milterwire_close)

#endif
