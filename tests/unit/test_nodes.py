"""Nodes: the texts that name them."""

import pytest

from refuwsgi.address import Address
from refuwsgi.nodes import Node


@pytest.mark.parametrize(
    ("value", "node"),
    [
        (b"127.0.0.1:3031", Node("127.0.0.1:3031")),
        (b"127.0.0.1:3031,5", Node("127.0.0.1:3031", 5)),
        (b"/run/app.sock,255", Node("/run/app.sock", 255)),
        (b"@name", Node("@name")),
        (b":3031", Node(":3031")),
    ],
)
def test_a_node_is_read(value: bytes, node: Node) -> None:
    assert Node.parse(value) == node


@pytest.mark.parametrize(
    "value",
    [b"", b",5", b"a:b", b"127.0.0.1:99999", b"a:1,x", b"a:1,256", b"a:1,", b"=0", b"fd://3"],
)
def test_what_names_no_node_is_none(value: bytes) -> None:
    assert Node.parse(value) is None


def test_a_path_is_the_bytes_that_were_announced() -> None:
    found = Node.parse("/run/caf\u00e9.sock".encode())
    assert found is not None
    assert found.place() == Address("unix", path="/run/caf\u00e9.sock")
