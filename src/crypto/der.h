/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The few things of X.690 that this room does itself: writing DER elements
 * around content that lies elsewhere, and walking through BER or DER without
 * decoding it. Included by src/crypto only. Pure functions.
 */
#ifndef CRYPTO_DER_H
#define CRYPTO_DER_H

#include <glib.h>
#include <stdbool.h>

enum {
	DER_BOOLEAN = 0x01,
	DER_INTEGER = 0x02,
	DER_BIT_STRING = 0x03,
	DER_OCTET_STRING = 0x04,
	DER_OID = 0x06,
	DER_ENUMERATED = 0x0A,
	DER_UTC_TIME = 0x17,
	DER_GENERALIZED_TIME = 0x18,
	DER_SEQUENCE = 0x30,
	DER_SET = 0x31,
	/* Context-specific and constructed. */
	DER_CONTEXT_0 = 0xA0,
	DER_CONTEXT_1 = 0xA1,
	DER_CONTEXT_2 = 0xA2,
	DER_CONTEXT_4 = 0xA4,
};

/* How many bytes an element with that much content has, header included. */
gsize
der_size(gsize content);

/* The header of an element whose content of this length follows. */
void
der_append_header(GByteArray *out, guint8 tag, gsize length);
void
der_append(GByteArray *out, guint8 tag, const void *content, gsize length);
void
der_append_bytes(GByteArray *out, GBytes *encoded);
/* The elements (of GBytes, each encoded) in the order of DER: sorts them. */
void
der_append_set(GByteArray *out, guint8 tag, GPtrArray *elements);
/* Puts a header before what is in content and hands it over. transfer full;
 * content is consumed. */
GBytes *
der_wrap(guint8 tag, GByteArray *content);

typedef struct {
	const guint8 *data;
	gsize length;
} DerSpan;

typedef struct {
	guint8 tag;      /* the first identifier octet */
	DerSpan content; /* without the header, without end-of-contents */
	DerSpan whole;
} DerItem;

DerSpan
der_span(GBytes *bytes);

/*
 * Takes the first element off rest. Indefinite lengths are understood. false:
 * nothing left, or not BER; rest is then undefined.
 */
bool
der_next(DerSpan *rest, DerItem *item_out);
/* As der_next(), and false unless it bears this tag. */
bool
der_next_tagged(DerSpan *rest, guint8 tag, DerItem *item_out);

#endif
