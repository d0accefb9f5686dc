"""Way 4, the instance's side: when it announces, and how it ends."""

import signal
import threading
import time
from collections.abc import Iterator

import pytest

from tests.conformance.fastrouter.announced import APP, Box, instance
from tests.conformance.fastrouter.talk import ROUTER, SOME_TIME, Pool, kill_router, node, text_of
from tests.conformance.harness import (
    WORKER,
    Client,
    Starter,
    Subject,
    ask,
    covers,
    eventually,
    free_port,
    packet,
    request_vars,
    write_fifo,
)


@pytest.fixture
def box() -> Iterator[Box]:
    """A server on UDP."""
    made = Box()
    yield made
    made.sock.close()


def working(start: Starter, ini: str) -> Subject:
    """An instance whose worker has answered: a younger one may not yet listen to signals."""
    subject = instance(start, ini)
    assert text_of(ask(subject.port)).endswith("app")
    return subject


@covers("FR-97")
def test_announcements_go_on(start: Starter, box: Box) -> None:
    """subscribe-freq = 1: again and again, said once in the log."""
    subject = instance(start, f"subscribe-to = {box.server}:k\nsubscribe-freq = 1\n")
    for _ in range(4):
        assert not box.next().withdraws
    assert subject.log.count("subscribing to") == 1


@covers("FR-98")
@pytest.mark.parametrize(
    ("number", "more"),
    [(signal.SIGINT, ""), (signal.SIGQUIT, ""), (signal.SIGTERM, "die-on-term = true\n")],
)
def test_an_instance_that_ends_says_goodbye(
    start: Starter, box: Box, number: signal.Signals, more: str
) -> None:
    """SIGINT, SIGQUIT, and SIGTERM with die-on-term."""
    subject = working(start, f"subscribe-to = {box.server}:k\n" + more)
    box.next()
    subject.signal(number)
    said = box.until(withdraws=True)
    assert said.values["key"] == "k"
    assert said.values["address"] == f"127.0.0.1:{subject.port}"
    assert subject.ended() == 0
    assert f"unsubscribing from {box.server}:k" in subject.log


@covers("FR-98")
@pytest.mark.parametrize("wanted", [False, True])
def test_a_graceful_reload(start: Starter, box: Box, wanted: bool) -> None:
    """Nothing is withdrawn, unless unsubscribe-on-graceful-reload; then all is announced."""
    more = "unsubscribe-on-graceful-reload = true\n" if wanted else ""
    subject = working(start, f"subscribe-to = {box.server}:k\n" + more)
    box.next()
    subject.signal(signal.SIGHUP)
    subject.wait_for("unsubscribing from" if wanted else r"(?i)\(?re\)?spawned uWSGI master")
    if wanted:
        box.until(withdraws=True)
    box.until(withdraws=False)
    assert ("unsubscribing" in subject.log) == wanted


@covers("FR-98")
def test_a_brutal_reload(start: Starter, box: Box) -> None:
    """SIGTERM: the workers are cut, so routers must know before; then all is announced."""
    subject = working(start, f"subscribe-to = {box.server}:k\n")
    box.next()
    subject.signal(signal.SIGTERM)
    assert box.until(withdraws=True).values["key"] == "k"
    subject.wait_for("unsubscribing from")
    assert box.until(withdraws=False).values["key"] == "k"


@covers("FR-98")
def test_a_pause(start: Starter, box: Box) -> None:
    """SIGTSTP withdraws; nothing is said until the next one, which announces."""
    subject = working(start, f"subscribe-to = {box.server}:k\nsubscribe-freq = 1\n")
    box.next()
    subject.signal(signal.SIGTSTP)
    box.until(withdraws=True)
    with pytest.raises(TimeoutError):
        box.next(2.2)
    subject.signal(signal.SIGTSTP)
    assert not box.next().withdraws


@covers("FR-98")
@pytest.mark.parametrize("letter", ["q", "Q"])
def test_a_stop_by_the_fifo(start: Starter, box: Box, letter: str) -> None:
    """The master's fifo, told to stop in either way, has the goodbye sent."""
    subject = working(start, f"subscribe-to = {box.server}:k\nmaster-fifo = DIR/fifo\n")
    write_fifo(subject.directory / "fifo", letter)
    assert box.until(withdraws=True).values["key"] == "k"
    assert subject.ended() == 0


@covers("FR-98")
def test_an_instance_may_start_silent(start: Starter) -> None:
    """start-unsubscribed: nothing is sent until the master fifo is told S."""
    one = Box()
    try:
        subject = instance(
            start,
            f"subscribe-to = {one.server}:k\nstart-unsubscribed = true\nsubscribe-freq = 1\n"
            "master-fifo = DIR/fifo\n",
        )
        write_fifo(subject.directory / "fifo", "S")
        subject.wait_for("subscriptions re-enabled")
        assert not one.next().withdraws
    finally:
        one.sock.close()


@covers("FR-99")
def test_an_instance_serves_without_a_router(start: Starter) -> None:
    """Nobody listens at the server's port."""
    subject = instance(start, f"subscribe-to = 127.0.0.1:{free_port()}:k\n")
    assert text_of(ask(subject.port)).endswith("app")


@covers("FR-100")
def test_notifications_arrive_in_the_log(start: Starter) -> None:
    """notify-socket is bound and announced; the router's datagram is logged."""
    pool = Pool(start)
    subject = instance(
        start, f"subscribe-to = 127.0.0.1:{pool.udp}:example.com\nnotify-socket = DIR/n.sock\n"
    )
    subject.wait_for(
        rf"\[notify-socket\] \[subscription ack\] example.com => new node: 127.0.0.1:{subject.port}"
    )
    assert pool.ask().endswith("app")


@covers("FR-90", "FR-98")
def test_router_and_instance_together(start: Starter) -> None:
    """The document's setup: announced, served, gone."""
    pool = Pool(start)
    subject = start(
        "master = true\nsocket = 127.0.0.1:0\nwsgi-file = app.py\n"
        f"subscribe-to = 127.0.0.1:{pool.udp}:example.com\n",
        files={"app.py": APP},
        until=WORKER,
    )
    eventually(lambda: pool.ask().endswith("app"))
    subject.signal(signal.SIGINT)
    eventually(lambda: pool.nodes() == {})
    assert pool.ask() == ""
    assert pool.router.process.poll() is None
    assert pool.router.wait_for(ROUTER)


@covers("FR-B8", kind="beyond")
@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
def test_the_table_outlives_a_reload_of_the_router(start: Starter, number: signal.Signals) -> None:
    """What was announced once need not be announced again, and the server's port stays open."""
    pool = Pool(start)
    hold = threading.Event()
    with node("N", hold=hold) as n, Client(pool.port) as client:
        pool.announce(n.address, weight="3")
        client.send(packet(request_vars(HTTP_HOST="example.com")))
        eventually(lambda: pool.nodes()[n.address]["ref"] == 1, "a request is on its way")
        since = len(pool.router.log)
        pool.router.signal(number)
        pool.router.wait_for(ROUTER, since=since)
        eventually(lambda: pool.nodes()[n.address]["weight"] == 3, "the node is known")
        pool.announce("127.0.0.1:1")
        hold.set()
        assert client.rest().raw == (b"N" if number == signal.SIGHUP else b"")
        assert "N" in (pool.ask(), pool.ask())


@covers("FR-B12", kind="beyond")
@pytest.mark.parametrize("processes", [1, 2])
def test_the_table_outlives_a_router_that_is_killed(start: Starter, processes: int) -> None:
    """Its successor knows who was announced some time before, and forgets who has left."""
    pool = Pool(start, f"fastrouter-processes = {processes}\n")
    with node("N") as n:
        for pause in SOME_TIME:
            pool.announce(n.address, weight="3")
            pool.announce("127.0.0.1:1")
            pool.withdraw("127.0.0.1:1")
            time.sleep(pause)
            kill_router(pool)
            if pool.nodes():
                break
        assert {name: each["weight"] for name, each in pool.nodes().items()} == {n.address: 3}
        assert pool.ask() == "N"
