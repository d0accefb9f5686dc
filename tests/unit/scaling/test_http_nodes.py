import os
import socket

import pytest

from refuwsgi.options import OptionError, config_of
from refuwsgi.scaling import http_nodes
from refuwsgi.scaling.http_nodes import Nodes


def addresses(nodes: Nodes, now: float = 0.0) -> list[str]:
    return [each.address for each in nodes.targets(now)]


def test_nodes_take_turns() -> None:
    nodes = Nodes(["127.0.0.1:1", "127.0.0.1:2"])
    first = [next(nodes.targets(0.0)).address for _ in range(4)]
    assert first == ["127.0.0.1:1", "127.0.0.1:2"] * 2


def test_a_request_tries_four_at_most_then_the_fallback() -> None:
    nodes = Nodes([f"127.0.0.1:{n}" for n in range(1, 7)], ["127.0.0.1:9"])
    assert addresses(nodes) == [*(f"127.0.0.1:{n}" for n in range(1, 5)), "127.0.0.1:9"]


def test_a_node_that_failed_is_left_out_for_the_gracetime() -> None:
    nodes = Nodes(["127.0.0.1:1", "127.0.0.1:2"], gracetime=30.0)
    assert nodes.failed(nodes.main[0], 100.0)
    assert set(addresses(nodes, 129.0)) == {"127.0.0.1:2"}
    assert "127.0.0.1:1" in addresses(nodes, 131.0)


def test_without_a_living_node_there_is_the_fallback() -> None:
    nodes = Nodes(["127.0.0.1:1"], ["127.0.0.1:9"])
    nodes.failed(nodes.main[0], 100.0)
    found = list(nodes.targets(101.0))
    assert [each.address for each in found] == ["127.0.0.1:9"]
    assert not nodes.failed(found[0], 101.0)


def test_our_own_workers_are_never_left_out() -> None:
    nodes = Nodes(["@link"], fixed=True)
    assert not nodes.failed(nodes.main[0], 1.0)
    assert addresses(nodes, 1.0) == ["@link"]


def test_paths_mean_the_same_after_a_change_of_directory() -> None:
    node = Nodes(["node.sock"]).main[0]
    assert node.names == (os.path.abspath("node.sock"),)
    assert node.family == socket.AF_UNIX


@pytest.mark.parametrize("wrong", ["", "name:", "127.0.0.1:99999", "no-such-host.invalid:80"])
def test_what_is_no_node(wrong: str) -> None:
    with pytest.raises(OptionError):
        Nodes([wrong])


def test_names_are_resolved() -> None:
    assert ("127.0.0.1", 80) in Nodes(["127.0.0.1:80"]).main[0].names


def test_configured() -> None:
    own, link = ["127.0.0.1:1", "@link"], "@link"
    found = http_nodes.configured(config_of(http=":0"), own, link)
    assert [each.address for each in found.main] == ["@link"]
    found = http_nodes.configured(config_of(http=":0", http_use_socket="0"), own, link)
    assert [each.address for each in found.main] == ["127.0.0.1:1"]
    found = http_nodes.configured(config_of(http=":0", http_to=["a.sock", "b.sock"]), [], None)
    assert [each.address for each in found.main] == ["a.sock", "b.sock"]
    with pytest.raises(OptionError, match="socket of this instance"):
        http_nodes.configured(config_of(http=":0", http_use_socket="7"), own, link)
