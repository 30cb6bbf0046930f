/* SPDX-License-Identifier: Apache-2.0 */
/*
 * smimectl check: everything around the program that has to be right, looked
 * at as the daemon's user. Each finding says what is wrong and what to do. A
 * failure is what keeps mail from being signed or delivered now; a warning is
 * what soon will, or may be meant so. Incoming mail: partners.c; how Postfix is
 * set up: postfix.c.
 */
#include "config.h"

#include "ctl/check.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/spool.h"
#include "base/text.h"
#include "ctl/issuer.h"
#include "ctl/listener.h"
#include "ctl/user.h"
#include "ctl/verbs.h"
#include "store/anchors.h"
#include "store/identities.h"

#define DAY ((gint64)24 * 60 * 60)
#define SOON (30 * DAY)

static void add(Check *check, const char *result, const char *subject,
    const char *format, va_list arguments) G_GNUC_PRINTF(4, 0);

static void
add(Check *check, const char *result, const char *subject, const char *format,
    va_list arguments)
{
	g_autofree char *text = g_strdup_vprintf(format, arguments);

	report_line(check->report, "%-8s %s: %s", result, subject, text);
	report_open_object(check->report);
	report_text(check->report, "check", subject);
	report_text(check->report, "result", result);
	report_text(check->report, "text", text);
	report_close_object(check->report);
}

void
check_ok(Check *check, const char *subject, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	add(check, "ok", subject, format, arguments);
	va_end(arguments);
}

void
check_warn(Check *check, const char *subject, const char *format, ...)
{
	va_list arguments;

	check->warned++;
	va_start(arguments, format);
	add(check, "warning", subject, format, arguments);
	va_end(arguments);
}

void
check_fail(Check *check, const char *subject, const char *format, ...)
{
	va_list arguments;

	check->failed++;
	va_start(arguments, format);
	add(check, "failed", subject, format, arguments);
	va_end(arguments);
}

static void
check_user(Check *check)
{
	const char *user = check->settings->user;
	g_autoptr(GError) error = NULL;
	bool exists = false;
	uid_t id = 0;

	if (!user_exists(user, &exists, &id, &error)) {
		check_fail(check, "user", "%s", error->message);
	} else if (!exists) {
		check_fail(check, "user",
		    "there is no user %s: make it with adduser --system "
		    "--group %s",
		    user, user);
	} else if (geteuid() != id) {
		check_warn(check, "user",
		    "this is not %s, who reads STATE for the daemon: run "
		    "smimectl check as root or as %s for the whole truth",
		    user, user);
	} else {
		check_ok(check, "user", "%s", user);
	}
}

/* The daemon reads it again at each reload, no longer as root. */
static void
check_readable(Check *check, const char *subject, const char *path)
{
	if (access(path, R_OK) == 0) {
		check_ok(check, subject, "%s", path);
	} else {
		check_fail(check, subject,
		    "%s: %s: the daemon reads it as %s at each reload: make "
		    "it and the directories above readable for that user "
		    "(chgrp %s FILE, chmod 0640 FILE)",
		    path, g_strerror(errno), check->settings->user,
		    check->settings->user);
	}
}

static void
check_files(Check *check)
{
	check_readable(check, "settings", check->settings->file);
	if (*check->settings->sender_logins != '\0') {
		check_readable(
		    check, "sender_logins", check->settings->sender_logins);
	}
}

static void
check_owner(Check *check, const char *path, const struct stat *status)
{
	const char *user = check->settings->user;
	mode_t mode = status->st_mode & 07777;
	bool exists = false;
	uid_t id = 0;

	if (user_exists(user, &exists, &id, NULL) && exists &&
	    status->st_uid != id) {
		check_fail(check, "state",
		    "%s belongs to the user id %u, not to %s: "
		    "chown -R %s %s",
		    path, (guint)status->st_uid, user, user, path);
	} else if ((mode & 022) != 0) {
		check_fail(check, "state",
		    "%s may be written to by others (mode %04o): chmod 0700 "
		    "%s",
		    path, mode, path);
	} else if ((mode & 055) != 0) {
		check_warn(check, "state",
		    "%s may be read by others (mode %04o): chmod 0700 %s", path,
		    mode, path);
	} else {
		check_ok(check, "state", "%s", path);
	}
}

static void
check_state(Check *check)
{
	const char *path = check->settings->state_dir;
	struct stat status = { 0 };

	if (stat(path, &status) != 0) {
		check_fail(check, "state",
		    "%s: %s; make it with install -d -m 0700 -o %s %s", path,
		    g_strerror(errno), check->settings->user, path);
	} else if (!S_ISDIR(status.st_mode)) {
		check_fail(check, "state", "%s is not a directory", path);
	} else {
		check_owner(check, path, &status);
	}
}

/* As the daemon does with a large mail. */
static bool
try_spool(const char *path, GError **error)
{
	static const char block[64 * 1024];
	g_autoptr(Spool) spool = spool_new(path, 0);
	g_autoptr(GBytes) content = NULL;

	if (!spool_write(spool, block, sizeof(block), error)) {
		return false;
	}
	content = spool_finish(spool, error);
	return content != NULL;
}

static void
check_spool(Check *check)
{
	const char *path = check->settings->spool_dir;
	const char *state = check->settings->state_dir;
	g_autofree char *initial = g_build_filename(state, "tmp", NULL);
	g_autoptr(GError) error = NULL;

	if (access(path, F_OK) != 0 && errno == ENOENT &&
	    g_str_equal(path, initial) && access(state, W_OK | X_OK) == 0) {
		check_ok(check, "spool", "%s will be made", path);
	} else if (try_spool(path, &error)) {
		check_ok(check, "spool", "%s", path);
	} else {
		check_fail(check, "spool",
		    "%s: %s; large mails cannot be kept there: make room, "
		    "make it writable for %s, or name another spool_dir",
		    path, error->message, check->settings->user);
	}
}

/* What the identities of one address amount to. */
typedef struct {
	const char *address;
	gint64 until;   /* of the valid one that lasts longest; 0: none */
	gint64 expired; /* when the last one did; 0: none has */
	gint64 starts;  /* of one that is not yet valid; 0: none */
} Coverage;

static void
conclude_coverage(Check *check, const Coverage *coverage, gint64 now)
{
	g_autofree char *until = text_time(coverage->until);
	g_autofree char *expired = text_time(coverage->expired);
	g_autofree char *starts = text_time(coverage->starts);

	if (coverage->until > now + SOON) {
		check_ok(
		    check, "keys", "%s until %s", coverage->address, until);
	} else if (coverage->until > 0) {
		check_warn(check, "keys",
		    "the certificate of %s expires on %s: import its "
		    "successor with smimectl key import",
		    coverage->address, until);
	} else if (coverage->starts > 0) {
		check_fail(check, "keys",
		    "the certificate of %s is not valid before %s: mail is "
		    "not signed until then; is the clock right?",
		    coverage->address, starts);
	} else if (coverage->expired > 0) {
		check_fail(check, "keys",
		    "the certificate of %s expired on %s: import a new one "
		    "with smimectl key import",
		    coverage->address, expired);
	}
}

static void
add_to_coverage(Check *check, Coverage *coverage, const Cert *cert, gint64 now)
{
	const char *reason = NULL;

	if (!cert_fit_for_signing(cert, &reason)) {
		check_fail(check, "keys",
		    "%s of %s is not fit for signing: %s; remove it with "
		    "smimectl key remove and import another",
		    cert_fingerprint(cert), coverage->address, reason);
	} else if (now > cert_not_after(cert)) {
		coverage->expired =
		    MAX(coverage->expired, cert_not_after(cert));
	} else if (now < cert_not_before(cert)) {
		coverage->starts = cert_not_before(cert);
	} else {
		coverage->until = MAX(coverage->until, cert_not_after(cert));
	}
}

static void
check_issuer(Check *check, AnchorStore *anchors, const IdentityEntry *entry)
{
	const Cert *cert = keyring_cert(entry->identity);

	if (issuer_is_missing(entry->identity, anchors)) {
		check_warn(check, "keys",
		    "no intermediate certificate came with %s of %s (issuer "
		    "%s): recipients will not be able to verify; import it "
		    "again with --chain; if that issuer is a root, smimectl "
		    "trust add it",
		    cert_fingerprint(cert), entry->address, cert_issuer(cert));
	}
}

/* entries are sorted by address. */
static void
check_identities(Check *check, const GPtrArray *entries)
{
	gint64 now = g_get_real_time() / G_USEC_PER_SEC;
	g_autoptr(AnchorStore) anchors =
	    anchors_new(check->settings->state_dir);
	Coverage coverage = { 0 };

	for (guint i = 0; i < entries->len; i++) {
		const IdentityEntry *entry = entries->pdata[i];

		if (entry->identity == NULL) {
			check_fail(check, "keys", "%s: %s", entry->address,
			    entry->problem);
			continue;
		}
		if (g_strcmp0(coverage.address, entry->address) != 0) {
			conclude_coverage(check, &coverage, now);
			coverage = (Coverage){ .address = entry->address };
		}
		check_issuer(check, anchors, entry);
		add_to_coverage(
		    check, &coverage, keyring_cert(entry->identity), now);
	}
	conclude_coverage(check, &coverage, now);
}

static void
check_keys(Check *check)
{
	g_autoptr(Identities) store =
	    identities_new(check->settings->state_dir);
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) entries = identities_list(store, &error);

	if (entries == NULL) {
		check_fail(check, "keys", "%s", error->message);
	} else if (entries->len == 0) {
		check_warn(check, "keys",
		    "there are none, so no mail is signed: smimectl key "
		    "import");
	} else {
		check_identities(check, entries);
	}
}

/* Clients there may send as any own address (DESIGN 3.2). */
static void
check_internal_hosts(Check *check)
{
	static const char *const outside[] = { "192.0.2.1", "203.0.113.9",
		"2001:db8::1" };
	const GPtrArray *networks = check->settings->internal_hosts;

	for (guint i = 0; i < networks->len; i++) {
		const Network *network = networks->pdata[i];
		bool wide = false;

		for (guint j = 0; j < G_N_ELEMENTS(outside); j++) {
			wide |= pattern_network_has(network, outside[j]);
		}
		if (wide) {
			check_fail(check, "internal_hosts",
			    "%s takes in hosts that are not yours: anybody "
			    "there is signed for; list the hosts of your "
			    "users only",
			    pattern_network_text(network));
		} else if (!pattern_network_has(network, "127.0.0.1") &&
		    !pattern_network_has(network, "::1")) {
			check_warn(check, "internal_hosts",
			    "%s is more than this host: clients there may "
			    "send as any own address. No host that hands on "
			    "mail from outside (backup MX, content filter, "
			    "fetcher, list server) may be in it",
			    pattern_network_text(network));
		}
	}
}

static void
check_socket(Check *check)
{
	const char *listen = check->settings->listen;
	g_autoptr(Listener) listener = listener_parse(listen);
	g_autoptr(GError) error = NULL;
	int fd;

	if (listener == NULL) {
		check_fail(
		    check, "socket", "%s: cannot be taken apart", listen);
		return;
	}
	fd = listener_connect(listener, &error);
	if (fd >= 0) {
		close(fd);
		check_ok(check, "socket", "%s answers", listen);
	} else if (g_error_matches(error, ERROR_DOMAIN, ERROR_PERMISSION)) {
		check_warn(check, "socket",
		    "%s: %s; whether the milter runs cannot be told", listen,
		    error->message);
	} else {
		check_fail(check, "socket",
		    "nothing listens on %s (%s): start the milter with "
		    "systemctl start smime-milter, or smime-milter -c %s",
		    listen, error->message, check->settings->file);
	}
	if (!listener_is_private(listener)) {
		check_warn(check, "socket",
		    "%s can be reached from other hosts, and the milter "
		    "protocol knows no passwords: use a unix socket or "
		    "127.0.0.1, or fence it off",
		    listen);
	}
}

static void
check_reinject(Check *check)
{
	const Settings *settings = check->settings;
	g_autoptr(Listener) listener = NULL;
	g_autoptr(GError) error = NULL;
	char greeting[4] = "";
	int fd;

	if (settings->reinject_host == NULL) {
		check_ok(check, "reinject", "not set: no mail is split");
		return;
	}
	listener =
	    listener_new(settings->reinject_host, settings->reinject_port);
	fd = listener_connect(listener, &error);
	if (fd < 0) {
		check_warn(check, "reinject",
		    "nothing answers on %s (%s): a mail whose recipients "
		    "need different copies will wait",
		    settings->reinject, error->message);
		return;
	}
	if (recv(fd, greeting, 3, MSG_WAITALL) != 3 ||
	    strcmp(greeting, "220") != 0) {
		check_warn(check, "reinject",
		    "%s does not greet like an SMTP server with 220",
		    settings->reinject);
	} else {
		check_ok(check, "reinject", "%s answers", settings->reinject);
	}
	close(fd);
}

int
check_run(Command *command, GError **error)
{
	Check check = { .report = command->report };

	if (!command_enter(command, error)) {
		return -1;
	}
	check.settings = command->settings;
	report_open_list(check.report, "items");
	check_files(&check);
	check_user(&check);
	check_state(&check);
	check_spool(&check);
	check_keys(&check);
	check_partners(&check);
	check_internal_hosts(&check);
	check_socket(&check);
	check_reinject(&check);
	check_postfix(&check);
	report_close_list(check.report);
	report_line(
	    check.report, "%u failed, %u warnings", check.failed, check.warned);
	return check.failed > 0 ? COMMAND_NO : COMMAND_YES;
}
