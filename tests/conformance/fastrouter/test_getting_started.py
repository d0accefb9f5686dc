"""Getting started: addresses, processes, the start and the end."""

import os
import re
import signal
import socket
from collections.abc import Iterator

import pytest

from tests.conformance.fastrouter.talk import ROUTER, TALLY, names, node, text_of
from tests.conformance.harness import (
    Backend,
    Starter,
    Subject,
    alive,
    ask,
    block,
    children,
    covers,
    eventually,
    exchange,
    free_port,
    packet,
    request_vars,
)


@covers("FR-10", "FR-11", "FR-4", "FR-5")
def test_several_addresses_of_several_kinds(start: Starter) -> None:
    """One router serves TCP, a UNIX socket and an abstract one; a line for each, in order."""
    name = f"fr{free_port()}"
    with node("N") as n:
        subject = start(
            "",
            *["-M", "--fastrouter", "127.0.0.1:PORT", "--fastrouter", "DIR/r.sock"],
            *["--fastrouter", f"@{name}", "--fastrouter-to", n.address],
            until=ROUTER,
        )
        for address in (subject.port, subject.path("r.sock"), f"@{name}"):
            assert text_of(ask(address)) == "N"
        lines = re.findall(r"^uWSGI fastrouter bound on (\S+) fd \d+", subject.log, re.M)
        assert lines == [f"127.0.0.1:{subject.port}", subject.path("r.sock"), f"@{name}"]


@covers("FR-12", "FR-13")
def test_the_most_useless_setup_of_the_world(start: Starter) -> None:
    """Without a way of mapping each request is closed without a byte; no worker is needed."""
    subject = start(TALLY, until=ROUTER)
    assert ask(subject.port).raw == b""
    assert "no-workers" in subject.log
    assert "spawned uWSGI worker" not in subject.log


@covers("FR-14")
def test_the_command_of_the_document_keeps_serving(start: Starter) -> None:
    """Without a master the router runs in the foreground."""
    with node("N") as n:
        words = ["--fastrouter", "127.0.0.1:PORT", "--fastrouter-to", n.address]
        subject = start.launch("", *words)
        subject.wait_for(ROUTER)
        assert names(subject.port, 2) == ["N", "N"]
        assert subject.process.poll() is None
        assert subject.stop() == 0


@covers("FR-13", "FR-15")
def test_a_router_that_dies_is_replaced(start: Starter) -> None:
    """Two processes serve; the master starts a new one in place of one that was killed."""
    with node("N") as n:
        subject = start(
            TALLY + f"fastrouter-processes = 2\nfastrouter-to = {n.address}\n",
            until=r"spawned uWSGI fastrouter 2 \(pid: (\d+)\)",
        )
        pid = int(subject.wait_for(ROUTER)[1])
        assert pid in children(subject.pid)
        os.kill(pid, signal.SIGKILL)
        new = int(subject.wait_for(r"respawned uWSGI fastrouter 1 \(pid: (\d+)\)")[1])
        eventually(lambda: alive(new))
        assert names(subject.port, 4) == ["N"] * 4


@covers("FR-16")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGQUIT])
def test_a_signal_ends_it(start: Starter, number: signal.Signals) -> None:
    """SIGINT and SIGQUIT to the master end it with status 0."""
    subject = start(TALLY, until=ROUTER)
    subject.signal(number)
    assert subject.ended() == 0


@covers("FR-17")
def test_an_address_in_use_ends_the_start(start: Starter) -> None:
    """Somebody else listens there: exit 1, and a line says so."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        run = start.run(f"master = true\nfastrouter = 127.0.0.1:{port}\n")
    assert run.code == 1
    assert "already in use" in run.log


@covers("FR-17")
def test_a_missing_directory_ends_the_start(start: Starter) -> None:
    """A UNIX socket in a directory that is not there: exit 1."""
    run = start.run("master = true\nfastrouter = DIR/none/r.sock\n")
    assert run.code == 1
    assert "No such file or directory" in run.log


@covers("FR-6")
def test_a_socket_name_that_is_too_long_ends_the_start(start: Starter) -> None:
    """More than the kernel takes: exit 1."""
    run = start.run(f"master = true\nfastrouter = DIR/{'x' * 120}\n")
    assert run.code == 1


@covers("FR-6")
def test_a_stale_socket_is_replaced_and_gets_its_mode(start: Starter) -> None:
    """A file that is left over does not hinder the bind; chmod-socket holds for routers."""
    directory = start.directory()
    with socket.socket(socket.AF_UNIX) as old:
        old.bind(str(directory / "r.sock"))
    with node("N") as n:
        subject = start.launch(
            f"master = true\nfastrouter = DIR/r.sock\nchmod-socket = 600\n"
            f"fastrouter-to = {n.address}\n",
            directory=directory,
        )
        subject.wait_for(ROUTER)
        assert text_of(ask(subject.path("r.sock"))) == "N"
        assert (directory / "r.sock").stat().st_mode & 0o777 == 0o600


@covers("FR-18")
def test_a_negative_number_ends_the_start(start: Starter) -> None:
    """fastrouter-timeout = -1: exit 1."""
    run = start.run("master = true\nfastrouter = 127.0.0.1:PORT\nfastrouter-timeout = -1\n")
    assert run.code == 1
    assert "fastrouter-timeout" in run.log


@covers("FR-18", kind="beyond")
@pytest.mark.parametrize("line", ["fastrouter-timeout = soon", "fastrouter = 127.0.0.1:99999"])
def test_rubbish_ends_the_start(start: Starter, line: str) -> None:
    """What is no number, or no port, is not taken for another."""
    run = start.run(f"master = true\nfastrouter = 127.0.0.1:PORT\n{line}\n")
    assert run.code == 1


@covers("FR-19", kind="beyond")
def test_a_port_of_the_kernels_choice_is_told(start: Starter) -> None:
    """fastrouter = 127.0.0.1:0 says which port it has got."""
    with node("N") as n:
        subject = start(
            f"master = true\nfastrouter = 127.0.0.1:0\nfastrouter-to = {n.address}\n", until=ROUTER
        )
        port = subject.wait_for(r"^uWSGI fastrouter bound on 127.0.0.1:(\d+) fd")[1]
        assert names(int(port), 1) == ["N"]


GOOD = block(request_vars().items())


@covers("FR-1", "FR-2", "FR-3")
@pytest.mark.parametrize(
    "raw",
    [
        packet(b""),
        packet(GOOD + b"\x01"),
        packet(GOOD + b"\x00\x00\x01\x00x"),
        packet(GOOD + b"\x05\x00abc"),
        packet(GOOD + b"\x01\x00k"),
        packet(GOOD + b"\x01\x00k\xff\x00v"),
    ],
    ids=["empty", "stray", "no key", "long key", "no value", "long value"],
)
def test_a_malformed_packet_is_closed_without_a_byte(start_module: Starter, raw: bytes) -> None:
    """Vars that do not end where the packet ends: no answer, and the node hears nothing."""
    with node("N") as n:
        subject = start_module(TALLY + f"fastrouter-to = {n.address}\n", until=ROUTER)
        assert exchange(subject.port, raw).raw == b""
        assert text_of(ask(subject.port)) == "N"
        assert len(n.seen) == 1


@pytest.fixture(scope="module")
def shared(start_module: Starter) -> Iterator[tuple[Subject, Backend]]:
    """One router and one node for all sizes."""
    with node("N") as n:
        yield start_module(TALLY + f"fastrouter-to = {n.address}\n", until=ROUTER), n


@covers("FR-1", "FR-175", "FR-22")
@pytest.mark.parametrize("size", [0, 1, 3000, 3900, 3976, 4092, 4096, 4097, 8192, 60000])
def test_a_packet_of_any_size_passes_intact(shared: tuple[Subject, Backend], size: int) -> None:
    """Around the size of a page and up to 16 bits; the order and empty values are kept."""
    subject, n = shared
    variables = request_vars(EMPTY="", BIG="x" * size)
    n.seen.clear()
    assert text_of(exchange(subject.port, packet(variables, 7, 9))) == "N"
    received = n.wait_seen().packet
    assert received is not None
    assert received.pairs == list(variables.items())
    assert (received.modifier1, received.modifier2) == (0, 0)


WAYS = [
    ("fastrouter-use-pattern = DIR/%%s.p", "pattern"),
    ("fastrouter-use-base = DIR/base-", "base"),
    ("fastrouter-use-code-string = 0:map.py:get", "code"),
    ("fastrouter-to = DIR/to.sock", "to"),
]


@covers("FR-20")
@pytest.mark.parametrize("first", range(len(WAYS) - 1))
def test_the_first_way_in_the_order_rules_alone(start: Starter, first: int) -> None:
    """Of two ways one rules; what it does not know is not looked for in the other."""
    (one, name), (other, _) = WAYS[first], WAYS[first + 1]
    directory = start.directory({"map.py": "def get(key): return b''\n"})
    files = {
        "pattern": "known.p", "base": "base-known", "code": "code.sock", "to": "to.sock",
    }  # fmt: skip
    (directory / "map.py").write_text(
        f"def get(key):\n    if key in (b'known', 'known'): return b'{directory}/code.sock'\n"
    )
    backends = [node(each, str(directory / path)) for each, path in files.items()]
    try:
        subject = start.launch(TALLY + f"{other}\n{one}\n", directory=directory)
        subject.wait_for(ROUTER)
        subject.wait_listening(subject.port)
        assert names(subject.port, 2, "known") == [name, name]
        assert names(subject.port, 2, "unknown") == ["", ""]
    finally:
        for backend in backends:
            backend.close()


@covers("FR-21")
def test_the_key_is_used_as_it_is(start: Starter) -> None:
    """Case, port and a closing dot make other keys."""
    directory = start.directory()
    with node("N", str(directory / "example.com")):
        subject = start.launch(TALLY + "fastrouter-use-base = DIR/\n", directory=directory)
        subject.wait_for(ROUTER)
        subject.wait_listening(subject.port)
        assert names(subject.port, 1, "example.com") == ["N"]
        for other in ("Example.com", "example.com.", "www.example.com"):
            assert names(subject.port, 1, other) == [""]


@covers("FR-176")
def test_a_node_that_refuses_the_packet_gives_nothing(start: Starter) -> None:
    """A node whose buffer is too small closes; so does the router."""
    app = "def application(e, s):\n    s('200 OK', [])\n    return [b'app']\n"
    subject = start(
        "master = true\nsocket = 127.0.0.1:PORT\nfastrouter = 127.0.0.1:PORT1\n"
        "fastrouter-to = 127.0.0.1:PORT\nwsgi-file = app.py\n",
        files={"app.py": app},
        until=ROUTER,
    )
    router = subject.ports["PORT1"]
    assert text_of(ask(router)).endswith("app")
    assert ask(router, BIG="x" * 5000).raw == b""
