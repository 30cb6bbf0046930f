#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What gets into the certificate directory, what does not, and what lies
there: every condition of harvesting, and the files as others read them."""

import os
import stat
import sys
import time

TESTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
sys.path.insert(0, os.path.join(TESTS, "lib"))

from smimetest import cmsmaker, place, tap                # noqa: E402
from smimetest import revocationpki                       # noqa: E402
from smimetest.authority import Authority                 # noqa: E402
from smimetest.inbox import Inbox, parses                 # noqa: E402
from smimetest.partner import BOB, head, mail             # noqa: E402
from smimetest.pki import fingerprint                     # noqa: E402
from smimetest.rawmail import crlf                        # noqa: E402
from smimetest.revocationpki import Entry, Point, RevocationPki  # noqa: E402

HOUR, DAY = 3600, 86400
GCM = cmsmaker.capabilities(cmsmaker.AES256_GCM, cmsmaker.AES256_CBC)
CBC = cmsmaker.capabilities(cmsmaker.AES128_CBC)
USES = "digitalSignature, keyEncipherment"
PLAIN = head() + crlf("Content-Type: text/plain\n\nnot signed\n")


class Bench:
    def __init__(self):
        self.where = place.Place("harvest")
        self.pki = Authority(self.where.dir("pki"))
        self.bob = self.pki.user(BOB, "rsa", name="bob")
        self.stranger = Authority(self.where.dir("stranger"), "Strange")
        self.count = 0

    def inbox(self, trusted=True, **settings):
        self.count += 1
        return Inbox(self.where, "desk%d" % self.count,
                     self.pki.anchor if trusted else None, **settings)

    def user(self, kind="p256", address=BOB, **options):
        self.count += 1
        return self.pki.user(address, kind, name="user%d" % self.count,
                             agrees=True, **options)


def modes(bench, t):
    bob = bench.bob
    fpr = bob.fingerprint()
    auto = bench.inbox()
    got = auto.receive(mail(bob))
    t.equal((got.harvested, auto.states()), ([fpr], {fpr: "used"}),
            "mode/auto")
    entry = auto.entries()[0]
    t.ok(entry["source"] == "harvested" and entry["address"] == BOB
         and fingerprint(entry["pem"].encode()) == fpr
         and {"first seen", "last seen", "signing time"} <= set(entry),
         "mode/auto-facts", entry)
    again = auto.receive(mail(bob))
    t.ok(len(auto.entries()) == 1 and again.results == ["pass"],
         "mode/auto-again", auto.entries())
    pending = bench.inbox(harvest={"mode": "pending"})
    got = pending.receive(mail(bob))
    t.equal(pending.states(), {fpr: "pending"}, "mode/pending")
    pending.must("cert", "approve", fpr)
    t.equal((pending.states(), pending.entries()[0]["source"]),
            ({fpr: "used"}, "approved"), "mode/pending-approved")
    pending.receive(mail(bob, signing_time=time.time() + 60, more=[GCM]))
    t.equal(pending.entries()[0].get("capabilities"),
            "aes256-gcm aes256-cbc", "mode/pending-refreshed")
    off = bench.inbox(harvest={"mode": "off"})
    got = off.receive(mail(bob))
    t.ok(got.results == ["pass"] and not got.harvested
         and not off.cert_files(), "mode/off", got)
    dry = bench.inbox()
    dry.receive(mail(bob), "--dry-run")
    t.ok(not dry.cert_files(), "mode/dry-run", dry.cert_files())


def unknown_ca(bench, t):
    box = bench.inbox()
    who = bench.stranger.user(BOB, name="unknown")
    fpr = who.fingerprint()
    sent = mail(who, certs=[who.cert, who.chain, bench.stranger.anchor])
    got = box.receive(sent)
    t.ok(got.results == ["policy"] and not got.harvested
         and box.states() == {fpr: "pending"}, "unknown-ca/pending", got)
    item = box.json("cert", "pending")["items"][0]
    text = str(item)
    sub = fingerprint(open(who.chain, "rb").read())
    t.ok(fpr in text and BOB in text and sub in text,
         "unknown-ca/address-fingerprint-and-chain", item)
    shown = box.must("cert", "pending").decode()
    number = sent.split(b"Message-ID: <")[1].split(b">")[0].decode()
    t.ok(number in shown and BOB in shown and "Strange sub" in shown,
         "unknown-ca/for-people", shown)
    box.receive(mail(who))
    t.equal(len(box.json("cert", "pending")["items"]), 1, "unknown-ca/once")
    box.must("trust", "add", bench.stranger.anchor)
    got = box.receive(mail(who))
    t.ok(got.harvested == [fpr] and box.states() == {fpr: "used"}
         and not box.json("cert", "pending")["items"],
         "unknown-ca/known-later", (str(got), box.states()))
    none = bench.inbox(harvest={"max_pending": 0})
    got = none.receive(mail(who))
    t.ok(not got.harvested and not none.cert_files(),
         "unknown-ca/max_pending-0", none.cert_files())


def never(bench, t):
    """Conditions that keep a certificate out."""
    own = bench.user(address="carol@example.com")
    sub = bench.user(address="carol@dep.example.com")
    sign_only = bench.pki.special("sign-only", kind="rsa",
                                  names="email:" + BOB)
    future = time.time() + HOUR
    soon = time.time() + 300
    list_head = head("Bob via list <all@lists.partner.test>",
                     more="List-Id: <all.lists.partner.test>\n")
    hard = bench.inbox(revocation={"mode": "hard", "fetch": False})
    cases = (
        ("own-address", mail(own, head("carol@example.com")), None),
        ("own-subdomain", mail(sub, head("carol@dep.example.com")), None),
        ("mailing-list", mail(bench.bob, list_head), None),
        ("not-fit-for-encryption", mail(sign_only, head(BOB)), None),
        ("future-signing-time", mail(bench.bob, signing_time=future), None),
        ("unsigned", PLAIN, None),
        ("changed", mail(bench.bob).replace(b"today", b"later"), None),
        ("revocation-unknown-under-hard", mail(bench.bob), hard),
        ("expired", mail(bench.user(days=(-9, -3))), None),
    )
    for name, sent, box in cases:
        box = box or bench.inbox()
        got = box.receive(sent)
        t.ok(not got.harvested and not box.cert_files() and got.code == 0,
             "never/" + name, (str(got), box.cert_files()))
    box = bench.inbox()
    got = box.receive(mail(bench.bob, signing_time=soon))
    t.equal(got.harvested, [bench.bob.fingerprint()],
            "never/but-five-minutes-ahead")
    box = bench.inbox()
    listed = head(BOB, more="List-Id: <all.lists.partner.test>\n")
    got = box.receive(mail(bench.bob, listed))
    t.ok(got.results == ["pass"], "never/list-that-keeps-from", got)


def signing_times(bench, t):
    now = time.time()
    box = bench.inbox()
    first, second = bench.bob, bench.user("rsa")
    box.receive(mail(first, signing_time=now - 2 * DAY, more=[GCM]))
    t.equal(box.entries()[0]["capabilities"], "aes256-gcm aes256-cbc",
            "time/capabilities")
    box.receive(mail(first, signing_time=now - 3 * DAY, more=[CBC]))
    t.equal(box.entries()[0]["capabilities"], "aes256-gcm aes256-cbc",
            "time/older-capabilities-stay-out")
    box.receive(mail(first, signing_time=cmsmaker.ABSENT, more=[CBC]))
    t.equal(box.entries()[0]["capabilities"], "aes256-gcm aes256-cbc",
            "time/capabilities-without-time-stay-out")
    box.receive(mail(first, signing_time=now - DAY, more=[CBC]))
    t.equal(box.entries()[0]["capabilities"], "aes128-cbc",
            "time/newer-capabilities")
    got = box.receive(mail(second, signing_time=now - 5 * DAY))
    t.ok(not got.harvested and second.fingerprint() not in box.states(),
         "time/older-certificate", got)
    got = box.receive(mail(second, signing_time=cmsmaker.ABSENT))
    t.ok(not got.harvested and second.fingerprint() not in box.states(),
         "time/certificate-without-time", got)
    got = box.receive(mail(second, signing_time=now))
    states = box.states()
    t.ok(got.harvested == [second.fingerprint()] and states == {
        first.fingerprint(): "used", second.fingerprint(): "used"},
         "time/newer-certificate-beside", states)
    t.ok("warning" in got.stderr.lower() and BOB in got.stderr,
         "time/newer-certificate-is-warned-of", got.stderr)
    bare = bench.inbox()
    got = bare.receive(mail(first, signing_time=cmsmaker.ABSENT))
    t.equal(got.harvested, [first.fingerprint()],
            "time/none-and-none-there")
    got = bare.receive(mail(first, signing_time=now, more=[GCM]))
    t.equal(bare.entries()[0].get("capabilities"), "aes256-gcm aes256-cbc",
            "time/first-real-time")


def limits(bench, t):
    now = time.time()
    box = bench.inbox(harvest={"max_per_address": 3})
    users = [bench.user() for _ in range(5)]
    for age, user in zip((50, 40, 30, 20, 10), users):
        box.receive(mail(user, signing_time=now - age * HOUR))
    t.equal(sorted(box.states()), sorted(
        one.fingerprint() for one in users[2:]), "limit/oldest-goes")
    box.must("cert", "pin", users[2].fingerprint())
    box.must("cert", "import", bench.bob.cert, "--address", BOB)
    newer = bench.user()
    box.receive(mail(newer, signing_time=now))
    states = box.states()
    t.ok(states.get(users[2].fingerprint()) == "used"
         and states.get(bench.bob.fingerprint()) == "used",
         "limit/never-pinned-or-imported", states)
    t.ok(list(states.values()).count("used") <= 4, "limit/count", states)


def two_certificates(bench, t):
    """One to sign, another to encrypt to."""
    pki = bench.pki
    signer = pki.special("signer", kind="p256", names="email:" + BOB)
    cipher = pki.special("cipher", kind="rsa", usage="keyEncipherment",
                         names="email:" + BOB)
    other = pki.special("cipher-of-eve", kind="rsa", usage="keyEncipherment",
                        names="email:eve@partner.test")
    strange = bench.stranger.special("strange-cipher", kind="rsa",
                                     usage="keyEncipherment",
                                     names="email:" + BOB)
    certs = [cipher.cert, signer.chain, signer.cert]
    box = bench.inbox()
    got = box.receive(mail(signer, head(BOB), certs=certs, more=[
        cmsmaker.key_preference(cipher.cert), GCM]))
    t.ok(got.harvested == [cipher.fingerprint()]
         and list(box.states()) == [cipher.fingerprint()],
         "two/preference", (str(got), box.states()))
    t.equal(box.entries()[0].get("capabilities"), "aes256-gcm aes256-cbc",
            "two/preference-capabilities")
    for name, named, certs in (
            ("named-but-absent", cipher, [signer.cert, signer.chain]),
            ("named-anothers", other, [signer.cert, signer.chain,
                                       other.cert]),
            ("named-untrusted", strange, [signer.cert, signer.chain,
                                          strange.cert, strange.chain])):
        box = bench.inbox()
        got = box.receive(mail(signer, head(BOB), certs=certs, more=[
            cmsmaker.key_preference(named.cert)]))
        t.ok(got.results == ["pass"] and not got.harvested
             and "used" not in box.states().values(), "two/" + name, got)
    same = same_subject(bench)
    box = bench.inbox()
    got = box.receive(mail(same[0], head(BOB), certs=[
        same[0].cert, same[0].chain, same[1].cert]))
    t.equal(got.harvested, [same[1].fingerprint()], "two/same-subject")
    both = bench.user("rsa")
    box = bench.inbox()
    got = box.receive(mail(both, certs=[both.cert, both.chain, cipher.cert]))
    t.equal(got.harvested, [both.fingerprint()],
            "two/extra-certificate-is-ignored")


def same_subject(bench):
    """A signing and an encryption certificate with one subject."""
    pki, found = bench.pki, []
    for name, usage in (("sig", "digitalSignature"),
                        ("enc", "keyEncipherment")):
        key = pki._key("same-" + name, "rsa")
        cert = pki._issue("same-" + name, key, "/CN=Bob the partner",
                          pki.sub, (-1, 365), """
basicConstraints = CA:FALSE
keyUsage = critical, %s
extendedKeyUsage = emailProtection
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = email:%s
""" % (usage, BOB))
        found.append(type(bench.bob)(BOB, cert, key, pki.sub.cert))
    return found


NAMES = (
    ("plain", "dora@partner.test", "partner.test/dora.pem"),
    ("upper", "Dora.Miller@Partner.TEST", "partner.test/dora.miller.pem"),
    ("signs", "a+b-c_d=e@partner.test", "partner.test/a+b-c_d=e.pem"),
    ("percent", "a/b%c@partner.test", "partner.test/a%2Fb%25c.pem"),
    ("apostrophe", "o'hara@partner.test", "partner.test/o%27hara.pem"),
)


def files(bench, t):
    box = bench.inbox()
    for name, address, path in NAMES:
        who = bench.pki.special("file-" + name, kind="rsa", usage=USES,
                                names="email:" + address.replace("'", "\\'"))
        got = box.receive(mail(who, head("<%s>" % address)), sender=address)
        full = os.path.join(box.state, "certs", path)
        t.ok(got.harvested == [who.fingerprint()] and os.path.exists(full)
             and not parses(full), "file/" + name,
             (str(got), box.cert_files()))
    quoted = bench.pki.special("quoted", kind="rsa", usage=USES,
                               names='email:\\".dot dot\\"@partner.test')
    sender = '".dot dot"@partner.test'
    got = box.receive(mail(quoted, head("<%s>" % sender)), sender=sender)
    full = os.path.join(box.state, "certs", "partner.test",
                        "%2Edot%20dot.pem")
    t.ok(got.harvested == [quoted.fingerprint()] and os.path.exists(full),
         "file/quoted", (str(got), box.cert_files()))
    modes_ = {path: stat.S_IMODE(os.stat(path).st_mode) & 0o022
              for path in box.cert_files()}
    t.ok(not any(modes_.values()), "file/not-writable-for-others", modes_)
    literal = bench.pki.special("literal", kind="rsa", usage=USES,
                                names="email:bob@[192.0.2.5]")
    got = box.receive(mail(literal, head("bob@[192.0.2.5]")),
                      sender="bob@[192.0.2.5]")
    t.ok(not got.harvested and got.code == 0, "file/address-literal", got)
    for path in box.cert_files():
        for line in open(path):
            if len(line) > 2000:
                t.ok(False, "file/line-length", (path, len(line)))
    text = open(box.cert_file("dora@partner.test")).read()
    t.ok(text.startswith("# ") and text.count("BEGIN CERTIFICATE") == 1
         and all(line.startswith("# ") and ": " in line for line in
                 text.split("-----BEGIN")[0].strip().splitlines()),
         "file/lines", text)


def commands(bench, t):
    """What the administrator's verbs say and do."""
    box = bench.inbox()
    fpr = bench.bob.fingerprint()
    box.receive(mail(bench.bob, more=[GCM]))
    item = box.json("cert", "show", BOB)["items"][0]
    t.ok(item["fingerprint"] == fpr and item["state"] == "used"
         and item["source"] == "harvested" and item["address"] == BOB,
         "command/show", item)
    t.equal([one["fingerprint"] for one in box.json(
        "cert", "show", fpr[:12])["items"]], [fpr], "command/show-prefix")
    for words in ([], [BOB], ["@partner.test"]):
        t.equal([one["fingerprint"] for one in box.json(
            "cert", "list", *words)["items"]], [fpr],
            "command/list-%s" % "".join(words))
    t.equal(box.json("cert", "list", "@other.test")["items"], [],
            "command/list-empty")
    t.equal(box.run("cert", "show", "nobody@partner.test").returncode, 1,
            "command/show-nobody")
    pem = box.must("cert", "export", BOB)
    t.equal(fingerprint(pem), fpr, "command/export")
    der = box.must("cert", "export", fpr, "--der")
    t.equal(der, cmsmaker.pem_to_der(bench.bob.cert), "command/export-der")
    box.must("cert", "remove", fpr)
    t.ok(not box.cert_files(), "command/remove", box.cert_files())
    t.equal(box.run("cert", "remove", fpr).returncode, 1,
            "command/remove-again")
    box.must("cert", "import", bench.bob.cert)
    t.equal(box.entries()[0]["source"], "imported", "command/import")
    box.must("cert", "block", fpr)
    t.equal(box.states(), {fpr: "blocked"}, "command/block")
    box.must("cert", "import", "--address", "@partner.test", bench.bob.cert)
    full = os.path.join(box.state, "certs", "partner.test", "@domain.pem")
    t.ok(not parses(full), "command/import-domain", parses(full))
    t.equal(box.run("cert", "import", box.file("x.pem", b"nothing")
                    ).returncode, 65, "command/import-nothing")
    with open(box.cert_file(BOB), "ab") as file:
        file.write(b"# my own remark: kept\n" + open(
            bench.user().cert, "rb").read())
    t.ok(box.run("cert", "show", BOB).returncode in (0, 1),
         "command/edited-by-hand", box.run("cert", "show", BOB))


def by_hand(bench, t):
    """What others write into the files is kept, what they break is never
    overwritten."""
    box = bench.inbox()
    box.receive(mail(bench.bob, signing_time=time.time() - 10))
    path = box.cert_file(BOB)
    text = open(path).read()
    open(path, "w").write("# ticket: 4711\n" + text)
    box.receive(mail(bench.user()))
    t.ok("# ticket: 4711" in open(path).read() and len(box.entries()) == 2,
         "hand/unknown-line-kept", open(path).read())
    broken = text[:len(text) // 2]
    open(path, "w").write(broken)
    got = box.receive(mail(bench.bob))
    t.ok(got.code == 0 and got.results == ["pass"] and not got.harvested
         and open(path).read() == broken, "hand/broken-never-overwritten",
         got)


def intermediates(bench, t):
    """Collected from verified mail, used for mail without them."""
    box = bench.inbox()
    second = bench.user(address="dora@partner.test")
    bare = mail(second, certs=[second.cert])
    got = box.receive(bare, sender=second.address)
    t.equal(got.results, ["policy"], "intermediate/unknown-at-first")
    strange = bench.stranger.user(BOB, name="strange")
    box.receive(mail(strange))
    box.receive(mail(bench.bob))
    got = box.receive(bare, sender=second.address)
    t.ok(got.results == ["pass"]
         and got.harvested == [second.fingerprint()], "intermediate/later",
         got)
    kept = os.listdir(os.path.join(box.state, "intermediates"))
    sub = fingerprint(open(bench.pki.sub.cert, "rb").read())
    t.equal(kept, [sub + ".pem"], "intermediate/only-the-verified-one")
    trusted = box.json("trust", "list")["items"]
    t.equal(len(trusted), 1, "intermediate/not-an-anchor")
    fresh = bench.inbox(trusted=False)
    fresh.receive(mail(bench.bob))
    t.ok(not os.path.isdir(os.path.join(fresh.state, "intermediates"))
         or not os.listdir(os.path.join(fresh.state, "intermediates")),
         "intermediate/none-without-anchor")


def known_signer(bench, t):
    """A signer whose certificate is in the directory need not send it."""
    box = bench.inbox()
    who = bench.user()
    without = mail(who, certs=[])
    got = box.receive(without)
    t.equal(got.results, ["permerror"], "known/unknown-at-first")
    box.receive(mail(who))
    got = box.receive(without)
    t.equal(got.results, ["pass"], "known/later")


def withdrawn(bench, t):
    """A CRL that is imported later takes a stored certificate away."""
    pki = RevocationPki(bench.where.dir("revoking"), "http://crl.test/r.crl")
    who = pki.member(BOB, [Point("http://crl.test/s.crl")])
    box = Inbox(bench.where, "withdrawn", pki.anchor)
    got = box.receive(mail(who))
    t.equal(got.harvested, [who.fingerprint()], "withdrawn/harvested-first")
    crl = revocationpki.crl(pki.sub, [Entry(who.cert, 1)])
    box.import_crl(crl, pki.sub)
    got = box.receive(mail(who))
    t.ok(got.results == ["fail"] and not got.harvested,
         "withdrawn/signature", got)
    text = box.run("cert", "show", BOB).stdout.decode()
    t.ok("revoked" in text, "withdrawn/show", text)
    listed = box.json("crl", "list")["items"]
    t.ok(len(listed) == 1, "withdrawn/crl-list", listed)


def inside_mail(bench, t):
    """CRLs that come in the message count."""
    pki = RevocationPki(bench.where.dir("inside"), "http://crl.test/r.crl")
    who = pki.member(BOB, [Point("http://crl.test/s.crl")])
    other = pki.member("eve@partner.test", [Point("http://crl.test/s.crl")])
    hard = {"mode": "hard", "fetch": False}
    lists = [revocationpki.crl(pki.root), revocationpki.crl(
        pki.sub, [Entry(other.cert, 1)])]
    box = Inbox(bench.where, "inside1", pki.anchor, revocation=hard)
    got = box.receive(mail(who, crls=lists))
    t.ok(got.results == ["pass"] and got.harvested, "inside/good", got)
    box = Inbox(bench.where, "inside2", pki.anchor, revocation=hard)
    got = box.receive(mail(other, crls=lists), sender=other.address)
    t.ok(got.results == ["fail"] and not got.harvested, "inside/revoked", got)
    forged = revocationpki.crl(pki.sub, [], key=who.key)
    box = Inbox(bench.where, "inside3", pki.anchor, revocation=hard)
    got = box.receive(mail(who, crls=[lists[0], forged]))
    t.ok(got.results == ["temperror"] and not got.harvested,
         "inside/forged", got)


def test(t):
    bench = Bench()
    for one in (modes, unknown_ca, never, signing_times, limits,
                two_certificates, files, commands, by_hand, intermediates,
                known_signer, withdrawn, inside_mail):
        one(bench, t)
    bench.where.close()


if __name__ == "__main__":
    tap.main(test, __doc__)
