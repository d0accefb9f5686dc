"""redis: and memcached: the value of another store is the answer.

Section:  offloading / The Future; a value of redis, a value of memcached
What:     the worker asks and hears how long the value is; what has not come yet goes to the
          client through a thread, exactly so many bytes.

              redis:addr=ADDR,key=K[,content_type=T][,no_offload=1]      memcached: likewise
              redisstore:addr=ADDR,key=K[,expires=S]                     memcachedstore: likewise

Units:    sizes are bytes, times seconds.
Errors:   ValueError at the start without an address or a key.  A store that has nothing, or that
          is dead, leaves the request to the next rule.
"""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Callable, Mapping

from refuwsgi import address, log
from refuwsgi.address import Address
from refuwsgi.offloading.engines import ChainEngine, MemoryEngine, PipeEngine
from refuwsgi.offloading.route_here import connected
from refuwsgi.request import Request
from refuwsgi.routing.answer import routed_of
from refuwsgi.routing.pairs import is_on, pairs_of
from refuwsgi.routing.text import Text
from refuwsgi.routing.transformations import Flush
from refuwsgi.routing.verdicts import BREAK, NEXT, Action, Groups, Maker

FIRST = 8192  # bytes that the worker reads itself
LARGEST = 1 << 29  # bytes of a value: as redis has it
REDIS = re.compile(rb"\$(-1|\d{1,10})\r\n")
MEMCACHED = re.compile(rb"(?:VALUE [^ ]+ \d+ (\d{1,10})(?: \d+)?\r\n|END\r\n)")
FAILED = "{}: {}: {}"

Ask = Callable[[bytes], bytes]
Keep = Callable[[bytes, bytes, int], bytes]


def redis_get(key: bytes) -> bytes:
    """Ask redis for a key."""
    return _command(b"GET", key)


def redis_set(key: bytes, value: bytes, expires: int) -> bytes:
    """Have redis keep a value."""
    if expires:
        return _command(b"SETEX", key, b"%d" % expires, value)
    return _command(b"SET", key, value)


def _command(*words: bytes) -> bytes:
    parts = [b"$%d\r\n%b\r\n" % (len(word), word) for word in words]
    return b"*%d\r\n%b" % (len(words), b"".join(parts))


def memcached_get(key: bytes) -> bytes:
    """Ask memcached for a key."""
    return b"get %b\r\n" % key


def memcached_set(key: bytes, value: bytes, expires: int) -> bytes:
    """Have memcached keep a value."""
    return b"set %b 0 %d %d\r\n%b\r\n" % (key, expires, len(value), value)


def _is_key(key: bytes) -> bool:
    """Say whether memcached could take it for a key, and for nothing else."""
    return 0 < len(key) <= 250 and all(33 <= each != 127 for each in key)


class Store:
    """A store and its words."""

    def __init__(self, name: str, ask: Ask, keep: Keep, reply: re.Pattern[bytes]) -> None:
        self.name = name
        self.ask = ask
        self.keep = keep
        self.reply = reply

    def takes(self, key: bytes) -> bool:
        """Say whether this can be a key there."""
        return self.ask is redis_get or _is_key(key)


STORES = (
    Store("redis", redis_get, redis_set, REDIS),
    Store("memcached", memcached_get, memcached_set, MEMCACHED),
)


class FromStore:
    """The action that answers with a value of a store."""

    def __init__(
        self, store: Store, where: Address, pairs: dict[str, str], after: int = BREAK
    ) -> None:
        self._store = store
        self._where = where
        self._after = after  # the verdict of a hit
        self._key = Text(pairs["key"])
        self._kind = pairs.get("content_type") or "text/html"
        self._offload = not is_on(pairs, "no_offload")

    def __call__(self, request: Request, groups: Groups) -> int:
        """Answer, or leave it to the next rule."""
        key = self._key(request, groups).encode("latin-1", "replace")
        if not self._store.takes(key):
            return NEXT
        try:
            sock = connected(self._where, request.timeout)
        except OSError as problem:
            log.line(FAILED.format(self._store.name, self._where.text(), problem))
            return NEXT
        with sock:
            try:
                found = self._asked(sock, key)
            except OSError as problem:
                log.line(FAILED.format(self._store.name, self._where.text(), problem))
                return NEXT
            if found is None:
                return NEXT
            self._answer(request, sock, *found)
        return self._after

    def _asked(self, sock: socket.socket, key: bytes) -> tuple[int, bytes] | None:
        """Ask for the key: the size of its value, and the beginning of it."""
        sock.sendall(self._store.ask(key))
        received = b""
        while (said := self._store.reply.match(received)) is None:
            part = sock.recv(FIRST)
            if not part or len(received) > FIRST:
                raise ConnectionError("strange words")
            received += part
        if said[1] in (None, b"-1") or int(said[1]) > LARGEST:
            return None
        size = int(said[1])
        return size, received[said.end() :][:size]

    def _answer(self, request: Request, sock: socket.socket, size: int, first: bytes) -> None:
        headers = [("Content-Type", self._kind), ("Content-Length", str(size))]
        head = request.head("200 OK", headers)
        if request.environ.get("REQUEST_METHOD") == "HEAD":
            request.send(head)
            return
        request.size += size
        left = size - len(first)
        if self._offload and request.offload is not None and not request.tapped:
            # Departure: uWSGI passes on all that comes, and never ends.
            begin = MemoryEngine(head + first)
            if not left and request.offload(begin, request):
                return
            rest = PipeEngine(os.dup(sock.fileno()), left)
            if left and request.offload(ChainEngine(begin, rest), request):
                return
            rest.close()
        request.send(head + first)
        while left:
            part = sock.recv(min(left, 65536))
            if not part:
                raise ConnectionAbortedError(f"{self._store.name} ended {left} bytes early")
            request.send(part)
            left -= len(part)


class ToStore(Flush):
    """Keeps a copy of the body, and gives it to a store when it is whole."""

    def __init__(self, store: Store, where: Address, key: bytes, expires: int) -> None:
        self._store = store
        self._where = where
        self._key = key
        self._expires = expires
        self._pieces: list[bytes] = []

    def feed(self, request: Request, data: bytes) -> bytes:
        """Copy a piece."""
        self._pieces.append(data)
        return data

    def finish(self, request: Request) -> bytes:
        """Store what there is."""
        body = b"".join(self._pieces)
        if not body or request.status != 200 or not self._store.takes(self._key):
            return b""
        try:
            with connected(self._where, request.timeout) as sock:
                sock.sendall(self._store.keep(self._key, body, self._expires))
                sock.recv(FIRST)
        except OSError as problem:
            log.line(FAILED.format(self._store.name, self._where.text(), problem))
        return b""


def _words(argument: str) -> tuple[Address, dict[str, str]]:
    pairs = pairs_of(argument)
    for name in ("addr", "key"):
        if not pairs.get(name):
            raise ValueError(f"invalid route syntax: you need to specify {name}")
    return address.parse(pairs["addr"]), pairs


def _get(store: Store, after: int = BREAK) -> Maker:
    def make(argument: str) -> Action:
        where, pairs = _words(argument)
        return FromStore(store, where, pairs, after)

    return make


def _keep(store: Store) -> Maker:
    def make(argument: str) -> Action:
        where, pairs = _words(argument)
        key, expires = Text(pairs["key"]), pairs.get("expires") or "0"
        if not (expires.isascii() and expires.isdecimal()):
            raise ValueError(f"expected a number of seconds, got {expires!r}")

        def action(request: Request, groups: Groups) -> int:
            name = key(request, groups).encode("latin-1", "replace")
            routed_of(request).transform(ToStore(store, where, name, int(expires)))
            return NEXT

        return action

    return make


def actions() -> Mapping[str, Maker]:
    """The actions on redis and memcached."""
    found = {}
    for store in STORES:
        found[store.name] = _get(store)
        found[f"{store.name}-continue"] = _get(store, NEXT)
        found[f"{store.name}store"] = found[f"{store.name}-store"] = _keep(store)
    return found
