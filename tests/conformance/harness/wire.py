"""What a case sent and received: kept while it runs, printed when it fails.

What: clients and fake nodes note every piece; pieces that follow each other in one direction are
      one.  Of a long one its beginning is kept, of many the last.  Packets are decoded.
"""

import struct
from collections import deque

KEPT = 2048
SHOWN = 256
PIECES = 40


class Piece:
    """Bytes that went one way between the case and a peer."""

    __slots__ = ("arrow", "data", "peer", "size")

    def __init__(self, arrow: str, peer: str) -> None:
        self.arrow = arrow
        self.peer = peer
        self.data = b""
        self.size = 0

    def add(self, data: bytes) -> None:
        """Append bytes that went the same way."""
        self.data += data[: KEPT - len(self.data)]
        self.size += len(data)

    def lines(self) -> list[str]:
        """The piece as text: who, how much, the packet it is, hex beside characters."""
        if not self.size:
            return [f"{self.arrow} {self.peer} (closed)"]
        found = [f"{self.arrow} {self.peer} ({self.size} bytes)"]
        if decoded := packet_in(self.data):
            found.append(f"   {decoded}")
        found += [f"   {line}" for line in dump(self.data[:SHOWN])]
        if self.size > SHOWN:
            found.append(f"   ... and {self.size - SHOWN} bytes more")
        return found


_pieces: deque[Piece] = deque(maxlen=PIECES)


def clear() -> None:
    """Begin a case."""
    _pieces.clear()


def sent(peer: str, data: bytes) -> None:
    """Note what the case sent to a peer."""
    if data:
        _note("->", peer, data)


def received(peer: str, data: bytes) -> None:
    """Note what the case received from a peer; b"" is that the peer has closed."""
    _note("<-", peer, data)


def _note(arrow: str, peer: str, data: bytes) -> None:
    last = _pieces[-1] if _pieces else None
    if last is None or not data or (last.arrow, last.peer) != (arrow, peer):
        last = Piece(arrow, peer)
        _pieces.append(last)
    last.add(data)


def text() -> str:
    """Everything that is kept, in order."""
    return "\n".join(line for piece in list(_pieces) for line in piece.lines())


def dump(data: bytes) -> list[str]:
    """Hex and characters, sixteen bytes a line."""
    lines = []
    for at in range(0, len(data), 16):
        row = data[at : at + 16]
        letters = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
        lines.append(f"{at:06x}  {row.hex(' '):<47}  {letters}")
    return lines


def packet_in(data: bytes) -> str:
    """The uwsgi packet that the bytes begin with, in words; "" if they do not."""
    if len(data) < 4:
        return ""
    modifier1, size, modifier2 = struct.unpack_from("<BHB", data)
    pairs = _pairs(data[4 : 4 + size]) if len(data) >= 4 + size else None
    if not pairs:
        return ""
    words = ", ".join(f"{key}={value}" for key, value in pairs)
    return f"uwsgi packet: modifiers {modifier1}, {modifier2}; {len(pairs)} vars: {words}"


def _pairs(block: bytes) -> list[tuple[str, str]] | None:
    """The vars of a block; None if the lengths do not fit it."""
    items = []
    at = 0
    while at < len(block):
        size = int.from_bytes(block[at : at + 2], "little")
        if at + 2 + size > len(block):
            return None
        items.append(block[at + 2 : at + 2 + size].decode("latin-1"))
        at += 2 + size
    if len(items) % 2:
        return None
    return list(zip(items[::2], items[1::2], strict=True))
