"""socket: the cores speak the uwsgi protocol.

Section:  ground / one request on its way; the door through which a core gets uwsgi packets
What:     reads one packet, makes the vars, and knows how long the body is.  A router that connects
          to a UNIX socket may pass its client's descriptor along; such a request is answered
          there, and the router's own connection says, by its end, when that was done.

              client <---- answer ----+
                 |                    |
              router -- packet, fd -> core
Units:    sizes are bytes, timeouts seconds.
Errors:   a packet that is wrong is logged in one line and the connection ends; no reply is defined.
"""

from __future__ import annotations

import os
import select
import socket
import time
from typing import Any

from refuwsgi import log, passing
from refuwsgi.options import JOIN, Option, texts
from refuwsgi.protocol.uwsgi import PacketError
from refuwsgi.protocol.uwsgi_alike import AlikeReader
from refuwsgi.request import CHUNK, EMPTY, Body, Request, SizedBody, wait_for
from refuwsgi.scaling.bodies import ChunkedBody
from refuwsgi.scaling.http_link import KEEP
from refuwsgi.scoreboard import MAX_SHOWN, CoreRow
from refuwsgi.sockets import Listener

SOCKET: Option[tuple[str, ...]] = Option(
    "socket",
    texts,
    default=(),
    help="bind to this address and speak the uwsgi protocol",
    aliases=("s", "uwsgi-socket"),
    repeat=JOIN,
)
PROTOCOL: Option[str] = Option(
    "protocol",
    str,
    default="uwsgi",
    help="what a plain socket speaks: uwsgi, http or http11",
    aliases=("socket-protocol",),
)

PING = 100  # modifier1: is anybody there?
CACHE = 111  # modifier1: about a cache; `size` bytes of a value may follow


class UwsgiDoor:
    """A listening socket behind which the clients speak uwsgi."""

    def __init__(
        self,
        listener: Listener,
        limit: int,
        timeout: float,
        *,
        takes: bool = True,
        stays: bool = False,
    ) -> None:
        self.listener = listener
        self.limit = limit
        self._most_shown = min(4 + limit, MAX_SHOWN)
        self.timeout = timeout
        self.http = False
        self.keep = False
        self.may_offload = True
        self.tcp = listener.sock.family in (socket.AF_INET, socket.AF_INET6)
        self.stays = stays  # a client may ask to be kept, as our own router does
        self._takes = takes and not self.tcp  # descriptors that routers pass
        self._read = AlikeReader().environ_of

    def for_core(self) -> UwsgiDoor:
        """The same door, for one core alone."""
        return UwsgiDoor(
            self.listener, self.limit, self.timeout, takes=self._takes, stays=self.stays
        )

    def drain(self, timeout: float) -> None:
        """Nothing stands between the cores and the clients."""

    def receive(self, fd: int, data: bytes, peer: Any, core: CoreRow) -> Request | None:
        """Read one packet; None when there is none to be had from this client."""
        passed = -1
        try:
            if self.tcp:
                data = os.read(fd, CHUNK)
            else:
                data, passed = passing.received(fd, CHUNK)
        except BlockingIOError:  # the client has connected, and says nothing yet
            if self.tcp:
                return self._receive(fd, b"", core)
            try:
                wait_for(fd, select.POLLIN, self.timeout)
            except TimeoutError:
                return None
            data, passed = passing.received(fd, CHUNK)
        if passed < 0:
            return self._receive(fd, data, core)
        if self._takes:
            return self._passed(fd, data, passed, core)
        os.close(passed)
        return self._receive(fd, data, core)

    def _passed(self, fd: int, data: bytes, passed: int, core: CoreRow) -> Request | None:
        """Read a packet with which a client's descriptor came: that is where to answer."""
        # Beyond: uWSGI has lost this side of it in 1.4.
        request = None
        try:
            request = self._receive(fd, data, core)
        finally:
            # A body comes over the connection, and then the answer goes there, too.
            if request is None or request.body is not EMPTY:
                os.close(passed)
            else:
                request.fd, request.wary = passed, True
        return request

    def _receive(self, fd: int, data: bytes, core: CoreRow) -> Request | None:
        end = len(data)
        if end >= 4 and data[1] | data[2] << 8 == end - 4 and end <= self._most_shown:
            core.shown[:end] = data
            core.words[14] = end
        else:  # there is more, or less, than a packet
            data, end = self._whole(fd, data, core)
            if not end:
                return None
        body: Body = EMPTY
        try:
            environ: dict[str, Any] = self._read(data[4:end])
            if data[0] == CACHE:
                environ["CONTENT_LENGTH"] = environ.get("size", "")
            if environ.get("CONTENT_LENGTH") or "HTTP_TRANSFER_ENCODING" in environ:
                body = self._body(fd, environ, data, end)
        except PacketError as problem:
            log.line(f"invalid uwsgi request ({problem}). skip.")
            core.read_errors += 1
            return None
        request = Request(fd, environ, core, body, self.timeout)
        request.http = False
        request.packet_size = end - 4
        if data[0] or data[3]:
            self._modify(request, data[0], data[3])
        return request

    def _modify(self, request: Request, modifier1: int, modifier2: int) -> None:
        """Obey the modifiers of a packet."""
        request.modifier1 = modifier1
        if modifier2 and self.stays:
            request.keep = modifier2 == KEEP and request.body is EMPTY
        else:
            request.modifier2 = modifier2

    def _whole(self, fd: int, data: bytes, core: CoreRow) -> tuple[bytes, int]:
        """Read on until a packet is whole, and say where it ends; b"" when it will not be."""
        data = self._rest(fd, data, 4)
        if len(data) < 4:
            return b"", 0
        size = data[1] | data[2] << 8
        if size > self.limit:
            log.line(f"invalid request block size: {size} (max {self.limit})...skip")
            core.read_errors += 1
            return b"", 0
        end = 4 + size
        data = self._rest(fd, data, end)
        if len(data) < end:
            core.read_errors += 1
            return b"", 0
        shown = min(end, MAX_SHOWN)
        core.shown[:shown] = data[:shown]
        core.words[14] = shown
        return data, end

    def _body(self, fd: int, environ: dict[str, Any], data: bytes, end: int) -> Body:
        length = environ.get("CONTENT_LENGTH")
        if length is None and environ.get("HTTP_TRANSFER_ENCODING", "").lower() == "chunked":
            return ChunkedBody(fd, data[end:], self.timeout)  # as http-chunked-input passes it on
        if not length:
            return EMPTY
        if not (length.isascii() and length.isdigit() and len(length) <= 19):
            raise PacketError("CONTENT_LENGTH is no number")
        if not int(length):
            return EMPTY
        if not self.tcp:
            os.set_blocking(fd, False)
        return SizedBody(fd, data[end:], int(length), self.timeout)

    def _rest(self, fd: int, data: bytes, size: int) -> bytes:
        """Read on until there are `size` bytes; fewer when the client is slow or gone."""
        end = time.monotonic() + self.timeout
        while len(data) < size:
            try:
                wait_for(fd, select.POLLIN, end - time.monotonic())
                part = os.read(fd, CHUNK)
            except BlockingIOError:
                continue
            except TimeoutError:
                return data
            if not part:
                return data
            data += part
        return data
