#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`smimectl crl`: taking in what is genuine and nothing else, listing, and
fetching from a server on loopback that answers as it is told to."""

import hashlib
import json
import os
import sys

TESTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
sys.path.insert(0, os.path.join(TESTS, "lib"))

from smimetest import crlserver, desk, place, tap         # noqa: E402
from smimetest.cmsmaker import CertParts                  # noqa: E402
from smimetest.crlserver import CrlServer                 # noqa: E402
from smimetest.desk import Desk                           # noqa: E402
from smimetest.revocationpki import (                     # noqa: E402
    Entry, Point, RevocationPki, crl, pem)

BOB = "bob@partner.test"
LISTED = {"url", "state", "issuer", "number", "delta", "size", "this_update",
          "next_update", "fetched", "next_fetch", "failures", "trouble"}
TAKEN = {"result", "fingerprint", "issuer", "number", "delta", "entries",
         "this_update", "next_update"}


class Bench:
    def __init__(self):
        self.where = place.Place("crl")
        self.server = CrlServer()
        self.where.on_close(self.server.stop)
        self.pki = RevocationPki(self.where.dir("pki"),
                                 self.server.url("/root"))
        self.bob = self.pki.member(BOB, [Point(self.server.url("/sub"))],
                                   kind="rsa")
        self.stranger = RevocationPki(self.where.dir("stranger"),
                                      "http://none.test/r")
        self.count = 0

    def desk(self, **settings):
        self.count += 1
        here = Desk(self.where, "desk%d" % self.count, **settings)
        here.must("trust", "add", self.pki.anchor)
        return here


def read(path):
    with open(path, "rb") as file:
        return file.read()


def listed(here):
    return here.json("crl", "list")["items"]


def kept(here):
    """What lies in the cache, by openssl's reading: [(issuer, number)]"""
    found = []
    directory = os.path.join(here.state, "crls")
    for name in sorted(os.listdir(directory)):
        if name.endswith(".crl"):
            text = place.must_run(
                ["openssl", "crl", "-inform", "DER", "-noout", "-issuer",
                 "-crlnumber", "-in", os.path.join(directory, name)]).decode()
            found.append(tuple(text.split("\n")[:2]))
    return found


def importing(bench, t):
    here = bench.desk()
    root = bench.pki.root
    t.equal(listed(here), [], "import/nothing-yet")
    first = crl(root, [Entry(bench.bob.cert)], number=5)
    path = here.file("first.crl", first)
    got = here.json("crl", "import", path)["items"][0]
    t.ok(set(got) == TAKEN and got["result"] == "stored"
         and got["number"] == "05" and got["entries"] == 1
         and not got["delta"]
         and got["fingerprint"] == hashlib.sha256(first).hexdigest(),
         "import/der", got)
    one = listed(here)[0]
    t.ok(set(one) == LISTED and one["url"] is None
         and one["state"] == "valid" and one["number"] == "05"
         and one["issuer"] == "O=Example,CN=Example root"
         and one["size"] == len(first), "import/listed", one)
    t.equal(len(kept(here)), 1, "import/openssl-reads-it")
    got = here.json("crl", "import", path)["items"][0]
    t.equal(got["result"], "same", "import/same")
    got = here.json("crl", "import", here.file(
        "older.crl", crl(root, number=4)), code=desk.NO)["items"][0]
    t.equal(got["result"], "older", "import/older")
    newer = here.file("newer.pem", pem(crl(root, number=6)))
    text = here.must("crl", "import", newer).decode()
    t.ok(text.startswith("stored") and "number: 06" in text,
         "import/newer-pem", text)
    t.equal([one["number"] for one in listed(here)], ["06"],
            "import/newer-takes-its-place")
    for name, days in (("expired", (-9, -1)), ("not-yet-valid", (3, 9))):
        result = here.run("crl", "import", here.file(
            name + ".crl", crl(root, number=7, days=days)))
        t.ok(result.returncode == desk.NO and b"not stored" in result.stdout
             and [one["number"] for one in listed(here)] == ["06"],
             "import/%s-does-not-displace-a-valid-one" % name,
             desk.said(result))
    here = bench.desk()
    result = here.run("crl", "import", here.file(
        "expired.crl", crl(root, number=7, days=(-9, -1))))
    t.ok(result.returncode == 0 and b"has expired" in result.stderr
         and listed(here)[0]["state"] == "expired", "import/expired",
         desk.said(result))
    early = bench.desk()
    result = early.run("crl", "import", early.file(
        "early.crl", crl(root, number=8, days=(1, 9))))
    t.ok(result.returncode == 0 and b"not valid yet" in result.stderr
         and listed(early)[0]["state"] == "not yet valid",
         "import/not-yet-valid", desk.said(result))
    found = [one for one in json.loads(early.run(
        "--json", "check").stdout.decode())["items"]
             if one["check"] == "crls" and one["result"] == "warning"]
    t.ok(len(found) == 1 and "not valid before" in found[0]["text"],
         "import/not-yet-valid/check", found)
    text = here.must("crl", "list").decode()
    t.ok("state: expired" in text and text.startswith("imported"),
         "list/text", text)


def genuine(bench, t):
    """What is taken must be by somebody who reaches an anchor."""
    here = bench.desk()
    pki, root, sub = bench.pki, bench.pki.root, bench.pki.sub
    other = bench.stranger.root
    signs = pki.special("signs", names="email:signs@partner.test")
    cases = (
        ("unknown-issuer", crl(sub), "neither a trust anchor"),
        ("stranger", crl(other, name=b"\x30\x00"), ""),
        ("wrong-key", crl(root, key=other.key), ""),
        ("tampered", tampered(crl(root)), ""),
        ("by-no-ca", crl(signs), "neither a trust anchor"),
        ("by-no-ca-beside", pem(crl(signs)) + read(signs.cert), ""),
        ("stranger-beside", pem(crl(bench.stranger.sub))
         + read(bench.stranger.sub.cert), ""),
        ("cut", crl(root)[:-20], ""),
        ("more-behind", crl(root) + b"x", ""),
        ("garbage", b"no CRL\n", ""),
        ("empty", b"", ""),
        ("certificate", read(root.cert), ""),
    )
    for name, content, want in cases:
        t.case("refused/" + name, here.fails, desk.DATA, want, "crl",
               "import", here.file(name + ".crl", content))
    t.equal(listed(here), [], "refused/nothing-stored")
    beside = here.file("beside.pem", pem(crl(sub)) + read(sub.cert))
    got = here.json("crl", "import", beside)["items"][0]
    t.equal((got["result"], got["issuer"]),
            ("stored", "O=Example,CN=Example sub"),
            "accepted/signer-in-the-file")
    here.must("trust", "add", sub.cert)
    got = here.json("crl", "import", here.file(
        "anchored.crl", crl(sub, number=2)))["items"][0]
    t.equal(got["result"], "stored", "accepted/signer-is-an-anchor")


def tampered(content):
    return content[:-5] + bytes([content[-5] ^ 1]) + content[-4:]


def know(here, url):
    """The cache has met this URL in a certificate, and nothing came of it."""
    name = hashlib.sha256(url.encode()).hexdigest()
    here.where.dir(here.label, "state", "crls", mode=0o700)
    here.where.write(os.path.join(here.label, "state", "crls",
                                  name + ".facts"), "url: %s\n" % url, 0o600)


def refreshing(bench, t):
    server = bench.server
    here = bench.desk(revocation={"private_hosts": True})
    t.equal(here.json("crl", "refresh")["items"], [], "refresh/none-known")
    root = crl(bench.pki.root, number=1)
    url = server.put("/root", crlserver.with_validators(root, '"1"'))
    know(here, url)
    one = listed(here)[0]
    t.ok(one["url"] == url and one["state"] == "never fetched"
         and one["issuer"] is None, "list/never-fetched", one)
    got = here.json("crl", "refresh")["items"]
    t.equal(got, [{"url": url, "result": "fetched", "problem": None}],
            "refresh/fetched")
    one = listed(here)[0]
    t.ok(one["state"] == "valid" and one["number"] == "01"
         and one["fetched"] and one["next_fetch"] and one["failures"] == 0
         and one["trouble"] is None, "refresh/listed", one)
    got = here.json("crl", "refresh")["items"]
    t.equal((got[0]["result"], server.asked("/root")), ("unchanged", 2),
            "refresh/unchanged")
    server.put("/root", crl(bench.pki.root, number=2))
    here.must("crl", "refresh")
    t.equal(listed(here)[0]["number"], "02", "refresh/newer")
    for name, answer in (("missing", crlserver.status(404)),
                         ("garbage", crlserver.garbage),
                         ("no-crl", b"hello\n"),
                         ("forged", crl(bench.pki.root, number=3,
                                        key=bench.stranger.root.key))):
        server.put("/root", answer)
        result = here.run("--json", "crl", "refresh")
        one = json.loads(result.stdout.decode())["items"][0]
        facts = listed(here)[0]
        t.ok(result.returncode == desk.NO and one["result"] == "failed"
             and one["problem"] and facts["number"] == "02"
             and facts["trouble"] and facts["failures"] > 0,
             "refresh/failed/" + name, (one, facts))
    gone = server.url("/gone")
    know(here, gone)
    server.put("/root", crl(bench.pki.root, number=4))
    text = here.run("crl", "refresh").stdout.decode()
    t.ok("fetched   " + url in text and "failed    %s: " % gone in text
         and "2 asked, 1 failed" in text, "refresh/text", text)
    t.ok("failures: 1 in a row" in here.must("crl", "list").decode(),
         "list/failures")
    private = bench.desk()
    know(private, url)
    before = server.asked("/root")
    result = private.run("--json", "crl", "refresh")
    one = json.loads(result.stdout.decode())["items"][0]
    t.ok(result.returncode == desk.NO and one["result"] == "failed"
         and server.asked("/root") == before, "refresh/private-hosts", one)


def rollover(bench, t):
    """The CA has a new key and signs its CRLs with that."""
    here = bench.desk()
    pki = bench.pki
    again = pki.issuing("again", pki.root, [], subject="/O=Example/CN=Example"
                        " sub")
    t.equal(CertParts(again.cert).subject, CertParts(pki.sub.cert).subject,
            "rollover/same-name")
    path = here.file("rollover.pem", pem(crl(again)) + read(pki.sub.cert)
                     + read(again.cert))
    got = here.json("crl", "import", path)["items"][0]
    t.equal(got["result"], "stored", "rollover/second-candidate")


def main(t):
    bench = Bench()
    importing(bench, t)
    genuine(bench, t)
    refreshing(bench, t)
    rollover(bench, t)


tap.main(main, __doc__)
