"""The cost of a request beside the C uWSGI's: the gate that a doubled cost does not pass.

What: processor time, which a busy machine moves little; both servers take turns within a second.
      The exact gate on system calls is test_system_calls; the figures themselves: `make bench`.
"""

import functools
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bench import applications, gate, routing, serving, wire
from tests.bench.rivals import System
from tests.bench.scenario import Measure, SetUp
from tests.bench.stage import Figures, Stage, load_generator
from tests.conformance.harness import free_port

from .original import PROGRAM

pytestmark = [
    pytest.mark.skipif(
        PROGRAM is None, reason="absent: no uwsgi, neither $ORIGINAL_UWSGI nor on the PATH"
    ),
    pytest.mark.skipif(
        not any(map(shutil.which, ("cc", "gcc", "clang"))), reason="absent: a C compiler"
    ),
]


class Room(Stage):
    """A stage whose ports no other test takes."""

    def port(self) -> int:
        """A port that is ours."""
        return free_port()


@pytest.fixture(scope="module")
def loadgen() -> Iterator[Path]:
    """The load generator."""
    with load_generator() as made:
        yield made


@pytest.fixture
def room(loadgen: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Room]:
    """A furnished stage, on which nothing measures coverage."""
    for name in [name for name in os.environ if name.startswith("COVERAGE_")]:
        monkeypatch.delenv(name)
    applications.furnish(tmp_path)
    made = Room(tmp_path, gate.LOOKS[0], loadgen)
    try:
        yield made
    finally:
        made.close()


def fastrouter(stage: Stage, system: System) -> Measure | None:
    """What s7 measures, without the time that the router adds."""
    found = routing.relay(stage, system, routing.four_nodes(stage))
    assert found is not None
    requests = stage.frames(wire.many_packets(routing.KEY))
    return functools.partial(stage.cost, *found, requests, "-c", 8)


PLAYED: dict[str, SetUp] = {
    **{each.name: each.set_up for each in (*serving.SCENARIOS, *routing.SCENARIOS)},
    "s7": fastrouter,
}


@pytest.mark.parametrize("name", ["s1", "s2", "s3", "s6", "s7"])
def test_a_request_costs_no_multiple_of_what_it_may(name: str, room: Room) -> None:
    systems = (
        System("refuwsgi", (sys.executable, "-m", "refuwsgi")),
        System("uwsgi", (str(PROGRAM),)),
    )
    ours, theirs = (PLAYED[name](room, system) for system in systems)
    assert ours is not None
    assert theirs is not None

    def look(seconds: float) -> Iterator[tuple[Figures, Figures]]:
        room.seconds = seconds
        for _ in range(gate.ROUNDS):
            yield ours(), theirs()

    found = gate.lowest(look, gate.bar(name))
    print(f"{name}: {found:.2f}, may be {gate.bar(name):.2f}")
    assert found <= gate.bar(name)
