"""Processes: how they start and end."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from refuwsgi import processes
from refuwsgi.options import config_of
from refuwsgi.processes import Child, close_descriptors, ended, set_title, start
from refuwsgi.shared import words
from tests.unit.eventually import LIMIT, run, until

pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")


def status_of(main: Callable[[], int | None]) -> int:
    child = start("test", main)
    run(sentinel(child))
    return child.status()


async def sentinel(child: Child) -> None:
    from refuwsgi.loop import readable

    await readable(child.sentinel, LIMIT)


@pytest.mark.parametrize(("value", "status"), [(None, 0), (0, 0), (17, 17), (255, 255)])
def test_the_status_is_what_main_returns(value: int | None, status: int) -> None:
    assert status_of(lambda: value) == status


@pytest.mark.parametrize(("code", "status"), [(None, 0), (3, 3), ("words", 1)])
def test_an_exit_is_a_status(code: object, status: int) -> None:
    def leave() -> None:
        raise SystemExit(code)

    assert status_of(leave) == status


def test_an_error_is_a_traceback_and_status_1(capfd: pytest.CaptureFixture[str]) -> None:
    def bad() -> None:
        raise RuntimeError("oops")

    assert status_of(bad) == 1
    shown = capfd.readouterr().err
    assert "test (pid: " in shown
    assert "RuntimeError: oops" in shown


def test_a_killed_process_has_a_negative_status() -> None:
    child = start("test", lambda: signal.pause())
    child.kill(signal.SIGKILL)
    run(sentinel(child))
    assert child.status() == -signal.SIGKILL
    assert child.status() == -signal.SIGKILL
    child.kill(signal.SIGKILL)  # the pid may be another's by now: nothing is sent


def test_a_child_never_returns_into_its_parents_code(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    try:
        status_of(lambda: 0)
    finally:
        with trace.open("a") as file:
            file.write("once\n")
    assert trace.read_text() == "once\n"


def test_a_child_begins_with_default_handlers_and_nothing_blocked() -> None:
    cells = words(3)

    def look() -> None:
        cells[0] = signal.getsignal(signal.SIGUSR1) == signal.SIG_DFL
        cells[1] = signal.set_wakeup_fd(-1) == -1
        cells[2] = not signal.pthread_sigmask(signal.SIG_BLOCK, ())

    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    before = signal.signal(signal.SIGUSR1, lambda *args: None)
    old = signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
    try:
        assert status_of(look) == 0
    finally:
        signal.set_wakeup_fd(old)
        signal.signal(signal.SIGUSR1, before)
        ours.close()
        theirs.close()
    assert list(cells) == [1, 1, 1]
    assert signal.SIGUSR1 not in signal.pthread_sigmask(signal.SIG_BLOCK, ())


def test_a_childs_descriptor_zero_is_empty_and_a_duplicate_lives() -> None:
    cells = words(2)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def look() -> None:
            cells[0] = os.read(0, 1) == b""
            cells[1] = server.getsockname()[1]

        assert status_of(look) == 0
        assert list(cells) == [1, server.getsockname()[1]]


def test_what_a_child_leaves_behind_does_not_hide_its_end() -> None:
    cells = words(1)

    def leave_something() -> None:
        pid = os.fork()
        if not pid:
            signal.pause()
        cells[0] = pid

    try:
        assert status_of(leave_something) == 0
    finally:
        if cells[0]:
            os.kill(cells[0], signal.SIGKILL)


def test_children_leave_no_descriptors_and_no_zombies() -> None:
    status_of(lambda: 0)
    before = set(os.listdir("/proc/self/fd"))
    for _ in range(5):
        child = start("test", lambda: 0)
        run(sentinel(child))
        child.status()
        with pytest.raises(ChildProcessError):
            os.waitpid(child.pid, os.WNOHANG)
    # The listing's own descriptor is in both.
    assert len(set(os.listdir("/proc/self/fd")) - before) <= 1


def test_text_that_waits_to_be_written_is_written_once(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from refuwsgi.processes import start\n"
        "sys.stdout.write('parent ')\n"
        "child = start('test', lambda: sys.stdout.write('child ') and None)\n"
        "child.status()\n"
    )
    got = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert got.stdout == "parent child "


@pytest.mark.parametrize("pidfd", [True, False])
def test_the_end_of_any_child_can_be_waited_for(
    pidfd: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not pidfd:
        monkeypatch.setattr(processes, "_pidfd", lambda pid: -1)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        assert child.stdin is not None

        async def finish() -> None:
            assert child.stdin is not None
            child.stdin.close()

        run(ended(child.pid), finish())
        assert child.wait() == 1  # it was not reaped before
    run(ended(child.pid))


def test_open_descriptors_are_closed_whatever_the_limit_is() -> None:
    cells = words(4)
    one, other = os.pipe()

    def close() -> None:
        kept = os.dup(one)
        close_descriptors(keep=[kept])
        for place, number in enumerate((one, other, kept, 2)):
            try:
                os.fstat(number)
                cells[place] = 1
            except OSError:
                cells[place] = 2

    assert status_of(close) == 0
    os.close(one)
    os.close(other)
    assert list(cells) == [2, 2, 1, 1]


def test_a_child_can_end_with_its_parent() -> None:
    cells = words(2)

    def parent() -> None:
        def child() -> None:
            processes.parent_death_signal(signal.SIGKILL)
            cells[0] = 1
            signal.pause()

        cells[1] = start("child", child).pid
        until(lambda: cells[0])
        os._exit(0)

    assert status_of(parent) == 0
    until(lambda: not alive(cells[1]))


def alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


# -- titles


@pytest.fixture
def _titles(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the settings back as they were."""
    for name in ("wanted", "form", "all_of_them", "master"):
        monkeypatch.setattr(processes._Titles, name, getattr(processes._Titles, name))


def title_of(title: str) -> str:
    """What the list of processes shows of a process with this title."""
    cells = words(1)

    def wait() -> None:
        set_title(title)
        cells[0] = 1
        signal.pause()

    child = start("unnamed", wait)
    until(lambda: cells[0])
    shown = Path(f"/proc/{child.pid}/cmdline").read_bytes().rstrip(b"\0").decode()
    child.kill(signal.SIGKILL)
    run(sentinel(child))
    child.status()
    return shown


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="no /proc here")
@pytest.mark.usefixtures("_titles")
@pytest.mark.parametrize(
    ("options", "title", "shown"),
    [
        ({"auto_procname": "true"}, "uWSGI worker 1", "uWSGI worker 1"),
        ({"auto_procname": "true", "procname_prefix": "{x}"}, "uWSGI http 1", "{x}uWSGI http 1"),
        ({"procname_prefix_spaced": "app"}, "uWSGI worker 1", "app uWSGI worker 1"),
        ({"auto_procname": "true", "procname_append": "!"}, "uWSGI worker 1", "uWSGI worker 1!"),
        ({"procname": "mine"}, "uWSGI worker 1", "mine"),
        ({"procname": "mine", "procname_master": "boss"}, "uWSGI master", "boss"),
    ],
)
def test_the_list_of_processes_shows_titles(
    options: dict[str, str], title: str, shown: str
) -> None:
    processes.set_up(config_of(**options))
    found = title_of(title)
    assert found
    assert shown.startswith(found)  # there is only as much room as the command line took


@pytest.mark.usefixtures("_titles")
def test_without_the_option_nothing_is_shown() -> None:
    processes.set_up(config_of())
    assert "uWSGI worker" not in title_of("uWSGI worker 1")


def test_the_end_of_a_process_is_not_taken_for_that_of_its_successor() -> None:
    # A sibling that was forked in between has copies of our descriptors, and the successor's
    # descriptor gets the number of the one that was closed.
    from refuwsgi.loop import readable

    async def supervise() -> list[int]:
        first = start("first", lambda: signal.pause())
        sibling = start("sibling", lambda: signal.pause())
        try:
            first.kill(signal.SIGKILL)
            await readable(first.sentinel, LIMIT)
            statuses = [first.status()]
            second = start("second", lambda: signal.pause())
            try:
                with pytest.raises(TimeoutError):
                    await readable(second.sentinel, 0.05)
            finally:
                second.kill(signal.SIGTERM)
            await readable(second.sentinel, LIMIT)
            return [*statuses, second.status()]
        finally:
            sibling.kill(signal.SIGKILL)
            sibling.status()

    assert run(supervise()) == [[-signal.SIGKILL, -signal.SIGTERM]]
