# SPDX-License-Identifier: Apache-2.0
"""Many partners, each with a certificate and a signed mail: made in bulk, with
DER written here and one key for all, since openssl's command would take
minutes for thousands.
"""

import time

from smimetest import cmsmaker, der, partner
from smimetest.cmsmaker import CertParts

NAME = "2.5.4.3"


class Crowd:
    """count addresses in domain. kind: of the key they share."""

    def __init__(self, where, pki, count, kind="p256", domain="crowd.test",
                 points=b"", size=200):
        self.where, self.pki, self.kind = where, pki, kind
        self.domain, self.count, self.points = domain, count, points
        self.size = size
        self.member = pki.user("template@" + domain, kind,
                               name="crowd-" + kind)
        self.template = CertParts(self.member.cert)
        self.issuer = CertParts(pki.sub.cert)

    def address(self, number):
        return "partner%d@%s" % (number, self.domain)

    def certificate(self, number):
        """DER"""
        now = time.time()
        name = der.seq(der.set_of(der.seq(
            der.oid(NAME), der.tlv(0x0c, self.address(number).encode()))))
        usage = (0, 2) if self.kind.startswith("rsa") else (0, 4)
        extensions = der.seq(
            der.extension("2.5.29.15", der.flags(*usage), critical=True),
            der.extension("2.5.29.37", der.seq(
                der.oid("1.3.6.1.5.5.7.3.4"))),
            der.extension("2.5.29.35", der.seq(
                der.tlv(0x80, self.issuer.key_id))),
            der.extension("2.5.29.17", der.seq(
                der.tlv(0x81, self.address(number).encode()))),
            self.points)
        body = der.seq(
            der.explicit(0, der.integer(2)),
            der.integer(10000000 + number), cmsmaker.ECDSA_SHA256,
            self.issuer.subject, der.seq(der.moment(now - 86400),
                                         der.moment(now + 86400 * 300)),
            name, self.template.spki, der.explicit(3, extensions))
        return der.seq(body, cmsmaker.ECDSA_SHA256, der.bits(
            cmsmaker.raw_signature(self.pki.sub.key, body)))

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
        rsa = self.kind.startswith("rsa")
        info = der.seq(
            der.integer(1), der.seq(parts[3][2], parts[1][2]),
            cmsmaker.SHA256, der.implicit(0, attrs),
            cmsmaker.RSA if rsa else cmsmaker.ECDSA_SHA256,
            der.octets(cmsmaker.raw_signature(self.member.key, attrs)))
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
