# SPDX-License-Identifier: Apache-2.0
"""An SMTP client that sends the bytes it is given, however odd they are.

smtplib repairs line ends; this one does not. XCLIENT lets it act as any
client, logged in or not, towards a Postfix that allows it.
"""

import socket


class Refused(Exception):
    def __init__(self, step, reply):
        super().__init__("%s: %s" % (step, reply))
        self.step, self.reply = step, reply
        self.code = reply.code


class Reply:
    def __init__(self, code, lines):
        self.code, self.lines = code, lines

    def __str__(self):
        return "%d %s" % (self.code, " / ".join(self.lines))


class Client:
    def __init__(self, port, host="127.0.0.1", timeout=60):
        self.socket = socket.create_connection((host, port), timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.stream = self.socket.makefile("rb")
        self.extensions = []
        self.expect("connect", self.reply(), 2)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.stream.close()
        self.socket.close()

    def reply(self):
        lines = []
        while True:
            line = self.stream.readline().rstrip(b"\r\n")
            if len(line) < 3:
                raise ConnectionError("the server hung up: %r" % line)
            lines.append(line[4:].decode(errors="replace"))
            if line[3:4] != b"-":
                return Reply(int(line[:3]), lines)

    def send(self, line):
        data = line if isinstance(line, bytes) else line.encode()
        self.socket.sendall(data + b"\r\n")

    def command(self, line):
        self.send(line)
        return self.reply()

    @staticmethod
    def expect(step, reply, family):
        if reply.code // 100 != family:
            raise Refused(step, reply)
        return reply

    def ehlo(self, name="client.example"):
        reply = self.expect("EHLO", self.command("EHLO " + name), 2)
        self.extensions = reply.lines[1:]
        return reply

    def xclient(self, **attributes):
        """Acts as another client: ADDR, NAME, LOGIN, HELO."""
        words = ["%s=%s" % item for item in attributes.items()]
        self.expect("XCLIENT", self.command("XCLIENT " + " ".join(words)), 2)
        return self.ehlo()

    def envelope(self, sender, recipients, options=()):
        """options: words behind MAIL FROM. A recipient is an address, or a
        pair of address and words behind RCPT TO."""
        words = " ".join(["MAIL FROM:<%s>" % sender, *options])
        self.expect("MAIL", self.command(words), 2)
        lines = [self._rcpt(recipient) for recipient in recipients]
        self.socket.sendall(b"".join(line + b"\r\n" for line in lines))
        replies = [self.reply() for _ in lines]
        for reply in replies:
            self.expect("RCPT", reply, 2)

    @staticmethod
    def _rcpt(recipient):
        if isinstance(recipient, str):
            return b"RCPT TO:<%s>" % recipient.encode()
        address, words = recipient
        return b"RCPT TO:<%s> %s" % (address.encode(), words.encode())

    def data(self, mail):
        """mail: as it is, but for the dots that the protocol doubles."""
        self.expect("DATA", self.command("DATA"), 3)
        self.socket.sendall(dotted(mail))
        return self.expect("end of DATA", self.reply(), 2)

    def bdat(self, mail):
        """RFC 3030: not even the last line end is needed."""
        self.socket.sendall(b"BDAT %d LAST\r\n" % len(mail) + mail)
        return self.expect("BDAT", self.reply(), 2)


def dotted(mail):
    if not mail:
        return b".\r\n"
    text = b"\n" + mail
    text = text.replace(b"\n.", b"\n..")[1:]
    return text + (b".\r\n" if mail.endswith(b"\r\n") else b"\r\n.\r\n")


def submit(port, mail, sender, recipients, login=None, client=None,
           options=(), bdat=False):
    """One mail in one connection. Raises Refused; returns the last reply."""
    with Client(port) as smtp:
        smtp.ehlo()
        attributes = {}
        if client:
            attributes.update(ADDR=client, NAME="client.example")
        if login:
            attributes.update(LOGIN=login)
        if attributes:
            smtp.xclient(**attributes)
        smtp.envelope(sender, recipients, options)
        return smtp.bdat(mail) if bdat else smtp.data(mail)
