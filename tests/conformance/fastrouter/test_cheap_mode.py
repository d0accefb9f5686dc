"""Cheap mode and shared sockets: who answers while there are no nodes."""

import contextlib
import re
import threading

from tests.conformance.fastrouter.talk import (
    ROUTER,
    TALLY,
    Pool,
    dead,
    names,
    node,
    packet_of,
    send,
    text_of,
)
from tests.conformance.harness import (
    Client,
    Starter,
    ask,
    covers,
    eventually,
    free_port,
    packet,
    request_vars,
    stats,
)

CHEAP = "fastrouter-cheap = true\n"
LEAVING = r"^\[uWSGI fastrouter pid \d+\] leaving cheap mode\.\.\.$"
GOING = r"^\[uWSGI fastrouter pid \d+\] no more nodes available\. Going cheap\.\.\.$"
APP = "def application(e, s):\n    s('200 OK', [])\n    return [b'local']\n"


def waiting(port: int) -> Client:
    """A client whose request nobody has taken yet."""
    return Client(port, packet(request_vars()))


@covers("FR-112", "FR-113", "FR-118")
def test_requests_wait_until_a_node_comes(start: Starter) -> None:
    """A cheap router accepts nobody; with the first node the waiting are served."""
    with node("N") as n:
        pool = Pool(start, CHEAP)
        pool.router.wait_for("starting uWSGI fastrouter in cheap mode")
        assert stats(pool.stats_port)["cheap"] == 1
        with waiting(pool.port) as client:
            assert stats(pool.stats_port)["active_sessions"] == 0
            send(pool.udp, packet_of("example.com", n.address))
            assert client.rest().raw == b"N"
        pool.router.wait_for(LEAVING)
        assert stats(pool.stats_port)["cheap"] == 0


@covers("FR-114", "FR-115")
def test_without_nodes_it_goes_cheap_again(start: Starter) -> None:
    """Withdrawn nodes send it to sleep, in the end; new ones wake it, again and again."""
    with node("N") as n:
        pool = Pool(start, CHEAP)
        pool.announce(n.address)
        pool.announce(n.address, "other")
        assert pool.ask() == "N"
        pool.withdraw(n.address, "other")
        eventually(lambda: pool.nodes("other") == {})
        assert stats(pool.stats_port)["cheap"] == 0
        pool.withdraw(n.address)
        pool.router.wait_for(GOING)
        with waiting(pool.port) as client:
            assert stats(pool.stats_port)["cheap"] == 1
            pool.announce(n.address)
            assert client.rest().raw == b"N"
        assert len(re.findall(LEAVING, pool.router.log, re.M)) == 2


@covers("FR-114")
def test_a_node_that_is_found_dead_sends_it_to_sleep(start: Starter) -> None:
    """The request that finds it is closed; the next one waits."""
    with node("N") as n:
        pool = Pool(start, CHEAP)
        pool.announce(dead())
        assert pool.ask() == ""
        pool.router.wait_for(GOING)
        with waiting(pool.port) as client:
            pool.announce(n.address)
            assert client.rest().raw == b"N"


@covers("FR-114", "FR-D7", kind="beyond")
def test_silent_nodes_send_it_to_sleep_without_a_request(start: Starter) -> None:
    """When all nodes have gone down it is cheap again, before a request is lost on it."""
    with node("N") as n:
        pool = Pool(start, CHEAP + "subscription-tolerance = 1\n")
        pool.announce(n.address)
        pool.router.wait_for(GOING)
        with waiting(pool.port) as client:
            pool.announce(n.address)
            assert client.rest().raw == b"N"


@covers("FR-D7", kind="beyond")
def test_the_last_node_finishes_while_newcomers_wait(start: Starter) -> None:
    """A node that said goodbye and still works: nobody is closed."""
    hold = threading.Event()
    with node("late", hold=hold) as late, node("new") as new:
        pool = Pool(start, CHEAP)
        pool.announce(late.address)
        with waiting(pool.port) as first:
            late.wait_seen()
            pool.withdraw(late.address)
            pool.router.wait_for(GOING)
            with waiting(pool.port) as second:
                hold.set()
                assert first.rest().raw == b"late"
                pool.announce(new.address)
                assert second.rest().raw == b"new"


SHARED = """
[uwsgi]
;create a shared socket (the webserver will connect to it)
shared-socket = 127.0.0.1:PORT

; bind the fastrouter to the shared socket
fastrouter = =0
; bind an instance to the same socket
socket = =0

; having a master is always a good thing...
master = true
; our subscription server
fastrouter-subscription-server = 127.0.0.1:UDP
; our app
wsgi-file = DIR/myheavyapp.wsgi
; a bunch of processes
processes = 4
; and put the fastrouter in cheap mode
fastrouter-cheap = true
"""


@covers("FR-110", "FR-116")
def test_the_ini_of_the_document(start: Starter) -> None:
    """No node: only the local app answers. A node: the app or the node."""
    udp = free_port()
    subject = start(
        SHARED.replace("UDP", str(udp)),
        files={"myheavyapp.wsgi": APP},
        until=r"spawned uWSGI worker 4 \(",
    )
    subject.wait_for(ROUTER)
    assert {text_of(ask(subject.port)).rpartition("\n")[2] for _ in range(20)} == {"local"}
    log = subject.log
    assert f"uWSGI fastrouter bound on 127.0.0.1:{subject.port} fd" in log
    assert f"uwsgi socket 0 mapped to shared socket 0 (127.0.0.1:{subject.port}) fd" in log
    with node("remote") as n:
        send(udp, packet_of("example.com", n.address))
        subject.wait_for(LEAVING)
        found = {text_of(ask(subject.port)).rpartition("\n")[2] for _ in range(20)}
        assert found <= {"local", "remote"}
        send(udp, packet_of("example.com", n.address, 1))
        subject.wait_for(GOING)
    assert {text_of(ask(subject.port)).rpartition("\n")[2] for _ in range(10)} == {"local"}


@covers("FR-116")
def test_a_busy_app_leaves_requests_to_the_nodes(start: Starter) -> None:
    """While the only worker is busy, the router takes what comes."""
    udp = free_port()
    subject = start(
        SHARED.replace("UDP", str(udp)).replace("processes = 4", "processes = 1"),
        files={
            "myheavyapp.wsgi": "from case_app import application\n",
        },
        until=r"spawned uWSGI worker 1 \(",
    )
    with node("remote") as n:
        send(udp, packet_of("example.com", n.address))
        subject.wait_for(LEAVING)
        with contextlib.ExitStack() as stack:
            held = []
            while not subject.inside("a"):
                raw = packet(request_vars("/hold/a"))
                held.append(stack.enter_context(Client(subject.port, raw)))
                eventually(lambda: subject.inside("a") or len(n.seen) >= len(held))
            assert names(subject.port, 5) == ["remote"] * 5
            subject.let_go("a")
            for client in held:
                client.rest()


@covers("FR-111")
def test_a_shared_socket_that_is_not_there_ends_the_start(start: Starter) -> None:
    """=3 of one: exit 1."""
    run = start.run("master = true\nshared-socket = 127.0.0.1:PORT\nfastrouter = =3\n")
    assert run.code == 1
    assert "unable to use shared socket 3" in run.log


@covers("FR-117", kind="beyond")
def test_cheap_without_a_subscription_server_does_not_sleep_for_ever(start: Starter) -> None:
    """Static nodes are nodes: the router is awake."""
    with node("N") as n:
        subject = start(TALLY + CHEAP + f"fastrouter-to = {n.address}\n", until=ROUTER)
        assert names(subject.port, 1) == ["N"]
