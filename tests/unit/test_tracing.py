"""trace: what is written, what is put around the steps, and that all of it goes away again."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from refuwsgi import processes
from refuwsgi.offloading.engines import MemoryEngine
from refuwsgi.offloading.one_thread import Offloaded, OffloadThread
from refuwsgi.offloading.threads import OffloadThreads
from refuwsgi.options import OptionError, config_of
from refuwsgi.request import DONE, NEXT, Request
from refuwsgi.scaling.cores import Service
from refuwsgi.server import traced_parts, traced_workers
from refuwsgi.server.tracing import Trace
from refuwsgi.vassals import spawn
from refuwsgi.vassals.vassal import Vassal


@pytest.fixture
def trace(tmp_path: Path) -> Iterator[Trace]:
    """A trace with all parts."""
    config = config_of(
        trace=str(tmp_path / "t"), http="127.0.0.1:0", fastrouter="127.0.0.1:0", emperor="none"
    )
    found = traced_parts.begin(config)
    assert found is not None
    yield found
    found.end()


def notes(tmp_path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (tmp_path / "t").read_text().splitlines()]


def asked(path: str = "/a") -> Any:
    """As much of a request as a stage of ours looks at."""
    environ = {"REQUEST_METHOD": "GET", "REQUEST_URI": path, "REMOTE_ADDR": "h", "REMOTE_PORT": "1"}
    return SimpleNamespace(
        environ=environ, worker=2, core_number=3, fd=5, status=200, head_size=1, size=2
    )


def test_without_the_option_there_is_nothing() -> None:
    before = OffloadThread.begin
    assert traced_parts.begin(config_of(http="127.0.0.1:0")) is None
    assert OffloadThread.begin is before


def test_a_file_that_cannot_be_opened_is_a_mistake() -> None:
    with pytest.raises(OptionError, match="trace: /none/t: No such file or directory"):
        traced_parts.begin(config_of(trace="/none/t"))


def test_at_the_end_every_step_is_as_before(tmp_path: Path) -> None:
    steps = [
        (processes, "set_title"), (OffloadThreads, "program"), (OffloadThread, "_close"),
        (Vassal, "feed"), (spawn, "launch"),
    ]  # fmt: skip
    before = [getattr(owner, name) for owner, name in steps]
    config = config_of(trace=str(tmp_path / "t"), emperor="none")
    found = traced_parts.begin(config)
    assert found is not None
    during = [getattr(owner, name) for owner, name in steps]
    assert not any(one is other for one, other in zip(before, during, strict=True))
    found.end()
    assert [getattr(owner, name) for owner, name in steps] == before
    found.end()  # once more is no harm
    found.note("a", "takes")  # and what comes too late is dropped
    assert notes(tmp_path) == []


def test_two_traces_append_to_one_file(tmp_path: Path) -> None:
    one, other = Trace(str(tmp_path / "t")), Trace(str(tmp_path / "t"))
    one.note("a", "takes", "h:1", "GET /\n", 1.0)
    other.note("b", "sleeps", at=2.0)
    one.note("a", "lets go", "h:1", at=3.0)
    one.end()
    other.end()
    assert notes(tmp_path) == [
        {"t": 1.0, "who": "a", "what": "takes", "client": "h:1", "about": "GET /\n"},
        {"t": 2.0, "who": "b", "what": "sleeps"},
        {"t": 3.0, "who": "a", "what": "lets go", "client": "h:1"},
    ]
    assert os.stat(tmp_path / "t").st_mode & 0o007 == 0


def test_a_process_knows_its_name(trace: Trace) -> None:
    processes.set_title("uWSGI http 2")
    assert trace.name == "http 2"


def test_stages_are_followed_and_the_rest_stays(trace: Trace, tmp_path: Path) -> None:
    called: list[str] = []

    def never(request: Request) -> int:
        return NEXT

    def always(request: Request) -> int:
        return DONE

    def after(request: Request) -> None:
        called.append("after")

    made = Service([], [never, always], None, None, after, [("A", "b")], ("c",), 7)
    found = traced_workers.followed(trace, made)
    assert found._replace(stages=[], after=None) == made._replace(stages=[], after=None)
    request = asked()
    assert [stage(request) for stage in found.stages] == [NEXT, NEXT, DONE]
    assert found.after is not None
    found.after(request)
    assert called == ["after"]
    core, client = "worker 2 core 3", "h:1"
    assert [(note["who"], note["what"], note["client"]) for note in notes(tmp_path)] == [
        (core, "takes", client), (core, "answers", client), (core, "lets go", client),
    ]  # fmt: skip
    assert notes(tmp_path)[0]["about"] == "GET /a"
    assert notes(tmp_path)[1]["about"] == "200, 3 bytes (test tracing)"


def test_a_request_that_no_thread_takes_stays_with_the_core(trace: Trace, tmp_path: Path) -> None:
    none = OffloadThreads(1)  # which has not started it
    assert not none.program(Offloaded(MemoryEngine(b"x")), asked())
    assert notes(tmp_path) == []
