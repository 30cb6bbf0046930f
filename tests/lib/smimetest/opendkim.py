# SPDX-License-Identifier: Apache-2.0
"""OpenDKIM as a neighbour in the chain of filters, and DKIM's judges: dkimpy
and OpenDKIM's own verifier, both with a DNS of one record."""

import os
import re
import subprocess

from smimetest import place

DOMAIN, SELECTOR = "example.com", "test"


class Key:
    def __init__(self, where):
        directory = where.dir("dkim-key")
        place.must_run(["opendkim-genkey", "-b", "2048", "-d", DOMAIN, "-s",
                        SELECTOR, "-D", directory])
        self.private = os.path.join(directory, SELECTOR + ".private")
        os.chmod(self.private, 0o644)
        with open(os.path.join(directory, SELECTOR + ".txt")) as file:
            self.record = "".join(re.findall(r'"([^"]*)"', file.read()))
        self.name = "%s._domainkey.%s" % (SELECTOR, DOMAIN)
        self.dns_file = where.write("dkim-key/dns", "%s %s\n" % (
            self.name, self.record))


class OpenDKIM:
    """mode: s, v or sv."""

    def __init__(self, where, key, mode):
        self.label = "opendkim-" + mode
        self.socket_path = where.path(self.label, "sock")
        where.dir(self.label, owner="opendkim")
        self.config = where.write(self.label + "/conf", "\n".join([
            "Mode " + mode, "Domain " + DOMAIN, "Selector " + SELECTOR,
            "KeyFile " + key.private, "RequireSafeKeys no",
            "Socket local:" + self.socket_path, "UMask 000",
            "UserID opendkim", "Background no", "Syslog no",
            "Canonicalization relaxed/simple", "OversignHeaders From",
            "InternalHosts 127.0.0.1", "AlwaysAddARHeader yes",
            "AuthservID dkim.example.com",
            "TestDNSData " + key.dns_file, ""]))
        self.process = None
        where.on_close(self.stop)

    @property
    def mta_address(self):
        return "unix:" + self.socket_path

    def start(self):
        self.process = subprocess.Popen(
            ["opendkim", "-f", "-x", self.config], stdin=subprocess.DEVNULL)
        place.wait_until(lambda: os.path.exists(self.socket_path), 20,
                         "opendkim")

    def stop(self):
        if self.process:
            place.stop_process(self.process)
            self.process = None


def dkimpy_objection(mail, key):
    """What dkimpy has against the signature, as text."""
    import dkim  # Debian: python3-dkim

    def dns(name, timeout=5):
        wanted = name.decode() if isinstance(name, bytes) else name
        return (key.record.encode() if wanted.rstrip(".") == key.name
                else None)

    if b"dkim-signature:" not in mail.lower():
        return "no DKIM signature"
    verifier = dkim.DKIM(mail)
    try:
        return "" if verifier.verify(dnsfunc=dns) else "dkimpy: bad signature"
    except dkim.DKIMException as error:
        return "dkimpy: %s" % error


def opendkim_objection(mail, key, where):
    """What OpenDKIM has against it, read from a file as it arrived."""
    path = where.write("dkim-mail", mail)
    config = where.write("dkim-verify.conf", "\n".join([
        "Mode v", "TestDNSData " + key.dns_file, "AlwaysAddARHeader yes",
        "AuthservID far.example", ""]))
    result = place.run(["opendkim", "-vv", "-x", config, "-t", path])
    said = (result.stdout + result.stderr).decode(errors="replace")
    good = re.search(r"verification \(s=%s[^\n]* succeeded" % SELECTOR, said)
    return "" if good else "opendkim: " + said[:1000]
