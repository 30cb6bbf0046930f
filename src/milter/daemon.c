/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Start in one order (start_up()): settings, log, limits, socket with the
 * rights we were started with; then without root: directories, keys, threads.
 * SIGHUP loads new settings beside the old ones, SIGTERM lets the mails under
 * way end. Runs in the foreground. The service is never freed: idle connections
 * of libmilter and the watch know it until the process is gone.
 */
#include "config.h"

#include "milter/daemon.h"

#include <errno.h>
#include <libmilter/mfapi.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#ifdef HAVE_SYSTEMD
#include <systemd/sd-daemon.h>
#endif

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "crypto/library.h"
#include "milter/callbacks.h"
#include "milter/crlnews.h"
#include "milter/listener.h"
#include "milter/privileges.h"
#include "milter/progress.h"
#include "milter/service.h"
#include "milter/signals.h"
#include "milter/watch.h"
#include "store/fetcher.h"

/* SIGTERM: how long mails under way may take to end. */
#define DRAIN_SECONDS 30
/* Between two attempts to wake libmilter, microseconds. */
#define WAKE_EVERY 20000

/*
 * How long an idle connection is kept: above Sendmail's Timeout.command of an
 * hour, since the MTA opens its connection with the client's.
 */
#define IDLE_SECONDS 3900

/*
 * The largest command taken from the MTA: a field above limits.headers, and
 * this much. libmilter's default of 65,535 bytes in all ends the connection at
 * one field that Postfix lets pass (header_size_limit 102400, and admins raise
 * it): a temporary failure for ever.
 */
#define COMMAND_EXTRA ((size_t)65536)

/* Of the descriptors, one connection may need: itself, a spool file, a
 * connection to the listener for copies. The rest is for keys and logs. */
#define FILES_PER_CONNECTION 3
#define FILES_RESERVED 64

typedef struct {
	char *file;
	Settings *settings; /* those of now */
	Account account;
	int listener;
	guint connections_max;
	gint64 headers_max; /* what libmilter was told of limits.headers */
	Service *service;
	Fetcher *fetcher;  /* of CRLs; freed when no mail is under way */
	bool fetching;     /* its threads run */
	guint left;        /* mails that did not end in time */
	atomic_bool ended; /* smfi_main() has returned */
} Daemon;

static void
notify(const char *state)
{
#ifdef HAVE_SYSTEMD
	sd_notify(0, state);
#else
	(void)state;
#endif
}

static void
notify_reloading(void)
{
	/* CLOCK_MONOTONIC, as sd_notify(3) wants it. */
	g_autofree char *state =
	    g_strdup_printf("RELOADING=1\nMONOTONIC_USEC=%" G_GINT64_FORMAT,
		g_get_monotonic_time());

	notify(state);
}

static int
exit_code(const GError *error)
{
	switch (error->code) {
	case ERROR_PERMISSION:
		return EX_NOPERM;
	case ERROR_SETTINGS:
	case ERROR_MISSING:
		return EX_CONFIG;
	case ERROR_REFUSED: /* another daemon: it may end */
		return EX_TEMPFAIL;
	case ERROR_IO:
		return EX_IOERR;
	default:
		return EX_SOFTWARE;
	}
}

/* Settings errors are many lines. */
static void
log_lines(const char *prefix, const char *text)
{
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

	for (char **line = lines; *line != NULL; line++) {
		if (**line != '\0') {
			log_err("%s%s", prefix, *line);
		}
	}
}

/* Whether who reads our standard error sees the log there, or the journal
 * that it goes to (JOURNAL_STREAM, systemd.exec(5)). */
static bool
stderr_has_log(LogTarget target)
{
	const char *journal = g_getenv("JOURNAL_STREAM");
	g_autofree char *ours = NULL;
	struct stat facts;

	if (target == LOG_TARGET_STDERR ||
	    (target == LOG_TARGET_AUTO && isatty(STDERR_FILENO))) {
		return true;
	}
	if (journal == NULL || fstat(STDERR_FILENO, &facts) != 0) {
		return false;
	}
	ours = g_strdup_printf(
	    "%ju:%ju", (uintmax_t)facts.st_dev, (uintmax_t)facts.st_ino);
	return g_str_equal(journal, ours);
}

/* Whoever starts us by hand looks at the terminal, not at the log. */
static void
say_why(const Daemon *daemon, const GError *error)
{
	const Settings *settings = daemon->settings;

	log_lines("cannot start: ", error->message);
	if (!stderr_has_log(settings->log_target)) {
		log_open(
		    "smime-milter", LOG_TARGET_STDERR, settings->log_level);
		log_lines("cannot start: ", error->message);
	}
}

/* Only root can make it below /var/lib; what is there is looked at later. */
static void
make_state_dir(const Daemon *daemon)
{
	const char *path = daemon->settings->state_dir;

	if (geteuid() == 0 && mkdir(path, 0700) == 0 &&
	    lchown(path, daemon->account.uid, daemon->account.gid) != 0) {
		log_err("%s: %s", path, g_strerror(errno));
	}
}

static bool
check_state_dir(const Daemon *daemon, GError **error)
{
	const char *path = daemon->settings->state_dir;
	struct stat facts;

	if (!file_make_directories(path, 0700, error)) {
		g_prefix_error(error,
		    "state_dir cannot be made (install -d -o %s -m 700 %s): ",
		    daemon->account.name, path);
		return false;
	}
	if (stat(path, &facts) != 0) {
		error_set_errno(error, "state_dir %s", path);
		return false;
	}
	if (!S_ISDIR(facts.st_mode) || facts.st_uid != geteuid() ||
	    (facts.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
		g_set_error(error, ERROR_DOMAIN, ERROR_PERMISSION,
		    "state_dir %s must be a directory of user %s that nobody "
		    "else can write to (mode 0700)",
		    path, daemon->account.name);
		return false;
	}
	if ((facts.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
		log_warn("state_dir %s is open to others: chmod 0700", path);
	}
	return true;
}

/* No reason not to start: small mails need no file. */
static void
check_spool_dir(const Settings *settings)
{
	const char *path = settings->spool_dir;
	g_autoptr(GError) error = NULL;

	if (!file_make_directories(path, 0700, &error)) {
		log_err("spool_dir cannot be made: %s; large mails will be "
			"temporary failures",
		    error->message);
	} else if (access(path, W_OK | X_OK) != 0) {
		log_err("spool_dir %s: %s; large mails will be temporary "
			"failures",
		    path, g_strerror(errno));
	}
}

static bool
register_milter(Daemon *daemon, GError **error)
{
	daemon->headers_max = daemon->settings->limits.headers;
	(void)smfi_settimeout(IDLE_SECONDS);
	(void)smfi_setmaxdatasize((size_t)daemon->headers_max + COMMAND_EXTRA);
	if (smfi_register(callbacks_description) != MI_SUCCESS) {
		g_set_error(error, ERROR_DOMAIN, ERROR_UNFIT,
		    "libmilter does not take our callbacks: is it another "
		    "version than at build time?");
		return false;
	}
	return true;
}

static bool
wants_fetching(const Settings *settings)
{
	return settings->verify.enabled && settings->revocation.fetch &&
	    settings->revocation.mode != REVOCATION_OFF;
}

static FetcherRules
fetcher_rules(const Settings *settings)
{
	return (FetcherRules){
		.private_hosts = settings->revocation.private_hosts,
		.max_size = settings->revocation.max_size,
		.refresh = settings->revocation.refresh,
		.system = settings->trust_system,
		.idle = !wants_fetching(settings),
	};
}

static bool
start_fetching(Daemon *daemon, const Settings *settings, GError **error)
{
	if (!daemon->fetching && wants_fetching(settings)) {
		daemon->fetching = fetcher_start(daemon->fetcher, error);
		return daemon->fetching;
	}
	return true;
}

/* Before there are threads: libcurl wants to be set up then. */
static void
make_fetcher(Daemon *daemon, Gateway *gateway)
{
	FetcherRules rules = fetcher_rules(daemon->settings);

	daemon->fetcher =
	    fetcher_new(gateway_trust(gateway), &rules, crlnews_told, NULL);
	gateway_set_fetch(gateway, fetcher_fetch, daemon->fetcher);
}

/* No reason not to start: what cannot be verified is delivered and says so. */
static void
check_trust(const Settings *settings, Gateway *gateway)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(Anchors) anchors = NULL;

	if (!settings->verify.enabled) {
		return;
	}
	if (settings->trust_system) {
		log_warn("trust.system: the system's roots are vetted for web "
			 "servers, not for e-mail; contrib/mozilla-email-roots "
			 "has those for e-mail");
	}
	anchors = anchors_current(trust_anchors(gateway_trust(gateway)),
	    settings->trust_system, &error);
	if (anchors == NULL) {
		log_err("signatures cannot be verified: %s", error->message);
	} else if (chain_anchors_count(anchors) == 0) {
		log_warn("there is no trust anchor: every signature will be "
			 "untrusted; see smimectl trust add and "
			 "contrib/mozilla-email-roots");
	}
}

static bool
serve(Daemon *daemon, GError **error)
{
	g_autoptr(Gateway) gateway = gateway_new(daemon->settings, NULL);

	make_fetcher(daemon, gateway);
	check_trust(daemon->settings, gateway);
	daemon->service = service_new(gateway, daemon->connections_max);
	callbacks_serve(daemon->service);
	if (!start_fetching(daemon, daemon->settings, error)) {
		return false;
	}
	if (!progress_start(PROGRESS_EVERY) || !watch_start(daemon->service)) {
		g_set_error(error, ERROR_DOMAIN, ERROR_IO,
		    "a thread cannot be started");
		return false;
	}
	return true;
}

static void
set_limits(Daemon *daemon)
{
	gulong files = privileges_raise_files();
	gulong usable = files > FILES_RESERVED ? files - FILES_RESERVED : 0;

	daemon->connections_max =
	    (guint)CLAMP(usable / FILES_PER_CONNECTION, 1, 100000);
}

/* The order matters: the top line is for root, then no more. */
static bool
start_up(Daemon *daemon, GError **error)
{
	const Settings *settings = daemon->settings;

	log_open("smime-milter", settings->log_target, settings->log_level);
	set_limits(daemon);
	privileges_hide_memory();
	signals_block();
	if (!privileges_find(settings->user, &daemon->account, error) ||
	    !register_milter(daemon, error)) {
		return false;
	}
	daemon->listener = listener_open(settings, &daemon->account, error);
	if (daemon->listener < 0) {
		return false;
	}
	make_state_dir(daemon);
	if (!privileges_drop(&daemon->account, error)) {
		return false;
	}
	privileges_hide_memory();
	if (!check_state_dir(daemon, error)) {
		return false;
	}
	check_spool_dir(settings);
	return serve(daemon, error);
}

/* What cannot change while we run. */
static const struct {
	const char *name;
	gsize offset;
} fixed_texts[] = {
	{ "listen", G_STRUCT_OFFSET(Settings, listen) },
	{ "socket_group", G_STRUCT_OFFSET(Settings, socket_group) },
	{ "user", G_STRUCT_OFFSET(Settings, user) },
	{ "state_dir", G_STRUCT_OFFSET(Settings, state_dir) },
};

static void
log_fixed(const char *name)
{
	log_warn("a change of %s needs a restart: it stays as it was", name);
}

/* The default spool_dir follows state_dir. */
static void
keep_spool_dir(const Settings *old, Settings *fresh)
{
	g_autofree char *preset = g_strconcat(fresh->state_dir, "/tmp", NULL);

	if (!g_str_equal(fresh->state_dir, old->state_dir) &&
	    g_str_equal(fresh->spool_dir, preset)) {
		g_free(fresh->spool_dir);
		fresh->spool_dir = g_strconcat(old->state_dir, "/tmp", NULL);
	}
}

/* fresh is not shared yet, so it may still be changed. */
static void
keep_fixed(const Settings *old, Settings *fresh)
{
	keep_spool_dir(old, fresh);
	for (gsize i = 0; i < G_N_ELEMENTS(fixed_texts); i++) {
		char *const *before =
		    G_STRUCT_MEMBER_P(old, fixed_texts[i].offset);
		char **after = G_STRUCT_MEMBER_P(fresh, fixed_texts[i].offset);

		if (!g_str_equal(*before, *after)) {
			log_fixed(fixed_texts[i].name);
			g_free(*after);
			*after = g_strdup(*before);
		}
	}
	if (fresh->socket_mode != old->socket_mode) {
		log_fixed("socket_mode");
		fresh->socket_mode = old->socket_mode;
	}
}

/* libmilter reads its size in every thread, without a lock; and the largest
 * that the setting may be is too much to take from every peer. */
static void
check_headers(const Daemon *daemon, const Settings *fresh)
{
	if (fresh->limits.headers > daemon->headers_max) {
		log_warn("limits.headers is larger than at the start: single "
			 "header fields longer than %" G_GINT64_FORMAT
			 " bytes are temporary failures before a restart",
		    daemon->headers_max);
	}
}

/* The threads of the fetcher stay, since mail in flight may wait for them: they
 * have nothing to do where nothing is to be fetched. */
static void
use_fetcher(Daemon *daemon, const Settings *fresh)
{
	FetcherRules rules = fetcher_rules(fresh);
	g_autoptr(GError) error = NULL;

	fetcher_set_rules(daemon->fetcher, &rules);
	if (!start_fetching(daemon, fresh, &error)) {
		log_err("CRLs are not fetched: %s", error->message);
	}
}

static void
use_settings(Daemon *daemon, Settings *fresh)
{
	g_autoptr(Gateway) old = service_gateway(daemon->service);
	g_autoptr(Gateway) gateway = NULL;

	keep_fixed(daemon->settings, fresh);
	check_headers(daemon, fresh);
	if (fresh->log_level != daemon->settings->log_level ||
	    fresh->log_target != daemon->settings->log_target) {
		log_open("smime-milter", fresh->log_target, fresh->log_level);
	}
	check_spool_dir(fresh);
	use_fetcher(daemon, fresh);
	gateway = gateway_new(fresh, old);
	check_trust(fresh, gateway);
	service_replace(daemon->service, gateway);
	settings_unref(daemon->settings);
	daemon->settings = settings_ref(fresh);
	watch_again();
}

/* In libmilter's signal thread, as stop() is. */
static void
reload(gpointer data)
{
	Daemon *daemon = data;
	g_autoptr(GError) error = NULL;
	g_autoptr(Settings) fresh = NULL;

	notify_reloading();
	fresh = settings_load(daemon->file, &error);
	if (fresh == NULL) {
		log_lines("the settings stay as they were: ", error->message);
	} else {
		use_settings(daemon, fresh);
		log_notice("new settings from %s", daemon->file);
	}
	notify("READY=1");
}

/*
 * libmilter looks only every 5 s whether it is to stop, or when somebody
 * connects. A moment later, when it knows that it is to stop: a connection
 * that it takes up before can hold it up for a second.
 */
static void *
wake_libmilter(void *data)
{
	Daemon *daemon = data;

	while (!atomic_load(&daemon->ended)) {
		g_usleep(WAKE_EVERY);
		listener_poke(daemon->listener);
	}
	return NULL;
}

static void
stop(gpointer data)
{
	Daemon *daemon = data;
	pthread_t thread;

	notify("STOPPING=1");
	log_notice("stopping");
	daemon->left = service_drain(daemon->service, DRAIN_SECONDS);
	if (daemon->left > 0) {
		log_warn("%u mails did not end in %d seconds: the MTA has to "
			 "try them again",
		    daemon->left, DRAIN_SECONDS);
	}
	if (pthread_create(&thread, NULL, wake_libmilter, daemon) == 0) {
		pthread_detach(thread);
	}
}

static int
run(Daemon *daemon)
{
	const SignalHooks hooks = {
		.reload = reload, .stop = stop, .data = daemon
	};
	int result;

	signals_handle(&hooks);
	log_notice("smime-milter " PACKAGE_VERSION " serves %s",
	    daemon->settings->listen);
	notify("READY=1");
	result = smfi_main();
	atomic_store(&daemon->ended, true);
	watch_stop();
	if (result != MI_SUCCESS) {
		log_err("libmilter gave up; its reason is in syslog");
		return EX_SOFTWARE;
	}
	return EX_OK;
}

int
daemon_run(const char *file)
{
	/* Threads that outlive this call know it. */
	static Daemon daemon = { .listener = -1 };
	g_autoptr(GError) error = NULL;
	int result;

	daemon.file = g_canonicalize_filename(file, NULL);
	library_keep_at_exit();
	daemon.settings = settings_load(daemon.file, &error);
	if (daemon.settings == NULL) {
		log_lines("", error->message);
		return exit_code(error);
	}
	if (!start_up(&daemon, &error)) {
		if (daemon.listener >= 0) {
			listener_remove(daemon.settings);
		}
		say_why(&daemon, error);
		return exit_code(error);
	}
	result = run(&daemon);
	if (daemon.left > 0 || result != EX_OK) {
		/* Threads with mails still compute, or may when libmilter gave
		 * up: nothing may be torn down under them. */
		_exit(result);
	}
	progress_stop();
	fetcher_free(daemon.fetcher);
	return result;
}

int
daemon_test(const char *file)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(Settings) settings = settings_load(file, &error);

	if (settings == NULL) {
		fprintf(stderr, "%s\n", error->message);
		return exit_code(error);
	}
	printf("%s: the settings are good\n", file);
	return EX_OK;
}
