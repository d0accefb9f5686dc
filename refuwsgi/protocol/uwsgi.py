"""The uwsgi packet: a header of four bytes, then a block.

Section:  ground / the uwsgi protocol
What:     finds packets in received bytes; goes from a block to vars and back.

    byte   0           1         2         3           4 ... 4+size
        +-----------+-------------------+-----------+-------------------+
        | modifier1 |  size (16 bit LE) | modifier2 |       block       |
        +-----------+-------------------+-----------+-------------------+
    a block of vars:  size (16 bit LE), key, size (16 bit LE), value, ...

Units:    sizes are bytes; a block has at most 65535.
Errors:   `PacketError`: the peer broke the format.  The caller drops the
          connection; no reply is defined.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from refuwsgi.options import Config, Option, number

BUFFER_SIZE = Option(
    "buffer-size",
    number,
    default=4096,
    help="largest block of a request, and largest head over HTTP, in bytes (at most 65535)",
    aliases=("b",),
)

HEADER = struct.Struct("<BHB")
SIZE = struct.Struct("<H")
MAX_BLOCK = 0xFFFF

PING = 100  # modifier1: the peer asks whether we are alive
SUBSCRIBE = 224  # modifier1: a node announces itself to a router


class PacketError(ValueError):
    """The peer's bytes are not a uwsgi packet."""


class Packet(NamedTuple):
    """A whole packet; what its block means depends on `modifier1`."""

    modifier1: int
    modifier2: int
    block: bytes


def buffer_size(config: Config) -> int:
    """The largest block that a worker takes; what the format cannot say is cut, with a warning."""
    wanted = config[BUFFER_SIZE]
    if wanted > MAX_BLOCK:
        where = config.where(BUFFER_SIZE)
        config.warnings.append(
            f"{where}: {BUFFER_SIZE.name}: {wanted} is more than a packet can hold, "
            f"{MAX_BLOCK} is used"
        )
    return min(wanted, MAX_BLOCK)


def split(received: bytes, limit: int = MAX_BLOCK) -> tuple[Packet, bytes] | None:
    """Take the first packet off `received`; None while it is incomplete."""
    if len(received) < HEADER.size:
        return None
    modifier1, size, modifier2 = HEADER.unpack_from(received)
    if size > limit:
        raise PacketError(f"block of {size} bytes, at most {limit} allowed")
    end = HEADER.size + size
    if len(received) < end:
        return None
    return Packet(modifier1, modifier2, received[HEADER.size : end]), received[end:]


def environ_of(block: bytes) -> dict[str, str]:
    """Read the vars of a block as a worker wants them: text, one character for each byte.

    The block is decoded once and sliced, which costs half of decoding each string;
    what a size says is checked by where the last string ends.
    """
    text = block.decode("latin-1")
    found: dict[str, str] = {}
    end, rest = len(block), 0
    try:
        while rest < end:
            start = rest + 2
            stop = start + (block[rest] | block[rest + 1] << 8)
            value = stop + 2
            rest = value + (block[stop] | block[stop + 1] << 8)
            if start == stop:
                raise PacketError("a var without a key")
            found[text[start:stop]] = text[value:rest]
    except IndexError:
        raise PacketError("a var runs past the block") from None
    if rest != end:
        raise PacketError("a var runs past the block")
    return found


def size_of(environ: Mapping[str, Any]) -> int:
    """How large a packet of these vars would be."""
    lengths = 4 * len(environ)
    try:
        # To join texts and measure the whole takes half as long as to measure each.
        return lengths + len("".join([*environ, *environ.values()]))
    except TypeError:  # an application may add anything
        return lengths + sum(len(str(each)) for pair in environ.items() for each in pair)


def vars_of(block: bytes) -> dict[bytes, bytes]:
    """Read the vars of a block; of two with the same key the later counts."""
    found: dict[bytes, bytes] = {}
    rest = 0
    while rest < len(block):
        key, rest = _sized(block, rest)
        if not key:
            raise PacketError("a var without a key")
        found[key], rest = _sized(block, rest)
    return found


def _sized(block: bytes, start: int) -> tuple[bytes, int]:
    """Read the string at `start`, behind its own size; also say where it ends."""
    text = start + SIZE.size
    if text > len(block):
        raise PacketError("a var ends inside its size")
    (size,) = SIZE.unpack_from(block, start)
    end = text + size
    if end > len(block):
        raise PacketError(f"a var of {size} bytes runs past the block")
    return block[text:end], end


def encode(pairs: Iterable[tuple[bytes, bytes]], modifier1: int = 0, modifier2: int = 0) -> bytes:
    """Make the packet that carries `pairs`; PacketError when they do not fit."""
    parts: list[bytes] = []
    for pair in pairs:
        for string in pair:
            if len(string) > MAX_BLOCK:
                raise PacketError(f"a var of {len(string)} bytes")
            parts += SIZE.pack(len(string)), string
    block = b"".join(parts)
    if len(block) > MAX_BLOCK:
        raise PacketError(f"block of {len(block)} bytes, at most {MAX_BLOCK} allowed")
    return HEADER.pack(modifier1, len(block), modifier2) + block
