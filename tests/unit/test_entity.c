/* SPDX-License-Identifier: Apache-2.0 */
/* The entity that is signed: safe, and to the reader the same as before. */
#include "config.h"

#include "mime/entity.h"

#include "mime-judge.h"
#include "mime-testing.h"

#include "base/spool.h"
#include "mime/layers.h"

#include <glib/gstdio.h>

/* As many as a sanitizer gets through in a few seconds. */
#define MUTATIONS 20000

#define X100                                                                   \
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" \
	"xx"                                                                   \
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X900 X100 X100 X100 X100 X100 X100 X100 X100 X100
#define X998                                                                   \
	X900 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" \
	     "xxxxxxx"                                                         \
	     "xxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X990 X900 X90
#define X90                                                            \
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" \
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X76                                                                    \
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" \
	"xx"                                                                   \
	"xxxxxx"
#define X75                                                                    \
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" \
	"xx"                                                                   \
	"xxxxx"

#define MIXED "Content-Type: multipart/mixed; boundary=b\r\n\r\n"
#define PLAIN "Content-Type: text/plain; charset=us-ascii\r\n\r\n"
#define QP "Content-Transfer-Encoding: quoted-printable\r\n"
#define B64 "Content-Transfer-Encoding: base64\r\n"
#define PLAIN_QP "Content-Type: text/plain; charset=us-ascii\r\n" QP "\r\n"
#define UTF8 "Content-Type: text/plain; charset=utf-8\r\n"
#define EIGHT "Content-Transfer-Encoding: 8bit\r\n"
#define SEVEN "Content-Transfer-Encoding: 7bit\r\n"

/* What is expected in place of a literal entity. */
#define AS_IT_IS NULL /* the Content-* fields, an empty line, the body */

typedef enum {
	SAFE,
	UNSAFE,
} Safety;

static const struct {
	const char *name;
	const char *message; /* CRLF, only Content-* fields */
	gsize length;
	const char *want;
	gsize want_length;
	Safety safety;
	guint encoded;
	guint closed;
} cases[] = {
	/* safe as it is */
	{ "plain", TEXT(PLAIN "hi\r\n"), AS_IT_IS, 0, SAFE, 0, 0 },
	{ "no-type", TEXT("\r\nhi\r\n"), TEXT(PLAIN "hi\r\n"), SAFE, 0, 0 },
	{ "empty-body", TEXT("\r\n"), TEXT(PLAIN), SAFE, 0, 0 },
	{ "empty-body-with-type", TEXT("Content-Type: text/html\r\n\r\n"),
	    AS_IT_IS, 0, SAFE, 0, 0 },
	{ "no-line-end", TEXT(PLAIN "hi"), AS_IT_IS, 0, SAFE, 0, 0 },
	{ "encoding-without-type", TEXT(SEVEN "\r\nhi\r\n"), AS_IT_IS, 0, SAFE,
	    0, 0 },
	{ "all-content-fields-in-order",
	    TEXT("Content-Language: de\r\nContent-Type:\r\n\ttext/plain\r\n"
		 "content-id: <x>\r\nContent-Disposition: inline\r\n\r\nhi"),
	    AS_IT_IS, 0, SAFE, 0, 0 },
	{ "990-bytes", TEXT(PLAIN X990 "\r\n" X990 "\r\n"), AS_IT_IS, 0, SAFE,
	    0, 0 },
	{ "mixed",
	    TEXT(MIXED "pre\r\n--b\r\n" PLAIN "x\r\n--b\r\n" B64
		       "Content-Type: a/b\r\n\r\nQUJD\r\n--b--\r\npost\r\n"),
	    AS_IT_IS, 0, SAFE, 0, 0 },
	{ "from-without-blank", TEXT(PLAIN "From: me\r\nFrom\r\n"), AS_IT_IS, 0,
	    SAFE, 0, 0 },
	{ "from-not-at-the-start", TEXT(PLAIN ">From x\r\n From x\r\n"),
	    AS_IT_IS, 0, SAFE, 0, 0 },
	{ "other-encoding-safe",
	    TEXT("Content-Type: a/b\r\nContent-Transfer-Encoding: x-uue\r\n\r\n"
		 "begin 644\r\n"),
	    AS_IT_IS, 0, SAFE, 0, 0 },
	{ "signed-part-safe",
	    TEXT("Content-Type: multipart/signed; boundary=b\r\n\r\n"
		 "--b\r\n\r\nx\r\n--b\r\n\r\ny\r\n--b--\r\n"),
	    AS_IT_IS, 0, SAFE, 0, 0 },

	/* labels only */
	{ "labelled-8bit-but-ascii", TEXT(UTF8 EIGHT "\r\nhi\r\n"),
	    TEXT(UTF8 SEVEN "\r\nhi\r\n"), SAFE, 0, 0 },
	{ "labelled-binary-but-ascii",
	    TEXT(
		"Content-Transfer-Encoding: binary\r\nContent-Type: a/b\r\n\r\n"
		"hi\r\n"),
	    TEXT(SEVEN "Content-Type: a/b\r\n\r\nhi\r\n"), SAFE, 0, 0 },
	{ "multipart-labelled-8bit",
	    TEXT("Content-Type: multipart/mixed; boundary=b\r\n" EIGHT
		 "\r\n--b\r\n" UTF8 EIGHT "\r\nx\r\n--b--\r\n"),
	    TEXT("Content-Type: multipart/mixed; boundary=b\r\n" SEVEN
		 "\r\n--b\r\n" UTF8 SEVEN "\r\nx\r\n--b--\r\n"),
	    SAFE, 0, 0 },
	{ "message-labelled-8bit",
	    TEXT(MIXED "--b\r\nContent-Type: message/rfc822\r\n" EIGHT
		       "\r\nA: x\r\n\r\ny\r\n--b--\r\n"),
	    TEXT(MIXED "--b\r\nContent-Type: message/rfc822\r\n" SEVEN
		       "\r\nA: x\r\n\r\ny\r\n--b--\r\n"),
	    SAFE, 0, 0 },
	{ "label-folded",
	    TEXT("Content-Transfer-Encoding:\r\n 8bit\r\n" UTF8 "\r\nx"),
	    TEXT(SEVEN UTF8 "\r\nx"), SAFE, 0, 0 },

	/* text becomes quoted-printable */
	{ "text-8bit", TEXT(UTF8 EIGHT "\r\nJ\xC3\xBCrgen\r\n"),
	    TEXT(UTF8 QP "\r\nJ=C3=BCrgen\r\n"), SAFE, 1, 0 },
	{ "text-8bit-without-label", TEXT(UTF8 "\r\na=b \xE4\r\n"),
	    TEXT(UTF8 QP "\r\na=3Db =E4\r\n"), SAFE, 1, 0 },
	{ "text-8bit-without-type", TEXT("\r\n\xE4\r\n"),
	    TEXT("Content-Type: text/plain\r\n" QP "\r\n=E4\r\n"), SAFE, 1, 0 },
	{ "text-8bit-empty-lines-kept", TEXT(UTF8 "\r\n\r\n\xE4\r\n\r\n\r\n"),
	    TEXT(UTF8 QP "\r\n\r\n=E4\r\n\r\n\r\n"), SAFE, 1, 0 },
	{ "text-8bit-no-line-end", TEXT(UTF8 "\r\n\xE4"),
	    TEXT(UTF8 QP "\r\n=E4"), SAFE, 1, 0 },
	{ "text-from", TEXT(PLAIN "From me\r\nx\r\n"),
	    TEXT(PLAIN_QP "=46rom me\r\nx\r\n"), SAFE, 1, 0 },
	{ "text-trailing-blanks", TEXT(PLAIN "-- \r\nx\t\r\n  \r\ny  \r\n"),
	    TEXT(PLAIN_QP "--=20\r\nx=09\r\n =20\r\ny =20\r\n"), SAFE, 1, 0 },
	{ "text-trailing-blank-at-the-end", TEXT(PLAIN "x "),
	    TEXT(PLAIN_QP "x=20"), SAFE, 1, 0 },
	{ "text-long-line", TEXT(PLAIN X998 "x\r\n"),
	    TEXT(PLAIN_QP X75 "=\r\n" X75 "=\r\n" X75 "=\r\n" X75 "=\r\n" X75
			      "=\r\n" X75 "=\r\n" X75 "=\r\n" X75 "=\r\n" X75
			      "=\r\n" X75 "=\r\n" X75 "=\r\n" X75 "=\r\n" X75
			      "=\r\nxxxxxxxxxxxxxxxxxxxxxxxx\r\n"),
	    SAFE, 1, 0 },
	{ "text-76-columns", TEXT(PLAIN X76 "\r\n\xE4\r\n"),
	    TEXT(PLAIN_QP X76 "\r\n=E4\r\n"), SAFE, 1, 0 },
	{ "text-broken-before-from", TEXT(PLAIN X75 "From x\r\n\xE4\r\n"),
	    TEXT(PLAIN_QP X75 "=\r\n=46rom x\r\n=E4\r\n"), SAFE, 1, 0 },
	{ "text-broken-before-a-delimiter",
	    TEXT(MIXED "--b\r\n\r\n" X75 "--b\r\n\xE4\r\n--b--\r\n"),
	    TEXT(
		MIXED "--b\r\n" QP "\r\n" X75 "=\r\n=2D-b\r\n=E4\r\n--b--\r\n"),
	    SAFE, 1, 0 },
	{ "text-control-characters", TEXT(PLAIN "a\x1b\x0c\x7f\xE4\r\n"),
	    TEXT(PLAIN_QP "a=1B=0C=7F=E4\r\n"), SAFE, 1, 0 },
	{ "html-in-alternative",
	    TEXT("Content-Type: multipart/alternative; boundary=b\r\n\r\n"
		 "--b\r\n" PLAIN "safe = \r\n--b\r\nContent-Type: text/html\r\n"
		 "\r\n<p style=\"x\">\xC3\xA4\r\n--b--\r\n"),
	    TEXT("Content-Type: multipart/alternative; boundary=b\r\n\r\n"
		 "--b\r\nContent-Type: text/plain; charset=us-ascii\r\n" QP
		 "\r\nsafe =3D=20\r\n--b\r\nContent-Type: text/html\r\n" QP
		 "\r\n<p style=3D\"x\">=C3=A4\r\n--b--\r\n"),
	    SAFE, 2, 0 },
	{ "only-what-needs-it",
	    TEXT(MIXED "pre\r\n--b\r\n" PLAIN "a = b\r\n--b\r\nX: 1\r\n" UTF8
		       "Y: 2\r\n" EIGHT "Z: 3\r\n\r\n\xE4\r\n--b\r\n" PLAIN
		       "c\r\n--b--\r\npost\r\n"),
	    TEXT(MIXED "pre\r\n--b\r\n" PLAIN "a = b\r\n--b\r\nX: 1\r\n" UTF8
		       "Y: 2\r\n" QP "Z: 3\r\n\r\n=E4\r\n--b\r\n" PLAIN
		       "c\r\n--b--\r\npost\r\n"),
	    SAFE, 1, 0 },
	{ "part-without-header", TEXT(MIXED "--b\r\n\r\n\xE4\r\n--b--\r\n"),
	    TEXT(MIXED "--b\r\n" QP "\r\n=E4\r\n--b--\r\n"), SAFE, 1, 0 },
	{ "global-delivery-status",
	    TEXT("Content-Type: message/global-delivery-status\r\n\r\nA: x "
		 "\r\n"),
	    TEXT("Content-Type: message/global-delivery-status\r\n" QP
		 "\r\nA: x=20\r\n"),
	    SAFE, 1, 0 },
	{ "calendar",
	    TEXT("Content-Type: text/calendar; method=REQUEST\r\n" EIGHT
		 "\r\nBEGIN:VCALENDAR\r\nSUMMARY:\xC3\x84\r\n"),
	    TEXT("Content-Type: text/calendar; method=REQUEST\r\n" QP
		 "\r\nBEGIN:VCALENDAR\r\nSUMMARY:=C3=84\r\n"),
	    SAFE, 1, 0 },

	/* everything else becomes base64 */
	{ "binary", TEXT("Content-Type: a/b\r\n\r\n\xFF\xD8\r\n"),
	    TEXT("Content-Type: a/b\r\n" B64 "\r\n/9gNCg==\r\n"), SAFE, 1, 0 },
	{ "binary-part",
	    TEXT(MIXED "--b\r\nContent-Type: a/b\r\n"
		       "Content-Transfer-Encoding: binary\r\n\r\n\0\1\2\r\n"
		       "--b--\r\n"),
	    TEXT(MIXED "--b\r\nContent-Type: a/b\r\n" B64
		       "\r\nAAEC\r\n--b--\r\n"),
	    SAFE, 1, 0 },
	{ "json-with-from", TEXT("Content-Type: a/json\r\n\r\nFrom x"),
	    TEXT("Content-Type: a/json\r\n" B64 "\r\nRnJvbSB4\r\n"), SAFE, 1,
	    0 },
	{ "text-bare-cr", TEXT(PLAIN "a\rb\r\n"),
	    TEXT("Content-Type: text/plain; charset=us-ascii\r\n" B64
		 "\r\nYQ1iDQo=\r\n"),
	    SAFE, 1, 0 },
	{ "text-bare-lf", TEXT(PLAIN "a\nb\n"),
	    TEXT("Content-Type: text/plain; charset=us-ascii\r\n" B64
		 "\r\nYQpiCg==\r\n"),
	    SAFE, 1, 0 },
	{ "text-cr-at-the-end", TEXT(MIXED "--b\r\n\r\na\r\r\n--b--\r\n"),
	    TEXT(MIXED "--b\r\n" B64 "\r\nYQ0=\r\n--b--\r\n"), SAFE, 1, 0 },
	{ "text-nul", TEXT(PLAIN "a\0b\r\n"),
	    TEXT("Content-Type: text/plain; charset=us-ascii\r\n" B64
		 "\r\nYQBiDQo=\r\n"),
	    SAFE, 1, 0 },

	/* encoded, but not safely */
	{ "qp-long-line", TEXT(PLAIN_QP X998 "x=41\r\n"),
	    TEXT(PLAIN_QP X75 "=\r\n" X75 "=\r\n" X75 "=\r\n" X75 "=\r\n" X75
			      "=\r\n" X75 "=\r\n" X75 "=\r\n" X75 "=\r\n" X75
			      "=\r\n" X75 "=\r\n" X75 "=\r\n" X75 "=\r\n" X75
			      "=\r\n"
			      "xxxxxxxxxxxxxxxxxxxxxxxx=41\r\n"),
	    SAFE, 1, 0 },
	{ "qp-8bit-and-blanks", TEXT(UTF8 QP "\r\na=3Db \xC3\xA4=\r\n c\t\r\n"),
	    TEXT(UTF8 QP "\r\na=3Db =C3=A4=\r\n c=09\r\n"), SAFE, 1, 0 },
	{ "qp-from", TEXT(UTF8 QP "\r\nFrom =c3=a4\r\n"),
	    TEXT(UTF8 QP "\r\n=46rom =c3=a4\r\n"), SAFE, 1, 0 },
	{ "qp-ends-in-soft-break",
	    TEXT(MIXED "--b\r\n" QP "\r\nFrom x=\r\n--b--\r\n"),
	    TEXT(MIXED "--b\r\n" QP "\r\n=46rom x=\r\n--b--\r\n"), SAFE, 1, 0 },
	{ "qp-ambiguous-escape", TEXT(UTF8 QP "\r\n\xE4 =zz\r\n"), AS_IT_IS, 0,
	    UNSAFE, 0, 0 },
	{ "qp-padded-soft-break", TEXT(UTF8 QP "\r\nx= \r\ny\r\n"), AS_IT_IS, 0,
	    UNSAFE, 0, 0 },
	{ "qp-bare-lf", TEXT(UTF8 QP "\r\nx\ny\r\n"), AS_IT_IS, 0, UNSAFE, 0,
	    0 },
	{ "base64-long-line",
	    TEXT("Content-Type: a/b\r\n" B64 "\r\n" X998 "xx\r\n"),
	    TEXT("Content-Type: a/b\r\n" B64 "\r\n" X76 "\r\n" X76 "\r\n" X76
		 "\r\n" X76 "\r\n" X76 "\r\n" X76 "\r\n" X76 "\r\n" X76
		 "\r\n" X76 "\r\n" X76 "\r\n" X76 "\r\n" X76 "\r\n" X76 "\r\n"
		 "xxxxxxxxxxxx\r\n"),
	    SAFE, 1, 0 },
	{ "base64-trailing-blanks",
	    TEXT("Content-Type: a/b\r\n" B64 "\r\nQUJD \r\nRE\tU=\t\r\n"),
	    TEXT("Content-Type: a/b\r\n" B64 "\r\nQUJDREU=\r\n"), SAFE, 1, 0 },
	{ "base64-bare-lf",
	    TEXT("Content-Type: a/b\r\n" B64 "\r\nQUJD\nREU=\n"),
	    TEXT("Content-Type: a/b\r\n" B64 "\r\nQUJDREU=\r\n"), SAFE, 1, 0 },
	{ "base64-junk",
	    TEXT("Content-Type: a/b\r\n" B64 "\r\nQUJD\xE4REU=\r\n"), AS_IT_IS,
	    0, UNSAFE, 0, 0 },
	{ "base64-padding-inside",
	    TEXT("Content-Type: a/b\r\n" B64 "\r\nREU= \r\nQUJD\r\n"), AS_IT_IS,
	    0, UNSAFE, 0, 0 },
	{ "base64-incomplete",
	    TEXT("Content-Type: a/b\r\n" B64 "\r\nQUJD \r\nQ\r\n"), AS_IT_IS, 0,
	    UNSAFE, 0, 0 },
	{ "other-encoding-unsafe",
	    TEXT("Content-Type: a/b\r\nContent-Transfer-Encoding: x-uue\r\n\r\n"
		 "begin 644 \r\n"),
	    AS_IT_IS, 0, UNSAFE, 0, 0 },

	/* messages inside */
	{ "message-8bit",
	    TEXT(MIXED "--b\r\nContent-Type: message/rfc822\r\n" EIGHT
		       "\r\nSubject: x\r\nMIME-Version: 1.0\r\n" UTF8 EIGHT
		       "\r\n\xC3\xA4\r\n--b--\r\n"),
	    TEXT(MIXED "--b\r\nContent-Type: message/rfc822\r\n" SEVEN
		       "\r\nSubject: x\r\nMIME-Version: 1.0\r\n" UTF8 QP
		       "\r\n=C3=A4\r\n--b--\r\n"),
	    SAFE, 1, 0 },
	{ "message-without-mime",
	    TEXT("Content-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\n"
		 "From y\r\n"),
	    TEXT("Content-Type: message/rfc822\r\n\r\nSubject: x\r\n"
		 "MIME-Version: 1.0\r\n" QP "\r\n=46rom y\r\n"),
	    SAFE, 1, 0 },
	{ "message-header-8bit",
	    TEXT("Content-Type: message/rfc822\r\n\r\nSubject: \xC3\xA4\r\n\r\n"
		 "y\r\n"),
	    AS_IT_IS, 0, UNSAFE, 0, 0 },
	{ "message-with-mbox-line",
	    TEXT("Content-Type: message/rfc822\r\n\r\nFrom a@b\r\nA: x\r\n\r\n"
		 "y\r\n"),
	    AS_IT_IS, 0, UNSAFE, 0, 0 },
	{ "delivery-status-safe",
	    TEXT("Content-Type: message/delivery-status\r\n\r\nA: x\r\n"),
	    AS_IT_IS, 0, SAFE, 0, 0 },
	{ "delivery-status-unsafe",
	    TEXT("Content-Type: message/delivery-status\r\n\r\nA: x \r\n"),
	    AS_IT_IS, 0, UNSAFE, 0, 0 },
	{ "message-partial",
	    TEXT("Content-Type: message/partial\r\n\r\n\xE4\r\n"), AS_IT_IS, 0,
	    UNSAFE, 0, 0 },

	/* somebody's signed part */
	{ "signed-part-8bit",
	    TEXT(MIXED
		"--b\r\nContent-Type: multipart/signed; boundary=s\r\n\r\n"
		"--s\r\n" UTF8 EIGHT "\r\n\xC3\xA4\r\n--s\r\n\r\ny\r\n"
		"--s--\r\n--b--\r\n"),
	    AS_IT_IS, 0, UNSAFE, 0, 0 },
	{ "signed-part-labelled-8bit",
	    TEXT(MIXED
		"--b\r\nContent-Type: multipart/signed; boundary=s\r\n\r\n"
		"--s\r\n" UTF8 EIGHT "\r\nx\r\n--s\r\n\r\ny\r\n"
		"--s--\r\n--b--\r\n"),
	    AS_IT_IS, 0, UNSAFE, 0, 0 },
	{ "signed-part-trailing-blank-in-header",
	    TEXT(MIXED
		"--b\r\nContent-Type: multipart/signed; boundary=s\r\n\r\n"
		"--s\r\nX: y \r\n\r\nx\r\n--s\r\n\r\ny\r\n--s--\r\n--b--\r\n"),
	    AS_IT_IS, 0, UNSAFE, 0, 0 },
	{ "signed-part-preamble",
	    TEXT(MIXED
		"--b\r\nContent-Type: multipart/signed; boundary=s\r\n\r\n"
		"pre \r\n--s\r\n\r\nx\r\n--s\r\n\r\ny\r\n--s--\r\n--b--\r\n"),
	    AS_IT_IS, 0, UNSAFE, 0, 0 },
	{ "signed-part-not-terminated",
	    TEXT(MIXED
		"--b\r\nContent-Type: multipart/signed; boundary=s\r\n\r\n"
		"--s\r\n\r\nx\r\n--s\r\n\r\ny\r\n--b--\r\n"),
	    AS_IT_IS, 0, UNSAFE, 0, 0 },
	{ "signed-part-deep-inside",
	    TEXT("Content-Type: multipart/signed; boundary=s\r\n\r\n"
		 "--s\r\n" MIXED "--b\r\nContent-Type: message/rfc822\r\n\r\n"
		 "A: x\r\n" UTF8 EIGHT "\r\nx\r\n--b--\r\n--s\r\n\r\ny\r\n"
		 "--s--\r\n"),
	    AS_IT_IS, 0, UNSAFE, 0, 0 },
	{ "beside-a-signed-part",
	    TEXT(MIXED
		"--b\r\nContent-Type: multipart/signed; boundary=s\r\n" EIGHT
		"\r\n--s\r\n\r\nx\r\n--s\r\n\r\ny\r\n--s--\r\n--b\r\n" UTF8
		"\r\n\xE4\r\n--b--\r\n"),
	    TEXT(MIXED
		"--b\r\nContent-Type: multipart/signed; boundary=s\r\n" SEVEN
		"\r\n--s\r\n\r\nx\r\n--s\r\n\r\ny\r\n--s--\r\n--b\r\n" UTF8 QP
		"\r\n=E4\r\n--b--\r\n"),
	    SAFE, 1, 0 },

	/* headers */
	{ "root-header-trailing-blank",
	    TEXT("Content-Type: text/plain; \r\n charset=us-ascii \r\n\r\nx"),
	    TEXT("Content-Type: text/plain;\r\n  charset=us-ascii\r\n\r\nx"),
	    SAFE, 0, 0 },
	{ "root-header-blank-line-folded",
	    TEXT("Content-Type: text/plain;\r\n \r\n\tcharset=x\r\n\r\nx"),
	    TEXT("Content-Type: text/plain;\r\n \tcharset=x\r\n\r\nx"), SAFE, 0,
	    0 },
	{ "root-header-8bit",
	    TEXT("Content-Description: \xC3\xA4\r\n" PLAIN "x"), AS_IT_IS, 0,
	    UNSAFE, 0, 0 },
	{ "root-header-long",
	    TEXT("Content-Description: " X998 "\r\n" PLAIN "x"), AS_IT_IS, 0,
	    UNSAFE, 0, 0 },
	{ "part-header-trailing-blank",
	    TEXT(MIXED "--b\r\nContent-Type: a/b; \r\n name=\"c \r\n d\" \r\n"
		       "\r\nx\r\n--b--\r\n"),
	    TEXT(MIXED "--b\r\nContent-Type: a/b;\r\n  name=\"c\r\n  d\"\r\n"
		       "\r\nx\r\n--b--\r\n"),
	    SAFE, 0, 0 },
	/* What an MTA that reads MIME writes anew: rewrites.h. */
	{ "root-type-quote-open", TEXT("Content-Type: a/b; c=\"\\\r\n\r\nx"),
	    AS_IT_IS, 0, UNSAFE, 0, 0 },
	{ "part-header-quote-open",
	    TEXT(MIXED "--b\r\nContent-Type: a/b; c=\"d\r\n\r\nx\r\n--b--\r\n"),
	    AS_IT_IS, 0, UNSAFE, 0, 0 },
	{ "part-header-comment-open",
	    TEXT(MIXED "--b\r\nContent-Type: a/b (c\r\n\r\nx\r\n--b--\r\n"),
	    AS_IT_IS, 0, UNSAFE, 0, 0 },
	{ "part-header-comment",
	    TEXT(MIXED "--b\r\nContent-Type: a/b (\")\r\n\r\n"
		       "x\r\n--b--\r\n"),
	    AS_IT_IS, 0, SAFE, 0, 0 },
	{ "part-header-blank-before-colon",
	    TEXT(MIXED "--b\r\nContent-Type : a/b\r\n\r\nx\r\n--b--\r\n"),
	    AS_IT_IS, 0, UNSAFE, 0, 0 },
	{ "part-header-no-field",
	    TEXT(MIXED "--b\r\nno colon\r\n\r\nx\r\n--b--\r\n"), AS_IT_IS, 0,
	    UNSAFE, 0, 0 },
	{ "part-header-of-1001",
	    TEXT(MIXED "--b\r\nContent-Description: " X900 "\r\n " X100
		       "x\r\n\r\nx\r\n--b--\r\n"),
	    AS_IT_IS, 0, UNSAFE, 0, 0 },
	{ "message-without-header",
	    TEXT(MIXED "--b\r\nContent-Type: message/rfc822\r\n\r\nbody\r\n"
		       "--b--\r\n"),
	    AS_IT_IS, 0, UNSAFE, 0, 0 },
	{ "part-header-8bit",
	    TEXT(MIXED "--b\r\nContent-Type: a/b; name=\"\xC3\xA4\"\r\n\r\nx"
		       "\r\n--b--\r\n"),
	    AS_IT_IS, 0, UNSAFE, 0, 0 },
	{ "part-header-long",
	    TEXT(MIXED "--b\r\nX: " X998 "\r\n\r\nx\r\n--b--\r\n"), AS_IT_IS, 0,
	    UNSAFE, 0, 0 },
	{ "part-header-bare-lf", TEXT(MIXED "--b\r\nX: y\n\r\nx\r\n--b--\r\n"),
	    AS_IT_IS, 0, UNSAFE, 0, 0 },
	{ "part-header-without-end",
	    TEXT(MIXED "--b\r\nX: y\r\nhello\r\n\xE4\r\n--b--\r\n"), AS_IT_IS,
	    0, UNSAFE, 0, 0 },
	{ "type-twice-safe",
	    TEXT("Content-Type: text/plain\r\nContent-Type: text/html\r\n\r\n"
		 "x"),
	    AS_IT_IS, 0, SAFE, 0, 0 },
	{ "type-twice-unsafe",
	    TEXT("Content-Type: text/plain\r\nContent-Type: text/html\r\n\r\n"
		 "\xE4"),
	    AS_IT_IS, 0, UNSAFE, 0, 0 },
	{ "type-with-junk-unsafe",
	    TEXT("Content-Type: multipart/mixed x; boundary=b\r\n\r\n"
		 "--b\r\n\r\n\xE4\r\n--b--\r\n"),
	    AS_IT_IS, 0, UNSAFE, 0, 0 },
	{ "type-unreadable-unsafe",
	    TEXT("Content-Type: multipart\r\n\r\n\xE4\r\n"), AS_IT_IS, 0,
	    UNSAFE, 0, 0 },

	/* broken multiparts */
	{ "no-delimiter", TEXT(MIXED "x\r\n"), AS_IT_IS, 0, UNSAFE, 0, 0 },
	{ "only-the-end-safe", TEXT(MIXED "pre\r\n--b--\r\n"), AS_IT_IS, 0,
	    SAFE, 0, 0 },
	{ "only-the-end-unsafe", TEXT(MIXED "pre \r\n--b--\r\n"), AS_IT_IS, 0,
	    UNSAFE, 0, 0 },
	{ "no-boundary",
	    TEXT("Content-Type: multipart/mixed\r\n\r\n--b\r\n\r\nx\r\n"),
	    AS_IT_IS, 0, UNSAFE, 0, 0 },
	{ "not-terminated", TEXT(MIXED "--b\r\n\r\nx\r\n"),
	    TEXT(MIXED "--b\r\n\r\nx\r\n\r\n--b--\r\n"), SAFE, 0, 1 },
	{ "not-terminated-no-line-end", TEXT(MIXED "--b\r\n\r\nx"),
	    TEXT(MIXED "--b\r\n\r\nx\r\n--b--\r\n"), SAFE, 0, 1 },
	{ "not-terminated-at-once", TEXT(MIXED "--b\r\n"),
	    TEXT(MIXED "--b\r\n\r\n--b--\r\n"), SAFE, 0, 1 },
	{ "not-terminated-in-header", TEXT(MIXED "--b\r\nX: y"),
	    TEXT(MIXED "--b\r\nX: y\r\n--b--\r\n"), SAFE, 0, 1 },
	{ "not-terminated-last-delimiter", TEXT(MIXED "--b\r\n\r\nx\r\n--b"),
	    TEXT(MIXED "--b\r\n\r\nx\r\n--b\r\n--b--\r\n"), SAFE, 0, 1 },
	{ "not-terminated-inner",
	    TEXT(MIXED "--b\r\nContent-Type: multipart/mixed; boundary=i\r\n"
		       "\r\n--i\r\n\r\nx\r\n--b\r\n\r\ny\r\n--b--\r\n"),
	    TEXT(
		MIXED "--b\r\nContent-Type: multipart/mixed; boundary=i\r\n"
		      "\r\n--i\r\n\r\nx\r\n--i--\r\n--b\r\n\r\ny\r\n--b--\r\n"),
	    SAFE, 0, 1 },
	{ "not-terminated-inner-at-once",
	    TEXT(MIXED "--b\r\nContent-Type: multipart/mixed; boundary=i\r\n"
		       "\r\n--i\r\n--b--\r\n"),
	    TEXT(MIXED "--b\r\nContent-Type: multipart/mixed; boundary=i\r\n"
		       "\r\n--i\r\n\r\n--i--\r\n--b--\r\n"),
	    SAFE, 0, 1 },
	{ "not-terminated-both",
	    TEXT(MIXED "--b\r\nContent-Type: multipart/mixed; boundary=i\r\n"
		       "\r\n--i\r\n\r\nx\r\n"),
	    TEXT(MIXED "--b\r\nContent-Type: multipart/mixed; boundary=i\r\n"
		       "\r\n--i\r\n\r\nx\r\n\r\n--i--\r\n--b--\r\n"),
	    SAFE, 0, 2 },
	{ "not-terminated-in-message",
	    TEXT("Content-Type: message/rfc822\r\n\r\n" MIXED
		 "--b\r\n\r\nx\r\n"),
	    TEXT("Content-Type: message/rfc822\r\n\r\n" MIXED
		 "--b\r\n\r\nx\r\n\r\n--b--\r\n"),
	    SAFE, 0, 1 },
	{ "not-terminated-and-8bit",
	    TEXT(MIXED "--b\r\nContent-Type: a/b\r\n\r\n\xFF\r\n"),
	    TEXT(MIXED "--b\r\nContent-Type: a/b\r\n" B64
		       "\r\n/w0K\r\n--b--\r\n"),
	    SAFE, 1, 1 },

	/* preamble, epilogue, delimiters */
	{ "preamble-8bit", TEXT(MIXED "\xE4\r\n--b\r\n\r\nx\r\n--b--\r\n"),
	    TEXT(MIXED "\r\n--b\r\n\r\nx\r\n--b--\r\n"), SAFE, 0, 0 },
	{ "epilogue-8bit",
	    TEXT(MIXED "pre\r\n--b\r\n\r\nx\r\n--b--\r\n\xE4\r\n"),
	    TEXT(MIXED "pre\r\n--b\r\n\r\nx\r\n--b--\r\n"), SAFE, 0, 0 },
	{ "inner-epilogue-8bit",
	    TEXT(MIXED
		"--b\r\nContent-Type: multipart/mixed; boundary=i\r\n"
		"\r\n\xE4 \r\n--i\r\n\r\nx\r\n--i--\r\n\xE4\r\n--b--\r\n"),
	    TEXT(MIXED "--b\r\nContent-Type: multipart/mixed; boundary=i\r\n"
		       "\r\n\r\n--i\r\n\r\nx\r\n--i--\r\n\r\n--b--\r\n"),
	    SAFE, 0, 0 },
	{ "delimiter-with-blanks",
	    TEXT(MIXED "pre\r\n--b \r\n\r\nx\r\n--b\t\r\n\r\ny\r\n--b-- \r\n"),
	    TEXT(MIXED "pre\r\n--b\r\n\r\nx\r\n--b\r\n\r\ny\r\n--b--\r\n"),
	    SAFE, 0, 0 },
	{ "delimiter-with-blanks-first", TEXT(MIXED "--b \r\n\r\nx\r\n--b--  "),
	    TEXT(MIXED "--b\r\n\r\nx\r\n--b--"), SAFE, 0, 0 },
	{ "delimiter-bare-lf", TEXT(MIXED "--b\n\r\nx\n--b--\n"),
	    TEXT(MIXED "--b\r\n\r\nx\r\n--b--\r\n"), SAFE, 0, 0 },
	{ "delimiter-after-closing-with-blank",
	    TEXT(MIXED "--b\r\nContent-Type: multipart/mixed; boundary=i\r\n"
		       "\r\n--i\r\n--b-- \r\n"),
	    TEXT(MIXED "--b\r\nContent-Type: multipart/mixed; boundary=i\r\n"
		       "\r\n--i\r\n\r\n--i--\r\n--b--\r\n"),
	    SAFE, 0, 1 },
};

static Entity *
make(const Message *message)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(Structure) structure =
	    structure_scan(message->fields, message->body, 1000, 100, &error);
	Entity *entity = NULL;

	g_assert_no_error(error);
	entity = entity_make(message->fields, structure, message->body,
	    "/nonexistent/spool", &error);
	g_assert_no_error(error);
	return entity;
}

static Message *
parse(const void *data, gsize length)
{
	g_autoptr(GBytes) raw = g_bytes_new(data, length);
	bool crlf = false;

	return message_parse(raw, &crlf);
}

/* The promises of entity.h that hold for every mail. */
static void
check_entity(const Message *before, const Entity *entity)
{
	g_autoptr(GBytes) content = rope_to_bytes(entity->content);
	gsize length = 0;
	const guint8 *data = g_bytes_get_data(content, &length);
	g_autoptr(Message) after = parse(data, length);
	g_autofree char *leaves_before =
	    judge_leaves(before->fields, before->body);
	g_autofree char *leaves_after =
	    judge_leaves(after->fields, after->body);
	g_autoptr(Structure) structure =
	    structure_scan(after->fields, after->body, 1000, 100, NULL);

	if (!entity->safe) {
		return;
	}
	g_assert_cmpstr(judge_hazard(data, length), ==, NULL);
	g_assert_cmpstr(leaves_after, ==, leaves_before);
	for (guint i = 0; i < structure_count(structure); i++) {
		const Part *part = structure_part(structure, i);

		g_assert_true(part->encoding != ENCODING_8BIT &&
		    part->encoding != ENCODING_BINARY);
		g_assert_true(part->kind != PART_MULTIPART || part->terminated);
	}
}

static void
test_make(gconstpointer data)
{
	gsize i = GPOINTER_TO_SIZE(data);
	g_autoptr(Message) message = parse(cases[i].message, cases[i].length);
	g_autoptr(Entity) entity = make(message);
	g_autoptr(GBytes) got = rope_to_bytes(entity->content);
	const char *want =
	    cases[i].want != NULL ? cases[i].want : cases[i].message;
	gsize length =
	    cases[i].want != NULL ? cases[i].want_length : cases[i].length;

	check_entity(message, entity);
	g_assert_cmpint(entity->safe, ==, cases[i].safety == SAFE);
	assert_bytes(
	    g_bytes_get_data(got, NULL), g_bytes_get_size(got), want, length);
	g_assert_cmpuint(entity->encoded, ==, cases[i].encoded);
	g_assert_cmpuint(entity->closed, ==, cases[i].closed);
}

/* GMime, which had no hand in it, reads the same leaves before and after. */
static void
test_same_to_gmime(gconstpointer data)
{
	gsize i = GPOINTER_TO_SIZE(data);
	g_autoptr(GBytes) raw = g_bytes_new(cases[i].message, cases[i].length);
	g_autoptr(Message) message = parse(cases[i].message, cases[i].length);
	g_autoptr(Entity) entity = make(message);
	g_autoptr(GBytes) content = rope_to_bytes(entity->content);
	g_autofree char *before = judge_leaves_by_gmime(raw);
	g_autofree char *after = judge_leaves_by_gmime(content);

	g_assert_cmpstr(after, ==, before);
}

static void
test_is_shared(void)
{
	g_autoptr(Message) message = parse(TEXT(PLAIN "hello\r\n"));
	g_autoptr(Entity) entity = make(message);
	RopeRun last =
	    rope_run(entity->content, rope_count(entity->content) - 1);

	g_assert_true(last.data == g_bytes_get_data(message->body, NULL));
}

static GString *
large_text(void)
{
	GString *text = g_string_new(UTF8 "\r\n");

	while (text->len < 2 * SPOOL_MEMORY) {
		g_string_append(text, "From the caf\xC3\xA9, with love \r\n");
	}
	return text;
}

static void
test_spool(void)
{
	g_autoptr(GString) text = large_text();
	g_autoptr(Message) message = parse(text->str, text->len);
	g_autoptr(Structure) structure =
	    structure_scan(message->fields, message->body, 10, 10, NULL);
	g_autofree char *directory = g_dir_make_tmp(NULL, NULL);
	g_autoptr(Entity) entity = NULL;
	g_autoptr(GError) error = NULL;

	entity = entity_make(
	    message->fields, structure, message->body, directory, &error);
	g_assert_no_error(error);
	g_assert_true(entity->safe);
	check_entity(message, entity);
	/* It leaves nothing behind. */
	g_assert_cmpint(g_rmdir(directory), ==, 0);
}

static void
test_no_spool(void)
{
	g_autoptr(GString) text = large_text();
	g_autoptr(Message) message = parse(text->str, text->len);
	g_autoptr(Structure) structure =
	    structure_scan(message->fields, message->body, 10, 10, NULL);
	g_autoptr(GError) error = NULL;

	g_assert_null(entity_make(message->fields, structure, message->body,
	    "/nonexistent/spool", &error));
	g_assert_nonnull(error);
}

/* Every length of a line, so that soft breaks fall everywhere. */
static void
test_line_lengths(void)
{
	static const char pattern[] = "a=b\xC3\xA4 -From c--b\t.";

	for (gsize length = 0; length < 400; length++) {
		g_autoptr(GString) text = g_string_new(MIXED "--b\r\n\r\n");
		g_autoptr(Message) message = NULL;
		g_autoptr(Entity) entity = NULL;
		g_autoptr(GBytes) bytes = NULL;
		const char *data = NULL;
		g_auto(GStrv) lines = NULL;

		for (gsize i = 0; i < length; i++) {
			g_string_append_c(
			    text, pattern[i % (sizeof(pattern) - 1)]);
		}
		g_string_append(text, "\r\n\xE4\r\n--b--\r\n");
		message = parse(text->str, text->len);
		entity = make(message);
		g_assert_true(entity->safe);
		check_entity(message, entity);
		g_string_truncate(text, 0);
		bytes = rope_to_bytes(entity->content);
		data = g_bytes_get_data(bytes, NULL);
		g_string_append_len(
		    text, data, (gssize)g_bytes_get_size(bytes));
		lines = g_strsplit(text->str, "\r\n", -1);
		for (char **line = lines; *line != NULL; line++) {
			g_assert_cmpuint(strlen(*line), <=, 76);
		}
	}
}

/* Bytes and pieces that mean something in MIME, thrown in anywhere. */
static const char *const pieces[] = {
	"\r\n",
	"\n",
	"\r",
	" ",
	"\t\r\n",
	"--b\r\n",
	"\r\n--b\r\n",
	"\r\n--b--\r\n",
	"--i",
	"\r\n--i--",
	"--",
	"=",
	"=\r\n",
	"=3D",
	"\xE4",
	"From ",
	"\r\nFrom ",
	"Content-Type: message/rfc822\r\n\r\n",
	"Content-Type: multipart/mixed; boundary=i\r\n\r\n",
	"Content-Type: multipart/signed; boundary=i\r\n\r\n",
	"Content-Type: multipart/digest; boundary=b\r\n\r\n",
	"Content-Transfer-Encoding: 8bit\r\n",
	"Content-Transfer-Encoding: base64\r\n",
	"Content-Transfer-Encoding: quoted-printable\r\n",
	"Content-Transfer-Encoding: x\r\n",
	"\r\n\r\n",
	":",
	"QUJD",
};

static void
mutate(GRand *random, GString *text)
{
	gsize at = (gsize)g_rand_int_range(random, 0, (gint32)text->len + 1);
	gsize left = text->len - at;
	gsize cut = 0;

	switch (g_rand_int_range(random, 0, 5)) {
	case 0:
		g_string_insert_c(
		    text, (gssize)at, (char)g_rand_int_range(random, 0, 256));
		break;
	case 1:
		cut = (gsize)g_rand_int_range(random, 1, 20);
		g_string_erase(text, (gssize)at, (gssize)MIN(left, cut));
		break;
	case 2:
		if (left > 0) {
			text->str[at] = (char)g_rand_int_range(random, 0, 256);
		}
		break;
	default:
		g_string_insert(text, (gssize)at,
		    pieces[g_rand_int_range(random, 0, G_N_ELEMENTS(pieces))]);
	}
}

static void
try_message(const GString *text)
{
	g_autoptr(Message) message = parse(text->str, text->len);
	g_autoptr(Structure) structure =
	    structure_scan(message->fields, message->body, 1000, 100, NULL);
	g_autoptr(Entity) entity = entity_make(message->fields, structure,
	    message->body, "/nonexistent/spool", NULL);
	g_autoptr(GBytes) blob = NULL;
	g_autoptr(GBytes) content = NULL;
	Layer layer = LAYER_NONE;

	check_entity(message, entity);
	g_assert_true(layers_find(message->fields, structure, message->body,
	    10000, &layer, &blob, &content, NULL));
}

static void
test_mutations(void)
{
	g_autoptr(GRand) random =
	    g_rand_new_with_seed((guint32)g_test_rand_int());

	for (guint n = 0; n < MUTATIONS; n++) {
		gsize i = n % G_N_ELEMENTS(cases);
		g_autoptr(GString) text =
		    g_string_new_len(cases[i].message, (gssize)cases[i].length);
		int count = g_rand_int_range(random, 1, 6);

		for (int j = 0; j < count; j++) {
			mutate(random, text);
		}
		try_message(text);
	}
}

/* GMime does not count a part that is cut off at its delimiter, and keeps the
 * CR before a delimiter at the very end. */
static bool
gmime_differs(const char *name)
{
	static const char *const names[] = {
		"not-terminated-at-once",
		"not-terminated-last-delimiter",
		"not-terminated-inner-at-once",
		"delimiter-after-closing-with-blank",
		NULL,
	};

	return g_strv_contains(names, name);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *path =
		    g_strconcat("/entity/make/", cases[i].name, NULL);
		g_autofree char *judged =
		    g_strconcat("/entity/same-to-gmime/", cases[i].name, NULL);

		g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_make);
		if (!gmime_differs(cases[i].name)) {
			g_test_add_data_func(
			    judged, GSIZE_TO_POINTER(i), test_same_to_gmime);
		}
	}
	g_test_add_func("/entity/make/shares-the-body", test_is_shared);
	g_test_add_func("/entity/make/through-the-spool", test_spool);
	g_test_add_func("/entity/make/no-spool-directory", test_no_spool);
	g_test_add_func("/entity/make/line-lengths", test_line_lengths);
	g_test_add_func("/entity/make/mutations", test_mutations);
	return g_test_run();
}
