"""Way 3: the cache."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance.fastrouter.talk import ROUTER, TALLY, dead, names, node
from tests.conformance.harness import (
    Backend,
    Starter,
    Subject,
    covers,
    eventually,
)

FOOBAR = """
import uwsgi
# Requests for example.com on port 8000 will go to 127.0.0.1:4040
uwsgi.cache_set("example.com:8000", "{plain}")
# Requests for unbit.it will go to 127.0.0.1:4040 with the modifier1 set to 5 (perl/PSGI)
uwsgi.cache_set("unbit.it", "{plain},5")
uwsgi.cache_set("turns", "{plain}|{other},7")
uwsgi.cache_set("empty", "")
uwsgi.cache_set("half", "{dead}|{plain}")
"""


@pytest.fixture(scope="module")
def cached(start_module: Starter) -> Iterator[tuple[Subject, Backend, Backend]]:
    """The document's setup: a script fills the cache, the router asks it."""
    with node("plain") as plain, node("other") as other:
        script = FOOBAR.format(plain=plain.address, other=other.address, dead=dead())
        subject = start_module(
            "",
            *["-M", "--fastrouter", "127.0.0.1:PORT", "--fastrouter-use-cache", "--cache", "100"],
            *["--file", "foobar.py"],
            files={"foobar.py": script},
            until=ROUTER,
        )
        yield subject, plain, other


@covers("FR-40", "FR-41", "FR-42", "FR-43")
def test_way_3_asks_the_cache(cached: tuple[Subject, Backend, Backend]) -> None:
    """The document's script and command as printed: the key with its port is another key."""
    subject, plain, _ = cached
    eventually(lambda: names(subject.port, 1, "example.com:8000") == ["plain"])
    assert names(subject.port, 1, "example.com") == [""]
    plain.seen.clear()
    assert names(subject.port, 1, "unbit.it") == ["plain"]
    received = plain.wait_seen().packet
    assert received is not None
    assert received.modifier1 == 5


@covers("FR-40")
def test_way_3_takes_several_nodes_in_turn(cached: tuple[Subject, Backend, Backend]) -> None:
    """Entries joined by | alternate; each has its own modifier."""
    subject, plain, other = cached
    eventually(lambda: names(subject.port, 1, "example.com:8000") == ["plain"])
    plain.seen.clear()
    other.seen.clear()
    found = names(subject.port, 4, "turns")
    assert found in (["plain", "other"] * 2, ["other", "plain"] * 2)
    modifiers = [each.packet.modifier1 for each in other.seen if each.packet]
    assert modifiers == [7, 7]
    assert [each.packet.modifier1 for each in plain.seen if each.packet] == [0, 0]


@covers("FR-47")
def test_way_3_without_a_usable_value_closes(cached: tuple[Subject, Backend, Backend]) -> None:
    """A key that is missing or empty; one of whose two nodes is dead reaches the other."""
    subject, _, _ = cached
    eventually(lambda: names(subject.port, 1, "example.com:8000") == ["plain"])
    assert names(subject.port, 1, "missing") == [""]
    assert names(subject.port, 1, "empty") == [""]
    assert names(subject.port, 3, "half") == ["plain"] * 3
    assert "unable to connect() to node" in subject.log


APP = """
import uwsgi
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    name, _, value = environ["QUERY_STRING"].partition("=")
    if value:
        uwsgi.cache_update(name, value)
    else:
        uwsgi.cache_del(name)
    return [b"done"]
"""


@covers("FR-44")
def test_what_a_worker_stores_counts_for_the_next_request(start: Starter) -> None:
    """The cache is shared: update and delete are seen by the router at once."""
    with node("one") as one, node("two") as two:
        subject = start(
            "master = true\nhttp-socket = 127.0.0.1:PORT1\nfastrouter = 127.0.0.1:PORT\n"
            "fastrouter-use-cache = true\ncache2 = name=true,items=100\nwsgi-file = app.py\n",
            files={"app.py": APP},
            until=r"spawned uWSGI worker 1 \(",
        )
        from tests.conformance.harness import get

        app = subject.ports["PORT1"]
        for n, name in ((one, "one"), (two, "two")):
            assert get(app, f"/?k={n.address}").body == b"done"
            assert names(subject.port, 1, "k") == [name]
        assert get(app, "/?k").body == b"done"
        assert names(subject.port, 1, "k") == [""]


@covers("FR-45")
def test_way_3_without_a_cache_ends_the_start(start: Starter) -> None:
    """No cache: exit 1, and a line says what to add."""
    run = start.run(TALLY, "--fastrouter-use-cache")
    assert run.code == 1
    assert "you need to create a uwsgi cache to use the uWSGI fastrouter" in run.log


@covers("FR-46", kind="beyond")
def test_way_3_with_an_unknown_name_ends_the_start(start: Starter) -> None:
    """A name that no cache has: exit 1."""
    run = start.run(TALLY + "cache2 = name=one,items=10\nfastrouter-use-cache = two\n")
    assert run.code == 1


@covers("FR-48")
def test_the_cache_as_scripts_see_it(start: Starter) -> None:
    """cache_set does not replace, cache_update does; a missing key is None."""
    script = """
import os, uwsgi
found = [
    bool(uwsgi.cache_set("k", "1")), bool(uwsgi.cache_set("k", "2")), uwsgi.cache_get("k"),
    bool(uwsgi.cache_update("k", "3")), uwsgi.cache_get("k"), bool(uwsgi.cache_exists("k")),
    bool(uwsgi.cache_del("k")), uwsgi.cache_get("k"), bool(uwsgi.cache_set("b" * 2048, b"x")),
]
with open("found", "w") as file:
    file.write(repr(found))
os.rename("found", "found.txt")
"""
    subject = start(TALLY + "cache = 100\nfile = s.py\n", files={"s.py": script}, until=ROUTER)
    result = Path(subject.path("found.txt"))
    eventually(result.exists)
    assert result.read_text() == repr([True, False, b"1", True, b"3", True, True, None, True])
