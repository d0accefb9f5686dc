"""Vassals from databases and messages: added, woken, changed, removed, with a restart between."""

from collections.abc import Iterator

import pytest

from tests.conformance.harness import Starter, covers, eventually
from tests.conformance.vassals.empire import asked, mark_of, rule
from tests.integration.monitored import SOURCES, Source

ASLEEP = r'waits.ini -> back to "on demand" mode'
SLEEPY = ("idle = 1", "die-on-idle = true")


@pytest.fixture(params=SOURCES)
def source(request: pytest.FixtureRequest, start: Starter) -> Iterator[Source]:
    """Start a server, end it after the test."""
    made = SOURCES[request.param](start)
    yield made
    made.close()


@covers("OD-44", "OD-45", "OD-47", "OD-48", "OD-49", "OD-90", kind="beyond")
@pytest.mark.timeout(400)  # RabbitMQ takes its time to start, and does so twice
def test_a_server_that_is_restarted_in_the_middle_disturbs_nobody(
    start: Starter, source: Source
) -> None:
    empire = rule(start, emperor=(source.address,))
    waits, plain = empire.path("waits.sock"), empire.path("plain.sock")
    source.put("waits.ini", empire.ini(*SLEEPY), waits)
    empire.waiting("waits.ini", 60)
    assert empire.row("waits.ini")["on_demand"] == waits
    assert asked(waits)["environ"]["MARK"] == "one"
    empire.subject.wait_for(ASLEEP)

    source.put("plain.ini", empire.ini(f"socket = {plain}"))
    empire.running("plain.ini")
    source.stop()
    assert asked(waits)["environ"]["MARK"] == "one"  # woken while there is no server
    eventually(lambda: empire.count(ASLEEP.replace("\\", "")) == 2, "it falls asleep again")
    first = empire.pid("plain.ini")
    source.again()

    source.put("waits.ini", empire.ini(mark="two"), waits)
    eventually(lambda: mark_of(waits) == "two", "the new config runs", 60)
    source.put("plain.ini", empire.ini(f"socket = {plain}", mark="three"))
    eventually(lambda: mark_of(plain) == "three", "the other one, too", 60)
    assert empire.pid("plain.ini") == first  # it was reloaded, once in its life
    source.take("waits.ini")
    empire.gone("waits.ini")
    assert mark_of(plain) == "three"
