"""The table of nodes outlives a reload.

Section:  fastrouter / Way 4: --fastrouter-subscription-server; the table in a reload
What:     a router process that leaves writes its nodes, as announcements, into a file without a
          name, which stays open over the exec; the processes of the next generation read it before
          they serve anybody, or a moment later if the old one was slow.  What the file says was
          believed before, so nothing is checked again.
Units:    seconds of the monotonic clock, which all processes share.
Errors:   none; without the file, or with one that is old, nodes are learnt as they announce.
"""

from __future__ import annotations

import contextlib
import os
import struct
import time
from collections.abc import Iterator

from refuwsgi import passing
from refuwsgi.fastrouter.slots import Sender, Table
from refuwsgi.loop import sleep
from refuwsgi.protocol.subscription import Announcement, encode, parse

NAME = "fastrouter table"
FRESH = 60.0  # what is older belongs to some other reload
HEAD = struct.Struct("=dI")  # when it was written, how many nodes follow
NODE = struct.Struct("=iIIH")  # pid, uid and gid of who had announced it; size of the announcement


def opened() -> int:
    """The file, made by the first generation; -1 where there is no such thing."""
    fd = passing.kept(NAME)
    if fd < 0:
        with contextlib.suppress(AttributeError, OSError):
            fd = os.memfd_create(NAME)
    if fd >= 0:
        passing.keep(NAME, fd)
    return fd


def write(fd: int, table: Table) -> None:
    """Leave the living nodes to the next generation."""
    nodes = [node for node in table.nodes() if not node.dead]
    parts = [HEAD.pack(time.monotonic(), len(nodes))]
    for node in nodes:
        algorithm = table.slots[node.key].algorithm.encode()
        said = Announcement(
            node.key,
            node.address.encode("latin-1"),
            modifier1=node.modifier1,
            modifier2=node.modifier2,
            cores=node.cores,
            load=node.load,
            weight=node.weight,
            backup=node.backup,
            algorithm=algorithm,
        )
        datagram = encode(said)
        parts += [NODE.pack(*node.sender, len(datagram)), datagram]
    with contextlib.suppress(OSError):
        os.ftruncate(fd, 0)
        os.pwrite(fd, b"".join(parts), 0)


def read(fd: int, table: Table) -> bool:
    """Take over what the generation before has left; say whether there was anything."""
    try:
        data = os.pread(fd, os.fstat(fd).st_size, 0)
        written, count = HEAD.unpack_from(data)
        if time.monotonic() - written > FRESH:
            return False
        for sender, said in _nodes(data, count):
            table.announce(said, said.address.decode("latin-1"), time.monotonic(), sender)
    except (OSError, struct.error):
        return False
    return True


async def take_over(fd: int, table: Table) -> None:
    """Know what the generation before knew; it may be slow to say so."""
    if not read(fd, table):
        await sleep(1.0)
        read(fd, table)


def _nodes(data: bytes, count: int) -> Iterator[tuple[Sender, Announcement]]:
    place = HEAD.size
    for _ in range(count):
        pid, uid, gid, size = NODE.unpack_from(data, place)
        place += NODE.size
        said = parse(data[place : place + size])
        place += size
        if said is not None:
            yield Sender(pid, uid, gid), said
