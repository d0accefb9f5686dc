"""The pipe to the process that writes the log."""

import io
import os
import re
import threading
import time
from collections.abc import Iterator

import pytest

from refuwsgi import log_pipe
from refuwsgi.log_pipe import Patience
from tests.unit.forked import LIMIT

Ends = tuple[int, int]


@pytest.fixture
def ends() -> Iterator[Ends]:
    made = log_pipe.pipe()
    yield made
    for end in made:
        os.close(end)


def fill(ends: Ends) -> int:
    """Put so many messages into a pipe that there is no room for another."""
    count = 0
    try:
        while True:
            os.write(ends[1], b"before\n")
            count += 1
    except BlockingIOError:
        return count


def emptied(ends: Ends) -> list[bytes]:
    os.set_blocking(ends[0], False)
    found = []
    try:
        while True:
            found.append(os.read(ends[0], log_pipe.PACKET))
    except BlockingIOError:
        return [each for each in found if each != b"before\n"]


def test_what_there_is_room_for_gets_through(ends: Ends) -> None:
    assert Patience().write(ends[1], b"hello\n") == 6
    assert emptied(ends) == [b"hello\n"]


def test_a_full_pipe_is_waited_for_once_and_what_is_lost_is_counted(ends: Ends) -> None:
    patience = Patience(0.05)
    fill(ends)
    started = time.monotonic()
    assert patience.write(ends[1], b"one\n") == 4
    assert time.monotonic() - started >= 0.05
    for _ in range(5000):  # if each of them waited, this would take minutes
        patience.write(ends[1], b"more\n")
    assert time.monotonic() - started < LIMIT
    assert emptied(ends) == []
    patience.write(ends[1], b"through\n")
    patience.write(ends[1], b"and another\n")
    first, *rest = emptied(ends)
    assert re.fullmatch(rb"\*\*\* 5001 messages .* process %d: .*\n" % os.getpid(), first)
    assert rest == [b"through\n", b"and another\n"]


def test_who_reads_in_time_gets_all(ends: Ends) -> None:
    fill(ends)
    reader = threading.Timer(0.05, os.read, (ends[0], 1 << 20))
    reader.start()
    Patience(LIMIT).write(ends[1], b"late\n")
    reader.join()
    assert emptied(ends)[-1] == b"late\n"


def test_a_message_that_was_cut_ends_before_the_next(ends: Ends) -> None:
    patience = Patience(0.01)
    long = b"x" * (log_pipe.ROOM + 3 * log_pipe.PACKET)
    patience.write(ends[1], long)
    emptied(ends)
    patience.write(ends[1], b"next\n")
    first, rest = emptied(ends)
    assert first.startswith(b"\n*** 1 messages")
    assert rest == b"next\n"


def test_a_child_does_not_tell_what_its_parent_lost(
    ends: Ends, monkeypatch: pytest.MonkeyPatch
) -> None:
    patience = Patience(0.01)
    fill(ends)
    patience.write(ends[1], b"lost\n")
    emptied(ends)
    monkeypatch.setattr(os, "getpid", lambda: 1)
    patience.write(ends[1], b"of the child\n")
    assert emptied(ends) == [b"of the child\n"]


def test_nobody_reads_any_more() -> None:
    reading, writing = log_pipe.pipe()
    os.close(reading)
    assert Patience().write(writing, b"hello\n") == 6
    os.close(writing)


def test_print_never_fails(ends: Ends) -> None:
    """A plain stream would raise BlockingIOError here."""
    with open(ends[1], "w", closefd=False) as plain:
        made = log_pipe.stream(plain, Patience(0.01))
        assert isinstance(made, io.TextIOWrapper)
        made.reconfigure(line_buffering=True)
        fill(ends)
        print("lost", file=made)
        emptied(ends)
        print("hello", file=made)
    first, second = emptied(ends)
    assert (first[:6], second) == (b"*** 1 ", b"hello\n")


def test_a_stream_of_somebody_else_is_left_alone() -> None:
    own = io.StringIO()
    assert log_pipe.stream(own, Patience()) is own


def test_a_kernel_without_pipes_of_packets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "O_DIRECT")
    reading, writing = log_pipe.pipe()
    os.write(writing, b"a")
    os.write(writing, b"b")
    assert os.read(reading, 10) == b"ab"
    assert not os.get_blocking(writing)
    os.close(reading)
    os.close(writing)
