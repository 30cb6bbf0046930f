#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""contrib/mozilla-email-roots: the roots it takes from NSS are those that the
module itself, asked by PKCS #11, calls trusted for e-mail."""

import ctypes
import glob
import hashlib
import os
import re
import shutil
import ssl
import sys

TESTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
sys.path.insert(0, os.path.join(TESTS, "lib"))

from smimetest import desk, place, tap                    # noqa: E402
from smimetest.desk import Desk                           # noqa: E402
from smimetest.milter import program                      # noqa: E402

SCRIPT = os.path.join(TESTS, "..", "contrib", "mozilla-email-roots")

# PKCS #11, and what NSS puts into its space for vendors (pkcs11n.h).
NSS = 0x80000000 | 0x4E534350
CKA_CLASS, CKO_TRUST = 0, NSS + 3
CKA_TRUST_EMAIL_PROTECTION, CKA_CERT_SHA1_HASH = NSS + 0x200B, NSS + 0x2064
TRUSTED_DELEGATOR = NSS + 2
INITIALIZE, OPEN_SESSION, GET_SLOT_LIST = 0, 12, 4
GET_ATTRIBUTE, FIND_INIT, FIND = 24, 26, 27
SERIAL_SESSION = 4

ULONG = ctypes.c_ulong


class Attribute(ctypes.Structure):
    _fields_ = [("kind", ULONG), ("value", ctypes.c_void_p),
                ("length", ULONG)]


class Module:
    """The built-in module, asked without NSS."""

    def __init__(self, path):
        self.library = ctypes.CDLL(path)
        table = ctypes.POINTER(ctypes.c_void_p)()
        assert self.library.C_GetFunctionList(ctypes.byref(table)) == 0
        self.functions = table          # [0] is the version
        self.call(INITIALIZE, None)
        slots, count = (ULONG * 10)(), ULONG(10)
        self.call(GET_SLOT_LIST, ctypes.c_ubyte(1), slots,
                  ctypes.byref(count))
        assert count.value == 1
        self.session = ULONG()
        self.call(OPEN_SESSION, ULONG(slots[0]), ULONG(SERIAL_SESSION), None,
                  None, ctypes.byref(self.session))

    def call(self, number, *arguments):
        function = ctypes.CFUNCTYPE(ULONG)(self.functions[number + 1])
        code = function(*arguments)
        assert code == 0, "function %d: %x" % (number, code)

    def get(self, handle, kind, size):
        buffer = ctypes.create_string_buffer(size)
        wanted = Attribute(kind, ctypes.addressof(buffer), size)
        self.call(GET_ATTRIBUTE, self.session, ULONG(handle),
                  ctypes.byref(wanted), ULONG(1))
        return buffer.raw[:wanted.length]

    def email_roots(self):
        """SHA-1, in hex, of each certificate trusted to issue for e-mail."""
        kind = ULONG(CKO_TRUST)
        wanted = Attribute(CKA_CLASS, ctypes.addressof(kind),
                           ctypes.sizeof(kind))
        self.call(FIND_INIT, self.session, ctypes.byref(wanted), ULONG(1))
        handles, count = (ULONG * 5000)(), ULONG()
        self.call(FIND, self.session, handles, ULONG(5000),
                  ctypes.byref(count))
        trusted = TRUSTED_DELEGATOR.to_bytes(ctypes.sizeof(ULONG),
                                             sys.byteorder)
        return sorted(
            self.get(one, CKA_CERT_SHA1_HASH, 20).hex()
            for one in handles[:count.value]
            if self.get(one, CKA_TRUST_EMAIL_PROTECTION, 8) == trusted)


def find_module():
    for pattern in ("/usr/lib/*/nss/libnssckbi.so", "/usr/lib/*/libnssckbi.so",
                    "/usr/lib64/libnssckbi.so", "/usr/lib/libnssckbi.so"):
        for path in glob.glob(pattern):
            if "p11-kit" not in os.path.realpath(path):
                return path
    raise place.Failure("no libnssckbi.so beside certutil")


def script(*arguments, **environment):
    return place.run([SCRIPT, *arguments], timeout=300,
                     env=dict(os.environ, **environment))


def certificates(path):
    """DER of each certificate in a PEM file."""
    with open(path, encoding="utf-8") as file:
        return [ssl.PEM_cert_to_DER_cert(one) for one in re.findall(
            "-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n",
            file.read(), re.S)]


def same_roots(where, want):
    path = where.path("roots.pem")
    result = script("--output", path)
    if result.returncode != 0:
        return desk.said(result)
    got = sorted(hashlib.sha1(one).hexdigest() for one in certificates(path))
    if got != want:
        return "got %d, want %d: %r" % (
            len(got), len(want), set(got) ^ set(want))
    if b"%d roots" % len(want) not in result.stdout:
        return desk.said(result)
    return ""


def same_list(want):
    result = script("--list")
    lines = result.stdout.splitlines()
    if result.returncode != 0 or len(lines) != len(want):
        return "%d lines, want %d: %s" % (
            len(lines), len(want), desk.said(result))
    return ""


def added(where, want):
    """Every root with a version 3 certificate is an anchor then, and a second
    run changes nothing."""
    here = Desk(where)
    for _ in range(2):
        result = script("-c", here.config, SMIMECTL=program("smimectl"))
        if result.returncode != 0:
            return desk.said(result)
        refused = result.stdout.count(b"not taken: ")
        listed = here.json("trust", "list")["items"]
        if len(listed) != len(want) - refused or refused > 5:
            return "%d anchors: %s" % (len(listed), desk.said(result))
        if b"%d of %d roots" % (len(listed), len(want)) not in result.stdout:
            return desk.said(result)
    ours = {one["fingerprint"] for one in listed}
    theirs = {hashlib.sha256(one).hexdigest()
              for one in certificates(where.path("roots.pem"))}
    return "" if ours <= theirs else "others: %r" % (ours - theirs)


def fails(code, text, *arguments, smimectl="false"):
    result = script(*arguments, SMIMECTL=smimectl)
    if result.returncode != code or text not in result.stderr.decode():
        return "exit %d: %s" % (result.returncode, desk.said(result))
    return ""


def main(t):
    where = place.Place("mozilla")
    if shutil.which("certutil") is None:
        t.skip("mozilla-roots", "certutil is not installed (libnss3-tools)")
        return
    want = Module(find_module()).email_roots()
    t.ok(len(want) > 50, "mozilla-roots/module", "%d roots" % len(want))
    t.case("mozilla-roots/output/those-of-the-module", same_roots, where, want)
    t.case("mozilla-roots/list/as-many", same_list, want)
    t.case("mozilla-roots/trust-add/twice", added, where, want)
    t.case("mozilla-roots/module/missing", fails, 74, "/nonexistent/x.so",
           "--module", "/nonexistent/x.so", "--list")
    t.case("mozilla-roots/module/no-module", fails, 70, "could not read",
           "--module", where.write("x.so", "x"), "--list")
    t.case("mozilla-roots/output/not-writable", fails, 74, "/nonexistent/x",
           "--output", "/nonexistent/x")
    t.case("mozilla-roots/settings/missing", lambda: fails(
        desk.SETTINGS, "trust list failed", "-c", "/nonexistent/x.conf",
        smimectl=program("smimectl")))
    t.case("mozilla-roots/smimectl/missing", lambda: fails(
        127, "trust list failed", smimectl="/nonexistent/smimectl"))
    for arguments in (["--bad"], ["-c"], ["--list", "--output", "x"], ["x"]):
        t.case("mozilla-roots/usage/%s" % "_".join(arguments), fails, 64,
               "Usage: ", *arguments)


tap.main(main, __doc__)
