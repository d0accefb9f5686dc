"""Caches of other servers: asking them, and being asked.

Section:  ground / the cache; over the wire
What:     a uwsgi packet of modifier1 111 says what is wanted, a value may follow it.

              {cmd: get, key, cache}                  -->  {status: ok, size, expires} value
              {cmd: set, key, cache, size, expires} value  -->  {status: ok}

          What cannot be done is answered by the end of the connection.
Units:    sizes are bytes; timeouts and expires are seconds.
Errors:   none: a server that is dead, slow or strange has nothing under any key.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable

from refuwsgi import address
from refuwsgi.address import Address
from refuwsgi.cache.options import Caches
from refuwsgi.cache.store import Cache, Item, number_of
from refuwsgi.protocol.uwsgi import PacketError, encode, split, vars_of
from refuwsgi.request import DONE, NEXT, Request

MODIFIER1, MODIFIER2 = 111, 17
TIMEOUT = 4.0
LARGEST = 1 << 26  # bytes of a value that another server may send us
REPLY = 65540  # bytes of a packet, its header too


class RemoteCache:
    """A cache of another server."""

    def __init__(self, name: str, where: Address) -> None:
        self.name = name
        self._where = where
        self.largest = LARGEST

    @classmethod
    def named(cls, text: str) -> RemoteCache | None:
        """Read `name@address`."""
        name, _, where = text.partition("@")
        try:
            return cls(name, address.parse(where))
        except ValueError:
            return None

    def look_up(self, key: bytes) -> Item | None:
        """Find a key."""
        return self._ask(b"get", key)

    def exists(self, key: bytes) -> bool:
        """Say whether there is such a key."""
        return self._ask(b"exists", key) is not None

    def set(self, key: bytes, value: bytes, expires: int = 0, *, update: bool = False) -> bool:
        """Keep a value there."""
        return self._ask(b"update" if update else b"set", key, value, expires) is not None

    def delete(self, key: bytes) -> bool:
        """Let a key go."""
        return self._ask(b"del", key) is not None

    def clear(self) -> bool:
        """Let every key go."""
        return self._ask(b"clear", b"") is not None

    def number(self, key: bytes) -> int:
        """Read a number."""
        found = self.look_up(key)
        return number_of(found.value) if found is not None else 0

    def reckon(self, key: bytes, step: Callable[[int], int], expires: int = 0) -> bool:
        """Refuse: nobody could do it in one step."""
        return False

    def _ask(self, what: bytes, key: bytes, value: bytes = b"", expires: int = 0) -> Item | None:
        pairs = [(b"cmd", what), (b"cache", self.name.encode())]
        pairs += [(b"key", key)] if key else []
        if value:
            pairs += [(b"size", b"%d" % len(value)), (b"expires", b"%d" % expires)]
        try:
            packet = encode(pairs, MODIFIER1, MODIFIER2)
            with _connected(self._where) as sock:
                sock.sendall(packet + value)
                return _reply(sock)
        except (OSError, PacketError, ValueError):
            return None


def _connected(where: Address) -> socket.socket:
    if where.kind == "tcp":
        return socket.create_connection((where.host or "127.0.0.1", where.port), TIMEOUT)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.settimeout(TIMEOUT)
    try:
        # uWSGI: its abstract names have a closing NUL.
        sock.connect(where.path if where.kind == "unix" else f"\0{where.path}\0")
    except OSError:
        sock.close()
        raise
    return sock


def _reply(sock: socket.socket) -> Item | None:
    until = time.monotonic() + TIMEOUT
    received = b""
    while (found := split(received)) is None:
        received += _more(sock, until, REPLY)
    said = vars_of(found[0].block)
    if said.get(b"status") != b"ok":
        return None
    size = int(said.get(b"size", b"0"))
    if not 0 <= size <= LARGEST:
        return None
    value = bytearray(found[1])
    while len(value) < size:
        value += _more(sock, until, size - len(value))
    return Item(bytes(value[:size]), int(said.get(b"expires", b"0")), 0)


def _more(sock: socket.socket, until: float, limit: int) -> bytes:
    sock.settimeout(max(0.001, until - time.monotonic()))
    part = sock.recv(min(limit, REPLY))
    if not part:
        raise ConnectionError("the other server has nothing more to say")
    return part


class CacheServer:
    """The stage that answers other servers."""

    def __init__(self, caches: Caches) -> None:
        self._caches = caches

    def __call__(self, request: Request) -> int:
        """Answer a packet that is about a cache."""
        if request.modifier1 != MODIFIER1:
            return NEXT
        request.keep = False
        environ = request.environ
        cache = self._caches.named(environ.get("cache", ""))
        command = COMMANDS.get(environ.get("cmd", ""))
        if cache is None or command is None:
            return DONE
        reply = command(cache, environ.get("key", "").encode("latin-1"), request)
        if reply is not None:
            request.status = 200
            request.size = len(reply)
            request.send(reply)
        return DONE


Command = Callable[[Cache, bytes, Request], bytes | None]
OK = encode([(b"status", b"ok")], MODIFIER1, MODIFIER2)


def _get(cache: Cache, key: bytes, request: Request) -> bytes | None:
    item = cache.look_up(key)
    if item is None:
        return None
    said = [(b"status", b"ok"), (b"size", b"%d" % len(item.value))]
    if item.expires:
        said.append((b"expires", b"%d" % item.expires))
    return encode(said, MODIFIER1, MODIFIER2) + item.value


def _exists(cache: Cache, key: bytes, request: Request) -> bytes | None:
    return OK if cache.exists(key) else None


def _delete(cache: Cache, key: bytes, request: Request) -> bytes | None:
    return OK if cache.delete(key) else None


def _clear(cache: Cache, key: bytes, request: Request) -> bytes | None:
    cache.clear()
    return OK


def _keep(cache: Cache, key: bytes, request: Request) -> bytes | None:
    expires = request.environ.get("expires", "0")
    if request.body.left > cache.largest or not (expires.isascii() and expires.isdecimal()):
        return None
    value = request.body.read()
    update = request.environ["cmd"] == "update"
    return OK if cache.set(key, value, int(expires[:10]), update=update) else None


COMMANDS: dict[str, Command] = {
    "get": _get,
    "exists": _exists,
    "del": _delete,
    "clear": _clear,
    "set": _keep,
    "update": _keep,
}
