"""Announcements come one by one, or as a stream.

Section:  fastrouter / Way 4: --fastrouter-subscription-server; streams of announcements
What:     takes the datagrams of a subscription server's sockets.  A single one is heard at once.
          When a fleet announces itself, or a node all its keys, they follow each other closely:
          then the ear rests after each look, so that one wake-up serves for many, and what they
          make the table say goes into the log with one write.

              datagram   |      |  | || ||| |||| |||| || |               |
              look       x      x  x      x      x      x     x          x
                                   rest   rest   rest   rest

          A request that comes while the ear rests first has what waits heard: it meets the nodes
          that it would have met without the rest.  So has one for a key that nobody serves, before
          it is refused.
Units:    seconds; `now` is monotonic.
Errors:   none.
"""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Callable, Sequence
from typing import Any

from refuwsgi.fastrouter.slots import Table
from refuwsgi.fastrouter.subscribed import NOBODY, Sender
from refuwsgi.loop import READ, Wait, sleep, wait
from refuwsgi.protocol.subscription import LIMIT

STREAM = 0.001  # looks that follow each other as closely as this belong to a stream
PAUSE = 0.001
BURST = 64  # datagrams of one socket before others get their turn
GATHERED = 1024  # datagrams that a request waits for; a socket hardly holds as many

CREDENTIALS = struct.Struct("=iII")  # pid, uid, gid
ANCILLARY = 128  # bytes: the credentials of a sender, and no descriptors that it slips in
LARGEST = LIMIT + 512  # with what another router process puts before an announcement

Source = Any  # what the kernel says of where a datagram came from
Take = Callable[[bytes, bool, Sender, Source, float], None]
SayAll = Callable[[Sequence[str]], None]


class Ear:
    """Takes the datagrams of one socket."""

    def __init__(self, sock: socket.socket, table: Table, take: Take, *, inside: bool) -> None:
        self._sock = sock
        self._table = table
        self._take = take
        self._inside = inside  # other router processes send them
        self._told = _tells_senders(sock)
        self.say_all: SayAll | None = None  # else the table says each thing when it happens
        # A UNIX socket is soon full, and then its senders wait.
        self.rests = sock.family != socket.AF_UNIX

    async def listen(self) -> None:
        """Take them as they come, for ever."""
        self._table.ears.append(self._catch_up)
        try:
            await self._listen()
        finally:
            self._table.ears.remove(self._catch_up)

    async def _listen(self) -> None:
        news = Wait(((self._sock, READ),))
        before = -STREAM
        while True:
            await wait(news)
            now = time.monotonic()
            heard = self.look(now)
            if self.rests and (now - before < STREAM or heard == BURST):
                await self._stream(heard)
                now = time.monotonic()
            before = now

    async def _stream(self, heard: int) -> None:
        """Let them gather, so that one wake-up serves for many, until none come any more."""
        self._table.streams += 1
        try:
            while heard:
                await sleep(0.0 if heard == BURST else PAUSE)
                heard = self.look(time.monotonic())
        finally:
            self._table.streams -= 1

    def _catch_up(self) -> int:
        return self.look(time.monotonic(), GATHERED)

    def look(self, now: float, most: int = BURST) -> int:
        """Take at most so many, all at `now`; say how many there were."""
        if self.say_all is None:
            return self._look(now, most)
        lines: list[str] = []
        say, self._table.say = self._table.say, lines.append
        try:
            return self._look(now, most)
        finally:
            self._table.say = say
            if lines:
                self.say_all(lines)

    def _look(self, now: float, most: int) -> int:
        sock, take, inside, told = self._sock, self._take, self._inside, self._told
        sender = NOBODY
        for number in range(most):
            try:
                if told:
                    datagram, extra, _, source = sock.recvmsg(LARGEST, ANCILLARY)
                    sender = sender_of(extra)
                else:
                    datagram, source = sock.recvfrom(LARGEST)
            except BlockingIOError:
                return number
            except OSError:
                continue  # an ICMP error of something that we had sent
            take(datagram, inside, sender, source, now)
        return most


def _tells_senders(sock: socket.socket) -> bool:
    """Say whether the kernel was asked to tell who sends."""
    asked = getattr(socket, "SO_PASSCRED", 0)
    unix = sock.family == socket.AF_UNIX
    return bool(unix and asked and sock.getsockopt(socket.SOL_SOCKET, asked))


def sender_of(extra: list[tuple[int, int, bytes]]) -> Sender:
    """Read who sent a datagram, where the kernel says so."""
    for level, kind, data in extra:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_CREDENTIALS):
            return Sender(*CREDENTIALS.unpack_from(data))
    return NOBODY
