#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What nobody should send or set up, and somebody does: each has a defined
result, a line in the log, and the next mail is signed as ever. Over the
milter protocol itself, since most of it would not get through an MTA, and
what does get through also through Postfix and Sendmail."""

import os
import shutil
import sys

TESTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
sys.path[:0] = [os.path.join(TESTS, "lib"), os.path.join(TESTS, "interop")]

from smimetest import corpus, place, rawmail, tap        # noqa: E402
from smimetest.milter import Milter                      # noqa: E402
from smimetest.milterclient import MilterClient          # noqa: E402
from smimetest.pki import Pki                            # noqa: E402
from smimetest.submit import Refused                     # noqa: E402
from smimetest.tap import Skip                           # noqa: E402
from smimetest.world import World                        # noqa: E402
from judges import BouncyCastle, Court, OpenSSLRaw       # noqa: E402

ALICE, BOB = corpus.SENDER, corpus.RECIPIENT
BIG = 3 << 20  # more than the daemon keeps in memory


def mail_of(name, content, mime=True):
    return corpus.header(name, mime=mime) + rawmail.crlf(content)


def multipart(boundary, parts, closed=True, quoted=True):
    text = 'Content-Type: multipart/mixed; boundary=%s\n\n' % (
        '"%s"' % boundary if quoted else boundary)
    for part in parts:
        text += "--%s\n%s\n" % (boundary, part)
    return text + ("--%s--\n" % boundary if closed else "")


def nested(depth):
    """multipart in multipart, as deep as asked for."""
    opening = "".join('Content-Type: multipart/mixed; boundary="b%d"\n\n'
                      "--b%d\n" % (level, level) for level in range(depth))
    closing = "".join("\n--b%d--\n" % level
                      for level in reversed(range(depth)))
    return opening + "Content-Type: text/plain\n\ntext" + closing


TEXT = "Content-Type: text/plain\n\ntext"

# (name, mail, what must come out). "signed": accepted, and the signature is
# good and nothing is lost; "any": accepted, signed or not; a reply: that one.
MESSAGES = (
    ("empty-message", b"", "unsigned"),
    ("empty-line-only", b"\r\n", "unsigned"),
    ("header-only", corpus.header("header-only"), "signed"),
    ("body-only", b"\r\ntext\r\n", "unsigned"),
    ("nul-bytes-text", mail_of("nul", TEXT + "\0 and \0\n"), "signed"),
    ("nul-bytes-binary", mail_of("nul", multipart("b", [
        "Content-Type: application/octet-stream\n\n\0\1\2\0"])), "signed"),
    ("no-final-line-end", mail_of("end", TEXT), "signed"),
    ("bare-lf", corpus.header("lf") + b"\r\none\ntwo\r\n", "signed"),
    ("bare-cr", corpus.header("cr") + b"\r\none\rtwo\r\n", "signed"),
    ("cr-at-end", corpus.header("cr") + b"\r\none\r", "signed"),
    ("all-bytes", corpus.header("all") + b"\r\n" + bytes(range(256)) * 50,
     "signed"),
    ("one-line-of-1-MB", corpus.header("line") + b"\r\n" + b"x" * 1000000,
     "signed"),
    ("nested-40", mail_of("nested", nested(40)), "signed"),
    ("nested-1000", mail_of("nested", nested(1000)), "554 5.6.0"),
    ("nested-20000", mail_of("nested", nested(20000)), "554 5.6.0"),
    ("parts-900", mail_of("parts", multipart("b", [TEXT] * 900)), "signed"),
    ("parts-100000", mail_of("parts", multipart("b", [TEXT] * 100000)),
     "554 5.6.0"),
    ("no-delimiter", mail_of("none", 'Content-Type: multipart/mixed; '
                             'boundary="b"\n\njust text\n'), "any"),
    ("no-boundary-parameter", mail_of(
        "none", "Content-Type: multipart/mixed\n\n--b\n\nx\n--b--\n"), "any"),
    ("empty-boundary", mail_of("none", multipart("", [TEXT])), "any"),
    ("boundary-1", mail_of("short", multipart("x", [TEXT, TEXT])), "signed"),
    ("boundary-70", mail_of("long", multipart("x" * 70, [TEXT, TEXT])),
     "signed"),
    ("boundary-1000", mail_of("long", multipart("x" * 1000, [TEXT])), "any"),
    ("boundary-prefix", mail_of("prefix", multipart("ab", [
        multipart("abc", [TEXT, TEXT]), TEXT])), "signed"),
    ("boundary-prefix-unclosed", mail_of("prefix", multipart("ab", [
        multipart("abc", [TEXT, TEXT], closed=False), TEXT])), "signed"),
    ("boundary-same-twice", mail_of("same", multipart("ab", [
        multipart("ab", [TEXT, TEXT]), TEXT])), "any"),
    ("no-final-boundary", mail_of("final", multipart("b", [TEXT, TEXT],
                                                     closed=False)), "signed"),
    ("delimiter-at-end", mail_of("final", multipart("b", [TEXT]))[:-4],
     "any"),
    ("content-type-twice", mail_of(
        "twice", "Content-Type: text/plain\nContent-Type: text/html\n\nx\n"),
     "any"),
    ("encoding-twice", mail_of(
        "twice", "Content-Type: text/plain\n"
        "Content-Transfer-Encoding: 7bit\n"
        "Content-Transfer-Encoding: base64\n\nx\n"), "any"),
    ("mime-version-twice", mail_of("twice", "MIME-Version: 1.0\n" + TEXT
                                   + "\n"), "signed"),
    ("unknown-encoding", mail_of(
        "unknown", "Content-Type: text/plain\n"
        "Content-Transfer-Encoding: x-rot13\n\nGrüße\n"), "signed"),
    ("base64-multipart", mail_of(
        "b64", 'Content-Type: multipart/mixed; boundary="b"\n'
        "Content-Transfer-Encoding: base64\n\n--b\n\nGrüße\n--b--\n"), "any"),
    ("broken-content-type", mail_of(
        "broken", "Content-Type: ;;=\"\\\n\nx\n"), "any"),
    ("8bit-in-part-header", mail_of("part", multipart("b", [
        "Content-Type: text/plain; name=\"ü\"\n\nx"])), "signed"),
    ("header-field-of-1-MB", corpus.header("mb") + b"X-Long:" + b" y" * 525000
     + b"\r\n\r\nx\r\n", "552 5.3.4"),
    ("header-900-kB", corpus.header("mb") + b"X-Long:" + b" yyyyyyy\r\n" * 90000
     + b"\r\nx\r\n", "signed"),
    ("header-fields-100000", corpus.header("many") + b"X: y\r\n" * 100000
     + b"\r\nx\r\n", "signed"),
    ("header-fields-200000", corpus.header("many") + b"X: y\r\n" * 200000
     + b"\r\nx\r\n", "552 5.3.4"),
    ("content-fields-10000", corpus.header("many") + b"Content-X: y\r\n" * 10000
     + b"\r\nx\r\n", "signed"),
    ("from-of-100-kB", b"From: " + b"a@b.c,\r\n " * 10000 + b"alice@example.com"
     b"\r\n\r\nx\r\n", "unsigned"),
    ("from-fields-10000", b"From: alice@example.com\r\n" * 10000
     + b"\r\nx\r\n", "unsigned"),
    ("comment-bomb", b"From: " + b"(" * 50000 + b" alice@example.com\r\n\r\nx",
     "unsigned"),
    ("quote-bomb", b"From: \"" + b"\\\"" * 50000
     + b"\" <alice@example.com>\r\n\r\nx\r\n", "any"),
)


class Bench:
    """One daemon and a client of the protocol."""

    def __init__(self, settings=None, label="bad"):
        self.where = place.Place(label)
        self.pki = Pki(self.where.dir("pki"))
        self.milter = Milter(self.where, settings)
        self.alice = self.pki.user(ALICE, "p256")
        self.milter.import_identity(self.alice)
        self.court = Court(self.where, self.pki.anchor,
                           (OpenSSLRaw, BouncyCastle))

    def message(self, mail, sender=ALICE, recipients=(BOB,), **options):
        with MilterClient(self.milter.socket_path) as client:
            client.connect()
            return client.message(mail, sender, recipients, **options)

    def works(self):
        """The next mail is signed, and its signature is good."""
        result = self.message(corpus.text_7bit().data)
        if result.verdict.kind not in ("accept", "continue"):
            return "the next mail: %s\n%s" % (result.verdict,
                                              self.milter.log()[-3000:])
        why = self.court.objections(result.mail(), self.alice)
        return why and "the next mail: " + why


def is_accepted(verdict):
    return verdict.kind in ("accept", "continue")


def check(bench, result, mail, want):
    """What is wrong with a result, as text."""
    if want[0].isdigit():
        if not (result.verdict.reply or "").startswith(want):
            return "want %s, got %s" % (want, result.verdict)
        return "edits with a refusal" if result.edits else ""
    if not is_accepted(result.verdict):
        return "want acceptance, got %s" % result.verdict
    signed = rawmail.is_signed(result.mail())
    if want == "unsigned" or (want == "any" and not signed):
        return "signed" if signed else ""
    if not signed:
        return "not signed"
    why = bench.court.objections(result.mail(), bench.alice)
    if why:
        return why
    if want == "any":
        return ""
    return rawmail.leaf_changes(rawmail.entity_of(mail),
                                bench.court.content(result.mail()))


def try_message(bench, name, mail, want):
    mark = bench.milter.log_mark()
    qid = "Q" + name.replace("-", "").upper()
    result = bench.message(mail, qid=qid)
    why = check(bench, result, mail, want)
    if not why:
        bench.milter.log_since(mark, "qid=%s" % qid, 5)
    return why or bench.works()


def long_sender(bench):
    """2,000 characters: no address of ours."""
    sender = "a" * 1988 + "@example.com"
    result = bench.message(corpus.text_7bit().data, sender)
    why = check(bench, result, b"", "unsigned")
    return why or bench.works()


def odd_senders(bench):
    for sender in ("@", "@@", "a@", "@example.com", "a@b@c", " ", "\"", "<>",
                   "alice@example.com\x01", "ü@example.com", "\"a b\"@x.test",
                   "@a,@b:c@d", "a" * 300 + "@" + "b" * 300):
        result = bench.message(corpus.text_7bit().data, sender,
                               [sender, "bob@partner.test"])
        if result.verdict.kind == "reject" and not result.verdict.reply:
            return "%r: %s" % (sender, result.verdict)
        if is_accepted(result.verdict) and rawmail.is_signed(result.mail()):
            return "%r: signed" % sender
    return bench.works()


def too_many_recipients(bench):
    """The 1,001st is told to come later; the mail goes to the others."""
    everyone = ["r%d@partner.test" % number for number in range(1001)]
    with MilterClient(bench.milter.socket_path) as client:
        client.connect()
        result = client.message(corpus.text_7bit().data, ALICE, everyone)
        refused = client.refused_recipient
    if not refused or not (refused.reply or "").startswith("452 4.5.3"):
        return "the last recipient got %s" % refused
    return check(bench, result, b"", "any") or bench.works()


def one_byte_chunks(bench):
    """libmilter may cut the body anywhere."""
    mail = corpus.alternative_related().data[:3000]
    result = bench.message(mail, chunk=1)
    return check(bench, result, mail, "signed") or bench.works()


def aborted(bench):
    """A mail that ends in the middle leaves nothing for the next one on the
    same connection."""
    with MilterClient(bench.milter.socket_path) as client:
        client.connect()
        client.command("M", b"<mallory@example.com>\0")
        client.command("R", b"<bob@partner.test>\0")
        client.command("L", b"From\0 mallory@example.com\0")
        client.abort()
        result = client.message(corpus.text_7bit().data, ALICE, [BOB])
        why = check(bench, result, corpus.text_7bit().data, "any")
        return why or ("" if rawmail.is_signed(result.mail())
                       else "not signed")


def hung_up(bench):
    """The MTA dies in the middle of a message."""
    data = {"M": b"<%s>\0" % ALICE.encode(), "R": b"<b@x.test>\0",
            "L": b"From\0 %s\0" % ALICE.encode(), "B": b"x" * 60000}
    for letters in ("", "M", "MR", "MRT", "MRTL", "MRTLN", "MRTLNB",
                    "MRTLNBBBBBBBB"):
        client = MilterClient(bench.milter.socket_path)
        client.connect()
        for letter in letters:
            client.command(letter, data.get(letter, b""))
        client.socket.close()
    return bench.works()


def oversize_packet(bench):
    """A field longer than libmilter takes: it hangs up, which an MTA takes
    for a temporary failure."""
    mail = corpus.header("mb") + b"X-Long:" + b" y" * 2000000 + b"\r\n\r\nx"
    try:
        result = bench.message(mail)
    except OSError:
        return bench.works()
    return str(result.verdict)


def garbage(bench):
    """Not the milter protocol at all."""
    import socket
    for data in (b"GET / HTTP/1.0\r\n\r\n", b"\0\0\0\0", b"\xff" * 100,
                 b"\0\0\0\1O", b"\0\0\0\1E", b"\0\0\0\5Mabc"):
        with socket.socket(socket.AF_UNIX) as raw:
            raw.connect(bench.milter.socket_path)
            raw.sendall(data)
            raw.shutdown(socket.SHUT_WR)
            raw.settimeout(10)
            try:
                while raw.recv(1000):
                    pass
            except OSError:
                pass
    return bench.works()


# Identity files.

def identity_file(bench):
    return os.path.join(bench.milter.state, "keys", "example.com",
                        "alice.pem")


def broken_identity(bench, spoil):
    """While the file is spoilt, the mail is a temporary failure or leaves
    unsigned, and the log names the file; then all is well without a
    restart."""
    path = identity_file(bench)
    with open(path, "rb") as file:
        good = file.read()
    facts = os.stat(path)
    mark = bench.milter.log_mark()
    try:
        spoil(bench, path, good)
        result = bench.message(corpus.text_7bit().data)
        if is_accepted(result.verdict):
            why = "accepted, %ssigned" % (
                "" if rawmail.is_signed(result.mail()) else "un")
        elif not (result.verdict.reply or "").startswith("451 4.7."):
            why = str(result.verdict)
        else:
            why = ""
            bench.milter.log_since(mark, "alice.pem|keys/example.com", 5)
    finally:
        if os.path.isdir(path) and not os.path.islink(path):
            os.rmdir(path)
        new = path + ".new"
        with open(new, "wb") as file:
            file.write(good)
        os.chown(new, facts.st_uid, facts.st_gid)
        os.chmod(new, 0o600)
        os.rename(new, path)
    return why or bench.works()


def rewrite(path, data):
    with open(path, "wb") as file:
        file.write(data)


def unreadable(bench, path, good):
    os.chown(path, 0, 0)


def world_readable(bench, path, good):
    os.chmod(path, 0o644)


def group_readable(bench, path, good):
    os.chmod(path, 0o640)


def truncated(bench, path, good):
    rewrite(path, good[:len(good) // 2])


def empty(bench, path, good):
    rewrite(path, b"")


def not_pem(bench, path, good):
    rewrite(path, b"this is no PEM\n" * 100)


def key_of_another(bench, path, good):
    """Another key behind the same certificate."""
    other = bench.pki.user("mallory@example.com", "p256")
    begin = good.index(b"-----BEGIN PRIVATE KEY-----")
    end = good.index(b"-----END PRIVATE KEY-----") + len(
        b"-----END PRIVATE KEY-----\n")
    with open(other.key, "rb") as file:
        rewrite(path, good[:begin] + file.read() + good[end:])


def directory_instead(bench, path, good):
    os.unlink(path)
    os.mkdir(path)


def huge(bench, path, good):
    rewrite(path, good + b"# filler\n" * 1000000)


IDENTITY_FILES = (unreadable, world_readable, group_readable, truncated,
                  empty, not_pem, key_of_another, directory_instead, huge)


def identity_gone(bench):
    """Removed: no identity any more, which is no error."""
    path = identity_file(bench)
    shutil.move(path, path + ".away")
    try:
        result = bench.message(corpus.text_7bit().data)
        why = check(bench, result, b"", "unsigned")
    finally:
        shutil.move(path + ".away", path)
    return why or bench.works()


# Disks.

def mount_tmpfs(bench, size):
    path = bench.where.dir("spool")
    if place.run(["mount", "-t", "tmpfs", "-o", "size=%d,mode=0777" % size,
                  "none", path]).returncode != 0:
        raise Skip("no right to mount a tmpfs here")
    bench.where.on_close(lambda: place.run(["umount", path]))
    return path


def big_mail(size=BIG):
    return corpus.header("big") + b"\r\n" + corpus.base64_lines(
        corpus.noise(size))


def spool_trouble(bench, mail, pattern):
    """A mail that does not fit into memory: try again later."""
    mark = bench.milter.log_mark()
    result = bench.message(mail)
    if not (result.verdict.reply or "").startswith("451 4."):
        return "want 451, got %s" % result.verdict
    bench.milter.log_since(mark, pattern, 5)
    return bench.works()


def disks(tap_):
    bench = Bench(label="disk")
    names = ("spool-full", "spool-has-room-again", "spool-read-only",
             "spool-gone")
    try:
        spool = mount_tmpfs(bench, 2 * BIG)
    except Skip as reason:
        for name in names:
            tap_.skip(name, str(reason))
        bench.where.close()
        return
    bench.milter.write_settings(spool_dir=spool)
    bench.milter.start()
    tap_.case("spool-full", spool_trouble, bench, big_mail(3 * BIG),
              "(error|warning): .*space")
    mail = big_mail()
    tap_.case("spool-has-room-again", lambda: check(
        bench, bench.message(mail), mail, "signed"))
    place.must_run(["mount", "-o", "remount,ro", spool])
    tap_.case("spool-read-only", spool_trouble, bench, mail,
              "(error|warning): .*[Rr]ead-only")
    place.must_run(["umount", spool])
    os.rmdir(spool)
    tap_.case("spool-gone", spool_trouble, bench, mail,
              "(error|warning): .*No such file")
    bench.where.close()


# Starting.

def start_fails(bench, pattern, codes=(78, 74, 77)):
    """Ends at once with a text that says what is wrong."""
    import re
    code, said = bench.milter.run_to_end()
    if code not in codes:
        return "exit %d: %s" % (code, said)
    return "" if re.search(pattern, said) else "said only: " + said


def state_missing(bench):
    bench.milter.write_settings(state_dir=bench.where.path("not", "there"))
    why = start_fails(bench, "not/there", (78, 74, 77, 70))
    bench.milter.write_settings(state_dir=bench.milter.state)
    return why


def state_vanishes(bench):
    """Removed under a running daemon: a defined result, and it recovers when
    the directory is back."""
    away = bench.milter.state + ".away"
    os.rename(bench.milter.state, away)
    mark = bench.milter.log_mark()
    try:
        result = bench.message(corpus.text_7bit().data)
        signed = rawmail.is_signed(result.mail())
        large = bench.message(big_mail())
    finally:
        os.rename(away, bench.milter.state)
    if large.verdict.kind == "accept" and not signed and (
            "(error|warning)" not in bench.milter.log()[mark:]):
        return "accepted unsigned without a word: %s" % (
            bench.milter.log()[mark:])
    return bench.works()


def two_daemons(bench):
    """The second says so and ends; the first goes on."""
    code, said = bench.milter.run_to_end()
    if code == 0 or bench.milter.socket_path not in said:
        return "exit %d: %s" % (code, said)
    return bench.works()


def stale_socket(bench):
    """What a killed daemon leaves behind is no obstacle."""
    bench.milter.kill()
    if not os.path.exists(bench.milter.socket_path):
        return "no socket was left: nothing is shown"
    bench.milter.start()
    return bench.works()


def no_socket(bench):
    """A file that is no socket is nobody's to delete."""
    path = bench.where.write("precious", "data")
    bench.milter.write_settings(listen="unix:" + path)
    code, said = bench.milter.run_to_end()
    bench.milter.write_settings(listen="unix:" + bench.milter.socket_path)
    with open(path) as file:
        kept = file.read() == "data"
    if code == 0 or not kept or path not in said:
        return "exit %d, file %s: %s" % (code, "kept" if kept else "gone",
                                         said)
    return ""


def bad_reload(bench):
    """A bad new file is logged, the old settings stay."""
    mark = bench.milter.log_mark()
    good = bench.milter.settings
    with open(bench.milter.config, "a") as file:
        file.write("no_such_key = 1;\n")
    bench.milter.reload()
    bench.milter.log_since(mark, "no_such_key", 10)
    bench.milter.settings = good
    bench.milter.write_settings()
    return bench.works()


def starting(tap_):
    bench = Bench(label="start")
    tap_.case("state-missing", state_missing, bench)
    bench.milter.start()
    tap_.case("two-daemons", two_daemons, bench)
    tap_.case("stale-socket", stale_socket, bench)
    tap_.case("state-vanishes", state_vanishes, bench)
    tap_.case("bad-reload", bad_reload, bench)
    tap_.case("not-a-socket", no_socket, bench)
    bench.where.close()


# Through MTAs.

# What each MTA refuses, or makes something else of, before we see it.
NOT_THROUGH = {
    "postfix": ("cr-at-end", "header-field-of-1-MB"),
    "sendmail": ("nul-bytes-text", "nul-bytes-binary", "bare-lf", "bare-cr",
                 "cr-at-end", "all-bytes"),
}

# Postfix adds the From field that a client of ours left out.
FROM_ADDED = ("empty-message", "empty-line-only", "body-only")


def through(world, court, name, mail, want):
    """Taken or refused as it should be, and what comes out signed verifies."""
    world.sink.take()
    mark = world.milter.log_mark()
    try:
        world.send(mail, ALICE, [BOB])
    except Refused as refusal:
        why = refused_rightly(world, mark, refusal, want)
    else:
        arrived = world.sink.wait(1)[0].mail
        why = arrived_rightly(world, court, name, arrived, want)
        if not why:
            world.milter.log_since(mark, "qid=", 5)
    return why or next_works(world, court)


def refused_rightly(world, mark, refusal, want):
    if "eaders too large" in str(refusal):  # Sendmail's own limit
        return ""
    if want[0].isdigit() and str(refusal.code) == want[:3]:
        world.milter.log_since(mark, "qid=", 5)
        return ""
    return "want %s, got %s" % (want, refusal)


def arrived_rightly(world, court, name, arrived, want):
    if world.mta.name == "postfix" and name in FROM_ADDED:
        want = "any"
    if want[0].isdigit():
        return "want %s, it was delivered" % want
    if not rawmail.is_signed(arrived):
        return "not signed" if want == "signed" else ""
    return "signed" if want == "unsigned" else court.objections(arrived)


def next_works(world, court):
    world.sink.take()
    world.send(corpus.text_7bit().data, ALICE, [BOB])
    why = court.objections(world.sink.wait(1)[0].mail)
    return why and "the next mail: " + why


def through_long_sender(world, court):
    world.sink.take()
    try:
        world.send(corpus.text_7bit().data, "a" * 1988 + "@example.com", [BOB])
    except Refused:
        return next_works(world, court)
    if rawmail.is_signed(world.sink.wait(1)[0].mail):
        return "signed"
    return next_works(world, court)


def with_mta(tap_, mta):
    world = World("bad", mta)
    court = Court(world.where, world.pki.anchor, (OpenSSLRaw, BouncyCastle))
    world.user(ALICE, "p256")
    world.start()
    for name, mail, want in MESSAGES:
        if name not in NOT_THROUGH[mta]:
            tap_.case("%s/%s" % (mta, name), through, world, court, name,
                      mail, want)
    tap_.case(mta + "/long-sender", through_long_sender, world, court)
    world.close()


def direct(tap_):
    bench = Bench()
    bench.milter.start()
    for name, mail, want in MESSAGES:
        tap_.case(name, try_message, bench, name, mail, want)
    for name, function in (
            ("sender-of-2000", long_sender), ("odd-senders", odd_senders),
            ("too-many-recipients", too_many_recipients),
            ("one-byte-chunks", one_byte_chunks), ("aborted", aborted),
            ("mta-hangs-up", hung_up), ("garbage", garbage),
            ("oversize-packet", oversize_packet),
            ("identity-gone", identity_gone)):
        tap_.case(name, function, bench)
    for spoil in IDENTITY_FILES:
        tap_.case("identity-" + spoil.__name__.replace("_", "-"),
                  broken_identity, bench, spoil)
    tap_.ok(bench.milter.stop() == 0, "ends-with-0-on-SIGTERM")
    bench.where.close()


def test(tap_):
    direct(tap_)
    disks(tap_)
    starting(tap_)
    for mta in ("postfix", "sendmail"):
        with_mta(tap_, mta)


if __name__ == "__main__":
    tap.main(test, __doc__)
