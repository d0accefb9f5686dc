"""Way 4: what the router shows and tells, and to whom."""

import os
import socket
import threading
from pathlib import Path

import pytest

from tests.conformance.fastrouter.talk import (
    ROUTER,
    TALLY,
    Pool,
    dead,
    names,
    node,
    packet_of,
    send,
)
from tests.conformance.harness import Starter, covers, eventually, get, stats


@covers("FR-84")
def test_a_router_tells_the_router_above(start: Starter) -> None:
    """Announcements and withdrawals go on, with the router's own first address."""
    upper = Pool(start)
    with node("N") as n:
        lower = Pool(start, f"fastrouter-resubscribe = 127.0.0.1:{upper.udp}\n")
        lower.announce(n.address, modifier1=5)
        own = f"127.0.0.1:{lower.port}"
        eventually(lambda: own in upper.nodes())
        assert upper.nodes()[own]["modifier1"] == 5
        assert upper.ask() == "N"
        lower.withdraw(n.address)
        eventually(lambda: own not in upper.nodes())


@covers("FR-85")
@pytest.mark.skipif(os.getuid() != 0, reason="changing the user needs root")
def test_a_router_process_drops_its_rights(start: Starter) -> None:
    """fastrouter-uid and fastrouter-gid hold for the router's process."""
    subject = start(TALLY + "fastrouter-gid = 65534\nfastrouter-uid = 65534\n", until=ROUTER)
    pid = int(subject.wait_for(ROUTER)[1])

    def ids() -> list[str]:
        text = Path(f"/proc/{pid}/status").read_text()
        return [line.split()[1] for line in text.splitlines() if line[:4] in ("Uid:", "Gid:")]

    eventually(lambda: ids() == ["65534", "65534"])
    subject.wait_for("uWSGI fastrouter 1 setuid\\(\\) to 65534")


@covers("FR-88")
def test_credentials_of_the_sender(start: Starter) -> None:
    """On UNIX sockets the kernel says who announces; only the owner of a file may."""
    directory = start.directory({"keys/mine": ""})
    pool = Pool(
        start,
        "fastrouter-subscription-server = DIR/sub.sock\nsubscriptions-use-credentials = true\n"
        f"subscriptions-credentials-check = {directory}/keys/\n",
    )
    path = pool.router.path("sub.sock")
    send(path, packet_of("other", "127.0.0.1:2"))
    send(path, packet_of("mine", "127.0.0.1:1"))
    eventually(lambda: pool.nodes("mine"))
    assert pool.nodes("mine")["127.0.0.1:1"]["pid"] == os.getpid()
    assert pool.nodes("mine")["127.0.0.1:1"]["uid"] == os.getuid()
    assert pool.nodes("other") == {}


@covers("FR-89")
def test_a_new_node_is_notified(start: Starter) -> None:
    """One datagram for a new node, none for what follows."""
    directory = start.directory()
    path = str(directory / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as box, node("N") as n:
        box.bind(path)
        box.settimeout(20)
        pool = Pool(start)
        pool.announce(n.address, notify=path)
        assert box.recv(500).decode() == f"[subscription ack] example.com => new node: {n.address}"
        pool.announce(n.address, notify=path)
        pool.settle()
        box.setblocking(False)
        with pytest.raises(BlockingIOError):
            box.recv(500)


@covers("FR-D9", kind="beyond")
def test_a_notification_by_udp(start: Starter) -> None:
    """notify may be a UDP address."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as box:
        box.bind(("127.0.0.1", 0))
        box.settimeout(20)
        pool = Pool(start)
        pool.announce("127.0.0.1:1", notify=f"127.0.0.1:{box.getsockname()[1]}")
        assert box.recv(500).startswith(b"[subscription ack] example.com => new node:")


@covers("FR-180", "FR-181", "FR-182", "FR-187")
def test_what_the_stats_say_of_the_router(start: Starter) -> None:
    """Valid JSON about the router's process: who it is, where it listens, whom it serves."""
    hold = threading.Event()
    with node("late", hold=hold) as n:
        pool = Pool(start)
        pool.announce(n.address)
        thread = threading.Thread(target=pool.ask)
        thread.start()
        n.wait_seen()
        found = stats(pool.stats_port)
        pid = int(pool.router.wait_for(ROUTER)[1])
        assert (found["pid"], found["uid"], found["gid"]) == (pid, os.getuid(), os.getgid())
        assert found["cwd"] == str(pool.router.directory)
        assert found["active_sessions"] == 1
        assert found["fastrouter"] == [f"127.0.0.1:{pool.port}", f"127.0.0.1:{pool.udp}"]
        assert found["cheap"] == 0
        assert pool.nodes()[n.address]["ref"] == 1
        hold.set()
        thread.join(20)
        eventually(lambda: pool.nodes()[n.address]["ref"] == 0)


@covers("FR-183")
def test_what_the_stats_say_of_static_nodes(start: Starter) -> None:
    """Their names, their hits, since when they are left out."""
    with node("N") as n:
        gone = dead()
        subject = start(
            TALLY + f"fastrouter-to = {n.address}\nfastrouter-to = {gone}\n"
            "fastrouter-stats = 127.0.0.1:PORT1\n",
            until=ROUTER,
        )
        assert names(subject.port, 4) == ["N"] * 4
        one, two = stats(subject.ports["PORT1"])["static_nodes"]
        assert (one["name"], one["grace"], two["name"]) == (n.address, 0, gone)
        assert one["hits"] == 4
        assert two["grace"] > 1_000_000_000


@covers("FR-B11", kind="beyond")
def test_the_numbers_as_text(start: Starter) -> None:
    """With stats-http the router's stats server has a page for Prometheus."""
    with node("N") as n:
        subject = start(
            TALLY + f"fastrouter-to = {n.address}\nstats-http = true\n"
            "fastrouter-stats = 127.0.0.1:PORT1\n",
            until=ROUTER,
        )
        assert names(subject.port, 2) == ["N", "N"]
        lines = get(subject.ports["PORT1"], "/metrics").text.splitlines()
        assert "uwsgi_router_cheap 0" in lines
        assert f'uwsgi_router_static_node_hits_total{{node="{n.address}"}} 2' in lines
        assert f'uwsgi_router_static_node_up{{node="{n.address}"}} 1' in lines
        assert '"static_nodes"' in get(subject.ports["PORT1"], "/").text
