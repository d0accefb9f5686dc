"""The trace begins: the file is opened, and every part that is configured gets its notes.

Section:  ground / the server; the beginning of a trace
What:     called once, before any process starts and before privileges are dropped.
Units:    none.
Errors:   OptionError when the file cannot be opened.
"""

from __future__ import annotations

from typing import Final

from refuwsgi import processes
from refuwsgi.options import Config, OptionError
from refuwsgi.scaling import http_link
from refuwsgi.server import traced_workers
from refuwsgi.server.tracing import TRACE, Step, Trace

TITLE: Final = "uWSGI "


def begin(config: Config) -> Trace | None:
    """Open the file and put the notes around the steps of all parts that are configured."""
    path = config[TRACE]
    if path is None:
        return None
    try:
        trace = Trace(path)
    except OSError as problem:
        raise OptionError(f"{config.where(TRACE)}: trace: {path}: {problem.strerror}") from None
    _learn_names(trace)
    traced_workers.join(trace)
    if http_link.router_wanted(config) or config.asks_for("fastrouter"):
        from refuwsgi.server import traced_routers

        traced_routers.join(
            trace, http=http_link.router_wanted(config), fast=config.asks_for("fastrouter")
        )
    if config.asks_for("emperor"):
        from refuwsgi.server import traced_empires

        traced_empires.join(trace)
    return trace


def _learn_names(trace: Trace) -> None:
    """Have each process know how it is called: "http 1", "fastrouter 2"."""

    def made(step: Step) -> Step:
        def set_title(title: str) -> None:
            trace.name = title.removeprefix(TITLE)
            step(title)

        return set_title

    trace.around(processes, "set_title", made)
