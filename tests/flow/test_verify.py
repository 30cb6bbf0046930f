#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`smimectl verify` and `inspect` on mails that the openssl command made, and
on what somebody has tampered with."""

import json
import os
import sys

TESTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
sys.path.insert(0, os.path.join(TESTS, "lib"))

from smimetest import desk, place, revocationpki, tap     # noqa: E402
from smimetest.authority import Authority                 # noqa: E402
from smimetest.corpus import base64_lines                 # noqa: E402
from smimetest.desk import Desk                           # noqa: E402
from smimetest.pki import fingerprint                     # noqa: E402
from smimetest.rawmail import crlf                        # noqa: E402
from smimetest.revocationpki import (                     # noqa: E402
    Entry, Point, RevocationPki, crl as crl_of)

ALICE = "alice@example.com"
CONTENT = crlf("Content-Type: text/plain; charset=utf-8\n\nHello Bob.\n")
HEAD = crlf("""\
From: Alice <alice@example.com>
To: bob@partner.test
Subject: x
MIME-Version: 1.0
""")


class Bench:
    def __init__(self):
        self.where = place.Place("verify")
        self.pki = Authority(self.where.dir("pki"))
        self.alice = self.pki.user(ALICE, "rsa", name="alice")
        self.desk = Desk(self.where)
        self.desk.must("trust", "add", self.pki.anchor)
        self.count = 0

    def sign(self, *words, content=CONTENT, identity=None, certs=True):
        """DER made by `openssl cms -sign`."""
        who = identity or self.alice
        self.count += 1
        path = self.where.write("content%d" % self.count, content)
        return place.must_run(
            ["openssl", "cms", "-sign", "-binary", "-outform", "DER",
             "-in", path, "-signer", who.cert, "-inkey", who.key]
            + (["-certfile", who.chain] if certs else []) + list(words))

    def detached(self, *words, head=HEAD, shown=CONTENT, **options):
        return multipart(self.sign(*words, **options), head, shown)

    def opaque(self, *words, **options):
        return p7m(self.sign("-nodetach", *words, **options))

    def verify(self, mail, *words):
        """(exit code, object)"""
        self.count += 1
        path = self.where.write("mail%d.eml" % self.count, mail)
        result = self.desk.run("--json", "verify", path, *words)
        if result.returncode not in (0, 1):
            raise place.Failure(desk.said(result))
        return result.returncode, json.loads(result.stdout)


def multipart(der, head=HEAD, shown=CONTENT, end="--b--\n"):
    return (head + crlf(
        'Content-Type: multipart/signed; protocol='
        '"application/pkcs7-signature"; micalg=sha-256; boundary=b\n\n'
        "not looked at\n--b\n") + shown + crlf(
        "\n--b\nContent-Type: application/pkcs7-signature; name=smime.p7s\n"
        "Content-Transfer-Encoding: base64\n\n") + base64_lines(der)
        + crlf(end))


def p7m(der, kind="application/pkcs7-mime; smime-type=signed-data",
        name="smime.p7m"):
    return HEAD + crlf("Content-Type: %s; name=%s\nContent-Transfer-Encoding"
                       ": base64\n\n" % (kind, name)) + base64_lines(der)


def expect(bench, mail, result, *words, reason=None):
    """What is wrong, as text."""
    code, got = bench.verify(mail, *words)
    results = {one["result"] for one in got["items"]}
    if results != {result} or code != (0 if result == "pass" else 1):
        return "exit %d: %r" % (code, got)
    for one in got["items"]:
        if set(one) != {"result", "reason", "part", "address",
                        "fingerprint", "signing_time", "revocation"}:
            return "members %r" % sorted(one)
        remark = ("revocation unknown" if one["revocation"] == "unknown"
                  else None)
        if (one["reason"] is None if result != "pass"
                else one["reason"] != remark):
            return "reason %r" % one["reason"]
        if reason and reason not in one["reason"]:
            return "reason %r" % one["reason"]
    return ""


def good(bench, t):
    pki = bench.pki
    code, got = bench.verify(bench.detached())
    one = got["items"][0]
    time = one.pop("signing_time")
    t.ok(time.endswith("Z") and time.startswith("20"), "verify/pass/time",
         time)
    t.equal((code, one, got["inside"]), (0, {
        "result": "pass", "reason": "revocation unknown", "part": "2",
        "address": ALICE,
        "fingerprint": bench.alice.fingerprint(), "revocation": "unknown"},
        "text/plain"),
        "verify/pass/object")
    cases = {
        "detached-lf": bench.detached().replace(b"\r\n", b"\n"),
        "opaque": bench.opaque(),
        "octet-stream": p7m(bench.sign("-nodetach"),
                            "application/octet-stream"),
        "old-type": p7m(bench.sign("-nodetach"), "application/x-pkcs7-mime"),
        "sha512": bench.detached("-md", "sha512"),
        "pss": bench.detached("-keyopt", "rsa_padding_mode:pss"),
        "key-identifier": bench.detached("-keyid"),
        "capabilities-absent": bench.detached("-nosmimecap"),
        "cades": bench.detached("-cades"),
        "p256": bench.detached(identity=pki.user(ALICE, "p256")),
        "p521": bench.detached("-md", "sha512",
                               identity=pki.user(ALICE, "p521")),
        "other-case": bench.detached(identity=pki.user(
            "Alice@Example.com", "p256", name="case")),
        "second-address": bench.detached(identity=pki.user(
            "sales@example.com", "p256", others=(ALICE,), name="second")),
    }
    for name, mail in cases.items():
        t.case("verify/pass/" + name, expect, bench, mail, "pass")
    text = bench.desk.must("verify", bench.desk.file(
        "text.eml", bench.detached())).decode()
    t.ok("result: pass" in text and "address: " + ALICE in text
         and "inside: text/plain" in text
         and bench.alice.fingerprint() in text, "verify/pass/text", text)
    result = bench.desk.run("verify", "-", input=bench.detached())
    t.equal(result.returncode, 0, "verify/pass/stdin")


def dates(bench, t):
    past = bench.pki.user(ALICE, "p256", name="past", days=(-30, -10))
    future = bench.pki.user(ALICE, "p256", name="future", days=(10, 30))
    for name, who in (("expired", past), ("not-yet-valid", future)):
        t.case("verify/fail/" + name, expect, bench,
               bench.detached(identity=who), "fail")
    mail = bench.detached(identity=bench.pki.user(ALICE, "p256", name="now"))
    t.case("verify/at/now", expect, bench, mail, "pass")
    t.case("verify/at/much-later", expect, bench, mail, "fail", "--at",
           "2099-01-01T00:00:00Z")
    then = place.must_run(["date", "-u", "-d", "+20 days",
                           "+%Y-%m-%dT%H:%M:%SZ"]).decode().strip()
    t.case("verify/at/when-valid", expect, bench,
           bench.detached(identity=future), "pass", "--at", then)


def bad(bench, t):
    pki = bench.pki
    stranger = Authority(bench.where.dir("stranger"))
    unknown = stranger.user(ALICE, "p256")
    carol = pki.user("carol@example.com", "p256")
    server = pki.special("server", extended="serverAuth")
    cipher = pki.special("cipher", usage="keyEncipherment", kind="rsa")
    der = bench.sign()
    flipped = der[:-10] + bytes([der[-10] ^ 1]) + der[-9:]
    two_from = HEAD.replace(b"To:", b"From: mallory@example.com\r\nTo:")
    mailboxes = HEAD.replace(b"Alice <alice@example.com>",
                             b"alice@example.com, mallory@example.com")
    no_from = HEAD.replace(b"From: Alice <alice@example.com>\r\n", b"")
    certs_only = place.must_run(["openssl", "crl2pkcs7", "-nocrl", "-outform",
                                 "DER", "-certfile", bench.alice.cert])
    both = bench.sign("-signer", unknown.cert, "-inkey", unknown.key)
    inner = bench.where.write("inner", CONTENT)
    encrypted = place.must_run(["openssl", "cms", "-encrypt", "-binary",
                                "-outform", "DER", "-in", inner,
                                "-aes256", bench.alice.cert])
    compressed_mail = HEAD + crlf("Content-Type: text/plain\n\nx\n")
    cases = (
        ("content-changed", "fail", bench.detached(
            shown=CONTENT.replace(b"Bob", b"Rob"))),
        ("signature-changed", "fail", multipart(flipped)),
        ("unknown-issuer", "policy", bench.detached(identity=unknown)),
        ("no-intermediate", "policy", bench.detached(certs=False)),
        ("address-not-from", "policy", bench.detached(identity=carol)),
        ("two-from-fields", "policy", bench.detached(head=two_from)),
        ("two-mailboxes", "policy", bench.detached(head=mailboxes)),
        ("no-from", "policy", bench.detached(head=no_from)),
        ("server-certificate", "policy", bench.detached(identity=server)),
        ("cipher-certificate", "policy", bench.detached(identity=cipher)),
        ("sha1", "policy", bench.detached("-md", "sha1")),
        ("no-attributes", "policy", bench.detached("-noattr")),
        ("certificate-missing", "permerror", bench.detached("-nocerts",
                                                            certs=False)),
        ("no-signers", "permerror", multipart(certs_only)),
        ("one-of-two-unknown", "policy", multipart(both)),
        ("content-inside-too", "neutral", multipart(
            bench.sign("-nodetach"))),
        ("cms-cut", "neutral", multipart(der[:-200])),
        ("cms-garbage", "neutral", multipart(b"garbage")),
        ("opaque-cut", "neutral", p7m(bench.sign("-nodetach")[:-200])),
        ("no-end", "neutral", multipart(der, end="")),
        ("content-type-twice", "neutral", multipart(der).replace(
            b"boundary=b\r\n", b"boundary=b\r\nContent-Type: text/plain"
            b"\r\n", 1)),
        ("third-part", "neutral", multipart(
            der, end="--b\n\nfooter\n--b--\n")),
        ("plain", "none", HEAD + b"\r\nHello\r\n"),
        ("header-only", "none", HEAD),
        ("body-only", "none", b"just text\r\n"),
        ("certs-only", "none", p7m(
            certs_only, "application/pkcs7-mime; smime-type=certs-only",
            "smime.p7c")),
        ("encrypted", "none", p7m(
            encrypted, "application/pkcs7-mime; smime-type=enveloped-data")),
        ("below-the-root", "none", HEAD + crlf(
            "Content-Type: multipart/mixed; boundary=m\n\n--m\n")
         + bench.detached(head=b"") + crlf("\n--m--\n")),
        ("attached-message", "none", HEAD + crlf(
            "Content-Type: message/rfc822\n\n") + bench.detached()),
        ("text", "none", compressed_mail),
    )
    for name, result, mail in cases:
        t.case("verify/%s/%s" % (result, name), expect, bench, mail, result)
    code, got = bench.verify(multipart(both))
    t.equal(len(got["items"]), 2, "verify/two-signers/both-are-told")
    for name, content in (("empty", b""),):
        path = bench.where.write(name, content)
        t.case("verify/no-message/" + name, bench.desk.fails, desk.DATA,
               "empty", "verify", path)
    limited = Desk(bench.where, "limited", limits={"parts": 2})
    limited.must("trust", "add", bench.pki.anchor)
    path = bench.where.write("limited.eml", bench.detached())
    got = limited.json("verify", path, code=desk.NO)
    t.equal(got["items"][0]["result"], "neutral", "verify/neutral/limit")


def parts(got):
    return [one["part"] for one in got["items"]]


def layers(bench, t):
    """Each layer at the root is verified, and all must be good."""
    inner = bench.sign("-nodetach")
    part = p7m(inner)[len(HEAD):]
    code, got = bench.verify(p7m(bench.sign("-nodetach", content=part)))
    t.equal((code, len(got["items"]), got["inside"]), (0, 2, "text/plain"),
            "verify/layers/signed-in-signed")
    t.equal(parts(got), ["1", "1/1"], "verify/layers/parts")
    clear = bench.detached(head=b"")
    code, got = bench.verify(p7m(bench.sign("-nodetach", content=clear)))
    t.equal((code, parts(got), got["inside"]), (0, ["1", "1/2"],
                                                "text/plain"),
            "verify/layers/detached-in-opaque")
    bad = bench.detached(head=b"", shown=CONTENT.replace(b"Bob", b"Rob"))
    mail = p7m(bench.sign("-nodetach", content=bad))
    code, got = bench.verify(mail)
    t.equal((code, [one["result"] for one in got["items"]]),
            (1, ["fail", "fail"]), "verify/layers/the-inner-is-bad")
    text = bench.desk.run("verify", bench.desk.file("inner.eml", mail))
    t.ok("by itself: pass" in text.stdout.decode(),
         "verify/layers/by-itself", desk.said(text))
    empty = p7m(bench.sign("-nodetach", content=crlf(
        "Content-Type: multipart/mixed; boundary=m\n\n--m\n")
        + bad + crlf("\n--m--\n")))
    code, got = bench.verify(empty)
    t.equal((code, len(got["items"]), got["inside"]),
            (0, 1, "multipart/mixed"), "verify/layers/attachments-are-not")


def revocation(bench, t):
    """What the CRL cache says, and when."""
    pki = RevocationPki(bench.where.dir("revocation"), "http://none.test/r")
    who = pki.member(ALICE, [Point("http://none.test/c")], kind="rsa")
    mail = bench.detached(identity=who)
    settings = {"soft": {}, "hard": {"revocation": {"mode": "hard"}},
                "off": {"revocation": {"mode": "off"}}}
    desks = {name: Desk(bench.where, "crl-" + name, **more)
             for name, more in settings.items()}

    def results(path):
        found = {}
        for name, here in desks.items():
            run = here.run("--json", "verify", path)
            one = json.loads(run.stdout)["items"][0]
            found[name] = one["result"], one["revocation"]
        return found

    path = bench.where.write("revocation.eml", mail)
    for here in desks.values():
        here.must("trust", "add", pki.anchor)
    t.equal(results(path), {
        "soft": ("pass", "unknown"), "hard": ("temperror", "unknown"),
        "off": ("pass", "not checked")}, "verify/revocation/unknown")
    text = desks["soft"].must("verify", path).decode()
    t.ok("remark: " in text and "revocation: unknown" in text
         and "chain: ok, up to " in text, "verify/revocation/remark", text)

    def publish(number, entries):
        for here in desks.values():
            for name, issuer, lines in (("root", pki.root, []),
                                        ("sub", pki.sub, entries)):
                crl = crl_of(issuer, lines, number=number)
                # The intermediate is known from no mail yet.
                pem = revocationpki.pem(crl) + open(pki.sub.cert, "rb").read()
                here.must("crl", "import", here.file(
                    "%s%d.crl" % (name, number), pem))

    publish(1, [])
    t.equal(results(path), {
        "soft": ("pass", "good"), "hard": ("pass", "good"),
        "off": ("pass", "not checked")}, "verify/revocation/good")
    publish(2, [Entry(who.cert, revocationpki.KEY_COMPROMISE)])
    t.equal(results(path), {
        "soft": ("fail", "revoked"), "hard": ("fail", "revoked"),
        "off": ("pass", "not checked")}, "verify/revocation/revoked")


def anchorless(bench, t):
    fresh = Desk(bench.where, "fresh")
    path = bench.where.write("anchorless.eml", bench.detached())
    got = fresh.json("verify", path, code=desk.NO)
    t.equal(got["items"][0]["result"], "policy", "verify/anchors/none")
    fresh.must("trust", "add", bench.pki.anchor)
    t.equal(fresh.run("verify", path).returncode, 0, "verify/anchors/added")
    fresh.must("trust", "remove", fingerprint(
        open(bench.pki.anchor, "rb").read()))
    t.equal(fresh.run("verify", path).returncode, 1, "verify/anchors/removed")


def kinds(got):
    return [one["kind"] for one in got["items"]]


def inspection(bench, t):
    here, alice = bench.desk, bench.alice
    both = here.file("both.pem", open(alice.cert).read()
                     + open(bench.pki.sub.cert).read())
    for name, path, count in (
            ("pem", alice.cert, 1), ("several", both, 2),
            ("der", bench.pki.der_cert(alice), 1)):
        got = here.json("inspect", path)["items"]
        t.ok(len(got) == count and got[0]["kind"] == "certificate"
             and got[0]["fingerprint"] == alice.fingerprint()
             and got[0]["addresses"] == [ALICE] and not got[0]["ca"]
             and [use["fit"] for use in got[0]["uses"]] == [True, True],
             "inspect/certificate/" + name, got)
    text = here.must("inspect", alice.cert).decode()
    t.ok("fit for signing: yes" in text and alice.fingerprint() in text,
         "inspect/certificate/text", text)
    der = bench.sign()
    pem = place.must_run(["openssl", "cms", "-cmsout", "-inform", "DER",
                          "-outform", "PEM"], input=der)
    for name, content in (("der", der), ("pem", pem)):
        got = here.json("inspect", here.file("cms." + name, content))
        t.ok(kinds(got)[0] == "cms" and "certificate" in kinds(got)
             and got["items"][0]["content"] == "signed-data"
             and len(got["items"][0]["signers"]) == 1,
             "inspect/cms/" + name, got)
    path = here.file("detached.eml", bench.detached())
    got = here.json("inspect", path)
    t.equal([one["type"] for one in got["items"] if one["kind"] == "part"],
            ["multipart/signed", "text/plain",
             "application/pkcs7-signature"], "inspect/message/parts")
    t.ok("cms" in kinds(got) and "certificate" in kinds(got),
         "inspect/message/cms", kinds(got))
    text = here.must("inspect", path).decode()
    t.ok("text/plain" in text and "smime.p7s" in text
         and "signed-data" in text, "inspect/message/text", text)
    odd = here.file("odd.eml", HEAD + crlf(
        'Content-Type: text/plain; name="a\x1b[31mb"\n\nx\n'))
    t.ok(b"\x1b" not in here.must("inspect", odd), "inspect/message/cleaned")
    envelope = place.must_run(
        ["openssl", "cms", "-encrypt", "-binary", "-outform", "DER", "-in",
         path, "-aes256", alice.cert])
    got = here.json("inspect", here.file("enveloped.eml", p7m(
        envelope, "application/pkcs7-mime; smime-type=enveloped-data")))
    cms = [one for one in got["items"] if one["kind"] == "cms"][0]
    t.ok(cms["content"] == "enveloped-data" and cms["cipher"]
         and len(cms["recipients"]) == 1, "inspect/message/encrypted", cms)
    for name, path in (
            ("key", alice.key), ("empty", here.file("empty", b"")),
            ("text", here.file("text", b"nothing of the kind\n")),
            ("bytes", here.file("bytes", bytes(range(256)) * 4)),
            ("pkcs12", bench.pki.pkcs12(alice, "x"))):
        t.case("inspect/none/" + name, here.fails, desk.DATA, "no message",
               "inspect", path)


def main(t):
    bench = Bench()
    good(bench, t)
    dates(bench, t)
    bad(bench, t)
    layers(bench, t)
    revocation(bench, t)
    anchorless(bench, t)
    inspection(bench, t)


tap.main(main, __doc__)
