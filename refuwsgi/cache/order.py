"""In which order items were used.

Section:  ground / the cache; the order of use
What:     a chain through the rows, from the item that nobody has used in the longest time to the
          one that was used last.
Units:    none.
Errors:   none.
"""

from __future__ import annotations

from refuwsgi.cache.layout import NEWER, OLDER, ROW, W_NEWEST, W_OLDEST


class Order:
    """The chain; whoever calls has the lock."""

    __slots__ = ("_rows", "_words")

    def __init__(self, words: memoryview, rows: int) -> None:
        self._words = words
        self._rows = rows

    def append(self, item: int) -> None:
        """Put an item behind all others."""
        words = self._words
        row = self._rows + item * ROW
        last = words[W_NEWEST]
        words[row + OLDER], words[row + NEWER] = last, 0
        if last:
            words[self._rows + last * ROW + NEWER] = item
        else:
            words[W_OLDEST] = item
        words[W_NEWEST] = item

    def leave(self, item: int) -> None:
        """Take an item out."""
        words = self._words
        row = self._rows + item * ROW
        older, newer = words[row + OLDER], words[row + NEWER]
        if older:
            words[self._rows + older * ROW + NEWER] = newer
        else:
            words[W_OLDEST] = newer
        if newer:
            words[self._rows + newer * ROW + OLDER] = older
        else:
            words[W_NEWEST] = older
