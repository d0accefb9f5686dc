"""How a loop waits: the selector it asks, the bell that another thread rings.

Section:  ground / the loop; selectors
What:     `selectors` of the standard library everywhere; on Linux a smaller one that talks to
          epoll itself.  A short conversation (make a socket, wait for it, read, close) costs a
          tenth less than with `selectors.EpollSelector`.
Units:    timeouts are seconds; None waits for ever.
Errors:   as in `selectors`: KeyError for what is registered twice or not at all, ValueError for
          what has no descriptor, OSError for what cannot be waited for.
"""

from __future__ import annotations

import os
import select
import selectors
import socket
from collections.abc import Callable
from socket import SocketType
from typing import Any, Final

Source = SocketType | int

AT_ONCE: Final = 32  # events of one turn; the others come with the next: room for many costs
END: Final = getattr(select, "EPOLLRDHUP", 0x2000)  # beside READ: the peer has said everything
NOW: Final = getattr(socket, "MSG_DONTWAIT", 0)  # for one call: as if the socket did not block


class Epoll:
    """The selector of Linux, without the detours."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self.watched: dict[int, Any] = {}  # descriptor -> what was registered with it
        self._found: dict[Source, tuple[int, Any]] = {}  # for sockets that are closed by now
        # What is called for each conversation is the kernel's own: to begin to watch a descriptor
        # that is in `watched`, and to wait, so long and for so many: descriptors and events.
        self.add: Callable[[int, int], None] = self._epoll.register
        self.poll: Callable[[float | None, int], list[tuple[int, int]]] = self._epoll.poll
        self.forget: Callable[[int], Any] = self.watched.pop  # one that is closed

    def register(self, fileobj: Source, events: int, data: Any = None) -> None:
        """Begin to watch a socket; `data` tells it from all others."""
        fd = fileobj if isinstance(fileobj, int) else fileobj.fileno()
        if fd < 0:
            raise ValueError(f"closed: {fileobj!r}")
        if fileobj in self._found and fd in self.watched:
            raise KeyError(f"watched already: {fileobj!r}")
        # READ and WRITE are 1 and 2; EPOLLIN and EPOLLOUT are 1 and 4.
        self.watch(fd, events & (1 | END) | (events & 2) << 1, data)
        self._found[fileobj] = fd, data

    def unregister(self, fileobj: Source) -> None:
        """Watch it no more; it may be closed already."""
        fd, data = self._found.pop(fileobj)
        if self.watched.get(fd, self) is not data:
            return  # it was closed, and its number belongs to another
        if _closed(fileobj):
            del self.watched[fd]
        else:
            self.unwatch(fd)

    def watch(self, fd: int, mask: int, data: Any) -> None:
        """Watch a descriptor, with a mask that epoll understands."""
        self.watched[fd] = data
        try:
            self._epoll.register(fd, mask)
        except FileExistsError:
            self._epoll.modify(fd, mask)  # its number belonged to a duplicate of another socket
        except BaseException:
            del self.watched[fd]
            raise

    def unwatch(self, fd: int) -> None:
        """Watch an open descriptor no more."""
        del self.watched[fd]
        try:
            self._epoll.unregister(fd)
        except OSError:
            pass  # the descriptor was closed behind our back

    def close(self) -> None:
        """Give the descriptor back."""
        self._epoll.close()
        self.watched.clear()
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


class Portable:
    """A selector of the standard library in the same form; for other systems than Linux."""

    def __init__(self, selector: selectors.BaseSelector | None = None) -> None:
        self._selector = selectors.DefaultSelector() if selector is None else selector
        self.watched: dict[int, Any] = {}
        self.close = self._selector.close

    def register(self, fileobj: Source, events: int, data: Any = None) -> None:
        """Begin to watch a socket; its end will be heard by reading it."""
        self.watched[self._selector.register(fileobj, events & ~END).fd] = data

    def unregister(self, fileobj: Source) -> None:
        """Watch it no more; it may be closed already."""
        self.watched.pop(self._selector.unregister(fileobj).fd, None)

    unwatch = forget = unregister
    watch = register

    def add(self, fd: int, mask: int) -> None:
        """Begin to watch a descriptor that is in `watched`."""
        self._selector.register(fd, mask & ~END)

    def poll(self, timeout: float | None, most: int) -> list[tuple[int, int]]:
        """Wait; return the descriptors that are ready, and the events."""
        return [(key.fd, events) for key, events in self._selector.select(timeout)]


Selector = Epoll | Portable


def choose() -> Selector:
    """The best selector that this system has."""
    return Epoll() if hasattr(select, "epoll") else Portable()


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
