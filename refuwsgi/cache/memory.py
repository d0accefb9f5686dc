"""Items in shared memory: rows, chains, blocks.

Section:  ground / the cache; how it lies in memory
What:     one piece of memory of a fixed layout, so that a file may be behind it.

              head | slots | expiry of each item | row of each item | used blocks | keys | blocks
              key --hash--> slot --> item --> next item of the slot ...

          Whoever calls has the lock.  A row says LIVE last when it is made and first says
          nothing when it goes; all else (chains, free rows, order of use, used blocks) can be
          made from the rows.  A word in the head is set while something changes: who finds it
          set knows that somebody died there, and makes all else anew.
Units:    sizes are bytes; times are seconds since 1970, 0 is never.
Errors:   none: what does not fit is refused with 0 or False.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator

from refuwsgi.cache.layout import (
    BLOCK,
    HASH,
    HEAD,
    HITS,
    KEY_SIZE,
    LIVE,
    MAGIC,
    MASK,
    NEXT,
    ROOM,
    ROW,
    SIZE,
    W_CHANGING,
    W_EARLIEST,
    W_FREE,
    W_HIGH,
    W_HITS,
    W_ITEMS,
    W_MAGIC,
    W_NEWEST,
    W_OLDEST,
    W_SALT,
    W_SHAPE,
    WORD,
    Shape,
)
from refuwsgi.cache.order import Order


class Memory:
    """Items in a piece of shared memory; the caller has the lock."""

    def __init__(self, shape: Shape, area: mmap.mmap) -> None:
        self.shape = shape
        self.area = area
        self.words = memoryview(area)[: shape.words * WORD].cast("Q")
        self._expires = HEAD + shape.slots
        self._rows = self._expires + shape.items
        self._used = shape.words * WORD
        self._keys = self._used + shape.blocks
        self._data = self._keys + shape.items * shape.key_size
        self._order = Order(self.words, self._rows)
        self._salt = hash(b"refuwsgi") & MASK  # differs from process to process, not from its forks

    # ------------------------------------------------------------------ whole or not

    def fits(self) -> bool:
        """Say whether the memory holds items of this shape."""
        words = self.words
        said = tuple(words[W_SHAPE + place] for place in range(len(self.shape)))
        return words[W_MAGIC] == MAGIC and said == tuple(map(int, self.shape))

    def format(self) -> None:
        """Begin with no item at all."""
        words = self.words
        words[W_MAGIC] = 0
        for place, value in enumerate(self.shape):
            words[W_SHAPE + place] = int(value)
        words[W_HIGH] = 0
        self.rebuild()
        words[W_MAGIC] = MAGIC

    def mend(self) -> None:
        """Make it whole if somebody died while changing it, or other hashes were used."""
        words = self.words
        if words[W_CHANGING] or words[W_SALT] != self._salt:
            self.rebuild()

    def rebuild(self) -> None:
        """Make everything anew that follows from the rows."""
        words, shape = self.words, self.shape
        words[W_CHANGING] = 1
        start = HEAD * WORD
        self.area[start : start + shape.slots * WORD] = bytes(shape.slots * WORD)
        self.area[self._used : self._keys] = bytes(shape.blocks)
        for place in (W_ITEMS, W_FREE, W_OLDEST, W_NEWEST, W_EARLIEST):
            words[place] = 0
        words[W_HIGH] = min(words[W_HIGH], shape.items - 1)
        for item in range(words[W_HIGH], 0, -1):
            row = self._rows + item * ROW
            if words[row + LIVE] == 1 and self._sound(row):
                words[row + HASH] = hash(self.key(item)) & MASK
                self._mark(words[row + BLOCK], words[row + ROOM], 1)
                self._link(item)
            else:
                self._release(item)
        words[W_SALT] = self._salt
        words[W_CHANGING] = 0

    def _sound(self, row: int) -> bool:
        words, shape = self.words, self.shape
        start, room = words[row + BLOCK], words[row + ROOM]
        if not (0 < words[row + KEY_SIZE] <= shape.key_size and start + room <= shape.blocks):
            return False
        if words[row + SIZE] > room * shape.block_size:
            return False
        return not any(self.area[self._used + start : self._used + start + room])

    # ------------------------------------------------------------------ looking

    def find(self, key: bytes) -> int:
        """Find an item; 0: there is none."""
        words = self.words
        hashed = hash(key) & MASK
        item = words[HEAD + hashed % self.shape.slots]
        while item:
            row = self._rows + item * ROW
            if words[row + HASH] == hashed and self.key(item) == key:
                return item
            item = words[row + NEXT]
        return 0

    def key(self, item: int) -> bytes:
        """The key of an item."""
        start = self._keys + item * self.shape.key_size
        return self.area[start : start + self.words[self._rows + item * ROW + KEY_SIZE]]

    def value(self, item: int) -> bytes:
        """The value of an item."""
        row = self._rows + item * ROW
        start = self._data + self.words[row + BLOCK] * self.shape.block_size
        return self.area[start : start + self.words[row + SIZE]]

    def expires(self, item: int) -> int:
        """When an item ends."""
        return self.words[self._expires + item]

    def hit(self, item: int) -> int:
        """Count a hit, and say which it is."""
        self.words[W_HITS] += 1
        row = self._rows + item * ROW
        self.words[row + HITS] += 1
        if self.shape.lru and self.words[W_NEWEST] != item:
            self.words[W_CHANGING] = 1
            self._order.leave(item)
            self._order.append(item)
            self.words[W_CHANGING] = 0
        return self.words[row + HITS]

    def items(self) -> Iterator[int]:
        """Every item."""
        words = self.words
        for item in range(1, words[W_HIGH] + 1):
            if words[self._rows + item * ROW + LIVE] == 1:
                yield item

    def expired(self, now: int) -> list[int]:
        """Every item whose time is over; notes when the next one's will be."""
        words = self.words
        times = words[self._expires : self._expires + words[W_HIGH] + 1].tolist()
        over = [item for item, until in enumerate(times) if 0 < until <= now and item]
        words[W_EARLIEST] = min((until for until in times[1:] if until > now), default=0)
        return over

    # ------------------------------------------------------------------ changing

    def add(self, key: bytes, value: bytes, expires: int) -> int:
        """Make an item; 0: there is no room."""
        words = self.words
        item = words[W_FREE] or words[W_HIGH] + 1
        if item >= self.shape.items:
            return 0
        start = self._place_for(item, len(value))
        if start < 0:
            return 0
        words[W_CHANGING] = 1
        row = self._rows + item * ROW
        if words[W_FREE]:
            words[W_FREE] = words[row + NEXT]
        else:
            words[row + LIVE] = 0
            words[W_HIGH] = item
        at = self._keys + item * self.shape.key_size
        self.area[at : at + len(key)] = key
        words[row + KEY_SIZE] = len(key)
        words[row + HASH] = hash(key) & MASK
        words[row + HITS] = 0
        self._write(item, start, value, expires)
        words[row + LIVE] = 1  # from here on it is an item, whatever happens
        self._link(item)
        words[W_CHANGING] = 0
        return item

    def replace(self, item: int, value: bytes, expires: int) -> bool:
        """Give an item another value; False: there is no room, and the old one stays."""
        words = self.words
        row = self._rows + item * ROW
        start, room = words[row + BLOCK], words[row + ROOM]
        place = start if self._blocks_for(value) == room else self._place_for(item, len(value))
        if place < 0:
            return False
        words[W_CHANGING] = 1
        words[row + LIVE] = 0  # half a value is none
        if place != start:
            self._mark(start, room, 0)
        self._write(item, place, value, expires)
        words[row + LIVE] = 1
        if self.shape.lru:
            self._order.leave(item)
            self._order.append(item)
        words[W_CHANGING] = 0
        return True

    def remove(self, item: int) -> None:
        """Let an item go."""
        words = self.words
        words[W_CHANGING] = 1
        row = self._rows + item * ROW
        words[row + LIVE] = 0
        slot = HEAD + words[row + HASH] % self.shape.slots
        while words[slot] != item:
            slot = self._rows + words[slot] * ROW + NEXT
        words[slot] = words[row + NEXT]
        if self.shape.lru:
            self._order.leave(item)
        self._mark(words[row + BLOCK], words[row + ROOM], 0)
        words[W_ITEMS] -= 1
        self._release(item)
        words[W_CHANGING] = 0

    def least_used(self) -> int:
        """The item that nobody has asked for in the longest time; 0: there is none."""
        return self.words[W_OLDEST]

    def _blocks_for(self, value: bytes) -> int:
        return -(-len(value) // self.shape.block_size)

    def _place_for(self, item: int, size: int) -> int:
        """The first of so many free blocks in a row; -1: there are not so many."""
        if not self.shape.bitmap:
            return item  # of a value in one block the place is that of its item
        wanted = bytes(-(-size // self.shape.block_size))
        found = self.area.find(wanted, self._used, self._keys)
        return found - self._used if found >= 0 else -1

    def _write(self, item: int, block: int, value: bytes, expires: int) -> None:
        words = self.words
        row = self._rows + item * ROW
        at = self._data + block * self.shape.block_size
        self.area[at : at + len(value)] = value
        words[row + BLOCK] = block
        words[row + SIZE] = len(value)
        words[row + ROOM] = room = self._blocks_for(value)
        self._mark(block, room, 1)
        words[self._expires + item] = expires
        if expires and not 0 < words[W_EARLIEST] <= expires:
            words[W_EARLIEST] = expires

    def _mark(self, block: int, count: int, used: int) -> None:
        at = self._used + block
        self.area[at : at + count] = bytes((used,)) * count

    def _link(self, item: int) -> None:
        words = self.words
        row = self._rows + item * ROW
        slot = HEAD + words[row + HASH] % self.shape.slots
        words[row + NEXT] = words[slot]
        words[slot] = item
        words[W_ITEMS] += 1
        until = words[self._expires + item]
        if until and not 0 < words[W_EARLIEST] <= until:
            words[W_EARLIEST] = until
        if self.shape.lru:
            self._order.append(item)

    def _release(self, item: int) -> None:
        words = self.words
        row = self._rows + item * ROW
        words[row + LIVE] = 0
        words[self._expires + item] = 0
        words[row + NEXT] = words[W_FREE]
        words[W_FREE] = item
