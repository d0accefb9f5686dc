"""When a server has nothing to do: stop its workers, or end and be on demand again.

Section: vassals / Combining on demand vassals with --idle and --die-on-idle
What: the rule, without clock and without processes.  The master asks it about once a second and
      obeys the answer:

          idle   die-on-idle   under an emperor   after `idle` seconds without a request
          no     any           any                nothing
          yes    no            any                SLEEP    stop the workers, watch the sockets
          yes    yes           no                 END      end the server, exit status 0
          yes    yes           yes                GOODBYE  tell the emperor, which then stops us:
                                                           on demand it watches the socket again

Units: seconds; `now` is monotonic.
Errors: `OptionError` when `idle` is not a number of seconds.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import NamedTuple

from refuwsgi.options import Config, Option, flag, number

IDLE = Option(
    "idle",
    number,
    default=0,
    help="stop the workers after so many seconds without a request",
    implies=("master",),
)
DIE_ON_IDLE = Option(
    "die-on-idle",
    flag,
    default=False,
    help="end after `idle` seconds without a request, instead of waiting without workers",
    bare="true",
)
CHEAP = Option(
    "cheap",
    flag,
    default=False,
    help="start without workers, and wait for the first connection",
    bare="true",
    implies=("master",),
)


class Seen(NamedTuple):
    """What the master sees of its workers at one moment."""

    finished: int  # requests that all workers have answered since the start
    busy: bool  # somebody is inside a request, or holds a connection whose request will come
    asleep: bool = False  # there are no workers: the server is cheap already


class Decision(Enum):
    """What the master does now."""

    STAY = auto()
    SLEEP = auto()
    END = auto()
    GOODBYE = auto()


class Idle:
    """The rule, and when it last saw a sign of life."""

    def __init__(self, seconds: int, die: bool, emperor: bool, now: float) -> None:
        self._seconds = seconds
        self._verdict = Decision.SLEEP if not die else Decision.GOODBYE if emperor else Decision.END
        self._finished = 0
        self._last = now

    def decide(self, seen: Seen, now: float) -> Decision:
        """Say what follows from what the master sees."""
        if not self._seconds or seen.asleep:
            # The time of sleep is no idleness: the clock starts when the workers are back.
            self._last = now
            return Decision.STAY
        # uWSGI: a request in progress keeps a server awake but leaves the clock alone; the end
        # of a request moves it.  (Beyond: a cron or a mule at work may be reported as busy.)
        if seen.finished != self._finished:
            self._finished = seen.finished
            self._last = now
        if seen.busy or now - self._last <= self._seconds:
            return Decision.STAY
        return self._verdict

    def line(self, now: float) -> str:
        """What the log says when the decision has been taken."""
        return (
            f"workers have been inactive for more than {self._seconds} seconds "
            f"({int(now)}-{int(self._last)})"
        )


def configured(config: Config, emperor: bool, now: float) -> Idle | None:
    """Build the rule that the operator asked for; `emperor`: are we somebody's vassal."""
    if not config[IDLE]:
        # uWSGI: die-on-idle without idle means nothing.
        return None
    return Idle(config[IDLE], config[DIE_ON_IDLE], emperor, now)
