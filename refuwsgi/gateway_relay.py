"""Two ends of a session: how a gateway reaches a node, and moves bytes both ways.

Section:  ground / gateways; the relay
What:     `reach` connects and sends the first bytes; `Relay` then carries what comes from either
          side to the other, until the node has said everything.

              client ---- READ ----> [to_node]   ---- WRITE ----> node
              client <--- WRITE ---- [to_client] <--- READ ------ node

          A side whose bytes have not been taken is not read: what waits here is one chunk at most.
          A client that ends its half (shutdown) still gets its answer; the node is told.
Units:    seconds, bytes.
Errors:   `Unreached` when no connection came about; nothing has been sent then, and another node
          may be tried.  After that `NodeError`, and OSError for the client's side.
"""

from __future__ import annotations

import array
import contextlib
import errno
import os
import socket
from collections.abc import Callable
from typing import Final

from refuwsgi.loop import READ, WRITE, Wait, sleep, wait, writable

CHUNK: Final = 256 * 1024  # one read; a stream costs a call for each of them
RUNS: Final = 16  # chunks of one side before others get their turn
GRACE: Final = 0.2  # how long a client from which nothing is due goes unwatched
BUSY: Final = 1.0  # how long a UNIX node's full queue is asked again
LINGER: Final = 1.0

# One buffer for all: it is filled and emptied without a pause in between.
_buffer = memoryview(bytearray(CHUNK))

BEGUN = (0, errno.EINPROGRESS)
NOT_YET = (errno.EAGAIN, errno.ENOTCONN)


class Unreached(Exception):
    """A node did not take the connection; `busy` when only its queue was full."""

    def __init__(self, reason: str, *, busy: bool = False) -> None:
        super().__init__(reason)
        self.busy = busy


class NodeError(Exception):
    """A node broke the connection that it had taken."""


Name = tuple[str, int] | str | bytes


async def reach(
    family: int, names: tuple[Name, ...], data: list[memoryview], passed: int, patience: float
) -> tuple[socket.SocketType, int]:
    """Connect and send what goes at once; also say how much went.

    `names` are forms of one address, tried in turn.  `passed` is a descriptor to send along, or -1.
    """
    last = Unreached("no address")
    for name in names:
        sock = socket.SocketType(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        try:
            await _connect(sock, name, patience)
            return sock, await _first(sock, data, passed, patience)
        except Unreached as problem:
            sock.close()
            last = problem
        except BaseException:
            sock.close()
            raise
    raise last


async def _connect(sock: socket.SocketType, name: Name, patience: float) -> None:
    waited = 0.0
    while (error := sock.connect_ex(name)) not in BEGUN:
        # A TCP node with a full queue lets us wait in the kernel; a UNIX one says EAGAIN.
        if error != errno.EAGAIN or waited >= min(BUSY, patience):
            raise Unreached(os.strerror(error), busy=error == errno.EAGAIN)
        await sleep(0.02)
        waited += 0.02


async def _first(
    sock: socket.SocketType, data: list[memoryview], passed: int, patience: float
) -> int:
    """Send without having waited: on this machine connections are there at once."""
    while True:
        try:
            if passed >= 0:
                rights = array.array("i", [passed])
                return sock.sendmsg(data, [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
            return sock.send(data[0]) if len(data) == 1 else sock.sendmsg(data)
        except OSError as problem:
            if problem.errno not in NOT_YET:
                raise _failed(problem) from None
        try:
            await writable(sock, patience)
        except TimeoutError:
            raise Unreached("Connection timed out") from None
        if error := sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            raise Unreached(os.strerror(error))


def _failed(problem: OSError) -> Exception:
    # Broken and reset: the node had taken the connection, so it is not for another to try.
    if isinstance(problem, (BrokenPipeError, ConnectionResetError)):
        return NodeError(problem.strerror)
    return Unreached(problem.strerror or "")


def rest_of(data: list[memoryview], sent: int) -> list[memoryview]:
    """What is left of `data` when `sent` bytes have gone."""
    left = []
    for part in data:
        if sent < len(part):
            left.append(part[sent:])
        sent = max(0, sent - len(part))
    return left


class Relay:
    """A client and a node, and what is on its way between them."""

    __slots__ = (
        "_client", "_file", "_node", "_node_speaks", "_client_speaks", "_to_client", "_to_node",
        "_timeout", "_unheard", "_waits", "_watched", "given", "received", "sent", "taken",
    )  # fmt: skip

    def __init__(
        self,
        client: socket.SocketType,
        node: socket.SocketType,
        to_node: list[memoryview],
        timeout: float,
    ) -> None:
        self._client, self._node = client, node
        self._to_node = to_node
        self._to_client = b""
        self._file: tuple[int, int, int] | None = None  # descriptor, position, end
        self._node_speaks = self._client_speaks = True
        self._watched = False
        self._unheard = False
        self._timeout = timeout
        self._waits: dict[int, Wait] = {}
        self.given = False  # the node has the client's descriptor and may answer on it
        self.received = 0  # from the node
        self.sent = 0  # to the node, in addition to what was sent before
        self.taken = 0  # from the client

    def send_file(self, descriptor: int, size: int) -> None:
        """Let the node have a file, after what is on its way already."""
        self._file = (descriptor, 0, size)

    async def run(self, *, due: bool) -> None:
        """Carry until the node has ended; `due` when bytes of the client are expected."""
        self._watched = due
        while self._node_speaks or self._to_client:
            wanted = self._wanted()
            try:
                ready = await wait(wanted)
            except TimeoutError:
                if not self._unheard:
                    raise
                self._watched = True  # the node takes its time: now also hear the client
                continue
            if self._node in ready:
                self._of_node()
            if self._client in ready:
                self._of_client()

    def _wanted(self) -> Wait:
        """What to wait for in this state; the same object for the same state."""
        sending = bool(self._to_node or self._file)
        node = (READ if self._node_speaks and not self._to_client else 0) | (
            WRITE if sending else 0
        )
        hears = self._client_speaks and self._watched and not self.given and not sending
        client = (READ if hears else 0) | (WRITE if self._to_client else 0)
        self._unheard = not (self._watched or self.given or client or sending)
        state = node | client << 4 | self._unheard << 8
        found = self._waits.get(state)
        if found is None:
            both = ((self._node, node), (self._client, client))
            patience = min(GRACE, self._timeout) if self._unheard else self._timeout
            found = Wait(tuple(each for each in both if each[1]), patience)
            self._waits[state] = found
        return found

    # -- from the node

    def _of_node(self) -> None:
        if self._to_node or self._file:
            self._send_on()
        for _ in range(RUNS):
            if not self._node_speaks or self._to_client:
                return
            try:
                size = self._node.recv_into(_buffer)
            except BlockingIOError:
                return
            except OSError as problem:
                raise NodeError(problem.strerror) from None
            if not size:
                self._node_speaks = False
                return
            self.received += size
            if self.given:
                # It answers over its connection: it has ignored the descriptor.
                self.given, self._watched = False, True
            self._give(size)

    def _give(self, size: int) -> None:
        """Send a chunk to the client; keep what it does not take now."""
        try:
            gone = self._client.send(_buffer[:size])
        except BlockingIOError:
            gone = 0
        if gone < size:
            self._to_client = bytes(_buffer[gone:size])

    # -- from the client

    def _of_client(self) -> None:
        if self._to_client:
            try:
                gone = self._client.send(self._to_client)
            except BlockingIOError:
                gone = 0
            self._to_client = self._to_client[gone:]
        for _ in range(RUNS):
            if self._to_node or self._file or not self._client_speaks or not self._watched:
                return
            try:
                size = self._client.recv_into(_buffer)
            except BlockingIOError:
                return
            if not size:
                self._client_speaks = False
                with contextlib.suppress(OSError):
                    self._node.shutdown(socket.SHUT_WR)
                return
            self.taken += size
            self._pass(size)

    def _pass(self, size: int) -> None:
        """Send a chunk to the node; keep what it does not take now."""
        gone = self._sent(lambda: self._node.send(_buffer[:size]))
        if 0 <= gone < size:
            self._to_node = [memoryview(bytes(_buffer[gone:size]))]

    def _send_on(self) -> None:
        """Send what waits for the node: bytes first, then the file."""
        waiting = self._to_node
        if waiting:
            gone = self._sent(lambda: self._node.sendmsg(waiting))
            self._to_node = rest_of(waiting, gone) if gone >= 0 else []
        elif self._file is not None:
            file, place, end = self._file
            gone = self._sent(lambda: os.sendfile(self._node.fileno(), file, place, end - place))
            self._file = (file, place + gone, end) if 0 <= gone < end - place else None

    def _sent(self, send: Callable[[], int]) -> int:
        """Count what went to the node; -1 when it takes no more."""
        try:
            gone = send()
        except BlockingIOError:
            return 0
        except OSError:
            # It hears no more, but may have answered: what it said is still to be read.
            self._client_speaks = False
            self._to_node, self._file = [], None
            return -1
        self.sent += gone
        return gone


async def linger(client: socket.SocketType) -> None:
    """End our half and read on for a moment: closing on unread bytes would destroy the answer."""
    client.shutdown(socket.SHUT_WR)
    wanted = Wait(((client, READ),), LINGER)
    for _ in range(RUNS):
        try:
            await wait(wanted)
            if not client.recv_into(_buffer):
                return
        except BlockingIOError:
            pass
