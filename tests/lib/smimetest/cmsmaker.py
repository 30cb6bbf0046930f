# SPDX-License-Identifier: Apache-2.0
"""SignedData put together by hand: any signing time, any attribute, and all
that no decent tool would make. Only the signature is openssl's work.
"""

import hashlib
import time

from smimetest import der
from smimetest.place import must_run

DATA = "1.2.840.113549.1.7.1"
SIGNED_DATA = "1.2.840.113549.1.7.2"
CONTENT_TYPE = "1.2.840.113549.1.9.3"
MESSAGE_DIGEST = "1.2.840.113549.1.9.4"
SIGNING_TIME = "1.2.840.113549.1.9.5"
CAPABILITIES = "1.2.840.113549.1.9.15"
KEY_PREFERENCE = "1.2.840.113549.1.9.16.2.11"
SIGNING_CERTIFICATE = "1.2.840.113549.1.9.16.2.12"
SIGNING_CERTIFICATE_V2 = "1.2.840.113549.1.9.16.2.47"
ALGORITHM_PROTECTION = "1.2.840.113549.1.9.52"
RSA = der.algorithm("1.2.840.113549.1.1.1", der.NULL)
ECDSA_SHA256 = der.algorithm("1.2.840.10045.4.3.2")
SHA256 = der.algorithm("2.16.840.1.101.3.4.2.1")
AES256_CBC = "2.16.840.1.101.3.4.1.42"
AES256_GCM = "2.16.840.1.101.3.4.1.46"
AES128_CBC = "2.16.840.1.101.3.4.1.2"

# Left out of the signed attributes.
ABSENT = object()


def pem_to_der(path):
    return must_run(["openssl", "x509", "-in", path, "-outform", "DER"])


class CertParts:
    """What a certificate's DER says of itself."""

    def __init__(self, path):
        self.whole = pem_to_der(path)
        body = der.inside(der.inside(der.read(self.whole)[0])[0])
        if body[0][0] == 0xa0:
            body = body[1:]
        self.serial, self.issuer = body[0][2], body[2][2]
        self.subject, self.spki = body[4][2], body[5][2]
        bits = der.inside(body[5])[1][1]
        self.key_id = hashlib.sha1(bits[1:]).digest()

    def issuer_and_serial(self):
        return der.seq(self.issuer, self.serial)


def attribute(dotted, *values):
    return der.seq(der.oid(dotted), der.set_of(*values))


def capabilities(*ciphers):
    return attribute(CAPABILITIES, der.seq(
        *(der.seq(der.oid(one)) for one in ciphers)))


def key_preference(path):
    """Names the certificate by issuer and serial number."""
    return attribute(KEY_PREFERENCE, der.implicit(
        0, CertParts(path).issuer_and_serial()))


def signing_certificate_v2(path):
    return attribute(SIGNING_CERTIFICATE_V2, der.seq(der.seq(der.seq(
        der.octets(hashlib.sha256(pem_to_der(path)).digest())))))


def algorithm_protection(digest, signature):
    return attribute(ALGORITHM_PROTECTION, der.seq(
        digest, der.implicit(1, signature)))


def is_rsa(path):
    shown = must_run(["openssl", "pkey", "-in", path, "-noout", "-text"])
    return b"Private-Key: (" in shown and b"modulus" in shown


def raw_signature(key, data):
    return must_run(["openssl", "dgst", "-sha256", "-sign", key], input=data)


def attributes(content, signing_time=None, more=(), digest=None):
    """The signed ones, as a SET. signing_time: seconds, None for now, ABSENT
    for none."""
    parts = [attribute(CONTENT_TYPE, der.oid(DATA)),
             attribute(MESSAGE_DIGEST, der.octets(
                 digest or hashlib.sha256(content).digest())), *more]
    if signing_time is not ABSENT:
        parts.append(attribute(SIGNING_TIME, der.moment(
            time.time() if signing_time is None else signing_time)))
    return der.set_of(*parts)


def signer(identity, content, signing_time=None, more=(), digest=None,
           cert=None, signature=None, plain=False, rsa=None):
    """A SignerInfo. cert: the path of the certificate it names, when that is
    not the identity's. plain: without signed attributes. signature: bytes to
    put there. rsa: whether the key is, when there is no key."""
    parts = CertParts(cert or identity.cert)
    if rsa is None:
        rsa = is_rsa(identity.key)
    attrs = attributes(content, signing_time, more, digest)
    if signature is None:
        signature = raw_signature(identity.key, content if plain else attrs)
    return der.seq(
        der.integer(1), parts.issuer_and_serial(), SHA256,
        b"" if plain else der.implicit(0, attrs),
        RSA if rsa else ECDSA_SHA256, der.octets(signature))


def signed_data(signers, certs, inside=None, crls=()):
    """DER. certs: paths of PEM files, in this very order. inside: the
    eContent. crls: DER."""
    ours = [pem_to_der(one) for one in certs]
    return der.seq(der.oid(SIGNED_DATA), der.explicit(0, der.seq(
        der.integer(1), der.set_of(SHA256),
        der.seq(der.oid(DATA), b"" if inside is None else der.explicit(
            0, der.octets(inside))),
        der.tlv(0xa0, *ours) if ours else b"",
        der.tlv(0xa1, *crls) if crls else b"",
        der.tlv(0x31, *signers))))


def sign(identity, content, certs=None, opaque=False, crls=(), **options):
    """One signer, with its certificate and its issuers."""
    if certs is None:
        certs = [identity.cert, identity.chain]
    return signed_data([signer(identity, content, **options)], certs,
                       content if opaque else None, crls)
