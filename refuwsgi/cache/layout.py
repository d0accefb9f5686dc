"""Where in the memory of a cache what stands.

Section:  ground / the cache; its layout
What:     the words of the head, the words of an item's row, and the sizes of the regions.
Units:    sizes are bytes unless the name says words.
Errors:   none.
"""

from __future__ import annotations

from typing import NamedTuple

WORD = 8
MAGIC = 0x3145484341434652  # "RFCACHE1"
HEAD = 32  # words
(
    W_MAGIC,
    W_SALT,
    W_CHANGING,
    W_ITEMS,
    W_FREE,
    W_HIGH,
    W_OLDEST,
    W_NEWEST,
    W_HITS,
    W_MISS,
    W_FULL,
    W_MODIFIED,
    W_EARLIEST,
) = range(13)
W_SHAPE = 16  # the first of the words that say what the layout was made for
ROW = 10  # words
LIVE, HASH, NEXT, KEY_SIZE, SIZE, BLOCK, HITS, OLDER, NEWER, ROOM = range(ROW)
MASK = (1 << 64) - 1


class Shape(NamedTuple):
    """What decides the layout."""

    items: int  # one of them is never used
    blocks: int
    block_size: int
    key_size: int
    slots: int
    bitmap: bool  # a value may span blocks
    lru: bool  # the order of use is kept

    @property
    def words(self) -> int:
        """How many words stand before the bytes."""
        return HEAD + self.slots + self.items * (1 + ROW)

    @property
    def size(self) -> int:
        """How many bytes it takes."""
        tail = self.blocks * (1 + self.block_size) + self.items * self.key_size
        return self.words * WORD + tail
