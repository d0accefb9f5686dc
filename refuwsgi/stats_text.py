"""The statistics as text, for Prometheus.

Section:  ground / the stats server; the text page
What:     what the JSON says, one number to a line.  Served under /metrics when the stats server
          speaks HTTP.

              uwsgi_worker_requests_total{worker="1"} 42

Units:    seconds and bytes, as Prometheus wants them; the JSON has microseconds.
Errors:   none.
"""

# Beyond: uWSGI has JSON only, and needs an exporter beside it.

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

MICRO = 1_000_000


class Series(NamedTuple):
    """Numbers of one name."""

    name: str
    kind: str
    help: str
    points: Sequence[tuple[str, float]]  # labels, value


def text(fields: dict[str, Any]) -> str:
    """Write every number of the statistics."""
    return written(_all(fields))


def written(numbers: Iterable[Series]) -> str:
    """Write numbers as Prometheus reads them."""
    lines = []
    for series in numbers:
        lines.append(f"# HELP {series.name} {series.help}")
        lines.append(f"# TYPE {series.name} {series.kind}")
        lines += [f"{series.name}{labels} {value:.10g}" for labels, value in series.points]
    return "\n".join([*lines, ""])


def _all(fields: dict[str, Any]) -> Iterator[Series]:
    workers = fields["workers"]
    yield Series(
        "uwsgi_listen_queue",
        "gauge",
        "Clients that no core has accepted yet.",
        [(labels(socket=each["name"]), each["queue"]) for each in fields["sockets"]],
    )
    yield Series(
        "uwsgi_workers",
        "gauge",
        "Workers by what they are doing.",
        [
            (labels(status=status), sum(1 for each in workers if each["status"] == status))
            for status in ("idle", "busy", "cheap", "pause")
        ],
    )
    yield from _of_workers(workers)
    yield from _of_cores(workers)
    if "offload" in fields:
        yield from _of_threads(fields["offload"])


WORKER = (
    ("requests", "requests_total", "counter", 1, "Requests that ended."),
    ("exceptions", "exceptions_total", "counter", 1, "Errors of the application."),
    ("harakiri_count", "harakiri_total", "counter", 1, "Times it was killed over a late request."),
    ("respawn_count", "spawns_total", "counter", 1, "Times it was started."),
    ("tx", "sent_bytes_total", "counter", 1, "Bytes of answers."),
    ("running_time", "busy_seconds_total", "counter", MICRO, "Time spent in requests."),
    ("avg_rt", "average_response_seconds", "gauge", MICRO, "Average time of a request."),
    ("rss", "resident_bytes", "gauge", 1, "Resident memory."),
    ("vsz", "address_space_bytes", "gauge", 1, "Address space."),
)
CORE = ("static_requests", "routed_requests", "offloaded_requests", "write_errors", "read_errors")
THREAD = ("tasks", "failed", "timed_out", "bytes")


def _of_workers(workers: list[dict[str, Any]]) -> Iterator[Series]:
    for key, name, kind, divisor, words in WORKER:
        points = [
            (labels(worker=place), each[key] / divisor) for place, each in enumerate(workers, 1)
        ]
        yield Series(f"uwsgi_worker_{name}", kind, words, points)


def _of_cores(workers: list[dict[str, Any]]) -> Iterator[Series]:
    for key in CORE:
        points = [
            (labels(worker=place), sum(core[key] for core in each.get("cores", ())))
            for place, each in enumerate(workers, 1)
        ]
        words = f"{key.replace('_', ' ').capitalize()} of all cores."
        yield Series(f"uwsgi_worker_{key}_total", "counter", words, points)


def _of_threads(threads: Iterable[list[dict[str, int]]]) -> Iterator[Series]:
    rows = list(threads)
    for key in THREAD:
        points = [
            (labels(worker=n), sum(row[key] for row in each)) for n, each in enumerate(rows, 1)
        ]
        yield Series(f"uwsgi_offload_{key}_total", "counter", f"Offloading: {key}.", points)
    points = [
        (labels(worker=n), sum(row["active"] for row in each)) for n, each in enumerate(rows, 1)
    ]
    yield Series("uwsgi_offload_active", "gauge", "Offloaded tasks that are going on.", points)


def labels(**values: object) -> str:
    """Write what a number is about."""
    inside = ",".join(f'{name}="{_escaped(str(value))}"' for name, value in values.items())
    return f"{{{inside}}}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
