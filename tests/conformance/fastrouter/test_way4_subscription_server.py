"""Way 4, the router's side: keys, nodes, who is believed to live."""

import re
import socket
import threading

import pytest

from tests.conformance.fastrouter.talk import TALLY, Pool, dead, node, packet_of, send
from tests.conformance.harness import Starter, covers, eventually, free_port
from tests.conformance.harness.ports import need_ipv6


@covers("FR-70", "FR-74", "FR-90", "FR-185", "FR-184")
def test_an_announcement_makes_a_node(start: Starter) -> None:
    """A datagram: the pool and the node are logged, shown, and asked."""
    with node("N") as n:
        pool = Pool(start)
        assert pool.ask() == ""
        pool.announce(n.address, cores=4, load=2, weight=3)
        assert pool.ask() == "N"
        log = pool.router.log
        assert f"subscription server bound on 127.0.0.1:{pool.udp} fd" in log
        assert re.search(
            r"^\[uwsgi-subscription for pid \d+\] new pool: example.com \(hash key: 30778\)$",
            log,
            re.M,
        )
        assert re.search(
            rf"^\[uwsgi-subscription for pid \d+\] example.com => new node: {n.address}$", log, re.M
        )
        fields = pool.nodes()[n.address]
        shown = {"cores": 4, "load": 2, "weight": 3, "requests": 1, "ref": 0, "death_mark": 0}
        assert {name: fields[name] for name in shown} == shown
        assert fields["tx"] == 1
        assert fields["rx"] > 100


@covers("FR-70")
def test_several_servers_feed_one_table(start: Starter) -> None:
    """UDP and a UNIX datagram socket side by side."""
    with node("1") as one, node("2") as two:
        pool = Pool(start, "fastrouter-subscription-server = DIR/sub.sock\n")
        pool.announce(one.address, "one")
        path = pool.router.path("sub.sock")
        send(path, packet_of("two", two.address))
        eventually(lambda: pool.nodes("two"))
        assert (pool.ask("one"), pool.ask("two")) == ("1", "2")


@covers("FR-70", kind="beyond")
def test_a_server_that_cannot_be_bound_ends_the_start(start: Starter) -> None:
    """Somebody has the UDP port: exit 1, not a router that is deaf."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        run = start.run(TALLY + f"fastrouter-subscription-server = 127.0.0.1:{port}\n")
    assert run.code == 1
    assert "already in use" in run.log


@covers("FR-72", "FR-73")
def test_datagrams_that_say_nothing_are_ignored(start: Starter) -> None:
    """Rubbish changes nothing; byte 0 and the size do not matter; unknown names are passed over."""
    pool = Pool(start)
    good = packet_of("good", "127.0.0.1:1", what="ever")
    for rubbish in (
        b"", b"\xe0", b"\xe0\0\0\0", b"\xff" * 50, packet_of("no", ""), packet_of("no", "x" * 256),
        packet_of("no", "127.0.0.1:1")[:-30],
    ):  # fmt: skip
        send(pool.udp, rubbish)
    send(pool.udp, b"\x07\xff\xff\x00" + good[4:])
    cut = packet_of("cut", "127.0.0.1:2", modifier1=5, modifier2=6)
    send(pool.udp, cut[:-1])
    pool.settle()
    table = pool.table()
    assert set(table) == {"good", "cut", "settle"}
    assert table["cut"]["127.0.0.1:2"]["modifier1"] == 5
    assert table["cut"]["127.0.0.1:2"]["modifier2"] == 0


@covers("FR-73", kind="beyond")
@pytest.mark.parametrize("key", ["", "k" * 256])
def test_an_empty_or_endless_key_is_ignored(start: Starter, key: str) -> None:
    """Such a key makes no pool."""
    pool = Pool(start)
    send(pool.udp, packet_of(key, "127.0.0.1:1"))
    pool.settle()
    assert set(pool.table()) == {"settle"}


@covers("FR-75", "FR-76")
def test_a_node_that_is_known_is_renewed(start: Starter) -> None:
    """Cores, load and weight are taken over, the modifiers are not; weight 0 is 1."""
    with node("N") as n:
        pool = Pool(start)
        pool.announce(n.address, modifier1=5, weight=0)
        assert pool.nodes()[n.address]["weight"] == 1
        assert pool.ask() == "N"
        pool.announce(n.address, modifier1=6, cores=3, weight=7)
        eventually(lambda: pool.nodes()[n.address]["weight"] == 7)
        fields = pool.nodes()[n.address]
        assert (fields["modifier1"], fields["cores"], fields["last_requests"]) == (5, 3, 0)
        assert pool.router.log.count("new node:") == 1
        assert pool.ask() == "N"
        packets = [each.packet for each in n.seen]
        assert [each.modifier1 for each in packets if each] == [5, 5]


@covers("FR-77")
def test_a_withdrawal_takes_a_node_out(start: Starter) -> None:
    """Logged once; the last node takes its pool along; unknown ones are ignored."""
    with node("1") as one, node("2") as two:
        pool = Pool(start)
        pool.announce(one.address)
        pool.announce(two.address)
        pool.withdraw(one.address)
        pool.withdraw("127.0.0.1:1")
        pool.withdraw(one.address, "other")
        eventually(lambda: one.address not in pool.nodes())
        assert [pool.ask() for _ in range(3)] == ["2"] * 3
        pool.withdraw(two.address)
        eventually(lambda: "example.com" not in pool.table())
        assert pool.ask() == ""
        pattern = rf"^\[uWSGI fastrouter pid \d+\] example.com => marking {one.address} as failed$"
        assert len(re.findall(pattern, pool.router.log, re.M)) == 1


@covers("FR-77")
def test_a_withdrawn_node_finishes_what_it_does(start: Starter) -> None:
    """It is never chosen again, but its request gets its answer."""
    hold = threading.Event()
    with node("late", hold=hold) as n:
        pool = Pool(start)
        pool.announce(n.address)
        found: list[str] = []
        thread = threading.Thread(target=lambda: found.append(pool.ask()))
        thread.start()
        n.wait_seen()
        pool.withdraw(n.address)
        eventually(lambda: pool.nodes().get(n.address, {}).get("death_mark", 1) == 1)
        assert pool.ask() == ""
        hold.set()
        thread.join(20)
        assert found == ["late"]


@covers("FR-78")
def test_a_node_that_falls_silent_is_taken_out(start: Starter) -> None:
    """More than the tolerance without an announcement, and its key is looked up."""
    with node("N") as n:
        pool = Pool(start, "subscription-tolerance = 1\n")
        pool.announce(n.address)
        assert pool.ask() == "N"
        eventually(lambda: pool.ask() == "")
        assert "(no announce received in 1 seconds)" in pool.router.log
        assert pool.nodes() == {}
        pool.announce(n.address)
        assert pool.ask() == "N"


@covers("FR-79")
def test_a_node_that_refuses_is_taken_out(start: Starter) -> None:
    """The request goes to another; the dead one comes back with its next announcement."""
    with node("N") as n:
        gone = dead()
        pool = Pool(start)
        pool.announce(n.address)
        pool.announce(gone)
        assert [pool.ask() for _ in range(4)] == ["N"] * 4
        log = pool.router.log
        assert f'unable to connect() to node "{gone}" (0 retries): Connection refused' in log
        assert log.count(f"example.com => marking {gone} as failed") == 1
        assert gone not in pool.nodes()
        pool.announce(gone)
        assert pool.nodes()[gone]["requests"] == 0


@covers("FR-79")
def test_a_dead_node_that_is_alone_closes_the_client(start: Starter) -> None:
    """One attempt, then closed without a byte."""
    pool = Pool(start)
    gone = dead()
    pool.announce(gone)
    assert pool.ask() == ""
    assert pool.router.log.count("unable to connect()") == 1


@covers("FR-D3", kind="beyond")
def test_a_dead_unix_node_is_treated_like_one_on_tcp(start: Starter) -> None:
    """It is marked, and no request is lost."""
    with node("N") as n:
        pool = Pool(start)
        pool.announce(n.address)
        pool.announce("/nowhere/at/all.sock")
        assert [pool.ask() for _ in range(4)] == ["N"] * 4
        assert "marking /nowhere/at/all.sock as failed" in pool.router.log


@covers("FR-80")
def test_a_node_that_has_accepted_is_not_retried(start: Starter) -> None:
    """It may close without a word: the client is closed, the node is not marked."""
    from tests.conformance.harness import Backend

    with Backend(b"", protocol="uwsgi") as mute:
        pool = Pool(start)
        pool.announce(mute.address)
        assert pool.ask() == ""
        assert len(mute.seen) == 1
        assert pool.nodes()[mute.address]["failcnt"] == 0


@covers("FR-81", "FR-186")
def test_every_router_process_hears_every_announcement(start: Starter) -> None:
    """The kernel gives a datagram to one of them; all serve the node."""
    with node("N") as n:
        udp = free_port()
        subject = start(
            TALLY + f"fastrouter-processes = 3\nfastrouter-subscription-server = 127.0.0.1:{udp}\n",
            until="spawned uWSGI fastrouter 3",
        )
        send(udp, packet_of("example.com", n.address))
        eventually(lambda: subject.log.count("=> new node:") == 3)
        from tests.conformance.fastrouter.talk import names

        assert names(subject.port, 20) == ["N"] * 20


@covers("FR-B7", kind="beyond")
def test_nodes_on_ipv6(start: Starter) -> None:
    """[::1]:port is an address of a node."""
    need_ipv6()
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as listener:

        def answer() -> None:
            client, _ = listener.accept()
            with client:
                client.recv(65536)
                client.sendall(b"six")

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        pool = Pool(start)
        pool.announce(f"[::1]:{listener.getsockname()[1]}")
        assert pool.ask() == "six"
        thread.join(20)


@covers("FR-71")
def test_a_subscription_server_needs_a_router(start: Starter) -> None:
    """Without fastrouter there is nothing to run: exit 1."""
    run = start.run(f"master = true\nfastrouter-subscription-server = 127.0.0.1:{free_port()}\n")
    assert run.code == 1
    assert "The -s/--socket option is missing and stdin is not a socket." in run.log
