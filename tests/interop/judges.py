# SPDX-License-Identifier: Apache-2.0
"""Judges of signed mail that are not ours: OpenSSL, NSS, GnuPG, Bouncy Castle.

Each takes mails as they arrived and answers ok, bad or cannot (the form is
beyond it). The detached content is cut out of the raw bytes, so that nothing
of Python's stands between the MTA and the judge; only `openssl` reads the
whole mail by itself, as a user would do it.
"""

import os
import subprocess

from smimetest import pki as pki_module
from smimetest import rawmail
from smimetest.place import Failure, must_run, run

JARS = ["/usr/share/java/%s.jar" % one
        for one in ("bcprov", "bcutil", "bcpkix", "bcmail")]


class Verdict:
    def __init__(self, result, reason="", signer=None):
        self.result, self.reason, self.signer = result, reason, signer

    def __str__(self):
        return ("%s %s" % (self.result, self.reason)).strip()


class Pair:
    """A mail's signature and detached content as files."""

    def __init__(self, directory, number, mail):
        self.mail = os.path.join(directory, "%d.eml" % number)
        self.content = self.signature = None
        write(self.mail, mail)
        found = rawmail.signed(mail)
        if not found:
            return
        content, der = found
        self.signature = os.path.join(directory, "%d.p7s" % number)
        write(self.signature, der)
        if content is not None:
            self.content = os.path.join(directory, "%d.content" % number)
            write(self.content, content)


class Judge:
    """A subclass has judge(pair); setup() once before the first."""

    name = "?"

    def __init__(self, where, anchor):
        self.where, self.anchor = where, anchor
        self.directory = where.dir("judge-" + self.name, mode=0o700)
        self.setup()

    def setup(self):
        pass

    def judge(self, pair):
        raise NotImplementedError

    def out(self):
        return os.path.join(self.directory, "out")


class OpenSSL(Judge):
    """The whole mail by `openssl cms -verify`."""

    name = "openssl"

    def judge(self, pair):
        signer = os.path.join(self.directory, "signer")
        result = run(["openssl", "cms", "-verify", "-in", pair.mail,
                      "-CAfile", self.anchor, "-signer", signer,
                      "-out", self.out()])
        if result.returncode != 0:
            return Verdict("bad", text(result))
        return Verdict("ok", signer=pki_module.fingerprint(read(signer)))


class OpenSSLRaw(Judge):
    """The signature and the exact bytes of the content."""

    name = "openssl-raw"

    def judge(self, pair):
        command = ["openssl", "cms", "-verify", "-binary", "-inform", "DER",
                   "-in", pair.signature, "-CAfile", self.anchor,
                   "-out", self.out()]
        if pair.content:
            command += ["-content", pair.content]
        result = run(command)
        return Verdict("ok") if result.returncode == 0 else Verdict(
            "bad", text(result))


class NSS(Judge):
    name = "nss"

    def setup(self):
        self.db = "sql:" + self.directory
        must_run(["certutil", "-N", "-d", self.db, "--empty-password"])
        must_run(["certutil", "-A", "-d", self.db, "-n", "anchor",
                  "-t", "CT,CT,CT", "-a", "-i", self.anchor])

    def judge(self, pair):
        command = ["cmsutil", "-D", "-d", self.db, "-u", "4", "-h", "0",
                   "-n", "-i", pair.signature, "-o", self.out()]
        if pair.content:
            command += ["-c", pair.content]
        result = run(command)
        said = text(result) + read(self.out()).decode(errors="replace")
        good = "status=GoodSignature" in said
        return Verdict("ok" if good and result.returncode == 0 else "bad",
                       said)


class GnuPG(Judge):
    """Wants a digest as long as the curve; cannot do P-521 at all."""

    name = "gpgsm"

    def setup(self):
        self.environment = dict(os.environ, GNUPGHOME=self.directory,
                                LC_ALL="C")
        self.write_home("gpgsm.conf", "disable-crl-checks\n"
                        "batch\n")
        self.write_home("gpg-agent.conf", "no-allow-mark-trusted\n")
        self.write_home("trustlist.txt", sha1(self.anchor) + " S relax\n")
        self.where.on_close(self.stop_agent)
        must_run(["gpgsm", "--import", self.anchor], env=self.environment)

    def stop_agent(self):
        run(["gpgconf", "--kill", "all"], env=self.environment)

    def write_home(self, name, content):
        write(os.path.join(self.directory, name), content.encode())

    def judge(self, pair):
        command = ["gpgsm", "--status-fd", "1", "--assume-binary"]
        if pair.content:
            command += ["--verify", pair.signature, pair.content]
        else:
            command += ["--output", self.out(), "--yes", "--verify",
                        pair.signature]
        result = run(command, env=self.environment)
        said = text(result)
        if "hash length to be a multiple of 8 bits" in said:
            return Verdict("cannot", "libgcrypt does not do P-521")
        good = ("[GNUPG:] GOODSIG" in said and "[GNUPG:] VALIDSIG" in said
                and "[GNUPG:] TRUST_FULLY" in said)
        return Verdict("ok" if good and result.returncode == 0 else "bad",
                       text(result))


class BouncyCastle(Judge):
    """One Java process for all mails."""

    name = "bouncycastle"

    def setup(self):
        classpath = ":".join([self.directory, *JARS])
        source = os.path.join(os.path.dirname(__file__), "Judge.java")
        must_run(["javac", "-cp", classpath, "-d", self.directory, source])
        self.process = subprocess.Popen(
            ["java", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp",
             classpath, "Judge", self.anchor],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.where.on_close(self.stop)

    def stop(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(20)

    def judge(self, pair):
        line = "%s\t%s\n" % (pair.signature, pair.content or "")
        self.process.stdin.write(line.encode())
        self.process.stdin.flush()
        answer = self.process.stdout.readline().decode().strip()
        if not answer:
            raise Failure("the Java judge is gone")
        result, _, rest = answer.partition(" ")
        if result == "ok":
            return Verdict("ok", signer=rest)
        return Verdict(result, rest)


ALL = (OpenSSL, OpenSSLRaw, NSS, GnuPG, BouncyCastle)


class Court:
    """All judges together."""

    def __init__(self, where, anchor, judges=ALL):
        self.directory = where.dir("court")
        self.judges = [judge(where, anchor) for judge in judges]
        self.heard = 0

    def verdicts(self, mail):
        """{name of judge: Verdict}"""
        self.heard += 1
        pair = Pair(self.directory, self.heard, mail)
        if not pair.signature:
            return {judge.name: Verdict("bad", "not signed")
                    for judge in self.judges}
        return {judge.name: judge.judge(pair) for judge in self.judges}

    def objections(self, mail, signer=None, cannot=()):
        """What speaks against this mail, as text; "" when all say ok.
        signer: the Identity that must have signed it. cannot: judges who are
        known not to be able to."""
        wrong = []
        for name, verdict in self.verdicts(mail).items():
            if verdict.result == "cannot" and name in cannot:
                continue
            if verdict.result != "ok":
                wrong.append("%s: %s" % (name, verdict))
            elif signer and verdict.signer not in (
                    None, signer.fingerprint()):
                wrong.append("%s: signed by %s" % (name, verdict.signer))
        return "\n".join(wrong)

    def content(self, mail):
        """The exact bytes that were signed."""
        content, der = rawmail.signed(mail)
        if content is not None:
            return content
        # OpenSSL writes what lies inside; what it thinks of it is not asked.
        return must_run(["openssl", "cms", "-verify", "-noverify", "-binary",
                         "-inform", "DER"], input=der)

    @staticmethod
    def has_signing_time(mail):
        _, der = rawmail.signed(mail)
        shown = must_run(["openssl", "cms", "-cmsout", "-noout", "-print",
                          "-inform", "DER"], input=der)
        return b"signingTime" in shown


def text(result):
    said = (result.stdout + result.stderr).decode(errors="replace")
    return " | ".join(said.strip().splitlines())


def read(path):
    with open(path, "rb") as file:
        return file.read()


def write(path, data):
    with open(path, "wb") as file:
        file.write(data)


def sha1(certificate):
    """The fingerprint in the form of trustlist.txt."""
    out = must_run(["openssl", "x509", "-noout", "-fingerprint", "-sha1",
                    "-in", certificate]).decode()
    return out.strip().split("=")[1]
