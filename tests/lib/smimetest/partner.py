# SPDX-License-Identifier: Apache-2.0
"""A partner outside who writes signed mail to one of ours."""

import email.header
import email.utils
import hashlib
import itertools

from smimetest import cmsmaker
from smimetest.corpus import base64_lines
from smimetest.rawmail import crlf

ALICE, BOB = "alice@example.com", "bob@partner.test"
OUTSIDE = "192.0.2.1"
CONTENT = crlf("Content-Type: text/plain; charset=us-ascii\n\n"
               "Dear Alice,\n\nthe order of today.\n\nBob\n")
numbers = itertools.count(1)


def head(sender=BOB, to=ALICE, subject="the order", more="", date=None):
    """The fields outside, with a Message-ID of its own."""
    return crlf("%sFrom: %s\nTo: %s\nSubject: %s\nDate: %s\n"
                "Message-ID: <%d.partner@partner.test>\nMIME-Version: 1.0\n"
                % (more, sender, to, subject,
                   date or email.utils.formatdate(), next(numbers)))


def detached(signature, header=None, shown=CONTENT, end=b"",
             micalg="sha-256"):
    """multipart/signed of what is shown and this CMS."""
    mark = "=_" + hashlib.sha256(signature + shown).hexdigest()[:20]
    return ((head() if header is None else header) + crlf(
        'Content-Type: multipart/signed; micalg=%s;\n'
        ' protocol="application/pkcs7-signature"; boundary="%s"\n\n'
        'This is an S/MIME signed message\n\n--%s\n' % (micalg, mark, mark))
        + shown + crlf(
            '\n--%s\nContent-Type: application/pkcs7-signature;'
            ' name="smime.p7s"\nContent-Transfer-Encoding: base64\n'
            'Content-Disposition: attachment; filename="smime.p7s"\n\n'
            % mark) + base64_lines(signature) + crlf("--%s--\n" % mark) + end)


def opaque(signature, header=None, kind="signed-data", name="smime.p7m"):
    return ((head() if header is None else header) + crlf(
        'Content-Type: application/pkcs7-mime; smime-type=%s;\n name="%s"\n'
        'Content-Transfer-Encoding: base64\n'
        'Content-Disposition: attachment; filename="%s"\n\n'
        % (kind, name, name)) + base64_lines(signature))


def mail(identity, header=None, content=CONTENT, form="detached", **options):
    """A sound mail, signed by hand (cmsmaker.sign() has the options)."""
    if header is None:
        header = head(identity.address)
    if form == "opaque":
        return opaque(cmsmaker.sign(identity, content, opaque=True,
                                    **options), header)
    return detached(cmsmaker.sign(identity, content, **options), header,
                    content)
