# SPDX-License-Identifier: Apache-2.0
"""The receiving side without an MTA: `smimectl process` as a client outside
would make it work, what it said, and what it left in the directory.
"""

import glob
import json
import os
import re

from smimetest import place, rawmail
from smimetest.desk import Desk, said
from smimetest.partner import ALICE, BOB, OUTSIDE
from smimetest.revocationpki import pem

AUTHSERV_ID = "mx.example.com"


class Received:
    """code; report: what --json printed; mail: what is delivered, or None;
    stderr as text."""

    def __init__(self, code, report, mail, stderr):
        self.code, self.report, self.mail, self.stderr = (
            code, report, mail, stderr)

    @property
    def results(self):
        return [one["result"] for one in self.report["signatures"]]

    @property
    def harvested(self):
        return self.report["harvested"]

    def smime(self):
        """[(result, the whole field unfolded)] of our smime results."""
        return smime_results(self.mail)

    def __str__(self):
        return "exit %d: %s %s" % (self.code, json.dumps(self.report),
                                   self.stderr)


class Inbox(Desk):
    """anchor: a PEM file to trust, or None. settings as for Desk."""

    def __init__(self, where, label, anchor=None, **settings):
        super().__init__(where, label, **dict({
            "authserv_id": AUTHSERV_ID, "revocation": {"fetch": False}},
            **settings))
        self.count = 0
        if anchor:
            self.must("trust", "add", anchor)

    def receive(self, mail, *words, sender=BOB, recipients=(ALICE,)):
        self.count += 1
        out = self.where.dir(self.label, "out%d" % self.count)
        path = self.file("mail%d.eml" % self.count, mail)
        envelope = ["--from", sender]
        for one in recipients:
            envelope += ["--rcpt", one]
        result = self.run("--json", "process", *envelope, "--client", OUTSIDE,
                          "--output", out, *words, path)
        try:
            report = json.loads(result.stdout.decode())
        except ValueError:
            raise place.Failure("exit %d: %s" % (
                result.returncode, said(result))) from None
        return Received(result.returncode, report,
                        content(os.path.join(out, "1.eml")),
                        result.stderr.decode(errors="replace"))

    def import_crl(self, crl, issuer):
        """crl: DER. issuer: the Identity of its CA, whom we need not know."""
        self.must("crl", "import", self.file(
            "import.pem", pem(crl) + content(issuer.cert)))

    # --- STATE/certs ---

    def cert_file(self, address):
        """As the contract names it, for plain addresses."""
        local, _, domain = address.lower().partition("@")
        return os.path.join(self.state, "certs", domain, local + ".pem")

    def cert_files(self):
        return sorted(glob.glob(os.path.join(self.state, "certs", "*", "*"))
                      + glob.glob(os.path.join(self.state, "certs", "*",
                                               ".*")))

    def entries(self, address=BOB):
        return entries_of(self.cert_file(address))

    def states(self, address=BOB):
        """{fingerprint: state}"""
        return {one["fingerprint"]: one["state"]
                for one in self.entries(address)}


def content(path):
    if not os.path.exists(path):
        return None
    with open(path, "rb") as file:
        return file.read()


def entries_of(path):
    """[{name: value}] of a file in the directory: the comment lines, and
    under "pem" the block behind them."""
    found, facts, block = [], {}, None
    for line in (content(path) or b"").decode().splitlines():
        if line.startswith("-----BEGIN"):
            block = [line]
        elif line.startswith("-----END"):
            facts["pem"] = "\n".join(block + [line]) + "\n"
            found.append(facts)
            facts, block = {}, None
        elif block is not None:
            block.append(line)
        elif line.startswith("# ") and ": " in line:
            name, _, value = line[2:].partition(": ")
            facts[name] = value
    return found


def parses(path):
    """What openssl finds wrong with a file of the directory, as text."""
    result = place.run(["openssl", "storeutl", "-certs", "-noout", path])
    match = re.search(rb"Total found: (\d+)", result.stdout)
    if result.returncode != 0 or not match:
        return "%s: %s" % (path, said(result))
    if int(match.group(1)) != len(entries_of(path)) or match.group(1) == b"0":
        return "%s: openssl finds %s certificates, %d are told of" % (
            path, match.group(1).decode(), len(entries_of(path)))
    return ""


def smime_results(mail, authserv_id=AUTHSERV_ID):
    found = []
    for name, value in rawmail.fields(rawmail.cut(mail)[0]):
        text = re.sub(r"\r?\n", "", value.decode("utf-8", "replace"))
        if (name.lower() == "authentication-results"
                and text.split(";")[0].strip() == authserv_id):
            found += [(one, text) for one in re.findall(
                r";\s*smime\s*=\s*(\w+)", text)]
    return found
