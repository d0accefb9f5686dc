"""The long run of sleep and wake, cut short: whoever comes at a bad moment is answered."""

from tests.conformance.harness import Starter, covers
from tests.endurance import vassals


@covers("OD-62", kind="beyond")
def test_nobody_is_lost_around_the_moment_of_falling_asleep(start: Starter) -> None:
    for row in vassals.run(start, cycles=10, together=5):
        assert row["lost"] == {}, row
        assert row["cycles"] == 10
