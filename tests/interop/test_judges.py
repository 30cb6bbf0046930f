#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The judges themselves, on mail that the openssl command signed: they accept
a good one and reject one that was touched or comes from elsewhere. A judge
that says ok to everything would make all other tests worthless."""

import os
import sys

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)),
                os.path.join(os.path.dirname(os.path.abspath(__file__)),
                             "..", "lib")]

from smimetest import rawmail, tap                       # noqa: E402
from smimetest.pki import KINDS, Pki                     # noqa: E402
from smimetest.place import Place, must_run              # noqa: E402
from judges import Court                                 # noqa: E402

ENTITY = rawmail.crlf("""Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 7bit

The quick brown fox.
""")

HEADER = (b"From: %s\r\nTo: bob@partner.test\r\nSubject: x\r\n"
          b"MIME-Version: 1.0\r\n")


def sign(where, identity, options=(), opaque=False):
    """A mail signed by the openssl command; CRLF throughout."""
    content = where.write("entity", ENTITY)
    command = ["openssl", "cms", "-sign", "-binary", "-in", content,
               "-signer", identity.cert, "-inkey", identity.key,
               "-certfile", identity.chain, *options]
    if opaque:
        command.append("-nodetach")
    signed = rawmail.crlf(must_run(command))
    signed = signed.replace(b"MIME-Version: 1.0\r\n", b"", 1)
    return HEADER % identity.address.encode() + signed


def stranger(where, options=()):
    other = Pki(where.dir("other-pki"))
    return sign(where, other.user("eve@example.com"), options)


def test(tap_):
    where = Place("judges")
    pki = Pki(where.dir("pki"))
    court = Court(where, pki.anchor)

    for kind in KINDS:
        if kind == "rsa4096" and not tap_.options.full:
            continue
        user = pki.user("alice@example.com", kind)
        variants = {"": []}
        if kind == "rsa":
            variants["/pss"] = ["-keyopt", "rsa_padding_mode:pss", "-keyopt",
                                "rsa_pss_saltlen:digest", "-md", "sha256"]
            variants["/sha512"] = ["-md", "sha512"]
        if kind == "p384":  # gpgsm objects to a shorter digest
            variants = {"/sha384": ["-md", "sha384"]}
        for label, options in variants.items():
            for opaque in (False, True):
                mail = sign(where, user, options, opaque)
                form = "opaque" if opaque else "detached"
                for name, verdict in court.verdicts(mail).items():
                    cannot = kind == "p521" and name == "gpgsm"
                    tap_.ok(
                        verdict.result == ("cannot" if cannot else "ok")
                        and verdict.signer in (None, user.fingerprint()),
                        "%s%s/%s/%s" % (kind, label, form, name), verdict)

    mail = sign(where, pki.user("alice@example.com", "rsa"))
    doubtful = {
        "tampered": mail.replace(b"brown", b"black"),
        "line-end": mail.replace(b"fox.\r\n", b"fox. \r\n"),
        "other-root": stranger(where),
        "unsigned": HEADER % b"a@example.com" + ENTITY,
        "no-signer-certificate": sign(where, pki.user(
            "alice@example.com", "rsa"), ["-nocerts"]),
        "expired": sign(where, pki.user("old@example.com", days=(-30, -1))),
    }
    for label, bad in doubtful.items():
        for name, verdict in court.verdicts(bad).items():
            tap_.ok(verdict.result == "bad", "%s/%s" % (label, name),
                    "said %s" % verdict)
    where.close()


if __name__ == "__main__":
    tap.main(test, __doc__)
