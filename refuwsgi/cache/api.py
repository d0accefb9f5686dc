"""The calls of the module `uwsgi` on caches.

Section:  ground / the cache; what applications call
What:     cache_get, cache_set and their kin.  A name such as ``pages@10.0.0.1:3031`` is the
          cache of another server.
Units:    times are seconds from now, 0 is never.
Errors:   as uWSGI has them: None for what cannot be done, TypeError for what is no string,
          ValueError in cache_keys for a cache that is none.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from refuwsgi import api
from refuwsgi.cache.options import Caches
from refuwsgi.cache.remote import RemoteCache
from refuwsgi.cache.store import Cache

Step = Callable[[int, int], int]


def bytes_of(value: Any) -> bytes:
    """Take bytes, or text as UTF-8."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode()
    raise TypeError(f"a bytes-like object or a string is required, not {type(value).__name__!r}")


def _divided(number: int, by: int) -> int:
    # As C divides: towards zero.
    return abs(number) // abs(by) * (1 if (number < 0) == (by < 0) else -1)


class Calls:
    """What an application may do with caches."""

    def __init__(self, caches: Caches) -> None:
        self._caches = caches

    def _cache(self, name: str | None) -> Cache | RemoteCache | None:
        if name and "@" in name:
            return RemoteCache.named(name)
        return self._caches.named(name or "")

    def cache_get(self, key: Any, cache: str | None = None) -> bytes | None:
        """Find a value."""
        found, wanted = self._cache(cache), bytes_of(key)
        item = found.look_up(wanted) if found is not None else None
        return item.value if item is not None else None

    def cache_exists(self, key: Any, cache: str | None = None) -> bool | None:
        """Say whether there is such a key."""
        found, wanted = self._cache(cache), bytes_of(key)
        return found is not None and found.exists(wanted) or None

    def cache_set(
        self, key: Any, value: Any, expires: int = 0, cache: str | None = None
    ) -> bool | None:
        """Keep a value under a new key."""
        return self._set(key, value, expires, cache, update=False)

    def cache_update(
        self, key: Any, value: Any, expires: int = 0, cache: str | None = None
    ) -> bool | None:
        """Keep a value, whatever was there."""
        return self._set(key, value, expires, cache, update=True)

    def _set(
        self, key: Any, value: Any, expires: int, cache: str | None, *, update: bool
    ) -> bool | None:
        found, name, content = self._cache(cache), bytes_of(key), bytes_of(value)
        return found is not None and found.set(name, content, expires, update=update) or None

    def cache_del(self, key: Any, cache: str | None = None) -> bool | None:
        """Let a key go."""
        found, name = self._cache(cache), bytes_of(key)
        return found is not None and found.delete(name) or None

    def cache_clear(self, cache: str | None = None) -> bool | None:
        """Let every key go."""
        found = self._cache(cache)
        if found is None:
            return None
        return found.clear() is not False or None

    def cache_keys(self, cache: str | None = None) -> list[bytes]:
        """Every key."""
        found = self._caches.named(cache or "")
        if found is None:
            raise ValueError("no local uWSGI cache available")
        return found.keys()

    def cache_num(self, key: Any, cache: str | None = None) -> int:
        """Read a number."""
        found, name = self._cache(cache), bytes_of(key)
        return found.number(name) if found is not None else 0

    def reckoner(self, step: Step, default: int) -> Callable[..., bool | None]:
        """Make a call that changes a number."""

        def reckon(
            key: Any, value: int = default, expires: int = 0, cache: str | None = None
        ) -> bool | None:
            found, name = self._cache(cache), bytes_of(key)
            if not isinstance(value, int):
                raise TypeError("an integer is required")
            if found is None:
                return None
            try:
                return found.reckon(name, lambda number: step(number, value), expires) or None
            except ZeroDivisionError:
                return None

        return reckon


STEPS: dict[str, tuple[Step, int]] = {
    "cache_inc": (lambda number, by: number + by, 1),
    "cache_dec": (lambda number, by: number - by, 1),
    "cache_mul": (lambda number, by: number * by, 2),
    "cache_div": (_divided, 2),
}


def install(caches: Caches) -> None:
    """Give applications the calls."""
    calls = Calls(caches)
    for name in ("get", "exists", "set", "update", "del", "clear", "keys", "num"):
        api.provide(f"cache_{name}", getattr(calls, f"cache_{name}"))
    for name, (step, default) in STEPS.items():
        api.provide(name, calls.reckoner(step, default))
