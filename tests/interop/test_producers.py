#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Signed mail made by OpenSSL, NSS, GnuPG and Bouncy Castle is verified and
harvested, in whatever form they make it; with one byte changed it fails and
nothing is harvested."""

import json
import os
import sys

TESTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
sys.path.insert(0, os.path.join(TESTS, "lib"))

from smimetest import partner, place, tap                # noqa: E402
from smimetest import producers                          # noqa: E402
from smimetest.authority import Authority                # noqa: E402
from smimetest.inbox import Inbox                        # noqa: E402
from smimetest.partner import BOB, CONTENT               # noqa: E402

MARK = b"order of today"


class Bench:
    def __init__(self):
        self.where = place.Place("producers")
        self.pki = Authority(self.where.dir("pki"))
        self.people = producers.People(self.pki, BOB)
        self.producers = [one(self.where, self.people)
                          for one in producers.ALL]
        self.count = 0

    def inbox(self):
        self.count += 1
        return Inbox(self.where, "desk%d" % self.count, self.pki.anchor)


def wrap(form, signature, content=CONTENT):
    if "opaque" in form:
        return partner.opaque(signature)
    return partner.detached(signature, shown=content)


def changed(form, signature):
    """The mail with one byte of its content changed."""
    if "opaque" not in form:
        return wrap(form, signature, CONTENT.replace(MARK, b"order of todaY"))
    at = signature.index(MARK)
    return wrap(form, signature[:at] + b"O" + signature[at + 1:])


def verdicts(box, mail):
    """What `smimectl verify` says: (exit code, results)"""
    path = box.file("verify.eml", mail)
    result = box.run("--json", "verify", path)
    report = json.loads(result.stdout)
    return result.returncode, [one["result"] for one in report["items"]]


def first_results(form, count):
    return {"certs-missing": ["permerror"],
            "issuer-missing": ["policy"]}.get(form, ["pass"] * count)


def good(bench, producer, form, signature):
    """What is wrong, as text."""
    box, people = bench.inbox(), bench.people
    mail = wrap(form, signature)
    want = first_results(form, len(people.signers(form)))
    got = box.receive(mail)
    if got.results != want:
        return "process says %s" % got
    if verdicts(box, mail) != (0 if set(want) == {"pass"} else 1, want):
        return "verify says %r" % (verdicts(box, mail),)
    if set(want) != {"pass"}:
        # Known, it and its issuer, from another mail.
        other = next(one for one in bench.producers
                     if one.name == "openssl").make("detached", CONTENT)
        known = box.receive(wrap("detached", other))
        if not known.harvested:
            return "the other one: %s" % known
        again = box.receive(mail)
        return "" if again.results == ["pass"] else "known: %s" % again
    wanted = [one.fingerprint() for one in people.to_encrypt(form)]
    if not got.harvested or set(got.harvested) - set(wanted):
        return "harvested %r, not %r" % (got.harvested, wanted)
    if form == "capabilities" and "capabilities" not in box.entries()[0]:
        return "no capabilities: %r" % box.entries()
    return ""


def bad(bench, form, signature):
    box = bench.inbox()
    mail = changed(form, signature)
    got = box.receive(mail)
    want = {"certs-missing": {"permerror"}}.get(form, {"fail"})
    if form == "issuer-missing":
        want = {"fail", "policy"}
    if not got.results or set(got.results) - want or got.harvested:
        return str(got)
    if box.cert_files():
        return "stored: %r" % box.cert_files()
    return ""


def test(t):
    bench = Bench()
    for line in producers.table(bench.producers):
        t.note(line)
    for producer in bench.producers:
        for form in producer.forms:
            signature = producer.make(form, CONTENT)
            name = "%s/%s" % (producer.name, form)
            t.case(name + "/good", good, bench, producer, form, signature)
            t.case(name + "/changed", bad, bench, form, signature)
    bench.where.close()


if __name__ == "__main__":
    tap.main(test, __doc__)
