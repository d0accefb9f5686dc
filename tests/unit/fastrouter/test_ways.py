from pathlib import Path
from typing import NamedTuple

import pytest

from refuwsgi.fastrouter import static_nodes, way1_use_base, way2_use_pattern
from refuwsgi.fastrouter import way3_use_cache as way3
from refuwsgi.fastrouter import way5_use_code_string as way5
from refuwsgi.gateway_rules import Asked
from refuwsgi.nodes import Node
from refuwsgi.options import OptionError, config_of

HOSTILE = [b"", b"../x", b".", b".hidden", b"a/b", b"a\0b", b"k" * 256]


def test_way_1_puts_the_key_behind_the_directory() -> None:
    way = way1_use_base.configured(config_of(fastrouter_use_base="/tmp/sockets/"))
    assert way is not None
    assert way.node_for(b"example.com") == Node("/tmp/sockets/example.com")


def test_way_1_adds_no_slash() -> None:
    assert way1_use_base.UseBase("/tmp/s").node_for(b"x") == Node("/tmp/sx")


@pytest.mark.parametrize("key", HOSTILE)
def test_a_hostile_key_has_no_node(key: bytes) -> None:
    assert way1_use_base.UseBase("/tmp/").node_for(key) is None
    assert way2_use_pattern.UsePattern("/tmp/%s").node_for(key) is None


@pytest.mark.parametrize(
    ("pattern", "key", "node"),
    [
        ("/tmp/%s/uwsgi.sock", b"example.com", "/tmp/example.com/uwsgi.sock"),
        ("127.0.0.1:%s", b"3031", "127.0.0.1:3031"),
        ("/%s/%s", b"a", "/a/a"),
        ("/%%s/%s", b"a", "/%s/a"),
        ("/%%%s", b"a", "/%a"),
        ("/%x%s%", b"a", "/a"),
        ("/%s", b"%s", "/%s"),
        ("/x", b"a", "/x"),
        ("/%s,5", b"a", "/a,5"),
    ],
)
def test_way_2_fills_the_pattern_once(pattern: str, key: bytes, node: str) -> None:
    assert way2_use_pattern.UsePattern(pattern).node_for(key) == Node(node)


class Item(NamedTuple):
    value: bytes
    hits: int


class Cache:
    def __init__(self, **items: bytes) -> None:
        self.items = items
        self.hits = 0

    def look_up(self, key: bytes) -> Item | None:
        value = self.items.get(key.decode())
        self.hits += 1
        return None if value is None else Item(value, self.hits)


def test_way_3_takes_the_choices_in_turn() -> None:
    way = way3.UseCache(Cache(a=b"127.0.0.1:1|127.0.0.1:2,7"))
    found = [way.node_for(b"a") for _ in range(3)]
    assert found == [Node("127.0.0.1:2", 7), Node("127.0.0.1:1"), Node("127.0.0.1:2", 7)]


def test_way_3_has_no_node_for_what_is_not_cached_or_no_address() -> None:
    way = way3.UseCache(Cache(empty=b"", bad=b"127.0.0.1:x"))
    assert [way.node_for(key) for key in (b"unknown", b"empty", b"bad")] == [None] * 3


def test_way_3_takes_the_first_cache_or_the_one_that_is_named() -> None:
    caches = {"one": Cache(k=b"/one"), "two": Cache(k=b"/two")}
    first = way3.configured(config_of(fastrouter_use_cache=""), caches)
    second = way3.configured(config_of(fastrouter_use_cache="two"), caches)
    assert first is not None
    assert second is not None
    assert (first.node_for(b"k"), second.node_for(b"k")) == (Node("/one"), Node("/two"))


def test_way_3_needs_a_cache() -> None:
    with pytest.raises(OptionError, match="you need to create a uwsgi cache"):
        way3.configured(config_of(fastrouter_use_cache=""), {})
    with pytest.raises(OptionError, match="one"):
        way3.configured(config_of(fastrouter_use_cache="three"), {"one": Cache()})


def mapper(path: Path, text: str) -> way5.UseCodeString:
    (path / "mapper.py").write_text(text)
    return way5.UseCodeString(str(path / "mapper.py"), "get")


def test_way_5_passes_text_and_keeps_the_state_of_the_script(tmp_path: Path) -> None:
    way = mapper(tmp_path, "n = [0]\ndef get(key):\n    n[0] += 1\n    return f'/{key}{n[0]},5'\n")
    assert [way.node_for(b"k"), way.node_for(b"k")] == [Node("/k1", 5), Node("/k2", 5)]


@pytest.mark.parametrize("answer", ["None", "5", "''", "b''", "['/x']"])
def test_way_5_has_no_node_for_what_is_no_text(tmp_path: Path, answer: str) -> None:
    assert mapper(tmp_path, f"def get(key): return {answer}\n").node_for(b"k") is None


def test_way_5_takes_bytes(tmp_path: Path) -> None:
    assert mapper(tmp_path, "def get(key): return b'/x'\n").node_for(b"k") == Node("/x")


def test_way_5_tries_a_broken_script_again(tmp_path: Path) -> None:
    way = mapper(tmp_path, "def get(key): return 1 +\n")
    with pytest.raises(SyntaxError):
        way.node_for(b"k")
    (tmp_path / "mapper.py").write_text("def get(key): return '/mended'\n")
    assert way.node_for(b"k") == Node("/mended")


def test_way_5_does_not_let_a_script_end_the_router(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="exit"):
        mapper(tmp_path, "import sys\ndef get(key): sys.exit(3)\n").node_for(b"k")


@pytest.mark.parametrize("value", ["0", "0:mapper.py", "mapper.py:get", "5:m.py:get", "::"])
def test_way_5_says_what_its_value_should_be(value: str) -> None:
    with pytest.raises(OptionError, match="fastrouter-use-code-string"):
        way5.configured(config_of(fastrouter_use_code_string=value))


ASKED = Asked(b"example.com")


def test_static_nodes_take_turns() -> None:
    to = static_nodes.To(["/a", "/b"], 30, lambda line: None)
    found = [to.choose(ASKED, 1.0) for _ in range(3)]
    assert [node.address for node in found if node] == ["/a", "/b", "/a"]


def test_a_static_node_that_failed_is_left_out_for_the_gracetime() -> None:
    lines: list[str] = []
    to = static_nodes.To(["/a", "/b"], 30, lines.append)
    to.failed(to.nodes[0], ASKED, 100.0)
    assert lines == ["[uwsgi-fastrouter] example.com => marking /a as failed"]
    assert to.choose(ASKED, 110.0) is to.nodes[1]
    assert to.choose(ASKED, 110.0) is to.nodes[1]
    to.failed(to.nodes[1], ASKED, 110.0)
    assert to.choose(ASKED, 120.0) is None
    assert to.choose(ASKED, 131.0) is to.nodes[0]


def test_the_own_socket_is_found_by_its_number() -> None:
    second = static_nodes.configured_use_socket(config_of(fastrouter_use_socket="1"), ["/a", "/b"])
    third = static_nodes.configured_use_socket(config_of(fastrouter_use_socket="2"), ["/a", "/b"])
    assert second is not None
    assert third is not None
    assert second.node_for(b"k") == Node("/b")
    assert third.node_for(b"k") is None
