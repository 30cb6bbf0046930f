# SPDX-License-Identifier: Apache-2.0
"""Our daemon with a settings file, a state directory and its log."""

import os
import re
import shutil
import signal
import socket
import subprocess

from smimetest import place

USER = "nobody"

DEFAULTS = {
    "user": USER,
    "socket_group": "postfix",
    "socket_mode": "0660",
    "local_domains": ["example.com", ".example.com"],
    "internal_hosts": ["127.0.0.0/8"],
    "log": {"level": "info", "target": "stderr"},
}


def program(name):
    """The path of one of our programs in the build directory."""
    top = os.environ.get("TOP_BUILDDIR") or os.path.join(
        os.path.dirname(__file__), "..", "..", "..")
    path = os.path.abspath(os.path.join(top, "src", {
        "smime-milter": "milter", "smimectl": "ctl"}[name], name))
    if not os.access(path, os.X_OK):
        raise place.Failure("%s is not built (TOP_BUILDDIR?)" % path)
    return path


def settings_text(settings):
    """A dict in libconfig's syntax."""
    return "".join("%s = %s;\n" % (name, value_text(value))
                   for name, value in settings.items())


def value_text(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return "%dL" % value if abs(value) >= 1 << 31 else "%d" % value
    if isinstance(value, dict):
        return "{ " + settings_text(value).replace("\n", " ") + "}"
    if isinstance(value, (list, tuple)):
        items = ", ".join(value_text(one) for one in value)
        return "( %s )" % items if any(
            isinstance(one, dict) for one in value) else "[ %s ]" % items
    return '"%s"' % str(value).replace("\\", "\\\\").replace('"', '\\"')


class Milter:
    """settings: put over DEFAULTS. socket: a path, made by default."""

    def __init__(self, where, settings=None, label="milter", listen=None):
        self.where, self.label = where, label
        self.state = where.dir(label, "state", owner=USER, mode=0o700)
        self.socket_path = where.path(label, "run", "milter.sock")
        where.dir(label, "run")
        self.settings = dict(DEFAULTS, listen=listen or (
            "unix:" + self.socket_path), state_dir=self.state)
        self.settings.update(settings or {})
        self.config = None
        self.log_file = where.path(label, "log")
        self.process = None
        self.write_settings()
        where.on_close(self.stop)

    @property
    def mta_address(self):
        """What goes behind smtpd_milters."""
        return self.settings["listen"]

    def write_settings(self, **changes):
        self.settings.update(changes)
        self.config = self.where.write(os.path.join(self.label, "conf"),
                                       settings_text(self.settings))

    def start(self, wait=True):
        command = [program("smime-milter"), "-c", self.config]
        if os.environ.get("SMIMETEST_VALGRIND"):
            command = ["valgrind", "-q", "--error-exitcode=99",
                       "--leak-check=full", *command]
        with open(self.log_file, "ab") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        if wait:
            place.wait_until(self._is_up, 60, "the milter: " + self.log())

    def _is_up(self):
        if self.process.poll() is not None:
            raise place.Failure("the milter ended (%d): %s" % (
                self.process.returncode, self.log()))
        return self.answers()

    def answers(self):
        """Somebody accepts connections on the socket."""
        listen = self.settings["listen"]
        if listen.startswith("unix:"):
            family, where = socket.AF_UNIX, listen[5:]
        else:
            port, _, host = listen.split(":", 1)[1].partition("@")
            family, where = socket.AF_INET, (host or "127.0.0.1", int(port))
        with socket.socket(family) as probe:
            probe.settimeout(2)
            try:
                probe.connect(where)
                return True
            except OSError:
                return False

    def stop(self):
        """SIGTERM; the exit code."""
        if self.process is None:
            return None
        process, self.process = self.process, None
        return place.stop_process(process)

    def kill(self):
        """kill -9, and it is gone when this returns."""
        process, self.process = self.process, None
        process.send_signal(signal.SIGKILL)
        process.wait()

    def reload(self):
        self.process.send_signal(signal.SIGHUP)

    def run_to_end(self, seconds=20):
        """Starts one that is expected not to stay: exit code and output."""
        result = place.run([program("smime-milter"), "-c", self.config],
                           timeout=seconds)
        return result.returncode, (result.stdout + result.stderr).decode(
            errors="replace")

    def log(self):
        if not os.path.exists(self.log_file):
            return ""
        with open(self.log_file, errors="replace") as file:
            return file.read()

    def log_mark(self):
        """A place in the log, for log_since()."""
        return len(self.log())

    def log_since(self, mark, pattern, seconds=10):
        """The first line behind mark that holds the regular expression."""
        def look():
            for line in self.log()[mark:].splitlines():
                if re.search(pattern, line):
                    return line
            return None
        try:
            return place.wait_until(look, seconds, "the log")
        except place.Failure:
            raise place.Failure("no log line with /%s/ in:\n%s" % (
                pattern, self.log()[mark:])) from None

    def smimectl(self, *arguments, **options):
        """The result of `smimectl -c our-settings ...`."""
        return place.run([program("smimectl"), "-c", self.config, *arguments],
                         **options)

    def must_smimectl(self, *arguments):
        return place.must_run([program("smimectl"), "-c", self.config,
                               *arguments])

    def import_identity(self, identity):
        self.must_smimectl("key", "import", "--cert", identity.cert, "--key",
                           identity.key, "--chain", identity.chain)

    def trust(self, pki):
        self.must_smimectl("trust", "add", pki.anchor)

    def forget_keys(self):
        shutil.rmtree(os.path.join(self.state, "keys"), ignore_errors=True)
