# SPDX-License-Identifier: Apache-2.0
"""A small writer of DER, and a reader that cuts it: for what no tool makes.

Values are bytes. A reader's element is (tag, content, whole).
"""

import time

NULL = b"\x05\x00"


def tlv(tag, *parts):
    content = b"".join(parts)
    length = len(content)
    if length < 128:
        return bytes([tag, length]) + content
    size = (length.bit_length() + 7) // 8
    return bytes([tag, 128 | size]) + length.to_bytes(size, "big") + content


def seq(*parts):
    return tlv(0x30, *parts)


def set_of(*parts):
    """Sorted, as DER wants it."""
    return tlv(0x31, *sorted(parts))


def integer(number):
    return tlv(0x02, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def enumerated(number):
    return tlv(0x0a, bytes([number]))


def boolean(value):
    return tlv(0x01, b"\xff" if value else b"\x00")


def octets(content):
    return tlv(0x04, content)


def bits(content, unused=0):
    return tlv(0x03, bytes([unused]), content)


def flags(*numbers):
    """A named bit list: trailing zero bits are left out."""
    top = max(numbers)
    value = sum(1 << (top - number) for number in numbers)
    unused = -(top + 1) % 8
    return bits((value << unused).to_bytes((top + 8) // 8, "big"), unused)


def oid(dotted):
    numbers = [int(one) for one in dotted.split(".")]
    content = b""
    for number in [numbers[0] * 40 + numbers[1], *numbers[2:]]:
        part = [number & 127]
        while number > 127:
            number >>= 7
            part.insert(0, 128 | number & 127)
        content += bytes(part)
    return tlv(0x06, content)


def algorithm(dotted, *parameters):
    return seq(oid(dotted), *parameters)


def moment(seconds):
    """UTCTime until 2049, GeneralizedTime behind it."""
    parts = time.gmtime(seconds)
    if parts.tm_year < 2050:
        return tlv(0x17, time.strftime("%y%m%d%H%M%SZ", parts).encode())
    return tlv(0x18, time.strftime("%Y%m%d%H%M%SZ", parts).encode())


def explicit(number, *parts):
    return tlv(0xa0 | number, *parts)


def implicit(number, element):
    """The element under a context tag, constructed if it was."""
    return bytes([0x80 | number | element[0] & 0x20]) + element[1:]


def extension(dotted, value, critical=False):
    return seq(oid(dotted), boolean(True) if critical else b"",
               octets(value))


def read(data):
    """All elements side by side in data."""
    found, at = [], 0
    while at < len(data):
        begin, tag, length = at, data[at], data[at + 1]
        at += 2
        if length & 128:
            size = length & 127
            length = int.from_bytes(data[at:at + size], "big")
            at += size
        found.append((tag, data[at:at + length], data[begin:at + length]))
        at += length
    return found


def inside(element):
    return read(element[1])
