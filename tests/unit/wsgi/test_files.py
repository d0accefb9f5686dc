"""wsgi.file_wrapper: real files, and what only looks like one."""

from __future__ import annotations

import io
import os
import select
import threading
from pathlib import Path
from typing import Any

import pytest

from refuwsgi.request import GIVEN, Request
from refuwsgi.wsgi import serving
from refuwsgi.wsgi.body import Input
from refuwsgi.wsgi.environ import Teller
from refuwsgi.wsgi.files import SMALL, Extent, FileWrapper, extent_of, send_file
from tests.unit.eventually import until
from tests.unit.wsgi.stand import Stand, answer_to

LARGE = bytes(range(256)) * 400


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "large").write_bytes(LARGE)
    return tmp_path / "large"


def sends(file: Any, length: int | None = None, skip: int = 0) -> Any:
    def application(environ: Any, start_response: Any) -> Any:
        headers = [] if length is None else [("Content-Length", str(length))]
        start_response("200 OK", headers)
        file.read(skip)
        return environ["wsgi.file_wrapper"](file)

    return application


def body_of(got: bytes) -> bytes:
    return got.partition(b"\r\n\r\n")[2]


def test_a_real_file_is_sent_by_the_kernel(path: Path) -> None:
    file = path.open("rb")
    got, request = answer_to(sends(file, len(LARGE)))
    assert body_of(got) == LARGE
    assert (request.via, request.size, request.keep) == ("sendfile", len(LARGE), True)
    assert file.closed


def test_a_small_file_goes_out_with_its_head(tmp_path: Path) -> None:
    (tmp_path / "small").write_bytes(b"small")
    got, request = answer_to(sends((tmp_path / "small").open("rb")))
    assert (body_of(got), request.via) == (b"small", "")


def test_a_file_is_sent_from_where_it_was_read_to(path: Path) -> None:
    assert body_of(answer_to(sends(path.open("rb"), skip=1000))[0]) == LARGE[1000:]


@pytest.mark.parametrize(("announced", "sent", "keep"), [(10, 10, True), (200000, 102400, False)])
def test_the_announced_length_rules(path: Path, announced: int, sent: int, keep: bool) -> None:
    got, request = answer_to(sends(path.open("rb"), announced))
    assert body_of(got) == LARGE[:sent]
    assert request.keep is keep


def test_a_head_request_gets_no_file(path: Path) -> None:
    file = path.open("rb")
    got, _ = answer_to(sends(file, len(LARGE)), REQUEST_METHOD="HEAD")
    assert body_of(got) == b""
    assert file.closed


def test_what_is_no_file_is_read() -> None:
    file = io.BytesIO(LARGE)
    assert body_of(answer_to(sends(file))[0]) == LARGE
    assert file.closed


def test_only_regular_files_have_an_extent(path: Path) -> None:
    out, into = os.pipe()
    with os.fdopen(out, "rb") as pipe, os.fdopen(into, "wb"), path.open("rb") as file:
        assert extent_of(pipe) is None
        assert extent_of(io.BytesIO()) is None
        assert extent_of(object()) is None
        found = extent_of(file)
        assert found is not None
        assert found[1:] == (0, len(LARGE))


def test_a_wrapper_is_an_iterator_of_blocks() -> None:
    assert list(FileWrapper(io.BytesIO(b"abcde"), 2)) == [b"ab", b"cd", b"e"]
    assert not hasattr(FileWrapper(object()), "close")


@pytest.mark.parametrize("taken", [True, False])
def test_an_offload_thread_gets_a_descriptor_of_its_own(path: Path, taken: bool) -> None:
    tasks: list[tuple[int, int, int, bytes]] = []

    class Task:
        def __init__(self, fd: int) -> None:
            self.fd = fd

        def close(self) -> None:
            os.close(self.fd)

    def engine(fd: int, position: int, length: int, head: bytes) -> Task:
        tasks.append((fd, position, length, head))
        return Task(fd)

    def offload(task: Task, request: Request) -> bool:
        if taken:
            os.set_blocking(request.give_away(), False)
        return taken

    with Stand() as stand:
        stand.request.offload = offload
        manners = serving.Manners(Teller(), engine)
        environ = manners.teller.environ_of(stand.request, Input(stand.request, stand.request.body))
        application = sends(path.open("rb"), len(LARGE), skip=10)
        outcome = serving.serve(application, stand.request, environ, manners)
        fd, position, length, head = tasks[0]
        assert (position, length) == (10, len(LARGE) - 10)
        assert head.startswith(b"HTTP/1.1 200 OK\r\n")
        assert (outcome == GIVEN) is taken
        if taken:
            assert stand.request.via == "offload"
            assert os.pread(fd, 5, 0) == LARGE[:5]
            os.close(fd)
        else:
            assert body_of(stand.received()) == LARGE[10:]


def test_what_only_has_a_descriptor_has_a_place_in_the_file(path: Path) -> None:
    class Bare:
        def __init__(self, fd: int) -> None:
            self.fileno = lambda: fd

    with path.open("rb", buffering=0) as file:
        file.read(7)
        assert extent_of(Bare(file.fileno())) == (file.fileno(), 7, len(LARGE) - 7)
        file.seek(len(LARGE) + 7)
        assert extent_of(file) == (file.fileno(), len(LARGE) + 7, 0)


def test_a_client_that_reads_late_gets_all(tmp_path: Path) -> None:
    whole = os.urandom(4 << 20)  # more than a socket holds
    (tmp_path / "huge").write_bytes(whole)
    sizes: list[int] = []
    with Stand() as stand, (tmp_path / "huge").open("rb") as file:
        extent = Extent(file.fileno(), 0, len(whole))
        sender = threading.Thread(
            target=lambda: sizes.append(send_file(stand.request, b"head", extent, None))
        )
        sender.start()
        until(lambda: not select.select([], [stand.server], [], 0)[1])
        found = b""
        while len(found) < 4 + len(whole):
            found += stand.client.recv(1 << 20)
        sender.join()
    assert (found, sizes) == (b"head" + whole, [len(whole)])


def test_a_client_that_reads_nothing_is_given_up(tmp_path: Path) -> None:
    (tmp_path / "huge").write_bytes(bytes(4 << 20))
    with (
        Stand(timeout=0.05) as stand,
        (tmp_path / "huge").open("rb") as file,
        pytest.raises(TimeoutError, match="nobody reads"),
    ):
        send_file(stand.request, b"", Extent(file.fileno(), 0, 4 << 20), None)


@pytest.mark.parametrize("there", [10, SMALL + 1, 2 * len(LARGE)])
@pytest.mark.parametrize("rules", [False, True])
def test_a_file_that_has_shrunk_ends_early(path: Path, there: int, rules: bool) -> None:
    """Rules that look at what is sent see it all, piece by piece."""
    seen: list[bytes] = []

    class Rules:
        taps = True

        def takes(self, request: Request, data: bytes) -> bool:
            seen.append(data)
            return True

    with Stand() as stand, path.open("rb") as file:
        if rules:
            stand.request.routed = Rules()
        sent = send_file(stand.request, b"head", Extent(file.fileno(), 5, there), None)
        got = b"".join(seen) if rules else stand.received()
    assert sent == len(LARGE[5 : 5 + there])
    assert got == b"head" + LARGE[5 : 5 + there]
