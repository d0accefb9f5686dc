"""How a core takes a client from the queue.

Section:  scaling / threads; the next client
What:     a call that gives a bare descriptor.  An accepted TCP socket has the timeouts of its
          listener, but a client that had come before those were set, while the application was
          loading or before whoever activated us handed over the socket, has none: its descriptor
          is made non-blocking, which the doors take for the same.
Units:    none.
Errors:   OSError, as accept() has it.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from refuwsgi.listeners import Listener
from refuwsgi.queues import backlog_of

Accept = Callable[[], tuple[int, Any]]


def accept_of(listener: Listener, *, tcp: bool) -> Accept:
    """Make the call for one core; the timeouts of the listener have been set."""
    bare = _bare(listener)
    queue = backlog_of(listener.sock) if tcp else None
    return _with_early(bare, queue[0]) if queue and queue[0] else bare


def _bare(listener: Listener) -> Accept:
    # `socket.accept` wraps what it gets in a socket object, which costs as much as the
    # rest of a hello; its base class hands out the bare descriptor.
    found: Accept | None = getattr(listener.sock, "_accept", None)
    if found is not None:
        return found

    def accept() -> tuple[int, Any]:
        client, peer = listener.sock.accept()
        return client.detach(), peer

    return accept


def _with_early(bare: Accept, early: int) -> Accept:
    """Treat so many clients, who may have come too early, apart."""
    left = early

    def accept() -> tuple[int, Any]:
        nonlocal left
        client, peer = bare()
        if left > 0:
            left -= 1
            os.set_blocking(client, False)
        return client, peer

    return accept
