"""What a cache does for a server: answering at once, being swept, being told of.

Section:  ground / the cache; its place in the server
What:     the stage of ``check-cache``, the master's sweeper, the figures for the stats server.

              a GET whose REQUEST_URI is a key  -->  the value, as it is, head and all

Units:    seconds.
Errors:   none of its own.
"""

from __future__ import annotations

import time
from collections.abc import Coroutine
from typing import Any

from refuwsgi import log
from refuwsgi.cache import replicas
from refuwsgi.cache.options import CACHE_EXPIRE_FREQ, CACHE_NO_EXPIRE, Caches
from refuwsgi.cache.remote import CacheServer
from refuwsgi.cache.store import Cache
from refuwsgi.options import Config, Option, text
from refuwsgi.request import DONE, NEXT, Request, Stage

CHECK_CACHE: Option[str | None] = Option(
    "check-cache",
    text,
    default=None,
    help="answer a GET whose URI is a key of this cache, or of the first, with the value as it is",
    bare="",
)

SWEEPER = "cache sweeper thread enabled"


class CheckCache:
    """The stage that answers from a cache."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache

    def __call__(self, request: Request) -> int:
        """Answer with what is under the URI."""
        if request.environ.get("REQUEST_METHOD") != "GET":
            return NEXT
        item = self._cache.look_up(request.environ.get("REQUEST_URI", "").encode("latin-1"))
        if item is None:
            return NEXT
        request.keep = False  # nobody knows what the value says of its own end
        request.status = 200
        request.size = len(item.value)
        request.send(item.value)
        return DONE


def stages(config: Config, caches: Caches) -> list[Stage]:
    """The stages that come before all others."""
    found: list[Stage] = [CacheServer(caches)] if caches else []
    name = config[CHECK_CACHE]
    if name is not None:
        cache = caches.named(name)
        if cache is None:
            raise config.error(CHECK_CACHE, "the name of a cache: " + ", ".join(caches))
        found.append(CheckCache(cache))
    return found


class Sweeper:
    """What the master does for caches, once a second or less often."""

    def __init__(self, caches: Caches, period: int, *, sweeps: bool) -> None:
        self._swept = [cache for cache in caches.values() if sweeps and not cache.manners.lazy]
        self._synced = [cache for cache in caches.values() if cache.sync]
        self._period = period
        self._next = 0.0
        self._written = dict.fromkeys((cache.name for cache in self._synced), time.monotonic())

    def look(self, master: Any = None) -> None:
        """Sweep, and write files, if it is time."""
        now = time.monotonic()
        if now >= self._next:
            self._next = now + self._period
            for cache in self._swept:
                cache.sweep()
        for cache in self._synced:
            if now - self._written[cache.name] >= cache.sync:
                self._written[cache.name] = now
                cache.flush()


def sweeper(config: Config, caches: Caches) -> Sweeper:
    """Build what the master does for caches."""
    sweeps = bool(caches) and not config[CACHE_NO_EXPIRE] and bool(config[CACHE_EXPIRE_FREQ])
    if sweeps:
        log.line(SWEEPER)
    return Sweeper(caches, config[CACHE_EXPIRE_FREQ], sweeps=sweeps)


def servers(caches: Caches) -> list[Coroutine[Any, Any, None]]:
    """What the master runs for caches that are told of by datagrams."""
    return [replicas.serve(cache, sock) for cache in caches.values() for sock in cache.servers]


def figures(caches: Caches) -> dict[str, Any]:
    """What the stats server tells."""
    return {"caches": [cache.figures() for cache in caches.values()]} if caches else {}
