# SPDX-License-Identifier: Apache-2.0
"""Producers of signed mail that are not ours: OpenSSL, NSS, GnuPG, Bouncy
Castle. Each makes SignedData in the forms it can; make() raises Cannot for the
others.
"""

import os
import subprocess

from smimetest.place import Failure, must_run, run

JARS = ["/usr/share/java/%s.jar" % one
        for one in ("bcprov", "bcutil", "bcpkix", "bcmail")]
INTEROP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..",
                       "interop")
PASSPHRASE = "not secret"

# What is asked of each. detached but for those with "opaque" in the name.
FORMS = ("detached", "opaque", "ecdsa", "opaque-ecdsa", "sha512", "pss",
         "opaque-pss", "ber", "opaque-ber", "key-identifier", "two-signers",
         "opaque-two-signers", "two-certificates", "capabilities",
         "certs-missing", "issuer-missing", "extra-certs", "odd-order",
         "with-root", "cades")


class Cannot(Exception):
    """This tool has no such form."""


class People:
    """Who signs, and with what. All of one address, of one PKI."""

    def __init__(self, pki, address):
        self.pki, self.address = pki, address
        self.rsa = pki.user(address, "rsa", name="producer-rsa")
        self.ec = pki.user(address, "p256", name="producer-ec", agrees=True)
        self.second = pki.user(address, "rsa", name="producer-second")
        self.signing = pki.special("producer-signing", kind="rsa",
                                   names="email:" + address)
        self.cipher = pki.special("producer-cipher", kind="rsa",
                                  usage="keyEncipherment",
                                  names="email:" + address)
        self.strangers = [pki.user("x%d@elsewhere.test" % number, "p256").cert
                          for number in range(3)]

    def signers(self, form):
        if "ecdsa" in form:
            return [self.ec]
        if form.endswith("two-signers"):
            return [self.rsa, self.second]
        if form == "two-certificates":
            return [self.signing]
        return [self.rsa]

    def to_encrypt(self, form):
        """The certificates of which one has to be harvested."""
        return ([self.cipher] if form == "two-certificates"
                else self.signers(form))


class Producer:
    """A subclass has sign(form, signers, content) for the forms it names."""

    name = "?"
    forms = ()

    def __init__(self, where, people):
        self.where, self.people = where, people
        self.directory = where.dir("producer-" + self.name, mode=0o700)
        self.setup()

    def setup(self):
        pass

    def make(self, form, content):
        """DER or BER."""
        if form not in self.forms:
            raise Cannot(form)
        path = os.path.join(self.directory, "content")
        write(path, content)
        return self.sign(form, self.people.signers(form), path)

    def sign(self, form, signers, path):
        raise NotImplementedError

    def out(self):
        return os.path.join(self.directory, "out")


class OpenSSL(Producer):
    """No key preference, no order of its own; BER only with content."""

    name = "openssl"
    forms = tuple(one for one in FORMS
                  if one not in ("two-certificates", "odd-order", "ber"))
    WORDS = {"sha512": ["-md", "sha512"],
             "pss": ["-keyopt", "rsa_padding_mode:pss"],
             "opaque-pss": ["-keyopt", "rsa_padding_mode:pss"],
             "opaque-ber": ["-stream"],
             "key-identifier": ["-keyid"], "certs-missing": ["-nocerts"],
             "cades": ["-cades"]}

    def sign(self, form, signers, path):
        command = ["openssl", "cms", "-sign", "-binary", "-outform", "DER",
                   "-in", path]
        for one in signers:
            command += ["-signer", one.cert, "-inkey", one.key]
            if "pss" in form:
                command += self.WORDS[form]
        if "pss" not in form:
            command += self.WORDS.get(form, [])
        if "opaque" in form:
            command.append("-nodetach")
        for cert in self.certs(form):
            command += ["-certfile", cert]
        return must_run(command)

    def certs(self, form):
        pki = self.people.pki
        if form in ("certs-missing", "issuer-missing"):
            return []
        if form == "with-root":
            return [pki.anchor, pki.sub.cert]
        if form == "extra-certs":
            return [self.bundle([*self.people.strangers, pki.sub.cert,
                                 pki.anchor])]
        return [pki.sub.cert]

    def bundle(self, certs):
        path = os.path.join(self.directory, "bundle.pem")
        write(path, b"".join(read(one) for one in certs))
        return path


class NSS(Producer):
    """Puts in the chain it knows, root and all."""

    name = "nss"
    forms = ("detached", "opaque", "ecdsa", "opaque-ecdsa", "sha512",
             "ber", "opaque-ber", "two-certificates", "capabilities",
             "with-root")

    def setup(self):
        """Certificates of one subject share a nickname: a database each."""
        self.bases = {name: self.base(name, also) for name, also in (
            ("rsa", ()), ("ec", ()), ("signing", ("cipher",)))}

    def base(self, name, also):
        path = os.path.join(self.directory, name)
        os.mkdir(path, 0o700)
        where = ["-d", "sql:" + path]
        must_run(["certutil", "-N", *where, "--empty-password"])
        pki = self.people.pki
        for label, cert, trust in (("root", pki.anchor, "CT,CT,CT"),
                                   ("sub", pki.sub.cert, ",,")):
            must_run(["certutil", "-A", *where, "-n", label, "-t", trust,
                      "-a", "-i", cert])
        for one in (name, *also):
            who = getattr(self.people, one)
            file = os.path.join(path, one + ".p12")
            must_run(["openssl", "pkcs12", "-export", "-in", who.cert,
                      "-inkey", who.key, "-name", one, "-passout",
                      "pass:" + PASSPHRASE, "-out", file])
            must_run(["pk12util", "-i", file, *where, "-W", PASSPHRASE,
                      "-K", ""])
        return where

    def sign(self, form, signers, path):
        name = next(one for one in self.bases
                    if getattr(self.people, one) is signers[0])
        command = ["cmsutil", "-S", *self.bases[name], "-N", name, "-G", "-H",
                   "SHA512" if form == "sha512" else "SHA256", "-i", path,
                   "-o", self.out()]
        if form == "two-certificates":
            command += ["-Y", "cipher"]
        if form == "capabilities":
            command += ["-P"]
        if "opaque" not in form:
            command.append("-T")
        must_run(command)
        return read(self.out())


class GnuPG(Producer):
    """Signing time and capabilities, always. 2.2.40 crashes on the import of
    an EC key."""

    name = "gpgsm"
    forms = ("detached", "opaque", "sha512", "two-signers",
             "opaque-two-signers", "capabilities", "opaque-ber", "certs-missing", "issuer-missing", "with-root")

    def setup(self):
        self.environment = dict(os.environ, GNUPGHOME=self.directory,
                                LC_ALL="C")
        self.home("gpgsm.conf", "disable-crl-checks\nbatch\n"
                  "pinentry-mode loopback\n")
        self.home("gpg-agent.conf", "allow-loopback-pinentry\n"
                  "no-allow-mark-trusted\n")
        self.home("trustlist.txt", sha1(self.people.pki.anchor)
                  + " S relax\n")
        self.where.on_close(lambda: run(["gpgconf", "--kill", "all"],
                                        env=self.environment))
        for path in (self.people.pki.anchor, self.people.pki.sub.cert):
            self.gpgsm("--import", path)
        for who in (self.people.rsa, self.people.second):
            path = self.people.pki.pkcs12(who, PASSPHRASE, legacy=True)
            self.gpgsm("--import", path)

    def home(self, name, text):
        write(os.path.join(self.directory, name), text.encode())

    def gpgsm(self, *words):
        return must_run(["gpgsm", "--passphrase-fd", "0", *words],
                        env=self.environment, input=PASSPHRASE.encode())

    def sign(self, form, signers, path):
        words = ["--yes", "--output", self.out()]
        for one in signers:
            words += ["--local-user", "0x" + sha1(one.cert).replace(":", "")]
        words += ["--include-certs", {"certs-missing": "0",
                                      "issuer-missing": "1",
                                      "with-root": "-1"}.get(form, "-2")]
        if form == "sha512":
            words += ["--digest-algo", "SHA512"]
        words.append("--sign" if "opaque" in form else "--detach-sign")
        self.gpgsm(*words, path)
        return read(self.out())


class BouncyCastle(Producer):
    """One Java process for all of them."""

    name = "bouncycastle"
    forms = tuple(one for one in FORMS if one != "cades")
    WORDS = {"sha512": "sha512", "pss": "pss", "opaque-pss": "pss",
             "ber": "stream", "opaque-ber": "stream",
             "key-identifier": "keyid", "capabilities": "caps",
             "two-certificates": "caps"}

    def setup(self):
        classpath = ":".join([self.directory, *JARS])
        must_run(["javac", "-cp", classpath, "-d", self.directory,
                  os.path.join(INTEROP, "Producer.java")])
        self.process = subprocess.Popen(
            ["java", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp",
             classpath, "Producer"], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE)
        self.where.on_close(self.stop)

    def stop(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(20)

    def sign(self, form, signers, path):
        words = self.WORDS.get(form, "") + (
            " opaque" if "opaque" in form else "")
        line = "\t".join([
            words, path, self.out(),
            " ".join("%s,%s" % (one.cert, one.key) for one in signers),
            " ".join(self.certs(form, signers)),
            self.people.cipher.cert if form == "two-certificates" else ""])
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().decode().strip()
        if answer != "ok":
            raise Failure("the Java producer: %s" % (answer or "is gone"))
        return read(self.out())

    def certs(self, form, signers):
        pki, ours = self.people.pki, [one.cert for one in signers]
        return {
            "certs-missing": [], "issuer-missing": ours,
            "extra-certs": [*self.people.strangers, *ours, pki.sub.cert],
            "odd-order": [pki.anchor, pki.sub.cert, *ours],
            "with-root": [*ours, pki.sub.cert, pki.anchor],
            "two-certificates": [self.people.cipher.cert, pki.sub.cert,
                                 *ours],
        }.get(form, [*ours, pki.sub.cert])


ALL = (OpenSSL, NSS, GnuPG, BouncyCastle)


def table(producers):
    """What each can make, as lines."""
    lines = ["%-20s" % "form" + "".join("%-14s" % one.name
                                        for one in producers)]
    for form in FORMS:
        lines.append("%-20s" % form + "".join(
            "%-14s" % ("yes" if form in one.forms else "-")
            for one in producers))
    return lines


def sha1(path):
    """The fingerprint in the form of trustlist.txt."""
    out = must_run(["openssl", "x509", "-noout", "-fingerprint", "-sha1",
                    "-in", path]).decode()
    return out.strip().split("=")[1]


def read(path):
    with open(path, "rb") as file:
        return file.read()


def write(path, data):
    with open(path, "wb") as file:
        file.write(data)
