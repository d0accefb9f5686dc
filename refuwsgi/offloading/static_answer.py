"""What a client gets for a file: the head, and the bytes through a thread or by the worker.

Section:  offloading / Offloading static files; the answer
What:     304, 206 and 416, the compressed twin, the headers in uWSGI's order, HEAD.  With
          offload threads the transfer is a thread's; without them the worker sends.

              one read       a small file: head and content leave in one piece
              sendfile       a large one: its content never enters this process

Units:    sizes are bytes.
Errors:   `OSError` from the client's socket; `TimeoutError` when it does not read.
"""

from __future__ import annotations

import os
import select
from typing import Final

from refuwsgi import log
from refuwsgi.offloading import static_ranges
from refuwsgi.offloading.engines import SMALL, FileEngine, MemoryEngine
from refuwsgi.offloading.http_dates import http_date, seconds_of
from refuwsgi.offloading.mime import Types
from refuwsgi.offloading.static_expires import Expires
from refuwsgi.offloading.static_paths import Found, Places
from refuwsgi.offloading.static_ranges import Range
from refuwsgi.offloading.static_twins import Twins, accepted
from refuwsgi.options import Option, flag
from refuwsgi.request import DONE, GIVEN, NEXT, Request, wait_for


def _serve_mode(value: str) -> str:
    header = MODES.get(value)
    if header is None:
        # Departure: uWSGI ignores a word that it does not know.
        raise ValueError("expected x-sendfile or x-accel-redirect")
    return header


MODES: Final = {
    "x-sendfile": "X-Sendfile",
    "xsendfile": "X-Sendfile",
    "x-accel-redirect": "X-Accel-Redirect",
    "xaccelredirect": "X-Accel-Redirect",
    "nginx": "X-Accel-Redirect",
}
FILE_SERVE_MODE = Option(
    "file-serve-mode",
    _serve_mode,
    default="",
    help="let the web server in front send the file: x-sendfile or x-accel-redirect",
    aliases=("fileserve-mode",),
)
# Beyond: uWSGI knows nothing but the time of the last change.
ETAG = Option(
    "static-etag",
    flag,
    default=False,
    help="send an ETag with static files and obey If-None-Match",
    bare="true",
)

HEADS = 512  # that are remembered
CHUNK = 1 << 20  # what the worker asks sendfile for at once
NOBODY_READS = "uwsgi_response_sendfile_do() TIMEOUT !!!"

Headers = list[tuple[str, str]]


class Answers:
    """How files are sent, as the operator wants it."""

    __slots__ = ("_heads", "_plain", "etag", "expires", "honour_range", "mode", "places", "twins",
                 "types")  # fmt: skip

    def __init__(
        self,
        places: Places,
        types: Types,
        *,
        expires: Expires | None = None,
        twins: Twins | None = None,
        honour_range: bool = False,
        mode: str = "",
        etag: bool = False,
    ) -> None:
        self.places = places
        self.types = types
        self.expires = expires
        self.twins = twins
        self.honour_range = honour_range
        self.mode = mode
        self.etag = etag
        # Whether a file alone decides what head it gets; then that is remembered.
        self._plain = not (etag or mode or honour_range or expires or twins)
        self._heads: dict[tuple[bytes, int, int, str], tuple[bytes, int]] = {}

    def answer(self, request: Request, found: Found) -> int:
        """Send a file; it is closed, or belongs to a thread, when this returns."""
        if self._plain and found.fd < 0:
            taken = self._sent_from_memory(request, found)
            if taken != NEXT:
                return taken
        coding, found, original = self._twin_of(request, found)
        try:
            status = found.status
            changed = http_date(int(status.st_mtime))
            etag = f'"{status.st_mtime_ns:x}-{found.size:x}"' if self.etag else None
            varying = [("ETag", etag)] if etag else []
            if self.twins is not None and self.twins.may_have(original):
                varying.append(("Vary", "Accept-Encoding"))  # Beyond: uWSGI forgets it
            if _unchanged(request, status.st_mtime, etag):
                request.send(request.head("304 Not Modified", varying))
                return DONE
            headers = self._headers(request, found, original, coding)
            if self.mode:
                path = os.fsdecode(found.path).encode("utf-8", "surrogateescape").decode("latin-1")
                headers += [(self.mode, path), ("Last-Modified", changed), *varying]
                request.keep = False  # the head does not say where the answer ends
                request.send(request.head("200 OK", headers))
                return DONE
            part = self._part_of(request, found, changed, etag)
            return send(request, found, part, headers, [("Last-Modified", changed), *varying])
        finally:
            found.close()

    def _sent_from_memory(self, request: Request, found: Found) -> int:
        """Send a small file that is at hand, if nobody but the file has a say in the answer."""
        environ = request.environ
        if (
            not found.content
            or environ.get("REQUEST_METHOD") != "GET"
            or "HTTP_IF_MODIFIED_SINCE" in environ
            or not request.unchanged
        ):
            return NEXT
        key = (found.path, found.status.st_mtime_ns, found.size, request.protocol)
        known = self._heads.get(key)
        if known is None:
            headers = self._headers(request, found, found.path, "")
            headers.append(("Content-Length", str(found.size)))
            headers.append(("Last-Modified", http_date(int(found.status.st_mtime))))
            known = request.head("200 OK", headers), len(headers)
            if len(self._heads) >= HEADS:
                self._heads.clear()
            self._heads[key] = known
        head, request.headers = known
        request.status, request.head_size, request.size = 200, len(head), found.size
        return transfer(request, found, 0, found.size, head, found.content)

    def _twin_of(self, request: Request, found: Found) -> tuple[str, Found, bytes]:
        """Take the twin if there is one: its coding, what to send, and the original's name."""
        if self.twins is not None and self.twins.may_have(found.path):
            for coding, suffix in accepted(request.environ.get("HTTP_ACCEPT_ENCODING", "")):
                twin = self.places.twin(found, suffix)
                if twin is not None:
                    found.close()
                    return coding, twin, found.path
        return "", found, found.path

    def _headers(self, request: Request, found: Found, original: bytes, coding: str) -> Headers:
        headers: Headers = []
        changed = found.status.st_mtime
        if self.expires is not None:
            headers += self.expires.by_name(original, request.environ, changed)
        if coding:
            headers.append(("Content-Encoding", coding))
        kind = self.types.type_of(original)
        if kind is not None:
            headers.append(("Content-Type", kind))
            if self.expires is not None:
                headers += self.expires.by_type(kind, changed)
        return headers

    def _part_of(
        self, request: Request, found: Found, changed: str, etag: str | None
    ) -> Range | None:
        if not self.honour_range or "HTTP_RANGE" not in request.environ:
            return None
        if not static_ranges.still_valid(request.environ.get("HTTP_IF_RANGE"), changed, etag):
            return None
        return static_ranges.wanted(request.environ["HTTP_RANGE"], found.size)


def _unchanged(request: Request, changed: float, etag: str | None) -> bool:
    """Say whether the client has the file already."""
    match = request.environ.get("HTTP_IF_NONE_MATCH")
    if match is not None and etag is not None:
        known = [each.strip().removeprefix("W/") for each in match.split(",")]
        return etag in known or "*" in known
    since = request.environ.get("HTTP_IF_MODIFIED_SINCE")
    seconds = seconds_of(since) if since else None
    return seconds is not None and int(changed) <= seconds


def send(
    request: Request, found: Found, part: Range | None, headers: Headers, last: Headers
) -> int:
    """Send all of a file, or a part of it, between two runs of headers."""
    start, length, status = 0, found.size, "200 OK"
    if part is not None:
        if not part.length:
            request.keep = False  # the head does not say that there is no body
            whole = [("Content-Range", f"bytes */{found.size}")]
            request.send(request.head("416 Requested Range Not Satisfiable", whole))
            return DONE
        start, length, status = part.first, part.length, "206 Partial Content"
    content = b""
    if 0 < length <= SMALL and request.environ.get("REQUEST_METHOD") != "HEAD":
        content = _content_of(found, start, length)
    headers.append(("Content-Length", str(length)))
    if part is not None:
        headers.append(("Content-Range", f"bytes {start}-{part.last}/{found.size}"))
    head = request.head(status, headers + last)
    if not length or request.environ.get("REQUEST_METHOD") == "HEAD":
        request.send(head)
        return DONE
    request.size += length
    return transfer(request, found, start, length, head, content)


def _content_of(found: Found, start: int, length: int) -> bytes:
    if found.content is not None:
        return found.content[start : start + length]
    content = os.pread(found.fd, length, start)
    if len(content) != length:
        raise ConnectionAbortedError("a file became shorter while it was read")
    return content


def transfer(
    request: Request, found: Found, start: int, length: int, head: bytes, content: bytes
) -> int:
    """Let a thread send head and body; the worker does it itself where there is none."""
    if request.tapped:
        request.send(head + content)
        while not content and length:
            piece = _content_of(found, start, min(length, CHUNK))
            request.send(piece)
            start, length = start + len(piece), length - len(piece)
        return DONE
    if request.offload is not None:
        if content:
            if request.offload(MemoryEngine(head + content), request):
                return GIVEN
        else:
            engine = FileEngine(found.fd, start, length, head)
            if request.offload(engine, request):
                found.take()
                return GIVEN
    request.via = "sendfile"
    request.send(head + content)
    if not content:
        send_file(request, found.fd, start, length)
    return DONE


def send_file(request: Request, fd: int, start: int, length: int) -> None:
    """Send a part of a file from the worker; the client has `timeout` for each step forward."""
    # The socket may block, with a time limit of its own, which would come on top of ours.
    os.set_blocking(request.fd, False)
    end = start + length
    while start < end:
        try:
            sent = os.sendfile(request.fd, fd, start, min(end - start, CHUNK))
        except BlockingIOError:
            try:
                wait_for(request.fd, select.POLLOUT, request.timeout)
            except TimeoutError:
                request.core.write_errors += 1
                log.line(NOBODY_READS)
                raise
            continue
        except OSError:
            request.core.write_errors += 1
            raise
        if not sent:
            raise ConnectionAbortedError("a file became shorter while it was sent")
        start += sent
