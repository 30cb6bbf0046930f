#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`smimectl explain`: which way a mail goes, which rule and which certificate
apply and why, with a message and without; nothing is written."""

import os
import sys

TESTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
sys.path.insert(0, os.path.join(TESTS, "lib"))

from smimetest import desk, partner, place, tap           # noqa: E402
from smimetest.authority import Authority                 # noqa: E402
from smimetest.desk import Desk                           # noqa: E402
from smimetest.inbox import Inbox                         # noqa: E402
from smimetest.rawmail import crlf                        # noqa: E402

ALICE, BOB, EVE = "alice@example.com", "bob@partner.test", "eve@partner.test"
OUTSIDE = ("--client", "192.0.2.1")
SETTINGS = {
    "reinject": "smtp:127.0.0.1:10027",
    "rules": [
        {"name": "no old phones", "recipient": "dan@phone.test",
         "sign": {"mode": "never"}},
        {"name": "offers", "subject": "^offer", "sign": {"format": "opaque"}},
        {"name": "board", "sender": "@board.example.com",
         "sign": {"missing_key": "reject"}},
    ],
}

# name, arguments, direction, what its reason holds
DIRECTIONS = (
    ("internal-own", ("--from", ALICE, "--rcpt", BOB), "outbound",
     ("127.0.0.1 is in internal_hosts", "alice@example.com is own")),
    ("internal-foreign", ("--from", EVE, "--rcpt", BOB), "outbound",
     ("127.0.0.1 is in internal_hosts", "bob@partner.test is not own")),
    ("internal-foreign-to-own", ("--from", EVE, "--rcpt", ALICE), "inbound",
     ("alice@example.com is own",)),
    ("login", ("--from", ALICE, "--rcpt", BOB, "--auth", "alice", *OUTSIDE),
     "outbound", ("logged in as alice",)),
    ("login-client-unknown", ("--from", ALICE, "--rcpt", BOB, "--auth", "al"),
     "outbound", ("logged in as al",)),
    ("listener", ("--from", ALICE, "--rcpt", BOB, "--daemon", "ORIGINATING"),
     "outbound", ("ORIGINATING is in outbound_daemons",)),
    ("other-listener", ("--from", ALICE, "--rcpt", ALICE, "--daemon", "MTA"),
     "inbound", ("not trusted",)),
    ("outside-in", ("--from", EVE, "--rcpt", ALICE, *OUTSIDE), "inbound",
     ("192.0.2.1 is not trusted", "alice@example.com is own")),
    ("outside-out", ("--from", ALICE, "--rcpt", BOB, *OUTSIDE), "pass",
     ("not trusted", "no recipient is own")),
    ("null-sender", ("--from", "", "--rcpt", BOB), "outbound",
     ("bob@partner.test is not own",)),
    ("null-sender-brackets", ("--from", "<>", "--rcpt", BOB), "outbound",
     ("bob@partner.test is not own",)),
    ("own-to-own", ("--from", ALICE, "--rcpt", "carol@example.com"),
     "outbound", ("alice@example.com is own",)),
    ("ipv6", ("--from", ALICE, "--rcpt", BOB, "--client", "::1"), "outbound",
     ("::1 is in internal_hosts",)),
    ("mapped", ("--from", ALICE, "--rcpt", BOB, "--client",
                "::ffff:127.0.0.1"), "outbound", ("is in internal_hosts",)),
)


def mail(sender, subject="x"):
    return crlf("From: %s\nTo: %s\nSubject: %s\n\nx\n" % (sender, BOB,
                                                         subject))


def directions(here, t):
    for name, arguments, direction, reasons in DIRECTIONS:
        got = here.json("explain", *arguments)
        missing = [one for one in reasons
                   if one not in got["direction_reason"]]
        t.ok(got["direction"] == direction and not missing,
             "explain/direction/" + name,
             "%(direction)s: %(direction_reason)s" % got)


def senders(here, t):
    message = here.file("mail.eml", mail(ALICE))
    two = here.file("two.eml", b"From: x@example.com\r\n" + mail(ALICE))
    cases = (
        ("yes", ("--from", ALICE), True, None),
        ("yes-with-message", ("--from", ALICE, message), True, None),
        ("mail-from-differs", ("--from", "carol@example.com", message), False,
         "carol@example.com"),
        ("foreign", ("--from", EVE), False, "local_domains"),
        ("two-from", ("--from", ALICE, two), False, "From"),
        ("login-of-another", ("--from", ALICE, "--auth", "mallory"), False,
         "mallory"),
        ("inbound", ("--from", EVE, *OUTSIDE), False, "outbound"),
    )
    for name, arguments, authorised, reason in cases:
        rcpt = ALICE if name == "inbound" else BOB
        got = here.json("explain", "--rcpt", rcpt, *arguments)
        t.ok(got["authorised"] == authorised
             and (reason is None) == (got["authorised_reason"] is None)
             and (reason or "") in (got["authorised_reason"] or ""),
             "explain/sender/" + name, got)


def plans(here, alice, t):
    got = here.json("explain", "--from", ALICE, "--rcpt", BOB, "--rcpt",
                    "dan@phone.test")
    bob, dan = got["items"]
    t.ok(bob["recipient"] == BOB and bob["rule"] is None and bob["sign"]
         and bob["signer"] == alice.fingerprint()
         and bob["signer_address"] == ALICE
         and bob["signer_not_after"].startswith("20") and bob["group"] == 1
         and bob["reason"], "explain/plan/defaults", bob)
    t.ok(dan["rule"] == "no old phones" and not dan["sign"]
         and dan["signer"] is None and dan["signer_not_after"] is None
         and dan["group"] == 2 and "no old phones" in dan["reason"],
         "explain/plan/rule", dan)
    path = here.file("offer.eml", mail(ALICE, "Offer of today"))
    got = here.json("explain", "--from", ALICE, "--rcpt", BOB, path)
    t.equal(got["items"][0]["rule"], "offers", "explain/plan/subject")
    result = here.run("explain", "--from", ALICE, "--rcpt", BOB, "-",
                      input=mail(ALICE, "offer"))
    text = result.stdout.decode()
    t.ok("rule: offers" in text and alice.fingerprint() in text
         and "valid until 20" in text and "direction: outbound" in text,
         "explain/plan/text", text)
    got = here.json("explain", "--from", "chair@board.example.com", "--rcpt",
                    BOB)
    plan = got["items"][0]
    t.ok(got["verdict"] == "reject" and got["reply"].startswith("554 5.7.5")
         and plan["rule"] == "board" and plan["group"] is None
         and not plan["sign"] and got["reply"] in plan["reason"],
         "explain/plan/refusal-is-0", got)
    got = here.json("explain", "--from", "carol@example.com", "--rcpt", BOB)
    t.ok(not got["items"][0]["sign"]
         and "key import" in got["items"][0]["reason"],
         "explain/plan/no-certificate", got)
    # Raw bytes in a part's header: only an opaque signature keeps them.
    path = here.file("odd.eml", crlf(
        "From: %s\nTo: %s\nMIME-Version: 1.0\n"
        "Content-Type: multipart/mixed; boundary=b\n\n--b\n"
        "Content-Type: text/plain; name=\u00fc\n\nx\n--b--\n" % (ALICE, BOB)))
    got = here.json("explain", "--from", ALICE, "--rcpt", BOB, path)
    t.ok(got["items"][0]["sign"] and "opaque" in got["items"][0]["reason"],
         "explain/plan/opaque-fallback", got)
    got = here.json("explain", "--from", EVE, "--rcpt", ALICE, *OUTSIDE)
    t.equal(got["items"], [], "explain/plan/inbound-has-none")


def incoming(where, pki, t):
    """What would be marked and harvested, in words; nothing is written."""
    here = Inbox(where, "incoming", pki.anchor)
    bob = pki.user(BOB, "rsa", name="bob")
    path = here.file("bob.eml", partner.mail(bob))
    words = ("explain", "--from", BOB, "--rcpt", ALICE, *OUTSIDE)
    before = snapshot(here.state)
    got = here.json(*words, path)
    one = got["signatures"][0]
    t.ok(got["direction"] == "inbound" and one["result"] == "pass"
         and one["fingerprint"] == bob.fingerprint()
         and got["harvested"] == [] and got["items"] == [],
         "explain/inbound/object", got)
    top = [field for field in got["fields"] if field["change"] == "top"]
    t.ok(len(top) == 1 and top[0]["name"] == "Authentication-Results"
         and "smime=pass" in top[0]["value"], "explain/inbound/fields", got)
    text = here.must(*words, path).decode()
    t.ok("signature: pass" in text and "harvest: yes" in text
         and "field put on top: Authentication-Results: mx.example.com"
         in text and bob.fingerprint() in text, "explain/inbound/text", text)
    t.equal(snapshot(here.state), before, "explain/inbound/writes-nothing")
    stranger = Authority(where.dir("stranger")).user(BOB, "rsa")
    cases = (
        ("unknown-ca", partner.mail(stranger), "would wait"),
        ("not-signed", partner.head() + b"\r\nhello\r\n", "not signed"),
        ("bad", partner.mail(bob).replace(b"order of today", b"order of tod4y"),
         "not good"),
        ("own", partner.mail(pki.user(ALICE, "rsa", name="own"),
                             header=partner.head(ALICE)), "own address"),
    )
    for name, mail, want in cases:
        text = here.must(*words, here.file(name + ".eml", mail)).decode()
        line = [one for one in text.splitlines()
                if one.startswith("harvest: ")]
        t.ok(len(line) == 1 and want in line[0],
             "explain/inbound/harvest/" + name, text)
    forged = partner.mail(bob, header=partner.head(
        more="Authentication-Results: mx.example.com; smime=pass\n"))
    text = here.must(*words, here.file("forged.eml", forged)).decode()
    t.ok("field taken out: Authentication-Results" in text,
         "explain/inbound/forged", text)
    here.must("process", *words[1:], path)
    text = here.must(*words, path).decode()
    t.ok("harvest: known already" in text, "explain/inbound/known", text)
    here.must("cert", "block", bob.fingerprint())
    t.ok("harvest: no, it is blocked" in here.must(*words, path).decode(),
         "explain/inbound/blocked")
    here.set(harvest={"mode": "off"})
    t.ok("harvest.mode is off" in here.must(*words, path).decode(),
         "explain/inbound/off")
    here.set(verify={"enabled": False})
    t.ok("not looked at" in here.must(*words, path).decode(),
         "explain/inbound/disabled")


def snapshot(path):
    found = {}
    for directory, names, files in os.walk(path):
        for one in names + files:
            whole = os.path.join(directory, one)
            found[whole] = os.lstat(whole).st_mtime_ns
    return found


def main(t):
    where = place.Place("explain")
    pki = Authority(where.dir("pki"))
    alice = pki.user(ALICE, "p256")
    here = Desk(where, **SETTINGS)
    here.import_identity(alice)
    before = snapshot(here.state)
    directions(here, t)
    senders(here, t)
    plans(here, alice, t)
    t.equal(snapshot(here.state), before, "explain/writes-nothing")
    incoming(where, pki, t)
    t.case("explain/quiet", lambda: desk.said(here.run(
        "explain", "--from", ALICE, "--rcpt", BOB, "--auth", "m"))
        if here.run("explain", "--from", ALICE, "--rcpt", BOB, "--auth",
                    "m").stderr else "")


tap.main(main, __doc__)
