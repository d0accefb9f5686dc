"""A few thousand of the million: the router stays up, answers, and leaves nothing open."""

import pytest

from tests.fuzz import router


@pytest.mark.timeout(300)
def test_a_router_does_not_mind_what_it_is_sent() -> None:
    counted, faults = router.run(4000, 2)
    assert not faults
    assert counted["datagrams"] + counted["packets"] == 4000
    assert counted["good requests"] == 9
