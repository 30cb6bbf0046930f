/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The settings: one row each in option.c (path, type, place, default, range,
 * help), an immutable snapshot once loaded, shared by reference. A key without
 * an effect is not accepted.
 */
#ifndef POLICY_SETTINGS_H
#define POLICY_SETTINGS_H

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/log.h"
#include "crypto/sign.h"
#include "mime/authres.h"
#include "policy/pattern.h"

#define SETTINGS_DEFAULT_FILE SYSCONFDIR "/smime-milter/smime-milter.conf"

typedef enum {
	CHECK_ENVELOPE,
	CHECK_LOGIN,
	CHECK_BOTH,
	CHECK_NONE,
} SenderCheck;

typedef enum {
	SIGN_ALWAYS,
	SIGN_NEVER,
	SIGN_REQUEST,
} SignMode;

typedef enum {
	MISSING_PASS,
	MISSING_REJECT,
	MISSING_TEMPFAIL,
} MissingKey;

typedef enum {
	HARVEST_AUTO,          /* use at once */
	HARVEST_PENDING_FIRST, /* "pending": the administrator approves */
	HARVEST_OFF,
} HarvestMode;

typedef enum {
	REVOCATION_SOFT,
	REVOCATION_HARD,
	REVOCATION_OFF,
} RevocationMode;

/* What a rule may override. */
typedef struct {
	SignMode mode;
	bool opaque; /* format */
	DigestKind digest;
	SignPadding padding; /* rsa_padding */
	MissingKey missing_key;
} SignPolicy;

typedef struct {
	char *name;
	Pattern *sender;    /* NULL: any */
	Pattern *recipient; /* NULL: any */
	Regex *subject;     /* NULL: any */
	Regex *header;      /* NULL: any */
	SignPolicy sign;    /* the defaults with what the rule names put over */
	bool sets_sign;
} Rule;

typedef struct Logins Logins; /* sender.h */

typedef struct {
	char *file; /* where it was read from */
	char *listen;
	char *socket_group;
	mode_t socket_mode;
	char *user;
	char *state_dir;
	char *spool_dir;             /* resolved: never empty */
	GPtrArray *local_domains;    /* of char *, "d" or ".d", lowered */
	GHashTable *domains;         /* the same, for settings_is_own() */
	GPtrArray *internal_hosts;   /* of Network */
	GPtrArray *outbound_daemons; /* of char * */
	SenderCheck sender_check;
	char *sender_logins; /* file, "" = none */
	Logins *logins;      /* never NULL */
	LogLevel log_level;
	LogTarget log_target;
	SignPolicy sign;
	Regex *sign_request; /* sign.request_header; NULL: empty */
	char *authserv_id;   /* resolved: never empty */
	struct {
		bool enabled;
		bool add_none;
		bool strip_signature;
		char *subject_tag; /* "" = none */
		bool accept_weak;
		AuthresStrip strip;
		bool reject; /* on_invalid */
	} verify;
	struct {
		HarvestMode mode;
		gint max_per_address;
		gint max_pending;
	} harvest;
	bool trust_system; /* trust.system */
	struct {
		RevocationMode mode;
		bool fetch;
		gint wait;    /* seconds */
		gint refresh; /* seconds */
		bool private_hosts;
		gint64 max_size; /* bytes */
	} revocation;
	char *reinject;      /* "" = none; else as written */
	char *reinject_host; /* without brackets; NULL when none */
	guint16 reinject_port;
	struct {
		gint64 message;
		gint recipients;
		gint headers;
		gint parts;
		gint depth;
		gint copies;
	} limits;
	GPtrArray *rules; /* of Rule */
} Settings;

/*
 * Reads file. All errors found are in *error's text, one line each
 * ("FILE:LINE: what is wrong and what to write"). ERROR_SETTINGS;
 * ERROR_MISSING, ERROR_PERMISSION for the file itself.
 */
Settings *settings_load(const char *file, GError **error);
Settings *settings_ref(Settings *settings);
void settings_unref(Settings *settings);

/* The effective settings in the form of the file, from the same table. Yours.
 */
char *settings_print(const Settings *settings);

/* For tests and the manual: each key with type, default and help. */
typedef struct {
	const char *path;    /* "sign.mode", "rules[].sender" */
	const char *type;    /* "text", "number", "bool", "list", "choice" */
	const char *initial; /* as it would be written; NULL: has none */
	const char *help;
	const char *const *choices; /* of a choice, NULL-ended; else NULL */
	gint64 min;                 /* of a number */
	gint64 max;
} SettingsRow;
const SettingsRow *settings_rows(guint *count_out);

/* Is this (normalised) an own address? */
bool settings_is_own(const Settings *settings, const char *address);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Settings, settings_unref)

#endif
