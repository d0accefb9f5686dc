"""A few thousand of the million: the router stays up, answers, and leaves nothing open."""

import pytest

from tests.fuzz import router


@pytest.mark.timeout(300)
def test_a_router_does_not_mind_what_it_is_sent() -> None:
    counted, faults = router.run(4000, 2)
    assert not faults
    assert counted["datagrams"] + counted["packets"] == 4000
    assert counted["good requests"] == 9


def test_growth_is_that_of_the_second_half() -> None:
    rising = [*range(100, 150), *[150] * 50]
    assert round(router.growth(rising)) == 2  # from the last values of the first half
    assert router.growth([100] * 50 + [110] * 50) == pytest.approx(10)
    assert router.growth([100] * 50 + [400] + [100] * 49) == 0  # a single value does not count
