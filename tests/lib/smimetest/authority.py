# SPDX-License-Identifier: Apache-2.0
"""A CA that also issues what no CA should, and keys in every file form."""

from smimetest.pki import KINDS, Identity, Pki
from smimetest.place import must_run

SPECIAL = """
basicConstraints = %(basic)s
keyUsage = critical, %(usage)s
extendedKeyUsage = %(extended)s
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
%(names)s
"""


class Authority(Pki):
    def special(self, name, kind="p256", usage="digitalSignature",
                extended="emailProtection", ca=False,
                names="email:alice@example.com", days=(-1, 365)):
        """An identity for alice@example.com with something odd."""
        key = self._key(name, kind)
        cert = self._issue(name, key, "/CN=%s" % name, self.sub, days,
                           SPECIAL % {
                               "basic": "critical, CA:TRUE" if ca
                                        else "CA:FALSE",
                               "usage": usage + (", keyCertSign" if ca
                                                 else ""),
                               "extended": extended,
                               "names": names and "subjectAltName = " + names,
                           })
        return Identity("alice@example.com", cert, key, self.sub.cert)

    def stranger(self, label):
        """Another root, whom nobody knows."""
        return self._ca(label, None)

    def copy(self, identity, name):
        """The same certificate by another file name."""
        path = self._path(name + ".pem")
        with open(identity.cert) as source, open(path, "w") as target:
            target.write(source.read())
        return Identity(identity.address, path, identity.key, identity.chain)

    def der_cert(self, identity):
        return self._convert(identity.cert, ".der", "x509", "-outform", "DER")

    def der_key(self, identity):
        return self._convert(identity.key, ".der", "pkey", "-outform", "DER")

    def traditional_key(self, identity):
        return self._convert(identity.key, ".trad", "pkey", "-traditional")

    def encrypted_key(self, identity, passphrase, traditional=False):
        words = ["-aes256", "-passout", "pass:" + passphrase]
        return self._convert(
            identity.key, ".trad.enc" if traditional else ".enc", "pkey",
            *words, *(["-traditional"] if traditional else []))

    def pkcs12_without_key(self, identity, passphrase):
        path = identity.cert + ".nokey.p12"
        must_run(["openssl", "pkcs12", "-export", "-nokeys",
                  "-in", identity.cert, "-passout", "pass:" + passphrase,
                  "-out", path])
        return path

    @staticmethod
    def _convert(path, suffix, *words):
        must_run(["openssl", *words, "-in", path, "-out", path + suffix])
        return path + suffix


KINDS.setdefault("ed25519", ["-algorithm", "ED25519"])
