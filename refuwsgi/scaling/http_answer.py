r"""The answer of a node, followed so that the client's connection can be kept.

Section:  scaling / http; where an answer ends
What:     reads the head of the answer and finds the end of its body: by its length, by its
          chunks, or because there is none (HEAD, 204, 304).  An answer that does not tell its
          length is cut into chunks, if that is wanted; otherwise the client is told that the
          connection will close.

              Content-Length: N          N bytes
              Transfer-Encoding          until the last chunk
              neither, http-auto-chunked "Transfer-Encoding: chunked" is inserted
              neither                    "Connection: close" is inserted

          Most answers of an application begin alike, but for the length; what such a head asks
          for is looked up, and the bytes are passed on where they are.

Units:    sizes are bytes.
Errors:   none: what is no HTTP/1.1 is passed on as it is, and the connection ends with it.
"""

from __future__ import annotations

import sys
from typing import Final

from refuwsgi.protocol.http import ChunkDecoder, ChunkError

END: Final = b"\r\n\r\n"
LARGEST_HEAD: Final = 1 << 18  # of an answer; a larger one is passed on without being understood
DIGITS: Final = 18

OF_LENGTH: Final = b"ength: "  # both Content-Length and content-length
ALIKE, ALIKE_HEAD = 256, 2048  # heads that are remembered, and the longest of them

HEAD, LENGTH, CHUNKS, CHUNKING, RAW, DONE = range(6)

Bytes = bytes | memoryview
Head = tuple[bytes, bytes]  # of an answer, without its end, and what to remember it by

UNFINISHED: Final = (b"", b"")


_alike: set[bytes] = set()  # heads without the digits of their length


def size_of(data: memoryview) -> int | Head:
    """The size of the answer that begins so, if the like of its head is known.

    The connection can be kept after it.  The answer to HEAD is not to be asked for.
    """
    head, end, _ = data[:ALIKE_HEAD].tobytes().partition(END)
    before, _, behind = head.partition(OF_LENGTH)
    digits, _, behind = behind.partition(b"\r\n")
    key = OF_LENGTH.join((before, behind))
    if key in _alike and end and digits.isdigit() and len(digits) <= DIGITS:
        return len(head) + len(END) + int(digits)
    return (head, key) if end else UNFINISHED


def is_whole(data: memoryview) -> bool:
    """Whether this is all of an answer, to anything but HEAD, as far as a look can tell.

    Its node will have nothing to add, so that nobody needs to wait for its end.
    """
    found = size_of(data)
    if isinstance(found, int):
        return found == len(data)
    if found is not UNFINISHED:
        Answer(bodiless=False, auto_chunked=False).feed(data)  # the next one like it will be known
    return False


def _remember(key: bytes, low: bytes) -> None:
    """Remember a head that has no wish but a length; `low` is all of it, in lower case."""
    gap = key.find(OF_LENGTH)
    if low[gap - 11 : gap] != b"\r\ncontent-l" or b"\r\nset-cookie:" in low:
        return
    if len(_alike) >= ALIKE:
        _alike.clear()
    _alike.add(key)


class Answer:
    """One answer on its way to the client."""

    __slots__ = ("_auto", "_bodiless", "_chunks", "_head", "_left", "_state", "keep")

    def __init__(self, *, bodiless: bool, auto_chunked: bool) -> None:
        self.keep = False  # may the client's connection be kept after it
        self._bodiless = bodiless  # the answer to HEAD
        self._auto = auto_chunked
        self._state = HEAD
        self._head = b""  # its beginning, while the end is missing
        self._left = 0
        self._chunks: ChunkDecoder | None = None

    @property
    def done(self) -> bool:
        """Whether the client has, or will have with what was returned, all of it."""
        return self._state == DONE

    @property
    def unread(self) -> int:
        """How many bytes will be passed on as they are."""
        if self._state == LENGTH:
            return self._left
        return sys.maxsize if self._state == RAW else 0

    def passed(self, size: int) -> None:
        """So many bytes were passed on as they are."""
        if self._state == LENGTH:
            self._left -= size
            if not self._left:
                self._state = DONE

    def feed(self, data: memoryview) -> Bytes:
        """Take what the node has sent; return what the client is to get.

        What is returned may be a part of `data`.
        """
        if self._state == LENGTH:
            return self._of_length(data)
        if self._state != HEAD:
            return self._of_body(data)
        found = UNFINISHED if self._head or self._bodiless else size_of(data)
        if isinstance(found, int):
            self.keep = True
            self._left, self._state = found, LENGTH
            return self._of_length(data)
        head, key = found
        if not head:
            return self._of_head(data)
        return self._of_whole(head + b"\r\n", key, data, len(head) + len(END))

    def end(self) -> bytes:
        """The node has ended: return what the client is still to get."""
        state, self._state = self._state, DONE
        if state == CHUNKING:
            return b"0\r\n\r\n"
        if state != DONE:
            self.keep = False  # cut short, or as long as it lasted
        return self._head if state == HEAD else b""

    def _of_body(self, data: memoryview) -> Bytes:
        if self._state == LENGTH:
            return self._of_length(data)
        if self._state == CHUNKING:
            return b"%x\r\n%b\r\n" % (len(data), bytes(data)) if data else b""
        if self._state == CHUNKS:
            return self._of_chunks(data)
        return data if self._state == RAW else b""

    def _of_length(self, data: memoryview) -> memoryview:
        left = self._left - len(data)
        if left > 0:
            self._left = left
            return data
        self._state = DONE
        return data[: self._left] if left else data

    def _of_chunks(self, data: memoryview) -> Bytes:
        assert self._chunks is not None
        received = bytes(data)
        try:
            self._chunks.feed(received)
        except ChunkError:
            self._state, self.keep = RAW, False
            return received
        if self._chunks.done:
            self._state = DONE
            rest = len(self._chunks.rest)
            return received[: len(received) - rest]
        return received

    def _of_head(self, data: memoryview) -> Bytes:
        begun = self._head
        whole = begun + data[:ALIKE_HEAD]
        end = whole.find(END) + len(END)
        if end < len(END) and len(data) > ALIKE_HEAD:
            whole = begun + data
            end = whole.find(END) + len(END)
        if end < len(END):
            if len(whole) > LARGEST_HEAD or not b"HTTP/1.1 ".startswith(whole[:9]):
                self._state, self._head = RAW, b""
                return whole
            self._head = whole
            return b""
        self._head = b""
        return self._of_whole(whole[: end - 2], b"", data, end - len(begun))

    def _of_whole(self, head: bytes, key: bytes, data: memoryview, place: int) -> Bytes:
        """Go on behind a head, which ends at that place of the data."""
        told = self._understood(head, key)
        behind = data[place:]
        if self._state == HEAD:
            return told + self._of_next(bytes(behind))
        body = self._of_body(behind) if behind else b""
        if len(told) == place == len(head) + 2 and len(body) == len(behind):
            return data  # nothing has changed
        return told + body

    def _of_next(self, data: bytes) -> bytes:
        """Go on behind 100 Continue or its like: the answer, or one more of them, is to come."""
        told: list[Bytes] = []
        place = 0
        while self._state == HEAD and (end := data.find(END, place)) >= 0:
            told.append(self._understood(data[place : end + 2], b""))
            place = end + len(END)
        if rest := memoryview(data)[place:]:
            told.append(self._of_head(rest) if self._state == HEAD else self._of_body(rest))
        return b"".join(told)

    def _understood(self, head: bytes, key: bytes) -> bytes:
        """Decide how the body ends; return the head as it is to be sent."""
        status = head[9:12]
        if head[:9] != b"HTTP/1.1 " or not status.isdigit() or status == b"101":
            self._state = RAW
        elif status[:1] == b"1":
            pass
        else:
            return self._framed(head, status, key)
        return head + b"\r\n"

    def _framed(self, head: bytes, status: bytes, key: bytes) -> bytes:
        low = head.lower()
        length = _value(low, b"\r\ncontent-length:")
        coding = _value(low, b"\r\ntransfer-encoding:")
        self.keep = b"close" not in (_value(low, b"\r\nconnection:") or b"")
        if self._bodiless or status in (b"204", b"304"):
            # Departure: uWSGI sends the chunks of an empty body here.
            self._state = DONE
        elif coding is not None:
            self._state = CHUNKS if coding == b"chunked" and length is None else RAW
            self._chunks = ChunkDecoder()
        elif length is not None:
            right = length.isdigit() and len(length) <= DIGITS
            self._left = int(length) if right else 0
            self._state = (LENGTH if self._left else DONE) if right else RAW
            if right and self.keep and key:
                _remember(key, low)
        elif not self.keep:
            self._state = RAW
        elif self._auto:
            self._state = CHUNKING
            return head + b"Transfer-Encoding: chunked\r\n\r\n"
        else:
            self._state, self.keep = RAW, False
            return head + b"Connection: close\r\n\r\n"
        self.keep = self.keep and self._state != RAW
        return head + b"\r\n"


def _value(head: bytes, name: bytes) -> bytes | None:
    """The value of a header; of several, all of them, so that no reader takes only one."""
    place = head.find(name)
    if place < 0:
        return None
    found = []
    while place >= 0:
        start = place + len(name)
        end = head.find(b"\r\n", start)
        found.append(head[start:end].strip(b" \t"))
        place = head.find(name, end)
    return b", ".join(found)
