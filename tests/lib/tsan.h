/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Put in front of each file in a build under ThreadSanitizer, for nothing
 * else. GLib's own code is not instrumented, so the sanitizer does not see
 * that whoever frees an object with the last reference comes after all who let
 * theirs go, and reports each such free. Here the counters are its own to see;
 * they count as GLib's do.
 */
#ifndef LIB_TSAN_H
#define LIB_TSAN_H

#include "config.h"

#include <glib.h>
#include <stddef.h>

#undef g_atomic_ref_count_init
#undef g_atomic_ref_count_inc
#undef g_atomic_ref_count_dec
#undef g_atomic_rc_box_new0
#undef g_atomic_rc_box_acquire
#undef g_atomic_rc_box_release_full

#define g_atomic_ref_count_init(count) \
	__atomic_store_n(count, 1, __ATOMIC_RELEASE)
#define g_atomic_ref_count_inc(count) \
	((void)__atomic_fetch_add(count, 1, __ATOMIC_ACQ_REL))
#define g_atomic_ref_count_dec(count) \
	(__atomic_fetch_sub(count, 1, __ATOMIC_ACQ_REL) == 1)

/* In front of the object; as large as the strictest alignment. */
typedef union {
	gatomicrefcount count;
	max_align_t align;
} TsanBox;

static inline gpointer
tsan_box_new0(gsize size)
{
	TsanBox *box = g_malloc0(sizeof(TsanBox) + size);

	g_atomic_ref_count_init(&box->count);
	return box + 1;
}

static inline gpointer
tsan_box_acquire(gpointer object)
{
	g_atomic_ref_count_inc(&((TsanBox *)object - 1)->count);
	return object;
}

static inline void
tsan_box_release(gpointer object, GDestroyNotify clear)
{
	TsanBox *box = (TsanBox *)object - 1;

	if (g_atomic_ref_count_dec(&box->count)) {
		clear(object);
		g_free(box);
	}
}

#define g_atomic_rc_box_new0(type) ((type *)tsan_box_new0(sizeof(type)))
#define g_atomic_rc_box_acquire(object) tsan_box_acquire(object)
#define g_atomic_rc_box_release_full(object, clear) \
	tsan_box_release(object, clear)

#endif
