"""Listeners: from what an operator wrote to sockets that are kept for life."""

import os
import socket
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from subprocess import DEVNULL, run

import pytest

from refuwsgi import passing, sockets
from refuwsgi.address import Address, parse
from refuwsgi.binding import bind
from refuwsgi.options import Config, OptionError, config_of
from refuwsgi.passing import Before
from refuwsgi.sockets import Listener, inherited, listener, shared, vacuum


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Leave no socket to the next test."""
    monkeypatch.setattr(sockets, "_shared", {})
    made: list[Listener] = []
    came: list[Listener] = []
    monkeypatch.setattr(sockets, "_made", made)
    monkeypatch.setattr(passing._State, "before", None)
    monkeypatch.setattr(passing._State, "came", came)
    yield
    for each in [*made, *came]:
        each.sock.close()


def made_of(text: str, protocol: str = "uwsgi", **options: str) -> Listener:
    return listener(parse(text), protocol, config_of(**options))


def test_the_name_has_the_port_that_was_found() -> None:
    found = made_of("127.0.0.1:0", "http")
    port = found.sock.getsockname()[1]
    assert (found.name, found.protocol) == (f"127.0.0.1:{port}", "http")
    assert found.announcement(2) == (
        f"uwsgi socket 2 bound to TCP address 127.0.0.1:{port} (port auto-assigned)"
        f" fd {found.sock.fileno()}"
    )


def test_a_unix_socket_is_called_as_it_was_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = made_of("./a.sock")
    assert found.name == "./a.sock"
    assert found.announcement(0) == (
        f"uwsgi socket 0 bound to UNIX address ./a.sock fd {found.sock.fileno()}"
    )


def test_an_abstract_socket_is_called_as_it_was_written() -> None:
    name = f"@refuwsgi-{os.getpid()}-named"
    assert made_of(name).name == name


@pytest.mark.parametrize(("value", "mode"), [("660", 0o660), ("", 0o666)])
def test_chmod_socket(value: str, mode: int, tmp_path: Path) -> None:
    made_of(str(tmp_path / "s"), chmod_socket=value)
    assert (tmp_path / "s").stat().st_mode & 0o777 == mode


def test_listen_is_the_length_of_the_queue() -> None:
    assert sockets.backlog_of(made_of("127.0.0.1:0", listen="7").sock) in ((0, 7), None)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_chown_socket(tmp_path: Path) -> None:
    made_of(str(tmp_path / "s"), chown_socket="65534:1")
    found = (tmp_path / "s").stat()
    assert (found.st_uid, found.st_gid) == (65534, 1)


def test_chown_socket_to_nobody_known_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="unable to find user nosuch-user"):
        made_of(str(tmp_path / "s"), chown_socket="nosuch-user:x")
    with pytest.raises(OptionError, match="unable to find group nosuch-group"):
        made_of(str(tmp_path / "s"), chown_socket=":nosuch-group")


def test_a_shared_socket_is_one_socket_for_all() -> None:
    config = config_of(shared_socket=["127.0.0.1:0", "127.0.0.1:0"])
    one = listener(parse("=1"), "http", config)
    two = listener(parse("=1"), "uwsgi", config)
    assert one.sock is two.sock
    assert one.name == shared(config)[1].name
    assert one.announcement(4) == (
        f"uwsgi socket 4 mapped to shared socket 1 ({one.name}) fd {one.sock.fileno()}"
    )
    assert shared(config)[0].sock is not one.sock


def test_a_shared_socket_that_does_not_exist_is_refused() -> None:
    with pytest.raises(OptionError, match="unable to use shared socket 3"):
        made_of("=3")


def test_a_shared_socket_with_a_bad_address_is_refused() -> None:
    config = config_of(shared_socket="127.0.0.1:x")
    with pytest.raises(OptionError, match="test: shared-socket: expected an address"):
        shared(config)


def test_vacuum_removes_what_we_made(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "s"
    found = made_of(str(path))
    vacuum([found, found, made_of("127.0.0.1:0")])
    assert not path.exists()
    assert capfd.readouterr().err == f"VACUUM: unix socket {path} removed.\n"


def test_vacuum_removes_it_from_another_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = made_of("s")
    monkeypatch.chdir("/")
    vacuum([found])
    assert not (tmp_path / "s").exists()


def test_vacuum_leaves_what_somebody_else_put_there(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "s"
    found = made_of(str(path))
    path.rename(tmp_path / "moved")
    path.write_text("another's")
    vacuum([found])
    assert path.exists()
    assert capfd.readouterr().err == (
        f"VACUUM WARNING: unix socket {path} changed inode. Skip removal\n"
    )


def test_vacuum_does_not_mind_that_it_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "s"
    found = made_of(str(path))
    path.unlink()
    vacuum([found])


# -- what is passed from generation to generation


@pytest.fixture
def config() -> Config:
    return config_of()


def exec_(
    before: list[Listener], exported: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> list[int]:
    """Do to this process what an exec does: objects go, descriptors and environment stay."""
    sockets._made.clear()
    monkeypatch.setattr(passing._State, "before", None)
    monkeypatch.setattr(os, "environ", {**os.environ, **exported})
    return [each.sock.detach() for each in before]


def test_a_reload_finds_its_sockets_again(
    tmp_path: Path, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = ["127.0.0.1:0", "127.0.0.1:0", str(tmp_path / "s"), f"@refuwsgi-{os.getpid()}-again"]
    before = [listener(parse(text), "uwsgi", config) for text in texts]
    names = [each.name for each in before]
    exported = sockets.export(before)
    assert all(each.sock.get_inheritable() for each in before)
    exec_(before, exported, monkeypatch)
    again = [listener(parse(text), "http", config) for text in texts]
    assert [each.name for each in again] == names
    assert {each.origin for each in again} == {"inherited"}
    assert not any(each.sock.get_inheritable() for each in again)
    assert not any(name in os.environ for name in exported)
    assert again[0].announcement(0) == (
        f"uwsgi socket 0 inherited INET address {names[0]} fd {again[0].sock.fileno()}"
    )


def test_what_a_reload_does_not_want_any_more_is_closed(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = [listener(parse(text), "uwsgi", config) for text in ("127.0.0.1:0", ":0")]
    name = before[1].name
    numbers = exec_(before, sockets.export(before), monkeypatch)
    assert listener(parse(":0"), "uwsgi", config).name == name
    sockets.forget_rest()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(numbers[0])


def test_what_was_exported_and_is_no_socket_is_left_alone(tmp_path: Path) -> None:
    with (tmp_path / "f").open("w") as file:
        found = Before({f"{passing.PASSED}{file.fileno()}": ":80", f"{passing.PASSED}x": ":80"})
        assert found.take(parse(":80")) is None
        found.close()
        os.fstat(file.fileno())


def test_a_descriptor_keeps_its_number_over_a_reload(config: Config) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        number = os.dup(server.fileno())
    found = listener(Address("fd", number=number), "http", config)
    assert found.announcement(0) == (
        f"uwsgi socket 0 inherited INET address {found.name} fd {number}"
    )
    assert sockets.export([found]) == {}
    assert found.sock.get_inheritable()


# -- what comes with the process

SHOW = textwrap.dedent(
    """
    import os, sys
    from refuwsgi import sockets
    os.environ["LISTEN_PID"] = os.environ.get("LISTEN_PID", "").replace("me", str(os.getpid()))
    for place, each in enumerate(sockets.inherited("uwsgi")):
        print(each.announcement(place), each.sock.getblocking(), each.sock.fileno() > 2)
    print(sockets.export([]))
    os.fstat(0)
    """
)


def shown(stdin: socket.socket | None, passed: tuple[int, ...] = (), **environ: str) -> list[str]:
    code = SHOW
    if passed:  # the numbers that a service manager uses begin at 3
        code = f"import os; os.dup2({passed[0]}, 3); os.dup2({passed[0]}, 4)\n" + SHOW
    got = run(
        [sys.executable, "-c", code],
        stdin=DEVNULL if stdin is None else stdin.fileno(),
        capture_output=True,
        text=True,
        pass_fds=passed,
        env={**os.environ, **environ},
        timeout=60,
        check=False,
    )
    assert got.returncode == 0, got.stderr
    return list(got.stdout.splitlines())


def test_descriptor_zero_is_served_if_it_listens(tmp_path: Path) -> None:
    with bind(parse(str(tmp_path / "s"))) as sock:
        assert shown(sock) == [
            f"uwsgi socket 0 inherited UNIX address {tmp_path}/s fd 0 False True",
            "{}",
        ]
    with bind(parse("127.0.0.1:0")) as sock:
        name = f"127.0.0.1:{sock.getsockname()[1]}"
        assert shown(sock)[0] == f"uwsgi socket 0 inherited INET address {name} fd 0 False True"
    with bind(Address("abstract", path=f"refuwsgi-{os.getpid()}-zero")) as sock:
        assert f"@refuwsgi-{os.getpid()}-zero" in shown(sock)[0]


def test_a_descriptor_zero_that_does_not_listen_is_not_served() -> None:
    assert shown(None) == ["{}"]
    one, other = socket.socketpair()
    with one, other:
        assert shown(one) == ["{}"]


def test_sockets_of_a_service_manager_are_served() -> None:
    with bind(parse("127.0.0.1:0")) as sock:
        passed = (os.dup(sock.fileno()),)
        found = shown(None, passed, LISTEN_FDS="2", LISTEN_PID="me")
        assert [line.split(" fd ")[1] for line in found[:-1]] == ["3 False True", "4 False True"]
        assert shown(None, passed, LISTEN_FDS="2", LISTEN_PID="1") == ["{}"]
        assert shown(None, passed, LISTEN_FDS="x", LISTEN_PID="me") == ["{}"]
        os.close(passed[0])


def test_nothing_is_inherited_twice() -> None:
    with bind(parse("127.0.0.1:0")) as sock:
        taken = Listener(sock, parse("127.0.0.1:0"), "http")
        taken.fd = 0
        assert inherited("uwsgi", taken=[taken]) == []
