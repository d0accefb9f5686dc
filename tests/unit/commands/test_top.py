"""refuwsgi top and refuwsgi ask: what they show, and what they say of mistakes."""

import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from refuwsgi.commands import ask, top
from refuwsgi.commands.top_tables import size, tables_of, text_of
from refuwsgi.options import OptionError

CORE = {"in_request": 1, "offloaded_requests": 2, "static_requests": 3}
WORKER = {
    "id": 1, "pid": 77, "status": "busy", "requests": 100, "avg_rt": 1500, "exceptions": 0,
    "tx": 5 << 20, "rss": 2048, "respawn_count": 1, "cores": [CORE, {**CORE, "in_request": 0}],
}  # fmt: skip
INSTANCE: dict[str, Any] = {
    "time": 1000.0, "pid": 7, "listen_queue": 4, "workers": [WORKER],
    "sockets": [{"name": ":8000", "proto": "http", "queue": 4, "max_queue": 100}],
}  # fmt: skip
NODE = {
    "name": "127.0.0.1:1", "requests": 5, "ref": 1, "load": 0, "weight": 2, "failcnt": 3,
    "last_check": 990, "death_mark": 1,
}  # fmt: skip
ROUTER: dict[str, Any] = {
    "time": 1000.0, "pid": 8, "active_sessions": 2, "cheap": 1, "fastrouter": ["127.0.0.1:9"],
    "static_nodes": [{"name": "a.sock", "hits": 6, "grace": 0}],
    "subscriptions": [{"key": "x.org", "nodes": [NODE]}],
}  # fmt: skip
VASSAL = {"id": "a.ini", "pid": -1, "state": "sleeping", "on_demand": "a.sock", "respawns": 0}
EMPEROR: dict[str, Any] = {
    "time": 1000.0, "pid": 9, "emperor": ["/etc/vassals"], "vassals": [VASSAL],
    "blacklist": [{"id": "b.ini", "attempt": 2, "throttle_level": 3000000}],
}  # fmt: skip


@pytest.mark.parametrize(
    ("stats", "parts"),
    [
        (INSTANCE, ["listen queue 4", "busy    1/2", "1.5", "5M", "2k", ":8000", "4/100"]),
        (ROUTER, ["2 sessions, cheap", "a.sock  ready", "x.org 127.0.0.1:1  dying", "10"]),
        (EMPEROR, ["emperor of /etc/vassals", "a.ini   -1  sleeping  a.sock", "b.ini"]),
        ({"time": 1000.0}, ["pid ?"]),
    ],
)
def test_tables_show_what_there_is(stats: dict[str, Any], parts: list[str]) -> None:
    text = text_of(stats, tables_of(stats, {}))
    for part in parts:
        assert part in text, text


def test_a_rate_is_what_came_since_the_last_look() -> None:
    later = {**INSTANCE, "time": 1004.0, "workers": [{**WORKER, "requests": 110}]}
    assert tables_of(later, INSTANCE)["workers"][0]["rate"] == 2.5
    assert tables_of(INSTANCE, INSTANCE)["workers"][0]["rate"] == 0.0


def test_a_vassal_shows_when_it_was_started_last() -> None:
    told = {"time": 1.0, "vassals": [{**VASSAL, "last_run": 100}, VASSAL]}
    started, never = tables_of(told, {})["vassals"]
    assert started["last start"].count(":") == 2
    assert never["last start"] == "-"


def test_sizes_are_short() -> None:
    assert [size(n) for n in (5, 2048, 3 << 20, 4 << 30)] == ["5", "2k", "3M", "4G"]


@contextlib.contextmanager
def server(answer: bytes, asked: bool = False) -> Iterator[str]:
    """Somebody who answers one client, after it has asked or at once."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            client, _ = listener.accept()
            with client:
                if asked:
                    assert client.recv(1000).startswith(b"GET / ")
                client.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        thread.join(20)


STATS = json.dumps({key: value for key, value in INSTANCE.items() if key != "time"}).encode()
HTTP = b"HTTP/1.0 200 OK\r\n\r\n" + STATS


@pytest.mark.parametrize(
    ("answer", "asked", "scheme"), [(STATS, False, ""), (HTTP, True, ""), (HTTP, True, "http://")]
)
def test_stats_are_read_with_and_without_http(
    answer: bytes, asked: bool, scheme: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with server(answer, asked) as address:
        assert top.main([f"{scheme}{address}", "--once"]) == 0
    assert "busy" in capsys.readouterr().out


def test_json_is_one_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    with server(STATS) as address:
        assert top.main([address, "--once", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["workers"][0]["requests"] == 100


@pytest.mark.parametrize("answer", [b"hello", b"[1]", b""])
def test_what_is_no_stats_is_said(answer: bytes) -> None:
    with server(answer) as address, pytest.raises(OptionError, match="these are no stats"):
        top.main([address, "--once"])


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["nothere.sock", "--once"], "nothere.sock: No such file or directory"),
        (["=0"], "expected host:port, a path or @name"),
        (["a:b"], "expected the number of a port"),
        ([], "the following arguments are required: address"),
    ],
)
def test_mistakes_are_one_line(words: list[str], part: str) -> None:
    with pytest.raises(OptionError, match=part):
        top.main(words)


def test_an_answer_is_printed_as_it_came(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    with server(b"HTTP/1.0 200 OK\r\n\r\n\xff\xfe", asked=True) as address:
        assert ask.main([f"http://{address}"]) == 0
    assert capfdbinary.readouterr().out.endswith(b"\r\n\r\n\xff\xfe")


def test_no_answer_has_status_1(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with server(b"", asked=True) as address:
        assert ask.main([f"http://{address}/"]) == 1
    assert ask.main([str(tmp_path / "a.sock")]) == 1
    assert ask.main(["@refuwsgi-nobody-listens-here"]) == 1
    lines = capfd.readouterr().err.splitlines()
    assert lines[0] == "closed without a byte"
    assert lines[1].endswith("a.sock: No such file or directory")
    assert lines[2].endswith("Connection refused")


def test_words_become_a_request() -> None:
    asked = ask.asked_of(["a.sock", "/p?q=1", "--host", "x.org", "--var", "A=b=c", "--size", "3"])
    assert (asked.path, asked.host, asked.body) == ("/p?q=1", "x.org", b"xxx")
    head = asked.head()
    for part in (b"\x03\x00q=1", b"/p\x0c\x00QUERY_STRING", b"A\x03\x00b=c", b"POST"):
        assert part in head
    over_http = ask.asked_of(["http://127.0.0.1:80/a", "--data", "hi"])
    assert over_http.head().startswith(b"POST /a HTTP/1.0\r\nHost: 127.0.0.1:80\r\n")


def test_vars_that_fit_no_packet_are_refused(tmp_path: Path) -> None:
    with server(b"") as address, pytest.raises(OptionError, match="a var of 70000 bytes"):
        ask.main([address, "--host", "x" * 70000])
