"""The scoreboard: what every core and worker is doing, for everybody to see.

Section:  ground / the scoreboard
What:     rows of 64-bit words in memory that all processes of an instance share.  A core
          writes its own row and the master reads it, so there is no lock; the stats server,
          harakiri, cheaper and the metrics all look here and nowhere else.

              worker 1  | pid | since | ... |        one row for each possible worker
                core 0  | requests | tx | ... |      one row for each of its cores
                core 1  | requests | tx | ... |

Units:    times are microseconds of the wall clock unless the name says otherwise; sizes are bytes.
Errors:   none.
"""

from __future__ import annotations

from mmap import mmap
from typing import Any, overload

from refuwsgi.shared import words

MAX_SHOWN = 4096  # bytes of a running request that a core shows to the stats server

IDLE, BUSY = 0, 1


class Word:
    """One word of a row, under a name."""

    __slots__ = ("index",)

    def __init__(self, index: int) -> None:
        self.index = index

    @overload
    def __get__(self, row: None, owner: type[Row]) -> Word: ...
    @overload
    def __get__(self, row: Row, owner: type[Row]) -> int: ...
    def __get__(self, row: Row | None, owner: type[Row]) -> Word | int:
        """Read the word of a row."""
        return self if row is None else row.words[self.index]

    def __set__(self, row: Row, value: int) -> None:
        """Write the word of a row."""
        row.words[self.index] = value


class Row:
    """A run of words that belong to one thing."""

    __slots__ = ("words",)
    SIZE = 0

    def __init__(self, cells: memoryview) -> None:
        self.words = cells

    def clear(self) -> None:
        """Set every word of the row to 0."""
        for index in range(len(self.words)):
            self.words[index] = 0


class CoreRow(Row):
    """What one core counts; it alone writes here, except where a name says otherwise."""

    __slots__ = ("answer", "number", "shown", "worker")
    SIZE = 24
    requests = Word(0)  # requests that ended
    static = Word(1)  # of these, files
    routed = Word(2)  # of these, taken by a route
    offloaded = Word(3)  # tasks handed to an offload thread
    write_errors = Word(4)
    read_errors = Word(5)
    exceptions = Word(6)
    in_request = Word(7)  # IDLE or BUSY
    started = Word(8)  # when the running request began
    tx = Word(9)  # bytes sent
    running = Word(10)  # microseconds spent in requests that count for the average
    deadline = Word(12)  # when harakiri ends the request, monotonic; 0: never
    app_requests = Word(13)  # requests that reached the application
    # The request path writes some of these by their numbers, which costs half as much.
    shown_size = Word(14)  # bytes of `shown` that are true
    last = Word(17)  # when the last request ended
    shown: memoryview  # the head of the running request, as it came over the wire

    def __init__(
        self, cells: memoryview, shown: memoryview, worker: int = 1, number: int = 0
    ) -> None:
        super().__init__(cells)
        self.shown = shown
        self.worker = worker  # from 1
        self.number = number  # within the worker
        self.answer: Any = None  # what it is giving at the moment, in the process that gives it

    @property
    def timed(self) -> int:
        """How many requests count for the average: those for files do not."""
        return max(0, self.requests - self.static)


class WorkerRow(Row):
    """What is known of one worker; the master writes here, except where said."""

    __slots__ = ()
    SIZE = 24
    id = Word(0)  # 0 until it is first started
    pid = Word(1)  # 0 while there is none
    accepting = Word(2)  # written by the worker
    spawned = Word(3)  # seconds: when its process began
    respawns = Word(4)
    harakiris = Word(5)
    signals = Word(6)
    rss = Word(7)  # written by the worker, with memory-report
    vsz = Word(8)  # likewise
    paused = Word(9)  # 1 while the master holds it
    retiring = Word(10)  # 1 when it shall take no further request
    base = Word(11)  # requests of all its cores when the present process began
    ready = Word(12)  # written by the worker: it has an application and accepts
    exceptions = Word(13)


class InstanceRow(Row):
    """Numbers of the whole instance."""

    __slots__ = ()
    SIZE = 8
    master = Word(0)  # the master's pid; 0 without one
    started = Word(1)  # seconds


class Scoreboard:
    """The rows of an instance, made before the first fork."""

    def __init__(self, workers: int, cores: int) -> None:
        per_worker = WorkerRow.SIZE + cores * CoreRow.SIZE
        self._cells = words(InstanceRow.SIZE + workers * per_worker)
        area = memoryview(mmap(-1, max(1, workers * cores * MAX_SHOWN)))
        self.instance = InstanceRow(self._cells[: InstanceRow.SIZE])
        self.workers: list[WorkerRow] = []
        self.cores: list[list[CoreRow]] = []
        at = InstanceRow.SIZE
        for worker in range(1, workers + 1):
            self.workers.append(WorkerRow(self._cells[at : at + WorkerRow.SIZE]))
            at += WorkerRow.SIZE
            rows = []
            for number in range(cores):
                cells = self._cells[at : at + CoreRow.SIZE]
                rows.append(CoreRow(cells, area[:MAX_SHOWN], worker, number))
                area = area[MAX_SHOWN:]
                at += CoreRow.SIZE
            self.cores.append(rows)

    @property
    def size(self) -> int:
        """Bytes of shared memory, as the start-up line says."""
        return len(self._cells) * 8 + sum(len(rows) for rows in self.cores) * MAX_SHOWN

    def requests(self) -> int:
        """Requests of the whole instance."""
        return sum([core.words[0] for rows in self.cores for core in rows])

    def busy(self, worker: int) -> int:
        """How many cores of a worker (counted from 0) are in a request."""
        return sum(core.in_request for core in self.cores[worker])
