#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What attackers have done to S/MIME programs ("Johnny, you are fired", EFAIL
and kin): each mail ends in the result that was asked for, and nothing of it
gets into the certificate directory."""

import os
import sys
import time

TESTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
sys.path.insert(0, os.path.join(TESTS, "lib"))

from smimetest import cmsmaker, partner, place, tap       # noqa: E402
from smimetest.authority import Authority                 # noqa: E402
from smimetest.cmsmaker import signed_data, signer        # noqa: E402
from smimetest.inbox import Inbox, entries_of             # noqa: E402
from smimetest.partner import BOB, CONTENT, detached, head, mail  # noqa: E402
from smimetest.pki import Identity                        # noqa: E402
from smimetest.rawmail import crlf                        # noqa: E402

EVE = "eve@attacker.test"
OTHER = crlf("Content-Type: text/plain\n\nPay to account 666.\n")
DAY = 86400


class Bench:
    def __init__(self):
        self.where = place.Place("attacks")
        self.pki = Authority(self.where.dir("pki"))
        self.bob = self.pki.user(BOB, "rsa", name="bob")
        self.eve = self.pki.user(EVE, "rsa", name="eve")
        self.stranger = Authority(self.where.dir("stranger"), "Strange")
        self.twin = Authority(self.where.dir("twin"))
        self.false_bob = self.stranger.user(BOB, "rsa", name="false-bob")
        self.count = 0

    def inbox(self, **settings):
        self.count += 1
        return Inbox(self.where, "desk%d" % self.count, self.pki.anchor,
                     **settings)


def signed_attributes_as_content(bench):
    """C1b: what was signed, the attributes' DER, becomes the content of a
    signature without attributes."""
    attrs = cmsmaker.attributes(CONTENT)
    signature = cmsmaker.raw_signature(bench.bob.key, attrs)
    info = signer(bench.bob, attrs, plain=True, signature=signature)
    return attrs, signed_data([info], [bench.bob.cert, bench.bob.chain])


def mixed(*parts):
    return crlf('Content-Type: multipart/mixed; boundary="outer"\n\n') + (
        b"".join(crlf("--outer\n") + one + crlf("\n") for one in parts)
        + crlf("--outer--\n"))


def multipart_related(first, second):
    return mixed(first, second).replace(b"multipart/mixed",
                                        b"multipart/related", 1)


def with_third_part(sent):
    mark = sent[sent.rindex(b"\r\n--") + 2:].rstrip()[:-2]
    return sent[:-4] + crlf("\nContent-Type: text/plain\n\nfooter\n") + (
        mark + b"--\r\n")


def self_signed(bench, address, key=None):
    """A certificate that vouches for itself."""
    path = bench.where.path("self-%s.pem" % address)
    where_key = key or path + ".key"
    place.must_run(
        ["openssl", "req", "-x509", "-nodes", "-days", "90", "-subj",
         "/CN=%s" % address, "-addext", "subjectAltName=email:" + address,
         "-addext", "keyUsage=digitalSignature,keyEncipherment",
         "-out", path] + (["-key", key] if key else
                          ["-newkey", "rsa:2048", "-keyout", where_key]))
    return Identity(address, path, where_key, path)


def forged_mails(bench):
    """(name, mail, results)"""
    bob, eve, false_bob = bench.bob, bench.eve, bench.false_bob
    both = [bob.cert, bob.chain, eve.cert, false_bob.cert]
    good = mail(bob)
    attrs, c1b = signed_attributes_as_content(bench)
    bob_info = signer(bob, CONTENT)
    wrong_info = signer(bob, OTHER)
    part = detached(cmsmaker.sign(bob, CONTENT), b"")
    text = crlf("Content-Type: text/html\n\n<div style='display:none'>\n")
    return (
        ("econtent-in-detached", detached(cmsmaker.sign(
            bob, CONTENT, opaque=True), shown=OTHER), ["neutral"]),
        ("econtent-equal-to-detached", detached(cmsmaker.sign(
            bob, CONTENT, opaque=True)), ["neutral"]),
        ("signed-attributes-as-content", detached(c1b, shown=attrs),
         ["policy"]),
        ("signed-attributes-as-opaque", partner.opaque(
            signed_data([signer(bob, attrs, plain=True,
                                signature=cmsmaker.raw_signature(
                                    bob.key, attrs))],
                        [bob.cert, bob.chain], attrs)), ["policy"]),
        ("zero-signers", detached(signed_data([], both[:2])), ["permerror"]),
        ("zero-signers-no-certs", detached(signed_data([], [])),
         ["permerror"]),
        ("second-signer-wrong", detached(signed_data(
            [bob_info, signer(eve, OTHER)], both)), ["fail"] * 2),
        ("second-signer-first", detached(signed_data(
            [signer(eve, OTHER), bob_info], both)), ["fail"] * 2),
        ("second-signer-eve", detached(signed_data(
            [bob_info, signer(eve, CONTENT)], both)), ["policy"] * 2),
        ("second-signer-untrusted", detached(signed_data(
            [bob_info, signer(false_bob, CONTENT)], both)), ["policy"] * 2),
        ("second-signature-of-same-key-wrong", detached(signed_data(
            [bob_info, wrong_info], both[:2])), ["fail"] * 2),
        ("second-signer-no-certificate", detached(signed_data(
            [bob_info, signer(eve, CONTENT)], both[:2])), ["permerror"] * 2),
        ("eleven-signers", detached(signed_data(
            [signer(bob, CONTENT, signing_time=number * 1000)
             for number in range(11)], both[:2])), ["neutral"]),
        ("below-mixed", head() + mixed(text, part), []),
        ("below-mixed-alone", head() + mixed(part), []),
        ("below-related", head() + multipart_related(text, part), []),
        ("below-mixed-opaque", head() + mixed(partner.opaque(
            cmsmaker.sign(bob, CONTENT, opaque=True), b"")), []),
        ("attached", head() + mixed(text, crlf(
            "Content-Type: message/rfc822\n\n") + good), []),
        ("list-footer", head(more="List-Id: <all.partner.test>\n")
         + mixed(part, crlf("Content-Type: text/plain\n\nTo leave, ...\n")),
         []),
        ("footer-in-signed-part", good.replace(
            b"\r\nBob\r\n", b"\r\nBob\r\n--\r\nTo leave, ...\r\n"), ["fail"]),
        ("third-part", with_third_part(good), ["neutral"]),
        ("two-from-fields", mail(bob, head(more="From: %s\n" % EVE)),
         ["policy"]),
        ("two-from-fields-both-bob", mail(bob, head(
            more="From: Bob <%s>\n" % BOB)), ["policy"]),
        ("two-from-mailboxes", mail(bob, head("%s, %s" % (BOB, EVE))),
         ["policy"]),
        ("from-group", mail(bob, head("Friends: %s;" % BOB)), None),
        ("display-name-with-address", mail(eve, head(
            '"Bob <%s>" <%s>' % (BOB, "eve@other.test"))), ["policy"]),
        ("display-name-unquoted", mail(bob, head("%s <%s>" % (BOB, EVE))),
         ["policy"]),
        ("comment-with-address", mail(bob, head("%s (%s)" % (EVE, BOB))),
         ["policy"]),
        ("encoded-display-name", mail(bob, head(
            "=?utf-8?Q?bob=40partner.test_=3Cbob=40partner.test=3E?= <%s>"
            % EVE)), ["policy"]),
        ("sender-field", mail(eve, head(
            BOB, more="Sender: %s\n" % EVE)), ["policy"]),
        ("sender-is-signer-from-is-not", mail(bob, head(
            EVE, more="Sender: %s\n" % BOB)), ["policy"]),
        ("reply-to", mail(bob, head(EVE, more="Reply-To: %s\n" % BOB)),
         ["policy"]),
        ("resent-from", mail(bob, head(EVE, more="Resent-From: %s\n" % BOB)),
         ["policy"]),
        ("no-from", mail(bob, head().replace(
            b"From: %s\r\n" % BOB.encode(), b"")), ["policy"]),
        ("self-signed", mail(self_signed(bench, BOB)), ["policy"]),
        ("untrusted-issuer", mail(false_bob), ["policy"]),
        ("untrusted-issuer-of-our-name", mail(bench.twin.user(
            BOB, name="twin-bob")), ["policy"]),
        ("user-certificate-as-issuer", mail(issued_by_user(bench)), None),
        ("content-type-twice", good.replace(
            b"Content-Type: multipart/signed", b"Content-Type: text/plain"
            b"\r\nContent-Type: multipart/signed", 1), None),
    )


def issued_by_user(bench):
    """Bob's certificate, made by Eve with her own user certificate."""
    pki = bench.pki
    sub, pki.sub = pki.sub, bench.eve
    try:
        who = pki.user(BOB, "p256", name="made-by-eve")
    finally:
        pki.sub = sub
    return Identity(BOB, who.cert, who.key, bench.eve.cert)


def judge(bench, box, sent, want):
    """What is wrong, as text."""
    got = box.receive(sent)
    if got.code != 0 or got.mail is None:
        return "not delivered: %s" % got
    if got.harvested:
        return "harvested: %s" % got
    used = [one for path in box.cert_files() for one in entries_of(path)
            if one["state"] == "used"]
    if used:
        return "used in the directory: %r" % used
    if want is None and "pass" in got.results:
        return "pass: %s" % got
    if want is not None and got.results != want:
        return "results, not %r: %s" % (want, got)
    if any(one == "pass" for one, _ in got.smime()):
        return "the field says pass: %s" % got.smime()
    if not got.mail.endswith(sent):
        return "changed: %r" % got.mail[:300]
    return ""


def attacks(bench, t):
    for name, sent, want in forged_mails(bench):
        t.case("attack/" + name, judge, bench, bench.inbox(), sent, want)


def cut(bench, t):
    """Behind a NUL in the header nobody knows what a reader sees."""
    for name, sent in (
            ("from", mail(bench.bob, head("%s\0 <%s>" % (BOB, EVE)))),
            ("fold", mail(bench.bob, head("%s\n \0, %s" % (BOB, EVE)))),
            ("other-field", mail(bench.bob, head(more="X-Y: a\0b\n")))):
        box = bench.inbox()
        got = box.receive(sent)
        t.ok(got.code == 0 and got.results == ["policy"]
             and not got.harvested and not box.cert_files(),
             "attack/nul-in-" + name, got)


def replay(bench, t):
    """An old mail, sent again with the certificate of that time."""
    now = time.time()
    old = bench.pki.user(BOB, "rsa", name="old-bob")
    box = bench.inbox()
    first = box.receive(mail(bench.bob, signing_time=now - 10,
                             more=[cmsmaker.capabilities(
                                 cmsmaker.AES256_GCM)]))
    t.equal(first.harvested, [bench.bob.fingerprint()], "replay/first")
    before = open(box.cert_file(BOB)).read()
    got = box.receive(mail(old, signing_time=now - 30 * DAY))
    t.ok(got.results == ["pass"] and not got.harvested
         and open(box.cert_file(BOB)).read() == before,
         "replay/older-certificate", got)
    got = box.receive(mail(bench.bob, signing_time=now - 30 * DAY, more=[
        cmsmaker.capabilities(cmsmaker.AES128_CBC)]))
    t.ok(got.results == ["pass"]
         and box.entries()[0]["capabilities"] == "aes256-gcm",
         "replay/older-capabilities", box.entries())
    got = box.receive(mail(old, signing_time=now + 30 * DAY))
    t.ok(not got.harvested and old.fingerprint() not in box.states(),
         "replay/future-signing-time", got)


def others_address(bench, t):
    """Eve's certificate under Bob's name, and the other way round."""
    box = bench.inbox()
    for name, who, shown in (("eve-as-bob", bench.eve, BOB),
                             ("bob-as-eve", bench.bob, EVE)):
        got = box.receive(mail(who, head(shown)), sender=shown)
        t.ok(got.results == ["policy"] and not got.harvested
             and not box.cert_files(), "other-address/" + name, got)
    both = bench.pki.user(EVE, "rsa", others=[BOB], name="both")
    got = box.receive(mail(both, head(EVE)), sender=EVE)
    t.ok(got.harvested == [both.fingerprint()] and not box.entries(BOB)
         and box.entries(EVE), "other-address/only-that-of-from", got)
    own = bench.pki.user("carol@example.com", "rsa", name="carol")
    got = box.receive(mail(own, head("carol@example.com")),
                      sender="carol@example.com")
    t.ok(not got.harvested and not box.entries("carol@example.com"),
         "other-address/own-from-outside", got)
    preferred = mail(bench.eve, head(EVE), more=[
        cmsmaker.key_preference(bench.bob.cert)], certs=[
            bench.eve.cert, bench.eve.chain, bench.bob.cert])
    got = box.receive(preferred, sender=EVE)
    t.ok(bench.bob.fingerprint() not in box.states(EVE)
         and not box.entries(BOB), "other-address/key-preference-of-another",
         got)


def pinned(bench, t):
    box = bench.inbox()
    box.must("cert", "import", bench.bob.cert, "--address", BOB, "--pin")
    before = box.entries()
    new = bench.pki.user(BOB, "rsa", name="new-bob")
    got = box.receive(mail(new))
    states = box.states()
    t.ok(got.results == ["pass"]
         and states.get(bench.bob.fingerprint()) == "used"
         and states.get(new.fingerprint()) in (None, "pending")
         and not got.harvested, "pinned/not-replaced", (str(got), states))
    t.ok(any("pinned" in name + value for name, value in
             before[0].items()), "pinned/the-file-says-so", before)
    waiting = box.json("cert", "pending")["items"]
    t.ok(len(waiting) == 1 and "Subject" in waiting[0]["mail"],
         "pinned/tells-which-mail", waiting)
    for number in range(10):
        box.receive(mail(bench.pki.user(BOB, "p256", agrees=True,
                                        name="flood-%d" % number)))
    states = box.states()
    t.ok(states.get(bench.bob.fingerprint()) == "used"
         and list(states.values()).count("used") == 1
         and list(states.values()).count("pending") <= 2,
         "pinned/flooded", states)


def blocked(bench, t):
    box = bench.inbox()
    box.receive(mail(bench.bob))
    box.must("cert", "block", bench.bob.fingerprint())
    got = box.receive(mail(bench.bob))
    t.ok(not got.harvested and box.states() == {
        bench.bob.fingerprint(): "blocked"}, "blocked/stays", box.states())


def flooded(bench, t):
    """Certificates of an unknown CA for one address and for many."""
    box = bench.inbox(harvest={"max_pending": 5})
    # Two mails of one second are none the newer.
    now = int(time.time())
    known = box.receive(mail(bench.bob, signing_time=now - 30))
    t.equal(known.harvested, [bench.bob.fingerprint()], "flood/known")
    for number in range(4):
        who = bench.stranger.user(BOB, "p256", agrees=True,
                                  name="flood-%d" % number)
        got = box.receive(mail(who, signing_time=now - 20 + number))
        t.ok(got.results == ["policy"] and not got.harvested,
             "flood/address-%d" % number, got)
    states = box.states()
    t.ok(states[bench.bob.fingerprint()] == "used"
         and list(states.values()).count("pending") == 2,
         "flood/two-pending-for-an-address", states)
    for number in range(8):
        address = "p%d@flood.test" % number
        box.receive(mail(bench.stranger.user(address, "p256", agrees=True)),
                    sender=address)
    waiting = box.json("cert", "pending")["items"]
    t.ok(len(waiting) == 5 and box.states()[bench.bob.fingerprint()]
         == "used", "flood/max_pending", len(waiting))


def bulky(bench, t):
    """More certificates than anybody needs."""
    box = bench.inbox()
    others = [bench.pki.user("x%d@partner.test" % number, "rsa").cert
              for number in range(3)]
    many = [others[number % 3] for number in range(60)]
    got = box.receive(mail(bench.bob, certs=[
        bench.bob.cert, bench.bob.chain, *many]))
    t.ok(got.results == ["neutral"] and not got.harvested, "bulky/61-certs",
         got)
    big = bench.pki.special("big", kind="rsa", names=",".join(
        ["email:" + BOB] + ["email:a%05d@%s.test" % (number, "x" * 40)
                            for number in range(1300)]),
        usage="digitalSignature, keyEncipherment")
    got = box.receive(mail(big, head()))
    t.ok(not got.harvested and got.code == 0, "bulky/certificate-of-70-kB",
         got.report)


def test(t):
    bench = Bench()
    for one in (attacks, cut, replay, others_address, pinned, blocked,
                flooded, bulky):
        one(bench, t)
    bench.where.close()


if __name__ == "__main__":
    tap.main(test, __doc__)
