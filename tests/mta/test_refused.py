#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Mail that must not be signed: delivered as it would be without us, and the
log tells the administrator why, with the line that would allow it. Beside
each stands what is allowed, so that refusing everything is no way out."""

import os
import re
import sys
import time

TESTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
sys.path[:0] = [os.path.join(TESTS, "lib")]

from smimetest import place, rawmail, tap                # noqa: E402
from smimetest.submit import Refused                     # noqa: E402
from smimetest.world import World                        # noqa: E402

ALICE, MALLORY, BOB = ("alice@example.com", "mallory@example.com",
                       "bob@partner.test")
OUTSIDE = "192.0.2.1"
UNSIGNED = r"warning: .*unsigned"

PLAIN = "Content-Type: text/plain\n\nSome text.\n"
HERE_BEFORE = ("Received: from list.example.com (list.example.com [127.0.0.9])"
               "\n"
               "\tby mx.example.com (Postfix) with ESMTP id 12345;\n"
               "\tMon, 1 Jan 2024 00:00:00 +0000 (UTC)\n")
LOCAL_SUBMIT = ("Received: by mx.example.com (Postfix, from userid 1000)\n"
                "\tid 54321; Mon, 1 Jan 2024 00:00:00 +0000 (UTC)\n")

PGP_MIME = """\
Content-Type: multipart/encrypted; protocol="application/pgp-encrypted";
 boundary=p

--p
Content-Type: application/pgp-encrypted

Version: 1
--p
Content-Type: application/octet-stream

-----BEGIN PGP MESSAGE-----

hQEMA9Jl
-----END PGP MESSAGE-----
--p--
"""

INLINE_PGP = """\
Content-Type: text/plain

-----BEGIN PGP SIGNED MESSAGE-----
Hash: SHA256

text
-----BEGIN PGP SIGNATURE-----

iQEzBAEBCAAdFiEE
-----END PGP SIGNATURE-----
"""


class Case:
    """sign: it must come out signed. log: a regular expression the log must
    have a line for. only: the MTA that can do it (XCLIENT, for a start)."""

    def __init__(self, name, sender=ALICE, author=ALICE, login=None,
                 client=None, listener="mx", prefix="", body=PLAIN,
                 sign=False, log=UNSIGNED, only=None):
        self.name, self.sender, self.author = name, sender, author
        self.login, self.client, self.listener = login, client, listener
        self.prefix, self.body = prefix, body
        self.sign, self.log = sign, log
        self.only = only or ("postfix" if login or client
                             or listener != "mx" else None)

    def mail(self, signed=None):
        authors = (self.author if isinstance(self.author, tuple)
                   else (self.author,))
        lines = ["From: %s" % one for one in authors]
        return rawmail.crlf(self.prefix + "\n".join(lines + [
            "To: " + BOB, "Subject: " + self.name,
            "Date: Mon, 01 Jan 2024 00:00:00 +0000",
            "Message-ID: <%s.%d@example.com>" % (self.name, time.time_ns()),
            "MIME-Version: 1.0", self.body or signed]))


def line(address, who):
    """What sender_logins would have to say, in the warning's words."""
    return UNSIGNED + r".*%s +%s" % (address.replace(".", r"\."), who)


CASES = (
    Case("internal", sign=True),
    Case("login", login=ALICE, client=OUTSIDE, sign=True),
    Case("login-on-submission", login=ALICE, client=OUTSIDE, sign=True,
         listener="submission"),
    Case("internal-on-submission", listener="submission", sign=True),

    Case("from-of-another-login", sender=MALLORY, login=MALLORY,
         client=OUTSIDE, log=line(ALICE, MALLORY)),
    Case("from-and-envelope-of-another-login", login=MALLORY, client=OUTSIDE,
         log=line(ALICE, MALLORY)),
    Case("login-of-another-from-an-internal-client", login=MALLORY,
         log=line(ALICE, MALLORY)),
    Case("login-listed", sender="shared@example.com",
         author="shared@example.com", login="jdoe", client=OUTSIDE,
         sign=True),
    Case("login-not-listed", sender="shared@example.com",
         author="shared@example.com", login="other", client=OUTSIDE,
         log=line("shared@example.com", "other")),

    Case("two-from-fields", author=(ALICE, MALLORY)),
    Case("two-from-fields-alike", author=(ALICE, ALICE)),
    Case("two-mailboxes", author="%s, %s" % (ALICE, MALLORY)),
    Case("no-mailbox", author="undisclosed:;"),
    Case("from-in-a-name", author='"%s" <eve@elsewhere.test>' % ALICE),
    Case("from-outside", author="alice@elsewhere.test"),
    Case("from-below-a-look-alike", author="alice@notexample.com"),
    Case("from-outside-login", author="alice@elsewhere.test", login=ALICE,
         client=OUTSIDE),

    Case("outside-client", client=OUTSIDE, log="dir=(pass|inbound)"),
    Case("outside-client-to-own", client=OUTSIDE, log="dir=inbound",
         sender=ALICE),
    Case("submission-without-login", client=OUTSIDE, listener="submission"),

    Case("envelope-differs", sender="bounce@example.com",
         log=line(ALICE, "<bounce@example.com>")),
    Case("envelope-differs-login", sender="bounce@example.com", login=ALICE,
         client=OUTSIDE, log=line(ALICE, "<bounce@example.com>")),
    Case("envelope-listed", sender="bounce@example.com",
         author="app@example.com", sign=True),
    Case("envelope-case-differs", sender="Alice@EXAMPLE.com", sign=True),
    Case("envelope-empty", sender=""),
    Case("envelope-empty-login", sender="", login=ALICE, client=OUTSIDE,
         sign=True),

    Case("redirected-back", prefix=HERE_BEFORE),
    Case("redirected-back-login", prefix=HERE_BEFORE, login=ALICE,
         client=OUTSIDE, sign=True),
    Case("submitted-here", prefix=LOCAL_SUBMIT, sign=True),
    Case("received-elsewhere", sign=True,
         prefix=HERE_BEFORE.replace("mx.example.com", "mx.partner.test")),

    Case("no-identity", sender="nobody@example.com",
         author="nobody@example.com", log="action=.*nobody@example.com|"
         "nobody@example.com.*action="),
    Case("expired", sender="expired@example.com",
         author="expired@example.com", log=UNSIGNED + ".*expired"),
    Case("not-yet-valid", sender="future@example.com",
         author="future@example.com", log=UNSIGNED + ".*not (yet )?valid"),

    Case("signed-already", body=None, log="already protected"),
    Case("pgp-mime", body=PGP_MIME, log="already protected"),
    Case("pgp-inline", body=INLINE_PGP, log="already protected"),
    Case("rule-never", sender="never@example.com",
         author="never@example.com", log="sign=no"),
    Case("request-not-asked", sender="request@example.com",
         author="request@example.com", log="sign=no"),
)

REPLIES = (
    ("missing-key-reject", "reject@example.com", 5),
    ("missing-key-tempfail", "tempfail@example.com", 4),
    ("missing-key-reject-expired", "reject-expired@example.com", 5),
)


def rules():
    return [
        {"name": "never", "sender": "never@example.com",
         "sign": {"mode": "never"}},
        {"name": "request", "sender": "request@example.com",
         "sign": {"mode": "request"}},
        {"name": "reject", "sender": "reject@example.com",
         "sign": {"missing_key": "reject"}},
        {"name": "reject-expired", "sender": "reject-expired@example.com",
         "sign": {"missing_key": "reject"}},
        {"name": "tempfail", "sender": "tempfail@example.com",
         "sign": {"missing_key": "tempfail"}},
    ]


def identities(world):
    world.signed = signed_by_openssl(world, world.user(ALICE, "p256"))
    for address in (MALLORY, "shared@example.com", "app@example.com",
                    "never@example.com", "request@example.com"):
        world.user(address, "p256")
    world.user("expired@example.com", "p256", days=(-30, -1))
    world.user("reject-expired@example.com", "p256", days=(-30, -1))
    world.user("future@example.com", "p256", days=(3, 30))


def send(world, case, mail, listener):
    recipients = [ALICE if case.name.endswith("to-own") else BOB]
    world.send(mail, case.sender, recipients, listener, login=case.login,
               client=case.client)
    return world.sink.wait_for(
        lambda one: rawmail.field(one.mail, "Subject") == case.name)[0].mail


def unchanged(before, after):
    """Fields and body as they are without us."""
    if rawmail.cut(before)[1] != rawmail.cut(after)[1]:
        return "body changed:\n" + after.decode("latin-1")
    one, two = ([field for field in rawmail.fields(rawmail.cut(mail)[0])
                 if field[0] != "Received"] for mail in (before, after))
    return "" if one == two else "fields %r\nbecame %r" % (one, two)


def signed_by_openssl(world, identity):
    """A signed entity, as the user's own program would make it."""
    return place.must_run(
        ["openssl", "cms", "-sign", "-signer", identity.cert, "-inkey",
         identity.key], input=PLAIN.encode()).decode().replace(
             "MIME-Version: 1.0\n", "", 1)


def try_case(world, case):
    mail = case.mail(world.signed)
    mark = world.milter.log_mark()
    world.sink.take()
    got = send(world, case, mail, case.listener)
    if case.sign:
        return "" if rawmail.is_signed(got) else "not signed: " + (
            world.milter.log()[mark:])
    if rawmail.is_signed(got) and case.body:
        return "signed: " + world.milter.log()[mark:]
    world.sink.take()
    why = unchanged(send(world, case, mail, "reinject"), got)
    if why:
        return why
    world.milter.log_since(mark, case.log, 5)
    return ""


def request_asked(world):
    """The field is removed, the mail signed."""
    case = Case("request-asked", sender="request@example.com",
                author="request@example.com", prefix="X-Sign: yes\n")
    world.sink.take()
    got = send(world, case, case.mail(), "mx")
    if not rawmail.is_signed(got):
        return "not signed"
    return "" if rawmail.count(got, "X-Sign") == 0 else "X-Sign stayed"


def add_what_the_log_says(world):
    """The line of the warning, put into sender_logins, is all it takes."""
    case = Case("add-the-line", sender="news@example.com", login="editor",
                only="postfix")
    mark = world.milter.log_mark()
    world.sink.take()
    if rawmail.is_signed(send(world, case, case.mail(), "mx")):
        return "signed at once"
    warning = world.milter.log_since(mark, UNSIGNED)
    line_to_add = re.search(r'add "([^"]*)"', warning).group(1)
    with open(world.milter.settings["sender_logins"], "a") as file:
        file.write(line_to_add + "\n")
    mark = world.milter.log_mark()
    world.milter.reload()
    world.milter.log_since(mark, "settings|reload", 10)
    world.sink.take()
    return "" if rawmail.is_signed(send(
        world, case, case.mail(), "mx")) else "not signed with " + line_to_add


def try_reply(world, address, family):
    case = Case("reply", sender=address, author=address)
    mark = world.milter.log_mark()
    try:
        world.send(case.mail(), address, [BOB])
    except Refused as refusal:
        world.milter.log_since(mark, "warning: .*%s" % address, 5)
        return "" if refusal.code // 100 == family else str(refusal)
    return "it was taken"


def with_mta(tap_, mta):
    world = World("refused", mta)
    logins = world.where.write("logins", "# who may be whom\n"
                               "shared@example.com jdoe asmith\n"
                               "app@example.com <bounce@example.com>\n")
    world.milter.write_settings(rules=rules(), sender_logins=logins)
    identities(world)
    world.start()
    for case in CASES:
        if case.only in (None, mta):
            tap_.case("%s/%s" % (mta, case.name), try_case, world, case)
    tap_.case(mta + "/request-asked", request_asked, world)
    if mta == "postfix":
        tap_.case(mta + "/add-what-the-log-says", add_what_the_log_says, world)
    for name, address, family in REPLIES:
        tap_.case("%s/%s" % (mta, name), try_reply, world, address, family)
    world.close()


def test(tap_):
    for mta in ("postfix", "sendmail"):
        with_mta(tap_, mta)


if __name__ == "__main__":
    tap.main(test, __doc__)
