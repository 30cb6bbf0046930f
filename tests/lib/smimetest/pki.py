# SPDX-License-Identifier: Apache-2.0
"""A root, an intermediate and end users, made by the openssl command."""

import os
import subprocess

from smimetest.place import must_run

KINDS = {
    "rsa": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
    "rsa3072": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:3072"],
    "rsa4096": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:4096"],
    "p256": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "p384": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
    "p521": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521"],
}

CA_EXTENSIONS = """
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
"""

USER_EXTENSIONS = """
basicConstraints = CA:FALSE
keyUsage = critical, digitalSignature, nonRepudiation%(usage)s
extendedKeyUsage = emailProtection
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = %(names)s
"""


class Identity:
    """Paths of PEM files; chain: the intermediates, without the root."""

    def __init__(self, address, cert, key, chain):
        self.address, self.cert, self.key, self.chain = (
            address, cert, key, chain)

    def fingerprint(self):
        return fingerprint(open(self.cert, "rb").read())


class Pki:
    def __init__(self, directory, organisation="Example"):
        self.directory, self.organisation = directory, organisation
        self.serial = 1000
        self.root = self._ca("root", None)
        self.sub = self._ca("sub", self.root)

    @property
    def anchor(self):
        """The root's certificate."""
        return self.root.cert

    def user(self, address, kind="rsa", others=(), days=(-1, 365), key=None,
             name=None, agrees=False):
        """An identity for address, and for others too. days: first and last
        day, from today. key: the PEM file of another one's key. agrees: an EC
        one is fit for encryption too."""
        name = name or "%s-%s" % (address.replace("@", "-at-"), kind)
        key = key or self._key(name, kind)
        usage = (", keyEncipherment" if kind.startswith("rsa")
                 else ", keyAgreement" if agrees else "")
        names = ",".join("email:" + one for one in (address, *others))
        cert = self._issue(name, key, "/CN=%s" % address, self.sub, days,
                           USER_EXTENSIONS % dict(usage=usage, names=names))
        return Identity(address, cert, key, self.sub.cert)

    def pkcs12(self, identity, passphrase, legacy=False):
        path = identity.cert + (".legacy" if legacy else "") + ".p12"
        must_run(["openssl", "pkcs12", "-export", "-in", identity.cert,
                  "-inkey", identity.key, "-certfile", identity.chain,
                  "-passout", "pass:" + passphrase, "-out", path]
                 + (["-legacy"] if legacy else []))
        return path

    def _path(self, name):
        return os.path.join(self.directory, name)

    def _key(self, name, kind):
        path = self._path(name + ".key")
        must_run(["openssl", "genpkey", *KINDS[kind], "-out", path])
        return path

    def _ca(self, name, issuer):
        key = self._key(name, "p256" if issuer else "rsa")
        cert = self._issue(name, key, "/O=%s/CN=%s %s" % (
                               self.organisation, self.organisation, name),
                           issuer, (-2, 3650), CA_EXTENSIONS)
        return Identity(None, cert, key, None)

    def _issue(self, name, key, subject, issuer, days, extensions):
        """`openssl x509` cannot backdate; `openssl ca` can."""
        request = self._path(name + ".csr")
        must_run(["openssl", "req", "-new", "-key", key, "-subj", subject,
                  "-out", request, "-config", "/dev/null"])
        self.serial += 1
        config = self._config(name, extensions)
        cert = self._path(name + ".pem")
        must_run(["openssl", "ca", "-batch", "-notext", "-config", config,
                  "-in", request, "-out", cert,
                  "-startdate", day(days[0]), "-enddate", day(days[1])]
                 + (["-cert", issuer.cert, "-keyfile", issuer.key] if issuer
                    else ["-selfsign", "-keyfile", key]))
        return cert

    def _config(self, name, extensions):
        self._write("index", "")
        self._write("index.attr", "unique_subject = no\n")
        self._write("serial", "%08d\n" % self.serial)
        return self._write(name + ".conf", """
[ca]
default_ca = it
[it]
database = %(dir)s/index
serial = %(dir)s/serial
new_certs_dir = %(dir)s
default_md = sha256
policy = any
x509_extensions = extensions
[any]
commonName = supplied
organizationName = optional
[extensions]
%(extensions)s""" % dict(dir=self.directory, extensions=extensions))

    def _write(self, name, text):
        path = self._path(name)
        with open(path, "w") as file:
            file.write(text)
        return path


def day(offset):
    """Days from now, in the form that `openssl ca` takes."""
    return must_run(["date", "-u", "-d", "%+d days" % offset,
                     "+%Y%m%d%H%M%SZ"]).decode().strip()


def fingerprint(pem):
    """SHA-256 of a certificate in lower-case hex, as smimectl prints it."""
    out = subprocess.run(["openssl", "x509", "-noout", "-fingerprint",
                          "-sha256"], input=pem, stdout=subprocess.PIPE,
                         check=True).stdout.decode()
    return out.strip().split("=")[1].replace(":", "").lower()
