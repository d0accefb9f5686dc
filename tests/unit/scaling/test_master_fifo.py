import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from refuwsgi.loop import Loop, sleep
from refuwsgi.options import OptionError, config_of
from refuwsgi.scaling import master_fifo
from refuwsgi.scaling.master_fifo import LETTERS, Fifos
from tests.unit.scaling.stand import FakeMaster


def noted(fifos: Fifos) -> list[str]:
    """Let each letter only be noted."""
    found: list[str] = []

    def note(letter: str) -> Callable[[Any], None]:
        return lambda master: found.append(letter)

    fifos.letters = {letter: note(letter) for letter in LETTERS}
    return found


def obeyed(fifos: Fifos, found: list[str], count: int) -> list[str]:
    """Run until so many letters have been obeyed."""
    loop = Loop()
    master: Any = FakeMaster(1, 1)

    async def stop() -> None:
        for _ in range(2000):
            if len(found) >= count:
                break
            await sleep(0.01)
        loop.stop()

    loop.spawn(fifos.run(master))
    loop.spawn(stop())
    loop.run()
    return found


def write(path: Path, letters: str) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_NONBLOCK)  # nobody reads: an error, not a wait
    os.write(fd, letters.encode())
    os.close(fd)


def test_letters_are_obeyed_in_their_order_and_others_ignored(tmp_path: Path) -> None:
    path = tmp_path / "fifo"
    fifos = Fifos((str(path),))
    found = noted(fifos)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    write(path, "sx\n?")
    write(path, "pw")
    assert obeyed(fifos, found, 3) == ["s", "p", "w"]


def test_a_digit_chooses_the_fifo(tmp_path: Path) -> None:
    paths = [tmp_path / "one", tmp_path / "two"]
    fifos = Fifos(tuple(map(str, paths)))
    found = noted(fifos)
    write(paths[0], "s917")
    assert obeyed(fifos, found, 1) == ["s"]
    assert fifos.active == str(paths[1])
    write(paths[1], "p")
    assert obeyed(fifos, found, 2) == ["s", "p"]


def test_a_fifo_that_is_there_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "fifo"
    os.mkfifo(path)
    before = path.stat().st_ino
    master_fifo.make(str(path))
    assert path.stat().st_ino == before


def test_another_file_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "precious"
    path.write_text("data")
    with pytest.raises(OptionError, match="something else"):
        master_fifo.configured(config_of(master_fifo=str(path)))
    assert path.read_text() == "data"
    with pytest.raises(OptionError, match="No such file"):
        master_fifo.make(str(tmp_path / "no" / "fifo"))


def test_without_the_option_there_is_none() -> None:
    assert master_fifo.configured(config_of()) is None
