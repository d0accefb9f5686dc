"""The buffer of a gateway: what is read and sent on at once goes through it.

Section:  ground / gateways; the buffer
What:     one for all sessions, filled and emptied without a pause in between.  What has to wait
          for longer is copied out of it, or has not been here at all: see `gateway_stores`.
Units:    bytes.
Errors:   BlockingIOError when nothing has come.
"""

from __future__ import annotations

from socket import SocketType
from typing import Final

from refuwsgi.waiting import NOW

CHUNK: Final = 256 * 1024  # one read; a stream costs a call for each of them
RECEIVE: Final = 16384  # of a client's packet or head, and what follows it, in one read

Bytes = bytes | memoryview

buffer: Final = memoryview(bytearray(CHUNK))


def received(client: SocketType) -> bytes:
    """What has come of a client, in a piece of memory of its own.

    Not by recv(): that makes room for all it may get and gives most of it back, and what is kept
    between such rooms, for clients that are slow, breaks the heap into pieces.
    """
    return buffer[: client.recv_into(buffer, RECEIVE, NOW)].tobytes()


def taken(client: SocketType, data: Bytes) -> int:
    """Send a client what it takes now; say how much."""
    try:
        return client.send(data, NOW)
    except BlockingIOError:
        return 0
