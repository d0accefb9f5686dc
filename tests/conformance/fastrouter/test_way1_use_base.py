"""Way 1: a directory of sockets."""

from pathlib import Path

import pytest

from tests.conformance.fastrouter.talk import ROUTER, TALLY, names, node
from tests.conformance.harness import (
    Starter,
    Subject,
    covers,
)


def router(start: Starter, ini: str, directory: Path, until: str = ROUTER) -> Subject:
    """Start a router in a directory that is there already."""
    subject = start.launch(TALLY + ini, directory=directory, tracebacks=True)
    subject.wait_for(until)
    subject.wait_listening(subject.port)
    return subject


@covers("FR-30")
def test_way_1_is_directory_and_key(start: Starter) -> None:
    """`/tmp/sockets/` and `example.com` make `/tmp/sockets/example.com`."""
    directory = start.directory({"sockets/.keep": "", "sockets.com/.keep": ""})
    with node("N", str(directory / "sockets/example.com")):
        subject = router(start, "fastrouter-use-base = DIR/sockets/\n", directory)
        assert names(subject.port, 2) == ["N", "N"]


@covers("FR-30")
def test_way_1_adds_no_slash(start: Starter) -> None:
    """A base without a closing slash is the beginning of file names."""
    directory = start.directory()
    with node("N", str(directory / "socketsexample.com")):
        subject = router(start, "fastrouter-use-base = DIR/sockets\n", directory)
        assert names(subject.port, 1) == ["N"]


@covers("FR-31")
def test_way_1_looks_again_for_each_request(start: Starter) -> None:
    """No such socket: closed at once; when it is there, the next request is served."""
    directory = start.directory()
    subject = router(start, "fastrouter-use-base = DIR/\n", directory)
    assert names(subject.port, 2) == ["", ""]
    with node("N", str(directory / "example.com")):
        assert names(subject.port, 1) == ["N"]
    assert names(subject.port, 1) == [""]


@covers("FR-32", kind="beyond")
@pytest.mark.parametrize("key", ["../outside", "deep/inside", ".hidden", "in\0side"])
def test_a_hostile_key_has_no_node(start: Starter, key: str) -> None:
    """A key cannot leave the directory, or name what is hidden in it."""
    directory = start.directory({"base/deep/.keep": ""})
    places = ["outside", "base/deep/inside", "base/.hidden", "base/in"]
    backends = [node("N", str(directory / place)) for place in places]
    try:
        one = router(start, "fastrouter-use-base = DIR/base/\n", directory)
        assert names(one.port, 1, key) == [""]
        two = start(TALLY + f"fastrouter-use-pattern = {directory}/base/%%s\n", until=ROUTER)
        assert names(two.port, 1, key) == [""]
    finally:
        for backend in backends:
            backend.close()
