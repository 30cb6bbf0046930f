/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Incoming mail through the whole engine, with a directory and anchors of its
 * own: what becomes of header, body and certificate. Signed by openssl.
 */
#include "config.h"

#include "gateway/inbound.h"

#include <glib/gstdio.h>
#include <string.h>

#include "crypto/sign.h"
#include "gateway/gateway.h"
#include "mime/message.h"
#include "mime/wrap.h"
#include "pki.h"
#include "scratch.h"

#define ID "gw.example"
#define BOB "bob@partner.test"

/* One world for each test; the keys are made once. */
static char *keys;

typedef struct {
	char *state;
	Settings *settings;
	Gateway *gateway;
	Envelope *envelope;
	Message *mail;
	Outcome *outcome;
	bool at_header;
	Fields *header; /* that results; NULL: refused */
} World;

static void
world_init(World *world, const char *extra)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *file = NULL;
	g_autofree char *text = NULL;

	*world = (World){ .state = scratch_new() };
	text = g_strdup_printf("local_domains = [ \"home.test\" ];\n"
			       "internal_hosts = [ \"10.0.0.0/8\" ];\n"
			       "authserv_id = \"" ID "\";\n"
			       "state_dir = \"%s\";\n%s\n",
	    world->state, extra);
	file = scratch_file(world->state, "settings", text);
	world->settings = settings_load(file, &error);
	g_assert_no_error(error);
	world->gateway = gateway_new(world->settings, NULL);
}

static void
world_trust(World *world, const char *name)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(Cert) root = pki_cert(keys, name);

	anchors_add(trust_anchors(gateway_trust(world->gateway)), root, &error);
	g_assert_no_error(error);
}

static void
forget_mail(World *world)
{
	g_clear_pointer(&world->outcome, outcome_free);
	g_clear_pointer(&world->header, fields_free);
	g_clear_pointer(&world->mail, message_free);
	g_clear_pointer(&world->envelope, envelope_free);
}

static void
world_clear(World *world)
{
	forget_mail(world);
	gateway_unref(world->gateway);
	settings_unref(world->settings);
	scratch_free(world->state);
}

static Fields *
result_header(const World *world)
{
	const Copy *copy = world->outcome->copies->pdata[0];

	g_assert_cmpuint(copy->recipients->len, ==, 1);
	return edits_apply(copy->edits, world->mail->fields);
}

/* world->mail through the engine, from this client. */
static void
process(World *world, const char *client)
{
	GatewayDraft *draft = NULL;

	world->envelope = envelope_new();
	envelope_set_sender(world->envelope, BOB, NULL);
	envelope_add_recipient(world->envelope, "<al@home.test>", NULL);
	world->envelope->client = g_strdup(client);
	world->envelope->qid = g_strdup("4QID");
	world->outcome = gateway_at_header(
	    world->gateway, world->envelope, world->mail->fields, &draft);
	world->at_header = world->outcome != NULL;
	if (!world->at_header) {
		world->outcome = gateway_process(draft, world->mail->body);
		gateway_draft_free(draft);
	}
	if (world->outcome->copies->len > 0) {
		world->header = result_header(world);
	}
}

/* The mail that this shell script makes. */
static void
receive(World *world, const char *script)
{
	g_autoptr(GBytes) raw = NULL;
	bool crlf = false;

	forget_mail(world);
	pki_run(keys,
	    "text() { printf "
	    "'Content-Type: text/plain\\r\\nX-Inner: 1\\r\\n\\r\\nHello "
	    "you\\r\\n'; }\n"
	    "by() { openssl cms -sign -signer $1.pem -inkey $1.key "
	    "-certfile ${CERTS:-issuing.pem} $2 $3 $4 $5; }\n"
	    "mail() { printf "
	    "'From: Bob <" BOB ">\\nSubject: Hi\\nMessage-ID: <1@x>\\n'; cat; "
	    "}\n"
	    "{ %s; } > mail",
	    script);
	raw = pki_file(keys, "mail");
	world->mail = message_parse(raw, &crlf);
	process(world, "192.0.2.1");
}

/* The unfolded result field at the top; "" when there is none. */
static char *
result_of(const World *world)
{
	const char *value = NULL;

	g_assert_nonnull(world->header);
	if (strcmp(fields_name(world->header, 0), "Authentication-Results") !=
	    0) {
		return g_strdup("");
	}
	value = fields_value(world->header, 0);
	return fields_unfold(value);
}

static void
assert_result(const World *world, const char *part)
{
	g_autofree char *got = result_of(world);

	if (part[0] == '\0' ? got[0] != '\0' : strstr(got, part) == NULL) {
		g_test_message("got \"%s\", want \"%s\"", got, part);
		g_test_fail();
	}
}

static void
assert_summary(const World *world, const char *part)
{
	if (strstr(world->outcome->summary->str, part) == NULL) {
		g_test_message("got \"%s\", want \"%s\"",
		    world->outcome->summary->str, part);
		g_test_fail();
	}
}

static guint
count_entries(const World *world, EntryState state)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) entries =
	    directory_find(gateway_directory(world->gateway), BOB, &error);
	guint count = 0;

	g_assert_no_error(error);
	for (guint i = 0; i < entries->len; i++) {
		const DirectoryEntry *entry = entries->pdata[i];

		count += entry->state == state ? 1 : 0;
	}
	return count;
}

static void
assert_harvest(const World *world, guint used, guint pending)
{
	g_assert_cmpuint(count_entries(world, ENTRY_USED), ==, used);
	g_assert_cmpuint(count_entries(world, ENTRY_PENDING), ==, pending);
	g_assert_cmpuint(world->outcome->harvested->len, ==, used);
}

/* ---- by the header alone ---- */

static void
test_unsigned(void)
{
	World world;

	world_init(&world, "");
	receive(&world, "text | mail");
	g_assert_true(world.at_header);
	g_assert_true(outcome_is_untouched(world.outcome));
	g_assert_cmpint(world.outcome->direction, ==, DIRECTION_INBOUND);
	assert_summary(&world, "verify=none");
	/* No store was touched: only the settings are in there. */
	g_assert_cmpuint(scratch_count(world.state), ==, 1);
	world_clear(&world);
}

static void
test_add_none(void)
{
	World world;

	world_init(&world, "verify = { add_none = true; };");
	receive(&world, "text | mail");
	g_assert_true(world.at_header);
	assert_result(&world, ID "; smime=none");
	world_clear(&world);
}

#define FORGED                                                \
	"echo 'Authentication-Results: " ID "; smime=pass'; " \
	"echo 'Authentication-Results: " ID "; spf=pass'; "   \
	"echo 'X-SMIME-Milter-Any: thing'; "                  \
	"echo 'Authentication-Results: other.example; smime=pass'; "

static void
assert_cleaned(const World *world, guint left)
{
	g_assert_cmpuint(
	    fields_count_of(world->header, "X-SMIME-Milter-Any"), ==, 0);
	g_assert_cmpuint(
	    fields_count_of(world->header, "Authentication-Results"), ==, left);
}

static void
test_forged_marks(void)
{
	World world;

	world_init(&world, "");
	receive(&world, "{ " FORGED "text; } | mail");
	g_assert_true(world.at_header);
	assert_cleaned(&world, 2);
	receive(&world, "{ " FORGED "text | by stray; } | mail");
	g_assert_false(world.at_header);
	assert_cleaned(&world, 3);
	world_clear(&world);
}

/* Verification off: what is forged goes all the same. */
static void
test_verify_off(void)
{
	World world;

	world_init(&world, "verify = { enabled = false; };");
	world_trust(&world, "root");
	receive(&world, "{ " FORGED "text | by bob; } | mail");
	g_assert_true(world.at_header);
	assert_cleaned(&world, 2);
	assert_summary(&world, "verify=-");
	world_clear(&world);
}

/* Our own mail says nothing of that kind either. */
static void
test_forged_outbound(void)
{
	World world;
	GatewayDraft *draft = NULL;

	world_init(&world, "");
	receive(&world, "{ " FORGED "text; } | mail");
	g_clear_pointer(&world.outcome, outcome_free);
	g_clear_pointer(&world.header, fields_free);
	g_free(world.envelope->client);
	world.envelope->client = g_strdup("10.0.0.1");
	envelope_set_sender(world.envelope, "al@home.test", NULL);
	world.outcome = gateway_at_header(
	    world.gateway, world.envelope, world.mail->fields, &draft);
	g_assert_nonnull(world.outcome);
	g_assert_cmpint(world.outcome->direction, ==, DIRECTION_OUTBOUND);
	world.header = result_header(&world);
	assert_cleaned(&world, 2);
	world_clear(&world);
}

static void
test_forged_tag(void)
{
	World world;

	world_init(&world, "verify = { subject_tag = \"[signed]\"; };");
	receive(&world, "{ text; } | mail | sed 's/: Hi/: [Signed] Hi/'");
	g_assert_true(world.at_header);
	g_assert_cmpstr(fields_find(world.header, "Subject", 1), ==, " Hi");
	world_clear(&world);
}

/* ---- results ---- */

static void
test_pass(void)
{
	World world;
	const Copy *copy = NULL;
	const SignatureReport *report = NULL;

	world_init(&world, "");
	world_trust(&world, "root");
	receive(&world, "text | by bob | mail");
	g_assert_false(world.at_header);
	assert_result(&world, ID "; smime=pass");
	assert_result(&world, "body.smime-identifier=" BOB);
	assert_result(&world, "body.smime-part=2");
	assert_result(&world, "body.smime-serial=");
	copy = world.outcome->copies->pdata[0];
	g_assert_null(copy->body);
	g_assert_cmpuint(edits_count(copy->edits), ==, 1);
	assert_harvest(&world, 1, 0);
	assert_summary(&world, "verify=pass");
	assert_summary(&world, "harvested=");
	g_assert_cmpuint(world.outcome->signatures->len, ==, 1);
	report = world.outcome->signatures->pdata[0];
	g_assert_cmpstr(report->result, ==, "pass");
	g_assert_cmpstr(report->address, ==, BOB);
	g_assert_cmpint(report->signing_time, !=, 0);
	world_clear(&world);
}

/* A signer who sends no certificate is found in the directory. */
static void
test_known_signer(void)
{
	World world;

	world_init(&world, "");
	world_trust(&world, "root");
	receive(&world, "text | by bob -nocerts | mail");
	assert_result(&world, "smime=permerror");
	receive(&world, "text | by bob | mail");
	receive(&world, "text | by bob -nocerts | mail");
	assert_result(&world, "smime=pass");
	g_assert_cmpuint(count_entries(&world, ENTRY_USED), ==, 1);
	world_clear(&world);
}

typedef struct {
	const char *name;
	const char *script;
	const char *want;
} Refused;

static const Refused spoiled[] = {
	{ "changed", "text | by bob | sed s/Hello/Hallo/ | mail",
	    "smime=fail" },
	{ "another-from", "text | by bob | mail | sed s/bob@/eve@/",
	    "smime=policy" },
	{ "two-from", "text | by bob | mail | sed '1p;1s/bob/eve/'",
	    "smime=policy" },
	{ "two-mailboxes",
	    "text | by bob | mail | sed '1s/$/, eve@partner.test/'",
	    "smime=policy" },
	{ "address-as-name",
	    "text | by bob | mail | "
	    "sed '1s/.*/From: \"" BOB "\" <eve@partner.test>/'",
	    "smime=policy" },
	{ "sender-field",
	    "text | by bob | mail | "
	    "sed '1s/.*/From: eve@partner.test\\nSender: " BOB "/'",
	    "smime=policy" },
	{ "for-signing-of-others-too",
	    "text | by bob -signer carol.pem -inkey carol.key | mail",
	    "smime=policy" },
	{ "weak", "text | by bob -md sha1 | mail", "smime=policy" },
	{ "no-attributes", "text | by bob -noattr | mail", "smime=policy" },
};

static void
test_spoiled(gconstpointer data)
{
	const Refused *item = data;
	World world;

	world_init(&world, "");
	world_trust(&world, "root");
	receive(&world, item->script);
	assert_result(&world, item->want);
	g_assert_null(strstr(world.outcome->summary->str, "verify=pass"));
	assert_harvest(&world, 0, 0);
	world_clear(&world);
}

static void
test_certs_only(void)
{
	World world;

	world_init(&world, "");
	world_trust(&world, "root");
	receive(&world,
	    "openssl crl2pkcs7 -nocrl -certfile bob.pem -outform DER -out c; "
	    "{ printf 'Content-Type: application/pkcs7-mime\\n"
	    "Content-Transfer-Encoding: base64\\n\\n'; base64 c; } | mail");
	assert_result(&world, "smime=none (certificates only)");
	assert_harvest(&world, 0, 0);
	world_clear(&world);
}

/* An anchor that cannot be read is our trouble, not the mail's. */
static void
test_trust_broken(void)
{
	World world;
	g_autofree char *folder = NULL;

	world_init(&world, "");
	folder = g_build_filename(world.state, "trust", NULL);
	g_assert_cmpint(g_mkdir(folder, 0700), ==, 0);
	g_free(scratch_file(folder, "broken.pem", "no certificate"));
	receive(&world, "text | by bob | mail");
	assert_result(&world, "smime=temperror");
	g_assert_cmpint(world.outcome->verdict, ==, VERDICT_ACCEPT);
	assert_summary(&world, "verify=temperror");
	world_clear(&world);
}

/* ---- what settings ask for ---- */

static void
test_reject(void)
{
	World world;

	world_init(&world, "verify = { on_invalid = \"reject\"; };");
	world_trust(&world, "root");
	receive(&world, "text | by bob | sed s/Hello/Hallo/ | mail");
	g_assert_cmpint(world.outcome->verdict, ==, VERDICT_REJECT);
	g_assert_true(g_str_has_prefix(world.outcome->reply,
	    "550 5.7.7 the S/MIME signature of this mail is not valid: "));
	g_assert_cmpuint(world.outcome->signatures->len, ==, 1);
	/* Not a failure: delivered. */
	receive(&world, "text | by bob | mail | sed s/bob@/eve@/");
	g_assert_cmpint(world.outcome->verdict, ==, VERDICT_ACCEPT);
	/* Encrypted inside: the sender is told nothing. */
	receive(&world,
	    "text | openssl cms -encrypt -aes128 bob.pem | by bob > s; "
	    "sed 's/^MIAG/MIAH/;s/smime.p7m/smime.p7M/' s | mail");
	assert_result(&world, "smime=fail");
	g_assert_cmpint(world.outcome->verdict, ==, VERDICT_ACCEPT);
	world_clear(&world);
}

static void
test_tag(void)
{
	World world;

	world_init(&world, "verify = { subject_tag = \"[signed]\"; };");
	world_trust(&world, "root");
	receive(&world, "text | by bob | mail");
	g_assert_cmpstr(
	    fields_find(world.header, "Subject", 1), ==, " [signed] Hi");
	receive(&world,
	    "text | by bob | sed s/Hello/Hallo/ | mail | "
	    "sed 's/: Hi/: [signed] Hi/'");
	g_assert_cmpstr(fields_find(world.header, "Subject", 1), ==, " Hi");
	world_clear(&world);
}

static void
assert_stripped(const World *world)
{
	const Copy *copy = world->outcome->copies->pdata[0];
	g_autoptr(GBytes) body = NULL;
	gsize length = 0;
	const char *data = NULL;

	g_assert_nonnull(copy->body);
	body = rope_to_bytes(copy->body);
	data = g_bytes_get_data(body, &length);
	g_assert_cmpmem(data, (int)length, "Hello you\r\n", 11);
	g_assert_cmpstr(
	    fields_find(world->header, "Content-Type", 1), ==, " text/plain");
	g_assert_cmpuint(fields_count_of(world->header, "Content-Type"), ==, 1);
	g_assert_cmpuint(
	    fields_count_of(world->header, "Content-Disposition"), ==, 0);
	g_assert_cmpuint(fields_count_of(world->header, "MIME-Version"), ==, 1);
	/* Only Content-* is believed of what is inside. */
	g_assert_cmpuint(fields_count_of(world->header, "X-Inner"), ==, 0);
}

static void
test_strip_signature(void)
{
	World world;
	const Copy *copy = NULL;

	world_init(&world, "verify = { strip_signature = true; };");
	world_trust(&world, "root");
	receive(&world, "text | by bob | mail");
	assert_stripped(&world);
	assert_result(&world, "smime=pass");
	receive(&world, "text | by bob -nodetach | mail");
	assert_stripped(&world);
	receive(&world, "text | by bob | by bob -nodetach | mail");
	assert_stripped(&world);
	receive(&world, "text | by bob | sed s/Hello/Hallo/ | mail");
	copy = world.outcome->copies->pdata[0];
	g_assert_null(copy->body);
	receive(&world,
	    "text | openssl cms -encrypt -aes128 bob.pem | by bob | mail");
	assert_result(&world, "smime=pass");
	copy = world.outcome->copies->pdata[0];
	g_assert_null(copy->body);
	world_clear(&world);
}

static void
test_strip_over_limit(void)
{
	World world;
	const Copy *copy = NULL;

	world_init(&world,
	    "verify = { strip_signature = true; };\n"
	    "limits = { message = 1024; };");
	world_trust(&world, "root");
	receive(&world, "{ text; yes abcdefgh | head -200; } | by bob | mail");
	assert_result(&world, "smime=pass");
	copy = world.outcome->copies->pdata[0];
	g_assert_null(copy->body);
	g_assert_cmpuint(edits_count(copy->edits), ==, 1);
	world_clear(&world);
}

/* ---- harvest ---- */

static void
test_unknown_issuer(void)
{
	World world;
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) pending = NULL;
	const DirectoryPending *first = NULL;

	world_init(&world, "");
	receive(&world, "text | by bob | mail");
	assert_result(&world, "smime=policy");
	assert_harvest(&world, 0, 1);
	pending = directory_pending(gateway_directory(world.gateway), &error);
	g_assert_no_error(error);
	g_assert_cmpuint(pending->len, ==, 1);
	first = pending->pdata[0];
	g_assert_nonnull(strstr(first->why, "issuer is not trusted"));
	g_assert_nonnull(strstr(first->mail, "<1@x>"));
	g_assert_nonnull(strstr(first->mail, "Subject Hi"));
	g_assert_nonnull(strstr(first->mail, "4QID"));
	g_assert_cmpuint(first->chain->len, ==, 2);
	/* The administrator trusts the root: the next mail settles it. */
	world_trust(&world, "root");
	receive(&world, "text | by bob | mail");
	assert_harvest(&world, 1, 0);
	world_clear(&world);
}

/* A good signature does not help the certificate of a bad one, nor itself. */
static void
test_one_untrusted(void)
{
	World world;

	world_init(&world, "");
	world_trust(&world, "root");
	receive(
	    &world, "text | by bob -signer stray.pem -inkey stray.key | mail");
	assert_result(&world, "smime=policy");
	g_assert_cmpuint(world.outcome->signatures->len, ==, 2);
	assert_harvest(&world, 0, 1);
	world_clear(&world);
}

static void
test_harvest_pending(void)
{
	World world;

	world_init(&world, "harvest = { mode = \"pending\"; };");
	world_trust(&world, "root");
	receive(&world, "text | by bob | mail");
	assert_result(&world, "smime=pass");
	assert_harvest(&world, 0, 1);
	world_clear(&world);
}

static void
test_harvest_off(void)
{
	World world;

	world_init(&world, "harvest = { mode = \"off\"; };");
	world_trust(&world, "root");
	receive(&world, "text | by bob | mail");
	assert_result(&world, "smime=pass");
	assert_harvest(&world, 0, 0);
	world_clear(&world);
}

static void
test_dry_run(void)
{
	World world;

	world_init(&world, "");
	world_trust(&world, "root");
	gateway_set_dry_run(world.gateway);
	receive(&world, "text | by bob | mail");
	assert_result(&world, "smime=pass");
	assert_harvest(&world, 0, 0);
	world_clear(&world);
}

/* Our own people's certificates do not come from outside. */
static void
test_own_address(void)
{
	World world;
	g_autoptr(GPtrArray) entries = NULL;

	world_init(&world, "");
	world_trust(&world, "root");
	receive(
	    &world, "text | by own | mail | sed '1s/.*/From: own@home.test/'");
	assert_result(&world, "smime=pass");
	g_assert_cmpuint(world.outcome->harvested->len, ==, 0);
	entries = directory_find(
	    gateway_directory(world.gateway), "own@home.test", NULL);
	g_assert_cmpuint(entries->len, ==, 0);
	world_clear(&world);
}

/* One for signing, one for encryption: the latter is kept. */
static void
test_separate_certificates(void)
{
	World world;
	g_autoptr(Cert) cert = pki_cert(keys, "bobenc");

	world_init(&world, "");
	world_trust(&world, "root");
	receive(&world, "text | CERTS=twin.pem by bobsig | mail");
	assert_result(&world, "smime=pass");
	assert_harvest(&world, 1, 0);
	g_assert_cmpstr(
	    world.outcome->harvested->pdata[0], ==, cert_fingerprint(cert));
	/* For signing alone: there is nothing to encrypt to. */
	receive(&world, "text | by bobsig | mail");
	assert_result(&world, "smime=pass");
	g_assert_cmpuint(world.outcome->harvested->len, ==, 0);
	g_assert_cmpuint(count_entries(&world, ENTRY_USED), ==, 1);
	world_clear(&world);
}

static void
test_intermediates(void)
{
	World world;
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) above = NULL;
	g_autoptr(Cert) bob = pki_cert(keys, "bob");

	world_init(&world, "");
	world_trust(&world, "root");
	receive(&world, "text | by bob | mail");
	above = intermediates_above(
	    trust_intermediates(gateway_trust(world.gateway)), bob, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(above->len, ==, 1);
	/* From now on it need not come along. */
	receive(&world,
	    "text | openssl cms -sign -signer bob.pem -inkey bob.key | mail");
	assert_result(&world, "smime=pass");
	world_clear(&world);
}

/* Signed by us, with a time of our choice. */
static void
receive_at(World *world, gint64 time)
{
	static const char text[] = "Content-Type: text/plain\r\n\r\nHello\r\n";
	g_autoptr(GError) error = NULL;
	g_autoptr(Identity) bob = pki_identity(keys, "bob");
	g_autoptr(Rope) content = rope_new();
	g_autoptr(Rope) cms = NULL;
	g_autoptr(Rope) body = NULL;
	g_autoptr(GBytes) blob = NULL;
	g_autoptr(Fields) plain = fields_new();
	g_autoptr(Edits) edits = edits_new();
	const SignOptions options = { .signing_time = time };

	forget_mail(world);
	rope_append_text(content, text);
	cms = sign_content(bob, content, &options, &error);
	g_assert_no_error(error);
	blob = rope_to_bytes(cms);
	fields_add(plain, "From", " " BOB);
	body = wrap_detached(content, blob, "sha-256", plain, edits);
	world->mail =
	    message_new(edits_apply(edits, plain), rope_to_bytes(body));
	process(world, "192.0.2.1");
}

static void
test_signing_time(void)
{
	World world;

	world_init(&world, "");
	world_trust(&world, "root");
	receive_at(&world, pki_now() + HARVEST_AHEAD + 100);
	assert_result(&world, "smime=pass");
	assert_harvest(&world, 0, 0);
	receive_at(&world, pki_now() + HARVEST_AHEAD - 100);
	assert_harvest(&world, 1, 0);
	world_clear(&world);
}

/* Under hard, a certificate whose revocation nobody knows stays out. */
static void
test_hard(void)
{
	World world;

	world_init(&world, "revocation = { mode = \"hard\"; fetch = false; };");
	world_trust(&world, "root");
	receive(&world, "text | by bob | mail");
	assert_result(&world, "smime=temperror");
	assert_harvest(&world, 0, 0);
	world_clear(&world);
}

static void
test_off(void)
{
	World world;

	world_init(&world, "revocation = { mode = \"off\"; };");
	world_trust(&world, "root");
	receive(&world, "text | by bob | mail");
	assert_result(&world, "smime=pass");
	g_assert_null(strstr(world.outcome->summary->str, "revocation"));
	assert_harvest(&world, 1, 0);
	world_clear(&world);
}

static void
make_keys(void)
{
	keys = pki_new();
	pki_run(keys,
	    "person() {\n"
	    "  cert $1 issuing $2 /CN=$3 keyUsage=critical,$4 \\\n"
	    "    extendedKeyUsage=emailProtection subjectAltName=email:$5\n"
	    "}\n"
	    "both=digitalSignature,keyEncipherment\n"
	    "person bob rsa:2048 bob $both " BOB "\n"
	    "person carol rsa:2048 carol $both carol@partner.test\n"
	    "person own rsa:2048 own $both own@home.test\n"
	    "person bobsig rsa:2048 twin digitalSignature " BOB "\n"
	    "person bobenc rsa:2048 twin keyEncipherment " BOB "\n"
	    "cat issuing.pem bobenc.pem > twin.pem\n"
	    "cert stray self rsa:2048 /CN=stray keyUsage=critical,$both \\\n"
	    "  subjectAltName=email:" BOB "\n");
}

int
main(int argc, char **argv)
{
	static const struct {
		const char *name;
		GTestFunc run;
	} tests[] = {
		{ "unsigned", test_unsigned },
		{ "add-none", test_add_none },
		{ "forged-marks", test_forged_marks },
		{ "verify-off", test_verify_off },
		{ "forged-outbound", test_forged_outbound },
		{ "forged-tag", test_forged_tag },
		{ "pass", test_pass },
		{ "known-signer", test_known_signer },
		{ "certs-only", test_certs_only },
		{ "trust-broken", test_trust_broken },
		{ "reject", test_reject },
		{ "tag", test_tag },
		{ "strip-signature", test_strip_signature },
		{ "strip-over-limit", test_strip_over_limit },
		{ "unknown-issuer", test_unknown_issuer },
		{ "one-untrusted", test_one_untrusted },
		{ "harvest-pending", test_harvest_pending },
		{ "harvest-off", test_harvest_off },
		{ "dry-run", test_dry_run },
		{ "own-address", test_own_address },
		{ "separate-certificates", test_separate_certificates },
		{ "intermediates", test_intermediates },
		{ "signing-time", test_signing_time },
		{ "hard", test_hard },
		{ "off", test_off },
	};
	int result;

	g_test_init(&argc, &argv, NULL);
	make_keys();
	for (gsize i = 0; i < G_N_ELEMENTS(tests); i++) {
		g_autofree char *name =
		    g_strconcat("/inbound/", tests[i].name, NULL);

		g_test_add_func(name, tests[i].run);
	}
	for (gsize i = 0; i < G_N_ELEMENTS(spoiled); i++) {
		g_autofree char *name =
		    g_strconcat("/inbound/spoiled/", spoiled[i].name, NULL);

		g_test_add_data_func(name, &spoiled[i], test_spoiled);
	}
	result = g_test_run();
	scratch_free(keys);
	return result;
}
