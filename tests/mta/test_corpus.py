#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Mails of many kinds through a real MTA with our daemon: the signature
verifies at the far end with every judge, and what the user wrote is what
arrives: byte for byte where it was fit for the road, the same decoded
content otherwise."""

import os
import sys

TESTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
sys.path[:0] = [os.path.join(TESTS, "lib"), os.path.join(TESTS, "interop")]

from smimetest import corpus, rawmail, tap               # noqa: E402
from smimetest.submit import Client, Refused             # noqa: E402
from smimetest.world import World                        # noqa: E402
from judges import Court                                 # noqa: E402

# Who signs how: address, kind of key, what a rule says for this sender.
SIGNERS = (
    (corpus.SENDER, "rsa", {}),
    ("opaque@example.com", "rsa", {"format": "opaque"}),
    ("pss@example.com", "rsa", {"rsa_padding": "pss"}),
    ("pss-opaque@example.com", "rsa3072",
     {"rsa_padding": "pss", "format": "opaque", "digest": "sha384"}),
    ("sha384@example.com", "rsa", {"digest": "sha384"}),
    ("sha512@example.com", "rsa4096", {"digest": "sha512"}),
    ("p256@example.com", "p256", {}),
    ("p384@example.com", "p384", {}),
    ("p521@example.com", "p521", {}),
    ("p384-opaque@example.com", "p384", {"format": "opaque"}),
)

# The mails that each further signer sends, too.
SUBSET = ("text-7bit", "text-8bit", "attachment-base64", "unterminated-inner",
          "empty-body")

# What MTAs add on their own, with the time and the queue id in it.
ADDED = ("Received", "X-MIME-Autoconverted")
DEFAULT_LABEL = b"Content-Type: text/plain; charset=us-ascii\r\n"

# Else cleanup(8) makes a blank of a bare CR before any milter sees it.
KEEP_CR = {"cleanup_replace_stray_cr_lf": "no"}


def rules():
    return [{"name": address.split("@")[0], "sender": address, "sign": sign}
            for address, _, sign in SIGNERS if sign]


class Trial:
    """One mail on its way through one MTA."""

    def __init__(self, mail, signer):
        self.mail, self.signer = mail, signer
        self.data = mail.data.replace(
            corpus.SENDER.encode(), signer.address.encode()).replace(
                b"Message-ID: <", b"Message-ID: <%s." %
                signer.address.split("@")[0].encode())
        self.message_id = rawmail.field(self.data, "Message-ID")
        self.plain = self.signed = self.refused = None

    def name(self):
        return "%s/%s" % (self.mail.name, self.signer.address.split("@")[0])

    def send(self, world, listener):
        with Client(world.mta.ports[listener]) as smtp:
            smtp.ehlo()
            offered = {line.split()[0] for line in smtp.extensions}
            options = [one for one in self.mail.options
                       if one.split("=")[0] in offered
                       or one.startswith("BODY")]
            smtp.envelope(self.signer.address, self.mail.recipients, options)
            if self.mail.bdat:
                smtp.bdat(self.data)
            else:
                smtp.data(self.data)


def fits(mail, world, seven_bit):
    """Can this MTA and this road carry it at all?"""
    if mail.bdat and world.mta.name == "sendmail":
        return False
    return not (seven_bit and "SMTPUTF8" in mail.needs)


def trials(world, users, seven_bit=False):
    mails = [one for one in corpus.build() if fits(one, world, seven_bit)]
    first, *others = users
    return [Trial(mail, first) for mail in mails] + [
        Trial(mail, user) for user in others for mail in mails
        if mail.name in SUBSET and not seven_bit]


def send_all(world, all_trials, listener, keep):
    """keep(trial, delivered mail) for each that was delivered."""
    expected = 0
    for trial in all_trials:
        try:
            trial.send(world, listener)
            expected += 1
        except Refused as refusal:
            trial.refused = refusal
    world.sink.wait(expected, 120)
    arrived = {rawmail.field(one.mail, "Message-ID"): one
               for one in world.sink.take()}
    for trial in all_trials:
        keep(trial, arrived.get(trial.message_id))


def keep_plain(trial, delivered):
    trial.plain = delivered


def keep_signed(trial, delivered):
    trial.signed = delivered


def wrong_with(trial, court):
    """What is wrong with what arrived, as text."""
    if trial.signed is None:
        return "not delivered: %s" % trial.refused
    mail = trial.signed.mail
    if not rawmail.is_signed(mail):
        return "not signed:\n" + mail.decode("latin-1")
    cannot = ("gpgsm",) if trial.signer.address.startswith("p521") else ()
    why = court.objections(mail, trial.signer, cannot)
    return (why or header_changes(trial) or content_changes(trial, court)
            or envelope_changes(trial) or signing_time(trial, court))


def header_changes(trial):
    """All fields but the content's are as they are without our daemon."""
    before = rawmail.other_fields(trial.plain.mail, ADDED)
    after = rawmail.other_fields(trial.signed.mail, ADDED)
    if before != after:
        return "header was %r\nnow %r" % (before, after)
    if rawmail.count(trial.signed.mail, "MIME-Version") != 1:
        return "%d MIME-Version fields" % rawmail.count(
            trial.signed.mail, "MIME-Version")
    return ""


def content_changes(trial, court):
    sent = trial.data
    if not sent.endswith(b"\r\n"):
        sent += b"\r\n"  # the MTA does so
    want, got = rawmail.entity_of(sent), court.content(trial.signed.mail)
    # A part without any field may be told what it is by default anyway.
    if want.startswith(b"\r\n") and got.endswith(want):
        want = DEFAULT_LABEL + want
    if trial.mail.safe and got != want:
        return "not byte for byte: " + rawmail.difference(want, got)
    changes = rawmail.leaf_changes(want, got)
    return changes and "%s\nwas %r\nnow %r" % (changes, want[:2000],
                                               got[:2000])


def envelope_changes(trial):
    if sorted(trial.signed.recipients) != sorted(trial.mail.recipients):
        return "recipients %r" % trial.signed.recipients
    if trial.signed.sender != trial.signer.address:
        return "sender %r" % trial.signed.sender
    return ""


def signing_time(trial, court):
    """Absent when it would be far from Date, else present."""
    got = court.has_signing_time(trial.signed.mail)
    if got != trial.mail.signing_time:
        return "signing time is %s" % ("there" if got else "missing")
    return ""


def one_road(tap_, world, court, users, label, seven_bit):
    all_trials = trials(world, users, seven_bit)
    all_trials = [one for one in all_trials
                  if tap_.wanted(label + "/" + one.name())]
    send_all(world, all_trials, "reinject", keep_plain)
    send_all(world, all_trials, "mx", keep_signed)
    for trial in all_trials:
        name = "%s/%s" % (label, trial.name())
        if world.mta.name in trial.mail.refused_by:
            tap_.ok(trial.refused and not trial.signed,
                    name + " (refused by the MTA)", "it was taken")
        else:
            tap_.case(name, wrong_with, trial, court)


def with_mta(tap_, mta):
    world = World("corpus", mta, {"rules": rules()}, KEEP_CR)
    court = Court(world.where, world.pki.anchor)
    users = [world.user(address, kind) for address, kind, _ in SIGNERS]
    world.start()
    one_road(tap_, world, court, users, mta, False)
    world.sink.extensions.remove("8BITMIME")
    one_road(tap_, world, court, users[:1], mta + "-7bit", True)
    world.close()


def test(tap_):
    for mta in ("postfix", "sendmail"):
        with_mta(tap_, mta)


if __name__ == "__main__":
    tap.main(test, __doc__)
