"""Stores: where bytes are between one socket and the next.

Section:  ground / gateways; stores
What:     in memory, in a file, or in a pipe.  A pipe holds the very pages in which bytes have
          arrived, and gives them to the next socket as they are, so that nobody copies them: a
          MiB costs half of what it costs to read and write it.

              client ==> [ pipe ] ==> node

          There are few pipes, for each takes two descriptors and counts against what its user may
          have.  Who gets none copies, and so does who has small pieces: a pipe has room for so
          many pieces, however small they are.
Units:    bytes.
Errors:   BlockingIOError when a store has to wait for a socket, OSError when that is broken.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from socket import SocketType
from typing import Final, Protocol

from refuwsgi.gateway_buffer import Bytes, buffer
from refuwsgi.waiting import NOW

BULK: Final = 32 * 1024  # a copy of less is cheaper than the calls that a pipe needs
SIZE: Final = 1024 * 1024  # of a pipe: the most that a user without privileges may have
MOST: Final = 16  # pipes of one process
IDLE: Final = 4  # of these, kept while nobody needs them
MOVES: Final = hasattr(os, "splice")  # Linux alone can

if MOVES:
    from fcntl import F_SETPIPE_SZ, fcntl

    FLAGS: Final = os.SPLICE_F_NONBLOCK | os.SPLICE_F_MOVE

Ends = tuple[int, int]


class Store(Protocol):
    """Bytes on their way to a peer."""

    left: int

    def give(self, peer: SocketType) -> int:
        """Send what the peer takes now; say how much."""

    def keep(self) -> None:
        """Hold what is left for longer than this turn."""

    def release(self) -> None:
        """Need it no more; may be said twice."""


class Memory:
    """Bytes in our memory."""

    __slots__ = ("data", "left")

    def __init__(self, data: Bytes) -> None:
        self.data = memoryview(data)
        self.left = len(data)

    def give(self, peer: SocketType) -> int:
        """Send what the peer takes now; say how much."""
        gone = peer.send(self.data, NOW)
        self.left -= gone
        if self.left:
            self.data = self.data[gone:]
        return gone

    def keep(self) -> None:
        """Hold what is left for longer than this turn: the buffer will be somebody else's."""
        self.data = memoryview(bytes(self.data))

    def release(self) -> None:
        """Need it no more."""


class File:
    """A file, from its beginning; who has opened it closes it."""

    __slots__ = ("_descriptor", "_size", "left")

    def __init__(self, descriptor: int, size: int) -> None:
        self._descriptor = descriptor
        self._size = self.left = size

    def give(self, peer: SocketType) -> int:
        """Send what the peer takes now; say how much."""
        place = self._size - self.left
        gone = os.sendfile(peer.fileno(), self._descriptor, place, self.left)
        self.left -= gone
        return gone

    def keep(self) -> None:
        """Hold what is left for longer than this turn."""

    def release(self) -> None:
        """Need it no more."""


class Pipe:
    """A pipe of `pipes`, as long as somebody needs it."""

    __slots__ = ("_ends", "_pipes", "left")

    def __init__(self, pipes: Pipes, ends: Ends) -> None:
        self._pipes = pipes
        self._ends: Ends | None = ends
        self.left = 0

    def put(self, data: bytes) -> None:
        """Begin with bytes that are in our memory: as many as fit."""
        assert self._ends is not None
        self.left += os.write(self._ends[1], data)

    def take(self, peer: SocketType, most: int) -> int:
        """Let in what has come of a peer, whose object is no handle; 0 when it has ended.

        BlockingIOError: nothing has come, or there is no more room.
        """
        assert self._ends is not None
        _unblock(peer)
        came = os.splice(peer.fileno(), self._ends[1], most, flags=FLAGS)
        self.left += came
        return came

    def give(self, peer: SocketType) -> int:
        """Send what the peer takes now; say how much."""
        assert self._ends is not None
        _unblock(peer)
        gone = os.splice(self._ends[0], peer.fileno(), self.left, flags=FLAGS)
        self.left -= gone
        return gone

    def keep(self) -> None:
        """Hold what is left for longer than this turn."""

    def pour(self, memory: memoryview) -> int:
        """Take out all that is left, into memory that has room for it; say how much it was."""
        assert self._ends is not None
        poured = 0
        while self.left:
            got = os.readv(self._ends[0], (memory[poured:],))
            poured += got
            self.left -= got
        return poured

    def save(self, file: int) -> None:
        """Take out all that is left, into a file."""
        assert self._ends is not None
        while self.left:
            self.left -= os.splice(self._ends[0], file, self.left, flags=FLAGS)

    def release(self) -> None:
        """Need it no more."""
        if self._ends is not None:
            self._pipes.take_back(self._ends, empty=not self.left)
            self._ends = None


class Pipes:
    """The pipes of a process."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most if MOVES else 0
        self._out = 0
        self._idle: list[Ends] = []
        os.register_at_fork(after_in_child=self._forget)

    def borrow(self) -> Pipe | None:
        """An empty pipe, or None when there is none to be had."""
        if self._out >= self._most:
            return None
        ends = self._idle.pop() if self._idle else _opened()
        if ends is None:
            return None
        self._out += 1
        return Pipe(self, ends)

    def take_back(self, ends: Ends, *, empty: bool) -> None:
        """Have a pipe back; what is still in it is for nobody else."""
        self._out -= 1
        if empty and len(self._idle) < IDLE:
            self._idle.append(ends)
        else:
            _close(ends)

    def _forget(self) -> None:
        # What a child would put in here would come out at its parent's.
        for ends in self._idle:
            _close(ends)
        self._idle.clear()
        self._out = 0


def _opened() -> Ends | None:
    """A new pipe of full size, if the limits allow it."""
    try:
        ends = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as problem:
        if problem.errno in (errno.EMFILE, errno.ENFILE):
            return None
        raise
    try:
        fcntl(ends[1], F_SETPIPE_SZ, SIZE)
    except OSError:  # its user has many of them
        _close(ends)
        return None
    return ends


def _unblock(peer: SocketType) -> None:
    # A splice waits for a socket that blocks, whatever its flags say.
    if peer.gettimeout() != 0:
        peer.setblocking(False)


def _close(ends: Ends) -> None:
    for end in ends:
        os.close(end)


pipes: Final = Pipes()


def come(peer: SocketType, most: int, *, unread: bool) -> Memory | Pipe:
    """What has come of a peer; nothing is left in it when the peer has ended.

    `unread`: nobody needs to see it, so that it may be in a pipe.  BlockingIOError: nothing has
    come.
    """
    if not unread or (pipe := pipes.borrow()) is None:
        return Memory(buffer[: peer.recv_into(buffer, most, NOW)])
    try:
        pipe.take(peer, most)
    except BaseException:
        pipe.release()
        raise
    return pipe


def rest_of(data: Sequence[Bytes], sent: int) -> list[Store]:
    """What is left of `data` when `sent` bytes have gone."""
    left: list[Store] = []
    for part in data:
        if sent < len(part):
            left.append(Memory(memoryview(part)[sent:]))
        sent = max(0, sent - len(part))
    return left
