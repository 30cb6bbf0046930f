#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""kill -9 or SIGTERM at random instants while mail flows: the MTA defers,
clients try again, and in the end every mail has arrived, none unsigned that
should be signed, none with half of its edits."""

import os
import random
import sys
import threading
import time

TESTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
sys.path[:0] = [os.path.join(TESTS, "lib"), os.path.join(TESTS, "interop")]

from smimetest import corpus, place, rawmail, tap        # noqa: E402
from smimetest.submit import Refused                     # noqa: E402
from smimetest.world import World                        # noqa: E402
from judges import BouncyCastle, Court                   # noqa: E402

ALICE, BOB, PHONE = ("alice@example.com", "bob@partner.test",
                     "dave@phone.test")
RULES = [{"name": "phones", "recipient": "@phone.test",
          "sign": {"mode": "never"}}]
CLIENTS = 4
SIZES = (100, 3000, 60000, 600000)


def make_mail(number):
    """Half of them text that has to be encoded, so that there is work."""
    size = SIZES[number % len(SIZES)]
    body = corpus.base64_lines(corpus.noise(size, str(number)))
    if number % 2:
        body = body.replace(b"/", "ü".encode())
    return corpus.header("kill-%d" % number, to="%s>, <%s" % (BOB, PHONE)) + (
        b"Content-Type: text/plain; charset=utf-8\r\n"
        b"Content-Transfer-Encoding: 8bit\r\n\r\n" + body)


class Load:
    """Clients that send until they are told to stop. Every one of their
    mails is tried again until it is taken."""

    def __init__(self, world, recipients):
        self.world, self.recipients = world, recipients
        self.lock = threading.Lock()
        self.accepted, self.deferred, self.trouble = {}, 0, []
        self.number = 0
        self.going = True
        self.threads = [threading.Thread(target=self._client)
                        for _ in range(CLIENTS)]

    def start(self):
        for thread in self.threads:
            thread.start()

    def stop(self):
        self.going = False
        for thread in self.threads:
            thread.join()

    def _client(self):
        while self.going:
            with self.lock:
                number, self.number = self.number, self.number + 1
            mail = make_mail(number)
            try:
                self._until_taken(mail)
            except Exception as error:
                self.trouble.append("mail %d: %r" % (number, error))
                return
            with self.lock:
                self.accepted[rawmail.field(mail, "Message-ID")] = mail

    def _until_taken(self, mail):
        end = time.monotonic() + 60
        while True:
            try:
                self.world.send(mail, ALICE, self.recipients)
                return
            except (Refused, OSError) as error:
                if getattr(error, "code", 400) // 100 != 4:
                    raise
                if time.monotonic() > end:
                    raise
                with self.lock:
                    self.deferred += 1
                time.sleep(0.05)


def end_often(world, load, times, dice, end):
    """end(milter) and a new start, at random instants."""
    for _ in range(times):
        before = len(load.accepted)
        place.wait_until(lambda: len(load.accepted) > before or load.trouble,
                         60, "mail to flow again")
        time.sleep(dice.uniform(0, 0.3))
        end(world.milter)
        time.sleep(dice.uniform(0, 0.1))
        world.milter.start()


def kill(milter):
    milter.kill()


def stop(milter):
    """SIGTERM: it finishes what it has begun, and ends well."""
    code = milter.stop()
    if code != 0:
        raise place.Failure("on SIGTERM it ended with %d:\n%s" % (
            code, milter.log()[-2000:]))


def judge(load, court, alice, delivered):
    """What is wrong with what arrived, as text."""
    copies = {}
    for one in delivered:
        key = rawmail.field(one.mail, "Message-ID")
        for recipient in one.recipients:
            copies.setdefault((key, recipient), []).append(one.mail)
    for key, mail in load.accepted.items():
        for recipient in load.recipients:
            got = copies.get((key, recipient))
            if not got:
                return "%s was accepted and lost for %s" % (key, recipient)
            why = (wrong_plain(mail, got) if recipient == PHONE
                   else wrong_signed(mail, got, court, alice))
            if why:
                return "%s: %s" % (key, why)
    return ""


def wrong_plain(mail, got):
    for one in got:
        if rawmail.is_signed(one):
            return "signed for a recipient who wants no signature"
        if rawmail.cut(one)[1] != rawmail.cut(mail)[1]:
            return "the unsigned copy was changed"
    return ""


def wrong_signed(mail, got, court, alice):
    for one in got:
        if not rawmail.is_signed(one):
            return "delivered unsigned"
        why = court.objections(one, alice) or rawmail.leaf_changes(
            rawmail.entity_of(mail), court.content(one))
        if why:
            return why
    return ""


def settled(world):
    """The queue is empty and nothing more arrives."""
    place.wait_until(lambda: world.mta.queued() == 0, 120, "an empty queue")
    time.sleep(0.5)


def one_run(tap_, mta, label, recipients, kills, end=kill):
    seed = int(os.environ.get("SMIMETEST_SEED") or time.time_ns())
    tap_.note("SMIMETEST_SEED=%d" % seed)
    world = World("kill-" + label, mta, {"rules": RULES})
    court = Court(world.where, world.pki.anchor, (BouncyCastle,))
    alice = world.user(ALICE, "rsa")
    world.start()
    load = Load(world, recipients)
    load.start()
    name = "%s/%s/" % (mta, label)
    try:
        tap_.case(name + "down-and-up-again", end_often, world, load, kills,
                  random.Random(seed), end)
    finally:
        load.stop()
    settled(world)
    tap_.ok(not load.trouble, name + "every-mail-is-taken-in-the-end",
            "\n".join(load.trouble))
    tap_.ok(len(load.accepted) >= kills, name + "mail-flowed",
            "%d mails" % len(load.accepted))
    delivered = world.sink.take()
    why = judge(load, court, alice, delivered)
    tap_.ok(not why, name + "nothing-lost-nothing-unsigned", why)
    tap_.note("%d times down, %d mails accepted, %d attempts deferred, %d arrived"
              % (kills, len(load.accepted), load.deferred, len(delivered)))
    leftovers(tap_, world, name)
    world.close()


def leftovers(tap_, world, name):
    """Nothing in the spool: its files have no names."""
    spool = os.path.join(world.milter.state, "tmp")
    left = os.listdir(spool) if os.path.isdir(spool) else []
    tap_.equal(left, [], name + "spool-is-empty")


def test(tap_):
    kills = 100 if tap_.options.full else 10
    one_run(tap_, "postfix", "signed", [BOB], kills)
    one_run(tap_, "postfix", "split", [BOB, PHONE], kills)
    one_run(tap_, "postfix", "stopped", [BOB, PHONE], kills, stop)
    one_run(tap_, "sendmail", "signed", [BOB], max(kills // 5, 3))


if __name__ == "__main__":
    tap.main(test, __doc__)
