#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""smimectl started as root: files named on the command line are opened with
root's rights, STATE only with those of the settings' user."""

import os
import pwd
import sys

TESTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
sys.path.insert(0, os.path.join(TESTS, "lib"))

from smimetest import desk, place, rawmail, tap           # noqa: E402
from smimetest.authority import Authority                 # noqa: E402
from smimetest.desk import Desk                           # noqa: E402

ALICE = "alice@example.com"
USER = "nobody"
MAIL = rawmail.crlf("""\
From: alice@example.com
To: bob@partner.test
Subject: x

Hello
""")
ENVELOPE = ("--from", ALICE, "--rcpt", "bob@partner.test")
# A process that has given root's rights away may not be looked into, which is
# how leaks are found.
os.environ["ASAN_OPTIONS"] = "detect_leaks=0"


def owners(path):
    return {pwd.getpwuid(os.lstat(os.path.join(directory, one)).st_uid).pw_name
            for directory, names, files in os.walk(path)
            for one in names + files + ["."]}


def files_of_root(where, pki, t):
    """Keys, mail and output lie where only root gets."""
    secret = where.dir("secret", mode=0o700)
    here = Desk(where, "files", user=USER)
    os.chown(here.state, pwd.getpwnam(USER).pw_uid, 0)
    os.chmod(pki.directory, 0o700)
    alice = pki.user(ALICE, "p256")
    here.import_identity(alice)
    here.must("trust", "add", pki.anchor)
    t.equal(owners(here.state), {USER}, "rights/state-belongs-to-user")
    with open(os.path.join(secret, "mail"), "wb") as file:
        file.write(MAIL)
    out = os.path.join(secret, "out")
    result = here.run("process", *ENVELOPE, "--output", out,
                      os.path.join(secret, "mail"))
    t.ok(result.returncode == 0 and owners(out) == {"root"},
         "rights/output-of-root", desk.said(result))
    signed = os.path.join(out, "1.eml")
    t.case("rights/verify-file-of-root", lambda: "" if here.run(
        "verify", signed).returncode == 0 else "not verified")
    t.equal(owners(here.state), {USER}, "rights/state-still-belongs-to-user")


def link_in_state(where, pki, t):
    """The user of STATE cannot make root write elsewhere."""
    target = where.dir("of-root", mode=0o755)
    here = Desk(where, "link", user=USER)
    os.symlink(target, os.path.join(here.state, "trust"))
    os.chown(here.state, pwd.getpwnam(USER).pw_uid, 0)
    result = here.run("trust", "add", pki.anchor)
    t.ok(result.returncode == desk.PERMISSION and not os.listdir(target),
         "rights/link-not-followed-as-root", desk.said(result))


def reloads(where, pki, t):
    """What root could read at the start, the user must at a reload."""
    logins = where.write("secret/logins", "info@example.com alice\n", 0o600)
    os.chmod(where.path("secret"), 0o755)
    here = Desk(where, "reload", user=USER, sender_logins=logins)
    os.chown(here.state, pwd.getpwnam(USER).pw_uid, 0)
    os.chmod(here.config, 0o600)

    def results(subject):
        return [one["result"] for one in here.json(
            "check", code=desk.NO)["items"] if one["check"] == subject]
    t.equal(results("sender_logins"), ["failed"], "rights/check/logins")
    t.equal(results("settings"), ["failed"], "rights/check/settings")
    os.chmod(here.config, 0o644)
    os.chown(logins, pwd.getpwnam(USER).pw_uid, 0)
    t.equal(results("sender_logins"), ["ok"], "rights/check/logins-readable")
    t.equal(results("settings"), ["ok"], "rights/check/settings-readable")


def users(where, pki, t):
    nobody_there = Desk(where, "no-user", user="no-such-user")
    t.equal(nobody_there.run("key", "list").returncode, 0,
            "rights/no-user-state-of-root")
    os.chown(nobody_there.state, pwd.getpwnam(USER).pw_uid, 0)
    t.case("rights/no-user-state-of-another", nobody_there.fails,
           desk.SETTINGS, "no-such-user", "key", "list")
    missing = Desk(where, "missing", user="no-such-user",
                   state_dir=where.path("nowhere"))
    t.case("rights/no-user-no-state", missing.fails, desk.SETTINGS,
           "no-such-user", "key", "list")
    of_root = Desk(where, "of-root-state", user=USER)
    t.case("rights/state-of-root", of_root.fails, desk.PERMISSION,
           of_root.state, "trust", "add", pki.anchor)


def main(t):
    if os.getuid() != 0:
        t.skip("rights", "needs root")
        return
    where = place.Place("rights")
    pki = Authority(where.dir("pki"))
    files_of_root(where, pki, t)
    link_in_state(where, pki, t)
    users(where, pki, t)
    reloads(where, pki, t)


tap.main(main, __doc__)
