"""Mapping files: many keys."""

import os
from collections.abc import Iterator

import pytest

from tests.conformance.fastrouter.announced import Box, instance
from tests.conformance.harness import (
    Starter,
    covers,
    eventually,
)


@pytest.fixture
def box() -> Iterator[Box]:
    """A server on UDP."""
    made = Box()
    yield made
    made.sock.close()


@covers("FR-96")
def test_a_mapping_file(start: Starter, box: Box) -> None:
    """The document's file: a key on each line, comments passed over."""
    text = "# mappings.txt\nunbit.it\nunbit.it:8000,5\n\nuwsgi.it\nprojects.unbit.it"
    instance(start, f"subscribe-to = {box.server}:@mappings.txt\n", {"mappings.txt": text})
    assert box.keys(4) == {
        "unbit.it": "0", "unbit.it:8000": "5", "uwsgi.it": "0", "projects.unbit.it": "0",
    }  # fmt: skip


@covers("FR-96")
def test_a_mapping_file_is_read_each_time(start: Starter, box: Box) -> None:
    """A key that is added is announced, without a reload."""
    subject = instance(
        start, f"subscribe-to = {box.server}:@m.txt\nsubscribe-freq = 1\n", {"m.txt": "one\n"}
    )
    assert box.next().values["key"] == "one"
    with open(subject.path("m.new"), "w") as file:
        file.write("two\n")
    os.rename(subject.path("m.new"), subject.path("m.txt"))
    eventually(lambda: box.next().values["key"] == "two")


@covers("FR-96", kind="beyond")
def test_a_mapping_file_from_elsewhere(start: Starter, box: Box) -> None:
    """Blanks and carriage returns are not part of a key."""
    instance(start, f"subscribe-to = {box.server}:@m.txt\n", {"m.txt": " one ,5 \r\n  \r\ntwo\r\n"})
    assert box.keys(2) == {"one": "5", "two": "0"}
