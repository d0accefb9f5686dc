"""What an offload thread does for a client: four tasks, and a row of them.

Section:  offloading / The uWSGI offloading subsystem; the engines
What:     a task is an object with two methods.  `run` speaks to the client and sleeps whenever
          it would have to wait; `close` releases what the task holds, whatever happened.

              FileEngine     head, then a part of a file by sendfile      static files
              MemoryEngine   bytes                                        the cache, small files
              RelayEngine    a connection to a node, both directions      http: and uwsgi: routes
              PipeEngine     what comes out of a descriptor               applications
              ChainEngine    several of these, one after the other        applications

          A task of one's own is a class of twenty lines with the same two methods.
Units:    sizes are bytes, timeouts seconds.
Errors:   `OSError`: the transfer failed; the thread logs it and cuts the connection, so that
          the client sees that something is missing.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from typing import Protocol

from refuwsgi.address import Address
from refuwsgi.loop import READ, WRITE, Wait, wait
from refuwsgi.streams import Relay, connect

# A fast reader gets so much before the next one has its turn.
CHUNK = 1 << 20
SMALL = 16384  # up to here one read costs less than sendfile
PIPE_CHUNK = 65536
CONNECT_TIMEOUT = 30.0  # a node that does not even refuse

BAD_GATEWAY = "502 Bad Gateway"
GATEWAY_TIMEOUT = "504 Gateway Timeout"


class Client(socket.socket):
    """The client's socket in an offload thread, and how patient the thread is with it."""

    __slots__ = ("failure", "note", "patience", "room", "sent")

    def __init__(
        self,
        fd: int,
        patience: float | None = None,
        note: Callable[[str], None] | None = None,
    ) -> None:
        # With a family and a type Python need not ask the kernel for them; neither matters here.
        super().__init__(socket.AF_INET, socket.SOCK_STREAM, 0, fileno=fd)
        self.patience = patience  # seconds without a step forward; None: for ever
        self.note = note  # where the trace goes
        self.sent = 0
        self.failure = ""  # why the task failed, although the client has a whole answer
        self.room: Wait | None = None

    async def has_room(self) -> None:
        """Sleep until the client takes bytes again; TimeoutError when that takes too long."""
        if self.room is None:
            self.room = Wait(((self.fileno(), WRITE),), self.patience)
        if self.note is not None:
            self.note(f"{self.sent} bytes, waiting for the client")
        await wait(self.room)

    async def give(self, data: bytes | memoryview, flags: int = 0) -> None:
        """Send all of it."""
        rest = memoryview(data)
        while rest:
            try:
                sent = self.send(rest, flags | socket.MSG_DONTWAIT)
            except BlockingIOError:
                sent = 0
            self.sent += sent
            rest = rest[sent:]
            if rest:
                await self.has_room()


class Engine(Protocol):
    """A task for an offload thread."""

    async def run(self, client: Client) -> None:
        """Do it; the thread closes the client afterwards."""
        ...

    def close(self) -> None:
        """Release what the task holds; it may never have run."""
        ...


class MemoryEngine:
    """Bytes for the client."""

    __slots__ = ("_data",)

    def __init__(self, data: bytes) -> None:
        self._data = data

    async def run(self, client: Client) -> None:
        """Send them."""
        await client.give(self._data)

    def at_once(self, client: socket.SocketType) -> bool:
        """Send what fits into the socket, and say whether that was all."""
        try:
            sent = client.send(self._data, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        self._data = self._data[sent:]
        return not self._data

    def close(self) -> None:
        """Let go of the bytes."""
        self._data = b""


class FileEngine:
    """A part of a file for the client, behind a head; the descriptor is the engine's own."""

    __slots__ = ("_fd", "_head", "_left", "_position")

    def __init__(self, fd: int, position: int, length: int, head: bytes = b"") -> None:
        self._fd = fd
        self._position = position
        self._left = length
        self._head = head

    async def run(self, client: Client) -> None:
        """Send the head, and exactly so many bytes as were promised."""
        if self._head:
            await client.give(self._head, socket.MSG_MORE)
        while self._left:
            try:
                sent = os.sendfile(
                    client.fileno(), self._fd, self._position, min(self._left, CHUNK)
                )
            except BlockingIOError:
                await client.has_room()
                continue
            if not sent:
                # Departure: uWSGI ends as if all were well.
                raise ConnectionAbortedError(f"the file became {self._left} bytes shorter")
            self._position += sent
            self._left -= sent
            client.sent += sent
            if self._left:
                await client.has_room()

    def close(self) -> None:
        """Close the file."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def file_engine(fd: int, position: int, length: int, head: bytes = b"") -> Engine:
    """The engine that is cheapest for a part of a file: a small one is read at once."""
    if length > SMALL:
        return FileEngine(fd, position, length, head)
    try:
        return MemoryEngine(head + os.pread(fd, length, position))
    finally:
        os.close(fd)


class PipeEngine:
    """What comes out of a descriptor, for the client; `length` None: all until its end."""

    __slots__ = ("_fd", "_left")

    def __init__(self, fd: int, length: int | None = None) -> None:
        self._fd = fd
        self._left = length

    async def run(self, client: Client) -> None:
        """Pass the bytes on, as far as the client takes them."""
        os.set_blocking(self._fd, False)
        source = Wait(((self._fd, READ),), client.patience)
        while self._left is None or self._left > 0:
            size = PIPE_CHUNK if self._left is None else min(PIPE_CHUNK, self._left)
            try:
                part = os.read(self._fd, size)
            except BlockingIOError:
                await wait(source)
                continue
            if not part:
                break
            if self._left is not None:
                self._left -= len(part)
            await client.give(part)
        # Departure: uWSGI knows the length, too, and does not look at it.
        if self._left:
            raise ConnectionAbortedError(f"the source ended {self._left} bytes early")

    def close(self) -> None:
        """Close the source."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


class RelayEngine:
    """A conversation between the client and a node; `first` is what the node hears first."""

    __slots__ = ("_connect_timeout", "_first", "_node", "_protocol", "_timeout")

    def __init__(
        self,
        node: Address | socket.socket,
        first: bytes,
        *,
        timeout: float | None = None,
        connect_timeout: float = CONNECT_TIMEOUT,
        protocol: str = "HTTP/1.1",
    ) -> None:
        self._node = node
        self._first = first
        self._timeout = timeout  # seconds without a byte in either direction
        self._connect_timeout = connect_timeout
        self._protocol = protocol  # of an answer that is our own

    async def run(self, client: Client) -> None:
        """Connect, send what came first, and pass on all that comes until both sides end."""
        try:
            await self._converse(client)
            if not client.sent:
                raise ConnectionAbortedError("the node hung up without an answer")
        except OSError as problem:
            if client.sent:
                raise
            # Departure: uWSGI closes without a byte.
            late = isinstance(problem, TimeoutError)
            await client.give(self._refusal(GATEWAY_TIMEOUT if late else BAD_GATEWAY))
            client.failure = str(problem.strerror or problem or "timed out")

    async def _converse(self, client: Client) -> None:
        if not isinstance(self._node, socket.socket):
            self._node = await connect(self._node, self._connect_timeout)
        if client.note is not None:
            client.note("connected")
        relay = Relay(client, self._node, self._first, client.patience or self._timeout)
        try:
            await relay.run()
        finally:
            client.sent += relay.down

    def _refusal(self, status: str) -> bytes:
        body = f"{status[4:]}\n"
        head = f"{self._protocol} {status}\r\nConnection: close\r\nContent-Type: text/plain\r\n"
        return f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode("latin-1")

    def close(self) -> None:
        """Close the connection to the node."""
        if isinstance(self._node, socket.socket):
            self._node.close()


class ChainEngine:
    """Several tasks for one client, one after the other."""

    __slots__ = ("_engines",)

    def __init__(self, *engines: Engine) -> None:
        self._engines = engines

    async def run(self, client: Client) -> None:
        """Do each when the one before it has done."""
        for engine in self._engines:
            await engine.run(client)

    def close(self) -> None:
        """Release what each of them holds."""
        for engine in self._engines:
            engine.close()
