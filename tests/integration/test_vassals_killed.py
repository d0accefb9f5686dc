"""The long run of kills, cut short: who is not killed loses nothing, and nothing is left."""

import pytest

from tests.conformance.harness import Starter, covers
from tests.endurance import empire


@covers("OD-75", "OD-85", "OD-93", "OD-97", kind="beyond")
@pytest.mark.timeout(400)  # whatever is awaited has a minute
def test_killed_vassals_workers_and_emperors(start: Starter) -> None:
    told = empire.run(start, seconds=8, broken=10, emperors=1)
    assert told["left"] == told["how"] == []
    assert told["lost otherwise"] == told["lost without"] == told["tracebacks"] == 0
    assert told["requests to the quiet"] > told["lost while the emperor was away"]
    assert told["killed"]["emperor"] == 1
