import os
import select
import threading
from pathlib import Path

import pytest

from tests.conformance.harness import Late, eventually, fifo, write_fifo


def reader_of(path: Path) -> int:
    return os.open(path, os.O_RDONLY | os.O_NONBLOCK)


def letters_from(fd: int) -> bytes:
    assert select.select([fd], [], [], 20)[0]
    return os.read(fd, 9)


@pytest.mark.parametrize("lost_by", ["nobody", "a reader that makes another", "a reader that goes"])
def test_what_is_not_read_is_written_again(tmp_path: Path, lost_by: str) -> None:
    path = tmp_path / "fifo"
    os.mkfifo(path)
    first = reader_of(path)
    writer = threading.Thread(target=write_fifo, args=(path, "abc"), daemon=True)
    writer.start()
    assert select.select([first], [], [], 20)[0]
    if lost_by == "nobody":
        assert letters_from(first) == b"abc"
    else:
        assert os.read(first, 1) == b"a"
        if lost_by == "a reader that makes another":
            path.unlink()
            os.mkfifo(path)
        os.close(first)
        first = reader_of(path)
        assert letters_from(first) == b"bc"
    writer.join(20)
    assert not writer.is_alive()
    os.close(first)


def test_what_is_read_as_the_name_goes_is_not_written_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "fifo"
    os.mkfifo(path)
    old = reader_of(path)
    readers = [old]

    def read_and_made_anew(fd: int, path: Path) -> bool:
        if len(readers) == 1:
            assert os.read(old, 1) == b"a"
            path.unlink()
            os.mkfifo(path)
            readers.append(reader_of(path))
            return False
        return named(fd, path)

    named = fifo._named
    monkeypatch.setattr(fifo, "_named", read_and_made_anew)
    writer = threading.Thread(target=write_fifo, args=(path, "abc"), daemon=True)
    writer.start()
    assert select.select([old], [], [], 20)[0]
    eventually(lambda: len(readers) == 2, "the fifo is made anew")
    assert letters_from(readers[1]) == b"bc"
    writer.join(20)
    assert not writer.is_alive()
    for fd in readers:
        os.close(fd)


def test_a_fifo_that_comes_late_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "fifo"
    writer = threading.Thread(target=write_fifo, args=(path, "a"), daemon=True)
    writer.start()
    os.mkfifo(path)
    fd = reader_of(path)
    assert letters_from(fd) == b"a"
    writer.join(20)
    assert not writer.is_alive()
    os.close(fd)


@pytest.mark.parametrize("there", [False, True])
def test_a_fifo_that_nobody_reads_is_given_up(tmp_path: Path, there: bool) -> None:
    if there:
        os.mkfifo(tmp_path / "fifo")
    with pytest.raises(Late, match="somebody reads 'a' from fifo"):
        write_fifo(tmp_path / "fifo", "a", 0.1)
