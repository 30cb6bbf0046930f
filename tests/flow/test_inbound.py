#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`smimectl process` on incoming mail: the result in Authentication-Results,
forged results taken out, everything else byte for byte as it came, and what
the settings of verification change."""

import os
import sys

TESTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
sys.path.insert(0, os.path.join(TESTS, "lib"))

from smimetest import cmsmaker, desk, place, rawmail, tap  # noqa: E402
from smimetest import partner, revocationpki               # noqa: E402
from smimetest.inbox import AUTHSERV_ID, Inbox             # noqa: E402
from smimetest.partner import ALICE, BOB, CONTENT          # noqa: E402
from smimetest.rawmail import crlf                         # noqa: E402
from smimetest.revocationpki import Point, RevocationPki   # noqa: E402

POINT = "http://crl.partner.test/sub.crl"
ROOT_POINT = "http://crl.partner.test/root.crl"
PLAIN = partner.head() + crlf("Content-Type: text/plain\n\nnot signed\n")


class Bench:
    def __init__(self):
        self.where = place.Place("inbound")
        self.pki = RevocationPki(self.where.dir("pki"), ROOT_POINT)
        self.bob = self.member("rsa")
        self.stranger = RevocationPki(self.where.dir("stranger"), ROOT_POINT,
                                      "Strange")
        self.unknown = self.stranger.member(BOB, [Point(POINT)])
        self.count = 0

    def member(self, kind="p256", address=BOB, **options):
        return self.pki.member(address, [Point(POINT)], kind, **options)

    def inbox(self, crls=(), **settings):
        """A fresh STATE that trusts the root and has these CRLs: the root's,
        the issuing CA's."""
        self.count += 1
        box = Inbox(self.where, "desk%d" % self.count, self.pki.anchor,
                    **settings)
        for one, issuer in zip(crls, (self.pki.root, self.pki.sub)):
            box.import_crl(one, issuer)
        return box

    def good_crls(self):
        return [revocationpki.crl(self.pki.root),
                revocationpki.crl(self.pki.sub)]


def openssl_says(bench, mail, anchor=None):
    """What openssl finds wrong with a whole mail, as text."""
    path = bench.where.write("judged.eml", mail)
    result = place.run(["openssl", "cms", "-verify", "-in", path, "-CAfile",
                        anchor or bench.pki.anchor, "-out", "/dev/null"])
    return "" if result.returncode == 0 else desk.said(result)


def without_ours(mail, count=1):
    """The mail below count fields at its top."""
    for _ in range(count):
        end = next(at for at in range(len(mail)) if mail[at:at + 1] == b"\n"
                   and mail[at + 1:at + 2] not in (b" ", b"\t"))
        mail = mail[end + 1:]
    return mail


def expect(box, mail, result, code=0, harvested=None, comment=None):
    """What is wrong, as text. The field is at the top, all else unchanged."""
    got = box.receive(mail)
    if got.code != code or got.report["direction"] != "inbound":
        return str(got)
    if set(got.results) != ({result} if result != "none" else set()):
        return "signatures: %s" % got
    if harvested is not None and bool(got.harvested) != harvested:
        return "harvested: %s" % got
    fields = got.smime()
    if not fields or {one for one, _ in fields} != {result}:
        return "the fields say %r, not %s: %s" % (fields, result, got)
    if not got.mail.lower().startswith(b"authentication-results:"):
        return "not at the top: %r" % got.mail[:200]
    if without_ours(got.mail) != mail:
        return "changed: " + rawmail.difference(mail, without_ours(got.mail))
    if comment and comment not in fields[0][1]:
        return "no %r in %r" % (comment, fields[0][1])
    return ""


def results(bench, t):
    bob, pki = bench.bob, bench.pki
    box = bench.inbox(bench.good_crls(), verify={"add_none": True})
    good = partner.mail(bob)
    expired = bench.member(days=(-30, -10))
    future = bench.member(days=(10, 30))
    revoked = bench.member()
    weak = cmsmaker.sign(bob, CONTENT)
    server = pki.special("server", extended="serverAuth",
                         names="email:" + BOB)
    path = bench.where.write("content", CONTENT)
    sha1 = place.must_run(
        ["openssl", "cms", "-sign", "-binary", "-outform", "DER", "-in", path,
         "-signer", bob.cert, "-inkey", bob.key, "-certfile", bob.chain,
         "-md", "sha1"])
    two_from = partner.head(more="From: mallory@partner.test\n")
    two_boxes = partner.head("%s, mallory@partner.test" % BOB)
    certs_only = cmsmaker.signed_data([], [bob.cert])
    cases = (
        ("pass/detached", "pass", good, True),
        ("pass/opaque", "pass", partner.mail(bob, form="opaque"), None),
        ("pass/ecdsa", "pass", partner.mail(bench.member()), True),
        ("pass/display-name", "pass", partner.mail(
            bob, partner.head("\"Bob, the partner\" <%s>" % BOB)), None),
        ("pass/other-case", "pass", partner.mail(
            bob, partner.head("<Bob@Partner.TEST>")), None),
        ("pass/no-signing-time", "pass", partner.mail(
            bench.member(address=BOB), signing_time=cmsmaker.ABSENT), None),
        ("fail/content-changed", "fail",
         good.replace(b"order of today", b"order of Monday"), False),
        ("fail/signature-changed", "fail", partner.detached(
            weak[:-5] + bytes([weak[-5] ^ 1]) + weak[-4:]), False),
        ("fail/expired", "fail", partner.mail(expired), False),
        ("fail/not-yet-valid", "fail", partner.mail(future), False),
        ("policy/unknown-issuer", "policy", partner.mail(bench.unknown),
         None),
        ("policy/address-not-from", "policy", partner.mail(
            bench.member(address="carol@partner.test"),
            partner.head(BOB)), False),
        ("policy/two-from-fields", "policy", partner.mail(bob, two_from),
         False),
        ("policy/two-mailboxes", "policy", partner.mail(bob, two_boxes),
         False),
        ("policy/server-certificate", "policy", partner.mail(
            server, partner.head()), False),
        ("policy/sha1", "policy", partner.detached(sha1), False),
        ("policy/no-signed-attributes", "policy", partner.mail(
            bob, plain=True), False),
        ("neutral/content-inside-too", "neutral", partner.detached(
            cmsmaker.sign(bob, CONTENT, opaque=True)), False),
        ("neutral/garbage", "neutral", partner.detached(b"garbage"), False),
        ("neutral/cut", "neutral", partner.detached(weak[:-300]), False),
        ("permerror/no-certificate", "permerror", partner.mail(
            bench.member(address="dora@partner.test"), certs=[]), False),
        ("permerror/no-signers", "permerror", partner.detached(certs_only),
         False),
        ("none/plain", "none", PLAIN, False),
        ("none/certs-only", "none", partner.opaque(
            certs_only, kind="certs-only", name="smime.p7c"), False),
    )
    for name, result, mail, harvested in cases:
        t.case("result/" + name, expect, box, mail, result, 0, harvested)
    late = bench.inbox(verify={"add_none": True}, revocation={
        "mode": "hard", "fetch": False})
    t.case("result/temperror/hard-no-crl", expect, late, partner.mail(bob),
           "temperror", 0, False)
    bad = bench.inbox([revocationpki.crl(pki.root), revocationpki.crl(
        pki.sub, [revocationpki.Entry(revoked.cert, 1)])])
    t.case("result/fail/revoked", expect, bad, partner.mail(revoked), "fail",
           0, False)
    t.case("result/pass/not-the-revoked-one", expect, bad, partner.mail(bob),
           "pass", 0, True)
    quiet = bench.inbox()
    got = quiet.receive(PLAIN)
    t.ok(got.mail == PLAIN and got.code == 0, "result/none/without-add_none",
         got)


def fields(bench, t):
    """body.smime-identifier, -part, -serial, -issuer and the comment."""
    box = bench.inbox(bench.good_crls())
    serial = place.must_run(["openssl", "x509", "-in", bench.bob.cert,
                             "-noout", "-serial"]).decode().strip()[7:]
    for form, part in (("detached", "2"), ("opaque", "1")):
        got = box.receive(partner.mail(bench.bob, form=form))
        text = got.smime()[0][1]
        good = ("body.smime-identifier=" + BOB in text
                and "body.smime-part=" + part in text.replace('"', "")
                and serial.lower().lstrip("0") in text.lower()
                and "body.smime-issuer=" in text)
        t.ok(good, "field/%s" % form, text)
    for line in got.mail.split(b"\r\n\r\n")[0].split(b"\r\n"):
        if len(line) > 998 or any(byte > 126 for byte in line):
            t.ok(False, "field/line", line)
    mail = partner.detached(cmsmaker.signed_data(
        [cmsmaker.signer(bench.bob, CONTENT),
         cmsmaker.signer(bench.unknown, CONTENT)],
        [bench.bob.cert, bench.bob.chain, bench.unknown.cert]))
    got = box.receive(mail)
    t.ok(len(got.report["signatures"]) == 2 and got.results == ["policy"] * 2
         and [one for one, _ in got.smime()] == ["policy"] * 2,
         "field/one-for-each-signer", got)
    soft = bench.inbox()
    got = soft.receive(partner.mail(bench.bob))
    t.ok(got.smime() and got.smime()[0][0] == "pass"
         and "(revocation unknown)" in got.smime()[0][1],
         "field/soft-says-unknown", got.smime())
    for mode in ("off",):
        other = bench.inbox(revocation={"mode": mode, "fetch": False})
        got = other.receive(partner.mail(bench.bob))
        t.ok(got.smime() and got.smime()[0][0] == "pass"
             and "revocation" not in got.smime()[0][1],
             "field/revocation-" + mode, got.smime())


FORGED = (
    ("plain", "Authentication-Results: %s; smime=pass", True),
    ("other-case", "AUTHENTICATION-results: MX.Example.COM; smime=pass",
     True),
    ("folded", "Authentication-Results:\n\t%s;\n smime=pass\n"
     " body.smime-identifier=ceo@partner.test", True),
    ("quoted-id", 'Authentication-Results: "%s"; smime=pass', True),
    ("comment", "Authentication-Results: (a (nested) one) %s (x); smime"
     " (y) = (z) pass", True),
    ("version", "Authentication-Results: %s 1; smime=pass", True),
    ("method-version", "Authentication-Results: %s; smime/1=pass", True),
    ("second-method", "Authentication-Results: %s; spf=pass"
     " smtp.mailfrom=a@b.test; smime=pass", True),
    ("unreadable", "Authentication-Results: %s; smime=pass (", True),
    ("unreadable-id", "Authentication-Results: )%s; smime=pass", True),
    ("ours", "X-SMIME-Milter: decrypted=yes", True),
    ("ours-longer", "x-smime-milter-anything: yes", True),
    ("spf-stays", "Authentication-Results: %s; spf=pass"
     " smtp.mailfrom=a@b.test", False),
    ("other-host", "Authentication-Results: mx.other.test; smime=pass",
     False),
    ("longer-id", "Authentication-Results: not-%s.test; smime=pass", False),
    ("in-a-comment", "Authentication-Results: mx.other.test (%s); smime=pass",
     False),
    ("other-name", "X-SMIME: yes", False),
)


def forged(bench, t):
    box = bench.inbox(bench.good_crls())
    signed = partner.mail(bench.bob)
    for name, text, goes in FORGED:
        line = crlf((text % AUTHSERV_ID if "%s" in text else text) + "\n")
        for label, mail, ours in (("unsigned", PLAIN, 0),
                                  ("signed", signed, 1)):
            # Beneath others, between them, and twice.
            at = mail.index(b"Subject:")
            dirty = line + mail[:at] + line + mail[at:]
            got = box.receive(dirty)
            rest = without_ours(got.mail, ours)
            t.ok(rest == (mail if goes else dirty),
                 "forged/%s/%s" % (name, label), rest[:400])
    everything = bench.inbox(verify={"strip": "all"})
    line = crlf("Authentication-Results: %s; spf=pass\n" % AUTHSERV_ID)
    got = everything.receive(line + PLAIN)
    t.ok(got.mail == PLAIN, "forged/strip-all", got.mail[:300])
    out = box.must("process", "--from", ALICE, "--rcpt", BOB,
                   input=crlf(FORGED[0][1] % AUTHSERV_ID + "\n")
                   + PLAIN.replace(BOB.encode(), ALICE.encode()))
    t.ok(b"smime=pass" not in out, "forged/outbound-too", out[:300])


def unchanged(bench, t):
    """The road that the signature takes: openssl judges what is delivered."""
    box = bench.inbox(bench.good_crls())
    odd = crlf("Content-Type: text/plain; charset=utf-8\n"
               "Content-Transfer-Encoding: 8bit\n\n"
               "Grüße  \n\n.\n..\nFrom here\n" + "x" * 900 + "\n\n\n")
    parts = crlf("Content-Type: multipart/mixed; boundary=in\n\npreamble\n"
                 "--in\n\na\n--in\nContent-Type: message/rfc822\n\n"
                 "Subject: inside\n\nb\n--in--\nepilogue\n")
    for name, content in (("8bit", odd), ("multipart", parts),
                          ("header-only", crlf("Content-Type: text/x\n\n"))):
        for form in ("detached", "opaque"):
            mail = partner.mail(bench.bob, content=content, form=form)
            why = expect(box, mail, "pass")
            if not why:
                got = box.receive(mail)
                why = openssl_says(bench, got.mail)
            t.ok(not why, "unchanged/%s-%s" % (name, form), why)
    lf = partner.mail(bench.bob).replace(b"\r\n", b"\n")
    got = box.receive(lf)
    t.ok(b"\r" not in got.mail and got.results == ["pass"]
         and without_ours(got.mail) == lf, "unchanged/lf-file", got)


def tags(bench, t):
    box = bench.inbox(bench.good_crls(), verify={"subject_tag": "[signed]"})
    for name, subject, want in (
            ("plain", "the order", "[signed] the order"),
            ("forged-too", "[SIGNED] [signed]the order",
             "[signed] the order")):
        got = box.receive(partner.mail(bench.bob,
                                       partner.head(subject=subject)))
        t.equal(rawmail.field(got.mail, "Subject"), want, "tag/" + name)
        t.equal(openssl_says(bench, got.mail), "",
                "tag/%s-still-verifies" % name)
    encoded = "=?utf-8?Q?=5Bsigned=5D_Gr=C3=BC=C3=9Fe?="
    got = box.receive(PLAIN.replace(b"the order", encoded.encode()))
    text = str(partner.email.header.make_header(
        partner.email.header.decode_header(
            rawmail.field(got.mail, "Subject"))))
    t.equal(text, "Grüße", "tag/forged-and-encoded-in-unsigned")
    got = box.receive(PLAIN)
    t.equal(got.mail, PLAIN, "tag/unsigned-untouched")
    bad = partner.mail(bench.bob).replace(b"order of today", b"x")
    got = box.receive(bad)
    t.equal(rawmail.field(got.mail, "Subject"), "the order", "tag/fail")
    bare = partner.head().replace(b"Subject: the order\r\n", b"")
    got = box.receive(partner.mail(bench.bob, bare))
    t.equal(rawmail.field(got.mail, "Subject"), "[signed]", "tag/no-subject")


def stripped(bench, t):
    box = bench.inbox(bench.good_crls(), verify={"strip_signature": True})
    for form in ("detached", "opaque"):
        mail = partner.mail(bench.bob, form=form)
        got = box.receive(mail)
        t.ok(got.smime() and got.smime()[0][0] == "pass"
             and rawmail.entity_of(got.mail) == CONTENT
             and rawmail.other_fields(got.mail, ["Authentication-Results"])
             == rawmail.other_fields(mail)
             and rawmail.count(got.mail, "MIME-Version") == 1,
             "strip/" + form, got.mail)
    inner = partner.opaque(cmsmaker.sign(bench.bob, CONTENT, opaque=True),
                           header=b"")
    got = box.receive(partner.mail(bench.bob, content=inner))
    t.ok(rawmail.entity_of(got.mail) == CONTENT, "strip/both-layers",
         got.mail)
    got = box.receive(partner.mail(bench.bob, content=crlf(
        "Content-Type: text/plain\nContent-Description: a\0b\n\nhello\n")))
    t.ok(got.results == ["pass"] and rawmail.content_type(got.mail)[0]
         == "multipart/signed", "strip/never-with-a-nul", got.mail)
    for name, mail in (
            ("fail", partner.mail(bench.bob).replace(b"today", b"later")),
            ("policy", partner.mail(bench.unknown)), ("plain", PLAIN)):
        got = box.receive(mail)
        rest = without_ours(got.mail, 0 if name == "plain" else 1)
        t.ok(rest == mail, "strip/never-" + name, got.mail)


def rejected(bench, t):
    box = bench.inbox(bench.good_crls(), verify={"on_invalid": "reject"})
    bad = partner.mail(bench.bob).replace(b"today", b"later")
    got = box.receive(bad)
    t.ok(got.code == desk.REFUSED and got.mail is None
         and got.report["verdict"] == "reject"
         and got.report["reply"].startswith("550 5.7.7 ")
         and got.results == ["fail"] and not got.harvested,
         "reject/fail", got)
    t.equal(box.fails(desk.REFUSED, "5.7.7", "process", "--from", BOB,
                      "--rcpt", ALICE, "--client", partner.OUTSIDE,
                      input=bad), "", "reject/fail-says-so")
    for name, mail in (
            ("policy", partner.mail(bench.unknown)),
            ("neutral", partner.detached(b"garbage")),
            ("permerror", partner.detached(
                cmsmaker.signed_data([], [bench.bob.cert]))),
            ("pass", partner.mail(bench.bob)), ("plain", PLAIN)):
        got = box.receive(mail)
        t.ok(got.code == 0 and got.mail, "reject/never-" + name, got)
    path = bench.where.write("to-encrypt", CONTENT)
    secret = place.must_run(["openssl", "cms", "-encrypt", "-binary",
                             "-outform", "DER", "-in", path, "-aes256",
                             bench.bob.cert])
    inside = partner.opaque(secret, b"", "enveloped-data")
    layered = partner.mail(bench.bob, content=inside)
    changed = partner.detached(cmsmaker.sign(bench.bob, inside + b"x"),
                               shown=inside)
    got = box.receive(changed)
    t.ok(got.code == 0 and got.results == ["fail"],
         "reject/never-when-encrypted", got)
    got = box.receive(layered)
    t.ok(got.code == 0 and got.results == ["pass"], "reject/encrypted-signed",
         got)


def switched_off(bench, t):
    box = bench.inbox(bench.good_crls(), verify={"enabled": False})
    mail = partner.mail(bench.bob)
    got = box.receive(mail)
    t.ok(got.code == 0 and not got.smime() and got.mail == mail
         and not got.harvested, "off/nothing-said", got)
    weak = bench.inbox(bench.good_crls(), verify={"accept_weak": True})
    path = bench.where.write("content", CONTENT)
    sha1 = place.must_run(
        ["openssl", "cms", "-sign", "-binary", "-outform", "DER", "-in", path,
         "-signer", bench.bob.cert, "-inkey", bench.bob.key, "-certfile",
         bench.bob.chain, "-md", "sha1"])
    t.case("off/accept_weak", expect, weak, partner.detached(sha1), "pass")
    limited = bench.inbox(bench.good_crls(), limits={"parts": 2})
    t.case("off/limit-is-neutral", expect, limited, partner.mail(bench.bob),
           "neutral")
    got = bench.inbox(bench.good_crls()).receive(mail, "--dry-run")
    t.ok(got.results == ["pass"] or got.report["signatures"],
         "off/dry-run-reports", got)


def test(t):
    bench = Bench()
    for one in (results, fields, forged, unchanged, tags, stripped, rejected,
                switched_off):
        one(bench, t)
    bench.where.close()


if __name__ == "__main__":
    tap.main(test, __doc__)
