"""The head of a request, read as it comes.

Section:  scaling / http; reading heads
What:     reads until a head is whole, within a limit for all of it, however slowly it drips; takes
          off the line in which a balancer introduces its client; and remembers what came behind.
Units:    seconds, bytes.
Errors:   `HeadError` with the status to refuse with; `Left` when the client has gone, or was
          silent too long without having asked anything.
"""

from __future__ import annotations

import time
from socket import SocketType
from typing import Final

from refuwsgi.gateway_buffer import received
from refuwsgi.gateway_rules import LATE
from refuwsgi.loop import READ, Wait, wait
from refuwsgi.protocol.http import HeadError, check_unfinished, head_end
from refuwsgi.scaling import http_proxy_protocol
from refuwsgi.scaling.http_door import RouterDoor

LARGEST_HEAD: Final = 65536


class Left(Exception):
    """The client has gone, or has nothing more to ask."""


class Heads:
    """The heads of one client's requests."""

    __slots__ = ("_client", "_door", "_introduction", "data", "first", "peer")

    def __init__(self, door: RouterDoor, client: SocketType, peer: tuple[str, str]) -> None:
        self._door = door
        self._client = client
        self._introduction = door.rules.proxy_protocol  # is a PROXY line still to come
        self.peer = peer  # address and port of the client
        self.data = b""  # what has come: a head, and what is behind it
        self.first = True  # no request of this client has been served yet

    async def next(self) -> int:
        """Read until `data` begins with a whole head; say where it ends."""
        data, searched, started = self.data, 0, 0.0
        while True:
            if data:
                if self._introduction:
                    data = self._introduced(data)
                end = head_end(data, searched)
                if 0 <= end <= LARGEST_HEAD:
                    self.data = data
                    return end
                check_unfinished(data, LARGEST_HEAD)
                searched = len(data)
            more: bytes | None = None
            try:
                more = received(self._client)
            except BlockingIOError:
                pass  # waiting right here would keep the exception alive meanwhile
            if more is None:
                started = started or time.monotonic()
                more = await self._patience(bool(data), started)
                if not data and not self.first:
                    started = time.monotonic()  # idle until now: the time of the head begins
            if not more:
                raise Left
            data = data + more if data else more

    async def _patience(self, begun: bool, started: float) -> bytes:
        """Wait for more of a head; the limit is on all of it, not on each byte."""
        rules, client = self._door.rules, self._client
        idle = not (begun or self.first)
        if idle:
            self._door.idle.add(client)
        try:
            while True:
                limit = rules.idle if idle else rules.headers_timeout
                left = started + limit - time.monotonic()
                if left <= 0:
                    raise TimeoutError
                await wait(Wait(((client, READ),), left))
                try:
                    return received(client)
                except BlockingIOError:
                    pass
        except TimeoutError:
            if begun:
                raise HeadError("the head does not come", LATE) from None
            raise Left from None  # to a client that has asked nothing there is nothing to say
        finally:
            self._door.idle.discard(client)

    def _introduced(self, data: bytes) -> bytes:
        """Take the PROXY line off, if there is one; only the first can be the balancer's."""
        found = http_proxy_protocol.split(data)
        if found is None:
            self._introduction = http_proxy_protocol.may_begin(data)
            return data
        self._introduction = False
        if found.address:
            self.peer = found.address, found.port
        return data[found.size :]
