# SPDX-License-Identifier: Apache-2.0
"""A private Sendmail 8.17 beside Postfix, whose package excludes it: Debian's
packages are unpacked, not installed. Two listeners: `mx` asks the milter,
`reinject` does not. All mail goes to one next hop. No XCLIENT here: the
client is always 127.0.0.1, which the tests list among internal_hosts.
"""

import glob
import os
import socket
import subprocess

from smimetest import place

PACKAGES = ("sendmail-bin", "sendmail-base", "sendmail-cf")

MC = """divert(-1)
divert(0)dnl
OSTYPE(`linux')dnl
define(`STATUS_FILE', `%(root)s/statistics')dnl
define(`HELP_FILE', `-o %(root)s/helpfile')dnl
define(`ALIAS_FILE', `')dnl
define(`QUEUE_DIR', `%(queue)s')dnl
define(`confPID_FILE', `%(root)s/pid')dnl
define(`confDOMAIN_NAME', `mx.example.com')dnl
define(`confDONT_BLAME_SENDMAIL', `GroupWritableDirPathSafe,TrustStickyBit')dnl
define(`confDONT_PROBE_INTERFACES', `True')dnl
define(`confSERVICE_SWITCH_FILE', `%(root)s/service.switch')dnl
define(`confRUN_AS_USER', `root')dnl
define(`confDELIVERY_MODE', `background')dnl
define(`confTO_IDENT', `0')dnl
define(`confQUEUE_LA', `1000')dnl
define(`confREFUSE_LA', `1000')dnl
define(`confMIN_QUEUE_AGE', `0')dnl
define(`confCONNECTION_RATE_THROTTLE', `0')dnl
define(`confMAX_DAEMON_CHILDREN', `0')dnl
define(`confMILTER_LOG_LEVEL', `9')dnl
define(`confBAD_RCPT_THROTTLE', `0')dnl
undefine(`UUCP_RELAY')dnl
undefine(`BITNET_RELAY')dnl
FEATURE(`no_default_msa')dnl
FEATURE(`nocanonify')dnl
FEATURE(`promiscuous_relay')dnl
FEATURE(`accept_unresolvable_domains')dnl
FEATURE(`accept_unqualified_senders')dnl
define(`SMART_HOST', `esmtp:[127.0.0.1]')dnl
define(`ESMTP_MAILER_ARGS', `TCP $h %(next_hop)d')dnl
define(`SMTP_MAILER_ARGS', `TCP $h %(next_hop)d')dnl
define(`RELAY_MAILER_ARGS', `TCP $h %(next_hop)d')dnl
%(filters)s
DAEMON_OPTIONS(`Family=inet, Addr=127.0.0.1, Port=%(mx)d, Name=MTA')dnl
DAEMON_OPTIONS(`Addr=127.0.0.1, Port=%(reinject)d, Name=REINJECT, InputMailFilters=')dnl
MAILER(`smtp')dnl
"""

FILTER = ("INPUT_MAIL_FILTER(`smime', `S=%s, F=T, "
          "T=C:10m;S:30s;R:30s;E:10m')dnl")


class Sendmail:
    """milter: what goes behind S=, "" for none."""

    name = "sendmail"

    def __init__(self, where, next_hop, milter="", label="sendmail"):
        self.unpacked = unpack()
        self.root = where.dir(label)
        self.queue = where.dir(label, "queue", mode=0o700)
        self.ports = {one: place.free_port() for one in ("mx", "reinject")}
        self.config = os.path.join(self.root, "sendmail.cf")
        self.transcript = os.path.join(self.root, "transcript")
        where.write(os.path.join(label, "service.switch"),
                    "hosts files\naliases files\n")
        source = where.write(os.path.join(label, "sendmail.mc"), MC % dict(
            self.ports, root=self.root, queue=self.queue, next_hop=next_hop,
            filters=FILTER % milter if milter else ""))
        cf = glob.glob(self.unpacked + "/usr/share/sendmail/cf")[0]
        text = place.must_run(["m4", "-D_CF_DIR_=%s/" % cf,
                               cf + "/m4/cf.m4", source])
        with open(self.config, "wb") as file:
            file.write(text)
        self.process = None
        where.on_close(self.stop)

    def start(self):
        command = [self.unpacked + "/usr/libexec/sendmail/sendmail", "-bD",
                   "-q2s", "-C", self.config, "-X", self.transcript]
        with open(os.path.join(self.root, "output"), "ab") as out:
            self.process = subprocess.Popen(
                self._qualified(command), stdin=subprocess.DEVNULL,
                stdout=out, stderr=out)
        try:
            place.wait_until(self._is_up, 90, "Sendmail")
        except place.Failure as failure:
            raise place.Failure("%s: %s" % (failure, self.output()))

    def _qualified(self, command):
        """Sendmail sleeps for a minute when the machine's name has no dot:
        where we may, it gets a machine of its own with a better name."""
        if "." in socket.gethostname() or place.run(
                ["unshare", "--uts", "--mount", "true"]).returncode != 0:
            return command
        hosts = os.path.join(self.root, "hosts")
        with open(hosts, "w") as file:
            file.write("127.0.0.1 mx.example.com localhost\n")
        script = ('hostname mx.example.com && mount --bind "$0" /etc/hosts '
                  '&& exec "$@"')
        return ["unshare", "--uts", "--mount", "sh", "-c", script, hosts,
                *command]

    def _is_up(self):
        if self.process.poll() is not None:
            raise place.Failure("Sendmail ended: " + self.output())
        return place.smtp_answers(self.ports["mx"])

    def stop(self):
        if self.process is None:
            return
        process, self.process = self.process, None
        for pid in children(process.pid):
            place.run(["kill", str(pid)])
        place.stop_process(process)

    def output(self):
        with open(os.path.join(self.root, "output"), errors="replace") as file:
            return file.read()

    def queued(self):
        """How many messages wait in the queue."""
        return len(glob.glob(self.queue + "/qf*"))


def children(pid):
    out = place.run(["ps", "-o", "pid=", "--ppid", str(pid)]).stdout
    return [int(word) for word in out.split()]


def cache():
    base = os.environ.get("SMIMETEST_CACHE") or os.path.join(
        os.environ.get("TOP_BUILDDIR") or "/var/tmp", "smimetest-cache")
    os.makedirs(base, exist_ok=True)
    return base


def unpack():
    """The directory with the unpacked packages."""
    root = os.path.join(cache(), "sendmail")
    if os.path.exists(root + "/usr/libexec/sendmail/sendmail"):
        return root
    os.makedirs(root, exist_ok=True)
    place.must_run(["apt-get", "download", *PACKAGES], cwd=cache())
    for package in PACKAGES:
        newest = sorted(glob.glob("%s/%s_*.deb" % (cache(), package)))[-1]
        place.must_run(["dpkg", "-x", newest, root])
    return root
