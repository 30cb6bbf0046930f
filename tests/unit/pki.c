/* SPDX-License-Identifier: Apache-2.0 */
/* Keys and certificates by shell functions around `openssl req -x509`. */
#include "config.h"

#include "pki.h"

#include <stdarg.h>
#include <string.h>

#include "scratch.h"

static const char PRELUDE[] =
    "set -e\n"
    "key() {\n"
    "  if [ -e $1.key ]; then return; fi\n"
    "  case $2 in\n"
    "  rsa:*) set -- $1 RSA -pkeyopt rsa_keygen_bits:${2#rsa:};;\n"
    "  pss:*) set -- $1 RSA-PSS -pkeyopt rsa_keygen_bits:${2#pss:};;\n"
    "  P-*) set -- $1 EC -pkeyopt ec_paramgen_curve:$2;;\n"
    "  esac\n"
    "  name=$1; shift\n"
    "  openssl genpkey -quiet -out $name.key -algorithm \"$@\" 2>/dev/null ||\n"
    "  openssl genpkey -out $name.key -algorithm \"$@\" 2>/dev/null\n"
    "}\n"
    "cert() {\n"
    "  key $1 \"$3\"\n"
    "  name=$1; issuer=$2; subject=$4; shift 4\n"
    "  for extension do\n"
    "    shift\n"
    "    [ -z \"$extension\" ] || set -- \"$@\" -addext \"$extension\"\n"
    "  done\n"
    "  if [ $issuer != self ]; then\n"
    "    set -- \"$@\" -CA $issuer.pem -CAkey $issuer.key\n"
    "  fi\n"
    "  openssl req -x509 -new -config req.cnf -utf8 -days 30 -out $name.pem "
    "\\\n"
    "    -key $name.key -subj \"$subject\" \"$@\"\n"
    "}\n"
    "leaf() {\n"
    "  who=$1; kind=$2; shift 2\n"
    "  cert $who issuing \"$kind\" /CN=$who keyUsage=critical,digitalSignature "
    "\\\n"
    "    extendedKeyUsage=emailProtection \\\n"
    "    subjectAltName=email:$who@example.com \"$@\"\n"
    "}\n";

static const char AUTHORITIES[] =
    "cert root self P-256 '/CN=Root' basicConstraints=critical,CA:TRUE \\\n"
    "  keyUsage=critical,keyCertSign,cRLSign\n"
    "cert issuing root P-256 '/O=Tests/CN=Issuing' \\\n"
    "  basicConstraints=critical,CA:TRUE,pathlen:0 \\\n"
    "  keyUsage=critical,keyCertSign,cRLSign \\\n"
    "  extendedKeyUsage=emailProtection\n";

void
pki_run(const char *directory, const char *format, ...)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GString) script = g_string_new(PRELUDE);
	g_autofree char *said = NULL;
	char *arguments[] = { "sh", "-c", NULL, NULL };
	va_list list;
	int status = 0;

	va_start(list, format);
	g_string_append_vprintf(script, format, list);
	va_end(list);
	arguments[2] = script->str;
	g_spawn_sync(directory, arguments, NULL,
	    G_SPAWN_SEARCH_PATH | G_SPAWN_STDOUT_TO_DEV_NULL, NULL, NULL, NULL,
	    &said, &status, &error);
	g_assert_no_error(error);
	if (!g_spawn_check_wait_status(status, &error)) {
		g_test_message("%s\n%s", script->str + strlen(PRELUDE), said);
	}
	g_assert_no_error(error);
}

char *
pki_new(void)
{
	char *directory = scratch_new();

	g_free(scratch_file(directory, "req.cnf",
	    "[req]\ndistinguished_name = name\n[name]\n"));
	pki_run(directory, "%s", AUTHORITIES);
	return directory;
}

GBytes *
pki_file(const char *directory, const char *name)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *path = g_build_filename(directory, name, NULL);
	char *data = NULL;
	gsize length = 0;
	GBytes *exact = NULL;

	g_file_get_contents(path, &data, &length, &error);
	g_assert_no_error(error);
	exact = g_bytes_new(data, length);
	g_free(data);
	return exact;
}

char *
pki_text(const char *directory, const char *name)
{
	g_autofree char *path = g_build_filename(directory, name, NULL);

	return scratch_text(path);
}

void
pki_save(const char *directory, const char *name, GBytes *content)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *path = g_build_filename(directory, name, NULL);
	gsize length = 0;
	const char *data = g_bytes_get_data(content, &length);

	g_file_set_contents(
	    path, length > 0 ? data : "", (gssize)length, &error);
	g_assert_no_error(error);
}

Cert *
pki_cert(const char *directory, const char *name)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *file = g_strconcat(name, ".pem", NULL);
	g_autoptr(GBytes) pem = pki_file(directory, file);
	g_autoptr(GPtrArray) certs = cert_read_all(pem, &error);

	g_assert_no_error(error);
	g_assert_cmpuint(certs->len, ==, 1);
	return cert_ref(certs->pdata[0]);
}

Identity *
pki_identity(const char *directory, const char *name)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *cert_name = g_strconcat(name, ".pem", NULL);
	g_autofree char *key_name = g_strconcat(name, ".key", NULL);
	g_autoptr(GBytes) cert = pki_file(directory, cert_name);
	g_autoptr(GBytes) key = pki_file(directory, key_name);
	g_autoptr(GBytes) chain = pki_file(directory, "issuing.pem");
	Identity *identity =
	    keyring_from_parts(cert, key, chain, NULL, NULL, &error);

	g_assert_no_error(error);
	return identity;
}

Anchors *
pki_anchors(const char *directory, const char *name)
{
	g_autoptr(GPtrArray) certs =
	    g_ptr_array_new_with_free_func((GDestroyNotify)cert_unref);

	g_ptr_array_add(certs, pki_cert(directory, name));
	return chain_anchors_new(certs);
}

gint64
pki_now(void)
{
	return g_get_real_time() / G_USEC_PER_SEC;
}
