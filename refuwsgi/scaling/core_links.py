"""The connections of our own router that a core keeps.

Section:  scaling / http; kept connections to the worker, the worker's end
What:     a core hears them beside its listeners, so that none of them holds it.  They are kept by
          the router, who closes them; a core that leaves closes its own, and what it had not read
          is sent again.
Units:    none.
Errors:   none of its own.
"""

from __future__ import annotations

import os
import select
from typing import TYPE_CHECKING, Any

from refuwsgi.request import Request

if TYPE_CHECKING:
    from refuwsgi.scaling.cores import Door


class CoreLinks:
    """The links of one core."""

    def __init__(self, poll: select.epoll) -> None:
        self._poll = poll
        self.known: dict[int, tuple[Door, int, Any]] = {}  # by descriptor

    def stay(self, door: Door, fd: int, peer: Any, request: Request) -> int:
        """Have the core hear a connection from now on, and return what is left to be closed.

        That is -1, nothing, unless the router might see the answer's end elsewhere than we do.
        """
        if request.status < 200 or request.extra_headers or request.routed is not None:
            return fd
        if fd not in self.known:
            self._poll.register(fd, select.EPOLLIN)
            self.known[fd] = door, fd, peer
        return -1

    def close(self, *descriptors: int) -> None:
        """Close connections, be they some of these or not; -1 is none."""
        for fd in descriptors:
            if self.known.pop(fd, None) is not None:
                self._poll.unregister(fd)  # a child of the application may have a copy
            if fd >= 0:
                os.close(fd)

    def leave(self) -> None:
        """Close all of them."""
        self.close(*self.known)
