# SPDX-License-Identifier: Apache-2.0
"""Many partners, each with a certificate and a signed mail: made in bulk, with
DER and RSA signatures written here and one key for all, since openssl's
command would take minutes for thousands.
"""

import hashlib
import time

from smimetest import cmsmaker, der, partner
from smimetest.cmsmaker import CertParts
from smimetest.pki import CA_EXTENSIONS, Identity
from smimetest.place import must_run
from smimetest.revocationpki import RSA_SHA256

NAME = "2.5.4.3"


class RsaKey:
    """PKCS #1 v1.5 with SHA-256."""

    def __init__(self, path):
        pkcs8 = must_run(["openssl", "pkcs8", "-topk8", "-nocrypt", "-in",
                          path, "-outform", "DER"])
        inside = der.inside(der.read(pkcs8)[0])[2]
        numbers = [int.from_bytes(one[1], "big") for one in
                   der.inside(der.read(inside[1])[0])]
        (_, self.modulus, _, _, self.p, self.q, self.dp, self.dq,
         self.inverse) = numbers[:9]
        self.size = (self.modulus.bit_length() + 7) // 8

    def sign(self, data):
        info = der.seq(der.algorithm("2.16.840.1.101.3.4.2.1", der.NULL),
                       der.octets(hashlib.sha256(data).digest()))
        padded = (b"\0\1" + b"\xff" * (self.size - len(info) - 3) + b"\0"
                  + info)
        number = int.from_bytes(padded, "big")
        first = pow(number % self.p, self.dp, self.p)
        second = pow(number % self.q, self.dq, self.q)
        value = second + self.q * (
            (first - second) * self.inverse % self.p)
        return value.to_bytes(self.size, "big")


class Crowd:
    """count addresses in domain, below an issuing CA of their own. points:
    an extension line for that CA's certificate. size: of each content."""

    def __init__(self, where, pki, count, domain="crowd.test", points="",
                 size=200):
        self.where, self.pki = where, pki
        self.domain, self.count, self.size = domain, count, size
        name = "ca-" + domain
        key = pki._key(name, "rsa")
        self.ca = Identity(None, pki._issue(
            name, key, "/O=Example/CN=Example " + name, pki.root, (-2, 3650),
            CA_EXTENSIONS + points), key, None)
        self.issuer = CertParts(self.ca.cert)
        self.ca_key = RsaKey(key)
        key = pki._key("users-" + domain, "rsa")
        self.key = RsaKey(key)
        self.spki = der.read(must_run(["openssl", "pkey", "-in", key,
                                       "-pubout", "-outform", "DER"]))[0][2]

    def address(self, number):
        return "partner%d@%s" % (number, self.domain)

    def certificate(self, number):
        """DER"""
        now = time.time()
        name = der.seq(der.set_of(der.seq(
            der.oid(NAME), der.tlv(0x0c, self.address(number).encode()))))
        extensions = der.seq(
            der.extension("2.5.29.15", der.flags(0, 2), critical=True),
            der.extension("2.5.29.37", der.seq(
                der.oid("1.3.6.1.5.5.7.3.4"))),
            der.extension("2.5.29.35", der.seq(
                der.tlv(0x80, self.issuer.key_id))),
            der.extension("2.5.29.17", der.seq(
                der.tlv(0x81, self.address(number).encode()))))
        body = der.seq(
            der.explicit(0, der.integer(2)),
            der.integer(10000000 + number), RSA_SHA256,
            self.issuer.subject, der.seq(der.moment(now - 86400),
                                         der.moment(now + 86400 * 300)),
            name, self.spki, der.explicit(3, extensions))
        return der.seq(body, RSA_SHA256, der.bits(self.ca_key.sign(body)))

    def content(self, number):
        text = b"Content-Type: text/plain; charset=us-ascii\r\n\r\n"
        line = b"The order of today has the number %08d and no other.\r\n"
        while len(text) < self.size:
            text += line % number
        return text

    def signature(self, number, content):
        """DER of a detached one."""
        cert = self.certificate(number)
        parts = der.inside(der.inside(der.read(cert)[0])[0])
        attrs = cmsmaker.attributes(content, None, [
            cmsmaker.capabilities(cmsmaker.AES256_CBC)])
        info = der.seq(
            der.integer(1), der.seq(parts[3][2], parts[1][2]),
            cmsmaker.SHA256, der.implicit(0, attrs),
            cmsmaker.RSA, der.octets(self.key.sign(attrs)))
        return der.seq(der.oid(cmsmaker.SIGNED_DATA), der.explicit(0, der.seq(
            der.integer(1), der.set_of(cmsmaker.SHA256),
            der.seq(der.oid(cmsmaker.DATA)),
            der.tlv(0xa0, cert, self.issuer.whole),
            der.tlv(0x31, info))))

    def mail(self, number):
        content = self.content(number)
        return partner.detached(self.signature(number, content),
                                partner.head(self.address(number)), content)

    def mails(self):
        """[(sender, mail)]"""
        return [(self.address(number), self.mail(number))
                for number in range(self.count)]
