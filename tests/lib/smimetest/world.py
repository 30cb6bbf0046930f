# SPDX-License-Identifier: Apache-2.0
"""Everything together: an MTA with our daemon, keys, a far end."""

from smimetest.milter import Milter
from smimetest.pki import Pki
from smimetest.place import Place
from smimetest.postfix import Postfix
from smimetest.sendmail import Sendmail
from smimetest.sink import Sink
from smimetest.submit import submit


class World:
    """mta: "postfix" or "sendmail". settings: for the daemon, over the
    defaults; its `reinject` is the MTA's listener without milter unless it
    is given. Nothing is started before start()."""

    def __init__(self, name, mta="postfix", settings=None, postfix=None):
        self.where = Place("%s-%s" % (name, mta))
        self.pki = Pki(self.where.dir("pki"))
        self.sink = Sink()
        self.where.on_close(self.sink.stop)
        self.milter = Milter(self.where, settings)
        if mta == "postfix":
            self.mta = Postfix(self.where, self.sink.port,
                               self.milter.mta_address, settings=postfix)
        else:
            self.mta = Sendmail(self.where, self.sink.port,
                                "local:" + self.milter.socket_path)
        if "reinject" not in self.milter.settings:
            self.milter.write_settings(
                reinject="smtp:127.0.0.1:%d" % self.mta.ports["reinject"])

    def user(self, address, kind="rsa", **options):
        """Makes an identity and gives it to the daemon."""
        identity = self.pki.user(address, kind, **options)
        self.milter.import_identity(identity)
        return identity

    def start(self):
        self.milter.start()
        self.mta.start()

    def send(self, mail, sender, recipients, listener="mx", **options):
        return submit(self.mta.ports[listener], mail, sender, recipients,
                      **options)

    def close(self):
        self.where.close()
