# SPDX-License-Identifier: Apache-2.0
"""A private Postfix: own configuration, queue and ports, no init system.

Three listeners: `mx` and `submission` ask the milter, `reinject` does not.
All of them take XCLIENT from us, so that a test can be any client with any
login. All mail goes to one next hop.
"""

import os
import signal

from smimetest import place

MAIN_CF = """
compatibility_level = 3.6
myhostname = mx.example.com
mydomain = example.com
mydestination =
local_transport = error:no local delivery here
alias_maps =
alias_database =
local_recipient_maps =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = check_client_access static:ok, reject
smtpd_recipient_restrictions = permit
smtpd_authorized_xclient_hosts = 127.0.0.0/8
smtpd_client_connection_count_limit = 0
smtpd_recipient_limit = 10000
smtpd_error_sleep_time = 0
smtpd_peername_lookup = no
smtpd_discard_ehlo_keywords = silent-discard, etrn, vrfy
disable_vrfy_command = yes
smtputf8_enable = yes
smtp_dns_support_level = disabled
smtp_tls_security_level = none
smtpd_tls_security_level = none
smtp_fallback_relay =
smtp_connection_cache_on_demand = no
queue_run_delay = 1s
minimal_backoff_time = 1s
maximal_backoff_time = 2s
in_flow_delay = 0
mail_owner = postfix
setgid_group = postdrop
message_size_limit = 104857600
mailbox_size_limit = 0
header_size_limit = 4194304
milter_default_action = tempfail
milter_protocol = 6
milter_connect_timeout = 10s
milter_mail_macros = i {auth_type} {auth_authen} {auth_author} {mail_addr}
"""

MASTER_CF = """
%(mx)s inet n - n - %(processes)d smtpd -o syslog_name=postfix/mx
%(submission)s inet n - n - %(processes)d smtpd
  -o syslog_name=postfix/submission
  -o milter_macro_daemon_name=ORIGINATING
%(reinject)s inet n - n - %(processes)d smtpd
  -o syslog_name=postfix/reinject
  -o smtpd_milters=%(reinject_milters)s
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


class Postfix:
    """settings: lines of main.cf by name. milters, reinject_milters: what
    smtpd_milters says, "" for none."""

    name = "postfix"

    def __init__(self, where, next_hop, milters="", reinject_milters="",
                 settings=None, processes=100, label="postfix"):
        self.root = where.dir(label)
        self.config = where.dir(label, "etc")
        self.queue = where.dir(label, "queue")
        self.data = where.dir(label, "data", owner="postfix", mode=0o700)
        self.log_file = os.path.join(self.root, "maillog")
        self.ports = {one: place.free_port()
                      for one in ("mx", "submission", "reinject")}
        self.settings = {
            "default_transport": "smtp:[127.0.0.1]:%d" % next_hop,
            "relay_transport": "smtp:[127.0.0.1]:%d" % next_hop,
            "queue_directory": self.queue,
            "data_directory": self.data,
            "maillog_file": self.log_file,
            "maillog_file_prefixes": self.root,
            "smtpd_milters": milters,
            "non_smtpd_milters": milters,
            **(settings or {}),
        }
        self._write("main.cf", MAIN_CF + "".join(
            "%s = %s\n" % item for item in self.settings.items()))
        self._write("master.cf", MASTER_CF % dict(
            self.ports, processes=processes, reinject_milters=reinject_milters))
        self.running = False
        where.on_close(self.stop)

    def start(self):
        place.must_run(["postfix", "-c", self.config, "start"])
        self.running = True
        place.wait_until(lambda: place.smtp_answers(self.ports["reinject"]),
                         30, "Postfix")

    def stop(self):
        """`stop`, unlike `abort`, lets the processes finish what they do. It
        gives up after some seconds; then the master is ended by its id."""
        if not self.running:
            return
        self.running = False
        with open(os.path.join(self.queue, "pid", "master.pid")) as file:
            master = int(file.read())
        place.run(["postfix", "-c", self.config, "stop"])
        if is_alive(master):
            os.kill(master, signal.SIGKILL)
            place.wait_until(lambda: not is_alive(master), 10,
                             "the end of Postfix")

    def flush(self):
        place.must_run(["postqueue", "-c", self.config, "-f"])

    def queued(self):
        """How many messages wait in the queue."""
        out = place.must_run(["postqueue", "-c", self.config, "-j"])
        return len(out.splitlines())

    def log(self):
        if not os.path.exists(self.log_file):
            return ""
        with open(self.log_file, errors="replace") as file:
            return file.read()

    def sendmail(self, mail, sender, recipients):
        """Through sendmail(1), the way local programs send. postdrop is
        setgid and only believes in the default instance, so its work is done
        by hand: root may run it without."""
        command = ["sendmail", "-C", self.config, "-i", "-f", sender, "--"]
        place.must_run(command + list(recipients), input=mail,
                       env=dict(os.environ, MAIL_CONFIG=self.config))

    def _write(self, name, text):
        with open(os.path.join(self.config, name), "w") as file:
            file.write(text)


def is_alive(pid):
    """A process that nobody has waited for yet is not alive."""
    try:
        with open("/proc/%d/stat" % pid) as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
