import os
import socket
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from refuwsgi import passing
from refuwsgi.fastrouter import subscription_doors
from refuwsgi.fastrouter.way4_subscription_server import Server
from refuwsgi.options import OptionError, config_of


@pytest.fixture
def bound(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Server]]:
    """The servers that a test has bound; nothing is kept for a next generation."""
    monkeypatch.setattr(passing, "keep", lambda name, fd: None)
    servers: list[Server] = []
    yield servers
    for server in servers:
        server.sock.close()


def bind(bound: list[Server], *texts: str, **more: str | bool) -> Sequence[Server]:
    config = config_of(fastrouter_subscription_server=list(texts), **more)
    made = subscription_doors.bound(config)
    bound += made
    return made


def heard(server: Server) -> bytes:
    """What a datagram that was sent to it says when it has arrived."""
    address = server.sock.getsockname()
    with socket.socket(server.sock.family, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"hello", address)
    server.sock.settimeout(20)
    return server.sock.recv(100)


def test_the_kinds_of_addresses(
    bound: list[Server], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = str(tmp_path / "s")
    abstract = f"@{tmp_path}"
    udp, unix, hidden = bind(bound, "127.0.0.1:0", path, abstract)
    assert udp.name == f"127.0.0.1:{udp.sock.getsockname()[1]}"
    assert (unix.name, hidden.name) == (path, abstract)
    assert hidden.sock.getsockname() == b"\0" + str(tmp_path).encode() + b"\0"
    log = capfd.readouterr().err
    for server in (udp, unix, hidden):
        assert not server.sock.getblocking()
        assert f"bound on {server.name} fd {server.sock.fileno()}\n" in log
        assert heard(server) == b"hello"


def test_ipv6(bound: list[Server]) -> None:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as trial:
            trial.bind(("::1", 0))
    except OSError:
        pytest.skip("no IPv6 here")
    (server,) = bind(bound, "[::1]:0")
    assert server.name == f"[::1]:{server.sock.getsockname()[1]}"
    assert heard(server) == b"hello"


@pytest.mark.parametrize(
    ("host", "group"),
    [("223.255.255.255", False), ("224.0.0.1", True), ("239.1.2.3", True), ("240.0.0.1", False)]
    + [("", False), ("name.224", False), ("224name", False)],
)
def test_groups(host: str, group: bool) -> None:
    assert subscription_doors.is_multicast(host) is group


def test_a_group_is_joined(bound: list[Server]) -> None:
    anywhere = socket.inet_aton("239.9.8.7") + bytes(4)
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as trial:
            trial.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, anywhere)
    except OSError:
        pytest.skip("no way to a group here")
    (server,) = bind(bound, "239.9.8.7:0")
    with pytest.raises(OSError, match="Address already in use"):  # it is a member already
        server.sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, anywhere)


@pytest.mark.parametrize(
    ("option", "credentials"),
    [({}, 0), ({"subscriptions_use_credentials": True}, 1)]
    + [({"subscriptions_credentials_check": "/tmp"}, 1)],
)
def test_the_mode_and_the_sender_of_a_unix_socket(
    bound: list[Server], tmp_path: Path, option: dict[str, str | bool], credentials: int
) -> None:
    (server,) = bind(bound, str(tmp_path / "s"), chmod_socket="660", **option)
    assert stat.S_IMODE((tmp_path / "s").stat().st_mode) == 0o660
    assert server.sock.getsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED) == credentials


def test_what_a_dead_process_has_left_is_replaced(bound: list[Server], tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as dead:
        dead.bind(str(tmp_path / "s"))
    (server,) = bind(bound, str(tmp_path / "s"))
    assert heard(server) == b"hello"


def test_a_living_server_keeps_its_path(bound: list[Server], tmp_path: Path) -> None:
    (server,) = bind(bound, str(tmp_path / "s"))
    with pytest.raises(OptionError, match=r"server: .*/s: Address already in use$"):
        bind(bound, str(tmp_path / "s"))
    assert heard(server) == b"hello"


def test_a_file_is_not_removed(bound: list[Server], tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("data")
    with pytest.raises(OptionError, match="precious exists and is not a socket$"):
        bind(bound, str(tmp_path / "precious"))
    assert (tmp_path / "precious").read_text() == "data"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("fd://3", "expected host:port or the path of a UNIX socket"),
        ("=0", "expected host:port or the path of a UNIX socket"),
        ("/no/such/directory/s", "No such file or directory"),
        ("203.0.113.1:0", "Cannot assign requested address"),
    ],
)
def test_what_cannot_be_bound(bound: list[Server], text: str, problem: str) -> None:
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(OptionError, match=f"fastrouter-subscription-server: {text}: {problem}$"):
        bind(bound, text)
    assert len(os.listdir("/proc/self/fd")) <= before


def test_the_next_generation_has_the_same_socket(
    bound: list[Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: dict[str, int] = {}
    monkeypatch.setattr(passing, "keep", kept.__setitem__)
    (server,) = bind(bound, "127.0.0.1:0")
    ((name, fd),) = kept.items()
    assert fd == server.sock.fileno()
    fd = os.dup(fd)
    monkeypatch.setenv(f"{passing.KEPT}{fd}", name)
    (again,) = bind(bound, "127.0.0.1:0")
    assert (again.sock.fileno(), again.name) == (fd, server.name)
    assert not os.get_inheritable(fd)
