/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rope: an array of runs, each a piece of a GBytes, of a block of our own
 * or of another rope. Room for the runs of a usual mail and for the few bytes
 * that are ours lies in the rope itself, so that it costs one allocation.
 * Blocks never move and are never given back before the rope: a run that was
 * handed out stays valid while the rope is still growing. Ropes that share
 * runs hold references on each other.
 */
#include "config.h"

#include "base/rope.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A multipart/signed mail has 3 to 6 runs; its fields and delimiters, which
 * are copied, are well below 1 KiB unless many fields were written anew. */
#define INLINE_RUNS 8
#define INLINE_COPY 1000
/* From here on a copy gets a block for itself. */
#define LARGE_COPY ((gsize)16 * 1024)
/* A run of copies longer than this is not moved to be continued. */
#define LARGE_RUN ((gsize)64 * 1024)

typedef struct {
	const guint8 *data;
	gsize length;
	GBytes *bytes; /* what data points into, held by an owner; or NULL */
} Run;

/* What keeps the data of runs alive, in a list. Exactly one is set. */
typedef struct Owner Owner;
struct Owner {
	Owner *next;
	GBytes *bytes;
	Rope *rope;
	guint8 *block;
};

struct Rope {
	gint references;
	guint count;
	guint capacity;
	gsize length;
	Run *runs;
	Owner *owners;
	/* The block that copies go to. */
	guint8 *block;
	gsize block_used;
	gsize block_size;
	Run inline_runs[INLINE_RUNS];
	guint8 inline_block[INLINE_COPY];
};

Rope *
rope_new(void)
{
	Rope *rope = g_new(Rope, 1);

	/* Not zeroed as a whole: most of it is the inline room. */
	rope->references = 1;
	rope->count = 0;
	rope->capacity = INLINE_RUNS;
	rope->length = 0;
	rope->runs = rope->inline_runs;
	rope->owners = NULL;
	rope->block = rope->inline_block;
	rope->block_used = 0;
	rope->block_size = INLINE_COPY;
	return rope;
}

static void
free_owner(Owner *owner)
{
	if (owner->bytes != NULL) {
		g_bytes_unref(owner->bytes);
	}
	rope_free(owner->rope);
	g_free(owner->block);
	g_free(owner);
}

void
rope_free(Rope *rope)
{
	if (rope == NULL || !g_atomic_int_dec_and_test(&rope->references)) {
		return;
	}
	while (rope->owners != NULL) {
		Owner *owner = rope->owners;

		rope->owners = owner->next;
		free_owner(owner);
	}
	if (rope->runs != rope->inline_runs) {
		g_free(rope->runs);
	}
	g_free(rope);
}

static Owner *
add_owner(Rope *rope)
{
	Owner *owner = g_new0(Owner, 1);

	owner->next = rope->owners;
	rope->owners = owner;
	return owner;
}

static Run *
last_run(Rope *rope)
{
	return rope->count > 0 ? &rope->runs[rope->count - 1] : NULL;
}

static void
add_run(Rope *rope, const guint8 *data, gsize length, GBytes *bytes)
{
	g_assert(length <= G_MAXSIZE - rope->length);
	if (rope->count == rope->capacity) {
		bool moved = rope->runs != rope->inline_runs;

		g_assert(rope->capacity <= G_MAXUINT / 2);
		rope->capacity *= 2;
		rope->runs =
		    g_renew(Run, moved ? rope->runs : NULL, rope->capacity);
		if (!moved) {
			memcpy(rope->runs, rope->inline_runs,
			    sizeof(rope->inline_runs));
		}
	}
	rope->runs[rope->count++] = (Run){
		.data = data,
		.length = length,
		.bytes = bytes,
	};
	rope->length += length;
}

static bool
owns_bytes(const Rope *rope, const GBytes *bytes)
{
	/* Slices of one mail alternate with copies: the last few owners are
	 * enough to avoid one for each slice. */
	int looked = 0;

	for (const Owner *owner = rope->owners; owner != NULL && looked < 4;
	     owner = owner->next, looked++) {
		if (owner->bytes == bytes) {
			return true;
		}
	}
	return false;
}

void
rope_append_slice(Rope *rope, GBytes *bytes, gsize offset, gsize length)
{
	gsize size = 0;
	const guint8 *data = g_bytes_get_data(bytes, &size);
	Run *last = last_run(rope);

	g_assert(offset <= size && length <= size - offset);
	if (length == 0) {
		return;
	}
	if (last != NULL && last->bytes == bytes &&
	    last->data + last->length == data + offset) {
		last->length += length;
		rope->length += length;
		return;
	}
	if (!owns_bytes(rope, bytes)) {
		add_owner(rope)->bytes = g_bytes_ref(bytes);
	}
	add_run(rope, data + offset, length, bytes);
}

void
rope_append_bytes(Rope *rope, GBytes *bytes)
{
	rope_append_slice(rope, bytes, 0, g_bytes_get_size(bytes));
}

/* Whether last is the newest piece of the block, so that it can be longer. */
static bool
ends_at_block_end(const Rope *rope, const Run *last)
{
	return last != NULL && last->bytes == NULL &&
	    last->data + last->length == rope->block + rope->block_used;
}

/*
 * A block with room for length more bytes. When the last run lies at the end
 * of the old block its bytes move along, so that it stays one run; the old
 * block stays too, for whoever holds that run.
 */
static void
new_block(Rope *rope, gsize length)
{
	Run *last = last_run(rope);
	bool move = ends_at_block_end(rope, last) && last->length <= LARGE_RUN;
	gsize used = move ? last->length : 0;
	gsize size = MAX(rope->block_size * 2, (used + length) * 2);
	guint8 *block = g_malloc(size);

	add_owner(rope)->block = block;
	if (move) {
		memcpy(block, last->data, used);
		last->data = block;
	}
	rope->block = block;
	rope->block_used = used;
	rope->block_size = size;
}

void
rope_append_copy(Rope *rope, const void *data, gsize length)
{
	Run *last = NULL;
	guint8 *place = NULL;

	if (length == 0) {
		return;
	}
	if (length >= LARGE_COPY) {
		g_autoptr(GBytes) bytes = g_bytes_new(data, length);

		rope_append_bytes(rope, bytes);
		return;
	}
	if (length > rope->block_size - rope->block_used) {
		new_block(rope, length);
	}
	place = rope->block + rope->block_used;
	memcpy(place, data, length);
	last = last_run(rope);
	if (ends_at_block_end(rope, last)) {
		last->length += length;
		rope->length += length;
	} else {
		add_run(rope, place, length, NULL);
	}
	rope->block_used += length;
}

void
rope_append_text(Rope *rope, const char *text)
{
	rope_append_copy(rope, text, strlen(text));
}

void
rope_append_format(Rope *rope, const char *format, ...)
{
	char small[512];
	g_autofree char *large = NULL;
	va_list args;
	int length = 0;

	va_start(args, format);
	length = g_vsnprintf(small, sizeof(small), format, args);
	va_end(args);
	if (length >= 0 && (gsize)length < sizeof(small)) {
		rope_append_copy(rope, small, (gsize)length);
		return;
	}
	va_start(args, format);
	large = g_strdup_vprintf(format, args);
	va_end(args);
	rope_append_text(rope, large);
}

void
rope_append_rope(Rope *rope, const Rope *tail)
{
	/* The reference is no change of the content: const for the caller. */
	Rope *shared = (Rope *)tail;

	g_assert(tail != rope);
	if (tail->count == 0) {
		return;
	}
	g_atomic_int_inc(&shared->references);
	add_owner(rope)->rope = shared;
	for (guint i = 0; i < tail->count; i++) {
		const Run *run = &tail->runs[i];

		add_run(rope, run->data, run->length, run->bytes);
	}
}

gsize
rope_length(const Rope *rope)
{
	return rope->length;
}

guint
rope_count(const Rope *rope)
{
	return rope->count;
}

RopeRun
rope_run(const Rope *rope, guint i)
{
	g_assert(i < rope->count);
	return (RopeRun){
		.data = rope->runs[i].data,
		.length = rope->runs[i].length,
	};
}

/* The piece of its GBytes that a run is, without a copy. */
static GBytes *
bytes_of_run(const Run *run)
{
	const guint8 *start = g_bytes_get_data(run->bytes, NULL);

	return g_bytes_new_from_bytes(
	    run->bytes, (gsize)(run->data - start), run->length);
}

GBytes *
rope_to_bytes(const Rope *rope)
{
	guint8 *all = NULL;
	gsize at = 0;

	if (rope->count == 0) {
		return g_bytes_new_static("", 0);
	}
	if (rope->count == 1 && rope->runs[0].bytes != NULL) {
		return bytes_of_run(&rope->runs[0]);
	}
	all = g_malloc(rope->length);
	for (guint i = 0; i < rope->count; i++) {
		memcpy(all + at, rope->runs[i].data, rope->runs[i].length);
		at += rope->runs[i].length;
	}
	return g_bytes_new_take(all, rope->length);
}
