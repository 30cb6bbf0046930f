# SPDX-License-Identifier: Apache-2.0
"""An HTTP server on loopback for CRLs, good ones and all that can go wrong,
which counts what is asked of it.
"""

import collections
import http.server
import threading
import time

BLOCK = bytes(65536)


class CrlServer:
    """put() says what a path answers; requests counts by path, headers keeps
    the last request's."""

    def __init__(self, host="127.0.0.1", port=0):
        self.answers = {}
        self.requests = collections.Counter()
        self.headers = {}
        self.going = True
        self.lock = threading.Lock()
        self.host, self.port = host, port
        self.http = None
        self.start()

    def start(self):
        """Again on the same port, after stop()."""
        answer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                answer.serve(self)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass  # the client may hang up whenever it likes

        self.going = True
        self.http = Server((self.host, self.port), Handler)
        self.port = self.http.server_address[1]
        threading.Thread(target=self.http.serve_forever, args=(0.05,),
                         daemon=True).start()

    def stop(self):
        """Nobody answers there any more; what is put stays."""
        self.going = False
        if self.http:
            self.http.shutdown()
            self.http.server_close()
            self.http = None

    def url(self, path, host=None):
        return "http://%s:%d%s" % (host or self.host, self.port, path)

    def serve(self, handler):
        path = handler.path
        with self.lock:
            self.requests[path] += 1
            self.headers[path] = dict(handler.headers)
        handler.close_connection = True
        try:
            self.answers.get(path, missing)(handler)
        except OSError:
            pass

    def put(self, path, answer):
        """answer: bytes, or a function that takes the request's handler."""
        self.answers[path] = (plain(answer) if isinstance(answer, bytes)
                              else answer)
        return self.url(path)

    def asked(self, path):
        with self.lock:
            return self.requests[path]


def send(handler, body, status=200, **fields):
    handler.send_response(status)
    for name, value in fields.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.send_header("Content-Length", str(len(body)))
    handler.send_header("Connection", "close")
    handler.end_headers()
    handler.wfile.write(body)


def missing(handler):
    send(handler, b"nothing here\n", 404)


def plain(body):
    return lambda handler: send(handler, body,
                                Content_Type="application/pkix-crl")


def with_validators(body, etag):
    """304 for whoever has it already."""
    def answer(handler):
        if handler.headers.get("If-None-Match") == etag:
            handler.send_response(304)
            handler.send_header("ETag", etag)
            handler.send_header("Connection", "close")
            handler.end_headers()
        else:
            send(handler, body, ETag=etag)
    return answer


def status(code):
    return lambda handler: send(handler, b"no\n", code)


def redirect(url, code=302):
    return lambda handler: send(handler, b"", code, Location=url)


def held(body, gate):
    """The answer comes when gate, a threading.Event, is set."""
    def answer(handler):
        gate.wait(120)
        send(handler, body)
    return answer


def slow(server, body, pause=0.5):
    """A byte at a time."""
    def answer(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        for at in range(len(body)):
            if not server.going:
                return
            handler.wfile.write(body[at:at + 1])
            handler.wfile.flush()
            time.sleep(pause)
    return answer


def endless(server, counted=None):
    """Zeros without end or length; counted: a list that gets the number of
    bytes that went out."""
    def answer(handler):
        handler.send_response(200)
        handler.send_header("Connection", "close")
        handler.end_headers()
        sent = 0
        try:
            while server.going:
                handler.wfile.write(BLOCK)
                sent += len(BLOCK)
        finally:
            if counted is not None:
                counted.append(sent)
    return answer


def truncated(body, claimed):
    """Says that claimed bytes come, and hangs up behind body."""
    def answer(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", str(claimed))
        handler.send_header("Connection", "close")
        handler.end_headers()
        handler.wfile.write(body)
    return answer


def garbage(handler):
    """Not even HTTP."""
    handler.wfile.write(b"\x00\xff" * 500)
