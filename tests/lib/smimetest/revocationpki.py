# SPDX-License-Identifier: Apache-2.0
"""A CA whose certificates name distribution points, and every CRL that such a
CA could publish, or somebody else in its place. The CRLs are DER written here
(no tool writes indirect ones), signed by the openssl command.
"""

import random
import time

from smimetest import der
from smimetest.authority import Authority
from smimetest.cmsmaker import (ECDSA_SHA256, CertParts, is_rsa,
                                raw_signature)
from smimetest.pki import CA_EXTENSIONS, Identity
from smimetest.place import must_run

KEY_COMPROMISE, CA_COMPROMISE, AFFILIATION, SUPERSEDED, CESSATION, HOLD = (
    1, 2, 3, 4, 5, 6)
REMOVE_FROM_CRL = 8
PRIVILEGE_WITHDRAWN, AA_COMPROMISE = 9, 10
# Of the reason flags in distribution points, where the number differs.
FLAGS = {PRIVILEGE_WITHDRAWN: 7, AA_COMPROMISE: 8}
SOME_REASONS = (KEY_COMPROMISE, CA_COMPROMISE)
OTHER_REASONS = (AFFILIATION, SUPERSEDED, CESSATION, HOLD,
                 PRIVILEGE_WITHDRAWN, AA_COMPROMISE)
HOUR, DAY = 3600, 86400
RSA_SHA256 = der.algorithm("1.2.840.113549.1.1.11", der.NULL)

USER = """
basicConstraints = CA:FALSE
keyUsage = critical, digitalSignature, keyEncipherment, keyAgreement
extendedKeyUsage = emailProtection
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = email:%s
"""


class Entry:
    """A line of a CRL. cert: a path, or a serial number as DER. issuer: DER
    of the name that the indirect CRL's line is for."""

    def __init__(self, cert, reason=None, issuer=None, age=HOUR):
        self.serial = (cert if isinstance(cert, bytes)
                       else CertParts(cert).serial)
        self.reason, self.issuer, self.age = reason, issuer, age

    def encoded(self):
        parts = []
        if self.reason is not None:
            parts.append(der.extension("2.5.29.21",
                                       der.enumerated(self.reason)))
        if self.issuer is not None:
            parts.append(der.extension("2.5.29.29", der.seq(
                der.explicit(4, self.issuer)), critical=True))
        return der.seq(self.serial, der.moment(time.time() - self.age),
                       der.seq(*parts) if parts else b"")


def scope(url=None, user=False, ca=False, reasons=(), indirect=False):
    """An issuing distribution point."""
    parts = []
    if url:
        parts.append(der.explicit(0, der.explicit(
            0, der.tlv(0x86, url.encode()))))
    for number, given in ((1, user), (2, ca)):
        if given:
            parts.append(der.implicit(number, der.boolean(True)))
    if reasons:
        parts.append(der.implicit(3, reason_flags(reasons)))
    if indirect:
        parts.append(der.implicit(4, der.boolean(True)))
    return der.extension("2.5.29.28", der.seq(*parts), critical=True)


def reason_flags(reasons):
    return der.flags(*(FLAGS.get(one, one) for one in reasons))


def crl(issuer, entries=(), number=1, days=(-1, 7), base=None, idp=None,
        more=(), key=None, name=None):
    """DER. issuer: the Identity of a CA. days: thisUpdate and nextUpdate from
    now (None: no nextUpdate). base: this is a delta to that number. key, name:
    another's key, another name."""
    parts = CertParts(issuer.cert)
    key = key or issuer.key
    sign_with = RSA_SHA256 if is_rsa(key) else ECDSA_SHA256
    extensions = [der.extension("2.5.29.35", der.seq(
        der.tlv(0x80, parts.key_id)))]
    if number is not None:
        extensions.append(der.extension("2.5.29.20", der.integer(number)))
    if base is not None:
        extensions.append(der.extension("2.5.29.27", der.integer(base),
                                        critical=True))
    if idp:
        extensions.append(idp)
    extensions += more
    lines = b"".join(one.encoded() for one in entries)
    now = time.time()
    body = der.seq(
        der.integer(1), sign_with, name or parts.subject,
        der.moment(now + days[0] * DAY),
        b"" if days[1] is None else der.moment(now + days[1] * DAY),
        der.seq(lines) if lines else b"",
        der.explicit(0, der.seq(*extensions)))
    return der.seq(body, sign_with, der.bits(raw_signature(key, body)))


def pem(der_crl):
    return must_run(["openssl", "crl", "-inform", "DER"], input=der_crl)


class Point:
    """A distribution point in a certificate."""

    def __init__(self, *urls, reasons=(), issuer=None):
        self.urls, self.reasons, self.issuer = urls, reasons, issuer

    def encoded(self):
        names = b"".join(der.tlv(0x86, one.encode()) for one in self.urls)
        return der.seq(
            der.explicit(0, der.explicit(0, names)),
            der.implicit(1, reason_flags(self.reasons))
            if self.reasons else b"",
            der.tlv(0xa2, der.explicit(4, self.issuer))
            if self.issuer else b"")


def points_line(points, name="crlDistributionPoints"):
    """The extension as openssl's configuration takes any DER."""
    if not points:
        return ""
    value = der.seq(*(one.encoded() for one in points))
    numbers = {"crlDistributionPoints": "2.5.29.31",
               "freshestCRL": "2.5.29.46"}
    return "%s = DER:%s\n" % (numbers[name], value.hex(":"))


class RevocationPki(Authority):
    """Root and issuing CA as in Pki, but the issuing CA's certificate names
    root_url; users are made by member()."""

    def __init__(self, directory, root_url, organisation="Example"):
        self.root_url = root_url
        super().__init__(directory, organisation)
        self.subject = CertParts(self.sub.cert).subject

    def _ca(self, name, issuer):
        if not issuer:
            return super()._ca(name, issuer)
        return self.issuing(name, issuer, [Point(self.root_url)])

    def issuing(self, name, issuer, points, key=None, kind="p256",
                subject=None):
        """An issuing CA below issuer. key: that of another one."""
        key = key or self._key(name, kind)
        cert = self._issue(
            name, key, subject or "/O=Example/CN=Example %s" % name, issuer,
            (-2, 3650), CA_EXTENSIONS + "authorityKeyIdentifier = keyid\n"
            + points_line(points))
        return Identity(None, cert, key, None)

    def member(self, address, points, kind="p256", deltas=(), issuer=None,
               name=None, days=(-1, 365)):
        """An identity of address whose CRL lies at points."""
        issuer = issuer or self.sub
        name = name or "%s-%d" % (address.replace("@", "-at-"), self.serial)
        key = self._key(name, kind)
        extensions = USER % address
        if kind == "rsa":
            extensions = extensions.replace(", keyAgreement", "")
        else:
            extensions = extensions.replace(", keyEncipherment", "")
        cert = self._issue(name, key, "/CN=%s" % address, issuer, days,
                           extensions + points_line(points)
                           + points_line(deltas, "freshestCRL"))
        return Identity(address, cert, key, issuer.cert)


def big_crl(issuer, count, days=(-1, 7)):
    """DER of a CRL with count lines of random serial numbers, made fast."""
    when = der.moment(time.time() - DAY)
    reason = der.seq(der.extension("2.5.29.21", der.enumerated(1)))
    rest = when + reason
    head = bytes([0x30, 18 + len(rest), 0x02, 0x10])
    noise = random.Random(1).randbytes(16 * count)
    lines = b"".join(
        head + bytes([noise[at] & 0x3f | 0x40]) + noise[at + 1:at + 16] + rest
        for at in range(0, 16 * count, 16))
    return crl(issuer, [Raw(lines)], days=days)


class Raw(Entry):
    """Lines that are encoded already."""

    def __init__(self, lines):
        self.lines = lines

    def encoded(self):
        return self.lines
