"""The short form of the long run: reloads, cheaper, killed processes, under load."""

import pytest

from tests.endurance import scaling


@pytest.mark.timeout(240)
def test_only_what_was_inside_a_killed_process_fails() -> None:
    runs = scaling.run(seconds=2, count=1, turns=1)
    assert [each["failed otherwise"] for each in runs] == [0, 0, 0], runs
    assert all(each["requests answered"] > 0 and each["times"] > 0 for each in runs)
