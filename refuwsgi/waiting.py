"""How a loop waits: the selector it asks, the bell that another thread rings.

Section:  ground / the loop; selectors
What:     `selectors` of the standard library everywhere; on Linux a smaller one that talks to
          epoll itself and has the same interface.  A short conversation (make a socket, wait
          for it, read, close) costs a tenth less than with `selectors.EpollSelector`.
Units:    timeouts are seconds; None waits for ever.
Errors:   as in `selectors`: KeyError for what is registered twice or not at all, ValueError for
          what has no descriptor, OSError for what cannot be waited for.
"""

from __future__ import annotations

import os
import select
import selectors
import socket
from socket import SocketType
from typing import Any, Final, Protocol

Source = SocketType | int

AT_ONCE: Final = 256  # events of one turn; the others come with the next
END: Final = getattr(select, "EPOLLRDHUP", 0x2000)  # beside READ: the peer has said everything
NOW: Final = getattr(socket, "MSG_DONTWAIT", 0)  # for one call: as if the socket did not block


class Key(Protocol):
    """What is known of a registered socket."""

    @property
    def fileobj(self) -> Any:
        """The socket or descriptor as it was registered."""

    @property
    def data(self) -> Any:
        """What was registered with it."""


class Selector(Protocol):
    """What a loop needs of a selector."""

    def register(self, fileobj: Any, events: int, data: Any = None) -> Any:
        """Begin to watch a socket."""

    def unregister(self, fileobj: Any) -> Any:
        """Watch it no more; it may be closed already."""

    def select(self, timeout: float | None = None) -> Any:
        """Wait; return pairs of a key and the events that are ready."""

    def close(self) -> None:
        """Give the descriptor back."""


class _Watched:
    """A registered socket."""

    __slots__ = ("data", "fd", "fileobj")

    def __init__(self, fileobj: Any, fd: int, data: Any) -> None:
        self.fileobj = fileobj
        self.fd = fd
        self.data = data


class Epoll:
    """The selector of Linux, without the detours."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._watched: dict[int, _Watched] = {}
        self._found: dict[Source, _Watched] = {}  # the same, for sockets that are closed by now

    def register(self, fileobj: Source, events: int, data: Any = None) -> _Watched:
        """Begin to watch a socket."""
        fd = fileobj if isinstance(fileobj, int) else fileobj.fileno()
        if fd < 0:
            raise ValueError(f"closed: {fileobj!r}")
        before = self._watched.get(fd)
        if before is not None and not _closed(before.fileobj):
            raise KeyError(f"watched already: {fileobj!r}")
        # READ and WRITE are 1 and 2; EPOLLIN and EPOLLOUT are 1 and 4.
        mask = events & (1 | END) | (events & 2) << 1
        try:
            self._epoll.register(fd, mask)
        except FileExistsError:
            self._epoll.modify(fd, mask)  # its number belonged to a duplicate of another socket
        found = self._watched[fd] = self._found[fileobj] = _Watched(fileobj, fd, data)
        return found

    def unregister(self, fileobj: Source) -> _Watched:
        """Watch it no more; it may be closed already."""
        found = self._found.pop(fileobj)
        if self._watched.get(found.fd) is not found:
            return found  # it was closed, and its number belongs to another
        del self._watched[found.fd]
        if not _closed(fileobj):  # of a closed one the kernel has forgotten all
            try:
                self._epoll.unregister(found.fd)
            except OSError:
                pass  # the descriptor was closed behind our back
        return found

    def select(self, timeout: float | None = None) -> list[tuple[_Watched, int]]:
        """Wait; return pairs of a key and the events that are ready."""
        watched = self._watched
        try:
            events = self._epoll.poll(timeout, AT_ONCE)
        except InterruptedError:
            return []
        return [(watched[fd], mask) for fd, mask in events if fd in watched]

    def close(self) -> None:
        """Give the descriptor back."""
        self._epoll.close()
        self._watched.clear()
        self._found.clear()


def _closed(fileobj: Source) -> bool:
    return not isinstance(fileobj, int) and fileobj.fileno() < 0


class _Copies:
    """Whether another process may have copies of our descriptors.

    The kernel watches a socket, not its number, and goes on when only our copy is closed: it
    would report the number, which may belong to another socket by then.  So in a process that
    has forked, a task has to be forgotten before it runs and may close something.
    """

    exist = False

    def set(self) -> None:
        """Remember that there was a fork."""
        self.exist = True

    def clear(self) -> None:
        """Begin anew in a child: what it opens is its own."""
        self.exist = False


copies: Final = _Copies()
os.register_at_fork(after_in_parent=copies.set, after_in_child=copies.clear)


class _Portable(selectors.DefaultSelector):
    """The selector of other systems, which hear of an end by reading it."""

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return super().register(fileobj, events & ~END, data)


def choose() -> Selector:
    """The best selector that this system has."""
    if hasattr(select, "epoll"):
        return Epoll()
    return _Portable()


class Bell:
    """A descriptor that becomes readable when any thread rings."""

    def __init__(self, descriptor: int, ring: int) -> None:
        self.descriptor = descriptor
        self._ring = ring

    def ring(self) -> None:
        """Make the descriptor readable."""
        try:
            os.write(self._ring, ONE)
        except BlockingIOError:
            pass  # it is readable, more than enough

    def hush(self) -> None:
        """Make it unreadable again."""
        try:
            os.read(self.descriptor, 4096)
        except BlockingIOError:
            pass

    def close(self) -> None:
        """Give the descriptors back."""
        for fd in {self.descriptor, self._ring}:
            os.close(fd)


ONE: Final = (1).to_bytes(8, "little")  # what an eventfd wants; a pipe takes it, too


def bell() -> Bell:
    """Make a bell: an eventfd where there is one, a pipe elsewhere."""
    if hasattr(os, "eventfd"):
        fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        return Bell(fd, fd)
    out, into = os.pipe()
    os.set_blocking(out, False)
    os.set_blocking(into, False)
    return Bell(out, into)
