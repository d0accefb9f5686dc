import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from refuwsgi.fastrouter import notify_socket
from refuwsgi.fastrouter.notify_socket import BURST, LetterBox
from refuwsgi.options import OptionError, config_of

Boxes = list[LetterBox]


@pytest.fixture
def boxes() -> Iterator[Boxes]:
    made: Boxes = []
    yield made
    for each in made:
        each.sock.close()


def made(boxes: Boxes, said: list[str], **options: str) -> LetterBox:
    found = notify_socket.configured(config_of(**options), said.append)
    assert found is not None
    boxes.append(found)
    return found


def send(box: LetterBox, *letters: bytes) -> None:
    with socket.socket(box.sock.family, socket.SOCK_DGRAM) as sender:
        for letter in letters:
            sender.sendto(letter, box.sock.getsockname())


@pytest.mark.parametrize("option", ["notify_socket", "subscription_notify_socket"])
@pytest.mark.parametrize("place", ["127.0.0.1:0", "s"])
def test_what_arrives_is_logged_line_by_line(
    boxes: Boxes, tmp_path: Path, option: str, place: str
) -> None:
    said: list[str] = []
    udp = ":" in place
    box = made(boxes, said, **{option: place if udp else str(tmp_path / place)})
    port = box.sock.getsockname()[1]
    assert box.name == (f"127.0.0.1:{port}" if udp else str(tmp_path / place))
    box.empty()
    assert said == []
    send(box, b"one\n", b"two\nand \x1b[2J", b"x" * 2000)
    box.empty()
    assert said[0] == "[notify-socket] one"
    assert "\n" not in said[1]
    assert "\x1b" not in said[1]
    assert len(said[2]) < 1100
    assert len(said) == 3


def test_a_flood_is_read_in_pieces(boxes: Boxes, tmp_path: Path) -> None:
    said: list[str] = []
    box = made(boxes, said, notify_socket="127.0.0.1:0")
    send(box, *[b"x"] * (BURST + 1))
    box.empty()
    assert len(said) == BURST
    box.empty()
    assert len(said) == BURST + 1


def test_nobody_wants_one() -> None:
    assert notify_socket.configured(config_of(), print) is None


def test_a_socket_of_before_is_replaced_and_a_file_stays(boxes: Boxes, tmp_path: Path) -> None:
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as dead:
        dead.bind(str(path))
    said: list[str] = []
    box = made(boxes, said, notify_socket=str(path))
    send(box, b"hello")
    box.empty()
    assert said == ["[notify-socket] hello"]
    path = tmp_path / "precious"
    path.write_text("data")
    with pytest.raises(OptionError, match="notify-socket: expected an address that can be bound"):
        made(boxes, said, notify_socket=str(path))
    assert path.read_text() == "data"


@pytest.mark.parametrize("place", ["127.0.0.1:99999", "no.such.host.invalid:1", "x" * 200])
def test_what_cannot_be_bound_is_refused(place: str) -> None:
    with pytest.raises(OptionError, match="notify-socket: expected an address that can be bound"):
        notify_socket.configured(config_of(notify_socket=place), print)
