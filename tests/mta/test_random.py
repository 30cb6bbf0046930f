#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Mails that nobody thought of: random trees of parts with all that is odd in
any of them. What comes out is signed, safe for any road where the signature
is detached, and holds what went in; and it survives Sendmail, Postfix and a
last hop without 8BITMIME."""

import os
import random
import sys
import time

TESTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
sys.path[:0] = [os.path.join(TESTS, "lib"), os.path.join(TESTS, "interop")]

from smimetest import corpus, rawmail, tap               # noqa: E402
from smimetest.milterclient import MilterClient          # noqa: E402
from smimetest.submit import Refused                     # noqa: E402
from smimetest.world import World                        # noqa: E402
from judges import BouncyCastle, Court, OpenSSL, OpenSSLRaw  # noqa: E402

LINES = (b"a plain line\r\n", b"\r\n", b".\r\n", b"..dots\r\n", b"--\r\n",
         b"--b\r\n", b"=20 and =\r\n", b"tab\tin it\r\n", b"From\r\n",
         b"x" * 998 + b"\r\n", b"not a header: really\r\n")
ODD_LINES = ("Grüße\r\n".encode(), b"\xe4\xf6\xfc\r\n", b"x" * 999 + b"\r\n",
             b"y" * 5000 + b"\r\n", b"From the start\r\n", b"blank \r\n",
             b"tab\t\r\n", b" \r\n", b"\xff\xfe\r\n", "€".encode() * 700
             + b"\r\n")
# What Sendmail and Postfix change or refuse on their own.
WIRE_LINES = (b"bare\rCR\r\n", b"bare\nLF\r\n", b"\0NUL\r\n", b"\r\r\n",
              b"\n", b"cr at the end\r")
TYPES = (b"text/plain", b"text/plain; charset=utf-8", b"text/html",
         b"TEXT/PLAIN; charset=\"us-ascii\"", b"application/octet-stream",
         b"image/png; name=\"a b.png\"", b"application/x-unknown",
         b"text/calendar;\r\n method=REQUEST", b"message/delivery-status")
BOUNDARIES = (b"b", b"bb", b"b=_1", b"'()+_,-./:=?", b"in side", b"x" * 70)


class Maker:
    """wire: also what only the milter protocol itself can carry."""

    def __init__(self, dice, wire):
        self.dice, self.wire = dice, wire
        self.depth = 0

    def chance(self, percent):
        return self.dice.random() * 100 < percent

    def mail(self, number):
        header = corpus.header("random-%d" % number, mime=self.chance(80))
        if self.chance(10):
            return header + b"\r\n" + self.text(self.chance(50))
        return header + self.entity()

    def entity(self):
        if self.depth < 4 and self.chance(45):
            return self.multipart()
        if self.depth < 4 and self.chance(8):
            self.depth += 1
            inner = (b"Content-Type: message/rfc822\r\n\r\nFrom: c@x.test\r\n"
                     + self.entity())
            self.depth -= 1
            return inner
        return self.leaf()

    def multipart(self):
        kind = self.dice.choice((b"mixed", b"alternative", b"related",
                                 b"report", b"x-new"))
        # Several depths may share a boundary or a part of one, as happens.
        boundary = self.dice.choice(BOUNDARIES)
        if not self.chance(5):
            boundary += b"%d" % self.depth
        boundary = boundary[-70:]
        self.depth += 1
        parts = [self.entity() for _ in range(self.dice.randint(1, 3))]
        self.depth -= 1
        text = (b"Content-Type: multipart/%s;\r\n boundary=\"%s\"\r\n"
                % (kind, boundary) + self.other_fields() + b"\r\n")
        if self.chance(30):
            text += self.text(self.chance(20))
        for part in parts:
            text += b"--" + boundary + b"\r\n" + part + b"\r\n"
        if not self.chance(10):
            text += b"--" + boundary + b"--\r\n"
            if self.chance(20):
                text += self.text(self.chance(20))
        return text

    def leaf(self):
        encoding = self.dice.choice((b"", b"7bit", b"8bit", b"binary", b"8BIT",
                                     b"quoted-printable", b"base64",
                                     b"Base64"))
        header = b"Content-Type: " + self.dice.choice(TYPES) + b"\r\n"
        if self.chance(15):
            header = b""
        if encoding:
            header += b"Content-Transfer-Encoding: " + encoding + b"\r\n"
        return header + self.other_fields() + b"\r\n" + self.content(encoding)

    def other_fields(self):
        text = b""
        if self.chance(20):
            text += b"Content-Disposition: attachment;\r\n\tfilename=x\r\n"
        if self.chance(8):
            text += "Content-Description: Grüße\r\n".encode()
        if self.chance(5):
            text += b"Content-ID:<no.blank@x.test>\r\n"
        if self.chance(3):
            text += b"Content-Description: blank at the end \r\n"
        return text

    def content(self, encoding):
        if encoding.lower() == b"base64" and not self.chance(10):
            return corpus.base64_lines(bytes(
                self.dice.randrange(256) for _ in range(
                    self.dice.randrange(200))))
        odd = self.chance(50) and encoding.lower() not in (
            b"base64", b"quoted-printable")
        text = self.text(odd)
        return text[:-2] if self.chance(20) else text

    def text(self, odd):
        kinds = LINES + (ODD_LINES if odd else ())
        if odd and self.wire and self.chance(40):
            kinds += WIRE_LINES
        return b"".join(self.dice.choice(kinds)
                        for _ in range(self.dice.randrange(8)))


def unsafe(content):
    """What in a detached content would not survive the road, as text."""
    import re
    for pattern, name in (
            (rb"[^\0-\x7f]", "byte over 127"), (rb"\0", "NUL"),
            (rb"\r(?!\n)", "bare CR"), (rb"(?<!\r)\n", "bare LF"),
            (rb"[ \t]\r?(\n|$)", "trailing blank"),
            (rb"(^|\n)From ", "From line"), (rb"[^\r\n]{999}", "long line")):
        match = re.search(pattern, content)
        if match:
            return "%s: %r" % (name, content[max(match.start() - 40, 0):][:90])
    return ""


def judge(court, mail, result):
    """What is wrong with the signed result of mail, as text."""
    if not rawmail.is_signed(result):
        return "not signed"
    why = court.objections(result)
    if why:
        return why
    content = court.content(result)
    if rawmail.signed(result)[0] is not None:
        why = unsafe(content)
    return why or rawmail.leaf_changes(rawmail.entity_of(mail), content)


def keep(where, seed, number, mail, why):
    """The mail that failed, in the temporary directory (SMIMETEST_KEEP)."""
    path = where.write("failed/%d-%d.eml" % (seed, number), mail)
    short = mail.replace(b"x" * 990, b"<990 x>").replace(
        b"y" * 990, b"<990 y>")
    return "%s\n%s\n%r" % (path, why, short[:5000])


def direct(world, court, seed, count):
    """Without an MTA: all that the protocol carries."""
    maker = Maker(random.Random(seed), wire=True)
    opaque = 0
    with MilterClient(world.milter.socket_path) as client:
        client.connect()
        for number in range(count):
            mail = maker.mail(number)
            result = client.message(mail, corpus.SENDER, [corpus.RECIPIENT])
            if result.verdict.kind not in ("accept", "continue"):
                why = str(result.verdict)
            else:
                why = judge(court, mail, result.mail())
            if why:
                return keep(world.where, seed, number, mail, why)
            opaque += rawmail.signed(result.mail())[0] is None
    print("# %d of %d signed opaque" % (opaque, count))
    return ""


def through(world, court, seed, count):
    """Signed, through the MTA, over a hop that takes seven bits."""
    maker = Maker(random.Random(seed), wire=False)
    for number in range(count):
        mail = maker.mail(number)
        if not mail.endswith(b"\r\n"):
            mail += b"\r\n"
        world.sink.take()
        try:
            world.send(mail, corpus.SENDER, [corpus.RECIPIENT],
                       options=["BODY=8BITMIME"])
            result = world.sink.wait(1)[0].mail
        except Refused as refusal:
            result, why = None, str(refusal)
        if result:
            why = judge(court, mail, result)
        if why:
            return keep(world.where, seed, number, mail, why)
    return ""


def test(tap_):
    seed = int(os.environ.get("SMIMETEST_SEED") or time.time_ns() % 1000000)
    tap_.note("SMIMETEST_SEED=%d" % seed)
    count = 2000 if tap_.options.full else 150
    for mta in ("postfix", "sendmail"):
        world = World("random", mta)
        court = Court(world.where, world.pki.anchor,
                      (OpenSSL, OpenSSLRaw, BouncyCastle))
        world.user(corpus.SENDER, "p256")
        world.sink.extensions.remove("8BITMIME")
        world.start()
        if mta == "postfix":
            tap_.case("direct", direct, world, court, seed, count)
        tap_.case(mta, through, world, court, seed, count // 2)
        world.close()


if __name__ == "__main__":
    tap.main(test, __doc__)
