"""The algorithms of cheaper: how many workers to start or to stop.

Section:  scaling / cheaper; the algorithms
What:     look-alike classes.  Each gets what the master saw, once a cycle, and says how many
          workers to start (a positive number) or to stop (a negative one).  They know neither
          processes nor clocks, so the simulator and the tests feed them as the master does.

              spare      all busy for a while: more; more than one idle: fewer
              spare2     keep so many idle; an idle one goes after `cheaper-idle` seconds
              backlog    more while clients queue up
              busyness   by the share of time that the workers are busy
              manual     only the operator's `+` and `-`

Units:    seconds, except in `Seen.running` (microseconds); busyness is percent.
Errors:   none.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol


class Seen(NamedTuple):
    """What the master sees in one cycle."""

    live: int  # workers that have a process
    busy: int  # of these, those with at least one core in a request
    most: int  # workers that there may be
    least: int  # workers that there must be
    queue: int  # clients that no core has accepted yet
    running: Sequence[int] = ()  # for each live worker: microseconds in requests so far
    in_request: Sequence[bool] = ()  # for each live worker: is it in one now?
    numbers: Sequence[int] = ()  # which workers these are; the first ones when it is not said

    @property
    def unborn(self) -> int:
        """Workers that could be started."""
        return self.most - self.live


class Algorithm(Protocol):
    """Decides, once a cycle."""

    def decide(self, seen: Seen, now: float) -> int:
        """How many workers to start, or (negative) to stop."""
        ...


class Spare:
    """uWSGI's default: one idle worker is stable."""

    def __init__(self, overload: int, step: int) -> None:
        self._limit = max(1, overload)  # Departure: 0 ends uWSGI with a division by zero
        self._step = max(1, step)
        self.overload = 0
        self.idle = 0

    def decide(self, seen: Seen, now: float) -> int:
        """More after `overload` busy cycles; one less every `overload` idle ones."""
        if seen.busy >= seen.live:
            self.overload += 1
            self.idle = 0
        elif self.overload > 0:
            self.overload -= 1
        if self.overload > self._limit:
            self.overload = 0
            return min(self._step, seen.unborn)
        if self.overload == 0 and seen.live - seen.busy != 1:
            self.idle += 1
            if seen.live > seen.least and self.idle % self._limit == 0:
                return -1
        return 0


class Spare2:
    """Beyond: keep `initial` workers idle; stop one that was too many for `idle` seconds."""

    def __init__(self, spare: int, step: int, idle: int) -> None:
        self._spare = max(1, spare)
        self._step = max(1, step)
        self._idle = idle
        self._since: float | None = None  # when there began to be too many

    def decide(self, seen: Seen, now: float) -> int:
        """Start what is missing at once; stop slowly."""
        idle = seen.live - seen.busy
        if idle < self._spare:
            self._since = None
            return min(max(self._step, self._spare - idle), seen.unborn)
        if idle == self._spare or seen.live <= seen.least:
            self._since = None
            return 0
        if self._since is None:
            self._since = now
        if now - self._since < self._idle:
            return 0
        self._since = now
        return -1


class Backlog:
    """By the length of the listen queue."""

    def __init__(self, overload: int, step: int) -> None:
        self._overload = overload
        self._step = max(1, step)

    def decide(self, seen: Seen, now: float) -> int:
        """More while more than `overload` clients wait, one less while fewer do."""
        if seen.queue > self._overload:
            return min(self._step, seen.unborn)
        if seen.queue < self._overload and seen.live > seen.least and seen.busy < seen.live:
            return -1
        return 0


class Manual:
    """By the operator, through the fifo of the master."""

    def __init__(self) -> None:
        self.asked = 0

    def decide(self, seen: Seen, now: float) -> int:
        """Do what was asked since the last cycle."""
        asked, self.asked = self.asked, 0
        if asked >= 0:
            return min(asked, seen.unborn)
        # Departure: uWSGI goes down to no worker at all, and the site hangs.
        return -min(-asked, max(0, seen.live - seen.least))


class Thresholds(NamedTuple):
    """The settings of busyness."""

    highest: int = 50
    lowest: int = 25
    multiplier: int = 10
    penalty: int = 2
    alert: int = 33  # clients in the queue
    backlog_multiplier: int = 3
    backlog_step: int = 1
    nonzero: int = 60  # seconds that a queue may last


class Busyness:
    """By the share of time that the workers spend in requests."""

    def __init__(self, overload: int, step: int, limits: Thresholds | None = None) -> None:
        self._limits = limits or Thresholds()
        self.window = max(1, overload)
        self._step = max(1, step)
        self.multiplier = self._limits.multiplier
        self.busyness = 0
        self.emergency = 0  # workers that were started because of the queue
        self.lines: list[str] = []  # what there is to log, for whoever asked
        self.verbose: list[str] = []
        self._began: float | None = None
        self._last: dict[int, int] = {}  # number of the worker: `running` when the window began
        self._timer = 0.0  # when a worker may be stopped
        self._stopped = float("-inf")
        self._between = 0
        self._queued_since: float | None = None

    def settings(self) -> list[str]:
        """Say what it goes by, for the log."""
        limits = self._limits
        return [
            f"[busyness] settings: min={limits.lowest}%, max={limits.highest}%, "
            f"overload={self.window}, multiplier={limits.multiplier}, "
            f"respawn penalty={limits.penalty}",
            f"[busyness] backlog alert is set to {limits.alert} request(s), "
            f"step is {limits.backlog_step}",
            f"[busyness] backlog non-zero alert is set to {limits.nonzero} second(s)",
        ]

    def decide(self, seen: Seen, now: float) -> int:
        """Look at the queue each cycle, and at the busyness once a window."""
        self.lines, self.verbose = [], []
        if self._began is None:
            self._restart(seen, now)
            self._timer = now + self._rest()
            return 0
        if now - self._began < self.window:
            return self._watch_queue(seen, now)
        self.busyness = self._average(seen, now)
        self._restart(seen, now)
        if self.busyness > self._limits.highest:
            return self._more(seen, now)
        if self.busyness < self._limits.lowest:
            return self._fewer(seen, now)
        return self._as_it_is(now)

    def _restart(self, seen: Seen, now: float) -> None:
        self._began = now
        self._last = dict(zip(_numbers(seen), seen.running, strict=True))

    def _rest(self) -> int:
        factor = self._limits.backlog_multiplier if self.emergency else self.multiplier
        return factor * self.window

    def _average(self, seen: Seen, now: float) -> int:
        assert self._began is not None
        span = max(1.0, (now - self._began) * 1_000_000)
        shares = []
        numbers = _numbers(seen)
        for place, running in enumerate(seen.running):
            grown = running - self._last.get(numbers[place], running)
            share = min(100, round(100 * grown / span))
            if not grown and place < len(seen.in_request) and seen.in_request[place]:
                share = 100  # busy, and nothing has ended
            shares.append(share)
            if seen.live > 1:
                self.verbose.append(
                    f"[busyness] worker nr {numbers[place]} {self.window}s average busyness "
                    f"is at {share}%"
                )
        average = round(sum(shares) / len(shares)) if shares else 0
        self.verbose.append(
            f"[busyness] {self.window}s average busyness of {len(shares)} worker(s) "
            f"is at {average}%"
        )
        return average

    def _more(self, seen: Seen, now: float) -> int:
        self._between = 0
        start = f"[busyness] {self.window}s average busyness is at {self.busyness}%"
        count = min(self._step, seen.unborn)
        if not count:
            self.lines.append(
                f"{start} but we already started maximum number of workers available "
                f"with current limits ({seen.most})"
            )
            return 0
        if now - self._stopped <= self.multiplier * self.window:
            self.multiplier += self._limits.penalty
            self.lines.append(
                f"[busyness] worker(s) respawned to fast, "
                f"increasing cheaper multiplier to {self.multiplier}"
            )
        elif self.multiplier > self._limits.multiplier:
            self.multiplier -= 1
        self.lines.append(f"{start}, will spawn {count} new worker(s)")
        self._timer = now + self._rest()
        return count

    def _fewer(self, seen: Seen, now: float) -> int:
        self._between = 0
        if seen.live <= max(1, seen.least):
            return 0
        if now < self._timer:
            self.verbose.append(
                f"[busyness] need to wait {round(self._timer - now)} more second(s) to cheap worker"
            )
            return 0
        self.lines.append(
            f"[busyness] {self.window}s average busyness is at {self.busyness}%, "
            f"cheap one of {seen.live} running workers"
        )
        self._stopped = now
        self.emergency = max(0, self.emergency - 1)
        self._timer = now + self._rest()
        return -1

    def _as_it_is(self, now: float) -> int:
        self._between += 1
        if self._between >= 3:
            self._between = 0
            self._timer = now + self._rest()
        else:
            self._timer += self.window
        self.verbose.append(
            f"[busyness] {self.window}s average busyness is at {self.busyness}%, "
            f"{self._between} non-idle cycle(s), adjusting cheaper timer"
        )
        return 0

    def _watch_queue(self, seen: Seen, now: float) -> int:
        if not seen.queue:
            self._queued_since = None
            return 0
        if self._queued_since is None:
            self._queued_since = now
        too_long = now - self._queued_since >= self._limits.nonzero
        if seen.queue <= self._limits.alert and not too_long:
            return 0
        count = min(self._limits.backlog_step, seen.unborn)
        if count:
            self.emergency += count
            self._queued_since = None
            self.lines.append(
                f"[busyness] {seen.queue} requests in listen queue, spawning {count} new worker(s)"
            )
        return count


def _numbers(seen: Seen) -> Sequence[int]:
    return seen.numbers or range(1, len(seen.running) + 1)
