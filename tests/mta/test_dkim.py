#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The order of filters that README tells: DKIM verification before us, DKIM
signing behind us, on the re-injection listener too. At the far end both kinds
of signature verify. The wrong order is tried as well: it must fail, else
this test would prove nothing."""

import os
import sys

TESTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
sys.path[:0] = [os.path.join(TESTS, "lib"), os.path.join(TESTS, "interop")]

from smimetest import corpus, opendkim, place, rawmail, tap  # noqa: E402
from smimetest.milter import Milter                      # noqa: E402
from smimetest.pki import Pki                            # noqa: E402
from smimetest.postfix import Postfix                    # noqa: E402
from smimetest.sink import Sink                          # noqa: E402
from smimetest.submit import submit                      # noqa: E402
from judges import Court                                 # noqa: E402

ALICE, BOB, PHONE = (corpus.SENDER, corpus.RECIPIENT, "dave@phone.test")
OUTSIDE = "192.0.2.1"
RULES = [{"name": "phones", "recipient": "@phone.test",
          "sign": {"mode": "never"}}]

# The mails that are most likely to suffer on the way to the second filter.
MAILS = (corpus.text_7bit, corpus.text_8bit, corpus.attachment_base64,
         corpus.folded_header, corpus.no_mime_version, corpus.empty_body,
         corpus.long_lines, corpus.trailing_blanks, corpus.unterminated)


class Site:
    """Two opendkim, our daemon, one Postfix for each order of them."""

    def __init__(self):
        self.where = place.Place("dkim")
        self.pki = Pki(self.where.dir("pki"))
        self.key = opendkim.Key(self.where)
        self.sink = Sink()
        self.where.on_close(self.sink.stop)
        self.milter = Milter(self.where)
        self.filters = {mode: opendkim.OpenDKIM(self.where, self.key, mode)
                        for mode in ("v", "s", "sv")}
        for one in self.filters.values():
            one.start()
        ours = self.milter.mta_address
        verify, sign, both = (self.filters[mode].mta_address
                              for mode in ("v", "s", "sv"))
        self.right = self.postfix("right", [verify, ours, sign], sign)
        self.wrong = self.postfix("wrong", [both, ours], sign)
        self.by_client = self.postfix(
            "by-client", [both, ours], both, smtpd_milter_maps="cidr:" +
            self.where.write("clients", "127.0.0.0/8 %s, %s\n" % (ours, both)))
        self.milter.write_settings(
            rules=RULES,
            reinject="smtp:127.0.0.1:%d" % self.right.ports["reinject"])
        self.alice = self.pki.user(ALICE, "rsa")
        self.milter.import_identity(self.alice)
        self.milter.start()
        self.court = Court(self.where, self.pki.anchor)

    def postfix(self, label, filters, reinject, **settings):
        mta = Postfix(self.where, self.sink.port, ", ".join(filters),
                      reinject, settings=settings, label="postfix-" + label)
        mta.start()
        return mta

    def deliver(self, mta, mail, recipients, listener="mx", **options):
        self.sink.take()
        submit(mta.ports[listener], mail.data, ALICE, recipients,
               options=mail.options, **options)
        place.wait_until(
            lambda: sum(len(one.recipients) for one in self.sink.mails)
            >= len(recipients), 30, "the mail")
        return self.sink.take()

    def dkim_objections(self, mail):
        return opendkim.dkimpy_objection(mail, self.key) or (
            opendkim.opendkim_objection(mail, self.key, self.where))


def both_verify(site, mta, make, listener, options):
    arrived = site.deliver(mta, make(), [BOB], listener, **options)[0].mail
    return site.dkim_objections(arrived) or site.court.objections(
        arrived, site.alice)


def both_copies(site, mta):
    """The copy that was re-injected has its DKIM signature too."""
    mails = site.deliver(mta, corpus.text_8bit(), [BOB, PHONE])
    for one in mails:
        why = site.dkim_objections(one.mail)
        if not why and BOB in one.recipients:
            why = site.court.objections(one.mail, site.alice)
        if not why and PHONE in one.recipients and rawmail.is_signed(one.mail):
            why = "signed"
        if why:
            return "%r: %s" % (one.recipients, why)
        if rawmail.count(one.mail, "DKIM-Signature") != 1:
            return "%d DKIM signatures" % rawmail.count(
                one.mail, "DKIM-Signature")
    return "" if len(mails) == 2 else "%d mails" % len(mails)


def wrong_order(site):
    arrived = site.deliver(site.wrong, corpus.text_7bit(), [BOB])[0].mail
    why = site.court.objections(arrived, site.alice)
    if why:
        return why
    return "" if site.dkim_objections(arrived) else (
        "DKIM verifies although its filter came first")


def not_ours(site):
    """Mail from outside to us: the verifier in front sees it untouched."""
    plain = submit_outside(site)
    return "" if b"dkim=pass" in plain else plain.decode("latin-1")


def submit_outside(site):
    """A DKIM-signed mail that comes in again through the front door."""
    first = site.deliver(site.right, corpus.text_7bit(), [BOB])[0].mail
    site.sink.take()
    submit(site.right.ports["mx"], first, "alice@example.com",
           ["carol@example.com"], client=OUTSIDE)
    return site.sink.wait(1)[0].mail


def test(tap_):
    site = Site()
    roads = (("internal", "mx", {}),
             ("login", "submission", {"login": ALICE, "client": OUTSIDE}))
    for label, listener, options in roads:
        for make in MAILS:
            tap_.case("%s/%s" % (label, make().name), both_verify, site,
                      site.right, make, listener, options)
    tap_.case("split/both-copies", both_copies, site, site.right)
    tap_.case("wrong-order-breaks-dkim", wrong_order, site)
    tap_.case("inbound-is-verified-first", not_ours, site)
    tap_.case("order-by-client/internal", both_verify, site, site.by_client,
              corpus.text_7bit, "mx", {})
    site.where.close()


if __name__ == "__main__":
    tap.main(test, __doc__)
