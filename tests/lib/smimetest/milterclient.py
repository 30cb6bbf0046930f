# SPDX-License-Identifier: Apache-2.0
"""The MTA's side of the milter protocol (version 6), without an MTA: sends
what no MTA would let through, and applies the answer to the message.

The protocol as libmilter's mfdef.h and mfapi.h describe it: a packet is a
length of 4 bytes, a command letter, the data; strings end in NUL.
"""

import socket
import struct

ALL_ACTIONS = 0x1ff
ALL_STEPS = 0x1fffff
HEADER_LEADING_SPACE = 0x100000
SKIP = 0x400

# The protocol flag that says: no reply will come to this command.
NO_REPLY = {"L": 0x80, "C": 0x1000, "H": 0x2000, "M": 0x4000, "R": 0x8000,
            "T": 0x10000, "U": 0x20000, "N": 0x40000, "B": 0x80000}
# The protocol flag that says: do not send this command.
NOT_WANTED = {"C": 0x1, "H": 0x2, "M": 0x4, "R": 0x8, "B": 0x10, "L": 0x20,
              "N": 0x40, "U": 0x100, "T": 0x200}

FINAL = {"a": "accept", "r": "reject", "t": "tempfail", "d": "discard"}
CHUNK = 65535


class Verdict:
    """kind: accept, continue, reject, tempfail, discard; reply: the SMTP
    text when the milter gave one; step: the command it answered."""

    def __init__(self, kind, step, reply=None):
        self.kind, self.step, self.reply = kind, step, reply

    def __str__(self):
        return "%s at %s: %s" % (self.kind, self.step, self.reply)


class Result:
    """What became of a message. headers: [(name, raw value)]; edits: the
    modifications in the order they came, as (letter, data)."""

    def __init__(self, verdict, headers, body, edits):
        self.verdict, self.headers, self.body, self.edits = (
            verdict, headers, body, edits)
        self.added = [cstrings(data)[0] for letter, data in edits
                      if letter in "+2"]
        self.deleted = [cstrings(data)[0] for letter, data in edits
                        if letter == "-"]
        self.quarantined = any(letter == "q" for letter, _ in edits)

    def mail(self):
        """The message in the form of SMTP."""
        lines = b"".join(
            name + b":" + value.replace(b"\r\n", b"\n").replace(
                b"\n", b"\r\n") + b"\r\n" for name, value in self.headers)
        return lines + b"\r\n" + self.body


class MilterClient:
    def __init__(self, where, timeout=120):
        """where: a unix socket's path or a port."""
        if isinstance(where, str):
            self.socket = socket.socket(socket.AF_UNIX)
        else:
            self.socket = socket.socket()
            where = ("127.0.0.1", where)
        self.socket.settimeout(timeout)
        self.socket.connect(where)
        self.negotiate()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        try:
            self.send("Q")
        except OSError:
            pass
        self.socket.close()

    def send(self, letter, data=b""):
        self.socket.sendall(struct.pack("!I", len(data) + 1)
                            + letter.encode() + data)

    def receive(self):
        length, = struct.unpack("!I", self.exactly(4))
        packet = self.exactly(length)
        return packet[:1].decode("latin-1"), packet[1:]

    def exactly(self, count):
        parts = []
        while count:
            part = self.socket.recv(count)
            if not part:
                raise ConnectionError("the milter hung up")
            parts.append(part)
            count -= len(part)
        return b"".join(parts)

    def negotiate(self):
        self.send("O", struct.pack("!III", 6, ALL_ACTIONS, ALL_STEPS))
        letter, data = self.receive()
        assert letter == "O", letter
        self.version, self.actions, self.steps = struct.unpack(
            "!III", data[:12])

    def macros(self, step, values):
        data = b"".join(cstring(one) for pair in values.items()
                        for one in pair)
        self.send("D", step.encode() + data)

    def command(self, letter, data=b""):
        """None when the milter does not want to hear it, or will not
        answer; else its Verdict."""
        if self.steps & NOT_WANTED.get(letter, 0):
            return None
        self.send(letter, data)
        if self.steps & NO_REPLY.get(letter, 0):
            return None
        return self.answer(letter)

    def answer(self, step, edits=None):
        while True:
            letter, data = self.receive()
            if letter == "p":
                continue
            if letter in FINAL:
                return Verdict(FINAL[letter], step)
            if letter == "c":
                return Verdict("continue", step)
            if letter == "s":
                return Verdict("skip", step)
            if letter == "y":
                reply = data.rstrip(b"\0").decode(errors="replace")
                return Verdict("reject" if reply[0] == "5" else "tempfail",
                               step, reply)
            if edits is None:
                raise AssertionError("%r in answer to %s" % (letter, step))
            edits.append((letter, data))

    def connect(self, client="127.0.0.1", name="localhost", helo="client",
                host="mx.example.com", daemon="MTA"):
        self.macros("C", {"j": host, "{daemon_name}": daemon})
        data = cstring(name) + b"4" + struct.pack("!H", 12345)
        self.command("C", data + cstring(client))
        self.command("H", cstring(helo))

    def message(self, mail, sender, recipients, login=None, qid="TESTQID1",
                options=(), chunk=CHUNK):
        """One whole message, as bytes with CRLF; a Result. recipients:
        addresses, or pairs of address and a list of ESMTP words."""
        headers, body = split(mail)
        return self.raw_message(headers, [body[at:at + chunk] for at in
                                          range(0, len(body), chunk)],
                                sender, recipients, login, qid, options)

    def raw_message(self, headers, chunks, sender, recipients, login=None,
                    qid="TESTQID1", options=()):
        """headers: [(name, raw value)]: nothing is checked here."""
        values = {"i": qid, "{mail_addr}": sender}
        if login:
            values.update({"{auth_authen}": login, "{auth_type}": "PLAIN"})
        self.macros("M", values)
        verdict = self.command("M", path(sender, options))
        for one in recipients:
            if not ends(verdict):
                address, words = one if isinstance(one, tuple) else (one, ())
                self.macros("R", {"{rcpt_addr}": address})
                refused = self.command("R", path(address, words))
                # A refused recipient ends nothing but itself.
                verdict = refused if refused and refused.kind in (
                    "accept", "discard") else None
                self.refused_recipient = refused
        if not ends(verdict):
            self.macros("T", {"i": qid})
            verdict = self.command("T")
        verdict = self._headers(verdict, headers)
        if not ends(verdict):
            verdict = self.command("N")
        verdict = self._body(verdict, chunks)
        edits = []
        if not ends(verdict):
            self.macros("E", {"i": qid})
            self.send("E")
            verdict = self.answer("E", edits)
        headers, body = apply_edits(headers, b"".join(chunks), edits)
        return Result(verdict, headers, body, edits)

    def _headers(self, verdict, headers):
        for name, value in headers:
            if ends(verdict):
                break
            if not self.steps & HEADER_LEADING_SPACE:
                value = value[1:] if value[:1] == b" " else value
            verdict = self.command("L", name + b"\0" + value + b"\0")
        return verdict

    def _body(self, verdict, chunks):
        for chunk in chunks:
            if ends(verdict):
                break
            verdict = self.command("B", chunk)
            if verdict and verdict.kind == "skip":
                return None
        return verdict

    def abort(self):
        self.send("A")


def ends(verdict):
    return verdict is not None and verdict.kind not in ("continue", "skip")


def path(address, words):
    return b"\0".join([b"<%s>" % address.encode(),
                       *(one.encode() for one in words)]) + b"\0"


def cstring(text):
    data = text if isinstance(text, bytes) else text.encode()
    return data + b"\0"


def cstrings(data):
    return data.rstrip(b"\0").split(b"\0")


def split(mail):
    """([(name, raw value)], body) of a message with CRLF. Values keep their
    leading blank; folds are LF, as MTAs give them."""
    header, found, body = mail.partition(b"\r\n\r\n")
    if mail.startswith(b"\r\n"):
        header, body = b"", mail[2:]
    elif not found:
        header = header[:-2] if header.endswith(b"\r\n") else header
    lines = header.replace(b"\r\n ", b"\n ").replace(b"\r\n\t", b"\n\t")
    fields = [line.partition(b":") for line in lines.split(b"\r\n") if line]
    return [(name, value) for name, _, value in fields], body


def apply_edits(headers, body, edits):
    """As Postfix does it: an edit takes effect at once."""
    headers, new_body = list(headers), None
    for letter, data in edits:
        if letter == "b":
            new_body = (new_body or b"") + data
        elif letter == "h":
            headers.append(two_strings(data))
        elif letter == "i":
            at, = struct.unpack("!I", data[:4])
            headers.insert(at, two_strings(data[4:]))
        elif letter == "m":
            change(headers, struct.unpack("!I", data[:4])[0],
                   *two_strings(data[4:]))
    return headers, body if new_body is None else new_body


def two_strings(data):
    name, value = data[:-1].split(b"\0", 1)
    return name, value


def change(headers, index, name, value):
    places = [at for at, (one, _) in enumerate(headers)
              if one.lower() == name.lower()]
    if index > len(places):
        if value:
            headers.append((name, value))
    elif value:
        headers[places[max(index, 1) - 1]] = (name, value)
    else:
        del headers[places[max(index, 1) - 1]]
