"""Way 4, the instance's side: what is announced, where, when, and how it ends."""

import os
import signal
import socket
import struct
from collections.abc import Iterator

import pytest

from tests.conformance.fastrouter.talk import ROUTER, Pool, text_of
from tests.conformance.harness import (
    WORKER,
    Starter,
    Subject,
    ask,
    block,
    covers,
    eventually,
    free_port,
)
from tests.conformance.harness.packet import decode

APP = "def application(e, s):\n    s('200 OK', [])\n    return [b'app']\n"
INSTANCE = "master = true\nsocket = 127.0.0.1:PORT\nwsgi-file = app.py\n"


class Said:
    """A datagram as it arrived."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.withdraws = raw[3] != 0
        self.pairs = decode(raw[4:])
        self.values = dict(self.pairs)


class Box:
    """A subscription server that only listens."""

    def __init__(self, path: str = "") -> None:
        self.sock = socket.socket(socket.AF_UNIX if path else socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(path or ("127.0.0.1", 0))
        self.sock.settimeout(25)
        self.server = path or f"127.0.0.1:{self.sock.getsockname()[1]}"

    def next(self) -> Said:
        """The next datagram."""
        return Said(self.sock.recv(65536))

    def until(self, withdraws: bool) -> Said:
        """The next datagram of that command."""
        for _ in range(20):
            if (said := self.next()).withdraws == withdraws:
                return said
        raise AssertionError("twenty others")

    def keys(self, count: int) -> dict[str, str]:
        """Key -> modifier1 of the next so many datagrams."""
        found = [self.next().values for _ in range(count)]
        return {each["key"]: each["modifier1"] for each in found}


@pytest.fixture
def box() -> Iterator[Box]:
    """A server on UDP."""
    made = Box()
    yield made
    made.sock.close()


def instance(start: Starter, ini: str, files: dict[str, str] | None = None) -> Subject:
    """An instance with an application."""
    return start(INSTANCE + ini, files={"app.py": APP, **(files or {})}, until=WORKER)


@covers("FR-90", "FR-91", "FR-92", "FR-97")
def test_the_packet_to_the_byte(start: Starter, box: Box) -> None:
    """Header and pairs in uWSGI's order, all values text."""
    subject = instance(start, f"subscribe-to = {box.server}:example.com,5\nprocesses = 2\n")
    said = box.next()
    assert [name for name, _ in said.pairs] == [
        "key", "address", "modifier1", "modifier2", "cores", "load", "weight",
    ]  # fmt: skip
    values = dict(said.values)
    assert values.pop("load").isdigit()
    assert values == {
        "key": "example.com", "address": f"127.0.0.1:{subject.port}", "modifier1": "5",
        "modifier2": "0", "cores": "2", "weight": "0",
    }  # fmt: skip
    assert said.raw == struct.pack("<BHB", 224, len(said.raw) - 4, 0) + block(said.pairs)
    subject.wait_for(f"^subscribing to {box.server}:example.com,5$")
    box.next()
    assert subject.log.count("subscribing to") == 1


@covers("FR-91")
@pytest.mark.parametrize(("socket_", "host"), [("127.0.0.1:0", "127.0.0.1"), (":0", "")])
def test_a_port_of_the_kernels_choice_is_announced(
    start: Starter, box: Box, socket_: str, host: str
) -> None:
    """The real port stands in place of 0."""
    subject = start(
        f"master = true\nsocket = {socket_}\nwsgi-file = app.py\nsubscribe-to = {box.server}:k\n",
        files={"app.py": APP},
        until=WORKER,
    )
    found, _, port = box.next().values["address"].rpartition(":")
    assert found == host
    assert int(port) > 0
    assert text_of(ask(int(port))).endswith("app")
    assert subject.stop() == 0


@covers("FR-91")
@pytest.mark.parametrize("socket_", ["app.sock", "@NAME"])
def test_other_addresses_are_announced_as_written(start: Starter, box: Box, socket_: str) -> None:
    """A relative path and an abstract name."""
    socket_ = socket_.replace("NAME", f"fr{free_port()}")
    start(
        f"master = true\nsocket = {socket_}\nwsgi-file = app.py\nsubscribe-to = {box.server}:k\n",
        files={"app.py": APP},
        until=WORKER,
    )
    assert box.next().values["address"] == socket_


@covers("FR-92")
def test_the_weight_is_announced(start: Starter, box: Box) -> None:
    """weight = N; cores are processes times threads."""
    instance(start, f"subscribe-to = {box.server}:k\nweight = 7\nprocesses = 2\nthreads = 3\n")
    values = box.next().values
    assert (values["weight"], values["cores"]) == ("7", "6")


@covers("FR-93")
def test_the_document_s_two_keys(start: Starter, box: Box) -> None:
    """Several subscriptions, modifiers, keys with a port, aliases of the option."""
    instance(
        start,
        f"subscribe-to = {box.server}:unbit.it,5\nsubscribe = {box.server}:uwsgi.it\n"
        f"st = {box.server}:unbit.it:8000,9\n",
    )
    assert box.keys(3) == {"unbit.it": "5", "uwsgi.it": "0", "unbit.it:8000": "9"}


@covers("FR-93")
def test_an_address_of_ones_own_and_a_unix_server(start: Starter) -> None:
    """ADDR=SERVER:KEY announces another address; a server may be a UNIX datagram socket."""
    directory = start.directory()
    one = Box(str(directory / "sub.sock"))
    try:
        instance(start, f"subscribe-to = 192.0.2.1:3031={one.server}:k\n")
        assert one.next().values["address"] == "192.0.2.1:3031"
    finally:
        one.sock.close()


@covers("FR-93")
def test_a_shared_socket_may_be_announced(start: Starter, box: Box) -> None:
    """=0=SERVER:KEY announces shared socket 0."""
    subject = start(
        "master = true\nshared-socket = 127.0.0.1:PORT1\nsocket = 127.0.0.1:PORT\n"
        f"http-socket = =0\nwsgi-file = app.py\nsubscribe-to = =0={box.server}:k\n",
        files={"app.py": APP},
        until=WORKER,
    )
    assert box.next().values["address"] == f"127.0.0.1:{subject.ports['PORT1']}"


@covers("FR-94")
def test_one_modifier_for_all_keys(start: Starter, box: Box) -> None:
    """subscribe-with-modifier1 overrides."""
    instance(
        start,
        f"subscribe-to = {box.server}:a,5\nsubscribe-to = {box.server}:b\n"
        "subscribe-with-modifier1 = 30\n",
    )
    assert box.keys(2) == {"a": "30", "b": "30"}


@covers("FR-95")
def test_the_fields_of_subscribe2(start: Starter, box: Box) -> None:
    """server and key, and what else may be said; unknown fields are ignored."""
    instance(
        start,
        f"subscribe2 = server={box.server},key=a\\,b,weight=4,modifier1=5,modifier2=6,"
        "addr=192.0.2.1:1,what=ever\n",
    )
    values = box.next().values
    assert (values["key"], values["address"], values["weight"]) == ("a,b", "192.0.2.1:1", "4")
    assert (values["modifier1"], values["modifier2"]) == ("5", "6")


@covers("FR-95")
def test_subscribe2_names_a_socket_by_its_number(start: Starter, box: Box) -> None:
    """socket=1 is the second, and beats addr."""
    subject = instance(
        start,
        f"socket = 127.0.0.1:PORT1\nsubscribe2 = server={box.server},key=k,socket=1,addr=x:1\n",
    )
    assert box.next().values["address"] == f"127.0.0.1:{subject.ports['PORT1']}"


@covers("FR-D4", kind="beyond")
def test_check_sends_if_the_file_exists(start: Starter, box: Box) -> None:
    """As documented: there is the file, there is the announcement."""
    directory = start.directory({"yes": ""})
    instance(
        start,
        f"subscribe2 = server={box.server},key=no,check={directory}/no\n"
        f"subscribe2 = server={box.server},key=yes,check={directory}/yes\n",
    )
    assert [box.next().values["key"] for _ in range(2)] == ["yes", "yes"]


@covers("FR-96")
def test_a_mapping_file(start: Starter, box: Box) -> None:
    """The document's file: a key on each line, comments passed over."""
    text = "# mappings.txt\nunbit.it\nunbit.it:8000,5\n\nuwsgi.it\nprojects.unbit.it"
    instance(start, f"subscribe-to = {box.server}:@mappings.txt\n", {"mappings.txt": text})
    assert box.keys(4) == {
        "unbit.it": "0", "unbit.it:8000": "5", "uwsgi.it": "0", "projects.unbit.it": "0",
    }  # fmt: skip


@covers("FR-96")
def test_a_mapping_file_is_read_each_time(start: Starter, box: Box) -> None:
    """A key that is added is announced, without a reload."""
    subject = instance(
        start, f"subscribe-to = {box.server}:@m.txt\nsubscribe-freq = 1\n", {"m.txt": "one\n"}
    )
    assert box.next().values["key"] == "one"
    with open(subject.path("m.new"), "w") as file:
        file.write("two\n")
    os.rename(subject.path("m.new"), subject.path("m.txt"))
    eventually(lambda: box.next().values["key"] == "two")


@covers("FR-96", kind="beyond")
def test_a_mapping_file_from_elsewhere(start: Starter, box: Box) -> None:
    """Blanks and carriage returns are not part of a key."""
    instance(start, f"subscribe-to = {box.server}:@m.txt\n", {"m.txt": " one ,5 \r\n  \r\ntwo\r\n"})
    assert box.keys(2) == {"one": "5", "two": "0"}


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
    subject = instance(start, f"subscribe-to = {box.server}:k\n" + more)
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
    subject = instance(start, f"subscribe-to = {box.server}:k\n" + more)
    box.next()
    subject.signal(signal.SIGHUP)
    subject.wait_for("unsubscribing from" if wanted else r"(?i)\(?re\)?spawned uWSGI master")
    if wanted:
        box.until(withdraws=True)
    box.until(withdraws=False)
    assert ("unsubscribing" in subject.log) == wanted


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
        eventually(lambda: os.path.exists(subject.path("fifo")))
        with open(subject.path("fifo"), "wb", buffering=0) as fifo:
            fifo.write(b"S")
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
