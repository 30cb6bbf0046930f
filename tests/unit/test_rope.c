/* SPDX-License-Identifier: Apache-2.0 */
/* Ropes: what is shared, what is copied, and how many runs that makes. */
#include "config.h"

#include "base/rope.h"

#include <string.h>

static void
assert_text(const Rope *rope, const char *want)
{
	g_autoptr(GBytes) bytes = rope_to_bytes(rope);
	gsize total = 0;

	g_assert_cmpmem(g_bytes_get_data(bytes, NULL),
	    (int)g_bytes_get_size(bytes), want, (int)strlen(want));
	for (guint i = 0; i < rope_count(rope); i++) {
		g_assert_cmpuint(rope_run(rope, i).length, >, 0);
		total += rope_run(rope, i).length;
	}
	g_assert_cmpuint(total, ==, strlen(want));
	g_assert_cmpuint(rope_length(rope), ==, strlen(want));
}

/* In a block of exactly its length. */
static GBytes *
bytes_of(const char *text)
{
	return g_bytes_new(text, strlen(text));
}

static void
test_empty(void)
{
	g_autoptr(Rope) rope = rope_new();
	g_autoptr(Rope) other = rope_new();
	g_autoptr(GBytes) none = g_bytes_new(NULL, 0);
	g_autoptr(GBytes) bytes = NULL;

	rope_append_text(rope, "");
	rope_append_copy(rope, NULL, 0);
	rope_append_format(rope, "%s", "");
	rope_append_bytes(rope, none);
	rope_append_slice(rope, none, 0, 0);
	rope_append_rope(rope, other);
	g_assert_cmpuint(rope_count(rope), ==, 0);
	assert_text(rope, "");
	/* Not NULL: some libraries refuse an empty block that is. */
	bytes = rope_to_bytes(rope);
	g_assert_nonnull(g_bytes_get_data(bytes, NULL));
	rope_free(NULL);
}

static void
test_copies_coalesce(void)
{
	g_autoptr(Rope) rope = rope_new();
	char volatile_text[] = "one ";

	rope_append_text(rope, volatile_text);
	memset(volatile_text, 'x', 4);
	rope_append_copy(rope, "two ", 4);
	rope_append_format(rope, "%s %d", "three", 4);
	g_assert_cmpuint(rope_count(rope), ==, 1);
	assert_text(rope, "one two three 4");
}

static void
test_many_small_copies(void)
{
	g_autoptr(Rope) rope = rope_new();
	g_autoptr(GString) want = g_string_new(NULL);

	for (int i = 0; i < 3000; i++) {
		rope_append_format(rope, "%d;", i);
		g_string_append_printf(want, "%d;", i);
	}
	g_assert_cmpuint(rope_count(rope), ==, 1);
	assert_text(rope, want->str);
}

/* Beyond what is moved to stay one run: few runs still. */
static void
test_very_many_copies(void)
{
	g_autoptr(Rope) rope = rope_new();
	g_autoptr(GString) want = g_string_new(NULL);

	for (int i = 0; i < 300000; i++) {
		rope_append_text(rope, "0123456789");
		g_string_append(want, "0123456789");
	}
	g_assert_cmpuint(rope_count(rope), <, 12);
	assert_text(rope, want->str);
}

static void
test_format_long(void)
{
	g_autoptr(Rope) rope = rope_new();
	g_autofree char *text = g_strnfill(100000, 'a');
	g_autofree char *want = g_strconcat("<", text, ">", NULL);

	rope_append_format(rope, "<%s>", text);
	assert_text(rope, want);
	/* Around the length of the buffer that most fit into. */
	for (gsize length = 508; length < 516; length++) {
		g_autoptr(Rope) small = rope_new();
		g_autofree char *piece = g_strndup(text, length);

		rope_append_format(small, "%s", piece);
		assert_text(small, piece);
	}
}

static void
test_bytes_are_shared(void)
{
	g_autoptr(Rope) rope = rope_new();
	g_autoptr(GBytes) bytes = bytes_of("shared");
	const guint8 *data = g_bytes_get_data(bytes, NULL);

	rope_append_text(rope, "<");
	rope_append_bytes(rope, bytes);
	rope_append_text(rope, ">");
	g_assert_cmpuint(rope_count(rope), ==, 3);
	g_assert_true(rope_run(rope, 1).data == data);
	g_clear_pointer(&bytes, g_bytes_unref);
	assert_text(rope, "<shared>");
}

static void
test_slices(void)
{
	g_autoptr(Rope) rope = rope_new();
	g_autoptr(GBytes) bytes = bytes_of("0123456789");

	rope_append_slice(rope, bytes, 0, 3);
	rope_append_slice(rope, bytes, 3, 2); /* goes on: the same run */
	rope_append_slice(rope, bytes, 7, 3);
	rope_append_slice(rope, bytes, 10, 0);
	rope_append_slice(rope, bytes, 0, 1);
	g_assert_cmpuint(rope_count(rope), ==, 3);
	assert_text(rope, "012347890");
}

static void
test_many_runs(void)
{
	g_autoptr(Rope) rope = rope_new();
	g_autoptr(GBytes) bytes = bytes_of("0123456789");
	g_autoptr(GString) want = g_string_new(NULL);

	for (gsize i = 0; i < 1000; i++) {
		rope_append_slice(rope, bytes, i % 10, 1);
		rope_append_text(rope, "-");
		g_string_append_printf(want, "%d-", (int)(i % 10));
	}
	g_assert_cmpuint(rope_count(rope), ==, 2000);
	assert_text(rope, want->str);
}

/* A run stays where it is while the rope grows. */
static void
test_runs_stay(void)
{
	g_autoptr(Rope) rope = rope_new();
	RopeRun first;

	rope_append_text(rope, "first");
	first = rope_run(rope, 0);
	for (int i = 0; i < 10000; i++) {
		rope_append_text(rope, "more");
	}
	g_assert_cmpmem(first.data, (int)first.length, "first", 5);
}

static void
test_large_copy(void)
{
	g_autoptr(Rope) rope = rope_new();
	g_autofree char *text = g_strnfill(200000, 'b');
	g_autofree char *want = g_strconcat("a", text, "c", NULL);

	rope_append_text(rope, "a");
	rope_append_copy(rope, text, 200000);
	rope_append_text(rope, "c");
	assert_text(rope, want);
}

static void
test_append_rope(void)
{
	g_autoptr(Rope) rope = rope_new();
	Rope *tail = rope_new();
	g_autoptr(GBytes) bytes = bytes_of("bytes");
	const guint8 *data = g_bytes_get_data(bytes, NULL);

	rope_append_text(tail, "<");
	rope_append_bytes(tail, bytes);
	rope_append_text(tail, ">");
	rope_append_text(rope, "head ");
	rope_append_rope(rope, tail);
	rope_append_rope(rope, tail);
	g_assert_true(rope_run(rope, 2).data == data);
	/* What the tail gets later is not ours. */
	rope_append_text(tail, " later");
	assert_text(tail, "<bytes> later");
	rope_free(tail);
	rope_append_text(rope, " end");
	assert_text(rope, "head <bytes><bytes> end");
}

static void
test_append_rope_nested(void)
{
	Rope *rope = rope_new();

	rope_append_text(rope, "x");
	for (int i = 0; i < 10; i++) {
		Rope *outer = rope_new();

		rope_append_rope(outer, rope);
		rope_append_text(outer, "y");
		rope_free(rope);
		rope = outer;
	}
	assert_text(rope, "xyyyyyyyyyy");
	rope_free(rope);
}

static void
test_to_bytes_shares(void)
{
	g_autoptr(GBytes) bytes = bytes_of("0123456789");
	const guint8 *data = g_bytes_get_data(bytes, NULL);
	g_autoptr(Rope) whole = rope_new();
	g_autoptr(Rope) piece = rope_new();
	g_autoptr(GBytes) all = NULL;
	g_autoptr(GBytes) part = NULL;

	rope_append_bytes(whole, bytes);
	all = rope_to_bytes(whole);
	g_assert_true(g_bytes_get_data(all, NULL) == data);
	rope_append_slice(piece, bytes, 2, 3);
	part = rope_to_bytes(piece);
	g_assert_true(g_bytes_get_data(part, NULL) == data + 2);
	g_assert_cmpuint(g_bytes_get_size(part), ==, 3);
	g_clear_pointer(&piece, rope_free);
	g_clear_pointer(&bytes, g_bytes_unref);
	g_clear_pointer(&whole, rope_free);
	g_clear_pointer(&all, g_bytes_unref);
	g_assert_cmpmem(g_bytes_get_data(part, NULL), 3, "234", 3);
}

static gpointer
read_rope(gpointer data)
{
	const Rope *rope = data;

	for (int i = 0; i < 200; i++) {
		g_autoptr(Rope) own = rope_new();

		rope_append_text(own, "own ");
		rope_append_rope(own, rope);
		assert_text(own, "own head bytes");
	}
	return NULL;
}

static void
test_read_by_threads(void)
{
	g_autoptr(Rope) rope = rope_new();
	g_autoptr(GBytes) bytes = bytes_of("bytes");
	GThread *threads[4];

	rope_append_text(rope, "head ");
	rope_append_bytes(rope, bytes);
	for (gsize i = 0; i < G_N_ELEMENTS(threads); i++) {
		threads[i] = g_thread_new("reader", read_rope, rope);
	}
	for (gsize i = 0; i < G_N_ELEMENTS(threads); i++) {
		g_thread_join(threads[i]);
	}
	assert_text(rope, "head bytes");
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/rope/append/empty", test_empty);
	g_test_add_func("/rope/append_copy/coalesces", test_copies_coalesce);
	g_test_add_func("/rope/append_copy/many", test_many_small_copies);
	g_test_add_func("/rope/append_copy/very-many", test_very_many_copies);
	g_test_add_func("/rope/append_copy/large", test_large_copy);
	g_test_add_func("/rope/append_format/long", test_format_long);
	g_test_add_func("/rope/append_bytes/shared", test_bytes_are_shared);
	g_test_add_func("/rope/append_slice/adjacent", test_slices);
	g_test_add_func("/rope/append_slice/many", test_many_runs);
	g_test_add_func("/rope/run/stays", test_runs_stay);
	g_test_add_func("/rope/append_rope/outlives-tail", test_append_rope);
	g_test_add_func("/rope/append_rope/nested", test_append_rope_nested);
	g_test_add_func("/rope/to_bytes/shares", test_to_bytes_shares);
	g_test_add_func("/rope/append_rope/threads", test_read_by_threads);
	return g_test_run();
}
