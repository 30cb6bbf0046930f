#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The daemon and its CRL cache, with a CRL server that does what servers do:
every kind of CRL, every way to fail, one fetch for many mails, a bounded wait,
what outlives a restart, and what a CRL that comes later takes away."""

import ctypes
import itertools
import json
import os
import sys
import threading
import time

TESTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
sys.path.insert(0, os.path.join(TESTS, "lib"))

from smimetest import crlserver, der, partner, place, tap  # noqa: E402
from smimetest.cmsmaker import CertParts                  # noqa: E402
from smimetest.crlserver import CrlServer                 # noqa: E402
from smimetest.desk import said                           # noqa: E402
from smimetest.inbox import AUTHSERV_ID, smime_results    # noqa: E402
from smimetest.milter import Milter                       # noqa: E402
from smimetest.milterclient import MilterClient           # noqa: E402
from smimetest.partner import ALICE, BOB                  # noqa: E402
from smimetest.revocationpki import (                     # noqa: E402
    HOLD, KEY_COMPROMISE, OTHER_REASONS, REMOVE_FROM_CRL, SOME_REASONS,
    SUPERSEDED, Entry, Point, RevocationPki, crl, pem, scope)
from smimetest.tap import Skip                            # noqa: E402

PUBLIC = "93.184.216.34"  # anybody's address, but for what is private
NEW_NETWORK = 0x40000000
# More than any wait that is configured, less than the server's patience.
PATIENCE = 60
labels = itertools.count(1)


class Bench:
    """One daemon, one CRL server, one root. revocation: over the settings
    that all have."""

    def __init__(self, where, pki, server, **revocation):
        self.where, self.pki, self.server = where, pki, server
        self.milter = Milter(where, {
            "authserv_id": AUTHSERV_ID,
            "revocation": dict({"mode": "hard", "wait": 5,
                                "private_hosts": True}, **revocation),
        }, label="milter%d" % next(labels))
        self.milter.trust(pki)

    def receive(self, mail, sender=BOB):
        """The result's word, and the whole field."""
        with MilterClient(self.milter.socket_path) as client:
            client.connect(partner.OUTSIDE, "client.test")
            got = client.message(mail, sender, [ALICE])
        if got.verdict.kind not in ("accept", "continue"):
            raise place.Failure(str(got.verdict))
        found = smime_results(got.mail())
        if len(found) != 1:
            raise place.Failure("results %r" % (found,))
        return found[0]

    def stored(self, identity):
        """The state of a certificate as cert show has it, as text; None."""
        result = self.milter.smimectl("cert", "show", identity.fingerprint())
        return result.stdout.decode() if result.returncode == 0 else None

    def expect(self, identity, want, mail=None, comment=None):
        """What is wrong, as text."""
        word, field = self.receive(mail or partner.mail(identity))
        if word != want:
            return "%s\n%s" % (field, self.milter.log()[-1500:])
        if comment and comment not in field:
            return "no %r in %s" % (comment, field)
        kept = self.stored(identity) is not None
        if kept != (want == "pass"):
            return "%s in the directory: %s" % (
                "is" if kept else "is not", field)
        return ""


class Case:
    """A CA of its own, so that one case's CRLs say nothing of another's, and
    an identity whose distribution points are paths of the server."""

    def __init__(self, bench, name, *paths, points=None, deltas=()):
        self.bench, self.name = bench, name
        server, pki = bench.server, bench.pki
        self.ca = pki.issuing("ca-" + name, pki.root, [Point(pki.root_url)])
        self.paths = ["/%s/%s" % (name, one) for one in paths or ("crl",)]
        self.urls = [server.url(one) for one in self.paths]
        self.delta_paths = ["/%s/%s" % (name, one) for one in deltas]
        # Of an address of its own: only a newer signing time counts, and two
        # cases may sign in one second.
        self.who = pki.member(
            "%s@%s" % (name, BOB.split("@")[1]),
            points(self) if points else [Point(*self.urls)],
            issuer=self.ca, name="member-" + name,
            deltas=[Point(server.url(one)) for one in self.delta_paths])

    def revoked(self, reason=KEY_COMPROMISE, **options):
        return Entry(self.who.cert, reason, **options)

    def crl(self, *entries, **options):
        return crl(self.ca, entries, **options)

    def put(self, answer, number=0):
        self.bench.server.put(self.paths[number], answer)
        return self

    def put_delta(self, answer):
        self.bench.server.put(self.delta_paths[0], answer)
        return self

    def asked(self, number=0):
        return self.bench.server.asked(self.paths[number])


def kinds(bench, t):
    """What the CRL says, and whether it says it of this certificate."""
    def try_one(name, want, make, *paths, mail=None, **options):
        def case():
            one = Case(bench, name, *paths, **options)
            make(one)
            return bench.expect(one.who, want, mail and mail(one))
        t.case("crl/" + name, case)

    pki = bench.pki
    eve = pki.issuing("ca-eve", pki.root, [Point(pki.root_url)])
    root_name = CertParts(pki.root.cert).subject
    try_one("good", "pass", lambda one: one.put(one.crl()))
    try_one("other-is-revoked", "pass", lambda one: one.put(
        one.crl(Entry(pki.sub.cert, 1), Entry(eve.cert, 1))))
    try_one("pem", "pass", lambda one: one.put(pem(one.crl())))
    try_one("revoked", "fail", lambda one: one.put(one.crl(one.revoked())))
    try_one("revoked-without-reason", "fail", lambda one: one.put(
        one.crl(one.revoked(None))))
    try_one("on-hold", "fail", lambda one: one.put(
        one.crl(one.revoked(HOLD))))
    try_one("no-number", "pass", lambda one: one.put(one.crl(number=None)))
    try_one("expired", "temperror", lambda one: one.put(
        one.crl(days=(-9, -2))))
    try_one("expired-and-revoked", "temperror", lambda one: one.put(
        one.crl(one.revoked(), days=(-9, -2))))
    try_one("not-yet-valid", "temperror", lambda one: one.put(
        one.crl(days=(2, 9))))
    try_one("wrong-issuer", "temperror", lambda one: one.put(crl(eve)))
    try_one("wrong-issuer-revokes", "temperror", lambda one: one.put(
        crl(eve, [one.revoked()])))
    try_one("wrong-key", "temperror", lambda one: one.put(
        one.crl(key=eve.key)))
    try_one("signed-by-a-user", "temperror", lambda one: one.put(
        one.crl(key=one.who.key)))
    try_one("unknown-critical-extension", "temperror", lambda one: one.put(
        one.crl(more=[unknown_extension()])))
    # Deltas.
    try_one("delta-removes", "pass", lambda one: one.put(
        one.crl(one.revoked(HOLD))).put_delta(one.crl(
            one.revoked(REMOVE_FROM_CRL), number=2, base=1)),
        deltas=["delta"])
    try_one("delta-revokes", "fail", lambda one: one.put(
        one.crl()).put_delta(one.crl(one.revoked(), number=2, base=1)),
        deltas=["delta"])
    # Without its base a delta acquits nobody, but it may accuse.
    try_one("delta-to-a-later-base-accuses", "fail", lambda one: one.put(
        one.crl()).put_delta(one.crl(one.revoked(), number=9, base=8)),
        deltas=["delta"])
    try_one("delta-to-a-later-base-acquits-nobody", "fail", lambda one:
            one.put(one.crl(one.revoked(HOLD))).put_delta(one.crl(
                one.revoked(REMOVE_FROM_CRL), number=9, base=8)),
            deltas=["delta"])
    try_one("delta-alone", "temperror", lambda one: one.put(
        one.crl(number=2, base=1)))
    # Indirect.
    indirect = dict(points=lambda one: [Point(*one.urls, issuer=root_name)])
    try_one("indirect-good", "pass", lambda one: one.put(crl(
        pki.root, idp=scope(one.urls[0], indirect=True))), **indirect)
    try_one("indirect-revoked", "fail", lambda one: one.put(crl(
        pki.root, [one.revoked(issuer=CertParts(one.ca.cert).subject)],
        idp=scope(one.urls[0], indirect=True))), **indirect)
    try_one("indirect-other-issuers-entry", "pass", lambda one: one.put(crl(
        pki.root, [one.revoked(issuer=CertParts(eve.cert).subject)],
        idp=scope(one.urls[0], indirect=True))), **indirect)
    try_one("indirect-but-not-said", "temperror", lambda one: one.put(crl(
        pki.root, [], idp=scope(one.urls[0]))), **indirect)
    # Partitioned.
    two = dict(points=lambda one: [Point(one.urls[0], reasons=SOME_REASONS),
                                   Point(one.urls[1],
                                         reasons=OTHER_REASONS)])

    def partitions(one, first=(), second=()):
        one.put(one.crl(*first, idp=scope(one.urls[0],
                                          reasons=SOME_REASONS)))
        one.put(one.crl(*second, idp=scope(one.urls[1],
                                           reasons=OTHER_REASONS)), 1)

    try_one("reasons-all-good", "pass", partitions, "a", "b", **two)
    try_one("reasons-first-revokes", "fail", lambda one: partitions(
        one, [one.revoked()]), "a", "b", **two)
    try_one("reasons-second-revokes", "fail", lambda one: partitions(
        one, (), [one.revoked(SUPERSEDED)]), "a", "b", **two)
    try_one("reasons-one-missing", "temperror", lambda one: one.put(one.crl(
        idp=scope(one.urls[0], reasons=SOME_REASONS))), "a", "b", **two)
    try_one("only-users", "pass", lambda one: one.put(
        one.crl(idp=scope(one.urls[0], user=True))))
    try_one("only-users-revoked", "fail", lambda one: one.put(
        one.crl(one.revoked(), idp=scope(user=True))))
    try_one("only-cas", "temperror", lambda one: one.put(
        one.crl(idp=scope(one.urls[0], ca=True))))
    try_one("only-cas-revoked", "temperror", lambda one: one.put(
        one.crl(one.revoked(), idp=scope(ca=True))))
    try_one("another-point", "temperror", lambda one: one.put(
        one.crl(idp=scope("http://elsewhere.test/crl"))))
    # The CA's next key.
    new_key = []

    def rolled(one, *entries):
        new = pki.issuing("new-" + one.name, pki.root, [Point(pki.root_url)],
                          subject="/O=Example/CN=Example ca-" + one.name)
        new_key[:] = [new]
        one.put(crl(new, entries))

    def with_new_key(one):
        return partner.mail(one.who, certs=[
            one.who.cert, one.ca.cert, new_key[0].cert])

    try_one("rollover-good", "pass", rolled, mail=with_new_key)
    try_one("rollover-revoked", "fail", lambda one: rolled(
        one, one.revoked()), mail=with_new_key)
    try_one("rollover-key-unknown", "temperror", rolled)
    # Two ways to the same CRL.
    try_one("second-url", "pass", lambda one: one.put(one.crl(), 1), "a",
            "b")


def unknown_extension():
    return der.extension("1.2.3.4.5", der.NULL, critical=True)


def issuer_revoked(bench, t):
    """The issuing CA itself stands on the root's CRL."""
    server, pki = bench.server, bench.pki
    url = server.url("/other-root.crl")
    ca = pki.issuing("ca-revoked", pki.root, [Point(url)])
    who = pki.member(BOB, [Point(server.url("/below.crl"))], issuer=ca)
    server.put("/below.crl", crl(ca))
    server.put("/other-root.crl", crl(
        pki.root, [Entry(ca.cert, 2)], number=50, idp=scope(url)))
    t.case("crl/issuer-revoked", bench.expect, who, "fail")


def no_point(bench, t):
    """Without distribution point: unknown, until a CRL is imported."""
    ca = bench.pki.issuing("ca-silent", bench.pki.root,
                           [Point(bench.pki.root_url)])
    who = bench.pki.member(BOB, [], issuer=ca)
    t.case("crl/no-point", bench.expect, who, "temperror")
    path = bench.where.write("import.pem", pem(crl(ca))
                             + open(ca.cert, "rb").read())
    bench.milter.must_smimectl("crl", "import", path)
    t.case("crl/no-point-imported", bench.expect, who, "pass")


def servers(bench, t):
    """All that can go wrong on the way."""
    server = bench.server
    shut = place.free_port()
    great = (64 << 20) + 1

    def try_one(name, want, answer, **options):
        def case():
            one = Case(bench, name, **options)
            one.put(answer(one) if answer else b"")
            began = time.monotonic()
            why = bench.expect(one.who, want)
            if time.monotonic() - began > PATIENCE:
                why += "took %d s" % (time.monotonic() - began)
            return why
        t.case("server/" + name, case)

    counted = []
    try_one("down", "temperror", None, points=lambda one: [
        Point("http://127.0.0.1:%d/crl" % shut)])
    try_one("no-such-name", "temperror", None, points=lambda one: [
        Point("http://no-such-host.invalid/crl")])
    try_one("404", "temperror", lambda one: crlserver.missing)
    try_one("500", "temperror", lambda one: crlserver.status(500))
    try_one("slow", "temperror", lambda one: crlserver.slow(
        server, one.crl()))
    try_one("endless", "temperror", lambda one: crlserver.endless(
        server, counted))
    place.wait_until(lambda: counted or not t.wanted("server/endless"),
                     120, "the end of the endless answer")
    t.ok(not counted or counted[0] < 200 << 20, "server/endless-is-cut",
         counted)
    try_one("over-64-MB-announced", "temperror", lambda one:
            crlserver.truncated(one.crl(), great))
    try_one("over-64-MB", "temperror", lambda one: bytes(great))
    try_one("truncated", "temperror", lambda one: crlserver.truncated(
        one.crl()[:-50], len(one.crl())))
    try_one("cut-off", "temperror", lambda one: one.crl()[:-50])
    try_one("something-behind", "temperror", lambda one: one.crl() + b"\0")
    try_one("empty", "temperror", lambda one: b"")
    try_one("html", "temperror", lambda one: b"<html>please log in</html>")
    try_one("certificate", "temperror", lambda one: CertParts(
        one.ca.cert).whole)
    try_one("not-http", "temperror", lambda one: crlserver.garbage)
    try_one("redirected", "pass", lambda one: crlserver.redirect(
        server.put("/%s/there" % one.name, one.crl())))
    try_one("redirected-301-relative", "pass", lambda one: redirected_to(
        server, one))
    try_one("redirected-in-circles", "temperror", lambda one:
            crlserver.redirect(one.urls[0]))
    for scheme in ("file:///etc/passwd", "ftp://127.0.0.1/crl",
                   "gopher://127.0.0.1/crl", "ldap://127.0.0.1/crl"):
        try_one("redirected-to-" + scheme.split(":")[0], "temperror",
                lambda one: crlserver.redirect(scheme))
    try_one("file-url", "temperror", None, points=lambda one: [
        Point("file://" + bench.where.write("good.crl", one.crl()))])
    try_one("ldap-url-beside", "pass", lambda one: one.crl(),
            points=lambda one: [Point("ldap://127.0.0.1/cn=x?crl",
                                      *one.urls)])


def redirected_to(server, one):
    server.put("/%s/there" % one.name, one.crl())
    return crlserver.redirect("/%s/there" % one.name, 301)


def together(bench, t):
    """However many mails wait, the URL is asked for once."""
    one = Case(bench, "together")
    gate = threading.Event()
    one.put(crlserver.held(one.crl(), gate))
    words = []
    mails = [partner.mail(one.who) for _ in range(20)]
    threads = [threading.Thread(target=lambda mail=mail: words.append(
        bench.receive(mail)[0])) for mail in mails]
    for thread in threads:
        thread.start()
    place.wait_until(lambda: one.asked(), 30, "the first request")
    time.sleep(0.5)
    gate.set()
    for thread in threads:
        thread.join()
    t.equal((words, one.asked()), (["pass"] * 20, 1), "together/one-fetch")
    t.equal(bench.receive(partner.mail(one.who))[0], "pass",
            "together/afterwards")
    t.equal(one.asked(), 1, "together/not-asked-again")


def not_again(bench, t):
    """A server that fails is left alone for a while."""
    one = Case(bench, "failing")
    one.put(crlserver.status(503))
    for _ in range(5):
        bench.receive(partner.mail(one.who))
    t.equal(one.asked(), 1, "back-off/asked-once")
    good = Case(bench, "untrusted-first")
    stranger = RevocationPki(bench.where.dir("stranger"),
                             bench.server.url("/strange-root"))
    who = stranger.member(BOB, [Point(bench.server.url("/strange"))])
    word, _ = bench.receive(partner.mail(who))
    t.equal((word, bench.server.asked("/strange"),
             bench.server.asked("/strange-root"), good.asked()),
            ("policy", 0, 0, 0), "back-off/never-for-an-unknown-ca")


def restart(bench, t):
    one = Case(bench, "restart")
    one.put(one.crl())
    t.case("restart/before", bench.expect, one.who, "pass")
    bad = Case(bench, "restart-revoked")
    bad.put(bad.crl(bad.revoked()))
    t.case("restart/revoked-before", bench.expect, bad.who, "fail")
    bench.server.stop()
    bench.milter.stop()
    bench.milter.start()
    t.case("restart/kept", bench.expect, one.who, "pass")
    t.case("restart/revoked-kept", bench.expect, bad.who, "fail")
    bench.milter.kill()
    bench.milter.start()
    t.case("restart/kept-after-a-kill", bench.expect, one.who, "pass")
    bench.server.start()


def commands(bench, t):
    """crl list, crl refresh with validators, crl import of an older one."""
    one = Case(bench, "commands")
    one.put(crlserver.with_validators(one.crl(number=5), '"five"'))
    bench.receive(partner.mail(one.who))
    listed = json_of(bench, "crl", "list")
    ours = [item for item in listed if item.get("url") == one.urls[0]]
    t.ok(len(ours) == 1 and "ca-commands" in str(ours[0]), "command/list",
         listed)
    bench.milter.smimectl("crl", "refresh")
    t.equal((one.asked(), bench.server.headers[one.paths[0]].get(
        "If-None-Match")), (2, '"five"'), "command/refresh-conditional")
    one.put(one.crl(one.revoked(), number=6))
    bench.milter.smimectl("crl", "refresh")
    t.equal(bench.receive(partner.mail(one.who))[0], "fail",
            "command/refresh-brings-news")
    one.put(one.crl(number=4))
    bench.milter.smimectl("crl", "refresh")
    t.equal(bench.receive(partner.mail(one.who))[0], "fail",
            "command/never-an-older-one")
    path = bench.where.write("foreign.crl", crl(RevocationPki(
        bench.where.dir("foreign"), "http://x.test/").sub))
    result = bench.milter.smimectl("crl", "import", path)
    t.equal(result.returncode, 65, "command/import-of-a-foreign-one")
    text = bench.milter.smimectl("crl", "list").stdout.decode()
    t.ok(one.urls[0] in text, "command/list-for-people", text)


def json_of(bench, *words):
    result = bench.milter.smimectl("--json", *words)
    if result.returncode != 0:
        raise place.Failure(said(result))
    return json.loads(result.stdout)["items"]


def later(where, pki, server, t):
    """soft: what is unknown passes, and is taken back when the CRL comes."""
    if not t.wanted("later/unknown-at-first"):
        return
    bench = Bench(where, pki, server, mode="soft", wait=1)
    bench.milter.start()
    one = Case(bench, "later")
    gate = threading.Event()
    one.put(crlserver.held(one.crl(one.revoked()), gate))
    t.case("later/unknown-at-first", bench.expect, one.who, "pass", None,
           "(revocation unknown)")
    shown = bench.stored(one.who)
    t.ok("revoked" not in shown, "later/not-yet-revoked", shown)
    gate.set()
    place.wait_until(lambda: "revoked" in bench.stored(one.who), 60,
                     "the CRL to count")
    t.equal(bench.receive(partner.mail(one.who))[0], "fail",
            "later/next-mail-fails")
    down = Case(bench, "soft-down")
    down.put(crlserver.status(500))
    t.case("later/soft-and-down", bench.expect, down.who, "pass", None,
           "(revocation unknown)")
    bench.milter.stop()
    bench.milter.write_settings(revocation={
        "mode": "off", "private_hosts": True})
    bench.milter.start()
    off = Case(bench, "off")
    off.put(off.crl(off.revoked()))
    t.case("off/not-asked", bench.expect, off.who, "pass")
    t.equal(off.asked(), 0, "off/nothing-fetched")
    bench.milter.stop()
    bench.milter.write_settings(revocation={
        "mode": "soft", "private_hosts": True, "fetch": False})
    bench.milter.start()
    silent = Case(bench, "no-fetch")
    silent.put(silent.crl(silent.revoked()))
    t.case("no-fetch/unknown", bench.expect, silent.who, "pass", None,
           "(revocation unknown)")
    t.equal(silent.asked(), 0, "no-fetch/nothing-fetched")
    bench.milter.stop()


def private(where, pki, server, t):
    """Without private_hosts nothing on this machine is asked, by whatever
    name."""
    bench = Bench(where, pki, server, private_hosts=False)
    bench.milter.start()
    before = sum(server.requests.values())
    port = server.port
    for name, host in (("127.0.0.1", "127.0.0.1"), ("localhost", "localhost"),
                       ("127.1", "127.1"), ("decimal", "2130706433"),
                       ("hex", "0x7f000001"), ("zero", "0.0.0.0"),
                       ("ipv6", "[::1]"), ("mapped", "[::ffff:127.0.0.1]"),
                       ("user", "crl.example@127.0.0.1")):
        one = Case(bench, "private-" + name.replace(".", "-"),
                   points=lambda one, host=host: [
                       Point("http://%s:%d/%s/crl" % (host, port, one.name))])
        one.put(one.crl())
        t.case("private/" + name, bench.expect, one.who, "temperror")
    t.equal(sum(server.requests.values()), before, "private/never-asked")
    bench.milter.stop()


def in_new_network(function, *arguments):
    """Calls it in a thread that has a network of its own: loopback and an
    address that is nobody's private one. What it starts is there too."""
    trouble = []

    def run():
        try:
            if ctypes.CDLL(None).unshare(NEW_NETWORK) != 0:
                raise Skip("no network namespaces here")
            place.must_run(["ip", "link", "set", "lo", "up"])
            place.must_run(["ip", "address", "add", PUBLIC + "/32", "dev",
                            "lo"])
            function(*arguments)
        except BaseException as error:  # it is the caller's
            trouble.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if trouble:
        raise trouble[0]


def redirected_inside(where, t):
    """A public server that sends us to ourselves."""
    outside, inside = CrlServer(PUBLIC), CrlServer()
    pki = RevocationPki(where.dir("public"), outside.url("/root.crl"))
    outside.put("/root.crl", crl(pki.root))
    bench = Bench(where, pki, outside, private_hosts=False)
    bench.milter.start()
    control = Case(bench, "public")
    control.put(control.crl())
    t.case("redirect/public-control", bench.expect, control.who, "pass")
    for name, url in (
            ("127.0.0.1", inside.url("/crl")),
            ("localhost", inside.url("/crl", "localhost")),
            ("ipv6", inside.url("/crl", "[::1]")),
            ("metadata", "http://169.254.169.254/crl"),
            ("https", "https://127.0.0.1:%d/crl" % inside.port)):
        one = Case(bench, "to-" + name.replace(".", "-"))
        inside.put("/crl", one.crl())
        one.put(crlserver.redirect(url))
        t.case("redirect/to-" + name, bench.expect, one.who, "temperror")
        t.equal(one.asked(), 1, "redirect/to-%s-was-asked" % name)
    t.equal(sum(inside.requests.values()), 0, "redirect/never-inside")
    bench.milter.stop()
    outside.stop()
    inside.stop()


def test(t):
    where = place.Place("revocation")
    server = CrlServer()
    where.on_close(server.stop)
    pki = RevocationPki(where.dir("pki"), server.url("/root.crl"))
    server.put("/root.crl", crl(pki.root))
    bench = Bench(where, pki, server)
    bench.milter.start()
    for one in (kinds, issuer_revoked, no_point, servers, together,
                not_again, restart, commands):
        one(bench, t)
    bench.milter.stop()
    later(where, pki, server, t)
    private(where, pki, server, t)
    try:
        in_new_network(redirected_inside, where, t)
    except Skip as reason:
        t.skip("redirect/public", str(reason))
    where.close()


if __name__ == "__main__":
    tap.main(test, __doc__)
