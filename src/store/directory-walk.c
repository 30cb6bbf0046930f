/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All files of the certificate directory, one after the other. Names come a
 * piece at a time, files are read past the cache, and parsed only when they
 * have what is looked for: a million of them cost time alone. Without a lock: a
 * file that is written meanwhile is met as it was or as it is.
 */
#include "config.h"

#include "store/directory-private.h"

#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "store/layout.h"
#include "store/listing.h"
#include "store/state.h"

#define SUFFIX ".pem"

typedef struct {
	Directory *directory;
	const char *prefix; /* "": all */
	DirectoryVisit visit;
	gpointer data;
	bool ended; /* by visit */
} Walk;

/* The module's own names are all that layout.c would make. */
static bool
is_domain(const char *name)
{
	g_autofree char *address = layout_address(name, "@domain" SUFFIX);

	return address != NULL;
}

static void
tell(
    Walk *walk, const char *address, DirectoryEntry *entry, const char *problem)
{
	if (!walk->visit(walk->data, address, entry, problem)) {
		walk->ended = true;
	}
}

static void
walk_entries(Walk *walk, const char *address, const GPtrArray *entries)
{
	for (guint i = 0; i < entries->len && !walk->ended; i++) {
		DirectoryEntry *entry = g_ptr_array_index(entries, i);

		if (g_str_has_prefix(
			cert_fingerprint(entry->cert), walk->prefix)) {
			tell(walk, address, entry, NULL);
		}
	}
}

static void
walk_file(Walk *walk, const char *domain, const char *name)
{
	g_autofree char *path =
	    g_build_filename(walk->directory->certs_dir, domain, name, NULL);
	g_autofree char *address = layout_address(domain, name);
	g_autoptr(GPtrArray) entries = NULL;
	g_autoptr(GError) reason = NULL;

	if (address == NULL) {
		g_autofree char *problem = g_strdup_printf(
		    "%s: no address has a file of this name; import the "
		    "certificate instead",
		    path);

		tell(walk, name, NULL, problem);
		return;
	}
	entries = directory_read_with(path, address, walk->prefix, &reason);
	if (entries != NULL) {
		walk_entries(walk, address, entries);
	} else if (!g_error_matches(reason, ERROR_DOMAIN, ERROR_MISSING)) {
		tell(walk, address, NULL, reason->message);
	}
}

typedef bool (*EachName)(
    Walk *walk, const char *parent, const char *name, GError **error);

static bool
for_each(Walk *walk, const char *path, const char *parent, const char *suffix,
    EachName each, GError **error)
{
	g_autofree char *after = g_strdup("");

	while (!walk->ended) {
		g_autoptr(GPtrArray) names =
		    listing_next(path, after, suffix, error);

		if (names == NULL) {
			return false;
		}
		if (names->len == 0) {
			return true;
		}
		for (guint i = 0; i < names->len && !walk->ended; i++) {
			if (!each(walk, parent, g_ptr_array_index(names, i),
				error)) {
				return false;
			}
		}
		g_free(after);
		after = g_strdup(g_ptr_array_index(names, names->len - 1));
	}
	return true;
}

static bool
each_file(Walk *walk, const char *domain, const char *name, GError **error)
{
	(void)error;
	walk_file(walk, domain, name);
	return true;
}

static bool
each_domain(Walk *walk, const char *parent, const char *name, GError **error)
{
	g_autofree char *path = NULL;

	(void)parent;
	if (!is_domain(name)) {
		return true;
	}
	path = g_build_filename(walk->directory->certs_dir, name, NULL);
	/* A file of that name (README) is none of ours. */
	if (!g_file_test(path, G_FILE_TEST_IS_DIR)) {
		return true;
	}
	return for_each(walk, path, name, SUFFIX, each_file, error);
}

static bool
walk_domain(Walk *walk, const char *domain, GError **error)
{
	g_autofree char *folded = text_fold(domain);

	if (!is_domain(folded)) {
		g_autofree char *clean = text_clean(domain, 256);

		g_set_error(error, ERROR_DOMAIN, ERROR_MALFORMED,
		    "%s: no domain, or not in A-labels", clean);
		return false;
	}
	return each_domain(walk, "", folded, error);
}

bool
directory_walk(Directory *directory, const char *domain, const char *prefix,
    DirectoryVisit visit, gpointer data, GError **error)
{
	g_autofree char *folded = text_fold(prefix != NULL ? prefix : "");
	Walk walk = {
		.directory = directory,
		.prefix = folded,
		.visit = visit,
		.data = data,
	};

	if (!state_check(directory->state_dir, error)) {
		return false;
	}
	if (domain != NULL) {
		return walk_domain(&walk, domain, error);
	}
	return for_each(
	    &walk, directory->certs_dir, "", "", each_domain, error);
}
