/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entries of the certificate directory as text. The reader is tolerant where
 * people and their tools write: CRLF, text between, missing lines. It is strict
 * where a guess could make a certificate used that is not to be: an unknown
 * state, a line twice, a damaged block, lines whose certificate was cut off.
 * The blocks are found here and not by OpenSSL, since the lines in front of
 * each belong to it. A fingerprint line is for grep; it is never believed.
 */
#include "config.h"

#include "store/entry.h"

#include <string.h>

#include "base/error.h"
#include "base/text.h"

#define BEGIN "-----BEGIN "
#define END "-----END "
#define DASHES "-----"
/* The words of capabilities.h have 1.5 kB at most. */
#define CAPABILITIES_MAX 4096
/* "# why: ..." and the like. */
#define LINE_MAX_BYTES 1024

static const char *const state_names[] = {
	[ENTRY_PENDING] = "pending",
	[ENTRY_USED] = "used",
	[ENTRY_BLOCKED] = "blocked",
};

static const char *const source_names[] = {
	[ENTRY_HARVESTED] = "harvested",
	[ENTRY_APPROVED] = "approved",
	[ENTRY_IMPORTED] = "imported",
};

const char *
directory_state_name(EntryState state)
{
	return state_names[state];
}

const char *
directory_source_name(EntrySource source)
{
	return source_names[source];
}

DirectoryEntry *
directory_entry_ref(DirectoryEntry *entry)
{
	return g_atomic_rc_box_acquire(entry);
}

static void
clear_entry(gpointer data)
{
	DirectoryEntry *entry = data;

	g_free(entry->address);
	cert_unref(entry->cert);
	g_free(entry->capabilities);
	g_ptr_array_unref(entry->other_lines);
}

void
directory_entry_unref(DirectoryEntry *entry)
{
	if (entry != NULL) {
		g_atomic_rc_box_release_full(entry, clear_entry);
	}
}

static void
unref_entry(gpointer data)
{
	directory_entry_unref(data);
}

DirectoryEntry *
entry_new(const char *address, const Cert *cert, EntrySource source)
{
	DirectoryEntry *entry = g_atomic_rc_box_new0(DirectoryEntry);

	entry->address = g_strdup(address);
	entry->cert = cert_ref((Cert *)cert);
	entry->state = ENTRY_USED;
	entry->source = source;
	entry->other_lines = g_ptr_array_new_with_free_func(g_free);
	return entry;
}

DirectoryEntry *
entry_find(const GPtrArray *entries, const char *fingerprint)
{
	for (guint i = 0; i < entries->len; i++) {
		DirectoryEntry *entry = g_ptr_array_index(entries, i);

		if (strcmp(cert_fingerprint(entry->cert), fingerprint) == 0) {
			return entry;
		}
	}
	return NULL;
}

void
entry_add_line(DirectoryEntry *entry, const char *name, const char *value)
{
	g_autofree char *clean = text_clean(value, LINE_MAX_BYTES);

	g_ptr_array_add(
	    entry->other_lines, g_strdup_printf("# %s: %s", name, clean));
}

/* The value of "# name: value"; NULL: another line. */
static const char *
value_of(const char *line, const char *name)
{
	gsize length = strlen(name);

	if (*line != '#') {
		return NULL;
	}
	line += strspn(line + 1, " \t") + 1;
	if (g_ascii_strncasecmp(line, name, length) != 0 ||
	    line[length] != ':') {
		return NULL;
	}
	line += length + 1;
	return *line == ' ' ? line + 1 : line;
}

const char *
entry_line(const DirectoryEntry *entry, const char *name)
{
	for (guint i = 0; i < entry->other_lines->len; i++) {
		const char *value =
		    value_of(g_ptr_array_index(entry->other_lines, i), name);

		if (value != NULL) {
			return value;
		}
	}
	return NULL;
}

bool
entry_is_fingerprint(const char *text)
{
	return strlen(text) == 64 && strspn(text, "0123456789abcdef") == 64;
}

/* A walk over the lines: comments are gathered until a block is there. */
typedef struct {
	const char *at;
	const char *end;
	guint number;        /* of the line before at */
	GPtrArray *comments; /* of char *; NULL: not gathered */
	guint8 *data;        /* of the block, base64 undone */
	gsize length;
	bool trusted; /* OpenSSL's own form: more than a certificate */
} Scan;

static void
scan_init(Scan *scan, GBytes *content, bool gather)
{
	gsize length = 0;
	const char *data = g_bytes_get_data(content, &length);

	*scan = (Scan){ .at = data, .end = data + length };
	/* A base64 line is never longer decoded than it was. */
	scan->data = g_malloc(length + 3);
	if (gather) {
		scan->comments = g_ptr_array_new_with_free_func(g_free);
	}
}

static void
scan_clear(Scan *scan)
{
	g_free(scan->data);
	g_clear_pointer(&scan->comments, g_ptr_array_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Scan, scan_clear)

/* Without its end, LF or CRLF, and without blanks there. */
static bool
next_line(Scan *scan, const char **line_out, gsize *length_out)
{
	gsize rest = (gsize)(scan->end - scan->at);
	const char *newline = rest > 0 ? memchr(scan->at, '\n', rest) : NULL;
	const char *end = newline != NULL ? newline : scan->end;

	if (rest == 0) {
		return false;
	}
	*line_out = scan->at;
	scan->at = newline != NULL ? newline + 1 : scan->end;
	scan->number++;
	while (end > *line_out && (end[-1] == '\r' || end[-1] == ' ')) {
		end--;
	}
	*length_out = (gsize)(end - *line_out);
	return true;
}

static bool
starts(const char *line, gsize length, const char *with)
{
	return length >= strlen(with) && memcmp(line, with, strlen(with)) == 0;
}

static bool
is_line(const char *line, gsize length, const char *text)
{
	return length == strlen(text) && memcmp(line, text, length) == 0;
}

static bool
fail_at(const Scan *scan, const char *why, GError **error)
{
	g_set_error(error, ERROR_DOMAIN, ERROR_MALFORMED, "line %u: %s",
	    scan->number, why);
	return false;
}

static bool
is_base64(const char *line, gsize length)
{
	for (gsize i = 0; i < length; i++) {
		if (!g_ascii_isalnum(line[i]) && line[i] != '+' &&
		    line[i] != '/' && line[i] != '=') {
			return false;
		}
	}
	return true;
}

/* The lines behind BEGIN, up to END. */
static bool
take_block(Scan *scan, GError **error)
{
	const char *line = NULL;
	gsize length = 0;
	gint state = 0;
	guint save = 0;

	scan->length = 0;
	while (next_line(scan, &line, &length)) {
		if (starts(line, length, END)) {
			return true;
		}
		if (!is_base64(line, length)) {
			break;
		}
		scan->length += g_base64_decode_step(
		    line, length, scan->data + scan->length, &state, &save);
	}
	return fail_at(scan, "the PEM block is damaged or cut off", error);
}

static bool
is_certificate(Scan *scan, const char *line, gsize length)
{
	scan->trusted =
	    is_line(line, length, BEGIN "TRUSTED CERTIFICATE" DASHES);
	return scan->trusted ||
	    is_line(line, length, BEGIN "CERTIFICATE" DASHES) ||
	    is_line(line, length, BEGIN "X509 CERTIFICATE" DASHES);
}

/* false: the end; with *error: broken. The comments stay until the next. */
static bool
scan_next(Scan *scan, GError **error)
{
	const char *line = NULL;
	gsize length = 0;

	if (scan->comments != NULL) {
		g_ptr_array_set_size(scan->comments, 0);
	}
	while (next_line(scan, &line, &length)) {
		if (starts(line, length, BEGIN)) {
			return is_certificate(scan, line, length)
			    ? take_block(scan, error)
			    : fail_at(scan, "a PEM block, but no certificate",
				  error);
		}
		if (length > 0 && *line == '#' && scan->comments != NULL) {
			g_ptr_array_add(
			    scan->comments, g_strndup(line, length));
		}
	}
	return false;
}

static bool
take_name(
    const char *value, const char *const *names, guint count, guint *index_out)
{
	for (guint i = 0; i < count; i++) {
		if (text_equal_fold(value, names[i])) {
			*index_out = i;
			return true;
		}
	}
	return false;
}

static bool
take_state(DirectoryEntry *entry, const char *value)
{
	return take_name(value, state_names, G_N_ELEMENTS(state_names),
	    (guint *)&entry->state);
}

static bool
take_source(DirectoryEntry *entry, const char *value)
{
	return take_name(value, source_names, G_N_ELEMENTS(source_names),
	    (guint *)&entry->source);
}

static bool
take_pinned(DirectoryEntry *entry, const char *value)
{
	entry->pinned = text_equal_fold(value, "yes");
	return entry->pinned || text_equal_fold(value, "no");
}

static bool
take_address(DirectoryEntry *entry, const char *value)
{
	g_free(entry->address);
	entry->address = g_strdup(value);
	return true;
}

static bool
take_first_seen(DirectoryEntry *entry, const char *value)
{
	return text_parse_time(value, &entry->first_seen);
}

static bool
take_last_seen(DirectoryEntry *entry, const char *value)
{
	return text_parse_time(value, &entry->last_seen);
}

static bool
take_signing_time(DirectoryEntry *entry, const char *value)
{
	return text_parse_time(value, &entry->signing_time);
}

static bool
take_capabilities(DirectoryEntry *entry, const char *value)
{
	g_free(entry->capabilities);
	entry->capabilities = g_strdup(value);
	return true;
}

static bool
take_nothing(DirectoryEntry *entry, const char *value)
{
	(void)entry;
	(void)value;
	return true;
}

static const struct {
	const char *name;
	bool (*take)(DirectoryEntry *entry, const char *value);
} known_lines[] = {
	{ "state", take_state },
	{ "source", take_source },
	{ "pinned", take_pinned },
	{ "address", take_address },
	{ "first seen", take_first_seen },
	{ "last seen", take_last_seen },
	{ "signing time", take_signing_time },
	{ "capabilities", take_capabilities },
	{ "fingerprint", take_nothing },
};

/* The row of known_lines; G_N_ELEMENTS: a line of others. */
static guint
row_of(const char *line, const char **value_out)
{
	for (guint i = 0; i < G_N_ELEMENTS(known_lines); i++) {
		*value_out = value_of(line, known_lines[i].name);
		if (*value_out != NULL) {
			return i;
		}
	}
	return G_N_ELEMENTS(known_lines);
}

static bool
take_lines(DirectoryEntry *entry, const Scan *scan, GError **error)
{
	guint seen = 0;

	for (guint i = 0; i < scan->comments->len; i++) {
		const char *line = g_ptr_array_index(scan->comments, i);
		const char *value = NULL;
		guint row = row_of(line, &value);

		if (row == G_N_ELEMENTS(known_lines)) {
			g_ptr_array_add(entry->other_lines, g_strdup(line));
			continue;
		}
		if ((seen & (1U << row)) != 0 ||
		    !known_lines[row].take(entry, value)) {
			g_autofree char *clean = text_clean(line, 80);

			g_set_error(error, ERROR_DOMAIN, ERROR_MALFORMED,
			    "\"%s\" in front of line %u: %s", clean,
			    scan->number,
			    (seen & (1U << row)) != 0 ? "twice" : "not known");
			return false;
		}
		seen |= 1U << row;
	}
	return true;
}

static Cert *
read_trusted(const Scan *scan, GError **error)
{
	g_autofree char *base64 = g_base64_encode(scan->data, scan->length);
	char *pem = g_strconcat(BEGIN "TRUSTED CERTIFICATE" DASHES "\n", base64,
	    "\n" END "TRUSTED CERTIFICATE" DASHES "\n", NULL);
	g_autoptr(GBytes) content = g_bytes_new_take(pem, strlen(pem));
	g_autoptr(GPtrArray) certs = cert_read_all(content, error);

	return certs != NULL ? cert_ref(g_ptr_array_index(certs, 0)) : NULL;
}

static Cert *
cert_of(const Scan *scan, GError **error)
{
	return scan->trusted ? read_trusted(scan, error)
			     : cert_shared(scan->data, scan->length, error);
}

/* What the lines did not say, and whose file it is. */
static void
complete(DirectoryEntry *entry, const char *address, gint64 when)
{
	if (address != NULL && !text_equal_fold(entry->address, address)) {
		take_address(entry, address);
	}
	if (entry->first_seen == 0) {
		entry->first_seen = when;
	}
	if (entry->last_seen == 0) {
		entry->last_seen = entry->first_seen;
	}
	/* What is not in use cannot be pinned. */
	entry->pinned = entry->pinned && entry->state == ENTRY_USED;
}

static DirectoryEntry *
entry_of(const Scan *scan, const char *address, gint64 when, GError **error)
{
	g_autoptr(DirectoryEntry) entry = NULL;
	g_autoptr(Cert) cert = cert_of(scan, error);

	if (cert == NULL) {
		g_prefix_error(
		    error, "PEM block before line %u: ", scan->number);
		return NULL;
	}
	entry = entry_new(address != NULL ? address : "", cert, ENTRY_IMPORTED);
	if (!take_lines(entry, scan, error)) {
		return NULL;
	}
	complete(entry, address, when);
	return g_steal_pointer(&entry);
}

/* Two files put together may have the same certificate twice: then it is
 * blocked when one of them says so, else the first counts. */
static void
add_or_merge(GPtrArray *entries, DirectoryEntry *entry)
{
	DirectoryEntry *first =
	    entry_find(entries, cert_fingerprint(entry->cert));

	if (first == NULL || strcmp(first->address, entry->address) != 0) {
		g_ptr_array_add(entries, entry);
		return;
	}
	if (entry->state == ENTRY_BLOCKED) {
		first->state = ENTRY_BLOCKED;
		first->pinned = false;
	}
	directory_entry_unref(entry);
}

/* Comments behind the last block: kept in front of it when they are others',
 * for ours a certificate is missing. */
static bool
take_rest(const Scan *scan, GPtrArray *entries, GError **error)
{
	for (guint i = 0; i < scan->comments->len; i++) {
		const char *line = g_ptr_array_index(scan->comments, i);
		const char *value = NULL;
		DirectoryEntry *last = NULL;

		if (row_of(line, &value) < G_N_ELEMENTS(known_lines)) {
			return fail_at(
			    scan, "lines without their certificate", error);
		}
		last = g_ptr_array_index(entries, entries->len - 1);
		g_ptr_array_add(last->other_lines, g_strdup(line));
	}
	return true;
}

GPtrArray *
entry_parse(GBytes *content, const char *address, gint64 when, GError **error)
{
	g_autoptr(GPtrArray) entries =
	    g_ptr_array_new_with_free_func(unref_entry);
	g_autoptr(GError) broken = NULL;
	g_auto(Scan) scan = { 0 };

	scan_init(&scan, content, true);
	while (scan_next(&scan, &broken)) {
		DirectoryEntry *entry = entry_of(&scan, address, when, error);

		if (entry == NULL) {
			return NULL;
		}
		add_or_merge(entries, entry);
	}
	if (broken != NULL) {
		g_propagate_error(error, g_steal_pointer(&broken));
		return NULL;
	}
	if (entries->len == 0) {
		g_set_error_literal(error, ERROR_DOMAIN, ERROR_MALFORMED,
		    "no certificate in PEM form in it");
		return NULL;
	}
	return take_rest(&scan, entries, error) ? g_steal_pointer(&entries)
						: NULL;
}

bool
entry_text_has(GBytes *content, const char *prefix)
{
	g_auto(Scan) scan = { 0 };
	g_autoptr(GError) broken = NULL;

	if (*prefix == '\0') {
		return true;
	}
	scan_init(&scan, content, false);
	while (scan_next(&scan, &broken)) {
		g_autofree char *hash = g_compute_checksum_for_data(
		    G_CHECKSUM_SHA256, scan.data, scan.length);

		if (scan.trusted || g_str_has_prefix(hash, prefix)) {
			return true;
		}
	}
	return broken != NULL;
}

static void
append_time(GString *text, const char *name, gint64 seconds)
{
	g_autofree char *time = NULL;

	if (seconds != 0) {
		time = text_time(seconds);
		g_string_append_printf(text, "# %s: %s\n", name, time);
	}
}

static void
append_entry(GString *text, const DirectoryEntry *entry)
{
	g_autofree char *pem = cert_pem(entry->cert);

	g_string_append_printf(text, "# state: %s\n# source: %s\n%s",
	    state_names[entry->state], source_names[entry->source],
	    entry->pinned ? "# pinned: yes\n" : "");
	g_string_append_printf(text, "# address: %s\n", entry->address);
	append_time(text, "first seen", entry->first_seen);
	append_time(text, "last seen", entry->last_seen);
	append_time(text, "signing time", entry->signing_time);
	if (entry->capabilities != NULL) {
		g_string_append_printf(
		    text, "# capabilities: %s\n", entry->capabilities);
	}
	g_string_append_printf(
	    text, "# fingerprint: %s\n", cert_fingerprint(entry->cert));
	for (guint i = 0; i < entry->other_lines->len; i++) {
		g_string_append_printf(text, "%s\n",
		    (const char *)g_ptr_array_index(entry->other_lines, i));
	}
	g_string_append(text, pem);
}

static bool
fits_a_line(const char *value)
{
	for (; *value != '\0'; value++) {
		if (g_ascii_iscntrl(*value)) {
			return false;
		}
	}
	return true;
}

static bool
check_values(const DirectoryEntry *entry, GError **error)
{
	if (!fits_a_line(entry->address)) {
		g_set_error_literal(error, ERROR_DOMAIN, ERROR_MALFORMED,
		    "an address with control characters");
		return false;
	}
	if (entry->capabilities != NULL &&
	    (strlen(entry->capabilities) > CAPABILITIES_MAX ||
		!fits_a_line(entry->capabilities))) {
		g_set_error_literal(error, ERROR_DOMAIN, ERROR_MALFORMED,
		    "capabilities that do not fit a line");
		return false;
	}
	return true;
}

GBytes *
entry_text(const GPtrArray *entries, GError **error)
{
	g_autoptr(GString) text = g_string_new(NULL);

	for (guint i = 0; i < entries->len; i++) {
		const DirectoryEntry *entry = g_ptr_array_index(entries, i);

		if (!check_values(entry, error)) {
			return NULL;
		}
		if (i > 0) {
			g_string_append_c(text, '\n');
		}
		append_entry(text, entry);
	}
	if (text->len > ENTRY_FILE_MAX) {
		g_set_error(error, ERROR_DOMAIN, ERROR_LIMIT,
		    "more than %" G_GSIZE_FORMAT
		    " bytes of certificates for one address",
		    ENTRY_FILE_MAX);
		return NULL;
	}
	return g_string_free_to_bytes(g_steal_pointer(&text));
}
