#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`smimectl check`: each thing that can be wrong is found, and a sound set-up
has no findings. Postfix is a script here that prints what postconf would."""

import os
import socket
import sys
import threading

TESTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
sys.path.insert(0, os.path.join(TESTS, "lib"))

from smimetest import desk, partner, place, tap           # noqa: E402
from smimetest.authority import Authority                 # noqa: E402
from smimetest.desk import Desk                           # noqa: E402
from smimetest.revocationpki import crl as crl_of         # noqa: E402

ALICE = "alice@example.com"
POSTCONF = """#!/bin/sh
case $1 in
-x) cat "$0.main" ;;
-Px) cat "$0.overrides" ;;
-M) cat "$0.services" ;;
*) exit 1 ;;
esac
"""


class Greeter:
    """Something that listens and says greeting to whoever comes."""

    def __init__(self, listener, greeting=b""):
        self.listener, self.greeting = listener, greeting
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection:
                try:
                    connection.sendall(self.greeting)
                except OSError:
                    pass

    def stop(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


class Bench:
    """A set-up without faults; each case breaks one thing of a fresh one."""

    def __init__(self):
        self.where = place.Place("check")
        self.pki = Authority(self.where.dir("pki"))
        self.alice = self.pki.user(ALICE, "p256", days=(-1, 200))
        self.smtp = Greeter(socket.create_server(("127.0.0.1", 0)),
                            b"220 here\r\n")
        self.port = self.smtp.listener.getsockname()[1]
        self.count = 0

    def setup(self, **settings):
        self.count += 1
        here = Desk(self.where, "desk%d" % self.count,
                    reinject="smtp:127.0.0.1:%d" % self.port,
                    authserv_id="mx.example.com",
                    limits={"message": 10240000})
        here.import_identity(self.alice)
        here.must("trust", "add", self.pki.anchor)
        here.milter = listen(here.settings["listen"][5:])
        here.bin = self.where.dir(here.label, "bin")
        here.postconf = POSTCONF
        here.main = {
            "milter_default_action": "tempfail",
            "smtpd_milters": here.settings["listen"],
            "non_smtpd_milters": here.settings["listen"],
            "message_size_limit": "10240000",
            "queue_directory": "/var/spool/postfix",
            "content_filter": "", "smtpd_proxy_filter": "",
            "receive_override_options": "",
        }
        here.services = {
            "smtp": ["inet", "n", "-", "n", "smtpd"],
            "127.0.0.1:%d" % self.port: ["inet", "n", "-", "n", "smtpd"],
            "cleanup": ["unix", "n", "-", "n", "cleanup"],
            "pickup": ["unix", "n", "-", "n", "pickup"],
        }
        here.overrides = {
            "127.0.0.1:%d/inet/smtpd_milters" % self.port: ""}
        here.set(**settings)
        return here

    def check(self, here, code):
        """{(check, result): text}"""
        write_postconf(here)
        got = here.json("check", code=code, env=dict(
            os.environ, PATH=here.bin + ":" + os.environ["PATH"]))
        found = {}
        for one in got["items"]:
            found.setdefault((one["check"], one["result"]), []).append(
                one["text"])
        return found


def listen(path):
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()
    return Greeter(listener)


def write_postconf(here):
    base = os.path.join(here.label, "bin", "postconf")
    here.where.write(base, here.postconf, 0o755)
    here.where.write(base + ".main", "".join(
        "%s = %s\n" % item for item in here.main.items()))
    here.where.write(base + ".overrides", "".join(
        "%s = %s\n" % item for item in here.overrides.items()))
    here.where.write(base + ".services", "".join(
        "%-10s %-5s %s %s %s - - %s -o x=y\n" % (name, *columns)
        for name, columns in here.services.items()))


def sound(bench, t):
    found = bench.check(bench.setup(), desk.YES)
    bad = {one: text for one, text in found.items() if one[1] != "ok"}
    t.equal(bad, {}, "check/sound")
    t.equal({one[0] for one in found}, {
        "settings", "user", "state", "spool", "keys", "authserv_id",
        "anchors", "certs", "pending", "crls", "socket", "reinject",
        "postfix"}, "check/subjects")
    here = bench.setup()
    write_postconf(here)
    text = here.must("check", env=dict(os.environ, PATH=here.bin + ":"
                                       + os.environ["PATH"])).decode()
    t.ok(text.startswith("ok       settings: ")
         and text.endswith("0 failed, 0 warnings\n"), "check/text", text)


def case(bench, t, name, change, subject, result, words, **settings):
    """change(here) breaks it; then subject has a result whose text holds all
    of words."""
    def run():
        here = bench.setup(**settings)
        change(here)
        found = bench.check(
            here, desk.NO if result == "failed" else desk.YES)
        texts = found.get((subject, result), [])
        if not any(all(word in text for word in words) for text in texts):
            return repr(found)
        return ""
    t.case("check/" + name, run)


def nothing(here):
    del here


def by_inet(bench):
    def change(here):
        here.main["smtpd_milters"] = "inet:localhost:%d" % bench.port
        here.main["non_smtpd_milters"] = "inet:127.0.0.1:%d" % bench.port
    return change


def around(bench, t):
    gone = bench.pki.user("gone@example.com", "p256", days=(-9, -1))
    soon = bench.pki.user("soon@example.com", "p256", days=(-1, 20))
    early = bench.pki.user("early@example.com", "p256", days=(3, 20))

    def holds(identity):
        return lambda here: here.run("key", "import", "--cert", identity.cert,
                                     "--key", identity.key)

    def renewed(here):
        here.run("key", "import", "--cert", soon.cert, "--key", soon.key)
        here.import_identity(bench.pki.user("soon@example.com", "p256",
                                            name="renewed"))

    def no_keys(here):
        here.must("key", "remove", bench.alice.fingerprint())

    def no_anchors(here):
        for one in here.json("trust", "list")["items"]:
            here.must("trust", "remove", one["fingerprint"])

    def no_state(here):
        here.set(state_dir=here.where.path("nowhere"))

    if os.getuid() == 0:
        case(bench, t, "user/unknown", nothing, "user", "failed",
             ["no-such-user", "adduser"], user="no-such-user")
    else:
        case(bench, t, "state/missing", no_state, "state", "failed",
             ["install -d"])
    case(bench, t, "state/writable",
         lambda here: os.chmod(here.state, 0o770), "state", "failed",
         ["chmod 0700"])
    case(bench, t, "state/readable",
         lambda here: os.chmod(here.state, 0o755), "state", "warning",
         ["chmod 0700"])
    case(bench, t, "spool/missing", nothing, "spool", "failed",
         ["/nonexistent/spool"], spool_dir="/nonexistent/spool")
    case(bench, t, "spool/read-only", nothing, "spool", "failed",
         ["/proc"], spool_dir="/proc")
    case(bench, t, "keys/none", no_keys, "keys", "warning", ["key import"])
    case(bench, t, "keys/expired", holds(gone), "keys", "failed",
         ["gone@example.com", "expired", "key import"])
    case(bench, t, "keys/expires", holds(soon), "keys", "warning",
         ["soon@example.com", "expires", "key import"])
    case(bench, t, "keys/not-yet-valid", holds(early), "keys", "failed",
         ["early@example.com", "not valid before"])
    case(bench, t, "keys/renewed", renewed, "keys", "ok",
         ["soon@example.com"])
    case(bench, t, "keys/world-readable", lambda here: os.chmod(
        os.path.join(here.state, "keys", "example.com", "alice.pem"), 0o644),
        "keys", "failed", ["alice"])
    case(bench, t, "anchors/none", no_anchors, "anchors", "warning",
         ["trust add", "signing needs none", "mozilla-email-roots"])
    case(bench, t, "anchors/none-needed", no_anchors, "anchors", "ok",
         ["verify.enabled"], verify={"enabled": False})
    case(bench, t, "socket/nobody", lambda here: here.milter.stop(),
         "socket", "failed", ["nothing listens", "systemctl start"])
    case(bench, t, "socket/missing", lambda here: os.unlink(
        here.settings["listen"][5:]), "socket", "failed",
        ["nothing listens"])
    case(bench, t, "socket/inet-nobody", nothing, "socket", "failed",
         ["nothing listens"],
         listen="inet:%d@127.0.0.1" % place.free_port())
    case(bench, t, "socket/open-to-all", by_inet(bench), "socket", "warning",
         ["other hosts"], listen="inet:%d@0.0.0.0" % bench.port, reinject="")
    case(bench, t, "reinject/nobody", nothing, "reinject", "warning",
         ["nothing answers"],
         reinject="smtp:127.0.0.1:%d" % place.free_port())
    case(bench, t, "reinject/none", nothing, "reinject", "ok", ["not set"],
         reinject="")
    mute = Greeter(socket.create_server(("127.0.0.1", 0)), b"554 no\r\n")
    case(bench, t, "reinject/no-greeting", nothing, "reinject", "warning",
         ["220"],
         reinject="smtp:127.0.0.1:%d" % mute.listener.getsockname()[1])
    case(bench, t, "internal-hosts/network", nothing, "internal_hosts",
         "warning", ["10.0.0.0/8"], internal_hosts=["127.0.0.0/8",
                                                    "10.0.0.0/8"])
    case(bench, t, "internal-hosts/everybody", nothing, "internal_hosts",
         "failed", ["0.0.0.0/0"], internal_hosts=["0.0.0.0/0"])


def incoming(bench, t):
    """What verification, the directory and the CRL cache need."""
    stranger = Authority(bench.where.dir("stranger"))
    unknown = stranger.user("bob@partner.test", "rsa")

    def directory(name, mode):
        def change(here):
            here.where.dir(here.label, "state", name, mode=mode)
        return change

    def file_there(here):
        here.where.write(os.path.join(here.label, "state", "certs"), "x")

    def waiting(here):
        mail = here.file("unknown.eml", partner.mail(unknown))
        here.must("process", "--from", "bob@partner.test", "--rcpt", ALICE,
                  "--client", "192.0.2.1", mail)

    def holds_crl(days):
        def change(here):
            here.run("crl", "import", here.file("root.crl", crl_of(
                bench.pki.root, days=days)))
        return change

    def broken(name):
        def change(here):
            here.where.dir(here.label, "state", *name.split("/")[:-1],
                           mode=0o700)
            here.where.write(os.path.join(here.label, "state", name),
                             "-----BEGIN CERTIFICATE-----\nno\n"
                             "-----END CERTIFICATE-----\n", 0o600)
        return change

    def many(here):
        for i in range(1001):
            broken("certs/partner.test/u%04d.pem" % i)(here)

    case(bench, t, "certs/broken-file", broken("certs/partner.test/bob.pem"),
         "certs", "warning", ["bob@partner.test", "partner.test/bob.pem",
                              "remove or mend"])
    case(bench, t, "certs/many-files", many, "certs", "ok",
         ["only the first 1000"])
    case(bench, t, "anchors/broken-file", broken("trust/bad.pem"), "anchors",
         "failed", ["trust/bad.pem", "remove or mend"])
    case(bench, t, "authserv-id/no-host", nothing, "authserv_id", "warning",
         ["set authserv_id"], authserv_id="localhost")
    case(bench, t, "anchors/system", nothing, "anchors", "warning",
         ["trust.system", "mozilla-email-roots"], trust={"system": True})
    for name in ("certs", "crls", "pending"):
        case(bench, t, name + "/writable", directory(name, 0o777), name,
             "failed", ["chmod 0700"])
        case(bench, t, name + "/sound", directory(name, 0o700), name, "ok",
             [name])
    case(bench, t, "certs/no-directory", file_there, "certs", "failed",
         ["not a directory"])
    case(bench, t, "pending/some", waiting, "pending", "ok",
         ["1 certificates wait", "cert pending"])
    case(bench, t, "pending/full", waiting, "pending", "warning",
         ["max_pending is 1"], harvest={"max_pending": 1})
    case(bench, t, "crls/valid", holds_crl((-1, 7)), "crls", "ok",
         ["1 known"])
    case(bench, t, "crls/expired", holds_crl((-9, -1)), "crls", "warning",
         ["expired on", "crl refresh"])
    case(bench, t, "crls/off", nothing, "crls", "warning",
         ["revocation.mode is off"], revocation={"mode": "off"})
    case(bench, t, "crls/hard-without-fetch", nothing, "crls", "warning",
         ["revocation.fetch"], revocation={"mode": "hard", "fetch": False})


def postfix(bench, t):
    def main_cf(**changes):
        return lambda here: here.main.update(changes)

    def unnamed(here):
        here.main["smtpd_milters"] = "unix:/other"

    def in_braces(action):
        def change(here):
            here.main["smtpd_milters"] = (
                "unix:/first, { %s, connect_timeout=10s, default_action = "
                "%s }" % (here.settings["listen"], action))
            here.main["milter_default_action"] = "accept"
            here.main["non_smtpd_milters"] = here.main["smtpd_milters"]
        return change

    def submission_only(here):
        here.main["smtpd_milters"] = ""
        here.services["submission"] = ["inet", "n", "-", "n", "smtpd"]
        here.overrides["submission/inet/smtpd_milters"] = (
            here.settings["listen"])

    def chrooted(here):
        here.services["smtp"][3] = "y"

    def chrooted_below(here):
        chrooted(here)
        queue, path = os.path.split(here.settings["listen"][5:])
        here.main["queue_directory"] = queue
        here.main["smtpd_milters"] = "unix:/" + path

    def relative(here):
        queue, path = os.path.split(here.settings["listen"][5:])
        here.main["queue_directory"] = queue
        here.main["smtpd_milters"] = "unix:" + path

    def copies_loop(here):
        here.overrides.clear()

    def copies_no_milters(here):
        here.overrides.clear()
        here.overrides["127.0.0.1:%d/inet/receive_override_options"
                       % bench.port] = "no_milters,no_address_mappings"

    def copies_other_milter(here):
        here.overrides["127.0.0.1:%d/inet/smtpd_milters" % bench.port] = (
            "inet:127.0.0.1:8891")

    def copies_nowhere(here):
        del here.services["127.0.0.1:%d" % bench.port]

    def filtered(here):
        here.main["content_filter"] = "smtp-amavis:[127.0.0.1]:10024"
        here.services["127.0.0.1:10025"] = ["inet", "n", "-", "n", "smtpd"]

    def filtered_apart(here):
        filtered(here)
        here.overrides["127.0.0.1:10025/inet/smtpd_milters"] = ""

    def broken(here):
        here.services = {}
        here.bin = here.where.dir(here.label, "bin")

    def socket_of_nobody(mode, directory):
        """Postfix runs as nobody; its queue directory holds ours."""
        def change(here):
            path = here.settings["listen"][5:]
            here.main["mail_owner"] = "nobody"
            here.main["queue_directory"] = os.path.dirname(
                os.path.dirname(path))
            os.chmod(path, mode)
            os.chmod(os.path.dirname(path), directory)
        return change

    def no_main_cf(here):
        here.postconf = ("#!/bin/sh\necho 'postconf: fatal: open /etc/"
                         "postfix/main.cf: No such file or directory' >&2\n"
                         "exit 1\n")

    cases = (
        ("socket-mode", socket_of_nobody(0o600, 0o755), "socket", "failed",
         ["nobody", "mode 0600", "socket_group"]),
        ("socket-directory", socket_of_nobody(0o666, 0o700), "socket",
         "failed", ["nobody", "mode 0700", "install -d"]),
        ("socket-rights", socket_of_nobody(0o666, 0o711), "socket", "ok",
         ["answers"]),
        ("no-main-cf", no_main_cf, "postfix", "warning",
         ["Postfix has no main.cf", "MAIL_CONFIG=DIR"]),
        ("action", main_cf(milter_default_action="accept"), "postfix",
         "failed", ["\"accept\"", "milter_default_action=tempfail"]),
        ("action-in-braces", in_braces("accept"), "postfix", "failed",
         ["\"accept\"", "braces of smtpd_milters"]),
        ("tempfail-in-braces", in_braces("tempfail"), "postfix", "ok",
         ["smtpd_milters"]),
        ("not-asked", unnamed, "postfix", "failed", ["no listener"]),
        ("submission-only", submission_only, "postfix", "ok",
         ["1 listeners"]),
        ("sendmail-not-asked", main_cf(non_smtpd_milters=""), "postfix",
         "warning", ["sendmail(1)"]),
        ("chroot", chrooted, "postfix", "failed", ["chrooted"]),
        ("chroot-below", chrooted_below, "postfix", "ok", ["1 listeners"]),
        ("relative", relative, "postfix", "ok", ["1 listeners"]),
        ("copies-come-back", copies_loop, "postfix", "failed",
         ["-o smtpd_milters="]),
        ("copies-no-milters", copies_no_milters, "postfix", "ok",
         ["takes copies"]),
        ("copies-other-milter", copies_other_milter, "postfix", "ok",
         ["takes copies"]),
        ("copies-no-listener", copies_nowhere, "postfix", "warning",
         ["master.cf has no listener"]),
        ("filter-comes-back", filtered, "internal_hosts", "warning",
         ["127.0.0.1:10025"]),
        ("filter-apart", filtered_apart, "postfix", "ok", ["takes copies"]),
        ("size", main_cf(message_size_limit="52428800"), "postfix",
         "warning", ["52428800"]),
        ("nothing-there", broken, "postfix", "failed", ["no listener"]),
    )
    for name, change, subject, result, words in cases:
        case(bench, t, "postfix/" + name, change, subject, result, words)
    case(bench, t, "postfix/inet", by_inet(bench), "postfix", "ok", ["1 listeners"],
         listen="inet:%d@127.0.0.1" % bench.port, reinject="")


def real_postfix(bench, t):
    """Whatever it says: the real postconf can be read."""
    here = bench.setup()
    found = here.run("--json", "check")
    t.ok(found.returncode in (desk.YES, desk.NO), "check/postfix/real",
         desk.said(found))


def main(t):
    bench = Bench()
    sound(bench, t)
    around(bench, t)
    incoming(bench, t)
    postfix(bench, t)
    real_postfix(bench, t)


tap.main(main, __doc__)
