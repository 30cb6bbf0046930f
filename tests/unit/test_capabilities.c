/* SPDX-License-Identifier: Apache-2.0 */
/* SMIMECapabilities: the encodings that RFCs and clients give, and damage. */
#include "config.h"

#include "crypto/capabilities.h"

#include <string.h>

#define AES256 "300B060960864801650304012A"
#define AES192 "300B0609608648016503040116"
#define AES128 "300B0609608648016503040102"
#define GCM256 "300B060960864801650304012E"
#define GCM128 "300B0609608648016503040106"
#define TRIPLE "300A06082A864886F70D0307"
#define RC2 "300E06082A864886F70D030202020080"
#define ECDSA "300A06082A8648CE3D040302"
#define OAEP1 "300D06092A864886F70D0101073000"
#define OAEP256                                                              \
	"303806092A864886F70D010107302B300D06096086480165030402010500301A06" \
	"092A864886F70D010108300D06096086480165030402010500"
#define ECDH "301506062B8104010B01300B0609608648016503040105"
#define HKDF "301A060B2A864886F70D0109100313300B060960864801650304012D"
#define BINARY                       \
	"300D060B2A864886F70D010910" \
	"0B01"
#define CHACHA "300D060B2A864886F70D0109100312"

static guint8
nibble(char digit)
{
	return (guint8)g_ascii_xdigit_value(digit);
}

/* SEQUENCE of what the hex text has; exact block. */
static GBytes *
list_of(const char *hex)
{
	GByteArray *out = g_byte_array_new();
	gsize length = strlen(hex) / 2;
	guint8 header[] = { 0x30, 0x82, (guint8)(length >> 8), (guint8)length };

	g_byte_array_append(out, header, sizeof header);
	for (gsize i = 0; i < length; i++) {
		guint8 octet =
		    (guint8)(nibble(hex[2 * i]) << 4 | nibble(hex[2 * i + 1]));

		g_byte_array_append(out, &octet, 1);
	}
	return g_byte_array_free_to_bytes(out);
}

static void
test_words(void)
{
	static const struct {
		const char *hex;
		const char *want; /* NULL: malformed */
	} CASES[] = {
		{ "", "" },
		{ AES256, "aes256-cbc" },
		{ AES256 AES192 AES128 TRIPLE,
		    "aes256-cbc aes192-cbc aes128-cbc 3des-cbc" },
		{ GCM128 GCM256, "aes128-gcm aes256-gcm" },
		{ CHACHA, "chacha20-poly1305" },
		{ BINARY AES128, "binary-inside aes128-cbc" },
		{ AES128 AES256 AES128 AES128, "aes128-cbc aes256-cbc" },
		{ RC2 ECDSA, "" },
		{ RC2 AES256 ECDSA AES128, "aes256-cbc aes128-cbc" },
		{ OAEP1, "rsa-oaep-sha1" },
		{ OAEP256, "rsa-oaep-sha256" },
		{ "300B06092A864886F70D010107", "rsa-oaep-sha1" },
		/* SHA-256 with MGF1 over SHA-1: nobody's. */
		{ "301C06092A864886F70D010107300FA00D300B06096086480165030402"
		  "01",
		    "" },
		/* The same with its own mask and right tags. */
		{ "303C06092A864886F70D010107302FA00F300D060960864801650304"
		  "02010500A11C301A06092A864886F70D010108300D060960864801650"
		  "30402010500",
		    "rsa-oaep-sha256" },
		{ ECDH, "ecdh-sha256-aes128" },
		{ HKDF, "ecdh-hkdf-sha256-aes256" },
		/* A scheme without its wrap, and with one unknown. */
		{ "300806062B8104010B01", "" },
		{ "301506062B8104010B01300B0609608648016503040106", "" },
		{ "0500", NULL },
		{ "3000", NULL },
		{ "30020500", NULL },
		{ "3004060055AA", NULL },
		{ "300F060960864801650304012A050005"
		  "00",
		    NULL },
		{ AES256 "30", NULL },
		{ AES256 "3001", NULL },
	};

	for (guint i = 0; i < G_N_ELEMENTS(CASES); i++) {
		g_autoptr(GBytes) der = list_of(CASES[i].hex);
		g_autofree char *got = capabilities_text(der);

		g_test_message("%s", CASES[i].hex);
		g_assert_cmpstr(got, ==, CASES[i].want);
	}
}

static void
test_cut_off(void)
{
	g_autoptr(GBytes) whole = list_of(AES256 OAEP256 ECDH RC2 HKDF TRIPLE);
	gsize length = 0;
	const guint8 *data = g_bytes_get_data(whole, &length);

	for (gsize i = 0; i < length; i++) {
		g_autoptr(GBytes) part = g_bytes_new(data, i);

		g_assert_null(capabilities_text(part));
	}
	for (gsize i = 0; i < length * 8; i++) {
		guint8 *copy = g_memdup2(data, length);
		g_autoptr(GBytes) bent = g_bytes_new_take(copy, length);

		copy[i / 8] ^= (guint8)(1 << i % 8);
		g_free(capabilities_text(bent));
	}
}

static void
test_behind(void)
{
	static const guint8 TWO[] = { 0x30, 0x00, 0x30, 0x00 };
	static const guint8 SET[] = { 0x31, 0x00 };
	g_autoptr(GBytes) two = g_bytes_new(TWO, sizeof TWO);
	g_autoptr(GBytes) set = g_bytes_new(SET, sizeof SET);

	g_assert_null(capabilities_text(two));
	g_assert_null(capabilities_text(set));
}

static void
test_many(void)
{
	g_autoptr(GString) hex = g_string_new(NULL);
	g_autoptr(GBytes) many = NULL;
	g_autofree char *text = NULL;

	for (guint i = 0; i < 2000; i++) {
		g_string_append(hex, RC2 AES256);
	}
	many = list_of(hex->str);
	text = capabilities_text(many);
	g_assert_cmpstr(text, ==, "aes256-cbc");
}

static void
test_has(void)
{
	static const struct {
		const char *text;
		const char *word;
		bool want;
	} CASES[] = {
		{ "aes256-cbc aes128-cbc", "aes256-cbc", true },
		{ "aes256-cbc aes128-cbc", "aes128-cbc", true },
		{ "a aes256-cbc b", "aes256-cbc", true },
		{ "xaes256-cbc", "aes256-cbc", false },
		{ "aes256-cbcx aes256-cbc", "aes256-cbc", true },
		{ "aes256", "aes256-cbc", false },
		{ "aes256-cbc", "aes256", false },
		{ "", "aes256-cbc", false },
		{ "aes256-cbc", "", false },
	};

	for (guint i = 0; i < G_N_ELEMENTS(CASES); i++) {
		g_assert_cmpint(capabilities_has(CASES[i].text, CASES[i].word),
		    ==, CASES[i].want);
	}
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/capabilities/words", test_words);
	g_test_add_func("/capabilities/cut-off", test_cut_off);
	g_test_add_func("/capabilities/behind", test_behind);
	g_test_add_func("/capabilities/many", test_many);
	g_test_add_func("/capabilities/has", test_has);
	return g_test_run();
}
