"""What the emperor says about sleeping vassals, and where."""

import socket
from pathlib import Path

import pytest

from refuwsgi.options import OptionError, config_of
from refuwsgi.protocol.subscription import parse
from refuwsgi.vassals.announce import Herald, address_of, configured, router_of


@pytest.mark.parametrize(
    ("value", "family", "target", "key"),
    [
        ("127.0.0.1:7000:*.org", socket.AF_INET, ("127.0.0.1", 7000), "*.org"),
        (":7000:a:b", socket.AF_INET, ("127.0.0.1", 7000), "a:b"),
        ("[::1]:7000:*", socket.AF_INET6, ("::1", 7000), "*"),
        ("/run/sub:*", socket.AF_UNIX, "/run/sub", "*"),
    ],
)
def test_a_value_is_a_server_and_a_key(
    value: str, family: int, target: tuple[str, int] | str, key: str
) -> None:
    assert router_of(value) == (family, target, key)


@pytest.mark.parametrize("value", ["", "here", "host:port:key", ":0:key", ":7000", ":99999:k"])
def test_what_is_no_value_is_refused(value: str) -> None:
    with pytest.raises(OptionError, match=r"emperor-announce: expected SERVER:KEY"):
        configured(config_of(emperor_announce=value))


def test_without_the_option_nobody_is_told() -> None:
    assert configured(config_of()) is None


@pytest.mark.parametrize(
    ("vassal", "key"), [("shop.ini", "shop.org"), ("/srv/my.shop.ini", "my.shop.org")]
)
def test_the_key_has_the_name_of_the_vassal(vassal: str, key: str) -> None:
    assert router_of(":1:*.org").key_of(vassal) == key


@pytest.mark.parametrize(
    ("bound", "reached"), [("0.0.0.0", "127.0.0.1"), ("127.0.0.1", "127.0.0.1")]
)
def test_a_socket_on_every_address_is_reached_at_home(bound: str, reached: str) -> None:
    with socket.create_server((bound, 0)) as sock:
        assert address_of(sock) == f"{reached}:{sock.getsockname()[1]}"


def test_the_addresses_of_other_families(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(f"{tmp_path}/a.sock")
        assert address_of(sock) == f"{tmp_path}/a.sock"
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind("\0announced\0")
        assert address_of(sock) == "@announced"


def test_a_vassal_is_announced_and_withdrawn(tmp_path: Path) -> None:
    herald = Herald([router_of(f"{tmp_path}/sub:*")])
    with (
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as router,
        socket.create_server(("127.0.0.1", 0)) as sock,
    ):
        router.bind(f"{tmp_path}/sub")
        router.settimeout(10)
        herald.announce("a.ini", sock)
        herald.withdraw("a.ini")
        herald.withdraw("a.ini")  # nothing is said of one that is not known
        said = [parse(router.recv(4096)), parse(router.recv(4096))]
        address = address_of(sock).encode()
    assert [each and (each.key, each.address, each.withdraws) for each in said] == [
        (b"a", address, False),
        (b"a", address, True),
    ]
    herald.close()


def test_a_router_that_does_not_listen_is_said_once(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    herald = Herald([router_of(f"{tmp_path}/nobody:*")])
    with socket.create_server(("127.0.0.1", 0)) as sock:
        herald.announce("a.ini", sock)
        herald.announce("b.ini", sock)
    herald.close()
    assert capfd.readouterr().err.count("unable to announce vassals") == 1
