"""Static files through offload threads."""

import os
import random
import socket
import time
from contextlib import suppress
from pathlib import Path

import pytest

from refuwsgi.offloading import static_files
from refuwsgi.offloading.engines import ChainEngine, MemoryEngine
from refuwsgi.offloading.one_thread import Limits
from refuwsgi.offloading.threads import OffloadThreads
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
    started,
    until,
)


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
            assert not threads.offload(ChainEngine(), request)
            assert request.fd >= 0
            assert request.core.offloaded == 0
        for client in clients:
            with client:
                assert parse(read_all(client)).body == files.content
        with request_of() as (request, client):
            until(lambda: threads.offload(ChainEngine(MemoryEngine(b"done")), request))
            assert read_all(client) == b"done"


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


def test_a_trace_tells_the_life_of_a_task(tmp_path: Path, lines: list[str]) -> None:
    files = Files(tmp_path, 1 << 22)
    with started(1, Limits(trace=True)) as threads, fetch(files, threads) as client:
        until(lambda: any(line.endswith("waiting for the client") for line in lines))
        read_all(client)
    mine = [line.rpartition(": ")[2] for line in lines if line.startswith("[offload] worker 1 ")]
    assert mine[:2] == ["queued", "FileEngine begins"]
    assert mine[-1].startswith("done, 41")
