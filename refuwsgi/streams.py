"""Streams: what tasks do with sockets.

Section:  ground / streams
What:     receive, send, connect, accept, relay, on sockets that do not block.  Each tries the
          call first and waits only when the kernel says so: on a busy machine the bytes are
          often there already, and a wait costs three calls.

              client ---- recv ----> [up]   ---- send ----> node
              client <--- send ----- [down] <--- recv ----- node

          relay: a side whose bytes have not been taken is not read, so what waits here is one
          chunk for each direction at most.
Units:    timeouts are seconds, sizes bytes.
Errors:   TimeoutError; OSError as the socket gives it; PacketError for what is no uwsgi packet.
"""

from __future__ import annotations

import errno
import os
import socket
from typing import Any, Final

from refuwsgi import log
from refuwsgi.address import Address
from refuwsgi.loop import READ, WRITE, Wait, readable, sleep, wait, writable
from refuwsgi.mailbox import Mailbox
from refuwsgi.protocol.uwsgi import Packet, split

CHUNK: Final = 65536  # bytes of one call: more gains nothing, C's 4096 costs seven times as much
BUSY: Final = 0.02  # how long to wait for room in the queue of a UNIX socket
PAUSE: Final = 0.1  # how long not to look at a listener when we are out of descriptors
EXHAUSTED: Final = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
OUT_OF_DESCRIPTORS: Final = "accept(): {}: no new clients for a moment"


async def receive(sock: socket.socket, size: int = CHUNK, timeout: float | None = None) -> bytes:
    """Receive what there is, at most `size` bytes; b"" at the end."""
    while True:
        try:
            return sock.recv(size)
        except BlockingIOError:
            await readable(sock, timeout)


async def send_all(
    sock: socket.socket, data: bytes | memoryview, timeout: float | None = None
) -> None:
    """Send all of it; `timeout` is for each step forward."""
    rest = memoryview(data)
    room: Wait | None = None
    while rest:
        try:
            rest = rest[sock.send(rest) :]
        except BlockingIOError:
            if room is None:
                room = Wait(((sock, WRITE),), timeout)
            await wait(room)


async def receive_packet(
    sock: socket.socket, limit: int, timeout: float | None = None
) -> tuple[Packet, bytes]:
    """Receive a uwsgi packet, and what has come behind it."""
    received = b""
    while (found := split(received, limit)) is None:
        part = await receive(sock, CHUNK, timeout)
        if not part:
            raise ConnectionError("the peer ended inside a packet")
        received += part
    return found


async def accept(listener: socket.socket) -> tuple[socket.socket, Any]:
    """Accept a client that does not block, and say who it is."""
    complained = False
    while True:
        try:
            client, peer = listener.accept()
        except BlockingIOError:
            await readable(listener)
        except ConnectionError:
            pass  # it went before its turn came
        except OSError as problem:
            if problem.errno not in EXHAUSTED:
                raise
            # Looking at the listener now would spin: it stays readable.
            if not complained:
                log.line(OUT_OF_DESCRIPTORS.format(problem.strerror))
                complained = True
            await sleep(PAUSE)
        else:
            client.setblocking(False)
            return client, peer


async def connect(address: Address, timeout: float | None = None) -> socket.socket:
    """Connect to an address; the socket does not block."""
    last: OSError = OSError(errno.EADDRNOTAVAIL, "nothing to connect to", address.text())
    for family, name in await _names(address):
        sock = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        try:
            await _connect(sock, name, timeout)
            return sock
        except OSError as problem:
            sock.close()
            last = problem
            if isinstance(problem, TimeoutError):
                break
        except BaseException:
            sock.close()
            raise
    raise last


async def _connect(sock: socket.socket, name: Any, timeout: float | None) -> None:
    waited = 0.0
    while (error := sock.connect_ex(name)) == errno.EAGAIN:
        # A UNIX listener whose queue is full; TCP would let us wait in the kernel.
        if timeout is not None and waited >= timeout:
            raise TimeoutError("timed out")
        await sleep(BUSY)
        waited += BUSY
    if error == errno.EINPROGRESS:
        await writable(sock, timeout)
        error = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if error:
        raise OSError(error, os.strerror(error))


async def _names(address: Address) -> list[tuple[int, Any]]:
    """The kernel's names for an address, in the order in which to try them."""
    if address.kind == "unix":
        return [(socket.AF_UNIX, address.path)]
    if address.kind == "abstract":
        name = b"\0" + os.fsencode(address.path)
        # uWSGI: its abstract names have a closing NUL.
        return [(socket.AF_UNIX, name + b"\0"), (socket.AF_UNIX, name)]
    if address.kind != "tcp":
        return []
    host = address.host or "127.0.0.1"
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, host)
            return [(family, (host, address.port))]
        except OSError:
            pass
    return await _resolve(host, address.port)


async def _resolve(host: str, port: int) -> list[tuple[int, Any]]:
    """Ask the resolver, which blocks, in a thread of its own."""
    import threading

    found: Mailbox[list[tuple[int, Any]] | OSError] = Mailbox()

    def ask() -> None:
        try:
            all_of_them = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            found.put([(family, name) for family, _, _, _, name in all_of_them])
        except OSError as problem:
            found.put(problem)
        except UnicodeError:
            found.put(OSError(errno.EINVAL, f"no host can be named {host!r}"))

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    try:
        answer = await found.get()
    finally:
        thread.join(0 if not len(found) else None)
    if isinstance(answer, OSError):
        raise answer
    return answer


class Relay:
    """Two sockets, and what is on its way between them."""

    __slots__ = ("_client", "_client_speaks", "_node", "_node_speaks", "_timeout", "_waits",
                 "_to_client", "_to_node", "down", "up")  # fmt: skip

    def __init__(
        self,
        client: socket.socket,
        node: socket.socket,
        first: bytes = b"",
        timeout: float | None = None,
    ) -> None:
        self._client, self._node = client, node
        self._timeout = timeout
        self._to_node = memoryview(first)
        self._to_client = memoryview(b"")
        self._client_speaks = self._node_speaks = True
        self._waits: dict[tuple[int, int], Wait] = {}
        self.up = 0  # bytes that the node has taken
        self.down = 0  # bytes that the client has taken

    async def run(self) -> None:
        """Carry both ways until the node has ended and the client has all that it said."""
        # A client that ends its half still gets its answer; a node that has ended will not
        # answer what the client might yet say.
        self._send_up()
        while True:
            self._carry_up()
            self._carry_down()
            if not self._node_speaks and not self._to_client:
                return
            await wait(self._wanted())

    def _wanted(self) -> Wait:
        """What to wait for in this state; the same object for the same state."""
        client = (READ if self._client_speaks and not self._to_node else 0) | (
            WRITE if self._to_client else 0
        )
        node = (READ if self._node_speaks and not self._to_client else 0) | (
            WRITE if self._to_node else 0
        )
        found = self._waits.get((client, node))
        if found is None:
            both = ((self._client, client), (self._node, node))
            found = Wait(tuple(each for each in both if each[1]), self._timeout)
            self._waits[client, node] = found
        return found

    def _carry_up(self) -> None:
        if self._to_node:
            self._send_up()
        if not self._client_speaks or self._to_node:
            return
        try:
            data = self._client.recv(CHUNK)
        except BlockingIOError:
            return
        if data:
            self._to_node = memoryview(data)
            self._send_up()
        else:
            self._client_speaks = False
            try:
                self._node.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # it has gone: its own end tells

    def _send_up(self) -> None:
        try:
            sent = self._node.send(self._to_node) if self._to_node else 0
        except BlockingIOError:
            return
        except ConnectionError:
            # It hears no more, but may have answered: what it said is still to be read.
            self._client_speaks = False
            self._to_node = memoryview(b"")
            return
        self.up += sent
        self._to_node = self._to_node[sent:]

    def _carry_down(self) -> None:
        if self._to_client:
            self._send_down()
        if not self._node_speaks or self._to_client:
            return
        try:
            data = self._node.recv(CHUNK)
        except BlockingIOError:
            return
        if data:
            self._to_client = memoryview(data)
            self._send_down()
        else:
            # The client's side is left open: with no answer at all the caller may have one.
            self._node_speaks = False

    def _send_down(self) -> None:
        try:
            sent = self._client.send(self._to_client)
        except BlockingIOError:
            return
        self.down += sent
        self._to_client = self._to_client[sent:]


async def relay(
    client: socket.socket,
    node: socket.socket,
    first: bytes = b"",
    timeout: float | None = None,
) -> tuple[int, int]:
    """Send the node what came first, then carry both ways; count what each side has taken.

    `timeout` is how long nothing at all may move.
    """
    both = Relay(client, node, first, timeout)
    await both.run()
    return both.up, both.down
