"""cheaper: scale down processes when we are not busy.

Section:  scaling / cheaper
What:     once a cycle the master looks at its workers, asks the algorithm, and starts or stops
          some.  A worker is busy when any of its cores is in a request, and a busy worker is
          never stopped; one that is stopped finishes what it may just have accepted.

              cheaper = 1     the least number of workers
              processes = 4   the largest

Units:    cycles are about a second; sizes are bytes.
Errors:   `OptionError` when cheaper is not below processes, or the algorithm is not known.
          # Departure: uWSGI falls back to spare when it does not know the algorithm.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from refuwsgi import log
from refuwsgi.options import Config, OptionError
from refuwsgi.request_log import MEMORY_REPORT
from refuwsgi.scaling.cheaper_algorithms import (
    Algorithm,
    Backlog,
    Busyness,
    Manual,
    Seen,
    Spare,
    Spare2,
    Thresholds,
)
from refuwsgi.scaling.cheaper_options import (
    BUSY_ALERT,
    BUSY_BACKLOG_MULTIPLIER,
    BUSY_BACKLOG_STEP,
    BUSY_MAX,
    BUSY_MIN,
    BUSY_MULTIPLIER,
    BUSY_NONZERO,
    BUSY_PENALTY,
    BUSY_VERBOSE,
    CHEAPER,
    CHEAPER_ALGO,
    CHEAPER_ALGO_LIST,
    CHEAPER_IDLE,
    CHEAPER_INITIAL,
    CHEAPER_OVERLOAD,
    CHEAPER_STEP,
    RSS_HARD,
    RSS_SOFT,
)
from refuwsgi.scaling.workers import PROCESSES

if TYPE_CHECKING:
    from refuwsgi.scaling.master import Master
    from refuwsgi.scaling.slots import Slot

TOO_MANY = "invalid cheaper value: must be lower than processes"
TOO_FEW = (
    "warning: invalid cheaper-initial value ({}), must be equal or higher than cheaper ({}), "
    "using {} as initial number of workers"
)
BEYOND = (
    "warning: invalid cheaper-initial value ({}), must be lower or equal than worker count ({}), "
    "using {} as initial number of workers"
)
LIST_HEAD, LIST_END = (
    "*** uWSGI loaded cheaper algorithms ***",
    "--- end of cheaper algorithms list ---",
)

ALGORITHMS: dict[str, Callable[[Config], Algorithm]] = {
    "busyness": lambda config: Busyness(
        config[CHEAPER_OVERLOAD],
        config[CHEAPER_STEP],
        Thresholds(
            config[BUSY_MAX],
            config[BUSY_MIN],
            config[BUSY_MULTIPLIER],
            config[BUSY_PENALTY],
            config[BUSY_ALERT],
            config[BUSY_BACKLOG_MULTIPLIER],
            config[BUSY_BACKLOG_STEP],
            config[BUSY_NONZERO],
        ),
    ),
    "backlog": lambda config: Backlog(config[CHEAPER_OVERLOAD], config[CHEAPER_STEP]),
    "spare": lambda config: Spare(config[CHEAPER_OVERLOAD], config[CHEAPER_STEP]),
    "spare2": lambda config: Spare2(
        config[CHEAPER_INITIAL] or config[CHEAPER], config[CHEAPER_STEP], config[CHEAPER_IDLE]
    ),
    "manual": lambda config: Manual(),
}


def check(config: Config) -> None:
    """Refuse what makes no sense, before the application is loaded."""
    if not config[CHEAPER]:
        return
    if config[CHEAPER] >= config[PROCESSES]:
        where = config.where(CHEAPER)
        raise OptionError(f"{where}: cheaper: {TOO_MANY}" if where else TOO_MANY)
    algorithm(config)
    _check_limits(config)


def initial(config: Config) -> int:
    """How many workers there are at the start."""
    least, most = config[CHEAPER], config[PROCESSES]
    if not least:
        return most
    wanted = config[CHEAPER_INITIAL]
    if not wanted:
        return least
    if wanted < least:
        log.line(TOO_FEW.format(wanted, least, least))
    elif wanted > most:
        log.line(BEYOND.format(wanted, most, most))
    return min(max(wanted, least), most)


def algorithm(config: Config) -> Algorithm:
    """Build the algorithm that the operator chose."""
    name = config[CHEAPER_ALGO]
    if name in ALGORITHMS:
        return ALGORITHMS[name](config)
    if name.endswith(".py"):
        return _own(config, name)
    raise config.error(CHEAPER_ALGO, f"one of {', '.join(ALGORITHMS)}, or a Python file")


def _own(config: Config, path: str) -> Algorithm:
    """Load the operator's own algorithm: a file with `decide(seen, now)`."""
    # Beyond: uWSGI wants a plugin in C.
    import runpy

    try:
        decide = runpy.run_path(path).get("decide")
    except (OSError, SyntaxError) as problem:
        raise config.error(CHEAPER_ALGO, f"a Python file that runs ({problem})") from None
    if not callable(decide):
        raise config.error(CHEAPER_ALGO, "a Python file with a function `decide(seen, now)`")

    return Own(decide)


class Own:
    """The operator's algorithm."""

    def __init__(self, decide: Callable[[Seen, float], int]) -> None:
        self._decide = decide

    def decide(self, seen: Seen, now: float) -> int:
        """Ask the operator's function."""
        return int(self._decide(seen, now))


class Cheaper:
    """What the master does about the number of its workers."""

    def __init__(self, config: Config, queue: Callable[[], int]) -> None:
        self.algorithm = algorithm(config)
        self._least = config[CHEAPER]
        self._soft, self._hard = config[RSS_SOFT], config[RSS_HARD]
        self._verbose = config[BUSY_VERBOSE]
        self._queue = queue
        if isinstance(self.algorithm, Busyness):
            for line in self.algorithm.settings():
                log.line(line)

    def look(self, master: Master) -> None:
        """Ask the algorithm and obey; called once a cycle."""
        if master.asleep or master.paused:
            return
        seen = self._seen(master)
        wanted = self.algorithm.decide(seen, time.monotonic())
        if isinstance(self.algorithm, Busyness):
            for line in self.algorithm.lines + (self.algorithm.verbose if self._verbose else []):
                log.line(line)
        wanted = self._within_memory(master, wanted)
        if wanted > 0:
            self._start(master, min(wanted, seen.unborn))
        for _ in range(min(-wanted, seen.live - 1)):
            if not self._stop(master):
                break

    def one_more(self, master: Master) -> None:
        """Start a worker because the operator says so, if there is a place for it."""
        self._start(master, 1)

    def one_less(self, master: Master) -> None:
        """Stop an idle worker because the operator says so."""
        # Departure: uWSGI goes below `cheaper`, down to no worker and a site that hangs.
        if self._seen(master).live > self._least:
            self._stop(master)

    def _seen(self, master: Master) -> Seen:
        live = [slot for slot in master.workers if slot.child is not None and slot.wanted]
        cores = [master.board.cores[slot.number - 1] for slot in live]
        busy = [any(core.in_request for core in each) for each in cores]
        return Seen(
            live=len(live),
            busy=sum(busy),
            most=len(master.workers),
            least=self._least,
            queue=self._queue(),
            running=[sum(core.running for core in each) for each in cores],
            in_request=busy,
            numbers=[slot.number for slot in live],
        )

    def _within_memory(self, master: Master, wanted: int) -> int:
        if not self._soft:
            return wanted
        used = sum(row.rss for row in master.board.workers if row.pid)
        if self._hard and used > self._hard:
            return -1
        return min(wanted, 0) if used > self._soft else wanted

    def _start(self, master: Master, count: int) -> None:
        free = [slot for slot in master.workers if slot.child is None and not slot.wanted]
        for slot in free[:count]:
            master.spawn_worker(slot)

    def _stop(self, master: Master) -> bool:
        """Stop the idle worker that has been there longest; False when all are busy."""
        idle = [
            slot
            for slot in master.workers
            if slot.child is not None and slot.wanted and not master.board.busy(slot.number - 1)
        ]
        if not idle:
            return False
        oldest: Slot = min(idle, key=lambda slot: (int(slot.started), slot.number))
        oldest.wanted, oldest.planned, oldest.cheaped = False, True, True
        master.board.workers[oldest.number - 1].retiring = 1
        oldest.send(signal.SIGHUP)
        return True


def _check_limits(config: Config) -> None:
    soft, hard = config[RSS_SOFT], config[RSS_HARD]
    if soft and not config[MEMORY_REPORT]:
        raise OptionError("enabling cheaper-rss-limit-soft requires enabling also memory-report")
    if hard and not soft:
        raise OptionError(
            "enabling cheaper-rss-limit-hard requires setting also cheaper-rss-limit-soft"
        )
    if hard and hard <= soft:
        raise OptionError(
            "cheaper-rss-limit-hard value must be higher than cheaper-rss-limit-soft value"
        )


def configured(config: Config, queue: Callable[[], int]) -> Cheaper | None:
    """Build it if the operator wants it."""
    if config[CHEAPER_ALGO_LIST]:
        for line in (LIST_HEAD, *ALGORITHMS, LIST_END):
            log.line(line)
    if not config[CHEAPER]:
        return None
    return Cheaper(config, queue)
