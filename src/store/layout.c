/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The layout of the certificate directory: addresses to paths and back. The
 * domain is checked letter by letter and every byte of the local part outside
 * a small set is encoded, so that no address leads out of the directory. One
 * address has exactly one name: a name that this module would not have made is
 * none of ours. It opens no file. No state; thread-safe.
 */
#include "config.h"

#include "store/layout.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"

/* Of an encoded local part or a domain: with suffix and a temporary name well
 * within the 255 bytes of a name. */
#define NAME_MAX_BYTES 240
#define SUFFIX ".pem"
/* The file of a domain's own certificate. No encoded local part has an '@'. */
#define DOMAIN_NAME "@domain"

/* A-labels (RFC 5890) and what is seen beside them: nothing that means
 * anything to a file system. */
static bool
is_domain_byte(char byte)
{
	return g_ascii_islower(byte) || g_ascii_isdigit(byte) || byte == '-' ||
	    byte == '_';
}

/* Labels with one dot between, lower case. */
static bool
is_domain(const char *domain)
{
	char before = '.';

	if (strlen(domain) > NAME_MAX_BYTES) {
		return false;
	}
	for (const char *at = domain; *at != '\0'; at++) {
		if (*at == '.' ? before == '.' : !is_domain_byte(*at)) {
			return false;
		}
		before = *at;
	}
	return before != '.';
}

static bool
is_plain_byte(char byte)
{
	return g_ascii_islower(byte) || g_ascii_isdigit(byte) ||
	    (byte != '\0' && strchr("+-_=.", byte) != NULL);
}

/* The name of a local part of length bytes, without the suffix. */
static char *
encode(const char *local, gsize length)
{
	GString *name = g_string_sized_new(length + 8);

	for (gsize i = 0; i < length; i++) {
		char byte = g_ascii_tolower(local[i]);

		if (is_plain_byte(byte) && !(i == 0 && byte == '.')) {
			g_string_append_c(name, byte);
		} else {
			g_string_append_printf(name, "%%%02X", (guchar)byte);
		}
	}
	return g_string_free(name, FALSE);
}

/* The reverse; NULL for an escape that is none, or a NUL. */
static char *
decode(const char *name, gsize length)
{
	g_autoptr(GString) local = g_string_sized_new(length);

	for (gsize i = 0; i < length; i++) {
		int high = 0;
		int low = 0;

		if (name[i] != '%') {
			g_string_append_c(local, name[i]);
			continue;
		}
		if (length - i < 3) {
			return NULL;
		}
		high = g_ascii_xdigit_value(name[i + 1]);
		low = g_ascii_xdigit_value(name[i + 2]);
		if (high < 0 || low < 0 || high + low == 0) {
			return NULL;
		}
		g_string_append_c(local, (char)(high * 16 + low));
		i += 2;
	}
	return g_strndup(local->str, local->len);
}

static bool
refuse(const char *address, ErrorCode code, const char *why, GError **error)
{
	g_autofree char *clean = text_clean(address, 256);

	g_set_error(error, ERROR_DOMAIN, (int)code, "%s: %s", clean, why);
	return false;
}

static bool
check_domain(const char *address, const char *domain, GError **error)
{
	if (*domain == '[') {
		return refuse(address, ERROR_MALFORMED,
		    "an address literal has no place in the store", error);
	}
	if (strlen(domain) > NAME_MAX_BYTES) {
		return refuse(
		    address, ERROR_LIMIT, "the domain is too long", error);
	}
	if (!is_domain(domain)) {
		return refuse(address, ERROR_MALFORMED,
		    "the domain is none, or not in A-labels", error);
	}
	return true;
}

char *
layout_path(const char *directory, const char *address, GError **error)
{
	const char *at = strrchr(address, '@');
	g_autofree char *domain = NULL;
	g_autofree char *name = NULL;

	if (at == NULL) {
		refuse(address, ERROR_MALFORMED, "no address", error);
		return NULL;
	}
	domain = text_fold(at + 1);
	if (!check_domain(address, domain, error)) {
		return NULL;
	}
	name = at == address ? g_strdup(DOMAIN_NAME)
			     : encode(address, (gsize)(at - address));
	if (strlen(name) > NAME_MAX_BYTES) {
		refuse(address, ERROR_LIMIT,
		    "the local part is too long for a file name", error);
		return NULL;
	}
	return g_strconcat(directory, "/", domain, "/", name, SUFFIX, NULL);
}

char *
layout_address(const char *domain, const char *file_name)
{
	g_autofree char *local = NULL;
	g_autofree char *again = NULL;
	gsize length = strlen(file_name);

	if (!is_domain(domain) || !g_str_has_suffix(file_name, SUFFIX)) {
		return NULL;
	}
	length -= strlen(SUFFIX);
	if (length == 0 || length > NAME_MAX_BYTES) {
		return NULL;
	}
	if (strcmp(file_name, DOMAIN_NAME SUFFIX) == 0) {
		return g_strconcat("@", domain, NULL);
	}
	local = decode(file_name, length);
	if (local == NULL) {
		return NULL;
	}
	again = encode(local, strlen(local));
	if (strlen(again) != length || strncmp(again, file_name, length) != 0) {
		return NULL;
	}
	return g_strconcat(local, "@", domain, NULL);
}

/* NULL without *error when path is no directory, or none any more. */
static DIR *
open_directory(const char *path, GError **error)
{
	DIR *directory = opendir(path);

	if (directory == NULL && errno != ENOENT && errno != ENOTDIR) {
		error_set_errno(error, "%s", path);
	}
	return directory;
}

static bool
end_of_directory(DIR *directory, const char *path, GError **error)
{
	/* readdir() set it when it ended for another reason than the end. */
	bool sound = errno == 0;

	if (!sound) {
		error_set_errno(error, "%s", path);
	}
	closedir(directory);
	return sound;
}

static struct dirent *
next_entry(DIR *directory)
{
	errno = 0;
	return readdir(directory);
}

static bool
list_domain(const char *directory, const char *domain, GPtrArray *addresses,
    GError **error)
{
	g_autofree char *path = g_build_filename(directory, domain, NULL);
	g_autoptr(GError) reason = NULL;
	DIR *files = open_directory(path, &reason);
	struct dirent *entry = NULL;

	if (files == NULL) {
		bool sound = reason == NULL;

		if (!sound) {
			g_propagate_error(error, g_steal_pointer(&reason));
		}
		return sound;
	}
	while ((entry = next_entry(files)) != NULL) {
		char *address = layout_address(domain, entry->d_name);

		if (address != NULL) {
			g_ptr_array_add(addresses, address);
		}
	}
	return end_of_directory(files, path, error);
}

static int
compare_addresses(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

GPtrArray *
layout_list(const char *directory, GError **error)
{
	g_autoptr(GPtrArray) addresses = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GPtrArray) domains = g_ptr_array_new_with_free_func(g_free);
	DIR *files = opendir(directory);
	struct dirent *entry = NULL;

	if (files == NULL) {
		if (errno != ENOENT) {
			error_set_errno(error, "%s", directory);
			return NULL;
		}
		return g_steal_pointer(&addresses);
	}
	while ((entry = next_entry(files)) != NULL) {
		if (is_domain(entry->d_name)) {
			g_ptr_array_add(domains, g_strdup(entry->d_name));
		}
	}
	if (!end_of_directory(files, directory, error)) {
		return NULL;
	}
	for (guint i = 0; i < domains->len; i++) {
		if (!list_domain(directory, g_ptr_array_index(domains, i),
			addresses, error)) {
			return NULL;
		}
	}
	g_ptr_array_sort(addresses, compare_addresses);
	return g_steal_pointer(&addresses);
}
