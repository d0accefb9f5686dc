"""One cache: what its processes may do with it, one at a time.

Section:  ground / the cache; one cache
What:     looks up, sets, counts, sweeps.  Every call takes the lock, which the kernel frees when
          its holder dies; what the holder left unfinished is mended by the next.
Units:    sizes are bytes; times are seconds since 1970, 0 is never.
Errors:   what cannot be is refused with False or None; a cache that is full says so in the log.
"""

from __future__ import annotations

import mmap
import socket
import time
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from refuwsgi import log
from refuwsgi.cache.layout import (
    W_EARLIEST,
    W_FULL,
    W_HITS,
    W_ITEMS,
    W_MISS,
    W_MODIFIED,
    Shape,
)
from refuwsgi.cache.memory import Memory
from refuwsgi.shared import Lock

FULL = '*** DANGER cache "{}" is FULL !!! ***'
PURGED = 'LRU item will be purged from cache "{}"'
FREED = 'freed {} items for cache "{}"'
COUNTER = 8  # bytes of a number
WRAP, SIGN = 1 << 64, 1 << 63

Clock = Callable[[], float]


class Item(NamedTuple):
    """What was found under a key."""

    value: bytes
    expires: int
    hits: int


class Manners(NamedTuple):
    """What a cache does where there is a choice."""

    lru: bool = False
    lazy: bool = False  # no sweeper comes by
    ignore_full: bool = False
    sweep_on_full: bool = False
    clear_on_full: bool = False
    no_expire: bool = False
    first: int = 0  # what a number begins with
    last_modified: bool = False
    report: bool = False  # say what the sweeper frees


class Copies(Protocol):
    """Who is told what changes."""

    def kept(self, key: bytes, value: bytes, until: int) -> None:
        """Hear that a value was set."""
        ...

    def deleted(self, key: bytes) -> None:
        """Hear that a key has gone."""
        ...


class Cache:
    """Keys and values that all processes share."""

    def __init__(
        self,
        name: str,
        shape: Shape,
        manners: Manners | None = None,
        *,
        area: mmap.mmap | None = None,
        clock: Clock = time.time,
        hash_name: str = "djb33x",
    ) -> None:
        self.name = name
        self.manners = manners or Manners()
        self.hash_name = hash_name
        self.nodes: Copies | None = None  # who is told what changes
        self.servers: list[socket.socket] = []  # where others tell us
        self.sync = 0  # seconds between two looks at its file; 0: none
        self._clock = clock
        self._lock = Lock()
        self._area = area if area is not None else mmap.mmap(-1, shape.size)
        self._memory = Memory(shape, self._area)
        if not self._memory.fits():
            self._memory.format()
        self._memory.mend()

    @property
    def shape(self) -> Shape:
        """How much there is room for."""
        return self._memory.shape

    @property
    def largest(self) -> int:
        """The size of the largest value."""
        shape = self._memory.shape
        return shape.block_size * (shape.blocks if shape.bitmap else 1)

    def __len__(self) -> int:
        return self._memory.words[W_ITEMS]

    # ------------------------------------------------------------------ looking

    def look_up(self, key: bytes) -> Item | None:
        """Find a key, and count the hit."""
        memory = self._memory
        with self._lock:
            item = self._found(key)
            if not item:
                memory.words[W_MISS] += 1
                return None
            hits = memory.hit(item)
            return Item(memory.value(item), memory.expires(item), hits)

    def exists(self, key: bytes) -> bool:
        """Say whether there is such a key."""
        with self._lock:
            return self._found(key) > 0

    def keys(self) -> list[bytes]:
        """Every key, in no order."""
        memory = self._memory
        now = int(self._clock())
        with self._lock:
            memory.mend()
            return [memory.key(item) for item in memory.items() if not self._over(item, now)]

    def number(self, key: bytes) -> int:
        """Read the number under a key; 0 when there is none."""
        with self._lock:
            item = self._found(key)
            return number_of(self._memory.value(item)) if item else 0

    # ------------------------------------------------------------------ changing

    def set(self, key: bytes, value: bytes, expires: int = 0, *, update: bool = False) -> bool:
        """Keep a value for so many seconds, 0 for ever; without `update` only under a new key."""
        until = int(self._clock()) + expires if expires > 0 else 0
        with self._lock:
            done = self._set(key, value, until, update=update)
        if done and self.nodes is not None:
            self.nodes.kept(key, value, until)
        return done

    def delete(self, key: bytes) -> bool:
        """Let a key go; False: there is none."""
        with self._lock:
            item = self._found(key)
            if item:
                self._memory.remove(item)
                self._changed()
        if item and self.nodes is not None:
            self.nodes.deleted(key)
        return item > 0

    def absorb(self, key: bytes, value: bytes | None, until: int) -> None:
        """Do what another server's cache has done: keep a value, or let a key go."""
        with self._lock:
            if value is not None:
                self._set(key, value, until, update=True)
            elif item := self._found(key):
                self._memory.remove(item)

    def clear(self) -> None:
        """Let every key go."""
        with self._lock:
            self._memory.mend()
            self._clear()

    def reckon(self, key: bytes, step: Callable[[int], int], expires: int = 0) -> bool:
        """Change the number under a key; a new one begins with the cache's first."""
        until = int(self._clock()) + expires if expires > 0 else 0
        memory = self._memory
        with self._lock:
            item = self._found(key)
            before = number_of(memory.value(item)) if item else self.manners.first
            after = (step(before) % WRAP).to_bytes(COUNTER, "little")
            until = until or (memory.expires(item) if item else 0)
            done = self._set(key, after, until, True)
        if done and self.nodes is not None:
            self.nodes.kept(key, after, until)
        return done

    def sweep(self) -> int:
        """Let go what is over; say how many items that were."""
        memory = self._memory
        now = int(self._clock())
        if self.manners.no_expire or not 0 < memory.words[W_EARLIEST] <= now:
            return 0
        with self._lock:
            memory.mend()
            over = self._sweep(now)
        if over and self.manners.report:
            log.line(FREED.format(over, self.name))
        return over

    def flush(self) -> None:
        """Write it to its file."""
        self._area.flush()

    # ------------------------------------------------------------------ with the lock

    def _found(self, key: bytes) -> int:
        memory = self._memory
        memory.mend()
        item = memory.find(key)
        # Departure: uWSGI hands out what is over until its sweeper has come by, and items that
        # make room by their use for ever.
        if item and self._over(item, int(self._clock())):
            memory.remove(item)
            return 0
        return item

    def _over(self, item: int, now: int) -> bool:
        until = self._memory.expires(item)
        return 0 < until <= now and not self.manners.no_expire

    def _set(self, key: bytes, value: bytes, until: int, update: bool) -> bool:
        memory = self._memory
        if not 0 < len(key) <= memory.shape.key_size or not 0 < len(value) <= self.largest:
            return False
        item = self._found(key)
        if item and not update:
            return False
        done = memory.replace(item, value, until) if item else memory.add(key, value, until) > 0
        while not done and self._make_room():
            item = memory.find(key)
            done = memory.replace(item, value, until) if item else memory.add(key, value, until) > 0
        if done:
            self._changed()
            return True
        memory.words[W_FULL] += 1
        if not self.manners.ignore_full:
            log.line(FULL.format(self.name))
        return False

    def _make_room(self) -> bool:
        manners, memory = self.manners, self._memory
        if manners.lru and memory.least_used():
            log.line(PURGED.format(self.name))
            memory.remove(memory.least_used())
            return True
        if manners.sweep_on_full and self._sweep(int(self._clock())):
            return True
        if manners.clear_on_full and len(self):
            self._clear()
            return True
        return False

    def _sweep(self, now: int) -> int:
        over = self._memory.expired(now)
        for item in over:
            self._memory.remove(item)
        return len(over)

    def _clear(self) -> None:
        for item in list(self._memory.items()):
            self._memory.remove(item)
        self._changed()

    def _changed(self) -> None:
        if self.manners.last_modified:
            self._memory.words[W_MODIFIED] = int(self._clock())

    def figures(self) -> dict[str, Any]:
        """What the stats server tells of it."""
        words, shape = self._memory.words, self.shape
        return {
            "name": self.name,
            "hash": self.hash_name,
            "hashsize": shape.slots,
            "keysize": shape.key_size,
            "max_items": shape.items,
            "blocks": shape.blocks,
            "blocksize": shape.block_size,
            "items": words[W_ITEMS],
            "hits": words[W_HITS],
            "miss": words[W_MISS],
            "full": words[W_FULL],
            "last_modified_at": words[W_MODIFIED],
        }


def number_of(value: bytes) -> int:
    """Read eight bytes, the lowest first, with a sign."""
    found = int.from_bytes(value[:COUNTER], "little")
    return found - WRAP if found & SIGN else found
