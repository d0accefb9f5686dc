import json
import socket
import threading
from typing import Any

import pytest

from refuwsgi.commands import route
from tests.conformance.harness import covers


def node(name: str, **more: Any) -> dict[str, Any]:
    fields = {"weight": 1, "wrr": 0, "ref": 0, "last_requests": 0, "death_mark": 0, "backup": 0}
    return {"name": name, **fields, **more}


def table(*nodes: dict[str, Any], algorithm: str = "wrr") -> dict[str, Any]:
    slot = {"key": "k", "hits": 3, "algorithm": algorithm, "nodes": list(nodes)}
    return {"subscriptions": [slot]}


@covers("FR-B3", kind="beyond")
def test_it_names_the_node_that_is_next() -> None:
    lines, name = route.route("k", table(node("/a"), node("/b")))
    assert name == "/b"
    assert lines[0] == "k: 3 hits, 2 of 2 nodes live"
    assert lines[-1].startswith("next: /b (wrr: ")
    assert route.route("k", table(node("/a", wrr=1), node("/b")))[1] == "/a"


def test_a_dead_node_is_shown_and_not_named() -> None:
    lines, name = route.route("k", table(node("/a"), node("/b", death_mark=1)))
    assert name == "/a"
    assert "/b  weight 1, dead" in lines[2]
    assert route.route("k", table(node("/b", death_mark=1)))[1] == ""


def test_the_algorithm_of_the_slot_decides() -> None:
    busy = table(node("/a"), node("/b", ref=2), algorithm="lrc")
    assert route.route("k", busy)[1] == "/a"
    assert "depends" in route.route("k", table(node("/a"), algorithm="iphash"))[0][-1]


def test_an_unknown_key_shows_what_there_is() -> None:
    assert route.route("x", table(node("/a"))) == (["nobody has subscribed to x; there is k"], "")


def test_a_router_without_a_table() -> None:
    lines, _ = route.route("k", {"static_nodes": [{"name": "/a"}]})
    assert lines == ["every key goes to /a in turn"]
    assert "its way is asked" in route.route("k", {})[0][0]


def test_the_command_asks_a_stats_server(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            client, _ = listener.accept()
            with client:
                client.sendall(json.dumps(table(node("/a"))).encode())

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        assert route.main(["k", "--stats", address]) == 0
        thread.join(20)
    assert "next: /a" in capsys.readouterr().out


def test_mistakes_end_in_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert route.main([]) == 1
    assert route.main(["--help"]) == 0
    assert route.main(["k", "--stats", "/nowhere/at/all"]) == 1
    assert "Usage" in capsys.readouterr().out
