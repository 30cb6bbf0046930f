#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Recipients whose rules differ: one signed mail and one unsigned copy, which
is re-injected. Nobody gets two, nobody gets none, whatever fails on the way."""

import os
import sys
import time

TESTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
sys.path[:0] = [os.path.join(TESTS, "lib"), os.path.join(TESTS, "interop")]

from smimetest import place, rawmail, tap                # noqa: E402
from smimetest.sink import Sink                          # noqa: E402
from smimetest.submit import Refused                     # noqa: E402
from smimetest.world import World                        # noqa: E402
from judges import Court                                 # noqa: E402

ALICE = "alice@example.com"
BOB, CAROL, PHONE, OLD = ("bob@partner.test", "carol@partner.test",
                          "dave@phone.test", "erin@phone.test")

RULES = [{"name": "phones", "recipient": "@phone.test",
          "sign": {"mode": "never"}}]


def make_mail(subject, extra="", body="Some text.\n", dated=True):
    lines = ["From: " + ALICE, "To: %s, %s" % (BOB, PHONE),
             "Cc: %s" % CAROL, "Bcc: secret@phone.test",
             # All of them, else the MTA adds what is missing, anew each time.
             "Resent-From: " + ALICE, "Resent-Bcc: secret@phone.test",
             "Resent-Date: Mon, 01 Jan 2024 00:00:00 +0000",
             "Resent-Message-ID: <%d@example.com>" % time.time_ns(),
             "Subject: " + subject, "MIME-Version: 1.0",
             "Content-Type: text/plain; charset=utf-8",
             "Content-Transfer-Encoding: 8bit"]
    if dated:
        lines += ["Date: Mon, 01 Jan 2024 00:00:00 +0000",
                  "Message-ID: <%s.%d@example.com>" % (
                      subject, time.time_ns())]
    return rawmail.crlf(("\n".join(lines) + "\n" + extra + "\n"
                         + body).encode())


class Split:
    """A World, and what arrived sorted by who got what."""

    def __init__(self, mta, settings=None):
        self.world = World("split", mta, dict({"rules": RULES},
                                              **(settings or {})))
        self.alice = self.world.user(ALICE, "p256")
        self.world.start()

    def send(self, mail, recipients=(BOB, CAROL, PHONE), **options):
        options.setdefault("options", ["BODY=8BITMIME"])
        return self.world.send(mail, ALICE, recipients, **options)

    def arrived(self, subject, copies, seconds=30):
        """All mails with this subject, once there are so many."""
        def found():
            mails = [one for one in list(self.world.sink.mails)
                     if rawmail.field(one.mail, "Subject") == subject]
            return mails if sum(
                len(one.recipients) for one in mails) >= copies else None
        place.wait_until(found, seconds, "%d copies of %s" % (copies, subject))
        time.sleep(0.5)  # a duplicate would come about now
        return found()


def per_recipient(mails):
    """{recipient: [is it signed?, ...]}"""
    got = {}
    for one in mails:
        for recipient in one.recipients:
            got.setdefault(recipient, []).append(rawmail.is_signed(one.mail))
    return got


WANT = {BOB: [True], CAROL: [True], PHONE: [False]}


def differs(got, want):
    return "" if got == want else "got %r\nwant %r" % (got, want)


def two_copies(split, court):
    mail = make_mail("two-copies", body="Grüße\n")
    split.send(mail)
    mails = split.arrived("two-copies", 3)
    why = differs(per_recipient(mails), WANT)
    if why:
        return why
    signed, = [one.mail for one in mails if rawmail.is_signed(one.mail)]
    plain, = [one.mail for one in mails if not rawmail.is_signed(one.mail)]
    why = court.objections(signed, split.alice)
    if why:
        return why
    if rawmail.count(plain, "Bcc") or rawmail.count(plain, "Resent-Bcc"):
        return "the re-injected copy has a Bcc field"
    want = rawmail.other_fields(mail, ["Bcc", "Resent-Bcc"])
    got = rawmail.other_fields(plain, ["Received"])
    return differs(got, want) or rawmail.leaf_changes(
        rawmail.entity_of(mail), rawmail.entity_of(plain)) or differs(
            rawmail.cut(plain)[1], rawmail.cut(mail)[1])


def copy_first(split):
    """The recipient with the unsigned copy comes first in the envelope: a
    Bcc field stays only with what the MTA holds, if at all."""
    split.send(make_mail("copy-first"), [PHONE, CAROL, BOB])
    mails = split.arrived("copy-first", 3)
    return differs(per_recipient(mails), WANT)


def dsn_parameters(split):
    mail = make_mail("dsn")
    recipients = [(BOB, "NOTIFY=FAILURE ORCPT=rfc822;bob+40partner.test"),
                  (PHONE, "NOTIFY=SUCCESS,DELAY ORCPT=rfc822;old@example.com")]
    split.send(mail, recipients,
               options=["BODY=8BITMIME", "RET=HDRS", "ENVID=QQ314159"])
    mails = split.arrived("dsn", 2)
    plain, = [one for one in mails if PHONE in one.recipients]
    words = set(plain.recipient_words[PHONE]) | set(plain.sender_words)
    missing = {"NOTIFY=SUCCESS,DELAY", "ORCPT=rfc822;old@example.com",
               "RET=HDRS", "ENVID=QQ314159"} - words
    return "" if not missing else "lost %r of %r" % (missing, words)


def smtputf8_parameter(split):
    """A recipient whom only SMTPUTF8 can name."""
    mail = make_mail("utf8", extra="X-Note: Grüße\n")
    split.send(mail, [BOB, "düsi@phone.test"],
               options=["SMTPUTF8", "BODY=8BITMIME"])
    mails = split.arrived("utf8", 2)
    why = differs(per_recipient(mails),
                  {BOB: [True], "düsi@phone.test": [False]})
    plain, = [one for one in mails if not rawmail.is_signed(one.mail)]
    return why or ("" if "SMTPUTF8" in plain.sender_words
                   else "sent with %r" % plain.sender_words)


def many_copies(split):
    """Each recipient once, in two messages."""
    everyone = ["u%d@%s" % (number, "phone.test" if number % 2 else
                            "partner.test") for number in range(60)]
    split.send(make_mail("many"), everyone)
    got = per_recipient(split.arrived("many", 60))
    return differs(got, {one: ["partner" in one] for one in everyone})


def all_in_one_group(split):
    """No second copy: nothing is re-injected."""
    mark = len(split.world.mta.log()) if hasattr(split.world.mta, "log") else 0
    split.send(make_mail("one-group"), [PHONE, OLD])
    mails = split.arrived("one-group", 2)
    if len(mails) != 1:
        return "%d messages" % len(mails)
    if mark and "reinject/smtpd" in split.world.mta.log()[mark:]:
        return "something was re-injected"
    return differs(per_recipient(mails), {PHONE: [False], OLD: [False]})


def server_down(split):
    """451 for the whole mail, nothing delivered; a later retry succeeds."""
    world = split.world
    there = world.milter.settings["reinject"]
    world.milter.write_settings(
        reinject="smtp:127.0.0.1:%d" % place.free_port())
    reload(world)
    mail = make_mail("server-down")
    why = expect_tempfail(split, mail)
    if not why and [one for one in world.sink.mails
                    if b"server-down" in one.mail]:
        why = "something was delivered"
    world.milter.write_settings(reinject=there)
    reload(world)
    if why:
        return why
    split.send(mail)
    return differs(per_recipient(split.arrived("server-down", 3)), WANT)


def reload(world):
    mark = world.milter.log_mark()
    world.milter.reload()
    world.milter.log_since(mark, "new settings")


def expect_tempfail(split, mail, recipients=(BOB, CAROL, PHONE)):
    try:
        reply = split.send(mail, recipients)
    except Refused as refusal:
        return "" if refusal.code // 100 == 4 else str(refusal)
    return "it was taken: %s" % reply


def ledger_files(split):
    path = os.path.join(split.world.milter.state, "sent")
    return os.listdir(path) if os.path.isdir(path) else []


def with_own_target(mta):
    """Copies go to a server of ours, which can refuse them at will."""
    digests = [{"name": name, "recipient": "@%s.test" % name,
                "sign": {"digest": name}} for name in ("sha384", "sha512")]
    target = Sink()
    split = Split(mta, {"reinject": "smtp:127.0.0.1:%d" % target.port,
                        "rules": RULES + digests})
    split.target = target
    split.world.where.on_close(target.stop)
    return split


def copy_refused(split):
    """Refused at RCPT for good: the whole mail is a temporary failure."""
    split.target.refuse = lambda sender, recipient: (
        "550 5.1.1 no such user" if recipient == PHONE else None)
    mail = make_mail("copy-refused")
    why = expect_tempfail(split, mail)
    split.target.refuse = lambda sender, recipient: None
    if why:
        return why
    if split.target.mails or split.world.sink.mails:
        return "something was delivered"
    split.send(mail)
    split.arrived("copy-refused", 2)
    got = per_recipient(split.target.take() + split.world.sink.take())
    return differs(got, WANT)


def copy_refused_after_data(split):
    split.target.refuse_data = lambda mail: "451 4.3.0 disk full"
    mail = make_mail("refused-at-data")
    why = expect_tempfail(split, mail)
    split.target.refuse_data = lambda mail: None
    if why:
        return why
    if split.target.mails or split.world.sink.mails:
        return "something was delivered"
    split.send(mail)
    split.arrived("refused-at-data", 2)
    got = per_recipient(split.target.take() + split.world.sink.take())
    return differs(got, WANT)


def ledger_gone(split):
    """Nothing stays in the ledger once the whole mail was accepted."""
    split.send(make_mail("accepted"), [BOB, PHONE])
    split.arrived("accepted", 1)
    return differs(ledger_files(split), [])


def retry(split):
    """Three copies, the third is refused: the retry sends only what is
    missing. Two rules with different digests make two signed copies."""
    mail = make_mail("ledger")
    recipients = [BOB, PHONE, "x@sha384.test", "y@sha512.test"]
    taken = []

    def refuse(sender, recipient):
        taken.append(recipient)
        return ("451 4.2.0 later" if recipient == "y@sha512.test" else None)

    split.target.refuse = refuse
    why = expect_tempfail(split, mail, recipients)
    if why:
        return why
    if len(ledger_files(split)) != 1:
        return "ledger: %r" % ledger_files(split)
    why = expect_tempfail(split, mail, recipients)
    if why:
        return why
    split.target.refuse = lambda sender, recipient: None
    split.send(mail, recipients)
    split.arrived("ledger", 1)
    got = per_recipient(split.target.take() + split.world.sink.take())
    why = differs(got, {BOB: [True], PHONE: [False],
                        "x@sha384.test": [True], "y@sha512.test": [True]})
    return why or differs(ledger_files(split), [])


def no_ledger_without_id(split):
    """Without Date and Message-ID nothing tells a retry from a new mail, so
    both are delivered."""
    mail = make_mail("undated", dated=False)
    split.send(mail)
    split.send(mail)
    split.arrived("undated", 4)
    got = per_recipient(split.target.take() + split.world.sink.take())
    return differs(got, {one: two * 2 for one, two in WANT.items()})


def same_mail_twice(split):
    """Accepted once is done: sending it again is a new mail, not a retry."""
    mail = make_mail("twice")
    split.send(mail)
    split.send(mail)
    split.arrived("twice", 4)
    got = per_recipient(split.target.take() + split.world.sink.take())
    return differs(got, {one: two * 2 for one, two in WANT.items()})


def slow_target(split):
    """The MTA waits while the copy takes its time."""
    split.target.delay = 12
    split.send(make_mail("slow"))
    split.target.delay = 0
    split.arrived("slow", 2)
    got = per_recipient(split.target.take() + split.world.sink.take())
    return differs(got, WANT)


def without_reinject(tap_, mta):
    """A rule that sets `sign` without `reinject` is a settings error."""
    world = World("split-none", mta, {"rules": RULES, "reinject": ""})
    code, said = world.milter.run_to_end()
    tap_.ok(code == 78 and "reinject" in said,
            mta + "/no-reinject-is-an-error", "exit %d: %s" % (code, said))
    world.close()


def with_mta(tap_, mta):
    split = Split(mta)
    court = Court(split.world.where, split.world.pki.anchor)
    tap_.case(mta + "/two-copies", two_copies, split, court)
    tap_.case(mta + "/copy-first", copy_first, split)
    tap_.case(mta + "/dsn-parameters", dsn_parameters, split)
    if mta == "postfix":  # Debian's Sendmail is built without SMTPUTF8
        tap_.case(mta + "/smtputf8", smtputf8_parameter, split)
    tap_.case(mta + "/many-recipients", many_copies, split)
    tap_.case(mta + "/one-group", all_in_one_group, split)
    tap_.case(mta + "/server-down", server_down, split)
    split.world.close()


def with_target(tap_, mta):
    split = with_own_target(mta)
    for name, function in (
            ("copy-refused", copy_refused),
            ("copy-refused-after-data", copy_refused_after_data),
            ("ledger-gone-after-accept", ledger_gone),
            ("retry-does-not-duplicate", retry),
            ("same-mail-twice", same_mail_twice),
            ("no-date-no-ledger", no_ledger_without_id),
            ("slow-target", slow_target)):
        tap_.case("%s/%s" % (mta, name), function, split)
        split.target.refuse = lambda sender, recipient: None
        split.target.refuse_data = lambda mail: None
        split.target.delay = 0
        split.target.take(), split.world.sink.take()
    split.world.close()


def test(tap_):
    for mta in ("postfix", "sendmail"):
        with_mta(tap_, mta)
        with_target(tap_, mta)
        without_reinject(tap_, mta)


if __name__ == "__main__":
    tap.main(test, __doc__)
