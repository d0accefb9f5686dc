"""Cheap mode: a router without nodes does not answer, so that somebody else may.

Section:  fastrouter / Cheap mode and shared sockets
What:     a table of two states.  A cheap router keeps its sockets but takes no connection from
          them: on a socket shared with an instance, the instance takes them all; elsewhere they
          wait.

          state    living nodes   becomes   and the router
          CHEAP    some           AWAKE     accepts
          AWAKE    none           CHEAP     accepts no more; what runs is served to its end

          Only living nodes count.  One that said goodbye and still works for somebody is none.
Errors:   none.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from enum import Enum
from typing import NamedTuple, Protocol

from refuwsgi.options import Config, Option, flag

CHEAP = Option(
    "fastrouter-cheap",
    flag,
    default=False,
    help="accept no client while no node is subscribed",
    bare="true",
)


class State(Enum):
    """What a router is that may go cheap."""

    CHEAP = "cheap"
    AWAKE = "awake"


class Step(NamedTuple):
    """Where a state leads, what the router says of it, and whether it accepts."""

    state: State
    line: str
    accepts: bool


# Departure: uWSGI stays awake while a node that left still works, and closes the newcomers.
STEPS: dict[tuple[State, bool], Step | None] = {
    (State.CHEAP, False): None,
    (State.CHEAP, True): Step(State.AWAKE, "leaving cheap mode...", True),
    (State.AWAKE, True): None,
    (State.AWAKE, False): Step(State.CHEAP, "no more nodes available. Going cheap...", False),
}


class Door(Protocol):
    """The router, as far as cheap mode is concerned."""

    cheap: bool

    def wake(self) -> None:
        """Accept clients."""

    def rest(self) -> None:
        """Accept no more."""


class CheapMode:
    """Opens and closes the door of a router by the number of living nodes."""

    def __init__(self, door: Door, name: str, say: Callable[[str], None]) -> None:
        self._door = door
        self._name = name
        self._say = say

    def nodes_changed(self, living: int) -> None:
        """Take note of how many nodes live now."""
        step = STEPS[State.CHEAP if self._door.cheap else State.AWAKE, living > 0]
        if step is not None:
            self._say(f"[{self._name} pid {os.getpid()}] {step.line}")
            (self._door.wake if step.accepts else self._door.rest)()


def configured(config: Config, *, subscriptions: bool) -> bool:
    """Say whether the router starts cheap."""
    # Departure: without a subscription server uWSGI would never wake.
    return config[CHEAP] and subscriptions
