#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`smimectl cert`: taking in, listing, showing, exporting and deciding on the
certificates of partners; what it prints beside what lies on the disk, which
openssl reads."""

import json
import os
import subprocess
import sys

TESTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
sys.path.insert(0, os.path.join(TESTS, "lib"))

from smimetest import desk, place, revocationpki, tap     # noqa: E402
from smimetest.authority import Authority                 # noqa: E402
from smimetest.inbox import Inbox, entries_of, parses     # noqa: E402
from smimetest.partner import BOB, mail                   # noqa: E402
from smimetest.pki import fingerprint                     # noqa: E402
from smimetest.revocationpki import Entry, Point, RevocationPki  # noqa: E402

CAROL, DAVE = "carol@partner.test", "Dave.Jones@other.test"
LISTED = {"fingerprint", "address", "state", "source", "pinned", "subject",
          "issuer", "serial", "key", "not_before", "not_after", "first_seen",
          "last_seen", "problem"}
SHOWN = {"fingerprint", "address", "state", "source", "pinned", "subject",
         "issuer", "serial", "key", "not_before", "not_after", "first_seen",
         "last_seen", "signing_time", "capabilities", "chain", "revocation",
         "usable", "reason"}
WAITING = {"fingerprint", "address", "why", "mail", "first_seen",
           "signing_time", "subject", "issuer", "serial", "key", "not_before",
           "not_after", "trust", "revocation", "chain"}


class Bench:
    def __init__(self):
        self.where = place.Place("cert")
        self.pki = Authority(self.where.dir("pki"))
        self.bob = self.pki.user(BOB, "rsa", name="bob")
        self.carol = self.pki.user(CAROL, "rsa", name="carol")
        self.dave = self.pki.user(DAVE, "rsa3072", name="dave",
                                  others=("sales@other.test",))
        self.stranger = Authority(self.where.dir("stranger"))
        self.eve = self.stranger.user(BOB, "rsa", name="eve")
        self.count = 0

    def inbox(self, trusted=True, **settings):
        self.count += 1
        return Inbox(self.where, "desk%d" % self.count,
                     self.pki.anchor if trusted else None, **settings)

    def waiting(self, trusted=True):
        """An inbox where eve's certificate waits."""
        here = self.inbox(trusted)
        here.receive(mail(self.eve, certs=[self.eve.cert, self.eve.chain,
                                           self.stranger.anchor]))
        return here


def read(path):
    with open(path, "rb") as file:
        return file.read()


def listed(here, *words):
    return here.json("cert", "list", *words)["items"]


def only(here, what, code=desk.YES):
    items = here.json("cert", "show", what, code=code)["items"]
    if len(items) != 1:
        raise place.Failure(repr(items))
    return items[0]


def openssl_finds(path):
    """Fingerprints of all certificates in a file, by openssl's reading."""
    text = place.must_run(["openssl", "storeutl", "-certs", path]).decode()
    blocks = text.split("-----BEGIN CERTIFICATE-----")[1:]
    return [fingerprint(("-----BEGIN CERTIFICATE-----"
                         + one.split("-----END")[0]
                         + "-----END CERTIFICATE-----\n").encode())
            for one in blocks]


def importing(bench, t):
    here = bench.inbox()
    t.equal(listed(here), [], "import/nothing-yet")
    bob = bench.bob
    p7 = here.file("carol.p7b", place.must_run(
        ["openssl", "crl2pkcs7", "-nocrl", "-certfile", bench.carol.cert,
         "-certfile", bench.pki.sub.cert, "-certfile", bench.pki.anchor]))
    for name, who, path in (
            ("pem", bob, bob.cert),
            ("der", bench.dave, bench.pki.der_cert(bench.dave)),
            ("pkcs7", bench.carol, p7)):
        text = here.must("cert", "import", path).decode()
        t.ok("imported: " + who.fingerprint() in text
             and who.address in text, "import/" + name, text)
    t.ok(text.count("skipped: ") == 2 and "trust add" in text,
         "import/ca-skipped", text)
    path = here.cert_file(BOB)
    t.equal((openssl_finds(path), parses(path)), ([bob.fingerprint()], ""),
            "import/openssl-reads-it")
    t.ok(os.stat(path).st_mode & 0o077 == 0, "import/private")
    for one in (DAVE, "sales@other.test"):
        t.equal([e["fingerprint"] for e in here.entries(one)],
                [bench.dave.fingerprint()], "import/every-address/" + one)
    got = here.json("cert", "import", bob.cert)["items"]
    t.ok(len(got) == 1 and set(got[0]) == LISTED
         and (got[0]["state"], got[0]["source"], got[0]["pinned"])
         == ("used", "imported", False) and len(here.entries(BOB)) == 1,
         "import/again", got)
    got = here.json("cert", "import", "--pin", bob.cert)["items"]
    t.equal(got[0]["pinned"], True, "import/pin")


def importing_for(bench, t):
    here = bench.inbox()
    other = "orders@elsewhere.test"
    result = here.run("cert", "import", bench.bob.cert, "--address", other)
    t.ok(result.returncode == 0 and b"does not bear" in result.stderr
         and [e["fingerprint"] for e in here.entries(other)]
         == [bench.bob.fingerprint()] and not here.entries(BOB),
         "import/address/another", desk.said(result))
    here.must("cert", "import", bench.bob.cert, "--address", "BOB@partner.test")
    t.equal(len(here.entries(BOB)), 1, "import/address/other-case")
    here.must("cert", "import", bench.carol.cert, "--address",
              "@Partner.test")
    t.equal([e["fingerprint"] for e in entries_of(os.path.join(
        here.state, "certs", "partner.test", "@domain.pem"))],
            [bench.carol.fingerprint()], "import/address/domain")
    result = here.run("cert", "import", bench.carol.cert, "--address",
                      "@far.test")
    t.ok(result.returncode == 0 and b"does not bear" in result.stderr,
         "import/address/other-domain", desk.said(result))
    nameless = bench.pki.special("nameless", names="",
                                 usage="digitalSignature,keyAgreement")
    t.case("import/no-address", here.fails, desk.DATA, "--address", "cert",
           "import", nameless.cert)
    result = here.run("cert", "import", nameless.cert, "--address", DAVE)
    t.ok(result.returncode == 0, "import/no-address/with-address",
         desk.said(result))
    own = bench.pki.user("carl@example.com", "rsa", key=bench.bob.key)
    result = here.run("cert", "import", own.cert)
    t.ok(result.returncode == 0 and b"own address" in result.stderr
         and b"key import" in result.stderr, "import/own", desk.said(result))
    early = bench.pki.user("early@partner.test", "rsa", key=bench.bob.key, days=(5, 30))
    result = here.run("cert", "import", early.cert)
    t.ok(result.returncode == 0 and b"not valid before" in result.stderr
         and "not valid yet" in only(here, "early@partner.test")["reason"],
         "import/not-yet-valid", desk.said(result))


def refusing(bench, t):
    here = bench.inbox()
    pki = bench.pki
    past = pki.user("past@partner.test", "rsa", key=bench.bob.key, days=(-30, -10))
    signs = pki.special("signs", names="email:signs@partner.test")
    server = pki.special("server", usage="keyEncipherment", kind="rsa",
                         extended="serverAuth",
                         names="email:server@partner.test")
    literal = pki.special("literal", usage="keyAgreement",
                          names="email:a@[192.0.2.1]")
    long_name = "x" * 250 + "@partner.test"
    mixed = here.file("mixed.pem", read(bench.carol.cert) + read(past.cert))
    for name, want, path in (
            ("expired", "expired on", past.cert),
            ("signing-only", "not fit for encryption", signs.cert),
            ("server", "not fit for encryption", server.cert),
            ("literal", "can have no", literal.cert),
            ("ca-only", "trust add", pki.sub.cert),
            ("garbage", "", here.file("garbage", b"nothing\n")),
            ("empty", "", here.file("empty", b"")),
            ("key", "", bench.bob.key),
            ("one-of-two", "nothing of this file", mixed)):
        t.case("import/refused/" + name, here.fails, desk.DATA, want, "cert",
               "import", path)
    t.case("import/refused/long-address", here.fails, desk.DATA, "", "cert",
           "import", bench.bob.cert, "--address", long_name)
    t.equal(here.cert_files(), [], "import/refused/nothing-stored")
    result = here.run("--json", "cert", "import", past.cert, bench.bob.cert)
    got = json.loads(result.stdout.decode())["items"]
    t.ok(result.returncode == desk.DATA and [one["address"] for one in got]
         == [BOB], "import/refused/others-are-taken", got)
    t.case("import/missing-file", here.fails, desk.IO, "nowhere", "cert",
           "import", bench.carol.cert, "/nowhere.pem", bench.dave.cert)
    t.equal([len(here.entries(one)) for one in (CAROL, DAVE)], [1, 1],
            "import/missing-file/others-are-taken")
    many = here.file("many.pem", b"".join(
        read(pki.user("u%d@bundle.test" % i, "rsa", key=bench.carol.key).cert)
        for i in range(40)))
    here.must("cert", "import", many)
    t.equal(len(listed(here, "@bundle.test")), 40, "import/bundle")


def listing(bench, t):
    here = bench.inbox()
    here.must("cert", "import", bench.bob.cert, bench.carol.cert)
    here.must("cert", "import", bench.dave.cert, "--pin")
    got = listed(here)
    t.equal(sorted(one["address"] for one in got),
            sorted([BOB, CAROL, DAVE, "sales@other.test"]), "list/all")
    t.ok(all(set(one) == LISTED for one in got), "list/members", got)
    for name, words, want in (
            ("domain", "@partner.test", [BOB, CAROL]),
            ("domain-of-nobody", "@nobody.test", []),
            ("address", BOB, [BOB]), ("address-other-case",
                                      "<BOB@Partner.Test>", [BOB]),
            ("address-of-nobody", "nobody@partner.test", [])):
        t.equal([one["address"] for one in listed(here, words)], want,
                "list/" + name)
    rows = here.must("cert", "list").decode().splitlines()
    row = [one for one in rows if DAVE in one]
    t.ok(len(rows) == 4 and len(row) == 1
         and bench.dave.fingerprint() in row[0]
         and "used/imported/pinned" in row[0] and "RSA-3072" in row[0],
         "list/text", rows)
    here.where.write(os.path.join(here.label, "state", "certs", "partner.test",
                                  "broken.pem"), "-----BEGIN CERTIFICATE-----\n"
                     "no\n-----END CERTIFICATE-----\n", 0o600)
    got = listed(here, "@partner.test")
    bad = [one for one in got if one["problem"]]
    t.ok(len(got) == 3 and [one["address"] for one in bad]
         == ["broken@partner.test"], "list/broken-file", got)
    result = here.run("cert", "list", "broken@partner.test")
    t.ok(result.returncode not in (0, 1), "list/broken-address",
         desk.said(result))
    with open("/dev/full", "wb") as full:
        result = subprocess.run([desk.program("smimectl"), "-c", here.config,
                                 "cert", "list"], stdout=full,
                                stderr=subprocess.PIPE)
    t.equal(result.returncode, desk.IO, "list/output-full")


def showing(bench, t):
    here = bench.inbox()
    here.receive(mail(bench.dave))  # brings the intermediate
    here.must("cert", "import", bench.bob.cert)
    fpr = bench.bob.fingerprint()
    one = only(here, BOB)
    t.ok(set(one) == SHOWN and one["usable"] and one["reason"] is None
         and one["chain"] == "ok" and one["capabilities"] == []
         and one["fingerprint"] == fpr and one["signing_time"] is None
         and one["revocation"] == "unknown", "show/address", one)
    colons = ":".join(fpr[i:i + 2].upper() for i in range(0, 64, 2))
    for name, what in (("fingerprint", fpr), ("prefix", fpr[:8]),
                       ("colons", colons)):
        t.equal(only(here, what)["address"], BOB, "show/" + name)
    text = here.must("cert", "show", BOB).decode()
    t.ok("usable: yes" in text and "chain: ok, up to " in text
         and "state: used" in text and "pinned: no" in text,
         "show/text", text)
    for name, what in (("address", "nobody@nowhere.test"),
                       ("fingerprint", "0123456789"),
                       ("domain", "@nowhere.test")):
        t.case("show/nothing/" + name, here.fails, desk.NO, "", "cert",
               "show", what)
    here.must("cert", "import", bench.carol.cert, "--address",
              "@partner.test")
    t.equal(only(here, "anybody@partner.test")["address"], "@partner.test",
            "show/of-the-domain")
    t.equal(only(here, BOB)["fingerprint"], fpr, "show/own-before-domain")
    distrusting = bench.inbox(trusted=False)
    distrusting.must("cert", "import", bench.bob.cert)
    one = only(distrusting, BOB)
    t.ok(one["usable"] and one["chain"] == "untrusted"
         and one["revocation"] == "not checked", "show/imported-unanchored",
         one)
    distrusting.receive(mail(bench.carol))
    one = only(distrusting, CAROL)
    t.ok(not one["usable"] and one["state"] == "pending"
         and "approve" in one["reason"], "show/pending", one)


def harvested(bench, t):
    """What the mail brought, and what happens when its anchor goes."""
    here = bench.inbox()
    here.receive(mail(bench.bob))
    one = only(here, BOB)
    t.ok(one["source"] == "harvested" and one["usable"]
         and one["signing_time"] and one["first_seen"],
         "show/harvested", one)
    here.must("trust", "remove", fingerprint(read(bench.pki.anchor)))
    one = only(here, BOB)
    t.ok(not one["usable"] and one["chain"] == "untrusted"
         and "chain" in one["reason"], "show/anchor-gone", one)
    here.must("cert", "pin", bench.bob.fingerprint())
    t.ok(only(here, BOB)["usable"], "show/anchor-gone-but-pinned")


def revoked(bench, t):
    pki = RevocationPki(bench.where.dir("revocation"), "http://none.test/r")
    who = pki.member(BOB, [Point("http://none.test/c")], kind="rsa")
    here = Inbox(bench.where, "revoked", pki.anchor)
    here.must("cert", "import", who.cert)
    # The intermediate comes with a mail.
    here.receive(mail(who, certs=[who.cert, pki.sub.cert]))
    one = only(here, BOB)
    t.equal((one["usable"], one["chain"], one["revocation"]),
            (True, "ok", "unknown"), "revoked/before")
    for name, issuer, entries in (
            ("root", pki.root, []),
            ("sub", pki.sub, [Entry(who.cert, revocationpki.KEY_COMPROMISE)])):
        here.must("crl", "import", here.file(
            name + ".crl", revocationpki.crl(issuer, entries)))
    one = only(here, BOB)
    t.ok(not one["usable"] and one["revocation"] == "revoked"
         and one["reason"] == "it is revoked", "revoked/after", one)
    for name, words in (("import", ("import", who.cert)),
                        ("approve", ("approve", who.fingerprint()))):
        result = here.run("cert", *words)
        t.ok(result.returncode == 0 and b"is not used: it is revoked"
             in result.stderr and b"next mail" not in result.stdout,
             "revoked/" + name, desk.said(result))
    text = here.must("cert", "show", BOB).decode()
    t.ok("key compromise, since 20" in text, "revoked/text", text)
    t.case("revoked/not-exported", here.fails, desk.NO, "revoked", "cert",
           "export", BOB)
    hard = Inbox(bench.where, "hard", pki.anchor,
                 revocation={"fetch": False, "mode": "hard"})
    hard.must("cert", "import", who.cert)
    hard.must("trust", "add", pki.sub.cert)
    one = only(hard, BOB)
    t.ok(not one["usable"] and "hard" in one["reason"], "revoked/hard", one)


def exporting(bench, t):
    here = bench.inbox()
    bob = bench.bob
    here.must("cert", "import", bob.cert, bench.carol.cert)
    pem = here.must("cert", "export", BOB)
    t.equal((fingerprint(pem), pem.count(b"BEGIN")), (bob.fingerprint(), 1),
            "export/pem")
    der = place.must_run(["openssl", "x509", "-in", bob.cert, "-outform",
                          "DER"])
    for name, what in (("address", BOB), ("prefix", bob.fingerprint()[:12])):
        t.equal(here.must("cert", "export", what, "--der"), der,
                "export/der/" + name)
    second = bench.pki.special("second", names="email:" + BOB,
                               usage="digitalSignature,keyAgreement")
    here.must("cert", "import", second.cert)
    path = here.file("out.pem", here.must("cert", "export", BOB))
    t.equal(sorted(openssl_finds(path)),
            sorted([bob.fingerprint(), second.fingerprint()]), "export/both")
    t.case("export/der-of-two", here.fails, desk.USAGE, "--der", "cert",
           "export", BOB, "--der")
    here.must("cert", "block", second.fingerprint())
    t.equal(here.must("cert", "export", BOB), pem, "export/usable-only")
    t.equal(fingerprint(here.must("cert", "export", second.fingerprint())),
            second.fingerprint(), "export/fingerprint-whatever-its-state")
    here.must("cert", "block", bob.fingerprint())
    t.case("export/none-usable", here.fails, desk.NO, "blocked", "cert",
           "export", BOB)
    t.case("export/nobody", here.fails, desk.NO, "no certificate", "cert",
           "export", "nobody@partner.test")
    got = here.json("cert", "export", CAROL)["items"]
    t.ok(len(got) == 1 and fingerprint(got[0]["pem"].encode())
         == bench.carol.fingerprint(), "export/json", got)
    t.case("export/der-and-json", here.fails, desk.USAGE, "exclude",
           "--json", "cert", "export", CAROL, "--der")


def changing(bench, t):
    here = bench.inbox()
    here.must("cert", "import", bench.bob.cert, bench.dave.cert)
    bob, dave = bench.bob.fingerprint(), bench.dave.fingerprint()
    text = here.must("cert", "pin", bob[:10]).decode()
    t.ok("pinned: " + bob in text and BOB in text
         and only(here, BOB)["pinned"], "change/pin", text)
    got = here.json("cert", "unpin", bob)["items"]
    t.equal(got, [{"fingerprint": bob, "address": BOB, "state": "used",
                   "source": "imported", "pinned": False}], "change/unpin")
    t.case("change/unpin-again", here.fails, desk.NO, "not pinned", "cert",
           "unpin", bob)
    got = here.json("cert", "block", dave)["items"]
    t.equal(({one["address"] for one in got}, {one["state"] for one in got}),
            ({DAVE, "sales@other.test"}, {"blocked"}),
            "change/block-everywhere")
    t.case("change/approve-blocked", here.fails, desk.NO, "blocked", "cert",
           "approve", dave)
    t.case("change/pin-blocked", here.fails, desk.NO, "blocked", "cert",
           "pin", dave)
    said = here.run("cert", "pin", dave).stderr.decode().splitlines()
    t.ok(len(said) == 2 and all(line.count(": ") == 2 for line in said),
         "change/address-once", said)
    here.must("cert", "import", bench.dave.cert)
    t.equal(only(here, DAVE)["state"], "used", "change/import-unblocks")
    got = here.json("cert", "remove", dave)["items"]
    t.ok(len(got) == 2 and got[0]["state"] is None
         and not os.path.exists(here.cert_file(DAVE)), "change/remove", got)
    for verb in ("remove", "pin", "unpin", "approve", "block"):
        t.case("change/not-there/" + verb, here.fails, desk.NO, dave[:9],
               "cert", verb, dave[:9])
    t.equal([one["address"] for one in listed(here)], [BOB],
            "change/others-stay")


def pending(bench, t):
    here = bench.inbox()
    t.equal(here.json("cert", "pending")["items"], [], "pending/none")
    here = bench.waiting()
    eve = bench.eve.fingerprint()
    items = here.json("cert", "pending")["items"]
    one = items[0]
    root = fingerprint(read(bench.stranger.anchor))
    t.ok(len(items) == 1 and set(one) == WAITING
         and one["fingerprint"] == eve and one["address"] == BOB
         and "issuer" in one["why"] and "the order" in one["mail"]
         and one["trust"] == "untrusted" and one["first_seen"],
         "pending/object", one)
    t.equal([link["fingerprint"] for link in one["chain"]],
            [eve, fingerprint(read(bench.stranger.sub.cert)), root],
            "pending/chain")
    t.equal([link["root"] for link in one["chain"]], [False, False, True],
            "pending/root")
    text = here.must("cert", "pending").decode()
    t.ok("cert approve " + eve in text and "cert block " + eve in text
         and "cert export %s > ca.pem" % root in text and " <- " in text,
         "pending/text", text)
    ca = here.file("ca.pem", here.must("cert", "export", root))
    here.must("trust", "add", ca)
    got = here.receive(mail(bench.eve))
    t.ok(got.results == ["pass"] and here.states() == {eve: "used"}
         and not here.json("cert", "pending")["items"],
         "pending/trusting-the-ca", got)
    here = bench.waiting()
    text = here.must("cert", "approve", eve).decode()
    one = only(here, BOB)
    t.ok("approved: " + eve in text and "next mail" in text
         and (one["state"], one["source"], one["usable"])
         == ("used", "approved", True)
         and not here.json("cert", "pending")["items"],
         "pending/approve", one)
    here = bench.waiting()
    here.must("cert", "block", eve[:16])
    here.receive(mail(bench.eve))
    t.ok(here.states() == {eve: "blocked"}
         and not here.json("cert", "pending")["items"], "pending/block",
         here.entries())
    here = bench.waiting()
    t.case("pending/pin", here.fails, desk.NO, "approve", "cert", "pin", eve)
    here.must("cert", "remove", eve)
    t.equal((here.states(), here.json("cert", "pending")["items"]), ({}, []),
            "pending/remove")
    here = bench.inbox()
    here.receive(mail(bench.eve, certs=[bench.eve.cert]))
    text = here.must("cert", "pending").decode()
    t.ok("from that CA" in text, "pending/issuer-not-sent", text)


def main(t):
    bench = Bench()
    importing(bench, t)
    importing_for(bench, t)
    refusing(bench, t)
    listing(bench, t)
    showing(bench, t)
    harvested(bench, t)
    revoked(bench, t)
    exporting(bench, t)
    changing(bench, t)
    pending(bench, t)


tap.main(main, __doc__)
