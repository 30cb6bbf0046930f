# SPDX-License-Identifier: Apache-2.0
"""A temporary directory with everything that has to be undone at the end."""

import atexit
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

KEEP = bool(os.environ.get("SMIMETEST_KEEP"))


class Failure(Exception):
    """The machinery could not do what a test asked of it."""


class Place:
    """Readable for all: the MTAs and our daemon run as other users."""

    def __init__(self, name):
        self.root = tempfile.mkdtemp(prefix="smimetest-%s-" % name)
        os.chmod(self.root, 0o755)
        self.undo = []
        atexit.register(self.close)

    def path(self, *parts):
        return os.path.join(self.root, *parts)

    def dir(self, *parts, owner=None, mode=0o755):
        path = self.path(*parts)
        os.makedirs(path, exist_ok=True)
        os.chmod(path, mode)
        if owner:
            shutil.chown(path, owner)
        return path

    def write(self, name, content, mode=0o644):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        data = content.encode() if isinstance(content, str) else content
        with open(path, "wb") as file:
            file.write(data)
        os.chmod(path, mode)
        return path

    def on_close(self, function):
        """The last one registered is called first."""
        self.undo.append(function)

    def close(self):
        while self.undo:
            function = self.undo.pop()
            try:
                function()
            except Exception as error:  # the rest must be undone all the same
                say("at the end: %s" % error)
        if KEEP and os.path.exists(self.root):
            say("kept: %s" % self.root)
        else:
            shutil.rmtree(self.root, ignore_errors=True)


def say(text):
    """A remark, even when nobody listens any more."""
    try:
        print("# %s" % text)
        sys.stdout.flush()
    except OSError:
        pass


def exit_on_signals():
    """So that a test that is told to stop, even twice, takes its servers
    with it."""
    numbers = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)

    def leave(*_):
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)
        sys.exit(1)

    for number in numbers:
        signal.signal(number, leave)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(condition, seconds, what):
    """Waits for a truth value of condition() and returns it."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Failure("waited %d s for %s" % (seconds, what))
        time.sleep(0.02)


def smtp_answers(port):
    """A server that greets, not just a port that somebody listens on."""
    try:
        with socket.create_connection(("127.0.0.1", port), 2) as connection:
            return connection.recv(200).startswith(b"220")
    except OSError:
        return False


def run(command, **options):
    """Runs to the end; output as bytes. Never raises for an exit code."""
    options.setdefault("stdin", subprocess.DEVNULL)
    # Without a terminal: nobody is there to answer a prompt.
    options.setdefault("start_new_session", True)
    if "input" in options:
        options.pop("stdin")
    return subprocess.run(command, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, **options)


def must_run(command, **options):
    result = run(command, **options)
    if result.returncode != 0:
        raise Failure("%s: exit %d: %s" % (
            " ".join(command[:4]), result.returncode,
            (result.stderr + result.stdout).decode(errors="replace").strip()))
    return result.stdout


def stop_process(process, seconds=20):
    """SIGTERM, and SIGKILL for one that does not listen."""
    if process.poll() is not None:
        return process.returncode
    process.terminate()
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise Failure("%s did not end on SIGTERM" % process.args[0])
