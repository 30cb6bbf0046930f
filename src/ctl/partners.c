/* SPDX-License-Identifier: Apache-2.0 */
/*
 * smimectl check, the part that concerns incoming mail: by whose word it is
 * verified, where certificates and CRLs are kept, what waits for the
 * administrator. Of the directory only the beginning is read: it may be large,
 * and each file says for itself at its mail what is wrong with it.
 */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/text.h"
#include "ctl/check.h"
#include "ctl/user.h"
#include "store/anchors.h"
#include "store/crls.h"
#include "store/directory.h"

#define DAY ((gint64)24 * 60 * 60)
#define SOON (30 * DAY)
/* As many addresses are looked at. */
#define FILES_MAX 1000

/* Whether a mail with this name in its header can be told from a forged one:
 * "localhost" is everybody's. */
static void
check_authserv_id(Check *check)
{
	const char *id = check->settings->authserv_id;

	if (strchr(id, '.') == NULL) {
		check_warn(check, "authserv_id",
		    "%s is no full host name: set authserv_id to the name "
		    "by which your mail programs know this server",
		    id);
	} else {
		check_ok(check, "authserv_id", "%s", id);
	}
}

static void
judge_anchor(Check *check, const Cert *cert, gint64 now, guint *valid)
{
	g_autofree char *until = text_time(cert_not_after(cert));

	if (cert_not_after(cert) < now + SOON) {
		check_warn(check, "anchors",
		    "%s %s on %s: smimectl trust add its successor, then "
		    "trust remove %s",
		    cert_subject(cert),
		    cert_not_after(cert) < now ? "expired" : "expires", until,
		    cert_fingerprint(cert));
	} else {
		(*valid)++;
	}
}

static void
check_no_anchors(Check *check)
{
	if (!check->settings->verify.enabled) {
		check_ok(check, "anchors", "none; verify.enabled is false");
	} else if (!check->settings->trust_system) {
		check_warn(check, "anchors",
		    "there are none, so each signature of incoming mail gets "
		    "smime=policy, and no certificate is used: smimectl "
		    "trust add, or fill STATE/trust with "
		    "contrib/mozilla-email-roots (signing needs none)");
	}
}

static void
check_anchors(Check *check, gint64 now)
{
	g_autoptr(AnchorStore) store = anchors_new(check->settings->state_dir);
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) certs = anchors_list(store, &error);
	g_autoptr(Anchors) system = NULL;
	guint valid = 0;

	if (certs == NULL) {
		bool file = !g_error_matches(error, ERROR_DOMAIN, ERROR_IO);

		check_fail(check, "anchors", "%s%s", error->message,
		    file ? "; remove or mend that file" : "");
		return;
	}
	for (guint i = 0; i < certs->len; i++) {
		judge_anchor(check, certs->pdata[i], now, &valid);
	}
	if (certs->len == 0) {
		check_no_anchors(check);
	} else if (valid > 0) {
		check_ok(check, "anchors", "%u valid", valid);
	}
	if (!check->settings->trust_system) {
		return;
	}
	check_warn(check, "anchors",
	    "trust.system is true: the roots of %s are those of web servers, "
	    "not vetted for mail; contrib/mozilla-email-roots has those that "
	    "are",
	    ANCHORS_SYSTEM);
	system = anchors_current(store, true, &error);
	if (system == NULL) {
		check_fail(check, "anchors", "%s", error->message);
	}
}

static void
judge_directory(Check *check, const char *subject, const char *path,
    const struct stat *status)
{
	const char *user = check->settings->user;
	bool exists = false;
	uid_t id = 0;

	if (!S_ISDIR(status->st_mode)) {
		check_fail(check, subject, "%s is not a directory", path);
	} else if (user_exists(user, &exists, &id, NULL) && exists &&
	    status->st_uid != id) {
		check_fail(check, subject,
		    "%s belongs to the user id %u, not to %s: chown -R %s %s",
		    path, (guint)status->st_uid, user, user, path);
	} else if ((status->st_mode & 022) != 0) {
		check_fail(check, subject,
		    "%s may be written to by others (mode %04o): chmod 0700 "
		    "%s",
		    path, status->st_mode & 07777, path);
	} else if (access(path, R_OK | W_OK | X_OK) != 0) {
		check_fail(check, subject,
		    "%s: %s: it must be readable and writable for %s", path,
		    g_strerror(errno), user);
	} else {
		check_ok(check, subject, "%s", path);
	}
}

/* One that is not there yet will be made. */
static void
check_directory(Check *check, const char *subject, const char *name)
{
	g_autofree char *path =
	    g_build_filename(check->settings->state_dir, name, NULL);
	struct stat status = { 0 };

	if (stat(path, &status) == 0) {
		judge_directory(check, subject, path, &status);
	} else if (errno == ENOENT) {
		check_ok(check, subject, "%s is not there yet", path);
	} else {
		check_fail(check, subject, "%s: %s", path, g_strerror(errno));
	}
}

typedef struct {
	Check *check;
	char *last; /* address whose file was looked at last */
	guint files;
} Files;

static bool
judge_file(gpointer data, const char *address, DirectoryEntry *entry,
    const char *problem)
{
	Files *files = data;

	if (entry == NULL || g_strcmp0(files->last, address) != 0) {
		if (files->files == FILES_MAX) {
			check_ok(files->check, "certs",
			    "only the first %d files were looked at: smimectl "
			    "cert list reads all",
			    FILES_MAX);
			return false;
		}
		files->files++;
		g_free(files->last);
		files->last = g_strdup(address);
	}
	if (entry == NULL) {
		check_warn(files->check, "certs",
		    "%s: %s; the certificates of that address are not used: "
		    "remove or mend that file",
		    address, problem);
	}
	return true;
}

static void
check_cert_files(Check *check)
{
	const char *state = check->settings->state_dir;
	g_autofree char *path = g_build_filename(state, "certs", NULL);
	g_autoptr(Directory) directory = directory_new(state);
	g_autoptr(GError) error = NULL;
	Files files = { .check = check };

	if (g_file_test(path, G_FILE_TEST_IS_DIR) &&
	    !directory_walk(
		directory, NULL, NULL, judge_file, &files, &error)) {
		check_fail(check, "certs", "%s", error->message);
	}
	g_free(files.last);
}

static void
check_pending(Check *check)
{
	g_autoptr(Directory) directory =
	    directory_new(check->settings->state_dir);
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) all = directory_pending(directory, &error);
	guint max = (guint)check->settings->harvest.max_pending;

	if (all == NULL) {
		check_fail(check, "pending", "%s", error->message);
	} else if (all->len >= max) {
		check_warn(check, "pending",
		    "%u certificates wait, and harvest.max_pending is %u: "
		    "the oldest go: decide on them with smimectl cert pending",
		    all->len, max);
	} else if (all->len > 0) {
		check_ok(check, "pending",
		    "%u certificates wait: see smimectl cert pending",
		    all->len);
	} else {
		check_ok(check, "pending", "no certificate waits");
	}
}

/* Of one CRL; false: nothing is wrong with it. */
static bool
judge_crl(Check *check, const CrlFacts *facts, gint64 now)
{
	const char *name = facts->url != NULL ? facts->url : facts->issuer;
	g_autofree char *end = text_time(facts->next_update);
	g_autofree char *start = text_time(facts->this_update);

	if (facts->issuer != NULL && facts->next_update != 0 &&
	    facts->next_update < now) {
		check_warn(check, "crls",
		    "the CRL %s expired on %s%s%s: what its CA revoked is not "
		    "known; smimectl crl refresh, or crl import a newer one",
		    name, end, facts->trouble != NULL ? ": " : "",
		    facts->trouble != NULL ? facts->trouble : "");
		return true;
	}
	if (facts->issuer != NULL && facts->this_update > now) {
		check_warn(check, "crls",
		    "the CRL %s is not valid before %s: what its CA revoked "
		    "is not known until then; is the clock right?",
		    name, start);
		return true;
	}
	if (facts->trouble != NULL) {
		check_warn(check, "crls", "%s: %s (%u failures in a row)",
		    name != NULL ? name : facts->id, facts->trouble,
		    facts->failures);
		return true;
	}
	return false;
}

static void
check_crls(Check *check, gint64 now)
{
	g_autoptr(CrlStore) store = crls_new(check->settings->state_dir);
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) all = crls_list(store, &error);
	bool trouble = false;

	if (all == NULL) {
		check_fail(check, "crls", "%s", error->message);
		return;
	}
	for (guint i = 0; i < all->len; i++) {
		trouble |= judge_crl(check, all->pdata[i], now);
	}
	if (!trouble) {
		check_ok(check, "crls", "%u known", all->len);
	}
}

static void
check_revocation(Check *check)
{
	const Settings *settings = check->settings;

	if (settings->revocation.mode == REVOCATION_OFF) {
		check_warn(check, "crls",
		    "revocation.mode is off: certificates that were revoked "
		    "go on being used");
	} else if (settings->revocation.mode == REVOCATION_HARD &&
	    !settings->revocation.fetch) {
		check_warn(check, "crls",
		    "revocation.mode is hard and revocation.fetch is false: "
		    "only certificates whose CRL was imported are used");
	}
}

void
check_partners(Check *check)
{
	gint64 now = g_get_real_time() / G_USEC_PER_SEC;

	check_authserv_id(check);
	check_anchors(check, now);
	check_directory(check, "certs", "certs");
	check_cert_files(check);
	check_directory(check, "pending", "pending");
	check_pending(check);
	check_directory(check, "crls", "crls");
	check_revocation(check);
	check_crls(check, now);
}
