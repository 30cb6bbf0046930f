# SPDX-License-Identifier: Apache-2.0
"""Mail as bytes: cut at offsets, never parsed and written again.

Python's email package normalises what it reads, which is just what a test of
signatures must not do. Line ends are CRLF here, or LF where a mail has them.
"""

import base64
import quopri
import re


def crlf(text):
    """LF text (str or bytes) with SMTP's line ends."""
    data = text.encode() if isinstance(text, str) else text
    return data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def cut(entity):
    """(header, body): the header with its last line end, the empty line
    between them belongs to neither."""
    for empty, skip in ((b"\r\n", 2), (b"\n", 1)):
        if entity.startswith(empty):
            return b"", entity[skip:]
    ends = [(entity.find(mark), len(mark), keep) for mark, keep in
            ((b"\r\n\r\n", 2), (b"\n\n", 1), (b"\n\r\n", 1))]
    ends = [one for one in ends if one[0] >= 0]
    if not ends:
        return entity, b""
    at, length, keep = min(ends)
    return entity[:at + keep], entity[at + length:]


def fields(header):
    """[(name, raw value behind the colon, folding kept, no line end)]"""
    found = []
    for line in re.split(rb"\r?\n(?![ \t])", header):
        name, colon, value = line.partition(b":")
        if colon:
            found.append((name.strip().decode("latin-1"), value))
    return found


def field(entity, name):
    """The first value, unfolded and stripped, as text; None."""
    for one, value in fields(cut(entity)[0]):
        if one.lower() == name.lower():
            return re.sub(rb"\r?\n", b"", value).strip().decode(
                "utf-8", "replace")
    return None


def count(entity, name):
    return sum(one.lower() == name.lower()
               for one, _ in fields(cut(entity)[0]))


def content_type(entity):
    """(type/subtype in lower case, parameters)"""
    value = field(entity, "Content-Type") or "text/plain"
    kind, _, rest = value.partition(";")
    pattern = r';\s*([^\s=;]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^\s;]*)'
    parameters = {}
    for name, text in re.findall(pattern, ";" + rest):
        if text.startswith('"'):
            text = re.sub(r"\\(.)", r"\1", text[1:-1])
        parameters[name.lower()] = text
    return kind.strip().lower(), parameters


def parts(body, boundary):
    """(parts, closed): the line end before a delimiter belongs to it."""
    delimiter = re.compile(rb"(?:^|\r?\n)--%s(--)?[ \t]*(?:\r?\n|$)"
                           % re.escape(boundary.encode()))
    found, begin, at = [], None, 0
    while True:
        match = delimiter.search(body, at)
        if not match:
            break
        if begin is not None:
            found.append(body[begin:max(begin, match.start())])
        if match.group(1):
            return found, True
        begin = match.end()
        # The line end that closes one delimiter may open the next.
        at = match.end() - (2 if body[:match.end()].endswith(b"\r\n") else 1)
        at = max(at, match.start() + 1)
    if begin is not None:
        found.append(body[begin:])
    return found, False


def decoded(entity):
    """The content of a leaf behind its transfer encoding; the encoded text
    itself when it is broken."""
    body = cut(entity)[1]
    encoding = (field(entity, "Content-Transfer-Encoding") or "7bit").lower()
    if encoding == "base64":
        try:
            return base64.b64decode(re.sub(rb"[ \t\r\n]", b"", body),
                                    validate=True)
        except ValueError:
            return body
    if encoding == "quoted-printable":
        return quopri.decodestring(body)
    return body


def leaves(entity):
    """[(fields without the transfer encoding, decoded content)] of all
    leaves, from the top down. A message/rfc822 part is opened too."""
    kind, parameters = content_type(entity)
    if kind.startswith("multipart/") and parameters.get("boundary"):
        inner, _ = parts(cut(entity)[1], parameters["boundary"])
        return [leaf for one in inner for leaf in leaves(one)]
    if kind == "message/rfc822":
        return leaves(decoded(entity))
    # Blanks at the end of a field mean nothing.
    kept = [(name, value.rstrip()) for name, value in fields(cut(entity)[0])
            if name.lower() != "content-transfer-encoding"]
    return [(kept, decoded(entity))]


def leaf_changes(before, after):
    """What differs in content between two entities, as text; "" for nothing.
    Fields may be added, never lost or changed."""
    old, new = leaves(before), leaves(after)
    if len(old) != len(new):
        return "%d leaves became %d" % (len(old), len(new))
    for number, ((fields_before, content), (fields_after, got)) in enumerate(
            zip(old, new), 1):
        lost = [one for one in fields_before if one not in fields_after]
        if lost:
            return "leaf %d lost %r, has %r" % (number, lost, fields_after)
        if got != content:
            return "leaf %d: %s" % (number, difference(content, got))
    return ""


def difference(want, got):
    """The first place where two byte strings differ, as text."""
    at = next((at for at, (one, two) in enumerate(zip(want, got))
               if one != two), min(len(want), len(got)))
    begin = max(at - 20, 0)
    return "at byte %d of %d, %d: want %r, got %r" % (
        at, len(want), len(got), want[begin:at + 60], got[begin:at + 60])


def signed(mail):
    """(content, DER) of a multipart/signed at the root, (None, DER) of an
    opaque one, None of anything else."""
    kind, parameters = content_type(mail)
    body = cut(mail)[1]
    if kind == "multipart/signed":
        two, closed = parts(body, parameters.get("boundary", ""))
        if len(two) != 2 or not closed:
            return None
        return two[0], decoded(two[1])
    if kind == "application/pkcs7-mime" and parameters.get(
            "smime-type") == "signed-data":
        return None, decoded(mail)
    return None


def is_signed(mail):
    return signed(mail) is not None


def entity_of(mail):
    """What gets signed: the Content-* fields and the body, bytes kept."""
    header, body = cut(mail)
    lines = re.split(rb"(?<=\n)(?![ \t])", header)
    kept = [line for line in lines if line[:8].lower() == b"content-"]
    return b"".join(kept) + b"\r\n" + body


def other_fields(mail, without=()):
    """The header fields that are not the content's, raw, in their order."""
    dropped = {one.lower() for one in without} | {"mime-version"}
    return [(name, value) for name, value in fields(cut(mail)[0])
            if not name.lower().startswith("content-")
            and name.lower() not in dropped]
