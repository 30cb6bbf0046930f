#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Keys and trust anchors: every form that is taken in, every one that is
refused and why, what is listed, and what is removed."""

import os
import stat
import sys

TESTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
sys.path.insert(0, os.path.join(TESTS, "lib"))

from smimetest import desk, place, tap                    # noqa: E402
from smimetest.authority import Authority                 # noqa: E402
from smimetest.desk import Desk                           # noqa: E402
from smimetest.pki import fingerprint                     # noqa: E402

ALICE = "alice@example.com"
PASSPHRASE = "correct horse"


class Bench:
    """The PKI, and a fresh desk for each case."""

    def __init__(self):
        self.where = place.Place("key")
        self.pki = Authority(self.where.dir("pki"))
        self.passphrase = self.where.write("passphrase", PASSPHRASE + "\n")
        self.count = 0

    def desk(self, **settings):
        self.count += 1
        return Desk(self.where, "desk%d" % self.count, **settings)

    def parts(self, identity, key=None, cert=None):
        return ("--cert", cert or identity.cert, "--key", key or identity.key,
                "--chain", identity.chain)


def key_file(here, address):
    local, domain = address.split("@")
    return os.path.join(here.state, "keys", domain, local + ".pem")


def imported(here, identity, addresses, result):
    """What is wrong after an import, as text."""
    if result.returncode != 0:
        return desk.said(result)
    listed = here.json("key", "list")["items"]
    if sorted(one["address"] for one in listed) != sorted(addresses):
        return "listed: %r" % listed
    for one in listed:
        if one["fingerprint"] != identity.fingerprint():
            return "listed: %r" % one
        mode = stat.S_IMODE(os.stat(key_file(here, one["address"])).st_mode)
        if mode != 0o600:
            return "mode %o" % mode
        if one["fingerprint"] not in desk.said(result):
            return "does not say what was imported: %s" % desk.said(result)
    return ""


def good_kinds(bench, t):
    for kind in ("rsa", "rsa3072", "rsa4096", "p256", "p384", "p521"):
        identity = bench.pki.user(ALICE, kind)

        def case():
            here = bench.desk()
            return imported(here, identity, [ALICE], here.run(
                "key", "import", *bench.parts(identity)))
        t.case("key/import/parts-" + kind, case)


def good_forms(bench, t):
    pki = bench.pki
    identity = pki.user(ALICE, "rsa", name="forms")
    two = pki.user(ALICE, "p256", others=("sales@example.com",
                                          "alice@partner.test"), name="two")
    below = pki.user("carol@dept.example.com", "p256", name="below")
    upper = pki.user("Alice@EXAMPLE.com", "p256", name="upper")
    words = ("--passphrase-file", bench.passphrase)
    modern = pki.pkcs12(identity, PASSPHRASE)
    legacy = pki.pkcs12(identity, PASSPHRASE, legacy=True)
    empty = pki.pkcs12(pki.copy(identity, "nopass"), "")
    crlf = bench.where.write("passphrase-crlf", PASSPHRASE + "\r\nmore\n")
    bare = bench.where.write("passphrase-bare", PASSPHRASE)
    forms = {
        "pkcs12-modern": (identity, [ALICE], (modern, *words)),
        "pkcs12-legacy": (identity, [ALICE], (legacy, *words)),
        "pkcs12-no-passphrase": (identity, [ALICE], (empty,)),
        "passphrase-crlf": (identity, [ALICE], (
            modern, "--passphrase-file", crlf)),
        "passphrase-no-line-end": (identity, [ALICE], (
            modern, "--passphrase-file", bare)),
        "der": (identity, [ALICE], bench.parts(
            identity, key=pki.der_key(identity),
            cert=pki.der_cert(identity))),
        "traditional-key": (identity, [ALICE], bench.parts(
            identity, key=pki.traditional_key(identity))),
        "encrypted-key": (identity, [ALICE], (*bench.parts(
            identity, key=pki.encrypted_key(identity, PASSPHRASE)), *words)),
        "encrypted-traditional-key": (identity, [ALICE], (*bench.parts(
            identity, key=pki.encrypted_key(
                identity, PASSPHRASE, traditional=True)), *words)),
        "two-own-addresses": (two, [ALICE, "sales@example.com"],
                              bench.parts(two)),
        "one-of-two": (two, ["sales@example.com"], (
            *bench.parts(two), "--address", "sales@example.com")),
        "address-in-other-case": (identity, [ALICE], (
            *bench.parts(identity), "--address", "Alice@Example.COM")),
        "below-own-domain": (below, ["carol@dept.example.com"],
                             bench.parts(below)),
        "upper-case-in-certificate": (upper, None, bench.parts(upper)),
    }
    for name, (one, addresses, arguments) in forms.items():
        def case(one=one, addresses=addresses, arguments=arguments):
            here = bench.desk()
            result = here.run("key", "import", *arguments)
            if addresses is None:
                listed = here.json("key", "list")["items"]
                good = [entry["address"].lower() for entry in listed]
                return "" if good == [ALICE] else repr(listed)
            if result.stderr:
                return desk.said(result)
            return imported(here, one, addresses, result)
        t.case("key/import/" + name, case)


def chains(bench, t):
    """Recipients need the certificates between this one and the root."""
    pki = bench.pki
    identity = pki.user(ALICE, "p256", name="chains")
    bare = ("--cert", identity.cert, "--key", identity.key)
    lone = bench.where.path("lone.p12")
    place.must_run(["openssl", "pkcs12", "-export", "-in", identity.cert,
                    "-inkey", identity.key, "-passout", "pass:",
                    "-out", lone])

    def stored(here):
        with open(key_file(here, ALICE)) as file:
            return file.read().count("BEGIN CERTIFICATE")

    def without(words, anchor, warned, before=None):
        here = bench.desk()
        if before:
            here.must("key", "import", *before)
        if anchor:
            here.must("trust", "add", anchor)
        result = here.run("key", "import", *words)
        said = "no intermediate certificate" in result.stderr.decode()
        if said != warned or (not warned and result.stderr):
            return desk.said(result)
        checked = [one for one in here.run("check").stdout.decode().split(
            "\n") if one.startswith("warning  keys: no intermediate")]
        if bool(checked) != warned:
            return "check: %r" % checked
        return "" if stored(here) == (2 if before else 1) else (
            "%d certificates" % stored(here))

    t.case("key/import/chain-none", without, bare, None, True)
    t.case("key/import/chain-none-pkcs12", without, (lone,), None, True)
    t.case("key/import/chain-none-root-trusted", without, bare, pki.anchor,
           True)
    t.case("key/import/chain-none-issuer-trusted", without, bare,
           identity.chain, False)
    flat = Authority(bench.where.dir("flat"))
    flat.sub = flat.root
    below = flat.user(ALICE, "p256")

    def root_as_chain():
        result = bench.desk().run("key", "import", *bench.parts(below))
        return desk.said(result) if result.stderr else ""
    t.case("key/import/chain-is-the-root", root_as_chain)
    t.case("key/import/chain-stored-is-kept", without, bare, None, False,
           bench.parts(identity))


def refusals(bench, t):
    pki = bench.pki
    identity = pki.user(ALICE, "rsa", name="refusals")
    other = pki.user(ALICE, "rsa", name="other")
    p12 = pki.pkcs12(identity, PASSPHRASE)
    stranger = pki.user("bob@partner.test", "p256", name="stranger")
    wrong = bench.where.write("wrong", "not it\n")
    big = bench.where.write("big.p12", b"0" * (1024 * 1024 + 1))
    cut = bench.where.write("cut.pem", open(identity.key).read()[:300])
    words = ("--passphrase-file", bench.passphrase)
    cases = {
        "key-of-another": (bench.parts(identity, key=other.key), "belong"),
        "wrong-passphrase": ((p12, "--passphrase-file", wrong),
                             "passphrase"),
        "no-address": (bench.parts(pki.special("no-address", names="")),
                       "no mail address"),
        "foreign-address": (bench.parts(stranger), "local_domains"),
        "address-not-in-it": ((*bench.parts(identity), "--address",
                               "carol@example.com"), "carol@example.com"),
        "address-not-own": ((*bench.parts(stranger), "--address",
                             "bob@partner.test"), "local_domains"),
        "encryption-only": (bench.parts(pki.special(
            "enc", usage="keyEncipherment")), "fit for signing"),
        "server-only": (bench.parts(pki.special(
            "server", extended="serverAuth")), "fit for signing"),
        "ca": (bench.parts(pki.special("ca-user", ca=True)), "CA"),
        "ed25519": (bench.parts(pki.special("ed", kind="ed25519")),
                    "d25519"),
        "too-large": ((big, *words), "larger"),
        "pem-as-pkcs12": ((identity.cert, *words),
                          "this is PEM: use --cert FILE --key FILE"),
        "no-pkcs12": ((pki.der_cert(identity), *words), ""),
        "empty-file": ((bench.where.write("empty", b""), *words), ""),
        "truncated-pkcs12": ((bench.where.write(
            "cut.p12", open(p12, "rb").read()[:-100]), *words), ""),
        "truncated-key": (bench.parts(identity, key=cut), ""),
        "key-is-certificate": (bench.parts(identity, key=identity.cert), ""),
        "certificate-is-key": (bench.parts(identity, cert=identity.key),
                               identity.key + ": "),
        "certificate-is-garbage": (bench.parts(
            identity, cert=bench.where.write("junk-cert", b"x")),
            "junk-cert: "),
        "chain-is-garbage": (("--cert", identity.cert, "--key", identity.key,
                              "--chain", bench.where.write("junk", b"x")),
                             "junk: "),
        "pkcs12-without-key": ((pki.pkcs12_without_key(
            identity, PASSPHRASE), *words), "key"),
    }
    for name, (arguments, text) in cases.items():
        def case(arguments=arguments, text=text):
            here = bench.desk()
            why = here.fails(desk.DATA, text, "key", "import", *arguments)
            if why:
                return why
            left = here.json("key", "list")["items"]
            return "left behind: %r" % left if left else ""
        t.case("key/import/refused-" + name, case)


def dates(bench, t):
    for name, days, state, text in (
            ("expired", (-30, -1), "expired", "never sign"),
            ("not-yet-valid", (10, 20), "not yet valid", "not valid before")):
        identity = bench.pki.user(ALICE, "p256", days=days, name=name)

        def case():
            here = bench.desk()
            result = here.run("key", "import", *bench.parts(identity))
            if result.returncode != 0 or text not in result.stderr.decode():
                return desk.said(result)
            listed = here.json("key", "list")["items"]
            return "" if listed[0]["state"] == state else repr(listed)
        t.case("key/import/warns-" + name, case)


def prompt(bench, t):
    identity = bench.pki.user(ALICE, "p256", name="prompt")
    p12 = bench.pki.pkcs12(identity, PASSPHRASE)

    def asked(answer, want):
        here = bench.desk()
        code, shown = here.on_terminal(answer, "key", "import", p12)
        if code != want:
            return "exit %d: %r" % (code, shown)
        return "echoed: %r" % shown if answer.strip() in shown else ""
    t.case("key/prompt/right", asked, PASSPHRASE.encode() + b"\n", 0)
    t.case("key/prompt/wrong", asked, b"wrong one\n", desk.DATA)

    def nobody_there():
        here = bench.desk()
        return here.fails(desk.USAGE, "--passphrase-file", "key", "import",
                          p12, start_new_session=True)
    t.case("key/prompt/no-terminal", nobody_there)


def listing(bench, t):
    here = bench.desk()
    days = {"soon@example.com": (-1, 5), "later@example.com": (-1, 300),
            "gone@example.com": (-9, -2)}
    for address, valid in days.items():
        identity = bench.pki.user(address, "p256", days=valid)
        here.run("key", "import", *bench.parts(identity))

    def expiring(number, want):
        result = here.json("key", "list", "--expiring", str(number),
                           code=desk.NO if want else desk.YES)
        got = [one["address"] for one in result["items"]]
        return "" if got == want else repr(got)
    t.case("key/list/expiring-now", expiring, 0, ["gone@example.com"])
    t.case("key/list/expiring-soon", expiring, 30,
           ["gone@example.com", "soon@example.com"])
    t.case("key/list/expiring-all", expiring, 3000, sorted(days))
    fresh = bench.desk()
    t.equal(fresh.run("key", "list").returncode, 0, "key/list/empty")
    t.equal(fresh.run("key", "list", "--expiring", "9").returncode, 0,
            "key/list/empty-expiring")
    text = desk.lines(here.must("key", "list"))
    t.ok(len(text) == 3 and all(
        line.startswith(one) for line, one in zip(text, sorted(days))),
        "key/list/text", text)


def broken_files(bench, t):
    identity = bench.pki.user(ALICE, "rsa", name="broken")
    other = bench.pki.user(ALICE, "rsa", name="broken-other")

    def break_it(change):
        here = bench.desk()
        here.import_identity(bench.pki.user("carol@example.com", "p256"))
        here.import_identity(identity)
        change(key_file(here, ALICE))
        listed = {one["address"]: one
                  for one in here.json("key", "list")["items"]}
        if listed["carol@example.com"]["problem"]:
            return repr(listed)
        one = listed[ALICE]
        if not one["problem"] or one["state"] != "unusable":
            return repr(one)
        checked = here.json("check", code=desk.NO)["items"]
        failed = [entry["text"] for entry in checked
                  if entry["check"] == "keys" and entry["result"] == "failed"]
        return "" if failed else "check does not mind: %r" % checked

    def truncate(path):
        with open(path, "r+b") as file:
            file.truncate(900)

    def of_another(path):
        text = open(path).read()
        begin = text.index("-----BEGIN PRIVATE KEY")
        end = text.index("-----END PRIVATE KEY-----\n") + 26
        with open(path, "w") as file:
            file.write(text[:begin] + open(other.key).read() + text[end:])

    def empty(path):
        open(path, "w").close()

    for name, change in (
            ("truncated", truncate), ("of-another", of_another),
            ("empty", empty),
            ("world-readable", lambda path: os.chmod(path, 0o644)),
            ("group-readable", lambda path: os.chmod(path, 0o640))):
        t.case("key/broken/" + name, break_it, change)


def removal(bench, t):
    here = bench.desk()
    two = bench.pki.user(ALICE, "p256", others=("sales@example.com",),
                         name="remove")
    old = bench.pki.user(ALICE, "p256", name="remove-old")
    here.import_identity(two)
    here.import_identity(old)
    t.equal(len(here.json("key", "list")["items"]), 3, "key/remove/before")
    t.case("key/remove/not-found", here.fails, desk.NO, "00000000",
           "key", "remove", "00000000")
    colons = ":".join(two.fingerprint()[at:at + 2].upper()
                      for at in range(0, 64, 2))
    got = here.json("key", "remove", colons)
    t.equal([one["fingerprint"] for one in got["items"]],
            [two.fingerprint()], "key/remove/whole-with-colons")
    t.equal([one["fingerprint"] for one in here.json("key", "list")["items"]],
            [old.fingerprint()], "key/remove/from-all-addresses")
    t.case("key/remove/again", here.fails, desk.NO, two.fingerprint(),
           "key", "remove", two.fingerprint())
    here.must("key", "remove", old.fingerprint()[:8])
    t.ok(not os.path.exists(key_file(here, ALICE)), "key/remove/prefix")


def renewal(bench, t):
    here = bench.desk()
    first = bench.pki.user(ALICE, "p256", name="first", days=(-20, 40))
    second = bench.pki.user(ALICE, "p256", name="second", days=(-1, 400))
    for one in (second, first, first):
        here.import_identity(one)
    listed = here.json("key", "list")["items"]
    t.equal(sorted(one["fingerprint"] for one in listed),
            sorted((first.fingerprint(), second.fingerprint())),
            "key/import/beside-the-old-one")
    plan = here.json("explain", "--from", ALICE, "--rcpt",
                     "bob@partner.test")["items"][0]
    t.equal(plan["signer"], second.fingerprint(),
            "key/import/newest-one-signs")


def state(bench, t):
    identity = bench.pki.user(ALICE, "p256", name="state")
    here = bench.desk()
    os.rmdir(here.state)
    t.equal(here.run("key", "import", *bench.parts(identity)).returncode,
            desk.YES, "key/state/missing-is-made")
    t.equal(stat.S_IMODE(os.stat(here.state).st_mode), 0o700,
            "key/state/mode")
    here = bench.desk(state_dir=bench.where.path("no", "such", "state"))
    t.case("key/state/cannot-be-made", here.fails, desk.IO, "install -d",
           "key", "import", *bench.parts(identity))
    mail = here.file("mail", b"Subject: x\n\n")
    for name, words in (("key-list", ("key", "list")),
                        ("key-remove", ("key", "remove", "12345678")),
                        ("trust-list", ("trust", "list")),
                        ("trust-remove", ("trust", "remove", "12345678")),
                        ("verify", ("verify", mail))):
        t.case("key/state/without/" + name, here.fails, desk.IO,
               "no/such/state", *words)


def anchors(bench, t):
    here = bench.desk()
    pki = bench.pki
    both = bench.where.write("both.pem", open(pki.root.cert).read()
                             + "some text between\n"
                             + open(pki.sub.cert).read())
    user = pki.user(ALICE, "p256", name="anchor-user")
    mixed = bench.where.write("mixed.pem", open(pki.root.cert).read()
                              + open(user.cert).read())
    root, sub = (fingerprint(open(one.cert, "rb").read())
                 for one in (pki.root, pki.sub))

    def listed():
        return sorted(one["fingerprint"]
                      for one in here.json("trust", "list")["items"])
    t.equal(listed(), [], "trust/list/empty")
    t.case("trust/add/no-ca", here.fails, desk.DATA, "not the certificate "
           "of a CA", "trust", "add", user.cert)
    t.case("trust/add/one-is-no-ca", here.fails, desk.DATA, "nothing was "
           "added", "trust", "add", mixed)
    t.case("trust/add/garbage", here.fails, desk.DATA, "", "trust", "add",
           bench.passphrase)
    t.case("trust/add/key", here.fails, desk.DATA, "", "trust", "add",
           user.key)
    t.equal(listed(), [], "trust/add/nothing-left-behind")
    here.must("trust", "add", pki.der_cert(pki.root))
    t.equal(listed(), [root], "trust/add/der")
    text = here.must("trust", "add", both).decode()
    t.ok("added:\n" + sub in text and "already there:\n" + root in text,
         "trust/add/already-there", text)
    t.equal(listed(), sorted([root, sub]), "trust/add/several")
    here.must("trust", "add", "-", input=open(both, "rb").read())
    t.equal(listed(), sorted([root, sub]), "trust/add/again-from-stdin")
    t.case("trust/remove/not-found", here.fails, desk.NO, "00000000",
           "trust", "remove", "0" * 8)
    here.must("trust", "remove", root[:12])
    t.equal(listed(), [sub], "trust/remove/prefix")
    t.ok(sub in here.must("trust", "list").decode(), "trust/list/text")


def main(t):
    bench = Bench()
    good_kinds(bench, t)
    good_forms(bench, t)
    chains(bench, t)
    refusals(bench, t)
    dates(bench, t)
    prompt(bench, t)
    listing(bench, t)
    broken_files(bench, t)
    removal(bench, t)
    renewal(bench, t)
    state(bench, t)
    anchors(bench, t)


tap.main(main, __doc__)
