/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A rope: a sequence of byte runs that together are one content. A large mail
 * is never copied: its runs point into the one mapping of the spool, between
 * them stand the few bytes that are ours. A rope keeps references on what it
 * points into. Built by one thread; a finished one may be read by many.
 */
#ifndef BASE_ROPE_H
#define BASE_ROPE_H

#include <glib.h>
#include <stdbool.h>

typedef struct Rope Rope;

typedef struct {
	const guint8 *data;
	gsize length;
} RopeRun;

Rope *
rope_new(void);
void
rope_free(Rope *rope);

/* The bytes are shared, not copied (transfer none: a reference is taken). */
void
rope_append_bytes(Rope *rope, GBytes *bytes);
/* length bytes of bytes from offset on; both inside bytes. */
void
rope_append_slice(Rope *rope, GBytes *bytes, gsize offset, gsize length);
/* Copied; small ones in a row become one run. */
void
rope_append_copy(Rope *rope, const void *data, gsize length);
void
rope_append_text(Rope *rope, const char *text);
void
rope_append_format(Rope *rope, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* Shares all runs of tail. */
void
rope_append_rope(Rope *rope, const Rope *tail);

gsize
rope_length(const Rope *rope);
guint
rope_count(const Rope *rope);
/* i < rope_count(); never an empty run. Valid as long as the rope. */
RopeRun
rope_run(const Rope *rope, guint i);

/*
 * All bytes as one block. No copy when there is one run made from GBytes.
 * transfer full.
 */
GBytes *
rope_to_bytes(const Rope *rope);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Rope, rope_free)

#endif
