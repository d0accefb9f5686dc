import socket
from collections.abc import Iterator

import pytest

from refuwsgi import imperial_config
from refuwsgi.imperial_config import ConfigError, packet, receive

Ends = tuple[socket.socket, socket.socket, socket.socket, socket.socket]


@pytest.fixture
def ends() -> Iterator[Ends]:
    """The emperor's end of the config and of the pipe, and the vassal's ends."""
    made = (*socket.socketpair(), *socket.socketpair())
    for end in made:
        end.settimeout(10)
    yield made[0], made[2], made[1], made[3]
    for end in made:
        end.close()


def environ(ends: Ends, **more: str) -> dict[str, str]:
    numbers = str(ends[2].fileno()), str(ends[3].fileno())
    return {"UWSGI_EMPEROR_FD_CONFIG": numbers[0], "UWSGI_EMPEROR_FD": numbers[1], **more}


def test_a_config_is_a_packet_of_modifier_115() -> None:
    assert packet(b"[uwsgi]\n") == b"\x73\x08\x00\x00[uwsgi]\n"
    assert len(packet(b"x" * 65535)) == 65539


def test_a_config_that_does_not_fit_is_not_sent() -> None:
    with pytest.raises(ConfigError, match="65536 bytes"):
        packet(b"x" * 65536)


def test_a_config_arrives_and_the_socket_stays(ends: Ends) -> None:
    for config in (b"one", b"", b"x" * 50_000):
        ends[0].sendall(packet(config))
        assert receive(environ(ends)) == config


def test_a_reload_asks_again_and_takes_no_old_copy(ends: Ends) -> None:
    ends[0].sendall(packet(b"stale"))
    import threading

    def emperor() -> None:
        assert ends[1].recv(1) == b"\x02"
        ends[0].sendall(packet(b"fresh"))

    thread = threading.Thread(target=emperor)
    thread.start()
    assert receive(environ(ends, UWSGI_RELOADS="1")) == b"fresh"
    thread.join()


def test_what_is_no_config_is_an_error(ends: Ends, monkeypatch: pytest.MonkeyPatch) -> None:
    ends[0].sendall(b"\x00\x01\x00\x00x")
    with pytest.raises(ConfigError, match="invalid configuration"):
        receive(environ(ends))
    monkeypatch.setattr(imperial_config, "PATIENCE", 0.05)
    ends[2].recv(1)
    with pytest.raises(ConfigError, match="sent no configuration"):
        receive(environ(ends))
    ends[0].close()
    with pytest.raises(ConfigError, match="sent no configuration"):
        receive(environ(ends))


def test_without_an_emperor_there_is_nobody_to_ask() -> None:
    with pytest.raises(ConfigError, match="works in a vassal only"):
        receive({})
