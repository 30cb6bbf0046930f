#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`smimectl process` on mails of many kinds: what comes out is signed by its
sender's certificate and verifies with openssl, what the user wrote is
unchanged, and what must not be signed, or not be taken, is not."""

import json
import os
import sys

TESTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
sys.path[:0] = [os.path.join(TESTS, "lib"), os.path.join(TESTS, "interop")]

from smimetest import corpus, desk, place, rawmail, tap   # noqa: E402
from smimetest.authority import Authority                 # noqa: E402
from smimetest.desk import Desk                           # noqa: E402
from judges import Court, OpenSSL, OpenSSLRaw             # noqa: E402

ALICE, BOB = corpus.SENDER, "bob@partner.test"
MAIL = ("--from", ALICE, "--rcpt", BOB)
SIGNERS = (
    ("rsa", "rsa", {}),
    ("opaque", "rsa", {"format": "opaque"}),
    ("pss", "rsa", {"rsa_padding": "pss"}),
    ("pss-opaque-sha384", "rsa3072", {
        "rsa_padding": "pss", "format": "opaque", "digest": "sha384"}),
    ("sha512", "rsa4096", {"digest": "sha512"}),
    ("p256", "p256", {}),
    ("p384", "p384", {"digest": "sha384"}),
    ("p521", "p521", {"digest": "sha512"}),
)
PLAIN = rawmail.crlf("""\
From: Alice <alice@example.com>
To: <bob@partner.test>
Subject: plain
Date: %s
Message-ID: <plain@example.com>

Hello Bob.
""" % corpus.email.utils.formatdate())
FIELDS = """\
From: alice@example.com
To: bob@partner.test
Subject: odd
Date: %s
MIME-Version: 1.0
""" % corpus.email.utils.formatdate()
SPLIT = {
    "reinject": "smtp:127.0.0.1:10027",
    "rules": [{"name": "no old phones", "recipient": "dan@phone.test",
               "sign": {"mode": "never"}}],
}


class Bench:
    def __init__(self):
        self.where = place.Place("process")
        self.pki = Authority(self.where.dir("pki"))
        self.court = Court(self.where, self.pki.anchor,
                           (OpenSSL, OpenSSLRaw))
        self.alice = self.pki.user(ALICE, "p256", name="alice")
        self.count = 0

    def desk(self, identity=None, **settings):
        self.count += 1
        here = Desk(self.where, "desk%d" % self.count, **settings)
        here.import_identity(identity or self.alice)
        return here

    def out(self):
        self.count += 1
        return self.where.path("out%d" % self.count)


def process(here, mail, *arguments, envelope=MAIL):
    return here.run("process", *envelope, *arguments, input=mail)


def changes(mail, out):
    """What happened to the user's own fields, as text."""
    before = rawmail.other_fields(mail)
    after = rawmail.other_fields(out)
    return "" if before == after else "fields %r became %r" % (before, after)


def look_at(bench, mail, out, signer, opaque=False):
    """What is wrong with a mail that had to be signed, as text."""
    why = bench.court.objections(out, signer)
    if why:
        return why
    content = bench.court.content(out)
    want = rawmail.entity_of(mail.data)
    if mail.safe and rawmail.field(mail.data, "Content-Type") is None:
        # The default of RFC 2045 5.2 is spelled out.
        want = (b"Content-Type: text/plain; charset=us-ascii\r\n\r\n"
                + rawmail.cut(mail.data)[1])
    if mail.safe and content != want:
        return "content " + rawmail.difference(want, content)
    why = rawmail.leaf_changes(want, content)
    if why:
        return why
    if bench.court.has_signing_time(out) != mail.signing_time:
        return "the signing time is%s there" % (
            " not" if mail.signing_time else "")
    if opaque and rawmail.signed(out)[0] is not None:
        return "not opaque"
    return changes(mail.data, out)


def corpus_mails(bench, t):
    here = bench.desk()
    for mail in corpus.build():
        def case(mail=mail):
            envelope = ["--from", ALICE]
            for recipient in mail.recipients:
                envelope += ["--rcpt", recipient]
            result = process(here, mail.data, envelope=envelope)
            if result.returncode != 0 or result.stderr:
                return desk.said(result)
            return look_at(bench, mail, result.stdout, bench.alice)
        t.case("process/corpus/" + mail.name, case)


def signers(bench, t):
    for name, kind, sign in SIGNERS:
        identity = bench.pki.user(ALICE, kind, name="signer-" + name)
        here = bench.desk(identity, sign=sign)
        for make in (corpus.text_7bit, corpus.text_8bit,
                     corpus.attachment_base64, corpus.unterminated):
            mail = make()

            def case():
                result = process(here, mail.data)
                if result.returncode != 0:
                    return desk.said(result)
                return look_at(bench, mail, result.stdout, identity,
                               sign.get("format") == "opaque")
            t.case("process/signer/%s-%s" % (name, mail.name), case)


def line_ends(bench, t):
    here = bench.desk()
    lf = PLAIN.replace(b"\r\n", b"\n")
    for name, mail, crlf in (("crlf", PLAIN, True), ("lf", lf, False)):
        out = process(here, mail).stdout
        lone = out.replace(b"\r\n", b"")
        good = b"\n" not in lone if crlf else b"\r" not in out
        t.ok(good and rawmail.is_signed(out), "process/line-ends/" + name,
             out[:400])
        t.equal(bench.court.objections(rawmail.crlf(out), bench.alice), "",
                "process/line-ends/%s-verifies" % name)
    path = here.file("mail.eml", lf)
    out = here.must("process", *MAIL, path)
    t.ok(rawmail.is_signed(out), "process/input/file")
    t.ok(rawmail.is_signed(here.must("process", *MAIL, "-", input=lf)),
         "process/input/dash")


def unsigned(bench, t):
    """Goes out as it came in, and says why."""
    here = bench.desk()
    two_from = PLAIN.replace(b"To:", b"From: mallory@example.com\r\nTo:", 1)
    list_from = PLAIN.replace(b"Alice <alice@example.com>",
                              b"alice@example.com, mallory@example.com")
    foreign = PLAIN.replace(b"alice@example.com>", b"eve@partner.test>")
    no_from = PLAIN.replace(b"From: Alice <alice@example.com>\r\n", b"")
    carol = PLAIN.replace(b"alice@example.com>", b"carol@example.com>")
    host = place.must_run(["hostname"]).strip()
    been = (b"Received: from mx.partner.test by " + host
            + b" with ESMTP; Thu, 1 Jan 1970 00:00:00 +0000\r\n" + PLAIN)
    local = (b"Received: by " + host
             + b" (Postfix, from userid 0) id 1; Thu, 1 Jan 1970 00:00:00"
             b" +0000\r\n" + PLAIN)
    outside = (*MAIL, "--client", "192.0.2.1")
    login = (*MAIL, "--auth", "alice@example.com", "--client", "192.0.2.1")
    cases = (
        ("two-from-fields", two_from, MAIL, True),
        ("two-mailboxes", list_from, MAIL, True),
        ("foreign-from", foreign, MAIL, True),
        ("no-from", no_from, MAIL, True),
        ("other-mail-from", PLAIN, ("--from", "carol@example.com",
                                    "--rcpt", BOB), True),
        ("no-certificate", carol, ("--from", "carol@example.com",
                                   "--rcpt", BOB), False),
        ("other-login", PLAIN, (*MAIL, "--auth", "mallory@example.com"),
         True),
        ("was-here", been, MAIL, True),
        ("null-sender-without-login", PLAIN, ("--from", "", "--rcpt", BOB),
         True),
        ("listener-without-login", PLAIN, (
            *MAIL, "--daemon", "ORIGINATING", "--client", "192.0.2.1"),
         True),
        ("outside-client", PLAIN, outside, False),
        ("inbound", foreign, ("--from", "eve@partner.test", "--rcpt", ALICE,
                              "--client", "192.0.2.1"), False),
    )
    for name, mail, envelope, warned in cases:
        def case(mail=mail, envelope=envelope, warned=warned):
            result = process(here, mail, envelope=envelope)
            if result.returncode != 0 or result.stdout != mail:
                return desk.said(result)
            if warned != bool(result.stderr):
                return "says %r" % result.stderr
            return ""
        t.case("process/unsigned/" + name, case)
    for name, mail, envelope in (
            ("login", PLAIN, login), ("local-submission", local, MAIL),
            ("own-to-own", PLAIN, ("--from", ALICE, "--rcpt", ALICE)),
            ("null-sender-with-login", PLAIN, (
                "--from", "", "--rcpt", BOB, "--auth", ALICE))):
        out = process(here, mail, envelope=envelope).stdout
        t.equal(bench.court.objections(out, bench.alice), "",
                "process/signed/" + name)


def protected(bench, t):
    here = bench.desk()
    opaque = bench.desk(sign={"format": "opaque"})
    armour = (b"-----BEGIN PGP MESSAGE-----\r\n\r\nabc\r\n"
              b"-----END PGP MESSAGE-----\r\n")
    pgp_mime = rawmail.crlf(FIELDS + """\
Content-Type: multipart/encrypted; protocol="application/pgp-encrypted";
 boundary=b

--b
Content-Type: application/pgp-encrypted

Version: 1

--b
Content-Type: application/octet-stream

""") + armour + b"--b--\r\n"
    mails = {
        "detached": process(here, PLAIN).stdout,
        "opaque": process(opaque, PLAIN).stdout,
        "octet-stream": process(opaque, PLAIN).stdout.replace(
            b"application/pkcs7-mime; smime-type=signed-data",
            b"application/octet-stream"),
        "pgp-mime": pgp_mime,
        "pgp-inline": rawmail.crlf(FIELDS) + b"\r\n" + armour,
    }
    for name, mail in mails.items():
        result = process(here, mail)
        t.ok(result.returncode == 0 and result.stdout == mail,
             "process/protected/" + name, desk.said(result)[:2000])


def requests(bench, t):
    here = bench.desk(sign={"mode": "request"})
    asks = PLAIN.replace(b"\r\n\r\n", b"\r\nX-Sign: yes\r\n\r\n", 1)
    does_not = PLAIN.replace(b"\r\n\r\n", b"\r\nX-Sign: no\r\n\r\n", 1)
    out = process(here, asks).stdout
    t.ok(rawmail.is_signed(out) and b"X-Sign" not in out,
         "process/request/hit", out)
    t.equal(bench.court.objections(out, bench.alice), "",
            "process/request/verifies")
    t.equal(process(here, does_not).stdout, does_not, "process/request/other")
    t.equal(process(here, PLAIN).stdout, PLAIN, "process/request/none")
    never = bench.desk(sign={"mode": "never"})
    t.equal(process(never, asks).stdout, asks, "process/never")


def missing_keys(bench, t):
    gone = bench.pki.user(ALICE, "p256", name="gone", days=(-9, -1))
    early = bench.pki.user(ALICE, "p256", name="early", days=(5, 9))
    for name, identity in (("expired", gone), ("early", early),
                           ("none", None)):
        for missing, code, reply in (
                ("pass", desk.YES, ""), ("reject", desk.REFUSED, "554 5.7.5"),
                ("tempfail", desk.TEMPFAIL, "451 4.7.5")):
            bench.count += 1
            here = Desk(bench.where, "desk%d" % bench.count,
                        sign={"missing_key": missing})
            if identity:
                here.run("key", "import", "--cert", identity.cert,
                         "--key", identity.key)
            result = process(here, PLAIN)
            t.ok(result.returncode == code
                 and reply in result.stderr.decode()
                 and result.stdout == (b"" if reply else PLAIN),
                 "process/missing-key/%s-%s" % (name, missing),
                 desk.said(result))


def read(path):
    with open(path, "rb") as file:
        return file.read()


def splits(bench, t):
    here = bench.desk(**SPLIT)
    mail = PLAIN.replace(b"To: <bob@partner.test>",
                         b"To: <dan@phone.test>\r\nBcc: <x@partner.test>")
    everyone = ("--from", ALICE, "--rcpt", BOB, "--rcpt", "dan@phone.test",
                "--rcpt", "x@partner.test")
    result = process(here, mail, envelope=everyone)
    t.ok(result.returncode == desk.USAGE and not result.stdout
         and b"--output" in result.stderr, "process/split/needs-output",
         desk.said(result))
    out = bench.out()
    result = process(here, mail, "--output", out, envelope=everyone)
    t.ok(result.returncode == 0 and not result.stdout,
         "process/split/exit", desk.said(result))
    t.equal(sorted(os.listdir(out)), ["1.eml", "1.env", "2.eml", "2.env"],
            "process/split/files")
    t.equal(read(os.path.join(out, "1.env")),
            b"from: alice@example.com\nrcpt: dan@phone.test\n",
            "process/split/visible-recipient-first")
    t.equal(read(os.path.join(out, "2.env")),
            b"from: alice@example.com\nrcpt: bob@partner.test\n"
            b"rcpt: x@partner.test\n", "process/split/others")
    t.equal(read(os.path.join(out, "1.eml")), mail, "process/split/unsigned")
    second = read(os.path.join(out, "2.eml"))
    t.equal(bench.court.objections(second, bench.alice), "",
            "process/split/signed")
    t.ok(b"Bcc" not in second, "process/split/no-bcc", second)
    process(here, PLAIN, "--output", out)
    t.equal(sorted(os.listdir(out)), ["1.eml", "1.env"],
            "process/output/leftovers-go")
    t.equal(read(os.path.join(out, "1.env")),
            b"from: alice@example.com\nrcpt: bob@partner.test\n",
            "process/output/one")
    plain = process(here, PLAIN, "--dry-run").stdout
    t.ok(rawmail.is_signed(plain), "process/dry-run")
    whole = process(here, mail, "--json", envelope=everyone)
    t.ok(whole.returncode == desk.USAGE
         and len(json.loads(whole.stdout)["plans"]) == 3,
         "process/split/json-without-output", desk.said(whole))


def json_object(bench, t):
    here = bench.desk(**SPLIT)
    out = bench.out()
    result = process(here, PLAIN, "--json", "--output", out, envelope=(
        *MAIL, "--rcpt", "dan@phone.test"))
    got = json.loads(result.stdout)
    for plan in got["plans"]:
        t.ok(isinstance(plan.pop("reason"), str), "process/json/reason")
    nothing = {"encrypt": False, "certificate": None, "cipher": None}
    t.equal(got, {
        "direction": "outbound", "verdict": "accept", "reply": None,
        "plans": [
            {"recipient": BOB, "rule": None, "sign": True, "group": 1,
             "signer": bench.alice.fingerprint(), **nothing},
            {"recipient": "dan@phone.test", "rule": "no old phones",
             "sign": False, "group": 2, "signer": None, **nothing}],
        "signatures": [], "harvested": []}, "process/json/split")
    t.ok(rawmail.is_signed(read(os.path.join(out, "1.eml"))),
         "process/json/output")
    got = json.loads(process(here, PLAIN, "--json").stdout)
    t.equal(got["plans"][0]["sign"], True, "process/json/without-output")
    got = json.loads(process(here, PLAIN, "--json", envelope=(
        "--from", "eve@partner.test", "--rcpt", ALICE, "--client",
        "192.0.2.1")).stdout)
    t.equal((got["direction"], got["plans"]), ("inbound", []),
            "process/json/inbound")
    strict = bench.desk(sign={"missing_key": "reject"})
    strict.run("key", "remove", bench.alice.fingerprint())
    result = process(strict, PLAIN, "--json")
    got = json.loads(result.stdout)
    t.ok(result.returncode == desk.REFUSED and got["verdict"] == "reject"
         and got["reply"].startswith("554 5.7.5 ")
         and got["plans"][0]["group"] is None, "process/json/refused", got)


def nested(depth):
    text = "".join("Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n"
                   % (level, level) for level in range(depth))
    ends = "".join("--b%d--\n" % level for level in reversed(range(depth)))
    return rawmail.crlf(FIELDS + text + "\nx\n" + ends)


def multipart(boundary, body):
    return rawmail.crlf(FIELDS + "Content-Type: multipart/mixed; "
                        'boundary="%s"\n\n%s' % (boundary, body))


def two_parts(boundary):
    return multipart(boundary, "--%s\n\none\n--%s\n\ntwo\n--%s--\n" % (
        (boundary,) * 3))


def bad_input(bench, t):
    """A defined result for each, and the next mail works."""
    here = bench.desk()
    head = rawmail.crlf(FIELDS)
    sender = "a" * 1988 + "@example.com"
    signed = (desk.YES, True)
    plain = (desk.YES, False)
    # name, mail, (exit code, signed?), what standard error says
    cases = (
        ("empty", b"", plain, ""),
        ("one-line-end", b"\n", plain, ""),
        ("header-only", head, signed, ""),
        ("header-only-cut", head[:-2], signed, ""),
        ("body-only", b"just text\r\n", plain, ""),
        ("nul-in-body", head + b"\r\na\0b\r\n", signed, ""),
        ("nul-in-header", b"X-Nul: a\0b\r\n" + head + b"\r\nx\r\n", None,
         ""),
        ("header-1mb", b"X: " + b"x" * 1048576 + b"\r\n" + head
         + b"\r\nx\r\n", (desk.REFUSED, False), "552 5.3.4"),
        ("fields-100000", b"X: y\r\n" * 100000 + head + b"\r\nx\r\n", signed,
         ""),
        ("fields-200000", b"X: y\r\n" * 200000 + head + b"\r\nx\r\n",
         (desk.REFUSED, False), "552 5.3.4"),
        ("nested-40", nested(40), signed, ""),
        ("nested-1000", nested(1000), (desk.REFUSED, False), "554 5.6.0"),
        ("parts-2000", multipart("b", "--b\n\nx\n" * 2000 + "--b--\n"),
         (desk.REFUSED, False), "554 5.6.0"),
        ("no-delimiter", multipart("b", "nothing\n"), signed, ""),
        ("no-boundary", head + b"Content-Type: multipart/mixed\r\n\r\nx\r\n",
         signed, ""),
        ("boundary-1", two_parts("b"), signed, ""),
        ("boundary-70", two_parts("b" * 70), signed, ""),
        ("boundary-71", two_parts("b" * 71), signed, ""),
        ("boundary-prefix", multipart(
            "in", "--in\nContent-Type: multipart/mixed; boundary=inner\n\n"
            "--inner\n\none\n--inner--\n--in\n\ntwo\n--in--\n"), signed, ""),
        ("boundary-extended", multipart(
            "inner", "--inner\nContent-Type: multipart/mixed; boundary=in\n\n"
            "--in\n\none\n--in--\n--inner\n\ntwo\n--inner--\n"), signed, ""),
        ("content-type-twice", head + rawmail.crlf(
            "Content-Type: text/plain\nContent-Type: text/html\n\nx\n"),
         signed, ""),
        ("no-final-boundary", multipart("b", "--b\n\none\n--b\n\ntwo\n"),
         signed, ""),
        ("lone-lf", head + b"\r\na\nb\r\n", signed, ""),
        ("mbox-from-line", b"From alice Thu Jan  1 00:00:00 1970\r\n" + PLAIN,
         signed, ""),
    )
    for name, mail, want, text in cases:
        def case(mail=mail, want=want, text=text):
            result = process(here, mail)
            error = result.stderr.decode()
            if want is None:
                return "" if result.returncode >= 0 else desk.said(result)
            if (result.returncode, rawmail.is_signed(result.stdout)) != want:
                return desk.said(result)[:2000]
            if text not in error:
                return "says %r" % error
            if want[1]:
                why = bench.court.objections(result.stdout, bench.alice)
                if why:
                    return why
            if want[0] != desk.YES and result.stdout:
                return "prints %r" % result.stdout[:200]
            after = process(here, PLAIN)
            return "" if rawmail.is_signed(after.stdout) else desk.said(after)
        t.case("process/bad-input/" + name, case)
    result = process(here, PLAIN, envelope=("--from", sender, "--rcpt", BOB))
    t.ok(result.returncode == 0 and result.stdout == PLAIN,
         "process/bad-input/sender-2000", desk.said(result)[:2000])


def limits(bench, t):
    here = bench.desk(limits={"message": 3000, "recipients": 2,
                              "headers": 1500})
    big = PLAIN + b"x" * 70 + b"\r\n" + (b"y" * 70 + b"\r\n") * 50
    # Small enough by itself, too large once it is signed.
    grows = PLAIN + (b"y" * 70 + b"\r\n") * 20
    three = (*MAIL, "--rcpt", "c@partner.test", "--rcpt", "d@partner.test")
    foreign = big.replace(b"alice@example.com>", b"eve@partner.test>")
    for name, mail, envelope, code, reply in (
            ("fits", PLAIN.replace(b"\r\n\r\n", b"\r\nX: y\r\n\r\n", 1),
             MAIL, desk.YES, ""),
            ("message", big, MAIL, desk.REFUSED, "552 5.3.4"),
            ("message-once-signed", grows, MAIL, desk.REFUSED, "552 5.3.4"),
            ("headers", b"X: " + b"x" * 1500 + b"\r\n" + PLAIN, MAIL,
             desk.REFUSED, "552 5.3.4"),
            ("recipients", PLAIN, three, desk.TEMPFAIL, "452 4.5.3"),
            ("not-ours-not-measured", foreign, (
                "--from", "eve@partner.test", "--rcpt", ALICE, "--client",
                "192.0.2.1"), desk.YES, "")):
        result = process(here, mail, envelope=envelope)
        t.ok(result.returncode == code and reply in result.stderr.decode()
             and bool(result.stdout) == (code == desk.YES),
             "process/limits/" + name, desk.said(result)[:2000])
    parts = bench.desk(limits={"parts": 3, "depth": 2})
    for name, mail, code in (
            ("parts-3", two_parts("b"), desk.YES),
            ("parts-4", multipart("b", "--b\n\nx\n" * 3 + "--b--\n"),
             desk.REFUSED),
            ("depth-2", nested(2), desk.YES),
            ("depth-3", nested(3), desk.REFUSED)):
        result = process(parts, mail)
        t.ok(result.returncode == code, "process/limits/" + name,
             desk.said(result)[:2000])


def broken_state(bench, t):
    """The key cannot be used: nothing leaves unsigned, nothing is lost."""
    key = ("keys", "example.com", "alice.pem")

    def here_with(change):
        here = bench.desk()
        change(os.path.join(here.state, *key))
        return here

    def of_another(path):
        other = bench.pki.user(ALICE, "p256", name="state-other")
        text = read(path).decode()
        begin = text.index("-----BEGIN PRIVATE KEY")
        end = text.index("-----END PRIVATE KEY-----\n") + 26
        with open(path, "w") as file:
            file.write(text[:begin] + read(other.key).decode() + text[end:])

    for name, change in (
            ("truncated", lambda path: os.truncate(path, 400)),
            ("world-readable", lambda path: os.chmod(path, 0o644)),
            ("of-another", of_another),
            ("directory", lambda path: (os.unlink(path), os.mkdir(path)))):
        here = here_with(change)
        result = process(here, PLAIN)
        t.ok(result.returncode == desk.TEMPFAIL and not result.stdout
             and b"451 4.7.5" in result.stderr,
             "process/state/key-" + name, desk.said(result))
    here = bench.desk()
    here.set(state_dir=bench.where.path("gone"))
    result = process(here, PLAIN)
    t.ok(result.returncode == desk.TEMPFAIL and not result.stdout
         and b"state_dir" in result.stderr, "process/state/missing",
         desk.said(result))


def spools(bench, t):
    """A large opaque mail goes through the spool directory."""
    big = PLAIN + (b"y" * 70 + b"\r\n") * 30000
    opaque = {"format": "opaque"}
    here = bench.desk(sign=opaque, limits={"message": 100000000})
    out = process(here, big).stdout
    t.equal(bench.court.objections(out, bench.alice), "",
            "process/spool/not-made-yet")
    here = bench.desk(sign=opaque, spool_dir="/proc")
    result = process(here, big)
    t.ok(result.returncode == desk.TEMPFAIL and not result.stdout
         and b"451 4." in result.stderr, "process/spool/not-writable",
         desk.said(result)[:2000])
    full = bench.where.dir("full")
    if place.run(["mount", "-t", "tmpfs", "-o", "size=100k", "none",
                  full]).returncode != 0:
        t.skip("process/spool/full", "cannot mount a tmpfs")
        return
    bench.where.on_close(lambda: place.must_run(["umount", full]))
    here = bench.desk(sign=opaque, spool_dir=full)
    result = process(here, big)
    t.ok(result.returncode == desk.TEMPFAIL and not result.stdout,
         "process/spool/full", desk.said(result)[:2000])
    t.ok(rawmail.is_signed(process(here, PLAIN).stdout),
         "process/spool/full-then-small")
    t.equal(os.listdir(full), [], "process/spool/nothing-left")


def main(t):
    bench = Bench()
    corpus_mails(bench, t)
    signers(bench, t)
    line_ends(bench, t)
    unsigned(bench, t)
    protected(bench, t)
    requests(bench, t)
    missing_keys(bench, t)
    splits(bench, t)
    json_object(bench, t)
    bad_input(bench, t)
    limits(bench, t)
    broken_state(bench, t)
    spools(bench, t)


tap.main(main, __doc__)
