/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "policy/plan.h"

#include <string.h>

#include "policy_fixture.h"

#define REINJECT "reinject = \"smtp:127.0.0.1:10027\";\n"

typedef struct {
	const char *name;
	const char *settings;
	const char *sender;
	const char *header;
	const char *recipient;
	bool sign;
	const char *reason;
} Case;

#define NEVER " sign = { mode = \"never\"; }; }"
#define RULE(conditions) \
	REINJECT "rules = ( { name = \"r\"; " conditions NEVER " );"
#define HIT false, "rule \"r\": sign.mode = never"
#define MISS true, "sign.mode = always"
#define ALICE "alice@example.com"
#define BOB "bob@partner.example"
#define FROM_ALICE "From: alice@example.com\n"

static const Case cases[] = {
	{ "default", "", ALICE, FROM_ALICE, BOB, MISS },
	{ "never", "sign = { mode = \"never\"; };", ALICE, FROM_ALICE, BOB,
	    false, "sign.mode = never" },
	{ "no condition", RULE(""), ALICE, FROM_ALICE, BOB, HIT },
	{ "any sender", RULE("sender = \"*\";"), "", "", BOB, HIT },
	/* sender */
	{ "MAIL FROM", RULE("sender = \"alice@example.com\";"), ALICE,
	    "From: carol@example.com", BOB, HIT },
	{ "From", RULE("sender = \"alice@example.com\";"), "bounce@example.com",
	    FROM_ALICE, BOB, HIT },
	{ "neither", RULE("sender = \"alice@example.com\";"),
	    "bounce@example.com", "From: carol@example.com", BOB, MISS },
	{ "two mailboxes are no From", RULE("sender = \"alice@example.com\";"),
	    "", "From: alice@example.com, carol@example.com", BOB, MISS },
	{ "null sender, From", RULE("sender = \"@example.com\";"), "",
	    FROM_ALICE, BOB, HIT },
	{ "sender's domain", RULE("sender = \"@Example.com\";"), ALICE, "", BOB,
	    HIT },
	{ "below the domain", RULE("sender = \"@.example.com\";"), ALICE, "",
	    BOB, MISS },
	/* recipient */
	{ "recipient", RULE("recipient = \"bob@partner.example\";"), ALICE, "",
	    "<BOB@Partner.Example>", HIT },
	{ "other recipient", RULE("recipient = \"bob@partner.example\";"),
	    ALICE, "", "rob@partner.example", MISS },
	{ "below recipient", RULE("recipient = \"@.partner.example\";"), ALICE,
	    "", "bob@x.partner.example", HIT },
	{ "recipient without domain", RULE("recipient = \"@example.com\";"),
	    ALICE, "", "root", MISS },
	/* subject */
	{ "subject", RULE("subject = \"secret\";"), ALICE, "Subject: a Secret",
	    BOB, HIT },
	{ "subject, encoded", RULE("subject = \"^gr\303\274\303\237e\";"),
	    ALICE, "Subject: =?utf-8?Q?gr=C3=BC=C3=9Fe?= =?utf-8?B?IQ==?=", BOB,
	    HIT },
	{ "subject, folded", RULE("subject = \"a very long one\";"), ALICE,
	    "Subject: a very\n long one", BOB, HIT },
	{ "subject, first field", RULE("subject = \"b\";"), ALICE,
	    "Subject: a\nSubject: b", BOB, MISS },
	{ "subject, other", RULE("subject = \"secret\";"), ALICE,
	    "Subject: public\nComments: secret", BOB, MISS },
	{ "subject, none", RULE("subject = \"secret\";"), ALICE, "", BOB,
	    MISS },
	{ "subject, none, empty", RULE("subject = \"^$\";"), ALICE, "", BOB,
	    HIT },
	/* header */
	{ "header", RULE("header = \"X-Class: *internal\";"), ALICE,
	    "A: b\nx-class:   Internal only", BOB, HIT },
	{ "header, no blank", RULE("header = \"X-Class: internal\";"), ALICE,
	    "X-Class:internal", BOB, HIT },
	{ "header, folded", RULE("header = \"X-Class: a b\";"), ALICE,
	    "X-Class: a\n b", BOB, HIT },
	{ "header, not the start", RULE("header = \"Class: \";"), ALICE,
	    "X-Class: internal", BOB, MISS },
	{ "header, second of the name", RULE("header = \"X: b\";"), ALICE,
	    "X: a\nX: b", BOB, HIT },
	{ "header, alternatives", RULE("header = \"A: 1|B: 2\";"), ALICE,
	    "B: 2", BOB, HIT },
	{ "header, alternative inside", RULE("header = \"A: 1|B: 2\";"), ALICE,
	    "C: B: 2", BOB, MISS },
	/* All conditions together. */
	{ "all",
	    RULE("sender = \"@example.com\"; recipient = \"*\"; "
		 "subject = \"x\"; header = \"A: b\";"),
	    ALICE, "Subject: x\nA: b", BOB, HIT },
	{ "all but one",
	    RULE("sender = \"@example.com\"; recipient = \"*\"; "
		 "subject = \"x\"; header = \"A: b\";"),
	    ALICE, "Subject: x\nA: c", BOB, MISS },
	/* The first one counts, alone. */
	{ "first of two",
	    REINJECT "rules = ( { name = \"exempt\"; recipient = \"" BOB
		     "\"; },\n"
		     "{ name = \"r\"; recipient = \"*\";" NEVER " );",
	    ALICE, "", BOB, true, "rule \"exempt\": sign.mode = always" },
	{ "second of two",
	    REINJECT "rules = ( { name = \"exempt\"; recipient = \"" ALICE
		     "\"; },\n"
		     "{ recipient = \"*\";" NEVER " );",
	    ALICE, "", BOB, false, "rule \"rule 2\": sign.mode = never" },
	/* request */
	{ "request, asked", "sign = { mode = \"request\"; };", ALICE,
	    "X-Sign: yes", BOB, true,
	    "sign.mode = request, and a field asks for it" },
	{ "request, not asked", "sign = { mode = \"request\"; };", ALICE,
	    "X-Sign: no", BOB, false,
	    "sign.mode = request, and no field asks for it" },
	{ "request in a rule",
	    REINJECT
	    "rules = ( { name = \"q\"; sign = { mode = \"request\"; }; } );",
	    ALICE, "X-Sign: TRUE", BOB, true,
	    "rule \"q\": sign.mode = request, and a field asks for it" },
	{ "asked, but never", "sign = { mode = \"never\"; };", ALICE,
	    "X-Sign: yes", BOB, false, "sign.mode = never" },
	{ "not asked, but always", "", ALICE, "X-Sign: no", BOB, MISS },
};

static GPtrArray *
make(const Settings *settings, const Envelope *envelope, const Fields *fields)
{
	AddressFrom from = { 0 };
	GPtrArray *plans = NULL;

	address_from(fields, &from);
	plans = plan_make(settings, envelope, &from, fields);
	address_from_clear(&from);
	return plans;
}

static void
test_make(void)
{
	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(Settings) settings =
		    fixture_settings(cases[i].settings);
		g_autoptr(Fields) fields = fixture_fields(cases[i].header);
		g_autoptr(Envelope) envelope = envelope_new();
		g_autoptr(GPtrArray) plans = NULL;
		const Plan *plan = NULL;

		g_test_message("%s", cases[i].name);
		envelope_set_sender(envelope, cases[i].sender, NULL);
		envelope_add_recipient(envelope, cases[i].recipient, NULL);
		plans = make(settings, envelope, fields);
		g_assert_cmpuint(plans->len, ==, 1);
		plan = g_ptr_array_index(plans, 0);
		g_assert_cmpstr(plan->reason, ==, cases[i].reason);
		g_assert_cmpint(plan->sign, ==, cases[i].sign);
		g_assert_true(
		    plan->recipient == envelope_recipient(envelope, 0));
		g_assert_cmpint(plan->rule != NULL, ==,
		    g_str_has_prefix(plan->reason, "rule"));
	}
}

/* What a rule does not name is the default's. */
static void
test_policy(void)
{
	g_autoptr(Settings) settings = fixture_settings(REINJECT
	    "sign = { digest = \"sha384\"; missing_key = \"reject\"; };\n"
	    "rules = ( { recipient = \"a@p.example\";\n"
	    "sign = { format = \"opaque\"; rsa_padding = \"pss\"; }; } );");
	g_autoptr(Fields) fields = fixture_fields("");
	g_autoptr(Envelope) envelope = envelope_new();
	g_autoptr(GPtrArray) plans = NULL;
	const Plan *plan = NULL;

	envelope_set_sender(envelope, ALICE, NULL);
	envelope_add_recipient(envelope, "a@p.example", NULL);
	envelope_add_recipient(envelope, "b@p.example", NULL);
	plans = make(settings, envelope, fields);
	g_assert_cmpuint(plans->len, ==, 2);
	plan = g_ptr_array_index(plans, 0);
	g_assert_true(plan->policy.opaque);
	g_assert_cmpint(plan->policy.padding, ==, SIGN_PSS);
	g_assert_cmpint(plan->policy.digest, ==, DIGEST_SHA384);
	g_assert_cmpint(plan->policy.missing_key, ==, MISSING_REJECT);
	plan = g_ptr_array_index(plans, 1);
	g_assert_null(plan->rule);
	g_assert_false(plan->policy.opaque);
	g_assert_cmpint(plan->policy.padding, ==, SIGN_PKCS1);
	g_assert_cmpint(plan->policy.missing_key, ==, MISSING_REJECT);
}

static void
test_equal(void)
{
	const Plan base = { .sign = true };
	const Plan rule = { .sign = true, .rule = (const Rule *)&base };
	const Plan missing = { .sign = true,
		.policy.missing_key = MISSING_REJECT };
	const Plan mode = { .sign = true, .policy.mode = SIGN_REQUEST };
	const Plan opaque = { .sign = true, .policy.opaque = true };
	const Plan digest = { .sign = true, .policy.digest = DIGEST_SHA512 };
	const Plan padding = { .sign = true, .policy.padding = SIGN_PSS };
	const Plan unsigned_ = { .sign = false };
	const Plan unsigned_opaque = { .sign = false, .policy.opaque = true };

	g_assert_true(plan_equal(&base, &base));
	g_assert_true(plan_equal(&base, &rule));
	g_assert_true(plan_equal(&base, &missing));
	g_assert_true(plan_equal(&base, &mode));
	g_assert_false(plan_equal(&base, &opaque));
	g_assert_false(plan_equal(&base, &digest));
	g_assert_false(plan_equal(&base, &padding));
	g_assert_false(plan_equal(&base, &unsigned_));
	g_assert_false(plan_equal(&unsigned_, &base));
	g_assert_true(plan_equal(&unsigned_, &unsigned_opaque));
}

static void
test_request_fields(void)
{
	static const struct {
		const char *settings;
		const char *header;
		guint want[4];
		guint count;
	} table[] = {
		{ "sign = { mode = \"request\"; };",
		    "X-Sign: yes\nA: b\nx-sign:true\nX-Sign: no", { 2, 0 }, 2 },
		{ "sign = { mode = \"request\"; };", "A: X-Sign: yes", { 0 },
		    0 },
		{ "sign = { mode = \"request\"; };", "", { 0 }, 0 },
		{ REINJECT "rules = ( { sign = { mode = \"request\"; }; } );",
		    "X-Sign: yes", { 0 }, 1 },
		/* Nothing is looked for where no mode is request. */
		{ "", "X-Sign: yes", { 0 }, 0 },
		{ "sign = { mode = \"never\"; };", "X-Sign: yes", { 0 }, 0 },
		{ "sign = { request_header = \"\"; };", "X-Sign: yes", { 0 },
		    0 },
		{ "sign = { mode = \"request\"; request_header = \"a\"; };",
		    "A: b\nB: a\nAB: c", { 2, 0 }, 2 },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(table); i++) {
		g_autoptr(Settings) settings =
		    fixture_settings(table[i].settings);
		g_autoptr(Fields) fields = fixture_fields(table[i].header);
		g_autoptr(GArray) got = plan_request_fields(settings, fields);

		g_test_message("%s", table[i].header);
		g_assert_cmpuint(got->len, ==, table[i].count);
		for (guint j = 0; j < got->len; j++) {
			g_assert_cmpuint(
			    g_array_index(got, guint, j), ==, table[i].want[j]);
		}
	}
}

/* The first 4,096 bytes count. */
static void
test_far_header(void)
{
	g_autoptr(Settings) settings =
	    fixture_settings(RULE("header = \"X: .*needle\";"));
	g_autofree char *near = g_strnfill(4087, '.');
	g_autofree char *far = g_strnfill(4088, '.');

	for (guint i = 0; i < 2; i++) {
		g_autofree char *header =
		    g_strconcat("X: ", i == 0 ? near : far, "needle", NULL);
		g_autoptr(Fields) fields = fixture_fields(header);
		g_autoptr(Envelope) envelope = envelope_new();
		g_autoptr(GPtrArray) plans = NULL;
		const Plan *plan = NULL;

		envelope_set_sender(envelope, ALICE, NULL);
		envelope_add_recipient(envelope, BOB, NULL);
		plans = make(settings, envelope, fields);
		plan = g_ptr_array_index(plans, 0);
		g_assert_cmpint(plan->sign, ==, i == 1);
	}
}

/* 1,000 recipients and 100 rules that each look into 100 fields: were they
 * matched for each recipient, this would be 10,000,000 expressions. */
static void
test_many(void)
{
	g_autoptr(GString) text = g_string_new(REINJECT "rules = (");
	g_autoptr(GString) header = g_string_new(FROM_ALICE);
	g_autoptr(Settings) settings = NULL;
	g_autoptr(Fields) fields = NULL;
	g_autoptr(Envelope) envelope = envelope_new();
	g_autoptr(GPtrArray) plans = NULL;

	for (guint i = 0; i < 100; i++) {
		g_string_append_printf(text,
		    "%s{ name = \"n%u\"; subject = \"subject%u$\";\n"
		    "header = \"X-Field: *(a|b)*c%u\";" NEVER,
		    i == 0 ? "" : ",", i, i % 2, i);
		g_string_append_printf(
		    header, "X-Field: ababababababababc%u\n", i + 99);
	}
	g_string_append(text, ");");
	g_string_append(header, "Subject: subject1");
	settings = fixture_settings(text->str);
	fields = fixture_fields(header->str);
	envelope_set_sender(envelope, ALICE, NULL);
	for (guint i = 0; i < 1000; i++) {
		g_autofree char *recipient =
		    g_strdup_printf("u%u@partner.example", i);

		envelope_add_recipient(envelope, recipient, NULL);
	}
	plans = make(settings, envelope, fields);
	g_assert_cmpuint(plans->len, ==, 1000);
	for (guint i = 0; i < plans->len; i++) {
		const Plan *plan = g_ptr_array_index(plans, i);

		/* "c9" of rule 9 starts the field "c99", "c1" of rule 1 those
		 * from "c100" on; rule 1 comes first. */
		g_assert_cmpstr(plan->rule->name, ==, "n1");
		g_assert_true(
		    plan->recipient == envelope_recipient(envelope, i));
	}
}

static void
test_no_recipients(void)
{
	g_autoptr(Settings) settings = fixture_settings("");
	g_autoptr(Fields) fields = fixture_fields("");
	g_autoptr(Envelope) envelope = envelope_new();
	g_autoptr(GPtrArray) plans = make(settings, envelope, fields);

	g_assert_cmpuint(plans->len, ==, 0);
	plan_free(NULL);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/plan/make/table", test_make);
	g_test_add_func("/plan/make/policy-of-a-rule", test_policy);
	g_test_add_func("/plan/make/no-recipients", test_no_recipients);
	g_test_add_func("/plan/make/4096-bytes", test_far_header);
	g_test_add_func("/plan/make/many-rules-many-recipients", test_many);
	g_test_add_func("/plan/equal/each-field", test_equal);
	g_test_add_func("/plan/request_fields/table", test_request_fields);
	return g_test_run();
}
