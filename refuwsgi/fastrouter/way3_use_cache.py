"""Way 3: the cache names the node.

Section:  fastrouter / Way 3: --fastrouter-use-cache
What:     looks the key of a request up in the cache; the value is the node.
Value:    ``address`` or ``address,modifier1``; several, joined with ``|``, are taken in turn, one
          for each hit of the key.
Errors:   `OptionError` when there is no such cache.  A key that is not cached, or a value that is
          no node, is not an error but None: the router turns to its fallback, or drops the client.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from refuwsgi.nodes import Node
from refuwsgi.options import Config, Option, OptionError, text

USE_CACHE: Option[str | None] = Option(
    "fastrouter-use-cache",
    text,
    default=None,
    help="find the node of a request in the cache of this name, or in the first cache",
    bare="",
)


class Item(Protocol):
    """What a cache keeps under a key."""

    @property
    def value(self) -> bytes:
        """The bytes that were stored."""

    @property
    def hits(self) -> int:
        """How often the key was found."""


class Cache(Protocol):
    """What this way needs of a cache."""

    def look_up(self, key: bytes) -> Item | None:
        """Find a key, and count the hit."""


class UseCache:
    """The way of mapping that asks a cache."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache

    def node_for(self, key: bytes) -> Node | None:
        """Name the node whose turn it is to answer `key`."""
        item = self._cache.look_up(key)
        if item is None:
            return None
        choices = item.value.split(b"|")
        return Node.parse(choices[item.hits % len(choices)])


def configured(config: Config, caches: Mapping[str, Cache]) -> UseCache | None:
    """Build the way that the operator asked for, if it is this one."""
    name = config[USE_CACHE]
    if name is None:
        return None
    if not caches:
        raise OptionError(
            f"{USE_CACHE.name}: you need to create a uwsgi cache to use the uWSGI fastrouter "
            "(add --cache <n>)"
        )
    if name and name not in caches:
        # Departure: uWSGI finds out in the router's process, which it then respawns for ever.
        raise config.error(USE_CACHE, "the name of a cache: " + ", ".join(caches))
    return UseCache(caches[name] if name else next(iter(caches.values())))
