"""Ways 1, 2, 3 and 5, and the static nodes: who is to answer."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance.fastrouter.talk import ROUTER, TALLY, dead, names, node, text_of
from tests.conformance.harness import (
    Backend,
    Starter,
    Subject,
    ask,
    covers,
    eventually,
    exchange,
    packet,
    request_vars,
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


@covers("FR-35", "FR-36", "FR-37")
def test_way_2_puts_the_key_into_the_pattern(start: Starter) -> None:
    """Each %s is the key, %% one percent sign; any kind of address may come out."""
    directory = start.directory({"example.com/.keep": ""})
    with node("P", str(directory / "example.com/uwsgi.sock")), node("T") as tcp:
        unix = start(
            "",
            *["-M", "--fastrouter", "127.0.0.1:PORT"],
            *["--fastrouter-use-pattern", f"{directory}/%s/uwsgi.sock"],
            until=ROUTER,
        )
        assert names(unix.port, 1) == ["P"]
        ini = start(TALLY + f"fastrouter-use-pattern = {directory}/%%s/uwsgi.sock\n", until=ROUTER)
        assert names(ini.port, 1) == ["P"]
        ports = start(TALLY + "fastrouter-use-pattern = 127.0.0.1:%%s\n", until=ROUTER)
        assert names(ports.port, 1, tcp.address.rpartition(":")[2]) == ["T"]


@covers("FR-35")
def test_way_2_expands_a_key_only_once(start: Starter) -> None:
    """A key that holds %s stays as it is; %% is one percent sign, %x nothing."""
    directory = start.directory()
    with node("N", str(directory / "100%y-%s")):
        subject = start(
            "",
            *["-M", "--fastrouter", "127.0.0.1:PORT"],
            *["--fastrouter-use-pattern", f"{directory}/100%%%xy-%s"],
            until=ROUTER,
        )
        assert names(subject.port, 1, "%s") == ["N"]


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


SIMPLE = "def get(key):\n    return '127.0.0.1:3031'\n"
MEGA = """
domains = {}
domains['example.com'] = {'nodes': ('NODE1', 'NODE2'), 'node': 0}
domains['unbit.it'] = {'nodes': ('NODE1,5', 'NODE2,5'), 'node': 0}

DEFAULT_NODE = 'NODE3'

def get(key):
    if key not in domains:
        return DEFAULT_NODE

    # get the node to forward requests to
    nodes = domains[key]['nodes']
    current_node = domains[key]['node']
    value = nodes[current_node]

    # round robin :P
    next_node = current_node + 1
    if next_node >= len(nodes):
        next_node = 0

    domains[key]['node'] = next_node

    return value
"""


def mapping(start: Starter, text: str, tracebacks: bool = False) -> Subject:
    """A router that asks mapper.py."""
    return start(
        "",
        *["-M", "--fastrouter", "127.0.0.1:PORT"],
        *["--fastrouter-use-code-string", "0:mapper.py:get"],
        files={"mapper.py": text},
        until=ROUTER,
        tracebacks=tracebacks,
    )


@covers("FR-52", "FR-50")
def test_way_5_the_first_script_of_the_document(start: Starter) -> None:
    """Text in, text out; only the address of the node is another than printed."""
    with node("N") as n:
        subject = mapping(start, SIMPLE.replace("127.0.0.1:3031", n.address))
        assert names(subject.port, 2, "whatever") == ["N", "N"]


@covers("FR-52", "FR-51")
def test_way_5_the_second_script_of_the_document(start: Starter) -> None:
    """Round robin with a default, in a script that keeps its state."""
    with node("one") as one, node("two") as two, node("default") as other:
        text = MEGA.replace("NODE1", one.address).replace("NODE2", two.address)
        subject = mapping(start, text.replace("NODE3", other.address))
        assert names(subject.port, 4) == ["one", "two", "one", "two"]
        assert names(subject.port, 1, "elsewhere") == ["default"]
        one.seen.clear()
        assert names(subject.port, 1, "unbit.it") == ["one"]
        received = one.wait_seen().packet
        assert received is not None
        assert received.modifier1 == 5


@covers("FR-50", "FR-51")
def test_way_5_takes_bytes_and_keeps_state(start: Starter) -> None:
    """A script written for bytes runs, too; the key is what was asked for."""
    with node("N") as n:
        text = f"""
count = 0
def get(key):
    global count
    count += 1
    key = key if isinstance(key, str) else key.decode()
    return b'{n.address},%d' % (count if key == 'example.com' else 99)
"""
        subject = mapping(start, text)
        assert names(subject.port, 2) == ["N", "N"]
        assert [each.packet.modifier1 for each in n.seen if each.packet] == [1, 2]


@covers("FR-53")
@pytest.mark.parametrize("answer", ["None", "5", "b''", "1 / 0", "['x']"])
def test_way_5_without_an_answer_closes(start: Starter, answer: str) -> None:
    """An exception or another type than text: this client is closed, the router lives."""
    with node("N") as n:
        text = (
            "def get(key):\n    if key in ('bad', b'bad'):\n"
            f"        return {answer}\n    return b'{n.address}'\n"
        )
        subject = mapping(start, text, tracebacks=True)
        assert names(subject.port, 2, "bad") == ["", ""]
        assert names(subject.port, 1) == ["N"]
        if "/" in answer:
            subject.wait_for("ZeroDivisionError")
            assert "respawned" not in subject.log


@covers("FR-54")
def test_way_5_is_asked_again_for_a_dead_node(start: Starter) -> None:
    """A node that refuses: the function is asked again, four times in all."""
    with node("N") as n:
        text = f"""
count = 0
def get(key):
    global count
    count += 1
    return b'{n.address}' if count % 4 == 0 else b'{dead()}'
"""
        subject = mapping(start, text)
        assert names(subject.port, 2) == ["N", "N"]


@covers("FR-55")
@pytest.mark.parametrize("value", ["0", "0:mapper.py"])
def test_way_5_with_parts_missing_ends_the_start(start: Starter, value: str) -> None:
    """Not three parts: exit 1."""
    run = start.run(TALLY + f"fastrouter-use-code-string = {value}\n")
    assert run.code == 1


@covers("FR-56")
def test_a_router_that_is_held_up_too_long_is_replaced(start: Starter) -> None:
    """Blocking code in the function stops the router; fastrouter-harakiri ends that."""
    text = "import time\ndef get(key):\n    time.sleep(60)\n"
    subject = start(
        TALLY + "fastrouter-use-code-string = 0:mapper.py:get\nfastrouter-harakiri = 1\n",
        files={"mapper.py": text},
        until=ROUTER,
    )
    threading.Thread(target=names, args=(subject.port, 1), daemon=True).start()
    subject.wait_for(r"\*\*\* HARAKIRI ON GATEWAY uWSGI fastrouter 1 \(pid: \d+\) \*\*\*")
    subject.wait_for("respawned uWSGI fastrouter 1")


@covers("FR-60")
def test_static_nodes_take_turns(start: Starter) -> None:
    """fastrouter-to, several times: strict rotation, whatever the key."""
    with node("1") as one, node("2") as two, node("3") as three:
        nodes = "".join(f"fastrouter-to = {n.address}\n" for n in (one, two, three))
        subject = start(TALLY + nodes, until=ROUTER)
        found = "".join(names(subject.port, 6))
        assert found in ("123123", "231231", "312312")


@covers("FR-61")
def test_a_static_node_that_is_dead_is_left_out(start: Starter) -> None:
    """It is tried once, marked, and left out for the gracetime; the request goes on."""
    with node("N") as n:
        gone = dead()
        subject = start(
            TALLY + f"fastrouter-to = {gone}\nfastrouter-to = {n.address}\n", until=ROUTER
        )
        assert names(subject.port, 6) == ["N"] * 6
        marked = f"[uwsgi-fastrouter] example.com => marking {gone} as failed"
        assert subject.log.count(marked) == 1


@covers("FR-61")
def test_a_static_node_comes_back_after_the_gracetime(start: Starter) -> None:
    """With a gracetime of a second it is tried again."""
    directory = start.directory()
    from tests.conformance.harness import free_port

    port = free_port()
    subject = router(
        start, f"fastrouter-to = 127.0.0.1:{port}\nfastrouter-gracetime = 1\n", directory
    )
    assert names(subject.port, 1) == [""]
    import socket

    with socket.create_server(("127.0.0.1", port)) as listener:

        def answer() -> None:
            while True:
                try:
                    client, _ = listener.accept()
                except OSError:
                    return
                client.sendall(b"back")
                client.close()

        threading.Thread(target=answer, daemon=True).start()
        eventually(lambda: names(subject.port, 1) == ["back"])
        listener.shutdown(socket.SHUT_RDWR)


@covers("FR-62")
def test_fallback_nodes_are_tried_in_order(start: Starter) -> None:
    """After a failed connect: the first fallback that takes the connection."""
    with node("F") as fallback, node("never") as last:
        subject = start(
            TALLY + "fastrouter-use-code-string = 0:mapper.py:get\n"
            f"fastrouter-fallback = {dead()}\nfastrouter-fallback = {fallback.address}\n"
            f"fastrouter-fallback = {last.address}\n",
            files={"mapper.py": f"def get(key): return b'{dead()},6'\n"},
            until=ROUTER,
        )
        assert names(subject.port, 2) == ["F", "F"]
        received = fallback.wait_seen().packet
        assert received is not None
        assert received.modifier1 == 6


@covers("FR-63")
def test_a_key_without_a_node_goes_to_the_fallback_if_that_is_wanted(start: Starter) -> None:
    """fastrouter-fallback-on-no-key; a request without a key is closed in any case."""
    with node("F") as fallback:
        ways = "fastrouter-use-code-string = 0:mapper.py:get\n"
        files = {"mapper.py": "def get(key): return b''\n"}
        fallbacks = f"fastrouter-fallback = {fallback.address}\n"
        without = start(TALLY + ways + fallbacks, files=files, until=ROUTER)
        assert names(without.port, 1) == [""]
        subject = start(
            TALLY + ways + fallbacks + "fastrouter-fallback-on-no-key = true\n",
            files=files,
            until=ROUTER,
        )
        assert names(subject.port, 1) == ["F"]
        nothing = {"REQUEST_METHOD": "GET"}
        assert exchange(subject.port, packet(nothing)).raw == b""


@covers("FR-64")
def test_the_own_socket_may_be_the_node(start: Starter) -> None:
    """fastrouter-use-socket=N; a number that no socket has: closed."""
    app = "def application(e, s):\n    s('200 OK', [])\n    return [b'app']\n"
    base = (
        "master = true\nsocket = 127.0.0.1:PORT1\nfastrouter = 127.0.0.1:PORT\nwsgi-file = a.py\n"
    )
    one = start(base + "fastrouter-use-socket = 0\n", files={"a.py": app}, until=ROUTER)
    assert text_of(ask(one.port)).endswith("app")
    two = start(base + "fastrouter-use-socket = 4\n", files={"a.py": app}, until=ROUTER)
    assert text_of(ask(two.port)) == ""


@covers("FR-163")
def test_a_request_without_a_key_is_closed(start: Starter) -> None:
    """In every way, static nodes included."""
    with node("N") as n:
        subject = start(TALLY + f"fastrouter-to = {n.address}\n", until=ROUTER)
        variables = request_vars()
        del variables["HTTP_HOST"], variables["SERVER_NAME"]
        assert exchange(subject.port, packet(variables)).raw == b""
        assert names(subject.port, 1) == ["N"]
        assert len(n.seen) == 1
