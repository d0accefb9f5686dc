"""Packets of one sender are alike: what was there before need not be read again.

Section:  ground / the uwsgi protocol; packets that resemble each other
What:     a web server sends the same vars in the same order for every request, and most of them
          with the same value.  A reader that remembers the last packets reads only the values
          that change, and compares all the bytes between them in one go.

              packet    REQUEST_METHOD GET  QUERY_STRING a=1  SERVER_PORT 80  REMOTE_PORT 4711
              remembered     [------ same ------]          [----- same -----]
              read                               a=1                         4711

          A packet of another shape is read from its beginning; when two of them come, they are
          remembered instead.

Units:    sizes are bytes.
Errors:   `PacketError`, as `environ_of` raises it.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import AnyStr

from refuwsgi.protocol.uwsgi import SIZE, environ_of

Changing = tuple[str, bytes, int]  # a key, the bytes between its value and the next one's, how many


def pieces_of(
    block: bytes, found: Mapping[AnyStr, AnyStr], changing: Container[AnyStr]
) -> list[bytes]:
    """The bytes before, between and after the values that change; none if a key came twice.

    `found` are the vars of the block, as bytes or as text of one character for each byte.
    """
    pieces: list[bytes] = []
    begin = at = 0
    for key, value in found.items():
        size_of_value = at + SIZE.size + len(key)
        at = size_of_value + SIZE.size + len(value)
        if key in changing:
            pieces.append(block[begin:size_of_value])
            begin = at
    return [*pieces, block[begin:]] if at == len(block) else []


class AlikeReader:
    """Reads the vars of packets; one for each sender that goes its own way, such as a core."""

    __slots__ = ("_base", "_changing", "_keys", "_lead", "_lead_size", "_other_keys", "_plan")

    def __init__(self) -> None:
        self._keys: list[str] = []  # of the packets that resemble each other
        self._base: dict[str, str] = {}  # the vars of one of them
        self._changing: set[str] = set()  # keys that were seen with more than one value
        self._lead = b"\xff"  # what all of them begin with; this fits none
        self._lead_size = 0
        self._plan: tuple[Changing, ...] = ()
        self._other_keys: list[str] = []  # of the last packet that was not like them

    def environ_of(self, block: bytes) -> dict[str, str]:
        """Read the vars of a block: text, one character for each byte."""
        if not block.startswith(self._lead):
            return self._unlike(block)
        text = block.decode("latin-1")
        found = self._base.copy()
        at = self._lead_size
        try:
            for key, same, size in self._plan:
                start = at + 2
                at = start + (block[at] | block[at + 1] << 8)
                found[key] = text[start:at]
                if not block.startswith(same, at):
                    return self._unlike(block)
                at += size
        except IndexError:
            return self._unlike(block)  # which knows what to say of it
        return found if at == len(block) else self._unlike(block)

    def _unlike(self, block: bytes) -> dict[str, str]:
        """Read everything; when the packet has the keys of one before, learn what changes."""
        found = environ_of(block)
        keys = list(found)
        if keys == self._keys:
            base = self._base
            now = {key for key in keys if found[key] != base[key]}
            self._learn(block, found, self._changing | now)
        elif keys == self._other_keys:
            self._learn(block, found, set())
        else:
            self._other_keys = keys
        return found

    def _learn(self, block: bytes, found: dict[str, str], changing: set[str]) -> None:
        """Find the bytes before, between and after the values that change."""
        pieces = pieces_of(block, found, changing)
        if not pieces:
            return  # a key came twice: such packets are read as a whole
        self._keys, self._base = list(found), found.copy()
        self._changing = changing
        self._lead, *between = pieces
        self._lead_size = len(self._lead)
        keys = [key for key in found if key in changing]
        self._plan = tuple(
            [(key, same, len(same)) for key, same in zip(keys, between, strict=True)]
        )
