"""Announcements are alike: what nodes say beside key, address and time is soon known by heart.

Section:  fastrouter / Way 4: --fastrouter-subscription-server; announcements that are alike
What:     all nodes send the same pairs in the same order.  Key and address come first and the
          time last; the bytes between them are the same for many nodes, and at any time.

              datagram  header  key a.com  address 10.0.0.1:80  modifier1 0 ... weight 1  unix 17...
              read              a.com              10.0.0.1:80                                 17...
              known by heart                                    [-------- same -------]

          A datagram of another form, and one with a signature, is read as `parse` reads it.
Units:    sizes are bytes.
Errors:   none: a datagram that says nothing useful is None.
"""

from __future__ import annotations

from refuwsgi.protocol.subscription import Announcement, parse

MOST = 256  # texts known by heart; a peer could send another one each time
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


class AlikeAnnouncements:
    """Reads announcements; one for each receiver."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[bytes, Said | None] = {}  # None: read such a datagram as a whole

    def parse(self, datagram: bytes) -> Announcement | None:
        """Read a datagram; None when it names no key or no node that could be meant."""
        if len(datagram) < SHORTEST or not datagram.startswith(KEY, 4):
            return parse(datagram)
        # The second byte of both sizes must be 0: nothing is longer than 255 bytes.
        key_end = 11 + datagram[9]
        start = key_end + 11
        if datagram[10] or not datagram.startswith(ADDRESS, key_end) or start > len(datagram):
            return parse(datagram)
        end = start + datagram[start - 2]
        rest, time = datagram[end:-DIGITS], datagram[-DIGITS:]
        said = self._known.get(rest) or self._learnt(rest)
        # A key of another size than it says would not have been followed by `ADDRESS`, nor an
        # address by a text that is known.
        if said is None or datagram[start - 1] or not time.isdigit():
            return parse(datagram)
        if key_end == 11 or end == start:
            return None
        key, address, withdraws = datagram[11:key_end], datagram[start:end], datagram[3] != 0
        # As `_make` does, which counts once more.
        return new(Announcement, (key, address, withdraws, *said, int(time), b"", b"", ()))

    def _learnt(self, rest: bytes) -> Said | None:
        """Read what lies between address and time, once; None when it is not so simple."""
        if rest in self._known or len(rest) > LONG:
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
