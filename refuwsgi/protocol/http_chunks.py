r"""A body in chunks: it tells its length piece by piece.

Section:  ground / HTTP; chunked bodies
What:     decodes such a body as its bytes arrive, in whatever pieces they come.

              5;name=value\r\n     a size in hexadecimal digits; what follows `;` is ignored
              hello\r\n
              0\r\n                the last chunk
              Trailer: x\r\n       ignored, but limited
              \r\n

Units:    sizes are bytes.
Errors:   `ChunkError` when the format is broken or a limit is passed; after it the connection is
          useless, since nobody knows where the next request begins.
"""

from __future__ import annotations

from refuwsgi.protocol.http_target import CONTROLS_BUT_TAB, TOO_LARGE, HeadError

SIZE_DIGITS = 16
SIZE_LINE = 4096  # with its extensions
TRAILERS = 8192
DIGITS = b"0123456789abcdefABCDEF"
NOT_BEHIND = (b"content-length", b"host", b"transfer-encoding")  # what says where a request ends

SIZE, DATA, DATA_END, TRAILER, DONE = range(5)


class ChunkError(HeadError):
    """The peer's chunks are broken, or pass a limit."""


class ChunkDecoder:
    """Decodes one body."""

    __slots__ = ("_left", "_pending", "_state", "_trailers")

    def __init__(self) -> None:
        self._state = SIZE
        self._left = 0  # bytes of the present chunk that are still to come
        self._pending = b""  # the beginning of a line
        self._trailers = 0

    @property
    def done(self) -> bool:
        """Say whether the body has ended."""
        return self._state == DONE

    def step(self, received: bytes, place: int) -> int:
        """Where the line, or the data of the chunk, that begins at `place` ends."""
        if self._state == DATA:
            return min(place + self._left, len(received))
        return received.find(b"\n", place) + 1 or len(received)

    @property
    def between(self) -> bool:
        """Say whether a chunk has just ended."""
        return self._state == DATA_END

    @property
    def rest(self) -> bytes:
        """What came behind the end: the beginning of the next request."""
        return self._pending if self._state == DONE else b""

    def feed(self, received: bytes) -> bytes:
        """Take what has arrived, and return the bytes of the body in it."""
        data = self._pending + received if self._pending else received
        body: list[bytes] = []
        place, end = 0, len(data)
        while place < end and self._state != DONE:
            if self._state == DATA:
                piece = data[place : place + self._left]
                body.append(piece)
                place += len(piece)
                self._left -= len(piece)
                if not self._left:
                    self._state = DATA_END
                continue
            line_end = data.find(b"\r\n", place)
            if line_end < 0:
                self._check_unfinished(data, place)
                break
            self._line(data[place:line_end])
            place = line_end + 2
        self._pending = data[place:]
        return b"".join(body) if len(body) != 1 else body[0]

    def _line(self, line: bytes) -> None:
        """Go on after a whole line."""
        if self._state == SIZE:
            self._left = _size_of(line)
            self._state = DATA if self._left else TRAILER
        elif self._state == DATA_END:
            if line:
                raise ChunkError("a chunk is longer than its size")
            self._state = SIZE
        elif line:
            self._trailers += len(line) + 2
            if self._trailers > TRAILERS:
                raise ChunkError("trailers are too long", TOO_LARGE)
            _check_trailer(line)
        else:
            self._state = DONE

    def _check_unfinished(self, data: bytes, place: int) -> None:
        length = len(data) - place
        if self._state == DATA_END and data[place:] != b"\r":
            raise ChunkError("a chunk is longer than its size")
        if self._state == SIZE and (length > SIZE_LINE or b"\n" in data[place:]):
            raise ChunkError("the size of a chunk does not end")
        if self._state == TRAILER and self._trailers + length > TRAILERS:
            raise ChunkError("trailers are too long", TOO_LARGE)


def _size_of(line: bytes) -> int:
    size, semicolon, extension = line.partition(b";")
    if semicolon:
        size = size.rstrip(b" \t")  # "bad whitespace", which old clients send
    if not size or len(size) > SIZE_DIGITS or size.translate(None, DIGITS):
        raise ChunkError("the size of a chunk is no hexadecimal number")
    if len(line) > SIZE_LINE or len(extension.translate(None, CONTROLS_BUT_TAB)) != len(extension):
        raise ChunkError("the extension of a chunk is too long or has control characters")
    return int(size, 16)


def _check_trailer(line: bytes) -> None:
    name, colon, value = line.partition(b":")
    if not colon or not name or name[-1:] in b" \t" or name.lower() in NOT_BEHIND:
        raise ChunkError("a trailer is no header")
    if len(line.translate(None, CONTROLS_BUT_TAB)) != len(line):
        raise ChunkError("a control character in a trailer")
