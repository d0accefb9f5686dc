"""Announcements are alike: what nodes say beside key, address and time is soon known by heart.

Section:  fastrouter / Way 4: --fastrouter-subscription-server; announcements that are alike
What:     all nodes send the same pairs in the same order.  Key and address come first and the
          time last; the bytes behind the address are the same for many nodes, those behind the
          key for many keys of a node, and all of them at any time.

              datagram  header  key a.com  address 10.0.0.1:80  modifier1 0 ... weight 1  unix 17...
              read              a.com                                                          17...
              known by heart              [----- of a node -------------------------]
              or                                               [---- of many nodes -]

          A datagram of another form, and one with a signature, is read as `parse` reads it.
Units:    sizes are bytes.
Errors:   none: a datagram that says nothing useful is None.
"""

from __future__ import annotations

from refuwsgi.protocol.subscription import Announcement, parse

MOST = 256  # texts known by heart; a peer could send another one each time
MOST_NODES = 1024  # of these with an address
LONG = 512  # and no longer than this

KEY = b"\x03\x00key"
ADDRESS = b"\x07\x00address"
SIGN = b"\x04\x00sign"
UNIX = b"\x04\x00unix"
TIME = UNIX + b"\x0a\x00"  # and ten digits: from 2001 to 2286
DIGITS = 10
SHORTEST = 64  # no datagram of this form is shorter
SAMPLE = bytes(4) + KEY + b"\x01\x00k" + ADDRESS + b"\x01\x00a"
SAMPLE_TIME = 1234567890

new = tuple.__new__

Said = tuple[int, int, int, int, int, int, bytes, bytes, bytes]  # modifier1 to notify
Node = tuple[bytes, Said]  # its address first


class AlikeAnnouncements:
    """Reads announcements; one for each receiver."""

    __slots__ = ("_known", "_nodes")

    def __init__(self) -> None:
        self._nodes: dict[bytes, Node] = {}  # what lies between key and time
        self._known: dict[bytes, Said | None] = {}  # between address and time; None: not so simple

    def parse(self, datagram: bytes) -> Announcement | None:
        """Read a datagram; None when it names no key or no node that could be meant."""
        if len(datagram) < SHORTEST or not datagram.startswith(KEY, 4):
            return parse(datagram)
        # The second byte of a size must be 0: nothing is longer than 255 bytes.
        key_end = 11 + datagram[9]
        between, time = datagram[key_end:-DIGITS], datagram[-DIGITS:]
        node = self._nodes.get(between) or self._learnt(between)
        # A key of another size than it says would not have been followed by what is known.
        if node is None or datagram[10] or key_end == 11 or not time.isdigit():
            return parse(datagram)
        address, said = node
        key, withdraws = datagram[11:key_end], datagram[3] != 0
        # As `_make` does, which counts once more.
        return new(Announcement, (key, address, withdraws, *said, int(time), b"", b"", ()))

    def _learnt(self, between: bytes) -> Node | None:
        """Read what lies between key and time; None when it is not so simple."""
        if not between.startswith(ADDRESS) or between[10:11] != b"\0":
            return None
        end = 11 + between[9]
        address, rest = between[11:end], between[end:]
        if not address:
            return None
        said = self._known[rest] if rest in self._known else self._learnt_rest(rest)
        if said is None:
            return None
        if len(self._nodes) >= MOST_NODES:
            self._nodes.clear()
        self._nodes[between] = node = address, said
        return node

    def _learnt_rest(self, rest: bytes) -> Said | None:
        """Read what lies between address and time, once for all nodes that say the same."""
        if len(rest) > LONG:
            return None
        if len(self._known) >= MOST:
            self._known.clear()
        self._known[rest] = said = _said(rest)
        return said


def _said(rest: bytes) -> Said | None:
    """The fields that the pairs of `rest` tell, when all of them are whole and none is special."""
    if not rest.endswith(TIME) or rest.count(UNIX) > 1:
        return None
    if KEY in rest or ADDRESS in rest or SIGN in rest:
        return None
    found = parse(SAMPLE + rest + b"%d" % SAMPLE_TIME)
    if found is None or found.unix != SAMPLE_TIME:
        return None  # a broken pair hides those behind it
    return (
        found.modifier1,
        found.modifier2,
        found.cores,
        found.load,
        found.weight,
        found.backup,
        found.algorithm,
        found.protocol,
        found.notify,
    )
