"""Tasks that an application programs."""

import os
import select
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from refuwsgi import api, log
from refuwsgi.loop import sleep
from refuwsgi.offloading import the_future
from refuwsgi.offloading.engines import Client
from refuwsgi.offloading.one_thread import Limits
from refuwsgi.offloading.the_future import Programmed, chain, file, memory, pipe, program, relay
from refuwsgi.offloading.threads import OffloadThreads
from refuwsgi.wsgi.serving import run
from tests.unit.offloading.stand import (
    PATIENCE,
    Answer,
    close,
    descriptors,
    parse,
    read_all,
    request_of,
    until,
)

StartResponse = Callable[[str, list[tuple[str, str]]], Any]
CONTENT = bytes(range(256)) * 4096


@pytest.fixture(autouse=True)
def lines(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    found: list[str] = []
    monkeypatch.setattr(log, "line", found.append)
    monkeypatch.setattr(log, "exception", found.append)
    return found


@pytest.fixture
def threads() -> Iterator[OffloadThreads]:
    threads = OffloadThreads(1)
    threads.start()
    the_future.install(threads.program)
    yield threads
    the_future.install(None)
    assert threads.drain(PATIENCE)


@pytest.fixture
def film(tmp_path: Path) -> str:
    (tmp_path / "film").write_bytes(CONTENT)
    return str(tmp_path / "film")


def ask(
    threads: OffloadThreads, body: Callable[[], Any], *, head: bool = True, method: str = "GET"
) -> bytes:
    """Let an application answer whose body is what `body` returns."""

    def app(environ: dict[str, Any], start_response: StartResponse) -> Any:
        if head:
            start_response("200 OK", [("X-App", "1")])
        return body() or []

    with request_of({"REQUEST_METHOD": method}) as (request, client):
        request.offload = threads.offload
        run(app, request)
        close(request)
        return read_all(client)


def test_a_file_is_offloaded_in_a_word(threads: OffloadThreads, film: str) -> None:
    answer = parse(ask(threads, lambda: api.module.offload(film)))
    assert answer == Answer("HTTP/1.1 200 OK", [("X-App", "1")], CONTENT)
    assert parse(ask(threads, lambda: api.module.offload(film, 5))).body == CONTENT[:5]


def test_the_worker_counts_it_and_is_free(
    threads: OffloadThreads, film: str, lines: list[str]
) -> None:
    def app(environ: dict[str, Any], start_response: StartResponse) -> Any:
        start_response("200 OK", [("Content-Length", str(len(CONTENT)))])
        return api.module.offload(film)

    with request_of() as (request, client):
        request.offload = threads.offload
        run(app, request)
        assert (request.fd, request.core.offloaded, request.via) == (-1, 1, "offload")
        assert parse(read_all(client)).body == CONTENT
    assert [line for line in lines if "spawned" not in line] == []


def test_without_threads_it_is_an_error_of_the_application(film: str) -> None:
    the_future.install(None)
    before = descriptors()
    for call in (api.module.offload, lambda name: program(file(name))):
        with pytest.raises(ValueError, match="offloading needs a request and --offload-threads"):
            call(film)
    assert descriptors() == before


def test_a_chain_of_tasks_is_one_answer(threads: OffloadThreads, film: str) -> None:
    out, into = os.pipe()
    os.write(into, b"tail")
    os.close(into)

    def body() -> None:
        program(chain(memory(b"intro"), file(film, 100, 5000), pipe(out)))

    assert parse(ask(threads, body)).body == b"intro" + CONTENT[100:5100] + b"tail"


def test_a_node_may_give_the_whole_answer(threads: OffloadThreads) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE)
        port = listener.getsockname()[1]
        with request_of() as (request, client):
            request.offload = threads.offload

            def app(environ: dict[str, Any], start_response: StartResponse) -> Any:
                program(relay(f"127.0.0.1:{port}", b"first"))
                return []

            run(app, request)
            assert request.fd == -1
            node, _ = listener.accept()
            with node:
                assert node.recv(5) == b"first"
                node.sendall(b"whole answer")
            assert read_all(client) == b"whole answer"


class Ticks:
    """A task of one's own: three ticks, as server-sent events."""

    async def run(self, client: Client) -> None:
        for number in range(3):
            await client.give(b"data: %d\n\n" % number)
            await sleep(0.01)

    def close(self) -> None:
        pass


def test_a_task_of_ones_own_is_a_small_class(threads: OffloadThreads) -> None:
    answer = parse(ask(threads, lambda: program(Ticks()) and None))
    assert answer.body == b"data: 0\n\ndata: 1\n\ndata: 2\n\n"


def test_a_head_request_gets_the_head(threads: OffloadThreads, film: str) -> None:
    before = descriptors()
    answer = parse(ask(threads, lambda: program(file(film)) and None, method="HEAD"))
    assert answer == Answer("HTTP/1.1 200 OK", [("X-App", "1")], b"")
    assert descriptors() == before


def test_the_end_can_be_waited_for(threads: OffloadThreads) -> None:
    tasks: list[Programmed] = []
    before = descriptors()
    ask(threads, lambda: tasks.append(program(Ticks())))
    assert tasks[0].wait(PATIENCE)
    assert tasks[0].failure == ""
    for watched in (tasks[0], tasks[0]):
        assert select.select([watched], [], [], PATIENCE)[0]
    tasks.clear()
    del watched
    until(lambda: descriptors() == before)


def test_a_task_can_be_watched_and_cancelled(threads: OffloadThreads) -> None:
    class Patient(Ticks):
        async def run(self, client: Client) -> None:
            await sleep(PATIENCE)

    with request_of() as (request, client):
        request.offload = threads.offload
        tasks: list[Programmed] = []

        def app(environ: dict[str, Any], start_response: StartResponse) -> Any:
            tasks.append(program(Patient()))
            return []

        run(app, request)
        task = tasks[0]
        assert not task.wait(0.05)
        assert not select.select([task], [], [], 0)[0]
        task.cancel()
        assert select.select([task], [], [], PATIENCE)[0]
        assert task.wait(PATIENCE)
        assert task.failure == "cancelled"
        with suppress(ConnectionResetError):
            assert read_all(client) == b""


def test_when_the_threads_are_full_the_worker_does_it(film: str) -> None:
    threads = OffloadThreads(1, 1, Limits(most=1))
    threads.start()
    the_future.install(threads.program)
    stalled: list[Programmed] = []

    def hold() -> None:
        out, into = os.pipe()
        os.write(into, b"x")
        ends.append(into)
        stalled.append(program(pipe(out)))

    ends: list[int] = []
    with request_of() as (request, client):
        request.offload = threads.offload

        def app(environ: dict[str, Any], start_response: StartResponse) -> Any:
            start_response("200 OK", [])
            hold()
            return []

        run(app, request)
        until(lambda: threads.rows[0].taken == 1)
        small = ask(threads, lambda: program(file(film, 0, 100)) and None)
        assert parse(small).body == CONTENT[:100]
        os.close(ends[0])
        assert parse(read_all(client)).body == b"x"
    the_future.install(None)
    assert threads.drain(PATIENCE)


def test_without_a_file_there_is_an_error(threads: OffloadThreads, lines: list[str]) -> None:
    answer = parse(ask(threads, lambda: api.module.offload("/none/at/all")))
    assert answer.status == "HTTP/1.1 500 Internal Server Error"
    assert any("the application failed" in line for line in lines)
