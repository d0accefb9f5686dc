"""metrics-dir: every metric as a file, for tools that read files.

Section:  ground / metrics; as files
What:     once a cycle each metric is written into the file of its name, as one line; the rest of
          a page is NULs, as uWSGI has it, so that a reader never sees half a number.
Units:    none.
Errors:   `OptionError` when the directory is not there.
"""

from __future__ import annotations

import os
from mmap import PAGESIZE

from refuwsgi.metrics import Metrics
from refuwsgi.options import Config, Option, text

METRICS_DIR: Option[str | None] = Option(
    "metrics-dir",
    text,
    default=None,
    help="write the metrics into files of this directory",
    aliases=("metric-dir",),
    implies=("master", "enable-metrics"),
)


class MetricsFiles:
    """The directory, and what was last written there."""

    def __init__(self, directory: str, metrics: Metrics) -> None:
        self._directory = os.path.abspath(directory)
        self._metrics = metrics
        self._written: dict[str, int] = {}

    def look(self) -> None:
        """Write what has changed; called once a cycle by the master."""
        for name, fields in self._metrics.fields().items():
            value = fields["value"]
            if self._written.get(name) != value and "/" not in name:
                self._written[name] = value
                self._write(name, value)

    def _write(self, name: str, value: int) -> None:
        page = f"{value}\n".encode().ljust(PAGESIZE, b"\0")
        path = os.path.join(self._directory, name)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            os.write(descriptor, page)
        finally:
            os.close(descriptor)


def configured(config: Config, metrics: Metrics | None) -> MetricsFiles | None:
    """Build them if the operator named a directory."""
    directory = config[METRICS_DIR]
    if directory is None or metrics is None:
        return None
    if not os.path.isdir(directory):
        raise config.error(METRICS_DIR, "a directory that is there")
    return MetricsFiles(directory, metrics)
