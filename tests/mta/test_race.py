#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Never the wrong signer: many connections, many senders, every result
judged by OpenSSL alone. With a build under ThreadSanitizer in TOP_BUILDDIR
its findings are failures too."""

import argparse
import os
import re
import sys
import threading

TOP_SRCDIR = os.environ.get("TOP_SRCDIR") or os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "..", "..")
TOP_BUILDDIR = os.environ.setdefault("TOP_BUILDDIR", TOP_SRCDIR)
sys.path.insert(0, os.path.join(TOP_SRCDIR, "tests", "lib"))

from smimetest import milter, place, pki, tap  # noqa: E402

CONNECTIONS = 16
SENDERS = 20
PATIENCE = 600
# GLib's own allocator, which is not built for it, confuses ThreadSanitizer;
# in the tools its findings are of no interest.
os.environ.setdefault("G_SLICE", "always-malloc")
UNWATCHED = dict(os.environ, TSAN_OPTIONS="report_bugs=0")


def tool(name):
    return os.path.join(TOP_BUILDDIR, "tests", "bench", name)


class Race:
    def __init__(self, count):
        self.count = count
        self.where = place.Place("race")
        keys = pki.Pki(self.where.dir("pki"))
        self.anchor = keys.anchor
        # Both kinds of key, so that a key cannot meet a stranger's certificate
        # without notice.
        self.users = [keys.user(
            "user%d@example.com" % number, "rsa" if number % 2 else "p256")
            for number in range(1, SENDERS + 1)]
        self.milter = milter.Milter(self.where)
        self.milter.trust(keys)
        for user in self.users:
            self.milter.import_identity(user)
        self.milter.start()

    def judge_of_judges(self):
        """The judge must see that another one signed."""
        user = self.users[0]
        signed = place.must_run(
            ["openssl", "cms", "-sign", "-signer", user.cert, "-inkey",
             user.key, "-certfile", user.chain, "-crlfeol"], input=b"Hello.\r\n")
        for sender, good in (user.address, True), ("user2@example.com", False):
            path = self.where.write("mail", b"From: <%s>\r\n%s" % (
                sender.encode(), signed))
            result = place.run([tool("cmscheck"), "-C", self.anchor, path],
                               env=UNWATCHED)
            if (result.returncode == 0) != good:
                return result.stdout.decode()
        return None

    def run(self, *options):
        """What is wrong, or nothing."""
        judge = "%s -q -C %s -" % (tool("cmscheck"), self.anchor)
        result = place.run(
            [tool("milterload"), "-s", self.milter.mta_address,
             "-c", str(CONNECTIONS), "-n", str(self.count),
             "-S", str(SENDERS), "-l", "=", "-b", "replaced", "-z", "3000",
             "-p", judge, *options], timeout=PATIENCE, env=UNWATCHED)
        told = (result.stdout + result.stderr).decode(errors="replace")
        every = "checked=%d ok=%d bad=0" % (self.count, self.count)
        if result.returncode != 0 or every not in told:
            return "exit %d: %s" % (result.returncode, told[-2000:])
        return self.findings()

    def run_with_reloads(self, *options):
        over = threading.Event()

        def reload():
            while not over.wait(0.2):
                self.milter.reload()

        thread = threading.Thread(target=reload)
        thread.start()
        try:
            return self.run(*options)
        finally:
            over.set()
            thread.join()

    def findings(self):
        found = re.search(r"(?s)WARNING: ThreadSanitizer.*", self.milter.log())
        return found and found.group(0)[:4000]

    def stop(self):
        code = self.milter.stop()
        if code != 0:
            return "exit %s: %s" % (code, self.milter.log()[-4000:])
        return self.findings()


def test(results, count):
    if os.geteuid() != 0:
        results.skip("race", "the daemon wants to be started by root")
        return
    race = Race(count)
    results.case("the judge knows a wrong signer", race.judge_of_judges)
    results.case("long connections with changing senders", race.run)
    results.case("a new connection after three mails",
                 lambda: race.run("-r", "3"))
    results.case("settings are reloaded meanwhile",
                 lambda: race.run_with_reloads("-r", "50"))
    results.case("it ends well", race.stop)


def main():
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--count", type=int, default=5000)
    options, sys.argv[1:] = parser.parse_known_args()
    tap.main(lambda results: test(results, options.count),
             __doc__ + " --count N: mails in each case (5000).")


if __name__ == "__main__":
    main()
