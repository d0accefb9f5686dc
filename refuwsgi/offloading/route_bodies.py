"""The body of a request on its way to another server.

Section:  offloading / Offloading internal routing; bodies of requests
What:     a thread carries on what has not come yet; nobody waits for it.  With post-buffering
          the body is read first: a small one goes with the request, one that had to go to disk
          is sent by the worker.  So is one without a length, which the other server is told.

Units:    sizes are bytes.
Errors:   `OSError` when the client leaves.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from refuwsgi.request import Body, Request
from refuwsgi.wsgi.body import PIECE, buffered

UNSIZED = 1 << 20  # bytes of a body without a length that are kept in memory


class Prepared:
    """A body: what is here already, and what is still to come."""

    __slots__ = ("_body", "_file", "held", "length", "small")

    def __init__(
        self,
        held: bytes,
        body: Body,
        length: int | None = None,
        file: BinaryIO | None = None,
    ) -> None:
        self.held = held
        self.length = length  # None: as the client has said
        self.small = file is None  # a thread may have it
        self._body = body
        self._file = file

    def pieces(self) -> Iterator[bytes]:
        """All of it."""
        if self.held:
            yield self.held
        if self._file is not None:
            with self._file as file:
                while piece := file.read(PIECE):
                    yield piece
        while self._body.left and (piece := self._body.receive(PIECE)):
            yield piece


def prepared(request: Request, memory: int, *, whole: bool) -> Prepared:
    """Take what there is of a body; `whole`: the worker will send it."""
    body = request.body
    if not body.left:
        return Prepared(b"", body)
    take = getattr(body, "held", None)
    if take is None or memory:
        return _read(body, memory or UNSIZED)
    return Prepared(b"" if whole else take(), body)


def _read(body: Body, memory: int) -> Prepared:
    file = buffered(body, memory - 1)  # uWSGI: a body of exactly this size goes to disk
    size = file.seek(0, 2)
    file.seek(0)
    if size < memory:
        return Prepared(file.read(), body, size)
    return Prepared(b"", body, size, file)
