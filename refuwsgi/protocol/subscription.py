"""The announcement: one datagram by which a node tells a router that it serves a key.

Section:  fastrouter / Way 4: --fastrouter-subscription-server; the packet
What:     goes from a datagram to an `Announcement` and back.

    byte   0        1         2         3              4 ...
        +--------+-------------------+--------------+-----------------------------+
        |  224   |  size (16 bit LE) | 0 announces  | size, name, size, value ... |
        |        |                   | 1 withdraws  | every value is text         |
        +--------+-------------------+--------------+-----------------------------+

          A signature covers everything between the header and the pair ``sign``, which is the
          last.  It leaves byte 3 out; see the signature module for what that means.

Units:    sizes are bytes; `unix` is seconds since the epoch, by the sender's clock.
Errors:   none is raised: a datagram that says nothing useful is None, and a pair that is broken
          ends the reading; the pairs before it count.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

SUBSCRIBE = 224  # modifier1 of an announcement
LIMIT = 4096  # what is read of a datagram, as uWSGI does
LONGEST = 255  # a key or an address, in bytes
LARGEST = 1 << 40  # no number in an announcement means anything beyond

HEADER = struct.Struct("<BHB")
SIZE = struct.Struct("<H")


class Announcement(NamedTuple):
    """What a node says of itself under one key."""

    key: bytes
    address: bytes
    withdraws: bool = False
    modifier1: int = 0
    modifier2: int = 0
    cores: int = 0
    load: int = 0
    weight: int = 1
    backup: int = 0
    algorithm: bytes = b""
    protocol: bytes = b""
    notify: bytes = b""
    unix: int = 0
    sign: bytes = b""
    signed: bytes = b""  # the bytes that `sign` vouches for
    sni: tuple[tuple[bytes, bytes], ...] = ()  # what a TLS router needs; only ever sent


def parse(datagram: bytes) -> Announcement | None:
    """Read a datagram; None when it names no key or no node that could be meant."""
    if len(datagram) < HEADER.size:
        return None
    pairs, signed = _pairs(datagram)
    key, address = pairs.get(b"key", b""), pairs.get(b"address", b"")
    # Departure: uWSGI takes an empty key, and writes one of 256 bytes beyond its buffer.
    if not 0 < len(key) <= LONGEST or not 0 < len(address) <= LONGEST:
        return None
    return Announcement(
        key,
        address,
        withdraws=datagram[3] != 0,
        modifier1=_number(pairs, b"modifier1") & 0xFF,
        modifier2=_number(pairs, b"modifier2") & 0xFF,
        cores=_number(pairs, b"cores"),
        load=_number(pairs, b"load"),
        weight=_number(pairs, b"weight") or 1,
        backup=_number(pairs, b"backup"),
        algorithm=pairs.get(b"algo", b""),
        protocol=pairs.get(b"proto", b""),
        notify=pairs.get(b"notify", b""),
        unix=_number(pairs, b"unix"),
        sign=pairs.get(b"sign", b""),
        signed=signed,
    )


def _pairs(datagram: bytes) -> tuple[dict[bytes, bytes], bytes]:
    """Read the pairs up to the first broken one, and what lies before the signature."""
    # uWSGI: the size in the header is not looked at; the datagram has an end of its own.
    found: dict[bytes, bytes] = {}
    place, end = HEADER.size, len(datagram)
    while place < end:
        name = _sized(datagram, place)
        value = _sized(datagram, place + SIZE.size + len(name)) if name else None
        if not name or value is None:
            break
        found[name] = value
        if name == b"sign":
            # What comes behind the signature is not covered by it, and so is not read.
            return found, datagram[HEADER.size : place]
        place += 2 * SIZE.size + len(name) + len(value)
    return found, b""


def _sized(datagram: bytes, place: int) -> bytes | None:
    """The string at `place`, behind its own size; None when it runs past the end."""
    start = place + SIZE.size
    if start > len(datagram):
        return None
    (size,) = SIZE.unpack_from(datagram, place)
    return datagram[start : start + size] if start + size <= len(datagram) else None


def _number(pairs: dict[bytes, bytes], name: bytes) -> int:
    """A number in digits; what is no number counts as missing."""
    digits = pairs.get(name, b"")
    if not digits.isdigit() or len(digits) > 12:
        return 0
    return min(int(digits), LARGEST)


def encode(announcement: Announcement) -> bytes:
    """Make the datagram, without a signature: the pairs in the order in which uWSGI sends them."""
    said = announcement
    pairs = [
        (b"key", said.key),
        (b"address", said.address),
        (b"modifier1", b"%d" % said.modifier1),
        (b"modifier2", b"%d" % said.modifier2),
        (b"cores", b"%d" % said.cores),
        (b"load", b"%d" % said.load),
        (b"weight", b"%d" % said.weight),
    ]
    pairs += said.sni
    if said.backup:
        pairs.append((b"backup", b"%d" % said.backup))
    optional = ((b"algo", said.algorithm), (b"proto", said.protocol), (b"notify", said.notify))
    pairs += [(name, value) for name, value in optional if value]
    if said.unix:
        pairs.append((b"unix", b"%d" % said.unix))
    block = b"".join(_pair(name, value) for name, value in pairs)
    return with_header(block, withdraws=said.withdraws)


def with_header(block: bytes, *, withdraws: bool) -> bytes:
    """Put the header of an announcement or a withdrawal before the pairs."""
    return HEADER.pack(SUBSCRIBE, len(block), int(withdraws)) + block


def signed_with(datagram: bytes, sign: bytes) -> bytes:
    """Add the signature of a datagram's pairs to it, as the last pair."""
    block = datagram[HEADER.size :] + _pair(b"sign", sign)
    return with_header(block, withdraws=datagram[3] != 0)


def _pair(name: bytes, value: bytes) -> bytes:
    return SIZE.pack(len(name)) + name + SIZE.pack(len(value)) + value


def hash_of(key: bytes) -> int:
    """The hash under which uWSGI files a key, which its log and its stats show."""
    value = 5381
    for byte in key:
        value = value * 33 ^ byte  # what is beyond 32 bits never comes down into them
    return (value & 0xFFFFFFFF) % 0xFFFF
