"""The table of nodes outlives a reload, and a router that is killed.

Section:  fastrouter / Way 4: --fastrouter-subscription-server; the table in a reload
What:     the first router process writes its nodes, as announcements, and the numbers of the
          signed packets that it has seen, into a file without a name, which stays open over the
          exec: soon after something has changed, and for good when it leaves.  Whoever comes
          after it, in the next generation or in place of a process that was killed, reads it
          before he hears of any node.  What the file says was believed before, so nothing is
          checked again.

              epoch | tag, last words?, when, counts, floor, size, sum | node ... | number ...

          There are two such files, and the older one is written, its head at the end: who is
          killed in the middle of that leaves the newer one.  The master counts the epoch up
          before it starts a router.  The next generation waits for the last words of the one
          before, but not for long: it may have been killed.
Units:    seconds of the monotonic clock, which all processes share; numbers are those of `unix`.
Errors:   none; without a file, or with one that is old or half written, nodes are learnt as they
          announce.
"""

from __future__ import annotations

import contextlib
import os
import struct
import time
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple
from zlib import crc32

from refuwsgi import passing
from refuwsgi.fastrouter.replay_guard import Guard
from refuwsgi.fastrouter.slots import Table
from refuwsgi.fastrouter.subscribed import Sender, Subscribed
from refuwsgi.loop import Loop, Task, sleep
from refuwsgi.protocol.subscription import Announcement, encode, parse

NAME = "fastrouter table"
FRESH = 60.0  # nodes of an older file belong to some other reload
SLOW = 1.0  # how long the generation before may take to write
LOOK = 0.05
PAUSE = 1.0  # from a change until it is written, at least
KEYS = 5000  # ... and a second for each so many keys: they take some 30 milliseconds
PART = 50  # nodes that are written down before others get their turn
EPOCH = struct.Struct("=Q")
HEAD = struct.Struct("=Q?dIIqQI")
NODE = struct.Struct("=iIIH")  # pid, uid and gid of who had announced it; size of the announcement
NUMBER = struct.Struct("=BBq")  # size of the key, of the address; the number


class Handover(NamedTuple):
    """The files, and how many generations had them before; without files there is no handover."""

    fds: tuple[int, ...] = ()
    epoch: int = 0


def opened() -> Handover:
    """The files, made by the first generation; none where there is no such thing."""
    fds, epoch = [], 0
    try:
        for number in range(2):
            name = f"{NAME} {number}"
            if (fd := passing.kept(name)) < 0:
                fd = os.memfd_create(name)
            else:
                epoch = EPOCH.unpack(os.pread(fd, EPOCH.size, 0))[0] + 1
            os.pwrite(fd, EPOCH.pack(epoch), 0)
            passing.keep(name, fd)
            fds.append(fd)
    except (AttributeError, OSError, struct.error):
        return Handover()
    return Handover(tuple(fds), epoch)


class _Draft:
    """What is being written, part after part."""

    def __init__(self, to: Handover, table: Table, guard: Guard | None) -> None:
        self._epoch = to.epoch
        self._table = table
        self._guard = guard
        self._fd = min(to.fds, key=_written)
        self._counts = [0, 0]
        self._size = self._sum = 0

    def steps(self) -> Iterator[None]:
        """Write everything down; others may do something in between."""
        os.ftruncate(self._fd, EPOCH.size)
        slots = list(self._table.slots.values())
        nodes = ((node, slot.algorithm) for slot in slots for node in slot.nodes if not node.dead)
        while batch := list(islice(nodes, PART)):
            self._counts[0] += len(batch)
            said = [(node.sender, encode(_announcement(node, how))) for node, how in batch]
            self._add((NODE.pack(*sender, len(text)), text) for sender, text in said)
            yield
        if self._guard is not None:
            numbers = list(self._guard.numbers(time.time()).items())
            self._counts[1] = len(numbers)
            for start in range(0, len(numbers), PART):
                self._add(
                    (NUMBER.pack(len(key), len(address), unix), key, address)
                    for (key, address), unix in numbers[start : start + PART]
                )
                yield

    def _add(self, records: Iterable[tuple[bytes, ...]]) -> None:
        data = b"".join([piece for record in records for piece in record])
        os.pwrite(self._fd, data, EPOCH.size + HEAD.size + self._size)
        self._size += len(data)
        self._sum = crc32(data, self._sum)

    def finish(self, *, last: bool) -> None:
        """Say that all of it is there."""
        floor = self._guard.floor if self._guard is not None else -1
        said = (last, time.monotonic(), *self._counts, floor, self._size, self._sum)
        os.pwrite(self._fd, HEAD.pack(self._epoch, *said), EPOCH.size)


def _written(fd: int) -> float:
    """When a file was written; long ago, if it is not whole."""
    try:
        return float(HEAD.unpack(os.pread(fd, HEAD.size, EPOCH.size))[2])
    except struct.error:
        return -1.0


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
    if to.fds:
        with contextlib.suppress(OSError):
            draft = _Draft(to, table, guard)
            for _ in draft.steps():
                pass
            draft.finish(last=True)


class Keeper:
    """Writes the table while its process runs, for the one that comes when that is killed."""

    def __init__(self, to: Handover, table: Table, guard: Guard | None, loop: Loop) -> None:
        self._to = to
        self._table = table
        self._guard = guard
        self._loop = loop
        self._stale = False
        self._task: Task | None = None

    def changed(self) -> None:
        """Something is to be written, soon."""
        self._stale = True
        if self._task is None and self._to.fds:
            self._task = self._loop.spawn(self._keep())

    def stop(self) -> None:
        """Write no more."""
        if self._task is not None:
            self._loop.end(self._task)
        self._to = Handover()

    async def _keep(self) -> None:
        while self._stale:
            await self._rest()
            self._stale = False
            with contextlib.suppress(OSError):
                draft = _Draft(self._to, self._table, self._guard)
                for _ in draft.steps():
                    await sleep(0.0)
                draft.finish(last=False)
        self._task = None

    async def _rest(self) -> None:
        """Wait for more to write; a table that grows meanwhile has longer."""
        began = time.monotonic()
        while (left := PAUSE + len(self._table.slots) / KEYS - time.monotonic() + began) > 0:
            await sleep(left)


def read(
    of: Handover, table: Table, guard: Guard | None = None, *, last_words: bool = False
) -> bool:
    """Take over what was written last; say whether there was anything to take over.

    `last_words`: what another generation wrote counts only if these were its last words.
    """
    for fd in sorted(of.fds, key=_written, reverse=True):
        with contextlib.suppress(OSError, struct.error):
            data = os.pread(fd, os.fstat(fd).st_size, 0)
            tag, last, written, *counts, floor, size, total = HEAD.unpack_from(data, EPOCH.size)
            body = data[EPOCH.size + HEAD.size :]
            ours = tag == of.epoch
            if len(body) != size or crc32(body) != total:
                continue
            if not (ours or tag + 1 == of.epoch and (last or not last_words)):
                return False  # and what is older counts even less
            fresh = ours or time.monotonic() - written <= FRESH
            place = _nodes(body, counts[0], table if fresh else None)
            if guard is not None:
                guard.remember(_numbers(body, place, counts[1]), floor)
            return True
    return False


async def take_over(of: Handover, table: Table, guard: Guard | None = None) -> None:
    """Know what the generation before knew, or a process of this one that has been killed."""
    late = time.monotonic() + SLOW
    while not read(of, table, guard, last_words=True):
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
