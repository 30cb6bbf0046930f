/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates that came lately, by the hash of their DER. Two generations:
 * what is asked for is put into the young one; when that is full it becomes
 * the old one, and what nobody asked for in the meantime goes. Bounded in
 * number and in bytes, since anybody may send certificates. Parsing happens
 * without the lock.
 */
#include "config.h"

#include "crypto/cert.h"

#include <pthread.h>
#include <string.h>

#include "crypto/digest-private.h"

/* Of one generation. An object takes some three times its DER. */
#define ENTRIES 2048
#define BYTES ((gsize)8 * 1024 * 1024)

typedef struct {
	guint8 hash[DIGEST_SHA256_LENGTH];
	Cert *cert;
	gsize size;
} Entry;

static struct {
	pthread_mutex_t lock;
	GHashTable *young; /* a set of Entry */
	GHashTable *old;
	gsize bytes; /* of young */
} cache = { .lock = PTHREAD_MUTEX_INITIALIZER };

static guint
entry_hash(gconstpointer key)
{
	const Entry *entry = key;
	guint value = 0;

	memcpy(&value, entry->hash, sizeof value);
	return value;
}

static gboolean
entry_equal(gconstpointer a, gconstpointer b)
{
	const Entry *first = a;
	const Entry *second = b;

	return memcmp(first->hash, second->hash, sizeof first->hash) == 0;
}

static void
entry_free(gpointer data)
{
	Entry *entry = data;

	cert_unref(entry->cert);
	g_free(entry);
}

static GHashTable *
generation_new(void)
{
	return g_hash_table_new_full(entry_hash, entry_equal, entry_free, NULL);
}

/* Takes entry. What is dropped is given back, to be freed without the lock;
 * NULL: nothing. */
static GHashTable *
insert(Entry *entry)
{
	GHashTable *dropped = NULL;

	if (g_hash_table_size(cache.young) >= ENTRIES ||
	    cache.bytes + entry->size > BYTES) {
		dropped = cache.old;
		cache.old = cache.young;
		cache.young = generation_new();
		cache.bytes = 0;
	}
	cache.bytes += entry->size;
	g_hash_table_add(cache.young, entry);
	return dropped;
}

static void
drop(GHashTable *generation)
{
	g_clear_pointer(&generation, g_hash_table_unref);
}

/* Under the lock. transfer full; NULL: not there. */
static Cert *
find(const Entry *wanted, GHashTable **dropped_out)
{
	Entry *entry = NULL;
	gpointer found = NULL;

	if (cache.young == NULL) {
		cache.young = generation_new();
		cache.old = generation_new();
	}
	entry = g_hash_table_lookup(cache.young, wanted);
	if (entry != NULL) {
		return cert_ref(entry->cert);
	}
	if (!g_hash_table_steal_extended(cache.old, wanted, &found, NULL)) {
		return NULL;
	}
	entry = found;
	*dropped_out = insert(entry);
	return cert_ref(entry->cert);
}

static Cert *
keep(Entry *entry, Cert *cert, GHashTable **dropped_out)
{
	Cert *first = find(entry, dropped_out);

	if (first != NULL) {
		cert_unref(cert);
		g_free(entry);
		return first;
	}
	entry->cert = cert_ref(cert);
	*dropped_out = insert(entry);
	return cert;
}

Cert *
cert_shared(const guint8 *der, gsize length, GError **error)
{
	Entry wanted = { .size = length };
	Cert *cert = NULL;
	GHashTable *dropped = NULL;
	g_autoptr(GBytes) bytes = NULL;

	digest_sha256(der, length, wanted.hash);
	pthread_mutex_lock(&cache.lock);
	cert = find(&wanted, &dropped);
	pthread_mutex_unlock(&cache.lock);
	drop(g_steal_pointer(&dropped));
	if (cert != NULL) {
		return cert;
	}
	bytes = g_bytes_new(der, length);
	cert = cert_new(bytes, error);
	if (cert == NULL) {
		return NULL;
	}
	pthread_mutex_lock(&cache.lock);
	cert = keep(g_memdup2(&wanted, sizeof wanted), cert, &dropped);
	pthread_mutex_unlock(&cache.lock);
	drop(dropped);
	return cert;
}
