"""Transformations: what rules do to a body on its way to the client.

Section:  ground / internal routing; transformations
What:     gzip, chunked, fixcl, template, flush, tofile.  Each takes pieces of the body and gives
          what may go on; the head waits until something goes on.
Units:    sizes are bytes.
Errors:   `OSError` from a file that cannot be written is logged.
"""

from __future__ import annotations

import os
import zlib

from refuwsgi import log
from refuwsgi.request import Request
from refuwsgi.routing.answer import Headers, Transformation, routed_of
from refuwsgi.routing.pairs import pairs_of
from refuwsgi.routing.text import Text
from refuwsgi.routing.verdicts import NEXT, Action, Groups, Maker

GZIP = 31  # window bits of a stream with the head of gzip


def without(headers: Headers, name: str) -> Headers:
    """Leave a header out."""
    return [each for each in headers if each[0].lower() != name]


class Gzip:
    """Compresses the body."""

    def __init__(self) -> None:
        self._packer = zlib.compressobj(wbits=GZIP)

    def feed(self, request: Request, data: bytes) -> bytes:
        """Compress a piece."""
        return self._packer.compress(data)

    def finish(self, request: Request) -> bytes:
        """Give what is still in the packer."""
        return self._packer.flush()

    def headers(self, request: Request, headers: Headers) -> Headers:
        """Say how the body is coded; its length is another now."""
        request.keep = False
        return [*without(headers, "content-length"), ("Content-Encoding", "gzip")]


class Chunked:
    """Sends the body in chunks."""

    def feed(self, request: Request, data: bytes) -> bytes:
        """Make a chunk of a piece."""
        return b"%x\r\n%b\r\n" % (len(data), data) if data else b""

    def finish(self, request: Request) -> bytes:
        """Make the last chunk."""
        return b"0\r\n\r\n"

    def headers(self, request: Request, headers: Headers) -> Headers:
        """Say that there are chunks."""
        return [*without(headers, "content-length"), ("Transfer-Encoding", "chunked")]


class FixLength:
    """Waits for the whole body, and says how long it is."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._size = 0

    def feed(self, request: Request, data: bytes) -> bytes:
        """Keep a piece."""
        self._pieces.append(data)
        self._size += len(data)
        return b""

    def finish(self, request: Request) -> bytes:
        """Give the body."""
        return b"".join(self._pieces)

    def headers(self, request: Request, headers: Headers) -> Headers:
        """Say the length."""
        if not self._size and request.environ.get("REQUEST_METHOD") == "HEAD":
            return headers
        return [*without(headers, "content-length"), ("Content-Length", str(self._size))]


class ForceLength(FixLength):
    """Says the length of an answer to HEAD, too."""

    def headers(self, request: Request, headers: Headers) -> Headers:
        """Say the length."""
        return [*without(headers, "content-length"), ("Content-Length", str(self._size))]


class Template(FixLength):
    """Fills in the holes of the whole body, as those of an argument."""

    def __init__(self, groups: Groups) -> None:
        super().__init__()
        self._groups = groups

    def finish(self, request: Request) -> bytes:
        """Give the body, filled in."""
        text = Text(super().finish(request).decode("latin-1"))
        return text(request, self._groups).encode("latin-1", "replace")

    def headers(self, request: Request, headers: Headers) -> Headers:
        """Leave the length out: it is another now."""
        request.keep = False
        return without(headers, "content-length")


class Flush:
    """Does nothing: pieces go on as they come."""

    def feed(self, request: Request, data: bytes) -> bytes:
        """Pass a piece on."""
        return data

    def finish(self, request: Request) -> bytes:
        """Give nothing more."""
        return b""

    def headers(self, request: Request, headers: Headers) -> Headers:
        """Leave the headers as they are."""
        return headers


class ToFile(Flush):
    """Writes the body to a file, too."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._file = -1

    def feed(self, request: Request, data: bytes) -> bytes:
        """Write a piece."""
        try:
            if self._file < 0:
                flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
                self._file = os.open(self._name.encode("latin-1"), flags, 0o644)
            os.write(self._file, data)
        except (OSError, ValueError) as problem:
            log.line(f"tofile: {problem}")
        return data

    def finish(self, request: Request) -> bytes:
        """Close the file."""
        if self._file >= 0:
            os.close(self._file)
        return b""


def _of(kind: type[Gzip] | type[Chunked] | type[FixLength] | type[Flush]) -> Maker:
    def make(argument: str) -> Action:
        def action(request: Request, groups: Groups) -> int:
            made: Transformation = kind()
            routed_of(request).transform(made)
            return NEXT

        return action

    return make


def _template(argument: str) -> Action:
    def action(request: Request, groups: Groups) -> int:
        routed_of(request).transform(Template(groups))
        return NEXT

    return action


def _chunked(argument: str) -> Action:
    def action(request: Request, groups: Groups) -> int:
        # Departure: uWSGI sends chunks to clients of HTTP/1.0, too, who know none.
        if request.protocol == "HTTP/1.1":
            routed_of(request).transform(Chunked())
        return NEXT

    return action


def _gzip(argument: str) -> Action:
    return _of(Gzip)(argument)


def to_file(argument: str) -> Action:
    """Write bodies to a file."""
    words = pairs_of(argument)
    if not words.get("filename"):
        raise ValueError("expected filename=NAME")
    name = Text(words["filename"])

    def action(request: Request, groups: Groups) -> int:
        routed_of(request).transform(ToFile(name(request, groups)))
        return NEXT

    return action


ACTIONS: dict[str, Maker] = {
    "gzip": _gzip,
    "chunked": _chunked,
    "fixcl": _of(FixLength),
    "forcecl": _of(ForceLength),
    "template": _template,
    "flush": _of(Flush),
    "tofile": to_file,
}
