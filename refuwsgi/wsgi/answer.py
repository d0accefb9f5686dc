"""An answer: start_response, write, and the rules about what may follow what.

Section:  ground / the application; start_response
What:     the head waits for the first bytes of the body, so that both go out in one piece and an
          error that comes early can still replace it.  No header is added.

              start_response()     chunk            chunk ...        end
              ---- head kept ----> head + chunk --> chunk ... -----> too few? close

Units:    sizes are bytes.
Errors:   `OSError` when the client has gone (then `gone` is set); what PEP 3333 forbids raises in
          the application.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from types import TracebackType
from typing import Any

from refuwsgi import log
from refuwsgi.request import Request
from refuwsgi.wsgi.environ import Environ
from refuwsgi.wsgi.fields import LARGEST_HEAD, UNKNOWN, Fields, fields_of, has_no_body
from refuwsgi.wsgi.files import Extent, FileEngine, send_file

JOINED = 131072  # a chunk up to this size is copied behind the head, to save a call
ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]


class Answer:
    """The answer that an application is giving to one request."""

    # Most answers never change most of these: as defaults of the class they cost nothing.
    _fields: Fields | None = None  # None until start_response was called
    _whole = -1  # a body of so many bytes can go out with its head, and that is all; -1: none can
    _left = UNKNOWN  # bytes that the announced length still allows, once the head is made
    _mute = False  # the head was all there is to say
    file: Extent | None = None  # goes out when the application has returned
    _kept: Any = None  # stays open until then
    _close = False  # and is closed by us
    sent = False  # the head has gone out
    gone = False
    accept_buffers = False

    def __init__(self, request: Request, environ: Environ) -> None:
        self.request = request
        self.environ = environ

    def start_response(
        self, status: str, headers: list[tuple[str, str]], exc_info: ExcInfo | None = None
    ) -> Callable[[bytes], None]:
        """Take status and headers; the last call before the first byte of the body counts."""
        if self.sent:
            if not exc_info:
                raise OSError("headers already sent")
            try:
                raise exc_info[1].with_traceback(exc_info[2])
            finally:
                exc_info = None  # no circle through this frame
        # uWSGI: a second call without exc_info is fine as long as nothing is sent.
        self._fields = fields = fields_of(status, headers)
        if self.file is None:
            self._whole = fields.whole
        if not fields.keep:
            self.request.keep = False
        return self.write

    @property
    def begun(self) -> bool:
        """Say whether there is a head to send."""
        return self._fields is not None

    def whole(self, result: Any) -> bool:
        """Send an answer that is there in one piece; False when it is not as simple as that."""
        # Nearly every answer is, so this is what `add` and `end` would do, without the questions
        # that have an answer here.
        if type(result) is not list or len(result) != 1:
            return False
        chunk, request = result[0], self.request
        if type(chunk) is not bytes or len(chunk) != self._whole or request.changed:
            return False
        if request.environ.get("REQUEST_METHOD") == "HEAD":
            return False
        fields: Any = self._fields
        request.told = told = fields.heads.get(request.protocol) or fields.head_of(request.protocol)
        self.sent = True
        request.status = fields.code
        request.headers = fields.count
        request.head_size = told.size
        request.size = self._whole
        request.chunks = 1
        if request.body.left and "HTTP_EXPECT" in request.environ:
            request.keep = False  # as in `end`
        data = told.head + chunk
        try:
            sent = os.write(request.fd, data)
        except OSError as problem:
            sent = self._refused(problem)
        if sent < len(data):
            self._send(data[sent:])
        return True

    def _refused(self, problem: OSError) -> int:
        """See why nothing could be written: 0 if it can be later, and the error if it cannot."""
        if isinstance(problem, BlockingIOError):
            return 0
        self.gone = True
        self.request.keep = False
        self.request.core.write_errors += 1
        raise problem

    def write(self, data: bytes) -> None:
        """Send a piece of the body at once, for applications that cannot yield."""
        # Beyond: a thread may call it later, when the descriptor is that of another client.
        if self.request.core.answer is not self:
            raise OSError("write() after the request is over")
        self.add(data)

    def add(self, chunk: Any) -> bool:
        """Send a piece of the body; False when more of them would be in vain."""
        if type(chunk) is not bytes:
            chunk = self._bytes_of(chunk)
        if not chunk:
            return True
        request = self.request
        request.chunks += 1
        head = b"" if self.sent else self.take_head()
        if self._mute:
            # Departure: uWSGI sends what comes, and a kept connection takes it for an answer.
            if head:
                self._send(head)
            return False
        if 0 <= self._left < len(chunk):
            chunk = self._cut(chunk)
        elif self._left >= 0:
            self._left -= len(chunk)
        request.size += len(chunk)
        if head and len(chunk) > JOINED:
            self._send(head)
            head = b""
        self._send(head + chunk if head else chunk)
        return True

    def send_later(self, extent: Extent, file: Any, *, close: bool) -> None:
        """Send this file when the application has returned, unless it sends something itself."""
        self.file, self._kept, self._close = extent, file, close
        self._whole = -1

    def take_head(self) -> bytes:
        """Make the head, which from here on counts as sent."""
        fields = self._fields
        if fields is None:
            # Departure: uWSGI sends the body without a head.
            raise AssertionError("the application gives a body before it calls start_response()")
        request = self.request
        self._mute = has_no_body(fields.status, request.environ.get("REQUEST_METHOD", ""))
        if request.unchanged:
            head = request.head_of(fields.status, fields.text, len(fields.headers))
        else:
            head = request.head(fields.status, fields.headers[:])
        if len(head) > LARGEST_HEAD:
            raise ValueError(f"a head of {len(head)} bytes, at most {LARGEST_HEAD} allowed")
        self.sent = True
        self._left, self._whole = fields.length, -1
        return head

    def leave(self) -> None:
        """Say no more: somebody else has answered, or will."""
        self.sent = self._mute = True
        self._whole = -1

    def room_for(self, size: int) -> int:
        """How many of `size` bytes may follow the head; counts them as sent."""
        if self._mute:
            return 0
        if self._left == UNKNOWN:
            return size
        size = min(size, self._left)
        self._left -= size
        return size

    def end(self) -> None:
        """Finish: the head at least, and no connection kept whose answer has no clear end."""
        request = self.request
        if not self.sent:
            self._send(self.take_head())
        if request.body.left and "HTTP_EXPECT" in request.environ:
            request.keep = False  # the client may or may not send the body it asked about
        if self._left and not self._mute:
            request.keep = False
            if self._left > 0:
                log.line(f"the application sent {self._left} bytes less than its Content-Length")

    def _cut(self, chunk: bytes) -> bytes:
        """Keep what the announced length still allows."""
        # Departure: uWSGI sends it all, for the client to take for the next answer.
        if self._left or self.request.keep:
            more = len(chunk) - self._left
            log.line(f"the application sends {more} bytes more than its Content-Length")
        self.request.keep = False
        chunk, self._left = chunk[: self._left], 0
        return chunk

    def _bytes_of(self, chunk: Any) -> bytes:
        """Make bytes of what is none, or skip it as uWSGI does."""
        if isinstance(chunk, bytes):
            return chunk
        if self.accept_buffers and isinstance(chunk, bytearray | memoryview):
            return bytes(chunk)
        if chunk is not None:
            kind = type(chunk).__name__
            log.line(f"[ERROR] Unhandled object from iterator: {kind!r} (0x{id(chunk):x})")
        return b""

    def send_file(self, extent: Extent, engine: FileEngine | None) -> bool:
        """Send the head and a file; True when an offload thread does it."""
        head = self.take_head()
        length = self.room_for(extent.length)
        request = self.request
        try:
            sent = send_file(request, head, extent._replace(length=length), engine)
        except OSError:
            self.gone = True
            request.keep = False
            raise
        finally:
            if self._close:
                self._kept.close()
        if sent < 0:
            request.size += length
            return True
        request.size += sent
        if sent < length:
            request.keep = False  # the file has become shorter
        self.end()
        return False

    def _send(self, data: bytes) -> None:
        try:
            if data:
                self.request.send(data)
        except OSError:
            self.gone = True
            self.request.keep = False
            raise
