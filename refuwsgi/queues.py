"""Queues: how many clients wait to be accepted.

Section:  ground / listening sockets; their queues
What:     asks the kernel, TCP by `getsockopt`, UNIX by the messages with which `ss` asks.

    request    length 4   type 2   flags 2   sequence 4   port 4    family, states, inode, what ...
    answer     the same header, sixteen bytes about the socket, then attributes:
               length 2   type 2   how many wait 4   how many may 4

Units:    clients.
Errors:   none; None when the kernel does not say.
"""

from __future__ import annotations

import os
import socket
import struct
from typing import Final

TCP_INFO_SIZE: Final = 104
TCP_QUEUE: Final = struct.Struct("=24xII")  # of a listener: tcpi_unacked, tcpi_sacked

SOCK_DIAG: Final = 4  # the protocol of the questions about sockets
BY_FAMILY: Final = 20  # the type of the question, and of the answer
REQUEST: Final = 1
HEADER: Final = struct.Struct("=IHHII")
QUESTION: Final = struct.Struct("=BBHIIIII")
ABOUT: Final = 16  # bytes of the answer between its header and its attributes
ATTRIBUTE: Final = struct.Struct("=HH")
QUEUE: Final = struct.Struct("=II")
ANY: Final = 0xFFFFFFFF
SHOW_QUEUE, QUEUE_FOLLOWS = 0x10, 4


def backlog_of(sock: socket.socket) -> tuple[int, int] | None:
    """How many clients wait for this listener, and how many may."""
    try:
        if sock.family == socket.AF_UNIX:
            return _of_unix(sock)
        info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, TCP_INFO_SIZE)
        queue, most = TCP_QUEUE.unpack_from(info)
        return queue, most
    except (AttributeError, OSError, struct.error):
        return None


def _of_unix(sock: socket.socket) -> tuple[int, int] | None:
    # Beyond: uWSGI knows these queues only with a patched kernel.
    inode = os.fstat(sock.fileno()).st_ino
    question = QUESTION.pack(socket.AF_UNIX, 0, 0, ANY, inode, SHOW_QUEUE, ANY, ANY)
    header = HEADER.pack(HEADER.size + len(question), BY_FAMILY, REQUEST, 1, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, SOCK_DIAG) as kernel:
        kernel.send(header + question)
        answer = kernel.recv(4096, socket.MSG_DONTWAIT)  # it is there when send() returns
    size, kind, _, _, _ = HEADER.unpack_from(answer)
    return _queue_in(answer[HEADER.size + ABOUT : size]) if kind == BY_FAMILY else None


def _queue_in(attributes: bytes) -> tuple[int, int] | None:
    while len(attributes) >= ATTRIBUTE.size:
        size, kind = ATTRIBUTE.unpack_from(attributes)
        if kind == QUEUE_FOLLOWS:
            queue, most = QUEUE.unpack_from(attributes, ATTRIBUTE.size)
            return queue, most
        if size < ATTRIBUTE.size:
            return None
        attributes = attributes[(size + 3) & ~3 :]  # each begins at a multiple of four
    return None
