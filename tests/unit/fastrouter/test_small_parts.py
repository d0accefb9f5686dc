import os
from pathlib import Path

import pytest

from refuwsgi.fastrouter import cheap_mode, mapping_files, notes
from refuwsgi.fastrouter import way4_subscription_server as way4
from refuwsgi.fastrouter.cheap_mode import STEPS, CheapMode, State
from refuwsgi.fastrouter.slots import Table
from refuwsgi.fastrouter.static_nodes import TO
from refuwsgi.fastrouter.subscribed import NOBODY
from refuwsgi.gateway_rules import UNKNOWN
from refuwsgi.options import OptionError, config_of
from refuwsgi.protocol import subscription
from refuwsgi.protocol.uwsgi import PacketError, encode


def block(*pairs: tuple[str, str]) -> bytes:
    return encode([(name.encode(), value.encode()) for name, value in pairs])[4:]


KEY, HOST, NAME = "UWSGI_FASTROUTER_KEY", "HTTP_HOST", "SERVER_NAME"


@pytest.mark.parametrize(
    ("pairs", "key"),
    [
        ([(NAME, "n"), (HOST, "h"), (KEY, "k")], b"k"),
        ([(KEY, "k"), (HOST, "h"), (NAME, "n")], b"k"),
        ([(NAME, "n"), (HOST, "h")], b"h"),
        ([(NAME, "n")], b"n"),
        ([(HOST, "Example.com:80")], b"Example.com:80"),
        ([(HOST, ""), (NAME, "n")], b"n"),
        ([(NAME, "n"), (HOST, "")], b"n"),
        ([(HOST, "h" * 256), (NAME, "n")], b"n"),
        ([(HOST, "h" * 255), (NAME, "n")], b"h" * 255),
        ([(HOST, "a"), (HOST, "b")], b"b"),
        ([("http_host", "h")], b""),
        ([("X", "y")], b""),
    ],
)
def test_the_key_is_chosen_by_precedence(pairs: list[tuple[str, str]], key: bytes) -> None:
    assert notes.asked_of(block(*pairs)).key == key


@pytest.mark.parametrize(
    ("value", "length"),
    [("", 0), ("0", 0), ("12", 12), ("abc", UNKNOWN), ("-5", UNKNOWN), ("9" * 20, UNKNOWN)],
)
def test_the_length_of_a_body(value: str, length: int) -> None:
    assert notes.asked_of(block((HOST, "h"), ("CONTENT_LENGTH", value))).length == length


def test_a_request_that_streams_is_known() -> None:
    assert notes.asked_of(block((HOST, "h"), ("HTTP_UPGRADE", "websocket"))).streams
    assert not notes.asked_of(block((HOST, "h"))).streams


GOOD = block((HOST, "example.com"), (NAME, ""))


@pytest.mark.parametrize("cut", range(1, len(GOOD)))
def test_vars_that_end_elsewhere_are_broken(cut: int) -> None:
    if cut == len(block((HOST, "example.com"))):
        return
    with pytest.raises(PacketError):
        notes.asked_of(GOOD[:cut])


def test_a_var_without_a_key_is_broken() -> None:
    with pytest.raises(PacketError):
        notes.asked_of(GOOD + b"\0\0\1\0x")


def test_a_timeout_of_zero_is_the_default() -> None:
    assert notes.timeout(config_of(fastrouter_timeout="0")) == 60
    assert notes.timeout(config_of(fastrouter_timeout="5")) == 5


def test_a_mapping_file_is_read_line_by_line(tmp_path: Path) -> None:
    (tmp_path / "m").write_bytes(
        b"# mappings\nunbit.it\r\n  unbit.it:8000,5\r\n\n   \nbad,x\nlast.it,256"
    )
    assert mapping_files.read(str(tmp_path / "m")) == [
        ("unbit.it", None), ("unbit.it:8000", 5), ("bad", None), ("last.it", 0),
    ]  # fmt: skip


def test_a_mapping_file_that_is_missing_holds_no_keys(tmp_path: Path) -> None:
    assert mapping_files.read(str(tmp_path / "none")) == []


class Door:
    cheap = True

    def wake(self) -> None:
        self.cheap = False

    def rest(self) -> None:
        self.cheap = True


def test_every_state_knows_every_event() -> None:
    assert set(STEPS) == {(state, some) for state in State for some in (True, False)}


def test_a_router_is_awake_while_nodes_live() -> None:
    door, lines = Door(), list[str]()
    mode = CheapMode(door, "uWSGI fastrouter", lines.append)
    seen = []
    for living in (0, 1, 2, 1, 0, 0, 1):
        mode.nodes_changed(living)
        seen.append(door.cheap)
    assert seen == [True, False, False, False, True, True, False]
    assert lines[:2] == [
        f"[uWSGI fastrouter pid {os.getpid()}] leaving cheap mode...",
        f"[uWSGI fastrouter pid {os.getpid()}] no more nodes available. Going cheap...",
    ]


def test_cheap_needs_a_subscription_server() -> None:
    assert cheap_mode.configured(config_of(fastrouter_cheap="true"), subscriptions=True)
    assert not cheap_mode.configured(config_of(fastrouter_cheap="true"), subscriptions=False)


@pytest.mark.parametrize(
    ("said", "source", "address"),
    [
        (b"127.0.0.1:3031", ("192.0.2.1", 9), "127.0.0.1:3031"),
        (b":3031", ("192.0.2.1", 9), "192.0.2.1:3031"),
        (b":3031", ("2001:db8::1", 9, 0, 0), "[2001:db8::1]:3031"),
        (b":3031", ("127.0.0.1", 9), ":3031"),
        (b":3031", "/tmp/sender", ":3031"),
        (b":3031", None, ":3031"),
        (b"/tmp/x", ("192.0.2.1", 9), "/tmp/x"),
    ],
)
def test_a_missing_host_is_where_the_datagram_came_from(
    said: bytes, source: object, address: str
) -> None:
    table = Table(lambda line: None)
    datagram = subscription.encode(subscription.Announcement(b"example.com", said))
    way4.Receiver(table).take(datagram, False, NOBODY, source, 1.0)
    assert [node.address for node in table.nodes()] == [address]


def test_mountpoints_are_tried_from_the_longest() -> None:
    assert way4.mounted(b"h", b"/a/b/c", 2) == [b"h/a/b", b"h/a"]
    assert way4.mounted(b"h", b"/", 2) == []
    assert way4.mounted(b"h", b"", 2) == []


@pytest.mark.parametrize("name", ["fastrouter_to", "fastrouter_fallback"])
@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("127.0.0.1:99999", "no node can be reached at '127.0.0.1:99999': there is no port 99999"),
        ("", "no node can be reached at '': an empty address"),
        ("fd://3", "expected the address of a node, got 'fd://3'"),
        ("=0", "expected the address of a node, got '=0'"),
    ],
)
def test_a_static_node_that_is_no_address_is_a_mistake(name: str, text: str, why: str) -> None:
    with pytest.raises(OptionError) as caught:
        config_of(**{name: text})
    assert str(caught.value) == f"test: {name.replace('_', '-')}: {why}"


def test_static_nodes_may_be_of_every_kind() -> None:
    several = ["127.0.0.1:1", "[::1]:1", "/tmp/x", "@x", "host:1"]
    assert config_of(fastrouter_to=several)[TO] == tuple(several)
