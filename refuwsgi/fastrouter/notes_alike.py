"""The notes of packets that resemble each other.

Section:  fastrouter / Notes; packets of one web server
What:     a web server sends the same vars in the same order, and most with the same value.  Of a
          packet like the last ones only the values that change are looked at; the bytes between
          them are compared in one go.

              packet    REQUEST_METHOD GET  QUERY_STRING a=1  HTTP_HOST x  REMOTE_PORT 4711
              compared  [------ same ------]          [---- same ----]
              read                               skipped                   4711

          Packets of another shape are read by `notes.asked_of`; now and then one of them is taken
          for a pattern.
Units:    sizes are bytes.
Errors:   `PacketError`, as `notes.asked_of` raises it.
"""

from __future__ import annotations

from typing import Final

from refuwsgi.fastrouter.notes import KEYS, LONGEST, asked_of, length_of
from refuwsgi.gateway_rules import Asked
from refuwsgi.protocol.uwsgi import vars_of
from refuwsgi.protocol.uwsgi_alike import pieces_of

SAMPLE: Final = 8  # one packet of so many unlike ones is learnt from: reading all of it costs

SKIPPED, KEY, LENGTH, CLIENT, PORT, PATH = range(6)
READ: Final = {
    b"CONTENT_LENGTH": LENGTH,
    b"REMOTE_ADDR": CLIENT,
    b"REMOTE_PORT": PORT,
    b"PATH_INFO": PATH,
}
NEVER: Final = (b"HTTP_UPGRADE", b"HTTP_TRANSFER_ENCODING")  # change what a session does

make: Final = tuple.__new__

Changing = tuple[int, bytes, int]  # what it is, the bytes up to the next one, how many these are


class AlikeNotes:
    """Reads what is asked, for a router whose clients are few web servers."""

    __slots__ = ("_asked", "_changing", "_lead", "_lead_size", "_plan", "_vars", "unlike_ones")

    def __init__(self) -> None:
        self._vars: dict[bytes, bytes] = {}  # of the packet that was learnt from
        self._changing: set[bytes] = set()  # keys that were seen with more than one value
        self._asked = Asked(b"")
        self._lead = b"\xff\xff\xff"  # what they begin with; this fits none
        self._lead_size = 0
        self._plan: tuple[Changing, ...] = ()
        self.unlike_ones = 0  # packets that were read as a whole

    def asked_of(self, block: bytes) -> Asked:
        """Read what the router needs to know of a request."""
        if not block.startswith(self._lead):
            return self._unlike(block)
        key, length, streams, client, port, path, _ = self._asked
        at = self._lead_size
        try:
            for what, same, size in self._plan:
                end = at + 2 + (block[at] | block[at + 1] << 8)
                if not block.startswith(same, end):
                    return self._unlike(block)
                if what:
                    value = block[at + 2 : end]
                    if what == PORT:
                        port = value
                    elif what == KEY:
                        key = value
                        if not 0 < len(value) <= LONGEST:
                            return self._unlike(block)
                    elif what == CLIENT:
                        client = value
                    elif what == PATH:
                        path = value
                    else:
                        length = length_of(value)
                at = end + size
        except IndexError:
            return self._unlike(block)  # which knows what to say of it
        if at != len(block):
            return self._unlike(block)
        plain = key != b"" and not (length or streams)
        # As Asked(...) does, which is a function of Python.
        return make(Asked, (key, length, streams, client, port, path, plain))

    def _unlike(self, block: bytes) -> Asked:
        """Read everything, and sometimes learn from it."""
        asked = asked_of(block)
        self.unlike_ones += 1
        if self.unlike_ones % SAMPLE == 1:
            self._learn(block, asked)
        return asked

    def _learn(self, block: bytes, asked: Asked) -> None:
        """Find out what changes in packets with these vars, and what is between."""
        found, before = vars_of(block), self._vars
        if list(found) == list(before):
            self._changing |= {name for name in found if found[name] != before[name]}
        else:
            self._vars, self._changing = found, set()
        changing = self._changing
        names = [name for name in KEYS if name in found]
        if changing.intersection(NEVER) or changing.intersection(names[1:]):
            changing = set()
        kinds = {**READ, **dict.fromkeys(names[:1], KEY)}
        pieces = pieces_of(block, found, changing)
        if not pieces or not changing:
            return  # a name came twice, or nothing is known yet
        self._asked = asked
        self._lead, *between = pieces
        self._lead_size = len(self._lead)
        order = [name for name in found if name in changing]
        self._plan = tuple(
            [
                (kinds.get(name, SKIPPED), same, len(same))
                for name, same in zip(order, between, strict=True)
            ]
        )
