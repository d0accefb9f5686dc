"""The table of nodes outlives a reload.

Section:  fastrouter / Way 4: --fastrouter-subscription-server; the table in a reload
What:     a router process that leaves writes its nodes, as announcements, and the numbers of the
          signed packets that it has seen, into a file without a name, which stays open over the
          exec.  The processes of the next generation read it before they hear of any node.  What
          the file says was believed before, so nothing is checked again.

              epoch | tag, when, nodes, numbers, floor | node ... | number ...

          The master counts the epoch up before it starts a router; a file with an older tag than
          that of the generation before has not been written yet.
Units:    seconds of the monotonic clock, which all processes share; numbers are those of `unix`.
Errors:   none; without the file, or with one that is old, nodes are learnt as they announce.
"""

from __future__ import annotations

import contextlib
import os
import struct
import time
from typing import NamedTuple

from refuwsgi import passing
from refuwsgi.fastrouter.replay_guard import Guard
from refuwsgi.fastrouter.slots import Sender, Table
from refuwsgi.loop import sleep
from refuwsgi.protocol.subscription import Announcement, encode, parse

NAME = "fastrouter table"
FRESH = 60.0  # nodes of an older file belong to some other reload
SLOW = 1.0  # how long the generation before may take to write
LOOK = 0.05
EPOCH = struct.Struct("=Q")
HEAD = struct.Struct("=QdIIq")  # tag, when it was written, nodes, numbers, the numbers' floor
NODE = struct.Struct("=iIIH")  # pid, uid and gid of who had announced it; size of the announcement
NUMBER = struct.Struct("=BBq")  # size of the key, of the address; the number


class Handover(NamedTuple):
    """The file, or -1, and how many generations had it before."""

    fd: int = -1
    epoch: int = 0


def opened() -> Handover:
    """The file, made by the first generation; none where there is no such thing."""
    fd, epoch = passing.kept(NAME), 0
    with contextlib.suppress(AttributeError, OSError, struct.error):
        if fd < 0:
            fd = os.memfd_create(NAME)
        else:
            epoch = EPOCH.unpack(os.pread(fd, EPOCH.size, 0))[0] + 1
        os.pwrite(fd, EPOCH.pack(epoch), 0)
    if fd >= 0:
        passing.keep(NAME, fd)
    return Handover(fd, epoch)


def write(to: Handover, table: Table, guard: Guard | None = None) -> None:
    """Leave the living nodes, and what was signed, to the next generation."""
    nodes = [node for node in table.nodes() if not node.dead]
    numbers = guard.numbers(time.time()) if guard else {}
    floor = guard.floor if guard else -1
    parts = [HEAD.pack(to.epoch, time.monotonic(), len(nodes), len(numbers), floor)]
    for node in nodes:
        said = Announcement(
            node.key,
            node.address.encode("latin-1"),
            modifier1=node.modifier1,
            modifier2=node.modifier2,
            cores=node.cores,
            load=node.load,
            weight=node.weight,
            backup=node.backup,
            algorithm=table.slots[node.key].algorithm.encode(),
        )
        datagram = encode(said)
        parts += [NODE.pack(*node.sender, len(datagram)), datagram]
    for (key, address), unix in numbers.items():
        parts += [NUMBER.pack(len(key), len(address), unix), key, address]
    with contextlib.suppress(OSError):
        os.ftruncate(to.fd, EPOCH.size)
        os.pwrite(to.fd, b"".join(parts), EPOCH.size)


def read(of: Handover, table: Table, guard: Guard | None = None) -> bool:
    """Take over what the generation before has left; say whether it has written already."""
    try:
        data = os.pread(of.fd, os.fstat(of.fd).st_size, 0)
        tag, written, nodes, numbers, floor = HEAD.unpack_from(data, EPOCH.size)
        if tag + 1 != of.epoch:
            return False
        fresh = time.monotonic() - written <= FRESH
        place = _nodes(data, nodes, table if fresh else None)
        if guard is not None:
            guard.remember(_numbers(data, place, numbers), floor)
    except (OSError, struct.error):
        return False
    return True


async def take_over(of: Handover, table: Table, guard: Guard | None = None) -> None:
    """Know what the generation before knew; it may be slow to say so."""
    late = time.monotonic() + SLOW
    while of.epoch and not read(of, table, guard) and time.monotonic() < late:
        await sleep(LOOK)


def _nodes(data: bytes, count: int, table: Table | None) -> int:
    """Announce the nodes again; say where they end."""
    place = EPOCH.size + HEAD.size
    for _ in range(count):
        pid, uid, gid, size = NODE.unpack_from(data, place)
        place += NODE.size
        said = parse(data[place : place + size])
        place += size
        if said is not None and table is not None:
            sender = Sender(pid, uid, gid)
            table.announce(said, said.address.decode("latin-1"), time.monotonic(), sender)
    return place


def _numbers(data: bytes, place: int, count: int) -> dict[tuple[bytes, bytes], int]:
    found = {}
    for _ in range(count):
        key, address, unix = NUMBER.unpack_from(data, place)
        middle = place + NUMBER.size + key
        place, start = middle + address, place + NUMBER.size
        found[data[start:middle], data[middle:place]] = unix
    return found
