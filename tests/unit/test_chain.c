/* SPDX-License-Identifier: Apache-2.0 */
/* Paths to a trust anchor, and each way to miss it. */
#include "config.h"

#include "crypto/chain.h"

#include <string.h>

#include "pki.h"
#include "scratch.h"

static char *pki;

/* Files of certificates, separated by blanks; NULL: none. */
static GPtrArray *
certs_of(const char *names)
{
	GPtrArray *list =
	    g_ptr_array_new_with_free_func((GDestroyNotify)cert_unref);
	g_auto(GStrv) parts = g_strsplit(names, " ", -1);

	for (guint i = 0; parts[i] != NULL; i++) {
		if (*parts[i] != '\0') {
			g_ptr_array_add(list, pki_cert(pki, parts[i]));
		}
	}
	return list;
}

typedef struct {
	const char *name;
	const char *anchors;
	const char *cert;
	const char *others;
	gint64 days; /* from now */
	ChainResult want;
	const char *reason; /* a piece of it; the chain when it is good */
} Case;

static void
check(const Case *one)
{
	g_autoptr(GPtrArray) anchor_certs = certs_of(one->anchors);
	g_autoptr(Anchors) anchors = chain_anchors_new(anchor_certs);
	g_autoptr(GPtrArray) others = certs_of(one->others);
	g_autoptr(Cert) cert = pki_cert(pki, one->cert);
	g_autoptr(GPtrArray) chain = NULL;
	g_autoptr(GString) got = g_string_new(NULL);
	const char *reason = NULL;
	ChainResult result = chain_check(anchors, cert, others,
	    pki_now() + one->days * 86400, &reason, &chain);

	g_test_message("%s: %s", one->name, reason);
	g_assert_cmpint(result, ==, one->want);
	g_assert_cmpint(chain_check(anchors, cert, others,
			    pki_now() + one->days * 86400, NULL, NULL),
	    ==, one->want);
	if (result != CHAIN_OK) {
		g_assert_null(chain);
		g_assert_nonnull(reason);
		g_assert_nonnull(strstr(reason, one->reason));
		return;
	}
	g_assert_null(reason);
	for (guint i = 0; i < chain->len; i++) {
		g_string_append_printf(got, "%s%s", i > 0 ? " < " : "",
		    cert_subject(chain->pdata[i]));
	}
	g_assert_cmpstr(got->str, ==, one->reason);
}

#define ISSUING "CN=Issuing,O=Tests"

static void
test_paths(void)
{
	static const Case CASES[] = {
		{ "as it should be", "root", "leaf", "issuing", 0, CHAIN_OK,
		    "CN=leaf < " ISSUING " < CN=Root" },
		{ "others in any order", "root", "leaf", "other leaf issuing",
		    0, CHAIN_OK, "CN=leaf < " ISSUING " < CN=Root" },
		{ "root among the others", "root", "leaf", "root issuing", 0,
		    CHAIN_OK, "CN=leaf < " ISSUING " < CN=Root" },
		{ "several anchors", "other root", "leaf", "issuing", 0,
		    CHAIN_OK, "CN=leaf < " ISSUING " < CN=Root" },
		{ "an intermediate as anchor", "issuing", "leaf", "", 0,
		    CHAIN_OK, "CN=leaf < " ISSUING },
		{ "the leaf itself as anchor", "leaf", "leaf", "", 0, CHAIN_OK,
		    "CN=leaf" },
		{ "self-signed and trusted", "alone", "alone", "", 0, CHAIN_OK,
		    "CN=alone" },
		{ "any extended key usage", "root", "any", "anyca", 0, CHAIN_OK,
		    "CN=any < CN=AnyCA < CN=Root" },
		{ "no anchors", "", "leaf", "issuing", 0, CHAIN_UNTRUSTED,
		    "no trust anchor" },
		{ "another anchor", "other", "leaf", "issuing", 0,
		    CHAIN_UNTRUSTED, "no trust anchor" },
		{ "a root in the message is no anchor", "other", "leaf",
		    "issuing root", 0, CHAIN_UNTRUSTED, "no trust anchor" },
		{ "intermediate missing", "root", "leaf", "", 0,
		    CHAIN_UNTRUSTED, "no trust anchor" },
		{ "self-signed and unknown", "root", "alone", "", 0,
		    CHAIN_UNTRUSTED, "no trust anchor" },
		{ "expired", "root", "leaf", "issuing", 31, CHAIN_EXPIRED,
		    "expired" },
		{ "not yet valid", "root", "leaf", "issuing", -1, CHAIN_EXPIRED,
		    "not yet valid" },
		{ "expired and unknown", "other", "leaf", "issuing", 31,
		    CHAIN_UNTRUSTED, "no trust anchor" },
		{ "issued by no CA", "root", "underleaf", "leaf issuing", 0,
		    CHAIN_INVALID, "" },
		{ "key usage without basic constraints is no CA", "root",
		    "underbare", "bareca", 0, CHAIN_INVALID, "CA" },
		{ "path length exceeded", "root", "toodeep", "sub issuing", 0,
		    CHAIN_INVALID, "path length" },
		{ "CA for servers only", "root", "byweb", "webca", 0,
		    CHAIN_INVALID, "emailProtection" },
		{ "unknown critical extension", "root", "strange", "issuing", 0,
		    CHAIN_INVALID, "critical" },
		{ "unknown critical extension, expired too", "root", "strange",
		    "issuing", 31, CHAIN_INVALID, "critical" },
		{ "weak hash", "root", "sha1", "issuing", 0, CHAIN_INVALID,
		    "weak" },
		{ "short key", "root", "short", "issuing", 0, CHAIN_OK,
		    "CN=short < CN=Issuing,O=Tests < CN=Root" },
		{ "CA with a short key", "root", "byshort", "shortca", 0,
		    CHAIN_INVALID, "too weak" },
		{ "same name, another key", "root", "leaf", "impostor", 0,
		    CHAIN_UNTRUSTED, "no trust anchor" },
		{ "name constraint kept", "root", "inside", "constrained", 0,
		    CHAIN_OK, "CN=inside < CN=Constrained < CN=Root" },
		{ "name constraint broken", "root", "outside", "constrained", 0,
		    CHAIN_INVALID, "subtree" },
		{ "name constraint broken in the subject only", "root",
		    "outside-dn", "constrained", 0, CHAIN_INVALID, "subtree" },
	};

	pki_run(pki,
	    "ca() { name=$1; by=$2; cn=$3; shift 3; cert $name $by P-256 \\\n"
	    "  /CN=$cn basicConstraints=critical,CA:TRUE \"$@\"; }\n"
	    "end() { name=$1; by=$2; shift 2; cert $name $by P-256 /CN=$name "
	    "\\\n"
	    "  \"$@\"; }\n"
	    "leaf leaf P-256\n"
	    "ca other self Other; end alone self basicConstraints=CA:FALSE\n"
	    "ca anyca root AnyCA extendedKeyUsage=anyExtendedKeyUsage\n"
	    "end any anyca\n"
	    "end underleaf leaf\n"
	    "cert bareca root P-256 /CN=Bare keyUsage=critical,keyCertSign\n"
	    "end underbare bareca\n"
	    "ca sub issuing Sub; end toodeep sub\n"
	    "ca webca root Web extendedKeyUsage=serverAuth; end byweb webca\n"
	    "end strange issuing 1.2.3.4.5=critical,DER:0500\n"
	    "leaf short rsa:1024; key shortca rsa:1024\n"
	    "ca shortca root Short; end byshort shortca\n"
	    "key sha1 P-256\n"
	    "openssl req -x509 -new -config req.cnf -key sha1.key -sha1 \\\n"
	    "  -CA issuing.pem -CAkey issuing.key -subj /CN=sha1 -out "
	    "sha1.pem\n"
	    "ca impostor root Issuing; rm impostor.pem\n"
	    "cert impostor root P-256 /O=Tests/CN=Issuing \\\n"
	    "  basicConstraints=critical,CA:TRUE\n"
	    "ca constrained root Constrained \\\n"
	    "  'nameConstraints=critical,permitted;email:example.com'\n"
	    "end inside constrained subjectAltName=email:a@example.com\n"
	    "end outside constrained subjectAltName=email:a@example.net\n"
	    "cert outside-dn constrained P-256 \\\n"
	    "  /CN=x/emailAddress=a@example.net\n");
	for (guint i = 0; i < G_N_ELEMENTS(CASES); i++) {
		check(&CASES[i]);
	}
}

static void
test_depth(void)
{
	GString *others = g_string_new("d0");
	g_autofree char *names = NULL;
	Case good = { "as deep as allowed", "root", "e9", NULL, 0, CHAIN_OK,
		"CN=e9 < CN=d9 < CN=d8 < CN=d7 < CN=d6 < CN=d5 < CN=d4 < "
		"CN=d3 < CN=d2 < CN=d1 < CN=d0 < CN=Root" };
	Case bad = { "one deeper", "root", "e11", NULL, 0, CHAIN_INVALID,
		"too long" };

	pki_run(pki,
	    "by=root\n"
	    "for i in 0 1 2 3 4 5 6 7 8 9 10 11; do\n"
	    "  cert d$i $by P-256 /CN=d$i basicConstraints=critical,CA:TRUE\n"
	    "  by=d$i\n"
	    "done\n"
	    "cert e9 d9 P-256 /CN=e9; cert e11 d11 P-256 /CN=e11\n");
	for (int i = 1; i <= 11; i++) {
		g_string_append_printf(others, " d%d", i);
	}
	names = g_string_free(others, FALSE);
	good.others = names;
	bad.others = names;
	check(&good);
	check(&bad);
}

static void
test_anchors(void)
{
	g_autoptr(GPtrArray) certs = certs_of("root issuing root");
	g_autoptr(Anchors) anchors = chain_anchors_new(certs);
	Anchors *again = chain_anchors_ref(anchors);

	g_assert_true(again == anchors);
	g_assert_cmpuint(chain_anchors_count(anchors), ==, 3);
	chain_anchors_unref(again);
	chain_anchors_unref(NULL);
	g_assert_cmpuint(chain_anchors_count(anchors), ==, 3);
}

static gpointer
check_shared(gpointer data)
{
	gpointer *parts = data;
	guint good = 0;

	for (int i = 0; i < 50; i++) {
		g_autoptr(GPtrArray) chain = NULL;

		if (chain_check(parts[0], parts[1], parts[2], pki_now(), NULL,
			&chain) == CHAIN_OK &&
		    chain->len == 3) {
			good++;
		}
	}
	return GUINT_TO_POINTER(good);
}

static void
test_threads(void)
{
	g_autoptr(Anchors) anchors = pki_anchors(pki, "root");
	g_autoptr(Cert) cert = NULL;
	g_autoptr(GPtrArray) others = certs_of("issuing");
	gpointer parts[3] = { anchors, NULL, others };
	GThread *threads[4];

	pki_run(pki, "leaf shared P-256\n");
	cert = pki_cert(pki, "shared");
	parts[1] = cert;
	for (guint i = 0; i < G_N_ELEMENTS(threads); i++) {
		threads[i] = g_thread_new("chain", check_shared, parts);
	}
	for (guint i = 0; i < G_N_ELEMENTS(threads); i++) {
		gpointer good = g_thread_join(threads[i]);

		g_assert_cmpuint(GPOINTER_TO_UINT(good), ==, 50);
	}
}

int
main(int argc, char **argv)
{
	int status = 0;

	g_test_init(&argc, &argv, NULL);
	pki = pki_new();
	g_test_add_func("/chain/check/paths", test_paths);
	g_test_add_func("/chain/check/depth", test_depth);
	g_test_add_func("/chain/check/threads", test_threads);
	g_test_add_func("/chain/anchors/count", test_anchors);
	status = g_test_run();
	scratch_free(pki);
	return status;
}
