"""Binding: from an address to a listening socket."""

import errno
import os
import socket
import stat
from pathlib import Path

import pytest

from refuwsgi import binding
from refuwsgi.address import Address, parse
from refuwsgi.binding import Tuning, bind, listening
from refuwsgi.options import OptionError


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_tcp_socket_listens_and_does_not_block() -> None:
    with bind(parse("127.0.0.1:0")) as sock:
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
        assert sock.getblocking() is False
        assert sock.get_inheritable() is False
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_no_host_is_every_ipv4_address() -> None:
    with bind(parse(":0")) as sock:
        assert sock.getsockname()[0] == "0.0.0.0"


def test_a_name_is_resolved_to_ipv4_first() -> None:
    with bind(parse("localhost:0")) as sock:
        assert sock.getsockname()[0] == "127.0.0.1"


def test_an_ipv6_address() -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("the kernel: no IPv6")
    with bind(parse("[::1]:0")) as sock:
        assert sock.family == socket.AF_INET6
        assert sock.getsockname()[0] == "::1"


def test_a_host_that_nobody_knows_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*args: object, **more: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(OptionError, match="unable to resolve the host 'nobody.invalid'"):
        bind(parse("nobody.invalid:80"))


def test_an_address_in_use_is_refused_in_the_words_of_uwsgi() -> None:
    with bind(parse("127.0.0.1:0")) as sock:
        address = f"127.0.0.1:{sock.getsockname()[1]}"
        with pytest.raises(OptionError) as caught:
            bind(parse(address))
    assert str(caught.value).splitlines() == [
        f"probably another instance of uWSGI is running on the same address ({address}).",
        "bind(): Address already in use",
    ]


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(OptionError, match=r"bind\(\): .* \(192.0.2.1:80\)"):
        bind(parse("192.0.2.1:80"))


def test_an_address_of_another_machine_can_be_waited_for() -> None:
    try:
        bind(parse("192.0.2.1:0"), tuning=Tuning(freebind=True)).close()
    except OptionError:
        pytest.skip("the kernel: it does not allow this")


def test_two_may_share_a_port_if_they_want() -> None:
    with bind(parse("127.0.0.1:0"), reuse_port=True) as sock:
        bind(parse(f"127.0.0.1:{sock.getsockname()[1]}"), reuse_port=True).close()


def test_buffers_and_probes_are_set() -> None:
    with bind(
        parse("127.0.0.1:0"),
        tuning=Tuning(keepalive=True, send_buffer=30000, receive_buffer=40000),
    ) as sock:
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) >= 30000
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) >= 40000


def test_a_backlog_that_the_kernel_would_cut_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "somaxconn").write_text("128\n")
    monkeypatch.setattr(binding, "SOMAXCONN", str(tmp_path / "somaxconn"))
    bind(parse("127.0.0.1:0"), backlog=128).close()
    with pytest.raises(OptionError) as caught:
        bind(parse("127.0.0.1:0"), backlog=129)
    assert str(caught.value) == (
        "Listen queue size is greater than the system max net.core.somaxconn (128)."
    )


def test_a_system_that_does_not_say_its_limit_is_asked_for_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(binding, "SOMAXCONN", str(tmp_path / "none"))
    bind(parse("127.0.0.1:0"), backlog=10_000_000).close()


@pytest.mark.parametrize("mode", [0o600, 0o660, 0o666])
def test_a_unix_socket_has_its_mode_from_the_first_moment(
    mode: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    path = tmp_path / "s"
    chmod = os.chmod

    def look(*args: object) -> None:
        seen.append(mode_of(path))
        chmod(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "chmod", look)
    before = os.umask(0o022)
    try:
        bind(parse(str(path)), mode=mode).close()
        assert os.umask(0o022) == 0o022
    finally:
        os.umask(before)
    assert seen == [mode]
    assert mode_of(path) == mode


def test_without_a_mode_the_umask_decides(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        bind(parse(str(tmp_path / "s"))).close()
    finally:
        os.umask(before)
    assert mode_of(tmp_path / "s") == 0o750


def test_the_socket_of_a_dead_process_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "s"
    bind(parse(str(path))).close()
    with bind(parse(str(path))), socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))


@pytest.mark.parametrize("backlog", [0, 100])
def test_the_socket_of_a_living_process_is_left_alone(tmp_path: Path, backlog: int) -> None:
    path = str(tmp_path / "s")
    with bind(parse(path), backlog=backlog), socket.socket(socket.AF_UNIX) as first:
        first.connect(path)  # with a backlog of 0 the queue is full now
        with pytest.raises(OptionError, match="probably another instance"):
            bind(parse(path))
        assert Path(path).is_socket()


def test_what_is_no_socket_is_not_removed(tmp_path: Path) -> None:
    path = tmp_path / "precious"
    path.write_text("data")
    with pytest.raises(OptionError, match="is not a socket"):
        bind(parse(str(path)))
    assert path.read_text() == "data"


def test_a_folder_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"bind\(\): No such file or directory \(.*/no/s\)"):
        bind(parse(str(tmp_path / "no" / "s")))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_a_unix_socket_can_belong_to_somebody_else(tmp_path: Path) -> None:
    bind(parse(str(tmp_path / "s")), tuning=Tuning(owner=(65534, -1))).close()
    assert (tmp_path / "s").stat().st_uid == 65534


def test_a_socket_that_cannot_be_given_away_is_not_left_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "chown", refuse)
    with pytest.raises(OptionError, match="not permitted"):
        bind(parse(str(tmp_path / "s")), tuning=Tuning(owner=(1, 1)))
    assert not (tmp_path / "s").exists()


def test_an_abstract_name_has_the_closing_nul_of_uwsgi() -> None:
    name = f"refuwsgi-{os.getpid()}-bound"
    with bind(Address("abstract", path=name)) as sock:
        assert sock.getsockname() == f"\0{name}\0".encode()
        with pytest.raises(OptionError, match=f"same address .@{name}."):
            bind(Address("abstract", path=name))


def test_a_descriptor_is_taken_over() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        number = os.dup(server.fileno())
        with bind(Address("fd", number=number)) as sock:
            assert sock.fileno() == number
            assert sock.getsockname() == server.getsockname()
            assert sock.getblocking() is False


def test_a_descriptor_that_does_not_listen_is_refused_and_left_open(tmp_path: Path) -> None:
    file = os.open(tmp_path / "f", os.O_CREAT | os.O_RDWR)
    one, other = socket.socketpair()
    with one, other:
        for number in (file, one.fileno()):
            assert listening(number) is None
            os.fstat(number)
            with pytest.raises(OptionError, match=f"fd://{number} is not a listening socket"):
                bind(Address("fd", number=number))
    os.close(file)
    assert listening(file) is None


def test_a_shared_socket_is_not_for_binding() -> None:
    with pytest.raises(OptionError, match="=0 cannot be bound"):
        bind(Address("shared"))
