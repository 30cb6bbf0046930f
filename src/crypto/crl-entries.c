/* SPDX-License-Identifier: Apache-2.0 */
/*
 * revokedCertificates (RFC 5280 5.1.2.6, 5.3) as a sorted index into the DER.
 * One walk counts, so that the index is allocated once; one fills it in. Serial
 * numbers are compared as their octets: DER writes each in one way only.
 */
#include "config.h"

#include "crypto/crl-private.h"

#include <string.h>

#include <openssl/err.h>

#define ENTRIES_MAX 20000000
/* RFC 5280 allows 20; some CAs were generous. */
#define SERIAL_MAX 64
#define EXTENSIONS_MAX ((gsize)64 * 1024)

static const guint8 REASON_CODE[] = { 0x55, 0x1D, 0x15 };
static const guint8 HOLD_INSTRUCTION[] = { 0x55, 0x1D, 0x17 };
static const guint8 INVALIDITY_DATE[] = { 0x55, 0x1D, 0x18 };
static const guint8 CERTIFICATE_ISSUER[] = { 0x55, 0x1D, 0x1D };

typedef struct {
	CrlEntries *entries;
	guint32 issuer; /* of the entry before: it stays in force */
	bool extensible;
} Reader;

static bool
malformed(GError **error, const char *what)
{
	g_set_error(
	    error, ERROR_DOMAIN, ERROR_MALFORMED, "CRL entry: %s", what);
	return false;
}

static bool
is_oid(const DerItem *item, const guint8 *oid)
{
	return item->content.length == sizeof REASON_CODE &&
	    memcmp(item->content.data, oid, sizeof REASON_CODE) == 0;
}

static bool
read_reason(DerSpan value, guint8 *reason_out, GError **error)
{
	DerItem item;

	if (!der_next_tagged(&value, DER_ENUMERATED, &item) ||
	    value.length > 0 || item.content.length != 1) {
		return malformed(error, "its reason is malformed");
	}
	/* One that nobody knows is a revocation like any other. */
	*reason_out = item.content.data[0] < CRL_REASONS ? item.content.data[0]
							 : CRL_UNSPECIFIED;
	return true;
}

/* The only directoryName; NULL: none, or several. Borrowed. */
static const X509_NAME *
only_directory_name(const GeneralNames *names)
{
	const X509_NAME *found = NULL;

	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

		if (name->type != GEN_DIRNAME) {
			continue;
		}
		if (found != NULL) {
			return NULL;
		}
		found = name->d.directoryName;
	}
	return found;
}

static guint32
index_of(Reader *reader, const X509_NAME *name)
{
	CrlEntries *entries = reader->entries;
	GPtrArray *issuers = entries->issuers;
	g_autofree char *key = openssl_name_key(name);
	guint known =
	    GPOINTER_TO_UINT(g_hash_table_lookup(entries->indices, key));

	if (known == 0) {
		g_ptr_array_add(issuers, g_steal_pointer(&key));
		known = issuers->len;
		g_hash_table_insert(entries->indices, issuers->pdata[known - 1],
		    GUINT_TO_POINTER(known));
	}
	return known - 1;
}

static bool
read_issuer(Reader *reader, DerSpan value, GError **error)
{
	const guint8 *end = value.data;
	g_autoptr(GeneralNames) names =
	    d2i_GENERAL_NAMES(NULL, &end, (long)value.length);
	const X509_NAME *name = NULL;

	if (names == NULL || end != value.data + value.length) {
		ERR_clear_error();
		return malformed(error, "its certificate issuer is malformed");
	}
	name = only_directory_name(names);
	if (name == NULL) {
		return malformed(
		    error, "its certificate issuer is not one name");
	}
	reader->issuer = index_of(reader, name);
	return true;
}

static bool
read_extension(Reader *reader, DerSpan span, CrlEntry *entry, GError **error)
{
	DerItem oid;
	DerItem item;
	bool critical = false;

	if (!der_next_tagged(&span, DER_OID, &oid) || !der_next(&span, &item)) {
		return malformed(error, "an extension is malformed");
	}
	if (item.tag == DER_BOOLEAN) {
		critical =
		    item.content.length != 1 || item.content.data[0] != 0;
		if (!der_next(&span, &item)) {
			return malformed(error, "an extension is malformed");
		}
	}
	if (item.tag != DER_OCTET_STRING || span.length > 0) {
		return malformed(error, "an extension is malformed");
	}
	if (is_oid(&oid, REASON_CODE)) {
		return read_reason(item.content, &entry->reason, error);
	}
	if (is_oid(&oid, CERTIFICATE_ISSUER)) {
		return read_issuer(reader, item.content, error);
	}
	if (critical && !is_oid(&oid, INVALIDITY_DATE) &&
	    !is_oid(&oid, HOLD_INSTRUCTION)) {
		return malformed(error, "an unknown critical extension");
	}
	return true;
}

static bool
read_extensions(Reader *reader, DerSpan rest, CrlEntry *entry, GError **error)
{
	DerItem list;
	DerItem one;

	if (!reader->extensible) {
		return malformed(error, "extensions in a CRL of version 1");
	}
	if (rest.length > EXTENSIONS_MAX ||
	    !der_next_tagged(&rest, DER_SEQUENCE, &list) || rest.length > 0) {
		return malformed(error, "bytes behind its date");
	}
	while (list.content.length > 0) {
		if (!der_next_tagged(&list.content, DER_SEQUENCE, &one)) {
			return malformed(error, "an extension is malformed");
		}
		if (!read_extension(reader, one.content, entry, error)) {
			return false;
		}
	}
	return true;
}

static guint32
prefix_of(DerSpan serial)
{
	guint32 prefix = 0;

	for (guint i = 0; i < sizeof prefix; i++) {
		prefix = prefix << 8 | (i < serial.length ? serial.data[i] : 0);
	}
	return prefix;
}

/* X.690 8.3.2: in as few octets as can be. */
static bool
is_shortest(DerSpan serial)
{
	return serial.length == 1 ||
	    (serial.length > 1 &&
		!(serial.data[0] == 0x00 && serial.data[1] < 0x80) &&
		!(serial.data[0] == 0xFF && serial.data[1] >= 0x80));
}

static bool
read_entry(Reader *reader, DerSpan span, CrlEntry *entry, GError **error)
{
	DerItem serial;
	DerItem date;

	if (!der_next_tagged(&span, DER_INTEGER, &serial) ||
	    serial.content.length > SERIAL_MAX ||
	    !is_shortest(serial.content)) {
		return malformed(error, "its serial number is malformed");
	}
	if (!der_next(&span, &date) ||
	    (date.tag != DER_UTC_TIME && date.tag != DER_GENERALIZED_TIME)) {
		return malformed(error, "its date is malformed");
	}
	if (span.length > 0 && !read_extensions(reader, span, entry, error)) {
		return false;
	}
	entry->offset = (guint32)(serial.content.data - reader->entries->base);
	entry->length = (guint8)serial.content.length;
	entry->prefix = prefix_of(serial.content);
	entry->issuer = reader->issuer;
	return true;
}

static gint
compare_numbers(guint32 a, guint32 b)
{
	return a < b ? -1 : a > b;
}

static gint
compare_entries(gconstpointer a_data, gconstpointer b_data, gpointer base_data)
{
	const CrlEntry *a = a_data;
	const CrlEntry *b = b_data;
	const guint8 *base = base_data;
	gint order = compare_numbers(a->issuer, b->issuer);

	if (order == 0) {
		order = compare_numbers(a->length, b->length);
	}
	if (order == 0) {
		order = compare_numbers(a->prefix, b->prefix);
	}
	if (order == 0 && a->length > sizeof a->prefix) {
		order = memcmp(base + a->offset, base + b->offset, a->length);
	}
	return order;
}

/* 0: more than allowed, or none that can be read. */
static guint
count_entries(DerSpan revoked)
{
	DerItem item;
	guint count = 0;

	while (revoked.length > 0 && der_next(&revoked, &item)) {
		if (++count > ENTRIES_MAX) {
			return 0;
		}
	}
	return count;
}

static bool
fill(Reader *reader, DerSpan revoked, guint limit, GError **error)
{
	CrlEntries *entries = reader->entries;
	DerItem item;

	while (revoked.length > 0) {
		if (entries->count == limit ||
		    !der_next_tagged(&revoked, DER_SEQUENCE, &item)) {
			return malformed(error, "not one");
		}
		if (!read_entry(reader, item.content,
			&entries->list[entries->count], error)) {
			return false;
		}
		entries->count++;
	}
	return true;
}

bool
crl_entries_read(CrlEntries *entries, const guint8 *base, DerSpan revoked,
    bool extensible, const char *issuer_key, GError **error)
{
	Reader reader = { .entries = entries, .extensible = extensible };
	guint count = count_entries(revoked);

	entries->base = base;
	entries->indices = g_hash_table_new(g_str_hash, g_str_equal);
	entries->issuers = g_ptr_array_new_with_free_func(g_free);
	g_ptr_array_add(entries->issuers, g_strdup(issuer_key));
	g_hash_table_insert(
	    entries->indices, entries->issuers->pdata[0], GUINT_TO_POINTER(1));
	if (count == 0 && revoked.length > 0) {
		g_set_error(error, ERROR_DOMAIN, ERROR_MALFORMED,
		    "CRL: its entries cannot be read, or are more than %d",
		    ENTRIES_MAX);
		return false;
	}
	entries->list = g_new0(CrlEntry, count);
	if (!fill(&reader, revoked, count, error)) {
		return false;
	}
	if (entries->count > 1) {
		g_qsort_with_data(entries->list, (gint)entries->count,
		    sizeof entries->list[0], compare_entries, (gpointer)base);
	}
	return true;
}

void
crl_entries_clear(CrlEntries *entries)
{
	g_clear_pointer(&entries->list, g_free);
	g_clear_pointer(&entries->indices, g_hash_table_unref);
	g_clear_pointer(&entries->issuers, g_ptr_array_unref);
	entries->count = 0;
}

/* Below 0: the entry is before what is sought. */
static gint
compare_with(const CrlEntries *entries, const CrlEntry *entry,
    const CrlEntry *sought, const guint8 *serial)
{
	gint order = compare_numbers(entry->issuer, sought->issuer);

	if (order == 0) {
		order = compare_numbers(entry->length, sought->length);
	}
	if (order == 0) {
		order = compare_numbers(entry->prefix, sought->prefix);
	}
	if (order == 0) {
		order = memcmp(
		    entries->base + entry->offset, serial, entry->length);
	}
	return order;
}

const CrlEntry *
crl_entries_find(
    const CrlEntries *entries, const char *issuer_key, DerSpan serial)
{
	CrlEntry sought = { .prefix = prefix_of(serial) };
	const CrlEntry *found = NULL;
	guint low = 0;
	guint high = entries->count;
	guint issuer =
	    GPOINTER_TO_UINT(g_hash_table_lookup(entries->indices, issuer_key));

	if (issuer == 0 || serial.length == 0 || serial.length > SERIAL_MAX) {
		return NULL;
	}
	sought.issuer = issuer - 1;
	sought.length = (guint8)serial.length;
	while (low < high) {
		guint middle = low + (high - low) / 2;

		if (compare_with(entries, &entries->list[middle], &sought,
			serial.data) < 0) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	for (; low < entries->count &&
	     compare_with(entries, &entries->list[low], &sought, serial.data) ==
		 0;
	     low++) {
		if (found == NULL || found->reason == CRL_REMOVED) {
			found = &entries->list[low];
		}
	}
	return found;
}

gint64
crl_entries_since(
    const CrlEntries *entries, gsize length, const CrlEntry *entry)
{
	gsize offset = (gsize)entry->offset + entry->length;
	const guint8 *date = entries->base + offset;
	g_autoptr(ASN1_TIME) time =
	    d2i_ASN1_TIME(NULL, &date, (long)(length - offset));
	gint64 since = 0;

	if (!openssl_time(time, &since)) {
		ERR_clear_error();
		return 0;
	}
	return since;
}
