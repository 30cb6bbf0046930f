#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The command line of smimectl: its forms, its mistakes, its exit codes, and
the manual page beside the help text."""

import os
import re
import subprocess
import sys

TESTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
sys.path.insert(0, os.path.join(TESTS, "lib"))

from smimetest import desk, place, tap                    # noqa: E402
from smimetest.desk import Desk                           # noqa: E402
from smimetest.milter import program                      # noqa: E402

MANUAL = os.path.join(TESTS, "..", "man", "smimectl.1")
VERBS = ("import|list|remove|add|show|export|pin|unpin|approve|block|pending|"
         "refresh")
MAIL = ("--from", "alice@example.com", "--rcpt", "bob@partner.test")

# name, arguments, what the text on standard error holds
WRONG = (
    ("no-command", (), "command is missing"),
    ("unknown-noun", ("frobnicate",), 'unknown command "frobnicate"'),
    ("later-noun", ("ca", "show"), 'unknown command "ca"'),
    ("cert-alone", ("cert",), "list, show, import, export, remove, pin, "
     "unpin, approve, block, pending"),
    ("crl-alone", ("crl",), "list, refresh, import"),
    ("noun-alone", ("key",), "import, list, remove"),
    ("unknown-verb", ("key", "frobnicate"), "import, list, remove"),
    ("later-verb", ("key", "export"), "import, list, remove"),
    ("unknown-option", ("check", "--frobnicate"), "--frobnicate"),
    ("unknown-letter", ("check", "-x"), "-x"),
    ("option-of-another", ("check", "--from", "a@example.com"), "--from"),
    ("value-missing", ("explain", "--from"), "--from needs a value"),
    ("operand-missing", ("verify",), "missing"),
    ("fingerprint-missing", ("key", "remove"), "missing"),
    ("operand-too-many", ("verify", "a", "b"), '"b"'),
    ("operand-not-taken", ("check", "x"), '"x"'),
    ("from-missing", ("explain", "--rcpt", "b@partner.test"), "--from"),
    ("rcpt-missing", ("process", "--from", "a@example.com"), "--rcpt"),
    ("from-no-address", ("explain", "--from", "alice", *MAIL[2:]), '"alice"'),
    ("rcpt-no-address", (*("explain", *MAIL), "--rcpt", "bob"), '"bob"'),
    ("client-no-address", ("explain", *MAIL, "--client", "here"), '"here"'),
    ("days-no-number", ("key", "list", "--expiring", "soon"), '"soon"'),
    ("days-negative", ("key", "list", "--expiring=-1"), '"-1"'),
    ("time-no-time", ("verify", "/dev/null", "--at", "noon"), '"noon"'),
    ("time-not-utc", ("verify", "/dev/null", "--at",
                      "2026-11-21T03:31:00+01:00"), "+01:00"),
    ("fingerprint-short", ("key", "remove", "1234567"), "1234567"),
    ("fingerprint-no-hex", ("trust", "remove", "12345678z"), "12345678z"),
    ("fingerprint-long", ("trust", "remove", "a" * 65), "aaaa"),
    ("cert-import-nothing", ("cert", "import"), "missing"),
    ("cert-import-no-address", ("cert", "import", "x", "--address", "bob"),
     '"bob"'),
    ("cert-import-no-domain", ("cert", "import", "x", "--address", "@"),
     '"@"'),
    ("cert-list-no-address", ("cert", "list", "bob"), '"bob"'),
    ("cert-list-too-much", ("cert", "list", "a@b.test", "c@d.test"),
     '"c@d.test"'),
    ("cert-show-nothing", ("cert", "show"), "missing"),
    ("cert-show-neither", ("cert", "show", "bob"), '"bob"'),
    ("cert-show-short", ("cert", "show", "1234567"), "1234567"),
    ("cert-approve-address", ("cert", "approve", "b@partner.test"),
     "b@partner.test"),
    ("cert-export-both", ("--json", "cert", "export", "12345678", "--der"),
     "--der and --json"),
    ("cert-pin-option", ("cert", "pin", "12345678", "--pin"), "--pin"),
    ("cert-pending-operand", ("cert", "pending", "x"), '"x"'),
    ("crl-import-two", ("crl", "import", "x", "y"), '"y"'),
    ("import-nothing", ("key", "import"), "--cert and --key"),
    ("import-both", ("key", "import", "x.p12", "--cert", "c"),
     "--cert and --key"),
    ("import-cert-alone", ("key", "import", "--cert", "c"),
     "--cert and --key"),
    ("import-no-address", ("key", "import", "x.p12", "--address", "alice"),
     '"alice"'),
)


def wrong(settings, arguments, text):
    """Mistakes are found before anything is read: there are no settings."""
    result = place.run([program("smimectl"), *settings, *arguments])
    error = result.stderr.decode()
    if result.returncode != desk.USAGE:
        return "exit %d: %s" % (result.returncode, error)
    if text not in error or "usage: smimectl" not in error:
        return "says %r" % error
    if len(error.splitlines()) > 3:
        return "the cause scrolls away: %r" % error
    return "" if not result.stdout else "prints %r" % result.stdout


def usage_errors(t):
    for name, arguments, text in WRONG:
        t.case("usage/wrong/" + name, wrong, ("-c", "/nonexistent"),
               arguments, text)
    t.case("usage/wrong/config-without-value", wrong, (), ("-c",),
           "-c needs a value")


def help_texts(t):
    for name, arguments, want in (
            ("all", ("--help",), "key import FILE.p12"),
            ("letter", ("-h",), "key import FILE.p12"),
            ("noun", ("trust", "add", "--help"), "usage: smimectl trust add"),
            ("verb", ("verify", "-h"), "--at TIME"),
            ("version", ("--version",), "smimectl "),
            ("version-letter", ("-V",), "smimectl "),
            ("version-behind", ("check", "-V"), "smimectl ")):
        result = place.run([program("smimectl"), *arguments])
        t.ok(result.returncode == 0 and want in result.stdout.decode()
             and not result.stderr, "usage/help/" + name, desk.said(result))


def manual_forms():
    """{command: its options} from the synopsis lines of the manual."""
    found = {}
    with open(MANUAL) as file:
        for line in file:
            match = re.match(r"\.It Cm (\w+(?: (?:%s))?)\b(.*)" % VERBS,
                             line)
            if match:
                options = re.findall(r"Fl -([a-z-]+)", match.group(2))
                found.setdefault(match.group(1), set()).update(options)
    return found


def help_forms():
    """The same from the help text."""
    found = {}
    text = place.must_run([program("smimectl"), "--help"]).decode()
    for line in text.splitlines():
        match = re.match(r"  smimectl (\w+(?: (?:%s))?)\b(.*)" % VERBS,
                         line)
        if match:
            options = re.findall(r"--([a-z-]+)", match.group(2))
            found.setdefault(match.group(1), set()).update(options)
    return found


def option_names(text, pattern):
    return set(re.findall(pattern, text, re.M))


def manual(t):
    t.equal(manual_forms(), help_forms(), "usage/manual/commands")
    text = place.must_run([program("smimectl"), "--help"]).decode()
    shown = option_names(text, r"^  (?:-[a-zA-Z], )?--([a-z-]+)")
    with open(MANUAL) as file:
        described = set()
        for line in file:
            if line.startswith(".It Fl"):
                described.update(re.findall(r"Fl -([a-z-]+)", line))
    t.equal(described, shown, "usage/manual/options")
    forms = set().union(*help_forms().values())
    t.equal(forms, shown - {"config", "json", "help", "version"},
            "usage/help/every-option-has-a-command")


def global_options(t, here):
    for name, arguments in (
            ("before", ("-c", here.config, "--json", "key", "list")),
            ("between", ("key", "-c", here.config, "--json", "list")),
            ("behind", ("key", "list", "--json", "-c", here.config)),
            ("equals", ("key", "list", "--json", "--config=" + here.config))):
        result = place.run([program("smimectl"), *arguments])
        t.ok(result.returncode == 0
             and result.stdout.split() == b'{ "items" : [] }'.split(),
             "usage/global/" + name, desk.said(result))


def settings_errors(t, here):
    missing = here.where.path("nowhere.conf")
    bad = here.file("bad.conf", 'listen = "unix:/x";\nfrobnicate = 1;\n')
    for verb in (("check",), ("key", "list"), ("trust", "list"),
                 ("cert", "list"), ("crl", "list"),
                 ("explain", *MAIL), ("verify", here.config)):
        for name, path, want in (("missing", missing, missing),
                                 ("directory", here.state, here.state),
                                 ("device", "/dev/null", "/dev/null"),
                                 ("bad", bad, bad + ":2")):
            result = place.run([program("smimectl"), "-c", path, *verb])
            t.ok(result.returncode == desk.SETTINGS
                 and want in result.stderr.decode(),
                 "usage/settings/%s-%s" % (name, verb[0]), desk.said(result))
    t.case("usage/settings/not-needed-to-inspect", lambda: here.fails(
        desk.DATA, "no message", "-c", missing, "inspect", here.config))


def files(t, here):
    for name, arguments in (
            ("verify", ("verify", "/nonexistent/mail")),
            ("process", ("process", *MAIL, "/nonexistent/mail")),
            ("certificate", ("trust", "add", "/nonexistent/ca.pem")),
            ("partner", ("cert", "import", "/nonexistent/bob.pem")),
            ("crl", ("crl", "import", "/nonexistent/x.crl")),
            ("directory", ("inspect", "/")),
            ("output", ("process", *MAIL, "--output", "/nonexistent/out"))):
        t.case("usage/io/" + name, here.fails, desk.IO, "/", *arguments)
    command = [program("smimectl"), "-c", here.config, "trust", "list",
               "--json"]
    for name, command in (("list", command),
                          ("help", [program("smimectl"), "--help"]),
                          ("verb-help", [program("smimectl"), "check", "-h"]),
                          ("version", [program("smimectl"), "--version"])):
        with open("/dev/full", "wb") as full:
            result = subprocess.run(
                command, stdout=full, stderr=subprocess.PIPE)
        t.ok(result.returncode == desk.IO
             and b"standard output" in result.stderr,
             "usage/io/output-full/" + name, repr(result))


def main(t):
    where = place.Place("usage")
    here = Desk(where)
    usage_errors(t)
    help_texts(t)
    manual(t)
    global_options(t, here)
    settings_errors(t, here)
    files(t, here)


tap.main(main, __doc__)
