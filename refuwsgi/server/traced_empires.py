"""The notes of the emperor: a socket that speaks, a vassal started, ready, ended, asleep again.

Section:  ground / the server; the trace of emperors
What:     puts notes around the steps of a vassal's life.  A client that wakes a vassal has no
          name yet: the emperor does not accept it.  A vassal writes a trace of its own if its
          configuration, or `vassal-set = trace=FILE`, says so; it may be the same file.
Units:    none.
Errors:   none.
"""

from __future__ import annotations

from typing import Any

from refuwsgi.server.tracing import HAS_ENDED, HEARS, IS_READY, SLEEPS, STARTS, Step, Trace
from refuwsgi.vassals import emperor_pipe, spawn
from refuwsgi.vassals.lifecycle import Event
from refuwsgi.vassals.vassal import Vassal

EMPEROR = "emperor"


def join(trace: Trace) -> None:
    """Put the notes around the steps of vassals."""

    def wake(vassal: Vassal, event: Event) -> None:
        if event is Event.WAKE and vassal.door is not None:
            trace.note(EMPEROR, HEARS, about=f"{vassal.door.name} of {vassal.name}")

    def hear(vassal: Vassal, byte: int) -> None:
        if byte == emperor_pipe.ACCEPTING:
            trace.note(EMPEROR, IS_READY, about=vassal.name)

    def watch(vassal: Vassal, *_: Any) -> None:
        trace.note(EMPEROR, SLEEPS, about=vassal.name)

    def died(vassal: Vassal, *_: Any) -> None:
        trace.note(EMPEROR, HAS_ENDED, about=vassal.name)

    for name, first in (("feed", wake), ("_hear", hear), ("_watch", watch), ("died", died)):
        trace.around(Vassal, name, _before(first))
    trace.around(spawn, "launch", lambda step: _launch(trace, step))
    trace.around(spawn, "_run_warm", lambda step: _run_warm(trace, step))


def _before(first: Step) -> Any:
    def made(step: Step) -> Step:
        def both(*words: Any) -> Any:
            first(*words)
            return step(*words)

        return both

    return made


def _launch(trace: Trace, step: Step) -> Step:
    def launch(what: spawn.Launch) -> int:
        pid = int(step(what))
        trace.note(EMPEROR, STARTS, about=f"{what.found.name} (pid {pid})")
        return pid

    return launch


def _run_warm(trace: Trace, step: Step) -> Step:
    """A vassal that is forked from us is an instance of its own: our notes are not its notes."""

    def run_warm(*words: Any) -> int:
        trace.forget()
        return int(step(*words))

    return run_warm
