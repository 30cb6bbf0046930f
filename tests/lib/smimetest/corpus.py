# SPDX-License-Identifier: Apache-2.0
"""Mails as users' programs and sloppy scripts send them.

Each is a Mail: the bytes as they go into DATA (CRLF line ends unless oddness
is the point), whether every byte of the content is fit for any road (then it
must arrive byte for byte), and what an MTA makes of it on its own.
"""

import base64
import email.utils
import hashlib
import time

from smimetest.rawmail import crlf

SENDER = "alice@example.com"
RECIPIENT = "bob@partner.test"


class Mail:
    """safe: goes through byte for byte. options: words for MAIL FROM. bdat:
    only BDAT can carry it. needs: extensions that an MTA must offer.
    refused_by: MTAs that do not take it. changed_by: MTAs that repair it
    before any milter sees it."""

    def __init__(self, name, data, safe=True, options=(), bdat=False,
                 needs=(), refused_by=(), recipients=(RECIPIENT,),
                 signing_time=True):
        self.name, self.data, self.safe = name, data, safe
        self.options, self.bdat, self.needs = options, bdat, needs
        self.refused_by, self.recipients = refused_by, recipients
        self.signing_time = signing_time


def header(name, date=None, mime=True, to=RECIPIENT):
    """The fields every mail has, with a Message-ID of its own."""
    lines = ["From: Alice <%s>" % SENDER, "To: <%s>" % to,
             "Subject: %s" % name,
             "Date: %s" % email.utils.formatdate(date or time.time()),
             "Message-ID: <%s.%d@example.com>" % (name, time.time_ns())]
    if mime:
        lines.append("MIME-Version: 1.0")
    return crlf("\n".join(lines) + "\n")


def noise(size, seed="noise"):
    """Bytes without any pattern, the same in each run."""
    blocks = (hashlib.sha256(b"%s %d" % (seed.encode(), number)).digest()
              for number in range(size // 32 + 1))
    return b"".join(blocks)[:size]


def base64_lines(data):
    return crlf(base64.encodebytes(data))


def text_7bit():
    return Mail("text-7bit", header("text-7bit") + crlf("""\
Content-Type: text/plain; charset=us-ascii
Content-Transfer-Encoding: 7bit

Hello Bob,

.a line that starts with a dot
..and one with two
\ta tab

Alice
"""))


def text_8bit():
    return Mail("text-8bit", header("text-8bit") + crlf("""\
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 8bit

Grüße aus Köln, 5 €
a=b and = at the end =
""".encode()), safe=False, options=("BODY=8BITMIME",))


def text_quoted_printable():
    return Mail("text-qp", header("text-qp") + crlf("""\
Content-Type: text/plain; charset=utf-8; format=flowed
Content-Transfer-Encoding: quoted-printable
Content-Language: de
Content-Disposition: inline

Gr=C3=BC=C3=9Fe, a long line that is broken here =
and goes on, a blank at its end=20
=46rom here
"""))


def attachment_base64():
    return Mail("attachment-base64", header("attachment-base64") + crlf("""\
Content-Type: multipart/mixed; boundary="=_outer"

This is a multi-part message in MIME format.
--=_outer
Content-Type: text/plain; charset=us-ascii

See the file.
--=_outer
Content-Type: application/octet-stream; name="noise.bin"
Content-Transfer-Encoding: base64
Content-Disposition: attachment; filename="noise.bin"

""") + base64_lines(noise(30000)) + crlf("--=_outer--\n"))


def attachment_8bit():
    """A leaf of bytes over 127 that is no text, labelled 8bit."""
    blob = bytes(range(128, 256)) * 20
    lines = b"\r\n".join(blob[at:at + 80] for at in range(0, len(blob), 80))
    return Mail("attachment-8bit", header("attachment-8bit") + crlf("""\
Content-Type: multipart/mixed; boundary=outer

--outer
Content-Type: text/plain; charset=us-ascii

safe text
--outer
Content-Type: application/octet-stream
Content-Transfer-Encoding: 8bit

""") + lines + crlf("""
--outer
Content-Type: text/plain; charset=iso-8859-1
Content-Transfer-Encoding: 8bit

""") + "Grüße\r\n".encode("latin-1") + crlf("--outer--\n"),
        safe=False, options=("BODY=8BITMIME",))


def alternative_related():
    return Mail("alternative-related", header("alternative-related") + crlf("""\
Content-Type: multipart/alternative;
 boundary="----=_NextPart_000_0001"

------=_NextPart_000_0001
Content-Type: text/plain; charset="utf-8"
Content-Transfer-Encoding: 7bit

Look at this.

------=_NextPart_000_0001
Content-Type: multipart/related;
\tboundary="----=_NextPart_000_0001_1"; type="text/html"

------=_NextPart_000_0001_1
Content-Type: text/html; charset="utf-8"
Content-Transfer-Encoding: quoted-printable

<html><body><p>Look at this.</p><img src=3D"cid:one@example.com"></body></h=
tml>
------=_NextPart_000_0001_1
Content-Type: image/png; name=one.png
Content-ID: <one@example.com>
Content-Transfer-Encoding: base64
Content-Disposition: inline; filename=one.png

""") + base64_lines(noise(5000, "png")) + crlf("""
------=_NextPart_000_0001_1--

------=_NextPart_000_0001--
"""))


def forwarded():
    return Mail("message-rfc822", header("message-rfc822") + crlf("""\
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: text/plain

see below
--b
Content-Type: message/rfc822
Content-Disposition: attachment

From: Carol <carol@partner.test>
To: alice@example.com
Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=
MIME-Version: 1.0
Content-Type: text/html; charset=utf-8
Content-Transfer-Encoding: quoted-printable

<p>=E2=82=AC</p>
--b--
"""))


def forwarded_8bit():
    return Mail("message-rfc822-8bit", header("message-rfc822-8bit") + crlf("""\
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: text/plain

see below
--b
Content-Type: message/rfc822
Content-Transfer-Encoding: 8bit

From: Carol <carol@partner.test>
To: alice@example.com
Subject: x
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 8bit

Grüße von Carol
--b--
""".encode()), safe=False, options=("BODY=8BITMIME",))


def calendar():
    return Mail("calendar", header("calendar") + crlf("""\
Content-Type: multipart/alternative; boundary=cal

--cal
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 7bit

You are invited.
--cal
Content-Type: text/calendar; charset=utf-8; method=REQUEST
Content-Transfer-Encoding: 7bit
Content-Class: urn:content-classes:calendarmessage

BEGIN:VCALENDAR
PRODID:-//Example//EN
VERSION:2.0
METHOD:REQUEST
BEGIN:VEVENT
UID:1@example.com
DTSTAMP:20250101T000000Z
DTSTART:20250102T100000Z
DESCRIPTION:A line that is longer than
  75 octets is folded like this
END:VEVENT
END:VCALENDAR
--cal--
"""))


def no_mime_version():
    return Mail("no-mime-version", header("no-mime-version", mime=False)
                + crlf("Content-Type: text/html; charset=us-ascii\n\n"
                       "<p>x</p>\n"))


def no_content_type():
    return Mail("no-content-type", header("no-content-type", mime=False)
                + crlf("\nJust text.\n\nTwo lines of it.\n"))


def no_content_type_8bit():
    """What scripts send: bytes over 127 and no word about them."""
    return Mail("no-content-type-8bit",
                header("no-content-type-8bit", mime=False)
                + crlf("\nGrüße ohne Angaben\n".encode()), safe=False,
                options=("BODY=8BITMIME",))


def empty_body():
    return Mail("empty-body", header("empty-body")
                + crlf("Content-Type: text/plain\n\n"))


def no_final_line_end():
    return Mail("no-final-line-end", header("no-final-line-end") + crlf(
        "Content-Type: text/plain\n\nthe last line has no end"), bdat=True,
        needs=("CHUNKING",))


def folded_header():
    data = header("folded-header").replace(
        b"Subject: folded-header\r\n",
        b"Subject: folded\r\n with a blank\r\n\tand a tab\r\n"
        b"     and five blanks\r\n"
        b"X-Odd:no blank behind the colon\r\n"
        b"X-Wide:    four blanks, two at the end  \r\n"
        b"X-First-Line-Empty:\r\n value on the second line\r\n"
        b"References: <1@example.com>\r\n\t<2@example.com>\r\n"
        b"  <3@example.com>\r\n")
    return Mail("folded-header", data + crlf("""\
Content-Type: text/plain;
\tcharset="us-ascii";
  format=flowed
Content-Transfer-Encoding:7bit
Content-Description:
 on the
\tnext lines

text
"""))


def utf8_header():
    data = header("utf8-header").replace(
        b"Subject: utf8-header", "Subject: Grüße, 5 €".encode()).replace(
        b"From: Alice", "From: Älice".encode())
    return Mail("utf8-header", data + crlf("""\
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: base64

R3LDvMOfZQo=
"""), options=("SMTPUTF8", "BODY=8BITMIME"), needs=("SMTPUTF8",))


def utf8_content_field():
    """The file name in UTF-8 stands in a field that gets signed."""
    return Mail("utf8-content-field", header("utf8-content-field") + crlf("""\
Content-Type: multipart/mixed; boundary=u

--u
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: base64

R3LDvMOfZQo=
--u
Content-Type: application/octet-stream; name="Grüße.bin"
Content-Transfer-Encoding: base64

AAECAw==
--u--
""".encode()), safe=False, options=("SMTPUTF8", "BODY=8BITMIME"),
        needs=("SMTPUTF8",))


def long_lines():
    return Mail("long-lines", header("long-lines") + crlf(
        "Content-Type: text/plain; charset=us-ascii\n\n"
        + "word " * 1000 + "end\nshort\n" + "x" * 5000 + "\n"), safe=False)


def long_lines_html():
    return Mail("long-lines-html", header("long-lines-html") + crlf(
        "Content-Type: multipart/alternative; boundary=l\n\n"
        "--l\nContent-Type: text/plain\n\nshort\n"
        "--l\nContent-Type: text/html; charset=utf-8\n\n"
        "<p>" + "a" * 999 + "</p>\n--l--\n"), safe=False)


def from_lines():
    return Mail("from-lines", header("from-lines") + crlf("""\
Content-Type: text/plain

From here on it goes downhill.
>From is harmless
From me
"""), safe=False)


def trailing_blanks():
    return Mail("trailing-blanks", header("trailing-blanks") + crlf(
        "Content-Type: text/plain; format=flowed\n\n"
        "flowed text \nthat goes on  \ntab\t\n \nend\n-- \nAlice\n"),
        safe=False)


def bare_cr():
    return Mail("bare-cr", header("bare-cr") + crlf(
        "Content-Type: text/plain\n\nabout to see") + b"\ra bare CR\r\n",
        safe=False, refused_by=("sendmail",))


def unterminated():
    return Mail("unterminated-inner", header("unterminated-inner") + crlf("""\
Content-Type: multipart/mixed; boundary=outer

--outer
Content-Type: multipart/alternative; boundary=inner

--inner
Content-Type: text/plain

plain
--inner
Content-Type: text/html

<p>html</p>
--outer
Content-Type: text/plain

behind it
--outer--
"""), safe=False)


def unterminated_root():
    return Mail("unterminated-root", header("unterminated-root") + crlf("""\
Content-Type: multipart/mixed; boundary=outer

--outer
Content-Type: text/plain

plain
--outer
Content-Type: text/html

<p>html</p>
"""), safe=False)


def old_date():
    return Mail("old-date", header("old-date", time.time() - 7200)
                + crlf("Content-Type: text/plain\n\nfrom the outbox\n"),
                signing_time=False)


def thirty_recipients():
    everyone = ["r%d@partner.test" % number for number in range(30)]
    return Mail("thirty-recipients",
                header("thirty-recipients", to=">,\r\n <".join(everyone))
                + crlf("Content-Type: text/plain\n\nto all\n"),
                recipients=everyone)


def nested_signed():
    """A mail signed by somebody else inside: not to be touched."""
    return Mail("forwarded-signed", header("forwarded-signed") + crlf("""\
Content-Type: multipart/mixed; boundary=o

--o
Content-Type: text/plain

signed mail below
--o
Content-Type: message/rfc822

From: carol@partner.test
To: alice@example.com
Subject: signed
MIME-Version: 1.0
Content-Type: multipart/signed; protocol="application/pkcs7-signature";
 micalg=sha-256; boundary=s

--s
Content-Type: text/plain

trailing blank here -> 
--s
Content-Type: application/pkcs7-signature; name=smime.p7s
Content-Transfer-Encoding: base64

MAsGCSqGSIb3DQEHAg==
--s--
--o--
"""), safe=False)


def line_edges():
    """The longest line of RFC 5322, and of Sendmail's mailers."""
    return Mail("line-edges", header("line-edges") + crlf(
        "Content-Type: text/plain\n\n" + "".join(
            "%s\n" % ("x" * length) for length in range(988, 999))),
        safe=False)


def levels(depth):
    """multipart in multipart."""
    text = "text"
    for level in range(depth):
        text = ('Content-Type: multipart/mixed; boundary="b%d"\n\n'
                "--b%d\n%s\n--b%d--" % (level, level, (
                    text if level else "Content-Type: text/plain\n\ntext"),
                    level))
    return text


# Headers of parts that one MTA or the other writes anew when it delivers
# (Sendmail: MaxMimeHeaderLength, 20 levels), found out without any milter.
ODD_PARTS = {
    "backslash-at-end": 'Content-Type: text/plain; name="a\\',
    "quote-open": 'Content-Type: text/plain; name="abc',
    "comment-open": "Content-Type: text/plain (abc",
    "encoding-quote": 'Content-Transfer-Encoding: 7bit; foo="',
    "parameter-of-1100": 'Content-Type: text/plain;\n name="%s\n %s"' % (
        "n" * 500, "n" * 600),
    "field-of-2500": "Content-Type: text/plain" + "".join(
        ';\n name*%d="%s"' % (number, "n" * 60) for number in range(35)),
    "description-of-2500": "Content-Description: " + "\n ".join(
        ["n" * 60] * 40),
    "no-colon": "no colon here",
    "blank-before-colon": "Content-Type : text/plain",
    "multipart-without-boundary": "Content-Type: multipart/mixed",
    "message-without-header": "Content-Type: message/rfc822",
    "quote-in-text": 'Content-Description: it"s :( c:\\dir\\',
    "type-without-value": "Content-Type:",
    "comment": "Content-Type: text/plain (a comment)",
    "control-bytes": "Content-Description: a\x01b\x7f",
}


def odd_part(name):
    """The odd part between two usual ones."""
    usual = "Content-Type: text/plain\n\ntext"
    return Mail("odd-part-" + name, header("odd-part-" + name) + crlf(
        'Content-Type: multipart/mixed; boundary="T"\n\n'
        "--T\n%s\n--T\n%s\n\nbody\n--T\n%s\n--T--\n" % (
            usual, ODD_PARTS[name], usual)), safe=False)


def deep(depth):
    name = "levels-%d" % depth
    return Mail(name, header(name) + crlf(levels(depth) + "\n"), safe=False)


ALL = (text_7bit, text_8bit, text_quoted_printable, attachment_base64,
       attachment_8bit, alternative_related, forwarded, forwarded_8bit,
       calendar, no_mime_version, no_content_type, no_content_type_8bit,
       empty_body, no_final_line_end, folded_header, utf8_header,
       utf8_content_field, long_lines, long_lines_html, from_lines,
       trailing_blanks, bare_cr, unterminated, unterminated_root, old_date,
       thirty_recipients, nested_signed, line_edges)


def build():
    return ([make() for make in ALL]
            + [odd_part(name) for name in ODD_PARTS]
            + [deep(depth) for depth in (10, 18, 19, 20, 21, 30)])
