"""Notes: keys, events, timeouts, descriptors; what failures say."""

import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest

from tests.conformance.fastrouter.talk import ROUTER, TALLY, dead, names, node
from tests.conformance.harness import (
    Backend,
    Client,
    Received,
    Starter,
    Subject,
    ask,
    covers,
    exchange,
    packet,
    request_vars,
)

KEY, HOST, NAME = "UWSGI_FASTROUTER_KEY", "HTTP_HOST", "SERVER_NAME"


@pytest.fixture(scope="module")
def based(start_module: Starter) -> Iterator[Subject]:
    """A router whose nodes are called as the keys."""
    directory = start_module.directory()
    nodes = [node(name, str(directory / name)) for name in ("key", "host", "name", "y" * 60)]
    subject = start_module.launch(TALLY + "fastrouter-use-base = DIR/\n", directory=directory)
    subject.wait_for(ROUTER)
    subject.wait_listening(subject.port)
    yield subject
    for n in nodes:
        n.close()


@covers("FR-160", "FR-161", "FR-162")
@pytest.mark.parametrize(
    ("pairs", "who"),
    [
        ([(KEY, "key"), (HOST, "host"), (NAME, "name")], "key"),
        ([(NAME, "name"), (HOST, "host"), (KEY, "key")], "key"),
        ([(NAME, "name"), (HOST, "host")], "host"),
        ([(HOST, "host"), (NAME, "name")], "host"),
        ([(NAME, "name")], "name"),
        ([("http_host", "host"), (NAME, "name")], "name"),
        ([(HOST, "x" * 256), (NAME, "name")], "name"),
        ([(HOST, "name"), (HOST, "host")], "host"),
        ([(HOST, ""), (NAME, "name")], "name"),
        ([(HOST, "")], ""),
        ([("OTHER", "host")], ""),
    ],
)
def test_which_var_is_the_key(based: Subject, pairs: list[tuple[str, str]], who: str) -> None:
    """UWSGI_FASTROUTER_KEY before HTTP_HOST before SERVER_NAME, in any order of the packet."""
    from tests.conformance.harness import block

    assert exchange(based.port, packet(block(pairs))).raw == who.encode()


@covers("FR-162", kind="beyond")
def test_an_empty_host_never_hides_the_name(based: Subject) -> None:
    """An empty HTTP_HOST behind SERVER_NAME is passed over, too."""
    from tests.conformance.harness import block

    pairs = block([(NAME, "name"), (HOST, "")])
    assert exchange(based.port, packet(pairs)).raw == b"name"


@covers("FR-164")
def test_events_are_no_limit_on_clients(start: Starter) -> None:
    """fastrouter-events = 1 serves forty at once."""
    hold = threading.Event()
    with node("N", hold=hold) as n:
        subject = start(
            TALLY + f"fastrouter-to = {n.address}\nfastrouter-events = 1\n", until=ROUTER
        )
        with contextlib.ExitStack() as stack:
            raw = packet(request_vars())
            clients = [stack.enter_context(Client(subject.port, raw)) for _ in range(40)]
            n.wait_seen(40)
            hold.set()
            assert [client.rest().raw for client in clients] == [b"N"] * 40


@covers("FR-165", "FR-B2")
def test_a_silent_node_ends_the_session(start: Starter) -> None:
    """Nothing for a second: the client is closed without a byte."""
    hold = threading.Event()
    with node("N", hold=hold) as n:
        subject = start(
            TALLY + f"fastrouter-to = {n.address}\nfastrouter-timeout = 1\n", until=ROUTER
        )
        assert names(subject.port, 1) == [""]
        hold.set()


@covers("FR-165")
def test_a_stalled_answer_arrives_as_far_as_it_came(start: Starter) -> None:
    """What was sent before the silence is delivered."""
    hold = threading.Event()

    def stall(sock: socket.socket, received: Received) -> None:
        sock.sendall(b"half")
        hold.wait(20)

    with Backend(stall, protocol="uwsgi") as n:
        subject = start(
            TALLY + f"fastrouter-to = {n.address}\nfastrouter-timeout = 1\n", until=ROUTER
        )
        assert names(subject.port, 1) == ["half"]
        hold.set()


@covers("FR-165")
def test_a_byte_now_and_then_keeps_the_session(start: Starter) -> None:
    """Any byte restarts the clock: an answer may take longer than the timeout."""
    gate = threading.Event()

    def drip(sock: socket.socket, received: Received) -> None:
        for _ in range(8):
            sock.sendall(b".")
            gate.wait(0.5)

    with Backend(drip, protocol="uwsgi") as n:
        subject = start(
            TALLY + f"fastrouter-to = {n.address}\nfastrouter-timeout = 3\n", until=ROUTER
        )
        assert names(subject.port, 1) == ["........"]


@covers("FR-165", "FR-166")
def test_a_client_that_stops_in_its_packet_is_closed(start: Starter) -> None:
    """Half a packet, then nothing."""
    subject = start(TALLY + f"fastrouter-to = {dead()}\nfastrouter-timeout = 1\n", until=ROUTER)
    assert exchange(subject.port, packet(request_vars())[:20]).raw == b""


@covers("FR-166")
def test_a_client_that_says_nothing_is_closed(start: Starter) -> None:
    """A silent client does not stay for ever."""
    subject = start(TALLY + f"fastrouter-to = {dead()}\nfastrouter-timeout = 1\n", until=ROUTER)
    with Client(subject.port) as client:
        assert client.rest().raw == b""


@covers("FR-167")
def test_no_fd_passing_is_accepted(start: Starter) -> None:
    """Requests to a node on a UNIX socket are answered with and without it."""
    directory = start.directory()
    with node("N", str(directory / "n.sock")):
        for more in ("", "no-fd-passing = true\n"):
            subject = start.launch(
                TALLY + "fastrouter-to = DIR/n.sock\n" + more, directory=directory
            )
            subject.wait_for(ROUTER)
            subject.wait_listening(subject.port)
            assert names(subject.port, 2) == ["N", "N"]


@covers("FR-D1", kind="beyond")
@pytest.mark.parametrize("passing", [True, False])
def test_the_descriptor_goes_along(start: Starter, passing: bool) -> None:
    """A node on a UNIX socket may answer on the client's own connection."""
    directory = start.directory()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(directory / "n.sock"))
        listener.listen()
        listener.settimeout(20)
        more = "" if passing else "no-fd-passing = true\n"
        subject = start.launch(TALLY + "fastrouter-to = DIR/n.sock\n" + more, directory=directory)
        subject.wait_for(ROUTER)
        subject.wait_listening(subject.port)
        with Client(subject.port, packet(request_vars())) as client:
            conversation, _ = listener.accept()
            _, found, _, _ = socket.recv_fds(conversation, 65536, 4)
            assert len(found) == passing
            for fd in found:
                with socket.socket(fileno=fd) as direct:
                    direct.setblocking(True)
                    direct.sendall(b"direct")
            conversation.close()
            assert client.rest().raw == (b"direct" if passing else b"")


@covers("FR-B1", kind="beyond")
def test_errors_are_answered_if_that_is_wanted(start: Starter) -> None:
    """400 without a key, 502 for a dead node, 503 for an unknown key, 504 for silence."""
    hold = threading.Event()
    with node("N", hold=hold) as n:
        text = (
            f"def get(key):\n    return {{'silent': '{n.address}', 'dead': '{dead()}'}}.get(key)\n"
        )
        subject = start(
            TALLY + "fastrouter-use-code-string = 0:m.py:get\nfastrouter-errors = true\n"
            "fastrouter-timeout = 1\n",
            files={"m.py": text},
            until=ROUTER,
        )
        assert exchange(subject.port, packet({"A": "b"})).status == 400
        found = {key: ask(subject.port, HTTP_HOST=key) for key in ("unknown", "dead", "silent")}
        assert {key: answer.status for key, answer in found.items()} == {
            "unknown": 503,
            "dead": 502,
            "silent": 504,
        }
        assert found["dead"].text.strip()
        hold.set()


@covers("FR-B2", kind="beyond")
def test_every_failure_is_a_line(start: Starter) -> None:
    """Key, reason, node and time."""
    gone = dead()
    subject = start(TALLY + f"fastrouter-to = {gone}\n", until=ROUTER)
    assert names(subject.port, 1) == [""]
    subject.wait_for(
        rf"key: example.com .*no node takes the connection node: {gone} \(\d+\.\d+ s\)"
    )
