"""Caches that tell each other what they are told, by datagrams.

Section:  ground / the cache; its copies on other servers
What:     a cache tells its nodes what was set and deleted; a server of datagrams takes that in.
          Nobody answers, and what is lost is lost.

              modifier1 111, modifier2 10:  key, value, expiry as digits
              modifier1 111, modifier2 11:  key

Units:    sizes are bytes; expiries are seconds since 1970, 0 is never.
Errors:   ValueError at the start for an address that is none or that somebody else has; a datagram
          that is none of these is ignored.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Mapping

from refuwsgi import address, log
from refuwsgi.address import Address
from refuwsgi.cache.store import Cache
from refuwsgi.loop import readable
from refuwsgi.options import JOIN, Config, Option, texts

CACHE_UDP_NODE: Option[tuple[str, ...]] = Option(
    "cache-udp-node",
    texts,
    default=(),
    help="tell this address what is set and deleted in the cache that `cache` makes",
    repeat=JOIN,
)
CACHE_UDP_SERVER: Option[tuple[str, ...]] = Option(
    "cache-udp-server",
    texts,
    default=(),
    help="take in at this address what other servers' caches tell",
    repeat=JOIN,
)

MODIFIER1, KEEP, DELETE = 111, 10, 11
HEADER = struct.Struct("<BHB")
SIZE = struct.Struct("<H")
LARGEST = 65507  # bytes of a datagram
DIGITS = 20  # of an expiry
ADDED = 'added udp node {} for cache "{}"'


class Strange(ValueError):
    """A datagram that says nothing about a cache."""


def told(what: int, *strings: bytes) -> bytes:
    """Write a datagram."""
    block = b"".join(SIZE.pack(len(each)) + each for each in strings)
    return HEADER.pack(MODIFIER1, len(block), what) + block


def understood(data: bytes) -> tuple[int, list[bytes]]:
    """Read a datagram: what is told, and its strings."""
    if len(data) < HEADER.size:
        raise Strange
    modifier1, size, what = HEADER.unpack_from(data)
    if modifier1 != MODIFIER1 or size != len(data) - HEADER.size:
        raise Strange
    strings, place = [], HEADER.size
    while place < len(data):
        if place + SIZE.size > len(data):
            raise Strange
        (length,) = SIZE.unpack_from(data, place)
        place += SIZE.size
        if place + length > len(data):
            raise Strange
        strings.append(data[place : place + length])
        place += length
    return what, strings


class Nodes:
    """Whom a cache tells."""

    def __init__(self, nodes: list[Address]) -> None:
        self._names = [(each.host or "127.0.0.1", each.port) for each in nodes]
        self._sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._sock.setblocking(False)

    def kept(self, key: bytes, value: bytes, until: int) -> None:
        """Tell that a value was set."""
        if len(key) + len(value) + DIGITS + 3 * SIZE.size + HEADER.size <= LARGEST:
            self._tell(told(KEEP, key, value, b"%d" % until))

    def deleted(self, key: bytes) -> None:
        """Tell that a key has gone."""
        self._tell(told(DELETE, key))

    def close(self) -> None:
        """Tell nobody any more."""
        self._sock.close()

    def _tell(self, datagram: bytes) -> None:
        for name in self._names:
            try:
                self._sock.sendto(datagram, name)
            except OSError:
                pass  # it does not hear: that is the nature of datagrams


def take_in(cache: Cache, data: bytes) -> bool:
    """Do what a datagram tells; False: it tells nothing."""
    try:
        what, strings = understood(data)
    except Strange:
        return False
    if what == DELETE and len(strings) == 1:
        cache.absorb(strings[0], None, 0)
        return True
    if what != KEEP or len(strings) != 3:
        return False
    digits = strings[2].rstrip(b"\0") or b"0"
    if not digits.isdigit() or len(digits) > DIGITS - 1:
        return False
    cache.absorb(strings[0], strings[1], int(digits))
    return True


async def serve(cache: Cache, sock: socket.socket) -> None:
    """Take in what comes, for ever."""
    while True:
        await readable(sock)
        try:
            take_in(cache, sock.recv(65536))
        except OSError:
            pass  # somebody has said that he does not listen


def attach(cache: Cache, words: Mapping[str, str], *, bind: bool) -> None:
    """Join a cache to others, as the words of a cache2 say."""
    nodes = _addresses(words.get("nodes") or words.get("udp_nodes") or "")
    if nodes:
        cache.nodes = Nodes(nodes)
        for node in nodes:
            log.line(ADDED.format(node.text(), cache.name))
    for where in _addresses(words.get("udp") or words.get("udp_servers") or "") if bind else ():
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            sock.bind((where.host, where.port))
        except OSError as problem:
            sock.close()
            raise ValueError(f"{where.text()}: {problem.strerror}") from None
        sock.setblocking(False)
        cache.servers.append(sock)


def _addresses(text: str) -> list[Address]:
    found = [address.parse(each) for each in text.split(";") if each]
    for each in found:
        if each.kind != "tcp":
            raise ValueError(f"expected HOST:PORT, got {each.text()!r}")
    return found


def of_default(config: Config) -> dict[str, str]:
    """The words that the older options stand for."""
    return {
        "nodes": ";".join(config[CACHE_UDP_NODE]),
        "udp": ";".join(config[CACHE_UDP_SERVER]),
    }
