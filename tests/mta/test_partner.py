#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A partner's signed mail through real mail servers: what is delivered bears
the result at its top, openssl still verifies it, and the signed part is the
same to the byte. Forged results do not get through."""

import os
import sys

TESTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
sys.path[:0] = [os.path.join(TESTS, "lib"), os.path.join(TESTS, "interop")]

from smimetest import corpus, inbox, partner, rawmail, tap  # noqa: E402
from smimetest.inbox import AUTHSERV_ID, smime_results   # noqa: E402
from smimetest.partner import ALICE, BOB                 # noqa: E402
from smimetest.rawmail import crlf                       # noqa: E402
from smimetest.submit import Refused                     # noqa: E402
from smimetest.world import World                        # noqa: E402
from judges import Court, OpenSSL, OpenSSLRaw            # noqa: E402

FORGED = crlf("Authentication-Results: %s; smime=pass\n"
              "Authentication-Results: (x)\n \"%s\";\n\tsmime=pass\n"
              "X-SMIME-Milter-Anything: yes\n" % (AUTHSERV_ID, AUTHSERV_ID))
# As some readers take them, among others that must stay.
OTHER = ("mx.other.test; smime=pass", "%s; spf=pass" % AUTHSERV_ID)
ODD = crlf("Authentication-Results: %s\n"
           "authentication-RESULTS: %s; smime=pass\n"
           "Authentication-Results : %s; smime=pass\n"
           "X-SMIME-Milter : decrypted=yes\n"
           "x-smime-milter\t: decrypted=yes\n"
           "Authentication-Results: %s\n"
           "X-Smime-Milter: decrypted=yes\n"
           "X-SMIME-Milter: decrypted=yes\n"
           "Authentication-Results:\n %s\n ; spf=pass;\n smime=pass\n"
           % (OTHER[0], AUTHSERV_ID, AUTHSERV_ID, OTHER[1], AUTHSERV_ID))
PARTS = crlf("Content-Type: multipart/mixed; boundary=in\n\n--in\n"
             "Content-Type: text/plain\n\nsee the file\n--in\n"
             "Content-Type: application/octet-stream\n"
             "Content-Transfer-Encoding: base64\n\n") + corpus.base64_lines(
                 corpus.noise(300000)) + crlf("--in--\n")
LINES = crlf("Content-Type: text/plain; charset=utf-8\n"
             "Content-Transfer-Encoding: quoted-printable\n\n"
             ".\n..\n =20\n=46rom here\n\n\n")
# No client inside, whatever XCLIENT a server can do.
OUTSIDE = {"internal_hosts": ["192.0.2.99"], "authserv_id": AUTHSERV_ID,
           "revocation": {"mode": "off"},
           "verify": {"subject_tag": "[signed]"}}


class Bench:
    def __init__(self, mta):
        self.world = World("partner", mta, OUTSIDE)
        pki = self.world.pki
        self.bob = pki.user(BOB, "rsa")
        self.court = Court(self.world.where, pki.anchor,
                           (OpenSSL, OpenSSLRaw))
        self.world.milter.trust(pki)
        self.world.start()

    def deliver(self, mail):
        self.world.sink.take()
        self.world.send(mail, BOB, [ALICE])
        return self.world.sink.wait(1)[0].mail


def look(bench, mail, content):
    """What is wrong with what arrives, as text."""
    got = bench.deliver(mail)
    results = smime_results(got)
    if [one for one, _ in results] != ["pass"]:
        return "results %r in %r" % (results, got[:1500])
    if "body.smime-identifier=" + BOB not in results[0][1]:
        return results[0][1]
    if rawmail.count(got, "X-SMIME-Milter-Anything"):
        return "a forged field stayed"
    if not rawmail.field(got, "Subject").startswith("[signed] "):
        return "the subject is %r" % rawmail.field(got, "Subject")
    top = rawmail.fields(rawmail.cut(got)[0])
    names = [name.lower() for name, _ in top]
    if names.index("authentication-results") > names.index("received"):
        return "not above our own Received: %r" % names
    why = bench.court.objections(got, bench.bob)
    if why:
        return why
    if bench.court.content(got) != content:
        return rawmail.difference(content, bench.court.content(got))
    body = rawmail.cut(mail)[1]
    if rawmail.cut(got)[1] != body:
        return "the body " + rawmail.difference(body, rawmail.cut(got)[1])
    return ""


def changed(bench):
    mail = partner.mail(bench.bob).replace(b"order of today", b"order of ten")
    got = bench.deliver(FORGED + mail)
    if [one for one, _ in smime_results(got)] != ["fail"]:
        return "results %r" % smime_results(got)
    if rawmail.field(got, "Subject").startswith("[signed]"):
        return "tagged"
    return ""


def unsigned(bench):
    mail = partner.head() + crlf("Content-Type: text/plain\n\nhello\n")
    got = bench.deliver(FORGED + mail)
    if smime_results(got) or rawmail.count(got, "X-SMIME-Milter-Anything"):
        return "forged fields stayed: %r" % got[:800]
    return "" if got.endswith(mail) else "changed: %r" % got


def odd_spelling(bench):
    mail = ODD + partner.head() + crlf("Content-Type: text/plain\n\nhello\n")
    got = bench.deliver(mail)
    fields = rawmail.fields(rawmail.cut(got)[0])
    seen = [(name.strip().lower(), " ".join(value.decode().split()))
            for name, value in fields]
    marks = [value for name, value in seen
             if name == "authentication-results"]
    if marks != list(OTHER):
        return "stayed: %r" % marks
    if any(name.startswith("x-smime-milter") for name, _ in seen):
        return "a forged field stayed: %r" % seen
    return ""


def stripped(bench):
    """The content alone, below a header that does not contradict it."""
    bench.world.milter.write_settings(verify={
        "subject_tag": "[signed]", "strip_signature": True})
    mark = bench.world.milter.log_mark()
    bench.world.milter.reload()
    bench.world.milter.log_since(mark, "settings")
    for content in (LINES, PARTS):
        for form in ("detached", "opaque"):
            got = bench.deliver(FORGED + ODD + partner.mail(
                bench.bob, content=content, form=form))
            inner, body = rawmail.cut(content)
            if [one for one, _ in smime_results(got)] != ["pass"]:
                return "results: %r" % got[:1500]
            if not rawmail.field(got, "Subject").startswith("[signed] "):
                return "the subject is %r" % rawmail.field(got, "Subject")
            for name, value in rawmail.fields(inner):
                if (rawmail.count(got, name) != 1 or
                        rawmail.field(got, name).split()
                        != value.decode().split()):
                    return "%s: %r" % (name, rawmail.cut(got)[0])
            if rawmail.cut(got)[1] != body:
                return rawmail.difference(body, rawmail.cut(got)[1])
    return ""


def known(bench):
    shown = bench.world.milter.must_smimectl("cert", "show", BOB).decode()
    if bench.bob.fingerprint() not in shown:
        return shown
    path = os.path.join(bench.world.milter.state, "certs", "partner.test",
                        "bob.pem")
    return inbox.parses(path)


def rejected(bench):
    """on_invalid = reject, told by the server to the sender."""
    bench.world.milter.write_settings(verify={"on_invalid": "reject"})
    mark = bench.world.milter.log_mark()
    bench.world.milter.reload()
    bench.world.milter.log_since(mark, "settings")
    bad = partner.mail(bench.bob).replace(b"order of today", b"order of ten")
    try:
        bench.world.send(bad, BOB, [ALICE])
        return "taken"
    except Refused as refused:
        text = str(refused.reply)
        return "" if "550" in text and "5.7.7" in text else text


def test(t):
    for mta in ("postfix", "sendmail"):
        bench = Bench(mta)
        for name, content in (("text", partner.CONTENT), ("parts", PARTS),
                              ("odd-lines", LINES)):
            for form in ("detached", "opaque"):
                mail = FORGED + partner.mail(bench.bob, content=content,
                                             form=form)
                t.case("%s/%s-%s" % (mta, name, form), look, bench, mail,
                       content)
        for name, case in (("changed", changed), ("unsigned", unsigned),
                           ("odd-spelling", odd_spelling),
                           ("known-afterwards", known),
                           ("stripped", stripped), ("rejected", rejected)):
            t.case("%s/%s" % (mta, name), case, bench)
        bench.world.close()


if __name__ == "__main__":
    tap.main(test, __doc__)
