"""The cache: the calls of the uwsgi module, limits, expiry, stores."""

import ast
from typing import Any

import pytest

from tests.conformance.harness import (
    WORKER,
    Starter,
    Subject,
    covers,
    eventually,
    post,
    stats,
)

APP = """
import uwsgi
def application(environ, start_response):
    code = environ["wsgi.input"].read().decode()
    try:
        result = eval(code, {"u": uwsgi, "n": uwsgi.worker_id()})
    except Exception as error:
        result = type(error).__name__
    start_response("200 OK", [])
    return [repr(result).encode()]
"""
FILES: dict[str, str | bytes] = {"app.py": APP, "page.txt": "a page"}
SITE = "http-socket = 127.0.0.1:PORT\nstats = 127.0.0.1:PORT1\nmodule = app\n"


@pytest.fixture(scope="module")
def site(start_module: Starter) -> Subject:
    return start_module(
        SITE
        + """
processes = 2
cache2 = name=first,items=100
cache2 = name=second,items=4,blocksize=10
cache2 = name=lru,items=4,purge_lru=1
cache2 = name=bits,items=10,blocksize=100,blocks=50,bitmap=1
cache2 = name=lazy,items=10,lazy=1
add-cache-item = second k=v
add-cache-item = d=default
load-file-in-cache = page.txt
""",
        files=FILES,
        until=WORKER,
    )


def run(subject: Subject, code: str) -> Any:
    return ast.literal_eval(post(subject.port, "/", code.encode()).text)


@covers("OF-140", "OF-142", "OF-143", "OF-148", "OF-152")
@pytest.mark.parametrize(
    ("row", "code", "result"),
    [
        ("OF-140", "u.cache_get('nope')", None),
        ("OF-140", "[u.cache_set('a', b'1'), u.cache_get('a')]", [True, b"1"]),
        ("OF-140", "[u.cache_update('b', 'x'), u.cache_set('b', 'y'), u.cache_get(b'b')]", None),
        ("OF-140", "[u.cache_update('c', 'x'), u.cache_update('c', 'y'), u.cache_get('c')]", None),
        ("OF-140", "[u.cache_update('e', 'x'), u.cache_exists('e'), u.cache_del('e')]", None),
        ("OF-140", "[u.cache_del('nope'), u.cache_exists('nope')]", [None, None]),
        ("OF-140", "u.cache_set('t', 5)", "TypeError"),
        ("OF-140", "u.cache_set('t', bytearray(b'x'))", "TypeError"),
        ("OF-140", "[u.cache_inc('i', 5), u.cache_dec('i', 2), u.cache_num('i')]", [True, True, 3]),
        (
            "OF-140",
            "[u.cache_inc('m', 5), u.cache_mul('m', 3), u.cache_num('m')]",
            [True, True, 15],
        ),
        ("OF-140", "[u.cache_inc('v', 9), u.cache_div('v', 2), u.cache_num('v')]", [True, True, 4]),
        ("OF-140", "u.cache_num('nope')", 0),
        ("OF-140", "u.cache_keys('nowhere')", "ValueError"),
        ("OF-142", "u.cache_get('k', 'second')", b"v"),
        ("OF-142", "u.cache_get('k', 'nowhere')", None),
        ("OF-142", "u.cache_get('d', '')", b"default"),
        ("OF-143", "u.cache_set('big', b'x' * 65537)", None),
        ("OF-143", "u.cache_set('fits', b'x' * 65536)", True),
        ("OF-143", "u.cache_set('k' * 2049, b'x')", None),
        ("OF-143", "[u.cache_set('', b'x'), u.cache_set('empty', b'')]", [None, None]),
        ("OF-148", "u.cache_get('page.txt')", b"a page"),
        (
            "OF-152",
            "[u.cache_set('w', b'x' * 1000, 0, 'bits'), len(u.cache_get('w', 'bits'))]",
            None,
        ),
    ],
)
def test_calls(site: Subject, row: str, code: str, result: Any) -> None:
    wanted = {
        "'b'": [True, None, b"x"],
        "'c'": [True, True, b"y"],
        "'e'": [True, True, True],
        "'w'": [True, 1000],
    }
    if result is None and code.startswith("["):
        result = next(value for key, value in wanted.items() if key in code)
    assert run(site, code) == result


@covers("OF-140")
def test_keys_and_clear(start: Starter) -> None:
    subject = start(SITE + "cache2 = name=c,items=10\n", files=FILES, until=WORKER)
    run(subject, "[u.cache_set('a', 'x'), u.cache_set('b', 'y')]")
    assert sorted(run(subject, "u.cache_keys()")) == [b"a", b"b"]
    assert run(subject, "u.cache_clear()") is True
    assert run(subject, "[u.cache_keys(), u.cache_get('a')]") == [[], None]


@covers("OF-140")
def test_without_a_cache_every_call_is_none(start: Starter) -> None:
    subject = start(SITE, files=FILES, until=WORKER)
    assert run(subject, "[u.cache_get('a'), u.cache_set('a', 'b'), u.cache_exists('a')]") == [
        None,
        None,
        None,
    ]


@covers("OF-141")
def test_all_processes_share_it(site: Subject) -> None:
    """What one worker has set, both see."""
    run(site, "u.cache_update('shared', 'yes')")
    seen = set()

    def both() -> bool:
        number, value = run(site, "[n, u.cache_get('shared')]")
        assert value == b"yes"
        seen.add(number)
        return len(seen) == 2

    for _ in range(200):
        if both():
            break


@covers("OF-144")
def test_a_full_cache_refuses(start: Starter) -> None:
    """Updates of what is there still work."""
    subject = start(SITE + "cache2 = name=c,items=4\n", files=FILES, until=WORKER)
    results = run(subject, "[u.cache_set('k%d' % i, 'x') for i in range(6)]")
    assert results[:3] == [True] * 3
    assert results[-1] is None
    subject.wait_for(r'\*\*\* DANGER cache "c" is FULL !!! \*\*\*')
    assert run(subject, "u.cache_update('k0', 'new')") is True
    (cache,) = stats(subject.ports["PORT1"])["caches"]
    assert cache["full"] >= 1


@covers("OF-145")
def test_the_least_recently_used_goes(site: Subject) -> None:
    run(site, "[u.cache_update('k%d' % i, 'x', 0, 'lru') for i in range(3)]")
    assert run(site, "u.cache_get('k0', 'lru')") == b"x"
    assert run(site, "u.cache_set('new', 'x', 0, 'lru')") is True
    assert run(site, "[u.cache_get(k, 'lru') for k in ('k0', 'k1', 'new')]") == [b"x", None, b"x"]


@covers("OF-146")
def test_items_expire(start: Starter) -> None:
    """The sweeper of the master removes them; what does not expire stays."""
    subject = start(
        SITE + "cache2 = name=c,items=10\ncache-expire-freq = 1\n", files=FILES, until=WORKER
    )
    subject.wait_for("cache sweeper thread enabled")
    run(subject, "[u.cache_set('short', 'x', 1), u.cache_set('long', 'x', 1000)]")
    eventually(lambda: run(subject, "u.cache_get('short')") is None, "it expires")
    assert run(subject, "u.cache_get('long')") == b"x"


@covers("OF-146")
def test_lazy_items_expire_at_access(site: Subject) -> None:
    run(site, "u.cache_update('short', 'x', 1, 'lazy')")
    eventually(lambda: run(site, "u.cache_get('short', 'lazy')") is None, "it expires")


@covers("OF-147")
def test_the_old_way_of_making_one(start: Starter) -> None:
    subject = start(SITE + "cache = 100\n", files=FILES, until=WORKER)
    assert run(subject, "[u.cache_set('a', 'x'), u.cache_get('a', 'default')]") == [True, b"x"]


@covers("OF-150")
def test_a_store_outlives_the_server(start: Starter) -> None:
    directory = start.directory()
    line = f"cache2 = name=c,items=10,store={directory}/store\n"
    first = start(SITE + line, files=FILES, until=WORKER)
    assert run(first, "u.cache_set('kept', 'x')") is True
    assert first.stop() == 0
    again = start(SITE + line, files=FILES, until=WORKER)
    assert run(again, "u.cache_get('kept')") == b"x"


@covers("OF-150")
def test_a_store_of_another_size_is_refused(start: Starter) -> None:
    directory = start.directory({"store": "too short"})
    ended = start.run(SITE + f"cache2 = name=c,items=10,store={directory}/store\n", files=FILES)
    assert ended.code == 1
    line = f"cache2 = name=c,items=10,store={directory}/store,store_delete=1\n"
    assert run(start(SITE + line, files=FILES, until=WORKER), "u.cache_set('a', 'b')") is True


@covers("OF-151")
@pytest.mark.parametrize(
    "value",
    [
        "items=10",
        "name=c",
        "name=c,items=0",
        "name=c,items=10,blocksize=0",
        "name=c,items=1,hash=no",
    ],
)
def test_bad_caches_end_the_start(start: Starter, value: str) -> None:
    ended = start.run(SITE + f"cache2 = {value}\n", files=FILES)
    assert ended.code == 1
    assert "cache" in ended.log


@covers("OF-151")
def test_a_cache_is_announced(site: Subject) -> None:
    site.wait_for(r'\*\*\* Cache "second" initialized: ')


@covers("OF-149")
def test_a_cache_of_another_server(start: Starter) -> None:
    other = start(
        "socket = 127.0.0.1:PORT\nmodule = app\n"
        "cache2 = name=there,items=10\nadd-cache-item = k=v\n",
        files=FILES,
        until=WORKER,
    )
    subject = start(SITE, files=FILES, until=WORKER)
    name = f"there@127.0.0.1:{other.port}"
    assert run(subject, f"u.cache_get('k', '{name}')") == b"v"
    assert run(subject, f"u.cache_get('nope', '{name}')") is None
