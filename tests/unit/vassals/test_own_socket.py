import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from refuwsgi.vassals.own_socket import declared_in, is_address_of, place_of, warning


@pytest.fixture
def tcp() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        yield sock


@pytest.fixture
def unix(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(tmp_path / "app.sock"))
        yield sock


@pytest.mark.parametrize(
    ("declared", "same"),
    [
        ("127.0.0.1:PORT", True),
        (":PORT", True),
        ("0.0.0.0:PORT", True),
        ("localhost:PORT", True),
        ("127.0.0.2:PORT", False),
        ("127.0.0.1:1", False),
        ("PORT", False),
        ("/run/app.sock", False),
        ("@app", False),
    ],
)
def test_tcp(tcp: socket.socket, declared: str, same: bool) -> None:
    port = str(tcp.getsockname()[1])
    assert is_address_of(declared.replace("PORT", port), tcp) is same


def test_a_wildcard_collides_with_every_address() -> None:
    with socket.create_server(("0.0.0.0", 0)) as sock:
        assert is_address_of(f"127.0.0.3:{sock.getsockname()[1]}", sock)


def test_unix(unix: socket.socket, tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    for declared in (f"{tmp_path}/app.sock", "app.sock", f"{tmp_path}/deep/../app.sock"):
        assert is_address_of(declared, unix, str(tmp_path))
    for declared in ("other.sock", "@app.sock", ":3031", "127.0.0.1:3031"):
        assert not is_address_of(declared, unix, str(tmp_path))


def test_abstract() -> None:
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(f"\0own-socket-{id(sock)}\0")
        assert is_address_of(f"@own-socket-{id(sock)}", sock)
        assert not is_address_of(f"own-socket-{id(sock)}", sock)


@pytest.mark.parametrize(
    ("line", "option"),
    [
        ("socket = {}/%n.sock", "socket"),
        ("  http-socket={}/app.sock", "http-socket"),
        ("socket = %d%n.sock, :3031", "socket"),
        ("socket = {}/other.sock", None),
        ("# socket = {}/app.sock", None),
        ("chdir = {}/app.sock", None),
    ],
)
def test_what_a_config_declares(
    unix: socket.socket, tmp_path: Path, line: str, option: str | None
) -> None:
    config = f"[uwsgi]\nmaster = true\n{line.format(tmp_path)}\n".encode()
    assert declared_in(config, unix, f"{tmp_path}/app.ini") == option


def test_a_path_that_leads_elsewhere_is_lost(unix: socket.socket, tmp_path: Path) -> None:
    path = tmp_path / "app.sock"
    place = place_of(str(path))
    assert place is not None
    assert not place.lost()
    path.rename(tmp_path / "away")
    assert place.lost()
    path.touch()
    assert place.lost()
    assert place_of(str(tmp_path / "never")) is None


def test_the_warning_names_vassal_option_and_address() -> None:
    text = warning("a.ini", "socket", "/run/a.sock")
    assert "a.ini declares socket = /run/a.sock" in text
