import json
import socket
import threading
import time
from typing import Any

import pytest

from refuwsgi.commands import route
from refuwsgi.commands.route import Request
from tests.conformance.harness import covers


def told(found: dict[str, Any], **more: str) -> tuple[list[str], str]:
    return route.route(Request("k", **more), found)


def node(name: str, **more: Any) -> dict[str, Any]:
    fields = {"weight": 1, "wrr": 0, "ref": 0, "last_requests": 0, "death_mark": 0, "backup": 0}
    return {"name": name, **fields, **more}


def table(*nodes: dict[str, Any], algorithm: str = "wrr") -> dict[str, Any]:
    slot = {"key": "k", "hits": 3, "algorithm": algorithm, "nodes": list(nodes)}
    return {"subscriptions": [slot]}


@covers("FR-B3", kind="beyond")
def test_it_names_the_node_that_is_next() -> None:
    lines, name = told(table(node("/a"), node("/b")))
    assert name == "/b"
    assert lines[0] == "k: 3 hits, 2 of 2 nodes live"
    assert lines[-1].startswith("next: /b (wrr: ")
    assert told(table(node("/a", wrr=1), node("/b")))[1] == "/a"


def test_a_dead_node_is_shown_and_not_named() -> None:
    lines, name = told(table(node("/a"), node("/b", death_mark=1)))
    assert name == "/a"
    assert "/b  weight 1, dead" in lines[2]
    assert told(table(node("/b", death_mark=1)))[1] == ""


def test_the_algorithm_of_the_slot_decides() -> None:
    busy = table(node("/a"), node("/b", ref=2), algorithm="lrc")
    assert told(busy)[1] == "/a"
    by_weight = table(node("/a", ref=2), node("/b", ref=3, weight=9), algorithm="wlrc")
    assert told(by_weight)[1] == "/b"
    by_address = table(node("/a"), node("/b"), algorithm="iphash")
    assert "depends" in told(by_address)[0][-1]
    assert {told(by_address, client=f"10.0.0.{n}")[1] for n in range(20)} == {"/a", "/b"}
    assert "iphash: " in told(by_address, client="10.0.0.1")[0][-1]


@pytest.mark.parametrize("algorithm", ["wrr", "lrc", "wlrc", "iphash"])
def test_a_backup_waits_for_the_others(algorithm: str) -> None:
    spare, other = node("/spare", backup=1), node("/a", ref=7)
    lines, name = told(table(spare, other, algorithm=algorithm), client="10.0.0.1")
    assert name == "/a"
    assert lines[-1].endswith("among the lowest backup level)")
    assert told(table(spare, node("/a", death_mark=1), algorithm=algorithm))[1] == "/spare"


def with_way(found: dict[str, Any], **way: Any) -> dict[str, Any]:
    return {**found, "way": {"name": "subscriptions", "tolerance": 17.0, **way}}


def test_a_node_that_fell_silent_is_not_named() -> None:
    old, young = int(time.time()) - 100, int(time.time())
    found = with_way(table(node("/a", last_check=young), node("/b", last_check=old)))
    lines, name = told(found)
    assert name == "/a"
    assert "has not announced itself in time" in lines[2]


def test_other_keys_are_looked_up_when_there_is_none() -> None:
    slots = [
        {**table(node("/n"))["subscriptions"][0], "key": key} for key in (".b.c", "all", "h/x")
    ]
    found = {"subscriptions": slots}
    lines, name = route.route(Request("a.b.c"), with_way(found, dotsplit=1))
    assert (name, lines[0]) == ("/n", "nobody has subscribed to a.b.c")
    lines, name = route.route(Request("a.b.c"), with_way(found, fallback_key="all"))
    assert (name, lines[1].split()[0]) == ("/n", "all:")
    lines, name = route.route(Request("h", path="/x/y"), with_way(found, mountpoints=2))
    assert (name, lines[0]) == ("/n", "nobody has subscribed to h/x/y (subscription-mountpoints)")
    lines, name = route.route(Request("a.b"), with_way(found, dotsplit=1, fallback=["/f"]))
    assert name == ""
    assert lines[-1] == "if no node takes the connection: /f"


def test_an_unknown_key_shows_what_there_is() -> None:
    assert route.route(Request("x"), table(node("/a"))) == (
        ["nobody has subscribed to x; there is k"],
        "",
    )


def test_a_router_without_a_table() -> None:
    assert told({"static_nodes": [{"name": "/a"}]}) == (["every key goes to /a in turn"], "")
    assert "its way is asked" in told({})[0][0]


def test_static_nodes_are_taken_in_turn_but_for_those_in_grace() -> None:
    now = int(time.time())
    nodes = [{"name": "/a", "grace": 0}, {"name": "/b", "grace": now}]
    found = {"static_nodes": nodes, "way": {"name": "to", "gracetime": 30, "turn": 1}}
    lines, name = told(found)
    assert name == "/a"
    assert lines[1].startswith("  /b  did not take a connection, left out for ")
    nodes[0]["grace"] = now
    assert told(found)[0][-1] == "next: none"


@pytest.mark.parametrize(
    ("way", "node_", "words"),
    [
        ({"name": "base", "base": "/tmp/s/"}, "/tmp/s/k", "base: the key behind /tmp/s/"),
        ({"name": "pattern", "pattern": "/no/%s.s"}, "/no/k.s", "which is not there"),
        ({"name": "pattern", "pattern": "127.0.0.1:%s"}, "127.0.0.1:k", "pattern: the key in"),
        ({"name": "socket", "socket": "/s"}, "/s", "the instance itself"),
        ({"name": "socket", "socket": ""}, "", "no socket of that number"),
        ({"name": "cache", "cache": ""}, "", "asks its first cache for k"),
        ({"name": "cache", "cache": "c"}, "", "asks its cache c for k"),
        ({"name": "code", "code": "0:a.py:f"}, "", "calls 0:a.py:f with k"),
    ],
)
def test_every_way_is_followed_as_far_as_it_can_be(
    way: dict[str, str], node_: str, words: str
) -> None:
    lines, name = told({"way": way})
    assert name == node_
    assert words in lines[-1]


@pytest.mark.parametrize("way", [{"name": "base", "base": "/"}, {"name": "pattern", "pattern": ""}])
def test_a_hostile_key_has_no_node(way: dict[str, str]) -> None:
    assert "next: none" in route.route(Request("../x"), {"way": way})[0][0]


def test_a_stats_server_that_speaks_http_is_asked(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            client, _ = listener.accept()
            with client:
                client.recv(1000)
                client.sendall(b"HTTP/1.0 200 OK\r\n\r\n" + json.dumps(table(node("/a"))).encode())

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        assert route.main(["k", "--stats", address, "--client", "10.0.0.1"]) == 0
        thread.join(20)
    assert "next: /a" in capsys.readouterr().out


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
    assert route.main(["k", "--bogus", "x"]) == 1
    assert route.main(["k", "--stats", "/nowhere/at/all"]) == 1
    assert "Usage" in capsys.readouterr().out
