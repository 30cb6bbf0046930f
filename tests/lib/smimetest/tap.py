# SPDX-License-Identifier: Apache-2.0
"""Results in the Test Anything Protocol, and the options all tests share."""

import argparse
import fnmatch
import sys
import time
import traceback

from smimetest import place


class Skip(Exception):
    """Raised by a case that cannot be tried here."""


class Tap:
    def __init__(self, options):
        self.options = options
        self.passed = self.failed = self.skipped = 0

    def wanted(self, name):
        only = self.options.only
        return not only or any(fnmatch.fnmatch(name, one) for one in only)

    def ok(self, good, name, why=""):
        """One result; why is told when it is not good."""
        self.passed += bool(good)
        self.failed += not good
        self._line("ok" if good else "not ok", name)
        if not good:
            self.note(why)
        return bool(good)

    def skip(self, name, why):
        self.skipped += 1
        self._line("ok", "%s # SKIP %s" % (name, why))

    def equal(self, got, want, name):
        return self.ok(got == want, name, "got  %r\nwant %r" % (got, want))

    def case(self, name, function, *arguments):
        """Calls function, which returns nothing or a text that says what is
        wrong; an exception is a failure too."""
        if not self.wanted(name):
            return
        began = time.monotonic()
        try:
            why = function(*arguments)
        except Skip as reason:
            self.skip(name, str(reason))
            return
        except place.Failure as failure:
            why = str(failure)
        except Exception:
            why = traceback.format_exc()
        self.ok(not why, name, why)
        if self.options.times:
            self.note("%.2f s" % (time.monotonic() - began))

    def note(self, text):
        for line in str(text).rstrip("\n").split("\n"):
            print("# %s" % line[:1000])
        sys.stdout.flush()

    def done(self):
        print("1..%d" % (self.passed + self.failed + self.skipped))
        print("# %d passed, %d failed, %d skipped" % (
            self.passed, self.failed, self.skipped))
        sys.stdout.flush()
        return 1 if self.failed else 0

    def _line(self, verdict, name):
        number = self.passed + self.failed + self.skipped
        print("%s %d - %s" % (verdict, number, name))
        sys.stdout.flush()


def main(test, description):
    """Runs test(tap) as a program; everything is cleaned up behind it."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--full", action="store_true",
                        help="the large numbers instead of the quick ones")
    parser.add_argument("--only", action="append", metavar="PATTERN",
                        help="only cases whose name matches")
    parser.add_argument("--times", action="store_true",
                        help="say how long each case took")
    place.exit_on_signals()
    tap = Tap(parser.parse_args())
    try:
        test(tap)
    except Exception:
        tap.ok(False, "the test ran to its end", traceback.format_exc())
    sys.exit(tap.done())
