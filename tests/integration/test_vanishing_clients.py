"""Clients that go in the middle of their transfers leave nothing behind in the server."""

from tests.bench import vanishing
from tests.conformance.harness import WORKER, Starter, descriptors, eventually, get

CLIENTS = 240  # python -m tests.bench.vanishing has thousands


def test_descriptors_come_back(start: Starter) -> None:
    """Files, relays and cached objects, given up at random points."""
    subject = start("", *vanishing.options("127.0.0.1:PORT"), files=vanishing.FILES, until=WORKER)
    assert get(subject.port, "/").text == "hello"
    before = descriptors(subject.pid)
    vanishing.many(("127.0.0.1", subject.port), CLIENTS, seed=5)
    eventually(lambda: descriptors(subject.pid) <= before, "all descriptors given back")
    assert len(get(subject.port, "/large").body) == vanishing.LARGE
    assert len(get(subject.port, "/relayed").body) == vanishing.LARGE
    assert get(subject.port, "/kept").body == b"x" * 1_000_000
