# SPDX-License-Identifier: Apache-2.0
"""The far end: an SMTP server that keeps what it is given, byte for byte."""

import socket
import threading
import time

from smimetest.place import wait_until


class Delivered:
    """One mail as it arrived; recipients and sender with their ESMTP words."""

    def __init__(self, sender, recipients, mail):
        self.sender, self.sender_words = sender
        self.recipients = [address for address, _ in recipients]
        self.recipient_words = dict(recipients)
        self.mail = mail


class Sink:
    """extensions: what EHLO announces. refuse(sender, recipient) may return a
    reply for RCPT, refuse_data(mail) one for the end of DATA. delay: seconds
    before the end of DATA is answered."""

    EXTENSIONS = ("PIPELINING", "8BITMIME", "SMTPUTF8", "DSN")

    def __init__(self, extensions=EXTENSIONS, port=0):
        self.extensions = list(extensions)
        self.refuse = lambda sender, recipient: None
        self.refuse_data = lambda mail: None
        self.delay = 0
        self.mails = []
        self.changed = threading.Condition()
        self.listener = None
        self.port = port
        self.connections = set()
        self.start()

    def start(self):
        self.listener = socket.create_server(("127.0.0.1", self.port),
                                             backlog=200)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self.listener,),
                         daemon=True).start()

    def stop(self):
        """Nobody answers there any more; the mails stay."""
        listener, self.listener = self.listener, None
        if listener:
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        for connection in list(self.connections):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def wait(self, count, seconds=30):
        """The first count mails, once they are there."""
        with self.changed:
            self.changed.wait_for(lambda: len(self.mails) >= count, seconds)
            if len(self.mails) < count:
                raise TimeoutError("%d of %d mails arrived in %d s" % (
                    len(self.mails), count, seconds))
            return self.mails[:count]

    def wait_for(self, condition, seconds=30):
        """All mails for which condition(mail) holds, at least one."""
        return wait_until(
            lambda: [one for one in list(self.mails) if condition(one)],
            seconds, "a mail at the sink")

    def take(self):
        """Everything that arrived, and forgets it."""
        with self.changed:
            mails, self.mails = self.mails, []
            return mails

    def _accept(self, listener):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,),
                             daemon=True).start()

    def _serve(self, connection):
        self.connections.add(connection)
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            _Session(self, connection).run()
        except OSError:
            pass
        finally:
            self.connections.discard(connection)
            connection.close()

    def _keep(self, mail):
        with self.changed:
            self.mails.append(mail)
            self.changed.notify_all()


class _Session:
    def __init__(self, sink, connection):
        self.sink, self.connection = sink, connection
        self.stream = connection.makefile("rb")
        self.sender, self.recipients = None, []

    def say(self, text):
        self.connection.sendall(text.encode() + b"\r\n")

    def run(self):
        self.say("220 sink.example ESMTP")
        while True:
            line = self.stream.readline()
            if not line:
                return
            line = line.rstrip(b"\r\n").decode(errors="surrogateescape")
            verb = line.split(" ")[0].split(":")[0].upper()
            if verb == "QUIT":
                self.say("221 2.0.0 bye")
                return
            getattr(self, "on_" + verb.lower(), self.on_unknown)(line)

    def on_unknown(self, _line):
        self.say("502 5.5.2 not here")

    def on_helo(self, _line):
        self.say("250 sink.example")

    def on_ehlo(self, _line):
        lines = ["sink.example", *self.sink.extensions]
        for one in lines[:-1]:
            self.say("250-" + one)
        self.say("250 " + lines[-1])

    def on_mail(self, line):
        self.sender, self.recipients = path_and_words(line), []
        self.say("250 2.1.0 ok")

    def on_rcpt(self, line):
        recipient = path_and_words(line)
        reply = self.sink.refuse(self.sender[0], recipient[0])
        if not reply:
            self.recipients.append(recipient)
        self.say(reply or "250 2.1.5 ok")

    def on_rset(self, _line):
        self.sender, self.recipients = None, []
        self.say("250 2.0.0 ok")

    def on_noop(self, _line):
        self.say("250 2.0.0 ok")

    def on_data(self, _line):
        if not self.recipients:
            self.say("554 5.5.1 no recipients")
            return
        self.say("354 go on")
        mail = self.read_data()
        if self.sink.delay:
            time.sleep(self.sink.delay)
        reply = self.sink.refuse_data(mail)
        if not reply:
            self.sink._keep(Delivered(self.sender, self.recipients, mail))
        self.sender, self.recipients = None, []
        self.say(reply or "250 2.0.0 kept")

    def read_data(self):
        lines = []
        before = b"\r\n"
        while True:
            line = self.stream.readline()
            if not line:
                raise ConnectionError("hung up inside DATA")
            if before.endswith(b"\r\n"):
                if line == b".\r\n":
                    return b"".join(lines)
                if line.startswith(b"."):
                    line = line[1:]
            lines.append(line)
            before = line


def path_and_words(line):
    """MAIL FROM:<a@b> X=Y -> ("a@b", ["X=Y"])."""
    path = line.split(":", 1)[1].lstrip()
    end = path.index(">")
    return path[1:end], path[end + 1:].split()
