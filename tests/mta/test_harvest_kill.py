#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""kill -9 at random instants while certificates are harvested: afterwards
every file of the directory parses, and every certificate that the log had
reported stored is there."""

import os
import random
import re
import sys
import threading
import time

TESTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
sys.path.insert(0, os.path.join(TESTS, "lib"))

from smimetest import inbox, partner, place, tap         # noqa: E402
from smimetest.authority import Authority                # noqa: E402
from smimetest.crowd import Crowd                        # noqa: E402
from smimetest.milter import Milter                      # noqa: E402
from smimetest.milterclient import MilterClient          # noqa: E402

CLIENTS = 4
STORED = re.compile(r"certificate ([0-9a-f]{8,64}) of (\S+) was harvested")


class Load:
    """Clients that send the crowd's mails in turn, as often as it takes."""

    def __init__(self, milter, mails):
        self.milter, self.mails = milter, mails
        self.lock = threading.Lock()
        self.number = self.taken = 0
        self.going, self.trouble = True, []
        self.threads = [threading.Thread(target=self._client)
                        for _ in range(CLIENTS)]
        for thread in self.threads:
            thread.start()

    def stop(self):
        self.going = False
        for thread in self.threads:
            thread.join()

    def _client(self):
        while self.going:
            try:
                with MilterClient(self.milter.socket_path, 30) as client:
                    client.connect(partner.OUTSIDE, "client.test")
                    while self.going:
                        self._send(client)
            except OSError:
                time.sleep(0.02)  # it is down
            except Exception as error:
                self.trouble.append(repr(error))
                return

    def _send(self, client):
        with self.lock:
            sender, mail = self.mails[self.number % len(self.mails)]
            self.number += 1
        got = client.message(mail, sender, [partner.ALICE])
        words = [one for one, _ in inbox.smime_results(got.mail())]
        if words != ["pass"]:
            raise AssertionError("%s: %r" % (sender, words))
        with self.lock:
            self.taken += 1


def kill_often(milter, load, times, dice):
    for _ in range(times):
        before = load.taken
        place.wait_until(lambda: load.taken > before or load.trouble, 60,
                         "mail to flow again: " + milter.log()[-1000:])
        time.sleep(dice.uniform(0, 0.25))
        milter.kill()
        milter.start()


def files_of(state):
    """Of certs, pending and intermediates."""
    for top in ("certs", "pending", "intermediates"):
        for directory, _, names in os.walk(os.path.join(state, top)):
            for name in names:
                yield os.path.join(directory, name)


def broken(state):
    """Files that do not parse, as text. A temporary one is nobody's."""
    why = []
    for path in files_of(state):
        if not path.endswith(".pem"):
            continue
        result = place.run(["openssl", "storeutl", "-certs", "-noout", path])
        if result.returncode != 0 or b"Total found: 0" in result.stdout:
            why.append("%s: %s" % (path, result.stderr.decode()))
        elif "/certs/" in path and inbox.parses(path):
            why.append(inbox.parses(path))
    return "\n".join(why)


def lost(state, log):
    """Certificates that were reported and are not there, as text."""
    why, reported = [], set(STORED.findall(log))
    for prefix, address in reported:
        local, _, domain = address.strip('"<>').partition("@")
        found = inbox.entries_of(os.path.join(state, "certs", domain,
                                              local + ".pem"))
        if not any(one["fingerprint"].startswith(prefix) for one in found):
            why.append("%s of %s" % (prefix, address))
    return len(reported), "\n".join(why)


def test(t):
    kills = 200 if t.options.full else 10
    seed = int(os.environ.get("SMIMETEST_SEED") or time.time_ns())
    t.note("SMIMETEST_SEED=%d" % seed)
    where = place.Place("harvest-kill")
    pki = Authority(where.dir("pki"))
    crowd = Crowd(where, pki, 3000 if t.options.full else 400)
    milter = Milter(where, {"authserv_id": inbox.AUTHSERV_ID, "revocation": {
        "mode": "off"}, "harvest": {"max_per_address": 2}})
    milter.trust(pki)
    milter.start()
    load = Load(milter, crowd.mails())
    try:
        t.case("harvest-kill/down-and-up-again", kill_often, milter, load,
               kills, random.Random(seed))
    finally:
        load.stop()
    milter.stop()
    t.ok(not load.trouble, "harvest-kill/every-mail-passes",
         "\n".join(load.trouble))
    why = broken(milter.state)
    t.ok(not why, "harvest-kill/every-file-parses", why)
    count, why = lost(milter.state, milter.log())
    t.ok(count >= kills, "harvest-kill/certificates-were-reported", count)
    t.ok(not why, "harvest-kill/none-is-lost", why)
    left = [path for path in files_of(milter.state)
            if not path.endswith(".pem")]
    t.note("%d times killed, %d mails, %d certificates reported stored, %d "
           "temporary files left" % (kills, load.taken, count, len(left)))
    t.ok(len(left) <= kills * CLIENTS,
         "harvest-kill/few-temporary-files", left)
    where.close()


if __name__ == "__main__":
    tap.main(test, __doc__)
