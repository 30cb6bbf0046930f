/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "policy/settings.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "policy_fixture.h"

/* libconfig 1.5 leaks the text before a syntax error. */
const char *__lsan_default_suppressions(void);
const char *
__lsan_default_suppressions(void)
{
	return "leak:libconfig";
}

static char *
source_file(const char *name)
{
	const char *top = g_getenv("TOP_SRCDIR");
	g_autofree char *path =
	    g_build_filename(top == NULL ? "." : top, name, NULL);
	g_autoptr(GError) error = NULL;
	char *content = NULL;

	g_file_get_contents(path, &content, NULL, &error);
	g_assert_no_error(error);
	return content;
}

static void
check_default_inbound(const Settings *settings)
{
	g_assert_true(settings->verify.enabled);
	g_assert_false(settings->verify.add_none);
	g_assert_false(settings->verify.strip_signature);
	g_assert_cmpstr(settings->verify.subject_tag, ==, "");
	g_assert_false(settings->verify.accept_weak);
	g_assert_cmpint(settings->verify.strip, ==, AUTHRES_STRIP_SMIME);
	g_assert_false(settings->verify.reject);
	g_assert_cmpint(settings->harvest.mode, ==, HARVEST_AUTO);
	g_assert_cmpint(settings->harvest.max_per_address, ==, 8);
	g_assert_cmpint(settings->harvest.max_pending, ==, 10000);
	g_assert_false(settings->trust_system);
	g_assert_cmpint(settings->revocation.mode, ==, REVOCATION_SOFT);
	g_assert_true(settings->revocation.fetch);
	g_assert_cmpint(settings->revocation.wait, ==, 3);
	g_assert_cmpint(settings->revocation.refresh, ==, 3600);
	g_assert_false(settings->revocation.private_hosts);
	g_assert_cmpint(settings->revocation.max_size, ==, 67108864);
}

static void
test_defaults(void)
{
	g_autoptr(Settings) settings = fixture_settings("");
	const Network *network = NULL;

	g_assert_cmpstr(
	    settings->listen, ==, "unix:/run/smime-milter/milter.sock");
	g_assert_cmpstr(settings->socket_group, ==, "postfix");
	g_assert_cmpuint(settings->socket_mode, ==, 0660);
	g_assert_cmpstr(settings->user, ==, "smime-milter");
	g_assert_cmpstr(settings->state_dir, ==, "/var/lib/smime-milter");
	g_assert_cmpstr(settings->spool_dir, ==, "/var/lib/smime-milter/tmp");
	g_assert_cmpuint(settings->local_domains->len, ==, 3);
	g_assert_cmpuint(settings->internal_hosts->len, ==, 2);
	network = g_ptr_array_index(settings->internal_hosts, 1);
	g_assert_true(pattern_network_has(network, "::1"));
	g_assert_cmpuint(settings->outbound_daemons->len, ==, 1);
	g_assert_cmpstr(g_ptr_array_index(settings->outbound_daemons, 0), ==,
	    "ORIGINATING");
	g_assert_cmpstr(settings->authserv_id, ==, g_get_host_name());
	g_assert_cmpint(settings->sender_check, ==, CHECK_BOTH);
	g_assert_cmpstr(settings->sender_logins, ==, "");
	g_assert_nonnull(settings->logins);
	g_assert_cmpint(settings->log_level, ==, LOG_LEVEL_INFO);
	g_assert_cmpint(settings->log_target, ==, LOG_TARGET_AUTO);
	g_assert_cmpint(settings->sign.mode, ==, SIGN_ALWAYS);
	g_assert_false(settings->sign.opaque);
	g_assert_cmpint(settings->sign.digest, ==, DIGEST_SHA256);
	g_assert_cmpint(settings->sign.padding, ==, SIGN_PKCS1);
	g_assert_cmpint(settings->sign.missing_key, ==, MISSING_PASS);
	g_assert_true(
	    pattern_regex_hits(settings->sign_request, "X-Sign: yes"));
	check_default_inbound(settings);
	g_assert_cmpstr(settings->reinject, ==, "");
	g_assert_null(settings->reinject_host);
	g_assert_cmpint(settings->limits.message, ==, 0);
	g_assert_cmpint(settings->limits.recipients, ==, 1000);
	g_assert_cmpint(settings->limits.headers, ==, 1048576);
	g_assert_cmpint(settings->limits.parts, ==, 1000);
	g_assert_cmpint(settings->limits.depth, ==, 50);
	g_assert_cmpint(settings->limits.copies, ==, 1000);
	g_assert_cmpuint(settings->rules->len, ==, 0);
}

#define EVERYTHING                                                             \
	"listen = \"inet:8891@127.0.0.1\"; socket_group = \"\";\n"             \
	"socket_mode = \"600\"; user = \"mail\"; state_dir = \"/s\";\n"        \
	"spool_dir = \"/spool\";\n"                                            \
	"internal_hosts = ( \"10.0.0.0/8\" ); outbound_daemons = ( );\n"       \
	"sender_check = \"none\";\n"                                           \
	"log = { level = \"debug\"; target = \"journal\"; };\n"                \
	"rules = (\n"                                                          \
	"  { name = \"a \\\\ \\\"b\\\"\"; sender = \"@.x.example\";\n"         \
	"    sign = { mode = \"request\"; format = \"detached\"; }; },\n"      \
	"  { recipient = \"*\"; subject = \"\\\\[x\\\\]\";\n"                  \
	"    header = \"X-A: (b|c)\"; },\n"                                    \
	"  { sign = { digest = \"sha384\"; rsa_padding = \"pkcs1\";\n"         \
	"      missing_key = \"tempfail\"; }; } );\n"                          \
	"sign : { mode = \"never\", format = \"opaque\", digest = "            \
	"\"sha512\"\n"                                                         \
	"  rsa_padding = \"pss\"; missing_key = \"reject\";\n"                 \
	"  request_header = \"X-T\\x41b\\t: \"; };\n"                          \
	"reinject = \"smtp:[::1]:10027\";\n"                                   \
	"limits = { message = 52428800; recipients = 1; headers = 0x400;\n"    \
	"  parts = 2; depth = 3; copies = 4L; };\n"                            \
	"authserv_id = \"gw.example.org\";\n"                                  \
	"verify = { enabled = false; add_none = true; strip_signature = "      \
	"true;\n"                                                              \
	"  subject_tag = \"[\xe2\x9c\x93 \\\"ok\\\"]\"; accept_weak = TRUE;\n" \
	"  strip = \"all\"; on_invalid = \"reject\"; };\n"                     \
	"harvest = { mode = \"pending\"; max_per_address = 1000;\n"            \
	"  max_pending = 0; };\n"                                              \
	"trust = { system = true; };\n"                                        \
	"revocation = { mode = \"hard\"; fetch = false; wait = 0;\n"           \
	"  refresh = 60; private_hosts = true; max_size = 1073741824; };\n"

static void
check_everything_inbound(const Settings *settings)
{
	g_assert_cmpstr(settings->authserv_id, ==, "gw.example.org");
	g_assert_false(settings->verify.enabled);
	g_assert_true(settings->verify.add_none);
	g_assert_true(settings->verify.strip_signature);
	g_assert_cmpstr(
	    settings->verify.subject_tag, ==, "[\xe2\x9c\x93 \"ok\"]");
	g_assert_true(settings->verify.accept_weak);
	g_assert_cmpint(settings->verify.strip, ==, AUTHRES_STRIP_ALL);
	g_assert_true(settings->verify.reject);
	g_assert_cmpint(settings->harvest.mode, ==, HARVEST_PENDING_FIRST);
	g_assert_cmpint(settings->harvest.max_per_address, ==, 1000);
	g_assert_cmpint(settings->harvest.max_pending, ==, 0);
	g_assert_true(settings->trust_system);
	g_assert_cmpint(settings->revocation.mode, ==, REVOCATION_HARD);
	g_assert_false(settings->revocation.fetch);
	g_assert_cmpint(settings->revocation.wait, ==, 0);
	g_assert_cmpint(settings->revocation.refresh, ==, 60);
	g_assert_true(settings->revocation.private_hosts);
	g_assert_cmpint(settings->revocation.max_size, ==, 1073741824);
}

static void
check_everything(const Settings *settings)
{
	const Rule *rule = NULL;

	g_assert_cmpstr(settings->listen, ==, "inet:8891@127.0.0.1");
	g_assert_cmpstr(settings->socket_group, ==, "");
	g_assert_cmpuint(settings->socket_mode, ==, 0600);
	g_assert_cmpstr(settings->user, ==, "mail");
	g_assert_cmpstr(settings->state_dir, ==, "/s");
	g_assert_cmpstr(settings->spool_dir, ==, "/spool");
	g_assert_cmpuint(settings->internal_hosts->len, ==, 1);
	g_assert_cmpuint(settings->outbound_daemons->len, ==, 0);
	g_assert_cmpint(settings->sender_check, ==, CHECK_NONE);
	g_assert_cmpint(settings->log_level, ==, LOG_LEVEL_DEBUG);
	g_assert_cmpint(settings->log_target, ==, LOG_TARGET_JOURNAL);
	g_assert_cmpint(settings->sign.mode, ==, SIGN_NEVER);
	g_assert_true(settings->sign.opaque);
	g_assert_cmpint(settings->sign.digest, ==, DIGEST_SHA512);
	g_assert_cmpint(settings->sign.padding, ==, SIGN_PSS);
	g_assert_cmpint(settings->sign.missing_key, ==, MISSING_REJECT);
	g_assert_cmpstr(
	    pattern_regex_text(settings->sign_request), ==, "X-TAb\t: ");
	g_assert_cmpstr(settings->reinject, ==, "smtp:[::1]:10027");
	g_assert_cmpstr(settings->reinject_host, ==, "::1");
	g_assert_cmpuint(settings->reinject_port, ==, 10027);
	g_assert_cmpint(settings->limits.message, ==, 52428800);
	g_assert_cmpint(settings->limits.recipients, ==, 1);
	g_assert_cmpint(settings->limits.headers, ==, 1024);
	g_assert_cmpint(settings->limits.parts, ==, 2);
	g_assert_cmpint(settings->limits.depth, ==, 3);
	g_assert_cmpint(settings->limits.copies, ==, 4);
	check_everything_inbound(settings);
	g_assert_cmpuint(settings->rules->len, ==, 3);

	/* What a rule does not name is the default, wherever that stands. */
	rule = g_ptr_array_index(settings->rules, 0);
	g_assert_cmpstr(rule->name, ==, "a \\ \"b\"");
	g_assert_cmpstr(pattern_text(rule->sender), ==, "@.x.example");
	g_assert_null(rule->recipient);
	g_assert_true(rule->sets_sign);
	g_assert_cmpint(rule->sign.mode, ==, SIGN_REQUEST);
	g_assert_false(rule->sign.opaque);
	g_assert_cmpint(rule->sign.digest, ==, DIGEST_SHA512);
	g_assert_cmpint(rule->sign.padding, ==, SIGN_PSS);
	g_assert_cmpint(rule->sign.missing_key, ==, MISSING_REJECT);

	rule = g_ptr_array_index(settings->rules, 1);
	g_assert_cmpstr(rule->name, ==, "rule 2");
	g_assert_true(pattern_is_any(rule->recipient));
	g_assert_cmpstr(pattern_regex_text(rule->subject), ==, "\\[x\\]");
	g_assert_cmpstr(pattern_regex_text(rule->header), ==, "X-A: (b|c)");
	g_assert_true(pattern_regex_hits(rule->subject, "Re: [X]"));
	g_assert_false(pattern_regex_hits(rule->header, "Re: X-A: b"));
	g_assert_false(rule->sets_sign);
	g_assert_cmpint(rule->sign.mode, ==, SIGN_NEVER);
	g_assert_true(rule->sign.opaque);

	rule = g_ptr_array_index(settings->rules, 2);
	g_assert_null(rule->sender);
	g_assert_null(rule->subject);
	g_assert_null(rule->header);
	g_assert_cmpint(rule->sign.mode, ==, SIGN_NEVER);
	g_assert_cmpint(rule->sign.digest, ==, DIGEST_SHA384);
	g_assert_cmpint(rule->sign.padding, ==, SIGN_PKCS1);
	g_assert_cmpint(rule->sign.missing_key, ==, MISSING_TEMPFAIL);
}

static void
test_everything(void)
{
	g_autoptr(Settings) settings = fixture_settings(EVERYTHING);

	check_everything(settings);
}

static void
test_print(void)
{
	static const char *const cases[] = { "", EVERYTHING,
		"sign = { request_header = \"\"; };", "rules = [ ];" };

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(Settings) settings = fixture_settings(cases[i]);
		g_autofree char *first = settings_print(settings);
		g_autoptr(GError) error = NULL;
		g_autoptr(Settings) again = fixture_try(first, &error);
		g_autofree char *second = NULL;

		g_test_message("%s", first);
		g_assert_no_error(error);
		second = settings_print(again);
		g_assert_cmpstr(first, ==, second);
		g_assert_cmpint(settings->sign_request == NULL, ==,
		    again->sign_request == NULL);
		g_assert_cmpuint(again->local_domains->len, ==, 3);
		if (i == 1) {
			check_everything(again);
		}
	}
}

/* text without local_domains; want: the whole message, %s is the file. */
static const struct {
	const char *text;
	const char *want;
} bad_cases[] = {
	{ "sing = 1;",
	    "%s:2: unknown setting \"sing\": write one of listen, "
	    "socket_group, socket_mode, user, state_dir, spool_dir, "
	    "local_domains, internal_hosts, outbound_daemons, "
	    "authserv_id, sender_check, sender_logins, log, sign, verify, "
	    "harvest, trust, revocation, reinject, limits, rules" },
	{ "sign = { fromat = \"opaque\"; };",
	    "%s:2: unknown setting \"sign.fromat\": write one of mode, format, "
	    "digest, rsa_padding, missing_key, request_header" },
	{ "rules = (\n{ recipent = \"*\"; });",
	    "%s:3: rule 1: unknown setting \"recipent\": write one of name, "
	    "sender, recipient, subject, header, sign" },
	{ "rules = ( { sign = { request_header = \"x\"; }; } );\n"
	  "reinject = \"smtp:a:1\";",
	    "%s:2: rule 1: unknown setting \"sign.request_header\": write one "
	    "of mode, format, digest, rsa_padding, missing_key" },
	{ "user = 7;",
	    "%s:2: user has the wrong type: write text in double quotes" },
	{ "user = \"\";",
	    "%s:2: user: \"\" is empty: write a name or leave the line out" },
	{ "sign = \"always\";",
	    "%s:2: sign has the wrong type: write a group, sign = { ... };" },
	{ "sign = { mode = true; };",
	    "%s:2: sign.mode has the wrong type: write one of \"always\", "
	    "\"never\", \"request\"" },
	{ "sign = { mode = \"Always\"; };",
	    "%s:2: sign.mode: \"Always\" is not known: write one of "
	    "\"always\", \"never\", \"request\"" },
	{ "sign = { missing_key = \"issue\"; };",
	    "%s:2: sign.missing_key: \"issue\" is not known: write one of "
	    "\"pass\", \"reject\", \"tempfail\"" },
	{ "limits = { parts = 0; };",
	    "%s:2: limits.parts: 0 is out of range: write a whole number from "
	    "1 to 100000" },
	{ "limits = { parts = \"1\"; };",
	    "%s:2: limits.parts has the wrong type: write a whole number from "
	    "1 to 100000" },
	{ "limits = { parts = 1.0; };",
	    "%s:2: limits.parts has the wrong type: write a whole number from "
	    "1 to 100000" },
	{ "limits = { message = 1023; };",
	    "%s:2: limits.message: 1023 is too small for any mail: write 0 "
	    "for no limit, or at least 1024" },
	{ "limits = { message = -1; };",
	    "%s:2: limits.message: -1 is out of range: write a whole number "
	    "from 0 to 2147483647" },
	{ "limits = {\n message = 5000000000; };",
	    "%s:3: the number 5000000000 is too large: write at most "
	    "2147483647" },
	{ "verify = { enabled = \"true\"; };",
	    "%s:2: verify.enabled has the wrong type: write true or false, "
	    "without quotes" },
	{ "verify = { enabled = 1; };",
	    "%s:2: verify.enabled has the wrong type: write true or false, "
	    "without quotes" },
	{ "trust = true;",
	    "%s:2: trust has the wrong type: write a group, trust = { ... };" },
	{ "verify = { strip = \"none\"; };",
	    "%s:2: verify.strip: \"none\" is not known: write one of "
	    "\"smime\", \"all\"" },
	{ "verify = { subject_tag = \"a\\tb\"; };",
	    "%s:2: verify.subject_tag: holds a control character: write "
	    "visible text, such as \"[signed]\"" },
	{ "verify = { subject_tag = \"a\xc2\x85\"; };",
	    "%s:2: verify.subject_tag: holds a control character: write "
	    "visible text, such as \"[signed]\"" },
	{ "verify = { subject_tag = \"\xff\"; };",
	    "%s:2: verify.subject_tag: is no UTF-8: save the file as UTF-8" },
	{ "verify = { subject_tag = \"  \"; };",
	    "%s:2: verify.subject_tag: \"  \" is blank: write \"\" for no "
	    "tag" },
	{ "verify = { subject_tag = \"0123456789012345678901234567890123456789"
	  "01234567890123456789012345678901234567890123456789012345678"
	  "90\"; };",
	    "%s:2: verify.subject_tag: \"*\" is too long for a Subject: write "
	    "at most 100 bytes" },
	{ "authserv_id = \"a b\";",
	    "%s:2: authserv_id: \"a b\" is no name of a host: write one such "
	    "as \"mail.example.com\", an internationalised one as "
	    "\"xn--...\"" },
	{ "authserv_id = \"a/b\";", "%s:2: authserv_id: \"a/b\" is no *" },
	{ "authserv_id = \"b\xc3\xbc.example\";", "%s:2: authserv_id: *" },
	{ "harvest = { max_per_address = 0; };",
	    "%s:2: harvest.max_per_address: 0 is out of range: write a whole "
	    "number from 1 to 1000" },
	{ "revocation = { wait = 61; };",
	    "%s:2: revocation.wait: 61 is out of range: write a whole number "
	    "from 0 to 60" },
	{ "revocation = { refresh = 59; max_size = 1023; };",
	    "%s:2: revocation.refresh: 59 is *\n"
	    "%s:2: revocation.max_size: 1023 is out of range: write a whole "
	    "number from 1024 to 1073741824" },
	{ "socket_mode = 0660;",
	    "%s:2: socket_mode has the wrong type: write an octal mode in "
	    "double quotes, such as \"0660\"" },
	{ "socket_mode = \"0668\";",
	    "%s:2: socket_mode: \"0668\" is no octal mode: write three or four "
	    "digits, such as \"0660\"" },
	{ "socket_mode = \"1777\";",
	    "%s:2: socket_mode: \"1777\" is no octal mode: write three or four "
	    "digits, such as \"0660\"" },
	{ "socket_mode = \"60\";",
	    "%s:2: socket_mode: \"60\" is no octal mode: write three or four "
	    "digits, such as \"0660\"" },
	{ "listen = \"/run/x\";",
	    "%s:2: listen: \"/run/x\" is no socket: write \"unix:/PATH\", "
	    "\"inet:PORT@HOST\" or \"inet6:PORT@HOST\"" },
	{ "state_dir = \"var\";",
	    "%s:2: state_dir: \"var\" is no absolute path: let it begin with "
	    "'/'" },
	{ "state_dir = \"\";",
	    "%s:2: state_dir: \"\" is no absolute path: let "
	    "it begin with '/'" },
	{ "spool_dir = \"var\";",
	    "%s:2: spool_dir: \"var\" is no absolute path: let it begin with "
	    "'/'" },
	{ "internal_hosts = \"::1\";",
	    "%s:2: internal_hosts has the wrong type: write a list of texts, "
	    "[ \"...\", \"...\" ]" },
	{ "internal_hosts = [ \"::1\",\n \"10.0.0.1/8\",\n \"x\" ];",
	    "%s:3: internal_hosts: \"10.0.0.1/8\" has bits set behind its /8: "
	    "write \"10.0.0.0/8\"\n"
	    "%s:4: internal_hosts: \"x\" is no network: write "
	    "\"192.0.2.0/24\", \"192.0.2.7\" or \"2001:db8::/32\"" },
	{ "outbound_daemons = ( \"A\", 7 );",
	    "%s:2: outbound_daemons has the wrong type: write a list of texts, "
	    "[ \"...\", \"...\" ]" },
	{ "rules = { };",
	    "%s:2: rules has the wrong type: write a list of "
	    "groups, ( { ... }, { ... } )" },
	{ "rules = ( \"x\" );",
	    "%s:2: rule 1: has the wrong type: write a group, { ... }" },
	{ "rules = ( { sender = \"nobody\"; } );",
	    "%s:2: rule 1: sender: \"nobody\" is no address pattern: write "
	    "\"user@example.com\", \"@example.com\", \"@.example.com\" (all "
	    "below it) or \"*\"" },
	{ "rules = ( { subject = \"(\"; } );",
	    "%s:2: rule 1: subject: \"(\" is no POSIX extended regular "
	    "expression: Unmatched ( or \\(" },
	{ "rules = ( { name = \"a\"; },\n{ name = \"a\"; } );",
	    "%s:3: rule 2: an earlier rule is called \"a\" too: write another "
	    "name" },
	{ "rules = ( { name = \"rule 2\"; },\n{ } );",
	    "%s:3: rule 2: an earlier rule is called \"rule 2\" too: write "
	    "another name" },
	{ "rules = ( { name = \"old\"; sign = { mode = \"never\"; }; } );",
	    "%s:2: rule 1 (\"old\") sets sign, so that one mail may need two "
	    "copies, and reinject is empty: write reinject = "
	    "\"smtp:127.0.0.1:10027\"; with a listener of the MTA that has no "
	    "milter, or take sign out of the rule" },
	{ "reinject = \"localhost:25\";",
	    "%s:2: reinject: \"localhost:25\" is no listener: write "
	    "\"smtp:HOST:PORT\", such as \"smtp:127.0.0.1:10027\" or "
	    "\"smtp:[::1]:10027\"" },
	{ "sign = { mode = \"request\";\n request_header = \"\"; };",
	    "%s:3: sign.request_header is empty and sign.mode = \"request\" "
	    "needs it: write \"X-Sign: *(yes|true)\"" },
	{ "rules = ( { sign = { mode = \"request\"; }; } );\n"
	  "reinject = \"smtp:a:1\"; sign = { request_header = \"\"; };",
	    "%s:3: sign.request_header is empty and sign.mode = \"request\" "
	    "needs it: write \"X-Sign: *(yes|true)\"" },
	{ "sender_logins = \"/nonexistent/x\";",
	    "%s:2: sender_logins: *: write the path of a readable file" },
	/* All at once, in the order of the file. */
	{ "user = 1;\nuser_ = 1;\nsign = { mode = 1; };\nsocket_mode = \"x\";",
	    "%s:2: *\n%s:3: *\n%s:4: *\n%s:5: *" },
	/* What libconfig says itself. */
	{ "user = \"a\";\n\nuser = \"b\";", "%s:4: duplicate setting name: *" },
	{ "sign = { mode = \"never\"; mode = \"never\"; };",
	    "%s:2: duplicate setting name: *" },
	{ "user = \"a\n\nuser2;",
	    "%s:2: the text that begins here does not end: close it with "
	    "'\"'" },
	{ "user \"a\";", "%s:2: syntax error: *" },
	{ "internal_hosts = [ \"::1\", 7 ];", "%s:2: mismatched element *" },
	{ "@include \"/\"", "%s:2: @include: /*" },
};

static void
test_bad(void)
{
	for (gsize i = 0; i < G_N_ELEMENTS(bad_cases); i++) {
		g_autofree char *text =
		    g_strconcat("local_domains = [ \"example.com\" ];\n",
			bad_cases[i].text, "\n", NULL);
		char *file = fixture_file(text, -1);
		g_autoptr(GString) want = g_string_new(bad_cases[i].want);
		g_autoptr(GError) error = NULL;

		g_string_replace(want, "%s", file, 0);
		g_assert_null(settings_load(file, &error));
		g_assert_error(error, ERROR_DOMAIN, ERROR_SETTINGS);
		if (!g_pattern_match_simple(want->str, error->message)) {
			g_test_message("for %s", bad_cases[i].text);
			g_assert_cmpstr(error->message, ==, want->str);
		}
		fixture_remove(file);
	}
}

static void
test_domains_missing(void)
{
	static const char *const cases[] = { "", "local_domains = [ ];",
		"local_domains = ( );",
		"// local_domains = [ \"a.example\" ];" };

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GError) error = NULL;

		g_assert_null(fixture_try(cases[i], &error));
		g_assert_error(error, ERROR_DOMAIN, ERROR_SETTINGS);
		g_test_message("got %s", error->message);
		g_assert_nonnull(strstr(
		    error->message, "local_domains = [ \"example.com\" ];"));
	}
}

static void
test_domains_bad(void)
{
	g_autoptr(GError) error = NULL;

	g_assert_null(
	    fixture_try("local_domains = [ \"@example.com\" ];", &error));
	g_assert_nonnull(strstr(error->message, "write \"example.com\""));
	g_assert_null(strchr(error->message, '\n'));
}

static void
test_file_trouble(void)
{
	g_autofree char *directory = g_dir_make_tmp("settings-XXXXXX", NULL);
	char *file = fixture_file("local_domains = [ \"a.example\" ];", -1);
	g_autoptr(GError) missing = NULL;
	g_autoptr(GError) is_directory = NULL;
	g_autoptr(GError) unreadable = NULL;

	g_assert_null(settings_load("/nonexistent/x.conf", &missing));
	g_assert_error(missing, ERROR_DOMAIN, ERROR_MISSING);
	g_assert_nonnull(strstr(missing->message, "/nonexistent/x.conf"));
	g_assert_null(settings_load(directory, &is_directory));
	g_assert_error(is_directory, ERROR_DOMAIN, ERROR_SETTINGS);
	g_assert_nonnull(strstr(is_directory->message, directory));
	g_test_message("%s", is_directory->message);
	if (geteuid() != 0) {
		g_chmod(file, 0);
		g_assert_null(settings_load(file, &unreadable));
		g_assert_error(unreadable, ERROR_DOMAIN, ERROR_PERMISSION);
	}
	g_rmdir(directory);
	fixture_remove(file);
}

static void
test_rules_many(void)
{
	g_autoptr(GString) text = g_string_new("rules = (");
	g_autoptr(Settings) settings = NULL;
	g_autoptr(GError) error = NULL;
	const Rule *rule = NULL;

	for (guint i = 0; i < 10000; i++) {
		g_string_append_printf(text,
		    "%s{ recipient = \"u%u@partner.example\"; }",
		    i == 0 ? "" : ",", i);
	}
	g_string_append(text, ");");
	settings = fixture_settings(text->str);
	g_assert_cmpuint(settings->rules->len, ==, 10000);
	rule = g_ptr_array_index(settings->rules, 9999);
	g_assert_cmpstr(rule->name, ==, "rule 10000");
	g_string_truncate(text, text->len - 2);
	g_string_append(text, ", { });\nlocal_domains = [ \"a.example\" ];");
	g_assert_null(fixture_try(text->str, &error));
	g_assert_nonnull(strstr(error->message, "at most 10000"));
}

static void
test_is_own(void)
{
	static const struct {
		const char *address;
		bool want;
	} cases[] = {
		{ "a@example.com", true },
		{ "a@example.net", true },
		{ "a@example.org", false },
		{ "a@x.example.org", true },
		{ "a@y.x.example.org", true },
		{ "a@x.example.com", false },
		{ "a@xexample.com", false },
		{ "a@xexample.org", false },
		{ "a@example.com.evil.example", false },
		{ "a@example.com@evil.example", false },
		{ "a@evil.example@example.com", true },
		{ "a@com", false },
		{ "a@[192.0.2.1]", false },
		{ "root", false },
		{ "", false },
		{ "@", false },
		{ "example.com", false },
	};
	g_autoptr(Settings) settings = fixture_settings("");

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_test_message("%s", cases[i].address);
		g_assert_cmpint(settings_is_own(settings, cases[i].address), ==,
		    cases[i].want);
	}
}

static void
test_domains_forms(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(Settings) settings =
	    fixture_try("local_domains = ( \"EXAMPLE.com\",\r\n"
			"\"b\303\274cher.example\", \".B.Example\" );\r\n",
		&error);

	g_assert_no_error(error);
	g_assert_true(settings_is_own(settings, "a@example.com"));
	g_assert_true(settings_is_own(settings, "a@xn--bcher-kva.example"));
	g_assert_true(settings_is_own(settings, "a@x.b.example"));
}

static void
test_include(void)
{
	char *inner = fixture_file("user = \"mail\";\nbad = 1;\n", -1);
	g_autofree char *text = g_strdup_printf(
	    "local_domains = [ \"a.example\" ];\n@include \"%s\"\nworse = 1;\n",
	    inner);
	g_autofree char *want = NULL;
	char *file = fixture_file(text, -1);
	g_autoptr(GError) error = NULL;

	g_assert_null(settings_load(file, &error));
	want = g_strdup_printf("%s:2: unknown *\n%s:3: unknown *", inner, file);
	g_assert_true(g_pattern_match_simple(want, error->message));
	fixture_remove(inner);
	fixture_remove(file);
}

static void
test_logins_bad_line(void)
{
	char *logins = fixture_file("a@example.com jdoe\n@\n", -1);
	g_autofree char *text = g_strdup_printf(
	    "local_domains = [ \"a.example\" ];\nsender_logins = \"%s\";\n"
	    "user = 1;\n",
	    logins);
	g_autofree char *want =
	    g_strdup_printf("*:3: user*\n%s:2: \"@\" is no address*", logins);
	g_autoptr(GError) error = NULL;

	g_assert_null(fixture_try(text, &error));
	g_test_message("%s", error->message);
	g_assert_true(g_pattern_match_simple(want, error->message));
	fixture_remove(logins);
}

static void
test_reference(void)
{
	Settings *settings = fixture_settings("");
	Settings *second = settings_ref(settings);

	settings_unref(settings);
	g_assert_cmpstr(second->user, ==, "smime-milter");
	settings_unref(second);
	settings_unref(NULL);
}

static void
test_rows(void)
{
	guint count = 0;
	const SettingsRow *rows = settings_rows(&count);
	guint again = 0;

	g_assert_cmpuint(count, >, 25);
	g_assert_true(rows == settings_rows(&again));
	g_assert_cmpuint(again, ==, count);
	for (guint i = 0; i < count; i++) {
		bool choice = strcmp(rows[i].type, "choice") == 0;
		bool number = strcmp(rows[i].type, "number") == 0;

		g_assert_nonnull(rows[i].help);
		g_assert_cmpint(rows[i].choices != NULL, ==, choice);
		g_assert_cmpint(rows[i].max > rows[i].min, ==, number);
		for (guint j = 0; j < i; j++) {
			g_assert_cmpstr(rows[i].path, !=, rows[j].path);
		}
	}
}

/* What the page says between this key's item and the next one's. */
static char *
manual_section(const char *page, const char *path)
{
	g_autofree char *item = g_strdup_printf("\n.It Va %s\n", path);
	const char *start = strstr(page, item);
	const char *end = NULL;
	const char *section_end = NULL;

	if (start == NULL) {
		return NULL;
	}
	start += strlen(item);
	end = strstr(start - 1, "\n.It Va ");
	section_end = strstr(start, "\n.Sh ");
	if (end == NULL || section_end < end) {
		end = section_end;
	}
	return g_strndup(start, (gsize)(end + 1 - start));
}

static bool
says_choice(const char *section, const char *choice)
{
	g_autofree char *pattern =
	    g_strdup_printf("\\.(It )?Cm ([a-z0-9]+ , )*%s( |$)", choice);

	return g_regex_match_simple(pattern, section, G_REGEX_MULTILINE, 0);
}

/* "Cm a , b" names b too: each word of the line. */
static void
check_manual_row(const char *page, const SettingsRow *row)
{
	g_autofree char *section = manual_section(page, row->path);
	g_autofree char *initial =
	    g_strdup_printf("\nDefault: %s.\n", row->initial);
	g_autofree char *range =
	    g_strdup_printf("Range: %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT,
		row->min, row->max);

	g_test_message("%s in the manual", row->path);
	g_assert_nonnull(section);
	if (row->initial != NULL) {
		g_assert_nonnull(strstr(section, initial));
	} else {
		g_assert_null(strstr(section, "Default: "));
	}
	if (row->max > 0) {
		g_assert_nonnull(strstr(section, range));
	}
	for (guint i = 0; row->choices != NULL && row->choices[i] != NULL;
	     i++) {
		g_test_message("choice %s", row->choices[i]);
		g_assert_true(says_choice(section, row->choices[i]));
	}
}

static void
test_manual(void)
{
	g_autofree char *page = source_file("man/smime-milter.conf.5");
	guint count = 0;
	const SettingsRow *rows = settings_rows(&count);
	guint items = 0;

	for (guint i = 0; i < count; i++) {
		check_manual_row(page, &rows[i]);
	}
	/* And no other key. */
	for (const char *at = page; (at = strstr(at, "\n.It Va ")) != NULL;
	     at++) {
		items++;
	}
	g_assert_cmpuint(items, ==, count);
}

/* "path = value" of the sample's lines, commented ones without their "//". */
static GHashTable *
sample_keys(const char *sample, bool commented)
{
	GHashTable *keys =
	    g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	g_auto(GStrv) lines = g_strsplit(sample, "\n", -1);
	g_autofree char *group = g_strdup("");
	g_autoptr(GRegex) key = g_regex_new(
	    "^(// )?\\t?([a-z_]+) = (.*?);?[ \\t]*(//.*)?$", 0, 0, NULL);

	for (guint i = 0; lines[i] != NULL; i++) {
		g_autoptr(GMatchInfo) match = NULL;
		g_autofree char *comment = NULL;
		g_autofree char *name = NULL;
		char *value = NULL;

		if (strcmp(lines[i], "};") == 0) {
			group[0] = '\0';
		}
		if (!g_regex_match(key, lines[i], 0, &match)) {
			continue;
		}
		comment = g_match_info_fetch(match, 1);
		name = g_match_info_fetch(match, 2);
		value = g_match_info_fetch(match, 3);
		if ((comment[0] != '\0') != commented) {
			g_free(value);
		} else if (strcmp(value, "{") == 0) {
			g_free(value);
			g_free(group);
			group = g_strconcat(name, ".", NULL);
		} else {
			g_hash_table_insert(
			    keys, g_strconcat(group, name, NULL), value);
		}
	}
	return keys;
}

static void
test_sample(void)
{
	g_autofree char *sample = source_file("conf/smime-milter.conf");
	g_autoptr(GHashTable) keys = sample_keys(sample, false);
	guint count = 0;
	guint found = 0;
	const SettingsRow *rows = settings_rows(&count);

	for (guint i = 0; i < count; i++) {
		const char *value = g_hash_table_lookup(keys, rows[i].path);

		if (g_str_has_prefix(rows[i].path, "rules[].")) {
			continue;
		}
		g_test_message("%s in the sample", rows[i].path);
		g_assert_nonnull(value);
		if (rows[i].initial != NULL) {
			g_assert_cmpstr(value, ==, rows[i].initial);
		}
		found++;
	}
	g_assert_cmpuint(g_hash_table_size(keys), ==, found);
}

/* The sample loads, and says nothing but the defaults. */
static void
test_sample_loads(void)
{
	g_autofree char *sample = source_file("conf/smime-milter.conf");
	g_autoptr(GError) error = NULL;
	g_autoptr(Settings) settings = fixture_try(sample, &error);
	g_autoptr(Settings) plain = NULL;
	g_autofree char *got = NULL;
	g_autofree char *want = NULL;

	g_assert_no_error(error);
	plain = fixture_try(
	    "local_domains = [ \"example.com\", \".example.org\" ];", &error);
	g_assert_no_error(error);
	got = settings_print(settings);
	want = settings_print(plain);
	g_assert_cmpstr(got, ==, want);
}

/* Its commented examples are right, too. */
static void
test_sample_examples(void)
{
	g_autofree char *sample = source_file("conf/smime-milter.conf");
	const char *start = strstr(sample, "// rules = (");
	const char *end = strstr(sample, "// );");
	g_autofree char *commented = NULL;
	g_autoptr(GString) text = NULL;
	g_autoptr(Settings) settings = NULL;
	guint count = 0;
	const SettingsRow *rows = settings_rows(&count);

	g_assert_nonnull(start);
	g_assert_nonnull(end);
	commented = g_strndup(start, (gsize)(end - start) + strlen("// );"));
	text = g_string_new(commented);
	g_string_replace(text, "//", "", 0);
	g_string_append(text, "reinject = \"smtp:127.0.0.1:10027\";");
	settings = fixture_settings(text->str);
	g_assert_cmpuint(settings->rules->len, ==, 3);
	for (guint i = 0; i < count; i++) {
		const char *name = strrchr(rows[i].path, '.');
		g_autofree char *key = NULL;

		if (g_str_has_prefix(rows[i].path, "rules[].")) {
			key = g_strdup_printf("%s = ", name + 1);
			g_test_message("%s", rows[i].path);
			g_assert_nonnull(strstr(commented, key));
		}
	}
}

static void
test_sample_alternatives(void)
{
	g_autofree char *sample = source_file("conf/smime-milter.conf");
	g_autoptr(GHashTable) keys = sample_keys(sample, true);
	const char *const names[] = { "listen", "reinject", "sender_logins" };

	for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
		const char *value = g_hash_table_lookup(keys, names[i]);
		g_autofree char *text = g_strdup_printf(
		    "local_domains = [ \"a.example\" ];\n%s = %s;", names[i],
		    value);
		g_autoptr(GError) error = NULL;
		g_autoptr(Settings) settings = fixture_try(text, &error);

		g_assert_nonnull(value);
		/* The file it names is not there. */
		if (strcmp(names[i], "sender_logins") != 0) {
			g_assert_no_error(error);
			g_assert_nonnull(settings);
		}
	}
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/settings/load/defaults", test_defaults);
	g_test_add_func("/settings/load/every-key", test_everything);
	g_test_add_func("/settings/load/bad", test_bad);
	g_test_add_func("/settings/load/no-domain", test_domains_missing);
	g_test_add_func("/settings/load/bad-domain", test_domains_bad);
	g_test_add_func("/settings/load/file-trouble", test_file_trouble);
	g_test_add_func("/settings/load/10000-rules", test_rules_many);
	g_test_add_func("/settings/load/domain-forms", test_domains_forms);
	g_test_add_func("/settings/load/include", test_include);
	g_test_add_func("/settings/load/bad-logins", test_logins_bad_line);
	g_test_add_func("/settings/print/loads-again", test_print);
	g_test_add_func("/settings/is_own/table", test_is_own);
	g_test_add_func("/settings/ref/two-owners", test_reference);
	g_test_add_func("/settings/rows/sound", test_rows);
	g_test_add_func("/settings/rows/manual", test_manual);
	g_test_add_func("/settings/rows/sample", test_sample);
	g_test_add_func("/settings/sample/loads", test_sample_loads);
	g_test_add_func("/settings/sample/rules", test_sample_examples);
	g_test_add_func(
	    "/settings/sample/alternatives", test_sample_alternatives);
	return g_test_run();
}
