"""Metrics: every number of an instance under a name, and the operator's own beside them.

Section:  ground / metrics
What:     `enable-metrics` lets the statistics carry the names that uWSGI has for what the
          scoreboard knows; `metric = name` adds one that the application counts.

              worker.1.requests   3.1.1     worker.1.core.0.requests   3.1.2.0.1
              core.busy_workers   5.3       socket.0.listen_queue      7.0.1

          Not built: collectors, thresholds, pushing to other machines.
Units:    as in the statistics: microseconds and bytes; every value is a whole number.
Errors:   `OptionError` for a metric whose words are not understood.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from refuwsgi.listeners import Listener
from refuwsgi.options import JOIN, Config, Option, flag, texts
from refuwsgi.queues import backlog_of
from refuwsgi.scoreboard import CoreRow, Scoreboard
from refuwsgi.shared import Lock, words

ENABLE_METRICS = Option(
    "enable-metrics",
    flag,
    default=False,
    help="add the metrics to the statistics",
    bare="true",
    implies=("master",),
)
METRIC: Option[tuple[str, ...]] = Option(
    "metric",
    texts,
    default=(),
    help="a number that the application counts: a name, or name=...,type=...,initial_value=...",
    repeat=JOIN,
    implies=("master",),
)
METRICS_NO_CORES = Option(
    "metrics-no-cores", flag, default=False, help="no metrics of single cores", bare="true"
)

COUNTER, GAUGE, ABSOLUTE = 0, 1, 2
TYPES = {"counter": COUNTER, "gauge": GAUGE, "absolute": ABSOLUTE}
WRAP = 1 << 64  # words have no sign, metrics do

Value = Callable[[], int]


class Metric(NamedTuple):
    """A number with a name."""

    name: str
    oid: str
    kind: int
    value: Value


class Own(NamedTuple):
    """What the operator said of a metric."""

    name: str
    kind: int = COUNTER
    initial: int = 0
    oid: str = ""


class Metrics:
    """All metrics of an instance."""

    def __init__(
        self,
        board: Scoreboard,
        listeners: Sequence[Listener],
        own: Sequence[Own] = (),
        *,
        cores: bool = True,
    ) -> None:
        self._lock = Lock()  # guards the operator's: several processes add to them
        self._cells = words(len(own))
        self._place = {each.name: place for place, each in enumerate(own)}
        self._all: dict[str, Metric] = {}
        for metric in (
            *_instance(board),
            *_workers(board, cores=cores),
            *_sockets(listeners),
        ):
            self._all[metric.name] = metric
        for place, each in enumerate(own):
            self._cells[place] = each.initial % WRAP
            value = _reader(self._cells, place)
            self._all[each.name] = Metric(each.name, each.oid, each.kind, value)

    def fields(self) -> dict[str, dict[str, Any]]:
        """Every metric, as the statistics show it."""
        return {
            name: {"type": metric.kind, "oid": metric.oid, "value": metric.value()}
            for name, metric in self._all.items()
        }

    def get(self, name: str) -> int:
        """The value of a metric; 0 when there is none of this name, as uWSGI has it."""
        metric = self._all.get(name)
        return 0 if metric is None else metric.value()

    def change(self, name: str, new: Callable[[int], int]) -> bool | None:
        """Make a new value of the old one; None when it is not the application's to change."""
        place = self._place.get(name)
        if place is None:
            return None
        with self._lock:
            self._cells[place] = new(_signed(self._cells[place])) % WRAP
        return True

    def calls(self) -> dict[str, Callable[..., int | bool | None]]:
        """The functions of the module `uwsgi`."""
        change = self.change
        return {
            "metric_get": self.get,
            "metric_set": lambda name, value: change(name, lambda old: value),
            "metric_inc": lambda name, by=1: change(name, lambda old: old + by),
            "metric_dec": lambda name, by=1: change(name, lambda old: old - by),
            "metric_mul": lambda name, by=1: change(name, lambda old: old * by),
            "metric_div": lambda name, by=1: change(name, lambda old: old // by if by else old),
            "metric_set_max": lambda name, value: change(name, lambda old: max(old, value)),
            "metric_set_min": lambda name, value: change(name, lambda old: min(old, value)),
        }


def _signed(value: int) -> int:
    return value - WRAP if value >= WRAP >> 1 else value


def _reader(cells: memoryview, place: int) -> Value:
    return lambda: _signed(cells[place])


def _instance(board: Scoreboard) -> Iterator[Metric]:
    workers, cores = board.workers, [core for rows in board.cores for core in rows]

    def busy() -> int:
        return sum(1 for place, row in enumerate(workers) if row.pid and board.busy(place))

    def living() -> int:
        return sum(1 for row in workers if row.pid)

    def average() -> int:
        timed = sum(core.timed for core in cores)
        return sum(core.running for core in cores) // timed if timed else 0

    yield Metric("core.routed_signals", "5.1", COUNTER, lambda: 0)
    yield Metric("core.unrouted_signals", "5.2", COUNTER, lambda: 0)
    yield Metric("core.busy_workers", "5.3", GAUGE, busy)
    yield Metric("core.idle_workers", "5.4", GAUGE, lambda: living() - busy())
    yield Metric("core.overloaded", "5.5", COUNTER, lambda: 0)
    yield Metric("core.total_tx", "5.100", COUNTER, lambda: sum(core.tx for core in cores))
    yield Metric("core.total_rss", "5.101", GAUGE, lambda: sum(row.rss for row in workers))
    yield Metric("core.total_vsz", "5.102", GAUGE, lambda: sum(row.vsz for row in workers))
    yield Metric("core.avg_response_time", "5.103", GAUGE, average)
    yield Metric(
        "core.total_running_time",
        "5.104",
        COUNTER,
        lambda: sum(core.running for core in cores),
    )
    yield Metric("worker.0.requests", "3.0.1", COUNTER, board.requests)


def _workers(board: Scoreboard, *, cores: bool) -> Iterator[Metric]:
    for place, rows in enumerate(board.cores):
        yield from _worker(board, place)
        for number, core in enumerate(rows) if cores else ():
            yield from _core(place + 1, number, core)


def _worker(board: Scoreboard, place: int) -> Iterator[Metric]:
    row, rows, number = board.workers[place], board.cores[place], place + 1

    def requests() -> int:
        return sum(core.requests for core in rows)

    def average() -> int:
        timed = sum(core.timed for core in rows)
        return sum(core.running for core in rows) // timed if timed else 0

    def running() -> int:
        return sum(core.running for core in rows)

    for name, oid, kind, value in (
        ("requests", "1", COUNTER, requests),
        ("delta_requests", "2", ABSOLUTE, lambda: requests() - row.base),
        ("failed_requests", "13", COUNTER, lambda: sum(core.exceptions for core in rows)),
        ("respawns", "14", COUNTER, lambda: row.respawns),
        ("avg_response_time", "8", GAUGE, average),
        ("total_tx", "9", COUNTER, lambda: sum(core.tx for core in rows)),
        ("rss_size", "11", GAUGE, lambda: row.rss),
        ("vsz_size", "12", GAUGE, lambda: row.vsz),
        ("running_time", "13", COUNTER, running),
    ):
        yield Metric(f"worker.{number}.{name}", f"3.{number}.{oid}", kind, value)


def _core(worker: int, number: int, core: CoreRow) -> Iterator[Metric]:
    for name, oid, value in (
        ("requests", "1", lambda: core.requests),
        ("write_errors", "3", lambda: core.write_errors),
        ("routed_requests", "4", lambda: core.routed),
        ("static_requests", "5", lambda: core.static),
        ("offloaded_requests", "6", lambda: core.offloaded),
        ("exceptions", "7", lambda: core.exceptions),
        ("read_errors", "8", lambda: core.read_errors),
    ):
        oid = f"3.{worker}.2.{number}.{oid}"
        yield Metric(f"worker.{worker}.core.{number}.{name}", oid, COUNTER, value)


def _sockets(listeners: Sequence[Listener]) -> Iterator[Metric]:
    for number, listener in enumerate(listeners):
        yield Metric(f"socket.{number}.listen_queue", f"7.{number}.1", GAUGE, _queue(listener))


def _queue(listener: Listener) -> Value:
    return lambda: (backlog_of(listener.sock) or (0, 0))[0]


def own_of(config: Config) -> list[Own]:
    """Read the operator's metrics."""
    return [_own(config, each) for each in config[METRIC]]


def _own(config: Config, text: str) -> Own:
    if "=" not in text:
        return Own(text)
    found = dict(part.partition("=")[::2] for part in text.split(","))
    kind, initial = found.pop("type", "counter"), found.pop("initial_value", "0")
    name, oid = found.pop("name", ""), found.pop("oid", "")
    if found or not name or kind not in TYPES or not initial.removeprefix("-").isdecimal():
        raise config.error(METRIC, "a name, or name=, type=counter|gauge|absolute, initial_value=")
    return Own(name, TYPES[kind], int(initial), oid)


def configured(config: Config, board: Scoreboard, listeners: Sequence[Listener]) -> Metrics | None:
    """Build them if the operator wants any; called before the first fork."""
    own = own_of(config)
    if not own and not config[ENABLE_METRICS]:
        return None
    return Metrics(board, listeners, own, cores=not config[METRICS_NO_CORES])
