/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looks for bytes and lines that some MTA would change. Every byte of every
 * mail we sign passes here, so lines are found with memchr() and their bytes
 * looked at eight at a time. No state.
 */
#include "config.h"

#include "mime/hazards.h"

#include <stdbool.h>
#include <string.h>

/* RFC 5322 2.1.1 allows 998, but Sendmail's mailers break lines over 990
 * (their L=990), and with them the signature. */
#define LINE_MAX_BYTES 990

#define ONES G_GUINT64_CONSTANT(0x0101010101010101)
#define HIGHS (ONES * 0x80)

/* High bits are set where a byte is 0: exact as long as only "any" is asked,
 * since a borrow comes only out of a byte that is 0 itself. */
static guint64
zero_bytes(guint64 word)
{
	return (word - ONES) & ~word;
}

static guint64
load(const guint8 *p)
{
	guint64 word;

	memcpy(&word, p, sizeof(word));
	return word;
}

static guint
flags_of(guint64 high, guint64 zero, guint64 cr)
{
	return ((high & HIGHS) != 0 ? HAZARD_8BIT : 0u) |
	    ((zero & HIGHS) != 0 ? HAZARD_NUL : 0u) |
	    ((cr & HIGHS) != 0 ? HAZARD_BARE_CR : 0u);
}

/* Bytes of one line: neither LF nor the CR before it is among them. */
static guint
scan_bytes(const guint8 *p, gsize length)
{
	guint64 high = 0;
	guint64 zero = 0;
	guint64 cr = 0;
	guint64 word = 0;
	gsize i = 0;

	for (; length - i >= 8; i += 8) {
		word = load(p + i);
		high |= word;
		zero |= zero_bytes(word);
		cr |= zero_bytes(word ^ (ONES * '\r'));
	}
	if (i < length) {
		/* The rest, filled up with harmless bytes. */
		word = ONES * 'x';
		memcpy(&word, p + i, length - i);
		high |= word;
		zero |= zero_bytes(word);
		cr |= zero_bytes(word ^ (ONES * '\r'));
	}
	return flags_of(high, zero, cr);
}

static guint
scan_line(const guint8 *p, gsize length)
{
	guint hazards = scan_bytes(p, length);

	if (length > LINE_MAX_BYTES) {
		hazards |= HAZARD_LONG;
	}
	if (length >= 5 && p[0] == 'F' && memcmp(p, "From ", 5) == 0) {
		hazards |= HAZARD_FROM;
	}
	if (length > 0 && (p[length - 1] == ' ' || p[length - 1] == '\t')) {
		hazards |= HAZARD_BLANK;
	}
	return hazards;
}

guint
hazards_of(const guint8 *data, gsize length)
{
	const guint8 *p = data;
	const guint8 *end = data + length;
	guint hazards = HAZARD_NONE;

	while (p < end) {
		const guint8 *lf = memchr(p, '\n', (gsize)(end - p));
		const guint8 *stop = lf != NULL ? lf : end;

		if (lf != NULL && lf > p && lf[-1] == '\r') {
			stop--;
		} else if (lf != NULL) {
			hazards |= HAZARD_BARE_LF;
		}
		hazards |= scan_line(p, (gsize)(stop - p));
		p = lf != NULL ? lf + 1 : end;
	}
	return hazards;
}
