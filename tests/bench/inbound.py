# SPDX-License-Identifier: Apache-2.0
"""The rows of tests/bench/bench for incoming mail: unsigned, from a signer who
is known, from signers seen for the first time; the certificate directory and
a large CRL. The limit of a signed mail is the replacing milter and the bare
CMS_verify, with chain and CRLs, of the same mail."""

import glob
import os
import statistics

from smimetest import crowd, partner, place, revocationpki
from smimetest.revocationpki import Point, RevocationPki

SIZE = 10 << 10
ROOT_POINT = "http://crl.bench.test/root.crl"
OUTSIDE = ["-a", "192.0.2.7", "-t", partner.ALICE]
LABELS = {"unsigned": ("in unsigned", None), "known": ("in known", 0.6),
          "first": ("in first", 1.3), "first, kept off": ("in verified", None)}
# Shown beside "first": what of it is verifying, and what making the
# certificate's file durable.
SHOWN_ONLY = ("first, kept off",)


class Inbound:
    """bench: the whole benchmark, which has servers, samples and rows."""

    def __init__(self, bench):
        self.bench, self.where = bench, bench.where
        options = bench.options
        self.known_mails = 250 if options.quick else 1000
        self.first_mails = 60 if options.quick else 200
        self.pki = RevocationPki(self.where.dir("inbound-pki"), ROOT_POINT)
        self.crowd = crowd.Crowd(
            self.where, self.pki, 0, size=SIZE,
            points=revocationpki.points_line([Point(ROOT_POINT)]))
        self.crls = [self._write("root.crl", revocationpki.crl(
            self.pki.root)), self._write("crowd.crl", revocationpki.crl(
                self.crowd.ca))]
        self.directory = self.where.dir("inbound-mails")
        self.number = 1
        self._known()
        self.milter = self._ours("inbound")
        self.server = bench._started(self.milter)
        self.reader = bench._started(
            self._ours("inbound-off", harvest={"mode": "off"}))

    def _write(self, name, content):
        return self.where.write(name, content)

    def _ours(self, label, **settings):
        ours = self.bench._ours(label, revocation={"mode": "hard",
                                                   "fetch": False}, **settings)
        ours.trust(self.pki)
        for path, issuer in zip(self.crls, (self.pki.root, self.crowd.ca)):
            with open(path, "rb") as crl, open(issuer.cert, "rb") as cert:
                both = revocationpki.pem(crl.read()) + cert.read()
            ours.must_smimectl("crl", "import",
                               self._write("import.pem", both))
        return ours

    def _known(self):
        content = self.crowd.content(0)
        signature = self.crowd.signature(0, content)
        self.known = self._write("known.eml", partner.detached(
            signature, partner.head(self.crowd.address(0)), content))
        self.cms = self._write("known.p7s", signature)
        self.content = self._write("known.content", content)

    def _fresh(self):
        """A directory of mails from signers nobody has seen."""
        path = os.path.join(self.directory, "%d" % self.number)
        os.mkdir(path)
        for at in range(1, self.first_mails + 1):
            with open(os.path.join(path, "%d.eml" % at), "wb") as file:
                file.write(self.crowd.mail(self.number))
            self.number += 1
        return path

    def _load(self, label, server, mails, options):
        cpu, rate = server.load(SIZE, mails, 4, False, options)
        self.bench.samples["cpu", label, SIZE].append(cpu)
        self.bench.samples["rate", label, SIZE].append(rate)

    def bare(self):
        """Seconds of processor time for one CMS_verify."""
        crls = []
        for path in self.crls:
            pem = path + ".pem"
            if not os.path.exists(pem):
                with open(path, "rb") as file:
                    self._write(os.path.basename(pem),
                                revocationpki.pem(file.read()))
            crls += ["-l", pem]
        line = place.must_run(
            [self.bench.tool("bareverify"), "-r", self.pki.anchor, *crls,
             "-c", self.cms, "-d", self.content, "-n", "500"]).decode()
        return float(line.split("=")[-1]) / 1e9

    def round(self):
        bench = self.bench
        sender = ["-f", self.crowd.address(0)]
        signed = ["-T", self.known]
        unsigned = [*OUTSIDE, "-f", partner.BOB, "-b", "kept"]
        self._load("in nothing", bench.nothing, self.known_mails, unsigned[:-2])
        self._load("in unsigned", self.server, self.known_mails, unsigned)
        self._load("in replace", bench.replace, self.known_mails,
                   [*OUTSIDE, *sender, *signed])
        self._load("in known", self.server, self.known_mails,
                   [*OUTSIDE, *sender, *signed, "-b", "kept"])
        fresh = self._fresh()
        before = len(self.stored())
        self._load("in first", self.server, self.first_mails,
                   [*OUTSIDE, *sender, "-D", fresh, "-b", "kept"])
        self._load("in verified", self.reader, self.first_mails,
                   [*OUTSIDE, *sender, "-D", fresh, "-b", "kept"])
        harvested = len(self.stored()) - before
        if harvested != self.first_mails:
            raise place.Failure("%d of %d were harvested: %s" % (
                harvested, self.first_mails, self.milter.log()[-1000:]))
        bench.samples["cpu", "in bare", SIZE].append(self.bare())

    def stored(self):
        return glob.glob(os.path.join(self.milter.state, "certs", "*",
                                      "*.pem"))

    # --- what comes out ---

    def print_table(self):
        bench = self.bench

        def cpu(label):
            return bench.median("cpu", label, SIZE)

        print("\nincoming, 10 kB; limit = nothing for unsigned, replace + "
              "bare CMS_verify with chain and CRLs for signed")
        for name, (label, target) in LABELS.items():
            limit = (cpu("in nothing") if name == "unsigned"
                     else cpu("in replace") + cpu("in bare"))
            ratio = cpu(label) / limit
            print("%-17s %9.1f %9s %49.2f   %.0f" % (
                name, cpu(label) * 1e6, "%.1f" % (limit * 1e6), ratio,
                bench.median("rate", label, SIZE)))
            if name in SHOWN_ONLY:
                continue
            bench.rows.append(bench.Row(
                "incoming, %s, 10 kB, ours / limit" % name, ratio,
                target or 1.1, True, "%.2f"))
        print("bare CMS_verify %.1f, replace %.1f" % (
            cpu("in bare") * 1e6, cpu("in replace") * 1e6))

    # --- a large directory ---

    def measure_directory(self):
        """Lookups of addresses not looked up before, in turn among few and
        among many; files in the page cache."""
        counts = [1000, 100000 if self.bench.options.quick else 1000000]
        states = [self.where.dir("directory%d" % count) for count in counts]
        for count, state in zip(counts, states):
            place.must_run([self.bench.tool("directorylookup"), "-s", state,
                            "-m", str(count), "-C", self.pki.anchor])
        got = [[], []]
        for seed in range(1, 6):
            for one, count, state in zip(got, counts, states):
                one.append(self._lookups(state, count, seed))
        costs = [statistics.median(line["median_ns"] for line in one)
                 for one in got]
        print("directory, warm, CPU of one lookup: %s" % ", ".join(
            "%.1f us among %d" % (cost / 1000, count)
            for cost, count in zip(costs, counts)))
        cold = [self._lookups(state, count, 9, "--cold")
                for count, state in zip(counts, states)]
        print("directory, cold, wall: %s" % ", ".join(
            "%.1f us among %d" % (line["median_ns"] / 1000, count)
            for line, count in zip(cold, counts)))
        grown = [statistics.median(line["anon_after_kb"] for line in one)
                 for one in got]
        self.bench.rows += [
            self.bench.Row("lookup among %d / among 1000" % counts[1],
                           costs[1] / costs[0], 1.5, True, "%.2f"),
            self.bench.Row("RssAnon among %d / among 1000" % counts[1],
                           grown[1] / grown[0], 1.1, True, "%.2f")]

    def _lookups(self, state, count, seed, clock="--cpu"):
        line = place.must_run(
            [self.bench.tool("directorylookup"), "-s", state, "-a", str(count),
             "-c", "1000", "-S", str(seed), clock]).decode()
        return {name: float(value) for name, value in
                (word.split("=") for word in line.split())
                if value.isdigit()}

    # --- a large CRL ---

    def measure_crl(self):
        count = 100000 if self.bench.options.quick else 1000000
        path = self._write("big.crl", revocationpki.big_crl(
            self.crowd.ca, count))
        certs = []
        for number in range(20):
            cert = self._write("asked%d.pem" % number, place.must_run(
                ["openssl", "x509", "-inform", "DER"],
                input=self.crowd.certificate(number)))
            certs += ["-c", cert]
        line = place.must_run(
            [self.bench.tool("crlmemory"), "-l", path, "-a", self.pki.anchor,
             "-i", self.crowd.ca.cert, *certs]).decode()
        print("CRL: " + line.strip())
        got = self.bench.values(line)
        self.bench.rows += [
            self.bench.Row("CRL of %d, memory, MB" % count,
                           got["rss_kib"] / 1000, 250, True, "%.1f"),
            self.bench.Row("CRL of %d, one question, us" % count,
                           got["lookup_ns"] / 1000, 10, True, "%.2f")]
