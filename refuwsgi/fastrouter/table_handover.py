"""The table of nodes outlives a reload, and a router that is killed.

Section:  fastrouter / Way 4: --fastrouter-subscription-server; the table in a reload
What:     the first router process writes its nodes, as announcements, and the numbers of the
          signed packets that it has seen, into a file without a name, which stays open over the
          exec: soon after something has changed, and for good when it leaves.  Whoever comes
          after it, in the next generation or in place of a process that was killed, reads it
          before he hears of any node.  What the file says was believed before, so nothing is
          checked again.

              epoch | tag, last words?, when, counts, floor, size, sum | node ... | number ...

          The master counts the epoch up before it starts a router.  The next generation waits for
          the last words of the one before, but not for long: it may have been killed.
Units:    seconds of the monotonic clock, which all processes share; numbers are those of `unix`.
Errors:   none; without the file, or with one that is old or half written, nodes are learnt as they
          announce.
"""

from __future__ import annotations

import contextlib
import os
import struct
import time
from collections.abc import Iterator
from typing import NamedTuple
from zlib import crc32

from refuwsgi import passing
from refuwsgi.fastrouter.replay_guard import Guard
from refuwsgi.fastrouter.slots import Sender, Subscribed, Table
from refuwsgi.loop import Loop, Task, sleep
from refuwsgi.protocol.subscription import Announcement, encode, parse

NAME = "fastrouter table"
FRESH = 60.0  # nodes of an older file belong to some other reload
SLOW = 1.0  # how long the generation before may take to write
LOOK = 0.05
PAUSE = 1.0  # from a change until it is written, at least
SHARE = 50  # ... and so many times as long as writing takes
PART = 50  # keys that are written down before others get their turn
EPOCH = struct.Struct("=Q")
HEAD = struct.Struct("=Q?dIIqQI")
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


class _Draft:
    """What is to be written, part after part."""

    def __init__(self, table: Table, guard: Guard | None) -> None:
        self._table = table
        self._guard = guard
        self._nodes = self._numbers = 0
        self._parts: list[bytes] = []

    def steps(self) -> Iterator[None]:
        """Write everything down; others may do something in between."""
        for count, slot in enumerate(list(self._table.slots.values())):
            for node in slot.nodes:
                if not node.dead:
                    self._nodes += 1
                    datagram = encode(_announcement(node, slot.algorithm))
                    self._parts += [NODE.pack(*node.sender, len(datagram)), datagram]
            if count % PART == PART - 1:
                yield
        if self._guard is not None:
            numbers = list(self._guard.numbers(time.time()).items())
            self._numbers = len(numbers)
            for (key, address), unix in numbers:
                self._parts += [NUMBER.pack(len(key), len(address), unix), key, address]

    def save(self, to: Handover, *, last: bool) -> None:
        """Put it into the file."""
        body = b"".join(self._parts)
        floor = self._guard.floor if self._guard is not None else -1
        counts = (self._nodes, self._numbers, floor, len(body), crc32(body))
        head = HEAD.pack(to.epoch, last, time.monotonic(), *counts)
        with contextlib.suppress(OSError):
            os.pwrite(to.fd, head + body, EPOCH.size)
            os.ftruncate(to.fd, EPOCH.size + len(head) + len(body))


def _announcement(node: Subscribed, algorithm: str) -> Announcement:
    return Announcement(
        node.key,
        node.address.encode("latin-1"),
        modifier1=node.modifier1,
        modifier2=node.modifier2,
        cores=node.cores,
        load=node.load,
        weight=node.weight,
        backup=node.backup,
        algorithm=algorithm.encode(),
    )


def write(to: Handover, table: Table, guard: Guard | None = None) -> None:
    """Leave the living nodes, and what was signed, to the next generation."""
    draft = _Draft(table, guard)
    for _ in draft.steps():
        pass
    draft.save(to, last=True)


class Keeper:
    """Writes the table while its process runs, for the one that comes when that is killed."""

    def __init__(self, to: Handover, table: Table, guard: Guard | None, loop: Loop) -> None:
        self._to = to
        self._table = table
        self._guard = guard
        self._loop = loop
        self._stale = False
        self._pause = PAUSE
        self._task: Task | None = None

    def changed(self) -> None:
        """Something is to be written, soon."""
        self._stale = True
        if self._task is None and self._to.fd >= 0:
            self._task = self._loop.spawn(self._keep())

    def stop(self) -> None:
        """Write no more."""
        if self._task is not None:
            self._loop.end(self._task)
        self._to = Handover()

    async def _keep(self) -> None:
        while self._stale:
            await sleep(self._pause)
            self._stale = False
            began = time.monotonic()
            draft = _Draft(self._table, self._guard)
            for _ in draft.steps():
                await sleep(0.0)
            draft.save(self._to, last=False)
            self._pause = max(PAUSE, SHARE * (time.monotonic() - began))
        self._task = None


def read(of: Handover, table: Table, guard: Guard | None = None, *, words: bool = False) -> bool:
    """Take over what is in the file; say whether there was anything to take over.

    `words`: what another generation wrote counts only if these were its last words.
    """
    try:
        data = os.pread(of.fd, os.fstat(of.fd).st_size, 0)
        tag, last, written, nodes, numbers, floor, size, total = HEAD.unpack_from(data, EPOCH.size)
        start = EPOCH.size + HEAD.size
        body = data[start : start + size]
        ours = tag == of.epoch
        if not (ours or tag + 1 == of.epoch and (last or not words)):
            return False
        if len(body) != size or crc32(body) != total:
            return False
        fresh = ours or time.monotonic() - written <= FRESH
        place = _nodes(body, nodes, table if fresh else None)
        if guard is not None:
            guard.remember(_numbers(body, place, numbers), floor)
    except (OSError, struct.error):
        return False
    return True


async def take_over(of: Handover, table: Table, guard: Guard | None = None) -> None:
    """Know what the generation before knew, or a process of this one that has been killed."""
    late = time.monotonic() + SLOW
    while not read(of, table, guard, words=True):
        if not of.epoch or time.monotonic() > late:
            read(of, table, guard)
            return
        await sleep(LOOK)


def _nodes(data: bytes, count: int, table: Table | None) -> int:
    """Announce the nodes again; say where they end."""
    place = 0
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
