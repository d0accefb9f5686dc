"""Offload threads: hand-over, turns, the end."""

import os
import random
import select
import signal
import socket
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from refuwsgi import log
from refuwsgi.offloading.engines import ChainEngine, Client, FileEngine, MemoryEngine
from refuwsgi.offloading.one_thread import Offloaded
from refuwsgi.offloading.threads import OffloadThreads, configured, figures, thread_rows
from refuwsgi.options import OptionError
from tests.unit.offloading.stand import (
    PATIENCE,
    config_of,
    core_row,
    descriptors,
    read_all,
    request_of,
    started,
    until,
)


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
                request.core.number = core
                assert threads.offload(Where(found), request)
                assert read_all(client) == b"done"
    assert found == ["offload 0", "offload 0", "offload 1", "offload 1"]


def test_a_task_counts_when_it_is_handed_over(lines: list[str]) -> None:
    row = core_row()
    rows = thread_rows(2, 1)[1]
    threads = OffloadThreads(1, 2, None, rows)
    threads.start()
    with request_of(core=row) as (request, client):
        assert threads.offload(ChainEngine(MemoryEngine(b"12345")), request)
        assert (row.offloaded, request.fd, request.via) == (1, -1, "offload")
        assert read_all(client) == b"12345"
    assert threads.drain(PATIENCE)
    told = {"id": 0, "tasks": 1, "active": 0, "failed": 0, "timed_out": 0, "bytes": 5}
    assert figures(rows) == [told]


def test_bytes_that_fit_need_no_thread(lines: list[str]) -> None:
    row = core_row()
    with started(1) as threads, request_of(core=row) as (request, client):
        assert threads.offload(MemoryEngine(b"12345"), request)
        assert (row.offloaded, request.fd, request.via) == (1, -1, "offload")
        assert threads.rows[0].taken == 0
        assert read_all(client) == b"12345"


def test_bytes_that_do_not_fit_go_to_a_thread_whole(lines: list[str]) -> None:
    data = random.Random(3).randbytes(1 << 22)
    with started(1) as threads, request_of() as (request, client):
        assert threads.offload(MemoryEngine(data), request)
        assert read_all(client) == data
        until(lambda: threads.rows[0].ended == 1)


def test_bytes_for_a_client_that_went_are_an_error_of_the_socket(lines: list[str]) -> None:
    with started(1) as threads, request_of() as (request, client):
        client.close()
        with pytest.raises(OSError):
            threads.offload(MemoryEngine(b"12345"), request)
        assert request.fd >= 0
        assert request.core.write_errors == 1


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
