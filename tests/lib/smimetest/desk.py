# SPDX-License-Identifier: Apache-2.0
"""An administrator's desk: settings, a STATE and smimectl, no MTA, no daemon.

Runs as whoever runs the tests: that user owns STATE and is named in the
settings, so root's tests stay root unless a test says otherwise.
"""

import getpass
import json
import os
import pty
import select

from smimetest import place
from smimetest.milter import program, settings_text

# Exit codes of smimectl (smimectl(1)).
YES, NO = 0, 1
USAGE, DATA, REFUSED, INTERNAL, IO, TEMPFAIL, PERMISSION, SETTINGS = (
    64, 65, 69, 70, 74, 75, 77, 78)


class Desk:
    """settings: put over the defaults below."""

    def __init__(self, where, label="desk", **settings):
        self.where, self.label = where, label
        self.state = where.dir(label, "state", mode=0o700)
        self.settings = {
            "listen": "unix:" + where.path(label, "milter.sock"),
            "user": getpass.getuser(),
            "state_dir": self.state,
            "local_domains": ["example.com", ".example.com"],
            "internal_hosts": ["127.0.0.0/8", "::1/128"],
        }
        self.config = None
        self.set(**settings)

    def set(self, **changes):
        """Writes the settings with these changes; None takes one out."""
        self.settings.update(changes)
        self.config = self.where.write(
            os.path.join(self.label, "conf"), settings_text({
                name: value for name, value in self.settings.items()
                if value is not None}))

    def run(self, *arguments, **options):
        """`smimectl -c our-settings ...` to its end; output as bytes."""
        options.setdefault("timeout", 120)
        return place.run(
            [program("smimectl"), "-c", self.config, *arguments], **options)

    def must(self, *arguments, **options):
        """Output of a run that must end with 0."""
        result = self.run(*arguments, **options)
        if result.returncode != 0 or b"warning" in result.stderr:
            raise place.Failure("smimectl %s: exit %d: %s" % (
                " ".join(arguments), result.returncode, said(result)))
        return result.stdout

    def json(self, *arguments, code=YES, **options):
        """The object that --json prints."""
        result = self.run("--json", *arguments, **options)
        if result.returncode != code:
            raise place.Failure("smimectl --json %s: exit %d, not %d: %s" % (
                " ".join(arguments), result.returncode, code, said(result)))
        return json.loads(result.stdout.decode())

    def fails(self, code, pattern, *arguments, **options):
        """What is wrong, as text, unless it ends with code and says pattern
        on standard error; "" when all is well."""
        result = self.run(*arguments, **options)
        text = result.stderr.decode("utf-8", "strict")
        if result.returncode != code:
            return "exit %d, not %d: %s" % (
                result.returncode, code, said(result))
        if pattern not in text:
            return "says %r, not %r" % (text, pattern)
        return ""

    def on_terminal(self, answer, *arguments):
        """(exit code, what the terminal showed) of a run that has one and is
        typed answer into it."""
        command = [program("smimectl"), "-c", self.config, *arguments]
        child, terminal = pty.fork()
        if child == 0:
            os.execv(command[0], command)
        shown = read_terminal(terminal, lambda text: b": " in text)
        os.write(terminal, answer)
        shown += read_terminal(terminal, lambda text: False)
        os.close(terminal)
        _, status = os.waitpid(child, 0)
        return os.waitstatus_to_exitcode(status), shown

    def import_identity(self, identity):
        self.must("key", "import", "--cert", identity.cert,
                  "--key", identity.key, "--chain", identity.chain)

    def file(self, name, content, mode=0o644):
        return self.where.write(os.path.join(self.label, name), content, mode)


def read_terminal(terminal, enough, seconds=60):
    """What is shown until enough(it), or until the other side has gone. A
    side that falls silent loses its terminal when the caller gives up."""
    shown = b""
    while not enough(shown):
        if not select.select([terminal], [], [], seconds)[0]:
            os.close(terminal)
            raise place.Failure("the terminal shows no more than %r" % shown)
        try:
            more = os.read(terminal, 1000)
        except OSError:
            break
        if not more:
            break
        shown += more
    return shown


def said(result):
    return (result.stdout + result.stderr).decode(errors="replace").strip()


def lines(output):
    return output.decode().splitlines()
