"""Offload threads: hand-over, turns, limits, the end."""

import os
import random
import select
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from refuwsgi import log
from refuwsgi.offloading import static_files
from refuwsgi.offloading.engines import Client, FileEngine, MemoryEngine
from refuwsgi.offloading.one_thread import Limits, Offloaded
from refuwsgi.offloading.threads import OffloadThreads, configured, thread_rows
from refuwsgi.options import OptionError
from refuwsgi.request import GIVEN
from refuwsgi.scoreboard import CoreRow
from tests.unit.offloading.stand import (
    PATIENCE,
    config_of,
    core_row,
    descriptors,
    parse,
    read_all,
    request_of,
    until,
)


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    found: list[str] = []
    monkeypatch.setattr(log, "line", found.append)
    return found


@contextmanager
def started(count: int, limits: Limits | None = None, worker: int = 1) -> Iterator[OffloadThreads]:
    threads = OffloadThreads(count, worker, limits)
    threads.start()
    try:
        yield threads
    finally:
        assert threads.drain(PATIENCE)


class Where:
    """A task that says in which thread it runs."""

    def __init__(self, found: list[str]) -> None:
        self._found = found

    async def run(self, client: Client) -> None:
        self._found.append(threading.current_thread().name)
        await client.give(b"done")

    def close(self) -> None:
        pass


def test_threads_are_spawned_with_a_line(lines: list[str]) -> None:
    before = threading.active_count()
    with started(4, worker=3):
        assert threading.active_count() == before + 4
    assert lines == ["spawned 4 offload threads for uWSGI worker 3"]
    assert threading.active_count() == before


def test_all_signals_are_blocked_in_a_thread(lines: list[str]) -> None:
    found: list[set[int]] = []

    class Ask(Where):
        async def run(self, client: Client) -> None:
            found.append(set(signal.pthread_sigmask(signal.SIG_BLOCK, [])))

    before = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    with started(1) as threads, request_of() as (request, client):
        assert threads.offload(Ask([]), request)
        assert read_all(client) == b""
    unblockable = {signal.SIGKILL, signal.SIGSTOP}
    assert found == [set(signal.valid_signals()) - unblockable]
    assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == before


def test_tasks_go_to_the_threads_in_turn(lines: list[str]) -> None:
    found: list[str] = []
    with started(3) as threads:
        for _ in range(7):
            with request_of() as (request, client):
                assert threads.offload(Where(found), request)
                assert read_all(client) == b"done"
    assert found == [f"offload {n}" for n in (0, 1, 2, 0, 1, 2, 0)]


def test_each_core_has_turns_of_its_own(lines: list[str]) -> None:
    found: list[str] = []
    with started(2) as threads:
        for core in (0, 1, 1, 0):
            with request_of() as (request, client):
                request.core_number = core
                assert threads.offload(Where(found), request)
                assert read_all(client) == b"done"
    assert found == ["offload 0", "offload 0", "offload 1", "offload 1"]


def test_a_task_counts_when_it_is_handed_over(lines: list[str]) -> None:
    row = core_row()
    rows = thread_rows(2, 1)[1]
    threads = OffloadThreads(1, 2, None, rows)
    threads.start()
    with request_of(core=row) as (request, client):
        assert threads.offload(MemoryEngine(b"12345"), request)
        assert (row.offloaded, request.fd, request.via) == (1, -1, "offload")
        assert read_all(client) == b"12345"
    assert threads.drain(PATIENCE)
    assert (rows[0].taken, rows[0].ended, rows[0].failed, rows[0].octets) == (1, 1, 0, 5)


class Files:
    """A site of one large file, and a stage that serves it."""

    def __init__(self, directory: Path, size: int) -> None:
        self.content = random.Random(1).randbytes(4096) * (size // 4096)
        (directory / "big").write_bytes(self.content)
        (directory / "small").write_bytes(b"small")
        (directory / "empty").write_bytes(b"")
        stage = static_files.configured(config_of(check_static=str(directory), honour_range=True))
        assert stage is not None
        self.stage = stage


def fetch(
    files: Files,
    threads: OffloadThreads,
    path: str = "/big",
    method: str = "GET",
    row: CoreRow | None = None,
    **environ: str,
) -> socket.socket:
    """Ask for a file; the client's end is the caller's."""
    given = {"PATH_INFO": path, "REQUEST_METHOD": method, **environ}
    with request_of(given, core=row) as (request, client):
        request.offload = threads.offload
        expected = GIVEN if method == "GET" and path != "/empty" else 1
        assert files.stage(request) == expected
        return client.dup()


def test_static_files_leave_the_worker(tmp_path: Path, lines: list[str]) -> None:
    files, row = Files(tmp_path, 1 << 20), core_row()
    with started(2) as threads:
        for path, content in (("/big", files.content), ("/small", b"small")):
            with fetch(files, threads, path, row=row) as client:
                answer = parse(read_all(client))
                assert answer.header("Content-Length") == str(len(content))
                assert answer.body == content
        with fetch(files, threads, HTTP_RANGE="bytes=2-4", row=row) as client:
            assert parse(read_all(client)).body == files.content[2:5]
        assert row.offloaded == 3
        for path, method in (("/big", "HEAD"), ("/empty", "GET")):
            with fetch(files, threads, path, method, row) as client:
                assert parse(read_all(client)).body == b""
        assert (row.offloaded, row.static) == (3, 5)


def test_hundreds_of_clients_that_do_not_read_keep_nobody_waiting(
    tmp_path: Path, lines: list[str]
) -> None:
    files = Files(tmp_path, 1 << 22)
    before = descriptors()
    with started(2) as threads:
        asleep = [fetch(files, threads) for _ in range(200)]
        with fetch(files, threads, "/small") as client:
            assert parse(read_all(client)).body == b"small"
        assert descriptors() > before + 400
        for client in asleep[::20]:
            assert parse(read_all(client)).body == files.content
        for client in asleep:
            client.close()
    assert descriptors() == before


def test_clients_that_vanish_leave_nothing_behind(tmp_path: Path, lines: list[str]) -> None:
    files, chance = Files(tmp_path, 1 << 20), random.Random(2)
    before = descriptors()
    with started(2) as threads:
        for _ in range(150):
            with fetch(files, threads, chance.choice(["/big", "/small"])) as client:
                client.setblocking(False)
                for _ in range(chance.randrange(4)):
                    with suppress(BlockingIOError):
                        client.recv(chance.randrange(1, 200000))
    assert descriptors() == before


def test_a_stalled_client_goes_on_after_any_time(tmp_path: Path, lines: list[str]) -> None:
    files = Files(tmp_path, 1 << 22)
    with started(1) as threads, fetch(files, threads) as client:
        time.sleep(0.3)
        assert parse(read_all(client)).body == files.content


@pytest.mark.parametrize("limits", [Limits(idle=0.2), Limits(total=0.2)])
def test_a_deadline_ends_a_transfer(tmp_path: Path, lines: list[str], limits: Limits) -> None:
    files = Files(tmp_path, 1 << 22)
    before = descriptors()
    with started(1, limits) as threads, fetch(files, threads) as client:
        threads.drain(PATIENCE)
        assert len(read_all(client)) < len(files.content)
    assert descriptors() == before
    assert lines[-1] == "offload thread 0 of worker 1: FileEngine ended early: timed out"


def test_a_deadline_that_is_met_is_forgotten(tmp_path: Path, lines: list[str]) -> None:
    files = Files(tmp_path, 1 << 20)
    with started(1, Limits(idle=PATIENCE, total=10 * PATIENCE)) as threads:
        with fetch(files, threads) as client:
            assert parse(read_all(client)).body == files.content
        begun = time.monotonic()
        assert threads.drain(PATIENCE)
        assert time.monotonic() - begun < PATIENCE


def test_a_full_thread_leaves_its_turn_to_the_next(tmp_path: Path, lines: list[str]) -> None:
    files = Files(tmp_path, 1 << 22)
    with started(2, Limits(most=1)) as threads:
        clients = [fetch(files, threads) for _ in range(2)]
        with request_of() as (request, _):
            assert not threads.offload(MemoryEngine(b""), request)
            assert request.fd >= 0
            assert request.core.offloaded == 0
        for client in clients:
            with client:
                assert parse(read_all(client)).body == files.content
        with request_of() as (request, client):
            until(lambda: threads.offload(MemoryEngine(b"now"), request))
            assert read_all(client) == b"now"


def test_a_refused_file_is_sent_by_the_worker(tmp_path: Path, lines: list[str]) -> None:
    files = Files(tmp_path, 1 << 16)
    before = descriptors()
    for path, content in (("/big", files.content), ("/small", b"small")):
        with request_of({"PATH_INFO": path}) as (request, client):
            request.offload = lambda engine, request: False
            assert files.stage(request) == 1
            assert (request.via, request.core.offloaded) == ("sendfile", 0)
            os.close(request.fd)
            request.fd = -1
            assert parse(read_all(client)).body == content
    assert descriptors() == before


def test_an_orderly_end_waits_for_the_transfers(tmp_path: Path, lines: list[str]) -> None:
    files = Files(tmp_path, 1 << 22)
    threads = OffloadThreads(1)
    threads.start()
    with fetch(files, threads) as client:
        assert not threads.drain(0.2)
        with request_of() as (request, _):
            assert not threads.offload(MemoryEngine(b""), request)
        assert parse(read_all(client)).body == files.content


def test_an_error_of_ours_ends_its_task_alone(
    lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log, "exception", lines.append, raising=False)
    closed: list[bool] = []

    class Broken(Where):
        async def run(self, client: Client) -> None:
            raise ValueError("ours")

        def close(self) -> None:
            closed.append(True)

    with started(1) as threads:
        for engine in (Broken([]), MemoryEngine(b"alive")):
            with request_of() as (request, client):
                assert threads.offload(engine, request)
                client.settimeout(PATIENCE)
                found = b""
                with suppress(ConnectionResetError):
                    found = read_all(client)
                assert found == (b"" if isinstance(engine, Broken) else b"alive")
    assert closed == [True]


def test_a_shrunken_file_resets_the_connection(tmp_path: Path, lines: list[str]) -> None:
    """Over TCP, where a reset exists."""
    (tmp_path / "file").write_bytes(b"x" * 100)
    with socket.create_server(("127.0.0.1", 0)) as listener, request_of() as (request, _):
        os.close(request.fd)
        with socket.create_connection(listener.getsockname()) as client:
            request.fd = listener.accept()[0].detach()
            with started(1) as threads:
                descriptor = os.open(tmp_path / "file", os.O_RDONLY)
                assert threads.offload(FileEngine(descriptor, 0, 200), request)
                client.settimeout(PATIENCE)
                with pytest.raises(ConnectionResetError):
                    read_all(client)


def test_a_client_that_still_sends_gets_its_answer(lines: list[str]) -> None:
    class Unread:
        left = 5

        def receive(self, limit: int) -> bytes:
            return b""

        def read(self, size: int = -1) -> bytes:
            return b""

    with started(1) as threads, request_of() as (request, client):
        request.body = Unread()
        assert threads.offload(MemoryEngine(b"answer"), request)
        assert read_all(client) == b"answer"
        assert not select.select([client], [], [], 0)[2]
        client.sendall(b"still")  # somebody reads it


def test_a_trace_tells_the_life_of_a_task(tmp_path: Path, lines: list[str]) -> None:
    files = Files(tmp_path, 1 << 22)
    with started(1, Limits(trace=True)) as threads, fetch(files, threads) as client:
        until(lambda: any(line.endswith("waiting for the client") for line in lines))
        read_all(client)
    mine = [line.rpartition(": ")[2] for line in lines if line.startswith("[offload] worker 1 ")]
    assert mine[:2] == ["queued", "FileEngine begins"]
    assert mine[-1].startswith("done, 41")


def test_a_task_can_be_cancelled(tmp_path: Path, lines: list[str]) -> None:
    (tmp_path / "file").write_bytes(b"x" * (1 << 22))
    before = descriptors()
    with started(1) as threads, request_of() as (request, client):
        task = Offloaded(FileEngine(os.open(tmp_path / "file", os.O_RDONLY), 0, 1 << 22))
        assert threads.program(task, request)
        assert task.thread is not None
        task.thread.cancel(task)
        assert threads.drain(PATIENCE)
        assert task.over
        assert task.failure == "cancelled"
        assert len(read_all(client)) < 1 << 22
        task.thread.cancel(task)  # too late to matter
    assert descriptors() == before


def test_the_option_decides_how_many_there_are() -> None:
    assert configured(config_of()) is None
    assert configured(config_of(offload_threads="0")) is None
    for name in ("offload_threads", "offload_thread"):
        assert configured(config_of(**{name: "2"}), worker=2) is not None
    for bad in ("-1", "abc", "true", "2.5", ""):
        with pytest.raises(OptionError, match="test: offload-threads: "):
            config_of(offload_threads=bad)
