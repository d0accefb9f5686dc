"""Static nodes, fallback nodes, the own socket."""

import threading
from pathlib import Path

from tests.conformance.fastrouter.talk import ROUTER, TALLY, dead, names, node, text_of
from tests.conformance.harness import (
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
