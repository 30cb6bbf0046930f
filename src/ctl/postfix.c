/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How Postfix is set up as far as it concerns us, read with postconf(1): is
 * the milter asked, what happens when it is away, does mail from outside come
 * in by a trusted door, does what we re-inject come back to us (DESIGN 3.2,
 * 3.3.3). Only what postconf prints is judged; nothing is changed.
 */
#include "config.h"

#include <string.h>

#include "ctl/check.h"
#include "ctl/listener.h"
#include "ctl/reach.h"

/* A line of master.cf. */
typedef struct {
	char *name; /* "smtp", "127.0.0.1:10027" */
	char *type; /* "inet", "unix" */
	bool chroot;
	char *command; /* "smtpd" */
} Service;

typedef struct {
	Check *check;
	Listener *ours;
	GHashTable *values;  /* "name" or "service/type/name" to value */
	GPtrArray *services; /* of Service */
} Postfix;

static void
service_free(Service *service)
{
	g_free(service->name);
	g_free(service->type);
	g_free(service->command);
	g_free(service);
}

static void
postfix_free(Postfix *postfix)
{
	listener_free(postfix->ours);
	g_hash_table_unref(postfix->values);
	g_ptr_array_unref(postfix->services);
	g_free(postfix);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Postfix, postfix_free)

static char *
find_postconf(void)
{
	char *path = g_find_program_in_path("postconf");

	if (path == NULL &&
	    g_file_test("/usr/sbin/postconf", G_FILE_TEST_IS_EXECUTABLE)) {
		path = g_strdup("/usr/sbin/postconf");
	}
	return path;
}

/* What Postfix says where only another instance is set up, or none yet. */
static bool
lacks_main_cf(const char *trouble)
{
	return trouble != NULL &&
	    strstr(trouble, "main.cf: No such file") != NULL;
}

/* Its output; NULL when it fails, which is a finding. Yours. */
static char *
run_postconf(Check *check, const char *program, const char *options)
{
	const char *const words[] = { program, options, NULL };
	g_autoptr(GError) error = NULL;
	g_autofree char *output = NULL;
	g_autofree char *trouble = NULL;
	int status = 0;

	if (!g_spawn_sync(NULL, (char **)words, NULL, G_SPAWN_DEFAULT, NULL,
		NULL, &output, &trouble, &status, &error) ||
	    !g_spawn_check_exit_status(status, &error)) {
		if (lacks_main_cf(trouble)) {
			check_warn(check, "postfix",
			    "Postfix has no main.cf; for another instance set "
			    "MAIL_CONFIG=DIR (%s)",
			    g_strchomp(trouble));
			return NULL;
		}
		check_warn(check, "postfix", "%s %s: %s%s%s", program, options,
		    error->message,
		    trouble != NULL && *trouble != '\0' ? ": " : "",
		    trouble != NULL ? g_strchomp(trouble) : "");
		return NULL;
	}
	return g_steal_pointer(&output);
}

/* "name = value" lines. */
static void
take_values(GHashTable *values, const char *output)
{
	g_auto(GStrv) lines = g_strsplit(output, "\n", -1);

	for (guint i = 0; lines[i] != NULL; i++) {
		char *equals = strstr(lines[i], " =");

		if (equals != NULL) {
			*equals = '\0';
			g_hash_table_insert(values, g_strdup(lines[i]),
			    g_strdup(g_strstrip(equals + 2)));
		}
	}
}

/* service type private unpriv chroot wakeup maxproc command ... */
static void
take_services(GPtrArray *services, const char *output)
{
	g_auto(GStrv) lines = g_strsplit(output, "\n", -1);

	for (guint i = 0; lines[i] != NULL; i++) {
		g_auto(GStrv) words = g_strsplit_set(lines[i], " \t", -1);
		const char *columns[8] = { NULL };
		guint count = 0;
		Service *service;

		for (guint j = 0; words[j] != NULL && count < 8; j++) {
			if (*words[j] != '\0') {
				columns[count++] = words[j];
			}
		}
		if (count < 8) {
			continue;
		}
		service = g_new0(Service, 1);
		service->name = g_strdup(columns[0]);
		service->type = g_strdup(columns[1]);
		service->chroot = g_str_equal(columns[4], "y");
		service->command = g_strdup(columns[7]);
		g_ptr_array_add(services, service);
	}
}

static const char *
value_of(const Postfix *postfix, const Service *service, const char *name)
{
	g_autofree char *path = NULL;
	const char *value = NULL;

	if (service != NULL) {
		path = g_strdup_printf(
		    "%s/%s/%s", service->name, service->type, name);
		value = g_hash_table_lookup(postfix->values, path);
	}
	if (value == NULL) {
		value = g_hash_table_lookup(postfix->values, name);
	}
	return value != NULL ? value : "";
}

static Postfix *
postfix_read(Check *check, const char *program)
{
	g_autofree char *values = run_postconf(check, program, "-x");
	g_autofree char *overrides = NULL;
	g_autofree char *services = NULL;
	Postfix *postfix;

	if (values != NULL) {
		overrides = run_postconf(check, program, "-Px");
	}
	if (overrides != NULL) {
		services = run_postconf(check, program, "-M");
	}
	if (services == NULL) {
		return NULL;
	}
	postfix = g_new0(Postfix, 1);
	postfix->check = check;
	postfix->ours = listener_parse(check->settings->listen);
	postfix->values =
	    g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	postfix->services =
	    g_ptr_array_new_with_free_func((GDestroyNotify)service_free);
	take_values(postfix->values, values);
	take_values(postfix->values, overrides);
	take_services(postfix->services, services);
	return postfix;
}

/* What a list of milters says of ours. */
typedef enum {
	MILTER_ABSENT,
	MILTER_ELSEWHERE, /* named, but a chrooted process looks elsewhere */
	MILTER_ASKED,
} MilterUse;

/* Is this unix socket ours? Postfix works in its queue directory, and inside
 * of it when it is chrooted. */
static MilterUse
match_path(const Postfix *postfix, const char *path, bool chroot)
{
	const char *queue = value_of(postfix, NULL, "queue_directory");
	const char *ours = postfix->ours->path;
	g_autofree char *below = g_build_filename(queue, path, NULL);
	bool absolute = *path == '/';

	if (absolute && !chroot) {
		return g_str_equal(path, ours) ? MILTER_ASKED : MILTER_ABSENT;
	}
	if (g_str_equal(below, ours)) {
		return MILTER_ASKED;
	}
	return absolute && g_str_equal(path, ours) ? MILTER_ELSEWHERE
						   : MILTER_ABSENT;
}

static MilterUse
match_milter(const Postfix *postfix, const char *text, bool chroot)
{
	g_autoptr(Listener) theirs = listener_parse_postfix(text);

	if (theirs == NULL || postfix->ours == NULL ||
	    (theirs->path == NULL) != (postfix->ours->path == NULL)) {
		return MILTER_ABSENT;
	}
	if (theirs->path != NULL) {
		return match_path(postfix, theirs->path, chroot);
	}
	return listener_meets(theirs, postfix->ours) ? MILTER_ASKED
						     : MILTER_ABSENT;
}

/* "{ inet:h:p, default_action = accept }" or "inet:h:p", one at a time from
 * *at on; NULL at the end. Yours. */
static char *
next_milter(const char **at)
{
	const char *start = *at + strspn(*at, " \t,");
	gsize length;

	if (*start == '\0') {
		return NULL;
	}
	if (*start == '{') {
		start++;
		length = strcspn(start, "}");
		*at = start + length + (start[length] == '}' ? 1 : 0);
	} else {
		length = strcspn(start, " \t,");
		*at = start + length;
	}
	return g_strstrip(g_strndup(start, length));
}

/* The default_action of one milter; NULL: none of its own. Yours. */
static char *
own_action(char **settings)
{
	for (guint i = 1; settings[0] != NULL && settings[i] != NULL; i++) {
		g_auto(GStrv) pair = g_strsplit(settings[i], "=", 2);

		if (pair[0] != NULL && pair[1] != NULL &&
		    g_str_equal(g_strstrip(pair[0]), "default_action")) {
			return g_strdup(g_strstrip(pair[1]));
		}
	}
	return NULL;
}

/* *action_out (may be NULL): what happens when ours is away, NULL when the
 * list does not say; yours. */
static MilterUse
find_ours(
    const Postfix *postfix, const char *list, bool chroot, char **action_out)
{
	MilterUse best = MILTER_ABSENT;
	const char *at = list;

	for (;;) {
		g_autofree char *milter = next_milter(&at);
		g_auto(GStrv) settings = NULL;
		MilterUse use;

		if (milter == NULL) {
			return best;
		}
		settings = g_strsplit(milter, ",", -1);
		use = settings[0] == NULL
		    ? MILTER_ABSENT
		    : match_milter(postfix, g_strstrip(settings[0]), chroot);
		if (use > best) {
			best = use;
			if (action_out != NULL) {
				g_free(*action_out);
				*action_out = own_action(settings);
			}
		}
	}
}

static bool
is_smtpd(const Service *service)
{
	return g_str_equal(service->command, "smtpd") &&
	    g_str_equal(service->type, "inet");
}

/* The listener that we hand copies to. */
static bool
is_reinject(const Postfix *postfix, const Service *service)
{
	const Settings *settings = postfix->check->settings;
	g_autoptr(Listener) ours = NULL;
	g_autoptr(Listener) theirs = NULL;

	if (settings->reinject_host == NULL || !is_smtpd(service)) {
		return false;
	}
	ours = listener_new(settings->reinject_host, settings->reinject_port);
	theirs = listener_parse_postfix(service->name);
	return theirs != NULL && listener_meets(ours, theirs);
}

/* A milter list of one kind of mail. where: for the text. */
static MilterUse
check_list(const Postfix *postfix, const Service *service, const char *name,
    const char *where)
{
	Check *check = postfix->check;
	bool chroot = service != NULL && service->chroot;
	g_autofree char *action = NULL;
	bool listed;
	MilterUse use = find_ours(
	    postfix, value_of(postfix, service, name), chroot, &action);

	if (use == MILTER_ELSEWHERE) {
		check_fail(check, "postfix",
		    "%s runs chrooted in %s and cannot see %s: put the "
		    "socket below that directory (listen and %s), or take "
		    "the service out of its chroot in master.cf",
		    where, value_of(postfix, NULL, "queue_directory"),
		    postfix->ours->path, name);
	}
	if (use != MILTER_ASKED) {
		return use;
	}
	listed = action != NULL;
	if (!listed) {
		action = g_strdup(
		    value_of(postfix, service, "milter_default_action"));
	}
	if (!g_str_equal(action, "tempfail")) {
		check_fail(check, "postfix",
		    "%s: default action \"%s\": when the milter is away, mail "
		    "is lost or leaves unsigned; %s%s",
		    where, action,
		    listed ? "write default_action=tempfail where the milter "
			     "is listed, in the braces of "
			   : "postconf -e milter_default_action=tempfail",
		    listed ? name : "");
	}
	return use;
}

static const Service *
find_service(const Postfix *postfix, const char *name)
{
	for (guint i = 0; i < postfix->services->len; i++) {
		const Service *service = postfix->services->pdata[i];

		if (g_str_equal(service->name, name)) {
			return service;
		}
	}
	return NULL;
}

/* Some process of Postfix connects to our socket. */
static void
check_rights(const Postfix *postfix)
{
	const char *queue = value_of(postfix, NULL, "queue_directory");
	const char *path = postfix->ours->path;
	gsize length = strlen(queue);
	bool below = path != NULL && length > 0 &&
	    g_str_has_prefix(path, queue) && path[length] == '/';

	if (path != NULL) {
		check_reach(postfix->check,
		    value_of(postfix, NULL, "mail_owner"), path,
		    below ? queue : "");
	}
}

static void
check_milters(const Postfix *postfix)
{
	Check *check = postfix->check;
	const char *listen = check->settings->listen;
	guint asked = 0;
	guint named = 0;
	MilterUse use;

	for (guint i = 0; i < postfix->services->len; i++) {
		const Service *service = postfix->services->pdata[i];
		g_autofree char *where =
		    g_strdup_printf("%s/%s", service->name, service->type);

		if (!is_smtpd(service) || is_reinject(postfix, service)) {
			continue;
		}
		use = check_list(postfix, service, "smtpd_milters", where);
		asked += use == MILTER_ASKED;
		named += use != MILTER_ABSENT;
	}
	if (named == 0) {
		check_fail(check, "postfix",
		    "no listener has %s in its smtpd_milters, so no mail "
		    "that comes by SMTP gets here",
		    listen);
	} else if (asked > 0) {
		check_ok(
		    check, "postfix", "smtpd_milters: %u listeners", asked);
	}
	use = check_list(postfix, find_service(postfix, "cleanup"),
	    "non_smtpd_milters", "non_smtpd_milters");
	if (use == MILTER_ABSENT) {
		check_warn(check, "postfix",
		    "non_smtpd_milters does not name %s: mail that programs "
		    "on this host send with sendmail(1) leaves unsigned",
		    listen);
	}
	if (asked > 0 || use == MILTER_ASKED) {
		check_rights(postfix);
	}
}

static void
check_size(const Postfix *postfix)
{
	Check *check = postfix->check;
	gint64 ours = check->settings->limits.message;
	gint64 theirs = g_ascii_strtoll(
	    value_of(postfix, NULL, "message_size_limit"), NULL, 10);

	if (ours != theirs) {
		check_warn(check, "postfix",
		    "message_size_limit is %" G_GINT64_FORMAT
		    ", limits.message %" G_GINT64_FORMAT
		    ": a mail that grows over Postfix's limit when it is "
		    "signed is refused late; set limits.message to the same",
		    theirs, ours);
	}
}

static void
check_copies(const Postfix *postfix)
{
	Check *check = postfix->check;
	guint found = 0;

	if (check->settings->reinject_host == NULL) {
		return;
	}
	for (guint i = 0; i < postfix->services->len; i++) {
		const Service *service = postfix->services->pdata[i];
		const char *options =
		    value_of(postfix, service, "receive_override_options");

		if (!is_reinject(postfix, service)) {
			continue;
		}
		found++;
		if (strstr(options, "no_milters") == NULL &&
		    find_ours(postfix,
			value_of(postfix, service, "smtpd_milters"),
			service->chroot, NULL) != MILTER_ABSENT) {
			check_fail(check, "postfix",
			    "the listener %s, where copies go (reinject), "
			    "asks this milter again: add -o smtpd_milters= "
			    "to it in master.cf",
			    service->name);
		} else {
			check_ok(check, "postfix",
			    "the listener %s takes copies without this "
			    "milter",
			    service->name);
		}
	}
	if (found == 0) {
		check_warn(check, "postfix",
		    "master.cf has no listener for reinject = \"%s\": add "
		    "one with -o smtpd_milters=, unless it is another host's",
		    check->settings->reinject);
	}
}

static bool
has_filter(const Postfix *postfix)
{
	static const char *const names[] = { "content_filter",
		"smtpd_proxy_filter" };

	for (guint n = 0; n < G_N_ELEMENTS(names); n++) {
		if (*value_of(postfix, NULL, names[n]) != '\0') {
			return true;
		}
		for (guint i = 0; i < postfix->services->len; i++) {
			if (*value_of(postfix, postfix->services->pdata[i],
				names[n]) != '\0') {
				return true;
			}
		}
	}
	return false;
}

static bool
loopback_is_internal(const Settings *settings)
{
	for (guint i = 0; i < settings->internal_hosts->len; i++) {
		const Network *network = settings->internal_hosts->pdata[i];

		if (pattern_network_has(network, "127.0.0.1") ||
		    pattern_network_has(network, "::1")) {
			return true;
		}
	}
	return false;
}

/* A content filter hands mail from outside back from 127.0.0.1. */
static void
check_filters(const Postfix *postfix)
{
	Check *check = postfix->check;

	if (!has_filter(postfix) || !loopback_is_internal(check->settings)) {
		return;
	}
	for (guint i = 0; i < postfix->services->len; i++) {
		const Service *service = postfix->services->pdata[i];
		g_autoptr(Listener) listener = is_smtpd(service)
		    ? listener_parse_postfix(service->name)
		    : NULL;

		if (listener != NULL && listener_is_private(listener) &&
		    !is_reinject(postfix, service) &&
		    find_ours(postfix,
			value_of(postfix, service, "smtpd_milters"),
			service->chroot, NULL) == MILTER_ASKED) {
			check_warn(check, "internal_hosts",
			    "a content filter hands mail from outside back "
			    "to %s from this host, and internal_hosts trusts "
			    "this host to send as any own address: give that "
			    "listener -o smtpd_milters= in master.cf, or "
			    "take loopback out of internal_hosts",
			    service->name);
		}
	}
}

void
check_postfix(Check *check)
{
	g_autofree char *program = find_postconf();
	g_autoptr(Postfix) postfix = NULL;

	if (program == NULL) {
		check_ok(check, "postfix", "not installed, not looked at");
		return;
	}
	postfix = postfix_read(check, program);
	if (postfix == NULL) {
		return;
	}
	check_milters(postfix);
	check_copies(postfix);
	check_filters(postfix);
	check_size(postfix);
}
