#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""smime-milter as a process: command line, start, socket, signals, rights.
An MTA's side of the protocol speaks to it; no mail is signed here."""

import getpass
import grp
import os
import pwd
import re
import socket
import stat
import subprocess
import sys

TESTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
sys.path.insert(0, os.path.join(TESTS, "lib"))

from smimetest import place, tap                          # noqa: E402
from smimetest.milter import Milter, program, settings_text  # noqa: E402
from smimetest.milterclient import MilterClient, cstring, path  # noqa: E402

MANUAL = os.path.join(TESTS, "..", "man", "smime-milter.8")
USAGE, SOFTWARE, IO, TEMPFAIL, PERMISSION, SETTINGS = 64, 70, 74, 75, 77, 78
ROOT = os.geteuid() == 0
# Root's daemon becomes somebody else; any other user's stays.
USER = "nobody" if ROOT else getpass.getuser()
GROUP = "daemon" if ROOT else grp.getgrgid(os.getgid()).gr_name
MAIL = b"Subject: hello\r\n\r\nbody\r\n"


class Daemon(Milter):
    """With directories of whoever it runs as."""

    # pylint: disable=super-init-not-called
    def __init__(self, where, label, **settings):
        self.where, self.label = where, label
        owner = USER if ROOT else None
        self.state = where.dir(label, "state", owner=owner, mode=0o700)
        self.run_dir = where.dir(label, "run", owner=owner)
        self.socket_path = os.path.join(self.run_dir, "milter.sock")
        self.settings = {
            "listen": "unix:" + self.socket_path,
            "user": USER,
            "socket_group": GROUP,
            "socket_mode": "0620",
            "state_dir": self.state,
            "local_domains": ["example.com"],
            "log": {"level": "info", "target": "stderr"},
        }
        self.settings.update(settings)
        self.config = None
        self.log_file = where.path(label, "log")
        self.process = None
        self.write_settings()
        where.on_close(self.stop)

    def client(self):
        return MilterClient(self.socket_path)


def to_rcpt(client, sender, *recipients):
    """The verdict on the last recipient."""
    client.connect(client="192.0.2.1")
    client.macros("M", {"i": "QID"})
    client.command("M", path(sender, ()))
    for recipient in recipients:
        verdict = client.command("R", path(recipient, ()))
    return verdict


def rest(client):
    """From DATA to the end; the last verdict."""
    for letter, data in (("T", b""), ("L", b"Subject\0 hello\0"), ("N", b""),
                         ("B", b"body\r\n")):
        verdict = client.command(letter, data)
        if verdict and verdict.kind != "continue":
            return verdict
    client.send("E")
    return client.answer("E", [])


def accepts(daemon):
    """What is wrong, if a plain mail does not pass."""
    with daemon.client() as client:
        client.connect(client="192.0.2.1")
        result = client.message(MAIL, "a@far.test", ["b@far.test"])
    if result.verdict.kind != "accept" or result.edits:
        return "%s, edits %r" % (result.verdict, result.edits)
    return ""


def ends_with(daemon, code, pattern):
    got, output = daemon.run_to_end()
    if got != code or not re.search(pattern, output):
        return "exit %d, not %d: %s" % (got, code, output)
    return ""


def command_line(t, where):
    for name, arguments in (("letter", ["-x"]), ("operand", ["file"]),
                            ("no-value", ["-c"]), ("name", ["--settings"]),
                            ("value", ["--help=all"])):
        result = place.run([program("smime-milter"), *arguments])
        t.ok(result.returncode == USAGE
             and b"usage: smime-milter" in result.stderr,
             "command-line/wrong-" + name, repr(result))
    for option in "-V", "--version":
        result = place.run([program("smime-milter"), option])
        t.ok(result.returncode == 0
             and re.match(rb"smime-milter \d", result.stdout),
             "command-line/version/" + option, repr(result))
    shown = place.must_run([program("smime-milter"), "-h"]).decode()
    t.equal(place.must_run([program("smime-milter"), "--help"]).decode(),
            shown, "command-line/help/--help")
    with open(MANUAL) as file:
        text = file.read()
    items = re.findall(
        r"^\.It Fl (\w)(?: , Fl Fl (\w+))?(?: Ar (\w+))?$", text, re.M)
    synopsis = re.findall(r"^\.Op Fl (\w)(?: Ar (\w+))?$", text, re.M)
    table = re.findall(r"^  -(\w)(?:, --(\w+))?(?: ([A-Z]+))? +\w", shown,
                       re.M)
    t.equal(items, table, "command-line/manual-options")
    t.equal(synopsis, [(letter, argument) for letter, _, argument in table],
            "command-line/manual-synopsis")
    t.equal([name for _, name, _ in table if name], ["version", "help"],
            "command-line/names")
    words = " ".join(re.sub(r"^\.Ar ", "", text, flags=re.M).split())
    for line in re.findall(r"^  -.{12}  (.*)$", shown, re.M):
        t.ok(line in words, "command-line/manual-says/" + line.replace(
            " ", "-"), line)


def settings(t, where):
    daemon = Daemon(where, "settings")
    test = [program("smime-milter"), "-t", "-c"]
    result = place.run([*test, daemon.config])
    t.ok(result.returncode == 0 and not result.stderr, "settings/good",
         repr(result))
    bad = where.write("bad.conf", settings_text(daemon.settings)
                      + "frobnicate = 1;\nrecipient = 2;\n")
    result = place.run([*test, bad])
    lines = result.stderr.decode().splitlines()
    t.ok(result.returncode == SETTINGS and len(lines) == 2
         and all(line.startswith(bad + ":") for line in lines),
         "settings/bad", repr(result))
    result = place.run([*test, where.path("missing.conf")])
    t.ok(result.returncode == SETTINGS and b"missing.conf" in result.stderr,
         "settings/missing", repr(result))
    for name, path in (("directory", daemon.state), ("device", "/dev/null")):
        result = place.run([*test, path])
        t.ok(result.returncode == SETTINGS and path.encode() in result.stderr,
             "settings/" + name, repr(result))
    result = place.run([program("smime-milter"), "-c", bad])
    t.ok(result.returncode == SETTINGS and result.stderr.count(b"bad.conf")
         == 2, "settings/bad-at-start", repr(result))


def socket_file(where):
    daemon = Daemon(where, "socket")
    daemon.start()
    facts = os.stat(daemon.socket_path)
    wrong = []
    if stat.S_IMODE(facts.st_mode) != 0o620:
        wrong.append("mode %o" % facts.st_mode)
    if grp.getgrgid(facts.st_gid).gr_name != GROUP:
        wrong.append("group %d" % facts.st_gid)
    wrong.append(accepts(daemon))
    code = daemon.stop()
    if code != 0:
        wrong.append("exit %d" % code)
    if os.path.exists(daemon.socket_path):
        wrong.append("the socket stays")
    return " ".join(wrong).strip()


def two_daemons(where):
    first = Daemon(where, "two")
    first.start()
    second = Daemon(where, "second", listen=first.settings["listen"])
    wrong = ends_with(second, TEMPFAIL, "another daemon is listening on")
    return wrong or accepts(first)


def stale_socket(where):
    daemon = Daemon(where, "stale")
    daemon.start()
    daemon.kill()
    if not os.path.exists(daemon.socket_path):
        return "kill -9 left no socket: nothing was tried"
    daemon.start()
    return accepts(daemon)


def leave_socket(daemon, user, mode=0):
    """What a daemon killed in the middle of its start leaves behind."""
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(daemon.socket_path)
    os.chmod(daemon.socket_path, mode)
    if ROOT:
        os.chown(daemon.socket_path, pwd.getpwnam(user).pw_uid, -1)


def run_as_user(daemon):
    """Started without root, to the end: exit code and output."""
    os.chmod(daemon.config, 0o644)
    account = {"user": USER, "extra_groups": []} if ROOT else {}
    result = place.run([program("smime-milter"), "-c", daemon.config],
                       timeout=20, **account)
    return result.returncode, (result.stdout + result.stderr).decode()


def half_made_socket(where):
    """Mode 000, as between bind and chmod; root and the user both start."""
    daemon = Daemon(where, "half-made")
    leave_socket(daemon, USER)
    daemon.start()
    wrong = accepts(daemon)
    daemon.stop()
    if wrong:
        return wrong
    # As the user, who may not connect to it: no further than the state.
    daemon = Daemon(where, "half-made-user", socket_group="",
                    state_dir="/proc/nowhere/state")
    leave_socket(daemon, USER)
    code, output = run_as_user(daemon)
    if code not in (PERMISSION, SETTINGS) or "state_dir" not in output:
        return "as the user: exit %d: %s" % (code, output)
    return "the socket stays" if os.path.exists(daemon.socket_path) else ""


def foreign_socket(where):
    if not ROOT:
        raise tap.Skip("needs root for a file of another user")
    daemon = Daemon(where, "foreign", socket_group="")
    leave_socket(daemon, "root")
    code, output = run_as_user(daemon)
    if code != PERMISSION or not re.search(
            "socket %s .*remove it" % daemon.socket_path, output):
        return "exit %d: %s" % (code, output)
    return "" if os.path.exists(daemon.socket_path) else "it was removed"


def removed_after_failure(where):
    """A start that fails behind the socket takes its file away."""
    cases = {"group": {"socket_group": "no-such-group"},
             "state": {"state_dir": "/proc/nowhere/state"}}
    for name, changes in cases.items():
        daemon = Daemon(where, "removed-" + name, **changes)
        code, output = daemon.run_to_end()
        if code == 0 or "cannot start" not in output:
            return "%s: exit %d: %s" % (name, code, output)
        if os.path.exists(daemon.socket_path):
            return name + ": the socket stays"
    return ""


def inet_socket(where):
    port = place.free_port()
    daemon = Daemon(where, "inet", listen="inet:%d@127.0.0.1" % port)
    daemon.start()
    with MilterClient(port) as client:
        client.connect()
        verdict = client.message(MAIL, "a@far.test", ["b@far.test"]).verdict
    if verdict.kind != "accept":
        return str(verdict)
    second = Daemon(where, "inet2", listen="inet:%d@127.0.0.1" % port)
    return ends_with(second, TEMPFAIL, "another daemon is listening there")


def start_failures(t, where):
    occupied = where.write("occupied", "no socket")
    nowhere = where.path("nowhere", "deeper", "milter.sock")
    too_long = where.path("x" * 120)
    cases = [
        ("listen/no-socket", SETTINGS, "is no socket",
         {"listen": "unix:" + occupied}),
        ("listen/no-directory", SETTINGS, "create the directory",
         {"listen": "unix:" + nowhere}),
        ("listen/long", SETTINGS, "too long", {"listen": "unix:" + too_long}),
        ("listen/no-address", "%d|%d" % (IO, SETTINGS), "listen: inet:",
         {"listen": "inet:25@192.0.2.99"}),
        ("socket-group", SETTINGS, "no group",
         {"socket_group": "no-such-group"}),
        ("user/unknown", SETTINGS, "no user", {"user": "no-such-user"}),
        ("user/root", SETTINGS, "is root", {"user": "root"}),
        ("state-dir/no-parent", "%d|%d" % (PERMISSION, SETTINGS),
         "state_dir cannot be made",
         {"state_dir": "/proc/nowhere/state"}),
    ]
    for name, code, pattern, changes in cases:
        daemon = Daemon(where, "fail-" + name.replace("/", "-"), **changes)
        got, output = daemon.run_to_end()
        t.ok(re.fullmatch(str(code), str(got)) and re.search(pattern, output),
             "start/" + name, "exit %d: %s" % (got, output))
    open_state = Daemon(where, "open-state")
    os.chmod(open_state.state, 0o777)
    t.case("start/state-dir/writable-for-all", ends_with, open_state,
           PERMISSION, "nobody else can write")
    if not ROOT:
        t.case("start/user/another", ends_with,
               Daemon(where, "another", user="daemon"), PERMISSION,
               "start as root or as daemon")


def said_on_stderr(where, target):
    """Why it cannot start: once, wherever the log goes."""
    daemon = Daemon(where, "said-" + target, log={
        "level": "info", "target": target}, socket_group="no-such-group")
    code, output = daemon.run_to_end()
    if code != SETTINGS or output.count("cannot start: ") != 1:
        return "exit %d: %s" % (code, output)
    return ""


def said_in_journal(where):
    """Standard error that is the journal has the line already."""
    daemon = Daemon(where, "said-in-journal", log={
        "level": "info", "target": "syslog"}, socket_group="no-such-group")
    with open(daemon.log_file, "wb") as log:
        facts = os.fstat(log.fileno())
        stream = "%d:%d" % (facts.st_dev, facts.st_ino)
        code = subprocess.run(
            [program("smime-milter"), "-c", daemon.config], stderr=log,
            env=dict(os.environ, JOURNAL_STREAM=stream), timeout=20,
            check=False).returncode
    if code != SETTINGS or "cannot start" in daemon.log():
        return "exit %d: %s" % (code, daemon.log())
    return ""


def state_is_made(where):
    """Root makes it and gives it away; its parent is root's."""
    daemon = Daemon(where, "made")
    path_made = os.path.join(where.dir("made", "lib"), "state")
    daemon.write_settings(state_dir=path_made)
    daemon.start()
    # The socket is there before.
    daemon.log_since(0, "serves unix:")
    facts = os.stat(path_made)
    if stat.S_IMODE(facts.st_mode) != 0o700:
        return "mode %o" % facts.st_mode
    return accepts(daemon)


def unusable_spool(where):
    daemon = Daemon(where, "spool", spool_dir="/proc/nowhere")
    daemon.start()
    daemon.log_since(0, "error: spool_dir")
    return accepts(daemon)


def rights(where):
    daemon = Daemon(where, "rights")
    daemon.start()
    daemon.log_since(0, "serves unix:")
    with open("/proc/%d/status" % daemon.process.pid) as file:
        status = dict(line.rstrip("\n").split(":\t", 1) for line in file
                      if ":\t" in line)
    wrong = []
    if status["NoNewPrivs"] != "1":
        wrong.append("new privileges")
    if int(status["CapEff"], 16) or int(status["CapPrm"], 16):
        wrong.append("capabilities")
    if "0" in status["Uid"].split() + status["Gid"].split():
        wrong.append("root: " + status["Uid"])
    with open("/proc/%d/limits" % daemon.process.pid) as file:
        limits = {line[:26].strip(): line[26:].split()[:2] for line in file}
    if limits["Max core file size"] != ["0", "0"]:
        wrong.append("core dumps")
    if len(set(limits["Max open files"])) != 1:
        wrong.append("files %r" % limits["Max open files"])
    return " ".join(wrong)


def many_reloads(where):
    daemon = Daemon(where, "reloads")
    daemon.start()
    for _ in range(100):
        mark = daemon.log_mark()
        daemon.reload()
        daemon.log_since(mark, "new settings from")
        if daemon.process.poll() is not None:
            return "ended: " + daemon.log()
    # Signals that come while one is handled.
    for _ in range(1000):
        daemon.reload()
    return accepts(daemon)


def reload_takes_effect(where):
    daemon = Daemon(where, "effect")
    daemon.start()
    with daemon.client() as old, daemon.client() as new:
        to_rcpt(old, "a@far.test", "b@far.test")
        mark = daemon.log_mark()
        daemon.write_settings(limits={"recipients": 1})
        daemon.reload()
        daemon.log_since(mark, "new settings from")
        second = old.command("R", path("c@far.test", ()))
        if second.kind != "continue":
            return "mail under way: %s" % second
        verdict = to_rcpt(new, "a@far.test", "b@far.test", "c@far.test")
        if not (verdict.reply or "").startswith("452 4.5.3 "):
            return "new mail: %s" % verdict
        for client in old, new:
            if rest(client).kind != "accept":
                return "the mail did not go on"
    return ""


def larger_headers(where):
    """libmilter's size is that of the start."""
    daemon = Daemon(where, "larger", limits={"headers": 100000})
    daemon.start()
    said = "limits.headers is larger than at the start"
    for size, warned in ((50000, False), (100000, False), (200000, True)):
        mark = daemon.log_mark()
        daemon.write_settings(limits={"headers": size})
        daemon.reload()
        daemon.log_since(mark, "new settings from")
        if (said in daemon.log()[mark:]) != warned:
            return "%d: %s" % (size, daemon.log()[mark:])
    # All fields together may be that large at once.
    with daemon.client() as client:
        client.connect()
        mail = b"X: %s\r\nY: %s\r\n\r\nbody\r\n" % (
            b"x" * 90000, b"y" * 90000)
        verdict = client.message(mail, "a@far.test", ["b@far.test"]).verdict
    return "" if verdict.kind == "accept" else str(verdict)


def bad_reload(where):
    daemon = Daemon(where, "bad-reload", limits={"recipients": 1})
    daemon.start()
    mark = daemon.log_mark()
    daemon.write_settings(limits={"recipients": 2}, frobnicate=1)
    daemon.reload()
    daemon.log_since(mark, r"stay as they were: .*conf:\d+: .*frobnicate")
    with daemon.client() as client:
        verdict = to_rcpt(client, "a@far.test", "b@far.test", "c@far.test")
    return "" if verdict.kind == "tempfail" else str(verdict)


def fixed_settings(where):
    daemon = Daemon(where, "fixed")
    daemon.start()
    other = where.path("elsewhere")
    mark = daemon.log_mark()
    before = dict(daemon.settings)
    daemon.write_settings(listen="unix:" + other, socket_mode="0600",
                          socket_group="", state_dir=other, user="daemon")
    daemon.reload()
    daemon.log_since(mark, "new settings from")
    text = daemon.log()[mark:]
    missing = [name for name in ("listen", "socket_mode", "socket_group",
                                 "state_dir", "user")
               if "a change of %s needs a restart" % name not in text]
    daemon.settings = before
    if missing or os.path.exists(other):
        return "not said: %r\n%s" % (missing, text)
    return accepts(daemon)


def stop_drains(where):
    daemon = Daemon(where, "drain")
    daemon.start()
    with daemon.client() as running, daemon.client() as late:
        to_rcpt(running, "a@far.test", "b@far.test")
        mark = daemon.log_mark()
        daemon.process.terminate()
        daemon.log_since(mark, "waiting for 1 mails")
        verdict = to_rcpt(late, "c@far.test", "d@far.test")
        if not (verdict.reply or "").startswith("451 4.3.2 "):
            return "a late mail: %s" % verdict
        verdict = rest(running)
        if verdict.kind != "accept":
            return "the mail under way: %s" % verdict
    code = daemon.process.wait(60)
    return "" if code == 0 else "exit %d" % code


def interrupted(where):
    """SIGINT is what a terminal sends: the same as SIGTERM."""
    daemon = Daemon(where, "interrupt")
    daemon.start()
    daemon.process.send_signal(2)
    code = daemon.process.wait(60)
    return "" if code == 0 else "exit %d" % code


def long_field(where):
    """Longer than libmilter's own limit for one command."""
    daemon = Daemon(where, "long-field")
    daemon.start()
    with daemon.client() as client:
        for size in 100000, 1000000:
            client.connect()
            mail = b"X: %s\r\n\r\nbody\r\n" % (b"x" * size)
            verdict = client.message(mail, "a@far.test",
                                     ["b@far.test"]).verdict
            if verdict.kind != "accept":
                return "%d: %s" % (size, verdict)
    return ""


def few_files(where):
    """More connections than descriptors: some are turned away, none of the
    others suffers, and it goes on when they are gone."""
    daemon = Daemon(where, "few-files")
    command = ["sh", "-c", "ulimit -n 94; exec \"$@\"", "sh",
               program("smime-milter"), "-c", daemon.config]
    with open(daemon.log_file, "ab") as log:
        daemon.process = subprocess.Popen(command, stdout=log, stderr=log)
    place.wait_until(daemon.answers, 20, "the milter")
    clients, refused = [], 0
    for _ in range(30):
        try:
            clients.append(daemon.client())
        except (ConnectionError, AssertionError):
            refused += 1
    wrong = []
    if len(clients) != 10 or refused != 20:
        wrong.append("%d taken, %d refused" % (len(clients), refused))
    for client in clients:
        to_rcpt(client, "a@far.test", "b@far.test")
        if rest(client).kind != "accept":
            wrong.append("a mail failed")
        client.close()
    place.wait_until(lambda: not accepts_or_refused(daemon), 20,
                     "a free connection")
    if "more than 10 connections" not in daemon.log():
        wrong.append("no warning")
    return " ".join(wrong)


def accepts_or_refused(daemon):
    try:
        return accepts(daemon)
    except (ConnectionError, AssertionError):
        return "refused"


def no_listener(where):
    port = place.free_port()
    daemon = Daemon(where, "no-listener", reinject="smtp:127.0.0.1:%d" % port)
    daemon.start()
    daemon.log_since(0, "listener of the setting reinject, smtp:127.0.0.1:%d,"
                     " does not take mail: .*refused" % port)
    return accepts(daemon)


def readiness(where):
    """What systemd is told (sd_notify(3))."""
    daemon = Daemon(where, "notify")
    address = os.path.join(daemon.run_dir, "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind(address)
        os.chmod(address, 0o777)
        notify.settimeout(20)
        os.environ["NOTIFY_SOCKET"] = address
        try:
            daemon.start()
        finally:
            del os.environ["NOTIFY_SOCKET"]
        try:
            got = [notify.recv(4096).decode()]
        except TimeoutError:
            raise tap.Skip("built without systemd")
        daemon.reload()
        got += [notify.recv(4096).decode(), notify.recv(4096).decode()]
        daemon.process.terminate()
        got.append(notify.recv(4096).decode())
    names = [one.split("\n")[0] for one in got]
    want = ["READY=1", "RELOADING=1", "READY=1", "STOPPING=1"]
    if names != want or not re.search(r"\nMONOTONIC_USEC=\d+$", got[1]):
        return "got %r" % got
    return ""


def own_mail_of_a_stranger(where):
    """The log says why mail that looks like ours is not treated so."""
    daemon = Daemon(where, "stranger")
    daemon.start()
    own = b"From: alice@example.com\r\n" + MAIL
    for sender, client, login, why in (
            ("alice@example.com", "192.0.2.7", None,
             'why="client 192.0.2.7 is not trusted'),
            ("x@far.test", "192.0.2.7", None, ""),
            ("alice@example.com", "192.0.2.7", "alice@example.com", "")):
        mark = daemon.log_mark()
        with daemon.client() as one:
            one.connect(client=client)
            one.message(own if sender.startswith("alice") else MAIL, sender,
                        ["b@far.test"], login=login, qid="STRANGER")
        line = daemon.log_since(mark, "qid=STRANGER dir=")
        if ("is not trusted" in line) != bool(why) or why not in line:
            return "%s: %s" % (sender, line)
    return ""


def main(t):
    where = place.Place("daemon")
    command_line(t, where)
    settings(t, where)
    start_failures(t, where)
    for target in "stderr", "syslog", "journal", "auto":
        t.case("start/said-on-stderr/" + target, said_on_stderr, where,
               target)
    for name, function in (
            ("start/said-in-journal", said_in_journal),
            ("socket/owner-and-mode", socket_file),
            ("socket/two-daemons", two_daemons),
            ("socket/stale", stale_socket),
            ("socket/half-made", half_made_socket),
            ("socket/of-another-user", foreign_socket),
            ("socket/removed-after-failure", removed_after_failure),
            ("socket/inet", inet_socket),
            ("start/state-dir/made", state_is_made),
            ("start/spool-dir/unusable", unusable_spool),
            ("start/rights", rights),
            ("start/ready", readiness),
            ("start/no-listener-for-copies", no_listener),
            ("reload/many", many_reloads),
            ("reload/takes-effect", reload_takes_effect),
            ("reload/larger-headers", larger_headers),
            ("reload/bad-file", bad_reload),
            ("reload/fixed-settings", fixed_settings),
            ("stop/drains", stop_drains),
            ("stop/interrupt", interrupted),
            ("mail/own-mail-of-a-stranger", own_mail_of_a_stranger),
            ("mail/long-field", long_field),
            ("mail/more-connections-than-files", few_files)):
        t.case(name, function, where)


tap.main(main, __doc__)
