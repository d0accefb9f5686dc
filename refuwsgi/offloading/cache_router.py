"""The cache router: what the cache holds is sent by a thread.

Section:  offloading / Offloading internal routing; the cache
What:     ``route-run = cache:key=${REQUEST_URI}`` answers with the value under the key, or leaves
          the request to the next rule.  The head and a copy of the value go to a thread in one
          piece, so that nothing can come between them.

              cache: cache-continue:              answer from a cache
              cachestore: cache-store:            keep the body of the answer in a cache
              cachevar: cacheset: cacheinc: ...   values and numbers
              incache:                            a condition

Units:    sizes are bytes, times seconds.
Errors:   ValueError at the start for arguments without a key; a cache that does not exist has
          nothing under any key.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from refuwsgi.cache.options import Caches
from refuwsgi.cache.remote import RemoteCache
from refuwsgi.cache.store import Cache, Item
from refuwsgi.offloading.engines import MemoryEngine
from refuwsgi.offloading.http_dates import http_date
from refuwsgi.request import Request
from refuwsgi.routing.answer import Headers, routed_of
from refuwsgi.routing.pairs import is_on, pairs_of
from refuwsgi.routing.text import Text
from refuwsgi.routing.transformations import Flush
from refuwsgi.routing.verdicts import BREAK, NEXT, Action, Groups, Maker, Test, TestMaker

NO_KEY = "invalid route syntax: you need to specify a cache key"
TypeOf = Callable[[bytes], str | None]


class Named:
    """The caches, found by the name in a rule: a local one, or one of another server."""

    def __init__(self, caches: Caches) -> None:
        self._caches = caches

    def of(self, pairs: Mapping[str, str]) -> Cache | RemoteCache | None:
        """The cache of a rule."""
        name = pairs.get("name", "")
        return RemoteCache.named(name) if "@" in name else self._caches.named(name)


def _read(argument: str, *needed: str) -> dict[str, str]:
    pairs = pairs_of(argument)
    if not pairs.get("key"):
        raise ValueError(NO_KEY)
    for name in needed:
        if not pairs.get(name):
            raise ValueError(f"invalid route syntax: you need to specify {name}")
    return pairs


def _key(text: Text, request: Request, groups: Groups) -> bytes:
    return text(request, groups).encode("latin-1", "replace")


class FromCache:
    """The action that answers from a cache."""

    def __init__(
        self,
        cache: Cache | RemoteCache | None,
        pairs: dict[str, str],
        type_of: TypeOf,
        verdict: int,
    ) -> None:
        self._cache = cache
        self._key = Text(pairs["key"])
        self._kind = pairs.get("content_type") or "text/html"
        self._coding = pairs.get("content_encoding", "")
        self._type_of = type_of if is_on(pairs, "mime") else None
        self._offload = not is_on(pairs, "no_offload")
        self._length = not is_on(pairs, "no_content_length", "no_cl", "nocl")
        self._verdict = verdict

    def __call__(self, request: Request, groups: Groups) -> int:
        """Answer, or leave it to the next rule."""
        if self._cache is None:
            return NEXT
        key = _key(self._key, request, groups)
        item = self._cache.look_up(key)
        if item is None:
            return NEXT
        headers = self._headers(key, item)
        # Departure: uWSGI hands the value over first, and writes the head while a thread sends.
        head = request.head("200 OK", headers)
        body = b"" if request.environ.get("REQUEST_METHOD") == "HEAD" else item.value
        request.size += len(body)
        if not self._length:
            request.keep = False
        mine = not self._offload or not body or request.tapped
        if self._verdict == NEXT:
            request.send(head + body)
            routed_of(request).answered()
        elif mine or not self._given(request, head + body):
            request.send(head + body)
        return self._verdict

    def _given(self, request: Request, data: bytes) -> bool:
        return request.offload is not None and request.offload(MemoryEngine(data), request)

    def _headers(self, key: bytes, item: Item) -> Headers:
        kind = (self._type_of(key) if self._type_of is not None else None) or self._kind
        headers = [("Content-Type", kind)]
        if self._coding:
            headers.append(("Content-Encoding", self._coding))
        if item.expires:
            headers.append(("Expires", http_date(item.expires)))
        if self._length:
            headers.append(("Content-Length", str(len(item.value))))
        return headers


class Stored(Flush):
    """Keeps a copy of the body, and puts it into a cache when it is whole."""

    def __init__(
        self, cache: Cache | RemoteCache, key: bytes, expires: int, status: int, gzip: bytes
    ) -> None:
        self._cache = cache
        self._key = key
        self._gzip = gzip
        self._expires = expires
        self._statuses = (200, status)
        self._pieces: list[bytes] = []
        self._room = cache.largest

    def feed(self, request: Request, data: bytes) -> bytes:
        """Copy a piece."""
        self._room -= len(data)
        if self._room >= 0:
            self._pieces.append(data)
        return data

    def finish(self, request: Request) -> bytes:
        """Store what there is."""
        body = b"".join(self._pieces)
        if body and self._room >= 0 and request.status in self._statuses:
            self._cache.set(self._key, body, self._expires, update=True)
            if self._gzip:
                import zlib

                packer = zlib.compressobj(wbits=31)
                packed = packer.compress(body) + packer.flush()
                self._cache.set(self._gzip, packed, self._expires, update=True)
        return b""


def _number(pairs: Mapping[str, str], name: str, default: int) -> int:
    value = pairs.get(name, "")
    if not value:
        return default
    if not (value.lstrip("-").isascii() and value.lstrip("-").isdecimal()):
        raise ValueError(f"expected a number for {name}, got {value!r}")
    return int(value)


def _store(named: Named) -> Maker:
    def make(argument: str) -> Action:
        pairs = _read(argument)
        cache, key = named.of(pairs), Text(pairs["key"])
        expires, status = _number(pairs, "expires", 0), _number(pairs, "status", 200)
        value = Text(pairs["value"]) if pairs.get("value") else None
        packed = Text(pairs["gzip"]) if pairs.get("gzip") else None

        def action(request: Request, groups: Groups) -> int:
            if cache is None:
                return NEXT
            name = _key(key, request, groups)
            if value is not None:
                cache.set(name, _key(value, request, groups), expires, update=True)
                return NEXT
            second = _key(packed, request, groups) if packed is not None else b""
            routed_of(request).transform(Stored(cache, name, expires, status, second))
            return NEXT

        return action

    return make


def _variable(named: Named) -> Maker:
    def make(argument: str) -> Action:
        pairs = _read(argument, "var")
        cache, key, variable = named.of(pairs), Text(pairs["key"]), pairs["var"]

        def action(request: Request, groups: Groups) -> int:
            item = cache.look_up(_key(key, request, groups)) if cache is not None else None
            if item is not None:
                request.environ[variable] = item.value.decode("latin-1")
            return NEXT

        return action

    return make


def _set(named: Named) -> Maker:
    def make(argument: str) -> Action:
        pairs = _read(argument, "value")
        cache, key, value = named.of(pairs), Text(pairs["key"]), Text(pairs["value"])
        expires = _number(pairs, "expires", 0)

        def action(request: Request, groups: Groups) -> int:
            if cache is None:
                return NEXT
            name, content = _key(key, request, groups), _key(value, request, groups)
            if cache.set(name, content, expires):
                return NEXT
            request.keep = False  # uWSGI: a key that is there ends the request without a byte
            return BREAK

        return action

    return make


def _reckon(named: Named, step: Callable[[int, int], int], default: int) -> Maker:
    def make(argument: str) -> Action:
        pairs = _read(argument)
        cache, key = named.of(pairs), Text(pairs["key"])
        by, expires = _number(pairs, "value", default), _number(pairs, "expires", 0)
        if not by and default == 2:
            raise ValueError("a value of 0 is nothing to multiply with or to divide by")

        def action(request: Request, groups: Groups) -> int:
            if cache is not None:
                name = _key(key, request, groups)
                cache.reckon(name, lambda number: step(number, by), expires)
            return NEXT

        return action

    return make


def actions(caches: Caches, type_of: TypeOf) -> Mapping[str, Maker]:
    """The actions on caches."""
    named = Named(caches)

    def answer(verdict: int) -> Maker:
        def make(argument: str) -> Action:
            pairs = _read(argument)
            return FromCache(named.of(pairs), pairs, type_of, verdict)

        return make

    return {
        "cache": answer(BREAK),
        "cache-continue": answer(NEXT),
        "cachestore": _store(named),
        "cache-store": _store(named),
        "cachevar": _variable(named),
        "cacheset": _set(named),
        "cacheinc": _reckon(named, lambda number, by: number + by, 1),
        "cachedec": _reckon(named, lambda number, by: number - by, 1),
        "cachemul": _reckon(named, lambda number, by: number * by, 2),
        "cachediv": _reckon(named, lambda number, by: int(number / by), 2),
    }


def conditions(caches: Caches) -> Mapping[str, TestMaker]:
    """The condition that asks whether a key is there."""
    named = Named(caches)

    def in_cache(argument: str) -> Test:
        pairs = _read(argument)
        cache, key = named.of(pairs), Text(pairs["key"])
        return lambda request, groups: (
            cache is not None and cache.exists(_key(key, request, groups))
        )

    return {"incache": in_cache}
