"""Way 4: which node of which key is next."""

import threading

import pytest

from tests.conformance.fastrouter.talk import TALLY, Pool, node
from tests.conformance.harness import Starter, covers, eventually


@covers("FR-82")
def test_dotsplit_looks_for_the_parents_of_a_key(start: Starter) -> None:
    """.example.com serves its subdomains, up to five lookups."""
    with node("N") as n:
        pool = Pool(start, "subscription-dotsplit = true\n")
        pool.announce(n.address, ".example.com")
        assert pool.ask("a.b.example.com") == "N"
        assert pool.ask("example.com") == ""
        assert pool.ask("1.2.3.4.5.example.com") == ""


@covers("FR-83")
def test_a_fallback_key_serves_unknown_keys(start: Starter) -> None:
    """fastrouter-subscription-fallback-key names the pool for everything else."""
    with node("N") as n:
        pool = Pool(start, "fastrouter-subscription-fallback-key = other\n")
        pool.announce(n.address, "other")
        assert pool.ask("unknown") == "N"


@covers("FR-86")
@pytest.mark.parametrize(
    ("weights", "order"), [((1, 1), "21212121"), ((1, 1, 3), "3123331233"), ((2, 3), "212121")]
)
def test_round_robin_by_weight(start: Starter, weights: tuple[int, ...], order: str) -> None:
    """Equal weights share evenly, 1:3 shares 1:3, in uWSGI's very order."""
    nodes = [node(str(number + 1)) for number in range(len(weights))]
    try:
        pool = Pool(start)
        for n, weight in zip(nodes, weights, strict=True):
            pool.announce(n.address, weight=weight)
        assert "".join(pool.ask() for _ in order) == order
    finally:
        for n in nodes:
            n.close()


@covers("FR-87")
@pytest.mark.parametrize("algorithm", ["lrc", "wlrc"])
def test_least_running_requests(start: Starter, algorithm: str) -> None:
    """While one node is busy, requests go to the idle one."""
    hold = threading.Event()
    with node("busy", hold=hold) as busy, node("idle") as idle:
        pool = Pool(start, f"subscription-algo = {algorithm}\n")
        pool.announce(busy.address)
        thread = threading.Thread(target=pool.ask)
        thread.start()
        busy.wait_seen()
        pool.announce(idle.address)
        assert [pool.ask() for _ in range(3)] == ["idle"] * 3
        hold.set()
        thread.join(20)


@covers("FR-B5", kind="beyond")
def test_iphash_keeps_a_client_on_its_node(start: Starter) -> None:
    """The client's address decides."""
    with node("1") as one, node("2") as two, node("3") as three:
        pool = Pool(start, "subscription-algo = iphash\n")
        for n in (one, two, three):
            pool.announce(n.address)
        clients = [f"192.0.2.{number}" for number in range(20)]
        first = [pool.ask(REMOTE_ADDR=client) for client in clients]
        assert first == [pool.ask(REMOTE_ADDR=client) for client in clients]
        assert len(set(first)) > 1


@covers("FR-B5", kind="beyond")
def test_a_backup_serves_when_nobody_else_lives(start: Starter) -> None:
    """A node of a higher backup level waits for the others to leave."""
    with node("first") as first, node("spare") as spare:
        pool = Pool(start)
        pool.announce(spare.address, backup=1)
        pool.announce(first.address)
        assert [pool.ask() for _ in range(4)] == ["first"] * 4
        pool.withdraw(first.address)
        eventually(lambda: first.address not in pool.nodes())
        assert pool.ask() == "spare"


@covers("FR-B5", kind="beyond")
def test_an_unknown_algorithm_ends_the_start(start: Starter) -> None:
    """It is not taken for another."""
    run = start.run(TALLY + "subscription-algo = fastest\n")
    assert run.code == 1


@covers("FR-B6", kind="beyond")
def test_keys_with_a_mountpoint(start: Starter) -> None:
    """example.com/app serves what is below /app, example.com the rest."""
    with node("site") as site, node("app") as app:
        pool = Pool(start, "subscription-mountpoints = 2\n")
        pool.announce(site.address)
        pool.announce(app.address, "example.com/app")
        assert pool.ask(PATH_INFO="/app/x") == "app"
        assert pool.ask(PATH_INFO="/application") == "site"
        assert pool.ask(PATH_INFO="/") == "site"
