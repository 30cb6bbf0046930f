/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DER elements and a walk over BER (ITU-T X.690 8.1, 11.6). The walk checks
 * each length against what is there before it follows it and goes down at most
 * DEPTH levels to find the end of an indefinite length; it knows nothing of
 * what the bytes mean. Whoever needs values leaves them to OpenSSL.
 */
#include "config.h"

#include "crypto/der.h"

#define DEPTH 32

static guint
length_octets(gsize length)
{
	guint octets = 0;

	while (length > 0) {
		octets++;
		length >>= 8;
	}
	return octets;
}

gsize
der_size(gsize content)
{
	return content < 0x80 ? 2 + content
			      : 2 + length_octets(content) + content;
}

void
der_append_header(GByteArray *out, guint8 tag, gsize length)
{
	guint8 header[2 + sizeof length] = { tag };
	guint octets = length_octets(length);

	if (length < 0x80) {
		header[1] = (guint8)length;
		g_byte_array_append(out, header, 2);
		return;
	}
	header[1] = (guint8)(0x80 | octets);
	for (guint i = 0; i < octets; i++) {
		header[1 + octets - i] = (guint8)(length >> (8 * i));
	}
	g_byte_array_append(out, header, 2 + octets);
}

void
der_append(GByteArray *out, guint8 tag, const void *content, gsize length)
{
	der_append_header(out, tag, length);
	g_byte_array_append(out, content, (guint)length);
}

void
der_append_bytes(GByteArray *out, GBytes *encoded)
{
	gsize length = 0;
	const guint8 *data = g_bytes_get_data(encoded, &length);

	g_byte_array_append(out, data, (guint)length);
}

/* X.690 11.6: ascending, a shorter one as if padded with zero octets. No two
 * elements differ in their padding alone, since each begins with its length. */
static gint
compare_encoded(gconstpointer a, gconstpointer b)
{
	return g_bytes_compare(*(GBytes *const *)a, *(GBytes *const *)b);
}

void
der_append_set(GByteArray *out, guint8 tag, GPtrArray *elements)
{
	gsize length = 0;

	g_ptr_array_sort(elements, compare_encoded);
	for (guint i = 0; i < elements->len; i++) {
		length += g_bytes_get_size(elements->pdata[i]);
	}
	der_append_header(out, tag, length);
	for (guint i = 0; i < elements->len; i++) {
		der_append_bytes(out, elements->pdata[i]);
	}
}

GBytes *
der_wrap(guint8 tag, GByteArray *content)
{
	GByteArray *out = g_byte_array_sized_new(content->len + 8);

	der_append(out, tag, content->data, content->len);
	g_byte_array_unref(content);
	return g_byte_array_free_to_bytes(out);
}

DerSpan
der_span(GBytes *bytes)
{
	DerSpan span = { NULL, 0 };

	span.data = g_bytes_get_data(bytes, &span.length);
	return span;
}

static void
skip(DerSpan *span, gsize length)
{
	span->data += length;
	span->length -= length;
}

/* Takes identifier and length octets off span. */
static bool
take_header(
    DerSpan *span, guint8 *tag_out, bool *indefinite_out, gsize *length_out)
{
	guint8 tag = 0;
	guint octets = 0;
	gsize length = 0;

	if (span->length < 2) {
		return false;
	}
	tag = span->data[0];
	skip(span, 1);
	if ((tag & 0x1F) == 0x1F) {
		while (span->length > 0 && (span->data[0] & 0x80) != 0) {
			skip(span, 1);
		}
		if (span->length < 2) {
			return false;
		}
		skip(span, 1);
	}
	octets = span->data[0];
	skip(span, 1);
	if (octets < 0x80) {
		length = octets;
	} else {
		octets &= 0x7F;
		if (octets > sizeof length || octets > span->length) {
			return false;
		}
		for (guint i = 0; i < octets; i++) {
			length = length << 8 | span->data[i];
		}
		skip(span, octets);
		*indefinite_out = octets == 0;
	}
	*tag_out = tag;
	*length_out = length;
	return true;
}

static bool
next_at_depth(DerSpan *rest, guint depth, DerItem *item_out)
{
	DerItem item = { .whole = *rest };
	bool indefinite = false;
	gsize length = 0;

	if (depth > DEPTH ||
	    !take_header(rest, &item.tag, &indefinite, &length)) {
		return false;
	}
	item.content.data = rest->data;
	if (!indefinite) {
		if (length > rest->length) {
			return false;
		}
		item.content.length = length;
		skip(rest, length);
	} else {
		DerItem inner;

		if ((item.tag & 0x20) == 0) {
			return false;
		}
		do {
			item.content.length =
			    (gsize)(rest->data - item.content.data);
			if (!next_at_depth(rest, depth + 1, &inner)) {
				return false;
			}
		} while (inner.tag != 0 || inner.whole.length != 2);
	}
	item.whole.length = (gsize)(rest->data - item.whole.data);
	*item_out = item;
	return true;
}

bool
der_next(DerSpan *rest, DerItem *item_out)
{
	return next_at_depth(rest, 0, item_out);
}

bool
der_next_tagged(DerSpan *rest, guint8 tag, DerItem *item_out)
{
	DerItem item;

	if (!der_next(rest, &item) || item.tag != tag) {
		return false;
	}
	*item_out = item;
	return true;
}
