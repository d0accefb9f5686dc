"""A router of either kind with nodes of either kind, signed, under one nginx, in bad times."""

import pytest

from tests.conformance.harness import Starter, eventually
from tests.integration import nginx, original
from tests.integration.fleet import PATIENCE, Crowd, Fleet

NODES = {"ours-1", "ours-2", "original-1", "original-2"}


@pytest.mark.timeout(300)
def test_nothing_is_lost_that_another_node_could_serve(start: Starter) -> None:
    """Nodes are killed, leave and come back; both routers are reloaded, all under load."""
    if original.PROGRAM is None or nginx.PROGRAM is None:
        pytest.skip("absent: no uwsgi or no nginx")
    with Fleet(start) as fleet:
        ours_1, ours_2, original_1, original_2 = fleet.nodes
        crowds = [Crowd(fleet.web.port, name, 2) for name in ("ours", "original", "both")]
        ours, others, both = crowds
        with ours, others, both:
            eventually(
                lambda: all(set(crowd.answers) == NODES for crowd in crowds), "all answer", PATIENCE
            )
            fleet.kill(ours_1, original_1)
            fleet.leave(ours_2, original_2)
            fleet.reload("ours")
            fleet.reload("original")
            marks = [crowd.done for crowd in crowds]
            eventually(
                lambda: all(
                    crowd.done > mark + 10 for crowd, mark in zip(crowds, marks, strict=True)
                ),
                "all are served again",
                PATIENCE,
            )
    for name, crowd in zip(("ours", "original", "both"), crowds, strict=True):
        print(name, dict(crowd.answers), crowd.failures)
    assert both.failures == []
    # A node that is killed takes along what it had taken: of each client one request at most.
    # Two were killed; the original that leaves drops what waits in its queue.
    assert len(ours.failures) <= 3 * ours.clients, ours.failures
    log = fleet.routers["ours"].subject.log
    assert "no node takes the connection" not in log
